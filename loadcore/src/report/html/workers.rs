//! Turns a platform's workers into the rows of a table, each with a small picture of its rate over time.

use super::super::format::{count, rate, time};
use super::super::summary::workers::{told_apart, verdict};
use super::{micro, spark};
use crate::result::{RunResult, Verdict, WorkerResult};

/// A row.
pub(super) struct Worker<'a> {
    pub(super) name: &'a str,
    pub(super) verdict: &'static str,
    pub(super) is_bad: bool,
    /// Why it is not valid.
    pub(super) reasons: String,
    pub(super) sent: String,
    pub(super) rate: String,
    pub(super) p50: String,
    pub(super) p99: String,
    pub(super) lag: String,
    pub(super) cpu: String,
    pub(super) lines: Vec<String>,
}

/// The rows, in the order of names; none where one process makes the whole load.
pub(super) fn of(result: &RunResult) -> Vec<Worker<'_>> {
    told_apart(result).iter().map(row).collect()
}

fn row(worker: &WorkerResult) -> Worker<'_> {
    let figures = &worker.figures;
    let times = [figures.p50_ms, figures.p99_ms, figures.pacer_lag_p99_ms];
    let [p50, p99, lag] = times.map(|ms| micro(&time(ms)));
    let (verdict, reasons) = verdict(worker);
    Worker {
        name: &worker.worker,
        verdict,
        is_bad: worker.validity.verdict != Verdict::Valid,
        reasons: micro(&reasons),
        sent: count(figures.sent),
        rate: figures.achieved_rps.map_or("-".to_owned(), rate),
        p50,
        p99,
        lag,
        cpu: figures.cpu_share.map_or("-".to_owned(), |share| format!("{:.0}%", 100.0 * share)),
        lines: spark::lines(worker.series.achieved_rps.iter().copied(), 0.0),
    }
}
