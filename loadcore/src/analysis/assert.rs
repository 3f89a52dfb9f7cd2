//! Turns a result into a test's verdict: the rules that do not hold, in words.

use super::sla::{Rule, RuleError, in_words};
use crate::result::{Arrivals, Outcomes, RunResult, SlaOutcome, Verdict};
use std::fmt;

/// How many classes of errors are told.
const ERRORS_TOLD: usize = 5;

/// The rules of a result that do not hold, and what a reader has to know beside them.
///
/// Its text form is a few lines for a test's failure:
///
/// ```text
/// 1 of 2 SLA rules does not hold:
///   p99<250ms: it is 312.4 ms
/// requests: 1000 due, 990 sent, 970 ok, 20 failed, 0 unfinished; 10 dropped (10 backlog_full)
///   20 http_5xx: 503 Service Unavailable
/// the generator's verdict is VALID
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Violations {
    /// What does not hold.
    pub violated: Vec<SlaOutcome>,
    /// Of how many rules.
    pub rules: usize,
    /// What became of the arrivals, in words.
    pub requests: String,
    /// The most frequent classes of errors: how many of each, and what one of them said.
    pub errors: Vec<(String, u64, String)>,
    /// May the figures be trusted?
    pub verdict: Verdict,
    /// Why not, in sentences.
    pub reasons: Vec<String>,
}

impl std::error::Error for Violations {}

impl RunResult {
    /// The SLA rules of the scenario that do not hold.
    #[must_use]
    pub fn violations(&self) -> Vec<&SlaOutcome> {
        self.sla.iter().filter(|outcome| !outcome.passed).collect()
    }

    /// `Ok` if every SLA rule of the scenario holds.
    ///
    /// # Errors
    ///
    /// With the rules that do not hold. It is an error that `?` passes on and that reads well.
    pub fn passed(&self) -> Result<(), Violations> {
        self.failures_among(&self.sla)
    }

    /// Holds further rules against the whole run.
    ///
    /// # Errors
    ///
    /// With the rules that do not hold.
    ///
    /// # Panics
    ///
    /// If one of the texts is not a rule: the test is wrong then, not the target.
    pub fn holds<'a>(&self, rules: impl IntoIterator<Item = &'a str>) -> Result<(), Violations> {
        let parsed: Result<Vec<Rule>, RuleError> =
            rules.into_iter().map(|text| text.parse()).collect();
        let rules = parsed.unwrap_or_else(|error| panic!("{error}"));
        let outcomes: Vec<_> = rules.iter().map(|rule| self.check(rule)).collect();
        self.failures_among(&outcomes)
    }

    /// Passes if every SLA rule holds.
    ///
    /// # Panics
    ///
    /// If one does not, with a text that names it, its figure, the counts, the first errors and the
    /// verdict. If there is no rule: a test that nothing was asked of has not passed.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(
            !self.sla.is_empty(),
            "the run was held against no rule, so that nothing can have passed: give the test some, \
             as with .sla(\"p99<250ms\")"
        );
        if let Err(violations) = self.passed() {
            panic!("{violations}");
        }
    }

    fn failures_among(&self, outcomes: &[SlaOutcome]) -> Result<(), Violations> {
        let violated: Vec<_> = outcomes.iter().filter(|one| !one.passed).cloned().collect();
        if violated.is_empty() {
            return Ok(());
        }
        let reasons = self.validity.reasons.iter().map(|reason| reason.explanation.clone());
        Err(Violations {
            violated,
            rules: outcomes.len(),
            requests: self.requests_in_words(),
            errors: self.first_errors(),
            verdict: self.validity.verdict,
            reasons: reasons.collect(),
        })
    }
}

impl RunResult {
    fn requests_in_words(&self) -> String {
        let Outcomes { ok, failed, unfinished, .. } = self.outcomes;
        let Arrivals { due, sent, dropped, dropped_by_reason, .. } = &self.arrivals;
        let counts =
            format!("{due} due, {sent} sent, {ok} ok, {failed} failed, {unfinished} unfinished");
        if *dropped == 0 {
            return counts;
        }
        let reasons = dropped_by_reason.iter().filter(|(_, count)| **count > 0);
        let reasons: Vec<_> = reasons.map(|(reason, count)| format!("{count} {reason}")).collect();
        format!("{counts}; {dropped} dropped ({})", reasons.join(", "))
    }

    /// The most frequent classes of errors: how many of each, and what one of them said.
    fn first_errors(&self) -> Vec<(String, u64, String)> {
        let mut errors: Vec<_> = self.errors.iter().collect();
        errors.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let said = |class: &str| self.error_examples.get(class).cloned().unwrap_or_default();
        let told = errors.into_iter().take(ERRORS_TOLD);
        told.map(|(class, count)| (class.clone(), *count, said(class))).collect()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = if self.violated.len() == 1 { "does" } else { "do" };
        writeln!(f, "{} of {} SLA rules {does} not hold:", self.violated.len(), self.rules)?;
        for outcome in &self.violated {
            writeln!(f, "  {}: {}", outcome.rule, outcome.figure())?;
        }
        writeln!(f, "requests: {}", self.requests)?;
        for (class, count, said) in &self.errors {
            writeln!(f, "  {count} {class}: {said}")?;
        }
        write!(f, "the generator's verdict is {}", self.verdict.name())?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}

impl SlaOutcome {
    /// The figure in words: `it is 312.4 ms`.
    #[must_use]
    pub fn figure(&self) -> String {
        let figure = match (self.actual, self.window_seconds) {
            (None, _) => "there is no figure".to_owned(),
            (Some(actual), None) => format!("it is {}", in_words(actual, &self.unit)),
            (Some(actual), Some(window)) => {
                let actual = in_words(actual, &self.unit);
                format!("it is {actual} in the worst window of {window} s")
            }
        };
        match &self.reason {
            Some(reason) => format!("{figure}: {reason}"),
            None => figure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::judged;
    use crate::result::fixtures::{closed_run, failing_run, steady_run};

    #[test]
    fn a_result_that_keeps_its_promises_passes() {
        let result = steady_run();
        judged(result.clone(), &["p99<1s"]).assert_passed();
        assert_eq!(result.violations(), Vec::<&SlaOutcome>::new());
        assert_eq!(result.holds(["p99<1s", "error_rate<1%"]), Ok(()));
    }

    #[test]
    fn what_does_not_hold_is_named_with_its_figure() {
        let error = failing_run().holds(["p99<1ms", "error_rate<1%", "rps>1"]).unwrap_err();
        let result = failing_run();
        let Outcomes { ok, failed, unfinished, .. } = result.outcomes;
        let (due, sent) = (result.arrivals.due, result.arrivals.sent);
        let text = error.to_string();
        let figures = "2 of 3 SLA rules do not hold:\n  p99<1ms: it is 921.7 ms: 7 requests never ended \
                       and count as longer than all others\n  error_rate<1%: it is 1.542%: 7 requests \
                       never ended and count as failed\nrequests: ";
        let counts =
            format!("{due} due, {sent} sent, {ok} ok, {failed} failed, {unfinished} unfinished");
        assert!(text.starts_with(&format!("{figures}{counts}")), "{text}");
        assert!(text.ends_with("\nthe generator's verdict is VALID"), "{text}");
        assert_eq!(error.errors.iter().map(|(_, count, _)| count).sum::<u64>(), failed);
        let text = closed_run().holds(["achieved_rate>=99%"]).unwrap_err().to_string();
        let figure = "1 of 1 SLA rules does not hold:\n  achieved_rate>=99%: there is no figure: it needs \
                      open loop: in closed loop no rate is offered\nrequests: ";
        assert!(text.starts_with(figure), "{text}");
    }

    #[test]
    #[should_panic(expected = "1 of 1 SLA rules does not hold:\n  p50>3600s: it is 0.8013 ms")]
    fn an_assertion_that_fails_says_why() {
        judged(steady_run(), &["p50>1h"]).assert_passed();
    }

    #[test]
    #[should_panic(expected = "the run was held against no rule")]
    fn a_test_of_which_nothing_was_asked_has_not_passed() {
        steady_run().assert_passed();
    }

    #[test]
    #[should_panic(expected = "did you mean p99.9?")]
    fn a_wrong_rule_is_the_tests_fault() {
        let _ = steady_run().holds(["p999<1s"]);
    }
}
