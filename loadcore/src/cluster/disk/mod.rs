//! Keeps what a platform stores on this machine's disk: one file in one directory, for one process
//! at a time.
//!
//! For a controller that has no MongoDB beside it. The file is a redb database: a copy-on-write
//! tree whose commit is one write of a checksummed header, so a killed process leaves the state of
//! the last commit, and nothing half-done. Every answer waits for its commit to be flushed.

mod calls;
mod error;
mod held;
mod notes;
mod open;
mod store;
mod tables;
mod writer;

pub use open::{DiskStore, OpenError};
