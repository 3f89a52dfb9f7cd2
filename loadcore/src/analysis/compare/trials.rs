//! Turns a model of a service into many pairs of runs, and counts how often a comparison is right: two
//! runs of one target are called different seldom, and a slower target is found nearly always.
//!
//! A service's times are lognormal, and their mean wanders from second to second: an AR(1) process, as
//! real services have it. The short form makes 40 pairs of each kind; `LOADCORE_LONG=1` makes 1,000.

#![expect(clippy::print_stderr, reason = "the counts are what the trials are for")]

use super::{Judgement, Tolerance, compare};
use crate::result::fixtures::{Run, request, run_start};
use crate::result::{LoopKind, RunEnd, RunResult};
use crate::time::{MILLISECOND, SECOND};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::thread;

/// A target, and how it is loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    pub(super) seconds: u64,
    pub(super) per_second: u64,
    pub(super) median_ms: f64,
    /// Deviation of a time's logarithm.
    pub(super) sigma: f64,
    /// Deviation of the mean's logarithm from second to second.
    pub(super) wander: f64,
    /// How much of that is left a second later.
    pub(super) memory: f64,
    /// Share of the requests that fail.
    pub(super) failing: f64,
}

/// As the task of a comparison is mostly: a minute at 200/s of a service of some 20 ms.
pub(super) const USUAL: Model = Model {
    seconds: 60,
    per_second: 200,
    median_ms: 20.0,
    sigma: 0.5,
    wander: 0.02,
    memory: 0.8,
    failing: 0.002,
};

impl Model {
    pub(super) fn slower(self, times: f64) -> Self {
        Self { median_ms: self.median_ms * times, ..self }
    }

    /// A run of it.
    pub(super) fn run(self, seed: u64) -> RunResult {
        let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(seed));
        let mut run = Run::new(run_start(LoopKind::Open));
        let mut level = self.wander * random.normal();
        let fresh = self.wander * (1.0 - self.memory * self.memory).sqrt();
        for second in 0..self.seconds {
            level = self.memory * level + fresh * random.normal();
            run.second(false, |recorder, _| {
                for n in 0..self.per_second {
                    let due = second * SECOND + n * SECOND / self.per_second;
                    let ms = self.median_ms * (level + self.sigma * random.normal()).exp();
                    let status = if random.even() < self.failing { 503 } else { 200 };
                    let service = (ms * MILLISECOND as f64) as u64;
                    request(recorder, Some(due), 0, service, Ok(status));
                }
            });
        }
        run.end(RunEnd { duration_ns: self.seconds * SECOND, ..RunEnd::default() }, 0)
    }
}

/// Random numbers by seed.
struct Random(Xoshiro256PlusPlus);

impl Random {
    /// From 0 to 1, and never 0.
    fn even(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Of the standard normal distribution (Box and Muller, 1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.even().ln()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
    }
}

/// How many of `pairs` comparisons of one group of runs with another came to each judgement.
fn judgements(pairs: u64, repeats: u64, base: Model, candidate: Model) -> Vec<Judgement> {
    let judge = |pair: u64| {
        let group = |model: Model, side: u64| -> Vec<RunResult> {
            (0..repeats).map(|n| model.run(1 + (pair * 2 + side) * repeats + n)).collect()
        };
        compare(&group(base, 0), &group(candidate, 1), Tolerance::default()).judgement
    };
    let both = |from: u64| -> Vec<Judgement> { (from..pairs).step_by(2).map(judge).collect() };
    let (mut one, other) = thread::scope(|scope| {
        let one = scope.spawn(|| both(0));
        (both(1), one.join().unwrap())
    });
    one.extend(other);
    one
}

fn pairs() -> u64 {
    if std::env::var_os("LOADCORE_LONG").is_some() { 1_000 } else { 40 }
}

/// At most so many, where a share of `share` of them is allowed: exactly that in the long form, and
/// what is passed once in ten thousand times in the short one.
fn at_most(share: f64, pairs: u64) -> usize {
    let mean = share * pairs as f64;
    if pairs >= 1_000 { mean as usize } else { (mean + 4.0 * mean.sqrt()).ceil() as usize }
}

#[test]
fn two_runs_of_one_target_are_seldom_called_different() {
    let pairs = pairs();
    let judged = judgements(pairs, 1, USUAL, USUAL);
    let different = judged.iter().filter(|it| it.is_different()).count();
    eprintln!("{different} of {pairs} pairs of the same target were called different");
    assert!(judged.iter().all(|it| *it != Judgement::Unknown));
    assert!(different <= at_most(0.05, pairs), "{different} of {pairs}");
}

#[test]
fn a_target_slower_by_a_tenth_is_nearly_always_found() {
    let pairs = pairs();
    let judged = judgements(pairs, 1, USUAL, USUAL.slower(1.1));
    let missed = judged.iter().filter(|it| **it != Judgement::Regression).count();
    eprintln!("a regression by 10% was missed in {missed} of {pairs} pairs");
    assert!(missed <= at_most(0.05, pairs), "{missed} of {pairs}");
}
