//! Tests what options make of the request, as a server sees it.

use crate::support::{Recorder, command, loadcore, loadcore_reading};
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
fn header_names_are_sent_as_written_and_in_the_given_order() {
    let server = Recorder::start();
    let words = ["-H", "X-Zebra: 1", "-H", "aCCept: a/b", "-H", "x-UPPER: 2", "-H", "X-Apple: 3"];
    let request = server.request_of(&words);
    let fields = "\r\nX-Zebra: 1\r\naCCept: a/b\r\nx-UPPER: 2\r\nX-Apple: 3\r\n\r\n";
    assert!(request.ends_with(fields), "{request:?}");
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

#[test]
fn short_options_send_their_headers() {
    let server = Recorder::start();
    has(&server.request_of(&["--host", "other.test:81"]), &["host: other.test:81"]);
    has(&server.request_of(&["--host", "b\u{fc}cher.example"]), &["host: xn--bcher-kva.example"]);
    has(&server.request_of(&["--compressed"]), &["accept-encoding: gzip, br, zstd"]);
    let request = server.request_of(&["--cookie", "a=b", "--cookie", "c=d=; e=f"]);
    has(&request, &["cookie: a=b; c=d=; e=f"]);
    let request = server.request_of(&[]).to_lowercase();
    assert!(!request.contains("cookie") && !request.contains("accept-encoding"), "{request}");
}

#[test]
fn options_take_the_place_of_what_a_file_says_in_either_form() {
    let server = Recorder::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    let path = file.to_str().unwrap();
    let long = r#""headers": {"Host": "file.test", "Cookie": "a=file", "Accept-Encoding": "br",
        "Content-Type": "text/plain"}, "body": "file", "method": "POST""#;
    let short = r#""host": "file.test", "cookies": {"a": "file", "b": "file"}, "compressed": true,
        "form": [{"name": "f", "value": "file"}]"#;
    let url = format!("http://{}/", server.address());
    let request = |fields: &str, words: &[&str]| {
        let text =
            format!(r#"{{"name": "a", "targetUrl": "{url}", "durationSeconds": 60, {fields}}}"#);
        std::fs::write(&file, text).unwrap();
        loadcore(&[&["run", path, "-n", "1", "-c", "1"], words].concat()).ended(0);
        server.last()
    };
    let options = ["--host", "o.test", "--cookie", "a=o", "--compressed", "-F", "f=o"];
    let replaced = request(long, &options);
    has(&replaced, &["host: o.test", "cookie: a=o", "accept-encoding: gzip, br, zstd", "o"]);
    has(&request(short, &options), &["host: o.test", "cookie: b=file; a=o", "o"]);
    let headers = ["-H", "host: h.test", "-H", "cookie: a=h", "-H", "accept-encoding: zstd"];
    let replaced = request(short, &[&headers[..], &["-b", "h"]].concat());
    has(&replaced, &["host: h.test", "cookie: a=h", "accept-encoding: zstd", "content-length: 1"]);
    assert!(replaced.ends_with("\r\n\r\nh"), "{replaced:?}");
}

#[test]
fn a_form_is_sent_as_a_browser_does() {
    let server = Recorder::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("note.txt");
    std::fs::write(&file, "from a file").unwrap();
    let [attached, inlined] = ["@", "<"].map(|sign| format!("{sign}{}", file.display()));
    let words = [
        "-F",
        "a=b; c",
        "-F",
        "j={};type=application/json",
        "-F",
        &format!("f={attached};filename=x.png"),
        "-F",
        &format!("g={attached}"),
        "-F",
        &format!("h={inlined}"),
    ];
    let request = server.request_of(&words);
    has(&request, &["POST / HTTP/1.1"]);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let boundary = head.split("boundary=").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    let part = |line: &str, content: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; {line}\r\n\r\n{content}\r\n")
    };
    let expected = [
        part("name=\"a\"", "b; c"),
        part("name=\"j\"\r\nContent-Type: application/json", "{}"),
        part("name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png", "from a file"),
        part("name=\"g\"; filename=\"note.txt\"\r\nContent-Type: text/plain", "from a file"),
        part("name=\"h\"", "from a file"),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(body, expected.concat());
    assert_eq!(server.request_of(&words), request, "the same bytes each time");
    has(&server.request_of(&["-F", "a=b", "-X", "PUT"]), &["PUT / HTTP/1.1"]);

    let address = server.address().to_string();
    loadcore_reading("piped", &["run", &address, "-n", "1", "-c", "1", "-F", "a=@-"]).ended(0);
    assert!(
        server
            .last()
            .contains("filename=\"-\"\r\nContent-Type: application/octet-stream\r\n\r\npiped\r\n")
    );
}

#[test]
fn what_is_given_twice_or_is_ours_is_refused_with_the_right_way() {
    for (words, part) in [
        (
            &["-H", "Connection: close"][..],
            "headers.Connection (-H): is set by the load generator: for a connection for each request give keepAlive: false (--no-keepalive)",
        ),
        (&["-H", "Content-Length: 5"], "it follows from the body"),
        (&["-H", "Host: a", "--host", "b"], "host (--host): stands beside headers.Host"),
        (
            &["-H", "Cookie: a", "--cookie", "b=c"],
            "cookies (--cookie): stands beside headers.Cookie",
        ),
        (
            &["-H", "Accept-Encoding: br", "--compressed"],
            "compressed (--compressed): stands beside",
        ),
        (
            &["-H", "Content-Type: a/b", "-F", "b=c"],
            "form (-F): stands beside headers.Content-Type",
        ),
        (&["-F", "=c"], "form[0].name (-F): is empty"),
        (&["--host", "a b"], "host (--host): "),
    ] {
        loadcore(&[&["run", "127.0.0.1:1"], words].concat()).ended(104).says(&[part]);
    }
    for (words, part) in [
        (&["-F", "a=b", "-b", "c"][..], "cannot be used with"),
        (&["-F", "a"], "there is no =; write NAME=VALUE"),
        (&["-F", "a=@/nonexistent"], "-F /nonexistent: No such file"),
        (&["-F", "a=@/dev/zero"], "it has more than 67108864 bytes"),
        (&["-b", "@/dev/zero"], "it has more than 67108864 bytes"),
        (&["-F", "a=@-", "-b", "@-"], "cannot be used with"),
        (&["-F", "a=@-", "-F", "b=<-"], "would both read standard input"),
        (&["--cookie", "jar.txt"], "there is no =; write 'NAME=VALUE'"),
        (&["-4", "-6"], "cannot be used with"),
        (&["-4", "--unix-socket", "/a"], "cannot be used with"),
    ] {
        loadcore(&[&["run", "127.0.0.1:1"], words].concat()).ended(2).says(&[part]);
    }
}

#[test]
fn a_cookie_is_a_secret() {
    let server = Recorder::start();
    let address = server.address().to_string();
    let words = ["run", &address, "-n", "1", "-c", "1", "-o", "json", "--cookie", "id=s3cret"];
    let ran = loadcore(&words).ended(0);
    assert!(server.last().contains("id=s3cret") && !ran.out.contains("s3cret"), "{}", ran.out);
    let scenario = ran.document()["scenario"].to_string();
    loadcore_reading(&scenario, &["run", "-"]).ended(104).says(&["headers.Cookie: [redacted]"]);
    loadcore_reading(&scenario, &["run", "-", "--cookie", "id=again"]).ended(0);
    assert!(server.last().contains("id=again"));
    let given = r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 1, "cookies": {"id": "[redacted]"}}"#;
    loadcore_reading(given, &["validate", "-"]).ended(104).says(&["cookies.id: [redacted]"]);
}

#[test]
fn a_url_is_read_as_people_write_it() {
    let server = Recorder::start();
    let port = server.address().port();
    let ask = |words: &[&str]| {
        loadcore(&[&["run", "-n", "1", "-c", "1"], words].concat()).ended(0);
        server.last()
    };
    let request = ask(&[&format!("127.0.0.1:{port}/login?next=http://x/")]);
    has(&request, &["GET /login?next=http://x/ HTTP/1.1"]);
    let rule = format!("::127.0.0.1:{port}");
    let request = ask(&["http://a.test:/b?c=https://d", "--connect-to", &rule]);
    has(&request, &["GET /b?c=https://d HTTP/1.1", "host: a.test"]);
    let rule = format!("b\u{fc}cher.example:80:127.0.0.1:{port}");
    let request = ask(&["b\u{fc}cher.example/x", "--connect-to", &rule]);
    has(&request, &["GET /x HTTP/1.1", "host: xn--bcher-kva.example"]);
    assert!(
        loadcore(&["validate", "http://127.0.0.1:/"])
            .ended(0)
            .out
            .starts_with("http://127.0.0.1/\n")
    );
    for (url, why) in [
        ("http:/127.0.0.1/", "is not a whole URL"),
        ("a.test:x/", "port \"x\" is out of range; give 1 to 65535"),
        ("http://::1/", "write it in brackets"),
        ("a\u{ff0f}b.test", "IDNA does not allow it"),
    ] {
        loadcore(&["run", url]).ended(104).says(&[why]);
    }
}

#[test]
fn numbers_are_read_as_people_write_them() {
    let server = Recorder::start();
    let address = server.address().to_string();
    let scenario = |words: &[&str]| {
        let words = [&["run", &address, "-n", "1", "-o", "json"], words].concat();
        let document = loadcore(&words).ended(0).document();
        server.last();
        document["scenario"].clone()
    };
    for (rate, per_second) in [
        ("1k", 1_000.0),
        ("1_000", 1_000.0),
        ("100/s", 100.0),
        ("1.5k", 1_500.0),
        ("30k/1m", 500.0),
    ] {
        let given = scenario(&["-r", rate, "-c", "1"]);
        assert_eq!(given["loadProfile"]["initialRps"].as_f64(), Some(per_second), "{rate}");
    }
    assert_eq!(scenario(&["-r", "1k", "-c", "0.1k"])["connections"], 100);
    assert_eq!(scenario(&["-r", "1k", "--max-backlog", "1.5M"])["maxBacklog"], 1_500_000);
}
