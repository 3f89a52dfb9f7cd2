//! Answers with the workers, which make the load.

use super::answers::{BadRequest, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge};
use crate::extract::{NoBody, NoQuery, User};
use crate::problem::{Kind, Problem};
use crate::state::{AppState, Leading, Platform};
use crate::views::{List, WorkerJson};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use loadcore::cluster::Owner;
use loadcore::cluster::controller::api::WorkerView;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read)).routes(routes!(drain))
}

/// Lists the workers.
#[utoipa::path(get, path = "/workers", operation_id = "listWorkers", tag = "workers", responses(
    (status = 200, body = List<WorkerJson>, description = "those of the last minute"),
    BadRequest, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    User(owner): User,
    _: NoQuery,
) -> Result<Json<List<WorkerJson>>, Problem> {
    let mut items = Vec::new();
    for worker in platform.controller.workers() {
        items.push(shown(&platform, &owner, &worker).await?);
    }
    Ok(Json(List::whole(items)))
}

/// Shows a worker.
#[utoipa::path(get, path = "/workers/{id}", operation_id = "readWorker", tag = "workers",
    params(("id" = String, Path, description = "the worker")),
    responses(
        (status = 200, body = WorkerJson, description = "the worker"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn read(
    platform: Platform,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Json<WorkerJson>, Problem> {
    Ok(Json(shown(&platform, &owner, &found(&platform, &id)?).await?))
}

/// Lets a worker finish or hand over what it has, and end.
#[utoipa::path(post, path = "/workers/{id}/drain", operation_id = "drainWorker", tag = "workers",
    params(("id" = String, Path, description = "the worker")),
    responses(
        (status = 202, body = WorkerJson, description = "it was told: the state that this leads to"),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn drain(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    _: NoBody,
) -> Result<(StatusCode, Json<WorkerJson>), Problem> {
    let worker = found(&platform, &id)?;
    if !worker.alive {
        let detail = format!("worker {id} is not there any more: nothing was heard of it");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    platform.controller.drain_worker(&id).await?;
    // It hears of it within 2 s, and says so itself from then on.
    let shown = WorkerJson { draining: true, ..shown(&platform, &owner, &worker).await? };
    Ok((StatusCode::ACCEPTED, Json(shown)))
}

fn found(platform: &Platform, id: &str) -> Result<WorkerView, Problem> {
    let workers = platform.controller.workers();
    let worker = workers.into_iter().find(|worker| worker.seen.report.worker.as_str() == id);
    worker.ok_or_else(|| Problem::not_found("worker", id))
}

/// Workers are everybody's, runs are not: the run is named to its owner alone.
async fn shown(
    platform: &Platform,
    owner: &Owner,
    worker: &WorkerView,
) -> Result<WorkerJson, Problem> {
    let run = match &worker.seen.report.task {
        Some(task) => platform.controller.record(owner, &task.run).await?,
        None => None,
    };
    Ok(WorkerJson::of(worker, run.map(|run| run.id.to_string())))
}
