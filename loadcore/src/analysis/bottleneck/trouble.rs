//! Turns a finding into the course of its trouble: the one figure that says, row by row, how bad it was.

use super::evidence::{Evidence, Row};
use crate::analysis::Windows;
use crate::result::{Finding, FindingKind, RunResult};

/// How bad it was when.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::analysis) struct Trouble {
    /// What is told of: `latency`.
    pub(in crate::analysis) figure: &'static str,
    /// In the order of time.
    pub(in crate::analysis) rows: Vec<TroubleRow>,
}

/// One row of a trouble, from one second to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::analysis) struct TroubleRow {
    pub(in crate::analysis) from: f64,
    pub(in crate::analysis) to: f64,
    /// NaN where nothing ended.
    pub(in crate::analysis) value: f64,
}

impl Trouble {
    /// That of a finding; none where it is no matter of time.
    pub(in crate::analysis) fn of(
        finding: &Finding,
        windows: &Windows,
        result: &RunResult,
    ) -> Option<Self> {
        let (figure, value) = figure(&finding.kind)?;
        let evidence = match &finding.request {
            None => Evidence::new(windows, result),
            named => {
                let all = Evidence::of_requests(windows, result);
                all.into_iter().find(|it| it.request == *named)?
            }
        };
        let row = |row: &Row| TroubleRow {
            from: row.from,
            to: row.to,
            value: value(row).unwrap_or(f64::NAN),
        };
        Some(Self { figure, rows: evidence.rows.iter().map(row).collect() })
    }
}

type Figure = (&'static str, fn(&Row) -> Option<f64>);

fn figure(kind: &FindingKind) -> Option<Figure> {
    use FindingKind as K;
    const LATENCY: &str = "latency";
    const FAILURES: &str = "the share of failures";
    Some(match kind {
        K::Saturation | K::LatencyDrift | K::ColdStart => (LATENCY, |row| row.p50),
        K::Queueing => (LATENCY, |row| row.mean),
        K::BimodalLatency => (LATENCY, |row| row.p95),
        K::PeriodicStall => (LATENCY, |row| row.p99),
        K::SlowHandshake => ("the time to connect", |row| row.slowest_connect),
        K::ErrorCliff | K::ConnectionLimit | K::TimeoutWall => {
            (FAILURES, |row| Some(row.failed_share()))
        }
        K::RateLimited => ("the number of refusals", |row| Some(row.turned_away)),
        K::WorkerSkew | K::Other(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::{answered, finding};
    use crate::result::{RunEnd, Span};
    use crate::time::{MILLISECOND as MS, SECOND};

    #[test]
    fn it_is_the_figure_of_the_finding_row_by_row() {
        let run = answered(3, 100, |n, _| {
            (if n >= 200 { 40 * MS } else { 5 * MS }, if n < 50 { 500 } else { 200 })
        });
        let mut windows = Windows::new(3.0, 0);
        for (interval, span) in &run.intervals {
            windows.add(interval, *span, 0);
        }
        let duration_ns = run.intervals.last().map_or(0, |(_, Span { to_ns, .. })| *to_ns);
        assert_eq!(duration_ns, 3 * SECOND);
        let result = run.end(RunEnd { duration_ns, ..RunEnd::default() }, 0);
        let of = |kind| Trouble::of(&finding(kind), &windows, &result);
        let latency = of(FindingKind::LatencyDrift).unwrap();
        let high = |at: usize| latency.rows[at].value > 20.0;
        assert_eq!((latency.figure, high(0), high(1), high(2)), ("latency", false, false, true));
        assert_eq!((latency.rows[2].from, latency.rows[2].to), (2.0, 3.0));
        let failures = of(FindingKind::ErrorCliff).unwrap();
        assert_eq!(failures.rows.iter().map(|row| row.value).collect::<Vec<_>>(), [0.5, 0.0, 0.0]);
        assert_eq!(of(FindingKind::WorkerSkew), None);
    }
}
