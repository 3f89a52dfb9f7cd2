//! Describes in OpenAPI what holds for every call. Layers and extractors see to it, so no handler
//! mentions it.

use super::API;
use super::answers::{
    Forbidden, HeadersTooLarge, NotAcceptable, SlowRequest, TimedOut, TooFast, Unauthorized,
    UnsupportedType, UriTooLong,
};
use super::formats;
use crate::access::USER_HEADER;
use crate::access::table::{self, Right};
use axum::http::Method;
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, Required, Response};
use utoipa::{IntoParams, IntoResponses};

/// Completes every call's description.
pub(super) fn describe(page: &mut OpenApi) {
    let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).description(Some(
        "with authentication: a JWT of the sign-in, or a token of `POST /tokens`. A WebSocket can offer it \
         as the subprotocol `bearer.TOKEN` beside `loadcore`",
    ));
    let schemes = &mut page.components.get_or_insert_default().security_schemes;
    schemes.insert(BEARER.into(), SecurityScheme::Http(bearer.build()).into());
    for (path, item) in &mut page.paths.paths {
        for (method, operation) in operations(item) {
            for answers in EVERYWHERE {
                for (status, answer) in answers() {
                    // What the call says of its own is closer.
                    operation.responses.responses.entry(status).or_insert(answer);
                }
            }
            if method != "delete" && path.starts_with(API) {
                operation.responses.responses.extend(NotAcceptable::responses());
            }
            // Who may be given a body says when it is too large.
            if operation.responses.responses.contains_key("413") {
                operation.responses.responses.extend(UnsupportedType::responses());
            }
            formats::describe(operation);
            // What is open to everybody does not look at who asks.
            if path.starts_with(API) && !is_open(method, path) {
                operation.parameters.get_or_insert_default().push(user().into());
                // Where nobody is authenticated it needs none.
                let either =
                    vec![SecurityRequirement::new(BEARER, NONE), SecurityRequirement::default()];
                operation.security = Some(either);
            }
        }
    }
}

fn is_open(method: &str, path: &str) -> bool {
    let method = method.to_uppercase().parse().unwrap_or(Method::GET);
    table::right(&method, path) == Ok(Right::Open)
}

/// What the token is called in the description.
const BEARER: &str = "token";
const NONE: [&str; 0] = [];

type Answers = fn() -> BTreeMap<String, RefOr<Response>>;

/// What any call may be answered.
const EVERYWHERE: [Answers; 7] = [
    Unauthorized::responses,
    TooFast::responses,
    Forbidden::responses,
    SlowRequest::responses,
    UriTooLong::responses,
    HeadersTooLarge::responses,
    TimedOut::responses,
];

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)];
    all.into_iter().filter_map(|(method, it)| it.as_mut().map(|it| (method, it)))
}

/// The headers of a change, for its description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes alone")]
pub(super) struct IfMatch {
    /// The tags (`ETag`) of the revisions that may be changed, or `*`; 412 where it has another.
    #[param(rename = "If-Match", value_type = String, required = false, pattern = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#)]
    if_match: Option<String>,
}

/// The header of a call that makes something, for its description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes alone")]
pub(super) struct IdempotencyKey {
    /// The caller's word for this call: made again under it within a day, by the same user and with
    /// the same body, it makes nothing more and is answered the same.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    idempotency_key: Option<String>,
}

fn user() -> Parameter {
    let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
    ParameterBuilder::new()
        .name(USER_HEADER)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "the user, where nobody is authenticated: 1 to 128 visible ASCII characters; `local` if it is not given. With authentication it says nothing",
        ))
        .schema(Some(name.max_length(Some(128)).pattern(Some("^[!-~]+$")).build()))
        .build()
}
