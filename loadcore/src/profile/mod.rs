//! Turns a wanted arrival rate over time into demand: how many arrivals are due by time `t`, and
//! when the demand reaches a number.
//!
//! Everything after this module asks for demand, never for the rate. A pacer that adds up periods
//! of a changing rate adds up their errors; one that asks for the integral has none to add.
//!
//! | | |
//! |---|---|
//! | [`Profile`] | the open trait: any rate over time |
//! | [`LoadProfile`] | the types of the scenario document, validated |
//! | [`Piecewise`] | straight lines of rate: all JSON types but SINE |
//! | [`Sine`] | a sine wave cut off at 0 |
//! | [`LiveProfile`] | a profile whose future may be replaced while it runs |

mod check;
mod fault;
mod live_profile;
mod load_profile;
mod piecewise;
mod sine;
mod types;

pub use check::{MAX_BURSTS, MAX_POINTS, MAX_STEPS, MIN_PERIOD_SECONDS};
pub use fault::Fault;
pub(crate) use fault::{Faults, number};
pub use live_profile::{ChangeError, LiveProfile, MAX_CHANGES};
pub use load_profile::{LoadProfile, ProfileError};
pub use piecewise::{Line, Piecewise};
pub use sine::Sine;
pub use types::{Burst, Point, ProfileType, Step};

use std::sync::Arc;

/// The highest arrival rate that a scenario may ask for, in requests per second.
pub const MAX_RATE: f64 = 1e9;
/// The longest run, in seconds: a week.
pub const MAX_DURATION_SECONDS: f64 = 604_800.0;
/// The most arrivals of a run: up to here `n + 1/2` is exact in an `f64`.
pub const MAX_ARRIVALS: u64 = 1 << 52;
// No valid scenario can come near the bound, so nothing needs to check for it.
const _: () = assert!(MAX_RATE * MAX_DURATION_SECONDS < MAX_ARRIVALS as f64);

/// An arrival rate over time, as demand and its inverse.
///
/// Times are seconds on the profile's own clock, which begins at 0 and stands still in a pause.
/// Rates are arrivals per second of the whole run: dividing them between workers and threads is
/// the [`Share`](crate::schedule::Share)'s part, never the profile's.
///
/// # Contract
///
/// 1. `rate(t)` is finite and at least 0 for every `t >= 0`.
/// 2. `demand(t)` is the integral of the rate over `[0, t]`: `demand(0)` is 0, and it never
///    decreases. That is meant of the computed `f64` also, so a formula that subtracts large
///    numbers should be brought into a form that only adds. Should it fall by a rounding error all
///    the same, a schedule stays correct to that error: no arrival is lost or doubled.
/// 3. `inverse(a)` is the smallest `t` with `demand(t) >= a`: 0 for `a <= 0`, infinity where the
///    demand never gets there. It may be off by rounding: the schedule settles the last nanosecond
///    by asking `demand`, and takes the longer the further off it was.
/// 4. `peak_rate()` is an upper bound of `rate(t)`.
/// 5. The answers depend on the arguments alone; none of them blocks or allocates. They are asked
///    for each request.
///
/// # Example
/// One arrival more per second with each second, at most as many as fit into an hour:
///
/// ```
/// use loadcore::{LoadTest, Profile};
///
/// struct Rising;
///
/// impl Profile for Rising {
///     fn rate(&self, seconds: f64) -> f64 {
///         seconds
///     }
///
///     fn demand(&self, seconds: f64) -> f64 {
///         seconds * seconds / 2.0
///     }
///
///     fn inverse(&self, arrivals: f64) -> f64 {
///         (2.0 * arrivals.max(0.0)).sqrt()
///     }
///
///     fn peak_rate(&self) -> f64 {
///         3_600.0
///     }
/// }
///
/// let test = LoadTest::call(async |_| Ok(200)).profile(Rising);
/// # drop(test);
/// ```
pub trait Profile: Send + Sync + 'static {
    /// Arrivals per second at `seconds`. Where the rate jumps: the rate after the jump.
    fn rate(&self, seconds: f64) -> f64;

    /// Λ(t): arrivals due in `[0, seconds]`, as a real number.
    fn demand(&self, seconds: f64) -> f64;

    /// Λ⁻¹(a): the first moment, in seconds, at which the demand is `arrivals`.
    fn inverse(&self, arrivals: f64) -> f64;

    /// A bound that the rate never exceeds, in arrivals per second.
    fn peak_rate(&self) -> f64;

    /// How long it lasts, in seconds, if it was made for a run of a certain length.
    fn length(&self) -> Option<f64> {
        None
    }
}

/// A pointer to a profile is that profile.
macro_rules! pointers_to_profiles {
    ($($pointer:ident),*) => {$(
        impl<P: Profile + ?Sized> Profile for $pointer<P> {
            #[inline]
            fn rate(&self, seconds: f64) -> f64 {
                (**self).rate(seconds)
            }

            #[inline]
            fn demand(&self, seconds: f64) -> f64 {
                (**self).demand(seconds)
            }

            #[inline]
            fn inverse(&self, arrivals: f64) -> f64 {
                (**self).inverse(arrivals)
            }

            fn peak_rate(&self) -> f64 {
                (**self).peak_rate()
            }

            fn length(&self) -> Option<f64> {
                (**self).length()
            }
        }
    )*};
}

pointers_to_profiles!(Arc, Box);

#[cfg(test)]
pub(crate) mod laws {
    //! What every profile has to pass, whatever its formula.

    use super::Profile;

    /// Holds `demand` against the midpoint sum of `rate` over `[0, until]`. `jump` is the sum of
    /// all jumps of the rate: each may fall anywhere in one step of the sum.
    pub(crate) fn demand_is_the_integral_of_the_rate(p: &impl Profile, until: f64, jump: f64) {
        const STEPS: u32 = 20_000;
        let step = until / f64::from(STEPS);
        let mut sum = 0.0;
        for i in 0..STEPS {
            let t = f64::from(i) * step;
            let rate = p.rate(t + step / 2.0);
            assert!(rate >= 0.0 && rate <= p.peak_rate() * (1.0 + 1e-12), "rate {rate} at {t}");
            sum += rate * step;
            let error = (p.demand(t + step) - sum).abs();
            // The midpoint rule is exact for lines; a curve's second derivative costs the rest.
            let allowed = jump * step + 1e-6 * p.peak_rate() * until + 1e-9;
            assert!(error <= allowed, "Λ({}) is off by {error}, allowed {allowed}", t + step);
        }
    }

    /// Holds `inverse` against `demand`, in both directions, and `demand` against falling.
    pub(crate) fn inverse_undoes_demand(p: &impl Profile, until: f64) {
        const STEPS: u32 = 2_000;
        assert_eq!(p.demand(0.0), 0.0);
        assert_eq!(p.inverse(0.0), 0.0);
        assert_eq!(p.inverse(-1.0), 0.0);
        let total = p.demand(until);
        let mut before = 0.0;
        for i in 1..=STEPS {
            let part = f64::from(i) / f64::from(STEPS);
            let demand = p.demand(until * part);
            assert!(demand >= before, "the demand falls from {before} to {demand}");
            before = demand;

            let wanted = total * part;
            let t = p.inverse(wanted);
            let error = (p.demand(t) - wanted).abs();
            assert!(error <= 1e-9 * (1.0 + total), "Λ(Λ⁻¹({wanted})) is off by {error}");
            // Smallest: a little earlier the demand is not there yet.
            let earlier = t - 1e-6 * until;
            assert!(earlier < 0.0 || p.demand(earlier) <= wanted, "{t} is not the first moment");
        }
    }

    /// The demand does not fall from one nanosecond to the next, around `seconds`.
    pub(crate) fn demand_never_falls_around(p: &impl Profile, seconds: f64) {
        let middle = (seconds * 1e9) as u64;
        let mut before = 0.0;
        for ns in middle.saturating_sub(2_000)..middle + 2_000 {
            let demand = p.demand(crate::time::seconds(ns));
            assert!(demand >= before, "the demand falls from {before} to {demand} at {ns} ns");
            before = demand;
        }
    }
}
