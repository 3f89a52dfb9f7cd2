//! Turns an objective into what speaks against it in an interval, and how much of that it allows.
//!
//! Whether a trial holds is a matter of more or less, and how much more is what tells a cliff from a
//! slope. So each objective is brought to one form: of n requests some are of the kind that it bounds, and so
//! many may be. For `p99<250ms` these are the requests of 250 ms and more, and 1% of all may be so.

use crate::analysis::sla::{Bound, Comparison, Metric, Rule, Statistic, Subject, Times};
use crate::analysis::{Window, Windows};
use crate::record::{Counters, Distribution, Histogram, Interval};
use crate::time::Nanos;
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
    /// What of it there can be at most.
    pub(super) all: f64,
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
/// So many times what is allowed, a trial has failed beyond doubt.
const MOST: f64 = 16.0;
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
        let subject = match self.request {
            None => Some(Subject::All(interval)),
            Some(place) => interval.named.get(place).map(Subject::Named),
        };
        let goal = subject.and_then(|subject| {
            let seen = |times: Times, bound| Seen::in_histogram(&*times.of(subject)?, bound);
            self.strain(subject.counters(), seen)
        });
        let all = &interval.counters;
        let (failed, ended) = (all.failed as f64, all.outcomes() as f64);
        let fails = Strain { against: failed, allowed: FAILED * ended, all: ended };
        let keeps_up = Strain {
            against: all.due as f64 - all.outcomes() as f64,
            allowed: BEHIND * all.due as f64,
            all: all.due as f64,
        };
        let fails = if self.bounds_failures() { Strain::default() } else { fails };
        [goal.unwrap_or_default(), keeps_up, fails]
    }

    /// Whether the objective held in a window of a run; `None` where nothing in it says so.
    pub(in crate::analysis) fn holds_in(&self, window: &Window, windows: &Windows) -> Option<bool> {
        let strain = match self.request {
            None => {
                let seen = |times, bound| {
                    Seen::in_distributions(
                        times,
                        bound,
                        [&window.response, &window.service, &window.failed],
                    )
                };
                self.strain(&window.counters, seen)
            }
            Some(place) => {
                let named = windows.named().find(|named| named.second == window.second)?;
                let named = named.requests.get(place)?;
                // Of the failed ones by name windows have no times.
                let none = Distribution::default();
                let seen = |times, bound| {
                    Seen::in_distributions(times, bound, [&named.response, &named.service, &none])
                };
                self.strain(&named.counters, seen)
            }
        };
        strain.map(|strain| strain.ratio() <= 1.0)
    }

    fn bounds_failures(&self) -> bool {
        matches!(self.rule.metric, Metric::ErrorRate | Metric::Share(_))
    }

    /// What these counts say, and the times that are `seen`; `None` where there are none.
    fn strain(
        &self,
        counters: &Counters,
        seen: impl Fn(Times, Nanos) -> Option<Seen>,
    ) -> Option<Strain> {
        let (outcomes, share) = (counters.outcomes() as f64, self.rule.bound.in_unit() / 100.0);
        let due = counters.due as f64;
        let (against, allowed, all) = match self.rule.metric {
            Metric::Time(times, statistic) => {
                let Bound::Time(bound) = self.rule.bound else { return None };
                return Some(seen(times, bound)?.strain(statistic, bound));
            }
            Metric::ErrorRate => (counters.failed as f64, share * outcomes, outcomes),
            Metric::AchievedRate => (due - outcomes, (1.0 - share) * due, due),
            Metric::DroppedRate => (counters.dropped_total() as f64, share * due, due),
            Metric::Share(of) => (of.counted(counters) as f64, share * outcomes, outcomes),
            Metric::Rps | Metric::OkRps => return None,
        };
        Some(Strain { against, allowed, all })
    }
}

/// How many times were seen, how many of them beyond a bound, and their mean.
struct Seen {
    count: f64,
    beyond: f64,
    mean_ns: f64,
}

impl Seen {
    fn in_histogram(times: &Histogram, bound: Nanos) -> Option<Self> {
        let count = times.count();
        let beyond = count.saturating_sub(times.count_up_to(bound)) as f64;
        Some(Self { count: count as f64, beyond, mean_ns: times.mean()? })
    }

    /// In those of response, service and failed. A bucket that the bound lies in is divided by it.
    fn in_distributions(
        times: Times,
        bound: Nanos,
        [response, service, failed]: [&Distribution; 3],
    ) -> Option<Self> {
        let all = if times == Times::Service { service } else { response };
        let mut seen = Self { count: 0.0, beyond: 0.0, mean_ns: 0.0 };
        seen.add(all, bound, 1.0);
        if times == Times::Ok {
            seen.add(failed, bound, -1.0);
        }
        (seen.count > 0.0).then(|| Self { mean_ns: seen.mean_ns / seen.count, ..seen })
    }

    /// Adds the counts of a distribution so many times, and to the mean their sum.
    fn add(&mut self, times: &Distribution, bound: Nanos, sign: f64) {
        for bucket in times.buckets() {
            let count = sign * bucket.count as f64;
            let from = bucket.from_ns as f64;
            let to = bucket.to_ns.map_or(2.0 * from, |to| to as f64);
            let beyond = (to - bound as f64) / (to - from);
            self.count += count;
            self.beyond += count * beyond.clamp(0.0, 1.0);
            self.mean_ns += count * f64::midpoint(from, to);
        }
    }

    fn strain(&self, statistic: Statistic, bound: Nanos) -> Strain {
        let Self { count, beyond, mean_ns } = *self;
        let (against, allowed, all) = match statistic {
            Statistic::Percentile(parts) => (beyond, (1.0 - f64::from(parts) / 1e6) * count, count),
            Statistic::Max => (beyond, 0.0, count),
            Statistic::Mean | Statistic::Min => {
                (mean_ns / bound.max(1) as f64 * count, count, f64::INFINITY)
            }
        };
        Strain { against, allowed, all }
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

    /// From so many times what is allowed on more says nothing more: half of the way, as a logarithm, to where
    /// all is against it. A target that is overloaded is as bad as the trial is long.
    pub(super) fn most(self) -> f64 {
        (self.all / self.allowed.max(LEAST)).sqrt().clamp(1.0, MOST)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.against += other.against;
        self.allowed += other.allowed;
        self.all += other.all;
    }

    /// Of what is allowed at least.
    pub(super) fn at_least(self) -> Self {
        Self { against: self.against.max(0.0), allowed: self.allowed.max(LEAST), ..self }
    }
}
