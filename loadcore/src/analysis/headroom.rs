//! Turns the windows of a run whose profile raises the rate into the rate up to which each rule held.
//!
//! Of each window it is asked whether the rule held in it, as of a trial in a search for the capacity. Then the
//! rates are cut in two where that fits best: as few windows as possible below the cut in which it did not hold,
//! and above it in which it did. One bad second below it decides nothing.

use super::Windows;
use super::capacity::Goal;
use super::sla::SlaRule;
use super::windows::Window;
use crate::result::{Headroom, LoopKind, RunResult};
use crate::time::{SECOND, seconds};

/// A profile raises the rate where the highest is so many times the lowest.
const RAISED: f64 = 1.5;
/// A window belongs to the rise where its rate is no lower than this part of the highest before it: what comes
/// after a peak shows how a target recovers.
const RISING: f64 = 0.9;
/// A rule does not hold any more where it did not in so many windows, or in half of the few there are.
const PERSISTENT: usize = 3;
/// And in this part of those beyond the cut.
const MOSTLY: f64 = 0.7;

/// Of each rule, in their order; nothing where the rate hardly rises.
pub(super) fn find(rules: &[SlaRule], windows: &Windows, result: &RunResult) -> Vec<Headroom> {
    let rising = rising(windows);
    let rates = rising.iter().map(|(rate, _)| *rate);
    let spread = rates.clone().fold(0.0, f64::max) / rates.fold(f64::INFINITY, f64::min);
    if result.loop_kind == LoopKind::Closed || rising.len() < 2 || spread < RAISED {
        return Vec::new();
    }
    let names: Vec<_> = result.requests.iter().map(|request| request.name.as_str()).collect();
    let of = |rule: &SlaRule| {
        let goal = Goal::parse(&rule.rule.to_string(), &names).ok();
        let held = |(rate, window): &(f64, &Window)| {
            Some((*rate, seconds(window.span_ns), goal.as_ref()?.holds_in(window, windows)?))
        };
        let held: Vec<_> = rising.iter().filter_map(held).collect();
        cut(rule.rule.to_string(), held)
    };
    rules.iter().map(of).collect()
}

/// The windows of the rise, each with its offered rate.
fn rising(windows: &Windows) -> Vec<(f64, &Window)> {
    let length = windows.seconds() * SECOND;
    let mut highest = 0.0_f64;
    let mut rising = Vec::new();
    for window in windows.iter().filter(|it| it.drain_ns == 0 && 10 * it.span_ns >= 7 * length) {
        let rate = window.counters.due as f64 / seconds(window.span_ns);
        if rate > 0.0 && rate >= RISING * highest {
            highest = highest.max(rate);
            rising.push((rate, window));
        }
    }
    rising
}

/// Cuts the windows, each with its rate, its length and whether the rule held.
fn cut(rule: String, mut windows: Vec<(f64, f64, bool)>) -> Headroom {
    windows.sort_by(|a, b| a.0.total_cmp(&b.0));
    // How many more do not hold than hold, of those from here on: where that is greatest is the cut.
    let (mut sum, mut best, mut place) = (0_i64, 0_i64, windows.len());
    for (n, (.., held)) in windows.iter().enumerate().rev() {
        sum += if *held { -1 } else { 1 };
        if sum > best {
            (best, place) = (sum, n);
        }
    }
    let failed = windows[place..].iter().filter(|(.., held)| !held).count();
    let enough = PERSISTENT.min(windows.len().div_ceil(2));
    if failed < enough || (failed as f64) < MOSTLY * (windows.len() - place) as f64 {
        place = windows.len();
    }
    let (below, above) = windows.split_at(place);
    let lasting = |windows: &[(f64, f64, bool)], wanted: bool| {
        windows.iter().filter(|(.., held)| *held == wanted).map(|(_, lasts, _)| lasts).sum()
    };
    Headroom {
        rule,
        held_up_to_rps: below.iter().rfind(|(.., held)| *held).map(|(rate, ..)| *rate),
        failed_at_rps: above.first().map(|(rate, ..)| *rate),
        held_seconds: lasting(below, true),
        failed_seconds: lasting(above, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Judge;
    use crate::result::RunEnd;
    use crate::result::fixtures::{Run, request, run_start};
    use crate::time::MILLISECOND as MS;

    /// 20 s, each at its own rate, in which a target takes `ms` of (second, rate).
    fn run(
        rate: impl Fn(u64) -> u64,
        ms: impl Fn(u64, u64) -> u64,
        rules: &[&str],
    ) -> Vec<Headroom> {
        let mut run = Run::new(run_start(LoopKind::Open));
        for second in 0..20 {
            let rate = rate(second);
            run.second(false, |recorder, _| {
                for n in 0..rate {
                    let due = second * SECOND + n * SECOND / rate;
                    request(recorder, Some(due), 0, ms(second, rate) * MS, Ok(200));
                }
            });
        }
        let rules = rules.iter().map(|rule| SlaRule::whole_run(rule.parse().unwrap())).collect();
        let mut judge = Judge::new(rules, &run_start(LoopKind::Open));
        for (interval, span) in &run.intervals {
            judge.interval(interval, *span, 0);
        }
        judge.judge(run.end(RunEnd { duration_ns: 20 * SECOND, ..RunEnd::default() }, 0)).headroom
    }

    fn rates(headroom: &[Headroom]) -> Vec<(Option<f64>, Option<f64>)> {
        headroom.iter().map(|it| (it.held_up_to_rps, it.failed_at_rps)).collect()
    }

    fn ramp(second: u64) -> u64 {
        100 + 10 * second
    }

    #[test]
    fn a_rule_held_up_to_where_it_broke_for_good() {
        let slow_from = |rate: u64| move |_: u64, now: u64| if now >= rate { 90 } else { 5 };
        let rules = ["p99<50ms", "p99<1s", "p99<1ms", "rps>=10"];
        let found = run(ramp, slow_from(200), &rules);
        let none = None::<f64>;
        assert_eq!(
            rates(&found),
            [(Some(190.0), Some(200.0)), (Some(290.0), none), (none, Some(100.0)), (none, none)]
        );
        assert_eq!((found[0].held_seconds, found[0].failed_seconds), (10.0, 10.0));
    }

    #[test]
    fn a_bad_second_decides_nothing() {
        let hiccup = |second: u64, now: u64| if second == 4 || now >= 220 { 90 } else { 5 };
        assert_eq!(rates(&run(ramp, hiccup, &["p99<50ms"])), [(Some(210.0), Some(220.0))]);
        let only = |second: u64, _: u64| if second == 19 { 90 } else { 5 };
        assert_eq!(rates(&run(ramp, only, &["p99<50ms"])), [(Some(280.0), None)]);
    }

    #[test]
    fn what_comes_after_a_peak_says_nothing() {
        let peak = |second: u64| if second < 10 { 100 + 20 * second } else { 100 };
        let slow = |second: u64, _: u64| if second >= 5 { 90 } else { 5 };
        assert_eq!(rates(&run(peak, slow, &["p99<50ms"])), [(Some(180.0), Some(200.0))]);
    }

    #[test]
    fn a_constant_rate_has_no_headroom() {
        assert_eq!(run(|_| 100, |_, _| 5, &["p99<50ms"]), []);
    }
}
