//! What each worker takes at most into shares of the schedule that none of them exceeds.

use crate::schedule::Share;

/// Pieces of the schedule that unequal shares are made of: a power of two.
const GRAINS: u64 = 1 << 10;

/// The parts of the schedule of each worker, given the fraction of the load that it takes at most.
/// They are even as far as that allows, and all of the schedule; `None`: they do not take all of it.
pub(super) fn shares(most: &[f64]) -> Option<Vec<Vec<Share>>> {
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
    Some(cut(&given))
}

/// Cuts the schedule: each gets as many grains as it is due, in as few parts as they have binary
/// digits. Large parts are cut first, so that a small one never breaks what a large one needs.
fn cut(grains: &[u64]) -> Vec<Vec<Share>> {
    let mut free = vec![(GRAINS, Share::WHOLE)];
    let mut parts = vec![Vec::new(); grains.len()];
    for size in (0..=GRAINS.ilog2()).rev().map(|bit| 1 << bit) {
        for (parts, _) in parts.iter_mut().zip(grains).filter(|(_, grains)| *grains & size != 0) {
            let smallest = free.iter().enumerate().filter(|(_, (held, _))| *held >= size);
            let smallest = smallest.min_by_key(|(_, (held, _))| *held);
            let (place, _) = smallest.expect("all grains together are the whole");
            let (mut held, mut part) = free.swap_remove(place);
            while held > size {
                held /= 2;
                free.push((held, part.split(1, 2)));
                part = part.split(0, 2);
            }
            parts.push(part);
        }
    }
    parts
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
        let even = shares(&[f64::INFINITY, 0.5, 0.34]).unwrap();
        assert_eq!(even, (0..3).map(|k| vec![Share::WHOLE.split(k, 3)]).collect::<Vec<_>>());
    }

    #[test]
    fn who_takes_less_has_less_and_the_others_share_the_rest() {
        let parts = shares(&[0.1, f64::INFINITY, f64::INFINITY]).unwrap();
        let sizes: Vec<_> = parts.iter().map(|parts| size(parts)).collect();
        assert!(sizes[0] <= 0.1 && sizes[0] > 0.099, "{sizes:?}");
        assert!((sizes[1] - sizes[2]).abs() < 0.01, "{sizes:?}");
        assert_eq!(shares(&[0.05]), None);
        assert_eq!(shares(&[0.5, 0.49]), None);
    }

    proptest! {
        #[test]
        fn every_arrival_has_one_owner_and_nobody_more_than_it_takes(
            most in prop::collection::vec(0.0..1.5f64, 1..12), arrivals in 0..5_000u64,
        ) {
            let Some(parts) = shares(&most) else {
                prop_assert!(most.iter().sum::<f64>() < 1.0 + 12.0 / GRAINS as f64);
                return Ok(());
            };
            let count: u64 = parts.iter().flatten().map(|part| part.count(arrivals)).sum();
            prop_assert_eq!(count, arrivals);
            for (parts, most) in parts.iter().zip(&most) {
                prop_assert!(size(parts) <= most + 1e-9);
            }
        }
    }
}
