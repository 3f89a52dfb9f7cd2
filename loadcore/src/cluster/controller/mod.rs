//! Scenarios into runs on many workers: plans, orders, merges, judges, keeps.

pub mod api;

use crate::cluster::secrets::Secrets;
use crate::cluster::store::{RunRecord, ScenarioRecord};
use crate::cluster::{Coordinator, Owner, RunId, Store};
use api::{Command, ControllerError, Figures, Frame, Outcome, Realtime, WorkerView};
use std::sync::Arc;

/// Workers in this process.
#[derive(Debug, Clone)]
pub struct LocalWorkers {
    /// At most so many.
    pub most: usize,
    /// How each works. Their names are numbered.
    pub options: crate::cluster::agent::AgentOptions,
}

/// How a controller works.
#[derive(Debug, Clone)]
pub struct ControllerOptions {
    /// Where its API is, for people and for controllers that stand by.
    pub address: String,
    /// Which addresses may be loaded, checked here before a run is accepted and on each worker when
    /// it dials.
    pub policy: crate::http::TargetPolicy,
    /// With what secrets are sealed at rest.
    pub secrets: Secrets,
    /// Workers in this process, started when a scenario asks for them.
    pub local_workers: Option<LocalWorkers>,
}

/// A running controller. Clones are the same one; it ends with [`Controller::shut_down`] or when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Controller {
    #[expect(dead_code)]
    inner: Arc<()>,
}

impl Controller {
    /// Starts one, in a tokio runtime. It leads at once, or as soon as no other does.
    ///
    /// # Errors
    /// When store or coordinator do not answer.
    pub async fn start(
        _store: Arc<dyn Store>,
        _coordinator: Arc<dyn Coordinator>,
        _options: ControllerOptions,
    ) -> Result<Self, ControllerError> {
        Ok(Self { inner: Arc::new(()) })
    }

    /// Whether it leads; one that does not answers reading calls alone.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        true
    }

    /// Makes a run of a scenario and drives it to its end.
    ///
    /// # Errors
    /// See [`ControllerError`].
    pub async fn submit(&self, _scenario: &ScenarioRecord) -> Result<RunRecord, ControllerError> {
        Err(ControllerError::StandsBy("skeleton".into()))
    }

    /// Changes a running test. The change reaches every worker within 2 s.
    ///
    /// # Errors
    /// See [`ControllerError`].
    pub async fn command(
        &self,
        _owner: &Owner,
        run: &RunId,
        _command: Command,
    ) -> Result<(), ControllerError> {
        Err(ControllerError::NoRun(run.clone()))
    }

    /// The run's record: the live one of a run that goes on.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn run(
        &self,
        _owner: &Owner,
        _run: &RunId,
    ) -> Result<Option<RunRecord>, ControllerError> {
        Ok(None)
    }

    /// The run's result, live or final.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn result(&self, _owner: &Owner, run: &RunId) -> Result<Outcome, ControllerError> {
        Err(ControllerError::NoRun(run.clone()))
    }

    /// The statistics of the last `seconds` (1 to 3600) complete intervals.
    ///
    /// # Errors
    /// When there is no such run, or the store does not answer.
    pub async fn realtime(
        &self,
        _owner: &Owner,
        run: &RunId,
        _seconds: u32,
    ) -> Result<Realtime, ControllerError> {
        Err(ControllerError::NoRun(run.clone()))
    }

    /// The frames of a run after number `since`, as they come; ends after the frame `End`. Of a run
    /// that has ended, those that are still known, then `End`. A slow reader misses frames (their
    /// numbers show it) and never slows the run.
    ///
    /// # Errors
    /// When there is no such run, or the store does not answer.
    pub async fn frames(
        &self,
        _owner: &Owner,
        run: &RunId,
        _since: u64,
    ) -> Result<Frames, ControllerError> {
        Err(ControllerError::NoRun(run.clone()))
    }

    /// The workers that are known.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerView> {
        Vec::new()
    }

    /// Lets a worker finish or hand over what it has, and end.
    ///
    /// # Errors
    /// When the coordinator does not answer; `Refused` when there is no such worker.
    pub async fn drain_worker(&self, _worker: &str) -> Result<(), ControllerError> {
        Err(ControllerError::Refused("skeleton".into()))
    }

    /// Sums for monitoring.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures::default()
    }

    /// Ends it: gives up the lead so that another need not wait. Runs go on, and the next controller
    /// completes them.
    pub async fn shut_down(&self) {}
}

/// A run's frames; see [`Controller::frames`].
pub struct Frames {}

impl Frames {
    /// The next one; `None` after the last.
    pub async fn next(&mut self) -> Option<Frame> {
        None
    }
}
