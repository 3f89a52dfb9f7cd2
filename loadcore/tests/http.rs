//! Tests requests against servers that do one odd thing each: redirects whose next hop meets a
//! connection that ends, replies that do not wait for the body, the fields of either version, a
//! proxy beside `connect_to`.

#[path = "common/servers.rs"]
mod servers;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use loadcore::LoadTest;
use loadcore::http::{AddressFamily, ConnectTo, HttpOptions, HttpVersion};
use loadcore::request::Form;
use servers::{Seen, all, http1, listen, note, once, requests};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn redirected_http2(options: &mut HttpOptions) {
    options.version = HttpVersion::Http2;
    options.streams = Some(100);
    options.max_redirects = 3;
}

fn redirect_to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// HTTP/2: `answer` to each path; none: it never comes.
async fn http2(seen: Seen, answer: fn(&str) -> Option<(u16, String)>, stream: TcpStream) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let mut held = Vec::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        note(&seen, request.uri().path());
        let Some((status, location)) = answer(request.uri().path()) else {
            held.push((request, respond));
            continue;
        };
        let reply = Response::builder().status(status).header("location", location);
        respond.send_response(reply.body(()).unwrap(), true).unwrap();
    }
}

/// Reads the preface and frames of HTTP/2 until so many requests have come.
async fn raw_http2_requests(stream: &mut TcpStream, mut left: u32) {
    const HEADERS: u8 = 1;
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    while left > 0 {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await.unwrap();
        left -= u32::from(head[3] == HEADERS);
    }
}

/// The server goes away (GOAWAY) together with a redirect: the next hop has sent nothing on that
/// connection, and goes on another. The first hop is never sent again.
#[tokio::test]
async fn a_hop_that_was_not_begun_is_sent_elsewhere_and_those_before_it_never_again() {
    let seen = Seen::default();
    let noted = seen.clone();
    let address = listen(move |number, mut stream| {
        let seen = noted.clone();
        async move {
            if number > 0 {
                return http2(seen, |_| Some((200, String::new())), stream).await;
            }
            stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap(); // SETTINGS
            // The other request keeps the connection from ending.
            raw_http2_requests(&mut stream, 2).await;
            note(&seen, "both");
            let frames: [&[u8]; 5] = [
                &[0, 0, 12, 1, 5, 0, 0, 0, 1], // HEADERS of stream 1: its end, and that of the head
                b"\x48\x03302",                // :status 302
                b"\x6e\x05/next",              // location /next
                &[0, 0, 8, 7, 0, 0, 0, 0, 0],  // GOAWAY
                &[0, 0, 0, 3, 0, 0, 0, 0],     // after stream 3, without an error
            ];
            stream.write_all(&frames.concat()).await.unwrap();
            // It stays until the client leaves.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let result = requests(2, &format!("http://{address}/"), redirected_http2).await;
    assert_eq!(result.outcomes.ok, 1, "{:?}", result.error_examples);
    assert_eq!(result.errors.get("response_timeout"), Some(&1), "the other: {:?}", result.errors);
    assert_eq!(all(&seen), ["both", "/next"]);
}

/// A hop to a server that goes away at once fails, and nothing is sent again for it.
#[tokio::test]
async fn a_hop_whose_server_goes_away_fails_once() {
    let seen = Seen::default();
    let noted = seen.clone();
    let elsewhere = listen(|_, mut stream| async move {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.unwrap();
        let frames: [&[u8]; 3] =
            [&[0, 0, 0, 4, 0, 0, 0, 0, 0], &[0, 0, 8, 7, 0, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, 0, 0]];
        stream.write_all(&frames.concat()).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let address = listen(move |_, stream| {
        let seen = noted.clone();
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                note(&seen, "first");
                let reply = Response::builder().status(302);
                let reply = reply.header("location", format!("http://{elsewhere}/"));
                respond.send_response(reply.body(()).unwrap(), true).unwrap();
            }
        }
    })
    .await;
    let result = once(&format!("http://{address}/"), redirected_http2).await;
    assert_eq!(result.outcomes.failed, 1, "{:?}", result.status_code_distribution);
    assert_eq!(all(&seen), ["first"]);
}

/// A server may answer before it has taken the body (413), and never grant room for the rest.
#[tokio::test]
async fn a_reply_that_does_not_wait_for_the_body_is_the_outcome_over_http2() {
    let seen = Seen::default();
    let noted = seen.clone();
    let address = listen(move |_, stream| {
        let seen = noted.clone();
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let reply = Response::builder().status(StatusCode::PAYLOAD_TOO_LARGE);
                respond.send_response(reply.body(()).unwrap(), true).unwrap();
                let seen = seen.clone();
                tokio::spawn(async move {
                    // Its bytes are taken, and no room is granted for more.
                    let mut body = request.into_body();
                    while let Some(piece) = body.data().await {
                        if let Err(error) = piece {
                            return note(&seen, format!("{:?}", error.reason()));
                        }
                    }
                });
            }
        }
    })
    .await;
    let result = once(&format!("http://{address}/"), |options| {
        options.version = HttpVersion::Http2;
        options.method = http::Method::POST;
        options.body = Bytes::from(vec![b'x'; 300_000]);
    })
    .await;
    assert_eq!(result.errors.get("http_4xx"), Some(&1), "{:?}", result.error_examples);
    let reset = async {
        while all(&seen).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), reset).await.expect("the stream is reset");
    assert_eq!(all(&seen), ["Some(CANCEL)"]);
}

/// A later hop that times out loses no bytes of those before it, wherever they went.
#[tokio::test]
async fn a_timeout_after_a_redirect_forgets_no_bytes() {
    let seen = Seen::default();
    let noted = seen.clone();
    let silent = listen(move |_, stream| http1(noted.clone(), |_| String::new(), stream)).await;
    let own = |_: SocketAddr| "/silent".to_owned();
    let foreign = |silent| format!("http://{silent}/silent");
    for location in [own(silent), foreign(silent)] {
        seen.lock().unwrap().clear();
        let (noted, to) = (seen.clone(), location.clone());
        let address = listen(move |_, stream| {
            let to = to.clone();
            let answer = move |head: &str| {
                if head.starts_with("GET /silent") { String::new() } else { redirect_to(&to) }
            };
            http1(noted.clone(), answer, stream)
        })
        .await;
        let result = once(&format!("http://{address}/"), |options| options.max_redirects = 3).await;
        assert_eq!(result.errors.get("response_timeout"), Some(&1), "{:?}", result.errors);
        let sent: usize = all(&seen).iter().map(String::len).sum();
        assert_eq!(all(&seen).len(), 2, "{location}");
        assert_eq!(result.bytes_sent, sent as u64, "{location}");
        assert_eq!(result.bytes_received, redirect_to(&location).len() as u64, "{location}");
    }
}

/// The same over HTTP/2, where bytes are those of the connection.
#[tokio::test]
async fn a_timeout_after_a_redirect_forgets_no_bytes_over_http2() {
    let seen = Seen::default();
    let noted = seen.clone();
    let answer: fn(&str) -> _ = |path| match path {
        "/silent" => None,
        _ => Some((302, "/silent".to_owned())),
    };
    let address = listen(move |_, stream| http2(noted.clone(), answer, stream)).await;
    let url = format!("http://{address}/");
    let one = once(&url, |options| options.version = HttpVersion::Http2).await;
    let two = once(&url, redirected_http2).await;
    assert_eq!(two.errors.get("response_timeout"), Some(&1), "{:?}", two.errors);
    assert!(two.bytes_sent > one.bytes_sent, "{} {}", two.bytes_sent, one.bytes_sent);
    assert_eq!(all(&seen), ["/", "/", "/silent"]);
}

/// Both versions send the same fields; HTTP/2 leaves out what belongs to a connection.
#[tokio::test]
async fn over_http2_the_same_fields_are_sent_but_those_of_a_connection() {
    let fields: Arc<Mutex<HeaderMap>> = Arc::default();
    let kept = fields.clone();
    let address = listen(move |_, stream| {
        let kept = kept.clone();
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                *kept.lock().unwrap() = request.headers().clone();
                respond.send_response(Response::new(()), true).unwrap();
            }
        }
    })
    .await;
    let given = [("keep-alive", "5"), ("x-a", "1")];
    let result = once(&format!("http://{address}/"), |options| {
        options.version = HttpVersion::Http2;
        options.method = http::Method::POST;
        options.headers =
            given.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).into();
    })
    .await;
    assert_eq!(result.outcomes.ok, 1, "{:?}", result.error_examples);
    let fields = fields.lock().unwrap();
    let sent: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let agent = concat!("loadcore/", env!("CARGO_PKG_VERSION"));
    let expected =
        [("user-agent", agent), ("accept", "*/*"), ("x-a", "1"), ("content-length", "0")];
    assert_eq!(sent.len(), expected.len(), "{sent:?}");
    for (name, value) in expected {
        assert_eq!(fields[name], value);
    }
}

/// What the builder's short forms send, the same over both versions.
#[tokio::test]
async fn short_forms_arrive_over_both_versions() {
    let form = Form::new().text("a", "1").file("f", "x.png", &b"png"[..]);
    let (content_type, body) = form.encode();
    let test = |address: SocketAddr, version| {
        let test = LoadTest::post(&format!("http://{address}/")).host("other.test:81");
        let test = test.cookie("a", "1").cookie("b", "2").compressed().form(&form);
        let test = test.options(|options| options.version = version).requests(1).connections(1);
        test.threads(1).timeout(Duration::from_secs(5))
    };
    let content_type = content_type.to_str().unwrap();
    let expected = [
        ("cookie", "a=1; b=2"),
        ("accept-encoding", "gzip, br, zstd"),
        ("content-type", content_type),
    ];

    let seen = Seen::default();
    let noted = seen.clone();
    let address = listen(move |_, mut stream| {
        let seen = noted.clone();
        async move {
            let mut bytes = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                bytes.push(byte);
                if bytes.ends_with(b"--\r\n") {
                    note(&seen, String::from_utf8(std::mem::take(&mut bytes)).unwrap());
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        .await
                        .unwrap();
                }
            }
        }
    })
    .await;
    let result = test(address, HttpVersion::Http1).run().await.unwrap();
    assert_eq!(result.outcomes.ok, 1, "{:?}", result.error_examples);
    let request = all(&seen).remove(0);
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent.as_bytes(), &body[..]);
    for (name, value) in expected.into_iter().chain([("host", "other.test:81")]) {
        let line = format!("{name}: {value}");
        let count = head.lines().filter(|found| found.eq_ignore_ascii_case(&line)).count();
        assert_eq!(count, 1, "{line} in {head}");
    }

    let seen = Seen::default();
    let noted = seen.clone();
    let address = listen(move |_, stream| {
        let seen = noted.clone();
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let (head, mut body) = request.into_parts();
                note(&seen, head.uri.authority().unwrap().as_str());
                for name in ["cookie", "accept-encoding", "content-type"] {
                    let all: Vec<_> = head.headers.get_all(name).iter().collect();
                    assert_eq!(all.len(), 1, "{name}: {all:?}");
                    note(&seen, all[0].to_str().unwrap());
                }
                // The connection has to be driven for its body to come.
                let reading = async {
                    let mut whole = Vec::new();
                    while let Some(Ok(bytes)) = body.data().await {
                        whole.extend_from_slice(&bytes);
                    }
                    whole
                };
                tokio::pin!(reading);
                let whole = tokio::select! {
                    whole = &mut reading => whole,
                    _ = connection.accept() => return,
                };
                note(&seen, String::from_utf8(whole).unwrap());
                respond.send_response(Response::new(()), true).unwrap();
            }
        }
    })
    .await;
    let result = test(address, HttpVersion::Http2).run().await.unwrap();
    assert_eq!(result.outcomes.ok, 1, "{:?}", result.error_examples);
    let body = std::str::from_utf8(&body).unwrap();
    let [cookie, encoding, content_type] = expected.map(|(_, value)| value);
    assert_eq!(all(&seen), ["other.test:81", cookie, encoding, content_type, body]);
}

#[tokio::test]
async fn a_builder_refuses_what_would_be_another_request() {
    let url = "http://127.0.0.1:1/";
    for (test, why) in [
        (LoadTest::get(url).host("a b/"), "host: \"a b/\" is no host: "),
        (LoadTest::get(url).cookie("a", "s3cret; b=c"), "cookies: \"a\": give name and value"),
        (LoadTest::get(url).cookie("a=b", "c"), "cookies: \"a=b\": give"),
        (LoadTest::get("localhost/x"), "begin with http:// or https://"),
        (LoadTest::get(url).address_family(AddressFamily::Ipv6), "127.0.0.1 is no IPv6 address"),
    ] {
        let error = test.requests(1).check().await.unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("s3cret"), "{error}");
    }
}

/// As curl does it: the proxy is asked for a tunnel to where `connect_to` leads.
#[tokio::test]
async fn connect_to_leads_where_a_proxy_is_asked_to_go() {
    let seen = Seen::default();
    let noted = seen.clone();
    let answer = |_: &str| "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    let proxy = listen(move |_, mut stream| {
        let seen = noted.clone();
        async move {
            // The tunnel's end is played by the proxy itself.
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
                    note(&seen, text.lines().next().unwrap());
                    if text.contains("\r\nProxy-Authorization: Basic dTpw\r\n") {
                        note(&seen, "with credentials");
                    }
                    let tunnel = text.starts_with("CONNECT");
                    stream.write_all(answer(&text).as_bytes()).await.unwrap();
                    if !tunnel {
                        return;
                    }
                }
            }
        }
    })
    .await;
    for (host, expected) in [
        (
            "made.up.invalid",
            &["CONNECT other.invalid:81 HTTP/1.1", "with credentials", "GET /x HTTP/1.1"][..],
        ),
        ("no.rule.invalid", &["GET http://no.rule.invalid/x HTTP/1.1", "with credentials"]),
    ] {
        seen.lock().unwrap().clear();
        let result = once(&format!("http://{host}/x"), |options| {
            options.proxy = Some(format!("http://u:p@{proxy}").parse().unwrap());
            options.connect_to = vec![ConnectTo {
                host: "made.up.invalid".into(),
                port: 80,
                to_host: "other.invalid".into(),
                to_port: 81,
            }];
        })
        .await;
        assert_eq!(result.outcomes.ok, 1, "{:?}", result.error_examples);
        assert_eq!(all(&seen), expected);
    }
}
