//! Tests what the platform meets that is not as it should be: servers that are not there yet, a
//! snapshot that cannot be read, a worker of another version.

use crate::platform::{Platform, SOON, until};
use crate::runs::{Run, steady};
use bytes::Bytes;
use loadcore::cluster::conformance::{a_report, a_snapshot};
use loadcore::cluster::coordinator::{SnapshotRecord, TaskReport, TaskState, WorkerReport};
use loadcore::cluster::signed::Signer;
use loadcore::cluster::{Coordinator, WorkerId};
use loadcore_redis::{RedisCoordinator, RedisOptions};
use loadcore_test_support::redis;

const PASSWORD: &str = "geheim-4711";

/// Waits until the last controller is not ready for a reason in which this stands.
fn waits_for(platform: &Platform, reason: &str) {
    let readiness = || platform.ask("GET", "/actuator/health/readiness", "");
    let waits = until(SOON, || {
        let (status, body) = readiness();
        assert_eq!(status, 503, "{body}");
        body.to_string().contains(reason)
    });
    assert!(waits.is_some(), "{reason} is not the reason: {:?}", readiness());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_waits_for_its_redis() {
    let mut platform = Platform::bare(redis::Server::not_started(Some(PASSWORD))).await;
    platform.add_controller();
    let mut worker = platform.start_worker();
    worker.program.says("trying again");
    waits_for(&platform, &platform.redis.address());
    let controller = &mut platform.controllers[0].program;
    assert!(controller.runs() && worker.program.runs());
    let (status, problem) = platform.ask("GET", "/api/v1/scenarios", "");
    assert_eq!(status, 503, "{problem}");

    platform.redis.start_again().await;
    platform.wait_until_ready();
    let (status, body) = platform.ask("GET", "/actuator/health/readiness", "");
    assert_eq!(status, 200, "{body}");
    platform.workers.push(worker);
    platform.wait_for_workers(1);
    Run::steady(&platform, 200.0, 1.0).ends_whole(&platform);
    let said = platform.said();
    assert!(said.contains(&platform.redis.address()), "the address is said: {said}");
    assert!(!said.contains(PASSWORD), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_waits_for_its_mongodb() {
    let mut platform = Platform::bare(redis::Server::not_started(None)).await;
    platform.redis.start_again().await;
    platform.mongo.kill();
    platform.add_controller();
    waits_for(&platform, "127.0.0.1");
    assert!(platform.controllers[0].program.runs());
    platform.mongo.start_again().await;
    platform.wait_until_ready();
    platform.add_worker();
    platform.wait_for_workers(1);
    Run::steady(&platform, 200.0, 1.0).ends_whole(&platform);
}

fn coordinator(platform: &Platform) -> RedisCoordinator {
    RedisCoordinator::new(&RedisOptions::new(platform.redis.url())).expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_snapshot_is_refused_and_named() {
    let platform = Platform::start(2).await;
    let run = Run::steady(&platform, 300.0, 5.0);
    run.wait_for_second(&platform, 1.0);
    let coordinator = coordinator(&platform);
    for (worker, bytes) in [("intruder", "no snapshot"), ("mute", "")] {
        let bytes = Bytes::from_static(bytes.as_bytes());
        let run = run.id.as_str().into();
        let snapshot = SnapshotRecord { run, bytes, ..a_snapshot(worker, 1, 1) };
        coordinator.put(&snapshot).await.expect("Redis takes whatever is put");
    }
    let shown = run.ends_whole(&platform);
    let warnings = shown["warnings"].to_string();
    for worker in ["intruder", "mute"] {
        let named = format!("a snapshot of worker {worker} was refused");
        assert!(warnings.contains(&named), "{warnings}");
    }
    let events = run.events(&platform);
    assert!(events.iter().any(|event| event == "snapshot_refused"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_another_version_takes_no_part_and_is_named() {
    let platform = Platform::start(0).await;
    let coordinator = coordinator(&platform);
    let signer = Signer::random().expect("randomness");
    let stranger = WorkerId::of_key(signer.key());
    let mut report = WorkerReport { protocol: 99, ..a_report(stranger.as_str(), 1) };
    coordinator.beat(&report.say(&signer)).await.expect("Redis takes whatever is put");

    let mut scenario = steady(&platform, 200.0, 2.0);
    scenario["numWorkers"] = 2.into();
    scenario["workerWaitSeconds"] = 15.into();
    // It alone is there to take a task; the other worker comes later.
    let run = Run::start(&platform, &scenario);
    let task = coordinator.take(&stranger, SOON).await.expect("Redis answers").expect("a task");
    assert_eq!(task.run.as_str(), run.id);
    let state = TaskState::Taken;
    report.task = Some(TaskReport { run: task.run, epoch: 1, applied: 0, released_ns: 0, state });
    let mut platform = platform;
    platform.add_worker();
    let named = until(SOON, || {
        report.beat += 1;
        let said = report.say(&signer);
        let beat = coordinator.beat(&said);
        let beaten =
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(beat));
        beaten.expect("Redis takes whatever is put");
        let warnings = run.shown(&platform)["warnings"].to_string();
        warnings.contains("version 99 of the protocol")
    });
    assert!(named.is_some(), "{}", run.shown(&platform));
    let workers = platform.get("/api/v1/workers");
    let items = workers["items"].as_array().expect("a list");
    let compatible = |id: &str| {
        let worker = items.iter().find(|it| it["id"] == *id);
        worker.map(|it| it["compatible"].clone())
    };
    assert_eq!(compatible(stranger.as_str()), Some(false.into()), "{workers}");
    assert_eq!(compatible(&platform.workers[0].id), Some(true.into()), "{workers}");
    let shown = run.ends_whole(&platform);
    assert_eq!(shown["result"]["environment"]["workers"], 1, "{}", shown["warnings"]);
}
