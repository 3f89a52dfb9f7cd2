//! Turns tokens into requests, on threads that share nothing.
//!
//! Each engine thread has its share of the schedule, its lanes and its recorder, on a tokio
//! current-thread runtime whose tasks never leave it. Four kinds of tasks live there:
//!
//! - the **pacer** wakes when tokens fall due and dispatches them to idle slots;
//! - a **slot** is a place for one request under way on a lane: it makes the attempt, records it,
//!   and takes the next due token itself, without waiting for the pacer;
//! - the **watchdog** ends attempts that are over their timeout. It looks at all slots every few
//!   milliseconds, so that a request pays nothing for its timeout;
//! - the **conductor** applies orders, closes each second's interval, and ends the load.
//!
//! What they share is the `core::Core`, borrowed for a moment and never across a wait.

mod backoff;
mod conductor;
mod core;
#[cfg(test)]
mod exact;
mod fence;
#[cfg(test)]
mod fixtures;
mod lanes;
mod ledger;
mod naps;
mod pacer;
mod profile_clock;
mod quota;
mod returned;
mod slot;
mod source;
mod timer;
mod usage;

pub(crate) use fence::Fence;
#[cfg(feature = "cluster")]
pub(crate) use profile_clock::ProfileClock;
pub(crate) use source::{OpenLoop, WholeLoad};

use crate::profile::Profile;
use crate::record::Interval;
use crate::request::DropReason;
use crate::schedule::Share;
use crate::time::{Clock, Nanos};
use crate::transport::{Hearing, Thread, Transport};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use tokio::sync::watch;

/// What one engine thread is to do.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Its number, from 0.
    pub(crate) thread: usize,
    /// How many threads there are: each has its part of every share of the process.
    pub(crate) threads: u64,
    /// The process's shares at the start.
    pub(crate) parts: Vec<Share>,
    /// Until when requests may be sent.
    pub(crate) fence: Fence,
    /// The run's clock; its zero is the start of the warm-up.
    pub(crate) clock: Clock,
    /// When the measured time begins.
    pub(crate) measured_from: Nanos,
    /// There would be more, had the process more descriptors.
    pub(crate) lanes_short: bool,
    /// Most time for an attempt, opening a lane included.
    pub(crate) timeout: Nanos,
    /// Most time for what is due or in flight at the end.
    pub(crate) drain: Nanos,
    /// How long the pacer may let due tokens gather.
    pub(crate) slack: Nanos,
    /// Length of an interval.
    pub(crate) interval: Nanos,
    /// Is told of every measured request that is sent.
    #[cfg(test)]
    pub(crate) sent: Option<Arc<dyn SentWatch>>,
}

/// In tests: who is told what is sent.
#[cfg(test)]
pub(crate) trait SentWatch: std::fmt::Debug + Send + Sync {
    /// Request `number` of the run's schedule is sent, due at `intended` and with the fence at
    /// `fence`, all on the run's clock.
    fn sent(&self, number: u64, intended: Option<Nanos>, now: Nanos, fence: Nanos);
}

impl Settings {
    #[cfg(test)]
    fn watch_sent(&self, ticket: source::Ticket, now: Nanos) {
        if let Some(watch) = &self.sent {
            watch.sent(ticket.number, ticket.intended, now, self.fence.until());
        }
    }

    /// This thread's part of one of the process's shares.
    pub(crate) fn part_of(&self, share: Share) -> Share {
        share.split(self.thread as u64, self.threads)
    }
}

/// A change of a running load. All threads apply it at the same moment of the run's clock.
#[cfg_attr(
    not(any(feature = "cluster", test)),
    expect(dead_code, reason = "a machine that is alone keeps its share")
)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Order {
    /// Stop the profile's clock.
    Pause,
    /// Let it go on.
    Resume,
    /// Go to `target` arrivals per second within `over` seconds.
    Rate {
        /// All threads together.
        target: f64,
        /// Length of the line to it.
        over: f64,
    },
    /// The process gets a further share, of what falls due after a moment and is not among the first
    /// so many of the run.
    Take(Share, Nanos, u64),
    /// The process gives a share up from a moment on.
    Release(Share, Nanos),
    /// End the load now; what is in flight is unfinished.
    Stop(DropReason),
}

/// Every order of a run so far, each with its moment. A thread remembers how many it has applied.
pub(crate) type Orders = Arc<Vec<(Nanos, Order)>>;

/// What a thread says each interval.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) thread: usize,
    /// Intervals closed so far: this report goes up to the end of interval `closed - 1`.
    pub(crate) closed: u64,
    /// What was recorded since the last report.
    pub(crate) set: Box<Interval>,
    /// When nothing more fell due, once that is so: on the run's clock, from the start of the
    /// measured time.
    pub(crate) load_end: Option<Nanos>,
    /// The last report of the thread.
    pub(crate) ending: Option<ThreadEnd>,
}

/// How a thread's load ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadEnd {
    /// When nothing more fell due, on the profile's clock.
    pub(crate) load_end: Nanos,
    /// How long what was left took after that.
    pub(crate) drain: Nanos,
    /// The load was stopped before its end.
    pub(crate) stopped: bool,
}

/// The channels of one thread.
#[derive(Debug)]
pub(crate) struct Channels {
    /// Changes of the load. Closed: stop.
    pub(crate) orders: watch::Receiver<Orders>,
    /// Reports to the collector.
    pub(crate) reports: SyncSender<Report>,
    /// Sets that the collector has emptied.
    pub(crate) spares: Receiver<Box<Interval>>,
}

/// Runs one engine thread to its end. Called on that thread.
///
/// # Errors
/// When the thread's runtime or its timer cannot be made.
pub(crate) fn run_thread<P: Profile + Clone, T: Transport>(
    settings: Settings,
    load: WholeLoad<P>,
    transport: Arc<T>,
    channels: Channels,
) -> io::Result<()> {
    // Tasks of one engine never leave this thread.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())?;
    let thread = Thread::new(settings.clock, load.open.is_some().then(Hearing::default));
    let ended = runtime.block_on(conductor::conduct(settings, load, transport, thread, channels));
    // A name server that does not answer may hold a blocking thread for long; it holds nobody up.
    runtime.shutdown_background();
    ended
}

/// One engine thread's work as a future of the present thread: for
/// simulations under a clock that stands still.
#[cfg(test)]
pub(crate) async fn run_here<P: Profile + Clone, T: Transport>(
    settings: Settings,
    load: WholeLoad<P>,
    transport: Arc<T>,
    channels: Channels,
) {
    let thread = Thread::new(settings.clock, None);
    // Its tasks end with it, as those of a thread do.
    let local = tokio::task::LocalSet::new();
    let course = conductor::conduct(settings, load, transport, thread, channels);
    local.run_until(course).await.unwrap();
}
