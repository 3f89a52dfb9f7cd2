//! Turns intervals, as they come, into the times in which a rule with a window did not hold.
//!
//! Each rule keeps the sum over its window: the newest interval is added, the one that has left the
//! window is taken out again. What has to be taken out later is kept in the packed form of
//! histograms, a few KB for each second, up to the longest window of any rule and never beyond an
//! hour.

use super::outcome::{Counts, blank};
use super::{Metric, SlaRule, Statistic, Times};
use crate::record::{Histogram, Interval, Merge, PackedHistogram};
use crate::result::{SlaOutcome, Span, Violation, ms};
use crate::time::{Nanos, SECOND, seconds};
use std::collections::VecDeque;

/// The most violations of one rule that are kept.
const MOST_VIOLATIONS: usize = 100;

/// Judges the rules that have a window while the run goes on.
#[derive(Debug)]
pub struct Live {
    /// One for each rule, in their order; `None` for those that have no window.
    watches: Vec<Option<Watch>>,
    /// The intervals that some window still reaches, oldest first.
    slots: VecDeque<Slot>,
    /// How many have been taken off the front of `slots`.
    gone: usize,
    closed_loop: bool,
    began_ns: Option<Nanos>,
}

/// Something that a watcher may want to know at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A rule does not hold, for as long as it says.
    Violated {
        /// Its place among the rules.
        rule: usize,
        /// The figure, in the rule's unit.
        actual: f64,
        /// It says that the run is to end.
        abort: bool,
    },
    /// It holds again.
    Recovered {
        /// Its place among the rules.
        rule: usize,
        /// The figure, in the rule's unit.
        actual: f64,
    },
}

/// An interval, packed.
#[derive(Debug)]
struct Slot {
    /// The middle of its span.
    at_ns: Nanos,
    span_ns: Nanos,
    counts: Counts,
    response: PackedHistogram,
    service: PackedHistogram,
}

/// One rule and its window.
#[derive(Debug)]
struct Watch {
    rule: SlaRule,
    window_ns: Nanos,
    /// The oldest interval in the window, counted from the first of the run.
    oldest: usize,
    counts: Counts,
    span_ns: Nanos,
    /// The sum of the times that the rule bounds.
    times: Option<(Times, Statistic, Histogram)>,
    /// Since when the rule has not held.
    failing: Option<Violation>,
    /// It has not held for as long as it says.
    violated: bool,
    violations: Vec<Violation>,
    worst: Option<f64>,
    aborted: bool,
}

impl Live {
    /// For these rules; those without a window are left to the end of the run.
    #[must_use]
    pub fn new(rules: &[SlaRule], closed_loop: bool) -> Self {
        let watches = rules.iter().map(|rule| Watch::new(*rule)).collect();
        Self { watches, slots: VecDeque::new(), gone: 0, closed_loop, began_ns: None }
    }

    /// Adds the next interval and says what that changes.
    pub fn observe(&mut self, interval: &Interval, span: Span) -> Vec<Event> {
        if self.watches.iter().all(Option::is_none) {
            return Vec::new();
        }
        let began_ns = *self.began_ns.get_or_insert(span.from_ns);
        self.slots.push_back(Slot::of(interval, span));
        let now = Now { at_ns: span.to_ns, began_ns, draining: span.draining };
        let mut events = Vec::new();
        for (place, watch) in self.watches.iter_mut().enumerate() {
            let Some(watch) = watch else { continue };
            watch.slide(&self.slots, self.gone, interval, now);
            watch.counts.closed_loop = self.closed_loop;
            events.extend(watch.judge(place, now));
        }
        let reached = self.watches.iter().flatten().map(|watch| watch.oldest).min();
        while self.gone < reached.unwrap_or(usize::MAX) && self.slots.pop_front().is_some() {
            self.gone += 1;
        }
        events
    }

    /// Whether a rule that says so has ended the run.
    #[must_use]
    pub fn abort(&self) -> Option<&SlaRule> {
        self.watches.iter().flatten().find(|watch| watch.aborted).map(|watch| &watch.rule)
    }

    /// What the rule at `place` came to; `None` if it has no window, or no whole window was seen.
    pub(super) fn outcome(&self, place: usize) -> Option<SlaOutcome> {
        let watch = self.watches.get(place)?.as_ref()?;
        Some(SlaOutcome {
            passed: watch.violations.is_empty(),
            actual: Some(watch.worst?),
            violations: watch.violations.clone(),
            aborted: watch.aborted,
            ..blank(&watch.rule)
        })
    }
}

/// Where in the run an evaluation stands.
#[derive(Debug, Clone, Copy)]
struct Now {
    at_ns: Nanos,
    began_ns: Nanos,
    draining: bool,
}

impl Slot {
    fn of(interval: &Interval, span: Span) -> Self {
        Self {
            at_ns: span.from_ns + (span.to_ns - span.from_ns) / 2,
            span_ns: span.to_ns - span.from_ns,
            counts: counts_of(interval),
            response: interval.histograms.response.pack(),
            service: interval.histograms.service.pack(),
        }
    }
}

impl Watch {
    fn new(rule: SlaRule) -> Option<Self> {
        let times = match rule.rule.metric {
            Metric::Time(times, statistic) => Some((times, statistic, Histogram::new())),
            _ => None,
        };
        Some(Self {
            rule,
            window_ns: u64::from(rule.window_seconds?) * SECOND,
            oldest: 0,
            counts: Counts::default(),
            span_ns: 0,
            times,
            failing: None,
            violated: false,
            violations: Vec::new(),
            worst: None,
            aborted: false,
        })
    }

    /// Adds the newest interval and takes out those whose middle the window has left behind.
    fn slide(&mut self, slots: &VecDeque<Slot>, gone: usize, newest: &Interval, now: Now) {
        let counts = counts_of(newest);
        self.counts.add(counts);
        self.span_ns += slots.back().map_or(0, |slot| slot.span_ns);
        if let Some((times, _, sum)) = &mut self.times {
            sum.merge(match times {
                Times::Response => &newest.histograms.response,
                Times::Service => &newest.histograms.service,
            });
        }
        while let Some(slot) = slots.get(self.oldest - gone) {
            if slot.at_ns + self.window_ns > now.at_ns {
                break;
            }
            self.oldest += 1;
            self.counts.take(slot.counts);
            self.span_ns -= slot.span_ns;
            if let Some((times, _, sum)) = &mut self.times {
                let left = match times {
                    Times::Response => &slot.response,
                    Times::Service => &slot.service,
                };
                sum.subtract(&left.unpack()).expect("what leaves the window was added to it");
            }
        }
        self.counts.seconds = seconds(self.span_ns);
    }

    /// Holds the window against the rule. Before it is full there is no judgement, and none where
    /// nothing came to an outcome; nor is a rate judged when nothing falls due any more.
    fn judge(&mut self, place: usize, now: Now) -> Option<Event> {
        let is_full = now.at_ns - now.began_ns + SECOND / 2 >= self.window_ns;
        let is_rate = matches!(self.rule.rule.metric, Metric::Rps | Metric::AchievedRate);
        if !is_full || (is_rate && now.draining) {
            return None;
        }
        let actual = self.figure()?;
        let rule = self.rule.rule;
        self.worst = Some(self.worst.map_or(actual, |worst| rule.worse(worst, actual)));
        if rule.holds(actual) {
            self.failing = None;
            let recovered = std::mem::take(&mut self.violated);
            return recovered.then_some(Event::Recovered { rule: place, actual });
        }
        let at = seconds(now.at_ns);
        let first = Violation { from_second: at, to_second: at, worst: actual };
        let failing = self.failing.get_or_insert(first);
        failing.to_second = at;
        failing.worst = rule.worse(failing.worst, actual);
        let failing = *failing;
        self.count(failing, place, actual)
    }

    /// Counts a time in which the rule did not hold, once it has lasted as long as the rule says.
    fn count(&mut self, failing: Violation, place: usize, actual: f64) -> Option<Event> {
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

    fn figure(&self) -> Option<f64> {
        match &self.times {
            Some((_, statistic, histogram)) => statistic.of(histogram),
            None => self.counts.figure(self.rule.rule.metric).ok(),
        }
    }
}

impl Statistic {
    /// The statistic in milliseconds; `None` if nothing was counted.
    pub(super) fn of(self, histogram: &Histogram) -> Option<f64> {
        match self {
            Self::Min => histogram.min().map(ms),
            Self::Mean => histogram.mean().map(|nanos| nanos / 1e6),
            Self::Max => histogram.max().map(ms),
            Self::Percentile(parts) => histogram.quantile(f64::from(parts) / 1e6).map(ms),
        }
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.due += other.due;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.outcomes += other.outcomes;
        self.late += other.late;
    }

    fn take(&mut self, other: Self) {
        self.due -= other.due;
        self.dropped -= other.dropped;
        self.failed -= other.failed;
        self.outcomes -= other.outcomes;
        self.late -= other.late;
    }
}

fn counts_of(interval: &Interval) -> Counts {
    let counters = &interval.counters;
    Counts {
        due: counters.due,
        dropped: counters.dropped_total(),
        failed: counters.failed,
        outcomes: counters.outcomes(),
        late: counters.late,
        ..Counts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MILLISECOND;

    /// A second with `n` requests of `ms` milliseconds, of which `failed` failed.
    fn second(n: u64, ms: u64, failed: u64) -> Interval {
        let mut interval = Interval::new();
        interval.counters.due = n;
        interval.counters.ok = n - failed;
        interval.counters.failed = failed;
        interval.histograms.response.record_n(ms * MILLISECOND, n);
        interval.histograms.service.record_n(ms * MILLISECOND / 2, n);
        interval
    }

    fn live(rules: &[&str]) -> (Vec<SlaRule>, Live) {
        let rules: Vec<SlaRule> =
            rules.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let live = Live::new(&rules, false);
        (rules, live)
    }

    fn feed(live: &mut Live, from: u64, intervals: &[Interval]) -> Vec<(u64, Event)> {
        let mut all = Vec::new();
        for (second, interval) in (from..).zip(intervals) {
            let span =
                Span { from_ns: second * SECOND, to_ns: (second + 1) * SECOND, draining: false };
            all.extend(live.observe(interval, span).into_iter().map(|event| (second + 1, event)));
        }
        all
    }

    fn seconds_of(quick: usize, slow: usize, after: usize) -> Vec<Interval> {
        [
            vec![second(100, 10, 0); quick],
            vec![second(100, 900, 0); slow],
            vec![second(100, 10, 0); after],
        ]
        .concat()
    }

    #[test]
    fn a_window_that_does_not_hold_is_a_violation_until_it_holds_again() {
        let (_, mut live) = live(&[r#"{"rule":"p90<250ms","windowSeconds":5}"#]);
        let events = feed(&mut live, 0, &seconds_of(10, 3, 10));
        // At 11 s a fifth of the window is slow, more than the tenth that p90 allows; at 18 s the
        // last slow second has left it.
        assert!(matches!(events[0], (11, Event::Violated { rule: 0, abort: false, .. })));
        assert!(matches!(events[1], (18, Event::Recovered { rule: 0, .. })));
        assert_eq!(events.len(), 2);
        let outcome = live.outcome(0).unwrap();
        assert!(!outcome.passed && !outcome.aborted && live.abort().is_none());
        assert_eq!(outcome.violations.len(), 1);
        let Violation { from_second, to_second, worst } = outcome.violations[0];
        assert_eq!((from_second, to_second, Some(worst)), (11.0, 17.0, outcome.actual));
        assert!((900.0..901.0).contains(&worst));
    }

    #[test]
    fn a_violation_counts_only_after_the_time_it_says() {
        let rule = r#"{"rule":"max<250ms","windowSeconds":1,"forSeconds":3,"abort":true}"#;
        let (_, mut live) = live(&[rule]);
        assert_eq!(feed(&mut live, 0, &seconds_of(2, 3, 2)), []);
        assert!(live.outcome(0).unwrap().passed && live.abort().is_none());
        let events = feed(&mut live, 7, &seconds_of(0, 4, 0));
        assert!(matches!(events[..], [(11, Event::Violated { abort: true, .. })]), "{events:?}");
        assert!(live.abort().is_some() && live.outcome(0).unwrap().aborted);
    }

    #[test]
    fn there_is_no_judgement_before_a_window_is_full() {
        let (_, mut live) = live(&[r#"{"rule":"p99<250ms","windowSeconds":10}"#]);
        assert_eq!(feed(&mut live, 0, &seconds_of(0, 9, 0)), []);
        assert_eq!(live.outcome(0), None);
        assert_eq!(feed(&mut live, 9, &seconds_of(0, 1, 0)).len(), 1);
    }

    #[test]
    fn windows_without_an_outcome_change_nothing() {
        let (_, mut live) = live(&[r#"{"rule":"p99<250ms","windowSeconds":1}"#]);
        let events = feed(&mut live, 0, &[second(9, 900, 0), second(0, 0, 0), second(9, 900, 0)]);
        assert_eq!(events.len(), 1, "one violation goes on");
    }

    #[test]
    fn rates_and_service_time_have_windows_too() {
        let (_, mut live) = live(&[
            r#"{"rule":"error_rate<5%","windowSeconds":2}"#,
            r#"{"rule":"rps>=90","windowSeconds":2}"#,
            r#"{"rule":"service_max<=6ms","windowSeconds":2}"#,
            r#""p99<1ms""#,
        ]);
        let intervals = [second(100, 10, 0), second(100, 10, 9), second(100, 10, 9)];
        let events = feed(&mut live, 0, &intervals);
        assert_eq!(events, [(3, Event::Violated { rule: 0, actual: 9.0, abort: false })]);
        assert!(live.outcome(1).unwrap().passed && live.outcome(2).unwrap().passed);
        assert_eq!(live.outcome(3), None, "it has no window");
    }

    #[test]
    fn a_rate_is_not_judged_while_draining() {
        let (_, mut live) = live(&[r#"{"rule":"rps>=90","windowSeconds":1}"#]);
        feed(&mut live, 0, &[second(100, 10, 0)]);
        let span = Span { from_ns: SECOND, to_ns: 2 * SECOND, draining: true };
        assert_eq!(live.observe(&second(1, 10, 0), span), []);
    }

    #[test]
    fn only_what_a_window_reaches_is_kept() {
        let (_, mut live) = live(&[
            r#"{"rule":"p99<250ms","windowSeconds":3}"#,
            r#"{"rule":"p50<250ms","windowSeconds":7}"#,
        ]);
        feed(&mut live, 0, &seconds_of(100, 0, 0));
        assert_eq!(live.slots.len(), 7);
        assert_eq!(live.watches[0].as_ref().unwrap().counts.outcomes, 300);
    }
}
