//! Divides what nobody has reported among the requests of the mix, whose numbers follow from the seed.
//!
//! How many of the first n arrivals are which request is known. What is missing of each is what was
//! planned of it and not reported, so that in an open loop nothing is guessed: where all that is
//! missing is unknown, or all of it is fenced, each request's part of it is exact.

use crate::record::{Interval, Named};
use crate::request::{DropReason, Mix, Tally};

/// The requests of a run's mix; nothing happens without one.
#[derive(Debug, Clone, Default)]
pub(super) struct ByName {
    mix: Mix,
    planned: Tally,
    /// Up to the last interval: due and fenced of each.
    before: Vec<[u64; 2]>,
}

/// Counts of each request.
pub(super) struct Divided {
    /// Planned, and not reported.
    missing: Vec<u64>,
    /// The part of it whose arrivals had no owner.
    pub(super) fenced: Vec<u64>,
    /// The part of it that is unknown.
    pub(super) unknown: Vec<u64>,
}

impl ByName {
    pub(super) fn new(mix: Mix) -> Self {
        let before = vec![[0; 2]; mix.named()];
        Self { planned: Tally::new(mix.clone()), mix, before }
    }

    /// Puts into an interval, and into the total up to its end, what was planned of each request:
    /// `planned` arrivals in all, of which `fenced` had no owner and `unknown` are unknown. Answers
    /// the unknown of each.
    pub(super) fn enter(
        &mut self,
        interval: &mut Interval,
        total: &mut Interval,
        planned: u64,
        (fenced, unknown): (u64, u64),
    ) -> Vec<u64> {
        if self.mix.named() == 0 {
            return Vec::new();
        }
        let Divided { mut missing, fenced: fenced_of, unknown: unknown_of } =
            self.divide(total, planned, (fenced, unknown));
        interval.make_room(self.mix.named());
        total.make_room(self.mix.named());
        let told: Vec<_> = total.named.iter().map(|named| named.counters.due).collect();
        self.never_less(&told, &mut missing);
        let each = self.before.iter_mut().zip(&mut interval.named).zip(&mut total.named);
        for (place, ((before, interval), total)) in each.enumerate() {
            let due = told[place] + missing[place];
            let [due_before, fenced_before] = std::mem::replace(before, [due, fenced_of[place]]);
            interval.counters.due = due.saturating_sub(due_before);
            let fenced = fenced_of[place].saturating_sub(fenced_before);
            interval.counters.dropped[DropReason::Fenced as usize] += fenced;
            total.counters.due = due - unknown_of[place].min(due);
            total.counters.dropped[DropReason::Fenced as usize] += fenced_of[place];
        }
        unknown_of
    }

    /// What was due of a request stays due. Only where a worker had not heard of a change, and sent what
    /// was not planned, can it be less than before: then it is taken from the others.
    fn never_less(&self, told: &[u64], missing: &mut [u64]) {
        let least = |place: usize| self.before[place][0].saturating_sub(told[place]);
        let mut lacks = 0;
        for (place, missing) in missing.iter_mut().enumerate() {
            lacks += least(place).saturating_sub(*missing);
            *missing = least(place).max(*missing);
        }
        for (place, missing) in missing.iter_mut().enumerate() {
            let taken = lacks.min(*missing - least(place));
            *missing -= taken;
            lacks -= taken;
        }
    }

    /// Of each request, how much is missing of `planned` arrivals of which `total` tells, and how much of
    /// `fenced` and of `unknown` it is.
    pub(super) fn divide(
        &mut self,
        total: &Interval,
        planned: u64,
        (fenced, unknown): (u64, u64),
    ) -> Divided {
        let of_each = self.planned.of_first(planned, |n| n);
        let told = |place: usize| total.named.get(place).map_or(0, |it: &Named| it.counters.due);
        let told: Vec<_> = (0..of_each.len()).map(told).collect();
        let each = of_each.iter().zip(&told);
        let short: Vec<_> = each.map(|(planned, told)| planned.saturating_sub(*told)).collect();
        // In all no more than is missing, though a worker has sent more of one than was planned.
        let missing = planned.saturating_sub(told.iter().sum());
        let missing = split(missing, &short, of_each);
        let fenced = split(fenced, &missing, of_each);
        let rest = missing.iter().zip(&fenced);
        let rest: Vec<_> = rest.map(|(missing, fenced)| missing.saturating_sub(*fenced)).collect();
        let unknown = split(unknown, &rest, of_each);
        Divided { missing, fenced, unknown }
    }

    /// The same in proportion to the weights: of a closed loop, of which nothing was planned.
    pub(super) fn guess(&self, unknown: u64) -> Vec<u64> {
        // So many show the weights well enough.
        let sample = self.mix.counts(0..10_000);
        split(unknown, &[], &sample)
    }
}

/// Divides `whole` as `parts` are, which it is the sum of in the usual case; what goes beyond them in
/// proportion to `beyond`.
fn split(whole: u64, parts: &[u64], beyond: &[u64]) -> Vec<u64> {
    let sum: u64 = parts.iter().sum();
    if whole == sum && !parts.is_empty() {
        return parts.to_vec();
    }
    if whole < sum {
        return in_proportion(whole, parts);
    }
    let mut all = in_proportion(whole - sum, beyond);
    all.iter_mut().zip(parts).for_each(|(all, part)| *all += part);
    all
}

/// Whole numbers in proportion to `parts` whose sum is `whole`: what is left over goes to the largest
/// remainders, the first of those that are equal.
fn in_proportion(whole: u64, parts: &[u64]) -> Vec<u64> {
    let sum: u128 = parts.iter().map(|part| u128::from(*part)).sum();
    if sum == 0 {
        // Of nothing nobody has more than another.
        let mut all = vec![0; parts.len()];
        all.iter_mut().take(1).for_each(|first| *first = whole);
        return all;
    }
    let exact = |part: u64| u128::from(whole) * u128::from(part);
    let mut all: Vec<u64> = parts.iter().map(|part| (exact(*part) / sum) as u64).collect();
    let mut order: Vec<_> = (0..parts.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(exact(parts[*place]) % sum));
    let left = whole - all.iter().sum::<u64>();
    order.into_iter().take(left as usize).for_each(|place| all[place] += 1);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_whole_is_divided_as_its_parts_are() {
        assert_eq!(split(10, &[1, 2, 7], &[1, 1, 1]), [1, 2, 7]);
        assert_eq!(split(5, &[2, 4, 14], &[1, 1, 1]), [1, 1, 3]);
        assert_eq!(split(13, &[1, 2, 7], &[1, 1, 1]), [2, 3, 8]);
        assert_eq!(split(0, &[0, 0], &[1, 1]), [0, 0]);
        assert_eq!(split(3, &[0, 0], &[0, 0]), [3, 0]);
        assert_eq!(split(9, &[], &[2, 1]), [6, 3]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_in_dividing(
            whole in 0..1_000_000_000u64,
            parts in prop::collection::vec((0..1_000_000u64, 0..1_000u64), 1..9),
        ) {
            let (parts, beyond): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            prop_assert_eq!(split(whole, &parts, &beyond).iter().sum::<u64>(), whole);
        }
    }
}
