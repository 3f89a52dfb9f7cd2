//! Drives one run from its first task to its result, a step at a time.
//!
//! The driver looks ten times a second at what there is (workers' reports, snapshots, the clock,
//! commands) and does the next thing. It holds no secret state: everything that it has decided
//! stands in the run's record, and another controller that reads record and snapshots goes on where
//! it left off.

mod alerts;
mod answers;
mod beats;
mod capacity;
mod commands;
mod divide;
mod evidence;
mod intervals;
mod left;
mod members;
mod publish;
mod queue;
mod shares;
mod states;
mod take_up;
mod timeline;

use super::Inner;
use super::alerts::Courier;
use super::api::{Command, ControllerError, Waiting};
use super::books::Books;
use super::capacity::Seeking;
use super::keeper::Keeper;
use super::live::LiveView;
use super::merge::MemberMerge;
use crate::cluster::WorkerId;
use crate::cluster::coordinator::{SnapshotRecord, WorkerReport};
use crate::cluster::plan::Plan;
use crate::cluster::planned_load::PlannedLoad;
use crate::cluster::secrets::{PlanKey, SealedPlan};
use crate::cluster::standing::Standing;
use crate::cluster::store::{RunRecord, RunState};
use crate::http::TargetPolicy;
use crate::scenario::Scenario;
use crate::time::{Nanos, now};
use answers::Answers;
use beats::Beats;
use evidence::Awaited;
use intervals::Intake;
use members::Applied;
use publish::Carried;
use queue::Turn;
use serde_json::Value;
use shares::Search;
use states::Start;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// How often the driver looks.
const TICK: Duration = Duration::from_millis(100);
/// How old a worker's last beat may be for it to be given anything.
const FRESH: Duration = Duration::from_millis(2_500);
/// How long after its planned end a worker that lives may keep its last snapshot back.
const HAND_IN: Duration = Duration::from_secs(60);
/// How often it is looked whether the coordinator still has the journal.
const CHECK: Duration = Duration::from_secs(1);
/// The last entry of a run's timeline; that of a search tells what it has found.
pub(super) const ENDED: &str = "ended";

/// What others say to a driver.
pub(super) enum Message {
    /// A snapshot of this run, as it was carried.
    Snapshot(Box<SnapshotRecord>),
    /// A change, and where the answer goes.
    Command(Command, oneshot::Sender<Result<(), ControllerError>>),
}

/// What others may see of a driver.
pub(super) struct Driven {
    pub(super) live: Mutex<LiveView>,
    /// Counts what has changed.
    pub(super) changes: watch::Sender<u64>,
    pub(super) inbox: mpsc::Sender<Message>,
    pub(super) keeper: Arc<Keeper>,
}

impl Driven {
    pub(super) fn live(&self) -> MutexGuard<'_, LiveView> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

/// The newest report of each worker.
type Reports = BTreeMap<WorkerId, WorkerReport>;

/// One run's course.
pub(super) struct Driver {
    controller: Arc<Inner>,
    driven: Arc<Driven>,
    keeper: Arc<Keeper>,
    scenario: Scenario,
    record: RunRecord,
    /// The record has changed since it was last given to the keeper.
    changed: bool,
    /// Since when the run is in its state, under this controller or another.
    since: Instant,
    plan: SealedPlan,
    standing: Standing,
    load: PlannedLoad,
    merging: MemberMerge,
    books: Books,
    turn: Turn,
    start: Start,
    beats: Beats,
    applied: Applied,
    search: Search,
    carried: Carried,
    intake: Intake,
    awaited: Awaited,
    answers: Answers,
    courier: Courier,
    /// Where the run is a search for a capacity.
    seeking: Option<Seeking>,
}

impl Driver {
    pub(super) fn new(
        controller: Arc<Inner>,
        mut record: RunRecord,
        (scenario, policy): (Scenario, TargetPolicy),
        inbox: mpsc::Sender<Message>,
    ) -> Self {
        let secrets = &controller.options.secrets;
        let known = PlanKey::from_rest(&record.plan_key, secrets);
        let key = known.unwrap_or_else(PlanKey::random);
        record.plan_key = key.at_rest(secrets);
        super::reseal::run(&mut record, secrets);
        let plan =
            SealedPlan::new(plan(&controller, &scenario, policy).to_string().as_bytes(), key);
        let standing = Standing::of(&record.journal);
        let mut load = PlannedLoad::new(&scenario);
        record.journal.iter().for_each(|entry| load.read(entry));
        let started_ms = standing.start_us.unwrap_or(0) / 1_000;
        let mut live = LiveView::new(record.clone(), &scenario, started_ms);
        live.told.awaits_what_was_shown();
        record.since.entry(RunState::Queued).or_insert(controller.now_us() / 1_000);
        let since = |state| controller.instant_of(record.since.get(&state).copied());
        let (since, queued_at) = (since(record.state), since(RunState::Queued));
        let keeper = Arc::new(Keeper::default());
        let books = Books::new(scenario.picks());
        let courier = Courier::new(Arc::clone(&controller.post), &scenario.alerts);
        let seeking = Seeking::of(&record, &scenario);
        let driven = Arc::new(Driven {
            live: Mutex::new(live),
            changes: watch::Sender::new(0),
            inbox,
            keeper: Arc::clone(&keeper),
        });
        Self {
            controller,
            driven,
            keeper,
            scenario,
            plan,
            standing,
            load,
            merging: MemberMerge::default(),
            books,
            since,
            turn: Turn { queued_at, is_told: false, patient_until: now() },
            start: Start::default(),
            beats: Beats::new(),
            applied: Applied::default(),
            search: Search::new(),
            carried: Carried::nothing(),
            intake: Intake::default(),
            awaited: Awaited::default(),
            answers: Answers::default(),
            courier,
            seeking,
            changed: true,
            record,
        }
    }

    pub(super) fn driven(&self) -> Arc<Driven> {
        Arc::clone(&self.driven)
    }

    /// Drives the run to its end. `false`: somebody else drives it.
    pub(super) async fn drive(mut self, mut inbox: mpsc::Receiver<Message>) -> bool {
        let keeper = Arc::clone(&self.keeper);
        let (stored, revision) = (self.record.clone(), self.record.revision);
        let store = Arc::clone(&self.controller.store);
        let drive = async {
            self.take_up().await;
            let ended = self.record.state.has_ended() || self.go(&mut inbox).await;
            // Whoever wants a change is told at once that there is none any more.
            drop(inbox);
            if ended {
                self.deliver_what_is_left().await;
            }
            ended
        };
        tokio::select! {
            biased;
            ended = drive => ended,
            () = keeper.keep(store, &stored, revision) => false,
        }
    }

    async fn go(&mut self, inbox: &mut mpsc::Receiver<Message>) -> bool {
        loop {
            let tick = tokio::time::sleep(TICK);
            tokio::pin!(tick);
            loop {
                tokio::select! {
                    biased;
                    () = &mut tick => break,
                    message = inbox.recv() => match message {
                        Some(Message::Snapshot(snapshot)) => self.hear_snapshot(*snapshot),
                        Some(Message::Command(command, to)) => {
                            self.hear(command, to);
                            break;
                        }
                        // The controller ends.
                        None => return false,
                    },
                }
            }
            self.publish_journal().await;
            self.look_at_workers();
            self.merge();
            self.obey_halt();
            self.obey_search();
            self.step().await;
            self.deliver();
            self.confirm().await;
            self.save();
            let kept = self.keeper.kept().borrow().all;
            self.answers.send(self.carried.journal.unwrap_or(0), kept);
            if self.record.state.has_ended() {
                self.close().await;
                return true;
            }
        }
    }

    /// Where the run's clock stands, below 0 before its start.
    fn run_now(&self) -> i128 {
        let Some(zero) = self.start.zero else { return i128::from(i64::MIN) };
        let now = now();
        let before = zero.saturating_duration_since(now).as_nanos();
        now.saturating_duration_since(zero).as_nanos() as i128 - before as i128
    }

    /// A moment of the run's clock, `ahead` from now and no earlier than any before.
    fn moment(&self, ahead: Nanos) -> Nanos {
        let now = u64::try_from(self.run_now()).unwrap_or(0);
        (now + ahead).max(self.standing.latest)
    }

    fn after_end(&self) -> Duration {
        let end = self.load.end_at().map_or(i128::MAX, i128::from);
        let after = self.run_now().saturating_sub(end).max(0);
        Duration::from_nanos(u64::try_from(after).unwrap_or(u64::MAX))
    }

    fn state(&mut self, state: RunState) {
        if self.record.state != state {
            self.record.state = state;
            self.record.since.insert(state, self.controller.now_us() / 1_000);
            self.since = now();
            self.waits_for(None);
            self.changed = true;
        }
    }

    /// Shows what the run waits for now; `None`: nothing but its own time.
    fn waits_for(&self, what: Option<Waiting>) {
        self.driven.live().waiting = what;
    }

    /// Gives the record to the keeper and shows it, if it has changed.
    fn save(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.keeper.record(&self.record);
            self.driven.live().record = self.record.clone();
            self.driven.changed();
        }
        self.show();
    }

    /// Shows those who watch what is kept.
    fn show(&self) {
        let kept = self.keeper.kept();
        let kept = kept.borrow();
        if self.driven.live().told.show(&kept) {
            self.driven.changed();
        }
    }
}

/// What workers read.
fn plan(controller: &Inner, scenario: &Scenario, policy: TargetPolicy) -> Value {
    let contact = controller.options.contact.as_ref().and_then(|it| it.to_str().ok());
    Plan { scenario: scenario.clone(), policy }.written(contact)
}

/// Time since an instant, on the clock of `time`.
trait ElapsedNow {
    fn elapsed_now(&self) -> Duration;
}

impl ElapsedNow for Instant {
    fn elapsed_now(&self) -> Duration {
        now().saturating_duration_since(*self)
    }
}
