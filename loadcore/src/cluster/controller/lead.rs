//! Claims into one leader, and what is open into runs that are driven.
//!
//! Two tasks that never wait for each other. One renews the lead with the coordinator every second
//! and asks nothing else, so a store that is away takes the lead from nobody. The other looks for
//! open runs in the store, and drives those that nobody drives. A controller that could not read
//! them claims nothing, and one that then cannot gives the lead up: its greater term would only
//! keep the others out.

use super::driver::Driver;
use super::{AGAIN, INBOX, Inner, LINGER, Run};
use crate::cluster::agent::LEASE;
use crate::cluster::coordinator::{Kind, Leader};
use crate::cluster::store::{self, RunRecord, RunState};
use crate::cluster::{CoordinatorError, StoreError};
use crate::time::{now, unix_millis};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

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
    pub(super) async fn begin(self: &Arc<Self>) -> Result<(), super::ControllerError> {
        self.learn_clock().await?;
        self.look_at_runs().await?;
        self.claim_lead().await?;
        if *self.lead.borrow() == Lead::Given
            && let Err(error) = self.look_at_runs().await
        {
            self.give_up().await;
            return Err(error.into());
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
    async fn claim_lead(&self) -> Result<(), super::ControllerError> {
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
        for (_, run) in std::mem::take(&mut *self.runs()) {
            run.task.abort();
        }
    }

    /// Reads what is open, and drives it if this controller leads.
    async fn look_at_runs(self: &Arc<Self>) -> Result<(), StoreError> {
        // What is given while the store is being asked is another look's: what it answers may be
        // older than the last leader's last word.
        let (asked_as, term) = (*self.lead.borrow(), self.term());
        let open = self.store.open_runs().await;
        let trouble = open.as_ref().err().map(ToString::to_string);
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
            open.into_iter().for_each(|record| Self::drive(self, record));
        }
        Ok(())
    }

    /// Drives a run with a task of its own.
    pub(super) fn drive(inner: &Arc<Self>, record: RunRecord) {
        if inner.runs().contains_key(&record.id) {
            return;
        }
        let run = record.id.clone();
        match inner.open(&record) {
            Ok(scenario) => {
                let (send, inbox) = mpsc::channel(INBOX);
                let driver = Driver::new(Arc::clone(inner), record, scenario, send);
                let driven = driver.driven();
                let ending = Arc::clone(inner);
                let id = run.clone();
                let task = tokio::spawn(async move {
                    if driver.drive(inbox).await {
                        // For those who still watch.
                        tokio::time::sleep(LINGER).await;
                    }
                    ending.runs().remove(&id);
                });
                inner.runs().insert(run, Run { driven, task });
            }
            Err(error) => {
                let failing = Arc::clone(inner);
                tokio::spawn(async move { failing.fail(record, &error.to_string()).await });
            }
        }
    }

    /// A run that cannot even be read ends as FAILED.
    async fn fail(&self, mut record: RunRecord, why: &str) {
        record.state = RunState::Failed;
        record.ended_unix_ms = Some(unix_millis());
        record.warnings.push(why.to_owned());
        while let Err(error) = self.store.replace_run(&record).await {
            if !matches!(error.kind, store::Kind::Unavailable(_)) {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
