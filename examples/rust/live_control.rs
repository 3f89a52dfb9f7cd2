//! Run with: cargo run -p loadcore-examples --example live_control
//!
//! A running test can be followed by as many readers as ask, and steered: here one reader counts on
//! the snapshots and gives the orders, and another shows each second as it was. Dropping the handle
//! ends the load, so a test that fails half-way leaves none behind.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::LoadTest;
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let run = LoadTest::call(async |_| Ok(200))
        .rate(200.0)
        .duration(Duration::from_secs(60))
        .start()
        .await?;

    // A reader of its own: it may be slow, and holds up neither the load nor the others.
    let mut seconds = run.progress();
    let shown = tokio::spawn(async move {
        let mut due = 0;
        while let Some(second) = seconds.next().await {
            println!("second {}: {} due, {} ok", second.second, second.due, second.ok);
            due += second.due;
        }
        due
    });

    // Each snapshot holds everything since the start, so that missing one costs nothing.
    let control = run.control();
    let mut snapshots = run.snapshots();
    while let Some(snapshot) = snapshots.next().await {
        println!("snapshot {}: {} due since the start", snapshot.seq, snapshot.total.counters.due);
        match snapshot.seq {
            // To 1,000 requests per second, along a line half a second long.
            1 => control.change_rate(1000.0, 0.5)?,
            3 => control.stop(),
            _ => {}
        }
    }

    let result = run.wait().await?;
    println!("{} due in {:.1} s", result.arrivals.due, result.duration_seconds);
    if shown.await? != result.arrivals.due {
        return Err("the seconds add up to the whole".into());
    }
    Ok(())
}
