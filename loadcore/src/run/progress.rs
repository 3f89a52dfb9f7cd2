//! Turns a closed interval into the few numbers that people look at while a run goes on.

use super::ClosedInterval;
use crate::result::{SeriesRow, named_counts};
use crate::time::SECOND;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A second of a run, in the shape of the frames that a platform sends to those who watch: small, and
/// JSON without more ado. Numbers that do not exist are `None`.
///
/// The sums of all of them are the totals of the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Progress {
    /// Where it begins, in seconds since the start of the measured time.
    pub second: u64,
    /// Arrivals that fell due in it.
    pub due: u64,
    /// Requests that were sent in it.
    pub sent: u64,
    /// Requests that ended well in it.
    pub ok: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Arrivals that were given up in it.
    pub dropped: u64,
    /// Arrivals that wait at its end.
    pub backlog: u64,
    /// Median of the latencies of what ended in it.
    pub p50_ms: Option<f64>,
    /// Their 95th percentile.
    pub p95_ms: Option<f64>,
    /// Their 99th percentile.
    pub p99_ms: Option<f64>,
    /// The largest of them.
    pub max_ms: Option<f64>,
    /// Requests with an outcome, per second.
    pub rps: Option<f64>,
    /// Arrivals due, per second; `None` in closed loop.
    pub offered_rps: Option<f64>,
    /// Replies by status.
    pub status_codes: BTreeMap<u16, u64>,
    /// Failed requests by error class.
    pub errors: BTreeMap<String, u64>,
    /// Requests under way at its end.
    pub in_flight: u64,
}

impl ClosedInterval<'_> {
    /// It in the few numbers that people look at.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let Self { interval, span, total, open, .. } = self;
        let SeriesRow {
            second,
            due,
            sent,
            ok,
            failed,
            dropped,
            p50_ms,
            p95_ms,
            p99_ms,
            max_ms,
            ..
        } = SeriesRow::of(interval, *span);
        let seconds = span.to_ns.saturating_sub(span.from_ns) as f64 / SECOND as f64;
        let per_second = |n: u64| (seconds > 0.0).then(|| n as f64 / seconds);
        Progress {
            second,
            due,
            sent,
            ok,
            failed,
            dropped,
            backlog: total.backlog,
            p50_ms,
            p95_ms,
            p99_ms,
            max_ms,
            rps: per_second(ok + failed),
            offered_rps: per_second(due).filter(|_| *open && !span.draining),
            status_codes: interval.counters.statuses.iter().copied().collect(),
            errors: named_counts(&interval.counters),
            in_flight: total.in_flight,
        }
    }
}
