//! Scenarios: kept, shown, changed, deleted, judged.

use super::answers::{BadRequest, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge};
use crate::extract::{NoBody, NoQuery, Paging, Query, ScenarioBody, User};
use crate::judge::judge;
use crate::plan::{PlanView, plan};
use crate::problem::{FaultView, Kind, Problem};
use crate::schemas::ScenarioDocument;
use crate::state::{AppState, Leading, Platform};
use crate::views::{Created, List, ScenarioView};
use axum::Json;
use axum::extract::Path;
use axum::http::{StatusCode, header::LOCATION};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt, stream};
use loadcore::cluster::controller::api::ControllerError;
use loadcore::cluster::secrets::Secrets;
use loadcore::cluster::store::{Page, RunRecord, ScenarioRecord};
use loadcore::cluster::{Owner, ScenarioId};
use loadcore::result::rfc3339;
use loadcore::scenario::Scenario;
use loadcore::time::unix_millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(validate))
        .routes(routes!(read, replace, delete))
        .routes(routes!(start))
}

/// How many runs are looked up at once for a page of scenarios.
const LOOK_UPS: usize = 16;

/// Which scenarios.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those that have this tag.
    tag: Option<String>,
    /// The most items of the answer: 1 to 200, 50 if it is not given.
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists the user's scenarios, newest first.
#[utoipa::path(get, path = "/scenarios", operation_id = "listScenarios", tag = "scenarios", params(Filter), responses(
    (status = 200, body = List<ScenarioView>, description = "a page of them"),
    BadRequest, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    User(owner): User,
    Query(filter): Query<Filter>,
) -> Result<Json<List<ScenarioView>>, Problem> {
    let paging = Paging::of(filter.limit.as_deref(), filter.cursor)?;
    let records = platform.store.scenarios(&owner, filter.tag.as_deref(), &paging.page()).await?;
    let page = List::page(records, paging.limit, |record| record.id.as_str());
    let items = stream::iter(page.items)
        .map(async |record| shown(&platform, &record).await)
        .buffered(LOOK_UPS)
        .try_collect()
        .await?;
    Ok(Json(List { items, next_cursor: page.next_cursor }))
}

/// Keeps a scenario, and starts it unless it says `"autoStart": false`.
///
/// The body is JSON, or YAML with a content type of `application/yaml`.
#[utoipa::path(post, path = "/scenarios", operation_id = "createScenario", tag = "scenarios",
    request_body(content(
        (ScenarioDocument = "application/json"),
        (ScenarioDocument = "application/yaml"),
    )),
    responses(
        (status = 201, body = Created, description = "it is kept", headers(("Location" = String))),
        BadRequest, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn create(
    Leading(platform): Leading,
    User(owner): User,
    _: NoQuery,
    body: ScenarioBody,
) -> Result<Response, Problem> {
    let scenario = judged(&platform, body.value.clone()).await?;
    let now = unix_millis();
    let record = ScenarioRecord {
        id: ScenarioId::random(),
        owner,
        revision: 0,
        created_unix_ms: now,
        changed_unix_ms: now,
        tags: scenario.tags.clone(),
        document: platform.secrets.seal(body.value),
        baseline: None,
    };
    platform.store.insert_scenario(&record).await?;
    let run =
        if scenario.auto_start { Some(submit_or_forget(&platform, &record).await?) } else { None };
    let created = Created {
        id: record.id.to_string(),
        scenario_id: record.id.to_string(),
        run_id: run.as_ref().map(|run| run.id.to_string()),
        state: run.as_ref().map(|run| run.state),
        created_at: rfc3339(now),
    };
    Ok(made(&format!("{}/scenarios/{}", super::API, record.id), created))
}

/// Whoever gets an error tries again: nothing of the first try may be left then.
async fn submit_or_forget(
    platform: &Platform,
    record: &ScenarioRecord,
) -> Result<RunRecord, Problem> {
    match platform.controller.submit(record).await {
        Ok(run) => Ok(run),
        Err(error) => {
            if let Err(left) = platform.store.delete_scenario(&record.owner, &record.id).await {
                tracing::warn!("scenario {} stays, though its run was refused: {left}", record.id);
            }
            Err(error.into())
        }
    }
}

/// Says what would run, and every fault. Keeps nothing and starts nothing.
#[utoipa::path(post, path = "/scenarios/validate", operation_id = "validateScenario", tag = "scenarios",
    request_body(content(
        (ScenarioDocument = "application/json"),
        (ScenarioDocument = "application/yaml"),
    )),
    responses(
        (status = 200, body = Validation, description = "valid or not"),
        BadRequest, TooLarge, Internal, NotReady,
    ),
)]
async fn validate(
    platform: Platform,
    _user: User,
    _: NoQuery,
    body: ScenarioBody,
) -> Json<Validation> {
    Json(match judge(body.value, platform.policy.clone()).await {
        Ok(scenario) => Validation { valid: true, faults: Vec::new(), plan: Some(plan(&scenario)) },
        Err(faults) => Validation { valid: false, faults, plan: None },
    })
}

/// What was found out about a scenario.
#[derive(Debug, Serialize, ToSchema)]
struct Validation {
    /// It could be run.
    valid: bool,
    /// Everything that is wrong with it.
    faults: Vec<FaultView>,
    /// What would run; null where something is wrong.
    plan: Option<PlanView>,
}

/// Shows a scenario.
#[utoipa::path(get, path = "/scenarios/{id}", operation_id = "readScenario", tag = "scenarios",
    params(("id" = String, Path, description = "the scenario")),
    responses(
        (status = 200, body = ScenarioView, description = "the scenario, without its secrets"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn read(
    platform: Platform,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Json<ScenarioView>, Problem> {
    let record = found(&platform, &owner, &id).await?;
    Ok(Json(shown(&platform, &record).await?))
}

/// Changes a scenario: the body is the whole document. A value that reads `[redacted]` keeps what
/// is stored. Runs that were started before are not touched.
#[utoipa::path(put, path = "/scenarios/{id}", operation_id = "replaceScenario", tag = "scenarios",
    params(("id" = String, Path, description = "the scenario")),
    request_body(content(
        (ScenarioDocument = "application/json"),
        (ScenarioDocument = "application/yaml"),
    )),
    responses(
        (status = 200, body = ScenarioView, description = "as it is now"),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn replace(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    body: ScenarioBody,
) -> Result<Json<ScenarioView>, Problem> {
    let mut record = found(&platform, &owner, &id).await?;
    let restored = Secrets::restore(body.value, &record.document);
    let document = opened(&platform, &restored)?;
    let scenario = judged(&platform, document.clone()).await?;
    record.tags = scenario.tags.clone();
    record.changed_unix_ms = unix_millis();
    record.document = platform.secrets.seal(document);
    if !platform.store.replace_scenario(&record).await? {
        let detail = format!("scenario {id} was changed meanwhile: read it again, then change it");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    record.revision += 1;
    Ok(Json(shown(&platform, &record).await?))
}

/// Deletes a scenario. Its runs stay, and none of them may be going on.
#[utoipa::path(delete, path = "/scenarios/{id}", operation_id = "deleteScenario", tag = "scenarios",
    params(("id" = String, Path, description = "the scenario")),
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
    let scenario = ScenarioId::from(id.as_str());
    if let Some(run) = newest_run(&platform, &owner, &scenario).await?
        && !run.state.has_ended()
    {
        let detail = format!("run {} of this scenario goes on: stop it first", run.id);
        return Err(Problem::new(Kind::Conflict, detail));
    }
    if platform.store.delete_scenario(&owner, &scenario).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("scenario", &id))
    }
}

/// Starts a scenario again.
#[utoipa::path(post, path = "/scenarios/{id}/runs", operation_id = "startScenario", tag = "scenarios",
    params(("id" = String, Path, description = "the scenario")),
    responses(
        (status = 201, body = Created, description = "the run", headers(("Location" = String))),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn start(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    _: NoBody,
) -> Result<Response, Problem> {
    let record = found(&platform, &owner, &id).await?;
    // What may be loaded may have changed since the scenario was kept.
    judged(&platform, opened(&platform, &record.document)?).await?;
    let run = platform.controller.submit(&record).await?;
    let created = Created {
        id: run.id.to_string(),
        scenario_id: id,
        run_id: Some(run.id.to_string()),
        state: Some(run.state),
        created_at: rfc3339(run.created_unix_ms),
    };
    Ok(made(&format!("{}/runs/{}", super::API, run.id), created))
}

/// A document with its secrets in the clear.
fn opened(platform: &Platform, document: &Value) -> Result<Value, Problem> {
    let opened = platform.secrets.open(document);
    opened.map_err(|why| ControllerError::Secrets(why).into())
}

async fn judged(platform: &Platform, document: Value) -> Result<Scenario, Problem> {
    let judged = judge(document, platform.policy.clone()).await;
    judged.map_err(|faults| Problem::faulty(Kind::InvalidScenario, faults))
}

async fn found(platform: &Platform, owner: &Owner, id: &str) -> Result<ScenarioRecord, Problem> {
    let record = platform.store.scenario(owner, &id.into()).await?;
    record.ok_or_else(|| Problem::not_found("scenario", id))
}

async fn shown(platform: &Platform, record: &ScenarioRecord) -> Result<ScenarioView, Problem> {
    let newest = newest_run(platform, &record.owner, &record.id).await?;
    Ok(ScenarioView::of(record, newest.as_ref()))
}

/// The newest run of a scenario, as it is now.
pub(super) async fn newest_run(
    platform: &Platform,
    owner: &Owner,
    scenario: &ScenarioId,
) -> Result<Option<RunRecord>, Problem> {
    let newest = Page { after: None, most: 1 };
    let kept = platform.store.runs(owner, Some(scenario), &newest).await?.into_iter().next();
    match kept {
        // The live one is ahead of what is kept.
        Some(run) if !run.state.has_ended() => {
            Ok(platform.controller.run(owner, &run.id).await?.or(Some(run)))
        }
        other => Ok(other),
    }
}

/// The newest run of a scenario, for what asks about the scenario.
pub(super) async fn newest_run_of(
    platform: &Platform,
    owner: &Owner,
    id: &str,
) -> Result<RunRecord, Problem> {
    let scenario = found(platform, owner, id).await?.id;
    newest_run(platform, owner, &scenario)
        .await?
        .ok_or_else(|| Problem::new(Kind::NotFound, format!("scenario {id} has no run yet")))
}

fn made(location: &str, created: Created) -> Response {
    (StatusCode::CREATED, [(LOCATION, location)], Json(created)).into_response()
}
