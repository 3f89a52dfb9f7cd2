//! Open connections and free places on them into an answer to: who carries the next ticket?
//!
//! A lane is one connection, or whatever carries requests; a slot is a place for one request on it.
//! Lanes are made on demand, up to a limit, and those that have closed are opened again by whoever
//! needs them next.

use super::source::Ticket;
use crate::time::Nanos;
use crate::transport::{Lane, Opened, Streams};
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

/// Where a ticket can go.
pub(super) enum Found {
    /// An idle slot.
    Slot(usize),
    /// A slot that is still to be made.
    Room(Room),
}

#[derive(Clone, Copy)]
pub(super) enum Room {
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
    /// In open loop requests that can share a lane wait for the one that is opening; in closed loop
    /// every lane is wanted.
    open_loop: bool,
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
            open_loop,
        }
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
        self.room().map(Found::Room)
    }

    /// Puts back what [`Lanes::acquire`] found.
    pub(super) fn give_back(&mut self, found: Found) {
        if let Found::Slot(id) = found {
            self.no_longer_opens(id);
            self.ready.push(id);
        }
    }

    /// Whether a slot that has ended its request may take another; it is parked where its lane is
    /// being opened by somebody else.
    #[inline]
    pub(super) fn is_open_or_parks(&mut self, id: usize) -> bool {
        let lane = &mut self.lanes[self.slots[id].lane];
        let parks = !lane.lane.is_open() && lane.opener.is_some_and(|opener| opener != id);
        if parks {
            lane.parked.push(id);
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
            // It was open when the ticket was given, and has closed since.
            None => {
                lane.opener = Some(slot.id);
                self.opening += 1;
                true
            }
        }
    }

    /// The lane of `slot` was opened, or not (`None`): whoever waited for it may go on.
    pub(super) fn opened(&mut self, slot: &Slot, opened: Option<Opened>) {
        self.no_longer_opens(slot.id);
        let lane = &mut self.lanes[slot.lane];
        self.ready.append(&mut lane.parked);
        lane.waiting.drain(..).for_each(|waiting| self.slots[waiting].wake());
        let Some(opened) = opened else { return };
        lane.streams = opened.streams;
        if opened.streams > 1 {
            self.streams = Streams::Many;
            self.growing.push(slot.lane);
        }
    }

    /// A slot in `room`, and the lane that it is on: a new one is made by `make`, and opened by it.
    pub(super) fn create(&mut self, room: Room, make: impl FnOnce() -> L) -> (Rc<Slot>, Rc<L>) {
        let id = self.slots.len();
        let index = match room {
            Room::Stream(index) => index,
            Room::NewLane => {
                self.opening += 1;
                self.lanes.push(LaneState {
                    lane: Rc::new(make()),
                    opener: Some(id),
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

    fn no_longer_opens(&mut self, id: usize) {
        let lane = &mut self.lanes[self.slots[id].lane];
        if lane.opener.take_if(|opener| *opener == id).is_some() {
            self.opening -= 1;
        }
    }

    fn room(&mut self) -> Option<Room> {
        while let Some(&index) = self.growing.last() {
            let lane = &self.lanes[index];
            if lane.slots < lane.streams && lane.lane.is_open() {
                return Some(Room::Stream(index));
            }
            self.growing.pop();
        }
        let shares = self.streams == Streams::Many && self.open_loop;
        if self.lanes.len() < self.most && !(shares && self.opening > 0) {
            return Some(Room::NewLane);
        }
        None
    }
}
