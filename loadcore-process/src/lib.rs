//! Gives the programs of a platform what they share as processes, each thing in one place.

pub mod command;
pub mod health;
pub mod limits;
pub mod listen;
pub mod log;
pub mod signals;
