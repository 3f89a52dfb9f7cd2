//! Answers a person who opens the controller in a browser.

use axum::response::Html;

/// A page that says what runs here and where its description is.
pub(super) async fn page() -> Html<String> {
    Html(PAGE.replace("VERSION", env!("CARGO_PKG_VERSION")))
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>loadcore</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem }</style>
<h1>loadcore</h1>
<p>A controller of a load-testing platform, version VERSION.</p>
<ul>
<li><a href="/openapi.json">/openapi.json</a>: the description of its API, <code>docs/api.md</code> in the source explains it</li>
<li><a href="/api/v1/scenarios">/api/v1/scenarios</a>, <a href="/api/v1/runs">/api/v1/runs</a>, <a href="/api/v1/workers">/api/v1/workers</a></li>
<li><a href="/actuator/health">/actuator/health</a>, <a href="/metrics">/metrics</a></li>
</ul>
</html>
"#;
