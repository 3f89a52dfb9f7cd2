//! Turns what a controller answers in the place of a document into a reason, and a reason into an
//! exit code.

use crate::exit::Failure;
use http::StatusCode;
use loadcore::profile::Fault;
use loadcore::scenario::ScenarioError;
use serde_json::Value;
use std::io;

/// What stands in the fault of a target that the platform's policy refuses.
const BY_POLICY: &str = "may not be loaded";

/// A call that brought no document.
#[derive(Debug)]
pub(crate) enum CallError {
    /// It says what the controller does in the place of answering; the same call may succeed later,
    /// and may have been carried out already.
    Away(String),
    /// Nobody was there, or said that it cannot now.
    Busy(String),
    /// It has answered, and will answer the same again.
    Problem(Problem),
    /// What came could not be written here.
    Write(io::Error),
}

/// What a controller says is wrong (RFC 9457).
#[derive(Debug, Default)]
pub(crate) struct Problem {
    status: u16,
    /// The last part of its type: `has-ended`.
    kind: String,
    detail: String,
    /// Where the controller is that leads, if another one does.
    leader: Option<String>,
    faults: Vec<Fault>,
}

impl Problem {
    /// An answer that no controller would give.
    pub(crate) fn foreign(what: String) -> Self {
        Self { detail: format!("{what}: is it a loadcore controller?"), ..Self::default() }
    }

    /// Of an answer with this status and body.
    pub(crate) fn of(status: StatusCode, body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(detail) = document["detail"].as_str() else {
            let foreign = Self::foreign(format!("it answered {status}"));
            return Self { status: status.as_u16(), ..foreign };
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fault =
            |fault: &Value| Fault { path: text(&fault["path"]), message: text(&fault["message"]) };
        Self {
            status: status.as_u16(),
            kind: text(&document["type"]).rsplit(':').next().unwrap_or_default().to_owned(),
            detail: detail.to_owned(),
            leader: document["leader"].as_str().map(str::to_owned),
            faults: document["faults"].as_array().into_iter().flatten().map(fault).collect(),
        }
    }

    /// The run has ended already.
    pub(crate) fn has_ended(&self) -> bool {
        self.kind == "has-ended"
    }

    /// Who is to be asked in its place.
    pub(crate) fn leader(&self) -> Option<&str> {
        self.leader.as_deref().filter(|_| self.kind == "stands-by")
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<Problem> for CallError {
    /// What a controller, or a proxy before it, cannot do now it may do a little later.
    fn from(problem: Problem) -> Self {
        let said = || format!("answers {}: {}", problem.status, problem.detail);
        if problem.status == StatusCode::SERVICE_UNAVAILABLE {
            return Self::Busy(said());
        }
        if problem.status >= 500 {
            return Self::Away(said());
        }
        Self::Problem(problem)
    }
}

impl CallError {
    /// Why the command fails, if `doing` at the controller at `url` was all it could do.
    pub(crate) fn into_failure(self, url: &str, doing: &str) -> Failure {
        match self {
            Self::Away(why) | Self::Busy(why) => {
                Failure::Platform(format!("the controller at {url} {why}"))
            }
            Self::Problem(problem) => problem.into_failure(url, doing),
            Self::Write(error) => Failure::system(doing)(error),
        }
    }
}

impl Problem {
    fn into_failure(self, url: &str, doing: &str) -> Failure {
        let by_policy = |fault: &&Fault| {
            fault.path == "targetUrl" && fault.message.contains(BY_POLICY) && self.status == 422
        };
        if let Some(fault) = self.faults.iter().find(by_policy) {
            return Failure::Refused(fault.message.clone());
        }
        if self.status == 422 && !self.faults.is_empty() {
            return Failure::Scenario(ScenarioError { faults: self.faults });
        }
        let hint = if self.status == 401 { "; give --token" } else { "" };
        Failure::Platform(format!("the controller at {url} did not {doing}: {}{hint}", self.detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn failure(status: u16, body: &Value) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        let error = CallError::from(Problem::of(status, body.to_string().as_bytes()));
        error.into_failure("http://h", "start the run")
    }

    #[test]
    fn each_answer_has_its_exit_code_and_says_what_is_wrong() {
        let faults = |path: &str, message: &str| {
            json!({"type": "urn:loadcore:problem:invalid-scenario", "detail": "one",
                   "faults": [{"path": path, "message": message}, {"path": "b", "message": "no"}]})
        };
        let problem = |kind: &str| json!({"type": kind, "detail": "the words"});
        for (status, body, code, said) in [
            (422, faults("a.b", "is wrong"), 104, "a.b: is wrong\n  b: no"),
            (
                422,
                faults("targetUrl", "10.0.0.1 may not be loaded: no"),
                109,
                "by policy: 10.0.0.1",
            ),
            (422, faults("name", "x may not be loaded"), 104, "name: x"),
            (422, problem("x"), 1, "http://h did not start the run: the words"),
            (401, problem("x"), 1, "the words; give --token"),
            (503, problem("stands-by"), 1, "http://h answers 503: the words"),
            (404, json!("no"), 1, "404 Not Found: is it a loadcore controller?"),
        ] {
            let failure = failure(status, &body);
            assert_eq!(failure.code(), code, "{failure}");
            assert!(failure.to_string().contains(said), "{failure}");
        }
    }

    #[test]
    fn a_run_that_has_ended_is_known() {
        let body = br#"{"type": "urn:loadcore:problem:has-ended", "detail": "it has"}"#;
        assert!(Problem::of(StatusCode::CONFLICT, body).has_ended());
        assert!(!Problem::of(StatusCode::CONFLICT, b"{}").has_ended());
    }
}
