//! Tests targets that misbehave, and targets that are not there at all: each has its own error
//! class, the run ends in time, and nothing is lost.

use loadcore::http::{HttpVersion, TargetPolicy};
use loadcore::time::{Clock, SECOND};
use loadcore::{LoadTest, RunError, RunResult};
use loadcore_target::{Certificate, Config, ConnectionLimit, HttpVersions, Target, Tls};
use std::time::Duration;

const REQUESTS: u64 = 12;

/// A few requests on a few connections, with a short timeout.
fn few(url: &str) -> LoadTest {
    LoadTest::get(url)
        .requests(REQUESTS)
        .connections(3)
        .threads(1)
        .timeout(Duration::from_millis(300))
}

/// Runs to the end, which must come, and holds what always holds.
async fn run(test: LoadTest) -> RunResult {
    let clock = Clock::start();
    let result = test.run().await.expect("a run");
    assert!(clock.now() < 60 * SECOND, "it took {} ns", clock.now());
    let (a, o) = (&result.arrivals, &result.outcomes);
    assert_eq!(a.due, a.sent + a.dropped + a.backlog + a.unknown, "{a:?}");
    assert_eq!(a.sent, o.ok + o.failed + o.unfinished, "{a:?} {o:?}");
    assert_eq!((a.sent, o.unfinished), (REQUESTS, 0), "nothing is lost: {a:?} {o:?}");
    result
}

/// All requests of `test` fail with `class`, and the example says `text`.
async fn fails(test: LoadTest, class: &str, text: &str) {
    let result = run(test).await;
    assert_eq!(result.errors.get(class), Some(&REQUESTS), "{class}: {:?}", result.error_examples);
    let example = &result.error_examples[class];
    assert!(example.contains(text), "{class}: {example}");
}

async fn target(config: Config) -> Target {
    Target::start(config).await.expect("the target starts")
}

#[tokio::test]
async fn replies_that_break_have_their_class_over_http1() {
    let target = target(Config::default()).await;
    for (path, class, text) in [
        ("/fault/reset-head", "reset", "reset"),
        ("/fault/reset-body", "reset", "reset"),
        ("/fault/garbage", "protocol", "not an HTTP/1.x reply"),
        ("/fault/length-long", "body", "50 bytes before the end"),
        ("/fault/length-short", "body", "after the end of the reply"),
        ("/fault/bad-chunk", "body", "chunk"),
        ("/fault/close", "read", "without a reply"),
        ("/fault/hang", "response_timeout", "0.3 s"),
        ("/fault/partial-head", "response_timeout", "0.3 s"),
        ("/fault/partial-body", "response_timeout", "0.3 s"),
        ("/fault/endless", "response_timeout", "0.3 s"),
        ("/fault/big-header?bytes=1048576", "protocol", "262144"),
    ] {
        fails(few(&target.url(path)), class, text).await;
    }
}

/// What was written and read is counted of requests that time out as well.
#[tokio::test]
async fn a_timeout_forgets_no_bytes() {
    let target = target(Config::default()).await;
    for (path, some_came) in [("/fault/hang", false), ("/fault/partial-body", true)] {
        let before = target.stats().bytes_received;
        let result = run(few(&target.url(path))).await;
        assert_eq!(result.errors["response_timeout"], REQUESTS);
        assert_eq!(result.bytes_sent, target.stats().bytes_received - before, "{path}");
        assert_eq!(result.bytes_received > 0, some_came, "{path}: {}", result.bytes_received);
    }
}

#[tokio::test]
async fn replies_that_break_have_their_class_over_http2() {
    let target = target(Config::default()).await;
    for (path, classes) in [
        ("/fault/reset-head", &["reset"][..]),
        ("/fault/reset-body", &["reset"]),
        // The connection breaks off under all of its streams: some hear of it as a reset.
        ("/fault/garbage", &["read", "reset", "protocol"]),
        ("/fault/hang", &["response_timeout"]),
        ("/fault/partial-body", &["response_timeout"]),
        ("/fault/endless", &["response_timeout"]),
        ("/fault/big-header?bytes=1048576", &["protocol", "reset"]),
    ] {
        let test = few(&target.url(path)).options(|options| {
            options.version = HttpVersion::Http2;
            options.streams = Some(2);
        });
        let result = run(test).await;
        let failed: u64 = classes.iter().filter_map(|class| result.errors.get(*class)).sum();
        assert_eq!(failed, REQUESTS, "{path}: {:?} {:?}", result.errors, result.error_examples);
    }
}

#[tokio::test]
async fn good_replies_of_every_framing_are_ok_over_both() {
    let target = target(Config::default()).await;
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        for path in [
            "/",
            "/bytes/0",
            "/bytes/1000000",
            "/chunked/100000?chunk=7",
            "/until-close/1000",
            "/interim/3",
            "/status/204",
            "/status/304",
            "/close",
            "/slow?bytes=100&over=20ms",
        ] {
            for method in [http_get(), http_head()] {
                let url = target.url(path);
                let test = LoadTest::request(method.clone(), &url).requests(REQUESTS);
                let test = test.connections(2).threads(1).options(|o| o.version = version);
                let result = run(test).await;
                assert_eq!(
                    result.outcomes.ok, REQUESTS,
                    "{method} {path} {version:?}: {:?}",
                    result.error_examples
                );
            }
        }
        let body = vec![b'x'; 300_000];
        let test = LoadTest::post(&target.url("/echo")).body(body).requests(REQUESTS);
        let result = run(test.connections(2).options(|o| o.version = version)).await;
        assert_eq!(result.outcomes.ok, REQUESTS, "{:?}", result.error_examples);
        assert!(
            result.bytes_sent >= REQUESTS * 300_000 && result.bytes_received >= REQUESTS * 300_000
        );
    }
}

fn http_get() -> http::Method {
    http::Method::GET
}

fn http_head() -> http::Method {
    http::Method::HEAD
}

#[tokio::test]
async fn statuses_are_classed_and_counted() {
    let target = target(Config::default()).await;
    fails(few(&target.url("/status/404")), "http_4xx", "404").await;
    fails(few(&target.url("/status/503")), "http_5xx", "503").await;
}

#[tokio::test]
async fn what_is_not_there_has_its_class() {
    fails(few("http://127.0.0.1:1/"), "connect_refused", "127.0.0.1:1").await;
    fails(few("http://[::1]:1/"), "connect_refused", "[::1]:1").await;
    fails(few("http://nobody.invalid/"), "dns", "nobody.invalid").await;
    let nowhere = few("http://nobody.invalid/").options(|options| {
        options.unix_socket = Some("/nowhere/at/all.sock".into());
    });
    fails(nowhere, "connect_refused", "No such file").await;
}

#[tokio::test]
async fn a_connection_that_is_never_accepted_times_out() {
    // A listener whose queue is full: its kernel answers nobody any more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let socket = rustix_listen(&listener);
    let address = listener.local_addr().expect("an address");
    let mut held = Vec::new();
    for _ in 0..8 {
        let connect = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(Duration::from_millis(100), connect).await {
            Ok(Ok(stream)) => held.push(stream),
            _ => break,
        }
    }
    socket.expect("the queue is made short");
    fails(few(&format!("http://{address}/")), "connect_timeout", "0.3 s").await;
}

/// Makes the queue of connections that nobody has accepted as short as it can be.
fn rustix_listen(listener: &std::net::TcpListener) -> std::io::Result<()> {
    rustix::net::listen(listener, 0).map_err(Into::into)
}

#[tokio::test]
async fn certificates_are_checked_unless_told_otherwise() {
    for certificate in [Certificate::Expired, Certificate::WrongName, Certificate::Valid] {
        let config = Config { tls: Tls::On, certificate, ..Config::default() };
        let target = target(config).await;
        let url = target.url("/");
        // Nobody knows the authority.
        fails(few(&url), "tls", "certificate").await;
        let ca_pem = target.ca_pem().expect("an authority").as_bytes().to_vec();
        let trusting = few(&url).options(|options| options.tls.ca_pem = Some(ca_pem));
        if certificate == Certificate::Valid {
            assert_eq!(run(trusting).await.outcomes.ok, REQUESTS);
        } else {
            fails(trusting, "tls", "certificate").await;
        }
        let insecure = few(&url).options(|options| options.tls.insecure = true);
        let result = run(insecure).await;
        assert_eq!(result.outcomes.ok, REQUESTS);
        assert!(result.tls.p50_ms.is_some() && result.connect.p50_ms.is_some());
    }
}

#[tokio::test]
async fn tls_against_a_server_without_it_and_the_other_way_round() {
    let plain = target(Config::default()).await;
    let url = plain.url("/").replace("http:", "https:");
    fails(few(&url), "tls", "").await;
    let secure =
        target(Config { tls: Tls::On, http: HttpVersions::Http1, ..Config::default() }).await;
    let url = secure.url("/").replace("https:", "http:");
    let result = run(few(&url)).await;
    assert_eq!(result.outcomes.ok, 0, "{:?}", result.errors);
    // Who wants HTTP/2 alone is told that it is not to be had.
    let http2 = few(&secure.url("/")).options(|options| {
        options.version = HttpVersion::Http2;
        options.tls.insecure = true;
    });
    fails(http2, "tls", "").await;
}

#[tokio::test]
async fn http2_is_negotiated_where_it_is_offered() {
    let target = target(Config { tls: Tls::On, ..Config::default() }).await;
    let url = target.url("/");
    for (version, connections) in [(HttpVersion::Auto, 1), (HttpVersion::Http1, 4)] {
        target.reset();
        let test = LoadTest::get(&url).rate(200.0).requests(REQUESTS).threads(1).connections(4);
        let test = test.duration(Duration::from_secs(5)).options(|options| {
            options.version = version;
            options.tls.insecure = true;
        });
        let result = run(test).await;
        assert_eq!(result.outcomes.ok, REQUESTS, "{:?}", result.error_examples);
        assert!(result.connects <= connections, "{version:?}: {} connections", result.connects);
    }
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_allowed() {
    let target = target(Config::default()).await;
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        let follow = |path: &str, limit| {
            few(&target.url(path)).options(|options| {
                options.max_redirects = limit;
                options.version = version;
            })
        };
        assert_eq!(run(follow("/redirect/3", 3)).await.status_code_distribution[&200], REQUESTS);
        fails(follow("/redirect/3", 2), "redirect_limit", "2 redirects").await;
        let not_followed = run(follow("/redirect/3", 0)).await;
        assert_eq!(not_followed.status_code_distribution[&302], REQUESTS);
        assert_eq!(not_followed.outcomes.ok, REQUESTS, "a redirect is an answer");
        let blocked = "/redirect-to?url=http://169.254.169.254/latest/meta-data/";
        fails(follow(blocked, 3), "blocked_by_policy", "169.254.169.254").await;
        fails(follow("/redirect-to?url=/status/500", 3), "http_5xx", "500").await;
    }
}

#[tokio::test]
async fn without_keep_alive_each_request_has_its_connection() {
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        let target = target(Config::default()).await;
        let test = few(&target.url("/")).options(|options| {
            options.keep_alive = false;
            options.version = version;
        });
        let result = run(test).await;
        assert_eq!((result.outcomes.ok, result.connects), (REQUESTS, REQUESTS), "{version:?}");
        assert_eq!(target.stats().connections.accepted, REQUESTS);
    }
}

#[tokio::test]
async fn connections_that_the_server_closes_in_between_are_opened_again() {
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        let target = target(Config { close_after: Some(5), ..Config::default() }).await;
        let test = LoadTest::get(&target.url("/")).requests(REQUESTS).connections(2).threads(1);
        let result = run(test.options(|options| {
            options.version = version;
            options.streams = Some(1);
        }))
        .await;
        assert_eq!(result.outcomes.ok, REQUESTS, "{version:?}: {:?}", result.error_examples);
        assert!(result.connects >= 3, "{version:?}: {} connections", result.connects);
    }
}

#[tokio::test]
async fn a_host_field_is_heeded_and_framing_is_ours() {
    let target = target(Config::default()).await;
    let with_host = |version| {
        few(&target.url("/")).header("host", "other.example").options(move |o| o.version = version)
    };
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        assert_eq!(run(with_host(version)).await.outcomes.ok, REQUESTS, "{version:?}");
    }
    let framed = few(&target.url("/")).header("content-length", "3").run().await;
    assert!(framed.expect_err("refused").to_string().contains("content-length"));
    let secret = few("http://user:password@127.0.0.1:1/").run().await.expect_err("refused");
    assert!(secret.to_string().contains("Authorization"), "{secret}");
}

#[tokio::test]
async fn a_server_that_takes_few_connections_refuses_the_others() {
    let connections = Some(ConnectionLimit { most: 1, wait: false });
    let target = target(Config { connections, ..Config::default() }).await;
    let result = run(few(&target.url("/")).requests(REQUESTS)).await;
    assert!(result.outcomes.ok > 0 && result.outcomes.failed > 0, "{:?}", result.errors);
}

#[tokio::test]
async fn unix_sockets_ipv6_and_every_address_of_a_name_are_reached() {
    let path = std::env::temp_dir().join(format!("loadcore-test-{}.sock", std::process::id()));
    let listen = loadcore_target::Listen::Unix(path.clone());
    let unix = target(Config { listen, ..Config::default() }).await;
    let socket = path.clone();
    let test = few("http://any.invalid/").options(|options| options.unix_socket = Some(socket));
    assert_eq!(run(test).await.outcomes.ok, REQUESTS);
    assert_eq!(unix.stats().requests, REQUESTS);

    let listen = "[::1]:0".parse().expect("an address");
    let six = target(Config { listen, ..Config::default() }).await;
    assert_eq!(run(few(&six.url("/"))).await.outcomes.ok, REQUESTS);
}

#[tokio::test]
async fn the_policy_is_asked_before_the_run_and_at_each_dial() {
    let public_only =
        |url: &str| few(url).options(|options| options.policy = TargetPolicy::public_only());
    for url in ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://10.0.0.1/"]
    {
        let refused = public_only(url).run().await.expect_err("refused");
        assert!(matches!(refused, RunError::Refused(_)), "{url}: {refused}");
    }
    for url in ["http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://[::ffff:a9fe:a9fe]/"]
    {
        let refused = few(url).run().await.expect_err("refused");
        assert!(matches!(refused, RunError::Refused(_)), "{url}: {refused}");
    }
}
