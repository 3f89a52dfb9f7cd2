//! Tests who makes what of the load where limits and `--max-rps` leave little to choose.

use super::checks::identity;
use super::{SECRET, World, alone};
use crate::cluster::agent::AgentOptions;
use crate::cluster::controller::api::KnownResult;
use crate::cluster::journal::Entry;
use crate::cluster::standing::Standing;
use crate::cluster::store::{RunRecord, RunState};
use crate::result::RunResult;
use crate::schedule::Share;
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn scenario(workers: usize, change: Value) -> Value {
    let mut document = json!({
        "name": "simulated", "targetUrl": "http://target.test/", "durationSeconds": 30,
        "headers": {"Authorization": SECRET}, "numWorkers": workers, "workerWaitSeconds": 3,
        "loadProfile": {"type": "CONSTANT", "initialRps": 100}, "drainSeconds": 2,
    });
    for (field, value) in change.as_object().unwrap() {
        document[field] = value.clone();
    }
    document
}

fn at_most(max_rps: f64) -> AgentOptions {
    AgentOptions { max_rps: Some(max_rps), ..AgentOptions::default() }
}

/// A run on workers that take so much, in its fourth second.
async fn running(most: &[f64], change: Value) -> World {
    let mut world = World::new(7, false);
    world.add_controller().await;
    most.iter().for_each(|most| world.add_worker_with(at_most(*most)));
    tokio::time::sleep(SECOND).await;
    world.submit(scenario(most.len(), change)).await;
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(world.record().await.state, RunState::Running, "{:#?}", world.record().await);
    world
}

/// Who has which parts: worker 1 is the first that was added, for the controller is 0.
async fn parts(world: &World) -> Vec<(String, Vec<Share>)> {
    let standing = Standing::of(&world.record().await.journal);
    let members = standing.members.into_iter().filter(|(_, parts)| !parts.is_empty());
    members.map(|((worker, _), parts)| (worker.0, parts)).collect()
}

fn size(parts: &[Share]) -> f64 {
    parts.iter().map(|part| part.fraction()).sum()
}

async fn ended(world: &World) -> (RunRecord, RunResult) {
    for _ in 0..600 {
        let record = world.record().await;
        if record.state.has_ended() {
            let asked = world.leader().unwrap().result(&record.owner, &record.id).await.unwrap();
            let KnownResult::Final(result) = asked else { panic!("{asked:?}") };
            identity(&result).unwrap();
            return (record, *result);
        }
        tokio::time::sleep(SECOND / 10).await;
    }
    panic!("not ended: {:#?}", world.record().await);
}

#[test]
fn a_limit_of_three_connections_is_one_for_each_however_unequal_the_shares() {
    alone(async {
        let world = running(&[30.0, 40.0, 40.0], json!({"connections": 3})).await;
        for (worker, parts) in parts(&world).await {
            let connections: u64 = parts.iter().map(|part| part.count(3)).sum();
            assert_eq!(connections, 1, "{worker}: {parts:?}");
        }
        let (record, _) = ended(&world).await;
        assert!(record.warnings.is_empty(), "{:?}", record.warnings);
    });
}

#[test]
fn of_a_lost_share_the_others_take_what_they_take() {
    alone(async {
        let mut world = running(&[60.0, 50.0, 60.0], json!({})).await;
        world.workers[0].kill();
        tokio::time::sleep(8 * SECOND).await;
        let has: Vec<_> = parts(&world).await.iter().map(|(_, parts)| size(parts)).collect();
        assert_eq!(has.len(), 2);
        // The two take 50% and 60%: all of it.
        assert!((has[0] + has[1] - 1.0).abs() < 1e-9 && has[0] <= 0.5 + 1e-9, "{has:?}");
        assert!(world.record().await.warnings.iter().all(|it| !it.contains("--max-rps")));
        world.workers[1].kill();
        tokio::time::sleep(8 * SECOND).await;
        // Of 50% that look for an owner one takes the 10% that it has room for, in pieces.
        let has: Vec<_> = parts(&world).await.iter().map(|(_, parts)| size(parts)).collect();
        assert!(has.len() == 1 && (0.55..=0.6).contains(&has[0]), "{has:?}");
        let record = world.record().await;
        assert!(record.warnings.iter().any(|it| it.contains("nobody's")), "{:?}", record.warnings);
        // And whoever comes takes the rest.
        world.add_worker();
        tokio::time::sleep(5 * SECOND).await;
        let has: f64 = parts(&world).await.iter().map(|(_, parts)| size(parts)).sum();
        assert!((has - 1.0).abs() < 1e-9, "{has}");
        drop(ended(&world).await);
    });
}

#[test]
fn of_two_that_leave_the_one_goes_whose_share_the_third_takes() {
    alone(async {
        let mut world = running(&[20.0, 40.0, 65.0], json!({})).await;
        world.workers[0].drain();
        world.workers[1].drain();
        tokio::time::sleep(5 * SECOND).await;
        assert!(!world.workers[0].is_running(), "{:#?}", world.record().await);
        assert!(world.workers[1].is_running(), "it goes on");
        let record = world.record().await;
        let said = record.warnings.iter().find(|it| it.contains("is to leave"));
        assert!(said.is_some_and(|it| it.contains("worker w2")), "{:?}", record.warnings);
        assert!(record.warnings.iter().all(|it| !it.contains("nobody's")));
        assert_eq!(record.warnings.len(), 1, "{:?}", record.warnings);
        world.add_worker();
        tokio::time::sleep(5 * SECOND).await;
        assert!(!world.workers[1].is_running());
        let (record, result) = ended(&world).await;
        assert_eq!(record.state, RunState::Completed);
        assert!(result.complete && result.arrivals.dropped == 0, "{:?}", result.arrivals);
        let lost = record.journal.iter().any(|it| matches!(it, Entry::Lost { left: true, .. }));
        assert!(!lost, "{record:#?}");
    });
}
