//! Run with: cargo run -p loadcore-examples --example redis_ping [HOST:PORT]
//!
//! Any protocol can be loaded: a session opens what a connection of it is, and sends one request after
//! another on it. Without an address it asks a small server of its own, which knows PING alone.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::LoadTest;
use loadcore::request::Failure;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::Duration;
use std::{env, thread};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).map_or_else(server, Ok)?;

    let open = async move || Ok(TcpStream::connect(&address).await?);
    let call = async |stream: &mut TcpStream, _| {
        let mut reply = [0; 7];
        stream.write_all(b"PING\r\n").await?;
        stream.read_exact(&mut reply).await?;
        match &reply {
            b"+PONG\r\n" => Ok(200),
            _ => Err(Failure::named("no_pong", String::from_utf8_lossy(&reply))),
        }
    };
    let test = LoadTest::session(open, call).rate(1_000.0).duration(Duration::from_secs(1));
    let result = test.sla("error_rate<1%").run().await?;

    println!("{} answered on {} connections", result.outcomes.ok, result.connects);
    println!("99% within {:?} ms", result.latency.p99_ms);
    result.passed()?;
    Ok(())
}

/// A server that answers each line with PONG, for as long as the program lives.
fn server() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || -> io::Result<()> {
                let lines = BufReader::new(stream.try_clone()?).lines();
                lines
                    .into_iter()
                    .try_for_each(|line| line.and_then(|_| stream.write_all(b"+PONG\r\n")))
            });
        }
    });
    Ok(address)
}
