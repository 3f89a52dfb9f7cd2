//! Tests services with a fault of their own, each with metrics that tell of it among thirty others: the
//! right one is the first witness of what is found. The services are `tests/faces/service.py`.
//!
//! One run of each always; with `LOADCORE_LONG` ten, of which nine are to be right. The same is tried in
//! bulk on a model (`loadcore/src/analysis/witness/trials.rs`).

#![expect(clippy::print_stderr, reason = "what was named of each is told")]

use loadcore::scenario::Scenario;
use loadcore::{LoadTest, RunResult};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A service with a fault, and its metrics that tell of it.
struct Face {
    name: &'static str,
    right: &'static str,
    scenario: Value,
}

/// A load that rises beyond what the service takes, and falls again, twice: what rises once for a while does
/// so at the same time as the trouble by chance, too.
fn pulses(low: f64, high: f64) -> Value {
    let step = |seconds: f64, rps: f64| json!({"durationSeconds": seconds, "rps": rps});
    let steps = [(12.0, low), (8.0, high), (12.0, low), (8.0, high), (16.0, low)];
    json!({"loadProfile": {"type": "STEPS", "steps": steps.map(|(seconds, rps)| step(seconds, rps))}})
}

fn faces() -> Vec<Face> {
    let constant = json!({"type": "CONSTANT", "initialRps": 100});
    let steady = json!({"durationSeconds": 40, "loadProfile": constant});
    let face = |name, right, scenario| Face { name, right, scenario };
    vec![
        face("cpu", "process_cpu_seconds_total", pulses(40.0, 260.0)),
        face("lock", "app_lock_wait_seconds", pulses(60.0, 260.0)),
        face("pool", "db_pool_", pulses(60.0, 280.0)),
        face("leak", "process_resident_memory_bytes", steady),
    ]
}

/// A service that runs for as long as this is there.
struct Service {
    process: Child,
    /// It ends when this is closed.
    input: Option<ChildStdin>,
    url: String,
}

impl Service {
    fn start(face: &str) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/faces/service.py");
        let mut process = Command::new("python3")
            .args([program, face])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there");
        let input = process.stdin.take();
        let mut port = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut port).expect("it tells its port");
        Self { process, input, url: format!("http://127.0.0.1:{}", port.trim()) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.process.wait();
    }
}

async fn run(face: &Face) -> RunResult {
    let service = Service::start(face.name);
    let mut document = face.scenario.clone();
    document["name"] = json!(face.name);
    document["targetUrl"] = json!(format!("{}/", service.url));
    document["observe"] = json!([{"name": "service", "url": format!("{}/metrics", service.url)}]);
    let scenario = Scenario::from_value(document).unwrap_or_else(|error| panic!("{error}"));
    LoadTest::from_scenario(&scenario).run().await.expect("a run")
}

/// The series that is named first at what was found first.
fn first(result: &RunResult) -> &str {
    let finding = result.bottlenecks.first();
    finding.and_then(|it| it.witnesses.first()).map_or("none", |it| &it.series)
}

/// What was named, for whoever looks why.
fn told(result: &RunResult) -> String {
    let finding = |it: &loadcore::result::Finding| {
        let named = it.witnesses.iter().map(|it| format!("{} {:.2}", it.series, it.correlation));
        format!("{}: {:?}; {}", it.kind.name(), named.collect::<Vec<_>>(), it.explanation)
    };
    let reasons: Vec<_> = result.validity.reasons.iter().map(|it| &it.kind).collect();
    let faults: Vec<_> = result.observed[0].faults.iter().take(2).map(|it| &it.text).collect();
    let found: Vec<_> = result.bottlenecks.iter().map(finding).collect();
    format!("{found:#?} {reasons:?} {faults:?}")
}

mod alone {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_series_that_tells_of_the_fault_is_named_first() {
        let rounds = if std::env::var_os("LOADCORE_LONG").is_some() { 10 } else { 1 };
        let (mut right, mut wrong) = ([0; 4], Vec::new());
        for _ in 0..rounds {
            let running: Vec<_> = faces()
                .into_iter()
                .map(|face| tokio::spawn(async move { (run(&face).await, face) }))
                .collect();
            for (place, one) in running.into_iter().enumerate() {
                let (mut result, face) = one.await.expect("a run");
                // A machine that stands still looks like a target that does.
                if !first(&result).starts_with(face.right) && rounds == 1 {
                    eprintln!("{}: tried again after {}", face.name, told(&result));
                    result = run(&face).await;
                }
                eprintln!("{}: {}", face.name, first(&result));
                if first(&result).starts_with(face.right) {
                    right[place] += 1;
                } else {
                    wrong.push(format!("{}: {}", face.name, told(&result)));
                }
                assert!(result.observed[0].series.len() > 10, "{}", told(&result));
            }
        }
        eprintln!("right of {rounds} each: {right:?}");
        assert!(right.iter().all(|right| right * 10 >= rounds * 9), "{}", wrong.join("\n"));
    }
}
