//! Parts of the schedule that are nobody's into the hands of those that are there, or are still to
//! come.

use super::{Driver, ElapsedNow, FRESH, Reports};
use crate::cluster::coordinator::{PROTOCOL, WorkerReport};
use crate::cluster::journal::Entry;
use crate::cluster::standing::{Standing, divide};
use crate::time::{MILLISECOND, Nanos, now, seconds};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// From the decision to the moment from which a lost worker's parts are another's.
const TAKE_NOTICE: Nanos = 700 * MILLISECOND;
/// From the decision to the moment from which a draining worker's parts are another's.
const RELEASE_NOTICE: Nanos = 1_500 * MILLISECOND;

impl Driver {
    /// Members that have ever taken a task of this run.
    pub(super) fn came(&self) -> u32 {
        let Standing { members, lost, .. } = &self.standing;
        let refused = self.refusals.keys();
        let refused = refused.filter(|it| !members.contains_key(*it) && !lost.contains(*it));
        (members.len() + lost.len() + refused.count()) as u32
    }

    pub(super) fn open_tasks(&self) -> u32 {
        self.tasks.unwrap_or(0).saturating_sub(self.came())
    }

    /// How many workers the run still needs. One that refused is replaced if there is another.
    pub(super) fn lacking(&self, reports: &Reports) -> u32 {
        let refused: BTreeSet<_> = self.refusals.keys().map(|(worker, _)| worker).collect();
        let is_idle = |report: &&WorkerReport| {
            report.task.is_none()
                && !report.draining
                && report.protocol == PROTOCOL
                && !refused.contains(&report.worker)
                && self.silence(&report.worker) < FRESH
        };
        let idle = reports.values().filter(is_idle).count();
        let lost_for_good = refused.len().saturating_sub(idle);
        let members = self.standing.members.keys();
        let living = members.filter(|member| !self.merging.is_final(member)).count();
        self.scenario.num_workers.saturating_sub((living + lost_for_good) as u32)
    }

    /// Offers tasks until so many are open.
    pub(super) async fn offer(&mut self, wanted: u32) {
        if self.published.is_none() {
            return;
        }
        let (term, run) = (self.controller.term(), self.record.id.clone());
        let coordinator = Arc::clone(&self.controller.coordinator);
        if self.tasks.is_none() {
            // What was offered before may be there or not.
            if coordinator.withdraw(term, &run).await.is_err() {
                return;
            }
            self.tasks = Some(self.came());
        }
        let count = wanted.saturating_sub(self.open_tasks());
        if count > 0 {
            self.controller.want_local_workers(wanted);
            let offered = coordinator.offer(term, &run, count).await.is_ok();
            let open = self.came() + self.open_tasks() + count;
            self.tasks = offered.then_some(open);
        }
    }

    /// Gives what is nobody's to those that are there; with none, offers it to whoever comes.
    pub(super) async fn give_orphans(&mut self, reports: &Reports) {
        let orphans = self.standing.orphans.clone();
        if orphans.is_empty() {
            return;
        }
        let able = self.able(reports);
        let working = able.values().any(|parts| !parts.is_empty());
        let silent = self.standing.members.iter();
        let mut silent = silent.filter(|(member, _)| !self.merging.is_final(member));
        let silent = silent.any(|(_, parts)| !parts.is_empty());
        if able.is_empty() {
            if !silent {
                let lacking = self.lacking(reports);
                self.offer(lacking).await;
            }
            return;
        }
        if !working {
            // Newcomers alone: a moment for all of them to get ready.
            let since = *self.ready_since.get_or_insert_with(now);
            let all = able.len() as u32 >= self.scenario.num_workers;
            if !all && since.elapsed_now() < Duration::from_secs(2) {
                return;
            }
        }
        let from_ns = self.moment(TAKE_NOTICE);
        for ((worker, epoch), part) in divide(&orphans, &able) {
            let past = self.reached;
            self.note(Entry::Take { worker, epoch, part, from_ns, past });
        }
        let at = seconds(from_ns);
        let text = format!("the lost share was divided among {} workers", able.len());
        self.event("rebalanced", &text, json!({"workers": able.len(), "fromRunSecond": at}));
    }

    /// Parts of draining workers: released first, taken by others when that was acknowledged.
    pub(super) fn hand_over(&mut self, reports: &Reports) {
        let able = self.able(reports);
        if able.is_empty() {
            return;
        }
        let members: Vec<_> = self.standing.members.clone().into_iter().collect();
        for (member, parts) in members {
            let draining = self.task(reports, &member).is_some_and(|(report, ..)| report.draining);
            if draining && !parts.is_empty() {
                let from_ns = self.moment(RELEASE_NOTICE);
                let (worker, epoch) = member;
                for part in parts {
                    let worker = worker.clone();
                    self.note(Entry::Release { worker, epoch, part, from_ns });
                }
                let name = self.name_of(&worker);
                let text = format!("worker {name} leaves and hands its share over");
                self.event("worker_draining", &text, json!({"worker": worker}));
            }
        }
        for (member, part, from_ns, entry) in self.standing.released.clone() {
            let task = self.task(reports, &member);
            // Applied, or gone with everything handed in.
            let applied = task.is_some_and(|(_, _, applied)| applied > entry)
                || self.merging.is_final(&member);
            if applied {
                for ((worker, epoch), part) in divide(&[part], &able) {
                    self.note(Entry::Take { worker, epoch, part, from_ns, past: 0 });
                }
            }
        }
    }
}
