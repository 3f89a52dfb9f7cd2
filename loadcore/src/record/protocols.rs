//! Counts the connections that were opened, by what was agreed on them.

use super::{Merge, NotContained};
use crate::request::Protocol;

/// Opened connections by what was agreed on them. Those of closures and of transports of one's own
/// are not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Protocols {
    counts: [u64; Protocol::ALL.len()],
    /// The most requests that one of them was allowed to carry at once.
    pub streams: u64,
}

impl Protocols {
    /// Counts a connection that may carry `streams` requests at once.
    pub fn agreed(&mut self, protocol: Protocol, streams: u64) {
        self.counts[protocol.place()] += 1;
        self.streams = self.streams.max(streams);
    }

    /// Those that occurred, with the number of their connections.
    pub fn each(&self) -> impl Iterator<Item = (Protocol, u64)> + '_ {
        let all = Protocol::ALL.into_iter().zip(self.counts);
        all.filter(|(_, count)| *count > 0)
    }

    /// Every number, in the order of the binary form.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.counts.into_iter().chain([self.streams])
    }

    /// The same, to be changed.
    pub(super) fn numbers_mut(&mut self) -> impl Iterator<Item = &mut u64> + '_ {
        self.counts.iter_mut().chain([&mut self.streams])
    }

    /// The most streams of a difference are not known: the later one's stay.
    pub(super) fn subtract(&mut self, earlier: &Self) -> Result<(), NotContained> {
        for (mine, theirs) in self.counts.iter_mut().zip(earlier.counts) {
            *mine = mine.checked_sub(theirs).ok_or(NotContained)?;
        }
        Ok(())
    }
}

impl Merge for Protocols {
    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine = mine.saturating_add(theirs);
        }
        self.streams = self.streams.max(other.streams);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_place_and_a_difference_takes_counts_out() {
        let mut all = Protocols::default();
        for (n, protocol) in (1..).zip(Protocol::ALL) {
            (0..n).for_each(|_| all.agreed(protocol, n));
        }
        assert!(all.each().eq(Protocol::ALL.into_iter().zip(1..)));
        assert_eq!(all.streams, 6);
        let mut one = Protocols::default();
        one.agreed(Protocol::ALL[0], 100);
        let mut rest = all;
        rest.subtract(&one).unwrap();
        assert!(rest.each().map(|(protocol, _)| protocol).eq(Protocol::ALL.into_iter().skip(1)));
        rest.merge(&one);
        assert_eq!((rest.counts, rest.streams), (all.counts, 100));
        assert_eq!(one.subtract(&all), Err(NotContained));
    }
}
