//! Tests outputs to files and to standard output, at the end and while the run goes on.

use crate::support::{command, loadcore, target};
use loadcore::report::FORMATS;
use loadcore_target::Config;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

#[test]
fn every_format_to_a_file() {
    let target = target(Config::default());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let formats = FORMATS.map(|format| format.name);
    let outputs: Vec<String> = formats.iter().map(|f| format!("{f}={}", path(f))).collect();
    // What stood there before is longer, and is gone.
    std::fs::write(path("json"), "x".repeat(1_000_000)).unwrap();
    let url = target.url("/");
    let mut words = vec!["run", &url, "-r", "200", "-d", "1200ms"];
    words.extend(outputs.iter().flat_map(|output| ["-o", output]));
    assert_eq!(loadcore(&words).ended(0).out, "");

    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    assert!(formats.iter().all(|name| !read(name).is_empty()));
    assert!(read("text").contains("due 240 = sent 240"), "{}", read("text"));
    assert!(!read("text").contains('\u{1b}'), "a file has no colours");
    assert!(read("markdown").contains("\n| **"), "{}", read("markdown"));
    assert!(read("html").starts_with("<!doctype html>") && read("junit").starts_with("<?xml"));
    let document: serde_json::Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(document["arrivals"]["due"], 240);
    let csv = read("csv");
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("second,due,sent,ok,failed,dropped,p50Ms,p95Ms,p99Ms,maxMs"));
    let due = |line: &str| line.split(',').nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!(lines.map(due).sum::<u64>(), 240);
    assert!(read("hgrm").contains("#[Mean"), "{}", read("hgrm"));
    let hlog = read("hlog");
    assert!(hlog.starts_with("#[Logged by loadcore"), "{hlog}");
    assert!(hlog.contains("\nTag=lag,0.000,1.000,"), "{hlog}");
}

#[test]
fn csv_comes_while_the_run_goes_on() {
    let target = target(Config::default());
    let mut child = command()
        .args(["run", &target.url("/"), "-r", "50", "-d", "60s", "-o", "csv"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("second,due"));
    assert!(lines.next().unwrap().unwrap().starts_with("0,50,"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn who_has_read_enough_is_no_error() {
    let target = target(Config::default());
    for format in ["text", "json", "csv"] {
        let mut child = command()
            .args(["run", &target.url("/"), "-r", "50", "-d", "100ms", "-o", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let target = target(Config::default());
    let url = target.url("/");
    for output in ["json=/dev/full", "csv=/dev/full"] {
        let ran = loadcore(&["run", &url, "-r", "50", "-d", "100ms", "-o", output]).ended(1);
        ran.says(&["could not write to /dev/full", "No space left"]);
    }
}
