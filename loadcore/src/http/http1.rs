//! Turns prebuilt request bytes into a reply on an HTTP/1.1 connection: the hot path.
//!
//! One poll function writes what is left to write and reads what there is to read. It reads while
//! it still writes, since a server may answer (413) before it has taken all of a body. Everything
//! read goes to the thread's one scratch buffer and is parsed there within the same poll.

use super::connect::Stream;
use super::moved::Moved;
use super::plan::Prepared;
use super::reader::{Fed, ResponseReader};
use super::watched::Watched;
use super::{redirect, tls};
use crate::request::{Checks, ErrorClass, Failure, Inspection, Outcome};
use crate::transport::{Hearing, Thread, UNHEARD_BYTES, Urgent};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that speaks HTTP/1.1.
#[derive(Debug)]
pub struct Http1 {
    stream: Stream,
    reader: ResponseReader,
    /// Once a request had checks.
    inspection: Option<Box<Inspection>>,
}

/// One exchange under way.
struct Exchange<'a> {
    moved: &'a Moved,
    written: usize,
    flushed: bool,
    /// Writing failed; the reply, if one comes, says more than that.
    write_error: Option<io::Error>,
    first_byte_at: Option<u64>,
    /// The connection has carried a request before.
    reused: bool,
    received: u64,
    /// The kernel says when the bytes read last came.
    stamped: bool,
    /// One side waits for room to send more.
    urgent: Option<Urgent<'a>>,
    /// What its reply must have, where that is checked.
    checks: Option<&'a Checks>,
}

impl<'a> Exchange<'a> {
    #[cold]
    fn hurry(&mut self, thread: &'a Thread) {
        if self.urgent.is_none() {
            self.urgent = thread.hearing.as_ref().map(Hearing::urgent);
        }
    }
}

/// Its bytes are counted as it ends, also if it is given up in the middle.
impl Drop for Exchange<'_> {
    #[inline]
    fn drop(&mut self) {
        self.moved.add_sent(self.written as u64);
        self.moved.add_received(self.received);
    }
}

impl Http1 {
    /// Over a connection that was just made.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self { stream, reader: ResponseReader::default(), inspection: None }
    }

    /// The Location of the last reply, if it was asked for.
    pub fn take_location(&mut self) -> Option<Box<[u8]>> {
        self.reader.take_location()
    }

    /// Sends `request` and reads its reply; says whether the connection can carry another.
    #[inline]
    pub async fn exchange(
        &mut self,
        (thread, moved): (&Thread, &Moved),
        request: &Prepared,
        wants_location: bool,
        keep_alive: bool,
    ) -> (Outcome, bool) {
        let reused = self.reader.status() != 0;
        self.reader.start(request.is_head, wants_location);
        let mut exchange = Exchange {
            moved,
            written: 0,
            flushed: false,
            write_error: None,
            first_byte_at: None,
            reused,
            received: 0,
            stamped: false,
            urgent: None,
            checks: request.checks.some(),
        };
        if let Some(checks) = exchange.checks {
            self.inspection.get_or_insert_default().begin(checks);
        }
        let bytes = &request.http1[..];
        let ended = poll_fn(|cx| self.poll(cx, thread, bytes, &mut exchange)).await;
        let whole_request = exchange.written == bytes.len();
        let (end_at, failure) = match ended {
            Ok(end_at) => (end_at, None),
            Err((end_at, failure)) => (end_at, Some(failure)),
        };
        let status = self.reader.status();
        let reusable = keep_alive && whole_request && failure.is_none() && self.reader.keep_alive();
        // A reply that fails a check is as whole as any, and leaves the connection as it is.
        let failure = match exchange.checks {
            Some(checks) if failure.is_none() => self.judge(checks),
            _ => failure,
        };
        let outcome = Outcome {
            status: (status != 0).then_some(status),
            failure,
            first_byte_at: exchange.first_byte_at,
            end_at: Some(end_at),
            // The end of the connection may have come with it, and brought its own stamp.
            stamped: exchange.stamped && reusable,
            ..Outcome::default()
        };
        (outcome, reusable)
    }

    /// Ready when the idle connection was closed, or spoke although nobody asked it.
    pub fn poll_idle(
        &mut self,
        (thread, moved): (&Thread, &Moved),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut scratch = thread.scratch.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            let input = buffer.filled();
            moved.add_received(input.len() as u64);
            if read.is_err() || input.is_empty() || !self.reader.passes_over(input) {
                return Poll::Ready(());
            }
        }
    }

    #[inline]
    fn poll<'a>(
        &mut self,
        cx: &mut Context<'_>,
        thread: &'a Thread,
        bytes: &[u8],
        exchange: &mut Exchange<'a>,
    ) -> Poll<Result<u64, (u64, Failure)>> {
        if !exchange.flushed {
            self.poll_send(cx, bytes, exchange);
            if exchange.written < bytes.len() {
                exchange.hurry(thread);
            }
        }
        let mut scratch = thread.scratch.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            let input = buffer.filled();
            let came_at = self.came_at(thread).filter(|_| !input.is_empty());
            exchange.stamped = came_at.is_some();
            let now = came_at.unwrap_or_else(|| thread.clock.now());
            if read.is_err() || input.is_empty() {
                let ended = self.ended(read, exchange);
                return Poll::Ready(ended.map(|()| now).map_err(|failure| (now, failure)));
            }
            exchange.first_byte_at.get_or_insert(now);
            exchange.received += input.len() as u64;
            let fed = match exchange.checks {
                None => self.reader.feed(input),
                Some(checks) => self.feed_watched(checks, input),
            };
            match fed {
                Err(failure) => return Poll::Ready(Err((now, failure))),
                Ok(fed) if !fed.done => {
                    if self.reader.untouched() {
                        // Empty lines after the reply before.
                        exchange.first_byte_at = None;
                    }
                    if exchange.received > UNHEARD_BYTES {
                        exchange.hurry(thread);
                    }
                }
                Ok(fed) if fed.consumed == input.len() => return Poll::Ready(Ok(now)),
                Ok(fed) if self.reader.passes_over(&input[fed.consumed..]) => {
                    return Poll::Ready(Ok(now));
                }
                Ok(fed) => {
                    let extra = input.len() - fed.consumed;
                    let failure = Failure::text(
                        ErrorClass::Body,
                        format_args!("{extra} bytes came after the end of the reply"),
                    );
                    return Poll::Ready(Err((now, failure)));
                }
            }
        }
    }

    #[inline(never)]
    fn feed_watched(&mut self, checks: &Checks, input: &[u8]) -> Result<Fed, Failure> {
        let inspection = self.inspection.get_or_insert_default();
        self.reader.feed_watched(input, &mut Watched { checks, inspection })
    }

    /// The check that the whole reply fails. One that leads to the next hop is not the last one, which
    /// alone is judged.
    #[inline(never)]
    fn judge(&mut self, checks: &Checks) -> Option<Failure> {
        if redirect::is_redirect(self.reader.status()) && self.reader.has_location() {
            return None;
        }
        self.inspection.as_mut()?.end(checks)
    }

    /// The connection has ended, with an error or without: so may the reply, or it was cut off.
    #[cold]
    fn ended(&mut self, read: io::Result<()>, exchange: &mut Exchange<'_>) -> Result<(), Failure> {
        let untouched = self.reader.untouched();
        let write_error = exchange.write_error.take().filter(|_| untouched);
        if exchange.reused && untouched && closed_in_between(&read, write_error.as_ref()) {
            return Err(stale());
        }
        let class = if self.reader.in_body() { ErrorClass::Body } else { ErrorClass::Read };
        match (write_error, read) {
            (Some(error), Err(_)) => Err(Failure::io(ErrorClass::Write, error)),
            (None, Err(error)) => Err(tls::failure_of(class, error)),
            (Some(error), Ok(())) => {
                self.reader.end_of_stream().map_err(|_| Failure::io(ErrorClass::Write, error))
            }
            (None, Ok(())) => self.reader.end_of_stream(),
        }
    }

    /// When what was read last came, where the kernel says so: not of an error or the connection's end.
    #[inline]
    fn came_at(&self, thread: &Thread) -> Option<u64> {
        thread.hearing.as_ref()?.came_at(self.stream.stamp(), &thread.clock)
    }

    #[inline]
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8], exchange: &mut Exchange<'_>) {
        while exchange.written < bytes.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &bytes[exchange.written..]) {
                Poll::Ready(Ok(0)) => {
                    exchange.write_error = Some(io::ErrorKind::WriteZero.into());
                    break;
                }
                Poll::Ready(Ok(written)) => exchange.written += written,
                Poll::Ready(Err(error)) => {
                    exchange.write_error = Some(error);
                    break;
                }
                Poll::Pending => return,
            }
        }
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => exchange.flushed = true,
            Poll::Ready(Err(error)) => {
                exchange.flushed = true;
                exchange.write_error.get_or_insert(error);
            }
        }
    }
}

/// Whether a connection ended as one does whose other side has closed it: at its end, or by a reset.
fn closed_in_between(read: &io::Result<()>, write_error: Option<&io::Error>) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let is_closing = |error: &io::Error| {
        matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
    };
    read.as_ref().err().is_none_or(is_closing) && write_error.is_none_or(is_closing)
}

/// The server has closed an idle connection as a request went out on it. Nobody can tell whether it
/// has read the request, which is not sent again.
pub(super) const fn stale() -> Failure {
    Failure::new(
        ErrorClass::Stale,
        "the server closed the idle connection as the request went out on it: raise its keep-alive \
         timeout, or its limit of requests a connection, or give --no-keepalive",
    )
}
