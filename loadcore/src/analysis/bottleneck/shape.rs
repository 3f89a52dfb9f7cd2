//! Finds what the shape of the whole distribution tells: two groups of times, requests that never end,
//! time that goes into handshakes, connections beyond a number, workers that see another target.

use super::evidence::{Evidence, Row, mean_ms, ms};
use super::saturation::overload;
use super::{Draft, errors, figures, stats};
use crate::result::{Finding, FindingKind, Severity};

/// It has two separate groups of latencies.
pub(super) fn two_groups(evidence: &Evidence<'_>) -> Vec<Finding> {
    /// The smaller group, as a share.
    const LEAST_SHARE: f64 = 0.02;
    /// How far the groups' middles lie apart.
    const LEAST_RATIO: f64 = 2.5;
    /// Between them lies at most this share of what the smaller one's peak has.
    const MOST_VALLEY: f64 = 0.35;
    let times = evidence.ok_times();
    let all: f64 = times.iter().map(|(_, count)| count).sum();
    if all < 200.0 {
        return Vec::new();
    }
    let Some(split) = Split::of(&times) else { return Vec::new() };
    let share = split.above / all;
    let ratio = split.high / split.low.max(1e-6);
    let smaller = share.min(1.0 - share);
    if smaller < LEAST_SHARE || ratio < LEAST_RATIO || split.valley > MOST_VALLEY {
        return Vec::new();
    }
    // It is so throughout, and not one time so and then otherwise.
    let high = |row: &Row| {
        let quantile = if share > 0.6 {
            row.p25
        } else if share > 0.06 {
            row.p95
        } else {
            row.p99
        };
        quantile.map(|value| value > split.at)
    };
    let seen: Vec<_> = evidence.sound().filter_map(high).collect();
    let with = seen.iter().filter(|is| **is).count() as f64 / (seen.len() as f64).max(1.0);
    let low = evidence.sound().filter_map(|row| Some(row.p25? < split.at));
    let low: Vec<_> = low.collect();
    let without = low.iter().filter(|is| **is).count() as f64 / (low.len() as f64).max(1.0);
    let is_throughout = if share > 0.6 { without > 0.0 } else { with >= 0.6 && without >= 0.8 };
    if !is_throughout {
        return Vec::new();
    }
    let draft = Draft {
        kind: FindingKind::BimodalLatency,
        severity: Severity::Info,
        strength: 1.5 * (ratio / LEAST_RATIO).ln()
            + 3.0 * (MOST_VALLEY - split.valley)
            + (smaller / LEAST_SHARE).ln() * 0.7,
        span: evidence.span(),
        figures: figures(&[
            ("fastMs", split.low),
            ("slowMs", split.high),
            ("slowShare", share),
            ("betweenMs", split.at),
        ]),
        explanation: format!(
            "{:.0}% of the requests take about {:.1} ms, the others about {:.1} ms, and few lie between: \
             a cache, one slow replica of several, or two kinds of requests",
            share * 100.0,
            split.high,
            split.low
        ),
        next_step: evidence.command(
            "with a `mix` of named requests, one for each kind or replica",
            "then each name should have one group",
        ),
    };
    vec![draft.finish(evidence)]
}

/// Where a distribution falls into two.
struct Split {
    /// The time between the groups, in milliseconds.
    at: f64,
    /// The medians below and above.
    low: f64,
    high: f64,
    above: f64,
    /// How much lies at the bottom between them, as a share of the lower peak.
    valley: f64,
}

impl Split {
    /// The deepest valley between two peaks, on a logarithmic axis of eighths of a doubling.
    fn of(times: &[(f64, f64)]) -> Option<Self> {
        const EIGHTHS: f64 = 6.0;
        let place = |time: f64| (time.max(1e-3).log2() * EIGHTHS).round() as i64;
        let (first, last) = (place(times.first()?.0), place(times.last()?.0));
        let mut bars = vec![0.0; (last - first + 1) as usize];
        times.iter().for_each(|(time, count)| bars[(place(*time) - first) as usize] += count);
        let at = |n: i64| bars.get(n as usize).copied().unwrap_or(0.0);
        let smooth: Vec<f64> = (0..bars.len() as i64)
            .map(|n| {
                (at(n - 2) + 2.0 * at(n - 1) + 3.0 * at(n) + 2.0 * at(n + 1) + at(n + 2)) / 9.0
            })
            .collect();
        let mut best: Option<(f64, usize)> = None;
        for n in 1..smooth.len().saturating_sub(1) {
            let left = smooth[..n].iter().copied().fold(0.0, f64::max);
            let right = smooth[n + 1..].iter().copied().fold(0.0, f64::max);
            let valley = smooth[n] / left.min(right).max(1e-9);
            let (below, above): (f64, f64) = (bars[..n].iter().sum(), bars[n..].iter().sum());
            if below.min(above) < 0.02 * (below + above) {
                continue;
            }
            if best.is_none_or(|(least, _)| valley < least) {
                best = Some((valley, n));
            }
        }
        let (valley, n) = best?;
        // In an empty stretch its middle parts them.
        let same = smooth[n..].iter().take_while(|bar| **bar <= smooth[n] + 1e-9).count();
        let n = n + same.saturating_sub(1) / 2;
        let edge = 2f64.powf((n as f64 + first as f64) / EIGHTHS);
        let part = |is: &dyn Fn(f64) -> bool| -> Vec<(f64, f64)> {
            times.iter().copied().filter(|(time, _)| is(*time)).collect()
        };
        let (below, above) = (part(&|time| time < edge), part(&|time| time >= edge));
        let middle = |part: &[(f64, f64)]| {
            let half = part.iter().map(|(_, count)| count).sum::<f64>() / 2.0;
            let mut sum = 0.0;
            part.iter()
                .find(|(_, count)| {
                    sum += count;
                    sum >= half
                })
                .map(|(time, _)| *time)
        };
        Some(Self {
            at: edge,
            low: middle(&below)?,
            high: middle(&above)?,
            above: above.iter().map(|(_, count)| count).sum(),
            valley,
        })
    }
}

/// A share of its requests never ends before the timeout.
pub(super) fn timeout_wall(evidence: &Evidence<'_>) -> Vec<Finding> {
    const LEAST: f64 = 3.0;
    /// In how many windows they come, as a share of how many it would be by chance.
    const LEAST_SPREAD: f64 = 0.5;
    let rows = &evidence.rows;
    let timed_out: f64 = rows.iter().map(|row| row.timed_out * row.seconds()).sum();
    let ended: f64 = rows.iter().map(|row| row.ended * row.seconds()).sum();
    let unfinished = evidence.result.outcomes.unfinished as f64;
    let share = timed_out / ended.max(1.0);
    // From the timeout on they come all the time, however few they are.
    let with = rows.iter().filter(|row| row.timed_out > 0.0).count() as f64;
    let possible = rows.iter().filter(|row| row.to > evidence.timeout_seconds).count() as f64;
    let by_chance = possible * (1.0 - (-timed_out / possible.max(1.0)).exp());
    let spread = with / by_chance.max(1.0);
    let kept_up = overload(evidence).is_none();
    if timed_out < LEAST || share < 0.0005 || spread < LEAST_SPREAD || !kept_up {
        return Vec::new();
    }
    let usual = evidence.total.service.quantile(0.5).map_or(0.0, ms);
    let wall = evidence.timeout_seconds * 1e3;
    if usual > wall / 4.0 {
        return Vec::new();
    }
    let draft = Draft {
        kind: FindingKind::TimeoutWall,
        severity: if share > 0.01 { Severity::Critical } else { Severity::Warning },
        strength: 0.5 + (timed_out / LEAST).ln() + 2.0 * (spread / LEAST_SPREAD).ln(),
        span: evidence.span(),
        figures: figures(&[
            ("timedOutShare", share),
            ("timedOut", timed_out),
            ("unfinished", unfinished),
            ("timeoutSeconds", evidence.timeout_seconds),
            ("medianMs", usual),
        ]),
        explanation: format!(
            "{:.2}% of the requests had no answer within {} s, while half of them took less than \
             {usual:.1} ms: those are not slow, they are lost",
            share * 100.0, evidence.timeout_seconds
        ),
        next_step: evidence.command(
            &format!("-t {:.0}s -d 2m", evidence.timeout_seconds * 3.0),
            "if as many are lost with a timeout three times as long, they never end: look for a lock, \
             a lost message or a full queue",
        ),
    };
    vec![draft.finish(evidence)]
}

/// It spends the time in connect or TLS.
pub(super) fn handshakes(evidence: &Evidence<'_>) -> Vec<Finding> {
    const LEAST_MS: f64 = 5.0;
    let total = &evidence.total;
    let (Some(connect), Some(service)) = (mean_ms(&total.connect), mean_ms(&total.service)) else {
        return Vec::new();
    };
    let tls = mean_ms(&total.tls).unwrap_or(0.0);
    let handshake = connect + tls;
    let count = total.connect.count() as f64;
    let share = handshake * count / (service * total.ended()).max(1e-9);
    let usual = total.service.quantile(0.5).map_or(service, ms);
    let is_slow =
        handshake >= LEAST_MS && count >= 5.0 && handshake > 2.0 * connect.min(tls).max(0.1);
    // Either much of the time goes there, or a connection costs far more than a request.
    let weight = (share / 0.25).max(handshake / (10.0 * usual.max(0.1)));
    if !is_slow || weight < 1.0 {
        return Vec::new();
    }
    let (part, time) =
        if tls > connect { ("the TLS handshake", tls) } else { ("the connect", connect) };
    let draft = Draft {
        kind: FindingKind::SlowHandshake,
        severity: if share > 0.25 { Severity::Warning } else { Severity::Info },
        strength: 0.5 + 1.5 * weight.ln() + 0.5 * (handshake / LEAST_MS).ln() + (count / 5.0).ln() * 0.3,
        span: evidence.span(),
        figures: figures(&[
            ("connectMs", connect),
            ("tlsMs", tls),
            ("connects", count),
            ("shareOfTime", share.min(1.0)),
            ("medianMs", usual),
        ]),
        explanation: format!(
            "{count:.0} connections were opened, and {part} took {time:.1} ms on the average: {:.0}% of \
             the time of all requests (half of them took {usual:.1} ms)",
            share.min(1.0) * 100.0
        ),
        next_step: evidence.command(
            "with keep-alive, and once with --http2",
            "fewer handshakes should bring the time down; a session cache or a nearer end of TLS does so \
             for all",
        ),
    };
    vec![draft.finish(evidence)]
}

/// It refuses or delays connections beyond a number.
pub(super) fn connections(evidence: &Evidence<'_>) -> Vec<Finding> {
    let rows = &evidence.rows;
    let sum =
        |value: fn(&Row) -> f64| rows.iter().map(|row| value(row) * row.seconds()).sum::<f64>();
    let (refused, timed_out) = (sum(|row| row.no_connection), sum(|row| row.timed_out));
    let ok_time = {
        let (time, count) = evidence
            .ok_times()
            .iter()
            .fold((0.0, 0.0), |(time, count), (ms, n)| (time + ms * n, count + n));
        time / f64::max(count, 1.0) / 1e3
    };
    let open: Vec<_> = rows.iter().map(|row| row.in_flight).collect();
    let most = open.iter().copied().fold(0.0, f64::max);
    let served: Vec<_> = rows.iter().map(|row| row.ok * ok_time).collect();
    let served = stats::quantile(&served, 0.9).unwrap_or(0.0);
    let connections = evidence.result.scenario["connections"].as_f64().unwrap_or(f64::MAX);
    let found = if refused >= 10.0 {
        refusal(evidence, (refused, most, served, connections))
    } else if timed_out >= 5.0 {
        waiting(evidence, (timed_out, most, served))
    } else {
        slow_opening(evidence)
    };
    found.map(|draft| draft.finish(evidence)).into_iter().collect()
}

fn connection_draft(evidence: &Evidence<'_>, strength: f64, limit: f64) -> Draft {
    Draft {
        kind: FindingKind::ConnectionLimit,
        severity: Severity::Critical,
        strength,
        span: evidence.span(),
        next_step: evidence.command(
            &format!("-c {:.0}", (limit * 0.9).max(1.0)),
            "below the limit nothing should fail; raise it (worker_connections, a pool, a backlog), or \
             use fewer connections",
        ),
        ..Draft::default()
    }
}

fn refusal(
    evidence: &Evidence<'_>,
    (refused, most, served, connections): (f64, f64, f64, f64),
) -> Option<Draft> {
    let rows = &evidence.rows;
    let with: Vec<_> = rows.iter().filter(|row| row.no_connection > 0.0).collect();
    let classes = &evidence.total.counters.errors;
    let hard = classes[crate::request::ErrorClass::ConnectRefused as usize]
        + classes[crate::request::ErrorClass::ConnectTimeout as usize];
    // The limit shows itself: what is in flight never exceeds it, however much is offered.
    let level: Vec<_> = with.iter().map(|row| row.in_flight).collect();
    let limit = stats::quantile(&level, 0.75)?;
    let is_pinned = if evidence.is_open_loop() {
        let (early, late) = with.split_at(with.len() / 2);
        let of = |rows: &[&Row], value: fn(&Row) -> f64| {
            stats::median(&rows.iter().map(|row| value(row)).collect::<Vec<_>>()).unwrap_or(0.0)
        };
        let more = of(late, |row| row.due) / of(early, |row| row.due).max(1e-9);
        let more_in_flight =
            of(late, |row| row.in_flight) / of(early, |row| row.in_flight).max(1.0);
        let high = stats::quantile(&level, 0.95)?;
        errors::evenness(evidence, &with) >= 1.6
            || high - stats::median(&level)? <= (0.7 * limit.max(1.0).sqrt()).max(1.0)
            || (more > 1.2 && more_in_flight < 1.0 + (more - 1.0) / 4.0)
    } else {
        served <= 0.9 * connections.min(most.max(1.0))
    };
    // Failures of chance come in proportion to the requests; those of a limit begin with it.
    let share: Vec<_> = with.iter().map(|row| row.no_connection / row.ended.max(1e-9)).collect();
    let share = stats::median(&share)?;
    let is_hard = hard as f64 > refused / 2.0;
    if with.len() < 3 || (!is_hard && !is_pinned) || (limit < 2.0 && evidence.is_open_loop()) {
        return None;
    }
    let limit = if evidence.is_open_loop() { limit } else { served };
    Some(Draft {
        figures: figures(&[("connections", limit), ("refused", refused), ("refusedShare", share)]),
        explanation: format!(
            "the target serves about {limit:.0} connections at once: {refused:.0} requests failed as \
             theirs was refused or reset beyond that"
        ),
        span: (with[0].from, with[with.len() - 1].to),
        ..connection_draft(
            evidence,
            1.0 + (refused / 10.0).ln() * 0.5 + if is_hard { 1.0 } else { 0.0 },
            limit,
        )
    })
}

fn waiting(evidence: &Evidence<'_>, (timed_out, most, served): (f64, f64, f64)) -> Option<Draft> {
    let rows = &evidence.rows;
    // Those that are not served wait for the whole of the timeout, all of them together.
    let with: Vec<_> = rows.iter().filter(|row| row.timed_out > 0.0).collect();
    let in_bursts = with.len() * 5 <= rows.len() && timed_out >= 3.0 * with.len() as f64;
    // Or it is their number that is limited, and not the share of those that are lost.
    let share = timed_out / evidence.total.ended().max(1.0);
    let is_even = with.len() >= 12 && share >= 0.05 && errors::evenness(evidence, &with) >= 1.6;
    // Or the line grows although those that are served take the usual time.
    let is_short = overload(evidence).is_some_and(|found| {
        let (from, to) = found.rows;
        let times: Vec<_> = rows[from..to].iter().filter_map(|row| row.service_p50).collect();
        stats::median(&times).is_some_and(|time| time / 1e3 < 2.0 * found.before)
    });
    let unserved = 1.0 - served / most.max(1.0);
    if unserved < 0.2 || !(is_short || in_bursts || is_even) {
        return None;
    }
    Some(Draft {
        figures: figures(&[("connections", served), ("inFlight", most), ("timedOut", timed_out)]),
        explanation: format!(
            "of {most:.0} requests in flight only about {served:.0} were being served, in the usual time; \
             the others waited for the whole timeout: the target accepts no more connections"
        ),
        ..connection_draft(
            evidence,
            1.0 + 3.0 * (unserved - 0.2) + (timed_out / 5.0).ln() * 0.5,
            served,
        )
    })
}

fn slow_opening(evidence: &Evidence<'_>) -> Option<Draft> {
    /// A lost SYN is sent again after a second (RFC 6298).
    const AGAIN_MS: f64 = 900.0;
    let connect = &evidence.total.connect;
    let slow = connect.buckets().filter(|bucket| ms(bucket.from_ns) >= AGAIN_MS);
    let slow: u64 = slow.map(|bucket| bucket.count).sum();
    let usual = ms(connect.quantile(0.2)?);
    if slow < 3 || usual > AGAIN_MS / 4.0 {
        return None;
    }
    let open = evidence.rows.iter().map(|row| row.in_flight).fold(0.0, f64::max);
    Some(Draft {
        figures: figures(&[
            ("slowConnects", slow as f64),
            ("connectMs", usual),
            ("inFlight", open),
        ]),
        explanation: format!(
            "{slow} connections took a second or longer to open, the others {usual:.1} ms: the target's \
             backlog of new connections was full, and the first packet had to be sent again"
        ),
        ..connection_draft(evidence, 0.5 + (slow as f64 / 3.0).ln(), open)
    })
}

/// It looks different from different workers.
pub(super) fn skew(evidence: &Evidence<'_>) -> Vec<Finding> {
    const LEAST_RATIO: f64 = 1.3;
    const LEAST_MS: f64 = 1.0;
    let workers = evidence.windows.workers();
    let times: Vec<_> = workers
        .iter()
        .filter(|worker| worker.service.count() >= 100)
        .filter_map(|worker| Some((worker, ms(worker.service.quantile(0.5)?))))
        .collect();
    if times.len() < 2 {
        return Vec::new();
    }
    let middles: Vec<_> = times.iter().map(|(_, time)| *time).collect();
    let usual = if times.len() == 2 {
        middles.iter().copied().fold(f64::MAX, f64::min)
    } else {
        stats::median(&middles).unwrap_or(0.0)
    };
    let Some((worker, time)) = times.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return Vec::new();
    };
    let others: Vec<_> =
        times.iter().filter(|it| it.0.worker != worker.worker).map(|it| it.1).collect();
    let noise = if others.len() > 2 { stats::spread(&others) / usual.max(1e-6) } else { 0.0 };
    let ratio = time / usual.max(1e-6);
    if ratio < LEAST_RATIO.max(1.0 + 5.0 * noise) || time - usual < LEAST_MS {
        return Vec::new();
    }
    let draft = Draft {
        kind: FindingKind::WorkerSkew,
        severity: Severity::Warning,
        strength: 0.5 + 3.0 * (ratio / LEAST_RATIO).ln(),
        span: evidence.span(),
        figures: figures(&[
            ("slowestMedianMs", *time),
            ("otherMedianMs", usual),
            ("workers", workers.len() as f64),
        ]),
        explanation: format!(
            "worker {} saw a median of {time:.1} ms, the others {usual:.1} ms: its way to the target is \
             longer, or it is sent to a slower part of it",
            worker.worker
        ),
        next_step: evidence.command(
            "from that worker's machine alone",
            "compare the addresses that the name resolves to there, and the time of a connect",
        ),
    };
    vec![draft.finish(evidence)]
}
