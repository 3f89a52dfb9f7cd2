//! Finds where a series of numbers begins to have another level or spread.
//!
//! What counts of a value is its rank, as the score that a value of that rank has on average in normal
//! noise. So neither the unit nor the shape of the noise matters, no outlier weighs much, and how often
//! noise alone shows a change is the same for every noise: on [`LEAST_GAIN`] it was measured once.
//!
//! A stretch of scores without a change is taken for normal noise of unknown level and spread, and its
//! likelihood is the mean over both (a normal-gamma prior), so that a short stretch that happens to be
//! even is not mistaken for a change of spread. Intervals of all lengths at all places are each split
//! where that gains most (seeded binary segmentation); of those places the best set is then chosen.
//! That takes n log n steps for n values, and as many as there are pairs of such places.
//!
//! - S. Kovács, P. Bühlmann, H. Li, A. Munk: Seeded binary segmentation, Biometrika 110, 2023.
//! - B. Jackson and others: An algorithm for optimal partitioning of data on an interval, IEEE Signal
//!   Processing Letters 12, 2005.
//! - B. L. van der Waerden: normal scores of ranks, 1952.

mod likelihood;
mod scores;

use likelihood::Likelihood;

/// The shortest stretch between two changes; what is shorter is an outlier.
const SHORTEST: usize = 3;
/// Shorter intervals are not split: a change has to show itself in more values.
const SHORTEST_INTERVAL: usize = 8;
/// What a change must gain, as a logarithm of likelihood: so much, and half of the logarithm of the
/// number of values, for there are more places where noise can look like one. In noise alone at most one
/// series of a hundred has a change then.
const LEAST_GAIN: f64 = 2.6;

/// The places at which `series` begins to have another level or spread: each is the index of the first
/// value that is different from those before, in rising order, never 0.
///
/// Values may have any unit and be any numbers; of a value that is no number only that is seen, as if
/// it were greater than all others. A change that less than three values bear is an outlier, and none
/// is said of fewer than eight values. Noise alone shows a change in about one series of a hundred, of
/// whatever shape it is, where each value is independent of the one before; a series that wanders, or
/// comes in waves, changes all the time, and so it is said.
///
/// ```
/// let mut series: Vec<f64> = (0..40).map(|n| f64::from(n * 7 % 10)).collect();
/// assert!(loadcore::analysis::changes(&series).is_empty());
/// series[25..].iter_mut().for_each(|value| *value += 9.0);
/// series[10] = 1e9;
/// assert_eq!(loadcore::analysis::changes(&series), [25]);
/// ```
pub fn changes(series: &[f64]) -> Vec<usize> {
    let count = series.len();
    let likelihood = Likelihood::of(&scores::of(series));
    let least_gain = LEAST_GAIN + (count.max(1) as f64).ln() / 2.0;
    let mut room = Vec::with_capacity(count);
    let split = |(from, to)| likelihood.best_split(from, to, &mut room);
    let mut places: Vec<_> = intervals(count)
        .filter_map(split)
        // With other neighbours it may gain more than in this interval.
        .filter(|(_, gain)| *gain > least_gain / 2.0)
        .map(|(place, _)| place)
        .collect();
    places.sort_unstable();
    places.dedup();
    let mut chosen = best_of(&places, count, &likelihood, least_gain);
    settle(&mut chosen, count, &likelihood);
    chosen
}

/// Intervals of all lengths, each half as long as the one before, so that they overlap by half.
fn intervals(count: usize) -> impl Iterator<Item = (usize, usize)> {
    let lengths = std::iter::successors(Some(count), |length| Some(length.div_ceil(2)));
    lengths.take_while(|length| *length >= SHORTEST_INTERVAL).flat_map(move |length| {
        let steps = (2 * count.div_ceil(length)).saturating_sub(2);
        (0..=steps).map(move |step| {
            let from = step * (count - length) / steps.max(1);
            (from, from + length)
        })
    })
}

/// Those of the places that make the series most likely, when each has to gain so much.
fn best_of(places: &[usize], count: usize, likelihood: &Likelihood, least_gain: f64) -> Vec<usize> {
    let ends: Vec<_> = [0].iter().chain(places).chain(&[count]).copied().collect();
    // Of the series up to each end: its greatest likelihood, and the end before in that.
    let mut best = vec![(0.0, 0)];
    for to in 1..ends.len() {
        let up_to = |from: usize| {
            let stretch = likelihood.of_stretch(ends[from], ends[to]);
            (best[from].0 + stretch - if from > 0 { least_gain } else { 0.0 }, from)
        };
        let long = (1..to).filter(|from| ends[to] - ends[*from] >= SHORTEST);
        let most = long.map(up_to).fold(up_to(0), |a, b| if b.0 > a.0 { b } else { a });
        best.push(most);
    }
    let before = |at: &usize| Some(best[*at].1).filter(|before| *before > 0);
    let mut chosen: Vec<_> = std::iter::successors(before(&(ends.len() - 1)), before).collect();
    chosen.reverse();
    chosen.iter().map(|at| ends[*at]).collect()
}

/// Moves each place to where the split between its neighbours gains most.
fn settle(chosen: &mut [usize], count: usize, likelihood: &Likelihood) {
    let mut room = Vec::new();
    for n in 0..chosen.len() {
        let from = if n == 0 { 0 } else { chosen[n - 1] };
        let to = chosen.get(n + 1).copied().unwrap_or(count);
        if let Some((place, _)) = likelihood.best_split(from, to, &mut room) {
            chosen[n] = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Even noise between 0 and 1 (SplitMix64).
    fn noise(seed: u64, count: usize) -> Vec<f64> {
        let one = |n: u64| {
            let mut z = (seed << 32 | (n + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..count as u64).map(one).collect()
    }

    /// Places that were found, each within so many of one that was meant, and no more of them.
    #[track_caller]
    fn assert_changes(series: &[f64], expected: &[usize]) {
        let found = changes(series);
        let is_close = found.len() == expected.len()
            && found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 3);
        assert!(is_close, "found {found:?}, expected {expected:?}");
    }

    #[test]
    fn levels_are_told_apart() {
        let mut series = noise(1, 120);
        series[30..].iter_mut().for_each(|value| *value += 1.0);
        series[90..].iter_mut().for_each(|value| *value -= 2.0);
        assert_changes(&series, &[30, 90]);
    }

    #[test]
    fn a_change_of_spread_is_one() {
        let mut series = noise(2, 120);
        series[60..].iter_mut().for_each(|value| *value = (*value - 0.5) * 8.0);
        series[..60].iter_mut().for_each(|value| *value -= 0.5);
        assert_changes(&series, &[60]);
    }

    #[test]
    fn a_short_time_is_found_in_a_long_one() {
        let mut series = noise(3, 600);
        series[400..412].iter_mut().for_each(|value| *value += 1.5);
        assert_changes(&series, &[400, 412]);
    }

    #[test]
    fn outliers_are_no_changes_and_hide_none() {
        let mut series = noise(4, 120);
        series[60..].iter_mut().for_each(|value| *value += 1.0);
        for n in [7, 33, 71, 100] {
            series[n] = 1e12;
        }
        assert_changes(&series, &[60]);
    }

    #[test]
    fn unit_and_shape_do_not_matter() {
        let mut series = noise(5, 120);
        series[50..].iter_mut().for_each(|value| *value += 0.8);
        let other: Vec<_> = series.iter().map(|value| (value * 5.0 - 90.0).exp()).collect();
        assert_eq!(changes(&series), changes(&other));
        assert_changes(&series, &[50]);
    }

    #[test]
    fn without_noise_a_step_is_found_to_the_place() {
        let mut series = vec![100.0; 60];
        series[20..].fill(100.1);
        assert_eq!(changes(&series), [20]);
        series[40] = 7.0;
        assert_eq!(changes(&series), [20]);
    }

    #[test]
    fn of_little_or_nothing_nothing_is_said() {
        let even = [f64::NAN, f64::INFINITY, 3.0].map(|value| vec![value; 50]);
        let few = [vec![], vec![1.0], vec![1.0, 1.0, 1.0, 9.0, 9.0, 9.0]];
        for series in even.iter().chain(&few) {
            assert_changes(series, &[]);
        }
    }

    #[test]
    fn what_is_no_number_counts_as_the_greatest() {
        let mut series = noise(6, 60);
        series[30..].fill(f64::NAN);
        assert_eq!(changes(&series), [30]);
    }

    /// The promise of [`LEAST_GAIN`], whatever the noise: even, and with a heavy tail.
    #[test]
    fn noise_alone_changes_once_in_a_hundred_times() {
        for count in [20, 60, 200, 600] {
            let trials = 1_000;
            let wrong = |seed: &u64| {
                let tail: Vec<_> = noise(*seed, count).iter().map(|it| 1.0 / (it + 1e-9)).collect();
                !changes(&tail).is_empty()
            };
            let wrong = (0..trials).filter(wrong).count();
            assert!(wrong <= 20, "{wrong} of {trials} series of {count}");
        }
    }
}
