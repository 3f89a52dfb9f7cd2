//! Tests each exit code, from the command line on. The table of which comes first is held beside
//! the code; 98 has no test here, because nothing is ever unknown on one machine.

use crate::support::{Ran, closed_port, limited, loadcore, target};
use loadcore_target::Config;

#[test]
fn a_run_that_is_well_ends_with_0() {
    let target = target(Config::default());
    let ran = loadcore(&["run", &target.url("/"), "-r", "200", "-d", "200ms"]).ended(0);
    assert!(ran.out.contains("due 40 = sent 40 + dropped 0"), "{ran:#?}");
    assert_eq!(ran.err, "", "nothing is said to who is no terminal");
    assert_eq!(target.stats().requests, 40);
}

#[test]
fn a_run_in_which_some_were_ok_ends_with_0() {
    let target = target(Config { errors: "50%:503".parse().unwrap(), ..Config::default() });
    let words = ["run", &target.url("/"), "-r", "200", "-d", "500ms", "-o", "json"];
    let document = loadcore(&words).ended(0).document();
    let failed = document["outcomes"]["failed"].as_u64().unwrap();
    assert!((1..100).contains(&failed), "{}", document["outcomes"]);
    assert_eq!(document["errors"]["http_5xx"], failed, "failed requests are data and no error");
}

#[test]
fn a_run_without_an_ok_request_ends_with_96_unless_a_rule_was_violated() {
    let url = format!("http://{}/", closed_port());
    let run =
        |more: &[&str]| loadcore(&[&["run", &url, "-r", "100", "-d", "200ms"][..], more].concat());
    let document = run(&["-o", "json"]).ended(96).document();
    assert_eq!(document["errors"]["connect_refused"], 20);
    assert_eq!(document["outcomes"]["failed"], 20);
    let ran = run(&["--sla", "rps>=1", "--sla", "p99<5s", "--sla", "share{503}<1%"]).ended(96);
    assert!(ran.out.contains("\nFailed: 0 of 20 requests were ok (0.0%); connect_refused 20\n"));
    assert!(ran.out.contains("\nOpen loop, 200 ms: 100/s offered, 0/s ok\n"), "{ran:#?}");
    let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let because = "it rests on failures alone: all 20 requests behind it failed";
    assert_eq!(words.matches(because).count(), 2, "{ran:#?}");
    for rule in ["ok_p99<5s", "ok_rps>=1", "error_rate<1%", "share{connect_refused}<1%"] {
        let ran = run(&["--sla", rule]).ended(99);
        assert!(ran.out.contains(&format!("  FAIL  {rule} ")), "{ran:#?}");
    }
}

#[test]
fn a_rule_of_ok_requests_may_end_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("abort.yaml");
    let text = format!(
        "name: abort\ntargetUrl: http://{}/\ndurationSeconds: 60\n\
         loadProfile: {{type: CONSTANT, initialRps: 50}}\n\
         sla: [{{rule: ok_p99<1s, windowSeconds: 1, abort: true}}]\n",
        closed_port()
    );
    std::fs::write(&file, text).unwrap();
    let document = loadcore(&["run", file.to_str().unwrap(), "-o", "json"]).ended(99).document();
    let rule = &document["sla"][0];
    assert_eq!((&rule["aborted"], &rule["actual"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(rule["violations"][0]["worst"], serde_json::Value::Null);
    assert!(rule["reason"].as_str().unwrap().starts_with("no request was ok in "), "{rule}");
}

#[test]
fn a_violated_rule_ends_with_99() {
    let url = format!("http://{}/", closed_port());
    let words = ["run", &url, "-r", "50", "-d", "200ms", "--sla", "error_rate<1%"];
    let ran = loadcore(&words).ended(99);
    assert!(ran.out.contains("FAIL  error_rate<1%"), "{ran:#?}");
}

#[test]
fn a_rule_that_ends_the_run_is_a_violation_and_no_interruption() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("abort.yaml");
    let text = format!(
        "name: abort\ntargetUrl: http://{}/\ndurationSeconds: 60\n\
         loadProfile: {{type: CONSTANT, initialRps: 50}}\n\
         sla: [{{rule: error_rate<1%, windowSeconds: 1, abort: true}}]\n",
        closed_port()
    );
    std::fs::write(&file, text).unwrap();
    let ran = loadcore(&["run", file.to_str().unwrap(), "-o", "json"]).ended(99);
    assert_eq!(ran.document()["sla"][0]["aborted"], true);
}

#[test]
fn an_invalid_scenario_ends_with_104() {
    for (words, part) in [
        (["-r", "0", "-d", "1s"], "loadProfile (-r): the rate is 0 throughout"),
        (["-r", "1e12", "-d", "1s"], "loadProfile.initialRps (-r): 1000000000000 is not a rate"),
        (["-r", "1", "-d", "365d"], "durationSeconds (-d): 31536000 is out of range"),
        (["-r", "1", "-d", "0"], "durationSeconds (-d): 0 is out of range"),
        (["-c", "0", "-d", "1s"], "connections (-c): 0 is out of range"),
        (["-n", "0", "-d", "1s"], "maxRequests (-n): 0 is out of range"),
        (["-m", "A B", "-d", "1s"], "method (-m): \"A B\" is not a method"),
        (["-H", "a b: c", "-d", "1s"], "headers.\"a b\" (-H): is not a header name"),
        (["--sla", "p99<fast", "-d", "1s"], "sla[0] (--sla): \"p99<fast\" is not an SLA rule"),
        (["--sla", "share{refused}<1%", "-d", "1s"], "did you mean share{connect_refused}?"),
    ] {
        let ran = loadcore(&[&["run", "127.0.0.1:1"], &words[..]].concat()).ended(104);
        ran.says(&["the scenario has 1 fault:", part]);
        assert_eq!(ran.out, "", "there is no report");
    }
    loadcore(&["run", "ftp://127.0.0.1/", "-d", "1s"]).ended(104).says(&["targetUrl: scheme"]);
}

#[test]
fn what_policy_refuses_ends_with_109() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept.json");
    std::fs::write(&kept, "a result from before").unwrap();
    let output = format!("json={}", kept.display());
    let words = ["run", "http://169.254.169.254/", "-r", "10", "-d", "1s", "-o", &output];
    let ran = loadcore(&words).ended(109);
    ran.says(&["refused by policy", "169.254.169.254", "metadata"]);
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "a result from before");
}

#[test]
fn a_run_that_cannot_be_made_ends_with_1() {
    let words = ["run", "127.0.0.1:1", "-d", "1s", "-o", "json=/nonexistent/result.json"];
    let ran = loadcore(&words).ended(1);
    ran.says(&["could not write to /nonexistent/result.json", "No such file"]);

    let output = limited(64).args(["run", "127.0.0.1:1", "-c", "100", "-d", "1s"]).output();
    let ran = Ran::of(output.unwrap()).ended(1);
    ran.says(&["100 connections need 100 file descriptors", "limit of 64", "ulimit -n"]);
}

#[test]
fn an_invalid_measurement_ends_with_110_if_a_valid_one_is_required() {
    let target = target(Config { latency: "300ms".parse().unwrap(), ..Config::default() });
    let url = target.url("/");
    // 64 descriptors are too few for 300/s times 0.3 s, and none of the others may wait.
    let run = |more: &[&str]| {
        let words = ["run", &url, "-r", "300", "-d", "500ms", "--max-backlog", "2", "-o", "json"];
        Ran::of(limited(64).args(words).args(more).output().unwrap())
    };
    let ran = run(&["--require-valid", "--sla", "rps>=100000"]).ended(110);
    let document = ran.document();
    assert_eq!(document["validity"]["verdict"], "INVALID");
    let arrivals = &document["arrivals"];
    assert!(arrivals["droppedByReason"]["no_connection"].as_u64() > Some(3), "{arrivals}");
    run(&["--sla", "rps>=100000"]).ended(99);
    run(&[]).ended(0);
}

#[test]
fn few_descriptors_make_few_connections_where_nobody_asked_for_more() {
    let target = target(Config::default());
    let words = ["run", &target.url("/"), "-n", "500", "-o", "json"];
    let document = Ran::of(limited(64).args(words).output().unwrap()).ended(0).document();
    assert_eq!(document["outcomes"]["ok"], 500);
    assert!(document["environment"]["options"]["connections"].as_u64() < Some(64), "{document}");
    // Fewer connections are another load than the one asked for.
    let mut reasons = document["validity"]["reasons"].as_array().unwrap().iter();
    assert!(reasons.any(|it| it["kind"] == "descriptors_short"), "{document}");
}
