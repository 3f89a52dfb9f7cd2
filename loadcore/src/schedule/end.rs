//! Turns a duration and a number of requests into when nothing more falls due.

use crate::profile::MAX_DURATION_SECONDS;
use std::time::Duration;

/// The longest run: a week.
pub const LONGEST: Duration = Duration::from_secs(MAX_DURATION_SECONDS as u64);

/// When nothing more falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After so long, unless a number of requests is sent before that.
    At(Duration),
    /// With the last of so many requests, whenever that is sent. Nobody knows how long it takes.
    AfterRequests(u64),
}

impl End {
    /// Of a load that may have a duration, a number of requests, or both; `None` where it has neither.
    #[must_use]
    pub fn of(duration: Option<Duration>, requests: Option<u64>) -> Option<Self> {
        duration.map(Self::At).or(requests.map(Self::AfterRequests))
    }

    /// The duration, where it is known before the load has ended.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::At(duration) => Some(duration),
            Self::AfterRequests(_) => None,
        }
    }

    /// When it has come at the latest: no load lasts longer than [`LONGEST`], not even one that
    /// waits for requests which nobody answers.
    #[must_use]
    pub fn latest(self) -> Duration {
        self.duration().unwrap_or(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_known_and_a_number_alone_has_none() {
        let second = Duration::from_secs(1);
        let of = |duration, requests| End::of(duration, requests).unwrap();
        for (end, known) in [
            (of(Some(second), None), Some(second)),
            (of(Some(second), Some(5)), Some(second)),
            (of(Some(LONGEST), Some(5)), Some(LONGEST)),
            (of(None, Some(5)), None),
        ] {
            assert_eq!((end.duration(), end.latest()), (known, known.unwrap_or(LONGEST)));
        }
        assert_eq!(End::of(None, None), None);
    }
}
