//! Turns bytes of an HTTP/1.1 reply, in any pieces, into its status and the place where it ends.
//!
//! A load tester needs a reply's status, whether it was whole, and whether the connection may be
//! used again; it does not need the body. So the reader never copies one: it parses the head where
//! it lies in the read buffer (only a head that comes in several pieces is gathered) and counts the
//! body past. Framing follows RFC 9112 section 6.3, and refuses what that section calls an
//! unrecoverable error. Pure: any split of the same bytes gives the same answer, which is tested.
//! Whoever checks more of a reply [watches](Watch) it as it is read.

mod chunked;
mod empty_lines;
mod head;
#[cfg(test)]
mod tests;

pub(super) use head::check_status;
pub use head::{MAX_HEAD_BYTES, MAX_HEADERS};

use crate::request::{ErrorClass, Failure};
use chunked::Chunked;
use empty_lines::EmptyLines;

/// What a piece of input did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    /// How much of the piece belongs to this reply. Less than all only when `done`.
    pub consumed: usize,
    /// The reply is whole.
    pub done: bool,
}

/// Looks at a reply as it is read. `()` looks at nothing, and costs nothing.
pub trait Watch {
    /// The final head has come whole.
    fn head(&mut self, status: u16, fields: &[httparse::Header<'_>]);

    /// The next piece of the body, without what frames it.
    fn body(&mut self, piece: &[u8]);
}

impl Watch for () {
    #[inline(always)]
    fn head(&mut self, _status: u16, _fields: &[httparse::Header<'_>]) {}

    #[inline(always)]
    fn body(&mut self, _piece: &[u8]) {}
}

/// Reads one reply after another; [`ResponseReader::start`] begins each.
#[derive(Debug)]
pub struct ResponseReader {
    state: State,
    /// The pieces of a head that did not come at once. Empty and without memory for most.
    gathered: Vec<u8>,
    head_bytes: usize,
    empty_lines: EmptyLines,
    bodyless_request: bool,
    wants_location: bool,
    status: u16,
    keep_alive: bool,
    location: Option<Box<[u8]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
}

impl Default for ResponseReader {
    fn default() -> Self {
        Self {
            state: State::Done,
            gathered: Vec::new(),
            head_bytes: 0,
            empty_lines: EmptyLines::default(),
            bodyless_request: false,
            wants_location: false,
            status: 0,
            keep_alive: true,
            location: None,
        }
    }
}

impl ResponseReader {
    /// Begins a reply. `to_head`: it answers a HEAD request and so has no body whatever its head
    /// says. `wants_location`: keep the Location field, for redirects.
    pub fn start(&mut self, to_head: bool, wants_location: bool) {
        self.state = State::Head;
        self.gathered.clear();
        self.head_bytes = 0;
        self.empty_lines = EmptyLines::default();
        self.bodyless_request = to_head;
        self.wants_location = wants_location;
        self.status = 0;
        self.keep_alive = true;
        self.location = None;
    }

    /// The status; 0 until the head is whole.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the connection may carry another request once the reply is done.
    #[must_use]
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the reply has a Location field that was asked for.
    #[must_use]
    pub fn has_location(&self) -> bool {
        self.location.is_some()
    }

    /// The Location field, if it was asked for and sent.
    pub fn take_location(&mut self) -> Option<Box<[u8]>> {
        self.location.take()
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// `protocol` when it is no HTTP/1.x reply head, `body` when the body's framing is broken.
    #[inline]
    pub fn feed(&mut self, input: &[u8]) -> Result<Fed, Failure> {
        self.feed_watched(input, &mut ())
    }

    /// The same, while `watch` looks at it.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub fn feed_watched(&mut self, input: &[u8], watch: &mut impl Watch) -> Result<Fed, Failure> {
        let mut at = 0;
        while self.state != State::Done {
            if at == input.len() {
                return Ok(Fed { consumed: at, done: false });
            }
            at += self.step(&input[at..], watch)?;
        }
        Ok(Fed { consumed: at, done: true })
    }

    /// Whether `input`, which came after the end of the reply, is nothing but a few empty lines. There
    /// are servers that end a body with one, and a recipient is to pass it over (RFC 9112 section 2.2).
    pub fn passes_over(&mut self, input: &[u8]) -> bool {
        self.state == State::Done && self.empty_lines.take(input) == input.len()
    }

    /// The other side closed its half: fine for a body that ends so, an error for everything else.
    ///
    /// # Errors
    /// `read` when the head was not whole, `body` when the body was not.
    pub fn end_of_stream(&mut self) -> Result<(), Failure> {
        match self.state {
            State::UntilClose | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            State::Head if self.head_bytes == 0 => {
                Err(Failure::new(ErrorClass::Read, "the connection was closed without a reply"))
            }
            State::Head => {
                // A head in pieces is parsed when its end may have come. Now none will come, and
                // what is no head must be called so, in however many pieces it came.
                let gathered = std::mem::take(&mut self.gathered);
                self.parse_head(&gathered, &mut ())?;
                Err(Failure::new(
                    ErrorClass::Read,
                    "the connection was closed in the middle of the reply's head",
                ))
            }
            State::Length(left) => Err(Failure::text(
                ErrorClass::Body,
                format_args!(
                    "the connection was closed {left} bytes before the end that content-length promised"
                ),
            )),
            State::Chunked(_) => Err(Failure::new(
                ErrorClass::Body,
                "the connection was closed before the last chunk of the body",
            )),
        }
    }

    /// Whether nothing of the reply has come yet.
    #[must_use]
    pub fn untouched(&self) -> bool {
        self.state == State::Head && self.head_bytes == 0
    }

    /// Whether the head is whole and the body is being read.
    #[must_use]
    pub fn in_body(&self) -> bool {
        !matches!(self.state, State::Head)
    }

    fn step(&mut self, input: &[u8], watch: &mut impl Watch) -> Result<usize, Failure> {
        match self.state {
            State::Head => self.head(input, watch),
            State::Length(left) => {
                let taken = left.min(input.len() as u64);
                self.state = if taken == left { State::Done } else { State::Length(left - taken) };
                watch.body(&input[..taken as usize]);
                Ok(taken as usize)
            }
            State::Chunked(chunked) => {
                let (taken, next) = chunked.step(input)?;
                self.state = next.map_or(State::Done, State::Chunked);
                if chunked.is_in_data() {
                    watch.body(&input[..taken]);
                }
                Ok(taken)
            }
            State::UntilClose => {
                watch.body(input);
                Ok(input.len())
            }
            State::Done => Ok(0),
        }
    }
}
