//! Holds what a rule says: which statistic, on which side of which bound, over what time.
//!
//! Its text form is read and written in `text`, its form in documents here: a text alone where the
//! whole run is meant, an object where a window is.

use super::StatusOrClass;
use crate::analysis::suggest::nearest;
use crate::request::quoted;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// So many names of requests are told at most.
const MOST_NAMES: usize = 10;

/// A bound on one statistic. Its text form is read by `parse` and written by `to_string`, which
/// come back to the same rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What is bounded.
    pub metric: Metric,
    /// Of which request of the mix, by its name; `None`: of all.
    pub request: Option<Box<str>>,
    /// On which side of the bound it has to be.
    pub comparison: Comparison,
    /// Where the bound is.
    pub bound: Bound,
}

/// What a rule bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// A statistic of one of the times of a request.
    Time(Times, Statistic),
    /// Failed requests, as a percentage of those with an outcome.
    ErrorRate,
    /// Requests with an outcome, as a percentage of the arrivals due. In open loop only.
    AchievedRate,
    /// Arrivals given up, as a percentage of those due.
    DroppedRate,
    /// Requests with an outcome per second.
    Rps,
    /// Ok requests per second.
    OkRps,
    /// Requests of one status or error class, as a percentage of those with an outcome.
    Share(StatusOrClass),
}

/// Which of the times of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Latency: response time, or service time in closed loop.
    Response,
    /// Service time.
    Service,
    /// Latency of the ok requests alone.
    Ok,
}

/// A statistic of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The smallest.
    Min,
    /// The mean.
    Mean,
    /// The largest.
    Max,
    /// A percentile, in ten-thousandths of a percent: p99.9 is 999,000.
    Percentile(u32),
}

/// A side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// In what the figures of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Time,
    Percent,
    PerSecond,
}

/// A bound, in the unit of its metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Nanoseconds.
    Time(u64),
    /// 0 to 100.
    Percent(f64),
    /// Per second.
    PerSecond(f64),
}

/// A rule and the time over which it has to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct SlaRule {
    /// The bound.
    pub rule: Rule,
    /// Length of a sliding window in which it has to hold, at all times; `None`: over the whole run.
    pub window_seconds: Option<u32>,
    /// How long it must not hold, window after window, before that counts.
    pub for_seconds: u32,
    /// The run ends when it counts.
    pub abort: bool,
}

/// Why a text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(pub(super) String);

impl Rule {
    /// Whether the request that it is of, if any, is one of those that there are.
    ///
    /// # Errors
    ///
    /// Where it is not, with the name that was probably meant.
    pub fn check_request(&self, names: &[&str]) -> Result<(), RuleError> {
        let Some(name) = self.request.as_deref().filter(|name| !names.contains(name)) else {
            return Ok(());
        };
        let advice = match (nearest(name, names), names) {
            (_, []) => "there is no mix; leave the braces out".to_owned(),
            (Some(near), _) => format!("the mix has no such; did you mean {near}?"),
            (None, [first @ .., _]) if first.len() >= MOST_NAMES => {
                let first = first[..MOST_NAMES].join(", ");
                format!("the mix has no such; it has {first} and others")
            }
            (None, _) => format!("the mix has no such; it has {}", names.join(", ")),
        };
        Err(RuleError(format!("\"{self}\" is of the request {}: {advice}", quoted(name))))
    }

    /// Whether it only makes sense where arrivals do not wait for replies.
    #[must_use]
    pub fn needs_open_loop(&self) -> bool {
        self.metric == Metric::AchievedRate
    }

    /// Whether `actual` is on the right side; in milliseconds, percent or per second.
    #[must_use]
    pub fn holds(&self, actual: f64) -> bool {
        let bound = self.bound.in_unit();
        match self.comparison {
            Comparison::Less => actual < bound,
            Comparison::AtMost => actual <= bound,
            Comparison::Greater => actual > bound,
            Comparison::AtLeast => actual >= bound,
        }
    }

    /// Whether `actual` is on the right side by a tenth of the bound: what swings less than that around
    /// the bound does not come so far.
    pub(super) fn holds_clearly(&self, actual: f64) -> bool {
        let bound = self.bound.in_unit();
        match self.comparison {
            Comparison::Less | Comparison::AtMost => actual <= 0.9 * bound,
            Comparison::Greater | Comparison::AtLeast => actual >= 1.1 * bound,
        }
    }

    /// Of two figures the one that is farther on the wrong side.
    #[must_use]
    pub(super) fn worse(&self, a: f64, b: f64) -> f64 {
        match self.comparison {
            Comparison::Less | Comparison::AtMost => a.max(b),
            Comparison::Greater | Comparison::AtLeast => a.min(b),
        }
    }

    /// The unit of its figures: `ms`, `%` or `/s`.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self.bound {
            Bound::Time(_) => "ms",
            Bound::Percent(_) => "%",
            Bound::PerSecond(_) => "/s",
        }
    }
}

impl Metric {
    pub(super) fn unit(self) -> Unit {
        match self {
            Self::Time(..) => Unit::Time,
            Self::Rps | Self::OkRps => Unit::PerSecond,
            Self::ErrorRate | Self::AchievedRate | Self::DroppedRate | Self::Share(_) => {
                Unit::Percent
            }
        }
    }

    /// Whether it says how fast requests came to an outcome, whatever outcome, so that failures pass
    /// for speed.
    pub(super) fn counts_failures_as_speed(self) -> bool {
        matches!(
            self,
            Self::Time(Times::Response | Times::Service, _) | Self::Rps | Self::AchievedRate
        )
    }

    /// The same of the ok requests alone.
    pub(super) fn of_ok(self) -> Option<Self> {
        match self {
            Self::Time(Times::Response, statistic) => Some(Self::Time(Times::Ok, statistic)),
            Self::Rps => Some(Self::OkRps),
            _ => None,
        }
    }
}

impl SlaRule {
    /// The longest sliding window, in seconds.
    pub const LONGEST_WINDOW: u32 = 3_600;
    /// The window of a rule that says `forSeconds` or `abort` and no `windowSeconds`: 10 s.
    pub const USUAL_WINDOW: u32 = 10;

    /// A rule that has to hold over the whole run.
    #[must_use]
    pub fn whole_run(rule: Rule) -> Self {
        Self { rule, window_seconds: None, for_seconds: 0, abort: false }
    }

    /// A rule that has to hold in every window, or that counts as violated only after it has not
    /// held for `for_seconds`, or that ends the run then.
    ///
    /// # Errors
    ///
    /// If the window is 0 or longer than [`SlaRule::LONGEST_WINDOW`].
    pub fn new(
        rule: Rule,
        window_seconds: Option<u32>,
        for_seconds: u32,
        abort: bool,
    ) -> Result<Self, RuleError> {
        let usual = (for_seconds > 0 || abort).then_some(Self::USUAL_WINDOW);
        let window_seconds = window_seconds.or(usual);
        match window_seconds {
            Some(0) | Some(3_601..) => Err(RuleError(format!(
                "windowSeconds is {}, and must be from 1 to {}",
                window_seconds.unwrap_or(0),
                Self::LONGEST_WINDOW
            ))),
            _ => Ok(Self { rule, window_seconds, for_seconds, abort }),
        }
    }
}

impl Bound {
    /// The number in milliseconds, percent or per second.
    #[must_use]
    pub fn in_unit(self) -> f64 {
        match self {
            Self::Time(nanos) => crate::result::ms(nanos),
            Self::Percent(value) | Self::PerSecond(value) => value,
        }
    }
}

/// The object form of a rule in a document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Object {
    rule: Rule,
    window_seconds: Option<u32>,
    #[serde(default)]
    for_seconds: u32,
    #[serde(default)]
    abort: bool,
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A text where the whole run is meant, else an object.
impl Serialize for SlaRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { rule, window_seconds, for_seconds, abort } = self.clone();
        match window_seconds {
            None => rule.serialize(serializer),
            Some(_) => Object { rule, window_seconds, for_seconds, abort }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SlaRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Read by hand, because an untagged enum would answer every fault with "did not match".
        let object = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => {
                return text.parse().map(Self::whole_run).map_err(de::Error::custom);
            }
            other => serde_json::from_value::<Object>(other).map_err(de::Error::custom)?,
        };
        Self::new(object.rule, object.window_seconds, object.for_seconds, object.abort)
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_of_a_bound_is_told_apart() {
        let cases =
            [("<", false, true), ("<=", true, true), (">", false, false), (">=", true, false)];
        for (sign, at_bound, below) in cases {
            let rule: Rule = format!("p99{sign}250ms").parse().unwrap();
            assert_eq!((rule.holds(250.0), rule.holds(249.9)), (at_bound, below), "{sign}");
        }
    }

    #[test]
    fn both_forms_of_the_document_are_read_and_written() {
        for text in [
            r#""p99<250ms""#,
            r#"{"rule":"p99<250ms","windowSeconds":30,"forSeconds":5,"abort":true}"#,
        ] {
            let read: SlaRule = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        let read = |text| serde_json::from_str::<SlaRule>(text);
        assert_eq!(
            read(r#"{"rule":"p99<1s","abort":true}"#).unwrap().window_seconds,
            Some(SlaRule::USUAL_WINDOW)
        );
        assert_eq!(read(r#"{"rule":"p99<1s"}"#).unwrap().window_seconds, None);
        let fault = |text| read(text).unwrap_err().to_string();
        assert!(fault(r#"{"rule":"p99<1s","window":3}"#).contains("unknown field `window`"));
        assert!(fault(r#"{"rule":"p99<1s","windowSeconds":0}"#).contains("must be from 1 to 3600"));
        assert!(
            fault(r#"{"rule":"p99<1s","windowSeconds":3601}"#).contains("windowSeconds is 3601")
        );
        assert!(fault(r#"{"rule":"p99<1"}"#).contains("is not a time with its unit"));
    }
}
