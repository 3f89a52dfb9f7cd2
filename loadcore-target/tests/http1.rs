//! Every path over HTTP/1, byte by byte where it matters, and the counts that go with it.

#![allow(missing_docs)]

mod common;

use common::{Client, start};
use loadcore_target::Config;

#[tokio::test]
async fn plain_answers_are_counted_exactly() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    for _ in 0..100 {
        let reply = client.get("/");
        assert_eq!((reply.status, reply.text()), (200, "ok\n"));
    }
    let stats = target.stats();
    assert_eq!((stats.requests, stats.answered, stats.in_flight), (100, 100, 0));
    assert_eq!(stats.requests_by_path["/"], 100);
    assert_eq!(stats.answers_by_status[&200], 100);
    assert_eq!(stats.arrivals.iter().sum::<u64>(), 100);
    assert_eq!((stats.connections.accepted, stats.connections.open), (1, 1));
}

#[tokio::test]
async fn statistics_are_not_counted_themselves() {
    let target = start(Config::default()).await;
    assert_eq!(Client::new(&target).get("/").status, 200);
    let mut control = Client::new(&target);
    for _ in 0..3 {
        let reply = control.get("/stats");
        let stats: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(stats["requests"], 1);
        assert_eq!(stats["connections"]["accepted"], 1);
    }
    control.send("POST /reset HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(control.reply().status, 200);
    assert_eq!(target.stats().requests, 0);
    assert_eq!(target.stats().connections.peak, 0);
}

#[tokio::test]
async fn statuses_sizes_and_chunks() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    for status in [200, 204, 304, 404, 500, 599] {
        assert_eq!(client.get(&format!("/status/{status}")).status, status);
    }
    for bytes in [0, 1, 1000, 65_536, 65_537, 1_000_000] {
        assert_eq!(client.get(&format!("/bytes/{bytes}")).body.len(), bytes);
        assert_eq!(client.get(&format!("/chunked/{bytes}?chunk=1000")).body.len(), bytes);
    }
    assert_eq!(target.stats().requests, 18);
    assert_eq!(target.stats().connections.accepted, 1);
}
