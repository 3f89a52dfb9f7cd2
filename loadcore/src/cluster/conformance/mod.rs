//! What every backend must pass: the contracts of the traits as suites of named checks.

pub mod store;
