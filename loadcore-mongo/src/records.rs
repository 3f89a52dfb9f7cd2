//! Turns records into BSON documents and back, exactly.
//!
//! Records stand in their documents as JSON text, because BSON has no unsigned number of 64 bits
//! and gives `$` and `.` in names a meaning; what is asked for stands beside it. Snapshots and
//! intervals have a field for each part.

use bytes::Bytes;
use loadcore::cluster::Owner;
use loadcore::cluster::coordinator::SnapshotRecord;
use loadcore::cluster::store::{
    CallRecord, IntervalRecord, Kind, Note, NoteKind, RunRecord, ScenarioRecord, place,
};
use mongodb::bson::{Binary, Bson, DateTime, Document, doc, serialize_to_vec, spec::BinarySubtype};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The greatest document that MongoDB keeps, in bytes.
pub(crate) const LARGEST: usize = 16 << 20;

pub(crate) fn scenario(record: &ScenarioRecord) -> Result<Document, Kind> {
    Ok(doc! {
        "_id": record.id.as_str(),
        "owner": record.owner.as_str(),
        "revision": number(record.revision),
        "tags": &record.tags,
        "record": text(record)?,
    })
}

pub(crate) fn run(record: &RunRecord) -> Result<Document, Kind> {
    let mut document = doc! {
        "_id": record.id.as_str(),
        "owner": record.owner.as_str(),
        "scenarioId": record.scenario_id.as_str(),
        "revision": number(record.revision),
        "record": text(record)?,
    };
    if record.is_open() {
        document.insert("open", true);
    }
    stamp(&mut document, record.fading_since().map(date));
    Ok(document)
}

/// A record from its document.
pub(crate) fn record<T: DeserializeOwned>(document: &Document) -> Result<T, Kind> {
    let text = document.get_str("record").map_err(|error| damaged(document, &error))?;
    serde_json::from_str(text).map_err(|error| damaged(document, &error))
}

pub(crate) fn snapshot(owner: &str, one: &SnapshotRecord, ended: Option<DateTime>) -> Document {
    let mut document = doc! {
        "_id": {
            "run": one.run.as_str(), "worker": one.worker.as_str(), "epoch": number(one.epoch),
        },
        "owner": owner,
        "seq": number(one.seq),
        "elapsedNs": number(one.elapsed_ns),
        "final": one.is_final,
        "bytes": binary(&one.bytes),
    };
    stamp(&mut document, ended);
    document
}

pub(crate) fn read_snapshot(document: &Document) -> Result<SnapshotRecord, Kind> {
    let wrong = |error: Wrong| damaged(document, &error);
    let id = document.get_document("_id").map_err(|error| damaged(document, &error))?;
    let name = |key| id.get_str(key).map_err(|error| damaged(document, &error));
    Ok(SnapshotRecord {
        run: name("run")?.into(),
        worker: name("worker")?.into(),
        epoch: read_number(id, "epoch").map_err(wrong)?,
        seq: read_number(document, "seq").map_err(wrong)?,
        elapsed_ns: read_number(document, "elapsedNs").map_err(wrong)?,
        is_final: document.get_bool("final").map_err(|error| damaged(document, &error))?,
        bytes: read_bytes(document).map_err(wrong)?,
    })
}

pub(crate) fn interval(
    owner: &str,
    run: &str,
    one: &IntervalRecord,
    ended: Option<DateTime>,
) -> Document {
    let mut document = doc! {
        "_id": { "run": run, "number": number(one.number) },
        "owner": owner,
        "fromNs": number(one.from_ns),
        "toNs": number(one.to_ns),
        "draining": one.draining,
        "bytes": binary(&one.bytes),
    };
    stamp(&mut document, ended);
    document
}

pub(crate) fn read_interval(document: &Document) -> Result<IntervalRecord, Kind> {
    let wrong = |error: Wrong| damaged(document, &error);
    let id = document.get_document("_id").map_err(|error| damaged(document, &error))?;
    Ok(IntervalRecord {
        number: read_number(id, "number").map_err(wrong)?,
        from_ns: read_number(document, "fromNs").map_err(wrong)?,
        to_ns: read_number(document, "toNs").map_err(wrong)?,
        draining: document.get_bool("draining").map_err(|error| damaged(document, &error))?,
        bytes: read_bytes(document).map_err(wrong)?,
    })
}

pub(crate) fn analysis(
    owner: &str,
    run: &str,
    name: &str,
    term: u64,
    value: &Value,
    ended: Option<DateTime>,
) -> Result<Document, Kind> {
    let mut document = doc! {
        "_id": { "run": run, "name": name },
        "owner": owner,
        "term": number(term),
        "record": text(value)?,
    };
    stamp(&mut document, ended);
    Ok(document)
}

/// What a note is kept under: those of a kind lie together, in the order of their places.
pub(crate) fn note_id(kind: NoteKind, owner: &Owner, name: &str) -> String {
    noted(kind, &place(owner, name))
}

/// A place among the notes of a kind, as it is kept.
pub(crate) fn noted(kind: NoteKind, place: &str) -> String {
    format!("{}\u{1}{place}", kind.name())
}

pub(crate) fn note(new: &Note) -> Result<Document, Kind> {
    Ok(doc! {
        "_id": note_id(new.kind, &new.owner, &new.name),
        "kind": new.kind.name(),
        "owner": new.owner.as_str(),
        "revision": number(new.revision),
        "record": text(new)?,
    })
}

/// What a call is kept under: text is compared byte by byte.
pub(crate) fn call_id(owner: &str, key: &str) -> Document {
    doc! { "owner": owner, "key": key }
}

pub(crate) fn call(record: &CallRecord) -> Result<Document, Kind> {
    Ok(doc! {
        "_id": call_id(record.owner.as_str(), &record.key),
        "owner": record.owner.as_str(),
        "atMs": number(record.at_unix_ms),
        // By which MongoDB deletes what is too old.
        "at": date(record.at_unix_ms),
        "finished": record.finished,
        "record": text(record)?,
    })
}

pub(crate) fn read_call(document: &Document) -> Result<CallRecord, Kind> {
    let finished = document.get_bool("finished").map_err(|error| damaged(document, &error))?;
    Ok(CallRecord { finished, ..record(document)? })
}

/// Refuses a document that MongoDB would refuse. `what` names it for people.
pub(crate) fn fits(what: &str, document: &Document) -> Result<(), Kind> {
    let size = serialize_to_vec(document).map_err(|error| Kind::Damaged(error.to_string()))?.len();
    if size <= LARGEST {
        return Ok(());
    }
    Err(Kind::TooLarge(format!(
        "{what} takes {size} bytes, and MongoDB keeps at most {LARGEST} in one document"
    )))
}

/// A number as the server compares it: numbers past the signed ones as decimals, which it puts in
/// one order with them.
pub(crate) fn number(number: u64) -> Bson {
    match i64::try_from(number) {
        Ok(signed) => Bson::Int64(signed),
        // Twenty digits of the thirty-four that it has.
        Err(_) => Bson::Decimal128(number.to_string().parse().expect("digits are a decimal")),
    }
}

/// A moment in milliseconds since 1970.
pub(crate) fn date(unix_ms: u64) -> DateTime {
    DateTime::from_millis(i64::try_from(unix_ms).unwrap_or(i64::MAX))
}

/// From when on retention counts. Without it the document stays.
fn stamp(document: &mut Document, ended: Option<DateTime>) {
    if let Some(at) = ended {
        document.insert("endedAt", at);
    }
}

fn text(record: &impl Serialize) -> Result<String, Kind> {
    let failed = |error| Kind::Damaged(format!("it cannot be written as JSON: {error}"));
    serde_json::to_string(record).map_err(failed)
}

fn binary(bytes: &Bytes) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

/// What is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("its {0} is not what this program writes")]
struct Wrong(&'static str);

fn read_number(document: &Document, key: &'static str) -> Result<u64, Wrong> {
    let read = match document.get(key) {
        Some(Bson::Int64(number)) => u64::try_from(*number).ok(),
        Some(Bson::Decimal128(number)) => number.to_string().parse().ok(),
        _ => None,
    };
    read.ok_or(Wrong(key))
}

fn read_bytes(document: &Document) -> Result<Bytes, Wrong> {
    match document.get("bytes") {
        Some(Bson::Binary(binary)) => Ok(Bytes::copy_from_slice(&binary.bytes)),
        _ => Err(Wrong("bytes")),
    }
}

fn damaged(document: &Document, error: &dyn std::error::Error) -> Kind {
    let id = document.get("_id").map(ToString::to_string).unwrap_or_default();
    Kind::Damaged(format!("the document {id}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_exactly() {
        for n in [0, 1, 1 << 53, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX] {
            let document = doc! { "n": number(n) };
            assert_eq!(read_number(&document, "n").unwrap(), n);
        }
        let wrong = doc! { "n": -1_i64 };
        assert!(read_number(&wrong, "n").is_err() && read_number(&wrong, "m").is_err());
    }

    #[test]
    fn a_document_past_the_limit_is_refused_with_both_numbers() {
        let large = doc! { "bytes": binary(&vec![0; LARGEST].into()) };
        let Err(Kind::TooLarge(text)) = fits("a snapshot of worker w", &large) else {
            panic!("it is refused")
        };
        assert_eq!(
            text,
            "a snapshot of worker w takes 16777233 bytes, and MongoDB keeps at most 16777216 in \
             one document"
        );
        let fitting = doc! { "bytes": binary(&vec![0; LARGEST - 17].into()) };
        assert_eq!(fits("it", &fitting), Ok(()));
    }

    #[test]
    fn a_record_that_is_none_is_called_damaged() {
        let kind = record::<RunRecord>(&doc! { "_id": "r-1", "record": "{}" }).unwrap_err();
        assert!(kind.to_string().contains("the document \"r-1\": missing field"), "{kind}");
    }
}
