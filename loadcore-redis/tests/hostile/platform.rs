//! Runs a platform with two honest workers over Redis, and holds its runs against what they should be.

use loadcore::cluster::controller::api::KnownResult;
use loadcore::cluster::journal::Entry;
use loadcore::cluster::memory::MemoryStore;
use loadcore::cluster::store::{RunRecord, RunState};
use loadcore::cluster::{
    Agent, AgentOptions, Controller, ControllerOptions, Coordinator, Owner, RunId, WorkerId,
};
use loadcore::time::Clock;
use loadcore_redis::{RedisCoordinator, RedisOptions};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long a run is in which attempts are made.
pub const SECONDS: u64 = 12;
/// Attempts are made so far into a run.
const ATTEMPTS: Duration = Duration::from_secs(9);
const RATE: u64 = 60;
/// A run is at an end by then, however busy the machine.
const IN_THE_END: Duration = Duration::from_secs(90);

pub struct Platform {
    pub controller: Controller,
    pub workers: Vec<WorkerId>,
    /// Requests that the target has got.
    got: Arc<AtomicU64>,
    target: String,
    _drain: watch::Sender<bool>,
}

/// A run that goes on.
pub struct Run {
    pub id: RunId,
    since: Clock,
    seconds: u64,
    got_before: u64,
}

impl Platform {
    /// A controller and two workers, each with the Redis at a URL.
    pub async fn start(controller: &str, worker: &str) -> Self {
        let connect = |url: &str| -> Arc<dyn Coordinator> {
            Arc::new(RedisCoordinator::new(&RedisOptions::new(url)).unwrap())
        };
        let store = Arc::new(MemoryStore::new());
        let options = ControllerOptions::default();
        let controller = Controller::start(store, connect(controller), options).await.unwrap();
        let (drain, drained) = watch::channel(false);
        let mut workers = Vec::new();
        for name in ["honest", "true"] {
            let options = AgentOptions {
                name: name.into(),
                threads: Some(1),
                platform_key: Some(controller.platform_key()),
                ..AgentOptions::default()
            };
            let agent = Agent::new(connect(worker), options).unwrap();
            workers.push(agent.worker().clone());
            tokio::spawn(agent.run_with_beats(drained.clone()));
        }
        let got = Arc::new(AtomicU64::new(0));
        let target = target(Arc::clone(&got)).await;
        Self { controller, workers, got, target, _drain: drain }
    }

    /// A run whose load is being made.
    pub async fn begin(&self, seconds: u64) -> Run {
        let got_before = self.got.load(Relaxed);
        let document = json!({
            "name": "another's", "targetUrl": self.target, "numWorkers": 2, "autoStart": true,
            "durationSeconds": seconds, "workerWaitSeconds": 30, "connections": 4,
            "loadProfile": {"type": "CONSTANT", "initialRps": RATE},
        });
        let made = self.controller.create_scenario(&Owner::local(), document, None).await.unwrap();
        let mut run = Run { id: made.run_id.unwrap(), since: Clock::start(), seconds, got_before };
        self.until(&run, |record| record.state == RunState::Running).await;
        run.since = Clock::start();
        run
    }

    pub async fn record(&self, run: &Run) -> RunRecord {
        self.controller.record(&Owner::local(), &run.id).await.unwrap().unwrap()
    }

    /// How many words of this kind were refused.
    pub fn refused(&self, kind: &str) -> u64 {
        self.controller.figures().refused[kind]
    }

    async fn until(&self, run: &Run, is_so: impl Fn(&RunRecord) -> bool) -> RunRecord {
        let clock = Clock::start();
        loop {
            let record = self.record(run).await;
            if is_so(&record) {
                return record;
            }
            assert!(Duration::from_nanos(clock.now()) < IN_THE_END, "{record:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Run {
    pub fn has_time_left(&self) -> bool {
        Duration::from_nanos(self.since.now()) < ATTEMPTS
    }

    /// Nobody but the controller has said anything that counts.
    pub async fn goes_on(&self, platform: &Platform, after: &str) {
        let record = platform.record(self).await;
        assert_eq!(record.state, RunState::Running, "after {after}: {:#?}", record.timeline);
        self.is_as_it_was_meant(platform, &record, after);
    }

    fn is_as_it_was_meant(&self, platform: &Platform, record: &RunRecord, after: &str) {
        for entry in &record.journal {
            let is_ours = match entry {
                Entry::Take { worker, .. } => platform.workers.contains(worker),
                Entry::Admit { .. } | Entry::Start { .. } => true,
                Entry::Close => record.state.has_ended(),
                // A hostile worker may have been one of its own, with no part of the load.
                Entry::Lost { worker, .. } => !platform.workers.contains(worker),
                _ => false,
            };
            assert!(is_ours, "after {after}: {entry:?}\n{:#?}", record.timeline);
        }
    }

    /// The run comes to its end, whole.
    pub async fn comes_to_its_end(&self, platform: &Platform) {
        let record = platform.until(self, |record| record.state.has_ended()).await;
        assert_eq!(record.state, RunState::Completed, "{:#?}", record.timeline);
        self.is_as_it_was_meant(platform, &record, "all");
        let known = platform.controller.result(&Owner::local(), &self.id).await.unwrap();
        let KnownResult::Final(result) = known else { panic!("{known:?}") };
        let counts = (result.arrivals.due, result.arrivals.sent, result.outcomes.ok);
        let whole = self.seconds * RATE;
        assert_eq!(counts, (whole, whole, whole), "{:#?}", record.timeline);
        assert_eq!(platform.got.load(Relaxed) - self.got_before, whole, "what the target got");
        assert!(result.complete && result.generator.lost_workers.is_empty(), "{result:#?}");
        assert_eq!(result.environment.workers, 2);
    }
}

/// A target that counts; answers its URL.
async fn target(got: Arc<AtomicU64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let got = Arc::clone(&got);
            tokio::spawn(async move {
                let mut read = [0; 4_096];
                while stream.read(&mut read).await.is_ok_and(|count| count > 0) {
                    got.fetch_add(1, Relaxed);
                    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                    if stream.write_all(reply).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    url
}
