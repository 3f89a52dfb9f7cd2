//! Turns tasks into a worker's part of each run's load, and hands in what it measured.
//!
//! Two loops. [`Agent::run`] takes one task after another and serves it to its end.
//! [`Agent::beats`] says at least each second that the worker lives; each confirmed beat lets it send
//! for less than its [`Lease`](super::Lease), so that a worker that is frozen or cut off stops by
//! itself before the controller gives its parts to others.
//!
//! Once its load has started a worker needs nobody: plan and parts are known, nothing is asked for a
//! request, and what it has measured waits until somebody takes it.

mod beats;
mod follow;
mod generator;
mod outbox;
mod term;
mod trust;

pub(crate) use generator::{Engine, Generator, StartedLoad};

use super::coordinator::{PROTOCOL, WorkerReport};
use super::journal::{Entry, mailbox};
use super::secrets::WorkerKeys;
use super::signed::{PublicKey, Signer};
use super::threads::AS_NEEDED;
use super::{Coordinator, WorkerId};
use crate::http::TargetPolicy;
use crate::time::nanos;
use beats::Status;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::watch;
use trust::Trust;

/// How long a worker that drains goes on with its share while nobody is there to take it over, where
/// nothing else is said.
pub const HANDOVER: Duration = Duration::from_secs(8);
/// How long after that what is in flight is awaited, if the scenario does not say less.
const IN_FLIGHT: Duration = Duration::from_secs(8);
/// How long after that a worker that drains waits for its last snapshot to be taken from the
/// coordinator: a controller that is started again needs a few seconds.
const LEAVE_BEHIND: Duration = Duration::from_secs(10);
/// A pod is given 30 s from SIGTERM on; something is left for what is said meanwhile.
const _: () = assert!(HANDOVER.as_secs() + IN_FLIGHT.as_secs() + LEAVE_BEHIND.as_secs() <= 27);

/// How long a worker's pacer lets due requests gather, where nobody has said otherwise. Longer than
/// that of a run on one's own machine: workers share their machines with each other and often with
/// the target, and a worker that wakes ten times less leaves them the processor. Arrivals that are
/// farther apart than this are not delayed at all.
pub const SLACK: Duration = Duration::from_millis(1);

/// How long one question for a task waits.
const TASK_WAIT: Duration = Duration::from_secs(2);
/// How often a worker looks whether it is asked to drain.
const LOOK: Duration = Duration::from_secs(2);
/// Between two questions to a coordinator that is not there.
const AGAIN: Duration = Duration::from_millis(500);

/// How a worker works.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    /// What people call it; the worker's id where empty.
    pub name: String,
    /// Engine threads; as many as its part of a run needs where `None`, at most all cores.
    pub threads: Option<usize>,
    /// How long the pacer may let due requests gather; [`SLACK`] where `None`.
    pub slack: Option<Duration>,
    /// The greatest arrival rate that it takes on: it gets no share that would bring it more.
    pub max_rps: Option<f64>,
    /// How long it goes on with its share after it was asked to drain, while nobody is there to take
    /// that over; [`HANDOVER`] where `None`.
    pub handover: Option<Duration>,
    /// The key of the platform that it works for; `None` for the first that it hears of. Only with a
    /// key that it was given is it safe from who could write the coordinator before.
    pub platform_key: Option<PublicKey>,
    /// Which addresses it dials.
    pub policy: TargetPolicy,
}

/// A worker of a platform.
pub struct Agent {
    worker: WorkerId,
    coordinator: Arc<dyn Coordinator>,
    generator: Arc<dyn Generator>,
    keys: WorkerKeys,
    trust: Trust,
    status: Arc<Status>,
    /// Asks for the end of all load at once.
    halt: watch::Receiver<bool>,
    handover: Duration,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl Agent {
    /// A worker with a new identity.
    ///
    /// # Errors
    /// When the system has no randomness for its keys.
    pub fn new(coordinator: Arc<dyn Coordinator>, options: AgentOptions) -> Result<Self, String> {
        let AgentOptions { threads, slack, policy, .. } = &options;
        let engine = Engine {
            policy: policy.clone(),
            threads: *threads,
            cores: cores(),
            slack: slack.unwrap_or(SLACK),
        };
        Self::with(Signer::random()?, "w", coordinator, Arc::new(engine), options)
    }

    /// A worker with any generator.
    pub(crate) fn with(
        signer: Signer,
        kind: &str,
        coordinator: Arc<dyn Coordinator>,
        generator: Arc<dyn Generator>,
        options: AgentOptions,
    ) -> Result<Self, String> {
        let keys = WorkerKeys::generate()?;
        let worker = WorkerId::of(kind, signer.key());
        let name = if options.name.is_empty() { worker.0.clone() } else { options.name };
        let report = WorkerReport {
            worker: worker.clone(),
            name,
            version: env!("CARGO_PKG_VERSION").into(),
            protocol: PROTOCOL,
            cores: cores(),
            threads: options.threads.map_or(AS_NEEDED, |threads| threads as u64),
            slack_ns: nanos(options.slack.unwrap_or(SLACK)),
            max_rps: options.max_rps,
            public_key: keys.public(),
            draining: false,
            left: false,
            beat: 0,
            clock_error_us: u64::MAX,
            task: None,
        };
        let status = Arc::new(Status::new(report, signer));
        // Who never asks is not gone either.
        static NEVER: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));
        let halt = NEVER.subscribe();
        let handover = options.handover.unwrap_or(HANDOVER);
        let trust = Trust::new(options.platform_key);
        Ok(Self { worker, coordinator, generator, keys, trust, status, halt, handover })
    }

    /// The same, and it makes no more load once `halt` is true: it hands in what it has measured,
    /// and takes no more tasks.
    pub(super) fn with_halt(self, halt: watch::Receiver<bool>) -> Self {
        Self { halt, ..self }
    }

    /// Its identity: a new one for each start.
    #[must_use]
    pub fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// The loop of heartbeats over a coordinator: a connection of its own, best on a thread and a
    /// runtime of its own. Its last beat says that the worker is gone: [`Agent::run`] ends with that.
    pub fn beats(
        &self,
        coordinator: Arc<dyn Coordinator>,
    ) -> impl Future<Output = ()> + Send + 'static {
        beats::beat(Arc::clone(&self.status), coordinator)
    }

    /// Whether its beats are confirmed: `None` while they are, else why the last one was not. It
    /// changes at an outage's beginning and at its end.
    #[must_use]
    pub fn contact(&self) -> watch::Receiver<Option<String>> {
        self.status.contact()
    }

    /// Takes and serves tasks until `drain` is true (or its sender gone); then it finishes or hands
    /// over what it has, and says goodbye.
    pub async fn run(self, asked: watch::Receiver<bool>) {
        let (told, drain) = watch::channel(false);
        tokio::select! {
            biased;
            () = self.serve(drain) => {}
            () = self.listen(asked, told) => {}
        }
        self.status.end().await;
    }

    /// Waits until this process or the controller asks the worker to drain, and passes it on.
    async fn listen(&self, mut asked: watch::Receiver<bool>, told: watch::Sender<bool>) {
        let mailbox = mailbox(&self.worker);
        loop {
            tokio::select! {
                biased;
                // A sender that is gone asks for the same.
                () = true_or_gone(&mut asked) => break,
                () = tokio::time::sleep(LOOK) => {
                    let said = self.coordinator.journal(&mailbox, 0, Duration::ZERO).await;
                    let first = said.ok().flatten().unwrap_or_default().into_iter().next();
                    let first = first.map(|line| self.trust.entry(&mailbox, 0, &line));
                    if matches!(first, Some(Ok(Entry::Close))) {
                        break;
                    }
                }
            }
        }
        told.send_replace(true);
        self.status.drain();
        std::future::pending().await
    }

    async fn serve(&self, mut drain: watch::Receiver<bool>) {
        let (mut epoch, mut halt) = (0, self.halt.clone());
        while !*drain.borrow_and_update() {
            // The question is not cut short by a drain: it might have been answered already.
            let taken = tokio::select! {
                biased;
                () = true_or_gone(&mut halt) => return,
                taken = self.coordinator.take(&self.worker, TASK_WAIT) => taken,
            };
            match taken {
                Ok(Some(task)) => {
                    epoch += 1;
                    term::serve(self, &task.run, epoch, &mut drain).await;
                    self.status.idle();
                }
                Ok(None) => {}
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    /// [`Agent::run`] and its beats together, for a worker that shares a runtime: in one process
    /// with its controller, or in a test.
    pub async fn run_with_beats(self, drain: watch::Receiver<bool>) {
        let beats = self.beats(Arc::clone(&self.coordinator));
        tokio::join!(beats, self.run(drain));
    }
}

/// Processors that this process may use.
fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, usize::from) as u64
}

/// Waits for `true`, or for the sender's end.
async fn true_or_gone(asked: &mut watch::Receiver<bool>) {
    let _ = asked.wait_for(|asked| *asked).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::memory::MemoryCoordinator;

    /// What a worker says of itself at first.
    pub(super) fn report() -> WorkerReport {
        let coordinator = Arc::new(MemoryCoordinator::new());
        let agent = Agent::new(coordinator, AgentOptions::default()).unwrap();
        agent.status.next_report()
    }
}
