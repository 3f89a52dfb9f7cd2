//! Turns a rule as a test writes it, a text alone or with its window, into one that is judged.

use crate::analysis::sla::{Rule, SlaRule};

/// A rule that a run is held against: `"p99<250ms"`, or more than that where it is to be watched while
/// the run goes on.
///
/// ```
/// use loadcore::{LoadTest, Sla};
///
/// let test = LoadTest::call(async |_| Ok(200))
///     .sla("p99<250ms")
///     .sla(Sla::new("error_rate<5%").window_seconds(10).for_seconds(3).abort());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a rule is held against nothing until a test is given it"]
pub struct Sla {
    pub(super) rule: String,
    pub(super) window_seconds: Option<u32>,
    pub(super) for_seconds: u32,
    pub(super) abort: bool,
}

impl Sla {
    /// Over the whole run. What a rule is: [`crate::analysis::sla`].
    pub fn new(rule: impl Into<String>) -> Self {
        Self { rule: rule.into(), window_seconds: None, for_seconds: 0, abort: false }
    }

    /// In every window of so many seconds, instead of over the whole run.
    pub fn window_seconds(self, seconds: u32) -> Self {
        Self { window_seconds: Some(seconds), ..self }
    }

    /// Counts as violated only after it has not held for so long.
    pub fn for_seconds(self, seconds: u32) -> Self {
        Self { for_seconds: seconds, ..self }
    }

    /// Ends the run when it is violated.
    pub fn abort(self) -> Self {
        Self { abort: true, ..self }
    }
}

impl From<&str> for Sla {
    fn from(rule: &str) -> Self {
        Self::new(rule)
    }
}

impl From<String> for Sla {
    fn from(rule: String) -> Self {
        Self::new(rule)
    }
}

impl From<Rule> for Sla {
    fn from(rule: Rule) -> Self {
        Self::new(rule.to_string())
    }
}

impl From<&SlaRule> for Sla {
    fn from(rule: &SlaRule) -> Self {
        let SlaRule { rule, window_seconds, for_seconds, abort } = rule;
        Self {
            rule: rule.to_string(),
            window_seconds: *window_seconds,
            for_seconds: *for_seconds,
            abort: *abort,
        }
    }
}
