//! Plays a worker's process, which may be killed at any moment, frozen and continued.

use crate::cluster::agent::Agent;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use tokio::sync::watch;
use tokio::task::{JoinHandle, LocalSet};

/// A process.
pub(super) struct Host {
    pub(super) number: usize,
    state: Rc<State>,
    task: JoinHandle<()>,
    drain: watch::Sender<bool>,
    pub(super) was_killed: bool,
}

#[derive(Default)]
struct State {
    frozen: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Host {
    /// Starts a worker: everything that it spawns lives and dies, freezes and goes on with it.
    pub(super) fn start(number: usize, agent: Agent) -> Self {
        let state = Rc::new(State::default());
        let (drain, drained) = watch::channel(false);
        let mut tasks = LocalSet::new();
        tasks.spawn_local(agent.run_with_beats(drained));
        let seen = Rc::clone(&state);
        let process = poll_fn(move |cx| {
            if seen.frozen.get() {
                seen.waker.set(Some(cx.waker().clone()));
                return Poll::Pending;
            }
            Pin::new(&mut tasks).poll(cx)
        });
        let task = tokio::task::spawn_local(process);
        Self { number, state, task, drain, was_killed: false }
    }

    pub(super) fn kill(&mut self) {
        self.task.abort();
        self.was_killed = true;
    }

    pub(super) fn freeze(&self) {
        self.state.frozen.set(true);
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.state.frozen.get()
    }

    pub(super) fn go_on(&self) {
        self.state.frozen.set(false);
        if let Some(waker) = self.state.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn drain(&self) {
        self.drain.send_replace(true);
    }

    pub(super) fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}
