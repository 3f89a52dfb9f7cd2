//! Turns what the store keeps and the controller knows into the JSON that clients read.
//!
//! Records never go out as they are: they name owners and hold sealed secrets.

use crate::schemas::{ResultDocument, ScenarioDocument, SummaryDocument};
use loadcore::cluster::controller::RunPage;
use loadcore::cluster::controller::api::{
    EndFrame, Frame, FrameData, IntervalFrame, KnownResult, Waiting, WorkerView,
};
use loadcore::cluster::coordinator::{PROTOCOL, TaskState};
use loadcore::cluster::journal::Entry;
use loadcore::cluster::secrets::Secrets;
use loadcore::cluster::store::{RunRecord, RunState, ScenarioRecord, TimelineEvent};
use loadcore::result::{RunResult, RunSummary, rfc3339};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// The items, newest first where they have an age.
    pub items: Vec<T>,
    /// What to give as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A whole list on one page.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// A page of runs as the platform has found it, each as `view` shows it.
    #[must_use]
    pub fn of_runs(page: RunPage, view: impl FnMut(&RunRecord) -> T) -> Self {
        let next_cursor = page.next.map(|id| id.to_string());
        Self { items: page.runs.iter().map(view).collect(), next_cursor }
    }

    /// The first `limit` of `items`; what comes after them is the next page, that begins after the
    /// last one shown.
    #[must_use]
    pub fn page(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> &str) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|last| id(last).to_owned());
        Self { items, next_cursor }
    }

    /// The same page of something else.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> List<U> {
        List { items: self.items.into_iter().map(change).collect(), next_cursor: self.next_cursor }
    }
}

/// A scenario that is kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioView {
    /// Its id.
    pub id: String,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was changed last (RFC 3339).
    #[schema(format = DateTime)]
    pub changed_at: String,
    /// How often it was changed.
    pub revision: u64,
    /// Its newest run; null where there is none.
    pub run_id: Option<String>,
    /// The state of that run.
    #[schema(value_type = Option<RunStateName>)]
    pub state: Option<RunState>,
    /// The run that others are compared with; null where none is named.
    pub baseline_run_id: Option<String>,
    /// The document, with `[redacted]` in the place of what is secret.
    #[schema(value_type = ScenarioDocument)]
    pub scenario: Value,
}

impl ScenarioView {
    /// With its newest run.
    #[must_use]
    pub fn of(record: &ScenarioRecord, newest: Option<&RunRecord>) -> Self {
        Self {
            id: record.id.to_string(),
            created_at: rfc3339(record.created_unix_ms),
            changed_at: rfc3339(record.changed_unix_ms),
            revision: record.revision,
            run_id: newest.map(|run| run.id.to_string()),
            state: newest.map(|run| run.state),
            baseline_run_id: record.baseline.as_ref().map(ToString::to_string),
            scenario: Secrets::redact(&record.document),
        }
    }
}

/// One execution of a scenario.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// Of which scenario.
    pub scenario_id: String,
    /// How far it is.
    #[schema(value_type = RunStateName)]
    pub state: RunState,
    /// When it was asked for (RFC 3339).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its load began, warm-up included (RFC 3339); null before.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended (RFC 3339); null before.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// What people should know about it.
    pub warnings: Vec<String>,
    /// What it waits for beside its own time; null where that is nothing, and in lists.
    pub waiting_for: Option<WaitingView>,
    /// The document that was run, with `[redacted]` in the place of what is secret.
    #[schema(value_type = ScenarioDocument)]
    pub scenario: Value,
    /// Its chief figures, also in lists; null before anything was measured, and in lists of runs of an earlier
    /// version.
    #[schema(value_type = Option<SummaryDocument>)]
    pub summary: Option<Box<RunSummary>>,
    /// What was measured, also while it runs; null before anything was, and in lists, which would
    /// be long.
    #[schema(value_type = Option<ResultDocument>)]
    pub result: Option<Box<RunResult>>,
}

impl RunView {
    /// Without a result.
    #[must_use]
    pub fn of(record: &RunRecord) -> Self {
        Self {
            id: record.id.to_string(),
            scenario_id: record.scenario_id.to_string(),
            state: record.state,
            created_at: rfc3339(record.created_unix_ms),
            started_at: started_unix_ms(record).map(rfc3339),
            ended_at: record.ended_unix_ms.map(rfc3339),
            warnings: record.warnings.clone(),
            waiting_for: None,
            scenario: Secrets::redact(&record.scenario),
            summary: record.summary.clone(),
            result: None,
        }
    }

    /// With what it waits for at `now_unix_ms`.
    #[must_use]
    pub fn waiting(self, waiting: Option<Waiting>, now_unix_ms: u64) -> Self {
        let view = |Waiting { what, until_unix_ms }| WaitingView {
            what,
            until: rfc3339(until_unix_ms),
            left_seconds: until_unix_ms.saturating_sub(now_unix_ms) as f64 / 1e3,
        };
        Self { waiting_for: waiting.map(view), ..self }
    }

    /// With what was measured. Where that was judged just now, so is the summary.
    #[must_use]
    pub fn with(self, outcome: KnownResult) -> Self {
        let result = measured(outcome);
        let judged = result.as_deref().map(|result| Box::new(RunSummary::of(result)));
        Self { summary: judged.or(self.summary), result, ..self }
    }
}

/// What a run waits for.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingView {
    /// What, to be read after "waits for".
    #[schema(example = "its workers (1 of 2 workers there; place 2 in the queue)")]
    pub what: String,
    /// When it waits no longer (RFC 3339).
    #[schema(format = DateTime)]
    pub until: String,
    /// How long that is yet.
    pub left_seconds: f64,
}

/// The result, live or final.
#[must_use]
pub fn measured(outcome: KnownResult) -> Option<Box<RunResult>> {
    match outcome {
        KnownResult::Live(result) | KnownResult::Final(result) => Some(result),
        KnownResult::Nothing => None,
    }
}

/// When the run's load began, in milliseconds since 1970: its clock's zero.
#[must_use]
pub fn started_unix_ms(record: &RunRecord) -> Option<u64> {
    record.journal.iter().rev().find_map(|entry| match entry {
        Entry::Start { at_us } => Some(at_us / 1_000),
        _ => None,
    })
}

/// What a POST of a scenario or a run answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// The id of what was made: for a scenario its own, for a run the run's.
    pub id: String,
    /// Of which scenario.
    pub scenario_id: String,
    /// The run that was started; null where none was.
    pub run_id: Option<String>,
    /// Its state.
    #[schema(value_type = Option<RunStateName>)]
    pub state: Option<RunState>,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Something that happened in a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// When (RFC 3339).
    #[schema(format = DateTime)]
    pub at: String,
    /// When, in seconds of the run's measured time; null before it.
    pub at_seconds: Option<f64>,
    /// What, in a word: `created`, `started`, `worker_lost`, `rate_changed`.
    pub kind: String,
    /// What, in a sentence.
    pub text: String,
    /// The figures; null where there are none.
    #[schema(value_type = Option<Object>)]
    pub data: Value,
}

impl From<&TimelineEvent> for EventView {
    fn from(event: &TimelineEvent) -> Self {
        Self {
            at: rfc3339(event.at_unix_ms),
            at_seconds: event.at_seconds,
            kind: event.kind.clone(),
            text: event.text.clone(),
            data: event.data.clone(),
        }
    }
}

/// One message of a stream, as [`FrameDocument`](crate::schemas::FrameDocument) describes it.
#[derive(Debug, Clone, Serialize)]
pub struct FrameView {
    /// Counts up with each frame of the run, from 1.
    pub seq: u64,
    /// Its type and its content.
    #[serde(flatten)]
    pub data: FrameContent,
}

/// What a frame tells.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "camelCase")]
pub enum FrameContent {
    /// A second of the run.
    Interval(Box<IntervalFrame>),
    /// What happened, as it stands in the timeline.
    Event(EventView),
    /// The run has ended; no frame follows.
    End(EndFrame),
}

impl From<Frame> for FrameView {
    fn from(Frame { seq, data }: Frame) -> Self {
        let data = match data {
            FrameData::Interval(interval) => FrameContent::Interval(interval),
            FrameData::Event(event) => FrameContent::Event(EventView::from(&event)),
            FrameData::End(end) => FrameContent::End(end),
        };
        Self { seq, data }
    }
}

/// A worker.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerJson {
    /// Which start of which process: a process that is started again is another worker.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its program's version.
    pub version: String,
    /// It speaks what this controller speaks; others get no tasks.
    pub compatible: bool,
    /// Its lease is not over.
    pub alive: bool,
    /// It finishes what it has and takes nothing new.
    pub draining: bool,
    /// When it was heard of last (RFC 3339), on the coordinator's clock.
    #[schema(format = DateTime)]
    pub last_seen_at: String,
    /// Processors that it may use.
    pub cores: u64,
    /// Engine threads that it uses; null: as many as its part of a run needs.
    pub threads: Option<u64>,
    /// The greatest rate that it takes on; null for any.
    pub max_rps: Option<f64>,
    /// How uncertain its clock is against the coordinator's; null until that was measured.
    pub clock_error_ms: Option<f64>,
    /// What it is doing in a run: `taken`, `ready`, `refused`, `running`, `fenced`, `ended`; null
    /// outside of one.
    pub task: Option<String>,
    /// That run, if it is this user's.
    pub run_id: Option<String>,
}

impl WorkerJson {
    /// With the run that may be named.
    #[must_use]
    pub fn of(worker: &WorkerView, run_id: Option<String>) -> Self {
        let report = &worker.seen.report;
        Self {
            id: report.worker.to_string(),
            name: report.name.clone(),
            version: report.version.clone(),
            compatible: report.protocol == PROTOCOL,
            alive: worker.alive,
            draining: report.draining,
            last_seen_at: rfc3339(worker.seen.at_us / 1_000),
            cores: report.cores,
            threads: (report.threads > 0).then_some(report.threads),
            max_rps: report.max_rps,
            clock_error_ms: (report.clock_error_us != u64::MAX)
                .then(|| report.clock_error_us as f64 / 1e3),
            task: report.task.as_ref().map(|task| word(&task.state).to_owned()),
            run_id,
        }
    }
}

fn word(state: &TaskState) -> &'static str {
    match state {
        TaskState::Taken => "taken",
        TaskState::Ready => "ready",
        TaskState::Refused { .. } => "refused",
        TaskState::Running => "running",
        TaskState::Fenced => "fenced",
        TaskState::Ended => "ended",
    }
}

/// How far a run is: the library's state, which knows nothing of OpenAPI.
#[derive(ToSchema)]
#[schema(as = RunState)]
pub enum RunStateName {
    /// It waits for its turn.
    QUEUED,
    /// It waits for workers.
    PREPARING,
    /// Its start is fixed, and not come yet.
    STARTING,
    /// Its load is being made.
    RUNNING,
    /// The profile's clock stands still.
    PAUSED,
    /// No more falls due; what is under way is awaited.
    STOPPING,
    /// It went to its end.
    COMPLETED,
    /// It was stopped before its end.
    ABORTED,
    /// It could not be made.
    FAILED,
}

/// May a measurement be trusted?
#[derive(ToSchema)]
#[schema(as = Verdict)]
pub enum VerdictName {
    /// The generator was well.
    VALID,
    /// It was not throughout.
    DEGRADED,
    /// It was not.
    INVALID,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_the_last_names_the_next() {
        let ids = |n: usize| (0..n).map(|i| format!("id{i}")).collect::<Vec<_>>();
        let page = List::page(ids(3), 2, |id| id);
        assert_eq!((page.items.len(), page.next_cursor.as_deref()), (2, Some("id1")));
        let last = List::page(ids(2), 2, |id| id);
        assert_eq!((last.items.len(), last.next_cursor), (2, None));
    }
}
