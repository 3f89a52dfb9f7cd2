//! Tests a mix of requests over HTTP: what is sent of each, and to which server.

use loadcore::request::Mix;
use loadcore::scenario::Scenario;
use loadcore::{LoadTest, RunResult};
use loadcore_target::{Config, Target};
use serde_json::{Value, json};

async fn run(document: &Value) -> RunResult {
    let scenario = Scenario::from_value(document.clone()).unwrap_or_else(|error| panic!("{error}"));
    LoadTest::from_scenario(&scenario).run().await.expect("a run")
}

fn counts(weights: &[f64], due: u64) -> Vec<u64> {
    Mix::new(3, weights).counts(0..due)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_sent_as_its_part_of_the_scenario_says() {
    let target = Target::start(Config::default()).await.expect("a target");
    for (version, open) in [("http1", true), ("http1", false), ("http2", true)] {
        let before = target.stats().requests_by_path;
        let mut document = json!({
            "name": "mix", "targetUrl": target.url("/bytes/10"), "durationSeconds": 1, "seed": 3,
            "headers": {"X-All": "1"}, "httpVersion": version, "checks": [{"bodyBytes": {"atMost": 500}}],
            "mix": [
                {"name": "relative", "url": "5", "weight": 4},
                {"name": "none", "weight": 2},
                {"name": "post", "url": "/echo", "method": "post", "body": "hello",
                 "checks": [{"bodyContains": "hello"}]},
                {"name": "too long", "url": "/chunked/1000", "weight": 1},
            ],
        });
        if open {
            document["loadProfile"] = json!({"type": "CONSTANT", "initialRps": 800});
        } else {
            document["maxRequests"] = json!(800);
            document["connections"] = json!(4);
        }
        let result = run(&document).await;
        let due: Vec<_> = result.requests.iter().map(|it| it.arrivals.due).collect();
        assert_eq!(due, counts(&[4.0, 2.0, 1.0, 1.0], 800));
        let after = target.stats().requests_by_path;
        let of = |path: &str| after.get(path).unwrap_or(&0) - before.get(path).unwrap_or(&0);
        assert_eq!((of("/bytes"), of("/echo"), of("/chunked")), (due[0] + due[1], due[2], due[3]));
        let [relative, none, post, long] = &result.requests[..] else { panic!("four") };
        for request in [relative, none, post] {
            assert_eq!(request.outcomes.ok, request.arrivals.due, "{}", request.name);
        }
        assert_eq!(long.errors["check"], long.arrivals.due, "{:?}", long.errors);
        assert_eq!(result.errors["check"], long.arrivals.due);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_may_go_to_several_servers_over_connections_that_are_kept() {
    let (one, other) =
        (Target::start(Config::default()).await, Target::start(Config::default()).await);
    let (one, other) = (one.expect("a target"), other.expect("a target"));
    for keep_alive in [true, false] {
        let before = (one.stats(), other.stats());
        let document = json!({
            "name": "two", "durationSeconds": 60, "maxRequests": 600, "connections": 5, "seed": 3,
            "keepAlive": keep_alive,
            "mix": [
                {"name": "one", "url": one.url("/")},
                {"name": "other", "url": other.url("/status/503"), "weight": 2},
            ],
        });
        let result = run(&document).await;
        let due = counts(&[1.0, 2.0], 600);
        let (after, others) = (one.stats(), other.stats());
        assert_eq!(after.requests - before.0.requests, due[0]);
        assert_eq!(others.requests - before.1.requests, due[1]);
        assert_eq!(result.errors["http_5xx"], due[1]);
        let opened = after.connections.accepted - before.0.connections.accepted
            + others.connections.accepted
            - before.1.connections.accepted;
        assert_eq!(result.connects, opened, "each that was opened is counted");
        assert!(if keep_alive { opened <= 10 } else { opened == 600 }, "{opened}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_reached_fails_its_own_requests_alone() {
    let target = Target::start(Config::default()).await.expect("a target");
    let document = json!({
        "name": "half", "durationSeconds": 1, "seed": 3,
        "loadProfile": {"type": "CONSTANT", "initialRps": 300},
        "mix": [{"name": "there", "url": target.url("/")}, {"name": "gone", "url": "http://127.0.0.1:1/"}],
    });
    let result = run(&document).await;
    let due = counts(&[1.0, 1.0], 300);
    let [there, gone] = &result.requests[..] else { panic!("two") };
    assert_eq!((there.outcomes.ok, gone.errors["connect_refused"]), (due[0], due[1]));
}
