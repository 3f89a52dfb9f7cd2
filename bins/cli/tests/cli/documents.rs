//! Tests the result document: it has every key of the contract, and its identities hold.

use crate::support::{loadcore, target};
use loadcore_target::Config;
use serde_json::Value;

/// The keys that scripts rely on.
const KEYS: [&str; 33] = [
    "schemaVersion",
    "scenario",
    "startedAt",
    "durationSeconds",
    "environment",
    "loop",
    "offeredRps",
    "achievedRps",
    "complete",
    "arrivals",
    "outcomes",
    "totalRequests",
    "successRate",
    "bytesSent",
    "bytesReceived",
    "latency",
    "serviceTime",
    "scheduleLag",
    "statusCodeDistribution",
    "errors",
    "sla",
    "validity",
    "bottlenecks",
    "seriesSeconds",
    "series",
    // Parts of them.
    "/environment/version",
    "/environment/os",
    "/environment/cores",
    "/environment/threads",
    "/environment/workers",
    "/environment/options",
    "/validity/verdict",
    "/validity/reasons",
];
const LATENCY_KEYS: [&str; 11] = [
    "minMs", "meanMs", "stdevMs", "p50Ms", "p75Ms", "p90Ms", "p95Ms", "p99Ms", "p999Ms", "p9999Ms",
    "maxMs",
];
const ROW_KEYS: [&str; 11] = [
    "second",
    "due",
    "sent",
    "ok",
    "failed",
    "dropped",
    "p50Ms",
    "p95Ms",
    "p99Ms",
    "maxMs",
    "distribution",
];

#[track_caller]
fn check(document: &Value) {
    for key in KEYS {
        let pointer = if key.starts_with('/') { key.into() } else { format!("/{key}") };
        assert!(document.pointer(&pointer).is_some(), "{key} is missing: {document:#}");
    }
    for part in ["latency", "serviceTime", "scheduleLag"] {
        for key in LATENCY_KEYS {
            assert!(document[part].get(key).is_some(), "{part}.{key} is missing");
        }
    }
    let n = |pointer: &str| {
        document.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}"))
    };
    let sum = |field: &str| {
        let rows = document["series"].as_array().unwrap();
        assert!(rows.iter().all(|row| ROW_KEYS.iter().all(|key| row.get(key).is_some())));
        rows.iter().map(|row| row[field].as_u64().unwrap()).sum::<u64>()
    };
    let [due, sent, dropped] = ["due", "sent", "dropped"].map(|f| n(&format!("/arrivals/{f}")));
    let [ok, failed, unfinished] =
        ["ok", "failed", "unfinished"].map(|f| n(&format!("/outcomes/{f}")));
    assert_eq!(due, sent + dropped + n("/arrivals/backlog") + n("/arrivals/unknown"));
    assert_eq!(sent, ok + failed + unfinished);
    assert_eq!(n("/totalRequests"), ok + failed);
    assert_eq!(n("/arrivals/backlog"), 0, "at the end nothing waits");
    let all = ["due", "sent", "ok", "failed", "dropped"].map(sum);
    assert_eq!(all, [due, sent, ok, failed, dropped], "the series adds up to the totals");
    let reasons = document["arrivals"]["droppedByReason"].as_object().unwrap();
    assert_eq!(reasons.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), dropped);
    let errors = document["errors"].as_object().unwrap();
    assert_eq!(errors.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), failed);
}

fn run(words: &[&str]) -> Value {
    let document = loadcore(&[&["run", "-o", "json"], words].concat()).reported();
    check(&document);
    document
}

#[test]
fn an_open_loop() {
    let target = target(Config::default());
    let document = run(&[&target.url("/"), "-r", "300", "-d", "1s"]);
    assert_eq!(document["loop"], "open");
    assert_eq!(document["arrivals"]["due"], 300);
    assert_eq!(document["offeredRps"], 300.0);
    assert_eq!(document["statusCodeDistribution"]["200"], 300);
    assert_eq!(target.stats().requests, 300);
}

#[test]
fn each_second_has_its_distribution_unless_it_is_not_wanted() {
    let target = target(Config::default());
    let url = target.url("/");
    let words = [url.as_str(), "-r", "50", "-d", "2s"];
    let whole = run(&words);
    let rows = |document: &Value| document["series"].as_array().unwrap().clone();
    assert!(rows(&whole).iter().all(|row| row["distribution"].is_string()), "{whole}");
    let without = run(&[&words[..], &["--no-distribution"]].concat());
    let is_left_out = |row: &Value| row["distribution"].is_null() && row["p99Ms"].is_number();
    assert!(rows(&without).iter().all(is_left_out), "{without}");
}

#[test]
fn a_closed_loop_of_so_many_requests_sends_exactly_these() {
    let target = target(Config::default());
    for (threads, requests) in [("1", 1), ("1", 777), ("2", 500), ("2", 3)] {
        let before = target.stats().requests;
        let text = requests.to_string();
        let document = run(&[&target.url("/"), "-n", &text, "--threads", threads, "-c", "8"]);
        assert_eq!(document["loop"], "closed");
        assert_eq!(document["arrivals"]["due"], requests);
        assert_eq!(document["outcomes"]["ok"], requests);
        assert_eq!(document["offeredRps"], Value::Null);
        assert_eq!(document["scheduleLag"]["p50Ms"], Value::Null);
        assert_eq!(target.stats().requests - before, requests);
    }
}

#[test]
fn an_open_loop_of_so_many_requests_sends_exactly_these() {
    let target = target(Config::default());
    for (words, expected) in [
        // The duration follows from the number.
        (&["-r", "1000", "-n", "123"][..], 123),
        (&["-r", "60000/1m", "-n", "123", "--arrivals", "poisson", "--seed", "7"], 123),
        // Whichever comes first.
        (&["-r", "1000", "-n", "50", "-d", "10s"], 50),
        (&["-r", "1000", "-n", "5000", "-d", "100ms"], 100),
    ] {
        let before = target.stats().requests;
        let document = run(&[&[target.url("/").as_str()], words].concat());
        assert_eq!(document["arrivals"]["due"], expected, "{words:?}");
        assert_eq!(target.stats().requests - before, expected, "{words:?}");
    }
}

#[test]
fn a_number_of_requests_is_offered_at_its_rate() {
    let target = target(Config::default());
    let url = target.url("/");
    let document = run(&[&url, "-r", "1", "-n", "1"]);
    assert!(document["durationSeconds"].as_f64() >= Some(1.0), "{document}");
    assert!(
        document["offeredRps"].as_f64() <= Some(1.0),
        "the only one is due after half a second"
    );
    let poisson = ["-r", "20", "-n", "4", "--arrivals", "poisson", "--seed", "3"];
    let document = run(&[&[url.as_str()], &poisson[..]].concat());
    assert!(document["offeredRps"].as_f64() <= Some(20.0), "{document}");
    assert_eq!(document["series"][0]["due"], 4);
}

#[test]
fn requests_without_an_answer_are_unfinished_and_those_that_never_left_are_dropped() {
    let target = target(Config { latency: "30s".parse().unwrap(), ..Config::default() });
    let document =
        run(&[&target.url("/"), "-r", "100", "-d", "200ms", "-c", "2", "--drain", "100ms"]);
    assert_eq!(document["arrivals"]["due"], 20);
    assert_eq!(document["outcomes"]["unfinished"], 2);
    assert_eq!(document["arrivals"]["droppedByReason"]["run_ended"], 18);
}

#[test]
fn failures_are_counted_by_class_with_an_example_of_each() {
    let target = target(Config::default());
    let url = |path: &str| target.url(path);
    for (url, class) in [
        (url("/status/404"), "http_4xx"),
        (url("/status/503"), "http_5xx"),
        ("http://no.such.name.invalid/".into(), "dns"),
    ] {
        let document = run(&[&url, "-r", "100", "-n", "5"]);
        assert_eq!(document["errors"][class], 5, "{url}: {}", document["errors"]);
        assert_ne!(document["errorExamples"][class], Value::Null, "{url}");
    }
    let document = run(&[&url("/delay/10s"), "-r", "100", "-n", "3", "-t", "50ms"]);
    assert_eq!(document["errors"]["response_timeout"], 3);
}

#[test]
fn warm_up_is_in_no_statistic() {
    let target = target(Config::default());
    let document = run(&[&target.url("/"), "-r", "100", "-d", "200ms", "--warmup", "300ms"]);
    assert_eq!(document["arrivals"]["due"], 20);
    assert_eq!(document["warmupSeconds"], 0.3);
    let requests = target.stats().requests;
    assert!((21..=50).contains(&requests), "{requests} requests, of which 30 warm up");
}
