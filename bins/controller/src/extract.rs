//! Turns requests into what handlers work with, and what cannot be read into problems that say why.

use crate::access::Caller;
use crate::media::{Written, unsupported};
use crate::problem::{FaultView, Kind, Problem, too_large};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use loadcore::cluster::Owner;
use loadcore::cluster::store::Page;
use loadcore::scenario::{Document, ScenarioError};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(20);

/// Items on a page where the query asks for no number, and at most.
const PAGE: (usize, usize) = (50, 200);

/// Whose scenarios and runs the request is about.
pub struct User(pub Owner);

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Caller::from_request_parts(parts, state).await.map(|caller| Self(caller.owner))
    }
}

/// The query string; a name that is not known is refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|error| {
            Problem::new(
                Kind::BadRequest,
                format!("the query string is wrong: {}", error.body_text()),
            )
        })
    }
}

/// Of a call that has no query: whatever is given is refused, and named.
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.uri.query().filter(|query| !query.is_empty()) {
            None => Ok(Self),
            Some(query) => {
                let name = query.split(['=', '&']).next().unwrap_or_default();
                let detail = format!(
                    "the query string is wrong: unknown field `{name}`, there are no fields"
                );
                Err(Problem::new(Kind::BadRequest, detail))
            }
        }
    }
}

/// Of a call that has no body: nothing, or an empty object from clients that always send one.
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let written = Written::of(request.headers(), false);
        let bytes = read(request, state).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self);
        }
        json_or_form(written?, &bytes, false)?;
        match serde_json::from_slice(&bytes).map_err(|error| not_json(&error))? {
            Value::Object(fields) if fields.is_empty() => Ok(Self),
            Value::Object(fields) => {
                let unknown = |path: String| FaultView { path, message: "is not known".into() };
                let faults = fields.into_iter().map(|(name, _)| unknown(name)).collect();
                Err(Problem::faulty(Kind::InvalidBody, faults))
            }
            other => Err(wrong_kind(&other)),
        }
    }
}

fn wrong_kind(value: &Value) -> Problem {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let message = format!("the body is {found}; give an object");
    Problem::faulty(Kind::InvalidBody, vec![FaultView { path: String::new(), message }])
}

/// A small JSON body; a field that is not known is refused by its type.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let written = Written::of(request.headers(), false)?;
        let bytes = read(request, state).await?;
        json_or_form(written, &bytes, false)?;
        let given: Value = serde_json::from_slice(&bytes).map_err(|error| not_json(&error))?;
        if !given.is_object() {
            // A list would be taken for the fields in their order.
            return Err(wrong_kind(&given));
        }
        // From the text and not from the value, in which a field that is given twice is one.
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let fault = in_our_words(&error.path().to_string(), &error.inner().to_string(), &given);
            Problem::faulty(Kind::InvalidBody, vec![fault])
        })?;
        Ok(Self(value))
    }
}

/// What serde says of a small object into a fault at the field that it is about.
fn in_our_words(path: &str, told: &str, object: &Value) -> FaultView {
    let path = if path == "." { "" } else { path };
    let quoted = || told.split('`').nth(1).unwrap_or_default();
    let at = |field: &str, message: String| {
        let path = match path {
            "" => field.to_owned(),
            // A field that is not known stands in the path already.
            path if field.is_empty() || path == field => path.to_owned(),
            path => format!("{path}.{field}"),
        };
        FaultView { path, message }
    };
    // Lines and columns are for texts that people wrote by hand.
    let plain = told.rsplit_once(" at line ").map_or(told, |(before, _)| before);
    if plain.starts_with("missing field") {
        at(quoted(), "is missing".into())
    } else if plain.starts_with("duplicate field") {
        at(quoted(), "is given twice".into())
    } else if plain.starts_with("unknown field") {
        let known = plain.split_once("expected ").map_or("", |(_, known)| known);
        let known = known.trim_start_matches("one of ").replace('`', "").replace(" or ", ", ");
        at(quoted(), format!("is not known; known are {known}"))
    } else if plain.starts_with("invalid type") && plain.ends_with("expected f64") {
        let found = object.get(path).map(Value::to_string).unwrap_or_default();
        at("", format!("is {found}; give a number"))
    } else {
        at("", plain.to_owned())
    }
}

/// A whole number, however it is written: in JSON 3.0 is 3.
///
/// # Errors
/// When it is none that the field can have.
pub fn whole<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    let is_whole = number.fract() == 0.0 && (0.0..=MOST_WHOLE).contains(&number);
    let whole = is_whole.then(|| T::try_from(number as u64).ok()).flatten();
    let wrong = || D::Error::custom(format!("is {number}; give a whole number from 0 on"));
    whole.map(Some).ok_or_else(wrong)
}

/// Up to here every whole number has a place of its own among those of 64 bits with a point.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A scenario document: JSON, or YAML where the content type says so.
pub struct ScenarioBody {
    /// As it was given.
    pub value: Value,
}

impl<S: Send + Sync> FromRequest<S> for ScenarioBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let written = Written::of(request.headers(), true)?;
        let bytes = read(request, state).await?;
        json_or_form(written, &bytes, true)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            Problem::new(Kind::BadRequest, format!("the body is not UTF-8: {error}"))
        })?;
        let document = match written {
            Written::Yaml => Document::from_yaml(text),
            Written::Json | Written::Form => Document::from_json(text),
        };
        document.map(|document| Self { value: document.into_value() }).map_err(unreadable)
    }
}

/// A text that is no document is a request that cannot be read, whatever it was meant to be; one
/// that could be read and is no object is a scenario with a fault.
fn unreadable(error: ScenarioError) -> Problem {
    match &error.faults[..] {
        [fault] if fault.path.is_empty() && fault.message.starts_with(NOT_VALID) => {
            Problem::new(Kind::BadRequest, fault.message.replacen(NOT_VALID, "the body is not", 1))
        }
        _ => error.into(),
    }
}

/// How the library begins what it says of a text that it cannot read.
const NOT_VALID: &str = "the document is not valid";

/// Refuses a form: whoever sends an object says so by its first letter, whatever the header says.
fn json_or_form(written: Written, bytes: &[u8], yaml: bool) -> Result<(), Problem> {
    if written == Written::Form && bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(unsupported("application/x-www-form-urlencoded", yaml));
    }
    Ok(())
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::BadRequest, format!("the body is not JSON: {error}"))
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let slow = |_| {
        let seconds = BODY.as_secs();
        let detail = format!("the body did not come to its end within {seconds} s");
        Problem::new(Kind::SlowRequest, detail)
    };
    let bytes = timeout(BODY, Bytes::from_request(request, state)).await.map_err(slow)?;
    bytes.map_err(|error| {
        if error.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            Problem::new(Kind::BadRequest, "the body could not be read to its end")
        }
    })
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// The most items of the answer.
    pub limit: usize,
    /// The last id of the page before.
    pub cursor: Option<String>,
}

impl Paging {
    /// From the query's `limit` and `cursor`.
    ///
    /// # Errors
    /// When the limit is no number, or out of range, or the cursor none that a page gave.
    pub fn of(limit: Option<&str>, cursor: Option<String>) -> Result<Self, Problem> {
        let (usual, most) = PAGE;
        let wanted = limit.map_or(Ok(usual), str::parse);
        if let Some(cursor) = cursor.as_deref().filter(|cursor| !is_id(cursor)) {
            let detail = format!("cursor is {cursor:?}; give nextCursor of the page before");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
        match wanted {
            Ok(limit) if (1..=most).contains(&limit) => Ok(Self { limit, cursor }),
            _ => {
                let detail = format!("limit is {}; give 1 to {most}", limit.unwrap_or_default());
                Err(Problem::new(Kind::BadRequest, detail))
            }
        }
    }

    /// The page with as many items as are wanted.
    #[must_use]
    pub fn exactly(&self) -> Page {
        Page { after: self.cursor.clone(), most: self.limit }
    }

    /// The page with one item more: its being there says that there is a next page.
    #[must_use]
    pub fn page(&self) -> Page {
        Page { after: self.cursor.clone(), most: self.limit + 1 }
    }
}

/// Whether it looks like an id of ours: a UUID.
fn is_id(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let lengths = parts.iter().map(|part| part.len());
    lengths.eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_one_that_a_page_gave() {
        let of = |cursor: &str| Paging::of(None, Some(cursor.into()));
        let id = loadcore::cluster::RunId::random();
        assert_eq!(of(id.as_str()).unwrap().page().after.as_deref(), Some(id.as_str()));
        for wrong in ["", "zzz", "019b7705-3c1a-7a10-b6f5-8e2b7a1c9d3g", "1-2-3-4-5"] {
            assert!(of(wrong).unwrap_err().detail.contains("nextCursor"), "{wrong}");
        }
    }

    #[test]
    fn pages_have_limits() {
        let most = |limit| Paging::of(limit, None).map(|paging| paging.page().most);
        assert_eq!(most(None).unwrap(), 51);
        assert_eq!(most(Some("200")).unwrap(), 201);
        assert_eq!(most(Some("201")).unwrap_err().detail, "limit is 201; give 1 to 200");
        assert!(
            most(Some("0")).is_err() && most(Some("many")).is_err() && most(Some("-1")).is_err()
        );
    }
}
