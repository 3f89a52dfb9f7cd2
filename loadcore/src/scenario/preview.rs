//! Turns a scenario into what it would do: how long, how many arrivals, the planned rate over time,
//! and each worker's part of it.
//!
//! Whoever shows a scenario before it is run shows this: a command line as a page, a platform as
//! JSON, a binding as its own types.

use super::{NamedRequest, Scenario};
use crate::profile::{LoadProfile, Profile};
use crate::result::LoopKind;
use crate::schedule::{Arrivals, LONGEST, Schedule, Share};
use crate::time::{Nanos, nanos, seconds};
use serde::Serialize;

/// The most rows of whole seconds: more cannot be drawn.
const MOST_ROWS: f64 = 600.0;

/// What would run. Numbers that do not exist are `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Preview {
    /// Whether arrivals come by time alone, or wait for replies.
    #[serde(rename = "loop")]
    pub loop_kind: LoopKind,
    /// How long arrivals fall due; `None` where a number of requests alone ends that.
    pub duration_seconds: Option<f64>,
    /// After so many requests it ends, if not before.
    pub max_requests: Option<u64>,
    /// Load before the measured time, which no statistic counts.
    pub warmup_seconds: f64,
    /// When the first arrival would fall due if the load had no end: with one beyond the duration
    /// nothing is sent. `None` in closed loop, and where there is no first one within a week.
    pub first_arrival_seconds: Option<f64>,
    /// Arrivals in all; `None` in closed loop. With POISSON arrivals their expected number.
    pub arrivals: Option<u64>,
    /// The highest planned rate, in requests per second; `None` in closed loop.
    pub peak_rps: Option<f64>,
    /// Seconds of each row of `rate`, but for the last, which may be shorter.
    pub rate_seconds: f64,
    /// The planned rate over time, up to the last arrival; empty in closed loop.
    pub rate: Vec<RateRow>,
    /// Each request of the mix, in its order; empty without one.
    pub requests: Vec<RequestPart>,
    /// The part of each worker that would take part.
    pub workers: Vec<WorkerPart>,
    /// What people should know about it before they run it on a platform, in sentences.
    pub notes: Vec<String>,
}

/// The planned rate in one span of time, in requests per second.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RateRow {
    /// Where it begins, in seconds of the measured time.
    pub second: f64,
    /// The rate there.
    pub rps: f64,
    /// The mean rate in it.
    pub mean_rps: f64,
    /// The highest rate in it.
    pub peak_rps: f64,
}

/// What would be sent of one request of a mix.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestPart {
    /// Its name.
    pub name: String,
    /// Its part of the weights, 0 to 1.
    pub share: f64,
    /// How many arrivals are this request, by the seed: where their number is known beforehand, and no
    /// more than 10,000,000, which are counted quickly.
    pub arrivals: Option<u64>,
}

/// What one worker would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkerPart {
    /// Its number, from 0.
    pub worker: u64,
    /// Arrivals that are its own; `None` in closed loop.
    pub arrivals: Option<u64>,
    /// Its highest planned rate, in requests per second; `None` in closed loop.
    pub peak_rps: Option<f64>,
    /// The most connections that it opens.
    pub connections: u64,
}

/// Into which rows the rate over time is divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rows {
    /// Of whole seconds, 600 of them at most.
    #[default]
    WholeSeconds,
    /// So many of equal length.
    Equal(u32),
}

/// What the scenario would do.
#[must_use]
pub fn preview(scenario: &Scenario, rows: Rows) -> Preview {
    let profile = scenario.load.profile();
    let end = profile.map(|profile| end_of(scenario, profile));
    let open = profile.zip(end);
    let arrivals = open.map(|(profile, end)| arrivals_by(scenario, profile, end));
    let peak_rps = open.map(|(profile, end)| profile.peak_between(0.0, end));
    let (count, rate_seconds) = divided(end.unwrap_or(0.0), rows);
    Preview {
        loop_kind: if profile.is_some() { LoopKind::Open } else { LoopKind::Closed },
        duration_seconds: scenario.end().duration().map(|duration| duration.as_secs_f64()),
        max_requests: scenario.max_requests,
        warmup_seconds: scenario.warmup.as_secs_f64(),
        first_arrival_seconds: first_arrival(scenario).map(seconds),
        arrivals,
        peak_rps,
        rate_seconds,
        rate: open.map_or_else(Vec::new, |(profile, end)| {
            let span = |row: u32| {
                let from = f64::from(row) * rate_seconds;
                RateRow::of(profile, from, (from + rate_seconds).min(end))
            };
            (0..count).map(span).collect()
        }),
        requests: requests(scenario, arrivals),
        workers: parts(scenario, arrivals, peak_rps),
        notes: scenario.too_many_workers().into_iter().collect(),
    }
}

/// So many arrivals are counted by name.
const MOST_COUNTED: u64 = 10_000_000;

fn requests(scenario: &Scenario, arrivals: Option<u64>) -> Vec<RequestPart> {
    let is_random = matches!(scenario.arrivals, Arrivals::Poisson { .. });
    // In closed loop a number of requests may be all that is known.
    let all = arrivals.or(scenario.max_requests).filter(|all| *all <= MOST_COUNTED && !is_random);
    let counts = all.map(|all| scenario.picks().counts(0..all));
    let sum: f64 = scenario.mix.iter().map(|request| request.weight).sum();
    let part = |(place, request): (usize, &NamedRequest)| RequestPart {
        name: request.name.clone(),
        share: request.weight / sum,
        arrivals: counts.as_ref().map(|counts| counts[place]),
    };
    scenario.mix.iter().enumerate().map(part).collect()
}

/// When nothing more falls due: at the end, or with the last request.
fn end_of(scenario: &Scenario, profile: &LoadProfile) -> f64 {
    let latest = scenario.end().latest().as_secs_f64();
    let last = scenario.max_requests.map(|most| profile.inverse(most as f64));
    last.map_or(latest, |last| last.min(latest))
}

/// With UNIFORM arrivals exactly `floor(Λ(t) + 1/2)`.
fn arrivals_by(scenario: &Scenario, profile: &LoadProfile, seconds: f64) -> u64 {
    let due = (profile.demand(seconds) + 0.5).floor() as u64;
    scenario.max_requests.map_or(due, |most| most.min(due))
}

/// When the first arrival would fall due, were there no end, in nanoseconds of the measured time:
/// beyond the duration nothing is sent. `None` in closed loop, and where none does within a week.
#[must_use]
pub fn first_arrival(scenario: &Scenario) -> Option<Nanos> {
    let profile = scenario.load.profile()?.clone();
    let mut endless = Schedule::new(profile, scenario.arrivals, Share::WHOLE, nanos(LONGEST), None);
    endless.at(0)
}

/// How many rows, and how long they are.
fn divided(end: f64, rows: Rows) -> (u32, f64) {
    match rows {
        Rows::WholeSeconds => {
            let length = (end / MOST_ROWS).ceil().max(1.0);
            ((end / length).ceil() as u32, length)
        }
        Rows::Equal(count) => (count, end / f64::from(count.max(1))),
    }
}

impl RateRow {
    fn of(profile: &LoadProfile, from: f64, to: f64) -> Self {
        Self {
            second: from,
            rps: profile.rate(from),
            mean_rps: (profile.demand(to) - profile.demand(from)) / (to - from),
            peak_rps: profile.peak_between(from, to),
        }
    }
}

/// As at the start of a run to which all workers have come. Who would get nothing of a limit takes no
/// part.
fn parts(scenario: &Scenario, arrivals: Option<u64>, peak_rps: Option<f64>) -> Vec<WorkerPart> {
    let (workers, _) = scenario.workers_that_fit();
    let part = |worker| {
        let share = Share::WHOLE.split(worker, workers.into());
        WorkerPart {
            worker,
            arrivals: arrivals.map(|all| share.count(all)),
            peak_rps: peak_rps.map(|peak| peak / f64::from(workers)),
            connections: share.count(scenario.connections.into()),
        }
    };
    (0..workers.into()).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview_of(fields: &str) -> Preview {
        let text = format!(r#"{{"name": "a", "targetUrl": "http://a.test/", {fields}}}"#);
        preview(&Scenario::from_json(&text).unwrap(), Rows::default())
    }

    #[test]
    fn a_ramp_has_the_area_below_its_line() {
        let preview = preview_of(
            r#""durationSeconds": 10, "numWorkers": 3,
               "loadProfile": {"type": "RAMP", "initialRps": 0, "targetRps": 100}"#,
        );
        assert_eq!((preview.arrivals, preview.peak_rps), (Some(500), Some(100.0)));
        assert_eq!(preview.rate.len(), 10);
        let RateRow { second, rps, mean_rps, peak_rps } = preview.rate[4];
        assert_eq!((second, rps, mean_rps, peak_rps), (4.0, 40.0, 45.0, 50.0));
        let split: u64 = preview.workers.iter().filter_map(|part| part.arrivals).sum();
        assert_eq!((split, preview.workers.len()), (500, 3));
        // Λ(t) = 5 t² is ½ there.
        assert!((preview.first_arrival_seconds.unwrap() - 0.1_f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn a_week_has_no_more_rows_than_can_be_drawn() {
        let preview = preview_of(
            r#""durationSeconds": 604800, "loadProfile": {"type": "CONSTANT", "initialRps": 1}"#,
        );
        assert_eq!((preview.rate.len(), preview.rate_seconds), (600, 1_008.0));
        assert_eq!(preview.duration_seconds, Some(604_800.0));
    }

    #[test]
    fn requests_end_it_before_its_time() {
        let preview = preview_of(
            r#""durationSeconds": 60, "maxRequests": 100,
               "loadProfile": {"type": "CONSTANT", "initialRps": 10}"#,
        );
        assert_eq!((preview.arrivals, preview.rate.len()), (Some(100), 10));
        assert_eq!((preview.duration_seconds, preview.max_requests), (Some(60.0), Some(100)));
    }

    /// Half of the ramp: at Λ(t) = 2.5 t² = 250 its rate is 50.
    #[test]
    fn the_peak_is_that_of_the_load_and_not_of_a_rate_to_which_it_never_comes() {
        let ramp = preview_of(
            r#""durationSeconds": 20, "maxRequests": 250,
               "loadProfile": {"type": "RAMP", "initialRps": 0, "targetRps": 100}"#,
        );
        assert_eq!((ramp.peak_rps, ramp.arrivals, ramp.rate.len()), (Some(50.0), Some(250), 10));
        let wave = preview_of(
            r#""durationSeconds": 5, "loadProfile":
               {"type": "SINE", "initialRps": 100, "amplitudeRps": 50, "periodSeconds": 60}"#,
        );
        // sin(2π 5/60) is ½.
        assert!((wave.peak_rps.unwrap() - 125.0).abs() < 1e-9, "{wave:?}");
    }

    #[test]
    fn what_lies_within_a_row_is_seen_in_it() {
        let preview = preview_of(
            r#""durationSeconds": 86400, "loadProfile": {"type": "SPIKE", "initialRps": 10,
               "targetRps": 5000, "spikeStartSecond": 39900, "spikeDurationSeconds": 60}"#,
        );
        let highest: Vec<_> = preview.rate.iter().filter(|row| row.peak_rps > 10.0).collect();
        assert_eq!((highest.len(), highest[0].peak_rps), (1, 5_000.0));
        assert_eq!((highest[0].second, highest[0].rps), (39_888.0, 10.0));
    }

    #[test]
    fn a_number_alone_leaves_no_duration() {
        let closed = preview_of(r#""durationSeconds": 604800, "maxRequests": 5000"#);
        assert_eq!((closed.duration_seconds, closed.max_requests), (None, Some(5_000)));
        let open = preview_of(
            r#""durationSeconds": 604800, "maxRequests": 50, "arrivals": "POISSON",
               "loadProfile": {"type": "CONSTANT", "initialRps": 10}"#,
        );
        assert_eq!((open.duration_seconds, open.arrivals, open.rate.len()), (None, Some(50), 5));
    }

    #[test]
    fn a_closed_loop_has_no_rate() {
        let preview = preview_of(r#""durationSeconds": 10, "numWorkers": 2, "connections": 5"#);
        let (loop_kind, arrivals) = (preview.loop_kind, preview.arrivals);
        assert_eq!((loop_kind, arrivals, preview.rate.len()), (LoopKind::Closed, None, 0));
        assert_eq!((preview.first_arrival_seconds, preview.peak_rps), (None, None));
        let connections: Vec<_> = preview.workers.iter().map(|part| part.connections).collect();
        assert_eq!(connections, [3, 2]);
    }

    #[test]
    fn who_would_get_nothing_is_no_worker_of_it_and_that_is_said() {
        let preview = preview_of(r#""durationSeconds": 10, "numWorkers": 5, "connections": 3"#);
        let connections: Vec<_> = preview.workers.iter().map(|part| part.connections).collect();
        assert_eq!(connections, [1, 1, 1]);
        assert!(preview.notes[0].starts_with("connections is 3 for all workers"), "{preview:?}");
        assert!(preview_of(r#""durationSeconds": 1, "numWorkers": 5"#).notes.is_empty());
    }

    #[test]
    fn a_load_that_never_falls_due_has_its_first_arrival_after_its_end_or_none() {
        let first = |profile: &str| {
            let fields = format!(r#""durationSeconds": 60, "loadProfile": {profile}"#);
            let preview = preview_of(&fields);
            (preview.arrivals, preview.first_arrival_seconds)
        };
        let rare = first(r#"{"type": "CONSTANT", "initialRps": 0.005}"#);
        assert_eq!(rare, (Some(0), Some(100.0)));
        let falling = first(r#"{"type": "RAMP", "initialRps": 0.01, "targetRps": 0}"#);
        assert_eq!(falling, (Some(0), None));
    }

    #[test]
    fn equal_rows_end_with_the_load() {
        let text = r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 10,
            "loadProfile": {"type": "RAMP", "initialRps": 0, "targetRps": 100}}"#;
        let preview = preview(&Scenario::from_json(text).unwrap(), Rows::Equal(4));
        let rates: Vec<_> = preview.rate.iter().map(|row| (row.second, row.peak_rps)).collect();
        assert_eq!(rates, [(0.0, 25.0), (2.5, 50.0), (5.0, 75.0), (7.5, 100.0)]);
    }
}
