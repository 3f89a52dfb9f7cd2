#![doc = include_str!("../README.md")]

mod connect;
mod coordinator;
mod error;
mod keys;
mod link;
mod options;
mod records;
mod reply;
mod scripts;
mod url;
mod warned;

pub use coordinator::RedisCoordinator;
pub use options::{OptionsError, RedisOptions, server};
pub use url::redact;
