//! Tests the program as people start it: its exit codes, what it says, what outlives it.

#[path = "program/alerts.rs"]
mod alerts;
#[path = "program/capacity.rs"]
mod capacity;
#[path = "program/flood.rs"]
mod flood;
#[path = "program/tls.rs"]
mod tls;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// What a loaded machine may take to start or end a process.
const PATIENCE: Duration = Duration::from_secs(60);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadcore-controller"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn ended(arguments: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = command(arguments).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stderr).unwrap())
}

/// What a program says, a line at a time.
fn lines(said: impl Read + Send + 'static) -> Receiver<String> {
    let (line, lines) = sync_channel(10_000);
    std::thread::spawn(move || {
        let mut said = BufReader::new(said).lines().map_while(Result::ok);
        said.try_for_each(|text| line.send(text))
    });
    lines
}

/// A controller on a free port, ended with the test.
struct Controller {
    child: Child,
    address: String,
    log: Receiver<String>,
    said: String,
}

impl Controller {
    fn start(data: &Path, more: &[&str]) -> Self {
        let data = data.to_str().unwrap();
        let arguments = [&["--listen", "127.0.0.1:0", "--data-dir", data], more].concat();
        Self::of(command(&arguments)).expect("it starts")
    }

    /// `None` where it says nothing and ends: where what was to start it cannot.
    fn of(mut command: Command) -> Option<Self> {
        let mut child = command.stderr(Stdio::piped()).spawn().ok()?;
        let log = lines(child.stderr.take().unwrap());
        let mut controller = Self { child, address: String::new(), log, said: String::new() };
        let line = controller.heard(" listens on http")?;
        controller.address = line.rsplit("://").next().unwrap().to_owned();
        Some(controller)
    }

    /// Waits for a line of the log with this text.
    fn says(&mut self, text: &str) -> String {
        let line = self.heard(text);
        line.unwrap_or_else(|| panic!("{text:?} was not said, but\n{}", self.said))
    }

    /// The same; `None` where it does not come.
    fn heard(&mut self, text: &str) -> Option<String> {
        loop {
            let line = self.log.recv_timeout(PATIENCE).ok()?;
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(text) {
                return Some(line);
            }
        }
    }

    /// Status and body.
    fn asked(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.asked_with("", method, path, body)
    }

    /// The same with more lines of the head, each ended by CRLF.
    fn asked_with(&self, lines: &str, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{lines}Content-Length: {length}\r\n\r\n{body}",
            self.address
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Sends SIGTERM and answers the exit code and the rest of the log.
    fn terminated(mut self) -> (Option<i32>, String) {
        let pid = Pid::from_raw(self.child.id() as i32).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        // The log ends with the process.
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        let code = self.child.wait().unwrap().code();
        (code, std::mem::take(&mut self.said))
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_address_that_others_reach_is_refused() {
    let (code, said) = ended(&["--listen", "0.0.0.0:0", "--data-dir", "/nowhere"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--allow-unauthenticated") && said.contains("0.0.0.0"), "{said}");
}

/// Status and body of what another listener of it answers.
fn asked_at(address: &str, head: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "{head}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Open to all, while the API stays on loopback: it says how the controller is, and nothing else.
#[test]
fn health_and_metrics_have_a_listener_of_their_own() {
    let data = tempfile::tempdir().unwrap();
    let more = ["--actuator-listen", "0.0.0.0:0"];
    let mut command = command(&["--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(data.path()).args(more);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut lines = stderr.lines().map_while(Result::ok);
    let mut port_of = |text: &str| {
        let line = lines.find(|line| line.contains(text)).expect("it is said");
        line.rsplit(':').next().unwrap().to_owned()
    };
    port_of("listens on http://");
    let address = format!("127.0.0.1:{}", port_of("health and metrics at http://0.0.0.0:"));
    port_of("the platform is ready");
    let get = |path: &str| {
        // A name that the API on loopback would refuse: Prometheus asks for one such.
        asked_at(&address, &format!("GET {path} HTTP/1.1\r\nHost: controller:9100"))
    };
    for path in ["/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness"] {
        let (status, body) = get(path);
        assert!(status == 200 && body.contains("\"UP\""), "{path}: {status} {body}");
    }
    assert_eq!(get("/actuator/info").0, 200);
    for path in ["/actuator/prometheus", "/metrics"] {
        assert!(get(path).1.contains("loadtest_ready 1\n"), "{path}");
    }
    for path in ["/", "/openapi.json", "/api/v1/scenarios", "/api/v1/workers"] {
        let (status, body) = get(path);
        assert!(status == 404 && body.contains("no-route"), "{path}: {status} {body}");
    }
    let asking = |listener: &str, address: &str| {
        let mut command = self::command(&["health"]);
        let output = command.env(listener, address).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let everywhere = address.replace("127.0.0.1", "0.0.0.0");
    assert_eq!(asking("LOADCORE_ACTUATOR_LISTEN", &everywhere), (Some(0), String::new()));
    let pid = Pid::from_raw(child.id() as i32).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let (code, said) = asking("LOADCORE_LISTEN", &address);
    assert!(code == Some(1) && said.contains("nothing answers on"), "{code:?} {said}");
}

#[test]
fn an_empty_variable_is_none() {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(&["--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(data.path());
    for name in ["CONFIG", "REDIS_URL", "MONGO_URL", "LOCAL_WORKERS", "LEASE", "DEMO", "KEEP_DAYS"]
    {
        command.env(format!("LOADCORE_{name}"), "");
    }
    Controller::of(command).expect("it starts").says("the platform is ready");
}

#[test]
fn the_first_line_for_people_is_the_pages_address() {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(&["--listen", "127.0.0.1:0", "--demo", "--data-dir"]);
    command.arg(data.path()).stdout(Stdio::piped());
    let mut controller = Controller::of(command).expect("it starts");
    let said = lines(controller.child.stdout.take().unwrap());
    let first = said.recv_timeout(PATIENCE).unwrap();
    assert_eq!(first, format!("Open http://{}/ in a browser", controller.address));
    let demo = said.recv_timeout(PATIENCE).unwrap();
    let shown = format!("which http://{}/ shows", controller.address);
    assert!(demo.starts_with("Demo: ") && demo.ends_with(&shown), "{demo}");
    let (status, page) = controller.asked("GET", "/", "");
    assert!(status == 200 && page.contains("<title>"), "{status} {page}");
    let (_, about) = controller.asked("GET", "/api/v1/about", "");
    assert!(about.contains("\"demo\":true"), "{about}");
    let (_, runs) = controller.asked("GET", "/api/v1/runs?tag=demo", "");
    assert!(runs.contains("\"Demo shop\""), "{runs}");
}

#[test]
fn a_port_that_is_taken_is_named_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for option in ["--listen", "--actuator-listen"] {
        let given = [option, &taken];
        let other = if option == "--listen" { &[][..] } else { &["--listen", "127.0.0.1:0"] };
        let (code, said) = ended(&[&["--data-dir", data], &given[..], other].concat());
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&taken) && said.contains("another program listens there"), "{said}");
    }
}

#[test]
fn wrong_usage_is_named() {
    for (arguments, told) in [
        (&["--listen", "nowhere"][..], "--listen nowhere"),
        (&["--local-workers", "x"], "--local-workers"),
        (&["--lease", "1s"], "--lease 1s"),
        (&["--evidence-wait", "2h"], "--evidence-wait 2h"),
        (&["--allow-targets", "10.0.0.0/99"], "10.0.0.0/99"),
        (&["--redis", "http://ann:geheim@h"], "--redis: the redis url http://ann:***@h"),
        (&["--mongo", "nonsense://h"], "--mongo nonsense://h"),
        (&["--allow-hosts", "http://a"], "--allow-hosts http://a"),
        (&["--config", "/nowhere/at-all.yaml"], "/nowhere/at-all.yaml"),
        (&["--what"], "--what"),
    ] {
        let arguments = [&["--data-dir", "/nowhere"], arguments].concat();
        let (code, said) = ended(&arguments);
        assert!(code == 2 && said.contains(told), "{arguments:?}: {code} {said}");
    }
}

#[test]
fn what_the_environment_says_counts_too() {
    for (variable, value, told) in [
        ("LOADCORE_LEASE", "1s", "--lease 1s"),
        ("LOADCORE_EVIDENCE_WAIT", "2h", "--evidence-wait 2h"),
        ("LOADCORE_STANDBY_READY", "maybe", "maybe"),
    ] {
        let asked = command(&["--data-dir", "/nowhere"]).env(variable, value).output().unwrap();
        let said = String::from_utf8(asked.stderr).unwrap();
        assert!(asked.status.code() == Some(2) && said.contains(told), "{variable}: {said}");
    }
}

#[test]
fn a_directory_that_cannot_be_used_ends_it() {
    let (code, said) = ended(&["--listen", "127.0.0.1:0", "--data-dir", "/dev/null/x"]);
    assert!(code == 1 && said.contains("/dev/null/x"), "{code} {said}");
    assert!(!said.contains("listens on"), "{said}");
}

#[test]
fn wrong_variables_are_named_before_it_listens() {
    for (name, value) in [("LOADCORE_SECRET_KEY", "short"), ("LOADCORE_LOG", "loud")] {
        let data = tempfile::tempdir().unwrap();
        let data = data.path().to_str().unwrap();
        let mut command = command(&["--listen", "127.0.0.1:0", "--data-dir", data]);
        let output = command.env(name, value).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(name), "{said}");
        assert!(!said.contains("listens on"), "{said}");
    }
}

#[test]
fn a_directory_that_another_uses_is_told_before_it_listens() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Controller::start(data.path(), &[]);
    first.says("the platform is ready");
    let path = data.path().to_str().unwrap();
    let (code, said) = ended(&["--listen", "127.0.0.1:0", "--data-dir", path]);
    assert!(code == 1 && said.contains("another process"), "{code} {said}");
    assert!(!said.contains("listens on"), "{said}");
}

#[test]
fn what_is_kept_outlives_the_program() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Controller::start(data.path(), &[]);
    first.says("the platform is ready");
    let scenario = r#"{"name": "kept", "targetUrl": "http://127.0.0.1:9/", "durationSeconds": 1, "autoStart": false}"#;
    let (status, body) = first.asked("POST", "/api/v1/scenarios", scenario);
    assert_eq!(status, 201, "{body}");
    let (code, said) = first.terminated();
    assert_eq!(code, Some(0), "{said}");

    let mut second = Controller::start(data.path(), &[]);
    second.says("the platform is ready");
    let (status, body) = second.asked("GET", "/api/v1/scenarios", "");
    assert!(status == 200 && body.contains("\"kept\""), "{status} {body}");
}

#[test]
fn a_key_outlives_the_program() {
    let data = tempfile::tempdir().unwrap();
    let body = r#"{"name": "kept", "targetUrl": "http://127.0.0.1:9/", "durationSeconds": 1, "autoStart": false}"#;
    let post = |controller: &Controller, body: &str| {
        controller.asked_with("Idempotency-Key: k-1\r\n", "POST", "/api/v1/scenarios", body)
    };
    let mut first = Controller::start(data.path(), &[]);
    first.says("the platform is ready");
    let (status, made) = post(&first, body);
    assert_eq!(status, 201, "{made}");
    drop(first);

    let mut second = Controller::start(data.path(), &[]);
    second.says("the platform is ready");
    assert_eq!(post(&second, body), (201, made));
    let (status, problem) = post(&second, &body.replace("kept", "other"));
    assert!(status == 422 && problem.contains("key-reused"), "{status} {problem}");
    let (_, list) = second.asked("GET", "/api/v1/scenarios", "");
    assert_eq!(list.matches("\"revision\"").count(), 1, "{list}");
}

#[test]
fn the_platforms_key_follows_from_its_secret_one() {
    let data = tempfile::tempdir().unwrap();
    let key = |secret: Option<&str>| {
        let mut command = command(&["key", "--data-dir"]);
        command.arg(data.path());
        secret.map(|secret| command.env("LOADCORE_SECRET_KEY", secret));
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    };
    let of_file = key(None);
    assert!(of_file.0 == Some(0) && of_file.1.trim().len() == 43, "{of_file:?}");
    assert_eq!(key(None), of_file, "the key file is made once");
    let known = "W16t-DGndQRx6Db8k1JoBD55DqKdT6KcM-sqIxpT-iM\n";
    assert_eq!(key(Some("0123456789abcdef")), (Some(0), known.to_owned()));
    let (code, said) = key(Some("short"));
    assert!(code == Some(2) && said.contains("LOADCORE_SECRET_KEY"), "{said}");
}

/// Asks until it is so.
async fn until(is_so: impl Fn() -> bool) {
    let asks = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asks).await.expect("it becomes so in time");
}

/// Workers in the program's own process end with it: what they sent is counted all the same, and the
/// rest of the run is made by the next program.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_its_middle_outlives_the_program_with_every_count() {
    let target = loadcore_target::Target::start(loadcore_target::Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut first = Controller::start(data.path(), &[]);
    first.says("the platform is ready");
    let scenario = json!({
        "name": "in its middle", "targetUrl": target.url("/"), "durationSeconds": 16, "numWorkers": 2,
        "loadProfile": {"type": "CONSTANT", "initialRps": 100},
    });
    let (status, body) = first.asked("POST", "/api/v1/scenarios", &scenario.to_string());
    assert_eq!(status, 201, "{body}");
    let run = serde_json::from_str::<Value>(&body).unwrap()["runId"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/runs/{run}");
    let shown = |it: &Controller, path: &str| -> Value {
        let (status, body) = it.asked("GET", path, "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    let realtime = format!("{path}/stats/realtime");
    until(|| shown(&first, &realtime)["untilSecond"].as_f64() >= Some(3.0)).await;
    let (code, said) = first.terminated();
    assert_eq!(code, Some(0), "{said}");
    let before = target.stats().requests;

    let mut second = Controller::start(data.path(), &[]);
    second.says("the platform is ready");
    until(|| !shown(&second, &path)["endedAt"].is_null()).await;
    let shown = shown(&second, &path);
    let (result, counted) = (&shown["result"], target.stats().requests);
    let arrivals = &result["arrivals"];
    assert_eq!(
        (&shown["state"], &result["complete"]),
        (&json!("COMPLETED"), &json!(true)),
        "{shown}"
    );
    assert_eq!(arrivals["sent"], counted, "{arrivals}");
    assert_eq!((&arrivals["due"], &arrivals["unknown"]), (&json!(1600), &json!(0)), "{arrivals}");
    assert!(counted > before, "the second one's workers made the rest: {arrivals}");
}

#[test]
fn without_redis_it_waits_and_says_so_without_the_password() {
    let data = tempfile::tempdir().unwrap();
    let url = "redis://ann:geheim-4711@127.0.0.1:1/0";
    let mut controller = Controller::start(data.path(), &["--redis", url]);
    controller.says("trying again");
    let (status, body) = controller.asked("GET", "/actuator/health/readiness", "");
    assert!(status == 503 && body.contains("127.0.0.1:1"), "{status} {body}");
    assert!(!body.contains("geheim"), "{body}");
    assert_eq!(controller.asked("GET", "/actuator/health/liveness", "").0, 200);
    let (status, body) = controller.asked("GET", "/api/v1/scenarios", "");
    assert!(status == 503 && body.contains("not-ready"), "{status} {body}");
    let (code, said) = controller.terminated();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("geheim"), "{said}");
}

/// A disk that is full is named in the log, and what waited is kept once there is room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_in_the_log() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    // A disk of its own, of 4 MB, which nobody else sees.
    let mount = r#"mount -t tmpfs -o size=4m none "$0" && exec "$@""#;
    let program = env!("CARGO_BIN_EXE_loadcore-controller");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", mount, path, program]);
    command.args(["--listen", "127.0.0.1:0", "--data-dir", path]).stdin(Stdio::null());
    let Some(mut controller) = Controller::of(command) else {
        return skipped("a file system cannot be mounted here");
    };
    controller.says("the platform is ready");
    // Seen from here, through the process that has it.
    let filler = format!("/proc/{}/root{path}/filler", controller.child.id());
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}

    let scenario = |at: u32| {
        let notes = "x".repeat(50_000);
        json!({"name": format!("s{at}"), "targetUrl": "http://127.0.0.1:9/", "durationSeconds": 1,
            "autoStart": false, "notes": notes})
        .to_string()
    };
    let kept = |at| controller.asked("POST", "/api/v1/scenarios", &scenario(at));
    // What is free within its file is used first.
    let refused = (0..200).map(kept).find(|(status, _)| *status != 201);
    let (status, body) = refused.expect("the disk is full");
    assert!(status == 503 && body.contains("No space left"), "{status} {body}");
    let line = controller.says("cannot be written");
    assert!(line.contains("No space left on device") && line.contains(path), "{line}");
    // A file that is open keeps its place.
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    until(|| controller.asked("POST", "/api/v1/scenarios", &scenario(0)).0 == 201).await;
    controller.says("is written again");
    let told = controller.said.matches("cannot be written").count();
    assert_eq!(told, 1, "it is told once: {}", controller.said);
}

#[expect(
    clippy::print_stderr,
    reason = "whoever reads the tests' output is told what was not tested"
)]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
