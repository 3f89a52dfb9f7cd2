//! Tests that a run is measured whole while others try to keep the controller from it: with connections
//! on which requests come a byte at a time, and with streams that are asked for in vain.
//!
//! The short form has some hundreds of both; `LOADCORE_LONG=1` has 2,000 connections and 5,000 streams.

use super::{Controller, PATIENCE};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How much comes down on the controller.
struct Flood {
    /// What the controller is told to hold at most; `None`: what it holds by itself.
    most: Option<&'static str>,
    connections: usize,
    streams: usize,
    seconds: u64,
}

const SHORT: Flood = Flood { most: Some("256"), connections: 400, streams: 800, seconds: 8 };
const LONG: Flood = Flood { most: None, connections: 2_000, streams: 5_000, seconds: 15 };
/// Requests each second of the run that goes on meanwhile.
const RATE: u64 = 100;
/// Attempts to open a stream that are made at once.
const AT_ONCE: usize = 40;

/// Opens a connection again and again, and sends a request on it a byte at a time.
async fn trickle(address: String, over: Arc<AtomicBool>, place: usize) {
    let head = "POST /api/v1/scenarios HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
    let rest = "X-A: b\r\n".repeat(20);
    // Some have a head that never ends, some a body.
    let text = if place.is_multiple_of(2) {
        head.replace("\r\n\r\n", &format!("\r\n{rest}"))
    } else {
        head.into()
    };
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(&address).await else {
            sleep(Duration::from_millis(200)).await;
            continue;
        };
        let begun = place % text.len();
        if stream.write_all(&text.as_bytes()[..begun]).await.is_err() {
            continue;
        }
        for byte in text.as_bytes()[begun..].iter().chain(&[b' '; 100]) {
            if over.load(Ordering::Relaxed) || stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(1_000)).await;
        }
    }
}

/// Asks for a stream, rightly or wrongly, and answers the status.
async fn attempt(address: &str, run: &str, place: usize) -> Option<u16> {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let (path, origin, key) = match place % 5 {
        0 => (run.to_owned(), "", key),
        1 => ("/api/v1/runs/none".to_owned(), "", key),
        2 => ("/api/v1/runs/%00".to_owned(), "", key),
        3 => (run.to_owned(), "Origin: https://evil.test\r\n", key),
        _ => (run.to_owned(), "", ""),
    };
    let asks = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!(
            "GET {path}/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{origin}{key}\r\n"
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.ok()?;
        std::str::from_utf8(&begin[9..]).ok()?.parse().ok()
    };
    timeout(PATIENCE, asks).await.ok()?
}

/// Descriptors and resident memory, in MiB, of a process.
fn held(pid: u32) -> (usize, u64) {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    (descriptors, kib / 1_024)
}

/// Starts a run of so many seconds, and answers its path.
fn started(controller: &Controller, url: &str, seconds: u64) -> String {
    let scenario = json!({
        "name": "flooded", "targetUrl": url, "durationSeconds": seconds, "numWorkers": 2,
        "loadProfile": {"type": "CONSTANT", "initialRps": RATE},
    });
    let (status, body) = controller.asked("POST", "/api/v1/scenarios", &scenario.to_string());
    assert_eq!(status, 201, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    format!("/api/v1/runs/{}", answer["runId"].as_str().unwrap())
}

/// Waits for a run's end, and does something else meanwhile, again and again.
async fn ends(controller: &Controller, run: &str, mut meanwhile: impl FnMut()) -> Value {
    let begun = Instant::now();
    loop {
        meanwhile();
        let shown = shown(controller, run);
        if !shown["endedAt"].is_null() {
            return shown;
        }
        assert!(begun.elapsed() < 2 * PATIENCE, "{shown}");
        sleep(Duration::from_millis(500)).await;
    }
}

fn target_count(run: &Value) -> u64 {
    run["result"]["arrivals"]["sent"].as_u64().unwrap()
}

fn shown(controller: &Controller, path: &str) -> Value {
    let (status, body) = controller.asked("GET", path, "");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

// It judges how a run was measured: nothing else runs beside it.
mod alone {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_run_is_whole_whatever_comes_down_on_the_controller() {
        let flood = if std::env::var_os("LOADCORE_LONG").is_some() { LONG } else { SHORT };
        loadcore_process::limits::raise_descriptors();
        let target =
            loadcore_target::Target::start(loadcore_target::Config::default()).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let most = flood.most.map_or_else(Vec::new, |most| vec!["--max-connections", most]);
        let mut controller = Controller::start(data.path(), &most);
        controller.says("the platform is ready");
        let before = held(controller.child.id());

        let calm = started(&controller, &target.url("/"), 3);
        let calm = ends(&controller, &calm, || {}).await;
        let run = started(&controller, &target.url("/"), flood.seconds);

        let over = Arc::new(AtomicBool::new(false));
        let mut slow = JoinSet::new();
        for place in 0..flood.connections {
            slow.spawn(trickle(controller.address.clone(), Arc::clone(&over), place));
        }
        let next = Arc::new(AtomicUsize::new(0));
        let mut asking = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (address, run, next) = (controller.address.clone(), run.clone(), Arc::clone(&next));
            asking.spawn(async move {
                let mut told = Vec::new();
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= flood.streams {
                        return told;
                    }
                    told.push(attempt(&address, &run, place).await);
                    // Over the time of the run, and not all at its beginning.
                    let pause = flood.seconds * 1_000 * AT_ONCE as u64 / flood.streams as u64;
                    sleep(Duration::from_millis(pause * 3 / 4)).await;
                }
            });
        }
        let begun = Instant::now();
        let (mut slowest, mut probes, mut peak) = (Duration::ZERO, 0, before);
        let before_flood = target_count(&calm);
        let ended = ends(&controller, &run, || {
            let asked = Instant::now();
            assert_eq!(controller.asked("GET", "/actuator/health", "").0, 200);
            slowest = slowest.max(asked.elapsed());
            probes += 1;
            let now = held(controller.child.id());
            peak = (peak.0.max(now.0), peak.1.max(now.1));
        })
        .await;
        let told: Vec<_> = asking.join_all().await.concat();
        over.store(true, Ordering::Relaxed);
        slow.shutdown().await;

        let (result, counted) = (&ended["result"], target.stats().requests - before_flood);
        let (arrivals, due) = (&result["arrivals"], RATE * flood.seconds);
        assert_eq!(
            (&ended["state"], &result["complete"]),
            (&json!("COMPLETED"), &json!(true)),
            "{ended}"
        );
        assert_eq!(
            (&arrivals["due"], &arrivals["unknown"]),
            (&json!(due), &json!(0)),
            "{arrivals}"
        );
        let (sent, dropped) = (arrivals["sent"].as_u64().unwrap(), &arrivals["dropped"]);
        let dropped = dropped.as_u64().unwrap_or_else(|| {
            dropped.as_object().unwrap().values().filter_map(Value::as_u64).sum()
        });
        assert_eq!((sent, sent + dropped), (counted, due), "{arrivals}");
        let seconds: Vec<_> =
            result["series"].as_array().unwrap().iter().map(|row| &row["second"]).collect();
        assert_eq!(seconds.len() as u64, flood.seconds, "{seconds:?}");
        let reasons = result["validity"]["reasons"].as_array().unwrap();
        let others = reasons.iter().filter(|reason| reason["kind"] != "cpu_contended");
        // A machine that is too busy for a run without any flood says nothing about one with it.
        match calm["result"]["validity"]["reasons"].as_array().map(Vec::len) {
            Some(0) => assert_eq!(others.count(), 0, "{reasons:?}"),
            _ => tell("not judged: this machine was too busy for a run without a flood"),
        }

        assert_eq!(told.len(), flood.streams);
        let answered = told.iter().flatten().count();
        assert!(
            told.iter().flatten().all(|status| [101, 400, 403, 404, 429].contains(status)),
            "{told:?}"
        );
        let back = async {
            while held(controller.child.id()).0 > before.0 + 16 {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let after = timeout(PATIENCE, back).await;
        let after = (after, held(controller.child.id()));
        let text = format!(
            "{} slow connections and {answered} of {} streams answered in {:.1} s; {probes} probes, the slowest \
             {slowest:.1?}; descriptors {} -> {} -> {}, memory {} -> {} -> {} MiB; sent {sent}, dropped \
             {dropped}; {reasons:?}",
            flood.connections,
            flood.streams,
            begun.elapsed().as_secs_f64(),
            before.0,
            peak.0,
            after.1.0,
            before.1,
            peak.1,
            after.1.1,
        );
        assert!(after.0.is_ok(), "descriptors do not come back: {text}");
        assert!(after.1.1 < before.1 + 256, "memory does not come back: {text}");
        assert!(peak.0 > 200, "it was a flood: {text}");
        assert!(slowest < Duration::from_secs(10), "{text}");
        tell(&text);
    }
}

#[expect(clippy::print_stderr, reason = "whoever reads the tests' output is told the figures")]
fn tell(figures: &str) {
    eprintln!("{figures}");
}
