//! Tests faults by seed, some in each run, on one platform that must outlive them all.
//!
//! Seeds choose kinds and moments. A few of them always; all of them where `LOADCORE_LONG` is set.

use crate::platform::{Platform, figure, wait};
use crate::runs::{Run, arrivals};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;
use std::env;
use std::time::Duration;

const WORKERS: usize = 3;
const FAULTS_IN_A_RUN: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    KilledWorker,
    FrozenWorker,
    DrainedWorker,
    KilledController,
    KilledRedis,
    CutRedis,
    WipedRedis,
    KilledMongo,
}

const ALL: [Fault; 8] = [
    Fault::KilledWorker,
    Fault::FrozenWorker,
    Fault::DrainedWorker,
    Fault::KilledController,
    Fault::KilledRedis,
    Fault::CutRedis,
    Fault::WipedRedis,
    Fault::KilledMongo,
];

#[tokio::test(flavor = "multi_thread")]
async fn faults_by_seed() {
    let runs = if env::var_os("LOADCORE_LONG").is_some() { 20 } else { 2 };
    let from = env::var("LOADCORE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut platform = Platform::start(WORKERS).await;
    for seed in from..from + runs {
        one_run(&mut platform, seed).await;
    }
}

async fn one_run(platform: &mut Platform, seed: u64) {
    let mut chance = SplitMix64::seed_from_u64(seed);
    let mut below = |limit: u64| chance.next_u64() % limit;
    let run = Run::steady(platform, 300.0, 10.0);
    run.wait_for_second(platform, 1.0);
    let mut faults = Vec::new();
    for _ in 0..FAULTS_IN_A_RUN {
        wait(Duration::from_millis(below(2_000)));
        let fault = ALL[below(ALL.len() as u64) as usize];
        let which = below(WORKERS as u64) as usize;
        let length = Duration::from_millis(200 + below(5_000));
        figure(&format!("seed {seed}: {fault:?} (worker {which}, {length:?})"));
        cause(platform, fault, which, length).await;
        faults.push(fault);
    }
    if faults.contains(&Fault::KilledWorker) {
        let shown = run.end(platform);
        let result = &shown["result"];
        let text = format!("seed {seed}, {faults:?}: {}", result["arrivals"]);
        let (sent, unknown) = (arrivals(result, "sent"), arrivals(result, "unknown"));
        let counted = run.counted(platform);
        assert_eq!(shown["state"], "COMPLETED", "{text}");
        assert!(sent <= counted && counted <= sent + unknown, "{counted}; {text}");
        assert_eq!(arrivals(result, "due"), run.planned, "{text}");
    } else {
        run.ends_whole(platform);
    }
    platform.wait_for_workers(WORKERS);
}

/// Does the damage, and repairs it after a while: the next run finds everything in place.
async fn cause(platform: &mut Platform, fault: Fault, which: usize, length: Duration) {
    match fault {
        Fault::KilledWorker => {
            platform.workers.remove(which).program.kill();
            platform.add_worker();
        }
        Fault::FrozenWorker => {
            platform.workers[which].program.freeze();
            wait(length);
            platform.workers[which].program.thaw();
        }
        Fault::DrainedWorker => {
            // Who is asked goes in its own time; it is killed only with the test.
            let leaving = platform.workers.remove(which);
            leaving.program.terminate();
            platform.leaving.push(leaving);
            platform.add_worker();
        }
        Fault::KilledController => {
            platform.controllers.pop().expect("a controller").program.kill();
            wait(length);
            platform.add_controller();
            platform.wait_until_ready();
        }
        Fault::KilledRedis | Fault::CutRedis => {
            platform.redis.kill();
            wait(length);
            if fault == Fault::CutRedis {
                platform.redis.cut(length.as_millis() as u64 * 10);
            }
            platform.redis.start_again().await;
        }
        Fault::WipedRedis => platform.redis.wipe(),
        Fault::KilledMongo => {
            platform.mongo.kill();
            wait(length);
            platform.mongo.start_again().await;
        }
    }
}
