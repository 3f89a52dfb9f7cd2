//! Turns one rule's window, as it slides over the run, into the times in which the rule did not hold.

use super::note::{self, Windows};
use super::outcome::{Counts, blank};
use super::windowed::{Distributions, Event, Looks, Slot};
use super::{Metric, Rule, SlaRule, Statistic, Times};
use crate::record::{Counters, Histogram, Merge};
use crate::result::{SlaOutcome, Violation};
use crate::time::{Nanos, SECOND, seconds};
use std::collections::VecDeque;

/// The most violations of one rule that are kept.
const MOST_VIOLATIONS: usize = 100;

/// One rule and its window.
#[derive(Debug)]
pub(super) struct Watch {
    rule: SlaRule,
    window_ns: Nanos,
    /// The oldest interval in the window, counted from the first of the run.
    oldest: usize,
    counts: Counts,
    span_ns: Nanos,
    looks: Looks,
    /// The sum of the times that the rule bounds, and their place among those that are watched.
    times: Option<(usize, Statistic, Histogram)>,
    /// Since when the rule has not held.
    failing: Option<Violation>,
    /// It has not held for as long as it says.
    violated: bool,
    /// Since when a violated one has held again, without ending the violation.
    held_since: Option<Nanos>,
    violations: Vec<Violation>,
    worst: Option<f64>,
    windows: Windows,
    aborted: bool,
}

/// Where in the run an evaluation stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) at_ns: Nanos,
    pub(super) began_ns: Nanos,
    pub(super) draining: bool,
}

impl Watch {
    /// For a rule that has a window.
    pub(super) fn new(rule: SlaRule, looks: Looks, closed_loop: bool) -> Option<Self> {
        let sum = || if looks.is_coarse { Histogram::coarse() } else { Histogram::new() };
        let times = match rule.rule.metric {
            Metric::Time(_, statistic) => looks.times.map(|times| (times, statistic, sum())),
            _ => None,
        };
        Some(Self {
            window_ns: u64::from(rule.window_seconds?) * SECOND,
            rule,
            looks,
            oldest: 0,
            counts: Counts { closed_loop, ..Counts::default() },
            span_ns: 0,
            times,
            failing: None,
            violated: false,
            held_since: None,
            violations: Vec::new(),
            worst: None,
            windows: Windows::default(),
            aborted: false,
        })
    }

    /// The oldest interval that it reaches, counted from the first of the run.
    pub(super) fn oldest(&self) -> usize {
        self.oldest
    }

    /// Its rule, if that has ended the run.
    pub(super) fn aborted(&self) -> Option<&SlaRule> {
        self.aborted.then_some(&self.rule)
    }

    /// Whether a violation is going on.
    pub(super) fn is_violated(&self) -> bool {
        self.violated
    }

    /// What the rule came to; `None` if no whole window was seen.
    pub(super) fn outcome(&self) -> Option<SlaOutcome> {
        (self.windows.judged > 0).then(|| SlaOutcome {
            passed: self.violations.is_empty() && self.worst.is_some(),
            actual: self.worst,
            reason: note::of_windows(&self.rule.rule, self.windows),
            violations: self.violations.clone(),
            aborted: self.aborted,
            ..blank(&self.rule)
        })
    }

    /// Adds the newest interval and takes out those whose middle the window has left behind.
    pub(super) fn slide(
        &mut self,
        slots: &VecDeque<Slot>,
        gone: usize,
        newest: &Distributions<'_>,
        now: Now,
    ) {
        let metric = self.rule.rule.metric;
        if let Some(slot) = slots.back() {
            self.counts.add(Counts::of(&slot.counters[self.looks.subject], metric));
            self.span_ns += slot.span_ns;
        }
        if let Some((times, _, sum)) = &mut self.times
            && let Some(newest) = &newest[*times]
        {
            sum.merge(newest);
        }
        while let Some(slot) = slots.get(self.oldest - gone) {
            if slot.at_ns + self.window_ns > now.at_ns {
                break;
            }
            self.oldest += 1;
            self.counts.take(Counts::of(&slot.counters[self.looks.subject], metric));
            self.span_ns -= slot.span_ns;
            if let Some((times, _, sum)) = &mut self.times
                && let Some(left) = &slot.times[*times]
            {
                sum.subtract(&left.unpack()).expect("what leaves the window was added to it");
            }
        }
        self.counts.seconds = seconds(self.span_ns);
    }

    /// Holds the window against the rule. Before it is full there is no judgement, and none where
    /// nothing came to an outcome; nor is a rate judged when nothing falls due any more. Where
    /// requests ended and all of them failed, a rule of ok requests has no figure, and does not hold.
    pub(super) fn judge(&mut self, place: usize, now: Now) -> Option<Event> {
        let is_full = now.at_ns - now.began_ns + SECOND / 2 >= self.window_ns;
        let rule = self.rule.rule.clone();
        let is_rate = matches!(rule.metric, Metric::Rps | Metric::OkRps | Metric::AchievedRate);
        if !is_full || (is_rate && now.draining) {
            return None;
        }
        let actual = self.figure();
        let Counts { failed, outcomes, .. } = self.counts;
        let is_of_ok = matches!(rule.metric, Metric::Time(Times::Ok, _));
        let lacks_ok = is_of_ok && outcomes > 0 && failed == outcomes;
        if actual.is_none() && !lacks_ok {
            return None;
        }
        self.windows.count(failed, outcomes);
        self.worst = worse(&rule, self.worst, actual);
        if let Some(actual) = actual.filter(|actual| rule.holds(*actual)) {
            return self.holds(&rule, place, actual, now);
        }
        self.held_since = None;
        let at = seconds(now.at_ns);
        let first = Violation { from_second: at, to_second: at, worst: actual };
        let failing = self.failing.get_or_insert(first);
        failing.to_second = at;
        failing.worst = worse(&rule, failing.worst, actual);
        let failing = *failing;
        self.count(failing, place, actual)
    }

    /// A violation ends when the rule holds clearly, or has held throughout a window: a figure at the
    /// edge would begin and end one with every interval.
    fn holds(&mut self, rule: &Rule, place: usize, actual: f64, now: Now) -> Option<Event> {
        if self.violated {
            let since = *self.held_since.get_or_insert(now.at_ns);
            if !rule.holds_clearly(actual) && now.at_ns - since < self.window_ns {
                return None;
            }
        }
        (self.failing, self.held_since) = (None, None);
        let recovered = std::mem::take(&mut self.violated);
        recovered.then_some(Event::Recovered { rule: place, actual })
    }

    /// Counts a time in which the rule did not hold, once it has lasted as long as the rule says.
    fn count(&mut self, failing: Violation, place: usize, actual: Option<f64>) -> Option<Event> {
        if failing.to_second - failing.from_second < f64::from(self.rule.for_seconds) {
            return None;
        }
        if !self.violated {
            self.violated = true;
            self.aborted |= self.rule.abort;
            if self.violations.len() < MOST_VIOLATIONS {
                self.violations.push(failing);
            }
            return Some(Event::Violated { rule: place, actual, abort: self.rule.abort });
        }
        if let Some(last) = self.violations.last_mut()
            && last.from_second == failing.from_second
        {
            *last = failing;
        }
        None
    }

    #[cfg(test)]
    pub(super) fn outcomes(&self) -> u64 {
        self.counts.outcomes
    }

    fn figure(&self) -> Option<f64> {
        match &self.times {
            Some((_, statistic, histogram)) => statistic.of(histogram),
            None => self.counts.figure(&self.rule.rule).ok(),
        }
    }
}

/// Of two figures the one that is farther on the wrong side; the other where there is only one.
fn worse(rule: &Rule, a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(rule.worse(a, b)),
        _ => a.or(b),
    }
}

impl Counts {
    /// What a rule of this metric looks at.
    fn of(counters: &Counters, metric: Metric) -> Self {
        let named = match metric {
            Metric::Share(one) => one.counted(counters),
            _ => 0,
        };
        Self {
            due: counters.due,
            dropped: counters.dropped_total(),
            failed: counters.failed,
            outcomes: counters.outcomes(),
            late: counters.late,
            named,
            ..Self::default()
        }
    }

    fn add(&mut self, other: Self) {
        self.due += other.due;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.outcomes += other.outcomes;
        self.late += other.late;
        self.named += other.named;
    }

    fn take(&mut self, other: Self) {
        self.due -= other.due;
        self.dropped -= other.dropped;
        self.failed -= other.failed;
        self.outcomes -= other.outcomes;
        self.late -= other.late;
        self.named -= other.named;
    }
}
