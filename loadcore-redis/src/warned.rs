//! Turns a value that cannot be read into one line of the log for each place, because it is met
//! again each second.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// Places that are remembered. With more than that it begins anew, and says some of them again.
const MOST: usize = 1_000;

/// Which places were warned of.
#[derive(Default)]
pub(crate) struct Warned {
    places: Mutex<BTreeSet<String>>,
}

impl Warned {
    /// Says that `what` called `name` cannot be read, unless it was said before; whether it did.
    pub(crate) fn once(&self, what: &str, name: &[u8], why: &impl Display) -> bool {
        let place = format!("{what} {:?}", String::from_utf8_lossy(name));
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.contains(&place) {
            return false;
        }
        if places.len() >= MOST {
            places.clear();
        }
        tracing::warn!("{place} is left out: {why}");
        places.insert(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_warned_of_once_and_the_memory_of_it_is_bounded() {
        let warned = Warned::default();
        assert!(warned.once("the report of worker", b"w", &"why"));
        assert!(!warned.once("the report of worker", b"w", &"why"));
        for name in 0..5 * MOST {
            assert!(warned.once("the snapshot", name.to_string().as_bytes(), &"why"));
        }
        assert!(warned.places.lock().unwrap().len() <= MOST);
    }
}
