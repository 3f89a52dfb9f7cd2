//! Tests each kind of fault once, in the middle of a run of real processes.
//!
//! Who is not killed loses nothing: what the workers sent is what the target counted, to the last
//! request. What a killed worker may have sent is `unknown`, and no more than that.

use crate::platform::{Platform, SOON, figure, until, wait};
use crate::runs::{Run, arrivals, steady};
use loadcore_target::Stats;
use std::time::Duration;

/// For the API of a controller that has taken over: the other's lease must be over, and Redis and
/// MongoDB be reached.
const TAKEN_OVER: Duration = Duration::from_secs(45);

/// Slots of `arrivals` in a second.
const SLOTS: usize = 10;

fn slot_of_now(stats: &Stats) -> usize {
    let since = stats.last_request_seconds.unwrap_or(0.0);
    let first = stats.first_request_seconds.unwrap_or(0.0);
    ((since - first) * 1_000.0 / stats.slot_ms as f64) as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_share_moves_to_the_others() {
    let mut platform = Platform::start(2).await;
    platform.add_worker_with(&["--threads", "1", "--name", "eu-3"]);
    platform.workers.rotate_right(1);
    let run = Run::steady(&platform, 300.0, 18.0);
    run.wait_for_second(&platform, 3.0);
    let killed_at = slot_of_now(&platform.target.stats());
    platform.workers[0].program.kill();
    let lost = platform.workers[0].id.clone();

    let shown = run.end(&platform);
    let stats = platform.target.stats();
    assert_eq!(stats.slot_ms as usize * SLOTS, 1_000);
    let second = |from: usize| stats.arrivals[from..].iter().take(SLOTS).sum::<u64>();
    let whole = |from: &usize| second(*from) >= 285;
    // The kill's own slot and the next may still hold what the lost worker had sent.
    let back = (killed_at + 2..stats.arrivals.len() - SLOTS).find(whole);
    let back = back.unwrap_or_else(|| panic!("the rate stays low: {:?}", stats.arrivals));
    let hole = (back - killed_at) as f64 / SLOTS as f64;
    figure(&format!("the planned rate was back {hole:.1} s after a worker was killed"));
    assert!(hole > 1.0, "there was a hole: {:?}", stats.arrivals);
    assert!(hole < 12.0, "the hole is no longer than 7 s and some: {:?}", stats.arrivals);

    let result = &shown["result"];
    let (sent, unknown) = (arrivals(result, "sent"), arrivals(result, "unknown"));
    let counted = run.counted(&platform);
    figure(&format!("killed: {}, the target counted {counted}", result["arrivals"]));
    assert_eq!(shown["state"], "COMPLETED", "{shown}");
    assert_eq!(result["complete"], false);
    assert!(unknown > 0, "{}", result["arrivals"]);
    assert!(sent <= counted && counted <= sent + unknown, "{counted}: {}", result["arrivals"]);
    assert_eq!(arrivals(result, "due"), run.planned, "{}", result["arrivals"]);
    let validity = &result["validity"];
    assert_ne!(validity["verdict"], "VALID");
    assert!(validity["reasons"].to_string().contains("worker_lost"), "{validity}");
    let names = &result["generator"]["lostWorkers"];
    let name = names[0].as_str().unwrap_or_default();
    assert_eq!(name, format!("eu-3 ({lost})"), "its name and its id, once: {names}");
    assert_eq!(names.as_array().map(Vec::len), Some(1), "{names}");
    assert!(validity["reasons"].to_string().contains(name), "the verdict names {name}: {validity}");
    // A worker's log says what it did in the run.
    let id = shown["id"].as_str().unwrap_or_default();
    for survivor in &platform.workers[1..] {
        let said = survivor.program.said();
        let of_run: Vec<_> = said.lines().filter(|line| line.contains(id)).collect();
        for told in [
            "took a task",
            "makes 33.3% of the load",
            "makes 50.0% of the load",
            "made load, to its end: ",
            "all that it measured is kept",
        ] {
            let times = of_run.iter().filter(|line| line.contains(told)).count();
            assert_eq!(times, 1, "{told:?} in {of_run:#?}");
        }
    }
    let events = run.events(&platform);
    for kind in ["worker_lost", "rebalanced"] {
        assert!(events.iter().any(|event| event == kind), "{kind}: {events:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_controllers_run_is_completed_by_the_next() {
    let mut platform = Platform::start(3).await;
    let run = Run::steady(&platform, 300.0, 9.0);
    run.wait_for_second(&platform, 3.0);
    platform.controllers[0].program.kill();
    wait(Duration::from_millis(500));
    platform.add_controller();
    platform.wait_until_ready();
    run.ends_whole(&platform);
    let events = run.events(&platform);
    assert!(events.iter().any(|event| event == "controller_changed"), "{events:?}");
    assert!(!events.iter().any(|event| event == "worker_lost"), "nothing was wrong: {events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_takes_over_from_the_only_worker() {
    let mut platform = Platform::start(1).await;
    let run = Run::steady(&platform, 300.0, 20.0);
    run.wait_for_second(&platform, 3.0);
    platform.workers[0].program.kill();
    wait(Duration::from_secs(1));
    let _newcomer = platform.start_worker();
    let shown = run.end(&platform);
    let result = &shown["result"];
    let (sent, unknown) = (arrivals(result, "sent"), arrivals(result, "unknown"));
    let counted = run.counted(&platform);
    figure(&format!("the only one killed: {}, the target counted {counted}", result["arrivals"]));
    assert_eq!(arrivals(result, "due"), run.planned, "{}", result["arrivals"]);
    assert!(sent <= counted && counted <= sent + unknown, "{counted}: {}", result["arrivals"]);
    // 3 s before, and of the 16 s after it those that a lease and a new term leave.
    assert!(sent > run.planned / 3, "the newcomer makes the load: {}", result["arrivals"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_while_no_controller_is_there() {
    let mut platform = Platform::start(2).await;
    let run = Run::steady(&platform, 300.0, 4.0);
    run.wait_for_second(&platform, 1.0);
    platform.controllers[0].program.kill();
    // The workers finish alone.
    let done = until(SOON, || run.counted(&platform) >= run.planned);
    assert!(done.is_some(), "{} of {}", run.counted(&platform), run.planned);
    wait(Duration::from_secs(2));
    platform.add_controller();
    platform.wait_until_ready();
    run.ends_whole(&platform);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_worker_comes_back_and_sends_nothing_of_what_was_its_own() {
    let platform = Platform::start(3).await;
    let run = Run::steady(&platform, 300.0, 18.0);
    run.wait_for_second(&platform, 3.0);
    let frozen = &platform.workers[0].program;
    frozen.freeze();
    wait(Duration::from_secs(8));
    frozen.thaw();
    let shown = run.ends_whole(&platform);
    let result = &shown["result"];
    let fenced = result["arrivals"]["droppedByReason"]["fenced"].as_u64();
    figure(&format!("frozen for 8 s: {}", result["arrivals"]));
    assert!(fenced.is_some_and(|fenced| fenced > 0), "{}", result["arrivals"]);
    assert_eq!(arrivals(result, "dropped"), fenced.unwrap_or(0), "{}", result["arrivals"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redis_that_lost_the_end_of_its_file_costs_no_count() {
    let mut platform = Platform::start(3).await;
    let run = Run::steady(&platform, 300.0, 10.0);
    run.wait_for_second(&platform, 3.0);
    platform.redis.kill();
    wait(Duration::from_secs(2));
    let cut = platform.redis.cut(20_000);
    assert!(cut > 1_000, "the file has an end to be lost: {cut} bytes");
    platform.redis.start_again().await;
    run.ends_whole(&platform);
    platform.wait_for_workers(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_redis_costs_no_count() {
    let platform = Platform::start(3).await;
    let run = Run::steady(&platform, 300.0, 9.0);
    run.wait_for_second(&platform, 3.0);
    platform.redis.wipe();
    run.ends_whole(&platform);
    platform.wait_for_workers(3);
    // And the next run is as any other.
    Run::steady(&platform, 300.0, 1.0).ends_whole(&platform);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_mongodb_costs_no_count() {
    let mut platform = Platform::start(3).await;
    let run = Run::steady(&platform, 300.0, 10.0);
    run.wait_for_second(&platform, 3.0);
    platform.mongo.kill();
    wait(Duration::from_secs(2));
    let controller = &platform.controllers[0];
    let alive = controller.ask("GET", "/actuator/health/liveness", "");
    assert!(matches!(alive, Some((200, _))), "{alive:?}");
    platform.mongo.start_again().await;
    run.ends_whole(&platform);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_controller_stands_by_until_the_first_is_gone() {
    let mut platform = Platform::start(2).await;
    platform.add_controller();
    platform.wait_until_ready();
    // Whom the workers have met leads; `ask` asks the last, which stands by.
    let scenario = steady(&platform, 300.0, 8.0);
    let (status, problem) = platform.ask("POST", "/api/v1/scenarios", &scenario.to_string());
    assert_eq!(status, 503, "{problem}");
    assert!(problem["type"].as_str().is_some_and(|it| it.ends_with("stands-by")), "{problem}");
    let standby = platform.controllers.pop().expect("two controllers");
    let run = Run::start(&platform, &scenario);
    let leader = platform.controllers.pop().expect("the leader");
    platform.controllers.push(standby);
    // It shows what the other does.
    let shown = platform.get(&run.path(""));
    assert_eq!(shown["id"], *run.id, "{shown}");
    let (status, problem) = platform.ask("POST", &run.path("/pause"), "");
    assert_eq!(status, 503, "{problem}");

    let come = until(SOON, || run.counted(&platform) > 600);
    assert!(come.is_some(), "the load is made");
    let mut leader = leader;
    leader.program.kill();
    let leads = until(TAKEN_OVER, || platform.get("/actuator/info")["leading"] == true);
    let leads = leads.unwrap_or_else(|| panic!("{}", platform.said()));
    figure(&format!("the second controller led {:.1} s after the kill", leads.as_secs_f64()));
    run.ends_whole(&platform);
    Run::steady(&platform, 300.0, 1.0).ends_whole(&platform);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_worker_hands_its_share_over() {
    let mut platform = Platform::start(3).await;
    let run = Run::steady(&platform, 300.0, 9.0);
    run.wait_for_second(&platform, 2.0);
    platform.workers[0].program.terminate();
    let code = platform.workers[0].program.exit_code(SOON);
    assert_eq!(code, Some(0), "{}", platform.workers[0].program.said());
    let early = run.counted(&platform);
    assert!(early < run.planned, "it ends before the run does: {early} of {}", run.planned);
    let shown = run.ends_whole(&platform);
    assert_eq!(arrivals(&shown["result"], "sent"), run.planned, "{}", shown["result"]["arrivals"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_an_outage_of_redis_show_what_fell_due_in_it() {
    const RATE: u64 = 90;
    let mut platform = Platform::start(3).await;
    let run = Run::steady(&platform, RATE as f64, 30.0);
    run.wait_for_second(&platform, 8.0);
    platform.redis.kill();
    wait(Duration::from_secs(10));
    platform.redis.start_again().await;
    let shown = run.ends_whole(&platform);
    let rows = shown["result"]["series"].as_array().expect("a series");
    let of = |key: &str| -> Vec<u64> {
        rows.iter().map(|row| row[key].as_u64().expect("a count")).take(30).collect()
    };
    let (due, dropped, unknown) = (of("due"), of("dropped"), of("unknown"));
    figure(&format!("due {due:?}, dropped {dropped:?}"));
    assert!(due.iter().all(|due| *due == RATE), "{due:?}");
    assert!(unknown.iter().all(|unknown| *unknown == 0), "{unknown:?}");
    let outage: Vec<_> = (0..30).filter(|second| dropped[*second] > 0).collect();
    let (first, last) = (outage[0], outage[outage.len() - 1]);
    // The leases ended some 3 to 4 s into it, and workers that came back took a few seconds to go
    // on.
    assert!((9..=15).contains(&first) && last <= 27, "{dropped:?}");
    // A second lies between two beats, so one worker's lease may end a second after another's.
    assert!((first + 2..last).all(|second| dropped[second] == RATE), "{dropped:?}");
}
