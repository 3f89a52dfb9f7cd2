//! Turns snapshots into the run's intervals: published, kept, and held against its rules.

use super::super::api::FrameData;
use super::super::books::{Booked, Evidence};
use super::super::frames::Until;
use super::super::merge::Published;
use super::super::refusals::Words;
use super::super::{finish, live};
use super::{Driver, FRESH};
use crate::cluster::WorkerId;
use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::journal::Epoch;
use crate::cluster::standing::Member;
use crate::cluster::store::{IntervalRecord, RunState};
use crate::record::{Merge, Reading, Snapshot, WorkerInterval, absorb_workers, keep_worst};
use crate::result::Span;
use crate::run::http_options;
use crate::run::observe::{Readings, Watched};
use crate::time::{Clock, Nanos, SECOND};
use serde_json::json;
use std::collections::BTreeSet;

/// Every how many of these looks it is asked for snapshots as well, while the load is made.
const LOOK_EVERY: u64 = 10;

/// Bytes of what the target told that are kept with one interval, of however many seconds: what does not
/// fit is lost, as far as controllers that come later are concerned.
const MOST_OBSERVED: usize = 1 << 20;

/// Refused snapshots that wait to be discarded.
const MOST_DISCARDS: usize = 100;

/// Workers of whom it is told that a snapshot in their name was refused, and characters of such a name.
const MOST_REFUSED: usize = 100;
const MOST_NAME: usize = 100;

/// Snapshots on their way into intervals.
#[derive(Default)]
pub(super) struct Intake {
    /// The interval that is being gathered for the store, of several seconds in a long run.
    gathered: Option<(Snapshot, Span)>,
    /// Snapshots that were refused.
    discards: Vec<(WorkerId, Epoch, u64)>,
    /// In whose names they were.
    refused: BTreeSet<String>,
    /// How often it was looked for those that were lost on their way.
    checks: u64,
    /// What the target tells of itself, once the run has a clock.
    readings: Option<Readings>,
    /// What it has told and is not yet kept, packed.
    observed: Vec<u8>,
    /// When the last outage of the coordinator ended, on the run's clock.
    pub(super) back: Nanos,
}

impl Driver {
    /// What could not be read must not stand in the way of what the worker says next.
    pub(super) async fn discard(&mut self) {
        let (term, run) = (self.controller.term(), self.record.id.clone());
        for (worker, epoch, seq) in std::mem::take(&mut self.intake.discards) {
            let coordinator = &self.controller.coordinator;
            // If it is still there it comes again, and is discarded again.
            let _ = coordinator.discard(term, &run, &worker, epoch, seq).await;
        }
    }

    /// A snapshot whose way here was lost is still with the coordinator: asks for what is lacking.
    pub(super) async fn fetch_lacking(&mut self) {
        let lacking = self.owners_alive().iter().any(|member| !self.merging.is_final(member));
        let turn = self.intake.checks.is_multiple_of(LOOK_EVERY)
            || self.record.state == RunState::Stopping;
        self.intake.checks += 1;
        if lacking && turn {
            self.fetch_newest().await;
        }
    }

    /// Takes in what the coordinator has of all workers; `false`: it did not answer.
    pub(super) async fn fetch_newest(&mut self) -> bool {
        let newest = self.controller.coordinator.newest(&self.record.id).await;
        let answered = newest.is_ok();
        newest.into_iter().flatten().for_each(|snapshot| self.hear_snapshot(snapshot));
        answered
    }

    /// Takes in a snapshot as it was carried: if its worker has said it, and was ever given a part of this
    /// run's load.
    pub(super) fn hear_snapshot(&mut self, carried: SnapshotRecord) {
        let (worker, epoch, seq) = (carried.worker.clone(), carried.epoch, carried.seq);
        let refused = match carried.read() {
            Ok(snapshot) if self.standing.owners.contains(&(worker.clone(), epoch)) => {
                return self.snapshot(snapshot);
            }
            // If it is given one later it says it again.
            Ok(_) => "it has no part of this run's load".to_owned(),
            Err(why) => {
                self.controller.refusals.note(Words::Snapshot, worker.as_str(), why);
                self.discards(&worker, epoch, seq);
                why.to_string()
            }
        };
        self.tell_refused(&worker, &refused);
    }

    /// Takes in a snapshot that is its worker's.
    pub(super) fn snapshot(&mut self, snapshot: SnapshotRecord) {
        let (worker, epoch, seq) = (snapshot.worker.clone(), snapshot.epoch, snapshot.seq);
        match self.merging.take(snapshot.clone()) {
            Ok(true) => self.keeper.snapshot(snapshot),
            Ok(false) => {}
            Err(why) => {
                self.discards(&worker, epoch, seq);
                self.tell_refused(&worker, &why);
            }
        }
    }

    fn discards(&mut self, worker: &WorkerId, epoch: Epoch, seq: u64) {
        if self.intake.discards.len() < MOST_DISCARDS {
            self.intake.discards.push((worker.clone(), epoch, seq));
        }
    }

    /// Says so once of each name, and of few: anybody may say anything in any name.
    fn tell_refused(&mut self, worker: &WorkerId, why: &str) {
        let worker: String = worker.0.chars().take(MOST_NAME).collect();
        let refused = &mut self.intake.refused;
        if refused.len() < MOST_REFUSED && refused.insert(worker.clone()) {
            let text = format!("a snapshot of worker {worker} was refused: {why}");
            self.warn(&text);
            self.event("snapshot_refused", &text, json!({"worker": worker}));
        }
    }

    pub(super) fn merge(&mut self) {
        self.take_observed();
        let Ok(now) = u64::try_from(self.run_now()) else { return };
        let from = self.load.measured_from();
        let measured = now.saturating_sub(from);
        let back = self.intake.back.saturating_sub(from);
        let awaited = self.awaited();
        while let Some(published) = self.merging.publish(&awaited, measured, back) {
            self.publish_interval(published);
        }
        let alive = self.owners_alive();
        let active = alive.iter().filter(|member| !self.merging.is_final(member)).count();
        self.driven.live().active_workers = active as u64;
    }

    /// Asks the target what it tells of itself, once the run has a clock, and takes what it has told. One
    /// controller asks, the one that drives the run.
    fn take_observed(&mut self) {
        let Some(zero) = self.start.zero.filter(|_| !self.scenario.observe.is_empty()) else {
            return;
        };
        if self.intake.readings.is_none() {
            let policy = self.controller.options.policy.clone();
            let tls = http_options(&self.scenario).tls;
            let watched = Watched::new(self.scenario.observe.clone(), policy, tls)
                .map(|it| it.answered_for_by(self.controller.options.contact.clone()));
            let measured_from = self.load.measured_from();
            self.intake.readings =
                watched.map(|it| it.read_here(Clock::starting_at(zero), measured_from));
        }
        let readings = self.intake.readings.iter_mut().flat_map(Readings::new_ones);
        let readings: Vec<_> = readings.collect();
        self.driven.live().observed(&readings);
        // They are kept with the interval that is published next.
        Reading::pack(&readings, &mut self.intake.observed);
    }

    pub(super) fn owners_alive(&self) -> BTreeSet<Member> {
        let owners = self.standing.owners.iter();
        owners.filter(|member| !self.standing.lost.contains_key(*member)).cloned().collect()
    }

    /// Members whose reports an interval waits for: those that make load, and those that do not any
    /// more and are handing in what they have measured.
    fn awaited(&self) -> BTreeSet<Member> {
        let lost =
            self.standing.lost.keys().filter(|member| self.standing.owners.contains(*member));
        let lost: Vec<_> = lost.filter(|member| !self.merging.is_final(member)).collect();
        let mut awaited = self.owners_alive();
        if !lost.is_empty() {
            let reports = self.reports();
            let hands_in = |member: &&&Member| {
                self.task(&reports, member).is_some() && self.beats.silence(&member.0) < FRESH
            };
            awaited.extend(lost.iter().filter(hands_in).map(|member| (*member).clone()));
        }
        awaited
    }

    /// What is known of those who have made load up to `end` of the measured time.
    fn evidence(&self, end: Nanos) -> Evidence {
        let lacks = |member: &&Member| !self.merging.has_told(member, end);
        let lacking: Vec<_> = self.standing.owners.iter().filter(lacks).collect();
        if lacking.iter().any(|member| self.standing.lost.contains_key(*member)) {
            return Evidence::Lost;
        }
        // A part that was released is taken from that moment on.
        let end = self.load.measured_from() + end;
        let changes_hands = self.standing.released.iter().any(|(_, _, from_ns, _)| *from_ns < end);
        let whole = lacking.is_empty() && !changes_hands;
        if whole { Evidence::Whole } else { Evidence::Late }
    }

    /// Publishes whatever has come, also where members are missing.
    pub(super) fn merge_all(&mut self) {
        let reported: BTreeSet<_> = self.standing.owners.iter().cloned().collect();
        let reported: BTreeSet<_> =
            reported.into_iter().filter(|member| self.merging.seq(member) > 0).collect();
        while let Some(published) = self.merging.publish(&reported, Nanos::MAX, 0) {
            self.publish_interval(published);
        }
        self.store_interval(None);
    }

    pub(super) fn publish_interval(&mut self, mut published: Published) {
        let from = self.load.measured_from();
        let mut load_end = self.load.end_at().map(|end| end.saturating_sub(from));
        if self.number_has_ended_it() {
            load_end = Some(published.total.elapsed_ns);
        }
        let span = live::span(&published, load_end);
        let Snapshot { in_flight, backlog, .. } = published.total;
        self.name(&mut published.workers);
        self.name(&mut published.worker_totals);
        keep_worst(&mut published.workers);
        let total = published.interval.clone();
        let planned = self.load.due_by(from + span.to_ns);
        let evidence = self.evidence(span.to_ns);
        let (booked, unknown_of) = self.books.book(&mut published, planned, evidence);
        let lost = finish::lost(&self.standing, |member| self.merging.is_final(member));
        let mut live = self.driven.live();
        let unknown = (booked.unknown, unknown_of);
        let (events, frame) = live.interval(&published, span, &self.load, unknown, lost);
        let length = live::stored_seconds(&self.scenario, span.from_ns / SECOND);
        // Of several seconds in one another controller could not show each.
        let until = if length == 1 { Until::Interval(span.from_ns / SECOND) } else { Until::Now };
        let seq = live.told.add(FrameData::Interval(Box::new(frame)), until);
        drop(live);
        self.controller.count(&published.interval);
        let workers = published.workers;
        let observed = std::mem::take(&mut self.intake.observed);
        let mut stored =
            Snapshot { seq, total, in_flight, backlog, workers, observed, ..Snapshot::default() };
        booked.write(&mut stored);
        self.tell_search(&stored.total, span);
        self.store_interval(Some((stored, span)));
        for event in events {
            self.rule_event(event, span);
        }
        let abort = self.driven.live().abort();
        if let Some(rule) = abort
            && matches!(self.record.state, RunState::Running | RunState::Paused)
        {
            let text = format!("the rule {rule} was violated, and says to end the run");
            self.stop(RunState::Aborted, "aborted_by_rule", &text);
        }
    }

    /// Gives workers the names that people know, with their ids.
    fn name(&self, workers: &mut [WorkerInterval]) {
        for it in &mut *workers {
            it.worker = self.standing.name_of(&WorkerId(std::mem::take(&mut it.worker)));
        }
        workers.sort_by(|a, b| a.worker.cmp(&b.worker));
    }

    /// Gathers intervals until they are as long as those that are stored; `None`: what there is.
    pub(super) fn store_interval(&mut self, next: Option<(Snapshot, Span)>) {
        let flush = next.is_none();
        if let Some((interval, span)) = next {
            match &mut self.intake.gathered {
                Some((sum, whole)) => {
                    sum.total.merge(&interval.total);
                    (sum.in_flight, sum.backlog) = (interval.in_flight, interval.backlog);
                    sum.seq = interval.seq;
                    absorb_workers(&mut sum.workers, &interval.workers);
                    keep_worst(&mut sum.workers);
                    if sum.observed.len() + interval.observed.len() <= MOST_OBSERVED {
                        sum.observed.extend_from_slice(&interval.observed);
                    }
                    let (before, new) = (Booked::read(sum), Booked::read(&interval));
                    Booked { fenced: before.fenced + new.fenced, ..new }.write(sum);
                    whole.to_ns = span.to_ns;
                    whole.draining = span.draining;
                }
                None => self.intake.gathered = Some((interval, span)),
            }
        }
        let full = self.intake.gathered.as_ref().is_some_and(|(_, span)| {
            let length = live::stored_seconds(&self.scenario, span.from_ns / SECOND);
            (span.to_ns / SECOND).is_multiple_of(length) || span.draining
        });
        if let Some((interval, span)) = self.intake.gathered.take_if(|_| full || flush) {
            let bytes = interval.encode().into();
            let Span { from_ns, to_ns, draining } = span;
            let number = from_ns / SECOND;
            self.keeper.interval(IntervalRecord { number, from_ns, to_ns, draining, bytes });
        }
    }
}
