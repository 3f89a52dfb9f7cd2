//! Tests orders in the middle of a run: each reaches every worker, and nothing is lost by it.

use crate::platform::{Platform, figure, until, wait};
use crate::runs::{Run, arrivals};
use loadcore::time::now;
use std::time::Duration;

/// An order reaches all workers within 2 s; a loaded machine has some more.
const REACHED: Duration = Duration::from_secs(5);
/// For how long nothing must come, at rates at which three workers send each 10 ms.
const STILL: Duration = Duration::from_millis(700);

/// Waits until the target's count stands still, and answers how long it went on.
fn stands_still(platform: &Platform) -> Duration {
    let (begun, mut count, mut changed) = (now(), platform.counted(), now());
    until(REACHED + STILL, || {
        let counted = platform.counted();
        if counted != count {
            (count, changed) = (counted, now());
        }
        now().saturating_duration_since(changed) > STILL
    });
    assert!(now().saturating_duration_since(changed) > STILL, "requests come after {REACHED:?}");
    changed.saturating_duration_since(begun)
}

/// Requests that come in a second.
fn rate(platform: &Platform) -> f64 {
    let (begun, before) = (now(), platform.counted());
    wait(Duration::from_secs(1));
    (platform.counted() - before) as f64 / now().saturating_duration_since(begun).as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_reach_every_worker() {
    let platform = Platform::start(3).await;
    let run = Run::steady(&platform, 300.0, 60.0);
    run.wait_for_second(&platform, 1.0);

    run.order(&platform, "POST", "/pause", "");
    let reached = stands_still(&platform);
    figure(&format!("a pause reached all after {:.2} s", reached.as_secs_f64()));
    let paused = platform.counted();
    wait(Duration::from_millis(500));
    assert_eq!(platform.counted(), paused, "a paused run sends nothing");

    run.order(&platform, "POST", "/resume", "");
    let again = until(REACHED, || platform.counted() > paused + 100);
    assert!(again.is_some(), "a resumed run goes on");

    run.order(&platform, "PATCH", "/rate", r#"{"targetRps": 600}"#);
    let faster = until(2 * REACHED, || rate(&platform) > 480.0);
    assert!(faster.is_some(), "the rate goes from 300/s to 600/s");

    run.order(&platform, "POST", "/stop", "");
    let reached = stands_still(&platform);
    figure(&format!("a stop reached all after {:.2} s", reached.as_secs_f64()));

    let shown = run.end(&platform);
    let result = &shown["result"];
    assert_eq!(shown["state"], "ABORTED", "{shown}");
    assert_eq!(result["interrupted"], true);
    assert_eq!(result["complete"], true, "{}", result["arrivals"]);
    assert_eq!(arrivals(result, "sent"), run.counted(&platform), "{}", result["arrivals"]);
    let events = run.events(&platform);
    for kind in ["paused", "resumed", "rate_changed", "stopped"] {
        assert!(events.iter().any(|event| event == kind), "{kind}: {events:?}");
    }
    let (status, problem) = platform.ask("POST", &run.path("/stop"), "");
    assert_eq!(status, 409, "an ended run does not change: {problem}");
}
