//! Turns the store's calls into MongoDB's.

use crate::connect::MongoStore;
use crate::deadline::{all, limit, list};
use crate::error::{CallError, DUPLICATE_KEY, code};
use crate::records::{
    analysis, date, fits, interval, number, read_interval, read_snapshot, record, run, scenario,
    snapshot,
};
use crate::records::{call, call_id, note, note_id, noted, read_call};
use crate::results::fitting;
use async_trait::async_trait;
use loadcore::cluster::coordinator::SnapshotRecord;
use loadcore::cluster::store::{
    CallRecord, IntervalRecord, KeptCall, Kind, Note, NoteKind, Page, RunRecord, ScenarioRecord,
};
use loadcore::cluster::{Owner, RunId, ScenarioId, Store, StoreError};
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Runs that are deleted with one command.
const FORGET_TOGETHER: i64 = 100;

/// How often a call is tried to be kept. Only where one comes or goes meanwhile more than one is needed.
const CALL_TRIES: usize = 5;

/// How often a term is asked for. Only the first terms ever can meet.
const TERM_TRIES: usize = 5;

#[async_trait]
impl Store for MongoStore {
    async fn next_term(&self) -> Result<u64, StoreError> {
        self.in_time("count a term", self.count_term()).await
    }

    async fn insert_scenario(&self, new: &ScenarioRecord) -> Result<(), StoreError> {
        let document = scenario(new);
        self.in_time("keep a new scenario", self.insert("scenarios", document)).await
    }

    async fn replace_scenario(&self, new: &ScenarioRecord) -> Result<bool, StoreError> {
        let next = ScenarioRecord { revision: new.revision.saturating_add(1), ..new.clone() };
        let document = scenario(&next);
        let replacing = self.replace("scenarios", new.revision, document);
        self.in_time("change a scenario", replacing).await
    }

    async fn scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
    ) -> Result<Option<ScenarioRecord>, StoreError> {
        let filter = doc! { "_id": id.as_str(), "owner": owner.as_str() };
        let one = async { self.one("scenarios", filter).await?.as_ref().map(read).transpose() };
        self.in_time("read a scenario", one).await
    }

    async fn scenarios(
        &self,
        owner: &Owner,
        tag: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ScenarioRecord>, StoreError> {
        let mut filter = doc! { "owner": owner.as_str() };
        if let Some(tag) = tag {
            filter.insert("tags", tag);
        }
        let collection = self.collection("scenarios");
        let found = async { list(&collection, filter, page).await?.iter().map(read).collect() };
        self.in_time("list scenarios", found).await
    }

    async fn delete_scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
        revision: Option<u64>,
    ) -> Result<bool, StoreError> {
        let deleting = async {
            let mut filter = doc! { "_id": id.as_str(), "owner": owner.as_str() };
            if let Some(revision) = revision {
                filter.insert("revision", number(revision));
            }
            Ok(self.collection("scenarios").delete_one(filter).await?.deleted_count > 0)
        };
        self.in_time("delete a scenario", deleting).await
    }

    async fn insert_run(&self, new: &RunRecord) -> Result<(), StoreError> {
        self.in_time("keep a new run", self.insert("runs", run(new))).await
    }

    async fn replace_run(&self, new: &RunRecord) -> Result<bool, StoreError> {
        let next = RunRecord { revision: new.revision.saturating_add(1), ..new.clone() };
        let replacing = async {
            let replaced = self.replace("runs", new.revision, run(&next)).await?;
            if replaced && next.ended_unix_ms.is_some() {
                self.stamp_parts(next.id.as_str(), next.fading_since().map(date)).await?;
            }
            Ok(replaced)
        };
        self.in_time("change a run", replacing).await
    }

    async fn run(&self, owner: &Owner, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let filter = doc! { "_id": id.as_str(), "owner": owner.as_str() };
        let one = async { self.one("runs", filter).await?.as_ref().map(read).transpose() };
        self.in_time("read a run", one).await
    }

    async fn runs(
        &self,
        owner: &Owner,
        scenario: Option<&ScenarioId>,
        page: &Page,
    ) -> Result<Vec<RunRecord>, StoreError> {
        let mut filter = doc! { "owner": owner.as_str() };
        if let Some(scenario) = scenario {
            filter.insert("scenarioId", scenario.as_str());
        }
        let collection = self.collection("runs");
        let found = async { list(&collection, filter, page).await?.iter().map(read).collect() };
        self.in_time("list runs", found).await
    }

    async fn delete_run(&self, owner: &Owner, id: &RunId) -> Result<bool, StoreError> {
        let deleting = async {
            let runs = self.collection("runs");
            let filter = doc! { "_id": id.as_str(), "owner": owner.as_str() };
            let deleted = runs.delete_one(filter).await?.deleted_count > 0;
            // Also where the call before this one was cut off in between.
            if deleted || runs.find_one(doc! { "_id": id.as_str() }).await?.is_none() {
                self.delete_parts(&[&id.0]).await?;
            }
            Ok(deleted)
        };
        self.in_time("delete a run", deleting).await
    }

    async fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        let found = async {
            let mut owners = BTreeSet::new();
            for collection in ["scenarios", "runs"] {
                let found = self.collection(collection).distinct("owner", doc! {}).await?;
                owners.extend(found.iter().filter_map(Bson::as_str).map(Owner::from));
            }
            Ok(owners.into_iter().collect())
        };
        self.in_time("list the owners", found).await
    }

    async fn open_runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let found = async {
            let runs = self.collection("runs");
            let open = runs.find(doc! { "open": true }).sort(doc! { "_id": -1 }).await?;
            all(open).await?.iter().map(read).collect()
        };
        self.in_time("list the open runs", found).await
    }

    async fn keep_snapshots(
        &self,
        owner: &Owner,
        snapshots: &[SnapshotRecord],
    ) -> Result<(), StoreError> {
        self.in_time("keep snapshots", self.put_snapshots(owner.as_str(), snapshots)).await
    }

    async fn snapshots(
        &self,
        owner: &Owner,
        run: &RunId,
    ) -> Result<Vec<SnapshotRecord>, StoreError> {
        let found = async {
            let filter = doc! { "_id.run": run.as_str(), "owner": owner.as_str() };
            let in_order = doc! { "_id.worker": 1, "_id.epoch": 1 };
            let found = self.collection("snapshots").find(filter).sort(in_order).await?;
            let found = all(found).await?;
            Ok(found.iter().map(read_snapshot).collect::<Result<_, _>>()?)
        };
        self.in_time("read snapshots", found).await
    }

    async fn keep_intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        intervals: &[IntervalRecord],
    ) -> Result<(), StoreError> {
        let keeping = self.put_intervals(owner.as_str(), run.as_str(), intervals);
        self.in_time("keep intervals", keeping).await
    }

    async fn intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        from: u64,
        most: usize,
    ) -> Result<Vec<IntervalRecord>, StoreError> {
        let Some(most) = limit(most) else { return Ok(Vec::new()) };
        let found = async {
            let from = doc! { "$gte": number(from) };
            let filter =
                doc! { "_id.run": run.as_str(), "_id.number": from, "owner": owner.as_str() };
            let in_order = doc! { "_id.number": 1 };
            let intervals = self.collection("intervals");
            let found = all(intervals.find(filter).sort(in_order).limit(most).await?).await?;
            Ok(found.iter().map(read_interval).collect::<Result<_, _>>()?)
        };
        self.in_time("read intervals", found).await
    }

    async fn keep_analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
        term: u64,
        document: &Value,
    ) -> Result<bool, StoreError> {
        let keeping = async {
            let before = self.heads(Some(owner.as_str()), [run.as_str()]).await?;
            let Some(ended) = before.get(run.as_str()) else { return Ok(true) };
            let new = analysis(owner.as_str(), run.as_str(), name, term, document, *ended)?;
            fits(&format!("the document `{name}` of run {run}"), &new)?;
            let is_kept = self.put_analysis(new).await?;
            self.settle(owner.as_str(), &before).await?;
            Ok(is_kept)
        };
        self.in_time("keep an analysis", keeping).await
    }

    async fn analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
    ) -> Result<Option<Value>, StoreError> {
        let id = doc! { "run": run.as_str(), "name": name };
        let filter = doc! { "_id": id, "owner": owner.as_str() };
        let one = async { self.one("analyses", filter).await?.as_ref().map(read).transpose() };
        self.in_time("read an analysis", one).await
    }

    async fn forget(&self, before_unix_ms: u64) -> Result<u64, StoreError> {
        let forgetting = async {
            let forgotten = self.delete_ended(before_unix_ms).await?;
            self.sweep().await?;
            Ok(forgotten)
        };
        self.in_time("forget old runs", forgetting).await
    }

    async fn keep_call(
        &self,
        call: &CallRecord,
        since_unix_ms: u64,
        most: usize,
    ) -> Result<KeptCall, StoreError> {
        self.in_time("keep a call", self.put_call(call, since_unix_ms, most)).await
    }

    async fn call(&self, owner: &Owner, key: &str) -> Result<Option<CallRecord>, StoreError> {
        let found = async {
            let kept = self.one("calls", doc! { "_id": call_id(owner.as_str(), key) }).await?;
            Ok(kept.as_ref().map(read_call).transpose()?)
        };
        self.in_time("read a call", found).await
    }

    async fn finish_call(&self, owner: &Owner, key: &str) -> Result<(), StoreError> {
        let finishing = async {
            let filter = doc! { "_id": call_id(owner.as_str(), key) };
            let finished = doc! { "$set": { "finished": true } };
            self.collection("calls").update_one(filter, finished).await?;
            Ok(())
        };
        self.in_time("finish a call", finishing).await
    }

    async fn keep_note(&self, new: &Note) -> Result<bool, StoreError> {
        let next = Note { revision: new.revision.saturating_add(1), ..new.clone() };
        let keeping = async {
            if new.revision > 0 {
                return self.replace("notes", new.revision, note(&next)).await;
            }
            match self.insert("notes", note(&next)).await {
                Err(CallError::Driver(error)) if code(&error) == Some(DUPLICATE_KEY) => Ok(false),
                done => done.map(|()| true),
            }
        };
        self.in_time("keep a note", keeping).await
    }

    async fn note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<Option<Note>, StoreError> {
        let filter = doc! { "_id": note_id(kind, owner, name) };
        let one = async { self.one("notes", filter).await?.as_ref().map(read).transpose() };
        self.in_time("read a note", one).await
    }

    async fn notes(
        &self,
        kind: NoteKind,
        owner: Option<&Owner>,
        page: &Page,
    ) -> Result<Vec<Note>, StoreError> {
        let mut filter = doc! { "kind": kind.name() };
        if let Some(owner) = owner {
            filter.insert("owner", owner.as_str());
        }
        let after = page.after.as_deref().map(|place| noted(kind, place));
        let page = Page { after, most: page.most };
        let collection = self.collection("notes");
        let found = async { list(&collection, filter, &page).await?.iter().map(read).collect() };
        self.in_time("list notes", found).await
    }

    async fn delete_note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<bool, StoreError> {
        let filter = doc! { "_id": note_id(kind, owner, name) };
        let deleting =
            async { Ok(self.collection("notes").delete_one(filter).await?.deleted_count > 0) };
        self.in_time("delete a note", deleting).await
    }

    async fn forget_notes(&self, kind: NoteKind, before: &str) -> Result<(), StoreError> {
        let filter = doc! { "kind": kind.name(), "_id": { "$lt": noted(kind, before) } };
        let forgetting = async {
            self.collection("notes").delete_many(filter).await?;
            Ok(())
        };
        self.in_time("forget notes", forgetting).await
    }
}

impl MongoStore {
    async fn count_term(&self) -> Result<u64, CallError> {
        let counters = self.collection("counters");
        let mut tries = 0;
        let counted = loop {
            tries += 1;
            let one_more = doc! { "$inc": { "value": 1_i64 } };
            let counting = counters.find_one_and_update(doc! { "_id": "term" }, one_more);
            match counting.upsert(true).return_document(ReturnDocument::After).await {
                // Two made the counter at once, and the other one did.
                Err(error) if code(&error) == Some(DUPLICATE_KEY) && tries < TERM_TRIES => {}
                counted => break counted?,
            }
        };
        let term = counted.and_then(|counter| counter.get_i64("value").ok());
        let wrong = || Kind::Damaged("the counter `term` is no number".into());
        Ok(term.and_then(|term| u64::try_from(term).ok()).ok_or_else(wrong)?)
    }

    async fn one(&self, collection: &str, filter: Document) -> Result<Option<Document>, CallError> {
        Ok(self.collection(collection).find_one(filter).await?)
    }

    async fn insert(&self, name: &str, new: Result<Document, Kind>) -> Result<(), CallError> {
        let new = new?;
        fits(&what(name, &new), &new)?;
        self.collection(name).insert_one(new).await?;
        Ok(())
    }

    async fn replace(
        &self,
        name: &str,
        revision: u64,
        new: Result<Document, Kind>,
    ) -> Result<bool, CallError> {
        let new = new?;
        fits(&what(name, &new), &new)?;
        let value = |key| new.get(key).cloned().unwrap_or(Bson::Null);
        let read =
            doc! { "_id": value("_id"), "owner": value("owner"), "revision": number(revision) };
        Ok(self.collection(name).replace_one(read, new).await?.matched_count > 0)
    }

    async fn put_call(
        &self,
        new: &CallRecord,
        since_ms: u64,
        most: usize,
    ) -> Result<KeptCall, CallError> {
        let (document, calls) = (call(new)?, self.collection("calls"));
        fits("a call", &document)?;
        let id = doc! { "_id": call_id(new.owner.as_str(), &new.key) };
        for _ in 0..CALL_TRIES {
            let kept = self.one("calls", id.clone()).await?;
            let put = match kept.as_ref().map(read_call).transpose()? {
                Some(known) if known.at_unix_ms >= since_ms => return Ok(KeptCall::Known(known)),
                // Only over the one that was read: another may have come in its place.
                Some(old) => {
                    let mut stale = id.clone();
                    stale.insert("atMs", number(old.at_unix_ms));
                    calls.replace_one(stale, document.clone()).await?.matched_count > 0
                }
                None if self.has_calls(new.owner.as_str(), since_ms, most).await? => {
                    return Ok(KeptCall::Full);
                }
                None => match calls.insert_one(document.clone()).await {
                    Err(error) if code(&error) == Some(DUPLICATE_KEY) => false,
                    inserted => inserted.map(|_| true)?,
                },
            };
            if put {
                return Ok(KeptCall::New);
            }
        }
        Err(Kind::Unavailable("others keep calls under the same key".into()).into())
    }

    /// Whether an owner has so many calls that are not older.
    async fn has_calls(&self, owner: &str, since_ms: u64, many: usize) -> Result<bool, CallError> {
        let Some(before) = many.checked_sub(1) else { return Ok(true) };
        let fresh = doc! { "owner": owner, "atMs": { "$gte": number(since_ms) } };
        let calls = self.collection("calls");
        let last = calls.find(fresh).sort(doc! { "atMs": 1 });
        let last = last.projection(doc! { "_id": 1 }).skip(before as u64).limit(1).await?;
        Ok(!all(last).await?.is_empty())
    }

    async fn put_snapshots(&self, owner: &str, new: &[SnapshotRecord]) -> Result<(), CallError> {
        let runs: BTreeSet<&str> = new.iter().map(|one| one.run.as_str()).collect();
        if runs.is_empty() {
            return Ok(());
        }
        let before = self.heads(Some(owner), runs).await?;
        // One command must not hold two for one place.
        let mut newest = BTreeMap::new();
        for one in new.iter().filter(|one| before.contains_key(one.run.as_str())) {
            let place = newest.entry((&one.run, &one.worker, one.epoch)).or_insert(one);
            if place.seq < one.seq {
                *place = one;
            }
        }
        let documents = newest.values().map(|one| {
            let what = format!("a snapshot of worker {} in run {}", one.worker, one.run);
            let ended = before.get(one.run.as_str()).copied().flatten();
            (what, snapshot(owner, one, ended))
        });
        let (fitting, refused) = fitting(documents);
        self.put_newer(fitting).await?;
        self.settle(owner, &before).await?;
        Ok(refused?)
    }

    async fn put_intervals(
        &self,
        owner: &str,
        run: &str,
        new: &[IntervalRecord],
    ) -> Result<(), CallError> {
        let before = self.heads(Some(owner), [run]).await?;
        let Some(ended) = before.get(run) else { return Ok(()) };
        let documents = new.iter().map(|one| {
            let what = format!("interval {} of run {run}", one.number);
            (what, interval(owner, run, one, *ended))
        });
        let (fitting, refused) = fitting(documents);
        self.put_new(&fitting).await?;
        self.settle(owner, &before).await?;
        Ok(refused?)
    }

    async fn delete_ended(&self, before_unix_ms: u64) -> Result<u64, Error> {
        let runs = self.collection("runs");
        let mut all_deleted = 0;
        loop {
            let ended = doc! { "endedAt": { "$lt": date(before_unix_ms) } };
            let some = runs.find(ended).projection(doc! { "_id": 1 }).limit(FORGET_TOGETHER);
            let some = all(some.await?).await?;
            let ids: Vec<String> =
                some.iter().filter_map(|run| run.get_str("_id").ok().map(str::to_owned)).collect();
            if ids.is_empty() {
                return Ok(all_deleted);
            }
            let deleted = runs.delete_many(doc! { "_id": { "$in": &ids } }).await?.deleted_count;
            self.delete_parts(&ids.iter().collect::<Vec<_>>()).await?;
            all_deleted += deleted;
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(document: &Document) -> Result<T, CallError> {
    Ok(record(document)?)
}

/// What a document is, for people.
fn what(collection: &str, document: &Document) -> String {
    let id = document.get_str("_id").unwrap_or_default();
    format!("{} {id}", collection.trim_end_matches('s'))
}
