//! Holds each scenario file to be valid, to plan what is known by hand, and to run as it stands.

use loadcore::scenario::preview::{Preview, Rows, preview};
use loadcore::scenario::{Document, Scenario};
use loadcore::{LoadTest, RunResult};
use loadcore_target::{Config, Target};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each file with its number of arrivals: the area below its profile, by hand. None in closed loop.
const FILES: [(&str, Option<u64>); 9] = [
    ("closed-loop.json", None),
    ("constant.json", Some(60 * 500)),
    ("ramp.yaml", Some(120 * (50 + 1_000) / 2 + 60 * 1_000)),
    ("burst.json", Some(105 * 100 + 10 * 1_000 + 5 * 2_000)),
    ("spike.yaml", Some(50 * 200 + 10 * 2_000)),
    ("steps.json", Some(60 * (100 + 200 + 400 + 800 + 100))),
    // Over whole periods the wave adds nothing.
    ("sine.yaml", Some(240 * 500)),
    ("replay.yaml", Some(30 * (100 + 400 + 400 + 250 + 250 + 600) / 2 + 30 * 600)),
    ("mix.yaml", Some(60 * 200)),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// JSON as JSON, so that a file that only YAML would read is not taken for it.
fn document(file: &str) -> Document {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    let read = if file.ends_with(".json") { Document::from_json } else { Document::from_yaml };
    read(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What it names is beside it.
fn parsed(file: &str, document: &Document) -> Scenario {
    let found = document.parse_with(&mut |name| fs::read(folder().join(name)));
    found.unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn planned(file: &str) -> Preview {
    preview(&parsed(file, &document(file)), Rows::WholeSeconds)
}

#[test]
fn all_files_are_known_here() {
    let ends = |name: &String| name.ends_with(".json") || name.ends_with(".yaml");
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let there: BTreeSet<_> = names.map(|name| name.into_string().unwrap()).filter(ends).collect();
    assert_eq!(there, FILES.iter().map(|(file, _)| (*file).to_owned()).collect());
    for (file, _) in FILES {
        let row = format!("| [{file}](scenarios/{file}) | ");
        assert!(include_str!("../README.md").contains(&row), "README.md has no row {row:?}");
    }
}

#[test]
fn each_plans_the_area_below_its_profile() {
    for (file, arrivals) in FILES {
        assert_eq!(planned(file).arrivals, arrivals, "{file}");
    }
}

#[test]
fn there_is_one_of_each_type_of_profile() {
    let of = |(file, _): (&str, _)| {
        let profile = document(file).get("loadProfile").cloned();
        profile.and_then(|it| it["type"].as_str().map(str::to_owned))
    };
    let found: BTreeSet<_> = FILES.into_iter().filter_map(of).collect();
    let all = ["BURST", "CONSTANT", "RAMP", "REPLAY", "SINE", "SPIKE", "STEPS"];
    assert_eq!(found, all.map(str::to_owned).into());
}

/// The first 50 requests of a file, on a target at hand.
async fn begun(file: &str, target: &Target) -> RunResult {
    let mut document = document(file);
    let url = document.get("targetUrl").and_then(|url| url.as_str()).unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8081").expect("the built-in target's address");
    document.set("targetUrl", target.url(path)).set("maxRequests", 50).set("warmupSeconds", 0);
    LoadTest::from_scenario(&parsed(file, &document)).run().await.unwrap()
}

/// Rules of times are not judged here, where other tests run beside: only that each has its answer.
#[tokio::test]
async fn each_runs() {
    for (file, _) in FILES {
        let target = Target::start(Config::default()).await.unwrap();
        let result = begun(file, &target).await;
        assert_eq!(result.outcomes.ok, 50, "{file}: {:?}", result.error_examples);
        assert_eq!(target.stop().requests, 50, "{file}");
        let rules = document(file).get("sla").and_then(|rules| rules.as_array().map(Vec::len));
        assert_eq!(Some(result.sla.len()), rules, "{file}");
        assert!(result.sla.iter().all(|rule| rule.actual.is_some()), "{file}: {:?}", result.sla);
    }
}
