//! Turns what this machine is short of into tickets that are given back, slots that rest, and
//! arrivals that are late by our fault.

use super::super::backoff::Backoff;
use super::super::lanes::Slot;
use super::super::source::Ticket;
use super::{Core, State};
use crate::profile::Profile;
use crate::request::Failure;
use crate::time::{Nanos, sleep_until};
use crate::transport::Transport;

impl<P: Profile, T: Transport> Core<P, T> {
    /// In closed loop the connections are the load: that there are fewer of them is told at once.
    pub(super) fn tell_of_few_lanes(&self) {
        let mut state = self.state.borrow_mut();
        if self.settings.lanes_short && !state.source.is_open_loop() {
            state.ledger.recorder().short();
        }
    }

    /// This machine was short of something: the request does not count as sent, and its ticket is
    /// given back. Where its sending was reported already, it stays a request, which failed by our
    /// fault.
    #[cold]
    pub(super) fn could_not_begin(
        &self,
        state: &mut State<P, T::Lane>,
        slot: &Slot,
        (mut ticket, start): (Ticket, Nanos),
        failure: &Failure,
    ) -> bool {
        if ticket.measured && !state.ledger.take_back(ticket, start, failure) {
            return false;
        }
        state.ledger.kept_waiting(&mut ticket);
        state.source.give_back(ticket);
        slot.short.set(true);
        if state.may_have_ended() {
            self.news.notify_one();
        }
        true
    }

    /// The slot takes no ticket for a while, nor does anybody open its lane. Where this machine was short
    /// of something, no lane is opened in open loop, in which any lane would do; in closed loop the time
    /// of a connection is lost.
    pub(in crate::engine) async fn rest(&self, slot: &Slot, backoff: &mut Backoff) {
        let clock = self.thread.clock;
        let (begin, time, loses) = {
            let mut state = self.state.borrow_mut();
            let state = &mut *state;
            let (begin, time) = (clock.now(), state.lanes.rest(slot, backoff));
            // The time of a lane is lost once, however many requests it would carry.
            let loses = slot.short.take() && state.lanes.rests_alone(slot);
            if loses {
                state.ledger.lane_rests(&state.source, begin);
            }
            (begin, time, loses)
        };
        sleep_until(clock.instant(begin + time)).await;
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        if loses {
            state.ledger.lane_has_rested(&state.source, clock.now());
        }
        state.lanes.rested(slot);
        self.thread.replan.notify_one();
    }

    /// Every lane there can be is made, and there would be more, had the process more descriptors.
    pub(super) fn has_few_lanes(&self, state: &State<P, T::Lane>) -> bool {
        self.settings.lanes_short && state.lanes.are_all_made()
    }

    /// What waits does so for want of what a lane needs.
    pub(super) fn lacks_lanes(&self, state: &State<P, T::Lane>) -> bool {
        self.has_few_lanes(state) || state.lanes.are_short() || state.source.has_returned()
    }

    /// Whether a ticket fell due while no lane could be opened, and so is late by our fault.
    #[inline]
    pub(super) fn look_whether_it_waited(
        &self,
        state: &mut State<P, T::Lane>,
        ticket: &mut Ticket,
        now: Nanos,
    ) {
        let until = state.lanes.short_until();
        if ticket.intended.is_some_and(|intended| intended < until) {
            self.waited_for_a_lane(state, ticket, until.min(now));
        }
    }

    /// A ticket has waited for a slot until `until`, where this machine, and not the target, was the
    /// limit. It is counted once, however often it is tried.
    #[cold]
    pub(super) fn waited_for_a_lane(
        &self,
        state: &mut State<P, T::Lane>,
        ticket: &mut Ticket,
        until: Nanos,
    ) {
        let waited = ticket.intended.map_or(0, |intended| until.saturating_sub(intended));
        if waited > self.settings.slack && state.ledger.kept_waiting(ticket) {
            state.ledger.recorder().pacer_lag(waited);
        }
    }
}
