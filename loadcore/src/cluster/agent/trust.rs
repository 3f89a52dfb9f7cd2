//! Decides whom a worker believes: the platform whose key it was given, or else the first that it
//! hears.

use crate::cluster::RunId;
use crate::cluster::journal::{Entry, Line};
use crate::cluster::signed::{About, PublicKey, Refused, hear};
use bytes::Bytes;
use std::sync::OnceLock;

/// The key of the platform that a worker works for.
#[derive(Debug)]
pub(super) struct Trust(OnceLock<PublicKey>);

impl Trust {
    /// In the platform with this key; else in the first that is heard, until the worker ends.
    pub(super) fn new(given: Option<PublicKey>) -> Self {
        Self(given.map(OnceLock::from).unwrap_or_default())
    }

    /// What the platform says about this.
    pub(super) fn hear(&self, about: &About<'_>, words: &Bytes) -> Result<Bytes, Refused> {
        let (key, said) = hear(about, words)?;
        let trusted = self.0.get_or_init(|| {
            tracing::warn!(
                "this worker was given no platform key: until it ends it believes the first platform \
                 that it has heard, {key}. Give it that key with --platform-key, and it believes \
                 nobody else from the start"
            );
            key
        });
        if *trusted == key { Ok(said) } else { Err(Refused::Stranger(key)) }
    }

    /// What a line says in this place of a run's journal.
    pub(super) fn entry(&self, run: &RunId, place: u64, line: &Line) -> Result<Entry, Refused> {
        line.read(run, place, |about, words| self.hear(about, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::signed::Signer;

    #[test]
    fn who_was_given_no_key_believes_the_first_platform_and_no_other() {
        let (first, second) = (Signer::random().unwrap(), Signer::random().unwrap());
        let run = RunId::from("r");
        let about = About::Plan(&run);
        let [says, says_too] = [&first, &second].map(|it| it.say(&about, b"plan"));
        let trusting = Trust::new(None);
        assert_eq!(trusting.hear(&about, &Bytes::from_static(b"plan")), Err(Refused::Unsigned));
        assert!(trusting.hear(&about, &says).is_ok(), "what is nobody's was not believed");
        assert_eq!(trusting.hear(&about, &says_too), Err(Refused::Stranger(second.key())));
        let knowing = Trust::new(Some(second.key()));
        assert_eq!(knowing.hear(&about, &says), Err(Refused::Stranger(first.key())));
        assert!(knowing.hear(&about, &says_too).is_ok());
    }
}
