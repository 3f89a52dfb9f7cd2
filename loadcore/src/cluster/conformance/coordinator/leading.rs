//! Checks the promises about who leads, what a closed run leaves, and how long calls take.

use super::{
    A_WHILE, Checked, SOON, a_beat, a_line, a_snapshot, controller, kind, ok, run, soon,
    while_waiting,
};
use crate::cluster::RunId;
use crate::cluster::coordinator::{Kind, PATIENCE, Tip};
use bytes::Bytes;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

pub(super) async fn one_controller_leads(coordinator: Checked) {
    let (first, second) = (controller("first", 1), controller("second", 2));
    assert_eq!(ok(coordinator.lead(&first, LONG).await), first, "promise 9: the first to ask");
    assert_eq!(ok(coordinator.lead(&second, LONG).await), first, "promise 9: while another leads");
    assert_eq!(ok(coordinator.lead(&first, LONG).await), first, "promise 9: who renews");
    ok(coordinator.offer(1, &run(), 1).await);
    let moved = super::Leader { address: "http://elsewhere".into(), ..first };
    assert_eq!(ok(coordinator.lead(&moved, LONG).await), moved, "promise 9: with a new address");
}

/// The second controller asks until it leads.
async fn second_leads(coordinator: &Checked) {
    let second = controller("second", 2);
    let asks = async {
        while ok(coordinator.lead(&second, LONG).await) != second {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("promise 9: another asks for the lead until the lease is over", asks).await;
}

pub(super) async fn the_lead_ends_with_its_lease(coordinator: Checked) {
    ok(coordinator.lead(&controller("first", 1), SHORT).await);
    second_leads(&coordinator).await;
    let refused = kind(coordinator.lead(&controller("first", 1), LONG).await);
    assert_eq!(refused, Kind::Superseded(2), "promise 9: who led before asks for the lead again");
    let third = ok(coordinator.lead(&controller("third", 3), LONG).await);
    assert_eq!(third, controller("second", 2), "promise 9: while the second leads");
}

pub(super) async fn who_abdicates_leads_no_more(coordinator: Checked) {
    let (first, second) = (controller("first", 1), controller("second", 2));
    ok(coordinator.abdicate(&first).await);
    ok(coordinator.lead(&first, LONG).await);
    ok(coordinator.abdicate(&second).await);
    let leads = ok(coordinator.lead(&second, LONG).await);
    assert_eq!(leads, first, "promise 9: after one who does not lead has abdicated");
    ok(coordinator.abdicate(&first).await);
    let leads = ok(coordinator.lead(&second, LONG).await);
    assert_eq!(leads, second, "promise 9: after the leader has abdicated");
}

pub(super) async fn a_controller_of_the_past_is_refused(coordinator: Checked) {
    ok(coordinator.lead(&controller("first", 9), SHORT).await);
    ok(coordinator.open(9, &run(), Bytes::new(), &[]).await);
    ok(coordinator.abdicate(&controller("first", 9)).await);
    ok(coordinator.lead(&controller("second", 10), LONG).await);
    let past = &coordinator;
    let refused = [
        ("open", kind(past.open(9, &run(), Bytes::new(), &[a_line(9)]).await)),
        ("append", kind(past.append(9, &run(), 0, &[a_line(9)]).await)),
        ("offer", kind(past.offer(9, &run(), 1).await)),
        ("withdraw", kind(past.withdraw(9, &run()).await)),
        ("results", kind(past.results(9, 10, A_WHILE).await)),
        ("discard", kind(past.discard(9, &run(), &"w".into(), 1, 1).await)),
        ("confirm", kind(past.confirm(9, &run(), &[("w".into(), 1, "1".into())]).await)),
        ("close", kind(past.close(9, &run(), &a_line(9)).await)),
    ];
    for (call, kind) in refused {
        assert_eq!(kind, Kind::Superseded(10), "promise 9: {call} with the term of the past");
    }
    let journal = ok(coordinator.journal(&run(), 0, Duration::ZERO).await);
    assert_eq!(journal, Some(vec![]), "promise 9: the journal after the calls of the past");
    let task = ok(coordinator.take(&"w".into(), A_WHILE).await);
    assert_eq!(task, None, "promise 9: tasks after the calls of the past");
    let durable = ok(coordinator.put(&a_snapshot("w", 1, 1)).await);
    assert_eq!(durable, None, "promise 9: what is durable after the calls of the past");
    ok(coordinator.append(10, &run(), 0, &[a_line(0)]).await);
}

/// A run with something of everything.
async fn full_run(coordinator: &Checked) {
    let lines = [a_line(0), a_line(1)];
    ok(coordinator.open(1, &run(), Bytes::from_static(b"plan"), &lines).await);
    ok(coordinator.offer(1, &run(), 3).await);
    ok(coordinator.put(&a_snapshot("w", 1, 5)).await);
    ok(coordinator.confirm(1, &run(), &[("w".into(), 1, "5".into())]).await);
}

pub(super) async fn a_closed_run_leaves_nothing(coordinator: Checked) {
    full_run(&coordinator).await;
    let name = run();
    let (seen, ()) = while_waiting(
        "promise 10: a worker waits for an entry of a run that is then closed",
        async { ok(coordinator.journal(&name, 2, 2 * SOON).await) },
        async { ok(coordinator.close(1, &run(), &a_line(9)).await) },
    )
    .await;
    let end = Some(vec![a_line(9)]);
    assert_eq!(seen, end, "promise 10: what the worker saw that waited");
    for from in [0, 1, 2, 100] {
        let seen = ok(coordinator.journal(&run(), from, SOON).await);
        assert_eq!(seen, end, "promise 10: the journal from entry {from} on");
    }
    assert_eq!(ok(coordinator.plan(&run()).await), None, "promise 10: the plan");
    assert_eq!(ok(coordinator.newest(&run()).await), [], "promise 10: the snapshots");
    let task = ok(coordinator.take(&"w".into(), A_WHILE).await);
    assert_eq!(task, None, "promise 10: the tasks");
}

pub(super) async fn a_closed_run_takes_nothing(coordinator: Checked) {
    full_run(&coordinator).await;
    for _ in 0..2 {
        ok(coordinator.close(1, &run(), &a_line(9)).await);
    }
    ok(coordinator.results(1, 10, A_WHILE).await);
    for seq in [6, 3] {
        let durable = ok(coordinator.put(&a_snapshot("w", 1, seq)).await);
        assert_eq!(durable, None, "promise 10: the answer to a snapshot after the end");
    }
    ok(coordinator.confirm(1, &run(), &[("w".into(), 1, "6".into())]).await);
    let refused = kind(coordinator.append(1, &run(), 1, &[a_line(9)]).await);
    assert_eq!(refused, Kind::Conflict, "promise 10: appending after the end");
    let refused = kind(coordinator.offer(1, &run(), 1).await);
    assert_eq!(refused, Kind::Conflict, "promise 10: offering tasks after the end");
    assert_eq!(ok(coordinator.newest(&run()).await), [], "promise 10: snapshots after the end");
    let left = ok(coordinator.results(1, 10, A_WHILE).await);
    assert_eq!(left, [], "promise 10: results that were put after the end");
}

pub(super) async fn a_closed_run_can_be_opened_again(coordinator: Checked) {
    full_run(&coordinator).await;
    // As somebody does who makes workers believe that it is over.
    ok(coordinator.close(1, &run(), &a_line(9)).await);
    ok(coordinator.open(1, &run(), Bytes::from_static(b"plan"), &[a_line(0), a_line(1)]).await);
    ok(coordinator.append(1, &run(), 2, &[a_line(2)]).await);
    let journal = ok(coordinator.journal(&run(), 1, Duration::ZERO).await);
    assert_eq!(journal, Some(vec![a_line(1), a_line(2)]), "promise 10: opened after the end");
    ok(coordinator.put(&a_snapshot("w", 1, 6)).await);
    let newest = ok(coordinator.newest(&run()).await);
    assert_eq!(newest, [a_snapshot("w", 1, 6)], "promise 10: put after it was opened again");
}

pub(super) async fn closing_one_run_leaves_the_others(coordinator: Checked) {
    let other = RunId::from("other");
    ok(coordinator.open(1, &other, Bytes::from_static(b"plan"), &[]).await);
    ok(coordinator.offer(1, &other, 1).await);
    ok(coordinator.close(1, &run(), &a_line(9)).await);
    let plan = ok(coordinator.plan(&other).await);
    assert_eq!(plan, Some(Bytes::from_static(b"plan")), "promise 10: another run's plan");
    let task = ok(coordinator.take(&"w".into(), SOON).await).map(|task| task.run);
    assert_eq!(task, Some(other), "promise 10: another run's task");
}

pub(super) async fn no_call_waits_for_ever(coordinator: Checked) {
    ok(coordinator.open(1, &run(), Bytes::new(), &[]).await);
    let (worker, run) = ("w".into(), run());
    let calls = async {
        ok(coordinator.now_us().await);
        ok(coordinator.beat(&a_beat("w", 1)).await);
        assert_eq!(ok(coordinator.take(&worker, A_WHILE).await), None, "promise 11: a task");
        let entries = ok(coordinator.journal(&run, 0, A_WHILE).await);
        assert_eq!(entries, Some(vec![]), "promise 11: an entry");
        let tip = Some(Tip { lines: 0, last: None });
        assert_eq!(ok(coordinator.tip(&run).await), tip, "promise 11: how far a journal goes");
        let none = ok(coordinator.journal(&"none".into(), 3, A_WHILE).await);
        assert_eq!(none, None, "promise 11: an entry of no run");
        assert_eq!(ok(coordinator.results(1, 10, A_WHILE).await), [], "promise 11: results");
    };
    let bound = 6 * (A_WHILE + PATIENCE);
    let done = tokio::time::timeout(bound, calls).await;
    assert!(done.is_ok(), "promise 11: calls that should wait {A_WHILE:?} each took {bound:?}");
}
