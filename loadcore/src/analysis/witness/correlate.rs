//! Turns the course of a trouble and of many series into those that moved with it, so that of series that
//! have nothing to do with it hardly ever one is named.
//!
//! How alike two courses are is the correlation of their values, outliers drawn in, the series some rows
//! before or after the trouble. Of ranks it would be less: of a course of two levels they keep the noise
//! within each of them, and nothing of how far apart they are. A trouble is looked at twice, as it is and by
//! its orders of magnitude: a latency that goes from 5 ms to 200 and on to 6,000 is one that rose at once.
//!
//! Rows of a run are no independent draws: two courses that wander are alike by chance, more often
//! the longer they stay where they are, and of many series one is the most alike. So the greatest
//! correlation of all series and lags is held against what chance makes of the very same series, twice:
//!
//! - each is moved by some rows in a circle, which leaves all of its own course as it is, a period or a
//!   level that changes, and takes away what it has to do with the trouble. (The maximum over all of them:
//!   Westfall and Young, "Resampling-based multiple testing", 1993. Shifts in a circle: Chung and Fraser,
//!   JASA 53, 1958; Harris, "Nonsense correlations in neuroscience", 2020, says why nothing less will do.)
//! - each is replaced by noise that remembers as much of itself from row to row, up to a random walk: one in
//!   three that wander seems to follow another (Yule, "Why do we sometimes get nonsense-correlations between
//!   time-series?", J. R. Stat. Soc. 89, 1926; red noise as what is to be exceeded: Ebisuzaki, J. Climate
//!   10, 1997).
//!
//! Named is what exceeds both.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// So many draws of chance, of each kind.
const DRAWS: usize = 199;
/// What is less alike than this is named by nobody.
const LEAST: f64 = 0.6;
/// Who has more memory than this may be a walk, and is taken for one where the trouble does not come back: in
/// so few rows nobody can tell them apart (Dickey and Fuller, JASA 74, 1979).
const WALKS: f64 = 0.92;
/// The fewest rows of which anything can be said.
pub(super) const LEAST_ROWS: usize = 24;
/// The most rows that a series may be before or after the trouble.
const LONGEST_LAG: usize = 5;

/// A series that moved with the trouble.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moved {
    /// Which of the series.
    pub(super) place: usize,
    /// -1 to 1.
    pub(super) correlation: f64,
    /// By how many rows before the trouble; negative: after it.
    pub(super) lead: i64,
}

/// The series that moved with the trouble. Rows that are not known are NaN.
pub(super) fn moved_with(trouble: &[f64], series: &[&[f64]]) -> Vec<Moved> {
    let rows = trouble.len();
    if rows < LEAST_ROWS {
        return Vec::new();
    }
    let longest = LONGEST_LAG.min(rows / 12);
    let views = views(trouble);
    let series: Vec<_> = series.iter().map(|values| around_nought(values)).collect();
    let of = |(place, values): (usize, &Vec<f64>)| {
        let (correlation, lead) = most_alike(&views, values, longest);
        Moved { place, correlation, lead }
    };
    let mut all: Vec<_> = series.iter().enumerate().map(of).collect();
    all.retain(|it| it.correlation.abs() >= LEAST);
    let greatest = all.iter().map(|it| it.correlation.abs()).fold(0.0, f64::max);
    if greatest > 0.0 {
        let limit = limit(&views, &series, longest, greatest);
        all.retain(|it| it.correlation.abs() > limit);
    }
    all
}

/// Makes of a series and its memory one that chance might have made in its place.
type Draw<'a> = dyn FnMut(&[f64], f64, &mut Vec<f64>) + 'a;

/// What chance exceeds in one of two hundred cases; infinite once it is sure to be above `greatest`.
fn limit(views: &[Vec<f64>], series: &[Vec<f64>], longest: usize, greatest: f64) -> f64 {
    let rows = views[0].len();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(rows as u64);
    let moving = series.iter().filter(|values| values.iter().any(|it| *it != 0.0));
    let moving: Vec<_> = moving.map(|values| (values, memory(values))).collect();
    let mut drawn = Vec::with_capacity(rows);
    let mut most_of_all = |draw: &mut Draw<'_>| {
        highest(greatest, || {
            let of_one = |(values, memory): &(&Vec<f64>, f64)| {
                drawn.clear();
                draw(values, *memory, &mut drawn);
                most_alike(views, &drawn, longest).0.abs()
            };
            moving.iter().map(of_one).fold(0.0, f64::max)
        })
    };
    let mut shifts = Xoshiro256PlusPlus::seed_from_u64(rows as u64 ^ 0x0073_6869);
    let in_circles = most_of_all(&mut |values, _, drawn| {
        // So far that nothing of what they have to do with each other is left.
        let by = rows / 4 + below(&mut shifts, rows / 2);
        drawn.extend_from_slice(&values[by..]);
        drawn.extend_from_slice(&values[..by]);
    });
    if in_circles > greatest {
        return in_circles;
    }
    let may_walk = !comes_back(&views[0]);
    let by_noise = most_of_all(&mut |_, memory, drawn| {
        let memory = if may_walk && memory > WALKS { 1.0 } else { memory };
        drawn.extend(noise(rows, memory, &mut random));
    });
    in_circles.max(by_noise)
}

/// It ends about where it began: the middles of its first and its last tenth are no quarter of its range
/// apart.
fn comes_back(trouble: &[f64]) -> bool {
    let tenth = trouble.len() / 10;
    let middle = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (first, last) = (middle(&trouble[..tenth]), middle(&trouble[trouble.len() - tenth..]));
    let most = |of: fn(f64, f64) -> f64| trouble.iter().copied().fold(0.0, of);
    (last - first).abs() < (most(f64::max) - most(f64::min)) / 4.0
}

/// The highest of the draws; infinite once one reaches `greatest`.
fn highest(greatest: f64, mut draw: impl FnMut() -> f64) -> f64 {
    let mut highest = 0.0f64;
    for _ in 0..DRAWS {
        highest = highest.max(draw());
        if highest >= greatest {
            return f64::INFINITY;
        }
    }
    highest
}

/// The trouble as it is, and by its orders of magnitude where it has them.
fn views(trouble: &[f64]) -> Vec<Vec<f64>> {
    let mut views = vec![around_nought(trouble)];
    if trouble.iter().all(|value| value.is_nan() || *value > 0.0) {
        let orders: Vec<_> = trouble.iter().map(|value| value.ln()).collect();
        views.push(around_nought(&orders));
    }
    views
}

/// The greatest correlation, whatever its sign, of a view of the trouble and a series that is some rows
/// before or after it, and how many before.
fn most_alike(views: &[Vec<f64>], series: &[f64], longest: usize) -> (f64, i64) {
    let (rows, of_series) = (series.len(), dot(series, series));
    let mut best = (0.0f64, 0);
    for view in views {
        let of_view = dot(view, view);
        for lag in 0..=longest {
            let (head, tail) = (lag, rows - lag);
            let before = scaled(
                dot(&view[head..], &series[..tail]),
                of_view - dot(&view[..head], &view[..head]),
                of_series - dot(&series[tail..], &series[tail..]),
            );
            let after = scaled(
                dot(&view[..tail], &series[head..]),
                of_view - dot(&view[tail..], &view[tail..]),
                of_series - dot(&series[..head], &series[..head]),
            );
            // Of equals the smaller one.
            for (correlation, lead) in [(before, lag as i64), (after, -(lag as i64))] {
                if correlation.abs() > best.0.abs() + 1e-9 {
                    best = (correlation, lead);
                }
            }
        }
    }
    best
}

/// The correlation of two courses around 0.
fn alike(a: &[f64], b: &[f64]) -> f64 {
    scaled(dot(a, b), dot(a, a), dot(b, b))
}

fn scaled(both: f64, of_a: f64, of_b: f64) -> f64 {
    let scale = f64::sqrt(of_a * of_b);
    if scale > 0.0 { both / scale } else { 0.0 }
}

/// The sum of the products, as four sums of which none waits for another.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, rest_of_a), (b, rest_of_b)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (a, b) in a.iter().zip(b) {
        (0..4).for_each(|lane| sums[lane] += a[lane] * b[lane]);
    }
    let rest = rest_of_a.iter().zip(rest_of_b).map(|(a, b)| a * b);
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

/// The values around their mean, the highest and the lowest twentieth as far out as the next one; what is
/// not known has 0.
fn around_nought(values: &[f64]) -> Vec<f64> {
    let mut known: Vec<_> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    known.sort_by(f64::total_cmp);
    let out = known.len() / 20;
    let (Some(low), Some(high)) = (known.get(out), known.iter().nth_back(out)) else {
        return vec![0.0; values.len()];
    };
    let drawn_in = |value: &f64| value.clamp(*low, *high);
    let mean = known.iter().map(drawn_in).sum::<f64>() / known.len() as f64;
    let around = |value: &f64| if value.is_nan() { 0.0 } else { drawn_in(value) - mean };
    values.iter().map(around).collect()
}

/// How much of a row is still there in the next one: the correlation of neighbours, with what short
/// courses make it too small by (Marriott and Pope, Biometrika 41, 1954).
fn memory(values: &[f64]) -> f64 {
    let found = alike(&values[1..], &values[..values.len() - 1]);
    (found + (1.0 + 3.0 * found) / values.len() as f64).clamp(0.0, 1.0)
}

/// Noise of which each row has this much of the one before it, around 0.
fn noise(rows: usize, memory: f64, random: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    // As far from the middle as it is at any time; a walk begins anywhere.
    let mut level = normal(random) / f64::sqrt(1.0 - memory.min(0.99).powi(2));
    let mut step = || {
        level = memory * level + normal(random);
        level
    };
    let mut values: Vec<_> = (0..rows).map(|_| step()).collect();
    let middle = values.iter().sum::<f64>() / rows as f64;
    values.iter_mut().for_each(|value| *value -= middle);
    values
}

fn below(random: &mut Xoshiro256PlusPlus, limit: usize) -> usize {
    (random.next_u64() % limit.max(1) as u64) as usize
}

/// By Box and Muller (1958).
pub(super) fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    let mut unit = || ((random.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
    (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_around_nought_outliers_drawn_in_and_what_is_unknown_in_the_middle() {
        assert_eq!(around_nought(&[5.0, f64::NAN, 1.0, 6.0]), [1.0, 0.0, -3.0, 2.0]);
        assert_eq!(around_nought(&[f64::NAN; 2]), [0.0; 2]);
        let mut values = [4.0, 2.0].repeat(20);
        (values[7], values[8]) = (1e9, -1e9);
        let around = around_nought(&values);
        assert!(around.iter().all(|value| value.abs() == 1.0), "{around:?}");
    }

    #[test]
    fn a_latency_that_grows_all_along_a_pulse_is_alike_with_what_rises_at_once() {
        let is_on = |n: i32| (20..40).contains(&n);
        let latency: Vec<_> =
            (0..60).map(|n| if is_on(n) { 100.0 * f64::from(n - 18) } else { 5.0 }).collect();
        let cpu =
            around_nought(&(0..60).map(|n| f64::from(u8::from(is_on(n)))).collect::<Vec<_>>());
        let [as_it_is, orders] = &views(&latency)[..] else { panic!("two views") };
        assert!(alike(as_it_is, &cpu) < 0.9 && alike(orders, &cpu) > 0.95);
        assert_eq!(views(&[0.0, 1.0, 2.0]).len(), 1);
    }

    #[test]
    fn it_is_seen_by_how_many_rows_one_is_before_the_other_and_that_it_falls() {
        let trouble: Vec<_> = (0..60).map(|n| f64::from(u8::from((20..35).contains(&n)))).collect();
        let before: Vec<_> = (0..60).map(|n| -f64::from(u8::from((17..32).contains(&n)))).collect();
        let (correlation, lead) = most_alike(&views(&trouble), &around_nought(&before), 5);
        assert!((correlation + 1.0).abs() < 0.02, "{correlation}");
        assert_eq!(lead, 3);
        let moved = moved_with(&trouble, &[&before, &[4.0; 60]]);
        assert_eq!((moved.len(), moved[0].place, moved[0].lead), (1, 0, 3));
    }

    #[test]
    fn of_few_rows_nothing_is_said() {
        let line: Vec<_> = (0..LEAST_ROWS - 1).map(|n| n as f64).collect();
        assert_eq!(moved_with(&line, &[&line]), []);
    }

    #[test]
    fn memory_is_that_of_the_noise() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        for wanted in [0.0, 0.5, 0.85] {
            let found = memory(&around_nought(&noise(2_000, wanted, &mut random)));
            assert!((found - wanted).abs() < 0.1, "{found} for {wanted}");
        }
    }

    #[test]
    fn what_rises_and_falls_again_comes_back_and_what_grows_does_not() {
        let pulse: Vec<_> = (0..60).map(|n| f64::from(u8::from((20..35).contains(&n)))).collect();
        let ends_high: Vec<_> = (0..60).map(|n| f64::from(n.max(40))).collect();
        assert!(comes_back(&around_nought(&pulse)) && !comes_back(&around_nought(&ends_high)));
    }
}
