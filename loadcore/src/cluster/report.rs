//! Reads what a worker says of itself out of its signed beat, and writes it there.

use super::WorkerId;
use super::coordinator::{Beat, PROTOCOL, TaskReport, TaskState, WorkerReport};
use super::signed::{About, Refused, Signer};
use bytes::Bytes;
use serde_json::{Map, Value};

impl WorkerReport {
    /// The report as it is carried.
    #[must_use]
    pub fn say(&self, signer: &Signer) -> Beat {
        // There is nothing in it that JSON does not have.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let worker = self.worker.clone();
        Beat { said: signer.say(&About::Beat(&worker), &json), worker }
    }
}

impl Beat {
    /// What the worker says of itself. Of another version what can be read, so that people see who is
    /// there and of which version; before protocol 3 nothing was signed, and nothing is given to who
    /// does not sign.
    ///
    /// # Errors
    /// When the worker has not said it.
    pub fn read(&self) -> Result<WorkerReport, Refused> {
        let said = match self.worker.hear(&About::Beat(&self.worker), &self.said) {
            Err(Refused::Unsigned) if self.worker.key().is_none() => {
                let outline = outline(&self.worker, &self.said);
                return outline.filter(|it| it.protocol < PROTOCOL).ok_or(Refused::Unsigned);
            }
            heard => heard?,
        };
        let report = serde_json::from_slice::<WorkerReport>(&said).ok();
        let report = report.or_else(|| outline(&self.worker, &said));
        report.filter(|report| report.worker == self.worker).ok_or(Refused::Illegible)
    }
}

/// What can be read of the report of another version. `None` for one of ours whose task cannot be: who
/// seems to be in no run is taken to have let go of its part, while one that is not shown is only
/// silent.
fn outline(worker: &WorkerId, said: &Bytes) -> Option<WorkerReport> {
    let report: Map<String, Value> = serde_json::from_slice(said).ok()?;
    let text = |key| report.get(key).and_then(Value::as_str).map(str::to_owned);
    let count = |key| report.get(key).and_then(Value::as_u64).unwrap_or(0);
    let protocol = u32::try_from(count("protocol")).unwrap_or(0);
    let said = report.get("task").filter(|task| !task.is_null());
    let task = said.and_then(task_outline);
    if protocol == PROTOCOL && task.is_none() {
        return None;
    }
    Some(WorkerReport {
        name: text("name").unwrap_or_else(|| worker.0.clone()),
        worker: worker.clone(),
        version: text("version").unwrap_or_else(|| "unknown".into()),
        protocol,
        cores: count("cores"),
        threads: count("threads"),
        slack_ns: count("slackNs"),
        max_rps: report.get("maxRps").and_then(Value::as_f64),
        public_key: text("publicKey").unwrap_or_default(),
        draining: report.get("draining").and_then(Value::as_bool).unwrap_or(false),
        left: report.get("left").and_then(Value::as_bool).unwrap_or(false),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::conformance::a_report;
    use serde_json::json;

    fn signer() -> Signer {
        Signer::of(&[7; 32])
    }

    fn id() -> WorkerId {
        WorkerId::of_key(signer().key())
    }

    fn signed(report: &Value) -> Result<WorkerReport, Refused> {
        let said = signer().say(&About::Beat(&id()), report.to_string().as_bytes());
        Beat { worker: id(), said }.read()
    }

    #[test]
    fn a_report_comes_back_as_its_worker_said_it_and_no_other() {
        let report = a_report(id().as_str(), 3);
        let beat = report.say(&signer());
        assert_eq!(beat.read(), Ok(report.clone()));
        let other = Signer::of(&[8; 32]);
        for forged in [
            Beat { worker: WorkerId::of_key(other.key()), ..beat.clone() },
            Beat { said: report.say(&other).said, ..beat.clone() },
            Beat { said: serde_json::to_vec(&report).unwrap().into(), ..beat.clone() },
            Beat { said: Bytes::from_static(b"left"), ..beat.clone() },
        ] {
            assert!(forged.read().is_err(), "{forged:?}");
        }
        let of_another = a_report("w", 3).say(&signer()).said;
        assert!(Beat { said: of_another, ..beat }.read().is_err(), "it names another worker");
    }

    #[test]
    fn of_another_versions_report_what_can_be_read_is_shown() {
        let future = PROTOCOL + 1;
        let mut report = json!({
            "worker": id(), "name": "tomorrow's", "version": "9.0.0", "protocol": future,
            "cores": {"fast": 4}, "beat": 7,
            "task": {"run": "r", "epoch": 2, "applied": 3, "state": {"state": "dancing"}},
        });
        let shown = signed(&report).unwrap();
        let said = (shown.name.as_str(), shown.version.as_str(), shown.protocol, shown.beat);
        assert_eq!(said, ("tomorrow's", "9.0.0", future, 7));
        let task = shown.task.unwrap();
        assert_eq!((task.run.as_str(), task.epoch, task.applied), ("r", 2, 3));
        assert_eq!(task.state, TaskState::Taken, "a state that is not known says least");
        report["task"] = json!(["r", 2]);
        assert_eq!(signed(&report).unwrap().task, None);
        assert_eq!(signed(&json!({"protocol": "two"})).unwrap().worker, id());
    }

    #[test]
    fn of_our_version_nobody_is_shown_without_the_task_that_it_has() {
        let mut report = serde_json::to_value(a_report(id().as_str(), 3)).unwrap();
        report["task"] = json!({"run": "r", "epoch": "one", "applied": 3, "state": "running"});
        assert_eq!(signed(&report), Err(Refused::Illegible));
    }

    #[test]
    fn who_does_not_sign_is_shown_as_of_an_older_version_or_not_at_all() {
        let unsigned = |worker: &WorkerId, protocol: u32| {
            let said = json!({"worker": "w", "name": "old", "protocol": protocol}).to_string();
            Beat { worker: worker.clone(), said: said.into() }.read()
        };
        let old = WorkerId::from("018f");
        assert_eq!(unsigned(&old, 2).unwrap().name, "old");
        for (worker, protocol) in [(&old, PROTOCOL), (&old, PROTOCOL + 1), (&id(), 2)] {
            assert_eq!(unsigned(worker, protocol), Err(Refused::Unsigned), "{worker} {protocol}");
        }
    }
}
