//! Run with: cargo run -p loadcore --example constant_rate [URL]
//!
//! The smallest load test: 500 requests per second for two seconds, and two rules that must hold.
//! Latency is counted from the moment each request was due. Without a URL it loads a small service
//! of its own.

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

    let result = LoadTest::get(&url)
        .rate(500.0)
        .duration(Duration::from_secs(2))
        .sla("ok_p99<50ms")
        .sla("error_rate<1%")
        .run()
        .await?;

    println!("due {}, sent {}", result.arrivals.due, result.arrivals.sent);
    println!("ok {}, failed {}", result.outcomes.ok, result.outcomes.failed);
    println!(
        "response time p50 {:?} ms, p99 {:?} ms",
        result.latency.p50_ms, result.latency.p99_ms
    );
    println!("may it be trusted? {:?}", result.validity.verdict);
    // In a test: `result.assert_passed()`. Here the program's exit code says it.
    result.passed()?;
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
