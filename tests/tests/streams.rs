//! A server that allows few requests at once on an HTTP/2 connection.

use h2::server;
use loadcore::LoadTest;
use loadcore::http::HttpVersion;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

const ALLOWED: usize = 4;
const LATENCY: Duration = Duration::from_millis(100);

/// What the server has seen.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

async fn serve(stream: TcpStream, seen: Arc<Seen>) {
    seen.connections.fetch_add(1, Ordering::Relaxed);
    let mut builder = server::Builder::new();
    builder.max_concurrent_streams(ALLOWED as u32);
    let Ok(mut connection) = builder.handshake::<_, bytes::Bytes>(stream).await else { return };
    while let Some(Ok((_, mut reply))) = connection.accept().await {
        seen.requests.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            tokio::time::sleep(LATENCY).await;
            let _ = reply.send_response(http::Response::new(()), true);
        });
    }
}

async fn start() -> (String, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let seen = Arc::<Seen>::default();
    let counts = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&counts)));
        }
    });
    (url, seen)
}

fn http2(url: &str) -> LoadTest {
    LoadTest::get(url).options(|options| options.version = HttpVersion::Http2).threads(1)
}

/// 200/s of 100 ms are twenty at once: five connections of four. Were only our own limit of a hundred
/// streams asked, one connection would be opened, and all beyond four would wait in it unseen.
#[tokio::test(flavor = "multi_thread")]
async fn the_servers_limit_decides_how_many_connections_there_are() {
    let (url, seen) = start().await;
    let test = http2(&url).rate(200.0).duration(Duration::from_secs(2));
    let result = test.run().await.expect("a run");
    assert_eq!((result.arrivals.due, result.outcomes.ok), (400, 400), "{:?}", result.errors);
    assert_eq!(seen.requests.load(Ordering::Relaxed), 400);
    let connections = seen.connections.load(Ordering::Relaxed);
    assert!((5..50).contains(&connections), "{connections} connections");
}

/// With one connection the others wait before they are sent, as schedule lag, and the service time is
/// that of the server.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_allow_yet_has_not_been_sent() {
    let (url, _) = start().await;
    let test = http2(&url).rate(100.0).duration(Duration::from_secs(2)).connections(1);
    let result = test.drain(Duration::from_secs(20)).run().await.expect("a run");
    assert_eq!((result.arrivals.due, result.outcomes.ok), (200, 200), "{:?}", result.errors);
    // 40/s are served: after 2 s 120 of them wait, the last one for 3 s.
    let of = |it: Option<f64>| it.expect("a figure");
    let (lag, service) = (of(result.schedule_lag.max_ms), of(result.service_time.p50_ms));
    assert!(lag > 1_000.0 && service < lag / 4.0, "lag {lag} ms, service time {service} ms");
}
