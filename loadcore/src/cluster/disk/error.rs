//! Turns the database's errors into kinds of a store's errors, by what to do about them.

use crate::cluster::store::{Kind, StoreError};

/// What went wrong below a call.
#[derive(Debug, Clone)]
pub(super) struct CallError(pub(super) Kind);

impl CallError {
    pub(super) fn doing(self, doing: &'static str) -> StoreError {
        StoreError { kind: self.0, doing, source: None }
    }

    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Self(Kind::Unavailable(text.into()))
    }
}

impl<E: Into<redb::Error>> From<E> for CallError {
    fn from(error: E) -> Self {
        let error = error.into();
        let text = error.to_string();
        Self(match error {
            redb::Error::ValueTooLarge(_) => Kind::TooLarge(text),
            // A full or failing disk: what was written before stays, and the file is opened again.
            redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                Kind::Unavailable(text)
            }
            _ => Kind::Damaged(text),
        })
    }
}

/// A record that cannot be read back.
pub(super) fn unreadable(what: &str, id: &str, why: &serde_json::Error) -> CallError {
    CallError(Kind::Damaged(format!("{what} {id}: {why}")))
}
