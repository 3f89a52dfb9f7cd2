//! Turns an origin into an open connection: resolve, check the policy, dial, proxy, TLS.

use super::plan::HttpPlan;
use super::policy::TargetPolicy;
use super::resolve::{Addresses, Resolver};
use super::stamped::StampedTcp;
use super::tls;
use crate::request::{ErrorClass, Failure, Http, HttpVersion, Origin, Protocol, Tls};
use crate::time::Nanos;
use crate::transport::{self, Thread, is_shortage, refused_class};
use rustls::ClientConfig;
use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long an address is waited for while its name has others. An opening packet that was lost is
/// sent again after 1 s (RFC 6298 section 2): what has not answered by then is taken for dead, so
/// that it does not use up the whole of a request's timeout. The last address has all that is left.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(1);

/// TCP or a Unix socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpStream),
    /// The same, and the kernel says when what is read has come.
    Stamped(StampedTcp),
    /// A Unix socket.
    Unix(UnixStream),
}

/// A socket, with TLS where the origin asks for it.
#[derive(Debug)]
pub enum Stream {
    /// Bytes as they are.
    Plain(Socket),
    /// Encrypted.
    Tls(Box<TlsStream<Socket>>),
}

/// What the making of a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// The addresses of a name.
    Name,
    /// Somebody who takes the connection.
    #[default]
    Dial,
    /// A proxy's answer.
    Proxy,
    /// The TLS handshake.
    Tls,
}

impl Stage {
    /// Where a request has failed that waited for it in vain, and for what.
    pub fn in_vain(self) -> (ErrorClass, &'static str) {
        match self {
            Self::Name => (ErrorClass::Dns, "answer to the look-up of the name"),
            Self::Dial => (ErrorClass::ConnectTimeout, "connection"),
            Self::Proxy => (ErrorClass::ConnectTimeout, "answer of the proxy to CONNECT"),
            Self::Tls => (ErrorClass::Tls, "end of the TLS handshake"),
        }
    }
}

/// A connection that was just made.
#[derive(Debug)]
pub struct Connected {
    /// To read and write.
    pub stream: Stream,
    /// Name resolution, TCP and a proxy's handshake.
    pub connect_ns: Nanos,
    /// The TLS handshake.
    pub tls_ns: Option<Nanos>,
    /// What was agreed on.
    pub protocol: Protocol,
}

/// Connects to `origin` as the plan says, and tells in `stage` how far it has come.
///
/// # Errors
/// `dns`, `blocked_by_policy`, `connect_refused`, `connect_timeout`, `tls`, `internal`, a shortage.
pub async fn connect(
    (plan, resolver): (&HttpPlan, &Resolver),
    thread: &Thread,
    origin: &Origin,
    stage: &Cell<Stage>,
) -> Result<Connected, Failure> {
    let clock = thread.clock;
    let begin = clock.now();
    let mut socket = dial(plan, resolver, origin, stage).await?;
    if thread.hearing.is_some() && plan.options.keep_alive {
        socket = socket.stamping();
    }
    let dialled = clock.now();
    let connect_ns = dialled - begin;
    let version = |http2| if http2 { Http::Two } else { Http::One };
    if !origin.tls {
        let http = version(plan.options.version == HttpVersion::Http2);
        let protocol = Protocol { http, tls: Tls::Plain };
        return Ok(Connected { stream: Stream::Plain(socket), connect_ns, tls_ns: None, protocol });
    }
    stage.set(Stage::Tls);
    let Some(config) = &plan.tls else {
        return Err(Failure::new(ErrorClass::Internal, "tls was not prepared"));
    };
    let stream = handshake(config, &origin.host, socket).await?;
    let agreed = stream.get_ref().1;
    let is_h2 = agreed.alpn_protocol() == Some(b"h2");
    let tls = match agreed.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => Tls::V12,
        _ => Tls::V13,
    };
    let http = match plan.options.version {
        HttpVersion::Http1 => Http::One,
        HttpVersion::Auto => version(is_h2),
        HttpVersion::Http2 if is_h2 => Http::Two,
        HttpVersion::Http2 => {
            return Err(Failure::new(
                ErrorClass::Tls,
                "the server does not offer HTTP/2 (ALPN h2)",
            ));
        }
    };
    let (tls_ns, protocol) = (Some(clock.now() - dialled), Protocol { http, tls });
    Ok(Connected { stream: Stream::Tls(Box::new(stream)), connect_ns, tls_ns, protocol })
}

/// TLS over `socket`, with whoever is `host`.
///
/// # Errors
/// `tls`.
pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    config: &Arc<ClientConfig>,
    host: &str,
    socket: S,
) -> Result<TlsStream<S>, Failure> {
    let name = rustls::pki_types::ServerName::try_from(host.to_owned())
        .map_err(|error| Failure::text(ErrorClass::Tls, error))?;
    TlsConnector::from(Arc::clone(config))
        .connect(name, socket)
        .await
        .map_err(|error| tls::handshake_failure(&error))
}

async fn dial(
    plan: &HttpPlan,
    resolver: &Resolver,
    origin: &Origin,
    stage: &Cell<Stage>,
) -> Result<Socket, Failure> {
    stage.set(Stage::Dial);
    if let Some(path) = &plan.options.unix_socket {
        let stream = UnixStream::connect(path).await.map_err(refused)?;
        return Ok(Socket::Unix(stream));
    }
    let (host, port) = plan.options.dialled(origin);
    plan.options.policy.check_host(&origin.host, origin.port)?;
    let Some(proxy) = &plan.proxy else {
        return dial_tcp((plan, resolver), (host, port), stage).await.map(Socket::Tcp);
    };
    judge_behind_proxy(plan, (host, port)).await?;
    let asked = (proxy.origin.host.as_str(), proxy.origin.port);
    let stream = dial_tcp((plan, resolver), asked, stage).await?;
    if plan.options.tunnels(origin) {
        stage.set(Stage::Proxy);
        proxy.tunnel(stream, host, port).await.map(Socket::Tcp)
    } else {
        Ok(Socket::Tcp(stream))
    }
}

/// Whether the policy lets a proxy be asked for this host. It dials for us: what can be judged is its
/// name, an address that is named outright and, where it is asked for, what the name means here.
///
/// # Errors
/// `blocked_by_policy`, `dns`, a shortage.
pub(super) async fn judge_behind_proxy(
    plan: &HttpPlan,
    (host, port): (&str, u16),
) -> Result<(), Failure> {
    let policy = &plan.options.policy;
    policy.check_host(host, port)?;
    if let Ok(address) = host.parse() {
        return policy.check(host, SocketAddr::new(address, port));
    }
    let Some(names) = &plan.judged else { return Ok(()) };
    // Which of them the proxy takes nobody knows.
    let addresses = names.addresses(host).await?;
    let mut all = addresses.all().iter();
    all.try_for_each(|address| policy.check(host, SocketAddr::new(*address, port)))
}

/// Whether the policy refuses every address of this host. A name that does not resolve is not refused.
///
/// # Errors
/// `blocked_by_policy`.
pub(super) async fn check_host(
    policy: &TargetPolicy,
    resolver: &Resolver,
    (host, port): (&str, u16),
) -> Result<(), Failure> {
    policy.check_host(host, port)?;
    let Ok(addresses) = resolver.addresses(host).await else { return Ok(()) };
    let mut refused = Ok(());
    for address in addresses.all() {
        match policy.check(host, SocketAddr::new(*address, port)) {
            Ok(()) => return Ok(()),
            Err(failure) => refused = Err(failure),
        }
    }
    refused
}

/// Looks `host` up and dials it.
async fn dial_tcp(
    (plan, resolver): (&HttpPlan, &Resolver),
    (host, port): (&str, u16),
    stage: &Cell<Stage>,
) -> Result<TcpStream, Failure> {
    stage.set(Stage::Name);
    let addresses = resolver.addresses(host).await?;
    stage.set(Stage::Dial);
    dial_one(&plan.options.policy, &addresses, (host, port)).await
}

/// Dials the addresses of a host, beginning with the one whose turn it is, until one answers. None is
/// dialled that `policy` refuses: what is judged and what is dialled is one address, whatever the name
/// means by now.
///
/// # Errors
/// `blocked_by_policy`, `connect_refused`, `connect_timeout`, a shortage.
pub(super) async fn dial_one(
    policy: &TargetPolicy,
    addresses: &Addresses,
    (host, port): (&str, u16),
) -> Result<TcpStream, Failure> {
    first_to_answer(addresses.in_turn(port), |address| async move {
        policy.check(host, address)?;
        transport::connect(address).await
    })
    .await
}

/// What the first address that answers gives, else the failure of the first; but a shortage of this
/// machine, where there was one: with another port or descriptor that address might have answered.
async fn first_to_answer<T, D: Future<Output = Result<T, Failure>>>(
    addresses: impl Iterator<Item = SocketAddr>,
    dial: impl Fn(SocketAddr) -> D,
) -> Result<T, Failure> {
    let mut addresses = addresses.peekable();
    let mut failure = None;
    while let Some(address) = addresses.next() {
        let attempt = match addresses.peek() {
            Some(_) => timeout(LONGEST_ATTEMPT, dial(address)).await.unwrap_or_else(|_| {
                let limit = LONGEST_ATTEMPT.as_secs();
                let why = format_args!("connect to {address}: no answer within {limit} s");
                Err(Failure::text(ErrorClass::ConnectTimeout, why))
            }),
            None => dial(address).await,
        };
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(error) if failure.is_none() || error.is_shortage() => failure = Some(error),
            Err(_) => {}
        }
    }
    Err(failure.unwrap_or(Failure::new(ErrorClass::Dns, "the name has no address")))
}

fn refused(error: io::Error) -> Failure {
    match is_shortage(&error) {
        true => Failure::shortage(error),
        false => Failure::io(refused_class(&error), error),
    }
}

impl Socket {
    /// The kernel is asked to say when what is read has come, where it can.
    fn stamping(self) -> Self {
        match self {
            Self::Tcp(stream) => StampedTcp::new(stream).map_or_else(Self::Tcp, Self::Stamped),
            other => other,
        }
    }

    /// When the bytes that were read last came, in nanoseconds of the wall clock since 1970.
    #[inline]
    fn stamp(&self) -> Option<Nanos> {
        match self {
            Self::Stamped(stream) => stream.stamp(),
            Self::Tcp(_) | Self::Unix(_) => None,
        }
    }
}

impl Stream {
    /// When the bytes that were read last came, in nanoseconds of the wall clock since 1970; `None`:
    /// the kernel does not say.
    #[inline]
    pub fn stamp(&self) -> Option<Nanos> {
        match self {
            Self::Plain(socket) => socket.stamp(),
            Self::Tls(stream) => stream.get_ref().0.stamp(),
        }
    }

    /// Without stamps from now on: under multiplexing one read may hold several replies, and its
    /// stamp is that of the last.
    pub fn stop_stamping(&mut self) {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_mut().0,
        };
        if let Socket::Stamped(stream) = socket {
            stream.stop();
        }
    }
}

impl AsyncRead for Socket {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Stamped(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Stamped(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Self::Stamped(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // sockets have nothing to flush
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Stamped(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Stream {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, pieces),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HttpOptions, TargetList};
    use tokio::net::TcpListener;

    /// What comes of two connections to a name that means something else each time it is asked for.
    async fn dialled_twice(
        policy: TargetPolicy,
        answers: &[&[&str]],
        port: u16,
    ) -> [Result<SocketAddr, Failure>; 2] {
        let uri = format!("http://a.test:{port}/").parse().unwrap();
        let plan = HttpPlan::new(HttpOptions { policy, ..HttpOptions::get(uri) }).unwrap();
        let (names, stage) = (Resolver::changing(answers), Cell::new(Stage::default()));
        let dial = async || match dial(&plan, &names, &plan.origins[0], &stage).await? {
            Socket::Tcp(stream) => Ok(stream.peer_addr().unwrap()),
            _ => panic!("no socket of TCP"),
        };
        [dial().await, dial().await]
    }

    #[tokio::test]
    async fn a_name_that_changes_its_address_opens_no_connection_elsewhere() {
        // Takes what comes to any address of this machine: nothing may.
        let forbidden = TcpListener::bind("[::]:0").await.unwrap();
        let port = forbidden.local_addr().unwrap().port();
        let public = TargetPolicy::public_only;
        for (policy, answers) in [
            (public(), &[&["127.0.0.1"][..], &["::1"]][..]),
            (public(), &[&["::ffff:127.0.0.1"], &["10.0.0.1", "127.0.0.1"]]),
            (public(), &[&["0.0.0.0"], &["::"]]),
            (public(), &[&["fe80::1", "::1", "127.0.0.1"], &["169.254.169.254", "127.0.0.2"]]),
            (TargetPolicy::default(), &[&["0.0.0.0"], &["::", "169.254.169.254"]]),
            (TargetPolicy::default().denying(&"a.test".parse().unwrap()), &[&["127.0.0.1"]]),
        ] {
            for dialled in dialled_twice(policy, answers, port).await {
                assert_eq!(dialled.unwrap_err().class, ErrorClass::BlockedByPolicy, "{answers:?}");
            }
        }
        let none = timeout(Duration::from_millis(50), forbidden.accept()).await;
        assert!(none.is_err(), "somebody was connected");
    }

    #[tokio::test]
    async fn a_name_is_judged_at_each_connection_and_an_allowed_address_beside_others_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let list: TargetList = format!("127.0.0.1:{}", here.port()).parse().unwrap();
        let only = || TargetPolicy::only(list.clone());
        let answers: &[&[&str]] = &[&["::1", "127.0.0.1", "127.0.0.2"], &["127.0.0.2"]];
        let [first, again] = dialled_twice(only(), answers, here.port()).await;
        assert_eq!(first.unwrap(), here);
        assert_eq!(again.unwrap_err().class, ErrorClass::BlockedByPolicy);
        // What was looked up before a run says nothing of what is dialled in it.
        let names = Resolver::changing(&[&["127.0.0.1"], &["127.0.0.2"]]);
        check_host(&only(), &names, ("a.test", here.port())).await.unwrap();
        let addresses = names.addresses("a.test").await.unwrap();
        let dialled = dial_one(&only(), &addresses, ("a.test", here.port())).await;
        assert_eq!(dialled.unwrap_err().class, ErrorClass::BlockedByPolicy);
    }

    fn address(number: u8) -> SocketAddr {
        ([10, 0, 0, number], 80).into()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_never_answers_leaves_time_for_the_others() {
        let dial = async |at: SocketAddr| {
            if at != address(3) {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(3 * LONGEST_ATTEMPT).await; // the last one may take longer
            Ok(())
        };
        let dialled = first_to_answer([1, 2, 3].map(address).into_iter(), dial);
        timeout(6 * LONGEST_ATTEMPT, dialled).await.expect("in time").unwrap();
    }

    /// Of `localhost` one address may refuse, and for the other there is no port.
    #[tokio::test]
    async fn a_shortage_is_told_before_what_another_address_said() {
        for short in [1, 2] {
            let dial = async |at: SocketAddr| -> Result<(), Failure> {
                Err(match at == address(short) {
                    true => Failure::shortage("no port is left"),
                    false => Failure::new(ErrorClass::ConnectRefused, "refused"),
                })
            };
            let dialled = first_to_answer([1, 2].map(address).into_iter(), dial).await;
            assert!(dialled.unwrap_err().is_shortage(), "address {short}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_none_answers_the_first_failure_is_told() {
        let dial = async |at: SocketAddr| -> Result<(), Failure> {
            if at == address(1) {
                std::future::pending().await
            }
            Err(Failure::new(ErrorClass::ConnectRefused, "refused"))
        };
        let failure = first_to_answer([1, 2].map(address).into_iter(), dial).await.unwrap_err();
        assert_eq!(failure.class, ErrorClass::ConnectTimeout);
        assert_eq!(failure.to_string(), "connect to 10.0.0.1:80: no answer within 1 s");
    }
}
