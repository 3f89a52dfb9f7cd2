//! Answers calls on scenarios: keep, show, change, delete, judge.

use super::answers::{
    BadRequest, ConditionFailed, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge,
    TooManyKeys,
};
use super::common::{IdempotencyKey, IfMatch};
use crate::audit::Deed;
use crate::conditions::{self, Conditions};
use crate::extract::{NoBody, NoQuery, Paging, Query, ScenarioBody, User};
use crate::keyed::Key;
use crate::problem::{FaultView, Kind, Problem};
use crate::schemas::{AnyDocument, PreviewDocument, ScenarioDocument};
use crate::state::{AppState, Leading, Platform};
use crate::views::{Created, List, ScenarioView};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt, stream};
use loadcore::cluster::controller::api::{ControllerError, Made};
use loadcore::cluster::store::{RunRecord, RunState, ScenarioRecord};
use loadcore::cluster::{Owner, RunId};
use loadcore::result::rfc3339;
use loadcore::scenario::Preview;
use serde::{Deserialize, Serialize};
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
    Leading(platform): Leading,
    User(owner): User,
    Key(key): Key,
    deed: Deed,
    _: NoQuery,
    body: ScenarioBody,
) -> Result<Response, Problem> {
    deed.is_against(&body.value);
    deed.keep().await?;
    let made = platform.controller.create_scenario(&owner, body.value, key.as_deref()).await?;
    deed.says("runId", made.run_id.as_ref().map(RunId::to_string));
    let location = format!("{}/scenarios/{}", super::API, made.scenario_id);
    let mut answer = answer(&location, &made, made.scenario_id.to_string());
    answer.headers_mut().insert(ETAG, conditions::tag(0));
    Ok(answer)
}

/// Says what would run, and every fault. Keeps nothing and starts nothing.
#[utoipa::path(post, path = "/scenarios/validate", operation_id = "validateScenario", tag = "scenarios",
    request_body(content(
        (AnyDocument = "application/json"),
        (AnyDocument = "application/yaml"),
    )),
    responses(
        (status = 200, body = Validation, description = "valid or not"),
        BadRequest, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn validate(
    platform: Platform,
    User(owner): User,
    _: NoQuery,
    body: ScenarioBody,
) -> Result<Json<Validation>, Problem> {
    Ok(Json(match platform.controller.preview(&owner, body.value).await {
        Ok(preview) => Validation { valid: true, faults: Vec::new(), plan: Some(preview) },
        Err(ControllerError::Invalid(error)) => {
            let faults = error.faults.iter().map(FaultView::from).collect();
            Validation { valid: false, faults, plan: None }
        }
        Err(error) => return Err(error.into()),
    }))
}

/// What was found out about a scenario.
#[derive(Debug, Serialize, ToSchema)]
struct Validation {
    /// It could be run.
    valid: bool,
    /// Everything that is wrong with it.
    faults: Vec<FaultView>,
    /// What would run; null where something is wrong.
    #[schema(value_type = Option<PreviewDocument>)]
    plan: Option<Preview>,
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
    tagged(&platform, &platform.controller.scenario(&owner, &id.into()).await?).await
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
    deed: Deed,
    _: NoQuery,
    conditions: Conditions,
    body: ScenarioBody,
) -> Result<Response, Problem> {
    deed.is_against(&body.value);
    let read = platform.controller.scenario(&owner, &id.into()).await?;
    conditions.check(read.revision)?;
    let changed = platform.controller.replace_scenario(read, body.value).await;
    tagged(&platform, &changed.map_err(|error| refused(error, &conditions))?).await
}

/// One that was changed meanwhile does not meet a condition any more, where there was one.
pub(super) fn refused(error: ControllerError, conditions: &Conditions) -> Problem {
    match error {
        ControllerError::ChangedMeanwhile(id) if conditions.are_given() => {
            conditions::failed(&format!("scenario {id} was changed meanwhile"))
        }
        other => other.into(),
    }
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
    let read = platform.controller.scenario(&owner, &id.into()).await?;
    conditions.check(read.revision)?;
    let revision = conditions.are_given().then_some(read.revision);
    let deleted = platform.controller.delete_scenario(&owner, &read.id, revision).await;
    deleted.map_err(|error| refused(error, &conditions))?;
    Ok(StatusCode::NO_CONTENT)
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
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    Key(key): Key,
    deed: Deed,
    _: NoQuery,
    _: NoBody,
) -> Result<Response, Problem> {
    tell_against(&platform, &owner, &id, &deed).await?;
    deed.keep().await?;
    let made = platform.controller.start_scenario(&owner, &id.into(), key.as_deref()).await?;
    let run = made.run_id.as_ref().map(RunId::to_string).unwrap_or_default();
    Ok(answer(&format!("{}/runs/{run}", super::API), &made, run.clone()))
}

/// Has the audit log say whom a kept scenario loads. What cannot be opened is refused further on.
pub(super) async fn tell_against(
    platform: &Platform,
    owner: &Owner,
    id: &str,
    deed: &Deed,
) -> Result<(), Problem> {
    let record = platform.controller.scenario(owner, &id.into()).await?;
    if let Ok(document) = platform.controller.secrets().open(&record.document) {
        deed.is_against(&document);
    }
    Ok(())
}

async fn shown(platform: &Platform, record: &ScenarioRecord) -> Result<ScenarioView, Problem> {
    let newest = platform.controller.newest_run(&record.owner, &record.id).await?;
    Ok(ScenarioView::of(record, newest.as_ref()))
}

/// The newest run of a scenario, for what asks about the scenario.
pub(super) async fn newest_run_of(
    platform: &Platform,
    owner: &Owner,
    id: &str,
) -> Result<RunRecord, Problem> {
    let scenario = platform.controller.scenario(owner, &id.into()).await?.id;
    let newest = platform.controller.newest_run(owner, &scenario).await?;
    newest.ok_or_else(|| Problem::new(Kind::NotFound, format!("scenario {id} has no run yet")))
}

/// A scenario with its revision beside it.
pub(super) async fn tagged(
    platform: &Platform,
    record: &ScenarioRecord,
) -> Result<Response, Problem> {
    let view = shown(platform, record).await?;
    Ok(([(ETAG, conditions::tag(record.revision))], Json(view)).into_response())
}

pub(super) fn answer(location: &str, made: &Made, id: String) -> Response {
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
