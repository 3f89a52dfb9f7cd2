//! Keeps what belongs to a run: snapshots, intervals and analyses. A run that is deleted leaves
//! none of them.
//!
//! There are no transactions here, which a server that stands alone does not have. Instead, who
//! writes what belongs to a run looks for the run before and after: before, because only its owner
//! may write; after, because the run may have been deleted or have ended in between. Who deletes or
//! ends a run changes the run first and what belongs to it then. So whoever is later sees what the
//! other did. What a process that died in between left undone, [`MongoStore::sweep`] does.

use crate::connect::{MongoStore, PARTS};
use crate::error::{CallError, DUPLICATE_KEY, code, is_lost};
use crate::records::fits;
use loadcore::cluster::store::Kind;
use mongodb::bson::{Bson, DateTime, Document, doc, serialize_to_bson};
use mongodb::error::{Error, ErrorKind};
use std::collections::BTreeMap;

/// Runs, and when they ended.
pub(crate) type Heads = BTreeMap<String, Option<DateTime>>;

/// What one command carries at most. The server takes 48 MB and 100,000 documents.
const COMMAND_BYTES: usize = 24 << 20;
const COMMAND_DOCUMENTS: usize = 1_000;

impl MongoStore {
    /// Those of some runs that are there, and are this owner's where one is named.
    pub(crate) async fn heads(
        &self,
        owner: Option<&str>,
        runs: impl IntoIterator<Item = &str>,
    ) -> Result<Heads, Error> {
        let ids: Vec<&str> = runs.into_iter().collect();
        let mut filter = doc! { "_id": { "$in": ids } };
        if let Some(owner) = owner {
            filter.insert("owner", owner);
        }
        let found = self.collection("runs").find(filter).projection(doc! { "endedAt": 1 }).await?;
        let heads = crate::deadline::all(found).await?.into_iter().filter_map(|run| {
            let ended = run.get_datetime("endedAt").ok().copied();
            Some((run.get_str("_id").ok()?.to_owned(), ended))
        });
        Ok(heads.collect())
    }

    /// Does to what was just written what was done to its runs in between.
    pub(crate) async fn settle(&self, owner: &str, before: &Heads) -> Result<(), Error> {
        let after = self.heads(Some(owner), before.keys().map(String::as_str)).await?;
        for (run, ended) in before {
            match after.get(run) {
                None => self.delete_parts(&[run]).await?,
                Some(now) if now != ended => self.stamp_parts(run, *now).await?,
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Deletes all that belongs to some runs.
    pub(crate) async fn delete_parts(&self, runs: &[&String]) -> Result<(), Error> {
        for part in PARTS {
            let of_them = doc! { "_id.run": { "$in": runs } };
            self.collection(part).delete_many(of_them).await?;
        }
        Ok(())
    }

    /// Lets the retention of all that belongs to a run count from its end.
    pub(crate) async fn stamp_parts(
        &self,
        run: &str,
        ended: Option<DateTime>,
    ) -> Result<(), Error> {
        let change = match ended {
            Some(at) => doc! { "$set": { "endedAt": at } },
            None => doc! { "$unset": { "endedAt": "" } },
        };
        for part in PARTS {
            let others = doc! { "_id.run": run, "endedAt": { "$ne": ended } };
            self.collection(part).update_many(others, change.clone()).await?;
        }
        Ok(())
    }

    /// Finishes what was left undone: what belongs to no run is deleted, and what belongs to a run
    /// that has ended says so. It looks at nothing but what belongs to open runs, and such.
    pub(crate) async fn sweep(&self) -> Result<(), Error> {
        for part in PARTS {
            let unended = doc! { "endedAt": null };
            let runs = self.collection(part).distinct("_id.run", unended).await?;
            let runs: Vec<String> =
                runs.into_iter().filter_map(|run| run.as_str().map(str::to_owned)).collect();
            let heads = self.heads(None, runs.iter().map(String::as_str)).await?;
            let gone: Vec<&String> = runs.iter().filter(|run| !heads.contains_key(*run)).collect();
            self.delete_parts(&gone).await?;
            for (run, ended) in heads.iter().filter(|(_, ended)| ended.is_some()) {
                self.stamp_parts(run, *ended).await?;
            }
        }
        Ok(())
    }

    /// Puts snapshots in the place of older ones.
    pub(crate) async fn put_newer(&self, snapshots: Vec<Document>) -> Result<(), CallError> {
        let mut waiting = snapshots;
        // Who finds no older one tries to insert his own, and is told that there is one: newer, or
        // inserted by another a moment ago. To know, he looks once more.
        for _ in 0..2 {
            let mut lost = Vec::new();
            for batch in batches(waiting) {
                lost.extend(self.put_batch(batch).await?);
            }
            if lost.is_empty() {
                break;
            }
            waiting = lost;
        }
        Ok(())
    }

    /// Answers those that did not get in.
    async fn put_batch(&self, batch: Vec<Document>) -> Result<Vec<Document>, CallError> {
        let updates: Vec<Bson> = batch.iter().map(upsert).collect();
        let concern = serialize_to_bson(&self.concern).map_err(Error::from)?;
        let command = doc! {
            "update": "snapshots", "updates": updates, "ordered": false, "writeConcern": concern,
        };
        let mut answer = self.database.run_command(command.clone()).await;
        // The driver does not try a bare command again. Twice is as good as once.
        if answer.as_ref().is_err_and(is_lost) {
            answer = self.database.run_command(command).await;
        }
        let answer = answer?;
        if let Ok(concern) = answer.get_document("writeConcernError") {
            return Err(Kind::Unavailable(format!("{}: {concern}", self.server)).into());
        }
        let mut lost = Vec::new();
        for error in answer.get_array("writeErrors").into_iter().flatten() {
            let error = error.as_document();
            let number = |key| error.and_then(|error| error.get_i32(key).ok());
            let which = number("index").and_then(|n| batch.get(usize::try_from(n).ok()?));
            match (number("code"), which) {
                (Some(DUPLICATE_KEY), Some(document)) => lost.push(document.clone()),
                _ => {
                    let said = error.map(ToString::to_string).unwrap_or_default();
                    return Err(Kind::Unavailable(format!("{}: {said}", self.server)).into());
                }
            }
        }
        Ok(lost)
    }

    /// Puts an analysis in the place of one of no greater term; `false` where there is one.
    pub(crate) async fn put_analysis(&self, new: Document) -> Result<bool, Error> {
        let value = |key| new.get(key).cloned().unwrap_or(Bson::Null);
        // Those of earlier versions of this program have no term.
        let no_later = doc! { "_id": value("_id"), "term": { "$not": { "$gt": value("term") } } };
        let analyses = self.collection("analyses");
        // As with snapshots: who is told that there is one looks once more, whether it is later or
        // was inserted by another a moment ago.
        for _ in 0..2 {
            match analyses.replace_one(no_later.clone(), &new).upsert(true).await {
                Err(error) if code(&error) == Some(DUPLICATE_KEY) => {}
                done => return done.map(|_| true),
            }
        }
        Ok(false)
    }

    /// Keeps intervals that are not there yet.
    pub(crate) async fn put_new(&self, intervals: &[Document]) -> Result<(), Error> {
        if intervals.is_empty() {
            return Ok(());
        }
        match self.collection("intervals").insert_many(intervals).ordered(false).await {
            Err(error) if all_are_there(&error) => Ok(()),
            done => done.map(|_| ()),
        }
    }
}

/// Whether nothing but ids that are there already kept documents from being inserted.
fn all_are_there(error: &Error) -> bool {
    let ErrorKind::InsertMany(many) = &*error.kind else { return false };
    let writes = many.write_errors.as_deref().unwrap_or_default();
    many.write_concern_error.is_none()
        && !writes.is_empty()
        && writes.iter().all(|write| write.code == DUPLICATE_KEY)
}

/// Puts a snapshot in the place of an older one, or of none.
fn upsert(document: &Document) -> Bson {
    let value = |key| document.get(key).cloned().unwrap_or(Bson::Null);
    let older = doc! { "_id": value("_id"), "seq": { "$lt": value("seq") } };
    doc! { "q": older, "u": document, "upsert": true }.into()
}

/// Parts that a command can carry.
fn batches(documents: Vec<Document>) -> Vec<Vec<Document>> {
    let mut batches: Vec<Vec<Document>> = Vec::new();
    let mut bytes = 0;
    for document in documents {
        let size = document.get_binary_generic("bytes").map_or(0, Vec::len);
        match batches.last_mut() {
            Some(last) if bytes + size <= COMMAND_BYTES && last.len() < COMMAND_DOCUMENTS => {
                bytes += size;
                last.push(document);
            }
            _ => {
                bytes = size;
                batches.push(vec![document]);
            }
        }
    }
    batches
}

/// Those that MongoDB can keep, and what is to be said of one that it cannot.
pub(crate) fn fitting(
    documents: impl IntoIterator<Item = (String, Document)>,
) -> (Vec<Document>, Result<(), Kind>) {
    let (mut kept, mut refused) = (Vec::new(), Ok(()));
    for (what, document) in documents {
        match fits(&what, &document) {
            Ok(()) => kept.push(document),
            Err(kind) => refused = Err(kind),
        }
    }
    (kept, refused)
}
