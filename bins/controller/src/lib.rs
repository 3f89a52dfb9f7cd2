//! Turns HTTP into calls of `loadcore::cluster`, and their answers into HTTP: the REST API of a
//! platform.
//!
//! [`app`] makes the router from a [`state::AppState`]; it is tested without a port. What a
//! handler decides it decides in a pure function beside it ([`render`], [`views`]); what a platform
//! decides is the library's, in `cluster::controller`.

pub mod about;
pub mod access;
pub mod audit;
pub mod conditions;
pub mod dashboard;
pub mod doorstep;
pub mod extract;
#[cfg(test)]
mod fuzz;
pub mod hlog;
pub mod keyed;
pub mod media;
pub mod metrics;
pub mod origin;
pub mod problem;
pub mod render;
pub mod routes;
pub mod schemas;
pub mod secure;
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
    layered(routes::all(), state)
}

/// Health and metrics alone, for a listener of their own.
pub fn actuator(state: AppState) -> Router {
    layered(routes::actuator(), state)
}

/// Routes with all that holds for each of them. The last layer is the outermost: it counts what
/// `finish` has made of all that is inside.
fn layered(routes: Router<AppState>, state: AppState) -> Router {
    routes
        .layer(from_fn_with_state(state.clone(), audit::write))
        .layer(from_fn(media::refuse_unwanted))
        .layer(from_fn_with_state(state.clone(), access::admit))
        .layer(from_fn_with_state(state.clone(), origin::refuse_foreign))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(problem::MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PATIENCE))
        .layer(from_fn(problem::finish))
        .layer(from_fn(secure::every_answer))
        .layer(from_fn_with_state(state.clone(), metrics::count))
        .with_state(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use state::Status;
    use tokio::sync::watch;
    use tower::ServiceExt;

    /// What a route is answered with, within all layers: one that everybody may ask for.
    async fn answer(routes: Router<AppState>) -> (u16, serde_json::Value) {
        let (_status, when_ready) = watch::channel(Status::Waiting("not yet".into()));
        let (_end, ending) = watch::channel(false);
        let router = layered(routes, AppState::new(when_ready, ending));
        let response =
            router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_without_inner_details() {
        async fn panics() -> &'static str {
            panic!("the key is 4711")
        }
        let (status, problem) = answer(Router::new().route("/", get(panics))).await;
        assert_eq!((status, &problem["type"]), (500, &"urn:loadcore:problem:internal".into()));
        assert_eq!(problem["instance"], "/");
        assert!(!problem.to_string().contains("4711"), "{problem}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_hangs_is_given_up() {
        let (status, problem) =
            answer(Router::new().route("/", get(std::future::pending::<()>))).await;
        assert_eq!((status, &problem["type"]), (504, &"urn:loadcore:problem:timed-out".into()));
    }
}
