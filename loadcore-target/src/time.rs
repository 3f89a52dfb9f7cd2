//! Reads the clock: the only module that does. Everything else is handed nanoseconds.
//!
//! A target counts from its own start on the monotonic clock, so that arrivals, delays, stalls and
//! lateness are all on one axis.

use rustix::time::{ClockId, clock_gettime};
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
    /// What `CLOCK_MONOTONIC` showed then.
    monotonic_zero: Nanos,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this module is where the clock is read")]
    pub(crate) fn start() -> Self {
        let zero = Instant::now();
        // An instant is of the same clock, but does not tell its number. Whoever is interrupted
        // between the readings tries again.
        let read = || {
            let before = zero.elapsed();
            let time = clock_gettime(ClockId::Monotonic);
            let shown = time.tv_sec as Nanos * SECOND + time.tv_nsec as Nanos;
            (zero.elapsed() - before, shown - nanos(before))
        };
        let readings = std::array::from_fn::<_, 8, _>(|_| read());
        let (_, monotonic_zero) = readings.into_iter().min().unwrap_or_default();
        Self { zero, monotonic_zero }
    }

    /// What the machine's `CLOCK_MONOTONIC` shows when this clock shows `at`.
    pub(crate) fn monotonic(&self, at: Nanos) -> Nanos {
        self.monotonic_zero + at
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
