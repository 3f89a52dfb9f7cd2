//! Turns a result into what people and programs read, in the formats that [`FORMATS`] lists; and a
//! comparison of results into text and JSON.
//!
//! Nothing here prints: a report is a string, or goes to a writer that the caller gives. CSV and
//! hlog also have writers that are fed interval by interval, so that a run of any length is written
//! down in full while memory stays flat.

pub mod capacity;
pub mod comparison;
pub mod csv;
pub mod format;
mod formats;
pub mod hgrm;
pub mod hlog;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod summary;
pub mod text;

pub use formats::{
    Begun, CannotRender, FORMATS, Format, IntervalWriter, Out, UnknownFormat, listed, names,
};
pub use text::Options;
