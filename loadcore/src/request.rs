//! Declares what is asked, and what became of it: the request template, the outcome, the error
//! classes.

mod check;
mod field_name;
mod form;
mod mix;
mod pem;
mod protocol;
mod reference;
mod route;
mod url;

pub use url::{
    AddressFamily, Authority, ENCODINGS, HttpVersion, Origin, Url, ascii_host, check_method,
    check_value, framing, has_scheme, is_framing, parse_port, with_scheme,
};
pub(crate) use url::{quoted, quoted_url, shown};

pub use check::{Check, CheckError, Checks, Field, Inspection, MAX_CHECK_BYTES};
pub(crate) use check::{Kind as CheckKind, STATUSES};
pub use field_name::FieldName;
pub(crate) use field_name::is_secret_header;
pub use form::{Form, Part, type_of};
pub use mix::{MOST_REQUESTS, Mix, Tally};
pub use pem::{Certificates, Identity, certificates, private_key};
pub(crate) use pem::{holds_key, is_pem};
pub use protocol::{Http, Protocol, Tls};
pub(crate) use route::percent_decoded;
pub use route::{ConnectTo, ProxyUrl};

use crate::time::Nanos;
use std::borrow::Cow;
use std::fmt;

/// Where a request failed. The names are those of the result document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The name did not resolve.
    Dns,
    /// Nobody listens there.
    ConnectRefused,
    /// No connection within the timeout.
    ConnectTimeout,
    /// The TLS handshake failed: certificate, protocol version, alert.
    Tls,
    /// The request could not be written.
    Write,
    /// The connection ended before a whole reply head had come.
    Read,
    /// The other side reset the connection.
    Reset,
    /// What came is no valid reply: not HTTP, or not what a transport of one's own expects.
    Protocol,
    /// No whole reply within the timeout.
    ResponseTimeout,
    /// The reply's body was cut short or wrongly framed.
    Body,
    /// A check of the reply did not pass.
    Check,
    /// Answered with 400 to 499.
    Http4xx,
    /// Answered with 500 to 599.
    Http5xx,
    /// More redirects than allowed.
    RedirectLimit,
    /// The address may not be loaded.
    BlockedByPolicy,
    /// Our own fault.
    Internal,
    /// The server had closed the idle connection as the request went out on it.
    Stale,
    /// What is loaded in the place of HTTP, a closure or a service, failed or panicked.
    Target,
}

impl ErrorClass {
    /// How many there are: those of the contract. What is written by number (snapshots, counters) has so
    /// many places, and a version that adds one is a new version of that form.
    pub const COUNT: usize = 18;

    /// Every class, in the order of its number.
    pub const ALL: [ErrorClass; Self::COUNT] = [
        Self::Dns,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::Tls,
        Self::Write,
        Self::Read,
        Self::Reset,
        Self::Protocol,
        Self::ResponseTimeout,
        Self::Body,
        Self::Check,
        Self::Http4xx,
        Self::Http5xx,
        Self::RedirectLimit,
        Self::BlockedByPolicy,
        Self::Internal,
        Self::Stale,
        Self::Target,
    ];

    /// The name in documents: `connect_refused`, `http_5xx`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls",
            Self::Write => "write",
            Self::Read => "read",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::ResponseTimeout => "response_timeout",
            Self::Body => "body",
            Self::Check => "check",
            Self::Http4xx => "http_4xx",
            Self::Http5xx => "http_5xx",
            Self::RedirectLimit => "redirect_limit",
            Self::BlockedByPolicy => "blocked_by_policy",
            Self::Internal => "internal",
            Self::Stale => "stale",
            Self::Target => "target",
        }
    }
}

/// Why an arrival was given up before it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum DropReason {
    /// More arrivals waited than the backlog may hold; the oldest is given up.
    BacklogFull,
    /// This machine had no descriptor or port left to open a connection with.
    NoConnection,
    /// The worker's lease was over, or it had left: its share was nobody's.
    Fenced,
    /// The run was stopped.
    Stopped,
    /// It still waited when the drain ended.
    RunEnded,
}

impl DropReason {
    /// Every reason, in the order of its number.
    pub const ALL: [DropReason; 5] =
        [Self::BacklogFull, Self::NoConnection, Self::Fenced, Self::Stopped, Self::RunEnded];

    /// The name in documents: `backlog_full`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BacklogFull => "backlog_full",
            Self::NoConnection => "no_connection",
            Self::Fenced => "fenced",
            Self::Stopped => "stopped",
            Self::RunEnded => "run_ended",
        }
    }
}

/// Why a request failed: its class, and a cause that becomes text only when somebody reads it.
#[derive(Debug)]
pub struct Failure {
    /// Where it failed.
    pub class: ErrorClass,
    /// What was found there.
    pub cause: Cause,
}

/// A failure's cause. Making one does not allocate, except for `Text`.
#[derive(Debug)]
pub enum Cause {
    /// A fixed text.
    Known(&'static str),
    /// The operating system's error.
    Io(std::io::Error),
    /// A text made for the occasion.
    Text(Box<str>),
    /// What this machine lacked, so that the attempt could not begin.
    Shortage(Box<str>),
    /// A class that the thing under load names itself, and a text.
    Own(Box<(Cow<'static, str>, Box<str>)>),
}

impl Failure {
    /// A failure with a fixed text.
    #[must_use]
    pub const fn new(class: ErrorClass, cause: &'static str) -> Self {
        Self { class, cause: Cause::Known(cause) }
    }

    /// A failure with a text made for the occasion.
    #[must_use]
    pub fn text(class: ErrorClass, cause: impl fmt::Display) -> Self {
        Self { class, cause: Cause::Text(cause.to_string().into()) }
    }

    /// A failure of a class that the thing under load names itself: `cache_miss`, `out_of_stock`. A run
    /// tells 32 of them apart; what is more is counted as `target`, and so is a name that is empty or
    /// longer than 100 characters.
    #[must_use]
    pub fn named(class: impl Into<Cow<'static, str>>, cause: impl fmt::Display) -> Self {
        let cause = Cause::Own(Box::new((class.into(), cause.to_string().into())));
        Self { class: ErrorClass::Target, cause }
    }

    /// The class that the thing under load has named, if it has.
    #[must_use]
    pub fn own_class(&self) -> Option<&str> {
        match &self.cause {
            Cause::Own(own) => Some(&own.0),
            _ => None,
        }
    }

    /// This machine could not begin the attempt: it had no port, no descriptor or no memory left for
    /// it. Such an attempt is no request. It is counted apart and made again later; nothing of it may
    /// have been sent. See [`Lane`](crate::transport::Lane).
    #[must_use]
    pub fn shortage(what: impl fmt::Display) -> Self {
        let cause = Cause::Shortage(what.to_string().into());
        Self { class: ErrorClass::Internal, cause }
    }

    /// Whether this machine could not begin the attempt.
    #[must_use]
    pub fn is_shortage(&self) -> bool {
        matches!(self.cause, Cause::Shortage(_))
    }

    /// A failure from an error of the operating system; resets are told apart from the rest.
    #[must_use]
    pub fn io(class: ErrorClass, error: std::io::Error) -> Self {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        let reset = matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe);
        let class = match class {
            ErrorClass::Read | ErrorClass::Write | ErrorClass::Body if reset => ErrorClass::Reset,
            other => other,
        };
        Self { class, cause: Cause::Io(error) }
    }
}

/// An error of the thing under load, so that `?` works in a closure.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::text(ErrorClass::Target, error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Known(text) => f.write_str(text),
            Cause::Io(error) => write!(f, "{error}"),
            Cause::Text(text) | Cause::Shortage(text) => f.write_str(text),
            Cause::Own(own) => f.write_str(&own.1),
        }
    }
}

/// What one attempt came to, as a transport reports it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The reply's status, where there was one.
    pub status: Option<u16>,
    /// `None` for success. A status of 400 and more needs no failure here: the engine classes it.
    pub failure: Option<Failure>,
    /// When the first byte of the reply came, on the run's clock.
    pub first_byte_at: Option<Nanos>,
    /// When the reply was whole, on the run's clock; `None`: the engine reads the clock itself.
    pub end_at: Option<Nanos>,
    /// `end_at` is when the reply came to this machine, whenever it was read
    /// (`transport::Hearing::came_at`). As long as all outcomes are, the engine reads replies when it
    /// wakes to send anyway, instead of waking for each.
    pub stamped: bool,
    /// Bytes written for it.
    pub bytes_sent: u64,
    /// Bytes read for it.
    pub bytes_received: u64,
    /// Connections opened for it beside the lane's own, as for a redirect to another origin.
    pub further_connects: u64,
    /// The other side has received nothing of it, since the lane turned out closed or it says so
    /// itself: the attempt goes on when the lane has been opened again, until it succeeds or its
    /// timeout is over.
    pub not_begun: bool,
}

impl Outcome {
    /// An attempt that failed.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

// The last class has the last number: none was forgotten in `ALL`.
const _: () = assert!(ErrorClass::Target as usize + 1 == ErrorClass::COUNT);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_classes_are_those_of_the_contract_each_at_its_number() {
        let contract = "dns connect_refused connect_timeout tls write read reset stale protocol \
                        response_timeout body check http_4xx http_5xx redirect_limit \
                        blocked_by_policy target internal";
        let mut wanted: Vec<_> = contract.split_whitespace().collect();
        let mut names: Vec<_> = ErrorClass::ALL.map(ErrorClass::name).into();
        wanted.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, wanted);
        assert_eq!(wanted.len(), ErrorClass::COUNT);
        for (number, class) in ErrorClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, number, "{}", class.name());
        }
    }
}
