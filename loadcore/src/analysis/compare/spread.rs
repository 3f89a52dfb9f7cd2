//! Turns the rows of a run into how far a share of them would scatter from run to run.
//!
//! Neighbouring seconds are alike, so that blocks of seconds are drawn and not single ones: the circular
//! block bootstrap (Politis and Romano, 1992). What a share comes to is a sum over rows, but for terms
//! that vanish, and of a sum the bootstrap's variance has a closed form: the one that endless resamples
//! would come to. Nothing is drawn at random, and nothing depends on a seed.

/// Seconds that a block lasts at least, where the run is long enough: what moves slowly in a service
/// (a collection of garbage, a cache, a neighbour) mostly lasts some seconds.
const BLOCK_SECONDS: u64 = 10;
/// Blocks that there are at least.
const FEWEST_BLOCKS: usize = 5;
/// Rows without which nothing is said.
const FEWEST_ROWS: usize = 3;

/// How far a figure scatters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// The variance.
    pub(super) variance: f64,
    /// On how many independent pieces it rests, less one.
    pub(super) freedom: f64,
}

/// Of Σ part / Σ whole over rows of so many seconds; `None` of too few.
pub(super) fn of_share(rows: &[(f64, f64)], row_seconds: u64) -> Option<Spread> {
    let n = rows.len();
    let (part, whole) = rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    if n < FEWEST_ROWS || whole <= 0.0 {
        return None;
    }
    let share = part / whole;
    let rest: Vec<f64> = rows.iter().map(|(part, whole)| part - share * whole).collect();
    let length = block_rows(n, row_seconds);
    let mut block: f64 = rest[..length].iter().sum();
    let mut squares = 0.0;
    for first in 0..n {
        squares += block * block;
        block += rest[(first + length) % n] - rest[first];
    }
    let blocks = n as f64 / length as f64;
    // Few blocks lie closer to their own mean than to the true one.
    let of_sum = blocks * squares / n as f64 * (blocks / (blocks - 1.0));
    Some(Spread { variance: of_sum / (whole * whole), freedom: blocks - 1.0 })
}

/// Rows of a block. A root of their number balances, in a long run, what blocks miss of slow changes
/// against their being too few.
fn block_rows(rows: usize, row_seconds: u64) -> usize {
    let least = BLOCK_SECONDS.div_ceil(row_seconds.max(1)) as usize;
    let root = (rows as f64).sqrt().ceil() as usize;
    least.max(root).min(rows / FEWEST_BLOCKS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_long_enough_and_not_too_few() {
        let found = [3, 9, 10, 30, 60, 600, 3_600].map(|rows| block_rows(rows, 1));
        assert_eq!(found, [1, 1, 2, 6, 10, 25, 60]);
        assert_eq!((block_rows(120, 30), block_rows(20, 30)), (11, 4));
    }

    #[test]
    fn what_is_the_same_in_every_row_does_not_scatter() {
        let spread = of_share(&[(3.0, 10.0); 60], 1).unwrap();
        assert!(spread.variance < 1e-30 && spread.freedom == 5.0, "{spread:?}");
    }

    #[test]
    fn too_few_rows_say_nothing() {
        assert_eq!(of_share(&[], 1), None);
        assert_eq!(of_share(&[(1.0, 2.0), (0.0, 2.0)], 1), None);
        assert_eq!(of_share(&[(0.0, 0.0); 9], 1), None);
    }

    #[test]
    fn a_slow_change_scatters_more_than_a_fast_one() {
        let variance = |period: usize| {
            let rows: Vec<_> = (0..60)
                .map(|n| (if (n / period).is_multiple_of(2) { 1.0 } else { 9.0 }, 10.0))
                .collect();
            of_share(&rows, 1).unwrap().variance
        };
        assert!(variance(1) < 1e-30, "each block has the mean of all: {}", variance(1));
        // Two levels, each of the six blocks of ten rows on one of them: 0.4^2 / 6 · 6/5.
        assert!(variance(10) > 0.01 && variance(10) < 0.032, "{}", variance(10));
    }

    /// Independent rows: the variance is that of their mean.
    #[test]
    fn of_independent_rows_it_is_the_variance_of_the_mean() {
        let mut state = 7u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f64 / (1u64 << 31) as f64
        };
        let rows: Vec<_> = (0..3_600).map(|_| (random(), 1.0)).collect();
        let found = of_share(&rows, 1).unwrap().variance;
        let wanted = 1.0 / 12.0 / 3_600.0;
        assert!((found / wanted - 1.0).abs() < 0.5, "{found} {wanted}");
    }
}
