//! Tests a whole platform of real processes against the built-in target: what it says it sent is
//! what the target counted, whatever is killed, frozen, wiped or cut off meanwhile.
//!
//! One controller (or two), some workers, a Redis and a server that speaks MongoDB's protocol, all
//! started by each test and ended with it. The tests run one after another, for each of them makes
//! load.

#[path = "distributed/bad_input.rs"]
mod bad_input;
#[path = "distributed/canaries.rs"]
mod canaries;
#[path = "distributed/control.rs"]
mod control;
#[path = "distributed/ends.rs"]
mod ends;
#[path = "distributed/faults.rs"]
mod faults;
#[path = "distributed/load.rs"]
mod load;
#[path = "distributed/many_faults.rs"]
mod many_faults;
#[path = "distributed/mix.rs"]
mod mix;
#[path = "distributed/options.rs"]
mod options;
#[path = "distributed/platform.rs"]
mod platform;
#[path = "distributed/programs.rs"]
mod programs;
#[path = "distributed/runs.rs"]
mod runs;
#[path = "distributed/secrets.rs"]
mod secrets;
#[path = "distributed/skew.rs"]
mod skew;
