//! Reads clocks: the only module that does. Everything else is handed `Nanos`.
//!
//! A run counts nanoseconds from its own start on the monotonic clock. Intended starts, actual
//! starts and ends are all on that one axis, so their differences need no conversion and a step of
//! the wall clock cannot reach a latency.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds, since the start of a run or as a difference. `u64` holds 584 years.
pub type Nanos = u64;

/// Nanoseconds in a second.
pub const SECOND: Nanos = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: Nanos = 1_000_000;
/// Nanoseconds in a microsecond.
pub const MICROSECOND: Nanos = 1_000;

/// A monotonic clock whose zero is an instant of our choice.
///
/// The zero may lie in the future (a run starts a little after its threads do): until then `now`
/// answers 0.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    zero: Instant,
}

impl Clock {
    /// A clock that shows 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self::starting_in(Duration::ZERO)
    }

    /// A clock that will begin to count after `delay`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is where clocks are read")]
    pub fn starting_in(delay: Duration) -> Self {
        Self { zero: Instant::now() + delay }
    }

    /// Nanoseconds since the clock's zero; 0 before it.
    #[inline]
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is where clocks are read")]
    pub fn now(&self) -> Nanos {
        Instant::now().saturating_duration_since(self.zero).as_nanos() as Nanos
    }

    /// Nanoseconds until the clock begins to count; 0 once it does.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is where clocks are read")]
    pub fn until_zero(&self) -> Nanos {
        self.zero.saturating_duration_since(Instant::now()).as_nanos() as Nanos
    }

    /// The moment `at` of this clock as an `Instant`, for timers.
    #[must_use]
    pub fn instant(&self, at: Nanos) -> Instant {
        self.zero + Duration::from_nanos(at)
    }
}

/// Milliseconds since 1970, of the wall clock: for showing when a run began, never for a latency.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this module is where clocks are read")]
pub fn unix_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
}

/// Nanoseconds of a duration, at most `u64::MAX`.
#[must_use]
pub fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Seconds as `f64`, for formulas and for people.
#[inline]
#[must_use]
pub fn seconds(nanos: Nanos) -> f64 {
    nanos as f64 / SECOND as f64
}

/// Microseconds since 1970 of a clock that is set once and then only runs on: a step of the wall
/// clock does not reach it. Where a test stops tokio's clock, it stands too.
#[derive(Debug, Clone, Copy)]
pub struct SteadyClock {
    set_at: tokio::time::Instant,
    set_to_us: u64,
}

impl SteadyClock {
    /// A clock that shows `us` now.
    #[must_use]
    pub fn set_to(us: u64) -> Self {
        Self { set_at: tokio::time::Instant::now(), set_to_us: us }
    }

    /// A clock that shows now what the wall clock does, to the millisecond.
    #[must_use]
    pub fn set_to_wall_clock() -> Self {
        Self::set_to(unix_millis() * 1_000)
    }

    /// What it shows.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.set_to_us + nanos(self.set_at.elapsed()) / MICROSECOND
    }
}
