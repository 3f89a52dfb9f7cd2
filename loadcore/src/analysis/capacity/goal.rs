//! Turns an objective into what speaks against it in an interval, and how much of that it allows.
//!
//! Whether a trial holds is a matter of more or less, and how much more is what tells a cliff from a
//! slope. So each objective is brought to one form: of n requests some are of the kind that it bounds, and so
//! many may be. For `p99<250ms` these are the requests of 250 ms and more, and 1% of all may be so.

use crate::analysis::sla::{Bound, Comparison, Metric, Rule, Statistic, Subject, Times};
use crate::record::Interval;
use std::fmt;

/// An objective that makes sense for a search: load makes it harder to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    rule: Rule,
    /// The place in the mix of the request that it is about.
    request: Option<usize>,
}

/// How much spoke against something, and how much of that is allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Strain {
    pub(super) against: f64,
    pub(super) allowed: f64,
}

/// What is looked at in a trial: the objective, and what goes without saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// The objective itself.
    Goal,
    /// As many requests end as fall due: else they would wait longer the longer the trial.
    KeepUp,
    /// Requests are ok, unless the objective says how many have to be: what is refused at once is quick.
    Succeed,
}

/// Arrivals that may be without an outcome, beyond those before the trial: 2%.
pub(super) const BEHIND: f64 = 0.02;
/// Requests that may fail: 1%.
pub(super) const FAILED: f64 = 0.01;
/// What is allowed at least: of a maximum no request may be beyond it, and one is too many.
const LEAST: f64 = 0.5;

impl Goal {
    /// Reads an objective on requests with these names.
    ///
    /// # Errors
    /// What is no rule, or one that load does not make harder to keep, and what to ask for instead.
    pub fn parse(text: &str, names: &[&str]) -> Result<Self, String> {
        let rule: Rule = text.parse().map_err(|error| format!("{error}"))?;
        rule.check_request(names).map_err(|error| error.to_string())?;
        if let Some(why) = senseless(&rule) {
            return Err(format!("\"{rule}\" cannot be searched for: {why}"));
        }
        let request = rule.request.as_deref();
        let request = request.and_then(|name| names.iter().position(|known| *known == name));
        Ok(Self { rule, request })
    }

    /// As a rule.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What is looked at.
    pub(super) const ASKS: [Ask; 3] = [Ask::Goal, Ask::KeepUp, Ask::Succeed];

    /// What an interval says of each of [`Goal::ASKS`].
    pub(super) fn strains(&self, interval: &Interval) -> [Strain; 3] {
        Self::ASKS.map(|ask| self.strain(ask, interval))
    }

    fn strain(&self, ask: Ask, interval: &Interval) -> Strain {
        let all = &interval.counters;
        let of = |against: u64, share: f64, whole: u64| Strain {
            against: against as f64,
            allowed: share * whole as f64,
        };
        match ask {
            Ask::Goal => self.strain_of_goal(interval).unwrap_or_default(),
            Ask::KeepUp => Strain {
                against: all.due as f64 - all.outcomes() as f64,
                allowed: BEHIND * all.due as f64,
            },
            Ask::Succeed if self.bounds_failures() => Strain::default(),
            Ask::Succeed => of(all.failed, FAILED, all.outcomes()),
        }
    }

    fn bounds_failures(&self) -> bool {
        matches!(self.rule.metric, Metric::ErrorRate | Metric::Share(_))
    }

    /// `None` where the request that it is about did not come to an outcome.
    fn strain_of_goal(&self, interval: &Interval) -> Option<Strain> {
        let subject = match self.request {
            None => Subject::All(interval),
            Some(place) => Subject::Named(interval.named.get(place)?),
        };
        let counters = subject.counters();
        let (outcomes, bound) = (counters.outcomes() as f64, self.rule.bound.in_unit() / 100.0);
        let (against, allowed) = match self.rule.metric {
            Metric::Time(times, statistic) => {
                return self.strain_of_time(times, statistic, subject);
            }
            Metric::ErrorRate => (counters.failed as f64, bound * outcomes),
            Metric::AchievedRate => {
                let due = counters.due as f64;
                (due - outcomes, (1.0 - bound) * due)
            }
            Metric::DroppedRate => (counters.dropped_total() as f64, bound * counters.due as f64),
            Metric::Share(of) => (of.counted(counters) as f64, bound * outcomes),
            Metric::Rps | Metric::OkRps => return None,
        };
        Some(Strain { against, allowed })
    }

    fn strain_of_time(
        &self,
        times: Times,
        statistic: Statistic,
        subject: Subject<'_>,
    ) -> Option<Strain> {
        let Bound::Time(bound) = self.rule.bound else { return None };
        let times = times.of(subject)?;
        let count = times.count() as f64;
        let beyond = count - times.count_up_to(bound) as f64;
        let (against, allowed) = match statistic {
            Statistic::Percentile(parts) => (beyond, (1.0 - f64::from(parts) / 1e6) * count),
            Statistic::Max => (beyond, 0.0),
            Statistic::Mean | Statistic::Min => {
                (times.mean().unwrap_or(0.0) / bound.max(1) as f64 * count, count)
            }
        };
        Some(Strain { against, allowed })
    }
}

/// Why more load does not make a rule harder to keep.
fn senseless(rule: &Rule) -> Option<&'static str> {
    use Comparison::{AtLeast, AtMost, Greater, Less};
    match (rule.metric, rule.comparison) {
        (Metric::Rps | Metric::OkRps, _) => Some(
            "the search says itself which rate is reached; bound a time or failures, as in ok_p99<250ms",
        ),
        (Metric::Time(_, Statistic::Min), _) => Some(
            "the quickest request says nothing of load; bound a percentile, as in ok_p99<250ms",
        ),
        (Metric::AchievedRate, Less | AtMost)
        | (Metric::Time(..) | Metric::ErrorRate | Metric::DroppedRate, Greater | AtLeast) => {
            Some("more load would only help it; turn the comparison round")
        }
        (Metric::Share(_), Greater | AtLeast) => Some(
            "a search bounds what there may be too much of; name what must not come, as in share{5xx}<1%",
        ),
        _ => None,
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl Strain {
    /// How many times what is allowed.
    pub(super) fn ratio(self) -> f64 {
        self.against.max(0.0) / self.allowed.max(LEAST)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.against += other.against;
        self.allowed += other.allowed;
    }

    /// Of what is allowed at least.
    pub(super) fn at_least(self) -> Self {
        Self { against: self.against.max(0.0), allowed: self.allowed.max(LEAST) }
    }
}
