//! Turns the rows of a result into the columns of its plots: neighbours become one until there are few
//! enough to be told apart.

use super::super::text::measured_until;
use crate::record::{Distribution, Merge};
use crate::result::{RunResult, SeriesRow, ms};

/// The most columns of a plot.
const MOST: u64 = 600;
/// How many seconds a column may span, but for doublings of the last: what people count in.
const STEPS: [u64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
/// The smallest part of a column that the measured time may end in and still have a rate: in a
/// hundredth of a second one request would be a hundred per second.
const LEAST_PART: f64 = 0.25;

/// The columns of a result.
#[derive(Debug)]
pub(super) struct Columns {
    /// Seconds in each.
    pub(super) step: u64,
    /// When nothing more fell due, in seconds since the start.
    pub(super) until: f64,
    /// They, in their order; there may be gaps between them.
    pub(super) columns: Vec<Column>,
    /// In some of them the percentiles are the highest of their rows, whose distributions were left out.
    pub(super) has_highest: bool,
}

/// What happened in one span of the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Column {
    pub(super) second: u64,
    /// How much of it is measured time; `None` where that is too little to speak of a rate.
    pub(super) seconds: Option<f64>,
    pub(super) due: u64,
    pub(super) sent: u64,
    pub(super) ok: u64,
    pub(super) failed: u64,
    pub(super) dropped: u64,
    pub(super) backlog: u64,
    pub(super) p50_ms: Option<f64>,
    pub(super) p95_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) max_ms: Option<f64>,
    /// The latencies; `None` where a row of it lacks its own.
    pub(super) distribution: Option<Distribution>,
}

impl Columns {
    pub(super) fn of(result: &RunResult) -> Self {
        let row_seconds = result.series_seconds.max(1);
        let until = measured_until(result);
        let first = result.series.first().map_or(0, |row| row.second);
        let last = result.series.last().map_or(0, |row| row.second + row_seconds);
        let step = step(row_seconds, last - first);
        let mut columns = Vec::new();
        let mut has_highest = false;
        for rows in result.series.chunk_by(|a, b| a.second / step == b.second / step) {
            let mut column = column(rows);
            column.second = column.second / step * step;
            let measured = (until - column.second as f64).min(step as f64);
            let is_enough = measured >= LEAST_PART * step as f64 || columns.is_empty();
            column.seconds = (measured > 0.0 && is_enough).then_some(measured);
            has_highest |= rows.len() > 1 && column.distribution.is_none();
            columns.push(column);
        }
        Self { step, until, columns, has_highest }
    }
}

/// The smallest step that makes few enough columns and that rows fit into.
fn step(row_seconds: u64, seconds: u64) -> u64 {
    let fits = |step: &u64| step.is_multiple_of(row_seconds) && seconds.div_ceil(*step) <= MOST;
    let round = STEPS.into_iter().find(fits);
    round.unwrap_or_else(|| row_seconds * seconds.div_ceil(row_seconds).div_ceil(MOST).max(1))
}

fn column(rows: &[SeriesRow]) -> Column {
    let sum = |count: fn(&SeriesRow) -> u64| rows.iter().map(count).sum();
    let mut column = Column {
        second: rows[0].second,
        due: sum(|row| row.due),
        sent: sum(|row| row.sent),
        ok: sum(|row| row.ok),
        failed: sum(|row| row.failed),
        dropped: sum(|row| row.dropped),
        backlog: rows.iter().map(|row| row.backlog).max().unwrap_or(0),
        max_ms: highest(rows, |row| row.max_ms),
        distribution: merged(rows),
        ..Column::default()
    };
    let of_many = column.distribution.as_ref().filter(|_| rows.len() > 1);
    let percentile = |quantile, of_row: fn(&SeriesRow) -> Option<f64>| match of_many {
        // The middle of a bucket may lie above all that is in it.
        Some(all) => Some(all.quantile(quantile).map(ms)?.min(column.max_ms?)),
        None => highest(rows, of_row),
    };
    let p50 = percentile(0.5, |row| row.p50_ms);
    let p95 = percentile(0.95, |row| row.p95_ms);
    let p99 = percentile(0.99, |row| row.p99_ms);
    (column.p50_ms, column.p95_ms, column.p99_ms) = (p50, p95, p99);
    column
}

fn highest(rows: &[SeriesRow], of_row: fn(&SeriesRow) -> Option<f64>) -> Option<f64> {
    rows.iter().filter_map(of_row).reduce(f64::max)
}

fn merged(rows: &[SeriesRow]) -> Option<Distribution> {
    let mut all = Distribution::default();
    for row in rows.iter().filter(|row| row.ok + row.failed > 0) {
        all.merge(row.distribution.as_ref()?);
    }
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::{empty_run, steady_run};

    #[test]
    fn a_short_run_keeps_its_rows() {
        let result = steady_run();
        let columns = Columns::of(&result);
        assert_eq!((columns.step, columns.columns.len(), columns.has_highest), (1, 10, false));
        let (first, row) = (&columns.columns[0], &result.series[0]);
        assert_eq!((first.seconds, first.due, first.ok), (Some(1.0), row.due, row.ok));
        assert_eq!((first.p99_ms, first.max_ms), (row.p99_ms, row.max_ms));
        assert!(Columns::of(&empty_run()).columns.is_empty());
    }

    #[test]
    fn an_hours_rows_become_few_columns_whose_sums_are_the_totals() {
        let mut result = steady_run();
        let rows = result.series.clone();
        result.series = (0..3_600)
            .map(|second| SeriesRow { second, ..rows[second as usize % 10].clone() })
            .collect();
        result.duration_seconds = 3_600.0;
        let merged = Columns::of(&result);
        assert_eq!((merged.step, merged.columns.len()), (10, 360));
        let due: u64 = merged.columns.iter().map(|column| column.due).sum();
        assert_eq!(due, 3_600_000);
        let (p99, whole) = (merged.columns[7].p99_ms.unwrap(), result.latency.p99_ms.unwrap());
        assert!((p99 / whole - 1.0).abs() < 0.032, "{p99} of {whole}");
        assert!(!merged.has_highest);
        result.leave_out_distributions();
        let bare = Columns::of(&result);
        let highest = rows.iter().filter_map(|row| row.p99_ms).reduce(f64::max);
        assert_eq!((bare.has_highest, bare.columns[7].p99_ms), (true, highest));
    }

    #[test]
    fn a_step_is_what_people_count_in() {
        let cases = [(1, 10, 1), (1, 601, 2), (1, 3_600, 10), (2, 7_200, 30), (3, 2_000, 15)];
        for (row, seconds, expected) in cases {
            assert_eq!(step(row, seconds), expected, "{row} {seconds}");
        }
        assert_eq!(step(168, 604_800), 1_008, "a week: as rows fit");
        assert!(604_800_u64.div_ceil(step(168, 604_800)) <= MOST);
    }

    #[test]
    fn the_measured_time_may_end_within_a_column() {
        let mut result = steady_run();
        result.duration_seconds = 9.5;
        assert_eq!(Columns::of(&result).columns[9].seconds, Some(0.5));
        result.duration_seconds = 9.01;
        assert_eq!(Columns::of(&result).columns[9].seconds, None);
    }
}
