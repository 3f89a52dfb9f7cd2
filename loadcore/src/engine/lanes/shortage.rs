//! Turns what this machine lacks into how many lanes may be opening at once: none while a slot
//! rests, then one, and one more with each that has opened. So they double each time, until nobody
//! waits for one.

use crate::engine::backoff::Backoff;
use crate::time::Nanos;

/// In open loop, where any lane will do: how short this machine is of what a lane needs.
#[derive(Debug)]
pub(super) struct Shortage {
    /// Slots that rest since it was short. Meanwhile no lane is opened.
    resting: usize,
    backoff: Backoff,
    /// How many lanes may be opening at once; `usize::MAX`: it is short of nothing.
    allowed: usize,
    /// Idle slots of closed lanes that may not open them yet.
    held: Vec<usize>,
    ended_at: Nanos,
}

impl Shortage {
    pub(super) fn none() -> Self {
        let (backoff, held) = (Backoff::default(), Vec::new());
        Self { resting: 0, backoff, allowed: usize::MAX, held, ended_at: 0 }
    }

    /// Somebody waits for a lane, or may, since this machine is or was short.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.allowed != usize::MAX
    }

    /// When it was over last; `Nanos::MAX`: it is not.
    #[inline]
    pub(super) fn until(&self) -> Nanos {
        if self.is_on() { Nanos::MAX } else { self.ended_at }
    }

    /// One more lane may be opened beside so many that are opening.
    #[inline]
    pub(super) fn allows(&self, opening: usize) -> bool {
        self.resting == 0 && opening < self.allowed
    }

    /// An idle slot may not open its lane yet.
    pub(super) fn hold(&mut self, slot: usize) {
        self.held.push(slot);
    }

    /// A slot rests since it could not open its lane; answers for how long.
    pub(super) fn rest(&mut self) -> Nanos {
        self.begin_rest();
        // Several that tried at once have found the same.
        if self.resting == 1 { self.backoff.failed() } else { self.backoff.wait() }
    }

    /// A slot rests that lacked something else than a lane.
    pub(super) fn begin_rest(&mut self) {
        self.resting += 1;
        self.allowed = 1;
    }

    /// A slot has rested: with the last of them the next try is made. `ready`: idle slots.
    pub(super) fn rested(&mut self, ready: &mut Vec<usize>) {
        self.resting -= 1;
        if self.resting == 0 {
            self.release(1, ready);
        }
    }

    /// A lane has opened, or was refused: for a refusal this machine had what it took. There may be
    /// `most` lanes, and are if `all_made`.
    pub(super) fn went_well(
        &mut self,
        (most, all_made): (usize, bool),
        ready: &mut Vec<usize>,
        now: Nanos,
    ) {
        // With somebody who found nothing, it was one of the last.
        if !self.is_on() || self.resting > 0 {
            return;
        }
        self.backoff.succeeded();
        self.allowed += 1;
        // One in its place, and one more.
        self.release(2, ready);
        let all_are_busy = all_made && ready.is_empty();
        if self.allowed >= most || all_are_busy {
            self.end(ready, now);
        }
    }

    /// Nobody waits for a lane any more.
    #[cold]
    pub(super) fn is_enough(&mut self, ready: &mut Vec<usize>, now: Nanos) {
        if self.resting == 0 {
            self.end(ready, now);
        }
    }

    fn end(&mut self, ready: &mut Vec<usize>, now: Nanos) {
        (self.allowed, self.ended_at) = (usize::MAX, now);
        ready.append(&mut self.held);
    }

    /// At most `count` of those that were held are idle again, the one held last first.
    fn release(&mut self, count: usize, ready: &mut Vec<usize>) {
        ready.extend(self.held.drain(self.held.len().saturating_sub(count)..));
    }
}
