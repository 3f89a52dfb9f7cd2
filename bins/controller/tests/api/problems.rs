//! Tests that everything that goes wrong is `application/problem+json`.

use crate::support::{Api, scenario};
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

async fn posted(api: &Api, body: impl Into<Body>) -> crate::support::Answer {
    let request = Request::post("/api/v1/scenarios").header("content-type", "application/json");
    api.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let api = Api::new().await;
    for body in ["", "{", "{\"name\": }", "nonsense", "{} {}"] {
        let problem = posted(&api, body).await.problem(400, "bad-request");
        assert!(problem["detail"].as_str().unwrap().contains("not JSON"), "{body}: {problem}");
    }
    posted(&api, vec![b'"', 0xff, b'"']).await.problem(400, "bad-request");
    posted(&api, "[1]").await.problem(422, "invalid-scenario");
    let twice = posted(&api, r#"{"name": "a", "name": "b"}"#).await.problem(400, "bad-request");
    assert!(twice.to_string().contains("given twice"), "{twice}");
    posted(&api, r#"{"durationSeconds": 1e999}"#).await.problem(400, "bad-request");
    for text in ["name: a\nname: b\n", "name: [", "name: a\n  b: c: d"] {
        let request = Request::post("/api/v1/scenarios").header("content-type", "application/yaml");
        let answer = api.send(request.body(Body::from(text)).unwrap()).await;
        let problem = answer.problem(400, "bad-request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("the body is not YAML: ") && !detail.contains('\n'),
            "{detail:?}"
        );
    }
}

#[tokio::test]
async fn what_a_call_does_not_have_is_refused_and_named() {
    let api = Api::new().await;
    for path in [
        "scenarios/x",
        "runs/x",
        "runs/x/timeline",
        "runs/x/sla",
        "runs/x/bottlenecks",
        "workers",
        "workers/x",
    ] {
        let problem = api.get(&format!("/api/v1/{path}?foo=1")).await.problem(400, "bad-request");
        assert!(problem["detail"].as_str().unwrap().contains("`foo`"), "{path}: {problem}");
    }
    for path in [
        "scenarios",
        "scenarios/validate",
        "scenarios/x/runs",
        "runs/x/stop",
        "runs/x/pause",
        "runs/x/resume",
        "workers/x/drain",
    ] {
        let path = format!("/api/v1/{path}?foo=1");
        let answer = api.post(&path, &scenario(json!({}))).await;
        let problem = answer.problem(400, "bad-request");
        assert!(problem["detail"].as_str().unwrap().contains("`foo`"), "{path}: {problem}");
    }
    for path in ["scenarios/x", "runs/x"] {
        api.delete(&format!("/api/v1/{path}?foo=1")).await.problem(400, "bad-request");
    }
    let paused = async |body: &'static str| {
        let request = Request::post("/api/v1/runs/x/pause").body(Body::from(body));
        api.send(request.unwrap()).await
    };
    paused("garbage").await.problem(400, "bad-request");
    paused("[1]").await.problem(422, "invalid-body");
    let unknown = paused(r#"{"foo": 1}"#).await.problem(422, "invalid-body");
    assert_eq!(unknown["faults"][0]["path"], "foo");
    for none in ["", " {} "] {
        paused(none).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_name_that_leads_here_and_is_not_ours_is_refused() {
    let api = Api::new().await;
    let asked = async |method: Method, host: &str, path: &str| {
        let origin = format!("http://{host}");
        let request = Request::builder().method(method).uri(path).header("host", host);
        let request = request.header("origin", origin).body(Body::from("{}")).unwrap();
        api.send(request).await
    };
    for (method, path) in [
        (Method::POST, "/api/v1/scenarios/validate"),
        (Method::GET, "/api/v1/scenarios"),
        (Method::GET, "/metrics"),
    ] {
        let answer = asked(method.clone(), "evil.example:8080", path).await;
        let problem = answer.problem(403, "foreign-host");
        assert!(problem["detail"].as_str().unwrap().contains("--allow-hosts evil.example"));
        for ours in ["localhost:8080", "127.0.0.1", "[::1]:80", "load.example"] {
            assert_eq!(asked(method.clone(), ours, path).await.status, 200, "{ours}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_the_limit() {
    let api = Api::new().await;
    let large = scenario(json!({"notes": "x".repeat(9 << 20)})).to_string();
    // Once with its length, once in pieces that do not say it.
    let sized = posted(&api, large.clone()).await;
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(large)]);
    let unsized_ = posted(&api, Body::from_stream(pieces)).await;
    for answer in [sized, unsized_] {
        let problem = answer.problem(413, "too-large");
        assert!(problem["detail"].as_str().unwrap().contains("8 MiB"), "{problem}");
    }
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there() {
    let api = Api::new().await;
    let problem = api.get("/api/v1/nowhere?x=secret").await.problem(404, "no-route");
    assert_eq!(problem["instance"], "/api/v1/nowhere");
    let answer = api.call(Method::PATCH, "/api/v1/scenarios", None).await;
    answer.problem(405, "method-not-allowed");
    let allowed = answer.header("allow");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    api.call(Method::GET, "/api/v1/runs/x/stop", None).await.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn lists_with_wrong_limits() {
    let api = Api::new().await;
    for query in ["limit=0", "limit=201", "limit=x", "page=2", "cursor=zzz", "cursor="] {
        for list in ["scenarios", "runs"] {
            api.get(&format!("/api/v1/{list}?{query}")).await.problem(400, "bad-request");
        }
    }
}

#[tokio::test]
async fn pages_of_other_sites_are_kept_out() {
    let api = Api::new().await;
    let from = async |origin: &str| {
        let request = Request::get("/api/v1/scenarios").header("host", "127.0.0.1:8080");
        api.send(request.header("origin", origin).body(Body::empty()).unwrap()).await
    };
    from("https://evil.example").await.problem(403, "foreign-origin");
    assert_eq!(from("http://127.0.0.1:8080").await.status, 200);
}

#[tokio::test]
async fn a_stream_wants_a_websocket() {
    let api = Api::new().await;
    // Which run comes first: of one that is not there nobody learns anything.
    api.get("/api/v1/runs/none/stream").await.problem(404, "not-found");
    api.get("/api/v1/scenarios/none/stream?since=3").await.problem(404, "not-found");
    api.get("/api/v1/runs/none/stream?since=x").await.problem(400, "bad-request");
}

#[tokio::test]
async fn while_the_platform_is_not_there() {
    let api = Api::waiting("Redis at redis://127.0.0.1:1 does not answer");
    for path in ["scenarios", "runs", "runs/x", "workers"] {
        let answer = api.get(&format!("/api/v1/{path}")).await;
        let problem = answer.problem(503, "not-ready");
        assert_eq!(problem["detail"], "Redis at redis://127.0.0.1:1 does not answer");
        assert_eq!(answer.header("retry-after"), "2");
    }
    posted(&api, scenario(json!({})).to_string()).await.problem(503, "not-ready");
}
