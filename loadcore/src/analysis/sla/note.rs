//! Turns what a figure does not show by itself into the sentence that stands beside it: requests that
//! never ended, and failures that pass for speed.

use super::outcome::figure_of_run;
use super::{Comparison, Metric, Rule, Statistic, Times};
use crate::result::RunResult;

/// What is to be said of a figure over the whole run.
pub(super) fn of_run(rule: &Rule, actual: f64, result: &RunResult) -> Option<String> {
    if let Some(name) = &rule.request {
        return of_run(&Rule { request: None, ..rule.clone() }, actual, &result.of_request(name)?);
    }
    let failures = if rule.metric.counts_failures_as_speed() {
        failures_as_speed(rule, actual, result)
    } else {
        few_ok(rule, result)
    };
    let notes: Vec<_> = [unfinished(rule, result), failures].into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// How the figure takes requests that never ended.
fn unfinished(rule: &Rule, result: &RunResult) -> Option<String> {
    let never = result.never_ended();
    let taken = match rule.metric {
        Metric::Time(Times::Ok, _) => "are not in it".to_owned(),
        Metric::Share(_) => match rule.comparison {
            Comparison::Less | Comparison::AtMost => "are not in it".to_owned(),
            Comparison::Greater | Comparison::AtLeast => "count as something else".to_owned(),
        },
        Metric::ErrorRate => "count as failed".to_owned(),
        Metric::Time(_, Statistic::Percentile(_)) => "count as longer than all others".to_owned(),
        Metric::Time(_, Statistic::Mean) => {
            let awaited = result.drain_seconds;
            format!("count as if they took the {awaited:.1} s for which they were awaited")
        }
        _ => return None,
    };
    (never > 0).then(|| format!("{never} requests never ended and {taken}"))
}

/// Where most of what is behind the figure failed, or where the rule holds by what failed: that, and
/// the figure of the ok requests alone.
fn failures_as_speed(rule: &Rule, actual: f64, result: &RunResult) -> Option<String> {
    let (failed, all) = (result.outcomes.failed, result.total_requests);
    let ok_alone = rule.metric.of_ok().map(|metric| Rule { metric, ..rule.clone() });
    let ok_alone = ok_alone.and_then(|rule| {
        let figure = figure_of_run(&rule, result).ok()?;
        Some((rule, figure))
    });
    let helped =
        ok_alone.as_ref().is_some_and(|(_, figure)| rule.holds(actual) && !rule.holds(*figure));
    if failed == all && all > 0 {
        return Some(format!("it rests on failures alone: all {all} requests behind it failed"));
    }
    let speaks = most(failed, all) || failed > 0 && helped;
    if !speaks {
        return None;
    }
    let and = ok_alone.map_or_else(String::new, |(rule, figure)| {
        format!(", and {} is {}", rule.metric, in_words(figure, rule.unit()))
    });
    Some(format!("{failed} of the {all} requests behind it failed ({}){and}", share(failed, all)))
}

/// Where the ok requests, of which the figure is, are the lesser part.
fn few_ok(rule: &Rule, result: &RunResult) -> Option<String> {
    let ok = result.outcomes.ok;
    let all = result.total_requests + result.never_ended();
    let is_few = matches!(rule.metric, Metric::Time(Times::Ok, _)) && result.is_mostly_failed();
    is_few.then(|| format!("only {ok} of {all} requests were ok ({})", share(ok, all)))
}

impl RunResult {
    /// Whether more than a half of the requests failed, or never ended.
    pub(crate) fn is_mostly_failed(&self) -> bool {
        let all = self.total_requests + self.never_ended();
        most(all - self.outcomes.ok, all)
    }
}

/// What is to be said of the windows of a rule: in how many of them most or all of the requests
/// failed.
pub(super) fn of_windows(rule: &Rule, windows: Windows) -> Option<String> {
    let Windows { judged, mostly_failed, all_failed } = windows;
    if let Metric::Time(Times::Ok, _) = rule.metric {
        return (all_failed > 0)
            .then(|| format!("no request was ok in {all_failed} of {judged} windows"));
    }
    if !rule.metric.counts_failures_as_speed() || mostly_failed == 0 {
        return None;
    }
    if all_failed == judged {
        return Some("it rests on failures alone: all requests failed in every window".into());
    }
    let all = match all_failed {
        0 => String::new(),
        n => format!(", and all of them in {n}"),
    };
    Some(format!("most of the requests failed in {mostly_failed} of {judged} windows{all}"))
}

/// Of the windows of a rule, how many there were and how requests fared in them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Windows {
    pub(super) judged: u64,
    /// In which most of the requests failed, or all.
    pub(super) mostly_failed: u64,
    /// In which all did.
    pub(super) all_failed: u64,
}

impl Windows {
    /// Counts one more, in which `failed` of `all` requests failed.
    pub(super) fn count(&mut self, failed: u64, all: u64) {
        self.judged += 1;
        self.mostly_failed += u64::from(most(failed, all));
        self.all_failed += u64::from(all > 0 && failed == all);
    }
}

/// More than a half.
fn most(part: u64, all: u64) -> bool {
    part > all / 2
}

/// A share that is neither nothing nor all, rounded to one decimal and to neither of them.
fn share(part: u64, all: u64) -> String {
    let percent = 100.0 * part as f64 / all as f64;
    format!("{:.1}%", percent.clamp(0.1, 99.9))
}

/// A figure with its unit, in four significant digits, for that is more than is measured.
pub(crate) fn in_words(figure: f64, unit: &str) -> String {
    let decimals = (3 - figure.abs().max(1e-6).log10().floor() as i32).clamp(0, 6) as usize;
    let number = format!("{figure:.decimals$}");
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => &number,
    };
    let space = if unit == "ms" { " " } else { "" };
    format!("{number}{space}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::{failing_run, mostly_failing_run, refused_run, steady_run};

    fn reason(result: &RunResult, rule: &str) -> Option<String> {
        result.check(&rule.parse().unwrap()).reason
    }

    #[test]
    fn a_figure_of_failures_alone_says_so() {
        let mut result = refused_run();
        let note = "it rests on failures alone: all 6000 requests behind it failed";
        let rules = ["rps>=1000", "p99<50ms", "mean<50ms", "max>1s", "service_p50<50ms"];
        for rule in rules {
            assert_eq!(reason(&result, rule).as_deref(), Some(note), "{rule}");
        }
        for rule in ["error_rate<1%", "dropped_rate<1%", "share{connect_refused}<1%", "ok_rps>=1"] {
            assert_eq!(reason(&result, rule), None, "{rule}");
        }
        result.loop_kind = crate::result::LoopKind::Open;
        assert_eq!(reason(&result, "achieved_rate>=99%").as_deref(), Some(note));
    }

    #[test]
    fn a_figure_that_rests_mostly_on_failures_says_so_beside_that_of_the_ok_ones() {
        let result = mostly_failing_run();
        let outcome = result.check(&"p50<100ms".parse().unwrap());
        assert!(outcome.passed, "the formula of p50 is what it was");
        let note = "600 of the 1000 requests behind it failed (60.0%), and ok_p50 is 200 ms";
        assert_eq!(outcome.reason.as_deref(), Some(note));
        let note = "600 of the 1000 requests behind it failed (60.0%), and ok_rps is 40/s";
        assert_eq!(reason(&result, "rps>=90").as_deref(), Some(note));
        let note = "600 of the 1000 requests behind it failed (60.0%)";
        assert_eq!(reason(&result, "service_p50<100ms").as_deref(), Some(note));
        let few = "only 400 of 1000 requests were ok (40.0%)";
        assert_eq!(reason(&result, "ok_p50<1s").as_deref(), Some(few));
        assert_eq!(reason(&result, "ok_rps>=1"), None);
    }

    #[test]
    fn so_does_one_that_holds_by_its_failures_however_few_they_are() {
        let result = failing_run();
        let failed = result.outcomes.failed;
        assert!(0 < failed && failed < result.total_requests / 20);
        assert_eq!(reason(&result, "rps>=900"), None);
        // As many as there were with the failed ones, and a few more than without them.
        let all = result.achieved_rps.unwrap();
        let said = reason(&result, &format!("rps>={all}")).unwrap();
        assert!(said.contains(" requests behind it failed (1.5%), and ok_rps is "), "{said}");
        assert_eq!(reason(&result, "rps>=100000"), None, "it does not hold at all");
        assert_eq!(reason(&steady_run(), "p50<1s"), None);
    }

    #[test]
    fn what_never_ended_is_told_as_each_rule_takes_it() {
        let mut result = steady_run();
        result.outcomes.unfinished = 2 * result.total_requests;
        for (rule, note) in [
            ("p10<1s", "20000 requests never ended and count as longer than all others"),
            ("error_rate<1%", "20000 requests never ended and count as failed"),
            (
                "ok_p10<1s",
                "20000 requests never ended and are not in it; only 10000 of 30000 requests were \
                 ok (33.3%)",
            ),
            ("share{503}<1%", "20000 requests never ended and are not in it"),
            ("share{200}>=99%", "20000 requests never ended and count as something else"),
        ] {
            assert_eq!(reason(&result, rule).as_deref(), Some(note), "{rule}");
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_all() {
        assert_eq!(
            [(1, 3), (1, 100_000), (99_999, 100_000)].map(|(n, all)| share(n, all)),
            ["33.3%", "0.1%", "99.9%"]
        );
        assert!(most(2, 3) && most(1, 1) && !most(1, 2) && !most(0, 0) && !most(2, 4));
    }
}
