//! Turns the beats that a coordinator shows into what workers have really said of themselves last.
//!
//! Whoever can write the coordinator can put any beat there. One that the worker has not signed is not
//! heard; one that it has signed before, and that is shown again, is no sign of life: a worker counts
//! its beats.

use super::refusals::{Refusals, Words};
use crate::cluster::WorkerId;
use crate::cluster::coordinator::{Beat, REMEMBERED, Seen};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Workers that are known at most. While there are so many nobody new is heard.
const MOST: usize = 20_000;

/// The newest that was heard of each worker.
#[derive(Debug, Default)]
pub(super) struct Ears {
    known: BTreeMap<WorkerId, Heard>,
}

#[derive(Debug)]
struct Heard {
    said: Bytes,
    seen: Seen,
}

impl Ears {
    /// Those that are shown and have not left, each with its newest report and with when that came.
    pub(super) fn hear(
        &mut self,
        shown: Vec<(Beat, u64)>,
        now_us: u64,
        refusals: &Refusals,
    ) -> Vec<Seen> {
        let remembered_us = 2 * REMEMBERED.as_micros() as u64;
        self.known.retain(|_, it| it.seen.at_us.saturating_add(remembered_us) > now_us);
        let mut list = Vec::with_capacity(shown.len());
        for (beat, at_us) in shown {
            // When it came is the coordinator's word, which nobody signs.
            self.note(&beat, at_us.min(now_us), refusals);
            list.extend(self.known.get(&beat.worker).map(|it| it.seen.clone()));
        }
        list.retain(|seen| !seen.report.left);
        list
    }

    fn note(&mut self, beat: &Beat, at_us: u64, refusals: &Refusals) {
        let known = self.known.get(&beat.worker);
        if known.is_some_and(|it| it.said == beat.said) || (known.is_none() && self.is_full()) {
            return;
        }
        match beat.read() {
            Ok(report) if known.is_none_or(|it| it.seen.report.beat < report.beat) => {
                let heard = Heard { said: beat.said.clone(), seen: Seen { report, at_us } };
                self.known.insert(beat.worker.clone(), heard);
            }
            // An old one again, as of a coordinator that was brought back from a copy.
            Ok(_) => {}
            Err(why) => refusals.note(Words::Beat, beat.worker.as_str(), why),
        }
    }

    fn is_full(&self) -> bool {
        self.known.len() >= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::conformance::a_report;
    use crate::cluster::coordinator::WorkerReport;
    use crate::cluster::signed::Signer;

    struct World {
        ears: Ears,
        refusals: Refusals,
        ours: Signer,
    }

    impl World {
        fn new() -> Self {
            let ours = Signer::random().unwrap();
            Self { ears: Ears::default(), refusals: Refusals::default(), ours }
        }

        fn id(&self) -> WorkerId {
            WorkerId::of_key(self.ours.key())
        }

        fn report(&self, beat: u64) -> WorkerReport {
            a_report(self.id().as_str(), beat)
        }

        /// What is known of the worker once this is shown: the number of its beat and when that came.
        fn hears(&mut self, beat: Beat, at_us: u64) -> Option<(u64, u64)> {
            let list = self.ears.hear(vec![(beat, at_us)], 1_000_000_000, &self.refusals);
            list.first().map(|seen| (seen.report.beat, seen.at_us))
        }
    }

    #[test]
    fn what_the_worker_has_not_said_changes_nothing_and_is_counted() {
        let mut world = World::new();
        let other = Signer::random().unwrap();
        let at = 999_000_000;
        assert_eq!(world.hears(world.report(5).say(&world.ours), at), Some((5, at)));
        for forged in [
            world.report(6).say(&other),
            WorkerReport { left: true, ..world.report(7) }.say(&other),
            Beat { worker: world.id(), said: Bytes::from_static(b"left") },
            Beat { worker: world.id(), said: Bytes::new() },
        ] {
            assert_eq!(world.hears(forged, at + 1), Some((5, at)), "the last that holds is known");
        }
        assert_eq!(world.refusals.counts()["beat"], 4);
        let stranger = world.report(1).say(&other);
        let worker = WorkerId::from("w.nobody");
        assert_eq!(world.hears(Beat { worker, ..stranger }, at), None);
    }

    #[test]
    fn an_old_beat_that_is_shown_again_is_no_sign_of_life() {
        let mut world = World::new();
        let [old, new] = [3, 4].map(|beat| world.report(beat).say(&world.ours));
        assert_eq!(world.hears(old.clone(), 990_000_000), Some((3, 990_000_000)));
        assert_eq!(world.hears(old.clone(), 995_000_000), Some((3, 990_000_000)));
        assert_eq!(world.hears(new.clone(), 996_000_000), Some((4, 996_000_000)));
        assert_eq!(world.hears(old, 997_000_000), Some((4, 996_000_000)));
        assert_eq!(world.hears(new, u64::MAX), Some((4, 996_000_000)));
        let gone = WorkerReport { left: true, ..world.report(5) };
        assert_eq!(world.hears(gone.say(&world.ours), 998_000_000), None);
        assert_eq!(world.hears(world.report(4).say(&world.ours), 999_000_000), None, "it has left");
        let ahead = world.report(6).say(&world.ours);
        assert_eq!(world.hears(ahead, u64::MAX), Some((6, 1_000_000_000)), "no later than now");
    }

    #[test]
    fn who_was_silent_for_long_is_forgotten() {
        let mut world = World::new();
        let beat = world.report(3).say(&world.ours);
        world.ears.hear(vec![(beat, 1_000)], 2_000, &world.refusals);
        assert_eq!(world.ears.known.len(), 1);
        world.ears.hear(Vec::new(), 1_000_000_000, &world.refusals);
        assert_eq!(world.ears.known.len(), 0);
    }
}
