//! Reads clocks: the only module that does. Everything else is handed `Nanos`.
//!
//! A run counts nanoseconds from its own start on the monotonic clock. Intended starts, actual
//! starts and ends are all on that one axis, so their differences need no conversion and a step of
//! the wall clock cannot reach a latency.

#[cfg(test)]
pub(crate) mod driven;

use std::cell::Cell;
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
    pub fn starting_in(delay: Duration) -> Self {
        Self { zero: monotonic() + delay }
    }

    /// A clock that shows 0 at an instant, past or future.
    #[must_use]
    pub fn starting_at(zero: Instant) -> Self {
        Self { zero }
    }

    /// Nanoseconds since the clock's zero; 0 before it.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Nanos {
        monotonic().saturating_duration_since(self.zero).as_nanos() as Nanos
    }

    /// Nanoseconds until the clock begins to count; 0 once it does.
    #[must_use]
    pub fn until_zero(&self) -> Nanos {
        self.zero.saturating_duration_since(monotonic()).as_nanos() as Nanos
    }

    /// The moment `at` of this clock as an `Instant`, for timers.
    #[must_use]
    pub fn instant(&self, at: Nanos) -> Instant {
        self.zero + Duration::from_nanos(at)
    }
}

/// The monotonic clock. This crate's tests may stop it, as tokio's.
#[inline]
#[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "clocks are read here"))]
fn monotonic() -> Instant {
    #[cfg(not(test))]
    return Instant::now();
    #[cfg(test)]
    now()
}

/// The present instant of the monotonic clock, or of tokio's where a test has stopped that, or of the
/// one that a test drives.
#[must_use]
pub fn now() -> Instant {
    #[cfg(test)]
    if let Some(now) = driven::now() {
        return now;
    }
    tokio::time::Instant::now().into_std()
}

/// Waits until `at`.
pub(crate) async fn sleep_until(at: Instant) {
    #[cfg(test)]
    if driven::now().is_some() {
        return driven::sleep_until(at).await;
    }
    tokio::time::sleep_until(at.into()).await;
}

/// Nanoseconds of a clock that also counts while the machine is suspended, from a zero of its own.
///
/// A lease is over when its time has passed in the world, whether this machine slept or not.
#[inline]
#[must_use]
pub fn awake_and_asleep() -> Nanos {
    #[cfg(test)]
    return tests::since_anchor();
    #[cfg(not(test))]
    {
        #[cfg(target_os = "linux")]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let id = rustix::time::ClockId::Monotonic;
        let time = rustix::time::clock_gettime(id);
        time.tv_sec as Nanos * SECOND + time.tv_nsec as Nanos
    }
}

/// Moments of the wall clock into moments of a run's clock: the kernel stamps what comes from the
/// network with the wall clock.
///
/// Both clocks are slewed alike, so their distance changes only when the wall clock is set. For a
/// while after that stamps may be from before it, and none of them is translated.
#[derive(Debug, Default)]
pub struct Stamps {
    /// How far the wall clock was ahead when it was last looked at.
    ahead: Cell<Option<i64>>,
    /// Until then, on the run's clock, a stamp may be from before the wall clock was set.
    doubtful_until: Cell<Nanos>,
}

impl Stamps {
    /// Greatest change of the distance that is no step: the two clocks are read one after the other.
    const TOLERANCE: u64 = 10 * MICROSECOND;
    /// The greatest age of a stamp that is read for the first time.
    const DOUBT: Nanos = SECOND;

    /// When on the run's `clock` the wall clock showed `stamp` nanoseconds since 1970. `None`: nobody
    /// can tell, since the wall clock has been set of late; or that was before the run.
    #[inline]
    pub fn on_run_clock(&self, stamp: Nanos, clock: &Clock) -> Option<Nanos> {
        self.at(stamp, || (clock.now(), unix_nanos()))
    }

    #[inline]
    fn at(&self, stamp: Nanos, read: impl Fn() -> (Nanos, Nanos)) -> Option<Nanos> {
        let (now, wall) = read();
        let ahead = wall.cast_signed() - now.cast_signed();
        if self.ahead.get().is_some_and(|known| near(known, ahead)) {
            return self.translate(stamp, now, wall);
        }
        self.look_again(stamp, ahead, read())
    }

    /// An interrupt between the two readings looks like a step, but does not come twice.
    #[cold]
    fn look_again(&self, stamp: Nanos, before: i64, (now, wall): (Nanos, Nanos)) -> Option<Nanos> {
        let ahead = wall.cast_signed() - now.cast_signed();
        let known = self.ahead.get();
        if !near(known.unwrap_or(before), ahead) {
            self.doubtful_until.set(now.saturating_add(Self::DOUBT));
        }
        if !known.is_some_and(|known| near(known, ahead)) {
            self.ahead.set(Some(ahead));
        }
        self.translate(stamp, now, wall)
    }

    #[inline]
    fn translate(&self, stamp: Nanos, now: Nanos, wall: Nanos) -> Option<Nanos> {
        if now < self.doubtful_until.get() {
            return None;
        }
        now.checked_sub(wall.checked_sub(stamp)?)
    }
}

fn near(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= Stamps::TOLERANCE
}

/// Nanoseconds since 1970, of the wall clock.
#[inline]
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this module is where clocks are read")]
pub fn unix_nanos() -> Nanos {
    #[cfg(test)]
    if let Some(wall) = driven::wall() {
        return wall;
    }
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, nanos)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::OnceLock;

    const DAY: Nanos = 86_400 * SECOND;

    #[test]
    fn a_stamp_is_as_old_on_the_runs_clock_as_on_the_wall() {
        let stamps = Stamps::default();
        let at = |stamp, now, wall| stamps.at(stamp, || (now, wall));
        assert_eq!(at(DAY, 1_000, DAY + 5), Some(995));
        assert_eq!(at(DAY + 50, 1_100, DAY + 105), Some(1_045));
        // The two clocks are not read at the same instant.
        assert_eq!(at(DAY + 50, 1_200, DAY + 205 + 900), Some(1_200 - 1_055));
        // Older than the run: not of this run.
        assert_eq!(at(DAY - SECOND, 1_700, DAY + 705), None);
        // Something else had the processor between the two readings, the first time.
        let interrupted = Cell::new(true);
        let read = || (1_800, DAY + 805 + if interrupted.take() { MILLISECOND } else { 0 });
        assert_eq!(stamps.at(DAY + 755, read), Some(1_750));
    }

    #[test]
    fn after_the_wall_clock_was_set_no_stamp_is_translated_for_a_while() {
        for step in [SECOND.cast_signed(), -SECOND.cast_signed()] {
            let stamps = Stamps::default();
            let set = |at: Nanos| (10 * DAY + at).saturating_add_signed(step);
            let at = |stamp, now: Nanos, wall| stamps.at(stamp, || (now, wall));
            assert_eq!(at(10 * DAY + 900, 1_000, 10 * DAY + 1_000), Some(900));
            // All that were stamped before the step, however many are read after it.
            for now in 1_100..1_200 {
                assert_eq!(at(10 * DAY + 1_050, now, set(now)), None);
            }
            let later = 1_100 + Stamps::DOUBT;
            assert_eq!(at(set(later - 50), later, set(later)), Some(later - 50));
        }
    }

    /// In tests the clock that counts suspensions goes with the one that tests may stop.
    pub(super) fn since_anchor() -> Nanos {
        static ANCHOR: OnceLock<Instant> = OnceLock::new();
        // Far from zero: a test whose clock was stopped before another's began is behind it.
        let anchor = *ANCHOR.get_or_init(now) + Duration::from_secs(1);
        let far = 3_600 * SECOND;
        match now().checked_duration_since(anchor) {
            Some(after) => far + nanos(after),
            None => far - nanos(anchor.saturating_duration_since(now())),
        }
    }
}
