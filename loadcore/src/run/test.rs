//! Builder calls into the settings of each engine thread, and those into a running test.

use super::RunError;
use super::collect::{ClosedInterval, Collector, Observer, TURNS};
use super::handle::{Control, RunHandle};
use super::limits::lanes;
use crate::analysis::sla::{Live as LiveRules, Rule, SlaRule};
use crate::engine::{self, Channels, Fence, Load, OpenLoop, Order, Settings};
use crate::http::{HttpOptions, HttpTransport};
use crate::profile::{LoadProfile, MAX_DURATION_SECONDS, Profile};
use crate::record::Interval;
use crate::request::Failure;
use crate::result::{Environment, LoopKind, Plan, ResultBuilder, RunResult};
use crate::schedule::{Arrivals, Share};
use crate::time::{Clock, Nanos, SECOND, nanos, seconds, unix_millis};
use crate::transport::{FnTransport, Transport};
use http::header::{HeaderName, HeaderValue};
use http::{Method, Uri};
use serde_json::{Map, Value};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long the pacer lets due requests gather where nobody says it.
pub const DEFAULT_SLACK: Duration = Duration::from_micros(100);
/// The longest that it may be told to let them gather.
pub const MAX_SLACK: Duration = Duration::from_secs(1);
/// Connections of a closed loop where none were asked for.
const CLOSED_CONNECTIONS: u64 = 64;
/// Most connections of an open loop where none were asked for.
const OPEN_CONNECTIONS: u64 = 1_000;
/// Sets that go round between a thread and the collector, beside the one that is recorded to.
const SPARES: usize = 2;
/// From the call to the start of the load: time for the threads to be ready.
const LEAD: Duration = Duration::from_millis(10);
/// Snapshots that wait for a slow reader, the last one included.
const SNAPSHOTS: usize = 5;

/// A load test to be configured and run. See the [module](crate::run).
///
/// Nothing happens until [`LoadTest::run`] or [`LoadTest::start`]; a fault in a setting is told
/// there. Without a rate or a profile it is a closed loop: each connection sends its next request
/// when the last one is answered.
#[must_use = "a load test does nothing until it is run"]
pub struct LoadTest<P = LoadProfile, S = HttpOptions> {
    subject: Result<S, RunError>,
    profile: Option<Result<P, RunError>>,
    settings: Common,
    observers: Vec<Observer>,
}

struct Common {
    scenario: Value,
    arrivals: Arrivals,
    duration: Option<Duration>,
    warmup: Duration,
    requests: Option<u64>,
    connections: Option<u64>,
    max_backlog: Option<u64>,
    timeout: Duration,
    drain: Duration,
    slack: Duration,
    threads: Option<usize>,
    rules: Vec<Expected>,
    duty: Option<Duty>,
}

/// What a worker of a distributed run has to do of it.
#[derive(Debug, Clone)]
pub(crate) struct Duty {
    /// Whose the snapshots are.
    pub(crate) worker: String,
    /// In which term.
    pub(crate) epoch: u64,
    /// The run's clock, the same on all workers.
    pub(crate) clock: Clock,
    /// The parts that `orders` give us, by which lanes and threads are measured out.
    pub(crate) parts: Vec<Share>,
    /// What the run was told so far, which happened at these moments.
    pub(crate) orders: Vec<(Nanos, Order)>,
    /// Until when we may send.
    pub(crate) fence: Fence,
    /// In a simulation: who is told of each request. The engine then runs on the present thread.
    #[cfg(test)]
    pub(crate) simulated: Option<Arc<dyn engine::SentWatch>>,
}

impl Duty {
    /// How long after an interval's end it is this worker's turn to publish it.
    fn turn(&self) -> Duration {
        TURNS.mul_f64(self.parts.first().map_or(0.0, |part| part.place()))
    }
}

/// The work of one thread, after which the others stop if it failed: what they would still send is
/// not the load that was asked for.
fn together(
    control: Control,
    work: impl FnOnce() -> io::Result<()>,
) -> impl FnOnce() -> io::Result<()> {
    struct Guard {
        control: Control,
        is_whole: bool,
    }
    impl Drop for Guard {
        fn drop(&mut self) {
            if !self.is_whole {
                self.control.stop();
            }
        }
    }
    move || {
        let mut guard = Guard { control, is_whole: false };
        let ended = work();
        guard.is_whole = ended.is_ok();
        ended
    }
}

/// A rule as it was given.
struct Expected {
    rule: String,
    window_seconds: Option<u32>,
    for_seconds: u32,
    abort: bool,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            scenario: Value::Null,
            arrivals: Arrivals::Uniform,
            duration: None,
            warmup: Duration::ZERO,
            requests: None,
            connections: None,
            max_backlog: None,
            timeout: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            slack: DEFAULT_SLACK,
            threads: None,
            rules: Vec::new(),
            duty: None,
        }
    }
}

/// What can be put under load: HTTP as asked for, or any [`Transport`].
pub trait IntoTransport: Send + 'static {
    /// The transport it becomes.
    type Transport: Transport;

    /// Prepares it, and checks that it may be loaded.
    fn into_transport(self) -> impl Future<Output = Result<Self::Transport, RunError>> + Send;

    /// What it is, for the result's scenario.
    fn describe(&self, _into: &mut Map<String, Value>) {}
}

impl IntoTransport for HttpOptions {
    type Transport = HttpTransport;

    async fn into_transport(self) -> Result<HttpTransport, RunError> {
        let transport = HttpTransport::new(self)?;
        transport.check_policy().await.map_err(RunError::Refused)?;
        Ok(transport)
    }

    fn describe(&self, into: &mut Map<String, Value>) {
        into.insert("targetUrl".into(), self.uri.to_string().into());
        into.insert("method".into(), self.method.as_str().into());
    }
}

impl<T: Transport> IntoTransport for T {
    type Transport = T;

    async fn into_transport(self) -> Result<T, RunError> {
        Ok(self)
    }
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
        let uri: Result<Uri, _> = url.parse();
        let options = uri.map(|uri| HttpOptions { method, ..HttpOptions::get(uri) });
        Self::of(options.map_err(|why| RunError::Url { url: url.into(), why: why.to_string() }))
    }

    /// HTTP requests with all their options.
    pub fn http(options: HttpOptions) -> Self {
        Self::of(Ok(options))
    }
}

impl<F> LoadTest<LoadProfile, FnTransport<F>> {
    /// Calls of an asynchronous closure, which answers with a status or a failure.
    pub fn call<Fut>(call: F) -> Self
    where
        F: Fn() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<u16, Failure>> + 'static,
    {
        Self::of(Ok(FnTransport::new(call)))
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
        let field = HeaderName::try_from(name)
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
        Self { subject, profile: None, settings: Common::default(), observers: Vec::new() }
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

    /// Length of the measured load. 10 s, unless a number of requests is to end it.
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

    /// Expects a rule to hold: `p99<50ms`, `error_rate<1%`. See [`crate::analysis::sla`].
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
        let subject = subject?;
        let profile = profile.transpose()?;
        let rules = settings.parsed_rules()?;
        let mut plan = Planned::new(&settings, profile)?;
        plan.describe(&subject, &settings);
        let transport = Arc::new(subject.into_transport().await?);
        plan.fit(&settings, transport.descriptors_per_lane())?;
        plan.launch(&settings, transport, rules, observers)
    }
}

/// What follows from the settings, for all threads together.
struct Planned<P> {
    profile: Option<P>,
    duration: Duration,
    /// The duration is known, and not only bounded by a number of requests.
    bounded: bool,
    threads: u64,
    lanes: u64,
    lanes_short: bool,
    max_backlog: u64,
    scenario: Map<String, Value>,
}

impl Common {
    fn parsed_rules(&self) -> Result<Vec<SlaRule>, RunError> {
        let parse = |expected: &Expected| {
            let Expected { rule, window_seconds, for_seconds, abort } = expected;
            rule.parse::<Rule>()
                .and_then(|rule| SlaRule::new(rule, *window_seconds, *for_seconds, *abort))
                .map_err(|error| RunError::Rule(error.to_string()))
        };
        self.rules.iter().map(parse).collect()
    }
}

impl Common {
    /// Which parts of the load are ours: all, on one machine.
    fn parts(&self) -> Vec<Share> {
        self.duty.as_ref().map_or_else(|| vec![Share::WHOLE], |duty| duty.parts.clone())
    }
}

fn setting(what: &'static str, value: impl ToString, limit: &str) -> RunError {
    RunError::Setting { what, value: value.to_string(), limit: limit.into() }
}

impl<P: Profile + Clone> Planned<P> {
    fn new(settings: &Common, profile: Option<P>) -> Result<Self, RunError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = settings.threads.unwrap_or(cores);
        if !(1..=1024).contains(&threads) {
            return Err(setting("the number of threads", threads, "give 1 to 1024"));
        }
        if settings.requests == Some(0) {
            return Err(setting("the number of requests", 0, "give at least 1"));
        }
        if settings.connections == Some(0) {
            return Err(setting("the number of connections", 0, "give at least 1"));
        }
        if settings.timeout.is_zero() {
            return Err(setting("the timeout", "0", "give a time above 0"));
        }
        let longest = Duration::from_secs_f64(MAX_DURATION_SECONDS);
        let (duration, bounded) = match (settings.duration, settings.requests) {
            (Some(duration), _) => (duration, true),
            (None, Some(_)) => (longest, false),
            (None, None) => (Duration::from_secs(10), true),
        };
        let too_long = [
            ("the duration", duration),
            ("the warm-up", settings.warmup),
            ("the timeout", settings.timeout),
            ("the drain", settings.drain),
        ];
        for (what, time) in too_long {
            if time > longest {
                let value = format!("{} s", time.as_secs_f64());
                return Err(setting(what, value, "give at most 604800 s (a week)"));
            }
        }
        if duration.is_zero() {
            return Err(setting("the duration", "0", "give a time above 0"));
        }
        if settings.slack > MAX_SLACK {
            let value = format!("{} s", settings.slack.as_secs_f64());
            let limit = format!("give at most {} s", MAX_SLACK.as_secs());
            return Err(setting("the slack", value, &limit));
        }
        let peak = profile.as_ref().map_or(0.0, Profile::peak_rate);
        let max_backlog = settings.max_backlog.unwrap_or((peak * 10.0).ceil().max(1.0) as u64);
        Ok(Self {
            profile,
            duration,
            bounded,
            threads: threads as u64,
            lanes: 0,
            lanes_short: false,
            max_backlog,
            scenario: Map::new(),
        })
    }

    fn describe<S: IntoTransport>(&mut self, subject: &S, settings: &Common) {
        subject.describe(&mut self.scenario);
        let mut put = |key: &str, value: Value| self.scenario.insert(key.into(), value);
        if self.bounded {
            put("durationSeconds", self.duration.as_secs_f64().into());
        }
        put("warmupSeconds", settings.warmup.as_secs_f64().into());
        put("timeoutSeconds", settings.timeout.as_secs_f64().into());
        put("drainSeconds", settings.drain.as_secs_f64().into());
    }

    /// Fits lanes and threads to each other and to the descriptors that there are.
    fn fit(&mut self, settings: &Common, descriptors_per_lane: u64) -> Result<(), RunError> {
        let default = if self.profile.is_some() { OPEN_CONNECTIONS } else { CLOSED_CONNECTIONS };
        let all = settings.connections.unwrap_or(default);
        let ours = settings.parts().iter().map(|share| share.count(all)).sum::<u64>().max(1);
        let asked = settings.connections.map(|_| ours);
        let lanes = lanes(asked, ours, descriptors_per_lane, self.threads)?;
        self.lanes_short = lanes.short;
        // Too few descriptors for our part: as if there were fewer in the whole.
        self.lanes = if lanes.short { (all * lanes.most / ours).max(1) } else { all };
        // A thread without a lane could send nothing of its share.
        self.threads = self.threads.min(lanes.most);
        Ok(())
    }

    fn launch<T: Transport>(
        self,
        settings: &Common,
        transport: Arc<T>,
        rules: Vec<SlaRule>,
        observers: Vec<Observer>,
    ) -> Result<RunHandle, RunError> {
        let clock = settings.duty.as_ref().map_or_else(|| Clock::starting_in(LEAD), |it| it.clock);
        let zero_unix_ms = (unix_millis() + clock.until_zero() / 1_000_000)
            .saturating_sub(clock.now() / 1_000_000);
        let started_unix_ms = zero_unix_ms + settings.warmup.as_millis() as u64;
        let given = settings.duty.as_ref().map(|duty| duty.orders.clone()).unwrap_or_default();
        let (control, orders) = Control::new(clock, given);
        let (publish, snapshots) = mpsc::channel(SNAPSHOTS);
        let (send, result) = oneshot::channel();
        // If a thread cannot be started, this is dropped, and ends those that were.
        let handle = RunHandle { control: control.clone(), snapshots: Some(snapshots), result };
        let count = self.threads as usize;
        let (report, reports) = sync_channel(count * (SPARES + 2));
        let mut spares = Vec::with_capacity(count);
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let (spare, emptied) = sync_channel(SPARES + 1);
            for _ in 0..SPARES {
                let _ = spare.try_send(Box::<Interval>::default());
            }
            spares.push(spare);
            let channels =
                Channels { orders: orders.clone(), reports: report.clone(), spares: emptied };
            let load = self.load(settings);
            let part = self.part(settings, clock, index);
            let transport = Arc::clone(&transport);
            #[cfg(test)]
            if part.sent.is_some() {
                tokio::task::spawn_local(engine::run_here(part, load, transport, channels));
                continue;
            }
            let thread =
                std::thread::Builder::new()
                    .name(format!("loadcore-{index}"))
                    .spawn(together(control.clone(), move || {
                        engine::run_thread(part, load, transport, channels)
                    }))?;
            threads.push(thread);
        }
        drop(report);
        // A worker that comes late has nothing to say of the intervals before.
        let measured = clock.now().saturating_sub(nanos(settings.warmup));
        let collector = Collector {
            interval: SECOND,
            first: measured / SECOND,
            turn: settings.duty.as_ref().map_or(Duration::ZERO, Duty::turn),
            worker: settings.duty.as_ref().map_or("local".into(), |duty| duty.worker.clone()),
            epoch: settings.duty.as_ref().map_or(0, |duty| duty.epoch),
            reports,
            spares,
            threads,
            builder: ResultBuilder::new(self.plan(settings, started_unix_ms)),
            live: LiveRules::new(&rules, self.profile.is_none()),
            rules,
            control,
            aborted: false,
            snapshots: publish,
            observers,
            started_unix_ms,
        };
        #[cfg(test)]
        if settings.duty.as_ref().is_some_and(|duty| duty.simulated.is_some()) {
            tokio::task::spawn_local(async { drop(send.send(collector.collect_here().await)) });
            return Ok(handle);
        }
        std::thread::Builder::new().name("loadcore-collect".into()).spawn(move || {
            // The handle may be gone: then nobody wants the result.
            let _ = send.send(collector.collect());
        })?;
        Ok(handle)
    }

    fn part(&self, settings: &Common, clock: Clock, thread: usize) -> Settings {
        Settings {
            thread,
            threads: self.threads,
            // On duty they are taken by orders, each from its moment on.
            parts: if settings.duty.is_some() { Vec::new() } else { settings.parts() },
            fence: settings.duty.as_ref().map_or(Fence::NONE, |duty| duty.fence.clone()),
            clock,
            measured_from: nanos(settings.warmup),
            lanes_short: self.lanes_short,
            timeout: nanos(settings.timeout),
            drain: nanos(settings.drain),
            slack: nanos(settings.slack),
            interval: SECOND,
            #[cfg(test)]
            sent: settings.duty.as_ref().and_then(|duty| duty.simulated.clone()),
        }
    }

    fn load(&self, settings: &Common) -> Load<P> {
        let open = self.profile.clone().map(|profile| OpenLoop {
            profile,
            arrivals: settings.arrivals,
            max_backlog: self.max_backlog,
        });
        Load {
            open,
            warmup: nanos(settings.warmup),
            end: nanos(self.duration),
            limit: settings.requests,
            lanes: self.lanes,
        }
    }

    fn plan(&self, settings: &Common, started_unix_ms: u64) -> Plan {
        let scenario = match &settings.scenario {
            Value::Null => Value::Object(self.scenario.clone()),
            given => given.clone(),
        };
        let slack_us = settings.slack.as_secs_f64() * 1e6;
        let options = Map::from_iter([
            ("slackUs".to_owned(), Value::from(slack_us)),
            ("connections".to_owned(), Value::from(self.lanes)),
            ("maxBacklog".to_owned(), Value::from(self.max_backlog)),
        ]);
        let loop_kind = if self.profile.is_some() { LoopKind::Open } else { LoopKind::Closed };
        // Without a known end, rows are a second long and neighbours are merged when they are many.
        let planned = if self.bounded { self.duration + settings.drain } else { Duration::ZERO };
        Plan {
            scenario,
            started_unix_ms,
            environment: Environment {
                version: env!("CARGO_PKG_VERSION").into(),
                os: std::env::consts::OS.into(),
                cores: std::thread::available_parallelism().ok().map(|cores| cores.get() as u64),
                threads: Some(self.threads),
                workers: 1,
                options,
            },
            loop_kind,
            warmup_seconds: seconds(nanos(settings.warmup)),
            planned_seconds: planned.as_secs_f64(),
            slack_ns: nanos(settings.slack),
        }
    }
}
