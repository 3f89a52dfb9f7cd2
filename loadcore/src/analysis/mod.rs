//! Turns results into judgements: does the target keep its promises, may the measurement be trusted.
//!
//! A judgement is a pure function of the result document, so a document that is read again is judged
//! the same.

pub mod sla;
pub mod validity;

mod assert;
mod suggest;

pub use assert::Violations;
