//! Checks the promises about clocks, tasks and heartbeats.

use super::{A_WHILE, Checked, SOON, a_beat, ok, run, while_waiting};
use crate::cluster::RunId;
use crate::cluster::coordinator::Beat;
use bytes::Bytes;
use std::time::Duration;
use tokio::task::JoinSet;

pub(super) async fn all_times_come_from_one_clock(coordinator: Checked) {
    let before = ok(coordinator.now_us().await);
    let beat = ok(coordinator.beat(&a_beat("w", 1)).await);
    let after = ok(coordinator.now_us().await);
    assert!(
        before <= beat && beat <= after,
        "promise 1: a beat between {before} and {after} us was answered with {beat}"
    );
    let shown = ok(coordinator.workers().await)[0].1;
    assert_eq!(shown, beat, "promise 1: the time that is shown of a beat, and was answered");
}

pub(super) async fn a_task_goes_to_one_worker(coordinator: Checked) {
    ok(coordinator.offer(1, &run(), 5).await);
    let mut takers = JoinSet::new();
    for worker in 0..12 {
        let coordinator = coordinator.clone();
        let worker = format!("w{worker}").as_str().into();
        takers.spawn(async move { ok(coordinator.take(&worker, Duration::from_secs(1)).await) });
    }
    let taken = takers.join_all().await.into_iter().flatten();
    let taken: Vec<_> = taken.inspect(|task| assert_eq!(task.run, run())).collect();
    assert_eq!(taken.len(), 5, "promise 2: of 5 offered tasks were handed out");
}

pub(super) async fn a_worker_that_waits_gets_a_task_soon(coordinator: Checked) {
    let worker = "w".into();
    let (task, ()) = while_waiting(
        "promise 2: a worker waits for a task that is then offered",
        async { ok(coordinator.take(&worker, 2 * SOON).await) },
        async { ok(coordinator.offer(1, &run(), 1).await) },
    )
    .await;
    assert_eq!(task.map(|task| task.run), Some(run()), "promise 2: the task that was offered");
}

pub(super) async fn a_withdrawn_task_is_handed_out_no_more(coordinator: Checked) {
    let (other, worker) = (RunId::from("other"), "w".into());
    ok(coordinator.offer(1, &run(), 3).await);
    ok(coordinator.offer(1, &other, 1).await);
    ok(coordinator.withdraw(1, &run()).await);
    let first = ok(coordinator.take(&worker, SOON).await).map(|task| task.run);
    assert_eq!(first, Some(other), "promise 2: the task that was not withdrawn");
    let second = ok(coordinator.take(&worker, A_WHILE).await);
    assert_eq!(second, None, "promise 2: after all others were withdrawn");
    ok(coordinator.offer(1, &run(), 1).await);
    let again = ok(coordinator.take(&worker, SOON).await).map(|task| task.run);
    assert_eq!(again, Some(run()), "promise 2: a task that was offered after a withdrawal");
}

pub(super) async fn tasks_wait_for_workers_in_their_order(coordinator: Checked) {
    let runs: Vec<RunId> = ["a", "b", "c"].map(RunId::from).to_vec();
    for run in &runs {
        ok(coordinator.offer(1, run, 1).await);
    }
    let mut taken = Vec::new();
    for _ in &runs {
        taken.extend(ok(coordinator.take(&"w".into(), SOON).await).map(|task| task.run));
    }
    assert_eq!(taken, runs, "promise 2: tasks that were offered before anybody asked");
    let none = ok(coordinator.take(&"w".into(), Duration::ZERO).await);
    assert_eq!(none, None, "promise 2: asked without waiting where there is none");
}

pub(super) async fn the_last_beat_is_shown(coordinator: Checked) {
    assert_eq!(ok(coordinator.workers().await), [], "promise 3: before any beat");
    let mut last = Vec::new();
    for worker in ["a", "b \"\n\u{fc}"] {
        ok(coordinator.beat(&a_beat(worker, 1)).await);
        let beat = a_beat(worker, 2);
        let at_us = ok(coordinator.beat(&beat).await);
        last.push((beat, at_us));
    }
    let shown = async || {
        let mut shown = ok(coordinator.workers().await);
        shown.sort_by(|(a, _), (b, _)| a.worker.cmp(&b.worker));
        shown
    };
    assert_eq!(shown().await, last, "promise 3: the last beat of each worker and its time");
    // A worker that was not answered repeats its beat, and counts from the repetition on.
    tokio::time::sleep(A_WHILE).await;
    last[0].1 = ok(coordinator.beat(&last[0].0).await);
    assert_eq!(shown().await, last, "promise 3: the time of a repeated beat");
}

pub(super) async fn a_beat_that_is_none_shuts_out_no_other(coordinator: Checked) {
    for said in [&b""[..], b"left", b"99999999999999999999 1 {}", b"\xff\x00\n"] {
        let none = Beat { worker: "w".into(), said: Bytes::from_static(said) };
        ok(coordinator.beat(&none).await);
        let shown: Vec<_> = ok(coordinator.workers().await).into_iter().map(|(it, _)| it).collect();
        assert_eq!(shown, [none], "promise 3: what was said is carried as it is");
        ok(coordinator.beat(&a_beat("w", 1)).await);
        let shown = ok(coordinator.workers().await);
        assert_eq!(shown[0].0, a_beat("w", 1), "promise 3: after {said:?}");
    }
}
