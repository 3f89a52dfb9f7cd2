//! Wraps HTTP as a transport so that it keeps, of each request, what the engine recorded and what
//! the target told: on one clock, `CLOCK_MONOTONIC` of this machine.
//!
//! The target tells in a header of its reply (`?times`). The lane finds it in the thread's read
//! buffer, where a reply lies until the next one is read.

use loadcore::http::{HttpLane, HttpOptions, HttpTransport};
use loadcore::request::{Failure, HttpVersion, Outcome};
use loadcore::transport::{Call, Opened, Thread, Times};
use loadcore::{Lane, Transport};
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// What is known of one request, in nanoseconds of the run's clock where the engine says it and of
/// `CLOCK_MONOTONIC` where others do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// As the engine has recorded it.
    pub(crate) recorded: Times,
    /// What `CLOCK_MONOTONIC` showed at the zero of the run's clock.
    pub(crate) zero: u64,
    /// When the exchange began, and when it had first done all it could.
    pub(crate) asked: u64,
    pub(crate) sent: u64,
    /// When the target had read it, and when it wrote the answer; none if it did not tell.
    pub(crate) told: Option<(u64, u64)>,
}

/// HTTP with a witness.
#[derive(Debug, Clone)]
pub(crate) struct Witnessed {
    http: HttpTransport,
    kept: Arc<Mutex<Vec<Kept>>>,
}

impl Witnessed {
    /// GET requests to `url`, which asks the target for its times.
    pub(crate) fn get(url: &str) -> Self {
        let uri = url.parse().expect("a URL");
        let options = HttpOptions { version: HttpVersion::Http1, ..HttpOptions::get(uri) };
        let http = HttpTransport::new(options).expect("a request");
        Self { http, kept: Arc::new(Mutex::new(Vec::with_capacity(20_000))) }
    }

    /// All measured requests with an outcome.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Transport for Witnessed {
    type Lane = Witness;

    fn lane(&self, thread: &Rc<Thread>) -> Witness {
        Witness {
            http: self.http.lane(thread),
            thread: Rc::clone(thread),
            zero: zero_of(thread),
            kept: Arc::clone(&self.kept),
            last: Cell::new((0, 0, None)),
        }
    }

    fn descriptors_per_lane(&self) -> u64 {
        self.http.descriptors_per_lane()
    }
}

/// One connection, watched.
#[derive(Debug)]
pub(crate) struct Witness {
    http: HttpLane,
    thread: Rc<Thread>,
    zero: u64,
    kept: Arc<Mutex<Vec<Kept>>>,
    last: Cell<(u64, u64, Option<(u64, u64)>)>,
}

impl Lane for Witness {
    async fn open(&self) -> Result<Opened, Failure> {
        self.http.open().await
    }

    fn is_open(&self) -> bool {
        self.http.is_open()
    }

    async fn exchange(&self, call: Call) -> Outcome {
        let asked = monotonic();
        let mut sent = None;
        let outcome = {
            let mut exchange = pin!(self.http.exchange(call));
            poll_fn(|cx| {
                let poll = exchange.as_mut().poll(cx);
                sent.get_or_insert_with(monotonic);
                poll
            })
            .await
        };
        let told = take_times(&mut self.thread.scratch.borrow_mut());
        self.last.set((asked, sent.unwrap_or(asked), told));
        outcome
    }

    fn moved(&self) -> (u64, u64) {
        self.http.moved()
    }

    fn recorded(&self, recorded: Times) {
        let (asked, sent, told) = self.last.get();
        let kept = Kept { recorded, zero: self.zero, asked, sent, told };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }

    fn poll_closed(&self, context: &mut Context<'_>) -> Poll<()> {
        self.http.poll_closed(context)
    }
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
fn monotonic() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// What `CLOCK_MONOTONIC` showed at the zero of the thread's clock, to the length of two readings.
fn zero_of(thread: &Thread) -> u64 {
    let read = || {
        let before = monotonic();
        let now = thread.clock.now();
        (monotonic() - before, before - now)
    };
    std::array::from_fn::<_, 8, _>(|_| read()).into_iter().min().map_or(0, |(_, zero)| zero)
}

/// What the reply in the buffer tells; it is told once.
fn take_times(buffer: &mut [u8]) -> Option<(u64, u64)> {
    const NAME: &[u8] = b"x-times: ";
    let buffer = &mut buffer[..512];
    let at = buffer.windows(NAME.len()).position(|bytes| bytes == NAME)?;
    let line = buffer[at + NAME.len()..].split(|byte| *byte == b'\r').next()?;
    let (read, answered) = std::str::from_utf8(line).ok()?.split_once(", ")?;
    let read = read.strip_prefix("read=")?.parse().ok()?;
    let answered = answered.strip_prefix("answered=")?.parse().ok()?;
    buffer[at] = b'-';
    Some((read, answered))
}
