//! Tests what is answered about runs that a controller has left in the store.

use crate::support::Api;
use axum::http::Method;
use loadcore::cluster::store::{IntervalRecord, RunState};
use loadcore_controller::routes::description;
use serde_json::{Value, json};

#[tokio::test]
async fn lists_are_by_scenario_and_owner() {
    let api = Api::new().await;
    let run = api.left("local", "s1", RunState::Completed).await;
    api.left("local", "s2", RunState::Failed).await;
    api.left("ann", "s1", RunState::Completed).await;
    let all = api.get("/api/v1/runs").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    let of_one = api.get("/api/v1/runs?scenarioId=s1").await.json();
    let [item] = &of_one["items"].as_array().unwrap()[..] else { panic!("{of_one}") };
    assert_eq!((&item["id"], &item["state"]), (&json!(run.id), &json!("COMPLETED")));
    assert_eq!(item["createdAt"], "2026-01-01T00:00:00.000Z");
    assert_eq!(item["startedAt"], "2026-01-01T00:00:01.500Z");
    assert_eq!(
        (&item["endedAt"], &item["result"]),
        (&json!("2026-01-01T00:01:00.000Z"), &Value::Null)
    );
    assert_eq!(item["warnings"], json!(["one worker of two"]));
    let page = api.get("/api/v1/runs?limit=1").await.json();
    assert!(page["nextCursor"].is_string());
}

#[tokio::test]
async fn runs_are_looked_for_by_state_tag_verdict_and_text() {
    let api = Api::new().await;
    let completed = api.left("local", "s1", RunState::Completed).await.id.to_string();
    let failed = api.left("local", "s1", RunState::Failed).await.id.to_string();
    let aborted = api.left("local", "s2", RunState::Aborted).await.id.to_string();
    for (query, wanted) in [
        ("state=FAILED", vec![&failed]),
        ("state=FAILED,COMPLETED", vec![&failed, &completed]),
        ("state=FAILED,%20ABORTED", vec![&aborted, &failed]),
        ("state=FAILED&scenarioId=s2", vec![]),
        ("tag=nightly", vec![]),
        ("verdict=VALID", vec![]),
        ("q=hEALTh&scenarioId=s2", vec![&aborted]),
        ("q=127.0.0.1:9/HEALTH", vec![&aborted, &failed, &completed]),
        ("q=elsewhere", vec![]),
        ("q=", vec![&aborted, &failed, &completed]),
    ] {
        let answer = api.get(&format!("/api/v1/runs?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let list = answer.json();
        let items = list["items"].as_array().unwrap();
        let ids: Vec<_> = items.iter().map(|it| it["id"].as_str().unwrap()).collect();
        assert_eq!(ids, wanted, "{query}");
        assert_eq!(list["nextCursor"], Value::Null, "{query}");
        // They are as an earlier version has left them.
        assert!(items.iter().all(|it| it["summary"].is_null()));
    }
    let either = "/api/v1/runs?state=FAILED,COMPLETED&limit=1";
    let first = api.get(either).await.json();
    let next = first["nextCursor"].as_str().expect("there is one more");
    let second = api.get(&format!("{either}&cursor={next}")).await.json();
    let ids = (&first["items"][0]["id"], &second["items"][0]["id"]);
    assert_eq!(ids, (&json!(failed), &json!(completed)));
    for (query, told) in [
        ("state=failed", "state is \"failed\"; there are QUEUED, PREPARING, "),
        ("state=FAILED,", "state is \"\""),
        ("verdict=GOOD", "verdict is \"GOOD\"; there are VALID, DEGRADED, INVALID"),
        (&format!("q={}", "x".repeat(201)), "q has 201 characters; give at most 200"),
        ("states=FAILED", "unknown field `states`"),
    ] {
        let problem = api.get(&format!("/api/v1/runs?{query}")).await.problem(400, "bad-request");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{query}: {problem}");
    }
    let description = serde_json::to_value(description()).expect("JSON");
    let parameters = &description["paths"]["/api/v1/runs"]["get"]["parameters"];
    let state = parameters.as_array().unwrap().iter().find(|it| it["name"] == "state").unwrap();
    let pattern = state["schema"]["pattern"].as_str().unwrap();
    let names = RunState::ALL.map(RunState::name).join("|");
    assert_eq!(pattern, format!("^({names})(,({names}))*$"));
    let longest = "%C3%BC".repeat(200);
    assert_eq!(api.get(&format!("/api/v1/runs?q={longest}")).await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let api = Api::new().await;
    for path in [
        "",
        "/timeline",
        "/sla",
        "/bottlenecks",
        "/report",
        "/stats/realtime",
        "/stats/total",
        "/stats/series",
        "/stats/histogram",
        "/stats/series?format=hlog",
    ] {
        api.get(&format!("/api/v1/runs/none{path}")).await.problem(404, "not-found");
    }
    for action in ["stop", "pause", "resume"] {
        let path = format!("/api/v1/runs/none/{action}");
        api.call(Method::POST, &path, None).await.problem(404, "not-found");
    }
    let rate = json!({"targetRps": 5, "overSeconds": 1});
    api.call(Method::PATCH, "/api/v1/runs/none/rate", Some(&rate)).await.problem(404, "not-found");
    api.delete("/api/v1/runs/none").await.problem(404, "not-found");
    api.get("/api/v1/scenarios/none/stats/realtime").await.problem(404, "not-found");
    api.get("/api/v1/workers/none").await.problem(404, "not-found");
    api.call(Method::POST, "/api/v1/workers/none/drain", None).await.problem(404, "not-found");
    api.call(Method::POST, "/api/v1/scenarios/none/runs", None).await.problem(404, "not-found");
}

#[tokio::test]
async fn wrong_queries_and_bodies_are_told_before_the_run_is_looked_for() {
    let api = Api::new().await;
    for (query, told) in [
        ("stats/realtime?lastNSeconds=0", "lastNSeconds is 0; give 1 to 3600"),
        ("stats/realtime?lastNSeconds=3601", "give 1 to 3600"),
        ("stats/realtime?lastNSecond=5", "unknown field `lastNSecond`"),
        ("stats/realtime?format=hgrm", "give one of json, csv"),
        ("stats/total?format=xml", "give one of json, csv"),
        ("stats/series?format=hgrm", "give one of json, csv, hlog"),
        ("stats/histogram?format=csv", "give one of json, hgrm, hlog"),
        ("report?format=pdf", "give one of json, text, "),
    ] {
        let answer = api.get(&format!("/api/v1/runs/none/{query}")).await;
        let problem = answer.problem(400, "bad-request");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{query}: {problem}");
    }
    let rate = |body: Value| {
        let api = &api;
        async move { api.call(Method::PATCH, "/api/v1/runs/none/rate", Some(&body)).await }
    };
    let path_of = |problem: Value| problem["faults"][0]["path"].clone();
    let unknown = rate(json!({"targetRps": 1, "over": 2})).await.problem(422, "invalid-body");
    assert_eq!(
        unknown["faults"],
        json!([{"path": "over", "message": "is not known; known are targetRps, overSeconds"}])
    );
    let text = rate(json!({"targetRps": "fast"})).await.problem(422, "invalid-body");
    assert_eq!(
        text["faults"],
        json!([{"path": "targetRps", "message": "is \"fast\"; give a number"}])
    );
    let missing = rate(json!({"overSeconds": 1})).await.problem(422, "invalid-body");
    assert_eq!(missing["faults"], json!([{"path": "targetRps", "message": "is missing"}]));
    rate(json!([1])).await.problem(422, "invalid-body");
    let below = rate(json!({"targetRps": -1})).await.problem(422, "invalid-body");
    assert_eq!(path_of(below), "targetRps");
}

#[tokio::test]
async fn a_stored_result_that_cannot_be_read_is_told_and_is_not_nothing() {
    let api = Api::new().await;
    let run = api.left("local", "s1", RunState::Completed).await;
    let path = format!("/api/v1/runs/{}", run.id);
    let ask = [
        "",
        "/report",
        "/stats/total",
        "/stats/series",
        "/stats/histogram",
        "/sla",
        "/bottlenecks",
    ];
    assert_eq!(api.get(&path).await.json()["result"], Value::Null);
    let keep = async |document: Value| {
        api.store.keep_analysis(&run.owner, &run.id, "result", 1, &document).await.unwrap();
    };
    for (document, reason) in [
        (json!({"schemaVersion": 1, "scenario": {}}), "missing field"),
        (json!({"schemaVersion": 99}), "schemaVersion 99"),
    ] {
        keep(document).await;
        for part in ask {
            let problem = api.get(&format!("{path}{part}")).await.problem(500, "damaged");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(run.id.as_str()) && detail.contains(reason), "{problem}");
        }
    }
    // All else of the run is there.
    assert_eq!(api.get(&format!("{path}/timeline")).await.status, 200);
    assert_eq!(api.get("/api/v1/runs").await.json()["items"][0]["id"], json!(run.id));
    assert_eq!(api.delete(&path).await.status, 204);
}

#[tokio::test]
async fn a_stored_interval_that_cannot_be_read_is_told() {
    let api = Api::new().await;
    let run = api.left("local", "s1", RunState::Completed).await;
    let interval = IntervalRecord {
        number: 0,
        from_ns: 0,
        to_ns: 1_000_000_000,
        draining: false,
        bytes: "no snapshot".into(),
    };
    api.store.keep_intervals(&run.owner, &run.id, &[interval]).await.unwrap();
    for part in ["realtime", "series?format=hlog", "histogram?format=hlog"] {
        let answer = api.get(&format!("/api/v1/runs/{}/stats/{part}", run.id)).await;
        let detail = answer.problem(500, "damaged")["detail"].as_str().unwrap().to_owned();
        let begins = format!("an interval of run {} is kept, and cannot be read: ", run.id);
        assert!(detail.starts_with(&begins), "{part}: {detail}");
    }
}
