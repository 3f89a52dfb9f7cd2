//! Turns an objective and the highest rate that may be tried into the next thing to do, and what came
//! of it into the highest rate at which the objective holds.
//!
//! A [`Search`] is a state machine without a clock: whoever drives a load asks it what is
//! [wanted](Search::wants), changes the rate, says [when](Search::offered) that took effect and hands over each
//! [interval](Search::interval) as it closes. The same changes and intervals lead to the same [`Capacity`], so a search
//! whose run is stored can be played again from there.
//!
//! The rate doubles while the objective holds, and then goes to where the edge is as likely below as
//! above, time after time: `edge.rs` says how likely it is where.

mod document;
mod edge;
mod goal;
mod trial;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trials;

pub use document::{Capacity, LimitedBy, SCHEMA_VERSION, Trial};
pub use goal::Goal;

use crate::record::Interval;
use crate::result::{RunStart, Span, Verdict};
use crate::time::{Nanos, SECOND};
use edge::Edge;
use std::time::Duration;
use trial::{Tried, Trying};

/// What a driver has to do now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Go on as it is.
    GoOn,
    /// Change the rate to this: to 0 while the target gets over a trial that failed.
    Offer(f64),
    /// End the load.
    End,
}

/// What is looked for, within which bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The objective, as a rule.
    pub slo: String,
    /// The highest rate that is tried.
    pub max_rate: f64,
    /// How long all trials together may take.
    pub duration: Duration,
}

/// What is wrong with what is wanted: of which of its parts, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.iter().map(|(part, fault)| format!("{part}: {fault}")).collect::<Vec<_>>().join("; "))]
pub struct NoSearch {
    /// All of it.
    pub faults: Vec<(&'static str, String)>,
}

/// A search that goes on.
#[derive(Debug)]
pub struct Search {
    goal: Goal,
    bounds: Bounds,
    start: RunStart,
    tried: Vec<Tried>,
    phase: Phase,
    /// From when on which rate is offered, in the order of time.
    changes: Vec<(Nanos, f64)>,
    /// Up to where intervals have come.
    heard_ns: Nanos,
    /// Arrivals that have no outcome yet and were not given up.
    outstanding: i64,
    failed_in_a_row: u32,
    edge: Edge,
    /// Somebody ended it.
    interrupted: bool,
}

/// Between what a search moves.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    lowest: f64,
    highest: f64,
    lasts_ns: Nanos,
    warmup_ns: Nanos,
    measured_ns: Nanos,
}

#[derive(Debug)]
enum Phase {
    Trial(Box<Trying>),
    /// Nothing is offered until then, and until nothing is outstanding.
    Rest(Nanos),
    Over,
}

impl Wanted {
    /// The time for all trials, where nothing else is said.
    pub const USUAL_DURATION: Duration = Duration::from_secs(240);
    /// The shortest.
    pub const LEAST_DURATION: Duration = Duration::from_secs(20);
    /// The longest: each second is kept by itself in a run of up to an hour.
    pub const MOST_DURATION: Duration = Duration::from_secs(1_800);
    /// The highest rate that there is.
    pub const MOST_RATE: f64 = 1e9;
    /// How much longer than the search its run may last: the search ends it.
    pub(crate) const SPARE: Duration = Duration::from_secs(60);
    /// So many seconds' worth of the highest rate may wait, where nobody says it.
    pub(crate) const BACKLOG_SECONDS: f64 = 10.0;
}

/// The lowest rate that is tried, as a part of the highest.
const LOWEST: f64 = 1.0 / 1_000.0;
/// The first one.
const FIRST: f64 = 1.0 / 32.0;
/// A trial has as many arrivals at least.
const FEWEST: f64 = 10.0;
/// How much faster than what has held the next trial is at most.
const GROWTH: f64 = 2.0;
/// A trial takes this part of the whole time.
const TRIALS: u64 = 60;
/// How long the target rests after a trial that failed; twice as long after each further one.
const REST: Nanos = SECOND;
/// The longest of these rests.
const LONGEST_REST: Nanos = 8 * SECOND;
/// How long beyond it outstanding requests are awaited.
const LONGEST_WAIT: Nanos = 30 * SECOND;
/// A generator at its limit is less busy at this part of the rate, and one whose machine is busy is not.
const WELL_BELOW: f64 = 0.75;
/// The search ends where it is so sure that the edge lies beyond its bounds, or how sure its interval is.
const SURE: f64 = 0.95;
/// And where its interval is as narrow as that.
const NARROW: f64 = 1.02;

impl Bounds {
    fn of(wanted: &Wanted) -> Result<Self, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let Wanted { max_rate, duration, .. } = *wanted;
        if !(Wanted::LEAST_DURATION..=Wanted::MOST_DURATION).contains(&duration) {
            let (least, most) = (Wanted::LEAST_DURATION.as_secs(), Wanted::MOST_DURATION.as_secs());
            let given = duration.as_secs_f64();
            faults.push(("durationSeconds", format!("is {given}; give {least} to {most}")));
        }
        let measured = (duration.as_secs() / TRIALS).max(1);
        let least = FEWEST / measured as f64;
        if !(least..=Wanted::MOST_RATE).contains(&max_rate) {
            let most = Wanted::MOST_RATE;
            faults.push((
                "maxRate",
                format!(
                    "is {max_rate}; give {least} to {most} requests per second: a trial of {measured} s needs {FEWEST} arrivals"
                ),
            ));
        }
        faults.is_empty().then_some(()).ok_or(faults)?;
        Ok(Self {
            lowest: (max_rate * LOWEST).max(least).min(max_rate),
            highest: max_rate,
            lasts_ns: duration.as_nanos() as Nanos,
            warmup_ns: measured.div_ceil(4) * SECOND,
            measured_ns: measured * SECOND,
        })
    }

    /// Warm-up, measured time, and the second in which the rate changes.
    fn trial_ns(&self) -> Nanos {
        self.warmup_ns + self.measured_ns + SECOND
    }

    /// To four digits: as exact as a person wants to read it.
    fn rounded(&self, rate: f64) -> f64 {
        let unit = 10f64.powi(rate.log10().floor() as i32 - 3);
        let digits = (rate / unit).round();
        // Divided where it can be, for 0.1 is no number of a computer.
        let rounded = if unit < 1.0 { digits / (1.0 / unit).round() } else { digits * unit };
        rounded.clamp(self.lowest, self.highest)
    }
}

impl Search {
    /// Begins one, in a run that starts so: with this mix and slack.
    ///
    /// # Errors
    /// All that is wrong with what is wanted.
    pub fn new(wanted: &Wanted, start: RunStart) -> Result<Self, NoSearch> {
        let names: Vec<_> = start.mix.iter().map(|(name, _)| name.as_str()).collect();
        let goal = Goal::parse(&wanted.slo, &names).map_err(|fault| ("slo", fault));
        let (goal, bounds) = match (goal, Bounds::of(wanted)) {
            (Ok(goal), Ok(bounds)) => (goal, bounds),
            (goal, bounds) => {
                let faults = goal.err().into_iter().chain(bounds.err().into_iter().flatten());
                return Err(NoSearch { faults: faults.collect() });
            }
        };
        let mut search = Self {
            edge: Edge::between(bounds.lowest, bounds.highest),
            goal,
            bounds,
            start,
            tried: Vec::new(),
            phase: Phase::Over,
            changes: Vec::new(),
            heard_ns: 0,
            outstanding: 0,
            failed_in_a_row: 0,
            interrupted: false,
        };
        search.changes.push((0, search.first_rate()));
        search.go_on();
        Ok(search)
    }

    /// The rate of the first trial, at which the load begins.
    #[must_use]
    pub fn first_rate(&self) -> f64 {
        let first = self.bounds.highest * FIRST;
        self.bounds.rounded(first)
    }

    /// What is to be done now.
    #[must_use]
    pub fn wants(&self) -> Step {
        let rate = match &self.phase {
            Phase::Trial(trying) => trying.rate,
            Phase::Rest(_) => 0.0,
            Phase::Over => return Step::End,
        };
        let is_offered = self.changes.last().is_some_and(|(_, offered)| *offered == rate);
        if is_offered { Step::GoOn } else { Step::Offer(rate) }
    }

    /// From this moment of the measured time on this rate is offered. Moments are told in their order; all of
    /// them may be told before the intervals are.
    pub fn offered(&mut self, from_ns: Nanos, rate: f64) {
        self.changes.push((from_ns, rate));
    }

    /// The next interval. They come in the order of time.
    pub fn interval(&mut self, interval: &Interval, span: Span) {
        let counters = &interval.counters;
        let ended = counters.outcomes().saturating_add(counters.dropped_total());
        self.outstanding += counters.due as i64 - ended as i64;
        self.heard_ns = span.to_ns;
        let is_late = self.is_late();
        match &mut self.phase {
            Phase::Trial(trying) => {
                let offered = steady(&self.changes, span, self.bounds.warmup_ns);
                if offered == Some(trying.rate) {
                    trying.add(&self.goal, interval, span);
                    if trying.is_over(self.bounds.measured_ns) {
                        self.conclude();
                    }
                }
            }
            Phase::Rest(until_ns) => {
                let is_drained = self.outstanding <= 0 || span.to_ns >= *until_ns + LONGEST_WAIT;
                if span.to_ns >= *until_ns && is_drained || is_late {
                    self.go_on();
                }
            }
            Phase::Over => {}
        }
        // Where a change of rate came late, or a pause.
        if span.to_ns >= self.bounds.lasts_ns {
            self.phase = Phase::Over;
        }
    }

    /// Somebody wants an end: what is known now is all that will be.
    pub fn interrupt(&mut self) {
        self.interrupted |= !matches!(self.phase, Phase::Over);
        self.phase = Phase::Over;
    }

    /// The trials that are over.
    pub fn trials(&self) -> impl Iterator<Item = &Trial> {
        self.tried.iter().map(|tried| &tried.trial)
    }

    /// What is known so far.
    pub fn capacity(&self) -> Capacity {
        document::capacity(self)
    }

    /// A trial has ended.
    fn conclude(&mut self) {
        let Phase::Trial(trying) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        let is_repeat = trying.is_repeat;
        let mut tried = trying.tried(&self.goal, &self.start);
        let trial = &mut tried.trial;
        let held = trial.held;
        // A generator in trouble makes a trial fail, and none hold. Once may be chance.
        let is_below = |it: &Trial| it.held && it.rate <= WELL_BELOW * trial.rate;
        let is_worse =
            self.tried.iter().all(|it| !is_below(&it.trial) || trial.is_worse_made(&it.trial));
        trial.by_generator = !held && trial.verdict != Verdict::Valid && is_worse;
        trial.counted = !trial.by_generator || is_repeat;
        self.tried.push(tried);
        self.edge = Edge::of(&self.tried, self.bounds.lowest, self.bounds.highest);
        self.failed_in_a_row = if held { 0 } else { self.failed_in_a_row + 1 };
        if held || self.is_found() {
            self.go_on();
        } else {
            let rest = (REST << (self.failed_in_a_row - 1).min(8)).min(LONGEST_REST);
            self.phase = Phase::Rest(self.heard_ns + rest);
        }
    }

    /// The next trial, if there is one: once again the last one where the generator was to blame.
    fn go_on(&mut self) {
        let repeated = self.tried.last().filter(|last| !last.trial.counted);
        let repeated = repeated.map(|last| last.trial.rate);
        let rate = repeated.unwrap_or_else(|| self.next_rate());
        if self.is_late() || self.is_found() {
            self.phase = Phase::Over;
        } else {
            self.phase = Phase::Trial(Box::new(Trying::new(rate, repeated.is_some())));
        }
    }

    /// There is no time for another trial.
    fn is_late(&self) -> bool {
        self.heard_ns + self.bounds.trial_ns() > self.bounds.lasts_ns
    }

    /// Where the edge is as likely below as above, but not far beyond what has held.
    fn next_rate(&self) -> f64 {
        let held = self.highest_held().map(|held| held * GROWTH);
        let most = held.unwrap_or_else(|| self.first_rate());
        self.bounds.rounded(self.edge.quantile(0.5).min(most))
    }

    fn highest_held(&self) -> Option<f64> {
        let held = self.trials().filter(|trial| trial.held).map(|trial| trial.rate);
        held.reduce(f64::max)
    }

    /// Nothing is left to be found out.
    fn is_found(&self) -> bool {
        if self.trials().all(|trial| !trial.counted) {
            return false;
        }
        let [low, high] = self.edge.interval(SURE);
        self.is_dead()
            || self.edge.above(self.bounds.highest) > SURE
            || self.edge.below(self.bounds.lowest) > SURE
            || high < low * NARROW
    }

    /// Nobody has answered anything well.
    fn is_dead(&self) -> bool {
        self.trials().all(|trial| trial.ok == 0)
    }
}

/// The rate that was offered throughout an interval of the load, and for so long before it.
fn steady(changes: &[(Nanos, f64)], span: Span, before_ns: Nanos) -> Option<f64> {
    let (from_ns, rate) = *changes.iter().rfind(|(from_ns, _)| *from_ns < span.to_ns)?;
    (from_ns + before_ns <= span.from_ns && !span.draining).then_some(rate)
}
