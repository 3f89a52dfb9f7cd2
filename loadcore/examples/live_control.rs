//! Run with: cargo run -p loadcore --example live_control
//!
//! A running test can be watched and steered: a snapshot each second, a change of rate, a pause, an
//! early end. Dropping the handle ends the load, so a test that fails half-way leaves none behind.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::LoadTest;
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut run = LoadTest::call(async |_| Ok(200))
        .rate(200.0)
        .duration(Duration::from_secs(60))
        .start()
        .await?;

    let control = run.control();
    let mut snapshots = run.snapshots();
    while let Some(snapshot) = snapshots.next().await {
        let counters = &snapshot.total.counters;
        println!("snapshot {}: {} due, {} ok", snapshot.seq, counters.due, counters.ok);
        match snapshot.seq {
            // To 1,000 requests per second, along a line half a second long.
            1 => control.change_rate(1000.0, 0.5)?,
            3 => control.stop(),
            _ => {}
        }
    }

    let result = run.wait().await?;
    println!("{} due in {:.1} s", result.arrivals.due, result.duration_seconds);
    Ok(())
}
