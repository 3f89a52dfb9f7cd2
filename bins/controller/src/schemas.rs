//! Turns the library's documents into JSON Schemas, for the OpenAPI page.
//!
//! The library knows nothing of OpenAPI, so its documents are described beside it, in
//! `schemas/*.json`; a test holds their keys against what the library writes.

use crate::views::EventView;
use loadcore::cluster::store::RunState;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use utoipa::openapi::schema::{AnyOfBuilder, Object, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! documents {
    ($($(#[$doc:meta])* $name:ident as $shown:literal in $file:literal;)*) => {$(
        $(#[$doc])*
        pub struct $name(pub Value);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = include_str!($file);
                serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", $file))
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $shown.into()
            }
        }
    )*};
}

documents! {
    /// A scenario.
    ScenarioDocument as "Scenario" in "schemas/scenario.json";
    /// A run's result.
    ResultDocument as "Result" in "schemas/result.json";
    /// A run in few figures.
    SummaryDocument as "RunSummary" in "schemas/summary.json";
    /// The statistics of the last seconds.
    RealtimeDocument as "Realtime" in "schemas/realtime.json";
    /// What an SLA rule came to.
    SlaDocument as "SlaOutcome" in "schemas/sla.json";
    /// A finding.
    BottleneckDocument as "Bottleneck" in "schemas/bottleneck.json";
    /// Two runs side by side.
    ComparisonDocument as "Comparison" in "schemas/comparison.json";
    /// Up to which rate an objective holds.
    CapacityDocument as "Capacity" in "schemas/capacity.json";
    /// What a scenario would do.
    PreviewDocument as "Preview" in "schemas/preview.json";
}

/// A scenario that may be wrong: whatever is an object is judged.
pub struct AnyDocument;

impl PartialSchema for AnyDocument {
    fn schema() -> RefOr<Schema> {
        let of = Ref::from_schema_name(ScenarioDocument::name());
        let any = Object::with_type(Type::Object);
        let what = "a scenario, or any other object, whose faults are the answer";
        AnyOfBuilder::new().item(of).item(any).description(Some(what)).into()
    }
}

impl ToSchema for AnyDocument {
    fn name() -> std::borrow::Cow<'static, str> {
        "AnyScenario".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((ScenarioDocument::name().into(), ScenarioDocument::schema()));
    }
}

/// What only the whole result document has, and its totals do not.
pub const LONG: [&str; 4] = ["scenario", "seriesSeconds", "series", "histograms"];

/// Parts of the result document that are answers of their own.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident as $shown:literal by $made:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = include_str!("schemas/result.json");
                let whole = serde_json::from_str(text);
                let part = whole.and_then(|whole| serde_json::from_value($made(whole)));
                part.unwrap_or_else(|error| panic!("{}: {error}", $shown))
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $shown.into()
            }
        }
    )*};
}

parts! {
    /// A run's totals: its result without what it says of each second.
    TotalDocument as "Totals" by totals;
    /// A run over time.
    SeriesDocument as "Series" by series;
    /// A run's distributions.
    HistogramsDocument as "Histograms" by histograms;
    /// What those who watch a run are told.
    FrameDocument as "Frame" by frame;
}

fn totals(mut whole: Value) -> Value {
    whole["description"] = "A run's result without its scenario, series and histograms.".into();
    if let Some(fields) = whole["properties"].as_object_mut() {
        LONG.iter().for_each(|long| drop(fields.shift_remove(*long)));
    }
    if let Some(names) = whole["required"].as_array_mut() {
        names.retain(|name| !LONG.iter().any(|long| name == long));
    }
    whole
}

fn series(whole: Value) -> Value {
    json!({
        "description": "A run over time.",
        "type": "object",
        "required": ["seriesSeconds", "items", "nextCursor"],
        "additionalProperties": false,
        "properties": {
            "seriesSeconds": whole["properties"]["seriesSeconds"],
            "items": whole["properties"]["series"],
            "nextCursor": {"type": "null", "description": "all are on one page"},
        },
    })
}

fn frame(whole: Value) -> Value {
    let of = |kind: &str, data: Value| {
        json!({
            "type": "object",
            "required": ["seq", "type", "data"],
            "additionalProperties": false,
            "properties": {
                "seq": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "counts up with each frame of the run, from 1",
                },
                "type": {"type": "string", "enum": [kind]},
                "data": data,
            },
        })
    };
    let event = format!("#/components/schemas/{}", EventView::name());
    json!({
        "description": "One message of a stream.",
        "oneOf": [of("interval", interval(whole)), of("event", json!({"$ref": event})), of("end", end())],
    })
}

/// A row of the series, and what is known beside it while the run goes on.
fn interval(mut whole: Value) -> Value {
    let mut row = whole["properties"]["series"]["items"].take();
    let mut request = row.clone();
    let mut worker = whole["properties"]["workers"]["items"].take();
    for only_of_the_whole in ["validity", "seriesSeconds", "series"] {
        remove(&mut worker, only_of_the_whole);
    }
    worker["description"] = "A second of one worker.".into();
    let rate = |what: &str| json!({"type": ["number", "null"], "description": what});
    let count = |what: &str| json!({"type": "integer", "minimum": 0, "description": what});
    let counts = |what: &str| {
        let count = json!({"type": "integer", "minimum": 0});
        json!({"type": "object", "additionalProperties": count, "description": what})
    };
    let states = RunState::ALL.map(RunState::name);
    let more = [
        ("rps", rate("requests with an outcome, per second")),
        ("offeredRps", rate("arrivals due, per second; null in closed loop")),
        ("statusCodes", counts("replies by status")),
        ("errors", counts("failed requests by error class")),
        ("inFlight", count("requests under way at its end")),
        ("activeWorkers", count("workers that make the load")),
        ("state", json!({"type": "string", "enum": states, "description": "how far the run is"})),
        ("requests", json!({"type": "array", "items": null, "maxItems": 100})),
        ("workers", json!({"type": "array", "items": null, "maxItems": 32})),
    ];
    let of_request = [
        ("name", json!({"type": "string", "description": "its name in the mix"})),
        ("rps", rate("requests with an outcome, per second")),
        ("statusCodes", counts("replies by status")),
        ("errors", counts("failed requests by error class")),
    ];
    add(&mut request, of_request);
    request["description"] = "A second of one request of the mix.".into();
    add(&mut row, more);
    row["properties"]["requests"]["items"] = request;
    row["properties"]["workers"]["items"] = worker;
    row["description"] =
        "A second of a run, as a row of its series and with what is known now.".into();
    row
}

fn add<const N: usize>(row: &mut Value, fields: [(&str, Value); N]) {
    for (name, schema) in fields {
        row["properties"][name] = schema;
        if let Some(names) = row["required"].as_array_mut() {
            names.push(name.into());
        }
    }
}

fn remove(row: &mut Value, field: &str) {
    if let Some(fields) = row["properties"].as_object_mut() {
        fields.shift_remove(field);
    }
    if let Some(names) = row["required"].as_array_mut() {
        names.retain(|name| name != field);
    }
}

fn end() -> Value {
    let ends = RunState::ALL.into_iter().filter(|state| state.has_ended()).map(RunState::name);
    json!({
        "description": "How a run ended.",
        "type": "object",
        "required": ["state", "complete"],
        "additionalProperties": false,
        "properties": {
            "state": {"type": "string", "enum": ends.collect::<Vec<_>>()},
            "complete": {
                "type": ["boolean", "null"],
                "description": "whether its data are whole; null where there is no result",
            },
        },
    })
}

fn histograms(_whole: Value) -> Value {
    let one = |what: &str| json!({"type": "object", "description": what});
    json!({
        "description": "Distributions in HdrHistogram's encoding.",
        "type": "object",
        "required": ["latency", "okLatency", "serviceTime", "scheduleLag"],
        "additionalProperties": false,
        "properties": {
            "latency": one("response time; in closed loop service time"),
            "okLatency": {
                "type": ["object", "null"],
                "description": "latency over the ok alone; null where they are not known apart",
            },
            "serviceTime": one("service time"),
            "scheduleLag": one("schedule lag; empty in closed loop"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadcore::cluster::controller::api::WorkerFrame;
    use loadcore::record::Snapshot;
    use loadcore::result::{
        Finding, FindingKind, Observed, ResultBuilder, RunEnd, RunStart, RunSummary, SeriesRow,
        WorkerResult, WorkerSeries,
    };
    use loadcore::scenario::Scenario;
    use loadcore::scenario::preview::{Rows, preview};
    use std::collections::BTreeSet;

    fn described(text: &str) -> BTreeSet<String> {
        let schema: Value = serde_json::from_str(text).unwrap();
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    fn written(document: &Value) -> BTreeSet<String> {
        document.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn a_scenario_has_the_keys_that_are_described() {
        let text = r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 1}"#;
        let mut keys = written(&Scenario::from_json(text).unwrap().to_value());
        // Other ways to say a body and headers.
        let others = ["bodyBase64", "form", "host", "compressed", "cookies"];
        keys.extend(others.map(str::to_owned));
        assert_eq!(described(include_str!("schemas/scenario.json")), keys);
    }

    #[test]
    fn a_result_has_the_keys_that_are_described() {
        let builder = ResultBuilder::new(RunStart::default());
        let result = builder.build(&Snapshot::default(), &RunEnd::default());
        let keys = written(&serde_json::to_value(result).unwrap());
        assert_eq!(described(include_str!("schemas/result.json")), keys);
    }

    #[test]
    fn a_summary_has_the_keys_that_are_described() {
        let builder = ResultBuilder::new(RunStart::default());
        let result = builder.build(&Snapshot::default(), &RunEnd::default());
        let summary = json!(RunSummary::of(&result));
        let text = include_str!("schemas/summary.json");
        assert_eq!(described(text), written(&summary));
        let schema: Value = serde_json::from_str(text).unwrap();
        let course = schema["properties"]["sparkline"].to_string();
        assert_eq!(described(&course), written(&summary["sparkline"]));
    }

    #[test]
    fn a_preview_has_the_keys_that_are_described() {
        let text = r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 1,
            "loadProfile": {"type": "CONSTANT", "initialRps": 1}}"#;
        let preview = preview(&Scenario::from_json(text).unwrap(), Rows::default());
        let written_value = serde_json::to_value(preview).unwrap();
        let text = include_str!("schemas/preview.json");
        assert_eq!(described(text), written(&written_value));
        let schema: Value = serde_json::from_str(text).unwrap();
        for list in ["rate", "workers"] {
            let items = schema["properties"][list]["items"].to_string();
            assert_eq!(described(&items), written(&written_value[list][0]), "{list}");
        }
    }

    #[test]
    fn a_row_and_a_finding_have_the_keys_that_are_described() {
        let whole: Value = serde_json::from_str(include_str!("schemas/result.json")).unwrap();
        let row = &whole["properties"]["series"]["items"];
        let keys = written(&json!(SeriesRow::default()));
        assert_eq!(described(&row.to_string()), keys);
        let worker = &whole["properties"]["workers"]["items"];
        let keys = written(&json!(WorkerResult::default()));
        assert_eq!(described(&worker.to_string()), keys);
        let columns = written(&json!(WorkerSeries::default()));
        assert_eq!(described(&worker["properties"]["series"].to_string()), columns);
        let frame = interval(whole.clone())["properties"]["workers"]["items"].clone();
        let of_frame: WorkerFrame = serde_json::from_value(json!(WorkerResult::default())).unwrap();
        assert_eq!(described(&frame.to_string()), written(&json!(of_frame)));
        let observed: Observed = serde_json::from_value(json!({
            "name": "a", "url": "http://a/", "readings": 1, "failedReadings": 1,
            "series": [{"series": "s", "kind": "rate", "second": [0], "values": [null]}],
            "faults": [{"second": 0, "text": "no answer"}],
        }))
        .unwrap();
        let (described_one, written_one) =
            (&whole["properties"]["observed"]["items"], json!(observed));
        assert_eq!(described(&described_one.to_string()), written(&written_one));
        for list in ["series", "faults"] {
            let items = described_one["properties"][list]["items"].to_string();
            assert_eq!(described(&items), written(&written_one[list][0]), "{list}");
        }
        let finding: Finding = serde_json::from_value(json!({
            "kind": "cold_start", "severity": "info", "confidence": 0.5, "fromSecond": 0.0,
            "toSecond": 1.0, "request": null, "evidence": {}, "witnesses": [{"name": "a",
            "series": "b", "leadSeconds": 1.0, "correlation": 0.5}], "explanation": "", "nextStep": "",
        }))
        .unwrap();
        let finding = json!(finding);
        let text = include_str!("schemas/bottleneck.json");
        assert_eq!(described(text), written(&finding));
        let schema: Value = serde_json::from_str(text).unwrap();
        let witness = schema["properties"]["witnesses"]["items"].to_string();
        assert_eq!(described(&witness), written(&finding["witnesses"][0]));
        let kinds = schema["properties"]["kind"]["description"].as_str().unwrap();
        assert!(FindingKind::ALL.iter().all(|kind| kinds.contains(kind.name())), "{kinds}");
    }

    /// Every word of a schema, with its place: `const`, say, is none that utoipa knows.
    fn words(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
        match schema {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                words(value, &format!("{path}.{name}"), found);
            }),
            Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| {
                words(value, &format!("{path}[{at}]"), found);
            }),
            // 0 and 0.0 are the same number.
            Value::Number(number) => {
                found.insert(format!("{path}: {:?}", number.as_f64()));
            }
            other => {
                found.insert(format!("{path}: {other}"));
            }
        }
    }

    #[test]
    fn nothing_is_lost_on_the_way_to_openapi() {
        for (text, schema) in [
            (include_str!("schemas/scenario.json"), ScenarioDocument::schema()),
            (include_str!("schemas/result.json"), ResultDocument::schema()),
            (include_str!("schemas/summary.json"), SummaryDocument::schema()),
            (include_str!("schemas/realtime.json"), RealtimeDocument::schema()),
            (include_str!("schemas/sla.json"), SlaDocument::schema()),
            (include_str!("schemas/bottleneck.json"), BottleneckDocument::schema()),
            (include_str!("schemas/preview.json"), PreviewDocument::schema()),
            (include_str!("schemas/capacity.json"), CapacityDocument::schema()),
        ] {
            let (mut given, mut shown) = (BTreeSet::new(), BTreeSet::new());
            words(&serde_json::from_str(text).unwrap(), "", &mut given);
            words(&serde_json::to_value(schema).unwrap(), "", &mut shown);
            let lost: Vec<_> = given.difference(&shown).collect();
            assert!(lost.is_empty(), "{lost:#?}");
        }
    }
}
