//! Turns values into normal scores by their ranks.

use super::likelihood::quick_ln;

/// How many neighbours on each side one value is held against.
const REACH: usize = 4;

/// The scores of the values, outliers drawn in.
pub(super) fn of(series: &[f64]) -> Vec<f64> {
    let scores = normal(series);
    let place = |n| drawn_in(&scores, n);
    (0..scores.len()).map(place).collect()
}

/// The score that a value of its rank has in normal noise; equal values have equal ones.
fn normal(series: &[f64]) -> Vec<f64> {
    let mut order: Vec<(i64, usize)> = series.iter().map(sortable).zip(0..).collect();
    order.sort_unstable_by_key(|(key, _)| *key);
    let mut scores = vec![0.0; series.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| a.0 == b.0) {
        let rank = before as f64 + equal.len() as f64 / 2.0;
        let score = normal_quantile(rank / series.len() as f64);
        equal.iter().for_each(|(_, n)| scores[*n] = score);
        before += equal.len();
    }
    scores
}

/// A whole number with the value's place among others: that of `f64::total_cmp`, worked out once. All
/// that is no number is equal, and so are both zeros.
fn sortable(value: &f64) -> i64 {
    let comparable = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let bits = comparable.to_bits().cast_signed();
    bits ^ ((bits >> 63) & i64::MAX)
}

/// The value that a share of normal noise does not exceed, to 0.0005 (Abramowitz and Stegun, 26.2.23).
fn normal_quantile(share: f64) -> f64 {
    if share > 0.5 {
        return -normal_quantile(1.0 - share);
    }
    let t = (-2.0 * f64::from(quick_ln(share as f32))).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    above / below - t
}

/// A value that stands out from its neighbours alone counts as if it did so by no more than they differ
/// among themselves.
fn drawn_in(scores: &[f64], n: usize) -> f64 {
    let end = (n + REACH + 1).min(scores.len());
    let neighbours = scores[n.saturating_sub(REACH)..n].iter().chain(&scores[n + 1..end]);
    let (low, high) = neighbours
        .fold((f64::MAX, f64::MIN), |(low, high), score| (low.min(*score), high.max(*score)));
    let apart = high - low;
    if apart < 0.0 { scores[n] } else { scores[n].clamp(low - apart, high + apart) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_quantiles_of_normal_noise_and_equal_for_equal_values() {
        let scores = normal(&[5.0, 1.0, 5.0, 9.0]);
        let expected = [0.0, -1.1503, 0.0, 1.1503];
        for (score, expected) in scores.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-3, "{scores:?}");
        }
    }

    #[test]
    fn one_value_alone_is_drawn_in_and_two_are_not() {
        assert_eq!(drawn_in(&[0.0, 0.0, 3.0, 0.0, 0.0], 2), 0.0);
        assert_eq!(drawn_in(&[0.0, 1.0, 3.0, 0.5, 0.0], 2), 2.0);
        assert_eq!(drawn_in(&[0.0, 0.0, 3.0, 3.0, 0.0], 2), 3.0);
        assert_eq!(drawn_in(&[3.0], 0), 3.0);
    }
}
