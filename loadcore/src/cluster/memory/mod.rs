//! Coordinator and store in memory: for tests, for simulations, and for runs within one process.

mod store;
pub use store::MemoryStore;
