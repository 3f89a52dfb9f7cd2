//! Turns a journal into what stands: who owns which parts, and how far the run is.
//!
//! Controller and workers read the same journal and so come to the same standing.

use super::journal::{Entry, Epoch};
use super::{Lease, WorkerId};
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
    /// How long each member that was ever admitted may be silent.
    pub leases: BTreeMap<Member, Lease>,
    /// What people call those that were admitted.
    pub names: BTreeMap<WorkerId, String>,
    /// Parts without an owner, until they are taken.
    pub orphans: Vec<Share>,
    /// Members that were lost, and when.
    pub lost: BTreeMap<Member, Nanos>,
    /// Those of them that left in peace, and hand in all that they measured.
    pub left: BTreeSet<Member>,
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
            Entry::Admit { worker, epoch, lease_ms, name, .. } => {
                let member = (worker.clone(), *epoch);
                self.leases.insert(member.clone(), Lease::of_ms(*lease_ms));
                self.names.insert(worker.clone(), name.clone());
                self.members.entry(member).or_default();
            }
            Entry::Start { at_us } => self.start_us = Some(*at_us),
            Entry::Take { worker, epoch, part, from_ns, .. } => {
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
            Entry::Lost { worker, epoch, at_ns, left, .. } => {
                let member = (worker.clone(), *epoch);
                let parts = self.members.remove(&member).unwrap_or_default();
                self.orphans.extend(parts);
                // What it was asked to release it cannot acknowledge any more.
                let (gone, kept): (Vec<_>, Vec<_>) =
                    self.released.drain(..).partition(|(who, ..)| *who == member);
                self.released = kept;
                self.orphans.extend(gone.into_iter().map(|(_, part, ..)| part));
                if *left {
                    self.left.insert(member.clone());
                }
                self.lost.insert(member, *at_ns);
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

    /// What people call a worker that was admitted, and its id.
    #[must_use]
    pub fn name_of(&self, worker: &WorkerId) -> String {
        match self.names.get(worker) {
            Some(name) if !name.is_empty() && *name != worker.0 => format!("{name} ({worker})"),
            _ => worker.to_string(),
        }
    }

    /// A part without an owner is taken, whole or a piece of it: the rest has no owner yet. Pieces
    /// of one part may be of several sizes, so that one may lie across what is left of it.
    fn orphan_is_taken(&mut self, part: Share) {
        let orphans = std::mem::take(&mut self.orphans);
        self.orphans = orphans.into_iter().flat_map(|orphan| orphan.without(part)).collect();
        let released = std::mem::take(&mut self.released);
        self.released = released
            .into_iter()
            .flat_map(|(member, released, from_ns, entry)| {
                released.without(part).map(move |left| (member.clone(), left, from_ns, entry))
            })
            .collect();
    }
}

/// Divides parts among members, so that no part is split further than it has to be: who has least
/// gets a part whole, if that leaves it near an even share, and else the part is split.
///
/// Answers who gets what: of `p` parts and `m` members at most `p + 8 (p + m)` pieces, since pieces
/// are no smaller than an eighth of an even share, and no part is split into more than `fit` says.
/// There must be at least one member.
#[must_use]
pub fn divide(
    parts: &[Share],
    members: &BTreeMap<Member, Vec<Share>>,
    fit: impl Fn(Share) -> u64,
) -> Vec<(Member, Share)> {
    /// Pieces that an even share is made of, where parts have to be split.
    const GRAIN: f64 = 8.0;
    // Who has least stands at the front; of equals, the first by name.
    let mut by_load: BTreeSet<(u64, &Member)> =
        members.iter().map(|(member, owned)| (parts_in(size(owned)), member)).collect();
    let even = (size(parts) + members.values().map(|owned| size(owned)).sum::<f64>())
        / members.len() as f64;
    let mut ordered = parts.to_vec();
    ordered.sort_by_key(|part| std::cmp::Reverse(parts_in(part.fraction())));
    let mut given = Vec::new();
    for part in ordered {
        let (least, _) = *by_load.first().expect("at least one member");
        let fits = least + parts_in(part.fraction()) <= parts_in(even * (1.0 + 1.0 / GRAIN));
        let grains = (GRAIN * part.fraction() / even).ceil().max(1.0) as u64;
        let pieces = if fits { 1 } else { grains.min(members.len() as u64).min(fit(part)) };
        for k in 0..pieces {
            let piece = part.split(k, pieces);
            let (load, member) = by_load.pop_first().expect("at least one member");
            by_load.insert((load + parts_in(piece.fraction()), member));
            given.push((member.clone(), piece));
        }
    }
    given
}

/// A fraction of the schedule in parts of 10^15, which can be ordered.
fn parts_in(fraction: f64) -> u64 {
    (fraction * 1e15) as u64
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
        Entry::Take { worker: member(who).0, epoch: 1, part, from_ns, past: 0 }
    }

    #[test]
    fn a_worker_is_told_by_its_name_and_its_id() {
        let admitted = |name: &str| {
            let (worker, epoch) = member(7);
            let (key, name) = (String::new(), name.to_owned());
            Standing::of(&[Entry::Admit { worker, epoch, key, means: None, lease_ms: 5_000, name }])
        };
        let id = member(7).0;
        assert_eq!(admitted("eu-3").name_of(&id), "eu-3 (w7)");
        // Where nobody has named it, its id is its name; journals of before have none.
        for unnamed in ["w7", ""] {
            assert_eq!(admitted(unnamed).name_of(&id), "w7");
        }
        let old: Entry =
            serde_json::from_str(r#"{"entry":"admit","worker":"w7","epoch":1,"key":""}"#).unwrap();
        assert_eq!(Standing::of(&[old]).name_of(&id), "w7");
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
                standing.read(&Entry::Lost { worker, epoch, at_ns: 0, applied: 0, left: false });
                if standing.members.is_empty() {
                    standing.members.insert(member(next), Vec::new());
                    next += 1;
                }
                for ((worker, epoch), part) in divide(&standing.orphans, &standing.members, |_| u64::MAX) {
                    standing.read(&Entry::Take { worker, epoch, part, from_ns: round as u64, past: 0 });
                }
                prop_assert!(standing.orphans.is_empty());
                let parts: Vec<_> = standing.members.values().flatten().collect();
                let all: u64 = parts.iter().map(|part| part.count(10_000)).sum();
                prop_assert_eq!(all, 10_000);
                prop_assert!(parts.len() < 200, "{} parts", parts.len());
            }
        }
    }

    /// Who has how much after `lost` of so many workers were lost and `new` have come.
    fn after_a_loss(workers: u64, lost: u64, new: u64) -> (usize, Vec<f64>) {
        let mut standing = Standing::default();
        for k in 0..workers {
            standing.read(&take(k, Share::WHOLE.split(k, workers), 0));
        }
        for k in 0..lost {
            let (worker, epoch) = member(k);
            standing.read(&Entry::Lost { worker, epoch, at_ns: 0, applied: 0, left: false });
        }
        for k in workers..workers + new {
            standing.members.insert(member(k), Vec::new());
        }
        let given = divide(&standing.orphans, &standing.members, |_| u64::MAX);
        for ((worker, epoch), part) in &given {
            let (worker, epoch, part) = (worker.clone(), *epoch, *part);
            standing.read(&Entry::Take { worker, epoch, part, from_ns: 0, past: 0 });
        }
        assert!(standing.orphans.is_empty());
        (given.len(), standing.members.values().map(|parts| size(parts)).collect())
    }

    #[test]
    fn the_loss_of_many_among_many_takes_few_entries() {
        let (entries, loads) = after_a_loss(1_000, 1_000, 1_000);
        assert_eq!(entries, 1_000, "each part whole");
        assert!(loads.iter().all(|load| (load * 1_000.0 - 1.0).abs() < 1e-9));
        let (entries, loads) = after_a_loss(1_000, 1, 0);
        assert_eq!(entries, 8, "an eighth more for eight, and nothing for the others");
        assert!(loads.iter().all(|load| *load < 1.13 / 999.0));
        let (entries, _) = after_a_loss(1_000, 500, 0);
        assert!(entries <= 8 * 500, "{entries}");
    }

    #[test]
    fn among_few_the_shares_are_even_again() {
        for (workers, lost) in [(2, 1), (4, 1), (5, 2), (8, 1), (9, 3)] {
            let (_, loads) = after_a_loss(workers, lost, 0);
            let even = 1.0 / (workers - lost) as f64;
            assert!(loads.iter().all(|load| (load / even - 1.0).abs() < 0.13), "{loads:?}");
        }
    }

    #[test]
    fn no_part_is_split_further_than_a_limit_that_all_share() {
        let fit = |part: Share| part.count(3).max(1);
        let newcomers = (0..5).map(|name| (member(name), Vec::new())).collect();
        let given = divide(&[Share::WHOLE], &newcomers, fit);
        let each: Vec<_> = given.iter().map(|(_, part)| part.count(3)).collect();
        assert_eq!(each, [1, 1, 1], "three of five have one each");
        let again = divide(&[given[0].1], &newcomers, fit);
        assert_eq!(again.len(), 1, "what has one is given whole");
    }

    #[test]
    fn a_lost_member_leaves_orphans_until_they_are_taken() {
        let half = |k| Share::WHOLE.split(k, 2);
        let lost = Entry::Lost { worker: member(1).0, epoch: 1, at_ns: 0, applied: 0, left: false };
        let mut standing = Standing::of(&[take(0, half(0), 0), take(1, half(1), 0), lost]);
        assert_eq!(standing.orphans, [half(1)]);
        assert!(standing.lost.contains_key(&member(1)) && standing.owners.contains(&member(1)));
        standing.read(&take(0, half(1), 7));
        assert_eq!((standing.orphans.len(), standing.latest), (0, 7));
        assert_eq!(standing.members[&member(0)], [half(0), half(1)]);
    }

    #[test]
    fn of_a_part_of_which_a_piece_is_taken_the_others_are_still_nobodys() {
        let lost = Entry::Lost { worker: member(1).0, epoch: 1, at_ns: 0, applied: 0, left: false };
        let half = Share::WHOLE.split(1, 2);
        let mut standing = Standing::of(&[take(1, half, 0), lost]);
        standing.read(&take(0, half.split(2, 4), 7));
        let left =
            |standing: &Standing| standing.orphans.iter().map(|it| it.fraction()).sum::<f64>();
        assert!((left(&standing) - 0.375).abs() < 1e-9, "{:?}", standing.orphans);
        for k in [0, 1, 3] {
            standing.read(&take(0, half.split(k, 4), 7));
        }
        assert!(standing.orphans.is_empty());
        let (worker, epoch) = member(0);
        let part = half.split(2, 4);
        standing.read(&Entry::Release { worker, epoch, part, from_ns: 9 });
        standing.read(&take(2, part.split(0, 2), 9));
        assert_eq!(standing.released.len(), 1);
        assert_eq!(standing.released[0].1, part.split(1, 2));
    }

    /// A quarter of the load in pieces of two sizes: halved, and each half divided by itself.
    #[test]
    fn pieces_of_several_sizes_leave_nothing_behind() {
        let quarter = Share::WHOLE.split(0, 4);
        let halves = [0, 1].map(|k| quarter.split(k, 2));
        let pieces =
            (0..3).map(|k| halves[0].split(k, 3)).chain([0, 1].map(|k| halves[1].split(k, 2)));
        let (worker, epoch) = member(0);
        let lost = Entry::Lost { worker: worker.clone(), epoch, at_ns: 0, applied: 0, left: false };
        let release = Entry::Release { worker, epoch, part: quarter, from_ns: 5 };
        for given_up in [lost, release] {
            let mut standing = Standing::of(&[take(0, quarter, 0), given_up]);
            for (who, piece) in pieces.clone().enumerate() {
                standing.read(&take(1 + who as u64, piece, 7));
            }
            assert_eq!(standing.orphans, []);
            assert_eq!(standing.released, []);
        }
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
