//! Turns a format's name into how a result is written in it: the one list of formats.
//!
//! Each format is told in its own file, as that file's `FORMAT`. A new one is such a file and a line in
//! [`FORMATS`]: command lines, REST and bindings know no other list.

use super::text::Options;
use super::{csv, hgrm, hlog, html, json, junit, markdown, text};
use crate::record::Interval;
use crate::result::{RunResult, Span};
use std::fmt;
use std::io::{self, Write};

/// All formats, in the order in which people are told of them.
pub const FORMATS: [Format; 8] = [
    text::FORMAT,
    html::FORMAT,
    markdown::FORMAT,
    junit::FORMAT,
    json::FORMAT,
    csv::FORMAT,
    hgrm::FORMAT,
    hlog::FORMAT,
];

/// A form in which a run's figures are written.
#[derive(Clone, Copy)]
pub struct Format {
    /// The word for it, in `-o` and in `?format=`.
    pub name: &'static str,
    /// Its media type in HTTP.
    pub media_type: &'static str,
    /// What the name of a file in it ends with, after the dot.
    pub extension: &'static str,
    /// How it is made of a result; `None` where a result does not hold what it shows.
    pub(super) document: Option<Document>,
    /// How it is written while a run goes on; `None` where it needs the whole.
    pub(super) stream: Option<Stream>,
}

/// A result into a text.
pub(super) type Document = fn(&RunResult, Options) -> Result<String, CannotRender>;
/// Where intervals go, and of which run, into what writes them there.
pub(super) type Stream = fn(Out, Begun) -> io::Result<Box<dyn IntervalWriter>>;
/// Where a stream goes.
pub type Out = Box<dyn Write + Send>;

/// What is known of a run when its first interval comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begun {
    /// When the measured time began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The names of the requests of its mix; none without one.
    pub names: Vec<String>,
}

/// Why a result is not to be had in a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRender {
    /// It carries no histograms.
    #[error("the result carries no histograms, and its percentiles alone are too few for {0}")]
    NoHistograms(&'static str),
    /// The format shows each interval, which no result holds.
    #[error(
        "{0} shows each interval, and a result does not hold them: it is written while a run goes on"
    )]
    NoIntervals(&'static str),
}

/// There is no format of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no format {given:?} yet; there are {}", names(&FORMATS))]
pub struct UnknownFormat {
    /// As it was given.
    pub given: String,
}

/// Writes each interval of a run as it comes, however many there will be.
pub trait IntervalWriter: Send {
    /// Writes one.
    ///
    /// # Errors
    /// If it cannot be written.
    fn interval(&mut self, interval: &Interval, span: Span) -> io::Result<()>;

    /// Writes what is left.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

impl Format {
    /// The format of a name, in upper or lower case.
    ///
    /// # Errors
    /// When there is none; names all that there are.
    pub fn named(name: &str) -> Result<Self, UnknownFormat> {
        let found = FORMATS.into_iter().find(|format| format.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| UnknownFormat { given: name.to_owned() })
    }

    /// Whether it is made of a result.
    #[must_use]
    pub fn is_of_a_result(self) -> bool {
        self.document.is_some()
    }

    /// Whether it can be written while a run goes on.
    #[must_use]
    pub fn is_streamed(self) -> bool {
        self.stream.is_some()
    }

    /// The result in this format.
    ///
    /// # Errors
    /// When the result lacks what the format shows.
    pub fn render(self, result: &RunResult, options: Options) -> Result<String, CannotRender> {
        let document = self.document.ok_or(CannotRender::NoIntervals(self.name))?;
        document(result, options)
    }

    /// What writes a run's intervals to `out`; `None` where the format needs the whole. The format's
    /// head is written at once.
    ///
    /// # Errors
    /// If the head cannot be written.
    pub fn writer(self, out: Out, run: Begun) -> io::Result<Option<Box<dyn IntervalWriter>>> {
        self.stream.map(|stream| stream(out, run)).transpose()
    }
}

/// Two of one name are the same.
impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.name)
    }
}

/// The names of formats: `text, json, csv`.
#[must_use]
pub fn names(formats: &[Format]) -> String {
    formats.iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}

/// The names of formats in a sentence: `text, json or csv`.
#[must_use]
pub fn listed(formats: &[Format], word: &str) -> String {
    match formats {
        [first @ .., last] if !first.is_empty() => format!("{} {word} {}", names(first), last.name),
        few => names(few),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::{Run, request, run_start, steady_run};
    use crate::result::{LoopKind, RunEnd};
    use crate::time::{MILLISECOND, SECOND};
    use std::sync::{Arc, Mutex};

    #[test]
    fn each_is_found_by_its_name_and_has_a_name_of_its_own() {
        for (place, format) in FORMATS.into_iter().enumerate() {
            assert_eq!(Format::named(&format.name.to_uppercase()), Ok(format));
            let first = FORMATS.iter().position(|it| it.name == format.name);
            assert_eq!(first, Some(place), "{format:?}");
            assert!(format.is_of_a_result() || format.is_streamed(), "{format:?} is never made");
            assert!(format.media_type.contains('/') && !format.extension.contains('.'));
        }
        assert_eq!(
            Format::named("pdf").unwrap_err().to_string(),
            format!("there is no format \"pdf\" yet; there are {}", names(&FORMATS))
        );
        assert_eq!(listed(&[json::FORMAT, csv::FORMAT, hlog::FORMAT], "or"), "json, csv or hlog");
        assert_eq!(listed(&[json::FORMAT], "or"), "json");
    }

    #[test]
    fn a_result_is_rendered_in_each_that_is_made_of_one_and_says_what_it_lacks() {
        let (whole, mut bare) = (steady_run(), steady_run());
        bare.histograms = None;
        for format in FORMATS {
            let rendered = format.render(&whole, Options::default());
            if format.is_of_a_result() {
                assert!(rendered.unwrap().lines().count() > 5, "{format:?}");
            } else {
                assert_eq!(rendered, Err(CannotRender::NoIntervals(format.name)));
            }
        }
        let lacking = hgrm::FORMAT.render(&bare, Options::default()).unwrap_err();
        assert_eq!(lacking, CannotRender::NoHistograms("hgrm"));
        assert!(json::FORMAT.render(&bare, Options::default()).is_ok());
    }

    /// A place that is read after its writer has gone.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn streamed_formats_write_each_interval_and_the_others_none() {
        let mut run = Run::new(run_start(LoopKind::Open));
        for second in 0..3 {
            run.second(false, |recorder, _| {
                request(recorder, Some(second * SECOND), 0, MILLISECOND, Ok(200));
            });
        }
        let intervals = std::mem::take(&mut run.intervals);
        let result = run.end(RunEnd { duration_ns: 3 * SECOND, ..RunEnd::default() }, 0);
        for format in FORMATS {
            let out = Shared::default();
            let writer = format.writer(Box::new(out.clone()), Begun::default()).unwrap();
            assert_eq!(writer.is_some(), format.is_streamed(), "{format:?}");
            let Some(mut writer) = writer else { continue };
            let head = out.0.lock().unwrap().len();
            for (interval, span) in &intervals {
                writer.interval(interval, *span).unwrap();
            }
            writer.finish().unwrap();
            let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
            let lines = &text[head..];
            assert!(head > 0 && lines.lines().count() >= 3, "{text}");
            // What can be made of a result too is the same text.
            if format.is_of_a_result() {
                assert_eq!(format.render(&result, Options::default()), Ok(text));
            }
        }
    }
}
