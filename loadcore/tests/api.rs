//! Tests the library as a new user meets it: what calls mean, and what errors say.

mod common;
#[path = "common/servers.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod servers;

use common::hold_identities;
use loadcore::profile::Profile;
use loadcore::request::{ErrorClass, Failure, Mix};
use loadcore::result::Verdict;
use loadcore::run::ControlError;
use loadcore::transport::{Call, FnTransport};
use loadcore::{LoadTest, Progress, Request, RunError, Sla};
use servers::{Seen, all, listen};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn quick() -> LoadTest {
    LoadTest::call(async |_| Ok(200)).rate(1_000.0).duration(millis(100))
}

#[tokio::test]
async fn tests_of_all_kinds_have_one_type_and_a_clone_runs_as_the_first_did() {
    let counted = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&counted);
    let call = async move |_: Call| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(200)
    };
    let tests: Vec<LoadTest> = vec![
        LoadTest::call(call.clone()),
        LoadTest::transport(FnTransport::new(call.clone())),
        LoadTest::session(async || Ok(()), async move |(): &mut (), of: Call| call(of).await),
    ];
    let seconds = Arc::new(AtomicU64::new(0));
    for test in tests {
        let seen = Arc::clone(&seconds);
        let test =
            test.rate(500.0).duration(millis(100)).sla("error_rate<1%").on_interval(move |_| {
                seen.fetch_add(1, Ordering::Relaxed);
            });
        for test in [test.clone(), test] {
            let result = test.run().await.unwrap();
            hold_identities(&result);
            result.assert_passed();
            assert_eq!(result.outcomes.ok, 50);
        }
    }
    assert_eq!(counted.load(Ordering::Relaxed), 300);
    assert!(seconds.load(Ordering::Relaxed) >= 6, "a clone is observed as well");
}

#[test]
fn what_a_test_shows_of_itself_has_no_secret_in_it() {
    let test = LoadTest::get("http://127.0.0.1:1/x").header("Authorization", "Bearer s3cret");
    let test = test.cookie("a", "s3cret").body("s3cret").rate(5.0).name("a name");
    let shown = format!("{test:?} {:?}", test.clone().mix([Request::get("a", "/").body("s3cret")]));
    assert!(shown.contains("GET http://127.0.0.1:1/x") && shown.contains("a name"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

/// Rates are areas: the counts are exact on any machine.
#[tokio::test]
async fn the_shorthands_of_a_load_make_what_they_say() {
    let call = || LoadTest::call(async |_| Ok(200));
    let due = async |test: LoadTest| {
        let result = test.run().await.unwrap();
        hold_identities(&result);
        (result.arrivals.due, result.duration_seconds)
    };
    assert_eq!(due(call().ramp(0.0, 2_000.0, millis(500))).await, (500, 0.5));
    let longer = call().ramp(0.0, 2_000.0, millis(200)).duration(millis(300));
    assert_eq!(due(longer).await, (400, 0.3));
    let steps = [(1_000.0, millis(200)), (0.0, millis(100)), (2_000.0, millis(100))];
    assert_eq!(due(call().steps(steps)).await, (400, 0.4));
    let poisson = |seed| due(call().rate(1_000.0).duration(millis(300)).poisson().seed(seed));
    let (one, again, other) = (poisson(1).await.0, poisson(1).await.0, poisson(2).await.0);
    assert_eq!(one, again);
    assert!(one != 300 || other != 300, "both came evenly");
}

#[tokio::test]
async fn a_pointer_to_a_profile_is_a_profile() {
    let ours = || loadcore::LoadProfile::constant(1_000.0).unwrap();
    let boxed: Box<dyn Profile> = Box::new(ours());
    let shared: Arc<dyn Profile> = Arc::new(ours());
    for test in [quick().profile(boxed), quick().profile(shared), quick().profile(ours())] {
        assert_eq!(test.run().await.unwrap().arrivals.due, 100);
    }
}

/// Answers 201 to POST and 200 to the rest, and notes each request line.
async fn shop() -> (std::net::SocketAddr, Seen) {
    let seen = Seen::default();
    let noted = seen.clone();
    let address = listen(move |_, mut stream| {
        let seen = noted.clone();
        async move {
            let (mut text, mut buffer) = (String::new(), [0; 4_096]);
            loop {
                let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
                let is_whole = |text: &str| match text.split_once("\r\n\r\n") {
                    Some((head, body)) => !head.starts_with("POST") || body == "item=3",
                    None => false,
                };
                if is_whole(&text) {
                    let status = if text.starts_with("POST") { "201 Created" } else { "200 OK" };
                    seen.lock().unwrap().push(std::mem::take(&mut text));
                    let reply = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                    let _ = stream.write_all(reply.as_bytes()).await;
                }
            }
        }
    })
    .await;
    (address, seen)
}

#[tokio::test]
async fn a_mix_is_a_list_of_requests_with_what_the_test_says_of_all() {
    let (address, seen) = shop().await;
    let test = LoadTest::get(&format!("http://{address}/base/"))
        .mix([
            Request::get("list", "items?n=1").weight(3.0).header("X-Both", "own"),
            Request::post("buy", "/cart").body("item=3").check("status==201"),
            Request::get("odd", &format!("http://{address}/odd")).check("status==204"),
        ])
        // What comes after the mix is meant as well.
        .header("X-Both", "all")
        .header("X-All", "1")
        .seed(7)
        .requests(100)
        .connections(2)
        .sla("error_rate{buy}<1%");
    let result = test.run().await.unwrap();
    hold_identities(&result);
    result.assert_passed();
    let names: Vec<_> = result.requests.iter().map(|it| (&*it.name, it.weight)).collect();
    assert_eq!(names, [("list", 3.0), ("buy", 1.0), ("odd", 1.0)]);
    let wanted = Mix::new(7, &[3.0, 1.0, 1.0]).counts(0..100);
    let due: Vec<_> = result.requests.iter().map(|it| it.arrivals.due).collect();
    assert_eq!(due, wanted);
    assert_eq!(result.requests[2].errors["check"], wanted[2]);
    let seen = all(&seen);
    let of = |line: &str| seen.iter().filter(|it| it.starts_with(line)).count() as u64;
    assert_eq!(of("GET /base/items?n=1 "), wanted[0]);
    assert_eq!(of("POST /cart "), wanted[1]);
    assert_eq!(of("GET /odd "), wanted[2]);
    for text in &seen {
        let both =
            if text.starts_with("GET /base") { "X-Both: own\r\n" } else { "X-Both: all\r\n" };
        assert!(text.contains(both) && text.contains("X-All: 1\r\n"), "{text}");
        assert_eq!(text.matches("X-Both").count(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_mix_that_cannot_be_is_an_error_and_no_panic() {
    let get = || LoadTest::get("http://127.0.0.1:1/").requests(1);
    let one = || Request::get("a", "/");
    let http = loadcore::http::HttpOptions::get("http://127.0.0.1:1/".parse().unwrap());
    let transport = loadcore::http::HttpTransport::new(http).unwrap();
    for (test, path, why) in [
        (get().mix([]), "mix", "is empty; give 1 to 100 requests"),
        (get().mix([one(), one()]), "mix[1].name", "\"a\" is the name of another request"),
        (get().mix([one().weight(0.0)]), "mix[0].weight", "0 is out of range"),
        (get().mix([one(), Request::get("b", "ftp://x/")]), "mix[1].url", "scheme \"ftp\""),
        (get().mix([one().header("a b", "c")]), "mix[0].headers", "\"a b\""),
        (get().mix([one().header("a", "s3\ncret")]), "mix[0].headers.a", "has a value that no"),
        (get().mix([one().check("status=2")]), "mix[0].checks[0]", ""),
        (get().names([("a", 1.0), ("b", 1.0)]), "mix", "there are 2 names for 1 requests"),
        (get().mix([one()]).names([("a", 1.0), ("b", 1.0)]), "mix", "there are 2 names for 1"),
        (
            LoadTest::transport(transport).names([("a", 1.0), ("b", 1.0)]).requests(1),
            "mix",
            "there are 2 names for 1 requests; over HTTP give the requests with mix()",
        ),
        (quick().mix([one()]), "mix", "mix() is for HTTP, and what is under load is a closure"),
        (quick().header("a", "b"), "headers", "header() is for HTTP"),
        (get().mix([one()]).sla("p99{b}<1s"), "sla[0]", ""),
    ] {
        let error = test.run().await.unwrap_err();
        assert_eq!(error.kind(), "invalid");
        let [fault] = error.faults() else { panic!("{error}") };
        assert_eq!(fault.path, path, "{error}");
        assert!(fault.message.starts_with(why), "{error}");
        assert!(!format!("{error} {error:?}").contains("cret"), "{error:?}");
    }
}

#[tokio::test]
async fn all_faults_are_told_at_once_each_with_its_path_and_its_cause() {
    let test = LoadTest::get("http://u:s3cret@127.0.0.1:1/")
        .rate(-1.0)
        .threads(0)
        .connections(0)
        .timeout(Duration::ZERO)
        .header("x\n", "s3cret\n")
        .name("")
        .sla("p99<50ms")
        .sla("p999<50ms");
    let error = test.check().await.unwrap_err();
    let mut paths: Vec<_> = error.faults().iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "connections",
            "headers",
            "loadProfile.initialRps",
            "name",
            "sla[1]",
            "targetUrl",
            "threads",
            "timeoutSeconds"
        ]
    );
    assert!(error.to_string().starts_with("the load test cannot be run, with 8 faults:\n  "));
    assert!(
        error.to_string().contains("\n  threads: 0 is out of range; give 1 to 1024"),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    assert!(error.source().unwrap().is::<loadcore::profile::ProfileError>());
    let rule = quick().sla("p99 of 5").check().await.unwrap_err();
    assert!(rule.source().unwrap().is::<loadcore::analysis::sla::RuleError>());
}

#[tokio::test]
async fn no_error_shows_a_password() {
    let with = |change: fn(&mut loadcore::http::HttpOptions)| {
        LoadTest::get("http://127.0.0.1:1/").requests(1).options(change)
    };
    for (test, kind) in [
        (LoadTest::get("http://u:s3cret@h/"), "invalid"),
        (LoadTest::get("u:s3cret@h/"), "invalid"),
        (LoadTest::get("http://127.0.0.1:1/").host("u:s3cret@h"), "invalid"),
        (with(|http| http.uri = "http://u:s3cret@127.0.0.1:1/".parse().unwrap()), "request"),
        (with(|http| http.proxy = Some("ftp://u:s3cret@h/".parse().unwrap())), "request"),
        (LoadTest::get("http://h/").mix([Request::get("a", "http://u:s3cret@h/")]), "invalid"),
    ] {
        let error = test.run().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

struct Broken;

impl Profile for Broken {
    fn rate(&self, _: f64) -> f64 {
        f64::NAN
    }

    fn demand(&self, _: f64) -> f64 {
        f64::NAN
    }

    fn inverse(&self, _: f64) -> f64 {
        f64::NAN
    }

    fn peak_rate(&self) -> f64 {
        f64::NAN
    }
}

#[tokio::test]
async fn a_profile_that_answers_nan_is_refused() {
    let error = quick().profile(Broken).run().await.unwrap_err();
    assert_eq!(error.faults()[0].path, "loadProfile");
    assert!(error.to_string().contains("NaN"), "{error}");
}

#[tokio::test]
async fn a_result_can_be_asked_again_and_a_run_has_several_readers() {
    let run = quick().duration(millis(1_200)).start().await.unwrap();
    let (mut one, mut other) = (run.snapshots(), run.snapshots());
    let (first, second) = tokio::join!(run.result(), run.result());
    let (first, second, third) = (first.unwrap(), second.unwrap(), run.result().await.unwrap());
    assert_eq!((&first, &first), (&second, &third));
    assert_eq!(first.arrivals.due, 1_200);
    for reader in [&mut one, &mut other] {
        let mut last = None;
        while let Some(snapshot) = reader.next().await {
            last = Some(snapshot);
        }
        let last = last.unwrap();
        assert!(last.is_final && last.seq >= 2);
        assert_eq!(last.total.counters.due, 1_200);
    }
    // Who comes late is told how it ended.
    let mut late = run.snapshots();
    assert!(late.next().await.unwrap().is_final);
    assert!(late.next().await.is_none());
}

#[tokio::test]
async fn what_is_over_cannot_be_changed() {
    let run = quick().start().await.unwrap();
    let control = run.control();
    let _ = run.result().await.unwrap();
    assert_eq!(run.pause(), Err(ControlError::Ended));
    assert_eq!(control.resume(), Err(ControlError::Ended));
    assert_eq!(control.change_rate(5.0, 0.0), Err(ControlError::Ended));
    run.stop();
    drop(run);
    assert_eq!(control.pause(), Err(ControlError::Ended));
    let stopped = quick().duration(Duration::from_secs(60)).start().await.unwrap();
    assert_eq!(stopped.pause(), Ok(()));
    stopped.stop();
    assert_eq!(stopped.resume(), Err(ControlError::Ended));
    assert!(stopped.wait().await.unwrap().interrupted);
}

#[tokio::test]
async fn progress_is_small_and_its_sums_are_the_totals() {
    let call = async |call: Call| if call.number.is_multiple_of(4) { Ok(503) } else { Ok(200) };
    let test = LoadTest::call(call).rate(400.0).duration(millis(1_500));
    let noted = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&noted);
    let test = test.on_progress(move |progress| told.lock().unwrap().push(progress.clone()));
    let run = test.start().await.unwrap();
    let mut following = run.progress();
    let mut seen: Vec<Progress> = Vec::new();
    while let Some(progress) = following.next().await {
        seen.push(progress);
    }
    assert_eq!(seen, *noted.lock().unwrap());
    let result = run.wait().await.unwrap();
    let sum = |of: fn(&Progress) -> u64| seen.iter().map(of).sum::<u64>();
    assert_eq!((sum(|it| it.due), sum(|it| it.sent)), (600, 600));
    assert_eq!((sum(|it| it.ok), sum(|it| it.failed)), (450, 150));
    assert_eq!(sum(|it| it.status_codes.get(&503).copied().unwrap_or(0)), 150);
    assert_eq!(sum(|it| it.errors.get("http_5xx").copied().unwrap_or(0)), 150);
    assert_eq!(result.outcomes.failed, 150);
    assert_eq!(seen[0].offered_rps, Some(400.0));
    let text = serde_json::to_string(&seen[0]).unwrap();
    assert!(text.len() < 500 && text.contains(r#""statusCodes":{"200":"#), "{text}");
    assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), seen[0]);
    let closed = LoadTest::call(async |_| Ok(200)).requests(5).start().await.unwrap();
    assert_eq!(closed.progress().next().await.unwrap().offered_rps, None);
}

#[test]
fn without_anything_asynchronous_it_runs_as_well() {
    assert_eq!(quick().run_blocking().unwrap().outcomes.ok, 100);
    assert_eq!(quick().threads(0).run_blocking().unwrap_err().kind(), "invalid");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(async { quick().run_blocking() });
    assert_eq!(result.unwrap().outcomes.ok, 100);
}

#[tokio::test]
async fn what_the_thing_under_load_does_wrong_is_never_the_generators() {
    let call = async |call: Call| match call.number % 5 {
        0 => Err(std::io::Error::other("a socket broke").into()),
        1 => Err(Failure::new(ErrorClass::Internal, "so it says")),
        2 => Err(Failure::named("cache_miss", "not there")),
        3 => panic!("a fault in a handler"),
        _ => Err(Failure::text(ErrorClass::Target, "no")),
    };
    // An even, slow load: what the verdict says is of the generator, and that has little to do.
    let result = LoadTest::call(call).rate(100.0).duration(millis(500)).run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.errors["target"], 40);
    assert_eq!(result.errors["cache_miss"], 10);
    assert_eq!(result.errors.len(), 2, "{:?}", result.errors);
    assert_eq!(result.generator.shortages, 0);
    let about_it = |reason: &loadcore::result::Reason| reason.explanation.contains("internal");
    assert!(!result.validity.reasons.iter().any(about_it), "{:?}", result.validity);
    // The machine may be busy with other tests, and the verdict says so by other names.
    let busy = ["late", "cpu", "delay", "stall", "throttl", "saturat"];
    let of_machine = |kind: &str| busy.iter().any(|word| kind.contains(word));
    let others = result.validity.reasons.iter().filter(|reason| !of_machine(&reason.kind));
    assert_eq!(others.count(), 0, "{:?}", result.validity);
    assert!(result.validity.verdict == Verdict::Valid || !result.validity.reasons.is_empty());
}

#[tokio::test]
async fn a_failed_assertion_says_what_somebody_needs_who_was_not_there() {
    let call = async |call: Call| match call.number % 10 {
        0 => Err(Failure::named("cache_miss", "key 7 is not there")),
        1 | 2 => Err(std::io::Error::other("a socket broke").into()),
        _ => Ok(200),
    };
    let test = LoadTest::call(call).requests(100).sla("error_rate<1%").sla("p99<1h");
    let result = test.run().await.unwrap();
    let text = result.passed().unwrap_err().to_string();
    assert!(
        text.starts_with(
            "1 of 2 SLA rules does not hold:\n  error_rate<1%: it is 30%\nrequests: 100 due, \
             100 sent, 70 ok, 30 failed, 0 unfinished\n  20 target: a socket broke\n  \
             10 cache_miss: key 7 is not there\nthe generator's verdict is "
        ),
        "{text}"
    );
    let shown = format!("{result:#?}");
    assert!(shown.lines().count() <= 50 && shown.len() < 3_000, "{shown}");
    assert!(shown.contains("a socket broke") && shown.contains("error_rate<1%"), "{shown}");
}

#[tokio::test]
async fn an_sla_may_be_watched_and_end_the_run() {
    let call = async |_: Call| Ok(503);
    let sla = Sla::new("error_rate<50%").window_seconds(1).abort();
    let test = LoadTest::call(call).rate(100.0).duration(Duration::from_secs(60)).sla(sla);
    let result = test.run().await.unwrap();
    assert!(result.interrupted && result.sla[0].aborted, "{result:?}");
    let error = result.passed().unwrap_err();
    assert!(error.to_string().contains("in the worst window of 1 s"), "{error}");
    assert_eq!(RunError::from(std::io::Error::other("x")).kind(), "thread");
}
