//! Turns results into judgements: does the target keep its promises, may the measurement be trusted,
//! what limits the target, and what became different between two runs.
//!
//! [`Judge`] makes all three, wherever a run is made. Rules over the whole run and the verdict are pure
//! functions of the result document; rules with a window and findings rest on what was seen second by
//! second, of which analyses see [`Windows`]. What the target told of itself meanwhile stands beside them, and
//! names witnesses.

pub mod capacity;
pub mod compare;
pub mod sla;
pub mod validity;

mod assert;
mod bottleneck;
mod changes;
mod headroom;
mod judge;
mod suggest;
mod windows;
mod witness;

pub use crate::record::{GeneratorHealth, WorkerInterval};
pub use crate::result::{Finding, FindingKind, Headroom, Severity, Witness, WorkersWindow};
pub use assert::Violations;
pub use changes::changes;
pub use judge::Judge;
#[cfg(test)]
pub(crate) use judge::judged;
pub use windows::{NamedWindow, RequestWindow, Window, Windows, WorkerTotals};
pub(crate) use witness::Reducer;
