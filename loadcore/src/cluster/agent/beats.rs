//! Turns what a worker is doing into a heartbeat each second, and each confirmed heartbeat into a
//! longer lease.
//!
//! Beats have a thread, a runtime and a connection of their own: a busy engine or a slow snapshot
//! cannot make the worker look dead.

use crate::cluster::clock::SharedClock;
use crate::cluster::coordinator::{PATIENCE, TaskReport, WorkerReport};
use crate::cluster::signed::Signer;
use crate::cluster::{Coordinator, Lease};
use crate::engine::Fence;
use crate::time::{Clock, Nanos, now};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// The least time between two beats, however much there is to say.
const LEAST: Duration = Duration::from_millis(20);

/// What a worker's tasks tell its beats, and learn from them.
#[derive(Debug)]
pub(super) struct Status {
    state: Mutex<State>,
    /// There is something new to say.
    news: Notify,
    /// Why the last beat was not confirmed; `None` where it was.
    contact: watch::Sender<Option<String>>,
    /// The last beat was sent.
    said_goodbye: watch::Sender<bool>,
    /// With what beats are signed.
    signer: Signer,
}

#[derive(Debug)]
struct State {
    report: WorkerReport,
    clock: SharedClock,
    /// When the last confirmed beat was sent.
    confirmed: Option<Instant>,
    /// How long the worker may be silent, as the controller has said last.
    lease: Lease,
    /// The fence that confirmed beats move on, on this clock.
    fence: Option<(Fence, Clock)>,
}

impl Status {
    pub(super) fn new(report: WorkerReport, signer: Signer) -> Self {
        let state = State {
            report,
            clock: SharedClock::default(),
            confirmed: None,
            lease: Lease::default(),
            fence: None,
        };
        Self {
            state: Mutex::new(state),
            news: Notify::new(),
            contact: watch::Sender::new(None),
            said_goodbye: watch::Sender::new(false),
            signer,
        }
    }

    /// What people call the worker.
    pub(super) fn name(&self) -> String {
        self.lock().report.name.clone()
    }

    /// With what the worker signs.
    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Whether beats are confirmed, and why not.
    pub(super) fn contact(&self) -> watch::Receiver<Option<String>> {
        self.contact.subscribe()
    }

    /// A beat was confirmed, or why it was not. Who watches hears of the first of several alike.
    fn heard(&self, trouble: Option<String>) {
        self.contact.send_if_modified(|known| {
            let news = known.is_some() != trouble.is_some();
            *known = trouble;
            news
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is a whole one: what a panic left is still right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how far the worker is in a run.
    pub(super) fn task(&self, task: TaskReport) {
        let task = Some(task);
        let mut held = self.lock();
        if held.report.task != task {
            held.report.task = task;
            self.news.notify_one();
        }
    }

    /// Says that it is in no run.
    pub(super) fn idle(&self) {
        let mut state = self.lock();
        state.report.task = None;
        (state.lease, state.fence) = (Lease::default(), None);
        self.news.notify_one();
    }

    /// Says that it takes nothing new.
    pub(super) fn drain(&self) {
        self.lock().report.draining = true;
        self.news.notify_one();
    }

    /// One more beat, which says goodbye. A controller that does not hear it sees the lease end.
    pub(super) async fn end(&self) {
        self.lock().report.left = true;
        self.news.notify_one();
        let mut said = self.said_goodbye.subscribe();
        let _ = tokio::time::timeout(PATIENCE, said.wait_for(|said| *said)).await;
    }

    /// The instant here at which the coordinator's clock shows `us`.
    pub(super) fn instant_of(&self, us: u64) -> Option<Instant> {
        self.lock().clock.instant_of(us)
    }

    pub(super) fn clock_error(&self) -> Duration {
        self.lock().clock.error()
    }

    /// The controller has said how long the worker may be silent. That of its last task ends with it.
    pub(super) fn goes_by(&self, lease: Lease) {
        self.lock().lease = lease;
        self.news.notify_one();
    }

    /// A fence that each confirmed beat moves on, as long as it is not over.
    pub(super) fn fence(&self, clock: Clock) -> Fence {
        let mut state = self.lock();
        let until = state.confirmed.map_or(0, |sent| limit(&clock, sent, state.lease));
        let fence = Fence::new(&clock, until);
        state.fence = Some((fence.clone(), clock));
        fence
    }

    fn beat(&self) -> Duration {
        self.lock().lease.beat()
    }

    pub(super) fn next_report(&self) -> WorkerReport {
        let mut state = self.lock();
        state.report.beat += 1;
        let error = state.clock.error().as_micros();
        state.report.clock_error_us = u64::try_from(error).unwrap_or(u64::MAX);
        state.report.clone()
    }

    fn confirm(&self, sent: Instant, us: u64) {
        let mut state = self.lock();
        state.clock.learn(sent, now(), us);
        state.confirmed = state.confirmed.max(Some(sent));
        if let Some((fence, clock)) = &state.fence {
            fence.extend(limit(clock, sent, state.lease));
        }
    }
}

/// Until when a worker may send whose last confirmed beat was sent at `sent`: less than the controller
/// waits for the next one, and counted from an earlier moment.
fn limit(clock: &Clock, sent: Instant, lease: Lease) -> Nanos {
    let until = sent + lease.sends();
    until.saturating_duration_since(clock.instant(0)).as_nanos() as Nanos
}

/// Beats until the worker ends.
pub(super) async fn beat(status: Arc<Status>, coordinator: Arc<dyn Coordinator>) {
    loop {
        let report = status.next_report();
        let beat = report.say(&status.signer);
        let sent = now();
        let answer = coordinator.beat(&beat).await;
        if report.left {
            status.said_goodbye.send_replace(true);
            return;
        }
        status.heard(answer.as_ref().err().map(ToString::to_string));
        if let Ok(us) = answer {
            status.confirm(sent, us);
        }
        tokio::time::sleep(LEAST).await;
        let next = tokio::time::Instant::from_std(sent + status.beat());
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(next) => {}
            () = status.news.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_outage_its_beginning_and_its_end_are_told() {
        let report = super::super::tests::report();
        let status = Status::new(report, Signer::random().unwrap());
        let mut contact = status.contact();
        let mut told = |trouble: Option<&str>| {
            status.heard(trouble.map(Into::into));
            let news = contact.has_changed().unwrap();
            news.then(|| contact.borrow_and_update().clone())
        };
        assert_eq!(told(None), None);
        assert_eq!(told(Some("no answer")), Some(Some("no answer".into())));
        assert_eq!(told(Some("refused")), None);
        assert_eq!(told(None), Some(None));
        assert_eq!(told(None), None);
    }
}
