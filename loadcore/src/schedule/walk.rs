//! Turns a seed into the positions of random arrivals, one after the other.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// A walk along the arrivals of a Poisson process of rate 1, which is one arrival for each unit of
/// demand: the profile's inverse bends it to any rate over time (Lewis and Shedler, 1979, by way
/// of Çinlar's inversion).
///
/// The sequence is part of the contract, so that anyone can reproduce a run:
///
/// ```text
/// generator  xoshiro256++, its state filled by SplitMix64 from the seed
/// u          ((next_u64 >> 11) + 1) / 2^53, in (0, 1]
/// gap        −ln u
/// position   of arrival n: the sum of the first n + 1 gaps, in f64, in order
/// ```
///
/// Positions are in demand, not in time, so they stay right when the profile is changed.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    random: Xoshiro256PlusPlus,
    /// Which arrival of the whole the walk stands at.
    pub(super) index: u64,
    /// Where that one is, in demand.
    pub(super) position: f64,
}

impl Walk {
    /// At the first arrival.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let position = gap(&mut random);
        Self { random, index: 0, position }
    }

    /// On to the next arrival.
    #[inline]
    pub(super) fn step(&mut self) {
        self.position += gap(&mut self.random);
        self.index += 1;
    }
}

/// An exponential gap of mean 1.
#[inline]
fn gap(random: &mut Xoshiro256PlusPlus) -> f64 {
    const SCALE: f64 = 1.0 / (1u64 << 53) as f64;
    let u = ((random.next_u64() >> 11) + 1) as f64 * SCALE;
    -u.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Kolmogorov-Smirnov distance of gaps from `1 − e^−x`, times √n: 1.95 is exceeded by one
    /// true sample in a thousand (Smirnov, 1948).
    fn distance(seed: u64, n: usize) -> f64 {
        let mut walk = Walk::new(seed);
        let mut before = 0.0;
        let mut gaps: Vec<f64> = (0..n)
            .map(|_| {
                let gap = walk.position - before;
                before = walk.position;
                walk.step();
                gap
            })
            .collect();
        gaps.sort_by(f64::total_cmp);
        let count = n as f64;
        let off = |(i, gap): (usize, &f64)| {
            let expected = 1.0 - (-gap).exp();
            (expected - i as f64 / count).abs().max((expected - (i + 1) as f64 / count).abs())
        };
        gaps.iter().enumerate().map(off).fold(0.0, f64::max) * count.sqrt()
    }

    #[test]
    fn gaps_are_exponential() {
        for seed in [0, 1, 2, 42, 1_234_567, u64::MAX] {
            let distance = distance(seed, 100_000);
            assert!(distance < 1.95, "seed {seed}: {distance}");
        }
    }

    #[test]
    fn the_sequence_of_a_seed_stays_what_it_is() {
        let mut walk = Walk::new(42);
        let mut positions = Vec::new();
        for _ in 0..3 {
            positions.push(walk.position);
            walk.step();
        }
        // Computed apart from this code, in Python, from the definition above.
        let expected = [0.2054201120678683, 1.3485454486276902, 1.3647823890069302];
        for (position, expected) in positions.iter().zip(expected) {
            assert!((position - expected).abs() < 1e-12, "{positions:?}");
        }
    }
}
