//! Plays servers of a test's own, and sends requests to them.

use loadcore::http::HttpOptions;
use loadcore::{LoadTest, RunResult};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What servers have seen, in the order in which it came.
pub type Seen = Arc<Mutex<Vec<String>>>;

pub fn note(seen: &Seen, what: impl Into<String>) {
    seen.lock().unwrap().push(what.into());
}

pub fn all(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().clone()
}

/// One request.
pub async fn once(url: &str, change: impl FnOnce(&mut HttpOptions)) -> RunResult {
    requests(1, url, change).await
}

/// Requests on one connection, with a short timeout.
pub async fn requests(count: u64, url: &str, change: impl FnOnce(&mut HttpOptions)) -> RunResult {
    let mut options = HttpOptions::get(url.parse().unwrap());
    change(&mut options);
    let test = LoadTest::http(options).requests(count).connections(1).threads(1);
    test.timeout(Duration::from_secs(1)).run().await.unwrap()
}

/// Serves each connection by `serve`, with its number.
pub async fn listen<F: Future<Output = ()> + Send>(
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
pub async fn http1(seen: Seen, answer: impl Fn(&str) -> String, mut stream: TcpStream) {
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
