//! Answers with what users may use, and sets it.

use super::answers::{BadRequest, Conflict, Internal, Invalid, NotReady, TooLarge};
use crate::access::{self, MAX_USER};
use crate::audit::Deed;
use crate::extract::{Body, NoQuery, User, whole};
use crate::problem::{FaultView, Kind, Problem};
use crate::state::{AppState, Leading, Platform};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use loadcore::cluster::Owner;
use loadcore::cluster::controller::{Quota, Used};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(own)).routes(routes!(read, set, delete))
}

/// Limits; what is null has none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Limits {
    /// Requests per second, of all runs together.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    max_rate: Option<f64>,
    /// Seconds of a run, with its warm-up.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    max_duration_seconds: Option<f64>,
    /// Open connections, of all runs together.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    #[serde(default, deserialize_with = "whole")]
    max_connections: Option<u64>,
    /// Runs that have not ended.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    #[serde(default, deserialize_with = "whole")]
    max_concurrent_runs: Option<u64>,
    /// Bytes of a request's body.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    #[serde(default, deserialize_with = "whole")]
    max_body_bytes: Option<u64>,
}

/// What a user's runs that have not ended use.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UsedView {
    /// Requests per second, each run at its peak.
    rate: f64,
    /// Connections that they may open.
    connections: u64,
    /// How many they are.
    concurrent_runs: u64,
}

/// What a user may use, and uses.
#[derive(Debug, Serialize, ToSchema)]
struct QuotaView {
    /// Who.
    user: String,
    /// What holds: what was set for them, and what holds for everybody where nothing was.
    limits: Limits,
    /// What was set for them; null where nothing was.
    own: Option<Limits>,
    /// What is used now.
    used: UsedView,
}

impl From<Quota> for Limits {
    fn from(quota: Quota) -> Self {
        Self {
            max_rate: quota.max_rate,
            max_duration_seconds: quota.max_duration_seconds,
            max_connections: quota.max_connections,
            max_concurrent_runs: quota.max_concurrent_runs,
            max_body_bytes: quota.max_body_bytes,
        }
    }
}

impl Limits {
    fn read(self) -> Result<Quota, Problem> {
        let whole = |count: Option<u64>| count.map(|count| count as f64);
        let numbers = [
            ("maxRate", self.max_rate),
            ("maxDurationSeconds", self.max_duration_seconds),
            ("maxConnections", whole(self.max_connections)),
            ("maxConcurrentRuns", whole(self.max_concurrent_runs)),
            ("maxBodyBytes", whole(self.max_body_bytes)),
        ];
        let wrong = numbers.into_iter().filter_map(|(path, value)| {
            let value = value.filter(|value| !(0.0..=1e12).contains(value))?;
            let message = format!("is {value}; give 0 to 10^12, or null for no limit of its own");
            Some(FaultView { path: path.into(), message })
        });
        let faults: Vec<_> = wrong.collect();
        if !faults.is_empty() {
            return Err(Problem::faulty(Kind::InvalidBody, faults));
        }
        Ok(Quota {
            max_rate: self.max_rate,
            max_duration_seconds: self.max_duration_seconds,
            max_connections: self.max_connections,
            max_concurrent_runs: self.max_concurrent_runs,
            max_body_bytes: self.max_body_bytes,
        })
    }
}

async fn shown(platform: &Platform, user: &Owner) -> Result<Json<QuotaView>, Problem> {
    let known = platform.controller.quota(user).await?;
    let Used { rate, connections, concurrent_runs } = known.used;
    Ok(Json(QuotaView {
        user: user.to_string(),
        limits: known.limits.into(),
        own: known.own.map(Limits::from),
        used: UsedView { rate, connections, concurrent_runs },
    }))
}

/// The user that a path names.
fn named(user: &str) -> Result<Owner, Problem> {
    if access::is_user(user) {
        return Ok(user.into());
    }
    let detail = format!("a user's name is 1 to {MAX_USER} visible ASCII characters");
    Err(Problem::new(Kind::BadRequest, detail))
}

/// Says what you may use, and what your runs use now.
#[utoipa::path(get, path = "/quotas", operation_id = "readOwnQuota", tag = "access", responses(
    (status = 200, body = QuotaView, description = "limits and use"),
    BadRequest, Internal, NotReady,
))]
async fn own(
    platform: Platform,
    User(owner): User,
    _: NoQuery,
) -> Result<Json<QuotaView>, Problem> {
    shown(&platform, &owner).await
}

/// Says what a user may use, and what their runs use now.
#[utoipa::path(get, path = "/quotas/{user}", operation_id = "readQuota", tag = "access",
    params(("user" = String, Path, description = "the user", pattern = "^[!-~]{1,128}$")),
    responses(
        (status = 200, body = QuotaView, description = "limits and use"),
        BadRequest, Internal, NotReady,
    ),
)]
async fn read(
    platform: Platform,
    Path(user): Path<String>,
    _: NoQuery,
) -> Result<Json<QuotaView>, Problem> {
    shown(&platform, &named(&user)?).await
}

/// Sets what a user may use: the body is all of it, and of what it does not name the platform's own limits
/// hold. Runs that go on are not touched.
#[utoipa::path(put, path = "/quotas/{user}", operation_id = "setQuota", tag = "access",
    params(("user" = String, Path, description = "the user", pattern = "^[!-~]{1,128}$")),
    request_body = Limits,
    responses(
        (status = 200, body = QuotaView, description = "as it is now"),
        BadRequest, Conflict, TooLarge, Invalid, Internal, NotReady,
    ),
)]
async fn set(
    Leading(platform): Leading,
    Path(user): Path<String>,
    deed: Deed,
    _: NoQuery,
    Body(limits): Body<Limits>,
) -> Result<Json<QuotaView>, Problem> {
    let (user, quota) = (named(&user)?, limits.read()?);
    deed.says("quota", json!(quota));
    platform.controller.set_quota(&user, quota).await?;
    shown(&platform, &user).await
}

/// Lets a user have what everybody has.
#[utoipa::path(delete, path = "/quotas/{user}", operation_id = "deleteQuota", tag = "access",
    params(("user" = String, Path, description = "the user", pattern = "^[!-~]{1,128}$")),
    responses(
        (status = 204, description = "nothing is set for this user"),
        BadRequest, Internal, NotReady,
    ),
)]
async fn delete(
    Leading(platform): Leading,
    Path(user): Path<String>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    platform.controller.delete_quota(&named(&user)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
