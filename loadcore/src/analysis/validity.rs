//! Turns how the generator fared into a verdict: may its measurement be trusted?
//!
//! The verdict speaks of the generator alone. A target that is slow, fails or refuses does not
//! change it, nor do the drops and waits that it causes: nothing here looks at outcomes, except at
//! those of class `internal`, which are our own faults.
//!
//! DEGRADED means that some of the numbers include the generator's own troubles, and which.
//! INVALID means that they say more about the generator than about the target. The limits are the
//! constants of this module, and each reason shows its figure beside its limit.

use crate::request::{DropReason, ErrorClass};
use crate::result::{Generator, Reason, RunResult, Validity, Verdict};

/// How much later than the slack allows the pacer may wake in 1% of cases: 1 ms. Beyond it the upper
/// percentiles of response time include our own lateness.
pub const PACER_LAG_P99_MS: f64 = 1.0;

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

/// Share of the arrivals that may be given up because this machine had no descriptor or port left:
/// 1%. A single one degrades.
pub const NO_CONNECTION_SHARE: f64 = 0.01;

/// Uncertainty of a worker's clock against the others: 10 ms.
pub const CLOCK_ERROR_MS: f64 = 10.0;

/// Judges a run from its result document, which then shows the same judgement when it is read again.
#[must_use]
pub fn judge(result: &RunResult) -> Validity {
    let checks =
        [pacer, processor, waiting_for_processor, quota, descriptors, clock, workers, own_faults];
    let reasons: Vec<Reason> = checks.iter().filter_map(|check| check(result)).collect();
    let worst = reasons.iter().map(|reason| reason.verdict).max();
    Validity { verdict: worst.unwrap_or_default(), reasons }
}

/// Lateness beyond the slack, which was asked for. Closed loop has no pacer and so no figure.
fn pacer(result: &RunResult) -> Option<Reason> {
    let Generator { pacer_lag, slack_ms, .. } = &result.generator;
    let half = (pacer_lag.p50_ms?, PACER_LAG_P50_MS + slack_ms);
    let upper = (pacer_lag.p99_ms?, PACER_LAG_P99_MS + slack_ms);
    let (verdict, (figure, limit), explanation) = if half.0 > half.1 {
        let what = "half of the requests were late by the generator's own fault: the load was not \
                    the one asked for";
        (Verdict::Invalid, half, what)
    } else if upper.0 > upper.1 {
        let what = "1% of the requests were late by the generator's own fault: the upper \
                    percentiles of response time include that";
        (Verdict::Degraded, upper, what)
    } else {
        return None;
    };
    Some(Reason {
        kind: "pacer_late".into(),
        verdict,
        figure,
        limit,
        unit: "ms".into(),
        explanation: explanation.into(),
        remedy: "lower the rate, use more threads or workers, or a machine that does nothing else"
            .into(),
    })
}

fn processor(result: &RunResult) -> Option<Reason> {
    if result.duration_seconds < SHORTEST_SECONDS {
        return None;
    }
    let Generator { cpu_share, peak_cpu_share, .. } = &result.generator;
    let cpu = cpu_share.unwrap_or(0.0);
    let peak = peak_cpu_share.unwrap_or(0.0);
    let (figure, limit, explanation) = match result.is_open_loop() {
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

fn waiting_for_processor(result: &RunResult) -> Option<Reason> {
    if result.duration_seconds < SHORTEST_SECONDS {
        return None;
    }
    let figure = result.generator.run_delay_share.filter(|share| *share > RUN_DELAY_SHARE)?;
    let what = "the engine threads waited for a processor, which others used";
    let remedy = "run the target and everything else on other processors, or use fewer threads";
    Some(share("cpu_contended", Verdict::Degraded, (figure, RUN_DELAY_SHARE), what, remedy))
}

fn quota(result: &RunResult) -> Option<Reason> {
    let figure = result.generator.throttled_share.filter(|share| *share > THROTTLED_SHARE)?;
    let what = "the container's processor quota stopped the generator";
    let remedy = "raise the container's CPU limit";
    Some(share("cpu_throttled", Verdict::Degraded, (figure, THROTTLED_SHARE), what, remedy))
}

fn descriptors(result: &RunResult) -> Option<Reason> {
    let reason = DropReason::NoConnection.name();
    let dropped = result.arrivals.dropped_by_reason.get(reason).copied().unwrap_or(0);
    let part = dropped as f64 / result.arrivals.due.max(1) as f64;
    let remedy =
        "raise the limit of open files (ulimit -n), reuse connections, or use more workers";
    if part > NO_CONNECTION_SHARE {
        let what = "arrivals were given up because this machine had no descriptor or port left";
        let figures = (part, NO_CONNECTION_SHARE);
        return Some(share("descriptors_short", Verdict::Invalid, figures, what, remedy));
    }
    let times = result.generator.descriptors_short.max(dropped);
    (times > 0).then(|| {
        let what = "this machine had no descriptor or port left to open a connection with";
        count("descriptors_short", times, what, remedy)
    })
}

fn clock(result: &RunResult) -> Option<Reason> {
    let Generator { clock_faults, clock_error_ms, .. } = result.generator;
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

fn workers(result: &RunResult) -> Option<Reason> {
    let lost = &result.generator.lost_workers;
    if lost.is_empty() && result.arrivals.unknown == 0 {
        return None;
    }
    let names = if lost.is_empty() { "a worker".to_owned() } else { lost.join(", ") };
    let what = format!(
        "{names} was lost, and what became of {} arrivals is unknown",
        result.arrivals.unknown
    );
    let remedy = "see why it ended, and run again";
    let workers = lost.len().max(1) as u64;
    Some(Reason { unit: "workers".into(), ..count("worker_lost", workers, &what, remedy) })
}

fn own_faults(result: &RunResult) -> Option<Reason> {
    let faults = *result.errors.get(ErrorClass::Internal.name())?;
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
mod tests {
    use super::*;
    use crate::result::LoopKind;
    use crate::result::fixtures::{closed_run, failing_run, steady_run};
    use Verdict::{Degraded, Invalid, Valid};

    /// What is changed in a healthy result, and what is made of it.
    type Case = (&'static str, fn(&mut RunResult), Verdict, &'static str);

    const OPEN: &[Case] = &[
        ("healthy", |_| {}, Valid, ""),
        ("lag at the limit", |r| lag(r, 0.1, 1.1), Valid, ""),
        ("lag beyond the limit", |r| lag(r, 0.1, 1.11), Degraded, "pacer_late"),
        (
            "lag that was asked for",
            |r| {
                slack(r, 5.0);
                lag(r, 3.0, 5.5)
            },
            Valid,
            "",
        ),
        ("half late", |r| lag(r, 10.2, 11.0), Invalid, "pacer_late"),
        ("busy", |r| cpu(r, 0.90, 0.98), Valid, ""),
        ("busier", |r| cpu(r, 0.91, 0.92), Degraded, "cpu_saturated"),
        ("one busy second", |r| cpu(r, 0.2, 0.99), Degraded, "cpu_saturated"),
        ("contended", |r| r.generator.run_delay_share = Some(0.11), Degraded, "cpu_contended"),
        ("hardly contended", |r| r.generator.run_delay_share = Some(0.1), Valid, ""),
        ("throttled", |r| r.generator.throttled_share = Some(0.02), Degraded, "cpu_throttled"),
        ("short once", |r| r.generator.descriptors_short = 1, Degraded, "descriptors_short"),
        ("a drop of ours", |r| no_connection(r, 10), Degraded, "descriptors_short"),
        ("many drops of ours", |r| no_connection(r, 500), Invalid, "descriptors_short"),
        ("clock", |r| r.generator.clock_faults = 1, Degraded, "clock_faulty"),
        ("clocks apart", |r| r.generator.clock_error_ms = 11.0, Degraded, "clock_uncertain"),
        ("lost", |r| r.generator.lost_workers = vec!["w7".into()], Degraded, "worker_lost"),
        ("unknown", |r| r.arrivals.unknown = 3, Degraded, "worker_lost"),
        ("internal", |r| error(r, "internal"), Degraded, "internal_errors"),
        // What follows is the target's doing.
        ("target refuses", |r| error(r, "connect_refused"), Valid, ""),
        ("target times out", |r| error(r, "response_timeout"), Valid, ""),
        ("target is slow", |r| dropped(r, "backlog_full", 5_000), Valid, ""),
        ("drops at the end", |r| dropped(r, "run_ended", 5_000), Valid, ""),
        ("schedule lag of a busy target", |r| r.schedule_lag.p99_ms = Some(9e3), Valid, ""),
        ("unfinished", |r| r.outcomes.unfinished = 5_000, Valid, ""),
    ];

    const CLOSED: &[Case] = &[
        ("healthy", |_| {}, Valid, ""),
        ("busy", |r| cpu(r, 0.95, 1.0), Valid, ""),
        ("the limit", |r| cpu(r, 0.96, 1.0), Degraded, "cpu_saturated"),
    ];

    fn lag(result: &mut RunResult, p50: f64, p99: f64) {
        result.generator.pacer_lag.p50_ms = Some(p50);
        result.generator.pacer_lag.p99_ms = Some(p99);
    }

    fn slack(result: &mut RunResult, ms: f64) {
        result.generator.slack_ms = ms;
    }

    fn cpu(result: &mut RunResult, overall: f64, peak: f64) {
        result.generator.cpu_share = Some(overall);
        result.generator.peak_cpu_share = Some(peak);
    }

    fn no_connection(result: &mut RunResult, n: u64) {
        dropped(result, "no_connection", n);
    }

    fn dropped(result: &mut RunResult, reason: &str, n: u64) {
        result.arrivals.dropped_by_reason.insert(reason.into(), n);
    }

    fn error(result: &mut RunResult, class: &str) {
        result.errors.insert(class.into(), 5_000);
    }

    #[test]
    fn each_trouble_of_the_generator_has_its_verdict() {
        for (healthy, cases) in [(steady_run(), OPEN), (closed_run(), CLOSED)] {
            assert_ne!(healthy.arrivals.due, 0);
            for (name, change, verdict, kind) in cases {
                let mut result = healthy.clone();
                change(&mut result);
                let Validity { verdict: judged, reasons } = judge(&result);
                assert_eq!(judged, *verdict, "{name}: {reasons:?}");
                let kinds: Vec<_> = reasons.iter().map(|reason| reason.kind.as_str()).collect();
                let wanted: &[&str] = if kind.is_empty() { &[] } else { &[kind] };
                assert_eq!(kinds, wanted, "{name}");
            }
        }
    }

    #[test]
    fn a_failing_target_leaves_the_verdict_alone() {
        assert_eq!(judge(&failing_run()), Validity::default());
    }

    #[test]
    fn the_worst_reason_decides_and_all_are_told() {
        let mut result = steady_run();
        result.generator.clock_faults = 2;
        lag(&mut result, 50.0, 90.0);
        let judged = judge(&result);
        assert_eq!((judged.verdict, judged.reasons.len()), (Invalid, 2));
        for reason in judged.reasons {
            assert!(reason.figure > reason.limit);
            assert!(!reason.explanation.is_empty() && !reason.remedy.is_empty());
        }
    }

    #[test]
    fn the_lost_worker_is_named() {
        let mut result = steady_run();
        result.generator.lost_workers = vec!["eu-3".into()];
        result.arrivals.unknown = 620;
        let reason = &judge(&result).reasons[0];
        assert_eq!(reason.explanation, "eu-3 was lost, and what became of 620 arrivals is unknown");
        assert_eq!(steady_run().loop_kind, LoopKind::Open);
    }
}
