//! Turns what members of a closed loop have sent into what is left of their parts, where a number
//! of requests ends the load: in such a load nothing says when a request is due, and so whose it
//! was.
//!
//! A part's requests have the numbers of its arrivals, in the order in which they are sent. The
//! member that takes a part goes on after the requests that its owner has sent. Their number is in
//! the owner's last snapshot; where that does not come, the number is not known and nobody sends
//! the rest.

use super::Driver;
use crate::cluster::journal::Entry;
use crate::cluster::standing::Member;
use crate::scenario::OnWorkerLoss;
use crate::schedule::Share;
use crate::time::nanos;

/// A part that has no owner, or will have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) part: Share,
    /// What is among the first so many of the whole run is not to be sent any more.
    pub(super) past: u64,
}

impl Driver {
    /// What may be given of parts without an owner. In a counted load those of which something is
    /// known to be left.
    pub(super) fn left_of(&mut self, orphans: &[Share]) -> Vec<Left> {
        let Some(limit) = self.counted() else {
            let past = self.record.reached;
            return orphans.iter().map(|part| Left { part: *part, past }).collect();
        };
        let left: Vec<_> = orphans.iter().filter_map(|part| self.left_after_loss(*part)).collect();
        let given_up = left.iter().filter(|it| it.past == limit).map(|it| it.part).collect();
        self.tell_what_nobody_sends(given_up, limit);
        left.into_iter().filter(|it| it.past < limit).collect()
    }

    /// What is left of a part that was released: known once its owner has handed in all of it.
    pub(super) fn left_of_released(&self, member: &Member, part: Share) -> Option<Left> {
        match self.counted() {
            Some(limit) => self.merging.is_final(member).then(|| self.after(member, part, limit)),
            None => Some(Left { part, past: 0 }),
        }
    }

    /// Whether nobody will send any more of the parts without an owner, as far as is known.
    pub(super) fn is_nothing_left(&self) -> bool {
        let orphans = &self.standing.orphans;
        let Some(limit) = self.counted() else { return orphans.is_empty() };
        let stays = self.scenario.on_worker_loss != OnWorkerLoss::Rebalance;
        let is_given_up = |part: &Share| {
            self.left_after_loss(*part).is_some_and(|left| stays || left.past == limit)
        };
        orphans.iter().all(is_given_up)
    }

    /// Whether a member that has handed in its last snapshot has sent less than its parts of the number:
    /// it had ended, or nearly so, when more was given to it.
    pub(super) fn has_more_to_send(&self, member: &Member) -> bool {
        let Some(limit) = self.counted() else { return false };
        let parts = self.standing.members.get(member);
        parts.into_iter().flatten().any(|part| self.after(member, *part, limit).past < limit)
    }

    /// The number of requests that ends a closed loop.
    fn counted(&self) -> Option<u64> {
        self.scenario.max_requests.filter(|_| !self.scenario.load.is_open())
    }

    /// What is left of a part whose owner was lost; `None`: its evidence may come yet.
    fn left_after_loss(&self, part: Share) -> Option<Left> {
        let limit = self.counted()?;
        let member = self.owner_before(part)?;
        let left = self.after(&member, part, limit);
        if self.merging.is_final(&member) || left.past == limit {
            return Some(left);
        }
        let lost_at = i128::from(*self.standing.lost.get(&member)?);
        let patience = i128::from(nanos(self.controller.options.evidence_wait));
        let is_over = self.run_now() - lost_at >= patience && !self.may_hand_in(&member);
        is_over.then_some(Left { part, past: limit })
    }

    /// Who took the part last, or what it is a piece of.
    fn owner_before(&self, wanted: Share) -> Option<Member> {
        self.record.journal.iter().rev().find_map(|entry| match entry {
            Entry::Take { worker, epoch, part, .. } if part.contains(wanted) => {
                Some((worker.clone(), *epoch))
            }
            _ => None,
        })
    }

    /// What is left of a part after all that its owner has sent: of its parts in turn.
    fn after(&self, member: &Member, wanted: Share, limit: u64) -> Left {
        let mut sent = self.merging.sent(member);
        for entry in &self.record.journal {
            let Entry::Take { worker, epoch, part, past, .. } = entry else { continue };
            if (worker, epoch) != (&member.0, &member.1) {
                continue;
            }
            let before = part.count(*past);
            let of_it = sent.min(part.count(limit).saturating_sub(before));
            sent -= of_it;
            if part.contains(wanted) {
                let past = part.global(before + of_it).unwrap_or(limit).min(limit);
                return Left { part: wanted, past };
            }
        }
        Left { part: wanted, past: limit }
    }

    fn tell_what_nobody_sends(&mut self, parts: Vec<Share>, limit: u64) {
        for part in parts {
            let Some(member) = self.owner_before(part) else { continue };
            if self.after(&member, part, limit).past == limit {
                continue;
            }
            let (name, sent) = (self.name_of(&member.0), self.merging.sent(&member));
            self.warn(&format!(
                "worker {name} was lost after {sent} requests that it has told of. How many more it \
                 sent of its part of {limit} is unknown: nobody else sends them, or they might be more \
                 than were asked for"
            ));
        }
    }
}
