//! Counts the bytes that pass on the connections of a lane, for its next outcome.

use std::cell::Cell;

/// Bytes written and read that are in no outcome yet.
///
/// All connections that a lane makes count here, also those of a redirect's hop elsewhere, and also
/// for an exchange that is given up in the middle. Whoever ends takes what has passed: that is exact
/// for HTTP/1.1, and under multiplexing, where bytes cannot be told apart by request, in the sum.
#[derive(Debug, Default)]
pub struct Moved {
    sent: Cell<u64>,
    received: Cell<u64>,
}

impl Moved {
    /// So many more were written.
    #[inline]
    pub fn add_sent(&self, bytes: u64) {
        self.sent.set(self.sent.get() + bytes);
    }

    /// So many more were read.
    #[inline]
    pub fn add_received(&self, bytes: u64) {
        self.received.set(self.received.get() + bytes);
    }

    /// Those written and those read since they were taken last.
    #[inline]
    pub fn take(&self) -> (u64, u64) {
        (self.sent.take(), self.received.take())
    }
}
