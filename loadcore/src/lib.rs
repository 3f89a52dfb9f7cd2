//! Embeddable load testing: puts honest load on a service and says what the numbers mean.
//!
//! The rooms of the house, each of which knows only those above it, are described in
//! `docs/architecture.md` of the repository.

pub mod time;
pub mod profile;
pub mod schedule;
pub mod bucket;
pub mod request;
pub mod transport;
pub mod record;
pub mod result;
pub mod analysis;
pub mod scenario;
pub mod report;
pub mod http;
pub mod engine;
pub mod run;

pub use profile::{LoadProfile, Profile};
pub use result::RunResult;
pub use run::{LoadTest, RunError, RunHandle};
pub use schedule::Arrivals;
pub use transport::{Lane, Transport};
