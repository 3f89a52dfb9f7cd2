//! Tests what happens when the server is away, killed or of another kind than expected, and what
//! the indexes say.

use loadcore::cluster::coordinator::{PATIENCE, SnapshotRecord};
use loadcore::cluster::store::{IntervalRecord, Kind, RunRecord, RunState};
use loadcore::cluster::{Owner, RunId, Store};
use loadcore::time::{Clock, nanos};
use loadcore_mongo::{ConnectError, MongoStore, Options};
use loadcore_test_support::mongo::Server;
use mongodb::Client;
use mongodb::bson::{DateTime, Document, doc};
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Longer than any call may take.
const LIMIT: Duration = PATIENCE.saturating_mul(5);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_a_kill_in_the_middle() {
    let mut server = Server::start().await;
    let store = Arc::new(connect(&server).await);
    store.insert_run(&run("r")).await.unwrap();
    let (answered, mut answers) = mpsc::channel(10_000);
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for seq in 1.. {
                let kept = store.keep_snapshots(&owner(), &[snapshot(seq)]).await;
                let interval = [interval(seq)];
                let kept = match kept {
                    Ok(()) => store.keep_intervals(&owner(), &"r".into(), &interval).await,
                    away => away,
                };
                if let Err(error) = kept {
                    return error;
                }
                answered.send(seq).await.unwrap();
            }
            unreachable!("the numbers end after all else")
        }
    });
    for _ in 0..20 {
        answers.recv().await.expect("the store answers while the server runs");
    }
    server.kill();
    let error = writing.await.unwrap();
    assert!(matches!(error.kind, Kind::Unavailable(_)), "{}", everything(&error));
    let mut last = 20;
    while let Ok(seq) = answers.try_recv() {
        last = seq;
    }

    server.start_again().await;
    // The same store finds the server again by itself.
    let found = store.snapshots(&owner(), &"r".into()).await.unwrap();
    assert!(found[0].seq >= last, "{} was answered, {} is there", last, found[0].seq);
    assert_eq!(found[0], snapshot(found[0].seq), "whole");
    let found = store.intervals(&owner(), &"r".into(), 0, usize::MAX).await.unwrap();
    let numbers: Vec<u64> = found.iter().map(|one| one.number).collect();
    assert!(numbers.len() as u64 >= last, "{last} were answered, {numbers:?} are there");
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    store.keep_snapshots(&owner(), &[snapshot(u64::MAX)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_ends_each_call_in_time() {
    let mut server = Server::start().await;
    let store = connect(&server).await;
    store.insert_run(&run("r")).await.unwrap();
    server.kill();
    let clock = Clock::start();
    let (owner, id) = (owner(), RunId::from("r"));
    let (written, read) = tokio::join!(store.next_term(), store.run(&owner, &id));
    assert!(clock.now() < nanos(LIMIT), "it took {} ns", clock.now());
    for error in [written.unwrap_err(), read.unwrap_err()] {
        assert!(matches!(error.kind, Kind::Unavailable(_)), "{}", everything(&error));
        let address = server.url().to_owned();
        assert!(error.to_string().contains(&address), "it names {address}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let mut server = Server::start().await;
    let place = server.url().strip_prefix("mongodb://").unwrap().to_owned();
    server.kill();
    let url = format!("mongodb://ann:pa55word@{place}?authSource=admin&replicaSet=pa55word");
    let clock = Clock::start();
    let error = MongoStore::connect(&url, Options::default()).await.unwrap_err();
    assert!(clock.now() < nanos(LIMIT), "it took {} ns", clock.now());
    assert!(matches!(error, ConnectError::Unanswered { .. }), "{error:?}");
    let text = everything(&error);
    assert!(!text.contains("pa55word"), "{text}");
    let said = error.to_string();
    let expected = format!("MongoDB at mongodb://ann:***@{place} does not answer: ");
    assert!(said.starts_with(&expected), "{said}");
    assert!(said.contains("refused"), "it gives the reason: {said}");
}

#[tokio::test]
async fn what_is_no_address_is_refused_without_its_password() {
    for url in [
        "mongodb://ann:pa55w0rd@",
        "mongodb://ann:pa55/w0rd@host/db",
        "mongodb://ann:pa55@w0rd@host/db",
        "mongodb://ann:pa55%zzw0rd@host/db",
        "mongodb://ann:pa55w0rd@host:port/db",
        "mongodb://ann:pa55w0rd@host/db?journal=pa55w0rd",
        "redis://ann:pa55w0rd@host/db",
        "ann:pa55w0rd@host/db",
    ] {
        let error = MongoStore::connect(url, Options::default()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Address { .. }), "{url}: {error:?}");
        let text = everything(&error);
        assert!(!text.contains("pa55") && !text.contains("w0rd"), "{url}: {text}");
        assert!(text.contains("ann:***@"), "{url}: {text}");
    }
    let error = MongoStore::connect("http://host/", Options::default()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("http://host/ is not an address of MongoDB: "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_is_an_index_that_follows_the_option() {
    let server = Server::any().await;
    let database = database(&server).await;
    for days in [None, Some(30), Some(7), None, Some(7)] {
        let retention = days.map(|days| Duration::from_secs(days * 86_400));
        MongoStore::connect(server.url(), Options { retention }).await.unwrap();
        for name in ["runs", "snapshots", "intervals", "analyses"] {
            let mut indexes = database.collection::<Document>(name).list_indexes().await.unwrap();
            let mut found = Vec::new();
            while indexes.advance().await.unwrap() {
                let index = indexes.deserialize_current().unwrap();
                if index.keys == doc! { "endedAt": 1 } {
                    found.push(index.options.and_then(|options| options.expire_after));
                }
            }
            assert_eq!(found, [retention], "{name} with {days:?} days");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_a_run_is_dated_by_its_end() {
    let server = Server::any().await;
    let database = database(&server).await;
    let store = connect(&server).await;
    let undated = async || {
        let mut undated = Vec::new();
        for name in ["runs", "snapshots", "intervals", "analyses"] {
            let all = database.collection::<Document>(name);
            let at = DateTime::from_millis(1_700_000_000_000);
            let dated = all.count_documents(doc! { "endedAt": at }).await.unwrap();
            if dated != all.count_documents(doc! {}).await.unwrap() || dated == 0 {
                undated.push(name);
            }
        }
        undated
    };
    let bring = async |number: u64| {
        store.keep_snapshots(&owner(), &[snapshot(number)]).await.unwrap();
        store.keep_intervals(&owner(), &"r".into(), &[interval(number)]).await.unwrap();
        let name = format!("result {number}");
        store.keep_analysis(&owner(), &"r".into(), &name, 1, &json!(1)).await.unwrap();
    };
    store.insert_run(&run("r")).await.unwrap();
    bring(1).await;
    assert_eq!(undated().await.len(), 4, "an open run has no end");
    let ended = RunRecord {
        state: RunState::Completed,
        ended_unix_ms: Some(1_700_000_000_000),
        ..run("r")
    };
    assert!(store.replace_run(&ended).await.unwrap());
    assert_eq!(undated().await, [""; 0], "what was there");
    bring(2).await;
    assert_eq!(undated().await, [""; 0], "and what comes after");

    // A process that died half-way, and one whose run was deleted meanwhile.
    let intervals = database.collection::<Document>("intervals");
    intervals.update_many(doc! {}, doc! { "$unset": { "endedAt": "" } }).await.unwrap();
    let lost = doc! { "_id": { "run": "gone", "number": 1_i64 }, "owner": "ann" };
    intervals.insert_one(lost).await.unwrap();
    assert_eq!(store.forget(0).await.unwrap(), 0);
    assert_eq!(undated().await, [""; 0], "what was left undone is done");
    assert_eq!(intervals.count_documents(doc! { "_id.run": "gone" }).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_the_one_in_the_address() {
    let server = Server::start().await;
    connect(&server).await;
    let plain = server.url().rsplit_once('/').unwrap().0.to_owned();
    MongoStore::connect(&plain, Options::default()).await.unwrap();
    let client = Client::with_uri_str(server.url()).await.unwrap();
    let names = client.list_database_names().await.unwrap();
    let named = server.url().rsplit_once('/').unwrap().1.to_owned();
    for expected in [named.as_str(), "loadcore"] {
        assert!(names.iter().any(|name| name == expected), "{expected} of {names:?}");
    }
}

/// Everything that could be printed of an error.
fn everything(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    text
}

async fn connect(server: &Server) -> MongoStore {
    MongoStore::connect(server.url(), Options::default()).await.unwrap()
}

async fn database(server: &Server) -> mongodb::Database {
    let client = Client::with_uri_str(server.url()).await.unwrap();
    client.default_database().expect("the address names it")
}

fn owner() -> Owner {
    Owner::from("ann")
}

fn run(id: &str) -> RunRecord {
    RunRecord {
        id: id.into(),
        owner: owner(),
        scenario_id: "shop".into(),
        revision: 0,
        created_unix_ms: 1,
        ended_unix_ms: None,
        state: RunState::Running,
        since: Default::default(),
        ends_as: None,
        scenario: json!({}),
        journal: vec![],
        reached: 0,
        plan_key: String::new(),
        secrets: String::new(),
        warnings: vec![],
        timeline: vec![],
        baseline: false,
        told: Vec::new(),
        summary: None,
    }
}

fn snapshot(seq: u64) -> SnapshotRecord {
    SnapshotRecord {
        run: "r".into(),
        worker: "w".into(),
        epoch: 1,
        seq,
        elapsed_ns: seq,
        is_final: false,
        bytes: vec![seq as u8; 20_000].into(),
    }
}

fn interval(number: u64) -> IntervalRecord {
    let bytes = vec![number as u8; 2_000].into();
    IntervalRecord { number, from_ns: 0, to_ns: 1, draining: false, bytes }
}
