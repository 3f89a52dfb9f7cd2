//! Tests that the table of rights is whole, and that nobody sees or changes what is another's: every
//! call of the description, for two users, an admin, and nobody.

use crate::sign_in::{access, of_admin, of_user};
use crate::support::{Answer, Api, scenario};
use axum::http::Method;
use loadcore::cluster::store::{NoteKind, Page, RunState};
use loadcore_controller::access::table::{PAGES, ROWS, Right, rows};
use loadcore_controller::routes::description;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A domain that Ann has claimed.
const DOMAIN: &str = "anns-own-word.invalid";
/// What stands in Ann's things alone.
const MARK: &str = "anns-own-word";
/// The name of Ann's secret.
const SECRET: &str = "ANNS_SECRET";

/// Method and path of each call that is described.
fn described() -> BTreeSet<(String, String)> {
    let page = serde_json::to_value(description()).expect("JSON");
    let paths = page["paths"].as_object().expect("paths");
    let calls = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    calls.collect()
}

#[test]
fn every_call_has_a_row_and_every_row_a_call() {
    let rows: Vec<_> = rows().map(|(method, path, _)| (method, path)).collect();
    let listed: BTreeSet<_> =
        rows.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(listed.len(), rows.len(), "a call has one row");
    let mut served = described();
    // Those that are no calls of the API.
    let others = PAGES.iter().chain(&["/assets/{file}", "/favicon.svg", "/openapi.json"]);
    served.extend(others.map(|path| ("GET".to_owned(), (*path).to_owned())));
    assert_eq!(listed, served);
}

/// What Ann has: her things by the beginning of their paths.
struct Things {
    scenario: String,
    run: String,
    token: String,
}

impl Things {
    async fn of(ann: &Api, owner: &str) -> Self {
        let tags = json!({"tags": [MARK], "name": MARK});
        let scenario = ann.kept(tags).await;
        let run = ann.left(owner, &scenario, RunState::Completed).await.id.to_string();
        let claimed = ann.call(Method::PUT, &format!("/api/v1/domains/{DOMAIN}"), None).await;
        assert_eq!(claimed.status, 200, "{}", claimed.text);
        let made = ann.post("/api/v1/tokens", &json!({"name": MARK})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let token = made.json()["id"].as_str().expect("an id").to_owned();
        let kept = ann.put(&format!("/api/v1/secrets/{SECRET}"), &json!({"value": MARK})).await;
        assert_eq!(kept.status, 201, "{}", kept.text);
        Self { scenario, run, token }
    }

    /// A path with the id that it asks for.
    fn fill(&self, path: &str) -> String {
        let id = match path {
            path if path.contains("/runs/{id}") || path.contains("/capacity-searches/") => {
                &self.run
            }
            path if path.contains("/tokens/") => &self.token,
            _ => &self.scenario,
        };
        let path = path.replace("{id}", id).replace("{name}", SECRET);
        let path = path.replace("{user}", "ann").replace("{domain}", DOMAIN);
        match path.as_str() {
            "/api/v1/comparisons" => format!("{path}?base={id}&candidate={id}", id = self.run),
            _ => path,
        }
    }

    /// A body with which the call would be made.
    fn body(&self, method: &str, path: &str) -> Option<Value> {
        match (method, path) {
            ("POST", "/api/v1/scenarios" | "/api/v1/scenarios/validate")
            | ("PUT", "/api/v1/scenarios/{id}") => Some(scenario(json!({"name": "other"}))),
            ("PUT", "/api/v1/scenarios/{id}/baseline") => Some(json!({"runId": self.run})),
            ("PATCH", "/api/v1/runs/{id}/rate") => Some(json!({"targetRps": 1, "overSeconds": 1})),
            ("PUT", "/api/v1/secrets/{name}") => Some(json!({"value": "other"})),
            ("POST", "/api/v1/tokens") => Some(json!({"name": "other"})),
            ("PUT", "/api/v1/quotas/{user}") => Some(json!({"maxRate": 1})),
            ("POST", "/api/v1/halt") => Some(json!({"reason": "for a test"})),
            ("POST", "/api/v1/capacity-searches") => Some(json!({
                "scenarioId": self.scenario, "slo": "p99<1s", "maxRate": 10.0,
            })),
            _ => None,
        }
    }

    fn are_in(&self, answer: &Answer) -> bool {
        [MARK, SECRET, &self.scenario, &self.run, &self.token]
            .iter()
            .any(|own| answer.text.contains(*own))
    }
}

async fn asked(api: &Api, things: &Things, method: &str, path: &str) -> Answer {
    let body = things.body(method, path);
    api.call(method.parse::<Method>().expect("a method"), &things.fill(path), body.as_ref()).await
}

/// All that Ann has, as she sees it and as it is kept.
async fn state(ann: &Api, things: &Things) -> Vec<String> {
    let mut seen = Vec::new();
    for path in [
        "/api/v1/scenarios/{id}",
        "/api/v1/runs/{id}",
        "/api/v1/runs",
        "/api/v1/tokens",
        "/api/v1/secrets",
        "/api/v1/domains",
    ] {
        let answer = asked(ann, things, "GET", path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        seen.push(answer.text);
    }
    let page = Page { after: None, most: 100 };
    let runs = ann.store.runs(&"ann".into(), None, &page).await.expect("runs");
    seen.push(serde_json::to_string(&runs).expect("JSON"));
    let secret = ann.store.note(NoteKind::Secret, &"ann".into(), SECRET).await.expect("a note");
    seen.push(serde_json::to_string(&secret).expect("JSON"));
    seen
}

#[tokio::test]
async fn nobody_sees_or_changes_what_is_anothers() {
    let api = Api::guarded(access()).await;
    let ann = api.with_token(&of_user("ann"));
    let (bob, admin) = (api.with_token(&of_user("bob")), api.with_token(&of_admin("root")));
    let things = Things::of(&ann, "ann").await;
    let before = state(&ann, &things).await;
    let mut refused = 0;
    for (method, path) in described().iter().filter(|(_, path)| path.starts_with("/api/")) {
        for (who, other) in [("bob", &bob), ("the admin", &admin)] {
            // Of what is everybody's an admin sees and changes all: the log, quotas, the halt.
            let is_of_all =
                ["/audit", "/quotas/{user}", "/halt"].iter().any(|it| path.ends_with(it));
            if is_of_all && who == "the admin" {
                continue;
            }
            let answer = asked(other, &things, method, path).await;
            // What was not found is named as it was asked for.
            let told = answer.text.replace(&things.fill(path), "").replace(&things.scenario, "");
            let told = told.replace(DOMAIN, "");
            // Their own log says what they have asked for.
            let told = if path.ends_with("/audit") { told.replace(SECRET, "") } else { told };
            let told =
                Answer { text: told.replace(&things.run, "").replace(&things.token, ""), ..answer };
            assert!(!told.text.contains(MARK), "{who}: {method} {path}: {}", told.text);
            assert!(told.status < 500, "{who}: {method} {path}: {}", told.text);
            // Whoever claims it has a claim of their own.
            if (method.as_str(), path.as_str()) == ("PUT", "/api/v1/domains/{domain}") {
                continue;
            }
            let names_one = path.contains("{id}") || path.ends_with("/comparisons");
            let names_one = names_one || path.contains("{domain}");
            let names_one = names_one || (path.ends_with("/capacity-searches") && method == "POST");
            let keeps_own = (method.as_str(), path.as_str()) == ("PUT", "/api/v1/secrets/{name}");
            if keeps_own {
                // A secret of theirs, under the same name.
                assert!([201, 204].contains(&told.status), "{who}: {}", told.text);
            } else if path.ends_with("/secrets/{name}") {
                assert!([204, 404].contains(&told.status), "{who}: {}", told.text);
            } else if names_one {
                refused += 1;
                let expected: &[u16] = if path.ends_with("/drain") { &[403, 404] } else { &[404] };
                assert!(expected.contains(&told.status), "{who}: {method} {path}: {}", told.text);
            } else if path.contains("{user}") {
                assert_eq!(told.status, 403, "{who}: {method} {path}: {}", told.text);
            } else if method == "GET" {
                assert_eq!(told.status, 200, "{who}: {method} {path}: {}", told.text);
                assert!(!things.are_in(&told), "{who}: {method} {path}: {}", told.text);
            }
        }
        let is_open = ROWS.contains(&(method.as_str(), path.as_str(), Right::Open));
        let answer = asked(&api, &things, method, path).await;
        if is_open {
            assert_eq!(answer.status, 200, "nobody: {method} {path}: {}", answer.text);
            continue;
        }
        let problem = answer.problem(401, "unauthorized");
        assert!(!problem["detail"].to_string().contains(MARK), "nobody: {method} {path}");
    }
    assert!(refused > 40, "{refused}");
    assert_eq!(state(&ann, &things).await, before, "all of it is as it was");
}

#[tokio::test]
async fn what_is_for_admins_is_for_admins_alone() {
    let api = Api::guarded(access()).await;
    let ann = api.with_token(&of_user("ann"));
    let admin = api.with_token(&of_admin("root"));
    let things = Things::of(&ann, "ann").await;
    let rows = ROWS.iter().filter(|(.., right)| *right == Right::Admin);
    let mut count = 0;
    for (method, path, _) in rows {
        count += 1;
        asked(&ann, &things, method, path).await.problem(403, "forbidden");
        let answer = asked(&admin, &things, method, path).await;
        assert_ne!(answer.status, 403, "{method} {path}: {}", answer.text);
    }
    assert!(count > 0);
}

#[tokio::test]
async fn what_no_row_lists_is_not_answered() {
    let api = Api::guarded(access()).await.with_token(&of_admin("root"));
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE"] {
        let answer = api.call(method.parse().unwrap(), "/api/v1/runs", None).await;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), "GET,HEAD", "{method}");
    }
    api.get("/api/v1/nothing").await.problem(404, "no-route");
    let head = api.call(Method::HEAD, "/api/v1/runs", None).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}
