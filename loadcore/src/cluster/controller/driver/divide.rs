//! Turns what limits leave, and what workers say that they take at most, into who makes what of the
//! load.

use super::shares::Able;
use super::{Driver, Reports};
use crate::cluster::capacity::shares;
use crate::cluster::journal::Entry;
use crate::cluster::standing::{Member, divide};
use crate::profile::Profile;
use crate::schedule::Share;

/// A part of the load from which on it is halved where nobody takes it whole.
const SPLIT: f64 = 1.0 / 32.0;

/// Who gets what of parts that look for an owner.
#[derive(Default)]
pub(super) struct Divided {
    pub(super) given: Vec<(Member, Share)>,
    /// What nobody takes.
    pub(super) left: Vec<Share>,
}

/// Adds to what members have what they are given.
pub(super) fn take(able: &mut Able, given: &[(Member, Share)]) {
    for (member, part) in given {
        able.entry(member.clone()).or_default().push(*part);
    }
}

impl Driver {
    /// How many workers share the load: who would get nothing of a limit takes no part.
    pub(super) fn wanted(&self) -> u32 {
        self.scenario.workers_that_fit().0
    }

    /// Says which limit leaves workers out.
    pub(super) fn warn_of_limits(&mut self) {
        if let Some(text) = self.scenario.too_many_workers() {
            self.warn(&text);
        }
    }

    /// The highest rate of the load: of its profile, or to which it was told to go; `None` in closed
    /// loop, which has none.
    fn peak(&self) -> Option<f64> {
        let profile = self.scenario.load.profile()?;
        let told = self.record.journal.iter().filter_map(|entry| match entry {
            Entry::Rate { target_rps, .. } => Some(*target_rps),
            _ => None,
        });
        Some(told.fold(profile.peak_rate(), f64::max))
    }

    /// The fraction of the load that a member takes at most, at its highest rate.
    fn most(&self, reports: &Reports, member: &Member) -> f64 {
        let most = reports.get(&member.0).and_then(|report| report.max_rps);
        most.zip(self.peak()).map_or(f64::INFINITY, |(most, peak)| most / peak)
    }

    /// Who gets which parts at the start.
    ///
    /// # Errors
    /// Why they do not take all of the load, in a sentence.
    pub(super) fn first_shares(
        &mut self,
        ready: &[Member],
    ) -> Result<Vec<(Member, Share)>, String> {
        let reports = self.reports();
        if self.peak().is_none() {
            self.warn_of_closed_loop(&reports, ready);
        }
        let most: Vec<_> = ready.iter().map(|member| self.most(&reports, member)).collect();
        let limit = self.scenario.pieces_that_fit(Share::WHOLE);
        let Some(shares) = shares(&most, limit) else {
            return Err(format!(
                "the load's highest rate is {}/s, which is more than the workers take ({}): give it \
                 more workers, or raise their --max-rps",
                self.peak().unwrap_or(0.0),
                self.limits(&reports, ready.iter())
            ));
        };
        let each = ready.iter().zip(shares);
        Ok(each.flat_map(|(who, parts)| parts.into_iter().map(|it| (who.clone(), it))).collect())
    }

    /// Who gets what of parts that look for an owner: all of them, if those that are there take that,
    /// and else as much as they take.
    pub(super) fn divided(&self, parts: &[Share], able: &Able, reports: &Reports) -> Divided {
        if let Some(given) = self.all_divided(parts, able, reports) {
            return Divided { given, left: Vec::new() };
        }
        let mut able = able.clone();
        let mut parts = parts.to_vec();
        parts.sort_by(|a, b| b.fraction().total_cmp(&a.fraction()));
        let mut divided = Divided::default();
        parts.into_iter().for_each(|part| self.divide_one(part, &mut able, reports, &mut divided));
        divided
    }

    /// What nobody takes whole is halved.
    fn divide_one(&self, part: Share, able: &mut Able, reports: &Reports, divided: &mut Divided) {
        if let Some(given) = self.all_divided(&[part], able, reports) {
            take(able, &given);
            divided.given.extend(given);
        } else if part.fraction() >= SPLIT && self.scenario.pieces_that_fit(part) >= 2 {
            for k in 0..2 {
                self.divide_one(part.split(k, 2), able, reports, divided);
            }
        } else {
            divided.left.push(part);
        }
    }

    /// The parts divided among those members that take what comes to them: nobody gets more than it
    /// takes, and each has something of every limit that all share. `None`: that cannot be.
    fn all_divided(
        &self,
        parts: &[Share],
        able: &Able,
        reports: &Reports,
    ) -> Option<Vec<(Member, Share)>> {
        let mut able = able.clone();
        while !able.is_empty() {
            let given = divide(parts, &able, |part| self.scenario.pieces_that_fit(part));
            let mut then = able.clone();
            take(&mut then, &given);
            let before = able.len();
            able.retain(|member, owned| {
                let all = &then[member];
                let sum: f64 = all.iter().map(|part| part.fraction()).sum();
                let takes_it =
                    sum <= self.most(reports, member) + 1e-9 && self.scenario.have_something(all);
                all.len() == owned.len() || takes_it
            });
            if able.len() == before {
                return Some(given);
            }
        }
        None
    }

    /// Why a rate is more than those take who make the load; `None`: they do.
    pub(super) fn too_fast(&self, target_rps: f64) -> Option<String> {
        let reports = self.reports();
        let members = self.standing.members.iter();
        let mut slow = members.filter(|(member, parts)| {
            let share: f64 = parts.iter().map(|part| part.fraction()).sum();
            let most = reports.get(&member.0).and_then(|report| report.max_rps);
            most.is_some_and(|most| target_rps * share > most * (1.0 + 1e-9))
        });
        let (member, _) = slow.next()?;
        let limits = self.limits(&reports, std::iter::once(member));
        Some(format!("targetRps is {target_rps}, which is more than a worker takes ({limits})"))
    }

    /// The limits of members, by name.
    fn limits<'a>(&self, reports: &Reports, members: impl Iterator<Item = &'a Member>) -> String {
        let limit = |member: &Member| {
            let most = reports.get(&member.0)?.max_rps?;
            Some(format!("worker {}: {most}/s", self.name_of(&member.0)))
        };
        members.filter_map(limit).collect::<Vec<_>>().join(", ")
    }

    fn warn_of_closed_loop(&mut self, reports: &Reports, ready: &[Member]) {
        let limits = self.limits(reports, ready.iter());
        if !limits.is_empty() {
            self.warn(&format!(
                "a closed loop has no rate that a worker's --max-rps could bound ({limits})"
            ));
        }
    }
}
