//! Finds the workers that a report has to tell apart, and what it says of each.

use crate::result::{RunResult, WorkerResult};

/// The workers that a report has to show: none where one process makes the whole load, since all that
/// is said of it is said of the run.
pub(in crate::report) fn told_apart(result: &RunResult) -> &[WorkerResult] {
    if result.workers.len() > 1 { &result.workers } else { &[] }
}

/// What its measurement is worth, and why.
pub(in crate::report) fn verdict(worker: &WorkerResult) -> (&'static str, String) {
    let reasons = worker.validity.reasons.iter().map(|reason| &*reason.explanation);
    (worker.validity.verdict.name(), reasons.collect::<Vec<_>>().join("; "))
}
