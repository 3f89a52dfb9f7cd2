//! Tests a machine that is short of ports, for a while or for good: each arrival that waits is
//! counted once, the lost time is exact, and the machine is left in peace.

use super::target::{Try, Way};
use super::{Evidence, Run};
use crate::engine::Order;
use crate::profile::ProfileType;
use crate::request::DropReason;
use crate::time::{MICROSECOND, MILLISECOND, Nanos};
use std::ops::Range;

const SERVICE: Nanos = 1_770 * MICROSECOND;

fn ms(at: Nanos) -> Nanos {
    at * MILLISECOND
}

fn short(short: Range<Nanos>) -> Way {
    Way { short: vec![short], closes: true, ..Way::default() }
}

/// 997/s for `seconds`.
fn open(seconds: f64) -> Run {
    Run::open(ProfileType::Constant { initial_rps: 997.0 }, seconds)
}

/// Which part of the arrivals had to wait for a port, and are judged as late.
fn waited(evidence: &Evidence) -> f64 {
    evidence.total.health.shortages as f64 / evidence.total.counters.due as f64
}

fn dropped(evidence: &Evidence) -> u64 {
    evidence.total.counters.dropped[DropReason::NoConnection as usize]
}

#[test]
fn an_arrival_that_waits_for_a_port_is_counted_once_however_often_it_is_tried() {
    for seconds in [10.0, 2.0] {
        let evidence = open(seconds).over(short(ms(1_003)..ms(1_103)), |_, read| read + SERVICE);
        evidence.figures_follow();
        let late = |it: &&super::Seen| it.times.intended != Some(it.times.start);
        let late = evidence.seen.iter().filter(late).count() as u64;
        // It is tried after 10, 20, 40 and 80 ms, and then opens.
        assert_eq!(evidence.tries.iter().filter(|it| !it.began).count(), 4);
        assert!((145..155).contains(&late), "{late} of 150 ms");
        assert_eq!(evidence.total.health.shortages, late);
        assert_eq!((evidence.seen.len() as f64, dropped(&evidence)), (997.0 * seconds, 0));
        assert!(waited(&evidence) < 0.10, "{seconds} s: less than a verdict would take");
    }
}

#[test]
fn what_never_begins_is_dropped_for_that_and_what_waits_for_long_is_counted() {
    let run = || {
        let mut run = open(10.0);
        run.load.open.as_mut().unwrap().max_backlog = 50;
        run
    };
    let evidence = run().over(short(ms(1_003)..ms(1_103)), |_, read| read + SERVICE);
    assert!((95..105).contains(&dropped(&evidence)), "{} of 150", dropped(&evidence));
    let evidence = run().over(short(ms(1_003)..ms(1_253)), |_, read| read + SERVICE);
    assert!(dropped(&evidence) > 200);
    // None is given up, and more than one of ten waits.
    let evidence = open(10.0).over(short(ms(1_003)..ms(2_003)), |_, read| read + SERVICE);
    assert_eq!(dropped(&evidence), 0);
    assert!(waited(&evidence) > 0.10, "{}", waited(&evidence));
}

/// How many connections began to be opened at each moment from `from` on.
fn rounds(tries: &[Try], from: Nanos) -> Vec<usize> {
    let mut moments: Vec<_> = tries.iter().filter(|it| it.at >= from).map(|it| it.at).collect();
    moments.dedup();
    let at = |moment: &Nanos| tries.iter().filter(|it| it.at == *moment).count();
    moments.iter().map(at).collect()
}

#[test]
fn after_a_shortage_one_lane_is_opened_then_two_then_four() {
    // There are 300 lanes already, each closed after its request, or none.
    for before in [ms(400), ms(0)] {
        let way = Way { connect: MILLISECOND, ..short(before..ms(503)) };
        let mut run = open(1.0);
        run.load.lanes = 300;
        let evidence = run.over(way, |_, read| read + ms(300));
        let first = evidence.tries.iter().find(|it| it.began && it.at > ms(503)).unwrap().at;
        let begun = rounds(&evidence.tries, first);
        // Then 30 are left, or there is nobody who waits.
        assert_eq!(begun[..7], [1, 2, 4, 8, 16, 32, 64], "short from {before}: {begun:?}");
        assert!(evidence.tries.iter().all(|it| it.began || it.at < ms(503)));
    }
}

#[test]
fn a_machine_at_its_limit_is_not_asked_as_fast_as_others_ask() {
    let way = Way { ports: 50, closes: true, connect: MILLISECOND, ..Way::default() };
    let mut run = open(8.0);
    run.drain = ms(500);
    let evidence = run.over(way, |_, read| read + ms(100));
    let failed = evidence.tries.iter().filter(|it| !it.began).count();
    let begun = evidence.tries.len() - failed;
    // After each that fails all rest for 10 ms or more. 50 in 100 ms are all that the machine has.
    assert!(failed <= 850 && begun > 2_000, "{failed} failed beside {begun}");
    assert!(waited(&evidence) > 0.10 && dropped(&evidence) > 1_000);
}

#[test]
fn the_time_that_connections_lose_is_the_loads() {
    let lost = |orders, short: Range<Nanos>, seconds| {
        let mut run = Run::closed(3, seconds);
        run.orders = orders;
        let way = Way { short: vec![short], closes: true, ..Way::default() };
        let evidence = run.over(way, |_, read| read + SERVICE);
        evidence.figures_follow();
        // From the first that fails to the one that opens.
        let failed = evidence.tries.iter().find(|it| !it.began).unwrap().at;
        (failed, evidence)
    };
    let none = Vec::new;
    // 10, 20, 40 and 80 ms.
    let (_, evidence) = lost(none(), ms(400)..ms(500), 10.0);
    assert_eq!(evidence.total.health.short_ns / MILLISECOND, 150);
    assert_eq!(evidence.total.health.shortages, 3 * 4);
    let (_, evidence) = lost(none(), ms(400)..ms(800), 4.0);
    assert_eq!(evidence.total.health.short_ns / MILLISECOND, 630);
    // Up to the load's end alone.
    let (failed, evidence) = lost(none(), ms(400)..ms(5_000), 1.0);
    assert!(ms(1_000) - failed - evidence.total.health.short_ns < 3, "all the rest is lost");
    // In a pause nobody loses anything, whether he rests before it or in it.
    let orders = vec![(failed + ms(15), Order::Pause), (ms(3_000), Order::Resume)];
    let (_, evidence) = lost(orders, ms(400)..ms(500), 1.0);
    let lost_ms = evidence.total.health.short_ns.div_ceil(MILLISECOND);
    assert_eq!(lost_ms, 15, "of 30 ms until the next try would be due");
}
