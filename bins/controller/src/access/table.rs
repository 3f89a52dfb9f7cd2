//! Lists who may do what: each route with the right that it needs. What has no row does not answer.

use axum::http::Method;

/// What a caller has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Nothing: it holds nothing of anybody.
    Open,
    /// To know how the controller is: open to this machine, else with any token.
    Probe,
    /// To see what is their own, or everybody's.
    Read,
    /// To make, start, steer and delete what is their own.
    Run,
    /// To change what others may do in their name: signed in, and not with an API token.
    Account,
    /// To rule over all.
    Admin,
}

/// Where the dashboard has its pages. They hold nothing of anybody: what they show they ask the API for.
pub const PAGES: &[&str] = &[
    "/",
    "/runs",
    "/runs/{id}",
    "/runs/{id}/result",
    "/scenarios",
    "/scenarios/{id}",
    "/scenarios/{id}/edit",
    "/compare",
    "/workers",
    "/capacity",
    "/capacity/{id}",
    "/settings",
    "/settings/{part}",
    "/sign-in",
    "/gallery",
];

/// Method, route, right: of all but the pages.
pub const ROWS: &[(&str, &str, Right)] = &[
    ("GET", "/assets/{file}", Right::Open),
    ("GET", "/favicon.svg", Right::Open),
    ("GET", "/openapi.json", Right::Open),
    ("GET", "/actuator/health", Right::Probe),
    ("GET", "/actuator/health/liveness", Right::Probe),
    ("GET", "/actuator/health/readiness", Right::Probe),
    ("GET", "/actuator/info", Right::Probe),
    ("GET", "/actuator/prometheus", Right::Probe),
    ("GET", "/metrics", Right::Probe),
    ("GET", "/api/v1/about", Right::Open),
    ("GET", "/api/v1/me", Right::Read),
    ("GET", "/api/v1/scenarios", Right::Read),
    ("POST", "/api/v1/scenarios", Right::Run),
    ("POST", "/api/v1/scenarios/validate", Right::Read),
    ("GET", "/api/v1/scenarios/{id}", Right::Read),
    ("PUT", "/api/v1/scenarios/{id}", Right::Run),
    ("DELETE", "/api/v1/scenarios/{id}", Right::Run),
    ("POST", "/api/v1/scenarios/{id}/runs", Right::Run),
    ("PUT", "/api/v1/scenarios/{id}/baseline", Right::Run),
    ("GET", "/api/v1/scenarios/{id}/stats/realtime", Right::Read),
    ("GET", "/api/v1/scenarios/{id}/stream", Right::Read),
    ("GET", "/api/v1/runs", Right::Read),
    ("GET", "/api/v1/runs/{id}", Right::Read),
    ("DELETE", "/api/v1/runs/{id}", Right::Run),
    ("POST", "/api/v1/runs/{id}/stop", Right::Run),
    ("POST", "/api/v1/runs/{id}/pause", Right::Run),
    ("POST", "/api/v1/runs/{id}/resume", Right::Run),
    ("PATCH", "/api/v1/runs/{id}/rate", Right::Run),
    ("GET", "/api/v1/runs/{id}/stats/realtime", Right::Read),
    ("GET", "/api/v1/runs/{id}/stats/total", Right::Read),
    ("GET", "/api/v1/runs/{id}/stats/series", Right::Read),
    ("GET", "/api/v1/runs/{id}/stats/histogram", Right::Read),
    ("GET", "/api/v1/runs/{id}/timeline", Right::Read),
    ("GET", "/api/v1/runs/{id}/sla", Right::Read),
    ("GET", "/api/v1/runs/{id}/bottlenecks", Right::Read),
    ("GET", "/api/v1/runs/{id}/report", Right::Read),
    ("GET", "/api/v1/runs/{id}/stream", Right::Read),
    ("GET", "/api/v1/comparisons", Right::Read),
    ("GET", "/api/v1/capacity-searches", Right::Read),
    ("POST", "/api/v1/capacity-searches", Right::Run),
    ("GET", "/api/v1/capacity-searches/{id}", Right::Read),
    ("GET", "/api/v1/workers", Right::Read),
    ("GET", "/api/v1/workers/{id}", Right::Read),
    // Workers are everybody's.
    ("POST", "/api/v1/workers/{id}/drain", Right::Admin),
    ("GET", "/api/v1/domains", Right::Read),
    ("PUT", "/api/v1/domains/{domain}", Right::Account),
    ("DELETE", "/api/v1/domains/{domain}", Right::Account),
    ("POST", "/api/v1/domains/{domain}/verify", Right::Account),
    ("GET", "/api/v1/quotas", Right::Read),
    ("GET", "/api/v1/quotas/{user}", Right::Admin),
    ("PUT", "/api/v1/quotas/{user}", Right::Admin),
    ("DELETE", "/api/v1/quotas/{user}", Right::Admin),
    // One's own lines, and for admins all.
    ("GET", "/api/v1/audit", Right::Read),
    ("GET", "/api/v1/halt", Right::Read),
    ("POST", "/api/v1/halt", Right::Admin),
    ("DELETE", "/api/v1/halt", Right::Admin),
    ("GET", "/api/v1/tokens", Right::Account),
    ("POST", "/api/v1/tokens", Right::Account),
    ("DELETE", "/api/v1/tokens/{id}", Right::Account),
    ("GET", "/api/v1/secrets", Right::Account),
    ("PUT", "/api/v1/secrets/{name}", Right::Account),
    ("DELETE", "/api/v1/secrets/{name}", Right::Account),
];

/// All rows, with those of the pages.
pub fn rows() -> impl Iterator<Item = (&'static str, &'static str, Right)> {
    let pages = PAGES.iter().map(|path| ("GET", *path, Right::Open));
    pages.chain(ROWS.iter().copied())
}

/// The right that a call needs, or the methods that the route has.
///
/// # Errors
/// When it has no row.
pub fn right(method: &Method, path: &str) -> Result<Right, Vec<&'static str>> {
    // Whoever may read a thing may ask whether it is there.
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let of_path = || rows().filter(|(_, route, _)| *route == path);
    match of_path().find(|(known, ..)| *known == method) {
        Some((.., right)) => Ok(right),
        None => Err(of_path()
            .flat_map(|(known, ..)| if known == "GET" { vec!["GET", "HEAD"] } else { vec![known] })
            .collect()),
    }
}
