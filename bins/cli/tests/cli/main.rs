//! Holds the command to its contract: the real binary against real servers, each run short.
//!
//! Nothing here depends on how fast this machine is: counts, codes and documents are judged, times
//! are not.

mod capacity;
mod checks;
mod compare;
mod dialling;
mod documents;
mod effects;
mod exit_codes;
mod interrupts;
mod outputs;
mod platform;
mod report;
mod requests;
mod scenarios;
mod secrets;
mod shortage;
mod support;
mod urls;
mod usage;
mod verdict;
