//! Tests replies that nobody waits for, and a machine that stands still: the lost time is told
//! apart.

use super::Run;
use super::model::arrivals;
use crate::profile::ProfileType;
use crate::time::{MICROSECOND, MILLISECOND, Nanos, SECOND};
use std::ops::Range;

const GAPS: [Range<Nanos>; 2] =
    [400 * MILLISECOND..450 * MILLISECOND, 700_123_456..SECOND - 200 * MILLISECOND];

/// Follows from the moment alone: after a gap many begin at once, in no order that matters.
fn reply(read: Nanos) -> Nanos {
    read + 300 * MICROSECOND + read % 7_000_003
}

fn target(_: u64, read: Nanos) -> Nanos {
    reply(read)
}

fn run(stamped: bool, gaps: &[Range<Nanos>]) -> (Run, Vec<Nanos>) {
    let mut run = Run::open(ProfileType::Constant { initial_rps: 1_999.0 }, 1.0);
    (run.stamped, run.gaps) = (stamped, gaps.to_vec());
    (run, arrivals(&[(1.0, 1_999.0, 1_999.0)]))
}

/// When a request that is due at a moment can begin, and a reply that comes then can be heard.
fn awake(at: Nanos) -> Nanos {
    GAPS.iter().find(|gap| gap.contains(&at)).map_or(at, |gap| gap.end)
}

#[test]
fn a_stamped_reply_came_when_it_came_however_late_it_is_read() {
    let (run, due) = run(true, &[]);
    let evidence = run.against(target);
    evidence.is(&due.iter().map(|at| [*at, *at, reply(*at)]).collect::<Vec<_>>());
    let read_late = evidence.seen.iter().filter(|it| it.heard > it.answered).count();
    assert!(read_late > 1_500, "of 1,999 only {read_late} came while the thread napped");
    let first_byte = &evidence.total.histograms.first_byte;
    assert_eq!(first_byte, &evidence.total.histograms.service);
}

#[test]
fn while_it_listens_a_machine_that_stands_still_shows_in_lag_and_service() {
    let (run, due) = run(false, &GAPS);
    let one = |at: &Nanos| [*at, awake(*at), awake(reply(awake(*at)))];
    run.against(target).is(&due.iter().map(one).collect::<Vec<_>>());
}

#[test]
fn with_stamps_a_machine_that_stands_still_shows_in_the_lag_alone() {
    let (run, due) = run(true, &GAPS);
    let evidence = run.against(target);
    let one = |at: &Nanos| [*at, awake(*at), reply(awake(*at))];
    evidence.is(&due.iter().map(one).collect::<Vec<_>>());
}
