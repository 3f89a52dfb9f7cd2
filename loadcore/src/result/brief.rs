//! Turns a result into what a list of runs shows of it: its chief figures, and its course in a few points.

use super::rows::Row;
use super::{FindingKind, LoopKind, RunResult, SeriesRow, Verdict};
use serde::{Deserialize, Serialize};

/// The most points of a course: what a line of a list has room for.
const MOST_POINTS: usize = 60;

/// A run in the figures of one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunSummary {
    /// May the measurement be trusted; `None` where that was not judged.
    pub verdict: Option<Verdict>,
    /// Nothing is unknown; `None` while that may change.
    pub complete: Option<bool>,
    /// Whether arrivals waited for replies.
    #[serde(rename = "loop")]
    pub loop_kind: LoopKind,
    /// The measured time.
    pub duration_seconds: f64,
    /// Requests with an outcome.
    pub total_requests: u64,
    /// Arrivals due per second; `None` in closed loop.
    pub offered_rps: Option<f64>,
    /// Requests with an outcome per second.
    pub achieved_rps: Option<f64>,
    /// Percentage of ok among them.
    pub success_rate: Option<f64>,
    /// Median of the latency.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the latency.
    pub p99_ms: Option<f64>,
    /// All SLA rules hold; `None` without rules.
    pub sla_passed: Option<bool>,
    /// How many do not.
    pub sla_violated: u64,
    /// How many findings there are; `None` where nobody has looked.
    pub findings: Option<u64>,
    /// The most important one.
    pub finding: Option<FindingKind>,
    /// Its course.
    pub sparkline: Sparkline,
}

/// The course of a run in at most 60 points. A point is `None` where nothing is known of its time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sparkline {
    /// Seconds of each point.
    pub seconds: f64,
    /// Requests with an outcome per second.
    pub rps: Vec<Option<f64>>,
    /// Their 99th percentile.
    pub p99_ms: Vec<Option<f64>>,
}

impl RunSummary {
    /// Of a result that was judged.
    #[must_use]
    pub fn of(result: &RunResult) -> Self {
        Self {
            verdict: Some(result.validity.verdict),
            complete: Some(result.complete),
            findings: Some(result.bottlenecks.len() as u64),
            finding: result.bottlenecks.first().map(|finding| finding.kind.clone()),
            ..Self::unjudged(result)
        }
    }

    /// Of a result of which nobody has judged more than the rules.
    pub(crate) fn unjudged(result: &RunResult) -> Self {
        let violated = result.sla.iter().filter(|rule| !rule.passed).count() as u64;
        Self {
            verdict: None,
            complete: None,
            loop_kind: result.loop_kind,
            duration_seconds: result.duration_seconds,
            total_requests: result.total_requests,
            offered_rps: result.offered_rps,
            achieved_rps: result.achieved_rps,
            success_rate: result.success_rate,
            p50_ms: result.latency.p50_ms,
            p99_ms: result.latency.p99_ms,
            sla_passed: (!result.sla.is_empty()).then_some(violated == 0),
            sla_violated: violated,
            findings: None,
            finding: None,
            sparkline: Sparkline::of(result),
        }
    }
}

impl Sparkline {
    fn of(result: &RunResult) -> Self {
        let row_seconds = result.series_seconds.max(1);
        let is_drain =
            |row: &SeriesRow| row.due == 0 && row.second as f64 >= result.duration_seconds;
        let load = result.series.iter().rposition(|row| !is_drain(row)).map_or(0, |last| last + 1);
        let rows = &result.series[..load];
        let count = rows.last().map_or(0, |last| last.second / row_seconds + 1) as usize;
        let point_seconds = row_seconds * count.div_ceil(MOST_POINTS) as u64;
        let points = count.div_ceil((point_seconds / row_seconds).max(1) as usize);
        let mut course = Self {
            seconds: point_seconds as f64,
            rps: vec![None; points],
            p99_ms: vec![None; points],
        };
        for rows in rows.chunk_by(|a, b| a.second / point_seconds == b.second / point_seconds) {
            let place = (rows[0].second / point_seconds) as usize;
            let length: f64 = rows.iter().map(|row| length(row, row_seconds, result)).sum();
            let sum = rows.iter().skip(1).fold(rows[0].clone(), |mut sum, row| {
                sum.absorb(row);
                sum
            });
            let outcomes = (sum.ok + sum.failed) as f64;
            course.rps[place] = Some((outcomes / length * 1e3).round() / 1e3);
            course.p99_ms[place] = sum.p99_ms;
        }
        course
    }
}

/// How long a row is: the one in which the load ended is shorter than the others. After a pause rows lie
/// beyond the measured time, and are whole.
fn length(row: &SeriesRow, row_seconds: u64, result: &RunResult) -> f64 {
    let left = result.duration_seconds - row.second as f64;
    let whole = row_seconds as f64;
    if left > 0.0 { left.min(whole) } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::SlaOutcome;
    use crate::result::fixtures::{closed_run, failing_run, finding, steady_run};
    use serde_json::json;

    fn rule(passed: bool) -> SlaOutcome {
        serde_json::from_value(json!({
            "rule": "p99<1s", "passed": passed, "actual": null, "unit": "ms", "reason": null,
            "windowSeconds": null, "violations": [], "aborted": false,
        }))
        .unwrap()
    }

    #[test]
    fn its_figures_are_those_of_the_result() {
        let mut result = failing_run();
        result.validity.verdict = Verdict::Degraded;
        result.sla = vec![rule(true), rule(false), rule(false)];
        result.bottlenecks = vec![finding(FindingKind::Queueing), finding(FindingKind::Saturation)];
        let summary = RunSummary::of(&result);
        assert_eq!((summary.verdict, summary.complete), (Some(Verdict::Degraded), Some(true)));
        assert_eq!(summary.total_requests, result.outcomes.ok + result.outcomes.failed);
        assert_eq!(
            (summary.p50_ms, summary.p99_ms),
            (result.latency.p50_ms, result.latency.p99_ms)
        );
        assert_eq!((summary.sla_passed, summary.sla_violated), (Some(false), 2));
        assert_eq!(
            (summary.findings, summary.finding.clone()),
            (Some(2), Some(FindingKind::Queueing))
        );
        let read: RunSummary = serde_json::from_value(json!(summary)).unwrap();
        assert_eq!(read, summary);
        result.sla = vec![rule(true)];
        let summary = RunSummary::of(&result);
        assert_eq!((summary.sla_passed, summary.sla_violated), (Some(true), 0));
    }

    #[test]
    fn without_rules_none_has_passed() {
        let summary =
            RunSummary::of(&RunResult { sla: vec![], bottlenecks: vec![], ..closed_run() });
        assert_eq!((summary.sla_passed, summary.sla_violated), (None, 0));
        assert_eq!((summary.findings, summary.finding), (Some(0), None));
        assert_eq!((summary.loop_kind, summary.offered_rps), (LoopKind::Closed, None));
        assert_eq!(summary.sparkline.rps, [Some(3_000.0), Some(3_000.0)]);
    }

    #[test]
    fn the_drain_is_no_part_of_the_course() {
        let mut result = steady_run();
        result.duration_seconds = 9.5;
        let drain = SeriesRow { second: 10, ok: 3, ..SeriesRow::default() };
        result.series.push(drain);
        let course = RunSummary::of(&result).sparkline;
        assert_eq!((course.seconds, course.rps.len(), course.p99_ms.len()), (1.0, 10, 10));
        assert_eq!(course.rps[3], Some(1_000.0));
        assert_eq!(course.rps[9], Some(2_000.0), "half a second of it is measured");
        assert_eq!(course.p99_ms[3], result.series[3].p99_ms);
    }

    #[test]
    fn a_long_run_has_few_points_and_its_sum() {
        let mut result = steady_run();
        let row = result.series[0].clone();
        for (seconds, rows, points, each) in
            [(1, 61, 31, 2.0), (1, 3_600, 60, 60.0), (7, 121, 41, 21.0)]
        {
            result.series_seconds = seconds;
            result.duration_seconds = (seconds * rows) as f64;
            let at = |n: u64| SeriesRow {
                second: n * seconds,
                ok: seconds * (n + 1),
                failed: 0,
                ..row.clone()
            };
            result.series = (0..rows).map(at).collect();
            let course = RunSummary::of(&result).sparkline;
            assert_eq!((course.rps.len(), course.seconds), (points, each), "{rows} rows");
            let last = result.duration_seconds - (points - 1) as f64 * each;
            let lengths = (0..points).map(|n| if n + 1 == points { last } else { each });
            let sum: f64 =
                course.rps.iter().zip(lengths).map(|(rps, length)| rps.unwrap() * length).sum();
            let all: u64 = result.series.iter().map(|row| row.ok).sum();
            assert!((sum - all as f64).abs() < 1.0, "{sum} of {all}");
            assert!(course.p99_ms.iter().all(Option::is_some));
        }
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let mut result = steady_run();
        result.series.remove(4);
        let course = RunSummary::of(&result).sparkline;
        assert_eq!((course.rps.len(), course.rps[4], course.p99_ms[4]), (10, None, None));
        result.series.clear();
        assert_eq!(RunSummary::of(&result).sparkline, Sparkline::default());
    }
}
