#![doc = include_str!("../README.md")]

mod connect;
mod deadline;
mod error;
mod records;
mod results;
mod store;
mod url;

pub use connect::{ConnectError, MongoStore, Options, servers};
pub use url::redact;
