//! Turns many workers into one load and one truth: the distributed run.
//!
//! A **worker** makes load, a **controller** plans, merges and judges. They never talk to each
//! other: both talk to a [`Coordinator`], which carries tasks, journals, heartbeats and snapshots
//! in flight, and the controller keeps what must last in a [`Store`]. Either may vanish for a while
//! and no count is lost, because results are state and not messages: a worker's snapshot holds
//! everything since its start in the run, and the newest one of each worker is the whole truth.
//!
//! What a run is told stands in its [`journal`]: a list that only grows. Workers read it and apply
//! each [`Entry`](journal::Entry) at the moment of the run's clock that it names. Who owns which
//! part of the schedule from when on follows from the journal alone, so controller and workers
//! agree without talking, and a controller that starts anew knows what the one before it knew.
//!
//! Nothing here depends on Redis, MongoDB or HTTP. Backends implement the two traits and must pass
//! [`conformance`].

pub mod agent;
mod capacity;
mod clock;
pub mod conformance;
pub mod controller;
pub mod coordinator;
pub mod disk;
pub mod id;
pub mod journal;
pub mod lease;
pub mod memory;
mod plan;
mod planned_load;
pub mod report;
pub mod secrets;
pub mod signed;
#[cfg(test)]
mod simulation;
pub mod standing;
pub mod store;
mod threads;

pub use agent::{Agent, AgentOptions};
pub use controller::{Controller, ControllerOptions, LocalWorkers};
pub use coordinator::{Coordinator, CoordinatorError};
pub use id::{Owner, RunId, ScenarioId, WorkerId};
pub use lease::Lease;
pub use store::{Store, StoreError};
