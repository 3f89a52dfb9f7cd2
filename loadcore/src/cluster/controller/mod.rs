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

mod alerts;
mod books;
mod by_name;
mod calls;
mod capacity;
mod challenge;
mod compare;
mod domains;
mod driver;
mod figures;
mod finish;
mod forget;
mod frame;
mod frames;
mod halt;
mod hear;
mod keeper;
mod lead;
mod listing;
mod live;
mod local_workers;
mod merge;
mod options;
mod queries;
mod quota;
mod refusals;
mod reseal;
mod runs;
mod scenarios;
mod secrets;
mod to_the_end;
mod validate;
mod workers;

pub use calls::MAX_KEY;
pub use capacity::{KnownSearch, ListedSearch, Requests};
pub use challenge::{CHALLENGE_LABEL, CHALLENGE_PATH};
pub use domains::Domain;
pub use halt::Halt;
pub use listing::{RunFilter, RunPage};
pub use local_workers::LocalWorkers;
pub use options::{ControllerOptions, EVIDENCE_WAIT};
pub use queries::Frames;
pub use quota::{KnownQuota, Quota, Used};
pub use secrets::{KnownSecret, MAX_SECRET_BYTES, MOST_SECRETS};

use super::clock::SharedClock;
use super::coordinator::Leader;
use super::secrets::Secrets;
use super::signed::{PublicKey, Signer};
use super::store::RunRecord;
use super::{Coordinator, RunId, Store};
use crate::http::TlsOptions;
use crate::http::fetch::Fetcher;
use crate::record::Interval;
use crate::scenario::{Document, Scenario};
use crate::time::{now, unix_millis};
pub(in crate::cluster) use alerts::Post;
use api::{ControllerError, Figures};
use calls::Places;
use lead::Lead;
use local_workers::LocalPool;
use refusals::Refusals;
use runs::Run;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use workers::Workers;

/// Between two questions to somebody who did not answer.
const AGAIN: Duration = Duration::from_millis(300);
/// Messages that wait for a driver.
const INBOX: usize = 4_096;
/// How long a run that has ended is still shown from memory, with its frames.
const LINGER: Duration = Duration::from_secs(60);

/// Runs that monitoring is told of by their ids: each is a series of its own there.
const MOST_RUNS_SHOWN: usize = 100;

/// How long local workers may take to hand in what they have measured, at the controller's end.
const TO_HAND_IN: Duration = Duration::from_secs(4);
/// How long webhooks that are there may take to be told what is due: nobody may come after this
/// controller.
const TO_TELL: Duration = Duration::from_secs(1);
/// How long it may take to write what is not kept yet.
const TO_FLUSH: Duration = Duration::from_secs(3);

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
    /// With what it signs what it says to workers.
    signer: Signer,
    /// What others have said in workers' names, and in the platform's.
    refusals: Refusals,
    local: Option<LocalPool>,
    /// Where calls with keys wait for each other.
    places: Places,
    /// Why nothing may run, as last read.
    halt: watch::Sender<Option<Halt>>,
    /// Runs start one after another, so that none is counted before the one before it is there.
    starting: tokio::sync::Mutex<()>,
    /// By whom alerts are sent.
    post: Arc<dyn Post>,
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
        let post = Fetcher::new(options.policy.clone(), TlsOptions::default())
            .answered_for_by(options.contact.clone());
        Self::start_with(store, coordinator, options, Arc::new(post)).await
    }

    /// The same with another post.
    pub(in crate::cluster) async fn start_with(
        store: Arc<dyn Store>,
        coordinator: Arc<dyn Coordinator>,
        options: ControllerOptions,
        post: Arc<dyn Post>,
    ) -> Result<Self, ControllerError> {
        let term = store.next_term().await?;
        let claim = Leader {
            controller: uuid::Uuid::now_v7().to_string(),
            term,
            address: options.address.clone(),
        };
        let checked = now();
        let signer = options.secrets.signer();
        let inner = Arc::new(Inner {
            store,
            coordinator,
            local: options.local_workers.clone().map(|it| LocalPool::new(it, signer.key())),
            signer,
            refusals: Refusals::default(),
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
            halt: watch::Sender::new(None),
            starting: tokio::sync::Mutex::default(),
            post,
        });
        inner.read_halt().await?;
        inner.begin().await?;
        let mut tasks = vec![
            tokio::spawn(Arc::clone(&inner).keep_lead()),
            tokio::spawn(Arc::clone(&inner).keep_driving()),
            tokio::spawn(Arc::clone(&inner).keep_halt()),
            tokio::spawn(Arc::clone(&inner).look_at_workers()),
            tokio::spawn(Arc::clone(&inner).fetch_results()),
        ];
        if inner.options.secrets.previous().next().is_some() {
            tasks.push(tokio::spawn(Arc::clone(&inner).seal_anew()));
        }
        tasks.push(tokio::spawn(Arc::clone(&inner).forget_what_is_old()));
        Ok(Self { shared: Arc::new(Shared { inner, tasks }) })
    }

    /// The scenario of a record, for tests of what it holds.
    #[cfg(test)]
    pub(in crate::cluster) fn inner_open(
        &self,
        record: &RunRecord,
    ) -> Result<Scenario, ControllerError> {
        self.inner().open(record)
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

    /// Sums for monitoring.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let alive = self.workers().iter().filter(|worker| worker.alive).count() as u64;
        let runs = self.inner().runs();
        let active = runs.values().filter(|run| !run.driven.live().record.state.has_ended());
        let active = active.count() as u64;
        let violated = runs.values().rev().filter_map(|run| run.driven.live().violated());
        let violated = violated.take(MOST_RUNS_SHOWN).collect();
        drop(runs);
        let mut figures = self.inner().figures.read(alive, active, self.is_leading(), violated);
        figures.refused = self.inner().refusals.counts();
        figures
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

    /// The key with which workers know what the platform says: see
    /// [`AgentOptions::platform_key`](super::AgentOptions::platform_key).
    #[must_use]
    pub fn platform_key(&self) -> PublicKey {
        self.inner().signer.key()
    }

    /// Ends it: its own workers hand in what they have measured, everything is kept, and the lead is
    /// given up so that another need not wait. Runs on other machines' workers go on; the next
    /// controller completes all of them. Takes some 8 s at most.
    pub async fn shut_down(&self) {
        let inner = self.inner();
        if let Some(local) = &inner.local {
            local.halt(TO_HAND_IN).await;
        }
        inner.tell(TO_TELL).await;
        inner.flush(TO_FLUSH).await;
        self.shared.tasks.iter().for_each(JoinHandle::abort);
        inner.give_up().await;
    }
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
        let secrets = &self.options.secrets;
        let document = secrets.open(&record.scenario).map_err(ControllerError::Secrets)?;
        let values = secrets::opened(&record.secrets, secrets)?;
        let document = Document::from_value(document).map(|it| it.with_secrets(values));
        let scenario = document.and_then(|document| document.parse());
        scenario.map_err(|error| ControllerError::Refused(error.to_string()))
    }

    /// Waits until no webhook is to be told anything.
    async fn tell(&self, within: Duration) {
        let owes = || self.runs().values().any(|run| run.driven.live().record.owes_alerts());
        let begun = now();
        while owes() && now().saturating_duration_since(begun) < within {
            tokio::time::sleep(TO_TELL / 20).await;
        }
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
}
