//! Turns throughput and what is in flight into the Universal Scalability Law that describes them.
//!
//! X(N) = γN / (1 + α(N - 1) + βN(N - 1)): N requests at once would bring N times what one does, were it
//! not for contention (α: they wait for something that only one can have) and coherency (β: they have
//! to agree with each other, which makes throughput fall again). As N / X is the mean response time
//! (Little), that time is a line in (N - 1) and N(N - 1), and the coefficients follow from least squares.
//!
//! - N. J. Gunther: Guerrilla Capacity Planning, 2007.
//! - P. J. Huber: Robust estimation of a location parameter, 1964 (the weights).

use super::evidence::Row;
use super::stats;

/// So many windows, over which what is in flight grows by this factor, say something of a curve.
const LEAST_ROWS: usize = 12;
const LEAST_RANGE: f64 = 4.0;
/// The fit is good where half of the windows' times lie within this share of it.
const MOST_OFF: f64 = 0.1;
/// With coherency they lie nearer to it by this factor at least, or there is none.
const MOST_OFF_OF_WITHOUT: f64 = 0.8;
/// Peaks further off than this, in times of the greatest throughput that was seen, are guesses.
const FURTHEST_PEAK: f64 = 1.25;

/// What throughput does as more is in flight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scalability {
    /// Share of the work that only one request can do at a time.
    pub(super) contention: f64,
    /// What each pair of requests costs, as a share of one's work.
    pub(super) coherency: f64,
    /// The greatest throughput, per second.
    pub(super) peak: f64,
    /// What is in flight then; infinite where throughput only ever comes nearer to the peak.
    pub(super) peak_in_flight: f64,
    /// The part of what is lost against linear growth that contention takes, with the most in flight
    /// that was seen; the rest is coherency's.
    pub(super) contention_part: f64,
}

/// The law of these windows, where it describes them well and its peak lies about where they end.
pub(super) fn of(rows: &[Row]) -> Option<Scalability> {
    let points: Vec<_> = rows.iter().filter_map(Point::of).collect();
    let of_points = |value: fn(&Point) -> f64| points.iter().map(value).collect::<Vec<_>>();
    let in_flight = of_points(|point| point.in_flight);
    let (least, most) = (stats::quantile(&in_flight, 0.05)?, stats::quantile(&in_flight, 0.95)?);
    if points.len() < LEAST_ROWS || most < LEAST_RANGE * least.max(0.1) {
        return None;
    }
    let off = |line: [f64; 3]| {
        let each: Vec<_> = points.iter().map(|point| point.off(line).abs()).collect();
        stats::median(&each).unwrap_or(f64::MAX)
    };
    // Coherency is said only of what contention alone does not describe.
    let without = fit(&points, false)?;
    let is_better = |line: &[f64; 3]| {
        line[1] >= 0.0 && line[2] > 0.0 && off(*line) <= MOST_OFF_OF_WITHOUT * off(without)
    };
    let line = fit(&points, true).filter(is_better).unwrap_or(without);
    if line[0] <= 0.0 || line[1] < 0.0 || off(line) > MOST_OFF {
        return None;
    }
    let (contention, coherency) = (line[1] / line[0], line[2] / line[0]);
    let peak_in_flight = ((1.0 - contention).max(0.0) / coherency).sqrt();
    let peak = if peak_in_flight.is_finite() {
        peak_in_flight.max(1.0) / time(line, peak_in_flight.max(1.0))
    } else {
        1.0 / line[1]
    };
    let seen = stats::quantile(&of_points(|point| point.in_flight / point.time), 0.95)?;
    let lost = [contention * (most - 1.0), coherency * most * (most - 1.0)];
    let is_near = peak.is_finite() && peak <= FURTHEST_PEAK * seen && lost[0] + lost[1] > 0.0;
    let contention_part = lost[0] / (lost[0] + lost[1]);
    is_near.then_some(Scalability { contention, coherency, peak, peak_in_flight, contention_part })
}

/// One window: what was in flight on average, and the mean time in seconds.
#[derive(Debug, Clone, Copy)]
struct Point {
    in_flight: f64,
    time: f64,
}

impl Point {
    fn of(row: &Row) -> Option<Self> {
        let time = row.mean? / 1e3;
        let in_flight = row.ended * time;
        (row.is_sound && in_flight > 0.0).then_some(Self { in_flight, time })
    }

    /// What a line gives for 1, N - 1 and N(N - 1).
    fn terms(&self) -> [f64; 3] {
        [1.0, self.in_flight - 1.0, self.in_flight * (self.in_flight - 1.0)]
    }

    /// How far its time lies above the line, as a share of it.
    fn off(&self, line: [f64; 3]) -> f64 {
        self.time / time(line, self.in_flight) - 1.0
    }
}

/// The mean time that a line gives for so much in flight.
fn time(line: [f64; 3], in_flight: f64) -> f64 {
    let terms = Point { in_flight, time: 0.0 }.terms();
    terms.iter().zip(line).map(|(term, factor)| term * factor).sum()
}

/// The line through the points by least squares of relative distances; points far off count less, the
/// further the less. Without coherency its factor is 0.
fn fit(points: &[Point], with_coherency: bool) -> Option<[f64; 3]> {
    const ROUNDS: usize = 10;
    /// From so many robust deviations on a point is far off.
    const FAR: f64 = 1.5;
    let mut weights = vec![1.0; points.len()];
    let mut line = [0.0; 3];
    for _ in 0..ROUNDS {
        line = least_squares(points, &weights, with_coherency)?;
        let off: Vec<_> = points.iter().map(|point| point.off(line)).collect();
        let far = FAR * stats::spread(&off).max(1e-9);
        weights = off.iter().map(|off| (far / off.abs()).min(1.0)).collect();
    }
    Some(line)
}

/// Solves the normal equations; `None` where the points do not say.
fn least_squares(points: &[Point], weights: &[f64], with_coherency: bool) -> Option<[f64; 3]> {
    let count = if with_coherency { 3 } else { 2 };
    // Each row has the products with the terms, and then with the time.
    let mut rows = [[0.0; 4]; 3];
    for (point, weight) in points.iter().zip(weights) {
        let terms = point.terms();
        let weight = weight / point.time.powi(2);
        for (row, a) in rows.iter_mut().zip(terms) {
            let factors = terms.into_iter().chain([point.time]);
            row.iter_mut().zip(factors).for_each(|(sum, b)| *sum += weight * a * b);
        }
    }
    // By Gauss and Jordan: the matrix is positive, so no rows have to be exchanged.
    for n in 0..count {
        let pivot = rows[n];
        if !pivot[n].is_normal() || pivot[n] < 0.0 {
            return None;
        }
        for other in (0..count).filter(|other| *other != n) {
            let factor = rows[other][n] / pivot[n];
            rows[other].iter_mut().zip(pivot).for_each(|(value, above)| *value -= factor * above);
        }
    }
    let factor = |n: usize| if n < count { rows[n][3] / rows[n][n] } else { 0.0 };
    Some([0, 1, 2].map(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows in which ever more is in flight, at times that follow the law, off by at most a share.
    fn rows(law: (f64, f64, f64), most: f64, noise: f64) -> Vec<Row> {
        let (of_one, contention, coherency) = law;
        let row = |n: u32| {
            let in_flight = most * f64::from(n + 1) / 60.0;
            let lost = contention + coherency * in_flight;
            let swing = 1.0 + noise * (f64::from(n * 37 % 60) / 30.0 - 1.0);
            let time = (1.0 + lost * (in_flight - 1.0)) / of_one * swing;
            let (from, to) = (f64::from(n), f64::from(n + 1));
            Row {
                from,
                to,
                ended: in_flight / time,
                mean: Some(time * 1e3),
                is_sound: true,
                ..Row::default()
            }
        };
        (0..60).map(row).collect()
    }

    fn is_close(value: f64, expected: f64, share: f64) -> bool {
        (value / expected - 1.0).abs() <= share
    }

    #[test]
    fn a_peak_is_found_with_its_reasons() {
        // (1 - 0.05) / 0.001 is 30.8 squared.
        let law = of(&rows((100.0, 0.05, 0.001), 60.0, 0.05)).unwrap();
        assert!(is_close(law.peak_in_flight, 30.8, 0.1), "{law:?}");
        assert!(
            is_close(law.peak, 30.8 * 100.0 / (1.0 + 0.05 * 29.8 + 0.001 * 30.8 * 29.8), 0.05),
            "{law:?}"
        );
        assert!(
            is_close(law.contention, 0.05, 0.3) && is_close(law.coherency, 0.001, 0.3),
            "{law:?}"
        );
    }

    #[test]
    fn contention_alone_has_a_limit_that_is_not_reached() {
        // One server: of it N / (1 + N) is used with N in flight, and that is the law with a half.
        let law = of(&rows((50.0, 0.5, 0.0), 20.0, 0.03)).unwrap();
        assert!(is_close(law.peak, 100.0, 0.05) && law.contention_part > 0.8, "{law:?}");
    }

    #[test]
    fn outliers_do_not_move_it() {
        let mut rows = rows((100.0, 0.05, 0.001), 60.0, 0.03);
        for n in [5, 21, 44] {
            rows[n].mean = rows[n].mean.map(|mean| mean * 3.0);
        }
        let law = of(&rows).unwrap();
        assert!(is_close(law.peak_in_flight, 30.8, 0.15), "{law:?}");
    }

    #[test]
    fn where_the_range_is_short_or_the_peak_far_nothing_is_said() {
        assert_eq!(of(&rows((100.0, 0.05, 0.001), 60.0, 0.05)[..8]), None);
        assert_eq!(of(&rows((100.0, 0.0, 0.0), 20.0, 0.02)), None);
        assert_eq!(of(&rows((100.0, 0.01, 0.0), 5.0, 0.02)), None);
        assert_eq!(of(&rows((100.0, 0.05, 0.001), 60.0, 0.9)), None);
        assert_eq!(of(&[]), None);
    }
}
