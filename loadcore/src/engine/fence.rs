//! Turns a lease into a barrier: after its end not another request is sent.
//!
//! A worker may make load until a moment that is moved on with each confirmed heartbeat. The engine
//! asks before each batch, so that a process that was frozen, or cut off, or on a machine that
//! slept, stops by itself before somebody else takes over.

use crate::time::{Clock, Nanos, awake_and_asleep};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Until when requests may be sent. Clones are the same fence.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fence(Option<Arc<State>>);

#[derive(Debug)]
struct State {
    /// On the run's clock.
    until: AtomicU64,
    /// What the clock that counts suspensions too showed at the run's zero.
    zero: Nanos,
}

#[cfg_attr(
    not(any(feature = "cluster", test)),
    expect(dead_code, reason = "who is alone has no lease")
)]
impl Fence {
    /// No lease: there is nobody else.
    pub(crate) const NONE: Self = Self(None);

    /// A fence at `until` on the run's clock.
    pub(crate) fn new(clock: &Clock, until: Nanos) -> Self {
        // Before its zero the run's clock shows 0, and the other one something less than zero.
        let zero = awake_and_asleep().wrapping_sub(clock.now()).wrapping_add(clock.until_zero());
        Self(Some(Arc::new(State { until: AtomicU64::new(until), zero })))
    }

    /// When it is, on the run's clock.
    #[inline]
    pub(crate) fn until(&self) -> Nanos {
        self.0.as_ref().map_or(Nanos::MAX, |state| state.until.load(Ordering::Acquire))
    }

    /// Whether nothing may be sent any more.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.is_over())
    }

    /// Moves it to `until`, if that is later and it is not over yet; says whether it is not.
    pub(crate) fn extend(&self, until: Nanos) -> bool {
        let Some(state) = &self.0 else { return true };
        let open = !state.is_over();
        if open {
            state.until.fetch_max(until, Ordering::AcqRel);
        }
        open
    }
}

impl State {
    #[inline]
    fn is_over(&self) -> bool {
        let now = awake_and_asleep().wrapping_sub(self.zero);
        // A difference past the middle is one below zero: the run has not begun.
        now < u64::MAX / 2 && now >= self.until.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;
    use std::time::Duration;

    #[test]
    fn what_is_over_stays_over() {
        let clock = Clock::start();
        let fence = Fence::new(&clock, SECOND * 3_600);
        assert!(!fence.is_over());
        assert!(fence.extend(SECOND * 7_200));
        assert_eq!(fence.until(), SECOND * 7_200);
        assert!(fence.extend(SECOND));
        assert_eq!(fence.until(), SECOND * 7_200, "never earlier");
        let over = Fence::new(&clock, 0);
        assert!(over.is_over() && !over.extend(SECOND * 7_200) && over.is_over());
    }

    #[test]
    fn before_the_start_nothing_is_over() {
        let fence = Fence::new(&Clock::starting_in(Duration::from_secs(60)), SECOND);
        assert!(!fence.is_over());
        assert!(!Fence::NONE.is_over() && Fence::NONE.extend(1));
        assert_eq!(Fence::NONE.until(), Nanos::MAX);
    }
}
