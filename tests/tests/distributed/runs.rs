//! Starts a run on a platform, watches it, and holds it against what the target has counted.

use crate::platform::{Platform, until, wait};
use loadcore::time::now;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long after its planned end, and after the last fault, a run may take to end: longer than the
/// 60 s for which a worker's last snapshot is awaited.
const END: Duration = Duration::from_secs(120);

/// A run under way.
pub struct Run {
    pub id: String,
    pub scenario: String,
    /// Arrivals in its plan.
    pub planned: u64,
    seconds: f64,
    pub posted: Instant,
    /// What the target had counted before.
    before: u64,
}

/// A steady load on the platform's target.
pub fn steady(platform: &Platform, rps: f64, seconds: f64) -> Value {
    json!({
        "name": "distributed", "targetUrl": platform.target.url("/"), "durationSeconds": seconds,
        "numWorkers": platform.workers.len(), "loadProfile": {"type": "CONSTANT", "initialRps": rps},
    })
}

impl Run {
    /// Starts a steady load.
    pub fn steady(platform: &Platform, rps: f64, seconds: f64) -> Self {
        Self::start(platform, &steady(platform, rps, seconds))
    }

    /// Starts a scenario of constant rate.
    pub fn start(platform: &Platform, scenario: &Value) -> Self {
        let before = platform.counted();
        let posted = now();
        let (status, body) = platform.ask("POST", "/api/v1/scenarios", &scenario.to_string());
        assert_eq!(status, 201, "{body}");
        let text = |key: &str| body[key].as_str().unwrap_or_else(|| panic!("{key}: {body}")).into();
        let number = |value: &Value| value.as_f64().expect("a number");
        let seconds = number(&scenario["durationSeconds"]);
        let rps = number(&scenario["loadProfile"]["initialRps"]);
        let planned = (rps * seconds).round() as u64;
        Self { id: text("runId"), scenario: text("scenarioId"), planned, seconds, posted, before }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/runs/{}{rest}", self.id)
    }

    /// How it stands, with its result so far.
    pub fn shown(&self, platform: &Platform) -> Value {
        let shown = platform.get(&self.path(""));
        if let Some(result) = shown.get("result").filter(|result| !result.is_null()) {
            adds_up(result);
        }
        shown
    }

    /// Waits until it makes load.
    pub fn wait_until_running(&self, platform: &Platform) {
        let running = until(Duration::from_secs(30), || {
            let shown = self.shown(platform);
            assert!(!ended(&shown), "{shown}");
            shown["state"] == "RUNNING"
        });
        assert!(running.is_some(), "it does not run: {}", self.shown(platform));
    }

    /// Waits until it runs and has been running for about so long.
    pub fn wait_for_second(&self, platform: &Platform, second: f64) {
        self.wait_until_running(platform);
        let sent = self.planned as f64 / self.seconds * second;
        let come = until(END, || self.counted(platform) as f64 >= sent);
        assert!(come.is_some(), "{} of {sent} requests came", self.counted(platform));
    }

    /// What the target has counted of it.
    pub fn counted(&self, platform: &Platform) -> u64 {
        platform.counted() - self.before
    }

    /// Gives it an order.
    pub fn order(&self, platform: &Platform, method: &str, what: &str, body: &str) {
        let (status, answer) = platform.ask(method, &self.path(what), body);
        assert_eq!(status, 200, "{what}: {answer}");
    }

    /// Waits for its end, and answers how it ended. Meanwhile every published figure must add up.
    pub fn end(&self, platform: &Platform) -> Value {
        let mut last = Value::Null;
        let patience = END + Duration::from_secs_f64(self.seconds);
        until(patience, || {
            wait(Duration::from_millis(200));
            let shown = platform.controllers.last().expect("a controller");
            // While nobody leads or the store is away there is no answer, or one that says so.
            if let Some((200, shown)) = shown.ask("GET", &self.path(""), "") {
                if !shown["result"].is_null() {
                    adds_up(&shown["result"]);
                }
                last = shown;
            }
            ended(&last)
        });
        assert!(ended(&last), "it does not end: {last}\n{}", platform.said());
        let again = self.shown(platform);
        assert_eq!(again["state"], last["state"], "an ended run does not change");
        again
    }

    /// Waits for its end, and holds it against the target: nothing is lost, nothing unknown.
    pub fn ends_whole(&self, platform: &Platform) -> Value {
        let shown = self.end(platform);
        let result = &shown["result"];
        let timeline = || platform.get(&self.path("/timeline"));
        assert_eq!(shown["state"], "COMPLETED", "{shown}");
        assert_eq!(result["complete"], true, "{}\n{}", result["arrivals"], timeline());
        let count = |key: &str| arrivals(result, key);
        assert_eq!(count("sent"), self.counted(platform), "{}\n{}", result["arrivals"], timeline());
        assert_eq!(count("due"), self.planned, "{}\n{}", result["arrivals"], timeline());
        shown
    }

    /// The kinds of events in its timeline, in their order.
    pub fn events(&self, platform: &Platform) -> Vec<String> {
        let timeline = platform.get(&self.path("/timeline"));
        let items = timeline["items"].as_array().expect("a list").iter();
        items.map(|item| item["kind"].as_str().expect("a kind").to_owned()).collect()
    }
}

fn ended(shown: &Value) -> bool {
    ["COMPLETED", "ABORTED", "FAILED"].iter().any(|end| shown["state"] == *end)
}

/// A figure of `arrivals`.
pub fn arrivals(result: &Value, key: &str) -> u64 {
    let count = result["arrivals"][key].as_u64();
    count.unwrap_or_else(|| panic!("arrivals.{key}: {}", result["arrivals"]))
}

/// What holds at every moment.
fn adds_up(result: &Value) {
    let count = |key: &str| arrivals(result, key);
    let parts = ["sent", "dropped", "backlog", "unknown"].map(count);
    assert_eq!(count("due"), parts.iter().sum::<u64>(), "{}", result["arrivals"]);
    assert_eq!(result["complete"] == true, count("unknown") == 0, "{}", result["arrivals"]);
}
