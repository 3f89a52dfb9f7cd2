//! Tests how runs end and workers leave, in situations that chance seldom makes.

use super::checks::identity;
use super::{SECRET, World, alone};
use crate::cluster::controller::api::{Command, KnownResult};
use crate::cluster::journal::Entry;
use crate::cluster::store::{RunRecord, RunState, Store};
use crate::cluster::{ControllerOptions, Lease, WorkerId};
use crate::result::RunResult;
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn scenario(workers: usize, seconds: u64, change: Value) -> Value {
    let mut document = json!({
        "name": "simulated", "targetUrl": "http://target.test/", "durationSeconds": seconds,
        "headers": {"Authorization": SECRET}, "numWorkers": workers, "workerWaitSeconds": 3,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50}, "drainSeconds": 2, "seed": 7,
    });
    for (field, value) in change.as_object().unwrap() {
        document[field] = value.clone();
    }
    document
}

/// So many workers in a run, so many beside it, and 4 s gone: the load is in its fourth second.
async fn running(options: ControllerOptions, document: Value, spares: usize) -> World {
    let workers = document["numWorkers"].as_u64().unwrap() as usize;
    let mut world = World::new(7, false);
    let secrets = world.secrets.clone();
    world.add_controller_with(ControllerOptions { secrets, ..options }).await;
    (0..workers).for_each(|_| world.add_worker());
    tokio::time::sleep(SECOND).await;
    world.submit(document).await;
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(world.record().await.state, RunState::Running);
    (0..spares).for_each(|_| world.add_worker());
    tokio::time::sleep(SECOND / 2).await;
    world
}

/// Waits for the run's end; answers it with the seconds that it took.
async fn ended(world: &World) -> (RunRecord, f64) {
    let begun = world.network.now();
    loop {
        let record = world.record().await;
        let waited = (world.network.now() - begun).as_secs_f64();
        if record.state.has_ended() {
            return (record, waited);
        }
        assert!(waited < 120.0, "{record:#?}");
        tokio::time::sleep(SECOND / 10).await;
    }
}

async fn result(world: &World, record: &RunRecord) -> RunResult {
    let outcome = world.leader().unwrap().result(&record.owner, &record.id).await.unwrap();
    let KnownResult::Final(result) = outcome else { panic!("{outcome:?}") };
    identity(&result).unwrap();
    *result
}

fn events<'a>(record: &'a RunRecord, kind: &str) -> Vec<&'a str> {
    let events = record.timeline.iter().filter(|it| it.kind == kind);
    events.map(|it| it.text.as_str()).collect()
}

/// Parts that each worker took after the start.
fn heirs(record: &RunRecord) -> Vec<WorkerId> {
    let later = record.journal.iter().filter_map(|entry| match entry {
        Entry::Take { worker, from_ns, .. } if *from_ns > 0 => Some(worker.clone()),
        _ => None,
    });
    later.collect()
}

#[test]
fn the_wait_for_a_lost_workers_evidence_counts_from_its_loss() {
    // How long one of two workers lives in a run that has some 16 s to go and drains for 2 s, and
    // within which time after its death the run ends.
    for (evidence_wait, killed_after, at_least, at_most) in [
        // Long before the end: nothing is to be hoped for then.
        (10, 0.0, 15.5, 19.5),
        // It is held for lost after the load's end, from which it is awaited for 10 s.
        (10, 12.0, 13.0, 15.5),
        (0, 12.0, 4.4, 7.5),
        // Lost 4.5 s before the end.
        (10, 6.0, 14.0, 16.5),
    ] {
        alone(async {
            let evidence_wait = Duration::from_secs(evidence_wait);
            let options = ControllerOptions { evidence_wait, ..ControllerOptions::default() };
            let mut world = running(options, scenario(2, 20, json!({})), 0).await;
            tokio::time::sleep(Duration::from_secs_f64(killed_after)).await;
            world.workers[0].kill();
            let (record, waited) = ended(&world).await;
            let case = format!("{evidence_wait:?}, {killed_after}: {waited} s, {record:#?}");
            assert_eq!(record.state, RunState::Completed, "{case}");
            assert!((at_least..=at_most).contains(&waited), "{case}");
            let result = result(&world, &record).await;
            assert!(!result.complete && result.arrivals.unknown > 0, "{case}");
            let is_awaited = evidence_wait > Duration::ZERO && killed_after > 1.0;
            assert_eq!(
                events(&record, "evidence_awaited").len(),
                usize::from(is_awaited),
                "{case}"
            );
            assert_eq!(events(&record, "evidence_missing").len(), 1, "{case}");
        });
    }
}

#[test]
fn a_stop_and_a_failure_by_a_loss_wait_no_longer() {
    for fails in [false, true] {
        alone(async {
            let change = json!({"onWorkerLoss": if fails { "fail" } else { "rebalance" }});
            let document = scenario(2, 600, change);
            let mut world = running(ControllerOptions::default(), document, 0).await;
            world.workers[0].kill();
            let run = world.record().await;
            let leader = world.leader().unwrap();
            if !fails {
                leader.command(&run.owner, &run.id, Command::Stop).await.unwrap();
            }
            // In both cases it is held for lost about 5 s after the kill.
            tokio::time::sleep(8 * SECOND).await;
            let waiting = leader.waiting(&run.owner, &run.id).unwrap();
            assert!(waiting.what.contains("the last snapshot of worker w1"), "{waiting:?}");
            assert!(waiting.what.contains("lost"), "{waiting:?}");
            let (record, waited) = ended(&world).await;
            let state = if fails { RunState::Failed } else { RunState::Aborted };
            assert_eq!(record.state, state, "{record:#?}");
            assert!(waited < 8.5, "{} s: {record:#?}", waited + 8.0);
            let said = events(&record, "evidence_awaited");
            assert!(said.len() == 1 && said[0].contains("worker w1"), "{said:?}");
            assert_eq!(leader.waiting(&run.owner, &run.id), None);
        });
    }
}

#[test]
fn who_was_cut_off_and_comes_back_before_the_result_is_made_is_heard() {
    alone(async {
        let world = running(ControllerOptions::default(), scenario(2, 20, json!({})), 0).await;
        tokio::time::sleep(12 * SECOND).await;
        world.network.cut(world.workers[0].number, true);
        tokio::time::sleep(9 * SECOND).await;
        assert_eq!(events(&world.record().await, "evidence_awaited").len(), 1);
        world.network.cut(world.workers[0].number, false);
        let (record, waited) = ended(&world).await;
        assert!(waited < 4.0, "{waited} s");
        let result = result(&world, &record).await;
        assert!(result.complete, "{:?}", result.arrivals);
        assert!(events(&record, "evidence_missing").is_empty());
    });
}

#[test]
fn a_draining_worker_hands_its_share_to_a_spare_without_loss() {
    for late in [0, 4] {
        alone(async {
            let spares = usize::from(late == 0);
            let mut world =
                running(ControllerOptions::default(), scenario(1, 30, json!({})), spares).await;
            world.workers[0].drain();
            tokio::time::sleep(Duration::from_secs(late)).await;
            if late > 0 {
                assert!(world.workers[0].is_running(), "it goes on alone for a while");
                world.add_worker();
            }
            tokio::time::sleep(6 * SECOND).await;
            assert!(!world.workers[0].is_running(), "{:#?}", world.record().await);
            let (record, _) = ended(&world).await;
            assert_eq!(record.state, RunState::Completed);
            assert_eq!(hosts(&heirs(&record)), ["w2"], "{record:#?}");
            let result = result(&world, &record).await;
            let arrivals = &result.arrivals;
            assert!(result.complete, "{arrivals:?}");
            assert_eq!((arrivals.sent, arrivals.dropped), (1_500, 0), "{arrivals:?}");
            assert!(result.generator.lost_workers.is_empty());
        });
    }
}

#[test]
fn a_draining_worker_without_an_heir_gives_its_share_up_in_time() {
    for spare_comes in [false, true] {
        alone(async {
            let mut world =
                running(ControllerOptions::default(), scenario(1, 40, json!({})), 0).await;
            world.workers[0].drain();
            tokio::time::sleep(7 * SECOND).await;
            assert!(world.workers[0].is_running(), "its share is made meanwhile");
            tokio::time::sleep(6 * SECOND).await;
            assert!(!world.workers[0].is_running(), "well below the 30 s that a pod is given");
            if spare_comes {
                world.add_worker();
            }
            let (record, _) = ended(&world).await;
            assert_eq!(record.state, RunState::Completed, "{record:#?}");
            let left = events(&record, "worker_left");
            assert!(left.len() == 1 && left[0].contains("nobody came in time"), "{left:?}");
            assert!(events(&record, "worker_lost").is_empty());
            let result = result(&world, &record).await;
            let arrivals = &result.arrivals;
            assert!(result.complete && arrivals.unknown == 0, "{arrivals:?}");
            // It is no lost one, and yet the load was not the one that was asked for.
            assert!(result.generator.lost_workers.is_empty());
            let reasons = &result.validity.reasons;
            assert!(reasons.len() == 1 && reasons[0].kind == "share_unowned", "{reasons:?}");
            let fenced = arrivals.dropped_by_reason.get("fenced").copied().unwrap_or(0);
            assert!(fenced > 0 && arrivals.due == 2_000, "{arrivals:?}");
            assert_eq!(heirs(&record).len(), usize::from(spare_comes));
            // It was drained in second 4, went on for 8 s, and nobody was there from 12 to 20.
            let made = if spare_comes { 1_000..1_800 } else { 500..700 };
            assert!(made.contains(&arrivals.sent), "{arrivals:?}");
        });
    }
}

/// The only controller has gone, and then the first worker was drained and has left.
async fn left_while_nobody_led(document: Value) -> World {
    let mut world = running(ControllerOptions::default(), document, 0).await;
    world.controllers.clear();
    world.workers[0].drain();
    tokio::time::sleep(24 * SECOND).await;
    assert!(!world.workers[0].is_running());
    world
}

#[test]
fn a_worker_that_left_before_a_controller_could_see_it_was_not_lost() {
    alone(async {
        let mut world = left_while_nobody_led(scenario(1, 60, json!({}))).await;
        world.add_controller().await;
        let (record, _) = ended(&world).await;
        assert_eq!(events(&record, "worker_left").len(), 1, "{record:#?}");
        assert!(result(&world, &record).await.generator.lost_workers.is_empty());
    });
}

#[test]
fn what_is_in_flight_keeps_no_draining_worker_for_longer_than_a_pod_is_given() {
    for spares in [0, 1] {
        alone(async {
            let change = json!({"drainSeconds": 120, "timeoutSeconds": 300});
            let document = scenario(1, 60, change);
            let world = running(ControllerOptions::default(), document, spares).await;
            world.witness.hangs();
            tokio::time::sleep(SECOND).await;
            world.workers[0].drain();
            tokio::time::sleep(14 * SECOND).await;
            assert!(world.workers[0].is_running(), "what is in flight is awaited");
            tokio::time::sleep(14 * SECOND).await;
            assert!(!world.workers[0].is_running(), "{:#?}", world.record().await);
            let run = world.record().await;
            let stop = world.leader().unwrap().command(&run.owner, &run.id, Command::Stop);
            stop.await.unwrap();
            let (record, _) = ended(&world).await;
            let result = result(&world, &record).await;
            assert!(result.complete, "{:?}", result.arrivals);
            // Some two seconds of the load or more, none of which was ever answered.
            assert!(result.outcomes.unfinished > 100, "{:?}", result.outcomes);
            assert_eq!(result.arrivals.sent, result.outcomes.ok + result.outcomes.unfinished);
        });
    }
}

#[test]
fn a_worker_that_drains_at_the_end_of_its_load_has_given_nothing_up() {
    alone(async {
        let document = scenario(1, 10, json!({"drainSeconds": 60, "timeoutSeconds": 300}));
        let world = running(ControllerOptions::default(), document, 0).await;
        tokio::time::sleep(4 * SECOND).await;
        world.witness.hangs();
        tokio::time::sleep(SECOND).await;
        world.workers[0].drain();
        let (record, waited) = ended(&world).await;
        assert!(waited < 28.0, "{waited} s");
        assert!(events(&record, "worker_left").is_empty(), "{record:#?}");
        let result = result(&world, &record).await;
        assert_eq!((result.arrivals.due, result.arrivals.dropped), (500, 0), "{result:?}");
        assert!(result.complete && result.outcomes.unfinished > 0);
    });
}

/// Where these workers are: what comes before the keys in their ids.
fn hosts(workers: &[WorkerId]) -> Vec<&str> {
    workers.iter().filter_map(|it| Some(it.as_str().split_once('.')?.0)).collect()
}

#[test]
fn what_a_lost_worker_had_goes_to_spares_as_well_unless_the_others_go_on_alone() {
    for (policy, expected) in [("rebalance", vec!["w3"]), ("continue", vec![])] {
        alone(async {
            let document = scenario(2, 20, json!({"onWorkerLoss": policy}));
            let mut world = running(ControllerOptions::default(), document, 1).await;
            world.workers[0].kill();
            tokio::time::sleep(7 * SECOND).await;
            let record = world.record().await;
            let heirs = heirs(&record);
            assert_eq!(hosts(&heirs), expected);
            ended(&world).await;
        });
    }
}

#[test]
fn a_spare_that_comes_while_a_part_is_nobodys_takes_it() {
    alone(async {
        let mut world = running(ControllerOptions::default(), scenario(2, 40, json!({})), 0).await;
        world.workers.iter_mut().for_each(super::host::Host::kill);
        tokio::time::sleep(12 * SECOND).await;
        assert!(heirs(&world.record().await).is_empty());
        world.add_worker();
        tokio::time::sleep(5 * SECOND).await;
        assert!(!heirs(&world.record().await).is_empty());
        ended(&world).await;
    });
}

#[test]
fn the_lease_is_what_the_controller_has_said() {
    for (seconds, frozen_for, is_lost) in [(2, 4, true), (10, 6, false)] {
        alone(async {
            let lease = Lease::new(seconds * SECOND).unwrap();
            let options = ControllerOptions { lease, ..ControllerOptions::default() };
            let world = running(options, scenario(2, 30, json!({})), 0).await;
            world.workers[0].freeze();
            tokio::time::sleep(frozen_for * SECOND).await;
            let record = world.record().await;
            let said = record.journal.iter().find_map(|entry| match entry {
                Entry::Admit { lease_ms, .. } => Some(*lease_ms),
                _ => None,
            });
            assert_eq!(said, Some(u64::from(seconds) * 1_000));
            let lost = events(&record, "worker_lost");
            assert_eq!(lost.len(), usize::from(is_lost), "{lost:?}");
            assert_eq!(heirs(&record).len(), usize::from(is_lost));
            if is_lost {
                assert!(lost[0].contains("nothing was heard of it for 2 s"), "{lost:?}");
            }
            world.workers[0].go_on();
            let (record, _) = ended(&world).await;
            assert!(result(&world, &record).await.complete);
            // Behind its fence it has sent nothing.
            let kept = world.store.snapshots(&record.owner, &record.id).await.unwrap();
            assert!(kept.len() >= 2 && kept.iter().all(|it| it.is_final));
        });
    }
}

#[test]
fn a_draining_worker_leaves_in_time_though_no_controller_is_there() {
    alone(async {
        let mut world = left_while_nobody_led(scenario(1, 60, json!({}))).await;
        // What it measured is with the coordinator, and whoever comes finds it there.
        world.add_controller().await;
        let (record, _) = ended(&world).await;
        let result = result(&world, &record).await;
        assert!(result.complete, "{:?}", result.arrivals);
    });
}

#[test]
fn a_worker_that_hears_late_of_its_release_keeps_what_it_may_have_sent() {
    alone(async {
        let mut world = running(ControllerOptions::default(), scenario(1, 30, json!({})), 1).await;
        world.workers[0].drain();
        // The release is with the store and not with the workers when its controller dies, and its
        // moment is long past when the next one brings it.
        let released = async |world: &World| {
            let record = world.record().await;
            record.journal.iter().any(|entry| matches!(entry, Entry::Release { .. }))
        };
        while !released(&world).await {
            tokio::time::sleep(SECOND / 100).await;
        }
        let controllers: Vec<_> = world.controllers.iter().map(|(host, _)| *host).collect();
        controllers.iter().for_each(|host| world.network.cut(*host, true));
        world.controllers.clear();
        world.add_controller().await;
        let (record, _) = ended(&world).await;
        let result = result(&world, &record).await;
        assert!(result.complete, "{:?}", result.arrivals);
        super::checks::in_between(&mut world).await.unwrap();
    });
}

/// A closed loop that a number of requests ends, some 20 s after its start.
fn counted(workers: usize, most: u64) -> Value {
    let closed = json!({"loadProfile": null, "connections": 6, "maxRequests": most});
    scenario(workers, 600, closed)
}

#[test]
fn a_draining_worker_of_a_counted_load_hands_over_what_it_has_not_sent() {
    // Two workers, or one and a spare; the last is drained when the other has nothing left to do.
    for (workers, spares, after) in [(2, 0, 0), (1, 1, 0), (2, 1, 0), (2, 0, 13)] {
        alone(async {
            let document = counted(workers, 4_000);
            let mut world = running(ControllerOptions::default(), document, spares).await;
            tokio::time::sleep(Duration::from_secs(after)).await;
            world.workers[0].drain();
            tokio::time::sleep(8 * SECOND).await;
            assert!(!world.workers[0].is_running(), "{:#?}", world.record().await);
            let (record, _) = ended(&world).await;
            let case = format!("{workers} workers, {spares} spares, {after} s: {record:#?}");
            assert_eq!(record.state, RunState::Completed, "{case}");
            let result = result(&world, &record).await;
            assert!(result.complete && result.duration_seconds < 60.0, "{case}");
            assert_eq!((result.arrivals.due, result.arrivals.sent), (4_000, 4_000), "{case}");
            super::checks::at_the_end(&mut world, &record, &[]).await.unwrap();
        });
    }
}

#[test]
fn after_the_loss_of_a_worker_of_a_counted_load_no_request_is_sent_twice() {
    for (workers, spares) in [(2, 0), (2, 1), (1, 1)] {
        alone(async {
            let document = counted(workers, 4_000);
            let mut world = running(ControllerOptions::default(), document, spares).await;
            world.workers[0].kill();
            let (record, _) = ended(&world).await;
            let case = format!("{workers} workers, {spares} spares: {record:#?}");
            let result = result(&world, &record).await;
            let arrivals = &result.arrivals;
            assert!(arrivals.sent < 4_000 && arrivals.due <= 4_000, "{arrivals:?}: {case}");
            assert!(!result.complete && arrivals.unknown > 0, "{arrivals:?}: {case}");
            assert!(result.duration_seconds < 60.0, "{}: {case}", result.duration_seconds);
            let told = record.warnings.iter().filter(|it| it.contains("is unknown")).count();
            assert_eq!(told, 1, "{case}");
        });
    }
}

/// The other has come to its end by then, and nobody is left who would say what is lacking.
#[test]
fn what_a_worker_of_a_counted_load_left_while_nobody_led_is_sent_by_another() {
    alone(async {
        let mut world = left_while_nobody_led(counted(2, 4_000)).await;
        world.add_controller().await;
        let (record, _) = ended(&world).await;
        let result = result(&world, &record).await;
        assert!(result.complete, "{:?} {record:#?}", result.arrivals);
        assert_eq!((result.arrivals.due, result.arrivals.sent), (4_000, 4_000), "{record:#?}");
        assert!(result.generator.lost_workers.is_empty(), "{record:#?}");
    });
}

/// Its number would have ended it much later: the lost worker cannot have sent all that was left.
#[test]
fn where_a_stop_ended_a_counted_load_not_all_that_was_left_is_unknown() {
    alone(async {
        let mut world = running(ControllerOptions::default(), counted(1, 1_000_000_000), 0).await;
        world.workers[0].kill();
        tokio::time::sleep(6 * SECOND).await;
        let run = world.record().await;
        let stop = world.leader().unwrap().command(&run.owner, &run.id, Command::Stop);
        stop.await.unwrap();
        let (record, _) = ended(&world).await;
        let arrivals = result(&world, &record).await.arrivals;
        assert!((1..100_000).contains(&arrivals.unknown), "{arrivals:?}: {record:#?}");
    });
}

#[test]
fn what_a_lost_worker_of_a_counted_load_has_told_in_the_end_is_not_sent_again() {
    alone(async {
        let document = counted(2, 4_000);
        let mut world = running(ControllerOptions::default(), document, 0).await;
        // Its lease is over, it has stopped, and says in time what it has sent.
        world.network.cut(world.workers[0].number, true);
        tokio::time::sleep(8 * SECOND).await;
        assert_eq!(events(&world.record().await, "worker_lost").len(), 1);
        world.network.cut(world.workers[0].number, false);
        let (record, _) = ended(&world).await;
        let result = result(&world, &record).await;
        assert!(result.complete, "{:?} {record:#?}", result.arrivals);
        assert_eq!((result.arrivals.due, result.arrivals.sent), (4_000, 4_000), "{record:#?}");
        super::checks::in_between(&mut world).await.unwrap();
    });
}
