//! Keeps what a platform stores and carries within one process: for a platform that is one process,
//! and for tests.

mod coordinator;
mod store;

pub use coordinator::MemoryCoordinator;
pub use store::MemoryStore;
