//! Turns text into what stands on standard output or error, and says what a terminal can show.

use rustix::termios::tcgetwinsize;
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
    let _ = writeln!(io::stderr().lock(), "{}", harmless(text));
}

/// Tells what went wrong, in the way in which clap tells of wrong usage.
pub(crate) fn tell_error(text: &str) {
    let colors = io::stderr().is_terminal() && !is_dumb() && !is_set("NO_COLOR");
    let (red, plain) = if colors { ("\u{1b}[1m\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
    let _ = writeln!(io::stderr().lock(), "{red}error:{plain} {}", harmless(text));
}

/// What a file or a server says must not move the cursor.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Whether standard output shows colours.
pub(crate) fn colors() -> bool {
    io::stdout().is_terminal() && !is_dumb() && !is_set("NO_COLOR")
}

/// How many characters a line of standard output holds: what `COLUMNS` says, as for other programs,
/// or the terminal; 80 where there is neither.
pub(crate) fn width() -> usize {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    let seen = || tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    said().or_else(seen).filter(|width| *width > 0).unwrap_or(80)
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
