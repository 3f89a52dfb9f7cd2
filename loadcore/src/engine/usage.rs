//! Reads from the operating system where this thread's time went.

use super::quota::Quotas;
use crate::record::ThreadTime;
use crate::time::Nanos;

/// Reads one thread's times as differences.
#[derive(Debug)]
pub(crate) struct Usage {
    last: Reading,
    quotas: Quotas,
}

#[derive(Debug)]
struct Reading {
    wall: Nanos,
    cpu: u64,
    run_delay: Option<u64>,
    throttled: Option<u64>,
}

impl Usage {
    /// Begins at `wall`. Called on the thread that is measured, whose number in the process is
    /// `thread`.
    pub(crate) fn begin(wall: Nanos, thread: usize) -> Self {
        let quotas = Quotas::of_this_process(thread == 0);
        Self { last: Reading::now(wall, &quotas), quotas }
    }

    /// What was used since the last call.
    pub(crate) fn lap(&mut self, wall: Nanos) -> ThreadTime {
        let (now, last) = (Reading::now(wall, &self.quotas), &self.last);
        // The moments at which they are read differ by some microseconds.
        let wall_ns = now.wall.saturating_sub(last.wall);
        let since = |now: Option<u64>, last: Option<u64>| Some(now?.saturating_sub(last?));
        let lap = ThreadTime {
            wall_ns,
            cpu_ns: now.cpu.saturating_sub(last.cpu).min(wall_ns),
            run_delay_ns: since(now.run_delay, last.run_delay).map(|part| part.min(wall_ns)),
            throttled_ns: since(now.throttled, last.throttled),
        };
        self.last = now;
        lap
    }
}

impl Reading {
    fn now(wall: Nanos, quotas: &Quotas) -> Self {
        Self { wall, cpu: cpu_ns(), run_delay: run_delay_ns(), throttled: quotas.throttled_ns() }
    }
}

/// Processor time of the present thread.
pub(super) fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The second number of schedstat: nanoseconds spent ready, waiting for a processor.
fn run_delay_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().nth(1)?.parse().ok()
}
