//! Turns latencies into the curve of their percentiles, on HdrHistogram's axis: each halving of the
//! distance to 100% is as wide as the one before.

use super::short::Short;
use crate::record::{Distribution, Histogram, Merge};
use crate::result::{RunResult, ms};
use serde::Serialize;

/// Points for each halving of the distance to 100%.
const TICKS: u32 = 6;

/// A curve for each kind of latency, over the same places.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Curves {
    /// The logarithm to ten of 1/(1 - quantile): 0 is the least, 1 is 90%, 2 is 99%.
    pub(super) places: Vec<Short>,
    /// Its name, and its milliseconds there.
    pub(super) lines: Vec<(&'static str, Vec<Short>)>,
}

impl Curves {
    /// Nothing where no latencies were kept.
    pub(super) fn of(result: &RunResult) -> Option<Self> {
        let places = places(result.total_requests);
        let mut lines = Vec::new();
        if let Some(carried) = result.histograms.as_deref() {
            let open = result.is_open_loop();
            lines.push((if open { "response time" } else { "service time" }, &carried.latency));
            if open {
                lines.push(("service time", &carried.service_time));
            }
            if let Some(ok) = &carried.ok_latency {
                let some_failed = result.outcomes.failed > 0 && result.outcomes.ok > 0;
                lines.extend(some_failed.then_some(("of the ok alone", ok)));
            }
        }
        let mut lines: Vec<_> = lines
            .into_iter()
            .filter(|(_, histogram)| !histogram.is_empty())
            .map(|(name, histogram)| (name, along(&places, |q| of_histogram(histogram, q))))
            .collect();
        if lines.is_empty() {
            let all = all(result)?;
            lines.push(("latency", along(&places, |q| all.quantile(q).map(ms))));
        }
        let places = places.into_iter().map(|place| Short(Some(place))).collect();
        Some(Self { places, lines })
    }
}

/// From the least to where one request of all lies.
fn places(requests: u64) -> Vec<f64> {
    let halvings = (requests.max(2) as f64).log2();
    let points = (halvings * f64::from(TICKS)).ceil().max(1.0) as u32;
    let halving = 2f64.log10();
    (0..=points).map(|n| halving * halvings * f64::from(n) / f64::from(points)).collect()
}

fn along(places: &[f64], value: impl Fn(f64) -> Option<f64>) -> Vec<Short> {
    // The last place is that of the greatest.
    let quantile =
        |n, place: f64| if n + 1 == places.len() { 1.0 } else { 1.0 - 10f64.powf(-place) };
    let places = places.iter().enumerate();
    places.map(|(n, place)| Short(value(quantile(n, *place)))).collect()
}

fn of_histogram(histogram: &Histogram, quantile: f64) -> Option<f64> {
    histogram.quantile(quantile).map(ms)
}

/// Of a result without histograms: what its rows have.
fn all(result: &RunResult) -> Option<Distribution> {
    let mut all = Distribution::default();
    result.series.iter().filter_map(|row| row.distribution.as_ref()).for_each(|it| all.merge(it));
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::{closed_run, empty_run, failing_run, steady_run};

    fn names(result: &RunResult) -> Vec<&'static str> {
        Curves::of(result).unwrap().lines.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn it_goes_from_the_least_to_the_greatest() {
        let result = steady_run();
        let curves = Curves::of(&result).unwrap();
        let (_, line) = &curves.lines[0];
        let values: Vec<f64> = line.iter().map(|value| value.0.unwrap()).collect();
        assert!(values.is_sorted() && values.len() == curves.places.len());
        // Of the least value its bucket's upper edge is shown, as of every percentile.
        assert!((values[0] / result.latency.min_ms.unwrap() - 1.0).abs() < 1e-3);
        assert_eq!(values.last().copied(), result.latency.max_ms);
        let last = curves.places.last().unwrap().0.unwrap();
        assert!((last - 4.0).abs() < 1e-9, "10,000 requests: 99.99%");
    }

    #[test]
    fn each_kind_of_latency_has_a_line_where_it_is_another() {
        assert_eq!(names(&steady_run()), ["response time", "service time"]);
        assert_eq!(names(&closed_run()), ["service time"]);
        assert_eq!(names(&failing_run()), ["response time", "service time", "of the ok alone"]);
    }

    #[test]
    fn without_histograms_rows_tell_and_without_them_nothing() {
        let mut result = steady_run();
        result.histograms = None;
        assert_eq!(names(&result), ["latency"]);
        result.leave_out_distributions();
        assert_eq!(Curves::of(&result), None);
        assert_eq!(Curves::of(&empty_run()), None);
    }
}
