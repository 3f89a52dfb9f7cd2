//! Tests users, passwords and TLS: what opens the door, and that no message shows a password.

mod support;

use loadcore::cluster::conformance::{a_report, a_snapshot};
use loadcore::cluster::coordinator::{Coordinator, Kind, Leader};
use loadcore::cluster::journal::Entry;
use loadcore::http::TlsOptions;
use loadcore_redis::{RedisCoordinator, RedisOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::TcpListener;
use std::time::Duration;
use support::Server;

const SECRET: &str = "s3cr@t/w:th?all";
const IN_URL: &str = "s3cr%40t%2Fw%3Ath%3Fall";

/// The rights that the README says are enough.
fn rights() -> Vec<String> {
    let readme = include_str!("../README.md");
    let from =
        readme.find("ACL SETUSER loadcore").expect("the README says which rights are needed");
    let command = readme[from..].split("```").next().expect("the end of the block");
    command.split_whitespace().skip(3).map(|word| word.replace("secret", SECRET)).collect()
}

/// Everything that a controller and a worker ask for.
async fn uses_everything(coordinator: &RedisCoordinator) {
    let run = "run".into();
    let worker = "w".into();
    let claim = Leader { controller: "c".into(), term: 1, address: String::new() };
    coordinator.now_us().await.unwrap();
    coordinator.lead(&claim, Duration::from_secs(5)).await.unwrap();
    coordinator
        .lead(&Leader { controller: "d".into(), ..claim.clone() }, Duration::ZERO)
        .await
        .unwrap();
    coordinator.open(1, &run, "plan".into(), &[]).await.unwrap();
    coordinator.append(1, &run, 0, &[Entry::Pause { at_ns: 1 }]).await.unwrap();
    coordinator.append(1, &run, 0, &[Entry::Pause { at_ns: 1 }]).await.unwrap();
    coordinator
        .open(1, &run, "plan".into(), &[Entry::Start { at_us: 1 }, Entry::Close])
        .await
        .unwrap();
    coordinator.offer(1, &run, 2).await.unwrap();
    coordinator.take(&worker, Duration::ZERO).await.unwrap().unwrap();
    coordinator.withdraw(1, &run).await.unwrap();
    coordinator.beat(&a_report("w", 1)).await.unwrap();
    coordinator.workers().await.unwrap();
    coordinator.leave(&worker).await.unwrap();
    coordinator.plan(&run).await.unwrap().unwrap();
    coordinator.journal(&run, 0, Duration::ZERO).await.unwrap().unwrap();
    coordinator.journal(&run, 9, Duration::ZERO).await.unwrap().unwrap();
    coordinator.journal_len(&run).await.unwrap().unwrap();
    coordinator.put(&a_snapshot("w", 1, 1)).await.unwrap();
    for _ in 0..2 {
        coordinator.results(1, 10, Duration::ZERO).await.unwrap();
    }
    coordinator.newest(&run).await.unwrap();
    coordinator.discard(1, &run, &worker, 1, 1).await.unwrap();
    coordinator.confirm(1, &run, &[(worker, 1, 1)]).await.unwrap();
    coordinator.close(1, &run).await.unwrap();
    coordinator.abdicate(&claim).await.unwrap();
}

fn with_user(server: &Server, user: &str, password: &str) -> RedisCoordinator {
    let url = format!("{}?user={user}&pass={password}", server.url());
    RedisCoordinator::new(&RedisOptions::new(url)).unwrap()
}

#[tokio::test]
async fn a_user_with_few_rights_is_enough() {
    let server = Server::start().await;
    redis::cmd("ACL").arg("SETUSER").arg("loadcore").arg(rights()).exec(&mut server.raw()).unwrap();
    uses_everything(&with_user(&server, "loadcore", IN_URL)).await;
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_shown() {
    let server = Server::start().await;
    let mut raw = server.raw();
    let user = ["SETUSER", "loadcore", "on", ">another", "~*", "+@all"];
    redis::cmd("ACL").arg(&user).exec(&mut raw).unwrap();
    let coordinator = with_user(&server, "loadcore", IN_URL);
    let error = coordinator.beat(&a_report("w", 1)).await.unwrap_err();
    assert!(matches!(&error.kind, Kind::Unavailable(why) if why.contains("***")), "{error}");
    let text = format!("{error} {error:?} {coordinator:?} {}", coordinator.address());
    assert!(text.contains("WRONGPASS") || text.contains("uthentication"), "{text}");
    for secret in [SECRET, IN_URL] {
        assert!(!text.contains(secret), "{text}");
    }
    // Without one, by a server that wants one.
    redis::cmd("CONFIG").arg(&["SET", "requirepass", "another"]).exec(&mut raw).unwrap();
    let error = server.coordinator().now_us().await.unwrap_err();
    assert!(matches!(&error.kind, Kind::Unavailable(why) if why.contains("NOAUTH")), "{error}");
}

#[tokio::test]
async fn where_nobody_listens_the_password_is_not_shown_either() {
    let port = a_free_port();
    for scheme in ["redis", "rediss"] {
        let url = format!("{scheme}://me:{IN_URL}@127.0.0.1:{port}");
        let coordinator = RedisCoordinator::new(&RedisOptions::new(url)).unwrap();
        let error = coordinator.now_us().await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(&format!("{scheme}://me:***@127.0.0.1:{port}")), "{text}");
        assert!(text.contains("refused"), "{text}");
        assert!(!text.contains(SECRET) && !text.contains(IN_URL), "{text}");
    }
}

/// A port that nobody listens on. Another process may take it, which only a server would notice.
fn a_free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port()
}

struct Certificates {
    folder: tempfile::TempDir,
    ca_pem: Vec<u8>,
}

/// An authority, and a certificate of its own for `localhost`.
fn certificates() -> Certificates {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, pem) in [
        ("ca.pem", authority.pem()),
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        std::fs::write(folder.path().join(name), pem).unwrap();
    }
    Certificates { folder, ca_pem: authority.pem().into_bytes() }
}

#[tokio::test]
async fn tls_is_spoken_and_certificates_are_checked() {
    let certificates = certificates();
    let path = |name: &str| certificates.folder.path().join(name).display().to_string();
    let port = a_free_port();
    let server = Server::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--tls-cert-file",
        &path("cert.pem"),
        "--tls-key-file",
        &path("key.pem"),
        "--tls-ca-cert-file",
        &path("ca.pem"),
        "--tls-auth-clients",
        "no",
    ])
    .await;
    let with = |host: &str, ca_pem: Option<&[u8]>, end: &str| {
        let tls = TlsOptions { ca_pem: ca_pem.map(<[u8]>::to_vec), ..TlsOptions::default() };
        let url = format!("rediss://{host}:{port}{end}");
        RedisCoordinator::new(&RedisOptions { tls, ..RedisOptions::new(url) }).unwrap()
    };
    uses_everything(&with("localhost", Some(&certificates.ca_pem), "")).await;
    with("127.0.0.1", None, "#insecure").now_us().await.unwrap();
    for refused in [with("localhost", None, ""), with("127.0.0.1", Some(&certificates.ca_pem), "")]
    {
        let error = refused.now_us().await.unwrap_err();
        let is_said = matches!(&error.kind, Kind::Unavailable(why) if why.contains("certificate"));
        assert!(is_said, "{error}");
    }
    drop(server);
}
