//! Turns what a reply must have, said in a short text or by calls, into the first of it that a
//! reply lacks.
//!
//! A reply that fails a check is a failed request of class `check`. Checks judge a whole reply: what
//! failed on the way keeps its class. A status of 400 and more has failed by itself, as `http_4xx` or
//! `http_5xx`, unless a check of the status asked for another one; what else is checked is not looked
//! at there, for nobody expects of an error's page what the real one has.
//!
//! A body is judged as it comes, and is neither kept nor unpacked: see [`Inspection`].

mod inspection;
mod text;

pub use inspection::Inspection;

use super::quoted;
use http::{HeaderName, HeaderValue};
use memchr::memmem::Finder;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The longest text that is looked for in a body, and the longest value of a header.
pub const MAX_CHECK_BYTES: usize = 65_536;
/// The longest name of a header that is checked.
const MAX_NAME_BYTES: usize = 256;
/// Every status that a whole reply can have.
pub(crate) const STATUSES: RangeInclusive<u16> = 200..=599;

/// One thing that a reply must have.
///
/// ```
/// use loadcore::request::Check;
///
/// let check: Check = "bytes<=9000".parse()?;
/// assert_eq!(check, Check::body_bytes(None, Some(9_000))?);
/// assert_eq!(check.to_string(), "bytes<=9000");
/// # Ok::<(), loadcore::request::CheckError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check(Kind);

/// What is looked at, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The status is one of these: 200 to 200, or 200 to 299.
    Status(RangeInclusive<u16>),
    /// A field of this name is such.
    Header(HeaderName, Field),
    /// The body has this in it.
    BodyContains(String),
    /// The body has so many bytes at least, and so many at most.
    BodyBytes(Option<u64>, Option<u64>),
}

/// What a header must be; where several fields have its name, what one of them must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// There.
    Present,
    /// This value.
    Is(String),
    /// A value that has this in it.
    Contains(String),
}

/// A check that cannot be: what is wrong with it, and what there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CheckError(String);

impl Check {
    /// The status is this one.
    ///
    /// # Errors
    /// One that no whole reply has: outside of 200 to 599.
    pub fn status(status: u16) -> Result<Self, CheckError> {
        if !STATUSES.contains(&status) {
            let (first, last) = (STATUSES.start(), STATUSES.end());
            let limits = format!("{status} is no status of a reply; give {first} to {last}");
            return Err(CheckError(limits));
        }
        Ok(Self(Kind::Status(status..=status)))
    }

    /// The status is one of a hundred: `2xx`, `3xx`, `4xx` or `5xx`.
    ///
    /// # Errors
    /// Any other text.
    pub fn status_class(class: &str) -> Result<Self, CheckError> {
        let hundred = match class.as_bytes() {
            [digit @ b'2'..=b'5', b'x' | b'X', b'x' | b'X'] => u16::from(digit - b'0') * 100,
            _ => {
                let class = quoted(class);
                return Err(CheckError(format!("{class} is no status; give 200 to 599, or 2xx")));
            }
        };
        Ok(Self(Kind::Status(hundred..=hundred + 99)))
    }

    /// A header is there, or is such. Values are compared byte by byte, without the spaces around them.
    ///
    /// # Errors
    /// A name or a value that no header has, or one that is too long.
    pub fn header(name: &str, field: Field) -> Result<Self, CheckError> {
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            let advice = "is not a header name; give letters, digits and hyphens";
            CheckError(format!("{} {advice}", quoted(name)))
        })?;
        at_most(name.len(), MAX_NAME_BYTES)?;
        let field = match field {
            Field::Present => Field::Present,
            Field::Is(value) => Field::Is(header_value(&value)?),
            Field::Contains(part) => Field::Contains(not_empty(&header_value(&part)?)?.into()),
        };
        Ok(Self(Kind::Header(known, field)))
    }

    /// The body has a text in it, as it comes: one that comes compressed is not unpacked.
    ///
    /// # Errors
    /// A text that is empty, or longer than [`MAX_CHECK_BYTES`].
    pub fn body_contains(text: &str) -> Result<Self, CheckError> {
        at_most(text.len(), MAX_CHECK_BYTES)?;
        Ok(Self(Kind::BodyContains(not_empty(text)?.into())))
    }

    /// The body has so many bytes at least, and so many at most, counted as they come.
    ///
    /// # Errors
    /// Neither of the two, or more at least than at most.
    pub fn body_bytes(at_least: Option<u64>, at_most: Option<u64>) -> Result<Self, CheckError> {
        match (at_least, at_most) {
            (None, None) => Err(CheckError("bounds nothing; give a number of bytes".into())),
            (Some(least), Some(most)) if least > most => Err(CheckError(format!(
                "no body has at least {least} and at most {most} bytes; give the lower one first"
            ))),
            bounds => Ok(Self(Kind::BodyBytes(bounds.0, bounds.1))),
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }
}

fn at_most(bytes: usize, most: usize) -> Result<(), CheckError> {
    if bytes > most {
        return Err(CheckError(format!("has {bytes} bytes; give at most {most}")));
    }
    Ok(())
}

fn not_empty(text: &str) -> Result<&str, CheckError> {
    if text.is_empty() {
        return Err(CheckError("looks for an empty text, which is everywhere; give one".into()));
    }
    Ok(text)
}

/// HTTP has no spaces around a value (RFC 9110 section 5.5), and no control character in it.
fn header_value(text: &str) -> Result<String, CheckError> {
    let text = text.trim_matches([' ', '\t']);
    at_most(text.len(), MAX_CHECK_BYTES)?;
    if HeaderValue::from_bytes(text.as_bytes()).is_err() {
        let why = "has a line break or another control character, which no header has";
        return Err(CheckError(format!("{} {why}", quoted(text))));
    }
    Ok(text.into())
}

/// What each reply to a request must have, ready to be looked for. Cheap to clone; without a check it
/// is nothing at all.
#[derive(Debug, Clone, Default)]
pub struct Checks(Option<Arc<List>>);

#[derive(Debug)]
struct List {
    all: Vec<Check>,
    /// What is looked for in the body, in the order of the checks.
    needles: Vec<Finder<'static>>,
    /// How many bytes at the end of a piece may be the beginning of a needle.
    overlap: usize,
}

impl Checks {
    /// Whether nothing is checked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The checks, in their order.
    #[must_use]
    pub fn all(&self) -> &[Check] {
        self.0.as_ref().map_or(&[], |list| &list.all)
    }

    /// These and one more.
    #[must_use]
    pub fn and(&self, check: Check) -> Self {
        self.all().iter().cloned().chain([check]).collect()
    }

    /// `None` where nothing is checked.
    #[inline]
    pub(crate) fn some(&self) -> Option<&Self> {
        self.0.is_some().then_some(self)
    }
}

impl FromIterator<Check> for Checks {
    fn from_iter<I: IntoIterator<Item = Check>>(checks: I) -> Self {
        let all: Vec<Check> = checks.into_iter().collect();
        if all.is_empty() {
            return Self::default();
        }
        let needle = |check: &Check| match check.kind() {
            Kind::BodyContains(text) => Some(Finder::new(text.as_bytes()).into_owned()),
            _ => None,
        };
        let needles: Vec<_> = all.iter().filter_map(needle).collect();
        let longest = needles.iter().map(|needle| needle.needle().len()).max();
        let overlap = longest.map_or(0, |longest| longest - 1);
        Self(Some(Arc::new(List { all, needles, overlap })))
    }
}

/// The same checks in the same order.
impl PartialEq for Checks {
    fn eq(&self, other: &Self) -> bool {
        self.all() == other.all()
    }
}

impl Eq for Checks {}
