//! Turns builder calls into a test that can be run.

use super::RunError;
use super::capacity::CapacityTest;
use super::collect::{ClosedInterval, Observer};
use super::described;
use super::error::Problems;
use super::handle::RunHandle;
use super::load::{AnyProfile, Wanted};
use super::planned::Planned;
use super::progress::Progress;
#[cfg(feature = "cluster")]
use super::settings::Assignment;
use super::settings::TestSettings;
use super::sla::Sla;
use super::subject::{Made, Start, Subject};
use crate::profile::{LoadProfile, Profile, ProfileType, Step};
use crate::request::Failure;
use crate::result::RunResult;
use crate::schedule::Arrivals;
use crate::transport::{Call, FnTransport, Session, Transport};
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A load test to be configured and run. See the [module](crate::run).
///
/// Nothing happens until [`LoadTest::run`] or [`LoadTest::start`]; all that is wrong with the settings
/// is told there, at once. Without a rate or a profile it is a closed loop: each connection sends its
/// next request when the last one is answered.
///
/// A clone is a test of its own with the same settings; only what was given to
/// [`on_interval`](LoadTest::on_interval) they have in common.
#[derive(Clone)]
#[must_use = "a load test does nothing until it is run"]
pub struct LoadTest {
    pub(super) subject: Subject,
    pub(super) load: Wanted,
    pub(super) settings: TestSettings,
    pub(super) observers: Vec<Observer>,
    pub(super) problems: Problems,
}

/// Loads anything else.
impl LoadTest {
    /// Calls of an asynchronous closure, which is told of its [`Call`] and answers with a status or a
    /// failure.
    pub fn call<F>(call: F) -> Self
    where
        F: AsyncFn(Call) -> Result<u16, Failure> + Clone + Send + Sync + 'static,
    {
        Self::transport(FnTransport::new(call))
    }

    /// Calls of a closure with what another one has opened, one for each of the
    /// [connections](LoadTest::connections): a connection of any protocol, a client of a library. See
    /// [`Session`].
    pub fn session<S, O, F>(open: O, call: F) -> Self
    where
        O: AsyncFn() -> Result<S, Failure> + Clone + Send + Sync + 'static,
        F: AsyncFn(&mut S, Call) -> Result<u16, Failure> + Clone + Send + Sync + 'static,
        S: 'static,
    {
        Self::transport(Session::new(open, call))
    }

    /// Requests of any kind. Each clone of the test has a clone of the transport.
    pub fn transport<T: Transport + Clone>(transport: T) -> Self {
        Self::of(Subject::Made(Box::new(transport)))
    }

    pub(super) fn of(subject: Subject) -> Self {
        Self {
            subject,
            load: Wanted::default(),
            settings: TestSettings::default(),
            observers: Vec::new(),
            problems: Problems::default(),
        }
    }
}

/// When requests are due.
impl LoadTest {
    /// Open loop at a constant rate, in requests per second.
    pub fn rate(mut self, per_second: f64) -> Self {
        match LoadProfile::constant(per_second) {
            Ok(profile) => self.load = Wanted::Profile(AnyProfile::new(profile)),
            Err(error) => self.problems.add_all("loadProfile", &error.faults.clone(), error),
        }
        self
    }

    /// Open loop at a rate that goes in a line from one to another, `over` a time, and stays there for as
    /// long as the [duration](LoadTest::duration) says: by default as long as the line.
    pub fn ramp(mut self, from: f64, to: f64, over: Duration) -> Self {
        let ramp = ProfileType::Ramp {
            initial_rps: from,
            target_rps: to,
            ramp_up_seconds: Some(over.as_secs_f64()),
        };
        self.load = Wanted::Typed(ramp, over);
        self
    }

    /// Open loop at one rate after the other, each for its time.
    pub fn steps(mut self, steps: impl IntoIterator<Item = (f64, Duration)>) -> Self {
        let step =
            |(rps, lasts): (f64, Duration)| Step { duration_seconds: lasts.as_secs_f64(), rps };
        let steps: Vec<_> = steps.into_iter().map(step).collect();
        let length = steps.iter().map(|step| step.duration_seconds).sum();
        match LoadProfile::new(ProfileType::Steps { steps }, length) {
            Ok(profile) => self.load = Wanted::Profile(AnyProfile::new(profile)),
            Err(error) => self.problems.add_all("loadProfile", &error.faults.clone(), error),
        }
        self
    }

    /// Open loop with any load profile. Nothing that a [`LoadProfile`] answers costs a `dyn` call; a type
    /// of one's own is asked through one, some three times for each request.
    pub fn profile<P: Profile>(mut self, profile: P) -> Self {
        self.load = Wanted::Profile(AnyProfile::new(profile));
        self
    }

    /// How arrivals are spread: evenly, or as a Poisson process, whose seed becomes the test's.
    pub fn arrivals(mut self, arrivals: Arrivals) -> Self {
        if let Arrivals::Poisson { seed } = arrivals {
            self.settings.seed = seed;
        }
        self.settings.poisson = arrivals != Arrivals::Uniform;
        self
    }

    /// Arrivals as independent users come, and not evenly: which ones follows from the
    /// [seed](LoadTest::seed).
    pub fn poisson(mut self) -> Self {
        self.settings.poisson = true;
        self
    }

    /// What all that is random follows from: which named request an arrival is, and how Poisson
    /// arrivals are spread; 0.
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
}

/// What else a test is told.
impl LoadTest {
    /// Its name, in the result's scenario and in reports: 1 to 200 characters; `load test`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Names and weights of the requests of a closure or a transport, in the order in which
    /// [`Call::request`] counts them. Which one an arrival is follows from the [seed](LoadTest::seed)
    /// and its number, and each name has statistics of its own. At most 100. Over HTTP:
    /// [`LoadTest::mix`].
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = (N, f64)>) -> Self {
        self.settings.mix = names.into_iter().map(|(name, weight)| (name.into(), weight)).collect();
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
        self.settings.slack = Some(slack);
        self
    }

    /// Engine threads; all cores.
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = Some(threads);
        self
    }

    /// Holds the run against a rule: `ok_p99<50ms`, `error_rate<1%` (see [`crate::analysis::sla`]), or
    /// an [`Sla`], which may watch it as the run goes on, and end it. What came of it is in the result,
    /// for [`RunResult::assert_passed`].
    pub fn sla(mut self, rule: impl Into<Sla>) -> Self {
        self.settings.rules.push(rule.into());
        self
    }

    /// Reads the target's own metrics beside the load, once a second: an endpoint that answers in
    /// Prometheus's text format. What it told is in the result, by this name, and findings say what of it
    /// moved with them. At most 10. Over HTTP the test's target policy holds for it too.
    pub fn observe(mut self, name: &str, url: &str) -> Self {
        self.settings.observe.push((Some(name.to_owned()), url.to_owned()));
        self
    }

    /// The scenario that the result shows, in the place of the one made from the calls, which is whole: it
    /// can be parsed by [`Scenario::from_value`](crate::scenario::Scenario::from_value) and run again.
    /// Secrets in it read `[redacted]`. What a document cannot say: a closure or a transport, whose
    /// document has no `targetUrl`; and a [`Profile`] of one's own, in the place of which stand STEPS of
    /// as many arrivals each.
    pub fn scenario_document(mut self, scenario: Value) -> Self {
        self.settings.scenario = scenario;
        self
    }

    /// The same load on something else.
    #[cfg(test)]
    pub(crate) fn on<T: Transport + Clone>(mut self, transport: T) -> Self {
        self.subject = Subject::Made(Box::new(transport));
        self
    }

    /// Makes only what one worker of a distributed run has to make.
    #[cfg(feature = "cluster")]
    pub(crate) fn assigned(mut self, assignment: Assignment) -> Self {
        // A part of a run says nothing about the whole: rules are judged where all parts are merged.
        self.settings.rules.clear();
        self.settings.observe.clear();
        // Nor does it tell of it.
        self.settings.scenario = Value::Object(serde_json::Map::new());
        self.settings.assignment = Some(assignment);
        self
    }

    /// Calls `observe` with each interval of a second as it closes, on a thread that is not the
    /// engine's: for writing a stream of results while memory stays flat.
    pub fn on_interval(
        mut self,
        observe: impl FnMut(&ClosedInterval<'_>) + Send + 'static,
    ) -> Self {
        self.observers.push(Observer(Arc::new(Mutex::new(observe))));
        self
    }

    /// Calls `observe` each second with how the run goes, in the few numbers that people look at.
    pub fn on_progress(self, mut observe: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.on_interval(move |closed| observe(&closed.progress()))
    }
}

/// Runs it.
impl LoadTest {
    /// Runs the test to its end. Dropping the future ends the load.
    ///
    /// # Errors
    /// When the run could not be made; requests that fail are part of the result.
    pub async fn run(self) -> Result<RunResult, RunError> {
        self.start().await?.wait().await
    }

    /// Runs the test to its end where nothing is asynchronous: it brings a runtime of its own, also where
    /// there is one already, whose thread it holds up then.
    ///
    /// # Errors
    /// As [`LoadTest::run`].
    pub fn run_blocking(self) -> Result<RunResult, RunError> {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.run())
        };
        // A runtime within a runtime is not allowed, but a thread is.
        let thread = std::thread::Builder::new().name("loadcore-blocking".into());
        std::thread::scope(|scope| {
            let running = thread.spawn_scoped(scope, work)?;
            running.join().map_err(|_| std::io::Error::other("it panicked"))?
        })
    }

    /// Searches for the highest rate at which an objective holds, trying none above `max_rate`: the load of
    /// this test is made at one rate after the other. See [`CapacityTest`].
    pub fn capacity(self, slo: impl Into<String>, max_rate: f64) -> CapacityTest {
        CapacityTest::new(self, slo.into(), max_rate)
    }

    /// Whether it could be run: the error that [`LoadTest::start`] would answer before there is any load.
    /// Nothing is sent.
    ///
    /// # Errors
    /// When the run could not be made.
    pub async fn check(self) -> Result<(), RunError> {
        self.prepared().await.map(drop)
    }

    /// Starts the test, from within a tokio runtime, which looks names up. The engine brings threads
    /// of its own.
    ///
    /// # Errors
    /// When the run could not be made.
    pub async fn start(self) -> Result<RunHandle, RunError> {
        let (made, start) = self.prepared().await?;
        made.start(start)
    }

    async fn prepared(self) -> Result<(Box<dyn Made>, Start), RunError> {
        let Self { subject, load, settings, observers, mut problems } = self;
        settings.check(&mut problems);
        let rules = settings.parsed_rules(&mut problems);
        let endpoints = settings.endpoints(&mut problems);
        let (mut plan, profile) = Planned::new(&settings, load, &mut problems);
        problems.found()?;
        plan.scenario = match &settings.scenario {
            Value::Null => described::document(
                &subject,
                &settings,
                &plan,
                (profile.as_ref(), &rules, &endpoints),
            ),
            given => given.clone(),
        };
        let observed = subject.observed(endpoints);
        let made = subject.made().await?;
        let mut problems = Problems::default();
        settings.check_number_of_names(made.requests(), &mut problems);
        problems.found()?;
        Ok((made, Start { plan, profile, settings, rules, observed, observers }))
    }
}

impl fmt::Debug for LoadTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadTest")
            .field("subject", &self.subject)
            .field("load", &self.load)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
