//! Answers up to which rate an objective holds, and what was looked for.

use super::answers::{
    BadRequest, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge, TooManyKeys,
};
use super::common::IdempotencyKey;
use super::scenarios::{answer, tell_against};
use crate::audit::Deed;
use crate::extract::{Body, NoQuery, Paging, Query, User};
use crate::keyed::Key;
use crate::problem::{FaultView, Kind, Problem};
use crate::schemas::{AnyDocument, CapacityDocument};
use crate::state::{AppState, Leading, Platform};
use crate::views::{Created, List, RunStateName};
use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use loadcore::analysis::capacity::{Capacity, LimitedBy, Wanted};
use loadcore::cluster::controller::{KnownSearch, ListedSearch, Requests, RunFilter};
use loadcore::cluster::store::{RunRecord, RunState};
use loadcore::result::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read))
}

/// What is looked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SearchOrder {
    /// Whose requests are made: a scenario that is kept. Its load and its rules do not count.
    scenario_id: Option<String>,
    /// Or one that is given here, and kept.
    #[schema(value_type = Option<AnyDocument>)]
    scenario: Option<Value>,
    /// The objective, a rule that load makes harder to keep: `ok_p99<50ms`.
    slo: String,
    /// The highest rate that is tried, in requests per second.
    #[schema(exclusive_minimum = 0, maximum = 1_000_000_000)]
    max_rate: f64,
    /// How long the search may last: 20 to 1800, 240 if it is not given.
    #[schema(minimum = 20, maximum = 1800)]
    duration_seconds: Option<f64>,
}

/// A search: a run that tries one rate after the other.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SearchView {
    /// Its id, and that of its run.
    id: String,
    /// Whose requests it makes.
    scenario_id: String,
    /// How far its run is.
    #[schema(value_type = RunStateName)]
    state: RunState,
    /// What people should know about the run.
    warnings: Vec<String>,
    /// What is known by now.
    #[schema(value_type = CapacityDocument)]
    capacity: Capacity,
}

/// A search in a list. What is not known yet is null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedView {
    /// Its id, and that of its run.
    id: String,
    /// Whose requests it makes.
    scenario_id: String,
    /// The scenario's name.
    name: Option<String>,
    /// How far its run is.
    #[schema(value_type = RunStateName)]
    state: RunState,
    /// When it was asked for (RFC 3339).
    #[schema(format = DateTime)]
    created_at: String,
    /// The objective.
    slo: Option<String>,
    /// The highest rate that is tried.
    max_rate: Option<f64>,
    /// The highest rate at which the objective holds.
    capacity_rps: Option<f64>,
    /// Between which rates it lies; an end is null where it is not known.
    #[schema(min_items = 2, max_items = 2)]
    interval: Option<[Option<f64>; 2]>,
    /// What does not allow more: `slo`, `generator` or `maxRate`.
    #[schema(value_type = Option<String>)]
    limited_by: Option<LimitedBy>,
}

impl ListedView {
    fn of(run: &RunRecord) -> Self {
        let search = ListedSearch::of(run);
        let known = search.as_ref();
        Self {
            id: run.id.to_string(),
            scenario_id: run.scenario_id.to_string(),
            name: run.scenario["name"].as_str().map(str::to_owned),
            state: run.state,
            created_at: rfc3339(run.created_unix_ms),
            slo: known.map(|it| it.wanted.slo.clone()),
            max_rate: known.map(|it| it.wanted.max_rate),
            capacity_rps: known.and_then(|it| it.capacity_rps),
            interval: known.and_then(|it| it.interval),
            limited_by: known.and_then(|it| it.limited_by),
        }
    }
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
struct Part {
    /// The most items of the answer: 1 to 200, 50 if it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    #[param(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    cursor: Option<String>,
}

/// Lists the user's searches, newest first. At most 1,000 runs are looked at for a page, so that it may be short, or
/// empty, and still have a `nextCursor`.
#[utoipa::path(get, path = "/capacity-searches", operation_id = "listCapacitySearches", tag = "runs", params(Part), responses(
    (status = 200, body = List<ListedView>, description = "a page of them"),
    BadRequest, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    User(owner): User,
    Query(part): Query<Part>,
) -> Result<Json<List<ListedView>>, Problem> {
    let paging = Paging::of(part.limit.as_deref(), part.cursor)?;
    let filter = RunFilter { searches: true, ..RunFilter::default() };
    let page = platform.controller.runs(&owner, &filter, &paging.exactly()).await?;
    Ok(Json(List::of_runs(page, ListedView::of)))
}

impl SearchOrder {
    fn read(self) -> Result<(Requests, Wanted), Problem> {
        let faulty = |path: &str, message: &str| {
            let fault = FaultView { path: path.into(), message: message.into() };
            Err(Problem::faulty(Kind::InvalidBody, vec![fault]))
        };
        let seconds = self.duration_seconds.map(Duration::try_from_secs_f64);
        let duration = match seconds {
            None => Wanted::USUAL_DURATION,
            Some(Ok(duration)) => duration,
            Some(Err(_)) => return faulty("durationSeconds", "is no time; give 20 to 1800"),
        };
        let requests = match (self.scenario_id, self.scenario) {
            (Some(id), None) => Requests::Of(id.into()),
            (None, Some(document)) => Requests::In(document),
            _ => return faulty("scenarioId", "give either scenarioId or scenario"),
        };
        Ok((requests, Wanted { slo: self.slo, max_rate: self.max_rate, duration }))
    }
}

/// Starts a search for the highest rate at which an objective holds. It is a run, and can be stopped as one.
#[utoipa::path(post, path = "/capacity-searches", operation_id = "createCapacitySearch", tag = "runs",
    params(IdempotencyKey),
    request_body = SearchOrder,
    responses(
        (status = 201, body = Created, description = "it is started", headers(("Location" = String))),
        BadRequest, NotFound, Conflict, TooLarge, Invalid, TooManyKeys, Internal, NotReady,
    ),
)]
async fn create(
    Leading(platform): Leading,
    User(owner): User,
    Key(key): Key,
    deed: Deed,
    _: NoQuery,
    Body(order): Body<SearchOrder>,
) -> Result<Response, Problem> {
    let (requests, wanted) = order.read()?;
    match &requests {
        Requests::Of(id) => tell_against(&platform, &owner, id.as_str(), &deed).await?,
        Requests::In(document) => deed.is_against(document),
    }
    deed.says("maxRate", wanted.max_rate);
    deed.keep().await?;
    let made = platform.controller.create_search(&owner, requests, &wanted, key.as_deref()).await?;
    let id = made.run_id.as_ref().map_or_else(String::new, ToString::to_string);
    Ok(answer(&format!("{}/capacity-searches/{id}", super::API), &made, id))
}

/// How far a search is, and what it has found by now.
#[utoipa::path(get, path = "/capacity-searches/{id}", operation_id = "getCapacitySearch", tag = "runs",
    params(("id" = String, Path, description = "the search")),
    responses(
        (status = 200, body = SearchView, description = "the search"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn read(
    platform: Platform,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Json<SearchView>, Problem> {
    let KnownSearch { run, capacity } =
        platform.controller.capacity_search(&owner, &id.into()).await?;
    Ok(Json(SearchView {
        id: run.id.to_string(),
        scenario_id: run.scenario_id.to_string(),
        state: run.state,
        warnings: run.warnings,
        capacity,
    }))
}
