//! Lists what a run is told, from its start to its end: the list only grows.
//!
//! # Who owns what
//!
//! Every arrival of the run's one global schedule belongs to at most one worker. A worker takes
//! **parts** of the schedule ([`Share`]s) from a moment on, and may release one at a moment. When
//! one is lost its parts are taken by others, whole or split, from a moment on at which its lease is
//! surely over. Nothing is ever taken from a worker that did not release it and may still be
//! sending, so no arrival is sent twice, however late anybody hears of anything.
//!
//! # Moments
//!
//! `..._ns` are nanoseconds of the run's clock, whose zero is the start of the warm-up and the same
//! on all workers ([`Entry::Start`]). An entry that is heard of after its moment is applied as of
//! its moment.

use super::{Lease, RunId, WorkerId};
use crate::schedule::Share;
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// A worker's term in a run. The worker counts its terms itself; a worker that has lost its lease
/// comes back in a new one.
pub type Epoch = u64;

/// With what a worker makes its load, as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Means {
    /// Processors that it may use.
    pub cores: u64,
    /// Engine threads; 0: as many as its part needs.
    pub threads: u64,
    /// How long its pacer may let due requests gather.
    pub slack_ns: Nanos,
}

/// What held before it was said.
fn default_lease_ms() -> u64 {
    Lease::default().ms()
}

/// One line of a run's journal. Its number is its place in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Entry {
    /// A worker that has taken a task belongs to the run, and may read its plan.
    Admit {
        /// Which worker.
        worker: WorkerId,
        /// In which term.
        epoch: Epoch,
        /// The key of the run's plan, sealed to the worker's public key. Empty where the plan is
        /// not sealed.
        key: String,
        /// With what it makes its load; `None` where nobody has said it.
        #[serde(default)]
        means: Option<Means>,
        /// How long it may be silent, in milliseconds: what controller and worker go by.
        #[serde(default = "default_lease_ms")]
        lease_ms: u64,
        /// What people call it; empty where nobody has said it.
        #[serde(default)]
        name: String,
    },
    /// The run's clock shows 0 when the coordinator's shows this.
    Start {
        /// Microseconds since 1970 on the coordinator's clock.
        at_us: u64,
    },
    /// A part of the schedule is this worker's from a moment on.
    Take {
        /// Which worker.
        worker: WorkerId,
        /// In which term.
        epoch: Epoch,
        /// Which arrivals.
        part: Share,
        /// Those that fall due after this moment.
        from_ns: Nanos,
        /// And are not among the first so many of the whole run: the worker that had the part may
        /// have sent them, before it heard of a change that places them later. In closed loop,
        /// where a number of requests ends it: those that were sent of the part.
        #[serde(default)]
        past: u64,
    },
    /// A part is no longer this worker's from a moment on. It acknowledges that by reporting how
    /// many entries it has applied; nobody takes the part before.
    Release {
        /// Which worker.
        worker: WorkerId,
        /// In which term.
        epoch: Epoch,
        /// Which arrivals.
        part: Share,
        /// Those that fall due after this moment are not its own.
        from_ns: Nanos,
    },
    /// The worker's lease is over, or it has left, and what it owned has no owner from then on
    /// until it is taken.
    Lost {
        /// Which worker.
        worker: WorkerId,
        /// In which term.
        epoch: Epoch,
        /// It has not sent anything after this moment.
        at_ns: Nanos,
        /// How many entries of this journal it had surely applied: of later ones it may not have
        /// heard.
        applied: u64,
        /// It left in peace, with nobody there to take its share, and hands in all that it measured.
        #[serde(default)]
        left: bool,
    },
    /// The profile's clock stops.
    Pause {
        /// When.
        at_ns: Nanos,
    },
    /// The profile's clock goes on.
    Resume {
        /// When.
        at_ns: Nanos,
    },
    /// What is left of the profile becomes a line to another rate, and that rate after it.
    Rate {
        /// When.
        at_ns: Nanos,
        /// All workers together.
        target_rps: f64,
        /// Length of the line.
        over_seconds: f64,
    },
    /// The load ends.
    Stop {
        /// When.
        at_ns: Nanos,
    },
    /// Everything is kept. Workers may forget the run.
    Close,
}

/// What a worker is offered: to take part in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Which run.
    pub run: RunId,
}

/// The journal of a worker itself, apart from any run: an [`Entry::Close`] in it asks the worker to
/// drain.
#[must_use]
pub fn mailbox(worker: &WorkerId) -> RunId {
    RunId(format!("worker-{worker}"))
}
