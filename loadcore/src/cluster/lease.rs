//! Turns how long a worker may be silent into how often it speaks, and how long it may send.
//!
//! One length decides both sides: the controller gives a worker's parts to others when it has heard
//! nothing for the lease, and the worker sends nothing more a margin before. So both must mean the
//! same one: the controller writes it into the run's journal when it admits a worker.

use std::time::Duration;

/// A worker's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease(Duration);

impl Lease {
    /// The shortest: below it a moment of a busy machine or a slow network looks like a loss.
    pub const LEAST: Duration = Duration::from_secs(2);
    /// The longest.
    pub const MOST: Duration = Duration::from_secs(60);
    /// From one beat to the next, and the margin, at most.
    const BEAT: Duration = Duration::from_secs(1);

    /// A lease of this length.
    ///
    /// # Errors
    /// When it is shorter than [`Lease::LEAST`] or longer than [`Lease::MOST`].
    pub fn new(length: Duration) -> Result<Self, String> {
        if (Self::LEAST..=Self::MOST).contains(&length) {
            return Ok(Self(length));
        }
        let (least, most) = (Self::LEAST.as_secs(), Self::MOST.as_secs());
        Err(format!("{} s is no lease; give {least}s to {most}s", length.as_secs_f64()))
    }

    /// One that was written down, in milliseconds; what is out of range counts as the nearest.
    pub(crate) fn of_ms(ms: u64) -> Self {
        Self(Duration::from_millis(ms).clamp(Self::LEAST, Self::MOST))
    }

    pub(crate) fn ms(self) -> u64 {
        self.0.as_millis() as u64
    }

    /// How long the controller waits for a beat before it gives the worker's parts to others.
    #[must_use]
    pub fn length(self) -> Duration {
        self.0
    }

    /// From one beat to the next: five of them fit into a lease.
    #[must_use]
    pub fn beat(self) -> Duration {
        (self.0 / 5).min(Self::BEAT)
    }

    /// How long a confirmed beat lets the worker send, from when it was sent: less than the lease by
    /// a margin for clocks that do not run alike.
    #[must_use]
    pub fn sends(self) -> Duration {
        self.0 - self.beat()
    }
}

impl Default for Lease {
    fn default() -> Self {
        Self(Duration::from_secs(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_one_speaks_more_often_and_sends_less_long() {
        let of = |ms| {
            let lease = Lease::new(Duration::from_millis(ms)).unwrap();
            assert_eq!(Lease::of_ms(lease.ms()), lease);
            (lease.beat().as_millis(), lease.sends().as_millis())
        };
        assert_eq!(of(2_000), (400, 1_600));
        assert_eq!(of(5_000), (1_000, 4_000));
        assert_eq!(of(60_000), (1_000, 59_000));
        assert_eq!(Lease::default().ms(), 5_000);
    }

    #[test]
    fn what_is_too_short_or_too_long_is_refused_with_its_limits() {
        for ms in [0, 1_999, 60_001] {
            let error = Lease::new(Duration::from_millis(ms)).unwrap_err();
            assert!(error.contains("2s to 60s"), "{error}");
        }
    }
}
