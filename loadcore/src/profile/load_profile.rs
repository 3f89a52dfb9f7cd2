//! Turns a load profile as somebody wrote it into a [`Profile`] that cannot be invalid.
//!
//! [`LoadProfile::new`] holds the numbers of a [`ProfileType`] against the run's duration, names
//! all that is wrong at once, and fills in what was left out.

use super::types::Curve;
use super::{Fault, MAX_DURATION_SECONDS, Profile, ProfileType, fault::number};

/// Everything that is wrong with a load profile. Paths are relative to it: `bursts[2].rps`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the load profile is invalid: {}", faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))]
pub struct ProfileError {
    /// The faults, at least one.
    pub faults: Vec<Fault>,
}

/// A load profile of the scenario document: valid, complete, and ready to be asked for demand.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadProfile {
    effective: ProfileType,
    duration_seconds: f64,
    curve: Curve,
}

impl LoadProfile {
    /// A profile for a run of `duration_seconds`.
    ///
    /// # Errors
    ///
    /// All faults at once: a rate outside 0 to [`MAX_RATE`], or 0 throughout; a time that is
    /// negative, not finite or past the duration; too long a list; a duration that is not above 0
    /// or is above [`MAX_DURATION_SECONDS`].
    pub fn new(profile: ProfileType, duration_seconds: f64) -> Result<Self, ProfileError> {
        if !(duration_seconds > 0.0 && duration_seconds <= MAX_DURATION_SECONDS) {
            let message = format!(
                "a duration of {} seconds: give one above 0, at most {MAX_DURATION_SECONDS}",
                number(duration_seconds)
            );
            return Err(ProfileError { faults: vec![Fault { path: String::new(), message }] });
        }
        let effective = profile.with_defaults(duration_seconds);
        let faults = effective.faults(duration_seconds);
        if !faults.is_empty() {
            return Err(ProfileError { faults: faults.into_vec() });
        }
        let curve = effective.curve();
        Ok(Self { effective, duration_seconds, curve })
    }

    /// The same rate for the whole run, however long.
    ///
    /// # Errors
    ///
    /// A rate that is not above 0 or is above [`MAX_RATE`].
    pub fn constant(rps: f64) -> Result<Self, ProfileError> {
        Self::new(ProfileType::Constant { initial_rps: rps }, MAX_DURATION_SECONDS)
    }

    /// The type and its numbers, with every default filled in.
    #[must_use]
    pub fn profile_type(&self) -> &ProfileType {
        &self.effective
    }

    /// The duration that it was made for, in seconds.
    #[must_use]
    pub fn duration_seconds(&self) -> f64 {
        self.duration_seconds
    }
}

impl Profile for LoadProfile {
    #[inline]
    fn rate(&self, seconds: f64) -> f64 {
        self.curve.rate(seconds)
    }

    #[inline]
    fn demand(&self, seconds: f64) -> f64 {
        self.curve.demand(seconds)
    }

    #[inline]
    fn inverse(&self, arrivals: f64) -> f64 {
        self.curve.inverse(arrivals)
    }

    fn peak_rate(&self) -> f64 {
        self.curve.peak_rate()
    }
}
