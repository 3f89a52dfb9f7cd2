//! Turns an asynchronous closure into a transport: with a state of its own for each lane, or without.

use super::{Call, Lane, Opened, Thread, Transport};
use crate::request::{ErrorClass, Failure, Outcome};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

/// An asynchronous closure as the thing under load.
///
/// It is told of its [`Call`], and answers `Ok(status)` (a status of 400 and more is a failure, as in
/// HTTP) or `Err(failure)`. What fails here is the target's: a failure of class `internal` becomes
/// one of class `target`.
#[derive(Debug, Clone)]
pub struct FnTransport<F>(F);

impl<F> FnTransport<F> {
    /// Puts load on `call`.
    pub fn new(call: F) -> Self
    where
        F: AsyncFn(Call) -> Result<u16, Failure> + Clone + Send + Sync + 'static,
    {
        Self(call)
    }
}

impl<F> Transport for FnTransport<F>
where
    F: AsyncFn(Call) -> Result<u16, Failure> + Clone + Send + Sync + 'static,
{
    type Lane = FnLane<F>;

    fn lane(&self, _thread: &Rc<Thread>) -> FnLane<F> {
        FnLane(self.0.clone())
    }
}

/// A lane of a [`FnTransport`]: always open.
#[derive(Debug)]
pub struct FnLane<F>(F);

impl<F> Lane for FnLane<F>
where
    F: AsyncFn(Call) -> Result<u16, Failure> + 'static,
{
    async fn open(&self) -> Result<Opened, Failure> {
        Ok(Opened { connect_ns: 0, tls_ns: None, streams: 1 })
    }

    fn is_open(&self) -> bool {
        true
    }

    async fn exchange(&self, call: Call) -> Outcome {
        outcome_of((self.0)(call).await)
    }
}

/// A closure that opens something, and one that uses it for one request after another: a connection
/// of any protocol, a client of a library.
///
/// A request that times out or fails closes what was opened, and the next one opens it anew; the time
/// that takes belongs to the request that needed it. A status is an answer and closes nothing, however
/// high, nor does a failure of a class of its own ([`Failure::named`]).
pub struct Session<S, O, F> {
    open: O,
    call: F,
    state: PhantomData<fn() -> S>,
}

impl<S, O, F> Session<S, O, F>
where
    O: AsyncFn() -> Result<S, Failure> + Clone + Send + Sync + 'static,
    F: AsyncFn(&mut S, Call) -> Result<u16, Failure> + Clone + Send + Sync + 'static,
    S: 'static,
{
    /// Puts load on `call`, which gets what `open` has opened.
    pub fn new(open: O, call: F) -> Self {
        Self { open, call, state: PhantomData }
    }
}

impl<S, O: Clone, F: Clone> Clone for Session<S, O, F> {
    fn clone(&self) -> Self {
        Self { open: self.open.clone(), call: self.call.clone(), state: PhantomData }
    }
}

impl<S, O, F> fmt::Debug for Session<S, O, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl<S, O, F> Transport for Session<S, O, F>
where
    O: AsyncFn() -> Result<S, Failure> + Clone + Send + Sync + 'static,
    F: AsyncFn(&mut S, Call) -> Result<u16, Failure> + Clone + Send + Sync + 'static,
    S: 'static,
{
    type Lane = SessionLane<S, O, F>;

    fn lane(&self, thread: &Rc<Thread>) -> Self::Lane {
        SessionLane {
            open: self.open.clone(),
            call: self.call.clone(),
            thread: Rc::clone(thread),
            state: Cell::new(None),
            is_open: Cell::new(false),
        }
    }
}

/// A lane of a [`Session`].
pub struct SessionLane<S, O, F> {
    open: O,
    call: F,
    thread: Rc<Thread>,
    /// Taken out while a request uses it: one that is given up in the middle leaves the lane closed.
    state: Cell<Option<S>>,
    is_open: Cell<bool>,
}

impl<S, O, F> fmt::Debug for SessionLane<S, O, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLane").field("is_open", &self.is_open).finish_non_exhaustive()
    }
}

impl<S, O, F> Lane for SessionLane<S, O, F>
where
    O: AsyncFn() -> Result<S, Failure> + 'static,
    F: AsyncFn(&mut S, Call) -> Result<u16, Failure> + 'static,
    S: 'static,
{
    async fn open(&self) -> Result<Opened, Failure> {
        let begun = self.thread.clock.now();
        let state = (self.open)().await.map_err(of_target)?;
        self.state.set(Some(state));
        self.is_open.set(true);
        let connect_ns = self.thread.clock.now().saturating_sub(begun);
        Ok(Opened { connect_ns, tls_ns: None, streams: 1 })
    }

    fn is_open(&self) -> bool {
        self.is_open.get()
    }

    async fn exchange(&self, call: Call) -> Outcome {
        self.is_open.set(false);
        let Some(mut state) = self.state.take() else {
            return Outcome::failed(Failure::new(ErrorClass::Target, "the session is closed"));
        };
        let answer = (self.call)(&mut state, call).await;
        if answer.as_ref().map_or_else(|failure| failure.own_class().is_some(), |_| true) {
            self.state.set(Some(state));
            self.is_open.set(true);
        }
        outcome_of(answer)
    }
}

/// The answer of something that is loaded in the place of HTTP: what fails there is its own fault.
pub(super) fn outcome_of(answer: Result<u16, Failure>) -> Outcome {
    match answer {
        Ok(status) => Outcome { status: Some(status), ..Outcome::default() },
        Err(failure) => Outcome::failed(of_target(failure)),
    }
}

/// The generator's own class is not for the thing under load to give, but that this machine was short of
/// something it may say.
fn of_target(failure: Failure) -> Failure {
    match failure.class {
        ErrorClass::Internal if !failure.is_shortage() => {
            Failure { class: ErrorClass::Target, ..failure }
        }
        _ => failure,
    }
}
