//! Tests what keeps a platform from being misused: quotas, the halt, and the log of who did what.

use crate::live::{document, reaches, started, target};
use crate::sign_in::{access, of_admin, of_user};
use crate::support::{Api, scenario};
use axum::http::Method;
use loadcore::time::now;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// The lines of the audit log as this caller sees it, newest first.
async fn audit(api: &Api, query: &str) -> Vec<Value> {
    let answer = api.get(&format!("/api/v1/audit{query}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jsonl"));
    answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halt_ends_all_load_within_two_seconds_and_holds_until_it_is_lifted() {
    let (api, target) = (Api::with_workers(2).await, target().await);
    let (scenario, run) = started(&api, &document(&target, 60)).await;
    reaches(&api, &run, &["RUNNING"]).await;
    while target.stats().requests < 20 {
        sleep(Duration::from_millis(20)).await;
    }
    let asked = now();
    let halted = api.post("/api/v1/halt", &json!({"reason": "the wrong target"})).await;
    assert_eq!((halted.status, &halted.json()["halted"]), (200, &json!(true)), "{}", halted.text);
    sleep(Duration::from_secs(2).saturating_sub(now() - asked)).await;
    let sent = target.stats().requests;
    sleep(Duration::from_millis(700)).await;
    assert_eq!(target.stats().requests, sent, "nothing is sent any more");
    let ended = reaches(&api, &run, &["ABORTED", "COMPLETED", "FAILED"]).await;
    assert_eq!(ended["state"], "ABORTED", "{ended}");
    let timeline = api.get(&format!("{run}/timeline")).await.text;
    assert!(timeline.contains("the platform was halted by local: the wrong target"), "{timeline}");

    let again = document(&target, 1);
    let search = json!({"scenario": again, "slo": "p99<1s", "maxRate": 10.0});
    for (path, body) in [
        ("/api/v1/scenarios".to_owned(), &again),
        (format!("{scenario}/runs"), &json!({})),
        ("/api/v1/capacity-searches".to_owned(), &search),
    ] {
        let refused = api.post(&path, body).await.problem(409, "halted");
        assert!(refused["detail"].to_string().contains("the wrong target"), "{refused}");
    }
    assert_eq!(api.get("/api/v1/halt").await.json()["by"], "local");
    for reason in ["", "a\nb", &"x".repeat(501)] {
        let wrong = api.post("/api/v1/halt", &json!({"reason": reason})).await;
        assert_eq!(wrong.problem(422, "invalid-body")["faults"][0]["path"], "reason");
    }
    for _ in 0..2 {
        assert_eq!(api.delete("/api/v1/halt").await.status, 204);
    }
    assert_eq!(api.get("/api/v1/halt").await.json()["halted"], false);
    started(&api, &again).await;
}

#[tokio::test]
async fn any_controller_takes_a_halt() {
    let api = Api::standing_by(true).await;
    let halted = api.post("/api/v1/halt", &json!({"reason": "now"})).await;
    assert_eq!(halted.status, 200, "{}", halted.text);
    assert_eq!(audit(&api, "").await[0]["what"], "halt.set");
    assert_eq!(api.delete("/api/v1/halt").await.status, 204);
}

#[tokio::test]
async fn a_quota_is_set_by_an_admin_and_holds_for_what_its_user_starts() {
    let api = Api::guarded(access()).await;
    let (ann, bob) = (api.with_token(&of_user("ann")), api.with_token(&of_user("bob")));
    let admin = api.with_token(&of_admin("root"));
    let limits = json!({"maxRate": 50, "maxConcurrentRuns": 1, "maxDurationSeconds": 60});
    ann.put("/api/v1/quotas/ann", &limits).await.problem(403, "forbidden");
    let set = admin.put("/api/v1/quotas/ann", &limits).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let own = ann.get("/api/v1/quotas").await.json();
    assert_eq!((&own["user"], &own["limits"]["maxRate"]), (&json!("ann"), &json!(50.0)));
    assert_eq!(own["used"], json!({"rate": 0.0, "connections": 0, "concurrentRuns": 0}));
    assert_eq!(bob.get("/api/v1/quotas").await.json()["limits"]["maxRate"], Value::Null);
    // The address is nobody's who is signed in, so nothing of it is ever sent.
    let wanted = |rps: u64, seconds: u64| {
        scenario(json!({
            "autoStart": true, "durationSeconds": seconds, "connections": 5,
            "loadProfile": {"type": "CONSTANT", "initialRps": rps},
        }))
    };
    for (rps, seconds, path) in [(51, 1, "loadProfile"), (1, 61, "durationSeconds")] {
        let faulty = ann.post("/api/v1/scenarios", &wanted(rps, seconds)).await;
        assert_eq!(faulty.problem(422, "invalid-scenario")["faults"][0]["path"], path);
        let judged = ann.post("/api/v1/scenarios/validate", &wanted(rps, seconds)).await.json();
        assert_eq!((&judged["valid"], &judged["faults"][0]["path"]), (&json!(false), &json!(path)));
    }
    let search = json!({"scenario": wanted(1, 1), "slo": "p99<1s", "maxRate": 51.0});
    let faulty = ann.post("/api/v1/capacity-searches", &search).await;
    assert_eq!(faulty.problem(422, "invalid-scenario")["faults"][0]["path"], "maxRate");
    let first = ann.post("/api/v1/scenarios", &wanted(10, 60)).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(bob.post("/api/v1/scenarios", &wanted(500, 600)).await.status, 201);
    ann.post("/api/v1/scenarios", &wanted(10, 60)).await.problem(409, "over-quota");
    let used = ann.get("/api/v1/quotas").await.json()["used"].clone();
    assert_eq!(used, json!({"rate": 10.0, "connections": 5, "concurrentRuns": 1}));
    let run = format!("/api/v1/runs/{}", first.json()["runId"].as_str().expect("a run"));
    let faster = json!({"targetRps": 51});
    let refused = ann.call(Method::PATCH, &format!("{run}/rate"), Some(&faster)).await;
    assert_eq!(refused.problem(422, "invalid-scenario")["faults"][0]["path"], "targetRps");
    assert_eq!(admin.get("/api/v1/quotas/ann").await.json()["used"]["concurrentRuns"], 1);
    for (user, body, status) in [
        ("a%20b", json!({}), 400),
        ("ann", json!({"maxRate": -1}), 422),
        ("ann", json!({"maxRuns": 1}), 422),
    ] {
        let wrong = admin.put(&format!("/api/v1/quotas/{user}"), &body).await;
        assert_eq!(wrong.status, status, "{}", wrong.text);
    }
    for _ in 0..2 {
        assert_eq!(admin.delete("/api/v1/quotas/ann").await.status, 204);
    }
    assert_eq!(ann.get("/api/v1/quotas").await.json()["own"], Value::Null);
    ann.post("/api/v1/scenarios", &wanted(500, 600)).await;
}

#[tokio::test]
async fn the_log_says_who_did_what_to_whom_and_what_was_refused_and_no_secret() {
    let api = Api::guarded(access()).await;
    let (ann, bob) = (api.with_token(&of_user("ann")), api.with_token(&of_user("bob")));
    let admin = api.with_token(&of_admin("root"));
    let target = |url: &str| {
        scenario(json!({
            "autoStart": true, "targetUrl": url, "headers": {"Authorization": "Bearer s3cret"},
            "body": "s3cret", "method": "POST", "numWorkers": 3,
        }))
    };
    let made = ann.post("/api/v1/scenarios", &target("http://127.0.0.1:9/s3cret?k=s3cret")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let run = format!("/api/v1/runs/{}", made.json()["runId"].as_str().expect("a run"));
    ann.post("/api/v1/scenarios", &target("http://169.254.169.254/s3cret")).await;
    ann.post("/api/v1/scenarios", &target("http://u:s3cret@127.0.0.1/")).await;
    ann.post(&format!("{run}/stop"), &json!({})).await;
    let token = ann.post("/api/v1/tokens", &json!({"name": "ci"})).await.json();
    let pipeline = api.with_token(token["token"].as_str().expect("a token"));
    pipeline.post(&format!("{}/runs", made.header("location")), &json!({})).await;
    bob.delete("/api/v1/runs/none").await;
    admin.post("/api/v1/halt", &json!({"reason": "enough"})).await;
    bob.post("/api/v1/scenarios", &target("http://127.0.0.1:9/")).await;

    let seen = audit(&ann, "").await;
    let words: Vec<_> = seen.iter().rev().map(|line| line["what"].as_str().unwrap()).collect();
    let expected = [
        "scenario.made",
        "scenario.made",
        "scenario.made",
        "run.stopped",
        "token.made",
        "run.started",
    ];
    assert_eq!(words, expected);
    let [started, token_made, stopped, no_url, metadata, first] = &seen[..] else { panic!("six") };
    assert_eq!(
        (&first["user"], &first["via"], &first["outcome"]),
        (&json!("ann"), &json!("sign-in"), &json!("done"))
    );
    assert_eq!(first["against"]["hosts"], json!(["127.0.0.1:9"]));
    assert_eq!(
        (&first["against"]["workers"], &first["against"]["ratePerSecond"]),
        (&json!(3), &json!(10.0))
    );
    assert_eq!(run, format!("/api/v1/runs/{}", first["runId"].as_str().unwrap()));
    assert_eq!((&metadata["outcome"], &metadata["status"]), (&json!("refused"), &json!(422)));
    assert!(metadata["why"].as_str().unwrap().contains("169.254.169.254 may not be loaded"));
    assert_eq!((&no_url["problem"], &no_url["why"]), (&json!("invalid-scenario"), &Value::Null));
    assert!(stopped["call"].as_str().unwrap().ends_with(&format!("{run}/stop")));
    assert_eq!(token_made["token"], token["id"]);
    assert_eq!(started["via"], format!("token {}", token["id"].as_str().unwrap()));
    assert_eq!(started["against"]["hosts"], json!(["127.0.0.1:9"]));

    let all = audit(&admin, "").await;
    assert_eq!(all.len(), 9);
    let halted: Vec<_> = all.iter().filter(|line| line["problem"] == "halted").collect();
    assert_eq!(halted.len(), 1, "{all:?}");
    assert_eq!((&halted[0]["user"], &halted[0]["status"]), (&json!("bob"), &json!(409)));
    assert!(all.iter().any(|line| line["what"] == "halt.set" && line["reason"] == "enough"));
    assert!(!json!(all).to_string().contains("s3cret"));
    // Page by page it is the same list, and of others nobody sees anything.
    let mut paged: Vec<Value> = Vec::new();
    loop {
        let after = paged.last().map(|line| format!("&cursor={}", line["id"].as_str().unwrap()));
        let page = audit(&admin, &format!("?limit=4{}", after.unwrap_or_default())).await;
        paged.extend(page.iter().cloned());
        if page.len() < 4 {
            break;
        }
    }
    assert_eq!(paged, all);
    assert!(audit(&bob, "").await.iter().all(|line| line["user"] == "bob"));
    ann.get("/api/v1/audit?cursor=x").await.problem(400, "bad-request");
}
