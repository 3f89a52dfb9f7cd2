//! Plays servers that do what they should not, and fetches from them.

use super::*;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::{TcpListener, TcpStream};

/// Serves each connection by `serve`, once its request has come.
async fn listen<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream, String) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = vec![0; 4096];
            let count = stream.read(&mut asked).await.unwrap();
            asked.truncate(count);
            tokio::spawn(serve(stream, String::from_utf8(asked).unwrap()));
        }
    });
    address
}

async fn answering(answer: &'static str) -> SocketAddr {
    listen(async |mut stream, _| stream.write_all(answer.as_bytes()).await.unwrap()).await
}

async fn fetch(address: SocketAddr, policy: TargetPolicy) -> Result<Reply, FetchError> {
    let ask = Ask::get(Url::parse(&format!("http://{address}/a?b")).unwrap());
    let bounds = Bounds { deadline: Duration::from_millis(500), most_bytes: 1000 };
    Fetcher::new(policy, TlsOptions::default()).fetch(&ask, &bounds).await
}

async fn fault(address: SocketAddr) -> String {
    fetch(address, TargetPolicy::default()).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_request_goes_out_whole_and_its_reply_comes_back() {
    let address = listen(async |mut stream, asked| {
        let answer =
            format!("HTTP/1.1 202 Ok\r\nX-A: b\r\nContent-Length: {}\r\n\r\n", asked.len());
        stream.write_all((answer + &asked).as_bytes()).await.unwrap();
    });
    let ask = Ask {
        url: Url::parse(&format!("http://{}/hook?x=1", address.await)).unwrap(),
        method: Method::POST,
        headers: vec![("webhook-id".parse().unwrap(), HeaderValue::from_static("7"))],
        body: Bytes::from_static(b"{}"),
    };
    let bounds = Bounds { deadline: Duration::from_secs(5), most_bytes: 4096 };
    let fetcher = Fetcher::new(TargetPolicy::default(), TlsOptions::default());
    let reply = fetcher.fetch(&ask, &bounds).await.unwrap();
    assert_eq!((reply.status, &reply.headers["x-a"]), (202, &HeaderValue::from_static("b")));
    let asked = String::from_utf8(reply.body.to_vec()).unwrap();
    assert!(asked.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nwebhook-id: 7\r\n"), "{asked}");
    assert!(asked.ends_with("\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"), "{asked}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n";
    let reply = fetch(answering(moved).await, TargetPolicy::default()).await.unwrap();
    assert_eq!(
        (reply.status, &reply.headers["location"]),
        (302, &"http://10.0.0.1/".parse().unwrap())
    );
}

#[tokio::test]
async fn an_endless_body_is_left_where_it_is_too_long() {
    for head in ["Content-Length: 100000000", "X-Until: close"] {
        let (told, sent) = tokio::sync::oneshot::channel();
        let told = std::sync::Mutex::new(Some(told));
        let address = listen(move |mut stream, _| {
            let told = told.lock().unwrap().take();
            async move {
                let head = format!("HTTP/1.1 200 Ok\r\n{head}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let mut sent = 0;
                while sent < 100_000_000 && stream.write_all(&[b'x'; 10_000]).await.is_ok() {
                    sent += 10_000;
                }
                told.unwrap().send(sent).unwrap();
            }
        });
        let fault = fault(address.await).await;
        assert_eq!(fault, "the reply's body is longer than 1000 bytes");
        let sent = sent.await.unwrap();
        assert!(sent < 50_000_000, "{sent} bytes were taken");
    }
}

#[tokio::test]
async fn who_never_answers_is_not_awaited_beyond_the_deadline() {
    let hanging = listen(async |stream, _| {
        std::future::pending::<()>().await;
        drop(stream);
    });
    assert_eq!(fault(hanging.await).await, "no whole reply within 0.5 s");
    let dripping = listen(async |mut stream, _| {
        stream.write_all(b"HTTP/1.1 200 Ok\r\nContent-Length: 5\r\n\r\n1").await.unwrap();
        std::future::pending::<()>().await;
    });
    assert_eq!(fault(dripping.await).await, "no whole reply within 0.5 s");
}

#[tokio::test]
async fn what_is_no_http_is_called_so() {
    let fault_of = async |answer| fault(answering(answer).await).await;
    let ssh = fault_of("SSH-2.0-OpenSSH_9.6\r\n").await;
    assert!(ssh.starts_with("protocol: not an HTTP/1.x reply"), "{ssh}");
    let nothing = fault_of("").await;
    assert_eq!(nothing, "read: the connection was closed without a reply");
    let cut = fault_of("HTTP/1.1 200 Ok\r\nContent-Length: 9\r\n\r\n123").await;
    assert!(cut.starts_with("body: the connection was closed 6 bytes before"), "{cut}");
}

#[tokio::test]
async fn what_the_policy_refuses_is_not_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let refused = fetch(address, TargetPolicy::public_only()).await.unwrap_err().to_string();
    assert!(refused.starts_with("blocked_by_policy: "), "{refused}");
    assert!(refused.contains("127.0.0.1") && refused.contains("public"), "{refused}");
    let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(accepted.is_err(), "it was dialled");
}

/// Of webhooks and endpoints the name is judged when a scenario is kept, and may mean something else when
/// they are asked.
#[tokio::test]
async fn a_name_that_changed_since_it_was_judged_is_not_dialled() {
    fn names() -> Resolver {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let first = ASKED.fetch_add(1, Ordering::SeqCst) == 0;
        Resolver::changing(if first { &[&["1.1.1.1"]] } else { &[&["127.0.0.1", "::1"]] })
    }
    let listener = TcpListener::bind("[::]:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let fetcher = Fetcher::new(TargetPolicy::public_only(), TlsOptions::default());
    let fetcher = Fetcher { resolver: names, ..fetcher };
    let url = Url::parse(&format!("http://hook.test:{port}/")).unwrap();
    fetcher.check(&url).await.expect("it was public then");
    let bounds = Bounds { deadline: Duration::from_secs(5), most_bytes: 10 };
    let refused = fetcher.fetch(&Ask::get(url), &bounds).await.unwrap_err().to_string();
    assert!(refused.starts_with("blocked_by_policy: "), "{refused}");
    let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(accepted.is_err(), "it was dialled");
}

#[tokio::test]
async fn who_answers_for_it_is_told() {
    let address = listen(async |mut stream, asked| {
        let head = format!("HTTP/1.1 200 Ok\r\nContent-Length: {}\r\n\r\n", asked.len());
        stream.write_all((head + &asked).as_bytes()).await.unwrap();
    });
    let fetcher = Fetcher::new(TargetPolicy::default(), TlsOptions::default())
        .answered_for_by(Some(HeaderValue::from_static("mailto:ops@example.com")));
    let ask = Ask::get(Url::parse(&format!("http://{}/", address.await)).unwrap());
    let bounds = Bounds { deadline: Duration::from_secs(5), most_bytes: 4096 };
    let asked = fetcher.fetch(&ask, &bounds).await.unwrap().body;
    let asked = String::from_utf8(asked.to_vec()).unwrap();
    assert!(asked.contains("\r\nFrom: mailto:ops@example.com\r\n"), "{asked}");
}

#[tokio::test]
async fn nobody_there_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let fault = fault(address).await;
    assert!(fault.starts_with("connect_refused: "), "{fault}");
}

/// A controller's tasks move between threads.
#[test]
fn it_may_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    let fetcher = Fetcher::new(TargetPolicy::default(), TlsOptions::default());
    let ask = Ask::get(Url::parse("https://a.test/").unwrap());
    is_send(fetcher.fetch(&ask, &Bounds { deadline: Duration::ZERO, most_bytes: 0 }));
}
