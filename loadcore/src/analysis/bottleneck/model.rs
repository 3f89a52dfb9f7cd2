//! Plays a target and a generator in virtual time, and makes of them what a real run is judged by:
//! intervals, workers, a result.
//!
//! A request is followed from its intended start over a connection, the target's line and its server to
//! its reply. All draws follow from the seed.

use super::super::{Judge, WorkerTotals};
use crate::record::{Interval, Merge, Recorder, Sample, Snapshot, ThreadTime};
use crate::request::{DropReason, ErrorClass, Failure};
use crate::result::{LoopKind, ResultBuilder, RunEnd, RunResult, RunStart, Span};
use crate::time::{MICROSECOND as US, MILLISECOND as MS, Nanos, SECOND};
use serde_json::json;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A run to be played.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) seed: u64,
    pub(super) seconds: u64,
    pub(super) shape: Shape,
    pub(super) poisson: bool,
    pub(super) connections: usize,
    pub(super) timeout: f64,
    /// The share of requests that go over a connection that is closed after them.
    pub(super) closes: f64,
    pub(super) target: Target,
    pub(super) workers: usize,
}

/// The load.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Constant(f64),
    Ramp(f64, f64),
    /// Equally long.
    Steps(Vec<f64>),
    Spike {
        base: f64,
        high: f64,
        from: f64,
        to: f64,
    },
    /// As fast as the connections allow, with so long a rest between two requests of each.
    Closed,
}

/// What the target does. Times are in seconds.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The median of a request's own work, and the sigma of its logarithm.
    pub(super) work: f64,
    pub(super) sigma: f64,
    /// How far the work wanders from second to second, as a share.
    pub(super) wander: f64,
    /// So many are served at once, the others wait in line.
    pub(super) servers: Option<usize>,
    /// Where more wait in line they are answered 503.
    pub(super) queue: Option<usize>,
    /// So many a second are taken, others are answered with the status.
    pub(super) limit: Option<(f64, u16)>,
    /// Beyond so many a second all fail for so long.
    pub(super) cliff: Option<(f64, f64, u16)>,
    /// By how much it gets slower with each second.
    pub(super) drift: f64,
    /// How often, and for how long, nothing is answered.
    pub(super) stall: Option<(f64, f64)>,
    /// More connections are reset; or their requests wait until others are closed.
    pub(super) most_connections: Option<(usize, bool)>,
    /// Of a new connection: connect, and TLS.
    pub(super) connect: f64,
    pub(super) tls: Option<f64>,
    /// How long it is cold, what that adds, and which share fails meanwhile.
    pub(super) cold: Option<(f64, f64, f64)>,
    /// A second group: its share and its time.
    pub(super) second_group: Option<(f64, f64)>,
    /// The share that is never answered.
    pub(super) hang: f64,
    /// The share that fails with 500.
    pub(super) errors: f64,
    /// How much slower it is for the last worker.
    pub(super) last_worker: f64,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            work: 0.010,
            sigma: 0.3,
            wander: 0.03,
            servers: None,
            queue: None,
            limit: None,
            cliff: None,
            drift: 0.0,
            stall: None,
            most_connections: None,
            connect: 0.0003,
            tls: None,
            cold: None,
            second_group: None,
            hang: 0.0,
            errors: 0.0,
            last_worker: 1.0,
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            seed: 1,
            seconds: 60,
            shape: Shape::Constant(200.0),
            poisson: false,
            connections: 1_000,
            timeout: 10.0,
            closes: 0.0,
            target: Target::default(),
            workers: 1,
        }
    }
}

/// Numbers that look random: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub(in crate::analysis) struct Draws(u64);

impl Draws {
    pub(in crate::analysis) fn new(seed: u64) -> Self {
        let mut draws = Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        draws.next();
        draws
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Above 0 and at most 1.
    pub(in crate::analysis) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    pub(in crate::analysis) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// As even on a logarithmic scale.
    pub(in crate::analysis) fn scale(&mut self, low: f64, high: f64) -> f64 {
        (self.between(low.ln(), high.ln())).exp()
    }

    pub(in crate::analysis) fn chance(&mut self, share: f64) -> bool {
        self.unit() <= share
    }

    pub(in crate::analysis) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[(self.next() % of.len() as u64) as usize].clone()
    }

    pub(in crate::analysis) fn exponential(&mut self) -> f64 {
        -self.unit().ln()
    }

    /// By Box and Muller.
    pub(in crate::analysis) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// What became of one request.
struct Played {
    worker: usize,
    intended: Option<f64>,
    /// `None`: it was given up before it was sent.
    start: Option<f64>,
    /// `None`: it never ended.
    end: Option<f64>,
    status: Option<u16>,
    failure: Option<&'static Failure>,
    /// It opened a connection.
    connected: Option<(f64, Option<f64>)>,
}

static RESET: Failure = Failure::new(ErrorClass::Reset, "the connection was reset");
static SILENT: Failure = Failure::new(ErrorClass::ResponseTimeout, "no whole reply in time");

impl Shape {
    fn rate(&self, at: f64, seconds: f64) -> f64 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Ramp(from, to) => from + (to - from) * at / seconds,
            Self::Steps(rates) => {
                let place = (at / seconds * rates.len() as f64) as usize;
                rates[place.min(rates.len() - 1)]
            }
            Self::Spike { base, high, from, to } => {
                if (*from..*to).contains(&at) {
                    *high
                } else {
                    *base
                }
            }
            Self::Closed => 0.0,
        }
    }

    /// The highest rate.
    pub(super) fn highest(&self) -> f64 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Ramp(from, to) => from.max(*to),
            Self::Steps(rates) => rates.iter().copied().fold(0.0, f64::max),
            Self::Spike { base, high, .. } => base.max(*high),
            Self::Closed => 0.0,
        }
    }

    /// Intended starts.
    fn arrivals(&self, seconds: f64, poisson: bool, draws: &mut Draws) -> Vec<f64> {
        let (mut all, mut at, mut owed) = (Vec::new(), 0.0, 0.5);
        let mut gap = if poisson { draws.exponential() } else { 1.0 };
        const STEP: f64 = 1e-3;
        while at < seconds {
            let more = self.rate(at, seconds) * STEP;
            let mut used = 0.0;
            while owed + more - used >= gap {
                used += gap - owed;
                owed = 0.0;
                all.push(at + STEP * used / more);
                gap = if poisson { draws.exponential() } else { 1.0 };
            }
            owed += more - used;
            at += STEP;
        }
        all
    }
}

impl Target {
    /// How many a second its servers can do; the mean of a lognormal work is beyond its median.
    pub(super) fn takes(&self) -> Option<f64> {
        Some(self.servers? as f64 / (self.work * (self.sigma.powi(2) / 2.0).exp()))
    }
}

/// The target while it is played.
struct Server<'a> {
    is: &'a Target,
    busy_until: BinaryHeap<Reverse<Nanos>>,
    /// When those begin that wait in line.
    in_line: VecDeque<f64>,
    tokens: (f64, f64),
    last_second: VecDeque<f64>,
    failing_until: f64,
    wandered: Vec<f64>,
}

impl<'a> Server<'a> {
    fn new(is: &'a Target, seconds: u64, draws: &mut Draws) -> Self {
        let mut level = 0.0;
        let step = |_| {
            level = 0.9 * level + f64::sqrt(1.0 - 0.81) * is.wander * draws.normal();
            f64::exp(level)
        };
        Self {
            is,
            busy_until: (0..is.servers.unwrap_or(0)).map(|_| Reverse(0)).collect(),
            in_line: VecDeque::new(),
            tokens: (0.0, is.limit.map_or(0.0, |(rate, _)| rate / 10.0)),
            last_second: VecDeque::new(),
            failing_until: 0.0,
            wandered: (0..seconds + 60).map(step).collect(),
        }
    }

    /// A request comes at a moment: when it is answered, and with which status; `None`: never.
    fn answer(&mut self, at: f64, worker_factor: f64, draws: &mut Draws) -> Option<(f64, u16)> {
        const AT_ONCE: f64 = 0.0002;
        let is = self.is;
        if let Some((rate, status)) = is.limit {
            let (before, tokens) = self.tokens;
            let tokens = (tokens + (at - before).max(0.0) * rate).min((rate / 10.0).max(1.0));
            self.tokens = (at.max(before), tokens);
            if tokens < 1.0 {
                return Some((at + AT_ONCE, status));
            }
            self.tokens.1 -= 1.0;
        }
        if let Some((rate, seconds, status)) = is.cliff {
            self.last_second.push_back(at);
            while self.last_second.front().is_some_and(|first| *first < at - 1.0) {
                self.last_second.pop_front();
            }
            if self.last_second.len() as f64 > rate && at >= self.failing_until {
                self.failing_until = at + seconds;
            }
            if at < self.failing_until {
                return Some((at + AT_ONCE, status));
            }
        }
        if draws.chance(is.hang) {
            return None;
        }
        let cold = is.cold.filter(|(seconds, ..)| at < *seconds);
        if draws.chance(is.errors) || cold.is_some_and(|(_, _, share)| draws.chance(share)) {
            return Some((at + AT_ONCE, 500));
        }
        let mut work = is.work * (is.sigma * draws.normal()).exp();
        if let Some((share, time)) = is.second_group
            && draws.chance(share)
        {
            work = time * (is.sigma * draws.normal()).exp();
        }
        work *= self.wandered[(at as usize).min(self.wandered.len() - 1)] * worker_factor;
        work += is.drift * at + cold.map_or(0.0, |(_, more, _)| more);
        let mut begins = at;
        if let Some(Reverse(free)) = self.busy_until.peek().copied() {
            begins = at.max(free as f64 / 1e9);
            while self.in_line.front().is_some_and(|it| *it <= at) {
                self.in_line.pop_front();
            }
            if is.queue.is_some_and(|most| self.in_line.len() >= most) {
                return Some((at + AT_ONCE, 503));
            }
            self.in_line.push_back(begins);
            self.busy_until.pop();
            self.busy_until.push(Reverse(((begins + work) * 1e9) as Nanos));
        }
        let mut end = begins + work;
        if let Some((every, length)) = is.stall {
            let since = end % every;
            if end >= every && since < length {
                end += length - since;
            }
        }
        Some((end, 200))
    }
}

/// The generator's connections.
struct Lanes {
    /// When those are free that are in use, and whether they are open then.
    busy: BinaryHeap<Reverse<(Nanos, bool)>>,
    idle_open: usize,
    idle_closed: usize,
}

impl Lanes {
    fn free(&mut self, at: f64) {
        while let Some(Reverse((free, open))) = self.busy.peek().copied()
            && free <= (at * 1e9) as Nanos
        {
            self.busy.pop();
            if open { self.idle_open += 1 } else { self.idle_closed += 1 }
        }
    }

    /// When a request that is due at `at` is sent, and whether its connection is open.
    fn take(&mut self, at: f64, most: usize) -> (f64, bool) {
        self.free(at);
        if self.idle_open > 0 {
            self.idle_open -= 1;
            return (at, true);
        }
        if self.busy.len() + self.idle_closed < most || self.idle_closed > 0 {
            self.idle_closed = self.idle_closed.saturating_sub(1);
            return (at, false);
        }
        let Reverse((free, open)) = self.busy.pop().expect("all are busy");
        (free as f64 / 1e9, open)
    }
}

impl Model {
    /// The judged result.
    pub(super) fn judged(&self) -> RunResult {
        let played = self.play();
        self.record(&played)
    }

    fn play(&self) -> Vec<Played> {
        let mut draws = Draws::new(self.seed);
        let seconds = self.seconds as f64;
        let mut server = Server::new(&self.target, self.seconds, &mut draws);
        let mut lanes = Lanes { busy: BinaryHeap::new(), idle_open: 0, idle_closed: 0 };
        let mut played = Vec::new();
        if matches!(self.shape, Shape::Closed) {
            let mut next: BinaryHeap<_> =
                (0..self.connections as u64).map(|n| Reverse((n, false))).collect();
            while let Some(Reverse((at, open))) = next.pop() {
                let at = at as f64 / 1e9;
                if at >= seconds {
                    continue;
                }
                let one =
                    self.request(None, (at, open), played.len(), &mut server, &lanes, &mut draws);
                let (end, open) = (self.lane_end(&one, at), self.stays_open(&one, &mut draws));
                next.push(Reverse(((end * 1e9) as Nanos, open)));
                played.push(one);
            }
            return played;
        }
        for due in self.shape.arrivals(seconds, self.poisson, &mut draws) {
            let (start, open) = lanes.take(due, self.connections);
            if start - due > 10.0 {
                lanes.busy.push(Reverse(((start * 1e9) as Nanos, open)));
                let worker = played.len() % self.workers;
                played.push(Played {
                    worker,
                    intended: Some(due),
                    start: None,
                    end: None,
                    status: None,
                    failure: None,
                    connected: None,
                });
                continue;
            }
            let start = start + 40e-6 * draws.exponential();
            let one = self.request(
                Some(due),
                (start, open),
                played.len(),
                &mut server,
                &lanes,
                &mut draws,
            );
            let (end, open) = (self.lane_end(&one, start), self.stays_open(&one, &mut draws));
            lanes.busy.push(Reverse(((end * 1e9) as Nanos, open)));
            played.push(one);
        }
        played
    }

    fn lane_end(&self, one: &Played, start: f64) -> f64 {
        one.end.unwrap_or(start + self.timeout).max(start + 1e-6)
    }

    fn stays_open(&self, one: &Played, draws: &mut Draws) -> bool {
        one.failure.is_none() && !draws.chance(self.closes)
    }

    fn request(
        &self,
        intended: Option<f64>,
        (start, open): (f64, bool),
        number: usize,
        server: &mut Server<'_>,
        lanes: &Lanes,
        draws: &mut Draws,
    ) -> Played {
        let Target { connect, tls, most_connections, last_worker, .. } = &self.target;
        let worker = number % self.workers;
        let about = |time: f64, draws: &mut Draws| time * (0.2 * draws.normal()).exp();
        let connected = (!open).then(|| (about(*connect, draws), tls.map(|tls| about(tls, draws))));
        let mut played = Played {
            worker,
            intended,
            start: Some(start),
            end: None,
            status: None,
            failure: None,
            connected,
        };
        let beyond = most_connections
            .filter(|(most, _)| !open && lanes.busy.len() + lanes.idle_open >= *most);
        match beyond {
            Some((_, false)) => {
                played.end = Some(start + connected.map_or(0.0, |it| it.0) + 0.0002);
                played.failure = Some(&RESET);
                return played;
            }
            Some((_, true)) => {
                (played.end, played.failure) = (Some(start + self.timeout), Some(&SILENT));
                return played;
            }
            None => {}
        }
        let handshake = connected.map_or(0.0, |(connect, tls)| connect + tls.unwrap_or(0.0));
        let factor = if worker + 1 == self.workers { *last_worker } else { 1.0 };
        let answer = server.answer(start + handshake, factor, draws);
        match answer.filter(|(end, _)| *end < start + self.timeout) {
            Some((end, status)) => (played.end, played.status) = (Some(end), Some(status)),
            None => (played.end, played.failure) = (Some(start + self.timeout), Some(&SILENT)),
        }
        played
    }

    fn record(&self, played: &[Played]) -> RunResult {
        const DRAIN: u64 = 5;
        let end = (self.seconds + DRAIN) as usize;
        let mut of_second: Vec<Vec<(usize, Moment)>> = (0..end).map(|_| Vec::new()).collect();
        let mut put = |at: Option<f64>, n: usize, what: Moment| {
            if let Some(second) = at.and_then(|at| of_second.get_mut(at as usize)) {
                second.push((n, what));
            }
        };
        for (n, one) in played.iter().enumerate() {
            put(one.intended, n, Moment::Due);
            put(one.start.or(one.intended), n, Moment::Start);
            put(one.end, n, Moment::End);
        }
        let loop_kind = match self.shape {
            Shape::Closed => LoopKind::Closed,
            _ => LoopKind::Open,
        };
        let plan = RunStart {
            scenario: json!({"timeoutSeconds": self.timeout, "connections": self.connections}),
            loop_kind,
            planned_seconds: (self.seconds + DRAIN) as f64,
            slack_ns: 100 * US,
            ..RunStart::default()
        };
        let (mut judge, mut builder) = (Judge::new(Vec::new(), &plan), ResultBuilder::new(plan));
        let mut recorders: Vec<_> = (0..self.workers).map(|_| Recorder::new()).collect();
        let mut totals: Vec<_> = (0..self.workers).map(|_| Interval::new()).collect();
        let (mut all, mut total) = (Interval::new(), Interval::new());
        let mut spare = Box::new(Interval::new());
        for (second, moments) in of_second.iter().enumerate() {
            let draining = second as u64 >= self.seconds;
            if draining && moments.is_empty() {
                break;
            }
            all.reset();
            for (n, what) in moments {
                note(&mut recorders[played[*n].worker], &played[*n], what);
            }
            for (recorder, total) in recorders.iter_mut().zip(&mut totals) {
                let health = &mut recorder.current_mut().health;
                health.measured(ThreadTime {
                    wall_ns: SECOND,
                    cpu_ns: 200 * MS,
                    run_delay_ns: Some(MS),
                    throttled_ns: Some(0),
                });
                health.load_ns += if draining { 0 } else { SECOND };
                (0..20).for_each(|_| health.pacer_lag.record(60 * US));
                spare.reset();
                spare = recorder.exchange(spare);
                all.merge(&spare);
                total.merge(&spare);
            }
            let from_ns = second as u64 * SECOND;
            let span = Span { from_ns, to_ns: from_ns + SECOND, draining };
            judge.interval(&all, span, 0);
            builder.interval(&all, span);
            total.merge(&all);
        }
        if self.workers > 1 {
            for (n, total) in totals.iter().enumerate() {
                judge.worker(WorkerTotals::of(format!("worker-{n}"), total));
            }
        }
        let ending = RunEnd { duration_ns: self.seconds * SECOND, ..RunEnd::default() };
        judge.judge(builder.build(&Snapshot { total, ..Snapshot::default() }, &ending))
    }
}

#[derive(Debug, Clone, Copy)]
enum Moment {
    Due,
    Start,
    End,
}

fn note(recorder: &mut Recorder, one: &Played, what: &Moment) {
    let nanos = |seconds: f64| (seconds * 1e9) as Nanos;
    let intended = one.intended.map(nanos);
    match (what, one.start) {
        (Moment::Due, _) => recorder.due(1),
        (Moment::Start, None) => recorder.dropped(DropReason::BacklogFull, 1),
        (Moment::Start, Some(start)) => {
            recorder.started(0, intended, nanos(start).max(intended.unwrap_or(0)));
            if let (Some((connect, tls)), None) = (one.connected, one.failure) {
                recorder.connected(nanos(connect), tls.map(nanos));
            }
        }
        (Moment::End, start) => {
            let (start, end) = (start.unwrap_or(0.0), one.end.unwrap_or(0.0));
            recorder.sample(&Sample {
                request: 0,
                intended,
                start: nanos(start).max(intended.unwrap_or(0)),
                end: nanos(end),
                first_byte: one.status.map(|_| nanos(end)),
                status: one.status,
                failure: one.failure,
                bytes_sent: 74,
                bytes_received: 850,
            });
        }
    }
}
