//! Turns what a search knows into its document, and into a sentence.
//!
//! Every key is always there; a number that does not exist is null, never 0.

use super::goal::BEHIND;
use super::{SURE, Search};
use crate::result::Verdict;
use serde::{Deserialize, Serialize};

/// The version of the document that is written.
pub const SCHEMA_VERSION: u32 = 1;

/// The highest rate at which an objective holds, and what that rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[must_use = "a capacity that nobody looks at was measured in vain"]
pub struct Capacity {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// The highest rate at which the objective holds; null where none was found.
    pub capacity_rps: Option<f64>,
    /// Between which rates it lies. The upper end is null where nothing above was tried, or the generator could
    /// not.
    pub interval: [Option<f64>; 2],
    /// How sure it is that it lies there.
    pub confidence_percent: f64,
    /// The objective.
    pub slo: String,
    /// What does not allow more; null where that was not found out.
    pub limited_by: Option<LimitedBy>,
    /// What came of it, in a sentence.
    pub conclusion: String,
    /// The highest rate that might have been tried.
    pub max_rate: f64,
    /// How long the trials took.
    pub seconds: f64,
    /// The search was ended before it had found an end.
    pub interrupted: bool,
    /// The trials, in their order.
    pub trials: Vec<Trial>,
}

/// What does not allow more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LimitedBy {
    /// The target: beyond it the objective does not hold.
    Slo,
    /// The generator: it could not offer more as it should.
    Generator,
    /// Nothing more was to be tried.
    MaxRate,
}

/// A rate that was offered for a while, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// The offered rate.
    pub rate: f64,
    /// Where the part that was measured begins, in seconds since the start.
    pub from_second: f64,
    /// Where it ends.
    pub to_second: f64,
    /// Arrivals in it.
    pub due: u64,
    /// Requests that were ok.
    pub ok: u64,
    /// Requests with an outcome per second.
    pub achieved_rps: Option<f64>,
    /// The objective held.
    pub held: bool,
    /// The figure that it is about.
    pub figure: Option<f64>,
    /// `ms` or `%`.
    pub unit: String,
    /// Why it did not hold, where that is not the figure.
    pub reason: Option<String>,
    /// May its figures be trusted?
    pub verdict: Verdict,
    /// What speaks against them: kinds of reasons, as a run's verdict has them.
    pub causes: Vec<String>,
    /// It did not hold, and its generator was in a trouble that no trial had that held well below.
    pub by_generator: bool,
    /// It is part of what is said of the capacity; not so where it failed once with a generator in trouble.
    pub counted: bool,
}

/// What a search knows.
pub(super) fn capacity(search: &Search) -> Capacity {
    let found = Found::of(search);
    Capacity {
        schema_version: SCHEMA_VERSION,
        capacity_rps: found.rate,
        interval: found.interval,
        confidence_percent: 100.0 * SURE,
        slo: search.goal.to_string(),
        limited_by: found.limited_by,
        conclusion: found.sentence(search),
        max_rate: search.bounds.highest,
        seconds: crate::time::seconds(search.heard_ns),
        interrupted: search.interrupted,
        trials: search.trials().cloned().collect(),
    }
}

struct Found {
    rate: Option<f64>,
    interval: [Option<f64>; 2],
    limited_by: Option<LimitedBy>,
}

impl Found {
    fn of(search: &Search) -> Self {
        let highest = search.bounds.highest;
        let counted: Vec<_> = search.trials().filter(|trial| trial.counted).collect();
        let held = search.highest_held();
        if held.is_none() {
            let lowest = counted.iter().map(|trial| trial.rate).reduce(f64::min);
            return Self {
                rate: None,
                interval: [None, lowest],
                limited_by: lowest.map(|_| blame(&counted, 0.0)),
            };
        }
        if counted.iter().all(|trial| trial.held) {
            let limited_by = (held >= Some(highest)).then_some(LimitedBy::MaxRate);
            return Self { rate: held, interval: [held, None], limited_by };
        }
        let [low, high] = search.edge.interval(SURE);
        // A target that falls behind by less is not told from one that keeps up.
        let low = search.bounds.rounded(low * (1.0 - BEHIND));
        let rate = search.bounds.rounded(search.edge.quantile(0.5));
        let limited_by = match rate >= highest {
            true => LimitedBy::MaxRate,
            false => blame(&counted, rate),
        };
        let high =
            (limited_by == LimitedBy::Slo && high <= highest).then(|| search.bounds.rounded(high));
        Self { rate: Some(rate), interval: [Some(low), high], limited_by: Some(limited_by) }
    }

    fn sentence(&self, search: &Search) -> String {
        let slo = &search.goal;
        let trials = search.trials().count();
        let Some(rate) = self.rate else {
            let lowest = search
                .trials()
                .filter(|trial| trial.counted)
                .reduce(|a, b| if b.rate < a.rate { b } else { a });
            return match lowest {
                None => format!("nothing is known of {slo}: no trial has ended"),
                Some(_) if search.is_dead() => {
                    format!("{slo} does not hold: not one request was ok")
                }
                Some(trial) => format!("{slo} does not hold, not even at {}/s", trial.rate),
            };
        };
        let so_far = if search.interrupted { "so far, " } else { "" };
        match (self.limited_by, self.interval) {
            (Some(LimitedBy::Slo), [Some(low), Some(high)]) => format!(
                "{so_far}{slo} holds up to {rate}/s ({:.0}% interval {low}/s to {high}/s, {trials} trials)",
                100.0 * SURE
            ),
            (Some(LimitedBy::Slo), _) => format!("{so_far}{slo} holds up to some {rate}/s"),
            (Some(LimitedBy::Generator), _) => format!(
                "{so_far}{slo} holds up to {rate}/s at least; beyond that the generator is the limit, and the target may take more: use more threads, more workers or a quicker machine"
            ),
            (Some(LimitedBy::MaxRate), _) => {
                format!("{so_far}{slo} holds at {rate}/s, the highest rate that was to be tried")
            }
            (None, _) => format!(
                "{so_far}{slo} holds at {rate}/s; the search ended before it had found where it does not"
            ),
        }
    }
}

/// Who is to blame for what failed: of the failed trials above the edge the lower half says it.
fn blame(counted: &[&Trial], edge: f64) -> LimitedBy {
    let failed = counted.iter().filter(|trial| !trial.held);
    let mut above: Vec<_> = failed.filter(|trial| trial.rate >= 0.98 * edge).collect();
    above.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    above.truncate(above.len().div_ceil(2));
    let generator = above.iter().filter(|trial| trial.by_generator).count();
    if 2 * generator > above.len() { LimitedBy::Generator } else { LimitedBy::Slo }
}
