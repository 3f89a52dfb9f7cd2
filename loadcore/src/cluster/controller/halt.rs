//! Turns the wish that everything stops into runs that end and starts that are refused, until it is
//! lifted.
//!
//! It is a note, so that it outlasts restarts and holds for every controller: each reads it twice a
//! second, and drivers look at what was read at each step. Whoever starts a run asks the store itself.

use super::api::ControllerError;
use super::{Controller, Inner};
use crate::cluster::Owner;
use crate::cluster::store::{Note, NoteKind};
use crate::time::unix_millis;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often each controller reads whether the platform is halted.
const LOOK: Duration = Duration::from_millis(500);
/// Tries to write the note while others write it.
const TRIES: u32 = 10;
/// Its place: it is nobody's and there is one.
const PLACE: (&str, &str) = ("platform", "halt");

/// That nothing may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Halt {
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: Owner,
    /// Since when, in milliseconds since 1970.
    pub since_unix_ms: u64,
}

/// As the timeline has it.
impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the platform was halted by {}: {}", self.by, self.reason)
    }
}

impl Controller {
    /// Ends all runs, and lets none start. Whoever leads hears of it within half a second. A halted
    /// platform has the newest reason.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn halt(&self, reason: &str, by: &Owner) -> Result<Halt, ControllerError> {
        let halt = Halt { reason: reason.to_owned(), by: by.clone(), since_unix_ms: unix_millis() };
        let (owner, name) = (Owner::from(PLACE.0), PLACE.1.to_owned());
        for _ in 0..TRIES {
            let known = self.store().note(NoteKind::Halt, &owner, &name).await?;
            let note = Note {
                kind: NoteKind::Halt,
                owner: owner.clone(),
                name: name.clone(),
                revision: known.map_or(0, |note| note.revision),
                document: json!(halt),
            };
            if self.store().keep_note(&note).await? {
                break;
            }
        }
        self.inner().read_halt().await?;
        Ok(halt)
    }

    /// Lets runs start again; says whether they could not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn lift_halt(&self) -> Result<bool, ControllerError> {
        let deleted = self.store().delete_note(NoteKind::Halt, &PLACE.0.into(), PLACE.1).await?;
        self.inner().read_halt().await?;
        Ok(deleted)
    }

    /// Why nothing may run, if that is so.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn halted(&self) -> Result<Option<Halt>, ControllerError> {
        self.inner().read_halt().await
    }
}

impl Inner {
    /// Reads it, and tells the drivers.
    pub(super) async fn read_halt(&self) -> Result<Option<Halt>, ControllerError> {
        let note = self.store.note(NoteKind::Halt, &PLACE.0.into(), PLACE.1).await?;
        let halt = note.map(|note| {
            // What cannot be read was meant to stop everything all the same.
            serde_json::from_value(note.document).unwrap_or_else(|error| Halt {
                reason: format!("the reason cannot be read: {error}"),
                by: PLACE.0.into(),
                since_unix_ms: 0,
            })
        });
        self.halt.send_if_modified(|known| {
            let changed = *known != halt;
            if changed {
                known.clone_from(&halt);
            }
            changed
        });
        Ok(halt)
    }

    /// Reads it for ever. While the store does not answer what was known holds.
    pub(super) async fn keep_halt(self: Arc<Self>) {
        loop {
            let _ = self.read_halt().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Refuses a start.
    pub(super) async fn must_not_be_halted(&self) -> Result<(), ControllerError> {
        self.read_halt().await?.map_or(Ok(()), |halt| Err(ControllerError::Halted(halt)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ControllerOptions;
    use crate::cluster::memory::{MemoryCoordinator, MemoryStore};
    use crate::cluster::store::RunState;

    #[tokio::test]
    async fn it_outlasts_the_controller_holds_for_waiting_runs_and_is_lifted() {
        let store = Arc::new(MemoryStore::new());
        let start = async || {
            let coordinator = Arc::new(MemoryCoordinator::new());
            Controller::start(store.clone(), coordinator, ControllerOptions::default())
                .await
                .unwrap()
        };
        let (owner, document) = (
            Owner::from("ann"),
            json!({
                "name": "a", "targetUrl": "http://127.0.0.1:9/", "durationSeconds": 1,
            }),
        );
        let first = start().await;
        let made = first.create_scenario(&owner, document.clone(), None).await.unwrap();
        let waiting = made.run_id.unwrap();
        first.halt("a mistake", &"root".into()).await.unwrap();
        first.halt("a great mistake", &"root".into()).await.unwrap();
        let ended = async {
            loop {
                let record = first.record(&owner, &waiting).await.unwrap().unwrap();
                if record.state.has_ended() {
                    return record;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let record = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it ends");
        assert_eq!(record.state, RunState::Aborted);
        let told = record.timeline.iter().find(|event| event.kind == "halted").expect("why");
        assert_eq!(told.text, "the platform was halted by root: a great mistake");
        first.shut_down().await;

        let second = start().await;
        let refused = second.create_scenario(&owner, document.clone(), None).await.unwrap_err();
        assert!(matches!(&refused, ControllerError::Halted(halt) if halt.by.as_str() == "root"));
        let refused = second.start_scenario(&owner, &made.scenario_id, None).await.unwrap_err();
        assert!(refused.to_string().contains("a great mistake"), "{refused}");
        assert!(second.lift_halt().await.unwrap() && !second.lift_halt().await.unwrap());
        assert_eq!(second.halted().await.unwrap(), None);
        second.start_scenario(&owner, &made.scenario_id, None).await.unwrap();
    }
}
