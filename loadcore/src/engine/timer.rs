//! Turns a moment into a wake-up that is late by microseconds, where a timer wheel's is by a
//! millisecond.
//!
//! Linux: a timerfd among the thread's other events. Elsewhere: the runtime's timer, whose grain is
//! a millisecond; schedule lag shows it, and the verdict says so.

use crate::time::{MILLISECOND, Nanos};

/// The longest time for which a thread may hear nothing.
pub(crate) const LONGEST_NAP: Nanos = MILLISECOND;

// Tests may stop the clock, and a timerfd would not know.
#[cfg(all(target_os = "linux", not(test)))]
pub(crate) use linux::Timer;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) use portable::Timer;

#[cfg(all(target_os = "linux", not(test)))]
mod linux {
    use super::{LONGEST_NAP, Nanos};
    use rustix::fd::OwnedFd;
    use rustix::thread::{ClockId, clock_nanosleep_relative, set_current_timer_slack};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::io;
    use std::num::NonZero;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// One timer, armed again for each wait.
    #[derive(Debug)]
    pub(crate) struct Timer {
        timer: AsyncFd<OwnedFd>,
    }

    impl Timer {
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for types that may swap their \
            descriptor; an OwnedFd cannot, so that this stays sound and free of unsafe"
        )]
        pub(crate) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // A timerfd is exact, a sleeping thread by default only to 50 us. This thread is the
            // engine's own. Where the system refuses that, naps are a little late.
            let _ = set_current_timer_slack(NonZero::new(1));
            Ok(Self { timer: AsyncFd::with_interest(timer, Interest::READABLE)? })
        }

        /// Waits for `nanos`. Dropped early, it may wake the next wait early: callers look at the
        /// clock anyway.
        pub(crate) async fn wait(&mut self, nanos: Nanos) -> io::Result<()> {
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value = Timespec {
                tv_sec: i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX),
                // Zero would disarm it.
                tv_nsec: ((nanos % 1_000_000_000) as i64).max(1),
            };
            let once = Itimerspec { it_interval: zero, it_value: value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
            // Arming sets the expiration count to zero, so it need not be read: the next expiry is
            // an edge of its own.
            self.timer.readable().await?.clear_ready();
            Ok(())
        }

        /// Holds the whole thread for `nanos`, at most [`LONGEST_NAP`]: whatever else it waits for is
        /// not heard meanwhile. Answers whether it did.
        pub(crate) fn nap(&mut self, nanos: Nanos) -> bool {
            let time = Timespec { tv_sec: 0, tv_nsec: nanos.min(LONGEST_NAP) as i64 };
            // Woken early by a signal: callers look at the clock anyway.
            let _ = clock_nanosleep_relative(ClockId::Monotonic, &time);
            true
        }
    }
}

#[cfg(any(not(target_os = "linux"), test))]
mod portable {
    use super::Nanos;
    use crate::time::{now, sleep_until};
    use std::io;
    use std::time::Duration;

    /// One timer.
    #[derive(Debug)]
    pub(crate) struct Timer;

    impl Timer {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn wait(&mut self, nanos: Nanos) -> io::Result<()> {
            sleep_until(now() + Duration::from_nanos(nanos)).await;
            Ok(())
        }

        #[cfg(not(test))]
        pub(crate) fn nap(&mut self, _nanos: Nanos) -> bool {
            false
        }

        /// Under a clock that a test drives the thread can be held.
        #[cfg(test)]
        pub(crate) fn nap(&mut self, nanos: Nanos) -> bool {
            crate::time::driven::hold(nanos.min(super::LONGEST_NAP))
        }
    }
}
