//! Tests the verdict: a healthy result with one thing wrong.

use super::*;
use crate::result::LoopKind;
use crate::result::fixtures::{closed_run, failing_run, steady_run};
use Verdict::{Degraded, Invalid, Valid};

/// What is changed in a healthy result, and what is made of it.
type Case = (&'static str, fn(&mut RunResult), Verdict, &'static str);

const OPEN: &[Case] = &[
    ("healthy", |_| {}, Valid, ""),
    ("one of forty late", |r| late(r, 1, 40), Valid, ""),
    ("four of forty late", |r| late(r, 4, 40), Valid, ""),
    ("five of forty late", |r| late(r, 5, 40), Degraded, "pacer_late"),
    ("one late wake-up of one", |r| late(r, 1, 1), Valid, ""),
    ("one percent of many late", |r| late(r, 1_000, 100_000), Valid, ""),
    ("more of many late", |r| late(r, 1_200, 100_000), Degraded, "pacer_late"),
    ("late for little of the time", |r| r.generator.late_share = Some(0.01), Valid, ""),
    ("late for some of the time", |r| r.generator.late_share = Some(0.02), Degraded, "pacer_late"),
    (
        "half late",
        |r| {
            late(r, 120, 200);
            r.generator.pacer_lag.p50_ms = Some(10.2);
        },
        Invalid,
        "pacer_late",
    ),
    (
        "half late within the slack that was asked for",
        |r| {
            r.generator.slack_ms = 50.0;
            r.generator.pacer_lag.p50_ms = Some(40.0);
        },
        Valid,
        "",
    ),
    ("stopped for long", |r| r.generator.stalled_share = Some(0.10), Invalid, "stalled"),
    ("stopped", |r| r.generator.stalled_share = Some(0.09), Degraded, "stalled"),
    (
        "stopped for one of a few",
        |r| {
            r.arrivals.due = 40;
            r.generator.stalled_share = Some(0.04);
        },
        Valid,
        "",
    ),
    ("stopped for a moment", |r| r.generator.stalled_share = Some(0.01), Valid, ""),
    ("busy", |r| cpu(r, 0.90, 0.98), Valid, ""),
    ("busier", |r| cpu(r, 0.91, 0.92), Degraded, "cpu_saturated"),
    ("one busy second", |r| cpu(r, 0.2, 0.99), Degraded, "cpu_saturated"),
    ("contended", |r| r.generator.run_delay_share = Some(0.11), Degraded, "cpu_contended"),
    ("hardly contended", |r| r.generator.run_delay_share = Some(0.1), Valid, ""),
    ("throttled", |r| r.generator.throttled_share = Some(0.02), Degraded, "cpu_throttled"),
    ("short once", |r| r.generator.shortages = 1, Degraded, "descriptors_short"),
    ("a drop of ours", |r| no_connection(r, 10), Degraded, "descriptors_short"),
    ("some that waited", |r| r.generator.shortages = 999, Degraded, "descriptors_short"),
    ("10% that waited", |r| r.generator.shortages = 1_000, Invalid, "descriptors_short"),
    (
        "10% that waited or were given up",
        |r| {
            no_connection(r, 99);
            r.generator.shortages = 901;
        },
        Invalid,
        "descriptors_short",
    ),
    ("less than 1% of ours", |r| no_connection(r, 99), Degraded, "descriptors_short"),
    ("1% of ours", |r| no_connection(r, 100), Invalid, "descriptors_short"),
    ("clock", |r| r.generator.clock_faults = 1, Degraded, "clock_faulty"),
    ("clocks apart", |r| r.generator.clock_error_ms = 11.0, Degraded, "clock_uncertain"),
    ("lost", |r| r.generator.lost_workers = vec!["w7".into()], Degraded, "worker_lost"),
    ("unknown", |r| r.arrivals.unknown = 3, Degraded, "worker_lost"),
    ("a share that was nobody's", |r| dropped(r, "fenced", 3), Degraded, "share_unowned"),
    ("a lost one's share was nobody's", lost_with_drops, Degraded, "worker_lost"),
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
    ("stopped", |r| r.generator.stalled_share = Some(0.375), Invalid, "stalled"),
    ("fewer connections", |r| r.generator.shortages = 2, Degraded, "descriptors_short"),
    ("a port waited for", |r| short(r, 3, 0.001), Degraded, "descriptors_short"),
    ("a blip", |r| short(r, 320, 0.015), Degraded, "descriptors_short"),
    ("ports waited for", |r| short(r, 3, 0.10), Invalid, "descriptors_short"),
    ("connections that never opened", |r| short(r, 3, 1.01), Invalid, "descriptors_short"),
];

fn late(result: &mut RunResult, late: u64, wakes: u64) {
    (result.generator.late_wakes, result.generator.wakes) = (late, wakes);
}

fn short(result: &mut RunResult, times: u64, share: f64) {
    (result.generator.shortages, result.generator.shortage_share) = (times, Some(share));
}

fn cpu(result: &mut RunResult, overall: f64, peak: f64) {
    result.generator.cpu_share = Some(overall);
    result.generator.peak_cpu_share = Some(peak);
}

fn lost_with_drops(result: &mut RunResult) {
    result.generator.lost_workers = vec!["w7".into()];
    dropped(result, "fenced", 3);
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
            let Validity { verdict: judged, reasons } = of_run(&result);
            assert_eq!(judged, *verdict, "{name}: {reasons:?}");
            let kinds: Vec<_> = reasons.iter().map(|reason| reason.kind.as_str()).collect();
            let wanted: &[&str] = if kind.is_empty() { &[] } else { &[kind] };
            assert_eq!(kinds, wanted, "{name}");
        }
    }
}

#[test]
fn a_failing_target_leaves_the_verdict_alone() {
    assert_eq!(of_run(&failing_run()), Validity::default());
}

#[test]
fn the_worst_reason_decides_and_all_are_told() {
    let mut result = steady_run();
    result.generator.clock_faults = 2;
    result.generator.stalled_share = Some(0.5);
    let judged = of_run(&result);
    assert_eq!((judged.verdict, judged.reasons.len()), (Invalid, 2));
    for reason in judged.reasons {
        assert!(reason.figure > reason.limit);
        assert!(!reason.explanation.is_empty() && !reason.remedy.is_empty());
    }
}

#[test]
fn whether_few_or_many_fall_due_a_stop_is_judged_by_its_time() {
    for (due, wakes, late) in [(80, 51, 1), (4_000_000, 30_000, 12)] {
        let mut result = steady_run();
        (result.arrivals.due, result.duration_seconds) = (due, 4.0);
        (result.generator.wakes, result.generator.late_wakes) = (wakes, late);
        (result.generator.late_share, result.generator.stalled_share) = (Some(0.372), Some(0.371));
        let judged = of_run(&result);
        assert_eq!(judged.verdict, Invalid, "{judged:?}");
        assert!(judged.reasons[0].explanation.contains("1.5 s of 4 s"), "{judged:?}");
        assert!(judged.reasons[1].explanation.starts_with("37% of the requests"), "{judged:?}");
    }
}

#[test]
fn what_this_machine_lacks_is_told_with_its_own_words() {
    let mut result = steady_run();
    no_connection(&mut result, 854);
    result.error_examples.insert("internal".into(), "connect: no address (os error 99)".into());
    let judged = of_run(&result);
    let told = &judged.reasons[0].explanation;
    let wanted = "854 of 10000 arrivals were given up, since this machine had no port or \
                  descriptor left (connect: no address (os error 99))";
    assert_eq!((judged.verdict, told.as_str()), (Invalid, wanted));
    assert!(judged.reasons[0].remedy.contains("ip_local_port_range"));
}

#[test]
fn the_lost_worker_is_named() {
    let mut result = steady_run();
    result.generator.lost_workers = vec!["eu-3".into()];
    result.arrivals.unknown = 620;
    let reason = &of_run(&result).reasons[0];
    assert_eq!(reason.explanation, "eu-3 was lost, and what became of 620 arrivals is unknown");
    // One that came back, or gave its share up in peace.
    result.arrivals.unknown = 0;
    let reason = &of_run(&result).reasons[0];
    assert_eq!(reason.explanation, "eu-3 was lost: what nobody sent meanwhile was dropped");
    assert_eq!(steady_run().loop_kind, LoopKind::Open);
}
