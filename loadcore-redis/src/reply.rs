//! Turns replies with stream entries into entries. All of ours have one field.

use crate::error::CallError;
use loadcore::cluster::coordinator::Kind;
use redis::{Value, from_redis_value};

/// An entry of a stream.
pub(crate) struct Entry {
    pub(crate) id: String,
    /// The value of its field; `None` for an entry that is none of ours.
    pub(crate) value: Option<Vec<u8>>,
}

/// The entries in a reply to XREAD or XREADGROUP of one stream; none for a reply of nothing.
pub(crate) fn read(reply: Value) -> Result<Vec<Entry>, CallError> {
    if reply == Value::Nil {
        return Ok(Vec::new());
    }
    let [stream] = list(reply)?;
    let [_key, entries] = list(stream)?;
    range(entries)
}

/// The entries in a reply to XRANGE.
pub(crate) fn range(reply: Value) -> Result<Vec<Entry>, CallError> {
    let Value::Array(entries) = reply else { return Err(strange()) };
    entries.into_iter().map(entry).collect()
}

fn entry(entry: Value) -> Result<Entry, CallError> {
    let [id, fields] = list(entry)?;
    let id = from_redis_value(id)?;
    let value = match list(fields) {
        Ok([_, Value::BulkString(value)]) => Some(value),
        _ => None,
    };
    Ok(Entry { id, value })
}

fn list<const N: usize>(value: Value) -> Result<[Value; N], CallError> {
    match value {
        Value::Array(items) => items.try_into().map_err(|_| strange()),
        _ => Err(strange()),
    }
}

fn strange() -> CallError {
    Kind::Damaged("a reply is not a list of stream entries".into()).into()
}
