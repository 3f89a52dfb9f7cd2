//! Tests secrets that a scenario names: the environment has them, the target gets them, nobody else is shown
//! them.

use crate::support::{Ran, Recorder, command, loadcore};

const VALUE: &str = "s3cr3t-of-the-environment";

fn with_value(words: &[&str]) -> Ran {
    Ran::of(command().args(words).env("LOADCORE_SECRETS_KEY", VALUE).output().unwrap())
}

#[test]
fn the_target_gets_the_value_and_the_result_has_the_name() {
    let server = Recorder::start();
    let url = format!("http://{}/x?k=${{secret:KEY}}", server.address());
    let words = [
        &url,
        "-n",
        "1",
        "-c",
        "1",
        "-H",
        "Authorization: Bearer ${secret:KEY}",
        "-b",
        "<${secret:KEY}>",
        "-o",
        "json",
    ];
    let ran = with_value(&[&["run"], &words[..]].concat()).ended(0);
    let request = server.last();
    assert!(request.starts_with(&format!("POST /x?k={VALUE} HTTP/1.1")), "{request}");
    assert!(request.contains(&format!("Bearer {VALUE}\r\n")), "{request}");
    assert!(request.ends_with(&format!("<{VALUE}>")), "{request}");
    let shown = &ran.document()["scenario"];
    assert_eq!(shown["targetUrl"], url.as_str());
    assert_eq!(shown["headers"]["Authorization"], "Bearer ${secret:KEY}");
    assert_eq!(shown["body"], "<${secret:KEY}>");
    let page = with_value(&[&["validate"], &words[..1], &["-n", "1"]].concat()).ended(0);
    assert!(page.out.contains("?k=${secret:KEY}"), "{page:?}");
    for said in [ran, page] {
        assert!(!said.out.contains(VALUE) && !said.err.contains(VALUE), "{said:?}");
    }
}

#[test]
fn what_the_environment_does_not_have_is_a_fault() {
    let words = ["run", "http://127.0.0.1:9/", "-n", "1", "-H", "X-A: ${secret:NOT_THERE}"];
    loadcore(&words).ended(104).says(&["headers.X-A (-H)", "LOADCORE_SECRETS_NOT_THERE"]);
    // What looks like one is text behind one more $.
    let server = Recorder::start();
    let request = server.request_of(&["-H", "X-A: $${secret:NOT_THERE}"]);
    assert!(request.contains("X-A: ${secret:NOT_THERE}\r\n"), "{request}");
}
