//! Holds the document of a comparison: its keys, in their order.
//!
//! Every key is always there; a number that does not exist is null, never 0.

use super::Tolerance;
use crate::result::Verdict;
use serde::{Deserialize, Serialize};

/// The version of the document that is written.
pub const SCHEMA_VERSION: u32 = 1;

/// Two runs, or two groups of runs, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[must_use = "a comparison that nobody looks at has found nothing"]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// What came of it, over all figures.
    pub judgement: Judgement,
    /// The same in a sentence.
    pub conclusion: String,
    /// How much worse a figure may be.
    #[serde(rename = "tolerancePercent")]
    pub tolerance: Tolerance,
    /// How sure it is that all intervals together hold what they are about.
    pub confidence_percent: f64,
    /// The worst verdict on a measurement among the runs.
    pub verdict: Verdict,
    /// What is compared with.
    pub base: Vec<ComparedRun>,
    /// What is judged.
    pub candidate: Vec<ComparedRun>,
    /// What speaks against comparing them, in sentences.
    pub warnings: Vec<String>,
    /// The figures of all requests together.
    pub changes: Vec<Change>,
    /// Those of each request of the mix, by its name.
    pub requests: Vec<RequestComparison>,
}

/// A run that was compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparedRun {
    /// The name of its scenario.
    pub name: Option<String>,
    /// When its measured time began.
    pub started_at: String,
    /// How long that was.
    pub duration_seconds: f64,
    /// Requests with an outcome.
    pub total_requests: u64,
    /// May it be trusted?
    pub verdict: Verdict,
    /// Nothing in it is unknown.
    pub complete: bool,
    /// It was ended before its time.
    pub interrupted: bool,
}

/// The figures of one request of the mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestComparison {
    /// Its name.
    pub name: String,
    /// What came of it, over its figures.
    pub judgement: Judgement,
    /// Its figures.
    pub changes: Vec<Change>,
}

/// A figure on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Its name, as SLA rules have it: `p99`, `error_rate`, `achieved_rate`, `rps`.
    pub figure: String,
    /// `ms`, `%` or `/s`.
    pub unit: String,
    /// In the base, in `unit`. Of several runs it is the mean, and of times and rates the geometric one.
    pub base: Option<f64>,
    /// In the candidate.
    pub candidate: Option<f64>,
    /// Candidate less base, in `unit`; of `%` these are percentage points.
    pub difference: Option<f64>,
    /// Between which two values the difference lies.
    pub difference_interval: Option<[f64; 2]>,
    /// The difference in percent of the base; null where that is 0.
    pub change_percent: Option<f64>,
    /// Between which two values that lies.
    pub change_interval: Option<[f64; 2]>,
    /// What came of it.
    pub judgement: Judgement,
    /// The same in a sentence.
    pub explanation: String,
}

/// What came of a comparison, or of one figure, from bad to good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Different, and worse by more than the tolerance.
    Regression,
    /// Different, and worse by no more than that.
    Worse,
    /// Different, and better by more than the tolerance.
    Improvement,
    /// Different, and better by no more than that.
    Better,
    /// No difference is shown.
    NoDifference,
    /// There is no interval, and so nothing to judge by.
    Unknown,
}

impl Judgement {
    /// Whether a difference is shown.
    #[must_use]
    pub fn is_different(self) -> bool {
        self < Self::NoDifference
    }
}

impl Comparison {
    /// Whether something became worse by more than the tolerance.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        self.judgement == Judgement::Regression
    }

    /// All figures: of all requests together, whose name is `None`, and of each request.
    pub fn all_changes(&self) -> impl Iterator<Item = (Option<&str>, &Change)> {
        let of_requests = self.requests.iter().flat_map(|request| {
            request.changes.iter().map(|change| (Some(request.name.as_str()), change))
        });
        self.changes.iter().map(|change| (None, change)).chain(of_requests)
    }
}
