//! Turns a header field's name into the two forms in which it is sent.

use http::header::{HeaderName, InvalidHeaderName};
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::str::FromStr;

/// A header field's name: HTTP/1.1 sends it as it was written, since there are servers that look at
/// that; HTTP/2 in lower case, as it must (RFC 9113 section 8.2.1). Names that differ in case alone
/// are equal (RFC 9110 section 5.1).
#[derive(Debug, Clone)]
pub struct FieldName {
    written: Cow<'static, str>,
    name: HeaderName,
}

impl FieldName {
    /// A name that is known to be one, as it is to be written.
    pub(crate) fn known(name: HeaderName, written: &'static str) -> Self {
        debug_assert!(name.as_str().eq_ignore_ascii_case(written));
        Self { written: Cow::Borrowed(written), name }
    }

    /// As it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }
}

/// Written in lower case.
impl From<HeaderName> for FieldName {
    fn from(name: HeaderName) -> Self {
        Self { written: Cow::Owned(name.as_str().to_owned()), name }
    }
}

impl TryFrom<&str> for FieldName {
    type Error = InvalidHeaderName;

    fn try_from(written: &str) -> Result<Self, InvalidHeaderName> {
        let name = HeaderName::from_bytes(written.as_bytes())?;
        Ok(Self { written: Cow::Owned(written.to_owned()), name })
    }
}

impl FromStr for FieldName {
    type Err = InvalidHeaderName;

    fn from_str(written: &str) -> Result<Self, InvalidHeaderName> {
        Self::try_from(written)
    }
}

impl Deref for FieldName {
    type Target = HeaderName;

    fn deref(&self) -> &HeaderName {
        &self.name
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for FieldName {}

impl PartialEq<HeaderName> for FieldName {
    fn eq(&self, other: &HeaderName) -> bool {
        self.name == *other
    }
}

impl Hash for FieldName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// As it was written.
impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Whether a header of this name carries a secret.
pub(crate) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_HEADERS.iter().any(|part| name.contains(part))
}

/// Parts of the names of headers that carry secrets: `authorization`, `x-auth`, `cookie`,
/// `x-csrf-token`, `x-api-key`.
const SECRET_HEADERS: [&str; 7] =
    ["auth", "cookie", "token", "secret", "password", "api-key", "apikey"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_as_written_and_compared_without_its_case() {
        let name: FieldName = "X-Api-KEY".parse().unwrap();
        assert_eq!((name.written(), name.as_str()), ("X-Api-KEY", "x-api-key"));
        assert_eq!(name, "x-API-key".parse::<FieldName>().unwrap());
        assert_eq!(FieldName::from(http::header::ACCEPT).to_string(), "accept");
        assert!("a b".parse::<FieldName>().is_err() && "".parse::<FieldName>().is_err());
    }
}
