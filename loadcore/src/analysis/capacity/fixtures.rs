//! Makes capacities for the tests of reports: the same each time.

use super::model::Model;
use super::{Capacity, Wanted};

/// One server that takes 5 ms for each request: 200/s.
pub(crate) fn found() -> Capacity {
    Model::default().search("ok_p99<50ms", 1_000.0)
}

/// The same, where the generator has enough at 120/s.
pub(crate) fn by_generator() -> Capacity {
    Model { generator: Some(120.0), ..Model::default() }.search("ok_p99<50ms", 1_000.0)
}

/// An objective that holds nowhere.
pub(crate) fn nothing() -> Capacity {
    Model::default().lasting("ok_p99<1ms", 1_000.0, Wanted::LEAST_DURATION)
}
