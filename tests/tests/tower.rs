//! Tests a `tower::Service` under load, without a socket: an axum `Router`, and services that hold
//! places.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use loadcore::profile::{Burst, LoadProfile, ProfileType};
use loadcore::transport::{Call, ServiceTransport};
use loadcore::{LoadTest, RunResult};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

fn to(path: &'static str) -> impl Fn(Call) -> Request<Body> + Clone + Send + Sync {
    move |_| Request::get(path).body(Body::empty()).expect("a request")
}

async fn load(router: Router, path: &'static str) -> RunResult {
    let test = LoadTest::transport(ServiceTransport::new(router, to(path)));
    test.rate(200.0).duration(Duration::from_millis(500)).run().await.expect("a run")
}

#[tokio::test]
async fn a_router_is_loaded_without_a_socket() {
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/broken", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
    let result = load(router.clone(), "/").await;
    assert_eq!((result.arrivals.due, result.outcomes.ok), (100, 100), "{:?}", result.errors);
    assert_eq!(result.bytes_received, 500);
    let result = load(router, "/broken").await;
    assert_eq!(result.errors.get("http_5xx"), Some(&100));
}

#[tokio::test]
async fn a_router_s_replies_are_checked() {
    let router = Router::new().route("/", get(|| async { ([("x-a", "b")], "hello") }));
    for (check, ok) in
        [("body~=hello", 100), ("header:x-a==b", 100), ("bytes==5", 100), ("body~=hallo", 0)]
    {
        let checks = [check.parse().expect("a check")].into_iter().collect();
        let transport = ServiceTransport::new(router.clone(), to("/")).checks(checks);
        let test = LoadTest::transport(transport).rate(200.0).duration(Duration::from_millis(500));
        let result = test.run().await.expect("a run");
        assert_eq!(result.outcomes.ok, ok, "{check}: {:?}", result.error_examples);
        assert_eq!(result.errors.get("check").copied().unwrap_or(0), 100 - ok, "{check}");
    }
}

/// A body of two pieces, the second of which may be a failure, and comes later.
struct Pieces {
    given: usize,
    fails: bool,
    wait: Pin<Box<tokio::time::Sleep>>,
}

const PAUSE: Duration = Duration::from_millis(50);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        if self.given == 1 && self.wait.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.given += 1;
        Poll::Ready(match self.given {
            1 => Some(Ok(http_body::Frame::data(Bytes::from_static(b"one")))),
            2 if self.fails => Some(Err(std::io::Error::other("the second piece is lost"))),
            2 => Some(Ok(http_body::Frame::data(Bytes::from_static(b"two")))),
            _ => None,
        })
    }
}

#[tokio::test]
async fn a_body_is_part_of_the_reply() {
    for fails in [false, true] {
        let answer = move || async move {
            Body::new(Pieces { given: 0, fails, wait: Box::pin(tokio::time::sleep(PAUSE)) })
        };
        let result = load(Router::new().route("/", get(answer)), "/").await;
        assert_eq!(result.total_requests, 100);
        if fails {
            assert_eq!(result.errors.get("body"), Some(&100), "{:?}", result.errors);
            assert_eq!(result.error_examples["body"], "the second piece is lost");
        } else {
            assert_eq!((result.outcomes.ok, result.bytes_received), (100, 600));
            let (head, whole) = (result.first_byte.max_ms, result.latency.min_ms);
            assert!(whole >= Some(49.0) && head < whole, "{head:?} {whole:?}");
        }
    }
}

/// A service that holds one of two places from the moment it is ready to the end of its call, and
/// refuses who finds none.
struct Limited {
    free: Arc<AtomicUsize>,
    holds: Option<Place>,
}

struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Clone for Limited {
    fn clone(&self) -> Self {
        Self { free: Arc::clone(&self.free), holds: None }
    }
}

impl Service<()> for Limited {
    type Response = axum::http::Response<Body>;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let one_less = |free: usize| free.checked_sub(1);
        let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
        self.holds = taken.ok().map(|_| Place(Arc::clone(&self.free)));
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let place = self.holds.take();
        Box::pin(async move {
            let Some(_place) = place else { return Err("no place is free") };
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok(axum::http::Response::new(Body::empty()))
        })
    }
}

/// Two at once are few at first, when all come together, and enough afterwards: idle lanes hold none.
#[tokio::test]
async fn an_idle_lane_holds_no_place_in_a_service() {
    let limited = Limited { free: Arc::new(AtomicUsize::new(2)), holds: None };
    let free = Arc::clone(&limited.free);
    let burst = Burst { start_second: 0.0, duration_seconds: 0.1, rps: 2_000.0 };
    let burst = ProfileType::Burst { initial_rps: 20.0, bursts: vec![burst] };
    let profile = LoadProfile::new(burst, 2.0).expect("a profile");
    let test = LoadTest::transport(ServiceTransport::new(limited, |_| ()));
    let result = test.profile(profile).threads(1).run().await.expect("a run");
    let failed_later: u64 = result.series[1..].iter().map(|row| row.failed).sum();
    assert!(result.series[0].failed > 0, "the burst was not too much");
    assert_eq!(failed_later, 0, "{:?}", result.series);
    assert_eq!(free.load(Ordering::Acquire), 2);
}
