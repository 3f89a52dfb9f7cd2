//! Turns what an engine thread saw into counts, without a lock, an allocation or a message.
//!
//! A recorder has one writer, its thread. It owns one [`Interval`] and swaps it for an empty one
//! when it is read, so the reader never touches what is being written.

use super::{Counters, Histogram, Interval, Named, Protocol};
use crate::request::{DropReason, ErrorClass, Failure};
use crate::time::Nanos;
use std::fmt::Display;

/// The longest example of an error that is kept, in bytes.
pub(super) const LONGEST_EXAMPLE: usize = 200;

/// One engine thread's record of what it does.
#[derive(Debug)]
pub struct Recorder {
    current: Box<Interval>,
    /// How many named requests there are; 0 without a mix.
    named: usize,
    /// Schedule lags of those among them that could not begin: taken out all at once when they are read.
    taken_back: Histogram,
    /// A bit for each error class of which an example was taken, in this run and not in this
    /// interval only: making a text costs an allocation.
    exampled: u32,
}

/// One request that has come to an outcome. Moments are on the run's clock.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Which of the mix; 0 without one.
    pub request: usize,
    /// When it was due; `None` in closed loop.
    pub intended: Option<Nanos>,
    /// When its attempt began.
    pub start: Nanos,
    /// When it was over.
    pub end: Nanos,
    /// When the first byte of the reply came, if any did.
    pub first_byte: Option<Nanos>,
    /// The reply's status, where there was one.
    pub status: Option<u16>,
    /// Why it failed. A status of 400 and more fails without one.
    pub failure: Option<&'a Failure>,
    /// Bytes written for it.
    pub bytes_sent: u64,
    /// Bytes read for it.
    pub bytes_received: u64,
}

impl Recorder {
    /// A recorder with nothing in it; allocates all that it will need.
    #[must_use]
    pub fn new() -> Self {
        Self::of_mix(0)
    }

    /// The same for so many named requests.
    #[must_use]
    pub fn of_mix(named: usize) -> Self {
        let mut current = Box::<Interval>::default();
        current.make_room(named);
        Self { current, named, taken_back: Histogram::new(), exampled: 0 }
    }

    /// Counts `count` arrivals as due.
    #[inline]
    pub fn due(&mut self, count: u64) {
        self.current.counters.due += count;
    }

    /// Counts `count` of the arrivals that are due as this request of the mix.
    pub fn due_of(&mut self, request: usize, count: u64) {
        if let Some(named) = self.current.named.get_mut(request) {
            named.counters.due += count;
        }
    }

    /// Counts a request as sent, and records its schedule lag: `start` minus `intended`. `request` is
    /// which of the mix it is.
    ///
    /// Without an intended start, in closed loop, it is due when it starts and is counted as due
    /// here: [`Recorder::due`] is not called for it.
    #[inline]
    pub fn started(&mut self, request: usize, intended: Option<Nanos>, start: Nanos) {
        let falls_due = u64::from(intended.is_none());
        let Interval { counters, named, .. } = &mut *self.current;
        counters.sent += 1;
        counters.due += falls_due;
        if let Some(Named { counters, .. }) = named.get_mut(request) {
            counters.sent += 1;
            counters.due += falls_due;
        }
        if let Some(intended) = intended {
            let lag = self.between(intended, start);
            self.current.histograms.lag.record(lag);
        }
    }

    /// Counts a shortage of this machine: in open loop an arrival that waited for what was lacking,
    /// in closed loop an attempt that could not begin.
    #[inline]
    pub fn short(&mut self) {
        self.current.health.shortages += 1;
    }

    /// A request that was counted as started could not begin, since this machine was short of
    /// something: it is taken out of the counts. Answers false, and changes nothing, where the
    /// start was handed over with an earlier interval.
    pub fn take_back(
        &mut self,
        request: usize,
        intended: Option<Nanos>,
        start: Nanos,
        why: &Failure,
    ) -> bool {
        let Interval { counters, histograms, named, .. } = &mut *self.current;
        let mut named = named.get_mut(request).map(|named| &mut named.counters);
        let lag = intended.map(|intended| start.saturating_sub(intended));
        let is_here = match lag {
            Some(lag) => histograms.lag.count_at(lag) > self.taken_back.count_at(lag),
            None => counters.due > 0,
        };
        // Of another request than this one the same lag may be here.
        let is_named = named.as_ref().is_none_or(|named| named.sent > 0);
        if counters.sent == 0 || !is_here || !is_named {
            return false;
        }
        if let Some(lag) = lag {
            self.taken_back.record(lag);
        }
        for counters in [Some(counters), named.take()].into_iter().flatten() {
            counters.sent -= 1;
            counters.due -= u64::from(intended.is_none());
        }
        if self.exampled & (1 << ErrorClass::Internal as u32) == 0 {
            self.take_example(ErrorClass::Internal, why);
        }
        true
    }

    /// Counts a request's outcome and records its times.
    ///
    /// The class is that of the failure, else `http_5xx` from status 500, else `http_4xx` from 400,
    /// else it is ok.
    #[inline]
    pub fn sample(&mut self, sample: &Sample<'_>) {
        let service = self.between(sample.start, sample.end);
        let response = match sample.intended {
            Some(intended) => self.between(intended, sample.end),
            None => service,
        };
        let first_byte = sample.first_byte.map(|at| self.between(sample.start, at));

        let class = class(sample);
        let Interval { counters, histograms, named, .. } = &mut *self.current;
        histograms.service.record(service);
        histograms.response.record(response);
        if let Some(nanos) = first_byte {
            histograms.first_byte.record(nanos);
        }
        count(counters, sample, class);
        if let Some(named) = named.get_mut(sample.request) {
            named.service.record(service);
            named.response.record(response);
            count(&mut named.counters, sample, class);
            if class.is_some() {
                named.failed.record(response);
            }
        }
        if let Some(class) = class {
            histograms.failed.record(response);
            if self.exampled & (1 << class as u32) == 0 {
                match (sample.failure, sample.status) {
                    // A class of its own has examples of its own.
                    (Some(failure), _) if failure.own_class().is_some() => {}
                    (Some(failure), _) => self.take_example(class, failure),
                    (None, status) => {
                        let status = status.unwrap_or_default();
                        self.take_example(class, format_args!("status {status}"));
                    }
                }
            }
        }
    }

    /// Counts connections whose times are not known apart from those of their requests.
    #[inline]
    pub fn further_connects(&mut self, count: u64) {
        self.current.counters.connects += count;
    }

    /// One of the outcomes is that of a request that was sent only in the drain.
    #[inline]
    pub fn late(&mut self, request: usize) {
        self.current.counters.late += 1;
        if let Some(named) = self.current.named.get_mut(request) {
            named.counters.late += 1;
        }
    }

    /// Counts an opened connection by what was agreed on it.
    #[inline]
    pub fn agreed(&mut self, protocol: Protocol, streams: u64) {
        self.current.protocols.agreed(protocol, streams);
    }

    /// Counts an opened connection: `connect_ns` to connect, `tls_ns` for its TLS handshake.
    #[inline]
    pub fn connected(&mut self, connect_ns: Nanos, tls_ns: Option<Nanos>) {
        self.current.counters.connects += 1;
        self.current.histograms.connect.record(connect_ns);
        if let Some(nanos) = tls_ns {
            self.current.histograms.tls.record(nanos);
        }
    }

    /// Counts `count` arrivals as given up for `reason`.
    #[inline]
    pub fn dropped(&mut self, reason: DropReason, count: u64) {
        self.current.counters.dropped[reason as usize] += count;
    }

    /// Counts `count` of the arrivals that are given up as this request of the mix.
    pub fn dropped_of(&mut self, request: usize, reason: DropReason, count: u64) {
        if let Some(named) = self.current.named.get_mut(request) {
            named.counters.dropped[reason as usize] += count;
        }
    }

    /// Records how much later than due the pacer woke.
    #[inline]
    pub fn pacer_lag(&mut self, nanos: Nanos) {
        self.current.health.pacer_lag.record(nanos);
    }

    /// What is being written, for figures that are read once an interval, such as
    /// [`Health::measured`](super::Health::measured).
    pub fn current_mut(&mut self) -> &mut Interval {
        &mut self.current
    }

    /// Takes what was recorded since the last exchange, and goes on in `empty`, which has been
    /// [reset](Interval::reset).
    #[must_use]
    pub fn exchange(&mut self, mut empty: Box<Interval>) -> Box<Interval> {
        empty.make_room(self.named);
        debug_assert!(empty.counters.sent == 0 && empty.histograms.response.is_empty());
        if !self.taken_back.is_empty() {
            let taken = self.current.histograms.lag.subtract(&self.taken_back);
            debug_assert!(taken.is_ok(), "each was found when it was taken back");
            self.taken_back.reset();
        }
        std::mem::replace(&mut self.current, empty)
    }

    /// `to` minus `from`. A negative difference is a fault of the clock: it is counted, and is 0.
    #[inline]
    fn between(&mut self, from: Nanos, to: Nanos) -> Nanos {
        to.checked_sub(from).unwrap_or_else(|| {
            self.current.health.clock_faults += 1;
            0
        })
    }

    #[cold]
    fn take_example(&mut self, class: ErrorClass, what: impl Display) {
        self.exampled |= 1 << class as u32;
        let mut text = what.to_string();
        text.truncate(text.floor_char_boundary(LONGEST_EXAMPLE));
        self.current.examples.insert(class, text);
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts an outcome: of the whole, and of its request.
#[inline]
fn count(counters: &mut Counters, sample: &Sample<'_>, class: Option<ErrorClass>) {
    counters.bytes_sent += sample.bytes_sent;
    counters.bytes_received += sample.bytes_received;
    if let Some(status) = sample.status {
        counters.count_status(status, 1);
    }
    match (class, sample.failure) {
        (None, _) => counters.ok += 1,
        (Some(class), failure) => count_failed(counters, class, failure),
    }
}

#[inline]
fn count_failed(counters: &mut Counters, class: ErrorClass, failure: Option<&Failure>) {
    counters.failed += 1;
    match failure.and_then(|failure| Some((failure.own_class()?, failure))) {
        Some((own, failure)) => counters.count_failed_own(own, failure),
        None => counters.errors[class as usize] += 1,
    }
}

#[inline]
fn class(sample: &Sample<'_>) -> Option<ErrorClass> {
    match (sample.failure, sample.status) {
        (Some(failure), _) => Some(failure.class),
        (None, Some(500..)) => Some(ErrorClass::Http5xx),
        (None, Some(400..)) => Some(ErrorClass::Http4xx),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MILLISECOND as MS;

    fn sample(intended: Option<Nanos>, start: Nanos, end: Nanos) -> Sample<'static> {
        Sample {
            request: 0,
            intended,
            start,
            end,
            first_byte: None,
            status: Some(200),
            failure: None,
            bytes_sent: 10,
            bytes_received: 100,
        }
    }

    fn ms(nanos: Option<Nanos>) -> u64 {
        nanos.unwrap() / MS
    }

    #[test]
    fn the_three_times_are_told_apart() {
        let mut recorder = Recorder::new();
        recorder.due(1);
        recorder.started(0, Some(10 * MS), 15 * MS);
        let one = Sample { first_byte: Some(35 * MS), ..sample(Some(10 * MS), 15 * MS, 45 * MS) };
        recorder.sample(&one);
        let Interval { counters, histograms, .. } = &*recorder.current;
        assert_eq!((counters.due, counters.sent, counters.ok), (1, 1, 1));
        assert_eq!((counters.bytes_sent, counters.bytes_received), (10, 100));
        assert_eq!(ms(histograms.lag.max()), 5);
        assert_eq!(ms(histograms.service.max()), 30);
        assert_eq!(ms(histograms.response.max()), 35);
        assert_eq!(ms(histograms.first_byte.max()), 20);
        assert!(histograms.failed.is_empty());
    }

    #[test]
    fn in_closed_loop_response_time_is_service_time() {
        let mut recorder = Recorder::new();
        recorder.started(0, None, 15 * MS);
        recorder.sample(&sample(None, 15 * MS, 45 * MS));
        let Interval { counters, histograms, .. } = &*recorder.current;
        assert_eq!((counters.due, counters.sent), (1, 1));
        assert!(histograms.lag.is_empty());
        assert_eq!(histograms.response, histograms.service);
    }

    #[test]
    fn an_outcome_is_classed_by_failure_then_status() {
        let check = Failure::new(ErrorClass::Check, "the body lacks \"ok\"");
        let cases = [
            (Some(&check), Some(503), Some(ErrorClass::Check)),
            (None, Some(503), Some(ErrorClass::Http5xx)),
            (None, Some(404), Some(ErrorClass::Http4xx)),
            (None, Some(302), None),
            (None, None, None),
        ];
        for (failure, status, wanted) in cases {
            assert_eq!(class(&Sample { failure, status, ..sample(None, 0, 0) }), wanted);
        }
    }

    #[test]
    fn one_example_of_each_class_is_kept_for_the_run() {
        let mut recorder = Recorder::new();
        let failing = Sample { status: Some(503), ..sample(None, 0, MS) };
        recorder.sample(&failing);
        recorder.sample(&Sample { status: Some(500), ..failing });
        let first = recorder.exchange(Box::default());
        assert_eq!(first.examples[&ErrorClass::Http5xx], "status 503");
        assert_eq!(first.counters.errors[ErrorClass::Http5xx as usize], 2);
        assert_eq!(first.histograms.failed.count(), 2);
        recorder.sample(&failing);
        assert!(recorder.exchange(first_emptied(first)).examples.is_empty());
    }

    #[test]
    fn what_could_not_begin_is_taken_back() {
        let why = Failure::shortage("no port is left");
        let mut recorder = Recorder::new();
        recorder.due(2);
        recorder.started(0, Some(10 * MS), 15 * MS);
        recorder.started(0, Some(20 * MS), 60 * MS);
        recorder.started(0, None, 70 * MS);
        assert!(recorder.take_back(0, Some(20 * MS), 60 * MS, &why));
        assert!(recorder.take_back(0, None, 70 * MS, &why));
        assert!(!recorder.take_back(0, Some(20 * MS), 60 * MS, &why), "it was taken back already");
        let full = recorder.exchange(Box::default());
        let Interval { counters, histograms, examples, .. } = &*full;
        assert_eq!((counters.due, counters.sent), (2, 1));
        assert_eq!((histograms.lag.count(), histograms.lag.max().map(|ns| ns / MS)), (1, Some(5)));
        assert_eq!(examples[&ErrorClass::Internal], "no port is left");
        assert_eq!(counters.errors, [0; ErrorClass::ALL.len()]);
        // What was handed over stays as it was told.
        assert!(!recorder.take_back(0, Some(10 * MS), 15 * MS, &why));
        assert!(!recorder.take_back(0, None, 15 * MS, &why));
        assert_eq!(*recorder.current, Interval::new());
        // What was taken back was that once, and of one interval.
        recorder.started(0, Some(20 * MS), 60 * MS);
        assert_eq!(recorder.exchange(Box::default()).histograms.lag.count(), 1);
    }

    #[test]
    fn a_long_example_is_cut_between_characters() {
        let mut recorder = Recorder::new();
        let failure = Failure::text(ErrorClass::Body, "ä".repeat(500));
        recorder.sample(&Sample { failure: Some(&failure), ..sample(None, 0, MS) });
        let kept = &recorder.current.examples[&ErrorClass::Body];
        assert_eq!(kept.len(), LONGEST_EXAMPLE);
    }

    #[test]
    fn a_clock_that_goes_backwards_is_noticed() {
        let mut recorder = Recorder::new();
        recorder.sample(&sample(Some(0), 5 * MS, 4 * MS));
        assert_eq!(recorder.current.health.clock_faults, 1);
        assert_eq!(recorder.current.histograms.service.count(), 1);
    }

    #[test]
    fn an_exchange_hands_over_all_and_starts_anew() {
        let mut recorder = Recorder::new();
        recorder.dropped(DropReason::Stopped, 3);
        recorder.connected(MS, Some(2 * MS));
        recorder.pacer_lag(7);
        let full = recorder.exchange(Box::default());
        assert_eq!(full.counters.dropped[DropReason::Stopped as usize], 3);
        assert_eq!((full.counters.connects, full.histograms.tls.count()), (1, 1));
        assert_eq!(full.health.pacer_lag.count(), 1);
        assert_eq!(*recorder.current, Interval::new());
        assert_eq!(*first_emptied(full), Interval::new());
    }

    fn first_emptied(mut interval: Box<Interval>) -> Box<Interval> {
        interval.reset();
        interval
    }
}
