//! Turns settings into what follows from them for all engine threads together.

use super::RunError;
use super::error::Problems;
use super::limits::lanes;
use super::load::{AnyProfile, Wanted};
use super::settings::TestSettings;
use crate::engine::{Fence, OpenLoop, Settings, WholeLoad};
use crate::profile::{Profile, number};
use crate::result::{Environment, LoopKind, RunStart};
use crate::schedule::End;
use crate::time::{Clock, SECOND, nanos, seconds};
use serde_json::{Map, Value};
use std::time::Duration;

/// How long a load lasts that nobody gave an end.
const DEFAULT_DURATION: Duration = Duration::from_secs(10);
/// Connections of a closed loop where none were asked for.
const CLOSED_CONNECTIONS: u64 = 64;
/// Most connections of an open loop where none were asked for.
const OPEN_CONNECTIONS: u64 = 1_000;

/// What follows from the settings, for all threads together.
#[derive(Debug)]
pub(super) struct Planned {
    /// Arrivals come by time alone.
    pub(super) open: bool,
    pub(super) end: End,
    pub(super) threads: u64,
    pub(super) lanes: u64,
    pub(super) lanes_short: bool,
    pub(super) max_backlog: u64,
    /// The document that the result shows.
    pub(super) scenario: Value,
}

impl Planned {
    /// With the profile that it is planned for; what is wrong is noted.
    pub(super) fn new(
        settings: &TestSettings,
        load: Wanted,
        problems: &mut Problems,
    ) -> (Self, Option<AnyProfile>) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let open = load.is_open();
        let length = length(&load, problems);
        let asked = settings.duration.or(length).or(load.default_length());
        let end = End::of(asked, settings.requests).unwrap_or(End::At(DEFAULT_DURATION));
        let duration = end.latest();
        if let Some(length) = length.filter(|length| *length != duration) {
            let (duration, length) = (duration.as_secs_f64(), length.as_secs_f64());
            let advice =
                format!("the profile was made for {length} s; give the same, or leave it out");
            problems.add("durationSeconds", format!("is {duration} s, but {advice}"));
        }
        let profile = load.resolve(duration, settings.requests, problems);
        let peak = profile.as_ref().map_or(0.0, |profile| profile.get().peak_rate());
        let max_backlog = settings.max_backlog.unwrap_or((peak * 10.0).ceil().max(1.0) as u64);
        let threads = settings.threads.unwrap_or(cores) as u64;
        let scenario = Value::Null;
        let (lanes, lanes_short) = (0, false);
        let plan = Self { open, end, threads, lanes, lanes_short, max_backlog, scenario };
        (plan, profile)
    }

    /// Most connections where nobody says it.
    pub(super) fn default_connections(&self) -> u64 {
        if self.open { OPEN_CONNECTIONS } else { CLOSED_CONNECTIONS }
    }

    /// Fits lanes and threads to each other and to the descriptors that there are.
    pub(super) fn fit(
        &mut self,
        settings: &TestSettings,
        descriptors_per_lane: u64,
    ) -> Result<(), RunError> {
        let all = settings.connections.unwrap_or(self.default_connections());
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
        let backlog = self.open.then_some(self.max_backlog).filter(|most| *most > 0);
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
            // On assignment they are taken by orders, each from its moment on.
            parts: if settings.assignment.is_some() { Vec::new() } else { settings.parts() },
            fence: settings
                .assignment
                .as_ref()
                .map_or(Fence::NONE, |assignment| assignment.fence.clone()),
            clock,
            measured_from: nanos(settings.warmup),
            lanes_short: self.lanes_short,
            timeout: nanos(settings.timeout),
            drain: nanos(settings.drain),
            slack: nanos(settings.slack()),
            interval: SECOND,
            #[cfg(test)]
            sent: settings.assignment.as_ref().and_then(|assignment| assignment.simulated.clone()),
        }
    }

    pub(super) fn load<P: Profile>(
        &self,
        settings: &TestSettings,
        profile: Option<P>,
    ) -> WholeLoad<P> {
        let open = profile.map(|profile| OpenLoop {
            profile,
            arrivals: settings.arrivals(),
            max_backlog: self.max_backlog,
        });
        WholeLoad {
            open,
            warmup: nanos(settings.warmup),
            end: nanos(self.end.latest()),
            limit: settings.requests,
            lanes: self.lanes,
            mix: settings.picks(),
        }
    }

    pub(super) fn run_start(&self, settings: &TestSettings, started_unix_ms: u64) -> RunStart {
        let slack_us = settings.slack().as_secs_f64() * 1e6;
        let options = Map::from_iter([
            ("slackUs".to_owned(), Value::from(slack_us)),
            ("connections".to_owned(), Value::from(self.lanes)),
            ("maxBacklog".to_owned(), Value::from(self.max_backlog)),
        ]);
        let loop_kind = if self.open { LoopKind::Open } else { LoopKind::Closed };
        // Without a known end, rows are a second long and neighbours are merged when they are many.
        let planned = self.end.duration().map_or(Duration::ZERO, |it| it + settings.drain);
        RunStart {
            scenario: self.scenario.clone(),
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
            slack_ns: nanos(settings.slack()),
            mix: settings.mix.clone(),
            observe: Vec::new(),
        }
    }
}

/// How long the profile lasts, where it says so.
fn length(load: &Wanted, problems: &mut Problems) -> Option<Duration> {
    let length = load.length()?;
    let time = Duration::try_from_secs_f64(length).ok().filter(|length| !length.is_zero());
    if time.is_none() {
        let found = number(length);
        problems.add("loadProfile", format!("its length() is {found} s; give a time above 0"));
    }
    time
}
