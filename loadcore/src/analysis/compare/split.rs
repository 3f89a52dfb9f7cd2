//! Turns a row of the series and a duration into how many of its requests took no longer.
//!
//! A row's distribution has sixteen buckets to a doubling. Where the duration lies within one of them,
//! the percentiles of the row, which have three digits, divide it: a service whose times all lie in one
//! bucket is told apart from second to second too.

use crate::record::{Bucket, Distribution, Merge};
use crate::result::SeriesRow;
use crate::time::MILLISECOND;

/// How many requests of the row took at most `ns` nanoseconds.
pub(super) fn up_to(row: &SeriesRow, ns: f64) -> f64 {
    let Some(distribution) = &row.distribution else { return 0.0 };
    let mut below = 0.0;
    for Bucket { from_ns, to_ns, count } in distribution.buckets() {
        let (from, upper) = ((from_ns as f64, below), below + count as f64);
        match to_ns.map(|to| to as f64) {
            _ if ns < from.0 => return below,
            // What is above an hour has no value.
            None => return below,
            Some(to) if ns < to => return within(row, distribution, ns, from, (to, upper)),
            Some(_) => below = upper,
        }
    }
    below
}

/// A duration and how many did not exceed it.
type Point = (f64, f64);

/// The same in the bucket between two points.
fn within(row: &SeriesRow, all: &Distribution, ns: f64, from: Point, to: Point) -> f64 {
    let count = all.count() as f64;
    let known = [(row.p50_ms, 0.5), (row.p95_ms, 0.95), (row.p99_ms, 0.99), (row.max_ms, 1.0)];
    let known = known.into_iter().filter_map(|(ms, share)| {
        Some((ms? * MILLISECOND as f64, (share * count).clamp(from.1, to.1)))
    });
    let mut before = from;
    for point in known.filter(|point| from.0 < point.0 && point.0 < to.0).chain([to]) {
        if ns <= point.0 {
            return between(before, point, ns);
        }
        before = point;
    }
    to.1
}

/// On the line between two points.
fn between((x0, y0): Point, (x1, y1): Point, x: f64) -> f64 {
    if x1 > x0 { y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0) } else { y1 }
}

/// The distributions of all rows together.
pub(super) fn pooled(rows: &[SeriesRow]) -> Distribution {
    let mut sum = Distribution::default();
    rows.iter().filter_map(|row| row.distribution.as_ref()).for_each(|it| sum.merge(it));
    sum
}

/// What a share of the durations does not exceed, in nanoseconds, as if they were spread evenly within
/// each bucket. `None` of nothing, and above an hour.
pub(super) fn quantile(distribution: &Distribution, share: f64) -> Option<f64> {
    let wanted = share.clamp(0.0, 1.0) * distribution.count() as f64;
    let mut below = 0.0;
    for Bucket { from_ns, to_ns, count } in distribution.buckets() {
        let upper = below + count as f64;
        if wanted <= upper {
            let (from, to) = (from_ns as f64, to_ns? as f64);
            return Some(between((below, from), (upper, to), wanted));
        }
        below = upper;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Histogram;
    use crate::result::LatencySummary;

    fn row(values: impl Iterator<Item = u64>) -> SeriesRow {
        let mut histogram = Histogram::new();
        values.for_each(|ns| histogram.record(ns));
        let LatencySummary { p50_ms, p95_ms, p99_ms, max_ms, .. } = LatencySummary::of(&histogram);
        let distribution = Some(Distribution::of(&histogram));
        SeriesRow { p50_ms, p95_ms, p99_ms, max_ms, distribution, ..SeriesRow::default() }
    }

    #[test]
    fn it_counts_what_took_no_longer() {
        let row = row((1..=1_000).map(|n| n * 100_000));
        for (ms, wanted) in [(0.01, 0.0), (10.0, 100.0), (50.0, 500.0), (99.0, 990.0), (500.0, 1e3)]
        {
            let found = up_to(&row, ms * 1e6);
            assert!((found - wanted).abs() <= 6.0, "{ms} ms: {found}");
        }
        assert_eq!(up_to(&SeriesRow::default(), 1e6), 0.0);
    }

    #[test]
    fn times_that_differ_by_less_than_a_bucket_are_told_apart() {
        let [slow, fast] = [1_010_000, 990_000].map(|ns| row(std::iter::repeat_n(ns, 100)));
        assert_eq!(slow.distribution, fast.distribution, "they are in one bucket");
        let [slow, fast] = [slow, fast].map(|row| up_to(&row, 1e6));
        assert!(fast > 99.0 && slow < 60.0, "{fast} {slow}");
    }

    #[test]
    fn a_quantile_lies_between_the_edges() {
        let all = pooled(&[row(1_000_000..1_001_000), row(50_000_000..50_001_000)]);
        let found = |share| quantile(&all, share).unwrap() / 1e6;
        assert!((found(0.25) - 1.0).abs() < 0.05 && (found(0.75) - 50.0).abs() < 2.0);
        assert_eq!(quantile(&Distribution::default(), 0.5), None);
        let beyond = row([2 * Histogram::HIGHEST].into_iter());
        assert_eq!(quantile(beyond.distribution.as_ref().unwrap(), 0.5), None);
    }
}
