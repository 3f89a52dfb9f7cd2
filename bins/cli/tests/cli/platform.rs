//! Tests what the command says to a controller, and what it makes of one that misbehaves. The
//! server here answers by a script; the workspace's `tests/` use a real controller.

use crate::support::{Ran, closed_port, command, loadcore};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is answered to one request; `None` breaks the connection off.
type Answer = Option<(u16, Value)>;

/// A controller that gives each answer once and the last one again and again.
struct Script {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn start(answers: Vec<Answer>) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    fn on(listener: TcpListener, answers: Vec<Answer>) -> Self {
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        // It ends with the test's process.
        std::thread::spawn(move || {
            let last = answers.last().cloned().unwrap();
            let mut answers = answers.into_iter();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = request(&mut stream) else { continue };
                kept.lock().unwrap().push(request);
                let answer = answers.next().unwrap_or_else(|| last.clone());
                let Some((status, body)) = answer else { continue };
                let body = body.to_string();
                let length = body.len();
                let _ =
                    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
            }
        });
        Self { address, requests }
    }

    fn run(&self, words: &[&str]) -> Ran {
        let controller = format!("http://{}", self.address);
        loadcore(&[&["run", "a.test:1", "--controller", &controller], words].concat())
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A request with its body; `None` where the other side broke off.
fn request(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => bytes.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}

fn created() -> Answer {
    Some((201, json!({"id": "s", "scenarioId": "s", "runId": "r-1", "state": "QUEUED"})))
}

fn state(state: &str, warnings: &[&str]) -> Answer {
    Some((200, json!({"id": "r-1", "state": state, "warnings": warnings, "result": null})))
}

#[test]
fn the_whole_scenario_and_the_token_are_sent() {
    let script = Script::start(vec![created(), state("FAILED", &["no worker came"])]);
    let controller = format!("{}/", script.address);
    let ran = command()
        .args(["run", "a.test:1", "--controller", &controller, "-u", "me:pw", "--workers", "3"])
        .args(["-r", "5"])
        .env("LOADCORE_TOKEN", "s3cret")
        .output()
        .unwrap();
    let ran = Ran::of(ran).ended(1);
    ran.says(&["run r-1 on http://127.0.0.1", "warning: no worker came", "FAILED: no worker came"]);
    assert!(!ran.err.contains("s3cret"), "{ran:?}");

    let requests = script.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /api/v1/scenarios HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains(&format!("\r\nhost: {}\r\n", script.address)), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["targetUrl"], "http://a.test:1/");
    assert_eq!((&body["numWorkers"], &body["autoStart"]), (&json!(3), &json!(true)));
    assert_eq!(body["headers"]["Authorization"], "Basic bWU6cHc=", "it is not redacted there");
    assert!(requests[1].starts_with("GET /api/v1/runs/r-1 HTTP/1.1\r\n"), "{}", requests[1]);
    for request in &requests {
        assert!(request.contains("authorization: Bearer s3cret\r\n"), "{request}");
    }
}

#[test]
fn a_controller_that_is_away_for_a_while_is_asked_again() {
    let problem = json!({"type": "urn:loadcore:problem:not-ready", "detail": "the store is away"});
    let answers = vec![
        created(),
        state("RUNNING", &["one"]),
        None,
        Some((503, problem)),
        state("RUNNING", &["one", "two"]),
        state("FAILED", &["one", "two"]),
    ];
    let script = Script::start(answers);
    let ran = script.run(&[]).ended(1);
    ran.says(&["trying again for 60 s", "answers again", "warning: one", "warning: two"]);
    assert_eq!(ran.err.matches("warning: one").count(), 1, "{ran:?}");
    assert_eq!(ran.err.matches("trying again").count(), 1, "{ran:?}");
}

fn problem(kind: &str, more: Value) -> Answer {
    let mut problem = json!({"type": format!("urn:loadcore:problem:{kind}"), "detail": "not now"});
    more.as_object().unwrap().iter().for_each(|(name, value)| problem[name] = value.clone());
    Some((503, problem))
}

#[test]
fn a_controller_that_is_still_starting_is_asked_for_the_run_again() {
    let not_ready = problem("not-ready", json!({}));
    let answers =
        vec![not_ready.clone(), not_ready, created(), state("FAILED", &["no worker came"])];
    let script = Script::start(answers);
    let ran = script.run(&[]).ended(1);
    ran.says(&["answers 503: not now; trying again for 10 s", "FAILED: no worker came"]);
    assert_eq!(ran.err.matches("trying again").count(), 1, "{ran:?}");
    let asked: Vec<_> = script.requests().iter().map(|it| it[..5].to_owned()).collect();
    assert_eq!(asked[..4], ["POST ", "POST ", "POST ", "GET /"]);
}

#[test]
fn a_controller_that_listens_a_little_later_is_found() {
    let address = closed_port();
    let (told, when) = std::sync::mpsc::sync_channel(1);
    let later = std::thread::spawn(move || {
        when.recv().unwrap();
        let listener = TcpListener::bind(address).unwrap();
        Script::on(listener, vec![created(), state("FAILED", &["no worker came"])])
    });
    let mut asked = command();
    let url = format!("http://{address}");
    asked.args(["run", "a.test:1", "--controller", &url]).stderr(Stdio::piped());
    let mut child = asked.spawn().unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    while !said.contains("trying again for 10 s") {
        assert_ne!(lines.read_line(&mut said).unwrap(), 0, "{said}");
    }
    told.send(()).unwrap();
    lines.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(said.contains("FAILED: no worker came"), "{said}");
    assert_eq!(later.join().unwrap().requests().len(), 2);
}

#[test]
fn a_run_that_may_have_been_started_is_asked_for_under_the_same_key() {
    let answers =
        vec![None, Some((502, json!({"detail": "lost"}))), created(), state("FAILED", &["x"])];
    let script = Script::start(answers);
    script.run(&[]).ended(1).says(&["broke off", "trying again for 10 s", "FAILED: x"]);
    let key = |request: &String| {
        let head = request.to_lowercase();
        head.lines().find(|line| line.starts_with("idempotency-key: ")).map(str::to_owned)
    };
    let keys: Vec<_> = script.requests()[..3].iter().map(key).collect();
    assert!(keys[0].is_some() && keys.iter().all(|it| *it == keys[0]), "{keys:?}");
}

/// Runs against a controller that takes `slow` to answer the first call, interrupts it in that call,
/// and answers what it said.
fn interrupted_in_the_first_call(slow: Duration) -> (Ran, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let child = command()
        .args(["run", "a.test:1", "--controller", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut first, _) = listener.accept().unwrap();
    let mut requests = vec![request(&mut first).unwrap()];
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    std::thread::park_timeout(slow);
    let body = json!({"runId": "r-1"}).to_string();
    let _ = write!(first, "HTTP/1.1 201 X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    listener.set_nonblocking(true).unwrap();
    let ended = std::thread::spawn(move || Ran::of(child.wait_with_output().unwrap()));
    while !ended.is_finished() {
        if let Ok((mut stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            requests.extend(request(&mut stream));
            let _ = write!(stream, "HTTP/1.1 202 X\r\nContent-Length: 2\r\n\r\n{{}}");
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    (ended.join().unwrap(), requests)
}

#[test]
fn a_ctrl_c_in_the_first_call_stops_what_it_started() {
    let (ran, requests) = interrupted_in_the_first_call(Duration::from_millis(200));
    ran.ended(105).says(&["run r-1 on http://127.0.0.1", "was stopped"]);
    assert_eq!(requests.len(), 2);
    assert!(requests[1].starts_with("POST /api/v1/runs/r-1/stop "), "{}", requests[1]);
}

#[test]
fn a_ctrl_c_does_not_wait_for_a_controller_that_does_not_answer() {
    // Two seconds more are given; nobody answers within 40.
    let (ran, requests) = interrupted_in_the_first_call(Duration::from_secs(5));
    ran.ended(105).says(&["has not said whether it started the run"]);
    assert_eq!(requests.len(), 1);
}

#[test]
fn who_stands_by_is_left_for_who_leads() {
    let leader = Script::start(vec![created(), state("FAILED", &["no worker came"])]);
    let url = format!("http://{}", leader.address);
    let standby = Script::start(vec![problem("stands-by", json!({"leader": url}))]);
    let ran = standby.run(&["--token", "t0ken"]).ended(1);
    ran.says(&["FAILED: no worker came"]);
    assert_eq!(standby.requests().len(), 1);
    let asked = leader.requests();
    assert!(
        asked[0].starts_with("POST /api/v1/scenarios") && asked[1].starts_with("GET /api/v1/runs")
    );
    assert!(asked.iter().all(|it| it.contains("authorization: Bearer t0ken\r\n")), "{asked:?}");
    let host = format!("host: {}\r\n", leader.address);
    assert!(asked.iter().all(|it| it.to_lowercase().contains(&host)), "{asked:?}");
}

#[test]
fn what_is_waited_for_is_told_once() {
    let waits = |what: &str, seconds: f64| {
        let waiting =
            json!({"what": what, "until": "2026-01-01T00:00:00Z", "leftSeconds": seconds});
        Some((200, json!({"state": "QUEUED", "warnings": [], "waitingFor": waiting})))
    };
    let script = Script::start(vec![
        created(),
        waits("its workers (1 of 2 workers there; place 2 in the queue)", 599.1),
        waits("its workers (1 of 2 workers there; place 2 in the queue)", 598.1),
        waits("its workers (1 of 2 workers there; place 1 in the queue)", 597.1),
        state("FAILED", &["no worker came"]),
    ]);
    let ran = script.run(&[]).ended(1);
    let of = |place| {
        format!("waits for its workers (1 of 2 workers there; place {place} in the queue), ")
    };
    ran.says(&[&format!("{}600 s at most", of(2)), &format!("{}598 s at most", of(1))]);
    assert_eq!(ran.err.matches("waits for").count(), 2, "{ran:?}");
    let quiet = Script::start(vec![created(), waits("its workers", 9.0), state("FAILED", &["x"])]);
    assert!(!quiet.run(&["-q"]).ended(1).err.contains("waits for"));
}

#[test]
fn what_the_controller_refuses_is_told() {
    let faults =
        json!([{"path": "a", "message": "is wrong"}, {"path": "b.c", "message": "is too"}]);
    let invalid =
        json!({"type": "urn:loadcore:problem:invalid-scenario", "detail": "two", "faults": faults});
    let script = Script::start(vec![Some((422, invalid))]);
    script.run(&[]).ended(104).says(&["2 faults", "a: is wrong", "b.c: is too"]);

    let standing_by = json!({"type": "urn:loadcore:problem:stands-by", "detail": "ask another"});
    let script = Script::start(vec![Some((503, standing_by))]);
    script.run(&[]).ended(1).says(&[&format!("http://{}", script.address), "ask another"]);

    let script = Script::start(vec![Some((401, json!({"detail": "who are you"})))]);
    script.run(&[]).ended(1).says(&["who are you; give --token"]);

    let script = Script::start(vec![Some((200, json!("welcome")))]);
    script.run(&[]).ended(1).says(&["is it a loadcore controller?"]);

    let gone = json!({"type": "urn:loadcore:problem:not-found", "detail": "there is no run r-1"});
    let script = Script::start(vec![created(), Some((404, gone))]);
    script.run(&[]).ended(1).says(&["there is no run r-1"]);
}

#[test]
fn nobody_there_is_told_with_the_url() {
    let url = format!("http://{}", closed_port());
    let ran = loadcore(&["run", "a.test", "--controller", &url]).ended(1);
    ran.says(&[&format!("the controller at {url} cannot be reached: Connection refused")]);
}

/// Files are read here: a worker gets their texts, and no path of this machine.
#[test]
fn which_way_connections_go_is_sent_with_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let both = folder.path().join("both.pem");
    std::fs::write(&both, format!("{certificate}{}", key.serialize_pem())).unwrap();
    let both = both.to_str().unwrap();
    let refused = json!({"type": "about:blank", "title": "no", "status": 400, "detail": "no"});
    let script = Script::start(vec![Some((400, refused))]);
    script.run(&[
        "--threads",
        "2",
        "--slack",
        "0ms",
        "--proxy",
        "u:p@h:1",
        "--connect-to",
        "a:1:b:2",
        "--cacert",
        both,
        "--cert",
        both,
        "--key",
        both,
    ]);
    let sent = script.requests().remove(0);
    let body = sent.split_once("\r\n\r\n").unwrap().1;
    let document: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&document["threads"], &document["slackSeconds"]), (&json!(2), &json!(0)));
    assert_eq!(document["proxy"], "http://u:p@h:1/");
    assert_eq!(document["connectTo"], json!(["a:1:b:2"]));
    assert_eq!(document["caCertificate"], document["clientCertificate"]["certificate"]);
    assert!(!document["caCertificate"].to_string().contains("PRIVATE"));
    let text = document["clientCertificate"]["key"].as_str().unwrap();
    assert!(text.contains(&key.serialize_pem()), "{text}");
    assert!(!body.contains("both.pem"), "{body}");
}

#[test]
fn what_is_for_this_machine_alone_is_refused_by_name() {
    let words = ["run", "a.test", "--controller", "127.0.0.1:1", "--unix-socket", "/run/s"];
    loadcore(&words).ended(2).says(&["--unix-socket", "--controller"]);
    let secret = loadcore(&["run", "a.test", "--controller", "http://me:s3cret@h"]).ended(2);
    secret.says(&["--controller", "--token"]);
    assert!(!secret.err.contains("s3cret"));
    loadcore(&["run", "a.test", "--workers", "2"]).ended(2).says(&["--controller"]);
}

#[test]
fn a_token_in_the_environment_does_not_matter_without_a_controller() {
    let mut asked = command();
    asked.args(["run", &closed_port().to_string(), "-n", "1", "-q"]);
    let ran = Ran::of(asked.env("LOADCORE_TOKEN", "s3cret").output().unwrap()).ended(96);
    assert!(!ran.out.contains("s3cret"), "{ran:?}");
}
