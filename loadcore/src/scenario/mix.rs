//! Turns the `mix` of a document into named requests.

use super::checks::checks;
use super::object::{Object, key_text};
use super::parse::{body, headers, method};
use super::{Target, limits};
use crate::request::{Check, FieldName, MOST_REQUESTS, Mix, Url};
use bytes::Bytes;
use http::{HeaderValue, Method};
use std::collections::BTreeSet;
use std::fmt;

/// One request of a mix.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct NamedRequest {
    /// Its name, which no other one of the mix has.
    pub name: String,
    /// How often it is sent, in proportion to the others' weights.
    pub weight: f64,
    /// Where it goes.
    pub url: Url,
    /// Its method.
    pub method: Method,
    /// Its own header fields, beside the scenario's; one of the same name is sent in that one's place.
    pub headers: Vec<(FieldName, HeaderValue)>,
    /// Its body; empty for none.
    pub body: Bytes,
    /// Its own checks, beside the scenario's.
    pub checks: Vec<Check>,
}

/// Without what may be a secret.
impl fmt::Debug for NamedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.method, self.url.origin().host)
    }
}

impl NamedRequest {
    /// All header fields that it is sent with.
    #[must_use]
    pub fn all_headers(
        &self,
        of_scenario: &[(FieldName, HeaderValue)],
    ) -> Vec<(FieldName, HeaderValue)> {
        let replaced = |name: &FieldName| self.headers.iter().any(|(own, _)| own == name);
        let kept = of_scenario.iter().filter(|(name, _)| !replaced(name));
        kept.chain(&self.headers).cloned().collect()
    }
}

/// Which request of the mix each arrival is.
pub(super) fn picks(seed: u64, mix: &[NamedRequest]) -> Mix {
    let weights: Vec<_> = mix.iter().map(|request| request.weight).collect();
    Mix::new(seed, &weights)
}

/// The requests of `mix`, and the target: where none is given, the first request says it. `None` for
/// that only with a fault noted.
pub(super) fn mix(
    object: &mut Object<'_>,
    target: Option<Target>,
) -> (Option<Target>, Vec<NamedRequest>) {
    let Some(list) = object.list("mix") else { return (target, Vec::new()) };
    for field in ["method", "body", "bodyBase64", "form"] {
        if object.value(field).is_some() {
            let text = "stands beside mix, whose requests have methods and bodies of their own; \
                        leave it out here";
            object.fault(field, text);
        }
    }
    if list.is_empty() {
        object
            .fault("mix", format!("is empty; give 1 to {MOST_REQUESTS} requests, or leave it out"));
    }
    if list.len() > MOST_REQUESTS {
        let count = list.len();
        object.fault("mix", format!("has {count} requests; give at most {MOST_REQUESTS}"));
        return (target, Vec::new());
    }
    let mut names = BTreeSet::new();
    let mut target = target;
    let mut requests = Vec::new();
    for (place, value) in list.iter().enumerate() {
        let Some(mut one) = object.part(&format!("mix[{place}]"), value) else { continue };
        let request = request(&mut one, &mut target);
        one.refuse_unknown();
        let Some(request) = request else { continue };
        if !names.insert(request.name.clone()) {
            let name = key_text(&request.name);
            one.fault("name", format!("{name} is the name of another request of the mix as well"));
        }
        requests.push(request);
    }
    (target, requests)
}

fn request(object: &mut Object<'_>, target: &mut Option<Target>) -> Option<NamedRequest> {
    let name =
        object.required("name", |object, field| object.line(field, 1..=limits::MAX_REQUEST_NAME));
    let weight = weight(object);
    let url = url(object, target);
    let method = method(object, Method::GET);
    let headers = headers(object);
    let (body, checks) = (body(object), checks(object));
    Some(NamedRequest { name: name?, weight: weight?, url: url?, method, headers, body, checks })
}

/// A weight that is wrong is none.
fn weight(object: &mut Object<'_>) -> Option<f64> {
    if object.value("weight").is_none() {
        return Some(1.0);
    }
    let weight = object.number("weight")?;
    let (least, most) = (limits::MIN_WEIGHT, limits::MAX_WEIGHT);
    if (least..=most).contains(&weight) {
        return Some(weight);
    }
    let found = crate::profile::number(weight);
    object.fault(
        "weight",
        format!("{found} is out of range; give a number above 0, {least} to {most}"),
    );
    None
}

/// A whole URL, or one relative to the target; without one the target itself.
fn url(object: &mut Object<'_>, target: &mut Option<Target>) -> Option<Url> {
    let Some(text) = object.text("url") else {
        if target.is_none() {
            object.fault("url", "is missing, and there is no targetUrl; give one of them");
        }
        return target.as_ref().map(|target| target.url().clone());
    };
    if text.len() > limits::MAX_URL_BYTES {
        let (bytes, most) = (text.len(), limits::MAX_URL_BYTES);
        object.fault("url", format!("has {bytes} bytes; give at most {most}"));
        return None;
    }
    let is_whole = crate::request::has_scheme(text);
    let url = match target {
        Some(target) if !is_whole => target.url().join(text),
        None if !is_whole => {
            let text = super::object::quoted(text);
            Err(format!("{text} is relative, and there is no targetUrl; give a whole URL"))
        }
        _ => Url::parse(text),
    };
    let url = match url {
        Ok(url) => url,
        Err(message) => {
            object.fault("url", message);
            return None;
        }
    };
    match target {
        None => *target = Some(Target::from(url.clone())),
        Some(target) if target.unix_socket().is_some() && is_whole => {
            object.fault("url", "goes elsewhere than targetUrl's Unix socket; give its path alone");
        }
        Some(_) => {}
    }
    Some(url)
}
