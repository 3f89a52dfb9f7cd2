//! Tests a mix of named requests on several workers: each name's counts follow from the seed,
//! whichever worker is lost.

use crate::platform::{Platform, figure};
use crate::runs::{Run, arrivals, steady};
use loadcore::request::Mix;
use serde_json::{Value, json};

/// Each is of a kind of its own for the target, which counts them apart.
const REQUESTS: [(&str, &str, &str, f64); 10] = [
    ("home", "/", "/", 5.0),
    ("item", "/bytes/300", "/bytes", 3.0),
    ("search", "/chunked/500", "/chunked", 2.0),
    ("cart", "/delay/3ms", "/delay", 1.5),
    ("missing", "/status/404", "/status", 1.0),
    ("echo", "/echo", "/echo", 1.0),
    ("hint", "/interim/1", "/interim", 0.7),
    ("help", "/help", "/help", 0.5),
    ("old", "/redirect/1", "/redirect", 0.2),
    ("rare", "/anything", "other", 0.1),
];
const SEED: u64 = 4_242;

fn scenario(platform: &Platform, rps: f64, seconds: f64) -> Value {
    let mut scenario = steady(platform, rps, seconds);
    let named = |(name, url, _, weight)| json!({"name": name, "url": url, "weight": weight});
    scenario["mix"] = REQUESTS.into_iter().map(named).collect();
    scenario["seed"] = json!(SEED);
    scenario["sla"] =
        json!(["ok_p99{home}<10s", "error_rate{missing}>=100%", "share{404}{missing}>99%"]);
    scenario
}

fn named<'a>(result: &'a Value, name: &str) -> &'a Value {
    let all = result["requests"].as_array().expect("a list");
    all.iter().find(|request| request["name"] == name).unwrap_or_else(|| panic!("{name}: {all:?}"))
}

/// What was computed from the seed, what is reported and what the target has counted of each.
fn hold(platform: &Platform, result: &Value) {
    let mix = Mix::new(SEED, &REQUESTS.map(|(.., weight)| weight));
    let planned = mix.counts(0..arrivals(result, "due"));
    let counted = platform.target.stats().requests_by_path;
    for ((name, _, path, _), planned) in REQUESTS.into_iter().zip(planned) {
        let request = named(result, name);
        let of = |key: &str| arrivals(request, key);
        let counted = counted.get(path).copied().unwrap_or(0);
        assert_eq!(of("due"), planned, "{name}: {request}");
        assert_eq!(of("due"), of("sent") + of("dropped") + of("backlog") + of("unknown"), "{name}");
        let most = of("sent") + of("unknown");
        assert!((of("sent")..=most).contains(&counted), "{name}: {counted} counted: {request}");
        let series = request["series"].as_array().expect("rows").iter();
        assert_eq!(series.map(|row| row["due"].as_u64().unwrap_or(0)).sum::<u64>(), planned);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_names_counts_are_those_of_the_seed_though_a_worker_is_killed() {
    let mut platform = Platform::start(5).await;
    let run = Run::start(&platform, &scenario(&platform, 300.0, 14.0));
    run.wait_for_second(&platform, 4.0);
    let live = run.shown(&platform);
    platform.workers[2].program.kill();
    let path = format!("/api/v1/scenarios/{}/stats/realtime?lastNSeconds=3", run.scenario);
    let realtime = platform.get(&path);
    assert_eq!(named(&realtime, "home")["errors"], json!({}), "{realtime}");
    let sum = realtime["requests"].as_array().expect("a list").iter();
    let sum: u64 = sum.map(|it| it["totalRequests"].as_u64().unwrap_or(0)).sum();
    assert_eq!(sum, realtime["totalRequests"].as_u64().expect("a number"), "{realtime}");

    let shown = run.end(&platform);
    let result = &shown["result"];
    assert_eq!((&shown["state"], &result["complete"]), (&json!("COMPLETED"), &json!(false)));
    assert!(named(&live["result"], "home")["totalRequests"].as_u64() > Some(0), "{live}");
    assert_eq!(arrivals(result, "due"), run.planned);
    hold(&platform, result);
    let unknown = result["requests"].as_array().expect("a list").iter();
    let unknown: u64 = unknown.map(|request| arrivals(request, "unknown")).sum();
    figure(&format!("of ten names {unknown} arrivals are unknown"));
    assert_eq!(unknown, arrivals(result, "unknown"));
    for outcome in result["sla"].as_array().expect("outcomes") {
        assert_eq!(outcome["passed"], true, "{outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_loss_each_names_requests_are_all_there() {
    let platform = Platform::start(3).await;
    let run = Run::start(&platform, &scenario(&platform, 400.0, 5.0));
    let shown = run.ends_whole(&platform);
    hold(&platform, &shown["result"]);
    let missing = named(&shown["result"], "missing");
    assert_eq!(missing["errors"], json!({"http_4xx": missing["totalRequests"]}));
    let csv = platform.ask("GET", &run.path("/report?format=csv"), "").0;
    assert_eq!(csv, 200);
}
