//! Tests that nobody reaches what a policy forbids, in some hundred ways: not one connection is opened there.

use loadcore::http::fetch::{Ask, Bounds, Fetcher};
use loadcore::http::{TargetList, TargetPolicy, TlsOptions};
use loadcore::request::Url;
use loadcore::{LoadTest, Request};
use loadcore_target::{Config, Target};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Somebody who counts who comes, on all addresses of the machine at one port.
struct Forbidden {
    port: u16,
    connections: Arc<AtomicU64>,
}

impl Forbidden {
    async fn listen() -> Self {
        // Takes connections of IPv4 as well, where the machine has IPv6.
        let listener = match TcpListener::bind("[::]:0").await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.expect("a port"),
        };
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        // It is there, and counts.
        let there = Self { port, connections };
        TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
        while there.count() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        there.connections.store(0, Ordering::SeqCst);
        there
    }

    fn count(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// This machine by its names, and by its addresses in every form that some parser takes.
    fn urls(&self, scheme: &str) -> Vec<String> {
        let hosts = [
            "127.0.0.1",
            "127.0.0.2",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0X7F.1",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "127.000.000.001",
            "0",
            "0.0.0.0",
            "0x0",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b:1::127.0.0.1]",
            "[2002:7f00:1::]",
            "[2001:0:7f00:1::80ff:fffe]",
            "[fe80::5efe:127.0.0.1]",
            "[::1%25lo]",
            "[::1%lo]",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "\u{2460}\u{2461}\u{2466}.0.0.1",
            "l\u{ff4f}calhost",
            "127.0.0.1%00",
            "a@127.0.0.1",
            "1.1.1.1@127.0.0.1",
            "127.0.0.1#@1.1.1.1",
            "1.1.1.1\\@127.0.0.1",
        ];
        let port = self.port;
        hosts.iter().map(|host| format!("{scheme}://{host}:{port}/")).collect()
    }
}

/// What is left to be tried: the machine's own target at its port, and no other.
fn only(allowed: SocketAddr) -> TargetPolicy {
    TargetPolicy::only(
        format!("127.0.0.1:{}", allowed.port()).parse::<TargetList>().expect("a list"),
    )
}

fn few(url: &str, policy: TargetPolicy) -> LoadTest {
    let test = LoadTest::get(url).rate(100.0).requests(2).timeout(Duration::from_secs(1));
    test.options(|http| {
        http.policy = policy;
        http.judges_names = true;
        http.tls.insecure = true;
    })
}

/// A test that asks a proxy; `None` where its URL is none.
fn by_proxy(url: &str, proxy: &str, policy: &TargetPolicy) -> Option<LoadTest> {
    let proxy = proxy.parse().ok()?;
    Some(few(url, policy.clone()).options(|http| http.proxy = Some(proxy)))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_of_an_address_is_dialled_by_any_way() {
    let (forbidden, target) = (Forbidden::listen().await, Target::start(Config::default()).await);
    let target = target.expect("a target");
    let allowed = only(target.addr());
    let mut asked = 0;
    for url in forbidden.urls("http").into_iter().chain(forbidden.urls("https")) {
        let host = url.split("://").nth(1).unwrap_or_default().trim_end_matches('/').to_owned();
        let way = format!("::{host}");
        let tests = [
            Some(few(&url, allowed.clone())),
            Some(few(&url, TargetPolicy::public_only())),
            // As the proxy, and behind one.
            by_proxy(&target.url("/"), &url, &allowed),
            by_proxy(&url, &target.url("/"), &allowed),
            way.parse().ok().map(|rule| {
                few(&target.url("/"), allowed.clone()).options(|http| http.connect_to.push(rule))
            }),
        ];
        for test in tests.into_iter().flatten() {
            asked += 1;
            // It is refused as a whole, or none of its requests comes back.
            if let Ok(result) = test.run().await {
                assert_eq!(result.outcomes.ok, 0, "{url}: {result:?}");
            }
        }
    }
    assert!(asked >= 300, "{asked}");
    assert_eq!(forbidden.count(), 0, "none of {asked} came through");
}

/// As webhooks and observed endpoints are.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_beside_the_load_goes_there() {
    let forbidden = Forbidden::listen().await;
    let bounds = Bounds { deadline: Duration::from_secs(5), most_bytes: 100 };
    let fetcher = Fetcher::new(TargetPolicy::public_only(), TlsOptions::default());
    let mut asked = 0;
    for url in forbidden.urls("http") {
        let Ok(url) = Url::parse(&url) else { continue };
        asked += 1;
        let refused = fetcher.fetch(&Ask::get(url.clone()), &bounds).await;
        assert!(refused.is_err(), "{}", url.uri());
    }
    assert!(asked >= 15, "{asked} are URLs");
    assert_eq!(forbidden.count(), 0, "none of {asked} came through");
}

/// Answers each path `/STATUS/NUMBER` with a redirect to that URL.
async fn redirecting(urls: Vec<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let urls = urls.clone();
            tokio::spawn(async move {
                let mut asked = vec![0; 4_096];
                loop {
                    let count = stream.read(&mut asked).await.unwrap_or(0);
                    let text = String::from_utf8_lossy(&asked[..count]).into_owned();
                    let mut path = text.split(' ').nth(1).unwrap_or_default().split('/').skip(1);
                    let (Some(status), Some(number)) = (path.next(), path.next()) else { return };
                    let to = number.parse().ok().and_then(|it: usize| urls.get(it));
                    let to = to.map_or("/", String::as_str);
                    let head = format!(
                        "HTTP/1.1 {status} M\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
                    );
                    if stream.write_all(head.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_leads_there() {
    let forbidden = Forbidden::listen().await;
    let mut urls = forbidden.urls("http");
    urls.extend(forbidden.urls("https"));
    urls.push(format!("//127.0.0.1:{}/", forbidden.port));
    urls.push(format!("//localhost:{}/", forbidden.port));
    urls.push("http://169.254.169.254/latest/meta-data/".into());
    let address = redirecting(urls.clone()).await;
    let mut ended = 0;
    for status in [301, 302, 303, 307, 308] {
        // A mix has a hundred requests at most.
        let all = (0..urls.len()).map(|number| {
            Request::get(&format!("{number}"), &format!("http://{address}/{status}/{number}"))
        });
        let count = urls.len() as u64 * 2;
        let mut test = LoadTest::get(&format!("http://{address}/"))
            .rate(400.0)
            .requests(count)
            .timeout(Duration::from_secs(2))
            .options(|http| {
                http.policy = only(address);
                http.judges_names = true;
                http.max_redirects = 3;
                http.tls.insecure = true;
            });
        test = test.mix(all);
        let result = test.run().await.expect("it runs");
        assert_eq!(result.outcomes.ok, 0, "{status}: {result:?}");
        ended += result.outcomes.failed;
    }
    assert!(ended >= 600, "{ended}");
    assert_eq!(forbidden.count(), 0, "none of {ended} redirects came through");
}
