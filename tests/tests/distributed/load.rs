//! Tests runs that nothing disturbs: what is sent, what is shown meanwhile, how soon it begins.

use crate::platform::{Platform, figure, wait};
use crate::runs::{Run, arrivals};
use loadcore::time::now;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_send_what_the_target_counts() {
    let platform = Platform::start(3).await;
    let run = Run::steady(&platform, 300.0, 7.0);
    run.wait_until_running(&platform);
    let begun = now().saturating_duration_since(run.posted);
    figure(&format!("RUNNING {:.2} s after the POST", begun.as_secs_f64()));
    assert!(begun < Duration::from_secs(6), "RUNNING {begun:?} after the POST");
    run.wait_for_second(&platform, 4.5);
    last_seconds(&platform, &run);

    let shown = run.ends_whole(&platform);
    let result = &shown["result"];
    assert_eq!(arrivals(result, "sent"), run.planned);
    assert_eq!(result["outcomes"]["ok"], run.planned, "{}", result["errors"]);
    assert_eq!(result["environment"]["workers"], 3);
    // What else runs on this machine may have kept the generator from its work, and nothing else.
    let busy = ["stalled", "pacer_late", "cpu_contended", "cpu_saturated", "cpu_throttled"];
    let reasons = result["validity"]["reasons"].as_array().expect("reasons");
    let others = reasons.iter().filter(|it| !busy.iter().any(|kind| it["kind"] == *kind));
    assert_eq!(others.count(), 0, "{}", result["validity"]);
    let rows = result["series"].as_array().expect("a series");
    let sum: u64 = rows.iter().filter_map(|row| row["sent"].as_u64()).sum();
    assert_eq!(sum, run.planned, "{rows:?}");
    let events = run.events(&platform);
    for kind in ["started", "ended"] {
        assert!(events.iter().any(|event| event == kind), "{kind}: {events:?}");
    }
}

/// What the contract says of the last seconds, held against the plan.
fn last_seconds(platform: &Platform, run: &Run) {
    let path = format!("/api/v1/scenarios/{}/stats/realtime?lastNSeconds=2", run.scenario);
    let shown = platform.get(&path);
    let number = |key: &str| shown[key].as_f64().unwrap_or_else(|| panic!("{key}: {shown}"));
    assert_eq!(shown["scenarioId"], *run.scenario);
    let window = number("windowSeconds");
    assert!(window > 0.0 && window <= 2.0, "{shown}");
    // 300 requests fall due in a second; what one second owes the next may come later.
    let total = number("totalRequests");
    assert!(total > 0.0 && total <= 300.0 * (window + 1.0), "{shown}");
    assert_eq!(number("successRate"), 100.0, "{shown}");
    let current = number("currentRps");
    assert!((150.0..=600.0).contains(&current), "{shown}");
    assert!(number("avgLatencyMs") > 0.0, "{shown}");
    assert!(number("p95LatencyMs") <= number("p99LatencyMs"), "{shown}");
    assert_eq!(shown["statusCodeDistribution"]["200"].as_f64(), Some(total), "{shown}");
    assert!(number("untilSecond") <= 7.0, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_short_runs() {
    let platform = Platform::start(3).await;
    let long = std::env::var_os("LOADCORE_LONG").is_some();
    for _ in 0..if long { 100 } else { 5 } {
        let run = Run::steady(&platform, 400.0, 1.5);
        let shown = run.ends_whole(&platform);
        assert_eq!(arrivals(&shown["result"], "sent"), run.planned);
        assert_eq!(shown["warnings"].as_array().map(Vec::len), Some(0), "{shown}");
        platform.wait_for_workers(3);
        // What would still come would be too much.
        wait(Duration::from_millis(100));
        assert_eq!(run.counted(&platform), run.planned);
    }
}
