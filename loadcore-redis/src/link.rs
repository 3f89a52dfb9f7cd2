//! Puts calls onto connections, each with a deadline: [`Link`] is one connection that many calls
//! share, [`Lines`] are connections that a call has for itself, because it blocks.
//!
//! A call that is not answered in time takes its connection with it: what would come over it later is
//! an answer to nobody, and a new connection finds a Redis that has moved.

use crate::connect::{Connection, Deadline, Dialer};
use crate::error::{CallError, too_late};
use loadcore::cluster::CoordinatorError;
use loadcore::cluster::coordinator::PATIENCE;
use redis::aio::MultiplexedConnection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a call takes at most, beyond the time that it was asked to wait: a little less than was
/// promised, since a busy machine notices late.
pub(crate) const ANSWER: Duration = PATIENCE.saturating_sub(Duration::from_millis(300));

/// How many calls may block at the same time; further ones wait for a place.
const LINES: usize = 256;

/// How many connections are kept for the next call that blocks: a worker has two (task, journal), a
/// controller one (results).
const IDLE_LINES: usize = 4;

/// One connection for calls that are answered at once.
pub(crate) struct Link {
    dialer: Arc<Dialer>,
    live: Mutex<Option<Connection>>,
    dialing: tokio::sync::Mutex<()>,
}

impl Link {
    pub(crate) fn new(dialer: &Arc<Dialer>) -> Self {
        let dialer = Arc::clone(dialer);
        Self { dialer, live: Mutex::default(), dialing: tokio::sync::Mutex::default() }
    }

    /// Does `work` over the connection, which is made if there is none.
    pub(crate) async fn ask<T, F>(
        &self,
        doing: &'static str,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, CoordinatorError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let deadline = Deadline::within(ANSWER);
        let found = timeout(deadline.left(), self.connection(&deadline)).await;
        let connection = match found {
            Ok(Ok(connection)) => connection,
            Ok(Err(trouble)) => return Err(trouble.into_error(doing, self.dialer.address())),
            Err(_) => return Err(too_late(doing, self.dialer.why_late(&deadline))),
        };
        let (answer, is_spoilt) =
            answered(doing, &self.dialer, &deadline, work(connection.wire.clone())).await;
        if is_spoilt {
            self.forget(&connection);
        }
        answer
    }

    async fn connection(&self, deadline: &Deadline) -> Result<Connection, CallError> {
        if let Some(live) = self.live() {
            return Ok(live);
        }
        let _one_dials = self.dialing.lock().await;
        if let Some(live) = self.live() {
            return Ok(live);
        }
        let fresh = self.dialer.dial(deadline).await?;
        *lock(&self.live) = Some(fresh.clone());
        Ok(fresh)
    }

    fn live(&self) -> Option<Connection> {
        lock(&self.live).clone().filter(|connection| !connection.is_closed())
    }

    fn forget(&self, spoilt: &Connection) {
        let mut live = lock(&self.live);
        if live.as_ref().is_some_and(|connection| connection.is(spoilt)) {
            *live = None;
        }
    }
}

/// Connections for calls that block.
pub(crate) struct Lines {
    dialer: Arc<Dialer>,
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

impl Lines {
    pub(crate) fn new(dialer: &Arc<Dialer>) -> Self {
        let (dialer, places) = (Arc::clone(dialer), Semaphore::new(LINES));
        Self { dialer, idle: Mutex::default(), places }
    }

    /// Does `work`, which waits at most `wait`, over a connection of its own. If the caller loses
    /// interest the connection is closed, so that Redis gives it nothing more.
    pub(crate) async fn ask<T, F>(
        &self,
        doing: &'static str,
        wait: Duration,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, CoordinatorError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let deadline = Deadline::within(wait.saturating_add(ANSWER));
        let Ok(place) = timeout(deadline.left(), self.places.acquire()).await else {
            return Err(too_late(doing, format!("{LINES} calls wait already")));
        };
        // Who is willing to wait for an hour still wants to hear soon that Redis is not there.
        let dialing = Deadline::within(ANSWER.min(deadline.left()));
        let found = timeout(dialing.left(), self.connection(&dialing)).await;
        let connection = match found {
            Ok(Ok(connection)) => connection,
            Ok(Err(trouble)) => return Err(trouble.into_error(doing, self.dialer.address())),
            Err(_) => return Err(too_late(doing, self.dialer.why_late(&dialing))),
        };
        let (answer, is_spoilt) =
            answered(doing, &self.dialer, &deadline, work(connection.wire.clone())).await;
        drop(place);
        let mut idle = lock(&self.idle);
        if !is_spoilt && idle.len() < IDLE_LINES {
            idle.push(connection);
        }
        answer
    }

    async fn connection(&self, deadline: &Deadline) -> Result<Connection, CallError> {
        while let Some(connection) = lock(&self.idle).pop() {
            if !connection.is_closed() {
                return Ok(connection);
            }
        }
        Ok(self.dialer.dial(deadline).await?)
    }
}

/// What `work` answers before the deadline, and whether its connection must not be used again.
async fn answered<T>(
    doing: &'static str,
    dialer: &Dialer,
    deadline: &Deadline,
    work: impl Future<Output = Result<T, CallError>>,
) -> (Result<T, CoordinatorError>, bool) {
    match timeout(deadline.left(), work).await {
        Ok(Ok(answer)) => (Ok(answer), false),
        Ok(Err(trouble)) => {
            let is_spoilt = trouble.spoils_the_connection();
            (Err(trouble.into_error(doing, dialer.address())), is_spoilt)
        }
        Err(_) => (Err(too_late(doing, dialer.why_late(deadline))), true),
    }
}

/// No code panics while it holds such a lock, so what a poisoned one guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
