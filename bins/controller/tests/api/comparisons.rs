//! Tests baselines, and comparisons of runs that a controller has left in the store.

use crate::support::{Api, scenario};
use axum::http::Method;
use loadcore::cluster::RunId;
use loadcore::cluster::store::{RunRecord, RunState};
use serde_json::{Value, json};

/// A result that the library keeps to be read for ever.
const RESULT: &str = include_str!("../../../../loadcore/src/result/golden_v1.json");

/// A scenario that was not started, and so many of its runs, each with a result.
async fn with_runs(api: &Api, runs: usize) -> (String, Vec<RunRecord>) {
    let document = scenario(json!({}));
    let made = api.call(Method::POST, "/api/v1/scenarios", Some(&document)).await.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let mut left = Vec::new();
    for _ in 0..runs {
        let run = api.left("local", &id, RunState::Completed).await;
        let result: Value = serde_json::from_str(RESULT).unwrap();
        api.store.keep_analysis(&run.owner, &run.id, "result", 1, &result).await.unwrap();
        left.push(run);
    }
    (id, left)
}

async fn name(api: &Api, scenario: &str, body: Value) -> crate::support::Answer {
    let path = format!("/api/v1/scenarios/{scenario}/baseline");
    api.call(Method::PUT, &path, Some(&body)).await
}

async fn is_kept(api: &Api, run: &RunRecord) -> bool {
    api.store.run(&run.owner, &run.id).await.unwrap().unwrap().baseline
}

#[tokio::test]
async fn two_runs_are_compared_and_one_with_its_baseline() {
    let api = Api::new().await;
    let (id, runs) = with_runs(&api, 2).await;
    let path = format!("/api/v1/comparisons?base={}&candidate={}", runs[0].id, runs[1].id);
    let compared = api.get(&path).await.json();
    assert_eq!(
        (&compared["judgement"], &compared["verdict"]),
        (&json!("no_difference"), &json!("VALID"))
    );
    assert_eq!(compared["tolerancePercent"], 5.0);
    let wide = api.get(&format!("{path}&tolerance=12.5%25")).await.json();
    assert_eq!(wide["tolerancePercent"], 12.5);
    let with_baseline = format!("/api/v1/comparisons?base=baseline&candidate={}", runs[1].id);
    let none = api.get(&with_baseline).await.problem(409, "conflict");
    assert!(none["detail"].as_str().unwrap().contains("has no baseline"), "{none}");
    let named = name(&api, &id, json!({"runId": runs[0].id})).await.json();
    assert_eq!((&named["baselineRunId"], &named["revision"]), (&json!(runs[0].id), &json!(1)));
    assert_eq!(api.get(&with_baseline).await.json(), compared);
}

#[tokio::test]
async fn a_baseline_is_kept_as_long_as_it_is_one() {
    let api = Api::new().await;
    let (id, runs) = with_runs(&api, 2).await;
    assert_eq!(name(&api, &id, json!({"runId": runs[0].id})).await.status, 200);
    assert!(is_kept(&api, &runs[0]).await);
    let path = format!("/api/v1/runs/{}", runs[0].id);
    let refused = api.delete(&path).await.problem(409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("is the baseline of"), "{refused}");
    assert_eq!(api.store.forget(u64::MAX).await.unwrap(), 1, "the other one goes");
    let again = with_runs(&api, 0).await.0;
    let other = name(&api, &again, json!({"runId": runs[0].id})).await.problem(409, "conflict");
    assert!(other["detail"].as_str().unwrap().contains("give a run of this one"), "{other}");
    assert_eq!(name(&api, &id, json!({"runId": null})).await.json()["baselineRunId"], Value::Null);
    assert!(!is_kept(&api, &runs[0]).await);
    assert_eq!(api.delete(&path).await.status, 204);
}

#[tokio::test]
async fn another_baseline_lets_the_first_one_go_and_so_does_the_end_of_the_scenario() {
    let api = Api::new().await;
    let (id, runs) = with_runs(&api, 2).await;
    for run in &runs {
        assert_eq!(name(&api, &id, json!({"runId": run.id})).await.status, 200);
    }
    assert_eq!((is_kept(&api, &runs[0]).await, is_kept(&api, &runs[1]).await), (false, true));
    assert_eq!(api.delete(&format!("/api/v1/scenarios/{id}")).await.status, 204);
    assert!(!is_kept(&api, &runs[1]).await);
}

#[tokio::test]
async fn what_cannot_be_compared_is_told() {
    let api = Api::new().await;
    let (id, runs) = with_runs(&api, 1).await;
    let run = &runs[0].id;
    let empty = api.left("local", &id, RunState::Failed).await.id;
    let foreign = api.left("ann", "s1", RunState::Completed).await.id;
    for (query, status, kind) in [
        (format!("base={run}"), 400, "bad-request"),
        (format!("base={run}&candidate={run}&tolerance=-1"), 400, "bad-request"),
        (format!("base={run}&candidate={run}&more=1"), 400, "bad-request"),
        (format!("base={run}&candidate=none"), 404, "not-found"),
        (format!("base=none&candidate={run}"), 404, "not-found"),
        (format!("base={run}&candidate={foreign}"), 404, "not-found"),
        (format!("base={run}&candidate={empty}"), 409, "conflict"),
    ] {
        api.get(&format!("/api/v1/comparisons?{query}")).await.problem(status, kind);
    }
    for (body, status, kind) in [
        (json!({}), 422, "invalid-body"),
        (json!({"runId": 5}), 422, "invalid-body"),
        (json!({"runId": run, "more": 1}), 422, "invalid-body"),
        (json!({"runId": RunId::from("none")}), 404, "not-found"),
        (json!({"runId": foreign}), 404, "not-found"),
        (json!({"runId": empty}), 409, "conflict"),
    ] {
        name(&api, &id, body).await.problem(status, kind);
    }
    name(&api, "none", json!({"runId": run})).await.problem(404, "not-found");
}

#[tokio::test]
async fn the_comparison_has_the_keys_of_its_description() {
    let api = Api::new().await;
    let (_, runs) = with_runs(&api, 1).await;
    let path = format!("/api/v1/comparisons?base={0}&candidate={0}", runs[0].id);
    let compared = api.get(&path).await.json();
    let page = api.get("/openapi.json").await.json();
    let schema = &page["components"]["schemas"]["Comparison"];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let sorted = |mut keys: Vec<String>| {
        keys.sort();
        keys
    };
    let same = |value: &Value, schema: &Value| {
        assert_eq!(sorted(keys(value)), sorted(keys(&schema["properties"])));
    };
    same(&compared, schema);
    same(&compared["changes"][0], &schema["properties"]["changes"]["items"]);
    same(&compared["base"][0], &schema["properties"]["base"]["items"]);
}
