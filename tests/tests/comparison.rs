//! Pairs of runs through sockets: of the same target they agree, and a slower one is found.
//!
//! The short form is a pair, and a target that is slower by a half; `LOADCORE_LONG=1` makes three pairs of a
//! minute each, and a target that is slower by a tenth.

use loadcore::analysis::compare::{Comparison, Judgement, Tolerance, compare};
use loadcore::{LoadTest, RunResult};
use loadcore_target::{Config, Target};
use std::time::Duration;

/// A run at 200/s against a target whose times are lognormal around this mean.
async fn run(mean: &str, seed: u64, seconds: u64) -> RunResult {
    let latency = format!("lognormal({mean},0.5)").parse().expect("a latency");
    let target = Target::start(Config { latency, seed, ..Config::default() }).await;
    let target = target.expect("a target");
    let test = LoadTest::get(&target.url("/")).rate(200.0).threads(1);
    test.duration(Duration::from_secs(seconds)).run().await.expect("a run")
}

/// A target with itself, and with a slower one; all three at once, so that whatever the machine does is
/// done to all of them.
async fn pair(n: u64, slower: &str, seconds: u64) -> (Comparison, Comparison) {
    let (base, same, slow) = tokio::join!(
        run("20ms", 3 * n, seconds),
        run("20ms", 3 * n + 1, seconds),
        run(slower, 3 * n + 2, seconds),
    );
    let side = std::slice::from_ref::<RunResult>;
    let with_base = |run| compare(side(&base), side(run), Tolerance::default());
    (with_base(&same), with_base(&slow))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pairs_of_one_target_agree_and_a_slower_one_is_found() {
    let long = std::env::var_os("LOADCORE_LONG").is_some();
    let (pairs, slower, seconds) = if long { (3, "22ms", 60) } else { (1, "30ms", 12) };
    for n in 0..pairs {
        let (same, slow) = pair(n, slower, seconds).await;
        println!("the same: {}\nslower:   {}", same.conclusion, slow.conclusion);
        assert_eq!(slow.judgement, Judgement::Regression, "{slow:#?}");
        assert_ne!(same.judgement, Judgement::Unknown, "{same:#?}");
        // A short run on a machine that is busy with other tests says little of one target alone.
        assert!(!long || same.judgement == Judgement::NoDifference, "{same:#?}");
    }
}
