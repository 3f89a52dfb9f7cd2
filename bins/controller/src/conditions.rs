//! Turns the headers If-Match and If-None-Match into whether a change may be made, or a file need not be sent
//! again (RFC 9110, 13.1).
//!
//! A scenario's tag is its revision. GET of one takes no conditions: what it answers holds the newest run's
//! state as well, which changes without a new revision.

use crate::problem::{Kind, Problem};
use axum::extract::FromRequestParts;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// A revision as a tag.
#[must_use]
pub fn tag(revision: u64) -> HeaderValue {
    // Digits and quotes are fit for a header.
    HeaderValue::try_from(format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// On what a change depends.
#[derive(Debug, Default)]
pub struct Conditions {
    matches: Option<Tags>,
    matches_not: Option<Tags>,
}

#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: whatever is there.
    Any,
    Listed(Vec<Tag>),
}

#[derive(Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    opaque: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (matches, matches_not) =
            (tags(&parts.headers, IF_MATCH)?, tags(&parts.headers, IF_NONE_MATCH)?);
        Ok(Self { matches, matches_not })
    }
}

impl Conditions {
    /// Whether there are any.
    #[must_use]
    pub fn are_given(&self) -> bool {
        self.matches.is_some() || self.matches_not.is_some()
    }

    /// Whether `If-None-Match` names this tag, which is given without its quotes: who asks has that already.
    #[must_use]
    pub fn names(&self, tag: &str) -> bool {
        self.matches_not.as_ref().is_some_and(|it| it.hold(tag, |_| true))
    }

    /// Whether they hold for what has this revision.
    ///
    /// # Errors
    /// Where they do not, with the revision that is there.
    pub fn check(&self, revision: u64) -> Result<(), Problem> {
        let is = revision.to_string();
        // A weak tag promises too little for a change, and enough for leaving it.
        let same = self.matches.as_ref().is_none_or(|it| it.hold(&is, |tag| !tag.weak));
        let other = self.matches_not.as_ref().is_none_or(|it| !it.hold(&is, |_| true));
        if same && other { Ok(()) } else { Err(failed(&format!("its revision is {revision}"))) }
    }
}

/// A condition that does not hold.
#[must_use]
pub fn failed(why: &str) -> Problem {
    Problem::new(Kind::ConditionFailed, format!("{why}: read it again, then change it"))
}

impl Tags {
    fn hold(&self, opaque: &str, counts: impl Fn(&Tag) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.opaque == opaque && counts(tag)),
        }
    }
}

/// The tags of all lines of a header; `None` where there is none.
fn tags(headers: &HeaderMap, name: HeaderName) -> Result<Option<Tags>, Problem> {
    let lines: Vec<_> = headers
        .get_all(&name)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let list = lines.join(",");
    if list.trim() == "*" {
        return Ok(Some(Tags::Any));
    }
    listed(&list).map(|tags| Some(Tags::Listed(tags))).ok_or_else(|| {
        let detail = format!("{name} is {list}; give * or tags in quotes, such as \"3\"");
        Problem::new(Kind::BadRequest, detail)
    })
}

/// The tags of a list, which may hold commas within their quotes; `None` where it is no list of tags.
fn listed(mut rest: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return (!tags.is_empty()).then_some(tags);
        }
        let strong = rest.strip_prefix("W/");
        let (opaque, after) = strong.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { weak: strong.is_some(), opaque: opaque.to_owned() });
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(lines: &[(HeaderName, &str)]) -> Result<Conditions, Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value.parse().unwrap());
        }
        let matches = tags(&headers, IF_MATCH)?;
        Ok(Conditions { matches, matches_not: tags(&headers, IF_NONE_MATCH)? })
    }

    fn holds(name: HeaderName, value: &str) -> bool {
        conditions(&[(name, value)]).unwrap().check(3).is_ok()
    }

    #[test]
    fn a_change_needs_a_strong_tag_of_the_revision() {
        for right in
            ["*", " * ", "\"3\"", "\"1\", \"3\"", "\"a,b\",\"3\"", ",\"3\" ,", "W/\"1\", \"3\""]
        {
            assert!(holds(IF_MATCH, right), "{right}");
        }
        for wrong in ["\"2\"", "\"99\"", "W/\"3\"", "\"03\"", "\"\"", "\"1\", W/\"3\""] {
            assert!(!holds(IF_MATCH, wrong), "{wrong}");
        }
    }

    #[test]
    fn the_opposite_takes_weak_tags_too() {
        for right in ["\"2\"", "W/\"2\"", "\"1\", \"2\""] {
            assert!(holds(IF_NONE_MATCH, right), "{right}");
        }
        for wrong in ["*", "\"3\"", "W/\"3\"", "\"1\", W/\"3\""] {
            assert!(!holds(IF_NONE_MATCH, wrong), "{wrong}");
        }
    }

    #[test]
    fn lines_are_one_list_and_both_headers_must_hold() {
        let two = conditions(&[(IF_MATCH, "\"1\""), (IF_MATCH, "\"3\"")]).unwrap();
        assert!(two.check(3).is_ok() && two.check(1).is_ok() && two.check(2).is_err());
        let both = conditions(&[(IF_MATCH, "*"), (IF_NONE_MATCH, "\"3\"")]).unwrap();
        assert!(both.check(2).is_ok() && both.check(3).is_err());
        assert!(Conditions::default().check(3).is_ok());
    }

    #[test]
    fn what_is_no_tag_is_named() {
        for wrong in ["3", "", "\"3", "W/3", "\"3\" \"4\"", "*, \"3\"", "w/\"3\"", ","] {
            let problem = conditions(&[(IF_MATCH, wrong)]).unwrap_err();
            assert_eq!(problem.status, 400, "{wrong}");
            assert!(problem.detail.starts_with(&format!("if-match is {wrong}")), "{problem:?}");
        }
    }

    #[test]
    fn a_tag_is_a_revision_in_quotes() {
        assert_eq!(tag(u64::MAX), "\"18446744073709551615\"");
    }
}
