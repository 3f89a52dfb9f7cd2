//! Tests the engine against a target and a clock that tests drive: every moment is known, to the
//! nanosecond.
//!
//! A run here takes no time and needs no second try. What is expected is worked out beside the
//! engine, from formulas and queues of a few lines that share no code with it (`model.rs`), and
//! held against three things: each request's recorded times, the counts, and the histograms,
//! bucket by bucket. The same against real sockets and a real clock, with the host's noise, is in
//! `tests/tests/accuracy`.

mod closed;
mod judge;
mod model;
mod open;
mod orders;
mod queues;
mod replies;
mod shortage;
mod target;

use super::source::{OpenLoop, WholeLoad};
use super::{Channels, Fence, Order, Orders, Settings, ThreadEnd, conductor};
use crate::profile::{LoadProfile, ProfileType};
use crate::record::{Interval, Merge};
use crate::request::Mix;
use crate::schedule::{Arrivals, Share};
use crate::time::{Clock, Nanos, SECOND, driven};
use crate::transport::{Hearing, Thread};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use target::{Seen, Target, Try, Way};
use tokio::sync::watch;

/// Sets of histograms in circulation, more than any run here has intervals.
const SETS: usize = 12;

/// A run to be made.
struct Run {
    load: WholeLoad<LoadProfile>,
    slack: Nanos,
    timeout: Nanos,
    drain: Nanos,
    orders: Vec<(Nanos, Order)>,
    /// Replies are stamped, and need not be read as they come.
    stamped: bool,
    /// When the machine stands still.
    gaps: Vec<Range<Nanos>>,
    /// Which thread of how many.
    thread: (usize, u64),
}

/// What came of it.
struct Evidence {
    /// Every measured request with an outcome, in the order of the intended and then actual starts.
    seen: Vec<Seen>,
    intervals: Vec<Interval>,
    total: Interval,
    ending: ThreadEnd,
    /// When connections were to be opened.
    tries: Vec<Try>,
}

impl Run {
    /// Open loop, `seconds` long, with more connections than it can use.
    fn open(profile: ProfileType, seconds: f64) -> Self {
        let profile = LoadProfile::new(profile, seconds).unwrap();
        let arrivals = Arrivals::Uniform;
        let open = Some(OpenLoop { profile, arrivals, max_backlog: 1_000_000 });
        Self::of(open, seconds, 10_000)
    }

    /// Closed loop, `seconds` long.
    fn closed(lanes: u64, seconds: f64) -> Self {
        Self::of(None, seconds, lanes)
    }

    fn of(open: Option<OpenLoop<LoadProfile>>, seconds: f64, lanes: u64) -> Self {
        let end = (seconds * SECOND as f64) as Nanos;
        Self {
            load: WholeLoad { open, warmup: 0, end, limit: None, lanes, mix: Mix::default() },
            slack: 0,
            timeout: 100 * SECOND,
            drain: 100 * SECOND,
            orders: Vec::new(),
            stamped: false,
            gaps: Vec::new(),
            thread: (0, 1),
        }
    }

    /// Runs it against a target that answers the n-th request (from 0), read at a moment, at the
    /// moment that `reply` says.
    fn against(self, reply: impl Fn(u64, Nanos) -> Nanos + Send + Sync + 'static) -> Evidence {
        self.over(Way::default(), reply)
    }

    /// The same, where connections to it fare so.
    fn over(
        self,
        way: Way,
        reply: impl Fn(u64, Nanos) -> Nanos + Send + Sync + 'static,
    ) -> Evidence {
        let target = Target::new(reply, way);
        let (report, reports) = sync_channel(SETS);
        let (spare, spares) = sync_channel(SETS);
        (0..SETS).for_each(|_| spare.send(Box::default()).unwrap());
        let (_given, orders) = watch::channel(Orders::new(self.orders));
        let channels = Channels { orders, reports: report, spares };
        driven::run(self.gaps, async {
            let settings = Settings {
                thread: self.thread.0,
                threads: self.thread.1,
                parts: vec![Share::WHOLE],
                fence: Fence::NONE,
                clock: Clock::start(),
                measured_from: self.load.warmup,
                lanes_short: false,
                timeout: self.timeout,
                drain: self.drain,
                slack: self.slack,
                interval: SECOND,
                sent: None,
            };
            let thread = Thread::new(settings.clock, self.stamped.then(Hearing::default));
            let transport = Arc::new(target.clone());
            let local = tokio::task::LocalSet::new();
            let course = conductor::conduct(settings, self.load, transport, thread, channels);
            local.run_until(course).await.unwrap();
        });
        let (mut intervals, mut total, mut ending) = (Vec::new(), Interval::default(), None);
        for report in reports.try_iter() {
            total.merge(&report.set);
            intervals.push(*report.set);
            ending = ending.or(report.ending);
        }
        let (seen, tries) = (target.seen(), target.tries());
        Evidence { seen, intervals, total, ending: ending.expect("a last report"), tries }
    }
}
