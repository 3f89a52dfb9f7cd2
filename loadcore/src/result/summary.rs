//! Turns a histogram into the eleven numbers of a latency in the result document.

use crate::record::Histogram;
use crate::time::{MILLISECOND, Nanos};
use serde::{Deserialize, Serialize};

/// A distribution of durations in milliseconds, to three significant digits. Every number is `None`
/// where nothing was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
}

impl LatencySummary {
    /// What the histogram says; see [`Histogram`] for how percentiles are read.
    #[must_use]
    pub fn of(histogram: &Histogram) -> Self {
        let quantile = |quantile| histogram.quantile(quantile).map(ms);
        Self {
            min_ms: histogram.min().map(ms),
            mean_ms: histogram.mean().map(rounded_ms),
            stdev_ms: histogram.stdev().map(rounded_ms),
            p50_ms: quantile(0.5),
            p75_ms: quantile(0.75),
            p90_ms: quantile(0.9),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
            p999_ms: quantile(0.999),
            p9999_ms: quantile(0.9999),
            max_ms: histogram.max().map(ms),
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
        assert!(summary.min_ms < summary.p50_ms && summary.p9999_ms <= summary.max_ms);
        assert!((summary.mean_ms.unwrap() - 50.0).abs() < 0.05);
    }
}
