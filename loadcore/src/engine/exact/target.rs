//! Turns a formula into a target: it answers each request at exactly the moment that the formula
//! says.

use crate::request::{Failure, Outcome};
use crate::time::{Nanos, driven};
use crate::transport::{Call, Lane, Opened, Thread, Times, Transport};
use std::cell::Cell;
use std::ops::Range;
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

/// Lanes of it are connections, each for one request at a time.
#[derive(Clone)]
pub(super) struct Target(Arc<Shared>);

struct Shared {
    reply: Box<Formula>,
    way: Way,
    asked: AtomicU64,
    open: AtomicU64,
    seen: Mutex<Vec<Seen>>,
    tries: Mutex<Vec<Try>>,
}

/// How connections to it fare.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// How long one takes to open.
    pub(super) connect: Nanos,
    /// Each is closed after a request.
    pub(super) closes: bool,
    /// When this machine has no port left.
    pub(super) short: Vec<Range<Nanos>>,
    /// How many ports it has; 0: enough.
    pub(super) ports: u64,
}

/// That a connection was to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) at: Nanos,
    /// This machine could.
    pub(super) began: bool,
}

impl Target {
    pub(super) fn new(
        reply: impl Fn(u64, Nanos) -> Nanos + Send + Sync + 'static,
        way: Way,
    ) -> Self {
        Self(Arc::new(Shared {
            reply: Box::new(reply),
            way,
            asked: AtomicU64::new(0),
            open: AtomicU64::new(0),
            seen: Mutex::default(),
            tries: Mutex::default(),
        }))
    }

    /// All tries to open a connection, in order.
    pub(super) fn tries(&self) -> Vec<Try> {
        self.0.tries.lock().unwrap().clone()
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
        let Shared { way, open, tries, .. } = &*self.target.0;
        let at = driven::elapsed();
        let is_short = way.short.iter().any(|short| short.contains(&at))
            || (way.ports > 0 && open.load(Ordering::Relaxed) == way.ports);
        tries.lock().unwrap().push(Try { at, began: !is_short });
        if is_short {
            return Err(Failure::shortage("no port is left"));
        }
        open.fetch_add(1, Ordering::Relaxed);
        if way.connect > 0 {
            driven::wait_until(at + way.connect).await;
        }
        self.is_open.set(true);
        Ok(Opened { connect_ns: way.connect, tls_ns: None, streams: 1 })
    }

    fn is_open(&self) -> bool {
        self.is_open.get()
    }

    async fn exchange(&self, _: Call) -> Outcome {
        let shared = &self.target.0;
        let read = driven::elapsed();
        let answered = (shared.reply)(shared.asked.fetch_add(1, Ordering::Relaxed), read);
        self.last.set([read, answered, Nanos::MAX]);
        driven::wait_until(answered).await;
        self.last.set([read, answered, driven::elapsed()]);
        if shared.way.closes {
            self.is_open.set(false);
            shared.open.fetch_sub(1, Ordering::Relaxed);
        }
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
