//! Orders tickets whose attempts could not begin into the ones that are tried next, the oldest
//! first.
//!
//! A bucket's cursor does not go back, so they wait beside it. There is at most one for each slot.

use super::source::{OfNamed, Ticket};
use crate::request::DropReason;
use std::collections::VecDeque;

/// Tickets of an open loop that wait again.
#[derive(Debug, Default)]
pub(super) struct Returned {
    tickets: VecDeque<Ticket>,
    /// Given up, by reason.
    dropped: [u64; DropReason::ALL.len()],
    /// The same by the request that they were, as far as any was given up.
    named: Vec<OfNamed>,
}

impl Returned {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    #[cold]
    pub(super) fn push(&mut self, ticket: Ticket) {
        let place = self.tickets.partition_point(|other| other.intended <= ticket.intended);
        self.tickets.insert(place, ticket);
    }

    /// The oldest of the measured ones, or of the warm-up's. What is left of the warm-up at its end
    /// is dropped and counted nowhere.
    #[cold]
    pub(super) fn take(&mut self, measured: bool) -> Option<Ticket> {
        self.tickets.retain(|ticket| ticket.measured == measured);
        self.tickets.pop_front()
    }

    /// Gives up the oldest, at most `count` of them.
    pub(super) fn give_up(&mut self, count: u64, reason: DropReason) {
        let count = count.min(self.tickets.len() as u64) as usize;
        for ticket in self.tickets.drain(..count).filter(|ticket| ticket.measured) {
            let request = ticket.request as usize;
            self.dropped[reason as usize] += 1;
            if self.named.len() <= request {
                self.named.resize(request + 1, OfNamed::default());
            }
            self.named[request].dropped[reason as usize] += 1;
        }
    }

    /// How many were given up of each of so many named requests.
    pub(super) fn of_named(&self, requests: usize) -> Vec<OfNamed> {
        let mut named = self.named.clone();
        named.resize(requests, OfNamed::default());
        named
    }

    /// Measured ones that wait.
    pub(super) fn backlog(&self) -> u64 {
        self.tickets.iter().filter(|ticket| ticket.measured).count() as u64
    }

    /// How many were given up, by reason.
    pub(super) fn dropped(&self) -> &[u64; DropReason::ALL.len()] {
        &self.dropped
    }
}
