//! Turns what HTTP itself refuses below the router into problems, and gives each wait for a client an
//! end.
//!
//! hyper answers what it cannot read (a line that is no request, a path or headers that are too long)
//! by itself: with a head that says the status and nothing else. Such a head gets a body on its way
//! out. A request whose head does not come to its end is answered 408, which hyper never does; a
//! connection that nothing comes and goes on is closed, and so is one whose client reads nothing of what
//! it is sent.

use super::heads::Heads;
use super::seats::Seat;
use crate::problem::{Kind, PROBLEM_JSON, Problem};
use crate::secure;
use std::fmt::Write;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a request's head may take to come.
const HEAD: Duration = Duration::from_secs(10);
/// How long nothing may come and go.
const IDLE: Duration = Duration::from_secs(300);
/// How long it may be each while more than half of all seats are taken.
const CROWDED: Duration = Duration::from_secs(3);
/// How long a client may read nothing of what it is sent.
const UNREAD: Duration = Duration::from_secs(30);
/// How long what still comes is read and thrown away, once a request was refused: a connection that is
/// closed over unread bytes is reset, and the answer may be lost with it.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// A connection that tells problems.
pub(super) struct Guarded<S> {
    inner: S,
    seat: Seat,
    tls: bool,
    phase: Phase,
    deadline: Pin<Box<Sleep>>,
    heads: Heads,
    /// What is wrong with a head that hyper is about to refuse.
    wrong: Option<&'static str>,
    /// What comes next in the place of what the client sends: the end of such a head, without which hyper
    /// looks at none.
    next: &'static [u8],
    /// What is said in the place of hyper's words, and how much of it was.
    reply: Option<(Vec<u8>, usize)>,
    /// While its client reads nothing: until when it may.
    unread: Option<Pin<Box<Sleep>>>,
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
    /// A connection, over TLS or not.
    pub(super) fn new(inner: S, seat: Seat, tls: bool) -> Self {
        let deadline = Box::pin(sleep(if seat.is_crowded() { CROWDED } else { HEAD }));
        let (heads, phase) = (Heads::default(), Phase::New);
        Self {
            inner,
            seat,
            tls,
            phase,
            deadline,
            heads,
            wrong: None,
            next: b"",
            reply: None,
            unread: None,
        }
    }

    fn enter(&mut self, phase: Phase, within: Duration) {
        self.phase = phase;
        self.deadline.as_mut().reset(Instant::now() + within);
    }

    /// Waits for the client from now on.
    fn wait(&mut self, phase: Phase, usual: Duration) {
        let within = if self.seat.is_crowded() { CROWDED } else { usual };
        self.enter(phase, within);
    }

    fn came(&mut self, bytes: &mut [u8]) {
        if bytes.is_empty() || matches!(self.phase, Phase::Other | Phase::Refused) {
            return;
        }
        if let Some(wrong) = self.heads.look(bytes) {
            self.wrong = Some(wrong);
            self.next = b"\r\n\r\n";
        }
        if self.heads.is_http2() {
            self.phase = Phase::Other;
        } else if self.phase != Phase::Asked {
            self.wait(Phase::Asked, HEAD);
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
            _ => match refused(bytes, self.wrong, self.tls) {
                Some(reply) => {
                    self.reply = Some((reply, 0));
                    self.enter(Phase::Refused, FAREWELL);
                }
                None => self.wait(Phase::Answered, IDLE),
            },
        }
        self.reply.is_some()
    }

    /// Notes that the client is being answered.
    fn took(&self, tried: &Poll<io::Result<usize>>) {
        if matches!(tried, Poll::Ready(Ok(1..))) {
            self.seat.reads();
        }
    }

    /// Something that was tried to send: as long as it does not go, time runs.
    fn sent<T>(&mut self, cx: &mut Context<'_>, tried: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            self.unread = None;
            return tried;
        }
        let unread = self.unread.get_or_insert_with(|| Box::pin(sleep(UNREAD)));
        ready!(unread.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((text, sent)) = self.reply.take() {
            let tried = Pin::new(&mut self.inner).poll_write(cx, &text[sent..]);
            match self.sent(cx, tried) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(more)) if sent + more == text.len() => {}
                Poll::Ready(Ok(more)) => self.reply = Some((text, sent + more)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.reply = Some((text, sent));
                    return Poll::Pending;
                }
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
        if !this.next.is_empty() {
            let (fits, rest) = this.next.split_at(this.next.len().min(buf.remaining()));
            buf.put_slice(fits);
            this.next = rest;
            return Poll::Ready(Ok(()));
        }
        if this.phase != Phase::Refused {
            let before = buf.filled().len();
            let read = Pin::new(&mut this.inner).poll_read(cx, buf);
            this.came(&mut buf.filled_mut()[before..]);
            if read.is_ready() || this.phase == Phase::Other {
                return read;
            }
            ready!(this.deadline.as_mut().poll(cx));
            while this.phase == Phase::Asked && this.seat.has_asked() {
                // Its head has come: body and handler have deadlines of their own.
                this.enter(Phase::Asked, HEAD);
                ready!(this.deadline.as_mut().poll(cx));
            }
            if this.phase == Phase::Asked {
                this.reply = Some((head_is_missing(this.tls), 0));
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
        let tried = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.took(&tried);
        this.sent(cx, tried)
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
            this.wait(Phase::Answered, IDLE);
        }
        let tried = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.took(&tried);
        this.sent(cx, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let tried = Pin::new(&mut this.inner).poll_flush(cx);
        this.sent(cx, tried)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_reply(cx))?;
        let tried = Pin::new(&mut this.inner).poll_shutdown(cx);
        ready!(this.sent(cx, tried))?;
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
fn refused(head: &[u8], wrong: Option<&str>, tls: bool) -> Option<Vec<u8>> {
    if !head.starts_with(b"HTTP/1.") {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?.strip_suffix("\r\n\r\n")?;
    let (first, lines) = head.split_once("\r\n")?;
    let status = first.strip_prefix("HTTP/1.1 ").or_else(|| first.strip_prefix("HTTP/1.0 "))?;
    let problem = unreadable(status.split(' ').next()?, wrong)?;
    let is = |line: &str, name: &str| line.to_ascii_lowercase().starts_with(name);
    if head.contains("\r\n\r\n") || lines.split("\r\n").any(|line| is(line, "content-type:")) {
        return None;
    }
    let kept = lines.split("\r\n").filter(|line| !is(line, "content-length:"));
    Some(answer(first, kept, &problem, tls))
}

fn unreadable(status: &str, wrong: Option<&str>) -> Option<Problem> {
    Some(match status {
        "400" => {
            let why = wrong.map(|wrong| format!(": {wrong}")).unwrap_or_default();
            Problem::new(Kind::Refused, format!("this is no request of HTTP{why}"))
        }
        "414" => Problem::new(Kind::UriTooLong, "path and query have at most 65,534 bytes"),
        "431" => {
            let detail = "a request has at most 100 headers, which have at most 128 KiB together";
            Problem::new(Kind::HeadersTooLarge, detail)
        }
        _ => return None,
    })
}

fn head_is_missing(tls: bool) -> Vec<u8> {
    let (usual, crowded) = (HEAD.as_secs(), CROWDED.as_secs());
    let detail = format!(
        "the request's head did not come to its end within {usual} s, or {crowded} s with many connections"
    );
    let problem = Problem::new(Kind::SlowRequest, detail);
    answer("HTTP/1.1 408 Request Timeout", ["connection: close"].into_iter(), &problem, tls)
}

/// A whole answer that tells a problem.
pub(super) fn answer<'a>(
    first: &str,
    lines: impl Iterator<Item = &'a str>,
    problem: &Problem,
    tls: bool,
) -> Vec<u8> {
    let body = serde_json::to_string(problem).unwrap_or_default();
    let kind = PROBLEM_JSON;
    let kind = kind.to_str().unwrap_or_default();
    let mut lines: String = lines.map(|line| format!("{line}\r\n")).collect();
    for (name, value) in secure::lines(tls) {
        let _ = write!(lines, "{name}: {value}\r\n");
    }
    let length = body.len();
    format!("{first}\r\n{lines}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doorstep::seats::{Bounds, Seats};
    use axum::body::Body;
    use axum::http::Request;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    /// A client, and the connection that it has, of so many that may be open.
    fn guarded(most: usize) -> (DuplexStream, Guarded<DuplexStream>) {
        let (client, server) = duplex(4_096);
        let seats = Arc::new(Seats::new(Bounds { most, from_one: None }));
        let seat = seats.take([127, 0, 0, 1].into()).unwrap();
        (client, Guarded::new(server, seat, false))
    }

    #[test]
    fn only_a_head_that_says_nothing_is_given_words() {
        let head = |status: &str, lines: &str| format!("HTTP/1.1 {status} X\r\n{lines}\r\n");
        let empty = "content-length: 0\r\ndate: now\r\n";
        for status in ["400", "414", "431"] {
            let told =
                String::from_utf8(refused(head(status, empty).as_bytes(), None, false).unwrap())
                    .unwrap();
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
            assert_eq!(refused(other.as_bytes(), None, false), None, "{other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_answered_and_an_idle_connection_closed() {
        let (mut client, mut server) = guarded(100);
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

        let (mut client, mut server) = guarded(100);
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
    async fn a_head_has_less_time_where_many_are_there_and_more_once_it_has_come() {
        let (mut client, mut server) = guarded(1);
        client.write_all(b"GET / HT").await.unwrap();
        let mut read = [0; 64];
        assert!(server.read(&mut read).await.unwrap() > 0);
        let begun = Instant::now();
        assert_eq!(server.read(&mut read).await.unwrap(), 0);
        assert_eq!(begun.elapsed().as_secs(), CROWDED.as_secs());

        let (mut client, mut server) = guarded(100);
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(server.read(&mut read).await.unwrap() > 0);
        let call = server.seat.caller().asks(&Request::new(Body::from("that comes")));
        let waited = tokio::time::timeout(3 * HEAD, server.read(&mut read)).await;
        assert!(waited.is_err(), "it waits for the handler");
        drop(call);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_nothing_is_left() {
        let (client, mut server) = guarded(100);
        let begun = Instant::now();
        let error = server.write_all(&[b'x'; 10_000]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, UNREAD));
        drop(client);
        // One that reads a little now and then is slow, and no more.
        let (mut client, mut server) = guarded(100);
        let reads = async {
            let mut piece = [0; 2_000];
            for _ in 0..5 {
                sleep(UNREAD - Duration::from_secs(1)).await;
                client.read_exact(&mut piece).await.unwrap();
            }
        };
        let (sent, ()) = tokio::join!(server.write_all(&[b'x'; 10_000]), reads);
        assert!(sent.is_ok(), "{sent:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_http_1_is_left_alone() {
        for (asked, answered) in [(&b"PRI * HTTP/2.0"[..], &b""[..]), (b"GET", b"HTTP/1.1 101 X")] {
            let (mut client, mut server) = guarded(100);
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
