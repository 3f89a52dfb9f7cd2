//! Turns an address into connections, with pauses between attempts that grow and are bounded.

use crate::options::{Address, OptionsError, RedisOptions};
use loadcore::time::Clock;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, ErrorKind, RedisError};
use std::io;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

/// The longest that one attempt to connect may take.
const ATTEMPT: Duration = Duration::from_secs(1);

/// The pause before an attempt that follows a failed one, and the longest to which it grows.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// After how long silence the system asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Until when a call must be done.
pub(crate) struct Deadline {
    clock: Clock,
    limit: Duration,
}

impl Deadline {
    pub(crate) fn within(limit: Duration) -> Self {
        Self { clock: Clock::start(), limit }
    }

    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(Duration::from_nanos(self.clock.now()))
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }
}

/// A connection. It closes when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) wire: MultiplexedConnection,
    driver: Arc<Driver>,
}

/// The task that reads and writes; it ends with the connection, or when nobody has it any more.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    pub(crate) fn is_closed(&self) -> bool {
        self.driver.0.is_finished()
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.driver, &other.driver)
    }
}

/// Makes connections to one Redis. All links share it, so that a Redis that is away is not asked by
/// each of them at its own pace.
pub(crate) struct Dialer {
    address: Address,
    /// Failed attempts since the last that succeeded.
    failures: AtomicU32,
    last_failure: Mutex<String>,
}

impl Dialer {
    pub(crate) fn new(options: &RedisOptions) -> Result<Self, OptionsError> {
        let address = Address::new(options)?;
        Ok(Self { address, failures: AtomicU32::new(0), last_failure: Mutex::default() })
    }

    /// Where it connects to, for people.
    pub(crate) fn address(&self) -> &str {
        &self.address.shown
    }

    /// Why a call has got no answer in time.
    pub(crate) fn why_late(&self, deadline: &Deadline) -> String {
        let address = self.address();
        if self.failures.load(Relaxed) == 0 {
            return format!("{address}: no answer within {:?}", deadline.limit());
        }
        let failure = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{address}: no connection within {:?}: {failure}", deadline.limit())
    }

    /// A new connection, tried for until the deadline.
    pub(crate) async fn dial(&self, deadline: &Deadline) -> Result<Connection, RedisError> {
        loop {
            tokio::time::sleep(pause(self.failures.load(Relaxed))).await;
            let error = match tokio::time::timeout(ATTEMPT, self.connect()).await {
                Ok(Ok(connection)) => {
                    self.failures.store(0, Relaxed);
                    return Ok(connection);
                }
                Ok(Err(error)) => error,
                Err(_) => io::Error::from(io::ErrorKind::TimedOut).into(),
            };
            let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
            *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = error.to_string();
            // Asking again does not help against a wrong password, nor when there is no time.
            if error.kind() == ErrorKind::AuthenticationFailed || deadline.left() < pause(failures)
            {
                return Err(error);
            }
        }
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        let stream = self.stream().await?;
        // Calls have deadlines of their own; the library's is half a second for everything.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let settings = self.address.info.redis_settings();
        let (wire, driver) =
            MultiplexedConnection::new_with_config(settings, stream, config).await?;
        let driver = Driver(tokio::spawn(driver).abort_handle());
        Ok(Connection { wire, driver: Arc::new(driver) })
    }

    async fn stream(&self) -> io::Result<Box<dyn Stream>> {
        let (host, port) = match self.address.info.addr() {
            ConnectionAddr::Tcp(host, port) => (host.as_str(), *port),
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => {
                return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
            }
            other => return Err(io::Error::other(format!("{other} cannot be connected to"))),
        };
        let tcp = TcpStream::connect((host, port)).await?;
        tcp.set_nodelay(true)?;
        let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE);
        socket2::SockRef::from(&tcp).set_tcp_keepalive(&keepalive)?;
        let Some((config, name)) = &self.address.tls else { return Ok(Box::new(tcp)) };
        let connector = TlsConnector::from(Arc::clone(config));
        Ok(Box::new(connector.connect(name.clone(), tcp).await?))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How long to wait before an attempt that follows so many failed ones.
fn pause(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        _ => LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow((failures - 1).min(8))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let pauses: Vec<_> = (0..6).chain([u32::MAX]).map(|n| pause(n).as_millis()).collect();
        assert_eq!(pauses, [0, 50, 100, 200, 400, 400, 400]);
    }
}
