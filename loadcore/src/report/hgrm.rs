//! Turns latencies into the percentile distribution that HdrHistogram's tools plot.
//!
//! It is the text of the Java implementation's `outputPercentileDistribution` with 5 ticks for each
//! halving of the distance to 100%, in milliseconds, as wrk2 prints it as well:
//! <https://hdrhistogram.github.io/HdrHistogram/plotFiles.html> draws it.

use super::{CannotRender, Format};
use crate::record::Histogram;
use crate::result::{RunResult, ms};
use std::fmt::Write as _;

/// Lines for each halving of the distance to 100%.
const TICKS: u32 = 5;

/// The distribution of latency.
pub const FORMAT: Format = Format {
    name: "hgrm",
    media_type: "text/plain; charset=utf-8",
    extension: "hgrm",
    document: Some(|result, _| render(result)),
    stream: None,
};

/// The distribution of the result's latency.
///
/// # Errors
///
/// If the document was read from a text that does not carry its histograms.
pub fn render(result: &RunResult) -> Result<String, CannotRender> {
    let carried = result.histograms.as_ref().ok_or(CannotRender::NoHistograms(FORMAT.name))?;
    Ok(distribution(&carried.latency))
}

/// The distribution of any histogram of nanoseconds, in milliseconds.
#[must_use]
pub fn distribution(histogram: &Histogram) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let hdr = histogram.hdr();
    // Those above the range are part of the whole: without them every percentile would be too low.
    let within = hdr.len() as f64 / histogram.count().max(1) as f64;
    let mut counted = 0;
    for step in hdr.iter_quantiles(TICKS) {
        counted += step.count_since_last_iteration();
        line(&mut out, step.value_iterated_to(), within * step.quantile_iterated_to(), counted);
    }
    let above = histogram.overflow();
    if above.count > 0 {
        line(&mut out, above.max, 1.0, histogram.count());
    }
    footer(&mut out, histogram);
    out
}

fn line(out: &mut String, value: u64, quantile: f64, counted: u64) {
    let _ = write!(out, "{:>12.3} {quantile:>2.12} {counted:>10}", ms(value));
    let _ = match quantile < 1.0 {
        true => writeln!(out, " {:>14.2}", 1.0 / (1.0 - quantile)),
        false => writeln!(out),
    };
}

fn footer(out: &mut String, histogram: &Histogram) {
    let mean = histogram.mean().unwrap_or(0.0) / 1e6;
    let stdev = histogram.stdev().unwrap_or(0.0) / 1e6;
    let max = histogram.max().map_or(0.0, ms);
    let count = histogram.count();
    let buckets = histogram.hdr().buckets();
    // The number of sub-buckets that 3 digits need: the power of two above 2 * 10^3.
    let sub_buckets = 2_048;
    let _ = writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {stdev:>12.3}]");
    let _ = writeln!(out, "#[Max     = {max:>12.3}, Total count    = {count:>12}]");
    let _ = writeln!(out, "#[Buckets = {buckets:>12}, SubBuckets     = {sub_buckets:>12}]");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::steady_run;

    #[test]
    fn it_looks_as_the_tools_expect() {
        let mut histogram = Histogram::new();
        (1..=20u64).for_each(|ms| histogram.record(ms * 1_000_000));
        insta::assert_snapshot!(distribution(&histogram));
    }

    #[test]
    fn what_lies_above_the_range_is_the_last_line() {
        let mut histogram = Histogram::new();
        histogram.record_n(1_000_000, 3);
        histogram.record(2 * Histogram::HIGHEST);
        let text = distribution(&histogram);
        let last = text.lines().rfind(|line| !line.starts_with('#')).unwrap();
        assert_eq!(
            last.split_whitespace().collect::<Vec<_>>(),
            ["7200000.000", "1.000000000000", "4"]
        );
        assert!(text.contains(" 0.750000000000          3           4.00\n"), "{text}");
    }

    #[test]
    fn a_result_without_histograms_has_none() {
        let mut result = steady_run();
        assert!(render(&result).unwrap().contains("Total count    =        10000]"));
        result.histograms = None;
        assert_eq!(render(&result), Err(CannotRender::NoHistograms("hgrm")));
    }

    #[test]
    fn nothing_measured_is_an_empty_table() {
        let text = distribution(&Histogram::new());
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 2);
    }
}
