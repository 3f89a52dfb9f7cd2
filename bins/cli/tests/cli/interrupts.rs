//! Tests that Ctrl-C and SIGTERM end a run, and that the report is still written.

use crate::support::{Ran, command, target, wait_until};
use loadcore_target::Config;
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::{Child, Stdio};

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn the_report_is_written_and_the_code_is_105() {
    for by in [Signal::INT, Signal::TERM] {
        let target = target(Config::default());
        let child = command()
            .args(["run", &target.url("/"), "-r", "100", "-d", "60s", "-o", "json"])
            .args(["--sla", "rps>=1000000"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("a request", || target.stats().requests >= 5);
        signal(&child, by);
        let ran = Ran::of(child.wait_with_output().unwrap()).ended(105);
        let document = ran.document();
        assert_eq!(document["interrupted"], true);
        assert!(document["outcomes"]["ok"].as_u64() >= Some(4), "{}", document["outcomes"]);
        assert!(document["durationSeconds"].as_f64() < Some(60.0));
    }
}

#[test]
fn what_an_earlier_run_left_is_gone_after_an_interrupt_in_the_warm_up() {
    let target = target(Config::default());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("csv"), "from an earlier run, and longer than a head\n".repeat(100))
        .unwrap();
    let outputs = ["csv", "hlog"].map(|name| format!("{name}={}", path(name).display()));
    let child = command()
        .args(["run", &target.url("/"), "-r", "50", "--warmup", "60s", "-o", "json"])
        .args(outputs.iter().flat_map(|output| ["-o", output]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("a request", || target.stats().requests >= 1);
    signal(&child, Signal::INT);
    Ran::of(child.wait_with_output().unwrap()).ended(105);
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    assert_eq!(read("csv"), "second,due,sent,ok,failed,dropped,p50Ms,p95Ms,p99Ms,maxMs\n");
    let hlog = read("hlog");
    assert!(hlog.starts_with("#[Logged by loadcore") && hlog.contains("StartTimestamp"), "{hlog}");
}

#[test]
fn the_second_ctrl_c_ends_at_once() {
    let target = target(Config::default());
    let folder = tempfile::tempdir().unwrap();
    // The result shows its scenario, which is larger here than a pipe that nobody reads.
    let body = folder.path().join("body");
    std::fs::write(&body, "x".repeat(1_000_000)).unwrap();
    let mut child = command()
        .args(["run", &target.url("/"), "-r", "20", "-d", "60s", "-o", "json"])
        .args(["-b", &format!("@{}", body.display())])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("a request", || target.stats().requests >= 1);
    signal(&child, Signal::INT);
    let mut first = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"{", "the report is being written");
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
