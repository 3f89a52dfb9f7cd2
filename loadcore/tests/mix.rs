//! Tests a mix of named requests: the counts and latencies of each, which follow from the seed.

mod common;

use common::hold_identities;
use loadcore::request::{DropReason, Failure, Mix};
use loadcore::result::RequestResult;
use loadcore::transport::Call;
use loadcore::{Arrivals, LoadTest, RunResult};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

const NAMES: [(&str, f64); 4] = [("list", 5.0), ("read", 3.0), ("write", 1.5), ("rare", 0.5)];

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn mix(seed: u64) -> Mix {
    Mix::new(seed, &NAMES.map(|(_, weight)| weight))
}

/// The sums over the names are the whole, and the identities hold for each of them.
fn hold_by_name(result: &RunResult) {
    hold_identities(result);
    let sum = |of: fn(&RequestResult) -> u64| result.requests.iter().map(of).sum::<u64>();
    let of_all = &result.arrivals;
    assert_eq!(sum(|it| it.arrivals.due), of_all.due);
    assert_eq!(sum(|it| it.arrivals.sent), of_all.sent);
    assert_eq!(sum(|it| it.arrivals.dropped), of_all.dropped);
    assert_eq!(sum(|it| it.arrivals.unknown), of_all.unknown);
    assert_eq!(sum(|it| it.outcomes.ok), result.outcomes.ok);
    assert_eq!(sum(|it| it.outcomes.failed), result.outcomes.failed);
    assert_eq!(sum(|it| it.outcomes.unfinished), result.outcomes.unfinished);
    for request in &result.requests {
        let RequestResult { arrivals, outcomes, .. } = request;
        let given_up = arrivals.dropped + arrivals.backlog + arrivals.unknown;
        assert_eq!(arrivals.due, arrivals.sent + given_up, "{}", request.name);
        assert_eq!(arrivals.sent, outcomes.ok + outcomes.failed + outcomes.unfinished);
        assert_eq!(arrivals.dropped_by_reason.values().sum::<u64>(), arrivals.dropped);
        assert_eq!(request.errors.values().sum::<u64>(), outcomes.failed);
        let rows = |of: fn(&loadcore::result::SeriesRow) -> u64| {
            request.series.iter().map(of).sum::<u64>()
        };
        assert_eq!((rows(|it| it.due), rows(|it| it.sent)), (arrivals.due, arrivals.sent));
        assert_eq!((rows(|it| it.ok), rows(|it| it.failed)), (outcomes.ok, outcomes.failed));
        assert!(request.series.len() <= 120);
    }
}

fn due(result: &RunResult) -> Vec<u64> {
    result.requests.iter().map(|request| request.arrivals.due).collect()
}

#[tokio::test]
async fn which_request_an_arrival_is_follows_from_the_seed_and_its_number_on_any_number_of_threads()
{
    for (threads, seed) in [(1, 7), (2, 7), (3, 8)] {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let call = async move |call: Call| {
            seen.lock().unwrap().push((call.number, call.request));
            Ok(200)
        };
        let test = LoadTest::call(call).names(NAMES).seed(seed).rate(4_000.0).threads(threads);
        let result = test.duration(millis(500)).run().await.unwrap();
        hold_by_name(&result);
        assert_eq!(due(&result), mix(seed).counts(0..2_000));
        let mut calls = calls.lock().unwrap().clone();
        calls.sort_unstable();
        let wanted: Vec<_> = (0..2_000).map(|n| (n, mix(seed).pick(n))).collect();
        assert_eq!(calls, wanted);
        let names: Vec<_> =
            result.requests.iter().map(|it| (it.name.as_str(), it.weight)).collect();
        assert_eq!(names, NAMES);
    }
}

#[tokio::test]
async fn a_closed_loop_sends_the_requests_of_its_first_numbers() {
    for threads in [1, 2] {
        let call = async |_: Call| {
            tokio::time::sleep(millis(1)).await;
            Ok(200)
        };
        let test = LoadTest::call(call).names(NAMES).seed(3).requests(400).connections(7);
        let result = test.warmup(millis(50)).threads(threads).run().await.unwrap();
        hold_by_name(&result);
        assert_eq!(due(&result), mix(3).counts(0..400));
    }
}

#[tokio::test]
async fn each_name_has_latencies_and_failures_of_its_own() {
    let call = async |call: Call| match call.request {
        0 => Ok(200),
        1 => {
            tokio::time::sleep(millis(20)).await;
            Ok(200)
        }
        2 => Ok(503),
        _ => Err(Failure::named("out_of_stock", "none is left")),
    };
    let test = LoadTest::call(call).names(NAMES).rate(1_000.0).duration(millis(500));
    let result = test.run().await.unwrap();
    hold_by_name(&result);
    let [list, read, write, rare] = &result.requests[..] else { panic!("four requests") };
    let (quick, slow) = (list.latency.p50_ms.unwrap(), read.latency.p50_ms.unwrap());
    assert!(quick < slow && slow > 19.0, "{quick} and {slow}");
    assert_eq!((list.success_rate, write.success_rate), (Some(100.0), Some(0.0)));
    assert_eq!(write.status_code_distribution[&503], write.arrivals.sent);
    assert_eq!(rare.errors["out_of_stock"], rare.arrivals.sent);
    assert_eq!(result.errors["out_of_stock"], rare.arrivals.sent);
    assert_eq!(result.errors["http_5xx"], write.arrivals.sent);
    assert_eq!(result.error_examples["out_of_stock"], "none is left");
    assert!(!result.errors.contains_key("target"));
}

#[tokio::test]
async fn what_is_given_up_is_counted_by_name_too() {
    let call = async |_: Call| {
        tokio::time::sleep(millis(100)).await;
        Ok(200)
    };
    for max_backlog in [20, 100_000] {
        let test =
            LoadTest::call(call).names(NAMES).seed(1).rate(2_000.0).connections(4).threads(2);
        let test = test.arrivals(Arrivals::Poisson { seed: 1 }).max_backlog(max_backlog);
        let result = test.duration(millis(400)).drain(millis(50)).run().await.unwrap();
        hold_by_name(&result);
        assert!(result.arrivals.dropped > 500);
        assert_eq!(due(&result), mix(1).counts(0..result.arrivals.due));
        let reason = if max_backlog == 20 { DropReason::BacklogFull } else { DropReason::RunEnded };
        assert!(result.requests[0].arrivals.dropped_by_reason.contains_key(reason.name()));
    }
}

#[tokio::test]
async fn ten_thousand_classes_are_32_and_the_rest_is_the_targets() {
    let call = async |call: Call| Err(Failure::named(format!("class {}", call.number), "so"));
    let result = LoadTest::call(call).requests(10_000).connections(8).run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.errors.len(), 33);
    assert_eq!(result.errors.values().sum::<u64>(), 10_000);
    assert_eq!(result.errors["target"], 10_000 - 32);
    assert_eq!(result.errors["class 0"], 1, "the first in byte order are told apart");
}

#[tokio::test]
async fn names_that_cannot_be_are_refused() {
    let many: Vec<_> = (0..101).map(|n| (format!("n{n}"), 1.0)).collect();
    let of = |names: &[(&str, f64)]| {
        names.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect()
    };
    let cases: [(Vec<(String, f64)>, &str); 6] = [
        (
            of(&[("a", 1.0), ("a", 2.0)]),
            "mix[1].name: \"a\" is the name of another request of the mix as well",
        ),
        (of(&[("a", 0.0)]), "mix[0].weight: 0 is out of range; give a number above 0"),
        (of(&[("a", f64::NAN)]), "mix[0].weight: NaN is out of range; give a number above 0"),
        (of(&[("a", -1.0)]), "mix[0].weight: -1 is out of range; give a number above 0"),
        (of(&[("", 1.0)]), "mix[0].name: has 0 characters; give 1 to 100"),
        (many, "mix: has 101 requests; give at most 100"),
    ];
    for (names, why) in cases {
        let test = LoadTest::call(async |_| Ok(200)).names(names).requests(1);
        let error = test.run().await.unwrap_err();
        assert!(error.faults()[0].to_string().starts_with(why), "{error}");
    }
}

#[tokio::test]
async fn a_session_is_opened_for_each_connection_and_again_after_a_failure() {
    let opened = Arc::new(Mutex::new(0_u64));
    let count = Arc::clone(&opened);
    let open = async move || {
        *count.lock().unwrap() += 1;
        Ok(0_u64)
    };
    let call = async |used: &mut u64, _: Call| {
        *used += 1;
        match *used {
            5 => Err(Failure::named("empty", "an answer")),
            10 => Err(std::io::Error::other("the connection broke").into()),
            _ => Ok(200),
        }
    };
    let test = LoadTest::session(open, call).requests(100).connections(2).threads(1);
    let result = test.run().await.unwrap();
    hold_identities(&result);
    // Each tenth use breaks a connection, and no other.
    let (broken, opened) = (result.errors["target"], *opened.lock().unwrap());
    assert!((8..=10).contains(&broken) && (broken..=broken + 2).contains(&opened), "{result:?}");
    assert!(result.errors["empty"] >= broken);
    assert_eq!(result.connects, opened);
}
