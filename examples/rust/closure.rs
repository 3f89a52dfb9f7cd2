//! Run with: cargo run -p loadcore-examples --example closure
//!
//! Anything asynchronous can be loaded: here a function with a lock that one call in a hundred holds
//! for 20 ms. Service time and response time come apart as soon as calls have to wait for a lane;
//! with one lane in all, the calls behind a slow one are due while it still runs, and only the
//! response time knows of them.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::LoadTest;
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let result = LoadTest::call(async |call| {
        if call.number % 100 == 99 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(200)
    })
    .rate(500.0)
    .connections(1)
    .threads(1)
    .duration(Duration::from_secs(2))
    .run()
    .await?;

    let (response, service) = (result.latency, result.service_time);
    println!("            p50 ms       p95 ms     p99.9 ms");
    for (name, times) in [("service", service), ("response", response)] {
        let ms = |value: Option<f64>| value.map_or("-".into(), |ms| format!("{ms:.3}"));
        println!(
            "{name:<9}{:>9}{:>13}{:>13}",
            ms(times.p50_ms),
            ms(times.p95_ms),
            ms(times.p999_ms)
        );
    }
    println!("one call in a hundred is slow, but one in ten waits for it");
    Ok(())
}
