//! Starts workers in the controller's own process: a whole platform on one machine.

use crate::cluster::Coordinator;
use crate::cluster::agent::{Agent, AgentOptions};
use crate::cluster::signed::PublicKey;
use crate::time::now;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Workers in this process.
#[derive(Debug, Clone)]
pub struct LocalWorkers {
    /// At most so many.
    pub most: usize,
    /// How each works. Their names are numbered.
    pub options: AgentOptions,
}

/// Those that were started.
pub(super) struct LocalPool {
    settings: LocalWorkers,
    platform_key: PublicKey,
    started: Mutex<Vec<(JoinHandle<()>, watch::Sender<bool>)>>,
    halt: watch::Sender<bool>,
}

impl LocalPool {
    pub(super) fn new(settings: LocalWorkers, platform_key: PublicKey) -> Self {
        let halt = watch::Sender::new(false);
        Self { settings, platform_key, started: Mutex::default(), halt }
    }

    /// How many more may be started.
    pub(super) fn room(&self) -> usize {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.retain(|(task, _)| !task.is_finished());
        if *self.halt.borrow() { 0 } else { self.settings.most.saturating_sub(started.len()) }
    }

    /// Starts as many as are lacking: `idle` could take a task now, and `wanted` are needed.
    pub(super) fn want(&self, coordinator: &Arc<dyn Coordinator>, idle: usize, wanted: usize) {
        if *self.halt.borrow() {
            return;
        }
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.retain(|(task, _)| !task.is_finished());
        let lacking = wanted.saturating_sub(idle);
        let lacking = lacking.min(self.settings.most.saturating_sub(started.len()));
        for _ in 0..lacking {
            let name = format!("local-{}", started.len() + 1);
            let platform_key = Some(self.platform_key);
            let options = AgentOptions { name, platform_key, ..self.settings.options.clone() };
            // Without randomness for its keys it could not be given a plan.
            let Ok(agent) = Agent::new(Arc::clone(coordinator), options) else { return };
            let agent = agent.with_halt(self.halt.subscribe());
            let (drain, drained) = watch::channel(false);
            started.push((tokio::spawn(agent.run_with_beats(drained)), drain));
        }
    }

    /// Lets them make no more load, hand in what they have measured, and end, within so long. There
    /// are no new ones after that.
    pub(super) async fn halt(&self, within: Duration) {
        self.halt.send_replace(true);
        let started: Vec<_> = {
            let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
            started.drain(..).collect()
        };
        let deadline = tokio::time::Instant::from_std(now() + within);
        for (mut task, _drain) in started {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    /// Ends them at once.
    pub(super) fn end(&self) {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        for (task, _) in started.drain(..) {
            task.abort();
        }
    }
}
