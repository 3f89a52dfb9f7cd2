//! Measures what the schedule and the token bucket cost for each request.
//!
//! Run with: `cargo bench -p loadcore-benches --bench parts_schedule`

use criterion::{Criterion, criterion_group, criterion_main};
use loadcore::bucket::TokenBucket;
use loadcore::profile::{LiveProfile, LoadProfile, Profile, ProfileType, Sine};
use loadcore::schedule::{Arrivals, Schedule, Share};
use loadcore::time::{Nanos, SECOND};
use std::hint::black_box;

/// 100,000 arrivals a second: one every 10 us, so a `u64` of nanoseconds lasts.
const RATE: f64 = 100_000.0;
const PERIOD: Nanos = SECOND / 100_000;

fn constant() -> LiveProfile<LoadProfile> {
    LiveProfile::new(LoadProfile::constant(RATE).expect("a valid rate"))
}

fn ramp() -> LiveProfile<LoadProfile> {
    let ramp = ProfileType::Ramp {
        initial_rps: 0.5 * RATE,
        target_rps: 1.5 * RATE,
        ramp_up_seconds: None,
    };
    LiveProfile::new(LoadProfile::new(ramp, 604_800.0).expect("a valid ramp"))
}

/// What the engine does for each request: fill, take the token, ask for the next one.
fn bucket_cycle<P: Profile>(
    c: &mut Criterion,
    name: &str,
    profile: P,
    arrivals: Arrivals,
    share: Share,
) {
    let schedule = Schedule::new(profile, arrivals, share, Nanos::MAX, None);
    let mut bucket = TokenBucket::new(schedule, 1_000_000);
    let mut now = 0;
    c.bench_function(&format!("bucket/fill-take-next_due/{name}"), |b| {
        b.iter(|| {
            now += PERIOD;
            bucket.fill(now);
            let token = bucket.take();
            black_box((token, bucket.next_due()))
        });
    });
}

fn bucket(c: &mut Criterion) {
    let whole = Share::WHOLE;
    bucket_cycle(c, "uniform-constant", constant(), Arrivals::Uniform, whole);
    bucket_cycle(c, "uniform-constant-third", constant(), Arrivals::Uniform, whole.split(1, 3));
    bucket_cycle(c, "uniform-ramp", ramp(), Arrivals::Uniform, whole);
    bucket_cycle(c, "uniform-sine", Sine::new(RATE, RATE, 60.0), Arrivals::Uniform, whole);
    bucket_cycle(c, "poisson-constant", constant(), Arrivals::Poisson { seed: 42 }, whole);
}

fn schedule(c: &mut Criterion) {
    let new = |arrivals| Schedule::new(constant(), arrivals, Share::WHOLE, Nanos::MAX, None);
    let orders = [("uniform", Arrivals::Uniform), ("poisson", Arrivals::Poisson { seed: 42 })];
    for (name, arrivals) in orders {
        let (mut at, mut i) = (new(arrivals), 0);
        c.bench_function(&format!("schedule/at/{name}"), |b| {
            b.iter(|| {
                i += 1;
                black_box(at.at(i))
            });
        });
        let (mut by, mut now) = (new(arrivals), 0);
        c.bench_function(&format!("schedule/due_by/{name}"), |b| {
            b.iter(|| {
                now += PERIOD;
                black_box(by.due_by(now))
            });
        });
    }
}

criterion_group!(benches, bucket, schedule);
criterion_main!(benches);
