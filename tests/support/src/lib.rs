//! Starts real servers for tests: each test starts its own, on a free port, and may kill it.
//!
//! Knows nothing of loadcore, so that the tests of every crate can use it. Whatever a test starts
//! here ends with the value that stands for it, on a panic too.

pub mod http;
pub mod mongo;
pub mod process;
pub mod redis;
