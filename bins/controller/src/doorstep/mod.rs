//! Turns connections into requests for the router, each within bounds.
//!
//! A connection takes a seat ([`seats`]), makes TLS where there is a certificate ([`certificate`]), and
//! is guarded from then on: what HTTP itself refuses is told as a problem, each wait has an end
//! (`guarded`), and a head that hyper would read, and that means two things, is refused (`heads`).

pub mod certificate;
#[cfg(test)]
mod fuzz;
mod guarded;
mod heads;
pub mod seats;

use crate::problem::{Kind, Problem};
use crate::secure;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::serve::Listener;
use guarded::{FAREWELL, Guarded};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use seats::{Bounds, Seat, Seats};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_service::Service;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection may last before it is told to end: what a client of HTTP/2 holds up without
/// ever reading it ends then.
const AGE: Duration = Duration::from_secs(600);
/// How long one that was told to end may take for it: longer than a handler and a slow reader may.
const GRACE: Duration = Duration::from_secs(60);
/// What is kept of a head that is not whole, and of an answer that waits for its reader.
const BUFFER_BYTES: usize = 128 << 10;
/// Requests that a connection of HTTP/2 carries at once.
const STREAMS: u32 = 64;
/// All fields of a request over HTTP/2.
const FIELD_BYTES: u32 = 64 << 10;
/// Requests of HTTP/2 that a client takes back before anybody has looked at them.
const TAKEN_BACK: usize = 20;
/// Requests of HTTP/2 that were refused for what is wrong with them.
const REFUSED: usize = 128;
/// How often a client of HTTP/2 is asked whether it is there, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// A server of the API, over HTTP/1.1 and HTTP/2.
pub struct Doorstep {
    listener: TcpListener,
    bounds: Bounds,
    tls: Option<TlsAcceptor>,
}

impl Doorstep {
    /// One that speaks HTTP without TLS.
    #[must_use]
    pub fn new(listener: TcpListener, bounds: Bounds) -> Self {
        Self { listener, bounds, tls: None }
    }

    /// The same over TLS alone, if there is some.
    #[must_use]
    pub fn over(self, tls: Option<TlsAcceptor>) -> Self {
        Self { tls, ..self }
    }

    /// Serves until `ending` becomes true, and then until what is under way has ended.
    pub async fn serve(mut self, router: Router, ending: watch::Receiver<bool>) {
        let seats = Arc::new(Seats::new(self.bounds));
        let house =
            Arc::new(House { router, ending: ending.clone(), builder: builder(), tls: self.tls });
        // Nothing is ever sent: its end says that every connection has ended.
        let (guest, mut guests) = mpsc::channel::<()>(1);
        let mut end = pin!(ended(ending));
        loop {
            let (stream, from) = tokio::select! {
                accepted = Listener::accept(&mut self.listener) => accepted,
                () = &mut end => break,
            };
            match seats.take(from.ip()) {
                Some(seat) => {
                    let (house, guest) = (Arc::clone(&house), guest.clone());
                    tokio::spawn(async move {
                        house.receive(stream, seat).await;
                        drop(guest);
                    });
                }
                None if house.tls.is_none() => turn_away(&stream),
                None => {}
            }
        }
        drop((self.listener, guest));
        guests.recv().await;
    }
}

/// What HTTP may take, beyond the deadlines of `guarded`.
fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING.0)
        .keep_alive_timeout(PING.1)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(FIELD_BYTES)
        .max_send_buf_size(BUFFER_BYTES)
        .max_pending_accept_reset_streams(TAKEN_BACK)
        .max_local_error_reset_streams(REFUSED);
    builder
}

async fn ended(mut ending: watch::Receiver<bool>) {
    // A sender that is gone is an end too.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// Says that every seat is taken by somebody who is served. Whoever does not hear it sees the end.
fn turn_away(stream: &TcpStream) {
    let problem = Problem::new(Kind::NotReady, "too many connections are open; try again");
    let lines = ["connection: close", "retry-after: 2"].into_iter();
    let text = guarded::answer("HTTP/1.1 503 Service Unavailable", lines, &problem, false);
    let _ = stream.try_write(&text);
}

/// What all connections share.
struct House {
    router: Router,
    ending: watch::Receiver<bool>,
    builder: Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
}

impl House {
    /// Serves a connection to its end, or until its seat is another's.
    async fn receive(&self, stream: TcpStream, seat: Seat) {
        let left = seat.left();
        let served = async {
            match &self.tls {
                None => self.exchange(stream, seat, false).await,
                Some(tls) => {
                    let made = tokio::select! {
                        made = timeout(HANDSHAKE, secured(tls, stream)) => made,
                        () = ended(self.ending.clone()) => return,
                    };
                    // Who makes no TLS here gets no word, or has got one.
                    if let Ok(Ok(stream)) = made {
                        self.exchange(stream, seat, true).await;
                    }
                }
            }
        };
        tokio::select! {
            () = served => {}
            () = left => {}
        }
    }

    async fn exchange<S>(&self, stream: S, seat: Seat, tls: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let caller = seat.caller();
        let service = service_fn(|request: Request<Incoming>| {
            let call = caller.asks(&request);
            let mut router = self.router.clone();
            async move {
                let request = request.map(|body| Body::new(call.hears(body)));
                let mut response = router.call(request).await?;
                if tls {
                    secure::only_by_tls(response.headers_mut());
                }
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    call.goes_on();
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let stream = TokioIo::new(Guarded::new(stream, seat, tls));
        let mut connection = pin!(self.builder.serve_connection_with_upgrades(stream, service));
        tokio::select! {
            // What goes wrong on a connection is its client's to see.
            _ = connection.as_mut() => return,
            () = ended(self.ending.clone()) => {}
            () = sleep(AGE) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(GRACE, connection).await;
    }
}

/// TLS over a connection. What begins with plain HTTP is told what it should have been.
async fn secured(tls: &TlsAcceptor, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    /// What every record of a handshake begins with (RFC 8446 section 5.1).
    const IS_HANDSHAKE: u8 = 22;
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != IS_HANDSHAKE {
        let problem = Problem::new(Kind::Refused, "this port speaks TLS: ask for https://");
        let close = ["connection: close"].into_iter();
        let text = guarded::answer("HTTP/1.1 400 Bad Request", close, &problem, false);
        stream.write_all(&text).await?;
        stream.shutdown().await?;
        let unread =
            async { while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {} };
        let _ = timeout(FAREWELL, unread).await;
        return Err(io::ErrorKind::InvalidData.into());
    }
    tls.accept(stream).await
}
