//! Turns a scenario back into its document, with every default filled in.

use super::named::{escaped, is_named};
use super::parse::{ADDRESS_FAMILIES, HTTP_VERSIONS, ON_WORKER_LOSS};
use super::{Endpoint, NamedRequest, REDACTED, ScenarioFields, Target, alerts, checks};
use crate::profile::ProfileType;
use crate::request::{Certificates, FieldName, Identity, ProxyUrl, is_secret_header};
use crate::schedule::Arrivals;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The whole document, its fields in the order of the contract.
pub(super) fn document(scenario: &ScenarioFields) -> Value {
    let arrivals = match scenario.arrivals {
        Arrivals::Uniform => "UNIFORM",
        Arrivals::Poisson { .. } => "POISSON",
    };
    let method = scenario.mix.is_empty().then(|| scenario.method.as_str());
    let mut document = json!({
        "name": scenario.name,
        "targetUrl": scenario.target.to_string(),
        "method": method,
        "headers": headers(&scenario.headers),
        "body": null,
        "mix": null,
        "durationSeconds": seconds(scenario.duration),
        "warmupSeconds": seconds(scenario.warmup),
        "numWorkers": scenario.num_workers,
        "workerWaitSeconds": seconds(scenario.worker_wait),
        "queueSeconds": seconds(scenario.queue_wait),
        "onWorkerLoss": word(ON_WORKER_LOSS, scenario.on_worker_loss),
        "loadProfile": scenario.load.profile().map(|p| load_profile(p.profile_type())),
        "arrivals": arrivals,
        "seed": scenario.seed,
        "maxRequests": scenario.max_requests,
        "connections": scenario.connections,
        "streams": scenario.streams,
        "maxBacklog": scenario.max_backlog,
        "timeoutSeconds": seconds(scenario.timeout),
        "drainSeconds": seconds(scenario.drain),
        "followRedirects": scenario.follow_redirects,
        "tlsVerify": scenario.tls_verify,
        "httpVersion": word(HTTP_VERSIONS, scenario.http_version),
        "keepAlive": scenario.keep_alive,
        "addressFamily": word(ADDRESS_FAMILIES, scenario.address_family),
        "proxy": scenario.proxy.as_ref().map(ProxyUrl::secret),
        "connectTo": scenario.connect_to.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "caCertificate": scenario.ca_certificate.as_ref().map(Certificates::pem),
        "clientCertificate": scenario.client_certificate.as_ref().map(identity),
        "unixSocket": unix_socket(&scenario.target),
        "slackSeconds": scenario.slack.map(seconds),
        "threads": scenario.threads,
        "checks": checks::document(&scenario.checks),
        "sla": json!(scenario.sla),
        "alerts": alerts::document(&scenario.alerts),
        "observe": scenario.observe.iter().map(endpoint).collect::<Vec<_>>(),
        "tags": scenario.tags,
        "notes": scenario.notes,
        "autoStart": scenario.auto_start,
    });
    put_body(&mut document, &scenario.body);
    if !scenario.mix.is_empty() {
        let is_unix = scenario.target.is_unix_url();
        let requests = scenario.mix.iter().map(|request| named_request(request, is_unix));
        document["mix"] = requests.collect();
    }
    document
}

fn endpoint(endpoint: &Endpoint) -> Value {
    json!({"name": endpoint.name, "url": endpoint.url.uri().to_string()})
}

fn identity(identity: &Identity) -> Value {
    json!({"certificate": identity.certificate().pem(), "key": identity.secret_key()})
}

/// The socket that the target's own text does not say.
fn unix_socket(target: &Target) -> Option<String> {
    let socket = target.unix_socket().filter(|_| !target.is_unix_url())?;
    Some(socket.to_string_lossy().into_owned())
}

fn put_body(document: &mut Value, body: &[u8]) {
    match std::str::from_utf8(body) {
        Ok("") => {}
        Ok(text) => document["body"] = text.into(),
        Err(_) => document["bodyBase64"] = STANDARD.encode(body).into(),
    }
}

fn named_request(request: &NamedRequest, is_unix: bool) -> Value {
    let uri = request.url.uri();
    let path = uri.path_and_query().filter(|_| is_unix);
    let mut document = json!({
        "name": request.name,
        "weight": number(request.weight),
        "method": request.method.as_str(),
        "url": path.map_or_else(|| uri.to_string(), ToString::to_string),
        "headers": headers(&request.headers),
        "body": null,
        "checks": checks::document(&request.checks),
    });
    put_body(&mut document, &request.body);
    document
}

/// The document without secrets: headers that carry them, a private key, who we are to a proxy, what
/// alerts are signed with and where Slack takes them. What is nothing but the name of one stays.
pub(super) fn public_document(scenario: &ScenarioFields) -> Value {
    let mut document = escaped(document(scenario));
    if let Some(named) = &scenario.named {
        for field in &named.fields {
            document[field] = named.document[field].clone();
        }
    }
    redact(&mut document);
    if let Some(proxy) = document["proxy"].as_str() {
        document["proxy"] = proxy_shown(proxy).into();
    }
    if let Some(key) = document["clientCertificate"].get_mut("key") {
        redact_text(key);
    }
    let mix = document.get_mut("mix").and_then(Value::as_array_mut);
    mix.into_iter().flatten().for_each(redact);
    let listed = document.get_mut("alerts").and_then(Value::as_array_mut);
    listed.into_iter().flatten().for_each(alerts::redact);
    document
}

fn redact(request: &mut Value) {
    if let Some(Value::Object(headers)) = request.get_mut("headers") {
        for (_, value) in headers.iter_mut().filter(|(name, _)| is_secret_header(name)) {
            redact_text(value);
        }
    }
}

/// Puts [`REDACTED`] in the place of a value that is more than the names of secrets.
pub(super) fn redact_text(value: &mut Value) {
    if !value.as_str().is_some_and(is_named) {
        *value = REDACTED.into();
    }
}

fn proxy_shown(proxy: &str) -> String {
    match proxy.rsplit_once('@') {
        Some((_, host)) if !is_named(proxy) => format!("http://{REDACTED}@{host}"),
        _ => proxy.to_owned(),
    }
}

/// A map of text, and of lists where a name has several values.
fn headers(headers: &[(FieldName, HeaderValue)]) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for (name, value) in headers {
        // Header values came from text, so nothing is lost here.
        let value: Value = String::from_utf8_lossy(value.as_bytes()).into();
        match map.get_mut(name.written()) {
            None => {
                map.insert(name.written().into(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    map.into()
}

/// A profile's part of a document.
pub(crate) fn load_profile(profile: &ProfileType) -> Value {
    let mut value = match profile {
        ProfileType::Constant { initial_rps } => json!({"initialRps": number(*initial_rps)}),
        ProfileType::Ramp { initial_rps, target_rps, ramp_up_seconds } => json!({
            "initialRps": number(*initial_rps),
            "targetRps": number(*target_rps),
            "rampUpSeconds": ramp_up_seconds.map(number),
        }),
        ProfileType::Burst { initial_rps, bursts } => json!({
            "initialRps": number(*initial_rps),
            "bursts": bursts.iter().map(|burst| json!({
                "startSecond": number(burst.start_second),
                "durationSeconds": number(burst.duration_seconds),
                "rps": number(burst.rps),
            })).collect::<Value>(),
        }),
        ProfileType::Spike {
            initial_rps,
            target_rps,
            spike_start_second,
            spike_duration_seconds,
        } => json!({
            "initialRps": number(*initial_rps),
            "targetRps": number(*target_rps),
            "spikeStartSecond": spike_start_second.map(number),
            "spikeDurationSeconds": spike_duration_seconds.map(number),
        }),
        ProfileType::Steps { steps } => json!({
            "steps": steps.iter().map(|step| json!({
                "durationSeconds": number(step.duration_seconds),
                "rps": number(step.rps),
            })).collect::<Value>(),
        }),
        ProfileType::Sine { initial_rps, amplitude_rps, period_seconds } => json!({
            "initialRps": number(*initial_rps),
            "amplitudeRps": number(*amplitude_rps),
            "periodSeconds": number(*period_seconds),
        }),
        ProfileType::Replay { points } => json!({
            "points": points.iter().map(|point| json!({
                "second": number(point.second),
                "rps": number(point.rps),
            })).collect::<Value>(),
        }),
    };
    if let Value::Object(map) = &mut value {
        map.shift_insert(0, "type".into(), profile.name().into());
    }
    value
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> Option<&'static str> {
    words.iter().find(|(_, other)| *other == value).map(|(word, _)| *word)
}

fn seconds(duration: Duration) -> Value {
    number(duration.as_secs_f64())
}

/// `10` rather than `10.0`, as people write it.
fn number(value: f64) -> Value {
    // Up to 2^53 a whole float is one whole number.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        (value as i64).into()
    } else {
        value.into()
    }
}
