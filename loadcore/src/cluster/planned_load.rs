//! Turns a scenario and a journal into what was planned: how many arrivals are due by any moment of
//! the run, all workers together, and when the load ends.
//!
//! It reads the very profile, schedule and clock that the engines read, so its counts are theirs.

use super::journal::Entry;
use crate::engine::ProfileClock;
use crate::profile::{LiveProfile, LoadProfile};
use crate::scenario::{Load, Scenario};
use crate::schedule::{Schedule, Share};
use crate::time::{Nanos, nanos, seconds};

/// What was planned, as far as the journal was read.
#[derive(Debug, Clone)]
pub(super) struct PlannedLoad {
    clock: ProfileClock,
    /// The whole schedule; `None` in closed loop.
    whole: Option<Schedule<LiveProfile<LoadProfile>>>,
    warmup: Nanos,
    end: Nanos,
    /// Most requests.
    limit: Option<u64>,
    stopped_at: Option<Nanos>,
}

impl PlannedLoad {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let (warmup, end) = (nanos(scenario.warmup), nanos(scenario.end().latest()));
        let whole = match &scenario.load {
            Load::Closed => None,
            Load::Open(profile) => {
                let profile = LiveProfile::new(profile.clone());
                let limit = scenario.max_requests;
                Some(Schedule::new(profile, scenario.arrivals, Share::WHOLE, end, limit))
            }
        };
        let (clock, limit) = (ProfileClock::new(warmup), scenario.max_requests);
        Self { clock, whole, warmup, end, limit, stopped_at: None }
    }

    pub(super) fn read(&mut self, entry: &Entry) {
        match *entry {
            Entry::Pause { at_ns } => self.clock.pause(at_ns),
            Entry::Resume { at_ns } => self.clock.resume(at_ns),
            Entry::Rate { at_ns, target_rps, over_seconds } => {
                let at = seconds(self.clock.profile(at_ns));
                if let Some(whole) = &mut self.whole {
                    // Its numbers were checked before it was written.
                    let _ = whole.profile_mut().change_rate(at, target_rps, over_seconds);
                }
            }
            Entry::Stop { at_ns } => {
                self.stopped_at.get_or_insert(at_ns);
            }
            _ => {}
        }
    }

    /// How many arrivals were to be due by `run` on the run's clock; `None` in closed loop. `run` may
    /// not decrease from one call to the next.
    pub(super) fn due_by(&mut self, run: Nanos) -> Option<u64> {
        let run = self.stopped_at.map_or(run, |stopped| run.min(stopped));
        let profile = self.profile_time(run);
        // Nothing is due in the warm-up that counts.
        let whole = self.whole.as_mut()?;
        Some(if run < self.warmup { 0 } else { whole.due_by(profile) })
    }

    /// When nothing more falls due, on the run's clock; `None` while it stands still.
    pub(super) fn end_at(&self) -> Option<Nanos> {
        let planned = (!self.clock.is_paused()).then(|| self.clock.run(self.end));
        match (planned, self.stopped_at) {
            (Some(planned), Some(stopped)) => Some(planned.min(stopped)),
            (planned, stopped) => planned.or(stopped),
        }
    }

    /// When the load ended, of a run of which the last was heard at `last`, on the run's clock, and
    /// which `counted` so many arrivals: where their number ended it, with the last of them.
    pub(super) fn ended_at(&self, last: Nanos, counted: u64) -> Nanos {
        let planned = self.end_at().unwrap_or(Nanos::MAX);
        match self.limit.filter(|limit| counted >= *limit).and_then(|limit| self.due_at(limit)) {
            Some(due) => planned.min(due.max(last)),
            None => planned,
        }
    }

    /// When arrival number `n`, from 1, falls due, on the run's clock: in closed loop at any time.
    fn due_at(&self, n: u64) -> Option<Nanos> {
        match &self.whole {
            Some(whole) => whole.clone().at(n - 1).map(|at| self.clock.run(at)),
            None => Some(0),
        }
    }

    /// All that is planned, as far as it is known: of a run that stands still, what was due before.
    /// `None` in closed loop.
    pub(super) fn planned(&mut self) -> Option<u64> {
        self.due_by(self.end_at().unwrap_or(Nanos::MAX))
    }

    /// The profile's clock at `run`.
    pub(super) fn profile_time(&self, run: Nanos) -> Nanos {
        self.clock.profile_at(run).min(self.end)
    }

    /// Nanoseconds of the run's clock at the start of the measured time.
    pub(super) fn measured_from(&self) -> Nanos {
        self.warmup
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    #[test]
    fn a_number_ends_a_load_with_the_last_request_and_no_sooner_than_it_was_due() {
        let planned = |load: &str| {
            let text = format!(
                r#"{{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 60,
                "warmupSeconds": 2, "maxRequests": 500{load}}}"#
            );
            PlannedLoad::new(&Scenario::from_json(&text).unwrap())
        };
        let closed = planned("");
        assert_eq!(closed.ended_at(3 * SECOND, 500), 3 * SECOND);
        assert_eq!(closed.ended_at(3 * SECOND, 499), 62 * SECOND, "they were not all sent");
        assert_eq!(closed.ended_at(63 * SECOND, 500), 62 * SECOND, "a drain comes after the load");
        let open = planned(r#", "loadProfile": {"type": "CONSTANT", "initialRps": 100}"#);
        assert_eq!(open.ended_at(8 * SECOND, 500), 8 * SECOND, "the last reply came late");
        assert_eq!(open.ended_at(3 * SECOND, 500), 6_995_000_000, "nobody was there at its end");
    }

    #[test]
    fn pauses_changes_and_a_stop_are_counted_in() {
        let text = r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 10,
            "warmupSeconds": 2, "loadProfile": {"type": "CONSTANT", "initialRps": 100}}"#;
        let mut load = PlannedLoad::new(&Scenario::from_json(text).unwrap());
        assert_eq!(load.due_by(SECOND), Some(0), "in the warm-up");
        assert_eq!(load.due_by(3 * SECOND), Some(100));
        assert_eq!(load.end_at(), Some(12 * SECOND));
        load.read(&Entry::Pause { at_ns: 4 * SECOND });
        assert_eq!((load.due_by(5 * SECOND), load.end_at()), (Some(200), None));
        assert_eq!((load.planned(), load.profile_time(Nanos::MAX)), (Some(200), 2 * SECOND));
        load.read(&Entry::Resume { at_ns: 6 * SECOND });
        assert_eq!(load.due_by(7 * SECOND), Some(300));
        assert_eq!(load.end_at(), Some(14 * SECOND));
        load.read(&Entry::Rate { at_ns: 8 * SECOND, target_rps: 200.0, over_seconds: 0.0 });
        assert_eq!(load.due_by(9 * SECOND), Some(600));
        load.read(&Entry::Stop { at_ns: 10 * SECOND });
        assert_eq!(load.due_by(20 * SECOND), Some(800));
        assert_eq!(load.end_at(), Some(10 * SECOND));
        assert_eq!(load.profile_time(10 * SECOND), 6 * SECOND);
    }
}
