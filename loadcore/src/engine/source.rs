//! Hands out tickets: from the buckets of the schedule's parts, the warm-up's, or a closed loop.
//!
//! A ticket is a token on the run's clock: the right to send one request now. On one machine a
//! thread has one part of the schedule; in a distributed run it may get more of them, when a worker
//! is lost, and may give one up.

use super::profile_clock::ProfileClock;
use super::returned::Returned;
use crate::bucket::{Token, TokenBucket};
use crate::profile::{LiveProfile, Piecewise, Profile};
use crate::request::{DropReason, Mix};
use crate::schedule::{Arrivals, Schedule, Share};
use crate::time::{Nanos, seconds};
use crate::transport::Call;

/// The right to send one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    /// When it was due, on the run's clock; `None` in closed loop.
    pub(crate) intended: Option<Nanos>,
    /// Part of the statistics: not of the warm-up.
    pub(crate) measured: bool,
    /// It had to wait since this machine was short of something, and that is counted.
    pub(crate) kept_waiting: bool,
    /// Which request of the mix it is; 0 without one.
    pub(crate) request: u32,
    /// Its number in the one schedule of the run.
    pub(crate) number: u64,
}

impl Ticket {
    #[inline]
    fn new(mix: &Mix, intended: Option<Nanos>, measured: bool, number: u64) -> Self {
        let request = mix.pick(number) as u32;
        Self { intended, measured, kept_waiting: false, request, number }
    }

    /// What its lane is told of it.
    #[inline]
    pub(crate) fn call(&self, start: Nanos) -> Call {
        let Self { number, request, intended, .. } = *self;
        Call { request: request as usize, ..Call::new(number, intended, start) }
    }
}

/// The arrivals of one request of a mix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OfNamed {
    pub(crate) due: u64,
    /// Given up, by reason.
    pub(crate) dropped: [u64; DropReason::ALL.len()],
}

/// What the load is made of: of the whole run, the same for all of its threads and workers.
#[derive(Debug, Clone)]
pub(crate) struct WholeLoad<P> {
    /// The arrivals; `None` in closed loop.
    pub(crate) open: Option<OpenLoop<P>>,
    /// Length of the warm-up.
    pub(crate) warmup: Nanos,
    /// Length of the measured load, on the profile's clock.
    pub(crate) end: Nanos,
    /// Most measured requests.
    pub(crate) limit: Option<u64>,
    /// Most lanes open at once.
    pub(crate) lanes: u64,
    /// Which request each arrival is.
    pub(crate) mix: Mix,
}

/// Arrivals that do not wait for replies.
#[derive(Debug, Clone)]
pub(crate) struct OpenLoop<P> {
    pub(crate) profile: P,
    pub(crate) arrivals: Arrivals,
    pub(crate) max_backlog: u64,
}

/// Hands out tickets.
#[derive(Debug)]
pub(crate) struct Source<P: Profile> {
    load: WholeLoad<LiveProfile<P>>,
    parts: Vec<Part<P>>,
    clock: ProfileClock,
    /// No token due after this is handed out yet: an order takes effect then. Run's clock.
    hold: Nanos,
    /// Measured tickets handed out.
    taken: u64,
    stopped: bool,
    /// When the last of our parts was given up, on the run's clock.
    released_at: Option<Nanos>,
    /// In open loop: tickets whose attempts could not begin.
    returned: Returned,
}

/// A part of the one schedule that is ours.
#[derive(Debug)]
struct Part<P: Profile> {
    share: Share,
    /// The measured arrivals, on the profile's clock; `None` in closed loop.
    bucket: Option<TokenBucket<LiveProfile<P>>>,
    /// The warm-up's, on the run's clock.
    warmup: Option<TokenBucket<Piecewise>>,
    /// Its own requests in closed loop.
    numbers: Numbers,
    /// It was given up.
    released: bool,
}

/// The requests of a part in closed loop: they are numbered as its arrivals would be.
#[derive(Debug)]
struct Numbers {
    /// Our own number of the next one to be sent.
    next: u64,
    /// Numbers in the whole of those that could not begin: they are sent next.
    again: Vec<u64>,
    /// How many there are, where a number of requests ends the load.
    most: u64,
    /// The next one of the warm-up, which are numbered apart.
    warmup: u64,
}

impl<P: Profile + Clone> WholeLoad<P> {
    fn live(self) -> WholeLoad<LiveProfile<P>> {
        let open = self.open.map(|OpenLoop { profile, arrivals, max_backlog }| OpenLoop {
            profile: LiveProfile::new(profile),
            arrivals,
            max_backlog,
        });
        let Self { warmup, end, limit, lanes, mix, .. } = self;
        WholeLoad { open, warmup, end, limit, lanes, mix }
    }
}

impl<P: Profile + Clone> Source<P> {
    /// Of a load of which nothing is ours yet.
    pub(crate) fn new(load: WholeLoad<P>) -> Self {
        let clock = ProfileClock::new(load.warmup);
        let load = load.live();
        Self {
            load,
            parts: Vec::new(),
            clock,
            hold: Nanos::MAX,
            taken: 0,
            stopped: false,
            released_at: None,
            returned: Returned::default(),
        }
    }

    /// Gets the arrivals of `share` that fall due after `from` on the run's clock and are not among the
    /// first `past` of the run. In closed loop, where nothing falls due, the requests of a part have the
    /// numbers of its arrivals, in the order in which they are sent.
    pub(crate) fn take_part(&mut self, share: Share, from: Nanos, past: u64) {
        let from = self.clock.profile_at(from);
        let bucket = self.load.open.as_ref().map(|open| {
            let WholeLoad { end, limit, .. } = self.load;
            let profile = open.profile.clone();
            let schedule = Schedule::new(profile, open.arrivals, share, end, limit);
            let backlog = share.count(open.max_backlog);
            TokenBucket::taken_over(schedule, backlog, from, past).of_mix(&self.load.mix)
        });
        let warmup = if from == 0 { self.warmup(share) } else { None };
        let first = share.count(past);
        let most = self.load.limit.map_or(u64::MAX, |limit| share.count(limit));
        let numbers = Numbers { next: first, again: Vec::new(), most, warmup: 0 };
        self.parts.push(Part { share, bucket, warmup, numbers, released: false });
    }

    fn warmup(&self, share: Share) -> Option<TokenBucket<Piecewise>> {
        let open = self.load.open.as_ref()?;
        let first_rate = open.profile.rate(0.0);
        if self.load.warmup == 0 || first_rate <= 0.0 {
            return None;
        }
        let constant = Piecewise::constant(first_rate);
        let schedule = Schedule::new(constant, open.arrivals, share, self.load.warmup, None);
        Some(TokenBucket::new(schedule, share.count(open.max_backlog)))
    }

    /// Gives up the arrivals of `share` that fall due after `from` on the run's clock.
    pub(crate) fn release_part(&mut self, share: Share, from: Nanos) {
        self.released_at = self.released_at.max(Some(from));
        let from = self.clock.profile_at(from);
        for part in self.parts.iter_mut().filter(|part| part.share == share) {
            part.released = true;
            if let Some(bucket) = &mut part.bucket {
                bucket.release(from);
            }
            part.warmup = None;
        }
    }
}

impl<P: Profile> Part<P> {
    /// In closed loop: something of it may still be sent.
    fn is_open(&self) -> bool {
        !self.numbers.again.is_empty() || self.numbers.next < self.numbers.most
    }

    /// In closed loop: the number in the whole of its next request.
    fn next_number(&mut self, measured: bool) -> u64 {
        let Numbers { next, again, warmup, .. } = &mut self.numbers;
        if measured && let Some(number) = again.pop() {
            return number;
        }
        let next = if measured { next } else { warmup };
        let number = self.share.global(*next).unwrap_or(u64::MAX);
        *next += 1;
        number
    }
}

impl<P: Profile> Source<P> {
    /// The oldest ticket that is due at `now`, if any.
    #[inline]
    pub(crate) fn take(&mut self, now: Nanos) -> Option<Ticket> {
        let real_now = now;
        let now = now.min(self.hold);
        if self.stopped {
            return None;
        }
        let measured = now >= self.load.warmup;
        if !self.returned.is_empty()
            && let Some(ticket) = self.returned.take(measured)
        {
            return Some(ticket);
        }
        if self.load.open.is_none() {
            return self.take_closed(now, measured);
        }
        if measured {
            let token = self.take_token(self.clock.profile(now))?;
            self.taken += 1;
            // What an order that was heard of late has moved is due now at the latest.
            let intended = self.clock.run(token.intended).min(real_now);
            return Some(Ticket::new(&self.load.mix, Some(intended), measured, token.number));
        }
        if self.clock.is_paused() {
            return None;
        }
        let token =
            self.parts.iter_mut().filter_map(|part| part.warmup.as_mut()).find_map(|it| {
                it.fill(now);
                it.take()
            })?;
        Some(Ticket::new(&self.load.mix, Some(token.intended), measured, token.number))
    }

    /// A ticket whose attempt could not begin: in open loop it waits again, the oldest first.
    #[cold]
    pub(crate) fn give_back(&mut self, ticket: Ticket) {
        match ticket.intended {
            Some(_) => self.returned.push(ticket),
            // In closed loop nothing was due: its number is the next to be sent.
            None if ticket.measured => {
                self.taken -= 1;
                let whose = |part: &&mut Part<P>| !part.released && part.share.has(ticket.number);
                if let Some(part) = self.parts.iter_mut().find(whose) {
                    part.numbers.again.push(ticket.number);
                }
            }
            None => {}
        }
    }

    /// Whether an arrival waits whose attempt could not begin.
    pub(crate) fn has_returned(&self) -> bool {
        !self.returned.is_empty()
    }

    /// The oldest token of all parts. One part, the usual case, is asked once.
    #[inline]
    fn take_token(&mut self, now: Nanos) -> Option<Token> {
        if let [Part { bucket: Some(bucket), .. }] = &mut self.parts[..] {
            bucket.fill(now);
            return bucket.take();
        }
        self.take_oldest(now)
    }

    #[cold]
    fn take_oldest(&mut self, now: Nanos) -> Option<Token> {
        let buckets = self.parts.iter_mut().filter_map(|part| part.bucket.as_mut());
        let oldest = buckets.filter_map(|bucket| {
            bucket.fill(now);
            if bucket.backlog() == 0 {
                return None;
            }
            // What was due once may be placed after the end by a change of rate.
            Some((bucket.next_due().unwrap_or(now), bucket))
        });
        oldest.min_by_key(|(at, _)| *at)?.1.take()
    }

    fn take_closed(&mut self, now: Nanos, measured: bool) -> Option<Ticket> {
        if self.clock.is_paused() || self.clock.profile(now) >= self.load.end {
            return None;
        }
        let sends = |part: &&mut Part<P>| !part.released && (!measured || part.is_open());
        let part = self.parts.iter_mut().find(sends)?;
        let number = part.next_number(measured);
        self.taken += u64::from(measured);
        Some(Ticket::new(&self.load.mix, None, measured, number))
    }

    /// Gives up what waits beyond the backlog's limit, for `reason`.
    #[inline]
    pub(crate) fn trim(&mut self, now: Nanos, reason: DropReason) {
        if self.stopped {
            return;
        }
        let warming_up = now < self.load.warmup;
        if !self.returned.is_empty() {
            self.trim_returned(reason);
        }
        let now = now.min(self.hold);
        let profile_now = self.clock.profile(now);
        for Part { bucket, warmup, .. } in &mut self.parts {
            // With every slot busy nobody has taken a ticket since, and so looked at what is due.
            match (warmup, bucket) {
                (Some(warmup), _) if warming_up => {
                    warmup.fill(now);
                    warmup.trim(reason)
                }
                (_, Some(bucket)) if !warming_up => {
                    bucket.fill(profile_now);
                    bucket.trim(reason)
                }
                _ => 0,
            };
        }
    }

    #[cold]
    fn trim_returned(&mut self, reason: DropReason) {
        let most = self.load.open.as_ref().map_or(0, |open| open.max_backlog);
        let ours = self.parts.iter().map(|part| part.share.count(most)).sum();
        let excess = self.backlog().saturating_sub(ours);
        self.returned.give_up(excess, reason);
    }

    /// When the pacer is to wake: at the last arrival that is due within `slack` of the next one.
    /// So arrivals that are close gather, and one that is alone is not kept waiting.
    pub(crate) fn next_wake(&mut self, now: Nanos, slack: Nanos) -> Option<Nanos> {
        if self.load.open.is_none() || self.stopped {
            return None;
        }
        let measured_from = self.load.warmup;
        if now < measured_from {
            if self.clock.is_paused() {
                return None;
            }
            let warmups = self.parts.iter_mut().filter_map(|part| part.warmup.as_mut());
            let next = warmups.filter_map(|bucket| gathered(bucket, slack)).min();
            return Some(next.map_or(measured_from, |next| next.min(measured_from)));
        }
        if self.clock.is_paused() && self.backlog() == 0 {
            return None;
        }
        let buckets = self.parts.iter_mut().filter_map(|part| part.bucket.as_mut());
        let next = buckets.filter_map(|bucket| gathered(bucket, slack)).min()?;
        // What is held back waits for the order's being applied, which tells the pacer.
        Some(self.clock.run(next)).filter(|wake| *wake <= self.hold)
    }

    /// Measured arrivals that were due by `now`.
    pub(crate) fn due(&mut self, now: Nanos) -> u64 {
        if self.load.open.is_none() {
            return self.taken;
        }
        let fill = (now >= self.load.warmup && !self.stopped)
            .then(|| self.clock.profile(now.min(self.hold)));
        let mut due = 0;
        for bucket in self.parts.iter_mut().filter_map(|part| part.bucket.as_mut()) {
            if let Some(now) = fill {
                bucket.fill(now);
            }
            due += bucket.due();
        }
        due
    }

    /// Arrivals given up so far, by reason.
    pub(crate) fn dropped(&self) -> [u64; DropReason::ALL.len()] {
        let mut sum = [0; DropReason::ALL.len()];
        for bucket in self.buckets() {
            sum.iter_mut().zip(bucket.dropped()).for_each(|(sum, count)| *sum += count);
        }
        sum.iter_mut().zip(self.returned.dropped()).for_each(|(sum, count)| *sum += count);
        sum
    }

    /// In open loop: of each request of the mix, how many arrivals are due as far as was looked, and how
    /// many were given up. Nothing without a mix.
    pub(crate) fn of_named(&mut self) -> Vec<OfNamed> {
        let mut sum = self.returned.of_named(self.load.mix.named());
        for bucket in self.parts.iter_mut().filter_map(|part| part.bucket.as_mut()) {
            sum.iter_mut().zip(bucket.due_of_named()).for_each(|(sum, due)| sum.due += due);
            for (sum, dropped) in sum.iter_mut().zip(bucket.dropped_of_named()) {
                sum.dropped.iter_mut().zip(dropped).for_each(|(sum, count)| *sum += count);
            }
        }
        sum
    }

    /// Measured arrivals that are due and wait.
    pub(crate) fn backlog(&self) -> u64 {
        self.buckets().map(TokenBucket::backlog).sum::<u64>() + self.returned.backlog()
    }

    fn buckets(&self) -> impl Iterator<Item = &TokenBucket<LiveProfile<P>>> {
        self.parts.iter().filter_map(|part| part.bucket.as_ref())
    }

    /// Nothing more will ever be handed out, since the limit of requests was reached.
    pub(crate) fn is_spent(&self) -> bool {
        let Some(limit) = self.load.limit else { return false };
        // Our part may still be on its way.
        if self.parts.is_empty() {
            return false;
        }
        if self.load.open.is_none() {
            return !self.parts.iter().any(|part| !part.released && part.is_open());
        }
        self.parts.iter().all(|part| {
            let reached = part.bucket.as_ref().map_or(0, TokenBucket::reached);
            part.released || reached >= part.share.count(limit)
        }) && self.backlog() == 0
    }

    /// Whether arrivals do not wait for replies.
    #[inline]
    pub(crate) fn is_open_loop(&self) -> bool {
        self.load.open.is_some()
    }

    /// How many named requests there are.
    pub(crate) fn named(&self) -> usize {
        self.load.mix.named()
    }

    /// Most lanes that our parts may have open at once: at least one where there is a part, or
    /// nothing of it could be sent.
    pub(crate) fn lanes(&self) -> usize {
        let shares = self.parts.iter().map(|part| part.share.count(self.load.lanes) as usize);
        shares.sum::<usize>().max(usize::from(!self.parts.is_empty()))
    }

    /// When the load ends on the run's clock; `None` while it is paused. Earlier than planned where
    /// every part was given up.
    pub(crate) fn end_at(&self) -> Option<Nanos> {
        if !self.parts.is_empty() && self.parts.iter().all(|part| part.released) {
            return self.released_at;
        }
        (!self.clock.is_paused()).then(|| self.clock.run(self.load.end))
    }

    /// When the last arrival's time is over, on the run's clock, of an open load that a number of
    /// requests ends. An arrival stands in the middle of its time: without the second half of it a
    /// single request at 1/s would have been offered at 2/s.
    pub(crate) fn number_ends_at(&self) -> Option<Nanos> {
        let (limit, open) = (self.load.limit?, self.load.open.as_ref()?);
        let last = (1e9 * open.profile.inverse(limit as f64)).round() as Nanos;
        Some(self.clock.run(last.min(self.load.end)))
    }

    /// Ends the load: what waits is given up for `reason`.
    pub(crate) fn stop(&mut self, reason: DropReason) {
        self.stopped = true;
        self.returned.give_up(u64::MAX, reason);
        for bucket in self.parts.iter_mut().filter_map(|part| part.bucket.as_mut()) {
            bucket.give_up_all(reason);
        }
    }

    pub(crate) fn profile_time(&self, now: Nanos) -> Nanos {
        self.clock.profile(now).min(self.load.end)
    }

    /// How much of the load's own time, without warm-up, pauses and drain, has gone by at `at`, also a
    /// moment before the last pause.
    pub(crate) fn load_time(&self, at: Nanos) -> Nanos {
        self.clock.profile_at(at).min(self.load.end)
    }

    /// How much of the load's own time lies between two moments.
    pub(crate) fn load_between(&self, from: Nanos, to: Nanos) -> Nanos {
        self.load_time(to).saturating_sub(self.load_time(from))
    }

    /// Keeps back what is due after `at`.
    pub(crate) fn hold(&mut self, at: Nanos) {
        self.hold = at;
    }

    pub(crate) fn pause(&mut self, at: Nanos) {
        self.clock.pause(at);
    }

    pub(crate) fn resume(&mut self, at: Nanos) {
        self.clock.resume(at);
        // A warm-up goes on where it stands: nothing is made up for.
        if at < self.load.warmup {
            for warmup in self.parts.iter_mut().filter_map(|part| part.warmup.as_mut()) {
                warmup.fill(at);
                warmup.give_up_all(DropReason::Stopped);
            }
        }
    }

    /// From `at` on the rate goes in a line to `target` arrivals per second (all threads together),
    /// `over` seconds long, and stays there.
    pub(crate) fn change_rate(&mut self, at: Nanos, target: f64, over: f64) {
        let at = seconds(self.clock.profile(at));
        // Its numbers were checked when the order was given.
        let change = |profile: &mut LiveProfile<P>| drop(profile.change_rate(at, target, over));
        // The parts that are still to come get the same profile.
        if let Some(open) = &mut self.load.open {
            change(&mut open.profile);
        }
        for bucket in self.parts.iter_mut().filter_map(|part| part.bucket.as_mut()) {
            change(bucket.schedule_mut().profile_mut());
        }
    }
}

fn gathered<P: Profile>(bucket: &mut TokenBucket<P>, slack: Nanos) -> Option<Nanos> {
    let next = bucket.next_due()?;
    Some(bucket.last_due_within(next + slack).unwrap_or(next))
}

#[cfg(test)]
mod tests;
