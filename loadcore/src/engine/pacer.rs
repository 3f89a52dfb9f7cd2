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
//! a request costs one wake-up instead of two, and its times are still those of the reply. With
//! every slot busy it naps for a small part of what keeps them busy: an overloaded thread has no
//! time to be woken by each reply.

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
    let mut lateness = Lateness::default();
    loop {
        dispatch(&core, &transport).await;
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
        let Some(until) = approach(&core, now, wake, lateness.typical).await else { continue };
        let busy = core.is_starved();
        let nap = if may_nap { core.longest_nap(now).min(until - now) } else { 0 };
        let Some(nap) = wait(&core, &mut timer, until - now, (nap, busy)).await? else { continue };
        let woken = clock.now();
        if nap > 0 {
            hear(&core).await;
        }
        if nap > 0 && now + nap < until {
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

/// Gives every due ticket to a slot, and each new slot a task.
async fn dispatch<P: Profile, T: Transport>(core: &Rc<Core<P, T>>, transport: &T) {
    while let Some((slot, lane)) = core.dispatch(transport, core.thread.clock.now()) {
        // In open loop it opens its lane now, and then what has come is read: opening takes the
        // time of many replies, and each of them may leave an idle slot for the next ticket.
        let opens = core.ask(Source::is_open_loop) && !lane.is_open();
        tokio::task::spawn_local(slot::serve(Rc::clone(core), slot, lane));
        if opens {
            tokio::task::yield_now().await;
        }
    }
}

/// Until when to wait so that the thread is awake at `wake`, where waking takes `typical`. `None`:
/// `wake` has come, for the rest of the time was too short to be slept.
async fn approach<P: Profile, T: Transport>(
    core: &Core<P, T>,
    now: Nanos,
    wake: Nanos,
    typical: Nanos,
) -> Option<Nanos> {
    let clock = core.thread.clock;
    match wake.saturating_sub(now) {
        // Behind: the slots get a turn, then it goes on at once.
        0 => {
            core.pacer_woke(wake, now);
            tokio::task::yield_now().await;
            None
        }
        rest if rest > typical => Some(wake - typical),
        rest if core.settings.slack == 0 || is_short(rest) => {
            while clock.now() < wake {
                tokio::task::yield_now().await;
            }
            core.pacer_woke(wake, clock.now());
            None
        }
        _ => Some(wake),
    }
}

/// Waits for `rest`, or naps where that pays. Answers how long the nap was to be, 0 for none; `None`:
/// the plan has changed meanwhile.
async fn wait<P: Profile, T: Transport>(
    core: &Core<P, T>,
    timer: &mut Timer,
    rest: Nanos,
    (nap, busy): (Nanos, bool),
) -> io::Result<Option<Nanos>> {
    // In a long wait it costs less to hear each reply than to nap again and again.
    let pays = || busy || core.in_flight() + 1 >= rest.div_ceil(nap);
    if nap > 0 && pays() && timer.nap(nap) {
        return Ok(Some(nap));
    }
    core.listen();
    tokio::select! {
        biased;
        waited = timer.wait(rest) => waited.map(|()| Some(0)),
        () = core.thread.replan.notified() => Ok(None),
    }
}

/// Reads what has come in a nap before anything is sent: slots become free, and closed connections
/// are found.
async fn hear<P: Profile, T: Transport>(core: &Core<P, T>) {
    let moment = core.thread.clock.now();
    tokio::task::yield_now().await;
    if let Some(hearing) = &core.thread.hearing {
        hearing.heard(moment);
    }
}

/// Lets the slots send what was handed out before the thread naps. At the first nap after a while
/// of listening, reads what has come as well.
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
