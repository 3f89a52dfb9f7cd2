//! Answers people who open the controller in a browser: the dashboard's page, and its files.

use crate::access::table::PAGES;
use crate::conditions::Conditions;
use crate::dashboard::{self, ASSETS, PAGE};
use crate::problem::{Kind, Problem};
use crate::secure;
use crate::state::AppState;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Every page is one file, and the script in it knows which one it is.
pub(super) fn routes() -> Router<AppState> {
    let files = Router::new()
        .route("/assets/{file}", get(asset))
        .route("/favicon.svg", get(|asked, given| served("favicon.svg".into(), asked, given)));
    PAGES.iter().fold(files, |router, path| router.route(path, get(page)))
}

async fn page(
    State(state): State<AppState>,
    asked: HeaderMap,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let policy = secure::page(&policy(state.about.sign_in_url()));
    Ok(([policy], found(PAGE, &asked, &conditions)?).into_response())
}

async fn asset(
    Path(name): Path<String>,
    asked: HeaderMap,
    conditions: Conditions,
) -> Result<Response, Problem> {
    served(format!("{ASSETS}{name}"), asked, conditions).await
}

async fn served(path: String, asked: HeaderMap, given: Conditions) -> Result<Response, Problem> {
    found(&path, &asked, &given)
}

fn found(path: &str, asked: &HeaderMap, conditions: &Conditions) -> Result<Response, Problem> {
    let file = dashboard::file(path).ok_or_else(|| {
        let detail = format!("the dashboard has no file {path}: load its page again");
        Problem::new(Kind::NoRoute, detail)
    })?;
    Ok(file.answer(asked, conditions))
}

/// What the page may do: run, look and ask as it does here, and where users sign in.
fn policy(sign_in_url: Option<&str>) -> String {
    let asks = sign_in_url.map(|url| format!(" {url}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'{asks}; manifest-src 'self'; base-uri 'none'; form-action 'none'"
    )
}
