//! Snapshots into the run's intervals: published, kept, and held against its rules.

use super::super::merge::Published;
use super::super::{finish, live};
use super::Driver;
use crate::analysis::sla::Event;
use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::standing::Member;
use crate::cluster::store::{IntervalRecord, RunState};
use crate::record::{Merge, Snapshot};
use crate::result::Span;
use crate::time::{Nanos, SECOND};
use serde_json::json;
use std::collections::BTreeSet;

/// Every how many of these looks it is asked for snapshots as well, while the load is made.
const LOOK_EVERY: u64 = 10;

/// Refused snapshots that wait to be discarded.
const MOST_DISCARDS: usize = 100;

impl Driver {
    /// What could not be read must not stand in the way of what the worker says next.
    pub(super) async fn discard(&mut self) {
        let (term, run) = (self.controller.term(), self.record.id.clone());
        for (worker, epoch, seq) in std::mem::take(&mut self.discards) {
            let coordinator = &self.controller.coordinator;
            // If it is still there it comes again, and is discarded again.
            let _ = coordinator.discard(term, &run, &worker, epoch, seq).await;
        }
    }

    /// A snapshot whose way here was lost is still with the coordinator: asks for what is lacking.
    pub(super) async fn fetch_lacking(&mut self) {
        let run = self.record.id.clone();
        let lacking = self.owners_alive().iter().any(|member| !self.merging.is_final(member));
        let turn =
            self.checks.is_multiple_of(LOOK_EVERY) || self.record.state == RunState::Stopping;
        self.checks += 1;
        if lacking
            && turn
            && let Ok(newest) = self.controller.coordinator.newest(&run).await
        {
            newest.into_iter().for_each(|snapshot| self.snapshot(snapshot));
        }
    }

    pub(super) fn snapshot(&mut self, snapshot: SnapshotRecord) {
        let (worker, epoch, seq) = (snapshot.worker.clone(), snapshot.epoch, snapshot.seq);
        match self.merging.take(snapshot.clone()) {
            Ok(true) => self.keeper.snapshot(snapshot),
            Ok(false) => {}
            Err(why) => {
                let text = format!("a snapshot of worker {worker} was refused: {why}");
                let data = json!({"worker": worker, "epoch": epoch});
                self.warn(&text);
                self.event("snapshot_refused", &text, data);
                if self.discards.len() < MOST_DISCARDS {
                    self.discards.push((worker, epoch, seq));
                }
            }
        }
    }

    pub(super) fn merge(&mut self) {
        let Ok(now) = u64::try_from(self.run_now()) else { return };
        let measured = now.saturating_sub(self.course.measured_from());
        let living: BTreeSet<_> = self.owners_alive();
        while let Some(published) = self.merging.publish(&living, measured) {
            self.publish_interval(published);
        }
        let active = living.iter().filter(|member| !self.merging.is_final(member)).count();
        self.driven.live().active_workers = active as u64;
    }

    pub(super) fn owners_alive(&self) -> BTreeSet<Member> {
        let owners = self.standing.owners.iter();
        owners.filter(|member| !self.standing.lost.contains(*member)).cloned().collect()
    }

    /// Whatever has come is published, whoever is missing.
    pub(super) fn merge_all(&mut self) {
        let reported: BTreeSet<_> = self.standing.owners.iter().cloned().collect();
        let reported: BTreeSet<_> =
            reported.into_iter().filter(|member| self.merging.seq(member) > 0).collect();
        while let Some(published) = self.merging.publish(&reported, Nanos::MAX) {
            self.publish_interval(published);
        }
        self.store_interval(None);
    }

    pub(super) fn publish_interval(&mut self, published: Published) {
        let from = self.course.measured_from();
        let load_end = self.course.end_at().map(|end| end.saturating_sub(from));
        let span = live::span(&published, load_end);
        let lost = finish::lost(&self.standing);
        if !lost.is_empty() {
            let planned = self.course.due_by(from + span.to_ns);
            let due = published.total.total.counters.due;
            self.unknown = planned.map_or(0, |planned| planned.saturating_sub(due));
        }
        let events =
            self.driven.live().interval(&published, span, &self.course, self.unknown, lost);
        self.controller.count(&published.interval);
        self.driven.changed();
        let Published { interval, total: Snapshot { in_flight, backlog, .. }, .. } = published;
        self.store_interval(Some((
            Snapshot { total: interval, in_flight, backlog, ..Snapshot::default() },
            span,
        )));
        for event in events {
            self.rule_event(event);
        }
        let abort = self.driven.live().abort();
        if let Some(rule) = abort
            && matches!(self.record.state, RunState::Running | RunState::Paused)
        {
            let text = format!("the rule {rule} was violated, and says to end the run");
            self.stop(RunState::Aborted, "aborted_by_rule", &text);
        }
    }

    pub(super) fn rule_event(&mut self, event: Event) {
        let (kind, rule, actual) = match event {
            Event::Violated { rule, actual, .. } => ("sla_violated", rule, actual),
            Event::Recovered { rule, actual } => ("sla_recovered", rule, actual),
        };
        let rule = self.driven.live().rule(rule);
        let what = if kind == "sla_violated" { "is violated" } else { "holds again" };
        let data = json!({"rule": rule, "actual": actual});
        self.event(kind, &format!("the rule {rule} {what}: {actual}"), data);
    }

    /// Gathers intervals until they are as long as those that are stored; `None`: what there is.
    pub(super) fn store_interval(&mut self, next: Option<(Snapshot, Span)>) {
        let length = live::stored_seconds(&self.scenario);
        let flush = next.is_none();
        if let Some((interval, span)) = next {
            match &mut self.stored {
                Some((sum, whole)) => {
                    sum.total.merge(&interval.total);
                    (sum.in_flight, sum.backlog) = (interval.in_flight, interval.backlog);
                    whole.to_ns = span.to_ns;
                    whole.draining = span.draining;
                }
                None => self.stored = Some((interval, span)),
            }
        }
        let full = self
            .stored
            .as_ref()
            .is_some_and(|(_, span)| (span.to_ns / SECOND).is_multiple_of(length) || span.draining);
        if let Some((interval, span)) = self.stored.take_if(|_| full || flush) {
            let bytes = interval.encode().into();
            let Span { from_ns, to_ns, draining } = span;
            let number = from_ns / SECOND;
            self.keeper.interval(IntervalRecord { number, from_ns, to_ns, draining, bytes });
        }
    }
}
