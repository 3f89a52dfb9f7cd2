//! Turns the headers Accept and Content-Type into which form an answer takes and how a body is
//! read.

use crate::problem::{Kind, Problem};
use crate::routes::API;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// JSON, and said to be.
    Json,
    /// YAML.
    Yaml,
    /// JSON as far as is known: `curl -d` calls all that it sends a form, where nobody says more.
    Form,
}

/// Types that YAML has had before and since it was registered.
const YAML: [&str; 5] =
    ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/vnd.yaml"];

impl Written {
    /// What the headers of a request say of its body; JSON where they say nothing.
    ///
    /// # Errors
    /// For what is neither JSON nor, where `yaml` is taken, YAML.
    pub fn of(headers: &HeaderMap, yaml: bool) -> Result<Self, Problem> {
        let coding = text_of(headers, &CONTENT_ENCODING);
        if let Some(coding) = coding.filter(|it| !it.trim().eq_ignore_ascii_case("identity")) {
            let detail = format!("Content-Encoding is {coding}; send the body as it is");
            return Err(Problem::new(Kind::UnsupportedType, detail));
        }
        let Some(given) = text_of(headers, &CONTENT_TYPE) else { return Ok(Self::Json) };
        let mut parts = given.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.find_map(charset).is_none_or(|it| it == "utf-8" || it == "us-ascii");
        match kind.as_str() {
            "application/json" | "text/json" if charset => Ok(Self::Json),
            it if it.ends_with("+json") && charset => Ok(Self::Json),
            it if yaml && charset && (YAML.contains(&it) || it.ends_with("+yaml")) => {
                Ok(Self::Yaml)
            }
            "application/x-www-form-urlencoded" => Ok(Self::Form),
            _ => Err(unsupported(&given, yaml)),
        }
    }
}

/// A type that is not read here.
#[must_use]
pub fn unsupported(given: &str, yaml: bool) -> Problem {
    let taken = if yaml { "application/json or application/yaml" } else { "application/json" };
    let detail = format!("Content-Type is {given}; give {taken}, in UTF-8");
    Problem::new(Kind::UnsupportedType, detail)
}

/// All lines of a header as one, where there is any.
fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines = headers.get_all(name).iter().map(|it| String::from_utf8_lossy(it.as_bytes()));
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

fn charset(parameter: &str) -> Option<String> {
    let (name, value) = parameter.split_once('=')?;
    let is_it = name.trim().eq_ignore_ascii_case("charset");
    is_it.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
}

/// Which types an answer may have, and which are wanted most.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Accept {
    /// Types and how much they are wanted, in thousandths; empty where nothing is said.
    ranges: Vec<(String, u16)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Accept {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

impl Accept {
    /// What a request's headers say.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let given = text_of(headers, &ACCEPT).unwrap_or_default();
        let ranges = given.split(',').map(str::trim).filter(|range| !range.is_empty());
        Self { ranges: ranges.map(range).collect() }
    }

    /// How much a type is wanted: not at all is 0.
    #[must_use]
    pub fn wants(&self, kind: &str) -> u16 {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let family = format!("{}/*", kind.split('/').next().unwrap_or_default());
        // The nearest range says it.
        [kind.as_str(), &family, "*/*"]
            .into_iter()
            .find_map(|it| self.ranges.iter().find(|(range, _)| range == it))
            .map_or(if self.ranges.is_empty() { 1_000 } else { 0 }, |(_, quality)| *quality)
    }
}

/// One range with its quality, which is 1 where it is not said, or cannot be read.
fn range(text: &str) -> (String, u16) {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts.find_map(|it| it.strip_prefix("q=").or_else(|| it.strip_prefix("Q=")));
    let quality = quality.and_then(|it| it.trim().parse::<f64>().ok());
    (kind, quality.map_or(1_000, |it| (it.clamp(0.0, 1.0) * 1e3).round() as u16))
}

/// The layer that refuses calls of the API whose answer would not be taken: before anything is
/// changed, and what only reads by what it would answer. Errors are told whoever asks.
pub async fn refuse_unwanted(request: Request, next: Next) -> Response {
    let accept = Accept::of(request.headers());
    if !request.uri().path().starts_with(API) {
        return next.run(request).await;
    }
    let answers_json = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    if answers_json && accept.wants("application/json") == 0 {
        return unwanted("application/json");
    }
    let response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    match kind {
        Some(kind) if response.status().is_success() && accept.wants(kind) == 0 => unwanted(kind),
        _ => response,
    }
}

fn unwanted(kind: &str) -> Response {
    let detail = format!("the answer is {kind}, which Accept does not list");
    Problem::new(Kind::NotAcceptable, detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn written(kind: &str, yaml: bool) -> Result<Written, Problem> {
        Written::of(&headers(&[(CONTENT_TYPE, kind)]), yaml)
    }

    #[test]
    fn json_is_taken_and_yaml_where_it_may_be() {
        assert_eq!(Written::of(&HeaderMap::new(), false).unwrap(), Written::Json);
        for kind in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "text/json",
            "application/merge-patch+json",
            "application/json;charset=\"utf-8\"; a=b",
        ] {
            assert_eq!(written(kind, false).unwrap(), Written::Json, "{kind}");
        }
        for kind in ["application/yaml", "text/x-yaml; charset=utf-8", "application/openapi+yaml"] {
            assert_eq!(written(kind, true).unwrap(), Written::Yaml, "{kind}");
            assert_eq!(written(kind, false).unwrap_err().status, 415, "{kind}");
        }
        assert_eq!(written("application/x-www-form-urlencoded", false).unwrap(), Written::Form);
    }

    #[test]
    fn anything_else_is_named() {
        for kind in [
            "text/xml",
            "application/xml",
            "multipart/form-data; boundary=x",
            "text/plain",
            "json",
            "",
            "application/jsonl",
            "application/json; charset=latin1",
            "application/yaml; charset=utf-16",
            "application/json, text/xml",
        ] {
            let problem = written(kind, true).unwrap_err();
            assert_eq!(problem.status, 415, "{kind}");
            assert!(problem.detail.contains(kind) && problem.detail.contains("application/yaml"));
        }
        let json = (CONTENT_TYPE, "application/json");
        let packed = headers(&[json.clone(), (CONTENT_ENCODING, "gzip")]);
        assert_eq!(Written::of(&packed, true).unwrap_err().status, 415);
        assert!(Written::of(&headers(&[json, (CONTENT_ENCODING, "identity")]), true).is_ok());
    }

    #[test]
    fn the_nearest_range_says_how_much_a_type_is_wanted() {
        let wants = |given: &str, kind: &str| Accept::of(&headers(&[(ACCEPT, given)])).wants(kind);
        assert_eq!(Accept::default().wants("application/json"), 1_000);
        for given in [
            "",
            "*/*",
            "application/*",
            "application/json",
            "text/html, */*;q=0.8",
            "APPLICATION/JSON;q=0.1",
            "text/csv, application/json; charset=utf-8",
        ] {
            assert!(wants(given, "application/json; charset=utf-8") > 0, "{given}");
        }
        for given in [
            "text/html",
            "application/jso",
            "text/*",
            "application/json;q=0, */*",
            "application/*;q=0, */*;q=0.5",
            "nonsense",
            "*/*;q=0.0",
        ] {
            assert_eq!(wants(given, "application/json"), 0, "{given}");
        }
        assert_eq!(wants("text/*;q=0.3, text/csv;q=0.7", "text/csv"), 700);
        assert_eq!(wants("text/*;q=0.3, text/csv;q=0.7", "text/plain"), 300);
    }
}
