//! Turns text into what stands on standard output or error, and says what a terminal can show.

use std::io::{self, IsTerminal, Write};

/// Writes to standard output. Whoever closed the pipe has read enough: that is no error.
///
/// # Errors
/// When it cannot be written for another reason.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Tells on standard error; where nobody can be told, there is nobody to tell that either.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard output shows colours.
pub(crate) fn colors() -> bool {
    io::stdout().is_terminal() && !is_dumb() && !is_set("NO_COLOR")
}

/// Whether a line on standard error can be written over.
pub(crate) fn shows_progress() -> bool {
    io::stderr().is_terminal() && !is_dumb()
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb")
}

/// Set and not empty, as <https://no-color.org> asks.
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}
