//! Turns a result into a test's verdict: the rules that do not hold, in words.

use super::sla::{Rule, RuleError, in_words};
use crate::result::{RunResult, SlaOutcome, Verdict};
use std::fmt;

/// The rules of a result that do not hold, and what a reader has to know beside them.
///
/// Its text form is a few lines for a test's failure:
///
/// ```text
/// 1 of 2 SLA rules does not hold:
///   p99<250ms: it is 312.4 ms
/// the generator's verdict is VALID
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Violations {
    /// What does not hold.
    pub violated: Vec<SlaOutcome>,
    /// Of how many rules.
    pub rules: usize,
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
    pub fn expect<'a>(&self, rules: impl IntoIterator<Item = &'a str>) -> Result<(), Violations> {
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
    /// If one does not, with a text that names it, its figure and the verdict.
    #[track_caller]
    pub fn assert_passed(&self) {
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
            verdict: self.validity.verdict,
            reasons: reasons.collect(),
        })
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = if self.violated.len() == 1 { "does" } else { "do" };
        writeln!(f, "{} of {} SLA rules {does} not hold:", self.violated.len(), self.rules)?;
        for outcome in &self.violated {
            writeln!(f, "  {}: {}", outcome.rule, outcome.figure())?;
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
        result.assert_passed();
        assert_eq!(result.violations(), Vec::<&SlaOutcome>::new());
        assert_eq!(result.expect(["p99<1s", "error_rate<1%"]), Ok(()));
    }

    #[test]
    fn what_does_not_hold_is_named_with_its_figure() {
        let error = failing_run().expect(["p99<1ms", "error_rate<1%", "rps>1"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "2 of 3 SLA rules do not hold:\n  p99<1ms: it is 921.7 ms: 7 requests never ended and \
             count as longer than all others\n  error_rate<1%: it is 1.542%: 7 requests never ended \
             and count as failed\nthe generator's verdict is VALID"
        );
        let error = closed_run().expect(["achieved_rate>=99%"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "1 of 1 SLA rules does not hold:\n  achieved_rate>=99%: there is no figure: it needs \
             open loop: in closed loop no rate is offered\nthe generator's verdict is VALID"
        );
    }

    #[test]
    #[should_panic(expected = "1 of 1 SLA rules does not hold:\n  p50>3600s: it is 0.8013 ms")]
    fn an_assertion_that_fails_says_why() {
        judged(steady_run(), &["p50>1h"]).assert_passed();
    }

    #[test]
    #[should_panic(expected = "did you mean p99.9?")]
    fn a_wrong_rule_is_the_tests_fault() {
        let _ = steady_run().expect(["p999<1s"]);
    }
}
