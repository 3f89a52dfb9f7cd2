//! Holds the documents against the code: what a page lists is all there is.

use loadcore::report::FORMATS;
use loadcore::request::{DropReason, ErrorClass};
use loadcore::result::{
    Ending, Plan, Reason, ResultBuilder, SeriesRow, SlaOutcome, Verdict, Violation,
};
use loadcore::{RunResult, record::Snapshot};
use serde_json::Value;
use std::collections::BTreeSet;

/// The page about results.
const RESULTS: &str = include_str!("../../docs/results.md");

/// Keys under which there are no fixed keys.
const FREE: [&str; 6] =
    ["scenario", "options", "droppedByReason", "statusCodeDistribution", "errors", "errorExamples"];

#[test]
fn every_key_of_a_result_is_explained() {
    let mut keys = BTreeSet::new();
    collect(&serde_json::to_value(full_result()).unwrap(), &mut keys);
    assert!(keys.len() > 80, "the result lacks parts: {keys:?}");
    let missing: Vec<_> =
        keys.iter().filter(|key| !RESULTS.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/results.md does not name {missing:?}");
}

#[test]
fn every_reason_and_class_is_listed() {
    let names = DropReason::ALL.map(DropReason::name).into_iter();
    for name in names.chain(ErrorClass::ALL.map(ErrorClass::name)) {
        assert!(RESULTS.contains(&format!("`{name}`")), "docs/results.md does not name {name}");
    }
}

#[test]
fn every_format_is_told() {
    let command = include_str!("../../bins/cli/README.md");
    let api = include_str!("../../docs/api.md");
    let report = api.split("### `GET /runs/{id}/report`").nth(1).expect("the call is described");
    let report = report.split("###").next().unwrap_or_default();
    for format in FORMATS {
        let name = format.name;
        assert!(command.contains(&format!("| `{name}`")), "bins/cli/README.md lacks {name}");
        let told = report.contains(&format!("`{name}`")) || report.contains(&format!("={name}`"));
        assert_eq!(told, format.is_of_a_result(), "docs/api.md, the report as {name}");
    }
}

/// A result in which no list is empty.
fn full_result() -> RunResult {
    let builder = ResultBuilder::new(Plan::default());
    let mut result = builder.build(&Snapshot::default(), &Ending::default());
    result.sla.push(SlaOutcome {
        rule: "p99<250ms".into(),
        passed: false,
        actual: None,
        unit: "ms".into(),
        reason: None,
        window_seconds: None,
        violations: vec![Violation { from_second: 1.0, to_second: 2.0, worst: Some(300.0) }],
        aborted: false,
    });
    result.validity.reasons.push(Reason {
        kind: "pacer_late".into(),
        verdict: Verdict::Degraded,
        figure: 2.0,
        limit: 1.0,
        unit: "ms".into(),
        explanation: String::new(),
        remedy: String::new(),
    });
    result.series.push(SeriesRow::default());
    result
}

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                keys.insert(key.clone());
                if !FREE.contains(&key.as_str()) {
                    collect(value, keys);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}
