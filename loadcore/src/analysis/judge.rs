//! Turns a run's result, and what was seen while it came about, into its judgements: what the SLA
//! rules came to, the verdict on the generator, the findings about the target.
//!
//! Nowhere else is a run judged: one that is made here, one on a platform that goes on, and one that
//! has ended there and is put together from what is stored are judged by the same call.

use super::bottleneck::{self, CHECKS, Check, Trouble};
use super::sla::{Event, SlaRule, Windowed, outcomes};
use super::witness::Observations;
use super::{Windows, WorkerTotals, headroom, validity};
use crate::record::{Interval, Reading, WorkerInterval};
#[cfg(test)]
use crate::result::fixtures::{Run, run_start};
#[cfg(test)]
use crate::result::{Finding, RunEnd};
use crate::result::{LoopKind, RunResult, RunStart, SlaOutcome, Span};

/// Judges a run. It is told each interval as it closes, for rules that hold in every window of the
/// run, and for findings.
#[derive(Debug)]
pub struct Judge {
    rules: Vec<SlaRule>,
    live: Windowed,
    windows: Windows,
    observations: Observations,
    checks: &'static [Check],
}

impl Judge {
    /// For a run that is about to start, and these rules.
    #[must_use]
    pub fn new(rules: Vec<SlaRule>, start: &RunStart) -> Self {
        let names: Vec<_> = start.mix.iter().map(|(name, _)| name.as_str()).collect();
        Self {
            live: Windowed::new(&rules, &names, start.loop_kind == LoopKind::Closed),
            windows: Windows::new(start.planned_seconds, start.mix.len()),
            observations: Observations::new(&start.observe),
            rules,
            checks: CHECKS,
        }
    }

    /// Adds an interval, up to whose end so many arrivals are unknown, and says what it changes about
    /// the rules that have a window. Intervals come in the order of time and do not overlap.
    pub fn interval(&mut self, interval: &Interval, span: Span, unknown: u64) -> Vec<Event> {
        self.windows.add(interval, span, unknown);
        self.live.observe(interval, span)
    }

    /// Adds what each worker did in an interval, in the order of their names.
    pub fn by_worker(&mut self, workers: &[WorkerInterval], span: Span) {
        self.windows.add_workers(workers, span);
    }

    /// Adds what one worker did in one of its terms, once the run has ended.
    pub fn worker(&mut self, totals: WorkerTotals) {
        self.windows.add_worker(totals);
    }

    /// Adds what an endpoint of the target told of a second. Those of an endpoint come in the order of time.
    pub fn observed(&mut self, reading: &Reading) {
        self.observations.add(reading);
    }

    /// The rule at this place, as events name it.
    #[must_use]
    pub fn rule(&self, place: usize) -> Option<&SlaRule> {
        self.rules.get(place)
    }

    /// How many rules do not hold just now.
    #[must_use]
    pub fn violated(&self) -> u64 {
        self.live.violated()
    }

    /// The rule that ends the run, if one that says so was violated.
    #[must_use]
    pub fn abort(&self) -> Option<&SlaRule> {
        self.live.abort()
    }

    /// What each rule comes to in this result: the cheap part of all judgements.
    pub(crate) fn rules(&self, result: &RunResult) -> Vec<SlaOutcome> {
        outcomes(&self.rules, result, Some(&self.live))
    }

    /// The result with its judgements: `sla`, `headroom`, `validity` and `bottlenecks`, and with what was
    /// `observed`, in the place of what it has there.
    pub fn judge(&self, mut result: RunResult) -> RunResult {
        result.sla = self.rules(&result);
        result.headroom = headroom::find(&self.rules, &self.windows, &result);
        validity::judge(&mut result, &self.windows);
        let mut findings = bottleneck::find(self.checks, &self.windows, &result);
        self.observations
            .testify(&mut findings, |finding| Trouble::of(finding, &self.windows, &result));
        result.bottlenecks = findings;
        result.observed = self.observations.result();
        result
    }
}

/// A result with its judgements, as of a run of which nobody saw the seconds.
#[cfg(test)]
pub(crate) fn judged(result: RunResult, rules: &[&str]) -> RunResult {
    let rules = rules.iter().map(|rule| SlaRule::whole_run(rule.parse().unwrap())).collect();
    Judge::new(rules, &RunStart::default()).judge(result)
}

/// What these checks find in a run, all of whose seconds were seen.
#[cfg(test)]
pub(super) fn found(checks: &'static [Check], run: Run) -> Vec<Finding> {
    let mut judge = Judge { checks, ..Judge::new(Vec::new(), &run_start(LoopKind::Open)) };
    for (interval, span) in &run.intervals {
        judge.interval(interval, *span, 0);
    }
    let duration_ns = run.intervals.last().map_or(0, |(_, span)| span.to_ns);
    judge.judge(run.end(RunEnd { duration_ns, ..RunEnd::default() }, 0)).bottlenecks
}

#[cfg(test)]
mod tests {
    use super::super::bottleneck::Evidence;
    use super::*;
    use crate::result::fixtures::{answered, finding};
    use crate::result::{FindingKind, Severity, Verdict};
    use crate::time::{MILLISECOND as MS, SECOND};
    use serde_json::json;

    /// A tenth of the requests of a second takes ten times as long as half of them, or longer.
    fn slow_tenth(evidence: &Evidence<'_>) -> Vec<Finding> {
        let (windows, result) = (evidence.windows, evidence.result);
        assert_eq!(result.validity.verdict, Verdict::Valid, "it was judged before");
        let is_slow = |half: u64, tenth: u64| tenth > 10 * half;
        let found = windows.iter().find(|window| {
            let of = |quantile| window.response.quantile(quantile);
            of(0.5).zip(of(0.91)).is_some_and(|(half, tenth)| is_slow(half, tenth))
        });
        let find = |from: f64, to: f64| Finding {
            severity: Severity::Warning,
            from_second: from,
            to_second: to,
            evidence: serde_json::Map::from_iter([("slowShare".to_owned(), json!(0.1))]),
            ..finding(FindingKind::BimodalLatency)
        };
        found.map(|it| find(it.second as f64, it.end_second())).into_iter().collect()
    }

    /// 1,000/s for 3 s, answered in 2 ms; in the second of them each tenth in 90 ms.
    fn run() -> Run {
        let is_slow = |n: u64| n / 1_000 == 1 && n % 10 == 3;
        answered(3, 1_000, |n, _| (if is_slow(n) { 90 * MS } else { 2 * MS }, 200))
    }

    fn rules(texts: &[&str]) -> Vec<SlaRule> {
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    fn told(run: &Run, rules: Vec<SlaRule>, checks: &'static [Check]) -> Judge {
        let mut judge = Judge { checks, ..Judge::new(rules, &run_start(LoopKind::Open)) };
        for (interval, span) in &run.intervals {
            judge.interval(interval, *span, 0);
        }
        judge
    }

    fn ending() -> RunEnd {
        RunEnd { duration_ns: 3 * SECOND, ..RunEnd::default() }
    }

    #[test]
    fn a_check_that_is_in_the_list_makes_a_finding_of_the_result() {
        let run = run();
        let judge = told(&run, Vec::new(), &[slow_tenth]);
        let result = judge.judge(run.end(ending(), 0));
        let [found] = &result.bottlenecks[..] else { panic!("{:?}", result.bottlenecks) };
        assert_eq!((&found.kind, found.from_second), (&FindingKind::BimodalLatency, 1.0));
        assert_eq!((found.to_second, &found.evidence["slowShare"]), (2.0, &json!(0.1)));
        let text = serde_json::to_string(&result).unwrap();
        assert_eq!(RunResult::from_json(&text).unwrap(), result);
    }

    #[test]
    fn the_checks_that_there_are_find_nothing_in_a_run_that_has_nothing() {
        assert_eq!(found(CHECKS, run()), []);
    }

    #[test]
    fn all_three_judgements_are_made_and_made_again_are_the_same() {
        let run = run();
        let rules = rules(&[
            r#""p99<250ms""#,
            r#"{"rule":"p95<50ms","windowSeconds":1,"abort":true}"#,
            r#""error_rate<1%""#,
        ]);
        let judge = told(&run, rules, &[slow_tenth]);
        assert_eq!(judge.abort(), judge.rule(1));
        let mut result = run.end(ending(), 0);
        result.validity.verdict = Verdict::Invalid;
        let judged = judge.judge(result);
        let passed: Vec<_> = judged.sla.iter().map(|it| (it.passed, it.aborted)).collect();
        assert_eq!(passed, [(true, false), (false, true), (true, false)]);
        assert_eq!(judged.validity.verdict, Verdict::Valid);
        assert_eq!(judge.judge(judged.clone()), judged);
    }

    #[test]
    fn what_an_interval_changes_is_told_at_once() {
        let run = run();
        let rules = rules(&[r#"{"rule":"p95<50ms","windowSeconds":1}"#]);
        let mut judge = Judge::new(rules, &run_start(LoopKind::Open));
        let events: Vec<_> = run
            .intervals
            .iter()
            .map(|(interval, span)| judge.interval(interval, *span, 0))
            .collect();
        assert!(events[0].is_empty());
        assert!(matches!(events[1][..], [Event::Violated { rule: 0, abort: false, .. }]));
        assert!(matches!(events[2][..], [Event::Recovered { rule: 0, .. }]));
        assert_eq!(judge.abort(), None);
    }
}
