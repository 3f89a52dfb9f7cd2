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

#[cfg(test)]
mod tests {
    use super::*;

    const SLACK: Nanos = MILLISECOND;

    fn reply(stamped: bool, bytes_received: u64) -> Outcome {
        Outcome { stamped, bytes_received, ..Outcome::default() }
    }

    /// With every slot busy for `service` at a time.
    fn busy(service: Nanos) -> Naps {
        let mut naps = Naps::new();
        (0..500).for_each(|_| naps.note(&reply(true, 100), service, 0));
        naps
    }

    #[test]
    fn it_naps_once_no_reply_had_to_be_read_at_once_for_a_while() {
        let mut naps = Naps::new();
        assert!(naps.must_listen(3_600 * 1_000 * MILLISECOND), "nobody knows yet who stamps");
        naps.note(&reply(true, 100), MILLISECOND, 0);
        assert!(naps.must_listen(LISTENING - 1) && !naps.must_listen(LISTENING));
        naps.note(&reply(true, 100), MILLISECOND, LISTENING / 2);
        assert!(!naps.must_listen(LISTENING), "a further stamp does not begin the while anew");
    }

    #[test]
    fn it_listens_again_after_a_reply_without_a_stamp_or_a_long_one() {
        let long = UNHEARD_BYTES + 1;
        let sent = Outcome { bytes_sent: long, ..reply(true, 100) };
        for listens in [reply(false, 100), reply(true, long), sent] {
            let mut naps = busy(MILLISECOND);
            naps.note(&listens, MILLISECOND, LISTENING);
            assert!(naps.must_listen(100 * LISTENING), "{listens:?}");
            naps.note(&reply(true, UNHEARD_BYTES), MILLISECOND, 100 * LISTENING);
            assert!(naps.must_listen(101 * LISTENING - 1) && !naps.must_listen(101 * LISTENING));
        }
    }

    #[test]
    fn with_every_slot_busy_a_nap_is_a_part_of_the_service_time() {
        let nap = |service| busy(service).longest(false, SLACK);
        // The running mean comes near to it.
        assert!((498 * MICROSECOND..=500 * MICROSECOND).contains(&nap(4 * MILLISECOND)));
        assert_eq!(nap(MILLISECOND / 4), 0, "31 us save nothing");
        assert_eq!(nap(1_000 * MILLISECOND), LONGEST_NAP);
        let short = busy(4 * MILLISECOND).longest(false, 200 * MICROSECOND);
        assert_eq!(short, 200 * MICROSECOND, "no longer than due requests may gather");
    }

    #[test]
    fn with_an_idle_slot_a_nap_does_not_depend_on_the_service_time() {
        assert_eq!(Naps::new().longest(true, 0), LONGEST_NAP);
    }
}
