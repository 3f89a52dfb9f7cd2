//! Turns merged snapshots into the one result document of a run.
//!
//! The document is the same wherever it comes from, and can be read back: reports, comparisons and
//! SLA rules work on a [`RunResult`], never on running state. `docs/results.md` of the repository
//! says what every key means.

mod brief;
mod builder;
mod carried;
mod document;
mod finding;
mod generator;
mod headroom;
mod observed;
mod requests;
mod rows;
mod series;
mod shown;
mod summary;
mod timestamp;
mod workers;

#[cfg(test)]
pub(crate) mod fixtures;

pub use brief::{RunSummary, Sparkline};
pub(crate) use builder::named_counts;
pub use builder::{ResultBuilder, RunEnd, RunStart, Span};
pub use carried::CarriedHistograms;
pub use document::{
    Arrivals, Environment, Generator, LatencyKind, LoopKind, Outcomes, Protocol, ReadError, Reason,
    RunResult, SCHEMA_VERSION, SeriesRow, SlaOutcome, Validity, Verdict, Violation,
};
pub use finding::{Finding, FindingKind, Severity, Witness};
pub use headroom::Headroom;
pub(crate) use observed::short;
pub use observed::{Observed, ObservedFault, ObservedSeries};
pub use requests::RequestResult;
pub(crate) use rows::{MOST_ROWS, Row, Rows};
pub use summary::LatencySummary;
pub(crate) use summary::ms;
pub use timestamp::rfc3339;
pub use workers::{WorkerFigures, WorkerResult, WorkerSeries, WorkersWindow};
