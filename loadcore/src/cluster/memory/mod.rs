//! Coordinator and store in memory: for tests, for simulations, and for a platform that is one
//! process.

mod coordinator;
mod store;

pub use coordinator::MemoryCoordinator;
pub use store::MemoryStore;
