//! Turns routes into handlers: one file for each resource, each with its OpenAPI description.
//!
//! Handlers are registered through `utoipa_axum`, so a route that is not described cannot be
//! served.

mod about;
mod actuator;
mod answers;
mod audit;
mod capacity;
mod common;
mod comparisons;
mod control;
mod domains;
mod formats;
mod halt;
mod page;
mod quotas;
mod reports;
mod runs;
mod scenarios;
mod secrets;
mod stats;
mod streams;
mod tokens;
mod workers;

use crate::schemas::FrameDocument;
use crate::state::AppState;
use axum::Router;
use axum::routing::get;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Description;
use utoipa_axum::router::OpenApiRouter;

/// Where the API lies.
pub const API: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "loadcore",
        description = "Scenarios, runs and their statistics. With authentication a call has a token: that of a sign-in, or of `POST /tokens`. Without it the header `X-User-Id` names the user (none: `local`). Every error is `application/problem+json`.",
        license(name = "MIT", identifier = "MIT"),
    ),
    servers((url = "/", description = "the controller that was asked for this page")),
    // No call answers a frame: streams carry them, and those who read one look here.
    components(schemas(FrameDocument)),
    tags(
        (name = "scenarios", description = "What to do"),
        (name = "runs", description = "Executions of scenarios, and control of them"),
        (name = "statistics", description = "What was measured"),
        (name = "workers", description = "Who makes the load"),
        (name = "access", description = "Who may do what"),
        (name = "operation", description = "How the controller is"),
    ),
)]
struct Page;

/// Every route, with its state still to come.
pub(crate) fn all() -> Router<AppState> {
    let (router, description) = described().split_for_parts();
    let text: Arc<str> = serde_json::to_string(&description).unwrap_or_default().into();
    // The page that describes the others, and those for people, are not calls of the API.
    router.route("/openapi.json", get(move || openapi(Arc::clone(&text)))).merge(page::routes())
}

/// Those for probes and for Prometheus: they hold nothing of a tenant.
pub(crate) fn actuator() -> Router<AppState> {
    actuator::routes().split_for_parts().0
}

/// The OpenAPI page, made once.
async fn openapi(text: Arc<str>) -> impl axum::response::IntoResponse {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], text.to_string())
}

/// What `/openapi.json` says.
#[must_use]
pub fn description() -> Description {
    described().split_for_parts().1
}

fn described() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::new()
        .merge(scenarios::routes())
        .merge(runs::routes())
        .merge(control::routes())
        .merge(stats::routes())
        .merge(reports::routes())
        .merge(comparisons::routes())
        .merge(capacity::routes())
        .merge(streams::routes())
        .merge(workers::routes())
        .merge(tokens::routes())
        .merge(domains::routes())
        .merge(quotas::routes())
        .merge(audit::routes())
        .merge(halt::routes())
        .merge(secrets::routes())
        .merge(about::routes());
    let mut all =
        OpenApiRouter::with_openapi(Page::openapi()).nest(API, api).merge(actuator::routes());
    common::describe(all.get_openapi_mut());
    all
}
