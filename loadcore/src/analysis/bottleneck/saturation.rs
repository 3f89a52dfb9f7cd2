//! Finds that the target takes no more than a certain rate.
//!
//! In open loop what falls due does not depend on the target. Where less ends than falls due for several
//! windows in a row, what has not ended grows, and with it the wait of each new arrival: by the seconds
//! that it would take to work it off. The rate at which requests end meanwhile is what the target takes.

use super::evidence::{Evidence, Row};
use super::scalability::{self, Scalability};
use super::{Draft, figures, stats};
use crate::result::{Finding, FindingKind, Severity};

/// What ends must lack behind what falls due by more than this share.
const LEAST_LACK: f64 = 0.02;
/// The wait that must have come of it, in seconds, and in times of the median before.
const LEAST_WAIT: f64 = 0.25;
const LEAST_GROWTH: f64 = 2.0;
/// And by more than chance: so many standard deviations of what would be left over where arrivals and
/// replies came one by one, at random and as fast as each other. A line that grows and goes again has
/// less. Of 200 such lines those that were overloaded by all other measures had at most 1.6, and 200
/// saturated targets at least 3.
const LEAST_DEVIATIONS: f64 = 2.0;
/// For so many windows at least.
const LEAST_ROWS: usize = 4;
/// What ends meanwhile varies by no more than this share, and is not less than this share of what falls
/// due: else the target stands still.
const MOST_SPREAD: f64 = 0.25;
const LEAST_THROUGHPUT: f64 = 0.2;

/// How much the offered rate must vary for throughput to tell how the target scales.
const LEAST_SPREAD_OF_RATE: f64 = 1.5;

/// A time in which the target took less than was offered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overload {
    /// The first row, and the one after the last.
    pub(super) rows: (usize, usize),
    /// What ended per second.
    pub(super) capacity: f64,
    /// What fell due per second.
    pub(super) offered: f64,
    /// How long a new arrival waits at its worst, in seconds.
    pub(super) wait: f64,
    /// The median before it, in seconds.
    pub(super) before: f64,
}

pub(super) fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let Some(found) = overload(evidence) else { return Vec::new() };
    let Overload { rows: (from, to), capacity, offered, wait, before } = found;
    let lack = 1.0 - capacity / offered;
    let strength =
        1.0 + (lack / LEAST_LACK).ln() + (wait / LEAST_WAIT.max(LEAST_GROWTH * before)).ln();
    let all = &evidence.rows[from..to];
    let is_rising = evidence.spread_of_rate() >= LEAST_SPREAD_OF_RATE;
    let law = scalability::of(&evidence.rows[..to]).filter(|_| is_rising);
    let mut known = vec![
        ("capacityRps", capacity),
        ("offeredRps", offered),
        ("waitSeconds", wait),
        ("medianBeforeMs", before * 1e3),
    ];
    known.extend(law.iter().flat_map(of_law));
    let draft = Draft {
        kind: FindingKind::Saturation,
        severity: if lack > 0.1 { Severity::Critical } else { Severity::Warning },
        strength,
        span: (all[0].from, all[all.len() - 1].to),
        figures: figures(&known),
        explanation: format!(
            "the target takes about {capacity:.0} requests/s: {offered:.0}/s were offered from second \
             {:.0} on, the rest waited, up to {wait:.1} s{}",
            all[0].from,
            law.as_ref().map_or(String::new(), in_words)
        ),
        next_step: evidence.command(
            &format!("-r {:.0} -d 60s", (capacity * 0.9).max(1.0)),
            "it should keep up at 90% of that",
        ),
    };
    vec![draft.finish(evidence)]
}

fn of_law(law: &Scalability) -> Vec<(&'static str, f64)> {
    let Scalability { contention, coherency, peak, peak_in_flight, .. } = *law;
    let mut all = vec![("peakRps", peak), ("contention", contention), ("coherency", coherency)];
    all.extend(peak_in_flight.is_finite().then_some(("peakInFlight", peak_in_flight)));
    all
}

/// What keeps the target from doing more at once.
fn in_words(law: &Scalability) -> String {
    let Scalability { peak, peak_in_flight, contention_part, .. } = *law;
    let what = if peak_in_flight.is_finite() {
        let contention = (contention_part * 100.0).round();
        format!(
            "peaks at {peak:.0}/s with {peak_in_flight:.0} in flight; {contention:.0}% of what it lacks to \
             growth in proportion is contention, requests that wait for what only one can have, and \
             {:.0}% coherency, requests that have to agree with each other",
            100.0 - contention
        )
    } else {
        format!(
            "comes ever nearer to {peak:.0}/s: contention, requests wait for what only one can have"
        )
    };
    format!(". As more is in flight its throughput {what} (Universal Scalability Law)")
}

/// The time in which the target took less than was offered, if there was one.
pub(super) fn overload(evidence: &Evidence<'_>) -> Option<Overload> {
    if !evidence.is_open_loop() || evidence.request.is_some() {
        return None;
    }
    let rows = &evidence.rows;
    let lack = |row: &Row| (row.due * (1.0 - LEAST_LACK) - row.ended) * row.seconds();
    let lacks: Vec<_> = rows.iter().map(lack).collect();
    let (from, to) = stats::greatest_stretch(&lacks);
    if to < from + LEAST_ROWS {
        return None;
    }
    let inner = &rows[from + 1..to];
    let of = |value: fn(&Row) -> f64| inner.iter().map(value).collect::<Vec<_>>();
    let ended = of(|row| row.ended);
    let (capacity, offered) = (stats::median(&ended)?, stats::mean(&of(|row| row.due)));
    let waiting = |row: &Row| row.in_flight + row.backlog;
    let dropped: f64 = inner.iter().map(|row| row.dropped * row.seconds()).sum();
    let most = inner.iter().map(waiting).fold(0.0, f64::max) + dropped;
    let before = rows[..=from].iter().filter_map(|row| row.p50);
    let before = stats::quantile(&before.collect::<Vec<_>>(), 0.25)? / 1e3;
    let had = rows[..=from].iter().map(waiting).fold(f64::MAX, f64::min);
    let wait = (most - had) / capacity.max(1e-9);
    let is_steady = stats::spread(&ended) <= MOST_SPREAD * capacity;
    let is_moving = capacity >= LEAST_THROUGHPUT * offered;
    let sum =
        |value: fn(&Row) -> f64| inner.iter().map(|row| value(row) * row.seconds()).sum::<f64>();
    let (due, done) = (sum(|row| row.due), sum(|row| row.ended));
    let is_no_chance = due - done >= LEAST_DEVIATIONS * (due + done).sqrt();
    let is_long = wait >= LEAST_WAIT && wait >= LEAST_GROWTH * before;
    // All wait in a line. Where some are lost and the others are as fast as before, there is none.
    let last: Vec<_> = inner[inner.len() / 2..].iter().filter_map(|row| row.p50).collect();
    let all_wait = stats::median(&last).is_some_and(|last| last / 1e3 >= LEAST_GROWTH * before);
    if !(is_steady && is_moving && is_no_chance && is_long && all_wait) {
        return None;
    }
    let half = most / 2.0;
    let later = rows[to..].iter().take_while(|row| waiting(row) >= half).count();
    Some(Overload { rows: (from, to + later), capacity, offered, wait, before })
}
