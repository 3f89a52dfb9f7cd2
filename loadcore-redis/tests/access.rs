//! Tests users, passwords and TLS: what opens the door, and that no message shows a password.

mod support;

use loadcore::cluster::conformance::{a_beat, a_line, a_snapshot};
use loadcore::cluster::coordinator::{Coordinator, Kind, Leader};
use loadcore::http::TlsOptions;
use loadcore_redis::{RedisCoordinator, RedisOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::TcpListener;
use std::time::Duration;
use support::Server;

const SECRET: &str = support::WORKER[0];
const IN_URL: &str = support::WORKER[1];

/// Everything that a controller asks for, once workers have done what they do.
async fn controls_everything(coordinator: &RedisCoordinator) {
    let (run, worker) = ("run".into(), "w".into());
    let claim = Leader { controller: "c".into(), term: 1, address: String::new() };
    let other = Leader { controller: "d".into(), ..claim.clone() };
    coordinator.now_us().await.unwrap();
    coordinator.lead(&claim, Duration::from_secs(5)).await.unwrap();
    coordinator.lead(&other, Duration::ZERO).await.unwrap();
    coordinator.open(1, &run, "plan".into(), &[]).await.unwrap();
    coordinator.append(1, &run, 0, &[a_line(0)]).await.unwrap();
    coordinator.append(1, &run, 0, &[a_line(0)]).await.unwrap();
    coordinator.open(1, &run, "plan".into(), &[a_line(1), a_line(2)]).await.unwrap();
    coordinator.offer(1, &run, 2).await.unwrap();
    coordinator.withdraw(1, &run).await.unwrap();
    coordinator.offer(1, &run, 2).await.unwrap();
    coordinator.workers().await.unwrap();
    coordinator.plan(&run).await.unwrap().unwrap();
    coordinator.journal(&run, 0, Duration::ZERO).await.unwrap().unwrap();
    coordinator.tip(&run).await.unwrap().unwrap();
    for _ in 0..2 {
        coordinator.results(1, 10, Duration::ZERO).await.unwrap();
    }
    coordinator.newest(&run).await.unwrap();
    coordinator.discard(1, &run, &worker, 1, 1).await.unwrap();
    coordinator.confirm(1, &run, &[(worker, 1, "1".into())]).await.unwrap();
}

/// Everything that a worker asks for, of a run that a controller has opened.
async fn works(coordinator: &RedisCoordinator) {
    let (run, worker) = ("run".into(), "w".into());
    coordinator.now_us().await.unwrap();
    coordinator.take(&worker, Duration::ZERO).await.unwrap();
    coordinator.beat(&a_beat("w", 1)).await.unwrap();
    coordinator.plan(&run).await.unwrap();
    coordinator.journal(&run, 0, Duration::ZERO).await.unwrap();
    coordinator.journal(&run, 9, Duration::ZERO).await.unwrap();
    for seq in 1..=2 {
        coordinator.put(&a_snapshot("w", 1, seq)).await.unwrap();
    }
}

async fn uses_everything(coordinator: &RedisCoordinator) {
    works(coordinator).await;
    controls_everything(coordinator).await;
    works(coordinator).await;
    let claim = Leader { controller: "c".into(), term: 1, address: String::new() };
    coordinator.close(1, &"run".into(), &a_line(9)).await.unwrap();
    coordinator.abdicate(&claim).await.unwrap();
}

fn with_user(server: &Server, user: &str, password: &str) -> RedisCoordinator {
    RedisCoordinator::new(&RedisOptions::new(server.url_of(user, password))).unwrap()
}

#[tokio::test]
async fn the_rights_that_are_said_to_be_enough_are_enough() {
    let server = Server::start_with_users().await;
    let controller = with_user(&server, "loadcore-controller", support::CONTROLLER[1]);
    let worker = with_user(&server, "loadcore-worker", IN_URL);
    // Whoever comes first makes what both use.
    works(&worker).await;
    controls_everything(&controller).await;
    works(&worker).await;
    controls_everything(&controller).await;
    uses_everything(&controller).await;
    works(&worker).await;
}

#[tokio::test]
async fn a_worker_may_do_nothing_else() {
    let server = Server::start_with_users().await;
    let url = server.url_of("loadcore-worker", IN_URL);
    let mut raw = redis::Client::open(url).unwrap().get_connection().unwrap();
    let journal = "loadcore:{run}:journal";
    for command in [
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
        "SCAN 0",
        "DBSIZE",
        "RANDOMKEY",
        "CONFIG GET *",
        "CONFIG SET maxmemory 1",
        "SCRIPT FLUSH",
        "SCRIPT KILL",
        "EVAL return 0",
        "FUNCTION LIST",
        "DEBUG SLEEP 0",
        "SHUTDOWN NOSAVE",
        "MONITOR",
        "SAVE",
        "ACL LIST",
        "ACL SETUSER loadcore-worker allkeys",
        "CLIENT LIST",
        "CLIENT PAUSE 1",
        "INFO",
        "SLAVEOF NO ONE",
        "SUBSCRIBE x",
        "PUBLISH x y",
        "SET another x",
        "GET another",
        "GET loadcore:term",
        "SET loadcore:term 9",
        "HGETALL loadcore:leader",
        "HSET loadcore:leader term 9",
        "PEXPIRE loadcore:leader 1",
        "SET loadcore:{run}:plan x",
        "DEL loadcore:{run}:plan",
        "HSET loadcore:{run}:durable 1/w 9",
        "PEXPIRE loadcore:{run}:durable 1",
        &format!("XADD {journal} * entry x"),
        &format!("XDEL {journal} 0-1"),
        &format!("XTRIM {journal} MAXLEN 0"),
        &format!("DEL {journal}"),
        &format!("PEXPIRE {journal} 1"),
        &format!("RENAME {journal} x"),
        "HGETALL loadcore:workers",
        "HDEL loadcore:workers w",
        "DEL loadcore:workers",
        "HDEL loadcore:{run}:newest 1/w",
        "DEL loadcore:{run}:newest",
        "HKEYS loadcore:{run}:newest",
        "XRANGE loadcore:results - +",
        "XDEL loadcore:results 1-1",
        "XREADGROUP GROUP all all STREAMS loadcore:results >",
        "XADD loadcore:tasks * run r",
        "DEL loadcore:tasks",
        "XGROUP DESTROY loadcore:tasks all",
    ] {
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap());
        let refused = asked.arg(words.collect::<Vec<_>>()).exec(&mut raw).unwrap_err();
        assert_eq!(refused.code(), Some("NOPERM"), "{command}: {refused}");
    }
    // Nor does a script that it brings itself.
    let script = "return redis.call('XADD', 'loadcore:{run}:journal', '*', 'entry', 'x')";
    let loaded: String = redis::cmd("SCRIPT").arg(&["LOAD", script]).query(&mut raw).unwrap();
    let refused = redis::cmd("EVALSHA").arg(&[&loaded, "0"]).exec(&mut raw).unwrap_err();
    let text = format!("{refused} {:?}", refused.detail());
    assert!(text.contains("can't access") || text.contains("NOPERM"), "{text}");
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut server.raw()).unwrap();
    assert_eq!(keys, [""; 0]);
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_shown() {
    let server = Server::start().await;
    let mut raw = server.raw();
    let user = ["SETUSER", "loadcore", "on", ">another", "~*", "+@all"];
    redis::cmd("ACL").arg(&user).exec(&mut raw).unwrap();
    let coordinator = with_user(&server, "loadcore", IN_URL);
    let error = coordinator.beat(&a_beat("w", 1)).await.unwrap_err();
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
