//! Tests what becomes of a coordinator's calls when Redis is killed, frozen, wiped, restored from a
//! backup, or never there, and when somebody else writes into our keys.

mod support;

use loadcore::cluster::conformance::{a_beat, a_line, a_snapshot};
use loadcore::cluster::coordinator::{
    Coordinator, CoordinatorError, Kind, Leader, PATIENCE, SnapshotRecord,
};
use loadcore::cluster::journal::{Line, Task};
use loadcore::cluster::{RunId, WorkerId};
use loadcore::time::Clock;
use loadcore_redis::RedisCoordinator;
use std::sync::Arc;
use std::time::Duration;
use support::{SOON, Server, in_the_end};

const NOW: Duration = Duration::ZERO;
const A_WHILE: Duration = Duration::from_millis(150);

fn run() -> RunId {
    "run".into()
}

fn worker() -> WorkerId {
    "w".into()
}

fn plan() -> bytes::Bytes {
    "the plan".into()
}

fn lines(numbers: std::ops::Range<u64>) -> Vec<Line> {
    numbers.map(a_line).collect()
}

fn leader(name: &str, term: u64) -> Leader {
    Leader { controller: name.into(), term, address: String::new() }
}

async fn whole(coordinator: &RedisCoordinator) -> Option<Vec<Line>> {
    coordinator.journal(&run(), 0, NOW).await.unwrap()
}

fn numbers(snapshots: &[SnapshotRecord]) -> Vec<u64> {
    snapshots.iter().map(|snapshot| snapshot.seq).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redis_that_comes_back_with_its_file_has_lost_nothing() {
    let mut server = Server::start_durable().await;
    let coordinator = server.coordinator();
    coordinator.lead(&leader("c", 3), SOON).await.unwrap();
    coordinator.open(3, &run(), plan(), &lines(0..2)).await.unwrap();
    coordinator.offer(3, &run(), 1).await.unwrap();
    coordinator.beat(&a_beat("w", 1)).await.unwrap();
    for seq in 1..=4 {
        coordinator.put(&a_snapshot("w", 1, seq)).await.unwrap();
    }
    let first = coordinator.results(3, 2, NOW).await.unwrap();
    assert_eq!(numbers(&first), [1, 2]);

    server.kill();
    server.spawn().await;

    in_the_end(async || coordinator.append(3, &run(), 2, &lines(2..3)).await).await;
    assert_eq!(whole(&coordinator).await, Some(lines(0..3)));
    assert_eq!(coordinator.plan(&run()).await.unwrap(), Some(plan()));
    let task = in_the_end(async || coordinator.take(&worker(), A_WHILE).await).await;
    assert_eq!(task, Some(Task { run: run() }));
    assert_eq!(coordinator.workers().await.unwrap().len(), 1);
    let rest = in_the_end(async || coordinator.results(3, 10, A_WHILE).await).await;
    assert_eq!(numbers(&rest), [3, 4]);
    let refused = coordinator.open(2, &run(), plan(), &[]).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Superseded(3), "the term outlasts a restart");
}

/// Everything that a controller and a worker do, with the run brought again first.
async fn works_from_nothing(coordinator: &RedisCoordinator) {
    let refused = in_the_end(async || match coordinator.append(3, &run(), 2, &lines(2..3)).await {
        Err(error) if error.kind == Kind::Conflict => Ok(()),
        Err(error) => Err(error),
        Ok(()) => panic!("an entry was appended to a journal that is gone"),
    });
    refused.await;
    coordinator.open(3, &run(), plan(), &lines(0..2)).await.unwrap();
    coordinator.append(3, &run(), 2, &lines(2..3)).await.unwrap();
    assert_eq!(whole(coordinator).await, Some(lines(0..3)));
    coordinator.offer(3, &run(), 1).await.unwrap();
    let task = in_the_end(async || coordinator.take(&worker(), SOON).await).await;
    assert_eq!(task, Some(Task { run: run() }));
    in_the_end(async || coordinator.beat(&a_beat("w", 7)).await).await;
    assert_eq!(coordinator.workers().await.unwrap().len(), 1);
    in_the_end(async || coordinator.put(&a_snapshot("w", 1, 7)).await).await;
    let results = in_the_end(async || coordinator.results(3, 10, SOON).await).await;
    assert_eq!(numbers(&results), [7]);
    assert_eq!(numbers(&coordinator.newest(&run()).await.unwrap()), [7]);
    assert_eq!(coordinator.lead(&leader("c", 3), SOON).await.unwrap(), leader("c", 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redis_that_comes_back_empty_works_on() {
    let mut server = Server::start().await;
    let coordinator = server.coordinator();
    coordinator.open(3, &run(), plan(), &lines(0..2)).await.unwrap();
    works_on_with(&coordinator).await;
    server.kill();
    server.spawn().await;
    works_from_nothing(&coordinator).await;
}

/// Uses every script, group and connection once.
async fn works_on_with(coordinator: &RedisCoordinator) {
    coordinator.lead(&leader("c", 3), SOON).await.unwrap();
    coordinator.offer(3, &run(), 1).await.unwrap();
    coordinator.take(&worker(), NOW).await.unwrap();
    coordinator.beat(&a_beat("w", 1)).await.unwrap();
    coordinator.put(&a_snapshot("w", 1, 1)).await.unwrap();
    coordinator.results(3, 1, NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_wiped_while_all_wait_works_on() {
    let server = Server::start().await;
    let coordinator = Arc::new(server.coordinator());
    coordinator.open(3, &run(), plan(), &lines(0..2)).await.unwrap();
    works_on_with(&coordinator).await;
    let wait = 2 * SOON;
    let waits = |coordinator: &Arc<RedisCoordinator>| {
        let (a, b, c) = (coordinator.clone(), coordinator.clone(), coordinator.clone());
        (
            tokio::spawn(async move { a.take(&worker(), wait).await }),
            tokio::spawn(async move { b.journal(&run(), 2, wait).await }),
            tokio::spawn(async move { c.results(3, 10, wait).await }),
        )
    };
    let (task, journal, results) = waits(&coordinator);
    tokio::time::sleep(A_WHILE).await;
    server.wipe();
    let brought = async {
        coordinator.open(3, &run(), plan(), &lines(0..3)).await.unwrap();
        coordinator.offer(3, &run(), 1).await.unwrap();
        coordinator.put(&a_snapshot("w", 1, 2)).await.unwrap();
        let task = task.await.unwrap().unwrap();
        let journal = journal.await.unwrap().unwrap();
        (task, journal, results.await.unwrap().unwrap())
    };
    let (task, journal, results) =
        tokio::time::timeout(SOON, brought).await.expect("all who waited got what came");
    assert_eq!(task, Some(Task { run: run() }));
    assert_eq!(journal, Some(lines(2..3)));
    assert_eq!(numbers(&results), [2]);
    server.wipe();
    works_from_nothing(&coordinator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_of_yesterday_is_brought_up_to_date() {
    let mut server = Server::start_durable().await;
    let coordinator = server.coordinator();
    coordinator.open(1, &run(), plan(), &lines(0..2)).await.unwrap();
    coordinator.put(&a_snapshot("w", 1, 5)).await.unwrap();
    let backup = tempfile::tempdir().unwrap();
    support::copy(&server.data(), backup.path());
    coordinator.append(1, &run(), 2, &lines(2..4)).await.unwrap();
    coordinator.put(&a_snapshot("w", 1, 9)).await.unwrap();

    server.kill();
    std::fs::remove_dir_all(server.data()).unwrap();
    support::copy(backup.path(), &server.data());
    server.spawn().await;

    let journal = in_the_end(async || coordinator.journal(&run(), 0, NOW).await).await;
    assert_eq!(journal, Some(lines(0..2)), "the backup is what is there");
    let refused = in_the_end(async || {
        Ok(coordinator.append(1, &run(), 4, &lines(4..5)).await.map_err(|error| error.kind))
    });
    assert_eq!(refused.await, Err(Kind::Conflict), "a gap");
    coordinator.open(1, &run(), plan(), &lines(0..4)).await.unwrap();
    coordinator.append(1, &run(), 4, &lines(4..5)).await.unwrap();
    assert_eq!(whole(&coordinator).await, Some(lines(0..5)));
    in_the_end(async || coordinator.put(&a_snapshot("w", 1, 9)).await).await;
    assert_eq!(numbers(&coordinator.newest(&run()).await.unwrap()), [9]);
}

#[tokio::test]
async fn whatever_others_have_done_to_a_journal_gives_way_to_what_is_brought() {
    let server = Server::start().await;
    let coordinator = server.coordinator();
    let mut raw = server.raw();
    let journal = "loadcore:{run}:journal";
    for (what, does) in [
        ("a line more", vec![vec!["XADD", journal, "0-4", "entry", "x"]]),
        ("a line far ahead", vec![vec!["XADD", journal, "0-99", "entry", "x"]]),
        (
            "a line far ahead that is gone",
            vec![vec!["XADD", journal, "0-99", "entry", "x"], vec!["XDEL", journal, "0-99"]],
        ),
        ("a line less", vec![vec!["XDEL", journal, "0-2"]]),
        ("its end", vec![vec!["XADD", journal, "1-1", "entry", "{\"entry\":\"close\"}"]]),
        ("a line without a text", vec![vec!["XADD", journal, "0-4", "a", "b", "c", "d"]]),
        ("nothing there", vec![vec!["DEL", journal]]),
        ("something else", vec![vec!["SET", journal, "a text"]]),
    ] {
        coordinator.open(1, &run(), plan(), &lines(0..3)).await.unwrap();
        for does in &does {
            redis::cmd(does[0]).arg(&does[1..]).exec(&mut raw).unwrap();
        }
        // What a controller does: it goes on where its own journal ends, and else brings all of it.
        if coordinator.append(1, &run(), 3, &lines(3..4)).await.is_err() {
            coordinator.open(1, &run(), plan(), &lines(0..4)).await.unwrap();
        } else {
            assert_eq!(whole(&coordinator).await, Some(lines(0..4)), "{what}");
        }
        coordinator.append(1, &run(), 4, &lines(4..5)).await.unwrap();
        assert_eq!(whole(&coordinator).await, Some(lines(0..5)), "{what}");
    }
}

/// Every call, with the time for which it was asked to wait.
async fn every_call_fails_in_time(coordinator: &RedisCoordinator) {
    let run = run();
    let (report, snapshot) = (a_beat("w", 1), a_snapshot("w", 1, 1));
    let (claim, worker) = (leader("c", 1), worker());
    tokio::join!(
        timed(NOW, coordinator.now_us()),
        timed(NOW, coordinator.beat(&report)),
        timed(NOW, coordinator.tip(&run)),
        timed(A_WHILE, coordinator.take(&worker, A_WHILE)),
        timed(A_WHILE, coordinator.journal(&run, 0, A_WHILE)),
        timed(NOW, coordinator.plan(&run)),
        timed(NOW, coordinator.put(&snapshot)),
        timed(NOW, coordinator.lead(&claim, SOON)),
        timed(NOW, coordinator.abdicate(&claim)),
        timed(NOW, coordinator.workers()),
        timed(NOW, coordinator.open(1, &run, plan(), &[])),
        timed(NOW, coordinator.append(1, &run, 0, &[])),
        timed(NOW, coordinator.offer(1, &run, 1)),
        timed(NOW, coordinator.withdraw(1, &run)),
        timed(A_WHILE, coordinator.results(1, 1, A_WHILE)),
        timed(NOW, coordinator.newest(&run)),
    );
    timed(NOW, coordinator.confirm(1, &run, &[])).await;
    timed(NOW, coordinator.close(1, &run, &a_line(9))).await;
}

/// Sees a call fail as unavailable, within its wait and the patience that was promised; and a second
/// for a busy machine.
async fn timed<T: std::fmt::Debug>(
    wait: Duration,
    call: impl Future<Output = Result<T, CoordinatorError>>,
) {
    let clock = Clock::start();
    let error = call.await.expect_err("nobody can have answered");
    let took = Duration::from_nanos(clock.now());
    let promised = wait + PATIENCE + Duration::from_secs(1);
    assert!(took <= promised, "could not {}: said so after {took:?}", error.doing);
    assert!(
        matches!(&error.kind, Kind::Unavailable(why) if why.contains("redis+unix:")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_redis_holds_nobody_up() {
    let server = Server::start().await;
    let coordinator = server.coordinator();
    // Once with connections that were good, once with connections that are not made.
    works_on_with(&coordinator).await;
    server.freeze();
    every_call_fails_in_time(&coordinator).await;
    every_call_fails_in_time(&coordinator).await;
    server.thaw();
    in_the_end(async || coordinator.beat(&a_beat("w", 2)).await).await;
    in_the_end(async || coordinator.put(&a_snapshot("w", 1, 2)).await).await;
    in_the_end(async || coordinator.journal(&run(), 0, NOW).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_not_there_may_come_later() {
    let mut server = Server::not_started(&[]);
    let coordinator = server.coordinator();
    every_call_fails_in_time(&coordinator).await;
    server.spawn().await;
    works_from_nothing(&coordinator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_long_hears_soon_that_redis_is_not_there() {
    let server = Server::not_started(&[]);
    timed(NOW, server.coordinator().take(&worker(), Duration::from_secs(600))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_controllers_and_one_truth() {
    let server = Server::start().await;
    let (old, new) = (server.coordinator(), Arc::new(server.coordinator()));
    let short = Duration::from_millis(200);
    assert_eq!(old.lead(&leader("old", 1), short).await.unwrap(), leader("old", 1));
    old.open(1, &run(), plan(), &lines(0..2)).await.unwrap();
    for seq in 1..=3 {
        old.put(&a_snapshot("w", 1, seq)).await.unwrap();
    }
    assert_eq!(numbers(&old.results(1, 2, NOW).await.unwrap()), [1, 2]);
    let leads = in_the_end(async || match new.lead(&leader("new", 2), SOON).await {
        Ok(who) if who.controller == "new" => Ok(who),
        Ok(who) => Err(CoordinatorError {
            kind: Kind::Superseded(who.term),
            doing: "wait for the lease to end",
            source: None,
        }),
        Err(error) => Err(error),
    });
    assert_eq!(leads.await.term, 2);
    for kind in [
        old.results(1, 10, NOW).await.unwrap_err().kind,
        old.append(1, &run(), 2, &lines(2..3)).await.unwrap_err().kind,
        old.lead(&leader("old", 1), SOON).await.unwrap_err().kind,
    ] {
        assert_eq!(kind, Kind::Superseded(2));
    }
    let first = new.results(2, 10, NOW).await.unwrap();
    let second = new.results(2, 10, NOW).await.unwrap();
    assert_eq!([numbers(&first), numbers(&second)].concat(), [1, 2, 3], "none is lost");
    assert_eq!(new.results(2, 10, NOW).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_a_worker_that_vanished_goes_to_another() {
    let server = Server::start().await;
    let coordinator = server.coordinator();
    coordinator.take(&worker(), NOW).await.unwrap();
    coordinator.offer(1, &run(), 1).await.unwrap();
    // It was delivered, and then the worker was gone.
    redis::cmd("XREADGROUP")
        .arg(&["GROUP", "all", "all", "STREAMS", "loadcore:tasks", ">"])
        .exec(&mut server.raw())
        .unwrap();
    assert_eq!(coordinator.take(&worker(), A_WHILE).await.unwrap(), None, "it may yet take it");
    let waits = async {
        loop {
            if let Some(task) = coordinator.take(&worker(), A_WHILE).await.unwrap() {
                return task;
            }
        }
    };
    let task = tokio::time::timeout(SOON, waits).await.expect("another gets it");
    assert_eq!(task.run, run());
    assert_eq!(coordinator.take(&worker(), A_WHILE).await.unwrap(), None, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_takes_nothing_with_it() {
    let server = Server::start().await;
    let coordinator = Arc::new(server.coordinator());
    for _ in 0..10 {
        let (a, b) = (coordinator.clone(), coordinator.clone());
        let task = tokio::spawn(async move { a.take(&worker(), SOON).await });
        let results = tokio::spawn(async move { b.results(1, 1, SOON).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        task.abort();
        results.abort();
    }
    // Redis has noticed that nobody is there any more.
    tokio::time::sleep(A_WHILE).await;
    coordinator.offer(1, &run(), 1).await.unwrap();
    coordinator.put(&a_snapshot("w", 1, 1)).await.unwrap();
    let task = coordinator.take(&worker(), SOON).await.unwrap();
    assert_eq!(task, Some(Task { run: run() }));
    assert_eq!(numbers(&coordinator.results(1, 1, SOON).await.unwrap()), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_callers_than_connections_may_wait() {
    let server = Server::start().await;
    let coordinator = Arc::new(server.coordinator());
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let coordinator = coordinator.clone();
        takers.spawn(async move { coordinator.take(&worker(), Duration::from_millis(500)).await });
    }
    let failed = takers.join_all().await.into_iter().filter_map(Result::err);
    assert_eq!(failed.map(|error| error.to_string()).collect::<Vec<_>>(), [""; 0]);
}

fn is_damaged<T: std::fmt::Debug>(answer: Result<T, CoordinatorError>) -> bool {
    matches!(answer, Err(CoordinatorError { kind: Kind::Damaged(_), .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_said_and_gets_out_of_the_way() {
    let server = Server::start().await;
    let coordinator = server.coordinator();
    let mut raw = server.raw();
    let mut does = |arguments: &[&str]| {
        redis::cmd(arguments[0]).arg(&arguments[1..]).exec(&mut raw).unwrap();
    };

    coordinator.put(&a_snapshot("w", 1, 1)).await.unwrap();
    does(&["XADD", "loadcore:results", "*", "snapshot", "nonsense"]);
    does(&["XADD", "loadcore:results", "*", "a", "b", "c", "d"]);
    coordinator.put(&a_snapshot("w", 1, 2)).await.unwrap();
    assert_eq!(numbers(&coordinator.results(1, 10, NOW).await.unwrap()), [1, 2]);
    assert_eq!(numbers(&coordinator.results(1, 10, NOW).await.unwrap()), [0; 0]);

    does(&["XADD", "loadcore:tasks", "*", "a", "b", "c", "d"]);
    coordinator.offer(1, &run(), 1).await.unwrap();
    assert!(is_damaged(coordinator.take(&worker(), NOW).await));
    assert!(coordinator.take(&worker(), NOW).await.unwrap().is_some());

    coordinator.put(&a_snapshot("w", 1, 3)).await.unwrap();
    does(&["HSET", "loadcore:{run}:durable", "1/w", "many"]);
    assert_eq!(coordinator.put(&a_snapshot("w", 1, 4)).await.unwrap(), Some("many".into()));
    coordinator.confirm(1, &run(), &[(worker(), 1, "3".into())]).await.unwrap();
    assert_eq!(coordinator.put(&a_snapshot("w", 1, 4)).await.unwrap(), Some("3".into()));

    does(&["SET", "loadcore:{run}:plan", "x"]);
    does(&["XADD", "loadcore:{run}:journal", "0-1", "entry", "{\"entry\":\"dance\"}"]);
    assert_eq!(whole(&coordinator).await, Some(vec![Line("{\"entry\":\"dance\"}".into())]));
    coordinator.open(1, &run(), plan(), &lines(0..2)).await.unwrap();
    assert_eq!(whole(&coordinator).await, Some(lines(0..2)));

    for (key, other) in [("loadcore:tasks", "take"), ("loadcore:workers", "beat")] {
        does(&["SET", key, "a text"]);
        let is_said = match other {
            "take" => is_damaged(coordinator.take(&worker(), NOW).await),
            _ => is_damaged(coordinator.beat(&a_beat("w", 2)).await),
        };
        assert!(is_said, "{key} is of another type");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beats_that_cannot_be_read_hide_no_others() {
    let server = Server::start().await;
    let coordinator = server.coordinator();
    let mut raw = server.raw();
    let now_us = coordinator.now_us().await.unwrap();
    let mut stands = |worker: &str, beat: &str| {
        let name = "loadcore:workers";
        redis::cmd("HSET").arg(&[name, worker, beat]).exec(&mut raw).unwrap();
    };
    coordinator.beat(&a_beat("good", 1)).await.unwrap();
    stands("timeless", "{}");
    stands("left", "left");
    stands("of the past", "17 said");
    stands("of the future", &format!("{} said", u64::MAX));
    stands("another's", &format!("{now_us} said"));
    let mut seen: Vec<_> = coordinator.workers().await.unwrap();
    seen.sort_by(|(a, _), (b, _)| a.worker.cmp(&b.worker));
    let seen: Vec<_> = seen.iter().map(|(beat, _)| beat.worker.as_str()).collect();
    assert_eq!(seen, ["another's", "good"]);
    let mut left: Vec<String> =
        redis::cmd("HKEYS").arg("loadcore:workers").query(&mut server.raw()).unwrap();
    left.sort();
    assert_eq!(left, ["another's", "good"], "what is no beat, or of no time, is removed");
}

/// A record as it stands in Redis.
fn record(number: &str, head: &serde_json::Value) -> String {
    format!("{number}{head}\nbytes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_none_shuts_the_workers_own_out_in_no_case() {
    let server = Server::start().await;
    let coordinator = server.coordinator();
    let mut raw = server.raw();
    let head = serde_json::json!({
        "run": "run", "worker": "w", "epoch": 1, "elapsedNs": 0, "isFinal": false,
    });
    let with = |key: &str, value: serde_json::Value| {
        let mut changed = head.clone();
        changed[key] = value;
        changed
    };
    const HIGH: &str = "10000000000000000000";
    let rubbish = [
        "99999999999999999999".into(),
        "zzz".into(),
        record("99999999999999999999", &head),
        record("1000000000000000000x", &head),
        format!("{HIGH} and more\n"),
        format!("{HIGH}{head}"),
        record(HIGH, &1.into()),
        record(HIGH, &with("worker", "v".into())),
        record(HIGH, &with("epoch", 2.into())),
        record(HIGH, &with("isFinal", "no".into())),
        record(HIGH, &with("elapsedNs", "0".into())),
    ];
    coordinator.put(&a_snapshot("v", 1, 1)).await.unwrap();
    coordinator.results(1, 10, NOW).await.unwrap();
    for (seq, rubbish) in (1..).zip(&rubbish) {
        let key = "loadcore:{run}:newest";
        redis::cmd("HSET").arg(&[key, "1/w", rubbish]).exec(&mut raw).unwrap();
        let seen = coordinator.newest(&run()).await.unwrap();
        assert!(seen.contains(&a_snapshot("v", 1, 1)), "{rubbish:?} hides another's");
        let snapshot = SnapshotRecord { is_final: true, ..a_snapshot("w", 1, seq) };
        coordinator.put(&snapshot).await.unwrap();
        let seen = coordinator.newest(&run()).await.unwrap();
        assert!(seen.contains(&snapshot), "{rubbish:?} stays");
        let queued = coordinator.results(1, 10, NOW).await.unwrap();
        assert_eq!(queued, [snapshot], "{rubbish:?} keeps it from the controller");
    }
    // What is one keeps its place against older ones.
    let key = "loadcore:{run}:newest";
    redis::cmd("HSET").arg(&[key, "1/w", &record(HIGH, &head)]).exec(&mut raw).unwrap();
    coordinator.put(&a_snapshot("w", 1, 100)).await.unwrap();
    let kept = coordinator.newest(&run()).await.unwrap();
    assert_eq!(numbers(&kept).iter().max(), Some(&10_000_000_000_000_000_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_for_ever() {
    let server = Server::start().await;
    let coordinator = server.coordinator();
    works_on_with(&coordinator).await;
    coordinator.open(3, &run(), plan(), &lines(0..2)).await.unwrap();
    coordinator.confirm(3, &run(), &[(worker(), 1, "1".into())]).await.unwrap();
    coordinator.close(3, &"closed".into(), &a_line(9)).await.unwrap();
    let mut raw = server.raw();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut raw).unwrap();
    assert_eq!(keys.len(), 10, "{keys:?}");
    for key in keys {
        let left: i64 = redis::cmd("PTTL").arg(&key).query(&mut raw).unwrap();
        assert!(left > 0, "{key} stays for ever");
    }
}
