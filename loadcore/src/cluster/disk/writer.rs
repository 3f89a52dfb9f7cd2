//! Turns changes from many callers into few commits: one thread writes, and commits together what
//! waits.
//!
//! A durable commit costs a flush of the disk, some milliseconds, whatever it holds. While one is
//! under way the next changes gather, so the more is written at once the less each costs. The
//! thread is not one of the async runtime's, which a flush would hold up.

use super::error::CallError;
use super::held::Held;
use crate::cluster::store::Kind;
use redb::WriteTransaction;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::{mpsc, oneshot, watch};

/// Changes that wait to be written. Callers beyond that wait to hand theirs over.
const QUEUE: usize = 256;

/// Changes in one commit: bounds what is lost together when one of them fails.
const TOGETHER: usize = 64;

/// What a change answers when the commit has told its outcome.
type Answer = Box<dyn FnOnce(Result<(), Kind>) + Send>;

/// Makes a change in a transaction; not given one where none could be begun. `Err` says that the
/// transaction must not be committed.
type Change = Box<dyn FnOnce(Result<&WriteTransaction, Kind>) -> (Result<(), Kind>, Answer) + Send>;

/// The writing thread. Dropping it writes what waits, and then ends it.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Change>>,
    thread: Option<JoinHandle<()>>,
    /// Why the last change was not written; `None` where it was.
    trouble: watch::Receiver<Option<String>>,
}

impl Writer {
    pub(super) fn start(database: Arc<Held>) -> std::io::Result<Self> {
        let (queue, mut changes) = mpsc::channel(QUEUE);
        let (told, trouble) = watch::channel(None);
        let thread = Builder::new()
            .name("loadcore-store".into())
            .spawn(move || while commit_next(&database, &mut changes, &told).is_some() {})?;
        Ok(Self { queue: Some(queue), thread: Some(thread), trouble })
    }

    pub(super) fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.clone()
    }

    /// Makes a change, and answers when it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let (answer, answered) = oneshot::channel();
        let change: Change = Box::new(move |tx| {
            let made = tx.map_err(CallError).and_then(change);
            let outcome = made.as_ref().map(|_| ()).map_err(|fault| fault.0.clone());
            let tell: Answer = Box::new(move |committed| {
                // Nobody listens any more where the caller's time was over.
                let _ =
                    answer.send(made.and_then(|made| committed.map(|()| made).map_err(CallError)));
            });
            (outcome, tell)
        });
        let gone = || CallError::unavailable("its writing thread has ended");
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(change).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // It ended by a panic: its callers have been told.
            let _ = thread.join();
        }
    }
}

/// Waits for a change and commits it with those that wait behind it; `None` when all is done.
fn commit_next(
    database: &Held,
    changes: &mut mpsc::Receiver<Change>,
    told: &watch::Sender<Option<String>>,
) -> Option<()> {
    let first = changes.blocking_recv()?;
    let tx = match database.begin_write() {
        Ok(tx) => tx,
        Err(CallError(kind)) => {
            tell_of(told, Some(&kind));
            let (outcome, tell) = first(Err(kind));
            tell(outcome);
            return Some(());
        }
    };
    let (mut outcome, tell) = first(Ok(&tx));
    let mut answers = vec![tell];
    while outcome.is_ok()
        && answers.len() < TOGETHER
        && let Ok(next) = changes.try_recv()
    {
        let (made, tell) = next(Ok(&tx));
        answers.push(tell);
        outcome = made;
    }
    let committed = match outcome {
        Ok(()) => {
            let committed = tx.commit().map_err(|error| CallError::from(error).0);
            tell_of(told, committed.as_ref().err());
            committed
        }
        Err(kind) => {
            tell_of(told, Some(&kind));
            // Whether the half-made change can be taken back or not, it is never committed.
            let _ = tx.abort();
            Err(Kind::Unavailable(format!("what was to be written with it failed: {kind}")))
        }
    };
    for tell in answers {
        tell(committed.clone());
    }
    Some(())
}

/// Tells of the disk's trouble, and of its end. What is said first is the cause: what follows says
/// only that there was one.
fn tell_of(told: &watch::Sender<Option<String>>, failed: Option<&Kind>) {
    told.send_if_modified(|known| match failed {
        Some(Kind::Unavailable(why)) if known.is_none() => {
            *known = Some(why.clone());
            true
        }
        // One change was wrong, and the disk has nothing to do with it.
        Some(_) => false,
        None => known.take().is_some(),
    });
}
