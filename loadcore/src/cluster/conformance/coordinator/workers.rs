//! Checks the promises about clocks, tasks and heartbeats.

use super::{A_WHILE, Checked, SOON, a_report, ok, run, while_waiting};
use crate::cluster::RunId;
use crate::cluster::coordinator::{Seen, TaskReport, TaskState};
use std::time::Duration;
use tokio::task::JoinSet;

pub(super) async fn all_times_come_from_one_clock(coordinator: Checked) {
    let before = ok(coordinator.now_us().await);
    let beat = ok(coordinator.beat(&a_report("w", 1)).await);
    let after = ok(coordinator.now_us().await);
    assert!(
        before <= beat && beat <= after,
        "promise 1: a beat between {before} and {after} us was answered with {beat}"
    );
    let shown = ok(coordinator.workers().await)[0].at_us;
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
    let task = |state| Some(TaskReport { run: run(), epoch: 2, applied: 7, released_ns: 8, state });
    let mut last = Vec::new();
    for worker in ["a", "b"] {
        ok(coordinator.beat(&a_report(worker, 1)).await);
        let reason = "a path may not hold \"\n\"".to_owned();
        let mut report = a_report(worker, 2);
        report.task = task(TaskState::Refused { reason });
        report.max_rps = None;
        let at_us = ok(coordinator.beat(&report).await);
        last.push(Seen { report, at_us });
    }
    let mut shown = ok(coordinator.workers().await);
    shown.sort_by(|a, b| a.report.worker.cmp(&b.report.worker));
    assert_eq!(shown, last, "promise 3: the last report of each worker and its time");
}

pub(super) async fn a_late_beat_does_not_replace_a_newer_one(coordinator: Checked) {
    let newer = ok(coordinator.beat(&a_report("w", 12)).await);
    ok(coordinator.beat(&a_report("w", 9)).await);
    let shown = ok(coordinator.workers().await);
    assert_eq!(shown.len(), 1, "promise 3: reports of one worker");
    assert_eq!(shown[0].report.beat, 12, "promise 3: what is shown never gets older");
    assert!(shown[0].at_us >= newer, "promise 3: the time of what is shown never gets older");
    // A worker that was not answered repeats its beat, and counts from the repetition on.
    tokio::time::sleep(A_WHILE).await;
    let again = ok(coordinator.beat(&a_report("w", 12)).await);
    let shown = ok(coordinator.workers().await)[0].at_us;
    assert_eq!(shown, again, "promise 3: the time of a repeated beat");
}

pub(super) async fn a_worker_that_left_is_not_shown(coordinator: Checked) {
    ok(coordinator.beat(&a_report("stays", 1)).await);
    ok(coordinator.beat(&a_report("leaves", 1)).await);
    ok(coordinator.leave(&"leaves".into()).await);
    // A beat that was under way when the worker said goodbye.
    ok(coordinator.beat(&a_report("leaves", 2)).await);
    let shown: Vec<_> =
        ok(coordinator.workers().await).into_iter().map(|seen| seen.report.worker.0).collect();
    assert_eq!(shown, ["stays"], "promise 3: after the other has left");
    ok(coordinator.leave(&"never came".into()).await);
    assert_eq!(ok(coordinator.workers().await).len(), 1, "promise 3: after a stranger has left");
}
