//! Turns a configuration into a running target: a listener, threads, and what they share.
//!
//! A target runs on threads of its own, each with a runtime of its own, so that a client in the same
//! process is disturbed by nothing but the processor's being shared. One thread accepts and hands the
//! connections out in turn: each thread has its fair part even where there are few connections.

use std::net::SocketAddr;
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fmt, io};

use socket2::{Domain, Socket as RawSocket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_rustls::TlsAcceptor;

use crate::answer::Plain;
use crate::config::{Config, ConfigError, Listen, Tls};
use crate::connection::{self, Socket};
use crate::service::Service;
use crate::stats::{Counts, Stats};
use crate::time::{Clock, MICROSECOND, MILLISECOND, nanos};
use crate::timer::{Sleep, Timer};
use crate::tls::{self, TlsError};

/// A running target. It stops when it is dropped, and waits until its threads have ended.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use loadcore_target::{Config, Target};
///
/// let target = Target::start(Config { latency: "exp(5ms)".parse()?, ..Config::default() }).await?;
/// // Load target.url() here. Then what came can be compared with what was sent:
/// assert_eq!(target.stats().requests, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Target {
    shared: Arc<Shared>,
    listen: Listen,
    ca_pem: Option<String>,
    /// Dropped to stop the threads that serve.
    stop: Option<watch::Sender<()>>,
    /// Dropped to stop the watcher.
    stop_watcher: Option<SyncSender<()>>,
    threads: Vec<JoinHandle<()>>,
}

/// Why a target could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A field is beyond its limits.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address could not be listened on.
    #[error("could not listen on {listen}: {source}{}", advice(.listen, .source))]
    Listen {
        /// The address that was asked for.
        listen: Listen,
        /// What the system said.
        source: io::Error,
    },
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A thread or what it needs could not be made.
    #[error("could not start thread {thread} of the target: {source}")]
    Thread {
        /// Which thread, from 0 on.
        thread: usize,
        /// What the system said.
        source: io::Error,
    },
}

/// What to do about an address that is taken.
fn advice(listen: &Listen, source: &io::Error) -> &'static str {
    match listen {
        _ if source.kind() != io::ErrorKind::AddrInUse => "",
        Listen::Tcp(_) => "; port 0 takes a free one",
        Listen::Unix(_) => "; where nobody listens there any more, remove the file",
    }
}

impl Target {
    /// Starts a target, whatever the runtime of the caller. It accepts connections when this returns.
    ///
    /// # Errors
    /// Where the configuration is beyond its limits, the address is taken, or the system refuses a
    /// thread or a descriptor.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.validate()?;
        let (listener, listen) = bind(&config)
            .map_err(|source| StartError::Listen { listen: config.listen.clone(), source })?;
        let identity = match (config.tls, &listen) {
            (Tls::Off, _) => None,
            (_, Listen::Tcp(address)) => Some(Some(address.ip())),
            (_, Listen::Unix(_)) => Some(None),
        };
        let identity = identity
            .map(|address| tls::identity(config.certificate, config.http, address))
            .transpose()?;
        let (acceptor, ca_pem) = identity.map(|i| (i.acceptor, i.ca_pem)).unzip();
        let shared = Arc::new(Shared {
            counts: Counts::new(config.threads, config.record_arrivals, config.watch.map(nanos)),
            service: Service::new(&config),
            plain: Plain::new(&config),
            clock: Clock::start(),
            tls: acceptor,
            room: Notify::new(),
            config,
        });
        let (stop, stopped) = watch::channel(());
        // Made before the threads: where one of them cannot start, its drop ends the others.
        let mut target = Self {
            shared,
            listen,
            ca_pem,
            stop: Some(stop),
            stop_watcher: None,
            threads: Vec::new(),
        };
        target.start_threads(listener, &stopped).await?;
        target.start_watcher()?;
        Ok(target)
    }

    async fn start_threads(
        &mut self,
        listener: StdListener,
        stopped: &watch::Receiver<()>,
    ) -> Result<(), StartError> {
        let (mut hands, mut ready) = (Vec::new(), Vec::new());
        for thread in 1..self.shared.config.threads {
            let (hand, take) = mpsc::channel(HANDED);
            hands.push(hand);
            let role = Role::Serve(take);
            ready.push(self.start_thread(thread, role, stopped.clone())?);
        }
        let role = Role::Accept { listener, hands };
        ready.push(self.start_thread(0, role, stopped.clone())?);
        for (thread, ready) in ready.into_iter().enumerate() {
            let source = match ready.await {
                Ok(Ok(())) => continue,
                Ok(Err(source)) => source,
                Err(_) => io::Error::other("it ended at once"),
            };
            return Err(StartError::Thread { thread, source });
        }
        Ok(())
    }

    fn start_thread(
        &mut self,
        thread: usize,
        role: Role,
        stopped: watch::Receiver<()>,
    ) -> Result<oneshot::Receiver<io::Result<()>>, StartError> {
        let (ready, is_ready) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let handle = std::thread::Builder::new()
            .name(format!("target-{thread}"))
            .spawn(move || run_thread(shared, thread, role, stopped, ready))
            .map_err(|source| StartError::Thread { thread, source })?;
        self.threads.push(handle);
        Ok(is_ready)
    }

    fn start_watcher(&mut self) -> Result<(), StartError> {
        let Some(threshold) = self.shared.config.watch else { return Ok(()) };
        let (stop, stopped) = sync_channel(0);
        let shared = Arc::clone(&self.shared);
        let handle = std::thread::Builder::new()
            .name("target-watcher".to_owned())
            .spawn(move || watch_clock(&shared, threshold, &stopped))
            .map_err(|source| StartError::Thread { thread: self.threads.len(), source })?;
        self.threads.push(handle);
        self.stop_watcher = Some(stop);
        Ok(())
    }

    /// The address that is listened on, with the port that was taken.
    ///
    /// # Panics
    /// Where the target listens on a Unix socket; [`Target::listen`] knows both.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        match &self.listen {
            Listen::Tcp(address) => *address,
            Listen::Unix(path) => panic!("the target listens on {}, a Unix socket", path.display()),
        }
    }

    /// Where the target listens, with the port that was taken.
    #[must_use]
    pub fn listen(&self) -> &Listen {
        &self.listen
    }

    /// The URL of a path, which begins with `/`: `http://127.0.0.1:8081/status/404`.
    ///
    /// For a Unix socket the host is `localhost`, as clients want it that are told the socket apart.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.shared.config.tls == Tls::On { "https" } else { "http" };
        match &self.listen {
            Listen::Tcp(address) => format!("{scheme}://{address}{path}"),
            Listen::Unix(_) => format!("{scheme}://localhost{path}"),
        }
    }

    /// The certificate of the authority that signed the target's, as PEM; nothing without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What was counted since the start or the last reset: the same as `GET /stats`.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counts.stats()
    }

    /// Lets counts, draws, limits and the clock of the stalls begin anew, as `POST /reset` does.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// When the first requests arrived, in nanoseconds since [`Target::started_at`], ascending; as
    /// many as `record_arrivals` of the configuration says.
    #[must_use]
    pub fn arrival_times(&self) -> Vec<u64> {
        self.shared.counts.arrival_times()
    }

    /// The instant from which the target counts its times.
    #[must_use]
    pub fn started_at(&self) -> Instant {
        self.shared.clock.zero()
    }

    /// How the target was configured.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Stops and answers what was counted in the end. Connections that are open are closed.
    #[must_use = "a target also stops when it is dropped"]
    pub fn stop(mut self) -> Stats {
        self.join();
        self.stats()
    }

    fn join(&mut self) {
        self.stop = None;
        self.stop_watcher = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
        if let Listen::Unix(path) = &self.listen {
            // Somebody may have removed it before.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.join();
    }
}

/// What all threads of a target share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) counts: Counts,
    pub(crate) service: Service,
    pub(crate) plain: Plain,
    pub(crate) clock: Clock,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Notified when a connection ends, for those who wait for room.
    pub(crate) room: Notify,
}

impl Shared {
    pub(crate) fn reset(&self) {
        self.counts.reset();
        self.service.reset();
    }
}

/// What the connections of one thread share.
pub(crate) struct Worker {
    pub(crate) thread: usize,
    pub(crate) shared: Arc<Shared>,
    pub(crate) timer: Timer,
    pub(crate) clock: Clock,
}

/// How many accepted connections may be on their way to a thread.
const HANDED: usize = 1024;

/// A connection between two threads: without a runtime.
enum Handed {
    Tcp(std::net::TcpStream),
    Unix(StdUnixStream),
}

enum StdListener {
    Tcp(std::net::TcpListener),
    Unix(StdUnixListener),
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

enum Role {
    Accept { listener: StdListener, hands: Vec<mpsc::Sender<Handed>> },
    Serve(mpsc::Receiver<Handed>),
}

fn bind(config: &Config) -> io::Result<(StdListener, Listen)> {
    let backlog = i32::try_from(config.backlog).unwrap_or(i32::MAX);
    match &config.listen {
        Listen::Tcp(address) => {
            let socket = RawSocket::new(Domain::for_address(*address), Type::STREAM, None)?;
            // A port whose last connections have not timed out yet can be taken again.
            socket.set_reuse_address(true)?;
            socket.bind(&(*address).into())?;
            socket.listen(backlog)?;
            socket.set_nonblocking(true)?;
            let listener = std::net::TcpListener::from(socket);
            let address = listener.local_addr()?;
            Ok((StdListener::Tcp(listener), Listen::Tcp(address)))
        }
        Listen::Unix(path) => {
            let path: PathBuf = path.clone();
            let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.bind(&socket2::SockAddr::unix(&path)?)?;
            socket.listen(backlog)?;
            socket.set_nonblocking(true)?;
            Ok((StdListener::Unix(socket.into()), Listen::Unix(path)))
        }
    }
}

fn run_thread(
    shared: Arc<Shared>,
    thread: usize,
    role: Role,
    mut stopped: watch::Receiver<()>,
    ready: oneshot::Sender<io::Result<()>>,
) {
    let started =
        tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
            let _inside = runtime.enter();
            let clock = shared.clock;
            let worker = Arc::new(Worker { thread, shared, timer: Timer::new(clock)?, clock });
            let role = match role {
                Role::Serve(take) => TaskRole::Serve(take),
                Role::Accept { listener, hands } => {
                    TaskRole::Accept { listener: Listener::new(listener)?, hands }
                }
            };
            drop(_inside);
            Ok((runtime, worker, role))
        });
    let (runtime, worker, role) = match started {
        Ok(started) => started,
        Err(error) => {
            // Whoever is starting the target may have given up.
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    runtime.block_on(async move {
        let timer = Arc::clone(&worker);
        tokio::spawn(async move { timer.timer.drive().await });
        tokio::spawn(async move {
            match role {
                TaskRole::Accept { listener, hands } => accept(listener, hands, worker).await,
                TaskRole::Serve(take) => serve_handed(take, worker).await,
            }
        });
        // The sender is only ever dropped. With the runtime all tasks and their sockets go.
        while stopped.changed().await.is_ok() {}
    });
}

enum TaskRole {
    Accept { listener: Listener, hands: Vec<mpsc::Sender<Handed>> },
    Serve(mpsc::Receiver<Handed>),
}

impl Listener {
    fn new(listener: StdListener) -> io::Result<Self> {
        Ok(match listener {
            StdListener::Tcp(listener) => Self::Tcp(TcpListener::from_std(listener)?),
            StdListener::Unix(listener) => Self::Unix(UnixListener::from_std(listener)?),
        })
    }

    async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
            Self::Unix(listener) => Ok(Socket::Unix(listener.accept().await?.0)),
        }
    }
}

async fn accept(listener: Listener, hands: Vec<mpsc::Sender<Handed>>, worker: Arc<Worker>) {
    let shared = &worker.shared;
    let limit = shared.config.connections;
    let mut turn = 0;
    loop {
        if let Some(limit) = limit.filter(|limit| limit.wait) {
            while shared.counts.open_connections() >= limit.most {
                shared.room.notified().await;
            }
        }
        let Ok(socket) = listener.accept().await else {
            // The connection broke off in the backlog, or descriptors have run out. The latter
            // would otherwise be tried again without a pause.
            Sleep::new(&worker.timer).until(worker.clock.now() + MILLISECOND).await;
            continue;
        };
        if limit.is_some_and(|limit| shared.counts.open_connections() >= limit.most) {
            connection::Stream::reset_on_close(&socket);
            shared.counts.connection_refused();
            continue;
        }
        shared.counts.connection_accepted();
        let thread = turn % (hands.len() + 1);
        turn += 1;
        if thread == 0 {
            tokio::spawn(connection::serve(socket, Arc::clone(&worker)));
        } else if hand_over(&hands[thread - 1], socket).await.is_err() {
            shared.counts.connection_closed();
        }
    }
}

async fn hand_over(hand: &mpsc::Sender<Handed>, socket: Socket) -> io::Result<()> {
    let handed = match socket {
        Socket::Tcp(stream) => Handed::Tcp(stream.into_std()?),
        Socket::Unix(stream) => Handed::Unix(stream.into_std()?),
    };
    hand.send(handed).await.map_err(|_| io::Error::other("the thread has ended"))
}

async fn serve_handed(mut take: mpsc::Receiver<Handed>, worker: Arc<Worker>) {
    while let Some(handed) = take.recv().await {
        let socket = match handed {
            Handed::Tcp(stream) => TcpStream::from_std(stream).map(Socket::Tcp),
            Handed::Unix(stream) => UnixStream::from_std(stream).map(Socket::Unix),
        };
        match socket {
            Ok(socket) => drop(tokio::spawn(connection::serve(socket, Arc::clone(&worker)))),
            Err(_) => worker.shared.counts.connection_closed(),
        }
    }
}

/// Counts the gaps between two looks at the clock that are longer than they should be.
fn watch_clock(shared: &Shared, threshold: Duration, stopped: &Receiver<()>) {
    let threshold = nanos(threshold);
    let pause = (threshold / 4).clamp(100 * MICROSECOND, 10 * MILLISECOND);
    let mut before = shared.clock.now();
    while stopped.recv_timeout(Duration::from_nanos(pause)) == Err(RecvTimeoutError::Timeout) {
        let now = shared.clock.now();
        if now - before > threshold.max(pause) {
            shared.counts.gap(now - before);
        }
        before = now;
    }
}
