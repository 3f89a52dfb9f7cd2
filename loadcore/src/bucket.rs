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
use crate::request::{DropReason, Mix, Tally};
use crate::schedule::Schedule;
use crate::time::Nanos;

/// The right to send one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// When the request was due, on the profile's clock. A latency counts from here, however late
    /// the token was taken.
    pub intended: Nanos,
    /// Its number in the one global schedule: no two requests of a run have the same.
    pub number: u64,
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
    /// The number of the next token to go, either way: `skipped`, `taken` and all `dropped`
    /// together.
    next: u64,
    /// Arrivals that were due before the bucket was ours.
    skipped: u64,
    named: Option<Box<OfNamed>>,
}

/// The same counts of each request of a mix.
#[derive(Debug, Clone)]
struct OfNamed {
    mix: Mix,
    due: Tally,
    dropped: Vec<[u64; DropReason::ALL.len()]>,
}

impl<P: Profile> TokenBucket<P> {
    /// An empty bucket over a schedule, for at most `max_backlog` waiting tokens: [`Self::trim`]
    /// gives up what is more.
    #[must_use]
    pub fn new(schedule: Schedule<P>, max_backlog: u64) -> Self {
        let dropped = [0; DropReason::ALL.len()];
        Self {
            schedule,
            max_backlog,
            now: 0,
            due: 0,
            taken: 0,
            dropped,
            next: 0,
            skipped: 0,
            named: None,
        }
    }

    /// The same, where arrivals are the requests of a mix, and are counted as such.
    #[must_use]
    pub fn of_mix(mut self, mix: &Mix) -> Self {
        if mix.named() > 0 {
            let mut due = Tally::new(mix.clone());
            due.skip(self.skipped);
            let dropped = vec![[0; DropReason::ALL.len()]; mix.named()];
            self.named = Some(Box::new(OfNamed { mix: mix.clone(), due, dropped }));
        }
        self
    }

    /// The same for whoever takes a schedule over from somebody else: what falls due up to and
    /// including `from`, on the profile's clock, is not ours and is not counted, nor are the first
    /// `past` arrivals of the whole.
    #[must_use]
    pub fn taken_over(mut schedule: Schedule<P>, max_backlog: u64, from: Nanos, past: u64) -> Self {
        schedule.pass(past);
        let mut bucket = Self::new(schedule, max_backlog);
        bucket.fill(from);
        bucket.skipped = bucket.due;
        bucket.next = bucket.due;
        bucket
    }

    /// Nothing that falls due after `end`, on the profile's clock, is ours any more. What was due
    /// already stays due.
    pub fn release(&mut self, end: Nanos) {
        self.schedule.cut(end);
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
        let number = self.schedule.number(self.next);
        self.next += 1;
        self.taken += 1;
        Some(Token { intended, number })
    }

    /// Gives up the oldest tokens beyond the greatest backlog, and says how many. The oldest,
    /// because the youngest still have a chance to be sent in time. `reason` says why they wait:
    /// for a busy target (`backlog_full`), or for want of what a connection needs.
    #[inline]
    pub fn trim(&mut self, reason: DropReason) -> u64 {
        let excess = self.backlog().saturating_sub(self.max_backlog);
        self.give_up(excess, reason);
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
        if let Some(named) = &mut self.named {
            for i in self.next..self.next + count {
                named.dropped[named.mix.pick(self.schedule.number(i))][reason as usize] += 1;
            }
        }
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
        self.due - self.skipped
    }

    /// How many arrivals of its share have fallen due, those before it was ours included.
    #[inline]
    #[must_use]
    pub fn reached(&self) -> u64 {
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

    /// How many have fallen due of each request of the mix; nothing without a mix.
    pub fn due_of_named(&mut self) -> &[u64] {
        let Self { named, schedule, due, .. } = self;
        named.as_mut().map_or(&[], |named| named.due.of_first(*due, |i| schedule.number(i)))
    }

    /// How many were given up of each request of the mix, by reason; nothing without a mix.
    #[must_use]
    pub fn dropped_of_named(&self) -> &[[u64; DropReason::ALL.len()]] {
        self.named.as_ref().map_or(&[], |named| &named.dropped)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{LiveProfile, Piecewise};
    use crate::schedule::{Arrivals, Share};
    use crate::time::{MILLISECOND, SECOND};
    use proptest::prelude::*;

    fn bucket(
        rate: f64,
        arrivals: Arrivals,
        max_backlog: u64,
    ) -> TokenBucket<LiveProfile<Piecewise>> {
        let profile = LiveProfile::new(Piecewise::constant(rate));
        let schedule = Schedule::new(profile, arrivals, Share::WHOLE, 2 * SECOND, None);
        TokenBucket::new(schedule, max_backlog)
    }

    #[derive(Debug, Clone)]
    enum Step {
        Fill(Nanos),
        Take,
        Trim,
        GiveUp(usize),
        Ask(Nanos),
        ChangeRate(f64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..50 * MILLISECOND).prop_map(Step::Fill),
            8 => Just(Step::Take),
            2 => Just(Step::Trim),
            1 => (0usize..5).prop_map(Step::GiveUp),
            2 => (0..10 * MILLISECOND).prop_map(Step::Ask),
            1 => (0.0..3_000.0f64).prop_map(Step::ChangeRate),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn due_is_taken_and_dropped_and_backlog(
            steps in steps(), poisson in any::<bool>(), max_backlog in 0u64..100,
        ) {
            let arrivals = if poisson { Arrivals::Poisson { seed: 7 } } else { Arrivals::Uniform };
            let mut bucket = bucket(1_000.0, arrivals, max_backlog);
            let (mut now, mut last, mut given_up) = (0, 0, 0);
            for step in steps {
                let due_before = bucket.due();
                match step {
                    Step::Fill(after) => {
                        now += after;
                        bucket.fill(now);
                    }
                    Step::Take => {
                        let waiting = bucket.backlog();
                        let token = bucket.take();
                        prop_assert_eq!(token.is_some(), waiting > 0);
                        if let Some(token) = token {
                            prop_assert!(last <= token.intended && token.intended <= now);
                            last = token.intended;
                        }
                    }
                    Step::Trim => {
                        given_up += bucket.trim(DropReason::BacklogFull);
                        prop_assert!(bucket.backlog() <= max_backlog);
                    }
                    Step::GiveUp(reason) => {
                        given_up += bucket.give_up_all(DropReason::ALL[reason]);
                        prop_assert_eq!(bucket.backlog(), 0);
                    }
                    Step::Ask(ahead) => {
                        let until = now + ahead;
                        let next = bucket.next_due();
                        if let Some(wake) = bucket.last_due_within(until) {
                            prop_assert!(wake <= until && next.is_some_and(|next| next <= wake));
                        }
                    }
                    Step::ChangeRate(target) => {
                        let profile = bucket.schedule_mut().profile_mut();
                        profile.change_rate(crate::time::seconds(now), target, 0.1).unwrap();
                    }
                }
                let dropped: u64 = bucket.dropped().iter().sum();
                prop_assert!(bucket.due() >= due_before);
                prop_assert_eq!(bucket.due(), bucket.taken() + dropped + bucket.backlog());
                prop_assert_eq!(dropped, given_up);
            }
        }
    }

    #[test]
    fn a_token_carries_its_intended_start_however_late_it_is_taken() {
        let mut bucket = bucket(1_000.0, Arrivals::Uniform, 10_000);
        bucket.fill(SECOND);
        assert_eq!(bucket.take(), Some(Token { intended: 500_000, number: 0 }));
        assert_eq!(bucket.take(), Some(Token { intended: 1_500_000, number: 1 }));
        assert_eq!(bucket.backlog(), 998);
    }

    #[test]
    fn the_oldest_are_given_up() {
        let mut bucket = bucket(1_000.0, Arrivals::Uniform, 10);
        bucket.fill(SECOND);
        assert_eq!(bucket.trim(DropReason::BacklogFull), 990);
        assert_eq!(bucket.dropped()[DropReason::BacklogFull as usize], 990);
        assert_eq!(bucket.take().unwrap().intended, 990_500_000);
    }

    #[test]
    fn a_pacer_sleeps_until_the_last_that_may_wait() {
        let mut bucket = bucket(1_000.0, Arrivals::Uniform, 10);
        assert_eq!(bucket.next_due(), Some(500_000));
        assert_eq!(bucket.last_due_within(3 * MILLISECOND), Some(2_500_000));
        bucket.fill(2_500_000);
        while bucket.take().is_some() {}
        assert_eq!(bucket.last_due_within(3 * MILLISECOND), None, "all of them are taken");
        assert_eq!(bucket.next_due(), Some(3_500_000));
    }

    #[test]
    fn who_takes_over_gets_neither_what_was_due_nor_what_is_past() {
        let whole = || bucket(10.0, Arrivals::Uniform, 100).schedule;
        for (from, past, first) in [(0, 0, 0), (SECOND, 0, 10), (0, 15, 15), (SECOND, 4, 10)] {
            let mut bucket = TokenBucket::taken_over(whole(), 100, from, past);
            bucket.fill(2 * SECOND);
            assert_eq!(bucket.take().map(|token| token.number), Some(first), "{from} {past}");
            assert_eq!(bucket.due(), 20 - first);
        }
        let mut none = TokenBucket::taken_over(whole(), 100, 0, 20);
        none.fill(2 * SECOND);
        assert!(none.take().is_none() && none.due() == 0);
    }

    #[test]
    fn it_is_exhausted_after_the_end_when_all_are_gone() {
        let mut bucket = bucket(10.0, Arrivals::Uniform, 100);
        bucket.fill(3 * SECOND);
        assert!(!bucket.is_exhausted());
        for _ in 0..20 {
            assert!(bucket.take().is_some());
        }
        assert!(bucket.is_exhausted());
        assert_eq!((bucket.next_due(), bucket.take()), (None, None));
    }
}
