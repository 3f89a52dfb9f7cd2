//! Tests what the API says on a real connection, byte by byte: to bytes that are no request, and on
//! a WebSocket.

use crate::live::{document, reaches, started, target};
use crate::support::Api;
use loadcore_controller::doorstep::Doorstep;
use loadcore_controller::doorstep::seats::Bounds;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What a loaded machine may take for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

/// The API on a port, until it is dropped.
pub struct Served(pub SocketAddr, JoinHandle<()>, watch::Sender<bool>);

impl Drop for Served {
    fn drop(&mut self) {
        self.2.send_replace(true);
        self.1.abort();
    }
}

pub async fn served(api: &Api) -> Served {
    served_by(api, |door| door, Bounds::default()).await
}

/// The same by a door that was changed, for so many connections.
pub async fn served_by(
    api: &Api,
    change: impl FnOnce(Doorstep) -> Doorstep,
    bounds: Bounds,
) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ending) = watch::channel(false);
    let door = change(Doorstep::new(listener, bounds));
    Served(address, tokio::spawn(door.serve(api.router.clone(), ending)), end)
}

/// Sends bytes and answers all that comes until the end.
pub async fn told(server: &Served, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.0).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut told = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut told)).await;
    let read = read.unwrap_or_else(|_| {
        let asked = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
        panic!("it comes to its end: {asked:?} is told {:?}", String::from_utf8_lossy(&told))
    });
    assert!(read.is_ok(), "{read:?} after {}", String::from_utf8_lossy(&told));
    String::from_utf8(told).unwrap()
}

/// That an answer's head and body are a problem's.
pub fn is_problem(told: &str, status: u16, kind: &str) -> Value {
    let (head, body) = told.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {told:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
    assert_eq!(head.matches("content-type: application/problem+json").count(), 1, "{told}");
    assert_eq!(head.matches("content-length").count(), 1, "{told}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{told}");
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("urn:loadcore:problem:{kind}"));
    problem
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_a_problem() {
    let api = Api::new().await;
    let server = served(&api).await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(70_000));
    let headers = format!("X-Long: {}\r\n", "x".repeat(60_000)).repeat(30);
    let large = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(200));
    for (bytes, status, kind) in [
        ("nonsense\r\n\r\n", 400, "refused"),
        ("GET / HTTP/9.9\r\n\r\n", 400, "refused"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "refused"),
        ("G\u{1}T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "refused"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "refused"),
        (&long, 414, "uri-too-long"),
        (&large, 431, "headers-too-large"),
        (&many, 431, "headers-too-large"),
    ] {
        is_problem(&told(&server, bytes.as_bytes()).await, status, kind);
    }
    // The one before is answered as ever, on the same connection.
    let two = "GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n";
    let answers = told(&server, two.as_bytes()).await;
    let (first, second) = answers.split_once("nextCursor").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK"), "{answers}");
    is_problem(&second[second.find("HTTP/1.1").unwrap()..], 400, "refused");
}

/// A WebSocket without a library.
struct Raw(TcpStream);

impl Raw {
    /// The stream at a path, with a small buffer for what comes where `small`.
    async fn open(server: &Served, path: &str) -> Self {
        let mut stream = TcpStream::connect(server.0).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Self(stream)
    }

    /// Sends one frame: its first byte (whether it is the last, and of which kind), masked as a
    /// client's is.
    async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next frame: its first byte and its payload; `None` at the end.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.0.read_u8().await.ok()?;
        let length = match self.0.read_u8().await.ok()? {
            126 => self.0.read_u16().await.ok()?.into(),
            127 => self.0.read_u64().await.ok()? as usize,
            short => short.into(),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((first, payload))
    }

    /// The code and the reason of the Close that comes; `None` where the connection just ends.
    async fn close(&mut self) -> Option<(Option<u16>, String)> {
        let comes = async {
            loop {
                let (first, payload) = self.frame().await?;
                if first == 0x88 {
                    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    let reason = payload.get(2..).unwrap_or_default();
                    return Some((code, String::from_utf8_lossy(reason).into_owned()));
                }
            }
        };
        timeout(PATIENCE, comes).await.expect("a Close comes in time, or the end")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_is_answered_and_what_is_no_frame_is_told() {
    let (api, target) = (Api::with_workers(2).await, target().await);
    let server = served(&api).await;
    let (_, run) = started(&api, &document(&target, 600)).await;
    reaches(&api, &run, &["RUNNING"]).await;
    let path = format!("{run}/stream");

    let mut reader = Raw::open(&server, &path).await;
    reader.send(0x88, &[0x03, 0xe8, b'b', b'y', b'e']).await;
    assert_eq!(reader.close().await.map(|it| it.0), Some(Some(1_000)), "the code comes back");
    assert!(timeout(PATIENCE, reader.frame()).await.unwrap().is_none(), "and then the end");
    let mut reader = Raw::open(&server, &path).await;
    reader.send(0x88, &[]).await;
    assert!(reader.close().await.is_some(), "a Close without a code is answered too");

    // First bytes: 0x81 is a whole text, 0x01 one that goes on, 0x80 the end of one.
    let long = vec![b'x'; 2_000];
    for (first, payload, code) in [
        (0x83, &b""[..], 1_002),      // a kind that there is not
        (0xc1, b"reserved", 1_002),   // a bit that means nothing here
        (0x80, b"of what", 1_002),    // goes on with nothing
        (0x09, b"part", 1_002),       // a ping in parts
        (0x81, &[0xff, 0xfe], 1_007), // a text that is none
        (0x81, &long, 1_009),
        (0x82, &long, 1_009),
    ] {
        let mut reader = Raw::open(&server, &path).await;
        reader.send(first, payload).await;
        let close = reader.close().await;
        let told = close.as_ref().and_then(|close| close.0);
        assert_eq!(told, Some(code), "{first:#x}: {close:?}");
        assert!(close.is_some_and(|(_, reason)| !reason.is_empty()), "it says why");
    }
    // Not masked, as only a server's frames are.
    let mut reader = Raw::open(&server, &path).await;
    reader.0.write_all(&[0x81, 2, b'h', b'i']).await.unwrap();
    assert_eq!(reader.close().await.map(|it| it.0), Some(Some(1_002)));
    // What is said rightly is passed over, in parts too, and a ping is answered.
    let mut reader = Raw::open(&server, &path).await;
    reader.send(0x01, b"in ").await;
    reader.send(0x80, b"parts").await;
    reader.send(0x89, b"you?").await;
    let pong = async {
        loop {
            let (first, payload) = reader.frame().await.expect("the stream goes on");
            if first == 0x8a {
                return payload;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, pong).await.unwrap(), b"you?");
    let stop = api.call(axum::http::Method::POST, &format!("{run}/stop"), None).await;
    assert_eq!(stop.status, 200);
    let close = reader.close().await.expect("the run's end is told");
    assert_eq!(close, (Some(1_000), "the run has ended".into()));
}

#[tokio::test]
async fn a_problem_comes_before_the_handshake() {
    let api = Api::new().await;
    let server = served(&api).await;
    let request =
        "GET /api/v1/runs/none/stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let told = told(&server, request.as_bytes()).await;
    assert_eq!(is_problem(&told, 404, "not-found")["instance"], json!("/api/v1/runs/none/stream"));
}
