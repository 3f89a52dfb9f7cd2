//! Turns a result into the outputs that were asked for, each to its file or to standard output.
//!
//! Files are opened before the run, so that a path that cannot be written fails at once and not
//! after an hour; what they held is gone only when there is something to take its place.

use crate::exit::Failure;
use crate::terminal;
use loadcore::RunResult;
use loadcore::report::{Begun, FORMATS, Format, IntervalWriter, Options, json, listed, text};
use loadcore::run::ClosedInterval;
use loadcore::time::unix_millis;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, LineWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// What to write, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    format: Format,
    /// `None`: standard output.
    path: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;

    /// `FORMAT` or `FORMAT=PATH`; the path `-` is standard output.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = match text.split_once('=') {
            Some((_, "")) => return Err("the path after = is empty".into()),
            Some((name, "-")) => (name, None),
            Some((name, path)) => (name, Some(path.into())),
            None => (text, None),
        };
        let format = Format::named(name).map_err(|unknown| unknown.to_string())?;
        Ok(Self { format, path })
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.format.name)
    }
}

impl Output {
    /// The file by its one true name, in whatever way its path was written: what is not there yet is
    /// a name in its folder.
    fn file(&self) -> Option<PathBuf> {
        let path = self.path.as_ref()?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).canonicalize();
        let in_folder = || Some(folder.ok()?.join(path.file_name()?));
        let there = path.canonicalize().ok();
        Some(there.or_else(in_folder).unwrap_or_else(|| path.clone()))
    }
}

/// What `-o` takes, for the list of options.
pub(crate) fn help() -> String {
    let streamed: Vec<_> = FORMATS.into_iter().filter(|format| format.is_streamed()).collect();
    format!(
        "What to write (repeatable): {}, to a file or to standard output. {} are written while a \
         run on this machine goes on [default: {}]",
        listed(&FORMATS, "or"),
        listed(&streamed, "and"),
        text::FORMAT.name
    )
}

/// What `-o` takes where there is a result already.
pub(crate) fn help_of_a_result() -> String {
    let formats: Vec<_> = FORMATS.into_iter().filter(|format| format.is_of_a_result()).collect();
    format!(
        "What to write (repeatable): {}, to a file or to standard output [default: {}]",
        listed(&formats, "or"),
        text::FORMAT.name
    )
}

/// Text to standard output, if nothing was asked for.
///
/// # Errors
/// Where two outputs would be written into each other.
pub(crate) fn wanted(asked: &[Output]) -> Result<Vec<Output>, Failure> {
    if asked.is_empty() {
        return Ok(vec![Output { format: text::FORMAT, path: None }]);
    }
    for (i, one) in asked.iter().enumerate() {
        if let Some(other) = asked[..i].iter().find(|other| other.file() == one.file()) {
            let place = one.path.as_deref().map_or("standard output".into(), Path::to_string_lossy);
            return Err(Failure::Usage(format!(
                "-o {other} and -o {one} both go to {place}; give one of them a path of its own, as in -o {one}=PATH"
            )));
        }
    }
    Ok(asked.to_vec())
}

/// The outputs of what is no run's result, open: it is written as text and as JSON.
pub(crate) struct Pages(Vec<(Format, Sink)>);

impl Pages {
    /// Opens every file.
    ///
    /// # Errors
    /// Where another format is asked for, before a file is touched; or one cannot be written.
    pub(crate) fn open(wanted: &[Output]) -> Result<Self, Failure> {
        let is_page = |output: &Output| [text::FORMAT, json::FORMAT].contains(&output.format);
        if let Some(output) = wanted.iter().find(|output| !is_page(output)) {
            return Err(Failure::Usage(format!("-o {output}: it is written as text or json only")));
        }
        let open = |output: &Output| Ok((output.format, Sink::open(output.path.as_deref())?));
        wanted.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Writes them.
    ///
    /// # Errors
    /// Where one cannot be written.
    pub(crate) fn write(
        self,
        text: impl Fn(Options) -> String,
        json: impl Fn() -> String,
    ) -> Result<(), Failure> {
        self.0.into_iter().try_for_each(|(format, mut sink)| {
            let colors = sink.shows_colors();
            let page = if format == json::FORMAT { json() } else { text(Options { colors }) };
            sink.finish(page.as_bytes())
        })
    }
}

/// Whether all that is wanted can be made of a result that is there already: asked before a file is
/// touched.
///
/// # Errors
/// Where a format shows what this result does not hold.
pub(crate) fn possible(wanted: &[Output], result: &RunResult) -> Result<(), Failure> {
    wanted.iter().try_for_each(|output| {
        let rendered = output.format.render(result, Options::default());
        rendered.map(drop).map_err(|error| Failure::Usage(format!("-o {output}: {error}")))
    })
}

/// When streamed formats are written: the others need the whole result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// While the run goes on, by observers.
    AsItGoes,
    /// After the run, from its result; logs by whoever takes them.
    AtTheEnd,
}

/// The outputs of a run, open.
pub(crate) struct Outputs {
    documents: Vec<(Format, Sink)>,
    streams: Vec<Arc<Mutex<Stream>>>,
    /// One of the streams goes to standard output.
    to_stdout: bool,
}

impl Outputs {
    /// Opens every file.
    ///
    /// # Errors
    /// When one cannot be written.
    pub(crate) fn open(outputs: &[Output], when: When) -> Result<Self, Failure> {
        let mut opened = Self { documents: Vec::new(), streams: Vec::new(), to_stdout: false };
        for Output { format, path } in outputs {
            let sink = Sink::open(path.as_deref())?;
            if format.is_streamed() && when == When::AsItGoes {
                opened.to_stdout |= path.is_none();
                let place = sink.place();
                let stream = Stream { format: *format, place, state: State::Waiting(sink) };
                opened.streams.push(Arc::new(Mutex::new(stream)));
            } else {
                opened.documents.push((*format, sink));
            }
        }
        Ok(opened)
    }

    /// What has to see each interval of the run, to write it down.
    pub(crate) fn observers(
        &self,
    ) -> impl Iterator<Item = impl FnMut(&ClosedInterval<'_>) + Send + 'static> {
        self.streams.iter().map(|stream| {
            let stream = Arc::clone(stream);
            move |closed: &ClosedInterval<'_>| {
                stream.lock().unwrap_or_else(PoisonError::into_inner).interval(closed);
            }
        })
    }

    /// Whether lines will come on the terminal while the run goes on: no place for progress.
    pub(crate) fn stream_to_terminal(&self) -> bool {
        self.to_stdout && io::stdout().is_terminal()
    }

    /// Where interval logs go, which no result holds. Those of a run that writes as it goes are not
    /// among them.
    pub(crate) fn take_logs(&mut self) -> Vec<Sink> {
        let logs = self.documents.extract_if(.., |(format, _)| !format.is_of_a_result());
        logs.map(|(_, sink)| sink).collect()
    }

    /// Writes every document, and ends every stream.
    ///
    /// # Errors
    /// The first that could not be written; the others are written all the same.
    pub(crate) fn write(self, result: &RunResult) -> Result<(), Failure> {
        let mut written = Ok(());
        for (format, mut sink) in self.documents {
            let text = format
                .render(result, Options { colors: sink.shows_colors() })
                .map_err(io::Error::other)
                .map_err(Failure::system(format!("write to {}", sink.place())));
            written = written.and(text.and_then(|text| sink.finish(text.as_bytes())));
        }
        for stream in self.streams {
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            written = written.and(stream.finish());
        }
        written
    }
}

/// An output that is written while the run goes on. What cannot be written does not end the run: it
/// is told after it.
struct Stream {
    format: Format,
    place: String,
    state: State,
}

enum State {
    /// Nothing has been written.
    Waiting(Sink),
    Begun(Box<dyn IntervalWriter>),
    /// It has ended, well or not.
    Over(io::Result<()>),
}

impl Stream {
    fn interval(&mut self, closed: &ClosedInterval<'_>) {
        let names = closed.mix.iter().map(|(name, _)| name.clone());
        self.begin(closed.started_unix_ms, names.collect());
        let written = match &mut self.state {
            State::Begun(writer) => writer.interval(closed.interval, closed.span),
            State::Waiting(_) | State::Over(_) => Ok(()),
        };
        if written.is_err() {
            self.state = State::Over(written);
        }
    }

    fn begin(&mut self, started_unix_ms: u64, names: Vec<String>) {
        let begun = match std::mem::replace(&mut self.state, State::Over(Ok(()))) {
            State::Waiting(sink) => {
                let run = Begun { started_unix_ms, names };
                self.format.writer(Box::new(LineWriter::new(sink)), run)
            }
            other => return self.state = other,
        };
        self.state = match begun {
            Ok(Some(writer)) => State::Begun(writer),
            Ok(None) => State::Over(Ok(())),
            Err(error) => State::Over(Err(error)),
        };
    }

    /// Ends it. Where no interval came, as after a Ctrl-C in the warm-up, its head alone takes the place
    /// of what an earlier run left there; nothing of it has a time, so that of its end will do.
    fn finish(&mut self) -> Result<(), Failure> {
        self.begin(unix_millis(), Vec::new());
        let ended = match std::mem::replace(&mut self.state, State::Over(Ok(()))) {
            State::Waiting(_) => Ok(()),
            State::Begun(writer) => writer.finish(),
            State::Over(ended) => ended,
        };
        ended.map_err(Failure::system(format!("write to {}", self.place)))
    }
}

/// Where an output goes.
#[derive(Debug)]
pub(crate) enum Sink {
    Stdout,
    File { file: File, path: PathBuf, is_fresh: bool },
}

impl Sink {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Stdout) };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Failure::system(format!("write to {}", path.display())))?;
        Ok(Self::File { file, path: path.into(), is_fresh: true })
    }

    fn shows_colors(&self) -> bool {
        matches!(self, Self::Stdout) && terminal::colors()
    }

    /// Writes everything there is to write.
    fn finish(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.write_all(bytes).and_then(|()| self.flush());
        written.map_err(Failure::system(format!("write to {}", self.place())))
    }

    /// Where that is, for a message.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Stdout => "standard output".into(),
            Self::File { path, .. } => path.display().to_string(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Whoever closed the pipe has read enough.
            Self::Stdout => match io::stdout().write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
                other => other,
            },
            Self::File { file, is_fresh, .. } => {
                if std::mem::take(is_fresh) && file.metadata()?.is_file() {
                    file.set_len(0)?;
                }
                file.write(bytes)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout => match io::stdout().flush() {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other,
            },
            Self::File { file, .. } => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadcore::report::csv;

    fn output(text: &str) -> Output {
        text.parse().unwrap()
    }

    #[test]
    fn a_format_may_have_a_path() {
        assert_eq!(output("json"), Output { format: json::FORMAT, path: None });
        assert_eq!(output("TEXT=-"), Output { format: text::FORMAT, path: None });
        assert_eq!(output("csv=a=b"), Output { format: csv::FORMAT, path: Some("a=b".into()) });
        assert_eq!("json=".parse::<Output>(), Err("the path after = is empty".into()));
        let missing = Format::named("pdf").unwrap_err().to_string();
        assert_eq!("pdf=a".parse::<Output>(), Err(missing));
    }

    #[test]
    fn no_two_outputs_go_to_one_place() {
        assert_eq!(wanted(&[]).unwrap(), [output("text")]);
        assert!(wanted(&[output("text"), output("json=a"), output("csv=b")]).is_ok());
        let twice = wanted(&[output("text"), output("json")]).unwrap_err().to_string();
        assert!(twice.starts_with("-o text and -o json both go to standard output"), "{twice}");
        assert_eq!(wanted(&[output("csv=a"), output("json=a")]).unwrap_err().code(), 2);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        std::fs::write(folder.path().join("there"), "").unwrap();
        std::os::unix::fs::symlink("there", folder.path().join("link")).unwrap();
        for (one, other, is_one) in [
            ("a", "./a", true),
            ("a", "../cli/a", true),
            ("missing/a", "missing/a", true),
            ("missing/a", "missing/b", false),
            (&format!("{path}/new"), &format!("{path}/./new"), true),
            (&format!("{path}/there"), &format!("{path}/link"), true),
            (&format!("{path}/there"), &format!("{path}/new"), false),
        ] {
            let both = [output(&format!("csv={one}")), output(&format!("json={other}"))];
            assert_eq!(wanted(&both).is_err(), is_one, "{one} {other}");
        }
    }

    #[test]
    fn a_file_keeps_what_it_held_until_there_is_something_new() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, "a long text from before").unwrap();
        let mut sink = Sink::open(Some(&path)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a long text from before");
        sink.finish(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }
}
