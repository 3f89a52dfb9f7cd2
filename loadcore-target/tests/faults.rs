//! Tests every way of going wrong over HTTP/1, as a client sees it.

mod common;

use std::time::Duration;

use common::{Client, eventually, header, start};
use loadcore_target::{Config, Target};

const HALF_A_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-le";

async fn faulty(path: &str) -> (Target, Client) {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    client.send(format!("GET {path} HTTP/1.1\r\n\r\n"));
    (target, client)
}

fn assert_broken(target: &Target) {
    eventually("the fault is counted", || target.stats().broken == 1);
    let stats = target.stats();
    assert_eq!((stats.requests, stats.answered, stats.in_flight), (1, 0, 0));
    assert_eq!(stats.requests_by_path["/fault"], 1);
}

#[tokio::test]
async fn reset_head() {
    let (target, mut client) = faulty("/fault/reset-head").await;
    assert_eq!(client.rest_before_reset(), HALF_A_HEAD);
    assert_broken(&target);
}

#[tokio::test]
async fn reset_body() {
    let (target, mut client) = faulty("/fault/reset-body").await;
    let text = String::from_utf8(client.rest_before_reset()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!((header(head, "content-length"), body.len()), (Some("100"), 50));
    assert_broken(&target);
}

#[tokio::test]
async fn partial_head() {
    let (target, mut client) = faulty("/fault/partial-head").await;
    assert_eq!(client.rest_before_silence(HALF_A_HEAD.len()), HALF_A_HEAD);
    assert_broken(&target);
}

#[tokio::test]
async fn partial_body() {
    let (target, mut client) = faulty("/fault/partial-body").await;
    let text = client.rest_before_silence(100);
    assert!(text.ends_with(&[b'x'; 50]) && !text.ends_with(&[b'x'; 51]));
    assert_broken(&target);
}

#[tokio::test]
async fn garbage() {
    let (target, mut client) = faulty("/fault/garbage").await;
    let text = client.rest();
    assert!(!text.is_empty() && !text.starts_with(b"HTTP"), "{text:?}");
    assert_broken(&target);
}

#[tokio::test]
async fn length_long() {
    let (target, mut client) = faulty("/fault/length-long").await;
    let text = String::from_utf8(client.rest()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!((header(head, "content-length"), body.len()), (Some("100"), 50));
    assert_broken(&target);
}

#[tokio::test]
async fn length_short() {
    let (target, mut client) = faulty("/fault/length-short").await;
    let reply = client.reply();
    assert_eq!((header(&reply.head, "content-length"), reply.body.len()), (Some("50"), 50));
    assert_broken(&target);
    client.send("GET / HTTP/1.1\r\n\r\n");
    let text = String::from_utf8(client.rest_before_silence(60)).unwrap();
    assert!(text.starts_with(&format!("{}HTTP/1.1 200 OK", "x".repeat(50))), "{text}");
    assert_eq!(target.stats().answered, 1);
}

#[tokio::test]
async fn bad_chunk() {
    let (target, mut client) = faulty("/fault/bad-chunk").await;
    let text = String::from_utf8(client.rest_before_silence(80)).unwrap();
    assert!(text.ends_with("\r\n5\r\nxxxxx\r\nnot a number\r\n"), "{text}");
    assert_broken(&target);
}

#[tokio::test]
async fn endless() {
    let (target, mut client) = faulty("/fault/endless").await;
    // More than any plan holds: it goes on.
    let reader = &mut client;
    let mut seen = 0;
    let mut buffer = vec![0; 1 << 16];
    while seen < 2_000_000 {
        seen += std::io::Read::read(&mut reader.stream, &mut buffer).unwrap();
    }
    assert_broken(&target);
    drop(client);
    eventually("the connection has ended", || target.stats().connections.open == 0);
}

#[tokio::test]
async fn close() {
    let (target, mut client) = faulty("/fault/close").await;
    assert_eq!(client.rest(), b"");
    assert_broken(&target);
}

#[tokio::test]
async fn hang() {
    let (target, mut client) = faulty("/fault/hang").await;
    assert_eq!(client.rest_before_silence(0), b"");
    assert_broken(&target);
    // Requests behind it are read and counted, but the line does not move.
    client.send("GET / HTTP/1.1\r\n\r\n");
    eventually("it is counted", || target.stats().in_flight == 1);
    drop(client);
    eventually("the connection has ended", || target.stats().connections.open == 0);
    assert_eq!((target.stats().abandoned, target.stats().in_flight), (1, 0));
}

#[tokio::test]
async fn a_hanging_connection_does_not_hold_up_the_stop() {
    let (target, _client) = faulty("/fault/hang").await;
    eventually("it hangs", || target.stats().broken == 1);
    assert_eq!(target.stop().requests, 1);
}

#[tokio::test]
async fn big_header() {
    let (target, mut client) = faulty("/fault/big-header?bytes=1048576").await;
    let reply = client.reply();
    assert_eq!(header(&reply.head, "x-filler").map(str::len), Some(1 << 20));
    assert_eq!(target.stats().answered, 1, "it is large, not wrong");
}

#[tokio::test]
async fn a_fault_comes_after_those_before_it() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    client.send("GET / HTTP/1.1\r\n\r\nGET /delay/20ms HTTP/1.1\r\n\r\nGET /fault/reset-head HTTP/1.1\r\n\r\n");
    assert_eq!([client.reply().status, client.reply().status], [200, 200]);
    assert_eq!(client.rest_before_reset(), HALF_A_HEAD);
}

#[tokio::test]
async fn errors_come_in_their_shares_and_follow_from_the_seed() {
    let config = Config {
        errors: "10%:503,10%:close,10%:reset".parse().unwrap(),
        draws: "even".parse().unwrap(),
        ..Config::default()
    };
    let mut runs = Vec::new();
    let target = start(config).await;
    for _ in 0..2 {
        let mut outcomes = Vec::new();
        for _ in 0..200 {
            let mut client = Client::new(&target);
            client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
            let mut buffer = Vec::new();
            let end = std::io::Read::read_to_end(&mut client.stream, &mut buffer);
            let status = String::from_utf8(buffer).unwrap();
            outcomes.push((status.get(9..12).map(str::to_owned), end.is_err()));
        }
        let count = |status: Option<&str>, reset| {
            outcomes.iter().filter(|(s, r)| (s.as_deref(), *r) == (status, reset)).count()
        };
        assert!(count(Some("503"), false).abs_diff(20) <= 3, "{outcomes:?}");
        assert!(count(None, false).abs_diff(20) <= 3);
        assert!(count(Some("200"), true).abs_diff(20) <= 3, "half a head");
        assert!(count(Some("200"), false).abs_diff(140) <= 6);
        let stats = target.stats();
        assert_eq!(stats.answered + stats.broken, 200);
        assert_eq!(stats.answers_by_status[&503], count(Some("503"), false) as u64);
        target.reset();
        runs.push(outcomes);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_reset() {
    let config = Config { connections: "2".parse().ok(), ..Config::default() };
    let target = start(config).await;
    let mut clients = [Client::new(&target), Client::new(&target)];
    for client in &mut clients {
        assert_eq!(client.get("/").status, 200);
    }
    let mut third = Client::new(&target);
    assert_eq!(third.rest_before_reset(), b"");
    let connections = target.stats().connections;
    assert_eq!((connections.accepted, connections.refused, connections.peak), (2, 1, 2));
    drop(clients);
    eventually("there is room again", || target.stats().connections.open == 0);
    assert_eq!(Client::new(&target).get("/").status, 200);
}

#[tokio::test]
async fn connections_beyond_the_limit_can_wait() {
    let config = Config { connections: "1,wait".parse().ok(), ..Config::default() };
    let target = start(config).await;
    let mut first = Client::new(&target);
    assert_eq!(first.get("/").status, 200);
    let mut second = Client::new(&target);
    second.send("GET / HTTP/1.1\r\n\r\n");
    second.stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(std::io::Read::read(&mut second.stream, &mut [0]).is_err(), "it is not served yet");
    assert_eq!(target.stats().requests, 1);
    drop(first);
    second.stream.set_read_timeout(Some(common::PATIENCE)).unwrap();
    assert_eq!(second.reply().status, 200);
    assert_eq!(target.stats().connections.refused, 0);
}
