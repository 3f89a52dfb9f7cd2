//! Turns two runs, or two groups of runs, into what became different between them, how sure that is,
//! and whether it is a regression.
//!
//! Every figure has an interval, and all intervals of a comparison hold together with 95%: two runs of
//! the same target are called different in at most one of twenty comparisons, however many figures and
//! requests there are. `docs/analysis.md` of the repository says how, and from whom.

mod differences;
mod document;
mod group;
mod part;
mod split;
mod spread;
mod student;
mod tolerance;
#[cfg(test)]
mod trials;
mod words;

pub use document::{Change, ComparedRun, Comparison, Judgement, RequestComparison, SCHEMA_VERSION};
pub use tolerance::{NoTolerance, Tolerance};

use crate::result::{RunResult, Verdict};
use part::{Estimate, Figure, PERCENTS, Part};

/// How often one of all the intervals may miss what it is about.
const CHANCE: f64 = 0.05;

/// Compares what was measured in `candidate` with `base`. Several runs on a side are repeats: how they
/// differ from each other is part of what a difference between the sides is held against.
///
/// ```no_run
/// use loadcore::RunResult;
/// use loadcore::analysis::compare::{Tolerance, compare};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let read = |path: &str| -> Result<RunResult, Box<dyn std::error::Error>> {
///     Ok(RunResult::from_json(&std::fs::read_to_string(path)?)?)
/// };
/// let (before, after) = (read("before.json")?, read("after.json")?);
/// let comparison = compare(&[before], &[after], Tolerance::default());
/// assert!(!comparison.is_regression(), "{}", comparison.conclusion);
/// # Ok(()) }
/// ```
pub fn compare(base: &[RunResult], candidate: &[RunResult], tolerance: Tolerance) -> Comparison {
    let whole: Vec<_> = sides(base, candidate, |run| Some(Part::whole(run)));
    let names = names(base, candidate);
    let of_names: Vec<_> = names.iter().map(|name| sides(base, candidate, of_name(name))).collect();
    // The whole has a half of the chance for itself, so that it is as sure with many names as with few.
    let chance = if names.is_empty() { CHANCE } else { CHANCE / 2.0 };
    let of_whole = chance / judged(&whole).max(1) as f64;
    let named = of_names.iter().map(|sides| judged(sides)).sum::<usize>();
    let of_named = chance / named.max(1) as f64;
    let changes = |sides: &[Sides], chance| -> Vec<Change> {
        sides.iter().map(|sides| sides.change(chance, tolerance)).collect()
    };
    let changes_of_whole = changes(&whole, of_whole);
    let requests = names.into_iter().zip(&of_names).map(|(name, sides)| {
        let changes = changes(sides, of_named);
        RequestComparison { name, judgement: worst(&changes), changes }
    });
    let requests: Vec<RequestComparison> = requests.collect();
    let all: Vec<&Change> =
        changes_of_whole.iter().chain(requests.iter().flat_map(|it| &it.changes)).collect();
    let runs = base.iter().chain(candidate);
    let mut comparison = Comparison {
        schema_version: SCHEMA_VERSION,
        judgement: worst(all),
        conclusion: String::new(),
        tolerance,
        confidence_percent: 100.0 * (1.0 - CHANCE),
        verdict: runs.map(|run| run.validity.verdict).max().unwrap_or(Verdict::Valid),
        base: base.iter().map(compared).collect(),
        candidate: candidate.iter().map(compared).collect(),
        warnings: differences::warnings(base, candidate),
        changes: changes_of_whole,
        requests,
    };
    comparison.conclusion = words::conclusion(&comparison);
    comparison
}

/// A figure in every run of both sides.
struct Sides {
    figure: Figure,
    base: Option<Estimate>,
    candidate: Option<Estimate>,
    /// Why there is no interval, if there are values and none.
    why_unknown: &'static str,
}

/// Every figure of a part of the runs.
fn sides<'a>(
    base: &'a [RunResult],
    candidate: &'a [RunResult],
    part: impl Fn(&'a RunResult) -> Option<Part<'a>>,
) -> Vec<Sides> {
    let is_open = base.iter().chain(candidate).all(RunResult::is_open_loop);
    let rate = if is_open { Figure::AchievedRate } else { Figure::Rps };
    let figures = PERCENTS.map(Figure::Percentile).into_iter().chain([Figure::ErrorRate, rate]);
    let [base, candidate] =
        [base, candidate].map(|runs| runs.iter().filter_map(&part).collect::<Vec<_>>());
    let sides = figures.map(|figure| {
        let of = |parts: &[Part<'_>]| -> Vec<Estimate> {
            parts.iter().filter_map(|part| part.estimate(figure)).collect()
        };
        let is_silent = |part: &&Part<'_>| {
            part.estimate(figure).is_some_and(|estimate| estimate.spread.is_none())
        };
        let sides = Sides {
            figure,
            base: group::of_runs(&of(&base)),
            candidate: group::of_runs(&of(&candidate)),
            why_unknown: "",
        };
        if sides.has_interval() {
            return sides;
        }
        let silent = base.iter().chain(&candidate).find(is_silent);
        Sides { why_unknown: silent.map_or("", |part| part.why_unknown(figure)), ..sides }
    });
    sides.collect()
}

/// The requests of this name.
fn of_name<'a>(name: &str) -> impl Fn(&'a RunResult) -> Option<Part<'a>> {
    move |run| {
        let request = run.requests.iter().find(|request| request.name == name)?;
        Some(Part::of_request(run, request))
    }
}

/// The names on both sides, in the order of the candidate.
fn names(base: &[RunResult], candidate: &[RunResult]) -> Vec<String> {
    let has = |name: &str| base.iter().flat_map(|run| &run.requests).any(|it| it.name == name);
    let mut names: Vec<String> = Vec::new();
    for request in candidate.iter().flat_map(|run| &run.requests) {
        if has(&request.name) && !names.contains(&request.name) {
            names.push(request.name.clone());
        }
    }
    names
}

/// Of how many figures there will be an interval.
fn judged(sides: &[Sides]) -> usize {
    sides.iter().filter(|sides| sides.has_interval()).count()
}

impl Sides {
    fn has_interval(&self) -> bool {
        [self.base, self.candidate].iter().all(|side| side.is_some_and(|it| it.spread.is_some()))
    }

    fn reach(&self, chance: f64) -> Option<f64> {
        group::reach(self.base.as_ref()?, self.candidate.as_ref()?, chance)
    }

    fn change(&self, chance: f64, tolerance: Tolerance) -> Change {
        let [base, candidate] =
            [&self.base, &self.candidate].map(|it| it.map(|it| self.figure.shown(it.value)));
        let both = base.zip(candidate);
        let percent_of =
            |difference: f64| base.filter(|it| *it > 0.0).map(|it| 100.0 * difference / it);
        let difference = both.map(|(base, candidate)| candidate - base);
        let difference_interval = self.interval(chance);
        let change_interval =
            difference_interval.and_then(|[low, high]| Some([percent_of(low)?, percent_of(high)?]));
        let mut change = Change {
            figure: self.figure.name(),
            unit: self.figure.unit().to_owned(),
            base,
            candidate,
            difference,
            difference_interval,
            change_percent: difference.and_then(percent_of),
            change_interval,
            judgement: self.judge(difference, difference_interval, tolerance),
            explanation: String::new(),
        };
        change.explanation = words::explanation(&change, self.why_unknown, tolerance);
        change
    }

    /// Between which values the difference lies, in the figure's unit.
    fn interval(&self, chance: f64) -> Option<[f64; 2]> {
        let (base, candidate) = (self.base?, self.candidate?);
        let reach = self.reach(chance)?;
        let middle = candidate.value - base.value;
        let ends = [middle - reach, middle + reach].map(|end| match self.figure {
            Figure::Percentile(_) | Figure::Rps => {
                self.figure.shown(base.value) * end.clamp(-MOST_LOG, MOST_LOG).exp_m1()
            }
            Figure::ErrorRate | Figure::AchievedRate => 100.0 * end.clamp(-1.0, 1.0),
        });
        Some(ends)
    }

    /// Different is what cannot be nothing. It counts as beyond the tolerance by its estimate.
    fn judge(
        &self,
        difference: Option<f64>,
        interval: Option<[f64; 2]>,
        tolerance: Tolerance,
    ) -> Judgement {
        let (Some(difference), Some([low, high])) = (difference, interval) else {
            return Judgement::Unknown;
        };
        if low <= 0.0 && 0.0 <= high {
            return Judgement::NoDifference;
        }
        let allowed = tolerance.share() * self.base.map_or(0.0, |it| self.figure.shown(it.value));
        match (self.figure.is_worse(difference), difference.abs() > allowed) {
            (true, true) => Judgement::Regression,
            (true, false) => Judgement::Worse,
            (false, true) => Judgement::Improvement,
            (false, false) => Judgement::Better,
        }
    }
}

/// The logarithm of the greatest ratio that an interval ends with.
const MOST_LOG: f64 = 20.0;

impl Figure {
    fn name(self) -> String {
        match self {
            Self::Percentile(percent) => format!("p{percent}"),
            Self::ErrorRate => "error_rate".into(),
            Self::AchievedRate => "achieved_rate".into(),
            Self::Rps => "rps".into(),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Percentile(_) => "ms",
            Self::ErrorRate | Self::AchievedRate => "%",
            Self::Rps => "/s",
        }
    }

    /// A value of its scale, in its unit.
    fn shown(self, value: f64) -> f64 {
        match self {
            Self::Percentile(_) | Self::Rps => value.exp(),
            Self::ErrorRate | Self::AchievedRate => 100.0 * value,
        }
    }

    fn is_worse(self, difference: f64) -> bool {
        match self {
            Self::Percentile(_) | Self::ErrorRate => difference > 0.0,
            Self::AchievedRate | Self::Rps => difference < 0.0,
        }
    }
}

fn worst<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Judgement {
    changes.into_iter().map(|change| change.judgement).min().unwrap_or(Judgement::Unknown)
}

fn compared(run: &RunResult) -> ComparedRun {
    ComparedRun {
        name: run.scenario["name"].as_str().map(str::to_owned),
        started_at: run.started_at.clone(),
        duration_seconds: run.duration_seconds,
        total_requests: run.total_requests,
        verdict: run.validity.verdict,
        complete: run.complete,
        interrupted: run.interrupted,
    }
}

#[cfg(test)]
mod tests;
