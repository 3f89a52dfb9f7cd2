//! Turns a schedule into tokens: each the right to send one request, carrying its intended start.
//!
//! The bucket is two cursors on the schedule, how many are due and how many were handed out; what
//! lies between is the backlog. So a target that cannot keep up costs no memory, however long the
//! backlog grows. A token is given up on one path, with a reason, and counted:
//!
//! ```text
//! due = taken + dropped + backlog        at every moment
//! ```

use crate::profile::Profile;
use crate::request::DropReason;
use crate::schedule::Schedule;
use crate::time::Nanos;

/// The right to send one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// When the request was due, on the profile's clock. A latency counts from here, however late
    /// the token was taken.
    pub intended: Nanos,
}

/// Hands out tokens when they are due, oldest first.
#[derive(Debug, Clone)]
pub struct TokenBucket<P> {
    schedule: Schedule<P>,
    max_backlog: u64,
    /// The latest moment that `fill` was told.
    now: Nanos,
    due: u64,
    taken: u64,
    dropped: [u64; DropReason::ALL.len()],
    /// The number of the next token to go, either way: `taken` and all `dropped` together.
    next: u64,
}

impl<P: Profile> TokenBucket<P> {
    /// An empty bucket over a schedule, for at most `max_backlog` waiting tokens: [`Self::trim`]
    /// gives up what is more.
    #[must_use]
    pub fn new(schedule: Schedule<P>, max_backlog: u64) -> Self {
        let dropped = [0; DropReason::ALL.len()];
        Self { schedule, max_backlog, now: 0, due: 0, taken: 0, dropped, next: 0 }
    }

    /// Puts in what has fallen due by `now`, on the profile's clock. An earlier `now` than before
    /// changes nothing.
    #[inline]
    pub fn fill(&mut self, now: Nanos) {
        self.now = self.now.max(now);
        self.due = self.schedule.due_by(self.now);
    }

    /// Takes the oldest token that is due.
    #[inline]
    pub fn take(&mut self) -> Option<Token> {
        if self.next == self.due {
            return None;
        }
        // After a change of rate the schedule may place what was due already a little later: due
        // it was, so its start is not in the future.
        let intended = self.schedule.at(self.next).map_or(self.now, |at| at.min(self.now));
        self.next += 1;
        self.taken += 1;
        Some(Token { intended })
    }

    /// Gives up the oldest tokens beyond the greatest backlog, as `backlog_full`, and says how
    /// many. The oldest, because the youngest still have a chance to be sent in time.
    #[inline]
    pub fn trim(&mut self) -> u64 {
        let excess = self.backlog().saturating_sub(self.max_backlog);
        self.give_up(excess, DropReason::BacklogFull);
        excess
    }

    /// Gives up every token that waits, and says how many.
    pub fn give_up_all(&mut self, reason: DropReason) -> u64 {
        let waiting = self.backlog();
        self.give_up(waiting, reason);
        waiting
    }

    #[inline]
    fn give_up(&mut self, count: u64, reason: DropReason) {
        self.next += count;
        self.dropped[reason as usize] += count;
    }

    /// The intended start of the next token to take, due or not; `None` after the last.
    #[inline]
    pub fn next_due(&mut self) -> Option<Nanos> {
        self.schedule.at(self.next)
    }

    /// The latest intended start up to `t` of the tokens not taken yet; `None` if there is none.
    /// A pacer that may let tokens gather until `t` wakes then. `t` may not decrease.
    pub fn last_due_within(&mut self, t: Nanos) -> Option<Nanos> {
        self.schedule.last_by(t).filter(|(i, _)| *i >= self.next).map(|(_, at)| at)
    }

    /// How many tokens have fallen due.
    #[inline]
    #[must_use]
    pub fn due(&self) -> u64 {
        self.due
    }

    /// How many were taken.
    #[inline]
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How many were given up, by reason, in the order of [`DropReason::ALL`].
    #[inline]
    #[must_use]
    pub fn dropped(&self) -> &[u64; DropReason::ALL.len()] {
        &self.dropped
    }

    /// How many are due and wait.
    #[inline]
    #[must_use]
    pub fn backlog(&self) -> u64 {
        self.due - self.next
    }

    /// Whether there is nothing left to take, now or ever. Only a change of the profile can alter
    /// that.
    pub fn is_exhausted(&mut self) -> bool {
        self.backlog() == 0 && self.next_due().is_none()
    }

    /// The schedule, to change its profile.
    pub fn schedule_mut(&mut self) -> &mut Schedule<P> {
        &mut self.schedule
    }
}
