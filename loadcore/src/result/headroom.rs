//! Holds up to which rate a rule held in a run whose profile raises the rate.
//!
//! The type stands here, beside the other judgements of the result document; what fills it in is
//! `analysis::headroom`.

use serde::{Deserialize, Serialize};

/// Up to which rate a rule held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Headroom {
    /// The rule.
    pub rule: String,
    /// The highest offered rate up to which it held; null where it did not hold at the lowest, and where a rate
    /// says nothing about the rule.
    pub held_up_to_rps: Option<f64>,
    /// The lowest offered rate from which on it did not hold any more; null where there was none.
    pub failed_at_rps: Option<f64>,
    /// How many seconds of the load rest below: those in which it held up to the first, and in which it did not
    /// from the second on.
    pub held_seconds: f64,
    /// The second of them.
    pub failed_seconds: f64,
}
