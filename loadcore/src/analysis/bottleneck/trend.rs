//! Finds times that change with time alone: a slow beginning, a steady drift, stalls at regular
//! intervals.

use super::evidence::{Evidence, Row};
use super::saturation::overload;
use super::{Draft, figures, stats};
use crate::result::{Finding, FindingKind, Severity};

/// So many windows at least say something about time.
const LEAST_ROWS: usize = 10;
/// Milliseconds below which a change is not worth a word.
const LEAST_MS: f64 = 1.0;

/// It gets slower steadily at a constant rate.
pub(super) fn drift(evidence: &Evidence<'_>) -> Vec<Finding> {
    /// By how much it is slower at the end, as a share.
    const LEAST_RISE: f64 = 0.2;
    /// How well time and latency agree, as a rank correlation.
    const LEAST_AGREEMENT: f64 = 0.6;
    let rows: Vec<_> = evidence.sound().filter(|row| row.p50.is_some()).collect();
    if rows.len() < LEAST_ROWS || evidence.spread_of_rate() > 1.5 || overload(evidence).is_some() {
        return Vec::new();
    }
    let points: Vec<_> = rows.iter().filter_map(|row| Some((row.from, row.p50?))).collect();
    let Some((slope, start)) = stats::line(&points) else { return Vec::new() };
    let (first, last) = (points[0].0, points[points.len() - 1].0);
    let (begin, end) = (start + slope * first, start + slope * last);
    let agreement = stats::rank_correlation(&points);
    let rise = end / begin.max(1e-6) - 1.0;
    // One step up is no drift: within each half it must rise too.
    let (early, late) = points.split_at(points.len() / 2);
    let halves = [early, late].map(|half| stats::line(half).map_or(0.0, |line| line.0));
    let is_steady = halves.iter().all(|half| *half > 0.3 * slope && *half < 2.5 * slope);
    let is_worth_it = rise >= LEAST_RISE && end - begin >= LEAST_MS;
    if begin <= 0.0 || agreement < LEAST_AGREEMENT || !is_worth_it || !is_steady {
        return Vec::new();
    }
    let draft = Draft {
        kind: FindingKind::LatencyDrift,
        severity: if rise > 1.0 { Severity::Critical } else { Severity::Warning },
        strength: (rise / LEAST_RISE).ln() + 6.0 * (agreement - LEAST_AGREEMENT),
        span: (rows[0].from, rows[rows.len() - 1].to),
        figures: figures(&[
            ("medianAtStartMs", begin),
            ("medianAtEndMs", end),
            ("risePerMinuteMs", slope * 60.0),
            ("agreement", agreement),
        ]),
        explanation: format!(
            "at a constant rate the median rose steadily from {begin:.1} to {end:.1} ms: something \
             grows with each request or second, such as a leak, a log or a table without an index"
        ),
        next_step: evidence.command(
            "-d 10m",
            "does it go on, and is it gone after a restart? memory and collections tell which",
        ),
    };
    vec![draft.finish(evidence)]
}

/// It is slow or fails at first, and then settles.
pub(super) fn cold_start(evidence: &Evidence<'_>) -> Vec<Finding> {
    /// How much slower than later a cold window is, and how like each other the later ones are.
    const LEAST_RATIO: f64 = 1.5;
    /// The share of failures by which a cold window exceeds later ones.
    const LEAST_FAILED: f64 = 0.1;
    let rows = &evidence.rows;
    if rows.len() < LEAST_ROWS {
        return Vec::new();
    }
    let settled = &rows[rows.len() / 2..];
    let times: Vec<_> = settled.iter().filter_map(|row| row.p50).collect();
    let Some(later) = stats::median(&times) else { return Vec::new() };
    let failed = stats::median(&settled.iter().map(Row::failed_share).collect::<Vec<_>>());
    let failed = failed.unwrap_or(0.0);
    let noise = stats::spread(&times) / later.max(1e-6);
    let ratio = LEAST_RATIO.max(1.0 + 5.0 * noise);
    let handshakes = |row: &Row| row.connects > 0.3 * row.ended;
    let is_slow = |row: &Row| {
        row.p50.is_some_and(|p50| p50 >= ratio * later && p50 - later >= LEAST_MS)
            && !(handshakes(row) && row.from < 1.0)
    };
    let is_cold = |row: &&Row| is_slow(row) || row.failed_share() >= failed + LEAST_FAILED;
    let length = rows.iter().take_while(is_cold).count();
    // Once settled it stays so.
    let again = rows[length..].iter().filter(is_cold).count();
    if length == 0 || length * 5 > rows.len() * 2 || again > (rows.len() - length) / 20 {
        return Vec::new();
    }
    let cold = &rows[..length];
    let due: Vec<_> = settled.iter().map(|row| row.due).collect();
    let is_busier = stats::mean(&cold.iter().map(|row| row.due).collect::<Vec<_>>())
        > 1.2 * stats::median(&due).unwrap_or(0.0);
    if evidence.is_open_loop() && is_busier {
        return Vec::new();
    }
    let at_first = stats::median(&cold.iter().filter_map(|row| row.p50).collect::<Vec<_>>());
    let at_first = at_first.unwrap_or(later);
    let failing = stats::mean(&cold.iter().map(Row::failed_share).collect::<Vec<_>>());
    let end = cold[length - 1].to;
    let draft = Draft {
        kind: FindingKind::ColdStart,
        severity: Severity::Warning,
        strength: 0.5
            + 2.0 * (at_first / later / ratio).ln().max((failing / LEAST_FAILED).max(1e-3).ln())
            + (length as f64).ln(),
        span: (0.0, end),
        figures: figures(&[
            ("coldSeconds", end),
            ("medianColdMs", at_first),
            ("medianLaterMs", later),
            ("failedColdShare", failing),
        ]),
        explanation: format!(
            "in the first {end:.0} s the median was {at_first:.1} ms and {:.1}% failed, later it was \
             {later:.1} ms: caches, pools or a compiler have to warm up",
            failing * 100.0
        ),
        next_step: evidence.command(
            &format!("--warmup {:.0}s", (end * 2.0).max(5.0)),
            "with a warm-up only the settled state is measured; users meet the cold one after each \
             restart",
        ),
    };
    vec![draft.finish(evidence)]
}

/// It stops answering at regular intervals.
pub(super) fn stalls(evidence: &Evidence<'_>) -> Vec<Finding> {
    /// How far the longest times of a stall stand out.
    const LEAST_RATIO: f64 = 2.0;
    const LEAST_STALLS: usize = 3;
    let rows = &evidence.rows;
    if rows.len() < LEAST_ROWS {
        return Vec::new();
    }
    let tails: Vec<_> = rows.iter().map(|row| row.p99.unwrap_or(0.0).max(1e-3).ln()).collect();
    let Some(usual) = stats::median(&tails) else { return Vec::new() };
    let limit = usual + LEAST_RATIO.ln().max(4.0 * stats::spread(&tails));
    let is_high =
        |n: &usize| rows[*n].is_sound && tails[*n] > limit && tails[*n].exp() - usual.exp() > 5.0;
    let high: Vec<_> = (0..rows.len()).filter(is_high).collect();
    // Neighbours are one stall: its moment is where most of it is.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for n in high {
        match groups.last_mut() {
            Some(group) if group.last() == Some(&(n - 1)) && group.len() < 3 => group.push(n),
            _ => groups.push(vec![n]),
        }
    }
    let moment = |group: &Vec<usize>| {
        let weight: f64 = group.iter().map(|n| tails[*n] - usual).sum();
        group.iter().map(|n| rows[*n].from * (tails[*n] - usual)).sum::<f64>() / weight
    };
    let moments: Vec<_> = groups.iter().map(moment).collect();
    if moments.len() < LEAST_STALLS {
        return Vec::new();
    }
    let Some(found) = Rhythm::of(&moments, evidence.windows.seconds() as f64) else {
        return Vec::new();
    };
    let highest =
        groups.iter().map(|group| group.iter().map(|n| tails[*n].exp()).fold(0.0, f64::max));
    let typical = stats::median(&highest.collect::<Vec<_>>()).unwrap_or(0.0);
    let draft = Draft {
        kind: FindingKind::PeriodicStall,
        severity: Severity::Warning,
        strength: found.strength,
        span: (moments[0], moments[moments.len() - 1] + evidence.windows.seconds() as f64),
        figures: figures(&[
            ("periodSeconds", found.period),
            ("stalls", moments.len() as f64),
            ("p99InStallMs", typical),
            ("p99OtherwiseMs", usual.exp()),
        ]),
        explanation: format!(
            "every {:.1} s the p99 goes from {:.1} to {typical:.0} ms: the target stops for a moment, \
             as for a garbage collection, a flush or a timer",
            found.period,
            usual.exp()
        ),
        next_step: evidence.command(
            &format!("-d {:.0}s --observe URL-OF-ITS-METRICS", (found.period * 12.0).max(60.0)),
            "its own metrics of pauses should show the same period",
        ),
    };
    vec![draft.finish(evidence)]
}

/// Moments that come at regular intervals.
struct Rhythm {
    period: f64,
    strength: f64,
}

impl Rhythm {
    /// The period that most moments keep, and how unlikely that is by chance; `grain` is how exact a
    /// moment is known.
    fn of(moments: &[f64], grain: f64) -> Option<Self> {
        let gaps: Vec<_> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let guess = stats::median(&gaps)?;
        if guess < 1.9 * grain {
            return None;
        }
        // Each moment gets its number, and the period is the slope through them.
        let mut numbers: Vec<_> = Vec::new();
        let mut last = 0.0;
        for pair in gaps.iter().map(|gap| (gap / guess).round().max(1.0)) {
            last += pair;
            numbers.push(last);
        }
        let points: Vec<_> = std::iter::once((0.0, moments[0]))
            .chain(numbers.into_iter().zip(moments[1..].iter().copied()))
            .collect();
        let (period, start) = stats::line(&points)?;
        let off = |point: &(f64, f64)| (point.1 - start - period * point.0).abs();
        let tolerance = 0.75 * grain + 0.02 * period;
        let kept = points.iter().filter(|point| off(point) <= tolerance).count();
        let places = points.last()?.0 + 1.0;
        let (kept, all) = (kept as f64, points.len() as f64);
        if kept < 3.0 || kept < 0.75 * all || kept < 0.7 * places {
            return None;
        }
        // A moment falls so close to its place by chance with this probability; two of them are given
        // away for period and start.
        let by_chance = (2.0 * tolerance / period).min(0.95);
        let strength = -by_chance.ln() * (kept - 2.0) - (all - kept) - 0.5;
        (strength > 0.0).then_some(Self { period, strength })
    }
}
