//! Puts a platform in memory behind the router, and sends requests to it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use loadcore::cluster::coordinator::Leader;
use loadcore::cluster::memory::{MemoryCoordinator, MemoryStore};
use loadcore::cluster::secrets::Secrets;
use loadcore::cluster::store::{RunRecord, RunState};
use loadcore::cluster::{
    AgentOptions, Controller, ControllerOptions, Coordinator, LocalWorkers, RunId, Store,
};
use loadcore::http::TargetPolicy;
use loadcore_controller::access::Access;
use loadcore_controller::app;
use loadcore_controller::origin::Hosts;
use loadcore_controller::state::{AppState, Platform, Status};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tower::ServiceExt;

/// The API over a platform in memory. Unless it is asked for workers it has none, and nothing is
/// ever loaded.
pub struct Api {
    pub router: Router,
    pub store: Arc<dyn Store>,
    pub secrets: Secrets,
    /// `None` while the platform is not there.
    pub controller: Option<Controller>,
    user: Option<String>,
    token: Option<String>,
    _status: Arc<watch::Sender<Status>>,
    _end: Arc<watch::Sender<bool>>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Api {
    pub async fn new() -> Self {
        Self::with(TargetPolicy::default()).await
    }

    pub async fn with(policy: TargetPolicy) -> Self {
        Self::made(policy, None).await
    }

    /// With workers inside, for runs against a target of the test's own.
    pub async fn with_workers(most: usize) -> Self {
        let options = AgentOptions { threads: Some(1), ..AgentOptions::default() };
        Self::made(TargetPolicy::default(), Some(LocalWorkers { most, options })).await
    }

    async fn made(policy: TargetPolicy, local_workers: Option<LocalWorkers>) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let coordinator: Arc<dyn Coordinator> = Arc::new(MemoryCoordinator::new());
        let secrets = Secrets::ephemeral();
        let options = ControllerOptions {
            address: "http://127.0.0.1:0".into(),
            policy,
            secrets: secrets.clone(),
            local_workers,
            ..ControllerOptions::default()
        };
        let controller = Controller::start(store.clone(), coordinator.clone(), options);
        let controller = controller.await.expect("a controller in memory starts");
        let platform = Platform { store: store.clone(), coordinator, controller };
        Self::of(Status::Ready(platform), store, secrets)
    }

    /// Beside another controller, which leads at `http://leader.test`.
    pub async fn standing_by(standby_ready: bool) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let coordinator: Arc<dyn Coordinator> = Arc::new(MemoryCoordinator::new());
        let secrets = Secrets::ephemeral();
        let leader =
            Leader { controller: "another".into(), term: 1, address: "http://leader.test".into() };
        coordinator.lead(&leader, Duration::from_secs(600)).await.expect("nobody else leads");
        let options = ControllerOptions { secrets: secrets.clone(), ..Default::default() };
        let controller = Controller::start(store.clone(), coordinator.clone(), options);
        let controller = controller.await.expect("it stands by");
        let platform = Platform { store: store.clone(), coordinator, controller };
        Self::ready_or_not(Status::Ready(platform), store, secrets, standby_ready)
    }

    /// While the platform is not there.
    pub fn waiting(why: &str) -> Self {
        Self::of(Status::Waiting(why.into()), Arc::new(MemoryStore::new()), Secrets::ephemeral())
    }

    fn of(status: Status, store: Arc<dyn Store>, secrets: Secrets) -> Self {
        Self::ready_or_not(status, store, secrets, false)
    }

    fn ready_or_not(
        status: Status,
        store: Arc<dyn Store>,
        secrets: Secrets,
        standby_ready: bool,
    ) -> Self {
        let controller = match &status {
            Status::Ready(platform) => Some(platform.controller.clone()),
            Status::Waiting(_) => None,
        };
        let (status, when_ready) = watch::channel(status);
        let (end, ending) = watch::channel(false);
        // As on loopback, behind a proxy.
        let hosts = Hosts::new(true, vec!["load.example".into()]);
        let state = AppState::new(when_ready, ending).called(hosts);
        let router = app(AppState { standby_ready, ..state });
        let (status, end) = (Arc::new(status), Arc::new(end));
        let (user, token) = (None, None);
        Self { router, store, secrets, controller, user, token, _status: status, _end: end }
    }

    /// For those alone whom `access` lets in.
    pub async fn guarded(access: Access) -> Self {
        let api = Self::new().await;
        let controller = api.controller.clone().expect("a platform");
        let coordinator: Arc<dyn Coordinator> = Arc::new(MemoryCoordinator::new());
        let platform = Platform { store: api.store.clone(), coordinator, controller };
        let status = watch::channel(Status::Ready(platform)).1;
        let state = AppState::new(status, watch::channel(false).1).guarded(access);
        Self { router: app(state), ..api }
    }

    /// The same API for who has a token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self.as_user("somebody-else-who-is-not-heeded") }
    }

    /// The same API for another user.
    pub fn as_user(&self, user: &str) -> Self {
        Self {
            router: self.router.clone(),
            store: self.store.clone(),
            secrets: self.secrets.clone(),
            controller: self.controller.clone(),
            user: Some(user.into()),
            token: self.token.clone(),
            _status: self._status.clone(),
            _end: self._end.clone(),
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (answer, bytes) = served(&self.router, request).await;
        let text = String::from_utf8(bytes).expect("text");
        Answer { text, ..answer }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(user) = &self.user {
            request = request.header("x-user-id", user);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| body.to_string().into());
        self.send(request.body(body).expect("a request")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Keeps a scenario without starting it, and answers its id.
    pub async fn kept(&self, change: Value) -> String {
        let answer = self.post("/api/v1/scenarios", &scenario(change)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Puts a run into the store, as a controller would have left it.
    pub async fn left(&self, owner: &str, scenario: &str, state: RunState) -> RunRecord {
        let id = RunId::random();
        let record = json!({
            "id": id,
            "owner": owner,
            "scenarioId": scenario,
            "revision": 0,
            "createdUnixMs": 1_767_225_600_000_u64,
            "endedUnixMs": state.has_ended().then_some(1_767_225_660_000_u64),
            "state": state,
            "scenario": self::scenario(json!({})),
            "journal": [{"entry": "start", "atUs": 1_767_225_601_500_000_u64}],
            "planKey": "",
            "warnings": ["one worker of two"],
            "timeline": [],
        });
        let record: RunRecord = serde_json::from_value(record).expect("a record");
        self.store.insert_run(&record).await.expect("a store in memory keeps it");
        record
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// That it is a problem of this status and kind, whole; answers it.
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:loadcore:problem:{kind}"));
        assert_eq!(problem["status"], status);
        for field in ["title", "detail", "instance"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {problem}"
            );
        }
        problem
    }
}

/// An answer, and its body, which may be no text: in the answer it is as far as it is.
pub async fn served(router: &Router, request: Request<Body>) -> (Answer, Vec<u8>) {
    let response = router.clone().oneshot(request).await.expect("the router answers");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 32 << 20).await.expect("a body").to_vec();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (Answer { status: parts.status.as_u16(), headers: parts.headers, text }, bytes)
}

/// A scenario that is not started, with some fields changed; null takes one away.
pub fn scenario(change: Value) -> Value {
    let mut document = json!({
        "name": "Health",
        "targetUrl": "http://127.0.0.1:9/health",
        "durationSeconds": 10,
        "loadProfile": {"type": "CONSTANT", "initialRps": 10},
        "autoStart": false,
    });
    for (field, value) in change.as_object().expect("an object") {
        match value {
            Value::Null => drop(document.as_object_mut().and_then(|fields| fields.remove(field))),
            value => document[field] = value.clone(),
        }
    }
    document
}
