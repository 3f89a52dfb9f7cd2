//! Turns what is asked for, and what this machine has, into the parts of each engine thread.

use super::RunError;

/// Descriptors left to the rest of the process.
const RESERVE: u64 = 16;
/// Descriptors of each engine thread: epoll, its waker, timerfd, and room for a look into /proc.
const PER_THREAD: u64 = 6;

/// How many lanes the process has descriptors for, and the limit that says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descriptors {
    pub(super) available: u64,
    pub(super) limit: u64,
}

impl Descriptors {
    pub(super) fn look(threads: u64) -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile)
            .current
            .unwrap_or(u64::MAX);
        let used = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
        let available = limit.saturating_sub(used + RESERVE + PER_THREAD * threads);
        Self { available, limit }
    }
}

/// Most lanes of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lanes {
    pub(super) most: u64,
    /// Fewer than the default, for want of descriptors.
    pub(super) short: bool,
}

/// `asked`: what the user asked for, or else the default.
pub(super) fn lanes(
    asked: Option<u64>,
    default: u64,
    per_lane: u64,
    threads: u64,
) -> Result<Lanes, RunError> {
    let wanted = asked.unwrap_or(default);
    if per_lane == 0 {
        return Ok(Lanes { most: wanted, short: false });
    }
    let Descriptors { available, limit } = Descriptors::look(threads);
    let available = available / per_lane;
    match asked {
        Some(connections) if connections > available => {
            Err(RunError::Descriptors { connections, available, limit })
        }
        None if available == 0 => Err(RunError::Descriptors { connections: 1, available, limit }),
        _ => Ok(Lanes { most: wanted.min(available), short: available < wanted }),
    }
}
