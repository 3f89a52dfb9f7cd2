//! Turns rates and queues into the moments at which everything has to happen, worked out without
//! the engine.

use crate::time::{Nanos, SECOND};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::f64::consts::TAU;

/// A stretch of time, in seconds, in which the rate goes from one to another in a line.
pub(super) type Stretch = (f64, f64, f64);

/// The arrivals of a rate made of `stretches`: arrival n comes when n + 1/2 were to come.
pub(super) fn arrivals(stretches: &[Stretch]) -> Vec<Nanos> {
    let mut all = Vec::new();
    let (mut begun, mut before) = (0.0, 0.0);
    for (length, from, to) in stretches {
        let whole = length * (from + to) / 2.0;
        while (all.len() as f64 + 0.5) < before + whole {
            let part = all.len() as f64 + 0.5 - before;
            // from t + (to - from) t^2 / (2 length) = part, in the form that also does without the
            // square.
            let root = (from * from + 2.0 * (to - from) / length * part).sqrt();
            all.push(rounded(begun + 2.0 * part / (from + root)));
        }
        before += whole;
        begun += length;
    }
    all
}

/// The arrivals of max(0, middle + amplitude sin(2 pi t / period)) for `seconds`, by bisection.
pub(super) fn sine_arrivals(middle: f64, amplitude: f64, period: f64, seconds: f64) -> Vec<Nanos> {
    // The rate is above 0 up to this part of the period, and again from half a period after its
    // distance from the middle.
    let rest = (middle / amplitude).min(1.0).asin() / TAU;
    let (falls, rises) = ((0.5 + rest) * period, (1.0 - rest) * period);
    let sum = |t: f64| middle * t + amplitude * period / TAU * (1.0 - (TAU * t / period).cos());
    let within = |t: f64| match t {
        t if t <= falls => sum(t),
        t if t <= rises => sum(falls),
        t => sum(falls) + sum(t) - sum(rises),
    };
    let demand = |t: f64| (t / period).floor() * within(period) + within(t % period);
    let when = |wanted: f64| {
        let (mut low, mut high) = (0.0, seconds);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if demand(middle) < wanted { low = middle } else { high = middle }
        }
        rounded(high)
    };
    let wanted = (0..).map(|n| f64::from(n) + 0.5);
    wanted.take_while(|wanted| *wanted < demand(seconds)).map(when).collect()
}

/// The random arrivals of `seed` at a constant rate: gaps of -ln u between them, u being the numbers
/// of xoshiro256++, seeded by SplitMix64 (Blackman and Vigna, <https://prng.di.unimi.it>).
pub(super) fn poisson_arrivals(mut seed: u64, rate: f64, seconds: f64) -> Vec<Nanos> {
    let mut split_mix = || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut state: [u64; 4] = std::array::from_fn(|_| split_mix());
    let mut random = || {
        let number = state[0].wrapping_add(state[3]).rotate_left(23).wrapping_add(state[0]);
        let shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = state[3].rotate_left(45);
        ((number >> 11) + 1) as f64 / (1_u64 << 53) as f64
    };
    let mut position = 0.0;
    let positions = std::iter::repeat_with(|| {
        position -= random().ln();
        position
    });
    positions.map(|at| at / rate).take_while(|at| *at <= seconds).map(rounded).collect()
}

fn rounded(seconds: f64) -> Nanos {
    (seconds * SECOND as f64).round() as Nanos
}

/// First come, first served by `lanes`, each for one request at a time: of each request the intended
/// start, the actual one, and the end.
pub(super) fn queue(
    arrivals: &[Nanos],
    lanes: usize,
    reply: impl Fn(u64, Nanos) -> Nanos,
) -> Vec<[Nanos; 3]> {
    let mut free: BinaryHeap<Reverse<Nanos>> = (0..lanes).map(|_| Reverse(0)).collect();
    let one = |(n, intended): (usize, &Nanos)| {
        let Reverse(since) = free.pop().expect("there are lanes");
        let start = since.max(*intended);
        let end = reply(n as u64, start);
        free.push(Reverse(end));
        [*intended, start, end]
    };
    arrivals.iter().enumerate().map(one).collect()
}

/// The same with one lane and at most `backlog` waiting: every `look`, from the second arrival on and
/// at the end of the load, the oldest beyond that are given up. Also answers how many those are.
pub(super) fn limited_queue(
    arrivals: &[Nanos],
    load_end: Nanos,
    backlog: usize,
    look: Nanos,
    reply: impl Fn(u64, Nanos) -> Nanos,
) -> (Vec<[Nanos; 3]>, usize) {
    let (mut sent, mut dropped) = (Vec::new(), 0);
    let (mut waiting, mut next) = (VecDeque::new(), arrivals.iter().copied().peekable());
    let (mut free, mut looks) = (arrivals[0], arrivals[1]);
    loop {
        let now = free.min(looks);
        waiting.extend(std::iter::from_fn(|| next.next_if(|arrival| *arrival <= now)));
        if looks < free {
            let excess = waiting.len().saturating_sub(backlog);
            waiting.drain(..excess);
            dropped += excess;
            looks = if looks < load_end { load_end.min(looks + look) } else { Nanos::MAX };
        } else if let Some(intended) = waiting.pop_front() {
            sent.push([intended, free, reply(sent.len() as u64, free)]);
            free = reply(sent.len() as u64 - 1, free);
        } else {
            return (sent, dropped);
        }
    }
}
