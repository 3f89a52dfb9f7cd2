//! Tests that the recorded times of each request are those that it really took.
//!
//! The target tells of each request when it had read it and when it wrote the answer. Whatever the
//! machine does meanwhile, it does to what is measured and to what is told alike.

use super::judge::{Evidence, Verdict, against, always, check, identities, judged};
use super::requests::Requests;
use super::witness::Witnessed;
use libtest_mimic::Trial;
use loadcore::profile::ProfileType;
use loadcore::record::Histograms;
use loadcore::{LoadProfile, LoadTest};
use loadcore_target::{Config, Distribution, Draws};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        open("latency: constant", "const(20ms)", PRECISE),
        open("latency: uniform", "uniform(1ms,30ms)", PRECISE),
        open("latency: log-normal", "lognormal(10ms,0.5)", PRECISE),
        open("latency: two groups", "bimodal(0.95:2ms,0.05:40ms)", PRECISE),
        // Nobody looks at a reply for up to a millisecond after it has come; its time says nothing of
        // that. What gathers is in the schedule lag, and not the target's.
        open("latency, read late", "uniform(1ms,30ms)", LATE),
        judged("latency: ramp", || ramp("latency: ramp")),
        judged("latency: closed loop", || closed("latency: closed loop")),
        always("a stall of a second", || stalled("a stall of a second")),
    ]
}

const PRECISE: Duration = Duration::from_micros(25);
const LATE: Duration = Duration::from_millis(1);
/// Connections are opened in it, some two hundred.
const WARM_UP: Duration = Duration::from_millis(300);

/// 4,000/s for a second.
fn open(name: &'static str, latency: &'static str, slack: Duration) -> Trial {
    judged(name, move || {
        let known: Distribution = latency.parse().map_err(|error| format!("{error}"))?;
        let config = Config { latency: known.clone(), draws: Draws::Even, ..Config::default() };
        let (evidence, requests) = witnessed(config, |test| {
            let profile = LoadProfile::constant(4_000.0).expect("a rate");
            let test = test.profile(profile).duration(Duration::from_secs(1));
            test.warmup(WARM_UP).slack(slack).threads(1)
        })?;
        check(requests.all.len() == 4_000, || format!("{} requests", requests.all.len()))?;
        requests.were_due_at(|n| WARM_UP.as_secs_f64() + (n + 0.5) / 4_000.0)?;
        // What was told is what was asked for: never less, however late the target was.
        let mut told: Vec<_> = requests.all.iter().map(|it| it.answered - it.read).collect();
        told.sort_unstable();
        for quantile in [0.1, 0.5, 0.9] {
            let least = known.quantile(quantile - 0.01).as_nanos() as u64;
            let told = told[(quantile * told.len() as f64) as usize];
            check(told >= least, || format!("told {told} ns at {quantile}, asked {least}"))?;
        }
        Ok((evidence, requests.judge(name)?))
    })
}

/// From 500/s to 5,000/s in a second: arrival n is due when 500 t + 2,250 t^2 = n + 1/2.
fn ramp(name: &str) -> Result<(Evidence, Verdict), String> {
    let ramp =
        ProfileType::Ramp { initial_rps: 500.0, target_rps: 5_000.0, ramp_up_seconds: Some(1.0) };
    let profile = LoadProfile::new(ramp, 1.0).map_err(|error| error.to_string())?;
    let config = Config { latency: "uniform(1ms,10ms)".parse().unwrap(), ..Config::default() };
    let (evidence, requests) =
        witnessed(config, |test| test.profile(profile).warmup(WARM_UP).threads(2))?;
    check(requests.all.len() == 2_750, || format!("{} requests", requests.all.len()))?;
    requests.were_due_at(|n| {
        let half = 500.0 / 4_500.0;
        WARM_UP.as_secs_f64() + (half * half + (n + 0.5) / 2_250.0_f64).sqrt() - half
    })?;
    Ok((evidence, requests.judge(name)?))
}

fn closed(name: &str) -> Result<(Evidence, Verdict), String> {
    let config = Config { latency: "uniform(1ms,5ms)".parse().unwrap(), ..Config::default() };
    let (evidence, requests) = witnessed(config, |test| {
        test.duration(Duration::from_secs(1)).connections(4).warmup(WARM_UP).threads(1)
    })?;
    check(requests.all.len() > 200, || format!("{} requests", requests.all.len()))?;
    Ok((evidence, requests.judge(name)?))
}

/// 1,000/s for 10 s; from second 4 to 5 nothing is answered. Few connections, so that most of those
/// who come in the stall wait for one: on our side, where a closed loop would not see them.
fn stalled(name: &str) -> Result<(), String> {
    let stalls = vec!["at=4s,for=1s".parse().expect("a stall")];
    let config = Config { stalls, ..Config::default() };
    let (evidence, requests) = witnessed(config, |test| {
        let profile = LoadProfile::constant(1_000.0).expect("a rate");
        let test = test.profile(profile).duration(Duration::from_secs(10));
        test.connections(32).threads(1)
    })?;
    let result = &evidence.result;
    check(result.arrivals.due == 10_000 && result.outcomes.ok == 10_000, || {
        format!("{:?} {:?}", result.arrivals, result.outcomes)
    })?;
    requests.were_due_at(|n| (n + 0.5) / 1_000.0)?;
    if let Verdict::Tail(tail) = requests.judge(name)? {
        // The stall is what is looked at here; tails are judged above.
        eprintln!("{name}: {tail}");
    }
    // Whoever was due in it waited for its end at least, by their response times.
    let first = requests.all.iter().map(|it| it.read).min().unwrap_or(0);
    let stall = first + 4_000_000_000..first + 5_000_000_000;
    let due_in_it = |at: u64| stall.contains(&at);
    let waited = requests.all.iter().filter(|it| it.intended.is_some_and(due_in_it));
    let early = waited.clone().find(|it| it.end + 20_000 < stall.end);
    check(early.is_none(), || format!("{early:?} was over before {}", stall.end))?;
    check((998..=1_001).contains(&waited.count()), || "a thousand were due in it".into())?;
    // So a tenth of all wait, uniformly from 1 s down to 0, and the quantile q of all is
    // (q - 0.9) / 0.1 seconds; what the machine and the queue add is small beside that.
    let latency = &result.latency;
    for (quantile, measured) in
        [(0.95, latency.p95_ms), (0.99, latency.p99_ms), (0.999, latency.p999_ms)]
    {
        let (measured, expected) = (measured.unwrap_or(0.0), (quantile - 0.9) / 0.1 * 1_000.0);
        let margin = 20.0 + 0.05 * expected + 2.0 * evidence.longest_gap_ms();
        check((measured - expected).abs() <= margin, || {
            format!("the quantile {quantile} is {measured} ms, not {expected} +- {margin} ms")
        })?;
    }
    // Of 10,000, only the 32 in flight see the stall as service time: 0.32%.
    let long = requests.all.iter().filter(|it| it.end - it.start > 500_000_000).count();
    check((1..=32).contains(&long), || format!("{long} requests took half a second"))
}

type Test = LoadTest;

/// Runs what `configure` makes of a test against a target of its own, and keeps every request.
fn witnessed(
    config: Config,
    configure: impl FnOnce(Test) -> Test,
) -> Result<(Evidence, Requests), String> {
    let histograms = Arc::new(Mutex::new(Histograms::default()));
    let latest = Arc::clone(&histograms);
    let mut kept = Vec::new();
    let evidence = against(config, async |url| {
        let http = Witnessed::get(&format!("{url}?times"));
        let test = configure(LoadTest::transport(http.clone())).on_interval(move |closed| {
            let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
            latest.clone_from(&closed.total.total.histograms);
        });
        let result = test.run().await.expect("a run");
        kept = http.kept();
        result
    });
    identities(&evidence.result)?;
    let histograms = histograms.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((evidence, Requests::of(&kept, histograms)?))
}
