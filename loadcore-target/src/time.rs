//! Reads the clock: the only module that does. Everything else is handed nanoseconds.
//!
//! A target counts from its own start on the monotonic clock, so that arrivals, delays, stalls and
//! lateness are all on one axis.

use std::time::{Duration, Instant};

/// Nanoseconds, since the start of a target or as a difference.
pub(crate) type Nanos = u64;

pub(crate) const MICROSECOND: Nanos = 1_000;
pub(crate) const MILLISECOND: Nanos = 1_000_000;
pub(crate) const SECOND: Nanos = 1_000_000_000;

/// A moment that never comes: the deadline of what must not be answered.
pub(crate) const NEVER: Nanos = Nanos::MAX;

/// A monotonic clock that showed 0 when the target was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    zero: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this module is where the clock is read")]
    pub(crate) fn start() -> Self {
        Self { zero: Instant::now() }
    }

    /// The instant at which this clock showed 0.
    pub(crate) fn zero(&self) -> Instant {
        self.zero
    }

    #[inline]
    #[expect(clippy::disallowed_methods, reason = "this module is where the clock is read")]
    pub(crate) fn now(&self) -> Nanos {
        Instant::now().saturating_duration_since(self.zero).as_nanos() as Nanos
    }
}

/// Nanoseconds of a duration, at most `u64::MAX`.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
