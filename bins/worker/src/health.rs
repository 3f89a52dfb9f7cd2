//! Answers how the worker is, for probes and for Prometheus: `/actuator/health`, `/metrics`.

use axum::extract::State;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::sync::watch;

/// How far the worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It cannot work yet, or no more, and why.
    Waiting(String),
    /// It takes tasks.
    Working,
    /// It finishes what it has.
    Draining,
}

/// The routes.
pub fn app(status: watch::Receiver<Status>) -> Router {
    Router::new()
        .route("/actuator/health", get(ready))
        .route("/actuator/health/readiness", get(ready))
        .route("/actuator/health/liveness", get(alive))
        .route("/actuator/prometheus", get(metrics))
        .route("/metrics", get(metrics))
        .with_state(status)
}

async fn alive() -> Response {
    Json(json!({"status": "UP"})).into_response()
}

async fn ready(State(status): State<watch::Receiver<Status>>) -> Response {
    let down = |reason: &str| {
        let body = json!({"status": "DOWN", "components": {
            "coordinator": {"status": "DOWN", "reason": reason},
        }});
        (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
    };
    match &*status.borrow() {
        Status::Working => Json(json!({"status": "UP"})).into_response(),
        // Nothing is wrong with it, and it must not be ended before it is done.
        Status::Draining => Json(json!({"status": "UP", "draining": true})).into_response(),
        Status::Waiting(why) => down(why),
    }
}

async fn metrics(State(status): State<watch::Receiver<Status>>) -> Response {
    let status = status.borrow().clone();
    let is = |wanted: bool| ConstGauge::new(i64::from(wanted));
    let mut registry = Registry::with_prefix("loadtest_worker");
    registry.register("ready", "Whether it takes tasks", is(status == Status::Working));
    registry.register(
        "draining",
        "Whether it finishes what it has",
        is(status == Status::Draining),
    );
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    async fn asked(status: Status, path: &str) -> (u16, String) {
        let (_sender, status) = watch::channel(status);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app(status).oneshot(request).await.unwrap();
        let code = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (code, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn probes_are_told_how_it_is() {
        let waiting = || Status::Waiting("Redis at redis://h does not answer".into());
        let (code, text) = asked(waiting(), "/actuator/health").await;
        assert!(code == 503 && text.contains("redis://h"), "{code} {text}");
        assert_eq!(asked(waiting(), "/actuator/health/liveness").await.0, 200);
        assert_eq!(asked(Status::Working, "/actuator/health/readiness").await.0, 200);
        let (code, text) = asked(Status::Draining, "/actuator/health").await;
        assert!(code == 200 && text.contains("draining"), "{code} {text}");
    }

    #[tokio::test]
    async fn prometheus_too() {
        let (_, text) = asked(Status::Working, "/metrics").await;
        assert!(text.contains("loadtest_worker_ready 1\n"), "{text}");
        assert!(text.contains("loadtest_worker_draining 0\n"), "{text}");
    }
}
