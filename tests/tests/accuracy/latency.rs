//! Are the percentiles those of the target's own latency?

use super::judge::{Evidence, QUIET_MS, against, check, when_quiet};
use libtest_mimic::Trial;
use loadcore::result::LatencySummary;
use loadcore::{LoadTest, RunResult};
use loadcore_target::{Config, Distribution, Draws};
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        when_quiet("a stall of a second", QUIET_MS, stalled, waits_are_uniform),
        distribution("latency: constant", "const(20ms)", PRECISE, |it| &it.latency),
        distribution("latency: uniform", "uniform(1ms,30ms)", PRECISE, |it| &it.latency),
        distribution("latency: log-normal", "lognormal(10ms,0.5)", PRECISE, |it| &it.latency),
        distribution("latency: two groups", "bimodal(0.95:2ms,0.05:40ms)", PRECISE, |it| {
            &it.latency
        }),
        // Nobody looks at a reply for up to a millisecond after it has come; its time says nothing of
        // that. What gathers is in the schedule lag, and not the target's.
        distribution("service time, read late", "uniform(1ms,30ms)", LATE, |it| &it.service_time),
    ]
}

const PRECISE: Duration = Duration::from_micros(25);
const LATE: Duration = Duration::from_millis(1);

/// 1,000/s for 10 s; from second 4 to 5 nothing is answered. Few connections, so that most of those
/// who come in the stall wait for one: on our side, where a closed loop would not see them.
fn stalled() -> Evidence {
    let stalls = vec!["at=4s,for=1s".parse().expect("a stall")];
    let config = Config { stalls, ..Config::default() };
    against(config, |url| async move {
        let test = LoadTest::get(&url).rate(1_000.0).duration(Duration::from_secs(10));
        test.connections(32).threads(1).run().await.expect("a run")
    })
}

/// A tenth of all arrivals wait, uniformly from 1 s down to 0: so the quantile q of all is
/// (q - 0.9) / 0.1 seconds.
fn waits_are_uniform(evidence: &Evidence) -> Result<(), String> {
    let result = &evidence.result;
    check(result.arrivals.due == 10_000 && result.outcomes.ok == 10_000, || {
        format!("{:?} {:?}", result.arrivals, result.outcomes)
    })?;
    let latency = &result.latency;
    let percentiles = [
        ("p95", 0.95, latency.p95_ms),
        ("p99", 0.99, latency.p99_ms),
        ("p99.9", 0.999, latency.p999_ms),
    ];
    for (name, quantile, measured) in percentiles {
        near(name, measured, (quantile - 0.9) / 0.1 * 1_000.0, 0.02, 0.0)?;
    }
    // A tenth waits, and half of all do not.
    check(latency.p50_ms.is_some_and(|p50| p50 < 5.0), || format!("{:?}", latency.p50_ms))?;
    // Of 10,000, only the 32 in flight see the stall as service time: 0.32%.
    let service = &result.service_time;
    check(service.p99_ms.is_some_and(|p99| p99 < 50.0), || {
        format!("service time p99 is {:?} ms", service.p99_ms)
    })?;
    near("longest service time", service.max_ms, 1_000.0, 0.02, 0.0)
}

fn distribution(
    name: &'static str,
    latency: &'static str,
    slack: Duration,
    figure: fn(&RunResult) -> &LatencySummary,
) -> Trial {
    let parsed: Distribution = latency.parse().expect("a distribution");
    let known = parsed.clone();
    let run = move || {
        let config = Config { latency: parsed.clone(), draws: Draws::Even, ..Config::default() };
        against(config, |url| async move {
            // Short, so that it may fall between two stalls of the host; the draws are spread evenly,
            // so that 5,000 of them are enough for a p99.9. Connections are opened before, some two
            // hundred, which an unoptimized build takes a while for. A pacer without slack would
            // poll, and keep a core from target and watcher.
            let test = LoadTest::get(&url).rate(10_000.0).duration(Duration::from_millis(500));
            let test = test.warmup(Duration::from_millis(300)).slack(slack);
            test.threads(1).run().await.expect("a run")
        })
    };
    // One gap is enough to move a p99.9 by as much.
    let bound_ms = margin(known.quantile(0.999).as_secs_f64() * 1e3, 0.01, 0.1);
    when_quiet(name, QUIET_MS.min(bound_ms), run, move |evidence| {
        let latency = figure(&evidence.result);
        let count = evidence.result.outcomes.ok as f64;
        check(count == 5_000.0, || format!("{count} requests"))?;
        for (name, quantile, measured) in [
            ("p50", 0.5, latency.p50_ms),
            ("p99", 0.99, latency.p99_ms),
            ("p99.9", 0.999, latency.p999_ms),
        ] {
            let expected = known.quantile(stands_for(quantile, count)).as_secs_f64() * 1e3;
            near(name, measured, expected, 0.01, 0.1)?;
        }
        Ok(())
    })
}

/// Of evenly spread draws the one of rank r is the quantile (r - 1/2) / n: for a p99.9 of 5,000 draws
/// with a long tail, 1.4% less than the distribution's own.
fn stands_for(quantile: f64, count: f64) -> f64 {
    ((quantile * count).ceil() - 0.5) / count
}

fn near(
    name: &str,
    measured: Option<f64>,
    expected: f64,
    relative: f64,
    absolute: f64,
) -> Result<(), String> {
    let margin = margin(expected, relative, absolute);
    let fits = measured.is_some_and(|measured| (measured - expected).abs() <= margin);
    check(fits, || {
        let measured = measured.unwrap_or(f64::NAN);
        format!("{name} is {measured:.3} ms, not {expected:.3} +- {margin:.3} ms")
    })
}

/// How far a figure may be from the expected one.
fn margin(expected: f64, relative: f64, absolute: f64) -> f64 {
    expected * relative + absolute
}
