//! Turns the intervals of a run into one line on standard error that is written over.

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
/// Steps of the bar.
const STEPS: u64 = 1_000;

/// The line, and what it is made of.
pub(crate) struct Progress {
    bar: ProgressBar,
    plan: Plan,
    clock: Clock,
    latest: Arc<Mutex<Latest>>,
    stopping: bool,
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
    /// A line that is not drawn yet. Time counts from now.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr());
        // The template is ours, and is known to be one.
        if let Ok(style) = ProgressStyle::with_template("{prefix:7} {bar:20} {wide_msg}") {
            bar.set_style(style.progress_chars("━╸─"));
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
        Self { bar, plan, clock: Clock::start(), latest: Arc::default(), stopping: false }
    }

    /// What has to see each interval of the run.
    pub(crate) fn observer(&self) -> impl FnMut(&ClosedInterval<'_>) + Send + 'static {
        let latest = Arc::clone(&self.latest);
        move |closed| {
            let new = Latest::of(closed);
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
    }

    /// The run is being ended before its time.
    pub(crate) fn stopping(&mut self) {
        self.stopping = true;
        self.draw();
    }

    /// Draws the line as it is now.
    pub(crate) fn draw(&self) {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line = self.plan.line(&latest, self.clock.now(), self.stopping);
        self.bar.set_prefix(line.phase);
        self.bar.set_position((line.part.clamp(0.0, 1.0) * STEPS as f64) as u64);
        self.bar.set_message(line.message);
        self.bar.tick();
    }

    /// Takes the line away.
    pub(crate) fn clear(self) {
        self.bar.finish_and_clear();
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

#[derive(Debug, PartialEq)]
struct Line {
    phase: &'static str,
    /// Of the bar, 0 to 1.
    part: f64,
    message: String,
}

impl Plan {
    /// The line at `now`, counted from the start of the warm-up.
    fn line(&self, latest: &Latest, now: Nanos, stopping: bool) -> Line {
        if stopping {
            let message = format!("{} in flight; Ctrl-C again ends it at once", latest.in_flight);
            return Line { phase: "stop", part: 1.0, message };
        }
        if now < self.warmup {
            let message = format!("{}  not counted", of(now, self.warmup));
            return Line { phase: "warm-up", part: part(now, self.warmup), message };
        }
        let now = now - self.warmup;
        let over = self.duration.is_some_and(|duration| now >= duration);
        if over || latest.draining {
            let since = now.saturating_sub(self.duration.unwrap_or(now));
            let message =
                format!("{}  {} in flight", of(since, self.drain), count(latest.in_flight));
            return Line { phase: "drain", part: part(since, self.drain), message };
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
        let message = format!("{gone}  {}", latest.figures(self.is_open));
        Line { phase: "run", part: by_time.max(by_requests), message }
    }
}

impl Latest {
    fn figures(&self, is_open: bool) -> String {
        let Some(per_second) = self.rate else { return String::new() };
        let mut figures = vec![
            rate(per_second),
            format!("p99 {}", time(self.p99_ms)),
            format!("{} errors", count(self.failed)),
        ];
        if is_open {
            figures.push(format!("{} dropped", count(self.dropped)));
            figures.push(format!("{} waiting", count(self.backlog)));
        }
        figures.join("  ")
    }
}

fn part(now: Nanos, whole: Nanos) -> f64 {
    if whole == 0 { 1.0 } else { now as f64 / whole as f64 }
}

/// `3 s of 10 s`, `0:42 of 5:00`, `1:02:03 of 24:00:00`.
fn of(now: Nanos, whole: Nanos) -> String {
    let (now, whole) = (seconds(now.min(whole)), seconds(whole));
    if whole < 60.0 {
        return format!("{now:.0} s of {} s", (whole * 10.0).round() / 10.0);
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
        let line = |now, stopping| {
            let Line { phase, part, message } = plan().line(&latest(), now, stopping);
            format!("{phase} {part:.2} {message}")
        };
        assert_eq!(line(SECOND, false), "warm-up 0.50 1 s of 2 s  not counted");
        assert_eq!(
            line(7 * SECOND, false),
            "run 0.50 5 s of 10 s  1,000/s  p99 3.21 ms  7 errors  0 dropped  12 waiting"
        );
        assert_eq!(line(13 * SECOND, false), "drain 0.20 1 s of 5 s  3 in flight");
        assert_eq!(line(3 * SECOND, true), "stop 1.00 3 in flight; Ctrl-C again ends it at once");
    }

    #[test]
    fn a_number_of_requests_is_a_measure_too() {
        let plan = Plan { duration: None, requests: Some(8_000), is_open: false, ..plan() };
        let line = plan.line(&latest(), 3 * SECOND, false);
        assert_eq!(line.part, 0.5);
        assert_eq!(line.message, "4,000 of 8,000 requests  1,000/s  p99 3.21 ms  7 errors");
        let drain = plan.line(&Latest { draining: true, ..latest() }, 4 * SECOND, false);
        assert_eq!((drain.phase, drain.message.as_str()), ("drain", "0 s of 5 s  3 in flight"));
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        assert_eq!(of(42 * SECOND, 300 * SECOND), "0:42 of 5:00");
        assert_eq!(of(3_723 * SECOND, 86_400 * SECOND), "1:02:03 of 24:00:00");
        assert_eq!(of(SECOND, SECOND / 2), "0 s of 0.5 s");
    }
}
