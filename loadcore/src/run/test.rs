//! Builder calls into a test that can be run.

use super::RunError;
use super::collect::{ClosedInterval, Observer};
use super::handle::RunHandle;
use super::planned::Planned;
#[cfg(feature = "cluster")]
use super::settings::Duty;
use super::settings::{Expected, TestSettings};
use super::subject::IntoTransport;
use crate::http::HttpOptions;
use crate::profile::{LoadProfile, Profile};
use crate::request::{AddressFamily, Authority, Check, ENCODINGS, Failure, FieldName, Form, Url};
use crate::result::RunResult;
use crate::schedule::Arrivals;
use crate::transport::{Call, FnTransport, Session, Transport};
use http::Method;
use http::header::{COOKIE, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A load test to be configured and run. See the [module](crate::run).
///
/// Nothing happens until [`LoadTest::run`] or [`LoadTest::start`]; a fault in a setting is told
/// there. Without a rate or a profile it is a closed loop: each connection sends its next request
/// when the last one is answered.
#[must_use = "a load test does nothing until it is run"]
pub struct LoadTest<P = LoadProfile, S = HttpOptions> {
    subject: Result<S, RunError>,
    profile: Option<Result<P, RunError>>,
    settings: TestSettings,
    observers: Vec<Observer>,
}

impl LoadTest {
    /// GET requests to `url`.
    pub fn get(url: &str) -> Self {
        Self::request(Method::GET, url)
    }

    /// POST requests to `url`, with a body from [`LoadTest::body`].
    pub fn post(url: &str) -> Self {
        Self::request(Method::POST, url)
    }

    /// Requests of any method to `url`.
    pub fn request(method: Method, url: &str) -> Self {
        let parsed = Url::parse(url);
        let options =
            parsed.map(|url| HttpOptions { method, ..HttpOptions::get(url.uri().clone()) });
        Self::of(options.map_err(|why| RunError::Url { url: url.into(), why }))
    }

    /// HTTP requests with all their options.
    pub fn http(options: HttpOptions) -> Self {
        Self::of(Ok(options))
    }
}

impl<F> LoadTest<LoadProfile, FnTransport<F>> {
    /// Calls of an asynchronous closure, which is told of its [`Call`] and answers with a status or a
    /// failure.
    pub fn call(call: F) -> Self
    where
        F: AsyncFn(Call) -> Result<u16, Failure> + Clone + Send + Sync + 'static,
    {
        Self::of(Ok(FnTransport::new(call)))
    }
}

impl<S, O, F> LoadTest<LoadProfile, Session<S, O, F>>
where
    O: AsyncFn() -> Result<S, Failure> + Clone + Send + Sync + 'static,
    F: AsyncFn(&mut S, Call) -> Result<u16, Failure> + Clone + Send + Sync + 'static,
    S: 'static,
{
    /// Calls of a closure with what another one has opened, one for each of the
    /// [connections](LoadTest::connections): a connection of any protocol, a client of a library. See
    /// [`Session`].
    pub fn session(open: O, call: F) -> Self {
        Self::of(Ok(Session::new(open, call)))
    }
}

impl<T: Transport> LoadTest<LoadProfile, T> {
    /// Requests of any kind.
    pub fn transport(transport: T) -> Self {
        Self::of(Ok(transport))
    }
}

/// What only HTTP has.
impl<P> LoadTest<P, HttpOptions> {
    /// Adds a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let bad = |what, value: &str, why: String| RunError::Setting {
            what,
            value: value.escape_debug().to_string(),
            limit: why,
        };
        let field = FieldName::try_from(name)
            .map_err(|e| bad("a header's name", name, e.to_string()))
            .and_then(|name| {
                let value = HeaderValue::try_from(value);
                Ok((name, value.map_err(|e| bad("a header's value", "...", e.to_string()))?))
            });
        match (field, &mut self.subject) {
            (Ok(field), Ok(options)) => options.headers.push(field),
            (Err(error), Ok(_)) => self.subject = Err(error),
            _ => {}
        }
        self
    }

    /// The Host of HTTP/1.1 and the `:authority` of HTTP/2, in the place of the URL's. Where connections
    /// lead, and which name a certificate must have, the URL still says.
    pub fn host(self, host: &str) -> Self {
        match Authority::parse(host) {
            Ok(authority) => self.header("Host", &authority.to_string()),
            Err(why) => self.refused("the host", host.escape_debug().to_string(), why),
        }
    }

    /// Sends a cookie, beside those that were given before.
    pub fn cookie(self, name: &str, value: &str) -> Self {
        let wrong = |text: &str| text.contains(|c: char| c == ';' || c.is_control());
        if name.is_empty() || name.contains('=') || wrong(name) || wrong(value) {
            let limit = "give name and value without a semicolon or a control character".into();
            return self.refused("a cookie", format!("{}=...", name.escape_debug()), limit);
        }
        // All in one field (RFC 6265 section 5.4).
        let mut all = vec![];
        let test = self.options(|options| {
            options.headers.retain(|(name, value)| {
                let is_cookie = *name == COOKIE;
                if is_cookie {
                    all.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
                }
                !is_cookie
            });
        });
        all.push(format!("{name}={value}"));
        test.header("Cookie", &all.join("; "))
    }

    /// Asks for compressed replies: gzip, br or zstd. What comes is counted as it comes, and not
    /// unpacked.
    pub fn compressed(self) -> Self {
        self.header("Accept-Encoding", ENCODINGS)
    }

    /// Sends a form (`multipart/form-data`) as the body.
    pub fn form(self, form: &Form) -> Self {
        let (content_type, body) = form.encode();
        self.body(body).header("Content-Type", content_type.to_str().unwrap_or_default())
    }

    /// Follows so many redirects within a request; 0: a redirect is an answer like any other.
    pub fn follow_redirects(self, most: u32) -> Self {
        self.options(|options| options.max_redirects = most)
    }

    /// Fails each reply without this, as class `check`: `status==200`, `header:x-a==b`, `body~=ok`,
    /// `bytes<=9000`. All of them: [`Check`].
    pub fn check_reply(self, check: &str) -> Self {
        match check.parse::<Check>() {
            Ok(check) => self.options(|options| options.checks = options.checks.and(check)),
            Err(why) => self.refused("a check", check.escape_debug().to_string(), why.to_string()),
        }
    }

    /// Dials addresses of IPv4 or IPv6 alone.
    pub fn address_family(self, family: AddressFamily) -> Self {
        self.options(|options| options.address_family = family)
    }

    fn refused(mut self, what: &'static str, value: String, limit: String) -> Self {
        if self.subject.is_ok() {
            self.subject = Err(RunError::Setting { what, value, limit });
        }
        self
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<bytes::Bytes>) -> Self {
        let body = body.into();
        self.options(|options| options.body = body)
    }

    /// Changes any option of HTTP.
    pub fn options(mut self, change: impl FnOnce(&mut HttpOptions)) -> Self {
        if let Ok(options) = &mut self.subject {
            change(options);
        }
        self
    }
}

impl<S> LoadTest<LoadProfile, S> {
    /// Open loop at a constant rate, in requests per second.
    pub fn rate(mut self, per_second: f64) -> Self {
        let profile = LoadProfile::constant(per_second);
        self.profile = Some(profile.map_err(|error| RunError::Profile(error.to_string())));
        self
    }
}

impl<P, S> LoadTest<P, S> {
    fn of(subject: Result<S, RunError>) -> Self {
        Self { subject, profile: None, settings: TestSettings::default(), observers: Vec::new() }
    }

    /// Open loop with any load profile.
    pub fn profile<Q: Profile>(self, profile: Q) -> LoadTest<Q, S> {
        LoadTest {
            subject: self.subject,
            profile: Some(Ok(profile)),
            settings: self.settings,
            observers: self.observers,
        }
    }

    /// How arrivals are spread: evenly, or as a Poisson process.
    pub fn arrivals(mut self, arrivals: Arrivals) -> Self {
        self.settings.arrivals = arrivals;
        self
    }

    /// Names and weights of the requests, in the order in which [`Call::request`] counts them. Which one
    /// an arrival is follows from the [seed](LoadTest::seed) and its number, and each name has
    /// statistics of its own. At most 100.
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = (N, f64)>) -> Self {
        self.settings.mix = names.into_iter().map(|(name, weight)| (name.into(), weight)).collect();
        self
    }

    /// What the choice among named requests follows from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Length of the measured load: the profile's own where it has one, else 10 s, unless a number of
    /// requests is to end it.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.settings.duration = Some(duration);
        self
    }

    /// Load before the measured time, with the profile's first rate, in no statistic.
    pub fn warmup(mut self, warmup: Duration) -> Self {
        self.settings.warmup = warmup;
        self
    }

    /// Ends the load after so many requests.
    pub fn requests(mut self, requests: u64) -> Self {
        self.settings.requests = Some(requests);
        self
    }

    /// Most connections at once. Closed loop 64; an open loop opens up to 1,000 on demand.
    pub fn connections(mut self, connections: u64) -> Self {
        self.settings.connections = Some(connections);
        self
    }

    /// Most arrivals that may wait; 10 seconds' worth of the profile's peak.
    pub fn max_backlog(mut self, max_backlog: u64) -> Self {
        self.settings.max_backlog = Some(max_backlog);
        self
    }

    /// Most time for a request from its actual start, connecting included; 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Most time for what is due or in flight at the end; 5 s.
    pub fn drain(mut self, drain: Duration) -> Self {
        self.settings.drain = drain;
        self
    }

    /// How long the pacer may let due requests gather: 0 exact, 25 us precise, 100 us default.
    pub fn slack(mut self, slack: Duration) -> Self {
        self.settings.slack = slack;
        self
    }

    /// Engine threads; all cores.
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = Some(threads);
        self
    }

    /// Expects a rule to hold: `ok_p99<50ms`, `error_rate<1%`. See [`crate::analysis::sla`].
    pub fn expect(mut self, rule: &str) -> Self {
        let rule = rule.to_owned();
        self.settings.rules.push(Expected {
            rule,
            window_seconds: None,
            for_seconds: 0,
            abort: false,
        });
        self
    }

    /// A rule over a sliding window, which has to be violated for some seconds, and may then end
    /// the run.
    pub fn expect_live(
        mut self,
        rule: &str,
        window_seconds: Option<u32>,
        for_seconds: u32,
        abort: bool,
    ) -> Self {
        let rule = rule.to_owned();
        self.settings.rules.push(Expected { rule, window_seconds, for_seconds, abort });
        self
    }

    /// The scenario that the result shows, in the place of the one made from the calls.
    pub fn scenario_document(mut self, scenario: Value) -> Self {
        self.settings.scenario = scenario;
        self
    }

    /// The same load on something else.
    #[cfg(test)]
    pub(crate) fn on<T: Transport>(self, transport: T) -> LoadTest<P, T> {
        LoadTest {
            subject: Ok(transport),
            profile: self.profile,
            settings: self.settings,
            observers: self.observers,
        }
    }

    /// Makes only what one worker of a distributed run has to make.
    #[cfg(feature = "cluster")]
    pub(crate) fn on_duty(mut self, duty: Duty) -> Self {
        // A part of a run says nothing about the whole: rules are judged where all parts are merged.
        self.settings.rules.clear();
        self.settings.duty = Some(duty);
        self
    }

    /// Calls `observe` with each interval of a second as it closes, on a thread that is not the
    /// engine's: for writing a stream of results while memory stays flat.
    pub fn on_interval(
        mut self,
        observe: impl FnMut(&ClosedInterval<'_>) + Send + 'static,
    ) -> Self {
        self.observers.push(Box::new(observe));
        self
    }
}

impl<P: Profile + Clone, S: IntoTransport> LoadTest<P, S> {
    /// Runs the test to its end. Dropping the future ends the load.
    ///
    /// # Errors
    /// When the run could not be made; requests that fail are part of the result.
    pub async fn run(self) -> Result<RunResult, RunError> {
        self.start().await?.wait().await
    }

    /// Whether it could be run: the first error that [`LoadTest::start`] would answer before there is
    /// any load. Nothing is sent.
    ///
    /// # Errors
    /// When the run could not be made.
    pub async fn check(self) -> Result<(), RunError> {
        let profile = self.profile.transpose()?;
        self.settings.parsed_rules()?;
        Planned::new(&self.settings, profile)?;
        self.subject?.into_transport().await.map(drop)
    }

    /// Starts the test, from within a tokio runtime, which looks names up. The engine brings threads
    /// of its own.
    ///
    /// # Errors
    /// When the run could not be made.
    pub async fn start(self) -> Result<RunHandle, RunError> {
        let Self { subject, profile, settings, observers } = self;
        let (subject, profile) = (subject?, profile.transpose()?);
        let rules = settings.parsed_rules()?;
        let mut plan = Planned::new(&settings, profile)?;
        plan.describe(&subject, &settings);
        let mut transport = subject.into_transport().await?;
        transport.for_loop(plan.profile.is_some());
        let transport = Arc::new(transport);
        plan.fit(&settings, transport.descriptors_per_lane())?;
        plan.launch(&settings, &transport, rules, observers)
    }
}
