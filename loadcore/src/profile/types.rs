//! Turns the load profile types of the scenario document into lines and waves of rate.

use super::{Line, Piecewise, Profile, Sine};

/// The types of the scenario document. Rates are in requests per second of the whole run, times in
/// seconds since its start; D is its duration. A time that is `None` gets its default.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ProfileType {
    /// `rate(t) = initial`
    Constant {
        /// The rate.
        initial_rps: f64,
    },
    /// `rate(t) = initial + (target − initial)·t/ramp`, then `target`
    Ramp {
        /// The rate at 0.
        initial_rps: f64,
        /// The rate from `ramp_up_seconds` on.
        target_rps: f64,
        /// How long the line is: by default D, at most D; 0 for the target at once.
        ramp_up_seconds: Option<f64>,
    },
    /// `rate(t) =` the highest `rps` of the bursts that last at `t`, else `initial`
    Burst {
        /// The rate outside the bursts.
        initial_rps: f64,
        /// The bursts, in any order; they may overlap.
        bursts: Vec<Burst>,
    },
    /// `rate(t) = target` during the spike, else `initial`
    Spike {
        /// The rate outside the spike.
        initial_rps: f64,
        /// The rate of the spike.
        target_rps: f64,
        /// When the spike begins: by default D/2.
        spike_start_second: Option<f64>,
        /// How long it lasts: by default D/10, at least 1 second, but not past D.
        spike_duration_seconds: Option<f64>,
    },
    /// `rate(t) =` the `rps` of the step that lasts at `t`
    Steps {
        /// The steps, one after the other; together they last D.
        steps: Vec<Step>,
    },
    /// `rate(t) = max(0, initial + amplitude·sin(2πt/period))`
    Sine {
        /// The rate around which the wave swings.
        initial_rps: f64,
        /// How far it swings.
        amplitude_rps: f64,
        /// How long one wave is.
        period_seconds: f64,
    },
    /// `rate(t)` is linear between the points. Before the first point its rate holds already, and
    /// the last one's holds to the end. Two points at one second make a jump.
    Replay {
        /// The points, in order of their seconds.
        points: Vec<Point>,
    },
}

/// A burst: `rps` is the rate while it lasts, not added to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// When it begins.
    pub start_second: f64,
    /// How long it lasts.
    pub duration_seconds: f64,
    /// The rate while it lasts.
    pub rps: f64,
}

/// A step of constant rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// How long it lasts.
    pub duration_seconds: f64,
    /// The rate while it lasts.
    pub rps: f64,
}

/// A point of a recorded rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub second: f64,
    /// The rate then.
    pub rps: f64,
}

/// The formula behind a type. A choice of two that is made in place: no `dyn` for each request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Curve {
    Lines(Piecewise),
    Sine(Sine),
}

impl ProfileType {
    /// The name in the document: `CONSTANT`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant { .. } => "CONSTANT",
            Self::Ramp { .. } => "RAMP",
            Self::Burst { .. } => "BURST",
            Self::Spike { .. } => "SPIKE",
            Self::Steps { .. } => "STEPS",
            Self::Sine { .. } => "SINE",
            Self::Replay { .. } => "REPLAY",
        }
    }

    pub(super) fn with_defaults(mut self, duration: f64) -> Self {
        match &mut self {
            Self::Ramp { ramp_up_seconds, .. } => {
                ramp_up_seconds.get_or_insert(duration);
            }
            Self::Spike { spike_start_second, spike_duration_seconds, .. } => {
                let start = *spike_start_second.get_or_insert(duration / 2.0);
                let left = duration - start;
                let length = (duration / 10.0).max(1.0);
                // A spike that nobody gave a length ends with the run; one that begins after the
                // run is wrong, and is to be found so.
                let length = if left > 0.0 { length.min(left) } else { length };
                spike_duration_seconds.get_or_insert(length);
            }
            _ => {}
        }
        self
    }

    /// The formula of numbers that have no faults.
    pub(super) fn curve(&self) -> Curve {
        let level = |until, rps| Line { until, from: rps, to: rps };
        let lines = match self {
            Self::Sine { initial_rps, amplitude_rps, period_seconds } => {
                return Curve::Sine(Sine::new(*initial_rps, *amplitude_rps, *period_seconds));
            }
            Self::Constant { initial_rps } => vec![level(0.0, *initial_rps)],
            Self::Ramp { initial_rps, target_rps, ramp_up_seconds } => {
                let until = ramp_up_seconds.unwrap_or(0.0);
                vec![Line { until, from: *initial_rps, to: *target_rps }]
            }
            Self::Burst { initial_rps, bursts } => burst_lines(*initial_rps, bursts),
            Self::Spike { initial_rps, target_rps, spike_start_second, spike_duration_seconds } => {
                let start = spike_start_second.unwrap_or(0.0);
                let end = start + spike_duration_seconds.unwrap_or(0.0);
                vec![level(start, *initial_rps), level(end, *target_rps), level(end, *initial_rps)]
            }
            Self::Steps { steps } => {
                let mut until = 0.0;
                let step_line = |step: &Step| {
                    until += step.duration_seconds;
                    level(until, step.rps)
                };
                steps.iter().map(step_line).collect()
            }
            Self::Replay { points } => {
                let mut from = points.first().map_or(0.0, |point| point.rps);
                let point_line = |point: &Point| {
                    let line = Line { until: point.second, from, to: point.rps };
                    from = point.rps;
                    line
                };
                points.iter().map(point_line).collect()
            }
        };
        Curve::Lines(Piecewise::new(lines))
    }
}

impl Profile for Curve {
    #[inline]
    fn rate(&self, seconds: f64) -> f64 {
        match self {
            Self::Lines(lines) => lines.rate(seconds),
            Self::Sine(sine) => sine.rate(seconds),
        }
    }

    #[inline]
    fn demand(&self, seconds: f64) -> f64 {
        match self {
            Self::Lines(lines) => lines.demand(seconds),
            Self::Sine(sine) => sine.demand(seconds),
        }
    }

    #[inline]
    fn inverse(&self, arrivals: f64) -> f64 {
        match self {
            Self::Lines(lines) => lines.inverse(arrivals),
            Self::Sine(sine) => sine.inverse(arrivals),
        }
    }

    fn peak_rate(&self) -> f64 {
        match self {
            Self::Lines(lines) => lines.peak_rate(),
            Self::Sine(sine) => sine.peak_rate(),
        }
    }
}

/// Level lines between all the moments at which a burst begins or ends.
fn burst_lines(initial: f64, bursts: &[Burst]) -> Vec<Line> {
    let ends = |burst: &Burst| [burst.start_second, burst.start_second + burst.duration_seconds];
    let mut moments: Vec<f64> = bursts.iter().flat_map(ends).collect();
    moments.sort_by(f64::total_cmp);
    moments.dedup();

    let mut lines = Vec::with_capacity(moments.len() + 1);
    let mut from = 0.0;
    for until in moments {
        let lasting = bursts.iter().filter(|b| b.start_second <= from && ends(b)[1] > from);
        let rps = lasting.map(|b| b.rps).reduce(f64::max).unwrap_or(initial);
        lines.push(Line { until, from: rps, to: rps });
        from = until;
    }
    lines.push(Line { until: from, from: initial, to: initial });
    lines
}
