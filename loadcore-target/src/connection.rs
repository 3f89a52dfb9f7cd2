//! Turns an accepted socket into a served connection: TLS or not, HTTP/1 or HTTP/2.
//!
//! One port answers everything it is allowed to: the first byte tells TLS from plain text, the first
//! four bytes tell HTTP/2 from HTTP/1, and within TLS the client says by ALPN what it speaks.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use crate::config::{HttpVersions, Tls};
use crate::server::Worker;
use crate::time::nanos;
use crate::timer::Sleep;
use crate::{http1, http2};

/// What every client of HTTP/2 begins with. Four bytes of it are enough: no method of HTTP/1 is `PRI`.
const PREFACE: &[u8] = b"PRI ";

/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// The bytes that a connection reads at once.
pub(crate) const READ_BYTES: usize = 16 << 10;

/// A stream that can break off.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Lets the end of this stream be a reset in the place of an orderly close.
    ///
    /// Unix sockets know no reset: there it is a close.
    fn reset_on_close(&self);
}

/// A connection as it was accepted.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream for Socket {
    fn reset_on_close(&self) {
        if let Self::Tcp(stream) = self {
            // Where the connection is gone already there is nothing to reset.
            let _ = stream.set_zero_linger();
        }
    }
}

impl Stream for TlsStream<Rewound<Socket>> {
    fn reset_on_close(&self) {
        self.get_ref().0.stream.reset_on_close();
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve(mut socket: Socket, worker: Arc<Worker>) {
    let mut count = OpenConnection::new(Arc::clone(&worker));
    let config = &worker.shared.config;
    if !config.accept_delay.is_zero() {
        let until = worker.clock.now() + nanos(config.accept_delay);
        Sleep::new(&worker.timer).until(until).await;
    }
    let mut first = Vec::new();
    let is_tls = match config.tls {
        Tls::Off => false,
        Tls::On => true,
        Tls::Also => {
            first = vec![0; READ_BYTES];
            let Ok(length) = socket.read(&mut first).await else { return };
            first.truncate(length);
            first.first() == Some(&TLS_HANDSHAKE)
        }
    };
    match worker.shared.tls.as_ref().filter(|_| is_tls) {
        None => serve_http(socket, first, None, worker, &mut count).await,
        Some(acceptor) => match acceptor.accept(Rewound::new(socket, first)).await {
            Ok(stream) => {
                let is_h2 = stream.get_ref().1.alpn_protocol().map(|name| name == b"h2");
                serve_http(stream, Vec::new(), is_h2, worker, &mut count).await;
            }
            Err(_) => worker.shared.counts.tls_failed(),
        },
    }
}

/// Serves HTTP; `first` was read already, and `is_h2` is what the client has agreed to, if it did.
async fn serve_http<S: Stream>(
    mut stream: S,
    mut first: Vec<u8>,
    is_h2: Option<bool>,
    worker: Arc<Worker>,
    count: &mut OpenConnection,
) {
    let is_h2 = match (is_h2, worker.shared.config.http) {
        (Some(is_h2), _) => is_h2,
        (None, HttpVersions::Http1) => false,
        (None, HttpVersions::Http2) => true,
        (None, HttpVersions::Both) => {
            first.reserve(READ_BYTES);
            while first.len() < PREFACE.len() && PREFACE.starts_with(&first) {
                match stream.read_buf(&mut first).await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
            first.starts_with(PREFACE)
        }
    };
    if is_h2 {
        http2::serve(Rewound::new(stream, first), worker, count).await;
    } else {
        http1::serve(stream, first, &worker, count).await;
    }
}

/// Counts a connection as open for as long as it lives.
pub(crate) struct OpenConnection {
    worker: Arc<Worker>,
    /// Whether a first request has come that is about the load.
    is_load: bool,
    is_control: bool,
}

impl OpenConnection {
    fn new(worker: Arc<Worker>) -> Self {
        Self { worker, is_load: false, is_control: false }
    }

    /// A request has come. The first one decides whether the connection is counted.
    #[inline]
    pub(crate) fn request(&mut self, is_control: bool) {
        if self.is_load || self.is_control {
            return;
        }
        self.is_load = !is_control;
        self.is_control = is_control;
        if is_control {
            self.worker.shared.counts.connection_is_control();
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if !self.is_control {
            self.worker.shared.counts.connection_closed();
        }
        self.worker.shared.room.notify_one();
    }
}

/// A stream whose first bytes were read already.
#[derive(Debug)]
pub(crate) struct Rewound<S> {
    first: Vec<u8>,
    taken: usize,
    stream: S,
}

impl<S> Rewound<S> {
    fn new(stream: S, first: Vec<u8>) -> Self {
        Self { first, taken: 0, stream }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = &self.first[self.taken..];
        if left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let n = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..n]);
        self.taken += n;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl AsyncRead for Socket {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    /// Sockets hold nothing back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
