//! Tests API tokens: made, used, expired, revoked.

use crate::sign_in::{access, of_admin, of_user};
use crate::support::{Api, scenario};
use loadcore::cluster::store::{NoteKind, Page};
use serde_json::{Value, json};

async fn made(user: &Api, order: Value) -> (String, Value) {
    let answer = user.post("/api/v1/tokens", &order).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let made = answer.json();
    (made["token"].as_str().expect("its text").to_owned(), made)
}

#[tokio::test]
async fn a_token_does_in_its_owners_name_what_it_is_good_for() {
    let api = Api::guarded(access()).await;
    let ann = api.with_token(&of_user("ann"));
    let id = ann.kept(json!({})).await;
    let path = format!("/api/v1/scenarios/{id}");
    let (all, view) = made(&ann, json!({"name": "deploy"})).await;
    assert_eq!(view["scopes"], json!(["read", "run"]));
    let (read, _) = made(&ann, json!({"name": "report", "scopes": ["read"]})).await;
    let (run, _) = made(&ann, json!({"name": "start", "scopes": ["run"]})).await;
    let (all, read, run) = (api.with_token(&all), api.with_token(&read), api.with_token(&run));
    assert_eq!(all.get(&path).await.status, 200);
    assert_eq!(read.get(&path).await.status, 200);
    run.get(&path).await.problem(403, "forbidden");
    let new = scenario(json!({}));
    assert_eq!(all.post("/api/v1/scenarios", &new).await.status, 201);
    assert_eq!(run.post("/api/v1/scenarios", &new).await.status, 201);
    let told = read.post("/api/v1/scenarios", &new).await.problem(403, "forbidden");
    assert!(told["detail"].to_string().contains("`run`"), "{told}");
    for token in [&all, &read, &run] {
        // One that was stolen makes no others.
        token.post("/api/v1/tokens", &json!({"name": "more"})).await.problem(403, "forbidden");
        token.get("/api/v1/tokens").await.problem(403, "forbidden");
    }
    let listed = ann.get("/api/v1/tokens").await.json();
    let listed = listed["items"].as_array().unwrap();
    let names: Vec<_> = listed.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "report", "deploy"]);
    assert_eq!(
        api.with_token(&of_user("bob")).get("/api/v1/tokens").await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn an_admins_token_is_no_admin() {
    let api = Api::guarded(access()).await;
    let admin = api.with_token(&of_admin("root"));
    let (token, _) = made(&admin, json!({"name": "pipeline"})).await;
    let drain = "/api/v1/workers/none/drain";
    assert_eq!(admin.post(drain, &json!({})).await.status, 404);
    api.with_token(&token).post(drain, &json!({})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_token_is_kept_as_a_hash_and_its_last_use_is_shown() {
    let api = Api::guarded(access()).await;
    let ann = api.with_token(&of_user("ann"));
    let (token, view) = made(&ann, json!({"name": "deploy", "expiresInDays": 1})).await;
    assert!(view["expiresAt"].as_str() > view["createdAt"].as_str());
    assert_eq!(view["lastUsedAt"], Value::Null);
    let secret = token.rsplit('.').next().unwrap();
    let page = Page { after: None, most: 10 };
    let kept = api.store.notes(NoteKind::Token, None, &page).await.unwrap();
    assert!(!serde_json::to_string(&kept).unwrap().contains(secret), "{kept:?}");
    assert!(!ann.get("/api/v1/tokens").await.text.contains(secret));
    assert_eq!(api.with_token(&token).get("/api/v1/runs").await.status, 200);
    for _ in 0..100 {
        let listed = ann.get("/api/v1/tokens").await.json();
        if listed["items"][0]["lastUsedAt"].is_string() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("its last use is not shown");
}

#[tokio::test]
async fn a_token_that_is_over_or_another_is_good_for_nothing() {
    let api = Api::guarded(access()).await;
    let ann = api.with_token(&of_user("ann"));
    let (token, view) = made(&ann, json!({"name": "deploy"})).await;
    let status = async |token: &str| api.with_token(token).get("/api/v1/runs").await.status;
    assert_eq!(status(&token).await, 200);
    let parts: Vec<_> = token.split('.').collect();
    let of_bob = token.replacen(parts[0], "lc_Ym9i", 1);
    for wrong in [
        &token[..token.len() - 1],
        &format!("{token}A"),
        &format!("{token}.x"),
        &format!("{}.{}.", parts[0], parts[1]),
        &format!("{}.{}", parts[0], parts[1]),
        &format!("{}..{}", parts[0], parts[2]),
        &format!("lc_.{}.{}", parts[1], parts[2]),
        &of_bob,
        &token.to_uppercase(),
        "lc_",
        "lc_..",
        "lc_../../..",
        &format!("lc_{}", "x".repeat(20_000)),
    ] {
        assert_eq!(status(wrong).await, 401, "{wrong}");
    }
    // As it will be when its end has come.
    let id = view["id"].as_str().unwrap();
    let mut note = api.store.note(NoteKind::Token, &"ann".into(), id).await.unwrap().unwrap();
    note.document["expiresUnixMs"] = json!(1);
    assert!(api.store.keep_note(&note).await.unwrap());
    let told = api.with_token(&token).get("/api/v1/runs").await.problem(401, "unauthorized");
    assert!(told["detail"].to_string().contains("expired"), "{told}");
    let (token, view) = made(&ann, json!({"name": "deploy"})).await;
    let path = format!("/api/v1/tokens/{}", view["id"].as_str().unwrap());
    api.with_token(&of_user("bob")).delete(&path).await.problem(404, "not-found");
    assert_eq!(status(&token).await, 200);
    assert_eq!(ann.delete(&path).await.status, 204);
    ann.delete(&path).await.problem(404, "not-found");
    assert_eq!(status(&token).await, 401);
}

#[tokio::test]
async fn an_order_that_is_wrong_is_told_all_of_it() {
    let api = Api::guarded(access()).await.with_token(&of_user("ann"));
    let wrong = json!({"name": "", "scopes": [], "expiresInDays": 0});
    let told = api.post("/api/v1/tokens", &wrong).await.problem(422, "invalid-body");
    let paths: Vec<_> = told["faults"].as_array().unwrap().iter().map(|one| &one["path"]).collect();
    assert_eq!(paths, ["name", "scopes", "expiresInDays"]);
    for wrong in [
        json!({}),
        json!({"name": "a", "scopes": ["admin"]}),
        json!({"name": "a\nb"}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "a", "expiresInDays": 367}),
        json!({"name": "a", "expiresInDays": -1}),
        json!({"name": "a", "owner": "bob"}),
    ] {
        let answer = api.post("/api/v1/tokens", &wrong).await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_user_has_so_many_tokens() {
    let api = Api::guarded(access()).await.with_token(&of_user("ann"));
    for _ in 0..100 {
        made(&api, json!({"name": "one"})).await;
    }
    let told = api.post("/api/v1/tokens", &json!({"name": "one"})).await.problem(409, "conflict");
    assert!(told["detail"].to_string().contains("100"), "{told}");
}
