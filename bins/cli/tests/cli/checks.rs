//! Tests `--check`: what it makes of replies, of the checks in a file, and of a text that is no
//! check.

use crate::support::{Recorder, loadcore};
use serde_json::json;

#[test]
fn a_reply_that_fails_a_check_is_a_failed_request() {
    let server = Recorder::start();
    let address = server.address().to_string();
    let run = |checks: &[&str]| {
        let words = ["run", &address, "-n", "3", "-c", "1", "-o", "json"];
        loadcore(&[&words, checks].concat())
    };
    let passing = ["--check", "status==200", "--check", "body~=ok", "--check", "bytes<=2"];
    let document = run(&passing).ended(0).document();
    assert_eq!(document["outcomes"]["ok"], 3);
    let written = json!([{"status": 200}, {"bodyContains": "ok"}, {"bodyBytes": {"atMost": 2}}]);
    assert_eq!(document["scenario"]["checks"], written);

    let document = run(&["--check", "body~=ok", "--check", "header:x-a==b"]).ended(96).document();
    assert_eq!(document["errors"], json!({"check": 3}));
    assert_eq!(document["errorExamples"]["check"], "the header x-a is missing");
    assert_eq!(document["statusCodeDistribution"], json!({"200": 3}));
}

#[test]
fn checks_come_beside_those_of_the_file() {
    let server = Recorder::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    let target = server.address();
    let text = format!(
        "name: a\ntargetUrl: http://{target}/\ndurationSeconds: 60\nmaxRequests: 1\n\
         checks:\n  - status: 200\n  - body~=ok\n"
    );
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let document = loadcore(&["run", path, "-o", "json", "--check", "bytes==3"]).ended(96);
    let document = document.document();
    assert_eq!(document["errorExamples"]["check"], "expected a body of 3 bytes, got 2");
    let written = json!([{"status": 200}, {"bodyContains": "ok"}, {"bodyBytes": {"is": 3}}]);
    assert_eq!(document["scenario"]["checks"], written);

    let page = loadcore(&["validate", path, "--check", "header:x-a~=b"]).ended(0).out;
    for line in ["Checks       status==200", "             body~=ok", "             header:x-a~=b"]
    {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
}

#[test]
fn what_is_no_check_is_told_with_its_place() {
    let refused = loadcore(&["run", "localhost", "--check", "body~=ok", "--check", "status=200"]);
    refused.ended(104).says(&[
        "checks[1] (--check): \"status=200\" is no check; give one such as status==200",
        "header:x-a==b",
        "body~=ok",
        "bytes<=9000",
    ]);
}
