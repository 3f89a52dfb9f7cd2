//! A scenario into what it would do: the planned rate over time and each worker's part of it.

use loadcore::scenario::Scenario;
use loadcore::schedule::Share;
use loadcore::{Arrivals, LoadProfile, Profile};
use serde::Serialize;
use utoipa::ToSchema;

/// The most rows of the planned rate.
const MOST_ROWS: f64 = 600.0;

/// What would run.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// `open`, where arrivals come by time alone, or `closed`, where they wait for replies.
    #[serde(rename = "loop")]
    pub loop_kind: &'static str,
    /// How long arrivals fall due.
    pub duration_seconds: f64,
    /// Load before that, which no statistic counts.
    pub warmup_seconds: f64,
    /// Arrivals in all; null in closed loop. With POISSON arrivals their expected number.
    pub arrivals: Option<u64>,
    /// The highest planned rate; null in closed loop.
    pub peak_rps: Option<f64>,
    /// Seconds of each row of `rate`, but for the last, which may be shorter.
    pub rate_seconds: f64,
    /// The planned rate over time; empty in closed loop.
    pub rate: Vec<RateRow>,
    /// Each worker's part.
    pub workers: Vec<WorkerPart>,
}

/// The planned rate in one span of time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateRow {
    /// Where it begins.
    pub second: f64,
    /// The rate there, in requests per second.
    pub rps: f64,
    /// The mean rate in it.
    pub mean_rps: f64,
}

/// What one worker would do.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerPart {
    /// Its number, from 0.
    pub worker: u64,
    /// Arrivals that are its own; null in closed loop.
    pub arrivals: Option<u64>,
    /// Its highest planned rate; null in closed loop.
    pub peak_rps: Option<f64>,
    /// The most connections that it opens.
    pub connections: u64,
}

/// The plan of a scenario.
#[must_use]
pub fn plan(scenario: &Scenario) -> PlanView {
    let profile = scenario.load.profile();
    let duration = scenario.duration.as_secs_f64();
    let end = profile.map_or(duration, |profile| end(scenario, profile, duration));
    let arrivals = profile.map(|profile| arrivals(scenario, profile, end));
    let rate_seconds = (end / MOST_ROWS).ceil().max(1.0);
    PlanView {
        loop_kind: if profile.is_some() { "open" } else { "closed" },
        duration_seconds: duration,
        warmup_seconds: scenario.warmup.as_secs_f64(),
        arrivals,
        peak_rps: profile.map(Profile::peak_rate),
        rate_seconds,
        rate: profile.map_or_else(Vec::new, |profile| rows(profile, end, rate_seconds)),
        workers: parts(scenario, arrivals),
    }
}

/// When nothing more falls due: the duration, or the last of `maxRequests`.
fn end(scenario: &Scenario, profile: &LoadProfile, duration: f64) -> f64 {
    let last = scenario.max_requests.map(|most| profile.inverse(most as f64));
    last.map_or(duration, |last| last.min(duration))
}

/// With UNIFORM arrivals exactly `floor(Λ(D) + 1/2)`.
fn arrivals(scenario: &Scenario, profile: &LoadProfile, end: f64) -> u64 {
    let demand = profile.demand(end);
    let due = match scenario.arrivals {
        Arrivals::Uniform => (demand + 0.5).floor(),
        Arrivals::Poisson { .. } => demand.round(),
    };
    scenario.max_requests.map_or(due as u64, |most| most.min(due as u64))
}

fn rows(profile: &LoadProfile, end: f64, step: f64) -> Vec<RateRow> {
    let count = (end / step).ceil() as u32;
    (0..count)
        .map(|row| {
            let from = f64::from(row) * step;
            let to = (from + step).min(end);
            let mean_rps = (profile.demand(to) - profile.demand(from)) / (to - from);
            RateRow { second: from, rps: profile.rate(from), mean_rps }
        })
        .collect()
}

fn parts(scenario: &Scenario, arrivals: Option<u64>) -> Vec<WorkerPart> {
    let workers = u64::from(scenario.num_workers);
    let peak = scenario.load.profile().map(|profile| profile.peak_rate() / workers as f64);
    (0..workers)
        .map(|worker| {
            let share = Share::WHOLE.split(worker, workers);
            WorkerPart {
                worker,
                arrivals: arrivals.map(|all| share.count(all)),
                peak_rps: peak,
                // Each can open one at least.
                connections: share.count(scenario.connections.into()).max(1),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_of(fields: &str) -> PlanView {
        let text = format!(r#"{{"name": "a", "targetUrl": "http://a.test/", {fields}}}"#);
        plan(&Scenario::from_json(&text).unwrap())
    }

    #[test]
    fn a_ramp_has_the_area_below_its_line() {
        let plan = plan_of(
            r#""durationSeconds": 10, "numWorkers": 3,
               "loadProfile": {"type": "RAMP", "initialRps": 0, "targetRps": 100}"#,
        );
        assert_eq!((plan.arrivals, plan.peak_rps), (Some(500), Some(100.0)));
        assert_eq!(plan.rate.len(), 10);
        assert_eq!((plan.rate[4].rps, plan.rate[4].mean_rps), (40.0, 45.0));
        let split: u64 = plan.workers.iter().filter_map(|part| part.arrivals).sum();
        assert_eq!((split, plan.workers.len()), (500, 3));
    }

    #[test]
    fn a_week_has_no_more_rows_than_can_be_drawn() {
        let plan = plan_of(
            r#""durationSeconds": 604800, "loadProfile": {"type": "CONSTANT", "initialRps": 1}"#,
        );
        assert_eq!((plan.rate.len(), plan.rate_seconds), (600, 1_008.0));
    }

    #[test]
    fn requests_end_it_before_its_time() {
        let plan = plan_of(
            r#""durationSeconds": 60, "maxRequests": 100,
               "loadProfile": {"type": "CONSTANT", "initialRps": 10}"#,
        );
        assert_eq!((plan.arrivals, plan.rate.len()), (Some(100), 10));
    }

    #[test]
    fn a_closed_loop_has_no_rate() {
        let plan = plan_of(r#""durationSeconds": 10, "numWorkers": 2, "connections": 5"#);
        assert_eq!((plan.loop_kind, plan.arrivals, plan.rate.len()), ("closed", None, 0));
        let connections: Vec<_> = plan.workers.iter().map(|part| part.connections).collect();
        assert_eq!(connections, [3, 2]);
    }
}
