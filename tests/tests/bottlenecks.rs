//! Tests targets with one injected bottleneck each, through sockets: what is found first, and that
//! a clean target gives no finding.
//!
//! One run of each always; with `LOADCORE_LONG` three. `worker_skew` needs several workers, and is tried in
//! `distributed/skew.rs`. The same checks are tried in bulk on a model
//! (`loadcore/src/analysis/bottleneck/trials.rs`). No figure is held against a time: only which kind is
//! found.

#![expect(clippy::print_stderr, reason = "what was found of each is told")]

use loadcore::scenario::Scenario;
use loadcore::{LoadTest, RunResult};
use loadcore_target::{Config, Target, Tls};
use serde_json::{Value, json};
use std::time::Duration;

/// What a target does, and under which load that shows.
struct Case {
    kind: &'static str,
    target: Config,
    scenario: Value,
}

fn case(kind: &'static str, target: Config, scenario: Value) -> Case {
    Case { kind, target, scenario }
}

fn constant(rate: f64) -> Value {
    json!({"type": "CONSTANT", "initialRps": rate})
}

fn ramp(from: f64, to: f64) -> Value {
    json!({"type": "RAMP", "initialRps": from, "targetRps": to})
}

fn cases() -> Vec<Case> {
    let slow = |latency: &str| Config { latency: latency.parse().unwrap(), ..Config::default() };
    let workers = |latency: &str, workers| Config { workers: Some(workers), ..slow(latency) };
    vec![
        case(
            "saturation",
            workers("20ms", 4),
            json!({"durationSeconds": 12, "loadProfile": ramp(100.0, 320.0)}),
        ),
        case(
            "queueing",
            Config { service_rate: Some(200.0), ..slow("5ms") },
            json!({"durationSeconds": 30, "loadProfile": ramp(30.0, 185.0), "arrivals": "POISSON"}),
        ),
        case(
            "error_cliff",
            Config { cliff: "300/s,for=4s,status=502".parse().ok(), ..slow("10ms") },
            json!({"durationSeconds": 15, "loadProfile": ramp(150.0, 450.0)}),
        ),
        case(
            "rate_limited",
            Config { rate_limit: "150/s".parse().ok(), ..slow("10ms") },
            json!({"durationSeconds": 12, "loadProfile": constant(250.0)}),
        ),
        case(
            "latency_drift",
            Config { drift: Duration::from_millis(1), ..slow("10ms") },
            json!({"durationSeconds": 20, "loadProfile": constant(200.0)}),
        ),
        case(
            "periodic_stall",
            Config { stalls: vec!["every=4s,for=400ms".parse().unwrap()], ..slow("5ms") },
            json!({"durationSeconds": 26, "loadProfile": constant(200.0)}),
        ),
        case(
            "connection_limit",
            Config { connections: "20".parse().ok(), ..slow("100ms") },
            json!({"durationSeconds": 12, "loadProfile": ramp(80.0, 500.0)}),
        ),
        case(
            "slow_handshake",
            Config {
                tls: Tls::On,
                accept_delay: Duration::from_millis(60),
                close_after: Some(4),
                ..slow("10ms")
            },
            json!({"durationSeconds": 12, "loadProfile": constant(150.0), "tlsVerify": false,
                "httpVersion": "http1"}),
        ),
        case(
            "cold_start",
            Config { cold_start: "for=4s,latency=80ms".parse().ok(), ..slow("10ms") },
            json!({"durationSeconds": 20, "loadProfile": constant(200.0)}),
        ),
        case(
            "bimodal_latency",
            slow("bimodal(0.8:5ms,0.2:90ms)"),
            json!({"durationSeconds": 12, "loadProfile": constant(200.0)}),
        ),
        case(
            "timeout_wall",
            Config { errors: "2%:hang".parse().unwrap(), ..slow("10ms") },
            json!({"durationSeconds": 14, "loadProfile": constant(200.0), "timeoutSeconds": 2}),
        ),
        case(
            "none",
            slow("normal(10ms,2ms)"),
            json!({"durationSeconds": 12, "loadProfile": constant(200.0)}),
        ),
        case(
            "none",
            slow("exp(5ms)"),
            json!({"durationSeconds": 12, "loadProfile": ramp(50.0, 300.0), "arrivals": "POISSON"}),
        ),
        case("none", slow("5ms"), json!({"durationSeconds": 12, "connections": 4})),
    ]
}

async fn run(case: &Case) -> RunResult {
    let target = Target::start(case.target.clone()).await.expect("a target");
    let mut document = case.scenario.clone();
    document["name"] = json!(case.kind);
    document["targetUrl"] = json!(target.url("/"));
    let scenario = Scenario::from_value(document).unwrap_or_else(|error| panic!("{error}"));
    let result = LoadTest::from_scenario(&scenario).run().await.expect("a run");
    drop(target);
    result
}

/// What is found first: the kind's name, or `none`.
fn first(result: &RunResult) -> &str {
    result.bottlenecks.first().map_or("none", |finding| finding.kind.name())
}

/// A machine that stands still looks like a target that does. Such a run says nothing of the checks.
async fn quiet(case: &Case) -> RunResult {
    const TRIES: usize = 3;
    for attempt in 1.. {
        let result = run(case).await;
        let reasons: Vec<_> = result.validity.reasons.iter().map(|it| it.kind.as_str()).collect();
        if first(&result) == case.kind || reasons.is_empty() || attempt == TRIES {
            return result;
        }
        eprintln!("{}: {} after {reasons:?}, tried again", case.kind, first(&result));
    }
    unreachable!("the last try is returned")
}

/// One round: all cases side by side, for together they make some thousands of requests a second.
async fn round() -> Vec<(Case, RunResult)> {
    let run = |case: Case| {
        tokio::spawn(async move {
            let result = quiet(&case).await;
            (case, result)
        })
    };
    let running: Vec<_> = cases().into_iter().map(run).collect();
    let mut ended = Vec::new();
    for one in running {
        ended.push(one.await.expect("a round"));
    }
    ended
}

mod alone {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_right_kind_is_found_first_and_a_clean_target_has_none() {
        let rounds = if std::env::var_os("LOADCORE_LONG").is_some() { 3 } else { 1 };
        let mut wrong = Vec::new();
        for _ in 0..rounds {
            for (case, result) in round().await {
                eprintln!("{}: {}", case.kind, first(&result));
                if first(&result) != case.kind {
                    wrong.push(format!("{}: {:#?}", case.kind, result.bottlenecks));
                }
                for finding in &result.bottlenecks {
                    assert!(!finding.explanation.is_empty() && !finding.next_step.is_empty());
                    assert!((0.5..=1.0).contains(&finding.confidence));
                    assert!(!finding.evidence.is_empty());
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
