//! The errors of calls, for their descriptions: each is a problem.

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
    /// 403.
    Forbidden 403 "a page of another site asks, or a name is asked for that is not the controller's";
    /// 404.
    NotFound 404 "this user has no such thing";
    /// 409.
    Conflict 409 "it does not fit the present state";
    /// 413.
    TooLarge 413 "the body is larger than 8 MiB";
    /// 422.
    Invalid 422 "every fault of the document, with its path";
    /// 500.
    Internal 500 "a mistake of the controller";
    /// 503.
    NotReady 503 "the platform is not ready, or another controller leads; Retry-After says when to try again";
    /// 504.
    TimedOut 504 "it took longer than 30 s";
}
