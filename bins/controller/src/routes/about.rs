//! Answers what is served here, and who asks.

use super::answers::{BadRequest, Internal, NotReady};
use crate::about::About;
use crate::access::Caller;
use crate::access::table::Right;
use crate::extract::NoQuery;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(about)).routes(routes!(me))
}

/// Who asks, and what they may do beside reading.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Me {
    /// Whose scenarios and runs they see.
    user: String,
    /// They may do what holds for everybody: quotas, the halt, draining workers.
    admin: bool,
    /// They may change what others do in their name: tokens, secrets, domains.
    account: bool,
    /// They may make, start, steer and delete what is their own.
    run: bool,
}

/// Says what runs here and where to sign in. Needs no token.
#[utoipa::path(get, path = "/about", operation_id = "readAbout", tag = "access", responses(
    (status = 200, body = About, description = "what runs here"),
    BadRequest, Internal, NotReady,
))]
async fn about(State(state): State<AppState>, _: NoQuery) -> Json<About> {
    Json(About::clone(&state.about))
}

/// Says who asks, and what they may do.
#[utoipa::path(get, path = "/me", operation_id = "readMe", tag = "access", responses(
    (status = 200, body = Me, description = "the caller"),
    BadRequest, Internal, NotReady,
))]
async fn me(caller: Caller, _: NoQuery) -> Json<Me> {
    Json(Me {
        user: caller.owner.to_string(),
        admin: caller.may(Right::Admin),
        account: caller.may(Right::Account),
        run: caller.may(Right::Run),
    })
}
