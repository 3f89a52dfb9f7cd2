//! Answers how the controller is: for probes, for monitoring, for people. Nothing here belongs to a
//! tenant.

use crate::metrics;
use crate::problem::Problem;
use crate::state::{AppState, Platform, Status};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use loadcore::cluster::coordinator::PROTOCOL;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(liveness))
        .routes(routes!(readiness))
        .routes(routes!(info))
        .routes(routes!(prometheus))
        .routes(routes!(metrics_alias))
}

/// How long store and coordinator may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Condition {
    /// It works.
    Up,
    /// It does not.
    Down,
}

/// How the controller is, or a part of it.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// All of it.
    status: Condition,
    /// Its parts: `store`, `coordinator`, `platform`, `lead`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    components: BTreeMap<&'static str, Component>,
}

/// How a part is.
#[derive(Debug, Serialize, ToSchema)]
struct Component {
    /// Whether it works.
    status: Condition,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Component {
    fn of(done: Result<(), String>) -> Self {
        let status = if done.is_ok() { Condition::Up } else { Condition::Down };
        Self { status, reason: done.err() }
    }
}

impl Health {
    /// All of it works if each part does.
    fn of(components: BTreeMap<&'static str, Component>) -> Self {
        let up = components.values().all(|component| component.status == Condition::Up);
        Self { status: if up { Condition::Up } else { Condition::Down }, components }
    }
}

impl IntoResponse for Health {
    fn into_response(self) -> Response {
        let status = match self.status {
            Condition::Up => StatusCode::OK,
            Condition::Down => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, Json(self)).into_response()
    }
}

/// Whether the controller works, and each of its parts.
#[utoipa::path(get, path = "/actuator/health", operation_id = "health", tag = "operation", responses(
    (status = 200, body = Health, description = "it works"),
    (status = 503, body = Health, description = "it does not, and why"),
))]
async fn health(State(state): State<AppState>) -> Health {
    Health::of(parts(&state).await)
}

/// Whether the process lives: no store or coordinator is asked.
#[utoipa::path(get, path = "/actuator/health/liveness", operation_id = "liveness", tag = "operation", responses(
    (status = 200, body = Health, description = "it lives"),
))]
async fn liveness() -> Health {
    Health { status: Condition::Up, components: BTreeMap::new() }
}

/// Whether it can serve: store and coordinator answer, and it leads, unless it was started with
/// `--standby-ready`. So one address can stand before several controllers.
#[utoipa::path(get, path = "/actuator/health/readiness", operation_id = "readiness", tag = "operation", responses(
    (status = 200, body = Health, description = "it can"),
    (status = 503, body = Health, description = "it cannot, and why"),
))]
async fn readiness(State(state): State<AppState>) -> Health {
    let mut components = parts(&state).await;
    if let Ok(platform) = state.platform()
        && !state.standby_ready
    {
        let leads = platform.controller.must_lead().map_err(|error| error.to_string());
        components.insert("lead", Component::of(leads));
    }
    Health::of(components)
}

/// The parts of the platform, or what it waits for.
async fn parts(state: &AppState) -> BTreeMap<&'static str, Component> {
    let status = state.status.borrow().clone();
    match status {
        Status::Waiting(why) => BTreeMap::from([("platform", Component::of(Err(why)))]),
        Status::Ready(platform) => {
            let (store, coordinator) = tokio::join!(store(&platform), coordinator(&platform));
            BTreeMap::from([
                ("store", Component::of(store)),
                ("coordinator", Component::of(coordinator)),
            ])
        }
    }
}

/// Asks for what nobody has: any answer will do.
async fn store(platform: &Platform) -> Result<(), String> {
    let (nobody, nothing) = ("".into(), "readiness".into());
    match timeout(PATIENCE, platform.store.scenario(&nobody, &nothing)).await {
        Ok(answer) => answer.map(drop).map_err(|error| error.to_string()),
        Err(_) => Err(slow()),
    }
}

async fn coordinator(platform: &Platform) -> Result<(), String> {
    match timeout(PATIENCE, platform.coordinator.now_us()).await {
        Ok(answer) => answer.map(drop).map_err(|error| error.to_string()),
        Err(_) => Err(slow()),
    }
}

fn slow() -> String {
    format!("it did not answer within {} s", PATIENCE.as_secs())
}

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
struct Info {
    /// The program.
    name: &'static str,
    /// Its version.
    version: &'static str,
    /// What it speaks with workers.
    protocol: u32,
    /// Whether it leads.
    leading: bool,
    /// Where the API lies.
    api: &'static str,
    /// Where the API is described.
    openapi: &'static str,
}

/// What runs here.
#[utoipa::path(get, path = "/actuator/info", operation_id = "info", tag = "operation", responses(
    (status = 200, body = Info, description = "name, version, protocol, whether it leads"),
))]
async fn info(State(state): State<AppState>) -> Json<Info> {
    Json(Info {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        protocol: PROTOCOL,
        leading: state.platform().is_ok_and(|platform| platform.controller.is_leading()),
        api: super::API,
        openapi: "/openapi.json",
    })
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/actuator/prometheus", operation_id = "prometheus", tag = "operation", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text", description = "OpenMetrics"),
))]
async fn prometheus(State(state): State<AppState>) -> Result<Response, Problem> {
    let text = metrics::text(&state).map_err(|error| Problem::internal(&error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

/// The same.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text", description = "OpenMetrics"),
))]
async fn metrics_alias(state: State<AppState>) -> Result<Response, Problem> {
    prometheus(state).await
}
