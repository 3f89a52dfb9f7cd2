//! Holds what the target told of itself during a run: the series of its own metrics, and why there are none.
//!
//! The type stands here, beside the other parts of the result document; `analysis::witness` fills it in.

use crate::record::Measure;
use serde::{Deserialize, Serialize};

/// An endpoint of the target's metrics, and what it told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Observed {
    /// Its name in the scenario.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// How often it was read.
    pub readings: u64,
    /// The series that changed, in the order of their names.
    pub series: Vec<ObservedSeries>,
    /// When and why it told nothing: the first ones.
    pub faults: Vec<ObservedFault>,
    /// How often it told nothing.
    pub failed_readings: u64,
}

/// A series over time: what stands at one place in both lists is one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObservedSeries {
    /// Its name, and its labels in braces.
    pub series: String,
    /// What its values are.
    pub kind: Measure,
    /// Where each row begins, in seconds since the start of the measured time.
    pub second: Vec<u64>,
    /// The mean of its values in the row; `None` where it had none.
    pub values: Vec<Option<f64>>,
}

/// A reading that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObservedFault {
    /// Of which second.
    pub second: u64,
    /// What happened, and what to do.
    pub text: String,
}
