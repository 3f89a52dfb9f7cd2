//! Run with: cargo run -p loadcore-examples --example closed_loop [URL]
//!
//! Without a rate it is a closed loop: 16 connections, each of which sends its next request when
//! the last one is answered. That measures what a service can do, not how long its users wait: a
//! service that gets slower is asked less. So latency is service time here, and the result says so.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::LoadTest;
use loadcore_target::{Config, Target};
use std::env;
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = Target::start(Config::default()).await?;
    let url = env::args().nth(1).unwrap_or_else(|| target.url("/"));

    let result = LoadTest::get(&url).connections(16).requests(20_000).run().await?;

    println!("{:.0} requests per second", result.achieved_rps.unwrap_or_default());
    println!("on {} connections; latency is {:?}", result.connects, result.latency_kind);
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
