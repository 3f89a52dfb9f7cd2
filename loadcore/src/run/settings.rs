//! What a test was told, before anything follows from it.

use super::RunError;
use super::collect::TURNS;
use crate::analysis::sla::{Rule, SlaRule};
#[cfg(test)]
use crate::engine::SentWatch;
use crate::engine::{Fence, Order};
use crate::request::Mix;
use crate::schedule::{Arrivals, Share};
use crate::time::{Clock, Nanos};
use serde_json::Value;
#[cfg(test)]
use std::sync::Arc;
use std::time::Duration;

/// How long the pacer lets due requests gather where nobody says it.
pub const DEFAULT_SLACK: Duration = Duration::from_micros(100);

/// Everything but the thing under load and the profile.
pub(super) struct TestSettings {
    pub(super) scenario: Value,
    pub(super) arrivals: Arrivals,
    /// Names and weights of the requests; none without a mix.
    pub(super) mix: Vec<(String, f64)>,
    pub(super) seed: u64,
    pub(super) duration: Option<Duration>,
    pub(super) warmup: Duration,
    pub(super) requests: Option<u64>,
    pub(super) connections: Option<u64>,
    pub(super) max_backlog: Option<u64>,
    pub(super) timeout: Duration,
    pub(super) drain: Duration,
    pub(super) slack: Duration,
    pub(super) threads: Option<usize>,
    pub(super) rules: Vec<Expected>,
    pub(super) duty: Option<Duty>,
}

/// A rule as it was given.
pub(super) struct Expected {
    pub(super) rule: String,
    pub(super) window_seconds: Option<u32>,
    pub(super) for_seconds: u32,
    pub(super) abort: bool,
}

impl Default for TestSettings {
    fn default() -> Self {
        Self {
            scenario: Value::Null,
            arrivals: Arrivals::Uniform,
            mix: Vec::new(),
            seed: 0,
            duration: None,
            warmup: Duration::ZERO,
            requests: None,
            connections: None,
            max_backlog: None,
            timeout: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            slack: DEFAULT_SLACK,
            threads: None,
            rules: Vec::new(),
            duty: None,
        }
    }
}

impl TestSettings {
    pub(super) fn parsed_rules(&self) -> Result<Vec<SlaRule>, RunError> {
        let parse = |expected: &Expected| {
            let Expected { rule, window_seconds, for_seconds, abort } = expected;
            let names: Vec<_> = self.mix.iter().map(|(name, _)| name.as_str()).collect();
            rule.parse::<Rule>()
                .and_then(|rule| rule.check_request(&names).map(|()| rule))
                .and_then(|rule| SlaRule::new(rule, *window_seconds, *for_seconds, *abort))
                .map_err(|error| RunError::Rule(error.to_string()))
        };
        self.rules.iter().map(parse).collect()
    }

    /// Which request each arrival is.
    pub(super) fn picks(&self) -> Mix {
        let weights: Vec<_> = self.mix.iter().map(|(_, weight)| *weight).collect();
        Mix::new(self.seed, &weights)
    }

    /// Which parts of the load are ours: all, on one machine.
    pub(super) fn parts(&self) -> Vec<Share> {
        self.duty.as_ref().map_or_else(|| vec![Share::WHOLE], |duty| duty.parts.clone())
    }
}

/// What a worker of a distributed run has to do of it.
#[derive(Debug, Clone)]
pub(crate) struct Duty {
    /// Whose the snapshots are.
    pub(crate) worker: String,
    /// In which term.
    pub(crate) epoch: u64,
    /// The run's clock, the same on all workers.
    pub(crate) clock: Clock,
    /// The parts that `orders` give us, by which lanes and threads are measured out.
    pub(crate) parts: Vec<Share>,
    /// What the run was told so far, which happened at these moments.
    pub(crate) orders: Vec<(Nanos, Order)>,
    /// Until when we may send.
    pub(crate) fence: Fence,
    /// In a simulation: who is told of each request. The engine then runs on the present thread.
    #[cfg(test)]
    pub(crate) simulated: Option<Arc<dyn SentWatch>>,
}

impl Duty {
    /// How long after an interval's end it is this worker's turn to publish it.
    pub(super) fn turn(&self) -> Duration {
        TURNS.mul_f64(self.parts.first().map_or(0.0, |part| part.place()))
    }
}
