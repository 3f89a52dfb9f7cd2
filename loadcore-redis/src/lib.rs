#![doc = include_str!("../README.md")]

mod coordinator;
mod dial;
mod error;
mod keys;
mod link;
mod options;
mod reply;
mod scripts;
mod warned;
mod wire;

pub use coordinator::RedisCoordinator;
pub use options::{OptionsError, RedisOptions, redact};
