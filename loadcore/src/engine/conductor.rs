//! Turns a thread's settings into its whole course: start, orders, intervals, drain, end.

use super::core::Core;
use super::source::Source;
use super::timer::Timer;
use super::usage::cpu_ns;
use super::{Channels, Order, Orders, Settings, ThreadEnd, WholeLoad, pacer};
use crate::profile::Profile;
use crate::request::DropReason;
use crate::time::{MILLISECOND, Nanos, sleep_until};
use crate::transport::{Thread, Transport};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::watch;

/// Runs one thread's load to its end.
pub(super) async fn conduct<P: Profile + Clone, T: Transport>(
    settings: Settings,
    load: WholeLoad<P>,
    transport: Arc<T>,
    thread: Rc<Thread>,
    channels: Channels,
) -> io::Result<()> {
    let orders = Pending::new(channels.orders.clone());
    let mut source = Source::new(load);
    for share in &settings.parts {
        source.take_part(settings.part_of(*share), 0, 0);
    }
    let timer = Timer::new()?;
    let core: Rc<Core<P, T>> =
        Rc::new(Core::new(settings, source, transport.streams(), thread, channels));
    // Tasks of their own: none is polled because another was woken.
    let pacer = tokio::task::spawn_local(pacer::pace(Rc::clone(&core), transport, timer));
    tokio::task::spawn_local(watch_timeouts(Rc::clone(&core)));
    let director = tokio::task::spawn_local(direct(core, orders));
    tokio::select! {
        biased;
        ended = pacer => ended.map_err(io::Error::other)?,
        ended = director => ended.map_err(io::Error::other),
    }
}

/// A thread that does not come round for so long, and is not busy meanwhile, stands still: its process
/// was stopped, or its machine.
const STALL: Nanos = 50 * MILLISECOND;

/// Looks for attempts over their timeout, about a hundred times in the length of one, and at
/// least every 20 ms. That it cannot do so in time is how it knows that the thread stood still.
async fn watch_timeouts<P: Profile, T: Transport>(core: Rc<Core<P, T>>) {
    let every = (core.settings.timeout / 100).clamp(MILLISECOND, 20 * MILLISECOND);
    let clock = core.thread.clock;
    let mut busy = cpu_ns();
    loop {
        let planned = clock.now() + every;
        sleep_until(clock.instant(planned)).await;
        let now = clock.now();
        core.expire(now);
        let used = cpu_ns();
        let idle = now.saturating_sub(planned).saturating_sub(used.saturating_sub(busy));
        busy = used;
        if idle > STALL {
            core.stood_still(now - idle, now);
        }
    }
}

async fn direct<P: Profile + Clone, T: Transport>(core: Rc<Core<P, T>>, mut orders: Pending) {
    let clock = core.thread.clock;
    let stopped = loop {
        let now = clock.now();
        orders.look(&core);
        if let Some(stop) = orders.apply(&core, now) {
            break Some(stop);
        }
        let boundary = core.close_intervals(now);
        let end = core.ask(Source::end_at);
        let spent = core.ask(Source::is_spent);
        if end.is_some_and(|end| now >= end) || (spent && core.is_quiet()) {
            break None;
        }
        let wake = boundary.min(end.unwrap_or(Nanos::MAX)).min(orders.next_at());
        tokio::select! {
        biased;
            () = sleep_until(clock.instant(wake)) => {}
            () = core.news.notified() => {}
            () = orders.changed() => {}
        }
    };
    let (reason, due_at, ending) = match stopped {
        Some((reason, at)) => finish_now(&core, reason, at),
        None => drain(&core, &mut orders).await,
    };
    core.end(reason, due_at, clock.now(), ending);
}

/// An order to stop: what is in flight is unfinished.
fn finish_now<P: Profile, T: Transport>(
    core: &Core<P, T>,
    reason: DropReason,
    at: Nanos,
) -> (DropReason, Nanos, ThreadEnd) {
    let load_end = core.ask(|source| source.profile_time(at));
    (reason, at, ThreadEnd { load_end, drain: 0, stopped: true })
}

/// What is due is still sent, and what is in flight awaited, for a limited time.
async fn drain<P: Profile + Clone, T: Transport>(
    core: &Core<P, T>,
    orders: &mut Pending,
) -> (DropReason, Nanos, ThreadEnd) {
    let clock = core.thread.clock;
    // The load ends when nothing more falls due: at the end of the profile, or, where a number of
    // requests ends it, with the last of them, whose time is counted in full and not waited for.
    let end = core.ask(Source::end_at).unwrap_or(Nanos::MAX);
    let now = clock.now();
    let load_end_at = match core.ask(Source::number_ends_at) {
        _ if now >= end => end,
        last => core.last_end().max(last.unwrap_or(0)),
    };
    let load_end = core.ask(|source| source.profile_time(load_end_at));
    let deadline = load_end_at.saturating_add(core.settings.drain);
    core.drain(load_end_at);
    let mut reason = DropReason::RunEnded;
    while !core.is_quiet() {
        let now = clock.now();
        orders.look(core);
        if let Some((stop, _)) = orders.apply(core, now) {
            reason = stop;
            break;
        }
        if now >= deadline {
            break;
        }
        let wake = core.close_intervals(now).min(deadline).min(orders.next_at());
        tokio::select! {
        biased;
            () = sleep_until(clock.instant(wake)) => {}
            () = core.news.notified() => {}
            () = orders.changed() => {}
        }
    }
    // Until the last outcome, or until nobody waited any longer.
    let drained_at = if core.is_quiet() { core.last_end() } else { clock.now() };
    let drain = drained_at.saturating_sub(load_end_at);
    (reason, load_end_at, ThreadEnd { load_end, drain, stopped: reason != DropReason::RunEnded })
}

/// The orders that this thread has not applied yet.
struct Pending {
    all: watch::Receiver<Orders>,
    known: Orders,
    applied: usize,
    /// Nobody can give orders any more.
    abandoned: bool,
}

impl Pending {
    fn new(all: watch::Receiver<Orders>) -> Self {
        Self { all, known: Orders::default(), applied: 0, abandoned: false }
    }

    /// Takes note of new orders, and keeps back what falls due after the next one.
    fn look<P: Profile, T: Transport>(&mut self, core: &Core<P, T>) {
        let known = self.all.borrow_and_update().clone();
        if known.len() != self.known.len() {
            self.known = known;
            let hold = self.next_at();
            core.change(|source| source.hold(hold));
        }
    }

    /// Applies what is to take effect by `now`; answers an order to stop.
    fn apply<P: Profile + Clone, T: Transport>(
        &mut self,
        core: &Core<P, T>,
        now: Nanos,
    ) -> Option<(DropReason, Nanos)> {
        if self.abandoned {
            return Some((DropReason::Stopped, now));
        }
        while self.next_at() <= now {
            let (at, order) = self.known[self.applied];
            self.applied += 1;
            let hold = self.next_at();
            core.change(|source| {
                match order {
                    Order::Pause => source.pause(at),
                    Order::Resume => source.resume(at),
                    Order::Rate { target, over } => source.change_rate(at, target, over),
                    Order::Take(share, from, past) => {
                        source.take_part(core.settings.part_of(share), from, past);
                    }
                    Order::Release(share, from) => {
                        source.release_part(core.settings.part_of(share), from);
                    }
                    Order::Stop(_) => {}
                }
                source.hold(hold);
            });
            if let Order::Stop(reason) = order {
                return Some((reason, at));
            }
        }
        None
    }

    fn next_at(&self) -> Nanos {
        self.known.get(self.applied).map_or(Nanos::MAX, |(at, _)| *at)
    }

    async fn changed(&mut self) {
        if self.abandoned {
            return std::future::pending().await;
        }
        if self.all.changed().await.is_err() {
            self.abandoned = true;
        }
    }
}
