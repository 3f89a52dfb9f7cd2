//! Tests that what the target counted agrees with the load profile.

use super::judge::{Evidence, against, always, check, identities};
use libtest_mimic::Trial;
use loadcore::profile::{Burst, Point, ProfileType, Step};
use loadcore::schedule::{Schedule, Share};
use loadcore::time::{Nanos, SECOND};
use loadcore::{Arrivals, LoadProfile, LoadTest};
use loadcore_target::Config;
use std::time::Duration;

const D: f64 = 3.0;

pub(crate) fn trials() -> Vec<Trial> {
    use ProfileType::{Burst as Bursts, Constant, Ramp, Replay, Sine, Spike, Steps};
    let burst = |start_second, rps| Burst { start_second, duration_seconds: 0.5, rps };
    let step = |duration_seconds, rps| Step { duration_seconds, rps };
    let point = |second, rps| Point { second, rps };
    let profiles = [
        ("constant", Constant { initial_rps: 1_234.5 }),
        ("ramp", Ramp { initial_rps: 100.0, target_rps: 3_000.0, ramp_up_seconds: Some(2.0) }),
        (
            "burst",
            Bursts { initial_rps: 300.0, bursts: vec![burst(0.5, 4_000.0), burst(2.0, 2_000.0)] },
        ),
        (
            "spike",
            Spike {
                initial_rps: 200.0,
                target_rps: 5_000.0,
                spike_start_second: Some(1.0),
                spike_duration_seconds: Some(1.0),
            },
        ),
        ("steps", Steps { steps: vec![step(1.0, 500.0), step(1.0, 0.0), step(1.0, 2_500.0)] }),
        ("sine", Sine { initial_rps: 800.0, amplitude_rps: 1_200.0, period_seconds: 1.5 }),
        (
            "replay",
            Replay { points: vec![point(0.0, 0.0), point(1.0, 3_000.0), point(2.5, 500.0)] },
        ),
    ];
    let mut trials: Vec<Trial> = profiles
        .into_iter()
        .map(|(name, profile)| always(name, move || agrees(profile, Arrivals::Uniform)))
        .collect();
    let poisson = Arrivals::Poisson { seed: 42 };
    let constant = ProfileType::Constant { initial_rps: 2_000.0 };
    trials.push(always("poisson", move || agrees(constant, poisson)));
    trials
}

fn agrees(profile: ProfileType, arrivals: Arrivals) -> Result<(), String> {
    let profile = LoadProfile::new(profile, D).map_err(|error| error.to_string())?;
    let evidence = against(Config::default(), async |url| {
        let test = LoadTest::get(&url).profile(profile.clone()).arrivals(arrivals);
        test.duration(Duration::from_secs_f64(D)).run().await.expect("a run")
    });
    identities(&evidence.result)?;
    let mut planned =
        Schedule::new(profile, arrivals, Share::WHOLE, (D * SECOND as f64) as Nanos, None);
    let all = planned.clone().due_by(Nanos::MAX);
    let Evidence { result, stats } = &evidence;
    check(result.arrivals.due == all, || format!("{} are due, not {all}", result.arrivals.due))?;
    check(stats.requests == result.arrivals.sent && result.arrivals.sent == all, || {
        format!("the target counted {} of {all}: {:?}", stats.requests, result.arrivals)
    })?;
    slots_agree(&evidence, &mut planned)
}

/// The arrivals that the target counted up to the end of each slot lie between what the profile says
/// for a moment earlier and a moment later. The moment is what a request takes, and the longest
/// time for which the machine stood still.
fn slots_agree(evidence: &Evidence, planned: &mut Schedule<LoadProfile>) -> Result<(), String> {
    let stats = &evidence.stats;
    check(stats.slot_ms == 100, || format!("slots of {} ms", stats.slot_ms))?;
    let first = planned.clone().at(0).ok_or("nothing is planned")?;
    let tolerance = ((8.0 + 2.0 * evidence.longest_gap_ms()) * 1e6) as Nanos;
    let (mut early, mut late) = (planned.clone(), planned.clone());
    let mut counted = 0;
    for (slot, count) in stats.arrivals.iter().enumerate() {
        counted += count;
        // The target's clock begins with the first request that it read.
        let end = first + (slot as u64 + 1) * SECOND / 10;
        let least = early.due_by(end.saturating_sub(tolerance));
        let most = late.due_by(end + tolerance);
        check((least..=most).contains(&counted), || {
            format!(
                "{counted} requests by slot {slot}, planned are {least} to {most} (the machine stood \
                 still for {:.1} ms)",
                evidence.longest_gap_ms()
            )
        })?;
    }
    Ok(())
}
