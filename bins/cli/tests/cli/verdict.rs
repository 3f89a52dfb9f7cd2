//! Tests the verdict in both directions: a generator that is too weak for its load says so, and for which
//! reason; a target in trouble leaves a healthy generator VALID.
//!
//! What a lack of descriptors or ports does, and a process that is stopped, `shortage.rs` tests.

use crate::support::{Ran, command, loadcore, target};
use loadcore_target::Config;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The verdict and the kinds of its reasons.
fn judged(document: &Value) -> (&str, Vec<&str>) {
    let validity = &document["validity"];
    let reasons = validity["reasons"].as_array().unwrap().iter();
    let kinds = reasons.map(|it| it["kind"].as_str().unwrap()).collect();
    (validity["verdict"].as_str().unwrap(), kinds)
}

fn run(words: &[&str]) -> Value {
    loadcore(&[&["run"], words, &["-o", "json"]].concat()).document()
}

/// A group of processes that may use a fifth of a processor; nothing where this machine does not let us
/// make one.
struct Quota(PathBuf);

impl Quota {
    fn new() -> Option<Self> {
        let name = format!("loadcore-verdict-{}", std::process::id());
        let old = ("/sys/fs/cgroup/cpu", &[("cpu.cfs_quota_us", "20000")]);
        let new = ("/sys/fs/cgroup", &[("cpu.max", "20000 100000")]);
        [old, new].into_iter().find_map(|(root, [(file, limit)])| {
            // In the second version the root has this file too, and in the first one it has not.
            let group = Path::new(root).join(&name);
            fs::create_dir(&group).ok()?;
            let group = Self(group);
            fs::write(group.0.join(file), limit).ok()?;
            Some(group)
        })
    }

    /// The binary as a member of the group.
    fn command(&self) -> Command {
        let mut shell = Command::new("sh");
        let script = "echo $$ >\"$0\"; exec \"$@\"";
        shell.args(["-c", script]).arg(self.0.join("cgroup.procs"));
        shell.arg(env!("CARGO_BIN_EXE_loadcore"));
        shell
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // Its process has ended; what could not be removed is empty and does nothing.
        let _ = fs::remove_dir(&self.0);
    }
}

/// A trouble, how a target gets it, and what at least so many requests come to then.
type Case = (&'static str, fn(&mut Config), &'static str, u64);

// A load that takes all of a processor: nothing else runs beside it.
mod alone {
    use super::*;

    #[test]
    fn one_thread_at_ten_times_what_it_can_do() {
        let target = target(Config::default());
        let url = target.url("/");
        let can = run(&[&url, "-c", "16", "-d", "1s", "--threads", "1"]);
        let rate = format!("{:.0}", 10.0 * can["achievedRps"].as_f64().unwrap());
        let document = run(&[&url, "-r", &rate, "-d", "2s", "--threads", "1", "--drain", "100ms"]);
        let (verdict, reasons) = judged(&document);
        assert_ne!(verdict, "VALID", "{document}");
        // Both are the same trouble: no time was left to be punctual in.
        let right = ["cpu_saturated", "pacer_late"];
        assert!(reasons.iter().any(|reason| right.contains(reason)), "{reasons:?}");
        assert!(!reasons.contains(&"stalled"), "a thread that is busy does not stand still");
        let arrivals = &document["arrivals"];
        let of = |key: &str| arrivals[key].as_u64().unwrap();
        assert_eq!(of("due"), of("sent") + of("dropped"), "{arrivals}");
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a test that did not run says so")]
    fn a_quota_that_stops_the_generator() {
        let Some(quota) = Quota::new() else {
            eprintln!("skipped: groups of processes with a quota are not allowed here");
            return;
        };
        let target = target(Config::default());
        let words = ["run", &target.url("/"), "-r", "40000", "-d", "3s", "-o", "json"];
        let document = Ran::of(quota.command().args(words).output().unwrap()).document();
        let (verdict, reasons) = judged(&document);
        assert_ne!(verdict, "VALID", "{document}");
        assert!(reasons.contains(&"cpu_throttled"), "{reasons:?}");
    }

    /// A machine that is busy with something else degrades a run as it should. Whether it was is seen from
    /// the same load on a target that has nothing.
    #[test]
    fn a_target_in_trouble_is_no_trouble_of_the_generator() {
        let of = |set: fn(&mut Config)| {
            let mut config = Config { latency: "2ms".parse().unwrap(), ..Config::default() };
            set(&mut config);
            config
        };
        let cases: [Case; 5] = [
            ("slow", |it| it.latency = "400ms".parse().unwrap(), "ok", 900),
            ("failing", |it| it.errors = "100%:503".parse().unwrap(), "failed", 900),
            ("stalling", |it| it.stalls = vec!["every=1s,for=500ms".parse().unwrap()], "ok", 900),
            ("overloaded", |it| it.service_rate = Some(100.0), "ok", 100),
            ("silent", |it| it.errors = "100%:hang".parse().unwrap(), "failed", 300),
        ];
        for (name, set, outcome, at_least) in cases {
            let healthy = target(of(|_| {}));
            let target = target(of(set));
            let load = |url: &str| run(&[url, "-r", "300", "-d", "3s", "-t", "1s"]);
            let mut strikes = 0;
            for attempt in 1.. {
                let document = load(&target.url("/"));
                let count = document["outcomes"][outcome].as_u64().unwrap();
                assert!(count >= at_least, "{name}: it has its trouble: {}", document["outcomes"]);
                if judged(&document) == ("VALID", vec![]) {
                    break;
                }
                let beside = load(&healthy.url("/"));
                strikes += u32::from(judged(&beside).0 == "VALID");
                assert!(strikes < 3 && attempt < 9, "{name}: {}", document["validity"]);
            }
        }
    }

    #[test]
    fn where_nobody_listens_the_generator_is_well() {
        let url = crate::support::closed_port().to_string();
        let ran = Ran::of(
            command().args(["run", &url, "-n", "20", "-c", "1", "-o", "json"]).output().unwrap(),
        );
        let document = ran.ended(96).document();
        assert_eq!(judged(&document), ("VALID", vec![]), "{document}");
        assert_eq!(document["errors"]["connect_refused"], 20);
    }
}
