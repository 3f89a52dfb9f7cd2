//! A whole platform in one process against the built-in target: what was sent is what the target
//! counted, however many workers there are and whatever the run is told.

use loadcore::cluster::controller::api::{Command, FrameKind, Outcome};
use loadcore::cluster::memory::{MemoryCoordinator, MemoryStore};
use loadcore::cluster::store::{RunRecord, RunState, ScenarioRecord};
use loadcore::cluster::{
    AgentOptions, Controller, ControllerOptions, LocalWorkers, Owner, ScenarioId,
};
use loadcore::result::RunResult;
use loadcore_target::{Config, Target};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

async fn platform(most: usize) -> Controller {
    let options = AgentOptions { threads: Some(1), ..AgentOptions::default() };
    let options = ControllerOptions {
        local_workers: Some(LocalWorkers { most, options }),
        ..ControllerOptions::default()
    };
    let (store, coordinator) = (Arc::new(MemoryStore::new()), Arc::new(MemoryCoordinator::new()));
    Controller::start(store, coordinator, options).await.unwrap()
}

async fn submit(platform: &Controller, document: Value) -> RunRecord {
    let scenario = ScenarioRecord {
        id: ScenarioId::random(),
        owner: Owner::from("me"),
        revision: 0,
        created_unix_ms: 0,
        changed_unix_ms: 0,
        tags: Vec::new(),
        document: platform.secrets().seal(document),
        baseline: None,
    };
    platform.submit(&scenario).await.unwrap()
}

async fn wait_for(platform: &Controller, run: &RunRecord, state: RunState) -> RunRecord {
    for _ in 0..600 {
        let record = platform.run(&run.owner, &run.id).await.unwrap().unwrap();
        if record.state == state {
            return record;
        }
        assert!(!record.state.has_ended(), "{:?}: {:?}", record.state, record);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let record = platform.run(&run.owner, &run.id).await.unwrap().unwrap();
    panic!("not {state:?} within 30 s: {record:?}");
}

async fn result(platform: &Controller, run: &RunRecord) -> RunResult {
    match platform.result(&run.owner, &run.id).await.unwrap() {
        Outcome::Final(result) => *result,
        other => panic!("no final result: {other:?}"),
    }
}

fn constant(target: &Target, rps: f64, seconds: f64, workers: u32) -> Value {
    json!({
        "name": "a platform's run", "targetUrl": target.url("/"), "durationSeconds": seconds,
        "numWorkers": workers, "loadProfile": {"type": "CONSTANT", "initialRps": rps},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_what_the_target_counted() {
    let target = Target::start(Config::default()).await.unwrap();
    let platform = platform(3).await;
    let run = submit(&platform, constant(&target, 700.0, 3.0, 3)).await;
    let record = wait_for(&platform, &run, RunState::Completed).await;
    let result = result(&platform, &run).await;
    assert_eq!(record.warnings, [""; 0]);
    assert_eq!(result.arrivals.due, 2_100);
    assert_eq!(result.arrivals.sent, 2_100);
    assert_eq!(result.outcomes.ok, 2_100, "{:?}", result.errors);
    assert_eq!(target.stats().requests, 2_100);
    assert!(result.complete);
    assert_eq!(result.environment.workers, 3);
    assert_eq!(result.series.iter().map(|row| row.due).sum::<u64>(), 2_100);
    platform.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_reach_every_worker_and_stand_in_the_timeline() {
    let target = Target::start(Config::default()).await.unwrap();
    let platform = platform(2).await;
    let run = submit(&platform, constant(&target, 400.0, 60.0, 2)).await;
    wait_for(&platform, &run, RunState::Running).await;
    let mut frames = platform.frames(&run.owner, &run.id, 0).await.unwrap();
    let tell = |command| platform.command(&run.owner, &run.id, command);
    tell(Command::Rate { target_rps: 800.0, over_seconds: 0.0 }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    tell(Command::Pause).await.unwrap();
    assert!(tell(Command::Pause).await.unwrap_err().to_string().contains("paused already"));
    wait_for(&platform, &run, RunState::Paused).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let counted = target.stats().requests;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(target.stats().requests, counted, "nothing is sent in a pause");
    tell(Command::Resume).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(target.stats().requests > counted, "the load goes on");
    let realtime = platform.realtime(&run.owner, &run.id, 30).await.unwrap();
    assert!(realtime.total_requests > 0 && realtime.window_seconds >= 1.0, "{realtime:?}");
    tell(Command::Stop).await.unwrap();
    let record = wait_for(&platform, &run, RunState::Aborted).await;
    assert!(tell(Command::Stop).await.unwrap_err().to_string().contains("has ended (ABORTED)"));
    let result = result(&platform, &run).await;
    assert_eq!(result.arrivals.sent, target.stats().requests);
    assert_eq!(result.arrivals.due, result.arrivals.sent + result.arrivals.dropped);
    assert!(result.complete && result.interrupted);
    let kinds: Vec<_> = record.timeline.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["started", "rate_changed", "paused", "resumed", "stopped", "ended"]);
    let mut seen = Vec::new();
    while let Some(frame) = frames.next().await {
        assert_eq!(frame.seq, seen.len() as u64 + 1, "no frame is missed");
        seen.push(frame.kind);
    }
    assert_eq!(seen.last(), Some(&FrameKind::End));
    assert!(seen.iter().filter(|kind| **kind == FrameKind::Interval).count() >= 4, "{seen:?}");
    platform.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_workers_than_wanted_is_said_and_none_is_a_failure() {
    let target = Target::start(Config::default()).await.unwrap();
    let platform = platform(2).await;
    let mut document = constant(&target, 100.0, 1.0, 5);
    document["workerWaitSeconds"] = json!(0.5);
    let run = submit(&platform, document.clone()).await;
    let record = wait_for(&platform, &run, RunState::Completed).await;
    assert!(record.warnings[0].contains("2 of 5 workers came"), "{:?}", record.warnings);
    assert_eq!(result(&platform, &run).await.arrivals.sent, 100);
    platform.shut_down().await;

    let empty = self::platform(0).await;
    let run = submit(&empty, document).await;
    let record = wait_for(&empty, &run, RunState::Failed).await;
    assert!(record.warnings[0].contains("no worker came within"), "{:?}", record.warnings);
    empty.shut_down().await;
}
