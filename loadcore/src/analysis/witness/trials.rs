//! Plays troubles beside series that have nothing to do with them, and beside one that brings them about,
//! by seed, and counts what is named.

#![expect(clippy::print_stdout, reason = "the counts are what the trials are for")]

use super::super::bottleneck::{Trouble, TroubleRow};
use super::{Observations, Reducer};
use crate::record::Reading;
use crate::result::fixtures::finding;
use crate::result::{FindingKind, Witness};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::fmt::Write as _;

/// Seconds of a run.
const SECONDS: usize = 60;

/// Trials; with `LOADCORE_LONG` as many as `docs/analysis.md` tells of.
fn trials(usual: u64) -> u64 {
    if std::env::var_os("LOADCORE_LONG").is_some() { 1_000 } else { usual }
}

struct Draws(Xoshiro256PlusPlus);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn normal(&mut self) -> f64 {
        super::correlate::normal(&mut self.0)
    }

    fn white(&mut self) -> Vec<f64> {
        (0..SECONDS).map(|_| self.normal()).collect()
    }

    fn walk(&mut self) -> Vec<f64> {
        let mut level = 0.0;
        let mut step = || {
            level += self.normal();
            level
        };
        (0..SECONDS).map(|_| step()).collect()
    }

    fn periodic(&mut self) -> Vec<f64> {
        let (period, phase) = (self.between(4.0, 40.0), self.between(0.0, 7.0));
        let noise = self.between(0.0, 0.5);
        let at = |n: usize| (n as f64 / period * std::f64::consts::TAU + phase).sin();
        (0..SECONDS).map(|n| at(n) + noise * self.normal()).collect()
    }

    /// How a counter stands that only grows, by about as much in each second.
    fn counter(&mut self) -> Vec<f64> {
        let (step, noise) = (self.between(1.0, 1e3), self.between(0.0, 0.5));
        let mut level = 0.0;
        let mut grow = || {
            level += step * (1.0 + noise * self.normal()).max(0.0);
            level
        };
        (0..SECONDS).map(|_| grow()).collect()
    }

    /// A trouble of one of the courses that troubles have.
    fn trouble(&mut self, kind: u64) -> (FindingKind, Vec<f64>) {
        let from = self.between(10.0, 35.0);
        let to = from + self.between(8.0, 25.0);
        let (period, noise) = (self.between(5.0, 12.0), self.between(0.02, 0.15));
        let kinds = [
            FindingKind::LatencyDrift,
            FindingKind::Saturation,
            FindingKind::ErrorCliff,
            FindingKind::PeriodicStall,
            FindingKind::ColdStart,
            FindingKind::Queueing,
        ];
        let mut walk = self.walk().into_iter();
        let mut at = |n: f64| match kind % 6 {
            0 => n / 40.0,
            1 => (n - from).max(0.0) / 10.0,
            2 => f64::from(u8::from((from..to).contains(&n))),
            3 => f64::from(u8::from(n % period < 1.0)),
            4 => (-n / 8.0).exp(),
            _ => walk.next().unwrap_or(0.0) / 4.0,
        };
        let course: Vec<_> = (0..SECONDS).map(|n| at(n as f64)).collect();
        let noisy = course.iter().map(|value| value + noise * self.normal()).collect();
        (kinds[(kind % 6) as usize].clone(), noisy)
    }
}

/// Series by their names, and whether they are counters.
type Series = Vec<(String, bool, Vec<f64>)>;

/// Two hundred that have nothing to do with anything.
fn noise(draws: &mut Draws, many: usize) -> Series {
    let one = |n: usize| {
        let (is_counter, values) = match n % 4 {
            0 => (false, draws.white()),
            1 => (false, draws.walk()),
            2 => (false, draws.periodic()),
            _ => (true, draws.counter()),
        };
        // Some are called as resources are.
        let name = if n.is_multiple_of(5) { "pool" } else { "series" };
        (format!("{name}_{n}{}", if is_counter { "_total" } else { "" }), is_counter, values)
    };
    (0..many).map(one).collect()
}

/// What is named at a finding of this trouble, where an endpoint tells these series as text.
fn named(kind: FindingKind, trouble: &[f64], series: &Series) -> Vec<Witness> {
    let mut observations = Observations::new(&[("target".into(), "http://target/metrics".into())]);
    let mut reducer = Reducer::new(1);
    for second in 0..SECONDS {
        let mut text = String::new();
        for (name, is_counter, values) in series {
            let kind = if *is_counter { "counter" } else { "gauge" };
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {:e}", values[second]);
        }
        let told = reducer.reduce(second as f64 + 1.0, &text).unwrap();
        observations.add(&Reading { second: second as u64, told, ..Reading::default() });
    }
    let row = |(n, value): (usize, &f64)| TroubleRow {
        from: n as f64,
        to: n as f64 + 1.0,
        value: *value,
    };
    let rows: Vec<_> = trouble.iter().enumerate().map(row).collect();
    let mut findings = [finding(kind)];
    (findings[0].from_second, findings[0].to_second) = (20.0, 40.0);
    observations
        .testify(&mut findings, |_| Some(Trouble { figure: "latency", rows: rows.clone() }));
    let [finding] = findings;
    finding.witnesses
}

#[test]
fn of_noise_nothing_is_named() {
    let n = trials(60);
    let mut wrong = [0; 6];
    for seed in 0..n {
        let mut draws = Draws::new(seed);
        let (kind, trouble) = draws.trouble(seed);
        let series = noise(&mut draws, 200);
        let named = named(kind, &trouble, &series);
        wrong[(seed % 6) as usize] += usize::from(!named.is_empty());
    }
    let sum: usize = wrong.iter().sum();
    println!("of {n} runs beside 200 series of noise something was named in {sum}: {wrong:?}");
    // Of few runs one more may be wrong.
    let more = if n < 1_000 { 1 } else { 0 };
    assert!(sum as u64 * 50 <= n + 50 * more, "{wrong:?} of {n}");
}

#[test]
fn what_brings_the_trouble_about_is_named_first_among_200() {
    let n = trials(30);
    let (mut first, mut told) = ([0; 6], 0);
    for seed in 0..n {
        let mut draws = Draws::new(seed ^ 0x000c_a05e);
        let (kind, trouble) = draws.trouble(seed);
        let moved = |by: i64, noise: f64, draws: &mut Draws| -> Vec<f64> {
            let spread = trouble.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            let at = |n: i64| trouble[(n + by).clamp(0, SECONDS as i64 - 1) as usize];
            (0..SECONDS as i64).map(|n| at(n) + noise * spread * draws.normal()).collect()
        };
        let mut series = noise(&mut draws, 150);
        for n in 0..50 {
            // What follows: later, or what the requests themselves say.
            let (name, by) =
                if n % 2 == 0 { ("after", -1 - n % 4) } else { ("http_request_seconds", 0) };
            let noise = draws.between(0.05, 0.2);
            series.push((format!("{name}_{n}"), false, moved(by, noise, &mut draws)));
        }
        let cause = ["db_pool_waiting", "rows_left"][(seed / 6 % 2) as usize];
        let (lead, noise) = ((draws.unit() * 3.0) as i64, draws.between(0.01, 0.05));
        let place = (draws.unit() * 199.0) as usize;
        series.insert(place, (cause.into(), false, moved(lead, noise, &mut draws)));
        let named = named(kind, &trouble, &series);
        told += usize::from(!named.is_empty());
        first[(seed % 6) as usize] += u64::from(named.first().is_some_and(|it| it.series == cause));
    }
    let sum: u64 = first.iter().sum();
    println!(
        "of {n} causes among 200 series {sum} were named first, anything in {told}: {first:?}"
    );
    assert!(sum * 10 >= n * 9, "{first:?} of {n}, anything in {told}");
}
