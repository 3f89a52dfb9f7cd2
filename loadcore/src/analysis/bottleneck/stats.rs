//! Turns rows of numbers into a few robust figures: quantiles, trends, how sure one may be.

/// The value that a share `q` of the values does not exceed; `None` without any.
pub(super) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted: Vec<_> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}

/// The middle one.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// How far values lie from their median, as a standard deviation of normal noise would have it: 1.4826
/// times the median distance (Rousseeuw and Croux, 1993).
pub(super) fn spread(values: &[f64]) -> f64 {
    let Some(middle) = median(values) else { return 0.0 };
    let far: Vec<_> = values.iter().map(|value| (value - middle).abs()).collect();
    1.4826 * median(&far).unwrap_or(0.0)
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / (values.len() as f64).max(1.0)
}

/// The variance, with n - 1.
pub(super) fn variance(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    squares / (values.len() as f64 - 1.0).max(1.0)
}

/// Slope and start of the straight line through points, by the median of all slopes (Sen, 1968):
/// outliers do not move it. At most some hundred points are looked at.
pub(super) fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    const MOST: usize = 200;
    let step = points.len().div_ceil(MOST).max(1);
    let some: Vec<_> = points.iter().copied().step_by(step).collect();
    let mut slopes = Vec::new();
    for (n, a) in some.iter().enumerate() {
        slopes
            .extend(some[n + 1..].iter().filter(|b| b.0 > a.0).map(|b| (b.1 - a.1) / (b.0 - a.0)));
    }
    let slope = median(&slopes)?;
    let starts: Vec<_> = some.iter().map(|point| point.1 - slope * point.0).collect();
    Some((slope, median(&starts)?))
}

/// Rank correlation (Kendall's tau-b, 1938), -1 to 1; at most some hundred points are looked at.
pub(super) fn rank_correlation(points: &[(f64, f64)]) -> f64 {
    const MOST: usize = 300;
    let step = points.len().div_ceil(MOST).max(1);
    let some: Vec<_> = points.iter().copied().step_by(step).collect();
    let (mut agree, mut x_tied, mut y_tied, mut pairs) = (0.0, 0.0, 0.0, 0.0);
    for (n, a) in some.iter().enumerate() {
        for b in &some[n + 1..] {
            let (x, y) = (sign(b.0 - a.0), sign(b.1 - a.1));
            agree += x * y;
            x_tied += f64::from(x == 0.0);
            y_tied += f64::from(y == 0.0);
            pairs += 1.0;
        }
    }
    let free = f64::sqrt((pairs - x_tied) * (pairs - y_tied));
    if free > 0.0 { agree / free } else { 0.0 }
}

fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

/// The stretch of values with the greatest sum, as its first place and the one after its last; empty
/// where no sum is above 0 (Kadane's scan).
pub(super) fn greatest_stretch(values: &[f64]) -> (usize, usize) {
    let (mut best, mut best_sum) = ((0, 0), 0.0);
    let (mut from, mut sum) = (0, 0.0);
    for (n, value) in values.iter().enumerate() {
        if sum <= 0.0 {
            (from, sum) = (n, 0.0);
        }
        sum += value;
        if sum > best_sum {
            (best, best_sum) = ((from, n + 1), sum);
        }
    }
    best
}

/// A strength without a scale as a share: 0 is an even chance, 2 is 88%, 4 is 98%.
pub(super) fn chance(strength: f64) -> f64 {
    1.0 / (1.0 + (-strength).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0, 1.0, 2.0, 10.0], 0.5), Some(2.5));
        assert_eq!((median(&[4.0]), quantile(&[1.0, 2.0], 1.0)), (Some(4.0), Some(2.0)));
    }

    #[test]
    fn one_outlier_moves_neither_spread_nor_line() {
        let mut values: Vec<_> = (0..21).map(f64::from).collect();
        values[20] = 1e9;
        assert!((spread(&values) - 1.4826 * 5.0).abs() < 1e-9);
        let points: Vec<_> = values.iter().enumerate().map(|(x, y)| (x as f64, 7.0 + y)).collect();
        let (slope, start) = line(&points).unwrap();
        assert!((slope - 1.0).abs() < 1e-9 && (start - 7.0).abs() < 1e-9);
    }

    #[test]
    fn ranks_agree_disagree_or_neither() {
        let squares: Vec<_> = (0..40).map(|n| (f64::from(n), f64::from(n * n))).collect();
        let falling: Vec<_> = squares.iter().map(|(x, y)| (*x, -y)).collect();
        assert_eq!((rank_correlation(&squares), rank_correlation(&falling)), (1.0, -1.0));
        assert_eq!(rank_correlation(&[(1.0, 5.0), (2.0, 5.0)]), 0.0);
    }

    #[test]
    fn the_greatest_stretch_leaves_out_what_lowers_its_sum() {
        assert_eq!(greatest_stretch(&[-1.0, 4.0, -1.0, 3.0, -9.0, 2.0]), (1, 4));
        assert_eq!(greatest_stretch(&[-1.0, -2.0]), (0, 0));
    }
}
