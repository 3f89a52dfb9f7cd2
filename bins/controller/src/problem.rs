//! Turns what went wrong into RFC 9457's `application/problem+json`, the one form of every error
//! here.
//!
//! A handler answers with a [`Problem`]; [`finish`] completes it with the path that was asked for,
//! and gives the same form to what the router and its layers refuse by themselves (an unknown
//! route, a method that is not allowed, a body that is too large), so no client meets a second one.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use loadcore::cluster::controller::api::ControllerError;
use loadcore::cluster::{CoordinatorError, StoreError};
use loadcore::scenario::{Fault, ScenarioError};
use serde::Serialize;
use std::any::Any;
use std::time::Duration;
use utoipa::ToSchema;

/// The media type of a problem.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The largest body of a request that is read.
pub const MAX_BODY_BYTES: usize = 8 << 20;

/// After how many seconds a client may try again what could not be done now.
const RETRY_AFTER_SECONDS: u32 = 2;

/// Something that could not be done (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem, for programs: `urn:loadcore:problem:invalid-scenario`.
    #[serde(rename = "type")]
    #[schema(example = "urn:loadcore:problem:invalid-scenario")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The status of the answer.
    #[schema(value_type = u16)]
    pub status: u16,
    /// What happened this time, and what to do about it.
    pub detail: String,
    /// The path that was asked for.
    pub instance: Option<String>,
    /// Where the controller is that leads, if this one stands by: to be asked in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// Everything that is wrong with the document that was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultView>,
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaultView {
    /// Where: `loadProfile.bursts[2].rps`; empty for the document as a whole.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Kinds of problems: status, name and title of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was asked cannot be read.
    BadRequest,
    /// Nobody who is known asks.
    Unauthorized,
    /// Who asks may not do this.
    Forbidden,
    /// It comes from a page of another site.
    ForeignOrigin,
    /// It asks for a name that is not the controller's.
    ForeignHost,
    /// There is no such thing.
    NotFound,
    /// There is no such route.
    NoRoute,
    /// The route has other methods.
    MethodNotAllowed,
    /// The answer would be of a type that is not wanted.
    NotAcceptable,
    /// It did not come to its end in time.
    SlowRequest,
    /// The run has ended.
    HasEnded,
    /// It does not fit the state that things are in.
    Conflict,
    /// Nothing may start.
    Halted,
    /// It is more than the user may use.
    OverQuota,
    /// There are no figures yet.
    NothingMeasured,
    /// What is secret in the scenario cannot be read with this platform's key.
    OtherKey,
    /// What the change depends on is not so.
    ConditionFailed,
    /// Longer than the limit.
    TooLarge,
    /// The path and query are longer than the limit.
    UriTooLong,
    /// The body is of a type that is not read.
    UnsupportedType,
    /// It could be read, and a value in it is wrong.
    InvalidBody,
    /// The scenario is wrong.
    InvalidScenario,
    /// The key was another call's.
    KeyReused,
    /// Too many keys are remembered.
    TooManyKeys,
    /// The user has asked too often.
    TooFast,
    /// The headers are longer than the limit, or too many.
    HeadersTooLarge,
    /// A mistake of ours.
    Internal,
    /// What is kept cannot be read.
    Damaged,
    /// The platform is not there yet, or not now.
    NotReady,
    /// Another controller leads.
    StandsBy,
    /// It took too long.
    TimedOut,
    /// Anything else that a layer refused.
    Refused,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 32] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::ForeignOrigin,
        Self::ForeignHost,
        Self::NotFound,
        Self::NoRoute,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::SlowRequest,
        Self::HasEnded,
        Self::Conflict,
        Self::Halted,
        Self::OverQuota,
        Self::NothingMeasured,
        Self::OtherKey,
        Self::ConditionFailed,
        Self::TooLarge,
        Self::UriTooLong,
        Self::UnsupportedType,
        Self::InvalidBody,
        Self::InvalidScenario,
        Self::KeyReused,
        Self::TooManyKeys,
        Self::TooFast,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Damaged,
        Self::NotReady,
        Self::StandsBy,
        Self::TimedOut,
        Self::Refused,
    ];

    /// Status, the last part of the type, and the title.
    #[must_use]
    pub fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::BadRequest => (400, "bad-request", "The request cannot be read"),
            Self::Refused => (400, "refused", "The request was refused"),
            Self::Unauthorized => (401, "unauthorized", "Nobody who is known asks"),
            Self::Forbidden => (403, "forbidden", "You may not do this"),
            Self::ForeignOrigin => (403, "foreign-origin", "The request comes from another site"),
            Self::ForeignHost => (403, "foreign-host", "The request asks for another name"),
            Self::NotFound => (404, "not-found", "There is no such thing"),
            Self::NoRoute => (404, "no-route", "There is no such route"),
            Self::MethodNotAllowed => {
                (405, "method-not-allowed", "The route does not have this method")
            }
            Self::NotAcceptable => (406, "not-acceptable", "The answer would not be taken"),
            Self::SlowRequest => (408, "slow-request", "The request did not come to its end"),
            Self::HasEnded => (409, "has-ended", "The run has ended"),
            Self::Conflict => (409, "conflict", "It does not fit the present state"),
            Self::Halted => (409, "halted", "The platform is halted"),
            Self::OverQuota => (409, "over-quota", "It is more than your quota"),
            Self::NothingMeasured => (409, "nothing-measured", "Nothing was measured yet"),
            Self::OtherKey => {
                (409, "sealed-with-another-key", "The secrets were sealed with another key")
            }
            Self::ConditionFailed => {
                (412, "condition-failed", "What the change depends on is not so")
            }
            Self::TooLarge => (413, "too-large", "The body is too large"),
            Self::UriTooLong => (414, "uri-too-long", "The path and query are too long"),
            Self::UnsupportedType => {
                (415, "unsupported-type", "The body is of a type that is not read")
            }
            Self::InvalidBody => (422, "invalid-body", "The body is not valid"),
            Self::InvalidScenario => (422, "invalid-scenario", "The scenario is not valid"),
            Self::KeyReused => (422, "key-reused", "The key was given with another call"),
            Self::TooManyKeys => (429, "too-many-keys", "Too many keys are remembered"),
            Self::TooFast => (429, "too-fast", "You have asked too often"),
            Self::HeadersTooLarge => (431, "headers-too-large", "The headers are too large"),
            Self::Internal => (500, "internal", "The controller made a mistake"),
            Self::Damaged => (500, "damaged", "What is kept cannot be read"),
            Self::NotReady => (503, "not-ready", "The platform is not ready"),
            Self::StandsBy => (503, "stands-by", "Another controller leads"),
            Self::TimedOut => (504, "timed-out", "It took too long"),
        }
    }

    /// Whether the same request may succeed a little later.
    fn may_pass(self) -> bool {
        matches!(self, Self::NotReady | Self::StandsBy | Self::TimedOut | Self::TooFast)
    }
}

impl Problem {
    /// A problem of a kind, told in a sentence.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (status, name, title) = kind.row();
        Self {
            kind: format!("urn:loadcore:problem:{name}"),
            title,
            status,
            detail: detail.into(),
            instance: None,
            leader: None,
            faults: Vec::new(),
        }
    }

    /// There is no `what` (of this user) with that id.
    #[must_use]
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(Kind::NotFound, format!("there is no {what} {id}"))
    }

    /// A scenario with faults, all of them.
    #[must_use]
    pub fn faulty(kind: Kind, faults: Vec<FaultView>) -> Self {
        let detail = match &faults[..] {
            [one] if one.path.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.path, one.message),
            many => format!("there are {} faults, each listed with its path", many.len()),
        };
        Self { faults, ..Self::new(kind, detail) }
    }

    /// A user has asked too often, and may again after `wait`.
    #[must_use]
    pub fn too_fast(wait: Duration) -> Self {
        let ms = wait.as_millis();
        Self::new(Kind::TooFast, format!("you ask too often; wait {ms} ms before the next call"))
    }

    /// Something that is kept, and that nobody reads by asking again: whoever runs the platform has to
    /// know of it as well.
    #[must_use]
    pub fn damaged(what: &dyn std::fmt::Display) -> Self {
        tracing::error!("{what}");
        Self::new(Kind::Damaged, what.to_string())
    }

    /// A mistake of ours: the cause goes to the log, the client is told no inner details.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!("a request failed: {cause}");
        Self::new(Kind::Internal, "an unexpected error; the controller's log has its cause")
    }
}

impl From<&Fault> for FaultView {
    fn from(fault: &Fault) -> Self {
        Self { path: fault.path.clone(), message: fault.message.clone() }
    }
}

impl From<ScenarioError> for Problem {
    fn from(error: ScenarioError) -> Self {
        Self::faulty(Kind::InvalidScenario, error.faults.iter().map(FaultView::from).collect())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        use loadcore::cluster::store::Kind as Store;
        match &error.kind {
            Store::Unavailable(_) => Self::new(Kind::NotReady, error.to_string()),
            Store::TooLarge(why) => Self::new(Kind::TooLarge, why.clone()),
            Store::Damaged(_) => Self::damaged(&error),
            _ => Self::internal(&error),
        }
    }
}

impl From<CoordinatorError> for Problem {
    fn from(error: CoordinatorError) -> Self {
        use loadcore::cluster::coordinator::Kind as Coordinator;
        match &error.kind {
            Coordinator::Unavailable(_) => Self::new(Kind::NotReady, error.to_string()),
            Coordinator::Superseded(_) => Self::new(Kind::StandsBy, error.to_string()),
            _ => Self::internal(&error),
        }
    }
}

impl From<ControllerError> for Problem {
    fn from(error: ControllerError) -> Self {
        match error {
            ControllerError::StandsBy(ref leader) => {
                let leader = leader.clone();
                Self { leader, ..Self::new(Kind::StandsBy, error.to_string()) }
            }
            ControllerError::CannotLead(_) => Self::new(Kind::NotReady, error.to_string()),
            ControllerError::NoRun(run) => Self::not_found("run", run.as_str()),
            ControllerError::NoScenario(id) => Self::not_found("scenario", id.as_str()),
            ControllerError::Invalid(error) => error.into(),
            ControllerError::HasEnded { .. } => Self::new(Kind::HasEnded, error.to_string()),
            ControllerError::Refused(why) => Self::new(Kind::Conflict, why),
            ControllerError::ChangedMeanwhile(_)
            | ControllerError::GoesOn(_)
            | ControllerError::NotMade { .. }
            | ControllerError::Overdue { .. } => Self::new(Kind::Conflict, error.to_string()),
            ControllerError::Halted(_) => Self::new(Kind::Halted, error.to_string()),
            ControllerError::OverQuota(why) => Self::new(Kind::OverQuota, why),
            ControllerError::NoDomain(name) => Self::not_found("domain", &name),
            ControllerError::NotProved(why) => Self::new(Kind::Conflict, why),
            ControllerError::KeyReused => Self::new(Kind::KeyReused, error.to_string()),
            ControllerError::TooManyKeys(_) => Self::new(Kind::TooManyKeys, error.to_string()),
            ControllerError::Damaged { .. } => Self::damaged(&error),
            ControllerError::Store(error) => error.into(),
            ControllerError::Coordinator(error) => error.into(),
            ControllerError::Secrets(_) => Self::new(Kind::OtherKey, error.to_string()),
        }
    }
}

/// The answer without `instance`, which [`finish`] adds: it stands in the answer's extensions.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = status.into_response();
        if Kind::ALL.into_iter().any(|kind| kind.may_pass() && self.is(kind)) {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        if self.is(Kind::Unauthorized) {
            let bearer = HeaderValue::from_static("Bearer realm=\"loadcore\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl Problem {
    /// The last part of its type.
    pub(crate) fn name(&self) -> &str {
        self.kind.rsplit(':').next().unwrap_or_default()
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.name() == kind.row().1
    }
}

/// The layer that writes every error as `application/problem+json`.
pub async fn finish(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let problem = match parts.extensions.remove::<Problem>() {
        Some(problem) => problem,
        // An answer of its own making, such as that of a health check.
        None if parts.headers.get(header::CONTENT_TYPE).is_some_and(is_json) => {
            return Response::from_parts(parts, body);
        }
        None => refused_by_a_layer(status, method.as_str(), &path),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    let text = Json(Problem { instance: Some(path), ..problem }).into_response().into_body();
    Response::from_parts(parts, text)
}

fn is_json(value: &HeaderValue) -> bool {
    value.as_bytes().starts_with(b"application/json")
}

/// What the router or a layer refused, in our own words.
fn refused_by_a_layer(status: StatusCode, method: &str, path: &str) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::new(
            Kind::NoRoute,
            format!("there is nothing at {path}; /openapi.json lists what there is"),
        ),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            Kind::MethodNotAllowed,
            format!("{path} does not have {method}; the header Allow lists what it has"),
        ),
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => {
            Problem::new(Kind::TimedOut, "it was given up; try again")
        }
        status if status.is_server_error() => {
            Problem::new(Kind::Internal, "an unexpected error; the controller's log has its cause")
        }
        status => {
            let what = status.canonical_reason().unwrap_or("refused").to_lowercase();
            Problem { status: status.as_u16(), ..Problem::new(Kind::Refused, what) }
        }
    }
}

/// The body goes past [`MAX_BODY_BYTES`].
#[must_use]
pub fn too_large() -> Problem {
    let limit = MAX_BODY_BYTES >> 20;
    Problem::new(
        Kind::TooLarge,
        format!("a body may have at most {limit} MiB ({MAX_BODY_BYTES} bytes)"),
    )
}

/// A panic in a handler into an answer without its words, which go to the log.
#[must_use]
pub fn of_panic(panic: Box<dyn Any + Send>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    Problem::internal(&words).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.row().1).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!((400..600).contains(&kind.row().0));
        }
    }

    #[test]
    fn one_fault_is_told_in_the_detail_and_many_are_counted() {
        let fault = |path: &str| FaultView { path: path.into(), message: "is wrong".into() };
        let one = Problem::faulty(Kind::InvalidScenario, vec![fault("a.b")]);
        assert_eq!((one.detail.as_str(), one.status), ("a.b: is wrong", 422));
        let two = Problem::faulty(Kind::InvalidScenario, vec![fault("a"), fault("b")]);
        assert_eq!(two.detail, "there are 2 faults, each listed with its path");
    }

    #[test]
    fn what_may_pass_says_when_to_try_again() {
        let with =
            |kind| Problem::new(kind, "").into_response().headers().contains_key("retry-after");
        assert!(with(Kind::StandsBy) && with(Kind::NotReady));
        assert!(!with(Kind::NotFound));
    }
}
