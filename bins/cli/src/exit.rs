//! Turns what came of a command into its exit code: "the first that holds" of the documented ones.

use crate::target::TargetError;
use loadcore::analysis::capacity::Capacity;
use loadcore::analysis::compare::Comparison;
use loadcore::profile::Fault;
use loadcore::result::Verdict;
use loadcore::scenario::ScenarioError;
use loadcore::{RunError, RunResult};
use std::io;
use std::path::Path;

/// Exit codes, in the order in which they are looked for.
pub(crate) mod code {
    /// Wrong usage.
    pub(crate) const USAGE: u8 = 2;
    /// The scenario is invalid.
    pub(crate) const INVALID: u8 = 104;
    /// The target is refused by policy.
    pub(crate) const REFUSED: u8 = 109;
    /// The run could not be made, or what came of it could not be written.
    pub(crate) const FAILED: u8 = 1;
    /// Ended by Ctrl-C or SIGTERM.
    pub(crate) const INTERRUPTED: u8 = 105;
    /// The result is not complete.
    pub(crate) const INCOMPLETE: u8 = 98;
    /// The verdict is INVALID, and a valid one was required: to be compared it always is.
    pub(crate) const NOT_VALID: u8 = 110;
    /// An SLA rule was violated, a regression found, or an objective holds at no rate.
    pub(crate) const VIOLATED: u8 = 99;
    /// Not one request was ok.
    pub(crate) const NOTHING_OK: u8 = 96;
    /// Nothing of all this.
    pub(crate) const SUCCESS: u8 = 0;
}

/// Why a command has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The options make no sense.
    #[error("{0}")]
    Usage(String),
    /// The scenario makes no sense.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// There was no run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There was no target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The platform's policy refuses the target.
    #[error("the target is refused by policy: {0}")]
    Refused(String),
    /// The platform cannot be reached, or did not make the run.
    #[error("{0}")]
    Platform(String),
    /// It was interrupted before there was anything to report.
    #[error("interrupted before the load began")]
    Interrupted,
    /// The system refused something.
    #[error("could not {doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Failure {
    /// The system refused `doing`, such as "start the runtime".
    pub(crate) fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::System { doing, source }
    }

    /// A file that an option names cannot be read: wrong usage.
    pub(crate) fn unreadable(option: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let place = format!("{option} {}", path.display());
        move |source| Self::Usage(format!("{place}: {source}"))
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => code::USAGE,
            Self::Scenario(error) => of_faults(&error.faults),
            Self::Run(error) => of_run_error(error),
            Self::Target(error) if error.is_usage() => code::USAGE,
            Self::Refused(_) => code::REFUSED,
            Self::Target(_) | Self::System { .. } | Self::Platform(_) => code::FAILED,
            Self::Interrupted => code::INTERRUPTED,
        }
    }
}

fn of_run_error(error: &RunError) -> u8 {
    match error {
        RunError::Invalid { faults, .. } => of_faults(faults),
        RunError::Refused(_) => code::REFUSED,
        _ => code::FAILED,
    }
}

/// Options about the machine that makes the load: whose faults are theirs alone are wrong usage.
const OF_MACHINE: [&str; 3] = ["(--threads)", "(--slack)", "(--proxy)"];

fn of_faults(faults: &[Fault]) -> u8 {
    let is_usage = |fault: &Fault| OF_MACHINE.iter().any(|it| fault.path.ends_with(it));
    if !faults.is_empty() && faults.iter().all(is_usage) { code::USAGE } else { code::INVALID }
}

/// The code of a run that has a result. Whether it was `interrupted` the caller knows: a rule that
/// ends a run leaves the same trace in the result.
pub(crate) fn of_result(result: &RunResult, interrupted: bool, require_valid: bool) -> u8 {
    if interrupted {
        code::INTERRUPTED
    } else if !result.complete {
        code::INCOMPLETE
    } else if require_valid && result.validity.verdict == Verdict::Invalid {
        code::NOT_VALID
    } else if result.sla.iter().any(|rule| !rule.passed) {
        code::VIOLATED
    } else if result.outcomes.ok == 0 {
        code::NOTHING_OK
    } else {
        code::SUCCESS
    }
}

/// The code of a search for a capacity.
pub(crate) fn of_capacity(capacity: &Capacity, interrupted: bool) -> u8 {
    if interrupted {
        code::INTERRUPTED
    } else if capacity.capacity_rps.is_none() {
        code::VIOLATED
    } else {
        code::SUCCESS
    }
}

/// The code of a comparison, where in the candidate some request was ok or none.
pub(crate) fn of_comparison(comparison: &Comparison, some_ok: bool) -> u8 {
    if comparison.verdict == Verdict::Invalid {
        code::NOT_VALID
    } else if comparison.is_regression() {
        code::VIOLATED
    } else if !some_ok {
        code::NOTHING_OK
    } else {
        code::SUCCESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadcore::record::Snapshot;
    use loadcore::result::{ResultBuilder, RunEnd, RunStart};

    fn result(complete: bool, verdict: Verdict, passed: bool, ok: u64) -> RunResult {
        let builder = ResultBuilder::new(RunStart::default());
        let mut result = builder.build(&Snapshot::default(), &RunEnd::default());
        result.complete = complete;
        result.outcomes.ok = ok;
        result.validity.verdict = verdict;
        let rule = serde_json::json!({
            "rule": "p99<1ms", "passed": passed, "actual": 1.0, "unit": "ms", "reason": null,
            "windowSeconds": null, "violations": [], "aborted": false,
        });
        result.sla.push(serde_json::from_value(rule).expect("an outcome"));
        result
    }

    #[test]
    fn the_first_that_holds_is_the_code_of_a_result() {
        use Verdict::{Degraded, Invalid, Valid};
        for (interrupted, complete, verdict, required, passed, ok, expected) in [
            (false, true, Valid, false, true, 1, 0),
            (false, true, Valid, true, true, 1, 0),
            (false, true, Degraded, true, true, 1, 0),
            (false, true, Invalid, false, true, 1, 0),
            (false, true, Valid, true, true, 0, 96),
            (false, true, Invalid, false, true, 0, 96),
            (false, true, Valid, false, false, 1, 99),
            (false, true, Invalid, false, false, 0, 99),
            (false, true, Invalid, true, false, 0, 110),
            (false, false, Invalid, true, false, 0, 98),
            (true, false, Invalid, true, false, 0, 105),
            (true, true, Valid, false, true, 0, 105),
        ] {
            let code = of_result(&result(complete, verdict, passed, ok), interrupted, required);
            let case = (interrupted, complete, verdict, required, passed, ok);
            assert_eq!(code, expected, "{case:?}");
        }
    }

    #[test]
    fn what_has_no_result_has_a_code() {
        let invalid = |paths: &[&str]| {
            let fault = |path: &&str| Fault { path: (*path).into(), message: "no".into() };
            RunError::Invalid { faults: paths.iter().map(fault).collect(), cause: None }
        };
        let none = || io::Error::from(io::ErrorKind::NotFound);
        let faults = ScenarioError { faults: Vec::new() };
        for (failure, expected) in [
            (Failure::Usage("no".into()), 2),
            (Failure::unreadable("--body", Path::new("a"))(none()), 2),
            (invalid(&["slackSeconds (--slack)"]).into(), 2),
            (invalid(&["threads (--threads)", "slackSeconds (--slack)"]).into(), 2),
            (invalid(&["threads (--threads)", "sla[0]"]).into(), 104),
            (faults.into(), 104),
            (RunError::Refused("no".into()).into(), 109),
            (RunError::Descriptors { connections: 9, available: 1, limit: 2 }.into(), 1),
            (RunError::from(none()).into(), 1),
            (Failure::system("write")(none()), 1),
            (Failure::Refused("no".into()), 109),
            (Failure::Platform("no".into()), 1),
            (Failure::Interrupted, 105),
        ] {
            assert_eq!(failure.code(), expected, "{failure}");
        }
    }
}
