//! Turns what another controller has left of a run into a driver that goes on with it.

use super::super::api::{EndFrame, Frame, FrameData};
use super::super::books::Booked;
use super::super::frames::Until;
use super::super::merge::Published;
use super::super::{Inner, finish};
use super::Driver;
use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::journal::{self, Entry};
use crate::cluster::store::{IntervalRecord, RunState, TimelineEvent};
use crate::record::{Merge, Reading, Snapshot};
use crate::result::Span;
use crate::time::{Nanos, SECOND, nanos, now};
use serde_json::Value;
use std::iter;
use std::sync::PoisonError;
use std::time::Duration;

/// Between two tries to read what another controller has left.
const AGAIN: Duration = Duration::from_millis(500);

/// What is known of a run that another controller has driven.
pub(super) struct WhatIsLeft {
    /// As far as this platform has said it.
    journal: Vec<Entry>,
    /// Others have written there as well.
    is_anothers: bool,
    intervals: Vec<IntervalRecord>,
    stored: Vec<SnapshotRecord>,
    /// As the coordinator has them.
    carried: Vec<SnapshotRecord>,
}

impl Driver {
    /// Goes on with what another controller has left: its journal may be longer in the coordinator
    /// than in the store, and snapshots wait in both. All of it is read before anything is done: what
    /// is not seen would be overwritten.
    pub(super) async fn take_up(&mut self) {
        if self.record.state.has_ended() {
            return self.take_up_after_end().await;
        }
        if self.record.state == RunState::Queued {
            self.turn.is_told = self.record.timeline.iter().any(|event| event.kind == "queued");
            return self.resume_intervals(iter::empty());
        }
        let left = loop {
            match self.read_what_is_left().await {
                Some(read) => break read,
                None => tokio::time::sleep(AGAIN).await,
            }
        };
        let WhatIsLeft { journal, is_anothers, intervals, stored, carried } = left;
        if is_anothers {
            self.tell_who_wrote();
        }
        let known = self.record.journal.len();
        if journal.len() > known && journal[..known] == self.record.journal[..] {
            journal[known..].iter().for_each(|entry| self.note(entry.clone()));
        }
        let seen_to = self.load.measured_from() + intervals.last().map_or(0, |it| it.to_ns);
        self.applied.surely_heard = Some(self.heard_by(seen_to));
        self.start.is_told = self.standing.start_us.is_some();
        self.pin();
        match readable(&intervals) {
            Ok(read) => self.resume_intervals(read),
            Err(why) => {
                self.resume_intervals(iter::empty());
                self.warn(&format!("a stored interval cannot be read: {why}"));
            }
        }
        stored.into_iter().for_each(|snapshot| self.snapshot(snapshot));
        carried.into_iter().for_each(|snapshot| self.hear_snapshot(snapshot));
        // Nobody was listened to before this.
        self.beats.begin();
        self.event("controller_changed", "another controller has taken the run up", Value::Null);
    }

    /// The run has ended, and webhooks are to be told of it yet. Whoever asks sees what there was.
    async fn take_up_after_end(&mut self) {
        self.close().await;
        let (owner, run) = (&self.record.owner, &self.record.id);
        let store = &self.controller.store;
        let intervals = store.intervals(owner, run, 0, usize::MAX).await.unwrap_or_default();
        let result = store.analysis(owner, run, "result").await.ok().flatten();
        let complete = result.and_then(|result| result["complete"].as_bool());
        self.resume_intervals(readable(&intervals).into_iter().flatten());
        let end = EndFrame { state: self.record.state, complete };
        self.driven.live().told.add(FrameData::End(end), Until::Now);
        self.show();
    }

    /// How many entries every member that was there at `seen_to` had heard in time: one that cannot hear
    /// is not there for longer than its lease.
    fn heard_by(&self, seen_to: Nanos) -> u64 {
        let leases = self.standing.leases.values().map(|lease| lease.length());
        let lease = nanos(leases.max().unwrap_or_default());
        let unsure = |entry: &Entry| match entry {
            Entry::Pause { at_ns } | Entry::Resume { at_ns } | Entry::Rate { at_ns, .. } => {
                *at_ns + lease >= seen_to
            }
            _ => false,
        };
        let journal = &self.record.journal;
        journal.iter().position(unsure).unwrap_or(journal.len()) as u64
    }

    pub(super) async fn read_what_is_left(&self) -> Option<WhatIsLeft> {
        let Inner { coordinator, store, clock, signer, .. } = &*self.controller;
        let (owner, run) = (&self.record.owner, &self.record.id);
        let journal = coordinator.journal(run, 0, Duration::ZERO).await.ok()?;
        let intervals = store.intervals(owner, run, 0, usize::MAX).await.ok()?;
        let stored = store.snapshots(owner, run).await.ok()?;
        let carried = coordinator.newest(run).await.ok()?;
        let sent = now();
        let us = coordinator.now_us().await.ok()?;
        clock.lock().unwrap_or_else(PoisonError::into_inner).learn(sent, now(), us);
        let (journal, wrong) = journal::entries(signer, run, &journal.unwrap_or_default());
        Some(WhatIsLeft { journal, is_anothers: wrong.is_some(), intervals, stored, carried })
    }

    /// Finds the instant at which the run's clock shows 0.
    pub(super) fn pin(&mut self) {
        let Some(start_us) = self.standing.start_us else { return };
        let (here, there) = (now(), self.controller.now_us());
        self.start.zero = match start_us.checked_sub(there) {
            Some(ahead) => here.checked_add(Duration::from_micros(ahead)),
            None => here.checked_sub(Duration::from_micros(there - start_us)),
        };
    }

    /// Shows what was shown, under the same numbers, and goes on after it.
    pub(super) fn resume_intervals(&mut self, read: impl Iterator<Item = (Snapshot, Span)>) {
        let told =
            |event: &TimelineEvent| Frame { seq: event.seq, data: FrameData::Event(event.clone()) };
        let mut frames: Vec<_> = self.record.timeline.iter().map(told).collect();
        let from = self.load.measured_from();
        let (mut total, mut replayed, mut last) = (Snapshot::default(), Vec::new(), None);
        for (interval, span) in read {
            last = Some(span);
            self.tell_search(&interval.total, span);
            total.total.merge(&interval.total);
            (total.in_flight, total.backlog) = (interval.in_flight, interval.backlog);
            total.elapsed_ns = span.to_ns;
            let mut published = Published {
                number: span.from_ns / SECOND,
                end_ns: span.to_ns,
                interval: interval.total.clone(),
                total: total.clone(),
                workers: interval.workers.clone(),
                worker_totals: Vec::new(),
            };
            let planned = self.load.due_by(from + span.to_ns);
            let booked = Booked::read(&interval);
            let (booked, unknown_of) = self.books.restore(&mut published, planned, booked);
            let lost = finish::lost(&self.standing, |member| self.merging.is_final(member));
            let mut live = self.driven.live();
            // What cannot be read any more is missed, and nothing rests on it.
            live.observed(&Reading::unpack(&interval.observed).unwrap_or_default());
            let unknown = (booked.unknown, unknown_of);
            let (events, frame) = live.interval(&published, span, &self.load, unknown, lost);
            drop(live);
            replayed.extend(events.into_iter().map(|event| (event, span)));
            frames.push(Frame { seq: interval.seq, data: FrameData::Interval(Box::new(frame)) });
        }
        self.driven.live().told.resumes(frames);
        if !self.record.state.has_ended() {
            self.decide_what_is_lacking(replayed);
        }
        if let Some(last) = last {
            self.merging.resume(last.to_ns.div_ceil(SECOND), total.total);
        }
    }
}

/// Stored intervals, one at a time, if every one of them can be read.
fn readable(
    intervals: &[IntervalRecord],
) -> Result<impl Iterator<Item = (Snapshot, Span)>, String> {
    let read = finish::read_intervals(intervals);
    match read.clone().find_map(Result::err) {
        None => Ok(read.flatten()),
        Some(why) => Err(why),
    }
}
