//! What every backend must pass: the contracts of [`Coordinator`](super::Coordinator) and
//! [`Store`](super::Store) as suites of named checks.

mod coordinator;
pub mod store;

pub use coordinator::{CoordinatorCheck, a_report, a_snapshot, coordinator, coordinator_checks};
