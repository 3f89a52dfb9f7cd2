//! Plays a search against a target that is a formula, in virtual time: one server that takes the same time for
//! each request, and a line before it. How much it can take is computed.

use super::{Capacity, Search, Step, Wanted};
use crate::analysis::bottleneck::model::Draws;
use crate::record::{Interval, Recorder, Sample, ThreadTime};
use crate::result::{RunStart, Span};
use crate::time::{MILLISECOND as MS, Nanos, SECOND};
use std::collections::VecDeque;
use std::time::Duration;

/// A target, and how it is loaded.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) seed: u64,
    pub(super) poisson: bool,
    /// What each request takes, in seconds.
    pub(super) service: f64,
    /// Where more than so many wait, the next is answered with 503 at once.
    pub(super) most_waiting: Option<usize>,
    /// From this rate on the generator has no processor left, and is late.
    pub(super) generator: Option<f64>,
    /// In this second of the run the target stands still.
    pub(super) hiccup: Option<u64>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            seed: 1,
            poisson: false,
            service: 0.005,
            most_waiting: None,
            generator: None,
            hiccup: None,
        }
    }
}

/// What happens in a search of this model.
pub(super) struct Play {
    pub(super) search: Search,
    model: Model,
    draws: Draws,
    recorder: Recorder,
    second: u64,
    rate: f64,
    /// Demand until the next arrival.
    until_next: f64,
    /// When the server is free, in seconds.
    free: f64,
    /// Intended start and end of what is under way, and its status.
    under_way: VecDeque<(f64, f64, u16)>,
}

impl Model {
    pub(super) fn search(&self, slo: &str, max_rate: f64) -> Capacity {
        self.lasting(slo, max_rate, Wanted::USUAL_DURATION)
    }

    pub(super) fn lasting(&self, slo: &str, max_rate: f64, duration: Duration) -> Capacity {
        let mut play = self.begin(slo, max_rate, duration);
        while play.second() {}
        play.search.capacity()
    }

    pub(super) fn begin(&self, slo: &str, max_rate: f64, duration: Duration) -> Play {
        let wanted = Wanted { slo: slo.into(), max_rate, duration };
        let search = Search::new(&wanted, RunStart::default()).unwrap();
        Play {
            rate: search.first_rate(),
            search,
            model: self.clone(),
            draws: Draws::new(self.seed),
            recorder: Recorder::new(),
            second: 0,
            until_next: 0.5,
            free: 0.0,
            under_way: VecDeque::new(),
        }
    }
}

impl Play {
    /// Plays a second, and does what is wanted then: with the notice that a driver gives.
    pub(super) fn second(&mut self) -> bool {
        let begin = self.second as f64;
        let mut from = begin;
        match self.search.wants() {
            Step::End => return false,
            Step::GoOn => {}
            Step::Offer(rate) => {
                from += 0.02;
                self.arrive(begin, from);
                self.rate = rate;
                self.search.offered(nanos(from), rate);
            }
        }
        self.arrive(from, begin + 1.0);
        self.end(begin + 1.0);
        let interval = self.interval();
        let from_ns = self.second * SECOND;
        let span = Span { from_ns, to_ns: from_ns + SECOND, draining: false };
        self.search.interval(&interval, span);
        self.second += 1;
        assert!(self.second < 4_000, "it does not end");
        true
    }

    fn arrive(&mut self, from: f64, to: f64) {
        let mut at = from;
        while self.rate > 0.0 && at + self.until_next / self.rate < to {
            at += self.until_next / self.rate;
            self.until_next = if self.model.poisson { self.draws.exponential() } else { 1.0 };
            self.request(at);
        }
        self.until_next -= self.rate * (to - at);
    }

    fn request(&mut self, at: f64) {
        self.recorder.due(1);
        self.recorder.started(0, Some(nanos(at)), nanos(at));
        // A generator that has no processor left is late by more and more.
        let late = self.model.generator.map_or(0.0, |most| (self.rate / most - 1.0).max(0.0));
        let at_target = at + late;
        let waiting =
            self.under_way.iter().rev().take_while(|(_, end, _)| *end > at_target).count();
        if self.model.most_waiting.is_some_and(|most| waiting > most) {
            self.under_way.push_back((at, at_target + 0.0002, 503));
            return;
        }
        if self.model.hiccup == Some(at as u64) {
            self.free = self.free.max(at.floor() + 1.0);
        }
        self.free = self.free.max(at_target) + self.model.service;
        self.under_way.push_back((at, self.free, 200));
    }

    /// Records what has ended by then.
    fn end(&mut self, by: f64) {
        let ended: Vec<_> = self.under_way.iter().copied().filter(|it| it.1 <= by).collect();
        self.under_way.retain(|it| it.1 > by);
        for (at, end, status) in ended {
            self.recorder.sample(&Sample {
                request: 0,
                intended: Some(nanos(at)),
                start: nanos(at),
                end: nanos(end),
                first_byte: Some(nanos(end)),
                status: Some(status),
                failure: None,
                bytes_sent: 1,
                bytes_received: 1,
            });
        }
    }

    fn interval(&mut self) -> Interval {
        let is_busy = self.model.generator.is_some_and(|most| self.rate >= most);
        let cpu_ns = if is_busy { 990 * MS } else { 200 * MS };
        let time =
            ThreadTime { wall_ns: SECOND, cpu_ns, run_delay_ns: Some(MS), throttled_ns: Some(0) };
        self.recorder.current_mut().health.measured(time);
        *self.recorder.exchange(Box::default())
    }
}

fn nanos(seconds: f64) -> Nanos {
    (seconds * SECOND as f64) as Nanos
}

/// The rate up to which a share `quantile` of the requests takes no more than `bound` seconds, where arrivals
/// are Poisson's.
pub(super) fn md1_capacity(service: f64, quantile: f64, bound: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0 / service);
    for _ in 0..60 {
        let rate = f64::midpoint(low, high);
        if waits_at_most(rate, service, bound - service) >= quantile {
            low = rate;
        } else {
            high = rate;
        }
    }
    low
}

/// The share of requests that wait for no longer than `time` in M/D/1: A. K. Erlang, "The theory of
/// probabilities and telephone conversations", 1909; for several servers C. D. Crommelin, "Delay probability
/// formulae when the holding times are constant", 1932. The terms alternate, so a wait of more than some thirty
/// requests is beyond the digits of a double.
fn waits_at_most(rate: f64, service: f64, time: f64) -> f64 {
    let terms = (time / service).floor() as u32;
    assert!(terms <= 30, "{terms} terms");
    let mut sum = 0.0;
    for k in 0..=terms {
        let x = rate * (f64::from(k) * service - time);
        let factorial: f64 = (1..=k).map(f64::from).product();
        sum += x.powi(k as i32) / factorial * (-x).exp();
    }
    (1.0 - rate * service) * sum
}

#[test]
fn the_formula_is_what_the_model_does() {
    let (rate, service) = (160.0, 0.005);
    let model = Model { poisson: true, service, ..Model::default() };
    let mut play = model.begin("p99<1h", 1e6, Wanted::MOST_DURATION);
    play.rate = rate;
    for second in 0..3_000 {
        play.arrive(f64::from(second), f64::from(second + 1));
        play.end(f64::from(second + 1));
    }
    let histogram = play.interval().histograms.response;
    for bound in [0.005_1, 0.01, 0.02, 0.04, 0.06] {
        let counted = histogram.count_up_to(nanos(bound)) as f64 / histogram.count() as f64;
        let computed = waits_at_most(rate, service, bound - service);
        assert!((counted - computed).abs() < 0.01, "{bound}: {counted} {computed}");
    }
}
