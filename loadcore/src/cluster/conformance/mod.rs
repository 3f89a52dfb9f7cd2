//! Turns the contracts of [`Coordinator`](super::Coordinator) and [`Store`](super::Store) into
//! checks that every backend must pass.

mod coordinator;
pub mod store;

pub use coordinator::{
    CoordinatorCheck, a_beat, a_line, a_report, a_snapshot, coordinator, coordinator_checks,
};
