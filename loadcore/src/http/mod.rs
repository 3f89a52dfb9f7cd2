//! A request template into bytes on a connection, and a reply into an outcome.
//!
//! [`HttpTransport`] is the [`Transport`] for HTTP: a lane is one connection. HTTP/1.1 goes through a
//! codec of our own ([`reader`], `http1`), HTTP/2 through the `h2` crate. Which addresses may be
//! loaded is decided in `connect`, where sockets are opened.

mod connect;
mod http1;
mod http2;
mod plan;
pub mod policy;
pub mod reader;
mod redirect;
mod resolve;
mod stamped;
mod tls;

pub use plan::{ConnectTo, HttpOptions, HttpVersion, Origin, PlanError};
pub use policy::{Networks, TargetPolicy};
pub use tls::{TlsError, TlsOptions, config as tls_config};

use crate::request::{ErrorClass, Failure, Outcome};
use crate::transport::{Lane, Opened, Streams, Thread, Transport};
use http1::{Http1, Moved};
use http2::Http2;
use plan::{Plan, Prepared};
use resolve::Resolver;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// HTTP as the thing under load.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    plan: Plan,
    resolver: Resolver,
}

impl HttpTransport {
    /// Prepares requests as `options` say.
    ///
    /// # Errors
    /// When the URL, the proxy or a certificate cannot be used.
    pub fn new(options: HttpOptions) -> Result<Self, PlanError> {
        let shared = Shared { plan: Plan::new(options)?, resolver: Resolver::new() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Whether the policy refuses every address of the target: asked before a run, so that it can
    /// be refused as a whole. A name that does not resolve is not refused: its requests will fail.
    ///
    /// # Errors
    /// `blocked_by_policy`.
    pub async fn check_policy(&self) -> Result<(), Failure> {
        let Shared { plan, resolver } = &*self.shared;
        let options = &plan.options;
        if options.unix_socket.is_some() {
            return Ok(());
        }
        if options.proxy.is_some() {
            return match plan.request.origin.host.parse() {
                Ok(address) => options.policy.check(address),
                Err(_) => Ok(()),
            };
        }
        let (host, port) =
            connect::redirected(plan, &plan.request.origin.host, plan.request.origin.port);
        let Ok(addresses) = resolver.addresses(host).await else { return Ok(()) };
        let mut refused = Ok(());
        for address in addresses.in_turn(port) {
            match options.policy.check(address.ip()) {
                Ok(()) => return Ok(()),
                Err(failure) => refused = Err(failure),
            }
        }
        refused
    }
}

impl Transport for HttpTransport {
    type Lane = HttpLane;

    fn lane(&self, thread: &Rc<Thread>) -> HttpLane {
        HttpLane {
            shared: Arc::clone(&self.shared),
            thread: Rc::clone(thread),
            connection: RefCell::new(Connection::None),
            moved: Moved::default(),
        }
    }

    fn streams(&self) -> Streams {
        let options = &self.shared.plan.options;
        match options.version {
            HttpVersion::Http1 => Streams::One,
            _ if !options.keep_alive => Streams::One,
            HttpVersion::Http2 if options.streams > 1 => Streams::Many,
            HttpVersion::Auto if self.shared.plan.request.origin.tls && options.streams > 1 => {
                Streams::Unknown
            }
            _ => Streams::One,
        }
    }

    fn descriptors_per_lane(&self) -> u64 {
        1
    }
}

/// One connection. While an HTTP/1.1 exchange is under way the connection is taken out of its
/// place: an exchange that is dropped then closes it, and leaves the lane closed.
#[derive(Debug)]
pub struct HttpLane {
    shared: Arc<Shared>,
    thread: Rc<Thread>,
    connection: RefCell<Connection>,
    /// Of its HTTP/1.1 exchanges.
    moved: Moved,
}

#[derive(Debug)]
enum Connection {
    None,
    Http1(Box<Http1>),
    Http2(Http2),
}

impl Lane for HttpLane {
    async fn open(&self) -> Result<Opened, Failure> {
        let Shared { plan, .. } = &*self.shared;
        let (connection, connect_ns, tls_ns) = self.connect(&plan.request).await?;
        let streams = match &connection {
            Connection::Http2(_) if plan.options.keep_alive => plan.options.streams,
            _ => 1,
        };
        self.connection.replace(connection);
        Ok(Opened { connect_ns, tls_ns, streams })
    }

    #[inline]
    fn is_open(&self) -> bool {
        match &*self.connection.borrow() {
            Connection::None => false,
            Connection::Http1(_) => true,
            Connection::Http2(http2) => http2.is_open(),
        }
    }

    fn most_streams(&self) -> usize {
        match &*self.connection.borrow() {
            Connection::Http2(http2) => http2.most_streams(),
            Connection::None | Connection::Http1(_) => usize::MAX,
        }
    }

    #[inline]
    async fn exchange(&self) -> Outcome {
        let options = &self.shared.plan.options;
        let request = &self.shared.plan.request;
        if options.max_redirects > 0 {
            // Where a hop may follow, each reply is to be read at once.
            return Outcome { stamped: false, ..self.follow(request).await };
        }
        let Some(mut http1) = self.take_http1() else {
            return self.exchange_http2(request).await.0;
        };
        let (outcome, reusable) =
            http1.exchange((&self.thread, &self.moved), request, false, options.keep_alive).await;
        if reusable {
            self.connection.replace(Connection::Http1(http1));
        }
        outcome
    }

    fn moved(&self) -> (u64, u64) {
        self.moved.get()
    }

    fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut connection = self.connection.borrow_mut();
        let closed = match &mut *connection {
            Connection::None => return Poll::Pending,
            Connection::Http1(http1) => http1.poll_idle(&self.thread, cx),
            Connection::Http2(http2) => http2.poll_closed(cx),
        };
        if closed.is_ready() {
            *connection = Connection::None;
        }
        closed
    }
}

impl HttpLane {
    async fn connect(&self, request: &Prepared) -> Result<(Connection, u64, Option<u64>), Failure> {
        let Shared { plan, resolver } = &*self.shared;
        let connected = connect::connect(plan, resolver, &self.thread, &request.origin).await?;
        let connection = if connected.http2 {
            Connection::Http2(Http2::begin(connected.stream).await?)
        } else {
            Connection::Http1(Box::new(Http1::new(connected.stream)))
        };
        Ok((connection, connected.connect_ns, connected.tls_ns))
    }

    fn take_http1(&self) -> Option<Box<Http1>> {
        let mut connection = self.connection.borrow_mut();
        if matches!(*connection, Connection::Http1(_))
            && let Connection::Http1(http1) = std::mem::replace(&mut *connection, Connection::None)
        {
            return Some(http1);
        }
        None
    }

    #[inline(never)]
    async fn exchange_http2(&self, request: &Prepared) -> (Outcome, Option<Box<[u8]>>) {
        let stream = match &*self.connection.borrow() {
            Connection::Http2(http2) => http2.stream(),
            _ => {
                let lost =
                    Failure::new(ErrorClass::Reset, "the connection was lost before the request");
                return (Outcome { not_begun: true, ..Outcome::failed(lost) }, None);
            }
        };
        let ended = stream.exchange(&self.thread, request).await;
        let keep_alive = self.shared.plan.options.keep_alive;
        let mut connection = self.connection.borrow_mut();
        // Somebody may have opened another one since.
        if matches!(&*connection, Connection::Http2(http2) if !keep_alive || !http2.is_open()) {
            *connection = Connection::None;
        }
        ended
    }

    /// One exchange on the lane's connection, with the Location of its reply.
    async fn hop(&self, request: &Prepared) -> (Outcome, Option<Box<[u8]>>) {
        let Some(mut http1) = self.take_http1() else {
            return self.exchange_http2(request).await;
        };
        let keep_alive = self.shared.plan.options.keep_alive;
        let (outcome, reusable) =
            http1.exchange((&self.thread, &self.moved), request, true, keep_alive).await;
        let location = http1.take_location();
        if reusable {
            self.connection.replace(Connection::Http1(http1));
        }
        (outcome, location)
    }

    /// Follows redirects within one request. Hops to the lane's own origin use its connection;
    /// each hop elsewhere makes one of its own, which is closed after it.
    async fn follow(&self, first: &Prepared) -> Outcome {
        let plan = &self.shared.plan;
        let (mut outcome, mut location) = self.hop(first).await;
        let mut request = None;
        for _ in 0..plan.options.max_redirects {
            let Some((status, to)) = redirect_of(&outcome, location.take()) else { return outcome };
            let previous = request.as_ref().unwrap_or(first);
            let next = match redirect::next(plan, previous, status, &to) {
                Ok(next) => next,
                Err(failure) => return Outcome { failure: Some(failure), ..outcome },
            };
            let (mut then, found) = self.hop_to(&next).await;
            then.first_byte_at = outcome.first_byte_at;
            then.bytes_sent += outcome.bytes_sent;
            then.bytes_received += outcome.bytes_received;
            (outcome, location, request) = (then, found, Some(next));
        }
        if redirect_of(&outcome, location).is_some() {
            outcome.failure = Some(Failure::text(
                ErrorClass::RedirectLimit,
                format_args!("more than {} redirects", plan.options.max_redirects),
            ));
        }
        outcome
    }

    async fn hop_to(&self, request: &Prepared) -> (Outcome, Option<Box<[u8]>>) {
        // A closed lane is opened by the engine alone.
        let same = request.origin == self.shared.plan.request.origin && self.is_open();
        let lane;
        let lane = if same {
            self
        } else {
            lane = self.shared_lane();
            &lane
        };
        if !lane.is_open() {
            match lane.connect(request).await {
                Ok((connection, ..)) => drop(lane.connection.replace(connection)),
                Err(failure) => return (Outcome::failed(failure), None),
            }
        }
        lane.hop(request).await
    }

    fn shared_lane(&self) -> HttpLane {
        HttpLane {
            shared: Arc::clone(&self.shared),
            thread: Rc::clone(&self.thread),
            connection: RefCell::new(Connection::None),
            moved: Moved::default(),
        }
    }
}

fn redirect_of(outcome: &Outcome, location: Option<Box<[u8]>>) -> Option<(u16, Box<[u8]>)> {
    let status = outcome.status.filter(|status| redirect::is_redirect(*status))?;
    if outcome.failure.is_some() {
        return None;
    }
    Some((status, location?))
}
