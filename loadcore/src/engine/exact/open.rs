//! Tests load profiles: every arrival starts when its formula says.

use super::Run;
use super::model::{Stretch, arrivals, poisson_arrivals, sine_arrivals};
use crate::profile::{Burst, Point, ProfileType, Step};
use crate::schedule::Arrivals;
use crate::time::{MICROSECOND, MILLISECOND, Nanos, SECOND};

/// The target of these tests: from 0.3 to 7.3 ms, in no order.
fn reply(n: u64, read: Nanos) -> Nanos {
    read + 300 * MICROSECOND + n * 2_345_678_901 % (7 * MILLISECOND)
}

/// With a connection for each, everybody starts when due and ends when answered.
fn at_once(arrivals: &[Nanos]) -> Vec<[Nanos; 3]> {
    let one = |(n, at): (usize, &Nanos)| [*at, *at, reply(n as u64, *at)];
    arrivals.iter().enumerate().map(one).collect()
}

fn starts_at(profile: ProfileType, seconds: f64, expected: &[Nanos]) {
    let evidence = Run::open(profile, seconds).against(reply);
    assert_eq!(evidence.total.counters.due, expected.len() as u64);
    evidence.is(&at_once(expected));
    evidence.is_due_at(expected, 0, SECOND);
}

fn follows(profile: ProfileType, stretches: &[Stretch]) {
    let seconds = stretches.iter().map(|(length, ..)| length).sum();
    starts_at(profile, seconds, &arrivals(stretches));
}

#[test]
fn constant() {
    follows(ProfileType::Constant { initial_rps: 1_234.5 }, &[(2.5, 1_234.5, 1_234.5)]);
    follows(ProfileType::Constant { initial_rps: 0.65 }, &[(5.0, 0.65, 0.65)]);
}

#[test]
fn ramp() {
    let ramp = |initial_rps, target_rps| ProfileType::Ramp {
        initial_rps,
        target_rps,
        ramp_up_seconds: Some(2.0),
    };
    follows(ramp(100.0, 1_500.0), &[(2.0, 100.0, 1_500.0), (1.0, 1_500.0, 1_500.0)]);
    follows(ramp(1_500.0, 0.0), &[(2.0, 1_500.0, 0.0), (1.0, 0.0, 0.0)]);
}

#[test]
fn burst_spike_and_steps() {
    let burst = |start_second, rps| Burst { start_second, duration_seconds: 0.5, rps };
    let bursts = vec![burst(0.5, 4_000.0), burst(2.0, 2_000.0)];
    let flat = |length, rate| (length, rate, rate);
    let stretches = [flat(0.5, 300.0), flat(0.5, 4_000.0), flat(1.0, 300.0), flat(0.5, 2_000.0)];
    follows(ProfileType::Burst { initial_rps: 300.0, bursts }, &stretches);
    let spike = ProfileType::Spike {
        initial_rps: 200.0,
        target_rps: 3_000.0,
        spike_start_second: Some(1.0),
        spike_duration_seconds: Some(0.7),
    };
    follows(spike, &[flat(1.0, 200.0), flat(0.7, 3_000.0), flat(0.8, 200.0)]);
    let step = |duration_seconds, rps| Step { duration_seconds, rps };
    let steps = vec![step(1.0, 500.0), step(1.0, 0.0), step(1.0, 1_500.0)];
    follows(ProfileType::Steps { steps }, &[flat(1.0, 500.0), flat(1.0, 0.0), flat(1.0, 1_500.0)]);
}

#[test]
fn sine() {
    let sine = |amplitude_rps| ProfileType::Sine {
        initial_rps: 800.0,
        amplitude_rps,
        period_seconds: 1.5,
    };
    starts_at(sine(300.0), 2.5, &sine_arrivals(800.0, 300.0, 1.5, 2.5));
    starts_at(sine(1_200.0), 2.5, &sine_arrivals(800.0, 1_200.0, 1.5, 2.5));
}

#[test]
fn replay() {
    let point = |second, rps| Point { second, rps };
    let points = vec![point(0.0, 0.0), point(1.0, 1_500.0), point(2.5, 500.0)];
    let stretches = [(1.0, 0.0, 1_500.0), (1.5, 1_500.0, 500.0), (0.5, 500.0, 500.0)];
    let profile = ProfileType::Replay { points };
    starts_at(profile, 3.0, &arrivals(&stretches));
}

#[test]
fn poisson_arrivals_follow_from_the_seed() {
    let mut run = Run::open(ProfileType::Constant { initial_rps: 900.0 }, 2.0);
    run.load.open.as_mut().unwrap().arrivals = Arrivals::Poisson { seed: 42 };
    let expected = poisson_arrivals(42, 900.0, 2.0);
    assert!((1_600..2_000).contains(&expected.len()));
    run.against(reply).is(&at_once(&expected));
}

#[test]
fn threads_share_one_schedule() {
    let all = arrivals(&[(1.0, 1_000.0, 1_000.0)]);
    for thread in 0..3 {
        let mut run = Run::open(ProfileType::Constant { initial_rps: 1_000.0 }, 1.0);
        run.thread = (thread, 3);
        let ours: Vec<_> = all.iter().copied().skip(thread).step_by(3).collect();
        run.against(reply).is(&at_once(&ours));
    }
}

#[test]
fn a_warm_up_is_in_no_figure_and_the_profile_begins_after_it() {
    let mut run = Run::open(ProfileType::Constant { initial_rps: 1_000.0 }, 1.5);
    run.load.warmup = SECOND / 2;
    let expected: Vec<_> =
        arrivals(&[(1.5, 1_000.0, 1_000.0)]).iter().map(|at| at + SECOND / 2).collect();
    let evidence = run.against(|_, read| read + 2_345_678);
    let ends: Vec<_> = expected.iter().map(|at| [*at, *at, at + 2_345_678]).collect();
    evidence.is(&ends);
    evidence.is_due_at(&expected, SECOND / 2, SECOND);
}

#[test]
fn a_number_of_requests_ends_the_load() {
    let mut run = Run::open(ProfileType::Constant { initial_rps: 1_000.0 }, 100.0);
    run.load.limit = Some(321);
    let evidence = run.against(reply);
    evidence.is(&at_once(&arrivals(&[(0.321, 1_000.0, 1_000.0)])));
    assert_eq!(evidence.ending.load_end, evidence.seen.iter().map(|it| it.answered).max().unwrap());
}

/// Those due within the slack of the first one are sent together, with the last of them; one that has
/// ended takes the oldest before that.
#[test]
fn slack_gathers_arrivals_and_no_more() {
    const SLACK: Nanos = 2_300 * MICROSECOND;
    let mut run = Run::open(ProfileType::Constant { initial_rps: 1_000.0 }, 1.0);
    run.slack = SLACK;
    let evidence = run.against(reply);
    evidence.is(&gathered(&arrivals(&[(1.0, 1_000.0, 1_000.0)]), SLACK));
    let waited = evidence.seen.iter().filter(|it| it.times.start > it.times.intended.unwrap());
    assert!((400..700).contains(&waited.count()), "about two of three wait for the third");
}

fn gathered(arrivals: &[Nanos], slack: Nanos) -> Vec<[Nanos; 3]> {
    let mut sent: Vec<[Nanos; 3]> = Vec::new();
    let (mut next, mut now) = (0, 0);
    while next < arrivals.len() {
        let together = |at: &&Nanos| **at <= arrivals[next] + slack;
        let wake = arrivals[next..].iter().take_while(together).last().copied().unwrap();
        loop {
            // Whoever ends before the wake-up takes the oldest that is due.
            let ends =
                sent.iter().map(|[.., end]| *end).filter(|end| (now + 1..wake).contains(end));
            let Some(end) = ends.min() else { break };
            now = end;
            if next < arrivals.len() && arrivals[next] <= now {
                sent.push([arrivals[next], now, reply(sent.len() as u64, now)]);
                next += 1;
            }
        }
        now = wake;
        while next < arrivals.len() && arrivals[next] <= now {
            sent.push([arrivals[next], now, reply(sent.len() as u64, now)]);
            next += 1;
        }
    }
    sent
}

#[test]
fn the_model_of_a_line_is_its_integral() {
    // From 0 to 2/s in a second: t^2 = n + 1/2.
    assert_eq!(arrivals(&[(1.0, 0.0, 2.0)]), [707_106_781]);
    assert_eq!(
        arrivals(&[(0.5, 2.0, 2.0), (0.5, 2.0, 6.0)]),
        [250_000_000, 683_012_702, 911_437_828]
    );
}
