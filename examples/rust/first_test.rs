//! Run with: cargo run -p loadcore-examples --example first_test [URL]
//!
//! The smallest load test: 500 requests per second for two seconds, and two rules that must hold.
//! Latency is counted from the moment each request was due. Without a URL it loads a small server of
//! its own.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::LoadTest;
use loadcore_target::{Config, Target};
use std::env;
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = Target::start(Config::default()).await?;
    let url = env::args().nth(1).unwrap_or_else(|| target.url("/"));

    let result = LoadTest::get(&url)
        .rate(500.0)
        .duration(Duration::from_secs(2))
        .sla("ok_p99<1s")
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
