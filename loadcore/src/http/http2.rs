//! Turns a request into a stream of an HTTP/2 connection, by the `h2` crate.
//!
//! hyper would put a channel and a task of its own between us and `h2`; its codec is used directly.

mod counted;

use super::connect::Stream;
use super::http1::stale;
use super::moved::Moved;
use super::plan::Prepared;
use super::reader::{Watch, check_status};
use super::watched::Watched;
use super::{redirect, tls};
use crate::request::{ErrorClass, Failure, Inspection, Outcome};
use crate::transport::Thread;
use bytes::Bytes;
use counted::Counted;
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::Request;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Bytes that a server may send on a stream before we have taken them.
const STREAM_WINDOW: u32 = 1 << 20;
/// The same for all streams of a connection.
const CONNECTION_WINDOW: u32 = 1 << 24;
/// What h2 takes for the server's limit of streams until its settings have come.
const NOT_TOLD: usize = usize::MAX - 1;
/// Largest header list that is accepted, like an HTTP/1.1 head.
const MAX_HEADER_LIST: u32 = super::reader::MAX_HEAD_BYTES as u32;

/// A connection that speaks HTTP/2; its streams share it.
#[derive(Debug)]
pub struct Http2 {
    sender: SendRequest<Bytes>,
    state: Rc<State>,
}

#[derive(Debug, Default)]
struct State {
    closed: Cell<bool>,
    /// The server takes no more streams (GOAWAY); those under way go on to their end.
    retired: Cell<bool>,
    /// The most streams that the server allows at once, once its settings have come.
    allowed: Cell<Option<usize>>,
    /// How many connections of the lane in a row have passed requests over and answered none.
    barren: Rc<Cell<u32>>,
    /// It has answered a request.
    answered: Cell<bool>,
    /// Requests under way.
    under_way: Cell<usize>,
    /// Something has come since it was idle.
    heard: Rc<Cell<bool>>,
    /// The idle stream that is told when the connection closes.
    idle_waker: RefCell<Option<Waker>>,
    /// Of streams that have ended, for those that follow: no more than were under way at once.
    inspections: RefCell<Vec<Inspection>>,
}

impl Http2 {
    /// Begins HTTP/2 on a connection that was just made, and drives it by a task of its own.
    ///
    /// # Errors
    /// `protocol` or `reset` when the preface cannot be exchanged.
    pub async fn begin(
        mut stream: Stream,
        thread: &Rc<Thread>,
        moved: &Rc<Moved>,
        barren: &Rc<Cell<u32>>,
    ) -> Result<Self, Failure> {
        stream.stop_stamping();
        let state = Rc::new(State { barren: Rc::clone(barren), ..State::default() });
        let counted = Counted::new(stream, Rc::clone(moved), Rc::clone(&state.heard));
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_LIST)
            .enable_push(false)
            .initial_max_send_streams(NOT_TOLD)
            .handshake::<_, Bytes>(counted)
            .await
            .map_err(failure_of)?;
        // It ends by itself when no sender and no stream is left.
        tokio::task::spawn_local(drive(connection, Rc::clone(thread), Rc::clone(&state)));
        Ok(Self { sender, state })
    }

    /// Whether the connection can carry more requests.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.state.closed.get() && !self.state.retired.get()
    }

    /// The most streams that the server allows at once; `None` until its settings have come.
    #[must_use]
    pub fn most_streams(&self) -> Option<usize> {
        self.state.allowed.get()
    }

    /// Ready when the connection has ended.
    pub fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.closed.get() {
            return Poll::Ready(());
        }
        // Streams that wait idle share this waker's place: the last one to come is woken, finds the
        // connection closed, and the others find it so when they are given a request.
        *self.state.idle_waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// A handle for one exchange.
    #[must_use]
    pub fn stream(&self) -> Http2Stream {
        let (sender, state) = (self.sender.clone(), Rc::clone(&self.state));
        let others = state.under_way.replace(state.under_way.get() + 1);
        if others == 0 {
            state.heard.set(false);
        }
        Http2Stream { sender, state, ended: false }
    }
}

/// One request's way through a shared connection.
#[derive(Debug)]
pub struct Http2Stream {
    sender: SendRequest<Bytes>,
    state: Rc<State>,
    ended: bool,
}

/// A request was given up (a timeout) and the server has not even sent its settings: nobody else is
/// to wait for them.
impl Drop for Http2Stream {
    fn drop(&mut self) {
        self.state.under_way.set(self.state.under_way.get() - 1);
        if !self.ended && self.state.allowed.get().is_none() {
            self.state.retired.set(true);
        }
    }
}

impl Http2Stream {
    /// Sends `request` and reads its reply. The second value is the Location of a redirect, if it is
    /// wanted.
    pub async fn exchange(
        mut self,
        thread: &Thread,
        request: &Prepared,
        wants_location: bool,
    ) -> (Outcome, Option<Box<[u8]>>) {
        let mut inspection = request.checks.some().map(|checks| {
            let mut inspection = self.state.inspections.borrow_mut().pop().unwrap_or_default();
            inspection.begin(checks);
            inspection
        });
        let watched = inspection.as_mut();
        let watched = watched.map(|inspection| Watched { checks: &request.checks, inspection });
        let outcome = Outcome::default();
        let mut seen = Seen { outcome, location: None, wants_location, watched };
        let ended = match self.begin(request).await {
            Ok((reply, body)) => {
                let ended = Self::finish(thread, request, reply, body, &mut seen).await;
                if seen.outcome.first_byte_at.is_some() {
                    self.state.answered.set(true);
                    self.state.barren.set(0);
                }
                ended.and_then(|()| seen.judge())
            }
            // Refused before a byte of it was sent, by a connection that is on its way out.
            Err(error) => {
                seen.outcome.not_begun = error.is_go_away() || self.state.closed.get();
                Err(failure_of(error))
            }
        };
        let Seen { mut outcome, location, .. } = seen;
        self.state.inspections.borrow_mut().extend(inspection);
        self.ended = true;
        self.state.retired.set(self.state.retired.get() || outcome.not_begun);
        outcome.end_at = Some(thread.clock.now());
        outcome.failure = ended.err().map(|failure| self.explained(failure));
        (outcome, location)
    }

    /// A server that has not even sent its settings probably speaks something else; one that has ended
    /// the connection without a word since it was idle had closed it in between.
    fn explained(&self, failure: Failure) -> Failure {
        let ended = matches!(failure.class, ErrorClass::Read | ErrorClass::Reset);
        if ended && self.state.answered.get() && !self.state.heard.get() {
            return stale();
        }
        if failure.class != ErrorClass::Protocol || self.state.allowed.get().is_some() {
            return failure;
        }
        let what = format_args!("the server does not seem to speak HTTP/2: {failure}");
        Failure::text(ErrorClass::Protocol, what)
    }

    /// Waits for the server's leave to open a stream, and opens it.
    async fn begin(
        &mut self,
        request: &Prepared,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        poll_fn(|cx| self.sender.poll_ready(cx)).await?;
        let mut head = Request::new(());
        *head.method_mut() = request.method.clone();
        *head.uri_mut() = request.http2_uri.clone();
        *head.version_mut() = http::Version::HTTP_2;
        *head.headers_mut() = request.fields.clone();
        self.sender.send_request(head, request.body.is_empty())
    }

    /// Sends the body and reads the reply, both at once: a server may answer (413) before it has
    /// taken all of a body, and leave no room for the rest. Then the reply is the outcome, and h2
    /// resets the stream as its last handle is dropped.
    async fn finish(
        thread: &Thread,
        request: &Prepared,
        reply: ResponseFuture,
        body: SendStream<Bytes>,
        seen: &mut Seen<'_>,
    ) -> Result<(), Failure> {
        let mut sending = pin!(send_body(body, request.body.clone()));
        let mut receiving = pin!(receive(thread, reply, seen));
        let mut sent = request.body.is_empty();
        poll_fn(|cx| {
            sent = sent || sending.as_mut().poll(cx).is_ready();
            receiving.as_mut().poll(cx)
        })
        .await
    }
}

/// What has been seen of a reply.
struct Seen<'a> {
    outcome: Outcome,
    location: Option<Box<[u8]>>,
    wants_location: bool,
    watched: Option<Watched<'a>>,
}

impl Seen<'_> {
    fn head(&mut self, head: &http::response::Parts) {
        let status = head.status.as_u16();
        self.outcome.status = Some(status);
        if self.wants_location && redirect::is_redirect(status) {
            let field = head.headers.get(http::header::LOCATION);
            self.location = field.map(|value| value.as_bytes().into());
        }
        if let Some(Watched { checks, inspection }) = &mut self.watched {
            let fields = || head.headers.iter().map(|(name, it)| (name.as_str(), it.as_bytes()));
            inspection.head(checks, status, fields);
        }
    }

    /// By its checks, once it is whole. One that leads to the next hop is not the last one, which alone
    /// is judged.
    fn judge(&mut self) -> Result<(), Failure> {
        let failed = match &mut self.watched {
            Some(Watched { checks, inspection }) if self.location.is_none() => {
                inspection.end(checks)
            }
            _ => None,
        };
        failed.map_or(Ok(()), Err)
    }
}

async fn receive(
    thread: &Thread,
    reply: ResponseFuture,
    seen: &mut Seen<'_>,
) -> Result<(), Failure> {
    let reply = reply.await.map_err(|error| {
        seen.outcome.not_begun = was_passed_over(&error);
        failure_of(error)
    })?;
    seen.outcome.first_byte_at = Some(thread.clock.now());
    check_status(reply.status().as_u16())?;
    let (head, body) = reply.into_parts();
    seen.head(&head);
    drain(body, seen.watched.as_mut()).await
}

/// Sends as the server grants room. Where it closes the stream before, its reply says more than that.
async fn send_body(mut stream: SendStream<Bytes>, mut body: Bytes) {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let Some(Ok(granted)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return };
        let piece = body.split_to(granted.min(body.len()));
        if stream.send_data(piece, body.is_empty()).is_err() {
            return;
        }
    }
}

async fn drain(mut body: RecvStream, mut watched: Option<&mut Watched<'_>>) -> Result<(), Failure> {
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(|error| match failure_of(error) {
            failure if failure.class == ErrorClass::Protocol => {
                Failure { class: ErrorClass::Body, ..failure }
            }
            failure => failure,
        })?;
        if let Some(watched) = &mut watched {
            watched.body(&piece);
        }
        // Fails only when the stream has ended, which the next turn of the loop finds out.
        let _ = body.flow_control().release_capacity(piece.len());
    }
    Ok(())
}

async fn drive(mut connection: Connection<Counted>, thread: Rc<Thread>, state: Rc<State>) {
    let ended = poll_fn(|cx| {
        let ended = Pin::new(&mut connection).poll(cx);
        let told = Some(connection.max_concurrent_send_streams()).filter(|most| *most != NOT_TOLD);
        // A server that allows none for now is asked all the same: h2 holds the request back.
        let told = told.map(|most| most.max(1));
        if told != state.allowed.replace(told) {
            thread.lane_changed();
        }
        ended
    });
    // Each stream is told of the error itself.
    let _ = ended.await;
    state.closed.set(true);
    thread.lane_changed();
    if let Some(waker) = state.idle_waker.take() {
        waker.wake();
    }
}

/// A server says what it has not processed: streams that are later than the last one that a GOAWAY
/// names (RFC 9113 section 6.8; `h2` ends no others with what it said), and those that it refuses
/// (section 8.7). They are as good as not sent, and go to another connection, unless the server says
/// that none would do. nginx leaves after `keepalive_requests` of them.
fn was_passed_over(error: &h2::Error) -> bool {
    use h2::Reason;
    let Some(reason) = error.reason().filter(|_| error.is_remote()) else { return false };
    let in_vain = [Reason::HTTP_1_1_REQUIRED, Reason::INADEQUATE_SECURITY].contains(&reason);
    (error.is_go_away() && !in_vain) || (error.is_reset() && reason == Reason::REFUSED_STREAM)
}

fn failure_of(error: h2::Error) -> Failure {
    if error.is_io() {
        return match error.into_io() {
            Some(error) => tls::failure_of(ErrorClass::Read, error),
            None => Failure::new(ErrorClass::Read, "the connection was lost"),
        };
    }
    let reason = error.reason().filter(|_| error.is_remote());
    match reason.map(named) {
        Some(reason) if error.is_go_away() => Failure::text(
            ErrorClass::Reset,
            format_args!(
                "the server ended the connection before this request (GOAWAY, {reason}), as by a limit \
                 of requests"
            ),
        ),
        Some(reason) if error.is_reset() => Failure::text(
            ErrorClass::Reset,
            format_args!("the server reset the stream (RST_STREAM, {reason})"),
        ),
        _ => Failure::text(ErrorClass::Protocol, error),
    }
}

/// An error code as RFC 9113 section 7 calls it: `NO_ERROR`.
fn named(reason: h2::Reason) -> String {
    format!("{reason:?}")
}
