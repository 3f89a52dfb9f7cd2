//! Turns options into a worker that works until it is told to end.

use crate::health::{self, Status};
use crate::options::Options;
use loadcore::cluster::Coordinator;
use loadcore::cluster::agent::{Agent, AgentOptions};
use loadcore::http::{TargetList, TargetPolicy};
use loadcore_process::listen::bound;
use loadcore_process::signals::Signals;
use loadcore_redis::{RedisCoordinator, RedisOptions, redact};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Between two tries to reach what is not there: doubled from the first to the last.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Works until a signal; then drains. A second signal ends it at once.
///
/// # Errors
/// What cannot become right by itself. The URL was looked at before: see [`Options::checked`].
pub async fn work(options: Options) -> Result<(), String> {
    let mut signals =
        Signals::new().map_err(|error| format!("could not watch for signals: {error}"))?;
    let (status, shown) = watch::channel(Status::Waiting("it is starting".into()));
    if let Some(address) = options.actuator() {
        let (listener, address) = bound(address).await?;
        tracing::info!("health and metrics at http://{address}");
        // It ends with the process: probes are answered while it drains.
        tokio::spawn(axum::serve(listener, health::app(shown)).into_future());
    }
    let coordinator = tokio::select! {
        found = reach(options.redis(), &status) => found?,
        () = signals.first() => return Ok(()),
    };
    let (drain, draining) = watch::channel(false);
    let own = own_addresses(&options).await;
    let policy = options.policy().sparing(&own);
    let (mut agent, contact) = start(coordinator, &options, policy, draining)?;
    let watching = watch_contact(contact, drain.subscribe(), &status, options.redis());
    let work = async {
        tokio::select! {
            // Somebody drained it from the controller.
            ended = &mut agent => return ended.map_err(|error| error.to_string()),
            () = signals.first() => {}
        }
        tracing::info!("draining; a second signal ends at once");
        drain.send_replace(true);
        tokio::select! {
            ended = &mut agent => ended.map_err(|error| error.to_string()),
            () = signals.first() => Err("ended at once: what it had is lost to the others".into()),
        }
    };
    tokio::select! {
        done = work => done,
        // It watches for as long as the heartbeats go on.
        never = watching => match never {},
    }
}

/// Shows how the worker is, by what its heartbeats meet: each outage is told once, and its end.
async fn watch_contact(
    mut contact: watch::Receiver<Option<String>>,
    mut draining: watch::Receiver<bool>,
    status: &watch::Sender<Status>,
    url: &str,
) -> Infallible {
    let mut away = false;
    loop {
        let trouble = contact.borrow_and_update().clone();
        let drains = *draining.borrow_and_update();
        status.send_replace(match trouble {
            Some(why) => {
                let why = format!("Redis at {}: {why}", redact(url));
                if !away {
                    tracing::warn!("{why}; what it measures waits, and it tries again");
                }
                away = true;
                Status::Waiting(why)
            }
            None => {
                if std::mem::take(&mut away) {
                    tracing::info!("Redis at {} answers again", redact(url));
                }
                if drains { Status::Draining } else { Status::Working }
            }
        });
        let changed = async {
            tokio::select! {
                it = contact.changed() => it,
                it = draining.changed() => it,
            }
        };
        if changed.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The coordinator, as soon as it answers.
async fn reach(url: &str, status: &watch::Sender<Status>) -> Result<Arc<dyn Coordinator>, String> {
    let coordinator = redis(url)?;
    let mut wait = AGAIN.0;
    while let Err(error) = coordinator.now_us().await {
        let why = format!("Redis at {}: {error}", redact(url));
        status.send_replace(Status::Waiting(why.clone()));
        tracing::warn!("{why}; trying again in {} ms", wait.as_millis());
        sleep(wait).await;
        wait = (wait * 2).min(AGAIN.1);
    }
    tracing::info!("coordinated by Redis at {}", redact(url));
    Ok(coordinator)
}

/// What it does not load, whoever asks: the Redis that it takes its tasks from, and its own health.
async fn own_addresses(options: &Options) -> TargetList {
    let listeners: Vec<_> = options.actuator().into_iter().collect();
    let servers: Vec<_> = loadcore_redis::server(options.redis()).into_iter().collect();
    loadcore::http::own_addresses(&listeners, &servers).await
}

fn redis(url: &str) -> Result<Arc<dyn Coordinator>, String> {
    let coordinator = RedisCoordinator::new(&RedisOptions::new(url));
    Ok(Arc::new(coordinator.map_err(|error| error.to_string())?))
}

/// Starts the agent, and its heartbeats on a thread, a runtime and a connection of their own: a busy
/// worker must not look dead.
fn start(
    coordinator: Arc<dyn Coordinator>,
    options: &Options,
    policy: TargetPolicy,
    draining: watch::Receiver<bool>,
) -> Result<(JoinHandle<()>, watch::Receiver<Option<String>>), String> {
    let agent = Agent::new(
        coordinator,
        AgentOptions {
            name: options.name.clone(),
            threads: options.threads.map(usize::from),
            slack: options.slack,
            max_rps: options.max_rps,
            handover: options.handover,
            platform_key: options.platform_key,
            policy,
        },
    )?;
    let beats = agent.beats(redis(options.redis())?);
    let failed = |error| format!("the heartbeats could not be started: {error}");
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let thread = std::thread::Builder::new().name("heartbeats".into());
    thread.spawn(move || runtime.block_on(beats)).map_err(failed)?;
    tracing::info!("worker {} takes tasks", agent.worker());
    let contact = agent.contact();
    Ok((tokio::spawn(agent.run(draining)), contact))
}
