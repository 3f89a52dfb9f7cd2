//! Holds what was counted and measured in a span of time: of one second, or since the start.
//!
//! The same shape serves for both, because a cumulative value is the sum of its intervals and an
//! interval the difference of two cumulative values.

use super::{Histogram, Merge, Named, NotContained, OwnClasses, Protocols};
use crate::request::{DropReason, ErrorClass};
use crate::time::SECOND;
use std::collections::BTreeMap;
use std::fmt::Display;

/// Everything of one span of time. About 1.5 MB, all of it allocated at once and reused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interval {
    /// How many of what.
    pub counters: Counters,
    /// How long it took.
    pub histograms: Histograms,
    /// How well the generator itself was.
    pub health: Health,
    /// What was spoken on the connections that were opened.
    pub protocols: Protocols,
    /// One text for each error class that occurred. Of several the least in byte order is kept,
    /// so that merging in any order keeps the same.
    pub examples: BTreeMap<ErrorClass, String>,
    /// The same of each request of the mix, in its order; empty without a mix.
    pub named: Vec<Named>,
}

/// How many error classes there were before version 3 of the binary form.
const ERRORS_OF_OLD: usize = 16;

/// Counts of arrivals, outcomes and bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Arrivals whose intended start has come.
    pub due: u64,
    /// Requests whose attempt began.
    pub sent: u64,
    /// Requests that succeeded.
    pub ok: u64,
    /// Requests that failed, in every class.
    pub failed: u64,
    /// Arrivals given up, by [`DropReason`].
    pub dropped: [u64; DropReason::ALL.len()],
    /// Failed requests, by [`ErrorClass`].
    pub errors: [u64; ErrorClass::ALL.len()],
    /// Failed requests of classes that the thing under load has named, in no other class.
    pub own: OwnClasses,
    /// Replies by status, in rising order; never a count of 0.
    pub statuses: Vec<(u16, u64)>,
    /// Bytes written.
    pub bytes_sent: u64,
    /// Bytes read.
    pub bytes_received: u64,
    /// Connections opened.
    pub connects: u64,
    /// Requests with an outcome that were sent only in the drain: they still waited when nothing more
    /// fell due.
    pub late: u64,
}

/// Durations, in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histograms {
    /// End minus intended start, over ok and failed. In closed loop, which intends no start: the
    /// service time.
    pub response: Histogram,
    /// End minus actual start, over ok and failed.
    pub service: Histogram,
    /// Actual start minus intended start, over everything sent. Empty in closed loop.
    pub lag: Histogram,
    /// Opening a connection, TLS excluded.
    pub connect: Histogram,
    /// TLS handshakes.
    pub tls: Histogram,
    /// First byte of the reply minus actual start.
    pub first_byte: Histogram,
    /// `response` over the failed alone: what is left of it without them is that of the ok, which a
    /// request that ends well so pays nothing for.
    pub failed: Histogram,
}

/// How well the generator was: what its verdict is judged from. Nothing in it depends on how the
/// target fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// How much later than due the pacer woke, in nanoseconds. A request that waits for a busy
    /// target is not in it.
    pub pacer_lag: Histogram,
    /// Processor time of the engine threads, in nanoseconds.
    pub cpu_ns: u64,
    /// Time that the engine threads existed, in nanoseconds, added up over the threads.
    pub wall_ns: u64,
    /// Time that they were ready to run and did not get a processor, in nanoseconds.
    pub run_delay_ns: u64,
    /// The part of `wall_ns` for which the system told `run_delay_ns`.
    pub run_delay_wall_ns: u64,
    /// The greatest share of a processor that one thread used in one measured span of half a second
    /// or more, in millionths.
    pub peak_cpu_ppm: u64,
    /// Time that a processor quota (a container's) stopped the process, in nanoseconds.
    pub throttled_ns: u64,
    /// The part of `wall_ns` for which the system told `throttled_ns`.
    pub throttled_wall_ns: u64,
    /// How often this machine was short of a descriptor, a port or memory: attempts that could not begin,
    /// and arrivals that waited since no more connections could be opened.
    pub shortages: u64,
    /// Time for which connections of a closed loop waited for such a thing, in nanoseconds, as if one
    /// thread's connections were one.
    pub short_ns: u64,
    /// Time of the load, without warm-up, pauses and drain, in nanoseconds, added up over the threads.
    pub load_ns: u64,
    /// The part of it in which something was due and the pacer did not act, in nanoseconds: gaps of
    /// more than a millisecond.
    pub late_ns: u64,
    /// The part of it in which a thread did not act at all, in nanoseconds: gaps of more than 50 ms.
    pub stalled_ns: u64,
    /// Differences of two moments that came out negative: the clock went backwards.
    pub clock_faults: u64,
    /// The greatest uncertainty of a worker's clock against the others, in nanoseconds.
    pub clock_error_ns: u64,
}

/// Where one engine thread's time went in a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadTime {
    /// Length of the span, in nanoseconds.
    pub wall_ns: u64,
    /// Processor time in it, in nanoseconds.
    pub cpu_ns: u64,
    /// Time spent ready to run without a processor, in nanoseconds (Linux: the second number of
    /// `/proc/thread-self/schedstat`); `None` where the system does not tell.
    pub run_delay_ns: Option<u64>,
    /// Time that a processor quota stopped the process, in nanoseconds (Linux: `cpu.stat` of its
    /// control group), told by one of its threads for all; `None` where the system does not tell.
    pub throttled_ns: Option<u64>,
}

impl Interval {
    /// An empty interval, with all the memory it will need.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything and keeps the memory, that of the named requests too.
    pub fn reset(&mut self) {
        self.counters.reset();
        self.histograms.each_mut().into_iter().for_each(Histogram::reset);
        self.health.reset();
        self.protocols = Protocols::default();
        self.examples.clear();
        self.named.iter_mut().for_each(Named::reset);
    }

    /// Has room for so many named requests, if it has not.
    pub fn make_room(&mut self, named: usize) {
        if self.named.len() < named {
            self.named.resize_with(named, Named::new);
        }
    }

    /// Takes out what `earlier` counted, and so turns a cumulative value into a difference.
    ///
    /// # Errors
    ///
    /// If `earlier` counts something more often than this one does. What is left is then undefined.
    pub fn subtract(&mut self, earlier: &Self) -> Result<(), NotContained> {
        self.counters.subtract(&earlier.counters)?;
        for (mine, theirs) in self.histograms.each_mut().into_iter().zip(earlier.histograms.each())
        {
            mine.subtract(theirs)?;
        }
        self.health.subtract(&earlier.health)?;
        self.protocols.subtract(&earlier.protocols)?;
        self.examples.retain(|class, _| !earlier.examples.contains_key(class));
        self.make_room(earlier.named.len());
        let named = self.named.iter_mut().zip(&earlier.named);
        named.into_iter().try_for_each(|(mine, theirs)| mine.subtract(theirs))
    }
}

impl Merge for Interval {
    fn merge(&mut self, other: &Self) {
        self.counters.merge(&other.counters);
        for (mine, theirs) in self.histograms.each_mut().into_iter().zip(other.histograms.each()) {
            mine.merge(theirs);
        }
        self.health.merge(&other.health);
        self.protocols.merge(&other.protocols);
        for (class, text) in &other.examples {
            match self.examples.get_mut(class) {
                Some(mine) if *mine <= *text => {}
                Some(mine) => mine.clone_from(text),
                None => drop(self.examples.insert(*class, text.clone())),
            }
        }
        self.make_room(other.named.len());
        for (mine, theirs) in self.named.iter_mut().zip(&other.named) {
            mine.merge(theirs);
        }
    }
}

impl Counters {
    /// Requests with an outcome.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.ok.saturating_add(self.failed)
    }

    /// Arrivals given up, for whatever reason.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Counts `count` replies with this status.
    #[inline]
    pub fn count_status(&mut self, status: u16, count: u64) {
        match self.statuses.binary_search_by_key(&status, |entry| entry.0) {
            Ok(at) => self.statuses[at].1 = self.statuses[at].1.saturating_add(count),
            Err(at) => self.statuses.insert(at, (status, count)),
        }
    }

    /// Counts a failure of a class that the thing under load has named. What it says is made a text only
    /// for the first of them.
    pub(super) fn count_failed_own(&mut self, class: &str, why: &impl Display) {
        if self.own.needs_example(class) {
            self.count_own(class, 1, Some(&why.to_string()));
        } else {
            self.count_own(class, 1, None);
        }
    }

    /// Counts `count` failures of a class that the thing under load has named.
    pub(super) fn count_own(&mut self, class: &str, count: u64, example: Option<&str>) {
        let rest = self.own.add(class, count, example);
        let target = &mut self.errors[ErrorClass::Target as usize];
        *target = target.saturating_add(rest);
    }

    pub(super) fn reset(&mut self) {
        let mut statuses = std::mem::take(&mut self.statuses);
        let mut own = std::mem::take(&mut self.own);
        statuses.clear();
        own.clear();
        *self = Self { statuses, own, ..Self::default() };
    }

    /// Every plain number, in the order of the binary form.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        let single =
            [self.due, self.sent, self.ok, self.failed, self.bytes_sent, self.bytes_received];
        let (errors, newer) = self.errors.split_at(ERRORS_OF_OLD);
        let and_errors = self.dropped.iter().chain(errors).copied();
        let and_late =
            single.into_iter().chain([self.connects]).chain(and_errors).chain([self.late]);
        and_late.chain(newer.iter().copied())
    }

    /// The same numbers, in the same order, to be changed.
    pub(super) fn numbers_mut(&mut self) -> impl Iterator<Item = &mut u64> + '_ {
        let (errors, newer) = self.errors.split_at_mut(ERRORS_OF_OLD);
        [
            &mut self.due,
            &mut self.sent,
            &mut self.ok,
            &mut self.failed,
            &mut self.bytes_sent,
            &mut self.bytes_received,
            &mut self.connects,
        ]
        .into_iter()
        .chain(&mut self.dropped)
        .chain(errors)
        .chain([&mut self.late])
        .chain(newer)
    }

    pub(super) fn subtract(&mut self, earlier: &Self) -> Result<(), NotContained> {
        for (mine, theirs) in self.numbers_mut().zip(earlier.numbers()) {
            *mine = mine.checked_sub(theirs).ok_or(NotContained)?;
        }
        for (status, count) in &earlier.statuses {
            let at = self.statuses.binary_search_by_key(status, |entry| entry.0);
            let mine = &mut self.statuses[at.map_err(|_| NotContained)?].1;
            *mine = mine.checked_sub(*count).ok_or(NotContained)?;
        }
        self.statuses.retain(|(_, count)| *count > 0);
        let rest = self.own.subtract(&earlier.own).ok_or(NotContained)?;
        let target = &mut self.errors[ErrorClass::Target as usize];
        *target = target.checked_sub(rest).ok_or(NotContained)?;
        Ok(())
    }
}

impl Merge for Counters {
    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.numbers_mut().zip(other.numbers()) {
            *mine = mine.saturating_add(theirs);
        }
        for (status, count) in &other.statuses {
            self.count_status(*status, *count);
        }
        for (class, own) in other.own.iter() {
            self.count_own(class, own.count, Some(&own.example));
        }
    }
}

impl Histograms {
    /// All of them.
    #[must_use]
    pub fn each(&self) -> [&Histogram; 7] {
        let Self { response, service, lag, connect, tls, first_byte, failed } = self;
        [response, service, lag, connect, tls, first_byte, failed]
    }

    /// All of them, in the same order, to be changed.
    pub fn each_mut(&mut self) -> [&mut Histogram; 7] {
        let Self { response, service, lag, connect, tls, first_byte, failed } = self;
        [response, service, lag, connect, tls, first_byte, failed]
    }

    /// Response time over the ok alone; `None` where the failed are not known apart, as in snapshots
    /// of before version 3.
    ///
    /// Its largest value is that of its highest bucket, at most a thousandth above the true one.
    #[must_use]
    pub fn ok(&self, counters: &Counters) -> Option<Histogram> {
        if self.failed.count() != counters.failed {
            return None;
        }
        let mut ok = self.response.clone();
        if !self.failed.is_empty() {
            ok.subtract(&self.failed).ok()?;
        }
        Some(ok)
    }
}

impl Health {
    /// Adds where one engine thread's time went since it was last measured.
    pub fn measured(&mut self, time: ThreadTime) {
        self.cpu_ns = self.cpu_ns.saturating_add(time.cpu_ns);
        self.wall_ns = self.wall_ns.saturating_add(time.wall_ns);
        let told = |sum: &mut u64, wall: &mut u64, part: Option<u64>| {
            let Some(part) = part else { return };
            *sum = sum.saturating_add(part);
            *wall = wall.saturating_add(time.wall_ns);
        };
        told(&mut self.run_delay_ns, &mut self.run_delay_wall_ns, time.run_delay_ns);
        told(&mut self.throttled_ns, &mut self.throttled_wall_ns, time.throttled_ns);
        // The last span of a run may be so short that a thread is busy all through it by chance.
        if time.wall_ns >= SECOND / 2 {
            let ppm = u128::from(time.cpu_ns) * 1_000_000 / u128::from(time.wall_ns);
            self.peak_cpu_ppm = self.peak_cpu_ppm.max(u64::try_from(ppm).unwrap_or(u64::MAX));
        }
    }

    fn reset(&mut self) {
        self.pacer_lag.reset();
        self.sums_mut().into_iter().for_each(|number| *number = 0);
        self.peaks_mut().into_iter().for_each(|number| *number = 0);
    }

    /// What adds up, in the order of the binary form.
    pub(super) fn sums(&self) -> [u64; 12] {
        [
            self.cpu_ns,
            self.wall_ns,
            self.run_delay_ns,
            self.throttled_ns,
            self.shortages,
            self.clock_faults,
            self.run_delay_wall_ns,
            self.throttled_wall_ns,
            self.short_ns,
            self.load_ns,
            self.late_ns,
            self.stalled_ns,
        ]
    }

    /// The same, to be changed.
    pub(super) fn sums_mut(&mut self) -> [&mut u64; 12] {
        [
            &mut self.cpu_ns,
            &mut self.wall_ns,
            &mut self.run_delay_ns,
            &mut self.throttled_ns,
            &mut self.shortages,
            &mut self.clock_faults,
            &mut self.run_delay_wall_ns,
            &mut self.throttled_wall_ns,
            &mut self.short_ns,
            &mut self.load_ns,
            &mut self.late_ns,
            &mut self.stalled_ns,
        ]
    }

    /// Of what the greatest counts, in the order of the binary form.
    pub(super) fn peaks(&self) -> [u64; 2] {
        [self.peak_cpu_ppm, self.clock_error_ns]
    }

    /// The same, to be changed.
    pub(super) fn peaks_mut(&mut self) -> [&mut u64; 2] {
        [&mut self.peak_cpu_ppm, &mut self.clock_error_ns]
    }

    /// A peak of a difference is not known: the later one's stays.
    fn subtract(&mut self, earlier: &Self) -> Result<(), NotContained> {
        self.pacer_lag.subtract(&earlier.pacer_lag)?;
        for (mine, theirs) in self.sums_mut().into_iter().zip(earlier.sums()) {
            *mine = mine.checked_sub(theirs).ok_or(NotContained)?;
        }
        Ok(())
    }
}

impl Merge for Health {
    fn merge(&mut self, other: &Self) {
        self.pacer_lag.merge(&other.pacer_lag);
        for (mine, theirs) in self.sums_mut().into_iter().zip(other.sums()) {
            *mine = mine.saturating_add(theirs);
        }
        for (mine, theirs) in self.peaks_mut().into_iter().zip(other.peaks()) {
            *mine = (*mine).max(theirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixtures::snapshots;
    use crate::time::MILLISECOND as MS;
    use proptest::prelude::*;

    fn measured(wall_ns: u64, cpu_ns: u64) -> Health {
        let mut health = Health::default();
        health.measured(ThreadTime { wall_ns, cpu_ns, run_delay_ns: Some(1), throttled_ns: None });
        health
    }

    #[test]
    fn of_shares_the_greatest_counts_and_of_times_the_sum() {
        let mut health = measured(SECOND, 200 * MS);
        health.merge(&measured(SECOND, 900 * MS));
        health.merge(&measured(3 * MS, 3 * MS));
        assert_eq!((health.cpu_ns, health.wall_ns), (1_103 * MS, 2 * SECOND + 3 * MS));
        assert_eq!((health.run_delay_ns, health.peak_cpu_ppm), (3, 900_000));
    }

    #[test]
    fn of_several_examples_the_least_is_kept_in_any_order() {
        let example = |text: &str| Interval {
            examples: BTreeMap::from([(ErrorClass::Dns, text.to_owned())]),
            ..Interval::new()
        };
        for (first, second) in [("a", "b"), ("b", "a")] {
            let mut merged = example(first);
            merged.merge(&example(second));
            assert_eq!(merged.examples[&ErrorClass::Dns], "a");
        }
    }

    #[test]
    fn statuses_stay_sorted_and_lose_those_that_are_taken_out() {
        let mut counters = Counters::default();
        for status in [503, 200, 404, 200] {
            counters.count_status(status, 1);
        }
        assert_eq!(counters.statuses, [(200, 2), (404, 1), (503, 1)]);
        let all = counters.clone();
        counters.subtract(&Counters { statuses: vec![(404, 1)], ..Counters::default() }).unwrap();
        assert_eq!(counters.statuses, [(200, 2), (503, 1)]);
        assert_eq!(counters.subtract(&all), Err(NotContained));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn merging_obeys_its_contract(a in snapshots(), b in snapshots(), c in snapshots()) {
            let (a, b, c) = (a.total, b.total, c.total);
            let merge = |left: &Interval, right: &Interval| {
                let mut sum = left.clone();
                sum.merge(right);
                sum
            };
            prop_assert_eq!(merge(&a, &b), merge(&b, &a));
            prop_assert_eq!(merge(&merge(&a, &b), &c), merge(&a, &merge(&b, &c)));
            prop_assert_eq!(&merge(&a, &Interval::new()), &a);
            prop_assert_eq!(&merge(&Interval::new(), &a), &a);
        }

        #[test]
        fn a_reset_interval_equals_a_new_one(snapshot in snapshots()) {
            let mut interval = snapshot.total;
            let mut new = Interval::new();
            new.make_room(interval.named.len());
            interval.reset();
            prop_assert_eq!(interval, new);
        }
    }
}
