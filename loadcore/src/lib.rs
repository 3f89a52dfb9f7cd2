//! Embeddable load testing: puts honest load on a service and says what the numbers mean.
//!
//! The rooms of the house, each of which knows only those above it, are described in
//! `docs/architecture.md` of the repository.

pub mod analysis;
pub mod bucket;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod engine;
pub mod http;
pub mod profile;
pub mod record;
pub mod report;
pub mod request;
pub mod result;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod time;
pub mod transport;

pub use profile::{LoadProfile, Profile};
pub use result::RunResult;
pub use run::{LoadTest, Progress, Request, RunError, RunHandle, Sla};
pub use schedule::Arrivals;
pub use transport::{Lane, Transport};

/// The README's examples, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
