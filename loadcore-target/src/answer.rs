//! Turns replies into the bytes of HTTP/1, whole and broken ones.

use std::fmt;
use std::io::Write as _;

use http::StatusCode;

use crate::behaviour::{Fault, Reply};
use crate::config::Config;
use crate::time::Nanos;

/// What bodies consist of where only their length matters.
pub(crate) static FILLER: [u8; 64 << 10] = [b'x'; 64 << 10];

/// Bytes on their way out.
#[derive(Debug, Default)]
pub(crate) struct Out {
    bytes: Vec<u8>,
    /// How many bytes were ever put in.
    pub(crate) total: u64,
}

impl Out {
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.total += bytes.len() as u64;
    }

    fn push_fmt(&mut self, text: std::fmt::Arguments<'_>) {
        let before = self.bytes.len();
        // Writing to memory does not fail.
        let _ = self.bytes.write_fmt(text);
        self.total += (self.bytes.len() - before) as u64;
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// A reply with all that frames it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// Whether it answers a HEAD request, and so has no body.
    pub(crate) is_head: bool,
    pub(crate) is_http10: bool,
    /// Whether the connection is closed after it.
    pub(crate) close: bool,
    /// The bytes of an additional header; 0 for none.
    pub(crate) header: u64,
    pub(crate) times: Option<Times>,
}

/// When a request had been read and when its answer is written, on the machine's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) read: Nanos,
    pub(crate) answered: Nanos,
}

impl Times {
    /// The header that tells them.
    pub(crate) const HEADER: &'static str = "x-times";
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read={}, answered={}", self.read, self.answered)
    }
}

/// The plain answer, prepared once.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) whole: Vec<u8>,
    pub(crate) head: Vec<u8>,
    pub(crate) body: bytes::Bytes,
}

impl Plain {
    pub(crate) fn new(config: &Config) -> Self {
        let body = match config.body {
            Some(bytes) => vec![b'x'; bytes as usize],
            None => b"ok\n".to_vec(),
        };
        let answer = Answer {
            reply: Reply::Plain,
            is_head: false,
            is_http10: false,
            close: false,
            header: config.header,
            times: None,
        };
        let mut out = Out::default();
        head(&mut out, &answer, 200, Length::Known(body.len() as u64));
        let head = out.bytes.clone();
        out.push(&body);
        Self { whole: out.bytes, head, body: body.into() }
    }
}

/// What a head says about the length of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Known(u64),
    Chunked,
    UntilClose,
}

/// Whether answers with this status have a body at all (RFC 9110, 6.4.1).
pub(crate) fn may_have_body(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 304)
}

/// The status of a reply that is not broken.
pub(crate) fn status(reply: &Reply) -> u16 {
    match reply {
        Reply::Text { status, .. } | Reply::Filler { status, .. } => *status,
        Reply::Redirect { status, .. } => *status,
        _ => 200,
    }
}

/// Writes the head of a final answer.
pub(crate) fn head(out: &mut Out, answer: &Answer, status: u16, length: Length) {
    status_line(out, status);
    if may_have_body(status) {
        match length {
            Length::Known(bytes) => out.push_fmt(format_args!("content-length: {bytes}\r\n")),
            Length::Chunked if answer.is_http10 => {}
            Length::Chunked => out.push(b"transfer-encoding: chunked\r\n"),
            Length::UntilClose => {}
        }
        out.push(b"content-type: text/plain\r\n");
    }
    match &answer.reply {
        Reply::Redirect { location, .. } => out.push_fmt(format_args!("location: {location}\r\n")),
        Reply::Text { status: 405, .. } => out.push(b"allow: GET, HEAD, POST\r\n"),
        _ => {}
    }
    if answer.header > 0 {
        out.push(b"x-filler: ");
        filler(out, answer.header);
        out.push(b"\r\n");
    }
    if let Some(times) = answer.times {
        out.push_fmt(format_args!("{}: {times}\r\n", Times::HEADER));
    }
    let ends_with_connection =
        length == Length::UntilClose || (length == Length::Chunked && answer.is_http10);
    if answer.close || ends_with_connection {
        out.push(b"connection: close\r\n");
    } else if answer.is_http10 {
        out.push(b"connection: keep-alive\r\n");
    }
    out.push(b"\r\n");
}

fn status_line(out: &mut Out, status: u16) {
    let reason = StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason());
    out.push_fmt(format_args!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or("Unknown")));
}

fn filler(out: &mut Out, bytes: u64) {
    let mut left = bytes as usize;
    while left > 0 {
        let part = left.min(FILLER.len());
        out.push(&FILLER[..part]);
        left -= part;
    }
}

/// Writes one chunk of a chunked body.
pub(crate) fn chunk(out: &mut Out, content: &[u8]) {
    out.push_fmt(format_args!("{:x}\r\n", content.len()));
    out.push(content);
    out.push(b"\r\n");
}

/// Writes an answer whose body is a text.
pub(crate) fn text(out: &mut Out, answer: &Answer, status: u16, text: &str) {
    body(out, answer, status, text.as_bytes());
}

/// Writes an answer whose body is JSON.
pub(crate) fn json(out: &mut Out, answer: &Answer, json: &str) {
    status_line(out, 200);
    out.push_fmt(format_args!("content-length: {}\r\n", json.len()));
    out.push(b"content-type: application/json\r\ncache-control: no-store\r\n");
    if answer.close {
        out.push(b"connection: close\r\n");
    } else if answer.is_http10 {
        out.push(b"connection: keep-alive\r\n");
    }
    out.push(b"\r\n");
    if !answer.is_head {
        out.push(json.as_bytes());
    }
}

fn body(out: &mut Out, answer: &Answer, status: u16, bytes: &[u8]) {
    head(out, answer, status, Length::Known(bytes.len() as u64));
    if !answer.is_head && may_have_body(status) {
        out.push(bytes);
    }
}

/// Writes a reply that is small enough to be written at once.
pub(crate) fn whole(out: &mut Out, answer: &Answer, reply: &Reply, plain: &Plain) {
    match reply {
        Reply::Text { status, text } => body(out, answer, *status, text.as_bytes()),
        Reply::Echo { body: content } => body(out, answer, 200, content),
        Reply::Redirect { status, .. } => body(out, answer, *status, b""),
        Reply::Interim { count, status } => {
            // HTTP/1.0 knows no interim answers.
            for _ in 0..if answer.is_http10 { 0 } else { *count } {
                status_line(out, *status);
                out.push(b"\r\n");
            }
            body(out, answer, 200, &plain.body);
        }
        _ => body(out, answer, 200, &plain.body),
    }
}

/// Writes the beginning of a broken answer; answers whether the connection can go on after it.
pub(crate) fn broken(out: &mut Out, fault: Fault, answer: &Answer) -> bool {
    let said = |out: &mut Out, bytes| head(out, answer, 200, Length::Known(bytes));
    match fault {
        Fault::ResetHead | Fault::PartialHead => out.push(b"HTTP/1.1 200 OK\r\ncontent-le"),
        Fault::ResetBody | Fault::PartialBody | Fault::LengthLong => {
            said(out, 100);
            out.push(&FILLER[..50]);
        }
        Fault::LengthShort => {
            said(out, 50);
            out.push(&FILLER[..100]);
        }
        Fault::BadChunk => {
            head(out, answer, 200, Length::Chunked);
            out.push(b"5\r\nxxxxx\r\nnot a number\r\n");
        }
        Fault::Garbage => out.push(b"\x00\x01 this is not HTTP\r\n\r\n"),
        Fault::Endless => head(out, answer, 200, Length::Chunked),
        Fault::Close | Fault::Hang => {}
    }
    fault == Fault::LengthShort && !answer.close
}
