//! Turns the wish for a capacity into a run, and what is stored of that run into the answer.
//!
//! A search is a run under changes of rate, and no record of its own: its timeline begins with what is looked
//! for, its journal has the changes, and its intervals what came of them. The same machine that drives it says,
//! played again from there, how far it is.

use super::Controller;
use super::api::{ControllerError, Made};
use super::calls::Call;
use super::driver::ENDED;
use super::finish::read_intervals;
use crate::analysis::capacity::{Capacity, LimitedBy, Search, Wanted};
use crate::cluster::journal::Entry;
use crate::cluster::planned_load::PlannedLoad;
use crate::cluster::store::{Kind, RunRecord, ScenarioRecord, TimelineEvent};
use crate::cluster::{Owner, RunId, ScenarioId, StoreError};
use crate::profile::Fault;
use crate::record::Interval;
use crate::result::{RunStart, Span};
use crate::scenario::{Scenario, ScenarioError};
use crate::time::{Nanos, nanos, unix_millis};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The entry of a timeline that makes a run a search.
const ASKED: &str = "capacity_search";
/// What the call is called in its fingerprint.
const CREATE: &str = "POST /capacity-searches";

/// Whose requests a search makes.
#[derive(Debug, Clone)]
pub enum Requests {
    /// Those of a scenario that is kept.
    Of(ScenarioId),
    /// Those of this one, which is kept as well.
    In(Value),
}

/// A search, and the run that it is.
#[derive(Debug)]
pub struct KnownSearch {
    /// The run.
    pub run: RunRecord,
    /// What is known by now.
    pub capacity: Capacity,
}

/// What a list shows of a search: what was looked for, and once its run has ended, what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedSearch {
    /// What is looked for.
    pub wanted: Wanted,
    /// The highest rate at which the objective holds; `None` where none is known.
    pub capacity_rps: Option<f64>,
    /// Between which rates it lies.
    pub interval: Option<[Option<f64>; 2]>,
    /// What does not allow more.
    pub limited_by: Option<LimitedBy>,
}

/// What the end of a search's run tells in the timeline.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    capacity_rps: Option<f64>,
    interval: [Option<f64>; 2],
    limited_by: Option<LimitedBy>,
}

impl ListedSearch {
    /// The search that a run is; `None`: it is none.
    #[must_use]
    pub fn of(run: &RunRecord) -> Option<Self> {
        let wanted = read(&asked_of(run)?.data)?;
        let ended = run.timeline.iter().rev().find(|event| event.kind == ENDED);
        let told = ended.and_then(|event| Told::deserialize(&event.data).ok());
        Some(Self {
            wanted,
            capacity_rps: told.as_ref().and_then(|it| it.capacity_rps),
            interval: told.as_ref().map(|it| it.interval),
            limited_by: told.and_then(|it| it.limited_by),
        })
    }
}

impl Controller {
    /// Starts a search with the requests of a scenario, whatever load that describes. The same call again under
    /// the same `key` makes nothing more, and is answered the same for a day.
    ///
    /// # Errors
    /// When the scenario or what is wanted has faults ([`ControllerError::Invalid`]), there is none of that id,
    /// the key is another call's, another controller leads, or the store does not answer.
    pub async fn create_search(
        &self,
        owner: &Owner,
        requests: Requests,
        wanted: &Wanted,
        key: Option<&str>,
    ) -> Result<Made, ControllerError> {
        self.inner().must_lead()?;
        let given = match &requests {
            Requests::Of(id) => json!([id, written(wanted)]),
            Requests::In(document) => json!([document, written(wanted)]),
        };
        let call = Call::of(self.inner(), owner, key, CREATE, &given).await?;
        if let Some(made) = call.made() {
            return Ok(made);
        }
        let (kept, document) = match requests {
            Requests::Of(id) => {
                let record = self.scenario(owner, &id).await?;
                let opened = self.opened(&record.document)?;
                (Some(record), opened)
            }
            Requests::In(document) => (None, document),
        };
        let searched = self.for_search(owner, document.clone(), wanted).await?;
        let id = kept.as_ref().map_or_else(ScenarioId::random, |record| record.id.clone());
        let made = call.begin(id, Some(RunId::random())).await?;
        let record = match kept {
            Some(record) => record,
            None => self.keep_unstarted(owner, document, &made).await?,
        };
        let record = ScenarioRecord { document: self.secrets().seal(searched), ..record };
        let run = made.run_id.clone().unwrap_or_else(RunId::random);
        self.submit_with(run, &record, vec![asked(wanted)]).await?;
        call.finish().await;
        Ok(made)
    }

    /// How far a search is, or what it has found.
    ///
    /// # Errors
    /// When there is no such search, the store does not answer, or what it keeps cannot be read.
    pub async fn capacity_search(
        &self,
        owner: &Owner,
        run: &RunId,
    ) -> Result<KnownSearch, ControllerError> {
        let none = || ControllerError::NoRun(run.clone());
        let record = self.record(owner, run).await?.ok_or_else(none)?;
        let scenario = self.inner().open(&record)?;
        let mut seeking = Seeking::of(&record, &scenario).ok_or_else(none)?;
        let stored = self.store().intervals(owner, run, 0, usize::MAX).await?;
        seeking.hear(&record.journal);
        for read in read_intervals(&stored) {
            let (snapshot, span) = read.map_err(|why| ControllerError::Damaged {
                run: run.clone(),
                what: "an interval",
                why,
            })?;
            seeking.search.interval(&snapshot.total, span);
        }
        if record.state.has_ended() {
            seeking.search.interrupt();
        }
        Ok(KnownSearch { run: record, capacity: seeking.search.capacity() })
    }

    /// The document under the load with which a search begins, if both make sense.
    async fn for_search(
        &self,
        owner: &Owner,
        document: Value,
        wanted: &Wanted,
    ) -> Result<Value, ControllerError> {
        let quota = self.inner().quota_of(owner).await?;
        if let Some(fault) = quota.rate_fault("maxRate", wanted.max_rate) {
            return Err(ScenarioError { faults: vec![fault] }.into());
        }
        let most = (wanted.max_rate * Wanted::BACKLOG_SECONDS).ceil();
        let load = |rate: f64| {
            let mut document = document.clone();
            let Some(fields) = document.as_object_mut() else { return document };
            let backlog = fields.get("maxBacklog").filter(|it| !it.is_null()).cloned();
            let own = json!({
                "loadProfile": {"type": "CONSTANT", "initialRps": rate},
                "durationSeconds": (Wanted::MOST_DURATION.min(wanted.duration) + Wanted::SPARE).as_secs_f64(),
                "warmupSeconds": 0, "maxRequests": null, "sla": [],
                "maxBacklog": backlog.unwrap_or_else(|| json!(most.clamp(1.0, 1e12) as u64)),
            });
            fields.extend(own.as_object().cloned().unwrap_or_default());
            document
        };
        let scenario = self.validate(owner, load(1.0)).await?;
        let search = Search::new(wanted, start_of(&scenario)).map_err(|error| {
            let fault = |(part, message): &(&str, String)| Fault {
                path: (*part).to_owned(),
                message: message.clone(),
            };
            ScenarioError { faults: error.faults.iter().map(fault).collect() }
        })?;
        Ok(load(search.first_rate()))
    }

    async fn keep_unstarted(
        &self,
        owner: &Owner,
        mut document: Value,
        made: &Made,
    ) -> Result<ScenarioRecord, ControllerError> {
        document["autoStart"] = Value::Bool(false);
        let tags = self.validate(owner, document.clone()).await?.tags.clone();
        let record = ScenarioRecord {
            id: made.scenario_id.clone(),
            owner: owner.clone(),
            revision: 0,
            created_unix_ms: made.at_unix_ms,
            changed_unix_ms: made.at_unix_ms,
            tags,
            document: self.secrets().seal(document),
            baseline: None,
        };
        match self.store().insert_scenario(&record).await {
            // It is this call's own, which did not come to its end.
            Err(StoreError { kind: Kind::Exists, .. }) => {}
            kept => kept?,
        }
        Ok(record)
    }
}

/// A search in a run, and how much of the run's journal it has heard.
pub(super) struct Seeking {
    pub(super) search: Search,
    heard: usize,
    measured_from: Nanos,
}

impl Seeking {
    /// The search that a run is, before anything was measured; `None`: it is none.
    pub(super) fn of(record: &RunRecord, scenario: &Scenario) -> Option<Self> {
        let asked = asked_of(record)?;
        let search = Search::new(&read(&asked.data)?, start_of(scenario)).ok()?;
        let measured_from = PlannedLoad::new(scenario).measured_from();
        Some(Self { search, heard: 0, measured_from })
    }

    /// Tells it of the changes of rate that the journal has by now, whoever asked for them.
    pub(super) fn hear(&mut self, journal: &[Entry]) {
        for entry in journal.get(self.heard..).unwrap_or_default() {
            if let Entry::Rate { at_ns, target_rps, over_seconds } = entry {
                let from_ns = at_ns.saturating_sub(self.measured_from);
                // On its way the rate is none that a trial could be made at.
                self.search.offered(from_ns, f64::NAN);
                let over = nanos(Duration::try_from_secs_f64(*over_seconds).unwrap_or_default());
                self.search.offered(from_ns.saturating_add(over), *target_rps);
            }
        }
        self.heard = journal.len();
    }

    /// What it has found when its run ends, as the timeline tells it.
    pub(super) fn found(&mut self) -> Value {
        self.search.interrupt();
        let Capacity { capacity_rps, interval, limited_by, .. } = self.search.capacity();
        json!(Told { capacity_rps, interval, limited_by })
    }

    pub(super) fn interval(&mut self, interval: &Interval, span: Span) {
        self.search.interval(interval, span);
    }
}

/// Whether a run is a search.
pub(super) fn is_search(record: &RunRecord) -> bool {
    asked_of(record).is_some()
}

fn asked_of(record: &RunRecord) -> Option<&TimelineEvent> {
    record.timeline.iter().find(|event| event.kind == ASKED)
}

/// The rate beyond which a run that is a search does not go; `None`: it is none.
pub(super) fn greatest_rate(record: &RunRecord) -> Option<f64> {
    let asked = asked_of(record)?;
    read(&asked.data).map(|wanted| wanted.max_rate)
}

fn start_of(scenario: &Scenario) -> RunStart {
    let mix = scenario.mix.iter().map(|request| (request.name.clone(), request.weight)).collect();
    RunStart { mix, slack_ns: scenario.slack.map_or(0, nanos), ..RunStart::default() }
}

fn asked(wanted: &Wanted) -> TimelineEvent {
    TimelineEvent {
        at_unix_ms: unix_millis(),
        at_seconds: None,
        kind: ASKED.to_owned(),
        text: format!("up to which rate does {} hold?", wanted.slo),
        data: written(wanted),
        seq: 0,
    }
}

fn written(Wanted { slo, max_rate, duration }: &Wanted) -> Value {
    json!({"slo": slo, "maxRate": max_rate, "durationSeconds": duration.as_secs_f64()})
}

fn read(data: &Value) -> Option<Wanted> {
    Some(Wanted {
        slo: data["slo"].as_str()?.to_owned(),
        max_rate: data["maxRate"].as_f64()?,
        duration: Duration::try_from_secs_f64(data["durationSeconds"].as_f64()?).ok()?,
    })
}
