//! Answers calls by which users prove that a domain is theirs.

use super::answers::{BadRequest, Conflict, Internal, NotFound, NotReady, TooLarge};
use crate::access::Caller;
use crate::extract::{NoBody, NoQuery};
use crate::problem::Problem;
use crate::state::{AppState, Leading, Platform};
use crate::views::List;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use loadcore::cluster::controller::{CHALLENGE_LABEL, CHALLENGE_PATH, Domain};
use loadcore::result::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(claim, delete))
        .routes(routes!(verify))
}

/// A domain that was claimed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DomainView {
    /// Its name.
    domain: String,
    /// What is to be published there: as the file or as the record.
    token: String,
    /// Where the file is, over HTTPS or HTTP: the token and nothing else.
    file: String,
    /// The name of the record of DNS, a TXT.
    record: String,
    /// It counts as proved: the domain and all below it may be loaded.
    proved: bool,
    /// Until when; null where it never was.
    proved_until: Option<String>,
}

impl DomainView {
    fn of(domain: Domain) -> Self {
        let name = &domain.name;
        Self {
            file: format!("https://{name}{CHALLENGE_PATH}"),
            record: format!("{CHALLENGE_LABEL}.{name}"),
            proved: domain.is_proved(),
            proved_until: domain.proved_until_unix_ms.map(rfc3339),
            token: domain.token,
            domain: domain.name,
        }
    }
}

/// Lists the domains that you have claimed.
#[utoipa::path(get, path = "/domains", operation_id = "listDomains", tag = "access", responses(
    (status = 200, body = List<DomainView>, description = "all of them"),
    BadRequest, Internal, NotReady,
))]
async fn list(
    platform: Platform,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<List<DomainView>>, Problem> {
    let domains = platform.controller.domains(&caller.owner).await?;
    Ok(Json(List::whole(domains.into_iter().map(DomainView::of).collect())))
}

/// Claims a domain: the answer has what is to be published there. Claimed again it is the same.
#[utoipa::path(put, path = "/domains/{domain}", operation_id = "claimDomain", tag = "access",
    params(("domain" = String, Path, description = "its name, of at least two labels")),
    responses(
        (status = 200, body = DomainView, description = "it is claimed"),
        BadRequest, Conflict, TooLarge, Internal, NotReady,
    ),
)]
async fn claim(
    Leading(platform): Leading,
    caller: Caller,
    Path(domain): Path<String>,
    _: NoQuery,
    _: NoBody,
) -> Result<Json<DomainView>, Problem> {
    Ok(Json(DomainView::of(platform.controller.claim_domain(&caller.owner, &domain).await?)))
}

/// Looks for the token at the domain, and counts it as proved for 90 days if it is there.
#[utoipa::path(post, path = "/domains/{domain}/verify", operation_id = "verifyDomain", tag = "access",
    params(("domain" = String, Path, description = "one that was claimed")),
    responses(
        (status = 200, body = DomainView, description = "it is proved"),
        BadRequest, NotFound, Conflict, TooLarge, Internal, NotReady,
    ),
)]
async fn verify(
    Leading(platform): Leading,
    caller: Caller,
    Path(domain): Path<String>,
    _: NoQuery,
    _: NoBody,
) -> Result<Json<DomainView>, Problem> {
    Ok(Json(DomainView::of(platform.controller.prove_domain(&caller.owner, &domain).await?)))
}

/// Lets a domain go, with its proof.
#[utoipa::path(delete, path = "/domains/{domain}", operation_id = "deleteDomain", tag = "access",
    params(("domain" = String, Path, description = "one that was claimed")),
    responses(
        (status = 204, description = "it is gone"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn delete(
    Leading(platform): Leading,
    caller: Caller,
    Path(domain): Path<String>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    if !platform.controller.delete_domain(&caller.owner, &domain).await? {
        return Err(Problem::not_found("domain", &domain));
    }
    Ok(StatusCode::NO_CONTENT)
}
