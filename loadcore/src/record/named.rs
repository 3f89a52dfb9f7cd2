//! Holds what was counted and measured of one named request, in a span of time or since the start.

use super::{Counters, Histogram, Merge, NotContained};

/// Of one request of the mix. The histograms have two significant digits, not three: some 28 KiB each
/// at most, and less where no time is long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// How many of what. Connections are not told apart by name.
    pub counters: Counters,
    /// As [`Histograms::response`](super::Histograms::response).
    pub response: Histogram,
    /// As [`Histograms::service`](super::Histograms::service).
    pub service: Histogram,
    /// As [`Histograms::failed`](super::Histograms::failed).
    pub failed: Histogram,
}

impl Named {
    /// Of a request that nothing is known of.
    #[must_use]
    pub fn new() -> Self {
        let [response, service, failed] = [(); 3].map(|()| Histogram::coarse());
        Self { counters: Counters::default(), response, service, failed }
    }

    /// Response time over the ok alone.
    #[must_use]
    pub fn ok(&self) -> Histogram {
        let mut ok = self.response.clone();
        if !self.failed.is_empty() {
            ok.subtract(&self.failed).expect("each of the failed is one of all");
        }
        ok
    }

    /// Its histograms.
    #[must_use]
    pub fn histograms(&self) -> [&Histogram; 3] {
        [&self.response, &self.service, &self.failed]
    }

    /// Its histograms, in the same order, to be changed.
    pub fn histograms_mut(&mut self) -> [&mut Histogram; 3] {
        [&mut self.response, &mut self.service, &mut self.failed]
    }

    pub(super) fn reset(&mut self) {
        self.counters.reset();
        self.histograms_mut().into_iter().for_each(Histogram::reset);
    }

    pub(super) fn subtract(&mut self, earlier: &Self) -> Result<(), NotContained> {
        self.counters.subtract(&earlier.counters)?;
        let both = self.histograms_mut().into_iter().zip(earlier.histograms());
        both.into_iter().try_for_each(|(mine, theirs)| mine.subtract(theirs))
    }
}

impl Default for Named {
    fn default() -> Self {
        Self::new()
    }
}

impl Merge for Named {
    fn merge(&mut self, other: &Self) {
        self.counters.merge(&other.counters);
        for (mine, theirs) in self.histograms_mut().into_iter().zip(other.histograms()) {
            mine.merge(theirs);
        }
    }
}
