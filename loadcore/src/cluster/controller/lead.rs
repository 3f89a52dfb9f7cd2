//! Turns claims into one leader, and open runs into runs that are driven.
//!
//! Two tasks that never wait for each other. One renews the lead with the coordinator every second
//! and asks nothing else, so a store that is away takes the lead from nobody. The other looks for
//! open runs in the store, and drives those that nobody drives. A controller that could not read
//! them claims nothing, and one that then cannot gives the lead up: its greater term would only
//! keep the others out. Neither does one lead that has another secret key than the one before it:
//! it could not stop the load that it would be the only one to answer for.

use super::api::ControllerError;
use super::driver::{Driven, Driver};
use super::runs::Run;
use super::{AGAIN, INBOX, Inner, LINGER};
use crate::cluster::coordinator::{Kind, Leader};
use crate::cluster::journal::{Line, said_by_anybody};
use crate::cluster::secrets::{OTHER_KEY, PlanKey};
use crate::cluster::standing::Standing;
use crate::cluster::store::{RunRecord, RunState};
use crate::cluster::{CoordinatorError, RunId};
use crate::http::TargetPolicy;
use crate::scenario::{Scenario, limits::MAX_ALERTS};
use crate::time::{now, unix_millis};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a controller leads that says nothing more.
const LEASE: Duration = Duration::from_secs(5);
/// How often the lead is renewed.
const RENEW: Duration = Duration::from_secs(1);
/// How often it is looked for runs that nobody drives.
const ADOPT: Duration = Duration::from_secs(5);

/// How far a controller is with leading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// Another leads, or nobody.
    Others,
    /// The coordinator has given it the lead; it has not read yet what is open.
    Given,
    /// It drives what is open.
    Ours,
}

impl Inner {
    /// Leads at once if no other does.
    pub(super) async fn begin(self: &Arc<Self>) -> Result<(), ControllerError> {
        self.learn_clock().await?;
        match self.look_at_runs().await {
            // It stands by, and answers reading calls.
            Err(ControllerError::CannotLead(_)) => return Ok(()),
            looked => looked?,
        }
        self.claim_lead().await?;
        if *self.lead.borrow() == Lead::Given
            && let Err(error) = self.look_at_runs().await
        {
            self.give_up().await;
            return Err(error);
        }
        Ok(())
    }

    /// Takes the lead when nobody has it, and renews it.
    pub(super) async fn keep_lead(self: Arc<Self>) {
        loop {
            tokio::time::sleep(RENEW).await;
            let may_lead = self.is_leading() || self.trouble.borrow().is_none();
            // Without an answer nobody else can lead either.
            let _ = tokio::join!(self.learn_clock(), async {
                if may_lead {
                    let _ = self.claim_lead().await;
                } else if *self.lead.borrow() != Lead::Others {
                    self.give_up().await;
                }
            });
        }
    }

    /// Drives what is open and driven by nobody, for whatever reason. While another leads it is
    /// looked whether this one could.
    pub(super) async fn keep_driving(self: Arc<Self>) {
        let mut lead = self.lead.subscribe();
        loop {
            let given = lead.wait_for(|lead| *lead == Lead::Given);
            let _ = tokio::time::timeout(ADOPT, given).await;
            while self.look_at_runs().await.is_err() {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    async fn learn_clock(&self) -> Result<(), CoordinatorError> {
        let sent = now();
        let us = self.coordinator.now_us().await?;
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).learn(sent, now(), us);
        Ok(())
    }

    /// Takes or renews the lead, or hears who has it.
    async fn claim_lead(&self) -> Result<(), ControllerError> {
        let claim = self.claim();
        match self.coordinator.lead(&claim, LEASE).await {
            Ok(leader) if leader.controller == claim.controller => {
                self.term.store(claim.term, Ordering::Release);
                *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = Some(leader);
                self.lead.send_if_modified(|lead| {
                    let new = *lead == Lead::Others;
                    if new {
                        *lead = Lead::Given;
                    }
                    new
                });
            }
            Ok(leader) => self.stand_by(Some(leader)),
            Err(CoordinatorError { kind: Kind::Superseded(_), .. }) => {
                self.stand_by(None);
                // The next claim is of a newer term.
                let term = self.store.next_term().await?;
                self.claim.lock().unwrap_or_else(PoisonError::into_inner).term = term;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Lets another lead, who need not wait for the lease's end.
    pub(super) async fn give_up(&self) {
        self.stand_by(None);
        // Without an answer the lease ends by itself.
        let _ = self.coordinator.abdicate(&self.claim()).await;
    }

    pub(super) fn stand_by(&self, leader: Option<Leader>) {
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = leader;
        if self.lead.send_replace(Lead::Others) != Lead::Others {
            self.stop_driving();
        }
    }

    fn stop_driving(&self) {
        // Not under the lock, which a driver takes when it goes.
        let runs = std::mem::take(&mut *self.runs());
        runs.values().for_each(|run| run.task.abort());
    }

    /// Reads what is open, and drives it if this controller leads.
    async fn look_at_runs(self: &Arc<Self>) -> Result<(), ControllerError> {
        // What is given while the store is being asked is another look's: what it answers may be
        // older than the last leader's last word.
        let (asked_as, term) = (*self.lead.borrow(), self.term());
        let reported = self.reported_runs();
        let open = self.open_runs().await;
        let trouble = open.as_ref().err().map(|error| match error {
            ControllerError::CannotLead(why) => why.clone(),
            error => error.to_string(),
        });
        self.trouble.send_if_modified(|known| {
            let changed = *known != trouble;
            *known = trouble;
            changed
        });
        let open = open?;
        if asked_as == Lead::Given {
            self.lead.send_if_modified(|lead| {
                let still = *lead == Lead::Given && self.term() == term;
                if still {
                    *lead = Lead::Ours;
                }
                still
            });
        }
        if asked_as != Lead::Others && self.is_leading() {
            self.close_ended(reported, &open).await;
            for (record, scenario) in open {
                match scenario {
                    Ok(scenario) => {
                        let policy = self.policy_of(&record.owner).await?;
                        Self::drive(self, record, scenario, policy);
                    }
                    Err(why) => self.fail(record, why).await,
                }
            }
        }
        Ok(())
    }

    /// Runs that workers say they are in.
    fn reported_runs(&self) -> BTreeSet<RunId> {
        let workers = self.workers.borrow();
        let tasks = workers.list.iter().filter_map(|seen| seen.report.task.as_ref());
        tasks.map(|task| task.run.clone()).collect()
    }

    /// Lets workers go that are still in a run that has ended: the controller that was to tell them
    /// could not. A run that has begun since `open` was read is not among those that were reported
    /// before.
    async fn close_ended(
        &self,
        reported: BTreeSet<RunId>,
        open: &[(RunRecord, Result<Scenario, String>)],
    ) {
        for run in reported {
            let is_open = open.iter().any(|(record, _)| record.id == run);
            if !is_open && !self.runs().contains_key(&run) {
                let _ = self.close(&run).await;
            }
        }
    }

    /// Leaves of a run its end alone.
    pub(super) async fn close(&self, run: &RunId) -> Result<(), CoordinatorError> {
        self.coordinator.close(self.term(), run, &Line::end(&self.signer, run)).await
    }

    /// What is open and not driven here, each with its scenario, or with why it has none.
    async fn open_runs(
        &self,
    ) -> Result<Vec<(RunRecord, Result<Scenario, String>)>, ControllerError> {
        let mut open = Vec::new();
        for record in self.store.open_runs().await? {
            if self.runs().contains_key(&record.id) {
                continue;
            }
            let read = self.open(&record).and_then(|scenario| {
                self.is_ours(&record)?;
                Ok(scenario)
            });
            let scenario = match read {
                Ok(scenario) => Ok(scenario),
                Err(error) if !record.state.has_ended() && self.may_make_load(&record.id).await => {
                    let run = &record.id;
                    return Err(ControllerError::CannotLead(format!(
                        "the run {run} may be making load, and could not be stopped: {error}"
                    )));
                }
                Err(error) => Err(error.to_string()),
            };
            open.push((record, scenario));
        }
        Ok(open)
    }

    /// Whether the run was begun with our key: its workers obey nobody who has another.
    fn is_ours(&self, record: &RunRecord) -> Result<(), ControllerError> {
        let key = &record.plan_key;
        match key.is_empty() || PlanKey::from_rest(key, &self.options.secrets).is_some() {
            true => Ok(()),
            false => Err(ControllerError::Secrets(OTHER_KEY.into())),
        }
    }

    /// Whether workers may be making load for a run. Of one that was never begun, or of which the
    /// coordinator knows nothing any more, nobody does.
    async fn may_make_load(&self, run: &RunId) -> bool {
        match self.coordinator.journal(run, 0, Duration::ZERO).await {
            // Another platform's word too: what it has begun this one cannot stop.
            Ok(journal) => journal.is_some_and(|lines| {
                Standing::of(&said_by_anybody(run, &lines)).start_us.is_some()
            }),
            Err(_) => true,
        }
    }

    /// Drives a run with a task of its own, unless that is being done or is another's to do.
    pub(super) fn drive(
        inner: &Arc<Self>,
        record: RunRecord,
        scenario: Scenario,
        policy: TargetPolicy,
    ) {
        let (run, state) = (record.id.clone(), record.state);
        if inner.runs().contains_key(&run) {
            return;
        }
        let (send, inbox) = mpsc::channel(INBOX);
        let driver = Driver::new(Arc::clone(inner), record, (scenario, policy), send);
        let driven = driver.driven();
        // What is known of the workers is older than the driver, who would take that for silence.
        let begun = state != RunState::Queued;
        let mut looks = inner.workers.subscribe();
        // Looked at again under the lock under which it is changed.
        let mut runs = inner.runs();
        if runs.contains_key(&run) || !inner.is_leading() {
            return;
        }
        let place = Place { inner: Arc::clone(inner), run: run.clone(), driven: driven.clone() };
        let task = tokio::spawn(async move {
            let _place = place;
            if begun {
                let _ = tokio::time::timeout(LEASE, looks.changed()).await;
            }
            if driver.drive(inbox).await {
                // For those who still watch.
                tokio::time::sleep(LINGER).await;
            }
        });
        runs.insert(run, Run { driven, task });
    }

    /// A run that cannot even be read ends as FAILED. What of this does not succeed is done by the
    /// next look.
    async fn fail(&self, mut record: RunRecord, why: String) {
        if self.close(&record.id).await.is_ok() {
            if !record.state.has_ended() {
                record.state = RunState::Failed;
                record.ended_unix_ms = Some(unix_millis());
            }
            // Whom it would tell cannot be read either.
            record.told = vec![u64::MAX; MAX_ALERTS];
            record.warnings.push(why);
            let _ = self.store.replace_run(&record).await;
        }
    }
}

/// A driver's place among the runs that are driven: given up when it ends, however that happens, and
/// never another's.
struct Place {
    inner: Arc<Inner>,
    run: RunId,
    driven: Arc<Driven>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut runs = self.inner.runs();
        let own = runs.get(&self.run).is_some_and(|it| Arc::ptr_eq(&it.driven, &self.driven));
        let gone = own.then(|| runs.remove(&self.run));
        drop(runs);
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::memory::{MemoryCoordinator, MemoryStore};
    use crate::cluster::store::ScenarioRecord;
    use crate::cluster::{Controller, ControllerOptions, Owner, ScenarioId};
    use serde_json::json;
    use std::sync::Barrier;

    async fn leader() -> Controller {
        let (store, coordinator) = (MemoryStore::new(), MemoryCoordinator::new());
        let options = ControllerOptions::default();
        Controller::start(Arc::new(store), Arc::new(coordinator), options).await.unwrap()
    }

    fn scenario() -> ScenarioRecord {
        ScenarioRecord {
            id: ScenarioId::from("a scenario"),
            owner: Owner::from("somebody"),
            revision: 0,
            created_unix_ms: 0,
            changed_unix_ms: 0,
            tags: Vec::new(),
            document: json!({
                "name": "a", "targetUrl": "http://target.test/", "durationSeconds": 5,
                "loadProfile": {"type": "CONSTANT", "initialRps": 1},
            }),
            baseline: None,
        }
    }

    #[tokio::test]
    async fn a_driver_gives_up_no_place_but_its_own() {
        let controller = leader().await;
        let record = controller.submit(&scenario()).await.unwrap();
        let inner = controller.inner();
        let own = inner.driven(&record.owner, &record.id).unwrap();
        let (send, _inbox) = mpsc::channel(1);
        let read = inner.open(&record).unwrap();
        let policy = TargetPolicy::default();
        let other = Driver::new(Arc::clone(inner), record.clone(), (read, policy), send).driven();
        let place = |driven| Place { inner: Arc::clone(inner), run: record.id.clone(), driven };
        drop(place(other));
        assert!(inner.driven(&record.owner, &record.id).is_some());
        drop(place(own));
        assert!(inner.driven(&record.owner, &record.id).is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_begin_one_driver() {
        let controller = leader().await;
        let inner = controller.inner();
        let record = controller.submit(&scenario()).await.unwrap();
        for _ in 0..20 {
            let record = RunRecord { id: RunId::random(), ..record.clone() };
            controller.store().insert_run(&record).await.unwrap();
            let handle = tokio::runtime::Handle::current();
            let before = handle.metrics().num_alive_tasks();
            let all = Barrier::new(8);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let _entered = handle.enter();
                        let read = inner.open(&record).unwrap();
                        all.wait();
                        Inner::drive(inner, record.clone(), read, TargetPolicy::default());
                    });
                }
            });
            assert_eq!(handle.metrics().num_alive_tasks(), before + 1);
        }
    }
}
