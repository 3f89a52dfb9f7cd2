//! Tests pauses and changes of the rate: every arrival moves by exactly what was ordered.

use super::Run;
use super::model::arrivals;
use crate::engine::Order;
use crate::profile::ProfileType;
use crate::request::DropReason;
use crate::time::{MILLISECOND, Nanos};

const SERVICE: Nanos = 1_234_567;

fn run(seconds: f64, orders: Vec<(Nanos, Order)>) -> Run {
    let open = Run::open(ProfileType::Constant { initial_rps: 1_000.0 }, seconds);
    Run { orders, ..open }
}

fn ms(at: Nanos) -> Nanos {
    at * MILLISECOND
}

/// What is due after `from` comes `by` later.
fn moved(mut due: Vec<Nanos>, from: Nanos, by: Nanos) -> Vec<Nanos> {
    due.iter_mut().filter(|at| **at > from).for_each(|at| *at += by);
    due
}

fn starts_at(run: Run, due: &[Nanos]) {
    let expected: Vec<_> = due.iter().map(|at| [*at, *at, at + SERVICE]).collect();
    run.against(|_, read| read + SERVICE).is(&expected);
}

#[test]
fn a_pause_moves_what_comes_after_it() {
    let orders = vec![(ms(300), Order::Pause), (ms(812), Order::Resume)];
    let due = arrivals(&[(1.0, 1_000.0, 1_000.0)]);
    starts_at(run(1.0, orders), &moved(due, ms(300), ms(512)));
}

#[test]
fn a_new_rate_is_reached_in_a_line_and_stays() {
    let orders = vec![(ms(400), Order::Rate { target: 3_000.0, over: 0.2 })];
    let line = [(0.4, 1_000.0, 1_000.0), (0.2, 1_000.0, 3_000.0), (0.4, 3_000.0, 3_000.0)];
    starts_at(run(1.0, orders), &arrivals(&line));
    let orders = vec![(ms(400), Order::Rate { target: 250.0, over: 0.0 })];
    starts_at(run(1.0, orders), &arrivals(&[(0.4, 1_000.0, 1_000.0), (0.6, 250.0, 250.0)]));
}

#[test]
fn a_pause_in_the_middle_of_a_change_holds_it() {
    let orders = vec![
        (ms(400), Order::Rate { target: 3_000.0, over: 0.2 }),
        (ms(500), Order::Pause),
        (ms(731), Order::Resume),
        (ms(1_031), Order::Rate { target: 500.0, over: 0.0 }),
    ];
    let line = [
        (0.4, 1_000.0, 1_000.0),
        (0.2, 1_000.0, 3_000.0),
        (0.2, 3_000.0, 3_000.0),
        (0.2, 500.0, 500.0),
    ];
    starts_at(run(1.0, orders), &moved(arrivals(&line), ms(500), ms(231)));
}

#[test]
fn what_waits_when_a_pause_begins_keeps_its_place() {
    // One request at a time of 10 ms each: of ten that are due, nine wait.
    let mut run = run(0.01, vec![(ms(8), Order::Pause), (ms(500), Order::Resume)]);
    run.load.lanes = 1;
    let due = moved(arrivals(&[(0.01, 1_000.0, 1_000.0)]), ms(8), ms(492));
    let expected = super::model::queue(&due, 1, |_, read| read + 10_123_457);
    run.against(|_, read| read + 10_123_457).is(&expected);
}

#[test]
fn an_order_to_stop_ends_it_at_its_moment() {
    let evidence = run(1.0, vec![(ms(250), Order::Stop(DropReason::Stopped))])
        .against(|_, read| read + SERVICE);
    let counters = &evidence.total.counters;
    // The one that was due at 249.5 ms is still under way, and that of 248.5 ms just over.
    assert_eq!((counters.due, counters.sent, counters.ok), (250, 250, 249));
    assert_eq!((evidence.ending.load_end, evidence.ending.stopped), (ms(250), true));
}
