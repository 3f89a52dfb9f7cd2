//! Bytes of an HTTP/1.1 reply, in any pieces, into its status and the place where it ends.
//!
//! A load tester needs a reply's status, whether it was whole, and whether the connection may be
//! used again; it does not need the body. So the reader never copies one: it parses the head where
//! it lies in the read buffer (only a head that comes in several pieces is gathered) and counts the
//! body past. Framing follows RFC 9112 section 6.3, and refuses what that section calls an
//! unrecoverable error. Pure: any split of the same bytes gives the same answer, which is tested.

use crate::request::{ErrorClass, Failure};
use std::mem::MaybeUninit;

/// Most bytes of a reply's head, with all interim replies before it.
pub const MAX_HEAD_BYTES: usize = 256 * 1024;
/// Header fields parsed without allocating; a head with more is parsed again with room for
/// [`MAX_HEADERS`].
const USUAL_HEADERS: usize = 48;
/// Most header fields of a reply.
pub const MAX_HEADERS: usize = 2_000;
/// Most bytes of chunk extensions and trailers together.
const MAX_CHUNK_OVERHEAD: usize = 64 * 1024;

/// What a piece of input did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    /// How much of the piece belongs to this reply. Less than all only when `done`.
    pub consumed: usize,
    /// The reply is whole.
    pub done: bool,
}

/// Reads one reply after another; [`ResponseReader::start`] begins each.
#[derive(Debug)]
pub struct ResponseReader {
    state: State,
    /// The pieces of a head that did not come at once. Empty and without memory for most.
    gathered: Vec<u8>,
    head_bytes: usize,
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

/// Where in the chunked coding we are (RFC 9112 section 7.1). `overhead` counts what is not data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunked {
    at: ChunkPart,
    overhead: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkPart {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    LastLf,
}

impl Default for ResponseReader {
    fn default() -> Self {
        Self {
            state: State::Done,
            gathered: Vec::new(),
            head_bytes: 0,
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

    /// The Location field, if it was asked for and sent.
    pub fn take_location(&mut self) -> Option<Box<[u8]>> {
        self.location.take()
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// `protocol` when it is no HTTP/1.x reply head, `body` when the body's framing is broken.
    pub fn feed(&mut self, input: &[u8]) -> Result<Fed, Failure> {
        let mut at = 0;
        while self.state != State::Done {
            if at == input.len() {
                return Ok(Fed { consumed: at, done: false });
            }
            at += self.step(&input[at..])?;
        }
        Ok(Fed { consumed: at, done: true })
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
                self.parse_head(&gathered)?;
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

    fn step(&mut self, input: &[u8]) -> Result<usize, Failure> {
        match self.state {
            State::Head => self.head(input),
            State::Length(left) => {
                let taken = left.min(input.len() as u64);
                self.state = if taken == left { State::Done } else { State::Length(left - taken) };
                Ok(taken as usize)
            }
            State::Chunked(chunked) => {
                let (taken, next) = chunked.step(input)?;
                self.state = next.map_or(State::Done, State::Chunked);
                Ok(taken)
            }
            State::UntilClose => Ok(input.len()),
            State::Done => Ok(0),
        }
    }

    fn head(&mut self, input: &[u8]) -> Result<usize, Failure> {
        if self.gathered.is_empty() {
            return match self.parse_head(input)? {
                // An interim reply counts too: an endless row of them is no reply.
                Some(length) if self.state == State::Head => self.count_head(length),
                Some(length) => Ok(length),
                None => self.gather(input),
            };
        }
        // Parse again only when the end of the head may have come: a head that drips in byte by
        // byte must not cost the square of its length.
        let before = self.gathered.len();
        self.gather(input)?;
        if !ends_head(&self.gathered[before.saturating_sub(3)..]) {
            return Ok(input.len());
        }
        let gathered = std::mem::take(&mut self.gathered);
        match self.parse_head(&gathered)? {
            Some(length) => {
                self.head_bytes -= gathered.len() - length;
                Ok(length - before)
            }
            None => {
                self.gathered = gathered;
                Ok(input.len())
            }
        }
    }

    fn gather(&mut self, input: &[u8]) -> Result<usize, Failure> {
        self.gathered.extend_from_slice(input);
        self.count_head(input.len())
    }

    fn count_head(&mut self, length: usize) -> Result<usize, Failure> {
        self.head_bytes += length;
        if self.head_bytes > MAX_HEAD_BYTES {
            return Err(Failure::text(
                ErrorClass::Protocol,
                format_args!("the reply's head is longer than {MAX_HEAD_BYTES} bytes"),
            ));
        }
        Ok(length)
    }

    /// Parses one head at the beginning of `bytes`, and sets the state that follows from it.
    /// Answers its length, or `None` when it is not whole.
    fn parse_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Failure> {
        let mut usual = [const { MaybeUninit::uninit() }; USUAL_HEADERS];
        match self.parse_with(bytes, &mut usual) {
            Err(httparse::Error::TooManyHeaders) => {
                let mut many = vec![MaybeUninit::uninit(); MAX_HEADERS];
                self.parse_with(bytes, &mut many)
            }
            other => other,
        }
        .map_err(|error| not_http(error, bytes))?
        .transpose()
    }

    #[allow(clippy::type_complexity)]
    fn parse_with<'a>(
        &mut self,
        bytes: &'a [u8],
        headers: &mut [MaybeUninit<httparse::Header<'a>>],
    ) -> Result<Option<Result<usize, Failure>>, httparse::Error> {
        let mut head = httparse::Response::new(&mut []);
        // RFC 9112 section 5.2: a user agent reads a folded line as one.
        let parsed = httparse::ParserConfig::default()
            .allow_obsolete_multiline_headers_in_responses(true)
            .parse_response_with_uninit_headers(&mut head, bytes, headers)?;
        Ok(match parsed {
            httparse::Status::Partial => None,
            httparse::Status::Complete(length) => Some(self.enter_body(&head).map(|()| length)),
        })
    }

    fn enter_body(&mut self, head: &httparse::Response<'_, '_>) -> Result<(), Failure> {
        let status = head.code.unwrap_or(0);
        let http11 = head.version == Some(1);
        if (100..200).contains(&status) {
            // Interim replies precede the real one (RFC 9110 section 15.2). 101 would end HTTP, and
            // nobody asked for that.
            return if status == 101 {
                Err(Failure::new(
                    ErrorClass::Protocol,
                    "101: the server changed the protocol unasked",
                ))
            } else {
                Ok(())
            };
        }
        let fields = Fields::read(head.headers)?;
        self.status = status;
        self.keep_alive = if http11 { !fields.close } else { fields.keep_alive && !fields.close };
        if self.wants_location {
            self.location = fields.location.map(Into::into);
        }
        self.state = if self.bodyless_request || status == 204 || status == 304 {
            State::Done
        } else if let Some(chunked_last) = fields.transfer_encoding {
            // Both fields at once is a smuggling attempt or a broken server: read it, then leave.
            self.keep_alive &= fields.length.is_none() && http11;
            if chunked_last { State::Chunked(Chunked::START) } else { State::UntilClose }
        } else {
            match fields.length {
                Some(0) => State::Done,
                Some(length) => State::Length(length),
                None => State::UntilClose,
            }
        };
        self.keep_alive &= self.state != State::UntilClose;
        Ok(())
    }
}

/// The header fields that decide how a reply is framed.
#[derive(Default)]
struct Fields<'a> {
    length: Option<u64>,
    /// Whether its last coding is `chunked`.
    transfer_encoding: Option<bool>,
    close: bool,
    keep_alive: bool,
    location: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(headers: &[httparse::Header<'a>]) -> Result<Self, Failure> {
        let mut fields = Self::default();
        for header in headers {
            let (name, value) = (header.name, header.value);
            // The length tells most names apart without comparing them.
            match name.len() {
                8 if name.eq_ignore_ascii_case("location") => fields.location = Some(value),
                10 if name.eq_ignore_ascii_case("connection") => {
                    for option in list(value) {
                        fields.close |= option.eq_ignore_ascii_case(b"close");
                        fields.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    }
                }
                14 if name.eq_ignore_ascii_case("content-length") => fields.add_length(value)?,
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    let last = list(value).last().unwrap_or_default();
                    fields.transfer_encoding = Some(last.eq_ignore_ascii_case(b"chunked"));
                }
                _ => {}
            }
        }
        Ok(fields)
    }

    /// RFC 9112 section 6.3: the same length given twice is that length; two lengths are an error.
    fn add_length(&mut self, value: &[u8]) -> Result<(), Failure> {
        for item in list(value) {
            let length = decimal(item).ok_or_else(|| {
                Failure::text(
                    ErrorClass::Protocol,
                    format_args!("content-length is not a number: {}", shown(item)),
                )
            })?;
            if self.length.is_some_and(|earlier| earlier != length) {
                return Err(Failure::new(
                    ErrorClass::Protocol,
                    "two content-length values that differ",
                ));
            }
            self.length = Some(length);
        }
        Ok(())
    }
}

impl Chunked {
    const START: Self = Self { at: ChunkPart::Size { size: 0, digits: 0 }, overhead: 0 };

    /// Takes some of `input`; the next place, or `None` when the body is whole.
    fn step(self, input: &[u8]) -> Result<(usize, Option<Self>), Failure> {
        use ChunkPart::*;
        if let Data { left } = self.at {
            let taken = left.min(input.len() as u64);
            let at = if taken == left { DataCr } else { Data { left: left - taken } };
            return Ok((taken as usize, Some(Self { at, ..self })));
        }
        let byte = input[0];
        let after_size = |size| if size == 0 { TrailerStart } else { Data { left: size } };
        let at = match (self.at, byte) {
            (Size { size, digits }, _) if byte.is_ascii_hexdigit() => {
                if digits == 16 {
                    return Err(broken("a chunk's size has more than 16 digits"));
                }
                let digit = (byte as char).to_digit(16).unwrap_or(0);
                Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (Size { digits: 0, .. }, _) => {
                return Err(broken("a chunk does not begin with its size"));
            }
            (Size { size, .. } | Extension { size }, b'\r') => SizeLf { size },
            (Size { size, .. } | Extension { size }, b'\n') => after_size(size),
            (Size { size, .. }, b';' | b' ' | b'\t') => Extension { size },
            (Size { .. }, _) => return Err(broken("a chunk's size is not hexadecimal")),
            (Extension { size }, _) => Extension { size },
            (SizeLf { size }, b'\n') => after_size(size),
            (DataCr, b'\r') => DataLf,
            (DataLf, b'\n') => Size { size: 0, digits: 0 },
            (TrailerStart, b'\r') => LastLf,
            (TrailerStart | LastLf, b'\n') => return Ok((1, None)),
            (TrailerStart, _) => Trailer,
            (Trailer, b'\n') => TrailerStart,
            (Trailer, _) => Trailer,
            (SizeLf { .. } | LastLf, _) => return Err(broken("a chunk line ends with a lone CR")),
            (DataCr | DataLf, _) => return Err(broken("a chunk is longer than its size")),
            (Data { .. }, _) => unreachable!("handled above"),
        };
        let overhead = self.overhead + 1;
        // Sizes and line ends count too, but a body of many small chunks is legitimate: only what
        // carries no data is bounded.
        let overhead =
            if matches!(at, Extension { .. } | Trailer) { overhead } else { self.overhead };
        if overhead > MAX_CHUNK_OVERHEAD {
            return Err(broken("chunk extensions and trailers are longer than 65536 bytes"));
        }
        Ok((1, Some(Self { at, overhead })))
    }
}

fn broken(what: &'static str) -> Failure {
    Failure::new(ErrorClass::Body, what)
}

fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, b| {
        b.is_ascii_digit().then_some(())?;
        n.checked_mul(10)?.checked_add(u64::from(b - b'0'))
    })
}

/// The end of a head: an empty line, with or without CR (RFC 9112 section 2.2).
fn ends_head(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|w| w == b"\n\n") || bytes.windows(3).any(|w| w == b"\n\r\n")
}

fn not_http(error: httparse::Error, bytes: &[u8]) -> Failure {
    Failure::text(
        ErrorClass::Protocol,
        format_args!("not an HTTP/1.x reply ({error}): {}", shown(bytes)),
    )
}

/// The beginning of foreign bytes, fit to be shown.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 40;
    let text = bytes[..bytes.len().min(MOST)].escape_ascii();
    if bytes.len() > MOST { format!("\"{text}...\"") } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq)]
    enum Seen {
        Whole { status: u16, keep_alive: bool, used: usize },
        Short(ErrorClass),
        Failed(ErrorClass),
    }

    fn read_pieces(bytes: &[u8], cuts: &[usize], to_head: bool) -> Seen {
        let mut reader = ResponseReader::default();
        reader.start(to_head, false);
        let mut used = 0;
        let mut rest = bytes;
        let mut cuts = cuts.iter().copied();
        while !rest.is_empty() {
            let cut = cuts.next().unwrap_or(rest.len()).clamp(1, rest.len());
            let (piece, after) = rest.split_at(cut);
            match reader.feed(piece) {
                Err(failure) => return Seen::Failed(failure.class),
                Ok(fed) => {
                    used += fed.consumed;
                    if fed.done {
                        let (status, keep_alive) = (reader.status(), reader.keep_alive());
                        return Seen::Whole { status, keep_alive, used };
                    }
                    assert_eq!(fed.consumed, piece.len(), "all of a piece is used until the end");
                }
            }
            rest = after;
        }
        match reader.end_of_stream() {
            Ok(()) => {
                Seen::Whole { status: reader.status(), keep_alive: reader.keep_alive(), used }
            }
            Err(failure) => Seen::Short(failure.class),
        }
    }

    fn read(text: &str) -> Seen {
        read_pieces(text.as_bytes(), &[], false)
    }

    fn whole(status: u16, keep_alive: bool, used: usize) -> Seen {
        Seen::Whole { status, keep_alive, used }
    }

    #[test]
    fn framing_follows_the_rfc() {
        // Text, status, keep-alive, and how many bytes belong to what comes after.
        let cases: &[(&str, u16, bool, usize)] = &[
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcX", 200, true, 1),
            ("HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nabc", 200, true, 0),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, true, 0),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, true, 0),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, true, 0),
            ("HTTP/1.1 200 OK\r\n\r\nall of it", 200, false, 0),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, false, 0),
            (
                "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
                200,
                true,
                0,
            ),
            (
                "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 1\r\n\r\nx",
                200,
                false,
                0,
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                200,
                true,
                0,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\n",
                200,
                true,
                0,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                200,
                false,
                0,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzz", 200, false, 0),
            ("HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, true, 0),
        ];
        for (text, status, keep_alive, after) in cases {
            let expected = whole(*status, *keep_alive, text.len() - after);
            assert_eq!(read(text), expected, "{text:?}");
        }
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
        assert_eq!(read_pieces(head, &[], true), whole(200, true, head.len()));
    }

    #[test]
    fn broken_replies_have_their_class() {
        use ErrorClass::*;
        let cases: &[(&str, Seen)] = &[
            ("", Seen::Short(ErrorClass::Read)),
            ("HTTP/1.1 200 OK\r\nConte", Seen::Short(ErrorClass::Read)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Seen::Short(Body)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", Seen::Short(Body)),
            ("SSH-2.0-OpenSSH_9.2\r\n", Seen::Failed(Protocol)),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", Seen::Failed(Protocol)),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                Seen::Failed(Protocol),
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Seen::Failed(Protocol)),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                Seen::Failed(Protocol),
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Seen::Failed(Body)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", Seen::Failed(Body)),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
                Seen::Failed(Body),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(&read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_head_is_bounded() {
        let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(1_000_000));
        let pieces = vec![16 * 1024; 100];
        assert_eq!(
            read_pieces(long.as_bytes(), &pieces, false),
            Seen::Failed(ErrorClass::Protocol)
        );
        let many =
            format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "a: b\r\n".repeat(500));
        assert_eq!(read(&many), whole(200, true, many.len()));
        let too_many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(read(&too_many), Seen::Failed(ErrorClass::Protocol));
    }

    #[test]
    fn the_location_is_kept_on_request() {
        let mut reader = ResponseReader::default();
        reader.start(false, true);
        let head = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n";
        assert!(reader.feed(head).unwrap().done);
        assert_eq!(reader.take_location().as_deref(), Some(&b"/next"[..]));
    }

    fn reply() -> impl Strategy<Value = Vec<u8>> {
        let chunked = prop::collection::vec(1usize..40, 0..6).prop_map(|sizes| {
            let mut text = String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for size in sizes {
                text += &format!("{size:x};e=1\r\n{}\r\n", "d".repeat(size));
            }
            text + "0\r\nTrailer: t\r\n\r\n"
        });
        let sized = (0usize..200, 0usize..3).prop_map(|(size, interim)| {
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(interim)
                + &format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{}", "b".repeat(size))
        });
        prop_oneof![
            chunked.prop_map(String::into_bytes),
            sized.prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..300),
        ]
    }

    proptest! {
        /// Damage included: whatever the bytes, how they are cut into pieces changes nothing.
        #[test]
        fn any_split_gives_the_same_answer(
            bytes in reply(),
            damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            cuts in prop::collection::vec(1usize..64, 0..64),
        ) {
            let mut bytes = bytes;
            if let Some((at, value)) = damage && !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let at_once = read_pieces(&bytes, &[], false);
            let in_pieces = read_pieces(&bytes, &cuts, false);
            // A head known to be wrong early may end the reading earlier, or as a short one.
            match (&at_once, &in_pieces) {
                (Seen::Whole { .. }, _) | (_, Seen::Whole { .. }) => prop_assert_eq!(at_once, in_pieces),
                _ => {}
            }
        }
    }
}
