//! Turns a result into what people and programs read: text, JSON, CSV, hgrm, hlog.
//!
//! Nothing here prints: a report is a string, or goes to a writer that the caller gives. CSV and
//! hlog also have writers that are fed interval by interval, so that a run of any length is written
//! down in full while memory stays flat.

pub mod csv;
pub mod format;
pub mod hgrm;
pub mod hlog;
pub mod json;
pub mod text;
