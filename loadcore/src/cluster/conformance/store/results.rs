//! Checks snapshots, intervals and analyses, and what becomes of them with their run.

use super::Subject;
use super::fixtures::{
    all_of, ann, anna, document, done, ended, interval, put_all_of, put_run, refused, run,
    scenario, snapshot,
};
use crate::cluster::coordinator::{PATIENCE, SnapshotRecord};
use crate::cluster::store::{Kind, Page, RunRecord};
use crate::cluster::{RunId, Store};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What no call may take. See the contract's last promise.
const LIMIT: std::time::Duration = PATIENCE.saturating_mul(5);

pub(super) async fn what_was_answered_outlasts_a_kill(subject: &dyn Subject) {
    let store = subject.open().await;
    let plan = scenario(&ann(), "shop");
    done(store.insert_scenario(&plan).await);
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    put_all_of(&*store, &ann(), &kept.id).await;
    let newer = snapshot("r", "w", 1, 7);
    done(store.keep_snapshots(&ann(), std::slice::from_ref(&newer)).await);
    let before = all_of(&*store, &ann(), &kept.id).await;
    drop(store);
    subject.kill().await;

    let store = subject.open().await;
    let found = done(store.scenario(&ann(), &plan.id).await);
    assert_eq!(found, Some(plan), "1. a kept scenario is there after a kill");
    let found = done(store.run(&ann(), &kept.id).await);
    assert_eq!(found.as_ref(), Some(&kept), "1. a kept run is there after a kill");
    let after = all_of(&*store, &ann(), &kept.id).await;
    assert_eq!(after, before, "1. results are after a kill what they were before");
    assert_eq!(after.0[0], newer, "1. the newest snapshot is there after a kill");
    let open = done(store.open_runs().await);
    assert_eq!(open, [kept], "1. a controller finds its open runs after a kill");
}

pub(super) async fn results_come_back_exactly(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r.$\u{0}\"é");
    put_run(&*store, &kept).await;
    let id = kept.id.as_str();
    // In the order in which they come back: by worker, then by epoch.
    let snapshots = [
        SnapshotRecord { elapsed_ns: u64::MAX, ..snapshot(id, "", 0, 0) },
        snapshot(id, "w", 0, u64::MAX),
        snapshot(id, "w", 1, 1),
        snapshot(id, "w", i64::MAX as u64, 2),
        snapshot(id, "w", i64::MAX as u64 + 1, 3),
        snapshot(id, "w", u64::MAX, i64::MAX as u64 + 2),
        snapshot(id, "w.$\u{0}", 1, 1),
        SnapshotRecord { bytes: vec![7; 300_000].into(), ..snapshot(id, "w2", 0, 1) },
        SnapshotRecord { bytes: Vec::new().into(), ..snapshot(id, "ä", 0, 1) },
    ];
    let mut mixed = snapshots.clone();
    mixed.reverse();
    mixed.swap(0, 4);
    done(store.keep_snapshots(&ann(), &mixed).await);
    let found = done(store.snapshots(&ann(), &kept.id).await);
    assert_eq!(found, snapshots, "1. snapshots come back as they were kept, in their order");

    let intervals = [0, 1, 255, 256, i64::MAX as u64, 1 << 63, u64::MAX].map(|n| interval(n, 9));
    done(store.keep_intervals(&ann(), &kept.id, &intervals).await);
    let found = done(store.intervals(&ann(), &kept.id, 0, usize::MAX).await);
    assert_eq!(found, intervals, "1. intervals come back as they were kept, in their order");

    for name in ["result", "", "a.b$", "$set\u{0}"] {
        let missing = done(store.analysis(&ann(), &kept.id, name).await);
        assert_eq!(missing, None, "1. nothing is there that was not kept");
        for value in [Value::Null, json!(u64::MAX), document()] {
            done(store.keep_analysis(&ann(), &kept.id, name, 1, &value).await);
            let found = done(store.analysis(&ann(), &kept.id, name).await);
            let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
            assert_eq!(text(&found), text(&Some(value)), "1. the last document is kept exactly");
        }
    }
}

pub(super) async fn what_is_too_large_is_refused_and_nothing_else(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    // A result with a long series has some megabytes.
    let large = json!({ "series": "x".repeat(8 << 20) });
    done(store.keep_analysis(&ann(), &kept.id, "result", 1, &large).await);
    let found = done(store.analysis(&ann(), &kept.id, "result").await);
    assert!(found == Some(large), "1. a document of 8 MiB is kept");

    let larger = json!({ "series": "x".repeat(17 << 20) });
    match store.keep_analysis(&ann(), &kept.id, "larger", 1, &larger).await {
        Ok(_) => {
            let found = done(store.analysis(&ann(), &kept.id, "larger").await);
            assert!(found == Some(larger), "1. a document of 17 MiB is kept, if so answered");
        }
        Err(error) => {
            assert!(
                matches!(error.kind, Kind::TooLarge(_)),
                "1. too large a document is called so: {error}"
            );
            let found = done(store.analysis(&ann(), &kept.id, "larger").await);
            assert_eq!(found, None, "1. what was refused is not there");
        }
    }

    let bytes = vec![1; 17 << 20].into();
    let batch = [
        snapshot("r", "a", 1, 1),
        SnapshotRecord { bytes, ..snapshot("r", "b", 1, 1) },
        snapshot("r", "c", 1, 1),
    ];
    let answer = store.keep_snapshots(&ann(), &batch).await;
    let workers = |found: Vec<SnapshotRecord>| -> Vec<String> {
        found.into_iter().map(|one| one.worker.0).collect()
    };
    let found = workers(done(store.snapshots(&ann(), &kept.id).await));
    match answer {
        Ok(()) => assert_eq!(found, ["a", "b", "c"], "4. all snapshots are kept, if so answered"),
        Err(error) => {
            assert!(
                matches!(error.kind, Kind::TooLarge(_)),
                "1. too large a snapshot is called so: {error}"
            );
            assert_eq!(found, ["a", "c"], "4. one that is too large costs no other worker's");
        }
    }
}

pub(super) async fn owners_do_not_reach_each_others_results(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    // Before the owner has brought any, so that nothing stands in another's way.
    put_all_of(&*store, &anna(), &kept.id).await;
    let empty = (vec![], vec![], None);
    let found = all_of(&*store, &ann(), &kept.id).await;
    assert_eq!(found, empty, "2. another brings nothing into a run");
    done(store.keep_snapshots(&ann(), &[snapshot("r", "w", 1, 1)]).await);
    done(store.keep_intervals(&ann(), &kept.id, &[interval(0, 9)]).await);
    done(store.keep_analysis(&ann(), &kept.id, "result", 1, &json!("ann's")).await);
    let before = all_of(&*store, &ann(), &kept.id).await;
    assert_eq!(before.0.len(), 1, "2. nobody else's stand in the way of the owner's snapshots");
    assert_eq!(before.1.len(), 1, "2. nor of the owner's intervals");
    assert!(before.2.is_some(), "2. nor of the owner's documents");

    put_all_of(&*store, &anna(), &kept.id).await;
    let found = all_of(&*store, &anna(), &kept.id).await;
    assert_eq!(found, empty, "2. another's results are not seen");
    let after = all_of(&*store, &ann(), &kept.id).await;
    assert_eq!(after, before, "2. another changes none of them");
}

pub(super) async fn an_analysis_of_an_earlier_term_replaces_no_later_one(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    let keep = async |name: &str, term: u64| {
        let document = json!(term.to_string());
        done(store.keep_analysis(&ann(), &kept.id, name, term, &document).await)
    };
    let mut greatest = 0;
    for term in [0, 0, 3, 2, 3, 0, 4, i64::MAX as u64 + 9, 5, i64::MAX as u64 + 8, u64::MAX, 1] {
        let is_kept = keep("result", term).await;
        assert_eq!(is_kept, term >= greatest, "5. term {term} after term {greatest}");
        greatest = greatest.max(term);
        let found = done(store.analysis(&ann(), &kept.id, "result").await);
        let expected = Some(json!(greatest.to_string()));
        assert_eq!(found, expected, "5. after term {term} the document of the greatest is kept");
    }
    assert!(keep("other", 1).await, "5. each name has a term of its own");
    // Of a run that was deleted nothing is left that a new one with its id would meet.
    assert!(done(store.delete_run(&ann(), &kept.id).await));
    put_run(&*store, &kept).await;
    assert!(keep("result", 1).await, "7. the term went with its run");
}

pub(super) async fn the_greatest_of_many_terms_at_once_stays(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    let mut writers = JoinSet::new();
    for term in 1..=24 {
        let (store, id) = (Arc::clone(&store), kept.id.clone());
        writers.spawn(async move {
            done(store.keep_analysis(&ann(), &id, "result", term, &json!(term)).await)
        });
    }
    writers.join_all().await;
    let found = done(store.analysis(&ann(), &kept.id, "result").await);
    assert_eq!(found, Some(json!(24)), "5. of many terms at once the greatest stays");
}

pub(super) async fn snapshots_only_get_newer(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    done(store.keep_snapshots(&ann(), &[]).await);
    let mut greatest = 0;
    for seq in [3, 1, 3, 2, 4, 10, 9, 4, 11, 1 << 40, 12] {
        done(store.keep_snapshots(&ann(), &[snapshot("r", "w", 1, seq)]).await);
        greatest = greatest.max(seq);
        let found = done(store.snapshots(&ann(), &kept.id).await);
        let expected = [snapshot("r", "w", 1, greatest)];
        assert_eq!(found, expected, "4. after {seq} the greatest number is kept");
    }
    // Others of the same worker, of another worker and of another run, all in one call.
    put_run(&*store, &run(&ann(), "r2")).await;
    let batch = [
        snapshot("r", "w", 2, 1),
        snapshot("r", "w", 1, 5),
        snapshot("r2", "w", 1, 8),
        snapshot("r", "v", 1, 2),
        snapshot("r", "v", 1, 1),
        snapshot("gone", "v", 1, 1),
        snapshot("r", "v", 1, 3),
    ];
    done(store.keep_snapshots(&ann(), &batch).await);
    done(store.keep_snapshots(&ann(), &batch).await);
    let found = done(store.snapshots(&ann(), &kept.id).await);
    let expected =
        [snapshot("r", "v", 1, 3), snapshot("r", "w", 1, greatest), snapshot("r", "w", 2, 1)];
    assert_eq!(found, expected, "4. each worker and epoch has its newest, in their order");
    let found = done(store.snapshots(&ann(), &"r2".into()).await);
    assert_eq!(found, [snapshot("r2", "w", 1, 8)], "4. each run has its own");
}

pub(super) async fn many_who_keep_snapshots_leave_the_newest(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    for epoch in 0..4 {
        let mut callers = JoinSet::new();
        for n in 0..12_u64 {
            let store = Arc::clone(&store);
            // 1 to 12, none in its place.
            let new = snapshot("r", "w", epoch, n * 5 % 12 + 1);
            callers.spawn(async move { done(store.keep_snapshots(&ann(), &[new]).await) });
        }
        callers.join_all().await;
        let found = done(store.snapshots(&ann(), &kept.id).await);
        let newest = found.last().map(|one| (one.epoch, one.seq));
        assert_eq!(newest, Some((epoch, 12)), "4. of twelve at once the greatest is kept");
    }
}

pub(super) async fn intervals_are_written_once(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    done(store.keep_intervals(&ann(), &kept.id, &[]).await);
    done(store.keep_intervals(&ann(), &kept.id, &[interval(1, 1), interval(3, 1)]).await);
    // There and not there, in one call and out of order.
    let batch = [3, 0, 1, 2].map(|number| interval(number, 2));
    done(store.keep_intervals(&ann(), &kept.id, &batch).await);
    done(store.keep_intervals(&ann(), &kept.id, &[interval(0, 3)]).await);
    let found = done(store.intervals(&ann(), &kept.id, 0, 10).await);
    let expected = [interval(0, 2), interval(1, 1), interval(2, 2), interval(3, 1)];
    assert_eq!(found, expected, "5. a number that is there keeps what it has");
}

pub(super) async fn intervals_come_in_pages(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    put_run(&*store, &run(&ann(), "r2")).await;
    // More than one batch of a database's cursor.
    let all: Vec<_> = (0..500).map(|n| interval(n * 2, 1)).collect();
    done(store.keep_intervals(&ann(), &kept.id, &all).await);
    done(store.keep_intervals(&ann(), &"r2".into(), &[interval(0, 7), interval(5, 7)]).await);
    for (from, most, expected) in
        [(0, 1, &all[..1]), (1, 3, &all[1..4]), (2, 3, &all[1..4]), (996, 9, &all[498..])]
    {
        let found = done(store.intervals(&ann(), &kept.id, from, most).await);
        assert_eq!(found, expected, "5. at most {most} from {from} on");
    }
    let found = done(store.intervals(&ann(), &kept.id, 0, usize::MAX).await);
    assert_eq!(found, all, "5. all of them");
    for (from, most) in [(0, 0), (999, 5), (u64::MAX, 5)] {
        let found = done(store.intervals(&ann(), &kept.id, from, most).await);
        assert_eq!(found, [], "5. at most {most} from {from} on are none");
    }
}

pub(super) async fn deleting_a_run_deletes_all_of_it(subject: &dyn Subject) {
    let store = subject.open().await;
    let empty = (vec![], vec![], None);
    for id in ["r", "r2"] {
        put_run(&*store, &run(&ann(), id)).await;
        put_all_of(&*store, &ann(), &id.into()).await;
    }
    let id = RunId::from("r");
    assert!(done(store.delete_run(&ann(), &id).await), "7. it was there");
    assert!(!done(store.delete_run(&ann(), &id).await), "7. it is not there any more");
    assert_eq!(done(store.run(&ann(), &id).await), None, "7. a deleted run is gone");
    assert_eq!(all_of(&*store, &ann(), &id).await, empty, "7. with all that belongs to it");
    // A worker's last snapshot comes when it comes.
    put_all_of(&*store, &ann(), &id).await;
    assert_eq!(all_of(&*store, &ann(), &id).await, empty, "7. and what comes late is dropped");
    // One with the same id is another: what was left of the first would show here.
    put_run(&*store, &run(&ann(), "r")).await;
    assert_eq!(all_of(&*store, &ann(), &id).await, empty, "7. nothing was left anywhere");
    let (snapshots, intervals, analysis) = all_of(&*store, &ann(), &"r2".into()).await;
    let left = (snapshots.len(), intervals.len(), analysis.is_some());
    assert_eq!(left, (2, 2, true), "7. other runs keep theirs");
}

pub(super) async fn runs_that_ended_before_are_forgotten(subject: &dyn Subject) {
    let store = subject.open().await;
    put_run(&*store, &run(&ann(), "open")).await;
    put_all_of(&*store, &ann(), &"open".into()).await;
    for n in 0..40_u64 {
        put_run(&*store, &ended(&ann(), &format!("{n:02}"), 1_000 + n)).await;
    }
    put_all_of(&*store, &ann(), &"05".into()).await;
    // One that others are compared with, since it was kept and before, and one that is none any more.
    put_run(&*store, &RunRecord { baseline: true, ..ended(&ann(), "base", 1_000) }).await;
    put_run(&*store, &ended(&ann(), "base2", 1_000)).await;
    let named = RunRecord { baseline: true, ..ended(&ann(), "base2", 1_000) };
    assert!(done(store.replace_run(&named).await), "3. the revision is the one given");
    put_all_of(&*store, &ann(), &"base2".into()).await;
    put_run(&*store, &RunRecord { baseline: true, ..ended(&ann(), "was", 1_000) }).await;
    assert!(done(store.replace_run(&ended(&ann(), "was", 1_000)).await), "3. it is the one given");
    // One that ended while it was kept.
    put_run(&*store, &run(&anna(), "late")).await;
    put_all_of(&*store, &anna(), &"late".into()).await;
    let late = ended(&anna(), "late", 1_001);
    assert!(done(store.replace_run(&late).await), "3. the revision is the one given");

    let forgotten = done(store.forget(1_039).await);
    if forgotten == 0 {
        // It does so by itself, at its own time.
        return;
    }
    assert_eq!(forgotten, 41, "7. those that ended before are forgotten, of all owners");
    let all = Page { after: None, most: 100 };
    let left = done(store.runs(&ann(), None, &all).await);
    let left: Vec<_> = left.iter().map(|one| one.id.as_str()).collect();
    let stay = ["open", "base2", "base", "39"];
    assert_eq!(left, stay, "7. those that did not end, or later, and baselines stay");
    let (snapshots, ..) = all_of(&*store, &ann(), &"base2".into()).await;
    assert_eq!(snapshots.len(), 2, "7. a baseline keeps what it has");
    for (owner, id) in [(ann(), RunId::from("05")), (anna(), RunId::from("late"))] {
        let found = all_of(&*store, &owner, &id).await;
        assert_eq!(found, (vec![], vec![], None), "7. what belongs to a run goes with it");
    }
    let (snapshots, ..) = all_of(&*store, &ann(), &"open".into()).await;
    assert_eq!(snapshots.len(), 2, "7. an open run keeps what it has");
    assert_eq!(done(store.forget(1_039).await), 0, "7. nothing is forgotten twice");
}

pub(super) async fn a_silent_store_ends_each_call(subject: &dyn Subject) {
    let store = subject.open().await;
    let kept = run(&ann(), "r");
    put_run(&*store, &kept).await;
    if !subject.silence().await {
        return;
    }
    let (owner, page) = (ann(), Page { after: None, most: 5 });
    let (plan, id) = (scenario(&owner, "s"), kept.id.clone());
    let of_a_key = super::calls::call(&owner, "k", 1);
    let store: &dyn Store = &*store;
    // All at once, so that the check takes as long as one call.
    tokio::join!(
        ends("next_term", store.next_term()),
        ends("insert_scenario", store.insert_scenario(&plan)),
        ends("replace_scenario", store.replace_scenario(&plan)),
        ends("scenario", store.scenario(&owner, &plan.id)),
        ends("scenarios", store.scenarios(&owner, None, &page)),
        ends("delete_scenario", store.delete_scenario(&owner, &plan.id, None)),
        ends("insert_run", store.insert_run(&kept)),
        ends("replace_run", store.replace_run(&kept)),
        ends("run", store.run(&owner, &id)),
        ends("runs", store.runs(&owner, None, &page)),
        ends("delete_run", store.delete_run(&owner, &id)),
        ends("owners", store.owners()),
        ends("open_runs", store.open_runs()),
        ends("keep_snapshots", async {
            store.keep_snapshots(&owner, &[snapshot("r", "w", 1, 1)]).await
        }),
        ends("snapshots", store.snapshots(&owner, &id)),
        ends("keep_intervals", async {
            store.keep_intervals(&owner, &id, &[interval(1, 1)]).await
        }),
        ends("intervals", store.intervals(&owner, &id, 0, 5)),
        ends("keep_analysis", store.keep_analysis(&owner, &id, "result", 1, &Value::Null)),
        ends("analysis", store.analysis(&owner, &id, "result")),
        ends("forget", store.forget(u64::MAX)),
        ends("keep_call", store.keep_call(&of_a_key, 0, 5)),
        ends("call", store.call(&owner, "k")),
        ends("finish_call", store.finish_call(&owner, "k")),
    );
}

async fn ends<T: Debug>(
    name: &str,
    call: impl Future<Output = Result<T, crate::cluster::StoreError>>,
) {
    let Ok(answer) = timeout(LIMIT, call).await else {
        panic!("9. no call waits for ever: {name} waited {LIMIT:?}");
    };
    let kind = refused(answer);
    let unavailable = matches!(kind, Kind::Unavailable(_));
    assert!(unavailable, "9. {name} says that nobody answers: {kind}");
}
