//! Turns windows into the finding that every n-th request is slow, by its number and not by chance.
//!
//! Windows know no numbers of requests, but counts tell the two apart. Where each request is slow with
//! a chance of 1/n, the slow ones of a second scatter as a binomial distribution does; where each n-th
//! is, there are as many in each second, to one or two. So the check asks how probable it is that
//! chance scatters so little.

use crate::analysis::{Finding, FindingKind, Severity, Window, Windows};
use crate::record::{Distribution, Merge};
use crate::result::RunResult;
use crate::time::{MILLISECOND, Nanos};
use serde_json::{Map, json};

/// Slow is at least this many times as long as fast, with nothing in between. A target that stops
/// for a moment makes waits of all lengths instead.
const GAP: u64 = 2;
/// The greatest n that is looked for.
const LARGEST: u64 = 1_000;
/// Windows with fewer slow requests tell nothing by their scatter.
const FEWEST_SLOW: u64 = 5;
/// With fewer windows nothing is found.
const FEWEST_WINDOWS: usize = 5;
/// Of one run in so many like this, without such a target, the check would speak.
const FALSE_ALARMS: f64 = 1e-4;

/// Looks for the service times of each n-th request being at least twice those of all others.
pub(super) fn every_nth(windows: &Windows, _: &RunResult) -> Vec<Finding> {
    found(windows).into_iter().collect()
}

fn found(windows: &Windows) -> Option<Finding> {
    let mut all = Distribution::default();
    windows.iter().for_each(|window| all.merge(&window.service));
    let (fast_ns, slow_ns) = gap(&all)?;
    let (slow, total) = (slower(&all, slow_ns), all.count());
    let n = (total + slow / 2) / slow;
    let is_share = slow.abs_diff(total / n) <= 1 + slow / 100;
    let seen: Vec<_> = windows.iter().filter(|it| tells(it, n)).collect();
    if !(2..=LARGEST).contains(&n) || !is_share || seen.len() < FEWEST_WINDOWS {
        return None;
    }
    let counts = seen.iter().map(|it| (slower(&it.service, slow_ns), it.service.count()));
    let chance = chance(counts, 1.0 / n as f64);
    (chance < FALSE_ALARMS).then(|| Finding {
        kind: FindingKind::EveryNthSlow,
        severity: Severity::Warning,
        confidence: 1.0 - chance,
        from_second: seen[0].second as f64,
        to_second: seen[seen.len() - 1].end_second(),
        request: None,
        evidence: Map::from_iter([
            ("everyNth".to_owned(), json!(n)),
            ("slowRequests".to_owned(), json!(slow)),
            ("fastAtMostMs".to_owned(), json!(ms(fast_ns))),
            ("slowAtLeastMs".to_owned(), json!(ms(slow_ns))),
        ]),
        witnesses: Vec::new(),
        explanation: format!(
            "one request of {n} took at least {} ms, and all others at most {} ms; there are as many \
             in each second, so it is each one of that number and not chance",
            ms(slow_ns),
            ms(fast_ns)
        ),
        next_step: format!(
            "look for what the target does at every {n}th request (a flush, a check of a pool, one \
             slow replica of {n} that take turns)"
        ),
    })
}

/// Where the widest gap is: the end of the bucket below, the beginning of the one above.
fn gap(all: &Distribution) -> Option<(Nanos, Nanos)> {
    let buckets: Vec<_> = all.buckets().collect();
    let pairs = buckets.windows(2).filter_map(|pair| Some((pair[0].to_ns?, pair[1].from_ns)));
    let ratio = |&(below, above): &(Nanos, Nanos)| above as f64 / below as f64;
    let widest = pairs.max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
    (widest.1 >= GAP * widest.0).then_some(widest)
}

/// How many took at least so long.
fn slower(of: &Distribution, slow_ns: Nanos) -> u64 {
    of.buckets().filter(|it| it.from_ns >= slow_ns).map(|it| it.count).sum()
}

/// Whether a window is whole, and has enough of both kinds.
fn tells(window: &Window, n: u64) -> bool {
    window.drain_ns == 0 && window.service.count() >= FEWEST_SLOW * n
}

/// How probable it is, at most, that chance scatters as little: Chernoff's bound of the lower tail of
/// χ² with k degrees of freedom, `(x e^(1-x))^(k/2)` at `x = χ²/k < 1`.
fn chance(counts: impl Iterator<Item = (u64, u64)>, share: f64) -> f64 {
    let terms: Vec<_> = counts
        .map(|(slow, all)| {
            let expected = all as f64 * share;
            (slow as f64 - expected).powi(2) / (expected * (1.0 - share))
        })
        .collect();
    let k = terms.len() as f64;
    let x = terms.iter().sum::<f64>() / k;
    if x < 1.0 { (x * (1.0 - x).exp()).powf(k / 2.0) } else { 1.0 }
}

fn ms(nanos: Nanos) -> f64 {
    nanos as f64 / MILLISECOND as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::judge;
    use crate::result::fixtures::{Dice, answered};
    use crate::time::MILLISECOND as MS;

    /// What is found in 1,000/s for 10 s, each answered after what `service` says of its number.
    fn found(mut service: impl FnMut(u64, &mut Dice) -> Nanos) -> Vec<Finding> {
        let run = answered(10, 1_000, |n, dice| (service(n, dice), 200));
        judge::found(&[every_nth], run)
    }

    #[test]
    fn every_tenth_request_is_slow() {
        let all = found(|n, dice| if n % 10 == 3 { 90 * MS } else { dice.about(MS) });
        let [one] = &all[..] else { panic!("{all:?}") };
        assert_eq!(
            (&one.kind, one.from_second, one.to_second),
            (&FindingKind::EveryNthSlow, 0.0, 10.0)
        );
        assert_eq!(
            (&one.evidence["everyNth"], &one.evidence["slowRequests"]),
            (&json!(10), &json!(1_000))
        );
        assert!(one.confidence > 0.9999, "{}", one.confidence);
    }

    #[test]
    fn every_seventh_is_found_though_no_second_has_a_whole_number_of_them() {
        let all = found(|n, dice| if n % 7 == 0 { 20 * MS } else { dice.about(MS) });
        assert_eq!(all[0].evidence["everyNth"], json!(7));
    }

    #[test]
    fn a_tenth_by_chance_is_something_else() {
        let all = found(|_, dice| if dice.one_in(10) { 90 * MS } else { dice.about(MS) });
        assert_eq!(all, []);
    }

    #[test]
    fn a_stall_of_each_second_is_something_else() {
        let stalled = |n: u64| (100 - n % 1_000) * MS;
        let all = found(|n, dice| if n % 1_000 < 100 { stalled(n) } else { dice.about(MS) });
        assert_eq!(all, [], "waits of all lengths");
    }

    #[test]
    fn nothing_is_found_where_nothing_is_slow() {
        assert_eq!(found(|_, dice| dice.about(MS)), []);
    }
}
