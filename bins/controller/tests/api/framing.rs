//! Tests what is wrong with a request on the wire: it is refused, it hurts nobody else, and every answer
//! is one that a browser is careful with.

use crate::support::Api;
use crate::wire::{Served, is_problem, served, served_by, told};
use axum::http::Method;
use loadcore_controller::doorstep::seats::Bounds;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(60);
const GOOD: &[u8] = b"GET /actuator/health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The status of the first answer; `None` where the connection ends without one.
async fn status(server: &Served, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(server.0).await.unwrap();
    // One that is refused early is closed over the rest.
    let _ = stream.write_all(bytes).await;
    let mut line = Vec::new();
    let reads = async {
        while !line.ends_with(b"\r\n") {
            match stream.read_u8().await {
                Ok(byte) => line.push(byte),
                Err(_) => return,
            }
        }
    };
    timeout(PATIENCE, reads)
        .await
        .unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(bytes)));
    String::from_utf8_lossy(&line).split(' ').nth(1).and_then(|it| it.parse().ok())
}

/// Requests that are none, or that could be read in two ways.
fn bad_requests() -> Vec<Vec<u8>> {
    let post = |fields: &str, body: &str| {
        format!("POST /api/v1/scenarios HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n{body}")
    };
    let get =
        |fields: &str| format!("GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n");
    let line = |line: &str| format!("{line}\r\nHost: localhost\r\n\r\n");
    let chunked = |body: &str| post("Transfer-Encoding: chunked", body);
    let long = "x".repeat(200_000);
    let mut all = vec![
        // Lengths.
        post("Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\nContent-Length: 2", "0\r\n\r\n"),
        post("Content-Length: 2\r\nContent-Length: 3", "{} "),
        post("Content-Length: 2\r\nContent-Length: 2", "{}"),
        post("Content-Length: 2, 3", "{} "),
        post("Content-Length: +2", "{}"),
        post("Content-Length: -2", "{}"),
        post("Content-Length: 0x2", "{}"),
        post("Content-Length: 2 3", "{} "),
        post("Content-Length: 99999999999999999999", "{}"),
        post("Content-Length:", "{}"),
        post("Content-Length : 2", "{}"),
        post("Content-Length\t: 2", "{}"),
        post(" Content-Length: 2", "{}"),
        post("X: a\r\n Content-Length: 2", "{}"),
        post("Transfer-Encoding: identity", "{}"),
        post("Transfer-Encoding: gzip", "{}"),
        post("Transfer-Encoding: chunked, gzip", "{}"),
        post("Transfer-Encoding: xchunked", "0\r\n\r\n"),
        post("Transfer-Encoding : chunked", "0\r\n\r\n"),
        "POST /api/v1/scenarios HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
        // Chunks.
        chunked("nonsense\r\n"),
        chunked("-1\r\n{}\r\n0\r\n\r\n"),
        chunked("2\r\n{}x\r\n0\r\n\r\n"),
        chunked("ffffffffffffffffff\r\n{}"),
        chunked("\r\n\r\n"),
        chunked(&format!("2;{long}\r\n{{}}\r\n0\r\n\r\n")),
        chunked(&format!("2\r\n{{}}\r\n0\r\nX: {long}\r\n\r\n")),
        // Ends of lines, and what stands within them.
        "GET /api/v1/runs HTTP/1.1\nHost: localhost\n\n".into(),
        "GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n\n".into(),
        "GET /api/v1/runs HTTP/1.1\rHost: localhost\r\r".into(),
        get("X: a\nY: b"),
        get("X: a\rY: b"),
        get("X: a\0b"),
        get("X\0: a"),
        get("X: a\u{1}b"),
        get("X: a\u{7f}b"),
        get("X Y: a"),
        get("X(: a"),
        get("X\u{e9}: a"),
        get(": a"),
        get("no colon"),
        get(" folded: a"),
        // Hosts.
        "GET /api/v1/runs HTTP/1.1\r\n\r\n".into(),
        "GET /api/v1/runs HTTP/1.1\r\nX: a\r\n\r\n".into(),
        get("Host: localhost"),
        get("hOST: evil.test"),
        "GET /api/v1/runs HTTP/1.1\r\nHost: evil.test\r\n\r\n".into(),
        "GET /api/v1/runs HTTP/1.1\r\nHost: evil.test@localhost\r\n\r\n".into(),
        "GET /api/v1/runs HTTP/1.1\r\nHost: localhost@evil.test\r\n\r\n".into(),
        line("GET http://evil.test/api/v1/runs HTTP/1.1"),
        line("GET http://localhost@evil.test/api/v1/runs HTTP/1.1"),
        line("GET http://evil.test:80 HTTP/1.1"),
        // First lines.
        line("CONNECT evil.test:80 HTTP/1.1"),
        line("CONNECT localhost:80 HTTP/1.1"),
        line("OPTIONS * HTTP/1.1"),
        line("TRACE /api/v1/runs HTTP/1.1"),
        line("GET HTTP/1.1"),
        line("GET  /api/v1/runs HTTP/1.1"),
        line("GET /api/v1/runs  HTTP/1.1"),
        line("GET /api/v1/ru ns HTTP/1.1"),
        line("GET /api/v1/runs HTTP/1.1 "),
        line("GET /api/v1/runs HTTP/1.2x"),
        line("GET /api/v1/runs HTTP/0.9"),
        line("GET /api/v1/runs http/1.1"),
        line("GET /api/v1/runs"),
        line("G(T /api/v1/runs HTTP/1.1"),
        line("GET /api/v1/runs\0 HTTP/1.1"),
        line("GET \\api\\v1\\runs HTTP/1.1"),
        line("GET api/v1/runs HTTP/1.1"),
        line("GET //evil.test/api/v1/runs HTTP/1.1"),
        line("GET /api/v1/../../etc/passwd HTTP/1.1"),
        line("GET /api/v1/runs/%00 HTTP/1.1"),
        line("GET /api/v1/runs/%0d%0aX:%20y HTTP/1.1"),
        line("GET /api/v1/runs/%ff HTTP/1.1"),
        line(&format!("GET /{long} HTTP/1.1")),
        line(&format!("{long} / HTTP/1.1")),
        get(&format!("X: {long}")),
        get(&format!("{long}: a")),
        get(&"X: a\r\n".repeat(150)),
        // Other protocols.
        "SSH-2.0-OpenSSH_9.9\r\n".into(),
        "EHLO evil.test\r\n".into(),
        "*1\r\n$4\r\nPING\r\n".into(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame of it".into(),
        "PRI * HTTP/2.0\r\n\r\nnonsense nonsense nonsense".into(),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect::<Vec<_>>();
    all.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS handshake\r\n\r\n".to_vec());
    all.push(b"\xff\xfe\xfd\r\n\r\n".to_vec());
    all.push(b"GET /\xc3\x28 HTTP/1.1\r\nHost: localhost\r\nContent-Length: \xb2\r\n\r\n".to_vec());
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_good_request_is_refused_and_the_next_one_answered() {
    let api = Api::new().await;
    let server = served(&api).await;
    let mut wrong = Vec::new();
    for bytes in bad_requests() {
        // By what it is, and not by the end of a wait.
        let begun = Instant::now();
        let told = status(&server, &bytes).await;
        let next = status(&server, GOOD).await;
        let in_time = begun.elapsed() < Duration::from_secs(9);
        if !matches!(told, None | Some(400..=499)) || next != Some(200) || !in_time {
            let asked: String = String::from_utf8_lossy(&bytes).chars().take(160).collect();
            wrong.push(format!("{told:?}, and then {next:?}: {asked:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(api.get("/api/v1/scenarios").await.json()["items"], json!([]));
}

/// What one reader takes for a body and the other for a request is answered once, and that is all.
#[tokio::test]
async fn no_request_is_smuggled_in_another() {
    let api = Api::new().await;
    let server = served(&api).await;
    let inner = "GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (fields, body, why) in [
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "0\r\n\r\n",
            "both Content-Length and Transfer-Encoding",
        ),
        ("Content-Length: 0\r\nContent-Length: 0", "", "more than one Content-Length"),
        ("X: a\nContent-Length: 0", "", "a line of its head ends without CR"),
        ("Host: localhost", "", "more than one Host"),
    ] {
        let text = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n{body}{inner}");
        let told = told(&server, text.as_bytes()).await;
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{told}");
        let detail = is_problem(&told, 400, "refused")["detail"].to_string();
        assert!(detail.contains(why), "{detail}");
    }
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Requests of HTTP/2 that are taken back as soon as they are made cost a server work and their client
/// nothing ("rapid reset").
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_requests_back_all_the_time_is_left() {
    let api = Api::new().await;
    let server = served(&api).await;
    let (mut read, mut write) = TcpStream::connect(server.0).await.unwrap().into_split();
    let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    begin.extend(frame(4, 0, 0, &[]));
    write.write_all(&begin).await.unwrap();
    let mut head = [0; 9];
    read.read_exact(&mut head).await.unwrap();
    let mut settings = vec![0; usize::from(head[2])];
    read.read_exact(&mut settings).await.unwrap();
    let said = |setting: u8, value: u32| {
        settings.chunks(6).any(|it| it[1] == setting && it[2..] == value.to_be_bytes())
    };
    assert!(said(3, 64) && said(6, 65_536), "streams at once, and bytes of fields: {settings:?}");

    // GET / of localhost, in fields that every client knows, and RST_STREAM with CANCEL.
    let fields = [&[0x82, 0x86, 0x84, 0x41, 9], &b"localhost"[..]].concat();
    let taken_back = (0..5_000).map(|i| 2 * i + 1).flat_map(|stream| {
        [frame(1, 5, stream, &fields), frame(3, 0, stream, &8u32.to_be_bytes())].concat()
    });
    let taken_back: Vec<u8> = taken_back.collect();
    let sends = tokio::spawn(async move {
        let _ = write.write_all(&taken_back).await;
        write
    });
    let mut told = Vec::new();
    let ends = timeout(PATIENCE, read.read_to_end(&mut told)).await;
    assert!(ends.is_ok(), "it is ended: {} bytes were told", told.len());
    drop(sends);
    assert_eq!(status(&server, GOOD).await, Some(200));
}

/// What every answer has, and what none has.
fn is_careful(head: &str, asked: &str) {
    let head = head.to_ascii_lowercase();
    // A page may be kept by who asks each time whether it has changed; nothing else may.
    let kept = if asked.starts_with("GET / ") { "no-cache" } else { "no-store" };
    for line in [
        &format!("cache-control: {kept}"),
        "cross-origin-resource-policy: same-origin",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{asked} lacks {line}: {head}");
    }
    assert_eq!(head.matches("\r\ncontent-security-policy: ").count(), 1, "{asked}: {head}");
    assert!(
        head.contains("default-src 'none'") && head.contains("frame-ancestors 'none'"),
        "{head}"
    );
    assert!(!head.contains("unsafe-") && !head.contains("\r\naccess-control-"), "{asked}: {head}");
    assert!(
        !head.contains("\r\nserver:") && !head.contains("\r\nx-powered-by:"),
        "{asked}: {head}"
    );
}

#[tokio::test]
async fn every_answer_is_one_that_a_browser_is_careful_with() {
    let api = Api::new().await;
    let server = served(&api).await;
    let head = |first: &str, more: &str| {
        format!("{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
    };
    let stream = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n";
    let preflight = "Origin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n\
                     Access-Control-Request-Headers: content-type\r\n";
    for asked in [
        head("GET /", ""),
        head("GET /openapi.json", ""),
        head("GET /metrics", ""),
        head("GET /actuator/health", ""),
        head("GET /api/v1/scenarios", "Origin: http://localhost\r\n"),
        head("GET /api/v1/scenarios", "Origin: https://evil.test\r\n"),
        head("GET /api/v1/nothing", ""),
        head("DELETE /api/v1/scenarios", ""),
        head("GET /api/v1/runs/none/stream", stream),
        head("OPTIONS /api/v1/scenarios", preflight),
        head("HEAD /api/v1/runs", ""),
        head("GET /api/v1/runs", "no colon\r\n"),
        format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(70_000)),
    ] {
        let told = told(&server, asked.as_bytes()).await;
        let asked = asked.lines().next().unwrap_or_default();
        let (head, _) = told.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{asked}: {told}"));
        is_careful(&format!("{head}\r\n"), &asked.chars().take(60).collect::<String>());
        assert!(!head.contains("strict-transport-security"), "it came without TLS");
        if asked.starts_with("OPTIONS") {
            assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
        }
    }
    let page = api.get("/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'; style-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.ends_with("frame-ancestors 'none'"), "{policy}");
    let listed = api.call(Method::GET, "/api/v1/runs", None).await;
    let policy = listed.header("content-security-policy");
    assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
}

/// Where all seats are taken by connections that ask for nothing, whoever asks is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_ask_for_nothing_keep_nobody_out() {
    let api = Api::new().await;
    let server = served_by(&api, |door| door, Bounds { most: 20, from_one: None }).await;
    let mut silent = Vec::new();
    for i in 0..60 {
        let mut stream = TcpStream::connect(server.0).await.unwrap();
        let begin =
            &b"POST /api/v1/scenarios HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"[..];
        // Some say nothing, some a part of a head, some a part of a body.
        let _ = stream.write_all(&begin[..[0, 20, begin.len()][i % 3]]).await;
        silent.push(stream);
        assert_eq!(status(&server, GOOD).await, Some(200), "after {i}");
    }
    let mut closed = 0;
    for stream in &mut silent {
        let ended = timeout(Duration::from_millis(20), stream.read(&mut [0; 1_024])).await;
        closed += usize::from(ended.is_ok());
    }
    assert!(closed >= 40, "{closed} of 60 were closed, and 20 may be open");
}
