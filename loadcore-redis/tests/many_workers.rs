//! Tests a thousand workers, one Redis and one controller, at the pace of a real run.

mod support;

use bytes::Bytes;
use loadcore::cluster::conformance::{a_beat, a_snapshot};
use loadcore::cluster::coordinator::{Coordinator, SnapshotRecord};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use support::Server;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

const WORKERS: usize = 1_000;
const SECONDS: u64 = 4;

/// What a snapshot of an ordinary run takes.
const BYTES: usize = 15_000;

/// Beats and puts a snapshot each second.
async fn work(coordinator: Arc<impl Coordinator>, worker: usize) {
    let name = format!("w{worker}");
    let bytes: Bytes = (0..BYTES).map(|at| (at * worker) as u8).collect::<Vec<_>>().into();
    // Spread over the second, as workers are that started at different times.
    tokio::time::sleep(Duration::from_millis(worker as u64)).await;
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for seq in 1..=SECONDS {
        second.tick().await;
        coordinator.beat(&a_beat(&name, seq)).await.expect("a beat is taken down");
        let snapshot = SnapshotRecord { bytes: bytes.clone(), ..a_snapshot(&name, 1, seq) };
        coordinator.put(&snapshot).await.expect("a snapshot is taken down");
    }
}

/// Looks at the workers four times a second, and fetches results, until all are there.
async fn control(coordinator: impl Coordinator) -> BTreeMap<String, u64> {
    let mut newest = BTreeMap::new();
    let mut look = interval(Duration::from_millis(250));
    let wanted = WORKERS * SECONDS as usize;
    let mut fetched = 0;
    while fetched < wanted {
        tokio::select! {
            _ = look.tick() => {
                coordinator.workers().await.expect("the workers are shown");
            }
            results = coordinator.results(1, 500, Duration::from_millis(250)) => {
                for result in results.expect("results are handed over") {
                    assert_eq!(result.bytes.len(), BYTES, "a snapshot is whole");
                    newest.insert(result.worker.0, result.seq);
                    fetched += 1;
                }
            }
        }
    }
    newest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_workers_are_served_and_no_snapshot_is_lost() {
    let server = Server::start().await;
    // A process for each would have too many files open for one test.
    let processes: Vec<_> = (0..10).map(|_| Arc::new(server.coordinator())).collect();
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        workers.spawn(work(Arc::clone(&processes[worker % processes.len()]), worker));
    }
    let seen = tokio::time::timeout(Duration::from_secs(120), control(server.coordinator()));
    let newest = seen.await.expect("the controller keeps up");
    workers.join_all().await;
    assert_eq!(newest.len(), WORKERS);
    assert!(newest.values().all(|&seq| seq == SECONDS), "the last of each has come last");
    assert_eq!(server.coordinator().workers().await.unwrap().len(), WORKERS);
}
