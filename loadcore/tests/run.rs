//! Tests whole runs with a closure as the thing under load: what the engine promises.
//!
//! No test here depends on how quick the machine is: they hold counts, orders and identities.

mod common;

use common::hold_identities;
use loadcore::profile::{LoadProfile, Profile, ProfileType, Step};
use loadcore::request::{ErrorClass, Failure};
use loadcore::transport::{Call, FnTransport, Thread, Transport};
use loadcore::{Arrivals, LoadTest, RunError, Sla};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

type Answer = Result<u16, Failure>;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A closure that counts its calls and takes `time` for each.
fn counting(
    time: Duration,
) -> (Arc<AtomicU64>, impl AsyncFn(Call) -> Answer + Clone + Send + Sync) {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let call = async move |_: Call| {
        counted.fetch_add(1, Ordering::Relaxed);
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        Ok(200)
    };
    (calls, call)
}

#[tokio::test]
async fn an_open_loop_sends_what_the_profile_says_on_any_number_of_threads() {
    for threads in [1, 2, 3] {
        let (calls, call) = counting(Duration::ZERO);
        let test = LoadTest::call(call).rate(3_333.0).duration(millis(700)).threads(threads);
        let result = test.run().await.unwrap();
        hold_identities(&result);
        // floor(3333 * 0.7 + 1/2)
        assert_eq!(result.arrivals.due, 2_333);
        assert_eq!(result.outcomes.ok, 2_333);
        assert_eq!(calls.load(Ordering::Relaxed), 2_333);
        assert_eq!(result.duration_seconds, 0.7);
        assert_eq!(result.series.len(), 1);
        assert!(result.schedule_lag.p50_ms.is_some());
    }
}

#[tokio::test]
async fn poisson_arrivals_are_those_of_the_seed() {
    let mut totals = Vec::new();
    for threads in [1, 2] {
        let (_, call) = counting(Duration::ZERO);
        let test = LoadTest::call(call).rate(2_000.0).arrivals(Arrivals::Poisson { seed: 7 });
        let result = test.duration(millis(500)).threads(threads).run().await.unwrap();
        hold_identities(&result);
        totals.push(result.arrivals.due);
    }
    assert_eq!(totals[0], totals[1]);
    assert_ne!(totals[0], 1_000, "a thousand is the mean, not the law");
}

#[tokio::test]
async fn a_number_of_requests_is_exact_in_both_loops() {
    for threads in [1, 2] {
        let (calls, call) = counting(millis(1));
        let result =
            LoadTest::call(call).requests(501).connections(7).threads(threads).run().await.unwrap();
        hold_identities(&result);
        assert_eq!((result.outcomes.ok, calls.load(Ordering::Relaxed)), (501, 501));
        assert_eq!(result.offered_rps, None, "a closed loop offers no rate");

        let (calls, call) = counting(millis(1));
        let test = LoadTest::call(call).rate(5_000.0).requests(501).threads(threads);
        let result = test.duration(Duration::from_secs(60)).run().await.unwrap();
        hold_identities(&result);
        assert_eq!((result.arrivals.due, calls.load(Ordering::Relaxed)), (501, 501));
        assert!(result.duration_seconds < 60.0);
    }
}

#[tokio::test]
async fn the_first_requests_are_measured_like_all_others() {
    let (_, call) = counting(millis(2));
    let result = LoadTest::call(call).requests(4).connections(4).threads(2).run().await.unwrap();
    hold_identities(&result);
    assert!(result.latency.min_ms.unwrap() >= 1.9, "{:?}", result.latency);
    assert!(result.duration_seconds >= 0.0019, "{}", result.duration_seconds);
}

#[tokio::test]
async fn a_closed_loop_never_has_more_under_way_than_connections() {
    let under_way = Arc::new(AtomicU64::new(0));
    let most = Arc::new(AtomicU64::new(0));
    let (now, peak) = (Arc::clone(&under_way), Arc::clone(&most));
    let call = move |_| {
        let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(millis(2)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(200)
        }
    };
    let result =
        LoadTest::call(call).connections(5).threads(2).duration(millis(200)).run().await.unwrap();
    hold_identities(&result);
    assert_eq!(most.load(Ordering::SeqCst), 5);
    assert!(result.outcomes.ok > 5);
}

#[tokio::test]
async fn a_target_that_is_too_slow_drops_with_a_reason_and_stays_valid() {
    let (calls, call) = counting(millis(20));
    let test = LoadTest::call(call).rate(2_000.0).duration(millis(1_000)).connections(4);
    let result = test.max_backlog(100).drain(millis(100)).run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.arrivals.due, 2_000);
    let dropped = &result.arrivals.dropped_by_reason;
    assert!(dropped["backlog_full"] > 1_000, "{dropped:?}");
    assert!(dropped["run_ended"] > 0, "{dropped:?}");
    assert_eq!(calls.load(Ordering::Relaxed), result.arrivals.sent);
    let kinds: Vec<_> = result.validity.reasons.iter().map(|reason| &reason.kind[..]).collect();
    assert!(
        kinds.iter().all(|kind| *kind == "cpu_contended" || *kind == "pacer_late"),
        "nothing but a busy machine may be to blame: {kinds:?}"
    );
}

#[tokio::test]
async fn a_backlog_of_none_sends_at_once_or_never() {
    let (_, call) = counting(millis(50));
    let test = LoadTest::call(call).rate(1_000.0).duration(millis(300)).connections(2);
    let result = test.max_backlog(0).run().await.unwrap();
    hold_identities(&result);
    assert!(result.arrivals.dropped > 200, "{:?}", result.arrivals);
    // Nothing waited for the busy lanes: whoever was sent was sent when it was due.
    assert!(result.schedule_lag.p50_ms.unwrap() < 50.0);
}

#[tokio::test]
async fn what_is_in_flight_when_the_drain_ends_is_unfinished() {
    let (_, call) = counting(Duration::from_secs(30));
    let test = LoadTest::call(call).rate(100.0).duration(millis(200)).drain(millis(50));
    let result = test.run().await.unwrap();
    hold_identities(&result);
    assert_eq!((result.arrivals.due, result.outcomes.unfinished), (20, 20));
    assert!(result.drain_seconds >= 0.05, "it waited for the whole drain");
    assert_eq!(result.latency.p50_ms, None, "there is no number where nothing was measured");
}

#[tokio::test]
async fn a_timeout_fails_the_request_and_frees_the_lane() {
    let (_, call) = counting(Duration::from_secs(30));
    let test = LoadTest::call(call).requests(6).connections(2).timeout(millis(50)).threads(1);
    let result = test.run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.errors["response_timeout"], 6);
    assert!(result.error_examples["response_timeout"].contains("0.05 s"));
    assert!(result.latency.min_ms.unwrap() >= 49.0);
}

#[tokio::test]
async fn failures_and_panics_are_counted_by_class() {
    let calls = Arc::new(AtomicU64::new(0));
    let call = move |_| {
        let n = calls.fetch_add(1, Ordering::Relaxed);
        async move {
            match n % 4 {
                0 => Ok(200),
                1 => Ok(503),
                2 => Err(Failure::new(ErrorClass::Check, "not what was expected")),
                _ => panic!("a fault in the user's code"),
            }
        }
    };
    let result = LoadTest::call(call).requests(40).connections(1).run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.outcomes.ok, 10);
    for class in ["http_5xx", "check", "target"] {
        assert_eq!(result.errors[class], 10, "{class}");
    }
    let example = &result.error_examples["target"];
    assert_eq!(example, "the transport panicked: a fault in the user's code");
    assert_eq!(result.status_code_distribution[&503], 10);
}

#[tokio::test]
async fn the_warm_up_is_in_no_statistic() {
    let (calls, call) = counting(Duration::ZERO);
    let test = LoadTest::call(call).rate(1_000.0).duration(millis(300)).warmup(millis(200));
    let result = test.run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.arrivals.due, 300);
    assert_eq!(result.warmup_seconds, 0.2);
    let all = calls.load(Ordering::Relaxed);
    assert!(all > 300 && all <= 500, "{all} calls: 200 of the warm-up, unless it was held up");
}

#[tokio::test]
async fn stop_ends_the_load_and_keeps_the_result() {
    let (_, call) = counting(millis(1));
    let handle =
        LoadTest::call(call).rate(1_000.0).duration(Duration::from_secs(60)).start().await.unwrap();
    let mut snapshots = handle.snapshots();
    let first = snapshots.next().await.unwrap();
    assert!(first.total.counters.due > 0);
    handle.stop();
    let result = handle.result().await.unwrap();
    hold_identities(&result);
    assert!(result.interrupted);
    assert!(result.duration_seconds < 59.0, "{}", result.duration_seconds);
    let again = handle.result().await.unwrap();
    assert_eq!(again.arrivals, result.arrivals, "it can be asked for again");
}

/// When a thread ends, slots may have been given tickets that they have not begun with.
#[tokio::test]
async fn what_was_given_up_at_the_end_is_not_sent_after_it() {
    for _ in 0..20 {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        let call = move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async {
                tokio::task::yield_now().await;
                Ok(200)
            }
        };
        let test = LoadTest::call(call).rate(20_000.0).threads(2).drain(Duration::ZERO);
        let handle = test.duration(millis(150)).start().await.unwrap();
        tokio::time::sleep(millis(60)).await;
        handle.stop();
        let result = handle.wait().await.unwrap();
        hold_identities(&result);
        assert_eq!(calls.load(Ordering::Relaxed), result.arrivals.sent);
    }
}

#[tokio::test]
async fn a_run_is_as_long_as_its_profile() {
    let steps = || {
        let step = |duration_seconds, rps| Step { duration_seconds, rps };
        let steps = ProfileType::Steps { steps: vec![step(0.2, 100.0), step(0.3, 300.0)] };
        LoadTest::call(async |_| Ok(200)).profile(LoadProfile::new(steps, 0.5).unwrap())
    };
    let result = steps().run().await.unwrap();
    assert_eq!((result.duration_seconds, result.arrivals.due), (0.5, 110));
    let refused = steps().duration(millis(700)).run().await.unwrap_err().to_string();
    assert!(refused.contains("0.7 s") && refused.contains("made for 0.5 s"), "{refused}");
}

#[tokio::test]
async fn dropping_the_handle_ends_the_load() {
    let (calls, call) = counting(Duration::ZERO);
    let handle =
        LoadTest::call(call).rate(1_000.0).duration(Duration::from_secs(60)).start().await.unwrap();
    tokio::time::sleep(millis(100)).await;
    drop(handle);
    tokio::time::sleep(millis(500)).await;
    let after = calls.load(Ordering::Relaxed);
    tokio::time::sleep(millis(300)).await;
    assert_eq!(calls.load(Ordering::Relaxed), after);
}

#[tokio::test]
async fn a_pause_stops_the_profiles_clock() {
    let (_, call) = counting(Duration::ZERO);
    let handle =
        LoadTest::call(call).rate(1_000.0).duration(millis(600)).threads(2).start().await.unwrap();
    tokio::time::sleep(millis(200)).await;
    handle.pause().unwrap();
    tokio::time::sleep(millis(700)).await;
    handle.resume().unwrap();
    let result = handle.wait().await.unwrap();
    hold_identities(&result);
    // All of the profile comes, only later.
    assert_eq!((result.arrivals.due, result.duration_seconds), (600, 0.6));
    assert!(result.latency.max_ms.unwrap() < 500.0, "nobody waited through the pause");
}

#[tokio::test]
async fn a_change_of_rate_replaces_what_is_left() {
    let (_, call) = counting(Duration::ZERO);
    let test = LoadTest::call(call).rate(100.0).duration(millis(1_000)).threads(2);
    let handle = test.start().await.unwrap();
    tokio::time::sleep(millis(200)).await;
    handle.change_rate(10_000.0, 0.0).unwrap();
    assert!(handle.change_rate(f64::NAN, 0.0).is_err());
    assert!(handle.change_rate(1.0, -1.0).is_err());
    let result = handle.wait().await.unwrap();
    hold_identities(&result);
    // 0.8 s at most at the new rate; much less, were the machine held up for long.
    assert!((500..=8_100).contains(&result.arrivals.due), "{}", result.arrivals.due);
}

#[tokio::test]
async fn a_rule_may_end_the_run() {
    let (_, call) = counting(millis(5));
    let test = LoadTest::call(call).rate(200.0).duration(Duration::from_secs(60));
    let result = test.sla(Sla::new("p50<1ms").window_seconds(1).abort()).run().await.unwrap();
    hold_identities(&result);
    assert!(result.duration_seconds < 30.0);
    assert!(!result.sla[0].passed && result.sla[0].aborted);
}

#[tokio::test]
async fn intervals_are_told_as_they_close_and_add_up() {
    let (_, call) = counting(Duration::ZERO);
    let seen = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&seen);
    let test = LoadTest::call(call).rate(500.0).duration(millis(2_200)).threads(2);
    let observed = test.on_interval(move |closed| {
        told.fetch_add(closed.interval.counters.ok, Ordering::Relaxed);
    });
    let result = observed.run().await.unwrap();
    hold_identities(&result);
    assert_eq!(seen.load(Ordering::Relaxed), result.outcomes.ok);
    assert_eq!(result.series.len(), 3);
    assert_eq!((result.series[0].due, result.series[1].due), (500, 500));
}

/// A profile of one's own: everything within a tenth of a second, after another tenth.
#[derive(Clone)]
struct Avalanche;

impl Profile for Avalanche {
    fn rate(&self, seconds: f64) -> f64 {
        if (0.1..0.2).contains(&seconds) { 5_000.0 } else { 0.0 }
    }

    fn demand(&self, seconds: f64) -> f64 {
        (seconds - 0.1).clamp(0.0, 0.1) * 5_000.0
    }

    fn inverse(&self, arrivals: f64) -> f64 {
        if arrivals <= 500.0 { 0.1 + arrivals / 5_000.0 } else { f64::INFINITY }
    }

    fn peak_rate(&self) -> f64 {
        5_000.0
    }
}

#[tokio::test]
async fn any_profile_can_be_run() {
    let (_, call) = counting(Duration::ZERO);
    let result = LoadTest::call(call).profile(Avalanche).duration(millis(400)).run().await.unwrap();
    hold_identities(&result);
    assert_eq!((result.arrivals.due, result.duration_seconds), (500, 0.4));
}

#[tokio::test]
async fn settings_out_of_range_are_refused_by_name() {
    async fn refused(test: LoadTest, what: &str) {
        let error = test.run().await.unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    let get = || LoadTest::get("http://127.0.0.1:1/");
    refused(LoadTest::get("http://exa mple/"), "not a URL").await;
    refused(LoadTest::get("ftp://127.0.0.1/"), "ftp").await;
    refused(get().rate(0.0), "the rate is 0 throughout").await;
    refused(get().rate(f64::NAN), "NaN").await;
    refused(get().rate(1e12), "1000000000000").await;
    refused(get().duration(Duration::from_secs(366 * 86_400)), "604800").await;
    refused(get().duration(Duration::ZERO), "duration").await;
    refused(get().threads(0), "threads").await;
    refused(get().connections(0), "connections").await;
    refused(get().connections(u64::MAX), "1 to 1000000").await;
    refused(get().requests(0), "maxRequests").await;
    refused(get().timeout(Duration::ZERO), "timeout").await;
    refused(get().sla("p99 of 5"), "sla[0]: ").await;
    refused(get().header("a b", "c"), "header").await;
    let refused = LoadTest::get("http://169.254.169.254/").run().await.unwrap_err();
    assert!(matches!(refused, RunError::Refused(_)), "{refused}");
}

/// A transport whose second lane cannot be made, since its code is broken.
#[derive(Clone)]
struct Breaking<F>(FnTransport<F>, Arc<AtomicU64>);

impl<F> Transport for Breaking<F>
where
    F: AsyncFn(Call) -> Answer + Clone + Send + Sync + 'static,
{
    type Lane = <FnTransport<F> as Transport>::Lane;

    fn lane(&self, thread: &Rc<Thread>) -> Self::Lane {
        assert_eq!(self.1.fetch_add(1, Ordering::Relaxed), 0, "broken on purpose");
        self.0.lane(thread)
    }
}

#[tokio::test]
async fn a_thread_that_fails_ends_the_run() {
    let (_, call) = counting(Duration::ZERO);
    let broken = Breaking(FnTransport::new(call), Arc::default());
    let test = LoadTest::transport(broken).rate(100.0).duration(Duration::from_secs(600));
    let ended = tokio::time::timeout(Duration::from_secs(60), test.threads(2).run()).await;
    let error = ended.expect("the other thread does not go on").unwrap_err();
    assert!(matches!(error, RunError::Thread(_)), "{error}");
}
