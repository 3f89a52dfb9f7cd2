//! Tests the last arrivals of short loads: what falls due just before the end is sent as well.

use loadcore::LoadTest;
use loadcore_target::{Config, Target};
use std::time::Duration;

/// The last arrival falls due half a millisecond before the load ends, and the pacer and whoever ends
/// the load wake within the same moment. Many times, since either may come first.
#[tokio::test]
async fn what_falls_due_just_before_the_end_is_sent() {
    let target = Target::start(Config::default()).await.expect("a target");
    let url = target.url("/");
    for slack in [0, 100, 1_000].map(Duration::from_micros).into_iter().cycle().take(60) {
        let test =
            LoadTest::get(&url).rate(1_000.0).duration(Duration::from_millis(123)).threads(2);
        let before = target.stats().requests;
        let result = test.slack(slack).run().await.expect("a run");
        let arrivals = result.arrivals;
        assert_eq!((arrivals.due, arrivals.sent), (123, 123), "slack {slack:?}: {arrivals:?}");
        assert_eq!(target.stats().requests - before, 123);
    }
}
