//! Tests that everything is accounted for, in bounded memory, where a target is too slow for the
//! rate.

use super::judge::{against, always, check, identities};
use libtest_mimic::Trial;
use loadcore::LoadTest;
use loadcore_target::Config;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// By then each of the sets that go round between a thread and the collector was written to once,
/// and has all the memory that it will ever have.
const SETTLED_NS: u64 = 5_000_000_000;
/// The middle of the rest of the load.
const MIDDLE_NS: u64 = (SETTLED_NS + 10_000_000_000) / 2;
/// What may grow in each half of that, in bytes: the allocator's own habits. In one of them it may be
/// more: a set of histograms that a busy machine makes necessary is made once.
const MAY_GROW: u64 = 1 << 20;

pub(crate) fn trials() -> Vec<Trial> {
    vec![always("overload is counted, costs no memory and is not the generator's fault", overload)]
}

/// One request at a time, 5 ms each: 200/s, where 20,000/s are asked for.
fn overload() -> Result<(), String> {
    let latency = "const(5ms)".parse().expect("a latency");
    let config = Config { latency, workers: Some(1), ..Config::default() };
    let seen: Arc<[AtomicU64; 3]> = Arc::default();
    let known = Arc::clone(&seen);
    let evidence = against(config, async move |url| {
        let test = LoadTest::get(&url).rate(20_000.0).duration(Duration::from_secs(10));
        test.connections(50)
            .max_backlog(5_000)
            .drain(Duration::from_millis(200))
            .on_interval(move |closed| {
                let now = resident_bytes();
                for (known, until) in known.iter().zip([SETTLED_NS, MIDDLE_NS, u64::MAX]) {
                    if closed.span.from_ns < until {
                        known.store(now, Ordering::Relaxed);
                    }
                }
            })
            .run()
            .await
            .expect("a run")
    });
    let result = &evidence.result;
    identities(result)?;
    let a = &result.arrivals;
    check(a.due == 200_000 && a.unknown == 0 && a.backlog == 0, || format!("{a:?}"))?;
    let because = |reason: &str| a.dropped_by_reason.get(reason).copied().unwrap_or(0);
    check(because("backlog_full") > 180_000 && because("run_ended") > 0, || format!("{a:?}"))?;
    check(because("backlog_full") + because("run_ended") == a.dropped, || format!("{a:?}"))?;
    check(a.sent <= evidence.stats.requests + 50, || {
        format!("{} were sent, the target counted {}", a.sent, evidence.stats.requests)
    })?;
    let [settled, middle, end] = seen.each_ref().map(|bytes| bytes.load(Ordering::Relaxed));
    let grown = [middle.saturating_sub(settled), end.saturating_sub(middle)];
    check(grown.iter().any(|grown| *grown < MAY_GROW), || {
        format!("memory grew by {grown:?} bytes in the halves of the load")
    })?;
    // On a machine that others use too, waiting for a processor is the one complaint there may be.
    let others = result
        .validity
        .reasons
        .iter()
        .find(|reason| reason.kind != "cpu_contended" && reason.kind != "pacer_late");
    check(others.is_none(), || format!("{others:?}"))
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    pages * 4_096
}
