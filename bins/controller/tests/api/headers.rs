//! Tests what headers ask for: conditions, keys, and types of what is sent and answered.

use crate::support::{Answer, Api, scenario};
use axum::body::Body;
use axum::http::{Method, Request};
use loadcore::cluster::store::{CALL_KEPT, CallRecord, RunState};
use loadcore::cluster::{Owner, RunId, ScenarioId};
use loadcore::time::unix_millis;
use serde_json::{Value, json};

const SCENARIOS: &str = "/api/v1/scenarios";

async fn with(
    api: &Api,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(body.into()).unwrap()).await
}

async fn count(api: &Api, list: &str) -> usize {
    api.get(&format!("/api/v1/{list}")).await.json()["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_scenario_is_changed_and_deleted_by_whom_has_read_it() {
    let api = Api::new().await;
    let document = scenario(json!({}));
    let created = api.post(SCENARIOS, &document).await;
    assert_eq!(created.header("etag"), "\"0\"");
    let path = created.header("location").to_owned();
    assert_eq!(api.get(&path).await.header("etag"), "\"0\"");
    let put = async |tag: &str, name: &str| {
        let body = scenario(json!({"name": name})).to_string();
        with(&api, Method::PUT, &path, &[("if-match", tag)], body).await
    };
    for wrong in ["\"99\"", "W/\"0\"", "\"1\", \"2\""] {
        let problem = put(wrong, "overwritten").await.problem(412, "condition-failed");
        assert!(problem["detail"].as_str().unwrap().contains("its revision is 0"), "{problem}");
    }
    put("0", "overwritten").await.problem(400, "bad-request");
    // What it depends on comes before what is wrong with it.
    let wrong = scenario(json!({"durationSeconds": -1})).to_string();
    let answer = with(&api, Method::PUT, &path, &[("if-match", "\"9\"")], wrong).await;
    answer.problem(412, "condition-failed");
    assert_eq!(api.get(&path).await.json()["scenario"]["name"], "Health", "nothing was changed");
    for (revision, tag) in ["\"0\"", "*", "\"7\", \"2\""].into_iter().enumerate() {
        let answer = put(tag, "changed").await;
        assert_eq!(answer.status, 200, "{tag}: {}", answer.text);
        assert_eq!(answer.header("etag"), format!("\"{}\"", revision + 1));
        assert_eq!(answer.json()["revision"], revision + 1);
    }
    // Two lines are one list.
    let lines = [("if-match", "\"1\""), ("if-match", "\"3\"")];
    assert_eq!(with(&api, Method::PUT, &path, &lines, document.to_string()).await.status, 200);
    let absent = [("if-none-match", "*")];
    let answer = with(&api, Method::PUT, &path, &absent, document.to_string()).await;
    answer.problem(412, "condition-failed");

    let delete = async |tag: &str| {
        with(&api, Method::DELETE, &path, &[("if-match", tag)], Body::empty()).await
    };
    delete("\"3\"").await.problem(412, "condition-failed");
    assert_eq!(api.get(&path).await.status, 200);
    assert_eq!(delete("\"4\"").await.status, 204);
    // Of what is not there nothing depends on anything.
    delete("*").await.problem(404, "not-found");
    put("*", "a").await.problem(404, "not-found");
}

#[tokio::test]
async fn of_many_who_read_one_revision_one_changes_it() {
    let api = Api::new().await;
    let id = api.kept(json!({})).await;
    let path = format!("{SCENARIOS}/{id}");
    let put = |number: u32| {
        let body = scenario(json!({"name": format!("by {number}")})).to_string();
        let (api, path) = (&api, &path);
        async move { with(api, Method::PUT, path, &[("if-match", "\"0\"")], body).await.status }
    };
    let all: Vec<_> = futures_util::future::join_all((0..12).map(put)).await;
    assert_eq!(all.iter().filter(|status| **status == 200).count(), 1, "{all:?}");
    assert!(all.iter().all(|status| [200, 412].contains(status)), "{all:?}");
    assert_eq!(api.get(&path).await.header("etag"), "\"1\"");
}

async fn keyed(api: &Api, key: &str, body: &Value) -> Answer {
    let headers = [("idempotency-key", key), ("content-type", "application/json")];
    with(api, Method::POST, SCENARIOS, &headers, body.to_string()).await
}

#[tokio::test]
async fn a_key_makes_one_scenario_however_often_it_is_given() {
    let api = Api::new().await;
    let body = scenario(json!({"autoStart": true}));
    let first = keyed(&api, "k-1", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    for _ in 0..3 {
        let again = keyed(&api, "k-1", &body).await;
        assert_eq!((again.status, &again.text), (201, &first.text));
        for name in ["location", "etag"] {
            assert_eq!(again.header(name), first.header(name));
        }
    }
    assert_eq!((count(&api, "scenarios").await, count(&api, "runs").await), (1, 1));
    // Spaces between its parts make no other document.
    let spaced = serde_json::to_string_pretty(&body).unwrap();
    let headers = [("idempotency-key", "k-1")];
    let again = with(&api, Method::POST, SCENARIOS, &headers, spaced).await;
    assert_eq!(again.text, first.text);

    let other = scenario(json!({"name": "Other"}));
    keyed(&api, "k-1", &other).await.problem(422, "key-reused");
    let second = keyed(&api, "k-2", &body).await.json();
    assert_ne!(second["id"], first.json()["id"], "another key is another call");
    // A key is one user's: another's is another.
    let of_ann = [("idempotency-key", "k-1"), ("x-user-id", "ann")];
    let of_ann = with(&api, Method::POST, SCENARIOS, &of_ann, other.to_string()).await;
    assert_eq!(of_ann.status, 201, "{}", of_ann.text);
    assert_eq!((count(&api, "scenarios").await, count(&api, "runs").await), (2, 2));
}

#[tokio::test]
async fn what_was_deleted_is_not_made_again() {
    let api = Api::new().await;
    let body = scenario(json!({}));
    let first = keyed(&api, "k", &body).await;
    assert_eq!(api.delete(first.header("location")).await.status, 204);
    assert_eq!(keyed(&api, "k", &body).await.text, first.text);
    assert_eq!(count(&api, "scenarios").await, 0);
}

#[tokio::test]
async fn a_body_that_was_wrong_leaves_its_key_free() {
    let api = Api::new().await;
    let wrong = scenario(json!({"durationSeconds": -1}));
    keyed(&api, "k", &wrong).await.problem(422, "invalid-scenario");
    assert_eq!(keyed(&api, "k", &scenario(json!({}))).await.status, 201);
}

#[tokio::test]
async fn a_key_makes_one_run_and_belongs_to_its_call() {
    let api = Api::new().await;
    let (one, two) = (api.kept(json!({})).await, api.kept(json!({})).await);
    let start = async |scenario: &str, key: &str| {
        let path = format!("{SCENARIOS}/{scenario}/runs");
        with(&api, Method::POST, &path, &[("idempotency-key", key)], Body::empty()).await
    };
    let first = start(&one, "k").await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = start(&one, "k").await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(count(&api, "runs").await, 1);
    start(&two, "k").await.problem(422, "key-reused");
    keyed(&api, "k", &scenario(json!({}))).await.problem(422, "key-reused");
    assert_eq!(start(&one, "k-2").await.status, 201);
    assert_eq!(count(&api, "runs").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_under_one_key_make_one() {
    let api = Api::new().await;
    let body = scenario(json!({"autoStart": true}));
    let calls = (0..16).map(|_| keyed(&api, "k", &body));
    let answers = futures_util::future::join_all(calls).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (201, &answers[0].text));
    }
    assert_eq!((count(&api, "scenarios").await, count(&api, "runs").await), (1, 1));
}

/// As a controller leaves it that is killed at any moment of the call.
#[tokio::test]
async fn a_call_that_was_cut_off_anywhere_is_gone_on_with() {
    let body = scenario(json!({"autoStart": true}));
    for made_before in 0..3 {
        let api = Api::new().await;
        let (scenario_id, run_id) = (ScenarioId::random(), RunId::random());
        let call = CallRecord {
            owner: "local".into(),
            key: "k".into(),
            at_unix_ms: unix_millis() - 1_000,
            fingerprint: api.secrets.fingerprint(format!("POST /scenarios {body}").as_bytes()),
            scenario_id: scenario_id.clone(),
            run_id: Some(run_id.clone()),
            finished: false,
        };
        api.store.keep_call(&call, 0, 10).await.unwrap();
        if made_before > 0 {
            let record = json!({"id": scenario_id, "owner": "local", "revision": 0,
                "createdUnixMs": call.at_unix_ms, "changedUnixMs": call.at_unix_ms, "tags": [],
                "document": body, "baseline": null});
            let record = serde_json::from_value(record).unwrap();
            api.store.insert_scenario(&record).await.unwrap();
            if made_before > 1 {
                let controller = api.controller.as_ref().unwrap();
                controller.submit_as(run_id.clone(), &record).await.unwrap();
            }
        }
        let answer = keyed(&api, "k", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let made = answer.json();
        assert_eq!((&made["id"], &made["runId"]), (&json!(scenario_id), &json!(run_id)));
        assert_eq!((count(&api, "scenarios").await, count(&api, "runs").await), (1, 1));
        let kept = api.store.call(&"local".into(), "k").await.unwrap().unwrap();
        assert!(kept.finished, "{kept:?}");
    }
}

#[tokio::test]
async fn a_key_is_remembered_for_a_day() {
    let api = Api::new().await;
    let body = scenario(json!({}));
    let old = |age_ms: u64| CallRecord {
        owner: Owner::from("local"),
        key: format!("{age_ms}"),
        at_unix_ms: unix_millis() - age_ms,
        fingerprint: "of another body".into(),
        scenario_id: ScenarioId::random(),
        run_id: None,
        finished: true,
    };
    let day = CALL_KEPT.as_millis() as u64;
    assert_eq!(day, 86_400_000);
    for age in [day - 60_000, day + 60_000] {
        api.store.keep_call(&old(age), 0, 10).await.unwrap();
    }
    keyed(&api, &(day - 60_000).to_string(), &body).await.problem(422, "key-reused");
    assert_eq!(keyed(&api, &(day + 60_000).to_string(), &body).await.status, 201);
}

#[tokio::test]
async fn keys_have_limits() {
    let api = Api::new().await;
    let body = scenario(json!({}));
    for wrong in ["", &"x".repeat(256), "k\u{e9}", "a b"] {
        let problem = keyed(&api, wrong, &body).await.problem(400, "bad-request");
        assert!(problem["detail"].as_str().unwrap().contains("1 to 255"), "{problem}");
    }
    let two = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let answer = with(&api, Method::POST, SCENARIOS, &two, body.to_string()).await;
    answer.problem(400, "bad-request");
    for right in ["x", &"x".repeat(255), "\"8e03978e-40d5-43dd-bc93-6894a57f9324\""] {
        assert_eq!(keyed(&api, right, &body).await.status, 201, "{right}");
    }
    let call = |number: usize| CallRecord {
        owner: "local".into(),
        key: format!("one of many {number}"),
        at_unix_ms: unix_millis(),
        fingerprint: String::new(),
        scenario_id: ScenarioId::random(),
        run_id: None,
        finished: true,
    };
    for number in 3..10_000 {
        api.store.keep_call(&call(number), 0, 10_000).await.unwrap();
    }
    let problem = keyed(&api, "one-more", &body).await.problem(429, "too-many-keys");
    assert!(problem["detail"].as_str().unwrap().contains("10000"), "{problem}");
    assert_eq!(keyed(&api, "x", &body).await.status, 201, "those that are remembered stay");
    assert_eq!(api.post(SCENARIOS, &body).await.status, 201, "without a key there is no limit");
}

#[tokio::test]
async fn bodies_of_other_types_are_not_read() {
    let api = Api::new().await;
    let id = api.kept(json!({})).await;
    let path = format!("{SCENARIOS}/{id}");
    let run = api.left("local", &id, RunState::Completed).await.id;
    let rate = format!("/api/v1/runs/{run}/rate");
    let (document, change) = (scenario(json!({})).to_string(), r#"{"targetRps": 1}"#.to_owned());
    for kind in ["text/xml", "text/plain", "multipart/form-data; boundary=x", "image/png"] {
        for (method, path, body) in [
            (Method::POST, SCENARIOS, &document),
            (Method::POST, "/api/v1/scenarios/validate", &document),
            (Method::PUT, &path, &document),
            (Method::PATCH, &rate, &change),
            (Method::POST, &format!("/api/v1/runs/{run}/stop"), &"{}".to_owned()),
        ] {
            let answer = with(&api, method, path, &[("content-type", kind)], body.clone()).await;
            let problem = answer.problem(415, "unsupported-type");
            assert!(problem["detail"].as_str().unwrap().contains("application/json"), "{problem}");
        }
    }
    let yaml = [("content-type", "application/yaml")];
    let answer = with(&api, Method::PATCH, &rate, &yaml, "targetRps: 1").await;
    answer.problem(415, "unsupported-type");
    let packed = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let answer = with(&api, Method::POST, SCENARIOS, &packed, document.clone()).await;
    answer.problem(415, "unsupported-type");
    // A call without a body has none of any type.
    let stop = format!("/api/v1/runs/{run}/stop");
    let answer = with(&api, Method::POST, &stop, &[("content-type", "text/xml")], "").await;
    answer.problem(409, "has-ended");
}

/// `curl -d` says that it sends a form, and so do all examples that say nothing else.
#[tokio::test]
async fn json_that_is_called_a_form_or_nothing_is_read() {
    let api = Api::new().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let document = format!("  {}", scenario(json!({})));
    for headers in [&[form][..], &[]] {
        let answer = with(&api, Method::POST, SCENARIOS, headers, document.clone()).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    with(&api, Method::POST, SCENARIOS, &[form], "{").await.problem(400, "bad-request");
    let real = with(&api, Method::POST, SCENARIOS, &[form], "name=a&targetUrl=b").await;
    real.problem(415, "unsupported-type");
}

#[tokio::test]
async fn what_would_not_be_taken_is_refused_before_anything_is_made() {
    let api = Api::new().await;
    let body = scenario(json!({})).to_string();
    for unwanted in
        ["text/html", "application/xml;q=0.9, text/*", "*/*;q=0", "application/json;q=0"]
    {
        let accept = [("accept", unwanted)];
        let answer = with(&api, Method::POST, SCENARIOS, &accept, body.clone()).await;
        let problem = answer.problem(406, "not-acceptable");
        assert!(problem["detail"].as_str().unwrap().contains("application/json"), "{problem}");
        with(&api, Method::GET, SCENARIOS, &accept, "").await.problem(406, "not-acceptable");
        // Errors are told whoever asks.
        let none = with(&api, Method::GET, "/api/v1/runs/none", &accept, "").await;
        none.problem(404, "not-found");
        let probe = with(&api, Method::GET, "/actuator/health", &accept, "").await;
        assert_eq!(probe.status, 200, "a probe has its answer");
    }
    assert_eq!(count(&api, "scenarios").await, 0);
    for wanted in
        ["*/*", "application/*", "text/html, application/json;q=0.1", "", "text/html, */*"]
    {
        let accept = [("accept", wanted)];
        assert_eq!(with(&api, Method::GET, SCENARIOS, &accept, "").await.status, 200, "{wanted}");
        let made = with(&api, Method::POST, SCENARIOS, &accept, body.clone()).await;
        assert_eq!(made.status, 201, "{wanted}");
        let accept = [("accept", "text/html")];
        let gone = with(&api, Method::DELETE, made.header("location"), &accept, "").await;
        assert_eq!(gone.status, 204, "nothing is of any type");
    }
}
