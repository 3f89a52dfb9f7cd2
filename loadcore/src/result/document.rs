//! Holds the result document: its keys, in their order.
//!
//! The first keys, down to `series`, are those that scripts rely on. Every key is always there; a
//! number that does not exist is null, never 0.

use super::{
    CarriedHistograms, Finding, Headroom, LatencySummary, Observed, RequestResult, WorkerResult,
};
use crate::record::Distribution;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The version of the document that is written, and the newest that is read.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that is known about a run.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[must_use = "a run that nobody looks at has shown nothing: see RunResult::assert_passed"]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunResult {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// What was to be done.
    pub scenario: Value,
    /// When the measured time began, as RFC 3339 in UTC.
    pub started_at: String,
    /// The measured time: without warm-up and drain.
    pub duration_seconds: f64,
    /// What it was done with.
    pub environment: Environment,
    /// Whether arrivals waited for replies.
    #[serde(rename = "loop")]
    pub loop_kind: LoopKind,
    /// Arrivals due per second of the measured time; `None` in closed loop.
    pub offered_rps: Option<f64>,
    /// Requests with an outcome per second of the measured time.
    pub achieved_rps: Option<f64>,
    /// Nothing is unknown.
    pub complete: bool,
    /// What became of the arrivals.
    pub arrivals: Arrivals,
    /// What became of the requests sent.
    pub outcomes: Outcomes,
    /// Requests with an outcome: ok + failed.
    pub total_requests: u64,
    /// Percentage of ok among the requests with an outcome.
    pub success_rate: Option<f64>,
    /// Bytes written.
    pub bytes_sent: u64,
    /// Bytes read.
    pub bytes_received: u64,
    /// Response time over ok and failed; see [`RunResult::latency_kind`].
    pub latency: LatencySummary,
    /// End minus actual start, over ok and failed.
    pub service_time: LatencySummary,
    /// Actual start minus intended start, over everything sent.
    pub schedule_lag: LatencySummary,
    /// Replies by status.
    pub status_code_distribution: BTreeMap<u16, u64>,
    /// Failed requests by error class.
    pub errors: BTreeMap<String, u64>,
    /// What the SLA rules came to, in their order.
    pub sla: Vec<SlaOutcome>,
    /// Whether the measurement may be trusted.
    pub validity: Validity,
    /// What limits the target, the most important first.
    pub bottlenecks: Vec<Finding>,
    /// What the target told of itself, an entry for each endpoint that was observed.
    #[serde(default)]
    pub observed: Vec<Observed>,
    /// What was spoken with the target.
    #[serde(default)]
    pub protocol: Protocol,
    /// `latency` over the ok alone; null where they are not known apart from the failed.
    #[serde(default)]
    pub ok_latency: LatencySummary,
    /// Up to which rate each SLA rule held, where the profile raises the rate.
    #[serde(default)]
    pub headroom: Vec<Headroom>,
    /// Each request of the mix, in its order; empty without one.
    #[serde(default)]
    pub requests: Vec<RequestResult>,
    /// Seconds in each row of the series.
    pub series_seconds: u64,
    /// The run over time: at most 3,600 rows, whose sums are the totals.
    pub series: Vec<SeriesRow>,

    /// What `latency` is here.
    pub latency_kind: LatencyKind,
    /// Opening a connection, TLS excluded.
    pub connect: LatencySummary,
    /// TLS handshakes.
    pub tls: LatencySummary,
    /// First byte of the reply minus actual start.
    pub first_byte: LatencySummary,
    /// Connections opened.
    pub connects: u64,
    /// One text for each error class that occurred.
    pub error_examples: BTreeMap<String, String>,
    /// Load before the measured time, in seconds; excluded from every number here.
    pub warmup_seconds: f64,
    /// How long requests in flight were awaited after the measured time.
    pub drain_seconds: f64,
    /// The run was ended before its time.
    pub interrupted: bool,
    /// How the generator fared: what the verdict is judged from.
    pub generator: Generator,
    /// The same of each worker, over time, in the order of their names: at most 32, those that fared worst.
    #[serde(default)]
    pub workers: Vec<WorkerResult>,
    /// The distributions behind the percentiles, if they were kept.
    pub histograms: Option<Box<CarriedHistograms>>,
}

/// What a run was made with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Environment {
    /// This program's version.
    pub version: String,
    /// The operating system and its architecture.
    pub os: String,
    /// Processors that the machines of all workers let us use; `None` where it is not known.
    pub cores: Option<u64>,
    /// Engine threads, of all workers; `None` where it is not known.
    pub threads: Option<u64>,
    /// Processes that made the load.
    pub workers: u64,
    /// Whatever else was chosen, such as the pacer's slack.
    pub options: Map<String, Value>,
}

/// What was spoken with the target, as its connections agreed. Null where nothing was: without a
/// connection, and with a closure or a transport of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Protocol {
    /// The version of HTTP: `1.1` or `2`; both, with a comma, where connections differ.
    pub http: Option<String>,
    /// The version of TLS: `1.3`; without TLS null.
    pub tls: Option<String>,
    /// The most requests that a connection was allowed to carry at once.
    pub streams: Option<u64>,
}

/// Whether arrivals wait for replies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoopKind {
    /// They do not.
    #[default]
    Open,
    /// A connection's next request waits for the reply to the one before.
    Closed,
}

/// What "latency" is in a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LatencyKind {
    /// End minus intended start: in open loop.
    ResponseTime,
    /// End minus actual start: in closed loop, where nothing is intended.
    ServiceTime,
}

/// What became of the arrivals: `due = sent + dropped + backlog + unknown`, always.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Arrivals {
    /// Their intended start has come.
    pub due: u64,
    /// Their attempt began.
    pub sent: u64,
    /// Given up before they were sent.
    pub dropped: u64,
    /// Due and waiting; 0 at the end of a run.
    pub backlog: u64,
    /// Due on a worker that was lost before it could report.
    pub unknown: u64,
    /// The dropped ones by reason.
    pub dropped_by_reason: BTreeMap<String, u64>,
}

/// What became of the requests sent: `sent = ok + failed + unfinished`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcomes {
    /// Answered with 2xx or 3xx and every check passed.
    pub ok: u64,
    /// Anything else.
    pub failed: u64,
    /// Without an outcome when the run ended.
    pub unfinished: u64,
    /// Of ok and failed: sent only in the drain, since they still waited when nothing more fell due.
    #[serde(default)]
    pub late: u64,
}

/// What an SLA rule came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SlaOutcome {
    /// The rule: `p99<250ms`.
    pub rule: String,
    /// It holds.
    pub passed: bool,
    /// The value it was held against, in `unit`; of a windowed rule the worst one. `None` where
    /// there is none, and then the rule has not passed.
    pub actual: Option<f64>,
    /// `ms`, `%` or `/s`.
    pub unit: String,
    /// Why there is no value, or what is to be said of it.
    pub reason: Option<String>,
    /// Length of the sliding window; `None`: the whole run.
    pub window_seconds: Option<u32>,
    /// When it did not hold. At most 100 are kept.
    pub violations: Vec<Violation>,
    /// It ended the run.
    pub aborted: bool,
}

/// A time in which an SLA rule did not hold, in seconds since the start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Violation {
    /// When it began.
    pub from_second: f64,
    /// When it ended.
    pub to_second: f64,
    /// The worst value in it; `None` where a rule of ok requests found none that was.
    pub worst: Option<f64>,
}

/// May the generator's measurement be trusted? It says nothing about the target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Validity {
    /// The worst of the reasons' verdicts; VALID without any.
    pub verdict: Verdict,
    /// What speaks against it.
    pub reasons: Vec<Reason>,
}

/// VALID, DEGRADED or INVALID, from good to bad.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// The generator was well.
    #[default]
    Valid,
    /// It was not throughout: some of the numbers include its own troubles.
    Degraded,
    /// It was not: the numbers say more about the generator than about the target.
    Invalid,
}

/// Something that speaks against the measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reason {
    /// Its name: `pacer_late`.
    pub kind: String,
    /// What follows from it.
    pub verdict: Verdict,
    /// What was measured, in `unit`.
    pub figure: f64,
    /// What it may be at most.
    pub limit: f64,
    /// `ms`, `%`, `times` or `workers`.
    pub unit: String,
    /// What happened, in a sentence.
    pub explanation: String,
    /// What to do about it.
    pub remedy: String,
}

/// How the generator fared. Shares are of one processor, 0 to 1, for each engine thread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Generator {
    /// How much later than due the pacer woke. Waiting for a busy target is not in it.
    pub pacer_lag: LatencySummary,
    /// How often it woke.
    #[serde(default)]
    pub wakes: u64,
    /// How often it woke more than a millisecond later than the slack allows.
    #[serde(default)]
    pub late_wakes: u64,
    /// Share of the load's time in which something was due and the pacer did not act: gaps of more than
    /// a millisecond. `None` in closed loop.
    #[serde(default)]
    pub late_share: Option<f64>,
    /// Share of the load's time in which the engine threads stood still: gaps of more than 50 ms.
    #[serde(default)]
    pub stalled_share: Option<f64>,
    /// How long the pacer was allowed to let due requests gather.
    pub slack_ms: f64,
    /// Processor time of the engine threads.
    pub cpu_share: Option<f64>,
    /// That of the busiest thread in its busiest second.
    pub peak_cpu_share: Option<f64>,
    /// Time that they were ready to run and did not get a processor.
    pub run_delay_share: Option<f64>,
    /// Time that the container's quota stopped the process.
    pub throttled_share: Option<f64>,
    /// How often this machine was short of a descriptor or port: attempts that could not begin, and
    /// arrivals that waited since no more connections could be opened.
    #[serde(alias = "descriptorsShort")]
    pub shortages: u64,
    /// In closed loop: share of the time that connections waited for such a thing.
    #[serde(default)]
    pub shortage_share: Option<f64>,
    /// How often the clock went backwards.
    pub clock_faults: u64,
    /// The greatest uncertainty of a worker's clock against the others.
    pub clock_error_ms: f64,
    /// Workers that were lost.
    pub lost_workers: Vec<String>,
}

/// A row of the series: what happened in one span of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SeriesRow {
    /// Where it begins, in seconds since the start of the measured time.
    pub second: u64,
    /// Arrivals that fell due in it.
    pub due: u64,
    /// Requests that were sent in it.
    pub sent: u64,
    /// Requests that ended well in it.
    pub ok: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Arrivals that were given up in it.
    pub dropped: u64,
    /// Arrivals that wait at its end: up to there, `due = sent + dropped + backlog + unknown`.
    #[serde(default)]
    pub backlog: u64,
    /// Arrivals up to its end of which nobody can say what became of them.
    #[serde(default)]
    pub unknown: u64,
    /// Median of the latencies of what ended in it. Where rows were merged it is read from their
    /// distribution, to 3.2%.
    pub p50_ms: Option<f64>,
    /// Their 95th percentile.
    pub p95_ms: Option<f64>,
    /// Their 99th percentile.
    pub p99_ms: Option<f64>,
    /// The largest of them.
    pub max_ms: Option<f64>,
    /// All of them, compact; null where nothing ended, where rows were merged of which one lacks it,
    /// and where it was asked to be left out.
    #[serde(default)]
    pub distribution: Option<Distribution>,
}

/// Why a text is not a result document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is none.
    #[error("not a result document: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer program.
    #[error("the result has schemaVersion {found}, and this program reads up to {newest}")]
    Newer {
        /// The version it has.
        found: u64,
        /// The newest that is read.
        newest: u32,
    },
}

/// What tells whether the rest can be read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    schema_version: u64,
}

impl Head {
    fn check(self) -> Result<(), ReadError> {
        if self.schema_version > u64::from(SCHEMA_VERSION) {
            return Err(ReadError::Newer { found: self.schema_version, newest: SCHEMA_VERSION });
        }
        Ok(())
    }
}

impl RunResult {
    /// Reads the document that `-o json` writes.
    ///
    /// # Errors
    ///
    /// If it is no result document, or one of a newer version.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        serde_json::from_str::<Head>(text)?.check()?;
        Ok(serde_json::from_str::<Self>(text)?.with_percentiles())
    }

    /// Reads a document that was read as JSON already.
    ///
    /// # Errors
    ///
    /// If it is no result document, or one of a newer version.
    pub fn from_value(document: Value) -> Result<Self, ReadError> {
        Head::deserialize(&document)?.check()?;
        Ok(serde_json::from_value::<Self>(document)?.with_percentiles())
    }

    /// Its numbers know what is behind them, as far as the document has it.
    fn with_percentiles(mut self) -> Self {
        let Some(carried) = self.histograms.as_deref() else { return self };
        let CarriedHistograms { latency, ok_latency, service_time, schedule_lag } = carried;
        self.latency = std::mem::take(&mut self.latency).with(latency);
        self.service_time = std::mem::take(&mut self.service_time).with(service_time);
        self.schedule_lag = std::mem::take(&mut self.schedule_lag).with(schedule_lag);
        if let Some(ok) = ok_latency {
            self.ok_latency = std::mem::take(&mut self.ok_latency).with(ok);
        }
        self
    }

    /// Whether there was an intended start for every request.
    #[must_use]
    pub fn is_open_loop(&self) -> bool {
        self.loop_kind == LoopKind::Open
    }
}

impl RunResult {
    /// Takes the distributions out of its rows: they are a good part of a long run's document.
    pub fn leave_out_distributions(&mut self) {
        let of_requests = self.requests.iter_mut().flat_map(|request| &mut request.series);
        self.series.iter_mut().chain(of_requests).for_each(|row| row.distribution = None);
    }

    /// Requests that were awaited to the end of the drain in vain: the unfinished ones, but for those
    /// that an early end or the loss of their worker cut off.
    #[must_use]
    pub fn never_ended(&self) -> u64 {
        let lost = !self.complete || !self.generator.lost_workers.is_empty();
        if self.interrupted || lost { 0 } else { self.outcomes.unfinished }
    }
}

impl Environment {
    /// The operating system and the architecture of this program.
    #[must_use]
    pub fn os_here() -> String {
        format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
    }
}

impl Verdict {
    /// The word in documents: `VALID`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Degraded => "DEGRADED",
            Self::Invalid => "INVALID",
        }
    }
}
