//! Answers calls on API tokens, with which pipelines say who they are.

use super::answers::{BadRequest, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge};
use crate::access::tokens::{self, Kept};
use crate::access::{Caller, Scope};
use crate::audit::Deed;
use crate::extract::{Body, NoQuery, whole};
use crate::problem::{FaultView, Kind, Problem};
use crate::state::{AppState, Leading, Platform};
use crate::views::List;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use loadcore::result::rfc3339;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// The days that a token is good for where nothing is said, and at most.
const DAYS: (u32, u32) = (90, 366);
/// Characters of a name.
const MAX_NAME: usize = 100;

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TokenOrder {
    /// What people will know it by, such as the pipeline's name.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is good for; both if it is not given.
    #[schema(min_items = 1)]
    scopes: Option<Vec<Scope>>,
    /// The days until its end: 1 to 366, 90 if it is not given.
    #[schema(minimum = 1, maximum = 366)]
    #[serde(default, deserialize_with = "whole")]
    expires_in_days: Option<u32>,
}

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TokenView {
    /// Its id.
    id: String,
    /// What its owner calls it.
    name: String,
    /// What it is good for.
    scopes: Vec<Scope>,
    /// When it was made.
    created_at: String,
    /// Until when it is good.
    expires_at: String,
    /// When it was used last, to the minute; null: never.
    last_used_at: Option<String>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MadeToken {
    /// What the header `Authorization: Bearer` takes. It is shown here and never again.
    token: String,
    #[serde(flatten)]
    view: TokenView,
}

impl TokenView {
    fn of(id: String, kept: Kept) -> Self {
        Self {
            id,
            name: kept.name,
            scopes: kept.scopes,
            created_at: rfc3339(kept.created_unix_ms),
            expires_at: rfc3339(kept.expires_unix_ms),
            last_used_at: kept.last_used_unix_ms.map(rfc3339),
        }
    }
}

impl TokenOrder {
    fn read(self) -> Result<(String, Vec<Scope>, Duration), Problem> {
        let mut faults = Vec::new();
        let mut fault =
            |path: &str, message: String| faults.push(FaultView { path: path.into(), message });
        let length = self.name.chars().count();
        if !(1..=MAX_NAME).contains(&length) || self.name.chars().any(char::is_control) {
            let message =
                format!("has {length} characters; give 1 to {MAX_NAME} that can be shown");
            fault("name", message);
        }
        let mut scopes = self.scopes.unwrap_or_else(|| vec![Scope::Read, Scope::Run]);
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            fault("scopes", "is empty; give read, run or both".into());
        }
        let (usual, most) = DAYS;
        let days = self.expires_in_days.unwrap_or(usual);
        if !(1..=most).contains(&days) {
            fault("expiresInDays", format!("is {days}; give 1 to {most}"));
        }
        if !faults.is_empty() {
            return Err(Problem::faulty(Kind::InvalidBody, faults));
        }
        Ok((self.name, scopes, Duration::from_secs(u64::from(days) * 24 * 3_600)))
    }
}

/// Lists your API tokens, newest first, without their texts.
#[utoipa::path(get, path = "/tokens", operation_id = "listTokens", tag = "access", responses(
    (status = 200, body = List<TokenView>, description = "all of them"),
    BadRequest, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<List<TokenView>>, Problem> {
    let tokens = tokens::list(&platform, &caller.owner).await?;
    Ok(Json(List::whole(tokens.into_iter().map(|(id, kept)| TokenView::of(id, kept)).collect())))
}

/// Makes an API token, for a pipeline: what it does is done in your name.
#[utoipa::path(post, path = "/tokens", operation_id = "createToken", tag = "access",
    request_body = TokenOrder,
    responses(
        (status = 201, body = MadeToken, description = "it is made: its text is shown this once"),
        BadRequest, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn create(
    Leading(platform): Leading,
    caller: Caller,
    deed: Deed,
    _: NoQuery,
    Body(order): Body<TokenOrder>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let (name, scopes, good_for) = order.read()?;
    let (id, kept, token) = tokens::make(&platform, &caller.owner, &name, scopes, good_for).await?;
    deed.says("token", id.clone());
    Ok((StatusCode::CREATED, Json(MadeToken { token, view: TokenView::of(id, kept) })))
}

/// Revokes an API token: it is good for nothing from now on.
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "revokeToken", tag = "access",
    params(("id" = String, Path, description = "the token")),
    responses(
        (status = 204, description = "it is revoked"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn revoke(
    Leading(platform): Leading,
    caller: Caller,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    if !tokens::revoke(&platform, &caller.owner, &id).await? {
        return Err(Problem::not_found("token", &id));
    }
    Ok(StatusCode::NO_CONTENT)
}
