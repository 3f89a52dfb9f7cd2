//! Turns round trips to the coordinator into its clock, as seen from here.
//!
//! An answer was written somewhere between question and arrival: taking the middle is wrong by half
//! of the round trip at most (Cristian, "Probabilistic clock synchronization", 1989). So the
//! quickest of the recent round trips is the one to believe.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Round trips that are remembered.
const RECENT: usize = 32;
/// A round trip older than this has let the clocks drift apart.
const OLD: Duration = Duration::from_secs(60);
/// What clocks drift apart within [`OLD`], and a half more: 50 millionths.
const DRIFT: Duration = Duration::from_millis(3);

/// The coordinator's clock.
#[derive(Debug, Default)]
pub(in crate::cluster) struct SharedClock {
    samples: VecDeque<Sample>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Here, in the middle of the round trip.
    at: Instant,
    /// There, in microseconds since 1970.
    us: u64,
    error: Duration,
}

impl SharedClock {
    /// Learns from a question that was sent and answered at these instants.
    pub(in crate::cluster) fn learn(&mut self, sent: Instant, received: Instant, us: u64) {
        let error = received.saturating_duration_since(sent) / 2;
        let new = Sample { at: sent + error, us, error };
        // One that the new one contradicts was taken before the coordinator's clock was set.
        self.samples
            .retain(|old| new.at.saturating_duration_since(old.at) < OLD && new.agrees(old));
        if self.samples.len() == RECENT {
            self.samples.pop_front();
        }
        self.samples.push_back(new);
    }

    /// The instant here at which the coordinator's clock shows `us`; `None` before the first answer.
    pub(in crate::cluster) fn instant_of(&self, us: u64) -> Option<Instant> {
        let Sample { at, us: there, .. } = self.best()?;
        if us >= there {
            at.checked_add(Duration::from_micros(us - there))
        } else {
            at.checked_sub(Duration::from_micros(there - us))
        }
    }

    /// What the coordinator's clock shows at an instant here; `None` before the first answer.
    pub(in crate::cluster) fn us_at(&self, instant: Instant) -> Option<u64> {
        let Sample { at, us, .. } = self.best()?;
        Some(match instant.checked_duration_since(at) {
            Some(after) => us + after.as_micros() as u64,
            None => us.saturating_sub(at.saturating_duration_since(instant).as_micros() as u64),
        })
    }

    /// By how much it may be wrong.
    pub(in crate::cluster) fn error(&self) -> Duration {
        self.best().map_or(Duration::MAX, |sample| sample.error)
    }

    fn best(&self) -> Option<Sample> {
        self.samples.iter().min_by_key(|sample| sample.error).copied()
    }
}

impl Sample {
    /// Whether both can be of one clock that runs on. `old` is the older one.
    fn agrees(&self, old: &Self) -> bool {
        let here = self.at.saturating_duration_since(old.at);
        let there = Duration::from_micros(self.us.saturating_sub(old.us));
        self.us >= old.us.saturating_sub(DRIFT.as_micros() as u64)
            && here.abs_diff(there) <= self.error + old.error + DRIFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_round_trip_is_believed() {
        let start = crate::time::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut clock = SharedClock::default();
        assert_eq!(clock.instant_of(5), None);
        clock.learn(at(0), at(100), 1_000_000); // the middle is at 50 ms, or 50 ms beside it
        clock.learn(at(200), at(202), 1_160_000); // at 201 ms, or 1 ms beside it
        clock.learn(at(300), at(340), 1_290_000);
        assert_eq!(clock.error(), Duration::from_millis(1));
        assert_eq!(clock.instant_of(1_160_000), Some(at(201)));
        assert_eq!(clock.instant_of(1_100_000), Some(at(141)));
        assert_eq!(clock.instant_of(2_160_000), Some(at(1_201)));
        // After a minute without it, the next best.
        clock.learn(at(60_301), at(60_341), 61_000_000);
        assert_eq!(clock.error(), Duration::from_millis(20));
    }

    #[test]
    fn after_the_coordinators_clock_was_set_its_new_time_is_believed() {
        let start = crate::time::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut clock = SharedClock::default();
        clock.learn(at(0), at(2), 1_000_000);
        clock.learn(at(1_000), at(1_040), 61_020_000); // a minute ahead, and a slower round trip
        assert_eq!(clock.us_at(at(1_020)), Some(61_020_000));
        clock.learn(at(2_000), at(2_100), 2_050_000); // and back
        assert_eq!(clock.us_at(at(2_050)), Some(2_050_000));
    }
}
