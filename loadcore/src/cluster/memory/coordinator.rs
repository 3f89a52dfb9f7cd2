//! Turns calls into changes of a few maps: the coordinator of a platform that is one process, and
//! of tests.
//!
//! One lock guards all of it and is never held across a wait. A task that waits is woken by a
//! change of what it waits for and looks again, so no order of events loses a wake-up. All waits
//! are tokio's and nothing is drawn by lot: under tokio's stopped clock a simulation takes the same
//! course each time.

use crate::cluster::coordinator::{
    Coordinator, CoordinatorError, Kind, Leader, QUEUED_RESULTS, REMEMBERED, Seen, SnapshotRecord,
    WorkerReport,
};
use crate::cluster::journal::{Entry, Epoch, Task};
use crate::cluster::{RunId, WorkerId};
use crate::time::SteadyClock;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How many tasks may wait to be taken, of all runs together; more are not kept.
const QUEUED_TASKS: usize = 10_000;

/// How long the last report of a worker is kept: twice what is promised.
const REPORTS_KEPT: Duration = Duration::from_secs(2 * REMEMBERED.as_secs());

/// How long the end of a run is kept. A worker that was frozen for hours and then puts its last
/// snapshot is told that nobody needs it.
const ENDS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The coordinator within one process. What it holds ends with it.
#[derive(Debug)]
pub struct MemoryCoordinator {
    clock: SteadyClock,
    state: Mutex<State>,
    tasks_changed: Notify,
    journals_changed: Notify,
    results_changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The greatest term that has led.
    term: u64,
    lead: Option<Lead>,
    workers: BTreeMap<WorkerId, Presence>,
    tasks: VecDeque<RunId>,
    runs: BTreeMap<RunId, Run>,
    /// When each run was closed.
    closed: BTreeMap<RunId, u64>,
    results: VecDeque<SnapshotRecord>,
    /// What the last call of [`Coordinator::results`] answered, and to which term.
    handed: (u64, Vec<SnapshotRecord>),
}

#[derive(Debug)]
struct Lead {
    leader: Leader,
    until_us: u64,
}

/// A worker that has shown itself.
#[derive(Debug)]
struct Presence {
    at_us: u64,
    /// `None` once it has left: a beat that was under way does not bring it back.
    report: Option<WorkerReport>,
}

#[derive(Debug, Default)]
struct Run {
    /// `None` while nobody has opened the run: snapshots come at any time.
    plan: Option<Bytes>,
    journal: Vec<Entry>,
    newest: BTreeMap<(WorkerId, Epoch), SnapshotRecord>,
    durable: BTreeMap<(WorkerId, Epoch), u64>,
}

impl MemoryCoordinator {
    /// An empty one, whose clock shows what the wall clock shows now and only runs on from there.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SteadyClock::set_to_wall_clock())
    }

    /// An empty one, whose clock shows `us` microseconds since 1970 now: for simulations.
    #[must_use]
    pub fn starting_at(us: u64) -> Self {
        Self::with_clock(SteadyClock::set_to(us))
    }

    /// Forgets everything, as a coordinator on another machine does that comes back empty. Its clock
    /// runs on.
    pub fn wipe(&self) {
        *self.state() = State::default();
    }

    fn with_clock(clock: SteadyClock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            tasks_changed: Notify::new(),
            journals_changed: Notify::new(),
            results_changed: Notify::new(),
        }
    }

    /// No code panics while it holds the lock, so what a poisoned one guards is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state for a controller's call.
    fn led(
        &self,
        doing: &'static str,
        term: u64,
    ) -> Result<MutexGuard<'_, State>, CoordinatorError> {
        let state = self.state();
        if term < state.term {
            return Err(refused(doing, Kind::Superseded(state.term)));
        }
        Ok(state)
    }

    /// What `look` finds, now or after one of the changes within `wait`.
    async fn find<T>(
        &self,
        changed: &Notify,
        wait: Duration,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let mut over = pin!(tokio::time::sleep(wait));
        loop {
            // Enlisted before looking, so that no change between the two is missed.
            let mut change = pin!(changed.notified());
            change.as_mut().enable();
            if let Some(found) = look(&mut self.state()) {
                return Some(found);
            }
            tokio::select! {
                biased;
                () = change => {}
                () = &mut over => return None,
            }
        }
    }
}

impl Default for MemoryCoordinator {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Coordinator for MemoryCoordinator {
    async fn now_us(&self) -> Result<u64, CoordinatorError> {
        Ok(self.clock.now_us())
    }

    async fn beat(&self, report: &WorkerReport) -> Result<u64, CoordinatorError> {
        let now_us = self.clock.now_us();
        self.state().beat(report, now_us);
        Ok(now_us)
    }

    async fn leave(&self, worker: &WorkerId) -> Result<(), CoordinatorError> {
        let gone = Presence { at_us: self.clock.now_us(), report: None };
        self.state().workers.insert(worker.clone(), gone);
        Ok(())
    }

    async fn take(
        &self,
        _worker: &WorkerId,
        wait: Duration,
    ) -> Result<Option<Task>, CoordinatorError> {
        let run = self.find(&self.tasks_changed, wait, |state| state.tasks.pop_front()).await;
        Ok(run.map(|run| Task { run }))
    }

    async fn journal(
        &self,
        run: &RunId,
        from: u64,
        wait: Duration,
    ) -> Result<Option<Vec<Entry>>, CoordinatorError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let look = |state: &mut State| state.entries(run, from);
        let found = self.find(&self.journals_changed, wait, look).await;
        let is_open = || self.state().runs.get(run).is_some_and(|run| run.plan.is_some());
        Ok(found.or_else(|| is_open().then(Vec::new)))
    }

    async fn journal_len(&self, run: &RunId) -> Result<Option<u64>, CoordinatorError> {
        let state = self.state();
        let is_open = || state.runs.get(run).is_some_and(|run| run.plan.is_some());
        let length = state.length(run);
        Ok((length > 0 || is_open()).then_some(length as u64))
    }

    async fn plan(&self, run: &RunId) -> Result<Option<Bytes>, CoordinatorError> {
        Ok(self.state().runs.get(run).and_then(|run| run.plan.clone()))
    }

    async fn put(&self, snapshot: &SnapshotRecord) -> Result<u64, CoordinatorError> {
        let durable = self.state().put(snapshot);
        self.results_changed.notify_waiters();
        Ok(durable)
    }

    async fn lead(&self, claim: &Leader, lease: Duration) -> Result<Leader, CoordinatorError> {
        let mut state = self.led("take the lead", claim.term)?;
        let now_us = self.clock.now_us();
        if let Some(lead) = &state.lead
            && lead.leader.controller != claim.controller
            && now_us < lead.until_us
        {
            return Ok(lead.leader.clone());
        }
        let until_us = now_us.saturating_add(micros(lease));
        state.term = claim.term;
        state.lead = Some(Lead { leader: claim.clone(), until_us });
        Ok(claim.clone())
    }

    async fn abdicate(&self, claim: &Leader) -> Result<(), CoordinatorError> {
        let mut state = self.state();
        let is_mine = |lead: &Lead| {
            lead.leader.controller == claim.controller && lead.leader.term == claim.term
        };
        if state.lead.as_ref().is_some_and(is_mine) {
            state.lead = None;
        }
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<Seen>, CoordinatorError> {
        let state = self.state();
        let seen = |presence: &Presence| {
            presence.report.clone().map(|report| Seen { report, at_us: presence.at_us })
        };
        Ok(state.workers.values().filter_map(seen).collect())
    }

    async fn open(
        &self,
        term: u64,
        run: &RunId,
        plan: Bytes,
        journal: &[Entry],
    ) -> Result<(), CoordinatorError> {
        const DOING: &str = "open the run";
        self.led(DOING, term)?.open(run, plan, journal).map_err(|kind| refused(DOING, kind))?;
        self.journals_changed.notify_waiters();
        Ok(())
    }

    async fn append(
        &self,
        term: u64,
        run: &RunId,
        at: u64,
        entries: &[Entry],
    ) -> Result<(), CoordinatorError> {
        const DOING: &str = "append to the journal";
        self.led(DOING, term)?.append(run, at, entries).map_err(|kind| refused(DOING, kind))?;
        self.journals_changed.notify_waiters();
        Ok(())
    }

    async fn offer(&self, term: u64, run: &RunId, count: u32) -> Result<(), CoordinatorError> {
        const DOING: &str = "offer tasks";
        let mut state = self.led(DOING, term)?;
        if state.closed.contains_key(run) {
            return Err(refused(DOING, Kind::Conflict));
        }
        let room = QUEUED_TASKS.saturating_sub(state.tasks.len());
        let tasks = std::iter::repeat_n(run.clone(), room.min(count as usize));
        state.tasks.extend(tasks);
        drop(state);
        self.tasks_changed.notify_waiters();
        Ok(())
    }

    async fn withdraw(&self, term: u64, run: &RunId) -> Result<(), CoordinatorError> {
        self.led("withdraw tasks", term)?.tasks.retain(|task| task != run);
        Ok(())
    }

    async fn results(
        &self,
        term: u64,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<SnapshotRecord>, CoordinatorError> {
        self.led("fetch results", term)?.settle_results(term);
        let look = |state: &mut State| state.hand_over_results(term, most);
        Ok(self.find(&self.results_changed, wait, look).await.unwrap_or_default())
    }

    async fn newest(&self, run: &RunId) -> Result<Vec<SnapshotRecord>, CoordinatorError> {
        let state = self.state();
        let newest = state.runs.get(run).map(|run| run.newest.values().cloned().collect());
        Ok(newest.unwrap_or_default())
    }

    async fn discard(
        &self,
        term: u64,
        run: &RunId,
        worker: &WorkerId,
        epoch: Epoch,
        seq: u64,
    ) -> Result<(), CoordinatorError> {
        let mut state = self.led("discard a snapshot", term)?;
        if let Some(run) = state.runs.get_mut(run) {
            let key = (worker.clone(), epoch);
            if run.newest.get(&key).is_some_and(|newest| newest.seq == seq) {
                run.newest.remove(&key);
            }
        }
        Ok(())
    }

    async fn confirm(
        &self,
        term: u64,
        run: &RunId,
        durable: &[(WorkerId, Epoch, u64)],
    ) -> Result<(), CoordinatorError> {
        let mut state = self.led("confirm snapshots", term)?;
        if !state.closed.contains_key(run) {
            let run = state.runs.entry(run.clone()).or_default();
            let confirmed = durable.iter().map(|(who, epoch, seq)| ((who.clone(), *epoch), *seq));
            run.durable.extend(confirmed);
        }
        Ok(())
    }

    async fn close(&self, term: u64, run: &RunId) -> Result<(), CoordinatorError> {
        let now_us = self.clock.now_us();
        let mut state = self.led("close the run", term)?;
        state.runs.remove(run);
        state.tasks.retain(|task| task != run);
        state.closed.retain(|_, at_us| at_us.saturating_add(micros(ENDS_KEPT)) > now_us);
        state.closed.insert(run.clone(), now_us);
        drop(state);
        self.journals_changed.notify_waiters();
        Ok(())
    }
}

impl State {
    fn beat(&mut self, report: &WorkerReport, now_us: u64) {
        let known = self.workers.get(&report.worker);
        // One that was overtaken by a later beat, or by the goodbye.
        let is_late = known.is_some_and(|presence| {
            presence.report.as_ref().is_none_or(|newer| report.beat < newer.beat)
        });
        if is_late {
            return;
        }
        if known.is_none() {
            self.workers.retain(|_, old| old.at_us.saturating_add(micros(REPORTS_KEPT)) > now_us);
        }
        let presence = Presence { at_us: now_us, report: Some(report.clone()) };
        self.workers.insert(report.worker.clone(), presence);
    }

    /// The journal from entry `from` on; `None` where there is nothing yet.
    fn entries(&self, run: &RunId, from: usize) -> Option<Vec<Entry>> {
        if self.closed.contains_key(run) {
            return Some(vec![Entry::Close]);
        }
        let entries = self.runs.get(run)?.journal.get(from..)?;
        (!entries.is_empty()).then(|| entries.to_vec())
    }

    fn length(&self, run: &RunId) -> usize {
        match self.closed.contains_key(run) {
            true => 1,
            false => self.runs.get(run).map_or(0, |run| run.journal.len()),
        }
    }

    fn open(&mut self, run: &RunId, plan: Bytes, journal: &[Entry]) -> Result<(), Kind> {
        if self.closed.contains_key(run) {
            return Err(Kind::Conflict);
        }
        let run = self.runs.entry(run.clone()).or_default();
        if !run.journal.starts_with(journal) {
            // The truth is what the controller brings, unless somebody knows more.
            if journal.len() <= run.journal.len() {
                return Err(Kind::Conflict);
            }
            run.journal = journal.to_vec();
        }
        run.plan = Some(plan);
        Ok(())
    }

    fn append(&mut self, run: &RunId, at: u64, entries: &[Entry]) -> Result<(), Kind> {
        let run = self.runs.get_mut(run).filter(|run| run.plan.is_some());
        let journal = &mut run.ok_or(Kind::Conflict)?.journal;
        let at = usize::try_from(at).map_err(|_| Kind::Conflict)?;
        if at == journal.len() {
            journal.extend_from_slice(entries);
            return Ok(());
        }
        let stands = journal.get(at..).is_some_and(|stored| stored.starts_with(entries));
        if stands { Ok(()) } else { Err(Kind::Conflict) }
    }

    /// Takes a snapshot down if it is newer, and answers what is durable.
    fn put(&mut self, snapshot: &SnapshotRecord) -> u64 {
        if self.closed.contains_key(&snapshot.run) {
            return snapshot.seq;
        }
        let run = self.runs.entry(snapshot.run.clone()).or_default();
        let key = (snapshot.worker.clone(), snapshot.epoch);
        let durable = run.durable.get(&key).copied().unwrap_or(0);
        if run.newest.get(&key).is_none_or(|stored| stored.seq < snapshot.seq) {
            run.newest.insert(key, snapshot.clone());
            self.results.push_back(snapshot.clone());
            self.drop_oldest_results();
        }
        durable
    }

    /// What was handed over in the last call has arrived if the same controller calls again; else it
    /// waits again, before all others.
    fn settle_results(&mut self, term: u64) {
        let (to, handed) = std::mem::take(&mut self.handed);
        if to != term {
            for snapshot in handed.into_iter().rev() {
                self.results.push_front(snapshot);
            }
            self.drop_oldest_results();
        }
    }

    fn hand_over_results(&mut self, term: u64, most: usize) -> Option<Vec<SnapshotRecord>> {
        let count = most.min(self.results.len());
        let handed: Vec<_> = self.results.drain(..count).collect();
        self.handed = (term, handed.clone());
        (!handed.is_empty()).then_some(handed)
    }

    fn drop_oldest_results(&mut self) {
        let excess = self.results.len().saturating_sub(QUEUED_RESULTS);
        self.results.drain(..excess);
    }
}

fn refused(doing: &'static str, kind: Kind) -> CoordinatorError {
    CoordinatorError { kind, doing, source: None }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::conformance;

    #[tokio::test]
    async fn it_keeps_its_promises() {
        conformance::coordinator(|| async { MemoryCoordinator::new() }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_keeps_them_in_simulated_time_too() {
        conformance::coordinator(|| async { MemoryCoordinator::starting_at(1_000_000) }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn its_clock_is_tokios() {
        let coordinator = MemoryCoordinator::starting_at(5_000_000);
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(coordinator.now_us().await.unwrap(), 6_500_000);
    }

    #[tokio::test(start_paused = true)]
    async fn reports_are_forgotten_in_the_end() {
        let coordinator = MemoryCoordinator::starting_at(0);
        for worker in 0..10 {
            let report = conformance::a_report(&format!("w{worker}"), 1);
            coordinator.beat(&report).await.unwrap();
            tokio::time::advance(REMEMBERED).await;
        }
        let left = coordinator.workers().await.unwrap().len();
        assert!(left <= 3, "{left} reports are kept, some of them for nine minutes");
    }

    #[tokio::test]
    async fn more_tasks_than_the_bound_are_not_kept() {
        let coordinator = MemoryCoordinator::new();
        coordinator.offer(1, &RunId::from("r"), u32::MAX).await.unwrap();
        coordinator.offer(1, &RunId::from("r"), 1).await.unwrap();
        assert_eq!(coordinator.state().tasks.len(), QUEUED_TASKS);
    }

    #[tokio::test]
    async fn after_a_wipe_the_controller_brings_the_journal_again() {
        let coordinator = MemoryCoordinator::new();
        let (run, journal) = (RunId::from("r"), [Entry::Start { at_us: 1 }]);
        coordinator.open(1, &run, Bytes::new(), &journal).await.unwrap();
        coordinator.wipe();
        let error = coordinator.append(1, &run, 1, &[Entry::Stop { at_ns: 1 }]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        coordinator.open(1, &run, Bytes::new(), &journal).await.unwrap();
        coordinator.append(1, &run, 1, &[Entry::Stop { at_ns: 1 }]).await.unwrap();
    }
}
