//! Turns the counts of a histogram into HdrHistogram's own V2 encoding, deflated, and back.
//!
//! Other implementations read what is written here. What is read here may be forged: the crate's own
//! reader trusts the lengths and ranges it finds, and would allocate gigabytes or overflow for a few
//! bytes; and it makes a histogram of 192 KiB for each, where most buckets are empty. So the bytes
//! are inflated up to a bound and examined here, and what they count is added to a histogram that is
//! there already.

use super::Histogram;
use flate2::{Decompress, FlushDecompress, Status};
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

/// A histogram as HdrHistogram's V2 encoding, deflated. What lies above the range is not in it.
#[must_use]
pub(super) fn hdr_to_bytes(hdr: &Hdr<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(hdr, &mut bytes)
        .expect("no count reaches 2^63, and a Vec takes every byte");
    bytes
}

/// Reads HdrHistogram's V2 encoding, deflated, of a histogram with our range; else says what is
/// wrong with it, as the end of a sentence.
pub(super) fn hdr_from_bytes(bytes: &[u8]) -> Result<Histogram, &'static str> {
    let mut counts = Counts::default();
    counts.read(bytes)?;
    let mut histogram = Histogram::new();
    counts.add_to(&mut histogram);
    Ok(histogram)
}

/// The counts of one histogram, inflated and examined, in the order of their buckets. Reading the
/// next one uses the same memory: a controller reads thousands of them each second.
#[derive(Debug)]
pub(super) struct Counts {
    inflater: Decompress,
    plain: Vec<u8>,
    total: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { inflater: Decompress::new(true), plain: Vec::new(), total: 0 }
    }
}

impl Counts {
    /// Reads a deflated V2 encoding. After an error there are no counts.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        self.total = 0;
        let read = self.inflate(bytes).and_then(|()| examine(&self.plain));
        match read {
            Ok(total) => self.total = total,
            Err(_) => self.plain.clear(),
        }
        read.map(|_| ())
    }

    /// How many durations they count.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Adds them to a histogram.
    pub(super) fn add_to(&self, histogram: &mut Histogram) {
        self.buckets().for_each(|(value, count)| histogram.record_n(value, count));
    }

    /// The lowest value of each bucket that counts something, and its count.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut counts = self.plain.get(V2_HEADER..).unwrap_or_default();
        let mut index = 0;
        std::iter::from_fn(move || {
            loop {
                match take_zigzag(&mut counts)? {
                    0 => index += 1,
                    even if even.is_multiple_of(2) => {
                        index += 1;
                        return Some((lowest_of(index - 1), even / 2));
                    }
                    odd => index += odd / 2 + 1,
                }
            }
        })
    }

    fn inflate(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let deflated = bytes.strip_prefix(&[0x1c, 0x84, 0x93, 0x14]);
        let deflated = deflated.ok_or("is not a deflated HdrHistogram V2")?;
        let (length, deflated) = deflated.split_at_checked(4).ok_or("is cut short")?;
        if length != u32::try_from(deflated.len()).unwrap_or(u32::MAX).to_be_bytes() {
            return Err("has a length that is not its own");
        }
        self.inflater.reset(true);
        self.plain.clear();
        loop {
            if self.plain.len() > MOST_PLAIN {
                return Err("inflates to more than a histogram can have");
            }
            // What there is grows by at least so much, and at most to twice what is allowed.
            self.plain.reserve(ROOM);
            let before = (self.inflater.total_in(), self.inflater.total_out());
            let rest = &deflated[before.0 as usize..];
            let status = self.inflater.decompress_vec(rest, &mut self.plain, FlushDecompress::None);
            match status.map_err(|_| "cannot be inflated")? {
                Status::StreamEnd if self.plain.len() <= MOST_PLAIN => return Ok(()),
                Status::StreamEnd => {}
                // It ends in the middle.
                _ if before == (self.inflater.total_in(), self.inflater.total_out()) => {
                    return Err("cannot be inflated");
                }
                _ => {}
            }
        }
    }
}

/// The most bytes of a V2 encoding: a count takes at most nine.
const MOST_PLAIN: usize = V2_HEADER + 9 * Histogram::BUCKETS;
/// Free room for each step of inflating.
const ROOM: usize = 4 << 10;

/// The lowest value of a bucket by its place: `value_for` of the reference implementation, for our
/// range.
fn lowest_of(index: u64) -> u64 {
    // The first of all buckets are of half a microsecond; then come halves of twice the width each.
    const UNIT: u32 = Histogram::LOWEST.ilog2();
    const HALF: u64 = 1 << 10;
    match index / HALF {
        0 => index << UNIT,
        half => (index % HALF + HALF) << (UNIT + half as u32 - 1),
    }
}

/// Bytes before the counts in the V2 encoding.
const V2_HEADER: usize = 40;

/// Accepts a V2 encoding whose range is ours and whose counts have buckets there, and adds them up.
/// The layout is that of `encodeIntoByteBuffer` in the Java implementation's `AbstractHistogram`.
fn examine(plain: &[u8]) -> Result<u64, &'static str> {
    let (header, mut counts) = plain.split_at_checked(V2_HEADER).ok_or("is cut short")?;
    let mut wanted = Vec::with_capacity(V2_HEADER);
    wanted.extend_from_slice(&[0x1c, 0x84, 0x93, 0x13]);
    wanted.extend_from_slice(&u32::try_from(counts.len()).unwrap_or(u32::MAX).to_be_bytes());
    wanted.extend_from_slice(&0u32.to_be_bytes());
    wanted.extend_from_slice(&u32::from(Histogram::DIGITS).to_be_bytes());
    wanted.extend_from_slice(&Histogram::LOWEST.to_be_bytes());
    wanted.extend_from_slice(&Histogram::HIGHEST.to_be_bytes());
    wanted.extend_from_slice(&1f64.to_be_bytes());
    if header != wanted {
        return Err("is a histogram of another range");
    }
    let (mut index, mut total) = (0u64, 0u64);
    while !counts.is_empty() {
        let zigzag = take_zigzag(&mut counts).ok_or("is cut short")?;
        // An even number is twice a count, an odd one stands for (n + 1) / 2 empty buckets.
        if zigzag % 2 == 0 {
            total = total.saturating_add(zigzag / 2);
            index += 1;
        } else {
            index = index.saturating_add(zigzag / 2 + 1);
        }
        if index > Histogram::BUCKETS as u64 || total > Histogram::MOST {
            return Err("counts more than a histogram can");
        }
    }
    Ok(total)
}

/// HdrHistogram's varint: as LEB128, but a ninth byte carries eight bits and is the last.
fn take_zigzag(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for position in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if position == 8 {
            return Some(value | u64::from(*byte) << 56);
        }
        value |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::serialization::Deserializer;
    use proptest::prelude::*;
    use std::io::Read as _;

    #[test]
    fn the_histogram_inside_is_read_by_hdrhistogram_itself() {
        let mut histogram = Histogram::new();
        (1..5_000).for_each(|n| histogram.record(n * n * 700));
        let bytes = hdr_to_bytes(histogram.hdr());
        let read: Hdr<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        assert_eq!(&read, histogram.hdr());
    }

    #[test]
    fn every_bucket_is_found_by_its_place() {
        let hdr = Histogram::new();
        let hdr = hdr.hdr();
        let mut lowest = 0;
        for index in 0..Histogram::BUCKETS as u64 {
            assert_eq!(lowest_of(index), lowest, "bucket {index}");
            lowest = hdr.next_non_equivalent(lowest);
        }
        assert!(lowest > Histogram::HIGHEST);
    }

    #[test]
    fn what_is_read_is_what_was_counted() {
        let mut histogram = Histogram::new();
        histogram.record_n(0, 3);
        (1..9_000).for_each(|n| histogram.record_n(n * n * n * 40, n));
        histogram.record_n(Histogram::HIGHEST, 1 << 40);
        let read = hdr_from_bytes(&hdr_to_bytes(histogram.hdr())).unwrap();
        assert_eq!(read.hdr(), histogram.hdr());
        assert_eq!(read.hdr().max(), histogram.hdr().max());
        assert!(histogram.overflow().count > 0 && read.overflow().count == 0);
    }

    #[test]
    fn what_is_cut_short_cannot_be_inflated() {
        let whole = hdr_to_bytes(Histogram::new().hdr());
        for end in 8..whole.len() {
            let mut cut = whole[..end].to_vec();
            cut[4..8].copy_from_slice(&(end as u32 - 8).to_be_bytes());
            // The checksum at its end may be cut off, and no more.
            match hdr_from_bytes(&cut) {
                Err(fault) => assert!(["cannot be inflated", "is cut short"].contains(&fault)),
                Ok(read) => assert!(end + 4 >= whole.len() && read.is_empty(), "cut at {end}"),
            }
        }
    }

    #[test]
    fn a_few_bytes_cannot_ask_for_much_memory() {
        let mut zeros = Vec::new();
        let bomb = std::io::repeat(0).take(100 << 20);
        flate2::read::ZlibEncoder::new(bomb, flate2::Compression::best())
            .read_to_end(&mut zeros)
            .unwrap();
        let mut bytes = vec![0x1c, 0x84, 0x93, 0x14];
        bytes.extend_from_slice(&(zeros.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&zeros);
        assert_eq!(
            hdr_from_bytes(&bytes).unwrap_err(),
            "inflates to more than a histogram can have"
        );
    }

    #[test]
    fn forged_counts_are_refused_before_they_are_used() {
        let plain = |counts: &[u8]| {
            let mut bytes = Vec::new();
            hdrhistogram::serialization::V2Serializer::new()
                .serialize(Histogram::new().hdr(), &mut bytes)
                .unwrap();
            bytes.truncate(V2_HEADER);
            bytes[4..8].copy_from_slice(&(counts.len() as u32).to_be_bytes());
            bytes.extend_from_slice(counts);
            bytes
        };
        assert_eq!(examine(&plain(&[2, 4])), Ok(3));
        // A run of 2^63 empty buckets, whose negation overflows, and a count of 2^62.
        assert!(examine(&plain(&[0xff; 9])).is_err());
        assert!(examine(&plain(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80])).is_err());
        assert!(examine(&plain(&[0x80])).is_err());
    }

    proptest! {
        #[test]
        fn no_noise_makes_it_panic(noise in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = hdr_from_bytes(&noise);
            let _ = examine(&noise);
        }
    }
}
