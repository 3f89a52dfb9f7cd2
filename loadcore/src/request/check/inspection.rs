//! Turns a reply, as it comes, into the first check that it fails.
//!
//! No body is kept. What is looked for is searched in each piece where it lies in the read buffer;
//! only the end of a piece, where a text may begin that the next piece ends, is copied. So a body of
//! any length costs the memory of three such texts, and the time of reading it.

use super::text::Status;
use super::{Check, Checks, Field, Kind, List};
use crate::request::{ErrorClass, Failure, is_secret_header, quoted};
use std::fmt;

/// Pieces are gathered until they are so many bytes: a body that comes byte by byte must not cost a
/// search for each.
const GATHERED: usize = 1_024;

/// Judges one reply after another by the checks of its request; its memory is used again.
///
/// For each reply [`begin`](Self::begin), then [`head`](Self::head), then [`body`](Self::body) for
/// every piece in turn, then [`end`](Self::end), all with the same checks.
#[derive(Debug, Default)]
pub struct Inspection {
    status: u16,
    /// What the head has failed by.
    failure: Option<Failure>,
    body_bytes: u64,
    /// Which needles the body has had, in their order.
    found: Vec<bool>,
    /// How many of them are still looked for.
    missing: usize,
    /// The end of what has come: not searched together with what follows, and perhaps not at all yet.
    held: Vec<u8>,
}

impl Inspection {
    /// Begins a reply.
    pub fn begin(&mut self, checks: &Checks) {
        let needles = checks.0.as_ref().map_or(0, |list| list.needles.len());
        self.status = 0;
        self.failure = None;
        self.body_bytes = 0;
        self.found.clear();
        self.found.resize(needles, false);
        self.missing = needles;
        self.held.clear();
    }

    /// The head has come, with the fields that `fields` goes through.
    pub fn head<'a, F>(&mut self, checks: &Checks, status: u16, fields: impl Fn() -> F)
    where
        F: Iterator<Item = (&'a str, &'a [u8])>,
    {
        self.status = status;
        let fails = |check: &Check| match check.kind() {
            Kind::Status(range) if !range.contains(&status) => {
                let expected = Status(range.start(), range.end());
                Some(failed(format_args!("expected status {expected}, got {status}")))
            }
            Kind::Header(name, field) if !self.has_failed() => {
                let name = name.as_str();
                let of_name = |&(other, _): &(&str, _)| name.eq_ignore_ascii_case(other);
                field_fails(name, field, fields().filter(of_name).map(|(_, value)| value))
            }
            _ => None,
        };
        self.failure = checks.all().iter().find_map(fails);
        if self.failure.is_some() || self.has_failed() {
            self.missing = 0;
        }
    }

    /// The next piece of the body.
    #[inline]
    pub fn body(&mut self, checks: &Checks, piece: &[u8]) {
        self.body_bytes += piece.len() as u64;
        if self.missing > 0
            && let Some(list) = &checks.0
        {
            self.gather(list, piece);
        }
    }

    /// The reply is whole: the first check that it fails, if any. What the head fails comes first.
    pub fn end(&mut self, checks: &Checks) -> Option<Failure> {
        if self.failure.is_some() || self.has_failed() {
            return self.failure.take();
        }
        let list = checks.0.as_ref()?;
        self.search_held(list);
        let mut found = self.found.iter();
        list.all.iter().find_map(|check| match check.kind() {
            Kind::BodyContains(text) if !found.next().is_some_and(|found| *found) => {
                Some(failed(format_args!("the body lacks {}", quoted(text))))
            }
            Kind::BodyBytes(least, most) => self.bytes_fail(*least, *most),
            _ => None,
        })
    }

    /// By its status alone, whatever is checked.
    fn has_failed(&self) -> bool {
        self.status >= 400
    }

    fn bytes_fail(&self, least: Option<u64>, most: Option<u64>) -> Option<Failure> {
        let got = self.body_bytes;
        if least.is_none_or(|least| got >= least) && most.is_none_or(|most| got <= most) {
            return None;
        }
        let expected = match (least, most) {
            (Some(least), Some(most)) if least == most => format!("{least}"),
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, most) => format!("at most {}", most.unwrap_or(u64::MAX)),
        };
        Some(failed(format_args!("expected a body of {expected} bytes, got {got}")))
    }

    fn gather(&mut self, list: &List, piece: &[u8]) {
        // Twice the overlap: at least half of what is searched at once was never searched before.
        let room = GATHERED.max(2 * list.overlap);
        if self.held.len() + piece.len() <= room {
            self.held.extend_from_slice(piece);
            return;
        }
        if !self.held.is_empty() {
            self.held.extend_from_slice(&piece[..piece.len().min(list.overlap)]);
            self.search_held(list);
        }
        if piece.len() > list.overlap {
            self.search(list, piece);
            self.held.clear();
            self.held.extend_from_slice(&piece[piece.len() - list.overlap..]);
        } else {
            self.held.drain(..self.held.len().saturating_sub(list.overlap));
        }
    }

    fn search_held(&mut self, list: &List) {
        let held = std::mem::take(&mut self.held);
        self.search(list, &held);
        self.held = held;
    }

    fn search(&mut self, list: &List, bytes: &[u8]) {
        for (found, needle) in self.found.iter_mut().zip(&list.needles) {
            if !*found && needle.find(bytes).is_some() {
                *found = true;
                self.missing -= 1;
            }
        }
    }
}

/// What is wrong with the fields of a name.
fn field_fails<'a>(
    name: &str,
    field: &Field,
    values: impl Iterator<Item = &'a [u8]>,
) -> Option<Failure> {
    let mut values = values.peekable();
    let Some(&first) = values.peek() else {
        return Some(failed(format_args!("the header {name} is missing")));
    };
    let (passes, what, expected) = match field {
        Field::Present => return None,
        Field::Is(value) => (values.any(|it| it == value.as_bytes()), "is not", value),
        Field::Contains(part) => {
            (values.any(|it| memchr::memmem::find(it, part.as_bytes()).is_some()), "lacks", part)
        }
    };
    if passes {
        return None;
    }
    let text = format!("the header {name} {what} {}", quoted(expected));
    // Reports are passed around.
    if is_secret_header(name) {
        return Some(failed(text));
    }
    let found = quoted(&String::from_utf8_lossy(first));
    Some(failed(format_args!("{text}, it is {found}")))
}

fn failed(what: impl fmt::Display) -> Failure {
    Failure::text(ErrorClass::Check, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checks(texts: &[&str]) -> Checks {
        texts.iter().map(|text| text.parse::<Check>().unwrap()).collect()
    }

    type Fields<'a> = &'a [(&'a str, &'a [u8])];

    /// What one reply with a body in such pieces fails by.
    fn judged<'a>(
        inspection: &mut Inspection,
        checks: &Checks,
        (status, fields): (u16, Fields<'_>),
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<String> {
        inspection.begin(checks);
        inspection.head(checks, status, || fields.iter().copied());
        pieces.into_iter().for_each(|piece| inspection.body(checks, piece));
        let failure = inspection.end(checks)?;
        assert_eq!(failure.class, ErrorClass::Check);
        Some(failure.to_string())
    }

    #[test]
    fn each_kind_says_what_was_expected_and_what_was_found() {
        let fields: Fields<'_> = &[("X-A", b"one"), ("x-a", b"two"), ("Set-Cookie", b"id=s3cret")];
        let body: &[u8] = b"it is ok";
        let mut inspection = Inspection::default();
        for (check, expected) in [
            ("status==302", None),
            ("status==3xx", None),
            ("status==200", Some("expected status 200, got 302")),
            ("status==2xx", Some("expected status 2xx, got 302")),
            ("header:x-A", None),
            ("header:x-a==two", None),
            ("header:x-a~=w", None),
            ("header:x-b", Some("the header x-b is missing")),
            ("header:x-b==1", Some("the header x-b is missing")),
            ("header:x-a==Two", Some("the header x-a is not \"Two\", it is \"one\"")),
            ("header:x-a==", Some("the header x-a is not \"\", it is \"one\"")),
            ("header:x-a~=three", Some("the header x-a lacks \"three\", it is \"one\"")),
            ("header:set-cookie~=a", Some("the header set-cookie lacks \"a\"")),
            ("body~=ok", None),
            ("body~=it is ok", None),
            ("body~=OK", Some("the body lacks \"OK\"")),
            ("bytes==8", None),
            ("bytes<=8", None),
            ("bytes>=8", None),
            ("bytes==7", Some("expected a body of 7 bytes, got 8")),
            ("bytes<=7", Some("expected a body of at most 7 bytes, got 8")),
            ("bytes>=9", Some("expected a body of at least 9 bytes, got 8")),
        ] {
            let found = judged(&mut inspection, &checks(&[check]), (302, fields), [body]);
            assert_eq!(found.as_deref(), expected, "{check}");
        }
        let both = Check::body_bytes(Some(9), Some(10)).unwrap();
        let found = judged(&mut inspection, &[both].into_iter().collect(), (200, &[]), [body]);
        assert_eq!(found.as_deref(), Some("expected a body of 9 to 10 bytes, got 8"));
    }

    #[test]
    fn the_first_that_fails_is_told_the_head_before_the_body() {
        let checks = checks(&["bytes>=1", "body~=ok", "body~=no", "header:x-a", "status==200"]);
        let mut inspection = Inspection::default();
        let mut of = |status, fields, body: &'static [u8]| {
            judged(&mut inspection, &checks, (status, fields), [body])
        };
        let there: Fields<'_> = &[("x-a", b"")];
        assert_eq!(of(204, &[], b"").as_deref(), Some("the header x-a is missing"));
        assert_eq!(of(204, there, b"").as_deref(), Some("expected status 200, got 204"));
        let none = "expected a body of at least 1 bytes, got 0";
        assert_eq!(of(200, there, b"").as_deref(), Some(none));
        assert_eq!(of(200, there, b"no").as_deref(), Some("the body lacks \"ok\""));
        assert_eq!(of(200, there, b"ok").as_deref(), Some("the body lacks \"no\""));
        assert_eq!(of(200, there, b"no, ok"), None);
        // Nothing of one reply is left for the next.
        assert_eq!(of(200, there, b"xx").as_deref(), Some("the body lacks \"ok\""));
    }

    #[test]
    fn what_has_failed_by_its_status_is_judged_by_its_status_alone() {
        let mut inspection = Inspection::default();
        let mut of = |check: &str, status| {
            judged(&mut inspection, &checks(&[check]), (status, &[]), [&b"sorry"[..]])
        };
        assert_eq!(of("status==200", 503).as_deref(), Some("expected status 200, got 503"));
        for status in [400, 404, 503, 599] {
            for check in ["status==4xx", "body~=ok", "header:x-a", "bytes<=1"] {
                let expected = (check == "status==4xx" && status >= 500)
                    .then(|| format!("expected status 4xx, got {status}"));
                assert_eq!(of(check, status), expected, "{check} of {status}");
            }
        }
        assert!(of("body~=ok", 399).is_some());
    }

    /// How much is held, whatever comes.
    #[test]
    fn a_body_of_any_length_costs_the_same_memory() {
        let needle = "n".repeat(1_000);
        let checks: Checks =
            ["short", &needle].map(|it| Check::body_contains(it).unwrap()).into_iter().collect();
        let mut inspection = Inspection::default();
        inspection.begin(&checks);
        inspection.head(&checks, 200, std::iter::empty);
        let piece = [b'n'; 999];
        for size in [1, 7, 998, 999, 1, 999, 500].into_iter().cycle().take(20_000) {
            inspection.body(&checks, &piece[..size]);
            inspection.body(&checks, b"-");
            assert!(inspection.held.len() <= 3_000 && inspection.held.capacity() <= 6_000);
        }
        assert_eq!(inspection.end(&checks).unwrap().to_string(), "the body lacks \"short\"");
    }

    #[test]
    fn what_is_found_is_not_shown_at_length() {
        let long = "v".repeat(60_000);
        let fields: Fields<'_> = &[("x-a", long.as_bytes())];
        let check = checks(&[&format!("header:x-a==w{long}")[..60_000]]);
        let text = judged(&mut Inspection::default(), &check, (200, fields), []).unwrap();
        assert!(text.len() < 200, "{text}");
    }

    /// `bytes` in pieces of these sizes, again and again.
    fn pieces<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
        let mut rest = bytes;
        let mut cut = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            cut.push(piece);
            rest = after;
        }
        cut
    }

    proptest! {
        /// Of few letters, so that what is looked for is often there, or nearly.
        #[test]
        fn however_a_body_is_cut_the_same_is_found(
            body in prop::collection::vec(prop::sample::select(vec![b'a', b'b']), 0..6_000),
            needles in prop::collection::vec("[ab]{1,14}", 1..4),
            long in prop::option::of((any::<prop::sample::Index>(), 1usize..2_500, any::<bool>())),
            sizes in prop::collection::vec(prop_oneof![1usize..4, 1usize..4_000], 1..12),
        ) {
            let mut needles = needles;
            if let Some((at, length, is_there)) = long && !body.is_empty() {
                let at = at.index(body.len());
                let part = &body[at..body.len().min(at + length)];
                let end = if is_there { "" } else { "c" };
                needles.push(format!("{}{end}", String::from_utf8_lossy(part)));
            }
            let checks: Checks =
                needles.iter().map(|it| Check::body_contains(it).unwrap()).collect();
            let mut inspection = Inspection::default();
            let found = judged(&mut inspection, &checks, (200, &[]), pieces(&body, &sizes));
            let text = String::from_utf8(body).unwrap();
            let lacks = needles.iter().find(|needle| !text.contains(&***needle));
            let expected = lacks.map(|needle| format!("the body lacks {}", quoted(needle)));
            prop_assert_eq!(found, expected);
        }
    }
}
