//! Finds rules that no run can keep together: a figure would have to lie below one bound and above
//! another that is higher.
//!
//! Some figures are never greater than others: a median than the 99th percentile, service time than
//! response time, the rate of what was ok than the rate of all. So a contradiction need not be of one
//! figure. Windows make no difference: a percentile of a run lies between those of its windows.

use super::{Comparison, Metric, Rule, Statistic, Times};

/// The first two rules that exclude each other, by their places: the second of them, and why.
pub(crate) fn contradiction<'a>(
    rules: impl IntoIterator<Item = &'a Rule>,
) -> Option<(usize, String)> {
    let mut earlier: Vec<&Rule> = Vec::new();
    for (place, rule) in rules.into_iter().enumerate() {
        let other = earlier.iter().position(|it| exclude(it, rule) || exclude(rule, it));
        if let Some(other) = other {
            let first = earlier[other];
            let why = format!(
                "\"{rule}\" cannot hold where \"{first}\" (rule {}) does: leave one of them out, or \
                 change its bound",
                other + 1
            );
            return Some((place, why));
        }
        earlier.push(rule);
    }
    None
}

/// Whether what `most` bounds from above would have to be greater, since what `least` bounds from below
/// is never greater than that.
fn exclude(most: &Rule, least: &Rule) -> bool {
    let is_strict = |rule: &Rule| matches!(rule.comparison, Comparison::Less | Comparison::Greater);
    if !is_upper(most) || is_upper(least) || !is_never_greater(least, most) {
        return false;
    }
    let (most_at, least_at) = (most.bound.in_unit(), least.bound.in_unit());
    least_at > most_at || (least_at == most_at && (is_strict(most) || is_strict(least)))
}

fn is_upper(rule: &Rule) -> bool {
    matches!(rule.comparison, Comparison::Less | Comparison::AtMost)
}

/// Whether the figure of `a` is at most that of `b`, in every run.
fn is_never_greater(a: &Rule, b: &Rule) -> bool {
    let is_same = a.request == b.request;
    match (a.metric, b.metric) {
        (Metric::Time(of_a, a), Metric::Time(of_b, b)) => {
            let is_part = of_a == of_b || (of_a, of_b) == (Times::Service, Times::Response);
            is_same && is_part && is_lower(a, b)
        }
        // One request's rate is a part of the rate of all.
        (Metric::OkRps, Metric::OkRps | Metric::Rps) | (Metric::Rps, Metric::Rps) => {
            is_same || b.request.is_none()
        }
        (a, b) => is_same && a == b,
    }
}

fn is_lower(a: Statistic, b: Statistic) -> bool {
    match (a, b) {
        (Statistic::Min, _) | (_, Statistic::Max) => true,
        (Statistic::Percentile(a), Statistic::Percentile(b)) => a <= b,
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &[&str]) -> Option<(usize, String)> {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        contradiction(&rules)
    }

    #[test]
    fn rules_that_exclude_each_other_are_found() {
        for [first, second] in [
            ["p99<100ms", "p99>=200ms"],
            ["p99<100ms", "p99>=100ms"],
            ["p99<=100ms", "p99>100ms"],
            ["p99<100ms", "p50>150ms"],
            ["max<=1s", "mean>2s"],
            ["p10<5ms", "min>6ms"],
            ["p95<100ms", "service_p50>120ms"],
            ["error_rate<1%", "error_rate>2%"],
            ["share{503}<1%", "share{503}>=5%"],
            ["rps<=100", "ok_rps>=200"],
            ["rps<=100", "rps{a}>=200"],
            ["p99{a}<10ms", "p90{a}>20ms"],
        ] {
            for rules in [[first, second], [second, first]] {
                let (place, why) = found(&rules).unwrap_or_else(|| panic!("{rules:?}"));
                assert_eq!(place, 1, "{rules:?}");
                assert!(why.starts_with(&format!("\"{}\" cannot hold", rules[1])), "{why}");
                assert!(why.contains(&format!("\"{}\" (rule 1)", rules[0])), "{why}");
            }
        }
    }

    #[test]
    fn rules_that_can_hold_together_are_left_alone() {
        for rules in [
            &["p99<200ms", "p99>100ms"][..],
            &["p99<=100ms", "p99>=100ms"],
            &["p50<100ms", "p99>200ms"],
            &["mean<100ms", "p50>200ms"],
            &["p99{a}<100ms", "p99{b}>200ms", "p99>300ms"],
            &["ok_p99<100ms", "p50>200ms"],
            &["service_p99<100ms", "p50>200ms"],
            &["ok_rps<=100", "rps>=200"],
            &["rps{a}<=100", "rps>=200"],
            &["share{503}<1%", "share{500}>5%"],
            &["p99<200ms", "p99<100ms", "p99<200ms"],
        ] {
            assert_eq!(found(rules), None, "{rules:?}");
        }
    }
}
