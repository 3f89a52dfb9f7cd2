//! Turns series of numbers, one JSON list a line, into their change points and the processor time that
//! finding them took: what `benches/changes/run` compares with other programs.

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::error::Error;
use std::io::{Write as _, stdin, stdout};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    for (n, line) in stdin().lines().enumerate() {
        let series: Vec<f64> = serde_json::from_str(&line?)
            .map_err(|error| format!("line {} is no JSON list of numbers: {error}", n + 1))?;
        let begun = processor_seconds();
        let changes = loadcore::analysis::changes(&series);
        let seconds = processor_seconds() - begun;
        writeln!(out, "{}", serde_json::json!({"changes": changes, "seconds": seconds}))?;
    }
    Ok(())
}

/// Of this thread.
fn processor_seconds() -> f64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    tv_sec as f64 + tv_nsec as f64 / 1e9
}
