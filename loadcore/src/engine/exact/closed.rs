//! Tests closed loop: each connection's next request starts exactly when the one before is over.

use super::Run;
use crate::time::{MICROSECOND, Nanos, SECOND};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

fn reply(n: u64, read: Nanos) -> Nanos {
    read + 700 * MICROSECOND + n * 1_234_567_891 % 3_000_017
}

/// The times of the requests of `lanes` connections that begin by `end`, at most `limit`.
fn expected(lanes: usize, end: Nanos, limit: usize) -> Vec<[Nanos; 3]> {
    let mut free: BinaryHeap<Reverse<Nanos>> = (0..lanes).map(|_| Reverse(0)).collect();
    let mut sent = Vec::new();
    while let Some(Reverse(start)) = free.pop()
        && start < end
        && sent.len() < limit
    {
        let over = reply(sent.len() as u64, start);
        sent.push([0, start, over]);
        free.push(Reverse(over));
    }
    sent
}

#[test]
fn each_connection_goes_on_when_it_is_answered() {
    for lanes in [1, 3, 20] {
        let evidence = Run::closed(lanes, 1.5).against(reply);
        evidence.is(&expected(lanes as usize, 3 * SECOND / 2, usize::MAX));
        assert!(evidence.seen.iter().all(|it| it.times.intended.is_none()));
        assert_eq!(evidence.total.histograms.response, evidence.total.histograms.service);
        assert_eq!(evidence.intervals.len(), 2, "a second, and the rest");
    }
}

#[test]
fn a_number_of_requests_ends_it() {
    let mut run = Run::closed(3, 100.0);
    run.load.limit = Some(100);
    run.against(reply).is(&expected(3, 100 * SECOND, 100));
}
