//! Answers what happened in a run and what it means.

use super::answers::{BadRequest, Conflict, Internal, NotFound, NotReady};
use super::formats::FormatParam;
use super::runs::found;
use super::stats::result;
use crate::extract::{NoQuery, Query, User};
use crate::media::Accept;
use crate::problem::Problem;
use crate::render::{self, DistributionQuery, RowsQuery};
use crate::schemas::{BottleneckDocument, ResultDocument, SlaDocument};
use crate::secure;
use crate::state::{AppState, Platform};
use crate::views::{EventView, List, measured};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use loadcore::RunResult;
use loadcore::cluster::store::{RunRecord, TimelineEvent};
use loadcore::cluster::{Owner, RunId};
use loadcore::report::html;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(timeline))
        .routes(routes!(sla))
        .routes(routes!(bottlenecks))
        .routes(routes!(report))
}

/// What happened, in order.
#[utoipa::path(get, path = "/runs/{id}/timeline", operation_id = "timelineOfRun", tag = "runs",
    params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, body = List<EventView>, description = "every event, on one page"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn timeline(
    platform: Platform,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Json<List<EventView>>, Problem> {
    let record = found(&platform, &owner, &id).await?;
    Ok(Json(List::whole(record.timeline.iter().map(EventView::from).collect())))
}

/// What the SLA rules came to, so far or for good.
#[utoipa::path(get, path = "/runs/{id}/sla", operation_id = "slaOfRun", tag = "statistics",
    params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, body = List<SlaDocument>, description = "each rule; none before anything was measured"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn sla(
    platform: Platform,
    User(owner): User,
    Path(id): Path<RunId>,
    _: NoQuery,
) -> Result<Json<List<Value>>, Problem> {
    let rules = |result: &RunResult| result.sla.iter().map(|rule| json!(rule)).collect();
    part(&platform, &owner, &id, rules).await
}

/// What limits the target, the most important first.
#[utoipa::path(get, path = "/runs/{id}/bottlenecks", operation_id = "bottlenecksOfRun", tag = "statistics",
    params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, body = List<BottleneckDocument>, description = "the findings"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn bottlenecks(
    platform: Platform,
    User(owner): User,
    Path(id): Path<RunId>,
    _: NoQuery,
) -> Result<Json<List<Value>>, Problem> {
    let findings = |result: &RunResult| result.bottlenecks.iter().map(|it| json!(it)).collect();
    part(&platform, &owner, &id, findings).await
}

/// A list in the result; empty where there is no result yet.
async fn part(
    platform: &Platform,
    owner: &Owner,
    run: &RunId,
    take: impl FnOnce(&RunResult) -> Vec<Value>,
) -> Result<Json<List<Value>>, Problem> {
    let result = measured(platform.controller.result(owner, run).await?);
    Ok(Json(List::whole(result.map_or_else(Vec::new, |result| take(&result)))))
}

/// The report on a run.
///
/// `json` is the whole result document, `markdown` tables for a comment, `csv` its series, `hgrm` the
/// distribution of its latency.
#[utoipa::path(get, path = "/runs/{id}/report", operation_id = "reportOfRun", tag = "statistics",
    params(("id" = String, Path, description = "the run"), FormatParam, DistributionQuery),
    responses(
        (status = 200, description = "the report", content(
            (ResultDocument = "application/json"),
        )),
        BadRequest, NotFound, Conflict, Internal, NotReady,
    ),
)]
async fn report(
    platform: Platform,
    User(owner): User,
    Path(id): Path<RunId>,
    accept: Accept,
    Query(query): Query<RowsQuery>,
) -> Result<Response, Problem> {
    let format = query.format(&render::of_a_report(), &accept)?;
    let result = query.distribution().shown(result(&platform, &owner, &id).await?);
    if format == html::FORMAT {
        let record = found(&platform, &owner, id.as_str()).await?;
        let page = html::with_marks(&result, &marks(&record));
        return Ok(([secure::page(html::POLICY)], render::answer(format, page)).into_response());
    }
    render::report(&result, format)
}

/// What happened while the run was measured.
fn marks(record: &RunRecord) -> Vec<html::Mark> {
    let mark = |event: &TimelineEvent| {
        Some(html::Mark { at_seconds: event.at_seconds?, text: event.text.clone() })
    };
    record.timeline.iter().filter_map(mark).collect()
}
