//! Tests that what is secret stands in the clear nowhere: canaries go in by every way there is, and are looked
//! for wherever something comes out. Beside them goes a marker that is no secret, which has to be found.

use crate::platform::{until, wait};
use crate::programs::Program;
use loadcore_target::{Config, Target, Tls};
use loadcore_test_support::process::free_port;
use loadcore_test_support::{mongo, redis};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

/// What everybody may see.
const MARK: &str = "plain-mark-of-the-canaries";
const PATIENCE: Duration = Duration::from_secs(45);
const REPORTS: [&str; 8] = ["json", "text", "html", "csv", "junit", "markdown", "hgrm", "hlog"];

/// Ways in. Each has a canary of its own.
const WAYS: [&str; 28] = [
    "AUTHORIZATION",
    "APIKEYONE",
    "APIKEYTWO",
    "COOKIEHEADER",
    "COOKIEFIELD",
    "MIXHEADER",
    "PROXYUSER",
    "CERTIFICATE",
    "HOOKSECRET",
    "SLACKURL",
    "NAMEDHEADER",
    "NAMEDBEARER",
    "NAMEDBODY",
    "NAMEDQUERY",
    "NAMEDPATH",
    "NAMEDMIXBODY",
    "NAMEDHOOK",
    "NAMEDSLACK",
    "NAMEDPROXY",
    "NAMEDBAD",
    "NAMEDKEY",
    "USERINFO",
    "BADHEADER",
    "BADQUERY",
    "SIGNIN",
    "REDIS",
    "MONGO",
    "PLATFORMKEY",
];

fn canary(way: &str) -> String {
    let place = WAYS.iter().position(|it| *it == way).unwrap_or_else(|| panic!("no way {way}"));
    format!("cAnArY{place:02}x{way}z7q")
}

/// The forms in which a secret could stand somewhere: as it is (so a text stands in URLs and JSON too,
/// since neither changes its letters), in Base64 wherever it begins, in hexadecimal digits.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let in_base64 = crate::secrets::in_base64(secret);
    let url_safe = in_base64.clone().map(|it| it.replace('+', "-").replace('/', "_"));
    let written = [hex.to_ascii_uppercase(), hex].into_iter().chain(in_base64).chain(url_safe);
    let as_it_is = [secret.to_vec(), secret.to_ascii_lowercase()];
    as_it_is.into_iter().chain(written.map(String::into_bytes)).collect()
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    // Many bytes are looked through for many forms: most places fail at their first.
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == wanted[0]) {
        rest = &rest[at..];
        if rest.starts_with(wanted) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// A client's certificate that may be used, and its key.
struct Identity {
    certificate: String,
    key: String,
    /// What of the key is nobody else's, in two parts: PEM breaks its line between them.
    parts: [Vec<u8>; 2],
}

impl Identity {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        // RFC 5915: 32 bytes behind a version, which is 1.
        let (der, before) = (key.serialize_der(), [2, 1, 1, 4, 32]);
        let found = der.windows(before.len()).position(|it| it == before);
        let own = &der[found.expect("a key of P-256") + before.len()..][..32];
        let (first, second) = own.split_at(12);
        let parts = [first.to_vec(), second.to_vec()];
        Self { certificate: certificate.pem(), key: key.serialize_pem(), parts }
    }
}

#[test]
fn a_key_is_found_in_whatever_form_it_stands() {
    for _ in 0..20 {
        let Identity { key, parts, .. } = Identity::new();
        let in_json = json!({"key": key}).to_string();
        let one_line: String = key.lines().filter(|line| !line.starts_with('-')).collect();
        for part in parts {
            let is_in = |text: &str| forms(&part).iter().any(|form| holds(text.as_bytes(), form));
            assert!(is_in(&key) && is_in(&in_json) && is_in(&one_line), "{part:?} of {key}");
            assert!(!is_in(&Identity::new().key));
        }
    }
}

/// A place where secrets could have come to.
struct Place {
    name: String,
    bytes: Vec<u8>,
    /// What has to be found there.
    holds: String,
}

fn place(name: &str, bytes: impl Into<Vec<u8>>, holds: &str) -> Place {
    Place { name: name.to_owned(), bytes: bytes.into(), holds: holds.to_owned() }
}

/// Looks for all canaries, and for other secrets.
fn look(places: &[Place], others: &[(&str, Vec<u8>)]) {
    let canaries = WAYS.iter().map(|way| (*way, canary(way).into_bytes()));
    let all: Vec<_> = canaries.chain(others.iter().cloned()).collect();
    let mut found = Vec::new();
    for Place { name, bytes, holds: mark } in places {
        let is_read = holds(bytes, mark.as_bytes());
        assert!(is_read, "{name} was to hold {mark}: what is not read finds nothing");
        for (way, secret) in &all {
            let form = forms(secret).into_iter().find(|form| holds(bytes, form));
            let shown = form.map(|form| String::from_utf8_lossy(&form).into_owned());
            found.extend(shown.map(|form| format!("{way} in {name}, as {form}")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// A controller and a worker over a Redis with a password, and a store on disk or in MongoDB.
struct Platform {
    controller: Program,
    worker: Program,
    address: String,
    worker_address: String,
    redis: redis::Server,
    mongo: Option<mongo::Server>,
    folder: tempfile::TempDir,
    token: String,
}

impl Platform {
    async fn start(mongo: Option<mongo::Server>) -> Self {
        let mut redis = redis::Server::not_started(Some(&canary("REDIS")));
        redis.start_again().await;
        let folder = tempfile::tempdir().expect("a directory");
        let at = |name: &str| folder.path().join(name);
        let (data, url) = (at("data"), redis.url());
        let keys = format!("{}-before", canary("PLATFORMKEY"));
        let environment = [
            ("LOADCORE_LOG", "debug"),
            ("LOADCORE_SUPABASE_JWT_SECRET", &sign_in_secret()),
            ("LOADCORE_SECRET_KEY", &canary("PLATFORMKEY")),
            ("LOADCORE_SECRET_KEY_PREVIOUS", &keys),
        ];
        let data = data.to_str().expect("a path that is text").to_owned();
        let mut arguments = vec![
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            &data,
            "--redis",
            &url,
            "--allow-targets",
            "127.0.0.0/8",
        ];
        arguments.extend(mongo.iter().flat_map(|mongo| ["--mongo", mongo.url()]));
        let log = at("controller.log");
        let mut controller =
            Program::start_in("loadcore-controller", &arguments, &environment, log);
        let address = controller.says("listens on http://");
        controller.says("the platform is ready");
        let worker_address = format!("127.0.0.1:{}", free_port());
        let arguments = [
            "--redis",
            &url,
            "--threads",
            "1",
            "--actuator-listen",
            &worker_address,
            "--allow-targets",
            "127.0.0.0/8",
        ];
        let log = at("worker.log");
        let mut worker =
            Program::start_in("loadcore-worker", &arguments, &[("LOADCORE_LOG", "debug")], log);
        worker.says(" takes tasks");
        let token = signed_in("ann");
        Self { controller, worker, address, worker_address, redis, mongo, folder, token }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        loop {
            let (status, answer) = ask(&self.address, &self.token, method, path, body);
            // A user may ask so often.
            if status != 429 {
                return (status, answer);
            }
            wait(Duration::from_millis(300));
        }
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.ask(method, path, &text);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn start_run(&self, scenario: &Value) -> (String, String) {
        let (status, made) = self.json("POST", "/api/v1/scenarios", scenario);
        assert_eq!(status, 201, "{made}");
        let text = |key: &str| made[key].as_str().expect("an id").to_owned();
        (text("scenarioId"), text("runId"))
    }

    fn state(&self, run: &str) -> String {
        let (_, shown) = self.json("GET", &format!("/api/v1/runs/{run}"), &Value::Null);
        shown["state"].as_str().unwrap_or_default().to_owned()
    }

    fn wait_for_end(&self, run: &str) {
        let ended = until(Duration::from_secs(240), || {
            wait(Duration::from_millis(100));
            ["COMPLETED", "ABORTED", "FAILED"].contains(&self.state(run).as_str())
        });
        assert!(ended.is_some(), "{run} does not end: {}", self.controller.said());
    }

    /// What every call that reads answers, of these scenarios and runs.
    fn everything_shown(&self, made: &[(String, String)]) -> Vec<u8> {
        let (status, page) = self.ask("GET", "/openapi.json", "");
        assert_eq!(status, 200, "{page}");
        let page = page.split_once("\r\n\r\n").expect("a head and a body").1;
        let page: Value = serde_json::from_str(page).expect("JSON");
        let paths = page["paths"].as_object().expect("paths").iter();
        let read = paths.filter(|(_, item)| item.get("get").is_some()).map(|(path, _)| path);
        let (mut all, mut answered) = (Vec::new(), 0);
        let mut take = |path: &str| {
            if path.ends_with("/stream") {
                return;
            }
            let (status, answer) = self.ask("GET", path, "");
            answered += u32::from(status == 200);
            all.extend_from_slice(format!("\nGET {path} {status}\n{answer}").as_bytes());
        };
        let paths: Vec<_> = read.cloned().collect();
        for path in ["/", "/openapi.json"] {
            take(path);
        }
        for path in &paths {
            for (scenario, run) in made {
                let id = if path.contains("/scenarios/") { scenario } else { run };
                take(&path.replace("{id}", id));
            }
        }
        for (_, run) in made {
            let (base, calls) = (&made[0].1, ["report", "stats/total", "stats/series", "sla"]);
            take(&format!("/api/v1/comparisons?base={base}&candidate={run}"));
            for format in REPORTS {
                calls
                    .iter()
                    .for_each(|call| take(&format!("/api/v1/runs/{run}/{call}?format={format}")));
            }
        }
        assert!(answered > 40, "{answered} answers");
        all
    }

    /// What a stream of a run tells in its first two seconds.
    fn frames(&self, run: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
        let request = format!(
            "GET /api/v1/runs/{run}/stream HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Authorization: Bearer {}\r\n\r\n",
            self.address, self.token
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let (mut all, mut buffer) = (Vec::new(), [0; 16_384]);
        until(Duration::from_secs(3), || {
            if let Ok(length @ 1..) = stream.read(&mut buffer) {
                all.extend_from_slice(&buffer[..length]);
                return false;
            }
            true
        });
        all
    }

    /// What it keeps: on disk, and in MongoDB where that is its store.
    async fn stored(&self) -> Vec<u8> {
        let mut all = match &self.mongo {
            Some(mongo) => mongo.dump().await,
            None => Vec::new(),
        };
        let data = self.folder.path().join("data");
        if data.is_dir() {
            read_all(&data, &mut all);
        }
        all
    }
}

fn read_all(folder: &Path, all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("a directory").flatten() {
        match entry.path() {
            path if path.is_dir() => read_all(&path, all),
            path => all.extend(std::fs::read(&path).unwrap_or_default()),
        }
    }
}

fn sign_in_secret() -> String {
    format!("{}-and-more-of-it-to-be-long", canary("SIGNIN"))
}

/// A token as the sign-in makes them.
fn signed_in(user: &str) -> String {
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    let now = loadcore::time::unix_millis() / 1_000;
    let claims = json!({
        "sub": user, "aud": "authenticated", "role": "authenticated", "iat": now - 10, "exp": now + 3_600,
    });
    let head = json!({"alg": "HS256", "typ": "JWT"});
    let message =
        format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, sign_in_secret().as_bytes());
    let signature = BASE64.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

fn ask(address: &str, token: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    // It may close before it has read all of a body that it refuses.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{method} {path}: no HTTP: {answer:?}")), answer)
}

/// A scenario of the marker's name, with everything secret that goes to whatever target.
fn scenario(target: &str, dead: u16, change: Value) -> Value {
    let mut scenario = json!({
        "name": MARK, "targetUrl": target, "durationSeconds": 1, "timeoutSeconds": 0.3,
        "drainSeconds": 0.5, "workerWaitSeconds": 20, "tags": [MARK],
        "loadProfile": {"type": "CONSTANT", "initialRps": 20},
        "headers": {
            "Authorization": format!("Bearer {}", canary("AUTHORIZATION")),
            "X-Api-Key": [canary("APIKEYONE"), canary("APIKEYTWO")],
            "X-Plain": "a ${secret:NAMEDHEADER} b", "X-Token": "Bearer ${secret:NAMEDBEARER}",
        },
        "cookies": {"id": canary("COOKIEFIELD")},
        "mix": [
            {"name": "one", "url": "/?n=${secret:NAMEDQUERY}", "headers": {"X-Auth-Token": canary("MIXHEADER")}},
            {"name": "two", "url": "/${secret:NAMEDPATH}", "method": "POST", "body": "<${secret:NAMEDMIXBODY}>"},
        ],
        "sla": ["rps>=100000"],
        "alerts": [
            {"type": "webhook", "url": format!("http://127.0.0.1:{dead}/"), "secret": canary("HOOKSECRET")},
            {"type": "webhook", "url": format!("http://127.0.0.1:{dead}/${{secret:NAMEDHOOK}}"),
             "secret": "${secret:NAMEDHOOK}"},
            {"type": "slack", "url": format!("http://127.0.0.1:{dead}/services/{}", canary("SLACKURL"))},
            {"type": "slack", "url": "${secret:NAMEDSLACK}"},
        ],
    });
    let fields = scenario.as_object_mut().expect("an object");
    fields.extend(change.as_object().expect("fields").clone());
    scenario
}

/// Calls that are refused, each with a canary near what is wrong.
fn refused(platform: &Platform, target: &str) -> String {
    let with = |change: Value| {
        let mut document = json!({"name": MARK, "targetUrl": target, "durationSeconds": 1});
        document
            .as_object_mut()
            .expect("an object")
            .extend(change.as_object().expect("fields").clone());
        document
    };
    let bad = canary("BADHEADER");
    let query = canary("BADQUERY");
    let documents = [
        with(json!({"headers": {"Authorization": format!("{bad}\r\nX: y")}})),
        with(json!({"headers": {"X-Plain": format!("{bad}\0")}})),
        with(json!({"headers": format!("Authorization: {bad}")})),
        with(json!({"headers": {"Authorization": {"a": bad}}})),
        with(json!({"cookies": {"id": format!("{bad};")}})),
        with(json!({"cookies": bad})),
        with(json!({"headers": {"X-Plain": "${secret:NAMEDBAD}"}})),
        with(json!({"targetUrl": "http://${secret:NAMEDBEARER}/"})),
        with(json!({"proxy": "${secret:NAMEDBEARER}"})),
        with(json!({"targetUrl": format!("http://u:{}@127.0.0.1/", canary("USERINFO"))})),
        with(json!({"targetUrl": format!("ftp://u:{}@127.0.0.1/", canary("USERINFO"))})),
        with(json!({"targetUrl": format!("127.0.0.1/?token={query}")})),
        with(json!({"targetUrl": format!("http:///?token={query}")})),
        with(json!({"targetUrl": format!("http://169.254.169.254/?token={query}")})),
        with(json!({"proxy": format!("socks5://u:{}@127.0.0.1:1", canary("PROXYUSER"))})),
        with(json!({"alerts": [{"type": "slack", "url": format!("{bad}/")}]})),
        with(
            json!({"alerts": [{"type": "webhook", "url": "http://127.0.0.1:1/", "secret": &bad[..9]}]}),
        ),
        with(json!({"alerts": bad})),
        with(json!({"clientCertificate": {"certificate": "x", "key": canary("CERTIFICATE")}})),
        with(json!({"clientCertificate": {
            "certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "key": format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", canary("CERTIFICATE")),
        }})),
        with(json!({"clientCertificate": canary("CERTIFICATE")})),
        with(json!({"body": [bad]})),
    ];
    let mut answers = String::new();
    for document in documents {
        for path in ["/api/v1/scenarios", "/api/v1/scenarios/validate"] {
            let (status, answer) = platform.ask("POST", path, &document.to_string());
            let refused = status == 422 || answer.contains("\"valid\":false");
            assert!(refused, "{document}: {answer}");
            answers.push_str(&answer);
        }
    }
    let broken = format!("{{\"name\": \"{MARK}\", \"headers\": {{\"Authorization\": \"{bad}\"");
    answers.push_str(&platform.ask("POST", "/api/v1/scenarios", &broken).1);
    let path = "/api/v1/secrets/NAMEDBODY";
    for body in [
        json!({"value": [bad]}),
        json!({"value": {"a": bad}}),
        json!({"secret": "x", "value": bad}),
    ] {
        let (status, answer) = platform.ask("PUT", path, &body.to_string());
        assert_eq!(status, 422, "{answer}");
        answers.push_str(&answer);
    }
    answers
}

/// What a controller says that does not reach its MongoDB.
fn said_without_mongo(folder: &Path) -> String {
    let port = free_port();
    let url = format!("mongodb://user:{}@127.0.0.1:{port}/loadcore", canary("MONGO"));
    let data = folder.join("other").to_str().expect("a path that is text").to_owned();
    let arguments = ["--listen", "127.0.0.1:0", "--data-dir", &data, "--mongo", &url];
    let environment = [("LOADCORE_LOG", "debug"), ("LOADCORE_SECRET_KEY", &canary("PLATFORMKEY"))];
    let log = folder.join("other.log");
    let mut program = Program::start_in("loadcore-controller", &arguments, &environment, log);
    program.says("trying again");
    program.kill();
    program.said()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_found_anywhere() {
    no_canary_is_found(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_found_anywhere_where_mongodb_is_the_store() {
    no_canary_is_found(Some(mongo::Server::start().await)).await;
}

async fn no_canary_is_found(mongo: Option<mongo::Server>) {
    let mut platform = Platform::start(mongo).await;
    let also_tls = Config { tls: Tls::Also, ..Config::default() };
    let target = Target::start(also_tls).await.expect("a target");
    let (given, named) = (Identity::new(), Identity::new());
    let dead = free_port();
    for way in WAYS.iter().filter(|way| way.starts_with("NAMED")) {
        let value = match *way {
            "NAMEDSLACK" => format!("http://127.0.0.1:{dead}/services/{}", canary(way)),
            "NAMEDBAD" => format!("{}\n", canary(way)),
            // The canary stands before the key, where PEM lets stand what it likes.
            "NAMEDKEY" => format!("{}\n{}", canary(way), named.key),
            way => canary(way),
        };
        let path = format!("/api/v1/secrets/{way}");
        let (status, answer) = platform.ask("PUT", &path, &json!({"value": value}).to_string());
        assert_eq!(status, 201, "{answer}");
    }
    let (status, made) = platform.json("POST", "/api/v1/tokens", &json!({"name": MARK}));
    assert_eq!(status, 201, "{made}");
    let token = made["token"].as_str().expect("its text");
    assert_eq!(ask(&platform.address, token, "GET", "/api/v1/runs", "").0, 200);
    let token = token.rsplit('.').next().expect("its secret").to_owned();

    let monitor = platform.redis.monitor();
    // One whose requests are answered, two over TLS with a certificate of the client's, two whose proxy is
    // not there, one that is never answered.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let unanswered = format!("http://{}/", silent.local_addr().expect("an address"));
    let proxied = json!({
        "proxy": format!("http://u:{}@127.0.0.1:{dead}", canary("PROXYUSER")), "mix": null,
        "body": "<${secret:NAMEDBODY}>", "method": "POST", "cookies": null,
    });
    let named_proxy = json!({
        "proxy": format!("http://${{secret:NAMEDPROXY}}@127.0.0.1:{dead}"),
        "cookies": null, "headers": {"Cookie": format!("a={}", canary("COOKIEHEADER"))},
    });
    let by_identity = |identity: &Identity, key: &str| {
        let certificate = &identity.certificate;
        json!({"tlsVerify": false, "clientCertificate": {"certificate": certificate, "key": key}})
    };
    let target_url = target.url("/");
    let over_tls = target_url.replace("http://", "https://");
    let mut made = Vec::new();
    for (url, change) in [
        (target_url.as_str(), json!({})),
        (&over_tls, by_identity(&given, &given.key)),
        (&over_tls, by_identity(&named, "${secret:NAMEDKEY}")),
        (&target_url, proxied),
        (&target_url, named_proxy),
        (&unanswered, json!({})),
    ] {
        made.push(platform.start_run(&scenario(url, dead, change)));
    }
    let first = made[0].1.clone();
    let running = until(Duration::from_secs(60), || platform.state(&first) == "RUNNING");
    assert!(running.is_some(), "{}", platform.controller.said());
    let during = platform.redis.dump();
    let saved_during = platform.redis.saved();
    let frames = platform.frames(&first);
    let answers = refused(&platform, &target_url);
    made.iter().for_each(|(_, run)| platform.wait_for_end(run));
    let counted = target.stats().requests;
    assert!(counted > 45, "the target was loaded, over TLS too: {counted}");
    let shown = platform.everything_shown(&made);
    let result = platform.ask("GET", &format!("/api/v1/runs/{}", made[3].1), "").1;
    assert!(result.contains("${secret:NAMEDBODY}"), "{result}");
    let (_, metrics) = ask(&platform.worker_address, "", "GET", "/metrics", "");
    let prometheus = platform.ask("GET", "/actuator/prometheus", "").1;
    let (after, saved_after) = (platform.redis.dump(), platform.redis.saved());
    platform.controller.terminate();
    platform.controller.exit_code(Duration::from_secs(30));
    platform.worker.terminate();
    platform.worker.exit_code(Duration::from_secs(60));
    let other = said_without_mongo(platform.folder.path());
    let [given_one, given_two] = given.parts;
    let [named_one, named_two] = named.parts;
    look(
        &[
            place("Redis during the run", during, &first),
            place("Redis's file during the run", saved_during, &first),
            place("Redis after the runs", after, ":term"),
            place("Redis's file after the runs", saved_after, ":term"),
            place("what Redis was told", monitor.end(), &first),
            place("the store", platform.stored().await, MARK),
            place("the controller's log", platform.controller.said(), &first),
            place("the worker's log", platform.worker.said(), &first),
            place("the log without MongoDB", other, "127.0.0.1"),
            place("what was shown", shown, MARK),
            place("the frames of a stream", frames, "\"seq\""),
            place("what was refused", answers, "NAMEDBAD"),
            place("the worker's metrics", metrics, "loadtest_"),
            place("the controller's metrics", prometheus, "loadtest_"),
        ],
        &[
            ("TOKEN", token.into_bytes()),
            ("a client's key", given_one),
            ("a client's key", given_two),
            ("a client's key by its name", named_one),
            ("a client's key by its name", named_two),
        ],
    );
}
