//! Turns options into a controller that serves until it is told to end.
//!
//! What is on this machine (the address, the key, the embedded database) is opened first: what is
//! wrong there ends the program before it says that it listens. Then the server is up before the
//! platform is, so that probes have an answer while Redis or MongoDB are waited for.

use crate::backends::{self, Failure};
use crate::demo;
use crate::options::Options;
use crate::sign_in::SignIn;
use crate::terminal;
use loadcore::cluster::secrets::Secrets;
use loadcore::cluster::{AgentOptions, Controller, ControllerOptions, LocalWorkers, Store};
use loadcore::http::TargetPolicy;
use loadcore_controller::about::About;
use loadcore_controller::access::Access;
use loadcore_controller::doorstep::Doorstep;
use loadcore_controller::doorstep::certificate::Certificate;
use loadcore_controller::doorstep::seats::Bounds;
use loadcore_controller::origin::Hosts;
use loadcore_controller::state::{AppState, Platform, Status};
use loadcore_controller::{actuator, app};
use loadcore_process::listen::bound;
use loadcore_process::signals::Signals;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long what is under way may take at the end.
const GOODBYE: Duration = Duration::from_secs(10);
/// Between two tries to reach what is not there: doubled from the first to the last.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Connections to the listener for health and metrics.
const PROBES: Bounds = Bounds { most: 256, from_one: None };

/// How often it is looked whether Redis and MongoDB are there, for the log.
const LOOK: Duration = Duration::from_secs(2);

/// Why the program ends before its time.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What it was given is wrong.
    #[error("{0}")]
    Usage(String),
    /// Something else that cannot become right by itself.
    #[error("{0}")]
    Broken(String),
}

/// Serves until a signal; then ends in order, within [`GOODBYE`].
///
/// # Errors
/// What cannot become right by itself.
pub async fn serve(options: Options) -> Result<(), ServeError> {
    let mut signals = Signals::new()
        .map_err(|error| ServeError::Broken(format!("could not watch for signals: {error}")))?;
    let certificate = options.tls.clone().map(Certificate::open).transpose();
    let certificate = certificate.map_err(ServeError::Usage)?;
    let tls = certificate.as_ref().map(Certificate::acceptor).transpose();
    let tls = tls.map_err(ServeError::Broken)?;
    let (listener, address) = bound(options.listen).await.map_err(ServeError::Broken)?;
    let probed = match options.actuator_listen {
        Some(address) => Some(bound(address).await.map_err(ServeError::Broken)?),
        None => None,
    };
    let local = Local::open(&options).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (url, page) = (format!("{scheme}://{address}"), terminal::page(scheme, address));
    terminal::tell(&format!("Open {page}/ in a browser\n"));
    let access = access(&options, address)?;
    tracing::info!("loadcore-controller {} listens on {url}", env!("CARGO_PKG_VERSION"));

    let (status, when_ready) = watch::channel(Status::Waiting("the platform is starting".into()));
    let (end, ending) = watch::channel(false);
    // Ends with the process: probes are answered to the last.
    let (_living, alive) = watch::channel(false);
    let state = AppState::new(when_ready.clone(), ending.clone()).called(options.hosts.clone());
    let state = state.guarded(access).told(about(&options));
    let state = AppState { standby_ready: options.standby_ready, ..state };
    if let Some((listener, address)) = probed {
        tracing::info!("health and metrics at http://{address}");
        let hosts = Hosts::new(address.ip().is_loopback(), Vec::new());
        let router = actuator(state.clone().called(hosts).guarded(Access::default()));
        let (probed, alive) = (Doorstep::new(listener, PROBES), alive.clone());
        tokio::spawn(async move { probed.serve(router, alive).await });
    }
    if let Some(certificate) = certificate {
        tokio::spawn(certificate.follow());
    }
    let server = Doorstep::new(listener, options.bounds).over(tls);
    let server = tokio::spawn(server.serve(app(state), ending.clone()));
    let mut platform =
        tokio::spawn(keep(options, local, Here { address, url, page }, status, ending));

    let done = tokio::select! {
        () = signals.first() => {
            tracing::info!("ending, within {} s; a second signal ends at once", GOODBYE.as_secs());
            end.send_replace(true);
            Ok(())
        }
        // It ends before its time only because of what cannot become right.
        failed = &mut platform => {
            return failed.unwrap_or_else(|error| Err(ServeError::Broken(error.to_string())));
        }
    };
    tokio::select! {
        result = timeout(GOODBYE, goodbye(server, platform)) => if result.is_err() {
            tracing::warn!("not everything ended in time; runs go on when a controller starts again");
        },
        () = signals.first() => tracing::warn!("ended at once"),
    }
    done
}

/// Where it listens.
struct Here {
    address: SocketAddr,
    /// The same for clients.
    url: String,
    /// The same for a browser on this machine.
    page: String,
}

/// What everybody may know.
fn about(options: &Options) -> About {
    let sign_in = options.sign_in.as_ref().map(SignIn::place);
    About { sign_in, demo: options.demo, ..About::default() }
}

/// Who may ask for what, at the address where it listens.
fn access(options: &Options, address: SocketAddr) -> Result<Access, ServeError> {
    let reached = !address.ip().is_loopback();
    let Some(sign_in) = &options.sign_in else {
        if reached {
            tracing::warn!("{address} is open to whoever reaches it: nobody is authenticated");
        }
        return Ok(Access::default());
    };
    if sign_in.is_plain() {
        tracing::warn!(
            "the sign-in's keys come over plain HTTP: whoever is between can sign anybody in"
        );
    }
    if reached && options.tls.is_none() {
        tracing::warn!(
            "tokens come in the clear: give --tls-cert and --tls-key, unless a proxy before it speaks TLS"
        );
    }
    Ok(Access::verified(sign_in.verifier().map_err(ServeError::Usage)?, reached))
}

async fn goodbye(server: JoinHandle<()>, platform: JoinHandle<Result<(), ServeError>>) {
    let (server, platform) = tokio::join!(server, platform);
    let failed = [
        server.map_err(|error| error.to_string()),
        platform
            .map_err(|error| error.to_string())
            .and_then(|done| done.map_err(|error| error.to_string())),
    ];
    failed.into_iter().filter_map(Result::err).for_each(|error| tracing::error!("{error}"));
}

async fn ended(mut ending: watch::Receiver<bool>) {
    // A sender that is gone is an end too.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// What is on this machine.
struct Local {
    secrets: Secrets,
    /// The embedded database, where there is no MongoDB.
    store: Option<Arc<dyn Store>>,
    /// Why it cannot be written.
    trouble: watch::Receiver<Option<String>>,
}

impl Local {
    async fn open(options: &Options) -> Result<Self, ServeError> {
        let secrets = backends::secrets(options)?;
        if options.mongo.is_some() {
            return Ok(Self { secrets, store: None, trouble: watch::channel(None).1 });
        }
        let store = backends::on_disk(options).await?;
        let trouble = store.trouble();
        Ok(Self { secrets, store: Some(Arc::new(store)), trouble })
    }
}

/// Makes the platform, keeps it until the end, and lets it go.
async fn keep(
    options: Options,
    local: Local,
    here: Here,
    status: watch::Sender<Status>,
    ending: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let (trouble, redis) = (local.trouble.clone(), options.redis.is_some());
    let made = tokio::select! {
        made = platform(&options, local, &here, &status) => made?,
        () = ended(ending.clone()) => return Ok(()),
    };
    status.send_replace(Status::Ready(made.clone()));
    tracing::info!("the platform is ready");
    if redis {
        let key = made.controller.platform_key();
        tracing::info!("its workers know it by --platform-key {key}");
    }
    let demo = options.demo.then(|| tokio::spawn(demo::play(here.page, made.clone())));
    tokio::select! {
        () = ended(ending) => {}
        () = tell_of_outages(&options, &made) => {}
        () = tell_troubles(made.controller.trouble()) => {}
        () = tell_of_the_disk(&options, trouble) => {}
    }
    if let Some(demo) = demo {
        demo.abort();
    }
    made.controller.shut_down().await;
    Ok(())
}

/// Says in the log what keeps the controller from leading and from taking up runs, once each. Never
/// ends.
async fn tell_troubles(trouble: watch::Receiver<Option<String>>) {
    let said =
        |why: &str| tracing::warn!("runs cannot be taken up here, and the lead cannot: {why}");
    tell(trouble, said, || tracing::info!("runs can be taken up again")).await;
}

/// Says in the log when the disk is full, or fails, and when it is written again. Never ends.
async fn tell_of_the_disk(options: &Options, trouble: watch::Receiver<Option<String>>) {
    let dir = options.data_dir.display();
    let said = |why: &str| {
        tracing::error!(
            "the store in {dir} cannot be written: {why}; what is to be kept waits, and is tried again"
        );
    };
    tell(trouble, said, || tracing::info!("the store in {dir} is written again")).await;
}

/// Tells each trouble, and its end. Never ends.
async fn tell(
    mut trouble: watch::Receiver<Option<String>>,
    begins: impl Fn(&str),
    ends: impl Fn(),
) {
    loop {
        let said = trouble.borrow_and_update().clone();
        if let Some(why) = &said {
            begins(why);
        }
        if trouble.changed().await.is_err() {
            // Who tells of it has gone: there is no more to be told, and nothing ends for that.
            std::future::pending::<()>().await;
        }
        if said.is_some() && trouble.borrow().is_none() {
            ends();
        }
    }
}

/// Says in the log when Redis or MongoDB has gone, once, and when it is back. Never ends.
async fn tell_of_outages(options: &Options, platform: &Platform) {
    let (nobody, nothing) = ("".into(), "outage".into());
    let (mut store, mut coordinator) = (Outage::of("MongoDB"), Outage::of("Redis"));
    loop {
        sleep(LOOK).await;
        if options.mongo.is_some() {
            let answer = platform.store.scenario(&nobody, &nothing).await;
            store.heard(answer.err().map(|error| error.to_string()));
        }
        if options.redis.is_some() {
            let answer = platform.coordinator.now_us().await;
            coordinator.heard(answer.err().map(|error| error.to_string()));
        }
    }
}

/// Whether something is away, so that each outage is told once.
struct Outage {
    what: &'static str,
    away: bool,
}

impl Outage {
    fn of(what: &'static str) -> Self {
        Self { what, away: false }
    }

    fn heard(&mut self, trouble: Option<String>) {
        let was_away = std::mem::replace(&mut self.away, trouble.is_some());
        match trouble {
            Some(why) if !was_away => tracing::warn!("{} is away: {why}; trying again", self.what),
            None if was_away => tracing::info!("{} answers again", self.what),
            _ => {}
        }
    }
}

/// The platform, as soon as all that it needs is there.
async fn platform(
    options: &Options,
    local: Local,
    here: &Here,
    status: &watch::Sender<Status>,
) -> Result<Platform, ServeError> {
    let store = match local.store {
        Some(store) => store,
        None => {
            let url = options.mongo.as_deref().unwrap_or_default();
            patiently(status, || backends::mongo(options, url)).await?
        }
    };
    let coordinator = patiently(status, || backends::coordinator(options)).await?;
    let own = backends::own_addresses(options, here.address).await;
    let policy = options.policy.clone().sparing(&own);
    let settings = ControllerOptions {
        address: here.url.clone(),
        policy: policy.clone(),
        requires_proof: options.requires_proof,
        secrets: local.secrets,
        local_workers: local_workers(options, policy),
        lease: options.lease,
        evidence_wait: options.evidence_wait,
        contact: options.contact.clone(),
        quota: options.quota,
        keep_audit: options.keep_audit,
        retention: options.retention,
    };
    let start = || {
        let starting = Controller::start(store.clone(), coordinator.clone(), settings.clone());
        async { starting.await.map_err(|error| Failure::NotThere(error.to_string())) }
    };
    let controller = patiently(status, start).await?;
    Ok(Platform { store, coordinator, controller })
}

/// Tries again, for as long as the process lives, until it succeeds or cannot become right.
async fn patiently<T, F>(
    status: &watch::Sender<Status>,
    attempt: impl Fn() -> F,
) -> Result<T, ServeError>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut wait = AGAIN.0;
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Failure::Wrong(why)) => return Err(why),
            Err(Failure::NotThere(why)) => {
                status.send_replace(Status::Waiting(why.clone()));
                tracing::warn!("{why}; trying again in {} ms", wait.as_millis());
                sleep(wait).await;
                wait = (wait * 2).min(AGAIN.1);
            }
        }
    }
}

/// Workers inside, where no other process can be one.
fn local_workers(options: &Options, policy: TargetPolicy) -> Option<LocalWorkers> {
    options.redis.is_none().then(|| LocalWorkers {
        most: options.local_workers as usize,
        options: AgentOptions { policy, ..AgentOptions::default() },
    })
}
