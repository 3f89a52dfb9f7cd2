//! Answers calls on secrets, which scenarios name as `${secret:NAME}`: values go in, and never out.

use super::answers::{BadRequest, Conflict, Internal, Invalid, NotFound, NotReady, TooLarge};
use crate::access::Caller;
use crate::extract::{Body, NoQuery};
use crate::problem::{FaultView, Kind, Problem};
use crate::state::{AppState, Leading, Platform};
use crate::views::List;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use loadcore::cluster::controller::{KnownSecret, MAX_SECRET_BYTES};
use loadcore::result::rfc3339;
use loadcore::scenario::is_secret_name;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(keep, delete))
}

/// A secret's value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SecretOrder {
    /// A text of 1 to 65536 bytes. No call shows it again.
    #[schema(value_type = String, min_length = 1, max_length = 65536)]
    value: Value,
}

/// A secret, without its value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SecretView {
    /// Scenarios name it `${secret:NAME}`.
    name: String,
    /// When it was kept first.
    created_at: String,
    /// When it was given its value.
    changed_at: String,
}

impl From<KnownSecret> for SecretView {
    fn from(known: KnownSecret) -> Self {
        Self {
            name: known.name,
            created_at: rfc3339(known.created_unix_ms),
            changed_at: rfc3339(known.changed_unix_ms),
        }
    }
}

/// Lists your secrets in the order of their names, without their values.
#[utoipa::path(get, path = "/secrets", operation_id = "listSecrets", tag = "access", responses(
    (status = 200, body = List<SecretView>, description = "all of them"),
    BadRequest, Conflict, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<List<SecretView>>, Problem> {
    let known = platform.controller.known_secrets(&caller.owner).await?;
    Ok(Json(List::whole(known.into_iter().map(SecretView::from).collect())))
}

/// Keeps a secret, or gives it another value: runs that go on keep the one that they have.
#[utoipa::path(put, path = "/secrets/{name}", operation_id = "keepSecret", tag = "access",
    params(("name" = String, Path, description = "a letter or _, then up to 63 letters, digits or _", pattern = "^[A-Za-z_][A-Za-z0-9_]{0,63}$")),
    request_body = SecretOrder,
    responses(
        (status = 201, description = "it is kept"),
        (status = 204, description = "it has the new value"),
        BadRequest, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn keep(
    Leading(platform): Leading,
    caller: Caller,
    Path(name): Path<String>,
    _: NoQuery,
    Body(order): Body<SecretOrder>,
) -> Result<StatusCode, Problem> {
    let value = order.read(&name)?;
    let is_new = platform.controller.keep_secret(&caller.owner, &name, &value).await?;
    Ok(if is_new { StatusCode::CREATED } else { StatusCode::NO_CONTENT })
}

/// Deletes a secret. Runs that go on have its value; scenarios that name it cannot be started any more.
#[utoipa::path(delete, path = "/secrets/{name}", operation_id = "deleteSecret", tag = "access",
    params(("name" = String, Path, description = "the secret")),
    responses(
        (status = 204, description = "it is deleted"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn delete(
    Leading(platform): Leading,
    caller: Caller,
    Path(name): Path<String>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    // What cannot be a name is none that is kept.
    if !is_secret_name(&name) || !platform.controller.delete_secret(&caller.owner, &name).await? {
        return Err(Problem::not_found("secret", &name));
    }
    Ok(StatusCode::NO_CONTENT)
}

impl SecretOrder {
    /// The value. What is wrong with it is told without it.
    fn read(self, name: &str) -> Result<String, Problem> {
        let mut faults = Vec::new();
        let mut fault =
            |path: &str, message: String| faults.push(FaultView { path: path.into(), message });
        if !is_secret_name(name) {
            let message =
                "is no secret's name; give a letter or _, then up to 63 letters, digits or _";
            fault("name", message.into());
        }
        let bytes = self.value.as_str().map(str::len);
        match bytes {
            Some(1..=MAX_SECRET_BYTES) => {}
            Some(bytes) => {
                fault("value", format!("has {bytes} bytes; give 1 to {MAX_SECRET_BYTES}"));
            }
            None => fault("value", "is no text; give one in quotes".into()),
        }
        match self.value {
            Value::String(value) if faults.is_empty() => Ok(value),
            _ => Err(Problem::faulty(Kind::InvalidBody, faults)),
        }
    }
}
