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
            // The measured time begins here; what the warm-up used is nobody's.
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
        // Tasks that come round once more close nothing: whoever merges takes this report for the last.
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
        // What falls due after the fence is nobody's, until somebody else takes it.
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
