//! Turns a run, or one request of its mix, into its figures, each with how far it scatters.

use super::split;
use super::spread::{self, Spread};
use crate::record::{Distribution, Histogram};
use crate::result::{Arrivals, LatencySummary, Outcomes, RequestResult, RunResult, SeriesRow};
use crate::time::MILLISECOND;

/// The percentiles that are compared.
pub(super) const PERCENTS: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 99.9];
/// Requests that have to lie beyond a percentile for it to be judged.
pub(super) const FEWEST_BEYOND: f64 = 20.0;
/// How many deviations from its share a quantile's surroundings are looked at: as far as an interval
/// mostly reaches, so that a gap between two groups of latencies there is noticed.
const LOOK: f64 = 3.0;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Figure {
    /// What so many percent of the latencies do not exceed.
    Percentile(f64),
    /// Share of the requests that failed.
    ErrorRate,
    /// In open loop: share of the arrivals that came to an outcome.
    AchievedRate,
    /// In closed loop: requests with an outcome per second.
    Rps,
}

/// A figure of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// On the scale of its figure: a logarithm of times and rates, else a share.
    pub(super) value: f64,
    /// How far it scatters, on that scale; `None` where the run does not say.
    pub(super) spread: Option<Spread>,
    /// How far the true value may lie from it since it was counted in a bucket.
    pub(super) resolution: f64,
}

/// All requests of a run, or those of one name.
pub(super) struct Part<'a> {
    arrivals: &'a Arrivals,
    outcomes: &'a Outcomes,
    latency: &'a LatencySummary,
    series: &'a [SeriesRow],
    series_seconds: u64,
    duration_seconds: f64,
    /// Requests that nobody saw the end of.
    never_ended: u64,
    /// Relative width of the buckets that its percentiles were read from.
    width: f64,
    /// All rows together, where every row with an outcome has a distribution.
    pooled: Option<Distribution>,
}

impl<'a> Part<'a> {
    /// All requests.
    pub(super) fn whole(run: &'a RunResult) -> Self {
        Self {
            arrivals: &run.arrivals,
            outcomes: &run.outcomes,
            latency: &run.latency,
            series: &run.series,
            series_seconds: run.series_seconds,
            duration_seconds: run.duration_seconds,
            never_ended: run.never_ended(),
            width: width(Histogram::DIGITS),
            pooled: pooled(&run.series),
        }
    }

    /// Those of one name.
    pub(super) fn of_request(run: &'a RunResult, request: &'a RequestResult) -> Self {
        Self {
            arrivals: &request.arrivals,
            outcomes: &request.outcomes,
            latency: &request.latency,
            series: &request.series,
            series_seconds: request.series_seconds,
            never_ended: request.outcomes.unfinished.min(run.never_ended()),
            width: width(Histogram::COARSE_DIGITS),
            pooled: pooled(&request.series),
            ..Self::whole(run)
        }
    }

    /// The figure, if there is one.
    pub(super) fn estimate(&self, figure: Figure) -> Option<Estimate> {
        match figure {
            Figure::Percentile(percent) => self.percentile(percent),
            Figure::ErrorRate => {
                let failed = self.outcomes.failed + self.never_ended;
                let rows = self.rows(|row, _| (row.failed as f64, ended(row)));
                share(failed, self.ended() + self.never_ended, &rows, self.series_seconds)
            }
            Figure::AchievedRate => {
                let rows = self.rows(|row, _| (ended(row), row.due as f64));
                share(self.ended(), self.arrivals.due, &rows, self.series_seconds)
            }
            Figure::Rps => self.rps(),
        }
    }

    /// Why a figure that there is has no interval, after "since".
    pub(super) fn why_unknown(&self, figure: Figure) -> &'static str {
        match figure {
            _ if self.series.is_empty() => "the result has no series",
            Figure::Percentile(percent) if self.beyond(percent) < FEWEST_BEYOND => {
                "too few requests took longer"
            }
            Figure::Percentile(_) if self.pooled.is_none() => {
                "the rows of the series have no distributions"
            }
            _ => "the run is too short",
        }
    }

    fn ended(&self) -> u64 {
        self.outcomes.ok + self.outcomes.failed
    }

    /// How many requests lie beyond a percentile, in expectation.
    fn beyond(&self, percent: f64) -> f64 {
        (1.0 - percent / 100.0) * (self.ended() + self.never_ended) as f64
    }

    /// The rows as part and whole, from each with the seconds of it that were measured.
    fn rows(&self, of: impl Fn(&SeriesRow, f64) -> (f64, f64)) -> Vec<(f64, f64)> {
        let rows = self.series.iter().map(|row| {
            let left = self.duration_seconds - row.second as f64;
            of(row, left.clamp(0.0, self.series_seconds as f64))
        });
        rows.collect()
    }

    /// Requests that never ended took longer than all others.
    fn percentile(&self, percent: f64) -> Option<Estimate> {
        let (ended, never) = (self.ended() as f64, self.never_ended as f64);
        let share = percent / 100.0 * (ended + never) / ended;
        let ms = self.quantile(share).filter(|ms| *ms > 0.0 && share <= 1.0)?;
        let bucket = Histogram::LOWEST as f64 / 2.0 / (ms * MILLISECOND as f64);
        Some(Estimate {
            value: ms.ln(),
            spread: self.spread_of_quantile(percent, share, ms),
            resolution: self.width.max(bucket),
        })
    }

    /// How far a quantile's logarithm scatters: how far the share that does not exceed it scatters, and
    /// which quantiles these shares have (Woodruff, 1952).
    fn spread_of_quantile(&self, percent: f64, share: f64, ms: f64) -> Option<Spread> {
        self.pooled.as_ref()?;
        if self.beyond(percent) < FEWEST_BEYOND {
            return None;
        }
        let ns = ms * MILLISECOND as f64;
        let rows = self.rows(|row, _| (split::up_to(row, ns), ended(row)));
        let Spread { variance, freedom } = spread::of_share(&rows, self.series_seconds)?;
        let variance = variance.max(by_chance(share, self.ended()));
        let reach = LOOK * variance.sqrt();
        let (low, high) = (self.quantile(share - reach)?, self.quantile(share + reach)?);
        let deviation = (high / low).ln() / (2.0 * LOOK);
        Some(Spread { variance: deviation * deviation, freedom })
    }

    /// What a share of the latencies does not exceed, in milliseconds: from the histogram, where the
    /// result has it, else from the rows.
    fn quantile(&self, share: f64) -> Option<f64> {
        let share = share.clamp(0.0, 1.0);
        let of_rows = || split::quantile(self.pooled.as_ref()?, share);
        let known = self.latency.percentile(share * 100.0);
        known.or_else(|| of_rows().map(|ns| ns / MILLISECOND as f64))
    }

    fn rps(&self) -> Option<Estimate> {
        let ended = self.ended();
        if ended == 0 || self.duration_seconds <= 0.0 {
            return None;
        }
        let rps = ended as f64 / self.duration_seconds;
        let rows = self.rows(|row, seconds| (self::ended(row), seconds));
        let spread = spread::of_share(&rows, self.series_seconds).map(|spread| Spread {
            variance: (spread.variance / (rps * rps)).max(1.0 / ended as f64),
            ..spread
        });
        Some(Estimate { value: rps.ln(), spread, resolution: 0.0 })
    }
}

/// A share of a whole, and of the whole in each row.
fn share(part: u64, whole: u64, rows: &[(f64, f64)], row_seconds: u64) -> Option<Estimate> {
    if whole == 0 {
        return None;
    }
    let value = (part as f64 / whole as f64).min(1.0);
    let spread = spread::of_share(rows, row_seconds)
        .map(|spread| Spread { variance: spread.variance.max(by_chance(value, whole)), ..spread });
    Some(Estimate { value, spread, resolution: 0.0 })
}

/// The variance of a share of `n` that are independent of each other: none scatters less than that. One
/// of each kind is added, so that none of a hundred is not taken for never (Agresti and Caffo, 2000).
fn by_chance(share: f64, n: u64) -> f64 {
    let n = n as f64;
    let share = (share.clamp(0.0, 1.0) * n + 1.0) / (n + 2.0);
    share * (1.0 - share) / (n + 2.0)
}

fn ended(row: &SeriesRow) -> f64 {
    (row.ok + row.failed) as f64
}

fn pooled(rows: &[SeriesRow]) -> Option<Distribution> {
    let known = rows.iter().all(|row| row.distribution.is_some() || ended(row) == 0.0);
    Some(split::pooled(rows)).filter(|all| known && !all.is_empty())
}

/// Of a bucket of so many digits, relative to its values.
fn width(digits: u8) -> f64 {
    10f64.powi(-i32::from(digits))
}
