//! Turns snapshots, reports and numbers into what Redis stores, and back.
//!
//! Numbers that scripts compare have twenty digits: Lua's own numbers are exact only up to 2^53, but
//! texts of one length compare as their numbers do.

use bytes::Bytes;
use loadcore::cluster::coordinator::{
    Kind, PROTOCOL, Seen, SnapshotRecord, TaskReport, TaskState, WorkerReport,
};
use loadcore::cluster::journal::{Entry, Epoch};
use loadcore::cluster::{RunId, WorkerId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt::Display;

/// The digits of the greatest `u64`.
const DIGITS: usize = 20;

/// What stands in the place of the report of a worker that has left.
const LEFT: &[u8] = b"left";

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

/// Why a report cannot be shown.
#[derive(Debug)]
pub(crate) struct Illegible {
    pub(crate) why: Kind,
    /// It is none of any version, and stands there for nothing.
    pub(crate) is_rubbish: bool,
}

/// A worker's report and its time; `None` for one that has left. Scripts put the number of the beat
/// and the time in front. `field` is under what it stands.
pub(crate) fn to_seen(field: &[u8], stored: &[u8]) -> Result<Option<Seen>, Illegible> {
    if stored == LEFT {
        return Ok(None);
    }
    let rubbish = |why| Illegible { why, is_rubbish: true };
    let mut parts = stored.splitn(3, |&byte| byte == b' ');
    let (Some(_beat), Some(at_us), Some(report)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(rubbish(damaged("a worker's report", "it has no time")));
    };
    let at_us = number("the time of a worker's report", at_us).map_err(rubbish)?;
    let report = match parsed("a worker's report", report) {
        Ok(report) => report,
        Err(why) => {
            let read: Map<_, _> = parsed("a worker's report", report).map_err(rubbish)?;
            outline(field, &read).ok_or(Illegible { why, is_rubbish: false })?
        }
    };
    Ok(Some(Seen { report, at_us }))
}

/// What can be read of the report of another version, so that people see who is there and of which
/// version. `None` for one of ours: who seems to be in no run is taken to have let go of its part,
/// while one that is not shown is only silent.
fn outline(field: &[u8], report: &Map<String, Value>) -> Option<WorkerReport> {
    let text = |key| report.get(key).and_then(Value::as_str).map(str::to_owned);
    let count = |key| report.get(key).and_then(Value::as_u64).unwrap_or(0);
    let protocol = u32::try_from(count("protocol")).unwrap_or(0);
    let worker = text("worker").unwrap_or_else(|| String::from_utf8_lossy(field).into_owned());
    let said = report.get("task").filter(|task| !task.is_null());
    let task = said.and_then(task_outline);
    if protocol == PROTOCOL && task.is_none() {
        return None;
    }
    Some(WorkerReport {
        name: text("name").unwrap_or_else(|| worker.clone()),
        worker: WorkerId(worker),
        version: text("version").unwrap_or_else(|| "unknown".into()),
        protocol,
        cores: count("cores"),
        threads: count("threads"),
        slack_ns: count("slackNs"),
        max_rps: report.get("maxRps").and_then(Value::as_f64),
        public_key: text("publicKey").unwrap_or_default(),
        draining: report.get("draining").and_then(Value::as_bool).unwrap_or(false),
        beat: count("beat"),
        clock_error_us: count("clockErrorUs"),
        task,
    })
}

/// Which run it is in. A state that is not known here is [`TaskState::Taken`], which says least.
fn task_outline(task: &Value) -> Option<TaskReport> {
    let state = serde_json::from_value(task["state"].clone());
    Some(TaskReport {
        run: task["run"].as_str()?.into(),
        epoch: task["epoch"].as_u64()?,
        applied: task["applied"].as_u64()?,
        released_ns: task["releasedNs"].as_u64().unwrap_or(0),
        state: state.unwrap_or(TaskState::Taken),
    })
}

pub(crate) fn to_entry(stored: Option<Vec<u8>>) -> Result<Entry, Kind> {
    let stored = stored.ok_or_else(|| damaged("an entry of a journal", "it has no text"))?;
    parsed("an entry of a journal", &stored)
}

pub(crate) fn to_run(stored: Option<Vec<u8>>) -> Result<RunId, Kind> {
    let name = stored.and_then(|name| String::from_utf8(name).ok());
    name.map(RunId).ok_or_else(|| damaged("a task", "it names no run"))
}

/// Reports, entries and leaders have names and numbers only, so there is nothing in them that JSON
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
    use loadcore::cluster::conformance::{a_report, a_snapshot};
    use serde_json::json;

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
    fn reports_come_back_with_their_time() {
        let report = a_report("w", 3);
        let stored = [b"3 1700 ".as_slice(), &json(&report)].concat();
        assert_eq!(to_seen(b"w", &stored).unwrap(), Some(Seen { report, at_us: 1_700 }));
        assert_eq!(to_seen(b"w", b"left").unwrap(), None);
        for end in 0..stored.len() {
            let illegible = to_seen(b"w", &stored[..end]).unwrap_err();
            assert!(matches!(illegible.why, Kind::Damaged(_)), "cut at {end}");
            assert!(illegible.is_rubbish, "cut at {end}");
        }
    }

    fn seen(report: &Value) -> Result<Option<WorkerReport>, Illegible> {
        let stored = format!("3 1700 {report}");
        Ok(to_seen(b"w", stored.as_bytes())?.map(|seen| seen.report))
    }

    #[test]
    fn of_another_versions_report_what_can_be_read_is_shown() {
        let future = PROTOCOL + 1;
        let mut report = json!({
            "worker": "w", "name": "tomorrow's", "version": "9.0.0", "protocol": future,
            "cores": {"fast": 4}, "beat": 7,
            "task": {"run": "r", "epoch": 2, "applied": 3, "state": {"state": "dancing"}},
        });
        let shown = seen(&report).unwrap().unwrap();
        let said = (shown.name.as_str(), shown.version.as_str(), shown.protocol, shown.beat);
        assert_eq!(said, ("tomorrow's", "9.0.0", future, 7));
        let task = shown.task.unwrap();
        assert_eq!((task.run.as_str(), task.epoch, task.applied), ("r", 2, 3));
        assert_eq!(task.state, TaskState::Taken, "a state that is not known says least");
        report["task"] = json!(["r", 2]);
        assert_eq!(seen(&report).unwrap().unwrap().task, None);
        let shown = seen(&json!({"protocol": "two"})).unwrap().unwrap();
        assert_eq!((shown.worker.as_str(), shown.protocol), ("w", 0), "the field names it");
    }

    #[test]
    fn of_our_version_nobody_is_shown_without_the_task_that_it_has() {
        let mut report = serde_json::to_value(a_report("w", 3)).unwrap();
        report["task"] = json!({"run": "r", "epoch": "one", "applied": 3, "state": "running"});
        let illegible = seen(&report).unwrap_err();
        assert!(!illegible.is_rubbish, "it is a report, and is not removed: {}", illegible.why);
    }
}
