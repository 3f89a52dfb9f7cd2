//! Run with: cargo run -p loadcore-examples --example reading_a_result
//!
//! A result is one JSON document, whoever wrote it. Here it is written, read again and drawn: its
//! percentiles as bars, its rows over time, and the whole of it as the command's page. The target is
//! slow for one request in ten.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::report::{Format, Options};
use loadcore::{LoadTest, RunResult};
use loadcore_target::{Config, Target};
use std::error::Error;
use std::time::Duration;

/// The longest bar, in characters.
const WIDTH: f64 = 50.0;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let latency = "bimodal(0.9:2ms,0.1:20ms)".parse()?;
    let target = Target::start(Config { latency, ..Config::default() }).await?;
    let test = LoadTest::get(&target.url("/")).rate(300.0).duration(Duration::from_secs(3));
    let written = Format::named("json")?.render(&test.run().await?, Options::default())?;

    // As it would be read from a file that `loadcore run -o json=result.json` wrote.
    let result = RunResult::from_json(&written)?;
    println!("read {} requests, {} of them ok", result.total_requests, result.outcomes.ok);
    draw(&result);
    for row in &result.series {
        println!("second {}: {} ok, p99 {:?} ms", row.second, row.ok, row.p99_ms);
    }
    println!("\n{}", Format::named("text")?.render(&result, Options::default())?);
    Ok(())
}

/// A bar for each percentile, also for those that have no field in the document.
fn draw(result: &RunResult) {
    let longest = result.latency.max_ms.unwrap_or_default();
    for percent in [1.0, 25.0, 50.0, 75.0, 85.0, 95.0, 97.3, 99.0, 100.0] {
        let Some(ms) = result.latency.percentile(percent) else { continue };
        let bar = "#".repeat((ms / longest * WIDTH).ceil() as usize);
        println!("{percent:>6}%  {ms:>8.2} ms  {bar}");
    }
}
