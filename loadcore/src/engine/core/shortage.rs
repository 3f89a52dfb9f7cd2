//! What this machine is short of into tickets that are given back, slots that rest, and who is late by
//! our fault.

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
            state.ledger.recorder().current_mut().health.shortages += 1;
        }
    }

    /// This machine was short of something: what counted as sent is none, and its ticket is given back.
    /// Not so where its sending was reported already; then it is a request that failed by our fault.
    #[cold]
    pub(super) fn could_not_begin(
        &self,
        state: &mut State<P, T::Lane>,
        slot: &Slot,
        (ticket, start): (Ticket, Nanos),
        failure: &Failure,
    ) -> bool {
        if ticket.measured && !state.ledger.take_back(ticket, start, failure) {
            return false;
        }
        slot.short.set(ticket.measured);
        state.source.give_back(ticket);
        if state.may_have_ended() {
            self.news.notify_one();
        }
        true
    }

    /// The slot takes no ticket for a while, nor does anybody open its lane. Where this machine was short
    /// of something, no lane is opened in open loop, in which any lane would do.
    pub(in crate::engine) async fn rest(&self, slot: &Slot, backoff: &mut Backoff) {
        let time = {
            let mut state = self.state.borrow_mut();
            let state = &mut *state;
            let time = state.lanes.rest(slot, backoff);
            if slot.short.take() && !state.source.is_open_loop() {
                let now = self.thread.clock.now();
                let left = state.source.end_at().unwrap_or(Nanos::MAX).saturating_sub(now);
                let lost = time.min(left) / state.lanes.most().max(1) as Nanos;
                state.ledger.recorder().current_mut().health.short_ns += lost;
            }
            time
        };
        let clock = self.thread.clock;
        sleep_until(clock.instant(clock.now() + time)).await;
        self.state.borrow_mut().lanes.rested(slot, self.thread.clock.now());
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
        ticket: Ticket,
        now: Nanos,
    ) {
        let until = state.lanes.short_until();
        if ticket.intended.is_some_and(|intended| intended < until) {
            self.waited_for_a_lane(state, ticket, until.min(now));
        }
    }

    /// A ticket has waited for a slot until `until`, where this machine, and not the target, was the
    /// limit.
    #[cold]
    pub(super) fn waited_for_a_lane(
        &self,
        state: &mut State<P, T::Lane>,
        ticket: Ticket,
        until: Nanos,
    ) {
        let waited = ticket.intended.map_or(0, |intended| until.saturating_sub(intended));
        if ticket.measured && waited > self.settings.slack {
            state.ledger.recorder().pacer_lag(waited);
            state.ledger.recorder().current_mut().health.shortages += 1;
        }
    }
}
