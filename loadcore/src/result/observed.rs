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

/// Three digits, and a letter where it is long.
pub(crate) fn short(value: f64) -> String {
    let (scaled, letter) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    if scaled == 0.0 || !scaled.is_finite() {
        return "0".into();
    }
    let digits = (2 - scaled.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{scaled:.digits$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{letter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 0.001_234, 3.0, 9_999.0, 12_345.0, 2.5e9, 100.0].map(short);
        assert_eq!(all, ["0", "0.00123", "3", "9999", "12.3k", "2.5G", "100"]);
    }
}
