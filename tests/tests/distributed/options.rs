//! Tests that every option of a worker and of a controller changes something: a list of all of
//! them, each with what is seen of it. An option that is missing from the list fails the test.

use crate::platform::{Platform, SOON, until};
use crate::programs::Program;
use crate::runs::{Run, steady};
use serde_json::{Value, json};

/// A worker's option with a value, and where it is seen.
enum Seen {
    /// In the list of workers, under this key.
    Listed(&'static str, Value),
    /// In the result of a run, at this place.
    Result(&'static str, Value),
    /// In a warning of a run.
    Warned(&'static str),
    /// In the worker's log.
    Said(&'static str),
    /// Every test of this folder gives it, or one elsewhere that needs a clock of its own.
    Elsewhere,
}

use Seen::{Elsewhere, Listed, Said, Warned};

/// The key of another platform.
const ANOTHERS: &str = "W16t-DGndQRx6Db8k1JoBD55DqKdT6KcM-sqIxpT-iM";

fn worker() -> Vec<(&'static str, &'static str, Seen)> {
    vec![
        ("redis", "", Elsewhere),
        ("name", "carl", Listed("name", json!("carl"))),
        ("threads", "2", Listed("threads", json!(2))),
        ("slack", "7ms", Seen::Result("/generator/slackMs", json!(7.0))),
        ("handover", "", Elsewhere),
        ("max-rps", "50", Warned("--max-rps")),
        ("actuator-listen", "127.0.0.1:0", Said("health and metrics at http://")),
        ("listen", "127.0.0.1:0", Said("health and metrics at http://")),
        // It does not obey this platform, and so is never ready.
        ("platform-key", ANOTHERS, Warned("no worker came")),
        ("allow-targets", "10.0.0.0/8", Warned("could not take part")),
        ("deny-targets", "127.0.0.0/8", Warned("could not take part")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_option_of_a_worker_changes_something() {
    let list = worker();
    let mut known: Vec<_> = list.iter().map(|(option, ..)| (*option).to_owned()).collect();
    let mut options = Program::options_of("loadcore-worker");
    known.sort();
    options.sort();
    assert_eq!(options, known, "each option of --help has its effect in the list");
    let mut platform = Platform::start(0).await;
    for (option, value, seen) in list {
        if matches!(seen, Elsewhere) {
            continue;
        }
        let mut started = platform.start_worker_with(&[&format!("--{option}"), value]);
        if let Said(text) = seen {
            started.program.says(text);
        }
        started.program.says("takes tasks");
        platform.workers.push(started);
        platform.wait_for_workers(1);
        match seen {
            Listed(key, wanted) => {
                let workers = platform.get("/api/v1/workers");
                let items = workers["items"].as_array().expect("a list").iter();
                let alive: Vec<_> = items.filter(|it| it["alive"] == true).collect();
                assert!(alive.iter().any(|it| it[key] == wanted), "--{option}: {alive:?}");
            }
            Seen::Result(place, wanted) => {
                let shown = Run::steady(&platform, 100.0, 1.0).end(&platform);
                assert_eq!(shown["result"].pointer(place), Some(&wanted), "--{option}: {shown}");
            }
            Warned(text) => {
                let mut scenario = steady(&platform, 100.0, 1.0);
                scenario["workerWaitSeconds"] = json!(1);
                let shown = Run::start(&platform, &scenario).end(&platform);
                assert_eq!(shown["state"], "FAILED", "--{option}: {shown}");
                assert!(shown["warnings"].to_string().contains(text), "--{option}: {shown}");
            }
            Said(_) | Elsewhere => {}
        }
        let mut worker = platform.workers.pop().expect("it was started");
        worker.program.kill();
        let gone =
            || platform.get("/api/v1/workers").to_string().matches("\"alive\":true").count() == 0;
        assert!(until(SOON, gone).is_some(), "it is still held for alive");
    }
}

/// A controller's option, the file of the workspace whose tests see its effect, and a word of them.
const CONTROLLER: &[(&str, &str, &str)] = &[
    ("config", "bins/controller/tests/program.rs", "--config"),
    ("listen", "bins/controller/tests/program.rs", "--listen"),
    ("actuator-listen", "bins/controller/tests/program.rs", "--actuator-listen"),
    ("data-dir", "bins/controller/tests/program.rs", "--data-dir"),
    ("redis", "tests/tests/distributed/platform.rs", "--redis"),
    ("mongo", "tests/tests/distributed/platform.rs", "--mongo"),
    ("local-workers", "tests/tests/controller_cli.rs", "--local-workers"),
    ("lease", "bins/controller/tests/program.rs", "--lease"),
    ("evidence-wait", "loadcore/src/cluster/simulation/ends.rs", "evidence_wait"),
    ("standby-ready", "bins/controller/tests/api/operation.rs", "standby_ready"),
    ("keep-days", "loadcore/src/cluster/simulation/controllers.rs", "retention"),
    ("allow-targets", "tests/tests/controller_cli.rs", "--allow-targets"),
    ("deny-targets", "bins/controller/src/options.rs", "--deny-targets"),
    ("require-domain-proof", "loadcore/src/cluster/controller/domains.rs", "requires_proof"),
    ("quota", "bins/controller/src/options.rs", "--quota"),
    ("contact", "loadcore/src/cluster/plan.rs", "ops@example.com"),
    ("keep-audit-days", "bins/controller/src/options.rs", "--keep-audit-days"),
    ("allow-unauthenticated", "bins/controller/tests/program.rs", "--allow-unauthenticated"),
    ("allow-hosts", "bins/controller/tests/program.rs", "--allow-hosts"),
    ("supabase-url", "bins/controller/src/sign_in.rs", "--supabase-url"),
    ("supabase-publishable-key", "bins/controller/src/sign_in.rs", "--supabase-publishable-key"),
    ("tls-cert", "bins/controller/tests/program/tls.rs", "--tls-cert"),
    ("tls-key", "bins/controller/tests/program/tls.rs", "--tls-key"),
    ("max-connections", "bins/controller/tests/program/flood.rs", "--max-connections"),
    (
        "max-connections-per-address",
        "bins/controller/src/options.rs",
        "--max-connections-per-address",
    ),
    ("demo", "bins/controller/src/demo.rs", "#[tokio::test"),
];

#[test]
fn every_option_of_a_controller_has_a_test_that_sees_its_effect() {
    let mut known: Vec<_> = CONTROLLER.iter().map(|(option, ..)| (*option).to_owned()).collect();
    let mut options = Program::options_of("loadcore-controller");
    known.sort();
    options.sort();
    assert_eq!(options, known, "each option of --help has its test in the list");
    for (option, file, word) in CONTROLLER {
        let path = format!("{}/../{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(text.contains(word), "--{option}: {file} does not hold {word}");
    }
}
