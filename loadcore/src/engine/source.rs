//! Where tickets come from: the warm-up's bucket, the profile's bucket, or a closed loop.
//!
//! A ticket is a token on the run's clock: the right to send one request now.

use super::profile_clock::ProfileClock;
use crate::bucket::TokenBucket;
use crate::profile::{Live, Piecewise, Profile};
use crate::request::DropReason;
use crate::time::{Nanos, seconds};

/// The right to send one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    /// When it was due, on the run's clock; `None` in closed loop.
    pub(crate) intended: Option<Nanos>,
    /// Part of the statistics: not of the warm-up.
    pub(crate) measured: bool,
}

/// What a thread's load is made of.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each thread, made once")]
pub(crate) enum Load<P: Profile> {
    /// Arrivals that do not wait for replies.
    Open {
        /// The measured arrivals, on the profile's clock.
        bucket: TokenBucket<Live<P>>,
        /// The warm-up's, on the run's clock.
        warmup: Option<TokenBucket<Piecewise>>,
        /// Most measured arrivals, which the bucket's schedule keeps to.
        limit: Option<u64>,
    },
    /// The next request waits for a reply; at most so many, if there is a limit.
    Closed {
        /// Most measured requests.
        limit: Option<u64>,
    },
}

/// Hands out tickets.
#[derive(Debug)]
pub(crate) struct Source<P: Profile> {
    load: Load<P>,
    clock: ProfileClock,
    /// End of the warm-up on the run's clock.
    measured_from: Nanos,
    /// End of the load on the profile's clock.
    end: Nanos,
    /// No token due after this is handed out yet: an order takes effect then. Run's clock.
    hold: Nanos,
    taken: u64,
    stopped: bool,
}

impl<P: Profile> Source<P> {
    pub(crate) fn new(load: Load<P>, measured_from: Nanos, end: Nanos) -> Self {
        Self {
            load,
            clock: ProfileClock::new(measured_from),
            measured_from,
            end,
            hold: Nanos::MAX,
            taken: 0,
            stopped: false,
        }
    }

    /// The oldest ticket that is due at `now`, if any.
    #[inline]
    pub(crate) fn take(&mut self, now: Nanos) -> Option<Ticket> {
        let now = now.min(self.hold);
        if self.stopped {
            return None;
        }
        let measured = now >= self.measured_from;
        match &mut self.load {
            Load::Open { bucket, .. } if measured => {
                bucket.fill(self.clock.profile(now));
                let token = bucket.take()?;
                self.taken += 1;
                Some(Ticket { intended: Some(self.clock.run(token.intended)), measured })
            }
            Load::Open { .. } if self.clock.is_paused() => None,
            Load::Open { warmup, .. } => {
                let bucket = warmup.as_mut()?;
                bucket.fill(now);
                let token = bucket.take()?;
                Some(Ticket { intended: Some(token.intended), measured })
            }
            Load::Closed { limit } => {
                let spent = measured && limit.is_some_and(|limit| self.taken >= limit);
                if spent || self.clock.is_paused() || self.clock.profile(now) >= self.end {
                    return None;
                }
                self.taken += u64::from(measured);
                Some(Ticket { intended: None, measured })
            }
        }
    }

    /// Gives up what waits beyond the backlog's limit, for `reason`.
    #[inline]
    pub(crate) fn trim(&mut self, now: Nanos, reason: DropReason) {
        if let Load::Open { bucket, warmup, .. } = &mut self.load {
            match warmup {
                Some(warmup) if now < self.measured_from => warmup.trim(reason),
                _ => bucket.trim(reason),
            };
        }
    }

    /// When the pacer is to wake: at the last arrival that is due within `slack` of the next one.
    /// So arrivals that are close gather, and one that is alone is not kept waiting.
    pub(crate) fn next_wake(&mut self, now: Nanos, slack: Nanos) -> Option<Nanos> {
        let Load::Open { bucket, warmup, .. } = &mut self.load else { return None };
        if self.stopped {
            return None;
        }
        if now < self.measured_from {
            let next = warmup.as_mut().and_then(|bucket| gathered(bucket, slack));
            return Some(next.map_or(self.measured_from, |next| next.min(self.measured_from)));
        }
        if self.clock.is_paused() && bucket.backlog() == 0 {
            return None;
        }
        // What is held back waits for the order's being applied, which tells the pacer.
        Some(self.clock.run(gathered(bucket, slack)?)).filter(|wake| *wake <= self.hold)
    }

    /// Measured arrivals that were due by `now`.
    pub(crate) fn due(&mut self, now: Nanos) -> u64 {
        match &mut self.load {
            Load::Open { bucket, .. } => {
                if now >= self.measured_from && !self.stopped {
                    bucket.fill(self.clock.profile(now.min(self.hold)));
                }
                bucket.due()
            }
            Load::Closed { .. } => self.taken,
        }
    }

    /// Arrivals given up so far, by reason.
    pub(crate) fn dropped(&self) -> [u64; DropReason::ALL.len()] {
        match &self.load {
            Load::Open { bucket, .. } => *bucket.dropped(),
            Load::Closed { .. } => Default::default(),
        }
    }

    /// Measured arrivals that are due and wait.
    pub(crate) fn backlog(&self) -> u64 {
        match &self.load {
            Load::Open { bucket, .. } => bucket.backlog(),
            Load::Closed { .. } => 0,
        }
    }

    /// Nothing more will ever be handed out, since the limit of requests was reached.
    pub(crate) fn is_spent(&self) -> bool {
        match &self.load {
            Load::Open { bucket, limit, .. } => {
                bucket.backlog() == 0 && limit.is_some_and(|limit| bucket.due() >= limit)
            }
            Load::Closed { limit } => limit.is_some_and(|limit| self.taken >= limit),
        }
    }

    /// Whether arrivals do not wait for replies.
    #[inline]
    pub(crate) fn is_open_loop(&self) -> bool {
        matches!(self.load, Load::Open { .. })
    }

    /// When the load ends on the run's clock; `None` while it is paused.
    pub(crate) fn end_at(&self) -> Option<Nanos> {
        (!self.clock.is_paused()).then(|| self.clock.run(self.end))
    }

    /// Ends the load: what waits is given up for `reason`.
    pub(crate) fn stop(&mut self, reason: DropReason) {
        self.stopped = true;
        if let Load::Open { bucket, .. } = &mut self.load {
            bucket.give_up_all(reason);
        }
    }

    pub(crate) fn profile_time(&self, now: Nanos) -> Nanos {
        self.clock.profile(now).min(self.end)
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
    }

    /// From `at` on the rate goes in a line to `target` arrivals per second (all threads together),
    /// `over` seconds long, and stays there.
    pub(crate) fn change_rate(&mut self, at: Nanos, target: f64, over: f64) {
        let at = seconds(self.clock.profile(at));
        if let Load::Open { bucket, .. } = &mut self.load {
            // Its numbers were checked when the order was given.
            let _ = bucket.schedule_mut().profile_mut().change_rate(at, target, over);
        }
    }
}

fn gathered<P: Profile>(bucket: &mut TokenBucket<P>, slack: Nanos) -> Option<Nanos> {
    let next = bucket.next_due()?;
    Some(bucket.last_due_within(next + slack).unwrap_or(next))
}
