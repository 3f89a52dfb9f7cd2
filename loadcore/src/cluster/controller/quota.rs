//! Turns what a user may use into faults of a scenario that asks for more, and into starts that are
//! refused because of what is running already.

use super::api::ControllerError;
use super::{Controller, Inner};
use crate::cluster::journal::Entry;
use crate::cluster::store::{Note, NoteKind, RunRecord};
use crate::cluster::{Owner, RunId};
use crate::profile::Profile;
use crate::scenario::{Fault, Scenario, ScenarioError, parse_duration};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::str::FromStr;

/// The name of the note: a user has one.
const NAME: &str = "quota";
/// Tries to write the note while others write it.
const TRIES: u32 = 10;

/// What a user may use. What is `None` has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Quota {
    /// Requests per second, of all runs together.
    pub max_rate: Option<f64>,
    /// Seconds of a run, with its warm-up.
    pub max_duration_seconds: Option<f64>,
    /// Open connections, of all runs together.
    pub max_connections: Option<u64>,
    /// Runs that have not ended.
    pub max_concurrent_runs: Option<u64>,
    /// Bytes of a request's body.
    pub max_body_bytes: Option<u64>,
}

/// What a user's runs that have not ended use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Used {
    /// Requests per second, each run at its peak.
    pub rate: f64,
    /// Connections that they may open.
    pub connections: u64,
    /// How many they are.
    pub concurrent_runs: u64,
}

/// What a user may use, and uses.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownQuota {
    /// What was set for them.
    pub own: Option<Quota>,
    /// What holds for them.
    pub limits: Quota,
    /// What their runs use now.
    pub used: Used,
}

/// As an option has it: `max-rate=10000,max-duration=1h,max-connections=500,max-runs=2,max-body=65536`.
impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut quota = Self::default();
        for part in text.split(',').map(str::trim) {
            let wrong = |why: &str| {
                format!(
                    "{part:?} {why}; write max-rate=10000,max-duration=1h,max-connections=500,max-runs=2,\
                     max-body=65536, or some of these"
                )
            };
            let (name, value) = part.split_once('=').ok_or_else(|| wrong("has no ="))?;
            let count = || value.parse::<u64>().map_err(|_| wrong("is no whole number"));
            match name {
                "max-rate" => {
                    let rate = value.parse::<f64>().ok().filter(|it| it.is_finite() && *it >= 0.0);
                    quota.max_rate = Some(rate.ok_or_else(|| wrong("is no rate"))?);
                }
                "max-duration" => {
                    let time = parse_duration(value).map_err(|why| wrong(&why.to_string()))?;
                    quota.max_duration_seconds = Some(time.as_secs_f64());
                }
                "max-connections" => quota.max_connections = Some(count()?),
                "max-runs" => quota.max_concurrent_runs = Some(count()?),
                "max-body" => quota.max_body_bytes = Some(count()?),
                _ => return Err(wrong("is not known")),
            }
        }
        Ok(quota)
    }
}

impl Quota {
    /// This one, and what `usual` says of what it does not name.
    #[must_use]
    pub fn or(self, usual: Self) -> Self {
        Self {
            max_rate: self.max_rate.or(usual.max_rate),
            max_duration_seconds: self.max_duration_seconds.or(usual.max_duration_seconds),
            max_connections: self.max_connections.or(usual.max_connections),
            max_concurrent_runs: self.max_concurrent_runs.or(usual.max_concurrent_runs),
            max_body_bytes: self.max_body_bytes.or(usual.max_body_bytes),
        }
    }

    /// Everything by which a scenario alone asks for more.
    pub(super) fn faults(&self, scenario: &Scenario) -> Vec<Fault> {
        let mut faults = Vec::new();
        faults.extend(match scenario.load.profile() {
            Some(profile) => self.rate_fault("loadProfile", profile.peak_rate()),
            None => self.max_rate.map(|most| {
                let why = "a closed loop has no rate that could be held to it; give a loadProfile";
                fault("loadProfile", format!("your quota is {most} requests per second, and {why}"))
            }),
        });
        let seconds = (scenario.warmup + scenario.end().latest()).as_secs_f64();
        let over = |most: &f64| seconds > *most;
        faults.extend(self.max_duration_seconds.filter(over).map(|most| {
            let takes = format!("the run may take {seconds} s with its warm-up");
            fault("durationSeconds", more(&takes, &format!("{most} s")))
        }));
        let connections = u64::from(scenario.connections);
        let over = |most: &u64| connections > *most;
        faults.extend(self.max_connections.filter(over).map(|most| {
            let says = format!("the run may open {connections} connections");
            fault("connections", more(&says, &most.to_string()))
        }));
        let mut body = |path: String, length: usize| {
            let over = |most: &u64| length as u64 > *most;
            faults.extend(self.max_body_bytes.filter(over).map(|most| {
                let says = format!("the body has {length} bytes");
                fault(&path, more(&says, &format!("{most} bytes")))
            }));
        };
        body("body".to_owned(), scenario.body.len());
        for (place, request) in scenario.mix.iter().enumerate() {
            body(format!("mix[{place}].body"), request.body.len());
        }
        faults
    }

    /// A fault where a rate is more than may be.
    pub(super) fn rate_fault(&self, path: &str, rate: f64) -> Option<Fault> {
        let most = self.max_rate.filter(|most| rate > *most)?;
        let says = format!("{rate} requests per second are wanted");
        Some(fault(path, more(&says, &format!("{most} per second"))))
    }

    /// Refuses what is too much together with what is in use.
    fn leaves(&self, used: Used, wanted: Used) -> Result<(), ControllerError> {
        let over = |what: &str, used: f64, wanted: f64, most: Option<f64>| {
            let most = most.filter(|most| used + wanted > *most)?;
            Some(ControllerError::OverQuota(format!(
                "your quota is {most} {what}; your runs that have not ended have {used}, and this is \
                 {wanted} more: wait for one's end, or stop it"
            )))
        };
        let runs = (used.concurrent_runs as f64, wanted.concurrent_runs as f64);
        let connections = (used.connections as f64, wanted.connections as f64);
        let most_runs = self.max_concurrent_runs.map(|most| most as f64);
        let refused = over("concurrent runs", runs.0, runs.1, most_runs)
            .or_else(|| over("requests per second", used.rate, wanted.rate, self.max_rate))
            .or_else(|| {
                let most = self.max_connections.map(|most| most as f64);
                over("connections", connections.0, connections.1, most)
            });
        refused.map_or(Ok(()), Err)
    }

    fn is_of_all_runs(&self) -> bool {
        self.max_rate.is_some()
            || self.max_connections.is_some()
            || self.max_concurrent_runs.is_some()
    }
}

fn fault(path: &str, message: String) -> Fault {
    Fault { path: path.to_owned(), message }
}

fn more(says: &str, most: &str) -> String {
    format!("{says}, and your quota is {most}; give less, or ask an admin for more")
}

/// What a run uses, or would.
fn use_of(record: &RunRecord, scenario: &Scenario) -> Used {
    let planned = scenario.load.profile().map_or(0.0, Profile::peak_rate);
    let changed = record.journal.iter().rev().find_map(|entry| match entry {
        Entry::Rate { target_rps, .. } => Some(*target_rps),
        _ => None,
    });
    // What a search may go to is no part of its profile.
    let searched = super::capacity::greatest_rate(record);
    Used {
        rate: searched.or(changed).unwrap_or(planned),
        connections: u64::from(scenario.connections),
        concurrent_runs: 1,
    }
}

impl Controller {
    /// What a user may use, and uses.
    ///
    /// # Errors
    /// When the store does not answer, or what it keeps cannot be read.
    pub async fn quota(&self, owner: &Owner) -> Result<KnownQuota, ControllerError> {
        let inner = self.inner();
        let own = inner.own_quota(owner).await?.map(|(_, quota)| quota);
        let limits = own.unwrap_or_default().or(inner.options.quota);
        Ok(KnownQuota { own, limits, used: inner.used(owner, None).await? })
    }

    /// Sets what a user may use. What it does not name is as for everybody.
    ///
    /// # Errors
    /// When another controller leads, or the store does not answer.
    pub async fn set_quota(&self, owner: &Owner, quota: Quota) -> Result<(), ControllerError> {
        self.inner().must_lead()?;
        for _ in 0..TRIES {
            let note = Note {
                kind: NoteKind::Quota,
                owner: owner.clone(),
                name: NAME.to_owned(),
                revision: self.inner().own_quota(owner).await?.map_or(0, |(revision, _)| revision),
                document: json!(quota),
            };
            if self.store().keep_note(&note).await? {
                return Ok(());
            }
        }
        Err(ControllerError::Refused("the quota is being changed by others: try again".to_owned()))
    }

    /// Lets a user have what everybody has; says whether that is new.
    ///
    /// # Errors
    /// When another controller leads, or the store does not answer.
    pub async fn delete_quota(&self, owner: &Owner) -> Result<bool, ControllerError> {
        self.inner().must_lead()?;
        Ok(self.store().delete_note(NoteKind::Quota, owner, NAME).await?)
    }
}

impl Inner {
    /// What holds for a user.
    pub(super) async fn quota_of(&self, owner: &Owner) -> Result<Quota, ControllerError> {
        let own = self.own_quota(owner).await?.map(|(_, quota)| quota);
        Ok(own.unwrap_or_default().or(self.options.quota))
    }

    async fn own_quota(&self, owner: &Owner) -> Result<Option<(u64, Quota)>, ControllerError> {
        let Some(note) = self.store.note(NoteKind::Quota, owner, NAME).await? else {
            return Ok(None);
        };
        let read = serde_json::from_value(note.document);
        let quota = read.map_err(|error| {
            ControllerError::Refused(format!("the quota of {owner} cannot be read: {error}"))
        })?;
        Ok(Some((note.revision, quota)))
    }

    /// What the user's runs that have not ended use, this one left out.
    async fn used(&self, owner: &Owner, but: Option<&RunId>) -> Result<Used, ControllerError> {
        let mut used = Used::default();
        for record in self.store.open_runs().await? {
            if record.owner != *owner || record.state.has_ended() || but == Some(&record.id) {
                continue;
            }
            // One that cannot be read counts as a run: it may be going on.
            let one = self.open(&record).map(|scenario| use_of(&record, &scenario));
            let one = one.unwrap_or(Used { concurrent_runs: 1, ..Used::default() });
            used.rate += one.rate;
            used.connections += one.connections;
            used.concurrent_runs += one.concurrent_runs;
        }
        Ok(used)
    }

    /// Refuses a run that is too much beside the user's others.
    pub(super) async fn may_start(
        &self,
        record: &RunRecord,
        scenario: &Scenario,
    ) -> Result<(), ControllerError> {
        let quota = self.quota_of(&record.owner).await?;
        if !quota.is_of_all_runs() {
            return Ok(());
        }
        let used = self.used(&record.owner, Some(&record.id)).await?;
        quota.leaves(used, use_of(record, scenario))
    }

    /// Refuses a change of a run to a rate that is too much, alone or beside the user's others.
    pub(super) async fn may_go_to(
        &self,
        owner: &Owner,
        run: &RunId,
        rate: f64,
    ) -> Result<(), ControllerError> {
        let quota = self.quota_of(owner).await?;
        if quota.max_rate.is_none() {
            return Ok(());
        }
        if let Some(fault) = quota.rate_fault("targetRps", rate) {
            return Err(ScenarioError { faults: vec![fault] }.into());
        }
        let used = self.used(owner, Some(run)).await?;
        let of_rate = Quota { max_rate: quota.max_rate, ..Quota::default() };
        of_rate.leaves(used, Used { rate, ..Used::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::controller::api::Command;
    use serde_json::Value;

    fn document(fields: &Value) -> Value {
        let mut document = json!({
            "name": "a", "targetUrl": "http://127.0.0.1:9/", "durationSeconds": 10, "warmupSeconds": 5,
            "loadProfile": {"type": "CONSTANT", "initialRps": 100}, "connections": 10,
        });
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        document
    }

    fn paths(quota: &str, fields: &Value) -> Vec<String> {
        let quota: Quota = quota.parse().unwrap();
        let scenario = Scenario::from_value(document(fields)).unwrap();
        quota.faults(&scenario).into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn each_limit_has_a_fault_at_its_field_and_none_where_it_is_kept() {
        let least = "max-rate=100,max-duration=15s,max-connections=10,max-body=4,max-runs=0";
        assert!(paths(least, &json!({"method": "POST", "body": "1234"})).is_empty());
        assert_eq!(paths("max-rate=99.9", &json!({})), ["loadProfile"]);
        assert_eq!(paths("max-duration=14s", &json!({})), ["durationSeconds"]);
        assert_eq!(paths("max-connections=9", &json!({})), ["connections"]);
        assert_eq!(paths("max-body=3", &json!({"method": "POST", "body": "1234"})), ["body"]);
        let mix = json!({"mix": [
            {"name": "a", "url": "/"}, {"name": "b", "url": "/", "method": "POST", "body": "1234"},
        ]});
        assert_eq!(paths("max-body=3", &mix), ["mix[1].body"]);
        let sine = json!({"loadProfile": {
            "type": "SINE", "minRps": 1, "maxRps": 101, "periodSeconds": 4,
        }});
        if Scenario::from_value(document(&sine)).is_ok() {
            assert_eq!(paths("max-rate=100", &sine), ["loadProfile"], "it is the peak that counts");
        }
        assert_eq!(paths("max-rate=1e9", &json!({"loadProfile": null})), ["loadProfile"]);
    }

    #[test]
    fn an_option_says_some_of_them() {
        let quota: Quota = "max-runs=2, max-rate=1e3".parse().unwrap();
        assert_eq!((quota.max_concurrent_runs, quota.max_rate), (Some(2), Some(1e3)));
        let usual = Quota { max_rate: Some(1.0), max_body_bytes: Some(7), ..Quota::default() };
        assert_eq!(quota.or(usual), Quota { max_body_bytes: Some(7), ..quota });
        for wrong in [
            "",
            "max-rate",
            "max-rate=x",
            "max-rate=-1",
            "max-runs=1.5",
            "rate=1",
            "max-duration=x",
        ] {
            assert!(wrong.parse::<Quota>().unwrap_err().contains("write max-rate="), "{wrong}");
        }
    }

    #[tokio::test]
    async fn runs_count_together_until_they_end_and_others_do_not() {
        let platform = Controller::in_process(0).await.unwrap();
        let (ann, bob) = (Owner::from("ann"), Owner::from("bob"));
        let quota: Quota = "max-runs=2,max-rate=250".parse().unwrap();
        platform.set_quota(&ann, quota).await.unwrap();
        let start = async |owner: &Owner, fields: Value| {
            platform.create_scenario(owner, document(&fields), None).await
        };
        let first = start(&ann, json!({})).await.unwrap().run_id.unwrap();
        let too_fast = json!({"loadProfile": {"type": "CONSTANT", "initialRps": 151}});
        let told = start(&ann, too_fast.clone()).await.unwrap_err();
        assert!(
            matches!(&told, ControllerError::OverQuota(why) if why.contains("have 100")),
            "{told}"
        );
        start(&bob, too_fast).await.unwrap();
        start(&ann, json!({})).await.unwrap();
        let told = start(&ann, json!({"loadProfile": {"type": "CONSTANT", "initialRps": 1}})).await;
        let told = told.unwrap_err().to_string();
        assert!(told.contains("your quota is 2 concurrent runs"), "{told}");
        let used = platform.quota(&ann).await.unwrap().used;
        assert_eq!(used, Used { rate: 200.0, connections: 20, concurrent_runs: 2 });
        let faster = |target_rps| Command::Rate { target_rps, over_seconds: 0.0 };
        for (rate, why) in [(251.0, "targetRps"), (151.0, "requests per second")] {
            let told = platform.command(&ann, &first, faster(rate)).await.unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
        assert!(platform.delete_quota(&ann).await.unwrap());
        assert!(!platform.delete_quota(&ann).await.unwrap());
        start(&ann, json!({})).await.unwrap();
    }
}
