//! Tests pairs of runs through sockets: of the same target they agree, and a slower one is found.
//!
//! The short form is a pair, and a target that is twice as slow; `LOADCORE_LONG=1` makes three pairs of a minute
//! each, and a target that is slower by a tenth, on a machine that has nothing else to do.

#![expect(clippy::print_stderr, reason = "what was said of each pair is told")]

use loadcore::analysis::compare::{Comparison, Judgement, Tolerance, compare};
use loadcore::result::Verdict;
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

/// Tries of a pair until the machine let its runs be made well.
const TRIES: u64 = 4;

/// The same, where all of its runs have the verdict VALID: on a machine that is busy with something else
/// both sides wander by far more than a tenth, and a comparison says rightly that it cannot tell.
async fn valid_pair(n: u64, slower: &str, seconds: u64) -> (Comparison, Comparison) {
    for attempt in 0..TRIES {
        let (same, slow) = pair(n * TRIES + attempt, slower, seconds).await;
        if same.verdict.max(slow.verdict) == Verdict::Valid {
            return (same, slow);
        }
        eprintln!("not judged, as the machine is busy: {:?}", slow.warnings);
    }
    panic!("in {TRIES} tries the machine was too busy for a pair of runs that are VALID");
}

// The short form is for a machine that is busy with other tests: there is no tenth to be found.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pairs_of_one_target_agree_and_a_slower_one_is_found() {
    if std::env::var_os("LOADCORE_LONG").is_none() {
        let (same, slow) = pair(0, "40ms", 12).await;
        assert_eq!(slow.judgement, Judgement::Regression, "{slow:#?}");
        assert_ne!(same.judgement, Judgement::Unknown, "{same:#?}");
        return;
    }
    for n in 0..3 {
        let (same, slow) = valid_pair(n, "22ms", 60).await;
        eprintln!("the same: {}\nslower:   {}", same.conclusion, slow.conclusion);
        assert_eq!(slow.judgement, Judgement::Regression, "{slow:#?}");
        assert_eq!(same.judgement, Judgement::NoDifference, "{same:#?}");
    }
}
