//! Measures how near two cores are: the time that a cache line takes from one to the other and back.
//!
//! A virtual machine's cores may share a cache at one moment and lie on different sockets at the
//! next, and a client and a server that talk through them get faster or slower by a factor of two.
//! `benches/vs/run` calls this before and after each measurement and compares only what was
//! measured in the same state.
//!
//! Usage: `pingpong CORE CORE`. Prints nanoseconds for one way, the median of a number of bursts.

use loadcore::time::Clock;
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io::{Error, Result, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, hint, io, thread};

/// Bursts, of which the median is taken: a burst in which the host took a core away is outvoted.
const BURSTS: usize = 41;
/// Round trips in a burst, about half a millisecond in all when the cores are far apart.
const TRIPS: u64 = 500;

fn main() -> Result<()> {
    let cores: Vec<usize> = env::args().skip(1).map_while(|text| text.parse().ok()).collect();
    let [here, there] = cores[..] else {
        return Err(Error::other("usage: pingpong CORE CORE"));
    };
    // A core that is not ours is found out here, before anybody waits for the other.
    pin(there)?;
    pin(here)?;
    let line = Line(AtomicU64::new(0));
    let one_way_ns = thread::scope(|scope| {
        scope.spawn(|| pin(there).map(|()| answer(&line)));
        ask(&line)
    });
    writeln!(io::stdout(), "{one_way_ns:.1}")
}

/// The counter alone on its cache line: even while the asker may move it, odd for the answerer.
#[repr(align(128))]
struct Line(AtomicU64);

/// Moves the counter on and waits for the answer; the median over bursts, nanoseconds for one way.
fn ask(line: &Line) -> f64 {
    let clock = Clock::start();
    let mut bursts = [0.0; BURSTS];
    let mut count = 0;
    for burst in &mut bursts {
        let start = clock.now();
        for _ in 0..TRIPS {
            line.0.store(count + 1, Ordering::Release);
            count += 2;
            while line.0.load(Ordering::Acquire) != count {
                hint::spin_loop();
            }
        }
        *burst = (clock.now() - start) as f64 / (2 * TRIPS) as f64;
    }
    bursts.sort_by(f64::total_cmp);
    bursts[BURSTS / 2]
}

fn answer(line: &Line) {
    let last = 2 * TRIPS * BURSTS as u64;
    let mut count = 0;
    while count < last {
        while line.0.load(Ordering::Acquire) != count + 1 {
            hint::spin_loop();
        }
        count += 2;
        line.0.store(count, Ordering::Release);
    }
}

/// Keeps the calling thread on one core.
fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).map_err(Error::from)
}
