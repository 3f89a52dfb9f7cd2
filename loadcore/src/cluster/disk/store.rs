//! Turns the store's calls into transactions on the database.

use super::error::CallError;
use super::open::DiskStore;
use super::{calls, notes, tables};
use crate::cluster::coordinator::{PATIENCE, SnapshotRecord};
use crate::cluster::store::{
    CallRecord, IntervalRecord, KeptCall, Kind, Note, NoteKind, Page, RunRecord, ScenarioRecord,
    Store, StoreError,
};
use crate::cluster::{Owner, RunId, ScenarioId};
use async_trait::async_trait;
use redb::{ReadTransaction, WriteTransaction};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a call may take. The contract's limit, less what it takes to say so.
const DEADLINE: Duration = PATIENCE.saturating_mul(4);

/// Runs that are deleted in one commit, so that other changes get their turn.
const FORGET_TOGETHER: usize = 16;

impl DiskStore {
    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&WriteTransaction) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, StoreError> {
        in_time(self.writer.write(change)).await.map_err(|fault| fault.doing(doing))
    }

    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        look: impl FnOnce(&ReadTransaction) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (database, reads) = (Arc::clone(&self.database), Arc::clone(&self.reads));
        let reading = async move {
            let closed = |_| CallError::unavailable("it is being closed");
            let permit = reads.acquire_owned().await.map_err(closed)?;
            let thread = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                look(&database.begin_read()?)
            });
            let read = thread
                .await
                .unwrap_or_else(|error| Err(CallError(Kind::Damaged(error.to_string()))));
            if matches!(read, Err(CallError(Kind::Unavailable(_)))) {
                // A write opens the database again, if that is what it needs.
                let _ = self.writer.write(|_| Ok(())).await;
            }
            read
        };
        in_time(reading).await.map_err(|fault| fault.doing(doing))
    }
}

#[async_trait]
impl Store for DiskStore {
    async fn next_term(&self) -> Result<u64, StoreError> {
        self.write("count a term", tables::next_term).await
    }

    async fn insert_scenario(&self, scenario: &ScenarioRecord) -> Result<(), StoreError> {
        const DOING: &str = "keep a new scenario";
        let (new, json) = (scenario.clone(), encode(DOING, scenario)?);
        let made = self.write(DOING, move |tx| tables::insert_scenario(tx, &new, &json)).await?;
        new_only(DOING, made)
    }

    async fn replace_scenario(&self, scenario: &ScenarioRecord) -> Result<bool, StoreError> {
        const DOING: &str = "change a scenario";
        let new = scenario.clone();
        let next =
            ScenarioRecord { revision: scenario.revision.saturating_add(1), ..scenario.clone() };
        let json = encode(DOING, &next)?;
        self.write(DOING, move |tx| tables::replace_scenario(tx, &new, &json)).await
    }

    async fn scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
    ) -> Result<Option<ScenarioRecord>, StoreError> {
        let (owner, id) = (owner.clone(), id.clone());
        self.read("read a scenario", move |tx| tables::scenario(tx, owner.as_str(), id.as_str()))
            .await
    }

    async fn scenarios(
        &self,
        owner: &Owner,
        tag: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ScenarioRecord>, StoreError> {
        let (owner, tag, page) = (owner.clone(), tag.map(str::to_owned), page.clone());
        self.read("list scenarios", move |tx| {
            tables::scenarios(tx, owner.as_str(), tag.as_deref(), &page)
        })
        .await
    }

    async fn delete_scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
        revision: Option<u64>,
    ) -> Result<bool, StoreError> {
        let (owner, id) = (owner.clone(), id.clone());
        self.write("delete a scenario", move |tx| {
            tables::delete_scenario(tx, owner.as_str(), id.as_str(), revision)
        })
        .await
    }

    async fn insert_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        const DOING: &str = "keep a new run";
        let (new, json) = (run.clone(), encode(DOING, run)?);
        let made = self.write(DOING, move |tx| tables::insert_run(tx, &new, &json)).await?;
        new_only(DOING, made)
    }

    async fn replace_run(&self, run: &RunRecord) -> Result<bool, StoreError> {
        const DOING: &str = "change a run";
        let new = run.clone();
        let next = RunRecord { revision: run.revision.saturating_add(1), ..run.clone() };
        let json = encode(DOING, &next)?;
        self.write(DOING, move |tx| tables::replace_run(tx, &new, &json)).await
    }

    async fn run(&self, owner: &Owner, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let (owner, id) = (owner.clone(), id.clone());
        self.read("read a run", move |tx| tables::run(tx, owner.as_str(), id.as_str())).await
    }

    async fn runs(
        &self,
        owner: &Owner,
        scenario: Option<&ScenarioId>,
        page: &Page,
    ) -> Result<Vec<RunRecord>, StoreError> {
        let (owner, scenario, page) = (owner.clone(), scenario.cloned(), page.clone());
        self.read("list runs", move |tx| {
            let scenario = scenario.as_ref().map(ScenarioId::as_str);
            tables::runs(tx, owner.as_str(), scenario, &page)
        })
        .await
    }

    async fn delete_run(&self, owner: &Owner, id: &RunId) -> Result<bool, StoreError> {
        let (owner, id) = (owner.clone(), id.clone());
        self.write("delete a run", move |tx| tables::delete_run(tx, owner.as_str(), id.as_str()))
            .await
    }

    async fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        self.read("list the owners", tables::owners).await
    }

    async fn open_runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        self.read("list the open runs", tables::open_runs).await
    }

    async fn keep_snapshots(
        &self,
        owner: &Owner,
        snapshots: &[SnapshotRecord],
    ) -> Result<(), StoreError> {
        let (owner, snapshots) = (owner.clone(), snapshots.to_vec());
        self.write("keep snapshots", move |tx| {
            tables::keep_snapshots(tx, owner.as_str(), &snapshots)
        })
        .await
    }

    async fn snapshots(
        &self,
        owner: &Owner,
        run: &RunId,
    ) -> Result<Vec<SnapshotRecord>, StoreError> {
        let (owner, run) = (owner.clone(), run.clone());
        self.read("read snapshots", move |tx| tables::snapshots(tx, owner.as_str(), run.as_str()))
            .await
    }

    async fn keep_intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        intervals: &[IntervalRecord],
    ) -> Result<(), StoreError> {
        let (owner, run, intervals) = (owner.clone(), run.clone(), intervals.to_vec());
        self.write("keep intervals", move |tx| {
            tables::keep_intervals(tx, owner.as_str(), run.as_str(), &intervals)
        })
        .await
    }

    async fn intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        from: u64,
        most: usize,
    ) -> Result<Vec<IntervalRecord>, StoreError> {
        let (owner, run) = (owner.clone(), run.clone());
        self.read("read intervals", move |tx| {
            tables::intervals(tx, owner.as_str(), run.as_str(), from, most)
        })
        .await
    }

    async fn keep_analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
        term: u64,
        document: &Value,
    ) -> Result<bool, StoreError> {
        const DOING: &str = "keep an analysis";
        let (owner, run, name) = (owner.clone(), run.clone(), name.to_owned());
        let json = encode(DOING, document)?;
        self.write(DOING, move |tx| {
            tables::keep_analysis(tx, owner.as_str(), run.as_str(), &name, term, &json)
        })
        .await
    }

    async fn analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
    ) -> Result<Option<Value>, StoreError> {
        let (owner, run, name) = (owner.clone(), run.clone(), name.to_owned());
        self.read("read an analysis", move |tx| {
            tables::analysis(tx, owner.as_str(), run.as_str(), &name)
        })
        .await
    }

    async fn forget(&self, before_unix_ms: u64) -> Result<u64, StoreError> {
        const DOING: &str = "forget old runs";
        let most = FORGET_TOGETHER;
        let all = async {
            let mut all = 0;
            loop {
                let some = move |tx: &WriteTransaction| tables::forget(tx, before_unix_ms, most);
                let deleted = self.writer.write(some).await?;
                all += deleted;
                if deleted < most as u64 {
                    return Ok(all);
                }
            }
        };
        in_time(all).await.map_err(|fault| fault.doing(DOING))
    }

    async fn keep_call(
        &self,
        call: &CallRecord,
        since_unix_ms: u64,
        most: usize,
    ) -> Result<KeptCall, StoreError> {
        const DOING: &str = "keep a call";
        let (new, json) = (call.clone(), encode(DOING, call)?);
        self.write(DOING, move |tx| calls::keep(tx, &new, &json, since_unix_ms, most)).await
    }

    async fn call(&self, owner: &Owner, key: &str) -> Result<Option<CallRecord>, StoreError> {
        let (owner, key) = (owner.clone(), key.to_owned());
        self.read("read a call", move |tx| calls::call(tx, owner.as_str(), &key)).await
    }

    async fn finish_call(&self, owner: &Owner, key: &str) -> Result<(), StoreError> {
        let (owner, key) = (owner.clone(), key.to_owned());
        self.write("finish a call", move |tx| calls::finish(tx, owner.as_str(), &key)).await
    }

    async fn keep_note(&self, note: &Note) -> Result<bool, StoreError> {
        const DOING: &str = "keep a note";
        let next = Note { revision: note.revision.saturating_add(1), ..note.clone() };
        let (new, json) = (note.clone(), encode(DOING, &next)?);
        self.write(DOING, move |tx| notes::keep(tx, &new, &json)).await
    }

    async fn note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<Option<Note>, StoreError> {
        let (owner, name) = (owner.clone(), name.to_owned());
        self.read("read a note", move |tx| notes::note(tx, kind, &owner, &name)).await
    }

    async fn notes(
        &self,
        kind: NoteKind,
        owner: Option<&Owner>,
        page: &Page,
    ) -> Result<Vec<Note>, StoreError> {
        let (owner, page) = (owner.cloned(), page.clone());
        self.read("list notes", move |tx| notes::notes(tx, kind, owner.as_ref(), &page)).await
    }

    async fn delete_note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<bool, StoreError> {
        let (owner, name) = (owner.clone(), name.to_owned());
        self.write("delete a note", move |tx| notes::delete(tx, kind, &owner, &name)).await
    }

    async fn forget_notes(&self, kind: NoteKind, before: &str) -> Result<(), StoreError> {
        let before = before.to_owned();
        self.write("forget notes", move |tx| notes::forget(tx, kind, &before)).await
    }
}

fn encode(doing: &'static str, record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|error| {
        CallError(Kind::Damaged(format!("it cannot be written as JSON: {error}"))).doing(doing)
    })
}

fn new_only(doing: &'static str, made: bool) -> Result<(), StoreError> {
    if made { Ok(()) } else { Err(CallError(Kind::Exists).doing(doing)) }
}

async fn in_time<T>(call: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let late = |_| CallError::unavailable(format!("not within {} s", DEADLINE.as_secs()));
    timeout(DEADLINE, call).await.map_err(late)?
}
