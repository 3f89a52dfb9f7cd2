//! Reads and changes the tables of the file, within one transaction: plain functions.
//!
//! Records are JSON, because they are small, change with the versions and are to be read by people
//! in need; snapshots and intervals stay the bytes that they are. Beside the records stand lists,
//! whose keys alone count, so that no call reads more than it answers.

use super::error::{CallError, unreadable};
use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::store::{IntervalRecord, Page, RunRecord, ScenarioRecord};
use crate::cluster::{Owner, RunId, WorkerId};
use bytes::Bytes;
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;

/// The form of the file that this program reads and writes.
const VERSION: u64 = 1;

/// Numbers of the file itself, by name.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

type Records = TableDefinition<'static, &'static str, (&'static str, &'static [u8])>;
/// By id: the owner and the record.
const SCENARIOS: Records = TableDefinition::new("scenarios");
const RUNS: Records = TableDefinition::new("runs");

type Lists = TableDefinition<'static, (&'static str, &'static str, &'static str), ()>;
/// Owner, [list](list_name), id.
const SCENARIO_LISTS: Lists = TableDefinition::new("scenario_lists");
const RUN_LISTS: Lists = TableDefinition::new("run_lists");

/// Ids of the runs that have not ended.
const OPEN_RUNS: TableDefinition<'_, &str, ()> = TableDefinition::new("open_runs");
/// When a run ended, in milliseconds since 1970, and its id.
const ENDED_RUNS: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("ended_runs");

/// Two numbers, a flag, and the bytes.
type Piece = (u64, u64, bool, &'static [u8]);
/// Run, worker, epoch: number, elapsed nanoseconds, whether it is final, bytes.
const SNAPSHOTS: TableDefinition<'_, (&str, &str, u64), Piece> = TableDefinition::new("snapshots");
/// Run, number: from, to, draining, bytes.
const INTERVALS: TableDefinition<'_, (&str, u64), Piece> = TableDefinition::new("intervals");
/// Run, name: the document.
const ANALYSES: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("analyses");
/// Run, name: the term in which the document was written. A document without one is older than all.
const ANALYSIS_TERMS: TableDefinition<'_, (&str, &str), u64> =
    TableDefinition::new("analysis_terms");

/// Makes the tables that are not there. Answers the file's version where it is not ours.
pub(super) fn prepare(tx: &WriteTransaction) -> Result<Option<u64>, CallError> {
    let version = {
        let mut meta = tx.open_table(META)?;
        let version = meta.get("version")?.map(|version| version.value());
        if version.is_none() {
            meta.insert("version", VERSION)?;
        }
        version.unwrap_or(VERSION)
    };
    if version != VERSION {
        return Ok(Some(version));
    }
    tx.open_table(SCENARIOS)?;
    tx.open_table(RUNS)?;
    tx.open_table(SCENARIO_LISTS)?;
    tx.open_table(RUN_LISTS)?;
    tx.open_table(OPEN_RUNS)?;
    tx.open_table(ENDED_RUNS)?;
    tx.open_table(SNAPSHOTS)?;
    tx.open_table(INTERVALS)?;
    tx.open_table(ANALYSES)?;
    tx.open_table(ANALYSIS_TERMS)?;
    super::calls::prepare(tx)?;
    super::notes::prepare(tx)?;
    Ok(None)
}

pub(super) fn next_term(tx: &WriteTransaction) -> Result<u64, CallError> {
    let mut meta = tx.open_table(META)?;
    let term = meta.get("term")?.map_or(0, |term| term.value()) + 1;
    meta.insert("term", term)?;
    Ok(term)
}

// Scenarios.

/// `false` where there is one with that id.
pub(super) fn insert_scenario(
    tx: &WriteTransaction,
    new: &ScenarioRecord,
    json: &[u8],
) -> Result<bool, CallError> {
    let id = new.id.as_str();
    {
        let mut scenarios = tx.open_table(SCENARIOS)?;
        if scenarios.get(id)?.is_some() {
            return Ok(false);
        }
        scenarios.insert(id, (new.owner.as_str(), json))?;
    }
    enlist_scenario(tx, new)?;
    Ok(true)
}

/// `json` is the new record with the next revision.
pub(super) fn replace_scenario(
    tx: &WriteTransaction,
    new: &ScenarioRecord,
    json: &[u8],
) -> Result<bool, CallError> {
    {
        let mut scenarios = tx.open_table(SCENARIOS)?;
        let old = record::<ScenarioRecord>(&scenarios, new.owner.as_str(), new.id.as_str())?;
        let Some(old) = old.filter(|old| old.revision == new.revision) else { return Ok(false) };
        scenarios.insert(new.id.as_str(), (new.owner.as_str(), json))?;
        delist_scenario(tx, &old)?;
    }
    enlist_scenario(tx, new)?;
    Ok(true)
}

pub(super) fn delete_scenario(
    tx: &WriteTransaction,
    owner: &str,
    id: &str,
    revision: Option<u64>,
) -> Result<bool, CallError> {
    let mut scenarios = tx.open_table(SCENARIOS)?;
    let old = record::<ScenarioRecord>(&scenarios, owner, id)?;
    let is_meant = |old: &ScenarioRecord| revision.is_none_or(|it| old.revision == it);
    let Some(old) = old.filter(is_meant) else { return Ok(false) };
    scenarios.remove(id)?;
    delist_scenario(tx, &old)?;
    Ok(true)
}

pub(super) fn scenario(
    tx: &ReadTransaction,
    owner: &str,
    id: &str,
) -> Result<Option<ScenarioRecord>, CallError> {
    record(&tx.open_table(SCENARIOS)?, owner, id)
}

pub(super) fn scenarios(
    tx: &ReadTransaction,
    owner: &str,
    tag: Option<&str>,
    page: &Page,
) -> Result<Vec<ScenarioRecord>, CallError> {
    let ids = ids(&tx.open_table(SCENARIO_LISTS)?, owner, &list_name(tag), page)?;
    records(&tx.open_table(SCENARIOS)?, owner, &ids)
}

fn enlist_scenario(tx: &WriteTransaction, one: &ScenarioRecord) -> Result<(), CallError> {
    let mut lists = tx.open_table(SCENARIO_LISTS)?;
    for list in scenario_lists(one) {
        lists.insert((one.owner.as_str(), list.as_str(), one.id.as_str()), ())?;
    }
    Ok(())
}

fn delist_scenario(tx: &WriteTransaction, one: &ScenarioRecord) -> Result<(), CallError> {
    let mut lists = tx.open_table(SCENARIO_LISTS)?;
    for list in scenario_lists(one) {
        lists.remove((one.owner.as_str(), list.as_str(), one.id.as_str()))?;
    }
    Ok(())
}

fn scenario_lists(one: &ScenarioRecord) -> impl Iterator<Item = String> {
    std::iter::once(list_name(None)).chain(one.tags.iter().map(|tag| list_name(Some(tag))))
}

// Runs.

/// `false` where there is one with that id.
pub(super) fn insert_run(
    tx: &WriteTransaction,
    new: &RunRecord,
    json: &[u8],
) -> Result<bool, CallError> {
    {
        let mut runs = tx.open_table(RUNS)?;
        if runs.get(new.id.as_str())?.is_some() {
            return Ok(false);
        }
        runs.insert(new.id.as_str(), (new.owner.as_str(), json))?;
    }
    enlist_run(tx, new)?;
    Ok(true)
}

/// `json` is the new record with the next revision.
pub(super) fn replace_run(
    tx: &WriteTransaction,
    new: &RunRecord,
    json: &[u8],
) -> Result<bool, CallError> {
    {
        let mut runs = tx.open_table(RUNS)?;
        let old = record::<RunRecord>(&runs, new.owner.as_str(), new.id.as_str())?;
        let Some(old) = old.filter(|old| old.revision == new.revision) else { return Ok(false) };
        runs.insert(new.id.as_str(), (new.owner.as_str(), json))?;
        delist_run(tx, &old)?;
    }
    enlist_run(tx, new)?;
    Ok(true)
}

pub(super) fn delete_run(tx: &WriteTransaction, owner: &str, id: &str) -> Result<bool, CallError> {
    let old = {
        let mut runs = tx.open_table(RUNS)?;
        let Some(old) = record::<RunRecord>(&runs, owner, id)? else { return Ok(false) };
        runs.remove(id)?;
        old
    };
    delist_run(tx, &old)?;
    let next = after(id);
    tx.open_table(SNAPSHOTS)?.retain_in((id, "", 0)..(next.as_str(), "", 0), |_, _| false)?;
    tx.open_table(INTERVALS)?.retain_in((id, 0)..=(id, u64::MAX), |_, _| false)?;
    tx.open_table(ANALYSES)?.retain_in((id, "")..(next.as_str(), ""), |_, _| false)?;
    tx.open_table(ANALYSIS_TERMS)?.retain_in((id, "")..(next.as_str(), ""), |_, _| false)?;
    Ok(true)
}

/// Deletes the runs that ended before a moment, at most `most`; says how many.
pub(super) fn forget(tx: &WriteTransaction, before_ms: u64, most: usize) -> Result<u64, CallError> {
    let mut old = Vec::new();
    for entry in tx.open_table(ENDED_RUNS)?.range(..(before_ms, ""))?.take(most) {
        old.push(entry?.0.value().1.to_owned());
    }
    for id in &old {
        let owner = {
            let runs = tx.open_table(RUNS)?;
            let run = runs.get(id.as_str())?;
            run.map_or_else(String::new, |run| run.value().0.to_owned())
        };
        delete_run(tx, &owner, id)?;
    }
    Ok(old.len() as u64)
}

pub(super) fn run(
    tx: &ReadTransaction,
    owner: &str,
    id: &str,
) -> Result<Option<RunRecord>, CallError> {
    record(&tx.open_table(RUNS)?, owner, id)
}

pub(super) fn runs(
    tx: &ReadTransaction,
    owner: &str,
    scenario: Option<&str>,
    page: &Page,
) -> Result<Vec<RunRecord>, CallError> {
    let ids = ids(&tx.open_table(RUN_LISTS)?, owner, &list_name(scenario), page)?;
    records(&tx.open_table(RUNS)?, owner, &ids)
}

pub(super) fn owners(tx: &ReadTransaction) -> Result<Vec<Owner>, CallError> {
    let mut owners = BTreeSet::new();
    for lists in [SCENARIO_LISTS, RUN_LISTS] {
        let (lists, mut next) = (tx.open_table(lists)?, String::new());
        while let Some(entry) = lists.range((next.as_str(), "", "")..)?.next() {
            let owner = entry?.0.value().0.to_owned();
            next = after(&owner);
            owners.insert(Owner::from(owner.as_str()));
        }
    }
    Ok(owners.into_iter().collect())
}

pub(super) fn open_runs(tx: &ReadTransaction) -> Result<Vec<RunRecord>, CallError> {
    let runs = tx.open_table(RUNS)?;
    let mut open = Vec::new();
    for entry in tx.open_table(OPEN_RUNS)?.iter()?.rev() {
        let id = entry?.0;
        if let Some(run) = runs.get(id.value())? {
            open.push(read("the run", id.value(), run.value().1)?);
        }
    }
    Ok(open)
}

fn enlist_run(tx: &WriteTransaction, run: &RunRecord) -> Result<(), CallError> {
    let (owner, id) = (run.owner.as_str(), run.id.as_str());
    let mut lists = tx.open_table(RUN_LISTS)?;
    for list in [list_name(None), list_name(Some(run.scenario_id.as_str()))] {
        lists.insert((owner, list.as_str(), id), ())?;
    }
    if run.is_open() {
        tx.open_table(OPEN_RUNS)?.insert(id, ())?;
    }
    if let Some(at) = run.fading_since() {
        tx.open_table(ENDED_RUNS)?.insert((at, id), ())?;
    }
    Ok(())
}

fn delist_run(tx: &WriteTransaction, run: &RunRecord) -> Result<(), CallError> {
    let (owner, id) = (run.owner.as_str(), run.id.as_str());
    let mut lists = tx.open_table(RUN_LISTS)?;
    for list in [list_name(None), list_name(Some(run.scenario_id.as_str()))] {
        lists.remove((owner, list.as_str(), id))?;
    }
    tx.open_table(OPEN_RUNS)?.remove(id)?;
    if let Some(at) = run.fading_since() {
        tx.open_table(ENDED_RUNS)?.remove((at, id))?;
    }
    Ok(())
}

// What belongs to a run.

pub(super) fn keep_snapshots(
    tx: &WriteTransaction,
    owner: &str,
    snapshots: &[SnapshotRecord],
) -> Result<(), CallError> {
    let runs = tx.open_table(RUNS)?;
    let mut kept = tx.open_table(SNAPSHOTS)?;
    for new in snapshots {
        if !owns(&runs, owner, new.run.as_str())? {
            continue;
        }
        let key = (new.run.as_str(), new.worker.as_str(), new.epoch);
        let has = kept.get(key)?.map(|old| old.value().0);
        if has.is_none_or(|seq| seq < new.seq) {
            kept.insert(key, (new.seq, new.elapsed_ns, new.is_final, &new.bytes[..]))?;
        }
    }
    Ok(())
}

pub(super) fn snapshots(
    tx: &ReadTransaction,
    owner: &str,
    run: &str,
) -> Result<Vec<SnapshotRecord>, CallError> {
    let mut found = Vec::new();
    if !owns(&tx.open_table(RUNS)?, owner, run)? {
        return Ok(found);
    }
    let next = after(run);
    for entry in tx.open_table(SNAPSHOTS)?.range((run, "", 0)..(next.as_str(), "", 0))? {
        let (key, value) = entry?;
        let ((_, worker, epoch), (seq, elapsed_ns, is_final, bytes)) = (key.value(), value.value());
        found.push(SnapshotRecord {
            run: RunId::from(run),
            worker: WorkerId::from(worker),
            epoch,
            seq,
            elapsed_ns,
            is_final,
            bytes: Bytes::copy_from_slice(bytes),
        });
    }
    Ok(found)
}

pub(super) fn keep_intervals(
    tx: &WriteTransaction,
    owner: &str,
    run: &str,
    intervals: &[IntervalRecord],
) -> Result<(), CallError> {
    if !owns(&tx.open_table(RUNS)?, owner, run)? {
        return Ok(());
    }
    let mut kept = tx.open_table(INTERVALS)?;
    for new in intervals {
        if kept.get((run, new.number))?.is_none() {
            let value = (new.from_ns, new.to_ns, new.draining, &new.bytes[..]);
            kept.insert((run, new.number), value)?;
        }
    }
    Ok(())
}

pub(super) fn intervals(
    tx: &ReadTransaction,
    owner: &str,
    run: &str,
    from: u64,
    most: usize,
) -> Result<Vec<IntervalRecord>, CallError> {
    let mut found = Vec::new();
    if !owns(&tx.open_table(RUNS)?, owner, run)? {
        return Ok(found);
    }
    let kept = tx.open_table(INTERVALS)?;
    for entry in kept.range((run, from)..=(run, u64::MAX))?.take(most) {
        let (key, value) = entry?;
        let (from_ns, to_ns, draining, bytes) = value.value();
        let bytes = Bytes::copy_from_slice(bytes);
        found.push(IntervalRecord { number: key.value().1, from_ns, to_ns, draining, bytes });
    }
    Ok(found)
}

pub(super) fn keep_analysis(
    tx: &WriteTransaction,
    owner: &str,
    run: &str,
    name: &str,
    term: u64,
    json: &[u8],
) -> Result<bool, CallError> {
    if !owns(&tx.open_table(RUNS)?, owner, run)? {
        return Ok(true);
    }
    let mut terms = tx.open_table(ANALYSIS_TERMS)?;
    if terms.get((run, name))?.is_some_and(|of| of.value() > term) {
        return Ok(false);
    }
    terms.insert((run, name), term)?;
    tx.open_table(ANALYSES)?.insert((run, name), json)?;
    Ok(true)
}

pub(super) fn analysis(
    tx: &ReadTransaction,
    owner: &str,
    run: &str,
    name: &str,
) -> Result<Option<Value>, CallError> {
    if !owns(&tx.open_table(RUNS)?, owner, run)? {
        return Ok(None);
    }
    let kept = tx.open_table(ANALYSES)?;
    let json = kept.get((run, name))?;
    json.map(|json| read("an analysis of the run", run, json.value())).transpose()
}

// What they share.

fn owns(
    table: &impl ReadableTable<&'static str, (&'static str, &'static [u8])>,
    owner: &str,
    id: &str,
) -> Result<bool, CallError> {
    Ok(table.get(id)?.is_some_and(|found| found.value().0 == owner))
}

fn record<T: DeserializeOwned>(
    table: &impl ReadableTable<&'static str, (&'static str, &'static [u8])>,
    owner: &str,
    id: &str,
) -> Result<Option<T>, CallError> {
    let Some(found) = table.get(id)? else { return Ok(None) };
    let (whose, json) = found.value();
    if whose != owner {
        return Ok(None);
    }
    read("the record", id, json).map(Some)
}

fn records<T: DeserializeOwned>(
    table: &impl ReadableTable<&'static str, (&'static str, &'static [u8])>,
    owner: &str,
    ids: &[String],
) -> Result<Vec<T>, CallError> {
    ids.iter().filter_map(|id| record(table, owner, id).transpose()).collect()
}

pub(super) fn read<T: DeserializeOwned>(what: &str, id: &str, json: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(json).map_err(|error| unreadable(what, id, &error))
}

/// A page of ids of a list, newest first.
fn ids(
    lists: &impl ReadableTable<(&'static str, &'static str, &'static str), ()>,
    owner: &str,
    list: &str,
    page: &Page,
) -> Result<Vec<String>, CallError> {
    let next = after(list);
    let end = match &page.after {
        Some(last) => (owner, list, last.as_str()),
        None => (owner, next.as_str(), ""),
    };
    let found = lists.range((owner, list, "")..end)?.rev().take(page.most);
    found.map(|entry| Ok(entry?.0.value().2.to_owned())).collect()
}

/// The list of all, or that of those with this tag or of this scenario, however it is called.
fn list_name(of: Option<&str>) -> String {
    of.map_or_else(String::new, |of| format!("={of}"))
}

/// The least text that is greater.
pub(super) fn after(text: &str) -> String {
    format!("{text}\0")
}
