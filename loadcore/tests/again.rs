//! Runs again what a result says was run: the document of a test that was made by calls is whole.

#[path = "common/servers.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod servers;

use loadcore::http::TlsOptions;
use loadcore::profile::Profile;
use loadcore::scenario::{Document, Scenario};
use loadcore::{LoadTest, Request, RunError, RunResult};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use servers::{Seen, all, http1, listen};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A server, and what it was sent.
async fn server() -> (String, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let address =
        listen(move |_, stream| http1(Arc::clone(&kept), |_| OK.to_owned(), stream)).await;
    (format!("http://{address}/"), seen)
}

fn taken(seen: &Seen) -> Vec<String> {
    let taken = all(seen);
    seen.lock().unwrap().clear();
    taken
}

async fn again(result: &RunResult) -> RunResult {
    let scenario = Scenario::from_value(result.scenario.clone()).unwrap();
    LoadTest::from_scenario(&scenario).run().await.unwrap()
}

#[tokio::test]
async fn a_mix_is_sent_again_to_the_byte() {
    let (url, seen) = server().await;
    let test = LoadTest::get(&url)
        .name("again")
        .header("X-A", "1")
        .host("other.test")
        .check_reply("bytes<=9")
        .mix([
            Request::get("list", "/items?a=b").weight(3.0).header("X-A", "2"),
            Request::post("buy", "cart").body("item=3").check("body~=ok"),
        ])
        .seed(7)
        .requests(12)
        .connections(1)
        .threads(1)
        .slack(millis(2))
        .timeout(millis(4_500))
        .drain(millis(700))
        .sla("p99{buy}<9s")
        .sla("ok_p99<9s");
    let first = test.run().await.unwrap();
    let sent = taken(&seen);
    assert_eq!((sent.len(), first.outcomes.ok), (12, 12), "{:?}", first.error_examples);
    let second = again(&first).await;
    assert_eq!(taken(&seen), sent);
    assert_eq!(second.scenario, first.scenario);
    assert_eq!(second.generator.slack_ms, first.generator.slack_ms);
    assert_eq!(first.scenario["name"], "again");
    assert_eq!(first.scenario["sla"].as_array().unwrap().len(), 2);
    let names = |result: &RunResult| result.requests.iter().map(|it| it.total_requests).collect();
    let (of_first, of_second): (Vec<_>, Vec<_>) = (names(&first), names(&second));
    assert_eq!(of_first, of_second);
}

#[tokio::test]
async fn one_request_and_all_of_its_options_are_sent_again() {
    let (url, seen) = server().await;
    let port = url.trim_end_matches('/').rsplit_once(':').unwrap().1.to_owned();
    let test = LoadTest::post("http://made.up.invalid:81/x")
        .body(vec![0xff, 0x00])
        .header("X-Bytes", "2")
        .compressed()
        .cookie("a", "b")
        .follow_redirects(2)
        .options(|http| {
            http.keep_alive = false;
            http.connect_to = vec![format!("made.up.invalid:81:127.0.0.1:{port}").parse().unwrap()];
        })
        .requests(2)
        .connections(1);
    let first = test.run().await.unwrap();
    let sent = taken(&seen);
    assert_eq!(first.outcomes.ok, 2, "{:?}", first.error_examples);
    // A cookie is a secret: it is to be given again.
    let mut document = first.scenario.clone();
    assert_eq!(document["headers"]["Cookie"], "[redacted]");
    assert_eq!(Document::from_value(document.clone()).unwrap().redacted().len(), 1);
    document["headers"]["Cookie"] = json!("a=b");
    let scenario = Scenario::from_value(document).unwrap();
    let second = LoadTest::from_scenario(&scenario).run().await.unwrap();
    assert_eq!((taken(&seen), second.scenario), (sent, first.scenario));
}

/// Faster and faster, up to 400 requests a second.
#[derive(Clone)]
struct Rising;

impl Profile for Rising {
    fn rate(&self, seconds: f64) -> f64 {
        400.0 * seconds.min(1.0)
    }

    fn demand(&self, seconds: f64) -> f64 {
        200.0 * seconds * seconds
    }

    fn inverse(&self, arrivals: f64) -> f64 {
        (arrivals / 200.0).sqrt()
    }

    fn peak_rate(&self) -> f64 {
        400.0
    }
}

#[tokio::test]
async fn every_load_falls_due_again() {
    let (url, _seen) = server().await;
    let get = || LoadTest::get(&url).duration(millis(400));
    let steps = [(100.0, millis(100)), (300.0, millis(300))];
    for (test, kind) in [
        (get().rate(250.0), "CONSTANT"),
        (get().ramp(10.0, 400.0, millis(300)), "RAMP"),
        (LoadTest::get(&url).steps(steps), "STEPS"),
        (get().rate(300.0).poisson().seed(3), "CONSTANT"),
        (get().rate(100.0).warmup(millis(100)).max_backlog(50).connections(9), "CONSTANT"),
        // Somebody's own is no type of the document: it stands there in steps.
        (get().profile(Rising), "STEPS"),
        (LoadTest::get(&url).profile(Rising).requests(30), "STEPS"),
    ] {
        let first = test.run().await.unwrap();
        let second = again(&first).await;
        assert_eq!(first.scenario["loadProfile"]["type"], kind);
        assert_eq!(second.scenario, first.scenario);
        assert_eq!(second.arrivals.due, first.arrivals.due, "{}", first.scenario);
        assert!(first.arrivals.due > 0);
    }
}

#[tokio::test]
async fn what_is_changed_after_a_scenario_is_in_the_result_and_what_only_a_platform_has_stays() {
    let (url, _seen) = server().await;
    let scenario = json!({
        "name": "a", "targetUrl": url, "durationSeconds": 9, "tags": ["t"], "notes": "n",
        "numWorkers": 3, "mix": [{"name": "x", "headers": {"X-A": "1"}}],
    });
    let scenario = Scenario::from_value(scenario).unwrap();
    let plain = LoadTest::from_scenario(&scenario).requests(1).run().await.unwrap();
    let mut expected = scenario.public_value();
    expected["maxRequests"] = json!(1);
    assert_eq!(plain.scenario, expected);
    let test = LoadTest::from_scenario(&scenario).rate(50.0).duration(millis(100)).name("b");
    let changed = test.run().await.unwrap().scenario;
    assert_eq!((&changed["name"], &changed["durationSeconds"]), (&json!("b"), &json!(0.1)));
    assert_eq!(changed["loadProfile"], json!({"type": "CONSTANT", "initialRps": 50}));
    assert_eq!((&changed["tags"], &changed["numWorkers"]), (&json!(["t"]), &json!(3)));
}

#[tokio::test]
async fn what_is_no_http_has_no_target_and_says_so() {
    let test = LoadTest::call(async |_| Ok(200)).names([("a", 1.0), ("b", 2.0)]).requests(3);
    let scenario = test.name("a closure").run().await.unwrap().scenario;
    assert_eq!((&scenario["targetUrl"], &scenario["httpVersion"]), (&Value::Null, &Value::Null));
    assert_eq!((&scenario["name"], &scenario["maxRequests"]), (&json!("a closure"), &json!(3)));
    assert_eq!(scenario["mix"][1], json!({"name": "b", "weight": 2.0}));
    assert!(Scenario::from_value(scenario).is_err());
}

/// Speaks TLS with whoever shows a certificate that `client` has issued, or is.
async fn asks_for_a_certificate(client: &CertificateDer<'static>) -> (SocketAddr, String) {
    let (certificate, key) = identity("localhost");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(client.clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let address = listen(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            }
        }
    })
    .await;
    (address, certificate.pem())
}

fn identity(name: &str) -> (rcgen::Certificate, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.self_signed(&key).unwrap(), key)
}

#[tokio::test]
async fn a_client_certificate_is_shown_by_the_document_and_its_key_by_nobody() {
    let (own, key) = identity("me.test");
    let (address, ca) = asks_for_a_certificate(own.der()).await;
    let url = format!("https://localhost:{}/", address.port());
    let document = json!({
        "name": "a", "targetUrl": url, "durationSeconds": 10, "maxRequests": 2, "connections": 1,
        "addressFamily": "ipv4", "caCertificate": ca,
        "clientCertificate": {"certificate": own.pem(), "key": key.serialize_pem()},
    });
    let run = async |document: Value| {
        let scenario = Scenario::from_value(document).unwrap();
        LoadTest::from_scenario(&scenario).run().await.unwrap()
    };
    let result = run(document.clone()).await;
    assert_eq!(result.outcomes.ok, 2, "{:?}", result.error_examples);
    let shown = serde_json::to_string(&result).unwrap();
    let secret = key.serialize_pem().lines().nth(1).unwrap().to_owned();
    assert!(!shown.contains(&secret) && shown.contains("[redacted]"));

    // By calls it is the same, and what the result shows needs the key alone to be run again.
    let test = LoadTest::get(&url).requests(2).connections(1).options(|http| {
        http.address_family = loadcore::http::AddressFamily::Ipv4;
        http.tls = TlsOptions {
            ca_pem: Some(ca.clone().into_bytes()),
            client_pem: Some((own.pem().into_bytes(), key.serialize_pem().into_bytes())),
            ..TlsOptions::default()
        };
    });
    assert!(!format!("{test:?} {:?}", TlsOptions::default()).contains(&secret));
    let result = test.run().await.unwrap();
    assert_eq!(result.outcomes.ok, 2, "{:?}", result.error_examples);
    let mut again = result.scenario;
    let error = Scenario::from_value(again.clone()).unwrap_err().to_string();
    assert!(error.contains("clientCertificate.key: [redacted] stands"), "{error}");
    again["clientCertificate"]["key"] = json!(key.serialize_pem());
    assert_eq!(run(again).await.outcomes.ok, 2);

    let mut without = document;
    without["clientCertificate"] = Value::Null;
    let result = run(without).await;
    assert_eq!(result.outcomes.ok, 0, "{:?}", result.error_examples);
}

#[tokio::test]
async fn calls_are_held_to_the_limits_of_the_document() {
    let test = || LoadTest::get("http://127.0.0.1:1/");
    for (test, path) in [
        (test().timeout(Duration::from_secs(3_601)), "timeoutSeconds"),
        (test().drain(Duration::from_secs(3_601)), "drainSeconds"),
        (test().slack(millis(1_001)), "slackSeconds"),
        (test().threads(0), "threads"),
        (test().threads(1_025), "threads"),
        (test().max_backlog(u64::MAX), "maxBacklog"),
        (test().requests(u64::MAX), "maxRequests"),
    ] {
        let error = test.check().await.unwrap_err();
        assert!(matches!(error, RunError::Invalid { .. }), "{error}");
        assert_eq!(error.faults()[0].path, path);
    }
}
