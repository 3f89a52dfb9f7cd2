//! Turns a histogram with few buckets in use into bytes and back: the buckets, and what lies between.
//!
//! ```text
//! histogram = overflow.count overflow.max overflow.sum buckets (step count)*
//! ```
//!
//! All numbers are LEB128 varints. Steps add up to the bucket's highest value in units of 512 ns, of
//! which no bucket is narrower.

use super::varint::{put, take};
use super::{Histogram, Overflow};

/// What the values of buckets are multiples of, as a power of 2.
const UNIT: u32 = Histogram::LOWEST.ilog2();

/// The buckets alone, for [`read`].
pub(super) fn written(histogram: &Histogram) -> Vec<u8> {
    let mut out = Vec::new();
    put_histogram(&mut out, histogram);
    out
}

/// What [`written`] wrote, as a coarse histogram.
pub(super) fn read(mut bytes: &[u8]) -> Result<Histogram, &'static str> {
    let mut histogram = Histogram::coarse();
    take_histogram(&mut bytes, Some(&mut histogram))?;
    Ok(histogram)
}

pub(super) fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    let Overflow { count, max, sum } = histogram.overflow();
    let buckets = histogram.buckets().count() as u64;
    [count, max, sum, buckets].into_iter().for_each(|number| put(out, number));
    let mut last = 0;
    for (value, count) in histogram.buckets() {
        // The last bucket goes beyond the highest value that there is.
        let units = value.min(Histogram::HIGHEST) >> UNIT;
        put(out, units - last);
        put(out, count);
        last = units;
    }
}

/// Reads a histogram, and adds it to `sum`; answers how many durations it counts.
pub(super) fn take_histogram(
    rest: &mut &[u8],
    mut sum: Option<&mut Histogram>,
) -> Result<u64, &'static str> {
    let overflow = Overflow { count: number(rest)?, max: number(rest)?, sum: number(rest)? };
    let (mut units, mut total) = (0u64, 0u64);
    for place in 0..number(rest)? {
        let (step, count) = (number(rest)?, number(rest)?);
        units = units.saturating_add(step);
        total = total.saturating_add(count);
        let is_new = place == 0 || step > 0;
        if !is_new || count == 0 || units > Histogram::HIGHEST >> UNIT || total > Histogram::MOST {
            return Err("counts what a histogram cannot");
        }
        if let Some(sum) = &mut sum {
            sum.record_n(units << UNIT, count);
        }
    }
    if !overflow.is_possible(total) {
        return Err("has an impossible overflow");
    }
    if let Some(sum) = sum {
        sum.merge_overflow(&overflow);
    }
    Ok(total.saturating_add(overflow.count))
}

fn number(bytes: &mut &[u8]) -> Result<u64, &'static str> {
    take(bytes).ok_or("is cut short")
}
