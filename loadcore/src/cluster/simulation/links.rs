//! Plays a network that delays, loses answers and fails, and watches for what must not be seen on
//! it.

use super::checks::Witness;
use super::{Dice, SECRET};
use crate::cluster::coordinator::{
    self, Beat, Coordinator, CoordinatorError, Leader, SnapshotRecord, Tip,
};
use crate::cluster::journal::{Epoch, Line, Task};
use crate::cluster::memory::{MemoryCoordinator, MemoryStore};
use crate::cluster::store::{
    self, CallRecord, IntervalRecord, KeptCall, Note, NoteKind, Page, RunRecord, ScenarioRecord,
    Store, StoreError,
};
use crate::cluster::{Owner, RunId, ScenarioId, WorkerId};
use crate::time::now;
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a call to somebody who is not there takes.
const TIMEOUT: Duration = Duration::from_millis(700);

/// What is between the processes.
pub(super) struct Network {
    began: Instant,
    state: Mutex<State>,
    witness: Arc<Witness>,
}

struct State {
    dice: Dice,
    coordinator_is_down: bool,
    store_is_down: bool,
    /// How long a call to the store takes that is down.
    store_timeout: Duration,
    /// The next change of a run that is brought to the store meets a mistake of ours.
    store_panics: bool,
    /// Intervals that the store has handed out.
    intervals_read: usize,
    cut_off: BTreeSet<usize>,
    /// Percentage of calls whose answer is lost.
    lossy: u64,
}

impl Network {
    pub(super) fn new(seed: u64, witness: Arc<Witness>) -> Self {
        let state = State {
            dice: Dice::new(seed),
            coordinator_is_down: false,
            store_is_down: false,
            store_timeout: TIMEOUT,
            store_panics: false,
            intervals_read: 0,
            cut_off: BTreeSet::new(),
            lossy: 0,
        };
        Self { began: now(), state: Mutex::new(state), witness }
    }

    /// Time since the simulation's start.
    pub(super) fn now(&self) -> Duration {
        now().saturating_duration_since(self.began)
    }

    pub(super) fn coordinator_down(&self, down: bool) {
        self.state.lock().unwrap().coordinator_is_down = down;
    }

    pub(super) fn store_down(&self, down: bool) {
        self.state.lock().unwrap().store_is_down = down;
    }

    pub(super) fn store_times_out_after(&self, timeout: Duration) {
        self.state.lock().unwrap().store_timeout = timeout;
    }

    pub(super) fn store_panics_once(&self) {
        self.state.lock().unwrap().store_panics = true;
    }

    pub(super) fn intervals_read(&self) -> usize {
        self.state.lock().unwrap().intervals_read
    }

    pub(super) fn cut(&self, host: usize, cut: bool) {
        let mut state = self.state.lock().unwrap();
        if cut {
            state.cut_off.insert(host)
        } else {
            state.cut_off.remove(&host)
        };
    }

    pub(super) fn lossy(&self, percent: u64) {
        self.state.lock().unwrap().lossy = percent;
    }

    /// Whether anything is wrong with it now.
    pub(super) fn is_troubled(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.coordinator_is_down
            || state.store_is_down
            || !state.cut_off.is_empty()
            || state.lossy > 0
    }

    /// Nothing is wrong any more.
    pub(super) fn calm(&self) {
        let mut state = self.state.lock().unwrap();
        state.coordinator_is_down = false;
        state.store_is_down = false;
        state.cut_off.clear();
        state.lossy = 0;
    }

    fn delay(&self) -> Duration {
        Duration::from_micros(self.state.lock().unwrap().dice.between(50, 2_000))
    }

    fn reaches_coordinator(&self, host: usize) -> bool {
        let state = self.state.lock().unwrap();
        !state.coordinator_is_down && !state.cut_off.contains(&host)
    }

    fn reaches_store(&self) -> bool {
        !self.state.lock().unwrap().store_is_down
    }

    fn loses_the_answer(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        let percent = state.lossy;
        percent > 0 && state.dice.chance(percent)
    }

    /// Invariant 11: what is carried or kept holds no secret.
    fn look_at(&self, what: &str, bytes: &[u8]) {
        if bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()) {
            self.witness.violation(format!("11: the secret stands in the clear in {what}"));
        }
    }

    fn look_at_value(&self, what: &str, value: &impl Serialize) {
        self.look_at(what, &serde_json::to_vec(value).unwrap());
    }
}

/// A process's connection to the coordinator.
pub(super) struct CoordinatorLink {
    host: usize,
    network: Arc<Network>,
    inner: Arc<MemoryCoordinator>,
}

impl CoordinatorLink {
    pub(super) fn new(host: usize, network: &Arc<Network>, inner: &Arc<MemoryCoordinator>) -> Self {
        Self { host, network: Arc::clone(network), inner: Arc::clone(inner) }
    }

    /// Carries a call there and its answer back, or not.
    async fn carry<T>(
        &self,
        call: impl Future<Output = Result<T, CoordinatorError>>,
    ) -> Result<T, CoordinatorError> {
        self.there().await?;
        let answer = call.await;
        self.back().await?;
        answer
    }

    async fn there(&self) -> Result<(), CoordinatorError> {
        tokio::time::sleep(self.network.delay()).await;
        if self.network.reaches_coordinator(self.host) { Ok(()) } else { self.away().await }
    }

    async fn back(&self) -> Result<(), CoordinatorError> {
        tokio::time::sleep(self.network.delay()).await;
        if self.network.loses_the_answer() || !self.network.reaches_coordinator(self.host) {
            return self.away().await;
        }
        Ok(())
    }

    async fn away(&self) -> Result<(), CoordinatorError> {
        tokio::time::sleep(TIMEOUT).await;
        let kind = coordinator::Kind::Unavailable("simulated".into());
        Err(CoordinatorError { kind, doing: "be reached", source: None })
    }
}

#[async_trait]
impl Coordinator for CoordinatorLink {
    async fn now_us(&self) -> Result<u64, CoordinatorError> {
        self.carry(self.inner.now_us()).await
    }

    async fn beat(&self, beat: &Beat) -> Result<u64, CoordinatorError> {
        self.network.look_at("a beat", &beat.said);
        self.carry(self.inner.beat(beat)).await
    }

    async fn take(
        &self,
        worker: &WorkerId,
        wait: Duration,
    ) -> Result<Option<Task>, CoordinatorError> {
        self.carry(self.inner.take(worker, wait)).await
    }

    async fn journal(
        &self,
        run: &RunId,
        from: u64,
        wait: Duration,
    ) -> Result<Option<Vec<Line>>, CoordinatorError> {
        self.carry(self.inner.journal(run, from, wait)).await
    }

    async fn tip(&self, run: &RunId) -> Result<Option<Tip>, CoordinatorError> {
        self.carry(self.inner.tip(run)).await
    }

    async fn plan(&self, run: &RunId) -> Result<Option<Bytes>, CoordinatorError> {
        self.carry(self.inner.plan(run)).await
    }

    async fn put(&self, snapshot: &SnapshotRecord) -> Result<Option<Bytes>, CoordinatorError> {
        self.network.look_at("a snapshot", &snapshot.bytes);
        self.carry(self.inner.put(snapshot)).await
    }

    async fn lead(&self, claim: &Leader, lease: Duration) -> Result<Leader, CoordinatorError> {
        self.carry(self.inner.lead(claim, lease)).await
    }

    async fn abdicate(&self, claim: &Leader) -> Result<(), CoordinatorError> {
        self.carry(self.inner.abdicate(claim)).await
    }

    async fn workers(&self) -> Result<Vec<(Beat, u64)>, CoordinatorError> {
        self.carry(self.inner.workers()).await
    }

    async fn open(
        &self,
        term: u64,
        run: &RunId,
        plan: Bytes,
        journal: &[Line],
    ) -> Result<(), CoordinatorError> {
        self.network.look_at("a plan", &plan);
        journal.iter().for_each(|line| self.network.look_at("a journal", &line.0));
        self.carry(self.inner.open(term, run, plan, journal)).await
    }

    async fn append(
        &self,
        term: u64,
        run: &RunId,
        at: u64,
        lines: &[Line],
    ) -> Result<(), CoordinatorError> {
        lines.iter().for_each(|line| self.network.look_at("a journal", &line.0));
        self.carry(self.inner.append(term, run, at, lines)).await
    }

    async fn offer(&self, term: u64, run: &RunId, count: u32) -> Result<(), CoordinatorError> {
        self.carry(self.inner.offer(term, run, count)).await
    }

    async fn withdraw(&self, term: u64, run: &RunId) -> Result<(), CoordinatorError> {
        self.carry(self.inner.withdraw(term, run)).await
    }

    async fn results(
        &self,
        term: u64,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<SnapshotRecord>, CoordinatorError> {
        self.carry(self.inner.results(term, most, wait)).await
    }

    async fn newest(&self, run: &RunId) -> Result<Vec<SnapshotRecord>, CoordinatorError> {
        self.carry(self.inner.newest(run)).await
    }

    async fn discard(
        &self,
        term: u64,
        run: &RunId,
        worker: &WorkerId,
        epoch: Epoch,
        seq: u64,
    ) -> Result<(), CoordinatorError> {
        self.carry(self.inner.discard(term, run, worker, epoch, seq)).await
    }

    async fn confirm(
        &self,
        term: u64,
        run: &RunId,
        durable: &[(WorkerId, Epoch, Bytes)],
    ) -> Result<(), CoordinatorError> {
        self.carry(self.inner.confirm(term, run, durable)).await
    }

    async fn close(&self, term: u64, run: &RunId, end: &Line) -> Result<(), CoordinatorError> {
        self.carry(self.inner.close(term, run, end)).await
    }
}

/// A controller's connection to the store.
pub(super) struct StoreLink {
    network: Arc<Network>,
    inner: Arc<MemoryStore>,
}

impl StoreLink {
    pub(super) fn new(network: &Arc<Network>, inner: &Arc<MemoryStore>) -> Self {
        Self { network: Arc::clone(network), inner: Arc::clone(inner) }
    }

    async fn carry<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let away = async || {
            let timeout = self.network.state.lock().unwrap().store_timeout;
            tokio::time::sleep(timeout).await;
            let kind = store::Kind::Unavailable("simulated".into());
            Err(StoreError { kind, doing: "be reached", source: None })
        };
        tokio::time::sleep(self.network.delay()).await;
        if !self.network.reaches_store() {
            return away().await;
        }
        let answer = call.await;
        if self.network.loses_the_answer() {
            return away().await;
        }
        answer
    }
}

#[async_trait]
impl Store for StoreLink {
    async fn next_term(&self) -> Result<u64, StoreError> {
        self.carry(self.inner.next_term()).await
    }

    async fn insert_scenario(&self, scenario: &ScenarioRecord) -> Result<(), StoreError> {
        self.network.look_at_value("a scenario", scenario);
        self.carry(self.inner.insert_scenario(scenario)).await
    }

    async fn replace_scenario(&self, scenario: &ScenarioRecord) -> Result<bool, StoreError> {
        self.carry(self.inner.replace_scenario(scenario)).await
    }

    async fn scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
    ) -> Result<Option<ScenarioRecord>, StoreError> {
        self.carry(self.inner.scenario(owner, id)).await
    }

    async fn scenarios(
        &self,
        owner: &Owner,
        tag: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ScenarioRecord>, StoreError> {
        self.carry(self.inner.scenarios(owner, tag, page)).await
    }

    async fn delete_scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
        revision: Option<u64>,
    ) -> Result<bool, StoreError> {
        self.carry(self.inner.delete_scenario(owner, id, revision)).await
    }

    async fn insert_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        self.network.look_at_value("a run", run);
        self.carry(self.inner.insert_run(run)).await
    }

    async fn replace_run(&self, run: &RunRecord) -> Result<bool, StoreError> {
        self.network.look_at_value("a run", run);
        let panics = std::mem::take(&mut self.network.state.lock().unwrap().store_panics);
        assert!(!panics, "asked for by a test");
        self.carry(self.inner.replace_run(run)).await
    }

    async fn run(&self, owner: &Owner, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        self.carry(self.inner.run(owner, id)).await
    }

    async fn runs(
        &self,
        owner: &Owner,
        scenario: Option<&ScenarioId>,
        page: &Page,
    ) -> Result<Vec<RunRecord>, StoreError> {
        self.carry(self.inner.runs(owner, scenario, page)).await
    }

    async fn delete_run(&self, owner: &Owner, id: &RunId) -> Result<bool, StoreError> {
        self.carry(self.inner.delete_run(owner, id)).await
    }

    async fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        self.carry(self.inner.owners()).await
    }

    async fn open_runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        self.carry(self.inner.open_runs()).await
    }

    async fn keep_snapshots(
        &self,
        owner: &Owner,
        snapshots: &[SnapshotRecord],
    ) -> Result<(), StoreError> {
        self.carry(self.inner.keep_snapshots(owner, snapshots)).await
    }

    async fn snapshots(
        &self,
        owner: &Owner,
        run: &RunId,
    ) -> Result<Vec<SnapshotRecord>, StoreError> {
        self.carry(self.inner.snapshots(owner, run)).await
    }

    async fn keep_intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        intervals: &[IntervalRecord],
    ) -> Result<(), StoreError> {
        self.carry(self.inner.keep_intervals(owner, run, intervals)).await
    }

    async fn intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        from: u64,
        most: usize,
    ) -> Result<Vec<IntervalRecord>, StoreError> {
        let read = self.carry(self.inner.intervals(owner, run, from, most)).await;
        let count = read.as_ref().map_or(0, Vec::len);
        self.network.state.lock().unwrap().intervals_read += count;
        read
    }

    async fn keep_analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
        term: u64,
        document: &Value,
    ) -> Result<bool, StoreError> {
        self.network.look_at_value("a result", document);
        self.carry(self.inner.keep_analysis(owner, run, name, term, document)).await
    }

    async fn analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
    ) -> Result<Option<Value>, StoreError> {
        self.carry(self.inner.analysis(owner, run, name)).await
    }

    async fn forget(&self, before_unix_ms: u64) -> Result<u64, StoreError> {
        self.carry(self.inner.forget(before_unix_ms)).await
    }

    async fn keep_call(
        &self,
        call: &CallRecord,
        since_unix_ms: u64,
        most: usize,
    ) -> Result<KeptCall, StoreError> {
        self.carry(self.inner.keep_call(call, since_unix_ms, most)).await
    }

    async fn call(&self, owner: &Owner, key: &str) -> Result<Option<CallRecord>, StoreError> {
        self.carry(self.inner.call(owner, key)).await
    }

    async fn finish_call(&self, owner: &Owner, key: &str) -> Result<(), StoreError> {
        self.carry(self.inner.finish_call(owner, key)).await
    }

    async fn keep_note(&self, note: &Note) -> Result<bool, StoreError> {
        self.network.look_at_value("a note", note);
        self.carry(self.inner.keep_note(note)).await
    }

    async fn note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<Option<Note>, StoreError> {
        self.carry(self.inner.note(kind, owner, name)).await
    }

    async fn notes(
        &self,
        kind: NoteKind,
        owner: Option<&Owner>,
        page: &Page,
    ) -> Result<Vec<Note>, StoreError> {
        self.carry(self.inner.notes(kind, owner, page)).await
    }

    async fn delete_note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<bool, StoreError> {
        self.carry(self.inner.delete_note(kind, owner, name)).await
    }

    async fn forget_notes(&self, kind: NoteKind, before: &str) -> Result<(), StoreError> {
        self.carry(self.inner.forget_notes(kind, before)).await
    }
}
