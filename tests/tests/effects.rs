//! Tests that every key of a scenario changes something: a list of all of them, each with what is
//! different when it is given. A key that is missing from the list fails the test, so whoever adds
//! one says here what it does.

use loadcore::LoadTest;
use loadcore::scenario::Scenario;
use loadcore_target::{Config, Target, Tls};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// Where the difference is seen.
#[derive(Clone, Copy)]
enum Seen {
    /// In the result, at this place.
    At(&'static str),
    /// In how many requests the target counts.
    Counted,
    /// In the request that a server gets.
    InTheRequest,
    /// By a test of its own, in this file of the workspace, with this word.
    By(&'static str, &'static str),
}

use Seen::{At, By, Counted, InTheRequest};

/// A key with a value, the rest of a scenario in which it changes something, and where that is seen.
type Effect = (&'static str, Value, Value, Seen);

fn all() -> Vec<Effect> {
    let rate = |rate: u64| json!({"type": "CONSTANT", "initialRps": rate});
    let open = |seconds: f64, more: Value| {
        let mut fields = json!({"durationSeconds": seconds, "loadProfile": rate(400)});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    let nothing = || json!({});
    let one = || json!({"maxRequests": 1, "connections": 1});
    let hangs = json!({"targetUrl": "?latency=5s", "drainSeconds": 0.1, "connections": 1,
        "durationSeconds": 0.2, "loadProfile": rate(50)});
    let dialling = |word| By("bins/cli/tests/cli/dialling.rs", word);
    let platform = |word| By("tests/tests/distributed/runs.rs", word);
    vec![
        ("name", json!("another"), one(), At("/scenario/name")),
        ("targetUrl", json!("status/404"), one(), At("/statusCodeDistribution")),
        ("method", json!("PUT"), one(), InTheRequest),
        ("headers", json!({"x-a": "1"}), one(), InTheRequest),
        ("body", json!("one"), json!({"maxRequests": 1, "method": "PUT"}), InTheRequest),
        ("durationSeconds", json!(0.5), open(0.25, nothing()), At("/arrivals/due")),
        ("warmupSeconds", json!(0.25), open(0.25, nothing()), Counted),
        ("numWorkers", json!(1), nothing(), platform("\"numWorkers\"")),
        (
            "workerWaitSeconds",
            json!(1),
            nothing(),
            By("tests/tests/platform.rs", "workerWaitSeconds"),
        ),
        ("addressFamily", json!("ipv6"), nothing(), By("bins/cli/tests/cli/dialling.rs", "-6")),
        ("proxy", json!("http://h"), nothing(), dialling("--proxy")),
        ("connectTo", json!(["a:1:b:2"]), nothing(), dialling("--connect-to")),
        ("unixSocket", json!("/s"), nothing(), dialling("--unix-socket")),
        ("caCertificate", json!("a.pem"), nothing(), dialling("caCertificate")),
        (
            "clientCertificate",
            json!({}),
            nothing(),
            By("loadcore/tests/again.rs", "client_certificate"),
        ),
        ("slackSeconds", json!(0.005), open(0.25, nothing()), At("/generator/slackMs")),
        ("threads", json!(2), open(0.25, nothing()), At("/environment/threads")),
        ("host", json!("other.test"), json!({"maxRequests": 1}), InTheRequest),
        ("compressed", json!(true), json!({"maxRequests": 1}), InTheRequest),
        ("cookies", json!({"a": "b"}), json!({"maxRequests": 1}), InTheRequest),
        (
            "form",
            json!([{"name": "a", "value": "b"}]),
            json!({"maxRequests": 1, "method": "PUT"}),
            InTheRequest,
        ),
        (
            "queueSeconds",
            json!(1),
            nothing(),
            By("loadcore/src/cluster/simulation/queue.rs", "queueSeconds"),
        ),
        (
            "onWorkerLoss",
            json!("fail"),
            nothing(),
            By("loadcore/src/cluster/simulation/faults.rs", "onWorkerLoss"),
        ),
        ("loadProfile", rate(100), open(0.25, nothing()), At("/arrivals/due")),
        ("arrivals", json!("POISSON"), open(0.5, json!({"seed": 1})), At("/arrivals/due")),
        (
            "seed",
            json!(2),
            open(0.5, json!({"seed": 1, "arrivals": "POISSON"})),
            At("/arrivals/due"),
        ),
        ("maxRequests", json!(3), open(0.25, nothing()), At("/arrivals/due")),
        (
            "connections",
            json!(1),
            json!({"targetUrl": "?latency=50ms", "maxRequests": 6, "connections": 3}),
            At("/connects"),
        ),
        (
            "streams",
            json!(2),
            json!({"targetUrl": "?latency=5s", "drainSeconds": 0.1, "connections": 1, "streams": 3,
                "httpVersion": "http2", "durationSeconds": 0.2, "loadProfile": rate(50)}),
            At("/arrivals/sent"),
        ),
        ("maxBacklog", json!(0), hangs.clone(), At("/arrivals/droppedByReason")),
        (
            "timeoutSeconds",
            json!(0.1),
            json!({"targetUrl": "?latency=2s", "maxRequests": 1}),
            At("/errors"),
        ),
        (
            "drainSeconds",
            json!(2),
            json!({"targetUrl": "?latency=1s", "durationSeconds": 0.2, "drainSeconds": 0.1,
            "loadProfile": rate(20)}),
            At("/outcomes/unfinished"),
        ),
        (
            "followRedirects",
            json!(1),
            json!({"targetUrl": "redirect/1", "maxRequests": 1}),
            At("/statusCodeDistribution"),
        ),
        (
            "tlsVerify",
            json!(false),
            json!({"targetUrl": "https:", "maxRequests": 1}),
            At("/outcomes/ok"),
        ),
        ("httpVersion", json!("http2"), one(), At("/bytesSent")),
        ("keepAlive", json!(false), json!({"maxRequests": 3, "connections": 1}), At("/connects")),
        ("checks", json!([{"status": 201}]), one(), At("/errors")),
        ("mix", json!([{"name": "a"}]), one(), At("/requests")),
        ("sla", json!(["rps>=100000000"]), one(), At("/sla")),
        ("observe", json!(["http://localhost:1/"]), one(), At("/observed")),
        (
            "alerts",
            json!([]),
            nothing(),
            By("bins/controller/tests/program/alerts.rs", "\"alerts\""),
        ),
        ("tags", json!(["a"]), nothing(), By("bins/controller/tests/api/scenarios.rs", "tags")),
        ("notes", json!("a"), one(), At("/scenario/notes")),
        (
            "autoStart",
            json!(false),
            nothing(),
            By("bins/controller/tests/api/scenarios.rs", "autoStart"),
        ),
    ]
}

/// The servers that scenarios are tried against.
struct Servers {
    plain: Target,
    tls: Target,
    recorder: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Servers {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let recorder = format!("http://{}/", listener.local_addr().expect("an address"));
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&requests);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut bytes = [0; 4096];
                // So small a request comes in one piece.
                let read = stream.read(&mut bytes).unwrap_or(0);
                kept.lock().unwrap().push(String::from_utf8_lossy(&bytes[..read]).into_owned());
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        });
        let tls = Config { tls: Tls::On, ..Config::default() };
        Self {
            plain: Target::start(Config::default()).await.expect("a target"),
            tls: Target::start(tls).await.expect("a target"),
            recorder,
            requests,
        }
    }

    async fn seen(&self, mut fields: Value, seen: Seen) -> String {
        let path = fields["targetUrl"].as_str().unwrap_or_default().to_owned();
        fields["targetUrl"] = match (seen, path.as_str()) {
            (InTheRequest, _) => json!(self.recorder),
            (_, "https:") => json!(format!("https://localhost:{}/", self.tls.addr().port())),
            (_, path) => json!(self.plain.url(&format!("/{path}"))),
        };
        if fields["name"].is_null() {
            fields["name"] = json!("an effect");
        }
        if fields["durationSeconds"].is_null() {
            fields["durationSeconds"] = json!(10);
        }
        self.plain.reset();
        self.requests.lock().unwrap().clear();
        let scenario = Scenario::from_value(fields).expect("a scenario");
        let threads = scenario.threads.unwrap_or(1) as usize;
        let test = LoadTest::from_scenario(&scenario).threads(threads);
        let result = test.run().await.expect("a result");
        match seen {
            At(place) => {
                let document = serde_json::to_value(result).expect("a document");
                document.pointer(place).unwrap_or_else(|| panic!("no {place}")).to_string()
            }
            Counted => self.plain.stats().requests.to_string(),
            InTheRequest => self.requests.lock().unwrap().first().cloned().expect("a request"),
            By(..) => String::new(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_of_a_scenario_changes_something() {
    let text = r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 1}"#;
    let whole = Scenario::from_json(text).expect("a scenario").to_value();
    let keys: BTreeSet<_> = whole.as_object().expect("keys").keys().cloned().collect();
    let listed: BTreeSet<_> = all().iter().map(|(key, ..)| (*key).to_owned()).collect();
    let unlisted: Vec<_> = keys.difference(&listed).collect();
    assert!(unlisted.is_empty(), "each key has its effect in the list: {unlisted:?}");
    let servers = Servers::start().await;
    let mut idle = Vec::new();
    for (key, value, without, seen) in all() {
        if let By(file, word) = seen {
            let path = format!("{}/../{file}", env!("CARGO_MANIFEST_DIR"));
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(text.contains(word), "{file} does not try {key}");
            continue;
        }
        let mut with = without.clone();
        with[key] = value;
        let (with, without) = (servers.seen(with, seen).await, servers.seen(without, seen).await);
        if with == without {
            idle.push(format!("{key}: {with} with and without it"));
        }
    }
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}
