//! One run from its first task to its result: what a controller does with it, a step at a time.
//!
//! The driver looks ten times a second at what there is (workers' reports, snapshots, the clock,
//! commands) and does the next thing. It holds no secret state: everything that it has decided
//! stands in the run's record, and another controller that reads record and snapshots goes on where
//! it left off.

use super::api::{Command, ControllerError, FrameKind};
use super::keeper::Keeper;
use super::live::{self, Live};
use super::merge::{Merging, Published};
use super::{Inner, finish};
use crate::analysis::sla::Event;
use crate::cluster::agent::LEASE;
use crate::cluster::coordinator::{self, PROTOCOL, SnapshotRecord, TaskState, WorkerReport};
use crate::cluster::course::Course;
use crate::cluster::journal::Entry;
use crate::cluster::secrets::{PlanKey, SealedPlan};
use crate::cluster::standing::{Member, Standing, divide};
use crate::cluster::store::{IntervalRecord, RunRecord, RunState, TimelineEvent};
use crate::record::{Merge, Snapshot};
use crate::result::Span;
use crate::scenario::{OnWorkerLoss, Scenario};
use crate::schedule::Share;
use crate::time::{MILLISECOND, Nanos, SECOND, now, seconds, unix_millis};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// How often the driver looks.
const TICK: Duration = Duration::from_millis(100);
/// From the decision to the start: time for every worker to hear of it and start its threads.
const START_LEAD_US: u64 = 400_000;
/// From an order to its moment, so that every worker has heard of it.
const NOTICE: Nanos = 500 * MILLISECOND;
/// From the decision to the moment from which a lost worker's parts are another's.
const TAKE_NOTICE: Nanos = 700 * MILLISECOND;
/// From the decision to the moment from which a draining worker's parts are another's.
const RELEASE_NOTICE: Nanos = 1_500 * MILLISECOND;
/// How old a worker's last beat may be for it to be given anything.
const FRESH: Duration = Duration::from_millis(2_500);
/// How long those that have taken a task may take to get ready, after the others are.
const GET_READY: Duration = Duration::from_secs(5);
/// How long a paused run waits to be resumed.
const PAUSED: Duration = Duration::from_secs(3_600);
/// How long after its planned end a worker that lives may keep its last snapshot back.
const HAND_IN: Duration = Duration::from_secs(60);
/// How long a lost worker's last snapshot is awaited after the load's end.
const EVIDENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether the coordinator still has the journal.
const CHECK: Duration = Duration::from_secs(1);
/// Every how many of these looks it is asked for snapshots as well, while the load is made.
const LOOK_EVERY: u64 = 10;
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
    pub(super) live: Mutex<Live>,
    /// Counts what has changed.
    pub(super) changes: watch::Sender<u64>,
    pub(super) inbox: mpsc::Sender<Message>,
}

impl Driven {
    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

/// One run's course.
pub(super) struct Driver {
    controller: Arc<Inner>,
    driven: Arc<Driven>,
    keeper: Arc<Keeper>,
    scenario: Scenario,
    record: RunRecord,
    plan: SealedPlan,
    standing: Standing,
    course: Course,
    merging: Merging,
    /// The interval that is being gathered for the store, of several seconds in a long run.
    stored: Option<(Snapshot, Span)>,
    /// Entries that the coordinator has, as far as we know; `None`: nothing yet.
    published: Option<u64>,
    /// Last beat seen of each worker, and when it was seen to change.
    beats: BTreeMap<String, (u64, Instant)>,
    /// The last time that the coordinator answered.
    heard: Instant,
    /// Since when the run is in its state.
    since: Instant,
    /// Since when there is a worker that could take what is nobody's.
    ready_since: Option<Instant>,
    offered: bool,
    unknown: u64,
    confirmed: BTreeMap<Member, u64>,
    /// How it is to end, once it has.
    end_as: RunState,
    refusals: BTreeMap<Member, String>,
    /// How many entries each member has said that it has applied.
    applied: BTreeMap<Member, u64>,
    /// The record has changed since it was last given to the keeper.
    changed: bool,
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
        let mut course = Course::new(&scenario);
        record.journal.iter().for_each(|entry| course.read(entry));
        let started_ms = standing.start_us.unwrap_or(0) / 1_000;
        let live = Live::new(record.clone(), &scenario, started_ms);
        let driven =
            Arc::new(Driven { live: Mutex::new(live), changes: watch::Sender::new(0), inbox });
        let end_as =
            if standing.stopped_at.is_some() { RunState::Aborted } else { RunState::Completed };
        Self {
            controller,
            driven,
            keeper: Arc::new(Keeper::default()),
            scenario,
            plan,
            standing,
            course,
            merging: Merging::default(),
            stored: None,
            published: None,
            beats: BTreeMap::new(),
            heard: now(),
            since: now(),
            ready_since: None,
            offered: record.state != RunState::Queued,
            unknown: 0,
            confirmed: BTreeMap::new(),
            end_as,
            refusals: BTreeMap::new(),
            applied: BTreeMap::new(),
            changed: true,
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
                        Some(message) => self.hear(message),
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
            if self.record.state.has_ended() {
                return true;
            }
        }
    }

    /// A snapshot whose way here was lost is still with the coordinator: asks for what is lacking.
    async fn fetch_lacking(&mut self) {
        let run = self.record.id.clone();
        let lacking = self.owners_alive().iter().any(|member| !self.merging.is_final(member));
        let turn =
            self.checks.is_multiple_of(LOOK_EVERY) || self.record.state == RunState::Stopping;
        self.checks += 1;
        if lacking
            && turn
            && let Ok(newest) = self.controller.coordinator.newest(&run).await
        {
            newest.into_iter().for_each(|snapshot| self.snapshot(snapshot));
        }
    }

    /// Goes on with what another controller has left: its journal may be longer in the coordinator
    /// than in the store, and snapshots wait in both.
    async fn take_up(&mut self) {
        if self.record.state == RunState::Queued {
            return;
        }
        let run = self.record.id.clone();
        if let Ok(Some(journal)) =
            self.controller.coordinator.journal(&run, 0, Duration::ZERO).await
        {
            let known = self.record.journal.len();
            if journal.len() > known && journal[..known] == self.record.journal[..] {
                for entry in journal[known..].iter().cloned() {
                    self.note(entry);
                }
            }
        }
        let stored = self.controller.store.intervals(&self.record.owner, &run, 0, usize::MAX).await;
        if let Ok(read) = finish::read_intervals(&stored.unwrap_or_default()) {
            self.resume_intervals(&read);
        }
        let kept = self.controller.store.snapshots(&self.record.owner, &run).await;
        let newest = self.controller.coordinator.newest(&run).await;
        for snapshot in kept.unwrap_or_default().into_iter().chain(newest.unwrap_or_default()) {
            self.snapshot(snapshot);
        }
        self.event("controller_changed", "another controller has taken the run up", Value::Null);
    }

    fn resume_intervals(&mut self, read: &[(Snapshot, Span)]) {
        let Some((_, last)) = read.last() else { return };
        let number = last.to_ns.div_ceil(SECOND);
        let mut total = Snapshot::default();
        for (interval, span) in read {
            total.total.merge(&interval.total);
            (total.in_flight, total.backlog) = (interval.in_flight, interval.backlog);
            total.elapsed_ns = span.to_ns;
            let published = Published {
                number: span.from_ns / SECOND,
                interval: interval.total.clone(),
                total: total.clone(),
            };
            self.driven.live().interval(&published, *span, &self.course, 0, Vec::new());
        }
        self.merging.resume(number, total.total);
    }

    // ------------------------------------------------------------ what comes in

    fn hear(&mut self, message: Message) {
        match message {
            Message::Snapshot(snapshot) => self.snapshot(*snapshot),
            Message::Command(command, answer) => {
                // Whoever asked may have gone.
                let _ = answer.send(self.command(command));
            }
        }
    }

    fn snapshot(&mut self, snapshot: SnapshotRecord) {
        let (worker, epoch) = (snapshot.worker.clone(), snapshot.epoch);
        match self.merging.take(snapshot.clone()) {
            Ok(true) => self.keeper.snapshot(snapshot),
            Ok(false) => {}
            Err(why) => {
                let text = format!("a snapshot of worker {worker} was refused: {why}");
                let data = json!({"worker": worker, "epoch": epoch});
                self.warn(&text);
                self.event("snapshot_refused", &text, data);
            }
        }
    }

    fn command(&mut self, command: Command) -> Result<(), ControllerError> {
        let refuse = |text: &str| Err(ControllerError::Refused(text.to_owned()));
        if self.record.state.has_ended() || self.record.state == RunState::Stopping {
            return Err(ControllerError::HasEnded {
                run: self.record.id.clone(),
                state: state_name(self.record.state),
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
                self.event("paused", "the profile's clock was stopped", Value::Null);
            }
            Command::Resume if !self.standing.paused => return refuse("the run is not paused"),
            Command::Resume => {
                self.note(Entry::Resume { at_ns });
                self.state(RunState::Running);
                self.event("resumed", "the profile's clock goes on", Value::Null);
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
        self.end_as = end_as;
        self.event(kind, text, Value::Null);
        if self.standing.start_us.is_none() {
            // Nothing was sent: there is nothing to wait for.
            self.note(Entry::Close);
        } else {
            let at_ns = self.moment(NOTICE);
            self.note(Entry::Stop { at_ns });
        }
        self.state(RunState::Stopping);
    }

    // ------------------------------------------------------------ the journal

    /// Adds an entry, and acts on it.
    fn note(&mut self, entry: Entry) {
        self.standing.read(&entry);
        self.course.read(&entry);
        self.record.journal.push(entry);
        self.changed = true;
    }

    /// Brings the coordinator what it does not have yet.
    async fn publish_journal(&mut self) {
        if self.record.state == RunState::Queued {
            return;
        }
        let (term, run) = (self.controller.term(), &self.record.id);
        let journal = &self.record.journal;
        let whole = journal.len() as u64;
        let coordinator = &self.controller.coordinator;
        let done = match self.published {
            Some(published) if published == whole => return,
            Some(published) => {
                coordinator.append(term, run, published, &journal[published as usize..]).await
            }
            None => coordinator.open(term, run, self.plan.bytes.clone().into(), journal).await,
        };
        self.published = match done.map_err(|error| error.kind) {
            Ok(()) => Some(whole),
            // It has forgotten what it had: all of it is brought again.
            Err(coordinator::Kind::Conflict) => None,
            Err(_) => self.published,
        };
    }

    /// The coordinator may have forgotten everything: looks, and brings it again.
    async fn check_journal(&mut self) {
        let run = &self.record.id;
        let there = self.controller.coordinator.journal(run, 0, Duration::ZERO).await;
        if let Ok(there) = there
            && there.map_or(0, |entries| entries.len()) < self.record.journal.len()
        {
            self.published = None;
            // Tasks that nobody had taken are gone as well.
            self.offered = self.record.state != RunState::Preparing && self.offered;
            self.publish_journal().await;
        }
    }

    // ------------------------------------------------------------ workers

    /// Remembers when each worker was last heard of.
    fn look_at_workers(&mut self) {
        let seen = self.controller.workers.borrow();
        if seen.checked <= self.heard {
            return;
        }
        // After a time without an answer nobody can be blamed for silence.
        let silent = seen.checked.saturating_duration_since(self.heard);
        self.heard = seen.checked;
        let forgive = silent > Duration::from_secs(1);
        for worker in seen.list.iter() {
            let id = worker.report.worker.0.clone();
            let known = self.beats.entry(id).or_insert((worker.report.beat, seen.checked));
            if known.0 != worker.report.beat {
                *known = (worker.report.beat, seen.checked);
            }
        }
        if forgive {
            self.beats.values_mut().for_each(|(_, at)| *at = seen.checked.max(*at));
        }
        self.beats.retain(|_, (_, at)| seen.checked.saturating_duration_since(*at) < HAND_IN);
    }

    fn reports(&self) -> Vec<WorkerReport> {
        self.controller.workers.borrow().list.iter().map(|seen| seen.report.clone()).collect()
    }

    fn silence(&self, worker: &str) -> Duration {
        self.beats.get(worker).map_or(Duration::MAX, |(_, at)| now().saturating_duration_since(*at))
    }

    /// What the worker says of this run and of this term.
    fn task<'a>(
        &self,
        reports: &'a [WorkerReport],
        member: &Member,
    ) -> Option<(&'a WorkerReport, &'a TaskState, u64)> {
        let report = reports.iter().find(|report| report.worker == member.0)?;
        let task = report.task.as_ref()?;
        (task.run == self.record.id && task.epoch == member.1).then_some((
            report,
            &task.state,
            task.applied,
        ))
    }

    /// Admits those that have taken a task; notes who could not take part.
    fn admit(&mut self, reports: &[WorkerReport]) {
        for report in reports {
            let Some(task) = report.task.as_ref().filter(|task| task.run == self.record.id) else {
                continue;
            };
            let member = (report.worker.clone(), task.epoch);
            let known =
                self.standing.members.contains_key(&member) || self.standing.lost.contains(&member);
            match &task.state {
                TaskState::Taken if !known && report.protocol == PROTOCOL => {
                    match self.plan.key_for(&report.public_key) {
                        Ok(key) => {
                            let (worker, epoch) = member;
                            self.note(Entry::Admit { worker, epoch, key });
                        }
                        Err(why) => self.refuse(member, &report.name, &why),
                    }
                }
                TaskState::Taken if !known => {
                    let why = format!(
                        "it speaks version {} of the protocol, and this controller version {PROTOCOL}",
                        report.protocol
                    );
                    self.refuse(member, &report.name, &why);
                }
                TaskState::Refused { reason } => self.refuse(member, &report.name, reason),
                _ => {}
            }
        }
    }

    fn refuse(&mut self, member: Member, name: &str, why: &str) {
        if self.refusals.contains_key(&member) {
            return;
        }
        let text = format!("worker {name} could not take part: {why}");
        self.warn(&text);
        self.event("worker_refused", &text, json!({"worker": member.0}));
        self.refusals.insert(member.clone(), why.to_owned());
        if self.standing.members.contains_key(&member) {
            let (worker, epoch) = member;
            self.note(Entry::Lost { worker, epoch, at_ns: 0, applied: 0 });
        }
    }

    /// Members without a part that could have one.
    fn ready(&self, reports: &[WorkerReport]) -> Vec<Member> {
        let members = self.standing.members.keys();
        let is_ready = |member: &&Member| {
            self.task(reports, member).is_some_and(|(report, state, _)| {
                !report.draining && matches!(state, TaskState::Ready)
            }) && self.silence(&member.0.0) < FRESH
        };
        members.filter(is_ready).cloned().collect()
    }

    /// Members that make load or could, and are surely there.
    fn able(&self, reports: &[WorkerReport]) -> BTreeMap<Member, Vec<Share>> {
        let members = self.standing.members.iter();
        let able = members.filter(|(member, _)| {
            let task = self.task(reports, member);
            task.is_some_and(|(report, state, _)| {
                !report.draining && matches!(state, TaskState::Ready | TaskState::Running)
            }) && self.silence(&member.0.0) < FRESH
        });
        able.map(|(member, parts)| (member.clone(), parts.clone())).collect()
    }

    // ------------------------------------------------------------ the course

    async fn step(&mut self) {
        let reports = self.reports();
        match self.record.state {
            RunState::Queued => self.prepare().await,
            RunState::Preparing => self.gather(&reports).await,
            RunState::Starting => {
                self.watch_members(&reports).await;
                if self.run_now() >= 0 {
                    self.state(RunState::Running);
                    self.event("started", "the load has started", Value::Null);
                }
            }
            RunState::Running | RunState::Paused => {
                self.watch_members(&reports).await;
                self.watch_end();
            }
            RunState::Stopping => {
                self.watch_members(&reports).await;
                self.finish(&reports).await;
            }
            RunState::Completed | RunState::Aborted | RunState::Failed => {}
        }
        if self.checked.elapsed_now() > CHECK {
            self.checked = now();
            if self.record.state == RunState::Preparing {
                // Those that were idle a moment ago may be in another run by now.
                let come = self.standing.members.len() + self.refusals.len();
                let lacking = self.scenario.num_workers.saturating_sub(come as u32);
                self.controller.want_local_workers(lacking);
            }
            self.check_journal().await;
            self.fetch_lacking().await;
        }
    }

    async fn prepare(&mut self) {
        self.state(RunState::Preparing);
        self.publish_journal().await;
        self.gather(&[]).await;
    }

    async fn offer(&mut self, count: u32) {
        let term = self.controller.term();
        let offered = self.controller.coordinator.offer(term, &self.record.id, count).await;
        self.offered = offered.is_ok();
    }

    /// Waits for workers, and starts with those that there are.
    async fn gather(&mut self, reports: &[WorkerReport]) {
        let wanted = self.scenario.num_workers;
        if self.published.is_some() && !self.offered {
            self.controller.want_local_workers(wanted);
            self.offer(wanted).await;
        }
        self.admit(reports);
        let ready = self.ready(reports);
        let waited = self.since.elapsed_now();
        let taken = self.standing.members.len() + self.refusals.len();
        let waiting = self.standing.members.len() > ready.len();
        let all = ready.len() as u32 >= wanted;
        let none_left = taken as u32 >= wanted && !waiting;
        let patience = self.scenario.worker_wait;
        let over = waited >= patience && (!waiting || waited >= patience + GET_READY);
        if !(all || none_left || over) {
            return;
        }
        let _ = self.controller.coordinator.withdraw(self.controller.term(), &self.record.id).await;
        if ready.is_empty() {
            let why = self.refusals.values().next().cloned().unwrap_or_else(|| {
                format!("no worker came within workerWaitSeconds ({} s)", patience.as_secs_f64())
            });
            self.warn(&why);
            self.stop(RunState::Failed, "failed", &why);
        } else {
            self.start(&ready);
        }
    }

    fn start(&mut self, ready: &[Member]) {
        let wanted = self.scenario.num_workers as usize;
        if ready.len() < wanted {
            let text =
                format!("{} of {wanted} workers came: the run started with those", ready.len());
            self.warn(&text);
            self.event("workers_missing", &text, json!({"wanted": wanted, "came": ready.len()}));
        }
        // Tasks that were offered again may have brought more than were wanted: they stand by.
        let ready = &ready[..ready.len().min(wanted)];
        for (k, (worker, epoch)) in ready.iter().enumerate() {
            let part = Share::WHOLE.split(k as u64, ready.len() as u64);
            self.note(Entry::Take { worker: worker.clone(), epoch: *epoch, part, from_ns: 0 });
        }
        let at_us = self.controller.now_us() + START_LEAD_US;
        self.note(Entry::Start { at_us });
        let measured_ms = (at_us + self.course.measured_from() / 1_000) / 1_000;
        self.driven.live().starts(&self.scenario, measured_ms);
        self.state(RunState::Starting);
    }

    /// Finds lost workers, gives their parts to others, and lets draining ones hand theirs over.
    async fn watch_members(&mut self, reports: &[WorkerReport]) {
        self.admit(reports);
        let members: Vec<_> = self.standing.members.keys().cloned().collect();
        for member in members {
            if self.merging.is_final(&member) {
                continue;
            }
            let task = self.task(reports, &member);
            let fenced = matches!(task, Some((_, TaskState::Fenced, _)));
            // It lives, and is not in the run any more: it has let it go.
            let is_known = reports.iter().any(|report| report.worker == member.0);
            let gone = is_known && task.is_none() && self.silence(&member.0.0) < FRESH;
            let applied = task.map(|(_, _, applied)| applied);
            if let Some(applied) = applied {
                self.applied.insert(member.clone(), applied);
            }
            if fenced || gone || self.silence(&member.0.0) >= LEASE {
                self.lose(member, fenced);
            }
        }
        let ended = self.load_is_over();
        if !ended && self.scenario.on_worker_loss == OnWorkerLoss::Rebalance {
            self.give_orphans(reports).await;
        }
        if !ended {
            self.hand_over(reports);
        }
    }

    fn lose(&mut self, member: Member, fenced: bool) {
        let owned = self.standing.members.get(&member).is_some_and(|parts| !parts.is_empty());
        let applied = self.applied.remove(&member).unwrap_or(0);
        let at_ns = u64::try_from(self.run_now()).unwrap_or(0);
        let (worker, epoch) = member;
        self.note(Entry::Lost { worker: worker.clone(), epoch, at_ns, applied });
        if !owned {
            return;
        }
        let why = if fenced { "its lease was over" } else { "nothing was heard of it" };
        let text = format!("worker {worker} was lost: {why}");
        self.event("worker_lost", &text, json!({"worker": worker, "epoch": epoch}));
        self.ready_since = None;
        self.offered = false;
        if self.scenario.on_worker_loss == OnWorkerLoss::Fail && !self.load_is_over() {
            self.stop(RunState::Failed, "failed", &format!("{text}, and onWorkerLoss is fail"));
        }
    }

    /// Gives what is nobody's to those that are there; with none, offers it to whoever comes.
    async fn give_orphans(&mut self, reports: &[WorkerReport]) {
        let orphans = self.standing.orphans.clone();
        if orphans.is_empty() {
            return;
        }
        let able = self.able(reports);
        let working = able.values().any(|parts| !parts.is_empty());
        let silent = self.standing.members.values().any(|parts| !parts.is_empty());
        if able.is_empty() {
            if !silent && !self.offered {
                self.controller.want_local_workers(self.scenario.num_workers);
                self.offer(self.scenario.num_workers).await;
            }
            return;
        }
        if !working {
            // Newcomers alone: a moment for all of them to get ready.
            let since = *self.ready_since.get_or_insert_with(now);
            let all = able.len() as u32 >= self.scenario.num_workers;
            if !all && since.elapsed_now() < Duration::from_secs(2) {
                return;
            }
        }
        let from_ns = self.moment(TAKE_NOTICE);
        for ((worker, epoch), part) in divide(&orphans, &able) {
            self.note(Entry::Take { worker, epoch, part, from_ns });
        }
        let at = seconds(from_ns);
        let text = format!("the lost share was divided among {} workers", able.len());
        self.event("rebalanced", &text, json!({"workers": able.len(), "fromRunSecond": at}));
    }

    /// Parts of draining workers: released first, taken by others when that was acknowledged.
    fn hand_over(&mut self, reports: &[WorkerReport]) {
        let able = self.able(reports);
        if able.is_empty() {
            return;
        }
        let members: Vec<_> = self.standing.members.clone().into_iter().collect();
        for (member, parts) in members {
            let draining = self.task(reports, &member).is_some_and(|(report, ..)| report.draining);
            if draining && !parts.is_empty() {
                let from_ns = self.moment(RELEASE_NOTICE);
                let (worker, epoch) = member;
                for part in parts {
                    let worker = worker.clone();
                    self.note(Entry::Release { worker, epoch, part, from_ns });
                }
                let text = format!("worker {worker} leaves and hands its share over");
                self.event("worker_draining", &text, json!({"worker": worker}));
            }
        }
        for (member, part, from_ns, entry) in self.standing.released.clone() {
            let task = self.task(reports, &member);
            // Applied, or gone with everything handed in.
            let applied = task.is_some_and(|(_, _, applied)| applied > entry)
                || self.merging.is_final(&member);
            if applied {
                for ((worker, epoch), part) in divide(&[part], &able) {
                    self.note(Entry::Take { worker, epoch, part, from_ns });
                }
            }
        }
    }

    fn watch_end(&mut self) {
        if self.load_is_over() {
            self.state(RunState::Stopping);
            return;
        }
        let finals = self.standing.owners.iter();
        let finals = finals.filter(|member| !self.standing.lost.contains(*member));
        // A number of requests may end the load before its time.
        let mut left = finals.peekable();
        let none = left.peek().is_none();
        if !none && self.standing.orphans.is_empty() && left.all(|it| self.merging.is_final(it)) {
            self.state(RunState::Stopping);
        }
        if self.record.state == RunState::Paused && self.since.elapsed_now() > PAUSED {
            self.stop(RunState::Aborted, "stopped", "the run was paused for an hour");
        }
    }

    /// Whether nothing more falls due.
    fn load_is_over(&self) -> bool {
        self.course.end_at().is_some_and(|end| self.run_now() >= end as i128)
    }

    /// Ends the run when everything has come that will.
    async fn finish(&mut self, reports: &[WorkerReport]) {
        if self.standing.start_us.is_none() {
            return self.end(None).await;
        }
        let waited = self.after_end();
        let open = |member: &&Member| !self.merging.is_final(member);
        let owners: Vec<_> = self.standing.owners.iter().filter(open).cloned().collect();
        let living = owners.iter().any(|member| !self.standing.lost.contains(member));
        let returning = owners.iter().any(|member| self.task(reports, member).is_some());
        let drain = self.scenario.drain;
        let hopeless = waited >= drain + HAND_IN;
        if (living || returning) && !hopeless {
            return;
        }
        // Evidence of a worker that was lost may still come.
        if !owners.is_empty() && waited < EVIDENCE {
            return;
        }
        self.merge_all();
        self.keeper.flush();
        if !self.keeper.kept().borrow().all {
            return;
        }
        self.confirm().await;
        let (owner, run) = (self.record.owner.clone(), self.record.id.clone());
        let store = Arc::clone(&self.controller.store);
        // From what is stored, not from what is remembered: so that it can be computed again.
        let Ok(snapshots) = store.snapshots(&owner, &run).await else { return };
        let Ok(intervals) = store.intervals(&owner, &run, 0, usize::MAX).await else { return };
        let record = RunRecord { state: self.end_as, ..self.record.clone() };
        match finish::result(&record, &self.scenario, &snapshots, &intervals) {
            Ok(result) => {
                let document = serde_json::to_value(&result).unwrap_or_default();
                let term = self.controller.term();
                if store.keep_analysis(&owner, &run, "result", term, &document).await.is_ok() {
                    self.end(Some(document)).await;
                }
            }
            Err(why) => {
                self.warn(&format!("the result could not be computed: {why}"));
                self.end_as = RunState::Failed;
                self.end(None).await;
            }
        }
    }

    async fn end(&mut self, result: Option<Value>) {
        if !self.standing.closed {
            self.note(Entry::Close);
        }
        let text = format!("the run has ended: {}", state_name(self.end_as));
        self.event("ended", &text, Value::Null);
        self.record.ended_unix_ms = Some(unix_millis());
        self.state(self.end_as);
        self.publish_journal().await;
        self.save();
        let mut kept = self.keeper.kept();
        self.keeper.flush();
        // While the store is away the run has not ended; the keeper tries again.
        let _ = kept.wait_for(|kept| kept.all || kept.superseded).await;
        let _ = self.controller.coordinator.close(self.controller.term(), &self.record.id).await;
        let state = self.record.state;
        let complete = result.as_ref().map(|it| it["complete"].clone());
        self.driven.live().frame(FrameKind::End, json!({"state": state, "complete": complete}));
        self.driven.changed();
    }

    // ------------------------------------------------------------ merging

    fn merge(&mut self) {
        let Ok(now) = u64::try_from(self.run_now()) else { return };
        let measured = now.saturating_sub(self.course.measured_from());
        let living: BTreeSet<_> = self.owners_alive();
        while let Some(published) = self.merging.publish(&living, measured) {
            self.publish_interval(published);
        }
        let active = living.iter().filter(|member| !self.merging.is_final(member)).count();
        self.driven.live().active_workers = active as u64;
    }

    fn owners_alive(&self) -> BTreeSet<Member> {
        let owners = self.standing.owners.iter();
        owners.filter(|member| !self.standing.lost.contains(*member)).cloned().collect()
    }

    /// Whatever has come is published, whoever is missing.
    fn merge_all(&mut self) {
        let reported: BTreeSet<_> = self.standing.owners.iter().cloned().collect();
        let reported: BTreeSet<_> =
            reported.into_iter().filter(|member| self.merging.seq(member) > 0).collect();
        while let Some(published) = self.merging.publish(&reported, Nanos::MAX) {
            self.publish_interval(published);
        }
        self.store_interval(None);
    }

    fn publish_interval(&mut self, published: Published) {
        let from = self.course.measured_from();
        let load_end = self.course.end_at().map(|end| end.saturating_sub(from));
        let span = live::span(published.number, published.total.elapsed_ns, load_end);
        let lost = finish::lost(&self.standing);
        if !lost.is_empty() {
            let planned = self.course.due_by(from + span.to_ns);
            let due = published.total.total.counters.due;
            self.unknown = planned.map_or(0, |planned| planned.saturating_sub(due));
        }
        let events =
            self.driven.live().interval(&published, span, &self.course, self.unknown, lost);
        self.controller.count(&published.interval);
        self.driven.changed();
        let Published { interval, total: Snapshot { in_flight, backlog, .. }, .. } = published;
        self.store_interval(Some((
            Snapshot { total: interval, in_flight, backlog, ..Snapshot::default() },
            span,
        )));
        for event in events {
            self.rule_event(event);
        }
        let abort = self.driven.live().abort();
        if let Some(rule) = abort
            && matches!(self.record.state, RunState::Running | RunState::Paused)
        {
            let text = format!("the rule {rule} was violated, and says to end the run");
            self.stop(RunState::Aborted, "aborted_by_rule", &text);
        }
    }

    fn rule_event(&mut self, event: Event) {
        let (kind, rule, actual) = match event {
            Event::Violated { rule, actual, .. } => ("sla_violated", rule, actual),
            Event::Recovered { rule, actual } => ("sla_recovered", rule, actual),
        };
        let rule = self.driven.live().rule(rule);
        let what = if kind == "sla_violated" { "is violated" } else { "holds again" };
        let data = json!({"rule": rule, "actual": actual});
        self.event(kind, &format!("the rule {rule} {what}: {actual}"), data);
    }

    /// Gathers intervals until they are as long as those that are stored; `None`: what there is.
    fn store_interval(&mut self, next: Option<(Snapshot, Span)>) {
        let length = live::stored_seconds(&self.scenario);
        let flush = next.is_none();
        if let Some((interval, span)) = next {
            match &mut self.stored {
                Some((sum, whole)) => {
                    sum.total.merge(&interval.total);
                    (sum.in_flight, sum.backlog) = (interval.in_flight, interval.backlog);
                    whole.to_ns = span.to_ns;
                    whole.draining = span.draining;
                }
                None => self.stored = Some((interval, span)),
            }
        }
        let full = self
            .stored
            .as_ref()
            .is_some_and(|(_, span)| (span.to_ns / SECOND).is_multiple_of(length) || span.draining);
        if let Some((interval, span)) = self.stored.take_if(|_| full || flush) {
            let bytes = interval.encode().into();
            let Span { from_ns, to_ns, draining } = span;
            let number = from_ns / SECOND;
            self.keeper.interval(IntervalRecord { number, from_ns, to_ns, draining, bytes });
        }
    }

    /// Tells workers which of their snapshots are durable.
    async fn confirm(&mut self) {
        let kept = self.keeper.kept().borrow().snapshots.clone();
        let news: Vec<_> = kept
            .into_iter()
            .filter(|(member, seq)| self.confirmed.get(member) != Some(seq))
            .collect();
        if news.is_empty() {
            return;
        }
        let said: Vec<_> =
            news.iter().map(|((worker, epoch), seq)| (worker.clone(), *epoch, *seq)).collect();
        let term = self.controller.term();
        if self.controller.coordinator.confirm(term, &self.record.id, &said).await.is_ok() {
            self.confirmed.extend(news);
        }
    }

    // ------------------------------------------------------------ small things

    /// Where the run's clock stands, below 0 before its start.
    fn run_now(&self) -> i128 {
        let Some(start) = self.standing.start_us else { return i128::MIN };
        (i128::from(self.controller.now_us()) - i128::from(start)) * 1_000
    }

    /// A moment of the run's clock, `ahead` from now and no earlier than any before.
    fn moment(&self, ahead: Nanos) -> Nanos {
        let now = u64::try_from(self.run_now()).unwrap_or(0);
        (now + ahead).max(self.standing.latest)
    }

    fn after_end(&self) -> Duration {
        let end = self.course.end_at().map_or(i128::MAX, i128::from);
        let after = self.run_now().saturating_sub(end).max(0);
        Duration::from_nanos(u64::try_from(after).unwrap_or(u64::MAX))
    }

    fn state(&mut self, state: RunState) {
        if self.record.state != state {
            self.record.state = state;
            self.since = now();
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

    fn event(&mut self, kind: &str, text: &str, data: Value) {
        let from = self.course.measured_from() as i128;
        let at = self.standing.start_us.map(|_| (self.run_now() - from) as f64 / 1e9);
        let event = TimelineEvent {
            at_unix_ms: self.controller.now_us() / 1_000,
            at_seconds: at,
            kind: kind.to_owned(),
            text: text.to_owned(),
            data,
        };
        let shown = serde_json::to_value(&event).unwrap_or_default();
        if self.record.timeline.len() < MOST_EVENTS {
            self.record.timeline.push(event);
        }
        self.changed = true;
        self.driven.live().frame(FrameKind::Event, shown);
        self.driven.changed();
    }

    /// Gives the record to the keeper and shows it, if it has changed.
    fn save(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.keeper.record(&self.record);
            self.driven.live().record = self.record.clone();
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

fn state_name(state: RunState) -> String {
    serde_json::to_value(state)
        .ok()
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}
