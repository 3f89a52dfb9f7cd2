//! Turns what controllers and workers say to each other into signed words, and those back into who said them.
//!
//! Words are carried by a coordinator that others may write too. So each is signed together with
//! what it is [`About`]: it cannot be changed, said in another's name, or moved to another run,
//! another place of a journal, or another worker. A platform signs with a key that follows from its
//! secret one, and is the same for all its controllers; a worker with one that is made at its start,
//! and its id ends with the public half. So nobody has to look up whose key is whose.

use super::coordinator::SnapshotRecord;
use super::journal::Epoch;
use super::{RunId, WorkerId};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use serde_json::json;
use std::fmt;
use std::str::FromStr;

/// Bytes of a public key.
const KEY: usize = 32;
/// The same as text.
const KEY_TEXT: usize = 43;
/// Bytes of a signature as text.
const SIGNATURE_TEXT: usize = 86;

/// A public key of Ed25519: a platform's or a worker's. As text it has 43 characters, none of which
/// means anything in a URL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let key = BASE64.decode(text.trim()).ok().and_then(|key| key.try_into().ok());
        key.map(Self).ok_or_else(|| {
            format!(
                "{text:?} is no public key: it has {KEY_TEXT} letters, digits, - and _, as \
                 loadcore-controller key prints them"
            )
        })
    }
}

/// Who signs: a platform or a worker.
pub struct Signer {
    pair: Ed25519KeyPair,
    key: PublicKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.key)
    }
}

impl Signer {
    /// With a new key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, String> {
        let mut seed = [0; KEY];
        aws_lc_rs::rand::fill(&mut seed)
            .map_err(|_| "the system has no randomness for a key".to_owned())?;
        Ok(Self::of(&seed))
    }

    /// With the key that follows from a secret.
    pub(super) fn of(seed: &[u8; KEY]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        let mut key = [0; KEY];
        key.copy_from_slice(pair.public_key().as_ref());
        Self { pair, key: PublicKey(key) }
    }

    /// The public half of its key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// Signed words: the key, the signature and what is said, with dots between. The same words about
    /// the same have the same signature, whichever controller of a platform says them.
    #[must_use]
    pub fn say(&self, about: &About<'_>, said: &[u8]) -> Bytes {
        let signature = BASE64.encode(self.pair.sign(&about.with(said)));
        [format!("{}.{signature}.", self.key).as_bytes(), said].concat().into()
    }
}

/// Answers who said these words about this, and what was said.
///
/// # Errors
/// When nobody has: the words are not signed, or were signed about something else.
pub fn hear(about: &About<'_>, words: &Bytes) -> Result<(PublicKey, Bytes), Refused> {
    let parts = || {
        let key = words.get(..KEY_TEXT)?;
        let signature = words.get(KEY_TEXT + 1..KEY_TEXT + 1 + SIGNATURE_TEXT)?;
        let dots = [words.get(KEY_TEXT)?, words.get(KEY_TEXT + 1 + SIGNATURE_TEXT)?];
        let key = str::from_utf8(key).ok()?.parse::<PublicKey>().ok()?;
        (dots == [&b'.', &b'.']).then_some((key, BASE64.decode(signature).ok()?))
    };
    let (key, signature) = parts().ok_or(Refused::Unsigned)?;
    let said = words.slice(KEY_TEXT + SIGNATURE_TEXT + 2..);
    let holds = UnparsedPublicKey::new(&ED25519, key.0).verify(&about.with(&said), &signature);
    holds.map_err(|_| Refused::Forged)?;
    Ok((key, said))
}

/// What words are about: it is signed with them.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// A platform says what stands in this place of a run's journal.
    Line(&'a RunId, u64),
    /// A platform says that a run is closed.
    End(&'a RunId),
    /// A platform says what a run's plan is.
    Plan(&'a RunId),
    /// A platform says up to which number it keeps a worker's snapshots.
    Kept(&'a RunId, &'a WorkerId, Epoch),
    /// A worker says how it is.
    Beat(&'a WorkerId),
    /// A worker says what it has measured: the snapshot's bytes, under this head.
    Snapshot(&'a SnapshotRecord),
}

impl About<'_> {
    /// What is signed: a line of JSON, in which no text can pass for another, and what is said.
    fn with(&self, said: &[u8]) -> Vec<u8> {
        let about = match self {
            Self::Line(run, place) => json!(["loadcore line of a journal", run, place]),
            Self::End(run) => json!(["loadcore end of a run", run]),
            Self::Plan(run) => json!(["loadcore plan of a run", run]),
            Self::Kept(run, worker, epoch) => {
                json!(["loadcore snapshots that are kept", run, worker, epoch])
            }
            Self::Beat(worker) => json!(["loadcore beat of a worker", worker]),
            Self::Snapshot(it) => json!([
                "loadcore snapshot of a worker",
                it.run,
                it.worker,
                it.epoch,
                it.seq,
                it.elapsed_ns,
                it.is_final
            ]),
        };
        [about.to_string().as_bytes(), b"\n", said].concat()
    }
}

/// Why words count as not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refused {
    /// They have no signature.
    #[error("it is not signed")]
    Unsigned,
    /// They have one of something else.
    #[error("its signature does not hold: it was changed, moved, or said in another's name")]
    Forged,
    /// Somebody else signed them.
    #[error("it is signed with another's key, {0}")]
    Stranger(PublicKey),
    /// They are signed as they should be, and cannot be understood.
    #[error("it cannot be read, although its signature holds")]
    Illegible,
}

/// What comes before the key in a worker's id.
const WORKER: &str = "w";

impl WorkerId {
    /// Of the worker that signs with this key. People see a few characters of `name` first.
    #[must_use]
    pub fn of(name: &str, key: PublicKey) -> Self {
        Self(format!("{name}.{key}"))
    }

    /// Of a worker that has no other name.
    #[must_use]
    pub fn of_key(key: PublicKey) -> Self {
        Self::of(WORKER, key)
    }

    /// With which key the worker signs; `None` for an id of before protocol 3, which names none.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.0.rsplit_once('.')?.1.parse().ok()
    }

    /// What the worker says of this.
    ///
    /// # Errors
    /// When the worker has not said it.
    pub(super) fn hear(&self, about: &About<'_>, words: &Bytes) -> Result<Bytes, Refused> {
        let (key, said) = hear(about, words)?;
        if self.key() == Some(key) { Ok(said) } else { Err(Refused::Stranger(key)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(change: impl Fn(&mut SnapshotRecord)) -> SnapshotRecord {
        let mut it = crate::cluster::conformance::a_snapshot("w", 1, 1);
        change(&mut it);
        it
    }

    #[test]
    fn words_hold_about_what_they_were_said_alone() {
        let signer = Signer::random().unwrap();
        let (run, other): (RunId, RunId) = ("r".into(), "r\",1".into());
        let (worker, another): (WorkerId, WorkerId) = ("w".into(), "v".into());
        let snapshots = [
            snapshot(|_| {}),
            snapshot(|it| it.run = "q".into()),
            snapshot(|it| it.worker = "v".into()),
            snapshot(|it| it.epoch = 2),
            snapshot(|it| it.seq = 2),
            snapshot(|it| it.elapsed_ns = 2),
            snapshot(|it| it.is_final = true),
        ];
        let mut abouts = vec![
            About::Line(&run, 1),
            About::Line(&run, 2),
            About::Line(&other, 1),
            About::End(&run),
            About::End(&other),
            About::Plan(&run),
            About::Kept(&run, &worker, 1),
            About::Kept(&run, &another, 1),
            About::Kept(&run, &worker, 2),
            About::Beat(&worker),
            About::Beat(&another),
        ];
        abouts.extend(snapshots.iter().map(About::Snapshot));
        for (number, about) in abouts.iter().enumerate() {
            let words = signer.say(about, b"said");
            assert_eq!(hear(about, &words), Ok((signer.key(), Bytes::from_static(b"said"))));
            for (other, elsewhere) in abouts.iter().enumerate() {
                let moved = hear(elsewhere, &words);
                assert_eq!(moved.is_ok(), number == other, "{about:?} as {elsewhere:?}");
            }
        }
    }

    #[test]
    fn words_that_were_changed_or_cut_are_nobodys() {
        let (run, signer) = (RunId::from("r"), Signer::random().unwrap());
        let about = About::End(&run);
        let words = signer.say(&about, b"said");
        for at in 0..words.len() {
            let mut changed = words.to_vec();
            changed[at] ^= 1;
            assert!(hear(&about, &changed.into()).is_err(), "changed at {at}");
            assert!(hear(&about, &words.slice(..at)).is_err(), "cut at {at}");
        }
        assert_eq!(hear(&about, &Bytes::new()), Err(Refused::Unsigned));
        assert_eq!(hear(&about, &Bytes::from_static(b"{}")), Err(Refused::Unsigned));
    }

    #[test]
    fn a_worker_is_heard_under_its_own_id_alone() {
        let (ours, other) = (Signer::random().unwrap(), Signer::random().unwrap());
        let id = WorkerId::of("a.b", ours.key());
        assert_eq!(id.key(), Some(ours.key()));
        assert_eq!(WorkerId::from("018f-no-key").key(), None);
        let about = About::Beat(&id);
        assert!(id.hear(&about, &ours.say(&about, b"x")).is_ok());
        let forged = id.hear(&about, &other.say(&about, b"x"));
        assert_eq!(forged, Err(Refused::Stranger(other.key())));
    }

    #[test]
    fn a_key_is_read_as_it_is_shown_and_nothing_else_is() {
        let key = Signer::random().unwrap().key();
        assert_eq!(format!(" {key}\n").parse(), Ok(key));
        for text in ["", "AAAA", &key.to_string()[1..], &format!("{key}A")] {
            let error = text.parse::<PublicKey>().unwrap_err();
            assert!(error.contains("43 letters"), "{error}");
        }
    }
}
