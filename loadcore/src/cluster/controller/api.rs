//! What a controller is asked and what it answers: the types of its front ends.

use super::super::coordinator::Seen;
use super::super::{CoordinatorError, RunId, StoreError};
use crate::result::RunResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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

/// One message to those who watch a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Counts up with each frame of the run, from 1.
    pub seq: u64,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: FrameKind,
    /// Its content.
    pub data: Value,
}

/// Kinds of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FrameKind {
    /// A second of the run.
    Interval,
    /// Something that stands in the timeline.
    Event,
    /// The run has ended; no frame follows.
    End,
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

/// Sums over all runs since this controller's start: for monitoring. Nothing in it is a tenant's.
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
}

/// The result of a run, or how far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// As of the last complete interval.
    Live(Box<RunResult>),
    /// For good.
    Final(Box<RunResult>),
    /// The run ended before anything was measured, or has not begun.
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
    /// The run has ended.
    #[error("the run {run} has ended ({state}): it cannot be changed any more")]
    HasEnded {
        /// Which run.
        run: RunId,
        /// How it ended.
        state: String,
    },
    /// The command does not fit the run's state, or its numbers are out of range.
    #[error("{0}")]
    Refused(String),
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
