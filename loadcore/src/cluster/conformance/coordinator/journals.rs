//! Checks the promises about a run's plan and journal.

use super::{A_WHILE, Checked, SOON, kind, ok, run, while_waiting};
use crate::cluster::coordinator::Kind;
use crate::cluster::journal::{Entry, Means};
use crate::schedule::Share;
use bytes::Bytes;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn plan() -> Bytes {
    Bytes::from_static(b"the \x00 plan\xff")
}

/// Entries that differ from each other, by their number.
fn entries(numbers: std::ops::Range<u64>) -> Vec<Entry> {
    numbers.map(|number| Entry::Pause { at_ns: number }).collect()
}

/// The journal as it stands, from its beginning. Its length must say the same.
async fn whole(coordinator: &Checked) -> Option<Vec<Entry>> {
    let whole = ok(coordinator.journal(&run(), 0, NOW).await);
    let length = ok(coordinator.journal_len(&run()).await);
    let counted = whole.as_ref().map(|entries| entries.len() as u64);
    assert_eq!(length, counted, "promise 4: the length of the journal {whole:?}");
    whole
}

pub(super) async fn a_journal_grows_in_order(coordinator: Checked) {
    assert_eq!(
        whole(&coordinator).await,
        None,
        "promise 4: the journal of a run that is not there"
    );
    assert_eq!(ok(coordinator.plan(&run()).await), None, "promise 4: nor is its plan");
    ok(coordinator.open(1, &run(), plan(), &[]).await);
    assert_eq!(whole(&coordinator).await, Some(vec![]), "promise 4: an empty journal");
    assert_eq!(ok(coordinator.plan(&run()).await), Some(plan()), "promise 4: the plan");
    for at in 0..12 {
        ok(coordinator.append(1, &run(), at, &entries(at..at + 1)).await);
    }
    ok(coordinator.append(1, &run(), 12, &entries(12..40)).await);
    assert_eq!(whole(&coordinator).await, Some(entries(0..40)), "promise 4: all that was appended");
    for from in [1, 9, 10, 39] {
        let rest = ok(coordinator.journal(&run(), from, NOW).await);
        assert_eq!(rest, Some(entries(from..40)), "promise 4: the journal from entry {from} on");
    }
    let beyond = ok(coordinator.journal(&run(), 40, A_WHILE).await);
    assert_eq!(beyond, Some(vec![]), "promise 4: beyond the journal's end, after a wait");
}

pub(super) async fn the_journals_length_is_told(coordinator: Checked) {
    let length = async || ok(coordinator.journal_len(&run()).await);
    assert_eq!(length().await, None, "promise 4: of a run that is not there");
    ok(coordinator.put(&super::a_snapshot("w", 1, 1)).await);
    assert_eq!(length().await, None, "promise 4: of a run of which there are snapshots alone");
    ok(coordinator.open(1, &run(), plan(), &[]).await);
    assert_eq!(length().await, Some(0), "promise 4: of an empty journal");
    ok(coordinator.append(1, &run(), 0, &entries(0..3)).await);
    ok(coordinator.append(1, &run(), 0, &entries(0..3)).await);
    assert_eq!(length().await, Some(3), "promise 4: after an append, and once more");
    ok(coordinator.open(1, &run(), plan(), &entries(0..2)).await);
    assert_eq!(length().await, Some(3), "promise 4: after less was brought");
    ok(coordinator.open(1, &run(), plan(), &entries(0..5)).await);
    assert_eq!(length().await, Some(5), "promise 4: after more was brought");
    ok(coordinator.close(1, &run()).await);
    assert_eq!(length().await, Some(1), "promise 10: of a closed run, whose end is one entry");
}

pub(super) async fn a_repeated_append_changes_nothing(coordinator: Checked) {
    ok(coordinator.open(1, &run(), plan(), &entries(0..2)).await);
    for _ in 0..2 {
        ok(coordinator.append(1, &run(), 2, &entries(2..5)).await);
        ok(coordinator.append(1, &run(), 0, &entries(0..3)).await);
        ok(coordinator.append(1, &run(), 5, &[]).await);
    }
    assert_eq!(whole(&coordinator).await, Some(entries(0..5)), "promise 4: after repetitions");
}

pub(super) async fn other_appends_are_conflicts(coordinator: Checked) {
    let refused = kind(coordinator.append(1, &run(), 0, &entries(0..1)).await);
    assert_eq!(refused, Kind::Conflict, "promise 4: appending to a run that is not open");
    ok(coordinator.open(1, &run(), plan(), &entries(0..3)).await);
    for (what, at, other) in [
        ("a gap", 4, entries(4..5)),
        ("a gap before nothing", 4, vec![]),
        ("another entry in a place that is taken", 1, entries(7..8)),
        ("a repetition that goes on differently", 1, vec![Entry::Pause { at_ns: 1 }, Entry::Close]),
        ("a repetition that goes beyond the end", 2, entries(2..4)),
    ] {
        let refused = kind(coordinator.append(1, &run(), at, &other).await);
        assert_eq!(refused, Kind::Conflict, "promise 4: {what}");
    }
    assert_eq!(whole(&coordinator).await, Some(entries(0..3)), "promise 4: after all conflicts");
}

pub(super) async fn whoever_waits_for_an_entry_gets_it_soon(coordinator: Checked) {
    ok(coordinator.open(1, &run(), plan(), &entries(0..1)).await);
    let name = run();
    let wait = |from| coordinator.journal(&name, from, 2 * SOON);
    let ((first, far), ()) = while_waiting(
        "promise 4: two wait for entries that are then appended",
        async { tokio::join!(wait(1), wait(2)) },
        async {
            ok(coordinator.append(1, &run(), 1, &entries(1..2)).await);
            ok(coordinator.append(1, &run(), 2, &entries(2..3)).await);
        },
    )
    .await;
    let first = ok(first).unwrap_or_default();
    assert!(entries(1..3).starts_with(&first) && !first.is_empty(), "promise 4: saw {first:?}");
    assert_eq!(ok(far), Some(entries(2..3)), "promise 4: who waits for an entry after the next");
}

pub(super) async fn all_entries_come_back_as_they_were(coordinator: Checked) {
    let (worker, epoch, part) = ("w".into(), u64::MAX, Share::WHOLE);
    let means = Means { cores: 2, threads: 1, slack_ns: u64::MAX };
    let all = [
        Entry::Admit {
            worker,
            epoch,
            key: "a+/=\"\u{fc}".into(),
            means: Some(means),
            lease_ms: 7_000,
            name: "größe \"1\"".into(),
        },
        Entry::Start { at_us: 1_700_000_000_000_001 },
        Entry::Take { worker: "w".into(), epoch, part, from_ns: 0, past: 7 },
        Entry::Release { worker: "w".into(), epoch, part, from_ns: u64::MAX },
        Entry::Lost { worker: "w".into(), epoch, at_ns: 7, applied: 2, left: false },
        Entry::Pause { at_ns: 1 },
        Entry::Resume { at_ns: 2 },
        Entry::Rate { at_ns: 3, target_rps: 0.1 + 0.2, over_seconds: 1e-9 },
        Entry::Stop { at_ns: 4 },
        Entry::Close,
    ];
    ok(coordinator.open(1, &run(), plan(), &all[..4]).await);
    ok(coordinator.append(1, &run(), 4, &all[4..]).await);
    assert_eq!(whole(&coordinator).await.as_deref(), Some(&all[..]), "promise 4: all entries");
    ok(coordinator.append(1, &run(), 0, &all).await);
}

pub(super) async fn a_journal_is_brought_again_and_extended(coordinator: Checked) {
    ok(coordinator.open(1, &run(), plan(), &entries(0..3)).await);
    ok(coordinator.open(1, &run(), plan(), &entries(0..3)).await);
    assert_eq!(whole(&coordinator).await, Some(entries(0..3)), "promise 5: brought twice");
    let name = run();
    let (seen, ()) = while_waiting(
        "promise 5: somebody waits for an entry that is then brought",
        async { ok(coordinator.journal(&name, 3, 2 * SOON).await) },
        async { ok(coordinator.open(2, &run(), plan(), &entries(0..5)).await) },
    )
    .await;
    assert_eq!(seen, Some(entries(3..5)), "promise 5: what was new in what was brought");
    assert_eq!(whole(&coordinator).await, Some(entries(0..5)), "promise 5: brought with more");
    ok(coordinator.append(2, &run(), 5, &entries(5..6)).await);
}

pub(super) async fn opening_never_makes_a_journal_shorter(coordinator: Checked) {
    ok(coordinator.open(1, &run(), plan(), &entries(0..3)).await);
    for known in 0..3 {
        ok(coordinator.open(1, &run(), plan(), &entries(0..known)).await);
        let stands = whole(&coordinator).await;
        assert_eq!(stands, Some(entries(0..3)), "promise 5: brought by one who knew {known}");
    }
}

pub(super) async fn a_contradiction_is_a_conflict(coordinator: Checked) {
    ok(coordinator.open(1, &run(), plan(), &entries(0..3)).await);
    for other in [entries(1..3), entries(1..4)] {
        let refused = kind(coordinator.open(1, &run(), plan(), &other).await);
        assert_eq!(refused, Kind::Conflict, "promise 5: brought {other:?}");
    }
    assert_eq!(whole(&coordinator).await, Some(entries(0..3)), "promise 5: after contradictions");
}
