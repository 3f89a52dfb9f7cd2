//! Turns calls into changes of a few maps: the coordinator of a platform that is one process, and
//! of tests.
//!
//! One lock guards all of it and is never held across a wait. A task that waits is woken by a
//! change of what it waits for and looks again, so no order of events loses a wake-up. All waits
//! are tokio's and nothing is drawn by lot: under tokio's stopped clock a simulation takes the same
//! course each time.

use crate::cluster::coordinator::{
    Beat, Coordinator, CoordinatorError, Kind, Leader, QUEUED_RESULTS, REMEMBERED, SnapshotRecord,
    Tip,
};
use crate::cluster::journal::{Epoch, Line, Task};
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
    /// The last beat of each worker, and when it came.
    workers: BTreeMap<WorkerId, (Bytes, u64)>,
    tasks: VecDeque<RunId>,
    runs: BTreeMap<RunId, Run>,
    /// The end of each run that was closed, and when it was.
    closed: BTreeMap<RunId, (Line, u64)>,
    results: VecDeque<SnapshotRecord>,
    /// What the last call of [`Coordinator::results`] answered, and to which term.
    handed: (u64, Vec<SnapshotRecord>),
}

#[derive(Debug)]
struct Lead {
    leader: Leader,
    until_us: u64,
}

#[derive(Debug, Default)]
struct Run {
    /// `None` while nobody has opened the run: snapshots come at any time.
    plan: Option<Bytes>,
    journal: Vec<Line>,
    newest: BTreeMap<(WorkerId, Epoch), SnapshotRecord>,
    durable: BTreeMap<(WorkerId, Epoch), Bytes>,
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

    async fn beat(&self, beat: &Beat) -> Result<u64, CoordinatorError> {
        let now_us = self.clock.now_us();
        self.state().beat(beat, now_us);
        Ok(now_us)
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
    ) -> Result<Option<Vec<Line>>, CoordinatorError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let look = |state: &mut State| state.lines(run, from);
        let found = self.find(&self.journals_changed, wait, look).await;
        let is_open = || self.state().runs.get(run).is_some_and(|run| run.plan.is_some());
        Ok(found.or_else(|| is_open().then(Vec::new)))
    }

    async fn tip(&self, run: &RunId) -> Result<Option<Tip>, CoordinatorError> {
        let state = self.state();
        let whole = state.lines(run, 0);
        let is_open = || state.runs.get(run).is_some_and(|run| run.plan.is_some());
        let whole = whole.or_else(|| is_open().then(Vec::new));
        Ok(whole.map(|it| Tip { lines: it.len() as u64, last: it.last().cloned() }))
    }

    async fn plan(&self, run: &RunId) -> Result<Option<Bytes>, CoordinatorError> {
        Ok(self.state().runs.get(run).and_then(|run| run.plan.clone()))
    }

    async fn put(&self, snapshot: &SnapshotRecord) -> Result<Option<Bytes>, CoordinatorError> {
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

    async fn workers(&self) -> Result<Vec<(Beat, u64)>, CoordinatorError> {
        let beat = |(worker, (said, at_us)): (&WorkerId, &(Bytes, u64))| {
            (Beat { worker: worker.clone(), said: said.clone() }, *at_us)
        };
        Ok(self.state().workers.iter().map(beat).collect())
    }

    async fn open(
        &self,
        term: u64,
        run: &RunId,
        plan: Bytes,
        journal: &[Line],
    ) -> Result<(), CoordinatorError> {
        const DOING: &str = "open the run";
        self.led(DOING, term)?.open(run, plan, journal);
        self.journals_changed.notify_waiters();
        Ok(())
    }

    async fn append(
        &self,
        term: u64,
        run: &RunId,
        at: u64,
        lines: &[Line],
    ) -> Result<(), CoordinatorError> {
        const DOING: &str = "append to the journal";
        self.led(DOING, term)?.append(run, at, lines).map_err(|kind| refused(DOING, kind))?;
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
        durable: &[(WorkerId, Epoch, Bytes)],
    ) -> Result<(), CoordinatorError> {
        let mut state = self.led("confirm snapshots", term)?;
        if !state.closed.contains_key(run) {
            let run = state.runs.entry(run.clone()).or_default();
            let confirmed = durable.iter().cloned().map(|(who, epoch, said)| ((who, epoch), said));
            run.durable.extend(confirmed);
        }
        Ok(())
    }

    async fn close(&self, term: u64, run: &RunId, end: &Line) -> Result<(), CoordinatorError> {
        let now_us = self.clock.now_us();
        let mut state = self.led("close the run", term)?;
        state.runs.remove(run);
        state.tasks.retain(|task| task != run);
        state.closed.retain(|_, (_, at_us)| at_us.saturating_add(micros(ENDS_KEPT)) > now_us);
        state.closed.insert(run.clone(), (end.clone(), now_us));
        drop(state);
        self.journals_changed.notify_waiters();
        Ok(())
    }
}

impl State {
    fn beat(&mut self, beat: &Beat, now_us: u64) {
        if !self.workers.contains_key(&beat.worker) {
            self.workers
                .retain(|_, (_, at_us)| at_us.saturating_add(micros(REPORTS_KEPT)) > now_us);
        }
        self.workers.insert(beat.worker.clone(), (beat.said.clone(), now_us));
    }

    /// The journal from line `from` on; `None` where there is nothing yet.
    fn lines(&self, run: &RunId, from: usize) -> Option<Vec<Line>> {
        if let Some((end, _)) = self.closed.get(run) {
            return Some(vec![end.clone()]);
        }
        let lines = self.runs.get(run)?.journal.get(from..)?;
        (!lines.is_empty()).then(|| lines.to_vec())
    }

    fn open(&mut self, run: &RunId, plan: Bytes, journal: &[Line]) {
        self.closed.remove(run);
        let run = self.runs.entry(run.clone()).or_default();
        (run.plan, run.journal) = (Some(plan), journal.to_vec());
    }

    fn append(&mut self, run: &RunId, at: u64, lines: &[Line]) -> Result<(), Kind> {
        let run = self.runs.get_mut(run).filter(|run| run.plan.is_some());
        let journal = &mut run.ok_or(Kind::Conflict)?.journal;
        let at = usize::try_from(at).map_err(|_| Kind::Conflict)?;
        if at == journal.len() {
            journal.extend_from_slice(lines);
            return Ok(());
        }
        let stands = journal.get(at..).is_some_and(|stored| stored.starts_with(lines));
        if stands { Ok(()) } else { Err(Kind::Conflict) }
    }

    /// Takes a snapshot down if it is newer, and answers what is durable.
    fn put(&mut self, snapshot: &SnapshotRecord) -> Option<Bytes> {
        if self.closed.contains_key(&snapshot.run) {
            return None;
        }
        let run = self.runs.entry(snapshot.run.clone()).or_default();
        let key = (snapshot.worker.clone(), snapshot.epoch);
        let durable = run.durable.get(&key).cloned();
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
            let beat = conformance::a_beat(&format!("w{worker}"), 1);
            coordinator.beat(&beat).await.unwrap();
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
        let (run, journal) = (RunId::from("r"), [conformance::a_line(1)]);
        coordinator.open(1, &run, Bytes::new(), &journal).await.unwrap();
        coordinator.wipe();
        let error = coordinator.append(1, &run, 1, &[conformance::a_line(2)]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        coordinator.open(1, &run, Bytes::new(), &journal).await.unwrap();
        coordinator.append(1, &run, 1, &[conformance::a_line(2)]).await.unwrap();
    }
}
