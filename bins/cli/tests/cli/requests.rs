//! What options make of the request, as a server sees it.

use crate::support::{Recorder, command};
use std::io::Write;
use std::process::Stdio;

#[track_caller]
fn has(request: &str, lines: &[&str]) {
    for line in lines {
        let found = request.lines().any(|found| found.eq_ignore_ascii_case(line));
        assert!(found, "{line:?} is not in {request:?}");
    }
}

#[test]
fn a_get_of_the_path() {
    let server = Recorder::start();
    let host = format!("host: {}", server.address());
    has(&server.request_of(&[]), &["GET / HTTP/1.1", &host, "accept: */*"]);
}

#[test]
fn method_headers_and_user() {
    let server = Recorder::start();
    let words = [
        "-X",
        "put",
        "-H",
        "X-A: 1",
        "-H",
        "x-a:2",
        "-H",
        "Host: other",
        "-u",
        "Aladdin:open sesame",
    ];
    let request = server.request_of(&words);
    // The example of RFC 7617.
    let basic = "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    has(&request, &["PUT / HTTP/1.1", "x-a: 1", "x-a: 2", "host: other", basic]);
}

#[test]
fn a_body_makes_it_a_post() {
    let server = Recorder::start();
    let request = server.request_of(&["-b", "a=1"]);
    has(&request, &["POST / HTTP/1.1", "content-length: 3"]);
    assert!(request.ends_with("\r\n\r\na=1"), "{request:?}");
    has(&server.request_of(&["-b", "a=1", "-m", "PATCH"]), &["PATCH / HTTP/1.1"]);
    has(&server.request_of(&["-b", ""]), &["POST / HTTP/1.1", "content-length: 0"]);
}

#[test]
fn a_body_from_a_file_and_from_standard_input() {
    let server = Recorder::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    std::fs::write(&file, "from a file").unwrap();
    let request = server.request_of(&["-b", &format!("@{}", file.display())]);
    assert!(request.ends_with("\r\n\r\nfrom a file"), "{request:?}");

    let address = server.address().to_string();
    let mut child = command()
        .args(["run", &address, "-n", "1", "-c", "1", "-b", "@-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    assert!(child.wait().unwrap().success());
    assert!(server.last().ends_with("\r\n\r\nfrom a pipe"));
}

#[test]
fn json_sets_its_headers_unless_they_are_given() {
    let server = Recorder::start();
    let json = ["POST / HTTP/1.1", "content-type: application/json", "accept: application/json"];
    has(&server.request_of(&["--json", "{\"a\": 1}"]), &json);
    let request =
        server.request_of(&["--json", "{}", "-H", "content-type: application/merge+json"]);
    has(&request, &["content-type: application/merge+json", "accept: application/json"]);
    assert!(!request.to_lowercase().contains("content-type: application/json"), "{request}");
}

#[test]
fn without_keep_alive_each_request_has_a_connection() {
    let server = Recorder::start();
    has(&server.request_of(&["--no-keepalive"]), &["connection: close"]);
}
