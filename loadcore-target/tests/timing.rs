//! Tests delays, stalls, queues and limits as a client sees them: never early, in order, in their
//! number.
//!
//! How late a delayed answer is depends on the machine, so nothing here judges it but by wide margins.

mod common;

use std::time::{Duration, Instant};

use common::{Client, eventually, header, start};
use loadcore_target::{Config, Distribution};

#[expect(clippy::disallowed_methods, reason = "a client has no other clock")]
fn now() -> Instant {
    Instant::now()
}

fn config(latency: &str) -> Config {
    Config { latency: latency.parse().unwrap(), ..Config::default() }
}

#[tokio::test]
async fn no_answer_is_early_and_each_has_the_delay_of_its_index() {
    let latency: Distribution = "uniform(1ms,20ms)".parse().unwrap();
    let config = Config { seed: 5, ..config("uniform(1ms,20ms)") };
    let target = start(config.clone()).await;
    let mut client = Client::new(&target);
    for index in 0..50 {
        let before = now();
        assert_eq!(client.get("/").status, 200);
        let (taken, delay) = (before.elapsed(), latency.delay(config.draws, config.seed, index));
        assert!(taken >= delay, "request {index}: {taken:?} for a delay of {delay:?}");
    }
    let lateness = target.stats().lateness;
    assert_eq!(lateness.count, 50);
    assert!(lateness.mean_ms.unwrap() <= lateness.max_ms.unwrap());
    target.reset();
    assert_eq!(target.stats().lateness.max_ms, None);
}

#[tokio::test]
async fn the_timer_is_finer_than_a_millisecond() {
    let target = start(config("300us")).await;
    let mut client = Client::new(&target);
    let mut late: Vec<_> = (0..200)
        .map(|_| {
            let before = now();
            client.get("/");
            before.elapsed().saturating_sub(Duration::from_micros(300))
        })
        .collect();
    late.sort_unstable();
    // Timers of a millisecond would add 0.7 ms and more to every answer; a busy machine leaves at
    // least one in ten alone.
    assert!(late[20] < Duration::from_micros(650), "{:?}", late[20]);
}

/// The clock that answers tell their times by.
fn monotonic() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[tokio::test]
async fn an_answer_tells_when_its_request_was_read_and_when_it_was_written() {
    let target = start(config("5ms")).await;
    let mut client = Client::new(&target);
    for path in ["/?times", "/chunked/100?times", "/status/404?times&latency=none"] {
        let before = monotonic();
        let reply = client.get(path);
        let after = monotonic();
        let told = header(&reply.head, "x-times").expect("its times");
        let (read, answered) = told.split_once(", ").expect("two of them");
        let [read, answered] = [(read, "read="), (answered, "answered=")]
            .map(|(time, name)| time.strip_prefix(name).unwrap().parse::<u64>().unwrap());
        let delay = if reply.status == 200 { 5_000_000 } else { 0 };
        let in_order = before <= read && read + delay <= answered && answered <= after;
        assert!(in_order, "{path}: {before} {read} {answered} {after}");
    }
    assert_eq!(header(&client.get("/").head, "x-times"), None);
}

#[tokio::test]
async fn a_query_has_a_latency_of_its_own() {
    let target = start(config("none")).await;
    let mut client = Client::new(&target);
    for path in ["/?latency=30ms", "/delay/30ms", "/status/404?latency=const(30ms)"] {
        let before = now();
        client.get(path);
        assert!(before.elapsed() >= Duration::from_millis(30), "{path}");
    }
    assert_eq!(target.stats().lateness.count, 3);
}

#[tokio::test]
async fn delays_of_pipelined_requests_run_side_by_side() {
    let target = start(config("50ms")).await;
    let mut client = Client::new(&target);
    let before = now();
    client.send("GET / HTTP/1.1\r\n\r\n".repeat(20));
    eventually("all are read before the first is answered", || {
        let stats = target.stats();
        stats.requests == 20 || stats.answered > 0
    });
    for _ in 0..20 {
        client.reply();
    }
    // One after the other they would take a second.
    let taken = before.elapsed();
    assert!((50..900).contains(&taken.as_millis()), "{taken:?}");
}

#[tokio::test]
async fn a_stall_holds_every_answer_until_its_end() {
    let stall = "at=50ms,for=300ms".parse().unwrap();
    let target = start(Config { stalls: vec![stall], ..config("none") }).await;
    let mut clients: Vec<_> = (0..10).map(|_| Client::new(&target)).collect();
    let first = now();
    assert_eq!(clients[0].get("/").status, 200);
    eventually("the stall has begun", || first.elapsed() > Duration::from_millis(80));
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\n\r\n");
    }
    eventually("all are read", || target.stats().requests == 11);
    for client in &mut clients {
        assert_eq!(client.reply().status, 200);
        assert!(first.elapsed() >= Duration::from_millis(350), "{:?}", first.elapsed());
    }
    let stats = target.stats();
    assert_eq!((stats.stall_lateness.count, stats.lateness.count), (10, 0));
    assert_eq!(stats.arrivals.iter().sum::<u64>(), 11);
}

#[tokio::test]
async fn a_reset_lets_the_clock_of_the_stalls_begin_anew() {
    let stall = "at=0s,for=100ms".parse().unwrap();
    let target = start(Config { stalls: vec![stall], ..config("none") }).await;
    let mut client = Client::new(&target);
    for _ in 0..2 {
        let before = now();
        client.get("/");
        assert!(before.elapsed() >= Duration::from_millis(100));
        client.get("/");
        assert_eq!(target.stats().stall_lateness.count, 1);
        target.reset();
    }
}

#[tokio::test]
async fn workers_serve_one_after_the_other() {
    let target = start(Config { workers: Some(2), ..config("20ms") }).await;
    let mut clients: Vec<_> = (0..8).map(|_| Client::new(&target)).collect();
    let before = now();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\n\r\n");
    }
    for client in &mut clients {
        client.reply();
    }
    assert!(before.elapsed() >= Duration::from_millis(80), "eight times 20 ms by two");
}

#[tokio::test]
async fn a_full_line_and_a_rate_limit_turn_away() {
    let limited = Config { rate_limit: "0.1/s,burst=3".parse().ok(), ..config("none") };
    let target = start(limited).await;
    let mut client = Client::new(&target);
    let statuses = [0; 5].map(|_| client.get("/").status);
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    target.reset();
    assert_eq!(client.get("/").status, 200, "the bucket is full again");

    let lined = Config { service_rate: Some(2.0), queue: Some(1), ..config("none") };
    let target = start(lined).await;
    let mut client = Client::new(&target);
    client.send("GET / HTTP/1.1\r\n\r\n".repeat(4));
    assert_eq!([0; 4].map(|_| client.reply().status), [200, 200, 503, 503]);
}

#[tokio::test]
async fn a_slow_body_takes_its_time_and_comes_in_pieces() {
    let target = start(config("none")).await;
    let mut client = Client::new(&target);
    let before = now();
    let reply = client.get("/slow?bytes=1001&over=100ms&pieces=7");
    assert!(before.elapsed() >= Duration::from_millis(100));
    assert_eq!((reply.body.len(), header(&reply.head, "content-length")), (1001, Some("1001")));
    assert_eq!(client.get("/slow?bytes=0&over=1ms").body.len(), 0);
    assert_eq!(client.get("/slow?bytes=3&over=1ms&pieces=100").body.len(), 3);
    let before = now();
    client.send("GET /slow?bytes=1000&over=10s HTTP/1.1\r\n\r\n");
    assert_eq!(target.stats().answered, 3);
    assert!(before.elapsed() < Duration::from_secs(10), "the head does not wait for the body");
}

#[tokio::test]
async fn a_connection_can_be_slow_to_begin() {
    let config = Config { accept_delay: Duration::from_millis(50), ..config("none") };
    let target = start(config).await;
    let before = now();
    let mut client = Client::new(&target);
    client.get("/");
    assert!(before.elapsed() >= Duration::from_millis(50));
    assert_eq!(target.stats().lateness.count, 0, "the request itself was not delayed");
}

#[tokio::test]
async fn arrivals_fall_into_their_slots() {
    let target = start(config("none")).await;
    let mut client = Client::new(&target);
    let mut moments = Vec::new();
    let first = now();
    while first.elapsed() < Duration::from_millis(450) {
        moments.push((first.elapsed(), {
            client.get("/");
            first.elapsed()
        }));
        client.get("/delay/7ms");
    }
    let stats = target.stats();
    assert_eq!(stats.arrivals.iter().sum::<u64>(), 2 * moments.len() as u64);
    assert!(stats.arrivals.len() >= 4, "{:?}", stats.arrivals);
    assert!(stats.arrivals[..4].iter().all(|&count| count > 0), "{:?}", stats.arrivals);
}

#[tokio::test]
async fn a_watcher_reports_only_where_it_was_asked_for() {
    let target = start(config("none")).await;
    assert!(target.stats().watcher.is_none());
    let config = Config { watch: Some(Duration::from_secs(60)), ..config("none") };
    let target = start(config).await;
    let watcher = target.stats().watcher.unwrap();
    assert_eq!((watcher.threshold_ms, watcher.gaps), (60_000.0, 0));
    let before = now();
    drop(target);
    assert!(before.elapsed() < Duration::from_secs(30), "a watcher does not hold up the stop");
}
