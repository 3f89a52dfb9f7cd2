//! Tests controllers beside each other, in situations that chance seldom makes.

use super::checks::{identity, in_between};
use super::{SECRET, World, alone};
use crate::cluster::controller::api::KnownResult;
use crate::cluster::controller::api::{Command, ControllerError};
use crate::cluster::coordinator::{Coordinator, Leader};
use crate::cluster::journal::Entry;
use crate::cluster::secrets::Secrets;
use crate::cluster::store::{IntervalRecord, NoteKind, Page, RunRecord, RunState, Store};
use crate::cluster::{ControllerOptions, Owner};
use crate::record::Snapshot;
use crate::time::{self, unix_millis};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn scenario(seconds: u64) -> Value {
    json!({
        "name": "simulated", "targetUrl": "http://target.test/", "durationSeconds": seconds,
        "headers": {"Authorization": SECRET}, "numWorkers": 2, "workerWaitSeconds": 3,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50}, "drainSeconds": 2, "seed": 7,
    })
}

/// Two workers, so many controllers, and a run of so many seconds that has been going on for three.
async fn running(controllers: usize, seconds: u64) -> World {
    let mut world = World::new(7, false);
    for _ in 0..controllers {
        world.add_controller().await;
    }
    (0..2).for_each(|_| world.add_worker());
    tokio::time::sleep(SECOND).await;
    world.submit(scenario(seconds)).await;
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(world.record().await.state, RunState::Running);
    world
}

/// Takes the lead where it is free, and keeps nobody out.
fn claim_of_a_test() -> Leader {
    Leader { controller: "a test".into(), term: 1, address: String::new() }
}

/// The run's record at its end, which must come within so many seconds.
async fn ended(world: &World, seconds: u32) -> RunRecord {
    for _ in 0..seconds {
        let record = world.record().await;
        if record.state.has_ended() {
            return record;
        }
        tokio::time::sleep(SECOND).await;
    }
    let record = world.record().await;
    let kept = world.store.snapshots(&record.owner, &record.id).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|it| (&it.worker, it.epoch, it.seq, it.is_final)).collect();
    panic!("not ended after {seconds} s: {record:#?}\nkept: {kept:?}");
}

/// The run has gone to its end, and nothing of it is unknown.
async fn is_complete(world: &World) {
    let record = ended(world, 60).await;
    assert_eq!(record.state, RunState::Completed, "{record:#?}");
    let asked = &world.controllers[0].1;
    let result = asked.result(&record.owner, &record.id).await.unwrap();
    let KnownResult::Final(result) = result else { panic!("{result:?}") };
    identity(&result).unwrap();
    assert!(result.complete, "{result:#?}");
}

#[test]
fn a_store_that_hangs_takes_the_lead_from_nobody() {
    alone(async {
        let world = running(2, 60).await;
        world.network.store_times_out_after(8 * SECOND);
        world.network.store_down(true);
        for second in 0..40 {
            let leads = world.controllers[0].1.is_leading() && !world.controllers[1].1.is_leading();
            assert!(leads, "{second} s after the store has gone");
            // Nor does it stand free for a moment, for anybody else to take it.
            let leader = world.coordinator.lead(&claim_of_a_test(), SECOND).await.unwrap();
            assert_ne!(leader, claim_of_a_test(), "{second} s after the store has gone");
            tokio::time::sleep(SECOND).await;
        }
        world.network.store_down(false);
        is_complete(&world).await;
    });
}

#[test]
fn who_cannot_read_the_runs_does_not_keep_others_from_leading() {
    alone(async {
        let mut world = running(2, 60).await;
        // The one that stands by learns that the store is away, and then the leader dies.
        world.network.store_down(true);
        tokio::time::sleep(8 * SECOND).await;
        let dead = world.controllers.remove(0);
        drop(dead);
        tokio::time::sleep(10 * SECOND).await;
        assert!(world.leader().is_none());
        // So the lead is free for a term that is as old as any.
        let leader = world.coordinator.lead(&claim_of_a_test(), SECOND).await.unwrap();
        assert_eq!(leader, claim_of_a_test());
        world.network.store_down(false);
        tokio::time::sleep(8 * SECOND).await;
        assert!(world.leader().is_some());
        is_complete(&world).await;
    });
}

fn with_another_key() -> ControllerOptions {
    let secrets = Secrets::from_text("another key altogether").unwrap();
    ControllerOptions { secrets, ..ControllerOptions::default() }
}

#[test]
fn a_controller_with_another_key_leaves_runs_to_who_can_read_them() {
    alone(async {
        let mut world = running(1, 60).await;
        world.controllers.clear();
        tokio::time::sleep(SECOND).await;
        world.add_controller_with(with_another_key()).await;
        tokio::time::sleep(20 * SECOND).await;
        let (_, other) = world.controllers.pop().unwrap();
        assert!(!other.is_leading());
        let trouble = other.trouble().borrow().clone().unwrap();
        assert!(trouble.contains("another key"), "{trouble}");
        let record = world.record().await;
        assert_eq!(record.state, RunState::Running);
        let told = other.command(&record.owner, &record.id, Command::Stop).await.unwrap_err();
        assert!(matches!(told, ControllerError::CannotLead(_)), "{told}");
        // It neither ended the run nor stands in the way of who can go on with it.
        world.add_controller().await;
        assert!(world.leader().is_some());
        is_complete(&world).await;
        drop(other);
    });
}

#[test]
fn a_run_goes_on_under_a_new_key_and_then_needs_the_old_one_no_more() {
    alone(async {
        let mut world = World::new(7, false);
        world.add_controller().await;
        (0..2).for_each(|_| world.add_worker());
        tokio::time::sleep(SECOND).await;
        let owner = Owner::from("somebody");
        let leader = world.leader().unwrap();
        leader.keep_secret(&owner, "TOKEN", "kept-value").await.unwrap();
        let mut named = scenario(30);
        named["headers"]["X-Token"] = json!("${secret:TOKEN}");
        named["body"] = json!("<${secret:TOKEN}>");
        // Nobody resolves a name here.
        named["targetUrl"] = json!("http://127.0.0.1:9/");
        let key = Some("a key of the caller");
        named["autoStart"] = json!(false);
        let kept = leader.create_scenario(&owner, named.clone(), key).await.unwrap().scenario_id;
        let ended_before =
            leader.start_scenario(&owner, &kept, None).await.unwrap().run_id.unwrap();
        tokio::time::sleep(40 * SECOND).await;
        let before = world.store.run(&owner, &ended_before).await.unwrap().unwrap();
        assert_eq!(before.state, RunState::Completed, "{before:#?}");
        let leader = world.leader().unwrap();
        let run = leader.start_scenario(&owner, &kept, None).await.unwrap().run_id.unwrap();
        let started = world.store.run(&owner, &run).await.unwrap();
        tokio::time::sleep(4 * SECOND).await;
        // What the run has it keeps, whatever becomes of the secret.
        leader.keep_secret(&owner, "OTHER", "other-value").await.unwrap();
        assert!(leader.delete_secret(&owner, "TOKEN").await.unwrap());
        world.run = started;
        world.controllers.clear();
        let old = world.secrets.clone();
        let new = Secrets::from_text("the key that comes after it").unwrap();
        world.secrets = new.clone().after([old]);
        world.add_controller().await;
        is_complete(&world).await;
        let leader = world.leader().unwrap();
        // The same call is still the same.
        let again = leader.create_scenario(&owner, named.clone(), key).await.unwrap();
        assert_eq!(again.scenario_id, kept);
        tokio::time::sleep(10 * SECOND).await;
        // Now with the new key alone.
        world.controllers.clear();
        world.secrets = new.clone();
        world.add_controller().await;
        tokio::time::sleep(10 * SECOND).await;
        let leader = world.leader().unwrap();
        let record = leader.scenario(&owner, &kept).await.unwrap();
        assert_eq!(new.open(&record.document).unwrap()["headers"]["Authorization"], SECRET);
        for run in [&run, &ended_before] {
            let record = world.store.run(&owner, run).await.unwrap().unwrap();
            let opened = leader.inner_open(&record).unwrap();
            assert_eq!(opened.body, "<kept-value>");
            assert!(new.open_text(&record.plan_key).is_some(), "{record:#?}");
            let KnownResult::Final(result) = leader.result(&owner, run).await.unwrap() else {
                panic!("no result of {run}");
            };
            assert!(result.complete, "{result:#?}");
            assert_eq!(result.scenario["body"], "<${secret:TOKEN}>");
            assert_eq!(result.scenario["headers"]["X-Token"], "${secret:TOKEN}");
        }
        let mut text = named.clone();
        (text["headers"], text["body"]) = (json!({}), json!("${secret:OTHER}"));
        let opened = leader.validate(&owner, text).await.unwrap();
        assert_eq!(opened.body, "other-value");
        let told = leader.start_scenario(&owner, &kept, None).await.unwrap_err();
        assert!(told.to_string().contains("the secret TOKEN is not known"), "{told}");
        // Nothing that is kept has a value in the clear.
        let page = Page { after: None, most: 100 };
        let runs = world.store.runs(&owner, None, &page).await.unwrap();
        let scenarios = world.store.scenarios(&owner, None, &page).await.unwrap();
        let notes = world.store.notes(NoteKind::Secret, None, &page).await.unwrap();
        let text = format!("{}{}{}", json!(runs), json!(scenarios), json!(notes));
        assert!(text.contains("${secret:TOKEN}"));
        for value in ["kept-value", "other-value", SECRET] {
            assert!(!text.contains(value), "{value} stands in {text}");
        }
    });
}

#[test]
fn a_controller_that_lost_its_key_leads_when_nobody_makes_load_any_more() {
    alone(async {
        let mut world = running(1, 60).await;
        world.controllers.clear();
        world.workers.iter_mut().for_each(super::host::Host::kill);
        world.coordinator.wipe();
        world.add_controller_with(with_another_key()).await;
        let record = ended(&world, 10).await;
        assert_eq!(record.state, RunState::Failed);
        assert!(record.warnings.iter().any(|it| it.contains("another key")), "{record:#?}");
        assert!(world.leader().is_some());
    });
}

#[test]
fn what_was_sent_before_a_change_was_heard_of_is_sent_once_whoever_leads() {
    // A worker hears of a lower rate too late, and is lost under the next controller; or it dies
    // between the two, long after a rate that it has heard of in time.
    for late in [true, false] {
        alone(async move {
            let mut world = running(1, 200).await;
            let record = world.record().await;
            let tell = async |world: &World, command| {
                let leader = world.leader().unwrap();
                leader.command(&record.owner, &record.id, command).await.unwrap();
            };
            world.network.cut(world.workers[0].number, late);
            tell(&world, Command::Rate { target_rps: 5.0, over_seconds: 0.0 }).await;
            tokio::time::sleep(2 * SECOND).await;
            world.network.cut(world.workers[0].number, false);
            tokio::time::sleep(if late { SECOND } else { 20 * SECOND }).await;
            if !late {
                // Nor does the next controller find what it said of itself.
                world.workers[0].kill();
                world.coordinator.wipe();
            }
            world.change_controller().await;
            tokio::time::sleep(2 * SECOND).await;
            world.workers[0].kill();
            tokio::time::sleep(60 * SECOND).await;
            in_between(&mut world).await.unwrap();
            let later = world.record().await;
            let past = later.journal.iter().find_map(|entry| match entry {
                Entry::Take { past, from_ns, .. } if *from_ns > 0 => Some(*past),
                _ => None,
            });
            // By the change 169 were due. Where it was heard of in time nothing is past that came after.
            assert_eq!(past.map(|past| past > 200), Some(late), "{:#?}", later.journal);
            tell(&world, Command::Stop).await;
            ended(&world, 30).await;
            in_between(&mut world).await.unwrap();
        });
    }
}

#[test]
fn a_run_whose_driver_panicked_is_driven_again() {
    alone(async {
        let world = running(1, 20).await;
        world.network.store_panics_once();
        let record = world.record().await;
        let rate = Command::Rate { target_rps: 20.0, over_seconds: 0.0 };
        // The driver dies of the change that it has just accepted.
        let _ = world.controllers[0].1.command(&record.owner, &record.id, rate).await;
        is_complete(&world).await;
    });
}

/// A run as another controller has left it, which ended so long ago.
async fn left(world: &World, id: &str, ended: Duration) -> RunRecord {
    let at = unix_millis() - u64::try_from(ended.as_millis()).unwrap();
    let record = json!({
        "id": id, "owner": "somebody", "scenarioId": "a scenario", "revision": 0,
        "createdUnixMs": at, "endedUnixMs": at, "state": "COMPLETED", "scenario": {},
        "journal": [], "warnings": [], "timeline": [],
    });
    let record: RunRecord = serde_json::from_value(record).unwrap();
    world.store.insert_run(&record).await.unwrap();
    record
}

#[test]
fn the_last_seconds_of_a_long_run_are_read_without_all_the_others() {
    alone(async {
        let mut world = World::new(7, false);
        world.add_controller().await;
        let record = left(&world, "long", SECOND).await;
        let stored: Vec<_> = (0..3_600)
            .map(|number| {
                let (from_ns, to_ns) = (number * time::SECOND, (number + 1) * time::SECOND);
                let bytes = Snapshot::default().encode().into();
                IntervalRecord { number, from_ns, to_ns, draining: false, bytes }
            })
            .collect();
        world.store.keep_intervals(&record.owner, &record.id, &stored).await.unwrap();
        let asked = world.leader().unwrap();
        let realtime = asked.realtime(&record.owner, &record.id, 60).await.unwrap();
        assert_eq!((realtime.until_second, realtime.window_seconds), (3_600.0, 60.0));
        let read = world.network.intervals_read();
        assert!(read < 60 + 40, "{read} of 3,600 intervals were read");
    });
}

#[test]
fn what_ended_long_ago_is_deleted_by_who_leads_and_is_told_to() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for retention in [None, Some(30 * DAY)] {
        alone(async {
            let mut world = World::new(7, false);
            world.add_controller_with(ControllerOptions { retention, ..Default::default() }).await;
            let (old, young) =
                (left(&world, "old", 31 * DAY).await, left(&world, "young", 29 * DAY).await);
            let there =
                async |it: &RunRecord| world.store.run(&it.owner, &it.id).await.unwrap().is_some();
            // The store is away at the first time, and is asked again.
            world.network.store_down(true);
            tokio::time::sleep(90 * SECOND).await;
            assert!(there(&old).await);
            world.network.store_down(false);
            tokio::time::sleep(90 * SECOND).await;
            assert_eq!((there(&old).await, there(&young).await), (retention.is_none(), true));
            if retention.is_some() {
                // What has become old since is deleted a day later.
                let old = left(&world, "later", 31 * DAY).await;
                tokio::time::sleep(DAY).await;
                assert!(!there(&old).await);
            }
        });
    }
}
