//! Run with: cargo run -p loadcore-examples --example test_function
//!
//! A load test as a test function: a profile of steps, and rules that it must hold. In a crate of
//! yours the function stands below `tests/` and carries `#[tokio::test]`; here `main` calls it, for a
//! service that holds and for one that does not.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::{LoadTest, Sla};
use loadcore_target::{Config, Target};
use std::error::Error;
use std::time::Duration;

/// A morning in short: the rate doubles each second.
async fn the_service_bears_the_morning(url: &str) -> Result<(), Box<dyn Error>> {
    let second = Duration::from_secs(1);
    let result = LoadTest::get(url)
        .steps([(50.0, second), (100.0, second), (200.0, second)])
        .sla("ok_p95<1s")
        .sla("achieved_rate>=99%")
        // Over two seconds each, and the run ends as soon as one of them has too many errors.
        .sla(Sla::new("error_rate<5%").window_seconds(2).abort())
        .run()
        .await?;
    println!("{} due, {} ok", result.arrivals.due, result.outcomes.ok);
    // In a test: `result.assert_passed()`, which panics with the same text.
    Ok(result.passed()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let well = Target::start(Config::default()).await?;
    the_service_bears_the_morning(&well.url("/")).await?;
    println!("passed");

    let ill = Target::start(Config { errors: "50%:503".parse()?, ..Config::default() }).await?;
    match the_service_bears_the_morning(&ill.url("/")).await {
        Ok(()) => Err("half of the requests failed, and the rules held".into()),
        Err(violations) => {
            println!("did not pass:\n{violations}");
            Ok(())
        }
    }
}
