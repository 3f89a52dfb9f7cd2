//! Turns runs into a judgement, where the machine allows one.

use libtest_mimic::{Completion, Failed, Trial};
use loadcore::RunResult;
use loadcore_target::{Config, Stats, Target};
use std::time::Duration;

/// Tries before a test is inconclusive.
const TRIES: usize = 3;
/// The longest gap of a machine that runs, in milliseconds.
const QUIET_MS: f64 = 1.0;

/// What a run and its target say.
pub(crate) struct Evidence {
    pub(crate) result: RunResult,
    pub(crate) stats: Stats,
}

impl Evidence {
    /// The longest time for which the machine is known to have stood still, in milliseconds.
    pub(crate) fn longest_gap_ms(&self) -> f64 {
        self.stats.watcher.map_or(0.0, |watcher| watcher.longest_ms)
    }

    /// Why this run says nothing about tails, if so.
    fn disturbance(&self) -> Option<String> {
        let gap = self.longest_gap_ms();
        let late = self.stats.lateness.max_ms.unwrap_or(0.0);
        if gap > QUIET_MS {
            return Some(format!("the machine stood still for {gap:.1} ms"));
        }
        if late > QUIET_MS {
            return Some(format!("the target was late by {late:.1} ms"));
        }
        let reasons = &self.result.validity.reasons;
        reasons.first().map(|reason| format!("the generator was disturbed: {}", reason.kind))
    }
}

/// A test of counts and bounds that hold on any machine.
pub(crate) fn always(
    name: &'static str,
    test: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> Trial {
    Trial::test(name, move || test().map_err(Failed::from))
}

/// What a judgement comes to that is no failure.
pub(crate) enum Verdict {
    Holds,
    /// A bound is not held that a few disturbed requests can break.
    Tail(String),
}

/// A test of requests one by one, whose tails need a machine that runs. What a gap cannot do fails at
/// once. A tail that is out of bounds fails where there was no gap; else it is tried again.
pub(crate) fn judged(
    name: &'static str,
    run: impl Fn() -> Result<(Evidence, Verdict), String> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        let mut disturbances = Vec::new();
        for _ in 0..TRIES {
            let (evidence, verdict) = run()?;
            let Verdict::Tail(tail) = verdict else { return Ok(Completion::Completed) };
            match evidence.disturbance() {
                None => return Err(Failed::from(tail)),
                Some(why) => disturbances.push(format!("{why}, and {tail}")),
            }
        }
        let all = disturbances.join("; ");
        Ok(Completion::ignored_with(format!("INCONCLUSIVE after {TRIES} tries: {all}")))
    })
}

/// Runs `test` against a target of its own.
pub(crate) fn against(config: Config, test: impl AsyncFnOnce(String) -> RunResult) -> Evidence {
    let config = Config { watch: Some(Duration::from_micros(500)), ..config };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let target = Target::start(config).await.expect("the target starts");
        let result = test(target.url("/")).await;
        Evidence { result, stats: target.stop() }
    })
}

/// What holds for every result.
pub(crate) fn identities(result: &RunResult) -> Result<(), String> {
    let (a, o) = (&result.arrivals, &result.outcomes);
    check(a.due == a.sent + a.dropped + a.backlog + a.unknown, || format!("{a:?}"))?;
    check(a.sent == o.ok + o.failed + o.unfinished, || format!("{a:?} {o:?}"))
}

/// `claim`, or what it looks like instead.
pub(crate) fn check(claim: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if claim { Ok(()) } else { Err(otherwise()) }
}
