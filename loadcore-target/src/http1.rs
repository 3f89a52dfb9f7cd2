//! Turns the bytes of one HTTP/1 connection into counted requests, and plans into answers in order.
//!
//! What is answered at once goes straight from the read buffer to the write buffer: one read, one
//! write for all requests that came with it, and no allocation. What has to wait stands in a line
//! with the moment it is due, while the connection reads on; so pipelined requests are counted when
//! they come, and their delays run side by side.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};

use crate::answer::{self, Answer, Out, Times};
use crate::behaviour::{Fault, MAX_HELD, Plan, Reply};
use crate::config::Failure;
use crate::connection::{OpenConnection, READ_BYTES, Stream};
use crate::request::{Framing, Head, MAX_HEAD, Malformed, parse_head};
use crate::server::Worker;
use crate::stats::{Counted, RequestEnd};
use crate::time::{MILLISECOND, NEVER, Nanos, SECOND, nanos};
use crate::timer::Sleep;

/// The most requests of one connection that wait for their answers; the rest waits in the kernel.
const MAX_WAITING: usize = 4096;
/// Written out before more is answered: what is in memory stays bounded.
const OUT_BYTES: usize = 64 << 10;
/// How long a connection that was closed may take to read what was sent.
const LINGER: Nanos = SECOND;

/// Serves a connection until it ends; `first` was read from it already.
pub(crate) async fn serve<S: Stream>(
    stream: S,
    first: Vec<u8>,
    worker: &Worker,
    count: &mut OpenConnection,
) {
    let now = worker.clock.now();
    let mut connection = Http1 {
        stream,
        worker,
        count,
        input: Input::new(first),
        out: Out::default(),
        reading: Reading::Head,
        read_at: now,
        served: 0,
        waiting: VecDeque::new(),
        current: None,
        is_at_end: false,
        sleep: Sleep::new(&worker.timer),
    };
    // An error is a connection that is gone: there is nobody left to be told.
    let _ = connection.run().await;
}

struct Http1<'a, S> {
    stream: S,
    worker: &'a Worker,
    count: &'a mut OpenConnection,
    input: Input,
    out: Out,
    reading: Reading,
    /// When the bytes in `input` were read.
    read_at: Nanos,
    /// How many requests came on this connection.
    served: u64,
    /// Requests in the order of their arrival, which is the order of their answers.
    waiting: VecDeque<Waiting>,
    /// The request that is being answered just now.
    current: Option<Counted>,
    /// Whether the client has closed its side.
    is_at_end: bool,
    sleep: Sleep<'a>,
}

/// What the next bytes are.
#[derive(Debug)]
enum Reading {
    Head,
    Body(Box<Body>),
    /// Nothing that matters: the connection ends with the answers that are due.
    Over,
}

#[derive(Debug)]
struct Body {
    head: Head,
    framing: Framing,
    bytes: u64,
}

#[derive(Debug)]
struct Waiting {
    answer: Answer,
    ready_at: Nanos,
    /// Whether the answer was delayed on purpose, so that its lateness means something.
    is_delayed: bool,
    is_stalled: bool,
    /// Nothing for what is not counted.
    ticket: Option<Counted>,
}

/// What a connection waits for.
enum Event {
    /// Bytes have come, or their end.
    Read,
    /// The first of those waiting is due.
    Due,
}

/// Whether a connection lives on.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

impl<S: Stream> Http1<'_, S> {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            let is_more = self.take_requests();
            if self.answer_due().await? == Then::End {
                return Ok(());
            }
            self.flush().await?;
            if is_more {
                continue;
            }
            if self.is_stuck() && (self.is_at_end || self.waiting.len() >= MAX_WAITING) {
                return self.wait_for_end().await;
            }
            if self.waiting.is_empty() && (self.is_at_end || matches!(self.reading, Reading::Over))
            {
                return self.close().await;
            }
            match std::future::poll_fn(|context| self.poll_event(context)).await? {
                Event::Due => {}
                Event::Read => self.has_read(),
            }
        }
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Event>> {
        if let Some(first) = self.waiting.front()
            && self.sleep.poll_until(first.ready_at, context).is_ready()
        {
            return Poll::Ready(Ok(Event::Due));
        }
        if self.is_at_end || self.waiting.len() >= MAX_WAITING {
            return Poll::Pending;
        }
        let length = std::task::ready!(self.input.poll_read(&mut self.stream, context))?;
        self.is_at_end = length == 0;
        Poll::Ready(Ok(Event::Read))
    }

    fn has_read(&mut self) {
        self.read_at = self.worker.clock.now();
        // A busy thread may come to its timer late: those who are due go first.
        self.worker.timer.wake_due(self.read_at);
    }

    /// Whether nothing will ever be answered here any more.
    fn is_stuck(&self) -> bool {
        self.waiting.front().is_some_and(|first| first.ready_at == NEVER)
    }

    /// Takes whole requests out of the input; answers whether there may be more of them.
    fn take_requests(&mut self) -> bool {
        loop {
            if self.waiting.len() >= MAX_WAITING || self.out.len() >= OUT_BYTES {
                // Those waiting have to go first. What is in the write buffer goes now.
                return self.waiting.len() < MAX_WAITING;
            }
            let taken = match &mut self.reading {
                Reading::Head => self.take_head(),
                Reading::Body(_) => self.take_body(),
                Reading::Over => {
                    self.input.clear();
                    Ok(false)
                }
            };
            match taken {
                Ok(true) => {}
                Ok(false) => return false,
                Err(malformed) => self.refuse(malformed),
            }
        }
    }

    #[inline]
    fn take_head(&mut self) -> Result<bool, Malformed> {
        let bytes = self.input.bytes();
        if bytes.is_empty() {
            return Ok(false);
        }
        let Some(head) = parse_head(bytes)? else { return Ok(false) };
        self.input.take(head.length);
        let bytes = head.length as u64;
        if head.framing == Framing::None {
            self.arrived(head, bytes);
        } else {
            self.begin_body(head, bytes);
        }
        Ok(true)
    }

    fn begin_body(&mut self, mut head: Head, bytes: u64) {
        if head.expects_continue && self.waiting.is_empty() && self.input.bytes().is_empty() {
            self.out.push(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let framing = std::mem::replace(&mut head.framing, Framing::None);
        self.reading = Reading::Body(Box::new(Body { head, framing, bytes }));
    }

    fn take_body(&mut self) -> Result<bool, Malformed> {
        let Reading::Body(body) = &mut self.reading else { return Ok(true) };
        let Body { head, framing, bytes } = &mut **body;
        let input = self.input.bytes();
        let (taken, has_ended) = match framing {
            Framing::None => (0, true),
            Framing::Length(left) => {
                let taken = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                hold(&mut head.plan, &input[..taken]);
                *left -= taken as u64;
                (taken, *left == 0)
            }
            Framing::Chunked(chunks) => chunks.take(input, |part| hold(&mut head.plan, part))?,
        };
        *bytes += taken as u64;
        self.input.take(taken);
        if has_ended
            && let Reading::Body(body) = std::mem::replace(&mut self.reading, Reading::Head)
        {
            self.arrived(body.head, body.bytes);
        }
        Ok(has_ended)
    }

    /// A request has been read completely.
    #[inline]
    fn arrived(&mut self, head: Head, bytes: u64) {
        self.served += 1;
        self.count.request(head.plan.is_control());
        let shared = &self.worker.shared;
        let close = head.close
            || head.plan.close
            || shared.config.close_after.is_some_and(|most| self.served >= most);
        let is_simple = !close && !head.is_http10 && self.waiting.is_empty();
        if is_simple && head.plan.is_plain() && shared.service.is_plain() {
            let plain = if head.is_head { &shared.plain.head } else { &shared.plain.whole };
            self.out.push(plain);
            let sent = (200, plain.len() as u64);
            let counts = &shared.counts;
            counts.arrived_and_answered(
                self.worker.thread,
                head.plan.route,
                bytes,
                self.read_at,
                sent,
            );
            return;
        }
        if close {
            self.reading = Reading::Over;
        }
        self.wait_in_line(head, bytes, close);
    }

    fn wait_in_line(&mut self, head: Head, bytes: u64, close: bool) {
        let Worker { shared, thread, .. } = self.worker;
        let mut answer = Answer {
            is_head: head.is_head,
            is_http10: head.is_http10,
            close,
            header: head.plan.header.max(shared.config.header),
            times: None,
            reply: Reply::Plain,
        };
        let now = self.read_at;
        if head.plan.times {
            let read = self.worker.clock.monotonic(now);
            answer.times = Some(Times { read, answered: read });
        }
        if head.plan.is_control() {
            answer.reply = head.plan.reply;
            answer.header = 0;
            return self.waiting.push_back(Waiting {
                answer,
                ready_at: now,
                is_delayed: false,
                is_stalled: false,
                ticket: None,
            });
        }
        let (ticket, first) = shared.counts.arrived(*thread, head.plan.route, bytes, now);
        let admission = shared.service.admit(&head.plan, now, first);
        answer.reply = match admission.failure {
            None => head.plan.reply,
            Some(failure) => failure_reply(failure),
        };
        let (mut ready_at, mut ticket) = (admission.ready_at, Some(ticket));
        if answer.reply == Reply::Fault(Fault::Hang) {
            ready_at = NEVER;
            if let Some(ticket) = ticket.take() {
                shared.counts.ended(*thread, ticket, RequestEnd::Broken { bytes: 0 });
            }
        }
        self.waiting.push_back(Waiting {
            answer,
            ready_at,
            is_delayed: ready_at > now,
            is_stalled: admission.stalled,
            ticket,
        });
    }

    /// What came was no request: it is said so, and the connection ends.
    fn refuse(&mut self, malformed: Malformed) {
        let worker = self.worker;
        worker.shared.counts.malformed(worker.thread, self.input.bytes().len() as u64);
        self.input.clear();
        self.reading = Reading::Over;
        let text = format!("{}\n", malformed.reason).into();
        self.waiting.push_back(Waiting {
            answer: Answer {
                reply: Reply::Text { status: malformed.status, text },
                is_head: false,
                is_http10: false,
                close: true,
                header: 0,
                times: None,
            },
            ready_at: self.read_at,
            is_delayed: false,
            is_stalled: false,
            ticket: None,
        });
    }

    async fn answer_due(&mut self) -> io::Result<Then> {
        while let Some(first) = self.waiting.front() {
            let now = self.worker.clock.now();
            if first.ready_at > now {
                break;
            }
            let Some(mut waiting) = self.waiting.pop_front() else { break };
            let Worker { shared, thread, .. } = self.worker;
            if waiting.is_delayed && waiting.ticket.is_some() {
                shared.counts.late(*thread, now - waiting.ready_at, waiting.is_stalled);
            }
            self.current = waiting.ticket;
            let close = waiting.answer.close;
            if let Some(times) = &mut waiting.answer.times {
                times.answered = self.worker.clock.monotonic(self.worker.clock.now());
            }
            if self.answer(waiting.answer).await? == Then::End {
                return Ok(Then::End);
            }
            debug_assert!(self.current.is_none(), "every request has an ending");
            if close {
                self.close().await?;
                return Ok(Then::End);
            }
            if self.out.len() >= OUT_BYTES {
                self.flush().await?;
            }
        }
        Ok(Then::GoOn)
    }

    async fn answer(&mut self, answer: Answer) -> io::Result<Then> {
        let before = self.out.total;
        let shared = &self.worker.shared;
        match &answer.reply {
            Reply::Fault(fault) => return self.fault(*fault, &answer).await,
            Reply::Stats => {
                let json = serde_json::to_string(&shared.counts.stats()).unwrap_or_default();
                answer::json(&mut self.out, &answer, &json);
            }
            Reply::Reset => {
                shared.reset();
                answer::text(&mut self.out, &answer, 200, "counts begin anew\n");
            }
            Reply::Filler { status, bytes } => {
                answer::head(&mut self.out, &answer, *status, answer::Length::Known(*bytes));
                if !answer.is_head && answer::may_have_body(*status) {
                    self.fill(*bytes).await?;
                }
            }
            Reply::UntilClose { bytes } => return self.until_close(&answer, *bytes).await,
            // HTTP/1.0 knows no chunks.
            Reply::Chunked { bytes, .. } if answer.is_http10 => {
                return self.until_close(&answer, *bytes).await;
            }
            Reply::Chunked { bytes, chunk } => self.chunks(&answer, *bytes, *chunk).await?,
            Reply::Slow { bytes, over, pieces } => {
                self.slowly(&answer, *bytes, nanos(*over), *pieces).await?;
            }
            reply => answer::whole(&mut self.out, &answer, reply, &shared.plain),
        }
        self.end_answer(answer::status(&answer.reply), before);
        Ok(Then::GoOn)
    }

    /// Counts the answer before its last bytes go out: a client that has read them finds it
    /// counted.
    fn end_answer(&mut self, status: u16, before: u64) {
        self.end_current(RequestEnd::Answered { status, bytes: self.out.total - before });
    }

    fn end_current(&mut self, ending: RequestEnd) {
        if let Some(ticket) = self.current.take() {
            self.worker.shared.counts.ended(self.worker.thread, ticket, ending);
        }
    }

    async fn fill(&mut self, bytes: u64) -> io::Result<()> {
        let mut left = bytes;
        loop {
            let part = left.min(answer::FILLER.len() as u64);
            self.out.push(&answer::FILLER[..part as usize]);
            left -= part;
            if left == 0 {
                return Ok(());
            }
            self.flush().await?;
        }
    }

    async fn until_close(&mut self, answer: &Answer, bytes: u64) -> io::Result<Then> {
        let before = self.out.total;
        answer::head(&mut self.out, answer, 200, answer::Length::UntilClose);
        if !answer.is_head {
            self.fill(bytes).await?;
        }
        self.end_answer(200, before);
        self.close().await?;
        Ok(Then::End)
    }

    async fn chunks(&mut self, answer: &Answer, bytes: u64, chunk: u64) -> io::Result<()> {
        answer::head(&mut self.out, answer, 200, answer::Length::Chunked);
        if answer.is_head {
            return Ok(());
        }
        let mut left = bytes;
        while left > 0 {
            let part = left.min(chunk);
            answer::chunk(&mut self.out, &answer::FILLER[..part as usize]);
            left -= part;
            if self.out.len() >= OUT_BYTES {
                self.flush().await?;
            }
        }
        self.out.push(b"0\r\n\r\n");
        Ok(())
    }

    /// Sends the pieces at even distances, the last one at the very end.
    async fn slowly(
        &mut self,
        answer: &Answer,
        bytes: u64,
        over: Nanos,
        pieces: u64,
    ) -> io::Result<()> {
        answer::head(&mut self.out, answer, 200, answer::Length::Known(bytes));
        if answer.is_head {
            return Ok(());
        }
        self.flush().await?;
        let start = self.worker.clock.now();
        let share =
            |piece: u64, of: u64| (u128::from(of) * u128::from(piece) / u128::from(pieces)) as u64;
        for piece in 1..=pieces {
            self.sleep.until(start + share(piece, over)).await;
            let part = share(piece, bytes) - share(piece - 1, bytes);
            self.fill(part).await?;
            if piece < pieces {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn fault(&mut self, fault: Fault, answer: &Answer) -> io::Result<Then> {
        let before = self.out.total;
        let goes_on = answer::broken(&mut self.out, fault, answer);
        self.end_current(RequestEnd::Broken { bytes: self.out.total - before });
        self.flush().await?;
        match fault {
            Fault::LengthShort if goes_on => return Ok(Then::GoOn),
            Fault::ResetHead | Fault::ResetBody => self.stream.reset_on_close(),
            Fault::Garbage | Fault::LengthLong | Fault::Close => self.close().await?,
            Fault::BadChunk | Fault::PartialHead | Fault::PartialBody | Fault::Hang => {
                self.wait_for_end().await?;
            }
            Fault::Endless => self.endlessly(answer).await?,
            Fault::LengthShort => {}
        }
        Ok(Then::End)
    }

    async fn endlessly(&mut self, answer: &Answer) -> io::Result<()> {
        const PART: usize = 16 << 10;
        let mut at = self.worker.clock.now();
        loop {
            if answer.is_http10 {
                self.out.push(&answer::FILLER[..PART]);
            } else {
                answer::chunk(&mut self.out, &answer::FILLER[..PART]);
            }
            self.flush().await?;
            at += MILLISECOND;
            self.sleep.until(at).await;
        }
    }

    /// Reads until the client has gone.
    async fn wait_for_end(&mut self) -> io::Result<()> {
        loop {
            self.input.clear();
            let input = self.input.room();
            if self.stream.read(input).await? == 0 {
                return Ok(());
            }
        }
    }

    /// Closes so that the client gets all that was sent.
    ///
    /// A socket that is closed with bytes unread answers with a reset, which may overtake what was
    /// sent. So the end is announced first, and what the client still sends is read for a while.
    async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await?;
        let deadline = self.worker.clock.now() + LINGER;
        std::future::poll_fn(|context| {
            loop {
                self.input.clear();
                match self.input.poll_read(&mut self.stream, context) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(_) => return Poll::Ready(Ok(())),
                    Poll::Pending => break,
                }
            }
            self.sleep.poll_until(deadline, context).map(Ok)
        })
        .await
    }

    #[inline]
    async fn flush(&mut self) -> io::Result<()> {
        if self.out.len() > 0 {
            self.stream.write_all(self.out.bytes()).await?;
            self.stream.flush().await?;
            self.out.clear();
        }
        Ok(())
    }
}

impl<S> Drop for Http1<'_, S> {
    /// However a connection ends: those who still wait will not be answered.
    fn drop(&mut self) {
        let waiting = self.waiting.drain(..).filter_map(|waiting| waiting.ticket);
        for ticket in self.current.take().into_iter().chain(waiting) {
            self.worker.shared.counts.ended(self.worker.thread, ticket, RequestEnd::Abandoned);
        }
    }
}

/// Keeps content of a request that is to be echoed, up to the limit.
pub(crate) fn hold(plan: &mut Plan, content: &[u8]) {
    if let Reply::Echo { body } = &mut plan.reply {
        if body.len() + content.len() > MAX_HELD as usize {
            let text = "a body to be echoed may have 16 MiB\n".into();
            plan.reply = Reply::Text { status: 413, text };
        } else {
            body.extend_from_slice(content);
        }
    }
}

/// What is answered in the place of the planned answer.
pub(crate) fn failure_reply(failure: Failure) -> Reply {
    match failure {
        Failure::Status(status) => Reply::Text { status, text: format!("{status}\n").into() },
        Failure::Reset => Reply::Fault(Fault::ResetHead),
        Failure::Close => Reply::Fault(Fault::Close),
        Failure::Hang => Reply::Fault(Fault::Hang),
    }
}

/// Bytes that were read and not taken yet.
#[derive(Debug)]
struct Input {
    /// Zeroed beyond `end`, so that reading needs no uninitialised memory.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn new(first: Vec<u8>) -> Self {
        let end = first.len();
        let mut buffer = first;
        buffer.resize(READ_BYTES.max(end), 0);
        Self { buffer, start: 0, end }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[inline]
    fn take(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.end {
            self.clear();
        }
    }

    fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Where the next bytes go. A head grows it up to its limit; bodies are taken as they come.
    fn room(&mut self) -> &mut [u8] {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.end == self.buffer.len() {
                self.buffer.resize((self.end * 2).min(MAX_HEAD + READ_BYTES).max(self.end + 1), 0);
            }
        }
        &mut self.buffer[self.end..]
    }

    #[inline]
    fn poll_read<S: Stream>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(self.room());
        std::task::ready!(Pin::new(stream).poll_read(context, &mut room))?;
        let length = room.filled().len();
        self.end += length;
        Poll::Ready(Ok(length))
    }
}
