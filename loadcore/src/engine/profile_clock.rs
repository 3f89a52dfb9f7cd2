//! Turns the run's clock into the profile's, which stands still during the warm-up and in pauses.
//!
//! A token that fell due before a pause keeps its place on the run's clock, however many pauses
//! come before it is sent: its wait is real. So the clock remembers where each stretch began.

use crate::time::Nanos;

/// Maps run time to profile time and back.
#[derive(Debug, Clone)]
pub(crate) struct ProfileClock {
    /// Stretches in which both clocks go alike; never empty, one more for each pause.
    stretches: Vec<Stretch>,
    /// Profile time at which it stands.
    paused_at: Option<Nanos>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    profile: Nanos,
    run: Nanos,
}

impl ProfileClock {
    /// Shows 0 until `zero` on the run's clock.
    pub(crate) fn new(zero: Nanos) -> Self {
        Self { stretches: vec![Stretch { profile: 0, run: zero }], paused_at: None }
    }

    /// Profile time at `run`. `run` must not precede the last pause's end.
    #[inline]
    pub(crate) fn profile(&self, run: Nanos) -> Nanos {
        let last = self.last();
        let time = last.profile + run.saturating_sub(last.run);
        self.paused_at.map_or(time, |paused| time.min(paused))
    }

    /// Profile time at any `run`, past ones before pauses too.
    pub(crate) fn profile_at(&self, run: Nanos) -> Nanos {
        let after = self.stretches.partition_point(|stretch| stretch.run <= run);
        let Some(before) = after.checked_sub(1) else { return 0 };
        let Stretch { profile, run: began } = self.stretches[before];
        let until = self.stretches.get(after).map_or(self.paused_at, |next| Some(next.profile));
        let time = profile + (run - began);
        until.map_or(time, |until| time.min(until))
    }

    /// When `profile` was, is or will be, if no further pause comes.
    #[inline]
    pub(crate) fn run(&self, profile: Nanos) -> Nanos {
        let stretch = match &self.stretches[..] {
            [only] => only,
            // What was due at the very moment of the pause was due before it.
            [first, later @ ..] => {
                later.iter().rev().find(|stretch| stretch.profile < profile).unwrap_or(first)
            }
            [] => unreachable!("there is always a stretch"),
        };
        stretch.run + (profile - stretch.profile)
    }

    pub(crate) fn pause(&mut self, run: Nanos) {
        if self.paused_at.is_none() {
            self.paused_at = Some(self.profile(run));
        }
    }

    pub(crate) fn resume(&mut self, run: Nanos) {
        if let Some(profile) = self.paused_at.take() {
            // A pause that was over before the profile began has changed nothing.
            let run = run.max(self.last().run);
            self.stretches.push(Stretch { profile, run });
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused_at.is_some()
    }

    fn last(&self) -> Stretch {
        self.stretches[self.stretches.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stop_the_profile_and_move_what_comes_after() {
        let mut clock = ProfileClock::new(100);
        assert_eq!((clock.profile(50), clock.profile(150), clock.run(50)), (0, 50, 150));
        clock.pause(200);
        assert_eq!((clock.profile(500), clock.is_paused()), (100, true));
        clock.resume(1_000);
        assert_eq!((clock.profile(1_010), clock.is_paused()), (110, false));
        let mut early = ProfileClock::new(100);
        early.pause(20);
        early.resume(30);
        assert_eq!((early.profile(90), early.profile(150), early.run(50)), (0, 50, 150));
        // Before, in and after the pause.
        assert_eq!([150, 600, 1_010].map(|run| clock.profile_at(run)), [50, 100, 110]);
        assert_eq!(clock.profile_at(50), 0);
        // Before, at and after the pause.
        assert_eq!((clock.run(60), clock.run(100), clock.run(101)), (160, 200, 1_001));
        clock.pause(1_100);
        clock.resume(1_200);
        assert_eq!((clock.run(60), clock.run(150), clock.run(201)), (160, 1_050, 1_201));
    }
}
