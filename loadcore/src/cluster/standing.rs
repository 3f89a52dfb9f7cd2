//! A journal into what stands: who owns which parts, and how far the run is.
//!
//! Controller and workers read the same journal and so come to the same standing.

use super::WorkerId;
use super::journal::{Entry, Epoch};
use crate::schedule::Share;
use crate::time::Nanos;
use std::collections::{BTreeMap, BTreeSet};

/// A worker in one of its terms.
pub type Member = (WorkerId, Epoch);

/// What a journal comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// The parts of each member that was admitted and is not lost.
    pub members: BTreeMap<Member, Vec<Share>>,
    /// Parts that are nobody's, until they are taken.
    pub orphans: Vec<Share>,
    /// Members that were lost.
    pub lost: BTreeSet<Member>,
    /// Parts that were released: by whom, from when on, and by which entry.
    pub released: Vec<(Member, Share, Nanos, u64)>,
    /// Every member that ever owned a part: who has something to hand in.
    pub owners: BTreeSet<Member>,
    /// The coordinator's time, in microseconds, at which the run's clock showed 0.
    pub start_us: Option<u64>,
    /// The profile's clock stands still.
    pub paused: bool,
    /// When the load was told to end.
    pub stopped_at: Option<Nanos>,
    /// The latest moment of an entry: no later entry has an earlier one.
    pub latest: Nanos,
    /// Everything is kept.
    pub closed: bool,
    /// Entries read.
    pub entries: u64,
}

impl Standing {
    /// What a whole journal comes to.
    #[must_use]
    pub fn of(journal: &[Entry]) -> Self {
        let mut standing = Self::default();
        journal.iter().for_each(|entry| standing.read(entry));
        standing
    }

    /// Goes on with the next entry.
    pub fn read(&mut self, entry: &Entry) {
        self.entries += 1;
        match entry {
            Entry::Admit { worker, epoch, .. } => {
                self.members.entry((worker.clone(), *epoch)).or_default();
            }
            Entry::Start { at_us } => self.start_us = Some(*at_us),
            Entry::Take { worker, epoch, part, from_ns } => {
                let member = (worker.clone(), *epoch);
                self.orphan_is_taken(*part);
                self.owners.insert(member.clone());
                self.members.entry(member).or_default().push(*part);
                self.latest = self.latest.max(*from_ns);
            }
            Entry::Release { worker, epoch, part, from_ns } => {
                let member = (worker.clone(), *epoch);
                if let Some(parts) = self.members.get_mut(&member) {
                    parts.retain(|owned| owned != part);
                }
                self.released.push((member, *part, *from_ns, self.entries - 1));
                self.latest = self.latest.max(*from_ns);
            }
            Entry::Lost { worker, epoch, .. } => {
                let member = (worker.clone(), *epoch);
                let parts = self.members.remove(&member).unwrap_or_default();
                self.orphans.extend(parts);
                // What it was asked to release it cannot acknowledge any more.
                let (gone, kept): (Vec<_>, Vec<_>) =
                    self.released.drain(..).partition(|(who, ..)| *who == member);
                self.released = kept;
                self.orphans.extend(gone.into_iter().map(|(_, part, ..)| part));
                self.lost.insert(member);
            }
            Entry::Pause { at_ns } => (self.paused, self.latest) = (true, self.latest.max(*at_ns)),
            Entry::Resume { at_ns } => {
                (self.paused, self.latest) = (false, self.latest.max(*at_ns));
            }
            Entry::Rate { at_ns, .. } => self.latest = self.latest.max(*at_ns),
            Entry::Stop { at_ns } => {
                self.stopped_at.get_or_insert(*at_ns);
                self.latest = self.latest.max(*at_ns);
            }
            Entry::Close => self.closed = true,
        }
    }

    /// A part that was nobody's is taken, whole or the first piece of it: the other pieces are taken
    /// by entries that stand beside this one.
    fn orphan_is_taken(&mut self, part: Share) {
        self.orphans.retain(|orphan| !orphan.contains(part));
        self.released.retain(|(_, released, ..)| !released.contains(part));
    }
}

/// Divides parts among members, so that no part is split further than it has to be: a part that is
/// large is split among all, small ones go whole to whoever has least.
///
/// Answers who gets what. There must be at least one member.
#[must_use]
pub fn divide(parts: &[Share], members: &BTreeMap<Member, Vec<Share>>) -> Vec<(Member, Share)> {
    let mut load: BTreeMap<&Member, f64> =
        members.iter().map(|(member, owned)| (member, size(owned))).collect();
    let total = size(parts) + load.values().sum::<f64>();
    // An even share. A part of a quarter of it or less is not worth splitting.
    let even = total / members.len() as f64;
    let mut ordered = parts.to_vec();
    ordered.sort_by_key(|part| std::cmp::Reverse((part.fraction() * 1e15) as u64));
    let mut given = Vec::new();
    for part in ordered {
        let pieces = if part.fraction() > even / 4.0 { members.len() as u64 } else { 1 };
        for k in 0..pieces {
            let piece = part.split(k, pieces);
            let least = load.iter().min_by(|a, b| a.1.total_cmp(b.1).then(a.0.cmp(b.0)));
            let member = *least.expect("at least one member").0;
            load.entry(member).and_modify(|sum| *sum += piece.fraction());
            given.push((member.clone(), piece));
        }
    }
    given
}

fn size(parts: &[Share]) -> f64 {
    parts.iter().map(|part| part.fraction()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn member(name: u64) -> Member {
        (WorkerId(format!("w{name}")), 1)
    }

    fn take(who: u64, part: Share, from_ns: Nanos) -> Entry {
        Entry::Take { worker: member(who).0, epoch: 1, part, from_ns }
    }

    proptest! {
        #[test]
        fn after_any_deaths_every_arrival_has_one_owner(
            workers in 2u64..8, deaths in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        ) {
            let mut standing = Standing::default();
            for k in 0..workers {
                standing.read(&take(k, Share::WHOLE.split(k, workers), 0));
            }
            let mut next = workers;
            for (round, death) in deaths.into_iter().enumerate() {
                let living: Vec<_> = standing.members.keys().cloned().collect();
                let (worker, epoch) = death.get(&living).clone();
                standing.read(&Entry::Lost { worker, epoch, at_ns: 0, applied: 0 });
                if standing.members.is_empty() {
                    standing.members.insert(member(next), Vec::new());
                    next += 1;
                }
                for ((worker, epoch), part) in divide(&standing.orphans, &standing.members) {
                    standing.read(&Entry::Take { worker, epoch, part, from_ns: round as u64 });
                }
                prop_assert!(standing.orphans.is_empty());
                let parts: Vec<_> = standing.members.values().flatten().collect();
                let all: u64 = parts.iter().map(|part| part.count(10_000)).sum();
                prop_assert_eq!(all, 10_000);
                prop_assert!(parts.len() < 200, "{} parts", parts.len());
            }
        }
    }

    #[test]
    fn a_lost_member_leaves_orphans_until_they_are_taken() {
        let half = |k| Share::WHOLE.split(k, 2);
        let lost = Entry::Lost { worker: member(1).0, epoch: 1, at_ns: 0, applied: 0 };
        let mut standing = Standing::of(&[take(0, half(0), 0), take(1, half(1), 0), lost]);
        assert_eq!(standing.orphans, [half(1)]);
        assert!(standing.lost.contains(&member(1)) && standing.owners.contains(&member(1)));
        standing.read(&take(0, half(1), 7));
        assert_eq!((standing.orphans.len(), standing.latest), (0, 7));
        assert_eq!(standing.members[&member(0)], [half(0), half(1)]);
    }

    #[test]
    fn what_is_released_waits_for_its_taker() {
        let (worker, epoch) = member(0);
        let release = Entry::Release { worker, epoch, part: Share::WHOLE, from_ns: 5 };
        let mut standing = Standing::of(&[take(0, Share::WHOLE, 0), release]);
        assert_eq!(standing.released, [(member(0), Share::WHOLE, 5, 1)]);
        standing.read(&take(1, Share::WHOLE, 5));
        assert!(standing.released.is_empty() && standing.members[&member(0)].is_empty());
    }
}
