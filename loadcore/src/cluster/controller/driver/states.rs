//! Takes a run from its first task to its result, a state at a time.

use super::super::api::{EndFrame, FrameData};
use super::super::capacity::Seeking;
use super::super::finish;
use super::super::frames::Until;
use super::{CHECK, Driver, ENDED, ElapsedNow, Reports};
use crate::cluster::journal::Entry;
use crate::cluster::standing::{Member, Standing};
use crate::cluster::store::{RunRecord, RunState};
use crate::result::RunSummary;
use crate::time::{now, unix_millis};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From the decision to the start: time for every worker to hear of it and start its threads.
const START_LEAD_US: u64 = 400_000;
/// And so much more for each of them, since each reads what is said to all.
const START_LEAD_EACH_US: u64 = 1_000;
/// How often the time to the start is doubled while the store does not answer in time.
const MOST_DOUBLINGS: u32 = 4;
/// How long those that have taken a task may take to get ready, after the others are.
const GET_READY: Duration = Duration::from_secs(5);
/// How long a paused run waits to be resumed.
const PAUSED: Duration = Duration::from_secs(3_600);

/// The start of the run's clock.
#[derive(Default)]
pub(super) struct Start {
    /// When the clock shows 0: kept, so that nobody who sets a clock moves the run's.
    pub(super) zero: Option<Instant>,
    /// Workers may have heard of it.
    pub(super) is_told: bool,
    /// How often it was put off because the store did not have it in time.
    postponed: u32,
}

impl Driver {
    pub(super) async fn step(&mut self) {
        let reports = self.reports();
        let refused = self.keeper.kept().borrow().refused.clone();
        refused.values().for_each(|text| self.warn(text));
        self.discard().await;
        match self.record.state {
            RunState::Queued => self.queue().await,
            RunState::Preparing => self.gather(&reports).await,
            // No moment of the run is certain before the start is.
            RunState::Starting if !self.start.is_told => {}
            RunState::Starting => {
                self.watch_members(&reports).await;
                if self.run_now() >= 0 {
                    self.state(RunState::Running);
                    self.event("started", "the load has started", Value::Null);
                }
            }
            RunState::Running | RunState::Paused => {
                self.watch_members(&reports).await;
                self.watch_end();
            }
            RunState::Stopping => {
                self.watch_members(&reports).await;
                self.finish(&reports).await;
            }
            RunState::Completed | RunState::Aborted | RunState::Failed => {}
        }
        if self.carried.checked.elapsed_now() > CHECK {
            self.carried.checked = now();
            if self.record.state == RunState::Preparing {
                // Those that were idle a moment ago may be in another run by now.
                self.controller.want_local_workers(self.lacking(&reports));
            }
            self.check_journal(&reports).await;
            self.fetch_lacking().await;
        }
    }

    pub(super) async fn prepare(&mut self) {
        self.state(RunState::Preparing);
        self.warn_of_limits();
        self.publish_journal().await;
        self.gather(&Reports::new()).await;
    }

    /// Waits for workers, and starts with those that there are.
    pub(super) async fn gather(&mut self, reports: &Reports) {
        self.admit(reports);
        self.bury(reports);
        let lacking = self.lacking(reports);
        self.offer(lacking).await;
        let ready = self.ready(reports);
        let waiting = self.standing.members.len() > ready.len();
        let all = ready.len() as u32 >= self.wanted();
        let none_left =
            self.carried.tasks.is_some() && self.open_tasks() == 0 && lacking == 0 && !waiting;
        let left = self.patience_left();
        if !left.is_zero() {
            self.turn.patient_until = now();
        }
        let over =
            left.is_zero() && (!waiting || self.turn.patient_until.elapsed_now() >= GET_READY);
        if !(all || none_left || over) {
            self.show_gathering(ready.len(), lacking, left);
            return;
        }
        self.withdraw().await;
        if ready.is_empty() {
            let why =
                self.search.refusals.values().next().cloned().unwrap_or_else(|| self.nobody_came());
            self.warn(&why);
            self.stop(RunState::Failed, "failed", &why);
        } else {
            self.start(&ready);
        }
    }

    pub(super) fn start(&mut self, ready: &[Member]) {
        let wanted = self.wanted() as usize;
        if ready.len() < wanted {
            let text =
                format!("{} of {wanted} workers came: the run started with those", ready.len());
            self.warn(&text);
            self.event("workers_missing", &text, json!({"wanted": wanted, "came": ready.len()}));
        }
        // Tasks that were offered again may have brought more than were wanted: they stand by.
        let ready = &ready[..ready.len().min(wanted)];
        let shares = match self.first_shares(ready) {
            Ok(shares) => shares,
            Err(why) => {
                self.warn(&why);
                return self.stop(RunState::Failed, "failed", &why);
            }
        };
        for ((worker, epoch), part) in shares {
            self.note(Entry::Take { worker, epoch, part, from_ns: 0, past: 0 });
        }
        self.note(Entry::Start { at_us: self.controller.now_us() + self.start_lead_us() });
        self.starts();
        self.state(RunState::Starting);
    }

    fn starts(&self) {
        let at_us = self.standing.start_us.unwrap_or(0);
        let measured_ms = (at_us + self.load.measured_from() / 1_000) / 1_000;
        self.driven.live().starts(&self.record, &self.scenario, measured_ms);
    }

    /// What every worker needs to hear of the start and to be ready.
    fn start_lead_us(&self) -> u64 {
        START_LEAD_US + START_LEAD_EACH_US * self.standing.owners.len() as u64
    }

    /// Whether workers may hear of the start: the store has it. A controller that knew nothing of a
    /// load that is being made would have it made again. If that took too long it is a later start.
    pub(super) fn may_tell_start(&mut self) -> bool {
        let Some(start_us) = self.standing.start_us.filter(|_| !self.start.is_told) else {
            return true;
        };
        if !self.keeper.kept().borrow().all {
            return false;
        }
        let now_us = self.controller.now_us();
        if start_us >= now_us + self.start_lead_us() / 2 {
            self.start.is_told = true;
            return true;
        }
        self.start.postponed = (self.start.postponed + 1).min(MOST_DOUBLINGS);
        let at_us = now_us + (self.start_lead_us() << self.start.postponed);
        for entry in &mut self.record.journal {
            if matches!(entry, Entry::Start { .. }) {
                *entry = Entry::Start { at_us };
            }
        }
        self.standing.start_us = Some(at_us);
        self.pin();
        self.starts();
        self.changed = true;
        false
    }

    /// Takes the start back, if nobody has heard of it.
    pub(super) fn take_start_back(&mut self) {
        if !self.start.is_told {
            self.record.journal.retain(|entry| !matches!(entry, Entry::Start { .. }));
            self.standing = Standing::of(&self.record.journal);
            self.start.zero = None;
        }
    }

    /// Finds lost workers, gives their parts to others, and lets draining ones hand theirs over.
    pub(super) async fn watch_members(&mut self, reports: &Reports) {
        self.admit(reports);
        self.bury(reports);
        let ended = self.load_is_over();
        if !ended {
            self.share_out(reports).await;
        }
    }

    pub(super) fn watch_end(&mut self) {
        if self.load_is_over() {
            self.state(RunState::Stopping);
            return;
        }
        if self.number_has_ended_it() {
            self.state(RunState::Stopping);
        }
        if self.record.state == RunState::Paused && self.since.elapsed_now() > PAUSED {
            self.stop(RunState::Aborted, "stopped", "the run was paused for an hour");
        }
    }

    /// Whether a number of requests has ended the load before its time: all that make it have handed
    /// in their last snapshot.
    pub(super) fn number_has_ended_it(&self) -> bool {
        let Standing { orphans, released, .. } = &self.standing;
        let over = self.is_nothing_left() && released.is_empty();
        let limited = self.scenario.max_requests.is_some() && over;
        let left = self.owners_alive();
        let somebody = !left.is_empty() || !orphans.is_empty();
        limited && somebody && left.iter().all(|member| self.merging.is_final(member))
    }

    /// Whether nothing more falls due.
    pub(super) fn load_is_over(&self) -> bool {
        self.load.end_at().is_some_and(|end| self.run_now() >= end as i128)
    }

    /// Ends the run when everything has come that will.
    pub(super) async fn finish(&mut self, reports: &Reports) {
        if self.standing.start_us.is_none() {
            return self.end(None).await;
        }
        // A number of requests may have ended the load before its time.
        let waited = self.after_end().max(self.since.elapsed_now());
        if !self.evidence_is_in(reports, waited).await {
            return;
        }
        self.merge_all();
        self.keeper.flush();
        if !self.keeper.kept().borrow().all {
            return;
        }
        self.confirm().await;
        let (owner, run) = (self.record.owner.clone(), self.record.id.clone());
        let store = Arc::clone(&self.controller.store);
        // From what is stored, not from what is remembered: so that it can be computed again.
        let Ok(snapshots) = store.snapshots(&owner, &run).await else { return };
        let Ok(intervals) = store.intervals(&owner, &run, 0, usize::MAX).await else { return };
        let record = RunRecord { state: self.ends_as(), ..self.record.clone() };
        match finish::result(&record, &self.scenario, &snapshots, &intervals) {
            Ok(result) => {
                let document = serde_json::to_value(&result).unwrap_or_default();
                let term = self.controller.term();
                match store.keep_analysis(&owner, &run, "result", term, &document).await {
                    Ok(true) => {
                        self.record.summary = Some(Box::new(RunSummary::of(&result)));
                        self.decide_at_end(&result);
                        self.end(Some(result.complete)).await;
                    }
                    Err(error) if error.is_lasting() => {
                        self.warn(&format!("the result could not be kept: {error}"));
                        self.record.ends_as = Some(RunState::Failed);
                        self.end(None).await;
                    }
                    // Another controller's stands there, or the store is away.
                    Ok(false) | Err(_) => {}
                }
            }
            Err(why) => {
                self.warn(&format!("the result could not be computed: {why}"));
                self.record.ends_as = Some(RunState::Failed);
                self.end(None).await;
            }
        }
    }

    pub(super) fn ends_as(&self) -> RunState {
        let stopped = self.standing.stopped_at.is_some();
        let otherwise = if stopped { RunState::Aborted } else { RunState::Completed };
        self.record.ends_as.unwrap_or(otherwise)
    }

    pub(super) async fn end(&mut self, complete: Option<bool>) {
        let state = self.ends_as();
        if !self.standing.closed {
            self.note(Entry::Close);
        }
        let found = self.seeking.as_mut().map_or(Value::Null, Seeking::found);
        self.event(ENDED, &format!("the run has ended: {}", state.name()), found);
        self.record.ended_unix_ms = Some(unix_millis());
        self.state(state);
        self.save();
        let mut kept = self.keeper.kept();
        self.keeper.flush();
        // While the store is away the run has not ended; the keeper tries again.
        let _ = kept.wait_for(|kept| kept.all || kept.superseded).await;
        let end = EndFrame { state, complete };
        self.driven.live().told.add(FrameData::End(end), Until::Now);
        self.show();
    }
}
