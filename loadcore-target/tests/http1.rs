//! Tests every path over HTTP/1, byte by byte where it matters, and the counts that go with it.

mod common;

use common::{Client, eventually, header, start};
use loadcore_target::Config;

#[tokio::test]
async fn plain_answers_are_counted_exactly() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    for _ in 0..100 {
        let reply = client.get("/");
        assert_eq!((reply.status, reply.text()), (200, "ok\n"));
    }
    let stats = target.stats();
    assert_eq!((stats.requests, stats.answered, stats.in_flight), (100, 100, 0));
    assert_eq!(stats.requests_by_path["/"], 100);
    assert_eq!(stats.answers_by_status[&200], 100);
    assert_eq!(stats.arrivals.iter().sum::<u64>(), 100);
    assert_eq!((stats.connections.accepted, stats.connections.open), (1, 1));
    assert_eq!(stats.bytes_received, 100 * "GET / HTTP/1.1\r\nHost: a\r\n\r\n".len() as u64);
    drop(client);
    eventually("the connection has ended", || target.stats().connections.open == 0);
    assert_eq!(target.stop().requests, 100);
}

#[tokio::test]
async fn bytes_sent_are_the_bytes_that_come() {
    let target = start(Config::default()).await;
    let mut received = 0;
    for path in ["/", "/status/404", "/chunked/1000?chunk=7", "/bytes/100000", "/interim/2"] {
        let mut client = Client::new(&target);
        client.send(format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n"));
        received += client.rest().len() as u64;
    }
    assert_eq!(target.stats().bytes_sent, received);
}

#[tokio::test]
async fn statistics_are_not_counted_themselves() {
    let target = start(Config::default()).await;
    assert_eq!(Client::new(&target).get("/").status, 200);
    let mut control = Client::new(&target);
    for _ in 0..3 {
        let reply = control.get("/stats");
        assert_eq!(header(&reply.head, "content-type"), Some("application/json"));
        let stats: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(stats["requests"], 1);
        assert_eq!(stats["connections"]["accepted"], 1);
        assert_eq!(stats["requestsByPath"]["/"], 1);
    }
    assert_eq!(control.get("/reset").status, 405, "state never changes on GET");
    assert_eq!(target.stats().requests, 1);
    control.send("POST /reset HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(control.reply().status, 200);
    assert_eq!(target.stats().requests, 0);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    let paths = ["/status/201", "/", "/bytes/10", "/delay/20ms", "/", "/chunked/5", "/status/404"];
    let requests: String = paths.map(|path| format!("GET {path} HTTP/1.1\r\n\r\n")).concat();
    client.send(requests);
    let statuses = paths.map(|_| client.reply().status);
    assert_eq!(statuses, [201, 200, 200, 200, 200, 200, 404]);
    assert_eq!(target.stats().answered, 7);
}

#[tokio::test]
async fn a_great_many_pipelined_requests_are_all_answered() {
    const COUNT: usize = 20_000;
    for path in ["/", "/delay/1ms"] {
        let target = start(Config::default()).await;
        let mut client = Client::new(&target);
        let mut writer = client.stream.try_clone().unwrap();
        let sender = std::thread::spawn(move || {
            let request = format!("GET {path} HTTP/1.1\r\n\r\n");
            std::io::Write::write_all(&mut writer, request.repeat(COUNT).as_bytes()).unwrap();
        });
        for _ in 0..COUNT {
            assert_eq!(client.reply().status, 200);
        }
        sender.join().unwrap();
        let stats = target.stats();
        assert_eq!((stats.requests, stats.answered), (COUNT as u64, COUNT as u64));
    }
}

#[tokio::test]
async fn requests_may_come_in_pieces_of_any_size() {
    let target = start(Config::default()).await;
    let text = b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello\
                 POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
                 GET /status/204 HTTP/1.1\r\n\r\n";
    let mut client = Client::new(&target);
    for size in [1, 2, 3, 7, 50] {
        for piece in text.chunks(size) {
            client.send(piece);
            // So short a pause only makes it likely that the pieces are read apart.
            std::thread::yield_now();
        }
        assert_eq!(client.reply().text(), "hello");
        assert_eq!(client.reply().text(), "abc");
        assert_eq!(client.reply().status, 204);
    }
    assert_eq!(target.stats().requests, 15);
    assert_eq!(target.stats().bytes_received, 5 * text.len() as u64);
}

#[tokio::test]
async fn a_request_counts_once_its_body_is_whole() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    client.send("POST / HTTP/1.1\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.reply().status, 100);
    assert_eq!(target.stats().requests, 0);
    client.send("0123456789");
    assert_eq!(client.reply().status, 200);
    assert_eq!(target.stats().requests, 1);
    client.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n01234");
    drop(client);
    eventually("the connection has ended", || target.stats().connections.open == 0);
    assert_eq!((target.stats().requests, target.stats().malformed), (1, 0));
}

#[tokio::test]
async fn statuses_sizes_and_chunks() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    for status in [200, 204, 304, 404, 500, 599] {
        assert_eq!(client.get(&format!("/status/{status}")).status, status);
    }
    for bytes in [0, 1, 1000, 65_536, 65_537, 1_000_000] {
        let reply = client.get(&format!("/bytes/{bytes}"));
        assert_eq!(header(&reply.head, "content-length"), Some(bytes.to_string().as_str()));
        assert_eq!(reply.body.len(), bytes);
        assert_eq!(client.get(&format!("/chunked/{bytes}?chunk=1000")).body.len(), bytes);
    }
    assert_eq!(client.get("/status/503?bytes=100").body.len(), 100);
    assert_eq!(target.stats().requests, 19);
    assert_eq!(target.stats().connections.accepted, 1);
}

#[tokio::test]
async fn an_echo_gives_back_what_it_got() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    let body: Vec<u8> = (0..300_000u32).map(|i| i as u8).collect();
    client.send(format!("POST /echo HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()));
    client.send(&body);
    assert!(client.reply().body == body);
    // A body that is not echoed may be of any size, and is not kept.
    client.send("PUT / HTTP/1.1\r\nContent-Length: 50000000\r\n\r\n");
    for _ in 0..50 {
        client.send(vec![b'x'; 1_000_000]);
    }
    assert_eq!(client.reply().text(), "ok\n");
    client.send("POST /echo HTTP/1.1\r\nContent-Length: 17000000\r\n\r\n");
    client.send(vec![b'x'; 17_000_000]);
    assert_eq!(client.reply().status, 413);
}

#[tokio::test]
async fn head_has_the_head_of_get_and_no_body() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    for path in ["/", "/bytes/100000", "/status/404", "/chunked/10", "/slow?over=1s", "/echo"] {
        client.send(format!("HEAD {path} HTTP/1.1\r\n\r\n"));
        let head = client.reply_to("HEAD").head;
        assert_eq!(client.get("/status/204").status, 204, "{path} left a body behind");
        if path != "/slow?over=1s" {
            assert_eq!(client.get(path).head, head, "{path}");
        }
    }
}

#[tokio::test]
async fn interim_answers_come_before_the_final_one() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    client.send("GET /interim/2?status=102 HTTP/1.1\r\n\r\n");
    assert_eq!([0; 3].map(|_| client.reply().status), [102, 102, 200]);
    assert_eq!(target.stats().answered, 1);
}

#[tokio::test]
async fn redirects_lead_to_the_end() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    let mut path = "/redirect/3?status=307".to_owned();
    for _ in 0..3 {
        let reply = client.get(&path);
        assert_eq!(reply.status, 307);
        path = header(&reply.head, "location").unwrap().to_owned();
    }
    assert_eq!((path.as_str(), client.get(&path).status), ("/", 200));
    let reply = client.get("/redirect-to?url=http%3A%2F%2Fa%2Fb&status=301");
    assert_eq!((reply.status, header(&reply.head, "location")), (301, Some("http://a/b")));
}

#[tokio::test]
async fn the_end_of_a_connection_is_announced_and_kept() {
    let target = start(Config { close_after: Some(3), ..Config::default() }).await;
    let mut client = Client::new(&target);
    client.send("GET / HTTP/1.1\r\n\r\n".repeat(5));
    for last in [false, false, true] {
        let close = header(&client.reply().head, "connection") == Some("close");
        assert_eq!(close, last);
    }
    assert_eq!(client.rest(), b"");
    assert_eq!(target.stats().requests, 3, "what comes after the last one is not served");

    for request in [
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /close HTTP/1.1\r\n\r\n",
        "GET /?close HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let mut client = Client::new(&target);
        client.send(request);
        let reply = client.reply();
        assert_eq!(header(&reply.head, "connection"), Some("close"), "{request}");
        assert_eq!((reply.text(), client.rest().len()), ("ok\n", 0));
    }
}

#[tokio::test]
async fn the_end_of_a_connection_can_be_the_end_of_the_body() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    let reply = client.get("/until-close/100000");
    assert_eq!(header(&reply.head, "content-length"), None);
    assert_eq!(reply.body.len(), 100_000);
    // HTTP/1.0 knows no chunks, and keeps a connection only where it is asked to.
    let mut client = Client::new(&target);
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(header(&client.reply().head, "connection"), Some("keep-alive"));
    client.send("GET /chunked/1000 HTTP/1.0\r\n\r\n");
    let reply = client.reply();
    assert_eq!(header(&reply.head, "transfer-encoding"), None);
    assert_eq!(reply.body.len(), 1000);
    assert_eq!(target.stats().answered, 3);
}

#[tokio::test]
async fn a_client_that_has_said_all_still_gets_its_answers() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    client.send("GET /delay/30ms HTTP/1.1\r\n\r\nGET /status/404 HTTP/1.1\r\n\r\n");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!([client.reply().status, client.reply().status], [200, 404]);
    assert_eq!(client.rest(), b"");
}

#[tokio::test]
async fn who_leaves_before_the_answer_is_counted_as_abandoned() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    client.send("GET /delay/50ms HTTP/1.1\r\n\r\n".repeat(3));
    eventually("all have come", || target.stats().in_flight == 3);
    // A reset: the target hears of it at once.
    socket2::SockRef::from(&client.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(client);
    eventually("the connection has ended", || target.stats().connections.open == 0);
    let stats = target.stats();
    assert_eq!((stats.requests, stats.abandoned, stats.in_flight), (3, 3, 0));
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let target = start(Config::default()).await;
    for (text, status) in [
        ("hello\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("GET / HTTP/9.9\r\n\r\n", 505),
    ] {
        let mut client = Client::new(&target);
        client.send(text);
        let reply = client.reply();
        assert_eq!((reply.status, header(&reply.head, "connection")), (status, Some("close")));
        assert_eq!(client.rest(), b"");
    }
    let mut client = Client::new(&target);
    client.send(format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(70_000)));
    assert_eq!(client.reply().status, 431);
    // A long head within the limit is fine, also behind another request.
    let mut client = Client::new(&target);
    let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(60_000));
    client.send(long.repeat(3));
    assert_eq!([0; 3].map(|_| client.reply().status), [200; 3]);
    assert_eq!((target.stats().malformed, target.stats().requests), (6, 3));
}

#[tokio::test]
async fn answers_can_be_made_larger() {
    let config = Config { body: Some(10_000), header: 500, ..Config::default() };
    let target = start(config).await;
    let mut client = Client::new(&target);
    for path in ["/", "/status/404", "/chunked/5"] {
        let reply = client.get(path);
        assert_eq!(header(&reply.head, "x-filler").map(str::len), Some(500), "{path}");
    }
    assert_eq!(client.get("/").body.len(), 10_000);
    assert_eq!(client.get("/?header=1000").head.len(), client.get("/").head.len() + 500);
    assert_eq!(header(&client.get("/stats").head, "x-filler"), None);
}

#[tokio::test]
async fn help_and_mistakes_are_answered_in_words() {
    let target = start(Config::default()).await;
    let mut client = Client::new(&target);
    assert!(client.get("/help").text().contains("/fault/reset-head"));
    let reply = client.get("/fault/unknown");
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("reset-body"), "{}", reply.text());
}

#[tokio::test]
async fn threads_share_the_connections_and_the_counts() {
    let target = start(Config { threads: 3, ..Config::default() }).await;
    let mut clients: Vec<_> = (0..7).map(|_| Client::new(&target)).collect();
    for client in &mut clients {
        for _ in 0..10 {
            assert_eq!(client.get("/").status, 200);
        }
    }
    let stats = target.stats();
    assert_eq!((stats.requests, stats.answered), (70, 70));
    assert_eq!((stats.connections.accepted, stats.connections.peak), (7, 7));
}

#[tokio::test]
async fn counts_are_exact_while_many_clients_come_and_go() {
    const CLIENTS: u64 = 8;
    const CONNECTIONS: u64 = 20;
    const REQUESTS: u64 = 25;
    let target = start(Config { threads: 3, ..Config::default() }).await;
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for _ in 0..CONNECTIONS {
                    let mut client = Client::new(&target);
                    for _ in 0..REQUESTS {
                        assert_eq!(client.get("/").status, 200);
                    }
                }
            });
        }
        for _ in 0..50 {
            let stats = target.stats();
            let ended = stats.answered + stats.broken + stats.abandoned + stats.in_flight;
            assert_eq!(stats.requests, ended);
            assert_eq!(stats.arrivals.iter().sum::<u64>(), stats.requests);
        }
    });
    let stats = target.stats();
    assert_eq!(stats.answered, CLIENTS * CONNECTIONS * REQUESTS);
    assert_eq!(stats.connections.accepted, CLIENTS * CONNECTIONS);
}

#[tokio::test]
async fn arrival_times_are_recorded_where_wanted() {
    let target = start(Config { record_arrivals: 5, ..Config::default() }).await;
    let mut client = Client::new(&target);
    for _ in 0..8 {
        client.get("/");
    }
    let times = target.arrival_times();
    assert_eq!(times.len(), 5);
    assert!(times.is_sorted());
    assert!(u128::from(times[4]) < target.started_at().elapsed().as_nanos());
    let first = target.stats().first_request_seconds.unwrap();
    assert!((first - times[0] as f64 / 1e9).abs() < 1e-9);
}
