//! Turns a seed into faults, and into the moments at which they happen.

use super::{Dice, SECRET, World, post};
use crate::cluster::Lease;
use crate::cluster::controller::api::Command;
use crate::profile::Profile;
use crate::scenario::Scenario;
use serde_json::{Value, json};
use std::time::Duration;

/// A scenario, who makes its load, and what happens meanwhile.
pub(super) struct Trial {
    pub(super) scenario: Value,
    pub(super) workers: usize,
    /// Milliseconds after the submission.
    pub(super) faults: Vec<(u64, Disturbance)>,
    /// How long a worker may be silent.
    pub(super) lease: Lease,
    /// How long a lost one's evidence is awaited.
    pub(super) evidence_wait: Duration,
    /// What each of the first workers takes at most: together they take all, and seldom more.
    pub(super) max_rps: Option<f64>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Disturbance {
    KillWorker(usize),
    FreezeWorker(usize),
    ContinueWorker(usize),
    CutWorker(usize),
    ReconnectWorker(usize),
    DrainWorker(usize),
    AddWorker,
    CoordinatorDown,
    CoordinatorUp,
    Wipe,
    Lossy(u64),
    StoreDown,
    StoreUp,
    KillController,
    AddController,
    CutControllers,
    ReconnectControllers,
    Tell(Command),
}

impl Trial {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let workers = dice.between(1, 4) as usize;
        // Long enough now and then to see that the load goes on after a fault.
        let seconds = if dice.chance(30) { dice.between(20, 30) } else { dice.between(4, 14) };
        let rate = dice.between(20, 150);
        let profile = match dice.between(0, 3) {
            0 => json!({"type": "RAMP", "initialRps": rate, "targetRps": dice.between(20, 200)}),
            1 => json!({"type": "SPIKE", "initialRps": rate, "targetRps": 2 * rate}),
            _ => json!({"type": "CONSTANT", "initialRps": rate}),
        };
        let mut scenario = json!({
            "name": "simulated", "targetUrl": "http://target.test/", "durationSeconds": seconds,
            "headers": {"Authorization": SECRET},
            "numWorkers": workers, "workerWaitSeconds": 3, "loadProfile": profile,
            "arrivals": if dice.chance(25) { "POISSON" } else { "UNIFORM" }, "seed": 7,
            "warmupSeconds": if dice.chance(20) { 1 } else { 0 }, "drainSeconds": 2,
            "onWorkerLoss": if dice.chance(15) { "continue" } else { "rebalance" },
        });
        if dice.chance(10) {
            scenario["maxRequests"] = json!(dice.between(1, rate * seconds));
        }
        let mut faults = Vec::new();
        let calm = dice.chance(15);
        for _ in 0..if calm { 0 } else { dice.between(1, 3) } {
            let at = dice.between(0, seconds * 1_000 + 1_000);
            add(dice, &mut faults, at, workers);
        }
        if dice.chance(30) {
            tell(dice, &mut faults, seconds);
        }
        let lease = if dice.chance(30) { dice.between(2, 9) } else { 5 };
        let evidence_wait = if dice.chance(20) { dice.between(0, 20) } else { 10 };
        if !calm && dice.chance(25) {
            drain(dice, &mut faults, seconds, workers);
        }
        if dice.chance(15) {
            // A closed loop, and a number of requests that ends it, perhaps.
            scenario["loadProfile"] = json!(null);
            scenario["connections"] = json!(dice.between(1, 8));
            scenario["maxRequests"] = json!(dice.between(1, 200 * seconds));
        }
        // Of a third, without the dice, so that the rest of each seed stays what it is.
        if rate.is_multiple_of(3) {
            let weights = [5.0, 2.0, 2.0, 0.5, 0.5];
            let named =
                |(n, weight)| json!({"name": format!("r{n}"), "weight": weight, "url": "/"});
            scenario["mix"] = (0..).zip(weights).map(named).collect();
        }
        if rate % 3 == 1 {
            post::with_alerts(&mut scenario);
        }
        faults.sort_by_key(|(at, _)| *at);
        let lease = Lease::new(Duration::from_secs(lease)).unwrap();
        // A closed loop has no rate that it could bound.
        let read = Scenario::from_value(scenario.clone()).unwrap();
        let peak = read.load.profile().map(Profile::peak_rate);
        let max_rps = peak.filter(|_| dice.chance(15)).map(|peak| {
            scenario["connections"] = json!(dice.between(4, 12));
            peak * dice.between(100, 180) as f64 / 100.0 / workers as f64
        });
        let evidence_wait = Duration::from_secs(evidence_wait);
        Self { scenario, workers, faults, lease, evidence_wait, max_rps }
    }
}

fn add(dice: &mut Dice, faults: &mut Vec<(u64, Disturbance)>, at: u64, workers: usize) {
    let who = dice.between(0, workers as u64 - 1) as usize;
    let until = at + dice.between(300, 9_000);
    match dice.between(0, 11) {
        0 | 1 => faults.push((at, Disturbance::KillWorker(who))),
        2 => {
            faults.push((at, Disturbance::FreezeWorker(who)));
            faults.push((until, Disturbance::ContinueWorker(who)));
        }
        3 => {
            faults.push((at, Disturbance::CutWorker(who)));
            faults.push((until, Disturbance::ReconnectWorker(who)));
        }
        4 => {
            faults.push((at, Disturbance::CoordinatorDown));
            if dice.chance(50) {
                faults.push((until, Disturbance::Wipe));
            }
            faults.push((until, Disturbance::CoordinatorUp));
        }
        5 => faults.push((at, Disturbance::Wipe)),
        6 => {
            faults.push((at, Disturbance::StoreDown));
            faults.push((until, Disturbance::StoreUp));
        }
        7 => {
            faults.push((at, Disturbance::KillController));
            faults.push((until, Disturbance::AddController));
        }
        8 => {
            faults.push((at, Disturbance::Lossy(dice.between(5, 40))));
            faults.push((until, Disturbance::Lossy(0)));
        }
        9 => {
            faults.push((at, Disturbance::CutControllers));
            faults.push((until, Disturbance::ReconnectControllers));
        }
        10 => {
            // Nobody is left, until somebody new comes.
            faults.extend((0..workers).map(|who| (at, Disturbance::KillWorker(who))));
            faults.push((until, Disturbance::AddWorker));
        }
        _ if dice.chance(50) => {
            faults.push((at, Disturbance::AddWorker));
            faults.push((at + 500, Disturbance::DrainWorker(who)));
        }
        _ => faults.push((at, Disturbance::AddController)),
    }
}

/// One worker or all of them leave in peace; somebody stands by, or comes later, or nobody does.
fn drain(dice: &mut Dice, faults: &mut Vec<(u64, Disturbance)>, seconds: u64, workers: usize) {
    let at = dice.between(500, seconds * 1_000);
    let who = dice.between(0, workers as u64 - 1) as usize;
    match dice.between(0, 3) {
        0 => {}
        1 => faults.push((at.saturating_sub(2_000), Disturbance::AddWorker)),
        _ => faults.push((at + dice.between(0, 14_000), Disturbance::AddWorker)),
    }
    let leaving = if dice.chance(40) { 0..workers } else { who..who + 1 };
    faults.extend(leaving.map(|who| (at, Disturbance::DrainWorker(who))));
}

fn tell(dice: &mut Dice, faults: &mut Vec<(u64, Disturbance)>, seconds: u64) {
    let at = dice.between(1_500, seconds * 1_000);
    match dice.between(0, 2) {
        0 => {
            faults.push((at, Disturbance::Tell(Command::Pause)));
            let until = at + dice.between(500, 4_000);
            faults.push((until, Disturbance::Tell(Command::Resume)));
        }
        1 => {
            let target_rps = dice.between(0, 200) as f64;
            let over_seconds = dice.between(0, 3) as f64;
            faults.push((at, Disturbance::Tell(Command::Rate { target_rps, over_seconds })));
        }
        _ => faults.push((at, Disturbance::Tell(Command::Stop))),
    }
}

/// Lets it happen.
pub(super) async fn carry_out(world: &mut World, fault: &Disturbance) {
    if !matches!(fault, Disturbance::Tell(_)) {
        // Whoever has not heard of a stop yet may now hear of it late.
        world.witness.disturbed();
    }
    match *fault {
        Disturbance::KillWorker(who) => world.workers[who].kill(),
        Disturbance::FreezeWorker(who) => world.workers[who].freeze(),
        Disturbance::ContinueWorker(who) => world.workers[who].go_on(),
        Disturbance::CutWorker(who) => world.network.cut(world.workers[who].number, true),
        Disturbance::ReconnectWorker(who) => world.network.cut(world.workers[who].number, false),
        Disturbance::DrainWorker(who) => world.workers[who].drain(),
        Disturbance::AddWorker => world.add_worker(),
        Disturbance::CoordinatorDown => world.network.coordinator_down(true),
        Disturbance::CoordinatorUp => world.network.coordinator_down(false),
        Disturbance::Wipe => world.coordinator.wipe(),
        Disturbance::Lossy(percent) => world.network.lossy(percent),
        Disturbance::StoreDown => world.network.store_down(true),
        Disturbance::StoreUp => world.network.store_down(false),
        Disturbance::KillController => {
            // As with kill -9: it gives up nothing.
            world.controllers.clear();
        }
        Disturbance::AddController => {
            // Behind an outage it would wait for its end, which is a later fault of ours.
            let link_down = world.network.is_troubled();
            if link_down {
                world.network.coordinator_down(false);
                world.network.store_down(false);
            }
            world.add_controller().await;
        }
        Disturbance::CutControllers | Disturbance::ReconnectControllers => {
            let cut = *fault == Disturbance::CutControllers;
            world.controllers.iter().for_each(|(host, _)| world.network.cut(*host, cut));
        }
        Disturbance::Tell(command) => tell_now(world, command).await,
    }
}

/// A command may come when the run is over, or nobody leads: then it is refused.
async fn tell_now(world: &mut World, command: Command) {
    let record = world.record().await;
    let Some(leader) = world.leader().cloned() else { return };
    let told = leader.command(&record.owner, &record.id, command).await;
    if told.is_ok() && command == Command::Stop {
        let frozen = world.workers.iter().any(super::host::Host::is_frozen);
        let calm = !world.network.is_troubled() && !frozen;
        world.witness.stopped(calm);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
