//! Tests what everybody is told of a controller, and what callers are told of themselves.

use crate::sign_in::{access, of_admin, of_user};
use crate::support::Api;
use serde_json::{Value, json};

const ABOUT: &str = "/api/v1/about";
const ME: &str = "/api/v1/me";

#[tokio::test]
async fn where_nobody_signs_in_everybody_may_do_everything() {
    let api = Api::new().await;
    let about = api.get(ABOUT).await.json();
    assert_eq!(about, json!({"version": env!("CARGO_PKG_VERSION"), "signIn": null, "demo": false}));
    let me = |user: &str| json!({"user": user, "admin": true, "account": true, "run": true});
    assert_eq!(api.get(ME).await.json(), me("local"));
    assert_eq!(api.as_user("ann").get(ME).await.json(), me("ann"));
    api.get("/api/v1/about?a=1").await.problem(400, "bad-request");
    api.get("/api/v1/me?a=1").await.problem(400, "bad-request");
}

#[tokio::test]
async fn what_runs_here_is_told_while_the_platform_is_not_there() {
    assert_eq!(Api::waiting("for Redis").get(ABOUT).await.status, 200);
}

#[tokio::test]
async fn callers_are_told_what_they_may_do() {
    let api = Api::guarded(access()).await;
    assert_eq!(api.get(ABOUT).await.status, 200);
    api.get(ME).await.problem(401, "unauthorized");
    let ann = api.with_token(&of_user("ann"));
    let me = |admin: bool, account: bool, run: bool| json!({"user": "ann", "admin": admin, "account": account, "run": run});
    assert_eq!(ann.get(ME).await.json(), me(false, true, true));
    assert_eq!(api.with_token(&of_admin("ann")).get(ME).await.json(), me(true, true, true));
    let with_scopes = async |scopes: Value| {
        let made = ann.post("/api/v1/tokens", &json!({"name": "ci", "scopes": scopes})).await;
        let token = made.json()["token"].as_str().expect("a token").to_owned();
        api.with_token(&token).get(ME).await
    };
    assert_eq!(with_scopes(json!(["read"])).await.json(), me(false, false, false));
    assert_eq!(with_scopes(json!(["read", "run"])).await.json(), me(false, false, true));
    with_scopes(json!(["run"])).await.problem(403, "forbidden");
}
