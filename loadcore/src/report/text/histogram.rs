//! Turns the latencies into a picture: a bar for each range of values, on a logarithmic scale.
//!
//! Ranges end at round numbers. Latencies spread over orders of magnitude, so the ranges grow with
//! the value, by one of the preferred-number series (ISO 3): the finest that needs few enough rows.
//! Where all latencies lie close together even the finest shows too little, and ranges of equal width
//! are taken.

use super::super::format::{count, percent, round_time};
use super::style::Style;
use crate::record::Histogram;
use crate::result::{RunResult, ms};
use crate::time::Nanos;

/// The most rows of a picture, and the fewest before ranges of equal width are tried.
const ROWS: std::ops::RangeInclusive<usize> = 7..=16;
/// Width of the longest bar, in characters.
const BAR: usize = 33;

/// Ends of the ranges within a decade, from coarse to fine.
const SERIES: [&[f64]; 6] = [
    &[1.0],
    &[1.0, 3.0],
    &[1.0, 2.0, 5.0],
    &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
    &[1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0],
    &[
        1.0, 1.12, 1.25, 1.4, 1.6, 1.8, 2.0, 2.24, 2.5, 2.8, 3.15, 3.55, 4.0, 4.5, 5.0, 5.6, 6.3,
        7.1, 8.0, 9.0,
    ],
];

/// The picture; nothing without histograms or latencies.
pub(super) fn draw(result: &RunResult, style: Style) -> Vec<String> {
    let Some(histogram) = result.histograms.as_ref().map(|carried| &carried.latency) else {
        return Vec::new();
    };
    let (Some(min), Some(max)) = (histogram.min(), histogram.max()) else { return Vec::new() };
    let ends = ends(ms(min), ms(max.min(Histogram::HIGHEST)));
    let mut rows: Vec<_> = ends
        .iter()
        .map(|end| round_time(*end))
        .zip(counts(histogram, &ends))
        .zip(percentiles(histogram, &ends))
        .map(|((label, n), reached)| (label, n, reached))
        .collect();
    let above = histogram.overflow().count;
    if above > 0 {
        rows.push(("longer".to_owned(), above, String::new()));
    }
    let most = rows.iter().map(|(_, n, _)| *n).max().unwrap_or(0);
    let name = if result.is_open_loop() { "Response time" } else { "Service time" };
    let title = style.bold(&format!("{name} up to"));
    let rows = rows.iter().map(|(label, n, reached)| match n {
        0 => format!("  {label:>9}"),
        n => {
            let bar = style.picture(&format!("{:<BAR$}", bar(*n, most)));
            let share = percent(*n, histogram.count());
            format!("  {label:>9}  {bar}{:>12}{share:>9}{}", count(*n), style.dim(reached))
        }
    });
    std::iter::once(title).chain(rows).collect()
}

/// Which percentiles lie in each range.
fn percentiles(histogram: &Histogram, ends: &[f64]) -> Vec<String> {
    let mut names = vec![String::new(); ends.len()];
    for (name, quantile) in [(" p50", 0.5), (" p90", 0.9), (" p99", 0.99)] {
        let value = histogram.quantile(quantile).unwrap_or(0);
        if let Some(names) = names.get_mut(range_of(histogram, value, ends)) {
            names.push_str(name);
        }
    }
    names
}

/// How many latencies lie in each range.
fn counts(histogram: &Histogram, ends: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; ends.len()];
    for (value, n) in histogram.buckets() {
        if let Some(count) = counts.get_mut(range_of(histogram, value, ends)) {
            *count += n;
        }
    }
    counts
}

/// The place of the range in which a bucket lies, by its middle: a bucket that ends just above a
/// round number holds mostly values below it.
fn range_of(histogram: &Histogram, value: Nanos, ends: &[f64]) -> usize {
    let middle = ms(histogram.hdr().median_equivalent(value));
    ends.partition_point(|end| *end < middle)
}

/// Where the ranges end, in milliseconds: the first at or above `min`, the last at or above `max`.
fn ends(min: f64, max: f64) -> Vec<f64> {
    // A tenth of a microsecond is far below what is told apart, and 0 has no logarithm.
    let (min, max) = (min.max(1e-4), max.max(1e-4));
    let fits = |series: &&&[f64]| geometric(min, max, series).len() <= *ROWS.end();
    let finest = SERIES.iter().rev().find(fits).unwrap_or(&SERIES[0]);
    let ends = geometric(min, max, finest);
    if ends.len() < *ROWS.start() { linear(min, max) } else { ends }
}

fn geometric(min: f64, max: f64, series: &[f64]) -> Vec<f64> {
    let mut ends = Vec::new();
    for decade in min.log10().floor() as i32.. {
        for step in series {
            let end = step * 10f64.powi(decade);
            if end >= min {
                ends.push(end);
            }
            if end >= max {
                return ends;
            }
        }
    }
    ends
}

fn linear(min: f64, max: f64) -> Vec<f64> {
    // The width is what makes about a dozen rows, rounded up to 1, 2 or 5; at least what is told
    // apart at that value, three digits or half a microsecond.
    let least = ((max - min) / 12.0).max(max / 1_000.0).max(0.001);
    let decade = 10f64.powf(least.log10().floor());
    let width = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    let width = width.into_iter().find(|width| *width >= least).unwrap_or(10.0 * decade);
    let (first, last) = ((min / width).ceil() as u64, (max / width).ceil() as u64);
    (first.max(1)..=last.max(1)).map(|place| place as f64 * width).collect()
}

/// A bar in eighths of a character; what is not 0 has at least one eighth.
fn bar(n: u64, most: u64) -> String {
    let eighths = (8.0 * BAR as f64 * n as f64 / most.max(1) as f64).round() as usize;
    let eighths = if n > 0 { eighths.max(1) } else { 0 };
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::steady_run;
    use proptest::prelude::*;

    #[test]
    fn bars_are_as_long_as_their_counts() {
        assert_eq!(bar(0, 10), "");
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(10, 10), "█".repeat(BAR));
        assert_eq!(bar(1, 2 * BAR as u64), "▌");
    }

    #[test]
    fn ranges_end_at_round_numbers() {
        let powers = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];
        assert_eq!(ends(0.5, 900.0), powers);
        assert_eq!(ends(0.95, 2.9), [1.0, 1.12, 1.25, 1.4, 1.6, 1.8, 2.0, 2.24, 2.5, 2.8, 3.15]);
        assert_eq!(ends(0.0, 3e6).len(), 12, "a factor of ten each");
        assert_eq!(
            ends(10.01, 10.05).iter().map(|end| round_time(*end)).collect::<Vec<_>>(),
            ["10.02 ms", "10.04 ms", "10.06 ms"]
        );
        assert_eq!(ends(5.0, 5.0), [5.0]);
    }

    proptest! {
        #[test]
        fn every_latency_is_in_the_picture(
            values in prop::collection::vec((0..22u32, 1.0..10.0f64), 1..60),
        ) {
            let mut histogram = Histogram::new();
            for (exponent, factor) in &values {
                histogram.record((factor * 4f64.powi(*exponent as i32)) as u64);
            }
            let within = histogram.count() - histogram.overflow().count;
            let (min, max) = (histogram.min().unwrap(), histogram.max().unwrap());
            let ends = ends(ms(min), ms(max.min(Histogram::HIGHEST)));
            prop_assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(ends.len() <= *ROWS.end(), "{} rows", ends.len());
            prop_assert_eq!(counts(&histogram, &ends).iter().sum::<u64>(), within);
        }
    }

    #[test]
    fn a_result_without_histograms_has_no_picture() {
        let mut result = steady_run();
        assert!(draw(&result, Style::new(false)).len() > 5);
        result.histograms = None;
        assert!(draw(&result, Style::new(false)).is_empty());
    }
}
