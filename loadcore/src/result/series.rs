//! Turns intervals into the rows of the series: at most 3,600, however long the run.
//!
//! The length of a row is chosen from the planned duration, so that a planned run has exact
//! percentiles in every row. A run that outgrows its plan (a pause, a limit on requests instead of
//! time) has its rows merged in pairs, again and again: sums and maxima stay exact, percentiles
//! cannot be merged without their histograms and become null.

use super::{LatencySummary, SeriesRow, Span};
use crate::record::{Counters, Histogram, Interval, Merge, Named};
use crate::time::SECOND;

/// The most rows that are kept of the whole.
pub(super) const MOST_ROWS: usize = 3_600;

/// The rows so far, and the one that is being filled.
#[derive(Debug)]
pub(super) struct Series {
    row_seconds: u64,
    most_rows: usize,
    rows: Vec<SeriesRow>,
    open: Option<SeriesRow>,
    /// Everything so far.
    sum: SeriesRow,
    /// Latencies of the open row.
    latency: Histogram,
}

impl Series {
    /// Of at most so many rows, for a run that is planned to last so long; `latency` is empty.
    pub(super) fn new(planned_seconds: f64, most_rows: usize, latency: Histogram) -> Self {
        let row_seconds = (planned_seconds / most_rows as f64).ceil().max(1.0) as u64;
        Self {
            row_seconds,
            most_rows,
            rows: Vec::new(),
            open: None,
            sum: SeriesRow::default(),
            latency,
        }
    }

    /// Adds an interval to the row in which it began, at whose end so many arrivals are unknown.
    ///
    /// A drain that is shorter than a row belongs to the row before it: a row of its own would look
    /// like a second in which nothing fell due.
    pub(super) fn add(
        &mut self,
        (counters, response): (&Counters, &Histogram),
        span: Span,
        unknown: u64,
    ) {
        let begun = span.from_ns / SECOND / self.row_seconds * self.row_seconds;
        let short = span.to_ns.saturating_sub(span.from_ns) < self.row_seconds * SECOND;
        let belongs = |row: &SeriesRow| row.second >= begun || (span.draining && short);
        if !self.open.as_ref().is_some_and(belongs) {
            self.close();
            self.open = Some(SeriesRow { second: begun, ..SeriesRow::default() });
        }
        self.sum.count(counters);
        if let Some(row) = &mut self.open {
            row.count(counters);
            row.stands(&self.sum, unknown);
            self.latency.merge(response);
        }
    }

    /// Seconds in a row, and the rows, with what no interval brought added to the last. The unknown
    /// arrivals fell due as well.
    pub(super) fn rows(&self, total: &Counters, unknown: u64) -> (u64, Vec<SeriesRow>) {
        let mut rows = self.rows.clone();
        rows.extend(self.open.as_ref().map(|row| row.measured(&self.latency)));
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
        (self.row_seconds, rows)
    }

    fn close(&mut self) {
        let Some(row) = self.open.take() else { return };
        let row = row.measured(&self.latency);
        self.latency.reset();
        self.push(row);
        if self.rows.len() >= self.most_rows {
            self.row_seconds *= 2;
            for mut row in std::mem::take(&mut self.rows) {
                row.second = row.second / self.row_seconds * self.row_seconds;
                self.push(row);
            }
        }
    }

    fn push(&mut self, row: SeriesRow) {
        match self.rows.last_mut() {
            Some(last) if last.second == row.second => last.absorb(&row),
            _ => self.rows.push(row),
        }
    }
}

impl SeriesRow {
    /// The row of a single interval; it begins with the second in which the interval began.
    #[must_use]
    pub fn of(interval: &Interval, span: Span) -> Self {
        let mut row = Self { second: span.from_ns / SECOND, ..Self::default() };
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

    /// The same row with the percentiles of its latencies.
    fn measured(&self, latency: &Histogram) -> Self {
        let LatencySummary { p50_ms, p95_ms, p99_ms, max_ms, .. } = LatencySummary::of(latency);
        Self { p50_ms, p95_ms, p99_ms, max_ms, ..self.clone() }
    }

    /// Adds the row that follows, whose latencies are not at hand any more.
    fn absorb(&mut self, other: &Self) {
        self.due += other.due;
        self.sent += other.sent;
        self.ok += other.ok;
        self.failed += other.failed;
        self.dropped += other.dropped;
        (self.backlog, self.unknown) = (other.backlog, other.unknown);
        if other.ok + other.failed > 0 {
            (self.p50_ms, self.p95_ms, self.p99_ms) = (None, None, None);
        }
        // `None` is less than any number.
        self.max_ms = if other.max_ms > self.max_ms { other.max_ms } else { self.max_ms };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(rows[0].p50_ms, None);
        assert!(rows[0].max_ms.unwrap() >= 2.0);
        assert!(rows.last().unwrap().p50_ms.is_some(), "new rows are exact again");
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
