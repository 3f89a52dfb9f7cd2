//! Turns the intervals of a run, or what a platform says of one, into one line on standard error that
//! is written over.

use crate::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use loadcore::record::Interval;
use loadcore::report::format::{count, rate, time};
use loadcore::run::ClosedInterval;
use loadcore::scenario::Scenario;
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
    plan: Expected,
    clock: Clock,
    latest: Arc<Mutex<Latest>>,
}

/// What is known before the run.
#[derive(Debug, Clone)]
struct Expected {
    warmup: Nanos,
    /// `None`: a number of requests alone ends it.
    duration: Option<Nanos>,
    drain: Nanos,
    requests: Option<u64>,
    is_open: bool,
}

/// What is known of the run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latest {
    pub(crate) phase: Phase,
    /// How much was measured, where that is not seen by this machine's clock.
    pub(crate) measured_seconds: Option<f64>,
    /// What it waits for beside its own time, and for how long yet.
    pub(crate) waiting: Option<String>,
    /// Who makes the load, where it is not this machine alone.
    pub(crate) workers: Option<u64>,
    pub(crate) sent: u64,
    pub(crate) failed: u64,
    pub(crate) dropped: u64,
    pub(crate) backlog: u64,
    pub(crate) in_flight: u64,
    /// Of the last interval.
    pub(crate) rate: Option<f64>,
    /// Percentage of ok among what ended in it.
    pub(crate) success: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Load is made.
    #[default]
    Load,
    /// Nothing falls due any more.
    Drain,
    /// Something else, in a word: `preparing`, `paused`.
    Other(String),
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
        let plan = Expected {
            warmup: nanos(scenario.warmup),
            duration: scenario.end().duration().map(nanos),
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

    /// What sets what the line shows, for a run that is elsewhere.
    pub(crate) fn setter(&self) -> impl Fn(Latest) + 'static {
        let latest = Arc::clone(&self.latest);
        move |new| *latest.lock().unwrap_or_else(PoisonError::into_inner) = new
    }

    /// What tells something beside the line.
    pub(crate) fn teller(&self) -> Teller {
        Teller(self.bar.clone())
    }

    /// Draws the line as it is now.
    pub(crate) fn draw(&self) {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let measured =
            latest.measured_seconds.map(|seconds| self.plan.warmup + (seconds * 1e9) as Nanos);
        self.bar.set_message(self.plan.line(&latest, measured.unwrap_or_else(|| self.clock.now())));
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

/// Tells something above the line, which it would otherwise be written into.
pub(crate) struct Teller(ProgressBar);

impl Teller {
    pub(crate) fn tell(&self, text: &str) {
        self.0.suspend(|| terminal::tell(text));
    }
}

impl Latest {
    fn of(closed: &ClosedInterval<'_>) -> Self {
        let ClosedInterval { interval, span, total, .. } = closed;
        let length = seconds(span.to_ns.saturating_sub(span.from_ns));
        let counters = &total.total.counters;
        Self {
            phase: if span.draining { Phase::Drain } else { Phase::Load },
            measured_seconds: None,
            waiting: None,
            workers: None,
            sent: counters.sent,
            failed: counters.failed,
            dropped: counters.dropped_total(),
            backlog: total.backlog,
            in_flight: total.in_flight,
            rate: (length > 0.0).then(|| interval.counters.outcomes() as f64 / length),
            success: success(interval),
            p99_ms: p99_ms(interval),
        }
    }
}

fn success(interval: &Interval) -> Option<f64> {
    let ended = interval.counters.outcomes();
    (ended > 0).then(|| 100.0 * interval.counters.ok as f64 / ended as f64)
}

fn p99_ms(interval: &Interval) -> Option<f64> {
    interval.histograms.response.quantile(0.99).map(|nanos| nanos as f64 / 1e6)
}

impl Expected {
    /// The line at `now`, counted from the start of the warm-up.
    fn line(&self, latest: &Latest, now: Nanos) -> String {
        let line = self.progress(latest, now);
        match &latest.waiting {
            Some(waiting) => format!("{line}: {waiting}"),
            None => line,
        }
    }

    fn progress(&self, latest: &Latest, now: Nanos) -> String {
        let in_flight = count(latest.in_flight);
        let backlog = count(latest.backlog);
        if let Phase::Other(word) = &latest.phase {
            return format!("{} {word}", bar(0.0));
        }
        if now < self.warmup {
            let bar = bar(part(now, self.warmup));
            return format!("{bar} warm-up, not counted: {}", of(now, self.warmup));
        }
        let now = now - self.warmup;
        let over = self.duration.is_some_and(|duration| now >= duration);
        if over || latest.phase == Phase::Drain {
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
        let errors = count(self.failed);
        let mut figures = match self.success {
            // How fast they fail is no speed of the target.
            Some(success) if success < 50.0 => {
                let (failing, ok) = ((100.0 - success).floor(), rate(per_second * success / 100.0));
                format!("  {failing:.0}% failing  {ok} ok  errors {errors}")
            }
            _ => format!("  {}  p99 {}  errors {errors}", rate(per_second), time(self.p99_ms)),
        };
        if is_open {
            let (dropped, backlog) = (count(self.dropped), count(self.backlog));
            figures.push_str(&format!("  dropped {dropped}  backlog {backlog}"));
        }
        match self.workers {
            None => {}
            Some(1) => figures.push_str("  1 worker"),
            Some(workers) => figures.push_str(&format!("  {} workers", count(workers))),
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

    fn plan() -> Expected {
        Expected {
            warmup: 2 * SECOND,
            duration: Some(10 * SECOND),
            drain: 5 * SECOND,
            requests: None,
            is_open: true,
        }
    }

    fn latest() -> Latest {
        Latest {
            phase: Phase::Load,
            measured_seconds: None,
            waiting: None,
            workers: None,
            sent: 4_000,
            failed: 7,
            dropped: 0,
            backlog: 12,
            in_flight: 3,
            rate: Some(1_000.0),
            success: Some(99.3),
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
    fn failures_are_not_shown_as_speed() {
        let figures = |success| Latest { success, ..latest() }.figures(false);
        assert_eq!(figures(Some(40.0)), "  60% failing  400/s ok  errors 7");
        assert_eq!(figures(Some(0.0)), "  100% failing  0/s ok  errors 7");
        assert_eq!(figures(Some(50.0)), "  1,000/s  p99 3.21 ms  errors 7");
        assert_eq!(figures(None), "  1,000/s  p99 3.21 ms  errors 7");
    }

    #[test]
    fn a_number_of_requests_is_a_measure_too() {
        let plan = Expected { duration: None, requests: Some(8_000), is_open: false, ..plan() };
        let line = plan.line(&latest(), 3 * SECOND);
        let expected = "━━━━━───── 4,000 of 8,000 requests  1,000/s  p99 3.21 ms  errors 7";
        assert_eq!(line, expected);
        let drain = plan.line(&Latest { phase: Phase::Drain, ..latest() }, 4 * SECOND);
        assert_eq!(drain, "────────── drain: 0 s of 5 s  backlog 12, 3 in flight");
    }

    #[test]
    fn a_run_elsewhere_says_who_makes_its_load_and_what_it_waits_for() {
        let plan = plan();
        let running = Latest { workers: Some(4), ..latest() };
        assert!(plan.line(&running, 7 * SECOND).ends_with("dropped 0  backlog 12  4 workers"));
        let waiting = Latest { phase: Phase::Other("preparing".into()), ..latest() };
        assert_eq!(plan.line(&waiting, 0), "────────── preparing");
        let what = Some("waits for 1 of 2 workers, 600 s at most".to_owned());
        let queued = Latest { phase: Phase::Other("queued".into()), waiting: what, ..latest() };
        let line = "────────── queued: waits for 1 of 2 workers, 600 s at most";
        assert_eq!(plan.line(&queued, 0), line);
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        assert_eq!(of(42 * SECOND, 300 * SECOND), "0:42 of 5:00");
        assert_eq!(of(3_723 * SECOND, 86_400 * SECOND), "1:02:03 of 24:00:00");
        assert_eq!(of(SECOND, SECOND / 2), "0 s of 0.5 s");
    }
}
