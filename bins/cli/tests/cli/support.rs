//! Gathers what the tests share: the binary, a target, and a server that keeps what it was sent.

use loadcore_target::{Config, Target};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What takes this long will never come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The binary, in an environment that says nothing.
pub(crate) fn command() -> Command {
    quiet(Command::new(env!("CARGO_BIN_EXE_loadcore")))
}

/// The binary with a limit of `descriptors` open files, soft and hard.
pub(crate) fn limited(descriptors: u32) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_loadcore")]);
    quiet(shell)
}

fn quiet(mut command: Command) -> Command {
    for variable in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "NO_COLOR",
        "LOADCORE_TOKEN",
        "COLUMNS",
    ] {
        command.env_remove(variable).env_remove(variable.to_lowercase());
    }
    command.stdin(Stdio::null());
    command
}

pub(crate) fn loadcore(words: &[&str]) -> Ran {
    Ran::of(command().args(words).output().unwrap())
}

/// As [`loadcore`], with `text` on its standard input.
pub(crate) fn loadcore_reading(text: &str, words: &[&str]) -> Ran {
    let mut child = command()
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Less than a pipe holds: nobody needs to read it yet.
    match child.stdin.take().unwrap().write_all(text.as_bytes()) {
        // Whoever refuses its words ends without having read it.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written.unwrap(),
    }
    Ran::of(child.wait_with_output().unwrap())
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or_else(|| panic!("{:?}", output.status));
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// It ended with `code`.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The result document on standard output.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The same of a run against which nothing speaks: it ended with 0, or with 96 where nothing was ok.
    #[track_caller]
    pub(crate) fn reported(self) -> Value {
        let document = self.document();
        self.ended(if document["outcomes"]["ok"] == 0 { 96 } else { 0 });
        document
    }

    /// Everything on standard error, which has each of these parts in it.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not said: {self:#?}");
        }
    }
}

pub(crate) fn target(config: Config) -> Target {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Target::start(config)).expect("a free port on loopback")
}

/// A port on which nobody listens.
pub(crate) fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    #[expect(clippy::disallowed_methods, reason = "a deadline of the test's own")]
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        #[expect(clippy::disallowed_methods, reason = "a deadline of the test's own")]
        let now = Instant::now();
        assert!(now < deadline, "{what} did not happen");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Answers 200 to everything, and keeps each request as it came.
pub(crate) struct Recorder {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        // Both kinds of threads end with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream.unwrap(), &kept));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The one request that a run of `words` and `-n 1` sends to it: head and body.
    #[track_caller]
    pub(crate) fn request_of(&self, words: &[&str]) -> String {
        let address = self.address.to_string();
        loadcore(&[&["run", &address, "-n", "1", "-c", "1"], words].concat()).ended(0);
        self.last()
    }

    /// The one request that came since the last call.
    #[track_caller]
    pub(crate) fn last(&self) -> String {
        let mut requests = self.requests.lock().unwrap();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.remove(0)
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(end) = whole(&bytes) {
            let request = bytes.drain(..end).collect();
            kept.lock().unwrap().push(String::from_utf8(request).unwrap());
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    }
}

/// Where the first request in `bytes` ends, if it is all there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let end = head + length.map_or(0, |length| length.trim().parse().unwrap());
    (bytes.len() >= end).then_some(end)
}
