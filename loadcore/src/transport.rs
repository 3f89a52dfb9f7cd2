//! Turns a token into a request of any kind: the role that the thing under load plays.
//!
//! The engine knows when a request is due, hands it to a lane, and measures. What a request *is* —
//! HTTP, a closure, a `tower::Service`, a protocol of your own — is a [`Transport`].

use crate::request::{ErrorClass, Failure, Outcome, Protocol};
use crate::time::{Clock, Nanos, Stamps};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::sync::Notify;

/// Size of the read buffer that the lanes of a thread share.
const SCRATCH_BYTES: usize = 64 * 1024;

/// What a request waits for once it is sent.
pub(crate) const WHOLE_REPLY: (ErrorClass, &str) = (ErrorClass::ResponseTimeout, "whole reply");
/// The longest request or reply that no socket's buffer is too small for.
pub(crate) const UNHEARD_BYTES: u64 = 16 * 1024;

/// Makes lanes: what is put under load, where it is neither HTTP nor a closure.
///
/// For most protocols a [session](crate::LoadTest::session) is enough, which is two closures. A
/// transport of one's own is for what they cannot: several requests at once on a connection
/// ([`Opened::streams`]), bytes and first bytes in the result, connections that are seen to close.
///
/// # Contract
/// 1. `lane` is called on the engine's thread that will use the lane, and never blocks.
/// 2. A lane sends nothing until the engine asks for an exchange: no probe, no warm-up, no retry.
/// 3. Lanes of different threads share nothing that the hot path would have to wait for.
/// 4. What fails is the target's: an `Err` and a panic are counted as [`ErrorClass::Target`], or as the
///    class that [`Failure`] has, and never touch the verdict. [`ErrorClass::Internal`] is for a fault
///    of the transport itself.
/// 5. A test has a clone of it for each clone of the test, and one for all of its threads.
///
/// # Example
/// Redis PINGs, one after another on each connection:
///
/// ```no_run
/// use loadcore::request::{ErrorClass, Failure, Outcome};
/// use loadcore::transport::{Opened, Thread, connect};
/// use loadcore::{Call, Lane, LoadTest, Transport};
/// use std::cell::RefCell;
/// use std::net::SocketAddr;
/// use std::rc::Rc;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::TcpStream;
///
/// #[derive(Clone)]
/// struct Redis(SocketAddr);
///
/// struct Connection {
///     address: SocketAddr,
///     thread: Rc<Thread>,
///     /// Taken out while a request uses it: one that times out is dropped, and leaves it closed.
///     stream: RefCell<Option<TcpStream>>,
/// }
///
/// impl Transport for Redis {
///     type Lane = Connection;
///
///     fn lane(&self, thread: &Rc<Thread>) -> Connection {
///         Connection { address: self.0, thread: Rc::clone(thread), stream: RefCell::default() }
///     }
///
///     fn descriptors_per_lane(&self) -> u64 {
///         1
///     }
/// }
///
/// impl Lane for Connection {
///     async fn open(&self) -> Result<Opened, Failure> {
///         let begun = self.thread.clock.now();
///         self.stream.replace(Some(connect(self.address).await?));
///         Ok(Opened { connect_ns: self.thread.clock.now() - begun, tls_ns: None, streams: 1 })
///     }
///
///     fn is_open(&self) -> bool {
///         self.stream.borrow().is_some()
///     }
///
///     async fn exchange(&self, _: Call) -> Outcome {
///         let Some(mut stream) = self.stream.take() else {
///             return Outcome::failed(Failure::new(ErrorClass::Target, "the connection is closed"));
///         };
///         let mut reply = [0; 7];
///         let answered = async {
///             stream.write_all(b"PING\r\n").await?;
///             stream.read_exact(&mut reply).await
///         };
///         if let Err(why) = answered.await {
///             return Outcome::failed(Failure::io(ErrorClass::Read, why));
///         }
///         self.stream.replace(Some(stream));
///         let failure = (&reply != b"+PONG\r\n").then(|| Failure::named("no_pong", "another answer"));
///         Outcome { failure, bytes_sent: 6, bytes_received: 7, ..Outcome::default() }
///     }
/// }
///
/// let redis = Redis("127.0.0.1:6379".parse()?);
/// let test = LoadTest::transport(redis).rate(1_000.0).sla("p99<5ms");
/// # drop(test);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub trait Transport: Send + Sync + 'static {
    /// One connection, or whatever carries requests one after another or side by side.
    type Lane: Lane;

    /// A new lane, not opened yet.
    fn lane(&self, thread: &Rc<Thread>) -> Self::Lane;

    /// Is told before all else in which loop it will be used: in open loop arrivals come by time alone,
    /// and lanes carry what comes; in closed loop the lanes are the load.
    fn for_loop(&mut self, _open: bool) {}

    /// How many requests a lane may carry at once, as far as is known before one is open.
    fn streams(&self) -> Streams {
        Streams::One
    }

    /// How many named requests it has, where it has a certain number: a test has to name as many.
    fn requests(&self) -> Option<usize> {
        None
    }

    /// File descriptors that an open lane holds.
    fn descriptors_per_lane(&self) -> u64 {
        0
    }
}

/// What is known before the first lane is open about the number of requests it may carry at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// One after another.
    One,
    /// Side by side, certainly: more requests wait for the lane that is opening.
    Many,
    /// It turns out when a lane is open.
    Unknown,
}

/// One connection on one engine thread. Its methods take `&self`, since a lane may carry several
/// requests at once; it never leaves its thread, so cells are enough. [`Transport`] has an example with a
/// connection; where there is none, a lane is always open:
///
/// ```
/// use loadcore::request::{Failure, Outcome};
/// use loadcore::transport::Opened;
/// use loadcore::{Call, Lane};
///
/// struct Parses;
///
/// impl Lane for Parses {
///     async fn open(&self) -> Result<Opened, Failure> {
///         Ok(Opened { connect_ns: 0, tls_ns: None, streams: 1 })
///     }
///
///     fn is_open(&self) -> bool {
///         true
///     }
///
///     async fn exchange(&self, call: Call) -> Outcome {
///         match call.number.to_string().parse::<f64>() {
///             Ok(_) => Outcome::default(),
///             Err(why) => Outcome::failed(why.into()),
///         }
///     }
/// }
/// ```
///
/// # Contract
/// 1. `open` is called before the first exchange and whenever `is_open` is false.
/// 2. A future that is dropped (a timeout) leaves the lane closed, or open and usable: never in
///    between.
/// 3. `exchange` makes exactly one attempt. Afterwards `is_open` tells whether the lane can carry
///    another request.
/// 4. Where this machine could not begin the attempt (it had no port, no descriptor, no memory left),
///    `open` or `exchange` answers [`Failure::shortage`], and nothing was sent: that is no request. In
///    open loop the arrival goes on waiting, and is dropped as `no_connection` in the end; in closed
///    loop nothing was due. Both try again after a while.
pub trait Lane: 'static {
    /// Connects. The time it takes belongs to the request that needed it.
    fn open(&self) -> impl Future<Output = Result<Opened, Failure>>;

    /// What was agreed when it was opened; `None` where that is not for it to say.
    fn protocol(&self) -> Option<Protocol> {
        None
    }

    /// What an opening that is under way waits for: the class of a request that waits for it in vain,
    /// and words for it.
    fn awaits(&self) -> (ErrorClass, &'static str) {
        (ErrorClass::ConnectTimeout, "connection")
    }

    /// What an exchange that is under way waits for: the class of a request that waits for it in vain,
    /// and words for it.
    fn awaits_in_exchange(&self) -> (ErrorClass, &'static str) {
        WHOLE_REPLY
    }

    /// Whether an exchange can begin without opening.
    fn is_open(&self) -> bool;

    /// The most requests that the other side lets it carry at once: less than [`Opened::streams`] where
    /// it turns out so after the opening. `None`: that is not known yet, and until
    /// [`Thread::lane_changed`] is called only the request that opened the lane uses it.
    fn most_streams(&self) -> Option<usize> {
        Some(usize::MAX)
    }

    /// Sends one request and reads its reply.
    fn exchange(&self, call: Call) -> impl Future<Output = Outcome>;

    /// Takes the bytes written and read that are in no outcome yet, as of an exchange that was dropped
    /// (a timeout). None where nobody counts.
    fn moved(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Told of each measured request that it has carried, in the moment in which it is recorded: for
    /// whoever wants every request's times beside the histograms. Like `exchange` it is on the hot
    /// path, and must not panic.
    #[inline]
    fn recorded(&self, _times: Times) {}

    /// Ready when an idle lane was closed by the other side; the lane is closed then.
    fn poll_closed(&self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// What a lane is told of the request that it is to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The number of its arrival in the one schedule of the run, from 0: no two measured requests of
    /// a run have the same. Those of the warm-up are numbered apart.
    pub number: u64,
    /// Which request of the mix it is, from 0; 0 without a mix.
    pub request: usize,
    /// When it was due, on the run's clock; `None` in closed loop.
    pub intended: Option<Nanos>,
    /// When its attempt began, on the run's clock.
    pub start: Nanos,
}

impl Call {
    /// A call of a request without a mix, for those who use a lane by themselves.
    #[must_use]
    pub fn new(number: u64, intended: Option<Nanos>, start: Nanos) -> Self {
        Self { number, request: 0, intended, start }
    }
}

/// The times of a request as they are recorded, on the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When it was due; `None` in closed loop.
    pub intended: Option<Nanos>,
    /// When its attempt began.
    pub start: Nanos,
    /// When it was over.
    pub end: Nanos,
}

/// What opening a lane took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// From the attempt to the connection, name resolution included.
    pub connect_ns: Nanos,
    /// The TLS handshake after it.
    pub tls_ns: Option<Nanos>,
    /// Requests that it may carry at once.
    pub streams: usize,
}

/// What the lanes of one engine thread share.
#[derive(Debug)]
pub struct Thread {
    /// The run's clock.
    pub clock: Clock,
    /// One read buffer for all: a reply is read into it and parsed in place within one poll, so
    /// no lane needs a buffer of its own.
    pub scratch: RefCell<Box<[u8]>>,
    /// How replies are heard in open loop; `None`: each as it comes.
    pub hearing: Option<Hearing>,
    /// Something has changed: the pacer looks again what it may send.
    pub(crate) replan: Notify,
    /// What a lane may carry has.
    pub(crate) lanes_changed: Cell<bool>,
}

/// How the replies of one engine thread are heard, where some of them carry the kernel's stamp.
///
/// While everybody listens a reply has come when it is read. Between two dispatches the thread may
/// nap instead, and read afterwards what has come meanwhile: then its stamp says when that was. A
/// stamp is that of a reply's last packet in its order, which after a loss is not the last one to
/// come. What was not there when the thread last looked has come since, so that no reply is taken for
/// faster than it was by more than one nap.
#[derive(Debug, Default)]
pub struct Hearing {
    stamps: Stamps,
    /// While it naps: all that had come by then was read. `None`: it listens.
    heard_until: Cell<Option<Nanos>>,
    /// Exchanges that have to be heard as they go on.
    urgent: Cell<usize>,
}

impl Hearing {
    /// When a reply came whose last bytes, read just now, carry `stamp`, in nanoseconds of the wall
    /// clock since 1970. `None`: nobody can tell, and it is to be read at once.
    #[inline]
    pub fn came_at(&self, stamp: Option<Nanos>, clock: &Clock) -> Option<Nanos> {
        match (stamp?, self.heard_until.get()) {
            (_, None) => Some(clock.now()),
            (stamp, Some(heard)) => Some(self.stamps.on_run_clock(stamp, clock)?.max(heard)),
        }
    }

    /// Nobody naps until this is dropped: for an exchange that waits for what the other side does
    /// next, as with a long body, whose sender waits for room.
    pub fn urgent(&self) -> Urgent<'_> {
        self.urgent.set(self.urgent.get() + 1);
        Urgent(self)
    }

    pub(crate) fn is_urgent(&self) -> bool {
        self.urgent.get() > 0
    }

    /// From now on each reply is read as it comes.
    pub(crate) fn listen(&self) {
        self.heard_until.set(None);
    }

    /// All that had come at `moment` has been read, and from now on the thread may nap.
    pub(crate) fn heard(&self, moment: Nanos) {
        self.heard_until.set(Some(moment));
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.heard_until.get().is_none()
    }
}

/// See [`Hearing::urgent`].
#[derive(Debug)]
pub struct Urgent<'a>(&'a Hearing);

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.urgent.set(self.0.urgent.get() - 1);
    }
}

impl Thread {
    /// For a thread that measures with `clock` and hears replies so.
    #[must_use]
    pub fn new(clock: Clock, hearing: Option<Hearing>) -> Rc<Self> {
        let scratch = RefCell::new(vec![0; SCRATCH_BYTES].into());
        let lanes_changed = Cell::new(false);
        Rc::new(Self { clock, scratch, hearing, replan: Notify::new(), lanes_changed })
    }

    /// For a lane to say that what [`Lane::most_streams`] answers has changed, or that it has closed
    /// before that was known.
    pub fn lane_changed(&self) {
        self.lanes_changed.set(true);
        self.replan.notify_one();
    }
}

mod closure;
mod tcp;

pub use closure::{FnLane, FnTransport, Session, SessionLane};
pub use tcp::connect;
pub(crate) use tcp::{is_shortage, refused_class};

#[cfg(feature = "tower")]
pub use tower::ServiceTransport;

#[cfg(feature = "tower")]
mod tower {
    //! A `tower::Service` into a transport: an axum `Router` is loaded without a socket.

    use super::closure::outcome_of;
    use super::{Call, Lane, Opened, Outcome, Rc, RefCell, Thread, Transport};
    use crate::request::{Checks, ErrorClass, Failure, Inspection};
    use bytes::Buf;
    use http_body::Body;
    use std::fmt::Display;
    use std::future::poll_fn;
    use std::pin::pin;
    use tower_service::Service;

    /// Puts load on a service that answers as HTTP does. Each request is made anew by `make` and goes
    /// to a clone of the service; the reply's body is read to its end.
    #[derive(Debug, Clone)]
    pub struct ServiceTransport<S, M> {
        service: S,
        make: M,
        checks: Checks,
    }

    impl<S, M> ServiceTransport<S, M> {
        /// Loads clones of `service` with the requests that `make` makes of their calls.
        pub fn new(service: S, make: M) -> Self {
            Self { service, make, checks: Checks::default() }
        }

        /// Fails each reply that fails one of `checks`, as class `check`.
        #[must_use]
        pub fn checks(self, checks: Checks) -> Self {
            Self { checks, ..self }
        }
    }

    impl<S, M, Req, B> Transport for ServiceTransport<S, M>
    where
        S: Service<Req, Response = http::Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Display,
        M: Fn(Call) -> Req + Clone + Send + Sync + 'static,
        Req: 'static,
        B: Body + 'static,
        B::Error: Display,
    {
        type Lane = ServiceLane<S, M>;

        fn lane(&self, thread: &Rc<Thread>) -> Self::Lane {
            let thread = Rc::clone(thread);
            let Self { service, make, checks } = self.clone();
            ServiceLane { service, make, thread, checks, inspection: RefCell::default() }
        }
    }

    /// A lane of a [`ServiceTransport`].
    #[derive(Debug)]
    pub struct ServiceLane<S, M> {
        service: S,
        make: M,
        thread: Rc<Thread>,
        checks: Checks,
        /// Of the last reply, for the next one.
        inspection: RefCell<Inspection>,
    }

    impl<S, M, Req, B> Lane for ServiceLane<S, M>
    where
        S: Service<Req, Response = http::Response<B>> + Clone + 'static,
        S::Error: Display,
        M: Fn(Call) -> Req + 'static,
        Req: 'static,
        B: Body + 'static,
        B::Error: Display,
    {
        async fn open(&self) -> Result<Opened, Failure> {
            Ok(Opened { connect_ns: 0, tls_ns: None, streams: 1 })
        }

        fn is_open(&self) -> bool {
            true
        }

        async fn exchange(&self, call: Call) -> Outcome {
            let failed = |error: S::Error| Failure::text(ErrorClass::Target, error);
            // A clone that is ready may hold a place in the service until it is called: an idle lane
            // must have none.
            let mut service = self.service.clone();
            if let Err(error) = poll_fn(|cx| service.poll_ready(cx)).await {
                return outcome_of(Err(failed(error)));
            }
            let reply = match service.call((self.make)(call)).await {
                Ok(reply) => reply,
                Err(error) => return outcome_of(Err(failed(error))),
            };
            let first_byte_at = Some(self.thread.clock.now());
            let mut outcome = outcome_of(Ok(reply.status().as_u16()));
            let mut watched = self.checks.some().map(|checks| {
                let mut inspection = self.inspection.take();
                inspection.begin(checks);
                let headers = reply.headers();
                let fields = || headers.iter().map(|(name, it)| (name.as_str(), it.as_bytes()));
                inspection.head(checks, reply.status().as_u16(), fields);
                (checks, inspection)
            });
            let (received, failure) = read(reply.into_body(), watched.as_mut()).await;
            outcome.failure = failure;
            if let Some((checks, mut inspection)) = watched {
                outcome.failure = outcome.failure.or_else(|| inspection.end(checks));
                self.inspection.replace(inspection);
            }
            Outcome { first_byte_at, bytes_received: received, ..outcome }
        }
    }

    /// Reads a body to its end: how many bytes it had, and what went wrong.
    async fn read<B: Body>(
        body: B,
        mut watched: Option<&mut (&Checks, Inspection)>,
    ) -> (u64, Option<Failure>)
    where
        B::Error: Display,
    {
        let mut body = pin!(body);
        let mut received = 0;
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            match frame {
                Ok(frame) => {
                    let Ok(mut data) = frame.into_data() else { continue };
                    received += data.remaining() as u64;
                    let Some((checks, inspection)) = &mut watched else { continue };
                    while data.has_remaining() {
                        let piece = data.chunk();
                        let length = piece.len();
                        inspection.body(checks, piece);
                        data.advance(length);
                    }
                }
                Err(error) => return (received, Some(Failure::text(ErrorClass::Body, error))),
            }
        }
        (received, None)
    }
}
