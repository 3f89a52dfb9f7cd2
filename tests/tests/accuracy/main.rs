//! Runs against the built-in target, whose behaviour is a formula, into: are the numbers true?
//!
//! A virtual machine stands still now and then for tens of milliseconds. What must hold all the same
//! (counts, identities, bounds that know of the gap) is judged in every run. What can only be seen on
//! a machine that runs is judged in runs in which the target's watcher saw no gap above 1 ms (less
//! where the bound is less) and the generator was well, with up to five tries; after that the test is
//! inconclusive, which is shown as ignored and never as passed, with what each try came to.

mod arrivals;
mod judge;
mod latency;
mod overload;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // Two tests at once would disturb each other.
    arguments.test_threads = Some(1);
    let trials: Vec<Trial> =
        [arrivals::trials(), latency::trials(), overload::trials()].into_iter().flatten().collect();
    libtest_mimic::run(&arguments, trials).exit();
}
