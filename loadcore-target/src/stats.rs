//! Turns what happens to requests into exact counts that a client can hold its own against.
//!
//! A request is counted once it has been read completely, before anything is answered: whoever has an
//! answer in hand finds its request in the counts. Each thread counts for itself, under a lock that
//! nobody else takes but a reader of the statistics. At every moment
//! `requests = answered + broken + abandoned + in_flight`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::behaviour::Route;
use crate::time::{MICROSECOND, MILLISECOND, NEVER, Nanos, SECOND};

/// Width of an arrival slot as long as all arrivals fit: 100 ms.
const SLOT: Nanos = 100 * MILLISECOND;
/// The most arrival slots: an hour of them. Then neighbours are merged and the width doubles.
const MAX_SLOTS: usize = 36_000;

/// What a target has received and done since its start, or since the last reset.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Stats {
    /// Requests that were read completely. `/stats` and `/reset` are not among them.
    pub requests: u64,
    /// Requests to which a whole answer was given, whatever its status.
    pub answered: u64,
    /// Requests that were given a broken answer or none, as they had asked for or by `errors`.
    pub broken: u64,
    /// Requests whose connection was gone before the answer was due.
    pub abandoned: u64,
    /// Requests that still wait for their answer.
    pub in_flight: u64,
    /// What could not be understood as a request; not counted among the requests.
    pub malformed: u64,
    /// Requests by kind of path.
    pub requests_by_path: BTreeMap<&'static str, u64>,
    /// Answers by status.
    pub answers_by_status: BTreeMap<u16, u64>,
    /// Bytes of the requests, heads and bodies; HTTP/2: of the bodies alone.
    pub bytes_received: u64,
    /// Bytes of the answers, heads and bodies; HTTP/2: of the bodies alone.
    pub bytes_sent: u64,
    /// Connections.
    pub connections: Connections,
    /// When the first request had been read, in seconds since the start of the target.
    pub first_request_seconds: Option<f64>,
    /// When the latest request had been read, in seconds since the start of the target.
    pub last_request_seconds: Option<f64>,
    /// The width of the slots of `arrivals`: 100, or more after very many slots.
    pub slot_ms: u64,
    /// How many requests were read completely in each slot since the first one.
    pub arrivals: Vec<u64>,
    /// How late delayed answers were given to the kernel, against their intended moment.
    pub lateness: Lateness,
    /// The same for answers that a stall had held.
    pub stall_lateness: Lateness,
    /// What the target's own watcher has seen; `null` where it was not switched on.
    pub watcher: Option<Watcher>,
}

/// Connections of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Connections {
    /// Connections that were accepted, without those that asked for the statistics first.
    pub accepted: u64,
    /// Connections that are open now, without those that asked for the statistics first.
    pub open: u64,
    /// The most connections that were open at once.
    pub peak: u64,
    /// Connections that were closed at once because of the limit.
    pub refused: u64,
    /// TLS handshakes that failed.
    pub tls_failed: u64,
}

/// By how much delayed answers came later than intended.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Lateness {
    /// How many answers were delayed.
    pub count: u64,
    /// The mean lateness in milliseconds; `null` without any.
    pub mean_ms: Option<f64>,
    /// The greatest lateness in milliseconds; `null` without any.
    pub max_ms: Option<f64>,
}

/// What a thread saw that does nothing but look at the clock: gaps in which the machine stood still.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Watcher {
    /// What counts as a gap, in milliseconds.
    pub threshold_ms: f64,
    /// How many gaps there were.
    pub gaps: u64,
    /// The longest one in milliseconds, 0 without any.
    pub longest_ms: f64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestEnd {
    Answered { status: u16, bytes: u64 },
    Broken { bytes: u64 },
    Abandoned,
}

/// A request that was counted: what it takes to count its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    /// Which reset it came after: its end is not counted after the next one.
    generation: u64,
}

/// The counts of all threads.
#[derive(Debug)]
pub(crate) struct Counts {
    shards: Vec<Mutex<Shard>>,
    /// When the first request had been read; `NEVER` before. Written under the lock of a shard.
    first: AtomicU64,
    accepted: AtomicU64,
    open: AtomicU64,
    peak: AtomicU64,
    refused: AtomicU64,
    tls_failed: AtomicU64,
    watch_threshold: Option<Nanos>,
    gaps: AtomicU64,
    longest_gap: AtomicU64,
    /// How many arrival times each shard records.
    record: usize,
}

/// The counts of one thread.
#[derive(Debug)]
struct Shard {
    generation: u64,
    requests: u64,
    broken: u64,
    abandoned: u64,
    malformed: u64,
    bytes_received: u64,
    bytes_sent: u64,
    last: Nanos,
    paths: [u64; Route::COUNT],
    /// By status less 100.
    statuses: [u64; 500],
    slots: Slots,
    lateness: LatenessSum,
    stall_lateness: LatenessSum,
    arrivals: Vec<Nanos>,
}

impl Shard {
    fn new(generation: u64, record: usize) -> Self {
        Self {
            generation,
            requests: 0,
            broken: 0,
            abandoned: 0,
            malformed: 0,
            bytes_received: 0,
            bytes_sent: 0,
            last: 0,
            paths: [0; Route::COUNT],
            statuses: [0; 500],
            slots: Slots { width: SLOT, counts: Vec::new() },
            lateness: LatenessSum::default(),
            stall_lateness: LatenessSum::default(),
            arrivals: Vec::with_capacity(record),
        }
    }

    fn end(&mut self, ticket: Counted, ending: RequestEnd) {
        if ticket.generation != self.generation {
            return;
        }
        match ending {
            RequestEnd::Answered { status, bytes } => {
                self.statuses[usize::from(status.saturating_sub(100)).min(499)] += 1;
                self.bytes_sent += bytes;
            }
            RequestEnd::Broken { bytes } => {
                self.broken += 1;
                self.bytes_sent += bytes;
            }
            RequestEnd::Abandoned => self.abandoned += 1,
        }
    }
}

impl Counts {
    pub(crate) fn new(threads: usize, record: usize, watch_threshold: Option<Nanos>) -> Self {
        Self {
            shards: (0..threads).map(|_| Mutex::new(Shard::new(0, record))).collect(),
            first: AtomicU64::new(NEVER),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            tls_failed: AtomicU64::new(0),
            watch_threshold,
            gaps: AtomicU64::new(0),
            longest_gap: AtomicU64::new(0),
            record,
        }
    }

    /// Counts a request that has been read completely at `now`. Answers also when the first one was.
    #[inline]
    pub(crate) fn arrived(
        &self,
        thread: usize,
        route: Route,
        bytes: u64,
        now: Nanos,
    ) -> (Counted, Nanos) {
        let mut shard = self.lock(thread);
        let first = self.count_arrival(&mut shard, route, bytes, now);
        (Counted { generation: shard.generation }, first)
    }

    /// Counts a request and its answer at once: half the cost for what is answered at once.
    #[inline]
    pub(crate) fn arrived_and_answered(
        &self,
        thread: usize,
        route: Route,
        bytes: u64,
        now: Nanos,
        (status, sent): (u16, u64),
    ) {
        let mut shard = self.lock(thread);
        self.count_arrival(&mut shard, route, bytes, now);
        let ticket = Counted { generation: shard.generation };
        shard.end(ticket, RequestEnd::Answered { status, bytes: sent });
    }

    #[inline]
    fn count_arrival(&self, shard: &mut Shard, route: Route, bytes: u64, now: Nanos) -> Nanos {
        let mut first = self.first.load(Ordering::Acquire);
        if first == NEVER {
            let set = self.first.compare_exchange(NEVER, now, Ordering::AcqRel, Ordering::Acquire);
            first = set.map_or_else(|first| first, |_| now);
        }
        shard.requests += 1;
        shard.paths[route as usize] += 1;
        shard.bytes_received += bytes;
        shard.last = shard.last.max(now);
        // Another thread's request may be the first one and yet have been read a moment later.
        shard.slots.add(now.saturating_sub(first));
        if shard.arrivals.len() < self.record {
            shard.arrivals.push(now);
        }
        first
    }

    pub(crate) fn ended(&self, thread: usize, ticket: Counted, ending: RequestEnd) {
        self.lock(thread).end(ticket, ending);
    }

    /// Counts how much later than intended an answer was given.
    pub(crate) fn late(&self, thread: usize, lateness: Nanos, stalled: bool) {
        let mut shard = self.lock(thread);
        let sum = if stalled { &mut shard.stall_lateness } else { &mut shard.lateness };
        sum.count += 1;
        sum.total += lateness;
        sum.max = sum.max.max(lateness);
    }

    pub(crate) fn malformed(&self, thread: usize, bytes: u64) {
        let mut shard = self.lock(thread);
        shard.malformed += 1;
        shard.bytes_received += bytes;
    }

    pub(crate) fn connection_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(open, Ordering::Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// A connection turned out to be there for the statistics.
    pub(crate) fn connection_is_control(&self) {
        self.accepted.fetch_sub(1, Ordering::Relaxed);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn connection_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn open_connections(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn tls_failed(&self) {
        self.tls_failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn gap(&self, length: Nanos) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
        self.longest_gap.fetch_max(length, Ordering::Relaxed);
    }

    /// Forgets everything but the open connections. What is in flight is counted no more.
    pub(crate) fn reset(&self) {
        // All locks at once, so that no request is counted in one half of the reset.
        let mut shards: Vec<_> = (0..self.shards.len()).map(|i| self.lock(i)).collect();
        self.first.store(NEVER, Ordering::Release);
        let open = self.open.load(Ordering::Relaxed);
        self.accepted.store(open, Ordering::Relaxed);
        self.peak.store(open, Ordering::Relaxed);
        for count in [&self.refused, &self.tls_failed, &self.gaps, &self.longest_gap] {
            count.store(0, Ordering::Relaxed);
        }
        for shard in &mut shards {
            **shard = Shard::new(shard.generation + 1, self.record);
        }
    }

    /// The arrival times of the first requests, ascending.
    pub(crate) fn arrival_times(&self) -> Vec<Nanos> {
        let mut times: Vec<Nanos> = Vec::new();
        for i in 0..self.shards.len() {
            times.extend_from_slice(&self.lock(i).arrivals);
        }
        times.sort_unstable();
        // The first of all are among the first of each.
        times.truncate(self.record);
        times
    }

    /// The sum over all threads at one moment.
    pub(crate) fn stats(&self) -> Stats {
        let shards: Vec<_> = (0..self.shards.len()).map(|i| self.lock(i)).collect();
        let sum = |of: fn(&Shard) -> u64| shards.iter().map(|shard| of(shard)).sum::<u64>();
        let by_path = |route: Route| shards.iter().map(|s| s.paths[route as usize]).sum();
        let by_status = |i: usize| shards.iter().map(|s| s.statuses[i]).sum();
        let positive = |count: &u64| *count > 0;
        let requests_by_path = Route::ALL
            .iter()
            .map(|&route| (route.name(), by_path(route)))
            .filter(|(_, count)| positive(count))
            .collect();
        let answers_by_status: BTreeMap<u16, u64> = (0..500)
            .map(|i| (i as u16 + 100, by_status(i)))
            .filter(|(_, count)| positive(count))
            .collect();
        let (requests, answered) = (sum(|s| s.requests), answers_by_status.values().sum());
        let (broken, abandoned) = (sum(|s| s.broken), sum(|s| s.abandoned));
        let first = self.first.load(Ordering::Acquire);
        let last = shards.iter().map(|s| s.last).max().filter(|_| first != NEVER);
        let seconds = |at: Nanos| at as f64 / SECOND as f64;
        let slots = Slots::merged(shards.iter().map(|s| &s.slots));
        Stats {
            requests,
            answered,
            broken,
            abandoned,
            in_flight: requests - answered - broken - abandoned,
            malformed: sum(|s| s.malformed),
            requests_by_path,
            answers_by_status,
            bytes_received: sum(|s| s.bytes_received),
            bytes_sent: sum(|s| s.bytes_sent),
            connections: self.connections(),
            first_request_seconds: (first != NEVER).then(|| seconds(first)),
            last_request_seconds: last.map(seconds),
            slot_ms: slots.width / MILLISECOND,
            arrivals: slots.counts,
            lateness: LatenessSum::merged(shards.iter().map(|s| &s.lateness)),
            stall_lateness: LatenessSum::merged(shards.iter().map(|s| &s.stall_lateness)),
            watcher: self.watcher(),
        }
    }

    fn connections(&self) -> Connections {
        Connections {
            accepted: self.accepted.load(Ordering::Relaxed),
            open: self.open.load(Ordering::Relaxed),
            peak: self.peak.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            tls_failed: self.tls_failed.load(Ordering::Relaxed),
        }
    }

    fn watcher(&self) -> Option<Watcher> {
        let millis = |ns: Nanos| ns as f64 / MILLISECOND as f64;
        self.watch_threshold.map(|threshold| Watcher {
            threshold_ms: millis(threshold),
            gaps: self.gaps.load(Ordering::Relaxed),
            longest_ms: millis(self.longest_gap.load(Ordering::Relaxed)),
        })
    }

    #[inline]
    fn lock(&self, thread: usize) -> MutexGuard<'_, Shard> {
        self.shards[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Arrivals by time since the first one, within a bound.
#[derive(Debug, Clone)]
struct Slots {
    width: Nanos,
    counts: Vec<u64>,
}

impl Slots {
    #[inline]
    fn add(&mut self, since_first: Nanos) {
        let mut slot = (since_first / self.width) as usize;
        while slot >= MAX_SLOTS {
            self.merge_neighbours();
            slot = (since_first / self.width) as usize;
        }
        if slot >= self.counts.len() {
            self.counts.resize(slot + 1, 0);
        }
        self.counts[slot] += 1;
    }

    fn merge_neighbours(&mut self) {
        self.counts = self.counts.chunks(2).map(|pair| pair.iter().sum()).collect();
        self.width *= 2;
    }

    fn merged<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let width = all.clone().map(|slots| slots.width).max().unwrap_or(SLOT);
        let mut sum = Self { width, counts: Vec::new() };
        for slots in all {
            let mut slots = slots.clone();
            while slots.width < width {
                slots.merge_neighbours();
            }
            let length = sum.counts.len().max(slots.counts.len());
            sum.counts.resize(length, 0);
            for (total, count) in sum.counts.iter_mut().zip(&slots.counts) {
                *total += count;
            }
        }
        sum
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct LatenessSum {
    count: u64,
    total: Nanos,
    max: Nanos,
}

impl LatenessSum {
    fn merged<'a>(all: impl Iterator<Item = &'a Self>) -> Lateness {
        let sum = all.fold(Self::default(), |a, b| Self {
            count: a.count + b.count,
            total: a.total + b.total,
            max: a.max.max(b.max),
        });
        let any = sum.count > 0;
        // Whole microseconds are as fine as the clock's readings mean anything.
        let millis = |ns: Nanos| (ns / MICROSECOND) as f64 / 1e3;
        Lateness {
            count: sum.count,
            mean_ms: any.then(|| millis(sum.total / sum.count.max(1))),
            max_ms: any.then(|| millis(sum.max)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: RequestEnd = RequestEnd::Answered { status: 200, bytes: 7 };

    #[test]
    fn every_request_is_in_flight_or_ended() {
        let counts = Counts::new(2, 0, None);
        let (a, _) = counts.arrived(0, Route::Root, 10, 5);
        let (b, _) = counts.arrived(1, Route::Status, 10, 6);
        let (c, _) = counts.arrived(1, Route::Fault, 10, 7);
        counts.arrived(0, Route::Root, 10, 8);
        counts.arrived_and_answered(0, Route::Root, 10, 9, (204, 3));
        counts.ended(0, a, OK);
        counts.ended(1, b, RequestEnd::Abandoned);
        counts.ended(1, c, RequestEnd::Broken { bytes: 1 });
        let stats = counts.stats();
        assert_eq!((stats.requests, stats.answered, stats.broken), (5, 2, 1));
        assert_eq!((stats.abandoned, stats.in_flight), (1, 1));
        assert_eq!(stats.answers_by_status, BTreeMap::from([(200, 1), (204, 1)]));
        assert_eq!(
            stats.requests_by_path,
            BTreeMap::from([("/", 3), ("/fault", 1), ("/status", 1)])
        );
        assert_eq!((stats.bytes_received, stats.bytes_sent), (50, 11));
        assert_eq!(stats.arrivals, [5]);
    }

    #[test]
    fn a_reset_forgets_what_is_in_flight_and_keeps_what_is_open() {
        let counts = Counts::new(1, 10, Some(MILLISECOND));
        counts.connection_accepted();
        counts.connection_accepted();
        counts.connection_closed();
        let (old, first) = counts.arrived(0, Route::Root, 1, 5);
        assert_eq!(first, 5);
        counts.gap(2 * MILLISECOND);
        counts.reset();
        counts.ended(0, old, OK);
        let stats = counts.stats();
        assert_eq!((stats.requests, stats.answered, stats.in_flight), (0, 0, 0));
        assert_eq!((stats.first_request_seconds, stats.last_request_seconds), (None, None));
        assert_eq!((stats.connections.accepted, stats.connections.open), (1, 1));
        assert_eq!(stats.watcher.unwrap().gaps, 0);
        assert_eq!(counts.arrived(0, Route::Root, 1, 50).1, 50, "first after the reset");
        assert_eq!(counts.arrival_times(), [50]);
    }

    #[test]
    fn slots_merge_where_they_would_be_too_many() {
        let mut slots = Slots { width: SLOT, counts: Vec::new() };
        for i in 0..MAX_SLOTS as u64 {
            slots.add(i * SLOT);
        }
        assert_eq!((slots.counts.len(), slots.width), (MAX_SLOTS, SLOT));
        slots.add(MAX_SLOTS as u64 * SLOT);
        assert_eq!((slots.counts.len(), slots.width), (MAX_SLOTS / 2 + 1, 2 * SLOT));
        assert_eq!(slots.counts.iter().sum::<u64>(), MAX_SLOTS as u64 + 1);
        let fine = Slots { width: SLOT, counts: vec![1, 2, 3] };
        let merged = Slots::merged([&slots, &fine].into_iter());
        assert_eq!((merged.width, &merged.counts[..3]), (2 * SLOT, &[5, 5, 2][..]));
    }

    #[test]
    fn recorded_arrivals_are_the_first_of_all_threads() {
        let counts = Counts::new(2, 3, None);
        for (thread, now) in [(0, 1), (1, 2), (0, 30), (0, 40), (0, 50), (1, 25)] {
            counts.arrived(thread, Route::Root, 0, now);
        }
        assert_eq!(counts.arrival_times(), [1, 2, 25]);
    }

    #[test]
    fn lateness_has_no_mean_without_a_delay() {
        let counts = Counts::new(1, 0, None);
        assert_eq!(counts.stats().lateness.mean_ms, None);
        counts.late(0, 10 * MICROSECOND, false);
        counts.late(0, 30 * MICROSECOND, false);
        counts.late(0, 50 * MICROSECOND, true);
        let stats = counts.stats();
        assert_eq!((stats.lateness.count, stats.lateness.mean_ms), (2, Some(0.02)));
        assert_eq!((stats.lateness.max_ms, stats.stall_lateness.max_ms), (Some(0.03), Some(0.05)));
    }

    #[test]
    fn numbers_that_do_not_exist_are_null_in_json() {
        let json = serde_json::to_value(Counts::new(1, 0, None).stats()).unwrap();
        assert_eq!(json["lateness"]["meanMs"], serde_json::Value::Null);
        assert_eq!(json["firstRequestSeconds"], serde_json::Value::Null);
        assert_eq!(json["watcher"], serde_json::Value::Null);
        assert_eq!(json["slotMs"], 100);
    }
}
