//! Turns a test as it was configured into the scenario document that its result shows, whole, so that
//! it can be run again.
//!
//! What was said in Rust and what was read from a document end here in the same fields. Two things a
//! document cannot say. What is under load where it is no HTTP: such a document has no `targetUrl`, and
//! nothing of HTTP. And somebody's own profile: it stands there as STEPS, in each of which as many
//! arrivals fall due as in the profile itself. Which addresses may be loaded is no part of it either:
//! that is for whoever runs it to say.

use super::http::Request;
use super::load::AnyProfile;
use super::planned::Planned;
use super::settings::TestSettings;
use super::subject::Subject;
use crate::analysis::sla::SlaRule;
use crate::http::{HttpOptions, HttpRequest};
use crate::profile::{Profile, ProfileType, Step};
use crate::request::{Certificates, Identity, ProxyUrl, Url};
use crate::scenario::{
    Endpoint, Load, NamedRequest, Scenario, ScenarioFields, Target, profile_document,
};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

/// So many steps stand for somebody's own profile.
const STEPS: u32 = 200;

/// What only HTTP has.
const HTTP: [&str; 15] = [
    "targetUrl",
    "method",
    "headers",
    "streams",
    "followRedirects",
    "tlsVerify",
    "httpVersion",
    "keepAlive",
    "addressFamily",
    "proxy",
    "connectTo",
    "caCertificate",
    "clientCertificate",
    "unixSocket",
    "checks",
];

/// The document, without secrets.
pub(super) fn document(
    subject: &Subject,
    settings: &TestSettings,
    plan: &Planned,
    (profile, rules, endpoints): (Option<&AnyProfile>, &[SlaRule], &[Endpoint]),
) -> Value {
    let mut fields = settings.origin.as_ref().map_or_else(Scenario::plain, |it| (***it).clone());
    put_load(&mut fields, settings, plan, profile);
    fields.name.clone_from(&settings.name);
    fields.timeout = settings.timeout;
    fields.drain = settings.drain;
    fields.slack = settings.slack;
    fields.threads = settings.threads.map(|threads| threads as u32);
    fields.sla = rules.to_vec();
    fields.observe = endpoints.to_vec();
    if let Subject::Http(options, requests) = subject {
        put_http(&mut fields, options, plan.open);
        put_mix(&mut fields, (options, requests), &settings.mix);
    }
    let mut document = Scenario::described(fields).public_value();
    if let Some(AnyProfile::Own(own)) = profile {
        document["loadProfile"] = profile_document(&steps_of(own, plan, settings.requests));
    }
    if let Subject::Made(_) = subject {
        HTTP.iter().for_each(|key| document[*key] = Value::Null);
        let names =
            settings.mix.iter().map(|(name, weight)| json!({"name": name, "weight": weight}));
        document["mix"] = if settings.mix.is_empty() { Value::Null } else { names.collect() };
    }
    document
}

fn put_load(
    fields: &mut ScenarioFields,
    settings: &TestSettings,
    plan: &Planned,
    profile: Option<&AnyProfile>,
) {
    fields.load = match profile {
        Some(AnyProfile::Ours(profile)) => Load::Open(profile.clone()),
        Some(AnyProfile::Own(_)) | None => Load::Closed,
    };
    fields.duration = plan.end.latest();
    fields.warmup = settings.warmup;
    fields.arrivals = settings.arrivals();
    fields.seed = settings.seed;
    fields.max_requests = settings.requests;
    let connections = settings.connections.unwrap_or(plan.default_connections());
    fields.connections = connections.try_into().unwrap_or(u32::MAX);
    fields.max_backlog = plan.open.then_some(plan.max_backlog);
}

fn put_http(fields: &mut ScenarioFields, options: &HttpOptions, open: bool) {
    // What is wrong here keeps the run from being made.
    if let Ok(target) = target_of(options) {
        fields.target = target;
    }
    fields.method.clone_from(&options.method);
    fields.headers.clone_from(&options.headers);
    fields.body.clone_from(&options.body);
    fields.checks = options.checks.all().to_vec();
    fields.http_version = options.version;
    fields.streams = options.streams(open) as u32;
    fields.keep_alive = options.keep_alive;
    fields.follow_redirects = options.max_redirects;
    fields.address_family = options.address_family;
    fields.connect_to.clone_from(&options.connect_to);
    fields.proxy = options.proxy.as_ref().and_then(|uri| ProxyUrl::parse(&uri.to_string()).ok());
    let tls = &options.tls;
    fields.tls_verify = !tls.insecure;
    let certificates = |pem: &Vec<u8>| Certificates::parse(pem).ok();
    fields.ca_certificate = tls.ca_pem.as_ref().and_then(certificates);
    fields.client_certificate = tls.client_pem.as_ref().and_then(|(certificate, key)| {
        Identity::new(certificates(certificate)?, std::str::from_utf8(key).ok()?).ok()
    });
}

fn target_of(options: &HttpOptions) -> Result<Target, String> {
    let target = Target::from(Url::of(&options.uri)?);
    match &options.unix_socket {
        Some(socket) => target.over_socket(socket.clone()),
        None => Ok(target),
    }
}

fn put_mix(
    fields: &mut ScenarioFields,
    (options, requests): (&HttpOptions, &[Request]),
    names: &[(String, f64)],
) {
    fields.mix = requests.iter().filter_map(|request| request.named_request(options)).collect();
    if requests.is_empty() {
        let named = names.iter().zip(&options.mix);
        fields.mix = named.filter_map(|((name, weight), it)| whole(name, *weight, it)).collect();
    }
    if fields.mix.is_empty() {
        return;
    }
    // Each has a method and a body of its own, and here headers and checks as well.
    (fields.method, fields.body) = (Method::GET, Bytes::new());
    if requests.is_empty() {
        (fields.headers, fields.checks) = (Vec::new(), Vec::new());
    }
}

/// A request that needs nothing of the scenario.
fn whole(name: &str, weight: f64, request: &HttpRequest) -> Option<NamedRequest> {
    Some(NamedRequest {
        name: name.to_owned(),
        weight,
        url: Url::of(&request.uri).ok()?,
        method: request.method.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        checks: request.checks.all().to_vec(),
    })
}

/// As many arrivals in each step as somebody's own profile has there.
fn steps_of(profile: &dyn Profile, plan: &Planned, limit: Option<u64>) -> ProfileType {
    let duration = plan.end.latest().as_secs_f64();
    // Where a number ends it, what comes after the last arrival does not matter.
    let last = limit.map_or(duration, |limit| profile.inverse(limit as f64));
    let last = if last > 0.0 { last.min(duration) } else { duration };
    let step = last / f64::from(STEPS);
    let demand = |place: u32| profile.demand(f64::from(place) * step);
    let between = |place: u32| Step {
        duration_seconds: step,
        rps: ((demand(place + 1) - demand(place)) / step).max(0.0),
    };
    let mut steps: Vec<_> = (0..STEPS).map(between).collect();
    if duration - last > step {
        steps.push(Step { duration_seconds: duration - last, rps: profile.rate(last) });
    }
    ProfileType::Steps { steps }
}
