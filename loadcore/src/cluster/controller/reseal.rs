//! Turns what keys of before have sealed into what the platform's key has sealed: by the controller that
//! leads, beside all else, until nothing is left that needs them.
//!
//! A run that is driven is sealed anew by its driver, which alone changes it.

use super::{Inner, secrets};
use crate::cluster::secrets::Secrets;
use crate::cluster::store::{NoteKind, Page, RunRecord};
use crate::cluster::{Owner, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// Records that are read at once.
const BATCH: usize = 50;
/// Between two batches, so that others get their turn with the store.
const PAUSE: Duration = Duration::from_millis(20);
/// Before it begins, and after the store did not answer or records were changed by others meanwhile.
const AGAIN: Duration = Duration::from_secs(5);

/// What came of going through everything.
#[derive(Debug, Default)]
struct Tally {
    /// Records that are sealed with the platform's key now, and were not.
    sealed: u64,
    /// Those that somebody else was changing.
    missed: u64,
    /// Those that no key opens.
    lost: u64,
}

impl Inner {
    /// Goes through all that is kept until nothing needs a key of before.
    pub(super) async fn seal_anew(self: Arc<Self>) {
        let mut sealed = 0;
        loop {
            tokio::time::sleep(AGAIN).await;
            if !self.is_leading() {
                continue;
            }
            let mut tally = Tally::default();
            let done = self.go_through(&mut tally).await;
            sealed += tally.sealed;
            match done {
                Ok(()) if tally.missed == 0 => {
                    tracing::info!(
                        "sealed {sealed} scenarios, runs and secrets with the new key: \
                         LOADCORE_SECRET_KEY_PREVIOUS is not needed any more"
                    );
                    if tally.lost > 0 {
                        let lost = tally.lost;
                        tracing::warn!(
                            "{lost} scenarios, runs or secrets are opened by no key that is known"
                        );
                    }
                    return;
                }
                Ok(()) => {}
                Err(error) => tracing::warn!("not all is sealed with the new key yet: {error}"),
            }
        }
    }

    async fn go_through(&self, tally: &mut Tally) -> Result<(), StoreError> {
        for owner in self.store.owners().await? {
            self.scenarios_of(&owner, tally).await?;
            self.runs_of(&owner, tally).await?;
        }
        self.notes(tally).await
    }

    async fn scenarios_of(&self, owner: &Owner, tally: &mut Tally) -> Result<(), StoreError> {
        let mut page = Page { after: None, most: BATCH };
        loop {
            let records = self.store.scenarios(owner, None, &page).await?;
            let Some(last) = records.last() else { return Ok(()) };
            page.after = Some(last.id.to_string());
            for mut record in records {
                match self.options.secrets.reseal(&record.document) {
                    Ok(None) => {}
                    Ok(Some(document)) => {
                        record.document = document;
                        tally.count(self.store.replace_scenario(&record).await?);
                    }
                    Err(_) => tally.lost += 1,
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn runs_of(&self, owner: &Owner, tally: &mut Tally) -> Result<(), StoreError> {
        let mut page = Page { after: None, most: BATCH };
        loop {
            let records = self.store.runs(owner, None, &page).await?;
            let Some(last) = records.last() else { return Ok(()) };
            page.after = Some(last.id.to_string());
            for mut record in records {
                let is_driven = record.is_open() || self.driven(owner, &record.id).is_some();
                match run(&mut record, &self.options.secrets) {
                    Reseal::Own => {}
                    // Its driver does it, or has done it and it is not kept yet.
                    Reseal::Anew if is_driven => tally.missed += 1,
                    Reseal::Anew => tally.count(self.store.replace_run(&record).await?),
                    Reseal::Lost => tally.lost += 1,
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn notes(&self, tally: &mut Tally) -> Result<(), StoreError> {
        let mut page = Page { after: None, most: BATCH };
        loop {
            let notes = self.store.notes(NoteKind::Secret, None, &page).await?;
            let Some(last) = notes.last() else { return Ok(()) };
            page.after = Some(last.place());
            for note in notes {
                match secrets::resealed(&note, &self.options.secrets) {
                    Ok(None) => {}
                    Ok(Some(note)) => tally.count(self.store.keep_note(&note).await?),
                    Err(_) => tally.lost += 1,
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Tally {
    fn count(&mut self, is_kept: bool) {
        match is_kept {
            true => self.sealed += 1,
            false => self.missed += 1,
        }
    }
}

/// With what a run's secrets are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reseal {
    /// With the platform's key.
    Own,
    /// With that now, and with one of before until then.
    Anew,
    /// With one that is not known.
    Lost,
}

/// Seals what is secret in a run with the platform's key.
pub(super) fn run(record: &mut RunRecord, secrets: &Secrets) -> Reseal {
    if secrets.previous().next().is_none() {
        return Reseal::Own;
    }
    let text = |sealed: &String| match sealed.is_empty() {
        true => Ok(None),
        false => secrets.reseal_text(sealed),
    };
    let all = (secrets.reseal(&record.scenario), text(&record.secrets), text(&record.plan_key));
    let (Ok(scenario), Ok(values), Ok(plan_key)) = all else { return Reseal::Lost };
    let is_own = scenario.is_none() && values.is_none() && plan_key.is_none();
    if let Some(scenario) = scenario {
        record.scenario = scenario;
    }
    if let Some(values) = values {
        record.secrets = values;
    }
    if let Some(plan_key) = plan_key {
        record.plan_key = plan_key;
    }
    if is_own { Reseal::Own } else { Reseal::Anew }
}
