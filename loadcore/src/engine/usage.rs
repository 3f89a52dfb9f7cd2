//! The operating system's books into where this thread's time went.

use crate::record::ThreadTime;
use crate::time::Nanos;

/// Reads one thread's times as differences.
#[derive(Debug)]
pub(crate) struct Usage {
    wall: Nanos,
    cpu: u64,
    run_delay: u64,
}

impl Usage {
    /// Begins at `wall`. Called on the thread that is measured.
    pub(crate) fn begin(wall: Nanos) -> Self {
        Self { wall, cpu: cpu_ns(), run_delay: run_delay_ns() }
    }

    /// What was used since the last call.
    pub(crate) fn lap(&mut self, wall: Nanos) -> ThreadTime {
        let now = Self { wall, cpu: cpu_ns(), run_delay: run_delay_ns() };
        // The moments at which the three are read differ by some microseconds.
        let wall_ns = now.wall.saturating_sub(self.wall);
        let lap = ThreadTime {
            wall_ns,
            cpu_ns: now.cpu.saturating_sub(self.cpu).min(wall_ns),
            run_delay_ns: now.run_delay.saturating_sub(self.run_delay).min(wall_ns),
        };
        *self = now;
        lap
    }
}

fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The second number of schedstat: nanoseconds spent ready, waiting for a processor.
fn run_delay_ns() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_ascii_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
