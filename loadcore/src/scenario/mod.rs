//! Turns a scenario document, JSON or YAML, into a [`Scenario`] that cannot be invalid.
//!
//! Parse, don't validate: whoever holds a [`Scenario`] need not ask whether its rate is a number or
//! its target a URL. What is wrong with a document is said all at once, each fault with its path,
//! so that a person puts it right in one go.
//!
//! ```
//! use loadcore::scenario::Scenario;
//!
//! let scenario = Scenario::from_json(
//!     r#"{
//!         "name": "health", "targetUrl": "http://127.0.0.1:8080/health", "durationSeconds": 10,
//!         "loadProfile": {"type": "CONSTANT", "initialRps": 500}
//!     }"#,
//! )?;
//! assert!(scenario.load.is_open());
//! assert_eq!(scenario.connections, 1_000);
//!
//! let error = Scenario::from_json(r#"{"name": "", "targetUrl": "ftp://host", "duration": 10}"#);
//! assert_eq!(
//!     error.unwrap_err().to_string(),
//!     "the scenario has 4 faults:\n  \
//!      name: is empty; give 1 to 200 characters\n  \
//!      targetUrl: scheme \"ftp\" is not supported; give http or https\n  \
//!      durationSeconds: is missing\n  \
//!      duration: unknown field; did you mean `durationSeconds`?"
//! );
//! # Ok::<(), loadcore::scenario::ScenarioError>(())
//! ```

mod alerts;
mod checks;
mod connection;
mod document;
mod load_profile;
mod mix;
mod named;
mod number;
mod object;
mod observe;
mod parse;
mod points;
pub mod preview;
mod shared;
mod short;
mod sla;
mod target;
mod units;
mod write;
#[cfg(feature = "yaml")]
mod yaml;

pub use crate::analysis::sla::SlaRule;
pub use crate::profile::Fault;
#[cfg(feature = "cluster")]
pub(crate) use crate::request::is_secret_header;
pub use crate::request::{AddressFamily, HttpVersion};
pub use alerts::{Alert, AlertForm, AlertSecret};
pub use document::{Document, default_name, redacted_places};
pub use mix::NamedRequest;
pub use named::is_secret_name;
#[cfg(feature = "cluster")]
pub(crate) use named::{is_named, veiled};
pub use object::field_path;
pub use observe::Endpoint;
pub use preview::{Preview, preview};
pub use target::Target;
pub use units::{UnitError, parse_count, parse_duration, parse_rate};
pub(crate) use write::load_profile as profile_document;

use crate::profile::{LoadProfile, Profile};
use crate::request::{Certificates, Check, ConnectTo, FieldName, Identity, Mix, ProxyUrl};
use crate::schedule::Arrivals;
use bytes::Bytes;
use http::{HeaderValue, Method};
pub(crate) use named::Named;
use serde_json::Value;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// What a scenario may ask for at most. Each limit is named in the fault of what goes past it.
pub mod limits {
    pub use crate::profile::{
        MAX_ARRIVALS, MAX_BURSTS, MAX_DURATION_SECONDS, MAX_POINTS, MAX_RATE, MAX_STEPS,
    };

    /// Characters of the name.
    pub const MAX_NAME: usize = 200;
    /// Characters of a request's name in a mix.
    pub const MAX_REQUEST_NAME: usize = 100;
    /// The least weight of a request in a mix.
    pub const MIN_WEIGHT: f64 = 1e-6;
    /// The greatest weight of a request in a mix.
    pub const MAX_WEIGHT: f64 = 1e9;
    /// Bytes of the target's URL.
    pub const MAX_URL_BYTES: usize = 16_384;
    /// Bytes of a method.
    pub const MAX_METHOD_BYTES: usize = 64;
    /// Bytes of a header's name.
    pub const MAX_HEADER_NAME_BYTES: usize = 256;
    /// Values of all headers, counted.
    pub const MAX_HEADERS: usize = 256;
    /// Bytes of one header's value.
    pub const MAX_HEADER_BYTES: usize = 65_536;
    /// Bytes of the body: 64 MiB.
    pub const MAX_BODY_BYTES: usize = 64 << 20;
    /// Parts of a form.
    pub const MAX_FORM_PARTS: usize = 256;
    /// Workers of a run.
    pub const MAX_WORKERS: u64 = 1_000;
    /// Open connections, all workers together.
    pub const MAX_CONNECTIONS: u64 = 1_000_000;
    /// HTTP/2 streams in one connection.
    pub const MAX_STREAMS: u64 = 1_000;
    /// Arrivals that may wait.
    pub const MAX_BACKLOG: u64 = 1_000_000_000_000;
    /// Redirects to follow.
    pub const MAX_REDIRECTS: u64 = 50;
    /// The longest timeout, drain or wait for workers, and the longest window of an SLA rule.
    pub const MAX_WAIT_SECONDS: f64 = 3_600.0;
    /// Longest wait of a run for workers that are busy with other runs.
    pub const MAX_QUEUE_SECONDS: f64 = MAX_DURATION_SECONDS;
    /// Checks of a reply.
    pub const MAX_CHECKS: usize = 32;
    /// Rules of `connectTo`.
    pub const MAX_CONNECT_TO: usize = 100;
    /// Bytes of certificates, and of a private key: 1 MiB.
    pub const MAX_PEM_BYTES: usize = 1 << 20;
    /// Longest that the pacer may let due requests gather.
    pub const MAX_SLACK_SECONDS: f64 = 1.0;
    /// Engine threads of a machine.
    pub const MAX_THREADS: u64 = 1_024;
    /// Endpoints of the target that are observed.
    pub const MAX_OBSERVED: usize = 10;
    /// SLA rules.
    pub const MAX_RULES: usize = 100;
    /// Webhooks that are told of violations.
    pub const MAX_ALERTS: usize = 10;
    /// Tags, and characters of each.
    pub const MAX_TAGS: usize = 100;
    /// Characters of the notes.
    pub const MAX_NOTES: usize = 100_000;
}

/// What stands in a report where a secret would.
pub const REDACTED: &str = "[redacted]";

/// A scenario: what to do. Valid, complete with every default, and read-only.
///
/// Its fields are those of [`ScenarioFields`]. To change one, change the [`Document`] and parse
/// again: a default may follow from another field, as a ramp's length does from the duration.
#[derive(Clone, PartialEq)]
pub struct Scenario(ScenarioFields);

/// The fields of a [`Scenario`], which are read through it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ScenarioFields {
    /// What people call it.
    pub name: String,
    /// Where the requests go.
    pub target: Target,
    /// The requests in the place of the one that method and body make; empty for none.
    pub mix: Vec<NamedRequest>,
    /// The request's method.
    pub method: Method,
    /// The request's headers in the order given, those of one name together. None of them frames
    /// the message.
    pub headers: Vec<(FieldName, HeaderValue)>,
    /// The request's body; empty for none.
    pub body: Bytes,
    /// How long arrivals fall due: D.
    pub duration: Duration,
    /// How long to load before that, at the first rate, with nothing counted.
    pub warmup: Duration,
    /// How many workers share the load.
    pub num_workers: u32,
    /// How long to wait for those that are not there.
    pub worker_wait: Duration,
    /// How long to wait for those that are busy with other runs.
    pub queue_wait: Duration,
    /// What to do when one is lost.
    pub on_worker_loss: OnWorkerLoss,
    /// Open loop at a rate, or closed loop.
    pub load: Load,
    /// How arrivals are spread; closed loop has none, and does not ask.
    pub arrivals: Arrivals,
    /// What all that is random follows from: which request of the mix an arrival is, and how
    /// POISSON arrivals are spread.
    pub seed: u64,
    /// Stop after so many requests, of all workers together.
    pub max_requests: Option<u64>,
    /// The most open connections, of all workers together.
    pub connections: u32,
    /// The most HTTP/2 streams in each connection.
    pub streams: u32,
    /// The most arrivals that may wait; `None` in closed loop, where none does.
    pub max_backlog: Option<u64>,
    /// From the actual start to the end of a request.
    pub timeout: Duration,
    /// How long what is due and what is in flight at D is awaited.
    pub drain: Duration,
    /// How many redirects to follow.
    pub follow_redirects: u32,
    /// Whether a certificate that cannot be verified is an error.
    pub tls_verify: bool,
    /// Which HTTP to speak.
    pub http_version: HttpVersion,
    /// Whether a connection carries more than one request.
    pub keep_alive: bool,
    /// Which addresses of a name are dialled.
    pub address_family: AddressFamily,
    /// The HTTP proxy that connections go by.
    pub proxy: Option<ProxyUrl>,
    /// Where connections lead in the place of what the URL says; the first rule that fits counts.
    pub connect_to: Vec<ConnectTo>,
    /// Certificates to trust in the place of the system's.
    pub ca_certificate: Option<Certificates>,
    /// Our own certificate and its key, for servers that ask for one.
    pub client_certificate: Option<Identity>,
    /// How long the pacer may let due requests gather; `None`: as whoever makes the load does it.
    pub slack: Option<Duration>,
    /// Engine threads of each machine that makes the load; `None`: as many as it finds right.
    pub threads: Option<u32>,
    /// What each reply must have, beyond its status being 2xx or 3xx, to be ok.
    pub checks: Vec<Check>,
    /// The bounds on statistics.
    pub sla: Vec<SlaRule>,
    /// Whom a platform tells when a violation of one of them begins and ends.
    pub alerts: Vec<Alert>,
    /// The target's own metrics, which are read beside the load.
    pub observe: Vec<Endpoint>,
    /// For finding it again.
    pub tags: Vec<String>,
    /// Whatever people want to remember.
    pub notes: String,
    /// Whether a platform starts it at once.
    pub auto_start: bool,
    /// What it knows of the secrets that its document names.
    pub(crate) named: Option<Arc<Named>>,
}

/// As it is shown, without secrets.
impl fmt::Debug for ScenarioFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scenario {}", write::public_document(self))
    }
}

/// As it is shown, without secrets.
impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What makes the next request due.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// Closed loop: an answer to the one before it, on each connection.
    Closed,
    /// Open loop: time alone.
    Open(LoadProfile),
}

impl Load {
    /// The profile, in open loop.
    #[must_use]
    pub fn profile(&self) -> Option<&LoadProfile> {
        match self {
            Self::Closed => None,
            Self::Open(profile) => Some(profile),
        }
    }

    /// Whether arrivals come by time alone.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// The most open connections where the document names none: closed loop has as many as it is
    /// to load with, open loop opens them on demand.
    pub(crate) fn default_connections(&self) -> u32 {
        if self.is_open() { 1_000 } else { 64 }
    }

    /// The most HTTP/2 requests at once in each connection where the document says nothing of it: in
    /// closed loop the connections are the load, in open loop they carry what comes.
    pub(crate) fn default_streams(&self) -> u32 {
        if self.is_open() { 100 } else { 1 }
    }

    /// The greatest backlog where the document names none: ten seconds' worth at the peak rate, and
    /// no worker without a place.
    pub(crate) fn default_max_backlog(&self, workers: u64) -> Option<u64> {
        self.profile().map(|profile| ((10.0 * profile.peak_rate()).ceil() as u64).max(workers))
    }
}

/// What to do when a worker is lost in the middle of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnWorkerLoss {
    /// The others take over its share.
    #[default]
    Rebalance,
    /// The others go on with theirs.
    Continue,
    /// The run ends.
    Fail,
}

/// Everything that is wrong with a scenario document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the scenario has {}:{}", count(faults.len()), listed(faults))]
pub struct ScenarioError {
    /// The faults, at least one. What is not JSON or YAML at all has one alone, without a path,
    /// that gives line and column.
    pub faults: Vec<Fault>,
}

fn count(faults: usize) -> String {
    if faults == 1 { "1 fault".into() } else { format!("{faults} faults") }
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

impl Scenario {
    /// Parses JSON.
    ///
    /// # Errors
    ///
    /// Every fault of the document.
    pub fn from_json(text: &str) -> Result<Self, ScenarioError> {
        Document::from_json(text)?.parse()
    }

    /// Parses YAML.
    ///
    /// # Errors
    ///
    /// Every fault of the document.
    #[cfg(feature = "yaml")]
    pub fn from_yaml(text: &str) -> Result<Self, ScenarioError> {
        Document::from_yaml(text)?.parse()
    }

    /// Parses a document that was read already.
    ///
    /// # Errors
    ///
    /// Every fault of the document.
    pub fn from_value(value: Value) -> Result<Self, ScenarioError> {
        Document::from_value(value)?.parse()
    }

    /// Of what a builder was told, which checks it by the same limits.
    pub(crate) fn described(fields: ScenarioFields) -> Self {
        Self(fields)
    }

    /// The defaults of every field that has one.
    pub(crate) fn plain() -> ScenarioFields {
        let least = r#"{"name": "-", "targetUrl": "http://localhost/", "durationSeconds": 1}"#;
        Self::from_json(least).expect("nothing is wrong with it").0
    }

    /// Which request of the mix each arrival is.
    #[must_use]
    pub fn picks(&self) -> Mix {
        mix::picks(self.seed, &self.mix)
    }

    /// The names of its requests, in the order of the mix; none without one.
    pub fn request_names(&self) -> impl Iterator<Item = &str> {
        self.mix.iter().map(|request| request.name.as_str())
    }

    /// The document of this scenario, with every default filled in: parsed again it gives the same
    /// scenario. Header names are in lower case; `host`, `compressed`, `cookies` and `form` stand in
    /// it as the headers and the body that they are short for. In the place of a secret that was named
    /// stands its value, or its name where the value is elsewhere.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self.named.as_ref().filter(|named| named.elsewhere) {
            Some(named) => named.document.clone(),
            None => named::escaped(write::document(self)),
        }
    }

    /// The document for reports, which are passed around: as [`Scenario::to_value`], with
    /// [`REDACTED`] in the place of the values of headers that carry secrets by their names
    /// (`authorization`, `cookie`, `x-api-key` and the like), of the private key of
    /// `clientCertificate`, and of name and password in `proxy`. What a body or a URL holds is not
    /// looked at; a secret that the document names as `${secret:NAME}` is a name there, as everywhere.
    #[must_use]
    pub fn public_value(&self) -> Value {
        write::public_document(self)
    }
}

impl Deref for Scenario {
    type Target = ScenarioFields;

    fn deref(&self) -> &ScenarioFields {
        &self.0
    }
}

#[cfg(test)]
mod tests;
