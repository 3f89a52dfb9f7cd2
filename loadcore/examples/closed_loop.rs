//! Run with: cargo run -p loadcore --example closed_loop [URL]
//!
//! Without a rate it is a closed loop: 16 connections, each of which sends its next request when
//! the last one is answered. That measures what a service can do, not how long its users wait: a
//! service that gets slower is asked less. So latency is service time here, and the result says so.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::LoadTest;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).map_or_else(service, Ok)?;

    let result = LoadTest::get(&url).connections(16).duration(Duration::from_secs(2)).run().await?;

    println!("{:.0} requests per second", result.achieved_rps.unwrap_or_default());
    println!("latency is {:?}", result.latency_kind);
    for (percent, ms) in result.latency.percentiles() {
        if let Some(ms) = ms {
            println!("{percent:>6}% within {ms:.3} ms");
        }
    }
    for (status, count) in &result.status_code_distribution {
        println!("status {status}: {count}");
    }
    Ok(())
}

/// A service that answers everything with 200, for as long as the program lives.
fn service() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    Ok(url)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    for line in BufReader::new(stream.try_clone()?).lines() {
        if line?.is_empty() {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        }
    }
    Ok(())
}
