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
            shared_since: 0,
            open_loop,
        }
    }

    /// Until when requests that can share a lane may have waited for the one that was opening.
    pub(super) fn shared_since(&self) -> Nanos {
        self.shared_since
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

    /// Puts back what [`Lanes::acquire`] found.
    pub(super) fn give_back(&mut self, found: Found) {
        if let Found::Slot(id) = found {
            self.no_longer_opens(id);
            self.ready.push(id);
        }
    }

    /// Whether a slot may take another ticket; it is parked until its lane is opened again where
    /// somebody else is doing that, or where the lane turned out to carry fewer requests.
    #[inline]
    pub(super) fn is_open_or_parks(&mut self, id: usize) -> bool {
        let lane = &mut self.lanes[self.slots[id].lane];
        let parks = if lane.lane.is_open() {
            lane.slots > 1 && lane.active() > lane.carries().unwrap_or(1)
        } else {
            lane.opener.is_some_and(|opener| opener != id)
        };
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
    pub(super) fn opened(&mut self, slot: &Slot, opened: Option<Opened>, now: Nanos) {
        self.no_longer_opens(slot.id);
        let lane = &mut self.lanes[slot.lane];
        lane.streams = opened.map_or(1, |opened| opened.streams);
        if lane.streams > 1 {
            self.streams = Streams::Many;
            // Whoever waits goes on when it is known how many may.
            return self.look_again(now);
        }
        self.ready.append(&mut lane.parked);
        lane.waiting.drain(..).for_each(|waiting| self.slots[waiting].wake());
    }

    /// What a lane may carry has changed, or a lane has closed before that was known.
    pub(super) fn look_again(&mut self, now: Nanos) {
        self.shared_since = now;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let is_told = lane.lane.is_open() && lane.carries().is_some();
            let is_lost = !lane.lane.is_open() && lane.opener.is_none();
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
        (self.lanes.len() < self.most && !waits).then_some(Room::NewLane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Failure, Outcome};

    /// A lane of which a test says what it is.
    #[derive(Debug)]
    struct Said {
        open: Cell<bool>,
        most: Cell<Option<usize>>,
    }

    impl Lane for Said {
        async fn open(&self) -> Result<Opened, Failure> {
            Ok(opened(1))
        }
        fn is_open(&self) -> bool {
            self.open.get()
        }
        fn most_streams(&self) -> Option<usize> {
            self.most.get()
        }
        async fn exchange(&self) -> Outcome {
            Outcome::default()
        }
    }

    fn opened(streams: usize) -> Opened {
        Opened { connect_ns: 0, tls_ns: None, streams }
    }

    fn said() -> Said {
        Said { open: Cell::new(false), most: Cell::new(Some(usize::MAX)) }
    }

    /// Takes all that can be had now; answers the slots of it and the new lanes.
    fn take_all(lanes: &mut Lanes<Said>) -> (Vec<usize>, Vec<Rc<Said>>) {
        let (mut slots, mut made) = (Vec::new(), Vec::new());
        while let Some(found) = lanes.acquire() {
            match found {
                Found::Slot(id) => slots.push(id),
                Found::Room(room) => {
                    let (slot, lane) = lanes.create(room, said);
                    slots.push(slot.id);
                    if matches!(room, Room::NewLane) {
                        made.push(lane);
                    }
                }
            }
        }
        (slots, made)
    }

    #[test]
    fn requests_that_can_share_a_lane_wait_for_the_one_that_opens() {
        let mut lanes = Lanes::new(3, Streams::Many, true);
        let (slots, made) = take_all(&mut lanes);
        assert_eq!((slots, made.len(), lanes.has_room()), (vec![0], 1, false));
        made[0].open.set(true);
        let first = Rc::clone(&lanes.slots()[0]);
        lanes.opened(&first, Some(opened(2)), 7);
        assert_eq!(lanes.shared_since(), 7);
        // One more on this lane, and the next one opens.
        let (slots, made) = take_all(&mut lanes);
        assert_eq!((slots, made.len()), (vec![1, 2], 1));
    }

    #[test]
    fn in_closed_loop_all_lanes_open_at_once() {
        let mut lanes = Lanes::new(3, Streams::Many, false);
        let (slots, made) = take_all(&mut lanes);
        assert_eq!((slots.len(), made.len(), lanes.are_all_made()), (3, 3, true));
    }

    #[test]
    fn slots_beyond_what_a_lane_turns_out_to_carry_wait_for_its_next_opening() {
        let mut lanes = Lanes::new(1, Streams::Many, true);
        let (_, made) = take_all(&mut lanes);
        let (lane, first) = (&made[0], Rc::clone(&lanes.slots()[0]));
        lane.open.set(true);
        lanes.opened(&first, Some(opened(4)), 0);
        assert_eq!(take_all(&mut lanes).0, [1, 2, 3]);
        // The server's settings come: two at once. Two of those that end go on, two do not.
        lane.most.set(Some(2));
        let goes_on: Vec<_> = (0..4).map(|id| lanes.is_open_or_parks(id)).collect();
        assert_eq!(goes_on, [false, false, true, true]);
        [2, 3].into_iter().for_each(|id| lanes.release(id));
        assert_eq!(take_all(&mut lanes).0, [3, 2]);
        // It allows one more, and then only two again.
        lane.most.set(Some(3));
        lanes.look_again(0);
        assert_eq!(take_all(&mut lanes).0, [1]);
        lane.most.set(Some(2));
        assert!(!lanes.is_open_or_parks(1));
        // It closes, is opened again by a slot that needs it, and the others are there again.
        lane.open.set(false);
        assert!(lanes.is_open_or_parks(3));
        lanes.appoint_opener(3);
        assert!(!lanes.is_open_or_parks(2), "somebody else opens it");
        lane.open.set(true);
        lane.most.set(Some(usize::MAX));
        let opener = Rc::clone(&lanes.slots()[3]);
        lanes.opened(&opener, Some(opened(4)), 0);
        let mut slots = take_all(&mut lanes).0;
        slots.sort_unstable();
        assert_eq!(slots, [0, 1, 2]);
        assert!(!lanes.are_opening());
    }

    #[test]
    fn until_it_is_known_what_a_lane_carries_the_others_wait() {
        let mut lanes = Lanes::new(3, Streams::Many, true);
        let (_, made) = take_all(&mut lanes);
        let (lane, first) = (&made[0], Rc::clone(&lanes.slots()[0]));
        lane.open.set(true);
        lane.most.set(None);
        lanes.opened(&first, Some(opened(4)), 0);
        assert!(lanes.is_open_or_parks(0) && !lanes.has_room());
        lane.most.set(Some(2));
        let (slots, made) = take_all(&mut lanes);
        assert_eq!((slots, made.len()), (vec![1, 2], 1), "one more on this lane, and the next");
        // The same again when it has closed and is opened anew by the first.
        lane.open.set(false);
        lanes.appoint_opener(0);
        assert!(!lanes.is_open_or_parks(1));
        lane.open.set(true);
        lane.most.set(None);
        lanes.opened(&first, Some(opened(4)), 0);
        assert!(take_all(&mut lanes).0.is_empty());
        lane.most.set(Some(4));
        assert_eq!(take_all(&mut lanes).0, [1, 3, 4]);
    }

    #[test]
    fn a_lane_of_which_nothing_is_known_keeps_no_other_from_growing() {
        for open_loop in [true, false] {
            let mut lanes = Lanes::new(2, Streams::One, open_loop);
            let (_, made) = take_all(&mut lanes);
            for (id, most) in [(0, Some(3)), (1, None)] {
                made[id].open.set(true);
                made[id].most.set(most);
                let slot = Rc::clone(&lanes.slots()[id]);
                lanes.opened(&slot, Some(opened(3)), 0);
            }
            assert_eq!(take_all(&mut lanes).0, [2, 3], "open loop: {open_loop}");
            made[1].most.set(Some(2));
            lanes.look_again(0);
            assert_eq!(take_all(&mut lanes).0, [4], "open loop: {open_loop}");
        }
    }

    #[test]
    fn a_slot_that_is_not_needed_gives_the_opening_back() {
        let mut lanes = Lanes::new(1, Streams::One, true);
        let (_, made) = take_all(&mut lanes);
        made[0].open.set(true);
        let first = Rc::clone(&lanes.slots()[0]);
        lanes.opened(&first, Some(opened(1)), 0);
        made[0].open.set(false);
        lanes.release(0);
        let found = lanes.acquire().unwrap();
        assert!(lanes.are_opening());
        lanes.give_back(found);
        assert!(!lanes.are_opening() && lanes.has_room());
    }
}
