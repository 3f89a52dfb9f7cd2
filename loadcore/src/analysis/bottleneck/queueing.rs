//! Finds that requests wait in line although the target keeps up.
//!
//! A line shows itself in three ways: the time grows with the rate; at a steady rate the whole
//! distribution, its fast part too, goes up and down, since all who come in a busy moment wait together;
//! or the requests wait on this side for one of the connections, all of which are busy.

use super::evidence::{Evidence, Row};
use super::saturation::overload;
use super::{Draft, figures, stats};
use crate::result::{Finding, FindingKind, Severity};

/// The time in the busiest windows in times of that in the quietest.
const LEAST_GROWTH: f64 = 2.0;
/// How much the offered rate must vary for the time to be held against it.
const LEAST_SPREAD_OF_RATE: f64 = 1.4;
/// How alike rate and time move, as a rank correlation.
const LEAST_AGREEMENT: f64 = 0.4;
/// Milliseconds below which a wait is not worth a word.
const LEAST_MS: f64 = 1.0;

pub(super) fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let overloaded = overload(evidence).map_or((0, 0), |found| found.rows);
    let rows = evidence.rows.iter().enumerate();
    let rows: Vec<_> = rows
        .filter(|(n, row)| row.is_sound && !(overloaded.0..overloaded.1).contains(n))
        .map(|(_, row)| row)
        .filter(|row| row.ended > 0.0 && row.failed_share() < 0.2)
        .collect();
    if rows.len() < 8 {
        return Vec::new();
    }
    let found = for_connections(evidence, &rows)
        .or_else(|| with_the_rate(evidence, &rows))
        .or_else(|| at_a_steady_rate(evidence, &rows));
    found.map(|draft| draft.finish(evidence)).into_iter().collect()
}

fn draft(rows: &[&Row], strength: f64) -> Draft {
    Draft {
        kind: FindingKind::Queueing,
        severity: Severity::Warning,
        strength,
        span: (rows[0].from, rows[rows.len() - 1].to),
        ..Draft::default()
    }
}

fn for_connections(evidence: &Evidence<'_>, rows: &[&Row]) -> Option<Draft> {
    if !evidence.is_open_loop() {
        return None;
    }
    let waits = |row: &&&Row| {
        row.p50.zip(row.service_p50).is_some_and(|(response, service)| {
            response >= LEAST_GROWTH * service && response - service >= 2.0 * LEAST_MS
        })
    };
    let waiting: Vec<_> = rows.iter().filter(waits).copied().collect();
    if waiting.len() < 3 || waiting.len() * 5 < rows.len() {
        return None;
    }
    let of = |value: fn(&Row) -> Option<f64>| {
        stats::median(&waiting.iter().filter_map(|row| value(row)).collect::<Vec<_>>())
    };
    let (response, service) = of(|row| row.p50).zip(of(|row| row.service_p50))?;
    let connections = waiting.iter().map(|row| row.in_flight).fold(0.0, f64::max);
    Some(Draft {
        figures: figures(&[
            ("responseMs", response),
            ("serviceMs", service),
            ("inFlight", connections),
        ]),
        explanation: format!(
            "half of the requests took longer than {response:.1} ms from when they were due, but only \
             {service:.1} ms once they were sent: they waited for one of {connections:.0} busy \
             connections"
        ),
        next_step: evidence.command(
            &format!("-c {:.0}", connections.max(1.0) * 4.0),
            "with more connections the line is either gone, or it stands in the target",
        ),
        ..draft(&waiting, 1.0 + (response / service / LEAST_GROWTH).ln() * 2.0)
    })
}

fn with_the_rate(evidence: &Evidence<'_>, rows: &[&Row]) -> Option<Draft> {
    let rates: Vec<_> = rows.iter().map(|row| row.due).collect();
    let (low, high) = (stats::quantile(&rates, 0.05)?, stats::quantile(&rates, 0.95)?);
    if low <= 0.0 || high / low < LEAST_SPREAD_OF_RATE {
        return None;
    }
    let points: Vec<_> = rows.iter().filter_map(|row| Some((row.due, row.mean?))).collect();
    let agreement = stats::rank_correlation(&points);
    let fifth = |from: f64, to: f64| {
        let (from, to) = (stats::quantile(&rates, from), stats::quantile(&rates, to));
        let range = from.unwrap_or(0.0)..=to.unwrap_or(0.0);
        let means = points.iter().filter(|point| range.contains(&point.0)).map(|point| point.1);
        let means: Vec<_> = means.collect();
        (!means.is_empty()).then(|| stats::mean(&means))
    };
    let (quiet, busy) = (fifth(0.0, 0.2)?, fifth(0.85, 1.0)?);
    if busy < LEAST_GROWTH * quiet || busy - quiet < LEAST_MS || agreement < LEAST_AGREEMENT {
        return None;
    }
    Some(Draft {
        figures: figures(&[
            ("quietRps", low),
            ("quietMeanMs", quiet),
            ("busyRps", high),
            ("busyMeanMs", busy),
            ("agreement", agreement),
        ]),
        explanation: format!(
            "the target keeps up, but the mean time grew from {quiet:.1} ms at {low:.0}/s to \
             {busy:.1} ms at {high:.0}/s: requests wait in line for something of which there is little"
        ),
        next_step: evidence.command(
            &format!("-r {high:.0} -d 60s --observe URL-OF-ITS-METRICS"),
            "its metrics say which pool, lock or processor is busy",
        ),
        ..draft(
            rows,
            (busy / quiet / LEAST_GROWTH).ln() * 2.0 + (agreement - LEAST_AGREEMENT) * 5.0,
        )
    })
}

fn at_a_steady_rate(evidence: &Evidence<'_>, rows: &[&Row]) -> Option<Draft> {
    if !evidence.is_open_loop() {
        return None;
    }
    let fast: Vec<_> = rows.iter().filter_map(|row| row.p25).collect();
    let means: Vec<_> = rows.iter().filter_map(|row| row.mean).collect();
    let (low, high) = (stats::quantile(&fast, 0.1)?, stats::quantile(&fast, 0.9)?);
    let floor = stats::quantile(&fast, 0.02)?;
    let mean = stats::median(&means)?;
    let (swing, growth) = (high / low.max(1e-6), mean / floor.max(1e-6));
    if swing < 1.7 || growth < LEAST_GROWTH || high - low < LEAST_MS {
        return None;
    }
    Some(Draft {
        figures: figures(&[
            ("meanMs", mean),
            ("fastestMs", floor),
            ("fastQuarterLowMs", low),
            ("fastQuarterHighMs", high),
        ]),
        explanation: format!(
            "the target keeps up, but the time of its fastest quarter swings between {low:.1} and \
             {high:.1} ms, and the mean is {growth:.1} times the least: requests wait in line"
        ),
        next_step: evidence.command(
            &format!("-r {:.0} -d 60s", rows[0].due * 0.5),
            "at half of the rate the line should be gone",
        ),
        ..draft(rows, (swing / 1.7).ln() * 2.0 + (growth / LEAST_GROWTH).ln())
    })
}
