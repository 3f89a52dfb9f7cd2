//! Tests runs that are really made, by workers inside the controller against a target of the test's
//! own.

use crate::support::{Api, scenario};
use axum::body::Body;
use axum::http::{Method, Request};
use futures_util::StreamExt;
use loadcore::cluster::controller::api::FrameKind;
use loadcore_target::{Config, Target};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// What a loaded machine may take for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn target() -> Target {
    Target::start(Config::default()).await.expect("a target starts")
}

/// A scenario of 50 requests per second on two workers.
pub fn document(target: &Target, seconds: u64) -> Value {
    scenario(json!({
        "targetUrl": target.url("/"),
        "durationSeconds": seconds,
        "numWorkers": 2,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50},
        "sla": ["error_rate<50%"],
        "autoStart": null,
    }))
}

/// Starts a run, and answers the paths of its scenario and of itself.
pub async fn started(api: &Api, document: &Value) -> (String, String) {
    let answer = api.post("/api/v1/scenarios", document).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let created = answer.json();
    let run = created["runId"].as_str().expect("a run was started");
    assert!(created["state"].is_string());
    (answer.header("location").to_owned(), format!("/api/v1/runs/{run}"))
}

/// Waits until the run is in one of these states, and answers it.
pub async fn reaches(api: &Api, run: &str, states: &[&str]) -> Value {
    let mut last = Value::Null;
    let waits = async {
        loop {
            last = api.get(run).await.json();
            if states.iter().any(|state| last["state"] == *state) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(timeout(PATIENCE, waits).await.is_ok(), "not {states:?}, but {last}");
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_to_its_end_and_its_figures_in_every_format() {
    let (api, target) = (Api::with_workers(2).await, target().await);
    let (scenario, run) = started(&api, &document(&target, 2)).await;
    let ended = reaches(&api, &run, &["COMPLETED", "ABORTED", "FAILED"]).await;
    assert_eq!(ended["state"], "COMPLETED", "{ended}");
    let result = &ended["result"];
    assert_eq!((&result["arrivals"]["due"], &result["complete"]), (&json!(100), &json!(true)));
    assert_eq!(target.stats().requests, result["arrivals"]["sent"].as_u64().unwrap());
    assert!(ended["startedAt"].is_string() && ended["endedAt"].is_string());
    // Both workers are of this machine, and have one engine thread each.
    let cores = 2 * std::thread::available_parallelism().unwrap().get();
    let summary = &ended["summary"];
    assert_eq!(summary["verdict"], result["validity"]["verdict"], "{summary}");
    for figure in ["complete", "loop", "totalRequests", "offeredRps", "achievedRps", "successRate"]
    {
        assert_eq!(summary[figure], result[figure], "{figure}: {summary}");
    }
    assert_eq!(
        (&summary["p99Ms"], &summary["slaPassed"]),
        (&result["latency"]["p99Ms"], &json!(true))
    );
    assert_eq!(api.get("/api/v1/runs").await.json()["items"][0]["summary"], *summary);
    let environment = &result["environment"];
    assert_eq!((&environment["cores"], &environment["threads"]), (&json!(cores), &json!(2)));

    let get = async |path: &str| {
        let answer = api.get(&format!("{run}{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer
    };
    let requests = &result["totalRequests"];
    for path in [format!("{run}/stats/realtime"), format!("{scenario}/stats/realtime")] {
        let realtime = api.get(&format!("{path}?lastNSeconds=3600")).await.json();
        assert_eq!(&realtime["totalRequests"], requests, "{realtime}");
        assert!(realtime["scenarioId"].is_string() && realtime["p99LatencyMs"].is_number());
    }
    let total = get("/stats/total").await.json();
    assert_eq!((&total["totalRequests"], total.get("series")), (requests, None));
    let table = get("/stats/total?format=csv").await.text;
    assert!(table.lines().count() == 2 && table.contains("latency.p99Ms"), "{table}");
    let series = get("/stats/series").await.json();
    let sent: u64 =
        series["items"].as_array().unwrap().iter().map(|row| row["sent"].as_u64().unwrap()).sum();
    assert_eq!(sent, target.stats().requests);
    assert!(get("/stats/series?format=csv").await.text.starts_with("second,due,sent"));
    assert_eq!(series["items"], result["series"]);
    assert!(result["series"][0]["distribution"].is_string(), "{}", result["series"]);
    for (path, rows) in [
        ("?distribution=false", "/result/series"),
        ("/report?distribution=false", "/series"),
        ("/stats/series?distribution=false", "/items"),
    ] {
        let mut without = get(path).await.json().pointer(rows).unwrap().clone();
        for (row, whole) in without.as_array_mut().unwrap().iter_mut().zip(items(&series)) {
            assert_eq!(row["distribution"], Value::Null, "{path}");
            row["distribution"] = whole["distribution"].clone();
        }
        assert_eq!(without, series["items"], "{path}: nothing else is left out");
    }
    api.get(&format!("{run}?distribution=no")).await.problem(400, "bad-request");
    let log = get("/stats/histogram?format=hlog").await.text;
    assert!(log.contains("#[Histogram log format version 1.3]"), "{log}");
    assert!(log.lines().filter(|line| line.contains("HISTFAAA")).count() >= 2, "{log}");
    assert!(get("/stats/histogram?format=hgrm").await.text.contains("Total count"));
    assert!(get("/stats/histogram").await.json()["latency"].is_object());
    assert_eq!(get("/report").await.json(), *result);
    assert!(get("/report?format=text").await.text.contains("Verdict"));
    assert!(get("/report?format=markdown").await.text.contains("Error rate"));
    let accepting = async |path: &str, accept: &str| {
        let request = Request::get(format!("{run}{path}")).header("accept", accept);
        api.send(request.body(Body::empty()).unwrap()).await
    };
    for (path, accept, kind) in [
        ("/report", "text/csv", "text/csv; charset=utf-8"),
        ("/report", "text/markdown", "text/markdown; charset=utf-8"),
        ("/report", "text/html, text/plain;q=0.5", "text/html; charset=utf-8"),
        ("/stats/series", "text/csv, application/json;q=0.1", "text/csv; charset=utf-8"),
        ("/stats/series?format=hlog", "text/*", "text/plain; charset=utf-8"),
        ("/stats/total", "*/*", "application/json"),
    ] {
        let answer = accepting(path, accept).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{path} {accept}");
    }
    for (path, accept) in
        [("/report", "image/png"), ("/stats/series?format=csv", "application/json")]
    {
        accepting(path, accept).await.problem(406, "not-acceptable");
    }
    let rules = get("/sla").await.json()["items"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 1, "{rules}");
    assert_eq!((&rules[0]["rule"], &rules[0]["passed"]), (&json!("error_rate<50%"), &json!(true)));
    assert_eq!(get("/bottlenecks").await.json()["items"], result["bottlenecks"]);
    let timeline = get("/timeline").await.json();
    assert!(timeline["items"].as_array().unwrap().iter().all(|event| event["text"].is_string()));
    assert!(!timeline["items"].as_array().unwrap().is_empty());

    let figures = api.get("/metrics").await.text;
    let counted = format!("loadtest_requests_total {requests}");
    assert!(figures.lines().any(|line| line == counted), "{counted} is not in\n{figures}");
    let stop = api.call(Method::POST, &format!("{run}/stop"), None).await;
    stop.problem(409, "has-ended");
    assert_eq!(api.delete(&run).await.status, 204);
    for path in ["", "/timeline", "/sla", "/stats/realtime", "/stats/total", "/stream"] {
        api.get(&format!("{run}{path}")).await.problem(404, "not-found");
    }
    assert_eq!(api.get(&scenario).await.json()["runId"], Value::Null);
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_paused_resumed_changed_and_stopped() {
    let (api, target) = (Api::with_workers(2).await, target().await);
    let (_, run) = started(&api, &document(&target, 600)).await;
    let command = async |method: Method, path: &str, body: Option<Value>| {
        let answer = api.call(method, &format!("{run}/{path}"), body.as_ref()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    };
    reaches(&api, &run, &["RUNNING"]).await;
    api.delete(&run).await.problem(409, "conflict");
    command(Method::POST, "pause", None).await;
    reaches(&api, &run, &["PAUSED"]).await;
    command(Method::POST, "resume", None).await;
    reaches(&api, &run, &["RUNNING"]).await;
    command(Method::PATCH, "rate", Some(json!({"targetRps": 80, "overSeconds": 1}))).await;
    let workers = api.get("/api/v1/workers").await.json();
    let [first, second] = &workers["items"].as_array().unwrap()[..] else { panic!("{workers}") };
    for worker in [first, second] {
        assert_eq!(
            (&worker["alive"], worker["task"].is_string()),
            (&json!(true), true),
            "{worker}"
        );
        assert!(run.ends_with(worker["runId"].as_str().unwrap()));
    }
    // The run is nobody else's business.
    let others = api.as_user("ann").get("/api/v1/workers").await.json();
    assert_eq!(others["items"][0]["runId"], Value::Null);
    api.as_user("ann")
        .call(Method::POST, &format!("{run}/stop"), None)
        .await
        .problem(404, "not-found");
    command(Method::POST, "stop", None).await;
    let ended = reaches(&api, &run, &["COMPLETED", "ABORTED", "FAILED"]).await;
    assert_eq!(ended["state"], "ABORTED");
    let events = api.get(&format!("{run}/timeline")).await.text;
    assert!(events.contains("rate"), "{events}");
    // The answer is what it leads to, though the worker has not heard of it yet.
    let worker = format!("/api/v1/workers/{}", first["id"].as_str().unwrap());
    let drained = api.call(Method::POST, &format!("{worker}/drain"), None).await;
    assert_eq!((drained.status, &drained.json()["draining"]), (202, &json!(true)));
    let goes = async {
        // Until it says so itself, and then it is gone.
        while api.get(&worker).await.json()["draining"] == false {
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(timeout(PATIENCE, goes).await.is_ok(), "it drains");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_shows_each_second_and_the_end() {
    let (api, target) = (Api::with_workers(2).await, target().await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, api.router.clone()).into_future());
    let (scenario, run) = started(&api, &document(&target, 2)).await;

    let frames = async |path: &str| -> Vec<Value> {
        let url = format!("ws://{address}{path}");
        let (client, _) = tokio_tungstenite::connect_async(url).await.expect("a WebSocket");
        let messages: Vec<_> = timeout(PATIENCE, client.collect()).await.expect("the stream ends");
        let texts = messages.iter().flatten().filter(|message| message.is_text());
        texts.map(|text| serde_json::from_str(text.to_text().unwrap()).unwrap()).collect()
    };
    let seen = frames(&format!("{scenario}/stream")).await;
    let seqs: Vec<_> = seen.iter().map(|frame| frame["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted() && seqs.len() >= 3, "{seen:?}");
    assert_eq!(seen.last().unwrap()["type"], "end");
    assert!(seen.iter().any(|frame| frame["type"] == "interval"), "{seen:?}");
    let seconds = |frames: &[Value]| -> Vec<Value> {
        let all = frames.iter().filter(|frame| frame["type"] == "interval");
        all.map(|frame| frame["data"].clone()).collect()
    };
    let mut whole = seconds(&seen);
    assert!(whole.iter().any(|second| second["distribution"].is_string()), "{seen:?}");
    whole.iter_mut().for_each(|second| second["distribution"] = Value::Null);
    let without = frames(&format!("{run}/stream?distribution=false")).await;
    assert_eq!((seconds(&without), without.len()), (whole, seen.len()));
    let last = seqs[seqs.len() - 2];
    let rest = frames(&format!("{run}/stream?since={last}")).await;
    assert_eq!((rest.len(), &rest[0]["type"]), (1, &json!("end")), "{rest:?}");
    let beyond = frames(&format!("{run}/stream?since={}", u64::MAX)).await;
    assert_eq!(beyond, [seen.last().unwrap().clone()]);
    assert_eq!(beyond[0]["data"], json!({"state": "COMPLETED", "complete": true}));
    let events = seen.iter().filter(|frame| frame["type"] == "event");
    let events: Vec<_> = events.map(|frame| frame["data"].clone()).collect();
    let timeline = api.get(&format!("{run}/timeline")).await.json();
    assert!(!events.is_empty());
    for event in events {
        assert!(timeline["items"].as_array().unwrap().contains(&event), "{event} in {timeline}");
    }
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_warm_up_nothing_was_measured() {
    let (api, target) = (Api::with_workers(2).await, target().await);
    let mut document = document(&target, 600);
    document["warmupSeconds"] = json!(600);
    let (_, run) = started(&api, &document).await;
    let shown = reaches(&api, &run, &["RUNNING"]).await;
    assert_eq!(shown["result"], Value::Null);
    for path in ["stats/total", "stats/series", "stats/histogram", "report"] {
        api.get(&format!("{run}/{path}")).await.problem(409, "nothing-measured");
    }
    assert_eq!(api.get(&format!("{run}/sla")).await.json()["items"], json!([]));
    assert_eq!(api.call(Method::POST, &format!("{run}/stop"), None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_controller_that_drives_the_run() {
    let (api, target) = (Api::with_workers(2).await, target().await);
    let (_, run) = started(&api, &document(&target, 600)).await;
    reaches(&api, &run, &["RUNNING"]).await;
    let controller = api.controller.clone().expect("it is there");
    let id = run.rsplit('/').next().unwrap().into();
    let mut frames = controller.frames(&"local".into(), &id, u64::MAX).await.unwrap();
    let seen = frames.next().await.expect("the run goes on");
    assert_ne!(seen.kind(), FrameKind::End);
    controller.shut_down().await;
    let rest = async {
        while let Some(frame) = frames.next().await {
            assert_ne!(frame.kind(), FrameKind::End)
        }
    };
    timeout(PATIENCE, rest).await.expect("nothing more comes, and that is told");
}
