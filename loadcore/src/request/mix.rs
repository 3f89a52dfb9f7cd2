//! Turns the number of an arrival into the request of the mix that it is.

use std::sync::Arc;

/// The most named requests of a mix.
pub const MOST_REQUESTS: usize = 100;

/// Which request each arrival is. It follows from the seed and the arrival's number alone, so that
/// nobody has to be told, and everybody can count beforehand.
///
/// The choice is part of the contract:
///
/// ```text
/// h(x)      SplitMix64's output function: x ^= x >> 30; x *= 0xbf58476d1ce4e5b9;
///           x ^= x >> 27; x *= 0x94d049bb133111eb; x ^ (x >> 31)
/// z         h(h(seed XOR 0x6d6978) + (n + 1) * 0x9e3779b97f4a7c15), modulo 2^64
/// request   the first whose end is above z; the end of request k is 2^64 times the sum of the first
///           k + 1 weights, over the sum of all (in f64, cut to a whole number); the last has the rest
/// ```
///
/// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.)
///
/// ```
/// use loadcore::request::Mix;
///
/// let mix = Mix::new(7, &[3.0, 1.0]);
/// let counts = mix.counts(0..1_000);
/// assert_eq!(counts.iter().sum::<u64>(), 1_000);
/// assert!((700..800).contains(&counts[0]));
/// assert_eq!(Mix::default().pick(12), 0, "without a mix there is one request");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mix {
    state: u64,
    /// Where each request's part of the numbers of 64 bits ends, but the last one's.
    ends: Arc<[u64]>,
    named: usize,
}

impl Mix {
    /// Requests with these weights, each above 0. Of none there is one, without a name.
    #[must_use]
    pub fn new(seed: u64, weights: &[f64]) -> Self {
        let sum: f64 = weights.iter().sum();
        let mut so_far = 0.0;
        let ends = weights.iter().take(weights.len().saturating_sub(1)).map(|weight| {
            so_far += weight;
            // A float above the greatest whole number becomes that.
            (so_far / sum * 2f64.powi(64)) as u64
        });
        Self { state: output(seed ^ 0x006d_6978), ends: ends.collect(), named: weights.len() }
    }

    /// How many named requests there are; 0 without a mix.
    #[must_use]
    pub fn named(&self) -> usize {
        self.named
    }

    /// Which request arrival `n` is, counted from 0.
    #[inline]
    #[must_use]
    pub fn pick(&self, n: u64) -> usize {
        if self.ends.is_empty() { 0 } else { self.pick_of_many(n) }
    }

    #[inline]
    fn pick_of_many(&self, n: u64) -> usize {
        let step = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = output(self.state.wrapping_add(step));
        self.ends.partition_point(|end| *end <= z)
    }

    /// How many of these arrivals are which request; nothing without a mix.
    #[must_use]
    pub fn counts(&self, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut counts = vec![0; self.named];
        if self.named > 0 {
            numbers.into_iter().for_each(|n| counts[self.pick(n)] += 1);
        }
        counts
    }
}

/// SplitMix64's output function.
#[inline]
fn output(state: u64) -> u64 {
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How many of the first arrivals are which request, counted on as there are more.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    mix: Mix,
    upto: u64,
    counts: Vec<u64>,
}

impl Tally {
    /// Of none so far.
    #[must_use]
    pub fn new(mix: Mix) -> Self {
        let counts = vec![0; mix.named()];
        Self { mix, upto: 0, counts }
    }

    /// The counts of the first `n` arrivals, of which `number` tells the numbers. Fewer than before
    /// change nothing.
    pub fn of_first(&mut self, n: u64, number: impl Fn(u64) -> u64) -> &[u64] {
        if !self.counts.is_empty() {
            for i in self.upto..n {
                self.counts[self.mix.pick(number(i))] += 1;
            }
        }
        self.upto = self.upto.max(n);
        &self.counts
    }

    /// Leaves out the arrivals before the `n`th, which are somebody else's.
    pub fn skip(&mut self, n: u64) {
        self.upto = self.upto.max(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_choice_of_a_seed_stays_what_it_is() {
        let mix = Mix::new(42, &[1.0, 2.0, 3.0, 4.0]);
        let picked: Vec<_> = (0..16).map(|n| mix.pick(n)).collect();
        // Computed apart from this code, in Python, from the definition above.
        assert_eq!(picked, [1, 1, 1, 3, 3, 3, 1, 3, 3, 1, 3, 2, 3, 1, 0, 2]);
        assert_eq!(mix.counts(0..100_000), [10_115, 19_896, 29_994, 39_995]);
    }

    #[test]
    fn each_share_of_the_arrivals_has_the_weights_of_the_whole() {
        let weights = [1.0, 0.5, 7.0, 2.5];
        let mix = Mix::new(9, &weights);
        for stride in [1, 2, 5, 64] {
            for offset in [0, stride - 1] {
                let counts = mix.counts((0..100_000).map(|i| offset + i * stride));
                for (count, weight) in counts.iter().zip(weights) {
                    let (p, n) = (weight / 11.0, 100_000.0);
                    let off = (*count as f64 - n * p).abs() / (n * p * (1.0 - p)).sqrt();
                    assert!(off < 4.0, "{counts:?}: {off} standard deviations");
                }
            }
        }
    }

    #[test]
    fn one_request_is_always_that_one() {
        for mix in [Mix::default(), Mix::new(3, &[]), Mix::new(3, &[0.1])] {
            assert!((0..100).all(|n| mix.pick(n) == 0));
        }
        assert_eq!(Mix::new(3, &[0.1]).counts(0..9), [9]);
        assert!(Mix::default().counts(0..9).is_empty());
    }

    proptest! {
        #[test]
        fn a_tally_counts_on(
            weights in prop::collection::vec(1e-9..1e9f64, 0..12),
            seed in any::<u64>(),
            steps in prop::collection::vec(0u64..400, 0..9),
        ) {
            let mix = Mix::new(seed, &weights);
            let mut tally = Tally::new(mix.clone());
            for n in steps {
                let upto = n.max(tally.upto);
                let counts = tally.of_first(n, |i| 3 * i + 1).to_vec();
                prop_assert_eq!(counts, mix.counts((0..upto).map(|i| 3 * i + 1)));
            }
        }
    }
}
