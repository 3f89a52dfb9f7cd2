//! Tests servers that allow few requests at once on an HTTP/2 connection, or few of them at all.

use h2::server;
use loadcore::LoadTest;
use loadcore::http::{HttpOptions, HttpTransport, HttpVersion};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ALLOWED: usize = 4;
const LATENCY: Duration = Duration::from_millis(100);

/// What the server has seen.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
    /// Requests that came after those that a connection serves.
    passed_over: AtomicUsize,
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

/// A server of its own kind for each connection.
async fn start<F>(serve: fn(TcpStream, Arc<Seen>) -> F) -> (String, Arc<Seen>)
where
    F: Future + Send + 'static,
    F::Output: Send,
{
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
    let (url, seen) = start(serve).await;
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
    let (url, _) = start(serve).await;
    let test = http2(&url).rate(100.0).duration(Duration::from_secs(2)).connections(1);
    let result = test.drain(Duration::from_secs(20)).run().await.expect("a run");
    assert_eq!((result.arrivals.due, result.outcomes.ok), (200, 200), "{:?}", result.errors);
    // 40/s are served: after 2 s 120 of them wait, the last one for 3 s.
    let of = |it: Option<f64>| it.expect("a figure");
    let (lag, service) = (of(result.schedule_lag.max_ms), of(result.service_time.p50_ms));
    assert!(lag > 1_000.0 && service < lag / 4.0, "lag {lag} ms, service time {service} ms");
}

/// In closed loop the connections are the load: each carries one request at a time, unless more are
/// asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_has_one_stream_in_a_connection_unless_told_otherwise() {
    let (url, _) = start(serve).await;
    let result = http2(&url).connections(3).requests(15).run().await.expect("a run");
    assert_eq!((result.outcomes.ok, result.protocol.streams), (15, Some(1)));
    // Five rounds of three at once.
    assert!(result.duration_seconds > 0.45, "{} s", result.duration_seconds);
    // So it is where the transport is given as such, and another one has seen it.
    let options = HttpOptions {
        version: HttpVersion::Http2,
        ..HttpOptions::get(url.parse().expect("a URL"))
    };
    let transport = HttpTransport::new(options).expect("a request");
    let test = LoadTest::transport(transport.clone()).threads(1).connections(3).requests(15);
    let result = test.run().await.expect("a run");
    assert_eq!((result.outcomes.ok, result.protocol.streams), (15, Some(1)));
    let open = LoadTest::transport(transport).rate(20.0).duration(Duration::from_millis(500));
    let result = open.threads(1).run().await.expect("a run");
    assert_eq!(result.protocol.streams, Some(ALLOWED as u64), "of a hundred");
    let two = |options: &mut HttpOptions| options.streams = Some(2);
    let result = http2(&url).connections(3).options(two).requests(15).run().await.expect("a run");
    assert_eq!((result.outcomes.ok, result.protocol.streams), (15, Some(2)));
}

/// In closed loop all streams begin at once, and not before it is known how many there may be: a
/// server refuses what is too much (RFC 9113 section 5.1.2).
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_begins_with_as_many_streams_as_are_allowed() {
    let (url, seen) = start(serve).await;
    let test = http2(&url).options(|options| options.streams = Some(100));
    let result = test.connections(3).requests(120).run().await.expect("a run");
    assert_eq!((result.outcomes.ok, result.outcomes.failed), (120, 0), "{:?}", result.errors);
    assert_eq!(seen.requests.load(Ordering::Relaxed), 120);
    assert_eq!(result.protocol.streams, Some(ALLOWED as u64), "what the server allows");
    // Ten rounds of twelve at once, where one stream each would be forty rounds.
    assert!(result.duration_seconds < 2.5, "{} s", result.duration_seconds);
}

/// Requests that a connection serves before its server goes away.
const SERVED: u32 = 20;

/// Answers as the frames come (RFC 9113), goes away in good order after some, and passes over what
/// came after those, as nginx does.
async fn serve_some(mut stream: TcpStream, seen: Arc<Seen>) -> std::io::Result<()> {
    seen.connections.fetch_add(1, Ordering::Relaxed);
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let (mut served, mut last) = (0, 0);
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [_, a, b, kind, flags, id @ ..] = head;
        let mut payload = vec![0; usize::from(a) << 8 | usize::from(b)];
        stream.read_exact(&mut payload).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?,
            HEADERS if served < SERVED => {
                (served, last) = (served + 1, u32::from_be_bytes(id));
                seen.requests.fetch_add(1, Ordering::Relaxed);
                // Index 8 of the static table: `:status 200`.
                stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, last, &[0x88])).await?;
            }
            HEADERS => {
                seen.passed_over.fetch_add(1, Ordering::Relaxed);
                let said = [last.to_be_bytes(), [0; 4]].concat();
                stream.write_all(&frame(GOAWAY, 0, 0, &said)).await?;
            }
            _ => {}
        }
    }
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_leaving_server_passed_over_goes_to_the_next_connection() {
    let (url, seen) = start(serve_some).await;
    let test = http2(&url).rate(2_000.0).duration(Duration::from_millis(500)).connections(4);
    let result = test.run().await.expect("a run");
    assert_eq!((result.arrivals.due, result.outcomes.ok), (1_000, 1_000), "{:?}", result.errors);
    assert_eq!(seen.requests.load(Ordering::Relaxed), 1_000, "each is served once");
    assert!(seen.passed_over.load(Ordering::Relaxed) > 0, "no server passed anything over");
    assert!(seen.connections.load(Ordering::Relaxed) >= 50);
}

/// In closed loop all streams of a connection go round and round to a server that serves few of them:
/// each is passed over many times, and none fails.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_over_goes_on_as_often_as_it_takes() {
    let (url, seen) = start(serve_some).await;
    let test = http2(&url).options(|options| options.streams = Some(100));
    let result = test.connections(2).requests(2_000).run().await.expect("a run");
    assert_eq!(result.outcomes.ok, 2_000, "{:?}", result.error_examples);
    assert_eq!(seen.requests.load(Ordering::Relaxed), 2_000, "each is served once");
    assert_eq!(result.protocol.http.as_deref(), Some("2"));
}

/// Refuses all that comes on the first few connections (RFC 9113 section 8.7), and serves the others.
async fn refuse_at_first(mut stream: TcpStream, seen: Arc<Seen>) -> std::io::Result<()> {
    if seen.connections.load(Ordering::Relaxed) >= 5 {
        serve(stream, seen).await;
        return Ok(());
    }
    seen.connections.fetch_add(1, Ordering::Relaxed);
    stream.read_exact(&mut [0; 24]).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [_, a, b, kind, _, id @ ..] = head;
        stream.read_exact(&mut vec![0; usize::from(a) << 8 | usize::from(b)]).await?;
        if kind == HEADERS {
            seen.passed_over.fetch_add(1, Ordering::Relaxed);
            let refused = 7_u32.to_be_bytes();
            stream.write_all(&frame(RST_STREAM, 0, u32::from_be_bytes(id), &refused)).await?;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_goes_to_another_connection() {
    let (url, seen) = start(refuse_at_first).await;
    let test = http2(&url).options(|options| options.streams = Some(4));
    let result = test.connections(1).requests(20).run().await.expect("a run");
    assert_eq!(result.outcomes.ok, 20, "{:?}", result.error_examples);
    assert_eq!(seen.requests.load(Ordering::Relaxed), 20, "each is served once");
    assert!(seen.passed_over.load(Ordering::Relaxed) >= 5);
}

/// Goes away from every connection before it has served anything.
async fn serve_none(mut stream: TcpStream, seen: Arc<Seen>) -> std::io::Result<()> {
    seen.connections.fetch_add(1, Ordering::Relaxed);
    stream.read_exact(&mut [0; 24]).await?;
    let frames = [frame(SETTINGS, 0, 0, &[]), frame(GOAWAY, 0, 0, &[0; 8])].concat();
    stream.write_all(&frames).await?;
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}

/// It ends with the timeout, says why, and is no flood of connections.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_serves_nobody_is_asked_until_the_timeout_and_not_too_often() {
    let (url, seen) = start(serve_none).await;
    let test = http2(&url).connections(1).requests(2).timeout(Duration::from_secs(1));
    let result = test.run().await.expect("a run");
    assert_eq!(result.errors.get("response_timeout"), Some(&2), "{:?}", result.error_examples);
    let text = &result.error_examples["response_timeout"];
    assert!(text.contains("passed over") && text.contains("GOAWAY, NO_ERROR"), "{text}");
    let connections = seen.connections.load(Ordering::Relaxed);
    assert!((4..40).contains(&connections), "{connections} connections");
}

/// Takes connections and says nothing on the first of them.
async fn serve_all_but_the_first(stream: TcpStream, seen: Arc<Seen>) {
    if seen.connections.load(Ordering::Relaxed) > 0 {
        return serve(stream, seen).await;
    }
    seen.connections.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(stream);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_say_what_it_allows_is_given_up() {
    let (url, seen) = start(serve_all_but_the_first).await;
    let test = http2(&url).rate(20.0).duration(Duration::from_secs(3));
    let result = test.timeout(Duration::from_secs(1)).run().await.expect("a run");
    let errors = &result.errors;
    assert_eq!((result.arrivals.sent, result.outcomes.unfinished), (60, 0), "{errors:?}");
    assert!((1..=3).contains(&result.outcomes.failed), "{errors:?}");
    assert!(errors.keys().all(|class| class.ends_with("_timeout")), "{errors:?}");
    assert!(seen.connections.load(Ordering::Relaxed) >= 2);
    // Its silence is the target's, and in the response times of those who waited for it.
    let (waited, ours) = (result.latency.max_ms, result.generator.pacer_lag.max_ms);
    assert!(waited > Some(900.0) && ours < Some(500.0), "{waited:?} {ours:?}");
}
