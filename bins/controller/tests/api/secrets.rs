//! Tests secrets: kept, named, listed without their values, deleted.

use crate::sign_in::{access, of_user};
use crate::support::{Api, scenario};
use loadcore::cluster::store::{NoteKind, Page};
use serde_json::{Value, json};

const VALUE: &str = "s3cr3t-value";

async fn names(user: &Api) -> Vec<String> {
    let listed = user.get("/api/v1/secrets").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    assert!(!listed.text.contains(VALUE), "{}", listed.text);
    let listed = listed.json();
    let items = listed["items"].as_array().expect("a list").iter();
    items.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_secret_is_kept_changed_listed_and_deleted() {
    let api = Api::guarded(access()).await.with_token(&of_user("ann"));
    assert_eq!(names(&api).await, [""; 0]);
    for (name, status) in [("TOKEN", 201), ("TOKEN", 204), ("_a9", 201)] {
        let kept = api.put(&format!("/api/v1/secrets/{name}"), &json!({"value": VALUE})).await;
        assert_eq!((kept.status, kept.text.as_str()), (status, ""), "{name}");
    }
    assert_eq!(names(&api).await, ["TOKEN", "_a9"]);
    let listed = api.get("/api/v1/secrets").await.json();
    assert!(listed["items"][0]["changedAt"].as_str() >= listed["items"][0]["createdAt"].as_str());
    // A value is not there to be read, for nobody.
    api.get("/api/v1/secrets/TOKEN").await.problem(405, "method-not-allowed");
    let page = Page { after: None, most: 10 };
    let kept = api.store.notes(NoteKind::Secret, None, &page).await.unwrap();
    assert!(!serde_json::to_string(&kept).unwrap().contains(VALUE), "{kept:?}");
    assert_eq!(api.delete("/api/v1/secrets/TOKEN").await.status, 204);
    api.delete("/api/v1/secrets/TOKEN").await.problem(404, "not-found");
    assert_eq!(names(&api).await, ["_a9"]);
}

#[tokio::test]
async fn a_token_of_a_pipeline_neither_lists_nor_changes_them() {
    let api = Api::guarded(access()).await;
    let ann = api.with_token(&of_user("ann"));
    ann.put("/api/v1/secrets/TOKEN", &json!({"value": VALUE})).await;
    let made = ann.post("/api/v1/tokens", &json!({"name": "deploy"})).await.json();
    let pipeline = api.with_token(made["token"].as_str().unwrap());
    pipeline.get("/api/v1/secrets").await.problem(403, "forbidden");
    pipeline.put("/api/v1/secrets/TOKEN", &json!({"value": "x"})).await.problem(403, "forbidden");
    pipeline.delete("/api/v1/secrets/TOKEN").await.problem(403, "forbidden");
    // But what it starts has them.
    let named = scenario(json!({"headers": {"X-Token": "${secret:TOKEN}"}, "autoStart": false}));
    assert_eq!(pipeline.post("/api/v1/scenarios", &named).await.status, 201);
    let other = api.with_token(&of_user("bob")).post("/api/v1/scenarios", &named).await;
    let told = other.problem(422, "invalid-scenario");
    assert_eq!(told["faults"][0]["path"], "headers.X-Token");
}

#[tokio::test]
async fn a_scenario_that_names_one_shows_the_name() {
    let api = Api::guarded(access()).await.with_token(&of_user("ann"));
    let named = scenario(json!({
        "headers": {"Authorization": "Bearer ${secret:TOKEN}"}, "body": "${secret:TOKEN}",
    }));
    let validated = api.post("/api/v1/scenarios/validate", &named).await.json();
    let paths: Vec<_> =
        validated["faults"].as_array().unwrap().iter().map(|one| &one["path"]).collect();
    assert_eq!(paths, ["headers.Authorization", "body"]);
    api.put("/api/v1/secrets/TOKEN", &json!({"value": VALUE})).await;
    let validated = api.post("/api/v1/scenarios/validate", &named).await;
    assert_eq!(validated.json()["valid"], true, "{}", validated.text);
    let id = api.kept(named).await;
    let shown = api.get(&format!("/api/v1/scenarios/{id}")).await;
    let document = &shown.json()["scenario"];
    assert_eq!(document["headers"]["Authorization"], "Bearer ${secret:TOKEN}");
    assert_eq!(document["body"], "${secret:TOKEN}");
    let told = api.put("/api/v1/secrets/TOKEN", &json!({"value": format!("{VALUE}\n")})).await;
    assert_eq!(told.status, 204);
    let told = api.post(&format!("/api/v1/scenarios/{id}/runs"), &json!({})).await;
    let problem = told.problem(422, "invalid-scenario");
    assert!(problem["faults"][0]["message"].to_string().contains("secret TOKEN has a line break"));
    assert!(!told.text.contains(VALUE) && !validated.text.contains(VALUE));
}

#[tokio::test]
async fn an_order_that_is_wrong_is_told_without_its_value() {
    let api = Api::guarded(access()).await.with_token(&of_user("ann"));
    let long = "n".repeat(65);
    for (name, body, path) in [
        ("1A", json!({"value": VALUE}), "name"),
        ("a-b", json!({"value": VALUE}), "name"),
        ("%24%7Bsecret%3AA%7D", json!({"value": VALUE}), "name"),
        (long.as_str(), json!({"value": VALUE}), "name"),
        ("A", json!({"value": ""}), "value"),
        ("A", json!({"value": VALUE.repeat(6_000)}), "value"),
        ("A", json!({"value": 47_110_815}), "value"),
        ("A", json!({"value": [VALUE]}), "value"),
        ("A", json!({"value": null}), "value"),
        ("A", json!({}), "value"),
        ("A", json!({"value": "a", "secret": VALUE}), "secret"),
    ] {
        let answer = api.put(&format!("/api/v1/secrets/{name}"), &body).await;
        let told = answer.problem(422, "invalid-body");
        assert_eq!(told["faults"][0]["path"], path, "{name}: {told}");
        assert!(!answer.text.contains(VALUE) && !answer.text.contains("47110815"), "{told}");
    }
    assert_eq!(names(&api).await, [""; 0]);
    let most = "\u{1}".repeat(65_536);
    assert_eq!(api.put("/api/v1/secrets/A", &json!({"value": most})).await.status, 201);
    for method in ["POST", "PATCH"] {
        let answer = api.call(method.parse().unwrap(), "/api/v1/secrets/A", None::<&Value>).await;
        answer.problem(405, "method-not-allowed");
    }
}
