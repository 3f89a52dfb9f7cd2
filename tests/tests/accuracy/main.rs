//! Tests that the numbers are true: runs against the built-in target, whose behaviour is a formula.
//!
//! A virtual machine stands still now and then, for milliseconds or tens of them. So requests are judged
//! one by one (`requests.rs`): the target tells what it did with each, and a gap that moves what is
//! measured moves what is told by as much. Medians, orders, counts and histograms are judged in every
//! run. A tail that is out of bounds fails where the target's watcher saw no gap, and is tried again
//! where it did; after three tries the test is inconclusive, which is shown as ignored and never as
//! passed, with what each try came to.

mod arrivals;
mod judge;
mod latency;
mod overload;
mod requests;
mod witness;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // Two tests at once would disturb each other.
    arguments.test_threads = Some(1);
    let trials: Vec<Trial> =
        [arrivals::trials(), latency::trials(), overload::trials()].into_iter().flatten().collect();
    libtest_mimic::run(&arguments, trials).exit();
}
