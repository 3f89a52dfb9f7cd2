//! Writes down a run's scenario, with which targets the platform lets it load, as the plan that its
//! workers read, and reads it again.

use crate::http::TargetPolicy;
use crate::scenario::Scenario;
use serde_json::{Value, json};

/// The field of the policy, beside those of the scenario.
const TARGETS: &str = "targetPolicy";

/// What a worker has to know of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// What to do.
    pub(crate) scenario: Scenario,
    /// Which targets may be loaded; a worker has a word in that of its own.
    pub(crate) policy: TargetPolicy,
}

impl Plan {
    /// As it is sealed. `from`, where the scenario has no such header of its own, tells each target whom
    /// to ask about the load.
    pub(crate) fn written(&self, from: Option<&str>) -> Value {
        let mut document = self.scenario.to_value();
        let Some(fields) = document.as_object_mut() else { return document };
        // Those who are told of the rules are none of a worker's.
        fields.shift_remove("alerts");
        fields.insert(TARGETS.to_owned(), json!(self.policy));
        let is_told = self.scenario.headers.iter().any(|(name, _)| *name == http::header::FROM);
        if let Some(from) = from.filter(|_| !is_told) {
            let headers = fields.entry("headers").or_insert_with(|| json!({}));
            if let Some(headers) = headers.as_object_mut() {
                headers.insert("from".to_owned(), json!(from));
            }
        }
        document
    }

    /// Of what was sealed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let targets = document.as_object_mut().and_then(|fields| fields.shift_remove(TARGETS));
        let policy = targets.map_or_else(|| Ok(TargetPolicy::default()), serde_json::from_value);
        let policy = policy.map_err(|error| format!("{TARGETS}: {error}"))?;
        let scenario = Scenario::from_value(document).map_err(|error| error.to_string())?;
        Ok(Self { scenario, policy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(fields: Value) -> Plan {
        let mut document =
            json!({"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 1});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Plan {
            scenario: Scenario::from_value(document).unwrap(),
            policy: TargetPolicy::public_only(),
        }
    }

    #[test]
    fn what_was_written_is_read_without_those_who_are_told() {
        let alerts = json!([{"type": "webhook", "url": "http://hook.test/s3cret"}]);
        let plan = plan(json!({"alerts": alerts, "headers": {"X-A": "b"}}));
        let written = plan.written(None).to_string();
        assert!(!written.contains("s3cret"));
        let read = Plan::read(&written).unwrap();
        assert_eq!((read.policy, read.scenario.alerts.len()), (plan.policy, 0));
        assert_eq!(read.scenario.headers, plan.scenario.headers);
        assert!(Plan::read(r#"{"targetPolicy": 1}"#).unwrap_err().starts_with("targetPolicy: "));
    }

    #[test]
    fn who_answers_for_the_load_is_told_unless_the_scenario_says_so() {
        let from = |headers: Value| {
            let written = plan(json!({"headers": headers})).written(Some("ops@example.com"));
            let read = Plan::read(&written.to_string()).unwrap().scenario;
            let all = read.headers.iter().filter(|(name, _)| *name == http::header::FROM);
            all.map(|(_, value)| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(from(json!({})), ["ops@example.com"]);
        assert_eq!(from(json!({"FROM": "me@a.test"})), ["me@a.test"]);
    }
}
