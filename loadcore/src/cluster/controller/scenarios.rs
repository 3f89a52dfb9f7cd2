//! Turns what people want done with scenarios into what the store keeps and into runs: a scenario
//! is judged before anything is kept, made once under a key, and its secrets are sealed, and given
//! back where they were redacted.
//!
//! A front end reads a document and shows what comes of it; what is decided is decided here.

use super::Controller;
use super::api::{ControllerError, Made};
use super::calls::Call;
use super::validate::validate;
use crate::cluster::secrets::Secrets;
use crate::cluster::store::{Kind, Page, RunRecord, ScenarioRecord};
use crate::cluster::{Owner, RunId, ScenarioId, StoreError};
use crate::scenario::preview::{Preview, Rows, preview};
use crate::scenario::{Document, Scenario, ScenarioError};
use crate::time::unix_millis;
use serde_json::Value;

/// What a call that keeps a scenario is called in its fingerprint.
const CREATE: &str = "POST /scenarios";

impl Controller {
    /// The scenario of an owner's document in the clear, if it could be run here. Keeps and starts nothing.
    ///
    /// # Errors
    /// Every fault ([`ControllerError::Invalid`]): those of the document, a secret that it names and its
    /// owner does not have, a `[redacted]` in the place of a secret, a target that this platform may not
    /// load, and more than the user may use. When the store does not answer.
    pub async fn validate(
        &self,
        owner: &Owner,
        document: Value,
    ) -> Result<Scenario, ControllerError> {
        let document = Document::from_value(document)?;
        let values = self.values(owner, &document.secret_names()).await?;
        let document = document.with_secrets(values);
        let quota = self.inner().quota_of(owner).await?;
        let policy = self.inner().policy_of(owner).await?;
        let others = self.inner().options.policy.clone();
        let scenario = validate(document, policy, others).await?;
        let faults = quota.faults(&scenario);
        if faults.is_empty() { Ok(scenario) } else { Err(ScenarioError { faults }.into()) }
    }

    /// What a document would do if it were run here. Keeps and starts nothing.
    ///
    /// # Errors
    /// Those of [`Controller::validate`].
    pub async fn preview(
        &self,
        owner: &Owner,
        document: Value,
    ) -> Result<Preview, ControllerError> {
        Ok(preview(&self.validate(owner, document).await?, Rows::default()))
    }

    /// Keeps a scenario, and starts it unless it says `"autoStart": false`. The same call again under
    /// the same `key` makes nothing more, and is answered the same for a day.
    ///
    /// # Errors
    /// When the document has faults ([`ControllerError::Invalid`]), the key is another call's, another
    /// controller leads, or the store does not answer.
    pub async fn create_scenario(
        &self,
        owner: &Owner,
        document: Value,
        key: Option<&str>,
    ) -> Result<Made, ControllerError> {
        let inner = self.inner();
        inner.must_lead()?;
        let call = Call::of(inner, owner, key, CREATE, &document).await?;
        if let Some(made) = call.made() {
            return Ok(made);
        }
        let scenario = self.validate(owner, document.clone()).await?;
        let run = scenario.auto_start.then(RunId::random);
        let made = call.begin(ScenarioId::random(), run).await?;
        let record = ScenarioRecord {
            id: made.scenario_id.clone(),
            owner: owner.clone(),
            revision: 0,
            created_unix_ms: made.at_unix_ms,
            changed_unix_ms: made.at_unix_ms,
            tags: scenario.tags.clone(),
            document: self.secrets().seal(document),
            baseline: None,
        };
        match inner.store.insert_scenario(&record).await {
            // It is this call's own, which did not come to its end.
            Err(StoreError { kind: Kind::Exists, .. }) => {}
            kept => kept?,
        }
        if let Some(run) = &made.run_id {
            self.submit_or_forget(run, &record).await?;
        }
        call.finish().await;
        Ok(made)
    }

    /// A caller that gets an error tries again, so nothing of the first try may be left. Where the
    /// store does not answer, nobody knows what is left, and all of it stays.
    async fn submit_or_forget(
        &self,
        run: &RunId,
        record: &ScenarioRecord,
    ) -> Result<(), ControllerError> {
        let Err(error) = self.submit_as(run.clone(), record).await else { return Ok(()) };
        if matches!(&error, ControllerError::Store(it) if !it.is_lasting()) {
            return Err(error);
        }
        let store = self.store();
        if let Err(left) = store.delete_scenario(&record.owner, &record.id, None).await {
            tracing::warn!("scenario {} stays, though its run was refused: {left}", record.id);
        }
        Err(error)
    }

    /// A scenario of an owner. Its document is sealed; [`Secrets::redact`] makes one to be shown.
    ///
    /// # Errors
    /// When there is none of that id, or the store does not answer.
    pub async fn scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
    ) -> Result<ScenarioRecord, ControllerError> {
        let record = self.store().scenario(owner, id).await?;
        record.ok_or_else(|| ControllerError::NoScenario(id.clone()))
    }

    /// Puts a document in the place of the one that was read. A value that reads `[redacted]` keeps
    /// what is stored. Runs that were started before are not touched.
    ///
    /// # Errors
    /// When the document has faults, somebody changed the scenario since it was read
    /// ([`ControllerError::ChangedMeanwhile`]), another controller leads, or the store does not answer.
    pub async fn replace_scenario(
        &self,
        read: ScenarioRecord,
        document: Value,
    ) -> Result<ScenarioRecord, ControllerError> {
        self.inner().must_lead()?;
        let document = self.opened(&Secrets::restore(document, &read.document))?;
        let scenario = self.validate(&read.owner, document.clone()).await?;
        let record = ScenarioRecord {
            tags: scenario.tags.clone(),
            changed_unix_ms: unix_millis(),
            document: self.secrets().seal(document),
            ..read
        };
        if !self.store().replace_scenario(&record).await? {
            return Err(ControllerError::ChangedMeanwhile(record.id));
        }
        Ok(ScenarioRecord { revision: record.revision + 1, ..record })
    }

    /// Deletes a scenario, none of whose runs may be going on. They stay. With `revision` only if it
    /// has that one.
    ///
    /// # Errors
    /// When there is none of that id, a run goes on ([`ControllerError::GoesOn`]), it has another
    /// revision, another controller leads, or the store does not answer.
    pub async fn delete_scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
        revision: Option<u64>,
    ) -> Result<(), ControllerError> {
        self.inner().must_lead()?;
        if let Some(run) = self.newest_run(owner, id).await?
            && !run.state.has_ended()
        {
            return Err(ControllerError::GoesOn(run.id));
        }
        let baseline = self.store().scenario(owner, id).await?.and_then(|it| it.baseline);
        if self.store().delete_scenario(owner, id, revision).await? {
            if let Some(run) = baseline {
                self.fades(owner, &run).await;
            }
            return Ok(());
        }
        // It was changed or deleted meanwhile.
        self.scenario(owner, id).await?;
        Err(ControllerError::ChangedMeanwhile(id.clone()))
    }

    /// Starts a scenario that is kept. The same call again under the same `key` makes nothing more,
    /// and is answered the same for a day.
    ///
    /// # Errors
    /// When there is none of that id, it may not be run here any more, its secrets were sealed with
    /// another key, the call's key is another call's, another controller leads, or the store does not
    /// answer.
    pub async fn start_scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
        key: Option<&str>,
    ) -> Result<Made, ControllerError> {
        self.inner().must_lead()?;
        let what = format!("{CREATE}/{id}/runs");
        let call = Call::of(self.inner(), owner, key, &what, &Value::Null).await?;
        if let Some(made) = call.made() {
            return Ok(made);
        }
        let record = self.scenario(owner, id).await?;
        // What may be loaded may have changed since the scenario was kept.
        self.validate(owner, self.opened(&record.document)?).await?;
        let run = RunId::random();
        let made = call.begin(record.id.clone(), Some(run.clone())).await?;
        self.submit_as(made.run_id.clone().unwrap_or(run), &record).await?;
        call.finish().await;
        Ok(made)
    }

    /// The newest run of a scenario, as it is now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn newest_run(
        &self,
        owner: &Owner,
        scenario: &ScenarioId,
    ) -> Result<Option<RunRecord>, ControllerError> {
        let newest = Page { after: None, most: 1 };
        let kept = self.store().runs(owner, Some(scenario), &newest).await?.into_iter().next();
        match kept {
            // The live one is ahead of what is kept.
            Some(run) if !run.state.has_ended() => {
                Ok(self.record(owner, &run.id).await?.or(Some(run)))
            }
            other => Ok(other),
        }
    }

    /// Deletes a run that has ended, with all that was measured in it.
    ///
    /// # Errors
    /// When there is no such run, it goes on ([`ControllerError::GoesOn`]), it is its scenario's baseline,
    /// another controller leads, or the store does not answer.
    pub async fn delete_run(&self, owner: &Owner, run: &RunId) -> Result<(), ControllerError> {
        self.inner().must_lead()?;
        let none = || ControllerError::NoRun(run.clone());
        let record = self.record(owner, run).await?.ok_or_else(none)?;
        if !record.state.has_ended() {
            return Err(ControllerError::GoesOn(record.id));
        }
        if self.is_baseline(&record).await? {
            let of = &record.scenario_id;
            let why = format!("run {run} is the baseline of scenario {of}: name another one first");
            return Err(ControllerError::Refused(why));
        }
        let deleted = self.store().delete_run(owner, run).await?;
        self.forget(owner, run);
        if deleted { Ok(()) } else { Err(none()) }
    }

    /// A document with its secrets in the clear.
    pub(super) fn opened(&self, document: &Value) -> Result<Value, ControllerError> {
        self.secrets().open(document).map_err(ControllerError::Secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::REDACTED;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "name": "a", "targetUrl": "http://127.0.0.1:9/", "durationSeconds": 1,
            "headers": {"Authorization": "s3cret"}, "tags": ["nightly"], "autoStart": false,
        })
    }

    /// No worker is there: nothing is ever sent.
    async fn platform() -> Controller {
        Controller::in_process(0).await.unwrap()
    }

    fn with(field: &str, value: Value) -> Value {
        let mut document = document();
        document[field] = value;
        document
    }

    #[tokio::test]
    async fn a_scenario_is_kept_sealed_and_its_secrets_outlast_being_shown() {
        let (platform, owner) = (platform().await, Owner::local());
        let made = platform.create_scenario(&owner, document(), None).await.unwrap();
        assert_eq!(made.run_id, None);
        let kept = platform.scenario(&owner, &made.scenario_id).await.unwrap();
        assert!(!kept.document.to_string().contains("s3cret"));
        assert_eq!((kept.revision, kept.tags.as_slice()), (0, &["nightly".to_owned()][..]));
        let mut shown = Secrets::redact(&kept.document);
        assert_eq!(shown["headers"]["Authorization"], REDACTED);
        shown["name"] = json!("b");
        let changed = platform.replace_scenario(kept.clone(), shown).await.unwrap();
        let clear = platform.secrets().open(&changed.document).unwrap();
        assert_eq!((&clear["name"], changed.revision), (&json!("b"), 1));
        assert_eq!(clear["headers"]["Authorization"], "s3cret");
        // Who read it before that has not seen the change.
        let late = platform.replace_scenario(kept, document()).await.unwrap_err();
        assert!(matches!(late, ControllerError::ChangedMeanwhile(_)), "{late}");
        let stale = platform.delete_scenario(&owner, &changed.id, Some(0)).await.unwrap_err();
        assert!(matches!(stale, ControllerError::ChangedMeanwhile(_)), "{stale}");
        platform.delete_scenario(&owner, &changed.id, Some(1)).await.unwrap();
        for gone in [
            platform.scenario(&owner, &changed.id).await.unwrap_err(),
            platform.delete_scenario(&owner, &changed.id, None).await.unwrap_err(),
            platform.start_scenario(&owner, &changed.id, None).await.unwrap_err(),
        ] {
            assert!(matches!(gone, ControllerError::NoScenario(_)), "{gone}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_is_not_kept_and_all_of_it_is_told() {
        let (platform, owner) = (platform().await, Owner::local());
        let mut wrong = with("durationSeconds", json!(-1));
        wrong["headers"]["Authorization"] = json!(REDACTED);
        let told = platform.create_scenario(&owner, wrong.clone(), None).await.unwrap_err();
        let ControllerError::Invalid(error) = told else { panic!("{told}") };
        let paths: Vec<_> = error.faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["headers.Authorization", "durationSeconds"]);
        let previewed = platform.preview(&owner, wrong).await.unwrap_err();
        assert!(matches!(previewed, ControllerError::Invalid(it) if it == error));
        let page = Page { after: None, most: 10 };
        assert_eq!(platform.store().scenarios(&owner, None, &page).await.unwrap(), []);
        let metadata = with("targetUrl", json!("http://169.254.169.254/"));
        let refused = platform.create_scenario(&owner, metadata, None).await.unwrap_err();
        assert!(refused.to_string().contains("may not be loaded"), "{refused}");
    }

    #[tokio::test]
    async fn a_key_makes_one_of_each_and_is_one_calls() {
        let (platform, owner) = (platform().await, Owner::local());
        let (key, starts) = (Some("k"), with("autoStart", json!(true)));
        let made = platform.create_scenario(&owner, starts.clone(), key).await.unwrap();
        assert!(made.run_id.is_some());
        assert_eq!(platform.create_scenario(&owner, starts.clone(), key).await.unwrap(), made);
        let other = platform.create_scenario(&owner, document(), key).await.unwrap_err();
        assert!(matches!(other, ControllerError::KeyReused), "{other}");
        let start = async |key| platform.start_scenario(&owner, &made.scenario_id, key).await;
        assert!(matches!(start(key).await, Err(ControllerError::KeyReused)));
        let again = start(Some("again")).await.unwrap();
        assert_eq!(start(Some("again")).await.unwrap(), again);
        assert_ne!(start(None).await.unwrap().run_id, again.run_id);
        let page = Page { after: None, most: 10 };
        assert_eq!(platform.store().runs(&owner, None, &page).await.unwrap().len(), 3);
        // Keys are an owner's own.
        let ann = Owner::from("ann");
        assert_ne!(platform.create_scenario(&ann, starts, key).await.unwrap(), made);
    }

    #[tokio::test]
    async fn what_goes_on_is_not_deleted() {
        let (platform, owner) = (platform().await, Owner::local());
        let starts = with("autoStart", json!(true));
        let made = platform.create_scenario(&owner, starts, None).await.unwrap();
        let run = made.run_id.unwrap();
        for refused in [
            platform.delete_scenario(&owner, &made.scenario_id, None).await.unwrap_err(),
            platform.delete_run(&owner, &run).await.unwrap_err(),
        ] {
            let told = refused.to_string();
            assert_eq!(told, format!("run {run} goes on: stop it first, then delete"));
        }
        let newest = platform.newest_run(&owner, &made.scenario_id).await.unwrap().unwrap();
        assert_eq!(newest.id, run);
        assert_eq!(platform.newest_run(&"ann".into(), &made.scenario_id).await.unwrap(), None);
    }
}
