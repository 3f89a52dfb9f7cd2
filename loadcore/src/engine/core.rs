//! What the tasks of one engine thread share: tickets, slots, lanes, the recorder.
//!
//! Every request passes here twice, when it is given a slot and when it has come to an outcome;
//! both are a borrow of a cell, no more.

use super::source::{Source, Ticket};
use super::timer::LONGEST_NAP;
use super::usage::Usage;
use super::{Channels, Ending, Report, Settings};
use crate::profile::Profile;
use crate::record::{Interval, Recorder, Sample};
use crate::request::{DropReason, ErrorClass, Failure, Outcome};
use crate::time::Nanos;
use crate::transport::{Lane, Opened, Streams, Thread, Transport, UNHEARD_BYTES};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use tokio::sync::Notify;

/// How long there must have been no reply that had to be read at once.
const LISTENING: Nanos = 100 * crate::time::MILLISECOND;

/// With every connection busy, a nap is no longer than this part of the mean service time: replies
/// wait for half of that on average, so that a connection loses about a seventeenth of its time.
const PART_OF_SERVICE: Nanos = 8;
/// A shorter nap saves nothing.
const SHORTEST_NAP: Nanos = 50 * crate::time::MICROSECOND;

/// A place for one request under way on a lane.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: usize,
    pub(super) lane: usize,
    /// Set by the dispatcher, taken by the slot's task.
    pub(super) ticket: Cell<Option<Ticket>>,
    /// When the attempt under way is over its timeout; `Nanos::MAX` between attempts.
    pub(super) deadline: Cell<Nanos>,
    pub(super) expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Slot {
    /// Lets dispatcher and watchdog wake the task that polls with `cx`.
    #[inline]
    pub(super) fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        // A task's waker stays the same, so that this clones once.
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

/// One lane and who uses it.
#[derive(Debug)]
struct LaneState<L> {
    lane: Rc<L>,
    /// The slot that opens it, from the moment it was given a ticket for that.
    opener: Option<usize>,
    /// Idle slots that wait until it is open, or given up.
    parked: Vec<usize>,
    /// Slots with a request under way that wait for the same.
    waiting: Vec<usize>,
    slots: usize,
    streams: usize,
}

/// The shared part of one engine thread.
#[derive(Debug)]
pub(super) struct Core<P: Profile, T: Transport> {
    pub(super) thread: Rc<Thread>,
    pub(super) settings: Settings,
    state: RefCell<State<P, T::Lane>>,
    /// Something that the conductor waits for may have come.
    pub(super) news: Notify,
    /// The source has changed: the pacer looks again.
    pub(super) replan: Notify,
}

#[derive(Debug)]
struct State<P: Profile, L> {
    source: Source<P>,
    recorder: Recorder,
    usage: Usage,
    channels: Channels,
    slots: Vec<Rc<Slot>>,
    lanes: Vec<LaneState<L>>,
    /// Most lanes that our parts of the load may have open.
    most_lanes: usize,
    /// Idle slots, the one used last on top: few connections stay warm rather than all lukewarm.
    ready: Vec<usize>,
    /// Open lanes that may have room for more slots.
    growing: Vec<usize>,
    /// Lanes that are being opened.
    opening: usize,
    streams: Streams,
    /// Given to a slot that has not begun yet.
    assigned: u64,
    in_flight: u64,
    /// The pacer saw no slot for what is due, and wants to hear of the next idle one.
    starved: bool,
    /// Until then a reply is read as soon as it comes. `Nanos::MAX`: until one need not be.
    listen_until: Nanos,
    /// A running mean of service time.
    service: Nanos,
    /// The source's figures at the last interval's end.
    due: u64,
    dropped: [u64; DropReason::ALL.len()],
    next_boundary: Nanos,
    last_end: Nanos,
    /// When the load was over; from then on the conductor wants to hear when nothing is left.
    load_end: Option<Nanos>,
}

impl<P: Profile, T: Transport> Core<P, T> {
    pub(super) fn new(
        settings: Settings,
        source: Source<P>,
        streams: Streams,
        thread: Rc<Thread>,
        channels: Channels,
    ) -> Self {
        let next_boundary = settings.measured_from;
        let most_lanes = source.lanes();
        let state = State {
            source,
            most_lanes,
            recorder: Recorder::new(),
            usage: Usage::begin(settings.measured_from),
            channels,
            slots: Vec::new(),
            lanes: Vec::new(),
            ready: Vec::new(),
            growing: Vec::new(),
            opening: 0,
            streams,
            assigned: 0,
            in_flight: 0,
            starved: false,
            listen_until: Nanos::MAX,
            service: 0,
            due: 0,
            dropped: Default::default(),
            next_boundary,
            last_end: settings.measured_from,
            load_end: None,
        };
        Self {
            thread,
            settings,
            state: RefCell::new(state),
            news: Notify::new(),
            replan: Notify::new(),
        }
    }

    /// Gives every due ticket to a slot, as long as there are both. What cannot be given waits, or is
    /// given up beyond the backlog's limit.
    ///
    /// Ends at the first slot that is new and needs a task, and answers it: opening a lane takes the
    /// time of many replies, and reading those may leave an idle slot for the next ticket.
    pub(super) fn dispatch(&self, transport: &T, now: Nanos) -> Option<(Rc<Slot>, Rc<T::Lane>)> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        state.close_intervals(&self.settings, now);
        if self.settings.fence.is_over() {
            return None;
        }
        let mut created = None;
        while created.is_none()
            && let Some(found) = state.acquire()
        {
            let Some(ticket) = state.source.take(now) else {
                state.give_back(found);
                break;
            };
            state.assigned += u64::from(ticket.measured);
            match found {
                Found::Slot(id) => {
                    let slot = &state.slots[id];
                    slot.ticket.set(Some(ticket));
                    slot.wake();
                }
                Found::Room(place) => {
                    let (slot, lane) = state.create(place, || transport.lane(&self.thread));
                    slot.ticket.set(Some(ticket));
                    if let (true, Some(intended)) = (ticket.measured, ticket.intended) {
                        state.recorder.pacer_lag(now.saturating_sub(intended));
                    }
                    created = Some((slot, lane));
                }
            }
        }
        if created.is_some() {
            // Whoever is due may still find a place: nobody is given up yet.
            return created;
        }
        let mut reason = DropReason::BacklogFull;
        if self.settings.lanes_short && state.lacks_lanes() {
            state.recorder.current_mut().health.descriptors_short += 1;
            reason = DropReason::NoConnection;
        }
        state.source.trim(now, reason);
        if state.may_have_ended() {
            self.news.notify_one();
        }
        None
    }

    /// An attempt begins at `now`: its ticket counts as sent. Not so if the fence came between: then
    /// it is given up, and the slot is idle.
    #[inline]
    pub(super) fn started(&self, slot: &Slot, ticket: Ticket, now: Nanos) -> bool {
        let mut state = self.state.borrow_mut();
        let open = !self.settings.fence.is_over();
        if ticket.measured {
            state.close_intervals(&self.settings, now);
            state.assigned -= 1;
            if open {
                state.in_flight += 1;
                state.recorder.started(ticket.intended, now);
                #[cfg(test)]
                self.settings.watch_sent(ticket, now);
            } else if state.source.is_open_loop() {
                state.recorder.dropped(DropReason::Fenced, 1);
            }
        }
        if !open {
            state.ready.push(slot.id);
        }
        open
    }

    /// An attempt has come to an outcome. Answers the slot's next ticket, already started, where one
    /// is due and the slot can use it.
    #[inline]
    pub(super) fn finished(
        &self,
        slot: &Slot,
        ticket: Ticket,
        start: Nanos,
        outcome: &Outcome,
    ) -> Option<(Ticket, Nanos)> {
        let now = match outcome.end_at {
            Some(end) if self.thread.hearing.is_none() => end,
            // It may have come before it was read.
            _ => self.thread.clock.now(),
        };
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        state.listen_as_needed(outcome, now);
        let end = outcome.end_at.unwrap_or(now).max(start);
        state.service = state.service - state.service / 16 + (end - start) / 16;
        if ticket.measured {
            state.close_intervals(&self.settings, now);
            state.in_flight -= 1;
            state.last_end = state.last_end.max(end);
            state.recorder.sample(&Sample {
                intended: ticket.intended,
                start,
                end,
                first_byte: outcome.first_byte_at.map(|at| at.max(start)),
                status: outcome.status,
                failure: outcome.failure.as_ref(),
                bytes_sent: outcome.bytes_sent,
                bytes_received: outcome.bytes_received,
            });
        }
        let next = state.claim(slot, now, !self.settings.fence.is_over());
        if let Some(next) = next
            && next.measured
        {
            state.in_flight += 1;
            state.recorder.started(next.intended, now);
            #[cfg(test)]
            self.settings.watch_sent(next, now);
        }
        if next.is_none() && std::mem::take(&mut state.starved) {
            self.replan.notify_one();
        }
        if state.may_have_ended() {
            self.news.notify_one();
        }
        next.map(|next| (next, now))
    }

    /// Whether this slot is the one to open its lane; if not, it is woken when that was tried.
    pub(super) fn may_open(&self, slot: &Slot) -> bool {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let lane = &mut state.lanes[slot.lane];
        match lane.opener {
            Some(opener) => {
                if opener != slot.id {
                    lane.waiting.push(slot.id);
                }
                opener == slot.id
            }
            // It was open when the ticket was given, and has closed since.
            None => {
                lane.opener = Some(slot.id);
                state.opening += 1;
                true
            }
        }
    }

    /// The lane of `slot` was opened, or not: whoever waited for it may go on.
    pub(super) fn opened(&self, slot: &Slot, measured: bool, opened: Result<Opened, &Failure>) {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let lane = &mut state.lanes[slot.lane];
        if lane.opener.take_if(|opener| *opener == slot.id).is_some() {
            state.opening -= 1;
        }
        state.ready.append(&mut lane.parked);
        lane.waiting.drain(..).for_each(|waiting| state.slots[waiting].wake());
        match opened {
            Ok(opened) => {
                lane.streams = opened.streams;
                if opened.streams > 1 {
                    state.streams = Streams::Many;
                    state.growing.push(slot.lane);
                }
                if measured {
                    state.recorder.connected(opened.connect_ns, opened.tls_ns);
                }
            }
            // Where opening fails for an inner reason, this machine has run out of something.
            Err(failure) if measured && failure.class == ErrorClass::Internal => {
                state.recorder.current_mut().health.descriptors_short += 1;
            }
            Err(_) => {}
        }
        // Room for more tickets than the slot's own.
        self.replan.notify_one();
    }

    /// Ends the attempts that are over their timeout at `now`.
    pub(super) fn expire(&self, now: Nanos) {
        for slot in &self.state.borrow().slots {
            if slot.deadline.get() <= now {
                slot.deadline.set(Nanos::MAX);
                slot.expired.set(true);
                slot.wake();
            }
        }
    }

    /// How much later than planned the pacer woke.
    pub(super) fn pacer_woke(&self, planned: Nanos, now: Nanos) {
        if now >= self.settings.measured_from {
            self.state.borrow_mut().recorder.pacer_lag(now.saturating_sub(planned));
        }
    }

    /// When the pacer is to wake next; `None`: when it is told.
    pub(super) fn next_wake(&self, now: Nanos) -> Option<Nanos> {
        let mut state = self.state.borrow_mut();
        if self.settings.fence.is_over() {
            // Nothing is left to be paced; an order to end is on its way.
            return Some(now + 10 * crate::time::MILLISECOND);
        }
        let has_room = state.has_room();
        state.starved = !has_room;
        let wake = state.source.next_wake(now, self.settings.slack);
        if has_room {
            return wake;
        }
        // With every slot busy, whoever ends takes the next ticket: there is nothing to be in time
        // for, but what exceeds the backlog's limit is still to be given up.
        let soon = now + crate::time::MILLISECOND;
        match wake {
            Some(wake) => Some(wake.max(soon)),
            None => (state.source.backlog() > 0).then_some(soon),
        }
    }

    /// For how long nobody needs to listen: replies carry the moment at which they came, no lane is
    /// being opened, and there is a slot for what falls due. With every slot busy, what is due waits
    /// for it, and so it is a while that is short beside what keeps them busy.
    pub(super) fn longest_nap(&self, now: Nanos) -> Nanos {
        let Some(hearing) = &self.thread.hearing else { return 0 };
        let mut state = self.state.borrow_mut();
        if now < state.listen_until || state.opening > 0 || hearing.is_urgent() {
            return 0;
        }
        if state.has_room() {
            return LONGEST_NAP;
        }
        let nap = (state.service / PART_OF_SERVICE).min(self.settings.slack).min(LONGEST_NAP);
        if nap >= SHORTEST_NAP { nap } else { 0 }
    }

    /// Whether every slot was busy when the pacer last asked when to wake, and still is.
    pub(super) fn is_starved(&self) -> bool {
        self.state.borrow().starved
    }

    /// From now on each reply is read as it comes.
    pub(super) fn listen(&self) {
        if let Some(hearing) = &self.thread.hearing {
            hearing.listen();
        }
    }

    /// Measured requests under way.
    pub(super) fn in_flight(&self) -> u64 {
        self.state.borrow().in_flight
    }

    /// A change of the source, after which the pacer looks again.
    pub(super) fn change(&self, change: impl FnOnce(&mut Source<P>)) {
        let mut state = self.state.borrow_mut();
        change(&mut state.source);
        // Lanes that are open already stay, whatever was given up.
        state.most_lanes = state.most_lanes.max(state.source.lanes());
        self.replan.notify_one();
    }

    /// A question to the source.
    pub(super) fn ask<R>(&self, question: impl FnOnce(&Source<P>) -> R) -> R {
        question(&self.state.borrow().source)
    }

    /// Closes the intervals that have ended by `now`; answers when the next one ends.
    pub(super) fn close_intervals(&self, now: Nanos) -> Nanos {
        let mut state = self.state.borrow_mut();
        state.close_intervals(&self.settings, now);
        state.next_boundary
    }

    /// Whether nothing is left to be sent or answered.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state.borrow();
        state.in_flight == 0 && state.assigned == 0 && state.source.backlog() == 0
    }

    /// The load was over at `load_end`: from now on the conductor is told when nothing is in flight.
    ///
    /// What fell due since the pacer looked last waits from now on, or it would be taken for nothing.
    pub(super) fn drain(&self, load_end: Nanos) {
        let mut state = self.state.borrow_mut();
        state.load_end = Some(load_end);
        state.source.due(load_end.min(self.settings.fence.until()));
        self.replan.notify_one();
    }

    /// When the last outcome came.
    pub(super) fn last_end(&self) -> Nanos {
        self.state.borrow().last_end
    }

    /// Gives up what was due by `due_at` and still waits, and hands in the last report.
    pub(super) fn end(&self, reason: DropReason, due_at: Nanos, now: Nanos, ending: Ending) {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        state.close_intervals(&self.settings, now);
        // All that has come due counts, even if nobody looked since.
        state.source.due(due_at.min(self.settings.fence.until()));
        state.source.stop(reason);
        state.load_end.get_or_insert(due_at);
        let given_but_not_begun = std::mem::take(&mut state.assigned);
        // In closed loop nothing is due before it begins.
        if state.source.is_open_loop() {
            state.recorder.dropped(reason, given_but_not_begun);
        }
        let closed = state.next_boundary.saturating_sub(self.settings.measured_from)
            / self.settings.interval;
        state.report(&self.settings, now, closed, Box::default(), Some(ending));
    }
}

/// Where a ticket can go.
enum Found {
    /// An idle slot.
    Slot(usize),
    /// A slot that is still to be made.
    Room(Room),
}

#[derive(Clone, Copy)]
enum Room {
    /// In an open lane.
    Stream(usize),
    /// In a lane that is still to be made.
    NewLane,
}

impl<P: Profile, L: Lane> State<P, L> {
    /// The slot's next ticket; with none, the slot is idle.
    #[inline]
    fn claim(&mut self, slot: &Slot, now: Nanos, may_send: bool) -> Option<Ticket> {
        let lane = &mut self.lanes[slot.lane];
        let open = lane.lane.is_open();
        if !open && lane.opener.is_some_and(|opener| opener != slot.id) {
            lane.parked.push(slot.id);
            return None;
        }
        let Some(ticket) = (if may_send { self.source.take(now) } else { None }) else {
            self.ready.push(slot.id);
            return None;
        };
        if !open && lane.opener.replace(slot.id).is_none() {
            self.opening += 1;
        }
        Some(ticket)
    }

    /// A reply without a stamp is to be read as it comes, and a long one as well, or the other side
    /// would wait for room to send the rest of it. Nobody naps until there was none of them for a while.
    #[inline]
    fn listen_as_needed(&mut self, outcome: &Outcome, now: Nanos) {
        if !outcome.stamped || outcome.bytes_received.max(outcome.bytes_sent) > UNHEARD_BYTES {
            self.listen_until = Nanos::MAX;
        } else if self.listen_until == Nanos::MAX {
            self.listen_until = now + LISTENING;
        }
    }

    fn may_have_ended(&self) -> bool {
        self.in_flight == 0 && (self.load_end.is_some() || self.source.is_spent())
    }

    #[inline]
    fn acquire(&mut self) -> Option<Found> {
        while let Some(id) = self.ready.pop() {
            let lane = &mut self.lanes[self.slots[id].lane];
            if lane.lane.is_open() {
                return Some(Found::Slot(id));
            }
            if lane.opener.is_some_and(|opener| opener != id) {
                lane.parked.push(id);
                continue;
            }
            if lane.opener.replace(id).is_none() {
                self.opening += 1;
            }
            return Some(Found::Slot(id));
        }
        self.room().map(Found::Room)
    }

    fn has_room(&mut self) -> bool {
        !self.ready.is_empty() || self.room().is_some()
    }

    fn room(&mut self) -> Option<Room> {
        while let Some(&index) = self.growing.last() {
            let lane = &self.lanes[index];
            if lane.slots < lane.streams && lane.lane.is_open() {
                return Some(Room::Stream(index));
            }
            self.growing.pop();
        }
        // Requests that can share a connection wait for the one that is opening.
        let shares = self.streams == Streams::Many && self.source.is_open_loop();
        if self.lanes.len() < self.most_lanes && !(shares && self.opening > 0) {
            return Some(Room::NewLane);
        }
        None
    }

    /// Tickets wait although every lane that may be opened is.
    fn lacks_lanes(&self) -> bool {
        self.lanes.len() == self.most_lanes && self.source.backlog() > 0
    }

    /// Puts back what [`State::acquire`] found.
    fn give_back(&mut self, found: Found) {
        if let Found::Slot(id) = found {
            let lane = &mut self.lanes[self.slots[id].lane];
            if lane.opener.take_if(|opener| *opener == id).is_some() {
                self.opening -= 1;
            }
            self.ready.push(id);
        }
    }

    fn create(&mut self, room: Room, make: impl FnOnce() -> L) -> (Rc<Slot>, Rc<L>) {
        let id = self.slots.len();
        let index = match room {
            Room::Stream(index) => index,
            Room::NewLane => {
                let opener = Some(id);
                let lane = Rc::new(make());
                self.opening += 1;
                self.lanes.push(LaneState {
                    lane,
                    opener,
                    parked: Vec::new(),
                    waiting: Vec::new(),
                    slots: 0,
                    streams: 1,
                });
                self.lanes.len() - 1
            }
        };
        let lane = &mut self.lanes[index];
        lane.slots += 1;
        let slot = Rc::new(Slot {
            id,
            lane: index,
            ticket: Cell::new(None),
            deadline: Cell::new(Nanos::MAX),
            expired: Cell::new(false),
            waker: RefCell::new(None),
        });
        self.slots.push(Rc::clone(&slot));
        (slot, Rc::clone(&lane.lane))
    }

    /// Whatever happens at `now` belongs to an interval that has not ended before it.
    #[inline]
    fn close_intervals(&mut self, settings: &Settings, now: Nanos) {
        if now >= self.next_boundary {
            self.close_intervals_until(settings, now);
        }
    }

    #[cold]
    fn close_intervals_until(&mut self, settings: &Settings, now: Nanos) {
        if self.next_boundary == settings.measured_from {
            // The measured time begins here; what the warm-up used is nobody's.
            self.usage.lap(now);
            self.next_boundary += settings.interval;
            return self.close_intervals(settings, now);
        }
        let closed = (now - settings.measured_from) / settings.interval;
        let boundary = settings.measured_from + closed * settings.interval;
        self.next_boundary = boundary + settings.interval;
        // Without an empty set the collector is behind: what was recorded stays here until it has
        // caught up, and is lost to resolution in time alone.
        if let Ok(empty) = self.channels.spares.try_recv() {
            self.report(settings, boundary, closed, empty, None);
        }
    }

    fn report(
        &mut self,
        settings: &Settings,
        now: Nanos,
        closed: u64,
        empty: Box<Interval>,
        ending: Option<Ending>,
    ) {
        // What falls due after the fence is nobody's, until somebody else takes it.
        let due = self.source.due(now.min(settings.fence.until()));
        if self.source.is_open_loop() {
            self.recorder.due(due - self.due);
        }
        self.due = due;
        let dropped = self.source.dropped();
        for (reason, (now, before)) in DropReason::ALL.iter().zip(dropped.iter().zip(self.dropped))
        {
            self.recorder.dropped(*reason, now - before);
        }
        self.dropped = dropped;
        let lap = self.usage.lap(now);
        self.recorder.current_mut().health.measured(lap);
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
