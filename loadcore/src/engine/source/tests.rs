//! Tests parts that are taken, paused, limited and given back.

use super::*;
use crate::time::{MILLISECOND, SECOND};

#[test]
fn whoever_has_no_part_yet_has_not_sent_all_of_it() {
    let load = |open| WholeLoad {
        open,
        warmup: 0,
        end: SECOND,
        limit: Some(10),
        lanes: 2,
        mix: Mix::default(),
    };
    let open = OpenLoop {
        profile: Piecewise::constant(100.0),
        arrivals: Arrivals::Uniform,
        max_backlog: 1_000,
    };
    for open in [None, Some(open)] {
        let mut source = Source::new(load(open));
        assert!(!source.is_spent());
        source.take_part(Share::WHOLE, 0, 0);
        assert!(!source.is_spent());
        let taken = (0..20).filter(|_| source.take(SECOND / 2).is_some()).count();
        assert_eq!((taken, source.is_spent()), (10, true));
    }
}

#[test]
fn what_is_given_back_waits_again_before_all_others() {
    let open = OpenLoop {
        profile: Piecewise::constant(100.0),
        arrivals: Arrivals::Uniform,
        max_backlog: 10,
    };
    let (end, limit) = (SECOND, Some(20));
    let mut source = Source::new(WholeLoad {
        open: Some(open),
        warmup: 0,
        end,
        limit,
        lanes: 2,
        mix: Mix::default(),
    });
    source.take_part(Share::WHOLE, 0, 0);
    let at = |n: u64| n * 10 * MILLISECOND;
    let taken: Vec<_> = (0..3).map_while(|_| source.take(at(3))).collect();
    let due: Vec<_> = taken.iter().map(|ticket| ticket.intended).collect();
    [2, 0, 1].into_iter().for_each(|n| source.give_back(taken[n]));
    assert_eq!((source.backlog(), source.is_spent()), (3, false));
    assert_eq!(source.take(at(3)).map(|ticket| ticket.intended), due.first().copied());
    // Nine more are due, and ten may wait: the oldest is given up.
    source.due(at(12));
    source.trim(at(12), DropReason::NoConnection);
    assert_eq!(source.dropped()[DropReason::NoConnection as usize], 1);
    assert_eq!(source.take(at(12)).map(|ticket| ticket.intended), due.last().copied());
    source.give_back(taken[2]);
    source.stop(DropReason::RunEnded);
    assert_eq!((source.dropped().iter().sum::<u64>(), source.backlog()), (11, 0));
}

#[test]
fn in_closed_loop_what_is_given_back_was_never_taken() {
    let load: WholeLoad<Piecewise> = WholeLoad {
        open: None,
        warmup: 0,
        end: SECOND,
        limit: Some(1),
        lanes: 2,
        mix: Mix::default(),
    };
    let mut source = Source::new(load);
    source.take_part(Share::WHOLE, 0, 0);
    let ticket = source.take(1).unwrap();
    assert!(source.is_spent());
    source.give_back(ticket);
    assert_eq!((source.is_spent(), source.due(2), source.backlog()), (false, 0, 0));
    assert!(source.take(3).is_some() && source.take(3).is_none());
}

#[test]
fn in_closed_loop_an_heir_sends_what_is_left_of_a_part() {
    let load: WholeLoad<Piecewise> = WholeLoad {
        open: None,
        warmup: 0,
        end: SECOND,
        limit: Some(100),
        lanes: 8,
        mix: Mix::default(),
    };
    let taken = |source: &mut Source<Piecewise>, most: usize| {
        (0..most).filter(|_| source.take(1).is_some()).count()
    };
    let [ours, theirs] = [0, 1].map(|k| Share::WHOLE.split(k, 2));
    let mut leaver = Source::new(load.clone());
    leaver.take_part(theirs, 0, 0);
    assert_eq!(taken(&mut leaver, 13), 13);
    leaver.release_part(theirs, 1);
    assert_eq!(taken(&mut leaver, 100), 0);
    // The first 13 of its part are gone.
    let past = theirs.global(13).unwrap();
    let heir = |piece| {
        let mut heir = Source::new(load.clone());
        heir.take_part(ours, 0, 0);
        heir.take_part(piece, 0, past);
        let sent = taken(&mut heir, 1_000);
        assert!(heir.is_spent());
        sent
    };
    assert_eq!(heir(theirs), 100 - 13);
    let pieces: usize = (0..3).map(|k| heir(theirs.split(k, 3)) - 50).sum();
    assert_eq!(pieces, 50 - 13);
    // Of what is given up again nothing is sent on behalf of another part.
    let mut back = Source::new(load.clone());
    back.take_part(ours, 0, 0);
    back.take_part(theirs, 0, past);
    assert_eq!(taken(&mut back, 10), 10);
    back.release_part(ours, 1);
    assert_eq!(taken(&mut back, 1_000), 50 - 13);
}

#[test]
fn a_number_of_requests_takes_as_long_as_their_rate_says() {
    let ends = |rate: f64, limit, end| {
        let profile = Piecewise::constant(rate);
        let open = OpenLoop { profile, arrivals: Arrivals::Uniform, max_backlog: 9 };
        let load = WholeLoad {
            open: Some(open),
            warmup: SECOND,
            end,
            limit,
            lanes: 1,
            mix: Mix::default(),
        };
        Source::new(load).number_ends_at()
    };
    assert_eq!(ends(1.0, Some(1), 60 * SECOND), Some(2 * SECOND), "after the warm-up");
    assert_eq!(ends(0.2, Some(2), 60 * SECOND), Some(11 * SECOND));
    assert_eq!(ends(0.2, Some(2), 9 * SECOND), Some(10 * SECOND), "no longer than planned");
    assert_eq!(ends(0.2, None, 9 * SECOND), None);
}

#[test]
fn whoever_has_a_part_has_a_lane() {
    let load: WholeLoad<Piecewise> = WholeLoad {
        open: None,
        warmup: 0,
        end: SECOND,
        limit: None,
        lanes: 2,
        mix: Mix::default(),
    };
    let of = |thread| {
        let mut source = Source::new(load.clone());
        let before = source.lanes();
        source.take_part(Share::WHOLE.split(thread, 4), 0, 0);
        (before, source.lanes())
    };
    assert_eq!((0..4).map(of).collect::<Vec<_>>(), [(0, 1); 4]);
}

#[test]
fn a_paused_warm_up_asks_for_no_wake_and_is_not_made_up_for() {
    let open = OpenLoop {
        profile: Piecewise::constant(100.0),
        arrivals: Arrivals::Uniform,
        max_backlog: 1_000,
    };
    let (warmup, end) = (SECOND, SECOND);
    let load =
        WholeLoad { open: Some(open), warmup, end, limit: None, lanes: 1, mix: Mix::default() };
    let mut source = Source::new(load);
    source.take_part(Share::WHOLE, 0, 0);
    assert_eq!(source.next_wake(0, 0), Some(5 * MILLISECOND));
    source.pause(0);
    assert_eq!(source.next_wake(100 * MILLISECOND, 0), None);
    assert!(source.take(100 * MILLISECOND).is_none());
    source.resume(500 * MILLISECOND);
    assert!(source.take(500 * MILLISECOND).is_none(), "what was due in the pause");
    assert_eq!(source.next_wake(500 * MILLISECOND, 0), Some(505 * MILLISECOND));
    assert!(source.take(505 * MILLISECOND).is_some_and(|ticket| !ticket.measured));
}
