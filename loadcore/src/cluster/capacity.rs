//! Turns what each worker takes at most into shares of the schedule that none of them exceeds.

use crate::schedule::Share;

/// Pieces of the schedule that unequal shares are made of: a power of two.
const GRAINS: u64 = 1 << 10;

/// The parts of the schedule of each worker, given the fraction of the load that it takes at most, and
/// the least limit that all share (for no fewer than there are workers): who has parts has something
/// of it. They are even as far as that allows, and all of the schedule; `None`: they do not take all of
/// it.
pub(super) fn shares(most: &[f64], limit: u64) -> Option<Vec<Vec<Share>>> {
    let count = most.len() as u64;
    if most.iter().all(|most| most * count as f64 >= 1.0) {
        return Some((0..count).map(|k| vec![Share::WHOLE.split(k, count)]).collect());
    }
    let grains = |most: &f64| (most * GRAINS as f64).clamp(0.0, GRAINS as f64) as u64;
    let most: Vec<_> = most.iter().map(grains).collect();
    if most.iter().sum::<u64>() < GRAINS {
        return None;
    }
    let (mut given, mut left) = (vec![0; most.len()], GRAINS);
    while left > 0 {
        let open = given.iter().zip(&most).filter(|(given, most)| given < most).count() as u64;
        let each = (left / open).max(1);
        for (given, most) in given.iter_mut().zip(&most) {
            let more = each.min(most - *given).min(left);
            *given += more;
            left -= more;
        }
    }
    Some(cut(&given, limit))
}

/// Cuts the schedule: each gets as many grains as it is due, in about as few parts as they have binary
/// digits. Large parts are cut first, so that a small one never breaks what a large one needs.
///
/// A limit is split as the schedule is: a part that has one of the first `limit` arrivals has something
/// of it. Nobody takes so many of these that somebody who has none yet would find none.
fn cut(grains: &[u64], limit: u64) -> Vec<Vec<Share>> {
    let has = |part: Share| part.count(limit);
    let mut free = vec![Free { grains: GRAINS, share: Share::WHOLE }];
    let mut of_limit = limit;
    // Who is to have parts and has nothing of the limit yet.
    let mut lacks: Vec<_> = grains.iter().map(|grains| *grains > 0).collect();
    let mut lacking = lacks.iter().filter(|lacks| **lacks).count() as u64;
    let mut left = grains.to_vec();
    let mut parts: Vec<Vec<Share>> = vec![Vec::new(); grains.len()];
    for size in (0..=GRAINS.ilog2()).rev().map(|bit| 1 << bit) {
        for who in 0..grains.len() {
            while left[who] >= size {
                let least = u64::from(lacks[who]);
                let most = of_limit - (lacking - least);
                let pieces = free.iter().enumerate().filter(|(_, it)| it.grains >= size);
                let pieces = pieces.filter_map(|(place, it)| {
                    let piece = it.last_piece(size, |part| has(part) >= least)?;
                    Some((it.grains, has(piece), place, piece))
                });
                let best = pieces.filter(|it| it.1 <= most).min_by_key(|it| (it.0, it.1));
                // In smaller pieces, then.
                let Some((_, has, place, piece)) = best else { break };
                free.swap_remove(place).without(size, piece, &mut free);
                parts[who].push(piece);
                left[who] -= size;
                of_limit -= has;
                if has > 0 && std::mem::take(&mut lacks[who]) {
                    lacking -= 1;
                }
            }
        }
    }
    debug_assert!(left.iter().all(|left| *left == 0), "all grains together are the whole");
    parts
}

/// A part of the schedule that nobody has yet.
struct Free {
    grains: u64,
    share: Share,
}

impl Free {
    /// The last of its pieces of a size that is good: later ones have no more of a limit than earlier.
    fn last_piece(&self, size: u64, is_good: impl Fn(Share) -> bool) -> Option<Share> {
        let count = self.grains / size;
        (0..count).rev().map(|k| self.share.split(k, count)).find(|piece| is_good(*piece))
    }

    /// Gives back what is left of it without a piece, in parts as large as they can be.
    fn without(self, size: u64, piece: Share, free: &mut Vec<Free>) {
        let (mut grains, mut share) = (self.grains, self.share);
        while grains > size {
            grains /= 2;
            let [ours, other] = [0, 1].map(|k| share.split(k, 2));
            let (ours, other) = if ours.contains(piece) { (ours, other) } else { (other, ours) };
            free.push(Free { grains, share: other });
            share = ours;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(parts: &[Share]) -> f64 {
        parts.iter().map(|part| part.fraction()).sum()
    }

    #[test]
    fn who_takes_enough_has_an_even_share() {
        let even = shares(&[f64::INFINITY, 0.5, 0.34], 3).unwrap();
        assert_eq!(even, (0..3).map(|k| vec![Share::WHOLE.split(k, 3)]).collect::<Vec<_>>());
    }

    #[test]
    fn who_takes_less_has_less_and_the_others_share_the_rest() {
        let parts = shares(&[0.1, f64::INFINITY, f64::INFINITY], u64::MAX).unwrap();
        let sizes: Vec<_> = parts.iter().map(|parts| size(parts)).collect();
        assert!(sizes[0] <= 0.1 && sizes[0] > 0.099, "{sizes:?}");
        assert!((sizes[1] - sizes[2]).abs() < 0.01, "{sizes:?}");
        assert!(parts.iter().map(Vec::len).sum::<usize>() < 25, "{parts:?}");
        assert_eq!(shares(&[0.05], 1), None);
        assert_eq!(shares(&[0.5, 0.49], 2), None);
    }

    #[test]
    fn of_three_connections_each_of_three_has_one() {
        for most in [[0.1, 0.5, 0.9], [0.3, 0.4, 0.4], [0.002, 0.002, 1.0], [0.34, 0.6, 0.1]] {
            let parts = shares(&most, 3).unwrap();
            let connections = |parts: &Vec<Share>| parts.iter().map(|part| part.count(3)).sum();
            let each: Vec<u64> = parts.iter().map(connections).collect();
            assert_eq!(each, [1, 1, 1], "{most:?}: {parts:?}");
        }
    }

    proptest! {
        #[test]
        fn every_arrival_has_one_owner_and_nobody_more_than_it_takes(
            most in prop::collection::vec(0.0..1.5f64, 1..12), arrivals in 0..5_000u64,
            more in prop_oneof![0..20u64, 0..3_000u64],
        ) {
            let limit = most.len() as u64 + more;
            let Some(parts) = shares(&most, limit) else {
                prop_assert!(most.iter().sum::<f64>() < 1.0 + 12.0 / GRAINS as f64);
                return Ok(());
            };
            let count: u64 = parts.iter().flatten().map(|part| part.count(arrivals)).sum();
            prop_assert_eq!(count, arrivals);
            let of_limit: u64 = parts.iter().flatten().map(|part| part.count(limit)).sum();
            prop_assert_eq!(of_limit, limit);
            for (parts, most) in parts.iter().zip(&most) {
                prop_assert!(size(parts) <= most + 1e-9);
                let has_some = parts.iter().any(|part| part.count(limit) > 0);
                prop_assert!(has_some || parts.is_empty());
            }
        }
    }
}
