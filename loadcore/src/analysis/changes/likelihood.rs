//! Turns stretches of scores into how likely each is as normal noise of one level and one spread.

use super::SHORTEST;
use std::f64::consts::{LN_2, TAU};
use std::sync::{Arc, LazyLock};

/// What is known of level and spread beforehand, as a normal-gamma distribution: one by the variance has
/// a gamma distribution of this shape and rate, and the level lies as far from 0 as one value does. All
/// scores together have level 0 and variance 1, so those of a stretch have rather less.
const SHAPE: f64 = 1.0;
const RATE: f64 = 0.3;

/// Lengths of which what follows from them alone is worked out once: those of the series that results
/// have.
const USUAL: usize = 3_600;
static OF_USUAL: LazyLock<Arc<Lengths>> = LazyLock::new(|| Arc::new(Lengths::to(USUAL)));

/// Sums over the first scores, from which the likelihood of any stretch follows at once.
pub(super) struct Likelihood {
    sums: Vec<f64>,
    squares: Vec<f64>,
    /// The same in single precision, of which the processor handles twice as many at once: exact enough
    /// to find the best of many places.
    rough: (Vec<f32>, Vec<f32>),
    lengths: Arc<Lengths>,
}

/// What follows from a stretch's length alone.
struct Lengths {
    /// The part of the likelihood that does not depend on the values.
    part: Vec<f64>,
    rough_part: Vec<f32>,
    /// The shape after so many values.
    shape: Vec<f32>,
    /// The level of a stretch is its sum times this.
    weight: Vec<f32>,
}

impl Likelihood {
    pub(super) fn of(scores: &[f64]) -> Self {
        let sums = running(scores.iter().copied());
        let squares = running(scores.iter().map(|score| score * score));
        let rough = (single(&sums), single(&squares));
        let lengths = match scores.len() <= USUAL {
            true => Arc::clone(&OF_USUAL),
            false => Arc::new(Lengths::to(scores.len())),
        };
        Self { sums, squares, rough, lengths }
    }

    /// The logarithm of the likelihood of the scores from one place to before another.
    pub(super) fn of_stretch(&self, from: usize, to: usize) -> f64 {
        let (sum, squares) =
            (self.sums[to] - self.sums[from], self.squares[to] - self.squares[from]);
        let length = to - from;
        let rate = RATE + 0.5 * (squares - sum * sum * weight(length));
        self.lengths.part[length] - shape(length) * rate.ln()
    }

    /// Where the stretch gains most by a change, and how much; `None` where it is too short for one.
    /// What is in `likelihoods` does not matter: it is room, so that many calls take none of their own.
    pub(super) fn best_split(
        &self,
        from: usize,
        to: usize,
        likelihoods: &mut Vec<f32>,
    ) -> Option<(usize, f64)> {
        let last = (to - from).checked_sub(SHORTEST).filter(|last| *last >= SHORTEST)?;
        let places = from + SHORTEST..=from + last;
        let (sums, squares) = &self.rough;
        // Of what lies before each place, and what lies behind it: from the shortest to the longest.
        let (before, behind) = ((sums[from], squares[from]), (sums[to], squares[to]));
        let (sums, squares) = (&sums[places.clone()], &squares[places]);
        likelihoods.clear();
        likelihoods.resize(sums.len(), 0.0);
        let both = || sums.iter().zip(squares);
        self.lengths.add(likelihoods.iter_mut().zip(both()), before);
        self.lengths.add(likelihoods.iter_mut().rev().zip(both().rev()), behind);
        let best = likelihoods.iter().copied().fold(f32::MIN, f32::max);
        let place = from + SHORTEST + likelihoods.iter().position(|one| *one == best)?;
        let apart = self.of_stretch(from, place) + self.of_stretch(place, to);
        Some((place, apart - self.of_stretch(from, to)))
    }
}

impl Lengths {
    fn to(most: usize) -> Self {
        let part = of_lengths(most);
        Self {
            rough_part: single(&part),
            part,
            shape: (0..=most).map(|length| shape(length) as f32).collect(),
            weight: (0..=most).map(|length| weight(length) as f32).collect(),
        }
    }

    /// Adds the likelihoods of stretches that are longer by one each, between one end and places that
    /// are given by their sums. Written so that the compiler works on several of them at once.
    #[inline(always)]
    fn add<'a>(
        &self,
        places: impl Iterator<Item = (&'a mut f32, (&'a f32, &'a f32))>,
        (end_sum, end_squares): (f32, f32),
    ) {
        let of_length = self.rough_part[SHORTEST..].iter().zip(&self.shape[SHORTEST..]);
        let of_length = of_length.zip(&self.weight[SHORTEST..]);
        for ((likelihood, (sum, squares)), ((part, shape), weight)) in places.zip(of_length) {
            let (sum, squares) = (sum - end_sum, (squares - end_squares).abs());
            let rate = RATE as f32 + 0.5 * (squares - sum * sum * weight);
            *likelihood += part - shape * quick_ln(rate);
        }
    }
}

fn weight(length: usize) -> f64 {
    1.0 / (length as f64 + 1.0)
}

fn shape(length: usize) -> f64 {
    SHAPE + length as f64 / 2.0
}

fn running(values: impl ExactSizeIterator<Item = f64>) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    sums.extend(values.map(|value| {
        sum += value;
        sum
    }));
    sums
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
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

/// The natural logarithm of a number above 0, to 0.00002: several times as fast as the exact one.
#[inline(always)]
pub(super) fn quick_ln(value: f32) -> f32 {
    const EXPONENT: u32 = 23;
    const ONE: u32 = 127 << EXPONENT;
    let bits = value.to_bits();
    let exponent = (bits >> EXPONENT) as i32 - 127;
    let x = f32::from_bits((bits & ((1 << EXPONENT) - 1)) | ONE);
    exponent as f32 * std::f32::consts::LN_2
        + (-1.932_443_2 + x * 3.498_906_7)
        + x * x * ((-2.418_999_5 + x * 1.101_739_6) + x * x * (-0.279_001 + x * 0.029_808_8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_logarithm_is_close() {
        for n in 1..100_000 {
            let value = n as f32 * 0.037;
            assert!((quick_ln(value) - value.ln()).abs() < 3e-5, "{value}");
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
        let (place, gain) = likelihood.best_split(0, 12, &mut Vec::new()).unwrap();
        let exact = likelihood.of_stretch(0, 6) + likelihood.of_stretch(6, 12)
            - likelihood.of_stretch(0, 12);
        assert_eq!(place, 6);
        assert!((gain - exact).abs() < 0.01 && gain > 5.0, "{gain} {exact}");
        assert_eq!(likelihood.best_split(0, 5, &mut Vec::new()), None);
    }
}
