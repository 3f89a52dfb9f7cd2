//! Turns a deadline in nanoseconds into a wake-up that is precise to tens of microseconds.
//!
//! The runtime's own timers have a grain of 1 ms, which would show up as latency that nobody asked
//! for. Here each thread keeps its deadlines in one ordered queue, and one timerfd is armed for the
//! earliest. Deadlines are absolute, so a late wake-up delays nothing but itself. A busy thread also
//! looks at the queue between two reads, because it may not come to its timerfd for a while.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::time::{Clock, NEVER, Nanos};

/// The deadlines of one thread. Must be made and driven inside that thread's runtime.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    queue: Mutex<Queue>,
    /// The earliest deadline, so that a busy connection can see without a lock that nothing is due.
    next: AtomicU64,
    alarm: Alarm,
}

#[derive(Debug, Default)]
struct Queue {
    /// By deadline, and among equal ones by the order in which they came: so whoever has waited
    /// longest is served first.
    waiting: BTreeMap<(Nanos, u64), Waker>,
    count: u64,
}

impl Timer {
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        let alarm = Alarm::new()?;
        Ok(Self { clock, queue: Mutex::default(), next: AtomicU64::new(NEVER), alarm })
    }

    /// Wakes the requests that are due, for ever. One task of each thread runs this.
    pub(crate) async fn drive(&self) {
        loop {
            self.wake_due(self.clock.now());
            self.alarm.wait().await;
        }
    }

    /// Wakes the requests that are due now. Costs one load where none is.
    #[inline]
    pub(crate) fn wake_due(&self, now: Nanos) {
        if self.next.load(Ordering::Relaxed) <= now {
            self.wake_due_slowly(now);
        }
    }

    fn wake_due_slowly(&self, now: Nanos) {
        loop {
            let mut queue = self.lock();
            match queue.waiting.first_entry() {
                Some(entry) if entry.key().0 <= now => {
                    let waker = entry.remove();
                    // A waker may run code of others: never under the lock.
                    drop(queue);
                    waker.wake();
                }
                Some(entry) => {
                    let next = entry.key().0;
                    self.next.store(next, Ordering::Relaxed);
                    return self.alarm.arm(next - now);
                }
                None => return self.next.store(NEVER, Ordering::Relaxed),
            }
        }
    }

    fn insert(&self, deadline: Nanos, now: Nanos, waker: Waker) -> (Nanos, u64) {
        let mut queue = self.lock();
        queue.count += 1;
        let key = (deadline, queue.count);
        queue.waiting.insert(key, waker);
        if deadline < self.next.load(Ordering::Relaxed) {
            self.next.store(deadline, Ordering::Relaxed);
            self.alarm.arm(deadline - now);
        }
        key
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One task's place in the queue of its thread's timer. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Sleep<'a> {
    timer: &'a Timer,
    key: Option<(Nanos, u64)>,
}

impl<'a> Sleep<'a> {
    pub(crate) fn new(timer: &'a Timer) -> Self {
        Self { timer, key: None }
    }

    /// Ready once the clock shows `deadline`; that is [`NEVER`] for ever.
    pub(crate) fn poll_until(&mut self, deadline: Nanos, context: &mut Context<'_>) -> Poll<()> {
        if deadline == NEVER {
            return Poll::Pending;
        }
        let now = self.timer.clock.now();
        if deadline <= now {
            self.cancel();
            return Poll::Ready(());
        }
        if let Some(key) = self.key {
            let mut queue = self.timer.lock();
            match queue.waiting.get_mut(&key) {
                Some(waker) if key.0 == deadline => {
                    waker.clone_from(context.waker());
                    return Poll::Pending;
                }
                _ => queue.waiting.remove(&key),
            };
        }
        self.key = Some(self.timer.insert(deadline, now, context.waker().clone()));
        Poll::Pending
    }

    /// Returns once the clock shows `deadline`.
    pub(crate) fn until(&mut self, deadline: Nanos) -> impl Future<Output = ()> + Send {
        std::future::poll_fn(move |context| self.poll_until(deadline, context))
    }

    fn cancel(&mut self) {
        if let Some(key) = self.key.take() {
            self.timer.lock().waiting.remove(&key);
        }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(target_os = "linux")]
use linux::Alarm;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    use crate::time::{Nanos, SECOND};

    /// One timerfd: the kernel's high-resolution timer, without the slack that a sleep is given.
    #[derive(Debug)]
    pub(super) struct Alarm {
        fd: AsyncFd<OwnedFd>,
    }

    impl Alarm {
        #[expect(
            deprecated,
            reason = "unsound for types that lie about their descriptor, which an OwnedFd does not; \
                      the successor is unsafe"
        )]
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Self { fd: AsyncFd::with_interest(fd, tokio::io::Interest::READABLE)? })
        }

        /// Rings in `delay`, and no more for what it was armed for before.
        pub(super) fn arm(&self, delay: Nanos) {
            // A value of 0 would disarm.
            let delay = delay.max(1);
            let value =
                Timespec { tv_sec: (delay / SECOND) as i64, tv_nsec: (delay % SECOND) as i64 };
            let once = Timespec { tv_sec: 0, tv_nsec: 0 };
            let spec = Itimerspec { it_interval: once, it_value: value };
            let armed = timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &spec);
            debug_assert!(armed.is_ok(), "a valid time on an open timerfd: {armed:?}");
        }

        pub(super) async fn wait(&self) {
            // The runtime is shutting down where this fails, and this task is about to be dropped.
            let Ok(mut ready) = self.fd.readable().await else {
                return std::future::pending().await;
            };
            let mut expirations = [0; 8];
            // Having been armed anew in the meantime it may hold nothing to read.
            let _ = rustix::io::read(self.fd.get_ref(), &mut expirations);
            ready.clear_ready();
        }
    }
}

#[cfg(not(target_os = "linux"))]
use portable::Alarm;

// Tested on Linux as well, where nothing else uses it.
#[cfg(any(test, not(target_os = "linux")))]
mod portable {
    use std::io;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use tokio::sync::Notify;

    use crate::time::Nanos;

    /// The runtime's timer, to its grain of 1 ms.
    #[derive(Debug)]
    pub(super) struct Alarm {
        at: Mutex<Option<tokio::time::Instant>>,
        changed: Notify,
    }

    impl Alarm {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self { at: Mutex::new(None), changed: Notify::new() })
        }

        pub(super) fn arm(&self, delay: Nanos) {
            let at = tokio::time::Instant::now() + Duration::from_nanos(delay);
            *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
            self.changed.notify_one();
        }

        pub(super) async fn wait(&self) {
            loop {
                let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(at) = at else {
                    self.changed.notified().await;
                    continue;
                };
                if tokio::time::timeout_at(at, self.changed.notified()).await.is_err() {
                    *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::time::MILLISECOND;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn sleepers_wake_in_the_order_of_their_deadlines_and_never_early() {
        runtime().block_on(async {
            let clock = Clock::start();
            let timer = Arc::new(Timer::new(clock).unwrap());
            let driver = tokio::spawn({
                let timer = Arc::clone(&timer);
                async move { timer.drive().await }
            });
            let woken = Arc::new(Mutex::new(Vec::new()));
            let start = clock.now();
            let tasks: Vec<_> = [7, 3, 5, 3, 1, 9]
                .into_iter()
                .enumerate()
                .map(|(i, millis)| {
                    let (timer, woken) = (Arc::clone(&timer), Arc::clone(&woken));
                    let deadline = start + millis * MILLISECOND;
                    tokio::spawn(async move {
                        Sleep::new(&timer).until(deadline).await;
                        assert!(clock.now() >= deadline);
                        woken.lock().unwrap().push((millis, i));
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            let woken = woken.lock().unwrap().clone();
            assert_eq!(woken, [(1, 4), (3, 1), (3, 3), (5, 2), (7, 0), (9, 5)]);
            assert!(timer.lock().waiting.is_empty());
            driver.abort();
        });
    }

    #[test]
    fn the_portable_alarm_rings_at_the_latest_word() {
        runtime().block_on(async {
            let clock = Clock::start();
            let alarm = portable::Alarm::new().unwrap();
            alarm.arm(3600 * crate::time::SECOND);
            let ring = async {
                alarm.wait().await;
                clock.now()
            };
            let sooner = async {
                tokio::task::yield_now().await;
                alarm.arm(20 * MILLISECOND);
                clock.now() + 20 * MILLISECOND
            };
            let (rang, due) = tokio::join!(ring, sooner);
            assert!(rang + MILLISECOND >= due, "{rang} {due}");
        });
    }

    #[test]
    fn a_sleeper_that_gives_up_leaves_nothing_behind() {
        runtime().block_on(async {
            let clock = Clock::start();
            let timer = Timer::new(clock).unwrap();
            let mut sleep = Sleep::new(&timer);
            let mut context = Context::from_waker(Waker::noop());
            let far = clock.now() + 3600 * crate::time::SECOND;
            assert!(sleep.poll_until(far, &mut context).is_pending());
            assert!(sleep.poll_until(far, &mut context).is_pending());
            assert_eq!(timer.lock().waiting.len(), 1);
            assert!(sleep.poll_until(far + 1, &mut context).is_pending());
            assert_eq!(timer.lock().waiting.len(), 1, "the place moves, it is not doubled");
            assert!(sleep.poll_until(NEVER, &mut context).is_pending());
            assert!(sleep.poll_until(0, &mut context).is_ready());
            assert_eq!(timer.lock().waiting.len(), 0);
            assert!(sleep.poll_until(far, &mut context).is_pending());
            drop(sleep);
            assert_eq!(timer.lock().waiting.len(), 0);
        });
    }
}
