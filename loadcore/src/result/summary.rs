//! Turns a histogram into the eleven numbers of a latency in the result document.

use crate::record::{Distribution, Histogram};
use crate::time::{MILLISECOND, Nanos};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A distribution of durations in milliseconds, to three significant digits. Every number is `None`
/// where nothing was counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LatencySummary {
    /// The smallest.
    pub min_ms: Option<f64>,
    /// The mean.
    pub mean_ms: Option<f64>,
    /// The standard deviation of the whole population.
    pub stdev_ms: Option<f64>,
    /// What half of them do not exceed.
    pub p50_ms: Option<f64>,
    /// What 75% of them do not exceed.
    pub p75_ms: Option<f64>,
    /// What 90% of them do not exceed.
    pub p90_ms: Option<f64>,
    /// What 95% of them do not exceed.
    pub p95_ms: Option<f64>,
    /// What 99% of them do not exceed.
    pub p99_ms: Option<f64>,
    /// What 99.9% of them do not exceed.
    pub p999_ms: Option<f64>,
    /// What 99.99% of them do not exceed.
    pub p9999_ms: Option<f64>,
    /// The largest.
    pub max_ms: Option<f64>,
    #[serde(skip)]
    behind: Behind,
}

/// The distribution behind the numbers, where it is known. It is left out of a comparison: the numbers
/// are what a document has.
#[derive(Clone, Default)]
struct Behind(Option<Arc<Histogram>>);

impl PartialEq for Behind {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "known" } else { "unknown" })
    }
}

impl LatencySummary {
    /// What the histogram says; see [`Histogram`] for how percentiles are read.
    #[must_use]
    pub fn of(histogram: &Histogram) -> Self {
        Self::numbers(histogram).with(histogram)
    }

    /// Knows the distribution behind its numbers.
    pub(crate) fn with(self, histogram: &Histogram) -> Self {
        Self { behind: Behind(Some(Arc::new(histogram.clone()))), ..self }
    }

    /// What `percent` (0 to 100) of them do not exceed: any percentile, not only those that have a field.
    /// `None` where nothing was counted, where `percent` is none, and of a result that was read without
    /// its `histograms` for all that have no field.
    ///
    /// ```no_run
    /// # fn example(result: loadcore::RunResult) {
    /// if let Some(ms) = result.latency.percentile(97.3) {
    ///     println!("97.3% took at most {ms} ms");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        if let Some(histogram) = &self.behind.0 {
            let found = histogram.quantile(percent / 100.0).map(ms)?;
            return Some(self.max_ms.map_or(found, |max| found.min(max)));
        }
        let ends = [(0.0, self.min_ms), (100.0, self.max_ms)];
        let mut known = self.percentiles().into_iter().chain(ends);
        known.find(|(known, _)| *known == percent)?.1
    }

    /// The numbers alone.
    pub(crate) fn numbers(histogram: &Histogram) -> Self {
        Self {
            min_ms: histogram.min().map(ms),
            mean_ms: histogram.mean().map(rounded_ms),
            stdev_ms: histogram.stdev().map(rounded_ms),
            max_ms: histogram.max().map(ms),
            ..Self::of_quantiles(|quantile| histogram.quantile(quantile))
        }
    }

    /// The percentiles of a compact distribution, to 3.2%; what it does not have is `None`.
    pub(crate) fn of_compact(distribution: &Distribution) -> Self {
        Self::of_quantiles(|quantile| distribution.quantile(quantile))
    }

    fn of_quantiles(nanos: impl Fn(f64) -> Option<Nanos>) -> Self {
        let quantile = |quantile| nanos(quantile).map(ms);
        Self {
            p50_ms: quantile(0.5),
            p75_ms: quantile(0.75),
            p90_ms: quantile(0.9),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
            p999_ms: quantile(0.999),
            p9999_ms: quantile(0.9999),
            ..Self::default()
        }
    }

    /// The percentiles as (percent, milliseconds), in rising order.
    #[must_use]
    pub fn percentiles(&self) -> [(f64, Option<f64>); 7] {
        [
            (50.0, self.p50_ms),
            (75.0, self.p75_ms),
            (90.0, self.p90_ms),
            (95.0, self.p95_ms),
            (99.0, self.p99_ms),
            (99.9, self.p999_ms),
            (99.99, self.p9999_ms),
        ]
    }
}

/// Nanoseconds as milliseconds.
#[must_use]
pub(crate) fn ms(nanos: Nanos) -> f64 {
    nanos as f64 / MILLISECOND as f64
}

/// A mean of nanoseconds as milliseconds, without digits below the nanosecond.
fn rounded_ms(nanos: f64) -> f64 {
    nanos.round() / MILLISECOND as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing_every_number_is_null() {
        let text = serde_json::to_string(&LatencySummary::of(&Histogram::new())).unwrap();
        assert_eq!(text.matches(":null").count(), 11);
        assert!(
            text.starts_with("{\"minMs\":null,\"meanMs\":null,\"stdevMs\":null,\"p50Ms\":null")
        );
        assert!(text.ends_with("\"p999Ms\":null,\"p9999Ms\":null,\"maxMs\":null}"));
    }

    #[test]
    fn numbers_rise_with_the_percentile() {
        let mut histogram = Histogram::new();
        (1..=100_000).for_each(|us| histogram.record(us * 1_000));
        let summary = LatencySummary::of(&histogram);
        for (percent, actual) in summary.percentiles() {
            let (actual, wanted) = (actual.unwrap(), percent);
            assert!((actual / wanted - 1.0).abs() < 1e-3, "p{percent}: {actual} ms");
        }
        let percentile = |percent| summary.percentile(percent).unwrap();
        assert!((percentile(97.3) - 97.3).abs() < 0.1, "{}", percentile(97.3));
        assert_eq!(summary.percentile(99.0), summary.p99_ms);
        assert_eq!(summary.percentile(100.0), summary.max_ms);
        for none in [-0.1, 100.1, f64::NAN] {
            assert_eq!(summary.percentile(none), None);
        }
        let bare = LatencySummary::numbers(&histogram);
        assert_eq!((bare.percentile(97.3), bare.percentile(95.0)), (None, bare.p95_ms));
        assert_eq!(bare, summary, "the numbers are what is compared");
        assert_eq!(LatencySummary::of(&Histogram::new()).percentile(50.0), None);
        assert!(summary.min_ms < summary.p50_ms && summary.p9999_ms <= summary.max_ms);
        assert!((summary.mean_ms.unwrap() - 50.0).abs() < 0.05);
    }
}
