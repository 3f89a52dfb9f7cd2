//! Declares the trait [`Coordinator`], which carries tasks, journals, heartbeats and snapshots
//! between a controller and its workers.

use super::journal::{Epoch, Line, Means, Task};
use super::signed::{About, Refused, Signer};
use super::{RunId, WorkerId};
use crate::run::DEFAULT_SLACK;
use crate::time::{Nanos, nanos};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::time::Duration;

/// The version of what workers and controllers say to each other. Those of another version are not
/// given tasks, and are told so.
pub const PROTOCOL: u32 = 3;

/// Carries tasks, journals, heartbeats and snapshots. It is transport and no truth: everything in it
/// may be lost at any moment, and the parties bring it again. Nor is it trusted: what it carries is
/// [signed](super::signed), and read by who said it and by who hears it alone.
///
/// # Contract
///
/// Each promise is checked by [`conformance::coordinator`](super::conformance::coordinator).
///
/// 1. **One clock.** [`now_us`](Coordinator::now_us) and the answer of
///    [`beat`](Coordinator::beat) come from one clock for all parties. It may step when the
///    coordinator is started anew.
/// 2. **A task goes to one worker.** Of `n` offered tasks of a run, at most `n` are ever handed out,
///    each to one caller of [`take`](Coordinator::take). A withdrawn task is handed out no more.
///    A caller that waits gets a task within 100 ms of its being offered.
/// 3. **Beats replace each other.** [`workers`](Coordinator::workers) shows the beat of each worker
///    that came last, with the moment at which it came, for at least [`REMEMBERED`] after it. Whether
///    it is the worker's, and newer than what was heard, is for who reads it to say: else one that
///    was made up could shut out the worker's own.
/// 4. **A journal only grows, in order, without gaps.** [`append`](Coordinator::append) at the
///    journal's length extends it; one that repeats what stands there changes nothing; any other is
///    refused as [`Kind::Conflict`]. Whoever waits for an entry gets it within 100 ms of its being
///    appended.
/// 5. **A journal can be brought again.** [`open`](Coordinator::open) puts plan and journal in
///    place, whatever is or was there: afterwards there is what was brought, no less and no more. Who
///    leads has read before what another controller may have left.
/// 6. **Snapshots only get newer.** For each (run, worker, epoch) [`newest`](Coordinator::newest)
///    shows the snapshot with the greatest number that was put; an older one or the same changes
///    nothing. They are accepted from everybody at any time, also from a worker whose lease is
///    over. One that [`discard`](Coordinator::discard) names is forgotten: the next that is put
///    counts as newer, whatever its number.
/// 7. **Results are handed over at least once, in about the order in which they came.** Each
///    snapshot that was put and was newer comes out of [`results`](Coordinator::results), unless
///    there were more than [`QUEUED_RESULTS`] that nobody fetched; then the oldest are lost, which
///    costs resolution in time alone.
/// 8. **What is durable is said.** What was last given to [`confirm`](Coordinator::confirm) for a
///    (run, worker, epoch) is what [`put`](Coordinator::put) answers to that worker.
/// 9. **One controller leads.** [`lead`](Coordinator::lead) gives the lead to one controller at a
///    time, until it has not renewed it for the lease or gives it up; until then whoever else asks,
///    with whatever term, is told who leads. Calls with a term lower than the greatest that has
///    led are refused as [`Kind::Superseded`].
/// 10. **A closed run leaves nothing.** After [`close`](Coordinator::close) the run has no journal,
///     no plan, no snapshot and no task; a journal of the one line that it was given is shown to who
///     asks for it, for at least [`REMEMBERED`]. Snapshots that are put after it are dropped. Only
///     [`open`](Coordinator::open) makes it a run again.
/// 11. **No call waits for ever.** Each ends within its `wait`, or else within [`PATIENCE`], with
///     an answer or with [`Kind::Unavailable`]; the connection is made again by itself.
#[async_trait]
pub trait Coordinator: Send + Sync + 'static {
    /// Microseconds since 1970 on the coordinator's clock.
    async fn now_us(&self) -> Result<u64, CoordinatorError>;

    // What workers call.

    /// Says that a worker lives, and what it is doing. Answers the coordinator's time at which that
    /// was taken down.
    async fn beat(&self, beat: &Beat) -> Result<u64, CoordinatorError>;

    /// Takes a task for a worker, and waits for one at most `wait`.
    async fn take(
        &self,
        worker: &WorkerId,
        wait: Duration,
    ) -> Result<Option<Task>, CoordinatorError>;

    /// The run's journal from entry `from` on; waits at most `wait` for the first such entry. `None`
    /// where there is no such run.
    async fn journal(
        &self,
        run: &RunId,
        from: u64,
        wait: Duration,
    ) -> Result<Option<Vec<Line>>, CoordinatorError>;

    /// How many lines the run's journal has, and the last of them: of what
    /// [`journal`](Coordinator::journal) answers from 0 on, without carrying it. `None` where there is no
    /// such run.
    async fn tip(&self, run: &RunId) -> Result<Option<Tip>, CoordinatorError>;

    /// The run's plan, as the controller brought it.
    async fn plan(&self, run: &RunId) -> Result<Option<Bytes>, CoordinatorError>;

    /// Puts a snapshot. Answers what the platform says of those of this worker that are durable; `None`
    /// where it has said nothing.
    async fn put(&self, snapshot: &SnapshotRecord) -> Result<Option<Bytes>, CoordinatorError>;

    // What the controller calls.

    /// Takes or renews the lead. Answers who leads: the caller, or another.
    async fn lead(&self, claim: &Leader, lease: Duration) -> Result<Leader, CoordinatorError>;

    /// Gives up the lead, if the caller has it, so that another need not wait for its end.
    async fn abdicate(&self, claim: &Leader) -> Result<(), CoordinatorError>;

    /// The last beat of each worker, and when it came, in microseconds.
    async fn workers(&self) -> Result<Vec<(Beat, u64)>, CoordinatorError>;

    /// Brings a run's plan and journal, or brings them again.
    async fn open(
        &self,
        term: u64,
        run: &RunId,
        plan: Bytes,
        journal: &[Line],
    ) -> Result<(), CoordinatorError>;

    /// Appends lines to a run's journal, the first of which gets the number `at`.
    async fn append(
        &self,
        term: u64,
        run: &RunId,
        at: u64,
        lines: &[Line],
    ) -> Result<(), CoordinatorError>;

    /// Offers `count` tasks of a run.
    async fn offer(&self, term: u64, run: &RunId, count: u32) -> Result<(), CoordinatorError>;

    /// Takes back the tasks of a run that nobody has taken.
    async fn withdraw(&self, term: u64, run: &RunId) -> Result<(), CoordinatorError>;

    /// Snapshots of any run, at most `most`, and waits for the first at most `wait`. Those of one
    /// call count as handed over when the next call is made.
    async fn results(
        &self,
        term: u64,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<SnapshotRecord>, CoordinatorError>;

    /// The newest snapshot of each worker and epoch of a run.
    async fn newest(&self, run: &RunId) -> Result<Vec<SnapshotRecord>, CoordinatorError>;

    /// Forgets a worker's newest snapshot if it has this number: one whose bytes the controller
    /// cannot use must not shut out the worker's own, whose numbers may be lower.
    async fn discard(
        &self,
        term: u64,
        run: &RunId,
        worker: &WorkerId,
        epoch: Epoch,
        seq: u64,
    ) -> Result<(), CoordinatorError>;

    /// Says up to which number the snapshots of a run's workers are durable: signed, for each of them.
    async fn confirm(
        &self,
        term: u64,
        run: &RunId,
        durable: &[(WorkerId, Epoch, Bytes)],
    ) -> Result<(), CoordinatorError>;

    /// Forgets a run, but for its end.
    async fn close(&self, term: u64, run: &RunId, end: &Line) -> Result<(), CoordinatorError>;
}

/// How long a coordinator remembers a worker's last report and the end of a run.
pub const REMEMBERED: Duration = Duration::from_secs(60);

/// How many results may wait to be fetched.
pub const QUEUED_RESULTS: usize = 10_000;

/// The longest that a call takes, beyond the time for which it was asked to wait.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// A worker's beat on its way: its signed [`WorkerReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Whose it is, as it says.
    pub worker: WorkerId,
    /// What it says.
    pub said: Bytes,
}

/// How far a run's journal goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// How many lines it has.
    pub lines: u64,
    /// The last of them.
    pub last: Option<Line>,
}

/// What a worker says of itself with each beat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerReport {
    /// Which start of which process.
    pub worker: WorkerId,
    /// What people call it.
    pub name: String,
    /// Its program's version.
    pub version: String,
    /// [`PROTOCOL`] of its program.
    pub protocol: u32,
    /// Processors that it may use.
    pub cores: u64,
    /// Engine threads that it uses; 0: as many as its part of a run needs.
    pub threads: u64,
    /// How long its pacer may let due requests gather, in nanoseconds.
    #[serde(default = "default_slack")]
    pub slack_ns: Nanos,
    /// The greatest arrival rate that it takes on.
    pub max_rps: Option<f64>,
    /// Its public key, in base64: what is secret is sealed to it.
    pub public_key: String,
    /// It finishes or hands over what it has, and takes nothing new.
    pub draining: bool,
    /// It is gone, and no loss: it says nothing more.
    #[serde(default)]
    pub left: bool,
    /// Counts its beats.
    pub beat: u64,
    /// How uncertain its clock is against the coordinator's, in microseconds.
    pub clock_error_us: u64,
    /// What it is doing.
    pub task: Option<TaskReport>,
}

/// A worker that says nothing of it has what nobody has changed.
fn default_slack() -> Nanos {
    nanos(DEFAULT_SLACK)
}

impl WorkerReport {
    /// With what it makes its load.
    #[must_use]
    pub fn means(&self) -> Means {
        Means { cores: self.cores, threads: self.threads, slack_ns: self.slack_ns }
    }
}

/// What a worker says of the run that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskReport {
    /// Which run.
    pub run: RunId,
    /// In which term of the worker.
    pub epoch: Epoch,
    /// How many entries of the run's journal it has applied.
    pub applied: u64,
    /// As of when it has released parts, on the run's clock: later than it was told to, where it heard
    /// of that late and may have sent what was due meanwhile.
    #[serde(default)]
    pub released_ns: Nanos,
    /// How far it is.
    pub state: TaskState,
}

/// How far a worker is in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum TaskState {
    /// It has taken the task and waits to be admitted.
    Taken,
    /// It has read the plan and may start.
    Ready,
    /// It cannot take part.
    Refused {
        /// Why not.
        reason: String,
    },
    /// It makes load, or waits for the start to do so.
    Running,
    /// Its lease was over: it sends nothing more in this term.
    Fenced,
    /// Its load has ended.
    Ended,
}

/// A worker's last report, and when it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The report.
    pub report: WorkerReport,
    /// Microseconds since 1970 on the coordinator's clock.
    pub at_us: u64,
}

/// A snapshot: what it is of, and its binary form. On its way to the controller its bytes are signed,
/// together with all else, and so are not those of a snapshot before they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Which run.
    pub run: RunId,
    /// Whose it is.
    pub worker: WorkerId,
    /// In which term.
    pub epoch: Epoch,
    /// Its number. The same number means the same content.
    pub seq: u64,
    /// How far the run was.
    pub elapsed_ns: Nanos,
    /// No later one will come in this term.
    pub is_final: bool,
    /// [`Snapshot::encode`](crate::record::Snapshot::encode).
    pub bytes: Bytes,
}

impl SnapshotRecord {
    /// As it is carried.
    #[must_use]
    pub fn say(self, signer: &Signer) -> Self {
        let bytes = signer.say(&About::Snapshot(&self), &self.bytes);
        Self { bytes, ..self }
    }

    /// As its worker has measured it.
    ///
    /// # Errors
    /// When the worker has not said it.
    pub fn read(self) -> Result<Self, Refused> {
        let bytes = self.worker.hear(&About::Snapshot(&self), &self.bytes)?;
        Ok(Self { bytes, ..self })
    }
}

/// A controller that leads, or wants to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leader {
    /// Which start of which process.
    pub controller: String,
    /// From the store: each controller has one of its own, and later ones are greater.
    pub term: u64,
    /// Where its API is, for people.
    pub address: String,
}

/// A call that the coordinator did not carry out.
#[derive(Debug, thiserror::Error)]
#[error("the coordinator could not {doing}: {kind}")]
pub struct CoordinatorError {
    /// Of which kind.
    pub kind: Kind,
    /// What was being done, to be read after "could not".
    pub doing: &'static str,
    /// What was behind it.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// Kinds of errors of a coordinator, by what to do about them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// It is not there, or not in time. To be tried again.
    #[error("it does not answer ({0})")]
    Unavailable(String),
    /// Another controller leads. To stand down.
    #[error("another controller leads, with term {0}")]
    Superseded(u64),
    /// Somebody else has written. To read again.
    #[error("the journal has another entry there")]
    Conflict,
    /// What it holds cannot be read.
    #[error("what it holds cannot be read: {0}")]
    Damaged(String),
}
