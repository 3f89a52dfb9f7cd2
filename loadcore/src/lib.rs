#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod analysis;
#[doc(hidden)]
pub mod bucket;
#[cfg(feature = "cluster")]
pub mod cluster;
pub(crate) mod engine;
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
pub use transport::{Call, Lane, Transport};
