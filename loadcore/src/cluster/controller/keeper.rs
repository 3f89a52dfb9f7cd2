//! What a run's driver wants kept into the store, however long that is away.
//!
//! The driver never waits for the store: it says what is to be kept, which is state and not a list
//! of changes (the newest record, the newest snapshot of each worker), so that what waits is
//! bounded by what there is. The keeper writes it, again and again until it has succeeded, and says
//! what is kept.

use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::standing::Member;
use crate::cluster::store::{IntervalRecord, RunRecord};
use crate::cluster::{Store, StoreError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How often snapshots that are not the last of their worker are written.
const FLUSH: Duration = Duration::from_secs(3);
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// Intervals that wait while the store is away. The oldest are given up then: resolution in time.
const MOST_INTERVALS: usize = 3_600;
/// Snapshots in one write.
const BATCH: usize = 200;

/// What is to be kept, and what is.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    wanted: Mutex<Wanted>,
    news: Notify,
    kept: watch::Sender<Kept>,
}

#[derive(Debug, Default)]
struct Wanted {
    record: Option<RunRecord>,
    snapshots: BTreeMap<Member, SnapshotRecord>,
    intervals: VecDeque<IntervalRecord>,
    /// Write all of it now.
    urgent: bool,
}

/// What the store has.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Kept {
    /// Revision of the record, and how many of its changes were asked for and are kept.
    pub(super) records: u64,
    /// The newest snapshot of each member.
    pub(super) snapshots: BTreeMap<Member, u64>,
    /// Nothing that was asked for waits.
    pub(super) all: bool,
    /// Somebody else has changed the record: another controller drives this run.
    pub(super) superseded: bool,
    /// Why the last write failed.
    pub(super) trouble: Option<String>,
}

impl Keeper {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants the run's record kept as it is now.
    pub(super) fn record(&self, record: &RunRecord) {
        self.wanted().record = Some(record.clone());
        self.changed(true);
    }

    /// Wants a snapshot kept: at once if it is the last of its worker.
    pub(super) fn snapshot(&self, snapshot: SnapshotRecord) {
        let urgent = snapshot.is_final;
        self.wanted().snapshots.insert((snapshot.worker.clone(), snapshot.epoch), snapshot);
        self.changed(urgent);
    }

    /// Wants an interval kept.
    pub(super) fn interval(&self, interval: IntervalRecord) {
        let mut wanted = self.wanted();
        if wanted.intervals.len() == MOST_INTERVALS {
            wanted.intervals.pop_front();
        }
        wanted.intervals.push_back(interval);
        drop(wanted);
        self.changed(false);
    }

    fn changed(&self, urgent: bool) {
        self.wanted().urgent |= urgent;
        self.kept.send_modify(|kept| kept.all = false);
        if urgent {
            self.news.notify_one();
        }
    }

    /// What is kept, to be watched.
    pub(super) fn kept(&self) -> watch::Receiver<Kept> {
        self.kept.subscribe()
    }

    /// Wants everything written now.
    pub(super) fn flush(&self) {
        self.wanted().urgent = true;
        self.news.notify_one();
    }

    /// Writes for as long as the run is driven here. `revision` is that of the stored record.
    pub(super) async fn keep(&self, store: Arc<dyn Store>, owner: &RunRecord, mut revision: u64) {
        // Written, and nobody has said whether it was.
        let mut uncertain = None;
        loop {
            let urgent = self.wanted().urgent;
            if !urgent {
                let _ = tokio::time::timeout(FLUSH, self.news.notified()).await;
            }
            match self.write(&*store, owner, &mut revision, &mut uncertain).await {
                Ok(true) => {}
                Ok(false) => {
                    self.kept.send_modify(|kept| kept.superseded = true);
                    return;
                }
                Err(error) => {
                    let trouble = Some(error.to_string());
                    self.kept.send_modify(|kept| kept.trouble = trouble);
                    self.wanted().urgent = true;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Writes what is wanted; `false` if somebody else has written the record.
    async fn write(
        &self,
        store: &dyn Store,
        run: &RunRecord,
        revision: &mut u64,
        uncertain: &mut Option<RunRecord>,
    ) -> Result<bool, StoreError> {
        let (record, snapshots, intervals) = {
            let mut wanted = self.wanted();
            wanted.urgent = false;
            let snapshots: Vec<_> = wanted.snapshots.values().cloned().collect();
            (wanted.record.clone(), snapshots, wanted.intervals.clone())
        };
        // What the record refers to is there before it.
        for batch in snapshots.chunks(BATCH) {
            store.keep_snapshots(&run.owner, batch).await?;
            self.snapshots_are_kept(batch);
        }
        if !intervals.is_empty() {
            let intervals: Vec<_> = intervals.into();
            for batch in intervals.chunks(BATCH) {
                store.keep_intervals(&run.owner, &run.id, batch).await?;
                let last = batch.last().map(|it| it.number);
                self.wanted().intervals.retain(|it| Some(it.number) > last);
            }
        }
        if let Some(mut record) = record {
            // A write whose answer was lost looks like somebody else's: which it is, is seen from
            // what is there.
            if let Some(written) = uncertain.as_ref() {
                let stored = store.run(&record.owner, &record.id).await?;
                let ours = RunRecord { revision: *revision + 1, ..written.clone() };
                if stored.as_ref() == Some(&ours) {
                    *revision += 1;
                }
            }
            record.revision = *revision;
            *uncertain = Some(record.clone());
            if !store.replace_run(&record).await? {
                return Ok(false);
            }
            *uncertain = None;
            *revision += 1;
            record.revision = 0;
            let mut wanted = self.wanted();
            let same = wanted
                .record
                .as_ref()
                .is_some_and(|newest| RunRecord { revision: 0, ..newest.clone() } == record);
            if same {
                wanted.record = None;
            } else {
                wanted.urgent = true;
            }
        }
        let wanted = self.wanted();
        let all =
            wanted.record.is_none() && wanted.snapshots.is_empty() && wanted.intervals.is_empty();
        drop(wanted);
        self.kept.send_modify(|kept| {
            kept.records = *revision;
            kept.all = all;
            kept.trouble = None;
        });
        Ok(true)
    }

    fn snapshots_are_kept(&self, batch: &[SnapshotRecord]) {
        let mut wanted = self.wanted();
        for snapshot in batch {
            let member = (snapshot.worker.clone(), snapshot.epoch);
            if wanted.snapshots.get(&member).is_some_and(|newest| newest.seq == snapshot.seq) {
                wanted.snapshots.remove(&member);
            }
        }
        drop(wanted);
        self.kept.send_modify(|kept| {
            for snapshot in batch {
                let member = (snapshot.worker.clone(), snapshot.epoch);
                let seq = kept.snapshots.entry(member).or_default();
                *seq = snapshot.seq.max(*seq);
            }
        });
    }
}
