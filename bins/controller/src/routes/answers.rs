//! Describes the errors of calls in OpenAPI: each is a problem.

use crate::problem::Problem;
use utoipa::IntoResponses;

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident $status:literal $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(IntoResponses)]
        #[response(status = $status, description = $text, content_type = "application/problem+json")]
        pub(super) struct $name(#[to_schema] #[expect(dead_code, reason = "describes alone")] Problem);
    )*};
}

answers! {
    /// 400.
    BadRequest 400 "the request cannot be read: a body that is no JSON, a query or header that is wrong";
    /// 401.
    Unauthorized 401 "there is no token, or one that is not accepted";
    /// 403.
    Forbidden 403 "who asks may not do this, or a page of another site asks, or a name is asked for that is not the controller's";
    /// 404.
    NotFound 404 "this user has no such thing";
    /// 406.
    NotAcceptable 406 "the answer would be of a type that Accept does not list";
    /// 408.
    SlowRequest 408 "the request did not come to its end in time";
    /// 409.
    Conflict 409 "it does not fit the present state";
    /// 412.
    ConditionFailed 412 "the scenario's revision is not one that If-Match lists";
    /// 413.
    TooLarge 413 "the body is larger than 8 MiB";
    /// 414.
    UriTooLong 414 "the path and query are too long";
    /// 415.
    UnsupportedType 415 "the body is neither JSON nor, of a scenario, YAML";
    /// 422.
    Invalid 422 "every fault of the document, with its path; or the key was another call's";
    /// 429.
    TooManyKeys 429 "too many keys of this user are remembered, or they ask too often";
    /// 429.
    TooFast 429 "this user asks too often; Retry-After says when to try again";
    /// 431.
    HeadersTooLarge 431 "the headers are too large, or too many";
    /// 500.
    Internal 500 "a mistake of the controller, or something that is kept and cannot be read";
    /// 503.
    NotReady 503 "the platform is not ready, or another controller leads; Retry-After says when to try again";
    /// 504.
    TimedOut 504 "it took longer than 30 s";
}
