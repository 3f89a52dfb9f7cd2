//! An origin into an open connection: resolve, check the policy, dial, proxy, TLS.

use super::plan::Plan;
use super::resolve::Resolver;
use super::stamped::StampedTcp;
use super::tls;
use crate::request::{ErrorClass, Failure, HttpVersion, Origin};
use crate::time::Nanos;
use crate::transport::Thread;
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

/// Most bytes of a proxy's reply to CONNECT.
const MAX_PROXY_REPLY: usize = 16 * 1024;

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

/// A connection that was just made.
#[derive(Debug)]
pub struct Connected {
    /// To read and write.
    pub stream: Stream,
    /// Name resolution, TCP and a proxy's handshake.
    pub connect_ns: Nanos,
    /// The TLS handshake.
    pub tls_ns: Option<Nanos>,
    /// HTTP/2 is to be spoken.
    pub http2: bool,
}

/// Connects to `origin` as the plan says.
///
/// # Errors
/// `dns`, `blocked_by_policy`, `connect_refused`, `connect_timeout`, `tls`, `internal`.
pub async fn connect(
    plan: &Plan,
    resolver: &Resolver,
    thread: &Thread,
    origin: &Origin,
) -> Result<Connected, Failure> {
    let clock = thread.clock;
    let begin = clock.now();
    let mut socket = dial(plan, resolver, origin).await?;
    if thread.hearing.is_some() && plan.options.keep_alive {
        socket = socket.stamping();
    }
    let dialled = clock.now();
    let connect_ns = dialled - begin;
    if !origin.tls {
        let http2 = plan.options.version == HttpVersion::Http2;
        return Ok(Connected { stream: Stream::Plain(socket), connect_ns, tls_ns: None, http2 });
    }
    let stream = handshake(plan, origin, socket).await?;
    let negotiated = stream.get_ref().1.alpn_protocol();
    let http2 = match plan.options.version {
        HttpVersion::Http1 => false,
        HttpVersion::Auto => negotiated == Some(b"h2"),
        HttpVersion::Http2 if negotiated == Some(b"h2") => true,
        HttpVersion::Http2 => {
            return Err(Failure::new(
                ErrorClass::Tls,
                "the server does not offer HTTP/2 (ALPN h2)",
            ));
        }
    };
    let tls_ns = Some(clock.now() - dialled);
    Ok(Connected { stream: Stream::Tls(Box::new(stream)), connect_ns, tls_ns, http2 })
}

async fn handshake(
    plan: &Plan,
    origin: &Origin,
    socket: Socket,
) -> Result<TlsStream<Socket>, Failure> {
    let name = rustls::pki_types::ServerName::try_from(origin.host.clone())
        .map_err(|error| Failure::text(ErrorClass::Tls, error))?;
    let Some(config) = &plan.tls else {
        return Err(Failure::new(ErrorClass::Internal, "tls was not prepared"));
    };
    TlsConnector::from(Arc::clone(config))
        .connect(name, socket)
        .await
        .map_err(|error| tls::handshake_failure(&error))
}

async fn dial(plan: &Plan, resolver: &Resolver, origin: &Origin) -> Result<Socket, Failure> {
    if let Some(path) = &plan.options.unix_socket {
        let stream = UnixStream::connect(path).await.map_err(refused)?;
        return Ok(Socket::Unix(stream));
    }
    let (host, port) = plan.options.dialled(origin);
    let Some(proxy) = &plan.options.proxy else {
        return dial_tcp(plan, resolver, host, port).await.map(Socket::Tcp);
    };
    // A proxy dials for us; what can be judged here is an address that is named outright.
    if let Ok(address) = host.parse() {
        plan.options.policy.check(address)?;
    }
    let via = Origin::of(proxy).map_err(|why| Failure::text(ErrorClass::Internal, why))?;
    let stream = dial_tcp(plan, resolver, &via.host, via.port).await?;
    if plan.options.tunnels(origin) {
        tunnel(stream, host, port).await
    } else {
        Ok(Socket::Tcp(stream))
    }
}

/// Dials the addresses of `host`, beginning with the one whose turn it is, until one answers.
async fn dial_tcp(
    plan: &Plan,
    resolver: &Resolver,
    host: &str,
    port: u16,
) -> Result<TcpStream, Failure> {
    let addresses = resolver.addresses(host).await?;
    first_to_answer(addresses.in_turn(port), async |address| {
        plan.options.policy.check(address.ip())?;
        dial_address(address).await
    })
    .await
}

/// What the first address that answers gives, else the failure of the first.
async fn first_to_answer<T>(
    addresses: impl Iterator<Item = SocketAddr>,
    dial: impl AsyncFn(SocketAddr) -> Result<T, Failure>,
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
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or(Failure::new(ErrorClass::Dns, "the name has no address")))
}

async fn dial_address(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address).await.map_err(|error| {
        let class = refused_class(&error);
        Failure::text(class, format_args!("connect to {address}: {error}"))
    })?;
    stream.set_nodelay(true).map_err(|error| Failure::io(ErrorClass::Internal, error))?;
    Ok(stream)
}

fn refused(error: io::Error) -> Failure {
    Failure::io(refused_class(&error), error)
}

fn refused_class(error: &io::Error) -> ErrorClass {
    use rustix::io::Errno;
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    match number {
        // What this machine has run out of is not the target's refusal.
        Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM) => {
            ErrorClass::Internal
        }
        _ if error.kind() == io::ErrorKind::TimedOut => ErrorClass::ConnectTimeout,
        _ => ErrorClass::ConnectRefused,
    }
}

/// Asks a proxy for a tunnel (RFC 9110 section 9.3.6).
async fn tunnel(stream: TcpStream, host: &str, port: u16) -> Result<Socket, Failure> {
    let host =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let ask = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let failed = |error| Failure::io(ErrorClass::ConnectRefused, error);
    let mut left = ask.as_bytes();
    while !left.is_empty() {
        stream.writable().await.map_err(failed)?;
        match stream.try_write(left) {
            Ok(written) => left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(failed(error)),
        }
    }
    // Byte by byte: what follows the head belongs to TLS. A handful of bytes, once a connection.
    let mut reply = Vec::new();
    while !reply.ends_with(b"\r\n\r\n") {
        stream.readable().await.map_err(failed)?;
        let mut byte = [0];
        match stream.try_read(&mut byte) {
            Ok(0) => {
                return Err(Failure::new(
                    ErrorClass::ConnectRefused,
                    "the proxy closed the connection",
                ));
            }
            Ok(_) => reply.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(failed(error)),
        }
        if reply.len() > MAX_PROXY_REPLY {
            return Err(Failure::new(ErrorClass::Protocol, "the proxy's reply has no end"));
        }
    }
    let line = reply.split(|&b| b == b'\r').next().unwrap_or_default();
    if line.starts_with(b"HTTP/1.") && line.get(9) == Some(&b'2') {
        return Ok(Socket::Tcp(stream));
    }
    let answer = line.escape_ascii();
    Err(Failure::text(
        ErrorClass::ConnectRefused,
        format_args!("the proxy refused the tunnel to {host}: {answer}"),
    ))
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
