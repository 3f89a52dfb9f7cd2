//! Turns named requests, and the classes that the thing under load has named, into bytes and back.

use super::{Layout, agrees, number, put_counters, take_counters, text};
use crate::record::varint::{put, put_slice, take_slice};
use crate::record::{Counters, Interval, Merge, Named, OwnClasses, sparse};
use crate::request::MOST_REQUESTS;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use std::io::{Read as _, Write as _};

/// The most bytes of named requests, inflated: more than a hundred of them have, with a count in each
/// bucket.
const MOST_PLAIN: u64 = 16 << 20;

pub(super) fn put_own(out: &mut Vec<u8>, own: &OwnClasses) {
    for (name, own) in own.iter() {
        put(out, own.count);
        put_slice(out, name.as_bytes());
        put_slice(out, own.example.as_bytes());
    }
}

/// Reads them into counters that have none yet.
pub(super) fn take_own(payload: &mut &[u8], counters: &mut Counters) -> Result<(), &'static str> {
    let mut last = String::new();
    while !payload.is_empty() {
        let count = number(payload)?;
        let name = text(take_slice(payload).ok_or("is cut short")?)?;
        let example = text(take_slice(payload).ok_or("is cut short")?)?;
        let is_full = counters.own.iter().count() == OwnClasses::MOST;
        let fits = (1..=OwnClasses::LONGEST_NAME).contains(&name.len()) && !is_full;
        if count == 0 || name <= last || !fits {
            return Err("has an impossible class");
        }
        counters.count_own(&name, count, Some(&example));
        last = name;
    }
    Ok(())
}

pub(super) fn put_all(out: &mut Vec<u8>, all: &[Named]) {
    if all.is_empty() {
        return;
    }
    let mut plain = Vec::new();
    for named in all {
        let mut part = Vec::new();
        put_counters(&mut part, &named.counters);
        put_slice(&mut plain, &part);
        part.clear();
        put_own(&mut part, &named.counters.own);
        put_slice(&mut plain, &part);
        for histogram in named.histograms() {
            sparse::put_histogram(&mut plain, histogram);
        }
    }
    let mut encoder = ZlibEncoder::new(out, Compression::fast());
    let written = encoder.write_all(&plain).and_then(|()| encoder.finish().map(drop));
    written.expect("a Vec takes every byte");
}

/// Reads them, and adds them to those of `sum`. `plain` is memory for it.
pub(super) fn take_all(
    payload: &[u8],
    plain: &mut Vec<u8>,
    mut sum: Option<&mut Interval>,
) -> Result<(), &'static str> {
    if payload.is_empty() {
        return Ok(());
    }
    plain.clear();
    let read = ZlibDecoder::new(payload).take(MOST_PLAIN + 1).read_to_end(plain);
    if read.is_err() || plain.len() as u64 > MOST_PLAIN {
        return Err("cannot be inflated");
    }
    let mut rest = &plain[..];
    for place in 0.. {
        if rest.is_empty() {
            return Ok(());
        }
        if place == MOST_REQUESTS {
            return Err("has more requests than a mix can");
        }
        let into = sum.as_mut().map(|sum| {
            sum.make_room(place + 1);
            &mut sum.named[place]
        });
        take_one(&mut rest, into)?;
    }
    Ok(())
}

fn take_one(rest: &mut &[u8], mut sum: Option<&mut Named>) -> Result<(), &'static str> {
    let mut counters = Counters::default();
    let mut part = take_slice(rest).ok_or("is cut short")?;
    take_counters(&mut part, &mut counters, &Layout::of(super::VERSION))?;
    let mut part = take_slice(rest).ok_or("is cut short")?;
    take_own(&mut part, &mut counters)?;
    let mut counted = [0; 3];
    for (place, counted) in counted.iter_mut().enumerate() {
        let into = sum.as_mut().map(|sum| {
            let [response, service, failed] = sum.histograms_mut();
            [response, service, failed].into_iter().nth(place).expect("there are three")
        });
        *counted = sparse::take_histogram(rest, into)?;
    }
    let [responses, services, failed] = counted;
    if !agrees(&counters, responses, services, failed) {
        return Err("does not agree with its histograms");
    }
    if let Some(sum) = sum {
        sum.counters.merge(&counters);
    }
    Ok(())
}
