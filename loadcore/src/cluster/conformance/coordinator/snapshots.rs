//! Checks the promises about snapshots, results and what is durable.

use super::{A_WHILE, Checked, SOON, a_snapshot, ok, run, while_waiting};
use crate::cluster::RunId;
use crate::cluster::coordinator::{QUEUED_RESULTS, SnapshotRecord};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

/// A run's newest snapshots, in the order of workers and epochs.
async fn newest(coordinator: &Checked, run: &RunId) -> Vec<SnapshotRecord> {
    let mut newest = ok(coordinator.newest(run).await);
    newest.sort_by(|a, b| (&a.worker, a.epoch).cmp(&(&b.worker, b.epoch)));
    newest
}

async fn results(coordinator: &Checked, term: u64, most: usize) -> Vec<SnapshotRecord> {
    ok(coordinator.results(term, most, A_WHILE).await)
}

pub(super) async fn the_newest_snapshot_is_shown(coordinator: Checked) {
    let other = |worker| SnapshotRecord { run: "other".into(), ..a_snapshot(worker, 1, 1) };
    ok(coordinator.put(&other("a")).await);
    for seq in [2, 11, 9, 1, 11] {
        for (worker, epoch) in [("a", 1), ("a", 2), ("b", 1)] {
            ok(coordinator.put(&a_snapshot(worker, epoch, seq)).await);
        }
    }
    // The same number means the same content: what was first stays.
    let mut repeated = a_snapshot("a", 1, 11);
    repeated.bytes = Bytes::from_static(b"not the first");
    ok(coordinator.put(&repeated).await);
    let expected = [("a", 1), ("a", 2), ("b", 1)].map(|(who, epoch)| a_snapshot(who, epoch, 11));
    assert_eq!(newest(&coordinator, &run()).await, expected, "promise 6: of each the newest");
    assert_eq!(newest(&coordinator, &"other".into()).await, [other("a")], "promise 6: of a run");
}

pub(super) async fn a_discarded_snapshot_shuts_out_no_other(coordinator: Checked) {
    let (worker, high) = ("w".into(), 1 << 33);
    let discard = async |run: &RunId, epoch, seq| {
        ok(coordinator.discard(1, run, &worker, epoch, seq).await);
    };
    discard(&run(), 1, 1).await;
    for snapshot in [("w", 1, high), ("w", 2, high), ("v", 1, high), ("w", 1, 3)] {
        let (worker, epoch, seq) = snapshot;
        ok(coordinator.put(&a_snapshot(worker, epoch, seq)).await);
    }
    for (run, epoch, seq) in [(&run(), 1, high - 1), (&run(), 3, high), (&"other".into(), 1, high)]
    {
        discard(run, epoch, seq).await;
        let there = newest(&coordinator, run).await.len();
        let expected = if run.as_str() == "run" { 3 } else { 0 };
        assert_eq!(there, expected, "promise 6: after discarding what is not there");
    }
    discard(&run(), 1, high).await;
    let others = [("v", 1), ("w", 2)].map(|(who, epoch)| a_snapshot(who, epoch, high));
    assert_eq!(newest(&coordinator, &run()).await, others, "promise 6: after a discard");
    ok(coordinator.put(&a_snapshot("w", 1, 4)).await);
    discard(&run(), 1, high).await;
    let shown = newest(&coordinator, &run()).await;
    let expected = [a_snapshot("v", 1, high), a_snapshot("w", 1, 4), a_snapshot("w", 2, high)];
    assert_eq!(shown, expected, "promise 6: put after a discard, and discarded again");
    let queued = results(&coordinator, 1, 10).await;
    assert_eq!(queued.last(), Some(&a_snapshot("w", 1, 4)), "promise 7: put after a discard");
}

pub(super) async fn snapshots_are_accepted_before_a_run_is_open(coordinator: Checked) {
    ok(coordinator.put(&a_snapshot("w", 1, 4)).await);
    ok(coordinator.open(1, &run(), Bytes::new(), &[]).await);
    let shown = newest(&coordinator, &run()).await;
    assert_eq!(shown, [a_snapshot("w", 1, 4)], "promise 6: put before the run was open");
    assert_eq!(newest(&coordinator, &"none".into()).await, [], "promise 6: of a run without any");
}

pub(super) async fn names_and_bytes_are_carried_as_they_are(coordinator: Checked) {
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let snapshot = SnapshotRecord {
        run: "a {run}: \"\u{1F600}\"\n".into(),
        worker: "a/b 7\r\n'".into(),
        epoch: u64::MAX - 1,
        seq: u64::MAX - 1,
        elapsed_ns: u64::MAX,
        is_final: true,
        bytes: bytes.into(),
    };
    let empty = SnapshotRecord { bytes: Bytes::new(), worker: "".into(), ..snapshot.clone() };
    for snapshot in [&empty, &snapshot] {
        ok(coordinator.put(snapshot).await);
        let said = snapshot.bytes.slice(..snapshot.bytes.len().min(300));
        let confirmed = (snapshot.worker.clone(), snapshot.epoch, said.clone());
        ok(coordinator.confirm(1, &snapshot.run, &[confirmed]).await);
        let durable = ok(coordinator.put(snapshot).await);
        assert_eq!(durable, Some(said), "promise 8: of a snapshot with a strange name");
    }
    let both = [empty, snapshot];
    assert!(newest(&coordinator, &both[0].run).await == both, "promise 6: a snapshot was changed");
    assert!(results(&coordinator, 1, 10).await == both, "promise 7: a snapshot was changed");
}

pub(super) async fn newer_snapshots_come_out_of_the_queue_in_order(coordinator: Checked) {
    let nothing = ok(coordinator.results(1, 10, Duration::ZERO).await);
    assert_eq!(nothing, [], "promise 7: before any was put");
    for seq in [1, 2, 2, 1, 3, 4, 5] {
        ok(coordinator.put(&a_snapshot("w", 1, seq)).await);
    }
    let mut fetched = Vec::new();
    for _ in 0..4 {
        let batch = results(&coordinator, 1, 2).await;
        assert!(batch.len() <= 2, "promise 7: {} results where at most 2 were wanted", batch.len());
        fetched.extend(batch.into_iter().map(|snapshot| snapshot.seq));
    }
    assert_eq!(fetched, [1, 2, 3, 4, 5], "promise 7: the numbers of the results");
    ok(coordinator.put(&a_snapshot("w", 1, 6)).await);
    let later = results(&coordinator, 1, 10).await;
    assert_eq!(later, [a_snapshot("w", 1, 6)], "promise 7: after the queue was empty");
}

pub(super) async fn unsettled_results_go_to_the_next_controller(coordinator: Checked) {
    for seq in 1..=5 {
        ok(coordinator.put(&a_snapshot("w", 1, seq)).await);
    }
    let numbers = |batch: Vec<SnapshotRecord>| batch.iter().map(|s| s.seq).collect::<Vec<_>>();
    let first = numbers(results(&coordinator, 1, 2).await);
    let second = numbers(results(&coordinator, 1, 2).await);
    assert_eq!((first, second), (vec![1, 2], vec![3, 4]), "promise 7: to the first controller");
    // It dies, so that nobody knows what became of 3 and 4.
    let mut next = BTreeSet::new();
    for _ in 0..3 {
        next.extend(numbers(results(&coordinator, 2, 10).await));
    }
    assert_eq!(next, BTreeSet::from([3, 4, 5]), "promise 7: to the next controller");
    assert_eq!(results(&coordinator, 2, 10).await, [], "promise 7: after all were settled");
}

pub(super) async fn whoever_waits_for_results_gets_them_soon(coordinator: Checked) {
    let (fetched, _) = while_waiting(
        "promise 7: a controller waits for a result that is then put",
        async { ok(coordinator.results(1, 10, 2 * SOON).await) },
        async { ok(coordinator.put(&a_snapshot("w", 1, 1)).await) },
    )
    .await;
    assert_eq!(fetched, [a_snapshot("w", 1, 1)], "promise 7: the result that was put");
}

pub(super) async fn ten_thousand_results_may_wait(coordinator: Checked) {
    const WORKERS: u64 = 10;
    let each = QUEUED_RESULTS as u64 / WORKERS;
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let coordinator = coordinator.clone();
        workers.spawn(async move {
            for seq in 1..=each {
                ok(coordinator.put(&a_snapshot(&format!("w{worker}"), 1, seq)).await);
            }
        });
    }
    workers.join_all().await;
    let mut fetched = BTreeSet::new();
    loop {
        let batch = results(&coordinator, 1, 500).await;
        if batch.is_empty() {
            break;
        }
        fetched.extend(batch.into_iter().map(|snapshot| (snapshot.worker, snapshot.seq)));
    }
    assert_eq!(fetched.len(), QUEUED_RESULTS, "promise 7: of as many results as may wait");
}

pub(super) async fn what_is_confirmed_is_answered(coordinator: Checked) {
    let put = async |worker, epoch, seq| ok(coordinator.put(&a_snapshot(worker, epoch, seq)).await);
    let said = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    assert_eq!(put("a", 1, 1).await, None, "promise 8: before anything was confirmed");
    let confirmed =
        [("a".into(), 1, "1".into()), ("a".into(), 2, "8".into()), ("b".into(), 1, "12".into())];
    ok(coordinator.confirm(1, &run(), &confirmed).await);
    ok(coordinator.confirm(1, &run(), &[]).await);
    assert_eq!(put("a", 1, 2).await, said("1"), "promise 8: to the worker with a newer snapshot");
    assert_eq!(put("a", 1, 1).await, said("1"), "promise 8: to the worker with an older snapshot");
    assert_eq!(put("a", 2, 9).await, said("8"), "promise 8: in another epoch");
    assert_eq!(put("b", 1, 1).await, said("12"), "promise 8: to another worker");
    assert_eq!(put("c", 1, 1).await, None, "promise 8: to a worker that was not confirmed");
    ok(coordinator.confirm(1, &run(), &[("a".into(), 1, "2".into())]).await);
    assert_eq!(put("a", 1, 3).await, said("2"), "promise 8: what was last confirmed");
}
