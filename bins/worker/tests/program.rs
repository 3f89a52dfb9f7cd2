//! Tests the program as people start it: its exit codes and what it says.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// What a loaded machine may take to start or end a process.
const PATIENCE: Duration = Duration::from_secs(60);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadcore-worker"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// Ended with the test.
struct Worker {
    child: Child,
    log: Receiver<String>,
    said: String,
}

impl Worker {
    fn start(arguments: &[&str]) -> Self {
        Self::of(&mut command(arguments))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (line, log) = sync_channel(10_000);
        std::thread::spawn(move || {
            BufReader::new(stderr)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|text| line.send(text))
        });
        Self { child, log, said: String::new() }
    }

    fn says(&mut self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{text:?} was not said, but\n{}", self.said));
            self.said.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn asked(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_the_environment_says_counts_too() {
    let asked = command(&["--redis", "redis://h"]).env("LOADCORE_HANDOVER", "2h").output().unwrap();
    let said = String::from_utf8(asked.stderr).unwrap();
    assert!(asked.status.code() == Some(2) && said.contains("at most 3600s"), "{said}");
}

/// Compose fills in what nobody has set.
#[test]
fn an_empty_variable_is_none() {
    let mut command = command(&["--redis", "redis://127.0.0.1:1"]);
    for name in ["ALLOW_TARGETS", "THREADS", "HANDOVER", "SLACK", "MAX_RPS", "LISTEN", "LOG"] {
        command.env(format!("LOADCORE_{name}"), "");
    }
    let mut worker = Worker::of(command.env("LOADCORE_ACTUATOR_LISTEN", "127.0.0.1:0"));
    worker.says("health and metrics at");
    worker.says("trying again");
    let none = self::command(&[]).env("LOADCORE_REDIS_URL", "").output().unwrap();
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(none.status.code() == Some(2) && said.contains("--redis"), "{said}");
}

#[test]
fn wrong_usage_is_named() {
    for (arguments, told) in [
        (&[][..], "--redis"),
        (&["--redis", "redis://h", "--threads", "0"], "--threads"),
        (&["--redis", "redis://h", "--what"], "--what"),
        (&["--redis", "http://ann:geheim-4711@h"], "the redis url http://ann:***@h cannot be used"),
    ] {
        let output = command(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(told), "{arguments:?}: {said}");
    }
}

#[test]
fn without_redis_it_waits_says_so_without_the_password_and_ends_when_it_is_told() {
    let url = "redis://ann:geheim-4711@127.0.0.1:1/0";
    let mut worker = Worker::start(&["--redis", url, "--listen", "127.0.0.1:0"]);
    let line = worker.says("health and metrics at http://");
    let address = line.rsplit("http://").next().unwrap().to_owned();
    worker.says("trying again");
    let health = asked(&address, "/actuator/health");
    assert!(health.starts_with("HTTP/1.1 503") && health.contains("127.0.0.1:1"), "{health}");
    assert!(asked(&address, "/actuator/health/liveness").starts_with("HTTP/1.1 200"));
    assert!(asked(&address, "/metrics").contains("loadtest_worker_ready 0"));
    kill_process(Pid::from_raw(worker.child.id() as i32).unwrap(), Signal::TERM).unwrap();
    // The log ends with the process.
    while let Ok(line) = worker.log.recv_timeout(PATIENCE) {
        worker.said.push_str(&line);
    }
    assert_eq!(worker.child.wait().unwrap().code(), Some(0), "{}", worker.said);
    assert!(!worker.said.contains("geheim") && !health.contains("geheim"), "{}", worker.said);
}

/// What `loadcore-worker health` says and ends with, where the worker is to be found so.
fn health(address: &str, probe: &[&str]) -> (Option<i32>, String) {
    let mut command = command(&[&["health"], probe].concat());
    let output = command.env("LOADCORE_ACTUATOR_LISTEN", address).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn it_asks_itself_whether_it_is_well() {
    let arguments = ["--redis", "redis://127.0.0.1:1", "--actuator-listen", "127.0.0.1:0"];
    let mut worker = Worker::start(&arguments);
    let line = worker.says("health and metrics at http://");
    let address = line.rsplit("http://").next().unwrap().to_owned();
    worker.says("trying again");
    assert_eq!(health(&address, &["liveness"]), (Some(0), String::new()));
    for probe in [&[][..], &["readiness"]] {
        let (code, said) = health(&address, probe);
        assert!(
            code == Some(1) && said.contains("Redis at redis://127.0.0.1:1"),
            "{code:?} {said}"
        );
    }
    drop(worker);
    let (code, said) = health(&address, &["liveness"]);
    assert!(code == Some(1) && said.contains("nothing answers on"), "{code:?} {said}");
}

#[test]
fn a_log_that_nobody_would_see_is_refused() {
    let output = command(&["--redis", "redis://h"]).env("LOADCORE_LOG", "loud").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("\"loud\""), "{said}");
}

/// A `redis-server` of the test's own, ended with it.
struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    fn start(port: u16) -> Self {
        let port_text = port.to_string();
        let arguments = ["--port", &port_text, "--bind", "127.0.0.1", "--save", ""];
        let child = Command::new("redis-server").args(arguments).stdout(Stdio::null()).spawn();
        Self { port, child: child.expect("redis-server (Debian: apt-get install redis-server)") }
    }

    fn end(mut self) -> u16 {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.port
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn an_outage_is_told_once_and_so_is_its_end() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let redis = Redis::start(free);
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let mut worker = Worker::start(&["--redis", &url, "--listen", "127.0.0.1:0"]);
    let line = worker.says("health and metrics at http://");
    let address = line.rsplit("http://").next().unwrap().to_owned();
    let is = async |wanted: &str| {
        let comes = async {
            while !asked(&address, "/actuator/health").starts_with(wanted) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, comes).await;
        assert!(came.is_ok(), "the health does not become {wanted}");
    };
    worker.says("takes tasks");
    is("HTTP/1.1 200").await;
    assert_eq!(health(&address, &[]), (Some(0), String::new()));
    worker.said.clear();
    let port = redis.end();
    worker.says("what it measures waits");
    is("HTTP/1.1 503").await;
    // Several beats go by, of which nobody needs to hear.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let _redis = Redis::start(port);
    worker.says("answers again");
    is("HTTP/1.1 200").await;
    assert_eq!(worker.said.matches(" WARN ").count(), 1, "{}", worker.said);
}
