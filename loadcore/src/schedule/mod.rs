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

mod end;
mod share;
mod walk;

pub use end::{End, LONGEST};
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

    /// What is ours of the first `n` arrivals of the whole counts as due, wherever the profile places
    /// them now.
    pub fn pass(&mut self, n: u64) {
        self.due = self.due.max(self.share.count(n));
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

    /// The number in the whole of our arrival `i`.
    #[inline]
    #[must_use]
    pub fn number(&self, i: u64) -> u64 {
        self.share.global(i).unwrap_or(u64::MAX)
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

    /// Lets the schedule end at `end`, if it would end later. What was due stays due.
    pub fn cut(&mut self, end: Nanos) {
        self.last = None;
        self.end = self.end.min(end);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Line, LiveProfile, Piecewise, Sine};
    use proptest::prelude::*;

    fn lines() -> impl Strategy<Value = Piecewise> {
        let rate = prop_oneof![1 => Just(0.0), 4 => 0.0..3_000.0f64];
        let length = 0.001..3.0f64;
        prop::collection::vec((length, rate.clone(), rate), 1..6).prop_map(|parts| {
            let mut until = 0.0;
            Piecewise::new(parts.into_iter().map(|(length, from, to)| {
                until += length;
                Line { until, from, to }
            }))
        })
    }

    fn arrivals() -> impl Strategy<Value = Arrivals> {
        prop_oneof![
            Just(Arrivals::Uniform),
            any::<u64>().prop_map(|seed| Arrivals::Poisson { seed })
        ]
    }

    fn share() -> impl Strategy<Value = Share> {
        (1u64..5, 1u64..4, any::<u64>())
            .prop_map(|(n, m, k)| Share::WHOLE.split(k % n, n).split(k / n % m, m))
    }

    /// Every arrival in order, and what both questions say about the nanosecond before it.
    fn consistent<P: Profile + Clone>(schedule: &Schedule<P>) {
        let (mut at, mut by) = (schedule.clone(), schedule.clone());
        let mut before = 0;
        let mut i = 0;
        while let Some(t) = at.at(i) {
            assert!(t >= before && t <= schedule.end(), "arrival {i} at {t} after one at {before}");
            if t > before {
                assert!(by.due_by(t - 1) <= i, "arrival {i} is due before {t}");
            }
            assert!(by.due_by(t) > i, "arrival {i} is not due at {t}");
            before = t;
            i += 1;
        }
        assert_eq!(by.due_by(schedule.end()), i, "due at the end");
        assert_eq!(by.due_by(Nanos::MAX), i, "nothing falls due after the end");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn due_by_and_at_agree_to_the_nanosecond(
            profile in lines(), arrivals in arrivals(), share in share(),
            end in 0u64..12 * SECOND, limit in prop::option::of(0u64..5_000),
        ) {
            consistent(&Schedule::new(profile, arrivals, share, end, limit));
        }

        #[test]
        fn so_they_do_for_waves(
            initial in 0.0..500.0f64, amplitude in 0.0..800.0f64, period in 0.01..20.0f64,
            arrivals in arrivals(), share in share(),
        ) {
            let profile = Sine::new(initial, amplitude, period);
            consistent(&Schedule::new(profile, arrivals, share, 10 * SECOND, None));
        }

        #[test]
        fn uniform_count_is_the_rounded_demand(
            profile in lines(), share in share(), mut moments in prop::collection::vec(0u64..10 * SECOND, 50),
        ) {
            moments.sort_unstable();
            let mut schedule = Schedule::new(profile.clone(), Arrivals::Uniform, share, Nanos::MAX, None);
            for t in moments {
                let whole = (profile.demand(seconds(t)) + 0.5).floor() as u64;
                prop_assert_eq!(schedule.due_by(t), share.count(whole));
            }
        }

        #[test]
        fn shares_together_are_the_whole_at_every_moment(
            profile in lines(), arrivals in arrivals(), workers in 1u64..4, threads in 1u64..4,
            mut moments in prop::collection::vec(0u64..10 * SECOND, 20),
        ) {
            moments.sort_unstable();
            let of = |share| Schedule::new(profile.clone(), arrivals, share, 9 * SECOND, None);
            let mut whole = of(Share::WHOLE);
            let mut parts: Vec<_> = (0..workers)
                .flat_map(|w| (0..threads).map(move |t| Share::WHOLE.split(w, workers).split(t, threads)))
                .map(of)
                .collect();
            for t in moments {
                let sum: u64 = parts.iter_mut().map(|part| part.due_by(t)).sum();
                prop_assert_eq!(sum, whole.due_by(t));
            }
            // Not the counts alone: the very same intended starts.
            for i in 0..whole.due_by(Nanos::MAX).min(200) {
                let count = parts.len() as u64;
                // Worker i mod w, and in it thread (i / w) mod t.
                let owner = (i % workers) * threads + (i / workers) % threads;
                prop_assert_eq!(parts[owner as usize].at(i / count), whole.at(i));
            }
        }

        #[test]
        fn the_look_ahead_finds_the_last_one(
            profile in lines(), arrivals in arrivals(), share in share(),
            mut moments in prop::collection::vec(0u64..10 * SECOND, 20),
        ) {
            moments.sort_unstable();
            let schedule = Schedule::new(profile, arrivals, share, 9 * SECOND, None);
            let (mut look, mut by, mut at) = (schedule.clone(), schedule.clone(), schedule);
            for t in moments {
                let last = by.due_by(t).checked_sub(1);
                prop_assert_eq!(look.last_by(t), last.map(|i| (i, at.at(i).unwrap())));
            }
        }

        #[test]
        fn a_change_of_rate_takes_nothing_back(
            arrivals in arrivals(), share in share(),
            changes in prop::collection::vec((0.01..2.0f64, 0.0..2_000.0f64, 0.0..1.0f64), 1..5),
        ) {
            let profile = LiveProfile::new(Piecewise::constant(800.0));
            let mut schedule = Schedule::new(profile, arrivals, share, 12 * SECOND, None);
            let (mut now, mut next) = (0.0, 0);
            for (after, target, over) in changes {
                let mut asked = (now * 1e9) as u64;
                now += after;
                while asked < (now * 1e9) as u64 {
                    let due = schedule.due_by(asked);
                    while next < due {
                        prop_assert!(schedule.at(next).unwrap() <= asked);
                        next += 1;
                    }
                    if let Some(at) = schedule.at(next) {
                        prop_assert!(at > asked, "arrival {next} at {at} was not due by {asked}");
                    }
                    let _ = schedule.last_by(asked + 300 * crate::time::MILLISECOND);
                    asked += 20 * crate::time::MILLISECOND;
                }
                schedule.due_by((now * 1e9) as u64);
                schedule.profile_mut().change_rate(now, target, over).unwrap();
            }
            let total = schedule.due_by(12 * SECOND);
            prop_assert_eq!(schedule.last_by(12 * SECOND).map(|(i, _)| i + 1).unwrap_or(0), total);
            prop_assert!(total == 0 || schedule.at(total - 1).is_some());
            prop_assert_eq!(schedule.at(total), None);
        }
    }

    #[test]
    fn uniform_arrivals_stand_in_the_middle_of_their_periods() {
        let mut schedule = Schedule::new(
            Piecewise::constant(1_000.0),
            Arrivals::Uniform,
            Share::WHOLE,
            SECOND,
            None,
        );
        assert_eq!(schedule.at(0), Some(500_000));
        assert_eq!(schedule.at(1), Some(1_500_000));
        assert_eq!(schedule.at(999), Some(999_500_000));
        assert_eq!(schedule.at(1_000), None);
        assert_eq!(schedule.due_by(SECOND), 1_000);
    }

    #[test]
    fn a_week_at_a_third_loses_no_arrival() {
        let week = 604_800 * SECOND;
        let mut schedule = Schedule::new(
            Piecewise::constant(32_000.0 / 3.0),
            Arrivals::Uniform,
            Share::WHOLE,
            week,
            None,
        );
        let total = 604_800 * 32_000 / 3;
        assert_eq!(schedule.at(total), None);
        assert_eq!(schedule.due_by(week), total);
        assert!(week - schedule.last_by(week).unwrap().1 < 47_000);
    }

    #[test]
    fn a_limit_is_of_the_whole() {
        let of = |share| {
            Schedule::new(Piecewise::constant(100.0), Arrivals::Uniform, share, SECOND, Some(7))
        };
        let mut counts = [0, 1, 2].map(|k| of(Share::WHOLE.split(k, 3)).due_by(SECOND));
        counts.sort_unstable();
        assert_eq!(counts, [2, 2, 3]);
    }

    #[test]
    fn a_half_rounds_up_and_what_is_just_below_does_not() {
        assert_eq!(round(0.5), 1);
        assert_eq!(round(0.499_999_999_999_999_94), 0, "0.5 less one bit; the sum would say 1");
        assert_eq!(round(2.5), 3);
        assert_eq!(round(4_503_599_627_370_495.5), 4_503_599_627_370_496);
    }

    #[test]
    fn a_profile_whose_inverse_is_wrong_only_costs_time() {
        #[derive(Clone)]
        struct Vague(f64);
        impl Profile for Vague {
            fn rate(&self, _: f64) -> f64 {
                100.0
            }
            fn demand(&self, seconds: f64) -> f64 {
                100.0 * seconds
            }
            fn inverse(&self, arrivals: f64) -> f64 {
                arrivals / 100.0 + self.0
            }
            fn peak_rate(&self) -> f64 {
                100.0
            }
        }
        for off in [-1.0, -1e-6, 1e-6, 1.0, f64::INFINITY, f64::NAN] {
            consistent(&Schedule::new(Vague(off), Arrivals::Uniform, Share::WHOLE, SECOND, None));
        }
    }
}
