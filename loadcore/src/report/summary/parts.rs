//! Turns parts of a result into the words that reports have for them.

use super::super::format::{count, time};
use crate::result::{LatencySummary, Observed, Protocol, Reason, RunResult, Witness};

/// `: 12.3 ms where 1.1 ms is the limit`. Of what was merely counted the explanation says enough
/// with a number behind it.
pub(crate) fn against(reason: &Reason) -> String {
    let Reason { figure, limit, .. } = *reason;
    match reason.unit.as_str() {
        "ms" => format!(": {} where {} is the limit", time(Some(figure)), time(Some(limit))),
        "%" => format!(": {figure:.1}% where {limit:.0}% is the limit"),
        "times" => format!(" ({})", count(figure as u64)),
        _ => String::new(),
    }
}

/// A series that moved with a finding, and when it did.
pub(crate) fn witness(witness: &Witness) -> String {
    let Witness { name, series, lead_seconds: lead, correlation } = witness;
    let moved = match lead {
        lead if *lead > 0.0 => format!("moved {lead:.0} s before"),
        lead if *lead < 0.0 => format!("moved {:.0} s after", -lead),
        _ => "moved at the same time".to_owned(),
    };
    format!("{series} of {name} {moved} (correlation {correlation:.2})")
}

/// How often an endpoint told nothing, and why it did not at first.
pub(crate) fn untold(observed: &Observed) -> Option<String> {
    let first = observed.faults.first()?;
    let Observed { name, readings, failed_readings: failed, .. } = observed;
    let (failed, readings) = (count(*failed), count(*readings));
    let (second, text) = (first.second, &first.text);
    Some(format!(
        "{name}: {failed} of {readings} readings failed, the first at {second} s: {text}."
    ))
}

/// What a reason to give arrivals up means.
pub(crate) fn why(reason: &str) -> &'static str {
    match reason {
        "backlog_full" => " (more waited than may wait)",
        "no_connection" => " (no descriptor or port left)",
        "fenced" => " (their share was nobody's: a worker's lease was over, or it had left)",
        "stopped" => " (they still waited when the run was ended)",
        "run_ended" => " (they still waited when the drain was over)",
        _ => "",
    }
}

/// `HTTP/2 over TLS 1.3, up to 100 requests at once in a connection`; both versions, where connections
/// differ.
pub(crate) fn spoken(protocol: &Protocol) -> Option<String> {
    let http = protocol.http.as_ref()?;
    let tls = protocol.tls.as_ref().map_or(String::new(), |tls| format!(" over TLS {tls}"));
    let at_once = match protocol.streams {
        Some(streams) if http.contains('2') && streams > 1 => {
            format!(", up to {} requests at once in a connection", count(streams))
        }
        Some(1) if http.contains('2') => ", one request at once in a connection".to_owned(),
        _ => String::new(),
    };
    Some(format!("HTTP/{http}{tls}{at_once}"))
}

/// The times that a result has, side by side: those of the ok requests alone where some failed.
pub(crate) fn times(result: &RunResult) -> Vec<(&'static str, &LatencySummary)> {
    let mut times = vec![("service time", &result.service_time)];
    if result.is_open_loop() {
        times.insert(0, ("response time", &result.latency));
        times.push(("schedule lag", &result.schedule_lag));
    }
    if result.outcomes.failed > 0 && result.outcomes.ok > 0 {
        times.insert(1, ("of ok alone", &result.ok_latency));
    }
    times
}

/// What a row of the percentile table is called, and where its number is.
pub(crate) type Figure = (&'static str, fn(&LatencySummary) -> Option<f64>);

pub(crate) const FIGURES: [Figure; 11] = [
    ("min", |summary| summary.min_ms),
    ("mean", |summary| summary.mean_ms),
    ("stdev", |summary| summary.stdev_ms),
    ("p50", |summary| summary.p50_ms),
    ("p75", |summary| summary.p75_ms),
    ("p90", |summary| summary.p90_ms),
    ("p95", |summary| summary.p95_ms),
    ("p99", |summary| summary.p99_ms),
    ("p99.9", |summary| summary.p999_ms),
    ("p99.99", |summary| summary.p9999_ms),
    ("max", |summary| summary.max_ms),
];
