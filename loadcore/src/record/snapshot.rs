//! Turns intervals into cumulative, numbered snapshots, and many workers' snapshots into one.
//!
//! A snapshot holds everything since its worker's start in this run. Whoever has the newest one of
//! each worker has every count, whatever became of those before: merging is a join, that is
//! commutative, associative and idempotent (Shapiro et al., "Conflict-free replicated data types",
//! 2011).

use super::{Interval, Merge, NotContained};
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
    /// If `earlier` counts something that this one does not, and so is none of its forerunners.
    pub fn since(&self, earlier: &Self) -> Result<Interval, NotContained> {
        if (&self.worker, self.epoch) != (&earlier.worker, earlier.epoch) {
            return Err(NotContained);
        }
        let mut difference = self.total.clone();
        difference.subtract(&earlier.total)?;
        Ok(difference)
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
