//! Turns stretches of scores into how likely each is as normal noise of one level and one spread.

use super::SHORTEST;
use std::f64::consts::{LN_2, TAU};

/// What is known of level and spread beforehand, as a normal-gamma distribution: one by the variance has
/// a gamma distribution of this shape and rate, and the level lies as far from 0 as one value does. All
/// scores together have level 0 and variance 1, so those of a stretch have rather less.
const SHAPE: f64 = 1.0;
const RATE: f64 = 0.3;

/// Sums over the first scores, from which the likelihood of any stretch follows at once.
pub(super) struct Likelihood {
    sums: Vec<f64>,
    squares: Vec<f64>,
    /// The part that follows from a stretch's length alone.
    of_length: Vec<f64>,
    /// The shape after so many values.
    shape: Vec<f64>,
    /// The level of a stretch is its sum times this, by its length.
    weight: Vec<f64>,
}

impl Likelihood {
    pub(super) fn of(scores: &[f64]) -> Self {
        let squares: Vec<_> = scores.iter().map(|score| score * score).collect();
        Self {
            sums: running(scores),
            squares: running(&squares),
            of_length: of_lengths(scores.len()),
            shape: (0..=scores.len()).map(shape).collect(),
            weight: (0..=scores.len()).map(|length| 1.0 / (length as f64 + 1.0)).collect(),
        }
    }

    /// The logarithm of the likelihood of the scores from one place to before another.
    pub(super) fn of_stretch(&self, from: usize, to: usize) -> f64 {
        let (sum, squares) =
            (self.sums[to] - self.sums[from], self.squares[to] - self.squares[from]);
        let length = to - from;
        self.of_length[length] - self.shape[length] * rate(sum, squares, self.weight[length]).ln()
    }

    /// Where the stretch gains most by a change, and how much; `None` where it is too short for one.
    pub(super) fn best_split(&self, from: usize, to: usize) -> Option<(usize, f64)> {
        let last = (to - from).checked_sub(SHORTEST).filter(|last| *last >= SHORTEST)?;
        let places = from + SHORTEST..=from + last;
        let (sums, squares) = (&self.sums[places.clone()], &self.squares[places]);
        // Of what lies before each place, and what lies behind it: from the shortest to the longest.
        let before = (self.sums[from], self.squares[from]);
        let behind = (self.sums[to], self.squares[to]);
        let mut likelihoods = vec![0.0; sums.len()];
        let (all, both) = (&mut likelihoods, || sums.iter().zip(squares));
        self.add(all.iter_mut().zip(both()), before);
        self.add(all.iter_mut().rev().zip(both().rev()), behind);
        let by_likelihood = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1);
        let (n, best) = likelihoods.iter().enumerate().max_by(by_likelihood)?;
        Some((from + SHORTEST + n, best - self.of_stretch(from, to)))
    }

    /// Adds the likelihoods of stretches that are longer by one each, between one end and places that
    /// are given by their sums. Written so that the compiler works on several of them at once.
    #[inline(always)]
    fn add<'a>(
        &self,
        places: impl Iterator<Item = (&'a mut f64, (&'a f64, &'a f64))>,
        (end_sum, end_squares): (f64, f64),
    ) {
        let of_length = self.of_length[SHORTEST..].iter().zip(&self.shape[SHORTEST..]);
        let of_length = of_length.zip(&self.weight[SHORTEST..]);
        for ((likelihood, (sum, squares)), ((of_length, shape), weight)) in places.zip(of_length) {
            let (sum, squares) = (sum - end_sum, (squares - end_squares).abs());
            *likelihood += of_length - shape * quick_ln(rate(sum, squares, *weight));
        }
    }
}

fn shape(length: usize) -> f64 {
    SHAPE + length as f64 / 2.0
}

/// The rate after values of this sum and sum of squares.
#[inline(always)]
fn rate(sum: f64, squares: f64, weight: f64) -> f64 {
    RATE + 0.5 * (squares - sum * sum * weight)
}

fn running(values: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums = vec![0.0];
    sums.extend(values.iter().map(|value| {
        sum += value;
        sum
    }));
    sums
}

/// Of each length what of the likelihood does not depend on the values.
fn of_lengths(most: usize) -> Vec<f64> {
    let logarithms: Vec<_> = (0..=most + 1).map(|count| (count as f64).ln()).collect();
    // The logarithm of gamma(shape) by that of two values before, from gamma(1) and gamma(3/2) on.
    let mut gamma = vec![0.0, (TAU / 8.0).ln() / 2.0];
    (2..=most).for_each(|length| gamma.push(gamma[length - 2] + logarithms[length] - LN_2));
    let one = |length| {
        let of_level = logarithms[length + 1] / 2.0;
        gamma[length] + SHAPE * RATE.ln() - of_level - length as f64 * (TAU.ln() / 2.0)
    };
    (0..=most).map(one).collect()
}

/// The natural logarithm of a number above 0, to 0.00002: exact enough to find the best of many
/// places, and several times as fast as the exact one.
#[inline(always)]
pub(super) fn quick_ln(value: f64) -> f64 {
    const EXPONENT: u32 = 52;
    const ONE: u64 = 1023 << EXPONENT;
    /// A number of which the last bits are an integer.
    const WHOLE: f64 = (1u64 << EXPONENT) as f64;
    let bits = value.to_bits();
    let exponent = f64::from_bits((bits >> EXPONENT) | WHOLE.to_bits()) - WHOLE - 1023.0;
    let x = f64::from_bits((bits & ((1 << EXPONENT) - 1)) | ONE);
    exponent * LN_2
        + (-1.932_443_2 + x * 3.498_906_7)
        + x * x * ((-2.418_999_5 + x * 1.101_739_6) + x * x * (-0.279_001 + x * 0.029_808_8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_logarithm_is_close() {
        for n in 1..100_000 {
            let value = f64::from(n) * 0.037;
            assert!((quick_ln(value) - value.ln()).abs() < 2e-5, "{value}");
        }
    }

    #[test]
    fn likelihoods_of_all_values_add_up_to_one() {
        // Of a single score: integrated over where it may lie.
        let step = 0.01;
        let density = |n: i32| {
            let score = f64::from(n) * step;
            Likelihood::of(&[score]).of_stretch(0, 1).exp() * step
        };
        let all: f64 = (-20_000..20_000).map(density).sum();
        assert!((all - 1.0).abs() < 0.01, "{all}");
    }

    #[test]
    fn a_stretch_is_split_where_it_changes() {
        let scores = [-1.0, -0.9, -1.1, -1.0, -0.9, -1.1, 1.0, 1.1, 0.9, 1.0, 0.9, 1.1];
        let likelihood = Likelihood::of(&scores);
        let (place, gain) = likelihood.best_split(0, 12).unwrap();
        let exact = likelihood.of_stretch(0, 6) + likelihood.of_stretch(6, 12)
            - likelihood.of_stretch(0, 12);
        assert_eq!(place, 6);
        assert!((gain - exact).abs() < 0.01 && gain > 5.0, "{gain} {exact}");
        assert_eq!(likelihood.best_split(0, 5), None);
    }
}
