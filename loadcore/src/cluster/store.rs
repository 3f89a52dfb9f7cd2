//! Declares the trait [`Store`], which keeps scenarios, runs, snapshots and analyses.

use super::coordinator::SnapshotRecord;
use super::journal::Entry;
use super::{Owner, RunId, ScenarioId};
use crate::result::RunSummary;
use crate::time::Nanos;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

/// Keeps what must outlast everything else.
///
/// # Contract
///
/// Each promise is checked by [`conformance::store`](super::conformance::store).
///
/// 1. **Kept means kept.** When a writing call has answered, what it wrote is there after the
///    process, and for a store on another machine after that machine, was killed (in memory:
///    for as long as the store lives).
/// 2. **Owners do not meet.** A call with an owner sees, changes and deletes what is that owner's
///    alone; another's is as if it were not there.
/// 3. **Nobody overwrites what they have not read.** A `replace_...` succeeds when the stored
///    [`revision`](RunRecord::revision) is the one given, and counts it up by one; else it answers
///    `false` and changes nothing. Of many callers with one revision, one succeeds.
/// 4. **Snapshots only get newer**, as in a coordinator: for each (run, worker, epoch) the one with
///    the greatest number is kept. Repetition changes nothing.
/// 5. **Intervals are written once.** A number that is there already keeps what it has. **Analyses
///    are the newest leader's:** one that was kept with a greater [term](Store::next_term) stays,
///    and [`keep_analysis`](Store::keep_analysis) answers `false`.
/// 6. **Lists are in the order of ids, newest first,** in pages: [`Page::after`] is the last id of
///    the page before. Nothing is left out or shown twice while others write.
/// 7. **Deleting a run deletes all of it**: snapshots, intervals and analyses. Deleting a scenario
///    leaves its runs. What is brought of a run that is not there is dropped, and is no error.
/// 8. **Terms rise.** Each [`next_term`](Store::next_term) is greater than all before.
/// 9. **No call waits for ever.** Each ends within [`PATIENCE`](super::coordinator::PATIENCE) times
///    five, with an answer or with [`Kind::Unavailable`].
/// 10. **A key is one call's.** Of many who [keep a call](Store::keep_call) under one key of one owner
///     the first is told that it is new; the others are shown that one, until it is older than they
///     ask for. What is not older than [`CALL_KEPT`] is not forgotten.
/// 11. **A note is one owner's, under one kind and name.** [`keep_note`](Store::keep_note) succeeds when
///     the stored revision is the one given (0: there is none), and counts it up by one. Lists are in
///     the order of names, greatest first.
/// 12. [`owners`](Store::owners) are all that have a scenario or a run, each once.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// A number for a controller that wants to lead: greater than all before.
    async fn next_term(&self) -> Result<u64, StoreError>;

    /// Keeps a new scenario.
    async fn insert_scenario(&self, scenario: &ScenarioRecord) -> Result<(), StoreError>;

    /// Changes a scenario whose stored revision is `scenario.revision`.
    async fn replace_scenario(&self, scenario: &ScenarioRecord) -> Result<bool, StoreError>;

    /// One scenario.
    async fn scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
    ) -> Result<Option<ScenarioRecord>, StoreError>;

    /// A page of an owner's scenarios; with `tag` those that have it.
    async fn scenarios(
        &self,
        owner: &Owner,
        tag: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ScenarioRecord>, StoreError>;

    /// Deletes a scenario, with `revision` only if it has that one; says whether it did.
    async fn delete_scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
        revision: Option<u64>,
    ) -> Result<bool, StoreError>;

    /// Keeps a new run.
    async fn insert_run(&self, run: &RunRecord) -> Result<(), StoreError>;

    /// Changes a run whose stored revision is `run.revision`.
    async fn replace_run(&self, run: &RunRecord) -> Result<bool, StoreError>;

    /// One run.
    async fn run(&self, owner: &Owner, id: &RunId) -> Result<Option<RunRecord>, StoreError>;

    /// A page of an owner's runs; with `scenario` those of that one.
    async fn runs(
        &self,
        owner: &Owner,
        scenario: Option<&ScenarioId>,
        page: &Page,
    ) -> Result<Vec<RunRecord>, StoreError>;

    /// Deletes a run and all that belongs to it; says whether it was there.
    async fn delete_run(&self, owner: &Owner, id: &RunId) -> Result<bool, StoreError>;

    /// All who have scenarios or runs: for what a controller does to all of them.
    async fn owners(&self) -> Result<Vec<Owner>, StoreError>;

    /// The runs of all owners that are [open](RunRecord::is_open): what a controller goes on with.
    async fn open_runs(&self) -> Result<Vec<RunRecord>, StoreError>;

    /// Keeps snapshots that are newer than those it has.
    async fn keep_snapshots(
        &self,
        owner: &Owner,
        snapshots: &[SnapshotRecord],
    ) -> Result<(), StoreError>;

    /// The newest snapshot of each worker and epoch of a run, in their order.
    async fn snapshots(
        &self,
        owner: &Owner,
        run: &RunId,
    ) -> Result<Vec<SnapshotRecord>, StoreError>;

    /// Keeps intervals of a run that it does not have yet.
    async fn keep_intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        intervals: &[IntervalRecord],
    ) -> Result<(), StoreError>;

    /// At most `most` intervals of a run in the order of their numbers, from number `from` on.
    async fn intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        from: u64,
        most: usize,
    ) -> Result<Vec<IntervalRecord>, StoreError>;

    /// Keeps a document about a run under a name such as `result`, in the place of what was there;
    /// `false` if that is of a greater term than `term`, the caller's: another controller leads.
    async fn keep_analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
        term: u64,
        document: &Value,
    ) -> Result<bool, StoreError>;

    /// A document about a run.
    async fn analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
    ) -> Result<Option<Value>, StoreError>;

    /// Deletes the runs that ended before a moment, in milliseconds since 1970, with all that
    /// belongs to them, and says how many. [Baselines](RunRecord::baseline) stay. A store that does so by itself answers 0.
    async fn forget(&self, before_unix_ms: u64) -> Result<u64, StoreError>;

    /// Keeps a call under its key, unless one is kept under it that was made at `since_unix_ms` or
    /// later: then that one stays, and is answered. An owner has at most `most`, of which those made
    /// before `since_unix_ms` do not count; a store may forget them.
    async fn keep_call(
        &self,
        call: &CallRecord,
        since_unix_ms: u64,
        most: usize,
    ) -> Result<KeptCall, StoreError>;

    /// The call that is kept under a key, however old.
    async fn call(&self, owner: &Owner, key: &str) -> Result<Option<CallRecord>, StoreError>;

    /// Notes that all that a call was to make was made. Of one that is not kept nothing is noted.
    async fn finish_call(&self, owner: &Owner, key: &str) -> Result<(), StoreError>;

    /// Keeps a note: a new one with revision 0, else in the place of the one whose revision is
    /// `note.revision`. `false` where the stored one has another, or there is one, or none.
    async fn keep_note(&self, note: &Note) -> Result<bool, StoreError>;

    /// One note.
    async fn note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<Option<Note>, StoreError>;

    /// A page of the notes of a kind: an owner's, or all owners'. [`Page::after`] is the last one's
    /// [place](Note::place).
    async fn notes(
        &self,
        kind: NoteKind,
        owner: Option<&Owner>,
        page: &Page,
    ) -> Result<Vec<Note>, StoreError>;

    /// Deletes a note; says whether it was there.
    async fn delete_note(
        &self,
        kind: NoteKind,
        owner: &Owner,
        name: &str,
    ) -> Result<bool, StoreError>;

    /// Deletes the notes of a kind, of all owners, whose names are less than `before`.
    async fn forget_notes(&self, kind: NoteKind, before: &str) -> Result<(), StoreError>;
}

/// A small document about an owner, such as a token or a secret: whatever is not a scenario or a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Of which kind.
    pub kind: NoteKind,
    /// Whose it is.
    pub owner: Owner,
    /// Its name among the owner's of that kind, without control characters.
    pub name: String,
    /// Counts its changes, from 1; 0: it is not kept yet.
    pub revision: u64,
    /// What it says; what is secret in it is sealed.
    pub document: Value,
}

impl Note {
    /// Its place in lists of its kind.
    #[must_use]
    pub fn place(&self) -> String {
        place(&self.owner, &self.name)
    }
}

/// Where an owner's note of a name stands among those of its kind.
#[must_use]
pub fn place(owner: &Owner, name: &str) -> String {
    // Less than all that a name may hold, so that the order is that of the names.
    format!("{name}\u{1}{owner}")
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NoteKind {
    /// With which a pipeline says who it is.
    Token,
    /// A value that scenarios name.
    Secret,
    /// What a user may use.
    Quota,
    /// A domain that a user has proved, or wants to prove, to be theirs.
    Domain,
    /// Something that was done, by whom, to whom.
    Audit,
    /// That nothing may run.
    Halt,
}

impl NoteKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Token, Self::Secret, Self::Quota, Self::Domain, Self::Audit, Self::Halt];

    /// The word for it, as it is kept.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Secret => "secret",
            Self::Quota => "quota",
            Self::Domain => "domain",
            Self::Audit => "audit",
            Self::Halt => "halt",
        }
    }
}

/// How long a call with a key is remembered: a store may forget what is older.
pub const CALL_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A call that makes something, under a key of its caller's, so that the same call again makes
/// nothing more: with the ids of what it makes, which are chosen before any of it is made. Whoever
/// goes on with the call, after whatever has happened, makes the same things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// Whose it is.
    pub owner: Owner,
    /// The caller's word for it.
    pub key: String,
    /// When it was made first, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// Says which call it was, with all that it was given: two with one fingerprint are the same.
    pub fingerprint: String,
    /// The scenario that it makes, or of which it makes a run.
    pub scenario_id: ScenarioId,
    /// The run that it makes.
    pub run_id: Option<RunId>,
    /// All of that was made.
    pub finished: bool,
}

/// What became of a call that was to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptCall {
    /// It is kept, and the first under its key.
    New,
    /// This one is kept under its key.
    Known(CallRecord),
    /// Its owner has as many as may be. Of many at once some may be kept beyond that.
    Full,
}

/// Which part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The last id of the page before; `None` for the first page.
    pub after: Option<String>,
    /// At most so many.
    pub most: usize,
}

/// A scenario as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioRecord {
    /// Its id.
    pub id: ScenarioId,
    /// Whose it is.
    pub owner: Owner,
    /// Counts its changes, from 0.
    pub revision: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// When it was changed last.
    pub changed_unix_ms: u64,
    /// The document's tags, by which lists are filtered.
    pub tags: Vec<String>,
    /// The scenario's document, with its secrets sealed.
    pub document: Value,
    /// The run that others are compared with.
    pub baseline: Option<RunId>,
}

/// A run as it is kept: everything that a controller needs to go on with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub owner: Owner,
    /// Of which scenario.
    pub scenario_id: ScenarioId,
    /// Counts its changes, from 0.
    pub revision: u64,
    /// When it was asked for, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// When it ended.
    pub ended_unix_ms: Option<u64>,
    /// How far it is.
    pub state: RunState,
    /// Since when it has been in each of its states, or was last: milliseconds since 1970 on the
    /// coordinator's clock. Another controller goes on counting from there.
    #[serde(default)]
    pub since: BTreeMap<RunState, u64>,
    /// How it is to end, where that was decided before its end.
    #[serde(default)]
    pub ends_as: Option<RunState>,
    /// The scenario's document as it was when the run was asked for, with its secrets sealed.
    pub scenario: Value,
    /// What the run was told.
    pub journal: Vec<Entry>,
    /// How many arrivals of the whole may have been sent by workers that had not heard of a change yet
    /// which places them later: nobody is given them again.
    #[serde(default)]
    pub reached: u64,
    /// The key of its plan, sealed.
    #[serde(default)]
    pub plan_key: String,
    /// The values of the secrets that its scenario names, as they were when the run was asked for, sealed;
    /// empty for none.
    #[serde(default)]
    pub secrets: String,
    /// What people should know about it.
    pub warnings: Vec<String>,
    /// What happened, in order.
    pub timeline: Vec<TimelineEvent>,
    /// Its scenario's other runs are compared with it: it is not forgotten.
    #[serde(default)]
    pub baseline: bool,
    /// How many of its alerts each of the scenario's webhooks is done with, in their order: they have
    /// arrived, or were given up.
    #[serde(default)]
    pub told: Vec<u64>,
    /// Its result in few figures, for lists. `None` while it goes on, where nothing was measured, and of an
    /// earlier version.
    #[serde(default)]
    pub summary: Option<Box<RunSummary>>,
}

/// The kinds of events of which webhooks are told.
pub(super) const SLA_VIOLATED: &str = "sla_violated";
/// The other one.
pub(super) const SLA_RECOVERED: &str = "sla_recovered";

impl RunRecord {
    /// Whether a controller goes on with it: it has not ended, or a webhook is still to be told
    /// something of it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.state.has_ended() || self.owes_alerts()
    }

    /// Whether a webhook is still to be told something.
    #[must_use]
    pub fn owes_alerts(&self) -> bool {
        let webhooks = self.scenario.get("alerts").and_then(Value::as_array).map_or(0, Vec::len);
        let told = |place| self.told.get(place).copied().unwrap_or(0);
        let alerts = || self.timeline.iter().filter(|event| event.is_alert()).count() as u64;
        webhooks > 0 && (0..webhooks).map(told).min() < Some(alerts())
    }

    /// When it ended, in milliseconds since 1970, if it may be forgotten some time after that.
    #[must_use]
    pub fn fading_since(&self) -> Option<u64> {
        self.ended_unix_ms.filter(|_| !self.baseline)
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunState {
    /// It waits for its turn.
    Queued,
    /// It waits for workers.
    Preparing,
    /// Its start is fixed, and not come yet.
    Starting,
    /// Its load is being made.
    Running,
    /// The profile's clock stands still.
    Paused,
    /// No more falls due; what is under way is awaited, and the workers' last snapshots.
    Stopping,
    /// It went to its end.
    Completed,
    /// It was stopped before its end, by a person or a rule.
    Aborted,
    /// It could not be made.
    Failed,
}

impl RunState {
    /// All of them, in the order in which a run may be in them.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Preparing,
        Self::Starting,
        Self::Running,
        Self::Paused,
        Self::Stopping,
        Self::Completed,
        Self::Aborted,
        Self::Failed,
    ];

    /// The word in documents: `RUNNING`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Preparing => "PREPARING",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Stopping => "STOPPING",
            Self::Completed => "COMPLETED",
            Self::Aborted => "ABORTED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Aborted | Self::Failed)
    }
}

impl TimelineEvent {
    /// Whether webhooks are told of it.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        self.kind == SLA_VIOLATED || self.kind == SLA_RECOVERED
    }
}

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEvent {
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// When, in seconds of the run's measured time; `None` before it.
    pub at_seconds: Option<f64>,
    /// What, in a word: `created`, `started`, `worker_lost`, `rate_changed`.
    pub kind: String,
    /// What, in a sentence.
    pub text: String,
    /// The figures.
    pub data: Value,
    /// The number of the frame in which those who watch were told of it; 0: of an earlier version, or
    /// nobody was, for the run had ended.
    #[serde(default)]
    pub seq: u64,
}

/// What was recorded in one span of a run by all workers together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntervalRecord {
    /// Its number, from 0.
    pub number: u64,
    /// From when, since the start of the measured time.
    pub from_ns: Nanos,
    /// To when.
    pub to_ns: Nanos,
    /// It lies after the measured time.
    pub draining: bool,
    /// The binary form of a [`Snapshot`](crate::record::Snapshot) that holds this span alone.
    pub bytes: Bytes,
}

/// A call that the store did not carry out.
#[derive(Debug, thiserror::Error)]
#[error("the store could not {doing}: {kind}")]
pub struct StoreError {
    /// Of which kind.
    pub kind: Kind,
    /// What was being done, to be read after "could not".
    pub doing: &'static str,
    /// What was behind it.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// Whether the same call would fail again however often it is made: to be given up, and said.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(self.kind, Kind::Unavailable(_))
    }
}

/// Kinds of errors of a store, by what to do about them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// It is not there, or not in time. To be tried again.
    #[error("it does not answer ({0})")]
    Unavailable(String),
    /// There is one with that id already.
    #[error("there is one with this id already")]
    Exists,
    /// More than it can hold in one piece.
    #[error("{0}")]
    TooLarge(String),
    /// What it holds cannot be read.
    #[error("what it holds cannot be read: {0}")]
    Damaged(String),
}
