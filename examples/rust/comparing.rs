//! Run with: cargo run -p loadcore-examples --example comparing
//!
//! Two runs of one test, before a change and after it: their percentiles beside each other, one rule
//! that both are held against, and their distributions merged into one. Distributions are added bucket
//! by bucket, and percentiles never averaged: those of the two say nothing of the whole.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::record::{Histogram, Merge};
use loadcore::{LoadTest, RunResult};
use loadcore_target::{Config, Target};
use std::error::Error;
use std::time::Duration;

/// The same load on a target of this latency.
async fn measured(latency: &str) -> Result<RunResult, Box<dyn Error>> {
    let target = Target::start(Config { latency: latency.parse()?, ..Config::default() }).await?;
    let test = LoadTest::get(&target.url("/")).rate(200.0).duration(Duration::from_secs(2));
    Ok(test.run().await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (before, after) = (measured("2ms").await?, measured("200ms").await?);

    println!("            before       after");
    for percent in [50.0, 90.0, 99.0] {
        let (was, is) = (before.latency.percentile(percent), after.latency.percentile(percent));
        let (Some(was), Some(is)) = (was, is) else { continue };
        println!("p{percent:<6} {was:>8.1} ms {is:>8.1} ms   {:+.0}%", (is / was - 1.0) * 100.0);
    }

    let slower = after.latency.p50_ms > before.latency.p50_ms;
    println!("the median is {}", if slower { "worse" } else { "as good" });
    match after.holds(["ok_p50<100ms"]) {
        Ok(()) => return Err("a target of 200 ms answers within 100 ms".into()),
        Err(violations) => println!("{violations}"),
    }

    let mut both = Histogram::new();
    for result in [&before, &after] {
        let carried = result.histograms.as_deref().ok_or("the result carries no histograms")?;
        both.merge(&carried.latency);
    }
    let slow = both.count() - both.count_up_to(100_000_000);
    println!("of {} requests in both, {slow} took more than 100 ms", both.count());
    Ok(())
}
