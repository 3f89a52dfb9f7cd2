//! Tests a target that is too slow, or stands still: every wait is what a queue on paper says.

use super::model::{arrivals, limited_queue, queue};
use super::{Evidence, Run};
use crate::profile::ProfileType;
use crate::request::{DropReason, ErrorClass};
use crate::time::{MICROSECOND, MILLISECOND, Nanos, SECOND};

const SLOW: Nanos = 4_773 * MICROSECOND;

fn slow(_: u64, read: Nanos) -> Nanos {
    read + SLOW
}

fn thousand(seconds: f64, lanes: u64) -> (Run, Vec<Nanos>) {
    let mut run = Run::open(ProfileType::Constant { initial_rps: 1_000.0 }, seconds);
    run.load.lanes = lanes;
    (run, arrivals(&[(seconds, 1_000.0, 1_000.0)]))
}

fn dropped(evidence: &Evidence, reason: DropReason) -> u64 {
    evidence.total.counters.dropped[reason as usize]
}

#[test]
fn a_backlog_waits_in_order_and_its_wait_is_latency() {
    let (run, due) = thousand(0.5, 3);
    let expected = queue(&due, 3, slow);
    let evidence = run.against(slow);
    evidence.is(&expected);
    // 1,000/s where 3 in 4.773 ms are carried: the last of half a second waits for 294 ms.
    let waited = evidence.total.histograms.lag.max().unwrap() / MILLISECOND;
    assert_eq!((waited, evidence.total.counters.sent), (294, 500));
}

#[test]
fn beyond_the_backlogs_limit_the_oldest_are_given_up() {
    let mut run = Run::open(ProfileType::Constant { initial_rps: 997.0 }, 1.0);
    let due = arrivals(&[(1.0, 997.0, 997.0)]);
    run.load.lanes = 1;
    run.load.open.as_mut().unwrap().max_backlog = 50;
    // With every slot busy the pacer looks once a millisecond.
    let (sent, given_up) = limited_queue(&due, SECOND, 50, MILLISECOND, slow);
    let evidence = run.against(slow);
    evidence.is(&sent);
    assert_eq!(dropped(&evidence, DropReason::BacklogFull), given_up as u64);
    assert!((700..800).contains(&given_up), "of 997 some 260 are carried");
}

#[test]
fn after_the_drain_the_rest_is_given_up() {
    let (mut run, due) = thousand(0.2, 2);
    run.drain = 100 * MILLISECOND;
    let evidence = run.against(slow);
    let deadline = 300 * MILLISECOND;
    let mut sent = queue(&due, 2, slow);
    sent.retain(|[_, start, _]| *start < deadline);
    let begun = sent.len() as u64;
    sent.retain(|[.., end]| *end < deadline);
    let ended = sent.len() as u64;
    let counters = &evidence.total.counters;
    assert_eq!((counters.due, counters.sent, counters.ok), (200, begun, ended));
    assert_eq!(dropped(&evidence, DropReason::RunEnded), 200 - begun);
    assert_eq!(counters.late, sent.iter().filter(|it| it[1] > 200 * MILLISECOND).count() as u64);
    let seen: Vec<_> = evidence.seen.iter().map(|it| (it.times.start, it.times.end)).collect();
    let expected: Vec<_> = sent.iter().map(|[_, start, end]| (*start, *end)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_stall_of_the_target_is_seen_by_all_who_were_due_in_it() {
    let reply = |_: u64, read: Nanos| {
        let ready = read + 1_770 * MICROSECOND;
        let stall = 300 * MILLISECOND..500 * MILLISECOND;
        if stall.contains(&ready) { stall.end } else { ready }
    };
    let (run, due) = thousand(1.0, 4);
    let expected = queue(&due, 4, reply);
    let evidence = run.against(reply);
    evidence.is(&expected);
    // Only the four under way when it began see it as service time; 200 were due in it.
    let long = |nanos: Nanos| nanos > 10 * MILLISECOND;
    let seen = &evidence.seen;
    let service = seen.iter().filter(|it| long(it.times.end - it.times.start)).count();
    let response = seen.iter().filter(|it| long(it.times.end - it.times.intended.unwrap()));
    assert_eq!(service, 4);
    assert!(response.count() > 190);
}

#[test]
fn a_request_without_an_answer_ends_with_the_watchdogs_next_look() {
    let (mut run, due) = thousand(0.1, 1_000);
    run.timeout = 100 * MILLISECOND;
    let evidence = run.against(|_, _| Nanos::MAX);
    let look = |at: Nanos| (at + 100 * MILLISECOND).next_multiple_of(MILLISECOND);
    let expected: Vec<_> = due.iter().map(|at| [*at, *at, look(*at)]).collect();
    evidence.is(&expected);
    let errors = evidence.total.counters.errors;
    assert_eq!(errors[ErrorClass::ResponseTimeout as usize], 100);
}
