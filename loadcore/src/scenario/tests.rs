//! Tests the scenario document, as its contract has it.

use super::*;
use crate::profile::ProfileType;
use proptest::prelude::*;
use serde_json::json;

/// A document that is valid and says as little as it may.
fn minimal() -> Value {
    json!({"name": "n", "targetUrl": "http://a/", "durationSeconds": 60})
}

/// The minimal document with some fields added or replaced.
fn with(fields: Value) -> Value {
    let mut document = minimal();
    let Value::Object(fields) = fields else { panic!("an object of fields") };
    for (field, value) in fields {
        document[field] = value;
    }
    document
}

fn valid(document: Value) -> Scenario {
    Scenario::from_value(document).unwrap_or_else(|error| panic!("{error}"))
}

fn faults(document: Value) -> Vec<String> {
    let error = Scenario::from_value(document).expect_err("a document with faults");
    error.faults.iter().map(Fault::to_string).collect()
}

/// The one fault of the minimal document with a field added.
fn fault(field: &str, value: Value) -> String {
    let faults = faults(with(json!({field: value})));
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.into_iter().next().unwrap()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn defaults_are_those_of_the_contract() {
    let closed = valid(minimal());
    assert_eq!((closed.method.as_str(), closed.headers.len(), closed.body.len()), ("GET", 0, 0));
    assert_eq!((closed.duration, closed.warmup), (secs(60), secs(0)));
    assert_eq!((closed.num_workers, closed.worker_wait), (1, secs(10)));
    assert_eq!(closed.queue_wait, secs(600));
    assert_eq!(closed.on_worker_loss, OnWorkerLoss::Rebalance);
    assert_eq!((&closed.load, closed.arrivals), (&Load::Closed, Arrivals::Uniform));
    assert_eq!((closed.connections, closed.streams, closed.max_backlog), (64, 1, None));
    assert_eq!((closed.timeout, closed.drain), (secs(10), secs(5)));
    assert_eq!((closed.follow_redirects, closed.tls_verify, closed.keep_alive), (0, true, true));
    assert_eq!((closed.http_version, closed.max_requests), (HttpVersion::Auto, None));
    assert_eq!(closed.address_family, AddressFamily::Any);
    assert_eq!((&closed.proxy, closed.connect_to.len()), (&None, 0));
    assert_eq!((&closed.ca_certificate, &closed.client_certificate), (&None, &None));
    assert_eq!((closed.slack, closed.threads), (None, None));
    assert_eq!((closed.sla.len(), closed.tags.len(), closed.notes.as_str()), (0, 0, ""));
    assert_eq!(closed.checks, []);
    assert!(closed.auto_start);

    let open = valid(with(json!({"loadProfile": {"type": "CONSTANT", "initialRps": 500}})));
    assert_eq!((open.connections, open.streams, open.max_backlog), (1_000, 100, Some(5_000)));
}

#[test]
fn everything_can_be_said() {
    let scenario = valid(json!({
        "name": "whole", "targetUrl": "https://a.b:8443/c", "method": "post",
        "headers": {"Content-Type": "application/json", "X-A": ["1", "2"], "Host": "other"},
        "body": "{}", "durationSeconds": 1.5, "warmupSeconds": 2, "numWorkers": 3,
        "workerWaitSeconds": 0, "queueSeconds": 1.25, "onWorkerLoss": "fail",
        "loadProfile": {"type": "RAMP", "initialRps": 10, "targetRps": 20.5},
        "arrivals": "POISSON", "seed": 18_446_744_073_709_551_615u64, "maxRequests": 100,
        "connections": 7, "streams": 8, "maxBacklog": 0, "timeoutSeconds": 0.25,
        "drainSeconds": 0, "followRedirects": 3, "tlsVerify": false, "httpVersion": "http2",
        "keepAlive": true, "tags": ["a", "b"], "notes": "line\nline", "autoStart": false,
        "checks": [{"status": 200}, "body~=ok"],
        "sla": ["p99<250ms", {"rule": "error_rate<1%", "windowSeconds": 5, "abort": true}],
    }));
    assert_eq!(scenario.method, Method::POST);
    let headers: Vec<_> =
        scenario.headers.iter().map(|(n, v)| (n.written(), v.to_str().unwrap())).collect();
    let expected =
        [("Content-Type", "application/json"), ("X-A", "1"), ("X-A", "2"), ("Host", "other")];
    assert_eq!(headers, expected);
    assert_eq!(&scenario.body[..], b"{}");
    assert_eq!(scenario.duration, Duration::from_millis(1_500));
    let profile = scenario.load.profile().unwrap().profile_type();
    let ramp =
        ProfileType::Ramp { initial_rps: 10.0, target_rps: 20.5, ramp_up_seconds: Some(1.5) };
    assert_eq!(*profile, ramp);
    assert_eq!(scenario.arrivals, Arrivals::Poisson { seed: u64::MAX });
    assert_eq!((scenario.connections, scenario.streams, scenario.max_backlog), (7, 8, Some(0)));
    let rule = SlaRule::new("error_rate<1%".parse().unwrap(), Some(5), 0, true).unwrap();
    assert_eq!(scenario.sla[1], rule);
    let checks: Vec<_> = scenario.checks.iter().map(ToString::to_string).collect();
    assert_eq!(checks, ["status==200", "body~=ok"]);
    assert_eq!(scenario.tags, ["a", "b"]);
    assert_eq!(valid(scenario.to_value()), scenario);
    let without = valid(with(json!({"keepAlive": false})));
    assert!(scenario.keep_alive && !without.keep_alive);
    assert_eq!(valid(without.to_value()), without);
}

#[test]
fn short_forms_stand_for_headers_and_a_body() {
    let scenario = valid(with(json!({
        "headers": {"X-A": "1"}, "host": "other.example:", "compressed": true,
        "cookies": {"id": "s3cret", "b": ["1", "2=3"]}, "addressFamily": "ipv6",
        "form": [
            {"name": "a", "value": "1"},
            {"name": "f", "valueBase64": "/w==", "fileName": "x.png"},
            {"name": "j", "value": "{}", "contentType": "application/json"},
        ],
    })));
    let of = |name: &str| {
        let found = scenario.headers.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(_, value)| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    assert_eq!(of("host"), "other.example");
    assert_eq!(of("accept-encoding"), "gzip, br, zstd");
    assert_eq!(of("cookie"), "id=s3cret; b=1; b=2=3");
    assert_eq!(scenario.method, Method::POST);
    assert_eq!(scenario.address_family, AddressFamily::Ipv6);
    let boundary = of("content-type").split_once("; boundary=").unwrap().1.to_owned();
    let expected = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n").into_bytes(),
        vec![0xff],
        format!("\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"j\"\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--{boundary}--\r\n").into_bytes(),
    ];
    assert_eq!(&scenario.body[..], expected.concat());
    // The document says them as what they stand for, and so the same wherever it is read.
    assert_eq!(valid(scenario.to_value()), scenario);
    assert_eq!(scenario.public_value()["headers"]["Cookie"], REDACTED);
    assert!(!scenario.public_value().to_string().contains("s3cret"));
    // A method that is given stays.
    let put = with(json!({"method": "PUT", "form": [{"name": "a", "value": ""}]}));
    assert_eq!(valid(put).method, Method::PUT);
    for nothing in [json!({"compressed": false}), json!({"cookies": {}}), json!({"form": null})] {
        assert_eq!(valid(with(nothing)), valid(minimal()));
    }
}

/// A certificate of its own and its key, as PEM.
fn identity() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn the_way_of_connections_can_be_said_and_its_secrets_are_not_shown() {
    let (certificate, key) = identity();
    let scenario = valid(with(json!({
        "targetUrl": "https://a.b/", "proxy": "http://me:s3cret@proxy.test:3128",
        "connectTo": ["a.b:443:127.0.0.1:8443", "::[::1]:"], "caCertificate": certificate,
        "clientCertificate": {"certificate": certificate, "key": key},
        "slackSeconds": 0, "threads": 3,
    })));
    assert_eq!((scenario.slack, scenario.threads), (Some(Duration::ZERO), Some(3)));
    assert_eq!(scenario.connect_to[1].to_host, "::1");
    assert_eq!(valid(scenario.to_value()), scenario);
    let public = scenario.public_value();
    assert_eq!(public["proxy"], "http://[redacted]@proxy.test:3128/");
    assert_eq!(public["clientCertificate"]["key"], REDACTED);
    assert_eq!(public["caCertificate"], certificate.replace("\r\n", "\n"));
    let shown = format!("{public} {scenario:?}");
    let secret = key.lines().nth(1).unwrap();
    assert!(!shown.contains("s3cret") && !shown.contains(secret), "{shown}");
    // Whoever runs what a report shows is told what is missing in it.
    let expected = "[redacted] stands in a report for a secret; give the secret itself";
    let paths = ["proxy", "clientCertificate.key"];
    assert_eq!(faults(public), paths.map(|path| format!("{path}: {expected}")));
}

#[test]
fn certificates_and_keys_are_texts_or_files_which_are_read_with_the_document() {
    let (certificate, key) = identity();
    let both = format!("{certificate}{key}");
    let document = Document::from_value(with(json!({
        "caCertificate": "ca.pem", "clientCertificate": {"certificate": "both.pem", "key": "both.pem"},
    })))
    .unwrap();
    let mut read = |name: &str| match name {
        "ca.pem" => Ok(certificate.clone()),
        "both.pem" => Ok(both.clone()),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    let scenario = document.parse_with(&mut read).unwrap();
    let written = scenario.to_value();
    assert_eq!(written["clientCertificate"]["certificate"], written["caCertificate"]);
    assert!(!written["caCertificate"].to_string().contains("PRIVATE"));
    assert_eq!(valid(written), scenario);

    let faults = |fields: Value, read: &mut dyn FnMut(&str) -> std::io::Result<String>| {
        let document = Document::from_value(with(fields)).unwrap();
        let error = document.parse_with(read).expect_err("a document with faults");
        error.faults.iter().map(Fault::to_string).collect::<Vec<_>>()
    };
    let missing = json!({"caCertificate": "no.pem", "clientCertificate": {"certificate": "ca.pem", "key": "my-s3cret"}});
    let found = faults(missing, &mut read);
    assert!(found[0].starts_with(
        "caCertificate: \"no.pem\" is no PEM text, and as a file it cannot be read: "
    ));
    assert!(found[1].starts_with("clientCertificate.key: is no PEM text, and as a file"));
    assert!(!found[1].contains("s3cret"), "it may be a key: {found:?}");
    let mut empty = |_: &str| Ok(String::from("hello"));
    assert_eq!(
        faults(json!({"caCertificate": "a.pem"}), &mut empty),
        ["caCertificate: \"a.pem\" cannot be used: there is no PEM block of a certificate in it"]
    );
    let mut long = |_: &str| Ok("x".repeat(limits::MAX_PEM_BYTES + 1));
    assert!(faults(json!({"caCertificate": "a"}), &mut long)[0].contains("give at most 1048576"));
}

#[test]
fn faults_of_the_way_of_connections_are_at_their_paths() {
    let (certificate, key) = identity();
    let (_, other) = identity();
    let client = |certificate: &str, key: &str| json!({"clientCertificate": {"certificate": certificate, "key": key}});
    let only =
        "a file is read by the command line only: give the text itself, with its -----BEGIN line";
    for (fields, expected) in [
        (json!({"caCertificate": "ca.pem"}), format!("caCertificate: \"ca.pem\" is no PEM text, and {only}")),
        (json!({"caCertificate": key}), "caCertificate: holds a key beside certificates, which are shown; take the key out".into()),
        (client(&format!("{certificate}{key}"), &key), "clientCertificate.certificate: holds a key beside certificates, which are shown; take the key out".into()),
        (client(&certificate, &other), "clientCertificate.key: is not the key of clientCertificate.certificate".into()),
        (client(&certificate, "k3y"), format!("clientCertificate.key: is no PEM text, and {only}")),
        (client(&certificate, &certificate), "clientCertificate.key: there is no PEM block of a private key in it".into()),
        (json!({"clientCertificate": key}), "clientCertificate: is a text; give an object of certificate and key".into()),
        (json!({"clientCertificate": {"certificate": certificate}}), "clientCertificate.key: is missing".into()),
        (json!({"proxy": "http://:3128"}), "proxy: \"http://:3128\" has no host".into()),
        (json!({"proxy": "proxy:3128"}), "proxy: is not a whole URL; begin with http://".into()),
        (json!({"proxy": "https://p"}), "proxy: only http:// proxies are supported".into()),
        (json!({"proxy": "http://p", "httpVersion": "http2"}), "proxy: requests for http:// go through it as HTTP/1.1; leave out --http2, or the proxy, or give an https:// URL".into()),
        (json!({"proxy": "http://p", "targetUrl": "unix:/a"}), "proxy: a Unix socket is not reached by a proxy; leave one out".into()),
        (json!({"connectTo": ["a:1:b"]}), "connectTo[0]: \"a:1:b\" cannot be read: it has 3 parts; write HOST1:PORT1:HOST2:PORT2, IPv6 addresses in brackets".into()),
        (json!({"connectTo": ["a:1:b:2", "a:1:b:0"]}), "connectTo[1]: \"a:1:b:0\" cannot be read: port \"0\" is out of range; give 1 to 65535".into()),
        (json!({"connectTo": "a:1:b:2"}), "connectTo: expected a list, found text \"a:1:b:2\"".into()),
        (json!({"connectTo": vec!["a:1:b:2"; 101]}), "connectTo: 101 rules; give at most 100".into()),
        (json!({"unixSocket": ""}), "unixSocket: is no path of a socket; give one such as /run/app.sock".into()),
        (json!({"unixSocket": "/a", "targetUrl": "unix:/b"}), "unixSocket: stands beside a targetUrl that names one; give one of them".into()),
        (json!({"threads": 0}), "threads: 0 is out of range; give a whole number, 1 to 1024".into()),
        (json!({"threads": 1.5}), "threads: 1.5 is out of range; give a whole number, 1 to 1024".into()),
        (json!({"slackSeconds": -0.001}), "slackSeconds: -0.001 is out of range; give 0 to 1 seconds".into()),
        (json!({"slackSeconds": 1.5}), "slackSeconds: 1.5 is out of range; give 0 to 1 seconds".into()),
        (json!({"slackSeconds": "NaN"}), "slackSeconds: expected a number, found text \"NaN\"".into()),
    ] {
        assert_eq!(faults(with(fields.clone())), [expected], "{fields}");
    }
    let unknown = json!({"clientCertificate": {"certificate": certificate, "key": key, "password": "s3cret"}});
    let found = faults(with(unknown));
    assert!(found[0].contains("password") && !found[0].contains("s3cret"), "{found:?}");
}

#[test]
fn a_socket_stands_beside_a_url_or_in_it() {
    let beside = valid(with(json!({"targetUrl": "https://a.b/c", "unixSocket": "/run/a.sock"})));
    let written = beside.to_value();
    assert_eq!(
        (&written["targetUrl"], &written["unixSocket"]),
        (&json!("https://a.b/c"), &json!("/run/a.sock"))
    );
    assert_eq!(valid(written), beside);
    let within = valid(with(json!({"targetUrl": "unix:/run/a.sock:/c"})));
    assert_eq!(within.to_value()["unixSocket"], Value::Null);
    let same = valid(with(json!({"targetUrl": "http://localhost/c", "unixSocket": "/run/a.sock"})));
    assert_eq!(same, within);
    let colon = valid(with(json!({"targetUrl": "http://localhost/c", "unixSocket": "/run:/a"})));
    assert_eq!(valid(colon.to_value()), colon);
}

#[test]
fn what_is_said_twice_is_a_fault() {
    let both = |more: Value| {
        let mut document = with(json!({
            "headers": {"Host": "a", "Cookie": "b=c", "Accept-Encoding": "br", "Content-Type": "x/y"},
        }));
        let Value::Object(more) = more else { panic!("an object") };
        more.into_iter().for_each(|(field, value)| document[field] = value);
        faults(document)
    };
    for (field, value, header) in [
        ("host", json!("b"), "Host"),
        ("cookies", json!({"d": "e"}), "Cookie"),
        ("compressed", json!(true), "Accept-Encoding"),
        ("form", json!([{"name": "a", "value": "1"}]), "Content-Type"),
    ] {
        let expected = format!("{field}: stands beside headers.{header}; give one of them");
        assert_eq!(both(json!({field: value})), [expected]);
    }
    let form = json!([{"name": "a", "value": "1"}]);
    assert_eq!(
        faults(with(json!({"form": form, "body": "b"}))),
        ["form: stands beside body; give one of them"]
    );
    let unix = with(json!({"targetUrl": "unix:/a", "addressFamily": "ipv4"}));
    assert_eq!(
        faults(unix),
        ["addressFamily: a Unix socket has no address of the network; leave it out"]
    );
}

#[test]
fn requests_side_by_side_need_what_carries_them() {
    let open = json!({"type": "CONSTANT", "initialRps": 5});
    let of = |streams: u32, more: Value| {
        let mut document = with(json!({"streams": streams}));
        let more = more.as_object().unwrap().clone();
        document.as_object_mut().unwrap().extend(more);
        document
    };
    assert_eq!(
        faults(of(8, json!({"httpVersion": "http1"}))),
        [
            "streams: 8 requests side by side on a connection, but httpVersion is http1 (--http1), which \
          carries one after another; leave one out"
        ]
    );
    assert_eq!(
        faults(of(100, json!({"keepAlive": false}))),
        [
            "streams: 100 requests side by side on a connection, but keepAlive is false (--no-keepalive), which \
          gives each request a connection of its own; leave one out"
        ]
    );
    faults(of(8, json!({"httpVersion": "http1", "loadProfile": open.clone()})));
    // What is stored holds the default.
    for fields in [
        json!({"httpVersion": "http1"}),
        json!({"httpVersion": "http1", "loadProfile": open.clone()}),
        json!({"keepAlive": false, "loadProfile": open}),
    ] {
        let stored = valid(with(fields)).to_value();
        assert!(stored["streams"].is_u64());
        valid(stored);
    }
    valid(of(1, json!({"httpVersion": "http1"})));
    valid(of(8, json!({"httpVersion": "http2"})));
}

#[test]
fn the_files_of_a_form_are_read_by_whoever_may_read_them() {
    let parts = json!([{"name": "a", "file": "dir/x.gif"}, {"name": "b", "file": "y", "fileName": "z.txt"}]);
    let document = Document::from_value(with(json!({"form": parts}))).unwrap();
    let scenario = document.parse_with(&mut |name: &str| Ok(vec![0xff, name.len() as u8]));
    let body = String::from_utf8_lossy(&scenario.unwrap().body).into_owned();
    assert!(
        body.contains("filename=\"x.gif\"\r\nContent-Type: image/gif\r\n\r\n\u{fffd}\t\r\n"),
        "{body:?}"
    );
    assert!(body.contains("filename=\"z.txt\"\r\nContent-Type: text/plain\r\n"), "{body:?}");
    let faults =
        document.parse_with(&mut |_| Err::<String, _>(std::io::ErrorKind::NotFound.into()));
    let faults = faults.unwrap_err().faults;
    assert_eq!(
        faults[0].to_string(),
        r#"form[0].file: "dir/x.gif" cannot be read: entity not found"#
    );
    let large = document
        .parse_with(&mut |_| Ok(vec![0; limits::MAX_BODY_BYTES / 2 + 1]))
        .unwrap_err()
        .faults;
    assert!(large[0].to_string().ends_with("give at most 67108864"), "{large:?}");
}

#[test]
fn no_secret_header_stands_in_a_public_document() {
    let scenario = valid(json!({
        "name": "a", "targetUrl": "http://a/", "durationSeconds": 1,
        "headers": {
            "Authorization": "Basic c2VjcmV0", "cookie": ["a=s3cret", "b"], "X-Api-Key": "s3cret",
            "accept": "text/html"
        },
    }));
    let expected = json!({
        "Authorization": REDACTED, "cookie": REDACTED, "X-Api-Key": REDACTED,
        "accept": "text/html"
    });
    assert_eq!(scenario.public_value()["headers"], expected);
    assert_eq!(scenario.to_value()["headers"]["X-Api-Key"], "s3cret");
}

#[test]
fn ten_faults_are_ten_lines_with_paths() {
    let error = Scenario::from_json(
        r#"{
            "name": "", "targetUrl": "example.com", "durationSeconds": -1, "conections": 5,
            "headers": {"X-A": "a\r\nb", "Content-Length": "5"},
            "loadProfile": {"type": "BURST", "initialRps": "500", "bursts": [
                {"startSecond": 1, "durationSeconds": 2, "rps": 3},
                5,
                {"startSecond": 1, "durationSeconds": 2, "rps": -3, "rsp": 1}
            ]},
            "sla": ["p99<fast"], "tlsVerify": "yes"
        }"#,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"the scenario has 12 faults:
  name: is empty; give 1 to 200 characters
  targetUrl: "example.com" is not a whole URL; begin with http:// or https://
  headers.X-A: has a line break or another control character; leave it out
  headers.Content-Length: is set by the load generator: it follows from the body
  durationSeconds: -1 is out of range; give seconds above 0, at most 604800
  loadProfile.initialRps: expected a number, found text "500"
  loadProfile.bursts[1]: expected an object, found the number 5
  loadProfile.bursts[2].rsp: unknown field; did you mean `rps`?
  loadProfile.bursts[2].rps: -3 is not a rate; give 0 to 1000000000 requests per second
  tlsVerify: expected true or false, found text "yes"
  sla[0]: "p99<fast" is not an SLA rule: "fast" is not a time with its unit: ns, us, ms, s, m or h, as in 250ms
  conections: unknown field; did you mean `connections`?"#
    );
}

#[test]
fn faults_of_single_fields() {
    for (field, value, expected) in [
        ("name", json!("x".repeat(201)), "name: has 201 characters; give 1 to 200"),
        ("name", json!("a\u{7}"), r#"name: "a\u{7}" has a control character; leave it out"#),
        ("name", json!(null), "name: is missing"),
        ("method", json!("GE T"), r#"method: "GE T" is not a method; give a word such as GET"#),
        (
            "method",
            json!("connect"),
            "method: CONNECT opens a tunnel, which is no request to measure",
        ),
        ("headers", json!(["a"]), "headers: expected an object, found a list"),
        (
            "headers",
            json!({"a b": ""}),
            "headers.\"a b\": is not a header name; give letters, digits and hyphens",
        ),
        ("headers", json!({"A": [1]}), "headers.A[0]: expected text, found a number"),
        (
            "headers",
            json!({"TRANSFER-encoding": "x"}),
            "headers.TRANSFER-encoding: is set by the load generator: a body is sent whole, with its length",
        ),
        (
            "headers",
            json!({"Connection": "close"}),
            "headers.Connection: is set by the load generator: for a connection for each request give keepAlive: false (--no-keepalive)",
        ),
        ("host", json!("a/b"), r#"host: "a/b" is not a host's name"#),
        ("host", json!("a:x"), r#"host: port "x" is out of range; give 1 to 65535"#),
        ("compressed", json!("gzip"), r#"compressed: expected true or false, found text "gzip""#),
        (
            "cookies",
            json!({"a b": "1"}),
            "cookies.\"a b\": is not a cookie's name; give letters, digits and hyphens",
        ),
        (
            "cookies",
            json!({"a": ["1", "2;3"]}),
            "cookies.a[1]: has a semicolon or a control character; leave it out",
        ),
        ("cookies", json!({"a": 1}), "cookies.a: expected text, found a number"),
        (
            "cookies",
            json!({"a": "x".repeat(70_000)}),
            "cookies: have 70002 bytes together; give at most 65536",
        ),
        (
            "addressFamily",
            json!("IPv5"),
            r#"addressFamily: "IPv5" is unknown; give any, ipv4 or ipv6"#,
        ),
        ("form", json!([{"value": "1"}]), "form[0].name: is missing"),
        ("form", json!([{"name": "a"}]), "form[0].value: is missing"),
        (
            "form",
            json!([{"name": "a", "value": "1", "valueBase64": "YQ=="}]),
            "form[0]: has more than one of value, valueBase64 and file; give one of them",
        ),
        (
            "form",
            json!([{"name": "a", "valueBase64": "!"}]),
            "form[0].valueBase64: is not base64: Invalid symbol 33, offset 0.",
        ),
        (
            "form",
            json!([{"name": "a", "value": "1", "contentType": "a\nb"}]),
            r#"form[0].contentType: "a\nb" is no content type; give one such as text/plain"#,
        ),
        (
            "form",
            json!([{"name": "a", "file": "/etc/passwd"}]),
            "form[0].file: is read by the command line only; give its content as value or valueBase64, and fileName",
        ),
        ("bodyBase64", json!("!"), "bodyBase64: is not base64: Invalid symbol 33, offset 0."),
        (
            "durationSeconds",
            json!(31_536_000),
            "durationSeconds: 31536000 is out of range; give seconds above 0, at most 604800",
        ),
        (
            "durationSeconds",
            json!(1e-10),
            "durationSeconds: 1e-10 is out of range; give seconds above 0, at most 604800",
        ),
        (
            "durationSeconds",
            json!("NaN"),
            r#"durationSeconds: expected a number, found text "NaN""#,
        ),
        ("numWorkers", json!(0), "numWorkers: 0 is out of range; give a whole number, 1 to 1000"),
        (
            "numWorkers",
            json!(1.5),
            "numWorkers: 1.5 is out of range; give a whole number, 1 to 1000",
        ),
        (
            "onWorkerLoss",
            json!("stop"),
            r#"onWorkerLoss: "stop" is unknown; give rebalance, continue or fail"#,
        ),
        (
            "arrivals",
            json!("poisson"),
            r#"arrivals: "poisson" is unknown; give UNIFORM or POISSON"#,
        ),
        (
            "seed",
            json!(-1),
            "seed: -1 is out of range; give a whole number, 0 to 18446744073709551615",
        ),
        (
            "connections",
            json!(1_000_001),
            "connections: 1000001 is out of range; give a whole number, 1 to 1000000",
        ),
        (
            "drainSeconds",
            json!(1e300),
            "drainSeconds: 1e300 is out of range; give 0 to 3600 seconds",
        ),
        ("tags", json!([""]), "tags[0]: is empty; give 1 to 100 characters"),
        ("sla", json!([7]), "sla[0]: expected a rule as text or object, found the number 7"),
        (
            "sla",
            json!([{"rule": "p99<1s", "windowSeconds": 0}]),
            "sla[0].windowSeconds: 0 is out of range; give a whole number, 1 to 3600",
        ),
        (
            "sla",
            json!(["p99<100ms", "rps>5", {"rule": "p50>=100ms", "windowSeconds": 9}]),
            "sla[2]: \"p50>=100ms\" cannot hold where \"p99<100ms\" (rule 1) does: leave one of them \
             out, or change its bound",
        ),
        ("loadProfile", json!([]), "loadProfile: expected an object, found an empty list"),
        ("loadProfile", json!({}), "loadProfile.type: is missing"),
        (
            "loadProfile",
            json!({"type": "WAVE"}),
            r#"loadProfile.type: "WAVE" is unknown; give CONSTANT, RAMP, BURST, SPIKE, STEPS, SINE or REPLAY"#,
        ),
        (
            "loadProfile",
            json!({"type": "CONSTANT", "initialRps": 0}),
            "loadProfile: the rate is 0 throughout; it may be 0 for a time only",
        ),
        (
            "loadProfile",
            json!({"type": "CONSTANT", "initialRps": 1e12}),
            "loadProfile.initialRps: 1000000000000 is not a rate; give 0 to 1000000000 requests per second",
        ),
        (
            "loadProfile",
            json!({"type": "CONSTANT", "initialRps": 5, "steps": []}),
            "loadProfile.steps: unknown field; known here: type, initialRps",
        ),
        ("loadProfile", json!({"type": "STEPS"}), "loadProfile.steps: is missing"),
        (
            "loadProfile",
            json!({"type": "REPLAY", "file": "/etc/passwd"}),
            "loadProfile.file: is read by the command line only; give points here instead",
        ),
    ] {
        assert_eq!(fault(field, value), expected);
    }
    assert_eq!(faults(with(json!({"body": "a", "bodyBase64": "YQ=="}))).len(), 1);
}

#[test]
fn text_that_is_no_document_says_where() {
    let error = |text: &str| Scenario::from_json(text).unwrap_err().to_string();
    assert_eq!(
        error("{\n  \"name\": }"),
        "the scenario has 1 fault:\n  the document is not valid JSON: expected value at line 2 column 11"
    );
    assert_eq!(
        error("[]"),
        "the scenario has 1 fault:\n  a scenario is an object, found an empty list"
    );
    assert!(error(r#"{"name": "a", "name": "b"}"#).contains("\"name\" is given twice at line 1"));
    assert!(error(r#"{"seed": 1e999}"#).contains("number out of range at line 1 column"));
    let deep = error(&"[".repeat(1_000_000));
    assert!(deep.ends_with("it is nested more than 64 deep at line 1 column 65"), "{deep}");
    let deepest = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert!(error(&deepest).contains("a scenario is an object, found a list"));
    assert!(error("").contains("EOF while parsing a value at line 1 column 0"));
}

#[test]
fn a_duration_that_is_wrong_hides_no_other_fault() {
    let document = with(json!({
        "durationSeconds": 0,
        "loadProfile": {"type": "STEPS", "steps": [{"durationSeconds": 5, "rps": -1}]},
    }));
    assert_eq!(faults(document).len(), 2);
}

#[test]
fn many_faults_are_counted_rather_than_listed() {
    let tags: Vec<_> = (0..90).map(|_| "").collect();
    let headers: serde_json::Map<_, _> = (0..40).map(|i| (format!("a {i}"), json!(""))).collect();
    let faults = faults(with(json!({"tags": tags, "headers": headers})));
    assert_eq!(faults.len(), 101);
    assert_eq!(faults[100], "and 30 more faults, which are not listed");
}

#[test]
fn a_replay_is_read_by_whoever_may_read_it() {
    let document = |file| {
        let profile = json!({"type": "REPLAY", "file": file});
        Document::from_value(with(json!({"loadProfile": profile}))).unwrap()
    };
    let mut read = |file: &str| match file {
        "rate.csv" => Ok("second,rps\n0,10\n30,20\n".to_string()),
        "late.csv" => Ok("0,10\n61,20\n".to_string()),
        "bad.csv" => Ok("0;10\n".to_string()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let scenario = document("rate.csv").parse_with(&mut read).unwrap();
    assert_eq!(scenario.to_value()["loadProfile"]["points"][1], json!({"second": 30, "rps": 20}));
    let mut fault = |file| {
        let faults = document(file).parse_with(&mut read).unwrap_err().faults;
        assert_eq!(faults.len(), 1);
        faults[0].to_string()
    };
    assert_eq!(fault("none"), r#"loadProfile.file: "none" cannot be read: entity not found"#);
    assert_eq!(
        fault("bad.csv"),
        r#"loadProfile.file[line 1]: "bad.csv": "0;10" is not `second,rps`"#
    );
    assert_eq!(
        fault("late.csv"),
        "loadProfile.points[1].second: runs to second 61, past the run's end at second 60"
    );
}

#[test]
fn every_bad_line_of_a_replay_is_listed_up_to_a_bound() {
    let profile = json!({"type": "REPLAY", "file": "rate.csv"});
    let document = Document::from_value(with(json!({"loadProfile": profile}))).unwrap();
    let faults = |text: String| {
        document.parse_with(&mut |_| Ok(text.clone())).unwrap_err().faults.into_iter()
    };
    let paths: Vec<_> =
        faults("0,10\nx,1\n5;20\n9,9\n\n7\n".into()).map(|fault| fault.path).collect();
    assert_eq!(paths, [2, 3, 6].map(|line| format!("loadProfile.file[line {line}]")));
    let many: Vec<_> = faults("bad\n".repeat(1_000)).collect();
    assert_eq!(many.len(), 101);
    assert_eq!(many[100].message, "and 900 more faults, which are not listed");
}

#[test]
fn steps_say_how_long_they_last() {
    let steps = |steps: Value| json!({"name": "n", "targetUrl": "http://a/", "loadProfile": {"type": "STEPS", "steps": steps}});
    let two = json!([{"durationSeconds": 1.5, "rps": 5}, {"durationSeconds": 2, "rps": 0}]);
    let scenario = valid(steps(two.clone()));
    assert_eq!(scenario.duration, Duration::from_millis(3_500));
    assert_eq!(valid(scenario.to_value()), scenario);
    let mut given = steps(two);
    given["durationSeconds"] = json!(10);
    assert_eq!(
        faults(given),
        ["loadProfile.steps: the steps last 3.5 s together, the run 10 s; make them equal"]
    );
    assert_eq!(
        faults(steps(json!([{"durationSeconds": 604_801, "rps": 5}]))),
        ["durationSeconds: the steps last 604801 s together, out of range; \
          give seconds above 0, at most 604800"]
    );
    assert_eq!(
        faults(steps(
            json!([{"durationSeconds": -1, "rps": 5}, {"durationSeconds": 2, "rps": -5}])
        )),
        [
            "loadProfile.steps[0].durationSeconds: -1 is not a duration; give seconds above 0",
            "loadProfile.steps[1].rps: -5 is not a rate; give 0 to 1000000000 requests per second"
        ]
    );
    for none in [json!(null), json!([]), json!([5]), json!("x")] {
        assert_eq!(faults(steps(none)).len(), 1);
    }
    let constant = json!({"name": "n", "targetUrl": "http://a/", "loadProfile": {"type": "CONSTANT", "initialRps": 1}});
    assert_eq!(faults(constant), ["durationSeconds: is missing"]);
}

#[test]
fn what_a_report_shows_for_a_secret_is_found() {
    let headers = json!({
        "Authorization": "[redacted]", "a b": " [redacted] ", "Cookie": ["a=b", "[redacted]"],
        "Accept": "redacted"
    });
    let document = Document::from_value(with(json!({"headers": headers}))).unwrap();
    let faults = document.redacted();
    let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["headers.Authorization", "headers.\"a b\"", "headers.Cookie[1]"]);
    let expected = "[redacted] stands in a report for a secret; give the secret itself";
    assert_eq!(faults[0].message, expected);
    assert_eq!(Document::from_value(minimal()).unwrap().redacted(), []);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_document() {
    let text = format!("\u{feff}{}", minimal());
    assert_eq!(Scenario::from_json(&text), Ok(valid(minimal())));
    #[cfg(feature = "yaml")]
    assert_eq!(Scenario::from_yaml(&text), Ok(valid(minimal())));
}

#[test]
fn options_replace_fields_before_anything_is_judged() {
    let ramp = json!({"type": "RAMP", "initialRps": 1, "targetRps": 2});
    let mut document = Document::from_value(with(json!({"loadProfile": ramp}))).unwrap();
    document.set("durationSeconds", 10).add_header("A", "1").add_header("A", "2");
    document.set_body(&[0xff, 0x00]);
    let scenario = document.parse().unwrap();
    assert_eq!(scenario.to_value()["loadProfile"]["rampUpSeconds"], 10);
    assert_eq!(scenario.to_value()["headers"]["A"], json!(["1", "2"]));
    assert_eq!(scenario.to_value()["bodyBase64"], "/wA=");
    assert_eq!(valid(scenario.to_value()), scenario);
    document.set_body(b"text");
    assert_eq!(&document.parse().unwrap().body[..], b"text");

    assert_eq!(default_name(&format!("http://a/{}", "x".repeat(300))).chars().count(), 200);
    assert_eq!(default_name(" "), "unnamed");
}

#[test]
fn the_examples_of_the_contract() {
    let burst = valid(json!({
        "name": "Marketing Campaign Launch", "targetUrl": "https://api.example.com/register",
        "method": "POST", "durationSeconds": 120, "numWorkers": 5,
        "loadProfile": {"type": "BURST", "initialRps": 500, "bursts": [
            {"startSecond": 30, "durationSeconds": 10, "rps": 5000},
            {"startSecond": 70, "durationSeconds": 10, "rps": 8000}]},
    }));
    let profile = burst.load.profile().unwrap();
    assert_eq!(profile.demand(120.0), 100.0 * 500.0 + 10.0 * 5_000.0 + 10.0 * 8_000.0);
    assert_eq!(burst.max_backlog, Some(80_000));
    let ramp = valid(json!({
        "name": "Black Friday Simulation", "targetUrl": "https://api.shop.com/checkout",
        "method": "POST", "body": "{\"items\": [1, 2, 3]}", "durationSeconds": 300,
        "headers": {"Content-Type": "application/json", "Authorization": "Bearer token123"},
        "numWorkers": 10,
        "loadProfile": {"type": "RAMP", "initialRps": 100, "targetRps": 5000, "rampUpSeconds": 180},
    }));
    let demand = 180.0 * 2_550.0 + 120.0 * 5_000.0;
    assert!((ramp.load.profile().unwrap().demand(300.0) - demand).abs() < 1e-6);
}

#[cfg(feature = "yaml")]
#[test]
fn yaml_says_the_same() {
    let yaml = "
name: n
targetUrl: http://a/
durationSeconds: 60
headers: {B: x, A: y}
loadProfile:
  type: CONSTANT
  initialRps: 5e2
";
    let json = with(json!({
        "headers": {"B": "x", "A": "y"},
        "loadProfile": {"type": "CONSTANT", "initialRps": 500},
    }));
    assert_eq!(Scenario::from_yaml(yaml).unwrap(), valid(json));

    let error = |text: &str| Scenario::from_yaml(text).unwrap_err().to_string();
    let nan = error("name: n\ntargetUrl: http://a/\ndurationSeconds: .nan\nwarmupSeconds: -.inf\n");
    assert!(nan.contains("durationSeconds: expected a number, found text \".nan\""), "{nan}");
    assert!(nan.contains("warmupSeconds: expected a number, found text \"-.inf\""), "{nan}");
    let syntax = error("name: [\n");
    assert!(syntax.contains("not valid YAML") && syntax.contains("line"), "{syntax}");
    assert!(error("a: \"b\nc: 1\n").contains("not valid YAML"));
}

#[cfg(feature = "yaml")]
#[test]
fn what_is_wrong_with_yaml_is_told_in_our_words() {
    let error = |text: &str| {
        let error = Scenario::from_yaml(text).unwrap_err().to_string();
        let start = "the scenario has 1 fault:\n  the document is not valid YAML: ";
        error.strip_prefix(start).unwrap_or_else(|| panic!("{error}")).to_owned()
    };
    let twice = "field \"name\" is given twice at line 2 column 1";
    assert_eq!(error("name: a\nname: b\n"), twice);
    assert_eq!(
        error("name: a\n---\nname: b\n"),
        "there is more than one document; give one at line 3 column 1"
    );
    let deepest = Scenario::from_yaml(&format!("{}{}", "[".repeat(64), "]".repeat(64)));
    assert!(deepest.unwrap_err().to_string().contains("a scenario is an object, found a list"));
    for deep in ["[".repeat(100_000), format!("{}1", "- ".repeat(100))] {
        assert!(
            error(&deep).starts_with("it is nested more than 64 deep at line 1"),
            "{}",
            error(&deep)
        );
    }
    let many = "it has more than 250000 names and values, aliases written out; give it as JSON";
    let long = format!("tags: [{}]", "1,".repeat(250_000));
    // Each line stands for ten times the line before it.
    let mut doubling = String::from("a: &a 1\n");
    for (name, before) in ["b", "c", "d", "e", "f", "g"].iter().zip(["a", "b", "c", "d", "e", "f"])
    {
        doubling += &format!("{name}: &{name} [{}]\n", format!("*{before},").repeat(10));
    }
    for large in [long, doubling] {
        assert!(error(&large).starts_with(many), "{}", error(&large));
    }
    let aliases = error(&format!("a: &a 1\ntags: [{}]", "*a,".repeat(101)));
    assert!(aliases.starts_with("its anchors and aliases (&name, *name)"), "{aliases}");
    assert!(error("name: *nobody\n").starts_with("reference to unknown value"));
}

/// Values of any kind, with names and texts that mean something now and then.
fn anything() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "name",
        "targetUrl",
        "http://a/",
        "headers",
        "body",
        "bodyBase64",
        "durationSeconds",
        "loadProfile",
        "type",
        "BURST",
        "SPIKE",
        "STEPS",
        "SINE",
        "REPLAY",
        "RAMP",
        "CONSTANT",
        "initialRps",
        "targetRps",
        "bursts",
        "steps",
        "points",
        "file",
        "second",
        "rps",
        "sla",
        "rule",
        "p99<250ms",
        "startSecond",
        "tags",
        "arrivals",
        "POISSON",
        "seed",
        "connections",
        "amplitudeRps",
        "periodSeconds",
        "spikeStartSecond",
        "spikeDurationSeconds",
        "maxBacklog",
    ]);
    let text = prop_oneof![word.prop_map(String::from), ".{0,8}".prop_map(String::from)];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0u32..100).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..12)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// A valid document with some of its values, at any depth, replaced.
fn nearly_valid() -> impl Strategy<Value = Value> {
    let types = prop::sample::select(vec![
        json!({"type": "CONSTANT", "initialRps": 5}),
        json!({"type": "RAMP", "initialRps": 5, "targetRps": 9}),
        json!({"type": "BURST", "initialRps": 5, "bursts": [{"startSecond": 1, "durationSeconds": 2, "rps": 3}]}),
        json!({"type": "SPIKE", "initialRps": 5, "targetRps": 9}),
        json!({"type": "STEPS", "steps": [{"durationSeconds": 60, "rps": 3}]}),
        json!({"type": "SINE", "initialRps": 5, "amplitudeRps": 9, "periodSeconds": 7}),
        json!({"type": "REPLAY", "points": [{"second": 1, "rps": 3}, {"second": 2, "rps": 0}]}),
    ]);
    let number = prop_oneof![any::<f64>(), 0.0..100.0f64, Just(0.0)];
    let replaced =
        prop::collection::vec((any::<prop::sample::Index>(), number, any::<bool>()), 0..4);
    (types, replaced, anything()).prop_map(|(profile, replaced, other)| {
        let mut document = with(json!({
            "loadProfile": profile, "warmupSeconds": 1, "seed": 1, "connections": 9, "maxBacklog": 5,
            "timeoutSeconds": 1, "headers": {"A": "b"}, "tags": ["t"], "sla": ["p99<1s"],
            "checks": [{"status": 200}, {"header": "a", "is": "b"}, {"bodyContains": "c"},
                {"bodyBytes": {"atLeast": 1, "atMost": 9}}, "status==2xx"],
        }));
        for (index, number, whole) in replaced {
            let mut places = Vec::new();
            numbers(&mut document, &mut places);
            let place = index.get(&places).clone();
            if let Some(value) = document.pointer_mut(&place) {
                *value = if whole { other.clone() } else { number.into() };
            }
        }
        document
    })
}

/// Where the leaves of a document are.
fn numbers(document: &mut Value, places: &mut Vec<String>) {
    fn walk(value: &Value, place: String, places: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| walk(value, format!("{place}/{key}"), places));
            }
            Value::Array(list) => {
                let each = |(i, value)| walk(value, format!("{place}/{i}"), places);
                list.iter().enumerate().for_each(each);
            }
            _ => places.push(place),
        }
    }
    walk(document, String::new(), places);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_value_is_too_strange(value in anything()) {
        if let Err(error) = Scenario::from_value(value) {
            prop_assert!(!error.faults.is_empty());
        }
    }

    #[test]
    fn no_text_is_too_strange(text in ".{0,64}", json in "[\\[\\]{}\":,0-9a-z\\\\.-]{0,64}") {
        let _ = (Scenario::from_json(&text), Scenario::from_json(&json));
        #[cfg(feature = "yaml")]
        let _ = (Scenario::from_yaml(&text), Scenario::from_yaml(&json));
    }

    #[test]
    fn a_scenario_written_and_read_again_is_the_same(value in nearly_valid()) {
        match Scenario::from_value(value) {
            Err(error) => prop_assert!(!error.faults.is_empty()),
            Ok(scenario) => {
                let text = scenario.to_value().to_string();
                prop_assert_eq!(Scenario::from_json(&text), Ok(scenario));
            }
        }
    }
}
