//! Turns a test's will into time: a clock that stands still while anybody has something to do.
//!
//! When all wait it jumps to the next moment that somebody waits for, to the nanosecond (tokio's own
//! stopped clock goes in steps of a millisecond). So what happens when follows from the code under
//! test alone: a run is the same each time, on any machine. A test may also say when the machine
//! stands still: nobody runs in such a gap, and nobody is told of it.

use super::{Duration, Instant, Nanos, SECOND, nanos};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// What the wall clock shows when the driven one shows 0.
const WALL: Nanos = 1_800_000_000 * SECOND;

thread_local! {
    static CLOCK: RefCell<Option<Driven>> = const { RefCell::new(None) };
}

struct Driven {
    zero: Instant,
    now: Nanos,
    gaps: Vec<Range<Nanos>>,
    waiting: BTreeMap<(Nanos, u64), Waker>,
    /// How many have waited: each has a number of its own.
    waits: u64,
}

/// Runs `work` to its end with a clock that shows 0 at first and does not move in `gaps`.
///
/// # Panics
/// When nobody has anything to do and nobody waits for a moment.
pub(crate) fn run<F: Future>(gaps: Vec<Range<Nanos>>, work: F) -> F::Output {
    let zero = super::now();
    let driven = Driven { zero, now: 0, gaps, waiting: BTreeMap::new(), waits: 0 };
    assert!(CLOCK.replace(Some(driven)).is_none(), "one clock at a time");
    let _installed = Installed;
    let news = Arc::new(News(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&news));
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut context) {
            return output;
        }
        while !news.0.swap(false, Ordering::Relaxed) {
            let next = with(|clock| clock.waiting.keys().next().map(|(at, _)| *at)).flatten();
            advance(next.expect("somebody waits for a moment, or it would never end"));
        }
    }
}

/// The present instant, where a test drives the clock.
pub(crate) fn now() -> Option<Instant> {
    with(|clock| clock.zero + Duration::from_nanos(clock.now))
}

/// Nanoseconds since the clock's zero.
pub(crate) fn elapsed() -> Nanos {
    with(|clock| clock.now).expect("a test drives the clock")
}

/// What the wall clock shows, where a test drives the clock.
pub(crate) fn wall() -> Option<Nanos> {
    with(|clock| wall_at(clock.now))
}

/// What the wall clock shows `at` nanoseconds after the clock's zero.
pub(crate) fn wall_at(at: Nanos) -> Nanos {
    WALL + at
}

/// Holds the thread for `nanos`: time goes on, and nobody else runs. Answers whether it could.
pub(crate) fn hold(nanos: Nanos) -> bool {
    let until = with(|clock| clock.now + nanos);
    until.map(advance).is_some()
}

pub(crate) async fn sleep_until(at: Instant) {
    let zero = with(|clock| clock.zero).expect("a test drives the clock");
    wait_until(nanos(at.saturating_duration_since(zero))).await;
}

/// Waits until `at` nanoseconds after the clock's zero.
pub(crate) async fn wait_until(at: Nanos) {
    let mut wait = Waiting(None);
    poll_fn(|cx| wait.poll(at, cx)).await;
}

/// One who waits; dropped, it waits no longer.
struct Waiting(Option<(Nanos, u64)>);

impl Waiting {
    fn poll(&mut self, at: Nanos, cx: &Context<'_>) -> Poll<()> {
        let key = with(|clock| {
            if clock.now >= at {
                return None;
            }
            clock.waits += 1;
            let key = self.0.unwrap_or((at, clock.waits));
            clock.waiting.insert(key, cx.waker().clone());
            Some(key)
        });
        self.0 = key.flatten();
        if self.0.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(key) = self.0 {
            with(|clock| clock.waiting.remove(&key));
        }
    }
}

/// Goes on to `at`, or to the end of the gap that it lies in, and wakes who waited for that.
fn advance(at: Nanos) {
    let due = with(|clock| {
        let gap = clock.gaps.iter().find(|gap| gap.contains(&at));
        clock.now = clock.now.max(gap.map_or(at, |gap| gap.end));
        let later = clock.waiting.split_off(&(clock.now + 1, 0));
        std::mem::replace(&mut clock.waiting, later)
    });
    due.into_iter().flatten().for_each(|(_, waker)| waker.wake());
}

fn with<R>(act: impl FnOnce(&mut Driven) -> R) -> Option<R> {
    CLOCK.with_borrow_mut(|clock| clock.as_mut().map(act))
}

/// While it lives the clock is driven.
struct Installed;

impl Drop for Installed {
    fn drop(&mut self) {
        CLOCK.set(None);
    }
}

/// Whether somebody has something to do.
struct News(AtomicBool);

impl Wake for News {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_from_one_wait_to_the_next_and_over_gaps() {
        let gap = 100..200;
        let seen = run(vec![gap], async {
            let mut seen = vec![elapsed()];
            for at in [7, 7, 99, 150, 160, 201] {
                wait_until(at).await;
                seen.push(elapsed());
            }
            assert!(hold(9));
            seen.push(elapsed());
            seen
        });
        assert_eq!(seen, [0, 7, 7, 99, 200, 200, 201, 210]);
        assert!(now().is_none() && !hold(1), "it is gone with its run");
    }
}
