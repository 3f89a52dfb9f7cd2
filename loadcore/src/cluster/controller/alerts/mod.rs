//! Turns what happened to a run's SLA rules into messages that reach webhooks.
//!
//! What is told is decided in the run's timeline and nowhere else: an entry of the kind `sla_violated` or
//! `sla_recovered`, with an [`Alert`] for its data. It is sent once the store has it, and again until it
//! has arrived, or is given up; how many each webhook is done with stands in the run's record. So a
//! controller that takes the run up sends what the one before it could not, and at worst something
//! twice, under the same id.

mod courier;
mod message;
mod sign;

pub(in crate::cluster) use courier::Post;
pub(super) use courier::{Courier, News, PATIENCE};
pub(super) use message::About;

use crate::analysis::sla::SlaRule;
use crate::cluster::RunId;
use crate::cluster::store::{SLA_RECOVERED, SLA_VIOLATED};
use serde::{Deserialize, Serialize};

/// What happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// A violation began.
    Violated,
    /// One ended.
    Recovered,
}

/// What is told of a rule: the data of an entry of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    /// The same whoever decides it.
    pub(super) alert: String,
    pub(super) rule: String,
    /// The rule's place in the scenario's `sla`.
    pub(super) place: usize,
    /// The request of the mix that the rule is of.
    pub(super) request: Option<String>,
    /// The figure, in `unit`.
    pub(super) actual: Option<f64>,
    pub(super) unit: String,
    /// The second of the measured time at whose end that was so.
    pub(super) at_second: u64,
    pub(super) window_seconds: Option<u32>,
}

impl Turn {
    /// The kind of its entry in the timeline.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Violated => SLA_VIOLATED,
            Self::Recovered => SLA_RECOVERED,
        }
    }

    /// The other way round.
    pub(super) fn of_kind(kind: &str) -> Option<Self> {
        [Self::Violated, Self::Recovered].into_iter().find(|turn| turn.kind() == kind)
    }
}

impl Alert {
    /// Of the rule at `place`.
    pub(super) fn new(
        run: &RunId,
        (place, rule): (usize, &SlaRule),
        turn: Turn,
        at_second: u64,
        actual: Option<f64>,
    ) -> Self {
        let what = match turn {
            Turn::Violated => "begins",
            Turn::Recovered => "ends",
        };
        Self {
            alert: format!("{run}-rule{place}-{what}-{at_second}"),
            rule: rule.rule.to_string(),
            place,
            request: rule.rule.request.as_deref().map(str::to_owned),
            actual,
            unit: rule.rule.unit().to_owned(),
            at_second,
            window_seconds: rule.window_seconds,
        }
    }
}
