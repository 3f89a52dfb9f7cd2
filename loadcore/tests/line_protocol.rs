//! Puts load on a line protocol by a transport of one's own: `PING n` is answered with `PONG n`.

mod common;

use common::hold_identities;
use loadcore::request::{ErrorClass, Failure, Outcome};
use loadcore::transport::{Opened, Thread, connect};
use loadcore::{Call, Lane, LoadTest, RunResult, Transport};
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The longest line that is read.
const LONGEST: u64 = 64;

/// Sends `PING n` with the number of the arrival, and expects `PONG n`.
#[derive(Clone)]
struct Ping(SocketAddr);

struct Connection {
    address: SocketAddr,
    thread: Rc<Thread>,
    /// Taken out while a request uses it: one that times out is dropped, and leaves it closed.
    stream: RefCell<Option<BufReader<TcpStream>>>,
}

impl Transport for Ping {
    type Lane = Connection;

    fn lane(&self, thread: &Rc<Thread>) -> Connection {
        Connection { address: self.0, thread: Rc::clone(thread), stream: RefCell::default() }
    }

    fn descriptors_per_lane(&self) -> u64 {
        1
    }
}

impl Lane for Connection {
    async fn open(&self) -> Result<Opened, Failure> {
        let begun = self.thread.clock.now();
        self.stream.replace(Some(BufReader::new(connect(self.address).await?)));
        Ok(Opened { connect_ns: self.thread.clock.now() - begun, tls_ns: None, streams: 1 })
    }

    fn is_open(&self) -> bool {
        self.stream.borrow().is_some()
    }

    async fn exchange(&self, call: Call) -> Outcome {
        let Some(mut stream) = self.stream.take() else {
            return Outcome::failed(Failure::new(ErrorClass::Target, "the connection is closed"));
        };
        let asked = format!("PING {}\n", call.number);
        if let Err(why) = stream.write_all(asked.as_bytes()).await {
            return Outcome::failed(Failure::io(ErrorClass::Write, why));
        }
        let mut line = String::new();
        let read = (&mut stream).take(LONGEST).read_line(&mut line).await;
        let failure = match read {
            Ok(0) => Some(Failure::new(ErrorClass::Read, "the connection ended before a line")),
            Ok(_) if line == asked.replacen("PING", "PONG", 1) => None,
            Err(why) if why.kind() != io::ErrorKind::InvalidData => {
                Some(Failure::io(ErrorClass::Read, why))
            }
            _ => Some(Failure::text(ErrorClass::Protocol, format_args!("{line:?} to {asked:?}"))),
        };
        if failure.is_none() {
            self.stream.replace(Some(stream));
        }
        let (bytes_sent, bytes_received) = (asked.len() as u64, line.len() as u64);
        Outcome { failure, bytes_sent, bytes_received, ..Outcome::default() }
    }
}

/// A server that answers each `PING n` with what `answer` makes of the n, and counts what it was asked.
async fn server(answer: fn(&str) -> String) -> io::Result<(SocketAddr, Arc<AtomicU64>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|n| n > 0) {
                    counted.fetch_add(1, Ordering::Relaxed);
                    let number = line.strip_prefix("PING ").map_or("?", str::trim_end);
                    if stream.write_all(answer(number).as_bytes()).await.is_err() {
                        break;
                    }
                    line.clear();
                }
            });
        }
    });
    Ok((address, asked))
}

async fn run(address: SocketAddr) -> RunResult {
    let test = LoadTest::transport(Ping(address)).rate(1_000.0).requests(300).threads(2);
    let result = test.run().await.unwrap();
    hold_identities(&result);
    assert_eq!(result.arrivals.due, 300);
    result
}

#[tokio::test]
async fn what_was_sent_is_what_the_server_counted() {
    let (address, asked) = server(|number| format!("PONG {number}\n")).await.unwrap();
    let result = run(address).await;
    assert_eq!((result.outcomes.ok, asked.load(Ordering::Relaxed)), (300, 300), "{result:?}");
    // 10 of one digit, 90 of two, 200 of three, each with `PING ` and the end of the line.
    let bytes = 10 * 7 + 90 * 8 + 200 * 9;
    assert_eq!((result.bytes_sent, result.bytes_received), (bytes, bytes));
}

#[tokio::test]
async fn another_answer_violates_the_protocol() {
    let answer = |number: &str| match number.ends_with('7') {
        true => "PONG of another\n".to_owned(),
        false => format!("PONG {number}\n"),
    };
    let (address, asked) = server(answer).await.unwrap();
    let result = run(address).await;
    assert_eq!(asked.load(Ordering::Relaxed), 300);
    assert_eq!((result.outcomes.ok, &result.errors), (270, &[("protocol".to_owned(), 30)].into()));
    let example = &result.error_examples["protocol"];
    assert!(example.starts_with("\"PONG of another\\n\" to \"PING "), "{example}");
    assert!(result.connects >= 30, "each violation closes its connection: {}", result.connects);
}

#[tokio::test]
async fn a_line_without_an_end_violates_it_too() {
    let (address, _) = server(|_| "x".repeat(1_000)).await.unwrap();
    assert_eq!(run(address).await.errors, [("protocol".to_owned(), 300)].into());
}
