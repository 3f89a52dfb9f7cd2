//! The description of the API against the API.

use crate::support::Api;
use axum::http::Method;
use serde_json::Value;
use std::collections::BTreeSet;

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
    "get /api/v1/workers",
    "get /api/v1/workers/{id}",
    "post /api/v1/workers/{id}/drain",
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
        let answer = api.call(method, &path.replace("{id}", "none"), None).await;
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
            for status in ["500", "503"] {
                let content = &responses[status]["content"];
                assert!(
                    content["application/problem+json"].is_object(),
                    "{method} {path}: {status}"
                );
            }
            assert_eq!(path.contains("{id}"), responses.contains_key("404"), "{method} {path}");
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
