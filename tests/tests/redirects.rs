//! Tests redirects to another server: its connections are kept, and counted.

use loadcore::LoadTest;
use loadcore_target::{Config, Target};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_where_redirects_lead_is_kept() {
    let from = Target::start(Config::default()).await.expect("a target");
    let to = Target::start(Config::default()).await.expect("a target");
    let url = from.url(&format!("/redirect-to?url={}", to.url("/")));
    for (keep_alive, connections) in [(true, 4), (false, 400)] {
        let test = LoadTest::get(&url).options(|options| {
            options.max_redirects = 1;
            options.keep_alive = keep_alive;
        });
        let before = (to.stats(), from.stats());
        let test = test.requests(400).connections(4).duration(Duration::from_secs(60));
        let result = test.run().await.expect("a run");
        assert_eq!(result.outcomes.ok, 400, "{:?}", result.errors);
        let (to, from) = (to.stats(), from.stats());
        assert_eq!(to.requests - before.0.requests, 400);
        let opened = to.connections.accepted - before.0.connections.accepted;
        assert_eq!(opened, connections, "keep-alive {keep_alive}");
        let all = opened + from.connections.accepted - before.1.connections.accepted;
        assert_eq!(result.connects, all, "keep-alive {keep_alive}");
    }
}
