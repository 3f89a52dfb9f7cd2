//! Connections when there is much to do: few are opened where few are enough, and when all are busy
//! naps of the pacer hardly take away from what they do.

use loadcore::LoadTest;
use loadcore_target::{Config, Target};
use std::time::Duration;

/// Ten connections and a target that answers after 10 ms carry at most 1,000 requests/s, and 5,000/s
/// fall due. With a slack of 1 ms replies are read up to 1 ms late while all connections are busy,
/// which may cost a seventeenth; and what the target takes is still known by the kernel's stamps.
#[tokio::test]
async fn a_nap_while_all_connections_are_busy_costs_little_and_tells_no_lie() {
    let latency = "const(10ms)".parse().expect("a latency");
    let target = Target::start(Config { latency, ..Config::default() }).await.expect("a target");
    let mut sent = Vec::new();
    for slack in [0, 1_000].map(Duration::from_micros) {
        let test = LoadTest::get(&target.url("/")).rate(5_000.0).duration(Duration::from_secs(2));
        let test = test.threads(1).connections(10).max_backlog(100).slack(slack);
        let before = target.stats().requests;
        let result = test.run().await.expect("a run");
        let arrivals = &result.arrivals;
        assert_eq!(arrivals.due, 10_000);
        assert_eq!(arrivals.due, arrivals.sent + arrivals.dropped + arrivals.backlog);
        assert_eq!(arrivals.sent, target.stats().requests - before);
        let fastest = result.service_time.min_ms.expect("a fastest one");
        assert!(fastest >= 9.9, "slack {slack:?}: {fastest} ms, where the target takes 10");
        sent.push(arrivals.sent as f64);
    }
    assert!(sent[1] > 0.8 * sent[0], "sent with a slack of 0 and of 1 ms: {sent:?}");
}

/// 20,000/s to a target that answers at once need some ten connections. Each takes longer to open
/// than requests are apart; would everyone who finds none idle open one, it would be the limit of
/// 1,000 at once, and their opening all that the load shows at its start.
#[tokio::test]
async fn a_fast_load_opens_few_connections() {
    let target = Target::start(Config::default()).await.expect("a target");
    let test = LoadTest::get(&target.url("/")).rate(20_000.0).duration(Duration::from_secs(1));
    let result = test.threads(1).run().await.expect("a run");
    assert_eq!(result.arrivals.sent, 20_000);
    assert!(result.connects < 600, "{} connections", result.connects);
}
