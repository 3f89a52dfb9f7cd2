//! Tests that what would break out of a request, into its head or into another one, is refused with its
//! place, and that nothing of it is ever sent.

use crate::live::started;
use crate::support::{Api, scenario};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// What ends lines, texts and fields, alone and with what an attacker would have behind it.
const BREAKS: [&str; 8] = [
    "\r\n",
    "\r",
    "\n",
    "\0",
    "\r\nX-Injected: 1",
    "\r\n\r\nGET /evil HTTP/1.1\r\n",
    "\u{b}",
    "\u{7f}",
];

/// A place in a scenario and a fault at it: what is changed, and the path that has to be named.
type Input = (Value, String);

fn one(path: &str, change: Value) -> Input {
    (change, path.into())
}

fn named(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

/// Each place where a text becomes a part of what is sent, with `bad` in it.
fn broken_by(bad: &str, url: &str) -> Vec<Input> {
    let text = format!("a{bad}b");
    let in_mix = |mut request: Value| {
        let fields = request.as_object_mut().unwrap();
        fields.entry("name").or_insert("one".into());
        json!({"mix": [request], "method": null})
    };
    vec![
        one("targetUrl", json!({"targetUrl": format!("{url}/{text}")})),
        one("targetUrl", json!({"targetUrl": format!("{url}/?q={text}")})),
        one("targetUrl", json!({"targetUrl": format!("{url}/#{text}")})),
        one("targetUrl", json!({"targetUrl": format!("http://{text}/")})),
        one("targetUrl", json!({"targetUrl": format!("{url}{text}/")})),
        one("method", json!({"method": format!("GET{bad}")})),
        one("host", json!({"host": text})),
        one("headers", json!({"headers": named(&text, "x".into())})),
        one("headers.X-A", json!({"headers": {"X-A": text}})),
        one("headers.X-A[1]", json!({"headers": {"X-A": ["fine", text]}})),
        one("headers.Host", json!({"headers": {"Host": text}})),
        one("cookies", json!({"cookies": named(&text, "x".into())})),
        one("cookies.a", json!({"cookies": {"a": text}})),
        one(
            "form[0].contentType",
            json!({"form": [{"name": "f", "value": "x", "contentType": text}]}),
        ),
        one("form[0].fileName", json!({"form": [{"name": "f", "value": "x", "fileName": text}]})),
        one("form[0].name", json!({"form": [{"name": text, "value": "x"}]})),
        one("mix[0].url", in_mix(json!({"url": format!("/{text}")}))),
        one("mix[0].url", in_mix(json!({"url": format!("{url}/{text}")}))),
        one("mix[0].method", in_mix(json!({"method": text}))),
        one("mix[0].headers", in_mix(json!({"headers": named(&text, "x".into())}))),
        one("mix[0].headers.X-A", in_mix(json!({"headers": {"X-A": text}}))),
        one("mix[0].name", in_mix(json!({"name": text}))),
        one("proxy", json!({"proxy": format!("{url}{bad}")})),
        one("proxy", json!({"proxy": url.replacen("://", &format!("://u{bad}:p@"), 1)})),
        one("connectTo[0]", json!({"connectTo": [format!("a:80:{text}:81")]})),
        one("connectTo[0]", json!({"connectTo": [format!("{text}:80:127.0.0.1:81")]})),
        one("observe[0].url", json!({"observe": [format!("{url}/{text}")]})),
        one("observe[0].name", json!({"observe": [{"name": text, "url": url}]})),
        one(
            "alerts[0].url",
            json!({"alerts": [{"type": "webhook", "url": format!("{url}/{text}")}]}),
        ),
        one("checks[0].header", json!({"checks": [{"header": text}]})),
        one("checks[0].header", json!({"checks": [{"header": "x", "is": text}]})),
        one("name", json!({"name": text})),
        one("tags[0]", json!({"tags": [text]})),
        one("unixSocket", json!({"unixSocket": format!("/run/{text}")})),
    ]
}

/// Fields that say how a message is framed or what becomes of its connection, alone and in a mix.
fn framing() -> Vec<Input> {
    let fields = [
        ("Content-Length", "5"),
        ("content-length", "0"),
        ("CONTENT-LENGTH", "-1"),
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("Connection", "close"),
        ("connection", "X-A"),
        ("Upgrade", "h2c"),
        ("upgrade", "websocket"),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
        ("Trailer", "X-A"),
        ("Expect", "100-continue"),
        ("TE", "gzip"),
        ("te", "trailers, chunked"),
        ("Host", "a b"),
        ("Host", "user@a"),
        ("Host", "a/b"),
        ("Host", "a:99999"),
        ("Host", ""),
        ("Content-Length ", "5"),
        (" Content-Length", "5"),
        ("Content-Length:", "5"),
        ("Transfer Encoding", "chunked"),
        ("Transfer-Encoding\t", "chunked"),
        ("X: y", "z"),
        (":authority", "a"),
        ("X\u{e9}", "a"),
        ("X\u{212a}", "a"),
        ("", "a"),
        ("(X)", "a"),
        ("X\"", "a"),
    ];
    let fields = fields.into_iter().flat_map(|(name, value)| {
        let headers = json!({"headers": named(name, value.into())});
        let mut request = headers.clone();
        request["name"] = "one".into();
        let listed = json!({"headers": named(name, json!([value]))});
        [
            one("headers", headers),
            one("headers", listed),
            one("mix[0].headers", json!({"mix": [request]})),
        ]
    });
    fields.chain(twice()).collect()
}

fn twice() -> Vec<Input> {
    vec![
        one("headers.Host", json!({"headers": {"Host": ["a", "b"]}})),
        one("headers.Host", json!({"headers": {"Host": "a", "hOST": "a"}})),
        one("host", json!({"host": "a", "headers": {"host": "b"}})),
        one("cookies", json!({"cookies": {"a": "b"}, "headers": {"Cookie": "c=d"}})),
        one("cookies.a", json!({"cookies": {"a": "b; admin=1"}})),
        one("cookies", json!({"cookies": {"a=b; c": "d"}})),
        one("cookies", json!({"cookies": {"a b": "d"}})),
        one("headers.X-A", json!({"headers": {"X-A": {"b": "c"}}})),
        one("headers.X-A[0]", json!({"headers": {"X-A": [["a"]]}})),
        one("headers.X-A", json!({"headers": {"X-A": "folded\r\n value"}})),
    ]
}

/// URLs that seem to lead elsewhere than they do, or nowhere.
fn tricks(url: &str) -> Vec<Input> {
    let port = url.rsplit(':').next().unwrap();
    [
        format!("http://evil@127.0.0.1:{port}/"),
        format!("http://evil.test:80@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@evil.test/"),
        format!("http://a%0d%0ab:{port}/"),
        format!("http://127.0.0.1:{port} /"),
        format!("http://127.0.0.1:{port}%20/"),
        format!("http://127.0.0.1:{port}\t/"),
        format!(" http://127.0.0.1:{port}/"),
        format!("http:/127.0.0.1:{port}/"),
        format!("http:127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("ws://127.0.0.1:{port}/"),
        format!("gopher://127.0.0.1:{port}/_GET%20/"),
        format!("file://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:0{port}0/"),
        format!("http://[127.0.0.1]:{port}/"),
        format!("http://[::1%25lo]:{port}/"),
        format!("http://:{port}/"),
        "http:///".into(),
        "http://?".into(),
        "javascript:alert(1)".into(),
        "unix:/run/docker.sock:/containers/json".into(),
    ]
    .into_iter()
    .flat_map(|url| {
        [
            one("targetUrl", json!({"targetUrl": url})),
            one("observe[0].url", json!({"observe": [url]})),
            one("alerts[0].url", json!({"alerts": [{"type": "webhook", "url": url}]})),
        ]
    })
    .collect()
}

fn oversize(url: &str) -> Vec<Input> {
    let long = |bytes: usize| "x".repeat(bytes);
    let many: Map<_, _> = (0..257).map(|i| (format!("x-{i}"), "a".into())).collect();
    vec![
        one("targetUrl", json!({"targetUrl": format!("{url}/{}", long(16_384))})),
        one("method", json!({"method": long(65)})),
        one("headers", json!({"headers": named(&long(257), "a".into())})),
        one("headers", json!({"headers": named(&long(70_000), "a".into())})),
        one("headers.X-A", json!({"headers": {"X-A": long(65_537)}})),
        one("headers", json!({"headers": many})),
        one("headers", json!({"headers": {"X-A": vec!["a"; 257]}})),
        one("host", json!({"host": long(256)})),
        one("host", json!({"host": long(70_000)})),
        one("headers.Host", json!({"headers": {"Host": format!("{}:80", long(256))}})),
        one("connectTo[0]", json!({"connectTo": [format!("a:1:{}:1", long(256))]})),
        one("cookies", json!({"cookies": {"a": long(65_536)}})),
        one("mix[0].url", json!({"mix": [{"name": "one", "url": format!("/{}", long(16_384))}]})),
        one(
            "mix[0].url",
            json!({"mix": [{"name": "one", "url": format!("{url}/{}", long(16_384))}]}),
        ),
        one("mix[0].name", json!({"mix": [{"name": long(101)}]})),
        one("mix", json!({"mix": vec![json!({"name": "one"}); 101]})),
        one("proxy", json!({"proxy": format!("{url}/{}", long(16_384))})),
        one("connectTo", json!({"connectTo": vec!["::a:1"; 101]})),
        one("observe[0].url", json!({"observe": [format!("{url}/{}", long(16_384))]})),
        one(
            "alerts[0].url",
            json!({"alerts": [{"type": "webhook", "url": format!("{url}/{}", long(16_384))}]}),
        ),
        one("checks[0].header", json!({"checks": [{"header": long(257)}]})),
        one("checks[0].header", json!({"checks": [{"header": "x", "is": long(65_537)}]})),
        one("name", json!({"name": long(201)})),
        one("notes", json!({"notes": long(100_001)})),
        one("bodyBase64", json!({"bodyBase64": "not base64\r\n"})),
    ]
}

/// Every input, each posted to be started at once and to be looked at alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_breaks_out_of_a_request_is_sent() {
    let api = Api::with_workers(1).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut inputs: Vec<Input> = BREAKS.iter().flat_map(|bad| broken_by(bad, &url)).collect();
    inputs.extend(framing());
    inputs.extend(tricks(&url));
    inputs.extend(oversize(&url));
    assert!(inputs.len() > 400, "{}", inputs.len());
    let mut wrong = Vec::new();
    for (change, path) in inputs {
        let mut document = scenario(json!({"targetUrl": url, "autoStart": true}));
        for (field, value) in change.as_object().unwrap() {
            document[field] = value.clone();
        }
        for route in ["/api/v1/scenarios", "/api/v1/scenarios/validate"] {
            let answer = api.post(route, &document).await;
            let told = answer.json();
            let faults = told["faults"].as_array().cloned().unwrap_or_default();
            let at_its_place = |fault: &Value| {
                let told = fault["path"].as_str().unwrap_or_default();
                told.starts_with(&path)
                    && fault["message"].as_str().is_some_and(|it| !it.is_empty())
            };
            // Who only looks at a scenario is told what is wrong with it, and not refused.
            let is_refused = match route.ends_with("validate") {
                true => answer.status == 200 && told["valid"] == false,
                false => answer.status == 422,
            };
            if !is_refused || !faults.iter().any(at_its_place) {
                let change: String = change.to_string().chars().take(200).collect();
                let text: String = answer.text.chars().take(300).collect();
                wrong.push(format!("{route} {path} {change}\n  {} {text}", answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{} let pass or told elsewhere:\n{}", wrong.len(), wrong.join("\n"));
    for list in ["scenarios", "runs"] {
        let items = api.get(&format!("/api/v1/{list}")).await.json();
        assert_eq!(items["items"], json!([]), "{list}");
    }
    // Whatever had been started would have dialled by now.
    let dialled = timeout(Duration::from_millis(500), listener.accept()).await;
    assert!(dialled.is_err(), "nothing is dialled");
}

/// What is encoded stays so, and what is only unusual arrives as it was given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_encoded_arrives_encoded() {
    let api = Api::with_workers(1).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let path = "/a%0d%0aX-Injected:%201%0d%0a%0d%0a?q=%00%0A";
    let document = json!({
        "name": "encoded", "targetUrl": format!("{url}{path}#not\u{2d}sent"), "durationSeconds": 30,
        "loadProfile": {"type": "CONSTANT", "initialRps": 1}, "method": "POST",
        "headers": {"X-Text": "gr\u{fc}n\t\"a\"", "TE": "trailers"}, "cookies": {"a": "b c"},
        "body": "x\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n\u{0}",
    });
    let (_, run) = started(&api, &document).await;
    let read = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n\0") {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let told = timeout(Duration::from_secs(60), read).await.expect("it is sent in time");
    api.call(axum::http::Method::POST, &format!("{run}/stop"), None).await;
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    let lines: Vec<_> = head.split("\r\n").collect();
    assert_eq!(lines[0], format!("POST {path} HTTP/1.1"));
    for line in ["X-Text: gr\u{fc}n\t\"a\"", "TE: trailers", "Cookie: a=b c", "Content-Length: 37"]
    {
        assert!(lines.contains(&line), "{line}: {told}");
    }
    assert_eq!(body, document["body"]);
    assert_eq!(lines.len(), 8, "{told}");
}
