//! Answers calls on runs: list and look for, show, delete.

use super::answers::{BadRequest, Conflict, Internal, NotFound, NotReady};
use crate::extract::{NoQuery, Paging, Query, User};
use crate::problem::{Kind, Problem};
use crate::render::DistributionQuery;
use crate::state::{AppState, Leading, Platform};
use crate::views::{List, RunView, VerdictName};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use loadcore::cluster::controller::RunFilter;
use loadcore::cluster::store::{RunRecord, RunState};
use loadcore::cluster::{Owner, ScenarioId};
use loadcore::result::Verdict;
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
    /// Only those in this state, or in one of several with commas between them.
    #[param(
        example = "RUNNING,PAUSED",
        pattern = "^(QUEUED|PREPARING|STARTING|RUNNING|PAUSED|STOPPING|COMPLETED|ABORTED|FAILED)(,(QUEUED|PREPARING|STARTING|RUNNING|PAUSED|STOPPING|COMPLETED|ABORTED|FAILED))*$"
    )]
    state: Option<String>,
    /// Only those whose scenario had this tag.
    tag: Option<String>,
    /// Only those with this verdict. Runs that go on have none yet.
    #[param(value_type = Option<VerdictName>, inline)]
    verdict: Option<String>,
    /// Only those with this text in the scenario's name or its target's URL, in capitals or not.
    #[param(max_length = 200)]
    q: Option<String>,
    /// The most items of the answer: 1 to 200, 50 if it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    #[param(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    cursor: Option<String>,
}

/// Characters of a text that is looked for.
const MAX_TEXT: usize = 200;

impl Filter {
    fn read(self) -> Result<(RunFilter, Paging), Problem> {
        let paging = Paging::of(self.limit.as_deref(), self.cursor)?;
        let states = self.state.iter().flat_map(|names| names.split(','));
        let states =
            states.map(|name| one_of("state", name.trim(), &RunState::ALL, RunState::name));
        let verdict =
            self.verdict.as_deref().map(|name| one_of("verdict", name, &VERDICTS, Verdict::name));
        if let Some(length) =
            self.q.as_ref().map(|text| text.chars().count()).filter(|it| *it > MAX_TEXT)
        {
            let detail = format!("q has {length} characters; give at most {MAX_TEXT}");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
        let filter = RunFilter {
            scenario: self.scenario_id.map(ScenarioId),
            states: states.collect::<Result<_, _>>()?,
            tag: self.tag,
            verdict: verdict.transpose()?,
            text: self.q,
            searches: false,
        };
        Ok((filter, paging))
    }
}

const VERDICTS: [Verdict; 3] = [Verdict::Valid, Verdict::Degraded, Verdict::Invalid];

/// The one of them that has this name.
fn one_of<T: Copy>(
    what: &str,
    name: &str,
    all: &[T],
    name_of: fn(T) -> &'static str,
) -> Result<T, Problem> {
    all.iter().copied().find(|one| name_of(*one) == name).ok_or_else(|| {
        let names: Vec<_> = all.iter().copied().map(name_of).collect();
        let detail = format!("{what} is {name:?}; there are {}", names.join(", "));
        Problem::new(Kind::BadRequest, detail)
    })
}

/// Lists the user's runs, newest first, without their results. At most 1,000 are looked at for a page, so
/// that it may be short, or empty, and still have a `nextCursor`.
#[utoipa::path(get, path = "/runs", operation_id = "listRuns", tag = "runs", params(Filter), responses(
    (status = 200, body = List<RunView>, description = "a page of them"),
    BadRequest, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    User(owner): User,
    Query(filter): Query<Filter>,
) -> Result<Json<List<RunView>>, Problem> {
    let (filter, paging) = filter.read()?;
    let page = platform.controller.runs(&owner, &filter, &paging.exactly()).await?;
    Ok(Json(List::of_runs(page, RunView::of)))
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
