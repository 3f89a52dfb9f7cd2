//! Turns the result document, and what was seen while it came about, into the outcome of each rule.

use super::{Metric, Rule, SlaRule, Statistic, StatusOrClass, Times, Windowed, note};
use crate::record::Histogram;
use crate::result::{LatencySummary, RunResult, SlaOutcome, ms};

/// What the rules came to, in their order.
///
/// Requests that never ended count as failed, and as longer than all others; in a mean as if they had
/// taken the drain, for which they were awaited at least. Rules of ok requests alone look at those
/// that were ok: where none was, there is no figure.
///
/// A rule with a window is judged by what `live` saw; where that saw no whole window, because the
/// run was shorter or nobody watched, by the whole run.
pub(in crate::analysis) fn outcomes(
    rules: &[SlaRule],
    result: &RunResult,
    live: Option<&Windowed>,
) -> Vec<SlaOutcome> {
    let whole_run = |rule: &SlaRule| {
        let figure = figure_of_run(&rule.rule, result);
        SlaOutcome {
            passed: figure.as_ref().is_ok_and(|actual| rule.rule.holds(*actual)),
            actual: figure.as_ref().ok().copied(),
            reason: match figure {
                Ok(actual) => note::of_run(&rule.rule, actual, result),
                Err(why) => Some(why),
            },
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
        outcomes(&[SlaRule::whole_run(rule.clone())], self, None).remove(0)
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
    /// Of the outcomes, those that a share is of.
    pub(super) named: u64,
    pub(super) seconds: f64,
    pub(super) closed_loop: bool,
}

impl Counts {
    /// The figure of a rule that bounds no time, or why there is none.
    pub(super) fn figure(&self, rule: &Rule) -> Result<f64, &'static str> {
        let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole as f64;
        match rule.metric {
            Metric::AchievedRate if self.closed_loop => {
                Err("it needs open loop: in closed loop no rate is offered")
            }
            Metric::AchievedRate | Metric::DroppedRate if self.due == 0 => {
                Err("no arrival was due")
            }
            Metric::ErrorRate if self.outcomes + self.unfinished == 0 => Err(NO_OUTCOME),
            Metric::Share(_) if self.outcomes == 0 => Err(NO_OUTCOME),
            // In a pause, say. A target that hangs is another matter: then something is due.
            Metric::Rps | Metric::OkRps if !self.closed_loop && self.due + self.outcomes == 0 => {
                Err(NO_OUTCOME)
            }
            Metric::Rps | Metric::OkRps if self.seconds <= 0.0 => Err("no time was measured"),
            Metric::AchievedRate => Ok(percent(self.outcomes.saturating_sub(self.late), self.due)),
            Metric::DroppedRate => Ok(percent(self.dropped, self.due)),
            Metric::ErrorRate => {
                let failed = self.failed + self.unfinished;
                Ok(percent(failed, self.outcomes + self.unfinished))
            }
            // What never ended has no status and no class. It is in the whole where that speaks
            // against the rule, which must not hold because of it.
            Metric::Share(_) => Ok(rule.worse(
                percent(self.named, self.outcomes),
                percent(self.named, self.outcomes + self.unfinished),
            )),
            Metric::Rps => Ok(self.outcomes as f64 / self.seconds),
            Metric::OkRps => Ok(self.outcomes.saturating_sub(self.failed) as f64 / self.seconds),
            Metric::Time(..) => Err(NO_OUTCOME),
        }
    }
}

/// Why there is no latency.
const NO_OUTCOME: &str = "no request had an outcome";
/// Why there is no latency of ok requests.
const NO_OK: &str = "no request was ok";

/// The figure of a rule over the whole run, or why there is none.
pub(super) fn figure_of_run(rule: &Rule, result: &RunResult) -> Result<f64, String> {
    if let Some(name) = &rule.request {
        let request = result.of_request(name).ok_or_else(|| unknown_request(name, result))?;
        return figure_of_run(&Rule { request: None, ..rule.clone() }, &request);
    }
    let named = match rule.metric {
        Metric::Time(times, statistic) => return time_of_run(times, statistic, result),
        Metric::Share(one) => named(one, result),
        _ => 0,
    };
    let counts = Counts {
        due: result.arrivals.due,
        dropped: result.arrivals.dropped,
        failed: result.outcomes.failed,
        outcomes: result.total_requests,
        late: result.outcomes.late,
        unfinished: result.never_ended(),
        named,
        seconds: result.duration_seconds,
        closed_loop: !result.is_open_loop(),
    };
    counts.figure(rule).map_err(str::to_owned)
}

fn unknown_request(name: &str, result: &RunResult) -> String {
    let names: Vec<_> = result.requests.iter().map(|request| request.name.as_str()).collect();
    match names[..] {
        [] => format!("there is no request \"{name}\": the run has no mix"),
        _ => format!("there is no request \"{name}\"; there are {}", names.join(", ")),
    }
}

fn named(one: StatusOrClass, result: &RunResult) -> u64 {
    let statuses = result.status_code_distribution.iter().map(|(status, n)| (*status, *n));
    one.count(statuses, |class| result.errors.get(class.name()).copied().unwrap_or(0))
}

/// A statistic in milliseconds: from the document's summary if it is there, else from the
/// histograms.
fn time_of_run(times: Times, statistic: Statistic, result: &RunResult) -> Result<f64, String> {
    let carried = result.histograms.as_ref();
    let (summary, carried) = match times {
        Times::Response => (&result.latency, carried.map(|all| &all.latency)),
        Times::Service => (&result.service_time, carried.map(|all| &all.service_time)),
        Times::Ok => (&result.ok_latency, carried.and_then(|all| all.ok_latency.as_ref())),
    };
    match times {
        _ if result.total_requests == 0 => return Err(NO_OUTCOME.to_owned()),
        Times::Ok if result.outcomes.ok == 0 => return Err(NO_OK.to_owned()),
        Times::Response | Times::Service if result.never_ended() > 0 => {
            return among_unfinished(statistic, result, summary, carried);
        }
        _ => {}
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
    use crate::result::fixtures::{
        closed_run, empty_run, failing_run, mostly_failing_run, refused_run, steady_run,
    };

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
        // A run that is ended early cuts them off itself, and so does the loss of a worker.
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
    fn ok_forms_look_at_ok_requests_alone() {
        let result = mostly_failing_run();
        for (rule, figure) in [
            ("ok_p50<1s", result.ok_latency.p50_ms),
            ("ok_p99.9<1s", result.ok_latency.p999_ms),
            ("ok_p97.3<1s", result.ok_latency.p99_ms),
            ("ok_mean<1s", result.ok_latency.mean_ms),
            ("ok_min<1s", result.ok_latency.min_ms),
            ("ok_max<1s", result.ok_latency.max_ms),
            ("ok_rps>1", Some(40.0)),
        ] {
            assert!(figure.is_some_and(|figure| (40.0..201.0).contains(&figure)), "{rule}");
            assert_eq!(check(&result, rule).actual, figure, "{rule}");
        }
        let passed = ["p50<100ms", "ok_p50<100ms", "rps>=90", "ok_rps>=90"];
        assert_eq!(passed.map(|rule| check(&result, rule).passed), [true, false, true, false]);
    }

    #[test]
    fn where_nothing_was_ok_no_latency_of_it_has_passed() {
        let result = refused_run();
        for rule in ["ok_p99<50ms", "ok_p99>0ns", "ok_mean<50ms", "ok_min>0ns", "ok_max<50ms"] {
            let outcome = check(&result, rule);
            let said = (outcome.passed, outcome.actual, outcome.reason.as_deref());
            assert_eq!(said, (false, None, Some("no request was ok")), "{rule}");
        }
        let outcome = check(&result, "ok_rps>=1000");
        assert_eq!((outcome.passed, outcome.actual), (false, Some(0.0)));
        // Those that never ended are not ok, and nothing is known of them.
        let mut hanging = steady_run();
        hanging.outcomes = crate::result::Outcomes { unfinished: 9, ..Default::default() };
        hanging.total_requests = 0;
        assert!(!check(&hanging, "ok_p99<1s").passed);
        assert_eq!(check(&hanging, "ok_rps>1").actual, Some(0.0));
    }

    #[test]
    fn a_share_is_of_the_requests_with_an_outcome() {
        let mut result = mostly_failing_run();
        for (rule, figure) in [
            ("share{503}<0.1%", 60.0),
            ("share{5xx}<0.1%", 60.0),
            ("share{http_5xx}<0.1%", 60.0),
            ("share{200}>=99%", 40.0),
            ("share{404}<0.1%", 0.0),
            ("share{connect_refused}<0.1%", 0.0),
        ] {
            assert_eq!(check(&result, rule).actual, Some(figure), "{rule}");
        }
        assert_eq!(check(&refused_run(), "share{connect_refused}<1%").actual, Some(100.0));
        let outcome = check(&empty_run(), "share{503}<1%");
        assert_eq!((outcome.passed, outcome.actual), (false, None));
        // What never ended helps no rule, on either side.
        result.outcomes.unfinished = result.total_requests;
        assert_eq!(check(&result, "share{503}<61%").actual, Some(60.0));
        assert_eq!(check(&result, "share{200}>=39%").actual, Some(20.0));
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
