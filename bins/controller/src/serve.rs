//! Options into a controller that serves until it is told to end.
//!
//! The server is up before the platform is, so that probes have an answer while Redis or MongoDB
//! are waited for.

use crate::backends::{self, Failure};
use crate::demo;
use crate::options::Options;
use crate::signals::Signals;
use loadcore::cluster::{AgentOptions, Controller, ControllerOptions, LocalWorkers};
use loadcore_controller::app;
use loadcore_controller::state::{AppState, Platform, Status};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long what is under way may take at the end.
const GOODBYE: Duration = Duration::from_secs(10);
/// Between two tries to reach what is not there: doubled from the first to the last.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Serves until a signal; then ends in order, within [`GOODBYE`].
///
/// # Errors
/// What cannot become right by itself.
pub async fn serve(options: Options) -> Result<(), String> {
    let mut signals =
        Signals::new().map_err(|error| format!("could not watch for signals: {error}"))?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("could not listen on {}: {error}", options.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    if !address.ip().is_loopback() {
        tracing::warn!("{address} is open to whoever reaches it: nobody is authenticated");
    }
    tracing::info!("loadcore-controller {} listens on http://{address}", env!("CARGO_PKG_VERSION"));

    let (status, when_ready) = watch::channel(Status::Waiting("the platform is starting".into()));
    let (end, ending) = watch::channel(false);
    let router = app(AppState::new(when_ready.clone(), ending.clone()));
    let server = axum::serve(listener, router).with_graceful_shutdown(ended(ending.clone()));
    let server = tokio::spawn(server.into_future());
    let mut platform = tokio::spawn(keep(options, address, status, ending));

    let done = tokio::select! {
        () = signals.first() => {
            tracing::info!("ending, within {} s; a second signal ends at once", GOODBYE.as_secs());
            end.send_replace(true);
            Ok(())
        }
        // It ends before its time only because of what cannot become right.
        failed = &mut platform => return failed.unwrap_or_else(|error| Err(error.to_string())),
    };
    tokio::select! {
        result = timeout(GOODBYE, goodbye(server, platform)) => if result.is_err() {
            tracing::warn!("not everything ended in time; runs go on when a controller starts again");
        },
        () = signals.first() => tracing::warn!("ended at once"),
    }
    done
}

async fn goodbye(
    server: JoinHandle<std::io::Result<()>>,
    platform: JoinHandle<Result<(), String>>,
) {
    let (server, platform) = tokio::join!(server, platform);
    let failed = [
        server
            .map_err(|error| error.to_string())
            .and_then(|done| done.map_err(|error| error.to_string())),
        platform.map_err(|error| error.to_string()).and_then(|done| done),
    ];
    failed.into_iter().filter_map(Result::err).for_each(|error| tracing::error!("{error}"));
}

async fn ended(mut ending: watch::Receiver<bool>) {
    // A sender that is gone is an end too.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// Makes the platform, keeps it until the end, and lets it go.
async fn keep(
    options: Options,
    address: SocketAddr,
    status: watch::Sender<Status>,
    ending: watch::Receiver<bool>,
) -> Result<(), String> {
    let made = tokio::select! {
        made = platform(&options, address, &status) => made?,
        () = ended(ending.clone()) => return Ok(()),
    };
    status.send_replace(Status::Ready(made.clone()));
    tracing::info!("the platform is ready");
    let troubles = tokio::spawn(tell_troubles(made.controller.trouble()));
    let demo = options.demo.then(|| tokio::spawn(demo::play(address, made.clone())));
    ended(ending).await;
    troubles.abort();
    if let Some(demo) = demo {
        demo.abort();
    }
    made.controller.shut_down().await;
    Ok(())
}

/// Says in the log what keeps the controller from leading and from taking up runs, once each.
async fn tell_troubles(mut trouble: watch::Receiver<Option<String>>) {
    loop {
        let said = trouble.borrow_and_update().clone();
        let was_said = said.is_some();
        if let Some(why) = said {
            tracing::warn!("runs cannot be taken up here, and the lead cannot: {why}");
        }
        // Its sender lives as long as the controller.
        if trouble.changed().await.is_err() {
            return;
        }
        if was_said && trouble.borrow().is_none() {
            tracing::info!("runs can be taken up again");
        }
    }
}

/// The platform, as soon as all that it needs is there.
async fn platform(
    options: &Options,
    address: SocketAddr,
    status: &watch::Sender<Status>,
) -> Result<Platform, String> {
    let secrets = backends::secrets(options)?;
    let store = patiently(status, || backends::store(options)).await?;
    let coordinator = patiently(status, || backends::coordinator(options)).await?;
    let settings = ControllerOptions {
        address: format!("http://{address}"),
        policy: options.policy.clone(),
        secrets: secrets.clone(),
        local_workers: local_workers(options),
        retention: options.retention,
    };
    let start = || {
        let starting = Controller::start(store.clone(), coordinator.clone(), settings.clone());
        async { starting.await.map_err(|error| Failure::NotThere(error.to_string())) }
    };
    let controller = patiently(status, start).await?;
    let policy = options.policy.clone();
    Ok(Platform { store, coordinator, controller, secrets, policy })
}

/// Tries again, for as long as the process lives, until it succeeds or cannot become right.
async fn patiently<T, F>(
    status: &watch::Sender<Status>,
    attempt: impl Fn() -> F,
) -> Result<T, String>
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
fn local_workers(options: &Options) -> Option<LocalWorkers> {
    options.redis.is_none().then(|| LocalWorkers {
        most: options.local_workers as usize,
        options: AgentOptions { policy: options.policy.clone(), ..AgentOptions::default() },
    })
}
