//! Keeps the secrets of owners, which scenarios name, and puts their values into runs.
//!
//! A value is put into a run when that is made, sealed: so the run goes on with it whoever drives it, and
//! whatever becomes of the secret meanwhile.

use super::Controller;
use super::api::ControllerError;
use crate::cluster::Owner;
use crate::cluster::secrets::Secrets;
use crate::cluster::store::{Note, NoteKind, Page, ScenarioRecord};
use crate::scenario::{Document, is_secret_name};
use crate::time::unix_millis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Secrets of an owner.
pub const MOST_SECRETS: usize = 200;
/// Bytes of a secret's value.
pub const MAX_SECRET_BYTES: usize = 65_536;
/// How often a secret is tried to be kept. Only where others keep it meanwhile more than one is needed.
const TRIES: usize = 5;

/// A secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSecret {
    /// By what scenarios name it.
    pub name: String,
    /// When it was kept first, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// When it was given its value.
    pub changed_unix_ms: u64,
}

/// What is kept of a secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    created_unix_ms: u64,
    changed_unix_ms: u64,
    /// Owner, name and value, so that nobody is given what was sealed for somebody else.
    sealed: String,
}

impl Controller {
    /// Keeps a secret, in the place of one of that name; says whether there was none. Runs that go on keep
    /// the value that they have.
    ///
    /// # Errors
    /// When name or value are none, its owner has as many as may be, others keep it at the same time,
    /// another controller leads, or the store does not answer.
    pub async fn keep_secret(
        &self,
        owner: &Owner,
        name: &str,
        value: &str,
    ) -> Result<bool, ControllerError> {
        self.inner().must_lead()?;
        if !is_secret_name(name) || !(1..=MAX_SECRET_BYTES).contains(&value.len()) {
            let why = format!(
                "a secret has a name of 1 to 64 letters, digits or _, and a value of 1 to {MAX_SECRET_BYTES} bytes"
            );
            return Err(ControllerError::Refused(why));
        }
        let sealed = self.secrets().seal_text(&written(&(owner.as_str(), name, value)));
        for _ in 0..TRIES {
            let known = self.store().note(NoteKind::Secret, owner, name).await?;
            let now = unix_millis();
            let (revision, created_unix_ms) = match &known {
                Some(note) => (note.revision, read(note)?.created_unix_ms),
                None => {
                    self.has_room(owner).await?;
                    (0, now)
                }
            };
            let kept = Kept { created_unix_ms, changed_unix_ms: now, sealed: sealed.clone() };
            if self.store().keep_note(&note(owner, name, revision, &kept)).await? {
                return Ok(known.is_none());
            }
        }
        Err(ControllerError::Refused(format!("others change the secret {name}; try again")))
    }

    /// Deletes a secret; says whether it was there. Runs that go on keep its value.
    ///
    /// # Errors
    /// When another controller leads, or the store does not answer.
    pub async fn delete_secret(&self, owner: &Owner, name: &str) -> Result<bool, ControllerError> {
        self.inner().must_lead()?;
        Ok(self.store().delete_note(NoteKind::Secret, owner, name).await?)
    }

    /// The secrets of an owner in the order of their names, without values.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn known_secrets(&self, owner: &Owner) -> Result<Vec<KnownSecret>, ControllerError> {
        let page = Page { after: None, most: 2 * MOST_SECRETS };
        let notes = self.store().notes(NoteKind::Secret, Some(owner), &page).await?;
        let known = notes.iter().rev().map(|note| {
            let Kept { created_unix_ms, changed_unix_ms, .. } = read(note)?;
            Ok(KnownSecret { name: note.name.clone(), created_unix_ms, changed_unix_ms })
        });
        known.collect()
    }

    async fn has_room(&self, owner: &Owner) -> Result<(), ControllerError> {
        if self.known_secrets(owner).await?.len() < MOST_SECRETS {
            return Ok(());
        }
        let why = format!("a user has at most {MOST_SECRETS} secrets; delete one first");
        Err(ControllerError::Refused(why))
    }

    /// The values of those of the names that their owner has.
    pub(super) async fn values(
        &self,
        owner: &Owner,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, ControllerError> {
        let mut values = BTreeMap::new();
        // Nobody has more.
        for name in names.iter().take(MOST_SECRETS) {
            let Some(note) = self.store().note(NoteKind::Secret, owner, name).await? else {
                continue;
            };
            let clear = self.secrets().open_text(&read(&note)?.sealed);
            let clear =
                clear.and_then(|it| serde_json::from_slice::<(String, String, String)>(&it).ok());
            match clear {
                Some((of, called, value)) if of == owner.as_str() && called == *name => {
                    values.insert(called, value);
                }
                _ => {
                    return Err(ControllerError::Secrets(format!(
                        "the secret {name} was sealed with another key, or is another's; keep it again"
                    )));
                }
            }
        }
        Ok(values)
    }

    /// The values that a run of the scenario needs, sealed.
    pub(super) async fn sealed_values(
        &self,
        scenario: &ScenarioRecord,
    ) -> Result<String, ControllerError> {
        let names = Document::from_value(self.opened(&scenario.document)?)?.secret_names();
        if names.is_empty() {
            return Ok(String::new());
        }
        let values = self.values(&scenario.owner, &names).await?;
        Ok(self.secrets().seal_text(&written(&values)))
    }
}

/// The values that a run has.
pub(super) fn opened(
    sealed: &str,
    secrets: &Secrets,
) -> Result<BTreeMap<String, String>, ControllerError> {
    if sealed.is_empty() {
        return Ok(BTreeMap::new());
    }
    let clear = secrets.open_text(sealed).and_then(|clear| serde_json::from_slice(&clear).ok());
    clear.ok_or_else(|| {
        ControllerError::Secrets("the values of its secrets were sealed with another key".into())
    })
}

/// The note with its value sealed with the platform's key, where a key of before has sealed it.
pub(super) fn resealed(note: &Note, secrets: &Secrets) -> Result<Option<Note>, String> {
    let kept = read(note).map_err(|error| error.to_string())?;
    let sealed = secrets.reseal_text(&kept.sealed)?;
    Ok(sealed
        .map(|sealed| self::note(&note.owner, &note.name, note.revision, &Kept { sealed, ..kept })))
}

/// Texts and numbers, which can be written.
fn written(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn note(owner: &Owner, name: &str, revision: u64, kept: &Kept) -> Note {
    let document = serde_json::to_value(kept).unwrap_or_default();
    Note { kind: NoteKind::Secret, owner: owner.clone(), name: name.to_owned(), revision, document }
}

fn read(note: &Note) -> Result<Kept, ControllerError> {
    serde_json::from_value(note.document.clone()).map_err(|error| {
        ControllerError::Secrets(format!(
            "the secret {} is damaged ({error}); keep it again",
            note.name
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn scenario(body: &str) -> Value {
        json!({
            "name": "a", "targetUrl": "http://127.0.0.1:9/", "durationSeconds": 1, "body": body,
            "autoStart": false,
        })
    }

    #[tokio::test]
    async fn a_secret_is_its_owners_and_its_value_is_not_listed() {
        let platform = Controller::in_process(0).await.unwrap();
        let (ann, bob) = (Owner::from("ann"), Owner::from("bob"));
        assert!(platform.keep_secret(&ann, "B", "of-ann").await.unwrap());
        assert!(platform.keep_secret(&ann, "A", "first").await.unwrap());
        assert!(!platform.keep_secret(&ann, "A", "second").await.unwrap());
        assert!(platform.keep_secret(&bob, "A", "of-bob").await.unwrap());
        let known = platform.known_secrets(&ann).await.unwrap();
        assert_eq!(known.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
        assert!(known[0].changed_unix_ms >= known[0].created_unix_ms);
        let values = platform.values(&ann, &names(&["A", "C"])).await.unwrap();
        assert_eq!(values, BTreeMap::from([("A".to_owned(), "second".to_owned())]));
        assert!(!platform.delete_secret(&bob, "B").await.unwrap());
        assert!(platform.delete_secret(&ann, "B").await.unwrap());
        // What was sealed for somebody else is nobody's, though it be put in another's place.
        let mut note = platform.store().note(NoteKind::Secret, &ann, "A").await.unwrap().unwrap();
        note = Note { owner: bob.clone(), name: "MINE".into(), revision: 0, ..note };
        assert!(platform.store().keep_note(&note).await.unwrap());
        let told = platform.values(&bob, &names(&["MINE"])).await.unwrap_err().to_string();
        assert!(told.contains("the secret MINE") && !told.contains("second"), "{told}");
    }

    #[tokio::test]
    async fn names_and_values_have_limits() {
        let platform = Controller::in_process(0).await.unwrap();
        let ann = Owner::from("ann");
        for (name, value) in [("", "v"), ("1", "v"), ("a-b", "v"), ("A", "")] {
            assert!(platform.keep_secret(&ann, name, value).await.is_err(), "{name}");
        }
        let longest = "v".repeat(MAX_SECRET_BYTES);
        assert!(platform.keep_secret(&ann, "A0", &longest).await.unwrap());
        assert!(platform.keep_secret(&ann, "A0", &format!("{longest}v")).await.is_err());
        for number in 1..MOST_SECRETS {
            assert!(platform.keep_secret(&ann, &format!("A{number}"), "v").await.unwrap());
        }
        let told = platform.keep_secret(&ann, "MORE", "v").await.unwrap_err().to_string();
        assert!(told.contains("at most 200 secrets"), "{told}");
        assert!(!platform.keep_secret(&ann, "A7", "another").await.unwrap());
    }

    #[tokio::test]
    async fn a_run_has_the_values_of_the_moment_at_which_it_was_made() {
        let platform = Controller::in_process(0).await.unwrap();
        let ann = Owner::from("ann");
        let document = scenario("<${secret:TOKEN}>");
        let told = platform.create_scenario(&ann, document.clone(), None).await.unwrap_err();
        assert!(told.to_string().contains("body: the secret TOKEN is not known"), "{told}");
        platform.keep_secret(&ann, "TOKEN", "first-value").await.unwrap();
        let made = platform.create_scenario(&ann, document.clone(), None).await.unwrap();
        let run = async || {
            let run = platform.start_scenario(&ann, &made.scenario_id, None).await.unwrap();
            platform.record(&ann, &run.run_id.unwrap()).await.unwrap().unwrap()
        };
        let first = run().await;
        platform.keep_secret(&ann, "TOKEN", "second-value").await.unwrap();
        let second = run().await;
        platform.delete_secret(&ann, "TOKEN").await.unwrap();
        for (record, body) in [(&first, "<first-value>"), (&second, "<second-value>")] {
            let scenario = platform.inner().open(record).unwrap();
            assert_eq!(scenario.body, body);
            assert_eq!(scenario.public_value()["body"], "<${secret:TOKEN}>");
            assert!(!json!(record).to_string().contains("-value"));
        }
        assert_eq!(first.scenario["body"], "<${secret:TOKEN}>");
        // Another owner's secret of the same name is none.
        platform.keep_secret(&"bob".into(), "TOKEN", "of-bob").await.unwrap();
        assert!(platform.validate(&ann, document).await.is_err());
    }
}
