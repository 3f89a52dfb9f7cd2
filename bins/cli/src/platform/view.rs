//! Turns what a controller says of a run, which may be of another version, into what is needed here.

use crate::exit::Failure;
use crate::progress::{Latest, Phase};
use loadcore::RunResult;
use serde_json::Value;
use std::fmt;

/// A run as `GET /runs/{id}` shows it.
#[derive(Debug, Default)]
pub(super) struct View(Value);

impl View {
    pub(super) fn of(document: Value) -> Self {
        Self(document)
    }

    pub(super) fn state(&self) -> &str {
        self.0["state"].as_str().unwrap_or_default()
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state(), "COMPLETED" | "ABORTED" | "FAILED")
    }

    /// What people should know about it, in the order in which it came up.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &str> {
        self.0["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// What the run waits for beside its own time.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        let waiting = &self.0["waitingFor"];
        let what = waiting["what"].as_str()?.to_owned();
        let left_seconds = waiting["leftSeconds"].as_f64()?;
        Some(Waiting { what, left_seconds })
    }

    /// What was measured; `None` where nothing was.
    ///
    /// # Errors
    /// When it cannot be read, as that of a newer program.
    pub(super) fn result(&self) -> Result<Option<RunResult>, Failure> {
        match &self.0["result"] {
            Value::Null => Ok(None),
            document => RunResult::from_json(&document.to_string())
                .map(Some)
                .map_err(|error| Failure::Platform(format!("the run's result: {error}"))),
        }
    }

    /// What a line of progress shows of it, with the statistics of its last second.
    pub(super) fn latest(&self, last_second: &Value) -> Latest {
        let result = &self.0["result"];
        let count = |path| result.pointer(path).and_then(Value::as_u64).unwrap_or(0);
        let seconds = |field: &str| result[field].as_f64().unwrap_or(0.0);
        let measured = seconds("durationSeconds") + seconds("drainSeconds");
        Latest {
            phase: match self.state() {
                "RUNNING" if measured > 0.0 => Phase::Load,
                "STOPPING" if measured > 0.0 => Phase::Drain,
                other => Phase::Other(other.to_ascii_lowercase()),
            },
            measured_seconds: Some(measured),
            waiting: self.waiting().map(|waiting| waiting.to_string()),
            workers: last_second["activeWorkers"].as_u64(),
            sent: count("/arrivals/sent"),
            failed: count("/outcomes/failed"),
            dropped: count("/arrivals/dropped"),
            backlog: count("/arrivals/backlog"),
            in_flight: count("/outcomes/unfinished"),
            rate: last_second["currentRps"].as_f64(),
            success: last_second["successRate"].as_f64(),
            p99_ms: last_second["p99LatencyMs"].as_f64(),
        }
    }
}

/// What a run waits for.
#[derive(Debug, PartialEq)]
pub(super) struct Waiting {
    pub(super) what: String,
    /// How long it waits yet.
    pub(super) left_seconds: f64,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waits for {}, {:.0} s at most", self.what, self.left_seconds.ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_running_one_is_shown() {
        let view = View::of(json!({"state": "RUNNING", "warnings": ["a", "b"], "result": {
            "durationSeconds": 3.0, "drainSeconds": 0.0,
            "arrivals": {"sent": 30, "dropped": 2, "backlog": 1}, "outcomes": {"failed": 4, "unfinished": 5}}}));
        let latest = view
            .latest(&json!({"currentRps": 9.5, "p99LatencyMs": 1.5, "activeWorkers": 2,
                "successRate": 20.0}));
        assert_eq!(latest.phase, Phase::Load);
        assert_eq!((latest.sent, latest.failed, latest.dropped), (30, 4, 2));
        assert_eq!((latest.backlog, latest.in_flight, latest.workers), (1, 5, Some(2)));
        assert_eq!((latest.rate, latest.p99_ms), (Some(9.5), Some(1.5)));
        assert_eq!(latest.success, Some(20.0));
        assert_eq!(latest.measured_seconds, Some(3.0));
        assert!(!view.has_ended());
        assert_eq!(view.warnings().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn one_that_was_never_begun_has_no_result() {
        let view = View::of(json!({"state": "FAILED", "result": null}));
        assert!(view.has_ended() && view.result().unwrap().is_none());
        let latest = View::of(json!({"state": "PREPARING"})).latest(&Value::Null);
        assert_eq!(latest.phase, Phase::Other("preparing".into()));
    }

    #[test]
    fn what_is_waited_for_is_told_with_the_time_that_is_left() {
        let view = View::of(json!({"state": "QUEUED", "waitingFor": {
            "what": "1 of 2 workers", "until": "2026-01-01T00:00:00Z", "leftSeconds": 599.2}}));
        let told = view.waiting().unwrap().to_string();
        assert_eq!(told, "waits for 1 of 2 workers, 600 s at most");
        assert_eq!(view.latest(&Value::Null).waiting, Some(told));
        assert_eq!(View::of(json!({"state": "RUNNING", "waitingFor": null})).waiting(), None);
    }

    #[test]
    fn a_result_of_a_newer_program_is_refused() {
        let view = View::of(json!({"state": "COMPLETED", "result": {"schemaVersion": 99}}));
        let error = view.result().unwrap_err();
        assert!(error.to_string().contains("schemaVersion 99"), "{error}");
        assert_eq!(error.code(), 1);
    }
}
