//! Holds the database in the one place that hands it out, so that it can be opened again.
//!
//! After one failed read, write or flush redb answers nothing more until it is opened anew, though
//! the disk may have had room again a second later. So transactions are begun here alone: the code
//! that has one holds no database, and the writing thread can put another in its place.

use super::error::CallError;
use crate::time::now;
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageError, TransactionError,
    WriteTransaction,
};
use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// How long after it was opened again it is not tried once more: opening reads the whole file, and
/// a disk that is full fails the next write as well.
const PAUSE: Duration = Duration::from_secs(1);

type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// A database that can be opened again.
pub(super) struct Held {
    open: Open,
    state: RwLock<State>,
}

struct State {
    /// `None` while it is being opened, and when that failed.
    database: Option<Database>,
    /// When it was last opened again, or tried to be.
    opened: Option<Instant>,
}

impl Held {
    pub(super) fn new(
        open: impl Fn() -> Result<Database, DatabaseError> + Send + Sync + 'static,
    ) -> Result<Self, DatabaseError> {
        let state = State { database: Some(open()?), opened: None };
        Ok(Self { open: Box::new(open), state: RwLock::new(state) })
    }

    /// No code panics while it holds the lock, so what a poisoned one guards is whole.
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, CallError> {
        let state = self.state();
        let database = state.database.as_ref().ok_or_else(being_opened)?;
        Ok(database.begin_read()?)
    }

    /// For the writing thread alone, without a transaction of its own: opens the database again
    /// where an earlier failure makes that needed.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, CallError> {
        let begun = self.state().database.as_ref().map(Database::begin_write);
        match begun {
            None | Some(Err(TransactionError::Storage(StorageError::PreviousIo))) => {}
            Some(begun) => return Ok(begun?),
        }
        self.open_again()?;
        let state = self.state();
        let database = state.database.as_ref().ok_or_else(being_opened)?;
        Ok(database.begin_write()?)
    }

    fn open_again(&self) -> Result<(), CallError> {
        let mut state = self.change();
        if state.opened.is_some_and(|at| now().saturating_duration_since(at) < PAUSE) {
            return Err(CallError::unavailable("its disk failed a moment ago"));
        }
        // It frees the file, and those who read on are told that it is closed.
        drop(state.database.take());
        drop(state);
        let opened = (self.open)();
        let mut state = self.change();
        state.opened = Some(now());
        // What is wrong with the file now, a new start says; what was to be written is not at fault.
        let failed =
            |error| CallError::unavailable(format!("after its disk failed, its file: {error}"));
        state.database = Some(opened.map_err(failed)?);
        Ok(())
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

fn being_opened() -> CallError {
    CallError::unavailable("its disk failed, and its file is being opened again")
}
