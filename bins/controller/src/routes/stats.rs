//! Answers with the statistics of a run, live and final, in the formats that their readers want.

use super::answers::{BadRequest, Conflict, Internal, NotFound, NotReady};
use super::formats::FormatParam;
use super::runs::found;
use super::scenarios::newest_run_of;
use crate::extract::{Query, User};
use crate::hlog;
use crate::media::Accept;
use crate::problem::{Kind, Problem};
use crate::render::{self, DistributionQuery, FormatQuery, RowsQuery, choose};
use crate::schemas::{HistogramsDocument, RealtimeDocument, SeriesDocument, TotalDocument};
use crate::state::{AppState, Platform};
use crate::views::measured;
use axum::extract::Path;
use axum::response::Response;
use loadcore::RunResult;
use loadcore::cluster::{Owner, RunId};
use loadcore::report::{self, Format};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(realtime_of_scenario))
        .routes(routes!(realtime))
        .routes(routes!(total))
        .routes(routes!(series))
        .routes(routes!(histogram))
}

/// The most seconds that can be asked for.
const MOST_SECONDS: u32 = 3_600;
/// Seconds where nobody asks for a number.
const SECONDS: u32 = 30;

/// Which seconds, and how they are written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
struct Window {
    /// How many seconds, up to the last that all live workers have reported: 1 to 3600, 30 if it
    /// is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 3600)]
    last_n_seconds: Option<String>,
    /// How they are written.
    format: Option<String>,
}

impl Window {
    fn seconds(&self) -> Result<u32, Problem> {
        let given = self.last_n_seconds.as_deref();
        match given.map_or(Ok(SECONDS), str::parse) {
            Ok(seconds) if (1..=MOST_SECONDS).contains(&seconds) => Ok(seconds),
            _ => {
                let given = given.unwrap_or_default();
                let detail = format!("lastNSeconds is {given}; give 1 to {MOST_SECONDS}");
                Err(Problem::new(Kind::BadRequest, detail))
            }
        }
    }
}

/// What came in the last seconds of a scenario's newest run.
#[utoipa::path(get, path = "/scenarios/{id}/stats/realtime", operation_id = "realtimeOfScenario", tag = "statistics",
    params(("id" = String, Path, description = "the scenario"), Window),
    responses(
        (status = 200, description = "the statistics", content(
            (RealtimeDocument = "application/json"),
        )),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn realtime_of_scenario(
    platform: Platform,
    User(owner): User,
    Path(id): Path<String>,
    accept: Accept,
    Query(window): Query<Window>,
) -> Result<Response, Problem> {
    let (seconds, format) =
        (window.seconds()?, choose(window.format.as_deref(), render::REALTIME, &accept)?);
    let run = newest_run_of(&platform, &owner, &id).await?.id;
    last_seconds(&platform, &owner, &run, seconds, format).await
}

/// What came in the last seconds of a run.
#[utoipa::path(get, path = "/runs/{id}/stats/realtime", operation_id = "realtimeOfRun", tag = "statistics",
    params(("id" = String, Path, description = "the run"), Window),
    responses(
        (status = 200, description = "the statistics", content(
            (RealtimeDocument = "application/json"),
        )),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn realtime(
    platform: Platform,
    User(owner): User,
    Path(id): Path<RunId>,
    accept: Accept,
    Query(window): Query<Window>,
) -> Result<Response, Problem> {
    let (seconds, format) =
        (window.seconds()?, choose(window.format.as_deref(), render::REALTIME, &accept)?);
    last_seconds(&platform, &owner, &id, seconds, format).await
}

async fn last_seconds(
    platform: &Platform,
    owner: &Owner,
    run: &RunId,
    seconds: u32,
    format: Format,
) -> Result<Response, Problem> {
    let realtime = platform.controller.realtime(owner, run, seconds).await?;
    Ok(render::table_or_json(&json!(realtime), format))
}

/// The totals of a run so far, or for good: its result without what it says of each second.
#[utoipa::path(get, path = "/runs/{id}/stats/total", operation_id = "totalOfRun", tag = "statistics",
    params(("id" = String, Path, description = "the run"), FormatParam),
    responses(
        (status = 200, description = "the totals", content(
            (TotalDocument = "application/json"),
        )),
        BadRequest, NotFound, Conflict, Internal, NotReady,
    ),
)]
async fn total(
    platform: Platform,
    User(owner): User,
    Path(id): Path<RunId>,
    accept: Accept,
    Query(query): Query<FormatQuery>,
) -> Result<Response, Problem> {
    let format = query.of(render::TOTAL, &accept)?;
    Ok(render::total(&*result(&platform, &owner, &id).await?, format))
}

/// The run over time.
///
/// `hlog` is HdrHistogram's interval log: each second's distribution.
#[utoipa::path(get, path = "/runs/{id}/stats/series", operation_id = "seriesOfRun", tag = "statistics",
    params(("id" = String, Path, description = "the run"), FormatParam, DistributionQuery),
    responses(
        (status = 200, description = "the rows", content(
            (SeriesDocument = "application/json"),
        )),
        BadRequest, NotFound, Conflict, Internal, NotReady,
    ),
)]
async fn series(
    platform: Platform,
    User(owner): User,
    Path(id): Path<RunId>,
    accept: Accept,
    Query(query): Query<RowsQuery>,
) -> Result<Response, Problem> {
    let format = query.format(render::SERIES, &accept)?;
    if format == report::hlog::FORMAT {
        return log(platform, owner, id).await;
    }
    let result = query.distribution().shown(result(&platform, &owner, &id).await?);
    Ok(render::series(&result, format))
}

/// The distributions of response time, service time and schedule lag.
///
/// `json` is HdrHistogram's encoding, `hgrm` is for its plotters, `hlog` is its interval log.
#[utoipa::path(get, path = "/runs/{id}/stats/histogram", operation_id = "histogramOfRun", tag = "statistics",
    params(("id" = String, Path, description = "the run"), FormatParam),
    responses(
        (status = 200, description = "the distributions", content(
            (HistogramsDocument = "application/json"),
        )),
        BadRequest, NotFound, Conflict, Internal, NotReady,
    ),
)]
async fn histogram(
    platform: Platform,
    User(owner): User,
    Path(id): Path<RunId>,
    accept: Accept,
    Query(query): Query<FormatQuery>,
) -> Result<Response, Problem> {
    let format = query.of(render::HISTOGRAM, &accept)?;
    if format == report::hlog::FORMAT {
        return log(platform, owner, id).await;
    }
    render::histogram(&*result(&platform, &owner, &id).await?, format)
}

async fn log(platform: Platform, owner: Owner, run: RunId) -> Result<Response, Problem> {
    let record = found(&platform, &owner, run.as_str()).await?;
    let body = hlog::body(platform.store, owner, &record).await?;
    Ok(render::answer(report::hlog::FORMAT, body))
}

/// What was measured, so far or for good.
pub(super) async fn result(
    platform: &Platform,
    owner: &Owner,
    run: &RunId,
) -> Result<Box<RunResult>, Problem> {
    measured(platform.controller.result(owner, run).await?).ok_or_else(|| {
        Problem::new(Kind::NothingMeasured, format!("nothing was measured in run {run}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_has_limits() {
        let seconds = |text: Option<&str>| {
            Window { last_n_seconds: text.map(Into::into), format: None }.seconds()
        };
        assert_eq!(seconds(None).unwrap(), 30);
        assert_eq!((seconds(Some("1")).unwrap(), seconds(Some("3600")).unwrap()), (1, 3_600));
        for wrong in ["0", "3601", "-1", "1.5", "x", ""] {
            let detail = seconds(Some(wrong)).unwrap_err().detail;
            assert_eq!(detail, format!("lastNSeconds is {wrong}; give 1 to 3600"));
        }
    }
}
