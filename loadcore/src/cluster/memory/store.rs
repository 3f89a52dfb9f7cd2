//! Keeps what a platform stores in memory: it lives as long as the value does.
//!
//! Nothing here waits and nothing depends on chance: the same calls give the same answers, which
//! is what a simulation needs. Everything of a run hangs on the run, so that it goes with it.

use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::journal::Epoch;
use crate::cluster::store::{
    CallRecord, IntervalRecord, KeptCall, Kind, Note, NoteKind, Page, RunRecord, ScenarioRecord,
    Store, StoreError, place,
};
use crate::cluster::{Owner, RunId, ScenarioId, WorkerId};
use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A [`Store`] in memory.
#[derive(Debug)]
pub struct MemoryStore {
    /// In bytes, of what is kept in one piece.
    largest: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    term: u64,
    scenarios: BTreeMap<ScenarioId, ScenarioRecord>,
    runs: BTreeMap<RunId, Kept>,
    calls: BTreeMap<Owner, BTreeMap<String, CallRecord>>,
    /// By their places.
    notes: BTreeMap<NoteKind, BTreeMap<String, Note>>,
}

/// A run and all that belongs to it.
#[derive(Debug)]
struct Kept {
    record: RunRecord,
    snapshots: BTreeMap<(WorkerId, Epoch), SnapshotRecord>,
    intervals: BTreeMap<u64, IntervalRecord>,
    /// With the terms in which they were written.
    analyses: BTreeMap<String, (u64, Value)>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::holding(usize::MAX)
    }

    /// An empty store that refuses records, snapshots, intervals and analyses of more than so many
    /// bytes each, as databases do: for simulations.
    #[must_use]
    pub fn holding(largest: usize) -> Self {
        Self { largest, state: Mutex::default() }
    }

    /// Refuses what is too large in one piece.
    fn fits(&self, doing: &'static str, bytes: usize) -> Result<(), StoreError> {
        if bytes <= self.largest {
            return Ok(());
        }
        let text = format!("a piece of {bytes} bytes, where at most {} are kept", self.largest);
        Err(StoreError { kind: Kind::TooLarge(text), doing, source: None })
    }

    fn record_fits(&self, doing: &'static str, record: &impl Serialize) -> Result<(), StoreError> {
        // Records are not written here, so one that cannot be written as JSON counts as small.
        let written = || serde_json::to_vec(record).map_or(0, |json| json.len());
        if self.largest == usize::MAX { Ok(()) } else { self.fits(doing, written()) }
    }

    /// No change here can panic half-way, so what a poisoned lock guards is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn scenario(&mut self, owner: &Owner, id: &ScenarioId) -> Option<&mut ScenarioRecord> {
        self.scenarios.get_mut(id).filter(|scenario| scenario.owner == *owner)
    }

    fn run(&mut self, owner: &Owner, id: &RunId) -> Option<&mut Kept> {
        self.runs.get_mut(id).filter(|run| run.record.owner == *owner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn next_term(&self) -> Result<u64, StoreError> {
        let mut state = self.state();
        state.term += 1;
        Ok(state.term)
    }

    async fn insert_scenario(&self, scenario: &ScenarioRecord) -> Result<(), StoreError> {
        self.record_fits("keep a new scenario", scenario)?;
        match self.state().scenarios.entry(scenario.id.clone()) {
            Entry::Occupied(_) => Err(exists("keep a new scenario")),
            Entry::Vacant(place) => {
                place.insert(scenario.clone());
                Ok(())
            }
        }
    }

    async fn replace_scenario(&self, scenario: &ScenarioRecord) -> Result<bool, StoreError> {
        self.record_fits("change a scenario", scenario)?;
        let mut state = self.state();
        let stored = state.scenario(&scenario.owner, &scenario.id);
        let Some(stored) = stored.filter(|stored| stored.revision == scenario.revision) else {
            return Ok(false);
        };
        *stored =
            ScenarioRecord { revision: scenario.revision.saturating_add(1), ..scenario.clone() };
        Ok(true)
    }

    async fn scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
    ) -> Result<Option<ScenarioRecord>, StoreError> {
        Ok(self.state().scenario(owner, id).cloned())
    }

    async fn scenarios(
        &self,
        owner: &Owner,
        tag: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ScenarioRecord>, StoreError> {
        let state = self.state();
        let all = state.scenarios.iter().map(|(id, scenario)| (id.as_str(), scenario));
        let tagged = |one: &ScenarioRecord| tag.is_none_or(|tag| one.tags.iter().any(|t| t == tag));
        Ok(list(all, page, |one| one.owner == *owner && tagged(one)))
    }

    async fn delete_scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
        revision: Option<u64>,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let stored = state.scenario(owner, id);
        let there = stored.is_some_and(|it| revision.is_none_or(|wanted| it.revision == wanted));
        if there {
            state.scenarios.remove(id);
        }
        Ok(there)
    }

    async fn insert_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        self.record_fits("keep a new run", run)?;
        match self.state().runs.entry(run.id.clone()) {
            Entry::Occupied(_) => Err(exists("keep a new run")),
            Entry::Vacant(place) => {
                place.insert(Kept {
                    record: run.clone(),
                    snapshots: BTreeMap::new(),
                    intervals: BTreeMap::new(),
                    analyses: BTreeMap::new(),
                });
                Ok(())
            }
        }
    }

    async fn replace_run(&self, run: &RunRecord) -> Result<bool, StoreError> {
        self.record_fits("change a run", run)?;
        let mut state = self.state();
        let stored = state.run(&run.owner, &run.id);
        let Some(stored) = stored.filter(|stored| stored.record.revision == run.revision) else {
            return Ok(false);
        };
        stored.record = RunRecord { revision: run.revision.saturating_add(1), ..run.clone() };
        Ok(true)
    }

    async fn run(&self, owner: &Owner, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        Ok(self.state().run(owner, id).map(|run| run.record.clone()))
    }

    async fn runs(
        &self,
        owner: &Owner,
        scenario: Option<&ScenarioId>,
        page: &Page,
    ) -> Result<Vec<RunRecord>, StoreError> {
        let state = self.state();
        let all = state.runs.iter().map(|(id, run)| (id.as_str(), &run.record));
        let of = |run: &RunRecord| scenario.is_none_or(|scenario| run.scenario_id == *scenario);
        Ok(list(all, page, |run| run.owner == *owner && of(run)))
    }

    async fn delete_run(&self, owner: &Owner, id: &RunId) -> Result<bool, StoreError> {
        let mut state = self.state();
        let there = state.run(owner, id).is_some();
        if there {
            state.runs.remove(id);
        }
        Ok(there)
    }

    async fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        let state = self.state();
        let of_scenarios = state.scenarios.values().map(|scenario| &scenario.owner);
        let of_runs = state.runs.values().map(|run| &run.record.owner);
        let owners: BTreeSet<_> = of_scenarios.chain(of_runs).collect();
        Ok(owners.into_iter().cloned().collect())
    }

    async fn open_runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let state = self.state();
        let newest_first = state.runs.values().rev().map(|run| &run.record);
        Ok(newest_first.filter(|run| run.is_open()).cloned().collect())
    }

    async fn keep_snapshots(
        &self,
        owner: &Owner,
        snapshots: &[SnapshotRecord],
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let mut fits = Ok(());
        for new in snapshots {
            let Some(run) = state.run(owner, &new.run) else { continue };
            if let Err(error) = self.fits("keep snapshots", new.bytes.len()) {
                fits = Err(error);
                continue;
            }
            let kept = run.snapshots.entry((new.worker.clone(), new.epoch));
            let kept = kept.or_insert_with(|| new.clone());
            if kept.seq < new.seq {
                *kept = new.clone();
            }
        }
        fits
    }

    async fn snapshots(
        &self,
        owner: &Owner,
        run: &RunId,
    ) -> Result<Vec<SnapshotRecord>, StoreError> {
        let mut state = self.state();
        let run = state.run(owner, run);
        Ok(run.map_or_else(Vec::new, |run| run.snapshots.values().cloned().collect()))
    }

    async fn keep_intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        intervals: &[IntervalRecord],
    ) -> Result<(), StoreError> {
        let mut fits = Ok(());
        if let Some(run) = self.state().run(owner, run) {
            for new in intervals {
                match self.fits("keep intervals", new.bytes.len()) {
                    Ok(()) => {
                        run.intervals.entry(new.number).or_insert_with(|| new.clone());
                    }
                    Err(error) => fits = Err(error),
                }
            }
        }
        fits
    }

    async fn intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        from: u64,
        most: usize,
    ) -> Result<Vec<IntervalRecord>, StoreError> {
        let mut state = self.state();
        let Some(run) = state.run(owner, run) else { return Ok(Vec::new()) };
        Ok(run.intervals.range(from..).take(most).map(|(_, one)| one.clone()).collect())
    }

    async fn keep_analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
        term: u64,
        document: &Value,
    ) -> Result<bool, StoreError> {
        self.record_fits("keep an analysis", document)?;
        let mut state = self.state();
        let Some(run) = state.run(owner, run) else { return Ok(true) };
        if run.analyses.get(name).is_some_and(|(of, _)| *of > term) {
            return Ok(false);
        }
        run.analyses.insert(name.to_owned(), (term, document.clone()));
        Ok(true)
    }

    async fn analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
    ) -> Result<Option<Value>, StoreError> {
        let mut state = self.state();
        Ok(state.run(owner, run).and_then(|run| run.analyses.get(name).map(|(_, it)| it.clone())))
    }

    async fn forget(&self, before_unix_ms: u64) -> Result<u64, StoreError> {
        let mut state = self.state();
        let before = state.runs.len();
        let stays = |at: Option<u64>| at.is_none_or(|at| at >= before_unix_ms);
        state.runs.retain(|_, run| stays(run.record.fading_since()));
        Ok((before - state.runs.len()) as u64)
    }

    async fn keep_call(
        &self,
        call: &CallRecord,
        since_unix_ms: u64,
        most: usize,
    ) -> Result<KeptCall, StoreError> {
        self.record_fits("keep a call", call)?;
        let mut state = self.state();
        for calls in state.calls.values_mut() {
            calls.retain(|_, known| known.at_unix_ms >= since_unix_ms);
        }
        let calls = state.calls.entry(call.owner.clone()).or_default();
        if let Some(known) = calls.get(&call.key) {
            return Ok(KeptCall::Known(known.clone()));
        }
        if calls.len() >= most {
            return Ok(KeptCall::Full);
        }
        calls.insert(call.key.clone(), call.clone());
        Ok(KeptCall::New)
    }

    async fn call(&self, owner: &Owner, key: &str) -> Result<Option<CallRecord>, StoreError> {
        Ok(self.state().calls.get(owner).and_then(|calls| calls.get(key)).cloned())
    }

    async fn finish_call(&self, owner: &Owner, key: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(call) = state.calls.get_mut(owner).and_then(|calls| calls.get_mut(key)) {
            call.finished = true;
        }
        Ok(())
    }

    async fn keep_note(&self, note: &Note) -> Result<bool, StoreError> {
        self.record_fits("keep a note", note)?;
        let mut state = self.state();
        let notes = state.notes.entry(note.kind).or_default();
        let stored = notes.get(&note.place()).map_or(0, |stored| stored.revision);
        if stored != note.revision {
            return Ok(false);
        }
        let next = Note { revision: note.revision.saturating_add(1), ..note.clone() };
        notes.insert(note.place(), next);
        Ok(true)
    }

    async fn note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<Option<Note>, StoreError> {
        let state = self.state();
        Ok(state.notes.get(&kind).and_then(|notes| notes.get(&place(owner, name))).cloned())
    }

    async fn notes(
        &self,
        kind: NoteKind,
        owner: Option<&Owner>,
        page: &Page,
    ) -> Result<Vec<Note>, StoreError> {
        let state = self.state();
        let Some(notes) = state.notes.get(&kind) else { return Ok(Vec::new()) };
        let all = notes.iter().map(|(place, note)| (place.as_str(), note));
        Ok(list(all, page, |note| owner.is_none_or(|owner| note.owner == *owner)))
    }

    async fn delete_note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let notes = state.notes.get_mut(&kind);
        Ok(notes.is_some_and(|notes| notes.remove(&place(owner, name)).is_some()))
    }

    async fn forget_notes(&self, kind: NoteKind, before: &str) -> Result<(), StoreError> {
        if let Some(notes) = self.state().notes.get_mut(&kind) {
            notes.retain(|_, note| note.name.as_str() >= before);
        }
        Ok(())
    }
}

/// A page of what passes, newest first.
fn list<'a, T: Clone + 'a>(
    all: impl DoubleEndedIterator<Item = (&'a str, &'a T)>,
    page: &Page,
    passes: impl Fn(&T) -> bool,
) -> Vec<T> {
    let older = |id: &str| page.after.as_deref().is_none_or(|after| id < after);
    all.rev()
        .filter(|(id, one)| older(id) && passes(one))
        .take(page.most)
        .map(|(_, one)| one.clone())
        .collect()
}

fn exists(doing: &'static str) -> StoreError {
    StoreError { kind: Kind::Exists, doing, source: None }
}
