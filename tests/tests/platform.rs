//! Tests a whole platform in one process against the built-in target: what was sent is what the
//! target counted, however many workers there are and whatever the run is told.

use loadcore::cluster::controller::api::{Command, FrameKind, KnownResult};
use loadcore::cluster::memory::{MemoryCoordinator, MemoryStore};
use loadcore::cluster::store::{RunRecord, RunState, ScenarioRecord};
use loadcore::cluster::{
    AgentOptions, Controller, ControllerOptions, LocalWorkers, Owner, ScenarioId,
};
use loadcore::result::RunResult;
use loadcore::scenario::Scenario;
use loadcore_target::{Config, Target};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

async fn platform(most: usize) -> Controller {
    platform_of(most, one_thread()).await
}

fn one_thread() -> AgentOptions {
    AgentOptions { threads: Some(1), ..AgentOptions::default() }
}

async fn platform_of(most: usize, options: AgentOptions) -> Controller {
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
        let record = platform.record(&run.owner, &run.id).await.unwrap().unwrap();
        if record.state == state {
            return record;
        }
        assert!(!record.state.has_ended(), "{:?}: {:?}", record.state, record);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let record = platform.record(&run.owner, &run.id).await.unwrap().unwrap();
    panic!("not {state:?} within 30 s: {record:?}");
}

async fn result(platform: &Controller, run: &RunRecord) -> RunResult {
    match platform.result(&run.owner, &run.id).await.unwrap() {
        KnownResult::Final(result) => *result,
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
async fn a_cluster_in_this_process_is_three_lines() {
    let target = Target::start(Config::default()).await.unwrap();
    let scenario = Scenario::from_value(constant(&target, 300.0, 1.0, 3)).unwrap();

    let platform = Controller::in_process(3).await.unwrap();
    let result = platform.run(&scenario).await.unwrap();
    platform.shut_down().await;

    assert_eq!((result.outcomes.ok, target.stats().requests), (300, 300), "{:?}", result.errors);
    assert!(result.complete && result.environment.workers == 3);
    assert_eq!(result.scenario["targetUrl"], target.url("/"));
}

/// However many processors there are: each of the four has little to do.
#[tokio::test(flavor = "multi_thread")]
async fn workers_use_as_many_threads_as_their_parts_need_and_the_result_tells() {
    let target = Target::start(Config::default()).await.unwrap();
    for (threads, told) in [(None, 4), (Some(3), 12)] {
        let options = AgentOptions { threads, ..AgentOptions::default() };
        let platform = platform_of(4, options).await;
        let run = submit(&platform, constant(&target, 400.0, 1.0, 4)).await;
        wait_for(&platform, &run, RunState::Completed).await;
        let result = result(&platform, &run).await;
        assert_eq!((result.outcomes.ok, result.environment.threads), (400, Some(told)));
        platform.shut_down().await;
    }
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
        seen.push(frame.kind());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_of_all_workers_together() {
    for (limit, value, fields) in [
        ("connections", 3, json!({"maxRequests": 60})),
        ("connections", 2, json!({"loadProfile": {"type": "CONSTANT", "initialRps": 60}})),
        ("maxRequests", 2, json!({"connections": 9})),
        ("maxBacklog", 4, json!({"loadProfile": {"type": "CONSTANT", "initialRps": 60}})),
    ] {
        let target = Target::start(Config::default()).await.unwrap();
        let platform = platform(5).await;
        let mut document = json!({
            "name": "limited", "targetUrl": target.url("/?latency=50ms"), "durationSeconds": 1,
            "numWorkers": 5,
        });
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        document[limit] = json!(value);
        let run = submit(&platform, document).await;
        let record = wait_for(&platform, &run, RunState::Completed).await;
        let told = format!("{limit} is {value} for all workers together");
        assert!(record.warnings.iter().any(|it| it.contains(&told)), "{:?}", record.warnings);
        let result = result(&platform, &run).await;
        assert_eq!(result.environment.workers, value, "{limit}");
        if limit == "connections" {
            assert!(target.stats().connections.peak <= value, "{:?}", target.stats().connections);
        }
        if limit == "maxRequests" {
            assert_eq!(target.stats().requests, value);
        }
        platform.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_gets_more_than_it_takes() {
    let target = Target::start(Config::default()).await.unwrap();
    let takes = AgentOptions { max_rps: Some(50.0), ..one_thread() };
    let platform = platform_of(4, takes).await;
    let run = submit(&platform, constant(&target, 200.0, 1.0, 4)).await;
    wait_for(&platform, &run, RunState::Completed).await;
    assert_eq!(result(&platform, &run).await.arrivals.sent, 200);

    let before = target.stats().requests;
    let run = submit(&platform, constant(&target, 201.0, 1.0, 4)).await;
    let record = wait_for(&platform, &run, RunState::Failed).await;
    let told = &record.warnings[0];
    for part in ["highest rate is 201/s", "local-1", "50/s", "--max-rps"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(target.stats().requests, before, "nothing was sent");

    let run = submit(&platform, constant(&target, 40.0, 60.0, 1)).await;
    wait_for(&platform, &run, RunState::Running).await;
    let tell = |target_rps| {
        let rate = Command::Rate { target_rps, over_seconds: 0.0 };
        platform.command(&run.owner, &run.id, rate)
    };
    assert!(tell(51.0).await.unwrap_err().to_string().contains("more than a worker takes"));
    tell(50.0).await.unwrap();
    platform.command(&run.owner, &run.id, Command::Stop).await.unwrap();
    wait_for(&platform, &run, RunState::Aborted).await;

    let closed = json!({
        "name": "closed", "targetUrl": target.url("/"), "durationSeconds": 60, "maxRequests": 5,
    });
    let run = submit(&platform, closed).await;
    let record = wait_for(&platform, &run, RunState::Completed).await;
    assert!(record.warnings[0].contains("a closed loop has no rate"), "{:?}", record.warnings);
    platform.shut_down().await;
}
