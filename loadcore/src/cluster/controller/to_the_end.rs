//! Turns a scenario into the result of a run on this platform: a cluster as a function call.

use super::LocalWorkers;
use super::api::{Command, ControllerError, KnownResult};
use super::{Controller, ControllerOptions};
use crate::cluster::memory::{MemoryCoordinator, MemoryStore};
use crate::cluster::store::{RunRecord, RunState};
use crate::cluster::{AgentOptions, Owner, RunId};
use crate::result::RunResult;
use crate::scenario::Scenario;
use crate::time::now;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long a run may take beyond all that its scenario allows: for its workers to get ready, for a
/// store that is away for a while, and for its figures to be merged.
const SPARE: Duration = Duration::from_secs(90);
/// How often it is looked whether a run has ended.
const LOOK: Duration = Duration::from_millis(100);
/// The same of one that another controller drives, which the store is asked about.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(1);

impl Controller {
    /// A whole platform in this process: it keeps what it has in memory, and starts as many workers
    /// as a scenario asks for, `workers` at most. Others are [started](Controller::start) with a store
    /// and a coordinator of their own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn in_process(workers: usize) -> Result<Self, ControllerError> {
        let options = AgentOptions::default();
        let options = ControllerOptions {
            local_workers: Some(LocalWorkers { most: workers, options }),
            ..ControllerOptions::default()
        };
        let store = Arc::new(MemoryStore::new());
        Self::start(store, Arc::new(MemoryCoordinator::new()), options).await
    }

    /// Runs a scenario on this platform, whatever its `autoStart` says, and waits for its end. The
    /// scenario and the run are kept, as [`Owner::local`]'s, and so are the secrets that it names. Dropping the future stops the run.
    ///
    /// # Errors
    /// When the scenario may not be run here ([`ControllerError::Invalid`]), the run has come to no
    /// result that counts, with the reason ([`ControllerError::NotMade`]; what was measured all the same
    /// is its [`result`](Controller::result)), or it has not ended long after its time
    /// ([`ControllerError::Overdue`]). Requests that fail are part of the result.
    pub async fn run(&self, scenario: &Scenario) -> Result<RunResult, ControllerError> {
        let owner = Owner::local();
        let mut document = scenario.to_value();
        if let Some(named) = &scenario.named {
            document.clone_from(&named.document);
            for (name, value) in &named.values {
                self.keep_secret(&owner, name, value).await?;
            }
        }
        document["autoStart"] = json!(true);
        let made = self.create_scenario(&owner, document, None).await?;
        let run = made.run_id.unwrap_or_else(RunId::random);
        let mut guard = StopOnDrop { run: Some((self.clone(), owner.clone(), run.clone())) };
        let ended = self.ended(&owner, &run, self.patience(scenario)).await;
        if ended.is_ok() {
            guard.run = None;
        }
        self.result_that_counts(&ended?).await
    }

    /// How long a run of the scenario may take, pauses not counted.
    fn patience(&self, scenario: &Scenario) -> Duration {
        let load = scenario.warmup + scenario.end().latest() + scenario.drain;
        let waits = scenario.queue_wait + scenario.worker_wait;
        waits + load + self.inner().options.evidence_wait + SPARE
    }

    /// Waits for a run's end.
    async fn ended(
        &self,
        owner: &Owner,
        run: &RunId,
        within: Duration,
    ) -> Result<RunRecord, ControllerError> {
        let (mut waited, mut state) = (Duration::ZERO, RunState::Queued);
        loop {
            let looked = now();
            match self.record(owner, run).await {
                Ok(Some(record)) if record.state.has_ended() => return Ok(record),
                Ok(Some(record)) => state = record.state,
                Ok(None) => return Err(ControllerError::NoRun(run.clone())),
                // A store that is away for a while is asked again.
                Err(ControllerError::Store(error)) if !error.is_lasting() => {}
                Err(error) => return Err(error),
            }
            if waited > within {
                return Err(ControllerError::Overdue { run: run.clone(), state, within });
            }
            let is_here = self.inner().driven(owner, run).is_some();
            tokio::time::sleep(if is_here { LOOK } else { LOOK_ELSEWHERE }).await;
            if state != RunState::Paused {
                waited += now().saturating_duration_since(looked);
            }
        }
    }

    async fn result_that_counts(&self, ended: &RunRecord) -> Result<RunResult, ControllerError> {
        let (state, result) = (ended.state, self.result(&ended.owner, &ended.id).await?);
        match result {
            KnownResult::Final(result) | KnownResult::Live(result) if state != RunState::Failed => {
                Ok(*result)
            }
            _ => {
                let why = ended.warnings.last().map_or("nothing was measured", String::as_str);
                Err(ControllerError::NotMade { run: ended.id.clone(), state, why: why.to_owned() })
            }
        }
    }
}

/// A run that nobody waits for any more makes no load.
struct StopOnDrop {
    run: Option<(Controller, Owner, RunId)>,
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let Some((controller, owner, run)) = self.run.take() else { return };
        // Without a runtime the controller has ended, and its workers with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { controller.command(&owner, &run, Command::Stop).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::store::Page;

    fn scenario(fields: serde_json::Value) -> Scenario {
        let mut document = json!({
            "name": "a", "targetUrl": "http://127.0.0.1:9/", "durationSeconds": 1,
            "workerWaitSeconds": 0.2, "autoStart": false,
            "loadProfile": {"type": "CONSTANT", "initialRps": 50},
        });
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Scenario::from_value(document).unwrap()
    }

    /// Nobody listens at the target, and that is no fault of the run.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_scenario_is_run_to_its_end_and_kept() {
        let platform = Controller::in_process(2).await.unwrap();
        let result = platform.run(&scenario(json!({"numWorkers": 2}))).await.unwrap();
        assert_eq!((result.arrivals.due, result.outcomes.failed), (50, 50), "{result:?}");
        assert!(result.complete && result.environment.workers == 2);
        let page = Page { after: None, most: 9 };
        let runs = platform.store().runs(&Owner::local(), None, &page).await.unwrap();
        assert_eq!((runs.len(), runs[0].state), (1, RunState::Completed));
        platform.shut_down().await;
    }

    #[tokio::test]
    async fn why_a_run_could_not_be_made_is_told() {
        let platform = Controller::in_process(0).await.unwrap();
        let told = platform.run(&scenario(json!({}))).await.unwrap_err().to_string();
        assert!(told.contains("ended as FAILED: no worker came within"), "{told}");
        let metadata = scenario(json!({"targetUrl": "http://169.254.169.254/"}));
        let told = platform.run(&metadata).await.unwrap_err().to_string();
        assert!(told.contains("targetUrl: ") && told.contains("may not be loaded"), "{told}");
    }

    #[tokio::test]
    async fn a_run_that_does_not_end_is_told_to_stop() {
        let platform = Controller::in_process(0).await.unwrap();
        let (owner, long) = (Owner::local(), scenario(json!({"workerWaitSeconds": 3_600})));
        let mut document = long.to_value();
        document["autoStart"] = json!(true);
        let made = platform.create_scenario(&owner, document, None).await.unwrap();
        let run = made.run_id.unwrap();
        let guard = StopOnDrop { run: Some((platform.clone(), owner.clone(), run.clone())) };
        let waits = platform.ended(&owner, &run, Duration::ZERO).await.unwrap_err();
        assert!(matches!(waits, ControllerError::Overdue { .. }), "{waits}");
        assert!(waits.to_string().contains("has not ended within 0 s"), "{waits}");
        drop(guard);
        let ended = platform.ended(&owner, &run, Duration::from_secs(60)).await.unwrap();
        assert_eq!(ended.state, RunState::Aborted);
        let told = platform.result_that_counts(&ended).await.unwrap_err().to_string();
        assert!(told.contains("ended as ABORTED: "), "{told}");
    }

    #[tokio::test]
    async fn nobody_waits_for_it_any_more_and_it_is_stopped() {
        let platform = Controller::in_process(0).await.unwrap();
        let long = scenario(json!({"workerWaitSeconds": 3_600}));
        let waits = tokio::time::timeout(Duration::from_millis(300), platform.run(&long)).await;
        assert!(waits.is_err(), "no worker is there: {waits:?}");
        let (page, owner) = (Page { after: None, most: 9 }, Owner::local());
        let runs = platform.store().runs(&owner, None, &page).await.unwrap();
        let ended = platform.ended(&owner, &runs[0].id, Duration::from_secs(60)).await.unwrap();
        assert_eq!((runs.len(), ended.state), (1, RunState::Aborted));
    }

    #[tokio::test]
    async fn the_wait_has_a_bound_whatever_the_scenario_says() {
        let platform = Controller::in_process(0).await.unwrap();
        let of = |fields| platform.patience(&scenario(fields)).as_secs();
        let beyond = 600 + 1 + 5 + 10 + SPARE.as_secs();
        assert_eq!(of(json!({"workerWaitSeconds": 0})), beyond);
        let endless = json!({"workerWaitSeconds": 0, "durationSeconds": 604_800, "maxRequests": 5});
        assert_eq!(of(endless), beyond - 1 + 604_800);
    }
}
