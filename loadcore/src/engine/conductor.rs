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

/// Looks for attempts over their timeout, about a hundred times in the length of one, and at least
/// every 20 ms. A look that comes late shows that the thread stood still.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures::{self, Target};
    use crate::profile::Piecewise;
    use crate::time::driven;

    const MS: Nanos = MILLISECOND;

    type Engine = Core<Piecewise, Target>;

    fn core() -> Engine {
        fixtures::core(&Target::Hangs).0
    }

    /// Orders of which the thread has heard.
    fn heard(core: &Engine, orders: Vec<(Nanos, Order)>) -> (watch::Sender<Orders>, Pending) {
        let (given, orders) = watch::channel(Orders::new(orders));
        let mut pending = Pending::new(orders);
        pending.look(core);
        (given, pending)
    }

    /// When what can be taken at `now` was due, in milliseconds.
    fn taken(core: &Engine, now: Nanos) -> Vec<Nanos> {
        let mut due = Vec::new();
        core.change(|source| {
            let tickets = std::iter::from_fn(|| source.take(now));
            due.extend(tickets.map(|ticket| (ticket.intended.unwrap() + MS / 2) / MS));
        });
        due
    }

    #[test]
    fn what_falls_due_after_an_order_is_kept_back_until_it_is_applied() {
        let core = core();
        let rate = Order::Rate { target: 100.0, over: 0.0 };
        let (_given, mut pending) = heard(&core, vec![(10 * MS, rate), (30 * MS, rate)]);
        assert_eq!(taken(&core, 50 * MS), [5], "an order is to take effect at 10 ms");
        assert_eq!((pending.apply(&core, 9 * MS), pending.next_at()), (None, 10 * MS));
        assert!(taken(&core, 50 * MS).is_empty(), "its moment has not come");
        assert_eq!((pending.apply(&core, 10 * MS), pending.next_at()), (None, 30 * MS));
        assert_eq!(taken(&core, 50 * MS), [15, 25], "the next one is to take effect at 30 ms");
        assert_eq!((pending.apply(&core, 50 * MS), pending.next_at()), (None, Nanos::MAX));
        assert_eq!(taken(&core, 50 * MS), [35, 45]);
    }

    #[test]
    fn an_order_takes_effect_at_its_moment_however_late_it_is_heard_of() {
        let core = core();
        let (given, mut pending) = heard(&core, vec![(10 * MS, Order::Pause)]);
        let both = vec![(10 * MS, Order::Pause), (110 * MS, Order::Resume)];
        given.send(Orders::new(both)).unwrap();
        pending.look(&core);
        assert_eq!(pending.apply(&core, 500 * MS), None);
        assert_eq!(taken(&core, 130 * MS), [5, 115, 125], "for 100 ms nothing fell due");
    }

    #[test]
    fn an_order_to_stop_is_answered_with_its_own_moment() {
        let core = core();
        let stop = (20 * MS, Order::Stop(DropReason::Fenced));
        let (_given, mut pending) = heard(&core, vec![(10 * MS, Order::Pause), stop]);
        assert_eq!(pending.apply(&core, 19 * MS), None);
        assert_eq!(pending.apply(&core, 25 * MS), Some((DropReason::Fenced, 20 * MS)));
    }

    #[test]
    fn a_load_that_nobody_can_give_orders_any_more_is_stopped() {
        let core = core();
        let (given, mut pending) = heard(&core, Vec::new());
        assert_eq!(pending.apply(&core, MS), None);
        drop(given);
        driven::run(Vec::new(), pending.changed());
        assert_eq!(pending.apply(&core, 7 * MS), Some((DropReason::Stopped, 7 * MS)));
    }

    /// What a drain that begins at 10 s answers, with a request under way since then. It takes so long.
    fn drained(service: Nanos) -> (DropReason, Nanos, ThreadEnd) {
        driven::run(Vec::new(), async {
            let target = Target::Answers(service);
            let (core, _ends) = fixtures::core(&target);
            let core = Rc::new(core);
            let end = 10 * crate::time::SECOND;
            driven::wait_until(end - 5 * MS).await;
            // One slot is given what is due, and the rest of the backlog is none of ours.
            let (slot, lane) = core.dispatch(&target, end - 5 * MS).expect("some are due");
            core.change(|source| while source.take(end).is_some() {});
            let (_given, mut pending) = heard(&core, Vec::new());
            let local = tokio::task::LocalSet::new();
            local.spawn_local(super::super::slot::serve(Rc::clone(&core), slot, lane));
            local.run_until(driven::wait_until(end)).await;
            local.run_until(drain(&core, &mut pending)).await
        })
    }

    #[test]
    fn a_drain_lasts_until_the_last_outcome() {
        let (reason, load_end_at, ending) = drained(205 * MS);
        assert_eq!((reason, load_end_at), (DropReason::RunEnded, 10_000 * MS));
        assert_eq!(
            (ending.drain, ending.stopped),
            (200 * MS, false),
            "it began 5 ms before the end"
        );
    }

    #[test]
    fn a_drain_lasts_no_longer_than_it_may() {
        let (_, _, ending) = drained(5_000 * MS);
        assert_eq!((ending.drain, ending.stopped), (1_000 * MS, false));
    }
}
