//! Makes records for the checks: everything in them is set, and most of it is odd.

use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::journal::Entry;
use crate::cluster::store::{
    IntervalRecord, Kind, RunRecord, RunState, ScenarioRecord, StoreError, TimelineEvent,
};
use crate::cluster::{Owner, RunId, Store, WorkerId};
use crate::result::RunSummary;
use crate::schedule::Share;
use serde_json::{Value, json};

pub(super) fn ann() -> Owner {
    Owner::from("ann")
}

/// An owner whose name begins as the other's does.
pub(super) fn anna() -> Owner {
    Owner::from("anna")
}

pub(super) fn scenario(owner: &Owner, id: &str) -> ScenarioRecord {
    ScenarioRecord {
        id: id.into(),
        owner: owner.clone(),
        revision: 0,
        created_unix_ms: 1_700_000_000_000,
        changed_unix_ms: 1_700_000_000_001,
        tags: vec!["api".into()],
        document: document(),
        baseline: None,
    }
}

pub(super) fn run(owner: &Owner, id: &str) -> RunRecord {
    RunRecord {
        id: id.into(),
        owner: owner.clone(),
        scenario_id: "shop".into(),
        revision: 0,
        created_unix_ms: 1_700_000_000_000,
        ended_unix_ms: None,
        state: RunState::Running,
        since: Default::default(),
        ends_as: Some(RunState::Aborted),
        scenario: document(),
        journal: vec![
            Entry::Start { at_us: u64::MAX },
            Entry::Take {
                worker: "w-1".into(),
                epoch: u64::MAX,
                part: Share::WHOLE.split(u64::MAX - 1, u64::MAX),
                from_ns: u64::MAX - 1,
                past: 1,
            },
            Entry::Rate { at_ns: 0, target_rps: 0.1 + 0.2, over_seconds: 1e-300 },
        ],
        reached: 0,
        plan_key: "sealed".into(),
        secrets: "sealed as well".into(),
        warnings: vec!["größer als 1 · 壊".into(), String::new()],
        timeline: vec![TimelineEvent {
            at_unix_ms: 9_007_199_254_740_993,
            at_seconds: Some(-0.5),
            kind: "created".into(),
            text: "It was \"asked\" for.\n".into(),
            data: document(),
            seq: 7,
        }],
        baseline: false,
        told: vec![0, u64::MAX],
        summary: Some(Box::new(summary())),
    }
}

fn summary() -> RunSummary {
    let summary = json!({
        "verdict": "DEGRADED", "complete": false, "loop": "open", "durationSeconds": 0.1 + 0.2,
        "totalRequests": u64::MAX, "offeredRps": 1e9, "achievedRps": null, "successRate": 99.9,
        "p50Ms": 1e-6, "p99Ms": 3e6, "slaPassed": null, "slaViolated": 0, "findings": 2,
        "finding": "of a later version",
        "sparkline": {"seconds": 1.0, "rps": [0.0, null, 1e-300], "p99Ms": [null, 0.25, 7.0]},
    });
    serde_json::from_value(summary).expect("a summary")
}

pub(super) fn ended(owner: &Owner, id: &str, at_unix_ms: u64) -> RunRecord {
    let state = RunState::Completed;
    RunRecord { state, ended_unix_ms: Some(at_unix_ms), ..run(owner, id) }
}

/// Its bytes hold its number, so that no two have the same.
pub(super) fn snapshot(run: &str, worker: &str, epoch: u64, seq: u64) -> SnapshotRecord {
    SnapshotRecord {
        run: run.into(),
        worker: worker.into(),
        epoch,
        seq,
        elapsed_ns: seq.wrapping_mul(1_000_000_007),
        is_final: seq % 2 == 1,
        bytes: [&[0, 255, b'$'], &seq.to_be_bytes()[..]].concat().into(),
    }
}

pub(super) fn interval(number: u64, mark: u8) -> IntervalRecord {
    IntervalRecord {
        number,
        from_ns: number,
        to_ns: u64::MAX,
        draining: number % 2 == 1,
        bytes: vec![mark; 3].into(),
    }
}

/// What JSON can hold, and what databases stumble over.
pub(super) fn document() -> Value {
    json!({
        "z first": u64::MAX,
        "least": i64::MIN,
        "past 2^53": 9_007_199_254_740_993_u64,
        "fractions": [0.1, 1e-7, 1.7976931348623157e308, -0.0],
        "$set": { "a.b": null, "": [[], {}] },
        "a": "\u{0}\u{1F600}\u{10FFFF}",
        "yes": true,
    })
}

pub(super) async fn put_run(store: &dyn Store, run: &RunRecord) {
    store.insert_run(run).await.unwrap_or_else(|error| panic!("a new run is kept: {error}"));
}

/// The answer to a call that this contract lets fail for no reason but a store that is away.
#[track_caller]
pub(super) fn done<T>(answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| panic!("the call is carried out, and not: {}", told(&error)))
}

/// An error with what was behind it.
pub(super) fn told(error: &StoreError) -> String {
    match &error.source {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Of which kind the error is.
#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> Kind {
    match answer {
        Ok(answer) => panic!("the call is refused, and was answered {answer:?}"),
        Err(error) => error.kind,
    }
}

/// Everything that belongs to a run, as one value to compare.
pub(super) async fn all_of(
    store: &dyn Store,
    owner: &Owner,
    run: &RunId,
) -> (Vec<SnapshotRecord>, Vec<IntervalRecord>, Option<Value>) {
    (
        done(store.snapshots(owner, run).await),
        done(store.intervals(owner, run, 0, usize::MAX).await),
        done(store.analysis(owner, run, "result").await),
    )
}

/// Keeps two snapshots, two intervals and a document of a run.
pub(super) async fn put_all_of(store: &dyn Store, owner: &Owner, run: &RunId) {
    let id = run.as_str();
    let worker = WorkerId::from("w");
    let snapshots = [snapshot(id, worker.as_str(), 1, 5), snapshot(id, worker.as_str(), 2, 6)];
    done(store.keep_snapshots(owner, &snapshots).await);
    done(store.keep_intervals(owner, run, &[interval(0, 1), interval(1, 1)]).await);
    done(store.keep_analysis(owner, run, "result", 1, &document()).await);
}
