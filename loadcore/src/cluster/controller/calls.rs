//! Turns a caller's key into one making of what is asked for, however often it is asked for.
//!
//! A call with a key is kept before anything is made, with the ids of what it makes. Whoever makes
//! the same call again, at once, after an error, or of another controller after this one was killed,
//! goes on with the same ids, of which the store keeps each once. What the call answers follows from
//! the ids alone, so that it is the same each time.

use super::Inner;
use super::api::{ControllerError, Made};
use crate::cluster::store::{CALL_KEPT, CallRecord, KeptCall};
use crate::cluster::{Owner, RunId, ScenarioId};
use crate::time::unix_millis;
use serde_json::Value;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Characters of a key.
pub const MAX_KEY: usize = 255;

/// The most keys that are remembered of one owner.
const MOST_KEYS: usize = 10_000;

/// Calls with keys that go on at once, at most; others wait for one of them.
const PLACES: usize = 256;

/// Lets one call at a time go on under a key.
pub(super) struct Places(Vec<Arc<Mutex<()>>>);

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
pub(super) struct Call<'a> {
    inner: &'a Inner,
    owner: &'a Owner,
    keyed: Option<Keyed>,
}

struct Keyed {
    key: String,
    /// Which call it is, with all that it was given.
    text: String,
    known: Option<CallRecord>,
    _place: OwnedMutexGuard<()>,
}

impl From<&CallRecord> for Made {
    fn from(call: &CallRecord) -> Self {
        Self {
            scenario_id: call.scenario_id.clone(),
            run_id: call.run_id.clone(),
            at_unix_ms: call.at_unix_ms,
        }
    }
}

impl<'a> Call<'a> {
    /// The call named `what` with what it was given. Names are kept, as part of fingerprints.
    ///
    /// # Errors
    /// When its key is another call's, or the store does not answer.
    pub(super) async fn of(
        inner: &'a Inner,
        owner: &'a Owner,
        key: Option<&str>,
        what: &str,
        given: &Value,
    ) -> Result<Call<'a>, ControllerError> {
        let Some(key) = key else { return Ok(Call { inner, owner, keyed: None }) };
        let place = inner.places.wait(owner, key).await;
        let text = format!("{what} {given}");
        let known = inner.store.call(owner, key).await?;
        let known = known.filter(|known| known.at_unix_ms >= oldest());
        if let Some(known) = &known {
            same(inner, known, &text)?;
        }
        let keyed = Some(Keyed { key: key.to_owned(), text, known, _place: place });
        Ok(Call { inner, owner, keyed })
    }

    /// What the call made, where it was carried out before.
    pub(super) fn made(&self) -> Option<Made> {
        let known = self.keyed.as_ref()?.known.as_ref();
        known.filter(|known| known.finished).map(Made::from)
    }

    /// What it is to make: these, or what was chosen when it was begun before.
    ///
    /// # Errors
    /// When too many keys are remembered, or the store does not answer.
    pub(super) async fn begin(
        &self,
        scenario_id: ScenarioId,
        run_id: Option<RunId>,
    ) -> Result<Made, ControllerError> {
        let at_unix_ms = unix_millis();
        let Some(keyed) = &self.keyed else {
            return Ok(Made { scenario_id, run_id, at_unix_ms });
        };
        let new = CallRecord {
            owner: self.owner.clone(),
            key: keyed.key.clone(),
            at_unix_ms,
            fingerprint: self.inner.options.secrets.fingerprint(keyed.text.as_bytes()),
            scenario_id,
            run_id,
            finished: false,
        };
        match self.inner.store.keep_call(&new, oldest(), MOST_KEYS).await? {
            KeptCall::New => Ok(Made::from(&new)),
            KeptCall::Known(known) => {
                same(self.inner, &known, &keyed.text).map(|()| Made::from(&known))
            }
            KeptCall::Full => Err(ControllerError::TooManyKeys(MOST_KEYS)),
        }
    }

    /// Notes that all of it was made: it is not made again, though it were deleted meanwhile.
    pub(super) async fn finish(self) {
        let Some(keyed) = &self.keyed else { return };
        if let Err(error) = self.inner.store.finish_call(self.owner, &keyed.key).await {
            // What it made is there, and a caller that asks again gets the same answer.
            tracing::warn!("a call with a key was carried out, and not noted as such: {error}");
        }
    }
}

/// Calls before this moment are forgotten.
fn oldest() -> u64 {
    unix_millis().saturating_sub(CALL_KEPT.as_millis() as u64)
}

fn same(inner: &Inner, known: &CallRecord, text: &str) -> Result<(), ControllerError> {
    match inner.options.secrets.is_fingerprint(&known.fingerprint, text.as_bytes()) {
        true => Ok(()),
        false => Err(ControllerError::KeyReused),
    }
}
