//! Turns a request template into bytes on a connection, and a reply into an outcome.
//!
//! [`HttpTransport`] is the [`Transport`] for HTTP: a lane is one connection. HTTP/1.1 goes through a
//! codec of our own ([`reader`], `http1`), HTTP/2 through the `h2` crate. Which addresses may be
//! loaded is decided in `connect`, where sockets are opened.

mod connect;
pub mod fetch;
mod follow;
mod http1;
mod http2;
mod moved;
#[cfg(all(test, feature = "cluster", feature = "dns"))]
pub(crate) mod name_server;
mod plan;
pub mod policy;
mod proxy;
pub mod reader;
mod redirect;
mod resolve;
mod stamped;
mod tls;
mod watched;

pub use crate::request::{AddressFamily, ConnectTo, HttpVersion, Origin};
pub use plan::{HttpOptions, HttpRequest, PlanError};
pub use policy::{TargetList, TargetPolicy, own_addresses};
pub(crate) use resolve::Resolver;
pub use tls::{TlsError, TlsOptions, config as tls_config};

use crate::request::{ErrorClass, Failure, Http, Outcome, Protocol};
use crate::transport::{Call, Lane, Opened, Streams, Thread, Transport, WHOLE_REPLY};
use connect::Stage;
use follow::Hop;
use http1::Http1;
use http2::Http2;
use moved::Moved;
use plan::{HttpPlan, Prepared};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// So many connections in a row may answer nothing before the next one is waited for.
const BARREN_AT_ONCE: u32 = 3;
/// How long it is waited for; twice as long each further time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// At most so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// HTTP as the thing under load.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    shared: Arc<Shared>,
    /// Requests that a connection of HTTP/2 carries at once.
    streams: usize,
}

#[derive(Debug)]
struct Shared {
    plan: HttpPlan,
    resolver: Resolver,
}

impl HttpTransport {
    /// Prepares requests as `options` say.
    ///
    /// # Errors
    /// When the URL, the proxy or a certificate cannot be used.
    pub fn new(options: HttpOptions) -> Result<Self, PlanError> {
        let resolver = Resolver::new(options.address_family);
        let streams = options.streams(true);
        let shared = Shared { plan: HttpPlan::new(options)?, resolver };
        Ok(Self { shared: Arc::new(shared), streams })
    }

    /// Whether the policy refuses every address of the target, or of the proxy: asked before a run, so that it can
    /// be refused as a whole. A name that does not resolve is not refused: its requests will fail.
    ///
    /// # Errors
    /// `blocked_by_policy`.
    pub async fn check_policy(&self) -> Result<(), Failure> {
        let plan = &self.shared.plan;
        if plan.options.unix_socket.is_some() {
            return Ok(());
        }
        self.check_proxy().await?;
        for origin in &plan.origins {
            self.check_origin(origin).await?;
        }
        Ok(())
    }

    /// Whether the policy refuses every address of the proxy; without one it does not.
    ///
    /// # Errors
    /// `blocked_by_policy`.
    pub async fn check_proxy(&self) -> Result<(), Failure> {
        match &self.shared.plan.proxy {
            Some(proxy) => self.check_host((&proxy.origin.host, proxy.origin.port)).await,
            None => Ok(()),
        }
    }

    async fn check_origin(&self, origin: &Origin) -> Result<(), Failure> {
        let plan = &self.shared.plan;
        plan.options.policy.check_host(&origin.host, origin.port)?;
        let dialled = plan.options.dialled(origin);
        if plan.proxy.is_none() {
            return self.check_host(dialled).await;
        }
        match connect::judge_behind_proxy(plan, dialled).await {
            Err(refused) if refused.class == ErrorClass::BlockedByPolicy => Err(refused),
            _ => Ok(()),
        }
    }

    async fn check_host(&self, host: (&str, u16)) -> Result<(), Failure> {
        let Shared { plan, resolver } = &*self.shared;
        connect::check_host(&plan.options.policy, resolver, host).await
    }
}

impl Transport for HttpTransport {
    type Lane = HttpLane;

    fn lane(&self, thread: &Rc<Thread>) -> HttpLane {
        HttpLane {
            shared: Arc::clone(&self.shared),
            streams: self.streams,
            thread: Rc::clone(thread),
            connection: RefCell::new(Connection::None),
            kept: RefCell::default(),
            shortage: RefCell::default(),
            opens_elsewhere: Cell::new(false),
            moved: Rc::default(),
            barren: Rc::default(),
            stage: Rc::default(),
            is_first: true,
            protocol: Cell::new(None),
        }
    }

    fn requests(&self) -> Option<usize> {
        Some(self.shared.plan.requests.len())
    }

    fn streams(&self) -> Streams {
        let HttpPlan { options, origins, .. } = &self.shared.plan;
        match options.version {
            // A lane has a connection to each origin, and carries one request on one of them.
            _ if origins.len() > 1 => Streams::One,
            HttpVersion::Http1 => Streams::One,
            _ if !options.keep_alive => Streams::One,
            HttpVersion::Http2 if self.streams > 1 => Streams::Many,
            HttpVersion::Auto if origins[0].tls && self.streams > 1 => Streams::Unknown,
            _ => Streams::One,
        }
    }

    fn for_loop(&mut self, open: bool) {
        self.streams = self.shared.plan.options.streams(open);
    }

    fn descriptors_per_lane(&self) -> u64 {
        let HttpPlan { options, origins, .. } = &self.shared.plan;
        // A redirect may lead to another origin.
        origins.len() as u64 + u64::from(options.max_redirects > 0)
    }
}

/// One connection. While an HTTP/1.1 exchange is under way the connection is taken out of its
/// place: an exchange that is dropped then closes it, and leaves the lane closed.
#[derive(Debug)]
pub struct HttpLane {
    shared: Arc<Shared>,
    streams: usize,
    thread: Rc<Thread>,
    connection: RefCell<Connection>,
    /// Open connections to other origins: those of a mix, or where a redirect led.
    kept: RefCell<Vec<(Origin, Box<HttpLane>)>>,
    /// What this machine lacked for a connection to another origin.
    shortage: RefCell<Option<Failure>>,
    /// Such a connection is being opened.
    opens_elsewhere: Cell<bool>,
    moved: Rc<Moved>,
    /// How many HTTP/2 connections in a row have passed requests over and answered none.
    barren: Rc<Cell<u32>>,
    /// How far the opening has come that is under way, or was the last, here or elsewhere.
    stage: Rc<Cell<Stage>>,
    /// It is the engine's, and not one that another lane keeps.
    is_first: bool,
    /// What was agreed when it was opened last.
    protocol: Cell<Option<Protocol>>,
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
        let (connection, connect_ns, tls_ns) = self.connect(&plan.requests[0]).await?;
        let streams = match &connection {
            Connection::Http2(_) if plan.options.keep_alive => self.streams,
            _ => 1,
        };
        self.connection.replace(connection);
        Ok(Opened { connect_ns, tls_ns, streams })
    }

    fn protocol(&self) -> Option<Protocol> {
        self.protocol.get()
    }

    fn awaits(&self) -> (ErrorClass, &'static str) {
        self.stage.get().in_vain()
    }

    fn awaits_in_exchange(&self) -> (ErrorClass, &'static str) {
        let opens = self.opens_elsewhere.take() && self.is_scattered();
        if opens { self.stage.get().in_vain() } else { WHOLE_REPLY }
    }

    #[inline]
    fn is_open(&self) -> bool {
        if self.is_scattered() {
            return true;
        }
        match &*self.connection.borrow() {
            Connection::None => false,
            Connection::Http1(_) => true,
            Connection::Http2(http2) => http2.is_open(),
        }
    }

    fn most_streams(&self) -> Option<usize> {
        match &*self.connection.borrow() {
            Connection::Http2(http2) => http2.most_streams(),
            Connection::None | Connection::Http1(_) => Some(usize::MAX),
        }
    }

    #[inline]
    async fn exchange(&self, call: Call) -> Outcome {
        let HttpPlan { options, requests, .. } = &self.shared.plan;
        let request = &requests[call.request];
        let mut outcome = if options.max_redirects > 0 || self.is_scattered() {
            // Where a hop may follow, each reply is to be read at once.
            Outcome { stamped: false, ..self.follow(request).await }
        } else {
            self.hop(request, false).await.0
        };
        // What was not begun goes on, and ends with an outcome that has its bytes too.
        if !outcome.not_begun {
            (outcome.bytes_sent, outcome.bytes_received) = self.moved.take();
        }
        outcome
    }

    fn moved(&self) -> (u64, u64) {
        self.moved.take()
    }

    fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut connection = self.connection.borrow_mut();
        let closed = match &mut *connection {
            Connection::None => return Poll::Pending,
            Connection::Http1(http1) => http1.poll_idle((&self.thread, &self.moved), cx),
            Connection::Http2(http2) => http2.poll_closed(cx),
        };
        if closed.is_ready() {
            *connection = Connection::None;
        }
        closed
    }
}

impl HttpLane {
    /// Whether the requests of the mix go to several origins: then the lane opens a connection to each
    /// when it is needed, and is always open for the engine.
    #[inline]
    fn is_scattered(&self) -> bool {
        self.is_first && self.shared.plan.origins.len() > 1
    }

    async fn connect(&self, request: &Prepared) -> Result<(Connection, u64, Option<u64>), Failure> {
        let Shared { plan, resolver } = &*self.shared;
        let Self { stage, protocol, .. } = self;
        let connected =
            connect::connect((plan, resolver), &self.thread, &request.origin, stage).await?;
        protocol.set(Some(connected.protocol));
        let connection = if connected.protocol.http == Http::Two {
            let Self { thread, moved, barren, .. } = self;
            Connection::Http2(Http2::begin(connected.stream, thread, moved, barren).await?)
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

    /// One exchange on the lane's connection, with the Location of its reply if it is wanted.
    #[inline]
    async fn hop(&self, request: &Prepared, wants_location: bool) -> Hop {
        let Some(mut http1) = self.take_http1() else {
            return self.exchange_http2(request, wants_location).await;
        };
        let keep_alive = self.shared.plan.options.keep_alive;
        let (outcome, reusable) =
            http1.exchange((&self.thread, &self.moved), request, wants_location, keep_alive).await;
        let location = http1.take_location();
        if reusable {
            self.connection.replace(Connection::Http1(http1));
        }
        (outcome, location)
    }

    #[inline(never)]
    async fn exchange_http2(&self, request: &Prepared, wants_location: bool) -> Hop {
        let stream = match &*self.connection.borrow() {
            Connection::Http2(http2) => http2.stream(),
            _ => {
                let lost =
                    Failure::new(ErrorClass::Reset, "the connection was lost before the request");
                return (Outcome { not_begun: true, ..Outcome::failed(lost) }, None);
            }
        };
        let ended = stream.exchange(&self.thread, request, wants_location).await;
        let passed_over = ended.0.not_begun;
        let keep_alive = self.shared.plan.options.keep_alive;
        // Somebody may have opened another one since.
        let is_over = |it: &Connection| match it {
            Connection::Http2(http2) => !keep_alive || !http2.is_open(),
            Connection::None | Connection::Http1(_) => false,
        };
        let is_over = is_over(&self.connection.borrow());
        if is_over {
            self.connection.replace(Connection::None);
            self.barren.set(self.barren.get() + u32::from(passed_over));
        }
        if passed_over {
            self.pause().await;
        }
        ended
    }

    /// A server that goes away again and again without an answer is not asked as fast as it can be.
    async fn pause(&self) {
        let Some(times) = self.barren.get().checked_sub(BARREN_AT_ONCE) else { return };
        let pause = FIRST_PAUSE.saturating_mul(1 << times.min(10)).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
    }

    /// A closed lane for what goes elsewhere within the same request; its bytes are this one's.
    fn beside(&self) -> HttpLane {
        HttpLane {
            shared: Arc::clone(&self.shared),
            streams: self.streams,
            thread: Rc::clone(&self.thread),
            connection: RefCell::new(Connection::None),
            kept: RefCell::default(),
            shortage: RefCell::default(),
            opens_elsewhere: Cell::new(false),
            moved: Rc::clone(&self.moved),
            barren: Rc::clone(&self.barren),
            stage: Rc::clone(&self.stage),
            is_first: false,
            protocol: Cell::new(None),
        }
    }
}
