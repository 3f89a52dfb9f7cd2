//! Turns the arrival of a request into the moment of its answer, and into whether it fails.
//!
//! Nothing here waits: every limit is arithmetic on moments. A line of requests before `workers` is
//! the list of the moments at which each worker is free again; a stall moves a moment to its end. So
//! what a target does is a formula, which a test can work out for itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::Plan;
use crate::config::{Cliff, Config, Failure, RateLimit, StallClock};
use crate::distribution::Stream;
use crate::time::{Nanos, SECOND, nanos};

/// The limits that all threads of a target share.
#[derive(Debug)]
pub(crate) struct Service {
    config: Config,
    /// Whether everything is answered at once, so that nothing has to be worked out.
    is_plain: bool,
    /// How many requests have drawn their numbers.
    drawn: AtomicU64,
    limits: Option<Mutex<Limits>>,
}

/// When and how a request is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) ready_at: Nanos,
    /// Whether a stall holds the answer.
    pub(crate) stalled: bool,
    /// In the place of the planned answer.
    pub(crate) failure: Option<Failure>,
}

impl Service {
    pub(crate) fn new(config: &Config) -> Self {
        let limited = config.rate_limit.is_some()
            || config.cliff.is_some()
            || config.workers.is_some()
            || config.service_rate.is_some();
        let timed =
            !config.stalls.is_empty() || !config.drift.is_zero() || config.cold_start.is_some();
        let drawing = !config.latency.is_none() || !config.errors.is_empty();
        Self {
            config: config.clone(),
            is_plain: !limited && !timed && !drawing,
            drawn: AtomicU64::new(0),
            limits: limited.then(|| Mutex::new(Limits::new(config))),
        }
    }

    /// Whether requests without a wish of their own are answered at once.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Decides over a request that was read at `now`; the first one was at `first`.
    pub(crate) fn admit(&self, plan: &Plan, now: Nanos, first: Nanos) -> Admission {
        if self.is_plain && plan.overrides.is_none() {
            return Admission { ready_at: now, stalled: false, failure: None };
        }
        let config = &self.config;
        let origin = if config.stall_clock == StallClock::Start { 0 } else { first };
        if let Some(status) = self.turned_away_by_rate(now).or_else(|| self.has_fallen_over(now)) {
            return self.held(now, origin, Some(Failure::Status(status)));
        }
        let overrides = plan.overrides.as_deref();
        let latency = overrides.and_then(|o| o.latency.as_ref()).unwrap_or(&config.latency);
        let errors = overrides.and_then(|o| o.errors.as_ref()).unwrap_or(&config.errors);
        // Relaxed: each request needs a number of its own, and no more.
        let index = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut delay = latency.delay_ns(config.draws, config.seed, index);
        let age = now.saturating_sub(origin);
        delay = delay.saturating_add((config.drift.as_secs_f64() * age as f64) as Nanos);
        if let Some(cold) = config.cold_start.as_ref().filter(|cold| age < nanos(cold.length)) {
            delay = delay.saturating_add(cold.latency.delay_ns(config.draws, config.seed, index));
        }
        let Some(ready) = self.through_the_line(now, delay) else {
            return self.held(now, origin, Some(Failure::Status(503)));
        };
        let failure = (!errors.is_empty())
            .then(|| errors.pick(config.draws.unit(config.seed, Stream::Failure, index)))
            .flatten();
        self.held(ready, origin, failure)
    }

    /// Begins anew: draws, buckets and lines.
    pub(crate) fn reset(&self) {
        self.drawn.store(0, Ordering::Relaxed);
        if let Some(limits) = &self.limits {
            *lock(limits) = Limits::new(&self.config);
        }
    }

    fn turned_away_by_rate(&self, now: Nanos) -> Option<u16> {
        let limit = self.config.rate_limit?;
        let taken = lock(self.limits.as_ref()?).take(limit, now);
        (!taken).then_some(limit.status)
    }

    fn has_fallen_over(&self, now: Nanos) -> Option<u16> {
        let cliff = self.config.cliff?;
        lock(self.limits.as_ref()?).fails(cliff, now).then_some(cliff.status)
    }

    /// When a request that came at `now` and takes `delay` is done; nothing where the line is full.
    fn through_the_line(&self, now: Nanos, delay: Nanos) -> Option<Nanos> {
        let limits = match &self.limits {
            Some(limits) if self.config.workers.is_some() || self.config.service_rate.is_some() => {
                limits
            }
            _ => return Some(now.saturating_add(delay)),
        };
        lock(limits).serve(&self.config, now, delay)
    }

    fn held(&self, ready: Nanos, origin: Nanos, failure: Option<Failure>) -> Admission {
        let mut ready_at = ready;
        // The end of one stall may lie in another one; each can move the moment once.
        for _ in &self.config.stalls {
            let since = ready_at.saturating_sub(origin);
            let ends = self.config.stalls.iter().filter_map(|stall| stall.end(since));
            let Some(end) = ends.max() else { break };
            ready_at = origin + end;
        }
        Admission { ready_at, stalled: ready_at != ready, failure }
    }
}

/// The limits that a request has to pass, one after the other.
///
/// Moments are floating point here: rounding 1/rate to whole nanoseconds would add up.
#[derive(Debug)]
struct Limits {
    /// The bucket of the rate limit would be full again at this moment.
    full_at: f64,
    /// Requests in the tenths of the last second, and which tenth the last of them is.
    tenths: [u64; 10],
    tenth: Nanos,
    /// It has fallen over, and fails until then.
    fails_until: Nanos,
    /// The one server of `service_rate` is free again at this moment.
    server_free: f64,
    /// Each of the `workers` is free again at this moment.
    workers_free: BinaryHeap<Reverse<Nanos>>,
    /// Those in line will leave it at these moments, ascending; kept where the line has a limit.
    leaving: VecDeque<Nanos>,
}

impl Limits {
    fn new(config: &Config) -> Self {
        let workers = config.workers.unwrap_or(0) as usize;
        Self {
            full_at: 0.0,
            tenths: [0; 10],
            tenth: 0,
            fails_until: 0,
            server_free: 0.0,
            workers_free: std::iter::repeat_n(Reverse(0), workers).collect(),
            leaving: VecDeque::new(),
        }
    }

    /// Takes a token of the bucket (the generic cell rate algorithm: full_at holds the whole state).
    fn take(&mut self, limit: RateLimit, now: Nanos) -> bool {
        let period = SECOND as f64 / limit.rate_per_sec;
        let full_at = self.full_at.max(now as f64) + period;
        // Half a nanosecond for the rounding of sums that should be equal.
        let fits = full_at - now as f64 <= period * limit.burst as f64 + 0.5;
        if fits {
            self.full_at = full_at;
        }
        fits
    }

    /// Counts a request at `now`, and answers whether the target has fallen over.
    fn fails(&mut self, cliff: Cliff, now: Nanos) -> bool {
        let tenth = now / (SECOND / 10);
        for passed in self.tenth + 1..=tenth.min(self.tenth + 10) {
            self.tenths[(passed % 10) as usize] = 0;
        }
        self.tenth = tenth.max(self.tenth);
        self.tenths[(self.tenth % 10) as usize] += 1;
        if now >= self.fails_until && self.tenths.iter().sum::<u64>() as f64 > cliff.rate_per_sec {
            self.fails_until = now + nanos(cliff.length);
        }
        now < self.fails_until
    }

    /// First come, first served, by `service_rate` and then by the first worker that is free.
    fn serve(&mut self, config: &Config, now: Nanos, delay: Nanos) -> Option<Nanos> {
        let (mut start, mut ready) = (now, now);
        let mut server_free = self.server_free;
        if let Some(rate) = config.service_rate {
            let from = server_free.max(now as f64);
            server_free = from + SECOND as f64 / rate;
            (start, ready) = (from as Nanos, server_free.round() as Nanos);
        }
        if let Some(Reverse(free)) = self.workers_free.peek() {
            start = ready.max(*free);
            ready = start;
        }
        if let Some(most) = config.queue {
            while self.leaving.front().is_some_and(|&at| at <= now) {
                self.leaving.pop_front();
            }
            if start > now {
                if self.leaving.len() >= most as usize {
                    return None;
                }
                self.leaving.push_back(start);
            }
        }
        self.server_free = server_free;
        let done = ready.saturating_add(delay);
        if let Some(mut free) = self.workers_free.peek_mut() {
            *free = Reverse(done);
        }
        Some(done)
    }
}

fn lock(limits: &Mutex<Limits>) -> MutexGuard<'_, Limits> {
    limits.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::plan;
    use crate::time::{MILLISECOND, NEVER};

    const MS: Nanos = MILLISECOND;

    fn ready(service: &Service, now: Nanos) -> Nanos {
        service.admit(&Plan::PLAIN, now, 0).ready_at
    }

    #[test]
    fn workers_serve_in_the_order_of_arrival() {
        let service = Service::new(&Config {
            latency: "10ms".parse().unwrap(),
            workers: Some(2),
            ..Config::default()
        });
        let done = [0, 1, 2, 3, 40].map(|ms| ready(&service, ms * MS) / MS);
        assert_eq!(done, [10, 11, 20, 21, 50]);
        service.reset();
        assert_eq!(ready(&service, 3 * MS), 13 * MS);
    }

    #[test]
    fn a_service_rate_does_not_round() {
        let config = Config { service_rate: Some(3_000_000.0), ..Config::default() };
        let service = Service::new(&config);
        let last = (0..3_000_000).map(|_| ready(&service, 0)).last();
        assert!(last.unwrap().abs_diff(SECOND) <= 1, "{last:?}");
    }

    #[test]
    fn a_service_rate_comes_before_the_workers() {
        let service = Service::new(&Config {
            latency: "10ms".parse().unwrap(),
            workers: Some(1),
            service_rate: Some(1000.0),
            ..Config::default()
        });
        assert_eq!([0, 0, 0].map(|ms| ready(&service, ms) / MS), [11, 21, 31]);
    }

    #[test]
    fn a_full_line_turns_away_with_503() {
        let service = Service::new(&Config {
            latency: "10ms".parse().unwrap(),
            workers: Some(1),
            queue: Some(2),
            ..Config::default()
        });
        let admit = |ms: Nanos| service.admit(&Plan::PLAIN, ms * MS, 0);
        let failures = [0, 1, 2, 3, 4, 10, 11].map(|ms| admit(ms).failure);
        let full = Some(Failure::Status(503));
        assert_eq!(failures, [None, None, None, full, full, None, full]);
        assert_eq!(admit(12).ready_at, 12 * MS, "who is turned away does not wait");
    }

    #[test]
    fn beyond_its_cliff_it_fails_for_a_time_and_then_takes_what_it_took() {
        let config = Config { cliff: "100/s,for=2s,status=502".parse().ok(), ..Config::default() };
        let service = Service::new(&config);
        let failed = |from: u64, rate: u64| {
            let at = |n| from * SECOND + n * SECOND / rate;
            let admit = |n| service.admit(&Plan::PLAIN, at(n), 0).failure;
            (0..rate).filter_map(admit).inspect(|it| assert_eq!(*it, Failure::Status(502))).count()
        };
        assert_eq!((failed(0, 90), failed(1, 90)), (0, 0));
        // Of the second before nearly all still count.
        let failed_at_once = failed(2, 200);
        assert!((150..=195).contains(&failed_at_once), "{failed_at_once}");
        assert_eq!((failed(3, 90), failed(6, 90)), (90, 0));
    }

    #[test]
    fn a_rate_limit_lets_through_its_rate_and_its_burst() {
        let config = Config { rate_limit: "1000/s,burst=5".parse().ok(), ..Config::default() };
        let service = Service::new(&config);
        let through = |from: Nanos, count: u64, gap: Nanos| {
            (0..count)
                .filter(|i| service.admit(&Plan::PLAIN, from + i * gap, 0).failure.is_none())
                .count()
        };
        assert_eq!(through(0, 20, 0), 5, "the burst");
        assert_eq!(through(SECOND, 2_000, MS / 2), 1_000 + 4, "twice the rate for a second");
        assert_eq!(through(3 * SECOND, 1_000, MS), 1_000, "just the rate");
    }

    #[test]
    fn stalls_hold_what_falls_due_in_them() {
        let service = Service::new(&Config {
            latency: "10ms".parse().unwrap(),
            stalls: vec![
                "at=100ms,for=50ms".parse().unwrap(),
                "at=150ms,for=10ms".parse().unwrap(),
            ],
            ..Config::default()
        });
        let first = 1000 * MS;
        let at = |ms: Nanos| {
            let admission = service.admit(&Plan::PLAIN, first + ms * MS, first);
            ((admission.ready_at - first) / MS, admission.stalled)
        };
        assert_eq!(at(89), (99, false));
        assert_eq!(at(90), (160, true), "the second stall begins where the first one ends");
        assert_eq!(at(149), (160, true));
        assert_eq!(at(150), (160, false));
    }

    #[test]
    fn drift_and_cold_start_add_to_the_latency() {
        let service = Service::new(&Config {
            drift: std::time::Duration::from_millis(10),
            cold_start: "for=1s,latency=100ms".parse().ok(),
            stall_clock: StallClock::Start,
            ..Config::default()
        });
        let delay = |ms: Nanos| (ready(&service, ms * MS) - ms * MS) / MS;
        assert_eq!([0, 999, 1000, 2000].map(delay), [100, 109, 10, 20]);
    }

    #[test]
    fn draws_and_errors_follow_from_the_index() {
        let config = Config {
            latency: "exp(5ms)".parse().unwrap(),
            errors: "10%:503".parse().unwrap(),
            seed: 7,
            ..Config::default()
        };
        let service = Service::new(&config);
        let take = || (0..1000).map(|_| service.admit(&Plan::PLAIN, 0, 0)).collect::<Vec<_>>();
        let admissions = take();
        for (index, admission) in admissions.iter().enumerate() {
            let delay = config.latency.delay(config.draws, 7, index as u64);
            assert_eq!(u128::from(admission.ready_at), delay.as_nanos());
        }
        let failed = admissions.iter().filter(|a| a.failure.is_some()).count();
        assert!((50..150).contains(&failed), "{failed}");
        service.reset();
        assert_eq!(take(), admissions);
    }

    #[test]
    fn a_query_is_stronger_than_the_configuration() {
        let config = Config { latency: "10ms".parse().unwrap(), ..Config::default() };
        let service = Service::new(&config);
        let admit = |target: &str| service.admit(&plan("GET", target), 0, 0);
        assert_eq!(admit("/?latency=5ms").ready_at, 5 * MS);
        assert_eq!(admit("/?errors=100%:close").failure, Some(Failure::Close));
        assert_eq!(admit("/?errors=100%:close").ready_at, 10 * MS);
        let plain = Service::new(&Config::default());
        assert!(plain.is_plain());
        assert_eq!(plain.admit(&plan("GET", "/delay/5ms"), 0, 0).ready_at, 5 * MS);
        assert_eq!(plain.admit(&Plan::PLAIN, 3, NEVER).ready_at, 3);
    }
}
