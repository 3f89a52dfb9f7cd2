//! Declares what a controller is asked and what it answers: the types of its front ends.

pub use super::frame::{
    EndFrame, Frame, FrameData, FrameKind, IntervalFrame, RequestFrame, WorkerFrame,
};

use super::super::coordinator::Seen;
use super::super::store::RunState;
use super::super::{CoordinatorError, RunId, ScenarioId, StoreError};
use super::Halt;
use crate::result::RunResult;
use crate::scenario::ScenarioError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A change of a running test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// End it.
    Stop,
    /// Stop the profile's clock.
    Pause,
    /// Let it go on.
    Resume,
    /// Go to another rate.
    Rate {
        /// In requests per second, all workers together: 0 to 10^9.
        target_rps: f64,
        /// Within so many seconds: 0 to 604,800.
        over_seconds: f64,
    },
}

/// What came in the last seconds of a run: the contract's realtime statistics. Numbers that do not
/// exist are `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Realtime {
    /// Of which scenario.
    pub scenario_id: String,
    /// Of which run.
    pub run_id: RunId,
    /// Requests with an outcome in the window.
    pub total_requests: u64,
    /// Percentage of ok among them.
    pub success_rate: Option<f64>,
    /// Mean response time.
    pub avg_latency_ms: Option<f64>,
    /// Median response time.
    pub p50_latency_ms: Option<f64>,
    /// 95th percentile of response time.
    pub p95_latency_ms: Option<f64>,
    /// 99th percentile of response time.
    pub p99_latency_ms: Option<f64>,
    /// `total_requests` divided by the window's seconds.
    pub current_rps: Option<f64>,
    /// Arrivals due in the window divided by its seconds; `None` in closed loop.
    pub offered_rps: Option<f64>,
    /// Replies by status.
    pub status_code_distribution: BTreeMap<u16, u64>,
    /// Failed requests by error class.
    pub errors: BTreeMap<String, u64>,
    /// Length of the window: fewer seconds than asked for in a young run.
    pub window_seconds: f64,
    /// The window's end, in seconds of the measured time: the watermark.
    pub until_second: f64,
    /// Workers that make the load now.
    pub active_workers: u64,
    /// Each request of the mix, in its order; empty without one. Percentiles have two digits.
    #[serde(default)]
    pub requests: Vec<RealtimeRequest>,
}

/// What came of one request of the mix in the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RealtimeRequest {
    /// Its name.
    pub name: String,
    /// Requests with an outcome.
    pub total_requests: u64,
    /// Percentage of ok among them.
    pub success_rate: Option<f64>,
    /// Mean response time.
    pub avg_latency_ms: Option<f64>,
    /// Median response time.
    pub p50_latency_ms: Option<f64>,
    /// 95th percentile of response time.
    pub p95_latency_ms: Option<f64>,
    /// 99th percentile of response time.
    pub p99_latency_ms: Option<f64>,
    /// `total_requests` divided by the window's seconds.
    pub current_rps: Option<f64>,
    /// Arrivals due in the window divided by its seconds; `None` in closed loop.
    pub offered_rps: Option<f64>,
    /// Replies by status.
    pub status_code_distribution: BTreeMap<u16, u64>,
    /// Failed requests by error class.
    pub errors: BTreeMap<String, u64>,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// What, to be read after "waits for": `its workers (1 of 2 workers there)`.
    pub what: String,
    /// When it waits no longer, in milliseconds since 1970.
    pub until_unix_ms: u64,
}

/// What a call has made that makes a scenario, a run, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The scenario that was made, or of which a run was.
    pub scenario_id: ScenarioId,
    /// The run; `None` where none was to be made.
    pub run_id: Option<RunId>,
    /// When that was asked for first, in milliseconds since 1970.
    pub at_unix_ms: u64,
}

/// A worker as a controller sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerView {
    /// Its last report.
    #[serde(flatten)]
    pub seen: Seen,
    /// Whether its lease is not over.
    pub alive: bool,
}

/// Sums over all runs since this controller's start: for monitoring. Of a tenant there is nothing in it
/// but the ids of runs and scenarios.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Requests with an outcome.
    pub requests: u64,
    /// Failed requests by error class.
    pub errors: BTreeMap<&'static str, u64>,
    /// Workers whose lease is not over.
    pub active_workers: u64,
    /// Runs that have not ended.
    pub active_runs: u64,
    /// Response times: the upper bound of each bucket in seconds, and how many are at or below it.
    pub latency_buckets: Vec<(f64, u64)>,
    /// Sum of all response times, in seconds.
    pub latency_sum_seconds: f64,
    /// Whether this controller leads.
    pub leading: bool,
    /// Runs with SLA rules that have not ended: 100 at most, the newest.
    pub violated: Vec<Violated>,
    /// Alerts that webhooks have taken.
    pub alerts_delivered: u64,
    /// Requests by which a webhook did not take one.
    pub alerts_failed: u64,
    /// Alerts that were given up.
    pub alerts_given_up: u64,
    /// What the coordinator carried that nobody had said as it stood there: beats, snapshots, journals.
    pub refused: BTreeMap<&'static str, u64>,
}

/// How many of a run's SLA rules do not hold just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violated {
    /// The run.
    pub run_id: RunId,
    /// Its scenario.
    pub scenario_id: ScenarioId,
    /// How many.
    pub rules: u64,
}

/// The result of a run, or how far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum KnownResult {
    /// As of the last complete interval.
    Live(Box<RunResult>),
    /// For good.
    Final(Box<RunResult>),
    /// The run ended before anything was measured, or has not begun. What is kept and cannot be read
    /// is an error, [`ControllerError::Damaged`].
    Nothing,
}

/// A call to a controller that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// This controller stands by while another leads, where it is known at this address.
    #[error(
        "another controller leads this platform, at {}: ask it, or try again",
        .0.as_deref().unwrap_or("an address not known yet")
    )]
    StandsBy(Option<String>),
    /// This controller does not lead although nobody else is known to.
    #[error("this controller cannot lead: {0}")]
    CannotLead(String),
    /// There is no such run of this owner.
    #[error("there is no run {0}")]
    NoRun(RunId),
    /// There is no such scenario of this owner.
    #[error("there is no scenario {0}")]
    NoScenario(ScenarioId),
    /// The scenario has faults, or this platform may not run it.
    #[error(transparent)]
    Invalid(#[from] ScenarioError),
    /// Somebody changed the scenario since it was read.
    #[error("scenario {0} was changed meanwhile: read it again, then change it")]
    ChangedMeanwhile(ScenarioId),
    /// Neither it nor its scenario can be deleted while it goes on.
    #[error("run {0} goes on: stop it first, then delete")]
    GoesOn(RunId),
    /// The key was given with another call.
    #[error(
        "this Idempotency-Key was given with another body or to another call within the last day: \
         give each call a key of its own"
    )]
    KeyReused,
    /// So many keys of this owner are remembered, which is the limit.
    #[error(
        "{0} keys of this user are remembered, each for a day, which is the limit: call without \
         Idempotency-Key, or later"
    )]
    TooManyKeys(usize),
    /// The run has come to no result.
    #[error("run {run} ended as {}: {why}", .state.name())]
    NotMade {
        /// Which run.
        run: RunId,
        /// How it ended.
        state: RunState,
        /// Why.
        why: String,
    },
    /// The run had not ended when it should have, and was told to stop.
    #[error("run {run} is {} and has not ended within {} s: it was told to stop", .state.name(), .within.as_secs())]
    Overdue {
        /// Which run.
        run: RunId,
        /// How far it was.
        state: RunState,
        /// How long that was, pauses not counted.
        within: Duration,
    },
    /// Something that is kept cannot be read.
    #[error("{what} of run {run} is kept, and cannot be read: {why}")]
    Damaged {
        /// Of which run.
        run: RunId,
        /// What: `the result`.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// The run has ended.
    #[error("the run {run} has ended ({}): it cannot be changed any more", .state.name())]
    HasEnded {
        /// Which run.
        run: RunId,
        /// How it ended.
        state: RunState,
    },
    /// The command does not fit the run's state, or its numbers are out of range.
    #[error("{0}")]
    Refused(String),
    /// Nothing may start.
    #[error("nothing may start: {0}; an admin lifts that with DELETE /halt")]
    Halted(Halt),
    /// It would be more than the user may use.
    #[error("{0}")]
    OverQuota(String),
    /// This user has claimed no such domain.
    #[error("there is no domain {0}; PUT /domains/{0} claims it")]
    NoDomain(String),
    /// The token is not where it should be.
    #[error("{0}")]
    NotProved(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The coordinator.
    #[error(transparent)]
    Coordinator(#[from] CoordinatorError),
    /// What is secret in a document could not be opened: the key is another.
    #[error("what is secret in the scenario cannot be opened: {0}")]
    Secrets(String),
}
