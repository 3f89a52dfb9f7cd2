//! Turns durations into counts per bucket, from which percentiles are read with 3 significant
//! digits.
//!
//! It is an HdrHistogram (Gil Tene, <http://hdrhistogram.org>): buckets whose width grows with the
//! value, so that one array of 24,576 counters (192 KiB) spans everything from 1 us to 1 h at a
//! relative error of at most 0.1%, or half a microsecond below 1 ms. Two of them merge exactly by
//! adding counters, which no average and no sketch of percentiles can do.
//!
//! What lies above an hour has no bucket. It is counted apart, in [`Overflow`], and not moved to the
//! last bucket: a clamped value would pass for a measured one.

use super::hdr::{Counts, hdr_from_bytes, hdr_to_bytes};
use super::{Merge, sparse};
use crate::time::{Nanos, SECOND};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram as Hdr;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Counts of durations in nanoseconds.
///
/// What is read from it follows HdrHistogram's convention: a percentile or maximum is the highest
/// value of its bucket, a minimum the lowest, a mean is that of the buckets' middles.
#[derive(Debug, Clone)]
pub struct Histogram {
    hdr: Hdr<u64>,
    overflow: Overflow,
}

/// A histogram in a few KB instead of 192, to be kept and not to be counted in.
#[derive(Debug, Clone)]
pub(crate) struct PackedHistogram {
    hdr: Vec<u8>,
    overflow: Overflow,
    is_coarse: bool,
}

/// The values above [`Histogram::HIGHEST`], which have no bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overflow {
    /// How many there were.
    pub count: u64,
    /// The largest of them, in nanoseconds.
    #[serde(rename = "maxNs")]
    pub max: Nanos,
    /// Their sum in nanoseconds, at most `u64::MAX`.
    #[serde(rename = "sumNs")]
    pub sum: u64,
}

/// What was to be taken out of a histogram or counter is not all in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the earlier snapshot counts something that the later one does not")]
pub struct NotContained;

impl Histogram {
    /// The smallest difference that is told apart, at least: 1 us. Smaller values are counted in
    /// the buckets of half a microsecond at the bottom.
    pub const LOWEST: Nanos = 1_000;
    /// The largest value that has a bucket: 1 h.
    pub const HIGHEST: Nanos = 3_600 * SECOND;
    /// Significant decimal digits kept of every value.
    pub const DIGITS: u8 = 3;
    /// Significant decimal digits of a [coarse](Self::coarse) one.
    pub const COARSE_DIGITS: u8 = 2;
    /// The greatest count that is read from a binary form: a million a second for nine years. Sums
    /// over 65,536 workers then stay within 64 bits.
    pub(super) const MOST: u64 = 1 << 48;
    /// How many counters a histogram has.
    pub(super) const BUCKETS: usize = 24_576;

    /// An empty histogram; allocates all it will ever need.
    #[must_use]
    pub fn new() -> Self {
        let hdr = Hdr::new_with_bounds(Self::LOWEST, Self::HIGHEST, Self::DIGITS)
            .expect("the bounds are valid");
        Self { hdr, overflow: Overflow::default() }
    }

    /// An empty histogram of two significant digits, for figures of which there are many. It has memory
    /// for times as long as the longest so far, and merges with its like alone.
    #[must_use]
    pub fn coarse() -> Self {
        let mut hdr = Hdr::new_with_bounds(Self::LOWEST, 2 * Self::LOWEST, Self::COARSE_DIGITS)
            .expect("the bounds are valid");
        hdr.auto(true);
        Self { hdr, overflow: Overflow::default() }
    }

    /// The same with what lay above the range, if that is possible.
    pub(super) fn with_overflow(mut self, overflow: Overflow) -> Option<Self> {
        overflow.is_possible(self.hdr.len()).then(|| {
            self.overflow = overflow;
            self
        })
    }

    /// Counts one duration.
    #[inline]
    pub fn record(&mut self, nanos: Nanos) {
        // `record` refuses nothing up to the highest value; should it ever, the value is still
        // counted and shown.
        if nanos > Self::HIGHEST || self.hdr.record(nanos).is_err() {
            self.overflow.add(nanos, 1);
        }
    }

    /// Counts a duration `count` times.
    pub fn record_n(&mut self, nanos: Nanos, count: u64) {
        if count > 0 && (nanos > Self::HIGHEST || self.hdr.record_n(nanos, count).is_err()) {
            self.overflow.add(nanos, count);
        }
    }

    /// How many durations were counted in the bucket of `nanos`; none, where it has no bucket.
    pub(super) fn count_at(&self, nanos: Nanos) -> u64 {
        if nanos > Self::HIGHEST { 0 } else { self.hdr.count_at(nanos) }
    }

    /// How many durations were counted, those above the range included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.hdr.len().saturating_add(self.overflow.count)
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Adds what was read of a binary form.
    pub(super) fn merge_counts(&mut self, counts: &Counts, overflow: &Overflow) {
        counts.add_to(self);
        self.overflow.merge(overflow);
    }

    /// Adds what lay above the range of another one.
    pub(super) fn merge_overflow(&mut self, overflow: &Overflow) {
        self.overflow.merge(overflow);
    }

    /// What lay above the range.
    #[must_use]
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// The value that a share `quantile` (0 to 1) of the durations does not exceed: the value of
    /// rank ⌈quantile · count⌉, at least the first. `None` if nothing was counted.
    ///
    /// Where that rank lies among the values above the range, it is their largest: an upper bound.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Nanos> {
        if self.is_empty() {
            return None;
        }
        let rank = rank(quantile, self.count());
        let within = self.hdr.len();
        if rank > within {
            return Some(self.overflow.max);
        }
        // Half a rank lower, because the histogram rounds up to the next whole rank.
        Some(self.hdr.value_at_quantile((rank as f64 - 0.5) / within as f64))
    }

    /// The smallest duration. `None` if nothing was counted.
    #[must_use]
    pub fn min(&self) -> Option<Nanos> {
        match (self.hdr.is_empty(), self.overflow.count) {
            (true, 0) => None,
            // Every one of them is above the range; that is all that is known of the smallest.
            (true, _) => Some(Self::HIGHEST),
            _ => Some(self.hdr.min()),
        }
    }

    /// The largest duration. `None` if nothing was counted.
    #[must_use]
    pub fn max(&self) -> Option<Nanos> {
        self.quantile(1.0)
    }

    /// The mean in nanoseconds. `None` if nothing was counted.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        if self.overflow.count == 0 {
            return (!self.hdr.is_empty()).then(|| self.hdr.mean());
        }
        let (within, above) = self.weights();
        Some(within * self.hdr.mean() + above * self.overflow.mean())
    }

    /// The standard deviation in nanoseconds, of the whole population: √(Σ(x - mean)² / count).
    /// `None` if nothing was counted.
    ///
    /// Values above the range are taken to lie at their common mean, which makes it a lower bound.
    #[must_use]
    pub fn stdev(&self) -> Option<f64> {
        if self.overflow.count == 0 {
            return (!self.hdr.is_empty()).then(|| self.hdr.stdev());
        }
        let (within, above) = self.weights();
        let apart = self.overflow.mean() - self.hdr.mean();
        Some((within * self.hdr.stdev().powi(2) + within * above * apart.powi(2)).sqrt())
    }

    /// How many durations lie in a bucket whose highest value is at most `nanos`.
    #[must_use]
    pub fn count_up_to(&self, nanos: Nanos) -> u64 {
        let above = if nanos >= self.overflow.max { self.overflow.count } else { 0 };
        let within = self.buckets().take_while(|(value, _)| *value <= nanos).map(|(_, n)| n);
        within.sum::<u64>().saturating_add(above)
    }

    /// The buckets that are not empty, as (highest value, count), in rising order. What lies above
    /// the range is not among them.
    pub fn buckets(&self) -> impl Iterator<Item = (Nanos, u64)> + '_ {
        self.hdr
            .iter_recorded()
            .map(|bucket| (bucket.value_iterated_to(), bucket.count_since_last_iteration()))
    }

    /// The HdrHistogram inside, for its encodings.
    #[must_use]
    pub fn hdr(&self) -> &Hdr<u64> {
        &self.hdr
    }

    /// HdrHistogram's own V2 encoding, deflated, which every implementation of HdrHistogram reads.
    /// What lies above the range has no place in it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        hdr_to_bytes(&self.hdr)
    }

    /// The same counts in less memory.
    #[must_use]
    pub(crate) fn pack(&self) -> PackedHistogram {
        let is_coarse = self.hdr.sigfig() == Self::COARSE_DIGITS;
        let hdr = if is_coarse { sparse::written(self) } else { self.encode() };
        PackedHistogram { hdr, overflow: self.overflow, is_coarse }
    }

    /// Forgets everything and keeps the memory.
    pub fn reset(&mut self) {
        if !self.hdr.is_empty() {
            self.hdr.reset();
        }
        self.overflow = Overflow::default();
    }

    /// Takes out what `earlier` counted. The maximum above the range is not known of a difference
    /// and stays.
    ///
    /// # Errors
    ///
    /// If `earlier` counts a value more often than this one does. What is left is then undefined.
    pub fn subtract(&mut self, earlier: &Self) -> Result<(), NotContained> {
        self.hdr.subtract(&earlier.hdr).map_err(|_| NotContained)?;
        let count = self.overflow.count.checked_sub(earlier.overflow.count).ok_or(NotContained)?;
        let sum = self.overflow.sum.checked_sub(earlier.overflow.sum).ok_or(NotContained)?;
        self.overflow = match count {
            0 => Overflow::default(),
            _ => Overflow { count, sum, max: self.overflow.max },
        };
        Ok(())
    }

    /// The shares of the values within the range and above it.
    fn weights(&self) -> (f64, f64) {
        let above = self.overflow.count as f64 / self.count() as f64;
        (1.0 - above, above)
    }
}

impl PackedHistogram {
    /// The histogram that was packed.
    pub(crate) fn unpack(&self) -> Histogram {
        let read = if self.is_coarse { sparse::read(&self.hdr) } else { hdr_from_bytes(&self.hdr) };
        let histogram = read.expect("it was packed by ourselves");
        Histogram { overflow: self.overflow, ..histogram }
    }
}

impl Overflow {
    /// Whether there can be such a one beside `within` values that have buckets.
    pub(super) fn is_possible(&self, within: u64) -> bool {
        let possible = match self.count {
            0 => *self == Self::default(),
            _ => self.max > Histogram::HIGHEST && self.sum >= self.max,
        };
        possible && within.saturating_add(self.count) <= Histogram::MOST
    }

    /// Adds those of another histogram.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
    }

    fn add(&mut self, nanos: Nanos, count: u64) {
        self.count = self.count.saturating_add(count);
        self.max = self.max.max(nanos);
        self.sum = self.sum.saturating_add(nanos.saturating_mul(count));
    }

    fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Merge for Histogram {
    fn merge(&mut self, other: &Self) {
        if !other.hdr.is_empty() {
            self.hdr.add(&other.hdr).expect("all histograms have the same range");
        }
        self.overflow.merge(&other.overflow);
    }
}

/// A histogram in a JSON document: `{"hdr": "HISTFAAA...", "aboveRange": {...}}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    /// Base64 of HdrHistogram's deflated V2 encoding.
    hdr: String,
    above_range: Overflow,
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hdr = BASE64.encode(self.encode());
        Text { hdr, above_range: self.overflow }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.hdr).map_err(|_| "is not Base64");
        let hdr = bytes.and_then(|bytes| hdr_from_bytes(&bytes));
        let whole = hdr.and_then(|hdr| {
            hdr.with_overflow(text.above_range).ok_or("has an impossible aboveRange")
        });
        whole.map_err(|fault| D::Error::custom(format_args!("the histogram {fault}")))
    }
}

/// Equal counts in every bucket. (HdrHistogram's own equality tells an emptied one from a new one.)
impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.overflow == other.overflow && self.buckets().eq(other.buckets())
    }
}

impl Eq for Histogram {}

/// ⌈quantile · count⌉, between 1 and `count`. The product is lowered by its own rounding error
/// first, so that 0.07 of 100 is the 7th value and not the 8th.
pub(super) fn rank(quantile: f64, count: u64) -> u64 {
    let exact = quantile.clamp(0.0, 1.0) * count as f64;
    ((exact - exact * f64::EPSILON).ceil() as u64).clamp(1, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{MICROSECOND, MILLISECOND};
    use proptest::prelude::*;

    const HOUR: Nanos = Histogram::HIGHEST;

    fn of(values: &[Nanos]) -> Histogram {
        let mut histogram = Histogram::new();
        values.iter().for_each(|&value| histogram.record(value));
        histogram
    }

    fn close(actual: Nanos, wanted: Nanos) -> bool {
        actual >= wanted && actual <= wanted + wanted / 1_000 + 512
    }

    #[test]
    fn nothing_counted_has_no_numbers() {
        let empty = Histogram::new();
        assert!(empty.is_empty());
        assert_eq!(empty.quantile(0.5), None);
        assert_eq!((empty.min(), empty.max()), (None, None));
        assert_eq!((empty.mean(), empty.stdev()), (None, None));
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let values: Vec<_> = (1..=10_000).map(|n| n * MICROSECOND).collect();
        let histogram = of(&values);
        for (quantile, wanted) in [(0.0, 1), (0.5, 5_000), (0.99, 9_900), (0.9999, 9_999)] {
            let actual = histogram.quantile(quantile).unwrap();
            assert!(close(actual, wanted * MICROSECOND), "{quantile}: {actual}");
        }
        assert!(close(histogram.max().unwrap(), 10 * MILLISECOND));
        assert!((histogram.mean().unwrap() / 5_000_500.0 - 1.0).abs() < 1e-3);
        // A uniform distribution of width w has the standard deviation w / √12.
        assert!((histogram.stdev().unwrap() / (1e7 / 12f64.sqrt()) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_value_below_the_resolution_is_counted_at_the_bottom() {
        let histogram = of(&[0, 0, 300]);
        assert_eq!((histogram.count(), histogram.min()), (3, Some(0)));
        assert_eq!(histogram.quantile(0.5), histogram.max());
        assert!(histogram.max().unwrap() < MICROSECOND);
    }

    #[test]
    fn above_an_hour_nothing_is_clamped() {
        let histogram = of(&[SECOND, HOUR, HOUR + 1, 9 * HOUR]);
        assert_eq!(histogram.overflow().count, 2);
        assert_eq!((histogram.count(), histogram.max()), (4, Some(9 * HOUR)));
        assert!(close(histogram.quantile(0.5).unwrap(), HOUR));
        assert_eq!(histogram.quantile(0.75), Some(9 * HOUR));
        let mean = (SECOND + HOUR + HOUR + 9 * HOUR) as f64 / 4.0;
        assert!((histogram.mean().unwrap() / mean - 1.0).abs() < 1e-3);
        assert_eq!(of(&[2 * HOUR]).min(), Some(HOUR));
        assert!(of(&[2 * HOUR, 2 * HOUR]).stdev().unwrap() < 1.0);
    }

    #[test]
    fn a_reset_histogram_equals_a_new_one() {
        let mut histogram = of(&[5, SECOND, 2 * HOUR]);
        histogram.reset();
        assert_eq!(histogram, Histogram::new());
        assert!(histogram.is_empty());
    }

    #[test]
    fn a_whole_set_of_seven_stays_below_a_megabyte_and_a_half() {
        assert_eq!(Histogram::new().hdr().distinct_values(), Histogram::BUCKETS);
        let bytes = Histogram::BUCKETS * size_of::<u64>();
        assert!(7 * bytes < 1_500_000, "{bytes} bytes each");
    }

    #[test]
    fn the_rank_is_not_moved_by_rounding() {
        assert_eq!(rank(0.07, 100), 7);
        assert_eq!((rank(0.0, 9), rank(1.0, 9), rank(2.0, 9)), (1, 9, 9));
        assert_eq!(rank(0.999, 1_001), 1_000);
    }

    #[test]
    fn a_packed_one_comes_back() {
        let values = [0, 700, 5_000, 1_000_000, HOUR, 2 * HOUR];
        let mut coarse = Histogram::coarse();
        values.into_iter().for_each(|value| coarse.record(value));
        assert_eq!(coarse.pack().unpack(), coarse);
        assert_eq!(of(&values).pack().unpack(), of(&values));
    }

    proptest! {
        #[test]
        fn merging_equals_recording_all_in_one(
            a in prop::collection::vec(0..2 * HOUR, 0..50),
            b in prop::collection::vec(0..2 * HOUR, 0..50),
        ) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            let both = [a.clone(), b.clone()].concat();
            prop_assert_eq!(&merged, &of(&both));
            prop_assert_eq!(merged.count(), both.len() as u64);
            merged.subtract(&of(&b)).unwrap();
            prop_assert_eq!(merged.count(), a.len() as u64);
        }

        #[test]
        fn a_quantile_is_within_a_thousandth_of_the_value_of_its_rank(
            mut values in prop::collection::vec(0..HOUR, 1..200),
            quantile in 0.0..=1.0f64,
        ) {
            values.sort_unstable();
            let wanted = values[rank(quantile, values.len() as u64) as usize - 1];
            prop_assert!(close(of(&values).quantile(quantile).unwrap(), wanted));
        }
    }
}
