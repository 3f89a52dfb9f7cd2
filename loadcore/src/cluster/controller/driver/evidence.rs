//! Decides how long a run's end waits for workers that have not handed in their last snapshot.
//!
//! Who lives hands in, and is awaited for long. Who was lost may be cut off, and come back: its
//! evidence is awaited from its loss on for the controller's `evidence_wait`, and no longer than
//! that beyond the load's end. Whatever comes before the result is made is taken in.

use super::super::api::Waiting;
use super::{Driver, HAND_IN, Reports};
use crate::cluster::standing::Member;
use crate::time::{SECOND, nanos, unix_millis};
use serde_json::json;
use std::time::Duration;

/// Of a coordinator that has not answered for so long it is not known who is silent.
const DEAF: Duration = Duration::from_secs(1);

/// Last snapshots that the run's end waits for.
#[derive(Default)]
pub(super) struct Awaited {
    /// Whose, of those that are lost, as the timeline says.
    members: Vec<Member>,
    /// All that the coordinator had was asked for after the load, for those who will say no more.
    asked_last: bool,
}

impl Driver {
    /// Whether everything has come that will, so long after the load's end.
    pub(super) async fn evidence_is_in(&mut self, reports: &Reports, waited: Duration) -> bool {
        let open = self.without_last_snapshot();
        let hopeless = waited >= self.scenario.drain + HAND_IN;
        let handing_in = open.iter().filter(|member| self.hands_in(reports, member)).count();
        if handing_in > 0 && !hopeless {
            // Until then what is in flight is awaited, which is the run's own time.
            if waited > self.scenario.drain + DEAF {
                let left = (self.scenario.drain + HAND_IN).saturating_sub(waited);
                let who = if handing_in == 1 { "worker" } else { "workers" };
                self.waits(format!("the last snapshot of {handing_in} {who}"), left);
            }
            return false;
        }
        for member in &open {
            if self.standing.members.contains_key(member) {
                self.lose(member.clone(), "its last snapshot did not come");
            }
        }
        let left = open.iter().filter_map(|it| self.evidence_left(it, waited, hopeless)).max();
        if let Some(left) = left {
            self.await_evidence(&open, left);
            return false;
        }
        self.waits_for(None);
        if open.is_empty() || self.awaited.asked_last {
            return true;
        }
        // What it has put is with the coordinator, however it was lost on the way here.
        if !self.fetch_newest().await && !hopeless {
            return false;
        }
        self.awaited.asked_last = true;
        let missing = self.without_last_snapshot();
        if !missing.is_empty() {
            let names = self.names_of(&missing);
            let text = format!("the last snapshot of {names} did not come");
            self.event("evidence_missing", &text, json!({"workers": workers(&missing)}));
        }
        true
    }

    /// Who had a part and has not handed in all that it measured.
    fn without_last_snapshot(&self) -> Vec<Member> {
        let owners = self.standing.owners.iter();
        owners.filter(|member| !self.merging.is_final(member)).cloned().collect()
    }

    /// Whether the member lives, as far as is known, and has yet to hand in.
    fn hands_in(&self, reports: &Reports, member: &Member) -> bool {
        let is_lost = self.standing.lost.contains_key(member);
        let is_back = || self.task(reports, member).is_some() && !self.is_silent(member);
        !is_lost || is_back()
    }

    /// Whether a member may hand in what it measured, however long it was lost: it is there, or nobody
    /// can be heard.
    pub(super) fn may_hand_in(&self, member: &Member) -> bool {
        self.hands_in(&self.reports(), member) || self.beats.deaf_for() > DEAF
    }

    /// How long a lost member's evidence is awaited yet; `None`: no more.
    fn evidence_left(&self, member: &Member, waited: Duration, hopeless: bool) -> Option<Duration> {
        let lost_at = i128::from(*self.standing.lost.get(member)?);
        let since_loss = (self.run_now() - lost_at).max(0);
        let since_loss = Duration::from_nanos(u64::try_from(since_loss).unwrap_or(u64::MAX));
        let patience = self.controller.options.evidence_wait;
        let left = patience.saturating_sub(waited.max(since_loss));
        // Nobody can hand in to a coordinator that is away.
        let left = if self.beats.deaf_for() > DEAF && !hopeless { left.max(DEAF) } else { left };
        (!left.is_zero()).then_some(left)
    }

    fn await_evidence(&mut self, open: &[Member], left: Duration) {
        let names = self.names_of(open);
        if self.awaited.members != open {
            self.awaited.members = open.to_vec();
            let now = u64::try_from(self.run_now()).unwrap_or(0);
            let from = self.load.measured_from() as f64;
            let until = ((now + nanos(left)) as f64 - from) / SECOND as f64;
            let text = format!(
                "the last snapshot of {names} is awaited until {until:.1} s at the latest: it was lost"
            );
            let data = json!({"workers": workers(open), "untilSeconds": until});
            self.event("evidence_awaited", &text, data);
        }
        self.waits(format!("the last snapshot of {names}, which was lost"), left);
    }

    /// Shows what the run waits for, and for how long yet.
    pub(super) fn waits(&self, what: String, left: Duration) {
        let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let until_unix_ms = unix_millis().saturating_add(left_ms);
        self.waits_for(Some(Waiting { what, until_unix_ms }));
    }

    /// The members' workers by name and id.
    fn names_of(&self, members: &[Member]) -> String {
        let names: Vec<_> =
            members.iter().map(|(worker, _)| format!("worker {}", self.name_of(worker))).collect();
        names.join(", ")
    }
}

fn workers(members: &[Member]) -> Vec<&str> {
    members.iter().map(|(worker, _)| worker.as_str()).collect()
}
