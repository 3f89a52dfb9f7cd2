//! Tests how runs end after a loss, and how workers leave: with real processes, signals and a
//! lease.

use crate::platform::{Platform, SOON, figure, until, wait};
use crate::runs::{Run, arrivals, steady};
use loadcore::time::now;
use std::time::Duration;

/// What a loaded machine may take beside what is promised.
const SLACK: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_soon_after_its_load_however_early_a_worker_was_killed() {
    let mut platform = Platform::start(2).await;
    let run = Run::steady(&platform, 100.0, 20.0);
    run.wait_for_second(&platform, 1.0);
    platform.workers[0].program.kill();
    let shown = run.end(&platform);
    let took = now().saturating_duration_since(run.posted);
    figure(&format!("a run of 20 s in which a worker was killed took {:.1} s", took.as_secs_f64()));
    // It was lost by second 7, so nothing is awaited beyond the load but what is in flight.
    assert!(took < Duration::from_secs(20 + 5) + SLACK, "{took:?}");
    assert_eq!(shown["result"]["complete"], false);
    assert!(run.events(&platform).contains(&"evidence_missing".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_worker_hands_its_share_to_a_spare() {
    let mut platform = Platform::start(2).await;
    let mut scenario = steady(&platform, 200.0, 20.0);
    scenario["numWorkers"] = 1.into();
    let run = Run::start(&platform, &scenario);
    run.wait_for_second(&platform, 2.0);
    let makes_load = |id: &str| platform.get(&format!("/api/v1/workers/{id}"))["task"] == "running";
    let which = platform.workers.iter().position(|worker| makes_load(&worker.id)).expect("one");
    let mut leaving = platform.workers.remove(which);
    leaving.program.terminate();
    let code = leaving.program.exit_code(SOON);
    assert_eq!(code, Some(0), "{}", leaving.program.said());
    assert!(run.counted(&platform) < run.planned, "it ends before the run does");
    let shown = run.ends_whole(&platform);
    assert_eq!(arrivals(&shown["result"], "sent"), run.planned, "{}", shown["result"]["arrivals"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_worker_of_all_gives_its_share_up_in_time() {
    let mut platform = Platform::start(1).await;
    let run = Run::steady(&platform, 100.0, 40.0);
    run.wait_for_second(&platform, 2.0);
    let asked = now();
    platform.workers[0].program.terminate();
    wait(Duration::from_secs(5));
    assert!(platform.workers[0].program.runs(), "it goes on meanwhile");
    let code = platform.workers[0].program.exit_code(SOON);
    let took = now().saturating_duration_since(asked);
    assert_eq!(code, Some(0), "{}", platform.workers[0].program.said());
    figure(&format!("the last worker was gone {:.1} s after SIGTERM", took.as_secs_f64()));
    assert!(took < Duration::from_secs(30), "{took:?}");
    let shown = run.ends_whole(&platform);
    let fenced = shown["result"]["arrivals"]["droppedByReason"]["fenced"].as_u64();
    assert!(fenced.is_some_and(|fenced| fenced > 0), "{}", shown["result"]["arrivals"]);
    // It left in peace: nobody was lost, and yet the load was not what was asked for.
    assert_eq!(shown["result"]["generator"]["lostWorkers"].as_array().map(Vec::len), Some(0));
    let validity = shown["result"]["validity"].to_string();
    assert!(validity.contains("share_unowned") && !validity.contains("worker_lost"), "{validity}");
    assert!(run.events(&platform).contains(&"worker_left".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_find_the_workers_busy_wait_for_their_turn() {
    let platform = Platform::start(1).await;
    let mut scenario = steady(&platform, 50.0, 15.0);
    scenario["workerWaitSeconds"] = 1.into();
    let first = Run::start(&platform, &scenario);
    first.wait_until_running(&platform);
    let second = Run::start(&platform, &scenario);
    let told = || second.shown(&platform)["waitingFor"]["what"].to_string();
    let queued = until(SOON, || told().contains("place 1 in the queue"));
    assert!(queued.is_some(), "{}", second.shown(&platform));
    assert_eq!(second.shown(&platform)["state"], "QUEUED");
    assert_eq!(first.end(&platform)["state"], "COMPLETED");
    let shown = second.end(&platform);
    assert_eq!(shown["state"], "COMPLETED", "{shown}");
    assert_eq!(arrivals(&shown["result"], "sent"), second.planned);
}
