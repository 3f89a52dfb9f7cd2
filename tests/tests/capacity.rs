//! Tests searches for a capacity through sockets, on a server that takes a known rate.
//!
//! The short form is one search of twenty seconds with wide margins; `LOADCORE_LONG=1` makes searches of four
//! minutes, of even arrivals and of Poisson's, within 5%, on a machine that has nothing else to do.

#![expect(clippy::print_stderr, reason = "what was found is told")]

use loadcore::LoadTest;
use loadcore::analysis::capacity::{Capacity, LimitedBy, Wanted};
use loadcore_target::{Config, Target};
use std::time::Duration;

/// What one server takes that needs 5 ms for each request.
const TAKES: f64 = 200.0;

async fn search(slo: &str, poisson: bool, duration: Duration) -> Capacity {
    let target = Target::start(Config { service_rate: Some(TAKES), ..Config::default() }).await;
    let target = target.expect("a target");
    let test = LoadTest::get(&target.url("/")).threads(1);
    let test = if poisson { test.poisson() } else { test };
    let found = test.capacity(slo, 1_000.0).duration(duration).run().await.expect("a search");
    eprintln!("{}", loadcore::report::capacity::text(&found, Default::default()));
    found
}

fn is_long() -> bool {
    std::env::var_os("LOADCORE_LONG").is_some()
}

// Rates are offered and held against what comes: nothing else runs beside them.
mod alone {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_rate_of_a_server_is_found() {
        let (duration, within) = match is_long() {
            true => (Wanted::USUAL_DURATION, 0.05),
            false => (Wanted::LEAST_DURATION, 0.35),
        };
        let found = search("ok_p99<200ms", false, duration).await;
        let rate = found.capacity_rps.expect("a capacity");
        assert!((rate / TAKES - 1.0).abs() <= within, "{found:#?}");
        // A machine that is busy with something else may be the limit for a while, and says so.
        assert_ne!(found.limited_by, Some(LimitedBy::MaxRate), "{found:#?}");
        assert!(found.seconds <= duration.as_secs_f64() && !found.interrupted, "{found:#?}");
    }

    /// Up to 160/s 99% wait for no more than this, by Erlang's formula for M/D/1.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_random_arrivals_it_takes_what_is_computed() {
        if !is_long() {
            return;
        }
        let found = search("ok_p99<56.8ms", true, Wanted::USUAL_DURATION).await;
        let rate = found.capacity_rps.expect("a capacity");
        assert!((rate / 160.0 - 1.0).abs() <= 0.05, "{found:#?}");
    }
}

#[tokio::test]
async fn a_target_that_is_not_there_ends_the_search_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", free.local_addr().expect("an address"));
    drop(free);
    let test = LoadTest::get(&url).threads(1).capacity("p99<1s", 1_000.0);
    let found = test.duration(Duration::from_secs(20)).run().await.expect("a search");
    assert_eq!(found.capacity_rps, None);
    assert!(found.conclusion.contains("not one request was ok"), "{found:#?}");
    assert!(found.trials.len() <= 3, "{found:#?}");
}
