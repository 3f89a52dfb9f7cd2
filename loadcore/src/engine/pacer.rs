//! Due times into wake-ups, and wake-ups into dispatched tickets.
//!
//! The pacer does not wake for each arrival. It sleeps until the last of those that are due within
//! `slack` of the next one, and hands all of them out at once: so CPU is traded for precision, by at
//! most `slack`, and an arrival with no near neighbour is not delayed at all. A slot that ends its
//! request in the meantime takes a due ticket without waiting for the pacer.

use super::core::Core;
use super::slot;
use super::timer::Timer;
use crate::profile::Profile;
use crate::transport::Transport;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// Dispatches for as long as the run lasts.
pub(super) async fn pace<P: Profile, T: Transport>(
    core: Rc<Core<P, T>>,
    transport: Arc<T>,
    mut timer: Timer,
) -> io::Result<()> {
    // Before the clock counts, every moment would be its zero. All threads begin together.
    while core.thread.clock.until_zero() > 0 {
        timer.wait(core.thread.clock.until_zero()).await?;
    }
    loop {
        let now = core.thread.clock.now();
        for (slot, lane) in core.dispatch(&transport, now) {
            tokio::task::spawn_local(slot::serve(Rc::clone(&core), slot, lane));
        }
        let now = core.thread.clock.now();
        let Some(wake) = core.next_wake(now) else {
            core.replan.notified().await;
            continue;
        };
        if wake <= now {
            // Behind: give the slots a turn, then go on at once.
            core.pacer_woke(wake, now);
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            waited = timer.wait(wake - now) => {
                waited?;
                core.pacer_woke(wake, core.thread.clock.now());
            }
            () = core.replan.notified() => {}
        }
    }
}
