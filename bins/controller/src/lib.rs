//! The REST API of a loadcore platform: HTTP into calls of `loadcore::cluster`, and back.
//!
//! [`app`] makes the router from a [`state::AppState`]; it is tested without a port. What a
//! handler decides it decides in a pure function beside it ([`judge`], [`plan`], [`render`],
//! [`views`]); what a platform decides is the library's.

pub mod extract;
pub mod hlog;
pub mod judge;
pub mod metrics;
pub mod origin;
pub mod plan;
pub mod problem;
pub mod render;
pub mod routes;
pub mod schemas;
pub mod state;
pub mod stream;
pub mod views;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use state::AppState;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// The longest that a handler may take until its answer begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// The whole API as a router.
pub fn app(state: AppState) -> Router {
    // The last layer is the outermost: it counts what `finish` has made of all that is inside.
    routes::all()
        .layer(from_fn(origin::refuse_foreign))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(problem::MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PATIENCE))
        .layer(from_fn(problem::finish))
        .layer(from_fn_with_state(state.clone(), metrics::count))
        .with_state(state)
}
