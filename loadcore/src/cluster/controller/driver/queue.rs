//! Turns runs that find the workers busy into a queue: each gets its turn in the order of its
//! coming.
//!
//! Workers that are not there are awaited for `workerWaitSeconds`, and those that make another run's
//! load for `queueSeconds`, since they will be free one day. A run leaves the queue when it is the
//! first in it and enough workers are free, or none is busy that could become free.

use super::{Driver, ElapsedNow, FRESH};
use crate::cluster::RunId;
use crate::cluster::coordinator::{PROTOCOL, TaskState};
use crate::cluster::store::{RunRecord, RunState};
use crate::time::now;
use serde_json::json;
use std::time::{Duration, Instant};

/// An older look at the workers says nothing about now.
const STALE: Duration = Duration::from_secs(1);
/// What is waited for is shown after so long: it seldom takes that.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// How long those that are free may take to take a task.
const SETTLE: Duration = Duration::from_secs(2);

/// Workers as a run that needs some sees them.
struct Here {
    /// In no run, and not sought by another.
    free: u32,
    /// In another run, at whatever point.
    busy: u32,
    /// Those of them that make its load, or have made it: they will be free.
    loading: u32,
}

/// The run's waiting for its turn.
pub(super) struct Turn {
    /// Since when it has waited, or did.
    pub(super) queued_at: Instant,
    /// The timeline says so.
    pub(super) is_told: bool,
    /// When workers were worth waiting for last.
    pub(super) patient_until: Instant,
}

impl Driver {
    /// Waits for this run's turn, and then prepares it.
    pub(super) async fn queue(&mut self) {
        let left = self.queue_left();
        let (place, sought) = self.place();
        let here = self.here(sought);
        let is_my_turn = here.as_ref().is_some_and(|here| {
            place == 1 && (here.free >= self.wanted() || here.busy + sought == 0)
        });
        if is_my_turn || left.is_zero() {
            return self.prepare().await;
        }
        let there = here.map_or(0, |here| here.free);
        if self.beats.begun.elapsed_now() >= SHOWN_AFTER {
            let wanted = self.wanted();
            let text = format!("{} workers there; place {place} in the queue", of(there, wanted));
            self.waits(format!("its workers ({text})"), left);
            if !std::mem::replace(&mut self.turn.is_told, true) {
                let text = format!("the workers are busy with other runs: {text}");
                let data = json!({"place": place, "there": there, "wanted": wanted});
                self.event("queued", &text, data);
            }
        }
    }

    /// How long busy workers are awaited yet.
    fn queue_left(&self) -> Duration {
        self.scenario.queue_wait.saturating_sub(self.turn.queued_at.elapsed_now())
    }

    /// How long workers are awaited yet, in a run that has left the queue.
    pub(super) fn patience_left(&self) -> Duration {
        let (waited, absent) = (self.since.elapsed_now(), self.scenario.worker_wait);
        // Nobody could take a task of a run that no controller drove.
        let driven = waited.min(self.beats.begun.elapsed_now());
        let settle = absent.min(SETTLE).saturating_sub(driven);
        let left = absent.saturating_sub(waited).max(settle);
        // Of those that wait for a start of their own nothing is to be hoped: they may wait for us.
        if self.here(0).is_none_or(|here| here.loading == 0) {
            return left;
        }
        self.queue_left().max(settle)
    }

    /// Why there is no run.
    pub(super) fn nobody_came(&self) -> String {
        if self.here(0).is_some_and(|here| here.loading > 0) {
            let seconds = self.scenario.queue_wait.as_secs_f64();
            return format!("no worker was free within queueSeconds ({seconds} s)");
        }
        let seconds = self.scenario.worker_wait.as_secs_f64();
        format!("no worker came within workerWaitSeconds ({seconds} s)")
    }

    /// Shows that workers are awaited.
    pub(super) fn show_gathering(&mut self, ready: usize, lacking: u32, left: Duration) {
        self.driven.live().seeks = lacking;
        if self.since.elapsed_now() >= SHOWN_AFTER {
            let there = of(ready as u32, self.wanted());
            self.waits(format!("its workers ({there} workers there)"), left);
        }
    }

    /// The run's place in the queue, from 1, and how many workers runs seek that have left it.
    fn place(&self) -> (usize, u32) {
        let came =
            |record: &RunRecord| -> (u64, RunId) { (record.created_unix_ms, record.id.clone()) };
        let own = came(&self.record);
        let (mut place, mut sought) = (1, 0);
        for (id, run) in self.controller.runs().iter() {
            if *id == self.record.id {
                continue;
            }
            let live = run.driven.live();
            match live.record.state {
                RunState::Queued if came(&live.record) < own => place += 1,
                RunState::Preparing => sought += live.seeks,
                _ => {}
            }
        }
        (place, sought)
    }

    /// The workers, of which other runs seek so many; `None`: nobody knows at present.
    fn here(&self, sought: u32) -> Option<Here> {
        let seen = self.controller.workers.borrow();
        if now().saturating_duration_since(seen.checked) > STALE {
            return None;
        }
        let now_us = self.controller.now_us();
        let fresh = seen.list.iter().filter(|seen| {
            let age_us = now_us.saturating_sub(seen.at_us);
            u128::from(age_us) < FRESH.as_micros()
                && seen.report.protocol == PROTOCOL
                && !seen.report.draining
        });
        let mut here = Here { free: self.controller.room_for_workers(), busy: 0, loading: 0 };
        for task in fresh.map(|seen| seen.report.task.as_ref()) {
            match task {
                None => here.free += 1,
                Some(task) if task.run != self.record.id => {
                    let prepares = matches!(task.state, TaskState::Taken | TaskState::Ready);
                    here.busy += 1;
                    here.loading += u32::from(!prepares);
                }
                Some(_) => {}
            }
        }
        here.free = here.free.saturating_sub(sought);
        Some(here)
    }
}

/// `1 of 2`.
fn of(there: u32, wanted: u32) -> String {
    format!("{} of {wanted}", there.min(wanted))
}
