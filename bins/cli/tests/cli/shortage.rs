//! Tests the verdict on a machine that is short of ports or descriptors, or that stops the
//! generator.

use crate::support::{Ran, closed_port, command, limited, target, wait_until};
use loadcore_target::Config;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs against a target in a network of their own that has 64 ports. `None` where this machine does
/// not let us make one.
fn with_few_ports(runs: &[&str]) -> Option<Vec<Value>> {
    let made = |how: &[&str]| {
        let mut tried = Command::new("unshare");
        let output = tried.args(how).args(["ip", "link", "set", "lo", "up"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let how = [&["-n"][..], &["-rn"]].into_iter().find(|how| made(how))?;
    let runs: String = runs.iter().map(|run| format!("\"$0\" run {run} -q -o json\n")).collect();
    let script = format!(
        "ip link set lo up; echo '50000 50063' >/proc/sys/net/ipv4/ip_local_port_range
        \"$0\" target --listen 127.0.0.1:9802 --latency 200ms >\"$1\" & target=$!
        for i in $(seq 600); do grep -q 'target at' \"$1\" && break; sleep 0.05; done
        {runs}
        kill $target"
    );
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Command::new("unshare");
    shell.args(how).args(["sh", "-c", &script, env!("CARGO_BIN_EXE_loadcore")]);
    shell.arg(folder.path().join("said"));
    let output = shell.stdin(Stdio::null()).output().unwrap();
    let documents = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    Some(documents.map(|it| it.unwrap_or_else(|error| panic!("{error}: {output:?}"))).collect())
}

/// A reason of the verdict, wherever it stands among the others: what else runs on this machine may
/// have given it more of them.
fn reason<'a>(document: &'a Value, kind: &str) -> &'a Value {
    let mut reasons = document["validity"]["reasons"].as_array().unwrap().iter();
    let found = reasons.find(|it| it["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}: {}", document["validity"]))
}

/// Nothing failed, and the verdict says what this machine lacked.
fn is_our_shortage(document: &Value) {
    assert_eq!(document["errors"], serde_json::json!({}), "{document}");
    assert_eq!(document["outcomes"]["failed"], 0, "{document}");
    assert_eq!(document["validity"]["verdict"], "INVALID", "{}", document["validity"]);
    assert_eq!(reason(document, "descriptors_short")["verdict"], "INVALID");
    assert!(document["generator"]["shortages"].as_u64() > Some(0));
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
fn where_no_port_is_left_there_is_no_request() {
    // Each request has its port for 200 ms, so that more than 64 are needed at once: whether a port is
    // free again soon after would depend on who is the first to close.
    let runs = [
        "127.0.0.1:9802 -c 128 -d 1s --no-keepalive",
        "localhost:9802 -c 128 -d 1s --no-keepalive",
        "127.0.0.1:9802 -r 500 -d 2s --no-keepalive --drain 10ms",
        "localhost:9802 -r 500 -d 2s --no-keepalive --drain 10ms",
        // As many stay open as there are ports, and the others never open.
        "127.0.0.1:9802 -c 128 -d 1s",
    ];
    let Some(documents) = with_few_ports(&runs) else {
        eprintln!("skipped: unshare -n is not allowed here, or there is no ip");
        return;
    };
    assert_eq!(documents.len(), runs.len());
    for document in &documents {
        is_our_shortage(document);
        let lacks = reason(document, "descriptors_short")["explanation"].as_str().unwrap();
        assert!(lacks.contains("assign requested address"), "{lacks}");
    }
    let [closed, closed_by_name, open, open_by_name, many] = &documents[..] else { unreachable!() };
    for closed in [closed, closed_by_name, many] {
        // It is waited for, and not asked for as fast as this machine can.
        assert!(closed["generator"]["shortages"].as_u64() < Some(2_000), "{closed}");
        assert_eq!(closed["arrivals"]["due"], closed["outcomes"]["ok"], "{closed}");
    }
    for open in [open, open_by_name] {
        let arrivals = &open["arrivals"];
        assert_eq!(arrivals["due"], 1_000, "{arrivals}");
        let for_that = arrivals["droppedByReason"]["no_connection"].as_u64().unwrap_or(0);
        assert_eq!(arrivals["dropped"].as_u64(), Some(for_that), "{arrivals}");
    }
}

#[test]
fn what_waits_for_a_descriptor_at_the_end_is_dropped_for_that() {
    let target = target(Config { latency: "200ms".parse().unwrap(), ..Config::default() });
    let url = target.url("/");
    let words = ["run", &url, "-r", "500", "-d", "1s", "--drain", "300ms", "-o", "json"];
    let document = Ran::of(limited(64).args(words).output().unwrap()).document();
    is_our_shortage(&document);
    let dropped = &document["arrivals"]["droppedByReason"];
    assert!(dropped["no_connection"].as_u64() > Some(100), "{dropped}");
    assert_eq!(dropped.as_object().map(serde_json::Map::len), Some(1), "{dropped}");
}

/// Each connection tries after 10, 20, 40 ms and so on.
#[test]
fn a_closed_loop_does_not_spin_against_a_port_where_nobody_listens() {
    let url = closed_port().to_string();
    let words = ["run", &url, "-c", "4", "-d", "1s", "-o", "json"];
    let document = Ran::of(command().args(words).output().unwrap()).document();
    let refused = document["errors"]["connect_refused"].as_u64();
    assert!(refused >= Some(8) && refused <= Some(28), "{}", document["errors"]);
    assert_eq!(document["arrivals"]["sent"].as_u64(), refused);
    assert_eq!(document["generator"]["shortages"], 0);
}

#[test]
fn a_generator_that_was_stopped_says_for_how_long() {
    for load in [&["-r", "20"][..], &["-c", "4"]] {
        let target = target(Config { latency: "50ms".parse().unwrap(), ..Config::default() });
        let url = target.url("/");
        let child = command()
            .args(["run", &url, "-d", "4s", "-o", "json"])
            .args(load)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("a request", || target.stats().requests >= 5);
        let process = Pid::from_child(&child);
        kill_process(process, Signal::STOP).unwrap();
        std::thread::park_timeout(Duration::from_millis(1_500));
        kill_process(process, Signal::CONT).unwrap();
        let document = Ran::of(child.wait_with_output().unwrap()).ended(0).document();
        assert_eq!(document["validity"]["verdict"], "INVALID", "{}", document["validity"]);
        // More, where this machine stood still as well.
        let told = reason(&document, "stalled");
        let seconds = told["explanation"].as_str().unwrap().split(' ').nth(5);
        let seconds: f64 =
            seconds.and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{told}"));
        assert!((1.4..3.0).contains(&seconds), "{told}");
        assert!(told["explanation"].as_str().unwrap().contains(" s of 4 s:"), "{told}");
    }
}
