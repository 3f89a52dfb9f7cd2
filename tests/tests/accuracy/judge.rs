//! Runs into a judgement, where the machine allows one.

use libtest_mimic::{Completion, Failed, Trial};
use loadcore::RunResult;
use loadcore_target::{Config, Stats, Target};
use std::time::Duration;

/// Tries before a test is inconclusive.
const TRIES: usize = 5;
/// The longest gap of a machine that runs, in milliseconds.
pub(crate) const QUIET_MS: f64 = 1.0;

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

    /// Why this run says nothing about accuracy, if so.
    fn disturbance(&self, quiet_ms: f64) -> Option<String> {
        let gap = self.longest_gap_ms();
        let late = self.stats.lateness.max_ms.unwrap_or(0.0);
        if gap > quiet_ms {
            return Some(format!("the machine stood still for {gap:.1} ms"));
        }
        if late > quiet_ms {
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

/// A test that needs a machine that runs: it is tried until a run is judged.
///
/// A run without a gap above [`QUIET_MS`] that is within all bounds shows what is to be shown. One
/// that is not within them failed if no gap was longer than `strict_ms`; after a longer one the gap
/// may be to blame, and it is tried again.
pub(crate) fn when_quiet(
    name: &'static str,
    strict_ms: f64,
    run: impl Fn() -> Evidence + Send + 'static,
    judge: impl Fn(&Evidence) -> Result<(), String> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        let mut disturbances = Vec::new();
        for _ in 0..TRIES {
            let evidence = run();
            identities(&evidence.result)?;
            let judgement = judge(&evidence);
            let enough_ms = if judgement.is_ok() { QUIET_MS } else { strict_ms };
            match (evidence.disturbance(enough_ms), judgement) {
                (None, Ok(())) => return Ok(Completion::Completed),
                (None, Err(what)) => return Err(Failed::from(what)),
                (Some(why), Ok(())) => {
                    disturbances.push(format!("{why}, and all was within bounds"))
                }
                (Some(why), Err(what)) => disturbances.push(format!("{why}, and {what}")),
            }
        }
        let all = disturbances.join("; ");
        Ok(Completion::ignored_with(format!("INCONCLUSIVE after {TRIES} tries: {all}")))
    })
}

/// Runs `test` against a target of its own.
pub(crate) fn against<T, F>(config: Config, test: T) -> Evidence
where
    T: FnOnce(String) -> F,
    F: Future<Output = RunResult>,
{
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
