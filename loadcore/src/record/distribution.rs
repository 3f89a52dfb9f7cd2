//! Turns a histogram into a hundred bytes or two that still merge, and that every quantile can be
//! read from to 3.2%: one for each second of a run, to be kept, sent and drawn.
//!
//! Its buckets are log-linear, as those of [`Histogram`], but sixteen to a doubling in the place of a
//! thousand. Each of them is the sum of whole buckets of a histogram, so nothing depends on which was
//! done first, merging or packing.
//!
//! ```text
//! distribution = first entry*              all numbers: LEB128 varints; without a count no bytes
//!   first      the place of the first bucket with a count
//!   entry      how many durations the next bucket counts; or 0 and how many buckets have none
//! ```
//!
//! The bucket at place p counts what is at least `(p - 16k) * w` and less than `(p - 16k + 1) * w`
//! nanoseconds, where `k = max(p / 16 - 1, 0)` and its width `w = 512 * 2^k`. The last place, 475, has
//! no end: what is above an hour.

use super::histogram::rank;
use super::varint::{put, take};
use super::{Histogram, Merge};
use crate::time::Nanos;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A compact distribution of durations. In JSON it is a text: Base64 of its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Packed, for a run has thousands of them. Equal counts give equal bytes.
    bytes: Box<[u8]>,
}

/// How many durations lie between two edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest duration that it counts, in nanoseconds.
    pub from_ns: Nanos,
    /// The smallest that it does not count any more; `None`: it counts all above an hour.
    pub to_ns: Option<Nanos>,
    /// How many there were; never 0.
    pub count: u64,
}

/// Buckets to a doubling, as a power of two. A middle is within half a width of every value in its
/// bucket, and so within 1/32 of it.
const BITS: u32 = 4;
/// The narrowest bucket, as a power of two nanoseconds: that of [`Histogram`].
const UNIT: u32 = Histogram::LOWEST.ilog2();
/// The place of what has no bucket in a histogram.
const ABOVE: usize = place(Histogram::HIGHEST) + 1;

/// The counts of all buckets, by their places.
type Counts = [u64; ABOVE + 1];

impl Distribution {
    /// What the histogram counts.
    #[must_use]
    pub fn of(histogram: &Histogram) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        Self::of_buckets(histogram.buckets(), histogram.overflow().count)
    }

    /// What these buckets of a histogram count, each told by any value in it, and what lies above its range.
    pub(super) fn of_buckets(buckets: impl Iterator<Item = (Nanos, u64)>, above: u64) -> Self {
        let mut counts = [0; ABOVE + 1];
        buckets.for_each(|(value, count)| counts[place(value)] += count);
        counts[ABOVE] = above;
        Self::packed(&counts)
    }

    /// What came to it after `earlier`; `None` if that counts something more often.
    #[cfg(feature = "cluster")]
    pub(super) fn since(&self, earlier: &Self) -> Option<Self> {
        if earlier.is_empty() {
            return Some(self.clone());
        }
        let mut counts = self.unpacked();
        for (place, count) in earlier.places() {
            counts[place] = counts[place].checked_sub(count)?;
        }
        Some(Self::packed(&counts))
    }

    /// Its bytes, as [`Distribution::read`] reads them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.places().fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The value that a share `quantile` (0 to 1) of the durations does not exceed, as
    /// [`Histogram::quantile`] has it, but as the middle of its bucket: within 1/32 (3.2%) of the true
    /// value, and below 8 us within half a microsecond.
    ///
    /// `None` if nothing was counted, or if the value is above an hour.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Nanos> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let mut left = rank(quantile, count);
        let found = self.buckets().find(|bucket| {
            let here = left <= bucket.count;
            left = left.saturating_sub(bucket.count);
            here
        });
        found.and_then(|bucket| Some(bucket.from_ns.midpoint(bucket.to_ns?)))
    }

    /// The buckets that are not empty, in rising order.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        self.places().map(|(place, count)| Bucket {
            from_ns: lowest(place),
            to_ns: (place < ABOVE).then(|| lowest(place + 1)),
            count,
        })
    }

    /// The places that have a count, in rising order.
    fn places(&self) -> Places<'_> {
        let mut rest = &self.bytes[..];
        let next = take(&mut rest).and_then(|first| usize::try_from(first).ok());
        Places { rest, next: next.unwrap_or(0) }
    }

    fn packed(counts: &Counts) -> Self {
        let mut bytes = Vec::new();
        let mut next = 0;
        for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if bytes.is_empty() {
                put(&mut bytes, place as u64);
            } else if place > next {
                put(&mut bytes, 0);
                put(&mut bytes, (place - next) as u64);
            }
            put(&mut bytes, *count);
            next = place + 1;
        }
        Self { bytes: bytes.into() }
    }

    fn unpacked(&self) -> Counts {
        let mut counts = [0; ABOVE + 1];
        self.places().for_each(|(place, count)| counts[place] = count);
        counts
    }

    /// Reads what may be forged; else says what is wrong with it, as the end of a sentence.
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, &'static str> {
        let read = Self { bytes: bytes.into() };
        let mut places = read.places();
        let (mut counts, mut total) = ([0; ABOVE + 1], 0u64);
        for (place, count) in places.by_ref() {
            *counts.get_mut(place).ok_or("has a bucket that is none")? = count;
            total = total.saturating_add(count);
        }
        if total > Histogram::MOST {
            return Err("counts more than it can");
        }
        // Written in another way it would not be equal to what counts the same.
        let same = Self::packed(&counts);
        if same == read { Ok(same) } else { Err("is cut short or otherwise damaged") }
    }
}

impl Merge for Distribution {
    fn merge(&mut self, other: &Self) {
        if self.is_empty() {
            self.clone_from(other);
        } else if !other.is_empty() {
            let mut counts = self.unpacked();
            for (place, count) in other.places() {
                counts[place] = counts[place].saturating_add(count);
            }
            *self = Self::packed(&counts);
        }
    }
}

/// Reads places and counts off packed bytes; ends where they end, or are damaged.
struct Places<'a> {
    rest: &'a [u8],
    next: usize,
}

impl Iterator for Places<'_> {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<Self::Item> {
        let mut count = take(&mut self.rest)?;
        if count == 0 {
            let empty = usize::try_from(take(&mut self.rest)?).ok()?;
            self.next = self.next.checked_add(empty)?;
            count = take(&mut self.rest)?;
        }
        let place = self.next;
        self.next = place.checked_add(1)?;
        Some((place, count))
    }
}

/// The place of a duration up to [`Histogram::HIGHEST`].
const fn place(nanos: Nanos) -> usize {
    let units = nanos >> UNIT;
    let doubled = match units.checked_ilog2() {
        Some(log) if log > BITS => log - BITS,
        _ => 0,
    };
    ((doubled as usize) << BITS) + (units >> doubled) as usize
}

/// The smallest duration at a place.
fn lowest(place: usize) -> Nanos {
    let doubled = (place >> BITS).saturating_sub(1);
    ((place - (doubled << BITS)) as Nanos) << (UNIT as usize + doubled)
}

impl Serialize for Distribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.bytes))
    }
}

impl<'de> Deserialize<'de> for Distribution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text).map_err(|_| "is not Base64");
        let read = bytes.and_then(Self::read);
        read.map_err(|fault| D::Error::custom(format_args!("the distribution {fault}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{MICROSECOND, MILLISECOND, SECOND};
    use proptest::prelude::*;

    const HOUR: Nanos = Histogram::HIGHEST;

    fn of(values: &[Nanos]) -> Histogram {
        let mut histogram = Histogram::new();
        values.iter().for_each(|&value| histogram.record(value));
        histogram
    }

    fn packed(values: &[Nanos]) -> Distribution {
        Distribution::of(&of(values))
    }

    fn read(text: &str) -> Result<Distribution, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn buckets_follow_one_another_to_an_hour_and_one_lies_above() {
        assert_eq!(ABOVE, 475);
        assert_eq!((lowest(0), lowest(1), lowest(16), lowest(17)), (0, 512, 8_192, 8_704));
        assert!((1..=ABOVE).all(|place| lowest(place) > lowest(place - 1)));
        assert!((0..ABOVE).all(|at| place(lowest(at)) == at && place(lowest(at + 1) - 1) == at));
        assert!(lowest(ABOVE - 1) <= HOUR && HOUR < lowest(ABOVE));
        for at in 16..ABOVE {
            let (from, width) = (lowest(at), lowest(at + 1) - lowest(at));
            assert!(width * 16 <= from, "half a width is at most 1/32 of a value at {at}");
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_page() {
        // Two of 1 ms, none in the next two buckets, one in the third.
        let distribution = packed(&[MILLISECOND, MILLISECOND, 1_200 * MICROSECOND]);
        let first = place(MILLISECOND) as u8;
        assert_eq!((first, place(1_200 * MICROSECOND)), (126, 130));
        assert_eq!(*distribution.bytes, [first, 2, 0, 3, 1]);
        assert_eq!(serde_json::to_string(&distribution).unwrap(), r#""fgIAAwE=""#);
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        let nothing = packed(&[]);
        assert!(nothing.is_empty() && nothing.count() == 0 && nothing.buckets().next().is_none());
        assert_eq!(nothing.quantile(0.5), None);
        assert_eq!(read(r#""""#), Ok(nothing));
    }

    #[test]
    fn what_is_above_an_hour_is_counted_and_has_no_value() {
        let distribution = packed(&[SECOND, HOUR + 1, 9 * HOUR]);
        assert_eq!((distribution.count(), distribution.quantile(0.5)), (3, None));
        assert!(distribution.quantile(0.3).is_some());
        let last = distribution.buckets().last().unwrap();
        assert_eq!((last.to_ns, last.count), (None, 2));
    }

    #[test]
    fn a_usual_second_takes_a_few_hundred_bytes() {
        // 1,000 of about 2 ms, with a tail to 100 times of it; 100,000 of the same.
        let second = |n: u64| {
            let spread = |n: u64| 1_000_000 + n * 7_919 % 2_000_000;
            let tail = |n: u64| if n.is_multiple_of(50) { n * 104_729 % 200_000_000 } else { 0 };
            let values: Vec<_> = (0..n).map(|n| spread(n) + tail(n)).collect();
            serde_json::to_string(&packed(&values)).unwrap().len()
        };
        assert!(second(1_000) < 150, "{} bytes", second(1_000));
        assert!(second(100_000) < 300, "{} bytes", second(100_000));
    }

    #[test]
    fn what_is_forged_is_refused() {
        let text = |bytes: &[u8]| read(&format!("\"{}\"", BASE64.encode(bytes))).unwrap_err();
        assert!(read(r#""?""#).unwrap_err().contains("the distribution is not Base64"));
        assert!(text(&[5]).contains("cut short"), "a place without a count");
        assert!(text(&[5, 0]).contains("cut short"), "nothing follows");
        assert!(text(&[5, 0, 2]).contains("cut short"), "empty buckets at the end");
        assert!(text(&[5, 0, 0, 1]).contains("cut short"), "no empty buckets in between");
        assert!(text(&[5, 0, 1, 0]).contains("cut short"));
        assert!(text(&[5, 1, 0x80]).contains("cut short"), "a number without an end");
        assert!(text(&[0xdc, 3, 1]).contains("a bucket that is none"), "place 476");
        assert!(text(&[&[5, 0][..], &[0xff; 9], &[1, 1]].concat()).contains("damaged"));
        assert!(text(&[&[5][..], &[0xff; 8], &[1]].concat()).contains("more than it can"));
    }

    proptest! {
        #[test]
        fn it_comes_back_whatever_it_counts(values in prop::collection::vec(0..2 * HOUR, 0..60)) {
            let distribution = packed(&values);
            let text = serde_json::to_string(&distribution).unwrap();
            prop_assert_eq!(read(&text).unwrap(), distribution);
        }

        #[test]
        fn bytes_that_are_made_up_are_read_or_refused(bytes in prop::collection::vec(0u8.., 0..40)) {
            if let Ok(read) = Distribution::read(bytes.clone()) {
                prop_assert_eq!(&*read.bytes, &bytes[..]);
                prop_assert!(read.buckets().count() <= bytes.len());
            }
        }

        #[test]
        fn merging_equals_packing_what_was_merged(
            a in prop::collection::vec(0..2 * HOUR, 0..50),
            b in prop::collection::vec(0..2 * HOUR, 0..50),
        ) {
            let mut merged = packed(&a);
            merged.merge(&packed(&b));
            let mut other_way = packed(&b);
            other_way.merge(&packed(&a));
            prop_assert_eq!(&merged, &packed(&[a.clone(), b.clone()].concat()));
            prop_assert_eq!(&merged, &other_way);
            prop_assert_eq!(merged.count(), (a.len() + b.len()) as u64);
        }

        #[test]
        fn a_quantile_is_within_a_32nd_of_the_value_of_its_rank(
            mut values in prop::collection::vec((0..42u32, 0..HOUR).prop_map(|(s, n)| n >> s), 1..200),
            quantile in 0.0..=1.0f64,
        ) {
            values.sort_unstable();
            let wanted = values[rank(quantile, values.len() as u64) as usize - 1];
            let found = packed(&values).quantile(quantile).unwrap();
            prop_assert!(found.abs_diff(wanted) <= (wanted / 32).max(256), "{} for {}", found, wanted);
        }
    }
}
