//! Turns due tickets into attempts under way, and these into outcomes: what one engine thread's
//! tasks share.
//!
//! Every request passes here twice, when it is given a slot and when it has come to an outcome;
//! both are a borrow of a cell, no more.

mod shortage;

use super::lanes::{Found, Lanes, Slot};
use super::ledger::Ledger;
use super::naps::Naps;
use super::source::{Source, Ticket};
use super::{Channels, Settings, ThreadEnd};
use crate::profile::Profile;
use crate::request::{DropReason, ErrorClass, Failure, Outcome};
use crate::time::{MILLISECOND, Nanos};
use crate::transport::{Lane, Opened, Streams, Thread, Times, Transport};
use std::cell::RefCell;
use std::rc::Rc;
use tokio::sync::Notify;

/// How long the news of a connection's end may take to be read, beyond a round trip.
const CROSSING: Nanos = 100 * MILLISECOND;

/// The shared part of one engine thread.
#[derive(Debug)]
pub(super) struct Core<P: Profile, T: Transport> {
    pub(super) thread: Rc<Thread>,
    pub(super) settings: Settings,
    state: RefCell<State<P, T::Lane>>,
    /// Something that the conductor waits for may have come.
    pub(super) news: Notify,
}

#[derive(Debug)]
struct State<P: Profile, L> {
    source: Source<P>,
    lanes: Lanes<L>,
    ledger: Ledger,
    naps: Naps,
    /// The pacer saw no slot for what is due, and wants to hear of the next idle one.
    starved: bool,
}

/// What a slot does after an attempt.
pub(super) enum Then {
    /// It makes the next one, which has begun.
    Next(Ticket, Nanos),
    /// It waits for a ticket.
    Idle,
    /// It rests before it is given one, see [`Core::rest`].
    Rests,
}

impl<P: Profile, L> State<P, L> {
    #[inline]
    fn close_intervals(&mut self, settings: &Settings, now: Nanos) {
        self.ledger.close_intervals(settings, &mut self.source, now);
    }

    /// Nothing is under way, and nothing more will be: the conductor wants to know.
    fn may_have_ended(&self) -> bool {
        self.ledger.in_flight() == 0 && (self.ledger.load_is_over() || self.source.is_spent())
    }
}

impl<P: Profile, T: Transport> Core<P, T> {
    pub(super) fn new(
        settings: Settings,
        source: Source<P>,
        streams: Streams,
        thread: Rc<Thread>,
        channels: Channels,
    ) -> Self {
        let state = State {
            lanes: Lanes::new(source.lanes(), streams, source.is_open_loop()),
            ledger: Ledger::new(&settings, channels, source.named()),
            naps: Naps::new(),
            starved: false,
            source,
        };
        let core = Self { thread, settings, state: RefCell::new(state), news: Notify::new() };
        core.tell_of_few_lanes();
        core
    }

    /// Gives every due ticket to a slot, as long as there are both. What cannot be given waits, or is
    /// given up beyond the backlog's limit.
    ///
    /// Ends at the first slot that is new and needs a task, and answers it: opening a lane takes the
    /// time of many replies, and reading those may leave an idle slot for the next ticket.
    pub(super) fn dispatch(&self, transport: &T, now: Nanos) -> Option<(Rc<Slot>, Rc<T::Lane>)> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        state.close_intervals(&self.settings, now);
        if self.settings.fence.is_over() {
            return None;
        }
        if self.thread.lanes_changed.take() {
            state.lanes.look_again(now);
            let streams = &mut state.ledger.recorder().current_mut().protocols.streams;
            *streams = state.lanes.widest().max(*streams as usize) as u64;
        }
        while let Some(found) = state.lanes.acquire() {
            let Some(mut ticket) = state.source.take(now) else {
                state.lanes.give_back(found, now);
                break;
            };
            state.ledger.assign(&ticket);
            self.look_whether_it_waited(state, &mut ticket, now);
            match found {
                Found::Slot(id) => {
                    let slot = state.lanes.slot(id);
                    slot.ticket.set(Some(ticket));
                    slot.wake();
                }
                Found::Room(room) => {
                    let created = state.lanes.create(room, || transport.lane(&self.thread));
                    created.0.ticket.set(Some(ticket));
                    if let (true, Some(intended)) = (ticket.measured, ticket.intended) {
                        // The time that the target took to open a shared lane is not our lateness.
                        let ours = intended.max(state.lanes.shared_since());
                        state.ledger.recorder().pacer_lag(now.saturating_sub(ours));
                    }
                    // Other due tickets may still find a place: none is given up yet.
                    return Some(created);
                }
            }
        }
        let reason = match self.lacks_lanes(state) {
            true => DropReason::NoConnection,
            false => DropReason::BacklogFull,
        };
        state.source.trim(now, reason);
        if state.may_have_ended() {
            self.news.notify_one();
        }
        None
    }

    /// An attempt begins at `now`: its ticket counts as sent. If the fence is over by now, the
    /// ticket is given up and the slot is idle.
    #[inline]
    pub(super) fn started(&self, slot: &Slot, ticket: Ticket, now: Nanos) -> bool {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        if ticket.measured {
            state.close_intervals(&self.settings, now);
        }
        state.ledger.unassign(&ticket);
        if !self.settings.fence.is_over() {
            state.ledger.sent(&self.settings, ticket, now);
            return true;
        }
        if ticket.measured && state.source.is_open_loop() {
            state.ledger.give_up(&ticket, DropReason::Fenced);
        }
        state.lanes.release(slot.id);
        false
    }

    /// An attempt has come to an outcome, or could not begin. Answers the slot's next ticket, already
    /// started, where one is due and the slot can use it.
    #[inline]
    pub(super) fn finished(
        &self,
        (slot, lane): (&Slot, &T::Lane),
        ticket: Ticket,
        start: Nanos,
        outcome: &Outcome,
    ) -> Then {
        let now = match outcome.end_at {
            Some(end) if self.thread.hearing.is_none() => end,
            // It may have come before it was read.
            _ => self.thread.clock.now(),
        };
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let end = outcome.end_at.unwrap_or(now).max(start);
        if let Some(failure) = &outcome.failure
            && failure.is_shortage()
            && self.could_not_begin(state, slot, (ticket, start), failure)
        {
            return Then::Rests;
        }
        state.naps.note(outcome, end - start, now);
        if ticket.measured {
            state.close_intervals(&self.settings, now);
            state.ledger.ended(ticket, (start, end), outcome);
            lane.recorded(Times { intended: ticket.intended, start, end });
        }
        // In open loop each arrival is a request of its own, whatever became of the one before.
        let rests =
            outcome.failure.is_some() && slot.open_failed.take() && !state.source.is_open_loop();
        let next = if rests { None } else { self.claim(state, slot, now) };
        match next {
            Some(next) => state.ledger.sent(&self.settings, next, now),
            None if std::mem::take(&mut state.starved) => self.thread.replan.notify_one(),
            None => {}
        }
        if state.may_have_ended() {
            self.news.notify_one();
        }
        match next {
            Some(next) => Then::Next(next, now),
            None if rests => Then::Rests,
            None => Then::Idle,
        }
    }

    /// The slot's next ticket; with none, the slot is idle.
    #[inline]
    fn claim(&self, state: &mut State<P, T::Lane>, slot: &Slot, now: Nanos) -> Option<Ticket> {
        if !state.lanes.is_open_or_parks(slot.id) {
            return None;
        }
        let ticket = if self.settings.fence.is_over() { None } else { state.source.take(now) };
        let Some(mut ticket) = ticket else {
            state.lanes.release(slot.id);
            return None;
        };
        state.lanes.appoint_opener(slot.id);
        if self.has_few_lanes(state) {
            self.waited_for_a_lane(state, &mut ticket, now);
        } else {
            self.look_whether_it_waited(state, &mut ticket, now);
        }
        Some(ticket)
    }

    /// Whether this slot is the one to open its lane; if not, it is woken when that was tried.
    pub(super) fn may_open(&self, slot: &Slot) -> bool {
        self.state.borrow_mut().lanes.may_open(slot)
    }

    /// The lane of `slot` was opened, or could not be: the slots that waited for it may go on.
    pub(super) fn opened(&self, slot: &Slot, measured: bool, opened: Result<Opened, &Failure>) {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let protocol = state.lanes.opened(slot, opened, self.thread.clock.now());
        let recorder = state.ledger.recorder();
        // Counted in the warm-up too, since it is no statistic.
        if let Some(protocol) = protocol {
            recorder.agreed(protocol, state.lanes.widest() as u64);
        }
        if let (Ok(opened), true) = (opened, measured) {
            recorder.connected(opened.connect_ns, opened.tls_ns);
        }
        // Room for more tickets than the slot's own.
        self.thread.replan.notify_one();
    }

    /// Says it where a server closed a connection while it worked on a request. The news that an
    /// idle connection was closed comes within a round trip; this came later.
    #[cold]
    pub(super) fn tell_late_close(&self, failure: &mut Failure, start: Nanos) {
        let waited = self.thread.clock.now().saturating_sub(start);
        let there_and_back = 2 * self.state.borrow().lanes.slowest_connect();
        if failure.class == ErrorClass::Stale && waited > there_and_back + CROSSING {
            let text = format_args!(
                "the server closed the connection {} ms after the request went out, before a byte of \
                 its reply",
                waited / MILLISECOND
            );
            *failure = Failure::text(ErrorClass::Read, text);
        }
    }

    /// Ends the attempts that are over their timeout at `now`.
    pub(super) fn expire(&self, now: Nanos) {
        for slot in self.state.borrow().lanes.slots() {
            if slot.deadline.get() <= now {
                slot.deadline.set(Nanos::MAX);
                slot.expired.set(true);
                slot.wake();
            }
        }
    }

    /// How much later than planned the pacer woke.
    pub(super) fn pacer_woke(&self, planned: Nanos, now: Nanos) {
        if now >= self.settings.measured_from {
            let mut state = self.state.borrow_mut();
            let State { source, ledger, .. } = &mut *state;
            ledger.pacer_woke(source, planned, now);
        }
    }

    /// The thread did nothing at all from `from` to `now`.
    pub(super) fn stood_still(&self, from: Nanos, now: Nanos) {
        let mut state = self.state.borrow_mut();
        let State { source, ledger, .. } = &mut *state;
        ledger.recorder().current_mut().health.stalled_ns += source.load_between(from, now);
    }

    /// When the pacer is to wake next; `None`: when it is told.
    pub(super) fn next_wake(&self, now: Nanos) -> Option<Nanos> {
        let mut state = self.state.borrow_mut();
        if self.settings.fence.is_over() {
            // Nothing is left to be paced; an order to end is on its way.
            return Some(now + 10 * MILLISECOND);
        }
        let has_room = state.lanes.has_room();
        state.starved = !has_room;
        let wake = state.source.next_wake(now, self.settings.slack);
        if has_room {
            return wake;
        }
        // With every slot busy, a slot that ends its request takes the next ticket, so there is
        // nothing to be in time for; but what exceeds the backlog's limit is still to be given up.
        let soon = now + MILLISECOND;
        match wake {
            Some(wake) => Some(wake.max(soon)),
            None => (state.source.backlog() > 0).then_some(soon),
        }
    }

    /// For how long nobody needs to listen; 0: somebody does.
    pub(super) fn longest_nap(&self, now: Nanos) -> Nanos {
        let Some(hearing) = &self.thread.hearing else { return 0 };
        let mut state = self.state.borrow_mut();
        if state.naps.must_listen(now) || state.lanes.are_opening() || hearing.is_urgent() {
            return 0;
        }
        let has_room = state.lanes.has_room();
        state.naps.longest(has_room, self.settings.slack)
    }

    /// Whether every slot was busy when the pacer last asked when to wake, and still is.
    pub(super) fn is_starved(&self) -> bool {
        self.state.borrow().starved
    }

    /// From now on each reply is read as it comes.
    pub(super) fn listen(&self) {
        if let Some(hearing) = &self.thread.hearing {
            hearing.listen();
        }
    }

    /// Measured requests under way.
    pub(super) fn in_flight(&self) -> u64 {
        self.state.borrow().ledger.in_flight()
    }

    /// A change of the source, after which the pacer looks again.
    pub(super) fn change(&self, change: impl FnOnce(&mut Source<P>)) {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        change(&mut state.source);
        state.lanes.allow(state.source.lanes());
        self.thread.replan.notify_one();
    }

    /// A question to the source.
    pub(super) fn ask<R>(&self, question: impl FnOnce(&Source<P>) -> R) -> R {
        question(&self.state.borrow().source)
    }

    /// Closes the intervals that have ended by `now`; answers when the next one ends.
    pub(super) fn close_intervals(&self, now: Nanos) -> Nanos {
        let mut state = self.state.borrow_mut();
        state.close_intervals(&self.settings, now);
        state.ledger.next_boundary()
    }

    /// Whether nothing is left to be sent or answered.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state.borrow();
        state.ledger.is_quiet() && state.source.backlog() == 0
    }

    /// The load was over at `load_end`: from now on the conductor is told when nothing is in flight.
    ///
    /// What fell due since the pacer looked last joins the backlog here; otherwise the thread would
    /// look as if nothing were left.
    pub(super) fn drain(&self, load_end: Nanos) {
        let mut state = self.state.borrow_mut();
        state.ledger.load_ended(load_end);
        state.source.due(load_end.min(self.settings.fence.until()));
        self.thread.replan.notify_one();
    }

    /// When the last outcome came.
    pub(super) fn last_end(&self) -> Nanos {
        self.state.borrow().ledger.last_end()
    }

    /// Gives up what was due by `due_at` and still waits, and hands in the last report.
    pub(super) fn end(&self, reason: DropReason, due_at: Nanos, now: Nanos, ending: ThreadEnd) {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        // A ticket that waited for what this machine lacks is given up for that reason, however the
        // run ended.
        let reason = if self.lacks_lanes(state) { DropReason::NoConnection } else { reason };
        // What was given to a slot that has not begun is given up with the rest.
        let given = state.lanes.slots().iter().filter_map(|slot| slot.ticket.take());
        let given: Vec<_> = given.filter(|ticket| ticket.measured).collect();
        let moments = (reason, due_at, now);
        state.ledger.close(&self.settings, &mut state.source, moments, &given, ending);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures::core;
    use crate::time::SECOND;
    use crate::transport::FnTransport;

    #[test]
    fn a_ticket_that_was_given_up_at_the_end_is_not_sent_after_it() {
        let transport = FnTransport::new(async |_| Ok(200));
        let (core, ends) = core(&transport);
        let now = SECOND / 20;
        let (slot, _) = core.dispatch(&transport, now).expect("five are due");
        assert!(slot.ticket.get().is_some() && !core.is_quiet());
        let ending = ThreadEnd { load_end: now, drain: 0, stopped: true };
        core.end(DropReason::Stopped, now, now, ending);
        assert!(slot.ticket.get().is_none(), "its task will find nothing to send");
        let counters = ends.reports.recv().expect("the last report").set.counters;
        assert_eq!((counters.due, counters.sent, counters.dropped_total()), (5, 0, 5));
    }

    #[test]
    fn nothing_is_reported_after_the_last_report() {
        let transport = FnTransport::new(async |_| Ok(200));
        let (core, ends) = core(&transport);
        let now = SECOND - MILLISECOND;
        let ending = ThreadEnd { load_end: now, drain: 0, stopped: true };
        core.end(DropReason::Stopped, now, now, ending);
        // A task that comes round once more, in the next second.
        assert!(core.dispatch(&transport, SECOND + MILLISECOND).is_none());
        assert!(ends.reports.recv().expect("the last report").ending.is_some());
        assert!(ends.reports.try_recv().is_err(), "and none after it");
    }
}
