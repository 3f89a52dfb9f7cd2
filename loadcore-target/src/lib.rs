#![doc = include_str!("../README.md")]

mod answer;
mod behaviour;
mod config;
mod connection;
mod distribution;
mod http1;
mod http2;
mod parse;
mod request;
mod server;
mod service;
mod stats;
mod time;
mod timer;
mod tls;

pub use config::{
    Certificate, Cliff, ColdStart, Config, ConfigError, ConnectionLimit, Errors, Failure,
    HttpVersions, Listen, RateLimit, Stall, StallClock, Tls,
};
pub use distribution::{Distribution, Draws};
pub use parse::{MAX_DURATION, ParseError, bytes, duration, rate};
pub use server::{StartError, Target};
pub use stats::{Connections, Lateness, Stats, Watcher};
pub use tls::TlsError;
