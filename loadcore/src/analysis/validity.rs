//! Turns how the generator fared into a verdict: may its measurement be trusted?
//!
//! The verdict speaks of the generator alone. A target that is slow, fails or refuses does not
//! change it, nor do the drops and waits that it causes: nothing here looks at outcomes, except at
//! those of class `internal`, which are our own faults.
//!
//! DEGRADED means that some of the numbers include the generator's own troubles, and which.
//! INVALID means that they say more about the generator than about the target. The limits are the
//! constants of this module, and each reason shows its figure beside its limit.

use super::Windows;
use crate::request::{DropReason, ErrorClass};
use crate::result::{Generator, Reason, RunResult, Validity, Verdict};
use std::borrow::Cow;

mod workers;

/// Share of the requests that may be late by our own fault, and share of the time in which the
/// generator may not act: 1%. Beyond it the upper percentiles of response time include that. A
/// request is late a millisecond after what the slack allows.
pub const LATE_SHARE: f64 = 0.01;

/// How likely it may be at most that chance alone makes as many requests late as were seen: 0.1%. A
/// few late ones among few say nothing about a percentile, which then rests on one of them.
pub const CHANCE: f64 = 0.001;

/// Share of the time in which the generator may stand still: 10%, and at least [`SHORTEST_SECONDS`].
/// Beyond it the load was not the one that was asked for.
pub const STALLED_SHARE: f64 = 0.10;

/// How much later than the slack allows the pacer may wake in half of all cases: 10 ms. Beyond it
/// the load was not the one that was asked for.
pub const PACER_LAG_P50_MS: f64 = 10.0;

/// Share of a processor that the engine threads may use on average in open loop: 90%. Little is left
/// then for a second that is worse than the average.
pub const CPU_SHARE_OPEN: f64 = 0.90;

/// Share of a processor that a thread may use in its busiest second in open loop: 98%. In such a
/// second the generator, not the target, sets the pace.
pub const PEAK_CPU_SHARE_OPEN: f64 = 0.98;

/// Share of a processor that the engine threads may use in closed loop: 95%. Beyond it a quicker
/// target would not have been loaded more.
pub const CPU_SHARE_CLOSED: f64 = 0.95;

/// Share of the time that the engine threads may be ready to run without getting a processor: 10%.
pub const RUN_DELAY_SHARE: f64 = 0.10;

/// The shortest measured time in which shares of a processor say anything: 0.1 s. In less, one time
/// slice of somebody else is a large share.
pub const SHORTEST_SECONDS: f64 = 0.1;

/// Share of the time for which the container's quota may stop the process: 1%.
pub const THROTTLED_SHARE: f64 = 0.01;

/// Share of the arrivals that this machine may be unable to begin at all, for want of a descriptor or
/// port: less than 1%. A single one degrades.
pub const NO_CONNECTION_SHARE: f64 = 0.01;

/// Share of the arrivals that may have to wait for such a thing, and in closed loop of the connections'
/// time: less than 10%. Those requests are late, as where the generator stands still; beyond it the load
/// was not the one that was asked for.
pub const WAITED_SHARE: f64 = 0.10;

/// Uncertainty of a worker's clock against the others: 10 ms.
pub const CLOCK_ERROR_MS: f64 = 10.0;

/// Judges a run, and each of its workers by itself, from its result document and from what is known of
/// each worker.
pub(super) fn judge(result: &mut RunResult, windows: &Windows) {
    result.validity = of_run(result);
    workers::judge(result, windows);
}

/// The verdict on a run, its workers together.
pub(super) fn of_run(result: &RunResult) -> Validity {
    validity_of(&Fared::of(result))
}

/// How a generator fared: all of a run, or one of its workers.
struct Fared<'a> {
    generator: Cow<'a, Generator>,
    due: u64,
    unknown: u64,
    /// Given up for want of a descriptor or port.
    no_connection: u64,
    /// Given up while their part was nobody's.
    fenced: u64,
    /// Failed by our own fault.
    internal: u64,
    /// What the machine said when it was short of something.
    example: Option<&'a str>,
    seconds: f64,
    is_open: bool,
}

impl<'a> Fared<'a> {
    fn of(result: &'a RunResult) -> Self {
        let class = ErrorClass::Internal.name();
        let dropped = |reason: DropReason| {
            result.arrivals.dropped_by_reason.get(reason.name()).copied().unwrap_or(0)
        };
        let internal = result.errors.get(class).copied().unwrap_or(0);
        let example = result.error_examples.get(class).map(String::as_str);
        Self {
            generator: Cow::Borrowed(&result.generator),
            due: result.arrivals.due,
            unknown: result.arrivals.unknown,
            no_connection: dropped(DropReason::NoConnection),
            fenced: dropped(DropReason::Fenced),
            internal,
            // Where a request failed in this class the text may be of that one.
            example: example.filter(|_| internal == 0),
            seconds: result.duration_seconds,
            is_open: result.is_open_loop(),
        }
    }
}

fn validity_of(fared: &Fared<'_>) -> Validity {
    let checks = [
        shortages,
        stalls,
        pacer,
        processor,
        waiting_for_processor,
        quota,
        clock,
        lost_workers,
        unowned,
        own_faults,
    ];
    let reasons: Vec<Reason> = checks.iter().filter_map(|check| check(fared)).collect();
    let worst = reasons.iter().map(|reason| reason.verdict).max();
    Validity { verdict: worst.unwrap_or_default(), reasons }
}

/// Lateness beyond the slack, which was asked for. Closed loop has no pacer and so no figure.
///
/// It is judged by wake-ups and by time. A stop of a second is one wake-up that is late, though
/// hundreds of requests may be; and a generator that is late by two milliseconds each time loses
/// little time.
fn pacer(fared: &Fared<'_>) -> Option<Reason> {
    let Generator { pacer_lag, slack_ms, wakes, late_wakes, late_share, .. } = &*fared.generator;
    let half = pacer_lag.p50_ms?;
    let (late, wakes) = (*late_wakes as f64, *wakes as f64);
    let by_wakes = Some(late / wakes).filter(|_| is_more_than_chance(late, wakes));
    let limit = PACER_LAG_P50_MS + slack_ms;
    if half > limit && by_wakes.is_some() {
        return Some(Reason {
            kind: "pacer_late".into(),
            verdict: Verdict::Invalid,
            figure: half,
            limit,
            unit: "ms".into(),
            explanation: "half of the requests were late by the generator's own fault: the load \
                          was not the one asked for"
                .into(),
            remedy: TOO_LATE.into(),
        });
    }
    let due = fared.due as f64;
    let by_time = late_share.filter(|share| is_more_than_chance(share * due, due));
    let figure = by_wakes.into_iter().chain(by_time).reduce(f64::max)?;
    let what = format!(
        "{} of the requests were late by the generator's own fault: the upper percentiles of \
         response time include that",
        percent(figure)
    );
    Some(share("pacer_late", Verdict::Degraded, (figure, LATE_SHARE), &what, TOO_LATE))
}

const TOO_LATE: &str =
    "lower the rate, use more threads or workers, or a machine that does nothing else";

/// Time in which the engine threads did not act at all, in open loop and in closed.
fn stalls(fared: &Fared<'_>) -> Option<Reason> {
    let figure = fared.generator.stalled_share?;
    let lost_seconds = figure * fared.seconds;
    let (verdict, limit) = if figure >= STALLED_SHARE && lost_seconds >= SHORTEST_SECONDS {
        (Verdict::Invalid, STALLED_SHARE)
    } else if figure > LATE_SHARE && figure * fared.due as f64 >= MANY {
        (Verdict::Degraded, LATE_SHARE)
    } else {
        return None;
    };
    let what = format!(
        "the generator stood still for {} s of {} s: its process or its machine was stopped, or had \
         no processor",
        tenths(lost_seconds),
        tenths(fared.seconds)
    );
    let remedy = "run again, on a machine that does nothing else and is not suspended";
    Some(share("stalled", verdict, (figure, limit), &what, remedy))
}

/// How many requests must have fallen into the time of a stop, or it is the matter of a single one.
const MANY: f64 = 2.0;

/// Whether `found` of `all` say that it is more than [`LATE_SHARE`] of them, and not by chance.
///
/// With n cases of which a share q is so, at least k > qn are found with a probability of at most
/// exp(k - qn - k ln(k / qn)): Chernoff's bound (Mitzenmacher and Upfal, "Probability and Computing",
/// theorem 4.4).
fn is_more_than_chance(found: f64, all: f64) -> bool {
    let expected = LATE_SHARE * all;
    found > expected && found - expected - found * (found / expected).ln() < CHANCE.ln()
}

/// To be read by people, in tenths.
fn tenths(number: f64) -> f64 {
    (10.0 * number).round() / 10.0
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent < 9.95 { format!("{}%", tenths(percent)) } else { format!("{percent:.0}%") }
}

fn processor(fared: &Fared<'_>) -> Option<Reason> {
    if fared.seconds < SHORTEST_SECONDS {
        return None;
    }
    let Generator { cpu_share, peak_cpu_share, .. } = &*fared.generator;
    let cpu = cpu_share.unwrap_or(0.0);
    let peak = peak_cpu_share.unwrap_or(0.0);
    let (figure, limit, explanation) = match fared.is_open {
        true if cpu > CPU_SHARE_OPEN => {
            (cpu, CPU_SHARE_OPEN, "the engine threads were nearly always busy")
        }
        true if peak > PEAK_CPU_SHARE_OPEN => {
            let what = "an engine thread was busy throughout its worst second: the numbers of that \
                        second are those of the generator";
            (peak, PEAK_CPU_SHARE_OPEN, what)
        }
        false if cpu > CPU_SHARE_CLOSED => {
            let what = "the generator was the limit: a quicker target would not have been loaded \
                        more";
            (cpu, CPU_SHARE_CLOSED, what)
        }
        _ => return None,
    };
    let remedy = "use more threads, more workers or a quicker machine";
    Some(share("cpu_saturated", Verdict::Degraded, (figure, limit), explanation, remedy))
}

fn waiting_for_processor(fared: &Fared<'_>) -> Option<Reason> {
    if fared.seconds < SHORTEST_SECONDS {
        return None;
    }
    let figure = fared.generator.run_delay_share.filter(|share| *share > RUN_DELAY_SHARE)?;
    let what = "the engine threads waited for a processor, which others used";
    let remedy = "run the target and everything else on other processors, or use fewer threads";
    Some(share("cpu_contended", Verdict::Degraded, (figure, RUN_DELAY_SHARE), what, remedy))
}

fn quota(fared: &Fared<'_>) -> Option<Reason> {
    let figure = fared.generator.throttled_share.filter(|share| *share > THROTTLED_SHARE)?;
    let what = "the container's processor quota stopped the generator";
    let remedy = "raise the container's CPU limit";
    Some(share("cpu_throttled", Verdict::Degraded, (figure, THROTTLED_SHARE), what, remedy))
}

/// What this machine could not begin, or not in time, for want of a descriptor, a port or memory.
fn shortages(fared: &Fared<'_>) -> Option<Reason> {
    let Generator { shortages, shortage_share, .. } = *fared.generator;
    let (due, dropped) = (fared.due, fared.no_connection);
    let example = fared.example.map_or_else(String::new, |text| format!(" ({text})"));
    let lacking = format!("this machine had no port or descriptor left{example}");
    let of_due = |count: u64| count as f64 / due.max(1) as f64;
    // In closed loop nothing was due: what was lost is the time of connections.
    let (waited, who_waited) = if fared.is_open {
        let waited = shortages.saturating_add(dropped).min(due);
        (of_due(waited), format!("{waited} of {due} arrivals had to wait"))
    } else {
        let share = shortage_share.unwrap_or(0.0).min(1.0);
        (share, format!("connections waited for {} of their time", percent(share)))
    };
    let remedy = "reuse connections (keep-alive), raise the limit of open files (ulimit -n), widen the \
                  range of ports (Linux: net.ipv4.ip_local_port_range), or use more workers";
    let invalid = |figure, limit, what: &str| {
        let what = format!("{what}, since {lacking}");
        Some(share("descriptors_short", Verdict::Invalid, (figure, limit), &what, remedy))
    };
    if of_due(dropped) >= NO_CONNECTION_SHARE {
        let what = format!("{dropped} of {due} arrivals were given up");
        return invalid(of_due(dropped), NO_CONNECTION_SHARE, &what);
    }
    if waited >= WAITED_SHARE {
        return invalid(waited, WAITED_SHARE, &who_waited);
    }
    let times = shortages.max(dropped);
    (times > 0).then(|| {
        let what = format!("{lacking} to open a connection with");
        count("descriptors_short", times, &what, remedy)
    })
}

fn clock(fared: &Fared<'_>) -> Option<Reason> {
    let Generator { clock_faults, clock_error_ms, .. } = *fared.generator;
    if clock_faults > 0 {
        let what = "the clock went backwards, and the times measured then are not known";
        let remedy =
            "use a machine whose monotonic clock is stable (Linux: clocksource tsc or kvm)";
        return Some(count("clock_faulty", clock_faults, what, remedy));
    }
    (clock_error_ms > CLOCK_ERROR_MS).then(|| Reason {
        kind: "clock_uncertain".into(),
        verdict: Verdict::Degraded,
        figure: clock_error_ms,
        limit: CLOCK_ERROR_MS,
        unit: "ms".into(),
        explanation: "the workers' clocks are not known to agree: their seconds are not the same"
            .into(),
        remedy: "bring the workers nearer to the coordinator".into(),
    })
}

fn lost_workers(fared: &Fared<'_>) -> Option<Reason> {
    let lost = &fared.generator.lost_workers;
    if lost.is_empty() && fared.unknown == 0 {
        return None;
    }
    let names = if lost.is_empty() { "a worker".to_owned() } else { lost.join(", ") };
    let were = if lost.len() > 1 { "were" } else { "was" };
    let what = match fared.unknown {
        0 => format!("{names} {were} lost: what nobody sent meanwhile was dropped"),
        unknown => format!("{names} {were} lost, and what became of {unknown} arrivals is unknown"),
    };
    let remedy = "see why it ended, and run again";
    let workers = lost.len().max(1) as u64;
    Some(Reason { unit: "workers".into(), ..count("worker_lost", workers, &what, remedy) })
}

/// What fell due while its share had no owner: the worker that had it has left in peace, before
/// another was there to take it.
fn unowned(fared: &Fared<'_>) -> Option<Reason> {
    let fenced = fared.fenced;
    if fenced == 0 || lost_workers(fared).is_some() {
        return None;
    }
    let what =
        "arrivals fell due while their share was nobody's, and were dropped: a worker had left";
    let remedy = "start another worker before one is stopped, or give it a longer --handover";
    Some(count("share_unowned", fenced, what, remedy))
}

fn own_faults(fared: &Fared<'_>) -> Option<Reason> {
    let faults = fared.internal;
    let what = "requests failed by the generator's own fault";
    (faults > 0).then(|| {
        count("internal_errors", faults, what, "see the example of the error class \"internal\"")
    })
}

/// A reason whose figures are shares, shown as percentages.
fn share(
    kind: &str,
    verdict: Verdict,
    (figure, limit): (f64, f64),
    explanation: &str,
    remedy: &str,
) -> Reason {
    Reason {
        kind: kind.into(),
        verdict,
        figure: 100.0 * figure,
        limit: 100.0 * limit,
        unit: "%".into(),
        explanation: explanation.into(),
        remedy: remedy.into(),
    }
}

/// A reason of which a single case degrades.
fn count(kind: &str, figure: u64, explanation: &str, remedy: &str) -> Reason {
    Reason {
        kind: kind.into(),
        verdict: Verdict::Degraded,
        figure: figure as f64,
        limit: 0.0,
        unit: "times".into(),
        explanation: explanation.into(),
        remedy: remedy.into(),
    }
}

#[cfg(test)]
mod tests;
