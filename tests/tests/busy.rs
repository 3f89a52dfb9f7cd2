//! Tests more load than the connections can carry: naps of the pacer hardly take away from what
//! they do.

use loadcore::LoadTest;
use loadcore_target::{Config, Target};
use std::time::Duration;

// It compares what is sent in a while: nothing else runs beside it.
mod alone {
    use super::*;

    /// Ten connections and a target that answers after 2 ms carry at most 5,000 requests/s, and 20,000/s
    /// fall due. While all connections are busy a nap is an eighth of the 2 ms, which costs some
    /// hundredths; a nap of the whole slack would cost a fifth and more of what a slack of 0 sends.
    #[tokio::test]
    async fn a_nap_while_all_connections_are_busy_costs_little() {
        let latency = "const(2ms)".parse().expect("a latency");
        let target =
            Target::start(Config { latency, ..Config::default() }).await.expect("a target");
        let mut parts = Vec::new();
        // A machine that stands still in one of them spoils one pair.
        for _ in 0..3 {
            let exact = sent(&target, Duration::ZERO).await;
            let napping = sent(&target, Duration::from_millis(1)).await;
            parts.push(napping / exact);
        }
        let best = parts.iter().copied().fold(0.0, f64::max);
        assert!(best > 0.85, "of what is sent with a slack of 0, a slack of 1 ms sends {parts:?}");
    }
}

async fn sent(target: &Target, slack: Duration) -> f64 {
    let test = LoadTest::get(&target.url("/")).rate(20_000.0).duration(Duration::from_millis(700));
    let test = test.threads(1).connections(10).max_backlog(100).slack(slack);
    let before = target.stats().requests;
    let arrivals = test.run().await.expect("a run").arrivals;
    assert_eq!(arrivals.due, 14_000);
    assert_eq!(arrivals.due, arrivals.sent + arrivals.dropped + arrivals.backlog);
    assert_eq!(arrivals.sent, target.stats().requests - before);
    arrivals.sent as f64
}
