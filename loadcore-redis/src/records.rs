//! Turns snapshots, beats and numbers into what Redis stores, and back.
//!
//! Numbers that scripts compare have twenty digits: Lua's own numbers are exact only up to 2^53, but
//! texts of one length compare as their numbers do.

use bytes::Bytes;
use loadcore::cluster::coordinator::{Beat, Kind, SnapshotRecord};
use loadcore::cluster::journal::{Epoch, Line};
use loadcore::cluster::{RunId, WorkerId};
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// The digits of the greatest `u64`.
const DIGITS: usize = 20;

pub(crate) fn digits(number: u64) -> String {
    format!("{number:0DIGITS$}")
}

/// What a snapshot belongs to, as the name of a field.
pub(crate) fn field(worker: &WorkerId, epoch: Epoch) -> String {
    format!("{epoch}/{worker}")
}

/// What stands before a snapshot's bytes, after its number.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    run: RunId,
    worker: WorkerId,
    epoch: Epoch,
    elapsed_ns: u64,
    is_final: bool,
}

/// The number, a line of JSON, and the bytes.
pub(crate) fn from_snapshot(snapshot: &SnapshotRecord) -> Vec<u8> {
    let SnapshotRecord { run, worker, epoch, seq, elapsed_ns, is_final, bytes } = snapshot;
    let header = Header {
        run: run.clone(),
        worker: worker.clone(),
        epoch: *epoch,
        elapsed_ns: *elapsed_ns,
        is_final: *is_final,
    };
    let mut record = digits(*seq).into_bytes();
    record.extend(json(&header));
    record.push(b'\n');
    record.extend_from_slice(bytes);
    record
}

pub(crate) fn to_snapshot(record: Vec<u8>) -> Result<SnapshotRecord, Kind> {
    let mut bytes = Bytes::from(record);
    let end = bytes.iter().position(|&byte| byte == b'\n').filter(|&end| end >= DIGITS);
    let mut head = bytes.split_to(end.ok_or_else(|| damaged("a snapshot", "it has no head"))?);
    let seq = number("a snapshot's number", &head.split_to(DIGITS))?;
    let Header { run, worker, epoch, elapsed_ns, is_final } = parsed("a snapshot's head", &head)?;
    let bytes = bytes.slice(1..);
    Ok(SnapshotRecord { run, worker, epoch, seq, elapsed_ns, is_final, bytes })
}

/// A worker's beat and its time: a script puts the time in front. `worker` is under what it stands.
pub(crate) fn to_beat(worker: &[u8], stored: Vec<u8>) -> Result<(Beat, u64), Kind> {
    let worker = str::from_utf8(worker).map_err(|error| damaged("a worker's id", error))?;
    let stored = Bytes::from(stored);
    let end = stored.iter().position(|&byte| byte == b' ');
    let end = end.ok_or_else(|| damaged("a worker's beat", "it has no time"))?;
    let at_us = number("the time of a worker's beat", &stored[..end])?;
    Ok((Beat { worker: worker.into(), said: stored.slice(end + 1..) }, at_us))
}

/// What has no text, as none of ours, is a line that says nothing.
pub(crate) fn to_line(stored: Option<Vec<u8>>) -> Line {
    Line(stored.unwrap_or_default().into())
}

pub(crate) fn to_run(stored: Option<Vec<u8>>) -> Result<RunId, Kind> {
    let name = stored.and_then(|name| String::from_utf8(name).ok());
    name.map(RunId).ok_or_else(|| damaged("a task", "it names no run"))
}

/// Heads and leaders have names and numbers only, so there is nothing in them that JSON
/// does not have.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

pub(crate) fn parsed<'a, T: Deserialize<'a>>(what: &str, json: &'a [u8]) -> Result<T, Kind> {
    serde_json::from_slice(json).map_err(|error| damaged(what, error))
}

fn number(what: &str, digits: &[u8]) -> Result<u64, Kind> {
    let number = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| damaged(what, "it is no number"))
}

fn damaged(what: &str, why: impl Display) -> Kind {
    Kind::Damaged(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadcore::cluster::conformance::a_snapshot;

    #[test]
    fn numbers_compare_as_texts() {
        let numbers = [0, 9, 10, 99, 1 << 53, (1 << 53) + 1, u64::MAX];
        assert!(numbers.map(digits).is_sorted());
        assert!(numbers.iter().all(|&n| digits(n).len() == DIGITS));
    }

    #[test]
    fn whatever_is_cut_or_changed_is_damaged_and_no_panic() {
        let snapshot = a_snapshot("w", 1, 7);
        let record = from_snapshot(&snapshot);
        assert_eq!(to_snapshot(record.clone()).unwrap(), snapshot);
        let head = record.iter().position(|&byte| byte == b'\n').unwrap();
        for end in 0..=head {
            let kind = to_snapshot(record[..end].to_vec()).unwrap_err();
            assert!(matches!(kind, Kind::Damaged(_)), "cut at {end}: {kind}");
        }
        for at in 0..head {
            let mut changed = record.clone();
            changed[at] = 0xff;
            assert!(to_snapshot(changed).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn beats_come_back_with_their_time() {
        for said in ["said", "", "with spaces\n and more"] {
            let stored = format!("1700 {said}").into_bytes();
            let (beat, at_us) = to_beat(b"w", stored).unwrap();
            assert_eq!((beat, at_us), (Beat { worker: "w".into(), said: said.into() }, 1_700));
        }
        for (worker, stored) in
            [(&b"w"[..], "left"), (b"w", "x said"), (b"w", ""), (b"\xff", "1 x")]
        {
            let kind = to_beat(worker, stored.into()).unwrap_err();
            assert!(matches!(kind, Kind::Damaged(_)), "{stored}");
        }
    }
}
