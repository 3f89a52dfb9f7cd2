//! Turns the contract of [`Coordinator`] into a list of checks, each given an empty coordinator of
//! its own.
//!
//! A check panics with the promise that was not kept and what was seen instead. Times are judged
//! generously, since the machine that runs the checks may be busy: where the contract says 100 ms
//! they allow [`SOON`].

mod journals;
mod leading;
mod snapshots;
mod workers;

use crate::cluster::RunId;
use crate::cluster::coordinator::{
    Beat, Coordinator, CoordinatorError, Kind, Leader, PROTOCOL, SnapshotRecord, WorkerReport,
};
use crate::cluster::journal::Line;
use bytes::Bytes;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How long checks wait for what should come at once.
const SOON: Duration = Duration::from_secs(5);

/// How long checks wait for what should not come.
const A_WHILE: Duration = Duration::from_millis(150);

/// One check of a promise.
#[derive(Clone, Copy)]
pub struct CoordinatorCheck {
    /// What it says of a coordinator that passes.
    pub name: &'static str,
    /// The number of the promise in the contract of [`Coordinator`].
    pub promise: u32,
    check: fn(Checked) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

type Checked = Arc<dyn Coordinator>;

impl CoordinatorCheck {
    /// Holds a coordinator, which must be empty, against the promise.
    ///
    /// # Panics
    /// When it does not keep it.
    pub async fn run(&self, coordinator: Arc<dyn Coordinator>) {
        (self.check)(coordinator).await;
    }
}

impl fmt::Debug for CoordinatorCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "promise {}: {}", self.promise, self.name)
    }
}

/// Holds coordinators that `make` makes, each empty, against the whole contract.
///
/// # Panics
/// When they do not keep it.
pub async fn coordinator<F, Fut, C>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = C>,
    C: Coordinator,
{
    for check in coordinator_checks() {
        check.run(Arc::new(make().await)).await;
    }
}

macro_rules! checks {
    ($($promise:literal $module:ident::$name:ident)*) => {
        vec![$(CoordinatorCheck {
            name: stringify!($name),
            promise: $promise,
            check: |coordinator| Box::pin($module::$name(coordinator)),
        }),*]
    };
}

/// All checks, in the order of the promises.
#[must_use]
pub fn coordinator_checks() -> Vec<CoordinatorCheck> {
    checks! {
        1 workers::all_times_come_from_one_clock
        2 workers::a_task_goes_to_one_worker
        2 workers::a_worker_that_waits_gets_a_task_soon
        2 workers::a_withdrawn_task_is_handed_out_no_more
        2 workers::tasks_wait_for_workers_in_their_order
        3 workers::the_last_beat_is_shown
        3 workers::a_beat_that_is_none_shuts_out_no_other
        4 journals::a_journal_grows_in_order
        4 journals::how_far_the_journal_goes_is_told
        4 journals::a_repeated_append_changes_nothing
        4 journals::other_appends_are_conflicts
        4 journals::whoever_waits_for_an_entry_gets_it_soon
        4 journals::all_lines_come_back_as_they_were
        5 journals::a_journal_is_brought_again_and_extended
        5 journals::whatever_stood_there_gives_way_to_what_is_brought
        6 snapshots::the_newest_snapshot_is_shown
        6 snapshots::a_discarded_snapshot_shuts_out_no_other
        6 snapshots::snapshots_are_accepted_before_a_run_is_open
        6 snapshots::names_and_bytes_are_carried_as_they_are
        7 snapshots::newer_snapshots_come_out_of_the_queue_in_order
        7 snapshots::unsettled_results_go_to_the_next_controller
        7 snapshots::whoever_waits_for_results_gets_them_soon
        7 snapshots::ten_thousand_results_may_wait
        8 snapshots::what_is_confirmed_is_answered
        9 leading::one_controller_leads
        9 leading::the_lead_ends_with_its_lease
        9 leading::who_abdicates_leads_no_more
        9 leading::a_controller_of_the_past_is_refused
        10 leading::a_closed_run_leaves_nothing
        10 leading::a_closed_run_takes_nothing
        10 leading::a_closed_run_can_be_opened_again
        10 leading::closing_one_run_leaves_the_others
        11 leading::no_call_waits_for_ever
    }
}

/// A worker's report as tests send it.
#[must_use]
pub fn a_report(worker: &str, beat: u64) -> WorkerReport {
    WorkerReport {
        worker: worker.into(),
        name: format!("the worker {worker}"),
        version: "0.1.0".into(),
        protocol: PROTOCOL,
        cores: 4,
        threads: 2,
        slack_ns: 2_000_000,
        max_rps: Some(20_000.5),
        public_key: "AAAA".into(),
        draining: false,
        left: false,
        beat,
        clock_error_us: 30,
        task: None,
    }
}

/// A beat as tests send it. Its words name its worker and its number, and nobody has signed them: it
/// is carried all the same.
#[must_use]
pub fn a_beat(worker: &str, beat: u64) -> Beat {
    Beat { worker: worker.into(), said: Bytes::from(format!("{worker} beats {beat}")) }
}

/// A line of a journal as tests send it: it names its number.
#[must_use]
pub fn a_line(number: u64) -> Line {
    Line(Bytes::from(format!("line {number}")))
}

/// A snapshot as tests send it. It is of run `run`, its bytes name its worker and its number.
#[must_use]
pub fn a_snapshot(worker: &str, epoch: u64, seq: u64) -> SnapshotRecord {
    SnapshotRecord {
        run: run(),
        worker: worker.into(),
        epoch,
        seq,
        elapsed_ns: seq * 1_000_000_000,
        is_final: false,
        bytes: Bytes::from(format!("{worker}, {epoch}, {seq}")),
    }
}

fn run() -> RunId {
    "run".into()
}

fn controller(name: &str, term: u64) -> Leader {
    Leader { controller: name.into(), term, address: format!("http://{name}:8080") }
}

/// The answer of a call, or a panic that names the call.
#[track_caller]
fn ok<T>(result: Result<T, CoordinatorError>) -> T {
    result.unwrap_or_else(|error| panic!("a call failed that should not: {error:?}"))
}

/// The kind of error that a call ended with.
#[track_caller]
fn kind<T: fmt::Debug>(result: Result<T, CoordinatorError>) -> Kind {
    match result {
        Ok(answer) => panic!("a call was answered that should be refused: {answer:?}"),
        Err(error) => error.kind,
    }
}

/// What a future answers, or a panic if it does not do so soon.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(SOON, future).await;
    answer.unwrap_or_else(|_| panic!("{what}: nothing within {SOON:?}"))
}

/// Gives `waiting` time to reach the point where it waits, then does `then`, and answers what both
/// answer. What waits must be done soon after.
async fn while_waiting<W, T>(
    what: &str,
    waiting: impl Future<Output = W>,
    then: impl Future<Output = T>,
) -> (W, T) {
    let later = async {
        tokio::time::sleep(A_WHILE).await;
        then.await
    };
    soon(what, async { tokio::join!(waiting, later) }).await
}
