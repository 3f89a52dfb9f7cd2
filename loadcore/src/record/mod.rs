//! Turns samples into histograms and counters, and those into snapshots that merge.
//!
//! Every engine thread owns one [`Recorder`], the only writer of its [`Interval`]: a sample costs
//! a few increments, no lock and no allocation. Once a second the collector exchanges the full
//! interval for an empty one and adds it to the run's cumulative [`Snapshot`]. Snapshots are state
//! and not messages: of each worker and epoch a [`SnapshotSet`] keeps the one with the greatest
//! number and adds those up, so that loss, repetition and order change nothing but the resolution
//! in time.
//!
//! What is kept is bounded by the number of buckets, statuses and error classes, never by the
//! number of requests.

mod codec;
mod distribution;
#[cfg(all(test, feature = "cluster"))]
mod fuzz;
mod generator_health;
mod hdr;
mod histogram;
mod interval;
mod named;
mod observed;
mod own_classes;
mod protocols;
mod recorder;
mod snapshot;
mod sparse;
mod varint;
mod worker;

#[cfg(test)]
pub(crate) mod fixtures;

pub use crate::request::{Http, Protocol, Tls};
pub use codec::DecodeError;
#[cfg(feature = "cluster")]
pub(crate) use codec::SnapshotReader;
pub use distribution::{Bucket, Distribution};
pub use generator_health::GeneratorHealth;
pub(crate) use histogram::PackedHistogram;
pub use histogram::{Histogram, NotContained, Overflow};
pub use interval::{Counters, Health, Histograms, Interval, ThreadTime};
pub use named::Named;
pub use observed::{Measure, Reading, Told};
pub use own_classes::{Own, OwnClasses};
pub use protocols::Protocols;
pub use recorder::{Recorder, Sample};
pub use snapshot::{Snapshot, SnapshotSet};
#[cfg(test)]
pub(crate) use worker::tests as worker_fixtures;
pub use worker::{MOST_WORKERS, WorkerInterval};
pub(crate) use worker::{absorb_workers, keep_worst};

/// Adds up what was measured apart.
///
/// # Contract
///
/// 1. The order does not matter: `a.merge(b)` and `b.merge(a)` come to equal values.
/// 2. Neither does the grouping: `(a + b) + c` equals `a + (b + c)`.
/// 3. An empty value (`Default`) changes nothing.
/// 4. Nothing wraps: a sum that does not fit stays at the greatest number that does.
///
/// Merging twice counts twice, except in a [`SnapshotSet`], which knows whom it has counted.
pub trait Merge {
    /// Adds `other` to `self`.
    fn merge(&mut self, other: &Self);
}
