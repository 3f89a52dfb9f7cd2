//! A formula into a target: it answers each request at exactly the moment that the formula says.

use crate::request::{Failure, Outcome};
use crate::time::{Nanos, driven};
use crate::transport::{Lane, Opened, Thread, Times, Transport};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What the engine recorded of a request, and what the target really did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) times: Times,
    /// When the request was sent.
    pub(super) read: Nanos,
    /// When its reply came.
    pub(super) answered: Nanos,
    /// When somebody looked at it.
    pub(super) heard: Nanos,
}

type Formula = dyn Fn(u64, Nanos) -> Nanos + Send + Sync;

/// Lanes of it are connections that open in no time, each for one request at a time.
#[derive(Clone)]
pub(super) struct Target(Arc<Shared>);

struct Shared {
    reply: Box<Formula>,
    asked: AtomicU64,
    seen: Mutex<Vec<Seen>>,
}

impl Target {
    pub(super) fn new(reply: impl Fn(u64, Nanos) -> Nanos + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            reply: Box::new(reply),
            asked: AtomicU64::new(0),
            seen: Mutex::default(),
        }))
    }

    /// All measured requests with an outcome.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let mut seen = self.0.seen.lock().unwrap().clone();
        seen.sort_by_key(|it| (it.times.intended, it.times.start, it.times.end));
        seen
    }
}

impl Transport for Target {
    type Lane = Connection;

    fn lane(&self, thread: &Rc<Thread>) -> Connection {
        Connection {
            target: self.clone(),
            thread: Rc::clone(thread),
            is_open: Cell::new(false),
            last: Cell::new([0; 3]),
        }
    }
}

pub(super) struct Connection {
    target: Target,
    thread: Rc<Thread>,
    is_open: Cell<bool>,
    /// Of its last request: read, answered, heard.
    last: Cell<[Nanos; 3]>,
}

impl Lane for Connection {
    async fn open(&self) -> Result<Opened, Failure> {
        self.is_open.set(true);
        Ok(Opened { connect_ns: 0, tls_ns: None, streams: 1 })
    }

    fn is_open(&self) -> bool {
        self.is_open.get()
    }

    async fn exchange(&self) -> Outcome {
        let shared = &self.target.0;
        let read = driven::elapsed();
        let answered = (shared.reply)(shared.asked.fetch_add(1, Ordering::Relaxed), read);
        self.last.set([read, answered, Nanos::MAX]);
        driven::wait_until(answered).await;
        self.last.set([read, answered, driven::elapsed()]);
        let hearing = self.thread.hearing.as_ref();
        let stamp = Some(driven::wall_at(answered));
        let came = hearing.and_then(|it| it.came_at(stamp, &self.thread.clock));
        Outcome {
            status: Some(200),
            first_byte_at: came,
            end_at: came,
            stamped: came.is_some(),
            ..Outcome::default()
        }
    }

    fn recorded(&self, times: Times) {
        let [read, answered, heard] = self.last.get();
        self.target.0.seen.lock().unwrap().push(Seen { times, read, answered, heard });
    }
}
