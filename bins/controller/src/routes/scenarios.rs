//! Scenarios: kept, shown, changed, deleted, judged.

use super::answers::{
    BadRequest, ConditionFailed, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge,
    TooManyKeys,
};
use super::common::{IdempotencyKey, IfMatch};
use crate::conditions::{self, Conditions};
use crate::extract::{NoBody, NoQuery, Paging, Query, ScenarioBody, User};
use crate::judge::judge;
use crate::keyed::{Call, Key};
use crate::plan::{PlanView, plan};
use crate::problem::{FaultView, Kind, Problem};
use crate::schemas::{AnyDocument, ScenarioDocument};
use crate::state::{AppState, Leading, Platform};
use crate::views::{Created, List, ScenarioView};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt, stream};
use loadcore::cluster::controller::api::ControllerError;
use loadcore::cluster::secrets::Secrets;
use loadcore::cluster::store::{self, CallRecord, Page, RunRecord, RunState, ScenarioRecord};
use loadcore::cluster::{Owner, RunId, ScenarioId, StoreError};
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
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    #[param(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
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
    params(IdempotencyKey),
    request_body(content(
        (ScenarioDocument = "application/json"),
        (ScenarioDocument = "application/yaml"),
    )),
    responses(
        (status = 201, body = Created, description = "it is kept", headers(
            ("Location" = String), ("ETag" = String, description = "its revision"),
        )),
        BadRequest, Conflict, TooLarge, Invalid, TooManyKeys, Internal, NotReady,
    ),
)]
async fn create(
    State(state): State<AppState>,
    Leading(platform): Leading,
    User(owner): User,
    key: Key,
    _: NoQuery,
    body: ScenarioBody,
) -> Result<Response, Problem> {
    let places = &state.places;
    let call = Call::of(&platform, places, &owner, key, "POST /scenarios", &body.value).await?;
    if let Some(made) = call.made() {
        return Ok(scenario_made(made));
    }
    let scenario = judged(&platform, body.value.clone()).await?;
    let run = scenario.auto_start.then(RunId::random);
    let made = call.begin(ScenarioId::random(), run).await?;
    let record = ScenarioRecord {
        id: made.scenario_id.clone(),
        owner: owner.clone(),
        revision: 0,
        created_unix_ms: made.at_unix_ms,
        changed_unix_ms: made.at_unix_ms,
        tags: scenario.tags.clone(),
        document: platform.secrets.seal(body.value),
        baseline: None,
    };
    match platform.store.insert_scenario(&record).await {
        // It is this call's own, which did not come to its end.
        Err(StoreError { kind: store::Kind::Exists, .. }) => {}
        kept => kept?,
    }
    if let Some(run) = &made.run_id {
        submit_or_forget(&platform, run, &record).await?;
    }
    call.finish().await;
    Ok(scenario_made(&made))
}

/// Whoever gets an error tries again: nothing of the first try may be left then. Where the store does
/// not answer nobody knows what is, and all of it stays.
async fn submit_or_forget(
    platform: &Platform,
    run: &RunId,
    record: &ScenarioRecord,
) -> Result<(), Problem> {
    let Err(error) = platform.controller.submit_as(run.clone(), record).await else {
        return Ok(());
    };
    if matches!(&error, ControllerError::Store(it) if matches!(it.kind, store::Kind::Unavailable(_)))
    {
        return Err(error.into());
    }
    if let Err(left) = platform.store.delete_scenario(&record.owner, &record.id, None).await {
        tracing::warn!("scenario {} stays, though its run was refused: {left}", record.id);
    }
    Err(error.into())
}

/// Says what would run, and every fault. Keeps nothing and starts nothing.
#[utoipa::path(post, path = "/scenarios/validate", operation_id = "validateScenario", tag = "scenarios",
    request_body(content(
        (AnyDocument = "application/json"),
        (AnyDocument = "application/yaml"),
    )),
    responses(
        (status = 200, body = Validation, description = "valid or not"),
        BadRequest, TooLarge, Invalid, Internal, NotReady,
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
        (status = 200, body = ScenarioView, description = "the scenario, without its secrets",
            headers(("ETag" = String, description = "its revision"))),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn read(
    platform: Platform,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let record = found(&platform, &owner, &id).await?;
    tagged(&platform, &record).await
}

/// Changes a scenario: the body is the whole document. A value that reads `[redacted]` keeps what
/// is stored. Runs that were started before are not touched.
#[utoipa::path(put, path = "/scenarios/{id}", operation_id = "replaceScenario", tag = "scenarios",
    params(("id" = String, Path, description = "the scenario"), IfMatch),
    request_body(content(
        (ScenarioDocument = "application/json"),
        (ScenarioDocument = "application/yaml"),
    )),
    responses(
        (status = 200, body = ScenarioView, description = "as it is now",
            headers(("ETag" = String, description = "its revision"))),
        BadRequest, NotFound, Conflict, ConditionFailed, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn replace(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    conditions: Conditions,
    body: ScenarioBody,
) -> Result<Response, Problem> {
    let mut record = found(&platform, &owner, &id).await?;
    conditions.check(record.revision)?;
    let restored = Secrets::restore(body.value, &record.document);
    let document = opened(&platform, &restored)?;
    let scenario = judged(&platform, document.clone()).await?;
    record.tags = scenario.tags.clone();
    record.changed_unix_ms = unix_millis();
    record.document = platform.secrets.seal(document);
    if !platform.store.replace_scenario(&record).await? {
        return Err(changed_meanwhile(&id, &conditions));
    }
    record.revision += 1;
    tagged(&platform, &record).await
}

fn changed_meanwhile(id: &str, conditions: &Conditions) -> Problem {
    let what = format!("scenario {id} was changed meanwhile");
    if conditions.are_given() {
        return conditions::failed(&what);
    }
    Problem::new(Kind::Conflict, format!("{what}: read it again, then change it"))
}

/// Deletes a scenario. Its runs stay, and none of them may be going on.
#[utoipa::path(delete, path = "/scenarios/{id}", operation_id = "deleteScenario", tag = "scenarios",
    params(("id" = String, Path, description = "the scenario"), IfMatch),
    responses(
        (status = 204, description = "it is gone"),
        BadRequest, NotFound, Conflict, ConditionFailed, Internal, NotReady,
    ),
)]
async fn delete(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    conditions: Conditions,
) -> Result<StatusCode, Problem> {
    let record = found(&platform, &owner, &id).await?;
    conditions.check(record.revision)?;
    if let Some(run) = newest_run(&platform, &owner, &record.id).await?
        && !run.state.has_ended()
    {
        let detail = format!("run {} of this scenario goes on: stop it first", run.id);
        return Err(Problem::new(Kind::Conflict, detail));
    }
    let revision = conditions.are_given().then_some(record.revision);
    if platform.store.delete_scenario(&owner, &record.id, revision).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    // It is another's by now, or nobody's.
    found(&platform, &owner, &id).await?;
    Err(changed_meanwhile(&id, &conditions))
}

/// Starts a scenario again.
#[utoipa::path(post, path = "/scenarios/{id}/runs", operation_id = "startScenario", tag = "scenarios",
    params(("id" = String, Path, description = "the scenario"), IdempotencyKey),
    responses(
        (status = 201, body = Created, description = "the run", headers(("Location" = String))),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, TooManyKeys, Internal, NotReady,
    ),
)]
async fn start(
    State(state): State<AppState>,
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    key: Key,
    _: NoQuery,
    _: NoBody,
) -> Result<Response, Problem> {
    let what = format!("POST /scenarios/{id}/runs");
    let call = Call::of(&platform, &state.places, &owner, key, &what, &Value::Null).await?;
    if let Some(made) = call.made() {
        return Ok(run_made(made));
    }
    let record = found(&platform, &owner, &id).await?;
    // What may be loaded may have changed since the scenario was kept.
    judged(&platform, opened(&platform, &record.document)?).await?;
    let run = RunId::random();
    let made = call.begin(record.id.clone(), Some(run.clone())).await?;
    let run = made.run_id.clone().unwrap_or(run);
    platform.controller.submit_as(run, &record).await?;
    call.finish().await;
    Ok(run_made(&made))
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

/// A scenario with its revision beside it.
async fn tagged(platform: &Platform, record: &ScenarioRecord) -> Result<Response, Problem> {
    let view = shown(platform, record).await?;
    Ok(([(ETAG, conditions::tag(record.revision))], Json(view)).into_response())
}

fn scenario_made(made: &CallRecord) -> Response {
    let location = format!("{}/scenarios/{}", super::API, made.scenario_id);
    let mut answer = answer(&location, made, made.scenario_id.to_string());
    answer.headers_mut().insert(ETAG, conditions::tag(0));
    answer
}

fn run_made(made: &CallRecord) -> Response {
    let run = made.run_id.as_ref().map_or("", RunId::as_str);
    answer(&format!("{}/runs/{run}", super::API), made, run.to_owned())
}

fn answer(location: &str, made: &CallRecord, id: String) -> Response {
    let created = Created {
        id,
        scenario_id: made.scenario_id.to_string(),
        run_id: made.run_id.as_ref().map(RunId::to_string),
        // That of a run that was just asked for.
        state: made.run_id.as_ref().map(|_| RunState::Queued),
        created_at: rfc3339(made.at_unix_ms),
    };
    (StatusCode::CREATED, [(LOCATION, location)], Json(created)).into_response()
}
