//! Tests what checks make of replies of every kind, over sockets: which requests are failed, as
//! what, with which example, and what becomes of their connections.

#[path = "common/servers.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod servers;

use bytes::Bytes;
use http::Response;
use loadcore::http::{HttpOptions, HttpVersion};
use loadcore::request::{Check, Checks};
use loadcore::{LoadTest, RunResult};
use servers::{Seen, all, listen, note, requests};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn checks(texts: &[&str]) -> Checks {
    texts.iter().map(|text| text.parse::<Check>().unwrap()).collect()
}

/// Answers each request over HTTP/1.1 by its path, in these pieces; the last one may be the connection's
/// end. Notes connections.
async fn server(seen: &Seen, answer: fn(&str) -> Vec<&'static str>) -> SocketAddr {
    let noted = seen.clone();
    listen(move |_, mut stream| {
        note(&noted, "connection");
        async move {
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if !head.ends_with(b"\r\n\r\n") {
                    continue;
                }
                let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
                let path = text.split(' ').nth(1).unwrap();
                for piece in answer(path) {
                    if piece == END {
                        return;
                    }
                    stream.write_all(piece.as_bytes()).await.unwrap();
                    // So that they are read one by one.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
    })
    .await
}

/// The end of the connection.
const END: &str = "(end)";

fn replies(path: &str) -> Vec<&'static str> {
    match path {
        "/ok" => {
            vec!["HTTP/1.1 200 OK\r\nX-A: one\r\nX-A: two\r\nContent-Length: 8\r\n\r\nit is ok"]
        }
        "/cut" => vec!["HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nit is o", "k"],
        "/chunked" => vec![
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7;ok=ok\r\nit is o\r\n1\r\n",
            "k\r\n0\r\nX-Trailer: ok\r\n\r\n",
        ],
        "/apart" => vec![
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\n\r\n1\r\nk\r\n0\r\n\r\n",
        ],
        "/until-close" => vec!["HTTP/1.1 200 OK\r\n\r\nit is ", "ok", END],
        "/head-in-pieces" => {
            vec!["HTTP/1.1 200 OK\r\nX-A: o", "ne\r\nContent-Length: 2\r\n\r", "\nok"]
        }
        "/interim" => vec![
            "HTTP/1.1 103 Hints\r\nX-A: one\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ],
        "/empty" => vec!["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        "/204" => vec!["HTTP/1.1 204 No Content\r\n\r\n"],
        "/404" => vec!["HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"],
        "/503" => vec!["HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno"],
        "/short" => vec!["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nno", END],
        "/302" => vec![
            "HTTP/1.1 302 Found\r\nLocation: /ok\r\nX-A: zero\r\nContent-Length: 4\r\n\r\nmove",
        ],
        "/302-to-empty" => {
            vec!["HTTP/1.1 302 Found\r\nLocation: /empty\r\nContent-Length: 2\r\n\r\nok"]
        }
        "/302-nowhere" => vec!["HTTP/1.1 302 Found\r\nContent-Length: 4\r\n\r\nmove"],
        other => panic!("{other}"),
    }
}

/// What became of three requests: all were ok, or all failed as this, with this example.
#[track_caller]
fn came_to(result: &RunResult, expected: Result<(), (&str, &str)>, of: &str) {
    let (ok, errors) = (result.outcomes.ok, &result.errors);
    match expected {
        Ok(()) => assert_eq!((ok, errors.len()), (3, 0), "{of}: {:?}", result.error_examples),
        Err((class, example)) => {
            assert_eq!(errors.get(class), Some(&3), "{of}: {errors:?}");
            assert_eq!((ok, result.outcomes.failed), (0, 3), "{of}");
            let found = &result.error_examples[class];
            assert!(found.contains(example), "{of}: {found}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_over_http1_are_judged_as_they_come() {
    let check = |text| Err(("check", text));
    let lacks = || check("the body lacks \"ok\"");
    let seen = Seen::default();
    let address = server(&seen, replies).await;
    for (path, texts, expected, connections) in [
        ("/ok", &["status==200", "header:x-a==two", "body~=ok", "bytes==8"][..], Ok(()), 1),
        ("/ok", &["status==201"], check("expected status 201, got 200"), 1),
        ("/ok", &["header:x-b"], check("the header x-b is missing"), 1),
        ("/ok", &["header:x-a==2"], check("the header x-a is not \"2\", it is \"one\""), 1),
        ("/ok", &["body~=ok", "body~=no"], check("the body lacks \"no\""), 1),
        ("/ok", &["bytes<=7"], check("expected a body of at most 7 bytes, got 8"), 1),
        ("/cut", &["body~=is ok", "bytes==8"], Ok(()), 1),
        ("/cut", &["body~=it is okay"], check("the body lacks \"it is okay\""), 1),
        // Neither sizes nor extensions nor trailers are of the body.
        ("/chunked", &["body~=is ok", "bytes==8"], Ok(()), 1),
        ("/chunked", &["body~=ok=ok"], check("the body lacks \"ok=ok\""), 1),
        ("/chunked", &["header:x-trailer"], check("the header x-trailer is missing"), 1),
        ("/until-close", &["body~=is ok", "bytes==8"], Ok(()), 3),
        ("/until-close", &["body~=no"], check("the body lacks \"no\""), 3),
        ("/head-in-pieces", &["header:x-a==one", "body~=ok"], Ok(()), 1),
        ("/interim", &["status==200", "body~=ok"], Ok(()), 1),
        ("/interim", &["header:x-a"], check("the header x-a is missing"), 1),
        ("/empty", &["status==200", "bytes==0"], Ok(()), 1),
        ("/empty", &["body~=ok"], lacks(), 1),
        ("/204", &["status==2xx", "bytes<=0"], Ok(()), 1),
        ("/204", &["body~=ok"], lacks(), 1),
        // A redirect that nobody follows is an answer like any other.
        ("/302", &["status==302", "header:location==/ok", "body~=move"], Ok(()), 1),
        // By its status it has failed; a check of another status is the one that says more.
        ("/404", &["status==404", "body~=no"], Err(("http_4xx", "404")), 1),
        ("/503", &["body~=ok", "header:x-a", "bytes==0"], Err(("http_5xx", "503")), 1),
        ("/503", &["body~=ok", "status==200"], check("expected status 200, got 503"), 1),
        // What is no whole reply is not judged.
        ("/short", &["status==201", "body~=ok"], Err(("body", "98 bytes before the end")), 3),
    ] {
        let before = all(&seen).len();
        let url = format!("http://{address}{path}");
        let result = requests(3, &url, |options| options.checks = checks(texts)).await;
        came_to(&result, expected, &format!("{path} {texts:?}"));
        assert_eq!(all(&seen).len() - before, connections, "connections of {path} {texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_head_has_no_body_to_be_judged() {
    let address = server(&Seen::default(), |_| {
        vec!["HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 8\r\n\r\n"]
    })
    .await;
    for (texts, expected) in [
        (&["status==200", "header:x-a==b", "bytes==0"], Ok(())),
        (&["status==200", "header:x-a==b", "bytes==8"], Err(("check", "of 8 bytes, got 0"))),
    ] {
        let url = format!("http://{address}/");
        let result = requests(3, &url, |options| {
            options.method = http::Method::HEAD;
            options.checks = checks(texts);
        });
        came_to(&result.await, expected, &format!("{texts:?}"));
    }
}

/// Hops are no replies of their own, and have not what the last one is to have.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_request_that_is_redirected_the_last_reply_is_judged() {
    let address = server(&Seen::default(), replies).await;
    let loops = server(&Seen::default(), |_| {
        vec!["HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"]
    })
    .await;
    let moved: &[&str] = &["status==302", "body~=move"];
    for (to, path, texts, expected) in [
        (address, "/302", &["status==200", "header:x-a==one", "body~=ok", "bytes==8"][..], Ok(())),
        (address, "/302", moved, Err(("check", "expected status 302, got 200"))),
        (address, "/302-to-empty", &["body~=ok"], Err(("check", "the body lacks \"ok\""))),
        (address, "/302-nowhere", moved, Ok(())),
        (address, "/302-nowhere", &["body~=ok"], Err(("check", "the body lacks \"ok\""))),
        (loops, "/", &["status==200"], Err(("redirect_limit", "more than 2 redirects"))),
    ] {
        let url = format!("http://{to}{path}");
        let result = requests(3, &url, |options| {
            options.max_redirects = 2;
            options.checks = checks(texts);
        });
        came_to(&result.await, expected, &format!("{path} {texts:?}"));
    }
}

/// HTTP/2: by its path, a status, a header, and a body in pieces.
async fn http2_server(seen: &Seen) -> SocketAddr {
    let noted = seen.clone();
    listen(move |_, stream| {
        note(&noted, "connection");
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let (status, pieces): (u16, &[&'static str]) = match request.uri().path() {
                    "/ok" => (200, &["it is o", "k"]),
                    "/empty" => (200, &[]),
                    "/503" => (503, &["no"]),
                    "/302" => (302, &["move"]),
                    other => panic!("{other}"),
                };
                let reply = Response::builder().status(status).header("x-a", "one");
                let reply = reply.header("location", "/ok").body(()).unwrap();
                let mut body = respond.send_response(reply, pieces.is_empty()).unwrap();
                for (i, piece) in pieces.iter().enumerate() {
                    let is_last = i + 1 == pieces.len();
                    body.send_data(Bytes::from_static(piece.as_bytes()), is_last).unwrap();
                }
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_over_http2_are_judged_the_same() {
    let seen = Seen::default();
    let address = http2_server(&seen).await;
    let whole: &[&str] = &["status==200", "header:x-a==one", "body~=is ok", "bytes==8"];
    for (path, redirects, texts, expected) in [
        ("/ok", 0, whole, Ok(())),
        ("/ok", 0, &["header:x-a~=two"], Err(("check", "lacks \"two\", it is \"one\""))),
        ("/ok", 0, &["body~=no"], Err(("check", "the body lacks \"no\""))),
        ("/ok", 0, &["bytes>=9"], Err(("check", "at least 9 bytes, got 8"))),
        ("/empty", 0, &["status==200", "bytes==0"], Ok(())),
        ("/empty", 0, &["body~=ok"], Err(("check", "the body lacks \"ok\""))),
        ("/503", 0, &["body~=ok"], Err(("http_5xx", "503"))),
        ("/503", 0, &["status==2xx"], Err(("check", "expected status 2xx, got 503"))),
        ("/302", 0, &["status==302", "body~=move"], Ok(())),
        ("/302", 1, whole, Ok(())),
        ("/302", 1, &["body~=move"], Err(("check", "the body lacks \"move\""))),
    ] {
        let before = all(&seen).len();
        let url = format!("http://{address}{path}");
        let result = requests(3, &url, |options| {
            options.version = HttpVersion::Http2;
            options.streams = Some(3);
            options.max_redirects = redirects;
            options.checks = checks(texts);
        });
        came_to(&result.await, expected, &format!("{path} {texts:?}"));
        assert_eq!(all(&seen).len() - before, 1, "connections of {path} {texts:?}");
    }
}

/// Every third reply is what it should not be: so many are failed, and what one reply had is not taken
/// for the next one's.
#[tokio::test(flavor = "multi_thread")]
async fn each_reply_is_judged_by_itself() {
    let address = listen(|_, mut stream| async move {
        let mut head = Vec::new();
        let mut count = 0;
        while let Ok(byte) = stream.read_u8().await {
            head.push(byte);
            if head.ends_with(b"\r\n\r\n") {
                head.clear();
                count += 1;
                let body = if count % 3 == 0 { "it is o" } else { "kit is ok" };
                let length = body.len();
                let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let test = LoadTest::get(&format!("http://{address}/")).check_reply("body~=ok");
    let result = test.requests(300).connections(1).threads(1).run().await.unwrap();
    assert_eq!((result.outcomes.ok, result.outcomes.failed), (200, 100));
    assert_eq!(result.errors.get("check"), Some(&100), "{:?}", result.errors);
    assert_eq!(result.error_examples["check"], "the body lacks \"ok\"");
    assert_eq!(result.status_code_distribution.get(&200), Some(&300));
    assert_eq!(result.connects, 1);
}

/// A quarter of a gigabyte: what is looked for lies over a border of its pieces, near its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_is_searched_and_not_kept() {
    const BLOCK: usize = 1 << 16;
    const BLOCKS: usize = 4_096;
    let address = listen(|_, mut stream| async move {
        let mut head = [0; 4_096];
        let mut block = vec![b'n'; BLOCK];
        block[..6].copy_from_slice(b"eedle!");
        while stream.read(&mut head).await.is_ok_and(|read| read > 0) {
            let length = BLOCK * BLOCKS;
            let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(reply.as_bytes()).await.unwrap();
            for _ in 0..BLOCKS {
                if stream.write_all(&block).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    for (needle, ok) in [("nneedle!n", 1), ("needle?", 0)] {
        let options = HttpOptions {
            checks: checks(&[&format!("body~={needle}"), "bytes>=268435456"]),
            ..HttpOptions::get(format!("http://{address}/").parse().unwrap())
        };
        let test = LoadTest::http(options).requests(1).connections(1).threads(1);
        let result = test.timeout(Duration::from_secs(60)).run().await.unwrap();
        assert_eq!(result.outcomes.ok, ok, "{:?}", result.error_examples);
        assert_eq!(result.errors.get("check").copied().unwrap_or(0), 1 - ok);
        assert!(result.bytes_received > (BLOCK * BLOCKS) as u64);
    }
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kib: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib < BLOCK * BLOCKS / 1_024 / 2, "{kib} KiB at most in memory");
    }
}

#[tokio::test]
async fn what_is_no_check_is_no_run() {
    let test = LoadTest::get("http://127.0.0.1:1/").check_reply("status==200");
    let error = test.check_reply("status=200").run().await.unwrap_err().to_string();
    let expected =
        "the load test cannot be run: checks[1]: \"status=200\" is no check; give one such as ";
    assert!(error.starts_with(expected), "{error}");
}
