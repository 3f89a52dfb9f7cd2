//! Settings into what follows from them for all engine threads together.

use super::RunError;
use super::limits::lanes;
use super::settings::TestSettings;
use super::subject::IntoTransport;
use crate::engine::{Fence, Load, OpenLoop, Settings};
use crate::profile::Profile;
use crate::request::MOST_REQUESTS;
use crate::result::{Environment, LoopKind, Plan};
use crate::scenario::limits::{MAX_REQUEST_NAME, MAX_WEIGHT, MIN_WEIGHT};
use crate::schedule::{End, LONGEST};
use crate::time::{Clock, SECOND, nanos, seconds};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Duration;

/// The longest that the pacer may be told to let due requests gather.
pub const MAX_SLACK: Duration = Duration::from_secs(1);
/// How long a load lasts that nobody gave an end.
const DEFAULT_DURATION: Duration = Duration::from_secs(10);
/// Most connections of a run.
const MOST_LANES: u64 = 1_000_000;
/// Connections of a closed loop where none were asked for.
const CLOSED_CONNECTIONS: u64 = 64;
/// Most connections of an open loop where none were asked for.
const OPEN_CONNECTIONS: u64 = 1_000;

/// What follows from the settings, for all threads together.
pub(super) struct Planned<P> {
    pub(super) profile: Option<P>,
    pub(super) end: End,
    pub(super) threads: u64,
    pub(super) lanes: u64,
    pub(super) lanes_short: bool,
    pub(super) max_backlog: u64,
    pub(super) scenario: Map<String, Value>,
}

fn setting(what: &'static str, value: impl ToString, limit: &str) -> RunError {
    RunError::Setting { what, value: value.to_string(), limit: limit.into() }
}

/// Names and weights of a mix, which a scenario has checked already.
fn check_names(mix: &[(String, f64)]) -> Result<(), RunError> {
    if mix.len() > MOST_REQUESTS {
        let limit = format!("give at most {MOST_REQUESTS}");
        return Err(setting("the number of named requests", mix.len(), &limit));
    }
    let mut names = BTreeSet::new();
    for (name, weight) in mix {
        let quoted = format!("{name:?}");
        if !(1..=MAX_REQUEST_NAME).contains(&name.chars().count()) {
            let limit = format!("give 1 to {MAX_REQUEST_NAME} characters");
            return Err(setting("a request's name", quoted, &limit));
        }
        if !names.insert(name) {
            return Err(setting("a request's name", quoted, "another request has it as well"));
        }
        if !(MIN_WEIGHT..=MAX_WEIGHT).contains(weight) {
            let limit = format!("give a number above 0, {MIN_WEIGHT} to {MAX_WEIGHT}");
            return Err(setting("a weight", format!("{weight} (of {quoted})"), &limit));
        }
    }
    Ok(())
}

impl<P: Profile + Clone> Planned<P> {
    pub(super) fn new(settings: &TestSettings, profile: Option<P>) -> Result<Self, RunError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = settings.threads.unwrap_or(cores);
        if !(1..=1024).contains(&threads) {
            return Err(setting("the number of threads", threads, "give 1 to 1024"));
        }
        if settings.requests == Some(0) {
            return Err(setting("the number of requests", 0, "give at least 1"));
        }
        if let Some(connections) = settings.connections.filter(|n| !(1..=MOST_LANES).contains(n)) {
            let limit = format!("give 1 to {MOST_LANES}");
            return Err(setting("the number of connections", connections, &limit));
        }
        check_names(&settings.mix)?;
        if settings.timeout.is_zero() {
            return Err(setting("the timeout", "0", "give a time above 0"));
        }
        let length = profile.as_ref().and_then(Profile::length);
        let length = length.map(|length| {
            let none =
                |_| setting("the profile's length in seconds", length, "give a time above 0");
            Duration::try_from_secs_f64(length).map_err(none)
        });
        let length = length.transpose()?;
        let end = End::of(settings.duration.or(length), settings.requests);
        let end = end.unwrap_or(End::At(DEFAULT_DURATION));
        let duration = end.latest();
        if let Some(length) = length.filter(|length| *length != duration) {
            let value = format!("{} s", duration.as_secs_f64());
            let limit = format!(
                "the profile was made for {} s: give the same, or leave it out",
                length.as_secs_f64()
            );
            return Err(setting("the duration", value, &limit));
        }
        let too_long = [
            ("the duration", duration),
            ("the warm-up", settings.warmup),
            ("the timeout", settings.timeout),
            ("the drain", settings.drain),
        ];
        for (what, time) in too_long {
            if time > LONGEST {
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
            end,
            threads: threads as u64,
            lanes: 0,
            lanes_short: false,
            max_backlog,
            scenario: Map::new(),
        })
    }

    pub(super) fn describe<S: IntoTransport>(&mut self, subject: &S, settings: &TestSettings) {
        subject.describe(&mut self.scenario);
        let mut put = |key: &str, value: Value| self.scenario.insert(key.into(), value);
        if let Some(duration) = self.end.duration() {
            put("durationSeconds", duration.as_secs_f64().into());
        }
        put("warmupSeconds", settings.warmup.as_secs_f64().into());
        put("timeoutSeconds", settings.timeout.as_secs_f64().into());
        put("drainSeconds", settings.drain.as_secs_f64().into());
    }

    /// Fits lanes and threads to each other and to the descriptors that there are.
    pub(super) fn fit(
        &mut self,
        settings: &TestSettings,
        descriptors_per_lane: u64,
    ) -> Result<(), RunError> {
        let default = if self.profile.is_some() { OPEN_CONNECTIONS } else { CLOSED_CONNECTIONS };
        let all = settings.connections.unwrap_or(default);
        let ours = settings.parts().iter().map(|share| share.count(all)).sum::<u64>().max(1);
        let asked = settings.connections.map(|_| ours);
        let lanes = lanes(asked, ours, descriptors_per_lane, self.threads)?;
        self.lanes_short = lanes.short;
        // Too few descriptors for our part: as if there were fewer in the whole.
        self.lanes = if lanes.short { (all * lanes.most / ours).max(1) } else { all };
        self.threads = self.threads.min(self.threads_that_fit(settings));
        Ok(())
    }

    /// How many threads can have something of each limit: one without could send nothing of its share.
    fn threads_that_fit(&self, settings: &TestSettings) -> u64 {
        let backlog = self.profile.is_some().then_some(self.max_backlog).filter(|most| *most > 0);
        let limits = [Some(self.lanes), backlog, settings.requests];
        // One of our parts that goes round is enough.
        let parts = settings.parts();
        let most = |limit: u64| parts.iter().map(|part| part.count(limit)).max();
        limits.into_iter().flatten().filter_map(most).min().unwrap_or(1).max(1)
    }

    pub(super) fn part(&self, settings: &TestSettings, clock: Clock, thread: usize) -> Settings {
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

    pub(super) fn load(&self, settings: &TestSettings) -> Load<P> {
        let open = self.profile.clone().map(|profile| OpenLoop {
            profile,
            arrivals: settings.arrivals,
            max_backlog: self.max_backlog,
        });
        Load {
            open,
            warmup: nanos(settings.warmup),
            end: nanos(self.end.latest()),
            limit: settings.requests,
            lanes: self.lanes,
            mix: settings.picks(),
        }
    }

    pub(super) fn plan(&self, settings: &TestSettings, started_unix_ms: u64) -> Plan {
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
        let planned = self.end.duration().map_or(Duration::ZERO, |it| it + settings.drain);
        Plan {
            scenario,
            started_unix_ms,
            environment: Environment {
                version: env!("CARGO_PKG_VERSION").into(),
                os: Environment::os_here(),
                cores: std::thread::available_parallelism().ok().map(|cores| cores.get() as u64),
                threads: Some(self.threads),
                workers: 1,
                options,
            },
            loop_kind,
            warmup_seconds: seconds(nanos(settings.warmup)),
            planned_seconds: planned.as_secs_f64(),
            slack_ns: nanos(settings.slack),
            mix: settings.mix.clone(),
        }
    }
}
