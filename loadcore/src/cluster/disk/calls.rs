//! Keeps calls with keys in tables of their own, within one transaction: plain functions.

use super::error::{CallError, unreadable};
use super::tables::{after, read};
use crate::cluster::store::{CallRecord, KeptCall};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

/// Owner, key: when it was made, and the record.
const CALLS: TableDefinition<'_, (&str, &str), (u64, &[u8])> = TableDefinition::new("calls");
/// When it was made, owner, key: for finding the old ones.
const CALL_TIMES: TableDefinition<'_, (u64, &str, &str), ()> = TableDefinition::new("call_times");

/// Old calls, of whatever owner, that are forgotten with each new one: two, so that they become fewer.
const FORGET_TOGETHER: usize = 2;

/// Makes the tables that are not there.
pub(super) fn prepare(tx: &WriteTransaction) -> Result<(), CallError> {
    tx.open_table(CALLS)?;
    tx.open_table(CALL_TIMES)?;
    Ok(())
}

/// `json` is the new record.
pub(super) fn keep(
    tx: &WriteTransaction,
    new: &CallRecord,
    json: &[u8],
    since_ms: u64,
    most: usize,
) -> Result<KeptCall, CallError> {
    let (mut calls, mut times) = (tx.open_table(CALLS)?, tx.open_table(CALL_TIMES)?);
    let (owner, key) = (new.owner.as_str(), new.key.as_str());
    let known = calls.get((owner, key))?.map(|it| read_call(key, it.value().1)).transpose()?;
    match known {
        Some(known) if known.at_unix_ms >= since_ms => return Ok(KeptCall::Known(known)),
        Some(old) => drop(times.remove((old.at_unix_ms, owner, key))?),
        None => {}
    }
    let mut fresh = 0;
    for entry in calls.range((owner, "")..(after(owner).as_str(), ""))? {
        fresh += usize::from(entry?.1.value().0 >= since_ms);
    }
    if fresh >= most {
        return Ok(KeptCall::Full);
    }
    let mut old = Vec::new();
    for entry in times.range(..(since_ms, "", ""))?.take(FORGET_TOGETHER) {
        let entry = entry?.0;
        let (at, owner, key) = entry.value();
        old.push((at, owner.to_owned(), key.to_owned()));
    }
    for (at, owner, key) in &old {
        times.remove((*at, owner.as_str(), key.as_str()))?;
        calls.remove((owner.as_str(), key.as_str()))?;
    }
    calls.insert((owner, key), (new.at_unix_ms, json))?;
    times.insert((new.at_unix_ms, owner, key), ())?;
    Ok(KeptCall::New)
}

pub(super) fn call(
    tx: &ReadTransaction,
    owner: &str,
    key: &str,
) -> Result<Option<CallRecord>, CallError> {
    let calls = tx.open_table(CALLS)?;
    let kept = calls.get((owner, key))?;
    kept.map(|it| read_call(key, it.value().1)).transpose()
}

pub(super) fn finish(tx: &WriteTransaction, owner: &str, key: &str) -> Result<(), CallError> {
    let mut calls = tx.open_table(CALLS)?;
    let known = calls.get((owner, key))?.map(|it| read_call(key, it.value().1)).transpose()?;
    let Some(known) = known else { return Ok(()) };
    let at = known.at_unix_ms;
    let json = serde_json::to_vec(&CallRecord { finished: true, ..known });
    let json = json.map_err(|error| unreadable("the call", key, &error))?;
    calls.insert((owner, key), (at, &json[..]))?;
    Ok(())
}

fn read_call(key: &str, json: &[u8]) -> Result<CallRecord, CallError> {
    read("the call", key, json)
}
