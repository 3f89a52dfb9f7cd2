//! Turns words that are nobody's into counts for monitoring, and into few lines of the log.

use crate::cluster::signed::Refused;
use crate::time::now;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing more is logged of what is said in somebody's name.
const QUIET: Duration = Duration::from_secs(60);
/// Names that are remembered for that. With more nothing is logged of others for so long.
const MOST: usize = 1_000;
/// Characters of a name that are logged: anybody may have chosen it.
const NAME: usize = 100;

/// What is carried by a coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Words {
    /// A worker's beat.
    Beat,
    /// A worker's snapshot.
    Snapshot,
    /// A run's journal and plan.
    Journal,
}

impl Words {
    const ALL: [Self; 3] = [Self::Beat, Self::Snapshot, Self::Journal];

    fn name(self) -> &'static str {
        match self {
            Self::Beat => "beat",
            Self::Snapshot => "snapshot",
            Self::Journal => "journal",
        }
    }
}

/// What was refused since the controller's start.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<Words, u64>,
    /// When it was logged last.
    told: BTreeMap<(Words, String), Instant>,
}

impl Refusals {
    /// Counts words that were said in this name, and logs them if that was not done lately.
    pub(super) fn note(&self, words: Words, whose: &str, why: Refused) {
        let whose: String = whose.chars().take(NAME).collect();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state.counts.entry(words).or_default() += 1;
        state.told.retain(|_, at| now().saturating_duration_since(*at) < QUIET);
        let full = state.told.len() >= MOST;
        if full || state.told.contains_key(&(words, whose.clone())) {
            return;
        }
        tracing::warn!("a {} of {whose:?} counts as not heard: {why}", words.name());
        state.told.insert((words, whose), now());
    }

    /// How many of each kind.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |words: Words| state.counts.get(&words).copied().unwrap_or(0);
        Words::ALL.map(|words| (words.name(), count(words))).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_what_is_remembered_is_bounded() {
        let refusals = Refusals::default();
        for name in 0..3 * MOST {
            refusals.note(Words::Beat, &name.to_string(), Refused::Forged);
            refusals.note(Words::Snapshot, &"long".repeat(NAME), Refused::Unsigned);
        }
        let counts = refusals.counts();
        assert_eq!((counts["beat"], counts["snapshot"], counts["journal"]), (3_000, 3_000, 0));
        let state = refusals.0.lock().unwrap();
        assert!(state.told.len() <= MOST);
        assert!(state.told.keys().all(|(_, name)| name.len() <= NAME));
    }
}
