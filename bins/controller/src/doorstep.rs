//! Turns what HTTP itself refuses below the router into problems, and gives each wait for a request
//! an end.
//!
//! hyper answers what it cannot read (a line that is no request, a path or headers that are too long)
//! by itself: with a head that says the status and nothing else. Such a head gets a body on its way
//! out. A request whose head does not come to its end is answered 408, which hyper never does, and a
//! connection that nothing comes and goes on is closed.

use crate::problem::{Kind, PROBLEM_JSON, Problem};
use axum::serve::Listener;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

/// How long after a request's first bytes the first of its answer is awaited: longer than a body may
/// take to come and a handler to answer. Then it can only be the head that is missing.
const HEAD: Duration = Duration::from_secs(40);
/// How long nothing may come and go.
const IDLE: Duration = Duration::from_secs(300);
/// How long what still comes is read and thrown away, once a request was refused: a connection that is
/// closed over unread bytes is reset, and the answer may be lost with it.
const FAREWELL: Duration = Duration::from_secs(1);

/// A listener whose connections tell problems.
pub struct Doorstep(pub TcpListener);

impl Listener for Doorstep {
    type Io = Guarded<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, from) = Listener::accept(&mut self.0).await;
        (Guarded::new(stream), from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that tells problems.
pub struct Guarded<S> {
    inner: S,
    phase: Phase,
    deadline: Pin<Box<Sleep>>,
    /// What is said in the place of hyper's words, and how much of it was.
    reply: Option<(Vec<u8>, usize)>,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has come yet.
    New,
    /// Something has come since the last that went.
    Asked,
    /// Something has gone since the last that came.
    Answered,
    /// It speaks something else than HTTP/1: HTTP/2, or WebSocket frames. Nothing is done to it.
    Other,
    /// It was refused: no more is read.
    Refused,
}

impl<S> Guarded<S> {
    fn new(inner: S) -> Self {
        let deadline = Box::pin(sleep(HEAD));
        Self { inner, phase: Phase::New, deadline, reply: None }
    }

    fn enter(&mut self, phase: Phase, within: Duration) {
        self.phase = phase;
        self.deadline.as_mut().reset(Instant::now() + within);
    }

    fn came(&mut self, bytes: &[u8]) {
        match self.phase {
            _ if bytes.is_empty() => {}
            // What HTTP/2 begins with, as far as one packet says it.
            Phase::New if bytes.starts_with(b"PRI") => self.phase = Phase::Other,
            Phase::New | Phase::Answered => self.enter(Phase::Asked, HEAD),
            Phase::Asked | Phase::Other | Phase::Refused => {}
        }
    }

    /// Looks at what is about to go; answers whether something else goes in its place.
    fn goes(&mut self, bytes: &[u8]) -> bool {
        if self.reply.is_some() {
            return true;
        }
        match self.phase {
            Phase::Other | Phase::Refused => {}
            _ if bytes.starts_with(b"HTTP/1.1 101") => self.phase = Phase::Other,
            _ => match refused(bytes) {
                Some(reply) => {
                    self.reply = Some((reply, 0));
                    self.enter(Phase::Refused, FAREWELL);
                }
                None => self.enter(Phase::Answered, IDLE),
            },
        }
        self.reply.is_some()
    }
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((text, sent)) = &mut self.reply {
            let more = ready!(Pin::new(&mut self.inner).poll_write(cx, &text[*sent..]))?;
            *sent += more;
            if *sent == text.len() {
                self.reply = None;
            } else if more == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.phase != Phase::Refused {
            let before = buf.filled().len();
            let read = Pin::new(&mut this.inner).poll_read(cx, buf);
            this.came(&buf.filled()[before..]);
            if read.is_ready() || this.phase == Phase::Other {
                return read;
            }
            ready!(this.deadline.as_mut().poll(cx));
            if this.phase == Phase::Asked {
                this.reply = Some((head_is_missing(), 0));
            }
            this.enter(Phase::Refused, FAREWELL);
        }
        // Told as the end of what comes.
        this.poll_reply(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.goes(buf) {
            return this.poll_reply(cx).map_ok(|()| buf.len());
        }
        Pin::new(&mut this.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut full = bufs.iter().filter(|buf| !buf.is_empty());
        // A head with a body behind it is nobody's but ours.
        let (first, alone) = (full.next().map_or(&[][..], |buf| &buf[..]), full.next().is_none());
        if alone && this.goes(first) {
            return this.poll_reply(cx).map_ok(|()| first.len());
        }
        if !alone && !matches!(this.phase, Phase::Other | Phase::Refused) {
            this.enter(Phase::Answered, IDLE);
        }
        Pin::new(&mut this.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_reply(cx))?;
        ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        let mut scratch = [0; 4096];
        while this.phase == Phase::Refused && this.deadline.as_mut().poll(cx).is_pending() {
            let mut unread = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut this.inner).poll_read(cx, &mut unread)) {
                Ok(()) if !unread.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What is said in the place of a head that says nothing but a status, if it is one: each answer of
/// ours to a request has a body, and says of which type.
fn refused(head: &[u8]) -> Option<Vec<u8>> {
    if !head.starts_with(b"HTTP/1.") {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?.strip_suffix("\r\n\r\n")?;
    let (first, lines) = head.split_once("\r\n")?;
    let status = first.strip_prefix("HTTP/1.1 ").or_else(|| first.strip_prefix("HTTP/1.0 "))?;
    let problem = unreadable(status.split(' ').next()?)?;
    let is = |line: &str, name: &str| line.to_ascii_lowercase().starts_with(name);
    if head.contains("\r\n\r\n") || lines.split("\r\n").any(|line| is(line, "content-type:")) {
        return None;
    }
    let kept = lines.split("\r\n").filter(|line| !is(line, "content-length:"));
    Some(answer(first, kept, &problem))
}

fn unreadable(status: &str) -> Option<Problem> {
    Some(match status {
        "400" => Problem::new(Kind::Refused, "this is no request of HTTP"),
        "414" => Problem::new(Kind::UriTooLong, "path and query have at most 65,534 bytes"),
        "431" => {
            let detail = "a request has at most 100 headers, which have at most 400 KiB together";
            Problem::new(Kind::HeadersTooLarge, detail)
        }
        _ => return None,
    })
}

fn head_is_missing() -> Vec<u8> {
    let detail = format!("the request's head did not come to its end within {} s", HEAD.as_secs());
    let problem = Problem::new(Kind::SlowRequest, detail);
    answer("HTTP/1.1 408 Request Timeout", ["connection: close"].into_iter(), &problem)
}

fn answer<'a>(first: &str, lines: impl Iterator<Item = &'a str>, problem: &Problem) -> Vec<u8> {
    let body = serde_json::to_string(problem).unwrap_or_default();
    let kind = PROBLEM_JSON;
    let kind = kind.to_str().unwrap_or_default();
    let lines: String = lines.map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    format!("{first}\r\n{lines}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[test]
    fn only_a_head_that_says_nothing_is_given_words() {
        let head = |status: &str, lines: &str| format!("HTTP/1.1 {status} X\r\n{lines}\r\n");
        let empty = "content-length: 0\r\ndate: now\r\n";
        for status in ["400", "414", "431"] {
            let told = String::from_utf8(refused(head(status, empty).as_bytes()).unwrap()).unwrap();
            let (lines, body) = told.split_once("\r\n\r\n").unwrap();
            assert!(lines.contains("date: now") && !lines.contains("content-length: 0"), "{told}");
            assert!(lines.ends_with(&format!("content-length: {}", body.len())), "{told}");
            let problem: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(problem["status"].to_string(), status);
        }
        for other in [
            head("404", empty),
            head("200", empty),
            head("400", "content-type: application/problem+json\r\ncontent-length: 0\r\n"),
            head("400", empty) + "a body\r\n\r\n",
            "data: HTTP/1.1 400 X\r\n\r\n".into(),
            String::new(),
        ] {
            assert_eq!(refused(other.as_bytes()), None, "{other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_answered_and_an_idle_connection_closed() {
        let (mut client, server) = duplex(4_096);
        let mut server = Guarded::new(server);
        client.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
        let mut read = [0; 64];
        assert!(server.read(&mut read).await.unwrap() > 0);
        let begun = Instant::now();
        assert_eq!(server.read(&mut read).await.unwrap(), 0, "no more comes");
        assert_eq!(begun.elapsed().as_secs(), HEAD.as_secs());
        drop(server);
        let mut told = String::new();
        client.read_to_string(&mut told).await.unwrap();
        assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("slow-request"), "{told}");

        let (mut client, server) = duplex(4_096);
        let mut server = Guarded::new(server);
        client.write_all(b"GET").await.unwrap();
        assert!(server.read(&mut read).await.unwrap() > 0);
        server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let begun = Instant::now();
        assert_eq!(server.read(&mut read).await.unwrap(), 0);
        assert_eq!(begun.elapsed().as_secs(), IDLE.as_secs());
        drop(server);
        let mut told = String::new();
        client.read_to_string(&mut told).await.unwrap();
        assert!(told.starts_with("HTTP/1.1 200") && !told.contains("408"), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_http_1_is_left_alone() {
        for (asked, answered) in [(&b"PRI * HTTP/2.0"[..], &b""[..]), (b"GET", b"HTTP/1.1 101 X")] {
            let (mut client, server) = duplex(4_096);
            let mut server = Guarded::new(server);
            client.write_all(asked).await.unwrap();
            let mut read = [0; 64];
            assert!(server.read(&mut read).await.unwrap() > 0);
            server.write_all(answered).await.unwrap();
            client.write_all(b"more").await.unwrap();
            assert!(server.read(&mut read).await.unwrap() > 0);
            let waited = tokio::time::timeout(2 * IDLE, server.read(&mut read)).await;
            assert!(waited.is_err(), "it waits for whatever comes");
        }
    }
}
