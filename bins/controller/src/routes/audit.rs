//! Answers with the audit log: who changed what.

use super::answers::{BadRequest, Internal, NotReady};
use crate::access::Caller;
use crate::access::table::Right;
use crate::extract::{Paging, Query};
use crate::problem::Problem;
use crate::state::{AppState, Platform};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use loadcore::cluster::store::{NoteKind, Page};
use serde::Deserialize;
use std::fmt::Write;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// How many at most: 1 to 200, 50 if it is not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `id` of the last entry of the page before.
    #[param(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    cursor: Option<String>,
}

/// Lists what was changed and what was refused, newest first: by you, or for an admin by everybody.
///
/// Each line is a JSON object. A page with fewer lines than were asked for is the last one.
#[utoipa::path(get, path = "/audit", operation_id = "readAuditLog", tag = "access", params(Filter), responses(
    (status = 200, body = String, content_type = "application/jsonl", description = "an entry a line"),
    BadRequest, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let paging = Paging::of(filter.limit.as_deref(), filter.cursor)?;
    let owner = if caller.may(Right::Admin) { None } else { Some(&caller.owner) };
    let page = Page { after: paging.cursor.map(|id| id.to_lowercase()), most: paging.limit };
    let mut lines = String::new();
    for note in platform.store.notes(NoteKind::Audit, owner, &page).await? {
        // Writing into a text does not fail.
        let _ = writeln!(lines, "{}", note.document);
    }
    Ok(([(CONTENT_TYPE, "application/jsonl")], lines).into_response())
}
