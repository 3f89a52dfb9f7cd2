//! Tests connections that end, or are made, in odd ways, and what is written on them byte by byte.

#[path = "common/servers.rs"]
mod servers;

use loadcore::LoadTest;
use loadcore::http::{HttpOptions, HttpVersion};
use loadcore::scenario::Scenario;
use servers::{Seen, all, http1, listen, note, once, requests};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Reads a request without a body; `None`: the client has left.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// A server answers each first request, and closes the connection as the second comes: in good order,
/// by a reset, or with a piece of a reply.
#[tokio::test]
async fn a_connection_that_ends_between_two_requests_is_stale_and_nothing_is_sent_again() {
    for (last_words, reset, class) in
        [("", false, "stale"), ("", true, "stale"), ("HTTP/1.", false, "read")]
    {
        let seen = Seen::default();
        let noted = seen.clone();
        let address = listen(move |_, mut stream| {
            let seen = noted.clone();
            async move {
                let Some(_) = read_request(&mut stream).await else { return };
                note(&seen, "first");
                stream.write_all(OK.as_bytes()).await.unwrap();
                // What is left unread makes a reset of the end.
                if reset {
                    stream.readable().await.unwrap();
                    return note(&seen, "second");
                }
                let Some(_) = read_request(&mut stream).await else { return };
                note(&seen, "second");
                stream.write_all(last_words.as_bytes()).await.unwrap();
            }
        })
        .await;
        let result = requests(10, &format!("http://{address}/"), |_| {}).await;
        assert_eq!(result.outcomes.ok, 5, "{:?}", result.error_examples);
        assert_eq!(result.errors.get(class), Some(&5), "{:?}", result.error_examples);
        assert_eq!(all(&seen), ["first", "second"].repeat(5), "one attempt each");
        if class == "stale" {
            let text = &result.error_examples[class];
            assert!(text.contains("keep-alive") && text.contains("--no-keepalive"), "{text}");
        }
    }
}

/// A server that ends while it works on a request has not closed an idle connection.
#[tokio::test]
async fn a_connection_that_ends_while_the_server_works_is_not_stale() {
    let address = listen(|_, mut stream| async move {
        let Some(_) = read_request(&mut stream).await else { return };
        stream.write_all(OK.as_bytes()).await.unwrap();
        let Some(_) = read_request(&mut stream).await else { return };
        tokio::time::sleep(Duration::from_millis(400)).await;
    })
    .await;
    let result = requests(2, &format!("http://{address}/"), |_| {}).await;
    assert_eq!(result.errors.get("read"), Some(&1), "{:?}", result.error_examples);
    assert!(result.error_examples["read"].contains("before a byte of its reply"));
}

/// The first request of a connection cannot meet an idle one.
#[tokio::test]
async fn a_new_connection_that_ends_without_a_reply_is_not_stale() {
    let address =
        listen(|_, mut stream| async move { drop(read_request(&mut stream).await) }).await;
    let result = requests(4, &format!("http://{address}/"), |_| {}).await;
    assert_eq!(result.errors.get("read"), Some(&4), "{:?}", result.error_examples);
}

/// The same over HTTP/2, where the server leaves without a word (GOAWAY).
#[tokio::test]
async fn a_connection_of_http2_that_ends_between_two_requests_is_stale() {
    let address = listen(|_, mut stream| async move {
        const HEADERS: u8 = 1;
        stream.read_exact(&mut [0; 24]).await.unwrap();
        stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        let mut answered = false;
        loop {
            let mut head = [0; 9];
            if stream.read_exact(&mut head).await.is_err() {
                return;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            stream.read_exact(&mut vec![0; length as usize]).await.unwrap();
            if head[3] == HEADERS {
                if answered {
                    return;
                }
                answered = true;
                // Index 8 of the static table: `:status 200`.
                stream.write_all(&[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88]).await.unwrap();
            }
        }
    })
    .await;
    let url = format!("http://{address}/");
    let result = requests(10, &url, |options| options.version = HttpVersion::Http2).await;
    assert_eq!(result.outcomes.ok, 5, "{:?}", result.error_examples);
    assert_eq!(result.errors.get("stale"), Some(&5), "{:?}", result.error_examples);
}

/// A line break after a body is passed over (RFC 9112 section 2.2): in the same packet, after a while
/// as the connection lies idle, and just before the next reply.
#[tokio::test]
async fn a_line_break_after_a_body_is_passed_over_whenever_it_comes() {
    const MANY: &str = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    for (at_once, later) in [("\r\n", ""), ("", "\r\n"), (MANY, ""), ("\r", "\n")] {
        let address = listen(move |_, mut stream| async move {
            while read_request(&mut stream).await.is_some() {
                stream.write_all(format!("{OK}{at_once}").as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
                if stream.write_all(later.as_bytes()).await.is_err() {
                    return;
                }
            }
        })
        .await;
        let url = format!("http://{address}/");
        let closed = requests(20, &url, |_| {}).await;
        assert_eq!((closed.outcomes.ok, closed.connects), (20, 1), "{:?}", closed.error_examples);
        let test = LoadTest::get(&url).rate(20.0).requests(10).connections(1).threads(1);
        let open = test.duration(Duration::from_secs(1)).run().await.unwrap();
        assert_eq!((open.outcomes.ok, open.connects), (10, 1), "{:?}", open.error_examples);
    }
}

/// What is more than that, or anything else, is no reply that was asked for.
#[tokio::test]
async fn anything_else_after_a_body_fails_the_request() {
    let many = "\r\n".repeat(17);
    for after in ["x", "\r\nx", &*many] {
        let reply = format!("{OK}{after}");
        let address = listen(move |_, mut stream| {
            let reply = reply.clone();
            async move {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(reply.as_bytes()).await.unwrap();
                }
            }
        })
        .await;
        let result = requests(3, &format!("http://{address}/"), |_| {}).await;
        assert_eq!(result.errors.get("body"), Some(&3), "{after:?}: {:?}", result.error_examples);
    }
}

/// Names of header fields are written as they were given, in their order, also on a redirect's hops.
#[tokio::test]
async fn header_names_are_sent_as_written_and_in_their_order() {
    let seen = Seen::default();
    let noted = seen.clone();
    let answer = |head: &str| match head.starts_with("GET /next") {
        true => OK.to_owned(),
        false => "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n".to_owned(),
    };
    let address = listen(move |_, stream| http1(noted.clone(), answer, stream)).await;
    let scenario = format!(
        r#"{{"name": "a", "targetUrl": "http://{address}/", "durationSeconds": 5, "maxRequests": 1,
            "connections": 1, "followRedirects": 1,
            "headers": {{"X-Zebra": "1", "authorIZATION": "t", "aCCept": "x/y", "X-a": ["2", "3"]}}}}"#
    );
    let scenario = Scenario::from_json(&scenario).unwrap();
    let result = LoadTest::from_scenario(&scenario).threads(1).run().await.unwrap();
    assert_eq!(result.outcomes.ok, 1, "{:?}", result.error_examples);
    let agent = concat!("User-Agent: loadcore/", env!("CARGO_PKG_VERSION"));
    let fields = "X-Zebra: 1\r\nauthorIZATION: t\r\naCCept: x/y\r\nX-a: 2\r\nX-a: 3\r\n\r\n";
    let sent = |path| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{agent}\r\n{fields}");
    assert_eq!(all(&seen), [sent("/"), sent("/next")]);
    // The document says it in the same way, and still knows what is secret.
    let document = scenario.public_value();
    let names: Vec<_> = document["headers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["X-Zebra", "authorIZATION", "aCCept", "X-a"]);
    assert_ne!(document["headers"]["authorIZATION"], "t");
}

/// Speaks TLS with a certificate that it has signed itself, `is_ca` as openssl makes them.
async fn self_signed(host: &str, is_ca: bool) -> (std::net::SocketAddr, Vec<u8>) {
    let mut params = rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap();
    if is_ca {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let address = listen(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            }
        }
    })
    .await;
    (address, certificate.pem().into_bytes())
}

#[tokio::test]
async fn a_certificate_that_is_given_itself_is_trusted_for_its_own_names() {
    for is_ca in [true, false] {
        let (address, pem) = self_signed("localhost", is_ca).await;
        let (_, other) = self_signed("localhost", is_ca).await;
        let url = |host: &str| format!("https://{host}:{}/", address.port());
        let given = |pem: &[u8]| {
            let pem = Some(pem.to_vec());
            move |options: &mut HttpOptions| options.tls.ca_pem = pem
        };
        let result = once(&url("localhost"), given(&pem)).await;
        assert_eq!(result.outcomes.ok, 1, "{:?}", result.error_examples);
        let both = [&other[..], &pem].concat();
        let result = once(&url("localhost"), given(&both)).await;
        assert_eq!(result.outcomes.ok, 1, "{:?}", result.error_examples);
        assert_eq!(result.protocol.tls.as_deref(), Some("1.3"));
        // Another certificate for the same name, the same one for another name, and nobody's.
        for (host, trust) in
            [("localhost", Some(&other)), ("127.0.0.1", Some(&pem)), ("localhost", None)]
        {
            let result = once(&url(host), |options| options.tls.ca_pem = trust.cloned()).await;
            assert_eq!(result.errors.get("tls"), Some(&1), "{host}: {:?}", result.error_examples);
            let text = &result.error_examples["tls"];
            assert!(text.contains("-k") && text.contains("--cacert"), "{text}");
        }
    }
}

/// Takes connections and says nothing: over TLS it is the handshake that has no end.
#[tokio::test]
async fn a_handshake_that_hangs_is_a_matter_of_tls() {
    let address = listen(|_, mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    for version in [HttpVersion::Auto, HttpVersion::Http1, HttpVersion::Http2] {
        let mut options = HttpOptions::get(format!("https://{address}/").parse().unwrap());
        options.version = version;
        let test = LoadTest::http(options).rate(20.0).requests(10).connections(2).threads(1);
        let test = test.timeout(Duration::from_millis(300)).duration(Duration::from_secs(1));
        let result = test.run().await.unwrap();
        assert_eq!(result.arrivals.sent, result.errors["tls"], "{:?}", result.errors);
        let text = &result.error_examples["tls"];
        assert_eq!(text, "no end of the TLS handshake within the timeout of 0.3 s");
    }
}

/// A proxy that says nothing is named.
#[tokio::test]
async fn a_proxy_that_hangs_is_named() {
    let address = listen(|_, mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let result = once("https://made.up.invalid/", |options| {
        options.proxy = Some(format!("http://{address}").parse().unwrap());
    })
    .await;
    let text = &result.error_examples["connect_timeout"];
    assert!(text.contains("proxy"), "{text}");
}

/// Connections of both versions: a server that speaks HTTP/2 on every other one.
#[tokio::test]
async fn what_was_spoken_is_told_of_all_connections() {
    let address = listen(|_, stream| http1(Seen::default(), |_| OK.to_owned(), stream)).await;
    let result = once(&format!("http://{address}/"), |_| {}).await;
    let told = &result.protocol;
    assert_eq!((told.http.as_deref(), told.tls.as_deref()), (Some("1.1"), None));
    assert_eq!(told.streams, Some(1));
    let closure = LoadTest::call(async |_| Ok(200)).requests(3).run().await.unwrap();
    assert_eq!(closure.protocol, loadcore::result::Protocol::default());
}

/// A service that loads for others does not leave to a proxy what a name means.
#[tokio::test]
async fn a_name_that_cannot_be_judged_is_not_given_to_a_proxy() {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let address =
        listen(move |_, stream| http1(Arc::clone(&kept), |_| OK.to_owned(), stream)).await;
    let by_proxy = async |url: &str, judges: bool| {
        let result = once(url, |options| {
            options.proxy = Some(format!("http://{address}").parse().unwrap());
            options.judges_names = judges;
        })
        .await;
        (result.outcomes.ok, result.errors.get("dns").copied().unwrap_or(0))
    };
    assert_eq!(by_proxy("http://made.up.invalid/", false).await, (1, 0));
    assert_eq!(by_proxy("http://made.up.invalid/", true).await, (0, 1));
    assert_eq!(by_proxy("http://localhost/", true).await, (1, 0));
    assert_eq!(all(&seen).len(), 2);
}
