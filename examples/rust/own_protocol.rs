//! Run with: cargo run -p loadcore-examples --example own_protocol
//!
//! A protocol of one's own as a transport: lines of text over TCP, each answered by itself in capitals.
//! For most protocols `LoadTest::session` is enough, as in the example `redis_ping`; a transport also
//! tells connect times, bytes and the protocol's own classes of errors.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::request::{ErrorClass, Failure, Outcome};
use loadcore::transport::{Opened, Thread, connect};
use loadcore::{Call, Lane, LoadTest, Transport};
use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What is loaded, and where.
#[derive(Clone)]
struct Lines(SocketAddr);

/// One connection on one engine thread, so that cells are enough.
struct Connection {
    address: SocketAddr,
    thread: Rc<Thread>,
    /// Taken out while a request uses it: one that times out is dropped, and leaves it closed.
    stream: RefCell<Option<BufReader<TcpStream>>>,
}

impl Transport for Lines {
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
        let (asked, mut reply) = (format!("request {}\n", call.number), String::new());
        let answered = async {
            stream.write_all(asked.as_bytes()).await?;
            stream.read_line(&mut reply).await
        };
        match answered.await {
            Ok(0) => Outcome::failed(Failure::new(ErrorClass::Reset, "closed without a reply")),
            Ok(bytes) => {
                self.stream.replace(Some(stream));
                let wrong = reply != asked.to_uppercase();
                Outcome {
                    failure: wrong.then(|| Failure::named("wrong_line", reply)),
                    bytes_sent: asked.len() as u64,
                    bytes_received: bytes as u64,
                    ..Outcome::default()
                }
            }
            Err(why) => Outcome::failed(Failure::io(ErrorClass::Read, why)),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener));

    let test = LoadTest::transport(Lines(address)).rate(500.0).duration(Duration::from_secs(1));
    let result = test.sla("error_rate<10%").run().await?;

    println!("{} ok, {} failed", result.outcomes.ok, result.outcomes.failed);
    for (class, count) in &result.errors {
        println!("{class}: {count}, as {:?}", result.error_examples[class]);
    }
    println!("{} bytes sent, {} received", result.bytes_sent, result.bytes_received);
    println!("connect p50 {:?} ms", result.connect.p50_ms);
    result.passed()?;
    Ok(())
}

/// Answers each line in capitals, but for those that end with 77, which it leaves as they are.
async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            while let Some(line) = lines.next_line().await? {
                let reply = if line.ends_with("77") { line } else { line.to_uppercase() };
                write.write_all(format!("{reply}\n").as_bytes()).await?;
            }
            Ok::<(), io::Error>(())
        });
    }
}
