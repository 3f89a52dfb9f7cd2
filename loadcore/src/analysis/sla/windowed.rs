//! Turns intervals, as they come, into the times in which a rule with a window did not hold.
//!
//! Each rule keeps the sum over its window: the newest interval is added, the one that has left the
//! window is taken out again. What has to be taken out later is kept in the packed form of
//! histograms, a few KB for each second, up to the longest window of any rule and never beyond an
//! hour.

use super::watch::{Now, Watch};
use super::{Metric, SlaRule, Statistic, Times};
use crate::record::{Counters, Histogram, Interval, Named, PackedHistogram};
use crate::result::{SlaOutcome, Span, ms};
use crate::time::Nanos;
use std::borrow::Cow;
use std::collections::VecDeque;

/// Judges the rules that have a window while the run goes on.
#[derive(Debug)]
pub(in crate::analysis) struct Windowed {
    /// One for each rule, in their order; `None` for those that have no window.
    watches: Vec<Option<Watch>>,
    /// The intervals that some window still reaches, oldest first.
    slots: VecDeque<Slot>,
    /// How many have been taken off the front of `slots`.
    gone: usize,
    /// What rules look at: at all requests, or at one of the mix by its place.
    subjects: Vec<Option<usize>>,
    /// Which of the times of which subject, by its place among them.
    watched: Vec<(usize, Times)>,
    began_ns: Option<Nanos>,
}

/// Something that a watcher may want to know at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A rule does not hold, for as long as it says.
    Violated {
        /// Its place among the rules.
        rule: usize,
        /// The figure, in the rule's unit; `None` where it is of ok requests and none was.
        actual: Option<f64>,
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
pub(super) struct Slot {
    /// The middle of its span.
    pub(super) at_ns: Nanos,
    pub(super) span_ns: Nanos,
    /// Of each subject.
    pub(super) counters: Vec<Counters>,
    /// Those that some rule looks at.
    pub(super) times: Vec<Option<PackedHistogram>>,
}

impl Windowed {
    /// For these rules of a run whose mix has these names; those without a window are left to the end of
    /// the run, and so are those of a request that there is not.
    pub(in crate::analysis) fn new(rules: &[SlaRule], names: &[&str], closed_loop: bool) -> Self {
        let (mut subjects, mut watched) = (Vec::new(), Vec::new());
        let watch = |rule: &SlaRule| {
            rule.window_seconds?;
            let request = match rule.rule.request.as_deref() {
                None => None,
                Some(name) => Some(names.iter().position(|known| *known == name)?),
            };
            let subject = place_of(&mut subjects, request);
            let times = match rule.rule.metric {
                Metric::Time(times, _) => Some(place_of(&mut watched, (subject, times))),
                _ => None,
            };
            let is_coarse = request.is_some();
            Watch::new(rule.clone(), Looks { subject, times, is_coarse }, closed_loop)
        };
        let watches = rules.iter().map(watch).collect();
        Self { watches, slots: VecDeque::new(), gone: 0, subjects, watched, began_ns: None }
    }

    /// Adds the next interval and says what that changes.
    pub(in crate::analysis) fn observe(&mut self, interval: &Interval, span: Span) -> Vec<Event> {
        if self.watches.iter().all(Option::is_none) {
            return Vec::new();
        }
        let began_ns = *self.began_ns.get_or_insert(span.from_ns);
        let nothing = Named::new();
        let subjects = self.subjects.iter().map(|request| match request {
            None => Subject::All(interval),
            Some(place) => Subject::Named(interval.named.get(*place).unwrap_or(&nothing)),
        });
        let subjects: Vec<_> = subjects.collect();
        let times = self.watched.iter().map(|(subject, times)| times.of(subjects[*subject]));
        let times: Vec<_> = times.collect();
        self.slots.push_back(Slot::of(&subjects, span, &times));
        let now = Now { at_ns: span.to_ns, began_ns, draining: span.draining };
        let mut events = Vec::new();
        for (place, watch) in self.watches.iter_mut().enumerate() {
            let Some(watch) = watch else { continue };
            watch.slide(&self.slots, self.gone, &times, now);
            events.extend(watch.judge(place, now));
        }
        let reached = self.watches.iter().flatten().map(Watch::oldest).min();
        while self.gone < reached.unwrap_or(usize::MAX) && self.slots.pop_front().is_some() {
            self.gone += 1;
        }
        events
    }

    /// Whether a rule that says so has ended the run.
    pub(in crate::analysis) fn abort(&self) -> Option<&SlaRule> {
        self.watches.iter().flatten().find_map(Watch::aborted)
    }

    /// How many rules do not hold just now.
    pub(in crate::analysis) fn violated(&self) -> u64 {
        self.watches.iter().flatten().filter(|watch| watch.is_violated()).count() as u64
    }

    /// What the rule at `place` came to; `None` if it has no window, or no whole window was seen.
    pub(super) fn outcome(&self, place: usize) -> Option<SlaOutcome> {
        self.watches.get(place)?.as_ref()?.outcome()
    }
}

impl Slot {
    fn of(subjects: &[Subject<'_>], span: Span, times: &Distributions<'_>) -> Self {
        Self {
            at_ns: span.from_ns + (span.to_ns - span.from_ns) / 2,
            span_ns: span.to_ns - span.from_ns,
            counters: subjects.iter().map(|subject| subject.counters().clone()).collect(),
            times: times.iter().map(|times| times.as_ref().map(|times| times.pack())).collect(),
        }
    }
}

/// The place of a value in a list, at whose end it is put if it is not there.
fn place_of<T: PartialEq>(list: &mut Vec<T>, value: T) -> usize {
    list.iter().position(|known| *known == value).unwrap_or_else(|| {
        list.push(value);
        list.len() - 1
    })
}

/// What a rule looks at, by its places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks {
    /// Among the subjects.
    pub(super) subject: usize,
    /// Among the times that are watched, where it bounds one.
    pub(super) times: Option<usize>,
    /// Its histograms have two digits.
    pub(super) is_coarse: bool,
}

/// All requests of an interval, or one of the mix.
#[derive(Debug, Clone, Copy)]
pub(in crate::analysis) enum Subject<'a> {
    All(&'a Interval),
    Named(&'a Named),
}

impl<'a> Subject<'a> {
    pub(in crate::analysis) fn counters(self) -> &'a Counters {
        match self {
            Self::All(interval) => &interval.counters,
            Self::Named(named) => &named.counters,
        }
    }
}

/// The distributions of an interval that some rule looks at. Those of the ok are not known where a
/// worker of before version 3 of the snapshots takes part.
pub(super) type Distributions<'a> = Vec<Option<Cow<'a, Histogram>>>;

impl Times {
    /// Its distribution of these requests; `None` where the ok are not known apart.
    pub(in crate::analysis) fn of(self, subject: Subject<'_>) -> Option<Cow<'_, Histogram>> {
        match (self, subject) {
            (Self::Response, Subject::All(all)) => Some(Cow::Borrowed(&all.histograms.response)),
            (Self::Service, Subject::All(all)) => Some(Cow::Borrowed(&all.histograms.service)),
            (Self::Ok, Subject::All(all)) => all.histograms.ok(&all.counters).map(Cow::Owned),
            (Self::Response, Subject::Named(named)) => Some(Cow::Borrowed(&named.response)),
            (Self::Service, Subject::Named(named)) => Some(Cow::Borrowed(&named.service)),
            (Self::Ok, Subject::Named(named)) => Some(Cow::Owned(named.ok())),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ErrorClass;
    use crate::result::Violation;
    use crate::time::{MILLISECOND, SECOND};

    /// A second with `n` requests of `ms` milliseconds, of which `failed` failed.
    fn second(n: u64, ms: u64, failed: u64) -> Interval {
        mixed(n - failed, ms, failed, ms)
    }

    /// A second with `ok` requests of `ms` milliseconds, and `failed` ones that were refused.
    fn mixed(ok: u64, ms: u64, failed: u64, failed_ms: u64) -> Interval {
        let mut interval = Interval::new();
        let Interval { counters, histograms, .. } = &mut interval;
        (counters.due, counters.ok, counters.failed) = (ok + failed, ok, failed);
        counters.errors[ErrorClass::ConnectRefused as usize] = failed;
        if ok > 0 {
            counters.count_status(200, ok);
        }
        for (n, ms) in [(ok, ms), (failed, failed_ms)] {
            histograms.response.record_n(ms * MILLISECOND, n);
            histograms.service.record_n(ms * MILLISECOND / 2, n);
        }
        histograms.failed.record_n(failed_ms * MILLISECOND, failed);
        interval
    }

    fn live(rules: &[&str]) -> (Vec<SlaRule>, Windowed) {
        let rules: Vec<SlaRule> =
            rules.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let live = Windowed::new(&rules, &[], false);
        (rules, live)
    }

    fn feed(live: &mut Windowed, from: u64, intervals: &[Interval]) -> Vec<(u64, Event)> {
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
        assert_eq!((from_second, to_second, worst), (11.0, 17.0, outcome.actual));
        assert!((900.0..901.0).contains(&worst.unwrap()));
    }

    #[test]
    fn a_figure_at_the_edge_is_one_violation() {
        let (_, mut live) = live(&[r#"{"rule":"max<250ms","windowSeconds":3}"#]);
        let edge = [245, 255, 245, 245, 245, 255, 240, 245, 245, 255];
        let edge: Vec<_> = edge.iter().cycle().take(60).map(|ms| second(9, *ms, 0)).collect();
        let events = feed(&mut live, 0, &edge);
        assert!(matches!(events[..], [(3, Event::Violated { .. })]), "{events:?}");
        // It holds by less than a tenth: so for a window's time.
        let events = feed(&mut live, 60, &vec![second(9, 245, 0); 9]);
        assert!(matches!(events[..], [(66, Event::Recovered { .. })]), "{events:?}");
        let [violation] = live.outcome(0).unwrap().violations[..] else { panic!("{live:?}") };
        assert_eq!((violation.from_second, violation.to_second), (3.0, 62.0));
    }

    /// What the target does changes abruptly, by more than a tenth of the bound.
    #[test]
    fn violations_begin_and_end_within_a_window_of_the_truth() {
        for (window, slow, quick) in [(1, 1, 1), (2, 3, 5), (5, 4, 9), (10, 30, 11), (7, 8, 20)] {
            let rule = format!(r#"{{"rule":"p90<250ms","windowSeconds":{window}}}"#);
            let (_, mut live) = live(&[&rule]);
            let course: Vec<_> = (0..5).flat_map(|_| seconds_of(quick, slow, 0)).collect();
            let after = window as usize;
            let events = feed(&mut live, 0, &[course, seconds_of(after, 0, 0)].concat());
            let (slow, quick, window) = (slow as u64, quick as u64, window as u64);
            let changes = (0..5).flat_map(|turn| {
                let begins = turn * (slow + quick) + quick;
                [begins, begins + slow]
            });
            // Quiet times that are shorter than a window are inside of one violation.
            let changes: Vec<_> = changes.collect();
            let joined = quick < window;
            let expected = if joined { vec![changes[0], changes[9]] } else { changes };
            assert_eq!(events.len(), expected.len(), "{window}: {events:?}");
            for ((at, _), truth) in events.iter().zip(expected) {
                assert!((truth..=truth + window).contains(at), "{window} {truth}: {events:?}");
            }
        }
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
        assert_eq!(events, [(3, Event::Violated { rule: 0, actual: Some(9.0), abort: false })]);
        assert!(live.outcome(1).unwrap().passed && live.outcome(2).unwrap().passed);
        assert_eq!(live.outcome(3), None, "it has no window");
    }

    #[test]
    fn ok_forms_and_shares_have_windows_too() {
        let (_, mut live) = live(&[
            r#"{"rule":"ok_p50<15ms","windowSeconds":2}"#,
            r#"{"rule":"ok_rps>=95","windowSeconds":2}"#,
            r#"{"rule":"share{connect_refused}<5%","windowSeconds":2,"abort":true}"#,
            r#"{"rule":"share{2xx}>=80%","windowSeconds":2}"#,
        ]);
        let intervals = [(20, 0), (20, 9), (2, 9), (2, 1), (2, 1), (2, 1)];
        let intervals = intervals.map(|(ms, failed)| mixed(100 - failed, ms, failed, 1));
        let events = feed(&mut live, 0, &intervals);
        let all_of = |place| {
            let of = |event: &Event| match *event {
                Event::Violated { rule, actual, .. } => (rule == place).then_some(actual.unwrap()),
                Event::Recovered { rule, actual } => (rule == place).then_some(-actual),
            };
            events.iter().filter_map(|(at, event)| Some((*at, of(event)?))).collect::<Vec<_>>()
        };
        // The failed ones took 1 ms. Of the ok ones of the second window half were quick.
        let [(2, slow), (3, quick)] = all_of(0)[..] else { panic!("{events:?}") };
        assert!((20.0..20.1).contains(&slow) && (-2.1..=-2.0).contains(&quick), "{events:?}");
        // From the fourth second on it holds, by less than a tenth.
        assert_eq!(all_of(1), [(3, 91.0), (6, -99.0)]);
        assert_eq!(all_of(2), [(3, 9.0), (5, -1.0)]);
        assert_eq!(all_of(3), []);
        assert!(live.outcome(3).unwrap().passed && live.abort().is_some());
        assert_eq!(live.outcome(2).unwrap().actual, Some(9.0));
    }

    #[test]
    fn a_window_in_which_nothing_was_ok_does_not_hold_and_has_no_figure() {
        let rule = r#"{"rule":"ok_p99<250ms","windowSeconds":1,"forSeconds":1,"abort":true}"#;
        let (_, mut live) = live(&[rule, r#"{"rule":"ok_p99<250ms","windowSeconds":1}"#]);
        feed(&mut live, 0, &[second(9, 10, 0), second(0, 0, 0)]);
        assert_eq!(live.outcome(0).unwrap().reason, None, "where nothing ended nothing is changed");
        let events = feed(&mut live, 2, &[second(9, 1, 9), second(9, 1, 9), second(9, 10, 8)]);
        let violated = |rule| Event::Violated { rule, actual: None, abort: rule == 0 };
        assert_eq!(events[..2], [(3, violated(1)), (4, violated(0))]);
        assert!(matches!(
            events[2..],
            [(5, Event::Recovered { .. }), (5, Event::Recovered { .. })]
        ));
        let outcome = live.outcome(0).unwrap();
        assert!(!outcome.passed && outcome.aborted);
        let nothing = Violation { from_second: 3.0, to_second: 4.0, worst: None };
        assert_eq!(outcome.violations, [nothing]);
        assert_eq!(outcome.reason.as_deref(), Some("no request was ok in 2 of 4 windows"));
        assert!(outcome.actual.is_some(), "it had a figure in the others");
    }

    #[test]
    fn without_any_figure_a_rule_with_a_window_has_not_passed() {
        let (_, mut live) = live(&[r#"{"rule":"ok_p99<250ms","windowSeconds":1,"forSeconds":60}"#]);
        assert_eq!(feed(&mut live, 0, &[second(9, 1, 9), second(9, 1, 9)]), []);
        let outcome = live.outcome(0).unwrap();
        assert_eq!((outcome.passed, outcome.actual), (false, None));
        assert_eq!(outcome.reason.as_deref(), Some("no request was ok in 2 of 2 windows"));
    }

    #[test]
    fn windows_that_rest_on_failures_say_so() {
        let rules = [r#"{"rule":"p99<250ms","windowSeconds":1}"#];
        let reason = |failed: &[u64]| {
            let (_, mut live) = live(&rules);
            let intervals: Vec<_> = failed.iter().map(|failed| second(10, 1, *failed)).collect();
            feed(&mut live, 0, &intervals);
            live.outcome(0).unwrap().reason
        };
        assert_eq!(reason(&[0, 5]), None);
        assert_eq!(
            reason(&[0, 6, 6]).as_deref(),
            Some("most of the requests failed in 2 of 3 windows")
        );
        assert_eq!(
            reason(&[0, 6, 10, 10]).as_deref(),
            Some("most of the requests failed in 3 of 4 windows, and all of them in 2")
        );
        assert_eq!(
            reason(&[10, 10]).as_deref(),
            Some("it rests on failures alone: all requests failed in every window")
        );
    }

    #[test]
    fn a_rate_is_not_judged_while_draining() {
        let (_, mut live) = live(&[
            r#"{"rule":"rps>=90","windowSeconds":1}"#,
            r#"{"rule":"ok_rps>=90","windowSeconds":1}"#,
        ]);
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
        assert_eq!(live.watches[0].as_ref().unwrap().outcomes(), 300);
    }
}
