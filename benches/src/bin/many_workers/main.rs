//! Turns one machine into a platform of a thousand workers, of which only the workers are not real.
//!
//! A real controller and a real Redis run as processes of their own; the workers are tasks of this
//! process that speak the worker's side of the protocol and make no load: each hands in the figures
//! of a worker that sends 100,000 requests a second. So what a controller must do for 100 million
//! requests a second can be measured on one machine, and the result can be held against what the
//! workers handed in.
//!
//! Usage: `many_workers --help`. Prints figures, and fails if the result is not exactly the sum.

mod api;
mod processes;
mod snapshots;
mod worker;

use api::Api;
use clap::Parser;
use loadcore::cluster::Coordinator;
use loadcore::cluster::secrets::WorkerKeys;
use loadcore::time::now;
use loadcore_redis::{RedisCoordinator, RedisOptions};
use processes::{Process, Redis, Used, controller};
use serde_json::{Value, json};
use snapshots::Snapshots;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use worker::{Done, Worker};

/// Workers that share the connections for beats and snapshots. For what waits each has its own.
const SHARING: usize = 100;
/// How long after its load's end a run may take to end.
const TO_END: Duration = Duration::from_secs(120);
/// How long the gathering of all workers may take.
const TO_START: Duration = Duration::from_secs(120);

/// One real controller and one real Redis, and many simulated workers.
#[derive(Debug, Parser)]
struct Options {
    /// Simulated workers: 1 to 1000, the most that a scenario may ask for
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    workers: u32,
    /// Length of the load
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Requests a second of each worker
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// Where `loadcore-controller` is
    #[arg(long, default_value = "target/release")]
    bin: PathBuf,
    /// Redis keeps nothing on disk; else it has an append-only file, flushed each second
    #[arg(long)]
    no_aof: bool,
}

fn main() -> Result<(), String> {
    let options = Options::parse();
    // One thread: what is left of the machine is the controller's and Redis's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(measure(&options))
}

async fn measure(options: &Options) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
    say(&format!("{options:?}"));
    let templates = Snapshots::new(options.rate, options.seconds);
    say(&format!("snapshots in bytes: {}", templates.sizes()));
    let redis = Redis::start(folder.path(), !options.no_aof).await?;
    let data = folder.path().join("store");
    let (server, address) = controller(&options.bin, &data, &redis.url()).await?;
    let api = Api::new(address);
    api.until_ready().await?;
    let (stop, _) = watch::channel(false);
    let mut workers = start_workers(options, &redis, templates, &stop)?;
    let posted = now();
    let run = api.post(&scenario(options)).await?;
    let run = run["runId"].as_str().ok_or_else(|| format!("no run: {run}"))?.to_owned();
    api.until_state(&run, "RUNNING", TO_START).await?;
    let to_running = posted.elapsed_now();
    say(&format!("from POST to RUNNING: {:.2} s", to_running.as_secs_f64()));

    let watching = Watching { api: &api, run: &run, server: &server, redis: &redis };
    let while_running = watching.watch(options.seconds).await?;
    say(&while_running);
    let ended = now();
    let record = api.until_ended(&run, TO_END).await?;
    say(&format!(
        "from the load's end to the run's end: {:.1} s",
        ended.elapsed_now().as_secs_f64()
    ));
    say(&format!("controller, in all: {}", server.used()?));
    say(&format!("Redis, in all: {}", redis.process.used()?));
    say(&format!("this simulation, in all: {}", Used::of("self")?));
    say(&format!("store on disk: {:.1} MB", processes::size_mb(&data)));
    stop.send_replace(true);
    let mut handed = Done::default();
    while let Some(done) = workers.join_next().await {
        let done = done.map_err(|error| error.to_string())??;
        handed.add(done);
    }
    say(&format!(
        "workers: {} snapshots, {:.1} MB, slowest put {} ms, {} puts tried again",
        handed.puts,
        handed.bytes as f64 / 1e6,
        handed.slowest.as_millis(),
        handed.again
    ));
    judge(&record, &handed)
}

fn scenario(options: &Options) -> Value {
    json!({
        // Nobody ever dials it.
        "name": "many workers", "targetUrl": "http://127.0.0.1:9/",
        "durationSeconds": options.seconds, "numWorkers": options.workers,
        "workerWaitSeconds": 60,
        "loadProfile": {
            "type": "CONSTANT", "initialRps": u64::from(options.workers) * options.rate,
        },
    })
}

type Workers = JoinSet<Result<Done, String>>;

fn start_workers(
    options: &Options,
    redis: &Redis,
    templates: Snapshots,
    stop: &watch::Sender<bool>,
) -> Result<Workers, String> {
    let templates = Arc::new(templates);
    let key = WorkerKeys::generate()?.public();
    let mut workers = JoinSet::new();
    let mut coordinator: Arc<dyn Coordinator> = connect(&redis.url())?;
    for number in 0..options.workers as usize {
        if number > 0 && number % SHARING == 0 {
            coordinator = connect(&redis.url())?;
        }
        let worker = Worker::new(
            number,
            [Arc::clone(&coordinator), connect(&redis.url())?],
            Arc::clone(&templates),
            key.clone(),
            stop.subscribe(),
        );
        workers.spawn(worker.work());
    }
    Ok(workers)
}

fn connect(url: &str) -> Result<Arc<RedisCoordinator>, String> {
    let coordinator = RedisCoordinator::new(&RedisOptions::new(url));
    Ok(Arc::new(coordinator.map_err(|error| error.to_string())?))
}

/// What is looked at while the load is made.
struct Watching<'a> {
    api: &'a Api,
    run: &'a str,
    server: &'a Process,
    redis: &'a Redis,
}

impl Watching<'_> {
    /// Looks each second until the load's end; answers a summary.
    async fn watch(&self, seconds: u64) -> Result<String, String> {
        let begun = now();
        let (controller, redis, own) =
            (self.server.used()?, self.redis.process.used()?, Used::of("self")?);
        let mut lags = Vec::new();
        for second in 1..=seconds {
            let until = begun + Duration::from_secs(second);
            tokio::time::sleep_until(until.into()).await;
            let realtime = self.api.realtime(self.run).await?;
            let elapsed = begun.elapsed_now().as_secs_f64();
            lags.push(elapsed - realtime["untilSecond"].as_f64().unwrap_or(0.0));
            if second % 10 == 0 {
                say(&format!(
                    "  {second} s: {} requests/s, watermark {:.1} s behind, controller {}",
                    realtime["currentRps"],
                    lags[lags.len() - 1],
                    self.server.used()?
                ));
            }
        }
        let wall = begun.elapsed_now().as_secs_f64();
        let share = |before: &Used, after: Used| (after.cpu_s - before.cpu_s) / wall;
        let redis_used = self.redis.process.used()?;
        let rss = redis_used.rss_mb;
        lags.sort_by(f64::total_cmp);
        Ok(format!(
            "while the load was made, in cores: controller {:.2}, Redis {:.2}, this simulation {:.2}\n\
             watermark behind the clock: median {:.1} s, most {:.1} s\n\
             Redis: {rss:.0} MB resident, {}",
            share(&controller, self.server.used()?),
            share(&redis, redis_used),
            share(&own, Used::of("self")?),
            lags[lags.len() / 2],
            lags[lags.len() - 1],
            self.redis.info().await?,
        ))
    }
}

/// Holds the result against what was handed in.
fn judge(record: &Value, handed: &Done) -> Result<(), String> {
    let result = &record["result"];
    let number = |path: &str| result.pointer(path).and_then(Value::as_u64).unwrap_or(u64::MAX);
    let (due, sent, ok) =
        (number("/arrivals/due"), number("/arrivals/sent"), number("/outcomes/ok"));
    let rows = result["series"].as_array().map_or(0, Vec::len);
    say(&format!(
        "result: {} due {due}, sent {sent}, ok {ok}, complete {}, {rows} rows; handed in: {}",
        record["state"], result["complete"], handed.sent
    ));
    let exact = [due, sent, ok] == [handed.sent; 3];
    if exact && result["complete"] == json!(true) {
        Ok(())
    } else {
        Err(format!("the result is not what was handed in: {}", record["warnings"]))
    }
}

fn say(text: &str) {
    // A reader that has gone away wants no more.
    let _ = writeln!(io::stdout(), "{text}");
}

/// Time since an instant, on the clock of `loadcore::time`.
trait ElapsedNow {
    fn elapsed_now(&self) -> Duration;
}

impl ElapsedNow for Instant {
    fn elapsed_now(&self) -> Duration {
        now().saturating_duration_since(*self)
    }
}
