//! Tests that scenarios are kept, listed, changed and deleted, each for its owner alone.

use crate::support::{Api, scenario};
use axum::body::Body;
use axum::http::{Method, Request};
use loadcore::cluster::secrets::Secrets;
use loadcore::cluster::store::RunState;
use loadcore::http::TargetPolicy;
use serde_json::{Value, json};

#[tokio::test]
async fn one_is_kept_shown_changed_and_deleted() {
    let api = Api::new().await;
    let id = api.kept(json!({"tags": ["shop"]})).await;
    let path = format!("/api/v1/scenarios/{id}");
    let shown = api.get(&path).await.json();
    assert_eq!(
        (&shown["id"], &shown["revision"], &shown["runId"]),
        (&json!(id), &json!(0), &Value::Null)
    );
    assert_eq!(shown["scenario"]["name"], "Health");
    assert!(shown["createdAt"].as_str().unwrap().ends_with('Z'));

    let changed = api.put(&path, &scenario(json!({"name": "Slower", "tags": ["slow"]}))).await;
    assert_eq!((changed.status, &changed.json()["revision"]), (200, &json!(1)), "{}", changed.text);
    let shown = api.get(&path).await.json();
    assert_eq!((&shown["scenario"]["name"], &shown["revision"]), (&json!("Slower"), &json!(1)));

    assert_eq!(api.delete(&path).await.status, 204);
    api.get(&path).await.problem(404, "not-found");
    api.delete(&path).await.problem(404, "not-found");
    api.put(&path, &scenario(json!({}))).await.problem(404, "not-found");
}

#[tokio::test]
async fn lists_are_in_pages_newest_first_and_by_tag() {
    let api = Api::new().await;
    for number in 0..5 {
        let tag = if number % 2 == 0 { "even" } else { "odd" };
        api.kept(json!({"name": format!("s{number}"), "tags": [tag]})).await;
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("/api/v1/scenarios?limit=2{cursor}")).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names
            .extend(items.iter().map(|item| item["scenario"]["name"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    names.sort();
    assert_eq!(names, ["s0", "s1", "s2", "s3", "s4"], "each once");
    let odd = api.get("/api/v1/scenarios?tag=odd").await.json();
    assert_eq!((odd["items"].as_array().unwrap().len(), &odd["nextCursor"]), (2, &Value::Null));
    assert_eq!(api.get("/api/v1/scenarios?tag=none").await.json()["items"], json!([]));
}

#[tokio::test]
async fn users_do_not_meet() {
    let api = Api::new().await;
    let (ann, bob) = (api.as_user("ann"), api.as_user("bob"));
    let id = ann.kept(json!({})).await;
    let path = format!("/api/v1/scenarios/{id}");
    assert_eq!(ann.get(&path).await.status, 200);
    bob.get(&path).await.problem(404, "not-found");
    bob.put(&path, &scenario(json!({}))).await.problem(404, "not-found");
    bob.delete(&path).await.problem(404, "not-found");
    api.get(&path).await.problem(404, "not-found");
    assert_eq!(bob.get("/api/v1/scenarios").await.json()["items"], json!([]));
    assert_eq!(api.as_user("local").kept(json!({})).await.len(), 36);
    assert_eq!(api.get("/api/v1/scenarios").await.json()["items"].as_array().unwrap().len(), 1);
    api.as_user("a b").get("/api/v1/scenarios").await.problem(400, "bad-request");
}

#[tokio::test]
async fn every_fault_is_listed_with_its_path() {
    let api = Api::new().await;
    let wrong = scenario(json!({
        "name": "",
        "durationSeconds": -1,
        "numWorkerz": 3,
        "loadProfile": {"type": "BURST", "initialRps": 1, "bursts": [
            {"startSecond": 1, "durationSeconds": 1, "rps": -5},
        ]},
    }));
    let problem = api.post("/api/v1/scenarios", &wrong).await.problem(422, "invalid-scenario");
    let paths: Vec<_> = problem["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["path"].as_str().unwrap())
        .collect();
    for path in ["name", "durationSeconds", "loadProfile.bursts[0].rps", "numWorkerz"] {
        assert!(paths.contains(&path), "{path} is not in {paths:?}");
    }
    // The same faults, without a problem, of what is only to be judged.
    let judged = api.post("/api/v1/scenarios/validate", &wrong).await;
    assert_eq!((judged.status, &judged.json()["valid"]), (200, &json!(false)));
    assert_eq!(
        (&judged.json()["faults"], &judged.json()["plan"]),
        (&problem["faults"], &Value::Null)
    );
    assert_eq!(api.get("/api/v1/scenarios").await.json()["items"], json!([]), "nothing is kept");
}

#[tokio::test]
async fn what_would_run_is_told_as_it_would_be() {
    let api = Api::new().await;
    let plan = async |change: Value| {
        let judged = api.post("/api/v1/scenarios/validate", &scenario(change)).await.json();
        assert_eq!(judged["valid"], true, "{judged}");
        judged["plan"].clone()
    };
    // Who would get no connection takes no part.
    let few = plan(json!({"numWorkers": 5, "connections": 3})).await;
    assert_eq!(few["workers"].as_array().unwrap().len(), 3, "{few}");
    assert!(few["notes"][0].as_str().unwrap().contains("leaves nothing for 2 of 5"), "{few}");
    // Ended by its number at a third of its way: it never comes to 90/s.
    let ramp = json!({"type": "RAMP", "initialRps": 0, "targetRps": 90});
    let short = plan(json!({"maxRequests": 50, "loadProfile": ramp})).await;
    assert_eq!((&short["arrivals"], &short["maxRequests"]), (&json!(50), &json!(50)));
    assert!((short["peakRps"].as_f64().unwrap() - 30.0).abs() < 1e-6, "{short}");
    let by_number = json!({"durationSeconds": 604_800, "maxRequests": 5, "loadProfile": null});
    let endless = plan(by_number).await;
    assert_eq!((&endless["durationSeconds"], &endless["loop"]), (&Value::Null, &json!("closed")));
}

#[tokio::test]
async fn a_target_that_the_policy_refuses_is_a_fault() {
    let api = Api::with(TargetPolicy::only("10.0.0.0/8".parse().unwrap())).await;
    for url in ["http://127.0.0.1:9/", "http://169.254.169.254/", "unix:/run/a.sock:/"] {
        let answer = api.post("/api/v1/scenarios", &scenario(json!({"targetUrl": url}))).await;
        let problem = answer.problem(422, "invalid-scenario");
        assert_eq!(problem["faults"][0]["path"], "targetUrl", "{problem}");
    }
    api.kept(json!({"targetUrl": "http://10.1.2.3/"})).await;
}

#[tokio::test]
async fn yaml_is_taken_where_it_is_said_to_be() {
    let api = Api::new().await;
    let text =
        "name: Health\ntargetUrl: http://127.0.0.1:9/\ndurationSeconds: 1\nautoStart: false\n";
    let send = async |kind: &str| {
        let request = Request::post("/api/v1/scenarios").header("content-type", kind);
        api.send(request.body(Body::from(text)).unwrap()).await
    };
    assert_eq!(send("application/yaml").await.status, 201);
    assert_eq!(send("text/x-yaml; charset=utf-8").await.status, 201);
    send("application/json").await.problem(400, "bad-request");
}

#[tokio::test]
async fn one_whose_run_goes_on_is_not_deleted() {
    let api = Api::new().await;
    let id = api.kept(json!({})).await;
    api.left("local", &id, RunState::Running).await;
    let path = format!("/api/v1/scenarios/{id}");
    let shown = api.get(&path).await.json();
    assert_eq!(shown["state"], "RUNNING");
    api.delete(&path).await.problem(409, "conflict");
}

#[tokio::test]
async fn secrets_are_never_shown_and_come_back_when_they_are_sent_back() {
    let api = Api::new().await;
    let headers = json!({"Authorization": "Bearer geheim-4711", "Accept": "text/html"});
    let id = api.kept(json!({"headers": headers})).await;
    let path = format!("/api/v1/scenarios/{id}");
    let mut document = api.get(&path).await.json()["scenario"].clone();
    assert_eq!(document["headers"], json!({"Authorization": "[redacted]", "Accept": "text/html"}));
    let kept = async || {
        let record =
            api.store.scenario(&"local".into(), &id.as_str().into()).await.unwrap().unwrap();
        assert!(!record.document.to_string().contains("geheim"), "{}", record.document);
        api.secrets.open(&record.document).unwrap()["headers"]["Authorization"].clone()
    };
    assert_eq!(kept().await, "Bearer geheim-4711");

    document["durationSeconds"] = json!(20);
    let changed = api.put(&path, &document).await;
    assert!(changed.status == 200 && !changed.text.contains("geheim"), "{}", changed.text);
    assert_eq!(kept().await, "Bearer geheim-4711");
    document["headers"]["Authorization"] = json!("Bearer geheim-0815");
    assert_eq!(api.put(&path, &document).await.status, 200);
    assert_eq!(kept().await, "Bearer geheim-0815");
    assert!(!api.get("/api/v1/scenarios").await.text.contains("geheim"));
}

#[tokio::test]
async fn short_forms_are_kept_as_they_came_and_their_cookies_sealed() {
    let api = Api::new().await;
    let given = json!({
        "host": "other.test", "compressed": true, "cookies": {"id": "geheim-1", "b": ["geheim-2"]},
        "form": [{"name": "a", "value": "1"}], "addressFamily": "ipv4",
    });
    let id = api.kept(given.clone()).await;
    let path = format!("/api/v1/scenarios/{id}");
    let shown = api.get(&path).await;
    assert!(!shown.text.contains("geheim"), "{}", shown.text);
    let mut document = shown.json()["scenario"].clone();
    assert_eq!(document["cookies"], json!({"id": "[redacted]", "b": ["[redacted]"]}));
    for field in ["host", "compressed", "form", "addressFamily"] {
        assert_eq!(document[field], given[field]);
    }
    document["cookies"]["id"] = json!("geheim-3");
    assert_eq!(api.put(&path, &document).await.status, 200);
    let record = api.store.scenario(&"local".into(), &id.as_str().into()).await.unwrap().unwrap();
    assert!(!record.document.to_string().contains("geheim"), "{}", record.document);
    let opened = api.secrets.open(&record.document).unwrap();
    assert_eq!(opened["cookies"], json!({"id": "geheim-3", "b": ["geheim-2"]}));

    let wrong = scenario(json!({
        "cookies": {"id": "[redacted]"}, "form": [{"name": "a", "file": "/etc/passwd"}],
    }));
    let problem = api.post("/api/v1/scenarios", &wrong).await.problem(422, "invalid-scenario");
    let paths: Vec<_> =
        problem["faults"].as_array().unwrap().iter().map(|it| &it["path"]).collect();
    assert_eq!(paths, ["cookies.id", "form[0].file"]);
    let other = scenario(json!({"targetUrl": "http://127.0.0.1:1/", "addressFamily": "ipv6"}));
    let problem = api.post("/api/v1/scenarios", &other).await.problem(422, "invalid-scenario");
    assert_eq!(problem["faults"][0]["path"], "targetUrl");
}

/// A key and who we are to a proxy come back to nobody, and stay when what was read is sent back.
#[tokio::test]
async fn a_private_key_and_a_proxy_s_password_are_kept_sealed() {
    let api = Api::new().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let given = json!({
        "proxy": "http://me:geheim-1@127.0.0.1:3128", "connectTo": ["::127.0.0.1:1"],
        "caCertificate": certificate, "slackSeconds": 0.002, "threads": 2,
        "clientCertificate": {"certificate": certificate, "key": key.serialize_pem()},
    });
    let id = api.kept(given.clone()).await;
    let path = format!("/api/v1/scenarios/{id}");
    let secret = key.serialize_pem().lines().nth(1).unwrap().to_owned();
    let shown = api.get(&path).await;
    assert!(!shown.text.contains("geheim") && !shown.text.contains(&secret), "{}", shown.text);
    let document = shown.json()["scenario"].clone();
    assert_eq!(document["proxy"], "http://[redacted]@127.0.0.1:3128");
    assert_eq!(document["clientCertificate"]["key"], "[redacted]");
    for field in ["connectTo", "caCertificate", "slackSeconds", "threads"] {
        assert_eq!(document[field], given[field]);
    }
    assert_eq!(api.put(&path, &document).await.status, 200);
    let record = api.store.scenario(&"local".into(), &id.as_str().into()).await.unwrap().unwrap();
    let kept = record.document.to_string();
    assert!(!kept.contains("geheim") && !kept.contains(&secret), "{kept}");
    let opened = api.secrets.open(&record.document).unwrap();
    assert_eq!(
        (&opened["proxy"], &opened["clientCertificate"]),
        (&given["proxy"], &given["clientCertificate"])
    );

    for (field, value, place) in [
        ("caCertificate", json!("/etc/ssl/ca.pem"), "caCertificate"),
        ("proxy", json!("http://me:geheim@169.254.169.254/"), "proxy"),
        ("connectTo", json!(["::169.254.169.254:80"]), "connectTo"),
        ("unixSocket", json!("/run/app.sock"), "unixSocket"),
        ("threads", json!(0), "threads"),
        ("slackSeconds", json!(-1), "slackSeconds"),
    ] {
        let answer = api.post("/api/v1/scenarios", &scenario(json!({field: value}))).await;
        assert!(!answer.text.contains("geheim"), "{}", answer.text);
        let problem = answer.problem(422, "invalid-scenario");
        assert_eq!(problem["faults"][0]["path"], place, "{problem}");
    }
}

#[tokio::test]
async fn redacted_values_that_nothing_is_kept_for_are_faults() {
    let api = Api::new().await;
    let secret = json!({"headers": {"Authorization": "[redacted]"}});
    let wrong = scenario(secret);
    let problem = api.post("/api/v1/scenarios", &wrong).await.problem(422, "invalid-scenario");
    let fault = json!({
        "path": "headers.Authorization", "message": "[redacted] has no stored value; give it",
    });
    assert_eq!(problem["faults"], json!([fault]));
    let judged = api.post("/api/v1/scenarios/validate", &wrong).await.json();
    assert_eq!((&judged["valid"], &judged["faults"]), (&json!(false), &json!([fault])));
    let id = api.kept(json!({"headers": {"Cookie": "geheim"}})).await;
    let path = format!("/api/v1/scenarios/{id}");
    api.put(&path, &wrong).await.problem(422, "invalid-scenario");
    let moved = scenario(json!({"headers": {"X-Other": "[redacted]"}}));
    let problem = api.put(&path, &moved).await.problem(422, "invalid-scenario");
    assert_eq!(problem["faults"][0]["path"], "headers.X-Other");
}

#[tokio::test]
async fn secrets_of_another_key_are_told_with_what_to_do() {
    let api = Api::new().await;
    let headers = json!({"headers": {"Authorization": "Bearer geheim"}});
    let id = api.kept(headers.clone()).await;
    let kept = api.store.scenario(&"local".into(), &id.as_str().into()).await.unwrap();
    let mut record = kept.unwrap();
    record.document = Secrets::ephemeral().seal(scenario(headers.clone()));
    assert!(api.store.replace_scenario(&record).await.unwrap());
    let path = format!("/api/v1/scenarios/{id}");
    let started = api.call(Method::POST, &format!("{path}/runs"), None).await;
    let problem = started.problem(409, "sealed-with-another-key");
    assert!(problem["detail"].as_str().unwrap().contains("LOADCORE_SECRET_KEY"), "{problem}");
    let shown = api.get(&path).await.json()["scenario"].clone();
    api.put(&path, &shown).await.problem(409, "sealed-with-another-key");
    // Given anew they are sealed with this platform's.
    assert_eq!(api.put(&path, &scenario(headers)).await.status, 200);
}
