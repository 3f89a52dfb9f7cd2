//! Writes what a run's driver wants kept into the store, however long the store is away.
//!
//! The driver never waits for the store: it says what is to be kept, which is state and not a list
//! of changes (the newest record, the newest snapshot of each worker), so that what waits is
//! bounded by what there is. The keeper writes it, again and again until it has succeeded, and says
//! what is kept. What the store says it will never keep is given up, and said too: it must not hold
//! up the rest.

use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::standing::Member;
use crate::cluster::store::{IntervalRecord, RunRecord};
use crate::cluster::{Store, StoreError};
use crate::time::now;
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
/// Pieces of which it is told that the store refused them. Of more the first ones are.
const MOST_REFUSED: usize = 100;

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
    /// Write the intervals now: who watches the run sees them once they are kept.
    intervals_are_new: bool,
}

/// What the store has.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Kept {
    /// Revision of the record, and how many of its changes were asked for and are kept.
    pub(super) records: u64,
    /// The newest snapshot of each member.
    pub(super) snapshots: BTreeMap<Member, u64>,
    /// The last interval that was written, or given up.
    pub(super) interval: Option<u64>,
    /// How many events stand in the record that was written last.
    pub(super) events: usize,
    /// Nothing that was asked for waits.
    pub(super) all: bool,
    /// Somebody else has changed the record: another controller drives this run.
    pub(super) superseded: bool,
    /// Why the last write failed.
    pub(super) trouble: Option<String>,
    /// What the store will never keep, and why not in a sentence. One sentence for each piece,
    /// however often it is refused, so that who warns of it in the run's record comes to an end.
    pub(super) refused: BTreeMap<String, String>,
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

    /// Wants an interval kept, at once.
    pub(super) fn interval(&self, interval: IntervalRecord) {
        let mut wanted = self.wanted();
        if wanted.intervals.len() == MOST_INTERVALS {
            wanted.intervals.pop_front();
        }
        wanted.intervals.push_back(interval);
        wanted.intervals_are_new = true;
        drop(wanted);
        self.changed(false);
        self.news.notify_one();
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
        let mut all_written = now();
        loop {
            let waits = {
                let wanted = self.wanted();
                wanted.urgent || wanted.intervals_are_new
            };
            if !waits {
                let _ = tokio::time::timeout(FLUSH, self.news.notified()).await;
            }
            // Snapshots are many, and each holds all before it: they need no write each second.
            let all = self.wanted().urgent || now().saturating_duration_since(all_written) >= FLUSH;
            if all {
                all_written = now();
            }
            match self.write(&*store, owner, all, &mut revision, &mut uncertain).await {
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

    /// Writes what is wanted, or the intervals alone; `false` if somebody else has written the record.
    async fn write(
        &self,
        store: &dyn Store,
        run: &RunRecord,
        all: bool,
        revision: &mut u64,
        uncertain: &mut Option<RunRecord>,
    ) -> Result<bool, StoreError> {
        let (record, snapshots, intervals) = {
            let mut wanted = self.wanted();
            wanted.urgent &= !all;
            wanted.intervals_are_new = false;
            let snapshots: Vec<_> = wanted.snapshots.values().filter(|_| all).cloned().collect();
            let record = wanted.record.clone().filter(|_| all);
            (record, snapshots, Vec::from(wanted.intervals.clone()))
        };
        // What the record refers to is there before it.
        for batch in snapshots.chunks(BATCH) {
            self.write_snapshots(store, run, batch).await?;
        }
        for batch in intervals.chunks(BATCH) {
            self.write_intervals(store, run, batch).await?;
        }
        if let Some(record) = record {
            match write_record(store, record.clone(), revision, uncertain).await {
                Ok(true) => self.record_is_done(&record),
                Ok(false) => return Ok(false),
                Err(error) if error.is_lasting() => {
                    self.refused("the run's record".into(), &error);
                    self.record_is_done(&record);
                }
                Err(error) => return Err(error),
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

    /// Of a batch that is refused each is tried alone, since one may be to blame.
    async fn write_snapshots(
        &self,
        store: &dyn Store,
        run: &RunRecord,
        batch: &[SnapshotRecord],
    ) -> Result<(), StoreError> {
        match store.keep_snapshots(&run.owner, batch).await {
            Ok(()) => {
                self.snapshots_are_kept(batch);
                return Ok(());
            }
            Err(error) if !error.is_lasting() => return Err(error),
            Err(_) => {}
        }
        for one in batch.chunks(1) {
            match store.keep_snapshots(&run.owner, one).await {
                Ok(()) => self.snapshots_are_kept(one),
                Err(error) if error.is_lasting() => {
                    for SnapshotRecord { worker, epoch, .. } in one {
                        self.refused(
                            format!("a snapshot of worker {worker}, term {epoch}"),
                            &error,
                        );
                    }
                    self.snapshots_are_done(one);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn write_intervals(
        &self,
        store: &dyn Store,
        run: &RunRecord,
        batch: &[IntervalRecord],
    ) -> Result<(), StoreError> {
        match store.keep_intervals(&run.owner, &run.id, batch).await {
            Err(error) if !error.is_lasting() => return Err(error),
            Err(_) => {
                for one in batch.chunks(1) {
                    match store.keep_intervals(&run.owner, &run.id, one).await {
                        Err(error) if !error.is_lasting() => return Err(error),
                        Err(error) => {
                            self.refused(format!("interval {}", one[0].number), &error);
                        }
                        Ok(()) => {}
                    }
                }
            }
            Ok(()) => {}
        }
        let last = batch.last().map(|it| it.number);
        self.wanted().intervals.retain(|it| Some(it.number) > last);
        self.kept.send_modify(|kept| kept.interval = last.max(kept.interval));
        Ok(())
    }

    /// A record was written or is given up: it is wanted no more, unless there is a newer one.
    fn record_is_done(&self, record: &RunRecord) {
        let mut wanted = self.wanted();
        if wanted.record.as_ref() == Some(record) {
            wanted.record = None;
        } else {
            wanted.urgent = true;
        }
        drop(wanted);
        self.kept.send_modify(|kept| kept.events = record.timeline.len());
    }

    fn refused(&self, what: String, error: &StoreError) {
        self.kept.send_modify(|kept| {
            if kept.refused.len() < MOST_REFUSED {
                let text = format!("{what} is not kept: {error}");
                kept.refused.entry(what).or_insert(text);
            }
        });
    }

    fn snapshots_are_kept(&self, batch: &[SnapshotRecord]) {
        self.snapshots_are_done(batch);
        self.kept.send_modify(|kept| {
            for snapshot in batch {
                let member = (snapshot.worker.clone(), snapshot.epoch);
                let seq = kept.snapshots.entry(member).or_default();
                *seq = snapshot.seq.max(*seq);
            }
        });
    }

    /// Snapshots were written or are given up: they are wanted no more, unless there are newer ones.
    fn snapshots_are_done(&self, batch: &[SnapshotRecord]) {
        let mut wanted = self.wanted();
        for snapshot in batch {
            let member = (snapshot.worker.clone(), snapshot.epoch);
            if wanted.snapshots.get(&member).is_some_and(|newest| newest.seq == snapshot.seq) {
                wanted.snapshots.remove(&member);
            }
        }
    }
}

/// Writes a record over the one of this revision; `false` if somebody else has written it.
async fn write_record(
    store: &dyn Store,
    mut record: RunRecord,
    revision: &mut u64,
    uncertain: &mut Option<RunRecord>,
) -> Result<bool, StoreError> {
    // A write whose answer was lost looks like somebody else's: which it is, is seen from what is
    // there.
    if let Some(written) = uncertain.as_ref() {
        let stored = store.run(&record.owner, &record.id).await?;
        let ours = RunRecord { revision: *revision + 1, ..written.clone() };
        if stored.as_ref() == Some(&ours) {
            *revision += 1;
        }
        *uncertain = None;
    }
    record.revision = *revision;
    let replaced = store.replace_run(&record).await;
    match &replaced {
        Ok(true) => *revision += 1,
        Err(error) if !error.is_lasting() => *uncertain = Some(record),
        _ => {}
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::conformance::a_snapshot;
    use crate::cluster::memory::MemoryStore;
    use crate::cluster::store::RunState;
    use crate::cluster::{Owner, RunId};
    use serde_json::Value;

    /// What the store of these tests keeps in one piece, in bytes.
    const LARGEST: usize = 1_000;

    fn ann() -> Owner {
        "ann".into()
    }

    fn id() -> RunId {
        "run".into()
    }

    /// A record that people have been told this much about.
    fn record(warnings: &[&str]) -> RunRecord {
        RunRecord {
            id: id(),
            owner: ann(),
            scenario_id: "shop".into(),
            revision: 0,
            created_unix_ms: 1,
            ended_unix_ms: None,
            state: RunState::Stopping,
            since: Default::default(),
            ends_as: None,
            scenario: Value::Null,
            journal: vec![],
            reached: 0,
            plan_key: String::new(),
            secrets: String::new(),
            warnings: warnings.iter().map(|&text| text.to_owned()).collect(),
            timeline: vec![],
            baseline: false,
            told: Vec::new(),
            summary: None,
        }
    }

    fn interval(number: u64, bytes: usize) -> IntervalRecord {
        let bytes = vec![0; bytes].into();
        IntervalRecord { number, from_ns: 0, to_ns: 1, draining: false, bytes }
    }

    /// What is kept once nothing waits any more.
    async fn all_done(keeper: &Keeper, store: &Arc<MemoryStore>) -> Kept {
        let mut kept = keeper.kept();
        let revision = store.run(&ann(), &id()).await.unwrap().unwrap().revision;
        let run = record(&[]);
        keeper.flush();
        let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(store);
        let waited = async {
            tokio::select! {
                () = keeper.keep(store, &run, revision) => panic!("nobody else writes"),
                kept = kept.wait_for(|kept| kept.all) => kept.unwrap().clone(),
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waited).await.expect("nothing is held up")
    }

    async fn a_store() -> Arc<MemoryStore> {
        let store = Arc::new(MemoryStore::holding(LARGEST));
        store.insert_run(&record(&[])).await.unwrap();
        store
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_store_refuses_for_good_holds_nothing_else_up() {
        let (store, keeper) = (a_store().await, Keeper::default());
        let large = vec![7; LARGEST + 1].into();
        keeper.snapshot(a_snapshot("a", 1, 5));
        keeper.snapshot(SnapshotRecord { bytes: large, is_final: true, ..a_snapshot("b", 2, 5) });
        keeper.snapshot(a_snapshot("c", 1, 5));
        keeper.interval(interval(0, 1));
        keeper.interval(interval(1, LARGEST + 1));
        keeper.interval(interval(2, 1));
        keeper.record(&record(&["behind them"]));
        let kept = all_done(&keeper, &store).await;

        let durable: Vec<_> = kept.snapshots.keys().map(|(worker, _)| worker.as_str()).collect();
        assert_eq!(durable, ["a", "c"], "what was given up is not called durable");
        let refused: Vec<_> = kept.refused.keys().map(String::as_str).collect();
        assert_eq!(refused, ["a snapshot of worker b, term 2", "interval 1"]);
        let text = &kept.refused["interval 1"];
        assert!(text.contains("1001 bytes") && text.contains("1000"), "{text}");
        let stored = store.snapshots(&ann(), &id()).await.unwrap();
        assert_eq!(stored, [a_snapshot("a", 1, 5), a_snapshot("c", 1, 5)]);
        let stored = store.intervals(&ann(), &id(), 0, 9).await.unwrap();
        assert_eq!(stored, [interval(0, 1), interval(2, 1)]);
        let stored = store.run(&ann(), &id()).await.unwrap().unwrap();
        assert_eq!(stored.warnings, ["behind them"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_is_refused_is_told_once_and_a_smaller_one_is_kept() {
        let (store, keeper) = (a_store().await, Keeper::default());
        let mut told = Vec::new();
        for length in [LARGEST, LARGEST + 50, 1] {
            keeper.record(&record(&["x".repeat(length).as_str()]));
            told.push(all_done(&keeper, &store).await.refused);
        }
        assert_eq!(told[0].len(), 1, "{told:?}");
        assert!(told.iter().all(|texts| *texts == told[0]), "each warning would be a new record");
        let stored = store.run(&ann(), &id()).await.unwrap().unwrap();
        assert_eq!((stored.warnings[0].as_str(), stored.revision), ("x", 1));
    }
}
