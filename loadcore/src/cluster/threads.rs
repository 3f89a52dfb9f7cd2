//! Turns a worker's part of a run into the number of engine threads that make it.
//!
//! Workers share their machines with each other and often with the target. Threads that have little
//! to do cost all of them time: twenty workers with a thread for each of two processors are forty that
//! wake each other up, and what each sends is late. So a worker that was not told otherwise uses as
//! many threads as its part needs, and the controller, which knows the part too, can tell how many.
//!
//! Threads are not added while a run goes on. What may come to a part later, when others are lost or
//! the rate is changed, finds room in the threads that there are: each is given a small part of what a
//! thread can make.

use crate::profile::Profile;
use crate::scenario::{Load, Scenario};
use crate::schedule::Share;

/// What a worker says in the place of a number: as many as its part needs.
pub(crate) const AS_NEEDED: u64 = 0;

/// Requests a second for each thread, on connections that stay open. One makes some ten times as many.
const PER_THREAD: f64 = 10_000.0;
/// The same where each request has a connection of its own.
const CONNECTS_PER_THREAD: f64 = 1_000.0;
/// The same with a TLS handshake for each.
const HANDSHAKES_PER_THREAD: f64 = 250.0;
/// Connections of a closed loop for each thread. Each of them sends as fast as the target answers.
const CONNECTIONS_PER_THREAD: u64 = 8;

/// Engine threads of a worker for `part` of a run. A scenario that asks for a number gets it, up to what
/// the worker was told to use (`own`), or else to all `cores`: a machine may be others' as well.
pub(crate) fn of(scenario: &Scenario, own: Option<u64>, part: Share, cores: u64) -> u64 {
    match (scenario.threads, own) {
        (Some(asked), own) => u64::from(asked).min(own.unwrap_or(cores)).max(1),
        (None, Some(own)) => own,
        (None, None) => needed(scenario, part, cores),
    }
}

/// Engine threads for `part` of a run, which is the first that the worker got, on a machine that lets
/// it use `cores` processors. A closed loop that a worker has to itself gets all of them, as on a
/// machine of one's own.
fn needed(scenario: &Scenario, part: Share, cores: u64) -> u64 {
    let needed = match &scenario.load {
        Load::Open(profile) => {
            let peak = profile.peak_rate() * part.fraction();
            (peak / per_thread(scenario)).ceil() as u64
        }
        Load::Closed if part == Share::WHOLE => cores,
        Load::Closed => part.count(scenario.connections.into()).div_ceil(CONNECTIONS_PER_THREAD),
    };
    needed.clamp(1, cores.max(1))
}

fn per_thread(scenario: &Scenario) -> f64 {
    let tls = scenario.target.uri().scheme_str() == Some("https");
    match (scenario.keep_alive, tls) {
        (true, _) => PER_THREAD,
        (false, false) => CONNECTS_PER_THREAD,
        (false, true) => HANDSHAKES_PER_THREAD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scenario(load: serde_json::Value) -> Scenario {
        let mut document = json!({
            "name": "x", "targetUrl": "http://127.0.0.1:1/", "durationSeconds": 10
        });
        document.as_object_mut().unwrap().extend(load.as_object().unwrap().clone());
        Scenario::from_value(document).unwrap()
    }

    #[test]
    fn what_a_scenario_asks_for_is_had_within_what_a_worker_may_use() {
        for (asked, own, threads) in [
            (json!(null), None, 4),
            (json!(null), Some(3), 3),
            (json!(2), None, 2),
            (json!(2), Some(3), 2),
            (json!(9), Some(3), 3),
            (json!(9), None, 4),
        ] {
            let scenario = scenario(json!({"threads": asked}));
            assert_eq!(of(&scenario, own, Share::WHOLE, 4), threads, "{asked} {own:?}");
        }
    }

    #[test]
    fn a_part_has_as_many_threads_as_its_peak_needs() {
        let constant = |rps: f64| json!({"type": "CONSTANT", "initialRps": rps});
        let ramp = json!({"type": "RAMP", "initialRps": 1.0, "targetRps": 40_000.0});
        let twentieth = Share::WHOLE.split(19, 20);
        for (load, part, cores, threads) in [
            (json!({"loadProfile": constant(112_000.0)}), twentieth, 2, 1),
            (json!({"loadProfile": constant(30_000.0)}), Share::WHOLE, 2, 2),
            (json!({"loadProfile": constant(30_000.0)}), Share::WHOLE, 64, 3),
            (json!({"loadProfile": constant(0.5)}), Share::WHOLE, 64, 1),
            (json!({"loadProfile": ramp}), Share::WHOLE.split(0, 2), 8, 2),
            (json!({"loadProfile": constant(3_000.0), "keepAlive": false}), Share::WHOLE, 8, 3),
            (
                json!({"loadProfile": constant(1_000.0), "keepAlive": false,
                       "targetUrl": "https://127.0.0.1:1/"}),
                Share::WHOLE,
                8,
                4,
            ),
            // Closed loop: 64 connections, all of them ours or some.
            (json!({}), Share::WHOLE, 16, 16),
            (json!({"connections": 2}), Share::WHOLE, 16, 16),
            (json!({}), Share::WHOLE.split(3, 20), 16, 1),
            (json!({}), Share::WHOLE.split(1, 2), 16, 4),
            (json!({"connections": 1}), Share::WHOLE.split(1, 2), 16, 1),
        ] {
            assert_eq!(needed(&scenario(load.clone()), part, cores), threads, "{load} {part:?}");
        }
    }
}
