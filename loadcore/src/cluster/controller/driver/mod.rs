//! Drives one run from its first task to its result, a step at a time.
//!
//! The driver looks ten times a second at what there is (workers' reports, snapshots, the clock,
//! commands) and does the next thing. It holds no secret state: everything that it has decided
//! stands in the run's record, and another controller that reads record and snapshots goes on where
//! it left off.

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

use super::Inner;
use super::api::{Command, ControllerError, FrameData, Waiting};
use super::books::Books;
use super::frames::Until;
use super::keeper::Keeper;
use super::live::LiveView;
use super::merge::MemberMerge;
use crate::cluster::WorkerId;
use crate::cluster::coordinator::{self, CoordinatorError, SnapshotRecord, WorkerReport};
use crate::cluster::journal::{Entry, Epoch};
use crate::cluster::planned_load::PlannedLoad;
use crate::cluster::secrets::{PlanKey, SealedPlan};
use crate::cluster::standing::{Member, Standing};
use crate::cluster::store::{RunRecord, RunState, TimelineEvent};
use crate::record::Snapshot;
use crate::result::Span;
use crate::scenario::Scenario;
use crate::time::{MILLISECOND, Nanos, now};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// How often the driver looks.
const TICK: Duration = Duration::from_millis(100);
/// From an order to its moment, so that every worker has heard of it.
const NOTICE: Nanos = 500 * MILLISECOND;
/// How old a worker's last beat may be for it to be given anything.
const FRESH: Duration = Duration::from_millis(2_500);
/// How long after its planned end a worker that lives may keep its last snapshot back.
const HAND_IN: Duration = Duration::from_secs(60);
/// How long whoever asked for a change waits for it to be where it outlives this controller.
const TO_OUTLIVE: Duration = Duration::from_secs(2);
/// How often it is looked whether the coordinator still has the journal.
const CHECK: Duration = Duration::from_secs(1);
/// Entries of the timeline. Later ones are counted and not kept.
const MOST_EVENTS: usize = 10_000;

/// What others say to a driver.
pub(super) enum Message {
    /// A snapshot of this run.
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

/// Somebody who asked for a change, which stands in the journal.
struct Answer {
    to: oneshot::Sender<Result<(), ControllerError>>,
    /// Entries that have to be somewhere else too before it is sent.
    entries: u64,
    since: Instant,
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
    plan: SealedPlan,
    standing: Standing,
    load: PlannedLoad,
    merging: MemberMerge,
    /// The interval that is being gathered for the store, of several seconds in a long run.
    stored: Option<(Snapshot, Span)>,
    /// Entries that the coordinator has, as far as we know; `None`: nothing yet.
    published: Option<u64>,
    /// Last beat seen of each worker, and when it was seen to change.
    beats: BTreeMap<String, (u64, Instant)>,
    /// The last time that the coordinator answered.
    heard: Instant,
    /// Since when the run is driven here.
    begun: Instant,
    /// When the run's clock shows 0: kept, so that nobody who sets a clock moves the run's.
    zero: Option<Instant>,
    /// Since when the run is in its state, whoever has driven it.
    since: Instant,
    /// Since when it has waited for its turn, or did.
    queued_at: Instant,
    /// When workers were worth waiting for last.
    patient_until: Instant,
    /// Since when parts look for an owner.
    sought_since: Option<Instant>,
    /// Since when there is a worker that could take them.
    ready_since: Option<Instant>,
    /// When tasks were offered last with none open before.
    asked_in: Instant,
    /// Tasks offered so far, those that were taken included; `None`: nobody knows.
    tasks: Option<u32>,
    books: Books,
    /// When the last outage of the coordinator ended, on the run's clock.
    back: Nanos,
    confirmed: BTreeMap<Member, u64>,
    /// Snapshots that were refused.
    discards: Vec<(WorkerId, Epoch, u64)>,
    /// Whoever waits to hear that a change was made.
    answers: Vec<Answer>,
    refusals: BTreeMap<Member, String>,
    /// How many entries each member has said that it has applied.
    applied: BTreeMap<Member, u64>,
    /// Where another controller has driven the run: how many entries those have surely heard of whom
    /// nothing was heard since.
    surely_heard: Option<u64>,
    /// The record has changed since it was last given to the keeper.
    changed: bool,
    /// Workers may have heard of the start.
    start_told: bool,
    /// How often the start was put off because the store did not have it in time.
    postponed: u32,
    /// The timeline says that the run had to wait for its turn.
    queued: bool,
    /// Whose last snapshots the timeline says are awaited, though they are lost.
    awaited: Vec<Member>,
    /// All that the coordinator had was asked for after the load, for those who will say no more.
    asked_last: bool,
    /// When it was last looked whether the coordinator still has the journal.
    checked: Instant,
    checks: u64,
}

impl Driver {
    pub(super) fn new(
        controller: Arc<Inner>,
        mut record: RunRecord,
        scenario: Scenario,
        inbox: mpsc::Sender<Message>,
    ) -> Self {
        let secrets = &controller.options.secrets;
        let known = PlanKey::from_rest(&record.plan_key, secrets);
        let key = known.unwrap_or_else(PlanKey::random);
        record.plan_key = key.at_rest(secrets);
        let plan = SealedPlan::new(scenario.to_value().to_string().as_bytes(), key);
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
            stored: None,
            published: None,
            beats: BTreeMap::new(),
            heard: now(),
            begun: now(),
            zero: None,
            since,
            queued_at,
            patient_until: now(),
            sought_since: None,
            ready_since: None,
            asked_in: now(),
            tasks: None,
            books,
            back: 0,
            confirmed: BTreeMap::new(),
            discards: Vec::new(),
            answers: Vec::new(),
            refusals: BTreeMap::new(),
            applied: BTreeMap::new(),
            surely_heard: None,
            start_told: false,
            postponed: 0,
            changed: true,
            queued: false,
            awaited: Vec::new(),
            asked_last: false,
            checked: now(),
            checks: 0,
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
            self.go(&mut inbox).await
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
                        Some(Message::Snapshot(snapshot)) => self.snapshot(*snapshot),
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
            self.step().await;
            self.confirm().await;
            self.save();
            self.answer();
            if self.record.state.has_ended() {
                self.close().await;
                return true;
            }
        }
    }

    fn hear(&mut self, command: Command, to: oneshot::Sender<Result<(), ControllerError>>) {
        match self.command(command) {
            Ok(()) => {
                let entries = self.record.journal.len() as u64;
                self.answers.push(Answer { to, entries, since: now() });
            }
            // Whoever asked may have gone.
            Err(error) => drop(to.send(Err(error))),
        }
    }

    /// Answers those whose change is where it outlives this controller.
    fn answer(&mut self) {
        let (published, kept) = (self.published.unwrap_or(0), self.keeper.kept().borrow().all);
        for answer in std::mem::take(&mut self.answers) {
            if kept || published >= answer.entries {
                let _ = answer.to.send(Ok(()));
            } else if answer.since.elapsed_now() > TO_OUTLIVE {
                let text = "neither the workers nor the store have heard of this change within 2 s; \
                            it is made as soon as they can be reached, if this controller lives";
                let kind = coordinator::Kind::Unavailable(text.to_owned());
                let error = CoordinatorError { kind, doing: "pass the change on", source: None };
                let _ = answer.to.send(Err(error.into()));
            } else {
                self.answers.push(answer);
            }
        }
    }

    fn command(&mut self, command: Command) -> Result<(), ControllerError> {
        let refuse = |text: &str| Err(ControllerError::Refused(text.to_owned()));
        if self.record.state == RunState::Stopping {
            return match command {
                Command::Stop => {
                    self.stop_draining();
                    Ok(())
                }
                _ => refuse("the run is being stopped: it cannot be changed any more"),
            };
        }
        if self.record.state.has_ended() {
            return Err(ControllerError::HasEnded {
                run: self.record.id.clone(),
                state: self.record.state,
            });
        }
        if command == Command::Stop {
            self.stop(RunState::Aborted, "stopped", "the run was stopped");
            return Ok(());
        }
        if !matches!(self.record.state, RunState::Running | RunState::Paused) {
            return refuse("the run has not started yet: it can be stopped, and nothing else");
        }
        let at_ns = self.moment(NOTICE);
        match command {
            Command::Pause if self.standing.paused => return refuse("the run is paused already"),
            Command::Pause => {
                self.note(Entry::Pause { at_ns });
                self.state(RunState::Paused);
                self.effect("paused", "the profile's clock stops", at_ns);
            }
            Command::Resume if !self.standing.paused => return refuse("the run is not paused"),
            Command::Resume => {
                self.note(Entry::Resume { at_ns });
                self.state(RunState::Running);
                self.effect("resumed", "the profile's clock goes on", at_ns);
            }
            Command::Rate { target_rps, over_seconds } => {
                if !(0.0..=1e9).contains(&target_rps) {
                    return refuse(&format!("targetRps is {target_rps}: give 0 to 1000000000"));
                }
                if !(0.0..=604_800.0).contains(&over_seconds) {
                    return refuse(&format!("overSeconds is {over_seconds}: give 0 to 604800"));
                }
                if !self.scenario.load.is_open() {
                    return refuse("a closed loop has no rate to be changed");
                }
                if let Some(why) = self.too_fast(target_rps) {
                    return refuse(&why);
                }
                self.note(Entry::Rate { at_ns, target_rps, over_seconds });
                let text = format!("the rate goes to {target_rps}/s within {over_seconds} s");
                let data = json!({"targetRps": target_rps, "overSeconds": over_seconds});
                self.event("rate_changed", &text, data);
            }
            Command::Stop => {}
        }
        Ok(())
    }

    fn stop(&mut self, end_as: RunState, kind: &str, text: &str) {
        self.record.ends_as = Some(end_as);
        self.event(kind, text, Value::Null);
        self.take_start_back();
        if self.standing.start_us.is_none() {
            // Nothing was sent: there is nothing to wait for.
            self.note(Entry::Close);
        } else {
            let at_ns = self.moment(NOTICE);
            self.note(Entry::Stop { at_ns });
        }
        self.state(RunState::Stopping);
    }

    /// What is in flight when nothing more falls due is not awaited any longer.
    fn stop_draining(&mut self) {
        let drains = |member| !self.merging.is_final(member);
        let drains = self.owners_alive().iter().any(drains);
        if drains && self.standing.stopped_at.is_none() {
            self.stop(RunState::Aborted, "stopped", "the run was stopped");
        }
    }

    /// Where the run's clock stands, below 0 before its start.
    fn run_now(&self) -> i128 {
        let Some(zero) = self.zero else { return i128::from(i64::MIN) };
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

    fn warn(&mut self, text: &str) {
        if !self.record.warnings.iter().any(|known| known == text)
            && self.record.warnings.len() < 100
        {
            self.record.warnings.push(text.to_owned());
            self.changed = true;
        }
    }

    /// An order, which takes effect at a moment that all workers have heard of by then.
    fn effect(&mut self, kind: &str, text: &str, at_ns: Nanos) {
        let seconds = (at_ns as f64 - self.load.measured_from() as f64) / 1e9;
        let data = json!({"effectiveAtSeconds": seconds});
        self.event(kind, &format!("{text} at {seconds:.3} s"), data);
    }

    fn event(&mut self, kind: &str, text: &str, data: Value) {
        let from = self.load.measured_from() as i128;
        let at = self.standing.start_us.map(|_| (self.run_now() - from) as f64 / 1e9);
        let mut event = TimelineEvent {
            at_unix_ms: self.controller.now_us() / 1_000,
            at_seconds: at,
            kind: kind.to_owned(),
            text: text.to_owned(),
            data,
            seq: 0,
        };
        tracing::info!(run = %self.record.id, kind, "{text}");
        let events = self.record.timeline.len();
        let is_kept = events < MOST_EVENTS;
        let until = if is_kept { Until::Events(events + 1) } else { Until::Now };
        event.seq = self.driven.live().told.add(FrameData::Event(event.clone()), until);
        if is_kept {
            self.record.timeline.push(event);
        }
        self.changed = true;
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

/// Time since an instant, on the clock of `time`.
trait ElapsedNow {
    fn elapsed_now(&self) -> Duration;
}

impl ElapsedNow for Instant {
    fn elapsed_now(&self) -> Duration {
        now().saturating_duration_since(*self)
    }
}
