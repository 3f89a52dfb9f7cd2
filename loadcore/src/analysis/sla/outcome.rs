//! Turns the result document, and what was seen while it came about, into the outcome of each rule.

use super::{Live, Metric, Rule, SlaRule, Statistic, Times};
use crate::record::Histogram;
use crate::result::{LatencySummary, RunResult, SlaOutcome, ms};

/// What the rules came to, in their order.
///
/// Requests that never ended count as failed, and as longer than all others; in a mean as if they had
/// taken the drain, for which they were awaited at least.
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
            reason: figure.err().or_else(|| with_unfinished(&rule.rule, result)),
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
    pub(super) late: u64,
    pub(super) unfinished: u64,
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
            Metric::ErrorRate if self.outcomes + self.unfinished == 0 => Err(NO_OUTCOME),
            // In a pause, say. A target that hangs is another matter: then something is due.
            Metric::Rps if !self.closed_loop && self.due + self.outcomes == 0 => Err(NO_OUTCOME),
            Metric::Rps if self.seconds <= 0.0 => Err("no time was measured"),
            Metric::AchievedRate => Ok(percent(self.outcomes.saturating_sub(self.late), self.due)),
            Metric::DroppedRate => Ok(percent(self.dropped, self.due)),
            Metric::ErrorRate => {
                let failed = self.failed + self.unfinished;
                Ok(percent(failed, self.outcomes + self.unfinished))
            }
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
        late: result.outcomes.late,
        unfinished: result.never_ended(),
        seconds: result.duration_seconds,
        closed_loop: !result.is_open_loop(),
    };
    counts.figure(rule.metric).map_err(str::to_owned)
}

/// What is said of a figure in which requests are that never ended.
fn with_unfinished(rule: &Rule, result: &RunResult) -> Option<String> {
    let never = result.never_ended();
    let counts = match rule.metric {
        Metric::ErrorRate => "as failed".to_owned(),
        Metric::Time(_, Statistic::Percentile(_)) => "as longer than all others".to_owned(),
        Metric::Time(_, Statistic::Mean) => {
            format!("as if they took the {:.1} s for which they were awaited", result.drain_seconds)
        }
        _ => return None,
    };
    (never > 0).then(|| format!("{never} requests never ended and count {counts}"))
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
    let never = result.never_ended();
    if never > 0 {
        return among_unfinished(statistic, result, summary, carried);
    }
    in_summary(summary, statistic)
        .or_else(|| carried.and_then(|histogram| statistic.of(histogram)))
        .ok_or_else(|| format!("the result carries no histogram to read {statistic} from"))
}

/// The same where some requests never ended, and took longer than anybody knows.
fn among_unfinished(
    statistic: Statistic,
    result: &RunResult,
    summary: &LatencySummary,
    ended: Option<&Histogram>,
) -> Result<f64, String> {
    let (ended_count, never) = (result.total_requests as f64, result.never_ended());
    let all = ended_count + never as f64;
    let lacks = || format!("the result carries no histogram to read {statistic} from");
    let unknown = || format!("{never} requests never ended, and it lies among them");
    match statistic {
        Statistic::Min => summary.min_ms.ok_or_else(lacks),
        Statistic::Mean => {
            let mean = summary.mean_ms.ok_or_else(lacks)?;
            Ok((mean * ended_count + 1e3 * result.drain_seconds * never as f64) / all)
        }
        Statistic::Max => Err(unknown()),
        Statistic::Percentile(parts) => {
            let rank = f64::from(parts) / 1e6 * all / ended_count;
            if rank > 1.0 {
                return Err(unknown());
            }
            ended.and_then(|ended| ended.quantile(rank)).map(ms).ok_or_else(lacks)
        }
    }
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
    fn a_rule_does_not_hold_because_of_requests_that_never_ended() {
        let mut result = steady_run();
        let ended = result.total_requests;
        let held = check(&result, "p50<4s").actual;
        result.outcomes.unfinished = 3 * ended;
        result.drain_seconds = 5.0;
        assert_eq!(check(&result, "error_rate<1%").actual, Some(75.0));
        assert_eq!(check(&result, "min<4s").actual, result.latency.min_ms);
        // A quarter of all ended: what half of them took at most is not known.
        let note = format!("{} requests never ended, and it lies among them", 3 * ended);
        for unknown in ["p50<4s", "max<4s", "p50>1ns"] {
            let outcome = check(&result, unknown);
            assert_eq!(
                (outcome.passed, outcome.actual, outcome.reason),
                (false, None, Some(note.clone()))
            );
        }
        // Three of four of all that ended.
        assert_eq!(check(&result, "p18.75<4s").actual, result.latency.p75_ms);
        let mean = check(&result, "mean<4s").actual.unwrap();
        assert!((mean - (result.latency.mean_ms.unwrap() + 15_000.0) / 4.0).abs() < 1e-6, "{mean}");
        assert_eq!(check(&result, "rps>1").reason, None);
        // Whoever ends a run early cuts them off himself, and so does the loss of a worker.
        let cut_off: [fn(&mut RunResult); 2] =
            [|it| it.interrupted = true, |it| it.generator.lost_workers.push("w".into())];
        for cut_off in cut_off {
            let mut result = result.clone();
            cut_off(&mut result);
            assert_eq!(check(&result, "error_rate<1%").actual, Some(0.0));
            assert_eq!(check(&result, "p50<4s").actual, held);
        }
        // Of a target that answers nobody nothing is known.
        (result.total_requests, result.drain_seconds) = (0, 0.0);
        assert!(!check(&result, "p99<250ms").passed);
        assert_eq!(check(&result, "error_rate<1%").actual, Some(100.0));
    }

    #[test]
    fn what_was_sent_only_in_the_drain_was_not_achieved() {
        let mut result = steady_run();
        result.outcomes.late = result.arrivals.due / 4;
        let achieved = check(&result, "achieved_rate>=99%");
        assert_eq!((achieved.passed, achieved.actual), (false, Some(75.0)));
    }

    #[test]
    fn figures_are_those_of_the_document() {
        let mut result = failing_run();
        result.outcomes.unfinished = 0;
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
