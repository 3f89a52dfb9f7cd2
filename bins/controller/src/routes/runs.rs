//! Answers calls on runs: list, show, delete.

use super::answers::{BadRequest, Conflict, Internal, NotFound, NotReady};
use crate::extract::{NoQuery, Paging, Query, User};
use crate::problem::Problem;
use crate::render::DistributionQuery;
use crate::state::{AppState, Leading, Platform};
use crate::views::{List, RunView};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use loadcore::cluster::store::RunRecord;
use loadcore::cluster::{Owner, ScenarioId};
use loadcore::time::unix_millis;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read, delete))
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
struct Filter {
    /// Only those of this scenario.
    scenario_id: Option<String>,
    /// The most items of the answer: 1 to 200, 50 if it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    #[param(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    cursor: Option<String>,
}

/// Lists the user's runs, newest first, without their results.
#[utoipa::path(get, path = "/runs", operation_id = "listRuns", tag = "runs", params(Filter), responses(
    (status = 200, body = List<RunView>, description = "a page of them"),
    BadRequest, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    User(owner): User,
    Query(filter): Query<Filter>,
) -> Result<Json<List<RunView>>, Problem> {
    let paging = Paging::of(filter.limit.as_deref(), filter.cursor)?;
    let scenario = filter.scenario_id.map(ScenarioId);
    let records = platform.store.runs(&owner, scenario.as_ref(), &paging.page()).await?;
    let page = List::page(records, paging.limit, |record| record.id.as_str());
    Ok(Json(page.map(|record| RunView::of(&record))))
}

/// Shows a run with its result, also while it goes on.
#[utoipa::path(get, path = "/runs/{id}", operation_id = "readRun", tag = "runs",
    params(("id" = String, Path, description = "the run"), DistributionQuery),
    responses(
        (status = 200, body = RunView, description = "the run"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn read(
    platform: Platform,
    User(owner): User,
    Path(id): Path<String>,
    Query(query): Query<DistributionQuery>,
) -> Result<Json<RunView>, Problem> {
    let record = found(&platform, &owner, &id).await?;
    let outcome = platform.controller.result(&owner, &record.id).await?;
    let waiting = platform.controller.waiting(&owner, &record.id);
    let mut view = RunView::of(&record).waiting(waiting, unix_millis()).with(outcome);
    view.result = view.result.map(|result| query.shown(result));
    Ok(Json(view))
}

/// Deletes a run that has ended, with all that was measured in it.
#[utoipa::path(delete, path = "/runs/{id}", operation_id = "deleteRun", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses(
        (status = 204, description = "it is gone"),
        BadRequest, NotFound, Conflict, Internal, NotReady,
    ),
)]
async fn delete(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    platform.controller.delete_run(&owner, &id.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A run of this user, as it is now.
pub(super) async fn found(
    platform: &Platform,
    owner: &Owner,
    id: &str,
) -> Result<RunRecord, Problem> {
    let record = platform.controller.record(owner, &id.into()).await?;
    record.ok_or_else(|| Problem::not_found("run", id))
}
