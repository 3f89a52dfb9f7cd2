//! Turns what workers say of themselves into who belongs to a run, who could, and who is lost.

use super::{Driver, FRESH, Reports};
use crate::cluster::coordinator::{PROTOCOL, TaskState, WorkerReport};
use crate::cluster::journal::Entry;
use crate::cluster::planned_load::PlannedLoad;
use crate::cluster::standing::Member;
use crate::cluster::store::RunState;
use crate::cluster::{Lease, WorkerId};
use crate::scenario::OnWorkerLoss;
use crate::schedule::Share;
use crate::time::{Nanos, SECOND};
use serde_json::json;
use std::collections::BTreeMap;

/// How many entries of the journal members have applied.
#[derive(Default)]
pub(super) struct Applied {
    /// As each has said.
    by_member: BTreeMap<Member, u64>,
    /// Where another controller has driven the run: how many entries those have surely heard of whom
    /// nothing was heard since.
    pub(super) surely_heard: Option<u64>,
}

impl Driver {
    /// Remembers when each worker was last heard of.
    pub(super) fn look_at_workers(&mut self) {
        let seen = self.controller.workers.borrow();
        if self.beats.read(&seen) {
            // What was measured meanwhile is on its way, of one worker sooner than of another.
            self.intake.back = u64::try_from(self.run_now()).unwrap_or(0);
        }
    }

    pub(super) fn reports(&self) -> Reports {
        let seen = self.controller.workers.borrow();
        let newest = seen.list.iter().map(|seen| &seen.report);
        let newest = newest.filter(|report| self.beats.is_news(report));
        newest.map(|report| (report.worker.clone(), report.clone())).collect()
    }

    /// What the member goes by: another controller may have admitted it.
    fn lease(&self, member: &Member) -> Lease {
        self.standing.leases.get(member).copied().unwrap_or_default()
    }

    /// Whether the member has been silent for its lease, and could be heard.
    pub(super) fn is_silent(&self, member: &Member) -> bool {
        self.beats.quiet(&member.0) >= self.lease(member).length()
    }

    /// What the worker says of this run and of this term.
    pub(super) fn task<'a>(
        &self,
        reports: &'a Reports,
        member: &Member,
    ) -> Option<(&'a WorkerReport, &'a TaskState, u64)> {
        let report = reports.get(&member.0)?;
        let task = report.task.as_ref()?;
        (task.run == self.record.id && task.epoch == member.1).then_some((
            report,
            &task.state,
            task.applied,
        ))
    }

    /// Admits those that have taken a task; notes who could not take part.
    pub(super) fn admit(&mut self, reports: &Reports) {
        for report in reports.values() {
            let Some(task) = report.task.as_ref().filter(|task| task.run == self.record.id) else {
                continue;
            };
            let member = (report.worker.clone(), task.epoch);
            let known = self.standing.members.contains_key(&member)
                || self.standing.lost.contains_key(&member);
            match &task.state {
                TaskState::Taken if !known && report.protocol == PROTOCOL => {
                    match self.plan.key_for(&report.public_key) {
                        Ok(key) => {
                            let (worker, epoch) = member;
                            let means = Some(report.means());
                            let lease_ms = self.controller.options.lease.ms();
                            let name = report.name.clone();
                            self.note(Entry::Admit { worker, epoch, key, means, lease_ms, name });
                        }
                        Err(why) => self.refuse(member, &report.name, &why),
                    }
                }
                TaskState::Taken if !known => {
                    let why = format!(
                        "it speaks version {} of the protocol, and this controller version {PROTOCOL}",
                        report.protocol
                    );
                    self.refuse(member, &report.name, &why);
                }
                TaskState::Refused { reason } => self.refuse(member, &report.name, reason),
                _ => {}
            }
        }
    }

    pub(super) fn refuse(&mut self, member: Member, name: &str, why: &str) {
        if self.search.refusals.contains_key(&member) {
            return;
        }
        let text = format!("worker {name} could not take part: {why}");
        self.warn(&text);
        self.event("worker_refused", &text, json!({"worker": member.0}));
        self.search.refusals.insert(member.clone(), why.to_owned());
        if self.standing.members.contains_key(&member) {
            self.lose(member, &format!("it could not take part: {why}"));
        }
    }

    /// Members without a part that could have one.
    pub(super) fn ready(&self, reports: &Reports) -> Vec<Member> {
        let members = self.standing.members.keys();
        let is_ready = |member: &&Member| {
            self.task(reports, member).is_some_and(|(report, state, _)| {
                !report.draining && matches!(state, TaskState::Ready)
            }) && self.beats.silence(&member.0) < FRESH
        };
        members.filter(is_ready).cloned().collect()
    }

    /// Members that make load or could, and are surely there.
    pub(super) fn able(&self, reports: &Reports) -> BTreeMap<Member, Vec<Share>> {
        let members = self.standing.members.iter();
        let able = members.filter(|(member, _)| {
            if self.merging.is_final(member) {
                return false;
            }
            let task = self.task(reports, member);
            task.is_some_and(|(report, state, _)| {
                !report.draining && matches!(state, TaskState::Ready | TaskState::Running)
            }) && self.beats.silence(&member.0) < FRESH
        });
        able.map(|(member, parts)| (member.clone(), parts.clone())).collect()
    }

    /// Finds members that make no load any more and have not come to its end.
    pub(super) fn bury(&mut self, reports: &Reports) {
        let members: Vec<_> = self.standing.members.keys().cloned().collect();
        for member in members {
            let task = self.task(reports, &member);
            let fenced = matches!(task, Some((_, TaskState::Fenced, _)));
            // It lives, and is not in the run any more: it has let it go.
            let is_known = reports.contains_key(&member.0);
            let gone = is_known && task.is_none() && self.beats.silence(&member.0) < FRESH;
            if let Some((_, _, applied)) = task {
                let before =
                    self.applied.by_member.insert(member.clone(), applied).unwrap_or(applied);
                self.reach(before, applied);
            }
            let is_final = self.merging.is_final(&member);
            if is_final && !self.is_cut_short(&member, fenced) {
                continue;
            }
            // One that has gone, with all that it measured handed in, was drained too.
            let drains = task.map_or(is_final && !is_known, |(report, ..)| report.draining);
            if drains && (fenced || is_final) && !self.load_is_over() {
                self.leaves(member, "nobody came in time to take its share");
                continue;
            }
            if is_final && !fenced && self.has_more_to_send(&member) {
                self.leaves(member, "it had come to its end when more was given to it");
                continue;
            }
            let why = if (fenced || is_final) && !drains {
                "its lease was over".to_owned()
            } else if gone {
                "it is not in the run any more".to_owned()
            } else if self.is_silent(&member) {
                let lease = self.lease(&member).length();
                format!("nothing was heard of it for {} s", lease.as_secs_f64())
            } else {
                continue;
            };
            self.lose(member, &why);
        }
    }

    /// Whether a member that has handed in its last snapshot had more to do.
    pub(super) fn is_cut_short(&self, member: &Member, fenced: bool) -> bool {
        let owns = self.standing.members.get(member).is_some_and(|parts| !parts.is_empty());
        // Near the end its clock may be ahead of ours, and nothing is worth being given away.
        let near_end = |end: Nanos| self.run_now() + i128::from(SECOND) >= i128::from(end);
        let over = self.load.end_at().is_some_and(near_end);
        // Where their number ends an open loop, nobody but the worker knows that it had more to do.
        let had_more = self.scenario.max_requests.is_none() || self.has_more_to_send(member);
        owns && !over && (fenced || had_more)
    }

    pub(super) fn lose(&mut self, member: Member, why: &str) {
        let text = format!("worker {} was lost: {why}", self.name_of(&member.0));
        self.part_with(member, false, &text);
    }

    /// It hands in what it measured, and its parts have no owner any more.
    fn leaves(&mut self, member: Member, why: &str) {
        let name = self.name_of(&member.0);
        let text = format!("worker {name} has left, and {why}");
        self.part_with(member, true, &text);
    }

    fn part_with(&mut self, member: Member, left: bool, text: &str) {
        let owns = self.standing.members.get(&member).is_some_and(|parts| !parts.is_empty());
        // What it was to release may not have been released.
        let owned = owns || self.standing.released.iter().any(|(who, ..)| *who == member);
        let seen = self.applied.by_member.remove(&member);
        let (heard, applied) = (seen.or(self.applied.surely_heard).unwrap_or(0), seen.unwrap_or(0));
        let at_ns = u64::try_from(self.run_now()).unwrap_or(0);
        if owned {
            self.reach(heard, self.record.journal.len() as u64);
        }
        let (worker, epoch) = member;
        self.note(Entry::Lost { worker: worker.clone(), epoch, at_ns, applied, left });
        if !owned {
            return;
        }
        self.warn(text);
        let kind = if left { "worker_left" } else { "worker_lost" };
        self.event(kind, text, json!({"worker": worker, "epoch": epoch}));
        (self.search.since, self.search.ready_since) = (None, None);
        if self.scenario.on_worker_loss == OnWorkerLoss::Fail && !self.load_is_over() {
            self.stop(RunState::Failed, "failed", &format!("{text}, and onWorkerLoss is fail"));
        }
    }

    /// A worker has not heard of the entries `from` to `to` before this moment, if at all: until then
    /// it has sent what was due without them.
    fn reach(&mut self, from: u64, to: u64) {
        let now = u64::try_from(self.run_now()).unwrap_or(0);
        for number in from..to.min(self.record.journal.len() as u64) {
            let (known, unheard) = self.record.journal.split_at(number as usize);
            if matches!(unheard[0], Entry::Pause { .. } | Entry::Resume { .. } | Entry::Rate { .. })
            {
                let mut load = PlannedLoad::new(&self.scenario);
                known.iter().for_each(|entry| load.read(entry));
                let reached = load.due_by(now).unwrap_or(0);
                self.changed |= reached > self.record.reached;
                self.record.reached = self.record.reached.max(reached);
            }
        }
    }

    /// What people call a member's worker, and its id: it is told when it may be gone.
    pub(super) fn name_of(&self, worker: &WorkerId) -> String {
        self.standing.name_of(worker)
    }
}
