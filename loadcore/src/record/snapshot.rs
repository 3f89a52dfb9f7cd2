//! Turns intervals into cumulative, numbered snapshots, and many workers' snapshots into one.
//!
//! A snapshot holds everything since its worker's start in this run. The newest ones of all workers
//! hold every count, whatever became of those before: merging is a join, that is commutative,
//! associative and idempotent (Shapiro et al., "Conflict-free replicated data types", 2011).

use super::{Interval, Merge, NotContained, WorkerInterval};
use crate::time::Nanos;
use std::collections::BTreeMap;

/// Everything that one worker has recorded since it started in this run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose it is.
    pub worker: String,
    /// The worker's term in the run.
    pub epoch: u64,
    /// Counts up with every snapshot of this worker and epoch. The same number means the same
    /// content.
    pub seq: u64,
    /// How far the run was, in nanoseconds since its start.
    pub elapsed_ns: Nanos,
    /// No later one will come.
    pub is_final: bool,
    /// Requests sent and without an outcome yet.
    pub in_flight: u64,
    /// Arrivals due and neither sent nor given up.
    pub backlog: u64,
    /// What was recorded since the start.
    pub total: Interval,
    /// What each worker did, in the order of their names, at most [`MOST_WORKERS`](super::MOST_WORKERS):
    /// in an interval that many have made. A worker's own snapshot has none.
    pub workers: Vec<WorkerInterval>,
    /// What endpoints of the target told meanwhile, as [`Reading`](super::Reading) packs it: in an interval
    /// that is kept. A worker's own snapshot has none.
    pub observed: Vec<u8>,
}

/// The newest snapshot of each worker and epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotSet {
    newest: BTreeMap<(String, u64), Snapshot>,
}

impl Snapshot {
    /// What came to this snapshot after `earlier`, of the same worker and epoch.
    ///
    /// # Errors
    ///
    /// If `earlier` counts something that this one does not, and so does not precede it.
    pub fn since(&self, earlier: &Self) -> Result<Interval, NotContained> {
        if (&self.worker, self.epoch) != (&earlier.worker, earlier.epoch) {
            return Err(NotContained);
        }
        let mut difference = self.total.clone();
        difference.subtract(&earlier.total)?;
        Ok(difference)
    }

    /// Becomes equal to `other` in the memory it has.
    pub(crate) fn assign(&mut self, other: &Self) {
        let Self { worker, epoch, seq, elapsed_ns, is_final, in_flight, backlog, .. } = self;
        worker.clone_from(&other.worker);
        *epoch = other.epoch;
        *seq = other.seq;
        *elapsed_ns = other.elapsed_ns;
        *is_final = other.is_final;
        *in_flight = other.in_flight;
        *backlog = other.backlog;
        self.workers.clone_from(&other.workers);
        self.observed.clone_from(&other.observed);
        let total = &mut self.total;
        total.named.truncate(other.total.named.len());
        total.reset();
        total.merge(&other.total);
    }
}

impl SnapshotSet {
    /// A set without a snapshot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `snapshot` if it is newer than what is held of its worker and epoch; says whether it
    /// was.
    pub fn insert(&mut self, snapshot: Snapshot) -> bool {
        let key = (snapshot.worker.clone(), snapshot.epoch);
        let is_newer = self.newest.get(&key).is_none_or(|held| held.seq < snapshot.seq);
        if is_newer {
            self.newest.insert(key, snapshot);
        }
        is_newer
    }

    /// The snapshots held, by worker and epoch.
    pub fn iter(&self) -> impl Iterator<Item = &Snapshot> + '_ {
        self.newest.values()
    }

    /// All workers added up: the same bytes for the same snapshots, in whatever order they came.
    ///
    /// It is final when all are, as far as the furthest, and belongs to no worker.
    #[must_use]
    pub fn merged(&self) -> Snapshot {
        let mut merged = Snapshot { is_final: !self.newest.is_empty(), ..Snapshot::default() };
        for snapshot in self.iter() {
            merged.seq = merged.seq.saturating_add(snapshot.seq);
            merged.elapsed_ns = merged.elapsed_ns.max(snapshot.elapsed_ns);
            merged.is_final &= snapshot.is_final;
            merged.in_flight = merged.in_flight.saturating_add(snapshot.in_flight);
            merged.backlog = merged.backlog.saturating_add(snapshot.backlog);
            merged.total.merge(&snapshot.total);
        }
        merged
    }
}

impl Merge for SnapshotSet {
    fn merge(&mut self, other: &Self) {
        for snapshot in other.iter() {
            let key = (snapshot.worker.clone(), snapshot.epoch);
            if self.newest.get(&key).is_none_or(|held| held.seq < snapshot.seq) {
                self.newest.insert(key, snapshot.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixtures::{deeds, play};
    use proptest::prelude::*;

    /// The snapshots of one worker: after each of its deeds, one.
    fn histories() -> impl Strategy<Value = Vec<Vec<Snapshot>>> {
        let worker = prop::collection::vec(deeds(4), 1..4).prop_map(|steps| {
            (1..=steps.len())
                .map(|n| Snapshot { seq: n as u64, ..play(&steps[..n].concat()) })
                .collect::<Vec<_>>()
        });
        prop::collection::vec(worker, 1..4).prop_map(|mut workers| {
            for (number, history) in workers.iter_mut().enumerate() {
                for snapshot in history {
                    snapshot.worker = format!("w{}", number / 2);
                    snapshot.epoch = number as u64 % 2;
                }
            }
            workers
        })
    }

    fn bytes(snapshots: impl IntoIterator<Item = Snapshot>) -> Vec<u8> {
        let mut set = SnapshotSet::new();
        for snapshot in snapshots {
            set.insert(snapshot);
        }
        set.merged().encode()
    }

    proptest! {
        #[test]
        fn one_that_is_assigned_is_equal(histories in histories()) {
            let mut memory = Snapshot::default();
            for snapshot in histories.iter().flatten() {
                memory.assign(snapshot);
                prop_assert_eq!(&memory, snapshot);
                prop_assert_eq!(memory.encode(), snapshot.encode());
            }
        }
    }

    #[test]
    fn an_older_snapshot_changes_nothing() {
        let mut set = SnapshotSet::new();
        assert!(set.insert(Snapshot { seq: 2, ..Snapshot::default() }));
        assert!(!set.insert(Snapshot { seq: 1, is_final: true, ..Snapshot::default() }));
        assert!(!set.insert(Snapshot { seq: 2, ..Snapshot::default() }));
        assert!(!set.merged().is_final);
        assert!(!SnapshotSet::new().merged().is_final);
    }

    #[test]
    fn only_a_forerunner_can_be_taken_out() {
        let other = Snapshot { worker: "other".into(), ..Snapshot::default() };
        assert_eq!(Snapshot::default().since(&other), Err(NotContained));
        let mut more = Snapshot::default();
        more.total.counters.sent = 1;
        assert_eq!(Snapshot::default().since(&more), Err(NotContained));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn order_loss_and_repetition_change_nothing(
            (workers, arrivals) in histories().prop_flat_map(|workers| {
                let all = workers.concat();
                (Just(workers), prop::collection::vec(prop::sample::select(all), 0..8))
            }),
            turned: bool,
        ) {
            let newest: Vec<_> = workers.iter().map(|w| w.last().unwrap().clone()).collect();
            let wanted = bytes(newest.clone());
            let mut came = [arrivals.clone(), newest, arrivals].concat();
            if turned {
                came.reverse();
            }
            prop_assert_eq!(&bytes(came.clone()), &wanted);

            let (mut left, mut right) = (SnapshotSet::new(), SnapshotSet::new());
            for (n, snapshot) in came.into_iter().enumerate() {
                if n % 2 == 0 { left.insert(snapshot) } else { right.insert(snapshot) };
            }
            left.merge(&right.clone());
            right.merge(&left);
            prop_assert_eq!(left.merged().encode(), wanted);
            prop_assert_eq!(left, right);
        }

        #[test]
        fn a_merged_histogram_counts_every_outcome(workers in histories()) {
            let mut set = SnapshotSet::new();
            for snapshot in workers.concat() {
                set.insert(snapshot);
            }
            let Interval { counters, histograms, .. } = set.merged().total;
            prop_assert_eq!(histograms.response.count(), counters.outcomes());
            prop_assert_eq!(histograms.service.count(), counters.outcomes());
            prop_assert_eq!(histograms.lag.count(), counters.sent);
        }

        #[test]
        fn differences_add_up_to_the_whole(workers in histories()) {
            for history in workers {
                let mut sum = history[0].total.clone();
                for pair in history.windows(2) {
                    sum.merge(&pair[1].since(&pair[0]).unwrap());
                }
                prop_assert_eq!(&sum, &history.last().unwrap().total);
            }
        }
    }
}
