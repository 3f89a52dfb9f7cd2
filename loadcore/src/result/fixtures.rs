//! Turns a few made-up targets into results, for tests. The same each time, to the byte.

use super::{
    Environment, Finding, FindingKind, LoopKind, ResultBuilder, RunEnd, RunResult, RunStart,
    Severity, Span,
};
use crate::record::{Interval, Merge, Recorder, Sample, Snapshot, ThreadTime};
use crate::request::{DropReason, ErrorClass, Failure};
use crate::time::{MICROSECOND as US, MILLISECOND as MS, Nanos, SECOND};
use serde_json::json;

/// 1,000/s for 10 s; the target answers in about a millisecond and hangs now and then.
pub(crate) fn steady_run() -> RunResult {
    let mut run = Run::new(run_start(LoopKind::Open));
    for second in 0..10 {
        run.second(false, |recorder, dice| {
            recorder.connected(180 * US, None);
            for n in 0..1_000 {
                let intended = second * SECOND + n * MS;
                let service = if dice.one_in(200) { 20 * MS } else { dice.about(MS) };
                request(recorder, Some(intended), dice.up_to(90 * US), service, Ok(200));
            }
        });
    }
    run.end(RunEnd { duration_ns: 10 * SECOND, ..RunEnd::default() }, 0)
}

/// 1,000/s for 10 s after a warm-up; the target stalls for a second, refuses some, and answers some
/// with 503. Arrivals are dropped, and some requests never end.
pub(crate) fn failing_run() -> RunResult {
    let mut run = Run::new(RunStart { warmup_seconds: 2.0, ..run_start(LoopKind::Open) });
    let refused = std::io::Error::from_raw_os_error(111);
    let refused = Failure::io(ErrorClass::ConnectRefused, refused);
    let silent = Failure::new(ErrorClass::ResponseTimeout, "no whole reply within 10 s");
    for second in 0..10 {
        run.second(false, |recorder, dice| {
            recorder.connected(dice.about(300 * US), Some(dice.about(2 * MS)));
            for n in 0..1_000 {
                let intended = second * SECOND + n * MS;
                let waited = if second == 4 { SECOND - n * MS } else { dice.up_to(90 * US) };
                let service = dice.about(8 * MS);
                match dice.up_to(100) {
                    0 => request(recorder, Some(intended), waited, service, Ok(503)),
                    1 if second > 6 => {
                        request(recorder, Some(intended), waited, 200 * US, Err(&refused));
                    }
                    2 if second == 9 => {
                        recorder.due(1);
                        recorder.dropped(DropReason::BacklogFull, 1);
                    }
                    3 if second == 3 => {
                        request(recorder, Some(intended), waited, 10 * SECOND, Err(&silent));
                    }
                    4 if second == 9 => {
                        recorder.due(1);
                        recorder.started(0, Some(intended), intended + waited);
                    }
                    _ => request(recorder, Some(intended), waited, service, Ok(200)),
                }
            }
        });
    }
    run.second(true, |recorder, _| recorder.dropped(DropReason::RunEnded, 0));
    let ending = RunEnd { duration_ns: 10 * SECOND, drain_ns: 5 * SECOND, ..RunEnd::default() };
    run.end(ending, 0)
}

/// Closed loop, one connection for 2 s.
pub(crate) fn closed_run() -> RunResult {
    let mut run = Run::new(run_start(LoopKind::Closed));
    for second in 0..2 {
        run.second(false, |recorder, dice| {
            for n in 0..3_000 {
                recorder.started(0, None, second * SECOND + n);
                ended(recorder, None, 0, dice.about(300 * US), Ok(200));
            }
        });
    }
    run.end(RunEnd { duration_ns: 2 * SECOND, ..RunEnd::default() }, 0)
}

/// 100/s for 10 s: of five requests three are answered with 503 at once, two with 200 after 200 ms.
pub(crate) fn mostly_failing_run() -> RunResult {
    let answer = |n: u64| if n % 5 < 3 { (200 * US, 503) } else { (200 * MS, 200) };
    let run = answered(10, 100, |n, _| answer(n));
    run.end(RunEnd { duration_ns: 10 * SECOND, ..RunEnd::default() }, 0)
}

/// Closed loop for 2 s against a port where nobody listens.
pub(crate) fn refused_run() -> RunResult {
    let mut run = Run::new(run_start(LoopKind::Closed));
    let refused = std::io::Error::from_raw_os_error(111);
    let refused = Failure::io(ErrorClass::ConnectRefused, refused);
    for second in 0..2 {
        run.second(false, |recorder, dice| {
            for n in 0..3_000 {
                recorder.started(0, None, second * SECOND + n);
                ended(recorder, None, 0, dice.about(30 * US), Err(&refused));
            }
        });
    }
    run.end(RunEnd { duration_ns: 2 * SECOND, ..RunEnd::default() }, 0)
}

/// Nothing fell due.
pub(crate) fn empty_run() -> RunResult {
    Run::new(run_start(LoopKind::Open)).end(RunEnd { duration_ns: SECOND, ..RunEnd::default() }, 0)
}

/// Interrupted after 3 s, with a worker lost.
pub(crate) fn interrupted_run() -> RunResult {
    let run = answered(3, 100, |_, dice| (dice.about(40 * MS), 204));
    let ending = RunEnd {
        duration_ns: 3 * SECOND,
        interrupted: true,
        unknown: 650,
        lost_workers: vec!["eu-3".into()],
        ..RunEnd::default()
    };
    run.end(ending, 0)
}

/// A finding that says little.
pub(crate) fn finding(kind: FindingKind) -> Finding {
    Finding {
        kind,
        severity: Severity::Info,
        confidence: 0.5,
        from_second: 0.0,
        to_second: 1.0,
        request: None,
        evidence: serde_json::Map::new(),
        witnesses: Vec::new(),
        explanation: String::new(),
        next_step: String::new(),
    }
}

pub(crate) fn run_start(loop_kind: LoopKind) -> RunStart {
    RunStart {
        scenario: json!({"name": "checkout", "targetUrl": "http://shop.test/cart"}),
        started_unix_ms: 1_767_225_600_000,
        environment: Environment {
            version: "0.1.0".into(),
            os: "linux x86_64".into(),
            cores: Some(2),
            threads: Some(2),
            workers: 1,
            options: serde_json::Map::new(),
        },
        loop_kind,
        warmup_seconds: 0.0,
        planned_seconds: 15.0,
        slack_ns: 100 * US,
        mix: Vec::new(),
        observe: Vec::new(),
    }
}

/// A run that is being recorded.
pub(crate) struct Run {
    pub(crate) builder: ResultBuilder,
    pub(crate) intervals: Vec<(Interval, Span)>,
    recorder: Recorder,
    dice: Dice,
    total: Interval,
}

impl Run {
    pub(crate) fn new(start: RunStart) -> Self {
        Self {
            builder: ResultBuilder::new(start),
            intervals: Vec::new(),
            recorder: Recorder::new(),
            dice: Dice::new(7),
            total: Interval::new(),
        }
    }

    pub(crate) fn second(&mut self, draining: bool, record: impl FnOnce(&mut Recorder, &mut Dice)) {
        record(&mut self.recorder, &mut self.dice);
        let health = &mut self.recorder.current_mut().health;
        let time = ThreadTime {
            wall_ns: SECOND,
            cpu_ns: 210 * MS,
            run_delay_ns: Some(3 * MS),
            throttled_ns: Some(0),
        };
        health.measured(time);
        (0..20).for_each(|_| health.pacer_lag.record(self.dice.up_to(95 * US)));
        let interval = *self.recorder.exchange(Box::default());
        self.total.merge(&interval);
        let from_ns = self.intervals.len() as u64 * SECOND;
        let span = Span { from_ns, to_ns: from_ns + SECOND, draining };
        self.builder.interval(&interval, span);
        self.intervals.push((interval, span));
    }

    pub(crate) fn end(self, ending: RunEnd, backlog: u64) -> RunResult {
        let snapshot = Snapshot { total: self.total, backlog, ..Snapshot::default() };
        self.builder.build(&snapshot, &ending)
    }
}

/// An open loop at a constant rate, on a target that is a formula: `answer` says of the number of a
/// request how long it takes, and with which status it is answered.
pub(crate) fn answered(
    seconds: u64,
    per_second: u64,
    mut answer: impl FnMut(u64, &mut Dice) -> (Nanos, u16),
) -> Run {
    let mut run = Run::new(run_start(LoopKind::Open));
    for second in 0..seconds {
        run.second(false, |recorder, dice| {
            for n in second * per_second..(second + 1) * per_second {
                let (service, status) = answer(n, dice);
                request(recorder, Some(n * SECOND / per_second), 0, service, Ok(status));
            }
        });
    }
    run
}

/// A request of an open loop that was sent `waited` after it was due.
pub(crate) fn request(
    recorder: &mut Recorder,
    intended: Option<Nanos>,
    waited: Nanos,
    service: Nanos,
    reply: Result<u16, &Failure>,
) {
    recorder.due(1);
    recorder.started(0, intended, intended.unwrap_or(0) + waited);
    ended(recorder, intended, waited, service, reply);
}

fn ended(
    recorder: &mut Recorder,
    intended: Option<Nanos>,
    waited: Nanos,
    service: Nanos,
    reply: Result<u16, &Failure>,
) {
    let start = intended.unwrap_or(0) + waited;
    recorder.sample(&Sample {
        request: 0,
        intended,
        start,
        end: start + service,
        first_byte: reply.is_ok().then_some(start + service * 9 / 10),
        status: reply.ok(),
        failure: reply.err(),
        bytes_sent: 74,
        bytes_received: if reply.is_ok() { 850 } else { 0 },
    });
}

/// Numbers that look random: SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn up_to(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.up_to(n) == 0
    }

    /// Mostly a little below `typical`, and with a tail to some times of it: whole numbers only, so
    /// that it is the same on every machine.
    pub(crate) fn about(&mut self, typical: Nanos) -> Nanos {
        let spread = (0..3).map(|_| self.up_to(typical)).sum::<u64>() / 3;
        let tail = if self.one_in(20) { self.up_to(4 * typical) } else { 0 };
        typical / 2 + spread / 2 + tail
    }
}
