//! Requests into what handlers work with, and what cannot be read into problems that say why.

use crate::problem::{FaultView, Kind, Problem, too_large};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use loadcore::cluster::Owner;
use loadcore::cluster::store::Page;
use loadcore::scenario::Document;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Names the user where nobody is authenticated.
pub const USER_HEADER: &str = "x-user-id";

/// The user where no header names one.
pub const LOCAL_USER: &str = "local";

/// Characters of a user's name.
const MAX_USER: usize = 128;

/// Items on a page where the query asks for no number, and at most.
const PAGE: (usize, usize) = (50, 200);

/// Whose scenarios and runs the request is about.
pub struct User(pub Owner);

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        user(&parts.headers).map(Self)
    }
}

fn user(headers: &HeaderMap) -> Result<Owner, Problem> {
    let mut values = headers.get_all(USER_HEADER).iter();
    let Some(value) = values.next() else { return Ok(LOCAL_USER.into()) };
    let visible = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(name)
            if (1..=MAX_USER).contains(&name.len())
                && visible(name.as_bytes())
                && values.next().is_none() =>
        {
            Ok(name.into())
        }
        _ => Err(Problem::new(
            Kind::BadRequest,
            format!("the header X-User-Id is one name of 1 to {MAX_USER} visible ASCII characters"),
        )),
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

/// A small JSON body; a field that is not known is refused by its type.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = read(request, state).await?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            if inner.is_data() {
                let path = if path == "." { String::new() } else { path };
                let message = inner.to_string();
                Problem::faulty(Kind::InvalidBody, vec![FaultView { path, message }])
            } else {
                not_json(&inner)
            }
        })?;
        reader.end().map_err(|error| not_json(&error))?;
        Ok(Self(value))
    }
}

/// A scenario document: JSON, or YAML where the content type says so.
pub struct ScenarioBody {
    /// As it was given.
    pub value: Value,
}

impl<S: Send + Sync> FromRequest<S> for ScenarioBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let yaml = is_yaml(request.headers());
        let bytes = read(request, state).await?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            Problem::new(Kind::BadRequest, format!("the body is not UTF-8: {error}"))
        })?;
        let document = if yaml {
            Document::from_yaml(text).map_err(|error| Problem {
                detail: error.to_string(),
                ..Problem::new(Kind::BadRequest, "")
            })?
        } else {
            serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map_err(|error| not_json(&error))?;
            Document::from_json(text)?
        };
        Ok(Self { value: document.into_value() })
    }
}

fn is_yaml(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().ends_with("yaml"))
    })
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::BadRequest, format!("the body is not JSON: {error}"))
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|error| {
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
    /// When the limit is no number, or out of range.
    pub fn of(limit: Option<&str>, cursor: Option<String>) -> Result<Self, Problem> {
        let (usual, most) = PAGE;
        let wanted = limit.map_or(Ok(usual), str::parse);
        match wanted {
            Ok(limit) if (1..=most).contains(&limit) => Ok(Self { limit, cursor }),
            _ => {
                let detail = format!("limit is {}; give 1 to {most}", limit.unwrap_or_default());
                Err(Problem::new(Kind::BadRequest, detail))
            }
        }
    }

    /// The page with one item more: its being there says that there is a next page.
    #[must_use]
    pub fn page(&self) -> Page {
        Page { after: self.cursor.clone(), most: self.limit + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users() {
        let named = |name: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(USER_HEADER, name.parse().unwrap());
            user(&headers)
        };
        assert_eq!(user(&HeaderMap::new()).unwrap(), Owner::from("local"));
        assert_eq!(named("ann@example.com").unwrap(), Owner::from("ann@example.com"));
        for wrong in ["", "a b", "\u{e9}", &"x".repeat(129)] {
            assert!(named(wrong).unwrap_err().detail.contains("1 to 128 visible"), "{wrong:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(USER_HEADER, "a".parse().unwrap());
        twice.append(USER_HEADER, "b".parse().unwrap());
        assert!(user(&twice).is_err());
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
