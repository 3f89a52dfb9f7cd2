//! Tests the API over TLS, in this process: which protocols it speaks, and how long it waits.

use crate::support::Api;
use crate::wire::{Served, is_problem, served_by, told};
use loadcore::LoadTest;
use loadcore::http::fetch::{Ask, Bounds, Fetcher};
use loadcore::http::{TargetPolicy, TlsOptions};
use loadcore::request::Url;
use loadcore_controller::doorstep::certificate::{Certificate, Files};
use loadcore_controller::doorstep::seats;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The API over TLS, and the certificate that is to be trusted.
async fn served(api: &Api) -> (Served, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let pem = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem();
    let folder = tempfile::tempdir().unwrap();
    let [certificate, path] = ["a.pem", "a.key"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, &pem).unwrap();
    std::fs::write(&path, key.serialize_pem()).unwrap();
    let certificate = Certificate::open(Files { certificate, key: path }).unwrap();
    let tls = Some(certificate.acceptor().unwrap());
    (served_by(api, |door| door.over(tls), seats::Bounds::default()).await, pem)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_speaks_both_versions_of_http_over_tls_and_no_other_way() {
    let api = Api::new().await;
    let (server, pem) = served(&api).await;
    let url = format!("https://{}/api/v1/runs", server.0);
    let tls = TlsOptions { ca_pem: Some(pem.clone().into_bytes()), ..TlsOptions::default() };
    let bounds = Bounds { deadline: Duration::from_secs(60), most_bytes: 10_000 };
    let ask = Ask::get(Url::parse(&url).unwrap());
    let reply = Fetcher::new(TargetPolicy::default(), tls).fetch(&ask, &bounds).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["strict-transport-security"], "max-age=31536000");
    let missing = Ask::get(Url::parse(&format!("https://{}/nothing", server.0)).unwrap());
    let tls = TlsOptions { ca_pem: Some(pem.into_bytes()), ..TlsOptions::default() };
    let reply = Fetcher::new(TargetPolicy::default(), tls).fetch(&missing, &bounds).await.unwrap();
    assert_eq!(
        (reply.status, reply.headers.contains_key("strict-transport-security")),
        (404, true)
    );

    let many = LoadTest::get(&url).rate(50.0).duration(Duration::from_secs(1));
    let many = many.options(|options| options.tls.insecure = true);
    let result = many.run().await.unwrap();
    assert_eq!((result.arrivals.sent, result.outcomes.ok), (50, 50), "{:?}", result.errors);
    assert_eq!(result.protocol.http.as_deref(), Some("2"));

    let asked = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let problem = is_problem(&told(&server, asked).await, 400, "refused");
    assert!(problem["detail"].to_string().contains("https://"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn whoever_begins_no_handshake_is_left() {
    let api = Api::new().await;
    let (server, _) = served(&api).await;
    let begun = Instant::now();
    let mut stream = TcpStream::connect(server.0).await.unwrap();
    assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0);
    assert_eq!(begun.elapsed().as_secs(), 10);
}
