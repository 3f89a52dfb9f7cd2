//! Holds the documents against the code: what a page lists is all there is.

use loadcore::RunResult;
use loadcore::record::{Distribution, Histogram, Snapshot};
use loadcore::report::FORMATS;
use loadcore::request::{DropReason, ErrorClass};
use loadcore::result::{FindingKind, ResultBuilder, RunEnd, RunStart, SeriesRow, WorkerResult};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

/// The page about results.
const RESULTS: &str = include_str!("../../docs/results.md");

/// Keys under which there are no fixed keys.
const FREE: [&str; 7] = [
    "scenario",
    "options",
    "droppedByReason",
    "statusCodeDistribution",
    "errors",
    "errorExamples",
    "evidence",
];

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

#[test]
fn every_kind_of_finding_has_a_row_in_its_table() {
    for kind in FindingKind::ALL {
        let row = format!("\n| `{}` | ", kind.name());
        assert!(RESULTS.contains(&row), "docs/results.md has no row for {}", kind.name());
    }
}

/// What the page says of distributions is enough to read them: its own program does.
#[test]
fn the_program_on_the_page_reads_a_rows_distribution() {
    let mut histogram = Histogram::new();
    (1..=400).for_each(|n| histogram.record(n * n * 10_000));
    histogram.record_n(700, 5);
    let distribution = Distribution::of(&histogram);
    let program = RESULTS.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let text = serde_json::to_string(&distribution).unwrap();
    let asks = format!(
        "{}\nimport json\ntext = {text}\nprint(json.dumps([list(buckets(text)), [quantile(text, q) \
         for q in (0.0, 0.01, 0.5, 0.99, 1.0)]]))\n",
        program.expect("the page has a program")
    );
    let output = Command::new("python3").args(["-c", &asks]).output().expect("python3 is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let buckets: Vec<_> = distribution
        .buckets()
        .map(|bucket| serde_json::json!([bucket.from_ns, bucket.to_ns, bucket.count]))
        .collect();
    assert_eq!(told[0], Value::from(buckets));
    let quantiles: Vec<_> =
        [0.0, 0.01, 0.5, 0.99, 1.0].map(|q| distribution.quantile(q).unwrap() as f64 / 1e6).into();
    assert_eq!(told[1], Value::from(quantiles));
}

/// A result in which no list is empty.
fn full_result() -> RunResult {
    let builder =
        ResultBuilder::new(RunStart { mix: vec![("a".into(), 1.0)], ..RunStart::default() });
    let mut result = builder.build(&Snapshot::default(), &RunEnd::default());
    // As whoever reads a result makes them: a later version may have more fields.
    let rule = json!({
        "rule": "p99<250ms", "passed": false, "actual": null, "unit": "ms", "reason": null,
        "windowSeconds": null, "aborted": false,
        "violations": [{"fromSecond": 1.0, "toSecond": 2.0, "worst": 300.0}],
    });
    let reason = json!({
        "kind": "pacer_late", "verdict": "DEGRADED", "figure": 2.0, "limit": 1.0, "unit": "ms",
        "explanation": "", "remedy": "",
    });
    let witness = json!({"name": "app", "series": "busy", "leadSeconds": 1.0, "correlation": 0.9});
    let finding = json!({
        "kind": "saturation", "severity": "critical", "confidence": 0.9, "fromSecond": 1.0,
        "toSecond": 2.0, "request": null, "evidence": {}, "witnesses": [witness],
        "explanation": "", "nextStep": "",
    });
    result.sla.push(serde_json::from_value(rule).expect("an outcome"));
    result.validity.reasons.push(serde_json::from_value(reason).expect("a reason"));
    result.bottlenecks.push(serde_json::from_value(finding).expect("a finding"));
    let observed = json!({
        "name": "app", "url": "http://app/metrics", "readings": 2, "failedReadings": 1,
        "series": [{"series": "busy", "kind": "rate", "second": [0], "values": [0.5]}],
        "faults": [{"second": 1, "text": "no answer"}],
    });
    result.observed.push(serde_json::from_value(observed).expect("what was observed"));
    result.series.push(SeriesRow::default());
    result.workers.push(WorkerResult::default());
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
