//! Turns the requests of a mix into the rows of a table, each with a small picture of its p99 over time.

use super::super::format::{count, percent, rate, time};
use super::micro;
use crate::result::{RequestResult, RunResult};

/// The most points of a picture, and its size.
const POINTS: usize = 60;
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 24.0;

/// A row.
pub(super) struct Request<'a> {
    pub(super) name: &'a str,
    pub(super) sent: String,
    pub(super) rate: String,
    pub(super) ok: String,
    pub(super) is_bad: bool,
    pub(super) p50: String,
    pub(super) p95: String,
    pub(super) p99: String,
    pub(super) max: String,
    /// The errors by class.
    pub(super) errors: String,
    /// The lines of the picture, as SVG has them: one between two gaps.
    pub(super) lines: Vec<String>,
}

/// The rows, in the order of the mix.
pub(super) fn of(result: &RunResult) -> Vec<Request<'_>> {
    result.requests.iter().map(row).collect()
}

fn row(request: &RequestResult) -> Request<'_> {
    let latency = &request.latency;
    let [p50, p95, p99, max] =
        [latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms].map(|ms| micro(&time(ms)));
    let errors = request.errors.iter().map(|(class, n)| format!("{class} {}", count(*n)));
    Request {
        name: &request.name,
        sent: count(request.arrivals.sent),
        rate: request.achieved_rps.map_or("-".to_owned(), rate),
        ok: percent(request.outcomes.ok, request.total_requests),
        is_bad: request.outcomes.failed > 0,
        p50,
        p95,
        p99,
        max,
        errors: errors.collect::<Vec<_>>().join(", "),
        lines: lines(request),
    }
}

fn lines(request: &RequestResult) -> Vec<String> {
    let together = request.series.len().div_ceil(POINTS).max(1);
    let points: Vec<Option<f64>> = request
        .series
        .chunks(together)
        .map(|rows| rows.iter().filter_map(|row| row.p99_ms).reduce(f64::max))
        .collect();
    let most = points.iter().flatten().copied().reduce(f64::max).unwrap_or(0.0);
    if points.len() < 2 || most <= 0.0 {
        return Vec::new();
    }
    let (last, room) = ((points.len() - 1) as f64, HEIGHT - 2.0);
    let point = |(at, value): (usize, &Option<f64>)| {
        let x = (at as f64 / last * WIDTH).round();
        value.map(|value| format!("{x},{:.1}", HEIGHT - 1.0 - room * value / most))
    };
    let points: Vec<_> = points.iter().enumerate().map(point).collect();
    let parts = points.split(Option::is_none).filter(|part| part.len() > 1);
    parts.map(|part| part.iter().flatten().cloned().collect::<Vec<_>>().join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::SeriesRow;

    #[test]
    fn a_picture_has_a_line_between_two_gaps() {
        let row = |p99_ms| SeriesRow { p99_ms, ..SeriesRow::default() };
        let values = [Some(1.0), Some(2.0), None, Some(2.0), Some(0.0)];
        let request = RequestResult { series: values.map(row).into(), ..RequestResult::default() };
        assert_eq!(lines(&request), ["0,12.0 30,1.0", "90,1.0 120,23.0"]);
        let single = RequestResult { series: vec![row(Some(1.0))], ..RequestResult::default() };
        assert!(lines(&single).is_empty() && lines(&RequestResult::default()).is_empty());
    }
}
