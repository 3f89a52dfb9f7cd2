//! Turns open connections and free places on them into an answer to: who carries the next ticket?
//!
//! A lane is one connection, or whatever carries requests; a slot is a place for one request on it.
//! Lanes are made on demand, up to a limit, and one that has closed is opened again by the slot
//! that needs it next.

mod shortage;

use super::backoff::Backoff;
use super::source::Ticket;
use crate::request::{Failure, Protocol};
use crate::time::Nanos;
use crate::transport::{Lane, Opened, Streams};
use shortage::Shortage;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

/// A place for one request under way on a lane.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: usize,
    lane: usize,
    /// Set by the dispatcher, taken by the slot's task.
    pub(super) ticket: Cell<Option<Ticket>>,
    /// When the attempt under way is over its timeout; `Nanos::MAX` between attempts.
    pub(super) deadline: Cell<Nanos>,
    pub(super) expired: Cell<bool>,
    /// It has tried to open its lane, in vain.
    pub(super) open_failed: Cell<bool>,
    /// It rests since this machine was short of what its last attempt needed.
    pub(super) short: Cell<bool>,
    /// Of the last attempt that was passed over.
    pub(super) passed: RefCell<Option<Box<PassedOver>>>,
    waker: RefCell<Option<Waker>>,
}

/// How often the attempt that began at `start` was passed over, and how the last time.
#[derive(Debug)]
pub(super) struct PassedOver {
    pub(super) start: Nanos,
    pub(super) times: u32,
    pub(super) why: Failure,
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

/// Where a ticket can go.
pub(super) enum Found {
    /// An idle slot.
    Slot(usize),
    /// A slot that is still to be made.
    Room(Room),
}

#[derive(Clone, Copy)]
pub(super) enum Room {
    /// A slot of an open lane that may be used again.
    Parked(usize),
    /// In an open lane.
    Stream(usize),
    /// In a lane that is still to be made.
    NewLane,
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
    /// Slots that rest after they could not open it: meanwhile nobody tries.
    resting: usize,
    backoff: Backoff,
    /// It is among those that may have room.
    grows: bool,
}

impl<L: Lane> LaneState<L> {
    /// How many requests at once; `None`: that is still to come.
    fn carries(&self) -> Option<usize> {
        self.lane.most_streams().map(|most| most.min(self.streams))
    }

    /// Slots that are not parked.
    fn active(&self) -> usize {
        self.slots - self.parked.len()
    }
}

/// All lanes and slots of one engine thread.
#[derive(Debug)]
pub(super) struct Lanes<L> {
    slots: Vec<Rc<Slot>>,
    lanes: Vec<LaneState<L>>,
    /// Most lanes that our parts of the load may have open.
    most: usize,
    /// Idle slots, the one used last on top: few connections stay warm rather than all lukewarm.
    ready: Vec<usize>,
    /// Open lanes that may have room for more slots.
    growing: Vec<usize>,
    /// Lanes that are being opened.
    opening: usize,
    streams: Streams,
    /// When a lane that several requests can share was opened last.
    shared_since: Nanos,
    /// The most requests that a lane which says what it speaks was allowed to carry at once.
    widest: usize,
    /// The longest that a connection took to open.
    slowest_connect: Nanos,
    /// In open loop requests that can share a lane wait for the one that is opening; in closed loop
    /// every lane is wanted.
    open_loop: bool,
    shortage: Shortage,
}

impl<L: Lane> Lanes<L> {
    pub(super) fn new(most: usize, streams: Streams, open_loop: bool) -> Self {
        Self {
            slots: Vec::new(),
            lanes: Vec::new(),
            most,
            ready: Vec::new(),
            growing: Vec::new(),
            opening: 0,
            streams,
            shared_since: 0,
            widest: 0,
            slowest_connect: 0,
            open_loop,
            shortage: Shortage::none(),
        }
    }

    /// Lanes are lacking since this machine is short of what they need.
    pub(super) fn are_short(&self) -> bool {
        self.shortage.is_on()
    }

    /// A lane may be opened, as far as this machine goes.
    fn may_be_opened(&self) -> bool {
        self.shortage.allows(self.opening)
    }

    /// Until when the tickets of an open loop may have waited for that; `Nanos::MAX`: they still do.
    pub(super) fn short_until(&self) -> Nanos {
        self.shortage.until()
    }

    /// A slot rests: until [`Lanes::rested`] it takes no ticket, and nobody opens its lane; in open loop
    /// nobody opens any. Answers for how long: as `own` says, or where it failed to open its lane, as often
    /// as that lane has failed in closed loop, and as this machine's shortage says in open loop.
    pub(super) fn rest(&mut self, slot: &Slot, own: &mut Backoff) -> Nanos {
        if !self.open_loop {
            let lane = &mut self.lanes[slot.lane];
            lane.resting += 1;
            return if lane.lane.is_open() { own.failed() } else { lane.backoff.failed() };
        }
        if slot.open_failed.take() {
            return self.shortage.rest();
        }
        self.shortage.begin_rest();
        own.failed()
    }

    /// In closed loop: this slot alone rests since its lane could not be opened.
    pub(super) fn rests_alone(&self, slot: &Slot) -> bool {
        self.lanes[slot.lane].resting == 1
    }

    /// A slot has rested, and is the next to try.
    pub(super) fn rested(&mut self, slot: &Slot) {
        if self.open_loop {
            self.shortage.rested(&mut self.ready);
        } else {
            let lane = &mut self.lanes[slot.lane];
            lane.resting -= 1;
            if lane.resting == 0 {
                self.ready.append(&mut lane.parked);
                lane.waiting.drain(..).for_each(|waiting| self.slots[waiting].wake());
            }
        }
        self.ready.push(slot.id);
    }

    /// Until when requests that can share a lane may have waited for the one that was opening.
    pub(super) fn shared_since(&self) -> Nanos {
        self.shared_since
    }

    /// The longest that a connection took to open, without its TLS.
    pub(super) fn slowest_connect(&self) -> Nanos {
        self.slowest_connect
    }

    /// The most requests that a lane which says what it speaks was allowed to carry at once.
    pub(super) fn widest(&self) -> usize {
        self.widest
    }

    /// There may be `most` lanes from now on. Those that are open already stay.
    pub(super) fn allow(&mut self, most: usize) {
        self.most = self.most.max(most);
    }

    /// No more may be made.
    pub(super) fn are_all_made(&self) -> bool {
        self.lanes.len() == self.most
    }

    pub(super) fn are_opening(&self) -> bool {
        self.opening > 0
    }

    pub(super) fn slot(&self, id: usize) -> &Slot {
        &self.slots[id]
    }

    pub(super) fn slots(&self) -> &[Rc<Slot>] {
        &self.slots
    }

    pub(super) fn has_room(&mut self) -> bool {
        !self.ready.is_empty() || self.room().is_some()
    }

    /// An idle slot, or room for one. The slot of a closed lane is the one to open it.
    #[inline]
    pub(super) fn acquire(&mut self) -> Option<Found> {
        while let Some(id) = self.ready.pop() {
            if !self.is_open_or_parks(id) {
                continue;
            }
            self.appoint_opener(id);
            return Some(Found::Slot(id));
        }
        Some(match self.room()? {
            Room::Parked(index) => Found::Slot(self.lanes[index].parked.pop()?),
            room => Found::Room(room),
        })
    }

    /// Puts back what [`Lanes::acquire`] found: nobody needs it.
    pub(super) fn give_back(&mut self, found: Found, now: Nanos) {
        if let Found::Slot(id) = found {
            self.no_longer_opens(id);
            self.ready.push(id);
        }
        if self.shortage.is_on() {
            self.shortage.is_enough(&mut self.ready, now);
        }
    }

    /// Whether a slot may take another ticket; it is parked until its lane is opened again where
    /// somebody else is doing that or nobody may, or where the lane turned out to carry fewer requests.
    #[inline]
    pub(super) fn is_open_or_parks(&mut self, id: usize) -> bool {
        let lane = &self.lanes[self.slots[id].lane];
        // Most lanes have one slot, and it has just used its own.
        (lane.slots == 1 && lane.lane.is_open()) || self.is_shared_or_parks(id)
    }

    #[inline(never)]
    fn is_shared_or_parks(&mut self, id: usize) -> bool {
        let lane = &mut self.lanes[self.slots[id].lane];
        let is_open = lane.lane.is_open();
        let parks = if is_open {
            lane.slots > 1 && lane.active() > lane.carries().unwrap_or(1)
        } else {
            lane.resting > 0 || lane.opener.is_some_and(|opener| opener != id)
        };
        if parks {
            lane.parked.push(id);
        } else if !is_open && self.open_loop && !self.may_be_opened() {
            self.shortage.hold(id);
            return false;
        }
        !parks
    }

    /// A slot with a ticket for a lane that has closed opens it again.
    #[inline]
    pub(super) fn appoint_opener(&mut self, id: usize) {
        let lane = &mut self.lanes[self.slots[id].lane];
        if !lane.lane.is_open() && lane.opener.replace(id).is_none() {
            self.opening += 1;
        }
    }

    /// A slot is idle.
    #[inline]
    pub(super) fn release(&mut self, id: usize) {
        self.ready.push(id);
    }

    /// Whether this slot is the one to open its lane; if not, it is woken when that was tried.
    pub(super) fn may_open(&mut self, slot: &Slot) -> bool {
        let lane = &mut self.lanes[slot.lane];
        match lane.opener {
            Some(opener) => {
                if opener != slot.id {
                    lane.waiting.push(slot.id);
                }
                opener == slot.id
            }
            None if lane.resting > 0 => {
                lane.waiting.push(slot.id);
                false
            }
            // It was open when the ticket was given, and has closed since.
            None => {
                lane.opener = Some(slot.id);
                self.opening += 1;
                true
            }
        }
    }

    /// The lane of `slot` was opened, or could not be: the slots that waited for it may go on.
    /// Answers the protocol that was agreed on it.
    pub(super) fn opened(
        &mut self,
        slot: &Slot,
        opened: Result<Opened, &Failure>,
        now: Nanos,
    ) -> Option<Protocol> {
        self.no_longer_opens(slot.id);
        slot.open_failed.set(opened.is_err());
        if !opened.is_err_and(Failure::is_shortage) {
            let lanes = (self.most, self.are_all_made());
            self.shortage.went_well(lanes, &mut self.ready, now);
        }
        let opened = opened.ok();
        let took = opened.map_or(0, |opened| opened.connect_ns);
        self.slowest_connect = self.slowest_connect.max(took);
        let lane = &mut self.lanes[slot.lane];
        lane.streams = opened.map_or(1, |opened| opened.streams);
        if opened.is_some() {
            lane.backoff.succeeded();
        }
        let protocol = opened.and_then(|_| lane.lane.protocol());
        self.widest = self.widest.max(usize::from(protocol.is_some()));
        if lane.streams > 1 {
            self.streams = Streams::Many;
            // The slots that wait go on when it is known how many requests the lane carries.
            self.look_again(now);
            return protocol;
        }
        self.ready.append(&mut lane.parked);
        // In closed loop they wait until the slot that has failed has rested.
        if opened.is_some() || self.open_loop {
            lane.waiting.drain(..).for_each(|waiting| self.slots[waiting].wake());
        }
        protocol
    }

    /// What a lane may carry has changed, or a lane has closed before that was known.
    pub(super) fn look_again(&mut self, now: Nanos) {
        self.shared_since = now;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let is_told = lane.lane.is_open() && lane.carries().is_some();
            let is_lost = !lane.lane.is_open() && lane.opener.is_none() && lane.resting == 0;
            if is_told && lane.lane.protocol().is_some() {
                self.widest = self.widest.max(lane.carries().unwrap_or(1));
            }
            if is_told || is_lost {
                lane.waiting.drain(..).for_each(|waiting| self.slots[waiting].wake());
            }
            if lane.streams > 1 && lane.lane.is_open() && !lane.grows {
                lane.grows = true;
                self.growing.push(index);
            }
        }
    }

    /// A slot in `room`, and the lane that it is on: a new one is made by `make`, and opened by it.
    pub(super) fn create(&mut self, room: Room, make: impl FnOnce() -> L) -> (Rc<Slot>, Rc<L>) {
        let id = self.slots.len();
        let index = match room {
            Room::Stream(index) | Room::Parked(index) => index,
            Room::NewLane => {
                self.opening += 1;
                self.lanes.push(LaneState {
                    lane: Rc::new(make()),
                    opener: Some(id),
                    parked: Vec::new(),
                    waiting: Vec::new(),
                    slots: 0,
                    streams: 1,
                    resting: 0,
                    backoff: Backoff::default(),
                    grows: false,
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
            open_failed: Cell::new(false),
            short: Cell::new(false),
            passed: RefCell::new(None),
            waker: RefCell::new(None),
        });
        self.slots.push(Rc::clone(&slot));
        (slot, Rc::clone(&lane.lane))
    }

    fn no_longer_opens(&mut self, id: usize) {
        let lane = &mut self.lanes[self.slots[id].lane];
        if lane.opener.take_if(|opener| *opener == id).is_some() {
            self.opening -= 1;
        }
    }

    fn room(&mut self) -> Option<Room> {
        let mut untold = false;
        let mut place = self.growing.len();
        while place > 0 {
            place -= 1;
            let index = self.growing[place];
            let lane = &mut self.lanes[index];
            match lane.carries().filter(|_| lane.lane.is_open()) {
                Some(most) if lane.active() < most => {
                    let parks = !lane.parked.is_empty();
                    return Some(if parks { Room::Parked(index) } else { Room::Stream(index) });
                }
                None if lane.lane.is_open() => untold = true,
                _ => {
                    lane.grows = false;
                    self.growing.swap_remove(place);
                }
            }
        }
        // In open loop requests that can share a lane wait for the one that opens, or of which it is
        // still to come how many it may carry.
        let waits =
            self.open_loop && (untold || (self.streams == Streams::Many && self.opening > 0));
        (self.lanes.len() < self.most && !waits && self.may_be_opened()).then_some(Room::NewLane)
    }
}

#[cfg(test)]
mod tests;
