//! Turns the requests of a mix into the rows of a table, each with a small picture of its p99 over time.

use super::super::format::{count, percent, rate, time};
use super::{micro, spark};
use crate::result::{RequestResult, RunResult};

/// A row.
pub(super) struct Request<'a> {
    pub(super) name: &'a str,
    pub(super) sent: String,
    pub(super) rate: String,
    pub(super) ok: String,
    pub(super) is_bad: bool,
    pub(super) p50: String,
    pub(super) p95: String,
    pub(super) p99: String,
    pub(super) max: String,
    /// The errors by class.
    pub(super) errors: String,
    /// The lines of the picture, as SVG has them: one between two gaps.
    pub(super) lines: Vec<String>,
}

/// The rows, in the order of the mix.
pub(super) fn of(result: &RunResult) -> Vec<Request<'_>> {
    result.requests.iter().map(row).collect()
}

fn row(request: &RequestResult) -> Request<'_> {
    let latency = &request.latency;
    let [p50, p95, p99, max] =
        [latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms].map(|ms| micro(&time(ms)));
    let errors = request.errors.iter().map(|(class, n)| format!("{class} {}", count(*n)));
    Request {
        name: &request.name,
        sent: count(request.arrivals.sent),
        rate: request.achieved_rps.map_or("-".to_owned(), rate),
        ok: percent(request.outcomes.ok, request.total_requests),
        is_bad: request.outcomes.failed > 0,
        p50,
        p95,
        p99,
        max,
        errors: errors.collect::<Vec<_>>().join(", "),
        lines: spark::lines(request.series.iter().map(|row| row.p99_ms), 0.0),
    }
}
