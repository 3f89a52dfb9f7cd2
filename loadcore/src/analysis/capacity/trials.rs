//! Plays many searches of targets whose capacity is computed, and counts how often they are right.
//!
//! The short form makes 20 of each kind; `LOADCORE_LONG=1` makes 200.

#![expect(clippy::print_stderr, reason = "the counts are what the trials are for")]

use super::model::{Model, md1_capacity};
use super::{Capacity, LimitedBy};
use crate::analysis::bottleneck::model::Draws;
use std::thread;

fn trials() -> u64 {
    if std::env::var_os("LOADCORE_LONG").is_some() { 200 } else { 20 }
}

/// So many at least where a share of `share` is promised: exactly that in the long form, and what is missed
/// once in ten thousand times in the short one.
fn at_least(share: f64, trials: u64) -> usize {
    let (mean, missed) = (share * trials as f64, (1.0 - share) * trials as f64);
    if trials >= 200 {
        mean.ceil() as usize
    } else {
        (mean - 4.0 * missed.sqrt()).max(0.0) as usize
    }
}

/// Searches by seed, each with the rate that is true.
fn searches(make: impl Fn(u64) -> (f64, Capacity) + Sync) -> Vec<(f64, Capacity)> {
    let make = &make;
    let of = |from: u64| (from..trials()).step_by(2).map(make).collect::<Vec<_>>();
    thread::scope(|scope| {
        let other = scope.spawn(move || of(1));
        let mut all = of(0);
        all.extend(other.join().unwrap());
        all
    })
}

/// How many are within 5% of what is true, and of how many the interval covers it.
fn right(name: &str, searches: &[(f64, Capacity)]) -> (usize, usize) {
    let mut misses: Vec<f64> = Vec::new();
    let (mut close, mut covered, mut took, mut count, mut width) = (0, 0, 0.0, 0, 0.0);
    for (truth, found) in searches {
        assert_eq!(found.limited_by, Some(LimitedBy::Slo), "{truth}: {found:#?}");
        let rate = found.capacity_rps.unwrap();
        misses.push(rate / truth - 1.0);
        close += usize::from((rate / truth - 1.0).abs() <= 0.05);
        // Where nothing above the highest rate was tried, there is no end.
        let [low, high] = [found.interval[0].unwrap(), found.interval[1].unwrap_or(found.max_rate)];
        covered += usize::from((low..=high).contains(truth));
        let is_right = (low..=high).contains(truth) && (rate / truth - 1.0).abs() <= 0.05;
        if std::env::var_os("LOADCORE_TELL").is_some() && !is_right {
            eprintln!("{truth} and {low} to {high}: {rate} of {}: {found:?}", found.max_rate);
        }
        took += found.seconds;
        count += found.trials.len();
        width += high / low - 1.0;
    }
    misses.sort_by(f64::total_cmp);
    let n = searches.len();
    eprintln!(
        "{name}: of {n} within 5% {close}, covered {covered}; off by {:+.1}% to {:+.1}%, median {:+.1}%; {:.0} s, {} trials, intervals {:.1}% wide",
        100.0 * misses[0],
        100.0 * misses[n - 1],
        100.0 * misses[n / 2],
        took / n as f64,
        count / n,
        100.0 * width / n as f64,
    );
    (close, covered)
}

/// Even arrivals at one server: it takes one over its service time, and not more.
#[test]
fn the_cliff_of_even_arrivals_is_found() {
    let found = searches(|seed| {
        let mut draws = Draws::new(seed ^ 0xdd1);
        let service = draws.scale(0.001, 0.010);
        let truth = 1.0 / service;
        let bound = (draws.between(5.0, 30.0) * service * 1e3).ceil();
        let model = Model { seed, service, ..Model::default() };
        let most = truth * draws.scale(1.3, 20.0);
        (truth, model.search(&format!("p99<{bound}ms"), most))
    });
    let (close, covered) = right("D/D/1", &found);
    assert!(close >= at_least(0.95, trials()), "{close}");
    assert!(covered >= at_least(0.90, trials()), "{covered}");
}

/// Poisson arrivals at one server: the more it is busy the longer they wait.
#[test]
fn the_slope_of_poisson_arrivals_is_found() {
    let found = searches(|seed| {
        let mut draws = Draws::new(seed ^ 0x3d1);
        let service = draws.scale(0.001, 0.006);
        let (name, quantile) = draws.one(&[("p90", 0.9), ("p95", 0.95), ("p99", 0.99)]);
        let bound = (draws.between(6.0, 20.0) * service * 1e3).ceil();
        let truth = md1_capacity(service, quantile, bound / 1e3);
        let model = Model { seed, service, poisson: true, ..Model::default() };
        let most = truth * draws.scale(1.3, 20.0);
        (truth, model.search(&format!("{name}<{bound}ms"), most))
    });
    let (close, covered) = right("M/D/1", &found);
    assert!(close >= at_least(0.95, trials()), "{close}");
    assert!(covered >= at_least(0.90, trials()), "{covered}");
}
