//! Answers calls that halt the whole platform, and let it go on.

use super::answers::{BadRequest, Internal, Invalid, NotReady, TooLarge};
use crate::access::Caller;
use crate::audit::Deed;
use crate::extract::{Body, NoQuery};
use crate::problem::{FaultView, Kind, Problem};
use crate::state::{AppState, Platform};
use axum::Json;
use axum::http::StatusCode;
use loadcore::cluster::controller::Halt;
use loadcore::result::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read, set, lift))
}

/// Characters of a reason.
const MAX_REASON: usize = 500;

/// Why everything is to stop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HaltOrder {
    /// What people read in each run's timeline, and whoever wants to start one.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Whether the platform is halted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HaltView {
    /// Nothing may run.
    halted: bool,
    /// Why.
    reason: Option<String>,
    /// Who says so.
    by: Option<String>,
    /// Since when.
    since: Option<String>,
}

impl HaltView {
    fn of(halt: Option<Halt>) -> Self {
        Self {
            halted: halt.is_some(),
            since: halt.as_ref().map(|it| rfc3339(it.since_unix_ms)),
            by: halt.as_ref().map(|it| it.by.to_string()),
            reason: halt.map(|it| it.reason),
        }
    }
}

/// Says whether the platform is halted.
#[utoipa::path(get, path = "/halt", operation_id = "readHalt", tag = "operation", responses(
    (status = 200, body = HaltView, description = "halted or not"),
    BadRequest, Internal, NotReady,
))]
async fn read(platform: Platform, _: Caller, _: NoQuery) -> Result<Json<HaltView>, Problem> {
    Ok(Json(HaltView::of(platform.controller.halted().await?)))
}

/// Ends all load of all users within two seconds, and lets nothing start until that is lifted. Any
/// controller takes it, leading or not.
#[utoipa::path(post, path = "/halt", operation_id = "halt", tag = "operation",
    request_body = HaltOrder,
    responses(
        (status = 200, body = HaltView, description = "the platform is halted"),
        BadRequest, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn set(
    platform: Platform,
    caller: Caller,
    deed: Deed,
    _: NoQuery,
    Body(order): Body<HaltOrder>,
) -> Result<Json<HaltView>, Problem> {
    let length = order.reason.chars().count();
    if !(1..=MAX_REASON).contains(&length) || order.reason.chars().any(char::is_control) {
        let message = format!("has {length} characters; give 1 to {MAX_REASON} that can be shown");
        let fault = FaultView { path: "reason".into(), message };
        return Err(Problem::faulty(Kind::InvalidBody, vec![fault]));
    }
    deed.says("reason", order.reason.clone());
    let halt = platform.controller.halt(&order.reason, &caller.owner).await?;
    Ok(Json(HaltView::of(Some(halt))))
}

/// Lets runs start again. Those that were ended stay so.
#[utoipa::path(delete, path = "/halt", operation_id = "liftHalt", tag = "operation", responses(
    (status = 204, description = "the platform is not halted"),
    BadRequest, Internal, NotReady,
))]
async fn lift(platform: Platform, _: Caller, _: NoQuery) -> Result<StatusCode, Problem> {
    platform.controller.lift_halt().await?;
    Ok(StatusCode::NO_CONTENT)
}
