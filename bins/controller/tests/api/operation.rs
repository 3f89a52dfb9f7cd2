//! Tests health, figures, and the page for people.

use crate::support::Api;
use serde_json::json;

#[tokio::test]
async fn a_platform_that_works_is_up() {
    let api = Api::new().await;
    for path in ["/actuator/health", "/actuator/health/readiness"] {
        let answer = api.get(path).await;
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!("UP")),
            "{}",
            answer.text
        );
        assert_eq!(answer.json()["components"]["store"]["status"], "UP");
    }
    assert_eq!(api.get("/actuator/health/liveness").await.status, 200);
    assert_eq!(api.get("/actuator/info").await.json()["name"], "loadcore-controller");
}

#[tokio::test]
async fn one_that_is_not_there_lives_and_says_what_it_waits_for() {
    let api = Api::waiting("MongoDB at mongodb://127.0.0.1:1 does not answer");
    assert_eq!(api.get("/actuator/health/liveness").await.status, 200);
    for path in ["/actuator/health", "/actuator/health/readiness"] {
        let answer = api.get(path).await;
        assert_eq!((answer.status, &answer.json()["status"]), (503, &json!("DOWN")));
        assert_eq!(answer.header("content-type"), "application/json");
        let reason = answer.json()["components"]["platform"]["reason"].to_string();
        assert!(reason.contains("MongoDB at"), "{reason}");
    }
    assert_eq!(api.get("/actuator/info").await.status, 200);
    assert!(api.get("/metrics").await.text.contains("loadtest_ready 0"));
}

#[tokio::test]
async fn one_that_stands_by_works_and_is_not_ready_unless_it_is_told_to_say_so() {
    for standby_ready in [false, true] {
        let api = Api::standing_by(standby_ready).await;
        assert_eq!(api.get("/actuator/health").await.status, 200);
        assert_eq!(api.get("/actuator/health/liveness").await.status, 200);
        let answer = api.get("/actuator/health/readiness").await;
        assert_eq!(answer.status, if standby_ready { 200 } else { 503 }, "{}", answer.text);
        let lead = &answer.json()["components"]["lead"];
        assert_eq!(lead["reason"].to_string().contains("http://leader.test"), !standby_ready);
    }
    let api = Api::standing_by(true).await;
    let problem = api.post("/api/v1/scenarios", &crate::support::scenario(json!({}))).await;
    assert_eq!(problem.problem(503, "stands-by")["leader"], "http://leader.test");
}

#[tokio::test]
async fn figures_have_few_labels_whoever_asks_for_what() {
    let api = Api::new().await;
    for number in 0..20 {
        api.get(&format!("/api/v1/scenarios/{number}")).await;
        api.get(&format!("/{number}")).await;
    }
    let answer = api.get("/actuator/prometheus").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    for name in [
        "loadtest_requests_total 0",
        "loadtest_latency_seconds_bucket{le=\"+Inf\"} 0",
        "loadtest_latency_seconds_count 0",
        "loadtest_errors_total{class=\"http_5xx\"} 0",
        "loadtest_active_workers 0",
        "loadtest_active_runs 0",
        "loadtest_ready 1",
    ] {
        assert!(answer.text.lines().any(|line| line == name), "{name} is not in\n{}", answer.text);
    }
    let calls: Vec<_> = answer
        .text
        .lines()
        .filter(|line| line.starts_with("loadtest_api_requests_total{"))
        .collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls.iter().all(|line| line.ends_with(" 20")), "{calls:?}");
    assert_eq!(api.get("/metrics").await.status, 200);
}
