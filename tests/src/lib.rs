//! Gathers what the tests of several crates share. The README's Rust examples are compiled here.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
