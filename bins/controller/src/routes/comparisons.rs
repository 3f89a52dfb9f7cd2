//! Answers what runs are compared with, and what two of them come to.

use super::answers::{
    BadRequest, ConditionFailed, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge,
};
use super::common::IfMatch;
use super::scenarios::{refused, tagged};
use crate::conditions::Conditions;
use crate::extract::{Body, NoQuery, Query, User};
use crate::problem::{Kind, Problem};
use crate::schemas::ComparisonDocument;
use crate::state::{AppState, Leading, Platform};
use crate::views::ScenarioView;
use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use loadcore::analysis::compare::{Comparison, NoTolerance, Tolerance};
use loadcore::cluster::RunId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(baseline)).routes(routes!(compare))
}

/// The word for a scenario's baseline in the place of a run.
const BASELINE: &str = "baseline";

/// The good run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Baseline {
    /// A run of the scenario that has ended; null: no run any more.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    run_id: Option<String>,
}

/// Names the good run of a scenario, which others are compared with. As long as it is one it is kept.
#[utoipa::path(put, path = "/scenarios/{id}/baseline", operation_id = "setBaseline", tag = "scenarios",
    params(("id" = String, Path, description = "the scenario"), IfMatch),
    request_body = Baseline,
    responses(
        (status = 200, body = ScenarioView, description = "the scenario as it is now",
            headers(("ETag" = String, description = "its revision"))),
        BadRequest, NotFound, Conflict, ConditionFailed, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn baseline(
    Leading(platform): Leading,
    User(owner): User,
    Path(id): Path<String>,
    _: NoQuery,
    conditions: Conditions,
    Body(body): Body<Baseline>,
) -> Result<Response, Problem> {
    let read = platform.controller.scenario(&owner, &id.into()).await?;
    conditions.check(read.revision)?;
    let run = body.run_id.map(RunId::from);
    let changed = platform.controller.set_baseline(read, run.as_ref()).await;
    tagged(&platform, &changed.map_err(|error| refused(error, &conditions))?).await
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Sides {
    /// The run to compare with; `baseline`: the one that is named of the candidate's scenario.
    base: String,
    /// The run that is judged.
    candidate: String,
    /// How much worse a figure may become before that is a regression, in percent: 0 to 10,000, 5 if it is
    /// not given.
    #[param(pattern = r"^[0-9]{1,4}(\.[0-9]{1,6})?%?$")]
    tolerance: Option<String>,
}

/// What became different between two runs, how sure that is, and whether it is a regression.
#[utoipa::path(get, path = "/comparisons", operation_id = "compareRuns", tag = "statistics", params(Sides),
    responses(
        (status = 200, body = ComparisonDocument, description = "the comparison"),
        BadRequest, NotFound, Conflict, Internal, NotReady,
    ),
)]
async fn compare(
    platform: Platform,
    User(owner): User,
    Query(sides): Query<Sides>,
) -> Result<Json<Comparison>, Problem> {
    let tolerance: Tolerance = match sides.tolerance.as_deref().map(str::parse) {
        None => Tolerance::default(),
        Some(read) => {
            read.map_err(|error: NoTolerance| Problem::new(Kind::BadRequest, error.to_string()))?
        }
    };
    let base = (sides.base != BASELINE).then(|| RunId::from(sides.base));
    let candidate = RunId::from(sides.candidate);
    let found = platform.controller.comparison(&owner, base.as_ref(), &candidate, tolerance);
    Ok(Json(found.await?))
}
