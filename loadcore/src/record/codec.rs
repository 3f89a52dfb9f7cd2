//! Turns a snapshot into bytes and back.
//!
//! ```text
//! snapshot  = "LCSN" version section*           version and all other numbers: LEB128 varints
//! section   = tag length payload                each once, in the order of the tags
//!   1 head        epoch seq elapsed_ns flags in_flight backlog worker(UTF-8, the rest)
//!   2 counters    the 31 numbers of `Counters::numbers`, then (status count)*, rising; version 1
//!                 has the first 28 numbers, version 2 the first 29
//!   3 examples    (class length text(UTF-8))*, rising
//!   4 health      the 12 sums and the 2 peaks of `Health`; version 1 has the first 6 sums, version 2
//!                 the first 8
//!   5 to 12       histograms: response service lag connect tls first_byte pacer_lag failed; those
//!                 before version 3 end with pacer_lag
//!   13 protocols  the 7 numbers of `Protocols::numbers`; from version 3 on
//!   14 own        (own-class)*, rising; from version 4 on, as what follows
//!   15 named      zlib of named*, in the order of the mix
//!   16 workers    worker*, rising by name; from version 5 on, which only what has workers is written in
//!   17 observed   what endpoints of the target told, as `Reading` packs it; from version 6 on, which only
//!                 what has some of it is written in
//! histogram = overflow.count overflow.max overflow.sum hdr
//! own-class = count length name(UTF-8) length example(UTF-8)
//! named     = length counters, as in section 2; length (own-class)*; response service failed, each:
//!             overflow.count overflow.max overflow.sum buckets (step count)*, where steps add up to
//!             the bucket's highest value in units of 512 ns
//! worker    = length name(UTF-8); the 5 numbers of `WorkerInterval::counts`; in_flight backlog; the 9
//!             numbers of `GeneratorHealth::sums`; peak_cpu_ppm; response lag pacer_lag, each: length
//!             distribution, as its file has it
//! ```
//!
//! `hdr` is HdrHistogram's own V2 encoding, deflated, which every implementation of HdrHistogram
//! reads. Values are nanoseconds.
//!
//! Bytes come from the network and from disks, so reading is total: whatever they are, the answer
//! is a snapshot or an error, after an amount of work and memory that was bounded beforehand. What
//! has been read is consistent in itself: its histograms count what its counters count.

mod named;
mod workers;

#[cfg(feature = "cluster")]
use super::WorkerInterval;
use super::hdr::{Counts, hdr_to_bytes};
use super::varint::{put, take, take_slice};
use super::{
    Counters, Distribution, Health, Histogram, Interval, Merge, Overflow, Protocols, Snapshot,
};
use crate::request::ErrorClass;
use crate::time::Nanos;
use std::collections::BTreeMap;

/// What every encoded snapshot begins with.
const MAGIC: &[u8; 4] = b"LCSN";
/// The newest version that is read. A change of the layout, a new counter or error class counts it up.
const VERSION: u64 = 6;
/// What is written where no endpoint was observed.
const WITHOUT_OBSERVED: u64 = 5;
/// What is written where no workers are told apart: of a worker itself, so that a controller of before
/// reads what a newer worker hands in.
const WITHOUT_WORKERS: u64 = 4;
/// The largest encoding that is read, in bytes. A real one has a few KB for each histogram.
const LARGEST: usize = 4 << 20;
/// Names of the histogram sections, in the order of their tags from [`FIRST_HISTOGRAM`].
const HISTOGRAMS: [&str; 8] =
    ["response", "service", "lag", "connect", "tls", "first_byte", "pacer_lag", "failed"];
const FIRST_HISTOGRAM: u8 = 5;
/// Those that are told of each worker: response, lag and pacer_lag.
const PACKED: [usize; 3] = [0, 2, 6];
const PROTOCOLS: u8 = FIRST_HISTOGRAM + HISTOGRAMS.len() as u8;
const OWN: u8 = PROTOCOLS + 1;
const NAMED: u8 = OWN + 1;
const WORKERS: u8 = NAMED + 1;
const OBSERVED: u8 = WORKERS + 1;

/// How much of what there is today a version has.
struct Layout {
    /// Of `Counters::numbers`.
    counters: usize,
    /// Of `Health::sums`.
    sums: usize,
    /// Of [`HISTOGRAMS`].
    histograms: usize,
    protocols: bool,
    /// Classes of the target's own, and named requests.
    named: bool,
    workers: bool,
    observed: bool,
    /// Its last section.
    last: &'static str,
}

impl Layout {
    fn of(version: u64) -> Self {
        let all = usize::MAX;
        match version {
            0 | 1 => {
                let last = "pacer_lag";
                let (protocols, named, workers, observed) = (false, false, false, false);
                let (counters, sums, histograms) = (28, 6, 7);
                Self { counters, sums, histograms, protocols, named, workers, observed, last }
            }
            2 => Self { counters: 29, sums: 8, ..Self::of(1) },
            3 => {
                let (protocols, last) = (true, "protocols");
                let (counters, sums, histograms) = (all, all, all);
                Self { counters, sums, histograms, protocols, last, ..Self::of(1) }
            }
            4 => Self { named: true, last: "named", ..Self::of(3) },
            5 => Self { workers: true, last: "workers", ..Self::of(4) },
            _ => Self { observed: true, last: "observed", ..Self::of(5) },
        }
    }
}

/// Why bytes are not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Something else altogether.
    #[error("not a snapshot: it does not begin with \"LCSN\"")]
    NotASnapshot,
    /// Written by a newer program.
    #[error("the snapshot has version {found}, and this program reads versions up to {newest}")]
    Newer {
        /// The version it has.
        found: u64,
        /// The newest version that is read.
        newest: u64,
    },
    /// More bytes than any snapshot has.
    #[error("the snapshot has {length} bytes, and the most that are read are {limit}")]
    TooLarge {
        /// The bytes there are.
        length: usize,
        /// The bytes that are read at most.
        limit: usize,
    },
    /// A section is missing, cut short or wrong.
    #[error("the snapshot's section \"{section}\" {fault}")]
    Malformed {
        /// Which section.
        section: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl Snapshot {
    /// The binary form. Equal snapshots give equal bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(self.total.health.clock_error_ns)
    }

    /// The binary form, with another uncertainty of the worker's clock: the worker's agent knows it,
    /// and who counts does not.
    pub(crate) fn encode_with(&self, clock_error_ns: Nanos) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 << 10);
        out.extend_from_slice(MAGIC);
        let version = match (self.observed.is_empty(), self.workers.is_empty()) {
            (false, _) => VERSION,
            (true, false) => WITHOUT_OBSERVED,
            (true, true) => WITHOUT_WORKERS,
        };
        put(&mut out, version);
        section(&mut out, 1, |payload| put_head(payload, self));
        section(&mut out, 2, |payload| put_counters(payload, &self.total.counters));
        section(&mut out, 3, |payload| put_examples(payload, &self.total));
        section(&mut out, 4, |payload| put_health(payload, &self.total.health, clock_error_ns));
        let [response, service, lag, connect, tls, first_byte, failed] =
            self.total.histograms.each();
        let pacer_lag = &self.total.health.pacer_lag;
        let all = [response, service, lag, connect, tls, first_byte, pacer_lag, failed];
        for (tag, histogram) in (FIRST_HISTOGRAM..).zip(all) {
            section(&mut out, tag, |payload| put_histogram(payload, histogram));
        }
        section(&mut out, PROTOCOLS, |payload| {
            self.total.protocols.numbers().for_each(|number| put(payload, number));
        });
        section(&mut out, OWN, |payload| named::put_own(payload, &self.total.counters.own));
        section(&mut out, NAMED, |payload| named::put_all(payload, &self.total.named));
        if version > WITHOUT_WORKERS {
            section(&mut out, WORKERS, |payload| workers::put_all(payload, &self.workers));
        }
        if version > WITHOUT_OBSERVED {
            section(&mut out, OBSERVED, |payload| payload.extend_from_slice(&self.observed));
        }
        out
    }

    /// Reads the binary form.
    ///
    /// # Errors
    ///
    /// If the bytes are no snapshot, are of a newer version, or contradict themselves.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut total = Interval::default();
        let mut reader = SnapshotReader::default();
        let head = reader.read(bytes, Some(&mut total))?;
        total.counters.merge(&head.total.counters);
        total.examples.clone_from(&head.total.examples);
        total.health.merge(&head.total.health);
        total.protocols.merge(&head.total.protocols);
        let Self { epoch, seq, elapsed_ns, is_final, in_flight, backlog, .. } = *head;
        let (worker, workers) = (head.worker.clone(), head.workers.clone());
        let observed = head.observed.clone();
        let run = Self { worker, epoch, seq, elapsed_ns, is_final, ..Self::default() };
        Ok(Self { in_flight, backlog, total, workers, observed, ..run })
    }
}

/// Reads many snapshots, one after the other, in the same memory: a decoded one has histograms of
/// more than a megabyte, where what was written has some 20 KB, and a controller reads thousands a
/// second.
#[derive(Debug, Default)]
pub(crate) struct SnapshotReader {
    /// What was read last. Its histograms stay empty.
    head: Snapshot,
    counts: Counts,
    /// Those of its times that are told of each worker, where it was examined.
    packed: [Distribution; PACKED.len()],
    /// Named requests, inflated.
    named: Vec<u8>,
}

impl SnapshotReader {
    /// Examines a snapshot, and answers it without its histograms.
    ///
    /// # Errors
    /// As [`Snapshot::decode`].
    #[cfg(feature = "cluster")]
    pub(crate) fn check(&mut self, bytes: &[u8]) -> Result<&Snapshot, DecodeError> {
        self.read(bytes, None)
    }

    /// What the worker has done whose snapshot was examined last.
    #[cfg(feature = "cluster")]
    pub(crate) fn of_worker(&self) -> WorkerInterval {
        WorkerInterval::of_snapshot(&self.head, self.packed.clone())
    }

    /// Adds a snapshot to others, and answers it without its histograms. It has been checked: if it
    /// turns out to be none, a part of it has been added.
    ///
    /// # Errors
    /// As [`Snapshot::decode`].
    #[cfg(feature = "cluster")]
    pub(crate) fn add_to(
        &mut self,
        sum: &mut Interval,
        bytes: &[u8],
    ) -> Result<&Snapshot, DecodeError> {
        let head = self.read(bytes, Some(sum))?;
        sum.merge(&head.total);
        Ok(head)
    }

    /// Reads a snapshot, and adds its histograms to those of `sum`.
    fn read(
        &mut self,
        bytes: &[u8],
        mut sum: Option<&mut Interval>,
    ) -> Result<&Snapshot, DecodeError> {
        if bytes.len() > LARGEST {
            return Err(DecodeError::TooLarge { length: bytes.len(), limit: LARGEST });
        }
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError::NotASnapshot)?;
        let found = take(&mut rest).ok_or(DecodeError::NotASnapshot)?;
        if found > VERSION {
            return Err(DecodeError::Newer { found, newest: VERSION });
        }
        let Self { head, counts, packed, named } = self;
        read_section(&mut rest, 1, "head", |payload| take_head(payload, head))?;
        let layout = Layout::of(found);
        head.workers.clear();
        head.observed.clear();
        let Interval { counters, examples, health, protocols, .. } = &mut head.total;
        *counters = Counters::default();
        *protocols = Protocols::default();
        examples.clear();
        read_section(&mut rest, 2, "counters", |it| take_counters(it, counters, &layout))?;
        read_section(&mut rest, 3, "examples", |payload| take_examples(payload, examples))?;
        read_section(&mut rest, 4, "health", |payload| take_health(payload, health, &layout))?;
        let mut counted = [0; HISTOGRAMS.len()];
        let places = (FIRST_HISTOGRAM..).zip(HISTOGRAMS).zip(&mut counted).enumerate();
        for (place, ((tag, name), counted)) in places.take(layout.histograms) {
            let overflow = read_section(&mut rest, tag, name, |it| take_histogram(it, counts))?;
            *counted = counts.total().saturating_add(overflow.count);
            match (&mut sum, PACKED.iter().position(|it| *it == place)) {
                (Some(sum), _) => placed(sum, place).merge_counts(counts, &overflow),
                (None, Some(at)) => {
                    packed[at] = Distribution::of_buckets(counts.buckets(), overflow.count);
                }
                (None, None) => {}
            }
        }
        if layout.protocols {
            read_section(&mut rest, PROTOCOLS, "protocols", |payload| {
                protocols.numbers_mut().try_for_each(|place| {
                    *place = number(payload)?;
                    Ok(())
                })
            })?;
        }
        if layout.named {
            read_section(&mut rest, OWN, "own", |payload| named::take_own(payload, counters))?;
            read_section(&mut rest, NAMED, "named", |payload| {
                named::take_all(std::mem::take(payload), named, sum)
            })?;
        }
        if layout.workers {
            let workers = &mut head.workers;
            read_section(&mut rest, WORKERS, "workers", |it| workers::take_all(it, workers))?;
        }
        if layout.observed {
            let observed = &mut head.observed;
            read_section(&mut rest, OBSERVED, "observed", |it| {
                observed.extend_from_slice(std::mem::take(it));
                Ok(())
            })?;
        }
        let [responses, services, .., failed] = counted;
        match (rest, agrees(counters, responses, services, failed)) {
            ([], true) => Ok(head),
            ([], false) => Err(malformed("counters", "does not agree with the histograms")),
            _ => Err(malformed(layout.last, "is followed by something else")),
        }
    }
}

/// The histogram of the section that is the `place`th of [`HISTOGRAMS`].
fn placed(total: &mut Interval, place: usize) -> &mut Histogram {
    let [response, service, lag, connect, tls, first_byte, failed] = total.histograms.each_mut();
    let pacer_lag = &mut total.health.pacer_lag;
    let all = [response, service, lag, connect, tls, first_byte, pacer_lag, failed];
    all.into_iter().nth(place).expect("each section has its histogram")
}

/// Whether the histograms of response and service time count what the counters count. That of the
/// failed may lack those of older versions.
fn agrees(counters: &Counters, responses: u64, services: u64, failed: u64) -> bool {
    let classed =
        counters.errors.iter().fold(counters.own.total(), |sum, n| sum.saturating_add(*n));
    let of_all = responses == counters.outcomes() && services == responses;
    of_all && classed == counters.failed && failed <= counters.failed
}

fn section(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let mut payload = Vec::new();
    write(&mut payload);
    out.push(tag);
    put(out, payload.len() as u64);
    out.extend_from_slice(&payload);
}

/// Takes the section `tag` off the front of `rest` and has `read` read it whole, or say what is wrong
/// with it.
fn read_section<T>(
    rest: &mut &[u8],
    tag: u8,
    section: &'static str,
    read: impl FnOnce(&mut &[u8]) -> Result<T, &'static str>,
) -> Result<T, DecodeError> {
    let (found, after) = rest.split_first().ok_or(malformed(section, "is missing"))?;
    if *found != tag {
        return Err(malformed(section, "is missing"));
    }
    *rest = after;
    let mut payload = take_slice(rest).ok_or(malformed(section, "is cut short"))?;
    let value = read(&mut payload).map_err(|fault| malformed(section, fault))?;
    match payload {
        [] => Ok(value),
        _ => Err(malformed(section, "is longer than it should be")),
    }
}

fn malformed(section: &'static str, fault: &'static str) -> DecodeError {
    DecodeError::Malformed { section, fault }
}

fn put_head(out: &mut Vec<u8>, snapshot: &Snapshot) {
    let flags = u64::from(snapshot.is_final);
    let numbers = [snapshot.epoch, snapshot.seq, snapshot.elapsed_ns, flags];
    let waiting = [snapshot.in_flight, snapshot.backlog];
    numbers.into_iter().chain(waiting).for_each(|number| put(out, number));
    out.extend_from_slice(snapshot.worker.as_bytes());
}

fn take_head(payload: &mut &[u8], snapshot: &mut Snapshot) -> Result<(), &'static str> {
    snapshot.epoch = number(payload)?;
    snapshot.seq = number(payload)?;
    snapshot.elapsed_ns = number(payload)?;
    snapshot.is_final = match number(payload)? {
        0 => false,
        1 => true,
        _ => return Err("has an unknown flag"),
    };
    snapshot.in_flight = number(payload)?;
    snapshot.backlog = number(payload)?;
    snapshot.worker = text(std::mem::take(payload))?;
    Ok(())
}

fn put_counters(out: &mut Vec<u8>, counters: &Counters) {
    counters.numbers().for_each(|number| put(out, number));
    for (status, count) in &counters.statuses {
        put(out, u64::from(*status));
        put(out, *count);
    }
}

fn take_counters(
    payload: &mut &[u8],
    counters: &mut Counters,
    layout: &Layout,
) -> Result<(), &'static str> {
    for place in counters.numbers_mut().take(layout.counters) {
        *place = number(payload)?;
    }
    while !payload.is_empty() {
        let status = u16::try_from(number(payload)?).map_err(|_| "has an impossible status")?;
        let count = number(payload)?;
        if count == 0 || counters.statuses.last().is_some_and(|(last, _)| *last >= status) {
            return Err("has statuses out of order");
        }
        counters.statuses.push((status, count));
    }
    Ok(())
}

fn put_examples(out: &mut Vec<u8>, total: &Interval) {
    for (class, text) in &total.examples {
        out.push(*class as u8);
        put(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
}

fn take_examples(
    payload: &mut &[u8],
    examples: &mut BTreeMap<ErrorClass, String>,
) -> Result<(), &'static str> {
    while let Some((class, rest)) = payload.split_first() {
        *payload = rest;
        let class = ErrorClass::ALL.get(usize::from(*class)).ok_or("has an unknown class")?;
        if examples.last_key_value().is_some_and(|(last, _)| last >= class) {
            return Err("has classes out of order");
        }
        let example = take_slice(payload).ok_or("is cut short")?;
        examples.insert(*class, text(example)?);
    }
    Ok(())
}

fn put_health(out: &mut Vec<u8>, health: &Health, clock_error_ns: Nanos) {
    let [peak_cpu_ppm, _] = health.peaks();
    health
        .sums()
        .into_iter()
        .chain([peak_cpu_ppm, clock_error_ns])
        .for_each(|number| put(out, number));
}

fn take_health(
    payload: &mut &[u8],
    health: &mut Health,
    layout: &Layout,
) -> Result<(), &'static str> {
    for (index, place) in health.sums_mut().into_iter().enumerate() {
        *place = if index < layout.sums { number(payload)? } else { 0 };
    }
    for place in health.peaks_mut() {
        *place = number(payload)?;
    }
    Ok(())
}

fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    let Overflow { count, max, sum } = histogram.overflow();
    [count, max, sum].into_iter().for_each(|number| put(out, number));
    out.extend_from_slice(&hdr_to_bytes(histogram.hdr()));
}

fn take_histogram(payload: &mut &[u8], counts: &mut Counts) -> Result<Overflow, &'static str> {
    let overflow =
        Overflow { count: number(payload)?, max: number(payload)?, sum: number(payload)? };
    counts.read(std::mem::take(payload))?;
    let possible = overflow.is_possible(counts.total());
    possible.then_some(overflow).ok_or("has an impossible overflow")
}

fn number(payload: &mut &[u8]) -> Result<u64, &'static str> {
    take(payload).ok_or("is cut short")
}

fn text(bytes: &[u8]) -> Result<String, &'static str> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "has a text that is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixtures::{Deed, play, snapshots};
    use crate::record::{Histograms, Http, Protocol, Tls};
    use proptest::prelude::*;

    /// A snapshot as each version was written on the day it was made: old data must stay readable.
    const GOLDEN: [&str; 6] = [
        include_str!("golden_v1.hex"),
        include_str!("golden_v2.hex"),
        include_str!("golden_v3.hex"),
        include_str!("golden_v4.hex"),
        include_str!("golden_v5.hex"),
        include_str!("golden_v6.hex"),
    ];

    fn golden() -> Snapshot {
        let mut snapshot = play(&[
            Deed::Answered { lag_us: 20, service_us: 1_500, status: 200 },
            Deed::Answered { lag_us: 0, service_us: 2_000_000, status: 503 },
            Deed::Failed { service_us: 10_000_000, class: ErrorClass::ResponseTimeout },
            Deed::Failed { service_us: 7_200_000_000, class: ErrorClass::Internal },
            Deed::Connected { connect_us: 150, tls_us: Some(900) },
            Deed::Dropped { count: 3 },
            Deed::Woke { lag_us: 35 },
        ]);
        snapshot.worker = "worker-ä".to_owned();
        (snapshot.epoch, snapshot.seq, snapshot.is_final) = (2, 9, true);
        snapshot
    }

    /// Two workers, the second of whom stood still.
    fn workers() -> Vec<WorkerInterval> {
        let a = WorkerInterval::of("a (1)".into(), &golden().total, 3, 0);
        let mut b = WorkerInterval::of("b (2)".into(), &golden().total, 0, 7);
        (b.health.load_ns, b.health.stalled_ns, b.health.peak_cpu_ppm) = (9, 8, 7);
        vec![a, b]
    }

    #[test]
    fn what_each_worker_did_is_read_as_it_was_written() {
        let snapshot = Snapshot { workers: workers(), ..golden() };
        let bytes = snapshot.encode();
        assert_eq!((Snapshot::decode(&bytes), bytes[4]), (Ok(snapshot), 5));
        // One reader reads many: what it read before must not stay.
        let mut reader = SnapshotReader::default();
        assert_eq!(reader.check(&bytes).unwrap().workers, workers());
        let own = golden().encode();
        assert!(reader.check(&own).unwrap().workers.is_empty());
        let observed = Snapshot { observed: b"told".to_vec(), ..golden() };
        assert_eq!(Snapshot::decode(&observed.encode()), Ok(observed.clone()));
        assert_eq!(reader.check(&observed.encode()).unwrap().observed, observed.observed);
        assert!(reader.check(&own).unwrap().observed.is_empty());
        assert_eq!(own[4], 4, "what a worker hands in is read by controllers of before");
        let told = WorkerInterval::of(golden().worker, &golden().total, 0, 0);
        assert_eq!(reader.of_worker(), told);
        let refused = |workers| {
            let bytes = Snapshot { workers, ..golden() }.encode();
            Snapshot::decode(&bytes).unwrap_err().to_string()
        };
        let twice = vec![workers().remove(0); 2];
        assert!(refused(twice).contains("\"workers\" has workers out of order"));
        let many = (100..133).map(|n| WorkerInterval { worker: n.to_string(), ..<_>::default() });
        assert!(refused(many.collect()).contains("more workers than are told apart"));
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    #[test]
    fn all_versions_stay_readable() {
        let mut of_2 = golden();
        (of_2.total.health.run_delay_wall_ns, of_2.total.health.throttled_wall_ns) = (5, 700);
        of_2.total.counters.late = 1;
        let mut of_3 = of_2.clone();
        let health = &mut of_3.total.health;
        (health.short_ns, health.load_ns, health.late_ns, health.stalled_ns) = (1, 2, 3, 4);
        of_3.total.protocols.agreed(Protocol { http: Http::Two, tls: Tls::V13 }, 100);
        let mut of_4 = of_3.clone();
        let named = play(&[
            Deed::Named { request: 1, service_us: 900, status: 200 },
            Deed::Named { request: 2, service_us: 1_000_000, status: 404 },
            Deed::Own { class: 7, request: 1 },
        ]);
        of_4.total.merge(&named.total);
        let mut of_5 = of_4.clone();
        of_5.workers = workers();
        // What had not been told apart is not known.
        let without = |mut snapshot: Snapshot| {
            snapshot.total.histograms.failed.reset();
            snapshot
        };
        let mut of_6 = of_5.clone();
        of_6.observed = b"told".to_vec();
        let wanted = [without(golden()), without(of_2), of_3, of_4, of_5, of_6];
        for (text, wanted) in GOLDEN.into_iter().zip(wanted) {
            let read = Snapshot::decode(&unhex(text)).unwrap();
            assert_eq!(read, wanted);
            // What was read can be written and read again.
            assert_eq!(Snapshot::decode(&read.encode()).unwrap(), wanted);
        }
    }

    #[test]
    fn the_times_of_the_ok_are_those_of_all_without_the_failed() {
        let ok = |snapshot: &Snapshot| {
            let Interval { histograms, counters, .. } = &snapshot.total;
            histograms.ok(counters)
        };
        let of_ok = ok(&golden()).unwrap();
        assert_eq!(of_ok.count(), 1);
        assert_eq!(of_ok.max().map(|ns| ns / 10_000), Some(152));
        assert_eq!(ok(&Snapshot::decode(&unhex(GOLDEN[1])).unwrap()), None);
        assert!(ok(&Snapshot::default()).is_some_and(|none| none.is_empty()));
    }

    #[test]
    fn a_newer_version_is_refused_by_name() {
        let mut bytes = golden().encode();
        bytes[4] = 7;
        let error = Snapshot::decode(&bytes).unwrap_err();
        assert_eq!(error, DecodeError::Newer { found: 7, newest: 6 });
        assert_eq!(
            error.to_string(),
            "the snapshot has version 7, and this program reads versions up to 6"
        );
    }

    #[test]
    fn what_is_no_snapshot_is_told_what_is_wrong() {
        let told = |bytes: &[u8]| Snapshot::decode(bytes).unwrap_err().to_string();
        assert_eq!(told(b"GIF89a"), "not a snapshot: it does not begin with \"LCSN\"");
        assert_eq!(told(b"LCSN\x01"), "the snapshot's section \"head\" is missing");
        let large = vec![0; LARGEST + 1];
        assert!(told(&large).ends_with("4194305 bytes, and the most that are read are 4194304"));
        let longer = [golden().encode(), vec![0]].concat();
        assert!(told(&longer).ends_with("\"named\" is followed by something else"));
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn what_a_reader_read_before_changes_nothing() {
        let mut reader = SnapshotReader::default();
        let (mut sum, other) = (Interval::default(), play(&[Deed::Dropped { count: 2 }]));
        for snapshot in [golden(), other.clone(), golden()] {
            let bytes = snapshot.encode();
            assert_eq!(reader.check(&bytes).unwrap().worker, snapshot.worker);
            assert!(reader.check(&bytes[..bytes.len() - 1]).is_err());
            reader.add_to(&mut sum, &bytes).unwrap();
        }
        let mut expected = golden().total;
        expected.merge(&other.total);
        expected.merge(&golden().total);
        let written = |total: Interval| Snapshot { total, ..Snapshot::default() }.encode();
        assert!(written(sum) == written(expected));
    }

    #[test]
    fn a_snapshot_that_contradicts_itself_is_refused() {
        let mut forged = golden();
        forged.total.counters.ok += 1;
        let error = Snapshot::decode(&forged.encode()).unwrap_err();
        assert!(error.to_string().contains("does not agree"), "{error}");
    }

    proptest! {
        #[test]
        fn every_snapshot_comes_back(snapshot in snapshots()) {
            let bytes = snapshot.encode();
            let read = Snapshot::decode(&bytes).unwrap();
            prop_assert_eq!(&read, &snapshot);
            prop_assert_eq!(read.encode(), bytes);
        }

        #[test]
        fn no_bytes_make_it_panic(
            snapshot in snapshots(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            keep: prop::sample::Index,
            cut: bool,
        ) {
            let mut bytes = snapshot.encode();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if cut {
                bytes.truncate(keep.index(bytes.len()));
            }
            if let Ok(read) = Snapshot::decode(&bytes) {
                // Whatever was accepted can be worked with.
                let mut total = Interval::new();
                crate::record::Merge::merge(&mut total, &read.total);
                let Histograms { response, service, failed, .. } = &total.histograms;
                let (responses, services) = (response.count(), service.count());
                prop_assert!(agrees(&total.counters, responses, services, failed.count()));
                prop_assert_eq!(Snapshot::decode(&read.encode()), Ok(read));
            }
        }

        #[test]
        fn no_noise_makes_it_panic(noise in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Snapshot::decode(&[b"LCSN\x01".as_slice(), &noise].concat());
        }
    }
}
