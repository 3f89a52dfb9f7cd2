//! Makes runs, and hands commands and results to those that drive them here.

use super::api::{Command, ControllerError};
use super::driver::{Driven, Message};
use super::{AGAIN, Controller, Inner};
use crate::cluster::store::{Kind, RunRecord, RunState, ScenarioRecord, TimelineEvent};
use crate::cluster::{Owner, RunId};
use crate::time::unix_millis;
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Results fetched at once.
const BATCH: usize = 500;
/// How long a question for results waits.
const RESULTS_WAIT: Duration = Duration::from_secs(1);
/// How long a driver may take to answer a command.
const ANSWER: Duration = Duration::from_secs(5);

/// A run that is driven here, or was until a moment ago.
pub(super) struct Run {
    pub(super) driven: Arc<Driven>,
    pub(super) task: JoinHandle<()>,
}

/// However it leaves the list (it has lingered, it was deleted, another controller leads): whoever
/// watches it is told, for nothing more comes from here.
impl Drop for Run {
    fn drop(&mut self) {
        self.driven.live().told.close();
        self.driven.changes.send_modify(|changes| *changes += 1);
    }
}

impl Controller {
    /// Makes a run of a scenario, whose secrets are sealed, and drives it to its end.
    ///
    /// # Errors
    /// See [`ControllerError`].
    pub async fn submit(&self, scenario: &ScenarioRecord) -> Result<RunRecord, ControllerError> {
        self.submit_as(RunId::random(), scenario).await
    }

    /// The same under an id that was chosen before. Where there is a run of that id and owner
    /// already, that one is answered and nothing is made: so who got no answer may ask again.
    ///
    /// # Errors
    /// See [`ControllerError`].
    pub async fn submit_as(
        &self,
        id: RunId,
        scenario: &ScenarioRecord,
    ) -> Result<RunRecord, ControllerError> {
        self.submit_with(id, scenario, Vec::new()).await
    }

    /// The same with what its timeline begins with.
    pub(super) async fn submit_with(
        &self,
        id: RunId,
        scenario: &ScenarioRecord,
        timeline: Vec<TimelineEvent>,
    ) -> Result<RunRecord, ControllerError> {
        self.inner().must_lead()?;
        let record = RunRecord {
            id,
            owner: scenario.owner.clone(),
            scenario_id: scenario.id.clone(),
            revision: 0,
            created_unix_ms: unix_millis(),
            ended_unix_ms: None,
            state: RunState::Queued,
            since: BTreeMap::new(),
            ends_as: None,
            scenario: scenario.document.clone(),
            journal: Vec::new(),
            reached: 0,
            plan_key: String::new(),
            secrets: self.sealed_values(scenario).await?,
            warnings: Vec::new(),
            timeline,
            baseline: false,
            told: Vec::new(),
            summary: None,
        };
        let opened = self.inner().open(&record)?;
        let _alone = self.inner().starting.lock().await;
        self.inner().must_not_be_halted().await?;
        self.inner().may_start(&record, &opened).await?;
        let policy = self.inner().policy_of(&record.owner).await?;
        match self.inner().store.insert_run(&record).await {
            Ok(()) => {
                Inner::drive(self.inner(), record.clone(), opened, policy);
                Ok(record)
            }
            Err(error) if error.kind == Kind::Exists => {
                // Whoever made it drives it, or finds it among the open ones.
                self.record(&record.owner, &record.id).await?.ok_or_else(|| error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a running test. The change reaches every worker within 2 s.
    ///
    /// # Errors
    /// See [`ControllerError`].
    pub async fn command(
        &self,
        owner: &Owner,
        run: &RunId,
        command: Command,
    ) -> Result<(), ControllerError> {
        let Some(driven) = self.inner().driven(owner, run) else {
            let Some(record) = self.inner().store.run(owner, run).await? else {
                return Err(ControllerError::NoRun(run.clone()));
            };
            self.inner().must_lead()?;
            return Err(ended(&record));
        };
        if let Command::Rate { target_rps, .. } = command {
            self.inner().may_go_to(owner, run, target_rps).await?;
        }
        let (send, answer) = oneshot::channel();
        let given = driven.inbox.send(Message::Command(command, send)).await;
        let answer = async {
            given.ok()?;
            tokio::time::timeout(ANSWER, answer).await.ok()?.ok()
        };
        match answer.await {
            Some(answer) => answer,
            // Its driver has gone: the run has ended meanwhile.
            None => Err(ended(&driven.live().record)),
        }
    }
}

fn ended(record: &RunRecord) -> ControllerError {
    ControllerError::HasEnded { run: record.id.clone(), state: record.state }
}

impl Inner {
    pub(super) fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn driven(&self, owner: &Owner, run: &RunId) -> Option<Arc<Driven>> {
        let driven = Arc::clone(&self.runs().get(run)?.driven);
        let same = driven.live().record.owner == *owner;
        same.then_some(driven)
    }

    /// Hands results to their runs' drivers.
    pub(super) async fn fetch_results(self: Arc<Self>) {
        loop {
            if !self.is_leading() {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            match self.coordinator.results(self.term(), BATCH, RESULTS_WAIT).await {
                Ok(results) => {
                    for snapshot in results {
                        let inbox =
                            self.runs().get(&snapshot.run).map(|run| run.driven.inbox.clone());
                        // Of a run that is not driven here nobody wants it; what a full inbox turns
                        // away comes again with the next snapshot.
                        if let Some(inbox) = inbox {
                            let is_final = snapshot.is_final;
                            let message = Message::Snapshot(Box::new(snapshot));
                            if is_final {
                                let _ = tokio::time::timeout(ANSWER, inbox.send(message)).await;
                            } else {
                                let _ = inbox.try_send(message);
                            }
                        }
                    }
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }
}
