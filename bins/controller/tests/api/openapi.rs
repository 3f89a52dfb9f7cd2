//! Tests the description of the API against the API.

use crate::live::{document, reaches, started, target};
use crate::support::{Answer, Api, scenario};
use axum::http::Method;
use loadcore_controller::render::of_a_report;
use loadcore_controller::views::FrameView;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The calls that clients rely on.
const CALLS: &[&str] = &[
    "get /api/v1/scenarios",
    "post /api/v1/scenarios",
    "post /api/v1/scenarios/validate",
    "get /api/v1/scenarios/{id}",
    "put /api/v1/scenarios/{id}",
    "delete /api/v1/scenarios/{id}",
    "post /api/v1/scenarios/{id}/runs",
    "get /api/v1/scenarios/{id}/stats/realtime",
    "get /api/v1/scenarios/{id}/stream",
    "get /api/v1/runs",
    "get /api/v1/runs/{id}",
    "delete /api/v1/runs/{id}",
    "post /api/v1/runs/{id}/stop",
    "post /api/v1/runs/{id}/pause",
    "post /api/v1/runs/{id}/resume",
    "patch /api/v1/runs/{id}/rate",
    "get /api/v1/runs/{id}/stats/realtime",
    "get /api/v1/runs/{id}/stats/total",
    "get /api/v1/runs/{id}/stats/series",
    "get /api/v1/runs/{id}/stats/histogram",
    "get /api/v1/runs/{id}/timeline",
    "get /api/v1/runs/{id}/sla",
    "get /api/v1/runs/{id}/bottlenecks",
    "get /api/v1/runs/{id}/report",
    "get /api/v1/runs/{id}/stream",
    "put /api/v1/scenarios/{id}/baseline",
    "get /api/v1/comparisons",
    "get /api/v1/capacity-searches",
    "post /api/v1/capacity-searches",
    "get /api/v1/capacity-searches/{id}",
    "get /api/v1/workers",
    "get /api/v1/workers/{id}",
    "post /api/v1/workers/{id}/drain",
    "get /api/v1/tokens",
    "post /api/v1/tokens",
    "delete /api/v1/tokens/{id}",
    "get /api/v1/secrets",
    "put /api/v1/secrets/{name}",
    "delete /api/v1/secrets/{name}",
    "get /api/v1/domains",
    "put /api/v1/domains/{domain}",
    "delete /api/v1/domains/{domain}",
    "post /api/v1/domains/{domain}/verify",
    "get /api/v1/quotas",
    "get /api/v1/quotas/{user}",
    "put /api/v1/quotas/{user}",
    "delete /api/v1/quotas/{user}",
    "get /api/v1/audit",
    "get /api/v1/halt",
    "post /api/v1/halt",
    "delete /api/v1/halt",
    "get /api/v1/about",
    "get /api/v1/me",
    "get /actuator/health",
    "get /actuator/health/liveness",
    "get /actuator/health/readiness",
    "get /actuator/info",
    "get /actuator/prometheus",
    "get /metrics",
];

async fn description(api: &Api) -> Value {
    let answer = api.get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let paths = description["paths"].as_object().expect("paths");
    let of = |(path, item): (&String, &'_ Value)| -> Vec<(String, String)> {
        let methods = item.as_object().expect("methods").keys();
        methods.map(|method| (method.clone(), path.clone())).collect()
    };
    let names = paths.iter().flat_map(of);
    names
        .map(|(method, path)| {
            let operation = &description["paths"][&path][&method];
            (method, path, operation)
        })
        .collect()
}

#[tokio::test]
async fn every_call_is_described_and_every_described_call_is_served() {
    let api = Api::new().await;
    let description = description(&api).await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let calls: BTreeSet<_> = operations(&description)
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(calls, CALLS.iter().map(|&call| call.to_owned()).collect());
    for (method, path, _) in operations(&description) {
        let method: Method = method.to_uppercase().parse().unwrap();
        let path = path.replace("{id}", "none").replace("{user}", "none");
        let path = path.replace("{domain}", "none.invalid");
        let answer = api.call(method, &path, None).await;
        assert_ne!(answer.status, 405, "{path}");
        assert!(!answer.text.contains("problem:no-route"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn every_call_says_what_it_does_and_what_may_go_wrong() {
    let api = Api::new().await;
    let description = description(&api).await;
    for (method, path, operation) in operations(&description) {
        assert!(operation["summary"].is_string(), "{method} {path} says nothing");
        assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
        let responses = operation["responses"].as_object().unwrap();
        if path.starts_with("/api/v1/") {
            let user = operation["parameters"].as_array().into_iter().flatten();
            let names_a_user = user.map(|it| &it["name"]).any(|name| name == "x-user-id");
            assert_eq!(names_a_user, path != "/api/v1/about", "{path}");
            for status in ["401", "403", "429", "500", "503", "504"] {
                let content = &responses[status]["content"];
                assert!(
                    content["application/problem+json"].is_object(),
                    "{method} {path}: {status}"
                );
            }
            // A comparison names its runs in the query, a search its scenario in the body.
            let names_one = path.contains("{id}")
                || (path.contains("{domain}") && method != "put")
                || path.ends_with("/comparisons")
                || (path.ends_with("/capacity-searches") && method == "post")
                // A secret is made by the call that names it.
                || format!("{method} {path}") == "delete /api/v1/secrets/{name}";
            assert_eq!(names_one, responses.contains_key("404"), "{method} {path}");
        }
    }
    let ids: BTreeSet<_> = operations(&description)
        .iter()
        .map(|(.., operation)| operation["operationId"].to_string())
        .collect();
    assert_eq!(ids.len(), CALLS.len(), "operation ids are names of functions in clients: {ids:?}");
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let api = Api::new().await;
    let description = description(&api).await;
    let mut references = BTreeSet::new();
    collect(&description, &mut references);
    assert!(references.len() > 5, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                references.insert(reference.clone());
            }
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

/// That a value is what a schema of the page says: all of it that our schemas use.
fn check(page: &Value, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    let mut fault = |what: String| faults.push(format!("{path}: {what}"));
    if let Some(reference) = schema["$ref"].as_str() {
        let led = page.pointer(&reference[1..]).expect("a reference leads somewhere");
        return check(page, led, value, path, faults);
    }
    if let Some(all) = schema["allOf"].as_array() {
        all.iter().for_each(|schema| check(page, schema, value, path, faults));
        return;
    }
    for several in ["oneOf", "anyOf"] {
        let Some(schemas) = schema[several].as_array() else { continue };
        let fits = |schema: &&Value| {
            let mut faults = Vec::new();
            check(page, schema, value, path, &mut faults);
            faults.is_empty()
        };
        let fitting = schemas.iter().filter(fits).count();
        if fitting == 0 || (several == "oneOf" && fitting > 1) {
            fault(format!("{fitting} of {several} fit {value}"));
        }
    }
    let types: Vec<_> = match &schema["type"] {
        Value::Array(types) => types.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let is = |wanted: &Value| match wanted.as_str().expect("a type is text") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("a type {other}"),
    };
    if !types.is_empty() && !types.into_iter().any(is) {
        return fault(format!("{value} is not {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        fault(format!("{value} is none of {}", schema["enum"]));
    }
    if schema.get("const").is_some_and(|wanted| wanted != value) {
        fault(format!("{value} is not {}", schema["const"]));
    }
    if let Some(fields) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().expect("a name")) {
                fault(format!("{name} is missing"));
            }
        }
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(false)) => faults.push(format!("{path} is not known")),
                (Value::Null, more @ Value::Object(_)) => check(page, more, value, &path, faults),
                (Value::Null, _) => {}
                (known, _) => check(page, known, value, &path, faults),
            }
        }
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        check(page, &schema["items"], item, &format!("{path}[{at}]"), faults);
    }
}

/// That an answer is one that the page describes for the call.
fn described_so(page: &Value, method: &str, path: &str, answer: &Answer) {
    let status = answer.status.to_string();
    let described = &page["paths"][path][method]["responses"][&status];
    assert!(described.is_object(), "{method} {path} answers {status}, which is not described");
    if answer.text.is_empty() {
        return;
    }
    let kind = answer.header("content-type").split(';').next().unwrap_or_default();
    let content = &described["content"][kind];
    assert!(content["schema"].is_object(), "{method} {path}: {status} {kind} is not described");
    if kind.ends_with("json") {
        let mut faults = Vec::new();
        check(page, &content["schema"], &answer.json(), "", &mut faults);
        assert!(faults.is_empty(), "{method} {path}: {faults:#?}\nin {}", answer.text);
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let page = json!({"a": {"type": "object", "required": ["x"], "additionalProperties": false,
        "properties": {"x": {"type": ["integer", "null"]}, "y": {"items": {"enum": ["p"]}}}}});
    let faults = |value: Value| {
        let mut faults = Vec::new();
        check(&page, &json!({"$ref": "#/a"}), &value, "", &mut faults);
        faults.len()
    };
    assert_eq!(faults(json!({"x": 1, "y": ["p", "p"]})) + faults(json!({"x": null})), 0);
    for wrong in [
        json!({}),
        json!({"x": "1"}),
        json!({"x": 1, "z": 1}),
        json!([]),
        json!({"x": 1, "y": ["q"]}),
    ] {
        assert_eq!(faults(wrong.clone()), 1, "{wrong}");
    }
    let either = json!({"oneOf": [{"type": "null"}, {"type": "object"}]});
    let mut faults = Vec::new();
    check(&page, &either, &json!(null), "", &mut faults);
    assert!(faults.is_empty());
    check(&page, &either, &json!(1), "", &mut faults);
    assert_eq!(faults.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_answers_are_what_is_described() {
    let (api, target) = (Api::with_workers(2).await, target().await);
    let page = description(&api).await;
    assert_eq!(page["servers"][0]["url"], "/");
    let document = document(&target, 2);
    let created = api.post("/api/v1/scenarios", &document).await;
    described_so(&page, "post", "/api/v1/scenarios", &created);
    let judged = api.post("/api/v1/scenarios/validate", &document).await;
    described_so(&page, "post", "/api/v1/scenarios/validate", &judged);
    let (of_scenario, run) = started(&api, &document).await;
    let get = async |described: &str, query: &str| {
        let path = if described.contains("/runs/") {
            described.replace("/api/v1/runs/{id}", &run)
        } else {
            described.replace("/api/v1/scenarios/{id}", &of_scenario)
        };
        let answer = api.get(&format!("{path}{query}")).await;
        assert_eq!(answer.status, 200, "{path}{query}: {}", answer.text);
        described_so(&page, "get", described, &answer);
        serde_json::from_str::<Value>(&answer.text).unwrap_or_default()
    };
    // Before, while and after it is made.
    get("/api/v1/runs/{id}", "").await;
    get("/api/v1/workers", "").await;
    reaches(&api, &run, &["RUNNING"]).await;
    get("/api/v1/runs/{id}", "").await;
    get("/api/v1/runs/{id}/stats/realtime", "").await;
    // What lists show of a run that goes on.
    let measured = async {
        while get("/api/v1/runs", "").await["items"][0]["summary"].is_null() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), measured).await.expect("something is measured");
    let changed = json!({"targetRps": 60});
    let rate = api.call(Method::PATCH, &format!("{run}/rate"), Some(&changed)).await;
    described_so(&page, "patch", "/api/v1/runs/{id}/rate", &rate);
    reaches(&api, &run, &["COMPLETED", "ABORTED", "FAILED"]).await;
    let report: Vec<_> = of_a_report().iter().map(|format| format.name).collect();
    for (path, formats) in [
        ("/api/v1/scenarios", &[""][..]),
        ("/api/v1/scenarios/{id}", &[""]),
        ("/api/v1/scenarios/{id}/stats/realtime", &["json", "csv"]),
        ("/api/v1/runs", &[""]),
        ("/api/v1/runs/{id}", &[""]),
        ("/api/v1/runs/{id}/timeline", &[""]),
        ("/api/v1/runs/{id}/sla", &[""]),
        ("/api/v1/runs/{id}/bottlenecks", &[""]),
        ("/api/v1/runs/{id}/stats/realtime", &["json", "csv"]),
        ("/api/v1/runs/{id}/stats/total", &["json", "csv"]),
        ("/api/v1/runs/{id}/stats/series", &["json", "csv", "hlog"]),
        ("/api/v1/runs/{id}/stats/histogram", &["json", "hgrm", "hlog"]),
        ("/api/v1/runs/{id}/report", &report),
        ("/api/v1/workers", &[""]),
        ("/api/v1/capacity-searches", &[""]),
        ("/api/v1/about", &[""]),
        ("/api/v1/me", &[""]),
        ("/actuator/health", &[""]),
        ("/actuator/health/liveness", &[""]),
        ("/actuator/health/readiness", &[""]),
        ("/actuator/info", &[""]),
        ("/metrics", &[""]),
    ] {
        for format in formats {
            let query = if format.is_empty() { String::new() } else { format!("?format={format}") };
            get(path, &query).await;
        }
    }
    // What a stream carries: each frame, as its messages have it.
    let controller = api.controller.as_ref().expect("it is there");
    let id = run.rsplit('/').next().expect("an id").into();
    let mut frames = controller.frames(&"local".into(), &id, 0).await.expect("a run");
    let mut kinds = BTreeSet::new();
    while let Some(frame) = frames.next().await {
        let message = json!(FrameView::from(frame));
        kinds.insert(message["type"].as_str().expect("a type").to_owned());
        let mut faults = Vec::new();
        let schema = json!({"$ref": "#/components/schemas/Frame"});
        check(&page, &schema, &message, "", &mut faults);
        assert!(faults.is_empty(), "{faults:#?}\nin {message}");
    }
    assert_eq!(kinds.iter().collect::<Vec<_>>(), ["end", "event", "interval"]);
    let wrong = api.post("/api/v1/scenarios", &scenario(json!({"name": null}))).await;
    described_so(&page, "post", "/api/v1/scenarios", &wrong);
    let missing = api.get("/api/v1/runs/none").await;
    described_so(&page, "get", "/api/v1/runs/{id}", &missing);
}
