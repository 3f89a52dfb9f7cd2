//! Tests that what others write into the coordinator changes no run, in situations that take long in
//! real time. What a hostile worker can do to a real Redis is tested there.

use super::checks::identity;
use super::{World, alone};
use crate::cluster::controller::api::KnownResult;
use crate::cluster::coordinator::{Coordinator, SnapshotRecord};
use crate::cluster::journal::{Entry, Line};
use crate::cluster::signed::{About, Signer};
use crate::cluster::store::{RunRecord, RunState};
use crate::cluster::{AgentOptions, RunId, WorkerId};
use crate::record::Snapshot;
use serde_json::json;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// A term that is refused to nobody.
const ANY: u64 = u64::MAX;

async fn with_a_run(workers: usize) -> World {
    let mut world = World::new(7, false);
    world.add_controller().await;
    // Else they would believe whoever speaks first.
    let platform_key = Some(world.secrets.signer().key());
    for _ in 0..workers {
        world.add_worker_with(AgentOptions { platform_key, ..AgentOptions::default() });
    }
    tokio::time::sleep(SECOND).await;
    world.submit(document()).await;
    world
}

fn document() -> serde_json::Value {
    json!({
        "name": "simulated", "targetUrl": "http://target.test/", "durationSeconds": 15,
        "numWorkers": 2, "workerWaitSeconds": 60, "drainSeconds": 2, "seed": 7,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50},
    })
}

fn run(world: &World) -> RunId {
    world.run.as_ref().unwrap().id.clone()
}

/// The run comes to its end as if nobody had done anything.
async fn ends_whole(world: &World) -> RunRecord {
    let begun = world.network.now();
    let record = loop {
        let record = world.record().await;
        if record.state.has_ended() {
            break record;
        }
        assert!(world.network.now() - begun < 120 * SECOND, "{record:#?}");
        tokio::time::sleep(SECOND / 10).await;
    };
    assert_eq!(record.state, RunState::Completed, "{:#?}", record.timeline);
    let outcome = world.leader().unwrap().result(&record.owner, &record.id).await.unwrap();
    let KnownResult::Final(result) = outcome else { panic!("{outcome:?}") };
    identity(&result).unwrap();
    assert_eq!((result.arrivals.sent, result.arrivals.due), (750, 750), "{:#?}", record.timeline);
    assert!(result.complete && result.generator.lost_workers.is_empty(), "{result:#?}");
    record
}

fn kinds(record: &RunRecord, kind: &str) -> usize {
    record.timeline.iter().filter(|event| event.kind == kind).count()
}

#[test]
fn tasks_that_somebody_took_and_vanished_with_are_offered_again() {
    alone(async {
        let mut world = with_a_run(0).await;
        tokio::time::sleep(SECOND).await;
        let mut taken = 0;
        while world.coordinator.take(&"thief".into(), SECOND / 10).await.unwrap().is_some() {
            taken += 1;
        }
        assert_eq!(taken, 2);
        (0..2).for_each(|_| world.add_worker());
        ends_whole(&world).await;
    });
}

#[test]
fn what_others_have_written_is_not_taken_up_by_the_next_controller() {
    alone(async {
        let mut world = with_a_run(2).await;
        tokio::time::sleep(5 * SECOND).await;
        let (run, hostile) = (run(&world), Signer::random().unwrap());
        // Nobody is there to put it right.
        world.controllers.clear();
        let coordinator = world.coordinator.clone();
        let length = coordinator.tip(&run).await.unwrap().unwrap().lines;
        let stop = Line::new(&hostile, &run, length, &Entry::Stop { at_ns: 0 });
        coordinator.append(ANY, &run, length, &[stop]).await.unwrap();
        tokio::time::sleep(2 * SECOND).await;
        world.add_controller().await;
        let record = ends_whole(&world).await;
        assert_eq!(kinds(&record, "journal_restored"), 1, "{:#?}", record.timeline);
        assert!(!record.journal.iter().any(|entry| matches!(entry, Entry::Stop { .. })));
    });
}

#[test]
fn workers_obey_nobody_but_the_platform_and_its_journal_comes_back() {
    alone(async {
        let world = with_a_run(2).await;
        let (run, hostile) = (run(&world), Signer::random().unwrap());
        let coordinator = world.coordinator.clone();
        let whole = async || coordinator.journal(&run, 0, Duration::ZERO).await.unwrap().unwrap();
        tokio::time::sleep(SECOND / 5).await;
        // While workers are admitted, then while they make load.
        for _ in 0..3 {
            let lines = whole().await;
            let places = (0..lines.len() as u64 + 1)
                .map(|place| Line::new(&hostile, &run, place, &Entry::Pause { at_ns: 0 }));
            let plan = hostile.say(&About::Plan(&run), b"a plan");
            coordinator.open(ANY, &run, plan, &places.collect::<Vec<_>>()).await.unwrap();
            tokio::time::sleep(2 * SECOND).await;
            coordinator.close(ANY, &run, &Line::end(&hostile, &run)).await.unwrap();
            tokio::time::sleep(2 * SECOND).await;
            assert!(whole().await.starts_with(&lines), "it was brought again");
        }
        let record = ends_whole(&world).await;
        assert_eq!(kinds(&record, "journal_restored"), 1, "it is told once");
    });
}

/// One that signs with its own key is heard, and has still measured nothing of a run that is not its own.
#[test]
fn counts_are_those_of_who_was_given_a_part() {
    alone(async {
        let world = with_a_run(2).await;
        tokio::time::sleep(5 * SECOND).await;
        let hostile = Signer::random().unwrap();
        let worker = WorkerId::of_key(hostile.key());
        let mut counts = Snapshot { worker: worker.to_string(), ..Snapshot::default() };
        (counts.epoch, counts.seq, counts.elapsed_ns) = (1, 1, 1);
        counts.total.counters.sent = 1_000;
        let snapshot = SnapshotRecord {
            run: run(&world),
            worker,
            epoch: 1,
            seq: 1,
            elapsed_ns: 1,
            is_final: false,
            bytes: counts.encode().into(),
        };
        for seq in 1..200 {
            let snapshot = SnapshotRecord { seq, ..snapshot.clone() };
            world.coordinator.put(&snapshot.say(&hostile)).await.unwrap();
        }
        let record = ends_whole(&world).await;
        assert_eq!(kinds(&record, "snapshot_refused"), 1, "it is told once");
    });
}
