//! Turns the result document, and what was seen while it came about, into the outcome of each rule.

use super::{Live, Metric, Rule, SlaRule, Statistic, Times};
use crate::result::{LatencySummary, RunResult, SlaOutcome};

/// What the rules came to, in their order.
///
/// A rule with a window is judged by what `live` saw; where that saw no whole window, because the
/// run was shorter or nobody watched, by the whole run.
#[must_use]
pub fn outcomes(rules: &[SlaRule], result: &RunResult, live: Option<&Live>) -> Vec<SlaOutcome> {
    let whole_run = |rule: &SlaRule| {
        let figure = figure_of_run(&rule.rule, result);
        SlaOutcome {
            passed: figure.as_ref().is_ok_and(|actual| rule.rule.holds(*actual)),
            actual: figure.as_ref().ok().copied(),
            reason: figure.err(),
            window_seconds: None,
            ..blank(rule)
        }
    };
    let judged = |place| live.and_then(|live| live.outcome(place));
    rules.iter().enumerate().map(|(n, rule)| judged(n).unwrap_or_else(|| whole_run(rule))).collect()
}

/// An outcome that says nothing yet.
pub(super) fn blank(rule: &SlaRule) -> SlaOutcome {
    SlaOutcome {
        rule: rule.rule.to_string(),
        passed: false,
        actual: None,
        unit: rule.rule.unit().to_owned(),
        reason: None,
        window_seconds: rule.window_seconds,
        violations: Vec::new(),
        aborted: false,
    }
}

impl RunResult {
    /// Holds one rule against the whole run.
    #[must_use]
    pub fn check(&self, rule: &Rule) -> SlaOutcome {
        outcomes(&[SlaRule::whole_run(*rule)], self, None).remove(0)
    }
}

/// What rates are made from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) due: u64,
    pub(super) dropped: u64,
    pub(super) failed: u64,
    pub(super) outcomes: u64,
    pub(super) seconds: f64,
    pub(super) closed_loop: bool,
}

impl Counts {
    /// The figure of a metric that is no time, or why there is none.
    pub(super) fn figure(&self, metric: Metric) -> Result<f64, &'static str> {
        let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole as f64;
        match metric {
            Metric::AchievedRate if self.closed_loop => {
                Err("it needs open loop: in closed loop no rate is offered")
            }
            Metric::AchievedRate | Metric::DroppedRate if self.due == 0 => {
                Err("no arrival was due")
            }
            Metric::ErrorRate if self.outcomes == 0 => Err(NO_OUTCOME),
            Metric::Rps if self.seconds <= 0.0 => Err("no time was measured"),
            Metric::AchievedRate => Ok(percent(self.outcomes, self.due)),
            Metric::DroppedRate => Ok(percent(self.dropped, self.due)),
            Metric::ErrorRate => Ok(percent(self.failed, self.outcomes)),
            Metric::Rps => Ok(self.outcomes as f64 / self.seconds),
            Metric::Time(..) => Err(NO_OUTCOME),
        }
    }
}

/// Why there is no latency.
const NO_OUTCOME: &str = "no request had an outcome";

fn figure_of_run(rule: &Rule, result: &RunResult) -> Result<f64, String> {
    if let Metric::Time(times, statistic) = rule.metric {
        return time_of_run(times, statistic, result);
    }
    let counts = Counts {
        due: result.arrivals.due,
        dropped: result.arrivals.dropped,
        failed: result.outcomes.failed,
        outcomes: result.total_requests,
        seconds: result.duration_seconds,
        closed_loop: !result.is_open_loop(),
    };
    counts.figure(rule.metric).map_err(str::to_owned)
}

/// A statistic in milliseconds: from the document's summary if it is there, else from the
/// histograms.
fn time_of_run(times: Times, statistic: Statistic, result: &RunResult) -> Result<f64, String> {
    if result.total_requests == 0 {
        return Err(NO_OUTCOME.to_owned());
    }
    let summary = match times {
        Times::Response => &result.latency,
        Times::Service => &result.service_time,
    };
    let carried = result.histograms.as_ref().map(|carried| match times {
        Times::Response => &carried.latency,
        Times::Service => &carried.service_time,
    });
    in_summary(summary, statistic)
        .or_else(|| carried.and_then(|histogram| statistic.of(histogram)))
        .ok_or_else(|| format!("the result carries no histogram to read {statistic} from"))
}

fn in_summary(summary: &LatencySummary, statistic: Statistic) -> Option<f64> {
    match statistic {
        Statistic::Min => summary.min_ms,
        Statistic::Mean => summary.mean_ms,
        Statistic::Max => summary.max_ms,
        Statistic::Percentile(parts) => {
            let wanted = f64::from(parts) / 1e4;
            let found = summary.percentiles().into_iter().find(|(percent, _)| *percent == wanted);
            found.and_then(|(_, ms)| ms)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::{closed_run, empty_run, failing_run, steady_run};

    fn check(result: &RunResult, rule: &str) -> SlaOutcome {
        result.check(&rule.parse().unwrap())
    }

    #[test]
    fn figures_are_those_of_the_document() {
        let result = failing_run();
        for (rule, figure) in [
            ("p50<1s", result.latency.p50_ms),
            ("p99.9<1s", result.latency.p999_ms),
            ("max<1s", result.latency.max_ms),
            ("mean<1s", result.latency.mean_ms),
            ("min<1s", result.latency.min_ms),
            ("service_p99<1s", result.service_time.p99_ms),
            ("rps>1", result.achieved_rps),
        ] {
            assert_eq!(check(&result, rule).actual, figure, "{rule}");
        }
        let rate = |part: u64, whole: u64| Some(100.0 * part as f64 / whole as f64);
        let (due, ended) = (result.arrivals.due, result.total_requests);
        assert_eq!(check(&result, "error_rate<1%").actual, rate(result.outcomes.failed, ended));
        assert_eq!(check(&result, "dropped_rate<1%").actual, rate(result.arrivals.dropped, due));
        assert_eq!(check(&result, "achieved_rate>1%").actual, rate(ended, due));
    }

    #[test]
    fn passing_follows_from_the_figure() {
        let result = steady_run();
        assert!(check(&result, "p99<1s").passed);
        assert!(!check(&result, "p99>1s").passed);
        assert_eq!(check(&result, "p99<1s").unit, "ms");
    }

    #[test]
    fn other_percentiles_come_from_the_histogram() {
        let mut result = steady_run();
        let odd = check(&result, "p97.3<1s").actual.unwrap();
        assert!(Some(odd) >= result.latency.p95_ms && Some(odd) <= result.latency.p99_ms);
        result.histograms = None;
        let outcome = check(&result, "p97.3<1s");
        assert!(!outcome.passed && outcome.actual.is_none());
        assert_eq!(
            outcome.reason.as_deref(),
            Some("the result carries no histogram to read p97.3 from")
        );
        assert!(check(&result, "p99<1s").passed);
    }

    #[test]
    fn without_a_figure_nothing_has_passed() {
        for (result, rule, wanted) in [
            (empty_run(), "p99<1s", "no request had an outcome"),
            (empty_run(), "service_max>0ms", "no request had an outcome"),
            (empty_run(), "error_rate<1%", "no request had an outcome"),
            (empty_run(), "achieved_rate>=0%", "no arrival was due"),
            (closed_run(), "achieved_rate>=99%", "it needs open loop"),
        ] {
            let outcome = check(&result, rule);
            assert!(!outcome.passed && outcome.actual.is_none(), "{rule}");
            assert!(outcome.reason.unwrap().starts_with(wanted), "{rule}");
        }
    }
}
