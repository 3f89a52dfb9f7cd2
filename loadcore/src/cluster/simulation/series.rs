//! Tests the rows of the series, and what watchers are told, whatever fails.

use super::{SECRET, World, alone, checks};
use crate::cluster::agent::AgentOptions;
use crate::cluster::controller::api::{Frame, FrameData, IntervalFrame, KnownResult};
use crate::cluster::store::RunState;
use crate::result::{Arrivals, RunResult, WorkerResult};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const RATE: u64 = 90;

fn scenario(seconds: u64) -> Value {
    json!({
        "name": "simulated", "targetUrl": "http://target.test/", "durationSeconds": seconds,
        "headers": {"Authorization": SECRET}, "numWorkers": 3, "workerWaitSeconds": 3,
        "loadProfile": {"type": "CONSTANT", "initialRps": RATE}, "drainSeconds": 4,
        "sla": [{"rule": "dropped_rate<1%", "windowSeconds": 1}],
    })
}

/// Three workers, a controller, and a run of so many seconds that is in its fifth.
async fn running(seconds: u64) -> World {
    let mut world = World::new(11, false);
    world.add_controller().await;
    (0..3).for_each(|_| world.add_worker());
    tokio::time::sleep(SECOND).await;
    world.submit(scenario(seconds)).await;
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(world.record().await.state, RunState::Running);
    world
}

async fn result(world: &World) -> RunResult {
    for _ in 0..120 {
        let record = world.record().await;
        if record.state.has_ended() {
            let asked = world.leader().expect("somebody leads");
            let result = asked.result(&record.owner, &record.id).await.unwrap();
            let KnownResult::Final(result) = result else { panic!("{result:?}") };
            checks::identity(&result).unwrap();
            return *result;
        }
        tokio::time::sleep(SECOND).await;
    }
    panic!("not ended: {:#?}", world.record().await);
}

/// The coordinator is away for so long in the middle of a run of thirty seconds.
async fn after_an_outage(away: Duration) -> RunResult {
    let world = running(30).await;
    tokio::time::sleep(3 * SECOND + SECOND / 2).await;
    world.network.coordinator_down(true);
    tokio::time::sleep(away).await;
    world.network.coordinator_down(false);
    result(&world).await
}

#[test]
fn rows_of_an_outage_show_what_fell_due_in_it() {
    alone(async {
        let result = after_an_outage(10 * SECOND).await;
        assert!(result.complete, "{:?}", result.arrivals);
        let rows = &result.series;
        assert!(rows.iter().take(30).all(|row| row.due == RATE), "{rows:#?}");
        let dropped: Vec<_> = rows.iter().map(|row| row.dropped).collect();
        let first = rows.iter().find(|row| row.dropped > 0).expect("leases ended").second;
        let last = rows.iter().rfind(|row| row.dropped > 0).expect("leases ended").second;
        // The run was some four seconds old at the fifth; a lease's end comes 3 to 4 s after a beat.
        assert!((9..=14).contains(&first) && last <= 22, "{dropped:?}");
        for row in rows {
            assert!(row.sent + row.dropped <= 2 * RATE, "no rush that never was: {rows:#?}");
            assert!(row.backlog <= 10 && row.unknown == 0, "{rows:#?}");
            let between = row.second > first && row.second < last;
            assert_eq!(between && row.second < 30, row.dropped == RATE, "{dropped:?}");
        }
        let rule = &result.sla[0];
        assert!(!rule.passed);
        let seconds: Vec<_> =
            rule.violations.iter().map(|it| (it.from_second, it.to_second)).collect();
        let (from, to) = (seconds[0].0, seconds[seconds.len() - 1].1);
        assert!(from >= first as f64 && to <= last as f64 + 2.0, "{seconds:?}, {dropped:?}");
    });
}

#[test]
fn an_outage_that_no_lease_ends_in_leaves_no_trace_in_the_rows() {
    alone(async {
        let result = after_an_outage(SECOND).await;
        assert!(result.complete && result.arrivals.dropped == 0, "{:?}", result.arrivals);
        for row in result.series.iter().take(30) {
            // What is due at the very end of a second may be sent in the next.
            assert!(row.due == RATE && row.sent.abs_diff(RATE) <= 6, "{:#?}", result.series);
        }
    });
}

#[test]
fn what_a_killed_worker_took_with_it_is_unknown_from_its_second_on() {
    alone(async {
        let mut world = running(20).await;
        world.workers[0].kill();
        let result = result(&world).await;
        assert!(!result.complete);
        let rows = &result.series;
        assert!(rows.iter().take(20).all(|row| row.due == RATE), "{rows:#?}");
        let first = rows.iter().find(|row| row.unknown > 0).expect("something is unknown").second;
        assert!((3..=6).contains(&first), "{rows:#?}");
        assert_eq!(rows.last().map(|row| row.unknown), Some(result.arrivals.unknown));
        let rises = rows.windows(2).all(|pair| pair[0].unknown <= pair[1].unknown);
        assert!(rises, "{rows:#?}");
    });
}

#[test]
fn a_load_that_nobody_takes_up_again_falls_due_to_its_end() {
    alone(async {
        let world = running(20).await;
        world.network.coordinator_down(true);
        tokio::time::sleep(30 * SECOND).await;
        world.network.coordinator_down(false);
        let result = result(&world).await;
        assert_eq!(result.duration_seconds, 20.0);
        let due: Vec<_> = result.series.iter().map(|row| row.due).take(20).collect();
        assert_eq!(due, [RATE; 20], "{:#?}", result.series);
        assert_eq!(result.series[15].dropped, RATE);
    });
}

/// Frames after `since`, until none comes for a while.
async fn frames(world: &World, since: u64) -> Vec<Frame> {
    let record = world.record().await;
    let asked = world.leader().expect("somebody leads").clone();
    let mut source = asked.frames(&record.owner, &record.id, since).await.unwrap();
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = tokio::time::timeout(SECOND / 10, source.next()).await {
        frames.push(frame);
    }
    frames
}

fn sum(frames: &[Frame]) -> u64 {
    frames.iter().filter_map(interval).map(|frame| frame.row.sent).sum()
}

fn interval(frame: &Frame) -> Option<&IntervalFrame> {
    match &frame.data {
        FrameData::Interval(interval) => Some(interval),
        FrameData::Event(_) | FrameData::End(_) => None,
    }
}

#[test]
fn whoever_goes_on_watching_after_a_change_of_controllers_counts_nothing_twice() {
    alone(async {
        let mut world = running(25).await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            seen.extend(frames(&world, seen.last().map_or(0, |frame: &Frame| frame.seq)).await);
            world.controllers.clear();
            world.add_controller().await;
            tokio::time::sleep(8 * SECOND).await;
        }
        let result = result(&world).await;
        seen.extend(frames(&world, seen.last().map_or(0, |frame| frame.seq)).await);
        assert_eq!(sum(&seen), result.arrivals.sent, "{seen:#?}");
        let numbers: Vec<_> = seen.iter().map(|frame| frame.seq).collect();
        assert_eq!(numbers, (1..=seen.len() as u64).collect::<Vec<_>>(), "none is missing");
        // And who comes anew is told the same under the same numbers.
        let anew: BTreeMap<_, _> =
            frames(&world, 0).await.into_iter().map(|frame| (frame.seq, frame)).collect();
        for frame in &seen {
            let again = &anew[&frame.seq];
            let told = |frame| interval(frame).map(|it| (it.row.second, it.row.sent));
            let same = again.kind() == frame.kind() && told(again) == told(frame);
            assert!(same, "{frame:?}");
        }
    });
}

/// Half of the load is nobody's from about second 13 on: its worker left, and the other takes no more.
async fn with_half_of_the_load() -> World {
    let mut world = World::new(11, false);
    world.add_controller().await;
    for _ in 0..2 {
        world.add_worker_with(AgentOptions { max_rps: Some(45.0), ..AgentOptions::default() });
    }
    tokio::time::sleep(SECOND).await;
    let mut document = scenario(40);
    document["numWorkers"] = json!(2);
    document["sla"] = json!([{"rule": "dropped_rate<60%", "windowSeconds": 1, "abort": true}]);
    world.submit(document).await;
    tokio::time::sleep(4 * SECOND).await;
    world.workers[0].drain();
    tokio::time::sleep(20 * SECOND).await;
    world
}

#[test]
fn another_controller_goes_on_with_the_books_of_the_one_before_it() {
    let figures = |changes: bool| {
        alone(async move {
            let mut world = with_half_of_the_load().await;
            let before = live(&world).await;
            assert!(before.arrivals.dropped > 300, "{:?}", before.arrivals);
            if changes {
                world.change_controller().await;
                tokio::time::sleep(SECOND / 2).await;
                let after = live(&world).await;
                let known = before.series.len() - 2;
                assert_eq!(after.series[..known], before.series[..known]);
                assert_eq!(after.generator.lost_workers, before.generator.lost_workers);
            }
            tokio::time::sleep(3 * SECOND).await;
            let then = live(&world).await;
            let result = result(&world).await;
            // In no second was more dropped than the half, so that no rule has ended it.
            assert_eq!(world.record().await.state, RunState::Completed);
            assert!(result.sla[0].passed, "{:?}", result.sla);
            (then.arrivals, result.arrivals)
        })
    };
    let (went_on, changed) = (figures(false), figures(true));
    assert_eq!(went_on.1, changed.1);
    // The live figures are those of about the same second.
    let (one, other) = (&went_on.0, &changed.0);
    assert_eq!((one.backlog, one.unknown), (other.backlog, other.unknown), "{one:?} {other:?}");
    let share = |it: &Arrivals| it.dropped as f64 / it.due as f64;
    assert!((share(one) - share(other)).abs() < 0.05, "{one:?} {other:?}");
}

/// The result so far.
async fn live(world: &World) -> RunResult {
    let record = world.record().await;
    let asked = world.leader().expect("somebody leads");
    let result = asked.result(&record.owner, &record.id).await.unwrap();
    let KnownResult::Live(result) = result else { panic!("{result:?}") };
    checks::identity(&result).unwrap();
    *result
}

/// One of three workers stands still for 1.3 s, which its lease outlives.
#[test]
fn it_is_seen_which_worker_stood_still_and_when() {
    alone(async {
        let world = running(14).await;
        world.workers[1].freeze();
        tokio::time::sleep(SECOND + 3 * SECOND / 10).await;
        world.workers[1].go_on();
        let result = result(&world).await;
        assert!(result.generator.lost_workers.is_empty() && result.complete, "{result:?}");
        let [slow, others @ ..] = &by_lateness(&result.workers)[..] else { panic!("{result:?}") };
        // Workers are numbered after the controller.
        assert!(slow.worker.starts_with("w2.") && others.len() == 2, "{:#?}", result.workers);
        let late = |worker: &WorkerResult| {
            let series = &worker.series;
            let each = series.second.iter().zip(&series.late_share);
            each.filter(|(_, share)| **share > Some(0.1)).map(|(at, _)| *at).collect::<Vec<_>>()
        };
        let seconds = late(slow);
        // The run was some four seconds old then.
        assert!((1..=3).contains(&seconds.len()), "{:#?}", slow.series);
        assert!(seconds.iter().all(|second| (3..=7).contains(second)), "{seconds:?}");
        assert!(others.iter().all(|worker| late(worker).is_empty()), "{others:#?}");
        let sent: u64 = result.workers.iter().map(|worker| worker.figures.sent).sum();
        assert_eq!(sent, result.arrivals.sent);
        let in_rows = |worker: &WorkerResult| worker.series.sent.iter().sum::<u64>();
        assert_eq!(result.workers.iter().map(in_rows).sum::<u64>(), sent);
        // Those who watched were told the same.
        let frames = frames(&world, 0).await;
        let of_slow = frames.iter().filter_map(interval).flat_map(|it| {
            let second = it.row.second;
            it.workers.iter().map(move |worker| (second, worker))
        });
        let late = of_slow.filter(|(_, it)| it.figures.late_share > Some(0.1));
        let told: Vec<_> = late.map(|(second, it)| (second, &*it.worker)).collect();
        assert_eq!(told, seconds.iter().map(|second| (*second, &*slow.worker)).collect::<Vec<_>>());
    });
}

/// The latest first.
fn by_lateness(workers: &[WorkerResult]) -> Vec<WorkerResult> {
    let mut workers = workers.to_vec();
    workers.sort_by(|a, b| b.figures.late_share.partial_cmp(&a.figures.late_share).unwrap());
    workers
}

#[test]
fn what_is_not_kept_yet_is_not_shown_unless_the_store_is_away_for_long() {
    alone(async {
        let world = running(20).await;
        world.network.store_down(true);
        let before = frames(&world, 0).await.last().map_or(0, |frame| frame.seq);
        tokio::time::sleep(SECOND + SECOND / 2).await;
        assert!(frames(&world, before).await.len() <= 1, "it waits for the store");
        tokio::time::sleep(5 * SECOND).await;
        assert!(frames(&world, before).await.len() >= 3, "the live view goes on");
        world.network.store_down(false);
        let result = result(&world).await;
        assert_eq!(sum(&frames(&world, 0).await), result.arrivals.sent);
    });
}
