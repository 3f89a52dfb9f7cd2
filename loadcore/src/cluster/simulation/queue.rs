//! Tests several runs for few workers: which run waits for which, for how long, and what is said of
//! it.

use super::{SECRET, World, alone};
use crate::cluster::store::{RunRecord, RunState, ScenarioRecord, Store};
use crate::cluster::{ControllerOptions, LocalWorkers, Owner, ScenarioId};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn scenario(workers: u32, seconds: u64, queue_seconds: u64) -> Value {
    json!({
        "name": "simulated", "targetUrl": "http://target.test/", "durationSeconds": seconds,
        "headers": {"Authorization": SECRET}, "numWorkers": workers, "workerWaitSeconds": 3,
        "queueSeconds": queue_seconds, "drainSeconds": 2,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50},
    })
}

async fn platform(workers: usize) -> World {
    let mut world = World::new(7, false);
    world.add_controller().await;
    (0..workers).for_each(|_| world.add_worker());
    tokio::time::sleep(SECOND).await;
    world
}

/// A run beside the others.
async fn submit(world: &World, document: Value) -> RunRecord {
    let scenario = ScenarioRecord {
        id: ScenarioId::from("another"),
        owner: Owner::from("somebody"),
        revision: 0,
        created_unix_ms: 0,
        changed_unix_ms: 0,
        tags: Vec::new(),
        document: world.secrets.seal(document),
        baseline: None,
    };
    let record = world.leader().unwrap().submit(&scenario).await.unwrap();
    // Runs of one moment have no order.
    tokio::time::sleep(3 * SECOND).await;
    record
}

async fn now(world: &World, run: &RunRecord) -> RunRecord {
    world.store.run(&run.owner, &run.id).await.unwrap().unwrap()
}

async fn state(world: &World, run: &RunRecord) -> RunState {
    world.leader().unwrap().record(&run.owner, &run.id).await.unwrap().unwrap().state
}

fn waits_for(world: &World, run: &RunRecord) -> String {
    let waiting = world.leader().unwrap().waiting(&run.owner, &run.id);
    waiting.map(|it| it.what).unwrap_or_default()
}

async fn ended(world: &World, run: &RunRecord, seconds: u64) -> RunRecord {
    for _ in 0..10 * seconds {
        if now(world, run).await.state.has_ended() {
            break;
        }
        tokio::time::sleep(SECOND / 10).await;
    }
    let record = now(world, run).await;
    assert!(record.state.has_ended(), "not ended after {seconds} s: {record:#?}");
    record
}

#[test]
fn runs_that_find_the_workers_busy_get_their_turn_in_the_order_of_their_coming() {
    alone(async {
        let world = platform(2).await;
        let first = submit(&world, scenario(1, 20, 600)).await;
        let second = submit(&world, scenario(2, 10, 600)).await;
        let third = submit(&world, scenario(1, 10, 600)).await;
        assert_eq!(state(&world, &first).await, RunState::Running);
        // Far longer than workerWaitSeconds.
        tokio::time::sleep(8 * SECOND).await;
        assert_eq!(state(&world, &second).await, RunState::Queued);
        // There is a worker for it, and yet it came later.
        assert_eq!(state(&world, &third).await, RunState::Queued);
        let told = (waits_for(&world, &second), waits_for(&world, &third));
        assert_eq!(told.0, "its workers (1 of 2 workers there; place 1 in the queue)");
        assert_eq!(told.1, "its workers (1 of 1 workers there; place 2 in the queue)");
        ended(&world, &first, 15).await;
        tokio::time::sleep(3 * SECOND).await;
        assert_eq!(state(&world, &second).await, RunState::Running);
        let told = waits_for(&world, &third);
        assert_eq!(told, "its workers (0 of 1 workers there; place 1 in the queue)");
        for run in [&second, &third] {
            let record = ended(&world, run, 30).await;
            assert_eq!(record.state, RunState::Completed, "{record:#?}");
            assert!(record.warnings.is_empty(), "{:?}", record.warnings);
            assert_eq!(record.timeline.iter().filter(|it| it.kind == "queued").count(), 1);
        }
    });
}

#[test]
fn workers_that_are_busy_are_awaited_for_queue_seconds_and_no_longer() {
    alone(async {
        let world = platform(1).await;
        submit(&world, scenario(1, 60, 600)).await;
        let run = submit(&world, scenario(1, 10, 8)).await;
        let record = ended(&world, &run, 12).await;
        assert_eq!(record.state, RunState::Failed);
        let told = "no worker was free within queueSeconds (8 s)";
        assert!(record.warnings.iter().any(|it| it == told), "{:?}", record.warnings);
    });
}

#[test]
fn workers_that_are_not_there_are_awaited_for_worker_wait_seconds() {
    alone(async {
        let world = platform(1).await;
        let run = submit(&world, scenario(2, 5, 600)).await;
        assert_eq!(waits_for(&world, &run), "its workers (1 of 2 workers there)");
        let record = ended(&world, &run, 15).await;
        assert_eq!(record.state, RunState::Completed);
        assert!(record.warnings[0].starts_with("1 of 2 workers came"), "{:?}", record.warnings);
    });
}

#[test]
fn a_run_in_the_queue_can_be_stopped_and_leaves_its_place() {
    alone(async {
        use crate::cluster::controller::api::Command;
        let world = platform(1).await;
        submit(&world, scenario(1, 60, 600)).await;
        let second = submit(&world, scenario(1, 5, 600)).await;
        let third = submit(&world, scenario(1, 5, 600)).await;
        assert!(waits_for(&world, &third).contains("place 2"));
        let leader = world.leader().unwrap();
        leader.command(&second.owner, &second.id, Command::Stop).await.unwrap();
        assert_eq!(ended(&world, &second, 5).await.state, RunState::Aborted);
        tokio::time::sleep(SECOND).await;
        assert!(waits_for(&world, &third).contains("place 1"));
    });
}

#[test]
fn the_queue_outlives_its_controller() {
    alone(async {
        let mut world = platform(1).await;
        let first = submit(&world, scenario(1, 30, 600)).await;
        let second = submit(&world, scenario(1, 5, 600)).await;
        let third = submit(&world, scenario(1, 5, 600)).await;
        world.controllers.clear();
        world.add_controller().await;
        tokio::time::sleep(12 * SECOND).await;
        assert!(waits_for(&world, &second).contains("place 1"), "{}", waits_for(&world, &second));
        assert!(waits_for(&world, &third).contains("place 2"));
        for run in [first, second, third] {
            assert_eq!(ended(&world, &run, 60).await.state, RunState::Completed);
        }
    });
}

#[test]
fn what_a_run_has_waited_it_has_waited_whoever_leads() {
    alone(async {
        // Workers that are busy.
        let mut world = platform(1).await;
        submit(&world, scenario(1, 60, 600)).await;
        let begun = world.network.now();
        let run = submit(&world, scenario(1, 10, 15)).await;
        world.change_controller().await;
        tokio::time::sleep(SECOND).await;
        assert_eq!(state(&world, &run).await, RunState::Queued);
        let record = ended(&world, &run, 40).await;
        assert!(record.warnings.iter().any(|it| it.contains("queueSeconds (15 s)")), "{record:#?}");
        let waited = world.network.now() - begun;
        assert!(15 * SECOND <= waited && waited < 20 * SECOND, "{waited:?}");
    });
    alone(async {
        // Workers that are not there.
        let mut world = platform(1).await;
        let mut document = scenario(2, 10, 600);
        document["workerWaitSeconds"] = json!(16);
        let begun = world.network.now();
        let run = submit(&world, document).await;
        assert_eq!(now(&world, &run).await.state, RunState::Preparing);
        world.change_controller().await;
        while now(&world, &run).await.state == RunState::Preparing {
            tokio::time::sleep(SECOND / 10).await;
        }
        let waited = world.network.now() - begun;
        assert!(16 * SECOND <= waited && waited < 20 * SECOND, "{waited:?}");
        let record = ended(&world, &run, 20).await;
        assert_eq!(record.state, RunState::Completed, "{record:#?}");
    });
    alone(async {
        // A pause, which lasts an hour at most.
        use crate::cluster::controller::api::Command;
        let mut world = platform(1).await;
        let run = submit(&world, scenario(1, 60, 600)).await;
        let leader = world.leader().unwrap();
        leader.command(&run.owner, &run.id, Command::Pause).await.unwrap();
        tokio::time::sleep(3_000 * SECOND).await;
        world.change_controller().await;
        assert_eq!(now(&world, &run).await.state, RunState::Paused);
        let record = ended(&world, &run, 700).await;
        assert_eq!(record.state, RunState::Aborted, "{record:#?}");
    });
}

#[test]
fn workers_inside_the_controller_are_awaited_too() {
    alone(async {
        let mut world = World::new(7, false);
        let local_workers = Some(LocalWorkers { most: 0, options: Default::default() });
        let secrets = world.secrets.clone();
        world
            .add_controller_with(ControllerOptions { secrets, local_workers, ..Default::default() })
            .await;
        tokio::time::sleep(SECOND).await;
        // With nobody there and nobody to be started it is not a queue that it waits in.
        let run = submit(&world, scenario(1, 5, 600)).await;
        let record = ended(&world, &run, 6).await;
        assert_eq!(record.state, RunState::Failed);
        assert!(record.warnings[0].contains("workerWaitSeconds (3 s)"), "{:?}", record.warnings);
    });
}
