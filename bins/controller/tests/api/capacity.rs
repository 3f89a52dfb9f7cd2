//! Tests searches for a capacity: what is asked, what is refused, what a search of a known target finds.

use crate::support::{Api, scenario};
use axum::http::Method;
use loadcore_target::{Config, Target};
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/api/v1/capacity-searches";

async fn paths(api: &Api, order: Value, status: u16, kind: &str) -> Vec<String> {
    let problem = api.post(PATH, &order).await.problem(status, kind);
    let faults = problem["faults"].as_array().cloned().unwrap_or_default();
    faults.iter().map(|fault| fault["path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_makes_no_search_is_refused_with_all_its_faults() {
    let api = Api::new().await;
    let document = scenario(json!({}));
    let order = |slo: &str, most: f64, seconds: f64| json!({"scenario": document, "slo": slo, "maxRate": most, "durationSeconds": seconds});
    let invalid = "invalid-scenario";
    assert_eq!(
        paths(&api, order("p99<fast", 0.0, 5.0), 422, invalid).await,
        ["slo", "durationSeconds", "maxRate"]
    );
    assert_eq!(paths(&api, order("rps>=100", 1e3, 60.0), 422, invalid).await, ["slo"]);
    assert_eq!(paths(&api, order("p99<1s", -5.0, 60.0), 422, invalid).await, ["maxRate"]);
    let faulty =
        json!({"scenario": {"name": "", "targetUrl": "no"}, "slo": "p99<1s", "maxRate": 9});
    assert!(paths(&api, faulty, 422, invalid).await.contains(&"targetUrl".to_owned()));
    let both = json!({"scenario": document, "scenarioId": "a", "slo": "p99<1s", "maxRate": 9});
    assert_eq!(paths(&api, both, 422, "invalid-body").await, ["scenarioId"]);
    let neither = json!({"slo": "p99<1s", "maxRate": 9});
    assert_eq!(paths(&api, neither, 422, "invalid-body").await, ["scenarioId"]);
    let unknown = json!({"scenarioId": "0198c5a4-0000-7000-8000-000000000000", "slo": "p99<1s", "maxRate": 90});
    api.post(PATH, &unknown).await.problem(404, "not-found");
    let kept = api.get("/api/v1/scenarios").await.json();
    assert_eq!(kept["items"], json!([]), "what is refused leaves nothing behind");
}

#[tokio::test]
async fn a_run_that_is_no_search_is_none() {
    let api = Api::new().await;
    let document = scenario(json!({}));
    let made = api.call(Method::POST, "/api/v1/scenarios", Some(&document)).await.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let run = api.left("local", &id, loadcore::cluster::store::RunState::Completed).await;
    api.get(&format!("{PATH}/{}", run.id)).await.problem(404, "not-found");
    api.get(&format!("{PATH}/nothing")).await.problem(404, "not-found");
    assert_eq!(api.get(PATH).await.json(), json!({"items": [], "nextCursor": null}));
    api.get(&format!("{PATH}?limit=0")).await.problem(400, "bad-request");
    api.get(&format!("{PATH}?state=RUNNING")).await.problem(400, "bad-request");
}

// It offers a rate and sees what comes: nothing else runs beside it.
mod alone {
    use super::*;

    /// The search ends by itself, and what it says is what its run tells.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_known_target_is_found() {
        let target =
            Target::start(Config { service_rate: Some(200.0), ..Config::default() }).await.unwrap();
        let api = Api::with_workers(1).await;
        let order = json!({
            "scenario": {"name": "edge", "targetUrl": target.url("/"), "durationSeconds": 1},
            "slo": "ok_p99<100ms", "maxRate": 1_600, "durationSeconds": 24,
        });
        let made = api.post(PATH, &order).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let path = made.header("location").to_owned();
        let listed = async || api.get(PATH).await.json()["items"][0].clone();
        let begun = listed().await;
        let wanted = (&json!("edge"), &json!("ok_p99<100ms"), &json!(1_600.0));
        assert_eq!((&begun["name"], &begun["slo"], &begun["maxRate"]), wanted);
        assert_eq!((&begun["capacityRps"], &begun["interval"]), (&Value::Null, &Value::Null));
        let scenario = made.json()["id"].as_str().unwrap().to_owned();
        let deadline = tokio::time::timeout(Duration::from_secs(150), async {
            loop {
                let search = api.get(&path).await.json();
                if search["state"] == "COMPLETED" || search["state"] == "FAILED" {
                    return search;
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        });
        let search = deadline.await.expect("it ends");
        let capacity = &search["capacity"];
        assert_eq!(search["state"], "COMPLETED", "{search}");
        let found = capacity["capacityRps"].as_f64().unwrap_or_else(|| panic!("{capacity}"));
        assert!((100.0..400.0).contains(&found), "{capacity}");
        let ended = listed().await;
        for figure in ["capacityRps", "interval", "limitedBy"] {
            assert_eq!(ended[figure], capacity[figure], "{figure}: {ended}");
        }
        let trials = capacity["trials"].as_array().unwrap();
        assert!(trials.iter().any(|it| it["held"] == true), "{capacity}");
        assert!(trials.iter().any(|it| it["held"] == false), "{capacity}");
        let timeline = api
            .get(&format!("/api/v1/runs/{}/timeline", search["id"].as_str().unwrap()))
            .await
            .json();
        let kinds: Vec<_> =
            timeline["items"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
        assert_eq!(kinds.iter().filter(|it| **it == "capacity_search").count(), 1, "{kinds:?}");
        assert!(kinds.iter().any(|it| *it == "capacity_found"), "{kinds:?}");
        // The scenario is kept as it was given, and started by nobody else.
        let kept = api.get(&format!("/api/v1/scenarios/{scenario}")).await.json();
        assert_eq!(kept["scenario"]["loadProfile"], Value::Null, "{kept}");
    }
}
