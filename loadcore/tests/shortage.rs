//! Tests what is counted on a machine that is short of ports or descriptors, and against a target
//! that refuses.

mod common;

use common::hold_identities;
use loadcore::request::{ErrorClass, Failure, Outcome};
use loadcore::result::{RunResult, Verdict};
use loadcore::transport::{Call, Lane, Opened, Streams, Thread, Transport};
use loadcore::{LoadTest, RunHandle};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What an opening, of which it is told the number in the run, comes to.
type Opening = fn(u64) -> Result<(), Failure>;

/// A transport whose openings a test decides. Connections carry `requests` each, and close.
#[derive(Clone)]
struct Doors {
    opening: Opening,
    requests: u64,
    streams: usize,
    /// Openings tried so far.
    tried: Arc<AtomicU64>,
}

fn doors(opening: Opening) -> Doors {
    Doors { opening, requests: u64::MAX, streams: 1, tried: Arc::default() }
}

impl Doors {
    fn tried(&self) -> u64 {
        self.tried.load(Ordering::Relaxed)
    }
}

struct Door {
    doors: Doors,
    left: Cell<u64>,
}

impl Transport for Doors {
    type Lane = Door;

    fn lane(&self, _thread: &Rc<Thread>) -> Door {
        Door { doors: self.clone(), left: Cell::new(0) }
    }

    fn streams(&self) -> Streams {
        if self.streams > 1 { Streams::Many } else { Streams::One }
    }
}

impl Lane for Door {
    async fn open(&self) -> Result<Opened, Failure> {
        (self.doors.opening)(self.doors.tried.fetch_add(1, Ordering::Relaxed))?;
        self.left.set(self.doors.requests);
        Ok(Opened { connect_ns: 1, tls_ns: None, streams: self.doors.streams })
    }

    fn is_open(&self) -> bool {
        self.left.get() > 0
    }

    async fn exchange(&self, _: Call) -> Outcome {
        tokio::time::sleep(millis(1)).await;
        self.left.set(self.left.get().saturating_sub(1));
        Outcome { status: Some(200), ..Outcome::default() }
    }
}

fn short(_: u64) -> Result<(), Failure> {
    Err(Failure::shortage("no port is left"))
}

fn refused(_: u64) -> Result<(), Failure> {
    Err(Failure::new(ErrorClass::ConnectRefused, "nobody listens"))
}

fn in_time(_: u64) -> Result<(), Failure> {
    Ok(())
}

/// That nothing was counted for what could not begin, and that the verdict says why.
fn is_our_shortage(result: &RunResult) {
    hold_identities(result);
    assert!(result.errors.is_empty(), "{:?}", result.errors);
    assert_eq!(result.validity.verdict, Verdict::Invalid, "{:?}", result.validity);
    let reason = &result.validity.reasons[0];
    assert_eq!(reason.kind, "descriptors_short", "{:?}", result.validity);
    assert!(reason.explanation.contains("(no port is left)"), "{reason:?}");
    assert!(result.generator.shortages > 0);
}

#[tokio::test]
async fn in_open_loop_arrivals_wait_and_are_dropped_for_want_of_a_connection() {
    let doors = doors(short);
    let test = LoadTest::transport(doors.clone()).rate(200.0).duration(millis(500));
    let result = test.drain(millis(200)).threads(1).run().await.unwrap();
    is_our_shortage(&result);
    let arrivals = &result.arrivals;
    assert_eq!((arrivals.due, arrivals.sent, arrivals.dropped), (100, 0, 100));
    assert_eq!(arrivals.dropped_by_reason["no_connection"], 100, "{arrivals:?}");
    // After 10, 20, 40 ms and so on: not for each arrival.
    assert!((3..=12).contains(&doors.tried()), "{} tries", doors.tried());
}

#[tokio::test]
async fn a_backlog_that_overflows_for_want_of_a_connection_is_dropped_for_that() {
    for most in [0, 3] {
        let test = LoadTest::transport(doors(short)).rate(200.0).duration(millis(500));
        let test = test.max_backlog(most).drain(millis(10)).threads(1);
        let result = test.run().await.unwrap();
        is_our_shortage(&result);
        assert_eq!(result.arrivals.dropped_by_reason["no_connection"], 100);
        let early = result.series.iter().map(|row| row.dropped).sum::<u64>();
        assert_eq!(early, 100);
    }
}

#[tokio::test]
async fn in_closed_loop_nothing_was_due() {
    let doors = doors(short);
    let test = LoadTest::transport(doors.clone()).connections(4).duration(millis(500));
    let result = test.threads(1).run().await.unwrap();
    is_our_shortage(&result);
    assert_eq!((result.arrivals.due, result.outcomes.unfinished), (0, 0));
    assert_eq!(result.generator.shortages, doors.tried());
    // Each of the four after 10, 20, 40, 80, 160 and 320 ms at the earliest.
    assert!((8..=24).contains(&doors.tried()), "{} tries", doors.tried());
    assert!(result.generator.shortage_share > Some(0.5), "{:?}", result.generator);
}

/// What has no connection for a while has one later: each request is made once.
#[tokio::test]
async fn what_could_not_begin_is_made_later() {
    let opening = |number| if number < 3 { short(number) } else { Ok(()) };
    for connections in [1, 8] {
        let doors = doors(opening);
        let test = LoadTest::transport(doors.clone()).connections(connections).requests(300);
        let result = test.threads(1).run().await.unwrap();
        hold_identities(&result);
        assert_eq!((result.arrivals.sent, result.outcomes.ok), (300, 300));
        assert_eq!(result.generator.shortages, 3);
        assert_ne!(result.validity.verdict, Verdict::Valid, "{:?}", result.validity);
    }
}

/// Arrivals that waited for a port are late by the fault of this machine, and each is sent once.
#[tokio::test]
async fn arrivals_that_waited_for_a_connection_are_late_by_our_fault() {
    let opening = |number| if number < 5 { short(number) } else { Ok(()) };
    let test = LoadTest::transport(doors(opening)).rate(200.0).duration(millis(500));
    let result = test.threads(1).run().await.unwrap();
    hold_identities(&result);
    assert_eq!((result.arrivals.sent, result.outcomes.ok, result.arrivals.dropped), (100, 100, 0));
    // For 10 + 20 + 40 + 80 + 160 ms, in which 62 fell due.
    assert!(result.schedule_lag.max_ms > Some(300.0), "{:?}", result.schedule_lag);
    assert!(result.generator.pacer_lag.max_ms > Some(150.0), "{:?}", result.generator);
    assert_ne!(result.validity.verdict, Verdict::Valid, "{:?}", result.validity);
}

/// Connections that are there carry what they can, in the order in which it fell due.
#[tokio::test]
async fn connections_that_are_open_go_on() {
    let opening = |number| if number < 2 { Ok(()) } else { short(number) };
    let test = LoadTest::transport(doors(opening)).rate(400.0).duration(millis(500));
    let result = test.threads(1).run().await.unwrap();
    hold_identities(&result);
    assert_eq!((result.arrivals.sent, result.outcomes.ok), (200, 200), "{:?}", result.arrivals);
    assert!(result.errors.is_empty(), "{:?}", result.errors);
}

#[tokio::test]
async fn a_closure_can_say_that_it_could_not_begin() {
    let call = async |_| Err(Failure::shortage("no port is left"));
    let closed = LoadTest::call(call).connections(2).duration(millis(300)).threads(1);
    let result = closed.run().await.unwrap();
    is_our_shortage(&result);
    assert_eq!(result.arrivals.due, 0);
    let open = LoadTest::call(call).rate(100.0).duration(millis(300)).drain(millis(50));
    let result = open.threads(1).run().await.unwrap();
    is_our_shortage(&result);
    assert_eq!(result.arrivals.dropped_by_reason["no_connection"], 30);
}

#[tokio::test]
async fn in_the_warm_up_a_shortage_is_in_no_figure() {
    let opening = |number| if number < 4 { short(number) } else { Ok(()) };
    for rate in [None, Some(100.0)] {
        let test = LoadTest::transport(doors(opening)).connections(2).threads(1);
        let test = test.warmup(millis(400)).duration(millis(300));
        let result = match rate {
            Some(rate) => test.rate(rate).run().await,
            None => test.run().await,
        };
        let result = result.unwrap();
        hold_identities(&result);
        assert_eq!((result.generator.shortages, result.arrivals.dropped), (0, 0));
        assert_eq!(result.arrivals.due, result.outcomes.ok);
        assert!(result.outcomes.ok >= 30);
    }
}

/// 10 ms after the first failure, then doubled: seven times in a second for each connection.
#[tokio::test]
async fn in_closed_loop_a_connection_that_is_refused_backs_off() {
    let doors = doors(refused);
    let test = LoadTest::transport(doors.clone()).connections(5).duration(millis(1_000));
    let result = test.threads(2).run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.errors["connect_refused"], doors.tried());
    assert_eq!(result.arrivals.sent, doors.tried(), "each of them is a request");
    assert!((15..=35).contains(&doors.tried()), "{} tries", doors.tried());
    assert_eq!(result.generator.shortages, 0);
}

/// Of an open loop each arrival is a request, and none waits for the one before.
#[tokio::test]
async fn in_open_loop_each_arrival_is_refused_once() {
    let test = LoadTest::transport(doors(refused)).rate(500.0).duration(millis(600));
    let result = test.threads(1).run().await.unwrap();
    hold_identities(&result);
    assert_eq!((result.errors["connect_refused"], result.arrivals.dropped), (300, 0));
}

/// A connection that was opened has nothing to back off from, however often it closes, and what is
/// refused now and then backs off from 10 ms each time.
#[tokio::test]
async fn a_connection_that_is_opened_begins_anew() {
    let often = Doors { requests: 1, ..doors(in_time) };
    let now_and_then = Doors {
        requests: 1,
        ..doors(|number| if number % 2 == 1 { refused(number) } else { Ok(()) })
    };
    for (doors, least) in [(often, 100), (now_and_then, 40)] {
        let test = LoadTest::transport(doors.clone()).connections(1).duration(millis(2_000));
        let result = test.threads(1).run().await.unwrap();
        hold_identities(&result);
        assert!(result.outcomes.ok >= least, "{:?}", result.outcomes);
        assert_eq!(result.arrivals.sent, doors.tried());
    }
}

/// A number of requests ends with so many attempts, each of them counted.
#[tokio::test]
async fn a_number_of_refused_requests_comes_to_its_end() {
    let doors = doors(refused);
    let test = LoadTest::transport(doors.clone()).connections(10).requests(40);
    let result = test.threads(2).run().await.unwrap();
    hold_identities(&result);
    assert_eq!((result.outcomes.failed, doors.tried()), (40, 40));
}

/// Requests that share a connection wait together until it is tried again.
#[tokio::test]
async fn a_shared_connection_backs_off_as_one() {
    let opening = |number| if number == 0 { Ok(()) } else { refused(number) };
    let doors = Doors { streams: 10, requests: 50, ..doors(opening) };
    let test = LoadTest::transport(doors.clone()).connections(1).duration(millis(1_000));
    let result = test.threads(1).run().await.unwrap();
    hold_identities(&result);
    // Those that were under way on it as it closed try at once, each one time.
    let refused = result.errors["connect_refused"];
    assert!((4..=30).contains(&refused), "{refused} refused");
    assert_eq!(result.outcomes.ok, result.arrivals.sent - refused);
}

async fn after(time: Duration, handle: &RunHandle, order: impl FnOnce(&RunHandle)) {
    tokio::time::sleep(time).await;
    order(handle);
}

#[tokio::test]
async fn while_it_is_paused_nothing_is_tried_and_a_stop_is_not_waited_for() {
    for opening in [refused as Opening, short] {
        let doors = doors(opening);
        let test = LoadTest::transport(doors.clone()).connections(4).threads(1);
        let handle = test.duration(Duration::from_secs(60)).start().await.unwrap();
        after(millis(200), &handle, |handle| handle.pause().unwrap()).await;
        // Orders take effect after a moment.
        after(millis(100), &handle, |_| {}).await;
        let before = doors.tried();
        after(millis(1_500), &handle, |_| {}).await;
        assert_eq!(doors.tried(), before);
        handle.resume().unwrap();
        after(millis(1_500), &handle, |_| {}).await;
        assert!(doors.tried() > before);
        handle.stop();
        let result = tokio::time::timeout(Duration::from_secs(20), handle.result()).await;
        let result = result.expect("it ends at once").unwrap();
        hold_identities(&result);
        assert_eq!(result.outcomes.failed + result.generator.shortages, doors.tried());
    }
}
