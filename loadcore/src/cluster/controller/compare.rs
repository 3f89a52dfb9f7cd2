//! Turns a scenario and a run into a baseline, and two runs into what became different between them.

use super::Controller;
use super::api::{ControllerError, KnownResult};
use crate::analysis::compare::{Comparison, Tolerance, compare};
use crate::cluster::store::{RunRecord, ScenarioRecord};
use crate::cluster::{Owner, RunId};
use crate::result::RunResult;
use crate::time::unix_millis;

impl Controller {
    /// Names the run of a scenario that its others are compared with; `None`: none any more. As long as
    /// it is one it is not forgotten, and cannot be deleted.
    ///
    /// # Errors
    /// When there is no such run, it is another scenario's, it has no final result, somebody changed the
    /// scenario since it was read, another controller leads, or the store does not answer.
    pub async fn set_baseline(
        &self,
        read: ScenarioRecord,
        run: Option<&RunId>,
    ) -> Result<ScenarioRecord, ControllerError> {
        self.inner().must_lead()?;
        let owner = &read.owner;
        if let Some(run) = run {
            let found = self.record(owner, run).await?;
            let of = found.ok_or_else(|| ControllerError::NoRun(run.clone()))?.scenario_id;
            if of != read.id {
                let why = format!("run {run} is one of scenario {of}: give a run of this one");
                return Err(ControllerError::Refused(why));
            }
            drop(self.final_result(owner, run).await?);
            self.mark(owner, run, true).await?;
        }
        let changed_unix_ms = unix_millis();
        let changed = ScenarioRecord { baseline: run.cloned(), changed_unix_ms, ..read.clone() };
        let (replaced, gone) = match self.store().replace_scenario(&changed).await? {
            true => (Ok(ScenarioRecord { revision: read.revision + 1, ..changed }), &read.baseline),
            false => (Err(ControllerError::ChangedMeanwhile(read.id)), &run.cloned()),
        };
        if let Some(gone) = gone.as_ref().filter(|gone| replaced.is_err() || Some(*gone) != run) {
            self.fades(owner, gone).await;
        }
        replaced
    }

    /// Compares a run with another one, or with the baseline of its scenario.
    ///
    /// # Errors
    /// When there is no such run, the scenario has no baseline, one of the runs goes on or has no result,
    /// or the store does not answer.
    pub async fn comparison(
        &self,
        owner: &Owner,
        base: Option<&RunId>,
        candidate: &RunId,
        tolerance: Tolerance,
    ) -> Result<Comparison, ControllerError> {
        let judged = self.final_result(owner, candidate).await?;
        let base = match base {
            Some(run) => run.clone(),
            None => self.baseline_of(owner, candidate).await?,
        };
        let with = self.final_result(owner, &base).await?;
        Ok(compare(&[with], &[judged], tolerance))
    }

    /// Whether a run is the baseline of its scenario.
    pub(super) async fn is_baseline(&self, run: &RunRecord) -> Result<bool, ControllerError> {
        let scenario = self.store().scenario(&run.owner, &run.scenario_id).await?;
        Ok(scenario.is_some_and(|scenario| scenario.baseline.as_ref() == Some(&run.id)))
    }

    /// A run that is no baseline any more is forgotten in its time. Where that cannot be noted it is kept
    /// for longer, which does no harm.
    pub(super) async fn fades(&self, owner: &Owner, run: &RunId) {
        if let Err(error) = self.mark(owner, run, false).await {
            tracing::warn!("run {run} is no baseline any more, and is kept as one: {error}");
        }
    }

    async fn baseline_of(&self, owner: &Owner, run: &RunId) -> Result<RunId, ControllerError> {
        let record = self.record(owner, run).await?;
        let of = record.ok_or_else(|| ControllerError::NoRun(run.clone()))?.scenario_id;
        let none = || {
            ControllerError::Refused(format!("scenario {of} has no baseline: name one of its runs"))
        };
        let scenario = self.store().scenario(owner, &of).await?;
        scenario.and_then(|scenario| scenario.baseline).ok_or_else(none)
    }

    async fn final_result(&self, owner: &Owner, run: &RunId) -> Result<RunResult, ControllerError> {
        match self.result(owner, run).await? {
            KnownResult::Final(result) => Ok(*result),
            KnownResult::Live(_) => Err(goes_on(run)),
            KnownResult::Nothing => {
                Err(ControllerError::Refused(format!("nothing was measured in run {run}")))
            }
        }
    }

    async fn mark(
        &self,
        owner: &Owner,
        run: &RunId,
        baseline: bool,
    ) -> Result<(), ControllerError> {
        let record = self.store().run(owner, run).await?;
        let record = record.ok_or_else(|| ControllerError::NoRun(run.clone()))?;
        if !record.state.has_ended() {
            return Err(goes_on(run));
        }
        let changed = RunRecord { baseline, ..record };
        if self.store().replace_run(&changed).await? {
            return Ok(());
        }
        Err(ControllerError::Refused(format!("run {run} was changed meanwhile: try again")))
    }
}

fn goes_on(run: &RunId) -> ControllerError {
    ControllerError::Refused(format!("run {run} goes on: ask again when it has ended"))
}
