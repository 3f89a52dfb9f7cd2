#![doc = include_str!("../README.md")]

mod calls;
mod connect;
mod documents;
mod error;
mod results;
mod store;
mod url;

pub use connect::{ConnectError, MongoStore, Options};
pub use url::redact;
