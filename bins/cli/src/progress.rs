//! Turns the intervals of a run into one line on standard error that is written over.

use crate::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use loadcore::record::Interval;
use loadcore::report::format::{count, rate, time};
use loadcore::run::ClosedInterval;
use loadcore::scenario::{Scenario, limits};
use loadcore::time::{Clock, Nanos, nanos, seconds};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the line is drawn.
pub(crate) const REFRESH: Duration = Duration::from_millis(100);
/// Characters of the bar: short enough for the figures to find their place in 80 columns.
const BAR: usize = 10;

/// The line, and what it is made of.
pub(crate) struct Progress {
    bar: ProgressBar,
    plan: Plan,
    clock: Clock,
    latest: Arc<Mutex<Latest>>,
}

/// What is known before the run.
#[derive(Debug, Clone)]
struct Plan {
    warmup: Nanos,
    /// `None`: a number of requests alone ends it.
    duration: Option<Nanos>,
    drain: Nanos,
    requests: Option<u64>,
    is_open: bool,
}

/// What is known of the run.
#[derive(Debug, Clone, Default)]
struct Latest {
    /// Nothing falls due any more.
    draining: bool,
    sent: u64,
    failed: u64,
    dropped: u64,
    backlog: u64,
    in_flight: u64,
    /// Of the last interval.
    rate: Option<f64>,
    p99_ms: Option<f64>,
}

impl Progress {
    /// A line that is not drawn yet.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // Everything is in the message, because each thing that is set on its own draws a line of
        // which the rest is not set yet. The template is ours, and is known to be one.
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        let endless = scenario.max_requests.is_some()
            && scenario.duration.as_secs_f64() >= limits::MAX_DURATION_SECONDS;
        let plan = Plan {
            warmup: nanos(scenario.warmup),
            duration: (!endless).then(|| nanos(scenario.duration)),
            drain: nanos(scenario.drain),
            requests: scenario.max_requests,
            is_open: scenario.load.is_open(),
        };
        Self { bar, plan, clock: Clock::start(), latest: Arc::default() }
    }

    /// The load begins: time counts from now.
    pub(crate) fn begin(&mut self) {
        self.clock = Clock::start();
    }

    /// What has to see each interval of the run.
    pub(crate) fn observer(&self) -> impl FnMut(&ClosedInterval<'_>) + Send + 'static {
        let latest = Arc::clone(&self.latest);
        move |closed| {
            let new = Latest::of(closed);
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
    }

    /// Draws the line as it is now.
    pub(crate) fn draw(&self) {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.bar.set_message(self.plan.line(&latest, self.clock.now()));
    }

    /// Takes the line away.
    pub(crate) fn clear(self) {
        self.bar.finish_and_clear();
    }

    /// Leaves the line as it is, after a Ctrl-C: the terminal has shown that one behind it, so that
    /// it can no longer be written over.
    pub(crate) fn leave(self) {
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
        terminal::tell("\nstopping; Ctrl-C again ends it at once");
    }
}

impl Latest {
    fn of(closed: &ClosedInterval<'_>) -> Self {
        let ClosedInterval { interval, span, total, .. } = closed;
        let length = seconds(span.to_ns.saturating_sub(span.from_ns));
        let counters = &total.total.counters;
        Self {
            draining: span.draining,
            sent: counters.sent,
            failed: counters.failed,
            dropped: counters.dropped_total(),
            backlog: total.backlog,
            in_flight: total.in_flight,
            rate: (length > 0.0).then(|| interval.counters.outcomes() as f64 / length),
            p99_ms: p99_ms(interval),
        }
    }
}

fn p99_ms(interval: &Interval) -> Option<f64> {
    interval.histograms.response.quantile(0.99).map(|nanos| nanos as f64 / 1e6)
}

impl Plan {
    /// The line at `now`, counted from the start of the warm-up.
    fn line(&self, latest: &Latest, now: Nanos) -> String {
        let in_flight = count(latest.in_flight);
        let backlog = count(latest.backlog);
        if now < self.warmup {
            let bar = bar(part(now, self.warmup));
            return format!("{bar} warm-up, not counted: {}", of(now, self.warmup));
        }
        let now = now - self.warmup;
        let over = self.duration.is_some_and(|duration| now >= duration);
        if over || latest.draining {
            let since = now.saturating_sub(self.duration.unwrap_or(now));
            let bar = bar(part(since, self.drain));
            let time = of(since, self.drain);
            return format!("{bar} drain: {time}  backlog {backlog}, {in_flight} in flight");
        }
        let by_requests =
            self.requests.map_or(0.0, |requests| latest.sent as f64 / requests as f64);
        let by_time = self.duration.map_or(0.0, |duration| part(now, duration));
        let gone = match (self.duration, self.requests) {
            (None, Some(requests)) => {
                format!("{} of {} requests", count(latest.sent), count(requests))
            }
            (duration, _) => of(now, duration.unwrap_or(now)),
        };
        let bar = bar(by_time.max(by_requests));
        format!("{bar} {gone}{}", latest.figures(self.is_open))
    }
}

impl Latest {
    fn figures(&self, is_open: bool) -> String {
        let Some(per_second) = self.rate else { return String::new() };
        let mut figures = format!(
            "  {}  p99 {}  errors {}",
            rate(per_second),
            time(self.p99_ms),
            count(self.failed)
        );
        if is_open {
            let (dropped, backlog) = (count(self.dropped), count(self.backlog));
            figures.push_str(&format!("  dropped {dropped}  backlog {backlog}"));
        }
        figures
    }
}

fn part(now: Nanos, whole: Nanos) -> f64 {
    if whole == 0 { 1.0 } else { now as f64 / whole as f64 }
}

/// A bar of which `part`, 0 to 1, is full.
fn bar(part: f64) -> String {
    let halves = (part.clamp(0.0, 1.0) * (2 * BAR) as f64) as usize;
    let (full, half) = (halves / 2, halves % 2);
    format!("{}{}{}", "━".repeat(full), "╸".repeat(half), "─".repeat(BAR - full - half))
}

/// `3 s of 10 s`, `0:42 of 5:00`, `1:02:03 of 24:00:00`.
fn of(now: Nanos, whole: Nanos) -> String {
    let (now, whole) = (seconds(now.min(whole)), seconds(whole));
    if whole < 60.0 {
        return format!("{:.0} s of {} s", now.floor(), (whole * 10.0).round() / 10.0);
    }
    let clock = |seconds: f64| {
        let seconds = seconds.floor() as u64;
        let (h, m, s) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        if whole < 3_600.0 { format!("{m}:{s:02}") } else { format!("{h}:{m:02}:{s:02}") }
    };
    format!("{} of {}", clock(now), clock(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadcore::time::SECOND;

    fn plan() -> Plan {
        Plan {
            warmup: 2 * SECOND,
            duration: Some(10 * SECOND),
            drain: 5 * SECOND,
            requests: None,
            is_open: true,
        }
    }

    fn latest() -> Latest {
        Latest {
            draining: false,
            sent: 4_000,
            failed: 7,
            dropped: 0,
            backlog: 12,
            in_flight: 3,
            rate: Some(1_000.0),
            p99_ms: Some(3.21),
        }
    }

    #[test]
    fn each_phase_has_its_line() {
        let line = |now| plan().line(&latest(), now);
        assert_eq!(line(SECOND), "━━━━━───── warm-up, not counted: 1 s of 2 s");
        assert_eq!(
            line(7 * SECOND + SECOND / 2),
            "━━━━━╸──── 5 s of 10 s  1,000/s  p99 3.21 ms  errors 7  dropped 0  backlog 12"
        );
        assert_eq!(line(13 * SECOND), "━━──────── drain: 1 s of 5 s  backlog 12, 3 in flight");
    }

    #[test]
    fn a_number_of_requests_is_a_measure_too() {
        let plan = Plan { duration: None, requests: Some(8_000), is_open: false, ..plan() };
        let line = plan.line(&latest(), 3 * SECOND);
        let expected = "━━━━━───── 4,000 of 8,000 requests  1,000/s  p99 3.21 ms  errors 7";
        assert_eq!(line, expected);
        let drain = plan.line(&Latest { draining: true, ..latest() }, 4 * SECOND);
        assert_eq!(drain, "────────── drain: 0 s of 5 s  backlog 12, 3 in flight");
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        assert_eq!(of(42 * SECOND, 300 * SECOND), "0:42 of 5:00");
        assert_eq!(of(3_723 * SECOND, 86_400 * SECOND), "1:02:03 of 24:00:00");
        assert_eq!(of(SECOND, SECOND / 2), "0 s of 0.5 s");
    }
}
