//! Gathers what tests of whole runs have in common.

use loadcore::RunResult;
use loadcore::result::SeriesRow;

/// What holds for every result.
pub fn hold_identities(result: &RunResult) {
    let a = &result.arrivals;
    assert_eq!(a.due, a.sent + a.dropped + a.backlog + a.unknown, "{a:?}");
    assert_eq!(a.dropped, a.dropped_by_reason.values().sum::<u64>());
    assert_eq!(a.backlog, 0, "the backlog is empty at the end");
    let o = &result.outcomes;
    assert_eq!(a.sent, o.ok + o.failed + o.unfinished, "{a:?} {o:?}");
    assert_eq!(result.total_requests, o.ok + o.failed);
    assert_eq!(o.failed, result.errors.values().sum::<u64>());
    let rows = |count: fn(&SeriesRow) -> u64| result.series.iter().map(count).sum::<u64>();
    assert_eq!(rows(|row| row.due), a.due);
    assert_eq!(rows(|row| row.sent), a.sent);
    assert_eq!(rows(|row| row.ok), o.ok);
    assert_eq!(rows(|row| row.dropped), a.dropped);
}
