//! Keeps notes in a table of their own, within one transaction: plain functions.

use super::error::CallError;
use super::tables::read;
use crate::cluster::Owner;
use crate::cluster::store::{Note, NoteKind, Page, place};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

/// Kind, place: the owner and the record.
const NOTES: TableDefinition<'_, (&str, &str), (&str, &[u8])> = TableDefinition::new("notes");

/// Makes the table where it is not there.
pub(super) fn prepare(tx: &WriteTransaction) -> Result<(), CallError> {
    tx.open_table(NOTES)?;
    Ok(())
}

/// `json` is the new record with the next revision.
pub(super) fn keep(tx: &WriteTransaction, new: &Note, json: &[u8]) -> Result<bool, CallError> {
    let mut notes = tx.open_table(NOTES)?;
    let (kind, place) = (new.kind.name(), new.place());
    let stored = notes.get((kind, place.as_str()))?;
    let stored = stored.map(|it| read_note(&new.name, it.value().1)).transpose()?;
    if stored.map_or(0, |stored| stored.revision) != new.revision {
        return Ok(false);
    }
    notes.insert((kind, place.as_str()), (new.owner.as_str(), json))?;
    Ok(true)
}

pub(super) fn note(
    tx: &ReadTransaction,
    kind: NoteKind,
    owner: &Owner,
    name: &str,
) -> Result<Option<Note>, CallError> {
    let notes = tx.open_table(NOTES)?;
    let stored = notes.get((kind.name(), place(owner, name).as_str()))?;
    stored.map(|it| read_note(name, it.value().1)).transpose()
}

pub(super) fn notes(
    tx: &ReadTransaction,
    kind: NoteKind,
    owner: Option<&Owner>,
    page: &Page,
) -> Result<Vec<Note>, CallError> {
    let (notes, kind) = (tx.open_table(NOTES)?, kind.name());
    // Greater than every place: none holds a character that is none.
    let end = page.after.as_deref().unwrap_or("\u{10ffff}");
    let mut found = Vec::new();
    for entry in notes.range((kind, "")..(kind, end))?.rev() {
        if found.len() == page.most {
            break;
        }
        let (place, stored) = entry?;
        let (of, json) = stored.value();
        if owner.is_none_or(|owner| owner.as_str() == of) {
            found.push(read_note(place.value().1, json)?);
        }
    }
    Ok(found)
}

pub(super) fn delete(
    tx: &WriteTransaction,
    kind: NoteKind,
    owner: &Owner,
    name: &str,
) -> Result<bool, CallError> {
    let mut notes = tx.open_table(NOTES)?;
    Ok(notes.remove((kind.name(), place(owner, name).as_str()))?.is_some())
}

pub(super) fn forget(tx: &WriteTransaction, kind: NoteKind, before: &str) -> Result<(), CallError> {
    let kind = kind.name();
    tx.open_table(NOTES)?.retain_in((kind, "")..(kind, before), |_, _| false)?;
    Ok(())
}

fn read_note(name: &str, json: &[u8]) -> Result<Note, CallError> {
    read("the note", name, json)
}
