//! Turns bytes of HTTP/1 into requests: where a head ends, what its framing is, where the body ends.
//!
//! A target has to agree with its client about where each request ends, else its counts are wrong. So
//! what is ambiguous (two lengths, a length and chunks) is refused, and never guessed.

use std::mem::MaybeUninit;

use crate::behaviour::{Plan, plan};

/// The most bytes of a head.
pub(crate) const MAX_HEAD: usize = 64 << 10;
/// The most headers of a head.
const MAX_HEADERS: usize = 100;
/// The most bytes of a chunk's size with its extensions, and of all trailers.
const MAX_CHUNK_LINE: usize = 16 << 10;

/// The head of a request, as far as a target cares.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) plan: Plan,
    pub(crate) length: usize,
    pub(crate) framing: Framing,
    pub(crate) is_head: bool,
    pub(crate) is_http10: bool,
    /// Whether the client wants the connection to be closed after the answer.
    pub(crate) close: bool,
    pub(crate) expects_continue: bool,
}

/// What comes after a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Chunks),
}

/// What cannot be taken for a request: the status to answer, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
}

const fn malformed(status: u16, reason: &'static str) -> Malformed {
    Malformed { status, reason }
}

/// Reads a head from the beginning of `bytes`; nothing where it is not whole yet.
pub(crate) fn parse_head(bytes: &[u8]) -> Result<Option<Head>, Malformed> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => {
            return Err(malformed(431, "the head is longer than 64 KiB"));
        }
        Err(httparse::Error::TooManyHeaders) => {
            return Err(malformed(431, "there are more than 100 headers"));
        }
        Err(httparse::Error::Version) => return Err(malformed(505, "this is not HTTP/1")),
        Err(_) => return Err(malformed(400, "this is not HTTP")),
    };
    let method = request.method.unwrap_or_default();
    let is_http10 = request.version == Some(0);
    let fields = fields(request.headers)?;
    let framing = match (fields.length, fields.chunked) {
        (Some(_), true) => return Err(malformed(400, "a length and chunks exclude each other")),
        (_, true) => Framing::Chunked(Chunks::default()),
        (None | Some(0), false) => Framing::None,
        (Some(length), false) => Framing::Length(length),
    };
    Ok(Some(Head {
        plan: plan(method, request.path.unwrap_or_default()),
        length,
        framing,
        is_head: method == "HEAD",
        is_http10,
        close: fields.close || (is_http10 && !fields.keep_alive),
        expects_continue: fields.expects_continue && !is_http10,
    }))
}

#[derive(Debug, Default)]
struct Fields {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
}

fn fields(headers: &[httparse::Header<'_>]) -> Result<Fields, Malformed> {
    let mut fields = Fields::default();
    for header in headers {
        // The length of a name alone rules most headers out.
        match header.name.len() {
            6 if header.name.eq_ignore_ascii_case("expect") => {
                fields.expects_continue = header.value.eq_ignore_ascii_case(b"100-continue");
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                for token in header.value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
                    fields.close |= token.eq_ignore_ascii_case(b"close");
                    fields.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let length = parse_length(header.value)?;
                if fields.length.replace(length).is_some_and(|before| before != length) {
                    return Err(malformed(400, "there are two content lengths"));
                }
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                if fields.chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(malformed(501, "of transfer encodings only `chunked` is known"));
                }
                fields.chunked = true;
            }
            _ => {}
        }
    }
    Ok(fields)
}

fn parse_length(value: &[u8]) -> Result<u64, Malformed> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|v| v.parse().ok());
    number.ok_or(malformed(400, "the content length is not a number"))
}

/// Where a reader of a chunked body stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunks {
    at: ChunkPart,
    /// Bytes of the present line: of a chunk's size, or of all trailers.
    line: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { at: ChunkPart::Size { size: 0, digits: 0 }, line: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkPart {
    Size {
        size: u64,
        digits: u32,
    },
    Extension {
        size: u64,
    },
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// At the beginning of a trailer's line, or within it.
    Trailer {
        empty: bool,
    },
    TrailerEnd,
    End,
}

impl Chunks {
    /// Takes what belongs to the body from the beginning of `bytes`, and hands its content on.
    ///
    /// Answers how many bytes were taken, and whether the body has ended with them.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        mut content: impl FnMut(&[u8]),
    ) -> Result<(usize, bool), Malformed> {
        let mut i = 0;
        while i < bytes.len() && self.at != ChunkPart::End {
            if let ChunkPart::Data { left } = self.at {
                let n = left.min((bytes.len() - i) as u64);
                content(&bytes[i..i + n as usize]);
                i += n as usize;
                self.at = match left - n {
                    0 => ChunkPart::DataCr,
                    left => ChunkPart::Data { left },
                };
            } else {
                self.step(bytes[i])?;
                i += 1;
            }
        }
        Ok((i, self.at == ChunkPart::End))
    }

    /// Takes one byte that is not content.
    fn step(&mut self, byte: u8) -> Result<(), Malformed> {
        use ChunkPart::*;
        self.line += 1;
        if self.line > MAX_CHUNK_LINE {
            return Err(malformed(400, "a chunk's size or the trailers are longer than 16 KiB"));
        }
        self.at = match (self.at, byte) {
            (Size { size, digits: digits @ 0..16 }, b) if b.is_ascii_hexdigit() => {
                let digit = u64::from((b as char).to_digit(16).unwrap_or(0));
                Size { size: size << 4 | digit, digits: digits + 1 }
            }
            (Size { size, digits: 1.. } | Extension { size }, b'\r') => SizeEnd { size },
            (Size { size, digits: 1.. }, b';' | b' ' | b'\t') => Extension { size },
            (Extension { size }, b) if b != b'\n' => Extension { size },
            (SizeEnd { size: 0 }, b'\n') => Trailer { empty: true },
            (SizeEnd { size }, b'\n') => Data { left: size },
            (DataCr, b'\r') => DataLf,
            (DataLf, b'\n') => {
                self.line = 0;
                Size { size: 0, digits: 0 }
            }
            (Trailer { empty: true }, b'\r') => TrailerEnd,
            (TrailerEnd, b'\n') => End,
            (Trailer { .. }, b'\n') => Trailer { empty: true },
            (Trailer { .. }, _) => Trailer { empty: false },
            _ => return Err(malformed(400, "the chunks of the body are broken")),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::Route;

    fn head(text: &str) -> Head {
        parse_head(text.as_bytes()).unwrap().unwrap()
    }

    fn refused(text: &str) -> Malformed {
        parse_head(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_head_is_whole_with_its_last_byte() {
        let text = "GET /status/404 HTTP/1.1\r\nHost: a\r\n\r\nrest";
        let whole = text.len() - 4;
        for length in 0..whole {
            assert!(parse_head(&text.as_bytes()[..length]).unwrap().is_none(), "{length}");
        }
        let head = head(text);
        assert_eq!((head.length, head.plan.route), (whole, Route::Status));
        assert_eq!(head.framing, Framing::None);
        assert!(!head.close && !head.is_head && !head.is_http10);
    }

    #[test]
    fn headers_decide_about_the_frame_and_the_connection() {
        let with = |version: &str, fields: &str| head(&format!("POST / {version}\r\n{fields}\r\n"));
        let length = |fields: &str| with("HTTP/1.1", fields).framing;
        assert_eq!(length("Content-Length: 5\r\n"), Framing::Length(5));
        assert_eq!(length("content-length: 5\r\nContent-Length: 5\r\n"), Framing::Length(5));
        assert_eq!(length("Content-Length: 0\r\n"), Framing::None);
        assert_eq!(length("Transfer-Encoding: chunked\r\n"), Framing::Chunked(Chunks::default()));
        assert!(with("HTTP/1.1", "Connection: upgrade, Close\r\n").close);
        assert!(with("HTTP/1.0", "").close);
        assert!(!with("HTTP/1.0", "Connection: Keep-Alive\r\n").close);
        assert!(with("HTTP/1.1", "Expect: 100-continue\r\n").expects_continue);
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        let with = |fields: &str| refused(&format!("POST / HTTP/1.1\r\n{fields}\r\n")).status;
        assert_eq!(with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
        assert_eq!(with("Content-Length: +5\r\n"), 400);
        assert_eq!(with("Content-Length: 99999999999999999999\r\n"), 400);
        assert_eq!(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
        assert_eq!(with("Transfer-Encoding: gzip, chunked\r\n"), 501);
        assert_eq!(refused("GET / HTTP/3.0\r\n\r\n").status, 505);
        assert_eq!(refused("hello\r\n\r\n").status, 400);
        assert_eq!(refused(&format!("GET /{} ", "a".repeat(MAX_HEAD))).status, 431);
        assert_eq!(with(&"a: b\r\n".repeat(MAX_HEADERS + 1)), 431);
    }

    #[test]
    fn chunks_are_taken_in_pieces_of_any_size() {
        let text = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: a\r\n\r\nnext";
        for piece in 1..text.len() {
            let (mut chunks, mut content, mut taken) = (Chunks::default(), Vec::new(), 0);
            for part in text.chunks(piece) {
                let (n, ended) = chunks.take(part, |c| content.extend_from_slice(c)).unwrap();
                taken += n;
                if ended {
                    break;
                }
            }
            assert_eq!(content, b"hello world", "{piece}");
            assert_eq!(&text[taken..], b"next", "{piece}");
        }
    }

    #[test]
    fn broken_chunks_are_refused() {
        for text in ["\r\n", "x\r\n", "5\n", "5\r\nhelloX", "11111111111111111\r\n", "-1\r\n"] {
            assert!(Chunks::default().take(text.as_bytes(), |_| ()).is_err(), "{text}");
        }
        let endless = format!("0;{}", "a".repeat(MAX_CHUNK_LINE));
        assert!(Chunks::default().take(endless.as_bytes(), |_| ()).is_err());
    }
}
