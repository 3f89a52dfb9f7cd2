//! Turns intervals into the rows of the series: at most 3,600, however long the run.
//!
//! A planned run has exact percentiles in every row. Where rows are merged since a run outgrew its plan,
//! sums and maxima stay exact; percentiles cannot be merged without their histograms, and are read
//! from the merged distributions, to what those tell apart.

use super::rows::{Row, Rows};
use super::{LatencySummary, SeriesRow, Span, ms};
use crate::record::{Counters, Distribution, Histogram, Interval, Merge, Named};
use crate::time::SECOND;

/// The rows so far, and the one that is being filled.
#[derive(Debug)]
pub(super) struct Series {
    rows: Rows<SeriesRow>,
    /// Everything so far.
    sum: SeriesRow,
    /// Latencies of the open row.
    latency: Histogram,
}

impl Series {
    /// Of at most so many rows, for a run that is planned to last so long; `latency` is empty.
    pub(super) fn new(planned_seconds: f64, most_rows: usize, latency: Histogram) -> Self {
        let rows = Rows::new(most_rows, planned_seconds);
        Self { rows, sum: SeriesRow::default(), latency }
    }

    /// Adds an interval to the row in which it began, at whose end so many arrivals are unknown.
    pub(super) fn add(
        &mut self,
        (counters, response): (&Counters, &Histogram),
        span: Span,
        unknown: u64,
    ) {
        let latency = &mut self.latency;
        let row = self.rows.at(span, |row| {
            *row = row.measured(latency);
            latency.reset();
        });
        self.sum.count(counters);
        row.count(counters);
        row.stands(&self.sum, unknown);
        self.latency.merge(response);
    }

    /// Seconds in a row, and the rows, with what no interval brought added to the last. The unknown
    /// arrivals fell due as well.
    pub(super) fn rows(&self, total: &Counters, unknown: u64) -> (u64, Vec<SeriesRow>) {
        let mut rows = self.rows.closed().to_vec();
        rows.extend(self.rows.open().map(|row| row.measured(&self.latency)));
        let lacking = SeriesRow {
            second: rows.last().map_or(0, |row| row.second),
            due: total.due.saturating_add(unknown).saturating_sub(self.sum.due),
            sent: total.sent.saturating_sub(self.sum.sent),
            ok: total.ok.saturating_sub(self.sum.ok),
            failed: total.failed.saturating_sub(self.sum.failed),
            dropped: total.dropped_total().saturating_sub(self.sum.dropped),
            ..SeriesRow::default()
        };
        let nothing = SeriesRow { second: lacking.second, ..SeriesRow::default() };
        if lacking != nothing {
            match rows.last_mut() {
                Some(last) => last.absorb(&lacking),
                None => rows.push(lacking.clone()),
            }
        }
        let mut sum = self.sum.clone();
        sum.absorb(&lacking);
        if let Some(last) = rows.last_mut() {
            last.stands(&sum, unknown);
        }
        (self.rows.row_seconds(), rows)
    }
}

impl SeriesRow {
    /// The row of a single interval; it begins with the second in which the interval began.
    #[must_use]
    pub fn of(interval: &Interval, span: Span) -> Self {
        let mut row = Self::beginning(span.from_ns / SECOND);
        row.count(&interval.counters);
        row.measured(&interval.histograms.response)
    }

    /// The row of one request of the mix in a single interval.
    #[must_use]
    pub fn of_named(named: &Named, span: Span) -> Self {
        let mut row = Self { second: span.from_ns / SECOND, ..Self::default() };
        row.count(&named.counters);
        row.measured(&named.response)
    }

    fn count(&mut self, counters: &Counters) {
        self.due += counters.due;
        self.sent += counters.sent;
        self.ok += counters.ok;
        self.failed += counters.failed;
        self.dropped += counters.dropped_total();
    }

    /// What is left over at its end of everything up to there.
    fn stands(&mut self, sum: &Self, unknown: u64) {
        let told = sum.sent.saturating_add(sum.dropped).saturating_add(unknown);
        self.backlog = sum.due.saturating_sub(told);
        self.unknown = unknown;
    }

    /// The same row with its latencies.
    fn measured(&self, latency: &Histogram) -> Self {
        let LatencySummary { p50_ms, p95_ms, p99_ms, max_ms, .. } = LatencySummary::of(latency);
        let distribution = Some(Distribution::of(latency)).filter(|it| !it.is_empty());
        Self { p50_ms, p95_ms, p99_ms, max_ms, distribution, ..self.clone() }
    }

    fn outcomes(&self) -> u64 {
        self.ok + self.failed
    }

    /// Adds latencies of a row whose histogram is not at hand any more. Where those of some requests
    /// are not known at all, neither is the distribution of all.
    fn absorb_latencies(&mut self, later: &Self) {
        if later.outcomes() == 0 {
            return;
        }
        // `None` is less than any number.
        let max_ms = if later.max_ms > self.max_ms { later.max_ms } else { self.max_ms };
        let mut merged = match (self.outcomes(), &self.distribution) {
            (0, _) => Some(Distribution::default()),
            (_, known) => known.clone(),
        };
        match (&mut merged, &later.distribution) {
            (Some(sum), Some(more)) => sum.merge(more),
            _ => merged = None,
        }
        let quantile = |quantile| {
            let value = merged.as_ref()?.quantile(quantile).map(ms);
            // The middle of a bucket may lie above the largest value in it; above an hour there are
            // no buckets.
            value.into_iter().chain(max_ms).reduce(f64::min)
        };
        (self.p50_ms, self.p95_ms, self.p99_ms) = match self.outcomes() {
            0 => (later.p50_ms, later.p95_ms, later.p99_ms),
            _ => (quantile(0.5), quantile(0.95), quantile(0.99)),
        };
        (self.max_ms, self.distribution) = (max_ms, merged);
    }
}

impl Row for SeriesRow {
    fn beginning(second: u64) -> Self {
        Self { second, ..Self::default() }
    }

    fn second(&self) -> u64 {
        self.second
    }

    fn begin(&mut self, second: u64) {
        self.second = second;
    }

    fn absorb(&mut self, later: &Self) {
        self.absorb_latencies(later);
        self.due += later.due;
        self.sent += later.sent;
        self.ok += later.ok;
        self.failed += later.failed;
        self.dropped += later.dropped;
        (self.backlog, self.unknown) = (later.backlog, later.unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::MOST_ROWS;
    use crate::time::MILLISECOND;
    use proptest::prelude::*;

    /// An interval with `n` requests of `ms` milliseconds.
    fn interval(n: u64, ms: u64) -> Interval {
        let mut interval = Interval::new();
        let Counters { due, sent, ok, .. } = &mut interval.counters;
        (*due, *sent, *ok) = (n, n, n);
        (0..n).for_each(|_| interval.histograms.response.record(ms * MILLISECOND));
        interval
    }

    fn series_of(planned_seconds: f64) -> Series {
        Series::new(planned_seconds, MOST_ROWS, Histogram::new())
    }

    fn add(series: &mut Series, interval: &Interval, span: Span, unknown: u64) {
        series.add((&interval.counters, &interval.histograms.response), span, unknown);
    }

    fn span(from_ms: u64, to_ms: u64, draining: bool) -> Span {
        Span { from_ns: from_ms * MILLISECOND, to_ns: to_ms * MILLISECOND, draining }
    }

    fn total(sent: u64) -> Counters {
        Counters { due: sent, sent, ok: sent, ..Counters::default() }
    }

    #[test]
    fn a_row_is_a_second_of_a_short_run() {
        let mut series = series_of(15.0);
        add(&mut series, &interval(10, 1), span(0, 1_000, false), 0);
        add(&mut series, &interval(5, 20), span(1_000, 2_000, false), 0);
        let (row_seconds, rows) = series.rows(&total(15), 0);
        assert_eq!(row_seconds, 1);
        assert_eq!(
            rows.iter().map(|row| (row.second, row.sent)).collect::<Vec<_>>(),
            [(0, 10), (1, 5)]
        );
        assert!(rows[1].p50_ms.unwrap() >= 20.0 && rows[1].p50_ms == rows[1].max_ms);
    }

    #[test]
    fn a_short_drain_belongs_to_the_last_row_and_a_long_one_has_its_own() {
        let mut series = series_of(7.0);
        add(&mut series, &interval(10, 1), span(0, 1_000, false), 0);
        add(&mut series, &interval(10, 1), span(1_000, 2_000, false), 0);
        add(&mut series, &interval(1, 300), span(2_000, 2_300, true), 0);
        let rows = series.rows(&total(21), 0).1;
        assert_eq!((rows.len(), rows[1].sent), (2, 11));
        assert!(rows[1].p50_ms.unwrap() < 2.0, "its percentiles are exact");
        assert!(rows[1].max_ms.unwrap() >= 300.0);

        add(&mut series, &interval(1, 9), span(2_000, 3_000, true), 0);
        add(&mut series, &interval(1, 9), span(3_000, 3_400, true), 0);
        let rows = series.rows(&total(23), 0).1;
        assert_eq!((rows.len(), rows[2].second, rows[2].sent), (3, 2, 2));
    }

    #[test]
    fn a_measured_time_that_ends_within_a_second_keeps_its_last_row() {
        let mut series = series_of(6.5);
        add(&mut series, &interval(10, 1), span(0, 1_000, false), 0);
        add(&mut series, &interval(5, 1), span(1_000, 1_500, false), 0);
        add(&mut series, &interval(1, 1), span(1_500, 1_900, true), 0);
        let rows = series.rows(&total(16), 0).1;
        assert_eq!((rows.len(), rows[1].sent), (2, 6));
    }

    #[test]
    fn rows_of_a_long_run_are_longer() {
        let mut series = series_of(36_005.0);
        for second in 0..24 {
            add(
                &mut series,
                &interval(1, 1),
                span(second * 1_000, second * 1_000 + 1_000, false),
                0,
            );
        }
        let (row_seconds, rows) = series.rows(&total(24), 0);
        assert_eq!((row_seconds, rows.len()), (11, 3));
        assert_eq!((rows[2].second, rows[2].sent), (22, 2));
        assert!(rows.iter().all(|row| row.p99_ms.is_some()));
    }

    #[test]
    fn a_run_that_outgrows_its_plan_has_its_rows_merged() {
        let mut series = series_of(10.0);
        let last = 3 * MOST_ROWS as u64;
        for second in 0..last {
            let ms = 1 + second % 2;
            add(
                &mut series,
                &interval(1, ms),
                span(second * 1_000, second * 1_000 + 1_000, false),
                0,
            );
        }
        let (row_seconds, rows) = series.rows(&total(last), 0);
        assert_eq!(row_seconds, 4);
        assert!(rows.len() <= MOST_ROWS);
        // Two of 1 ms and two of 2 ms: within 1/32, and the largest as it was.
        let SeriesRow { p50_ms: Some(p50), p99_ms: Some(p99), max_ms: Some(max), .. } = rows[0]
        else {
            panic!("{:?}", rows[0]);
        };
        assert!((1.0 - 1.0 / 32.0..=1.0 + 1.0 / 32.0).contains(&p50), "{p50}");
        assert!((2.0 - 2.0 / 32.0..=max).contains(&p99) && (2.0..2.01).contains(&max), "{p99}");
        assert!(rows.iter().all(|row| row.distribution.as_ref().unwrap().count() == row.sent));
        let newest = rows.last().unwrap().p50_ms.unwrap();
        assert!((1.0..1.001).contains(&newest), "new rows are exact again: {newest}");
        assert_eq!(rows.iter().map(|row| row.sent).sum::<u64>(), last);
        assert!(rows.windows(2).all(|pair| pair[1].second == pair[0].second + 4));
    }

    #[test]
    fn what_no_interval_brought_is_in_the_last_row() {
        let mut series = series_of(10.0);
        assert!(series.rows(&total(0), 0).1.is_empty());
        assert_eq!(series.rows(&total(3), 0).1[0].sent, 3);
        add(&mut series, &interval(2, 1), span(0, 1_000, false), 0);
        let rows = series.rows(&total(3), 0).1;
        assert_eq!((rows.len(), rows[0].sent, rows[0].p50_ms), (1, 3, None));
        assert_eq!(rows[0].distribution, None, "that of one is not known");
    }

    #[test]
    fn a_row_without_an_outcome_has_no_distribution_and_changes_none() {
        let mut row = SeriesRow::of(&interval(2, 1), span(0, 1_000, false));
        let before = row.clone();
        let nothing = SeriesRow::of(&interval(0, 1), span(1_000, 2_000, false));
        assert_eq!(nothing.distribution, None);
        row.absorb(&nothing);
        assert_eq!(row, before);
        let mut first = SeriesRow { second: 0, ..nothing };
        first.absorb(&row);
        assert_eq!(first, row, "exact as they were");
    }

    #[test]
    fn what_lies_above_an_hour_has_the_largest_for_a_percentile_of_merged_rows() {
        let hours = |n: u64| SeriesRow::of(&interval(1, n * 3_600_000), span(0, 1_000, false));
        let mut row = hours(2);
        row.absorb(&hours(3));
        assert_eq!(
            (row.p50_ms, row.p99_ms, row.max_ms),
            (row.max_ms, row.max_ms, Some(10_800_000.0))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn sums_over_rows_equal_the_totals(
            counts in prop::collection::vec((0..9u64, 0..2_500u64), 0..40),
            planned in 0.0..20_000.0f64,
            drained in 0..4usize,
        ) {
            let mut series = series_of(planned);
            let (mut at, mut sum) = (0, 0);
            for (place, (n, ms)) in counts.iter().enumerate() {
                let draining = place + drained >= counts.len();
                add(&mut series, &interval(*n, 3), span(at, at + ms, draining), 0);
                (at, sum) = (at + ms, sum + n);
            }
            let rows = series.rows(&total(sum), 0).1;
            prop_assert_eq!(rows.iter().map(|row| row.sent).sum::<u64>(), sum);
            prop_assert_eq!(rows.iter().map(|row| row.ok).sum::<u64>(), sum);
            prop_assert!(rows.windows(2).all(|pair| pair[0].second < pair[1].second));
        }
    }
}
