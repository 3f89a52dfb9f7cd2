//! Turns a planned profile into one whose future can be replaced while it runs.
//!
//! What is past was sent already, so the demand up to a change never moves, bit for bit; from there
//! on the plan is replaced by a straight line to the new rate, which then holds.

use super::{Line, MAX_RATE, Piecewise, Profile};

/// The most changes of rate in one run: each stays in memory, for the past is never forgotten.
pub const MAX_CHANGES: u32 = 10_000;

/// Why a change of rate was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The new rate is out of range.
    #[error("a target rate of {0} requests per second is out of range: give 0 to {MAX_RATE}")]
    Rate(f64),
    /// The moment or the length of the change is negative or not finite.
    #[error(
        "a change of rate at {at_seconds} s over {over_seconds} s: give finite seconds, 0 or more"
    )]
    Time {
        /// When the change was to begin.
        at_seconds: f64,
        /// How long it was to take.
        over_seconds: f64,
    },
    /// There were as many changes as a run may have.
    #[error("the rate of this run was changed {MAX_CHANGES} times already, which is the limit")]
    TooMany,
}

/// A profile that can be changed while it runs.
#[derive(Debug, Clone)]
pub struct LiveProfile<P> {
    planned: P,
    /// What replaces the plan from the first change on.
    changed: Option<Piecewise>,
    last_change: f64,
    changes: u32,
}

impl<P: Profile> LiveProfile<P> {
    /// The planned profile, not changed yet.
    #[must_use]
    pub fn new(planned: P) -> Self {
        Self { planned, changed: None, last_change: 0.0, changes: 0 }
    }

    /// Replaces all that comes after `at_seconds` by a line from the rate there to `target_rps`,
    /// `over_seconds` long (0: at once), after which that rate holds.
    ///
    /// A change before the last one takes effect where that one did: the past stays.
    ///
    /// # Errors
    ///
    /// A rate outside 0 to [`MAX_RATE`], a time that is negative or not finite, or more than
    /// [`MAX_CHANGES`] changes; the profile is then as it was.
    pub fn change_rate(
        &mut self,
        at_seconds: f64,
        target_rps: f64,
        over_seconds: f64,
    ) -> Result<(), ChangeError> {
        if !(0.0..=MAX_RATE).contains(&target_rps) {
            return Err(ChangeError::Rate(target_rps));
        }
        let end = at_seconds + over_seconds;
        if !(at_seconds >= 0.0 && over_seconds >= 0.0 && end.is_finite()) {
            return Err(ChangeError::Time { at_seconds, over_seconds });
        }
        if self.changes == MAX_CHANGES {
            return Err(ChangeError::TooMany);
        }
        let at = at_seconds.max(self.last_change);
        let (from, demand) = (self.rate(at), self.demand(at));
        let changed = self.changed.get_or_insert_with(|| Piecewise::starting(at, demand, from));
        changed.cut(at);
        changed.push(Line { until: at + over_seconds, from, to: target_rps });
        self.last_change = at;
        self.changes += 1;
        Ok(())
    }

    /// The part that holds at `seconds`, where that is not the plan.
    #[inline]
    fn changed_by(&self, seconds: f64) -> Option<&Piecewise> {
        self.changed.as_ref().filter(|changed| seconds >= changed.origin().0)
    }
}

impl<P: Profile> Profile for LiveProfile<P> {
    #[inline]
    fn rate(&self, seconds: f64) -> f64 {
        match self.changed_by(seconds) {
            Some(changed) => changed.rate(seconds),
            None => self.planned.rate(seconds),
        }
    }

    #[inline]
    fn demand(&self, seconds: f64) -> f64 {
        match self.changed_by(seconds) {
            Some(changed) => changed.demand(seconds),
            None => self.planned.demand(seconds),
        }
    }

    #[inline]
    fn inverse(&self, arrivals: f64) -> f64 {
        let Some(changed) = &self.changed else { return self.planned.inverse(arrivals) };
        let (start, demand) = changed.origin();
        if arrivals <= demand {
            self.planned.inverse(arrivals).min(start)
        } else {
            changed.inverse(arrivals)
        }
    }

    fn peak_rate(&self) -> f64 {
        let changed = self.changed.as_ref().map_or(0.0, Profile::peak_rate);
        self.planned.peak_rate().max(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sine, laws};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_a_line_from_the_present_rate_and_then_constant() {
        let mut live = LiveProfile::new(Piecewise::constant(100.0));
        live.change_rate(10.0, 300.0, 4.0).unwrap();
        assert_eq!(live.rate(9.9), 100.0);
        assert_eq!(live.rate(12.0), 200.0);
        assert_eq!(live.rate(99.0), 300.0);
        assert_eq!(live.demand(14.0), 1_000.0 + 4.0 * 200.0);
        assert_eq!(live.inverse(1_800.0), 14.0);
        // In the middle of that line, at once, and down to nothing.
        live.change_rate(12.0, 0.0, 0.0).unwrap();
        assert_eq!(live.rate(12.0), 0.0);
        assert_eq!(live.demand(99.0), 1_000.0 + 2.0 * 150.0);
        assert_eq!(live.inverse(1_300.1), f64::INFINITY);
        assert_eq!(live.peak_rate(), 300.0);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let mut live = LiveProfile::new(Piecewise::constant(100.0));
        assert_eq!(
            live.change_rate(1.0, -5.0, 0.0).unwrap_err().to_string(),
            "a target rate of -5 requests per second is out of range: give 0 to 1000000000"
        );
        assert!(matches!(live.change_rate(1.0, f64::NAN, 0.0), Err(ChangeError::Rate(_))));
        assert!(matches!(live.change_rate(f64::NAN, 1.0, 0.0), Err(ChangeError::Time { .. })));
        assert!(matches!(live.change_rate(1.0, 1.0, -1.0), Err(ChangeError::Time { .. })));
        for i in 0..MAX_CHANGES {
            live.change_rate(f64::from(i), 10.0, 0.5).unwrap();
        }
        assert_eq!(live.change_rate(1e6, 10.0, 0.5), Err(ChangeError::TooMany));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_past_stays_and_the_demand_has_no_gap(
            changes in prop::collection::vec((0.0..10.0f64, 0.0..2_000.0f64, 0.0..8.0f64), 1..8),
        ) {
            let mut live = LiveProfile::new(Sine::new(500.0, 700.0, 9.0));
            let mut at = 0.0;
            for (after, target, over) in changes {
                at += after;
                let before = live.clone();
                live.change_rate(at, target, over).unwrap();
                for i in 0..200 {
                    let t = at * f64::from(i) / 200.0;
                    prop_assert_eq!(live.demand(t).to_bits(), before.demand(t).to_bits());
                }
                prop_assert_eq!(live.demand(at), before.demand(at));
                prop_assert!((live.rate(at + over) - target).abs() < 1e-6);
                laws::demand_never_falls_around(&live, at);
                laws::demand_never_falls_around(&live, at + over);
            }
            let jumps = 10.0 * 2_000.0;
            laws::demand_is_the_integral_of_the_rate(&live, at + 10.0, jumps);
            laws::inverse_undoes_demand(&live, at + 10.0);
        }
    }
}
