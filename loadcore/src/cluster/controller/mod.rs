//! Turns scenarios into runs on many workers: plans, orders, merges, judges, keeps.
//!
//! One controller leads at a time. It drives every run that has not ended, each with a
//! driver of its own, from what the store and the coordinator hold; so a controller
//! that dies is replaced by any other, which goes on where it left off. Those that do not lead
//! answer reading calls and wait.
//!
//! A whole platform in this process, and a run on three workers of it:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let port = listener.local_addr()?.port();
//! # tokio::spawn(async move {
//! #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! #     while let Ok((mut stream, _)) = listener.accept().await {
//! #         tokio::spawn(async move {
//! #             let mut read = [0; 4096];
//! #             while stream.read(&mut read).await.is_ok_and(|n| n > 0) {
//! #                 let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
//! #                 if stream.write_all(reply).await.is_err() { break }
//! #             }
//! #         });
//! #     }
//! # });
//! use loadcore::cluster::Controller;
//! use loadcore::scenario::Scenario;
//!
//! let scenario = Scenario::from_json(&format!(
//!     r#"{{
//!         "name": "smoke", "targetUrl": "http://127.0.0.1:{port}/", "numWorkers": 3,
//!         "durationSeconds": 1, "loadProfile": {{"type": "CONSTANT", "initialRps": 90}}
//!     }}"#
//! ))?;
//!
//! let platform = Controller::in_process(3).await?;
//! let result = platform.run(&scenario).await?;
//! platform.shut_down().await;
//!
//! assert_eq!((result.environment.workers, result.outcomes.ok), (3, 90));
//! # Ok(())
//! # }
//! ```

pub mod api;

mod books;
mod by_name;
mod calls;
mod compare;
mod driver;
mod figures;
mod finish;
mod forget;
mod frame;
mod frames;
mod keeper;
mod lead;
mod live;
mod merge;
mod queries;
mod scenarios;
mod to_the_end;
mod validate;
mod workers;

pub use calls::MAX_KEY;
pub use queries::Frames;
pub use workers::LocalWorkers;

use super::clock::SharedClock;
use super::coordinator::{Leader, Seen};
use super::journal::mailbox;
use super::secrets::Secrets;
use super::store::{RunRecord, RunState, ScenarioRecord};
use super::{Coordinator, Lease, Owner, RunId, Store};
use crate::http::TargetPolicy;
use crate::record::Interval;
use crate::scenario::Scenario;
use crate::time::{now, unix_millis};
use api::{Command, ControllerError, Figures, WorkerView};
use calls::Places;
use driver::{Driven, Message};
use lead::Lead;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use workers::LocalPool;

/// How often workers are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Results fetched at once.
const BATCH: usize = 500;
/// How long a question for results waits.
const RESULTS_WAIT: Duration = Duration::from_secs(1);
/// Between two questions to somebody who did not answer.
const AGAIN: Duration = Duration::from_millis(300);
/// Messages that wait for a driver.
const INBOX: usize = 4_096;
/// How long a driver may take to answer a command.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a run that has ended is still shown from memory, with its frames.
const LINGER: Duration = Duration::from_secs(60);

/// How long local workers may take to hand in what they have measured, at the controller's end.
const TO_HAND_IN: Duration = Duration::from_secs(4);
/// How long it may take to write what is not kept yet.
const TO_FLUSH: Duration = Duration::from_secs(3);

/// How long a lost worker's last snapshot is awaited if nothing is said: a worker that was cut off
/// finds back within some seconds, or not for long.
pub const EVIDENCE_WAIT: Duration = Duration::from_secs(10);

/// How a controller works.
#[derive(Debug, Clone)]
pub struct ControllerOptions {
    /// Where its API is, for people and for controllers that stand by.
    pub address: String,
    /// Which addresses may be loaded: checked before a run is accepted. Workers have their own.
    pub policy: TargetPolicy,
    /// With what secrets are sealed at rest.
    pub secrets: Secrets,
    /// Workers in this process, started when a scenario asks for them.
    pub local_workers: Option<LocalWorkers>,
    /// How long a worker may be silent before its parts are given to others.
    pub lease: Lease,
    /// How long beyond the load's end the last snapshot of a worker that was lost is awaited, counted
    /// from its loss.
    pub evidence_wait: Duration,
    /// How long after its end a run is kept, with all that belongs to it; `None` for until it is
    /// deleted. The leader deletes what is older once a day, first a minute after its start.
    pub retention: Option<Duration>,
}

impl Default for ControllerOptions {
    fn default() -> Self {
        Self {
            address: "in this process".into(),
            policy: TargetPolicy::default(),
            secrets: Secrets::ephemeral(),
            local_workers: None,
            lease: Lease::default(),
            evidence_wait: EVIDENCE_WAIT,
            retention: None,
        }
    }
}

/// A running controller. Clones are the same one; it ends with [`Controller::shut_down`] or when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Controller {
    shared: Arc<Shared>,
}

/// Ends the background work with the last clone.
struct Shared {
    inner: Arc<Inner>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.inner.stand_by(None);
        if let Some(local) = &self.inner.local {
            local.end();
        }
    }
}

/// What the parts of a controller share.
struct Inner {
    store: Arc<dyn Store>,
    coordinator: Arc<dyn Coordinator>,
    options: ControllerOptions,
    claim: Mutex<Leader>,
    term: AtomicU64,
    lead: watch::Sender<Lead>,
    /// Who leads, as last heard.
    leader: Mutex<Option<Leader>>,
    /// What keeps this controller from leading and from taking up runs.
    trouble: watch::Sender<Option<String>>,
    clock: Mutex<SharedClock>,
    workers: watch::Sender<Workers>,
    runs: Mutex<BTreeMap<RunId, Run>>,
    figures: figures::Sums,
    local: Option<LocalPool>,
    /// Where calls with keys wait for each other.
    places: Places,
}

/// The workers, as last looked at.
struct Workers {
    list: Vec<Seen>,
    checked: Instant,
}

/// A run that is driven here, or was until a moment ago.
struct Run {
    driven: Arc<Driven>,
    task: JoinHandle<()>,
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
    /// Starts one, in a tokio runtime. It leads at once, or as soon as no other does.
    ///
    /// # Errors
    /// When store or coordinator do not answer.
    pub async fn start(
        store: Arc<dyn Store>,
        coordinator: Arc<dyn Coordinator>,
        options: ControllerOptions,
    ) -> Result<Self, ControllerError> {
        let term = store.next_term().await?;
        let claim = Leader {
            controller: uuid::Uuid::now_v7().to_string(),
            term,
            address: options.address.clone(),
        };
        let checked = now();
        let inner = Arc::new(Inner {
            store,
            coordinator,
            local: options.local_workers.clone().map(LocalPool::new),
            options,
            claim: Mutex::new(claim),
            term: AtomicU64::new(term),
            lead: watch::Sender::new(Lead::Others),
            leader: Mutex::default(),
            trouble: watch::Sender::new(None),
            clock: Mutex::default(),
            workers: watch::Sender::new(Workers { list: Vec::new(), checked }),
            runs: Mutex::default(),
            figures: figures::Sums::default(),
            places: Places::default(),
        });
        inner.begin().await?;
        let mut tasks = vec![
            tokio::spawn(Arc::clone(&inner).keep_lead()),
            tokio::spawn(Arc::clone(&inner).keep_driving()),
            tokio::spawn(Arc::clone(&inner).look_at_workers()),
            tokio::spawn(Arc::clone(&inner).fetch_results()),
        ];
        if let Some(retention) = inner.options.retention {
            tasks.push(tokio::spawn(Arc::clone(&inner).forget_old_runs(retention)));
        }
        Ok(Self { shared: Arc::new(Shared { inner, tasks }) })
    }

    fn inner(&self) -> &Arc<Inner> {
        &self.shared.inner
    }

    /// Whether it leads; one that does not answers reading calls alone.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.inner().is_leading()
    }

    /// Whether it may change anything.
    ///
    /// # Errors
    /// While another leads ([`ControllerError::StandsBy`]), or something keeps this one from leading
    /// ([`ControllerError::CannotLead`]).
    pub fn must_lead(&self) -> Result<(), ControllerError> {
        self.inner().must_lead()
    }

    /// What keeps it from leading and from taking up runs, as that changes: for a log.
    #[must_use]
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.inner().trouble.subscribe()
    }

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
            warnings: Vec::new(),
            timeline: Vec::new(),
            baseline: false,
        };
        let opened = self.inner().open(&record)?;
        match self.inner().store.insert_run(&record).await {
            Ok(()) => {
                Inner::drive(self.inner(), record.clone(), opened);
                Ok(record)
            }
            Err(error) if error.kind == super::store::Kind::Exists => {
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

    /// The workers that are known.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerView> {
        let (now_us, lease) = (self.inner().now_us(), self.inner().options.lease.length());
        let workers = self.inner().workers.borrow();
        let view = |seen: &Seen| WorkerView {
            alive: u128::from(now_us.saturating_sub(seen.at_us)) < lease.as_micros(),
            seen: seen.clone(),
        };
        workers.list.iter().map(view).collect()
    }

    /// Lets a worker finish or hand over what it has, and end.
    ///
    /// # Errors
    /// When the coordinator does not answer; `Refused` when there is no such worker.
    pub async fn drain_worker(&self, worker: &str) -> Result<(), ControllerError> {
        self.inner().must_lead()?;
        let known = self.workers().into_iter().find(|it| it.seen.report.worker.0 == worker);
        let Some(known) = known else {
            return Err(ControllerError::Refused(format!("there is no worker {worker}")));
        };
        let (term, mailbox) = (self.inner().term(), mailbox(&known.seen.report.worker));
        let said = [super::journal::Entry::Close];
        Ok(self.inner().coordinator.open(term, &mailbox, bytes::Bytes::new(), &said).await?)
    }

    /// Sums for monitoring.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let alive = self.workers().iter().filter(|worker| worker.alive).count() as u64;
        let runs = self.inner().runs();
        let active = runs.values().filter(|run| !run.driven.live().record.state.has_ended());
        let active = active.count() as u64;
        drop(runs);
        self.inner().figures.read(alive, active, self.is_leading())
    }

    /// What it keeps things in.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner().store
    }

    /// With what it seals secrets.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.inner().options.secrets
    }

    /// Ends it: its own workers hand in what they have measured, everything is kept, and the lead is
    /// given up so that another need not wait. Runs on other machines' workers go on; the next
    /// controller completes all of them. Takes some 8 s at most.
    pub async fn shut_down(&self) {
        let inner = self.inner();
        if let Some(local) = &inner.local {
            local.halt(TO_HAND_IN).await;
        }
        inner.flush(TO_FLUSH).await;
        self.shared.tasks.iter().for_each(JoinHandle::abort);
        inner.give_up().await;
    }
}

fn ended(record: &RunRecord) -> ControllerError {
    ControllerError::HasEnded { run: record.id.clone(), state: record.state }
}

impl Inner {
    fn is_leading(&self) -> bool {
        *self.lead.borrow() == Lead::Ours
    }

    fn must_lead(&self) -> Result<(), ControllerError> {
        if self.is_leading() {
            return Ok(());
        }
        let leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (leader, self.trouble.borrow().clone()) {
            (Some(leader), _) => Err(ControllerError::StandsBy(Some(leader.address))),
            (None, Some(why)) => Err(ControllerError::CannotLead(why)),
            (None, None) => Err(ControllerError::StandsBy(None)),
        }
    }

    fn term(&self) -> u64 {
        self.term.load(Ordering::Acquire)
    }

    fn claim(&self) -> Leader {
        self.claim.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn driven(&self, owner: &Owner, run: &RunId) -> Option<Arc<Driven>> {
        let driven = Arc::clone(&self.runs().get(run)?.driven);
        let same = driven.live().record.owner == *owner;
        same.then_some(driven)
    }

    /// The coordinator's time in microseconds, as near as we know it.
    fn now_us(&self) -> u64 {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.us_at(now()).unwrap_or_else(|| unix_millis() * 1_000)
    }

    /// When the coordinator's clock showed so many milliseconds, as near as we know it; now where that
    /// is not said, or not past yet.
    fn instant_of(&self, ms: Option<u64>) -> Instant {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let at = ms.and_then(|ms| clock.instant_of(ms.saturating_mul(1_000)));
        at.map_or(now(), |at| at.min(now()))
    }

    /// The scenario of a record, with its secrets.
    fn open(&self, record: &RunRecord) -> Result<Scenario, ControllerError> {
        let document =
            self.options.secrets.open(&record.scenario).map_err(ControllerError::Secrets)?;
        Scenario::from_value(document).map_err(|error| ControllerError::Refused(error.to_string()))
    }

    fn want_local_workers(&self, wanted: u32) {
        let Some(local) = &self.local else { return };
        let idle = self.workers.borrow();
        let idle = idle.list.iter().filter(|it| it.report.task.is_none()).count();
        local.want(&self.coordinator, idle, wanted as usize);
    }

    /// How many workers could be started here at once.
    fn room_for_workers(&self) -> u32 {
        self.local.as_ref().map_or(0, |local| u32::try_from(local.room()).unwrap_or(u32::MAX))
    }

    /// Has everything written that its drivers want kept.
    async fn flush(&self, within: Duration) {
        let keepers: Vec<_> =
            self.runs().values().map(|run| Arc::clone(&run.driven.keeper)).collect();
        let deadline = tokio::time::Instant::from_std(now() + within);
        for keeper in keepers {
            keeper.flush();
            let mut kept = keeper.kept();
            let _ = tokio::time::timeout_at(deadline, kept.wait_for(|kept| kept.all)).await;
        }
    }

    fn count(&self, interval: &Interval) {
        self.figures.add(interval);
    }

    async fn look_at_workers(self: Arc<Self>) {
        loop {
            match self.coordinator.workers().await {
                Ok(list) => {
                    self.workers.send_replace(Workers { list, checked: now() });
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Hands results to their runs' drivers.
    async fn fetch_results(self: Arc<Self>) {
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
