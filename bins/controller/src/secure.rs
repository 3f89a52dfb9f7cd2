//! Gives every answer what a browser needs to be careful with it.
//!
//! An answer of the API is no page: nothing of it may run, load anything, be framed, be guessed to be of
//! another type, be kept, or be read by another site. A page brings a policy of its own, which allows what
//! it needs and no more. No answer lets another site in: there is no `Access-Control-Allow-...` at all.

use axum::extract::Request;
use axum::http::header::{CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// What each answer has where it has nothing else under that name.
const ALWAYS: [(&str, &str); 6] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// What a browser that came by TLS is told: to come by nothing else, for a year.
const ONLY_BY_TLS: &str = "max-age=31536000";

/// The layer that adds what belongs to every answer.
pub async fn every_answer(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Adds what belongs to every answer over TLS.
pub fn only_by_tls(headers: &mut HeaderMap) {
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONLY_BY_TLS));
}

/// The same as lines of a head, for an answer that is written by hand.
pub fn lines(tls: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    let by_tls = tls.then_some(("strict-transport-security", ONLY_BY_TLS));
    ALWAYS.into_iter().chain(by_tls)
}

/// The policy of a page, which it may not be framed whatever else it says: pages say that to nobody but
/// by a header.
#[must_use]
pub fn page(policy: &str) -> (HeaderName, HeaderValue) {
    let policy = format!("{policy}; frame-ancestors 'none'");
    let nothing = HeaderValue::from_static("default-src 'none'");
    (CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).unwrap_or(nothing))
}
