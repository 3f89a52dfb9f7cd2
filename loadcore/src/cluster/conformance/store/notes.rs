//! Checks notes.

use super::Subject;
use super::fixtures::{ann, anna, done};
use crate::cluster::Owner;
use crate::cluster::store::{Note, NoteKind, Page};
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

fn note(kind: NoteKind, owner: &Owner, name: &str, revision: u64) -> Note {
    let document = json!({ "of": name, "$a.b": ["\u{0}", revision], "big": u64::MAX });
    Note { kind, owner: owner.clone(), name: name.into(), revision, document }
}

/// As the store shows one that was kept.
fn kept(note: &Note) -> Note {
    Note { revision: note.revision + 1, ..note.clone() }
}

pub(super) async fn a_note_comes_back_after_a_kill(subject: &dyn Subject) {
    let store = subject.open().await;
    let names = ["a", "b.c $d", "\"quoted\" \\/", "\u{e9}"];
    for name in names {
        let new = note(NoteKind::Secret, &ann(), name, 0);
        assert!(done(store.keep_note(&new).await), "11. a new note is kept");
        assert!(!done(store.keep_note(&new).await), "11. there is one");
    }
    let changed = note(NoteKind::Secret, &ann(), "a", 1);
    assert!(done(store.keep_note(&changed).await), "11. it has the revision that is there");
    assert!(!done(store.keep_note(&changed).await), "11. and now another");
    let unknown = note(NoteKind::Secret, &ann(), "unknown", 3);
    assert!(!done(store.keep_note(&unknown).await), "11. there is none");
    drop(store);
    subject.kill().await;
    let store = subject.open().await;
    let read = async |name: &str| done(store.note(NoteKind::Secret, &ann(), name).await);
    assert_eq!(read("a").await, Some(kept(&changed)), "11. the change outlasts a kill");
    for name in &names[1..] {
        let expected = kept(&note(NoteKind::Secret, &ann(), name, 0));
        assert_eq!(read(name).await, Some(expected), "11. a note comes back exactly");
    }
    assert_eq!(read("unknown").await, None, "11. what was refused is not there");
}

pub(super) async fn a_note_is_one_owners_under_one_kind(subject: &dyn Subject) {
    let store = subject.open().await;
    let others = [anna(), Owner::from("an"), Owner::from("")];
    for kind in NoteKind::ALL {
        assert!(done(store.keep_note(&note(kind, &ann(), "n", 0)).await), "11. kinds do not meet");
    }
    for other in &others {
        for kind in NoteKind::ALL {
            let seen = done(store.note(kind, other, "n").await);
            assert_eq!(seen, None, "2. another's note is not seen");
            assert!(!done(store.delete_note(kind, other, "n").await), "2. nor deleted");
            assert!(!done(store.keep_note(&note(kind, other, "n", 1)).await), "2. nor changed");
            let page = Page { after: None, most: 10 };
            assert!(done(store.notes(kind, Some(other), &page).await).is_empty(), "2. nor listed");
        }
    }
    assert!(done(store.delete_note(NoteKind::Token, &ann(), "n").await), "11. it was there");
    assert!(!done(store.delete_note(NoteKind::Token, &ann(), "n").await), "11. it is gone");
    let other_kind = done(store.note(NoteKind::Halt, &ann(), "n").await);
    assert_eq!(other_kind, Some(kept(&note(NoteKind::Halt, &ann(), "n", 0))), "11. others stay");
    let again = note(NoteKind::Token, &ann(), "n", 0);
    assert!(done(store.keep_note(&again).await), "11. a name that is free can be taken");
}

pub(super) async fn of_many_with_one_revision_one_keeps_a_note(subject: &dyn Subject) {
    let store = subject.open().await;
    for revision in 0..4 {
        let mut writers = JoinSet::new();
        for _ in 0..12 {
            let (store, mine) = (Arc::clone(&store), note(NoteKind::Quota, &ann(), "q", revision));
            writers.spawn(async move { done(store.keep_note(&mine).await) });
        }
        let kept = writers.join_all().await.into_iter().filter(|kept| *kept).count();
        assert_eq!(kept, 1, "11. of twelve with revision {revision} one succeeds");
    }
}

pub(super) async fn notes_are_listed_in_pages(subject: &dyn Subject) {
    let store = subject.open().await;
    let mut all = Vec::new();
    for number in 0..7 {
        for owner in [ann(), anna()] {
            let new = note(NoteKind::Audit, &owner, &format!("n{number}"), 0);
            assert!(done(store.keep_note(&new).await), "11. it is new");
            all.push(kept(&new));
        }
    }
    let shorter = note(NoteKind::Audit, &ann(), "n", 0);
    assert!(done(store.keep_note(&shorter).await), "11. it is new");
    all.push(kept(&shorter));
    assert!(done(store.keep_note(&note(NoteKind::Domain, &ann(), "n9", 0)).await), "11. too");
    all.sort_by_key(|note| std::cmp::Reverse(note.place()));
    for owner in [None, Some(ann()), Some(anna())] {
        let mut expected = all.clone();
        expected.retain(|note| owner.as_ref().is_none_or(|owner| note.owner == *owner));
        let mut listed: Vec<Note> = Vec::new();
        loop {
            let page = Page { after: listed.last().map(Note::place), most: 4 };
            let more = done(store.notes(NoteKind::Audit, owner.as_ref(), &page).await);
            assert!(more.len() <= 4, "11. a page has its limit");
            if more.is_empty() {
                break;
            }
            listed.extend(more);
        }
        assert_eq!(listed, expected, "11. all of them once, greatest name first");
    }
}

pub(super) async fn old_notes_are_forgotten(subject: &dyn Subject) {
    let store = subject.open().await;
    for name in ["a", "b", "b1", "c"] {
        assert!(done(store.keep_note(&note(NoteKind::Audit, &ann(), name, 0)).await));
        assert!(done(store.keep_note(&note(NoteKind::Token, &anna(), name, 0)).await));
    }
    done(store.forget_notes(NoteKind::Audit, "b1").await);
    let names = async |kind| {
        let page = Page { after: None, most: 10 };
        let notes = done(store.notes(kind, None, &page).await);
        notes.into_iter().map(|note| note.name).collect::<Vec<_>>()
    };
    assert_eq!(names(NoteKind::Audit).await, ["c", "b1"], "11. those before are gone");
    assert_eq!(names(NoteKind::Token).await.len(), 4, "11. those of other kinds stay");
}
