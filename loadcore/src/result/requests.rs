//! Turns what was recorded by name into the result's part for each request of the mix.

use super::builder::{arrivals, named_counts, ok_latency, outcomes, percentage};
use super::series::Series;
use super::{Arrivals, CarriedHistograms, LatencySummary, Outcomes, RunResult, SeriesRow, Span};
use crate::record::{Counters, Histogram, Named};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The most rows of a request's series.
const MOST_ROWS: usize = 120;

/// What became of one request of the mix. Its percentiles are right to two significant digits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestResult {
    /// Its name.
    pub name: String,
    /// Its weight among the others.
    pub weight: f64,
    /// What became of its arrivals.
    pub arrivals: Arrivals,
    /// What became of those sent.
    pub outcomes: Outcomes,
    /// Those with an outcome: ok + failed.
    pub total_requests: u64,
    /// Percentage of ok among them.
    pub success_rate: Option<f64>,
    /// Those with an outcome, per second of the measured time.
    pub achieved_rps: Option<f64>,
    /// Bytes written for it.
    pub bytes_sent: u64,
    /// Bytes read for it.
    pub bytes_received: u64,
    /// Response time over ok and failed; in closed loop service time.
    pub latency: LatencySummary,
    /// End minus actual start, over ok and failed.
    pub service_time: LatencySummary,
    /// `latency` over the ok alone.
    pub ok_latency: LatencySummary,
    /// Replies by status.
    pub status_code_distribution: BTreeMap<u16, u64>,
    /// Failed requests by error class.
    pub errors: BTreeMap<String, u64>,
    /// Seconds in each row of its series.
    pub series_seconds: u64,
    /// It over time: at most 120 rows, whose sums are its totals.
    pub series: Vec<SeriesRow>,
    /// Its latencies, for rules that ask for a percentile that is not above.
    #[serde(skip)]
    pub(crate) histograms: Option<Box<Named>>,
}

impl RunResult {
    /// The result as if there had been this request of the mix alone: its counts and latencies, without
    /// a series. Of the generator it says what it says of the whole.
    pub(crate) fn of_request(&self, name: &str) -> Option<Self> {
        let request = self.requests.iter().find(|request| request.name == name)?;
        let nothing = LatencySummary::default();
        let open = self.is_open_loop();
        let per_second =
            |n: u64| (self.duration_seconds > 0.0).then(|| n as f64 / self.duration_seconds);
        Some(Self {
            schema_version: self.schema_version,
            scenario: Value::Null,
            started_at: self.started_at.clone(),
            duration_seconds: self.duration_seconds,
            environment: self.environment.clone(),
            loop_kind: self.loop_kind,
            offered_rps: open.then(|| per_second(request.arrivals.due)).flatten(),
            achieved_rps: request.achieved_rps,
            complete: self.complete,
            arrivals: request.arrivals.clone(),
            outcomes: request.outcomes,
            total_requests: request.total_requests,
            success_rate: request.success_rate,
            bytes_sent: request.bytes_sent,
            bytes_received: request.bytes_received,
            latency: request.latency.clone(),
            service_time: request.service_time.clone(),
            schedule_lag: nothing.clone(),
            status_code_distribution: request.status_code_distribution.clone(),
            errors: request.errors.clone(),
            sla: Vec::new(),
            validity: self.validity.clone(),
            bottlenecks: Vec::new(),
            observed: Vec::new(),
            headroom: Vec::new(),
            protocol: self.protocol.clone(),
            ok_latency: request.ok_latency.clone(),
            requests: Vec::new(),
            series_seconds: self.series_seconds,
            series: Vec::new(),
            latency_kind: self.latency_kind,
            connect: nothing.clone(),
            tls: nothing.clone(),
            first_byte: nothing,
            connects: 0,
            error_examples: BTreeMap::new(),
            warmup_seconds: self.warmup_seconds,
            drain_seconds: self.drain_seconds,
            interrupted: self.interrupted,
            generator: self.generator.clone(),
            workers: Vec::new(),
            histograms: request.histograms.as_deref().map(|named| Box::new(carried(named))),
        })
    }
}

fn carried(named: &Named) -> CarriedHistograms {
    CarriedHistograms {
        latency: named.response.clone(),
        ok_latency: Some(named.ok()),
        service_time: named.service.clone(),
        schedule_lag: Histogram::coarse(),
    }
}

/// The requests of a mix, fed while the run goes on.
#[derive(Debug)]
pub(super) struct Requests(Vec<Request>);

#[derive(Debug)]
struct Request {
    name: String,
    weight: f64,
    series: Series,
}

impl Requests {
    /// Of names and weights, for a run that is planned to last so long.
    pub(super) fn new(mix: &[(String, f64)], planned_seconds: f64) -> Self {
        let request = |(name, weight): &(String, f64)| Request {
            name: name.clone(),
            weight: *weight,
            series: Series::new(planned_seconds, MOST_ROWS, Histogram::coarse()),
        };
        Self(mix.iter().map(request).collect())
    }

    /// Adds an interval, at whose end so many arrivals of each are unknown.
    pub(super) fn add(&mut self, named: &[Named], span: Span, unknown: &[u64]) {
        let nothing = Named::new();
        for (place, request) in self.0.iter_mut().enumerate() {
            let Named { counters, response, .. } = named.get(place).unwrap_or(&nothing);
            let unknown = unknown.get(place).copied().unwrap_or(0);
            request.series.add((counters, response), span, unknown);
        }
    }

    /// Each one's part of the result.
    pub(super) fn results(
        &self,
        named: &[Named],
        unknown: &[u64],
        per_second: impl Fn(u64) -> Option<f64>,
    ) -> Vec<RequestResult> {
        let nothing = Named::new();
        let result = |(place, request): (usize, &Request)| {
            let named = named.get(place).unwrap_or(&nothing);
            let unknown = unknown.get(place).copied().unwrap_or(0);
            request.result(named, unknown, &per_second)
        };
        self.0.iter().enumerate().map(result).collect()
    }
}

impl Request {
    fn result(
        &self,
        named: &Named,
        unknown: u64,
        per_second: &impl Fn(u64) -> Option<f64>,
    ) -> RequestResult {
        let Named { counters, response, service, .. } = named;
        let (series_seconds, series) = self.series.rows(counters, unknown);
        RequestResult {
            name: self.name.clone(),
            weight: self.weight,
            arrivals: arrivals(counters, waiting(counters), unknown),
            outcomes: outcomes(counters),
            total_requests: counters.outcomes(),
            success_rate: percentage(counters.ok, counters.outcomes()),
            achieved_rps: per_second(counters.outcomes()),
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            latency: LatencySummary::of(response),
            service_time: LatencySummary::of(service),
            ok_latency: ok_latency(Some(&named.ok()), response),
            status_code_distribution: counters.statuses.iter().copied().collect(),
            errors: named_counts(counters),
            series_seconds,
            series,
            histograms: Some(Box::new(named.clone())),
        }
    }
}

/// What is due and neither sent nor given up.
fn waiting(counters: &Counters) -> u64 {
    counters.due.saturating_sub(counters.sent.saturating_add(counters.dropped_total()))
}
