//! Turns a question about a run into what is known of it: its record, its result, its statistics,
//! and its frames as they come. The answer comes from memory where the run is driven here, else
//! from the store.

use super::api::{
    ControllerError, EndFrame, Frame, FrameData, FrameKind, KnownResult, Realtime, Waiting,
};
use super::driver::Driven;
use super::frames::Next;
use super::{Controller, finish, live};
use crate::cluster::store::{Kind, RunRecord};
use crate::cluster::{Owner, RunId, StoreError};
use crate::result::RunResult;
use std::sync::Arc;
use tokio::sync::watch;

/// What a run has kept of itself, in errors.
const RESULT: &str = "the result";
const INTERVAL: &str = "an interval";
const FIGURES: &str = "what was measured";

impl Controller {
    /// The run's record: the live one of a run that goes on.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn record(
        &self,
        owner: &Owner,
        run: &RunId,
    ) -> Result<Option<RunRecord>, ControllerError> {
        match self.live_record(owner, run) {
            Some(record) => Ok(Some(record)),
            None => Ok(self.inner().store.run(owner, run).await?),
        }
    }

    /// The record of a run that is driven here, with what is known of it just now.
    pub(super) fn live_record(&self, owner: &Owner, run: &RunId) -> Option<RunRecord> {
        let driven = self.inner().driven(owner, run)?;
        let mut live = driven.live();
        let summary = live.record.summary.clone().or_else(|| live.summary());
        Some(RunRecord { summary, ..live.record.clone() })
    }

    /// What a run that is driven here waits for, beside its own time: workers, its turn, the last
    /// snapshots of workers that were lost.
    #[must_use]
    pub fn waiting(&self, owner: &Owner, run: &RunId) -> Option<Waiting> {
        self.inner().driven(owner, run).and_then(|driven| driven.live().waiting.clone())
    }

    /// The run's result, live or final.
    ///
    /// # Errors
    /// When there is no such run, the store does not answer, or what it keeps cannot be read
    /// ([`ControllerError::Damaged`]).
    pub async fn result(&self, owner: &Owner, run: &RunId) -> Result<KnownResult, ControllerError> {
        let kept = self.inner().store.analysis(owner, run, "result").await;
        if let Some(document) = kept.map_err(|error| of_the_store(error, run, RESULT))? {
            let result = RunResult::from_value(document);
            let result = result.map_err(|error| damaged(run, RESULT, error.to_string()))?;
            return Ok(KnownResult::Final(Box::new(result)));
        }
        match self.inner().driven(owner, run) {
            Some(driven) if !driven.live().record.state.has_ended() => {
                let result = driven.live().result();
                Ok(result
                    .map_or(KnownResult::Nothing, |result| KnownResult::Live(Box::new(result))))
            }
            _ => match self.inner().store.run(owner, run).await? {
                Some(record) if record.state.has_ended() => self.computed(&record).await,
                Some(_) => Ok(KnownResult::Nothing),
                None => Err(ControllerError::NoRun(run.clone())),
            },
        }
    }

    /// The result of a run that has ended without one. At its end it could not be computed, or not be
    /// kept; or there was nothing to make one of.
    async fn computed(&self, record: &RunRecord) -> Result<KnownResult, ControllerError> {
        let (owner, run, store) = (&record.owner, &record.id, self.store());
        let unread = |error| of_the_store(error, run, FIGURES);
        let snapshots = store.snapshots(owner, run).await.map_err(unread)?;
        if snapshots.is_empty() {
            return Ok(KnownResult::Nothing);
        }
        let intervals = store.intervals(owner, run, 0, usize::MAX).await.map_err(unread)?;
        let scenario = self.inner().open(record)?;
        let result = finish::result(record, &scenario, &snapshots, &intervals);
        let result = result.map_err(|why| damaged(run, FIGURES, why))?;
        Ok(KnownResult::Final(Box::new(result)))
    }

    /// The statistics of the last `last_seconds` (1 to 3600) complete intervals; of a run that has
    /// ended, of its last.
    ///
    /// # Errors
    /// When there is no such run, the store does not answer, or what it keeps cannot be read
    /// ([`ControllerError::Damaged`]).
    pub async fn realtime(
        &self,
        owner: &Owner,
        run: &RunId,
        last_seconds: u32,
    ) -> Result<Realtime, ControllerError> {
        if let Some(driven) = self.inner().driven(owner, run) {
            return Ok(driven.live().realtime(last_seconds));
        }
        let store = &self.inner().store;
        let Some(record) = store.run(owner, run).await? else {
            return Err(ControllerError::NoRun(run.clone()));
        };
        let window = u64::from(last_seconds) * crate::time::SECOND;
        let stored = finish::last_intervals(&**store, owner, run, window).await;
        let stored = stored.map_err(|error| of_the_store(error, run, INTERVAL))?;
        let realtime = live::realtime_of(&record, finish::read_intervals(&stored));
        realtime.map_err(|why| damaged(run, INTERVAL, why))
    }

    /// The frames of a run after number `since`, as they come; ends after the frame `End`, and
    /// without it when the run is not driven here any more. Of a run that has ended, those that are
    /// still known, then `End`. Another controller that takes the run up goes on with the same
    /// numbers; one beyond the last counts as the last one. A slow reader misses frames (their numbers
    /// show it) and never slows the run.
    ///
    /// # Errors
    /// When there is no such run, the store does not answer, or the result that it keeps cannot be
    /// read.
    pub async fn frames(
        &self,
        owner: &Owner,
        run: &RunId,
        since: u64,
    ) -> Result<Frames, ControllerError> {
        if let Some(driven) = self.inner().driven(owner, run) {
            let changes = driven.changes.subscribe();
            return Ok(Frames { source: Some((driven, changes)), place: Err(since), last: None });
        }
        let Some(record) = self.inner().store.run(owner, run).await? else {
            return Err(ControllerError::NoRun(run.clone()));
        };
        if !record.state.has_ended() {
            return Ok(Frames { source: None, place: Ok(since), last: None });
        }
        let complete = match self.result(owner, run).await? {
            KnownResult::Final(result) => Some(result.complete),
            KnownResult::Live(_) | KnownResult::Nothing => None,
        };
        let data = FrameData::End(EndFrame { state: record.state, complete });
        let last = Frame { seq: since.saturating_add(1), data };
        Ok(Frames { source: None, place: Ok(since), last: Some(last) })
    }

    /// Lets go of a run that has ended, so that nothing of it is shown from memory once it was
    /// deleted from the store. One that goes on stays.
    pub fn forget(&self, owner: &Owner, run: &RunId) {
        let ended = |driven: Arc<Driven>| driven.live().record.state.has_ended();
        if self.inner().driven(owner, run).is_some_and(ended)
            && let Some(gone) = self.inner().runs().remove(run)
        {
            // It only lingered.
            gone.task.abort();
        }
    }
}

/// A run's frames; see [`Controller::frames`].
pub struct Frames {
    source: Option<(Arc<Driven>, watch::Receiver<u64>)>,
    /// The number of the last one that was told; or what the watcher says of it, until it is known
    /// what there is.
    place: Result<u64, u64>,
    last: Option<Frame>,
}

impl Frames {
    /// The next one; `None` after `End`, or when nothing more comes from this controller.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            let Some((driven, changes)) = &mut self.source else { return self.last.take() };
            changes.borrow_and_update();
            if let Err(since) = self.place
                && let Some(place) = driven.live().told.place_of(since)
            {
                self.place = Ok(place);
            }
            let next = match self.place {
                Ok(seq) => driven.live().told.after(seq),
                Err(_) => Next::NotYet,
            };
            match next {
                Next::Frame(frame) => {
                    self.place = Ok(frame.seq);
                    if frame.kind() == FrameKind::End {
                        self.source = None;
                    }
                    return Some(frame);
                }
                Next::Closed => {
                    self.source = None;
                    return None;
                }
                Next::NotYet => changes.changed().await.ok()?,
            }
        }
    }
}

fn damaged(run: &RunId, what: &'static str, why: String) -> ControllerError {
    ControllerError::Damaged { run: run.clone(), what, why }
}

/// A store says itself what it cannot read.
fn of_the_store(error: StoreError, run: &RunId, what: &'static str) -> ControllerError {
    match error.kind {
        Kind::Damaged(why) => damaged(run, what, why),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::controller::ControllerOptions;
    use crate::cluster::coordinator::SnapshotRecord;
    use crate::cluster::memory::{MemoryCoordinator, MemoryStore};
    use crate::cluster::store::{IntervalRecord, RunState};
    use crate::cluster::{ScenarioId, Store};
    use crate::record::Snapshot;
    use crate::result::{ResultBuilder, RunEnd, RunStart};
    use serde_json::{Value, json};

    /// A controller beside a run that has ended.
    async fn after_a_run() -> (Controller, Arc<MemoryStore>, RunRecord) {
        let store = Arc::new(MemoryStore::new());
        let record = RunRecord {
            id: RunId::random(),
            owner: Owner::local(),
            scenario_id: ScenarioId::random(),
            revision: 0,
            created_unix_ms: 0,
            ended_unix_ms: Some(1),
            state: RunState::Completed,
            since: Default::default(),
            ends_as: None,
            scenario: json!({
                "name": "a", "targetUrl": "http://a.test/", "durationSeconds": 1,
            }),
            journal: Vec::new(),
            reached: 0,
            plan_key: String::new(),
            secrets: String::new(),
            warnings: Vec::new(),
            timeline: Vec::new(),
            baseline: false,
            told: Vec::new(),
            summary: None,
        };
        store.insert_run(&record).await.unwrap();
        let coordinator = Arc::new(MemoryCoordinator::new());
        let options = ControllerOptions::default();
        let controller = Controller::start(store.clone(), coordinator, options).await.unwrap();
        (controller, store, record)
    }

    fn result() -> Value {
        let builder = ResultBuilder::new(RunStart::default());
        serde_json::to_value(builder.build(&Snapshot::default(), &RunEnd::default())).unwrap()
    }

    #[tokio::test]
    async fn a_stored_result_that_cannot_be_read_is_told_with_its_reason() {
        let (mut newer, mut lacking, mut wrong) = (result(), result(), result());
        newer["schemaVersion"] = json!(999);
        drop(lacking.as_object_mut().unwrap().remove("outcomes"));
        wrong["arrivals"]["due"] = json!("many");
        for (document, reason) in [
            (newer, "schemaVersion 999"),
            (lacking, "missing field `outcomes`"),
            (wrong, "invalid type: string \"many\""),
            (json!("a text"), "invalid type: string"),
            (json!(null), "invalid type: null"),
        ] {
            let (controller, store, RunRecord { owner, id, .. }) = after_a_run().await;
            assert_eq!(controller.result(&owner, &id).await.unwrap(), KnownResult::Nothing);
            store.keep_analysis(&owner, &id, "result", 1, &document).await.unwrap();
            let told = controller.result(&owner, &id).await.unwrap_err().to_string();
            let begins = format!("the result of run {id} is kept, and cannot be read: ");
            assert!(told.starts_with(&begins) && told.contains(reason), "{told}");
            // Whoever watches is not told that there is none.
            let watched = controller.frames(&owner, &id, 0).await.err().unwrap().to_string();
            assert_eq!(watched, told);
        }
        let (controller, store, RunRecord { owner, id, .. }) = after_a_run().await;
        store.keep_analysis(&owner, &id, "result", 1, &result()).await.unwrap();
        let outcome = controller.result(&owner, &id).await.unwrap();
        assert!(matches!(outcome, KnownResult::Final(_)), "{outcome:?}");
    }

    /// At its end the result could not be computed: whoever asks is told why, and not that nothing was
    /// measured.
    #[tokio::test]
    async fn figures_of_which_no_result_can_be_made_are_told_with_the_reason() {
        let (controller, store, RunRecord { owner, id, .. }) = after_a_run().await;
        let snapshot = |bytes: &'static [u8]| SnapshotRecord {
            run: id.clone(),
            worker: "w".into(),
            epoch: 1,
            seq: 1,
            elapsed_ns: 1,
            is_final: true,
            bytes: bytes.into(),
        };
        store.keep_snapshots(&owner, &[snapshot(b"no snapshot")]).await.unwrap();
        let told = controller.result(&owner, &id).await.unwrap_err().to_string();
        let begins = format!("what was measured of run {id} is kept, and cannot be read: ");
        assert!(told.starts_with(&begins), "{told}");
    }

    #[tokio::test]
    async fn a_stored_interval_that_cannot_be_read_is_told_with_its_reason() {
        let (controller, store, RunRecord { owner, id, .. }) = after_a_run().await;
        let bytes = b"no snapshot"[..].into();
        let interval = IntervalRecord { number: 0, from_ns: 0, to_ns: 1, draining: false, bytes };
        store.keep_intervals(&owner, &id, &[interval]).await.unwrap();
        let told = controller.realtime(&owner, &id, 30).await.unwrap_err().to_string();
        let begins = format!("an interval of run {id} is kept, and cannot be read: ");
        assert!(told.starts_with(&begins), "{told}");
    }
}
