//! A worker: takes tasks, makes its part of each run's load, hands in what it measured. A skeleton
//! of its facade.

use super::{Coordinator, WorkerId};
use crate::http::TargetPolicy;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How a worker works.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    /// What people call it; the worker's id where empty.
    pub name: String,
    /// Engine threads; all cores where `None`.
    pub threads: Option<usize>,
    /// How long the pacer may let due requests gather; 100 us where `None`.
    pub slack: Option<Duration>,
    /// The greatest arrival rate that it takes on, for people to see.
    pub max_rps: Option<f64>,
    /// Which addresses it dials.
    pub policy: TargetPolicy,
}

/// A worker of a platform.
pub struct Agent {
    worker: WorkerId,
}

impl Agent {
    /// A worker with a new identity.
    ///
    /// # Errors
    /// When the system has no randomness for its keys.
    pub fn new(_coordinator: Arc<dyn Coordinator>, _options: AgentOptions) -> Result<Self, String> {
        Ok(Self { worker: WorkerId::random() })
    }

    /// Its identity: a new one for each start.
    #[must_use]
    pub fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// The loop of heartbeats over a coordinator: a connection of its own, best on a thread and a
    /// runtime of its own. Ends when [`Agent::run`] has.
    pub fn beats(
        &self,
        _coordinator: Arc<dyn Coordinator>,
    ) -> impl Future<Output = ()> + Send + 'static {
        std::future::ready(())
    }

    /// Takes and serves tasks until `drain` is true (or its sender gone); then it finishes or hands
    /// over what it has, and says goodbye.
    pub async fn run(self, mut drain: watch::Receiver<bool>) {
        let _ = drain.wait_for(|drain| *drain).await;
    }
}
