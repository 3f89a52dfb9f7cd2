//! Turns a scenario, or a few builder calls, into a running test on this machine.
//!
//! ```no_run
//! # async fn example() -> Result<(), loadcore::RunError> {
//! use loadcore::LoadTest;
//! use std::time::Duration;
//!
//! let result = LoadTest::get("http://127.0.0.1:8081/")
//!     .rate(500.0)
//!     .duration(Duration::from_secs(10))
//!     .sla("ok_p99<50ms")
//!     .sla("error_rate<1%")
//!     .run()
//!     .await?;
//! result.assert_passed();
//! # Ok(())
//! # }
//! ```

mod capacity;
mod collect;
mod described;
mod error;
mod feed;
mod from_scenario;
mod handle;
mod http;
mod launch;
mod limits;
mod load;
pub(crate) mod observe;
mod planned;
mod progress;
mod settings;
mod sla;
mod subject;
mod test;

pub use capacity::{CapacityHandle, CapacityTest};
pub use collect::ClosedInterval;
pub use error::RunError;
pub use feed::{Following, Snapshots};
#[cfg(feature = "cluster")]
pub(crate) use from_scenario::http_options;
pub use handle::{Control, ControlError, RunHandle};
pub use http::Request;
pub use progress::Progress;
#[cfg(feature = "cluster")]
pub(crate) use settings::Assignment;
pub use settings::{DEFAULT_SLACK, MAX_SLACK};
pub use sla::Sla;
pub use test::LoadTest;

use collect::Observer;
use settings::TestSettings;
