//! Workers that live in the controller's own process: a whole platform on one machine.

use crate::cluster::Coordinator;
use crate::cluster::agent::{Agent, AgentOptions};
use std::sync::{Arc, Mutex, PoisonError};
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
    started: Mutex<Vec<(JoinHandle<()>, watch::Sender<bool>)>>,
}

impl LocalPool {
    pub(super) fn new(settings: LocalWorkers) -> Self {
        Self { settings, started: Mutex::default() }
    }

    /// Starts as many as are lacking: `idle` could take a task now, and `wanted` are needed.
    pub(super) fn want(&self, coordinator: &Arc<dyn Coordinator>, idle: usize, wanted: usize) {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.retain(|(task, _)| !task.is_finished());
        let lacking = wanted.saturating_sub(idle);
        let lacking = lacking.min(self.settings.most.saturating_sub(started.len()));
        for _ in 0..lacking {
            let name = format!("local-{}", started.len() + 1);
            let options = AgentOptions { name, ..self.settings.options.clone() };
            // Without randomness for its keys it could not be given a plan.
            let Ok(agent) = Agent::new(Arc::clone(coordinator), options) else { return };
            let (drain, drained) = watch::channel(false);
            started.push((tokio::spawn(agent.run_with_beats(drained)), drain));
        }
    }

    /// Ends them.
    pub(super) fn end(&self) {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        for (task, _) in started.drain(..) {
            task.abort();
        }
    }
}
