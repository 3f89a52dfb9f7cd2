//! Servers that do one odd thing each, into what a request makes of them: redirects whose next hop
//! meets a connection that ends, replies that do not wait for the body, the fields of either version,
//! a proxy beside `connect_to`.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use loadcore::http::{ConnectTo, HttpOptions, HttpVersion};
use loadcore::{LoadTest, RunResult};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What servers have seen, in the order in which it came.
type Seen = Arc<Mutex<Vec<String>>>;

fn note(seen: &Seen, what: impl Into<String>) {
    seen.lock().unwrap().push(what.into());
}

fn all(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().clone()
}

/// One request.
async fn once(url: &str, change: impl FnOnce(&mut HttpOptions)) -> RunResult {
    requests(1, url, change).await
}

/// Requests on one connection, with a short timeout.
async fn requests(count: u64, url: &str, change: impl FnOnce(&mut HttpOptions)) -> RunResult {
    let mut options = HttpOptions::get(url.parse().unwrap());
    change(&mut options);
    let test = LoadTest::http(options).requests(count).connections(1).threads(1);
    test.timeout(Duration::from_secs(1)).run().await.unwrap()
}

fn redirected_http2(options: &mut HttpOptions) {
    options.version = HttpVersion::Http2;
    options.max_redirects = 3;
}

/// Serves each connection by `serve`, with its number.
async fn listen<F: Future<Output = ()> + Send>(
    serve: impl Fn(usize, TcpStream) -> F + Clone + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            let serve = serve.clone();
            tokio::spawn(async move { serve(number, stream).await });
        }
    });
    address
}

/// HTTP/1.1: what `answer` says to a request's head; an empty answer never comes.
async fn http1(seen: Seen, answer: impl Fn(&str) -> String, mut stream: TcpStream) {
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
        note(&seen, &*text);
        stream.write_all(answer(&text).as_bytes()).await.unwrap();
    }
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
    let given = [("upgrade", "h2c"), ("keep-alive", "5"), ("te", "gzip"), ("x-a", "1")];
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
        ("made.up.invalid", &["CONNECT other.invalid:81 HTTP/1.1", "GET /x HTTP/1.1"][..]),
        ("no.rule.invalid", &["GET http://no.rule.invalid/x HTTP/1.1"]),
    ] {
        seen.lock().unwrap().clear();
        let result = once(&format!("http://{host}/x"), |options| {
            options.proxy = Some(format!("http://{proxy}").parse().unwrap());
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
