//! The header Idempotency-Key into one making of what is asked for, however often it is asked for.
//!
//! A call with a key is kept before anything is made, with the ids of what it makes. Whoever makes
//! the same call again, at once, after an error, or of another controller after this one was killed,
//! goes on with the same ids, of which the store keeps each once. What the call answers follows from
//! the ids alone, so that it is the same each time.

use crate::problem::{Kind, Problem};
use crate::state::Platform;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use loadcore::cluster::store::{CALL_KEPT, CallRecord, KeptCall};
use loadcore::cluster::{Owner, RunId, ScenarioId};
use loadcore::time::unix_millis;
use serde_json::Value;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The header.
pub const KEY_HEADER: &str = "idempotency-key";

/// Characters of a key.
pub const MAX_KEY: usize = 255;

/// The most keys that are remembered of one user.
const MOST_KEYS: usize = 10_000;

/// Calls with keys that go on at once, at most; others wait for one of them.
const PLACES: usize = 256;

/// The key of a call, where it has one.
pub struct Key(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut lines = parts.headers.get_all(KEY_HEADER).iter();
        let Some(line) = lines.next() else { return Ok(Self(None)) };
        match line.to_str() {
            Ok(key)
                if (1..=MAX_KEY).contains(&key.len())
                    && key.bytes().all(|byte| byte.is_ascii_graphic())
                    && lines.next().is_none() =>
            {
                Ok(Self(Some(key.to_owned())))
            }
            _ => {
                let detail = format!(
                    "Idempotency-Key is one text of 1 to {MAX_KEY} visible ASCII characters"
                );
                Err(Problem::new(Kind::BadRequest, detail))
            }
        }
    }
}

/// Lets one call at a time go on under a key. Clones are the same one.
#[derive(Clone)]
pub struct Places(Arc<[Arc<Mutex<()>>]>);

impl Default for Places {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Arc::default()).collect())
    }
}

impl Places {
    async fn wait(&self, owner: &Owner, key: &str) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        (owner, key).hash(&mut hasher);
        let place = hasher.finish() as usize % self.0.len();
        Arc::clone(&self.0[place]).lock_owned().await
    }
}

/// A call that makes something, and its key if it has one.
pub struct Call<'a> {
    platform: &'a Platform,
    owner: &'a Owner,
    keyed: Option<Keyed>,
}

struct Keyed {
    key: String,
    fingerprint: String,
    known: Option<CallRecord>,
    _place: OwnedMutexGuard<()>,
}

impl<'a> Call<'a> {
    /// The call named `what`, a method and a path, with what it was given.
    ///
    /// # Errors
    /// When its key is another call's, or the store does not answer.
    pub async fn of(
        platform: &'a Platform,
        places: &Places,
        owner: &'a Owner,
        key: Key,
        what: &str,
        given: &Value,
    ) -> Result<Call<'a>, Problem> {
        let Some(key) = key.0 else { return Ok(Call { platform, owner, keyed: None }) };
        let place = places.wait(owner, &key).await;
        let fingerprint = platform.secrets.fingerprint(format!("{what} {given}").as_bytes());
        let known = platform.store.call(owner, &key).await?;
        let known = known.filter(|known| known.at_unix_ms >= oldest());
        if let Some(known) = &known {
            same(known, &fingerprint)?;
        }
        let keyed = Some(Keyed { key, fingerprint, known, _place: place });
        Ok(Call { platform, owner, keyed })
    }

    /// What the call made, where it was carried out before.
    #[must_use]
    pub fn made(&self) -> Option<&CallRecord> {
        self.keyed.as_ref()?.known.as_ref().filter(|known| known.finished)
    }

    /// What it is to make: these, or what was chosen when it was begun before.
    ///
    /// # Errors
    /// When too many keys are remembered, or the store does not answer.
    pub async fn begin(
        &self,
        scenario_id: ScenarioId,
        run_id: Option<RunId>,
    ) -> Result<CallRecord, Problem> {
        let mut new = CallRecord {
            owner: self.owner.clone(),
            key: String::new(),
            at_unix_ms: unix_millis(),
            fingerprint: String::new(),
            scenario_id,
            run_id,
            finished: false,
        };
        let Some(keyed) = &self.keyed else { return Ok(new) };
        new.key.clone_from(&keyed.key);
        new.fingerprint.clone_from(&keyed.fingerprint);
        match self.platform.store.keep_call(&new, oldest(), MOST_KEYS).await? {
            KeptCall::New => Ok(new),
            KeptCall::Known(known) => same(&known, &keyed.fingerprint).map(|()| known),
            KeptCall::Full => Err(Problem::new(
                Kind::TooManyKeys,
                format!(
                    "{MOST_KEYS} keys of this user are remembered, each for a day, which is the \
                     limit: call without Idempotency-Key, or later"
                ),
            )),
        }
    }

    /// Notes that all of it was made: it is not made again, though it were deleted meanwhile.
    pub async fn finish(self) {
        let Some(keyed) = &self.keyed else { return };
        if let Err(error) = self.platform.store.finish_call(self.owner, &keyed.key).await {
            // What it made is there, and whoever asks again is answered the same.
            tracing::warn!("a call with a key was carried out, and not noted as such: {error}");
        }
    }
}

/// Calls before this moment are forgotten.
fn oldest() -> u64 {
    unix_millis().saturating_sub(CALL_KEPT.as_millis() as u64)
}

fn same(known: &CallRecord, fingerprint: &str) -> Result<(), Problem> {
    if known.fingerprint == fingerprint {
        return Ok(());
    }
    let detail = "this Idempotency-Key was given with another body or to another call within the \
                  last day: give each call a key of its own";
    Err(Problem::new(Kind::KeyReused, detail))
}
