//! Turns the document's SLA rules into [`SlaRule`]s, each fault with its place.

use super::NamedRequest;
use super::object::{Object, describe};
use crate::analysis::sla::{Rule, SlaRule};
use serde_json::Value;

/// A rule of the list: its text, or an object that says more. Where it is of one request, the mix has
/// it.
pub(super) fn rule(
    scenario: &Object<'_>,
    place: &str,
    value: &Value,
    mix: &[NamedRequest],
) -> Option<SlaRule> {
    match value {
        Value::String(text) => match read(text, mix) {
            Ok(rule) => Some(SlaRule::whole_run(rule)),
            Err(error) => {
                scenario.fault(place, error);
                None
            }
        },
        Value::Object(_) => rule_object(scenario.part(place, value)?, mix),
        other => {
            let found = describe(other);
            scenario.fault(place, format!("expected a rule as text or object, found {found}"));
            None
        }
    }
}

fn read(text: &str, mix: &[NamedRequest]) -> Result<Rule, String> {
    let rule: Rule = text.parse().map_err(|error| format!("{error}"))?;
    let names: Vec<_> = mix.iter().map(|request| request.name.as_str()).collect();
    rule.check_request(&names).map_err(|error| error.to_string())?;
    Ok(rule)
}

fn rule_object(mut object: Object<'_>, mix: &[NamedRequest]) -> Option<SlaRule> {
    let rule = object
        .required("rule", Object::text)
        .and_then(|text| read(text, mix).map_err(|error| object.fault("rule", error)).ok());
    let longest = u64::from(SlaRule::LONGEST_WINDOW);
    let window_seconds = object.integer("windowSeconds", 1..=longest).map(|n| n as u32);
    let for_seconds = object.integer("forSeconds", 0..=longest).unwrap_or(0) as u32;
    let abort = object.boolean("abort").unwrap_or(false);
    object.refuse_unknown();
    // Its window is within the limits, so there is nothing left to refuse.
    SlaRule::new(rule?, window_seconds, for_seconds, abort).ok()
}
