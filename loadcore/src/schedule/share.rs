//! Turns a place among equals into the arrivals that are ours: each one of `n` takes every `n`th.
//!
//! Taking turns by index needs no agreement, leaves nothing out and sends nothing twice, and each
//! part has the form of the whole: a worker divides its share among its threads in the same way.

use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// The arrivals `offset`, `offset + stride`, `offset + 2·stride`, ... of the one global schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Share {
    offset: u64,
    stride: u64,
}

/// Into so many pieces a share is split at most.
#[cfg(feature = "cluster")]
const MOST_PIECES: u64 = 1 << 16;

/// How a share is written down.
#[derive(Serialize, Deserialize)]
struct Written {
    offset: u64,
    stride: NonZeroU64,
}

impl From<Written> for Share {
    fn from(written: Written) -> Self {
        Self { offset: written.offset, stride: written.stride.get() }
    }
}

impl From<Share> for Written {
    fn from(share: Share) -> Self {
        // Every share was made from the whole by splitting, or read from what was written.
        let stride = NonZeroU64::new(share.stride).expect("a stride of at least 1");
        Self { offset: share.offset, stride }
    }
}

impl Share {
    /// Every arrival.
    pub const WHOLE: Self = Self { offset: 0, stride: 1 };

    /// Part `k` of `n` equal parts of this share, which together are this share exactly.
    ///
    /// # Panics
    ///
    /// If `k` is not below `n`, or there are more parts of parts than 2^64.
    #[must_use]
    pub fn split(self, k: u64, n: u64) -> Self {
        assert!(k < n, "part {k} of {n}: parts are counted from 0");
        let stride = self.stride.checked_mul(n).expect("fewer than 2^64 parts");
        Self { offset: self.offset + k * self.stride, stride }
    }

    /// Whether every arrival of `part` is one of this share.
    #[must_use]
    pub fn contains(self, part: Self) -> bool {
        part.stride.is_multiple_of(self.stride)
            && part.offset >= self.offset
            && (part.offset - self.offset).is_multiple_of(self.stride)
    }

    /// Whether arrival `n` of the whole is one of this share.
    #[must_use]
    pub fn has(self, n: u64) -> bool {
        n.checked_sub(self.offset).is_some_and(|past| past.is_multiple_of(self.stride))
    }

    /// What is left of it without the arrivals of `part`, however the two overlap: itself where they do
    /// not, and else pieces that lie apart from it. Of pieces smaller than any that are ever made
    /// nothing is.
    #[cfg(feature = "cluster")]
    pub(crate) fn without(self, part: Self) -> impl Iterator<Item = Self> {
        let common = gcd(self.stride, part.stride);
        let overlap = self.offset.abs_diff(part.offset).is_multiple_of(common);
        // Of the size at which each piece lies within the part or apart from it.
        let pieces = if overlap { part.stride / common } else { 1 };
        let few = if pieces <= MOST_PIECES { pieces } else { 0 };
        (0..few).map(move |k| self.split(k, pieces)).filter(move |piece| !part.contains(*piece))
    }

    /// Which fraction of all arrivals it is.
    #[must_use]
    pub fn fraction(self) -> f64 {
        1.0 / self.stride as f64
    }

    /// Where its first arrival lies in a turn of all shares of its size, from 0 to below 1.
    pub(crate) fn place(self) -> f64 {
        (self.offset % self.stride) as f64 / self.stride as f64
    }

    /// How many of the first `n` arrivals of the whole are ours.
    #[inline]
    #[must_use]
    pub fn count(self, n: u64) -> u64 {
        if self.stride == 1 {
            return n.saturating_sub(self.offset);
        }
        // Rounded up: of one arrival past the offset, the first is ours.
        n.saturating_sub(self.offset).div_ceil(self.stride)
    }

    /// The number in the whole of our own arrival `i`; `None` past 2^64.
    #[inline]
    #[must_use]
    pub fn global(self, i: u64) -> Option<u64> {
        i.checked_mul(self.stride)?.checked_add(self.offset)
    }
}

#[cfg(feature = "cluster")]
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        #[cfg(feature = "cluster")]
        fn what_is_left_without_a_part_is_all_but_that(
            (a, b) in (1u64..9, 1u64..9), (c, d) in (1u64..9, 1u64..9), at in 0u64..100_000,
        ) {
            let share = Share::WHOLE.split(at % a, a).split(at % b, b);
            let part = Share::WHOLE.split(at / 9 % c, c).split(at / 99 % d, d);
            let has = |share: Share, arrival| share.count(arrival + 1) > share.count(arrival);
            let left: Vec<_> = share.without(part).collect();
            for arrival in 0..600 {
                let wanted = has(share, arrival) && !has(part, arrival);
                let found = left.iter().filter(|piece| has(**piece, arrival)).count();
                prop_assert_eq!(found, usize::from(wanted), "{} of {:?}", arrival, left);
            }
        }

        #[test]
        fn shares_of_shares_are_the_whole(
            workers in 1u64..12, threads in prop::collection::vec(1u64..9, 12), n in 0u64..100_000,
        ) {
            let mut sum = 0;
            for worker in 0..workers {
                let share = Share::WHOLE.split(worker, workers);
                let parts = threads[worker as usize];
                let of_parts: u64 = (0..parts).map(|k| share.split(k, parts).count(n)).sum();
                prop_assert_eq!(of_parts, share.count(n));
                sum += of_parts;
            }
            prop_assert_eq!(sum, n);
        }

        #[test]
        fn count_and_global_are_one_numbering(k in 0u64..7, i in 0u64..1_000_000) {
            let share = Share::WHOLE.split(k, 7).split(1, 3);
            let n = share.global(i).unwrap();
            prop_assert_eq!(share.count(n), i);
            prop_assert_eq!(share.count(n + 1), i + 1);
        }
    }

    #[test]
    fn a_share_contains_its_parts_and_no_others() {
        let third = Share::WHOLE.split(1, 3);
        assert!(Share::WHOLE.contains(third) && third.contains(third));
        assert!(third.contains(third.split(1, 2)) && !third.split(1, 2).contains(third));
        assert!(!third.contains(Share::WHOLE.split(0, 3).split(1, 2)));
        assert!(!third.split(1, 2).contains(third.split(0, 2)));
    }

    #[test]
    #[cfg(feature = "cluster")]
    fn without_a_part_the_other_pieces_are_left() {
        let third = Share::WHOLE.split(1, 3);
        let part = third.split(1, 4);
        let left: Vec<_> = third.without(part).collect();
        assert_eq!(left, [0, 2, 3].map(|k| third.split(k, 4)));
        assert_eq!(third.without(third).count(), 0);
        assert_eq!(third.without(third.split(0, 1 << 40)).count(), 0);
    }

    #[test]
    fn every_arrival_has_one_owner() {
        let parts: Vec<Share> = (0..3)
            .flat_map(|w| (0..2).map(move |t| Share::WHOLE.split(w, 3).split(t, 2)))
            .collect();
        let mut owners = [0; 60];
        for share in parts {
            for i in 0..10 {
                owners[share.global(i).unwrap() as usize] += 1;
            }
        }
        assert_eq!(owners, [1; 60]);
    }

    #[test]
    #[should_panic(expected = "part 3 of 3")]
    fn a_part_past_the_last_is_refused() {
        let _ = Share::WHOLE.split(3, 3);
    }
}
