//! Turns how often a user has asked into how long they have to wait.

use loadcore::cluster::Owner;
use loadcore::time::now;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls of a user that may come at once, after a rest.
const BURST: f64 = 400.0;
/// Calls of a user in a second, in the long run.
const RATE: f64 = 40.0;
/// Users who are told apart; where there are more, those who have rested longest are forgotten.
const MOST_USERS: usize = 10_000;

/// How much each user may ask yet.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<Owner, Left>>);

/// What was left to a user, at a moment.
#[derive(Debug, Clone, Copy)]
struct Left {
    calls: f64,
    at: Instant,
}

impl Left {
    fn now(self, at: Instant) -> f64 {
        let since = at.saturating_duration_since(self.at).as_secs_f64();
        (self.calls + since * RATE).min(BURST)
    }
}

impl Pace {
    /// Counts a call of a user.
    ///
    /// # Errors
    /// When they have none left: how long until they have one.
    pub(super) fn take(&self, owner: &Owner) -> Result<(), Duration> {
        self.take_at(owner, now())
    }

    fn take_at(&self, owner: &Owner, at: Instant) -> Result<(), Duration> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = users.get(owner).map_or(BURST, |left| left.now(at));
        if calls < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - calls) / RATE));
        }
        if users.len() >= MOST_USERS && !users.contains_key(owner) {
            // Who has all of it again is as one who never came.
            users.retain(|_, left| left.now(at) < BURST);
        }
        if users.len() < MOST_USERS || users.contains_key(owner) {
            users.insert(owner.clone(), Left { calls: calls - 1.0, at });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_asks_too_often_waits_and_others_do_not() {
        let (pace, begun) = (Pace::default(), now());
        let (ann, bob) = (Owner::from("ann"), Owner::from("bob"));
        let made = (0..1_000).filter(|_| pace.take_at(&ann, begun).is_ok()).count();
        assert_eq!(made, 400);
        let wait = pace.take_at(&ann, begun).unwrap_err();
        assert!((0.02..0.03).contains(&wait.as_secs_f64()), "{wait:?}");
        assert!(pace.take_at(&bob, begun).is_ok());
        assert!(pace.take_at(&ann, begun + wait).is_ok());
        assert!(pace.take_at(&ann, begun + wait).is_err());
        let rested = begun + Duration::from_secs(3_600);
        let made = (0..1_000).filter(|_| pace.take_at(&ann, rested).is_ok()).count();
        assert_eq!(made, 400, "rest is not saved beyond the burst");
    }

    #[test]
    fn many_users_take_bounded_memory() {
        let (pace, begun) = (Pace::default(), now());
        for n in 0..MOST_USERS + 500 {
            assert!(pace.take_at(&Owner::from(format!("u{n}")), begun).is_ok());
        }
        assert!(pace.0.lock().unwrap().len() <= MOST_USERS);
        let later = begun + Duration::from_secs(60);
        assert!(pace.take_at(&Owner::from("new"), later).is_ok());
        assert_eq!(pace.0.lock().unwrap().len(), 1, "those who have rested are forgotten");
    }
}
