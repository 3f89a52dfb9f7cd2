//! Run with: cargo run -p loadcore-examples --example mix_with_checks
//!
//! Three requests at random, each with its share, its checks and its own figures. A reply that fails a
//! check is a failed request, whatever its status: here all searches are longer than they may be, and one
//! order in ten is answered with 500.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::{LoadTest, Request};
use loadcore_target::{Config, Target};
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = Target::start(Config::default()).await?;

    let result = LoadTest::get(&target.url("/"))
        .mix([
            Request::get("home", "/").weight(6.0).check("body~=ok"),
            Request::get("search", "/bytes/2000").weight(3.0).check("bytes<=1000"),
            Request::post("order", "/echo?errors=10%25:500").body("item=3").check("body~=item=3"),
        ])
        .poisson()
        .seed(7)
        .rate(500.0)
        .duration(Duration::from_secs(2))
        .sla("error_rate{home}<1%")
        .run()
        .await?;

    println!("name         sent     ok  failed   p99 ms");
    for request in &result.requests {
        let (sent, outcomes) = (request.arrivals.sent, &request.outcomes);
        let p99 = request.latency.p99_ms.unwrap_or_default();
        println!(
            "{:<8} {:>8} {:>6} {:>7} {p99:>8.2}",
            request.name, sent, outcomes.ok, outcomes.failed
        );
    }
    for (class, text) in &result.error_examples {
        println!("{class}: {} times, as: {text}", result.errors[class]);
    }
    result.passed()?;
    Ok(())
}
