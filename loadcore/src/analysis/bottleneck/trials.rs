//! Plays known bottlenecks, and targets without any, by seed, and counts what is found first.

#![expect(clippy::print_stdout, reason = "the tables are what the trials are for")]

use super::model::{Draws, Model, Shape, Target};
use crate::result::{Finding, FindingKind, RunResult};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Trials of each kind; with `LOADCORE_LONG` as many as the table in `docs/analysis.md` has.
/// `LOADCORE_TELL` prints each that is wrong.
fn trials() -> u64 {
    if std::env::var_os("LOADCORE_LONG").is_some() { 200 } else { 10 }
}

/// The first seed: limits were chosen on those from 0 on, and `LOADCORE_SEED` plays others.
fn first_seed() -> u64 {
    std::env::var("LOADCORE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0)
}

/// A target with one bottleneck, under a load that shows it.
fn model(kind: &FindingKind, seed: u64) -> Model {
    let mut draws = Draws::new(seed ^ 0x00b0_771e);
    let d = &mut draws;
    let usual = Target {
        work: d.scale(0.002, 0.05),
        sigma: d.between(0.1, 0.5),
        wander: d.between(0.0, 0.05),
        ..Target::default()
    };
    let rate = d.scale(60.0, 400.0);
    let base = Model {
        seed,
        seconds: d.one(&[30, 60, 90]),
        shape: Shape::Constant(rate),
        poisson: d.chance(0.5),
        ..Model::default()
    };
    let target = |target: Target| Model { target, ..base.clone() };
    match kind {
        FindingKind::Saturation => {
            let servers = d.one(&[1, 4, 16]);
            let takes = servers as f64 / usual.work / (usual.sigma.powi(2) / 2.0).exp();
            let takes = takes.min(400.0);
            let work = servers as f64 / takes / (usual.sigma.powi(2) / 2.0).exp();
            let shape = match d.one(&[0, 1, 2]) {
                0 => Shape::Constant(takes * d.between(1.15, 2.0)),
                1 => Shape::Ramp(takes * 0.4, takes * d.between(1.3, 2.0)),
                _ => Shape::Steps([0.5, 0.8, 1.1, 1.4].map(|part| part * takes).to_vec()),
            };
            Model { shape, ..target(Target { work, servers: Some(servers), ..usual }) }
        }
        FindingKind::Queueing => {
            let takes = d.scale(60.0, 300.0);
            let (work, sigma) = (1.0 / takes / f64::exp(0.32), 0.8);
            let shape = match d.one(&[0, 1]) {
                0 => Shape::Ramp(takes * 0.2, takes * d.between(0.88, 0.93)),
                _ => Shape::Steps([0.3, 0.6, 0.88].map(|part| part * takes).to_vec()),
            };
            let target = Target { work, sigma, servers: Some(1), wander: 0.0, ..usual };
            Model { shape, poisson: true, seconds: 90, target, ..base }
        }
        FindingKind::ErrorCliff => {
            let point = rate * d.between(1.2, 1.6);
            let shape = match d.one(&[0, 1]) {
                0 => Shape::Ramp(rate * 0.5, rate * 2.0),
                _ => Shape::Spike { base: rate, high: rate * 2.0, from: 10.0, to: 20.0 },
            };
            let cliff = Some((point, d.between(3.0, 10.0), d.one(&[500, 502, 503])));
            Model { shape, ..target(Target { cliff, ..usual }) }
        }
        FindingKind::RateLimited => {
            let limit = Some((rate * d.between(0.4, 0.9), d.one(&[429, 429, 503])));
            let shape = match d.one(&[0, 1]) {
                0 => Shape::Constant(rate),
                _ => Shape::Ramp(rate * 0.3, rate * 1.5),
            };
            Model { shape, ..target(Target { limit, ..usual }) }
        }
        FindingKind::LatencyDrift => {
            let rise = usual.work * d.between(0.5, 3.0) + 0.001;
            let drift = rise / base.seconds as f64;
            target(Target { drift, ..usual })
        }
        FindingKind::PeriodicStall => {
            let stall = Some((d.between(3.0, base.seconds as f64 / 5.0), d.between(0.15, 0.8)));
            target(Target { stall, ..usual })
        }
        FindingKind::ConnectionLimit => {
            let work = d.scale(0.02, 0.2);
            let needs = rate * work;
            let most = (needs * d.between(0.5, 0.85)).max(2.0) as usize;
            let shape = match d.one(&[0, 1]) {
                0 => Shape::Constant(rate.max(3.0 / work)),
                _ => Shape::Ramp(rate * 0.3, rate.max(3.0 / work) * 1.5),
            };
            let most_connections = Some((most, d.chance(0.3)));
            Model { shape, ..target(Target { work, most_connections, ..usual }) }
        }
        FindingKind::SlowHandshake => {
            let tls = Some(d.between(2.0, 10.0) * usual.work.max(0.01));
            let closes = d.between(0.2, 1.0);
            Model { closes, ..target(Target { tls, ..usual }) }
        }
        FindingKind::ColdStart => {
            let (slow, fails) = d.one(&[(true, false), (true, true), (false, true)]);
            let cold = Some((
                d.between(2.0, base.seconds as f64 / 5.0),
                if slow { usual.work * d.between(1.5, 6.0) + 0.003 } else { 0.0 },
                if fails { d.between(0.2, 0.8) } else { 0.0 },
            ));
            target(Target { cold, ..usual })
        }
        FindingKind::BimodalLatency => {
            let second_group = Some((d.between(0.05, 0.4), usual.work * d.between(6.0, 30.0)));
            target(Target { second_group, sigma: d.between(0.1, 0.35), ..usual })
        }
        FindingKind::TimeoutWall => {
            let timeout = d.between(1.0, 5.0);
            Model { timeout, ..target(Target { hang: d.scale(0.002, 0.05), ..usual }) }
        }
        FindingKind::WorkerSkew => {
            let target = target(Target { last_worker: d.between(1.5, 4.0), ..usual });
            Model { workers: d.one(&[2, 3, 5]), ..target }
        }
        FindingKind::Other(name) => panic!("no model of {name}"),
    }
}

/// The same where the bottleneck is as weak as can be, or almost not there.
fn weak(kind: &FindingKind, seed: u64) -> Model {
    let model = model(kind, seed ^ 0x5eed);
    let mut draws = Draws::new(seed ^ 0x0033_ea00);
    let part = draws.unit();
    let of = |strong: f64, none: f64| none + (strong - none) * part;
    let t = model.target.clone();
    let shape = match (kind, model.shape.clone()) {
        (FindingKind::Saturation | FindingKind::Queueing, Shape::Constant(rate)) => {
            Shape::Constant(of(rate, rate * 0.6))
        }
        (FindingKind::Saturation | FindingKind::Queueing, Shape::Ramp(from, to)) => {
            Shape::Ramp(from, of(to, to * 0.6))
        }
        (FindingKind::Saturation | FindingKind::Queueing, Shape::Steps(rates)) => {
            Shape::Steps(rates.iter().map(|rate| of(*rate, rate * 0.6)).collect())
        }
        (_, shape) => shape,
    };
    let target = Target {
        limit: t.limit.map(|(rate, status)| (rate * of(1.0, 2.0), status)),
        cliff: t.cliff.map(|(rate, seconds, status)| (rate * of(1.0, 1.3), seconds * part, status)),
        drift: t.drift * part,
        stall: t.stall.map(|(every, length)| (every, length * part)),
        most_connections: t
            .most_connections
            .map(|(most, waits)| ((most as f64 * of(1.0, 2.5)) as usize, waits)),
        tls: t.tls.map(|tls| tls * part),
        cold: t.cold.map(|(seconds, more, share)| (seconds * part, more * part, share * part)),
        second_group: t.second_group.map(|(share, time)| (share * part, of(time, t.work))),
        hang: t.hang * part,
        last_worker: of(t.last_worker, 1.0),
        ..t
    };
    Model { shape, target, ..model }
}

/// A target without a bottleneck, at one of several loads.
fn clean(seed: u64) -> Model {
    let mut draws = Draws::new(seed ^ 0x0c1e_a000);
    let d = &mut draws;
    let target = Target {
        work: d.scale(0.0005, 0.1),
        sigma: d.between(0.05, 0.7),
        wander: d.between(0.0, 0.06),
        errors: d.one(&[0.0, 0.0, 0.001, 0.01]),
        tls: d.one(&[None, Some(0.002)]),
        servers: d.one(&[None, None, Some(64)]),
        ..Target::default()
    };
    let rate = d.scale(50.0, 400.0);
    let shape = match d.one(&[0, 0, 1, 2, 3, 4]) {
        0 => Shape::Constant(rate),
        1 => Shape::Ramp(rate * 0.3, rate),
        2 => Shape::Steps([0.2, 0.5, 1.0].map(|part| part * rate).to_vec()),
        3 => Shape::Spike { base: rate * 0.4, high: rate, from: 10.0, to: 14.0 },
        _ => Shape::Closed,
    };
    let connections = if matches!(shape, Shape::Closed) {
        ((rate * target.work) as usize).clamp(1, 16)
    } else {
        1_000
    };
    Model {
        seed,
        seconds: d.one(&[20, 30, 60]),
        shape,
        poisson: d.chance(0.5),
        connections,
        target,
        workers: d.one(&[1, 1, 3]),
        ..Model::default()
    }
}

/// A target without a bottleneck that is not steady either: it wanders, has a heavy tail, and stands
/// still once.
fn restless(seed: u64) -> Model {
    let model = clean(seed ^ 0x7e57);
    let mut draws = Draws::new(seed ^ 0x0077_1e55);
    let pause = (draws.between(0.4, 0.9) * model.seconds as f64, draws.between(0.0, 0.5));
    let target = Target {
        wander: draws.between(0.05, 0.35),
        sigma: draws.between(0.3, 1.2),
        errors: draws.one(&[0.0, 0.02, 0.1]),
        stall: draws.one(&[None, Some(pause)]),
        ..model.target.clone()
    };
    Model { target, ..model }
}

/// What was found first in so many trials.
#[derive(Default)]
struct Row {
    first: BTreeMap<String, u64>,
    /// How often that was what was there.
    right_first: u64,
    /// Confidence of each first finding, and whether it was right.
    sure: Vec<(f64, bool)>,
}

fn first(result: &RunResult) -> Option<&Finding> {
    result.bottlenecks.first()
}

/// What is there: a line is one of saturation if more is offered than the target can take, and else of
/// queueing.
fn there(kind: &FindingKind, model: &Model) -> FindingKind {
    let is_line = matches!(kind, FindingKind::Saturation | FindingKind::Queueing);
    match model.target.takes() {
        Some(takes) if is_line && model.shape.highest() > takes => FindingKind::Saturation,
        Some(_) if is_line => FindingKind::Queueing,
        _ => kind.clone(),
    }
}

fn row(kind: Option<&FindingKind>, trials: u64, play: impl Fn(u64) -> Model) -> Row {
    let mut row = Row::default();
    for seed in first_seed()..first_seed() + trials {
        let model = play(seed);
        let there = kind.map(|kind| there(kind, &model));
        let right = there.as_ref();
        let result = model.judged();
        let found = first(&result);
        let name = found.map_or("none", |found| found.kind.name()).to_owned();
        if std::env::var_os("LOADCORE_TELL").is_some() && found.map(|it| &it.kind) != right {
            println!("seed {seed}: {name}: {:#?}\n{:?}", result.bottlenecks, model);
        }
        row.right_first += u64::from(found.map(|it| &it.kind) == right);
        let sure = |it: &Finding| (it.confidence, Some(&it.kind) == right);
        row.sure.extend(result.bottlenecks.iter().map(sure));
        *row.first.entry(name).or_default() += 1;
    }
    row
}

/// Each kind by its name, played so often; `LOADCORE_KIND` leaves out the others.
fn rows(trials: u64, play: impl Fn(&FindingKind, u64) -> Model) -> Vec<(String, Row)> {
    let kinds = FindingKind::ALL.into_iter().filter(|kind| is_wanted(kind.name()));
    let played = kinds
        .map(|kind| (kind.name().to_owned(), row(Some(&kind), trials, |seed| play(&kind, seed))));
    played.collect()
}

fn is_wanted(name: &str) -> bool {
    std::env::var("LOADCORE_KIND").ok().is_none_or(|only| only == name)
}

/// The confusion matrix: what was there, by row, and how often each kind was found first.
fn matrix(rows: &[(String, Row)]) -> String {
    let all = FindingKind::ALL;
    let is_found = |kind: &&str| rows.iter().any(|(_, row)| row.first.contains_key(*kind));
    let kinds = all.iter().map(FindingKind::name).chain(["none"]).filter(is_found);
    let kinds: Vec<_> = kinds.collect();
    let mut text = format!("| there was | {} | right |\n", kinds.join(" | "));
    let _ = writeln!(text, "|---|{}---:|", "---:|".repeat(kinds.len()));
    for (name, row) in rows {
        let count = |kind: &str| row.first.get(kind).copied().unwrap_or(0);
        let cells = kinds.iter().map(|kind| match count(kind) {
            0 => String::new(),
            n => n.to_string(),
        });
        let cells: Vec<_> = cells.collect();
        let all = row.first.values().sum::<u64>();
        let right = row.right_first as f64 / all.max(1) as f64 * 100.0;
        let _ = writeln!(text, "| {name} | {} | {right:.1}% |", cells.join(" | "));
    }
    text
}

/// Of what was said between two confidences: how much was right, of how much.
fn right(rows: &[(String, Row)], low: f64, high: f64) -> (usize, usize) {
    let all = rows.iter().flat_map(|(_, row)| &row.sure);
    let those: Vec<_> = all.filter(|(sure, _)| (low..high).contains(sure)).collect();
    (those.iter().filter(|(_, right)| *right).count(), those.len())
}

/// The table of calibration: how often findings were right, by how sure they were said to be.
fn calibration(rows: &[(String, Row)]) -> String {
    let mut text = String::from("| said to be sure | findings | right | |\n|---|---:|---:|---:|\n");
    for (low, high) in [(0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 1.0)] {
        let (right, of) = right(rows, low, high);
        let share = right as f64 / of.max(1) as f64 * 100.0;
        let _ = writeln!(text, "| {low:.2} to {high:.2} | {of} | {right} | {share:.1}% |");
    }
    text
}

/// At least so many of a hundred; of few trials one more may be wrong.
fn is_enough(right: u64, trials: u64, percent: u64) -> bool {
    (right + u64::from(trials < 100)) * 100 >= trials * percent
}

#[test]
fn the_right_kind_is_the_first_finding_and_a_clean_target_has_none() {
    let n = trials();
    let mut rows = rows(n, model);
    if is_wanted("none") {
        rows.push(("none".to_owned(), row(None, n, clean)));
    }
    let least = |name: &str| if name == "none" { 98 } else { 95 };
    let wrong = rows.iter().filter(|(name, row)| !is_enough(row.right_first, n, least(name)));
    let wrong: Vec<_> = wrong.map(|(name, _)| name).collect();
    println!("{}", matrix(&rows));
    assert!(wrong.is_empty(), "{wrong:?}\n{}", matrix(&rows));
}

#[test]
fn a_line_before_even_work_shows_as_the_rate_grows() {
    let target =
        Target { work: 0.005, sigma: 0.0, wander: 0.0, servers: Some(1), ..Target::default() };
    let shape = Shape::Ramp(30.0, 185.0);
    for seed in 0..5 {
        let (target, shape) = (target.clone(), shape.clone());
        let model = Model { seed, seconds: 30, shape, poisson: true, target, ..Model::default() };
        let result = model.judged();
        let found = first(&result).map(|it| it.kind.name());
        assert_eq!(
            found,
            Some("queueing"),
            "{seed}: {:#?}",
            result.series.iter().map(|row| (row.due, row.p50_ms)).collect::<Vec<_>>()
        );
    }
}

/// One server: with N in flight on average it does N / (1 + N) of what it can, which is the law with
/// contention alone.
#[test]
fn a_saturated_target_is_told_with_its_law() {
    for seed in 0..3 {
        let target = Target { work: 0.01, sigma: 0.3, servers: Some(1), ..Target::default() };
        let takes = target.takes().unwrap();
        let shape = Shape::Ramp(takes * 0.2, takes * 1.4);
        let result = Model { seed, shape, poisson: true, target, ..Model::default() }.judged();
        let found = first(&result).expect("a saturated target");
        assert_eq!(found.kind, FindingKind::Saturation, "{seed}: {found:?}");
        let peak = found.evidence["peakRps"].as_f64().unwrap();
        assert!((peak / takes - 1.0).abs() < 0.15, "{seed}: {takes} {found:?}");
        let contention = found.evidence["contention"].as_f64().unwrap();
        assert!((contention - 0.5).abs() < 0.15, "{seed}: {found:?}");
        assert!(found.explanation.contains("contention"), "{seed}: {found:?}");
    }
}

/// Of findings that are said at 0.9 nine in ten are right: told on targets of all strengths, down to
/// nothing, and on restless ones. Every finding counts, and not the first alone.
#[test]
fn findings_are_right_as_often_as_they_say() {
    let n = trials() / 2;
    let mut rows = rows(n, model);
    rows.extend(self::rows(n, weak).into_iter().map(|(name, row)| (format!("weak {name}"), row)));
    rows.push(("clean".to_owned(), row(None, n, clean)));
    rows.push(("restless".to_owned(), row(None, n, restless)));
    println!("{}\n{}", matrix(&rows), calibration(&rows));
    let share = |low, high| {
        let (right, of) = right(&rows, low, high);
        (right as f64 / (of as f64).max(1.0), of)
    };
    let (sure, of) = share(0.85, 0.95);
    let range = if of >= 200 { 0.85..=0.95 } else { 0.7..=1.0 };
    assert!(range.contains(&sure), "{sure}\n{}", calibration(&rows));
    assert!(share(0.95, 1.0).0 >= 0.93, "{}", calibration(&rows));
}
