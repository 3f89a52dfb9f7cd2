//! Turns what is known of each worker into a verdict on it, and tells the run of those whose measurement
//! says nothing.
//!
//! A run's own figures are sums over its workers: of ten workers one can stand still for half of its time
//! and leave the sums within their limits, though all that it reports is wrong.

use super::{Fared, validity_of};
use crate::analysis::{Windows, WorkerTotals};
use crate::record::{Counters, MOST_WORKERS, WorkerInterval, absorb_workers};
use crate::request::{DropReason, ErrorClass};
use crate::result::{Generator, Reason, RunResult, Verdict, WorkerResult};
use std::borrow::Cow;

/// Fills in the verdict of each worker in the result. A run that has only one has the same.
pub(super) fn judge(result: &mut RunResult, windows: &Windows) {
    let mut workers = std::mem::take(&mut result.workers);
    if let [alone] = &mut workers[..] {
        alone.validity = result.validity.clone();
    } else {
        let known = known(windows);
        for worker in &mut workers {
            if let Some(totals) = known.iter().find(|totals| totals.worker == worker.worker) {
                worker.validity = validity_of(&fared(totals, result));
            }
        }
        tell(result, &workers);
    }
    result.workers = workers;
}

/// What each did in the whole run; of one that goes on, what its seconds say, in which drops and failures
/// have no reason.
fn known(windows: &Windows) -> Cow<'_, [WorkerTotals]> {
    if !windows.workers().is_empty() {
        return Cow::Borrowed(windows.workers());
    }
    let mut sums = Vec::new();
    windows.by_worker().for_each(|window| absorb_workers(&mut sums, &window.workers));
    let totals = |it: WorkerInterval| WorkerTotals {
        worker: it.worker,
        counters: Counters { due: it.due, sent: it.sent, ..Counters::default() },
        health: it.health,
        ..WorkerTotals::default()
    };
    Cow::Owned(sums.into_iter().map(totals).collect())
}

fn fared<'a>(worker: &WorkerTotals, result: &RunResult) -> Fared<'a> {
    let WorkerTotals { worker, counters, health, .. } = worker;
    let is_open = result.is_open_loop();
    let slack_ns = (result.generator.slack_ms * 1e6).round() as u64;
    let mut generator = Generator::of_brief(health, slack_ns, is_open);
    generator.lost_workers = result.generator.lost_workers.clone();
    generator.lost_workers.retain(|lost| lost == worker);
    Fared {
        generator: Cow::Owned(generator),
        due: counters.due,
        // What nobody has reported is the run's: it may have been on its way to any of them.
        unknown: 0,
        no_connection: counters.dropped[DropReason::NoConnection as usize],
        fenced: counters.dropped[DropReason::Fenced as usize],
        internal: counters.errors[ErrorClass::Internal as usize],
        example: None,
        seconds: result.duration_seconds,
        is_open,
    }
}

/// A run is DEGRADED at least where one of its workers is INVALID: rows of that worker, and every share
/// of the load that only it had, say more about the generator than about the target.
fn tell(result: &mut RunResult, workers: &[WorkerResult]) {
    let validity = &mut result.validity;
    let invalid = workers.iter().filter(|worker| worker.validity.verdict == Verdict::Invalid);
    for WorkerResult { worker, validity: of_worker, .. } in invalid.take(MOST_WORKERS) {
        let reasons = of_worker.reasons.iter().filter(|it| it.verdict == Verdict::Invalid);
        validity.reasons.extend(reasons.map(|reason| Reason {
            verdict: Verdict::Degraded,
            explanation: format!("{worker} alone: {}", reason.explanation),
            ..reason.clone()
        }));
        validity.verdict = validity.verdict.max(Verdict::Degraded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{GeneratorHealth, Interval};
    use crate::result::fixtures::{run_start, steady_run};
    use crate::result::{LoopKind, RunEnd, Span, Validity};
    use crate::time::SECOND;

    /// Ten workers, each with a second's load and this much of it lost by the worker of this number.
    fn judged(of: impl Fn(usize, &mut WorkerTotals)) -> RunResult {
        let mut windows = Windows::new(1.0, 0);
        let mut result = steady_run();
        result.workers.clear();
        for n in 0..10 {
            let mut totals = WorkerTotals { worker: format!("w{n}"), ..WorkerTotals::default() };
            (totals.health.wall_ns, totals.health.load_ns) = (SECOND, SECOND);
            (totals.counters.due, totals.counters.sent) = (1_000, 1_000);
            of(n, &mut totals);
            let worker = WorkerResult { worker: totals.worker.clone(), ..WorkerResult::default() };
            result.workers.push(worker);
            windows.add_worker(totals);
        }
        super::super::judge(&mut result, &windows);
        result
    }

    fn verdicts(result: &RunResult) -> String {
        let letter = |of: &WorkerResult| of.validity.verdict.name().chars().next().unwrap();
        result.workers.iter().map(letter).collect()
    }

    #[test]
    fn the_one_that_stood_still_is_named_and_degrades_the_run() {
        let result = judged(|n, it| it.health.stalled_ns = [0, SECOND / 2][usize::from(n == 3)]);
        assert_eq!(verdicts(&result), "VVVIVVVVVV");
        let Validity { verdict, reasons } = &result.validity;
        let [reason] = &reasons[..] else { panic!("{reasons:?}") };
        assert_eq!((*verdict, &*reason.kind), (Verdict::Degraded, "stalled"));
        assert!(reason.explanation.starts_with("w3 alone: the generator stood still for"));
    }

    #[test]
    fn one_that_was_degraded_leaves_the_sums_as_they_are_judged() {
        let result = judged(|n, it| it.health.shortages = u64::from(n == 7));
        assert_eq!(
            (verdicts(&result), result.validity.verdict),
            ("VVVVVVVDVV".into(), Verdict::Valid)
        );
    }

    #[test]
    fn healthy_workers_are_valid_however_the_target_fares() {
        let result = judged(|n, it| {
            it.counters.failed = 900;
            it.counters.errors[ErrorClass::Http5xx as usize] = 900;
            it.counters.dropped[DropReason::BacklogFull as usize] = 100 * n as u64;
        });
        assert_eq!(
            (verdicts(&result), result.validity),
            ("VVVVVVVVVV".into(), Validity::default())
        );
    }

    #[test]
    fn what_is_judged_again_stays_as_it_is() {
        let result = judged(|n, it| {
            it.counters.dropped[DropReason::NoConnection as usize] = 300 * u64::from(n < 2)
        });
        assert_eq!(verdicts(&result), "IIVVVVVVVV");
        let mut again = result.clone();
        // Of a result that is read from a file nobody knows the windows.
        super::super::judge(&mut again, &Windows::new(1.0, 0));
        assert_eq!(again, result);
    }

    #[test]
    fn while_a_run_goes_on_its_seconds_are_judged() {
        let mut windows = Windows::new(2.0, 0);
        let worker = |name: &str, stalled_ns| {
            let health = GeneratorHealth { load_ns: SECOND, stalled_ns, ..<_>::default() };
            let mut it = WorkerInterval::of(name.into(), &Interval::new(), 0, 0);
            (it.due, it.sent, it.health) = (500, 500, health);
            it
        };
        let mut builder = crate::result::ResultBuilder::new(run_start(LoopKind::Open));
        for second in 0..2 {
            let all = [worker("a", 0), worker("b", SECOND / 3)];
            let span =
                Span { from_ns: second * SECOND, to_ns: (second + 1) * SECOND, draining: false };
            windows.add_workers(&all, span);
            builder.by_worker(&all, span);
        }
        let ending = RunEnd { duration_ns: 2 * SECOND, ..RunEnd::default() };
        let mut result = builder.build(&crate::record::Snapshot::default(), &ending);
        super::super::judge(&mut result, &windows);
        assert_eq!((verdicts(&result), result.validity.verdict), ("VI".into(), Verdict::Degraded));
    }
}
