//! Finds failures that the rate brings: a cliff beyond which all fails, or a limit beyond which the rest
//! is turned away.

use super::evidence::{Evidence, Row};
use super::{Draft, figures, stats};
use crate::result::{Finding, FindingKind, Severity};

/// From which share of failures on a window fails.
const FAILING: f64 = 0.3;
/// What was ok in it, as a share of what was ok at most before.
const MOST_LEFT: f64 = 0.7;
/// The rate at which it begins, in times of what was taken before: a little less, for the noise.
const LEAST_RATE: f64 = 0.97;
/// How much the offered rate must vary for it to be the reason.
const LEAST_SPREAD_OF_RATE: f64 = 1.15;
/// The share of failures that may be those of connections.
const MOST_OF_CONNECTIONS: f64 = 0.8;
/// Requests turned away below which nothing is said.
const LEAST_TURNED_AWAY: f64 = 20.0;

/// It fails for a time once the rate passes a point, after having taken what was below.
pub(super) fn cliff(evidence: &Evidence<'_>) -> Vec<Finding> {
    let rows = &evidence.rows;
    if evidence.spread_of_rate() < LEAST_SPREAD_OF_RATE {
        return Vec::new();
    }
    let usual: Vec<_> = rows.iter().map(Row::failed_share).collect();
    let usual = stats::quantile(&usual, 0.1).unwrap_or(0.0);
    let over: Vec<_> = rows.iter().map(|row| row.failed_share() - usual - FAILING).collect();
    let Some(first) = over.iter().position(|over| *over > 0.0) else { return Vec::new() };
    let length = over[first..].iter().take_while(|over| **over > 0.0).count();
    let (before, failing) = (&rows[..first], &rows[first..first + length]);
    let took = before.iter().map(|row| row.ok).fold(0.0, f64::max);
    let oks: Vec<_> = failing.iter().map(|row| row.ok).collect();
    let left = stats::median(&oks).unwrap_or(0.0);
    let rate = failing[0].due.max(failing.get(1).map_or(0.0, |row| row.due));
    // Where it is connections that fail, their number is the limit, and not the rate.
    let of_connections: f64 = failing.iter().map(|row| row.no_connection).sum();
    let failed: f64 = failing.iter().map(|row| row.failed).sum();
    if of_connections > MOST_OF_CONNECTIONS * failed {
        return Vec::new();
    }
    let is_new = before.len() >= 3 && took > 0.0 && rate >= LEAST_RATE * took;
    if !is_new || left > MOST_LEFT * took {
        return Vec::new();
    }
    let share = stats::median(&failing.iter().map(Row::failed_share).collect::<Vec<_>>());
    let share = share.unwrap_or(1.0);
    let draft = Draft {
        kind: FindingKind::ErrorCliff,
        severity: Severity::Critical,
        strength: 1.0
            + 3.0 * (share - FAILING)
            + 2.0 * (MOST_LEFT - left / took)
            + (failing.len() as f64 / 2.0).ln(),
        span: (failing[0].from, failing[failing.len() - 1].to),
        figures: figures(&[
            ("takenRps", took),
            ("offeredRps", rate),
            ("okRps", left),
            ("failedShare", share),
        ]),
        explanation: format!(
            "the target took {took:.0}/s; from second {:.0} on, at {rate:.0}/s, {:.0}% failed and only \
             {left:.0}/s were ok: it does not shed what is too much, it falls over",
            failing[0].from,
            share * 100.0
        ),
        next_step: evidence.command(
            &format!(
                "--profile '{{\"type\":\"RAMP\",\"initialRps\":{:.0},\"targetRps\":{:.0}}}' -d 60s",
                took * 0.7,
                rate * 1.2
            ),
            "a slow ramp finds the point; look at what it runs out of there",
        ),
    };
    vec![draft.finish(evidence)]
}

/// It answers 429 or 503 to what exceeds a rate.
pub(super) fn limit(evidence: &Evidence<'_>) -> Vec<Finding> {
    let away = |row: &&Row| row.turned_away > 0.02 * row.ended;
    let rows: Vec<_> = evidence.rows.iter().filter(away).collect();
    let turned_away: f64 = rows.iter().map(|row| row.turned_away * row.seconds()).sum();
    if rows.len() < 3 || turned_away < LEAST_TURNED_AWAY {
        return Vec::new();
    }
    // The rate may have passed the limit in the middle of the first and the last of them.
    let inner = if rows.len() > 5 { &rows[1..rows.len() - 1] } else { &rows[..] };
    let ok: Vec<_> = inner.iter().map(|row| row.ok).collect();
    let due: Vec<_> = inner.iter().map(|row| row.ended).collect();
    let taken = stats::median(&ok).unwrap_or(0.0);
    let offered = stats::mean(&due);
    let share = 1.0 - taken / offered.max(1e-9);
    let evenness = evenness(evidence, inner);
    let is_429 =
        evidence.total.counters.statuses.iter().any(|(status, n)| *status == 429 && *n > 0);
    if evenness < 2.0 || taken <= 0.0 {
        return Vec::new();
    }
    let draft = Draft {
        kind: FindingKind::RateLimited,
        severity: Severity::Warning,
        strength: (evenness / 2.0).ln()
            + if is_429 { 1.5 } else { 0.0 }
            + (rows.len() as f64 / 3.0).ln(),
        span: (rows[0].from, rows[rows.len() - 1].to),
        figures: figures(&[
            ("limitRps", taken),
            ("offeredRps", offered),
            ("turnedAwayShare", share),
        ]),
        explanation: format!(
            "the target takes {taken:.0} requests/s and answers the rest with {}: {:.0}% of \
             {offered:.0}/s were turned away",
            if is_429 { "429" } else { "503" },
            share * 100.0
        ),
        next_step: evidence.command(
            &format!("-r {:.0} -d 30s", taken * 0.95),
            "just below the limit nothing should be turned away",
        ),
    };
    vec![draft.finish(evidence)]
}

/// How much more evenly requests are ok than if each failed with the same chance: 1 where they do. By
/// chance what is ok varies as a binomial count does, and grows with the rate; under a limit it does
/// neither.
pub(super) fn evenness(evidence: &Evidence<'_>, rows: &[&Row]) -> f64 {
    let of = |value: &dyn Fn(&Row) -> f64| {
        rows.iter().map(|row| value(row) * row.seconds()).collect::<Vec<_>>()
    };
    // Of a closed loop nothing is due before it begins.
    let open = evidence.is_open_loop();
    let (asked, ok) = (of(&|row| if open { row.due } else { row.ended }), of(&|row| row.ok));
    let share = (stats::mean(&ok) / stats::mean(&asked).max(1e-9)).min(1.0);
    let by_chance =
        stats::mean(&asked) * share * (1.0 - share) + share.powi(2) * stats::variance(&asked);
    by_chance / stats::variance(&ok).max(by_chance / 100.0).max(1e-9)
}
