//! Runs that go on into workers inside the controller, where no other process could be one: a
//! platform on one machine.
//!
//! There are as many as the runs that go on ask for together, at most as many as was allowed. They
//! stay for the runs to come; an idle one costs a heartbeat a second. Heartbeats have a thread and a
//! runtime of their own, so that a busy controller does not look like a dead worker.

use loadcore::cluster::agent::{Agent, AgentOptions};
use loadcore::cluster::{Coordinator, Store};
use loadcore::http::TargetPolicy;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;

/// How often runs are counted that nobody announced: those of the time before a restart.
const LOOK: Duration = Duration::from_secs(5);

/// Tells the local workers' keeper that there is something to do.
#[derive(Debug, Clone, Default)]
pub struct LocalWorkers {
    wake: Arc<Notify>,
}

impl LocalWorkers {
    /// A run was submitted: it may need more workers.
    pub fn run_submitted(&self) {
        self.wake.notify_one();
    }

    /// Keeps as many workers as the runs need, until `drain` is true; then ends all of them.
    pub async fn keep(
        self,
        store: Arc<dyn Store>,
        coordinator: Arc<dyn Coordinator>,
        most: u32,
        policy: TargetPolicy,
        mut drain: watch::Receiver<bool>,
    ) {
        let Some(heart) = Heart::start() else { return };
        let mut workers = JoinSet::new();
        loop {
            let wanted = wanted(&*store).await.unwrap_or(0).min(most) as usize;
            while workers.len() < wanted {
                let number = workers.len() + 1;
                let options = options(number, wanted, &policy);
                match Agent::new(Arc::clone(&coordinator), options) {
                    Ok(agent) => {
                        heart.beats.spawn(agent.beats(Arc::clone(&coordinator)));
                        workers.spawn(agent.run(drain.clone()));
                        tracing::info!("started worker {number} inside the controller");
                    }
                    Err(error) => {
                        tracing::error!("a worker could not be started: {error}");
                        break;
                    }
                }
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                // One that a person drained is gone: another takes its place when it is needed.
                Some(_) = workers.join_next() => {}
                _ = drain.wait_for(|drain| *drain) => break,
            }
        }
        // Whoever waits for the end of this has a deadline.
        while workers.join_next().await.is_some() {}
    }
}

/// How many workers the runs that go on ask for together.
async fn wanted(store: &dyn Store) -> Option<u32> {
    let runs = store.open_runs().await.ok()?;
    let asked = |run: &loadcore::cluster::store::RunRecord| {
        run.scenario.get("numWorkers").and_then(serde_json::Value::as_u64).unwrap_or(1) as u32
    };
    Some(runs.iter().map(asked).fold(0, u32::saturating_add))
}

/// Workers of one process share its processors.
fn options(number: usize, workers: usize, policy: &TargetPolicy) -> AgentOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    AgentOptions {
        name: format!("local-{number}"),
        threads: Some((cores / workers.max(1)).max(1)),
        policy: policy.clone(),
        ..AgentOptions::default()
    }
}

/// The thread of the heartbeats. It ends when this is dropped.
struct Heart {
    beats: Handle,
    _end: oneshot::Sender<()>,
}

impl Heart {
    fn start() -> Option<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.inspect_err(|error| tracing::error!("no heartbeats: {error}")).ok()?;
        let beats = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("heartbeats".into());
        thread
            .spawn(move || runtime.block_on(async { drop(ended.await) }))
            .inspect_err(|error| tracing::error!("no heartbeats: {error}"))
            .ok()?;
        Some(Self { beats, _end: end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_the_processors() {
        let threads = |workers| options(1, workers, &TargetPolicy::default()).threads.unwrap();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(threads(1), cores);
        assert_eq!(threads(1_000), 1);
    }
}
