//! Turns a document into a scenario, or into all that is wrong with it.

use super::alerts::alerts;
use super::checks::checks;
use super::connection::{self, connection, over_socket};
use super::load_profile::{self, ReadFile, lent};
use super::object::{Object, as_duration, check_line, key_text, kind_of, quoted};
use super::{
    AddressFamily, HttpVersion, NamedRequest, OnWorkerLoss, Scenario, ScenarioError,
    ScenarioFields, SlaRule, Target, limits, mix, observe, short, sla,
};
use crate::analysis::sla::contradiction;
use crate::profile::{Faults, number};
use crate::request::{FieldName, check_method, check_value, framing};
use crate::schedule::Arrivals;
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Method};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::time::Duration;

/// Judges a whole document. `read` fetches a file that it names.
pub(super) fn scenario(
    root: &Map<String, Value>,
    read: Option<ReadFile<'_>>,
) -> Result<Scenario, ScenarioError> {
    let faults = RefCell::new(Faults::default());
    let fields = fields(Object::new("", root, &faults), read);
    match (fields, faults.into_inner()) {
        (Some(fields), faults) if faults.is_empty() => Ok(Scenario(fields)),
        (_, faults) => Err(ScenarioError { faults: faults.into_vec() }),
    }
}

/// Every field, in the order in which people read them. `None` only with a fault noted; a field
/// that is wrong has its default, for there will be no scenario.
fn fields(mut object: Object<'_>, mut read: Option<ReadFile<'_>>) -> Option<ScenarioFields> {
    let object = &mut object;
    let name = object.required("name", |object, field| object.line(field, 1..=limits::MAX_NAME));
    let target = target_of(object);
    let (target, mix) = mix::mix(object, target);
    let target = over_socket(object, target);
    let mut headers = headers(object);
    short::headers(object, &mut headers);
    let form = short::form(object, &mut headers, lent(&mut read));
    let method = method(object, if form.is_some() { Method::POST } else { Method::GET });
    let body = body(object);
    let duration = duration(object);
    let warmup = object.wait("warmupSeconds", limits::MAX_DURATION_SECONDS);
    let num_workers = object.integer("numWorkers", 1..=limits::MAX_WORKERS);
    let worker_wait = object.wait("workerWaitSeconds", limits::MAX_WAIT_SECONDS);
    let queue_wait = object.wait("queueSeconds", limits::MAX_QUEUE_SECONDS);
    let on_worker_loss = object.choice("onWorkerLoss", ON_WORKER_LOSS);
    let load = load_profile::load(object, duration, lent(&mut read));
    let (arrivals, seed) = arrivals(object);
    let max_requests = object.integer("maxRequests", 1..=limits::MAX_ARRIVALS);
    let connections = object.integer("connections", 1..=limits::MAX_CONNECTIONS);
    let streams = object.integer("streams", 1..=limits::MAX_STREAMS).map(|streams| streams as u32);
    let max_backlog = object.integer("maxBacklog", 0..=limits::MAX_BACKLOG);
    let timeout = object.duration("timeoutSeconds", limits::MAX_WAIT_SECONDS);
    let drain = object.wait("drainSeconds", limits::MAX_WAIT_SECONDS);
    let follow_redirects = object.integer("followRedirects", 0..=limits::MAX_REDIRECTS);
    let tls_verify = object.boolean("tlsVerify");
    let http_version = object.choice("httpVersion", HTTP_VERSIONS);
    let keep_alive = object.boolean("keepAlive");
    let address_family = address_family(object, target.as_ref());
    let way = connection(object, read);
    connection::check(object, &way, (target.as_ref(), &mix), http_version);
    let slack = object.wait("slackSeconds", limits::MAX_SLACK_SECONDS);
    let threads = object.integer("threads", 1..=limits::MAX_THREADS).map(|threads| threads as u32);
    let checks = checks(object);
    let sla = rules(object, &mix);
    let alerts = alerts(object);
    let observe = observe::endpoints(object);
    let tags = tags(object);
    let notes = notes(object);
    let auto_start = object.boolean("autoStart");
    if let (Some(streams), Some(load)) = (streams, &load) {
        streams_without_effect(object, streams, load, http_version, keep_alive);
    }
    object.refuse_unknown();

    let (load, workers) = (load?, num_workers.unwrap_or(1));
    Some(ScenarioFields {
        name: name?,
        target: target?,
        mix,
        method,
        headers,
        body: form.unwrap_or(body),
        duration: duration?,
        warmup: warmup.unwrap_or_default(),
        num_workers: workers as u32,
        worker_wait: worker_wait.unwrap_or(Duration::from_secs(10)),
        queue_wait: queue_wait.unwrap_or(Duration::from_secs(600)),
        on_worker_loss: on_worker_loss.unwrap_or_default(),
        arrivals,
        seed,
        max_requests,
        connections: connections.map_or_else(|| load.default_connections(), |n| n as u32),
        streams: streams.unwrap_or(load.default_streams()),
        max_backlog: max_backlog.or_else(|| load.default_max_backlog(workers)),
        load,
        timeout: timeout.unwrap_or(Duration::from_secs(10)),
        drain: drain.unwrap_or(Duration::from_secs(5)),
        follow_redirects: follow_redirects.unwrap_or(0) as u32,
        tls_verify: tls_verify.unwrap_or(true),
        http_version: http_version.unwrap_or_default(),
        keep_alive: keep_alive.unwrap_or(true),
        address_family,
        proxy: way.proxy,
        connect_to: way.connect_to,
        ca_certificate: way.ca_certificate,
        client_certificate: way.client_certificate,
        slack,
        threads,
        checks,
        sla,
        alerts,
        observe,
        tags,
        notes,
        auto_start: auto_start.unwrap_or(true),
        named: None,
    })
}

/// Requests side by side need HTTP/2, and connections that are kept. A document that was stored holds the
/// default, which is no request for any.
fn streams_without_effect(
    object: &mut Object<'_>,
    streams: u32,
    load: &super::Load,
    version: Option<HttpVersion>,
    keep_alive: Option<bool>,
) {
    if streams == 1 || streams == load.default_streams() {
        return;
    }
    let why = match (version, keep_alive) {
        (Some(HttpVersion::Http1), _) => {
            "httpVersion is http1 (--http1), which carries one after another"
        }
        (_, Some(false)) => {
            "keepAlive is false (--no-keepalive), which gives each request a connection of its own"
        }
        _ => return,
    };
    let text = format!("{streams} requests side by side on a connection, but {why}; leave one out");
    object.fault("streams", text);
}

/// The words of `onWorkerLoss`.
pub(super) const ON_WORKER_LOSS: &[(&str, OnWorkerLoss)] = &[
    ("rebalance", OnWorkerLoss::Rebalance),
    ("continue", OnWorkerLoss::Continue),
    ("fail", OnWorkerLoss::Fail),
];

/// The words of `httpVersion`.
pub(super) const HTTP_VERSIONS: &[(&str, HttpVersion)] =
    &[("auto", HttpVersion::Auto), ("http1", HttpVersion::Http1), ("http2", HttpVersion::Http2)];

/// The words of `addressFamily`.
pub(super) const ADDRESS_FAMILIES: &[(&str, AddressFamily)] =
    &[("any", AddressFamily::Any), ("ipv4", AddressFamily::Ipv4), ("ipv6", AddressFamily::Ipv6)];

fn address_family(object: &mut Object<'_>, target: Option<&Target>) -> AddressFamily {
    let family = object.choice("addressFamily", ADDRESS_FAMILIES).unwrap_or_default();
    let is_unix = target.is_some_and(|target| target.unix_socket().is_some());
    if is_unix && family != AddressFamily::Any {
        object.fault("addressFamily", "a Unix socket has no address of the network; leave it out");
    }
    family
}

/// `targetUrl`, which a mix of whole URLs need not have.
fn target_of(object: &mut Object<'_>) -> Option<Target> {
    if object.value("mix").is_none() {
        return object.required("targetUrl", target);
    }
    object.value("targetUrl")?;
    // Where it is wrong, what is relative to it has no fault of its own.
    target(object, "targetUrl").or_else(|| Target::parse("http://localhost/").ok())
}

fn target(object: &mut Object<'_>, field: &'static str) -> Option<Target> {
    let text = object.text(field)?;
    Target::parse(text).map_err(|message| object.fault(field, message)).ok()
}

/// `default` where there is none. Standard methods are recognised in any case: `get` is no method of its
/// own that somebody means.
pub(super) fn method(object: &mut Object<'_>, default: Method) -> Method {
    let Some(text) = object.text("method") else { return default };
    let upper = text.to_ascii_uppercase();
    let standard = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT"];
    let name = if standard.contains(&upper.as_str()) { &upper } else { text };
    if name.len() > limits::MAX_METHOD_BYTES {
        let (bytes, most) = (name.len(), limits::MAX_METHOD_BYTES);
        object.fault("method", format!("has {bytes} bytes; give at most {most}"));
        return default;
    }
    let method = Method::from_bytes(name.as_bytes())
        .map_err(|_| format!("{} is not a method; give a word such as GET", quoted(text)))
        .and_then(|method| check_method(&method).map(|()| method).map_err(String::from));
    method.unwrap_or_else(|message| {
        object.fault("method", message);
        default
    })
}

/// `durationSeconds`; where a STEPS profile says it, for its steps last as long as the run, it may be
/// left out.
fn duration(object: &mut Object<'_>) -> Option<Duration> {
    let field = "durationSeconds";
    let most = limits::MAX_DURATION_SECONDS;
    let is_given = object.value(field).is_some();
    let Some(sum) = load_profile::sum_of_steps(object).filter(|_| !is_given) else {
        return object.required(field, |object, field| object.duration(field, most));
    };
    if sum.is_nan() {
        return None;
    }
    let duration = as_duration(sum, most).filter(|duration| !duration.is_zero());
    if duration.is_none() {
        let sum = number(sum);
        let advice = format!("give seconds above 0, at most {most}");
        object.fault(field, format!("the steps last {sum} s together, out of range; {advice}"));
    }
    duration
}

/// A map of text, or of lists of text for a name with several values.
pub(super) fn headers(object: &mut Object<'_>) -> Vec<(FieldName, HeaderValue)> {
    let mut headers: Vec<(FieldName, HeaderValue)> = Vec::new();
    let Some(map) = object.object("headers") else { return headers };
    for (key, value) in map.entries() {
        let place = key_text(key);
        let Some(name) = header_name(&map, key, &place) else { continue };
        let values = match value {
            Value::Array(list) => list.iter().enumerate().collect(),
            one => vec![(0, one)],
        };
        for (i, one) in values {
            let place = if value.is_array() { format!("{place}[{i}]") } else { place.clone() };
            let Some(header) = header_value(&map, one, &place) else { continue };
            if let Err(why) = check_value(&name, &header) {
                map.fault(&place, why);
                continue;
            }
            // Beside those of the same name: their order alone has a meaning (RFC 9110, 5.3).
            let last = headers.iter().rposition(|(other, _)| *other == name);
            headers.insert(last.map_or(headers.len(), |last| last + 1), (name.clone(), header));
        }
    }
    // A request with two is refused (RFC 9112 section 3.2).
    if headers.iter().filter(|(name, _)| *name == HOST).count() > 1 {
        object.fault("headers.Host", "is given twice; give one");
    }
    if headers.len() > limits::MAX_HEADERS {
        let (count, most) = (headers.len(), limits::MAX_HEADERS);
        object.fault("headers", format!("{count} headers; give at most {most}"));
    }
    headers
}

fn header_name(map: &Object<'_>, key: &str, place: &str) -> Option<FieldName> {
    if key.len() > limits::MAX_HEADER_NAME_BYTES {
        let (bytes, most) = (key.len(), limits::MAX_HEADER_NAME_BYTES);
        map.fault(place, format!("the name has {bytes} bytes; give at most {most}"));
        return None;
    }
    match FieldName::try_from(key) {
        Ok(name) => match framing(&name) {
            None => Some(name),
            Some(instead) => {
                map.fault(place, format!("is set by the load generator: {instead}"));
                None
            }
        },
        Err(_) => {
            map.fault(place, "is not a header name; give letters, digits and hyphens");
            None
        }
    }
}

fn header_value(map: &Object<'_>, value: &Value, place: &str) -> Option<HeaderValue> {
    let Some(text) = value.as_str() else {
        map.fault(place, format!("expected text, found {}", kind_of(value)));
        return None;
    };
    if text.len() > limits::MAX_HEADER_BYTES {
        let (bytes, most) = (text.len(), limits::MAX_HEADER_BYTES);
        map.fault(place, format!("has {bytes} bytes; give at most {most}"));
        return None;
    }
    let header = HeaderValue::from_bytes(text.as_bytes());
    if header.is_err() {
        // It may be a secret, by whatever name.
        map.fault(place, "has a line break or another control character; leave it out");
    }
    header.ok()
}

/// `body`, or `bodyBase64` for bytes that are no text.
pub(super) fn body(object: &mut Object<'_>) -> Bytes {
    let text = object.text("body").map(|text| Bytes::copy_from_slice(text.as_bytes()));
    let encoded = object.base64("bodyBase64");
    if text.is_some() && encoded.is_some() {
        object.fault("bodyBase64", "stands beside body; give one of them");
    }
    let field = if text.is_some() { "body" } else { "bodyBase64" };
    let body = text.or(encoded).unwrap_or_default();
    if body.len() > limits::MAX_BODY_BYTES {
        let (bytes, most) = (body.len(), limits::MAX_BODY_BYTES);
        object.fault(field, format!("has {bytes} bytes; give at most {most}"));
    }
    body
}

fn arrivals(object: &mut Object<'_>) -> (Arrivals, u64) {
    let poisson = object.choice("arrivals", &[("UNIFORM", false), ("POISSON", true)]);
    let seed = object.integer("seed", 0..=u64::MAX).unwrap_or(0);
    let is_poisson = poisson == Some(true);
    (if is_poisson { Arrivals::Poisson { seed } } else { Arrivals::Uniform }, seed)
}

fn rules(object: &mut Object<'_>, mix: &[NamedRequest]) -> Vec<SlaRule> {
    let list = object.list("sla").unwrap_or_default();
    if list.len() > limits::MAX_RULES {
        let (count, most) = (list.len(), limits::MAX_RULES);
        object.fault("sla", format!("{count} rules; give at most {most}"));
        return Vec::new();
    }
    let rule = |(i, value)| sla::rule(object, &format!("sla[{i}]"), value, mix);
    let rules: Vec<_> = list.iter().enumerate().filter_map(rule).collect();
    // Where one could not be read, places are not those of the list.
    if rules.len() == list.len()
        && let Some((place, why)) = contradiction(rules.iter().map(|rule| &rule.rule))
    {
        object.fault(&format!("sla[{place}]"), why);
    }
    rules
}

fn tags(object: &mut Object<'_>) -> Vec<String> {
    let list = object.list("tags").unwrap_or_default();
    if list.len() > limits::MAX_TAGS {
        let (count, most) = (list.len(), limits::MAX_TAGS);
        object.fault("tags", format!("{count} tags; give at most {most}"));
        return Vec::new();
    }
    let tag = |(i, value)| {
        let place = format!("tags[{i}]");
        let text = object.expect(&place, value, "text", Value::as_str)?;
        check_line(text, 1..=limits::MAX_TAGS).map_err(|fault| object.fault(&place, fault)).ok()
    };
    list.iter().enumerate().filter_map(tag).collect()
}

fn notes(object: &mut Object<'_>) -> String {
    let notes = object.text("notes").unwrap_or_default();
    let count = notes.chars().count();
    if count > limits::MAX_NOTES {
        object
            .fault("notes", format!("has {count} characters; give at most {}", limits::MAX_NOTES));
    }
    notes.into()
}
