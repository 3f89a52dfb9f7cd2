//! Holds evidence against expectation, and panics with the place where they part.

use super::Evidence;
use super::target::Seen;
use crate::record::Histogram;
use crate::time::Nanos;

impl Evidence {
    /// Each request that has an outcome was due, sent and over at exactly these moments, and all
    /// figures say the same.
    pub(super) fn is(&self, expected: &[[Nanos; 3]]) {
        self.times_are(expected);
        self.figures_follow();
    }

    fn times_are(&self, expected: &[[Nanos; 3]]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let close = |one: Nanos, other: Nanos| one.abs_diff(other) <= ROUNDING;
        for (n, (seen, [intended, start, end])) in self.seen.iter().zip(&expected).enumerate() {
            let times = seen.times;
            let right = times.intended.is_none_or(|at| close(at, *intended))
                && close(times.start, *start)
                && close(times.end, *end);
            assert!(right, "request {n}: {seen:?}, not {intended} {start} {end}");
        }
        assert_eq!(self.seen.len(), expected.len(), "requests with an outcome");
    }

    /// Counts and histograms are those of what the target knows of each request. Not for runs that
    /// end with requests in flight.
    pub(super) fn figures_follow(&self) {
        let counters = &self.total.counters;
        let count = self.seen.len() as u64;
        assert_eq!((counters.sent, counters.ok + counters.failed), (count, count));
        let dropped: u64 = counters.dropped.iter().sum();
        assert_eq!(counters.due, count + dropped, "due = sent + dropped");
        assert_eq!(self.total.health.clock_faults, 0);
        let histograms = &self.total.histograms;
        let of = |value: &dyn Fn(&Seen) -> Nanos| self.seen.iter().map(value).collect::<Vec<_>>();
        holds("service", &histograms.service, of(&|it| it.times.end - it.read));
        let intended = |it: &Seen| it.times.intended.unwrap_or(it.read);
        holds("response", &histograms.response, of(&|it| it.times.end - intended(it)));
        // Here all are answered, or none is.
        let failed =
            if counters.failed > 0 { of(&|it| it.times.end - intended(it)) } else { Vec::new() };
        holds("response of the failed", &histograms.failed, failed);
        let is_open = self.seen.iter().all(|it| it.times.intended.is_some());
        let lags = if is_open { of(&|it| it.read - intended(it)) } else { Vec::new() };
        holds("lag", &histograms.lag, lags);
    }

    /// How many arrivals of `moments` lie in each interval, its end included, is what it counts as due.
    pub(super) fn is_due_at(&self, moments: &[Nanos], zero: Nanos, interval: Nanos) {
        for (n, counted) in self.intervals.iter().map(|it| it.counters.due).enumerate() {
            let (from, to) = (zero + n as u64 * interval, zero + (n as u64 + 1) * interval);
            let expected = moments.iter().filter(|at| from < **at && **at <= to).count();
            assert_eq!(counted, expected as u64, "due in interval {n}");
        }
    }
}

/// Two formulas for one moment may round to different nanoseconds.
const ROUNDING: Nanos = 2;

/// A histogram counts exactly `values`: the value of each rank is in the bucket of that rank, whose
/// width is a thousandth of it, or half a microsecond.
pub(super) fn holds(what: &str, histogram: &Histogram, mut values: Vec<Nanos>) {
    assert_eq!(histogram.count(), values.len() as u64, "values in {what}");
    values.sort_unstable();
    let mut ranks = values.into_iter();
    for (highest, count) in histogram.buckets() {
        for value in ranks.by_ref().take(count as usize) {
            let fits = highest + ROUNDING >= value && highest <= value + value / 1_000 + 512;
            assert!(fits, "{what}: {value} ns are counted up to {highest} ns");
        }
    }
}
