//! Turns a case and a road into the result document that comes of it.

use crate::table::{Case, Told};
use loadcore::cluster::agent::{Agent, AgentOptions};
use loadcore::cluster::controller::api::{Command, KnownResult};
use loadcore::cluster::journal::Entry;
use loadcore::cluster::memory::{MemoryCoordinator, MemoryStore};
use loadcore::cluster::store::{RunRecord, RunState, ScenarioRecord};
use loadcore::cluster::{
    Controller, ControllerOptions, Coordinator, LocalWorkers, Owner, ScenarioId,
};
use loadcore::scenario::Scenario;
use loadcore::time::now;
use loadcore::{LoadTest, RunHandle};
use loadcore_redis::{RedisCoordinator, RedisOptions};
use loadcore_target::Target;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a run may take to begin, and to end after its time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// The same on every road: arrivals that gather longer would differ in their lag alone.
const SLACK: Duration = Duration::from_millis(1);

/// A way to make a load.
pub enum Road {
    /// On this machine, without a platform.
    Local,
    /// On a platform.
    Platform { name: &'static str, controller: Controller, workers: Vec<watch::Sender<bool>> },
}

impl Road {
    /// A controller that starts its workers itself.
    pub async fn within_the_controller(workers: usize) -> Self {
        let local = LocalWorkers { most: workers, options: options() };
        let options =
            ControllerOptions { local_workers: Some(local), ..ControllerOptions::default() };
        let coordinator = Arc::new(MemoryCoordinator::new());
        Self::platform("workers in the controller", coordinator, options, Vec::new()).await
    }

    /// A controller, and workers beside it with connections of their own to a Redis.
    pub async fn over_redis(url: &str, workers: usize) -> Self {
        let coordinator = || -> Arc<dyn Coordinator> {
            Arc::new(RedisCoordinator::new(&RedisOptions::new(url)).expect("a URL of Redis"))
        };
        let start = |_| {
            let agent = Agent::new(coordinator(), options()).expect("randomness");
            let (drain, drained) = watch::channel(false);
            tokio::spawn(agent.run_with_beats(drained));
            drain
        };
        let workers = (0..workers).map(start).collect();
        let options = ControllerOptions::default();
        Self::platform("workers over Redis", coordinator(), options, workers).await
    }

    async fn platform(
        name: &'static str,
        coordinator: Arc<dyn Coordinator>,
        options: ControllerOptions,
        workers: Vec<watch::Sender<bool>>,
    ) -> Self {
        let store = Arc::new(MemoryStore::new());
        let controller = Controller::start(store, coordinator, options).await;
        Self::Platform { name, controller: controller.expect("a controller"), workers }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Local => "locally",
            Self::Platform { name, .. } => name,
        }
    }

    /// Runs a case to its end.
    pub async fn run(&self, case: &Case) -> Value {
        let target = Target::start(case.target()).await.expect("a target");
        let document = case.document(&target);
        match self {
            Self::Local => locally(case, document).await,
            Self::Platform { controller, .. } => on_a_platform(controller, case, document).await,
        }
    }

    pub async fn end(&self) {
        if let Self::Platform { controller, workers, .. } = self {
            for drain in workers {
                drain.send_replace(true);
            }
            controller.shut_down().await;
        }
    }
}

fn options() -> AgentOptions {
    AgentOptions { threads: Some(1), slack: Some(SLACK), ..AgentOptions::default() }
}

async fn locally(case: &Case, document: Value) -> Value {
    let scenario = Scenario::from_value(document).expect("a scenario");
    let test = LoadTest::from_scenario(&scenario).threads(1).slack(SLACK);
    let handle = test.start().await.expect("a run");
    let tell = async |told: &Told, handle: &RunHandle| match told {
        Told::Pause => handle.pause().expect("it runs"),
        Told::Resume => handle.resume().expect("it is paused"),
        Told::Rate(rate) => handle.change_rate(*rate, 0.0).expect("it runs"),
        Told::Stop => handle.stop(),
        Told::Drain => {}
    };
    for (after, told) in case.orders() {
        tokio::time::sleep(*after).await;
        tell(told, &handle).await;
    }
    serde_json::to_value(handle.wait().await.expect("a result")).expect("a document")
}

async fn on_a_platform(platform: &Controller, case: &Case, document: Value) -> Value {
    let scenario = ScenarioRecord {
        id: ScenarioId::random(),
        owner: Owner::from("me"),
        revision: 0,
        created_unix_ms: 0,
        changed_unix_ms: 0,
        tags: Vec::new(),
        document: platform.secrets().seal(document),
        baseline: None,
    };
    let run = platform.submit(&scenario).await.expect("a run");
    if !case.orders().is_empty() {
        wait_until(platform, &run, |state| state == RunState::Running).await;
    }
    for (after, told) in case.orders() {
        tokio::time::sleep(*after).await;
        let command = match told {
            Told::Pause => Command::Pause,
            Told::Resume => Command::Resume,
            Told::Rate(rate) => Command::Rate { target_rps: *rate, over_seconds: 0.0 },
            Told::Stop => Command::Stop,
            Told::Drain => {
                let worker = a_worker_of(platform, &run).await;
                platform.drain_worker(&worker).await.expect("it is there");
                continue;
            }
        };
        platform.command(&run.owner, &run.id, command).await.expect("it runs");
    }
    let record = wait_until(platform, &run, RunState::has_ended).await;
    assert_eq!(record.warnings.len(), case.warnings(), "{}: {:?}", case.name, record.warnings);
    match platform.result(&run.owner, &run.id).await.expect("an answer") {
        KnownResult::Final(result) => serde_json::to_value(result).expect("a document"),
        other => panic!("{}: no final result: {other:?}, {record:?}", case.name),
    }
}

/// The first that was given something of the run.
async fn a_worker_of(platform: &Controller, run: &RunRecord) -> String {
    let record = platform.record(&run.owner, &run.id).await.expect("an answer").expect("a run");
    let mut takers = record.journal.into_iter().filter_map(|entry| match entry {
        Entry::Take { worker, .. } => Some(worker.0),
        _ => None,
    });
    takers.next().expect("somebody makes its load")
}

async fn wait_until(
    platform: &Controller,
    run: &RunRecord,
    is_so: impl Fn(RunState) -> bool,
) -> RunRecord {
    let begun = now();
    loop {
        let record = platform.record(&run.owner, &run.id).await.expect("an answer").expect("a run");
        if is_so(record.state) {
            return record;
        }
        let waited = now().saturating_duration_since(begun);
        assert!(waited < PATIENCE && !record.state.has_ended(), "{record:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
