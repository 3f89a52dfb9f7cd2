//! Turns what is seen of workers into how long each has been silent.

use super::super::workers::Workers;
use super::{ElapsedNow, HAND_IN};
use crate::cluster::WorkerId;
use crate::cluster::coordinator::WorkerReport;
use crate::time::now;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// When each worker was last heard of.
pub(super) struct Beats {
    /// Last beat seen of each worker, and when it was seen to change.
    last: BTreeMap<String, (u64, Instant)>,
    /// The last time that the coordinator answered.
    heard: Instant,
    /// Since when the run is driven here.
    pub(super) begun: Instant,
}

impl Beats {
    pub(super) fn new() -> Self {
        Self { last: BTreeMap::new(), heard: now(), begun: now() }
    }

    /// The run is driven from now on: nobody was listened to before.
    pub(super) fn begin(&mut self) {
        (self.begun, self.heard) = (now(), now());
    }

    /// Takes note of what was seen. Answers whether that ended a time without answers, for which
    /// nobody is blamed.
    pub(super) fn read(&mut self, seen: &Workers) -> bool {
        if seen.checked <= self.heard {
            return false;
        }
        let silent = seen.checked.saturating_duration_since(self.heard);
        self.heard = seen.checked;
        let forgive = silent > Duration::from_secs(1);
        for worker in &seen.list {
            let id = worker.report.worker.0.clone();
            let known = self.last.entry(id).or_insert((worker.report.beat, seen.checked));
            // A coordinator that was brought back from an older copy tells old news.
            if known.0 < worker.report.beat {
                *known = (worker.report.beat, seen.checked);
            }
        }
        if forgive {
            self.last.values_mut().for_each(|(_, at)| *at = seen.checked.max(*at));
        }
        self.last.retain(|_, (_, at)| seen.checked.saturating_duration_since(*at) < HAND_IN);
        forgive
    }

    /// Whether a report is as new as the newest that was seen of its worker.
    pub(super) fn is_news(&self, report: &WorkerReport) -> bool {
        self.last.get(&report.worker.0).is_none_or(|(beat, _)| *beat <= report.beat)
    }

    /// How old the worker's last beat is: what it is now is not known any better.
    pub(super) fn silence(&self, worker: &WorkerId) -> Duration {
        let at = self.last.get(&worker.0).map(|(_, at)| *at);
        at.map_or(Duration::MAX, |at| now().saturating_duration_since(at))
    }

    /// How long the worker has been silent while it could be heard: not while the coordinator did
    /// not answer, this process stood still, or another controller drove the run.
    pub(super) fn quiet(&self, worker: &WorkerId) -> Duration {
        let at = self.last.get(&worker.0).map_or(self.begun, |(_, at)| *at);
        self.heard.saturating_duration_since(at)
    }

    /// For how long the coordinator has not answered.
    pub(super) fn deaf_for(&self) -> Duration {
        self.heard.elapsed_now()
    }
}
