//! Starts a controller, workers, a Redis and a MongoDB as a platform of a test's own, alone on the
//! machine.

use crate::programs::Program;
use loadcore::time::now;
use loadcore_target::{Config, Target};
use loadcore_test_support::{http, mongo, redis};
use serde_json::Value;
use std::env;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// How long what should come at once may take on a loaded machine.
pub const SOON: Duration = Duration::from_secs(60);
/// How long an answer of the API may take: longer than its own patience of 30 s.
const ANSWER: Duration = Duration::from_secs(45);
/// How long a test waits for its place among the others.
const PLACE: Duration = Duration::from_secs(30 * 60);

/// Looks again and again until it is so; answers how long that took, `None`: not in time.
pub fn until(patience: Duration, mut is_so: impl FnMut() -> bool) -> Option<Duration> {
    let begun = now();
    loop {
        if is_so() {
            return Some(now().saturating_duration_since(begun));
        }
        if now().saturating_duration_since(begun) > patience {
            return None;
        }
        wait(Duration::from_millis(20));
    }
}

/// Lets time pass: for faults at a moment of a run.
#[expect(clippy::disallowed_methods, reason = "the moment of a fault is a time and no event")]
pub fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// A figure for people.
#[expect(clippy::print_stderr, reason = "what was measured is of interest where a test passes too")]
pub fn figure(text: &str) {
    eprintln!("figure: {text}");
}

/// Everything that a test needs, ended with it.
pub struct Platform {
    pub controllers: Vec<Controller>,
    pub workers: Vec<Worker>,
    /// Workers that were asked to end, and do so in their own time.
    pub leaving: Vec<Worker>,
    pub redis: redis::Server,
    pub mongo: mongo::Server,
    pub target: Target,
    logs: u32,
    folder: TempDir,
    _place: File,
}

/// A controller's process.
pub struct Controller {
    pub program: Program,
    pub address: String,
}

/// A worker's process.
pub struct Worker {
    pub program: Program,
    /// Its identity, new for each start.
    pub id: String,
}

impl Platform {
    /// One controller and some workers, all ready.
    pub async fn start(workers: usize) -> Self {
        let mut platform = Self::bare(redis::Server::not_started(None)).await;
        platform.redis.start_again().await;
        platform.add_controller();
        platform.wait_until_ready();
        (0..workers).for_each(|_| platform.add_worker());
        platform.wait_for_workers(workers);
        platform
    }

    /// The servers without the programs; Redis may still be missing.
    pub async fn bare(redis: redis::Server) -> Self {
        let _place = tokio::task::block_in_place(place);
        let target = Target::start(Config::default()).await.expect("a target");
        Self {
            controllers: Vec::new(),
            workers: Vec::new(),
            leaving: Vec::new(),
            redis,
            mongo: mongo::Server::start().await,
            target,
            logs: 0,
            folder: tempfile::tempdir().expect("a new directory"),
            _place,
        }
    }

    fn next_log(&mut self) -> PathBuf {
        self.logs += 1;
        self.folder.path().join(format!("{}.log", self.logs))
    }

    /// Starts a controller, and waits until it listens.
    pub fn add_controller(&mut self) {
        let log = self.next_log();
        let data = self.folder.path().join("data");
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            data.to_str().expect("a path that is text"),
            "--redis",
            &self.redis.url(),
            "--mongo",
            self.mongo.url(),
        ];
        let mut program = Program::start("loadcore-controller", &arguments, log);
        let address = program.says("listens on http://");
        self.controllers.push(Controller { program, address });
    }

    /// Waits until the last controller's platform is there.
    pub fn wait_until_ready(&mut self) {
        let controller = self.controllers.last_mut().expect("a controller");
        controller.program.says("the platform is ready");
    }

    /// Starts a worker, and waits until it takes tasks.
    pub fn add_worker(&mut self) {
        self.add_worker_with(&["--threads", "1"]);
    }

    /// The same with these options.
    pub fn add_worker_with(&mut self, options: &[&str]) {
        let mut worker = self.start_worker_with(options);
        let said = worker.program.says("worker ");
        worker.id = said.strip_suffix(" takes tasks").expect("its identity").to_owned();
        self.workers.push(worker);
    }

    /// Starts a worker that may have to wait.
    pub fn start_worker(&mut self) -> Worker {
        self.start_worker_with(&["--threads", "1"])
    }

    /// The same with these options.
    pub fn start_worker_with(&mut self, options: &[&str]) -> Worker {
        let log = self.next_log();
        let url = self.redis.url();
        let arguments = [options, &["--redis", &url]].concat();
        let program = Program::start("loadcore-worker", &arguments, log);
        Worker { program, id: String::new() }
    }

    /// Waits until the last controller has heard of so many living workers that do nothing.
    pub fn wait_for_workers(&self, count: usize) {
        let idle = || {
            let workers = self.get("/api/v1/workers");
            let items = workers["items"].as_array().expect("a list").iter();
            items.filter(|it| it["alive"] == true && it["task"].is_null()).count()
        };
        let there = until(SOON, || idle() >= count);
        assert!(there.is_some(), "not {count} workers: {}", self.get("/api/v1/workers"));
    }

    /// Asks the last controller.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let controller = self.controllers.last().expect("a controller");
        controller.ask(method, path, body).expect("it answers")
    }

    /// What the last controller shows there.
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// What the target has counted.
    pub fn counted(&self) -> u64 {
        self.target.stats().requests
    }

    /// What all programs have said, those that were killed included.
    pub fn said(&self) -> String {
        let logs = (1..=self.logs).map(|log| self.folder.path().join(format!("{log}.log")));
        logs.map(|log| std::fs::read_to_string(log).unwrap_or_default()).collect()
    }
}

impl Controller {
    /// Status and document; `None` where nobody answers.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        let (status, body) = http::ask(&self.address, method, path, body, ANSWER).ok()?;
        Some((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
    }
}

/// As many platforms stand at once as there are processors, in whatever processes the tests are: each
/// makes little load, and waits for most of its time.
fn place() -> File {
    let places = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = env::current_exe().expect("a test has a file");
    let files: Vec<_> = (0..places)
        .map(|place| folder.with_file_name(format!("distributed.{place}.lock")))
        .map(|path| File::create(path).expect("a file beside the test"))
        .collect();
    let mut place = None;
    until(PLACE, || {
        place = files.iter().find(|file| file.try_lock().is_ok());
        place.is_some()
    });
    let place = place.unwrap_or_else(|| panic!("no place for one more platform within {PLACE:?}"));
    place.try_clone().expect("another handle of an open file")
}
