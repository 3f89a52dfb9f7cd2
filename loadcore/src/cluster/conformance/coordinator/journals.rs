//! Checks the promises about a run's plan and journal.

use super::{A_WHILE, Checked, SOON, a_line, kind, ok, run, while_waiting};
use crate::cluster::coordinator::{Kind, Tip};
use crate::cluster::journal::Line;
use bytes::Bytes;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn plan() -> Bytes {
    Bytes::from_static(b"the \x00 plan\xff")
}

/// Lines that differ from each other, by their number.
fn lines(numbers: std::ops::Range<u64>) -> Vec<Line> {
    numbers.map(a_line).collect()
}

/// The journal as it stands, from its beginning. Its tip must say the same.
async fn whole(coordinator: &Checked) -> Option<Vec<Line>> {
    let whole = ok(coordinator.journal(&run(), 0, NOW).await);
    let tip = ok(coordinator.tip(&run()).await);
    let of = |lines: &Vec<Line>| Tip { lines: lines.len() as u64, last: lines.last().cloned() };
    assert_eq!(tip, whole.as_ref().map(of), "promise 4: how far the journal {whole:?} goes");
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
        ok(coordinator.append(1, &run(), at, &lines(at..at + 1)).await);
    }
    ok(coordinator.append(1, &run(), 12, &lines(12..40)).await);
    assert_eq!(whole(&coordinator).await, Some(lines(0..40)), "promise 4: all that was appended");
    for from in [1, 9, 10, 39] {
        let rest = ok(coordinator.journal(&run(), from, NOW).await);
        assert_eq!(rest, Some(lines(from..40)), "promise 4: the journal from entry {from} on");
    }
    let beyond = ok(coordinator.journal(&run(), 40, A_WHILE).await);
    assert_eq!(beyond, Some(vec![]), "promise 4: beyond the journal's end, after a wait");
}

pub(super) async fn how_far_the_journal_goes_is_told(coordinator: Checked) {
    let tip = async || ok(coordinator.tip(&run()).await).map(|it| (it.lines, it.last));
    assert_eq!(tip().await, None, "promise 4: of a run that is not there");
    ok(coordinator.put(&super::a_snapshot("w", 1, 1)).await);
    assert_eq!(tip().await, None, "promise 4: of a run of which there are snapshots alone");
    ok(coordinator.open(1, &run(), plan(), &[]).await);
    assert_eq!(tip().await, Some((0, None)), "promise 4: of an empty journal");
    ok(coordinator.append(1, &run(), 0, &lines(0..3)).await);
    ok(coordinator.append(1, &run(), 0, &lines(0..3)).await);
    assert_eq!(
        tip().await,
        Some((3, Some(a_line(2)))),
        "promise 4: after an append, and once more"
    );
    ok(coordinator.open(1, &run(), plan(), &lines(0..2)).await);
    assert_eq!(tip().await, Some((2, Some(a_line(1)))), "promise 5: after less was brought");
    ok(coordinator.open(1, &run(), plan(), &lines(0..5)).await);
    assert_eq!(tip().await, Some((5, Some(a_line(4)))), "promise 5: after more was brought");
    ok(coordinator.close(1, &run(), &a_line(9)).await);
    assert_eq!(tip().await, Some((1, Some(a_line(9)))), "promise 10: of a closed run");
}

pub(super) async fn a_repeated_append_changes_nothing(coordinator: Checked) {
    ok(coordinator.open(1, &run(), plan(), &lines(0..2)).await);
    for _ in 0..2 {
        ok(coordinator.append(1, &run(), 2, &lines(2..5)).await);
        ok(coordinator.append(1, &run(), 0, &lines(0..3)).await);
        ok(coordinator.append(1, &run(), 5, &[]).await);
    }
    assert_eq!(whole(&coordinator).await, Some(lines(0..5)), "promise 4: after repetitions");
}

pub(super) async fn other_appends_are_conflicts(coordinator: Checked) {
    let refused = kind(coordinator.append(1, &run(), 0, &lines(0..1)).await);
    assert_eq!(refused, Kind::Conflict, "promise 4: appending to a run that is not open");
    ok(coordinator.open(1, &run(), plan(), &lines(0..3)).await);
    for (what, at, other) in [
        ("a gap", 4, lines(4..5)),
        ("a gap before nothing", 4, vec![]),
        ("another entry in a place that is taken", 1, lines(7..8)),
        ("a repetition that goes on differently", 1, vec![a_line(1), a_line(9)]),
        ("a repetition that goes beyond the end", 2, lines(2..4)),
    ] {
        let refused = kind(coordinator.append(1, &run(), at, &other).await);
        assert_eq!(refused, Kind::Conflict, "promise 4: {what}");
    }
    assert_eq!(whole(&coordinator).await, Some(lines(0..3)), "promise 4: after all conflicts");
}

pub(super) async fn whoever_waits_for_an_entry_gets_it_soon(coordinator: Checked) {
    ok(coordinator.open(1, &run(), plan(), &lines(0..1)).await);
    let name = run();
    let wait = |from| coordinator.journal(&name, from, 2 * SOON);
    let ((first, far), ()) = while_waiting(
        "promise 4: two wait for entries that are then appended",
        async { tokio::join!(wait(1), wait(2)) },
        async {
            ok(coordinator.append(1, &run(), 1, &lines(1..2)).await);
            ok(coordinator.append(1, &run(), 2, &lines(2..3)).await);
        },
    )
    .await;
    let first = ok(first).unwrap_or_default();
    assert!(lines(1..3).starts_with(&first) && !first.is_empty(), "promise 4: saw {first:?}");
    assert_eq!(ok(far), Some(lines(2..3)), "promise 4: who waits for an entry after the next");
}

pub(super) async fn all_lines_come_back_as_they_were(coordinator: Checked) {
    let bytes: Vec<u8> = (0..=255).collect();
    let all = [
        Line(Bytes::new()),
        Line(Bytes::from_static(b"{\"entry\":\"close\"}")),
        Line(Bytes::from_static("größe \"1\"\r\n".as_bytes())),
        Line(bytes.repeat(100).into()),
    ];
    ok(coordinator.open(1, &run(), plan(), &all[..1]).await);
    ok(coordinator.append(1, &run(), 1, &all[1..]).await);
    assert_eq!(whole(&coordinator).await.as_deref(), Some(&all[..]), "promise 4: all lines");
    ok(coordinator.append(1, &run(), 0, &all).await);
}

pub(super) async fn a_journal_is_brought_again_and_extended(coordinator: Checked) {
    ok(coordinator.open(1, &run(), plan(), &lines(0..3)).await);
    ok(coordinator.open(1, &run(), plan(), &lines(0..3)).await);
    assert_eq!(whole(&coordinator).await, Some(lines(0..3)), "promise 5: brought twice");
    let name = run();
    let (seen, ()) = while_waiting(
        "promise 5: somebody waits for an entry that is then brought",
        async { ok(coordinator.journal(&name, 3, 2 * SOON).await) },
        async { ok(coordinator.open(2, &run(), plan(), &lines(0..5)).await) },
    )
    .await;
    assert_eq!(seen, Some(lines(3..5)), "promise 5: what was new in what was brought");
    assert_eq!(whole(&coordinator).await, Some(lines(0..5)), "promise 5: brought with more");
    ok(coordinator.append(2, &run(), 5, &lines(5..6)).await);
}

pub(super) async fn whatever_stood_there_gives_way_to_what_is_brought(coordinator: Checked) {
    let name = run();
    for brought in [lines(0..3), lines(0..1), lines(1..4), lines(0..3), lines(7..9), lines(0..0)] {
        ok(coordinator.open(1, &run(), "another plan".into(), &brought).await);
        let stands = whole(&coordinator).await;
        assert_eq!(stands, Some(brought.clone()), "promise 5: after {brought:?} was brought");
        let plan = ok(coordinator.plan(&run()).await);
        assert_eq!(plan, Some("another plan".into()), "promise 5: the plan that was brought");
        // Whoever has read it goes on where it ends.
        let end = brought.len() as u64;
        let (next, ()) = while_waiting(
            "promise 5: somebody waits for what comes after what was brought",
            async { ok(coordinator.journal(&name, end, 2 * SOON).await) },
            async { ok(coordinator.append(1, &run(), end, &lines(20..21)).await) },
        )
        .await;
        assert_eq!(next, Some(lines(20..21)), "promise 5: appended to what was brought");
    }
}
