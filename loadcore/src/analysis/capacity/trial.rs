//! Turns the intervals of a trial into what came of it: a row for people, and what it tells of the edge.
//!
//! A trial is judged as a run is: its figure by the same rule, its generator by the same verdict.

use super::document::Trial;
use super::goal::{Ask, Goal, Strain};
use crate::analysis::{sla, validity};
use crate::record::{Interval, Merge, Snapshot};
use crate::result::{ResultBuilder, RunEnd, RunResult, RunStart, Span};
use crate::time::{Nanos, seconds};

/// A trial that goes on.
#[derive(Debug)]
pub(super) struct Trying {
    pub(super) rate: f64,
    /// The one before was the same, and its generator in trouble.
    pub(super) is_repeat: bool,
    span: Option<Span>,
    lasted_ns: Nanos,
    total: Box<Interval>,
    /// Of each interval, by [`Goal::ASKS`].
    blocks: Vec<[Strain; 3]>,
}

/// A trial that is over.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) trial: Trial,
    /// What spoke against it most.
    pub(super) strain: Strain,
    /// How that varied between its intervals, and over how many degrees of freedom.
    pub(super) spread: (f64, f64),
}

impl Trying {
    pub(super) fn new(rate: f64, is_repeat: bool) -> Self {
        Self {
            rate,
            is_repeat,
            span: None,
            lasted_ns: 0,
            total: Box::default(),
            blocks: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, goal: &Goal, interval: &Interval, span: Span) {
        // Nothing falls due in a pause.
        if interval.counters.due == 0 && interval.counters.outcomes() == 0 {
            return;
        }
        let from_ns = self.span.map_or(span.from_ns, |whole| whole.from_ns);
        self.span = Some(Span { from_ns, ..span });
        self.lasted_ns += span.to_ns - span.from_ns;
        self.total.merge(interval);
        self.blocks.push(goal.strains(interval));
    }

    /// It has lasted so long, or cannot hold any more.
    pub(super) fn is_over(&self, measured_ns: Nanos) -> bool {
        let lasted = self.lasted_ns as f64 / measured_ns as f64;
        let (_, worst) = self.worst();
        lasted >= 1.0 || worst.ratio() * lasted > worst.most()
    }

    /// What speaks against it most, and how much.
    fn worst(&self) -> (Ask, Strain) {
        let sums = self.sums();
        let all = Goal::ASKS.into_iter().zip(sums);
        let worst = all.max_by(|(_, a), (_, b)| a.ratio().total_cmp(&b.ratio()));
        worst.unwrap_or((Ask::Goal, Strain::default()))
    }

    fn sums(&self) -> [Strain; 3] {
        let mut sums = [Strain::default(); 3];
        for block in &self.blocks {
            sums.iter_mut().zip(block).for_each(|(sum, strain)| sum.add(*strain));
        }
        sums
    }

    pub(super) fn tried(self, goal: &Goal, start: &RunStart) -> Tried {
        let (ask, strain) = self.worst();
        let spread = self.spread(ask);
        let span = self.span.unwrap_or(Span { from_ns: 0, to_ns: 0, draining: false });
        let rate = self.rate;
        let result = result(*self.total, span, start);
        let rule = sla::SlaRule::whole_run(goal.rule().clone());
        let outcome = sla::outcomes(&[rule], &result, None).remove(0);
        let held = strain.ratio() <= 1.0;
        let trial = Trial {
            rate,
            from_second: seconds(span.from_ns),
            to_second: seconds(span.to_ns),
            due: result.arrivals.due,
            ok: result.outcomes.ok,
            achieved_rps: result.achieved_rps,
            held,
            figure: outcome.actual,
            unit: outcome.unit,
            reason: (!held).then(|| why(ask, strain, &result)).flatten(),
            verdict: result.validity.verdict,
            causes: result.validity.reasons.iter().map(|reason| reason.kind.clone()).collect(),
            by_generator: false,
            counted: true,
        };
        Tried { trial, strain: strain.at_least(), spread }
    }

    /// Pearson's statistic of the intervals' counts, and its degrees of freedom.
    fn spread(&self, ask: Ask) -> (f64, f64) {
        let place = Goal::ASKS.iter().position(|it| *it == ask).unwrap_or(0);
        let counts: Vec<_> = self.blocks.iter().map(|block| block[place].against).collect();
        let mean = counts.iter().sum::<f64>() / counts.len().max(1) as f64;
        if mean <= 0.0 {
            return (0.0, 0.0);
        }
        let sum = counts.iter().map(|count| (count - mean).powi(2) / mean).sum();
        (sum, counts.len() as f64 - 1.0)
    }
}

/// The trial as a run of its own, with a verdict. What is in flight at its ends was cut off there.
fn result(total: Interval, span: Span, start: &RunStart) -> RunResult {
    let ending = RunEnd {
        duration_ns: span.to_ns.saturating_sub(span.from_ns),
        interrupted: true,
        ..RunEnd::default()
    };
    let snapshot = Snapshot { total, ..Snapshot::default() };
    let mut result = ResultBuilder::new(start.clone()).build(&snapshot, &ending);
    result.validity = validity::of_run(&result);
    result
}

/// Why it did not hold, where that is not the figure.
fn why(ask: Ask, strain: Strain, result: &RunResult) -> Option<String> {
    let percent = |part: f64, whole: u64| 100.0 * part / whole.max(1) as f64;
    match ask {
        Ask::Goal => None,
        Ask::KeepUp => {
            let behind = percent(strain.against, result.arrivals.due);
            Some(format!("the target fell behind: {behind:.1}% of what fell due was not answered"))
        }
        Ask::Succeed => {
            let failed = percent(strain.against, result.total_requests);
            let class = result.errors.iter().max_by_key(|(_, count)| **count);
            let class = class.map_or("", |(class, _)| class);
            Some(format!("{failed:.1}% of the requests failed, mostly as {class}"))
        }
    }
}

impl Trial {
    /// Whether the generator was in trouble, and in more than in this one, which held all the same.
    pub(super) fn is_worse_made(&self, held: &Self) -> bool {
        let is_new = |cause: &String| !held.causes.contains(cause);
        self.verdict > held.verdict || self.causes.iter().any(is_new)
    }
}
