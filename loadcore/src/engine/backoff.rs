//! Turns failures one after another into how long to wait before the next attempt.

use crate::time::{MILLISECOND, Nanos, SECOND};

/// The wait after a first failure, doubled with each further one.
const FIRST: Nanos = 10 * MILLISECOND;
/// No wait is longer.
const LONGEST: Nanos = SECOND;

/// How often it has failed since it last went well.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It has failed once more: how long to wait now.
    pub(super) fn failed(&mut self) -> Nanos {
        self.failures = self.failures.saturating_add(1);
        self.wait()
    }

    /// How long to wait after the last failure; 0: it went well.
    pub(super) fn wait(&self) -> Nanos {
        match self.failures {
            0 => 0,
            // Beyond so many doublings it is the longest anyway.
            failures => (FIRST << (failures - 1).min(16)).min(LONGEST),
        }
    }

    /// It went well.
    #[inline]
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_from_ten_milliseconds_to_a_second_and_begins_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..40).map(|_| backoff.failed() / MILLISECOND).collect();
        assert_eq!(waits[..8], [10, 20, 40, 80, 160, 320, 640, 1_000]);
        assert!(waits[8..].iter().all(|wait| *wait == 1_000));
        backoff.succeeded();
        assert_eq!((backoff.wait(), backoff.failed(), backoff.wait()), (0, FIRST, FIRST));
    }
}
