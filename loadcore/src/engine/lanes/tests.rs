//! Tests who carries the next ticket while lanes open, close and rest.

use super::*;
use crate::request::{ErrorClass, Outcome};
use crate::time::MILLISECOND;
use crate::transport::Call;

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
    async fn exchange(&self, _: Call) -> Outcome {
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
    lanes.opened(&first, Ok(opened(2)), 7);
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
    lanes.opened(&first, Ok(opened(4)), 0);
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
    lanes.opened(&opener, Ok(opened(4)), 0);
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
    lanes.opened(&first, Ok(opened(4)), 0);
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
    lanes.opened(&first, Ok(opened(4)), 0);
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
            lanes.opened(&slot, Ok(opened(3)), 0);
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
    lanes.opened(&first, Ok(opened(1)), 0);
    made[0].open.set(false);
    lanes.release(0);
    let found = lanes.acquire().unwrap();
    assert!(lanes.are_opening());
    lanes.give_back(found, 0);
    assert!(!lanes.are_opening() && lanes.has_room());
}

#[test]
fn in_closed_loop_a_lane_that_could_not_be_opened_is_tried_once_after_each_rest() {
    let mut lanes = Lanes::new(1, Streams::Many, false);
    let (_, made) = take_all(&mut lanes);
    made[0].open.set(true);
    let first = Rc::clone(&lanes.slots()[0]);
    lanes.opened(&first, Ok(opened(3)), 0);
    assert_eq!(take_all(&mut lanes).0, [1, 2]);
    // It closes under three requests, and is not opened again.
    made[0].open.set(false);
    let all: Vec<_> = lanes.slots().to_vec();
    let refused = Failure::new(ErrorClass::ConnectRefused, "refused");
    let mut waits = Vec::new();
    for tries in [0, 1, 2, 0] {
        let may: Vec<_> = (0..3).map(|k| lanes.may_open(&all[(tries + k) % 3])).collect();
        assert_eq!(may, [true, false, false], "try {tries}");
        lanes.opened(&all[tries], Err(&refused), 0);
        waits.push(lanes.rest(&all[tries], &mut Backoff::default()) / MILLISECOND);
        assert!(lanes.rests_alone(&all[tries]));
        assert!(all.iter().all(|slot| !lanes.may_open(slot)), "one rests");
        lanes.rested(&all[tries]);
    }
    assert_eq!(waits, [10, 20, 40, 80]);
    made[0].open.set(true);
    assert!(lanes.may_open(&all[1]));
    lanes.opened(&all[1], Ok(opened(3)), 0);
    made[0].open.set(false);
    lanes.appoint_opener(1);
    lanes.opened(&all[1], Err(&refused), 0);
    assert_eq!(lanes.rest(&all[1], &mut Backoff::default()), 10 * MILLISECOND, "it begins anew");
}
