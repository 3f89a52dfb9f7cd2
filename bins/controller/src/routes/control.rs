//! Answers calls that control a running test. Each change appears in the run's timeline.

use super::answers::{BadRequest, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge};
use super::runs::found;
use crate::audit::Deed;
use crate::extract::{Body, NoBody, NoQuery, User};
use crate::problem::{FaultView, Kind, Problem};
use crate::state::{AppState, Leading, Platform};
use crate::views::RunView;
use axum::Json;
use axum::extract::Path;
use loadcore::cluster::Owner;
use loadcore::cluster::controller::api::Command;
use loadcore::scenario::limits::{MAX_DURATION_SECONDS, MAX_RATE};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(stop))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(rate))
}

/// Ends the load. What is in flight is awaited for `drainSeconds` at most.
#[utoipa::path(post, path = "/runs/{id}/stop", operation_id = "stopRun", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, body = RunView, description = "the run, which is being stopped"),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn stop(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    _: NoBody,
) -> Result<Json<RunView>, Problem> {
    command(&platform, &owner, &id, Command::Stop).await
}

/// Stops the profile's clock: nothing more falls due until the run is resumed.
#[utoipa::path(post, path = "/runs/{id}/pause", operation_id = "pauseRun", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, body = RunView, description = "the run"),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn pause(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    _: NoBody,
) -> Result<Json<RunView>, Problem> {
    command(&platform, &owner, &id, Command::Pause).await
}

/// Lets a paused run go on where it was.
#[utoipa::path(post, path = "/runs/{id}/resume", operation_id = "resumeRun", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, body = RunView, description = "the run"),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn resume(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    _: NoBody,
) -> Result<Json<RunView>, Problem> {
    command(&platform, &owner, &id, Command::Resume).await
}

/// Another rate for what is left of a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RateChange {
    /// Requests per second, all workers together: 0 to 10^9.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    target_rps: f64,
    /// How long it takes to get there from the present rate: 0 to 604,800.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800)]
    over_seconds: f64,
}

impl RateChange {
    fn checked(self) -> Result<Command, Problem> {
        let faults: Vec<_> = [
            ("targetRps", self.target_rps, MAX_RATE),
            ("overSeconds", self.over_seconds, MAX_DURATION_SECONDS),
        ]
        .into_iter()
        .filter(|(_, value, most)| !(0.0..=*most).contains(value))
        .map(|(path, value, most)| FaultView {
            path: path.into(),
            message: format!("is {value}; give 0 to {most}"),
        })
        .collect();
        if !faults.is_empty() {
            return Err(Problem::faulty(Kind::InvalidBody, faults));
        }
        Ok(Command::Rate { target_rps: self.target_rps, over_seconds: self.over_seconds })
    }
}

/// Replaces what is left of the profile by a line to another rate, and that rate after it.
#[utoipa::path(patch, path = "/runs/{id}/rate", operation_id = "changeRate", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    request_body = RateChange,
    responses(
        (status = 200, body = RunView, description = "the run"),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn rate(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    deed: Deed,
    _: NoQuery,
    Body(change): Body<RateChange>,
) -> Result<Json<RunView>, Problem> {
    deed.says("targetRps", change.target_rps);
    command(&platform, &owner, &id, change.checked()?).await
}

async fn command(
    platform: &Platform,
    owner: &Owner,
    id: &str,
    command: Command,
) -> Result<Json<RunView>, Problem> {
    platform.controller.command(owner, &id.into(), command).await?;
    Ok(Json(RunView::of(&found(platform, owner, id).await?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_limits() {
        let faults = |target_rps, over_seconds| {
            let paths = |problem: Problem| problem.faults.into_iter().map(|fault| fault.path);
            let checked = RateChange { target_rps, over_seconds }.checked();
            checked.map_or_else(|problem| paths(problem).collect::<Vec<_>>(), |_| Vec::new())
        };
        assert!(faults(0.0, 0.0).is_empty() && faults(1e9, 604_800.0).is_empty());
        assert_eq!(faults(-1.0, 604_801.0), ["targetRps", "overSeconds"]);
        assert_eq!(faults(f64::NAN, 0.0), ["targetRps"]);
    }
}
