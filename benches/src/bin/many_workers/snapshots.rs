//! Turns one worker's run into its encoded snapshots, made once for all workers.
//!
//! All workers own equally large parts of a constant load, so their figures are equal and their
//! snapshots differ in the worker's id alone. Ids have one length: a worker's snapshot is the
//! template with its id written over that of nobody.

use bytes::Bytes;
use loadcore::cluster::WorkerId;
use loadcore::record::{Histogram, Interval, Merge, Snapshot};
use loadcore::time::SECOND;

/// Requests on the way at the end of each second but the last.
const IN_FLIGHT: u64 = 25;
/// Bytes of a request and of its reply.
const BYTES: (u64, u64) = (70, 230);
/// The load ends this much before its last reply, in nanoseconds.
const DRAIN: u64 = 3_000_000;

/// The templates of all seconds; the last is the final snapshot.
pub struct Snapshots {
    seconds: Vec<Template>,
    pub seconds_of_load: u64,
}

/// The figures after a second, and their encoding in the name of nobody.
struct Template {
    figures: Snapshot,
    bytes: Vec<u8>,
    /// Where the id begins: the numbers before it grow longer with the time.
    id_at: usize,
}

/// How durations spread: a logarithmic normal distribution with a tail of 1%.
#[derive(Clone, Copy)]
struct Spread {
    median_ns: f64,
    sigma: f64,
    tail: f64,
}

impl Snapshots {
    /// Of a worker with so many requests a second.
    pub fn new(rate: u64, seconds: u64) -> Self {
        let nobody = "w.".to_owned() + &"A".repeat(43);
        let mut total = Interval::new();
        let mut chance = Chance(7);
        let mut made = Vec::new();
        for second in 1..=seconds {
            add_second(&mut total, rate, second, &mut chance);
            let in_flight = IN_FLIGHT.min(rate);
            made.push(Template::new(figures(&nobody, &total, second, in_flight)));
        }
        // The last replies, and no later snapshot.
        let count = IN_FLIGHT.min(rate);
        add_outcomes(&mut total, count, &mut chance);
        let mut last = figures(&nobody, &total, seconds + 1, 0);
        (last.is_final, last.elapsed_ns) = (true, seconds * SECOND + DRAIN);
        made.push(Template::new(last));
        Self { seconds: made, seconds_of_load: seconds }
    }

    /// The figures and the bytes of a worker's snapshot `seq`, from 1; the last is final.
    pub fn of(&self, worker: &WorkerId, seq: u64) -> (&Snapshot, Bytes) {
        let Template { figures, bytes, id_at } = &self.seconds[seq as usize - 1];
        let mut bytes = bytes.clone();
        bytes[*id_at..id_at + worker.0.len()].copy_from_slice(worker.0.as_bytes());
        (figures, bytes.into())
    }

    /// For people.
    pub fn sizes(&self) -> String {
        let sizes = || self.seconds.iter().map(|it| it.bytes.len());
        let buckets = |it: &Interval| it.histograms.response.buckets().count();
        let last = &self.seconds[self.seconds.len() - 1];
        format!(
            "first {}, mean {}, last {} ({} buckets of response time in use)",
            self.seconds[0].bytes.len(),
            sizes().sum::<usize>() / self.seconds.len(),
            last.bytes.len(),
            buckets(&last.figures.total),
        )
    }
}

impl Template {
    fn new(figures: Snapshot) -> Self {
        let (bytes, nobody) = (figures.encode(), figures.worker.as_bytes());
        let id_at = bytes.windows(nobody.len()).position(|it| it == nobody);
        Self { id_at: id_at.expect("a snapshot names its worker"), bytes, figures }
    }
}

fn figures(nobody: &str, total: &Interval, second: u64, in_flight: u64) -> Snapshot {
    Snapshot {
        worker: nobody.to_owned(),
        epoch: 1,
        seq: second,
        elapsed_ns: second * SECOND,
        is_final: false,
        in_flight,
        backlog: 0,
        total: total.clone(),
        workers: Vec::new(),
        observed: Vec::new(),
    }
}

/// A second in which as many are answered as are sent, save those that are on the way at first.
fn add_second(total: &mut Interval, rate: u64, second: u64, chance: &mut Chance) {
    let on_the_way = if second == 1 { IN_FLIGHT.min(rate) } else { 0 };
    let lag = Spread { median_ns: 20e3, sigma: 0.7, tail: 400e3 };
    spread(&mut total.histograms.lag, lag, rate, chance);
    spread(
        &mut total.health.pacer_lag,
        Spread { median_ns: 10e3, sigma: 0.5, tail: 200e3 },
        rate / 10,
        chance,
    );
    if second == 1 {
        let connect = Spread { median_ns: 150e3, sigma: 0.3, tail: 3e6 };
        spread(&mut total.histograms.connect, connect, 64, chance);
        total.counters.connects += 64;
    }
    let counters = &mut total.counters;
    counters.due += rate;
    counters.sent += rate;
    counters.bytes_sent += rate * BYTES.0;
    let health = &mut total.health;
    (health.cpu_ns, health.wall_ns) = (health.cpu_ns + SECOND / 2, health.wall_ns + SECOND);
    (health.peak_cpu_ppm, health.clock_error_ns) = (520_000, 80_000);
    add_outcomes(total, rate - on_the_way, chance);
}

fn add_outcomes(total: &mut Interval, count: u64, chance: &mut Chance) {
    let service = Spread { median_ns: 280e3, sigma: 0.55, tail: 5e6 };
    let histograms = &mut total.histograms;
    spread(&mut histograms.service, service, count, chance);
    spread(&mut histograms.response, Spread { median_ns: 310e3, ..service }, count, chance);
    spread(&mut histograms.first_byte, Spread { median_ns: 270e3, ..service }, count, chance);
    total.counters.ok += count;
    total.counters.count_status(200, count);
    total.counters.bytes_received += count * BYTES.1;
}

/// Adds `count` durations: a thousand different draws, each standing for its part of them, so that
/// the counts are as rough and the histogram as full as a measured one.
fn spread(histogram: &mut Histogram, spread: Spread, count: u64, chance: &mut Chance) {
    const DRAWS: u64 = 4_000;
    let mut second = Histogram::new();
    let draws = count.min(DRAWS);
    for draw in 0..draws {
        let z = chance.normal();
        let median = if chance.unit() < 0.01 { spread.tail } else { spread.median_ns };
        let nanos = median * (spread.sigma * z).exp();
        let part = count * (draw + 1) / draws - count * draw / draws;
        second.record_n(nanos as u64, part);
    }
    histogram.merge(&second);
}

/// The same numbers in each run: those of a xorshift generator.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The sum of twelve is nearly normal, and has no logarithm of 0.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}
