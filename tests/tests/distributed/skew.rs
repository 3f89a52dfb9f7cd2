//! Tests that a worker whose way to the target is longer than the others' is found, and that none is
//! where all ways are alike: the live case of `worker_skew`, beside those of `bottlenecks.rs`.
//!
//! Between workers and target stands a relay that holds up the replies to one of the processes. Once
//! always; with `LOADCORE_LONG` three times.

use crate::platform::{Platform, figure};
use crate::runs::{Run, steady};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// How much longer one worker's way is: as long again as the target takes.
const DETOUR: Duration = Duration::from_millis(10);

/// Starts a relay to `target`; replies to the process `far` take longer. Answers its port.
async fn relay(target: SocketAddr, far: Option<u32>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((near, peer)) = listener.accept().await {
            let detour = match far {
                Some(process) if belongs(peer.port(), process) => DETOUR,
                _ => Duration::ZERO,
            };
            tokio::spawn(carry(near, target, detour));
        }
    });
    port
}

async fn carry(near: TcpStream, target: SocketAddr, detour: Duration) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (mut from_worker, mut to_worker) = near.into_split();
    let (mut from_target, mut to_target) = far.into_split();
    let there = tokio::spawn(async move { copy(&mut from_worker, &mut to_target).await });
    let mut piece = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from_target.read(&mut piece).await {
        if !detour.is_zero() {
            tokio::time::sleep(detour).await;
        }
        if to_worker.write_all(&piece[..read]).await.is_err() {
            break;
        }
    }
    there.abort();
}

/// Whether the socket with this port on 127.0.0.1 is one of the process's.
fn belongs(port: u16, process: u32) -> bool {
    let sockets = fs::read_to_string("/proc/net/tcp").expect("the system's sockets");
    let local = format!("0100007F:{port:04X}");
    let of_port = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_port = of_port.filter(|fields| fields.get(1) == Some(&local.as_str()));
    let names: Vec<_> =
        of_port.filter_map(|fields| Some(format!("socket:[{}]", fields.get(9)?))).collect();
    let open = fs::read_dir(format!("/proc/{process}/fd")).expect("the process's files");
    let open = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    open.into_iter().any(|file| names.iter().any(|name| file.as_os_str() == name.as_str()))
}

/// A run of three workers through a relay, and what is found in it.
async fn found(platform: &Platform, far: Option<u32>) -> Value {
    let url = platform.target.url("/");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let port = relay(address.parse().expect("an address"), far).await;
    let mut scenario = steady(platform, 300.0, 12.0);
    scenario["targetUrl"] = json!(format!("http://127.0.0.1:{port}/delay/10ms"));
    let run = Run::start(platform, &scenario);
    let shown = tokio::task::block_in_place(|| run.ends_whole(platform));
    shown["result"]["bottlenecks"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_way_is_longer_is_found_and_named() {
    let platform = Platform::start(3).await;
    let rounds = if std::env::var_os("LOADCORE_LONG").is_some() { 3 } else { 1 };
    for round in 0..rounds {
        let far = &platform.workers[round % 3];
        let findings = found(&platform, Some(far.program.id())).await;
        figure(&format!("one longer way: {} first", findings[0]["kind"]));
        assert_eq!(findings[0]["kind"], "worker_skew", "{findings:#}");
        let told = findings[0]["explanation"].as_str().expect("a text");
        assert!(told.contains(&far.id), "{} is meant: {told}", far.id);
        let findings = found(&platform, None).await;
        figure(&format!("ways alike: {}", findings));
        assert_eq!(findings, json!([]));
    }
}
