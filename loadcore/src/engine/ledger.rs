//! Turns what happens on one engine thread into a report for each interval.

use super::source::{OfNamed, Source, Ticket};
use super::usage::Usage;
use super::{Channels, Report, Settings, ThreadEnd};
use crate::profile::Profile;
use crate::record::{Interval, Recorder, Sample};
use crate::request::{DropReason, Failure, Outcome};
use crate::time::{MILLISECOND, Nanos};

/// A longer gap in the pacer's acting, with something due in it, is lost time.
const LATE: Nanos = MILLISECOND;

/// The books of one engine thread: what is recorded since the last report, and what is under way.
#[derive(Debug)]
pub(super) struct Ledger {
    recorder: Recorder,
    usage: Usage,
    channels: Channels,
    /// Given to a slot that has not begun yet.
    assigned: u64,
    in_flight: u64,
    /// The source's figures at the last report.
    due: u64,
    dropped: [u64; DropReason::ALL.len()],
    named: Vec<OfNamed>,
    next_boundary: Nanos,
    last_end: Nanos,
    /// Until when the load's time is in the reports.
    load_time: Nanos,
    /// Connections of a closed loop that rest since this machine is short of something, and until
    /// which moment of the load's time that is in the books.
    resting: u64,
    rest_booked: Nanos,
    /// When the pacer woke last.
    paced_at: Nanos,
    /// When nothing more fell due, once that is so.
    load_end: Option<Nanos>,
}

impl Ledger {
    /// For a load of so many named requests.
    pub(super) fn new(settings: &Settings, channels: Channels, named: usize) -> Self {
        Self {
            recorder: Recorder::of_mix(named),
            usage: Usage::begin(settings.measured_from, settings.thread),
            channels,
            assigned: 0,
            in_flight: 0,
            due: 0,
            dropped: Default::default(),
            named: vec![OfNamed::default(); named],
            next_boundary: settings.measured_from,
            last_end: settings.measured_from,
            load_time: 0,
            resting: 0,
            rest_booked: 0,
            paced_at: settings.measured_from,
            load_end: None,
        }
    }

    /// A ticket was given to a slot.
    #[inline]
    pub(super) fn assign(&mut self, ticket: &Ticket) {
        self.assigned += u64::from(ticket.measured);
    }

    /// The slot would begin with its ticket, which is either sent now or given up.
    #[inline]
    pub(super) fn unassign(&mut self, ticket: &Ticket) {
        self.assigned -= u64::from(ticket.measured);
    }

    /// An attempt began.
    #[inline]
    pub(super) fn sent(&mut self, settings: &Settings, ticket: Ticket, now: Nanos) {
        if !ticket.measured {
            return;
        }
        self.in_flight += 1;
        self.recorder.started(ticket.request as usize, ticket.intended, now);
        #[cfg(test)]
        settings.watch_sent(ticket, now);
        #[cfg(not(test))]
        let _ = settings;
    }

    /// An attempt that counted as sent could not begin; answers whether that could be taken back.
    pub(super) fn take_back(&mut self, ticket: Ticket, start: Nanos, why: &Failure) -> bool {
        let Ticket { request, intended, .. } = ticket;
        let taken = self.recorder.take_back(request as usize, intended, start, why);
        self.in_flight -= u64::from(taken);
        taken
    }

    /// A ticket has to wait since this machine is short of something; answers whether that is news.
    pub(super) fn kept_waiting(&mut self, ticket: &mut Ticket) -> bool {
        let is_news = ticket.measured && !std::mem::replace(&mut ticket.kept_waiting, true);
        if is_news {
            self.recorder.short();
        }
        is_news
    }

    /// A connection of a closed loop rests since this machine is short of something. Its time is lost,
    /// as far as it is the load's: not in a warm-up, a pause or the drain.
    pub(super) fn lane_rests<P: Profile>(&mut self, source: &Source<P>, now: Nanos) {
        self.book_rest(source, now);
        self.resting += 1;
    }

    /// One of those has rested.
    pub(super) fn lane_has_rested<P: Profile>(&mut self, source: &Source<P>, now: Nanos) {
        self.book_rest(source, now);
        self.resting -= 1;
    }

    /// What was lost up to `now` is in the books, as if all connections were one.
    fn book_rest<P: Profile>(&mut self, source: &Source<P>, now: Nanos) {
        let load_time = source.load_time(now);
        let time = load_time.saturating_sub(self.rest_booked);
        self.rest_booked = self.rest_booked.max(load_time);
        if self.resting > 0 {
            let lost = time * self.resting / (source.lanes() as Nanos).max(1);
            self.recorder.current_mut().health.short_ns += lost;
        }
    }

    /// A ticket that was given to a slot, and has not begun, is given up.
    #[cold]
    pub(super) fn give_up(&mut self, ticket: &Ticket, reason: DropReason) {
        self.recorder.dropped(reason, 1);
        self.recorder.dropped_of(ticket.request as usize, reason, 1);
    }

    /// An attempt came to an outcome.
    #[inline]
    pub(super) fn ended(&mut self, ticket: Ticket, (start, end): (Nanos, Nanos), out: &Outcome) {
        self.in_flight -= 1;
        self.last_end = self.last_end.max(end);
        self.recorder.further_connects(out.further_connects);
        if self.load_end.is_some_and(|load_end| start > load_end) {
            self.recorder.late(ticket.request as usize);
        }
        self.recorder.sample(&Sample {
            request: ticket.request as usize,
            intended: ticket.intended,
            start,
            end,
            first_byte: out.first_byte_at.map(|at| at.max(start)),
            status: out.status,
            failure: out.failure.as_ref(),
            bytes_sent: out.bytes_sent,
            bytes_received: out.bytes_received,
        });
    }

    /// The pacer woke at `now` for what was due at `planned`.
    #[inline]
    pub(super) fn pacer_woke<P: Profile>(
        &mut self,
        source: &Source<P>,
        planned: Nanos,
        now: Nanos,
    ) {
        self.recorder.pacer_lag(now.saturating_sub(planned));
        // One that is behind and keeps at it is late, but it acts.
        let since = planned.max(self.paced_at);
        self.paced_at = now;
        if now.saturating_sub(since) > LATE {
            self.recorder.current_mut().health.late_ns += source.load_between(since, now);
        }
    }

    /// Where what has no interval of its own is recorded.
    pub(super) fn recorder(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// Measured requests under way.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Nothing was given to a slot that has no outcome yet.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight == 0 && self.assigned == 0
    }

    /// When the last outcome came.
    pub(super) fn last_end(&self) -> Nanos {
        self.last_end
    }

    pub(super) fn next_boundary(&self) -> Nanos {
        self.next_boundary
    }

    pub(super) fn load_is_over(&self) -> bool {
        self.load_end.is_some()
    }

    /// Nothing more falls due since `load_end`.
    pub(super) fn load_ended(&mut self, load_end: Nanos) {
        self.load_end = Some(load_end);
    }

    /// Whatever happens at `now` belongs to an interval that has not ended before it.
    #[inline]
    pub(super) fn close_intervals<P: Profile>(
        &mut self,
        settings: &Settings,
        source: &mut Source<P>,
        now: Nanos,
    ) {
        if now >= self.next_boundary {
            self.close_intervals_until(settings, source, now);
        }
    }

    #[cold]
    fn close_intervals_until<P: Profile>(
        &mut self,
        settings: &Settings,
        source: &mut Source<P>,
        now: Nanos,
    ) {
        if self.next_boundary == settings.measured_from {
            // The measured time begins here; what the warm-up used is in no report.
            self.usage.lap(now);
            self.load_time = source.load_time(now);
            self.next_boundary += settings.interval;
            return self.close_intervals(settings, source, now);
        }
        let closed = (now - settings.measured_from) / settings.interval;
        let boundary = settings.measured_from + closed * settings.interval;
        self.next_boundary = boundary + settings.interval;
        // Without an empty set the collector is behind: what was recorded stays here until it has
        // caught up, and is lost to resolution in time alone.
        if let Ok(empty) = self.channels.spares.try_recv() {
            self.report(settings, source, boundary, (closed, empty), None);
        }
    }

    /// The last report: what was due by `due_at` and still waits is given up, and so is what was given to
    /// a slot and has not begun.
    pub(super) fn close<P: Profile>(
        &mut self,
        settings: &Settings,
        source: &mut Source<P>,
        (reason, due_at, now): (DropReason, Nanos, Nanos),
        given: &[Ticket],
        ending: ThreadEnd,
    ) {
        self.close_intervals(settings, source, now);
        // All that has come due counts, even if nobody looked since.
        source.due(due_at.min(settings.fence.until()));
        source.stop(reason);
        self.load_end.get_or_insert(due_at);
        self.assigned = 0;
        // In closed loop nothing is due before it begins.
        if source.is_open_loop() {
            given.iter().for_each(|ticket| self.give_up(ticket, reason));
        }
        let closed = self.next_boundary.saturating_sub(settings.measured_from) / settings.interval;
        self.report(settings, source, now, (closed, Box::default()), Some(ending));
        // Tasks that come round once more close nothing: the collector takes this report for the
        // last.
        self.next_boundary = Nanos::MAX;
    }

    /// What fell due and was given up of each request since the last report.
    fn report_named<P: Profile>(&mut self, source: &mut Source<P>) {
        if self.named.is_empty() || !source.is_open_loop() {
            return;
        }
        let all = source.of_named();
        for (request, (now, before)) in all.iter().zip(&self.named).enumerate() {
            self.recorder.due_of(request, now.due - before.due);
            for (place, reason) in DropReason::ALL.into_iter().enumerate() {
                let count = now.dropped[place] - before.dropped[place];
                self.recorder.dropped_of(request, reason, count);
            }
        }
        self.named = all;
    }

    fn report<P: Profile>(
        &mut self,
        settings: &Settings,
        source: &mut Source<P>,
        now: Nanos,
        (closed, empty): (u64, Box<Interval>),
        ending: Option<ThreadEnd>,
    ) {
        // What falls due after the fence is not ours any more.
        let due = source.due(now.min(settings.fence.until()));
        if source.is_open_loop() {
            self.recorder.due(due - self.due);
        }
        self.due = due;
        let dropped = source.dropped();
        for (reason, (now, before)) in DropReason::ALL.iter().zip(dropped.iter().zip(self.dropped))
        {
            self.recorder.dropped(*reason, now - before);
        }
        self.dropped = dropped;
        self.report_named(source);
        self.book_rest(source, now);
        let lap = self.usage.lap(now);
        let load_time = source.load_time(now);
        let health = &mut self.recorder.current_mut().health;
        health.measured(lap);
        health.load_ns += load_time.saturating_sub(self.load_time);
        self.load_time = load_time;
        let report = Report {
            thread: settings.thread,
            closed,
            set: self.recorder.exchange(empty),
            load_end: self.load_end.map(|at| at.saturating_sub(settings.measured_from)),
            ending,
        };
        // Nobody listens: the handle was dropped, and an order to stop is on its way. The channel
        // has room for every set there is, so that this never waits.
        let _ = self.channels.reports.send(report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures::{Ends, channels, closed_source, open_source, settings};
    use crate::profile::Piecewise;
    use crate::record::Counters;
    use crate::time::SECOND;

    const MS: Nanos = MILLISECOND;

    /// A thread's books and what they are kept of.
    struct Books {
        settings: Settings,
        source: Source<Piecewise>,
        ledger: Ledger,
        ends: Ends,
    }

    impl Books {
        /// With an empty set for each of so many intervals.
        fn of(source: Source<Piecewise>, sets: usize) -> Self {
            let (channels, ends) = channels(sets);
            let settings = settings();
            let ledger = Ledger::new(&settings, channels, 0);
            let mut books = Self { settings, source, ledger, ends };
            books.close_intervals(0);
            books
        }

        fn close_intervals(&mut self, now: Nanos) {
            self.ledger.close_intervals(&self.settings, &mut self.source, now);
        }

        fn report(&self) -> Option<Report> {
            self.ends.reports.try_recv().ok()
        }

        fn take(&mut self, now: Nanos) -> Ticket {
            self.source.take(now).expect("one is due")
        }

        /// Sends the oldest that is due at `start`, and hears of it at `end`.
        fn request(&mut self, start: Nanos, end: Nanos) {
            let ticket = self.take(start);
            self.ledger.sent(&self.settings, ticket, start);
            let outcome = Outcome { status: Some(200), ..Outcome::default() };
            self.ledger.ended(ticket, (start, end), &outcome);
        }

        fn close(&mut self, at: Nanos, given: &[Ticket]) -> Report {
            let ending = ThreadEnd { load_end: at, drain: 0, stopped: true };
            let moments = (DropReason::Stopped, at, at);
            self.ledger.close(&self.settings, &mut self.source, moments, given, ending);
            self.report().expect("the last report")
        }
    }

    #[test]
    fn an_interval_is_reported_when_its_end_has_come_and_not_before() {
        let mut books = Books::of(open_source(), 2);
        books.request(5 * MS, 8 * MS);
        books.close_intervals(SECOND - 1);
        assert!(books.report().is_none());
        books.close_intervals(SECOND);
        let report = books.report().expect("the first second is over");
        let Counters { due, sent, ok, .. } = report.set.counters;
        assert_eq!((report.closed, due, sent, ok), (1, 100, 1, 1));
        assert_eq!(books.ledger.next_boundary(), 2 * SECOND);
        // The next report holds what came since, and nothing twice.
        books.request(SECOND + 5 * MS, SECOND + 8 * MS);
        books.close_intervals(2 * SECOND + 1);
        let report = books.report().expect("the second one too");
        let Counters { due, sent, ok, .. } = report.set.counters;
        assert_eq!((report.closed, due, sent, ok), (2, 100, 1, 1));
        assert_eq!(report.set.health.load_ns, SECOND);
    }

    #[test]
    fn intervals_that_passed_unseen_are_in_one_report() {
        let mut books = Books::of(open_source(), 2);
        books.close_intervals(3 * SECOND + SECOND / 2);
        let report = books.report().expect("three are over");
        assert_eq!((report.closed, report.set.counters.due), (3, 300));
        assert_eq!(report.set.health.load_ns, 3 * SECOND);
        assert!(books.report().is_none());
        assert_eq!(books.ledger.next_boundary(), 4 * SECOND);
    }

    #[test]
    fn without_an_empty_set_what_was_recorded_waits_for_the_next_report() {
        let mut books = Books::of(open_source(), 0);
        books.request(5 * MS, 8 * MS);
        books.close_intervals(SECOND);
        assert!(books.report().is_none());
        books.ends.spares.send(Box::default()).expect("room for a set");
        books.close_intervals(2 * SECOND);
        let report = books.report().expect("there is a set now");
        let Counters { due, sent, .. } = report.set.counters;
        assert_eq!((report.closed, due, sent), (2, 200, 1));
    }

    #[test]
    fn it_is_quiet_when_nothing_was_given_out_that_has_no_outcome() {
        let mut books = Books::of(open_source(), 0);
        let ticket = books.take(5 * MS);
        books.ledger.assign(&ticket);
        assert!(!books.ledger.is_quiet(), "a slot has it");
        books.ledger.unassign(&ticket);
        assert!(books.ledger.is_quiet());
        books.ledger.sent(&books.settings, ticket, 5 * MS);
        assert!(!books.ledger.is_quiet() && books.ledger.in_flight() == 1);
        books.ledger.ended(ticket, (5 * MS, 9 * MS), &Outcome::default());
        assert!(books.ledger.is_quiet() && books.ledger.last_end() == 9 * MS);
        // The warm-up's are nowhere in the books.
        let warmup = Ticket { measured: false, ..ticket };
        books.ledger.assign(&warmup);
        books.ledger.sent(&books.settings, warmup, 10 * MS);
        assert!(books.ledger.is_quiet());
    }

    #[test]
    fn what_starts_after_the_loads_end_is_late() {
        let mut books = Books::of(open_source(), 1);
        books.ledger.load_ended(20 * MS);
        books.request(20 * MS, 30 * MS);
        books.request(20 * MS + 1, 30 * MS);
        let report = books.close(40 * MS, &[]);
        assert_eq!((report.set.counters.sent, report.set.counters.late), (2, 1));
        assert_eq!(report.load_end, Some(20 * MS), "the end of the load stays the first one said");
    }

    #[test]
    fn a_pacer_that_wakes_late_loses_the_time_in_which_it_did_not_act() {
        let late = |wakes: &[(Nanos, Nanos)]| {
            let mut books = Books::of(open_source(), 1);
            for (planned, now) in wakes {
                books.ledger.pacer_woke(&books.source, *planned, *now);
            }
            books.ledger.recorder().current_mut().health.late_ns
        };
        assert_eq!(late(&[(10 * MS, 10 * MS + LATE)]), 0);
        assert_eq!(late(&[(10 * MS, 15 * MS)]), 5 * MS);
        // It is still behind, but it acted at 15 ms.
        assert_eq!(late(&[(10 * MS, 15 * MS), (11 * MS, 15 * MS + LATE)]), 5 * MS);
        assert_eq!(late(&[(10 * MS, 15 * MS), (11 * MS, 18 * MS)]), 8 * MS);
    }

    #[test]
    fn a_connection_that_rests_loses_its_part_of_the_time() {
        let mut books = Books::of(closed_source(), 1);
        books.ledger.lane_rests(&books.source, 100 * MS);
        books.ledger.lane_has_rested(&books.source, 300 * MS);
        books.close_intervals(SECOND);
        let report = books.report().expect("a second is over");
        assert_eq!(report.set.health.short_ns, 100 * MS, "200 ms of one of two connections");
    }

    #[test]
    fn the_last_report_gives_up_what_waits_and_what_was_given_out() {
        let mut books = Books::of(open_source(), 1);
        let given = books.take(50 * MS);
        books.ledger.assign(&given);
        let report = books.close(50 * MS, &[given]);
        let Counters { due, sent, dropped, .. } = report.set.counters;
        // Those that were due at 5, 15, 25, 35 and 45 ms, one of which a slot had.
        assert_eq!((due, sent, dropped[DropReason::Stopped as usize]), (5, 0, 5));
        assert!(report.ending.is_some_and(|ending| ending.stopped));
        books.close_intervals(3 * SECOND);
        assert!(books.report().is_none() && books.ledger.is_quiet());
    }

    #[test]
    fn in_closed_loop_what_was_given_out_and_has_not_begun_was_never_due() {
        let mut books = Books::of(closed_source(), 1);
        let given = books.take(50 * MS);
        books.ledger.assign(&given);
        let report = books.close(50 * MS, &[given]);
        assert_eq!((report.set.counters.due, report.set.counters.dropped_total()), (0, 0));
    }
}
