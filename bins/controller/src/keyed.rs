//! Turns the header Idempotency-Key into the key of a call. The platform decides what a key means.

use crate::problem::{Kind, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use loadcore::cluster::controller::MAX_KEY;

/// The header.
pub const KEY_HEADER: &str = "idempotency-key";

/// The key of a call, where it has one.
pub struct Key(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut lines = parts.headers.get_all(KEY_HEADER).iter();
        let Some(line) = lines.next() else { return Ok(Self(None)) };
        match line.to_str() {
            Ok(key)
                if (1..=MAX_KEY).contains(&key.len())
                    && key.bytes().all(|byte| byte.is_ascii_graphic())
                    && lines.next().is_none() =>
            {
                Ok(Self(Some(key.to_owned())))
            }
            _ => {
                let detail = format!(
                    "Idempotency-Key is one text of 1 to {MAX_KEY} visible ASCII characters"
                );
                Err(Problem::new(Kind::BadRequest, detail))
            }
        }
    }
}
