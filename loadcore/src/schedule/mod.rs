//! Turns a profile and a share into the exact moments at which our requests are due.
//!
//! Arrival `n` is placed straight from its number. Adding up whole-nanosecond periods would add up
//! their rounding too: 1 ns cut from each period is a whole arrival too many every second at
//! 32,000/s.
//!
//! Every arrival has a position in demand, and is due in the first nanosecond in which the demand
//! Λ(t) has reached it:
//!
//! - UNIFORM: arrival `n` is at `n + 1/2`, so `floor(Λ(t) + 1/2)` are due by `t`;
//! - POISSON: gaps between positions are exponential, and follow from the seed.
//!
//! The demand alone decides. The profile's inverse only says where to look, so what is due by a
//! moment ([`Schedule::due_by`]) and when an arrival is due ([`Schedule::at`]) cannot disagree.

mod share;
mod walk;

pub use share::Share;

use crate::profile::Profile;
use crate::time::{Nanos, SECOND, seconds};
use walk::Walk;

/// How arrivals are spread over the demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrivals {
    /// Evenly.
    #[default]
    Uniform,
    /// As independent users come: with exponential gaps. The same seed gives the same arrivals, on
    /// however many workers and threads.
    Poisson {
        /// Which of the random sequences.
        seed: u64,
    },
}

/// The arrivals of one share, in order, with their intended starts.
///
/// Own arrivals are numbered from 0. Moments are nanoseconds of the profile's clock. A share of a
/// POISSON schedule walks along the whole sequence, at some 10 ns for each arrival of the whole.
#[derive(Debug, Clone)]
pub struct Schedule<P> {
    profile: P,
    order: Order,
    share: Share,
    end: Nanos,
    /// How many arrivals the whole may have.
    limit: u64,
    /// What `due_by` answered last.
    due: u64,
    /// What `at` answered last, while the profile was the same.
    last: Option<(u64, Nanos)>,
}

/// Where the arrivals are in demand.
#[derive(Debug, Clone)]
enum Order {
    Uniform,
    /// One walk for each question, because each has come a different way: the next one to be
    /// taken, the first not due yet, and the look ahead of that.
    Poisson {
        taken: Walk,
        due: Walk,
        ahead: Ahead,
    },
}

/// A walk that remembers the last of our arrivals that it came by: its number and position.
#[derive(Debug, Clone)]
struct Ahead {
    walk: Walk,
    passed: Option<(u64, f64)>,
}

impl<P: Profile> Schedule<P> {
    /// A share of the arrivals of `profile` up to and including `end`, and of the whole at most
    /// `max_arrivals`.
    #[must_use]
    pub fn new(
        profile: P,
        arrivals: Arrivals,
        share: Share,
        end: Nanos,
        max_arrivals: Option<u64>,
    ) -> Self {
        let order = match arrivals {
            Arrivals::Uniform => Order::Uniform,
            Arrivals::Poisson { seed } => {
                let walk = Walk::new(seed);
                let ahead = Ahead { walk: walk.clone(), passed: None };
                Order::Poisson { taken: walk.clone(), due: walk, ahead }
            }
        };
        let limit = max_arrivals.unwrap_or(u64::MAX);
        Self { profile, order, share, end, limit, due: 0, last: None }
    }

    /// How many of our arrivals have an intended start of at most `t`.
    ///
    /// Never decreases. Moments after the end count as the end.
    #[inline]
    pub fn due_by(&mut self, t: Nanos) -> u64 {
        let demand = self.profile.demand(seconds(t.min(self.end)));
        let whole = match &mut self.order {
            Order::Uniform => round(demand).min(self.limit),
            Order::Poisson { due, .. } => {
                while due.position <= demand && due.index < self.limit {
                    due.step();
                }
                due.index
            }
        };
        self.due = self.due.max(self.share.count(whole));
        self.due
    }

    /// When our arrival `i` is due; `None` if it is past the end or the limit.
    ///
    /// `i` may not decrease from one call to the next. `due_by(at(i)) > i`, and a nanosecond
    /// earlier it is not.
    #[inline]
    pub fn at(&mut self, i: u64) -> Option<Nanos> {
        if let Some((last, at)) = self.last
            && last == i
        {
            return Some(at);
        }
        let n = self.share.global(i).filter(|n| *n < self.limit)?;
        let position = match &mut self.order {
            Order::Uniform => n as f64 + 0.5,
            Order::Poisson { taken, .. } => {
                let total = self.profile.demand(seconds(self.end));
                while taken.index < n && taken.position <= total {
                    taken.step();
                }
                taken.position
            }
        };
        let at = first_moment(&self.profile, position, self.end)?;
        self.last = Some((i, at));
        Some(at)
    }

    /// The last of our arrivals that is due by `t`, with its number. `t` may lie ahead of what
    /// `due_by` was asked, and may not decrease from one call to the next.
    ///
    /// This is what a pacer asks that lets arrivals gather for a little while.
    pub fn last_by(&mut self, t: Nanos) -> Option<(u64, Nanos)> {
        let demand = self.profile.demand(seconds(t.min(self.end)));
        let (index, position) = match &mut self.order {
            Order::Uniform => {
                let i = self.share.count(round(demand).min(self.limit)).checked_sub(1)?;
                (i, self.share.global(i)? as f64 + 0.5)
            }
            Order::Poisson { taken, ahead, .. } => {
                ahead.last_within(demand, self.share, self.limit, taken)?
            }
        };
        Some((index, first_moment(&self.profile, position, self.end)?))
    }

    /// The profile, to change its future. What was due stays due.
    pub fn profile_mut(&mut self) -> &mut P {
        self.last = None;
        &mut self.profile
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &P {
        &self.profile
    }

    /// When the schedule ends.
    #[must_use]
    pub fn end(&self) -> Nanos {
        self.end
    }
}

impl Ahead {
    /// The last of our arrivals with a position of at most `demand`.
    fn last_within(
        &mut self,
        demand: f64,
        share: Share,
        limit: u64,
        taken: &Walk,
    ) -> Option<(u64, f64)> {
        // A change of the profile may have put off what was looked at already. It never puts off
        // what was taken: the look ahead begins anew from there.
        if self.passed.is_some_and(|(_, position)| position > demand) {
            *self = Self { walk: taken.clone(), passed: None };
        }
        while self.walk.position <= demand && self.walk.index < limit {
            let i = share.count(self.walk.index);
            if share.global(i) == Some(self.walk.index) {
                self.passed = Some((i, self.walk.position));
            }
            self.walk.step();
        }
        self.passed
    }
}

/// `floor(x + 1/2)`, exactly: in `f64` the sum itself may be rounded up to the next whole number.
#[inline]
fn round(x: f64) -> u64 {
    let whole = x as u64;
    whole + u64::from(x - whole as f64 >= 0.5)
}

/// The first nanosecond up to `end` in which the demand has reached `position`.
///
/// The inverse is right to within its rounding, so two questions confirm it nearly always; where it
/// is off, the search doubles its stride until it has the moment between two bounds.
#[inline]
fn first_moment<P: Profile>(profile: &P, position: f64, end: Nanos) -> Option<Nanos> {
    let reached = |t: Nanos| profile.demand(seconds(t)) >= position;
    // A float becomes the nearest u64: infinity the greatest, NaN 0.
    let guess = ((profile.inverse(position) * SECOND as f64).ceil() as Nanos).min(end);
    if !reached(guess) {
        return search_up(&reached, guess, end);
    }
    if guess == 0 || !reached(guess - 1) {
        return Some(guess);
    }
    Some(search_down(&reached, guess - 1))
}

/// The first moment after `low` that is reached, where `low` is not.
#[cold]
fn search_up(reached: &impl Fn(Nanos) -> bool, mut low: Nanos, end: Nanos) -> Option<Nanos> {
    let mut stride = 1;
    loop {
        if low >= end {
            return None;
        }
        let high = low.saturating_add(stride).min(end);
        if reached(high) {
            return Some(bisect(reached, low, high));
        }
        low = high;
        stride = stride.saturating_mul(2);
    }
}

/// The first moment that is reached, where `high` is.
#[cold]
fn search_down(reached: &impl Fn(Nanos) -> bool, mut high: Nanos) -> Nanos {
    let mut stride = 1;
    while high > 0 {
        let low = high.saturating_sub(stride);
        if !reached(low) {
            return bisect(reached, low, high);
        }
        high = low;
        stride = stride.saturating_mul(2);
    }
    0
}

/// The first moment that is reached, between `low`, which is not, and `high`, which is.
fn bisect(reached: &impl Fn(Nanos) -> bool, mut low: Nanos, mut high: Nanos) -> Nanos {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}
