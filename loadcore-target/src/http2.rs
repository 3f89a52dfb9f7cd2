//! Turns the streams of one HTTP/2 connection into counted requests, and plans into frames.
//!
//! The framing is that of the `h2` crate; only what is asked for and counted is ours. Each stream is a
//! task of its own, so an answer that waits holds up no other.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Request, Response};
use tokio::sync::Notify;

use crate::answer::{FILLER, Times, may_have_body, status};
use crate::behaviour::{Fault, Plan, Reply, plan};
use crate::connection::{OpenConnection, Rewound, Stream};
use crate::http1::{failure_reply, hold};
use crate::request::MAX_HEAD;
use crate::server::Worker;
use crate::stats::{Counted, RequestEnd};
use crate::time::{MILLISECOND, NEVER, Nanos, nanos};
use crate::timer::Sleep;

const MAX_STREAMS: u32 = 1_000;
/// What a client may send ahead, on a stream and on the connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// The stream or its connection is gone: there is nobody left to be told.
struct Gone;

impl From<h2::Error> for Gone {
    fn from(_: h2::Error) -> Self {
        Self
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve<S: Stream>(
    stream: Rewound<S>,
    worker: Arc<Worker>,
    count: &mut OpenConnection,
) {
    let handshake = Builder::new()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake::<_, Bytes>(stream)
        .await;
    match handshake {
        Ok(connection) => accept_streams(connection, worker, count).await,
        Err(_) => worker.shared.counts.malformed(worker.thread, 0),
    }
}

async fn accept_streams<S: Stream>(
    mut connection: Connection<Rewound<S>, Bytes>,
    worker: Arc<Worker>,
    count: &mut OpenConnection,
) {
    let ending = Arc::new(ConnectionEnd::default());
    let mut served = 0;
    loop {
        // Nothing stands for a wish of a stream.
        let accepted: Option<Accepted> = {
            let mut wish = pin!(ending.notify.notified());
            std::future::poll_fn(|context| {
                // A wish is looked at first: it may have been what woke this task.
                if wish.as_mut().poll(context).is_ready() {
                    return Poll::Ready(None);
                }
                connection.poll_accept(context).map(Some)
            })
            .await
        };
        match accepted {
            None if ending.is_abrupt() => return,
            None => connection.graceful_shutdown(),
            Some(Some(Ok((request, respond)))) => {
                served += 1;
                let plan = plan_of(&request);
                count.request(plan.is_control());
                let most = worker.shared.config.close_after;
                if plan.close || most.is_some_and(|most| served >= most) {
                    connection.graceful_shutdown();
                }
                let exchange = Exchange {
                    worker: Arc::clone(&worker),
                    ending: Arc::clone(&ending),
                    ticket: None,
                    sent: 0,
                };
                tokio::spawn(exchange.serve(request, respond, plan));
            }
            Some(_) => return,
        }
    }
}

/// A stream, or the end of all streams.
type Accepted = Option<Result<(Request<RecvStream>, SendResponse<Bytes>), h2::Error>>;

/// How a stream asks for the end of its connection.
#[derive(Debug, Default)]
struct ConnectionEnd {
    abrupt: AtomicU8,
    notify: Notify,
}

impl ConnectionEnd {
    fn break_off(&self) {
        self.abrupt.store(1, Ordering::Release);
        self.notify.notify_one();
    }

    fn is_abrupt(&self) -> bool {
        self.abrupt.load(Ordering::Acquire) == 1
    }
}

fn plan_of(request: &Request<RecvStream>) -> Plan {
    let target = request.uri().path_and_query().map_or("/", |path| path.as_str());
    plan(request.method().as_str(), target)
}

/// One request and its answer.
struct Exchange {
    worker: Arc<Worker>,
    ending: Arc<ConnectionEnd>,
    /// The request as long as it has been counted and has not ended.
    ticket: Option<Counted>,
    sent: u64,
}

impl Exchange {
    async fn serve(
        mut self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        mut plan: Plan,
    ) {
        let is_head = request.method() == http::Method::HEAD;
        let Ok(received) = read_body(request.into_body(), &mut plan).await else { return };
        let now = self.worker.clock.now();
        let header = plan.header.max(self.worker.shared.config.header);
        let tells_times = plan.times;
        let (reply, ready_at, stalled) = self.admit(plan, received, now);
        if ready_at > now {
            let mut sleep = Sleep::new(&self.worker.timer);
            // A stream that is given up meanwhile is not to be answered.
            let due = std::future::poll_fn(|context| match respond.poll_reset(context) {
                Poll::Ready(_) => Poll::Ready(false),
                Poll::Pending => sleep.poll_until(ready_at, context).map(|()| true),
            });
            if !due.await {
                return;
            }
            let lateness = self.worker.clock.now() - ready_at;
            self.worker.shared.counts.late(self.worker.thread, lateness, stalled);
        }
        let clock = &self.worker.clock;
        let times = tells_times
            .then(|| Times { read: clock.monotonic(now), answered: clock.monotonic(clock.now()) });
        let answering = Answering { is_head, header, times, reply: &reply };
        // An error is a stream that is gone; the drop of this exchange counts it.
        let _ = self.answer(&mut respond, answering).await;
    }

    /// Counts the request and decides about it: the reply, its moment, and whether a stall holds it.
    fn admit(&mut self, plan: Plan, received: u64, now: Nanos) -> (Reply, Nanos, bool) {
        if plan.is_control() {
            return (plan.reply, now, false);
        }
        let Worker { shared, thread, .. } = &*self.worker;
        let (ticket, first) = shared.counts.arrived(*thread, plan.route, received, now);
        self.ticket = Some(ticket);
        let admission = shared.service.admit(&plan, now, first);
        let reply = admission.failure.map_or(plan.reply, failure_reply);
        if reply == Reply::Fault(Fault::Hang) || reply == Reply::Fault(Fault::PartialHead) {
            self.end(RequestEnd::Broken { bytes: 0 });
            return (reply, NEVER, false);
        }
        (reply, admission.ready_at, admission.stalled)
    }

    fn end(&mut self, ending: RequestEnd) {
        if let Some(ticket) = self.ticket.take() {
            self.worker.shared.counts.ended(self.worker.thread, ticket, ending);
        }
    }

    async fn answer(
        &mut self,
        respond: &mut SendResponse<Bytes>,
        answering: Answering<'_>,
    ) -> Result<(), Gone> {
        let shared = Arc::clone(&self.worker.shared);
        let status = status(answering.reply);
        match answering.reply {
            Reply::Fault(fault) => self.fault(respond, &answering, *fault).await,
            Reply::Stats => {
                let json = serde_json::to_vec(&shared.counts.stats()).unwrap_or_default();
                self.whole(respond, &answering, 200, Bytes::from(json)).await
            }
            Reply::Reset => {
                shared.reset();
                let text = Bytes::from_static(b"counts begin anew\n");
                self.whole(respond, &answering, 200, text).await
            }
            Reply::Text { text, .. } => {
                let body = Bytes::copy_from_slice(text.as_bytes());
                self.whole(respond, &answering, status, body).await
            }
            Reply::Echo { body } => {
                self.whole(respond, &answering, 200, Bytes::copy_from_slice(body)).await
            }
            Reply::Redirect { .. } => self.whole(respond, &answering, status, Bytes::new()).await,
            Reply::Filler { bytes, .. } => {
                self.filled(respond, &answering, status, Some(*bytes), *bytes).await
            }
            Reply::Chunked { bytes, .. } | Reply::UntilClose { bytes } => {
                self.filled(respond, &answering, 200, None, *bytes).await
            }
            Reply::Slow { bytes, over, pieces } => {
                self.slowly(respond, &answering, *bytes, nanos(*over), *pieces).await
            }
            Reply::Interim { count, status } => {
                for _ in 0..*count {
                    let mut interim = Response::new(());
                    *interim.status_mut() = code(*status);
                    respond.send_informational(interim)?;
                }
                self.whole(respond, &answering, 200, shared.plain.body.clone()).await
            }
            Reply::Plain => self.whole(respond, &answering, 200, shared.plain.body.clone()).await,
        }
    }

    async fn whole(
        &mut self,
        respond: &mut SendResponse<Bytes>,
        answering: &Answering<'_>,
        status: u16,
        body: Bytes,
    ) -> Result<(), Gone> {
        let head = answering.head(status, Some(body.len() as u64));
        if body.is_empty() || answering.is_head || !may_have_body(status) {
            self.end(RequestEnd::Answered { status, bytes: 0 });
            respond.send_response(head, true)?;
            return Ok(());
        }
        let mut stream = respond.send_response(head, false)?;
        self.send(&mut stream, body, Some(status)).await
    }

    async fn filled(
        &mut self,
        respond: &mut SendResponse<Bytes>,
        answering: &Answering<'_>,
        status: u16,
        length: Option<u64>,
        bytes: u64,
    ) -> Result<(), Gone> {
        let head = answering.head(status, length);
        if bytes == 0 || answering.is_head || !may_have_body(status) {
            self.end(RequestEnd::Answered { status, bytes: 0 });
            respond.send_response(head, true)?;
            return Ok(());
        }
        let mut stream = respond.send_response(head, false)?;
        self.fill(&mut stream, bytes, Some(status)).await
    }

    async fn slowly(
        &mut self,
        respond: &mut SendResponse<Bytes>,
        answering: &Answering<'_>,
        bytes: u64,
        over: Nanos,
        pieces: u64,
    ) -> Result<(), Gone> {
        if answering.is_head || bytes == 0 {
            return self.filled(respond, answering, 200, Some(bytes), 0).await;
        }
        let mut stream = respond.send_response(answering.head(200, Some(bytes)), false)?;
        let worker = Arc::clone(&self.worker);
        let mut sleep = Sleep::new(&worker.timer);
        let start = worker.clock.now();
        let share =
            |piece: u64, of: u64| (u128::from(of) * u128::from(piece) / u128::from(pieces)) as u64;
        for piece in 1..=pieces {
            sleep.until(start + share(piece, over)).await;
            let part = share(piece, bytes) - share(piece - 1, bytes);
            self.fill(&mut stream, part, (piece == pieces).then_some(200)).await?;
        }
        Ok(())
    }

    async fn fault(
        &mut self,
        respond: &mut SendResponse<Bytes>,
        answering: &Answering<'_>,
        fault: Fault,
    ) -> Result<(), Gone> {
        let (said, bytes) = match fault {
            Fault::LengthShort => (Some(50), 100),
            Fault::BadChunk | Fault::Endless => (None, 50),
            _ => (Some(100), 50),
        };
        match fault {
            Fault::ResetHead => {
                self.end(RequestEnd::Broken { bytes: 0 });
                respond.send_reset(Reason::INTERNAL_ERROR);
                return Ok(());
            }
            Fault::Garbage | Fault::Close => {
                self.end(RequestEnd::Broken { bytes: 0 });
                self.ending.break_off();
                return Ok(());
            }
            // They were counted when they came, and are never due.
            Fault::Hang | Fault::PartialHead => return Ok(()),
            _ => {}
        }
        let mut stream = respond.send_response(answering.head(200, said), false)?;
        self.end(RequestEnd::Broken { bytes });
        let ends = matches!(fault, Fault::LengthLong | Fault::LengthShort);
        self.fill_uncounted(&mut stream, bytes, ends).await?;
        match fault {
            Fault::Endless => self.endlessly(&mut stream).await,
            Fault::PartialBody => {
                std::future::poll_fn(|context| stream.poll_reset(context)).await?;
                Ok(())
            }
            Fault::ResetBody | Fault::BadChunk => {
                // A reset overtakes what is queued. The connection's task has been woken to write it,
                // and comes before this one comes again.
                tokio::task::yield_now().await;
                stream.send_reset(Reason::INTERNAL_ERROR);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn endlessly(&mut self, stream: &mut SendStream<Bytes>) -> Result<(), Gone> {
        let worker = Arc::clone(&self.worker);
        let mut sleep = Sleep::new(&worker.timer);
        let mut at = worker.clock.now();
        loop {
            self.fill_uncounted(stream, 16 << 10, false).await?;
            at += MILLISECOND;
            sleep.until(at).await;
        }
    }

    async fn fill(
        &mut self,
        stream: &mut SendStream<Bytes>,
        bytes: u64,
        last: Option<u16>,
    ) -> Result<(), Gone> {
        let mut left = bytes;
        loop {
            let part = left.min(FILLER.len() as u64);
            left -= part;
            let status = last.filter(|_| left == 0);
            self.send(stream, Bytes::from_static(&FILLER[..part as usize]), status).await?;
            if left == 0 {
                return Ok(());
            }
        }
    }

    async fn fill_uncounted(
        &mut self,
        stream: &mut SendStream<Bytes>,
        bytes: u64,
        ends: bool,
    ) -> Result<(), Gone> {
        send_all(stream, Bytes::from_static(&FILLER[..bytes as usize]), ends, || ()).await
    }

    /// Sends a part of the body; with a status it is the last one, and the answer is counted.
    async fn send(
        &mut self,
        stream: &mut SendStream<Bytes>,
        part: Bytes,
        last: Option<u16>,
    ) -> Result<(), Gone> {
        self.sent += part.len() as u64;
        let before_last = || {
            if let Some(status) = last {
                self.end(RequestEnd::Answered { status, bytes: self.sent });
            }
        };
        send_all(stream, part, last.is_some(), before_last).await
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(RequestEnd::Abandoned);
    }
}

/// What the head of an answer depends on.
struct Answering<'a> {
    is_head: bool,
    header: u64,
    times: Option<Times>,
    reply: &'a Reply,
}

impl Answering<'_> {
    fn head(&self, status: u16, length: Option<u64>) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = code(status);
        let headers = response.headers_mut();
        if may_have_body(status) {
            if let Some(length) = length {
                headers.insert(CONTENT_LENGTH, length.into());
            }
            let kind = if *self.reply == Reply::Stats { "application/json" } else { "text/plain" };
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        match self.reply {
            Reply::Redirect { location, .. } => {
                // The plan has let through nothing but printable characters.
                if let Ok(location) = HeaderValue::from_str(location) {
                    headers.insert(LOCATION, location);
                }
            }
            Reply::Text { status: 405, .. } => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            }
            _ => {}
        }
        let is_control = matches!(self.reply, Reply::Stats | Reply::Reset);
        if self.header > 0 && !is_control {
            let filler = Bytes::from(vec![b'x'; self.header as usize]);
            if let Ok(value) = HeaderValue::from_maybe_shared(filler) {
                headers.insert("x-filler", value);
            }
        }
        if let Some(times) = self.times
            && let Ok(value) = HeaderValue::from_str(&times.to_string())
        {
            headers.insert(Times::HEADER, value);
        }
        response
    }
}

fn code(status: u16) -> http::StatusCode {
    http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::OK)
}

/// Reads the whole body of a request; answers how long it was.
async fn read_body(mut body: RecvStream, plan: &mut Plan) -> Result<u64, Gone> {
    let mut received = 0;
    while let Some(part) = body.data().await {
        let part = part?;
        received += part.len() as u64;
        hold(plan, &part);
        body.flow_control().release_capacity(part.len())?;
    }
    body.trailers().await?;
    Ok(received)
}

/// Sends as the client's window allows; `before_last` is called before the last of it.
async fn send_all(
    stream: &mut SendStream<Bytes>,
    mut part: Bytes,
    ends: bool,
    before_last: impl FnOnce(),
) -> Result<(), Gone> {
    stream.reserve_capacity(part.len());
    while stream.capacity() < part.len() {
        let granted = std::future::poll_fn(|context| stream.poll_capacity(context)).await;
        let granted = granted.ok_or(Gone)??;
        if granted > 0 && granted < part.len() {
            stream.send_data(part.split_to(granted), false)?;
            stream.reserve_capacity(part.len());
        }
    }
    before_last();
    stream.send_data(part, ends)?;
    Ok(())
}
