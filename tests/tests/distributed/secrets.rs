//! Tests a scenario with a secret header: the target gets it, and it stands in the clear nowhere
//! else.

use crate::platform::{Platform, wait};
use crate::runs::{Run, steady};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECRET: &str = "geheim-0815-4711-ff";

/// A target that counts the requests with the secret. Its threads end with their connections.
fn listener() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let counted = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&counted);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || answer(stream, &counter));
        }
    });
    (address, counted)
}

fn answer(mut stream: TcpStream, counter: &AtomicU64) {
    let (mut read, mut buffer) = (Vec::new(), [0; 4_096]);
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        read.extend_from_slice(&buffer[..length]);
        while let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            let head: Vec<u8> = read.drain(..end + 4).collect();
            counter.fetch_add(u64::from(holds(&head, SECRET)), Ordering::Relaxed);
            let answer = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            if answer.is_err() {
                return;
            }
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

/// The text as it would stand in Base64, wherever it begins in a group of three: without the
/// characters at its edges, which depend on its neighbours.
pub fn in_base64(text: &[u8]) -> [String; 3] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 1, 2].map(|skipped| {
        let groups = text[skipped..].chunks_exact(3);
        let digits = groups.flat_map(|group| {
            let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
            [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]))
        });
        digits.collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_stands_nowhere_in_the_clear() {
    let platform = Platform::start(2).await;
    let (address, counted) = listener();
    let monitor = platform.redis.monitor();
    let mut scenario = steady(&platform, 200.0, 3.0);
    scenario["targetUrl"] = format!("http://{address}/").into();
    scenario["headers"] = json!({"Authorization": format!("Bearer {SECRET}")});
    let run = Run::start(&platform, &scenario);
    run.wait_until_running(&platform);
    wait(Duration::from_secs(1));
    let mid_run = platform.redis.dump();
    assert!(holds(&mid_run, &run.id), "the run stands in Redis");
    let shown = run.end(&platform);
    let result = &shown["result"];
    assert_eq!(result["outcomes"]["ok"], run.planned, "{}", result["errors"]);
    assert_eq!(counted.load(Ordering::Relaxed), run.planned, "the target gets the secret");

    let path = format!("/api/v1/scenarios/{}", run.scenario);
    let report = platform.get(&run.path("/report?format=json"));
    let read = [platform.get(&path), shown, report, platform.get(&run.path("/timeline"))];
    assert!(read[0].to_string().contains("[redacted]"), "{}", read[0]);
    let stored = platform.mongo.dump().await;
    assert!(holds(&stored, &run.id), "the run stands in MongoDB");
    let places = [
        ("Redis in the middle of the run", mid_run),
        ("Redis at the end", platform.redis.dump()),
        ("what Redis was told", monitor.end()),
        ("MongoDB", stored),
        ("the logs", platform.said().into_bytes()),
        ("what the API shows", format!("{read:?}").into_bytes()),
    ];
    let mut forms = in_base64(SECRET.as_bytes()).to_vec();
    forms.push(SECRET.to_owned());
    for (place, bytes) in &places {
        assert!(!bytes.is_empty(), "{place} was read");
        for form in &forms {
            assert!(!holds(bytes, form), "{place} holds the secret as {form}");
        }
    }
}
