//! Writes down who changed what, before it is done and once more with what came of it.
//!
//! It is a layer, so that no call that changes something can be forgotten; handlers add what only they
//! know. An entry without an outcome is one whose controller ended in between.

use crate::access::Caller;
use crate::access::table::{self, Right};
use crate::problem::{Kind, Problem};
use crate::state::{AppState, Platform};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use loadcore::cluster::ScenarioId;
use loadcore::cluster::store::{Note, NoteKind};
use loadcore::profile::Profile;
use loadcore::result::rfc3339;
use loadcore::scenario::Scenario;
use loadcore::time::unix_millis;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Characters of a text in an entry.
const MOST_TEXT: usize = 500;
/// Hosts in an entry.
const MOST_HOSTS: usize = 20;

/// What calls are called, where their method and route do not say it well.
const WORDS: &[(&str, &str, &str)] = &[
    ("POST", "/api/v1/scenarios", "scenario.made"),
    ("PUT", "/api/v1/scenarios/{id}", "scenario.changed"),
    ("DELETE", "/api/v1/scenarios/{id}", "scenario.deleted"),
    ("PUT", "/api/v1/scenarios/{id}/baseline", "baseline.set"),
    ("POST", "/api/v1/scenarios/{id}/runs", "run.started"),
    ("POST", "/api/v1/capacity-searches", "search.started"),
    ("DELETE", "/api/v1/runs/{id}", "run.deleted"),
    ("POST", "/api/v1/runs/{id}/stop", "run.stopped"),
    ("POST", "/api/v1/runs/{id}/pause", "run.paused"),
    ("POST", "/api/v1/runs/{id}/resume", "run.resumed"),
    ("PATCH", "/api/v1/runs/{id}/rate", "run.rate_changed"),
    ("POST", "/api/v1/workers/{id}/drain", "worker.drained"),
    ("POST", "/api/v1/tokens", "token.made"),
    ("DELETE", "/api/v1/tokens/{id}", "token.revoked"),
    ("PUT", "/api/v1/secrets/{name}", "secret.set"),
    ("DELETE", "/api/v1/secrets/{name}", "secret.deleted"),
    ("PUT", "/api/v1/quotas/{user}", "quota.set"),
    ("DELETE", "/api/v1/quotas/{user}", "quota.deleted"),
    ("POST", "/api/v1/halt", "halt.set"),
    ("DELETE", "/api/v1/halt", "halt.lifted"),
    ("PUT", "/api/v1/domains/{domain}", "domain.claimed"),
    ("POST", "/api/v1/domains/{domain}/verify", "domain.proved"),
    ("DELETE", "/api/v1/domains/{domain}", "domain.deleted"),
];

/// An entry that is being written, for whoever knows more of it.
#[derive(Clone, Default)]
pub struct Deed(Option<Arc<Entry>>);

struct Entry {
    platform: Platform,
    note: tokio::sync::Mutex<Note>,
    fields: Mutex<Map<String, Value>>,
    /// The document that was sent is a scenario's: whatever is held against it is the platform's word.
    is_sound: AtomicBool,
}

impl Deed {
    fn begun(platform: Platform, caller: &Caller, what: &str, call: &str) -> Self {
        // In the order of their making, as those of scenarios are.
        let id = ScenarioId::random().to_string();
        let fields = json!({
            "id": id, "at": rfc3339(unix_millis()), "user": caller.owner, "via": caller.via.to_string(),
            "what": what, "call": call, "outcome": null,
        });
        let note = Note {
            kind: NoteKind::Audit,
            owner: caller.owner.clone(),
            name: id,
            revision: 0,
            document: Value::Null,
        };
        let fields = Mutex::new(fields.as_object().cloned().unwrap_or_default());
        let is_sound = AtomicBool::new(false);
        Self(Some(Arc::new(Entry { platform, note: note.into(), fields, is_sound })))
    }

    /// Adds a field. No secret may be in it.
    pub fn says(&self, name: &str, value: impl Into<Value>) {
        if let Some(entry) = &self.0 {
            entry.fields().insert(name.to_owned(), value.into());
        }
    }

    /// Adds what the scenario of a document loads, if it is one. Secrets that it names are not put in.
    pub fn is_against(&self, document: &Value) {
        let Some(entry) = &self.0 else { return };
        let named = without_secrets(document);
        let mut read = Scenario::from_value(named.clone());
        entry.is_sound.store(read.is_ok(), Ordering::Relaxed);
        if read.is_err() {
            read = Scenario::from_value(without_others(named));
        }
        if let Ok(scenario) = read {
            self.says("against", against(&scenario));
        }
    }

    /// Has the store keep what is known by now: before something is done that must not go unseen.
    ///
    /// # Errors
    /// When the store does not answer: it must not be done then.
    pub async fn keep(&self) -> Result<(), Problem> {
        let Some(entry) = &self.0 else { return Ok(()) };
        let mut note = entry.note.lock().await;
        note.document = Value::Object(entry.fields().clone());
        entry.platform.store.keep_note(&note).await?;
        note.revision += 1;
        Ok(())
    }

    /// Adds what came of it.
    fn ends(&self, response: &Response) {
        let Some(entry) = &self.0 else { return };
        let mut fields = entry.fields();
        let status = response.status();
        let outcome = match status {
            it if it.is_server_error() => "failed",
            it if it.is_client_error() => "refused",
            _ => "done",
        };
        fields.insert("outcome".into(), outcome.into());
        fields.insert("status".into(), status.as_u16().into());
        if let Some(made) = response.headers().get(header::LOCATION).and_then(|it| it.to_str().ok())
        {
            fields.insert("made".into(), made.into());
        }
        if let Some(problem) = response.extensions().get::<Problem>() {
            fields.insert("problem".into(), problem.name().into());
            // What was wrong with a document may quote it, secrets and all. What the platform has against
            // a whole scenario does not.
            let quotes = [Kind::BadRequest, Kind::InvalidBody, Kind::InvalidScenario];
            let quotes = quotes.into_iter().any(|kind| problem.is(kind));
            if !quotes || entry.is_sound.load(Ordering::Relaxed) {
                let told = problem.faults.iter().map(|it| format!("{}: {}", it.path, it.message));
                let told: Vec<_> = told.collect();
                let why = if told.is_empty() { problem.detail.clone() } else { told.join("; ") };
                fields.insert("why".into(), why.chars().take(MOST_TEXT).collect::<String>().into());
            }
        }
    }
}

impl Entry {
    fn fields(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Deed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// The layer that writes an entry for each call that may change something.
pub async fn write(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let Some(deed) = begun(&state, &request) else { return next.run(request).await };
    if let Err(problem) = deed.keep().await {
        return problem.into_response();
    }
    request.extensions_mut().insert(deed.clone());
    let response = next.run(request).await;
    deed.ends(&response);
    if let Err(problem) = deed.keep().await {
        tracing::warn!("the audit log does not say what came of a call: {}", problem.detail);
    }
    response
}

/// An entry for a request; `None`: it changes nothing here.
fn begun(state: &AppState, request: &Request) -> Option<Deed> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    let method = request.method();
    let changes = ![Method::GET, Method::HEAD].contains(method)
        && matches!(table::right(method, path), Ok(Right::Run | Right::Account | Right::Admin));
    let caller = request.extensions().get::<Caller>().filter(|_| changes)?;
    let platform = state.platform().ok()?;
    let known = WORDS.iter().find(|row| (row.0, row.1) == (method.as_str(), path));
    let route = format!("{method} {path}");
    let what = known.map_or(route.as_str(), |row| row.2);
    let call = format!("{method} {}", request.uri().path());
    let call: String = call.chars().take(MOST_TEXT).collect();
    // One that stands by refuses everything but a halt.
    let acts = platform.controller.is_leading() || path.ends_with("/halt");
    acts.then(|| Deed::begun(platform, caller, what, &call))
}

/// A document with a letter in the place of each secret that it names (`${secret:NAME}`).
fn without_secrets(document: &Value) -> Value {
    match document {
        Value::String(text) => {
            let mut pieces = text.split("${secret:");
            let mut plain = pieces.next().unwrap_or_default().to_owned();
            for piece in pieces {
                plain.push('x');
                plain.push_str(piece.split_once('}').map_or("", |(_, after)| after));
            }
            plain.into()
        }
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        Value::Object(fields) => {
            let plain = |(name, value): (&String, &Value)| (name.clone(), without_secrets(value));
            Value::Object(fields.iter().map(plain).collect())
        }
        other => other.clone(),
    }
}

/// The same without those beside the load, of whom a secret may be all that is known.
fn without_others(mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| {
            !["alerts", "observe", "proxy", "clientCertificate"].contains(&name.as_str())
        });
    }
    document
}

/// Whom a scenario loads, and with how much.
fn against(scenario: &Scenario) -> Value {
    let mut hosts: Vec<String> = Vec::new();
    let own = Some(scenario.target.url().origin().clone());
    let of_mix = scenario.mix.iter().map(|request| request.url.origin().clone());
    for origin in own.into_iter().filter(|_| scenario.mix.is_empty()).chain(of_mix) {
        let host = format!("{}:{}", origin.host, origin.port);
        if !hosts.contains(&host) && hosts.len() < MOST_HOSTS {
            hosts.push(host);
        }
    }
    let connect_to: Vec<_> =
        scenario.connect_to.iter().take(MOST_HOSTS).map(ToString::to_string).collect();
    json!({
        "hosts": hosts,
        "connectTo": connect_to,
        "ratePerSecond": scenario.load.profile().map(Profile::peak_rate),
        "connections": scenario.connections,
        "durationSeconds": scenario.end().latest().as_secs_f64(),
        "workers": scenario.num_workers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::table::ROWS;

    #[test]
    fn every_call_of_the_table_that_changes_something_has_a_word() {
        for (method, path, right) in ROWS {
            let changes = matches!(right, Right::Run | Right::Account | Right::Admin);
            if changes && *method != "GET" {
                let known = WORDS.iter().any(|row| (row.0, row.1) == (*method, *path));
                assert!(known, "{method} {path} has no word in the audit log");
            }
        }
    }

    #[test]
    fn secrets_that_a_scenario_names_hide_nobody_whom_it_loads() {
        let document = json!({
            "name": "a", "targetUrl": "http://a.test/${secret:A}?k=${secret:K}&l=1", "durationSeconds": 2,
            "headers": {"Authorization": "Bearer ${secret:T}", "X": ["${secret:U}"]}, "proxy": "${secret:P}",
        });
        let named = without_secrets(&document);
        assert_eq!(named["targetUrl"], "http://a.test/x?k=x&l=1");
        assert_eq!(named["headers"], json!({"Authorization": "Bearer x", "X": ["x"]}));
        assert!(Scenario::from_value(named.clone()).is_err(), "its proxy is a secret");
        let scenario = Scenario::from_value(without_others(named)).unwrap();
        assert_eq!(against(&scenario)["hosts"], json!(["a.test:80"]));
    }

    #[test]
    fn whom_a_scenario_loads_is_told_without_what_it_sends() {
        let document = json!({
            "name": "a", "targetUrl": "https://a.test/s3cret?k=s3cret", "durationSeconds": 2,
            "loadProfile": {"type": "CONSTANT", "initialRps": 7}, "headers": {"Authorization": "s3cret"},
            "numWorkers": 3, "connectTo": ["::b.test:81"],
        });
        let told = against(&Scenario::from_value(document).unwrap());
        assert_eq!(
            (&told["hosts"], &told["connectTo"]),
            (&json!(["a.test:443"]), &json!(["::b.test:81"]))
        );
        assert_eq!((&told["ratePerSecond"], &told["workers"]), (&json!(7.0), &json!(3)));
        assert!(!told.to_string().contains("s3cret"));
    }
}
