//! Turns replies so far into how long an engine thread need not listen.
//!
//! It may nap where each reply carries the moment at which it came, none has to be read at once, and
//! there is a slot for what falls due. With every slot busy, what is due waits for one of them, and
//! so a nap is short beside what keeps them busy.

use super::timer::LONGEST_NAP;
use crate::request::Outcome;
use crate::time::{MICROSECOND, MILLISECOND, Nanos};
use crate::transport::UNHEARD_BYTES;

/// How long there must have been no reply that had to be read at once.
const LISTENING: Nanos = 100 * MILLISECOND;
/// With every slot busy, a nap is no longer than this part of the mean service time: replies wait for
/// half of that on average, so that a connection loses about a seventeenth of its time.
const PART_OF_SERVICE: Nanos = 8;
/// A shorter nap saves nothing.
const SHORTEST_NAP: Nanos = 50 * MICROSECOND;

#[derive(Debug)]
pub(super) struct Naps {
    /// Until then a reply is read as soon as it comes. `Nanos::MAX`: until one need not be.
    listen_until: Nanos,
    /// A running mean of service time.
    service: Nanos,
}

impl Naps {
    pub(super) fn new() -> Self {
        Self { listen_until: Nanos::MAX, service: 0 }
    }

    /// Takes note of an outcome. A reply without a stamp is to be read as it comes, and a long one as
    /// well, or the other side would wait for room to send the rest of it.
    #[inline]
    pub(super) fn note(&mut self, outcome: &Outcome, service: Nanos, now: Nanos) {
        self.service = self.service - self.service / 16 + service / 16;
        if !outcome.stamped || outcome.bytes_received.max(outcome.bytes_sent) > UNHEARD_BYTES {
            self.listen_until = Nanos::MAX;
        } else if self.listen_until == Nanos::MAX {
            self.listen_until = now + LISTENING;
        }
    }

    /// Whether replies have to be read as they come.
    pub(super) fn must_listen(&self, now: Nanos) -> bool {
        now < self.listen_until
    }

    /// The longest nap, with an idle slot or without; 0: none.
    pub(super) fn longest(&self, has_room: bool, slack: Nanos) -> Nanos {
        if has_room {
            return LONGEST_NAP;
        }
        let nap = (self.service / PART_OF_SERVICE).min(slack).min(LONGEST_NAP);
        if nap >= SHORTEST_NAP { nap } else { 0 }
    }
}
