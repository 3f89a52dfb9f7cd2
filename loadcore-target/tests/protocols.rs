//! Tests TLS, HTTP/2, Unix sockets and IPv6: the same behaviour and the same counts by other ways.

mod common;

use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use common::{Client, PATIENCE, eventually, start};
use h2::client::SendRequest;
use http::{Method, Request, Response};
use loadcore_target::{Certificate, Config, HttpVersions, Listen, Target, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

fn trusting(target: &Target, alpn: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let ca = target.ca_pem().expect("a target with TLS");
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

async fn tls(
    target: &Target,
    alpn: &[&str],
    name: &'static str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = TcpStream::connect(target.addr()).await?;
    trusting(target, alpn).connect(ServerName::try_from(name).unwrap(), stream).await
}

async fn h2<S>(stream: S) -> SendRequest<Bytes>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (send, connection) =
        h2::client::Builder::new().max_header_list_size(2 << 20).handshake(stream).await.unwrap();
    tokio::spawn(connection);
    send
}

async fn h2c(target: &Target) -> SendRequest<Bytes> {
    h2(TcpStream::connect(target.addr()).await.unwrap()).await
}

type Answered = Result<(Response<()>, Result<Vec<u8>, h2::Error>), h2::Error>;

async fn exchange(send: &SendRequest<Bytes>, method: Method, path: &str, body: &[u8]) -> Answered {
    let mut send = send.clone().ready().await?;
    let uri = format!("http://a{path}");
    let request = Request::builder().method(method).uri(uri).body(()).unwrap();
    let (response, mut stream) = send.send_request(request, body.is_empty())?;
    if !body.is_empty() {
        stream.send_data(Bytes::copy_from_slice(body), true)?;
    }
    let answer = async {
        let (head, mut body) = response.await?.into_parts();
        let mut content = Vec::new();
        let mut end = Ok(());
        while let Some(part) = body.data().await {
            match part {
                Ok(part) => {
                    content.extend_from_slice(&part);
                    let _ = body.flow_control().release_capacity(part.len());
                }
                Err(error) => {
                    end = Err(error);
                    break;
                }
            }
        }
        Ok((Response::from_parts(head, ()), end.map(|()| content)))
    };
    tokio::time::timeout(PATIENCE, answer).await.expect("an answer in time")
}

async fn get(send: &SendRequest<Bytes>, path: &str) -> (u16, Vec<u8>) {
    let (response, body) = exchange(send, Method::GET, path, b"").await.unwrap();
    (response.status().as_u16(), body.unwrap())
}

#[tokio::test]
async fn http2_tells_times_too() {
    let target = start(Config { latency: "2ms".parse().unwrap(), ..Config::default() }).await;
    let send = h2(TcpStream::connect(target.addr()).await.unwrap()).await;
    let (response, _) = exchange(&send, Method::GET, "/?times", b"").await.unwrap();
    let told = response.headers()["x-times"].to_str().unwrap();
    let (read, answered) = told.strip_prefix("read=").unwrap().split_once(", answered=").unwrap();
    let (read, answered): (u64, u64) = (read.parse().unwrap(), answered.parse().unwrap());
    assert!(read > 0 && read + 2_000_000 <= answered, "{told}");
    let (response, _) = exchange(&send, Method::GET, "/", b"").await.unwrap();
    assert!(!response.headers().contains_key("x-times"));
}

#[tokio::test]
async fn http1_over_tls() {
    let target = start(Config { tls: Tls::On, ..Config::default() }).await;
    assert!(target.url("/").starts_with("https://127.0.0.1:"));
    for (alpn, name) in [(&["http/1.1"][..], "localhost"), (&[][..], "127.0.0.1")] {
        let mut stream = tls(&target, alpn, name).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\nGET /close HTTP/1.1\r\n\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text.matches("ok\n").count(), 2, "{text}");
    }
    assert_eq!(target.stats().answered, 4);
    assert_eq!(target.stats().connections.tls_failed, 0);
}

#[tokio::test]
async fn a_reset_reaches_through_tls() {
    let target = start(Config { tls: Tls::On, ..Config::default() }).await;
    let mut stream = tls(&target, &["http/1.1"], "localhost").await.unwrap();
    stream.write_all(b"GET /fault/reset-body HTTP/1.1\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(bytes.ends_with(&[b'x'; 50]));
    assert_eq!(target.stats().broken, 1);
}

#[tokio::test]
async fn certificates_can_be_bad_in_a_known_way() {
    for (certificate, problem) in
        [(Certificate::Expired, "expired"), (Certificate::WrongName, "not valid for name")]
    {
        let config = Config { tls: Tls::On, certificate, ..Config::default() };
        let target = start(config).await;
        let error = tls(&target, &[], "localhost").await.unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
        eventually("it is counted", || target.stats().connections.tls_failed == 1);
        assert_eq!(target.stats().requests, 0);
    }
}

#[tokio::test]
async fn tls_and_plain_text_can_share_a_port() {
    let target = start(Config { tls: Tls::Also, ..Config::default() }).await;
    assert_eq!(Client::new(&target).get("/").status, 200);
    assert_eq!(get(&h2c(&target).await, "/").await.0, 200);
    let stream = tls(&target, &["h2", "http/1.1"], "localhost").await.unwrap();
    assert_eq!(get(&h2(stream).await, "/").await.0, 200);
    assert_eq!(target.stats().answered, 3);
    let only = start(Config { tls: Tls::On, ..Config::default() }).await;
    let mut client = Client::new(&only);
    client.send("GET / HTTP/1.1\r\n\r\n");
    let mut bytes = Vec::new();
    let _ = client.stream.read_to_end(&mut bytes);
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
    eventually("it is counted", || only.stats().connections.tls_failed == 1);
    assert_eq!(only.stats().requests, 0);
}

#[tokio::test]
async fn http2_by_alpn_and_by_prior_knowledge() {
    let target = start(Config { tls: Tls::On, ..Config::default() }).await;
    let stream = tls(&target, &["h2", "http/1.1"], "localhost").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(get(&h2(stream).await, "/").await, (200, b"ok\n".to_vec()));
    // Without ALPN the first bytes tell.
    let stream = tls(&target, &[], "localhost").await.unwrap();
    assert_eq!(get(&h2(stream).await, "/").await.0, 200);
    assert_eq!(target.stats().answered, 2);
}

#[tokio::test]
async fn only_the_versions_that_are_wanted_are_spoken() {
    let one = start(Config { http: HttpVersions::Http1, ..Config::default() }).await;
    let mut client = Client::new(&one);
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(client.reply().status, 505);
    let two = start(Config { http: HttpVersions::Http2, ..Config::default() }).await;
    assert_eq!(get(&h2c(&two).await, "/").await.0, 200);
    let mut client = Client::new(&two);
    client.send("GET / HTTP/1.1\r\n\r\n");
    let mut bytes = Vec::new();
    let _ = client.stream.read_to_end(&mut bytes);
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
    eventually("it is counted", || two.stats().malformed == 1);
}

#[tokio::test]
async fn the_paths_mean_the_same_over_http2() {
    let target = start(Config::default()).await;
    let send = h2c(&target).await;
    for status in [204, 304, 404, 503] {
        assert_eq!(get(&send, &format!("/status/{status}")).await.0, status);
    }
    for path in ["/bytes/1000000", "/chunked/1000000", "/until-close/1000000"] {
        assert_eq!(get(&send, path).await.1.len(), 1_000_000, "{path}");
    }
    assert_eq!(get(&send, "/bytes/0").await.1.len(), 0);
    assert_eq!(get(&send, "/slow?bytes=1001&over=20ms&pieces=3").await.1.len(), 1001);
    assert_eq!(get(&send, "/delay/5ms").await.0, 200);
    assert_eq!(get(&send, "/interim/2").await.0, 200);
    assert_eq!(get(&send, "/fault/none").await.0, 400);
    let (response, _) = exchange(&send, Method::GET, "/redirect/2", b"").await.unwrap();
    assert_eq!(response.headers()["location"], "/redirect/1?status=302");
    let (response, body) = exchange(&send, Method::HEAD, "/bytes/10", b"").await.unwrap();
    assert_eq!(response.headers()["content-length"], "10");
    assert_eq!(body.unwrap(), b"");
    let (response, _) =
        exchange(&send, Method::GET, "/fault/big-header?bytes=20000", b"").await.unwrap();
    assert_eq!(response.headers()["x-filler"].len(), 20_000);
    let body = vec![7; 300_000];
    let (_, echoed) = exchange(&send, Method::POST, "/echo", &body).await.unwrap();
    assert!(echoed.unwrap() == body);
    let stats = target.stats();
    assert_eq!((stats.requests, stats.answered, stats.in_flight), (16, 16, 0));
    assert_eq!(stats.bytes_received, 300_000);
    assert_eq!(stats.lateness.count, 1);
}

#[tokio::test]
async fn statistics_over_http2_are_not_counted() {
    let target = start(Config::default()).await;
    let send = h2c(&target).await;
    let (status, body) = get(&send, "/stats").await;
    assert_eq!(status, 200);
    let stats: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&stats["requests"], &stats["connections"]["accepted"]), (&0.into(), &0.into()));
    let (_, body) = exchange(&send, Method::POST, "/reset", b"").await.unwrap();
    assert_eq!(body.unwrap(), b"counts begin anew\n");
    assert_eq!(target.stats().requests, 0);
}

#[tokio::test]
async fn faults_over_http2() {
    let target = start(Config::default()).await;
    let send = h2c(&target).await;
    let error = exchange(&send, Method::GET, "/fault/reset-head", b"").await.unwrap_err();
    assert!(error.is_reset(), "{error}");
    for path in ["/fault/reset-body", "/fault/bad-chunk"] {
        let (response, body) = exchange(&send, Method::GET, path, b"").await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(body.unwrap_err().is_reset(), "{path}");
    }
    for path in ["/fault/length-long", "/fault/length-short"] {
        let body = exchange(&send, Method::GET, path, b"").await.unwrap().1;
        assert!(body.is_err(), "{path}: a client must notice");
    }
    assert_eq!(get(&send, "/").await.0, 200, "the connection has lived on");
    for path in ["/fault/close", "/fault/garbage"] {
        let send = h2c(&target).await;
        assert!(exchange(&send, Method::GET, path, b"").await.is_err(), "{path}");
    }
    let stats = target.stats();
    assert_eq!((stats.requests, stats.broken, stats.answered), (8, 7, 1));
}

#[tokio::test]
async fn a_stream_that_hangs_holds_up_no_other() {
    let target = start(Config::default()).await;
    let send = h2c(&target).await;
    let mut waiting = Vec::new();
    for path in ["/fault/hang", "/fault/partial-head", "/fault/partial-body", "/delay/1h"] {
        let send = send.clone();
        let path = path.to_owned();
        waiting.push(tokio::spawn(async move {
            exchange(&send, Method::GET, &path, b"").await.is_ok()
        }));
    }
    eventually_async(|| target.stats().requests == 4).await;
    assert_eq!(get(&send, "/").await.0, 200);
    eventually_async(|| target.stats().broken == 3).await;
    assert_eq!(target.stats().in_flight, 1);
    for task in waiting {
        task.abort();
    }
    drop(send);
    eventually_async(|| target.stats().abandoned == 1).await;
    eventually_async(|| target.stats().connections.open == 0).await;
}

#[tokio::test]
async fn an_http2_connection_ends_in_order() {
    let target = start(Config { close_after: Some(2), ..Config::default() }).await;
    let send = h2c(&target).await;
    assert_eq!(get(&send, "/").await.0, 200);
    assert_eq!(get(&send, "/bytes/100000").await.1.len(), 100_000);
    eventually_async(|| target.stats().connections.open == 0).await;
    assert!(exchange(&send, Method::GET, "/", b"").await.is_err());
    assert_eq!(target.stats().requests, 2);
}

#[tokio::test]
async fn errors_and_stalls_reach_http2() {
    let config = Config {
        errors: "100%:503".parse().unwrap(),
        stalls: vec!["at=0s,for=50ms".parse().unwrap()],
        ..Config::default()
    };
    let target = start(config).await;
    let send = h2c(&target).await;
    assert_eq!(get(&send, "/").await.0, 503);
    assert_eq!(target.stats().stall_lateness.count, 1);
}

#[tokio::test]
async fn unix_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("target.sock");
    let config = Config { listen: Listen::Unix(path.clone()), threads: 2, ..Config::default() };
    let target = start(config.clone()).await;
    assert_eq!(target.url("/x"), "http://localhost/x");
    for _ in 0..3 {
        let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
        stream.write_all(b"GET /close HTTP/1.1\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("\r\n\r\nok\n"), "{text}");
    }
    assert_eq!(target.stats().answered, 3);
    let taken = Target::start(config).await.unwrap_err().to_string();
    assert!(taken.ends_with("; where nobody listens there any more, remove the file"), "{taken}");
    assert!(
        taken.starts_with(&format!("could not listen on unix:{}: ", path.display())),
        "{taken}"
    );
    assert!(path.exists(), "the socket of the one that listens is left alone");
    drop(target);
    assert!(!path.exists());
}

#[tokio::test]
async fn ipv6() {
    let config = Config { listen: "[::1]:0".parse().unwrap(), tls: Tls::Also, ..Config::default() };
    let target = match Target::start(config).await {
        Ok(target) => target,
        // A machine without IPv6 cannot tell.
        Err(error) if error.to_string().contains("os error 99") => return,
        Err(error) => panic!("{error}"),
    };
    assert!(target.url("/").starts_with("http://[::1]:"), "{}", target.url("/"));
    assert_eq!(Client::new(&target).get("/").status, 200);
    assert!(tls(&target, &[], "::1").await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_started_is_named() {
    let target = start(Config::default()).await;
    let listen = Listen::Tcp(target.addr());
    let config = Config { listen: listen.clone(), threads: 4, ..Config::default() };
    let error = Target::start(config).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("could not listen on {listen}: ")), "{error}");
    assert!(error.ends_with("; port 0 takes a free one"), "{error}");
    let error = Target::start(Config { threads: 0, ..Config::default() }).await.unwrap_err();
    assert_eq!(error.to_string(), "threads is 0, but must be from 1 to 256");
}

async fn eventually_async(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it comes true");
}
