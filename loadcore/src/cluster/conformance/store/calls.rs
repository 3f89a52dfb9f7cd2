//! Checks calls that were made under keys.

use super::Subject;
use super::fixtures::{ann, anna, done};
use crate::cluster::Owner;
use crate::cluster::store::{CallRecord, KeptCall};
use crate::time::unix_millis;
use std::sync::{Arc, LazyLock};
use tokio::task::JoinSet;

/// A moment from which others are counted: of today, for a store may forget what is older.
static BEGUN_MS: LazyLock<u64> = LazyLock::new(unix_millis);

pub(super) fn call(owner: &Owner, key: &str, after_ms: u64) -> CallRecord {
    CallRecord {
        owner: owner.clone(),
        key: key.into(),
        at_unix_ms: *BEGUN_MS + after_ms,
        fingerprint: format!("$of.{key}\u{0}"),
        scenario_id: format!("shop of {key} at {after_ms}").as_str().into(),
        run_id: after_ms.is_multiple_of(2).then(|| "r".into()),
        finished: false,
    }
}

pub(super) async fn a_key_is_one_calls_over_a_kill(subject: &dyn Subject) {
    let store = subject.open().await;
    let keys = ["k", "$where a.b", "\"quoted\" \\", "k2"];
    let none = done(store.call(&ann(), "k").await);
    assert_eq!(none, None, "10. nothing is kept under a new key");
    for (number, key) in keys.into_iter().enumerate() {
        let first = call(&ann(), key, 10 + number as u64);
        assert_eq!(
            done(store.keep_call(&first, *BEGUN_MS + 5, 1_000).await),
            KeptCall::New,
            "10. it is the first"
        );
        let second = call(&ann(), key, 20);
        let shown = done(store.keep_call(&second, *BEGUN_MS + 5, 1_000).await);
        assert_eq!(shown, KeptCall::Known(first), "10. the second is shown the first");
    }
    done(store.finish_call(&ann(), "k").await);
    done(store.finish_call(&ann(), "of nobody").await);
    drop(store);
    subject.kill().await;
    let store = subject.open().await;
    for (number, key) in keys.into_iter().enumerate() {
        let finished = key == "k";
        let expected = CallRecord { finished, ..call(&ann(), key, 10 + number as u64) };
        let found = done(store.call(&ann(), key).await);
        assert_eq!(found.as_ref(), Some(&expected), "10. it is there after a kill, as it was");
        let shown = done(store.keep_call(&call(&ann(), key, 30), *BEGUN_MS + 5, 1_000).await);
        assert_eq!(shown, KeptCall::Known(expected), "10. and is shown to the next");
    }
    assert_eq!(done(store.call(&ann(), "of nobody").await), None, "10. finishing keeps nothing");
}

pub(super) async fn a_key_is_one_owners(subject: &dyn Subject) {
    let store = subject.open().await;
    assert_eq!(done(store.keep_call(&call(&ann(), "k", 1), *BEGUN_MS, 1_000).await), KeptCall::New);
    for other in [anna(), Owner::from("an"), Owner::from("")] {
        assert_eq!(done(store.call(&other, "k").await), None, "2. another's call is not seen");
        done(store.finish_call(&other, "k").await);
        let own = done(store.keep_call(&call(&other, "k", 2), *BEGUN_MS, 1_000).await);
        assert_eq!(own, KeptCall::New, "10. a key is one owner's alone");
    }
    let found = done(store.call(&ann(), "k").await);
    assert_eq!(found, Some(call(&ann(), "k", 1)), "2. nobody else finished it");
}

pub(super) async fn of_many_under_one_key_one_is_new(subject: &dyn Subject) {
    let store = subject.open().await;
    for round in 0..5 {
        let key = format!("k{round}");
        let mut callers = JoinSet::new();
        for caller in 0..12 {
            let (store, mine) = (Arc::clone(&store), call(&ann(), &key, 100 + caller));
            callers.spawn(async move {
                (done(store.keep_call(&mine, *BEGUN_MS + 50, 1_000).await), mine)
            });
        }
        let answers = callers.join_all().await;
        let new: Vec<_> = answers.iter().filter(|(kept, _)| *kept == KeptCall::New).collect();
        assert_eq!(new.len(), 1, "10. of twelve under one key one is the first");
        let first = &new[0].1;
        for (kept, _) in answers.iter().filter(|(kept, _)| *kept != KeptCall::New) {
            assert_eq!(*kept, KeptCall::Known(first.clone()), "10. the others are shown that one");
        }
    }
}

pub(super) async fn what_is_older_counts_no_more(subject: &dyn Subject) {
    let store = subject.open().await;
    assert_eq!(
        done(store.keep_call(&call(&ann(), "k", 100), *BEGUN_MS, 1_000).await),
        KeptCall::New
    );
    done(store.finish_call(&ann(), "k").await);
    let shown = done(store.keep_call(&call(&ann(), "k", 200), *BEGUN_MS + 100, 1_000).await);
    let first = CallRecord { finished: true, ..call(&ann(), "k", 100) };
    assert_eq!(shown, KeptCall::Known(first), "10. as old as is asked for is not older");
    let again = done(store.keep_call(&call(&ann(), "k", 300), *BEGUN_MS + 101, 1_000).await);
    assert_eq!(again, KeptCall::New, "10. an older one gives its key away");
    let found = done(store.call(&ann(), "k").await);
    assert_eq!(found, Some(call(&ann(), "k", 300)), "10. the new one is there, and unfinished");
}

pub(super) async fn an_owner_has_no_more_than_the_limit(subject: &dyn Subject) {
    let store = subject.open().await;
    let keep = async |owner: &Owner, key: &str, at, since| {
        done(store.keep_call(&call(owner, key, at), *BEGUN_MS + since, 20).await)
    };
    for number in 0..20 {
        let kept = keep(&ann(), &number.to_string(), 100, 50).await;
        assert_eq!(kept, KeptCall::New, "10. there is room for 20");
    }
    let full = keep(&ann(), "one more", 200, 50).await;
    assert_eq!(full, KeptCall::Full, "10. an owner has at most 20");
    let known = keep(&ann(), "7", 200, 50).await;
    assert_eq!(known, KeptCall::Known(call(&ann(), "7", 100)), "10. those that are kept stay");
    let other = keep(&anna(), "one more", 200, 50).await;
    assert_eq!(other, KeptCall::New, "10. another owner has room");
    let later = keep(&ann(), "one more", 200, 101).await;
    assert_eq!(later, KeptCall::New, "10. what is too old leaves room");
}
