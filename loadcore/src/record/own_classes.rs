//! Counts failures by the classes that the thing under load names itself, a bounded number of them.

use super::recorder::LONGEST_EXAMPLE;
use std::collections::BTreeMap;

/// Failures by classes of the target's own. The first [`OwnClasses::MOST`] in byte order are told apart;
/// the rest is counted as `target`. Which those are does not depend on the order in which parts are
/// merged: a name that is among the first of the whole is among the first of every part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnClasses(BTreeMap<Box<str>, Own>);

/// The failures of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// How many.
    pub count: u64,
    /// What one of them said. Of several the least in byte order is kept.
    pub example: Box<str>,
}

impl OwnClasses {
    /// How many are told apart.
    pub const MOST: usize = 32;
    /// The longest name, in bytes.
    pub const LONGEST_NAME: usize = 100;

    /// Each class with its failures, in byte order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Own)> {
        self.0.iter().map(|(name, own)| (&**name, own))
    }

    /// All failures of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, own| sum.saturating_add(own.count))
    }

    /// Counts `count` failures of a class. Answers how many failures have no place here, now or any
    /// more.
    pub(super) fn add(&mut self, name: &str, count: u64, example: Option<&str>) -> u64 {
        if let Some(own) = self.0.get_mut(name) {
            own.count = own.count.saturating_add(count);
            if let Some(example) = example.filter(|example| **example < *own.example) {
                own.example = cut(example);
            }
            return 0;
        }
        if !self.has_place(name) {
            return count;
        }
        let is_full = self.0.len() == Self::MOST;
        let without_place = if is_full { self.0.pop_last() } else { None };
        self.0.insert(name.into(), Own { count, example: cut(example.unwrap_or_default()) });
        without_place.map_or(0, |(_, own)| own.count)
    }

    /// Takes the failures of an earlier count out. Answers how many of those have no place here any
    /// more; `None` where a class had more of them than there are.
    pub(super) fn subtract(&mut self, earlier: &Self) -> Option<u64> {
        let mut without_place = 0u64;
        for (name, own) in earlier.iter() {
            match self.0.get_mut(name) {
                Some(mine) => mine.count = mine.count.checked_sub(own.count)?,
                None => without_place = without_place.saturating_add(own.count),
            }
        }
        self.0.retain(|_, own| own.count > 0);
        Some(without_place)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the next failure of the class is the first one here.
    pub(super) fn needs_example(&self, name: &str) -> bool {
        !self.0.contains_key(name) && self.has_place(name)
    }

    /// Whether a class that is not here yet may be.
    fn has_place(&self, name: &str) -> bool {
        let last = self.0.last_key_value().map(|(last, _)| &**last);
        let fits = (1..=Self::LONGEST_NAME).contains(&name.len());
        fits && (self.0.len() < Self::MOST || Some(name) < last)
    }
}

fn cut(example: &str) -> Box<str> {
    example[..example.floor_char_boundary(LONGEST_EXAMPLE)].into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(names: &[u8]) -> (OwnClasses, u64) {
        let mut own = OwnClasses::default();
        let rest = names.iter().map(|name| own.add(&format!("c{name:03}"), 1, Some("why"))).sum();
        (own, rest)
    }

    #[test]
    fn ten_thousand_names_are_bounded_and_none_is_lost() {
        let mut own = OwnClasses::default();
        let rest: u64 = (0..10_000).map(|n| own.add(&format!("c{n:05}"), 1, None)).sum();
        assert_eq!((own.iter().count(), own.total() + rest), (OwnClasses::MOST, 10_000));
        assert_eq!(own.add("", 2, None), 2);
        assert_eq!(own.add(&"x".repeat(101), 3, None), 3);
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_merging_the_same_are_told_apart(
            left in prop::collection::vec(0u8..60, 0..80),
            right in prop::collection::vec(0u8..60, 0..80),
        ) {
            let whole = of(&[&left[..], &right[..]].concat());
            for (first, second) in [(&left, &right), (&right, &left)] {
                let (mut sum, mut rest) = of(first);
                let (other, others_rest) = of(second);
                rest += others_rest;
                for (name, own) in other.iter() {
                    rest += sum.add(name, own.count, Some(&own.example));
                }
                prop_assert_eq!((&sum, rest), (&whole.0, whole.1));
                // And the difference to a part is the other one.
                let (part, parts_rest) = of(first);
                let gone = sum.subtract(&part).unwrap();
                prop_assert_eq!(sum.total() + rest - parts_rest - gone, second.len() as u64);
            }
        }
    }
}
