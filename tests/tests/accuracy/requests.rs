//! Turns every request of a run into a judgement: what the engine recorded against what it was.

use super::judge::{Verdict, check};
use super::witness::Kept;
use loadcore::record::{Histogram, Histograms};

/// Two clock readings lie between what is compared, or two formulas round differently.
const ROUNDING_NS: u64 = 2_000;
/// A stamp of the kernel is moved to the run's clock by two readings, at most so far from each other.
const STAMP_NS: u64 = 20_000;
/// What may be between what the engine records and what was, at the median and in the tail.
const MEDIAN_NS: i64 = 100_000;
const P99_NS: i64 = 1_000_000;

/// The requests of one run, in the order of their intended and then actual starts, and what came of
/// them in the engine.
pub(crate) struct Requests {
    pub(crate) all: Vec<Request>,
    pub(crate) histograms: Histograms,
}

/// One request. Moments are those of `CLOCK_MONOTONIC`, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    /// As recorded.
    pub(crate) intended: Option<u64>,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// When its exchange began, and when it had first done what it could: it was written.
    asked: u64,
    sent: u64,
    /// When the target had read it, and when it wrote the answer.
    pub(crate) read: u64,
    pub(crate) answered: u64,
    /// The zero of the run's clock.
    pub(crate) zero: u64,
}

impl Requests {
    /// Of what was kept; fails if the target has told too little.
    pub(crate) fn of(kept: &[Kept], histograms: Histograms) -> Result<Self, String> {
        let request = |kept: &Kept| {
            let (read, answered) = kept.told?;
            let Kept { recorded, zero, asked, sent, .. } = *kept;
            Some(Request {
                intended: recorded.intended.map(|at| at + zero),
                start: recorded.start + zero,
                end: recorded.end + zero,
                asked,
                sent,
                read,
                answered,
                zero,
            })
        };
        let mut all: Vec<_> = kept.iter().filter_map(request).collect();
        check(all.len() == kept.len() && !all.is_empty(), || {
            format!("the target told the times of {} of {} requests", all.len(), kept.len())
        })?;
        all.sort_by_key(|it| (it.intended, it.start));
        Ok(Self { all, histograms })
    }

    /// Arrival n was due `formula(n)` seconds after the run's zero.
    pub(crate) fn were_due_at(&self, formula: impl Fn(f64) -> f64) -> Result<(), String> {
        for (n, request) in self.all.iter().enumerate() {
            let expected = request.zero + (formula(n as f64) * 1e9).round() as u64;
            let intended = request.intended.unwrap_or(0);
            check(intended.abs_diff(expected) <= ROUNDING_NS, || {
                format!("arrival {n} is due {} ns from where it should be: {request:?}", {
                    intended.cast_signed() - expected.cast_signed()
                })
            })?;
        }
        Ok(())
    }

    /// All that has to hold whatever the machine does; and the tails.
    pub(crate) fn judge(&self, name: &str) -> Result<Verdict, String> {
        self.happened_in_order()?;
        self.are_in("service time", &self.histograms.service, |it| Some(it.end - it.start))?;
        let response = |it: &Request| Some(it.end - it.intended.unwrap_or(it.start));
        self.are_in("response time", &self.histograms.response, response)?;
        let lag = |it: &Request| it.intended.map(|intended| it.start - intended);
        self.are_in("lag", &self.histograms.lag, lag)?;
        let mut tails = Vec::new();
        for (what, error) in ERRORS {
            let mut errors: Vec<_> = self.all.iter().map(error).collect();
            errors.sort_unstable();
            let [median, p99] = [0.5, 0.99].map(|q| errors[(q * errors.len() as f64) as usize]);
            let said = format!(
                "{what} is off by {:.3} ms at the median, {:.3} ms at the p99",
                median as f64 / 1e6,
                p99 as f64 / 1e6
            );
            eprintln!("{name}: {said}");
            check(median.abs() <= MEDIAN_NS, || said.clone())?;
            if p99 > P99_NS {
                tails.push(said);
            }
        }
        tails.extend(self.percentiles());
        Ok(if tails.is_empty() { Verdict::Holds } else { Verdict::Tail(tails.join(", ")) })
    }

    /// Nothing is recorded to begin after it began, or to end before it ended.
    fn happened_in_order(&self) -> Result<(), String> {
        for it in &self.all {
            let in_order = it.intended.is_none_or(|intended| intended <= it.start)
                && it.start <= it.asked + ROUNDING_NS
                && it.start <= it.read + ROUNDING_NS
                && it.read <= it.answered
                && it.answered <= it.end + STAMP_NS;
            check(in_order, || format!("{it:?}"))?;
        }
        Ok(())
    }

    /// The histogram counts exactly these values: that of each rank lies in the bucket of that rank.
    fn are_in(
        &self,
        what: &str,
        histogram: &Histogram,
        value: impl Fn(&Request) -> Option<u64>,
    ) -> Result<(), String> {
        let mut values: Vec<_> = self.all.iter().filter_map(value).collect();
        values.sort_unstable();
        let count = values.len() as u64;
        check(histogram.count() == count, || {
            format!("{} values of {what}, not {count}", histogram.count())
        })?;
        let mut ranks = values.into_iter();
        for (highest, count) in histogram.buckets() {
            for value in ranks.by_ref().take(count as usize) {
                let fits = value <= highest && highest <= value + value / 1_000 + 512;
                check(fits, || format!("a {what} of {value} ns is counted up to {highest} ns"))?;
            }
        }
        Ok(())
    }

    /// Percentiles of the response time that are not those of the truth, to 1% and 0.1 ms.
    fn percentiles(&self) -> Vec<String> {
        let truth = |it: &Request| it.answered - it.intended.unwrap_or(it.start);
        let mut truths: Vec<_> = self.all.iter().map(truth).collect();
        truths.sort_unstable();
        let mut far = Vec::new();
        for quantile in [0.5, 0.99, 0.999] {
            let rank = (quantile * truths.len() as f64).ceil() as usize;
            let expected = truths[rank - 1];
            let measured = self.histograms.response.quantile(quantile).unwrap_or(0);
            if measured.abs_diff(expected) > expected / 100 + 100_000 {
                far.push(format!("p{} is {measured} ns, not {expected}", quantile * 100.0));
            }
        }
        far
    }
}

/// By how much a request's service time, and its two ends, are not what they were. Between the end
/// of its writing and the target's reading it was with the machine, and with nobody else.
const ERRORS: [(&str, fn(&Request) -> i64); 3] = [
    ("the start", |it| since(it.start, it.read.min(it.sent))),
    ("the end", |it| since(it.answered, it.end)),
    ("service time", |it| {
        let with_the_machine = it.read.saturating_sub(it.sent);
        since(it.start, it.end) - since(it.read, it.answered) - with_the_machine.cast_signed()
    }),
];

fn since(from: u64, to: u64) -> i64 {
    to.cast_signed() - from.cast_signed()
}
