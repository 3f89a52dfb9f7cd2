//! Turns one task into one term: admission, plan, load, evidence.

use super::beats::Status;
use super::outbox::Outbox;
use super::{Agent, IN_FLIGHT, LEAVE_BEHIND, StartedLoad, follow};
use crate::cluster::coordinator::{SnapshotRecord, TaskReport, TaskState};
use crate::cluster::journal::{Entry, Epoch};
use crate::cluster::plan::Plan;
use crate::cluster::signed::About;
use crate::cluster::{Lease, RunId};
use crate::engine::{Fence, Order};
use crate::record::Snapshot;
use crate::request::DropReason;
use crate::run::Assignment;
use crate::schedule::Share;
use crate::time::{Clock, MILLISECOND, Nanos};
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long a worker that has taken a task waits to be admitted to the run.
const ADMISSION: Duration = Duration::from_secs(30);
/// How long one that is ready, or has nothing to do in the run, waits to hear of it.
const STANDBY: Duration = Duration::from_secs(3_600);
/// How long the last snapshot is offered.
const HAND_IN: Duration = Duration::from_secs(900);
/// From a word to its being obeyed by every thread.
const IN_TIME: Nanos = 200 * MILLISECOND;
/// How often the fence is looked at. The engine itself looks before each batch.
const LOOK: Duration = Duration::from_millis(50);
/// Tries to read the plan.
const PLAN_TRIES: u32 = 50;
/// Between them.
const AGAIN: Duration = Duration::from_millis(200);
/// So long after a controller could hear that a worker drains nothing new is given to it.
const ON_ITS_WAY: Duration = Duration::from_millis(1_500);

/// Serves a task to its end: until everything that was measured is kept, or nobody wants it.
pub(super) async fn serve(
    agent: &Agent,
    run: &RunId,
    epoch: Epoch,
    drain: &mut watch::Receiver<bool>,
) {
    let (send, entries) = mpsc::channel(follow::MOST_WAITING);
    let outbox = Outbox::new();
    let term = Term {
        agent,
        run,
        epoch,
        entries,
        outbox: &outbox,
        applied: 0,
        state: TaskState::Taken,
        start: None,
        heard: Vec::new(),
        parts: Vec::new(),
        owned: Vec::new(),
        clock: None,
        released: 0,
        gave_up: false,
        drain,
        halt: agent.halt.clone(),
    };
    let coordinator = &*agent.coordinator;
    tokio::select! {
        biased;
        () = term.course() => {}
        () = follow::follow(coordinator, &agent.trust, run, send) => {}
        () = outbox.deliver(coordinator, &agent.trust) => {}
    }
}

struct Term<'a> {
    agent: &'a Agent,
    run: &'a RunId,
    epoch: Epoch,
    entries: mpsc::Receiver<Entry>,
    outbox: &'a Outbox,
    applied: u64,
    state: TaskState,
    /// When the run's clock shows 0, on the coordinator's clock, in microseconds.
    start: Option<u64>,
    /// What was said of the load before it began here, with its moments.
    heard: Vec<(Nanos, Order)>,
    /// Parts taken before the load began here.
    parts: Vec<Share>,
    /// Those that are ours now.
    owned: Vec<Share>,
    /// The run's clock, once the load is made here.
    clock: Option<Clock>,
    /// As of when parts were released.
    released: Nanos,
    /// It drains, and nobody has taken its share: our parts have no owner any more.
    gave_up: bool,
    drain: &'a mut watch::Receiver<bool>,
    halt: watch::Receiver<bool>,
}

/// What the log and the outbox need of the last snapshot.
struct Last {
    seq: u64,
    sent: u64,
    ok: u64,
    failed: u64,
}

impl Last {
    fn of(snapshot: &Snapshot) -> Self {
        let counters = &snapshot.total.counters;
        Self { seq: snapshot.seq, sent: counters.sent, ok: counters.ok, failed: counters.failed }
    }
}

/// What an entry says to a worker.
enum Said {
    Admitted(String, Lease),
    Start(u64),
    /// Something about the load, from a moment on.
    Load(Nanos, Order),
    /// The controller takes us for lost: our parts have no owner after this moment.
    Lost(Nanos),
    Close,
    /// Somebody else's.
    Nothing,
}

impl Term<'_> {
    /// From the task to its end.
    async fn course(mut self) {
        self.log("took a task");
        self.tell(TaskState::Taken);
        let mut drain = self.drain.clone();
        let work = tokio::select! {
            biased;
            work = self.find_work() => work,
            // Who has nothing yet may go, once nothing can be on its way any more.
            () = after(&mut drain, ON_ITS_WAY) => None,
        };
        let Some((plan, clock)) = work else {
            self.log("was not needed");
            return;
        };
        let fence = self.status().fence(clock);
        let assignment = Assignment {
            worker: self.agent.worker.0.clone(),
            epoch: self.epoch,
            clock,
            parts: std::mem::take(&mut self.parts),
            orders: std::mem::take(&mut self.heard),
            fence: fence.clone(),
            #[cfg(test)]
            simulated: None,
        };
        match self.agent.generator.start(&plan, assignment).await {
            Ok(load) => {
                let threads = load.threads;
                tracing::info!(run = %self.run, threads, "makes its part of the load");
                self.make_load(load, clock, fence).await;
            }
            Err(reason) => {
                self.tell(TaskState::Refused { reason });
                self.wait_for_close().await;
            }
        }
    }

    /// Waits for admission, plan, start and a part; answers the plan and the run's clock.
    async fn find_work(&mut self) -> Option<(Plan, Clock)> {
        let plan = self.plan().await?;
        if let Err(reason) = self.agent.generator.prepare(&plan).await {
            self.tell(TaskState::Refused { reason });
            self.wait_for_close().await;
            return None;
        }
        self.tell(TaskState::Ready);
        let clock = self.wait_for_work().await?;
        Some((plan, clock))
    }

    fn status(&self) -> &Status {
        &self.agent.status
    }

    fn tell(&mut self, state: TaskState) {
        if let TaskState::Refused { reason } = &state {
            self.log(&format!("takes no part: {reason}"));
        }
        self.state = state;
        self.report();
    }

    /// Says what the worker does in the run: a few lines for each.
    fn log(&self, what: &str) {
        let worker = self.status().name();
        tracing::info!(worker, run = %self.run, term = self.epoch, "{what}");
    }

    fn log_share(&self) {
        let share: f64 = self.owned.iter().map(|part| part.fraction()).sum();
        self.log(&format!("makes {:.1}% of the load", 100.0 * share));
    }

    fn log_end(&self, last: Option<&Last>) {
        let how = match self.state {
            _ if self.gave_up => "it was drained, and nobody took its share",
            TaskState::Fenced => "its lease was over",
            _ => "to its end",
        };
        let sums = last.map(|it| format!("{} sent, {} ok, {} failed", it.sent, it.ok, it.failed));
        self.log(&format!("made load, {how}: {}", sums.as_deref().unwrap_or("nothing")));
    }

    fn report(&self) {
        self.status().task(TaskReport {
            run: self.run.clone(),
            epoch: self.epoch,
            applied: self.applied,
            released_ns: self.released,
            state: self.state.clone(),
        });
    }

    /// Waits for admission, fetches the plan and opens it.
    async fn plan(&mut self) -> Option<Plan> {
        let key = tokio::time::timeout(ADMISSION, async {
            loop {
                match self.next().await? {
                    Said::Admitted(key, lease) => {
                        self.status().goes_by(lease);
                        return Some(key);
                    }
                    Said::Lost(_) | Said::Close => return None,
                    // A worker that comes in the middle of a run is told before that how far the
                    // run is.
                    said => self.remember(said),
                }
            }
        });
        let key = key.await.ok().flatten()?;
        let mut is_told = false;
        for _ in 0..PLAN_TRIES {
            if let Some(sealed) = self.sealed_plan(&mut is_told).await {
                return match self.read_plan(&key, &sealed) {
                    Ok(plan) => Some(plan),
                    Err(reason) => {
                        self.tell(TaskState::Refused { reason });
                        self.wait_for_close().await;
                        None
                    }
                };
            }
            tokio::time::sleep(AGAIN).await;
        }
        None
    }

    /// The plan as the platform has sealed it. One that it has not signed is none, which is told once: the
    /// controller brings its own again.
    async fn sealed_plan(&self, is_told: &mut bool) -> Option<Bytes> {
        let words = self.agent.coordinator.plan(self.run).await.ok()??;
        let heard = self.agent.trust.hear(&About::Plan(self.run), &words);
        if let Err(why) = &heard
            && !std::mem::replace(is_told, true)
        {
            tracing::warn!(run = %self.run, "the run's plan is not obeyed: {why}");
        }
        heard.ok()
    }

    fn read_plan(&self, key: &str, sealed: &[u8]) -> Result<Plan, String> {
        let plan = self.agent.keys.open(key, sealed)?;
        let text = String::from_utf8(plan).map_err(|error| error.to_string())?;
        Plan::read(&text)
    }

    /// Keeps what is said of a load that has not begun here.
    fn remember(&mut self, said: Said) {
        match said {
            Said::Start(at_us) => self.start = Some(at_us),
            Said::Load(at, order) => self.heard.push((at, order)),
            Said::Admitted(..) | Said::Lost(_) | Said::Close | Said::Nothing => {}
        }
    }

    /// Waits until the start is known and a part is ours; answers the run's clock.
    async fn wait_for_work(&mut self) -> Option<Clock> {
        let mut halt = self.halt.clone();
        let wait = async {
            loop {
                let at = self.start.and_then(|us| self.status().instant_of(us));
                if let Some(zero) = at.filter(|_| !self.parts.is_empty()) {
                    return Some(Clock::starting_at(zero));
                }
                tokio::select! {
                    biased;
                    () = super::true_or_gone(&mut halt) => return None,
                    said = self.next() => match said? {
                        Said::Lost(_) | Said::Close => return None,
                        said => self.remember(said),
                    },
                    // The coordinator's clock may be all that is lacking.
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
        };
        tokio::time::timeout(STANDBY, wait).await.ok().flatten()
    }

    /// Hands on what the journal says, and hands in what the load shows, until both have ended.
    async fn make_load(&mut self, mut load: StartedLoad, clock: Clock, fence: Fence) {
        self.clock = Some(clock);
        self.tell(TaskState::Running);
        self.log_share();
        let (mut last, mut halt) = (None, self.halt.clone());
        let (mut drain, mut still_drain) = (self.drain.clone(), self.drain.clone());
        let handover = after(&mut drain, self.agent.handover);
        let in_flight = after(&mut still_drain, self.agent.handover + IN_FLIGHT);
        tokio::pin!(handover, in_flight);
        let (mut hands_over, mut awaits, mut may_halt) = (true, true, true);
        loop {
            tokio::select! {
                biased;
                said = self.next() => match said {
                    // All that was ours is released already.
                    Some(Said::Load(_, Order::Release(..))) if self.gave_up => {}
                    Some(Said::Load(at, order)) => {
                        if matches!(order, Order::Take(..) | Order::Release(..)) {
                            self.log_share();
                        }
                        load.control.order_at(at, order);
                    }
                    Some(Said::Lost(at)) => self.fenced(&load, at),
                    // Nobody wants any more of it.
                    Some(Said::Close) | None => {
                        self.log("the run was closed before the load came to its end");
                        return;
                    }
                    Some(_) => {}
                },
                snapshot = load.snapshots.next() => match snapshot {
                    Some(snapshot) => {
                        self.hand_in(&snapshot);
                        last = Some(Last::of(&snapshot));
                    }
                    None => break,
                },
                () = super::true_or_gone(&mut halt), if may_halt => {
                    may_halt = false;
                    load.control.order_at(clock.now(), Order::Stop(DropReason::Fenced));
                    self.tell(TaskState::Fenced);
                }
                () = &mut handover, if hands_over => {
                    hands_over = false;
                    self.give_up(&load, clock);
                }
                () = &mut in_flight, if awaits => {
                    awaits = false;
                    load.control.order_at(clock.now(), Order::Stop(DropReason::RunEnded));
                }
                () = tokio::time::sleep(LOOK) => {
                    if fence.is_over() {
                        self.fenced(&load, fence.until());
                    }
                }
            }
        }
        // That the lease was over is said to the end: the controller gives what was ours to others.
        if self.state != TaskState::Fenced {
            self.tell(TaskState::Ended);
        }
        self.log_end(last.as_ref());
        if let Some(last) = last {
            let kept = self.wait_until_kept(last.seq).await;
            self.log(if kept {
                "all that it measured is kept"
            } else {
                "nobody took what it measured"
            });
        }
    }

    /// The lease is over: nothing that is due after `at` is sent in this term.
    fn fenced(&mut self, load: &StartedLoad, at: Nanos) {
        if self.state != TaskState::Fenced {
            load.control.order_at(at, Order::Stop(DropReason::Fenced));
            self.tell(TaskState::Fenced);
        }
    }

    /// Nobody has come to take our parts, and from now on they have no owner. What was due before
    /// is still sent, and what is in flight is awaited.
    fn give_up(&mut self, load: &StartedLoad, clock: Clock) {
        // What was released goes on elsewhere as of its moment.
        if self.owned.is_empty() || self.state == TaskState::Fenced {
            return;
        }
        let from = clock.now() + IN_TIME;
        for part in std::mem::take(&mut self.owned) {
            load.control.order_at(from, Order::Release(part, from));
        }
        (self.gave_up, self.released) = (true, self.released.max(from));
        self.tell(TaskState::Fenced);
    }

    fn hand_in(&self, snapshot: &Snapshot) {
        let error = self.status().clock_error().as_nanos();
        let error = u64::try_from(error).unwrap_or(u64::MAX);
        let record = SnapshotRecord {
            run: self.run.clone(),
            worker: self.agent.worker.clone(),
            epoch: self.epoch,
            seq: snapshot.seq,
            elapsed_ns: snapshot.elapsed_ns,
            is_final: snapshot.is_final,
            bytes: snapshot.encode_with(error).into(),
        };
        self.outbox.push(record.say(self.status().signer()));
    }

    /// Waits until the last snapshot is kept, or the run is closed, which says the same; answers
    /// whether it was. Who drains leaves it with the coordinator, if no controller takes it from there.
    async fn wait_until_kept(&mut self, last: u64) -> bool {
        let (outbox, mut drain) = (self.outbox, self.drain.clone());
        let left_behind = async {
            outbox.put(last).await;
            after(&mut drain, LEAVE_BEHIND).await;
        };
        let kept = async {
            tokio::select! {
                biased;
                () = outbox.kept(last) => true,
                () = left_behind => false,
                () = self.until_closed() => true,
            }
        };
        tokio::time::timeout(HAND_IN, kept).await.unwrap_or(false)
    }

    async fn wait_for_close(&mut self) {
        let mut drain = self.drain.clone();
        tokio::select! {
            biased;
            () = self.until_closed() => {}
            () = after(&mut drain, ON_ITS_WAY) => {}
            () = tokio::time::sleep(ADMISSION) => {}
        }
    }

    async fn until_closed(&mut self) {
        while let Some(said) = self.next().await {
            if matches!(said, Said::Close) {
                return;
            }
        }
    }

    /// The next entry, as far as it concerns us.
    async fn next(&mut self) -> Option<Said> {
        let entry = self.entries.recv().await?;
        self.applied += 1;
        let said = self.understand(entry);
        // Only now: what it says of an entry that is applied is of that one too.
        self.report();
        Some(said)
    }

    fn understand(&mut self, entry: Entry) -> Said {
        let (id, term) = (self.agent.worker.clone(), self.epoch);
        let mine = |worker, epoch| worker == id && epoch == term;
        match entry {
            Entry::Admit { worker, epoch, key, lease_ms, .. } if mine(worker.clone(), epoch) => {
                Said::Admitted(key, Lease::of_ms(lease_ms))
            }
            Entry::Start { at_us } => Said::Start(at_us),
            Entry::Take { worker, epoch, part, from_ns, past } if mine(worker.clone(), epoch) => {
                self.parts.push(part);
                self.owned.push(part);
                Said::Load(from_ns, Order::Take(part, from_ns, past))
            }
            Entry::Release { worker, epoch, part, from_ns } if mine(worker.clone(), epoch) => {
                self.owned.retain(|owned| *owned != part);
                // What was due until now may have been sent.
                let now = self.clock.map_or(0, |clock| clock.now() + IN_TIME);
                let from = from_ns.max(now);
                self.released = self.released.max(from);
                Said::Load(from_ns, Order::Release(part, from))
            }
            Entry::Lost { worker, epoch, at_ns, .. } if mine(worker.clone(), epoch) => {
                Said::Lost(at_ns)
            }
            Entry::Pause { at_ns } => Said::Load(at_ns, Order::Pause),
            Entry::Resume { at_ns } => Said::Load(at_ns, Order::Resume),
            Entry::Rate { at_ns, target_rps, over_seconds } => {
                Said::Load(at_ns, Order::Rate { target: target_rps, over: over_seconds })
            }
            Entry::Stop { at_ns } => Said::Load(at_ns, Order::Stop(DropReason::Stopped)),
            Entry::Close => Said::Close,
            _ => Said::Nothing,
        }
    }
}

/// So long after it was asked for, or its asker was gone.
async fn after(asked: &mut watch::Receiver<bool>, wait: Duration) {
    super::true_or_gone(asked).await;
    tokio::time::sleep(wait).await;
}
