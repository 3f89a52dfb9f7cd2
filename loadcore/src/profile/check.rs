//! Holds the numbers of a load profile type against their limits and the run's duration.

use super::fault::number;
use super::{Burst, Faults, MAX_DURATION_SECONDS, MAX_RATE, Point, Profile, ProfileType, Step};

/// The most bursts of a BURST profile.
pub const MAX_BURSTS: usize = 1_000;
/// The most steps of a STEPS profile.
pub const MAX_STEPS: usize = 10_000;
/// The most points of a REPLAY profile.
pub const MAX_POINTS: usize = 100_000;
/// The shortest wave of a SINE profile, in seconds.
pub const MIN_PERIOD_SECONDS: f64 = 0.001;

/// Times that somebody added up from decimal fractions may miss the duration by this much.
const TOLERANCE_SECONDS: f64 = 1e-6;

impl ProfileType {
    /// All that is wrong with it, its defaults being filled in. An infinite `duration` means that
    /// it is not known: then nothing can be said to run past it.
    pub(crate) fn faults(&self, duration: f64) -> Faults {
        let mut check = Check { faults: Faults::default(), duration };
        match self {
            Self::Constant { initial_rps } => check.rate("initialRps", *initial_rps),
            Self::Ramp { initial_rps, target_rps, ramp_up_seconds } => {
                check.rate("initialRps", *initial_rps);
                check.rate("targetRps", *target_rps);
                check.moment("rampUpSeconds", ramp_up_seconds.unwrap_or(0.0));
            }
            Self::Burst { initial_rps, bursts } => check.bursts(*initial_rps, bursts),
            Self::Spike { initial_rps, target_rps, spike_start_second, spike_duration_seconds } => {
                check.rate("initialRps", *initial_rps);
                check.rate("targetRps", *target_rps);
                let start = spike_start_second.unwrap_or(0.0);
                let length = spike_duration_seconds.unwrap_or(1.0);
                check.span(("spikeStartSecond", start), ("spikeDurationSeconds", length));
            }
            Self::Steps { steps } => check.steps(steps),
            Self::Sine { initial_rps, amplitude_rps, period_seconds } => {
                check.wave(*initial_rps, *amplitude_rps, *period_seconds);
            }
            Self::Replay { points } => check.points(points),
        }
        if check.faults.is_empty() && self.curve().demand(duration.min(MAX_DURATION_SECONDS)) <= 0.0
        {
            check.faults.add("", "the rate is 0 throughout; it may be 0 for a time only");
        }
        check.faults
    }
}

/// The faults of one profile, and what it is held against. Paths are relative to the profile.
struct Check {
    faults: Faults,
    duration: f64,
}

impl Check {
    fn rate(&mut self, path: &str, rps: f64) {
        if !(0.0..=MAX_RATE).contains(&rps) {
            let message =
                format!("{} is not a rate; give 0 to {MAX_RATE} requests per second", number(rps));
            self.faults.add(path, message);
        }
    }

    /// A moment of the run, or a length that begins at 0. Returns whether it is one.
    fn moment(&mut self, path: &str, seconds: f64) -> bool {
        if seconds.is_finite() && seconds >= 0.0 {
            return self.within_run(path, seconds);
        }
        self.faults.add(path, format!("{} is not a time; give 0 seconds or more", number(seconds)));
        false
    }

    fn within_run(&mut self, path: &str, until: f64) -> bool {
        if until <= self.duration + TOLERANCE_SECONDS {
            return true;
        }
        let (until, end) = (number(until), number(self.duration));
        self.faults
            .add(path, format!("runs to second {until}, past the run's end at second {end}"));
        false
    }

    /// How long something lasts. Returns whether that is above 0.
    fn length(&mut self, path: &str, seconds: f64) -> bool {
        let long = seconds.is_finite() && seconds > 0.0;
        if !long {
            let message = format!("{} is not a duration; give seconds above 0", number(seconds));
            self.faults.add(path, message);
        }
        long
    }

    /// What begins at a moment and lasts a while, each with its path.
    fn span(&mut self, start: (&str, f64), length: (&str, f64)) {
        let begins = self.moment(start.0, start.1);
        if self.length(length.0, length.1) && begins {
            self.within_run(length.0, start.1 + length.1);
        }
    }

    /// Whether a list has something in it, and not too much.
    fn count(&mut self, path: &str, count: usize, limit: usize) -> bool {
        let right = (1..=limit).contains(&count);
        if !right {
            self.faults.add(path, format!("{count} {path}; give 1 to {limit}"));
        }
        right
    }

    fn bursts(&mut self, initial_rps: f64, bursts: &[Burst]) {
        self.rate("initialRps", initial_rps);
        if !self.count("bursts", bursts.len(), MAX_BURSTS) {
            return;
        }
        for (i, burst) in bursts.iter().enumerate() {
            let start = format!("bursts[{i}].startSecond");
            let length = format!("bursts[{i}].durationSeconds");
            self.span((&start, burst.start_second), (&length, burst.duration_seconds));
            self.rate(&format!("bursts[{i}].rps"), burst.rps);
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        if !self.count("steps", steps.len(), MAX_STEPS) {
            return;
        }
        let mut right = true;
        for (i, step) in steps.iter().enumerate() {
            right &= self.length(&format!("steps[{i}].durationSeconds"), step.duration_seconds);
            self.rate(&format!("steps[{i}].rps"), step.rps);
        }
        let sum: f64 = steps.iter().map(|step| step.duration_seconds).sum();
        let known = right && self.duration.is_finite();
        if known && (sum - self.duration).abs() > TOLERANCE_SECONDS {
            let (sum, run) = (number(sum), number(self.duration));
            let message =
                format!("the steps last {sum} s together, the run {run} s; make them equal");
            self.faults.add("steps", message);
        }
    }

    fn wave(&mut self, initial_rps: f64, amplitude_rps: f64, period_seconds: f64) {
        self.rate("initialRps", initial_rps);
        self.rate("amplitudeRps", amplitude_rps);
        if self.faults.is_empty() && initial_rps + amplitude_rps > MAX_RATE {
            let peak = number(initial_rps + amplitude_rps);
            let message = format!("the wave's peak is {peak}; at most {MAX_RATE} with initialRps");
            self.faults.add("amplitudeRps", message);
        }
        if !(MIN_PERIOD_SECONDS..=MAX_DURATION_SECONDS).contains(&period_seconds) {
            let message = format!(
                "{} is not a period; give {MIN_PERIOD_SECONDS} to {MAX_DURATION_SECONDS} seconds",
                number(period_seconds)
            );
            self.faults.add("periodSeconds", message);
        }
    }

    fn points(&mut self, points: &[Point]) {
        if !self.count("points", points.len(), MAX_POINTS) {
            return;
        }
        let mut before = 0.0;
        for (i, point) in points.iter().enumerate() {
            let path = format!("points[{i}].second");
            if self.moment(&path, point.second) {
                if point.second < before {
                    let (second, before) = (number(point.second), number(before));
                    let message = format!("{second} comes after {before}; put the points in order");
                    self.faults.add(&path, message);
                }
                before = point.second.max(before);
            }
            self.rate(&format!("points[{i}].rps"), point.rps);
        }
    }
}
