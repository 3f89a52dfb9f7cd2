//! Run with: cargo run -p loadcore-examples --example cluster
//!
//! A whole platform in this process: three workers make exact parts of one schedule, and the controller
//! merges what they measure into one result. With workers on other machines the call is the same, on a
//! controller that was started with their coordinator and a store.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::cluster::Controller;
use loadcore::scenario::Scenario;
use loadcore_target::{Config, Target};
use serde_json::json;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = Target::start(Config::default()).await?;
    let scenario = Scenario::from_value(json!({
        "name": "three make one load",
        "targetUrl": target.url("/"),
        "durationSeconds": 2,
        "numWorkers": 3,
        "loadProfile": { "type": "RAMP", "initialRps": 100, "targetRps": 500 },
        "sla": ["ok_p99<1s", "error_rate<1%"],
    }))?;

    let platform = Controller::in_process(3).await?;
    let result = platform.run(&scenario).await?;
    platform.shut_down().await;

    println!("{} workers, complete: {}", result.environment.workers, result.complete);
    println!("due {}, ok {}", result.arrivals.due, result.outcomes.ok);
    println!("the target received {}", target.stop().requests);
    result.passed()?;
    Ok(())
}
