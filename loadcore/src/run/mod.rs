//! A scenario, or a few builder calls, into a running test on this machine.
//!
//! ```no_run
//! # async fn example() -> Result<(), loadcore::RunError> {
//! use loadcore::LoadTest;
//! use std::time::Duration;
//!
//! let result = LoadTest::get("http://127.0.0.1:8081/")
//!     .rate(500.0)
//!     .duration(Duration::from_secs(10))
//!     .expect("ok_p99<50ms")
//!     .expect("error_rate<1%")
//!     .run()
//!     .await?;
//! result.assert_passed();
//! # Ok(())
//! # }
//! ```

mod collect;
mod from_scenario;
mod handle;
mod launch;
mod limits;
mod planned;
mod settings;
mod subject;
mod test;

pub use collect::ClosedInterval;
pub use handle::{Control, ControlError, RunHandle, Snapshots};
pub use planned::MAX_SLACK;
pub use settings::DEFAULT_SLACK;
#[cfg(feature = "cluster")]
pub(crate) use settings::Duty;
pub use subject::IntoTransport;
pub use test::LoadTest;

use crate::http::PlanError;
use crate::request::Failure;
use std::io;

/// A run that could not be made. A request that fails is no error: it is part of the result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The URL is not one.
    #[error("the target \"{url}\" is not a URL: {why}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The request cannot be made as asked.
    #[error(transparent)]
    Request(#[from] PlanError),
    /// A setting is out of its range.
    #[error("{what} is {value}: {limit}")]
    Setting {
        /// Which one.
        what: &'static str,
        /// As given.
        value: String,
        /// What is allowed.
        limit: String,
    },
    /// The profile's or the scenario's numbers.
    #[error("{0}")]
    Profile(String),
    /// An SLA rule.
    #[error("{0}")]
    Rule(String),
    /// The target may not be loaded.
    #[error("the target is refused by policy: {0}")]
    Refused(Failure),
    /// Too few file descriptors.
    #[error(
        "{connections} connections need {connections} file descriptors, and only {available} of the \
         limit of {limit} are left: raise it (ulimit -n), or ask for fewer connections"
    )]
    Descriptors {
        /// Asked for.
        connections: u64,
        /// Left for connections.
        available: u64,
        /// The process's limit.
        limit: u64,
    },
    /// A thread of the engine could not start, or ended early.
    #[error("an engine thread failed: {0}")]
    Thread(#[from] io::Error),
}
