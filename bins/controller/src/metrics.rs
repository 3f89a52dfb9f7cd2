//! Turns figures of the controller and of its runs into Prometheus's text.
//!
//! Labels are error classes, routes, methods and statuses, of which there are few, and the ids of runs
//! and scenarios, of 100 at most: nothing else in it is a tenant's. What the runs came to is counted by the controller; it is read at each scrape and
//! held nowhere else.

use crate::state::{AppState, MAX_STREAMS, Status};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use loadcore::cluster::controller::api::{Figures, Violated};
use loadcore::request::ErrorClass;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;

/// What every name begins with.
const PREFIX: &str = "loadtest";

/// What is counted about the API itself.
#[derive(Debug)]
pub struct Metrics {
    calls: Family<Call, Counter>,
}

/// Labels of a call: the route as it is written, not as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    route: String,
    method: &'static str,
    status: u16,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// With nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self { calls: Family::default() }
    }
}

/// The layer that counts calls.
pub async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let method = known(request.method().as_str());
    let response = next.run(request).await;
    let call = Call { route, method, status: response.status().as_u16() };
    state.metrics.calls.get_or_create(&call).inc();
    response
}

/// Anybody may make up a method, and each would be a series of its own.
fn known(method: &str) -> &'static str {
    let usual = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    usual.into_iter().find(|usual| *usual == method).unwrap_or("other")
}

/// What Prometheus reads, as OpenMetrics text.
///
/// # Errors
/// When it cannot be written.
pub fn text(state: &AppState) -> Result<String, fmt::Error> {
    let figures = match &*state.status.borrow() {
        Status::Ready(platform) => Some(platform.controller.figures()),
        Status::Waiting(_) => None,
    };
    // The prefix goes before the collector's names too.
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register("api_requests", "Calls of the API", state.metrics.calls.clone());
    let streams = MAX_STREAMS - state.streams.available_permits();
    registry.register("streams", "Open live streams", gauge(streams as u64));
    registry.register("ready", "Whether the platform works", gauge(figures.is_some().into()));
    registry.register_collector(Box::new(Runs(figures.unwrap_or_default())));
    let mut out = String::new();
    encode(&mut out, &registry)?;
    Ok(out)
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Sums over all runs, as they are at a scrape.
#[derive(Debug)]
struct Runs(Figures);

impl Collector for Runs {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(figures) = self;
        let requests = encoder.encode_descriptor(
            "requests",
            "Requests with an outcome",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(figures.requests).encode(requests)?;

        let mut errors = encoder.encode_descriptor(
            "errors",
            "Failed requests by error class",
            None,
            MetricType::Counter,
        )?;
        // Every class from the start, so that a rate over its first error is not lost.
        for class in ErrorClass::ALL.map(ErrorClass::name) {
            let labels = [("class", class)];
            let one = errors.encode_family(&labels)?;
            ConstCounter::new(figures.errors.get(class).copied().unwrap_or(0)).encode(one)?;
        }

        let mut latency = encoder.encode_descriptor(
            "latency_seconds",
            "Response time, from the intended start",
            None,
            MetricType::Histogram,
        )?;
        let buckets = buckets(figures);
        let count = buckets.iter().map(|(_, count)| count).sum();
        latency.encode_histogram::<NoLabelSet>(
            figures.latency_sum_seconds,
            count,
            &buckets,
            None,
        )?;

        let mut violated = encoder.encode_descriptor(
            "sla_violated",
            "SLA rules of a run that do not hold just now",
            None,
            MetricType::Gauge,
        )?;
        for Violated { run_id, scenario_id, rules } in &figures.violated {
            let labels = [("run", run_id.as_str()), ("scenario", scenario_id.as_str())];
            gauge(*rules).encode(violated.encode_family(&labels)?)?;
        }

        let mut refused = encoder.encode_descriptor(
            "refused_words",
            "What the coordinator carried that nobody had said as it stood there",
            None,
            MetricType::Counter,
        )?;
        for (kind, count) in &figures.refused {
            let labels = [("kind", *kind)];
            ConstCounter::new(*count).encode(refused.encode_family(&labels)?)?;
        }

        for (name, help, value) in [
            ("alerts_delivered", "Alerts that webhooks have taken", figures.alerts_delivered),
            (
                "alerts_failed",
                "Requests by which a webhook did not take an alert",
                figures.alerts_failed,
            ),
            ("alerts_given_up", "Alerts that were given up", figures.alerts_given_up),
        ] {
            let one = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(one)?;
        }

        for (name, help, value) in [
            ("active_workers", "Workers whose lease is not over", figures.active_workers),
            ("active_runs", "Runs that have not ended", figures.active_runs),
            ("leading", "Whether this controller leads", figures.leading.into()),
        ] {
            let one = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            gauge(value).encode(one)?;
        }
        Ok(())
    }
}

/// How many lie in each bucket: the library adds them up again. What is above the last bound is in
/// the bucket without one.
fn buckets(figures: &Figures) -> Vec<(f64, u64)> {
    let mut below = 0;
    let mut buckets: Vec<_> = figures
        .latency_buckets
        .iter()
        .filter(|(bound, _)| bound.is_finite())
        .map(|(bound, at_or_below)| {
            let inside = at_or_below.saturating_sub(below);
            below = below.max(*at_or_below);
            (*bound, inside)
        })
        .collect();
    buckets.push((f64::INFINITY, figures.requests.saturating_sub(below)));
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_the_runs_as_prometheus_reads_them() {
        let figures = Figures {
            requests: 10,
            errors: [("http_5xx", 2), ("reset", 1)].into(),
            active_workers: 3,
            active_runs: 1,
            latency_buckets: vec![(0.001, 4), (0.01, 9)],
            latency_sum_seconds: 0.5,
            leading: true,
            violated: vec![Violated { run_id: "r".into(), scenario_id: "s".into(), rules: 2 }],
            alerts_delivered: 5,
            alerts_failed: 4,
            alerts_given_up: 1,
            refused: [("beat", 7)].into(),
        };
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(Runs(figures)));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "loadtest_requests_total 10",
            "loadtest_errors_total{class=\"http_5xx\"} 2",
            "loadtest_latency_seconds_bucket{le=\"0.001\"} 4",
            "loadtest_latency_seconds_bucket{le=\"0.01\"} 9",
            "loadtest_latency_seconds_bucket{le=\"+Inf\"} 10",
            "loadtest_latency_seconds_count 10",
            "loadtest_latency_seconds_sum 0.5",
            "loadtest_active_workers 3",
            "loadtest_leading 1",
            "loadtest_sla_violated{run=\"r\",scenario=\"s\"} 2",
            "loadtest_alerts_delivered_total 5",
            "loadtest_alerts_failed_total 4",
            "loadtest_alerts_given_up_total 1",
            "loadtest_refused_words_total{kind=\"beat\"} 7",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_made_up_method_is_no_label() {
        assert_eq!((known("GET"), known("BREW")), ("GET", "other"));
    }
}
