//! Turns a reply's head, in one piece or many, into its status and how its body is framed.

use super::empty_lines::MOST as MOST_EMPTY_LINES;
use super::{Chunked, ResponseReader, State, Watch};
use crate::request::{ErrorClass, Failure};
use std::mem::MaybeUninit;

/// Most bytes of a reply's head, with all interim replies before it.
pub const MAX_HEAD_BYTES: usize = 256 * 1024;
/// Header fields parsed without allocating; a head with more is parsed again with room for
/// [`MAX_HEADERS`].
const USUAL_HEADERS: usize = 48;
/// Most header fields of a reply.
pub const MAX_HEADERS: usize = 2_000;

impl ResponseReader {
    pub(super) fn head(&mut self, input: &[u8], watch: &mut impl Watch) -> Result<usize, Failure> {
        if self.gathered.is_empty() {
            if matches!(input[0], b'\r' | b'\n') {
                return self.lines_before(input);
            }
            return match self.parse_head(input, watch)? {
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
        match self.parse_head(&gathered, watch)? {
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

    /// Empty lines before a head, as of a body that a server has ended with one.
    #[cold]
    fn lines_before(&mut self, input: &[u8]) -> Result<usize, Failure> {
        match self.empty_lines.take(input) {
            0 => Err(Failure::text(
                ErrorClass::Protocol,
                format_args!(
                    "not an HTTP/1.x reply: {} after {MOST_EMPTY_LINES} empty lines at most",
                    shown(input)
                ),
            )),
            taken => Ok(taken),
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
    pub(super) fn parse_head(
        &mut self,
        bytes: &[u8],
        watch: &mut impl Watch,
    ) -> Result<Option<usize>, Failure> {
        let mut usual = [const { MaybeUninit::uninit() }; USUAL_HEADERS];
        match self.parse_with(bytes, &mut usual, watch) {
            Err(httparse::Error::TooManyHeaders) => {
                let mut many = vec![MaybeUninit::uninit(); MAX_HEADERS];
                self.parse_with(bytes, &mut many, watch)
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
        watch: &mut impl Watch,
    ) -> Result<Option<Result<usize, Failure>>, httparse::Error> {
        let mut head = httparse::Response::new(&mut []);
        // RFC 9112 section 5.2: a user agent reads a folded line as one.
        let parsed = httparse::ParserConfig::default()
            .allow_obsolete_multiline_headers_in_responses(true)
            .parse_response_with_uninit_headers(&mut head, bytes, headers)?;
        Ok(match parsed {
            httparse::Status::Partial => None,
            httparse::Status::Complete(length) => {
                Some(self.enter_body(&head, watch).map(|()| length))
            }
        })
    }

    fn enter_body(
        &mut self,
        head: &httparse::Response<'_, '_>,
        watch: &mut impl Watch,
    ) -> Result<(), Failure> {
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
        check_status(status)?;
        let fields = Fields::read(head.headers)?;
        self.status = status;
        watch.head(status, head.headers);
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

/// Whether `status` can be that of a final reply.
///
/// RFC 9110 section 15: what is outside 100 to 599 is invalid, 600 to 999 with it, and to be taken
/// for a server's error. So it fails; but not as `http_5xx`, which was answered with a status.
///
/// # Errors
/// `protocol`, naming the status and its limits.
pub(in crate::http) fn check_status(status: u16) -> Result<(), Failure> {
    if (200..600).contains(&status) {
        return Ok(());
    }
    Err(Failure::text(
        ErrorClass::Protocol,
        format_args!("the status {status:03} is outside of 200 to 599"),
    ))
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

    /// RFC 9112 section 6.3: the same length given twice is that length; two lengths are an error,
    /// and so is none.
    fn add_length(&mut self, value: &[u8]) -> Result<(), Failure> {
        let no_number = |item| {
            Failure::text(
                ErrorClass::Protocol,
                format_args!("content-length is not a number: {}", shown(item)),
            )
        };
        if list(value).next().is_none() {
            return Err(no_number(value));
        }
        for item in list(value) {
            let length = decimal(item).ok_or_else(|| no_number(item))?;
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
