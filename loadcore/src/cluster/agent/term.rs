//! One task into one term: admission, plan, load, evidence.

use super::beats::Status;
use super::outbox::Outbox;
use super::{Agent, Load, follow};
use crate::cluster::RunId;
use crate::cluster::coordinator::{SnapshotRecord, TaskState};
use crate::cluster::journal::{Entry, Epoch};
use crate::engine::{Fence, Order};
use crate::record::Snapshot;
use crate::request::DropReason;
use crate::run::Duty;
use crate::scenario::Scenario;
use crate::schedule::Share;
use crate::time::{Clock, Nanos};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long a worker that has taken a task waits to be admitted to the run.
const ADMISSION: Duration = Duration::from_secs(30);
/// How long one that is ready, or has nothing to do in the run, waits to hear of it.
const STANDBY: Duration = Duration::from_secs(3_600);
/// How long the last snapshot is offered.
const HAND_IN: Duration = Duration::from_secs(900);
/// How often the fence is looked at. The engine itself looks before each batch.
const LOOK: Duration = Duration::from_millis(50);
/// Tries to read the plan.
const PLAN_TRIES: u32 = 50;
/// Between them.
const AGAIN: Duration = Duration::from_millis(200);

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
        drain,
        halt: agent.halt.clone(),
    };
    let coordinator = &*agent.coordinator;
    tokio::select! {
        biased;
        () = term.course() => {}
        () = follow::follow(coordinator, run, send) => {}
        () = outbox.deliver(coordinator) => {}
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
    drain: &'a mut watch::Receiver<bool>,
    halt: watch::Receiver<bool>,
}

/// What an entry says to a worker.
enum Said {
    Admitted(String),
    Start(u64),
    /// Something about the load, from a moment on.
    Load(Nanos, Order),
    /// The controller holds us for lost: what is ours is nobody's after this moment.
    Lost(Nanos),
    Close,
    /// Somebody else's.
    Nothing,
}

impl Term<'_> {
    /// From the task to its end.
    async fn course(mut self) {
        self.tell(TaskState::Taken);
        let Some(scenario) = self.plan().await else { return };
        if let Err(reason) = self.agent.generator.prepare(&scenario).await {
            self.tell(TaskState::Refused { reason });
            self.wait_for_close().await;
            return;
        }
        self.tell(TaskState::Ready);
        let Some(clock) = self.wait_for_work().await else { return };
        let fence = self.status().lease(clock);
        let duty = Duty {
            worker: self.agent.worker.0.clone(),
            epoch: self.epoch,
            clock,
            parts: std::mem::take(&mut self.parts),
            orders: std::mem::take(&mut self.heard),
            fence: fence.clone(),
            #[cfg(test)]
            simulated: None,
        };
        match self.agent.generator.start(&scenario, duty).await {
            Ok(load) => self.make_load(load, clock, fence).await,
            Err(reason) => {
                self.tell(TaskState::Refused { reason });
                self.wait_for_close().await;
            }
        }
    }

    fn status(&self) -> &Status {
        &self.agent.status
    }

    fn tell(&mut self, state: TaskState) {
        self.state = state;
        self.report();
    }

    fn report(&self) {
        self.status().task(self.run, self.epoch, self.applied, self.state.clone());
    }

    /// Waits for admission, fetches the plan and opens it.
    async fn plan(&mut self) -> Option<Scenario> {
        let key = tokio::time::timeout(ADMISSION, async {
            loop {
                match self.next().await? {
                    Said::Admitted(key) => return Some(key),
                    Said::Lost(_) | Said::Close => return None,
                    // Whoever comes in the middle of a run is told how far it is before that.
                    said => self.remember(said),
                }
            }
        });
        let key = key.await.ok().flatten()?;
        for _ in 0..PLAN_TRIES {
            if let Ok(Some(sealed)) = self.agent.coordinator.plan(self.run).await {
                return match self.read_plan(&key, &sealed) {
                    Ok(scenario) => Some(scenario),
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

    fn read_plan(&self, key: &str, sealed: &[u8]) -> Result<Scenario, String> {
        let plan = self.agent.keys.open(key, sealed)?;
        let text = String::from_utf8(plan).map_err(|error| error.to_string())?;
        Scenario::from_json(&text).map_err(|error| error.to_string())
    }

    /// Keeps what is said of a load that has not begun here.
    fn remember(&mut self, said: Said) {
        match said {
            Said::Start(at_us) => self.start = Some(at_us),
            Said::Load(at, order) => self.heard.push((at, order)),
            Said::Admitted(_) | Said::Lost(_) | Said::Close | Said::Nothing => {}
        }
    }

    /// Waits until the start is known and a part is ours; answers the run's clock.
    async fn wait_for_work(&mut self) -> Option<Clock> {
        let (mut drain, mut halt) = (self.drain.clone(), self.halt.clone());
        let wait = async {
            loop {
                let at = self.start.and_then(|us| self.status().instant_of(us));
                if let Some(zero) = at.filter(|_| !self.parts.is_empty()) {
                    return Some(Clock::starting_at(zero));
                }
                tokio::select! {
                    biased;
                    // Who has nothing yet may go at once.
                    () = super::true_or_gone(&mut drain) => return None,
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
    async fn make_load(&mut self, mut load: Load, clock: Clock, fence: Fence) {
        self.tell(TaskState::Running);
        let (mut last, mut halt) = (None, self.halt.clone());
        loop {
            let halted = self.state == TaskState::Fenced;
            tokio::select! {
                biased;
                said = self.next() => match said {
                    Some(Said::Load(at, order)) => load.control.order_at(at, order),
                    Some(Said::Lost(at)) => self.fenced(&load, at),
                    // Nobody wants any more of it.
                    Some(Said::Close) | None => return,
                    Some(_) => {}
                },
                snapshot = load.snapshots.next() => match snapshot {
                    Some(snapshot) => {
                        last = Some(snapshot.seq);
                        self.hand_in(&snapshot);
                    }
                    None => break,
                },
                () = super::true_or_gone(&mut halt), if !halted => {
                    self.fenced(&load, clock.now());
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
        if let Some(last) = last {
            self.wait_until_kept(last).await;
        }
    }

    /// The lease is over: nothing that is due after `at` is sent in this term.
    fn fenced(&mut self, load: &Load, at: Nanos) {
        if self.state != TaskState::Fenced {
            load.control.order_at(at, Order::Stop(DropReason::Fenced));
            self.tell(TaskState::Fenced);
        }
    }

    fn hand_in(&self, snapshot: &Snapshot) {
        let error = self.status().clock_error().as_nanos();
        let error = u64::try_from(error).unwrap_or(u64::MAX);
        self.outbox.push(SnapshotRecord {
            run: self.run.clone(),
            worker: self.agent.worker.clone(),
            epoch: self.epoch,
            seq: snapshot.seq,
            elapsed_ns: snapshot.elapsed_ns,
            is_final: snapshot.is_final,
            bytes: snapshot.encode_with(error).into(),
        });
    }

    /// Waits until the last snapshot is kept, or the run is closed, which says the same.
    async fn wait_until_kept(&mut self, last: u64) {
        let outbox = self.outbox;
        let kept = async {
            tokio::select! {
                biased;
                () = outbox.kept(last) => {}
                () = self.until_closed() => {}
            }
        };
        let _ = tokio::time::timeout(HAND_IN, kept).await;
    }

    async fn wait_for_close(&mut self) {
        let _ = tokio::time::timeout(ADMISSION, self.until_closed()).await;
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
        self.report();
        Some(self.understand(entry))
    }

    fn understand(&mut self, entry: Entry) -> Said {
        let (id, term) = (self.agent.worker.clone(), self.epoch);
        let mine = |worker, epoch| worker == id && epoch == term;
        match entry {
            Entry::Admit { worker, epoch, key, .. } if mine(worker.clone(), epoch) => {
                Said::Admitted(key)
            }
            Entry::Start { at_us } => Said::Start(at_us),
            Entry::Take { worker, epoch, part, from_ns, past } if mine(worker.clone(), epoch) => {
                self.parts.push(part);
                Said::Load(from_ns, Order::Take(part, from_ns, past))
            }
            Entry::Release { worker, epoch, part, from_ns } if mine(worker.clone(), epoch) => {
                Said::Load(from_ns, Order::Release(part, from_ns))
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
