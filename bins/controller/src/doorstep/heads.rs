//! Turns heads of HTTP/1 that hyper reads, and that RFC 9112 lets a server refuse, into some that it
//! refuses.
//!
//! Where a head can be read in two ways, whoever stands before the controller may read it in the other
//! one, and let pass what it should not (request smuggling). A byte of such a head is made a zero, which
//! hyper refuses in its turn: behind the answers to whatever came before on the same connection.
//! Where a body in chunks ends hyper alone knows: behind one nothing more is looked at, and hyper's own
//! reading, which is RFC 9112's, holds.

/// How much of a line is looked at: its name, and the value of a length.
const LOOKED_AT: usize = 64;
/// What HTTP/2 begins with where nothing was agreed on before.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// The heads of one connection, one after another.
#[derive(Default)]
pub(super) struct Heads {
    at: At,
    last: u8,
    line: Line,
    head: Head,
}

/// Where the next byte belongs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Head,
    /// So many bytes of a body are still to come.
    Body(u64),
    /// Nothing more is looked at.
    Beyond,
}

/// The line that comes.
struct Line {
    begin: [u8; LOOKED_AT],
    length: usize,
    /// Its last eight bytes.
    end: u64,
}

impl Default for Line {
    fn default() -> Self {
        Self { begin: [0; LOOKED_AT], length: 0, end: 0 }
    }
}

/// What a head has said so far.
#[derive(Default)]
struct Head {
    has_request_line: bool,
    must_have_host: bool,
    hosts: u32,
    length: Option<u64>,
    is_chunked: bool,
}

impl Heads {
    /// Looks at what has come; answers what is wrong with it, where something was made unreadable.
    pub(super) fn look(&mut self, bytes: &mut [u8]) -> Option<&'static str> {
        let mut rest = bytes;
        loop {
            match self.at {
                At::Beyond => return None,
                At::Body(left) => {
                    let skipped = left.min(rest.len() as u64) as usize;
                    rest = &mut rest[skipped..];
                    let left = left - skipped as u64;
                    self.at = if left == 0 { At::Head } else { At::Body(left) };
                }
                At::Head => {
                    let (byte, others) = rest.split_first_mut()?;
                    if let Err(why) = self.read(*byte) {
                        *byte = 0;
                        self.at = At::Beyond;
                        return Some(why);
                    }
                    rest = others;
                }
            }
            if rest.is_empty() {
                return None;
            }
        }
    }

    /// Whether it is HTTP/2 that comes.
    pub(super) fn is_http2(&self) -> bool {
        !self.head.has_request_line && self.line.begin().starts_with(PREFACE)
    }

    fn read(&mut self, byte: u8) -> Result<(), &'static str> {
        let before = std::mem::replace(&mut self.last, byte);
        if byte == b'\n' {
            if before != b'\r' {
                return Err("a line of its head ends without CR");
            }
            return self.end_line();
        }
        if before == b'\r' {
            return Err("a CR in its head stands without LF");
        }
        if byte != b'\r' {
            self.line.push(byte);
            if self.is_http2() {
                self.at = At::Beyond;
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), &'static str> {
        let line = std::mem::take(&mut self.line);
        if !self.head.has_request_line {
            // Empty lines before a request are passed over (RFC 9112 section 2.2).
            self.head.has_request_line = line.length > 0;
            self.head.must_have_host = line.end == u64::from_be_bytes(*b"HTTP/1.1");
            return Ok(());
        }
        if line.length > 0 {
            return self.head.field(&line);
        }
        let head = std::mem::take(&mut self.head);
        if head.must_have_host && head.hosts == 0 {
            return Err("it has no Host");
        }
        self.at = match (head.is_chunked, head.length) {
            (true, _) => At::Beyond,
            (false, length) => At::Body(length.unwrap_or(0)),
        };
        Ok(())
    }
}

impl Line {
    fn begin(&self) -> &[u8] {
        &self.begin[..self.length.min(LOOKED_AT)]
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.begin.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
        self.end = self.end << 8 | u64::from(byte);
    }
}

impl Head {
    fn field(&mut self, line: &Line) -> Result<(), &'static str> {
        let begin = line.begin();
        let Some(colon) = begin.iter().position(|byte| *byte == b':') else { return Ok(()) };
        let (name, value) = (&begin[..colon], begin[colon + 1..].trim_ascii());
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if is("host") {
            self.hosts += 1;
        } else if is("transfer-encoding") {
            self.is_chunked = true;
        } else if is("content-length") {
            if self.length.is_some() {
                return Err("it has more than one Content-Length");
            }
            // Rust would take a plus before them.
            let is_number = line.length <= LOOKED_AT && value.iter().all(u8::is_ascii_digit);
            let digits = std::str::from_utf8(value).ok().filter(|_| is_number);
            let length = digits.and_then(|digits| digits.parse().ok());
            self.length = Some(length.ok_or("its Content-Length is no number")?);
        }
        match (self.is_chunked, self.length, self.hosts) {
            (true, Some(_), _) => Err("it has both Content-Length and Transfer-Encoding"),
            (_, _, 2..) => Err("it has more than one Host"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with what comes in pieces of this size, and where a byte was changed.
    fn looked(text: &str, piece: usize) -> (Option<&'static str>, Option<usize>) {
        let mut heads = Heads::default();
        let mut bytes = text.as_bytes().to_vec();
        let why = bytes.chunks_mut(piece).find_map(|piece| heads.look(piece));
        let changed = bytes.iter().zip(text.as_bytes()).position(|(now, before)| now != before);
        (why, changed)
    }

    #[test]
    fn a_head_that_means_two_things_is_made_unreadable_however_it_comes() {
        for (text, why) in [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", "without CR"),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", "without CR"),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", "without CR"),
            ("\nGET / HTTP/1.1\r\n", "without CR"),
            ("GET / HTTP/1.1\r\nX: a\r\n\r\n", "no Host"),
            ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "more than one Host"),
            ("P / HTTP/1.1\r\nContent-Length: 1\r\ntransfer-encoding: chunked\r\n", "both"),
            ("P / HTTP/1.1\r\nTransfer-Encoding: x\r\nCONTENT-LENGTH: 1\r\n", "both"),
            ("P / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n", "more than one Content"),
            ("P / HTTP/1.1\r\nContent-Length: x\r\n", "no number"),
            ("P / HTTP/1.1\r\nContent-Length: +3\r\n", "no number"),
            ("P / HTTP/1.1\r\nContent-Length:\r\n", "no number"),
            (&format!("P / HTTP/1.1\r\nContent-Length: {}12\r\n", " ".repeat(48)), "no number"),
            // Behind another request, and behind its body.
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\n", "without CR"),
            ("P / HTTP/1.0\r\nContent-Length: 3\r\n\r\na\nbGET / HTTP/1.1\r\n\r\n", "no Host"),
        ] {
            for piece in [1, 2, 7, 1_000] {
                let (found, changed) = looked(text, piece);
                assert!(found.is_some_and(|found| found.contains(why)), "{text:?}: {found:?}");
                assert!(text.as_bytes()[changed.unwrap()] == b'\n', "{text:?}: {changed:?}");
            }
        }
    }

    #[test]
    fn a_cr_is_an_end_of_a_line_or_a_fault() {
        for piece in [1, 100] {
            let (found, changed) = looked("GET / HTTP/1.1\rHost: a\r\r", piece);
            assert_eq!((found, changed), (Some("a CR in its head stands without LF"), Some(15)));
        }
    }

    #[test]
    fn what_is_right_is_left_as_it_is() {
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\nX: {0}\r\n\r\n", "x".repeat(200));
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            "P / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\n\n\n\nGET / HTTP/1.0\r\n\r\n",
            "P / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n\n\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{0}\n\n\n",
            "GET /?PRI * HTTP/2.0\r\n\r\n",
            &long,
        ] {
            for piece in [1, 3, 1_000] {
                assert_eq!(looked(text, piece), (None, None), "{text:?}");
            }
        }
        let mut heads = Heads::default();
        heads.look(&mut b"PRI * HTTP/2.0".to_vec());
        assert!(heads.is_http2());
    }
}
