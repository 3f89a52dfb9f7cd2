//! Turns a ticket into an attempt, and an attempt into an outcome: the task of one slot.

use super::backoff::Backoff;
use super::core::{Core, Then};
use super::lanes::{PassedOver, Slot};
use super::source::Ticket;
use crate::profile::Profile;
use crate::request::{ErrorClass, Failure, Outcome};
use crate::time::{Nanos, seconds};
use crate::transport::{Lane, Transport};
use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

/// Serves tickets for as long as the run lasts.
pub(super) async fn serve<P: Profile, T: Transport>(
    core: Rc<Core<P, T>>,
    slot: Rc<Slot>,
    lane: Rc<T::Lane>,
) {
    let mut backoff = Backoff::default();
    loop {
        let mut ticket = wait(&slot, &*lane).await;
        let mut start = core.thread.clock.now();
        if !core.started(&slot, ticket, start) {
            continue;
        }
        loop {
            let mut outcome = attempt(&core, &slot, &*lane, ticket, start).await;
            if let Some(failure) = &mut outcome.failure {
                core.tell_late_close(failure, start);
            }
            match core.finished((&slot, &*lane), ticket, start, &outcome) {
                Then::Next(next, at) => (ticket, start) = (next, at),
                Then::Idle => {
                    backoff.succeeded();
                    break;
                }
                Then::Rests => {
                    core.rest(&slot, &mut backoff).await;
                    break;
                }
            }
            backoff.succeeded();
            // A transport that is always ready must not keep the thread from its timers.
            tokio::task::coop::consume_budget().await;
        }
    }
}

/// Waits idle for a ticket, and notices meanwhile when the other side closes the lane.
async fn wait<L: Lane>(slot: &Slot, lane: &L) -> Ticket {
    poll_fn(|cx| {
        if let Some(ticket) = slot.ticket.take() {
            return Poll::Ready(ticket);
        }
        slot.register(cx);
        // The answer does not matter here: a lane that was closed is opened again when it is
        // needed.
        let _ = lane.poll_closed(cx);
        Poll::Pending
    })
    .await
}

#[inline]
async fn attempt<P: Profile, T: Transport>(
    core: &Core<P, T>,
    slot: &Slot,
    lane: &T::Lane,
    ticket: Ticket,
    start: Nanos,
) -> Outcome {
    slot.deadline.set(start.saturating_add(core.settings.timeout));
    slot.expired.set(false);
    let phase = Cell::new(Phase::Exchanging);
    let ended = {
        let mut exchange = pin!(exchange(core, (slot, lane), ticket, start, &phase));
        poll_fn(|cx| {
            if slot.expired.get() {
                return Poll::Ready(Ended::TimedOut);
            }
            slot.register(cx);
            // A panic in somebody's transport fails one request; the slot lives on.
            match catch_unwind(AssertUnwindSafe(|| exchange.as_mut().poll(cx))) {
                Ok(poll) => poll.map(Ended::With),
                Err(panic) => Poll::Ready(Ended::Panicked(said(&*panic))),
            }
        })
        .await
    };
    slot.deadline.set(Nanos::MAX);
    let failure = match ended {
        Ended::With(outcome) => return outcome,
        Ended::TimedOut if phase.get() == Phase::Exchanging => {
            timeout(core, slot, start, lane.awaits_in_exchange())
        }
        Ended::TimedOut => timeout(core, slot, start, lane.awaits()),
        Ended::Panicked(what) => {
            Failure::text(ErrorClass::Target, format_args!("the transport panicked: {what}"))
        }
    };
    if phase.get() == Phase::Opening {
        core.opened(slot, false, Err(&failure));
    }
    let (bytes_sent, bytes_received) = lane.moved();
    Outcome { bytes_sent, bytes_received, ..Outcome::failed(failure) }
}

/// How far an attempt has come.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// Another slot is opening the lane.
    Waiting,
    /// It opens the lane.
    Opening,
    Exchanging,
}

enum Ended {
    With(Outcome),
    TimedOut,
    Panicked(String),
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "without a text".to_owned())
}

#[cold]
fn timeout<P: Profile, T: Transport>(
    core: &Core<P, T>,
    slot: &Slot,
    start: Nanos,
    (class, what): (ErrorClass, &str),
) -> Failure {
    let passed = slot.passed.take().filter(|it| it.start == start);
    let limit = seconds(core.settings.timeout);
    let said = format!("no {what} within the timeout of {limit} s");
    match passed.as_deref() {
        None => Failure::text(class, said),
        Some(PassedOver { times: 1, why, .. }) => {
            Failure::text(class, format_args!("{said}; before that {why}"))
        }
        Some(PassedOver { times, why, .. }) => Failure::text(
            class,
            format_args!("{said}: it was passed over {times} times, the last time {why}"),
        ),
    }
}

#[inline]
async fn exchange<P: Profile, T: Transport>(
    core: &Core<P, T>,
    (slot, lane): (&Slot, &T::Lane),
    ticket: Ticket,
    start: Nanos,
    phase: &Cell<Phase>,
) -> Outcome {
    loop {
        if !lane.is_open()
            && let Err(failure) = open(core, slot, lane, ticket, phase).await
        {
            return Outcome::failed(failure);
        }
        let outcome = lane.exchange(ticket.call(start)).await;
        if !outcome.not_begun {
            return outcome;
        }
        // The other side has received nothing of it: it is still the same attempt, on the lane's
        // next connection, as often as its timeout lets it be.
        pass_over(slot, start, outcome.failure).await;
    }
}

/// Notes it, and lets others run: a transport that is always ready must not keep the thread from its
/// timers. What is rare is boxed, so that requests that go well carry nothing of it.
#[cold]
fn pass_over(
    slot: &Slot,
    start: Nanos,
    why: Option<Failure>,
) -> Pin<Box<impl Future<Output = ()> + use<>>> {
    let before = slot.passed.take().filter(|it| it.start == start);
    let times = before.map_or(0, |it| it.times).saturating_add(1);
    let why = why.unwrap_or(Failure::new(ErrorClass::Reset, "the lane was closed"));
    slot.passed.replace(Some(Box::new(PassedOver { start, times, why })));
    Box::pin(tokio::task::yield_now())
}

/// Opens the lane, or waits while another slot opens it.
async fn open<P: Profile, T: Transport>(
    core: &Core<P, T>,
    slot: &Slot,
    lane: &T::Lane,
    ticket: Ticket,
    phase: &Cell<Phase>,
) -> Result<(), Failure> {
    phase.set(Phase::Waiting);
    let mine = poll_fn(|_| {
        if lane.is_open() {
            Poll::Ready(false)
        } else if core.may_open(slot) {
            Poll::Ready(true)
        } else {
            Poll::Pending // woken when the opener is done
        }
    });
    if mine.await {
        phase.set(Phase::Opening);
        let opened = lane.open().await;
        core.opened(slot, ticket.measured, opened.as_ref().copied());
        opened?;
    }
    phase.set(Phase::Exchanging);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ThreadEnd;
    use crate::engine::fixtures::{self, Target};
    use crate::request::DropReason;
    use crate::time::{MILLISECOND, SECOND, driven};

    const MS: Nanos = MILLISECOND;

    /// What becomes of an attempt that begins at 5 ms, whether its slot failed to open the lane, and
    /// when it was over. The watchdog looks at the slot just before the timeout of a second, and then.
    fn attempted(target: Target) -> (Outcome, bool, Nanos) {
        driven::run(Vec::new(), async {
            let (core, _ends) = fixtures::core(&target);
            driven::wait_until(5 * MS).await;
            let (slot, lane) = core.dispatch(&target, 5 * MS).expect("one is due");
            let ticket = slot.ticket.take().expect("the slot was given it");
            assert!(core.started(&slot, ticket, 5 * MS));
            let watchdog = async {
                for at in [5 * MS + SECOND - 1, 5 * MS + SECOND] {
                    driven::wait_until(at).await;
                    core.expire(at);
                }
                std::future::pending().await
            };
            let outcome = tokio::select! {
                outcome = attempt(&core, &slot, &*lane, ticket, 5 * MS) => outcome,
                outcome = watchdog => outcome,
            };
            assert_eq!(slot.deadline.get(), Nanos::MAX, "no attempt is under way");
            (outcome, slot.open_failed.get(), driven::elapsed())
        })
    }

    fn failed(target: Target) -> (ErrorClass, String, bool, Nanos) {
        let (outcome, open_failed, at) = attempted(target);
        let failure = outcome.failure.expect("it fails");
        (failure.class, failure.to_string(), open_failed, at)
    }

    #[test]
    fn a_reply_is_the_outcome() {
        let (outcome, open_failed, at) = attempted(Target::Answers(3 * MS));
        assert_eq!((outcome.status, open_failed, at), (Some(200), false, 8 * MS));
        assert!(outcome.failure.is_none());
    }

    #[test]
    fn a_lane_that_refuses_to_be_opened_fails_the_attempt() {
        let refused = (ErrorClass::ConnectRefused, "refused".to_owned(), true, 5 * MS);
        assert_eq!(failed(Target::Refuses), refused);
    }

    #[test]
    fn a_panic_fails_one_attempt_and_is_told() {
        let text = "the transport panicked: out of cheese".to_owned();
        assert_eq!(failed(Target::Panics), (ErrorClass::Target, text, false, 5 * MS));
        assert_eq!(said(&"a text".to_owned()), "a text");
        assert_eq!(said(&17), "without a text");
    }

    #[test]
    fn an_attempt_is_over_with_its_timeout_and_says_what_it_waited_for() {
        let over = 5 * MS + SECOND;
        let text = |what| format!("no {what} within the timeout of 1 s");
        let reply = (ErrorClass::ResponseTimeout, text("whole reply"), false, over);
        assert_eq!(failed(Target::Hangs), reply);
        let connection = (ErrorClass::ConnectTimeout, text("connection"), true, over);
        assert_eq!(failed(Target::NeverOpens), connection);
    }

    #[test]
    fn an_attempt_that_was_passed_over_goes_on_until_its_timeout_and_says_so() {
        let (class, text, _, at) = failed(Target::Closes(600 * MS));
        assert_eq!((class, at), (ErrorClass::ResponseTimeout, 5 * MS + SECOND));
        let once = "no whole reply within the timeout of 1 s; before that it was closed";
        assert_eq!(text, once);
        let (_, text, _, _) = failed(Target::Closes(300 * MS));
        let often = "no whole reply within the timeout of 1 s: it was passed over 3 times, the last \
                     time it was closed";
        assert_eq!(text, often);
    }

    #[test]
    fn a_slot_takes_what_fell_due_during_its_request_without_the_pacer() {
        let counters = driven::run(Vec::new(), async {
            let target = Target::Answers(12 * MS);
            let (core, ends) = fixtures::core(&target);
            let core = Rc::new(core);
            driven::wait_until(5 * MS).await;
            let (slot, lane) = core.dispatch(&target, 5 * MS).expect("one is due");
            let local = tokio::task::LocalSet::new();
            local.spawn_local(serve(Rc::clone(&core), slot, lane));
            local.run_until(driven::wait_until(30 * MS)).await;
            let ending = ThreadEnd { load_end: 30 * MS, drain: 0, stopped: true };
            core.end(DropReason::Stopped, 30 * MS, 30 * MS, ending);
            ends.reports.recv().expect("the last report").set.counters
        });
        // Those of 5, 15 and 25 ms were sent at 5, 17 and 29 ms.
        assert_eq!((counters.due, counters.sent, counters.ok), (3, 3, 2));
    }
}
