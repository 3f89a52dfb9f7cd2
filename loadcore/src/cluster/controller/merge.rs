//! Workers' cumulative snapshots into the run's intervals, under a watermark.
//!
//! An interval is published when every worker that makes load has reported it, or when one is so
//! late that the others' figures should not wait for it. What comes later is part of a later
//! interval: the totals are right in any case, since each snapshot holds everything before it.

use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::standing::Member;
use crate::record::{Interval, Merge, Snapshot};
use crate::time::{MILLISECOND, Nanos, SECOND};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How long after its end an interval waits for workers that are late.
const GRACE: Nanos = 1_200 * MILLISECOND;
/// Snapshots kept of one worker until their intervals are published.
const MOST_WAITING: usize = 64;

/// The newest snapshots of each member, and how far they were merged.
#[derive(Debug, Default)]
pub(super) struct Merging {
    members: BTreeMap<Member, Reported>,
    /// Everything up to the last published interval.
    total: Interval,
    published: u64,
}

#[derive(Debug, Default)]
struct Reported {
    /// In the order of their numbers; the first is in `total` already, or is older than the rest.
    snapshots: VecDeque<SnapshotRecord>,
    seq: u64,
    is_final: bool,
}

/// An interval of the whole run.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) number: u64,
    pub(super) interval: Interval,
    /// Everything up to its end.
    pub(super) total: Snapshot,
}

impl Merging {
    /// Takes a snapshot in, if it is newer than what is known of its worker; says whether it was.
    ///
    /// # Errors
    /// When it is damaged, of a newer version, or not what it says it is.
    pub(super) fn take(&mut self, snapshot: SnapshotRecord) -> Result<bool, String> {
        let read = Snapshot::decode(&snapshot.bytes).map_err(|error| error.to_string())?;
        let said = (snapshot.worker.as_str(), snapshot.epoch, snapshot.seq, snapshot.is_final);
        if said != (read.worker.as_str(), read.epoch, read.seq, read.is_final) {
            return Err(
                "it holds another worker's snapshot, or another number, than it says".into()
            );
        }
        let member = (snapshot.worker.clone(), snapshot.epoch);
        let reported = self.members.entry(member).or_default();
        if snapshot.seq <= reported.seq {
            return Ok(false);
        }
        reported.seq = snapshot.seq;
        reported.is_final |= snapshot.is_final;
        if reported.snapshots.len() == MOST_WAITING {
            reported.snapshots.pop_front();
        }
        reported.snapshots.push_back(snapshot);
        Ok(true)
    }

    /// Members whose last snapshot has come.
    pub(super) fn is_final(&self, member: &Member) -> bool {
        self.members.get(member).is_some_and(|reported| reported.is_final)
    }

    /// The newest number of each member.
    pub(super) fn seq(&self, member: &Member) -> u64 {
        self.members.get(member).map_or(0, |reported| reported.seq)
    }

    /// Goes on after `published` intervals that another controller has merged to `total`.
    pub(super) fn resume(&mut self, published: u64, total: Interval) {
        (self.published, self.total) = (published, total);
    }

    /// The next interval, if it may be published at `now` (of the measured time): of the members
    /// that make load all have reported it, or some have and the others are late.
    pub(super) fn publish(&mut self, living: &BTreeSet<Member>, now: Nanos) -> Option<Published> {
        let end = (self.published + 1) * SECOND;
        let has = |reported: &Reported| {
            reported.is_final || reported.snapshots.back().is_some_and(|it| it.elapsed_ns >= end)
        };
        let come = living.iter().filter(|member| self.members.get(*member).is_some_and(has));
        let come = come.count();
        let all = come == living.len();
        let furthest = self.members.values().filter_map(|it| it.snapshots.back());
        let furthest = furthest.map(|it| it.elapsed_ns).max()?;
        // Something must lie in the interval: of the last one perhaps a part.
        let begun = furthest > self.published * SECOND;
        if !begun || !(all || (come > 0 && now >= end + GRACE)) {
            return None;
        }
        Some(self.close(end))
    }

    fn close(&mut self, end: Nanos) -> Published {
        let mut merged = Snapshot { worker: String::new(), ..Snapshot::default() };
        for reported in self.members.values_mut() {
            // The newest that lies in the published time stands for all before it.
            while reported.snapshots.get(1).is_some_and(|next| next.elapsed_ns <= end) {
                reported.snapshots.pop_front();
            }
            let Some(record) = reported.snapshots.front().filter(|it| it.elapsed_ns <= end) else {
                continue;
            };
            // It was read when it came in.
            let Ok(snapshot) = Snapshot::decode(&record.bytes) else { continue };
            merged.total.merge(&snapshot.total);
            merged.in_flight += snapshot.in_flight;
            merged.backlog += snapshot.backlog;
            merged.elapsed_ns = merged.elapsed_ns.max(snapshot.elapsed_ns);
        }
        let mut interval = merged.total.clone();
        if interval.subtract(&self.total).is_err() {
            // Less than before: a snapshot that was merged is not to be had any more.
            interval = Interval::default();
            let known = std::mem::take(&mut self.total);
            merged.total = known;
        }
        let number = self.published;
        self.published += 1;
        self.total = merged.total.clone();
        merged.seq = self.published;
        merged.elapsed_ns = merged.elapsed_ns.min(end);
        Published { number, interval, total: merged }
    }
}
