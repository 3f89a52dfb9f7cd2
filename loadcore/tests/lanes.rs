//! Tests lanes that are slow, few, shared or lost: what is counted and who is blamed.

mod common;

use common::hold_identities;
use loadcore::LoadTest;
use loadcore::request::{ErrorClass, Failure, Outcome};
use loadcore::transport::{Call, Lane, Opened, Streams, Thread, Transport};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Requests that a shared lane carries at once.
const SHARED: usize = 10;

/// A transport that does what a test says. Each opening and each exchange is told its number on the
/// lane, from 0; an exchange answers whether there was one, or the lane turned out to be closed.
#[derive(Clone)]
struct Scripted<O, E> {
    streams: Streams,
    opened: Arc<AtomicU64>,
    open: O,
    exchange: E,
}

struct ScriptedLane<O, E> {
    streams: usize,
    opened: Arc<AtomicU64>,
    open: O,
    exchange: E,
    openings: Cell<u64>,
    exchanges: Cell<u64>,
    is_open: Cell<bool>,
}

fn scripted<O, E>(streams: Streams, open: O, exchange: E) -> (Arc<AtomicU64>, Scripted<O, E>) {
    let opened = Arc::new(AtomicU64::new(0));
    (Arc::clone(&opened), Scripted { streams, opened, open, exchange })
}

impl<O, E, Opening, Exchanging> Transport for Scripted<O, E>
where
    O: Fn(u64) -> Opening + Clone + Send + Sync + 'static,
    E: Fn(u64) -> Exchanging + Clone + Send + Sync + 'static,
    Opening: Future<Output = ()> + 'static,
    Exchanging: Future<Output = bool> + 'static,
{
    type Lane = ScriptedLane<O, E>;

    fn lane(&self, _thread: &Rc<Thread>) -> Self::Lane {
        ScriptedLane {
            streams: if self.streams == Streams::Many { SHARED } else { 1 },
            opened: Arc::clone(&self.opened),
            open: self.open.clone(),
            exchange: self.exchange.clone(),
            openings: Cell::new(0),
            exchanges: Cell::new(0),
            is_open: Cell::new(false),
        }
    }

    fn streams(&self) -> Streams {
        self.streams
    }
}

impl<O, E, Opening, Exchanging> Lane for ScriptedLane<O, E>
where
    O: Fn(u64) -> Opening + 'static,
    E: Fn(u64) -> Exchanging + 'static,
    Opening: Future<Output = ()> + 'static,
    Exchanging: Future<Output = bool> + 'static,
{
    async fn open(&self) -> Result<Opened, Failure> {
        (self.open)(self.openings.replace(self.openings.get() + 1)).await;
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.is_open.set(true);
        Ok(Opened { connect_ns: 500_000, tls_ns: None, streams: self.streams })
    }

    fn is_open(&self) -> bool {
        self.is_open.get()
    }

    async fn exchange(&self, _: Call) -> Outcome {
        tokio::task::yield_now().await;
        let number = self.exchanges.replace(self.exchanges.get() + 1);
        if (self.exchange)(number).await {
            return Outcome { status: Some(200), ..Outcome::default() };
        }
        self.is_open.set(false);
        let lost = Failure::new(ErrorClass::Reset, "the connection closed");
        Outcome { not_begun: true, ..Outcome::failed(lost) }
    }
}

/// In the time in which one lane is opened ten requests fall due. Would each of them open its own, it
/// would be all 1,000 that there may be.
#[tokio::test]
async fn lanes_that_take_long_to_open_stay_few() {
    let open = |_| async { std::thread::park_timeout(Duration::from_micros(500)) };
    let (opened, scripted) = scripted(Streams::One, open, |_| async { true });
    let test = LoadTest::transport(scripted);
    let result = test.rate(20_000.0).duration(millis(500)).threads(1).run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.arrivals.sent, 10_000);
    let opened = opened.load(Ordering::Relaxed);
    assert!(opened < 300, "{opened} lanes");
}

/// Twenty fall due at once, again and again, and none may wait: each finds a lane, since there may be
/// a thousand, although they are opened one after the other.
#[tokio::test]
async fn nobody_is_given_up_while_lanes_may_be_opened() {
    let call = async |_| {
        tokio::time::sleep(millis(5)).await;
        Ok(200)
    };
    let test = LoadTest::call(call).rate(2_000.0).duration(millis(500)).slack(millis(10));
    let result = test.max_backlog(0).threads(1).run().await.unwrap();
    hold_identities(&result);
    assert_eq!((result.arrivals.sent, result.arrivals.dropped), (1_000, 0));
}

/// A connection that many requests share takes the target a second to accept. The requests wait for
/// it, and that is in their response time; but the generator was well.
#[tokio::test]
async fn a_shared_lane_that_opens_slowly_is_not_the_pacers_fault() {
    let open = |_| tokio::time::sleep(Duration::from_secs(1));
    let (opened, scripted) = scripted(Streams::Many, open, |_| async { true });
    let test = LoadTest::transport(scripted).rate(50.0).duration(Duration::from_secs(2));
    let result = test.threads(1).connections(1).run().await.unwrap();
    hold_identities(&result);
    assert_eq!((result.arrivals.sent, opened.load(Ordering::Relaxed)), (100, 1));
    let waited = result.latency.max_ms.unwrap();
    let ours = result.generator.pacer_lag.max_ms.unwrap();
    assert!(waited > 900.0 && ours < waited / 2.0, "{ours} of {waited} ms");
}

/// A shared connection closes under its requests and cannot be opened again: all that wait for it
/// fail as what they waited for, and not for a reply to what was never sent.
#[tokio::test]
async fn whoever_waits_for_a_connection_in_vain_fails_by_its_timeout() {
    let open = |number| async move {
        if number > 0 {
            std::future::pending::<()>().await;
        }
    };
    let (_, scripted) = scripted(Streams::Many, open, |number| async move { number < 50 });
    let test = LoadTest::transport(scripted).connections(1).timeout(millis(300));
    let result = test.duration(millis(900)).threads(1).run().await.unwrap();
    hold_identities(&result);
    let failed = result.errors.get("connect_timeout").copied();
    assert!(failed >= Some(SHARED as u64), "{:?}", result.errors);
    assert_eq!(failed, Some(result.outcomes.failed), "{:?}", result.errors);
}
