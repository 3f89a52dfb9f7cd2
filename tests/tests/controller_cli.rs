//! Tests the command `loadcore` against a platform: both programs as people start them, a target
//! that counts, and what is said, written and answered in the end.

use loadcore_target::{Config, Target};
use loadcore_test_support::process::free_port;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// What a loaded machine may take to start a process.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program of this workspace, from the folder in which this test was built.
fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build_what_is_missing).join(name)
}

fn build_what_is_missing() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).expect("the folder above deps").to_owned();
    if ["loadcore", "loadcore-controller"].iter().all(|name| folder.join(name).is_file()) {
        return folder;
    }
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let arguments = ["build", "--locked", "--bins", "--profile", profile];
    let packages = ["-p", "loadcore-cli", "-p", "loadcore-controller"];
    let built = Command::new(env!("CARGO")).args(arguments).args(packages).status().unwrap();
    assert!(built.success(), "the programs cannot be built");
    folder
}

/// A controller on a free port with workers inside, ended with the test.
struct Controller {
    child: Child,
    url: String,
    _data: tempfile::TempDir,
}

impl Controller {
    fn start(more: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(program("loadcore-controller"))
            .args(["--listen", "127.0.0.1:0", "--data-dir", data.path().to_str().unwrap()])
            .args(more)
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let mut controller = Self { child, url: String::new(), _data: data };
        let (line, lines) = sync_channel(1_000);
        // It reads to the end, so that the controller never waits for room in the pipe.
        std::thread::spawn(move || {
            for text in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = line.try_send(text);
            }
        });
        let mut said = String::new();
        while !said.contains("the platform is ready") {
            match lines.recv_timeout(PATIENCE) {
                Ok(text) => said.push_str(&format!("{text}\n")),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("the controller is not ready, but says\n{said}")
                }
            }
        }
        let url = said.split("listens on ").nth(1).and_then(|rest| rest.split_whitespace().next());
        controller.url = url.expect("its address").to_owned();
        controller
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn target() -> Target {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Target::start(Config::default())).expect("a free port on loopback")
}

/// `loadcore run` on the platform at a URL, with these words.
fn command(url: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program("loadcore"));
    command.args(["run", "--controller", url]).args(words).env_clear().stdin(Stdio::null());
    command
}

#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    fn says(self, part: &str) -> Self {
        assert!(self.err.contains(part), "{part:?} is not said: {self:#?}");
        self
    }
}

fn ran(url: &str, words: &[&str]) -> Ran {
    Ran::of(command(url, words).output().unwrap())
}

#[test]
fn a_run_is_reported_as_on_this_machine() {
    let (controller, target) = (Controller::start(&[]), target());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let outputs = ["json", "csv", "hgrm", "hlog"].map(|kind| format!("{kind}={}", file(kind)));
    let mut words = vec![target.url("/"), "-o".into(), "text".into()];
    words.extend(outputs.into_iter().flat_map(|output| ["-o".into(), output]));
    let load = ["-r", "100", "-d", "3s", "--workers", "2", "--sla", "error_rate<1%"];
    words.extend(load.map(Into::into));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = ran(&controller.url, &words).ended(0).says("run ");

    let sent = target.stats().requests;
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    let result: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(sent, 300, "{result:#}");
    assert_eq!(result["arrivals"]["sent"], sent);
    assert_eq!(result["outcomes"]["ok"], sent);
    assert_eq!((&result["complete"], &result["interrupted"]), (&json!(true), &json!(false)));
    assert_eq!(result["environment"]["workers"], 2);
    assert_eq!(result["scenario"]["numWorkers"], 2);
    assert_eq!(result["sla"][0]["passed"], true);
    assert!(ran.out.contains("Verdict") && ran.out.contains("sent 300"), "{}", ran.out);
    let columns = |line: &str| line.split(',').nth(2).unwrap().parse::<u64>().unwrap();
    assert_eq!(read("csv").lines().skip(1).map(columns).sum::<u64>(), sent);
    assert!(read("hgrm").contains("Total count    =          300]"), "{}", read("hgrm"));
    let log = read("hlog");
    assert!(log.starts_with("#[Logged by loadcore"), "{log}");
    assert!(log.lines().filter(|line| line.contains("HISTFAAA")).count() >= 3, "{log}");
}

/// Answers one request, and gives back what came.
fn one_request(listener: &TcpListener) -> String {
    use std::io::{Read, Write};
    let (mut stream, _) = listener.accept().unwrap();
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    // A form ends so.
    while !bytes.ends_with(b"--\r\n") && stream.read(&mut byte).unwrap() == 1 {
        bytes.push(byte[0]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn short_forms_are_sent_by_a_platforms_workers_too() {
    let controller = Controller::start(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || one_request(&listener));
    let words = [
        &*address,
        "-n",
        "1",
        "-c",
        "1",
        "--host",
        "other.test",
        "--cookie",
        "id=s3cret",
        "--compressed",
        "-F",
        "a=1",
        "-4",
        "-L",
        "-o",
        "json",
    ];
    let ran = ran(&controller.url, &words).ended(0);
    let request = server.join().unwrap().to_lowercase();
    for line in [
        "post / http/1.1",
        "host: other.test",
        "cookie: id=s3cret",
        "accept-encoding: gzip, br, zstd",
    ] {
        assert!(request.lines().any(|found| found == line), "{line} is not in {request}");
    }
    assert!(request.contains("name=\"a\"\r\n\r\n1\r\n"), "{request}");
    assert!(!ran.out.contains("s3cret"), "{}", ran.out);
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(result["scenario"]["addressFamily"], "ipv4");
    assert_eq!(result["scenario"]["followRedirects"], 10);
}

#[test]
fn fewer_workers_than_wanted_is_told_and_a_rule_that_is_violated_is_99() {
    let (controller, target) = (Controller::start(&["--local-workers", "1"]), target());
    let scenario = json!({
        "name": "two", "targetUrl": target.url("/"), "durationSeconds": 1, "numWorkers": 2,
        "workerWaitSeconds": 0.5, "autoStart": false,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50}, "sla": ["rps>=1000000"]
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.json");
    std::fs::write(&file, scenario.to_string()).unwrap();
    let ran = ran(&controller.url, &[file.to_str().unwrap(), "-q", "-o", "json"]).ended(99);
    let ran = ran.says("warning: 1 of 2 workers came");
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(result["arrivals"]["sent"], 50);
    assert_eq!(result["sla"][0]["passed"], false);
}

#[test]
fn what_nobody_answered_is_judged_as_on_this_machine() {
    let controller = Controller::start(&[]);
    let closed = format!("127.0.0.1:{}", free_port());
    let target = format!("http://{closed}/");
    let rules = ["rps>=10", "p99<50s", "share{5xx}<1%"].map(|rule| ["--sla", rule]).concat();
    let load = [&target, "-r", "50", "-d", "2s", "--workers", "2", "-o", "json"];
    let run = |rules: &[&str]| ran(&controller.url, &[&load[..], rules].concat());
    let result: Value = serde_json::from_str(&run(&rules).ended(96).out).unwrap();
    let because = "it rests on failures alone: all 100 requests behind it failed";
    for (place, reason) in [(0, json!(because)), (1, json!(because)), (2, Value::Null)] {
        assert_eq!(
            (&result["sla"][place]["passed"], &result["sla"][place]["reason"]),
            (&json!(true), &reason)
        );
    }
    assert_eq!(result["okLatency"]["p50Ms"], Value::Null);
    let window = json!({
        "name": "windows", "targetUrl": target, "durationSeconds": 30, "numWorkers": 2,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50},
        "sla": ["ok_rps>=10", {"rule": "ok_p99<1s", "windowSeconds": 1, "abort": true}]
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("windows.json");
    std::fs::write(&file, window.to_string()).unwrap();
    let ran = ran(&controller.url, &[file.to_str().unwrap(), "-o", "json"]).ended(99);
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&result["sla"][0]["actual"], &result["sla"][0]["passed"]),
        (&json!(0.0), &json!(false))
    );
    assert_eq!(
        (&result["sla"][1]["actual"], &result["sla"][1]["aborted"]),
        (&Value::Null, &json!(true))
    );
    assert!(result["durationSeconds"].as_f64() < Some(30.0));
}

#[test]
fn a_run_that_finds_the_workers_busy_waits_for_its_turn_and_says_so() {
    let (controller, target) = (Controller::start(&["--local-workers", "1"]), target());
    let url = target.url("/");
    let first = command(&controller.url, &[&url, "-r", "50", "-d", "8s", "-q"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut tries = 0;
    while target.stats().requests < 10 {
        tries += 1;
        assert!(tries < 1_200, "no load within a minute");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let ran = ran(&controller.url, &[&url, "-r", "50", "-d", "1s", "-o", "json"]).ended(0);
    let ran = ran.says("waits for its workers (0 of 1 workers there; place 1 in the queue), ");
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&result["arrivals"]["sent"], &result["complete"]), (&json!(50), &json!(true)));
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
fn both_lines_of_the_readme_work_when_pasted_in_one_go() {
    let free = format!("127.0.0.1:{}", free_port());
    let (target, data) = (target(), tempfile::tempdir().unwrap());
    let scenario = data.path().join("rush.yaml");
    let url = target.url("/");
    std::fs::write(&scenario, format!("name: rush\ntargetUrl: {url}\ndurationSeconds: 1\n"))
        .unwrap();
    let script = "\"$0\" --listen $2 --data-dir $3 &\n\
                  \"$1\" run $4 --controller http://$2 --workers 2; code=$?; kill $!; exit $code";
    let programs = [program("loadcore-controller"), program("loadcore")];
    let pasted = Command::new("sh")
        .args(["-c", script])
        .args(&programs)
        .args([&free, data.path().to_str().unwrap(), scenario.to_str().unwrap()])
        .env_clear()
        .stdin(Stdio::null())
        .output();
    let ran = Ran::of(pasted.unwrap()).ended(0);
    assert!(ran.out.contains("Verdict"), "{ran:#?}");
}

#[test]
fn ctrl_c_stops_the_run_on_the_platform_and_the_report_is_written() {
    let (controller, target) = (Controller::start(&[]), target());
    let words = [&target.url("/"), "-r", "50", "-d", "600s", "-o", "json"];
    let child = command(&controller.url, &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut tries = 0;
    while target.stats().requests < 60 {
        tries += 1;
        assert!(tries < 1_200, "no load within a minute");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).ended(105);
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&result["complete"], &result["interrupted"]), (&json!(true), &json!(true)));
    // Whatever was sent was counted there and here: nothing is on its way any more.
    assert_eq!(result["arrivals"]["sent"], target.stats().requests);
    assert!(result["durationSeconds"].as_f64() < Some(600.0));
}

#[test]
fn what_the_platform_refuses_has_its_code() {
    let controller = Controller::start(&["--allow-targets", "127.0.0.2/32"]);
    // Only a platform knows that a socket on this machine is of no use to it.
    let ran = ran(&controller.url, &["unix:/run/app.sock:/"]).ended(104);
    ran.says("targetUrl: a Unix socket");
    self::ran(&controller.url, &["http://127.0.0.1:1/"]).ended(109).says("refused by policy");
    self::ran(&controller.url, &["http://169.254.169.254/"]).ended(109).says("169.254.169.254");
    // The command's own judgement comes first: nothing is sent.
    self::ran(&controller.url, &["127.0.0.1:1", "--workers", "0"]).ended(104).says("--workers");
}

#[test]
fn a_platform_without_workers_makes_no_run() {
    let controller = Controller::start(&["--local-workers", "0"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.yaml");
    let text =
        "name: none\ntargetUrl: http://127.0.0.1:1/\ndurationSeconds: 1\nworkerWaitSeconds: 0.5\n";
    std::fs::write(&file, text).unwrap();
    let ran = ran(&controller.url, &[file.to_str().unwrap()]).ended(1);
    assert_eq!(ran.out, "");
    ran.says("FAILED: no worker came");
}

#[test]
fn a_platform_that_is_not_there_is_named() {
    let closed = format!("127.0.0.1:{}", free_port());
    let url = format!("http://{closed}");
    ran(&url, &["127.0.0.1:1"])
        .ended(1)
        .says(&format!("the controller at {url} cannot be reached"));
}
