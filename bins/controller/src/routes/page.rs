//! Answers a person who opens the controller in a browser.

use crate::secure;
use axum::response::{Html, IntoResponse};

/// A page that says what runs here and where its description is.
pub(super) async fn page() -> impl IntoResponse {
    let page = PAGE.replace("VERSION", env!("CARGO_PKG_VERSION")).replace("STYLE", STYLE);
    ([secure::page(POLICY)], Html(page))
}

/// What the page may do: look as it does. The hash is that of [`STYLE`].
const POLICY: &str = "default-src 'none'; \
     style-src 'sha256-g1SwNcBnciDzPlSDGvqZy/DBBrbM18o8w/GvhKtyrvM='; \
     base-uri 'none'; form-action 'none'";

const STYLE: &str = "body { font: 1rem/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem }";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>loadcore</title>
<style>STYLE</style>
<h1>loadcore</h1>
<p>A controller of a load-testing platform, version VERSION.</p>
<ul>
<li><a href="/openapi.json">/openapi.json</a>: the description of its API, <code>docs/api.md</code> in the source explains it</li>
<li><a href="/api/v1/scenarios">/api/v1/scenarios</a>, <a href="/api/v1/runs">/api/v1/runs</a>, <a href="/api/v1/workers">/api/v1/workers</a></li>
<li><a href="/actuator/health">/actuator/health</a>, <a href="/metrics">/metrics</a></li>
</ul>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    #[test]
    fn the_policy_allows_this_style() {
        let source =
            format!("style-src 'sha256-{}'", BASE64.encode(digest(&SHA256, STYLE.as_bytes())));
        assert!(POLICY.contains(&source), "the style has changed: write {source} into POLICY");
    }
}
