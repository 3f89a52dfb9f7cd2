//! Gives parts of the schedule that have no owner, or that a draining worker gives away, to members
//! of the run, to idle spares, or to workers that come later.
//!
//! Two kinds of parts look for an owner: those of workers that were lost, and those of workers that
//! drain. In both cases idle spares are asked in, up to `numWorkers`, and get a moment to get
//! ready; then the parts are divided among all that are there. A part without an owner is taken at
//! once. A draining worker goes on with what it has until there is an heir, releases it as of a
//! moment ahead, and the heir takes it as of the same moment once that was acknowledged: no gap, no
//! overlap.

use super::divide::{Divided, take};
use super::left::Left;
use super::{Driver, ElapsedNow, FRESH, Reports};
use crate::cluster::coordinator::{PROTOCOL, TaskState, WorkerReport};
use crate::cluster::journal::Entry;
use crate::cluster::standing::{Member, Standing};
use crate::scenario::OnWorkerLoss;
use crate::schedule::Share;
use crate::time::{MILLISECOND, Nanos, now, seconds};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From the decision to the moment from which a lost worker's parts are another's.
const TAKE_NOTICE: Nanos = 700 * MILLISECOND;
/// From the decision to the moment from which a draining worker's parts are another's.
const RELEASE_NOTICE: Nanos = 1_500 * MILLISECOND;
/// How long idle spares may take to get ready while others could take what is to be given.
const SPARES: Duration = Duration::from_millis(800);
/// How long newcomers wait for each other where nobody else is there.
const NEWCOMERS: Duration = Duration::from_secs(2);
/// Tasks that brought nobody for so long are offered anew: a worker may have died after it took
/// one.
const OFFER_AGAIN: Duration = Duration::from_secs(10);

/// Members that can take parts, with those that they have.
pub(super) type Able = BTreeMap<Member, Vec<Share>>;

/// The search for owners of parts that have none.
pub(super) struct Search {
    /// Since when it goes on.
    pub(super) since: Option<Instant>,
    /// Since when there is a worker that could take them.
    pub(super) ready_since: Option<Instant>,
    /// When tasks were offered last with none open before.
    asked_in: Instant,
    /// Members that could not take part, and why.
    pub(super) refusals: BTreeMap<Member, String>,
}

impl Search {
    pub(super) fn new() -> Self {
        Self { since: None, ready_since: None, asked_in: now(), refusals: BTreeMap::new() }
    }
}

impl Driver {
    /// Members that have ever taken a task of this run.
    pub(super) fn came(&self) -> u32 {
        let Standing { members, lost, .. } = &self.standing;
        let refused = self.search.refusals.keys();
        let refused = refused.filter(|it| !members.contains_key(*it) && !lost.contains_key(*it));
        (members.len() + lost.len() + refused.count()) as u32
    }

    pub(super) fn open_tasks(&self) -> u32 {
        self.carried.tasks.unwrap_or(0).saturating_sub(self.came())
    }

    /// Workers that could take a task of this run now: in no run, and surely there.
    pub(super) fn idle(&self, reports: &Reports) -> usize {
        let refused: BTreeSet<_> = self.search.refusals.keys().map(|(worker, _)| worker).collect();
        let is_idle = |report: &&WorkerReport| {
            report.task.is_none()
                && !report.draining
                && report.protocol == PROTOCOL
                && !refused.contains(&report.worker)
                && self.beats.silence(&report.worker) < FRESH
        };
        reports.values().filter(is_idle).count()
    }

    /// How many workers the run still needs. One that refused is replaced if there is another, and
    /// one that drains too.
    pub(super) fn lacking(&self, reports: &Reports) -> u32 {
        let refused: BTreeSet<_> = self.search.refusals.keys().map(|(worker, _)| worker).collect();
        let lost_for_good = refused.len().saturating_sub(self.idle(reports));
        let members = self.standing.members.keys();
        let living = members
            .filter(|member| !self.merging.is_final(member) && !self.is_draining(reports, member));
        self.wanted().saturating_sub((living.count() + lost_for_good) as u32)
    }

    fn is_draining(&self, reports: &Reports, member: &Member) -> bool {
        self.task(reports, member).is_some_and(|(report, ..)| report.draining)
    }

    /// Offers tasks until so many are open.
    pub(super) async fn offer(&mut self, wanted: u32) {
        if self.carried.journal.is_none() {
            return;
        }
        let (term, run) = (self.controller.term(), self.record.id.clone());
        let coordinator = Arc::clone(&self.controller.coordinator);
        if wanted > 0 && self.search.asked_in.elapsed_now() > OFFER_AGAIN {
            self.carried.tasks = None;
        }
        if self.carried.tasks.is_none() {
            self.search.asked_in = now();
            // What was offered before may be there or not.
            if coordinator.withdraw(term, &run).await.is_err() {
                return;
            }
            self.carried.tasks = Some(self.came());
        }
        let count = wanted.saturating_sub(self.open_tasks());
        if count > 0 {
            self.controller.want_local_workers(wanted);
            let offered = coordinator.offer(term, &run, count).await.is_ok();
            let open = self.came() + self.open_tasks() + count;
            self.carried.tasks = offered.then_some(open);
        }
    }

    /// Takes back the tasks that nobody has taken.
    pub(super) async fn withdraw(&mut self) {
        let (term, run) = (self.controller.term(), &self.record.id);
        let _ = self.controller.coordinator.withdraw(term, run).await;
        self.carried.tasks = None;
    }

    /// Finds an owner for each part that has none, or whose owner drains.
    pub(super) async fn share_out(&mut self, reports: &Reports) {
        let rebalances = self.scenario.on_worker_loss == OnWorkerLoss::Rebalance;
        let orphans = if rebalances { self.standing.orphans.clone() } else { Vec::new() };
        let orphans = self.left_of(&orphans);
        let leaving = self.leaving(reports);
        if orphans.is_empty() && leaving.is_empty() && self.standing.released.is_empty() {
            self.search.since = None;
            if self.open_tasks() > 0 {
                self.withdraw().await;
            }
        } else if self.heirs_are_there(reports).await {
            self.give_orphans(&orphans, reports);
            self.release(leaving, reports);
        }
        self.hand_over(reports);
    }

    /// Whether there are any, and nobody worth waiting for is on the way. Asks spares in.
    async fn heirs_are_there(&mut self, reports: &Reports) -> bool {
        let since = *self.search.since.get_or_insert_with(now);
        let lacking = self.lacking(reports);
        self.offer(lacking).await;
        let able = self.able(reports);
        if able.is_empty() {
            self.search.ready_since = None;
            return false;
        }
        let ready_since = *self.search.ready_since.get_or_insert_with(now);
        if able.len() as u32 >= self.wanted() {
            return true;
        }
        if able.values().any(|parts| !parts.is_empty()) {
            let coming = self.getting_ready(reports) + self.idle(reports).min(lacking as usize);
            return coming == 0 || since.elapsed_now() >= SPARES;
        }
        // Newcomers alone: a moment for all of them to get ready.
        ready_since.elapsed_now() >= NEWCOMERS
    }

    /// Members that have taken a task and are not ready yet.
    fn getting_ready(&self, reports: &Reports) -> usize {
        let members = self.standing.members.keys();
        let taken = |member: &&Member| matches!(self.task(reports, member), Some((report, TaskState::Taken, _)) if !report.draining);
        members.filter(taken).count()
    }

    fn give_orphans(&mut self, orphans: &[Left], reports: &Reports) {
        let parts: Vec<_> = orphans.iter().map(|left| left.part).collect();
        let given = self.given(&parts, reports);
        if given.is_empty() {
            return;
        }
        let from_ns = self.moment(TAKE_NOTICE);
        let mut heirs = BTreeSet::new();
        for ((worker, epoch), part) in given {
            let whole = orphans.iter().find(|left| left.part.contains(part));
            let Some(Left { past, .. }) = whole.copied() else { continue };
            heirs.insert(worker.clone());
            self.note(Entry::Take { worker, epoch, part, from_ns, past });
        }
        let text = format!("the lost share was divided among {}", count(heirs.len()));
        self.taken(&text, heirs.len(), from_ns);
    }

    /// Who gets what of parts without an owner.
    fn given(&mut self, parts: &[Share], reports: &Reports) -> Vec<(Member, Share)> {
        let Divided { given, left } = self.divided(parts, &self.able(reports), reports);
        if !left.is_empty() {
            let text = "a share that is nobody's is more than the workers that are there take \
                        (--max-rps): what they do not take waits for another worker";
            self.warn(text);
        }
        given
    }

    /// Draining members that have parts which somebody else could make something of.
    fn leaving(&self, reports: &Reports) -> Vec<(Member, Vec<Share>)> {
        let last = self.run_now() + i128::from(RELEASE_NOTICE);
        if self.load.end_at().is_some_and(|end| last >= i128::from(end)) {
            return Vec::new();
        }
        let members = self.standing.members.iter();
        let leaving = members.filter(|(member, parts)| {
            let task = self.task(reports, member);
            let makes_load = task.is_some_and(|(report, state, _)| {
                report.draining && matches!(state, TaskState::Ready | TaskState::Running)
            });
            makes_load && !parts.is_empty() && !self.merging.is_final(member)
        });
        leaving.map(|(member, parts)| (member.clone(), parts.clone())).collect()
    }

    /// Releases the parts of each of those that leave, if those that are there can take them.
    fn release(&mut self, leaving: Vec<(Member, Vec<Share>)>, reports: &Reports) {
        // What is released already will be theirs.
        let released: Vec<_> = self.standing.released.iter().map(|(_, part, ..)| *part).collect();
        let mut able = self.able(reports);
        let pending = self.divided(&released, &able, reports);
        take(&mut able, &pending.given);
        for ((worker, epoch), parts) in leaving {
            let name = self.name_of(&worker);
            let Divided { given, left } = self.divided(&parts, &able, reports);
            if !left.is_empty() {
                self.warn(&format!(
                    "worker {name} is to leave, and its share is more than the other workers take \
                     (--max-rps): it goes on until another worker comes, for its --handover at most"
                ));
                continue;
            }
            take(&mut able, &given);
            let from_ns = self.moment(RELEASE_NOTICE);
            for part in parts {
                let worker = worker.clone();
                self.note(Entry::Release { worker, epoch, part, from_ns });
            }
            let text = format!("worker {name} leaves and hands its share over");
            self.event("worker_draining", &text, json!({"worker": worker}));
        }
    }

    /// Parts whose release was acknowledged are taken by those that are there.
    fn hand_over(&mut self, reports: &Reports) {
        let acknowledged = |(member, _, _, entry): &&(Member, Share, Nanos, u64)| {
            // Applied, or gone with everything handed in.
            let task = self.task(reports, member);
            task.is_some_and(|(_, _, applied)| applied > *entry) || self.merging.is_final(member)
        };
        let released = self.standing.released.iter().filter(acknowledged);
        let released = released.filter_map(|(member, part, told_ns, _)| {
            Some((member.clone(), self.left_of_released(member, *part)?, *told_ns))
        });
        let released: Vec<_> = released.collect();
        if released.is_empty() || self.able(reports).is_empty() {
            return;
        }
        let parts: Vec<_> = released.iter().map(|(_, left, _)| left.part).collect();
        let given = self.given(&parts, reports);
        if given.is_empty() {
            return;
        }
        let (mut heirs, mut from) = (BTreeSet::new(), 0);
        for ((worker, epoch), part) in given {
            let whole = released.iter().find(|(_, left, _)| left.part.contains(part));
            let Some((member, Left { past, .. }, told_ns)) = whole else { continue };
            let past = *past;
            let from_ns = (*told_ns).max(self.released_at(reports, member));
            from = from.max(from_ns);
            heirs.insert(worker.clone());
            self.note(Entry::Take { worker, epoch, part, from_ns, past });
        }
        let text = format!("the share that was handed over is taken by {}", count(heirs.len()));
        self.taken(&text, heirs.len(), from);
    }

    /// Tells who has taken parts, and from when on.
    fn taken(&mut self, text: &str, heirs: usize, from_ns: Nanos) {
        let at = seconds(from_ns);
        self.event("rebalanced", text, json!({"workers": heirs, "fromRunSecond": at}));
    }

    /// The earliest moment from which a member's parts are released: a member that heard of it late
    /// may have sent until then. Of one that has gone, the end is known.
    fn released_at(&self, reports: &Reports, member: &Member) -> Nanos {
        match reports.get(&member.0).and_then(|report| report.task.as_ref()) {
            Some(task) if task.run == self.record.id && task.epoch == member.1 => task.released_ns,
            _ => self.load.measured_from() + self.merging.elapsed(member),
        }
    }
}

fn count(workers: usize) -> String {
    format!("{workers} {}", if workers == 1 { "worker" } else { "workers" })
}
