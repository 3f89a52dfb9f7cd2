//! Turns due times into wake-ups, and wake-ups into dispatched tickets.
//!
//! The pacer does not wake for each arrival. It sleeps until the last of those that are due within
//! `slack` of the next one, and hands all of them out at once: so CPU is traded for precision, by at
//! most `slack`, and an arrival with no near neighbour is not delayed at all. A slot that ends its
//! request in the meantime takes a due ticket without waiting for the pacer.
//!
//! A machine that sleeps wakes late: by a few microseconds, or by fifty on many a virtual one. The
//! pacer learns by how much, and asks to be woken that much earlier. With less time left than
//! waking takes, it polls if the rest is short or the slack is 0, and otherwise sleeps and is late.
//! Nothing is ever sent before it is due.
//!
//! Nor does it listen for each reply, where the kernel stamps them with the moment at which they
//! came: the thread naps until it has something to send, and reads then what has come meanwhile. So
//! a request costs one wake-up instead of two, and its times are still those of the reply. With every
//! slot busy it naps for a small part of what keeps them busy: whoever is overloaded has no time to
//! be woken by each reply.

use super::core::Core;
use super::slot;
use super::source::Source;
use super::timer::Timer;
use crate::profile::Profile;
use crate::time::{MICROSECOND, Nanos};
use crate::transport::{Hearing, Lane, Transport};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

/// A rest of a wait that is polled away rather than slept, whatever the slack.
const SHORT: Nanos = 15 * MICROSECOND;
/// The greatest lateness that is expected of the machine.
const MAX_LEAD: Nanos = 100 * MICROSECOND;

/// Dispatches for as long as the run lasts.
pub(super) async fn pace<P: Profile, T: Transport>(
    core: Rc<Core<P, T>>,
    transport: Arc<T>,
    mut timer: Timer,
) -> io::Result<()> {
    let clock = core.thread.clock;
    // Before the clock counts, every moment would be its zero. All threads begin together.
    while clock.until_zero() > 0 {
        timer.wait(clock.until_zero()).await?;
    }
    let exact = core.settings.slack == 0;
    let mut lateness = Lateness::default();
    loop {
        if let Some((slot, lane)) = core.dispatch(&transport, clock.now()) {
            // In open loop it opens its lane now, and then what has come is read: opening takes the
            // time of many replies, and each of them may leave an idle slot for the next ticket.
            let opens = core.ask(Source::is_open_loop) && !lane.is_open();
            tokio::task::spawn_local(slot::serve(Rc::clone(&core), slot, lane));
            if opens {
                tokio::task::yield_now().await;
            }
            continue;
        }
        let may_nap = core.longest_nap(clock.now()) > 0;
        if may_nap {
            settle(&core).await;
        }
        let now = clock.now();
        let Some(wake) = core.next_wake(now) else {
            core.listen();
            core.thread.replan.notified().await;
            continue;
        };
        let until = match wake.saturating_sub(now) {
            // Behind: the slots get a turn, then it goes on at once.
            0 => {
                core.pacer_woke(wake, now);
                tokio::task::yield_now().await;
                continue;
            }
            rest if rest > lateness.typical => wake - lateness.typical,
            rest if exact || is_short(rest) => {
                while clock.now() < wake {
                    tokio::task::yield_now().await;
                }
                core.pacer_woke(wake, clock.now());
                continue;
            }
            _ => wake,
        };
        // In a long wait it costs less to hear each reply than to nap again and again.
        let busy = core.is_starved();
        let nap = if may_nap { core.longest_nap(now).min(until - now) } else { 0 };
        let pays = || busy || core.in_flight() + 1 >= (until - now).div_ceil(nap);
        let napped = nap > 0 && pays() && timer.nap(nap);
        if !napped {
            core.listen();
            tokio::select! {
                biased;
                waited = timer.wait(until - now) => waited?,
                () = core.thread.replan.notified() => continue,
            }
        }
        let woken = clock.now();
        if napped {
            hear(&core).await;
        }
        if napped && now + nap < until {
            if busy {
                // There is nothing else to be in time for.
                core.pacer_woke(now + nap, woken);
                continue;
            }
            if woken < wake {
                continue;
            }
        }
        // A slot whose reply is read sends what is due at once: on average halfway through the reading.
        lateness.learn(woken.midpoint(clock.now()).saturating_sub(until));
        if woken >= wake {
            core.pacer_woke(wake, woken);
        }
    }
}

/// What has come in a nap is read before anything is sent: slots become free, and who has closed a
/// connection is known.
async fn hear<P: Profile, T: Transport>(core: &Core<P, T>) {
    let moment = core.thread.clock.now();
    tokio::task::yield_now().await;
    if let Some(hearing) = &core.thread.hearing {
        hearing.heard(moment);
    }
}

/// What was handed out is sent before the thread naps. At the first nap after a while of listening,
/// what has come is read as well.
async fn settle<P: Profile, T: Transport>(core: &Core<P, T>) {
    if core.thread.hearing.as_ref().is_none_or(Hearing::is_listening) {
        return hear(core).await;
    }
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        // Behind all who were woken before, without asking the kernel what has come.
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Whether a rest is polled away. Under a clock that tests have stopped, polling would never end.
fn is_short(rest: Nanos) -> bool {
    !cfg!(test) && rest <= SHORT
}

/// How late it usually is when the machine has woken us and half of what came in a nap is read: a
/// running median, which rises as often as it falls.
#[derive(Debug, Default)]
struct Lateness {
    typical: Nanos,
}

impl Lateness {
    const STEP: Nanos = MICROSECOND / 2;

    fn learn(&mut self, late: Nanos) {
        self.typical = if late > self.typical {
            (self.typical + Self::STEP).min(MAX_LEAD)
        } else {
            self.typical.saturating_sub(Self::STEP)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typical_lateness_is_the_median_and_bounded() {
        let mut lateness = Lateness::default();
        for n in 0..3_000 {
            // A third at 10 us, a third at 40, a third at 3 ms.
            lateness.learn([10, 40, 3_000][n % 3] * MICROSECOND);
        }
        assert!(lateness.typical.abs_diff(40 * MICROSECOND) <= MICROSECOND, "{lateness:?}");
        (0..3_000).for_each(|_| lateness.learn(3_000 * MICROSECOND));
        assert_eq!(lateness.typical, MAX_LEAD);
    }
}
