//! Makes settings, loads, channels and a target for tests of one engine thread.

use super::core::Core;
use super::source::{OpenLoop, Source, WholeLoad};
use super::{Channels, Fence, Orders, Report, Settings};
use crate::profile::Piecewise;
use crate::record::Interval;
use crate::request::{ErrorClass, Failure, Mix, Outcome};
use crate::schedule::{Arrivals, Share};
use crate::time::{Clock, MILLISECOND, Nanos, SECOND, driven};
use crate::transport::{Call, Lane, Opened, Thread, Transport};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::watch;

/// The settings of a thread that is alone and has no warm-up.
pub(super) fn settings() -> Settings {
    Settings {
        thread: 0,
        threads: 1,
        parts: vec![Share::WHOLE],
        fence: Fence::NONE,
        clock: Clock::start(),
        measured_from: 0,
        lanes_short: false,
        timeout: SECOND,
        drain: SECOND,
        slack: 0,
        interval: SECOND,
        sent: None,
    }
}

/// 100 arrivals per second for ten seconds: arrival n falls due at 5 ms + n times 10 ms.
pub(super) fn open_source() -> Source<Piecewise> {
    source(Some(OpenLoop {
        profile: Piecewise::constant(100.0),
        arrivals: Arrivals::Uniform,
        max_backlog: 1_000,
    }))
}

/// Two connections for ten seconds.
pub(super) fn closed_source() -> Source<Piecewise> {
    source(None)
}

fn source(open: Option<OpenLoop<Piecewise>>) -> Source<Piecewise> {
    let (end, mix) = (10 * SECOND, Mix::default());
    let load = WholeLoad { open, warmup: 0, end, limit: None, lanes: 2, mix };
    let mut source = Source::new(load);
    source.take_part(Share::WHOLE, 0, 0);
    source
}

/// The other ends of a thread's channels.
pub(super) struct Ends {
    pub(super) reports: Receiver<Report>,
    /// Takes an empty set for one interval more.
    pub(super) spares: SyncSender<Box<Interval>>,
}

/// Channels with an empty set for each of so many intervals.
pub(super) fn channels(sets: usize) -> (Channels, Ends) {
    let (report, reports) = sync_channel(8);
    let (spare, spares) = sync_channel(8);
    (0..sets).for_each(|_| spare.send(Box::default()).expect("room for a set"));
    let orders = watch::channel(Orders::default()).1;
    (Channels { orders, reports: report, spares }, Ends { reports, spares: spare })
}

/// An open loop over `transport`, with an empty set for one interval.
pub(super) fn core<T: Transport>(transport: &T) -> (Core<Piecewise, T>, Ends) {
    let (channels, ends) = channels(1);
    let settings = settings();
    let thread = Thread::new(settings.clock, None);
    (Core::new(settings, open_source(), transport.streams(), thread, channels), ends)
}

/// What a target does, on each of its lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Answers after so long.
    Answers(Nanos),
    /// Panics.
    Panics,
    /// Takes a request and is never heard of again.
    Hangs,
    /// Never lets a lane be opened.
    NeverOpens,
    /// Refuses to have a lane opened.
    Refuses,
    /// Closes the lane after so long, with nothing received.
    Closes(Nanos),
}

impl Transport for Target {
    type Lane = TargetLane;

    fn lane(&self, _: &Rc<Thread>) -> TargetLane {
        TargetLane { target: *self, is_open: Cell::new(false) }
    }
}

pub(super) struct TargetLane {
    target: Target,
    is_open: Cell<bool>,
}

impl Lane for TargetLane {
    async fn open(&self) -> Result<Opened, Failure> {
        match self.target {
            Target::NeverOpens => pending().await,
            Target::Refuses => Err(Failure::new(ErrorClass::ConnectRefused, "refused")),
            _ => {
                self.is_open.set(true);
                Ok(Opened { connect_ns: MILLISECOND, tls_ns: None, streams: 1 })
            }
        }
    }

    fn is_open(&self) -> bool {
        self.is_open.get()
    }

    async fn exchange(&self, _: Call) -> Outcome {
        match self.target {
            Target::Answers(after) => {
                driven::wait_until(driven::elapsed() + after).await;
                Outcome { status: Some(200), ..Outcome::default() }
            }
            Target::Closes(after) => {
                driven::wait_until(driven::elapsed() + after).await;
                self.is_open.set(false);
                let failure = Failure::new(ErrorClass::Stale, "it was closed");
                Outcome { not_begun: true, ..Outcome::failed(failure) }
            }
            Target::Panics => panic!("out of cheese"),
            _ => pending().await,
        }
    }
}
