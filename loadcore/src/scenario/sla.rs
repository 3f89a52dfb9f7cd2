//! Turns the document's SLA rules into rules whose text is known to make sense.

use super::limits;
use super::object::{Object, quoted};
use serde_json::Value;

/// A bound on a statistic, of the whole run or of each window of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SlaRule {
    /// The bound, as it was written: `p99<250ms`.
    pub rule: String,
    /// Judged over the last so many seconds; `None`: over the whole run.
    pub window_seconds: Option<f64>,
    /// Violated only when it does not hold for so many seconds on end.
    pub for_seconds: Option<f64>,
    /// Whether a violation ends the run.
    pub abort: bool,
}

/// Says whether the text of a rule can be understood.
///
/// # Errors
///
/// What is wrong with it and how to write it.
// The one place where the scenario asks for the meaning of a rule.
pub fn check_rule(rule: &str) -> Result<(), String> {
    let advice = || format!("{} is not a rule; write it like `p99<250ms`", quoted(rule));
    let comparison = rule.find(['<', '>', '=']).ok_or_else(advice)?;
    let (metric, bound) = rule.split_at(comparison);
    let bound = bound.trim_start_matches(['<', '>', '=']);
    let operator = &rule[comparison..rule.len() - bound.len()];

    let named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let metric = metric.trim();
    let bound = bound.trim();
    let digits = bound.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bound.len());
    let (number, unit) = bound.split_at(digits);
    let right = matches!(operator, "<" | "<=" | ">" | ">=")
        && !metric.is_empty()
        && metric.chars().all(named)
        && number.parse::<f64>().is_ok()
        && matches!(unit.trim(), "" | "%" | "ns" | "us" | "ms" | "s" | "m");
    if right { Ok(()) } else { Err(advice()) }
}

/// A rule of the list: its text, or an object that says more.
pub(super) fn rule(scenario: &Object<'_>, place: &str, value: &Value) -> Option<SlaRule> {
    let rule = match value {
        Value::String(rule) => {
            SlaRule { rule: rule.clone(), window_seconds: None, for_seconds: None, abort: false }
        }
        Value::Object(_) => return rule_object(scenario.part(place, value)?),
        other => {
            let found = super::object::describe(other);
            scenario.fault(place, format!("expected a rule as text or object, found {found}"));
            return None;
        }
    };
    check_rule(&rule.rule).map_err(|message| scenario.fault(place, message)).ok()?;
    Some(rule)
}

fn rule_object(mut object: Object<'_>) -> Option<SlaRule> {
    let rule = object.required("rule", Object::text);
    if let Some(Err(message)) = rule.map(check_rule) {
        object.fault("rule", message);
    }
    let mut seconds = |field| {
        let duration = object.duration(field, limits::MAX_WAIT_SECONDS)?;
        Some(duration.as_secs_f64())
    };
    let (window_seconds, for_seconds) = (seconds("windowSeconds"), seconds("forSeconds"));
    let abort = object.boolean("abort").unwrap_or(false);
    object.refuse_unknown();
    Some(SlaRule { rule: rule?.into(), window_seconds, for_seconds, abort })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_the_contract_are_understood() {
        for rule in [
            "p99<250ms",
            "p99.9<1s",
            "mean < 40ms",
            "error_rate<1%",
            "achieved_rate>=99%",
            "rps>=1000",
        ] {
            assert_eq!(check_rule(rule), Ok(()), "{rule}");
        }
    }

    #[test]
    fn others_are_refused_with_advice() {
        for rule in
            ["", "p99", "<5ms", "p99<", "p99<fast", "p99<<5ms", "p99<5parsec", "a b<1", "p<-1"]
        {
            let message = check_rule(rule).unwrap_err();
            assert_eq!(message, format!("{rule:?} is not a rule; write it like `p99<250ms`"));
        }
    }
}
