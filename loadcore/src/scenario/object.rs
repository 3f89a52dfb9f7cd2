//! Turns an object of the document into typed values, noting every fault with its path.
//!
//! A reader asks for the fields that it knows, each with its type and range. What is wrong comes
//! back as `None`, like what is absent, with the fault noted; so parsing goes on to the end, and
//! what nobody asked for is unknown.

pub(super) use crate::request::quoted;

use crate::profile::Faults;
use crate::profile::number as written;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::time::Duration;

/// An object of the document, and where it is.
pub(super) struct Object<'a> {
    path: String,
    map: &'a Map<String, Value>,
    faults: &'a RefCell<Faults>,
    /// The fields asked for so far.
    known: Vec<&'static str>,
}

impl<'a> Object<'a> {
    pub(super) fn new(
        path: impl Into<String>,
        map: &'a Map<String, Value>,
        faults: &'a RefCell<Faults>,
    ) -> Self {
        Self { path: path.into(), map, faults, known: Vec::new() }
    }

    /// Notes a fault of a field; of the object itself where the field is empty.
    pub(super) fn fault(&self, field: &str, message: impl Into<String>) {
        self.faults.borrow_mut().add(self.path_of(field), message);
    }

    pub(super) fn path_of(&self, field: &str) -> String {
        match (self.path.as_str(), field) {
            ("", field) => field.into(),
            (path, "") => path.into(),
            (path, field) => format!("{path}.{field}"),
        }
    }

    /// The value of a field; null is the same as absent.
    pub(super) fn value(&mut self, field: &'static str) -> Option<&'a Value> {
        if !self.known.contains(&field) {
            self.known.push(field);
        }
        self.map.get(field).filter(|value| !value.is_null())
    }

    /// What `read` makes of a field that may not be absent.
    pub(super) fn required<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Option<T>,
    ) -> Option<T> {
        let value = read(self, field);
        if value.is_none() {
            // Noted only where there is no fault of the field yet.
            self.fault(field, "is missing");
        }
        value
    }

    pub(super) fn text(&mut self, field: &'static str) -> Option<&'a str> {
        let value = self.value(field)?;
        self.expect(field, value, "text", Value::as_str)
    }

    /// Text of a number of characters within a range, none of them a control character.
    pub(super) fn line(
        &mut self,
        field: &'static str,
        length: RangeInclusive<usize>,
    ) -> Option<String> {
        let text = self.text(field)?;
        check_line(text, length).map_err(|message| self.fault(field, message)).ok()
    }

    /// Bytes in base64.
    pub(super) fn base64(&mut self, field: &'static str) -> Option<Bytes> {
        let decoded = STANDARD.decode(self.text(field)?);
        let fault = |error| self.fault(field, format!("is not base64: {error}"));
        decoded.map(Bytes::from).map_err(fault).ok()
    }

    pub(super) fn boolean(&mut self, field: &'static str) -> Option<bool> {
        let value = self.value(field)?;
        self.expect(field, value, "true or false", Value::as_bool)
    }

    pub(super) fn number(&mut self, field: &'static str) -> Option<f64> {
        let value = self.value(field)?;
        self.expect(field, value, "a number", Value::as_f64)
    }

    /// A number that may not be absent; NaN for one that is absent or wrong, its fault being noted.
    pub(super) fn required_number(&mut self, field: &'static str) -> f64 {
        self.required(field, Self::number).unwrap_or(f64::NAN)
    }

    /// A whole number within a range; `10.0` is one also.
    pub(super) fn integer(
        &mut self,
        field: &'static str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = self.value(field)?;
        let number = self.expect(field, value, "a whole number", Value::as_f64)?;
        let whole = value.as_u64().or_else(|| {
            // Beyond 2^53 a float does not say which whole number it is.
            ((0.0..=9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0)
                .then_some(number as u64)
        });
        let integer = whole.filter(|integer| range.contains(integer));
        if integer.is_none() {
            let (low, high) = (range.start(), range.end());
            let found = if value.is_u64() { value.to_string() } else { written(number) };
            self.fault(
                field,
                format!("{found} is out of range; give a whole number, {low} to {high}"),
            );
        }
        integer
    }

    /// Seconds above 0, at most `high`.
    pub(super) fn duration(&mut self, field: &'static str, high: f64) -> Option<Duration> {
        let seconds = self.number(field)?;
        let duration = as_duration(seconds, high).filter(|duration| !duration.is_zero());
        if duration.is_none() {
            let found = written(seconds);
            self.fault(
                field,
                format!("{found} is out of range; give seconds above 0, at most {high}"),
            );
        }
        duration
    }

    /// Seconds from 0 to `high`.
    pub(super) fn wait(&mut self, field: &'static str, high: f64) -> Option<Duration> {
        let seconds = self.number(field)?;
        let duration = as_duration(seconds, high);
        if duration.is_none() {
            let found = written(seconds);
            self.fault(field, format!("{found} is out of range; give 0 to {high} seconds"));
        }
        duration
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        field: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(field)?;
        let chosen = choices.iter().find(|(word, _)| *word == text);
        if chosen.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            self.fault(
                field,
                format!("{} is unknown; give {}", quoted(text), alternatives(&words)),
            );
        }
        chosen.map(|(_, value)| *value)
    }

    pub(super) fn list(&mut self, field: &'static str) -> Option<&'a [Value]> {
        let value = self.value(field)?;
        self.expect(field, value, "a list", |value| value.as_array().map(Vec::as_slice))
    }

    /// What `read` makes of each object of a list that must be there, with at most `most` of them.
    pub(super) fn elements<T>(
        &mut self,
        field: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Object<'_>) -> T,
    ) -> Vec<T> {
        // What is no object is a fault, and is read as an empty one, so that the others keep their
        // places.
        let empty = Map::new();
        let list = self.required(field, Self::list).unwrap_or_default();
        if list.len() > most {
            self.fault(field, format!("{} {field}; give 1 to {most}", list.len()));
            return Vec::new();
        }
        let element = |(i, value): (usize, &'a Value)| {
            let place = format!("{field}[{i}]");
            let map = self.expect(&place, value, "an object", Value::as_object).unwrap_or(&empty);
            let mut element = Object::new(self.path_of(&place), map, self.faults);
            let read = read(&mut element);
            element.refuse_unknown();
            read
        };
        list.iter().enumerate().map(element).collect()
    }

    pub(super) fn object(&mut self, field: &'static str) -> Option<Object<'a>> {
        let value = self.value(field)?;
        self.part(field, value)
    }

    /// What must be an object: a field's value, or an element of a list (`bursts[2]`).
    pub(super) fn part(&self, field: &str, value: &'a Value) -> Option<Object<'a>> {
        let map = self.expect(field, value, "an object", Value::as_object)?;
        Some(Object::new(self.path_of(field), map, self.faults))
    }

    /// The fields of an object that any name may have.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.map.iter()
    }

    /// A value of the right type.
    pub(super) fn expect<T>(
        &self,
        field: &str,
        value: &'a Value,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let right = read(value);
        if right.is_none() {
            let first = field.split(['[', '.']).next().unwrap_or_default();
            let found = match HOLD_SECRETS.contains(&first) {
                true => kind_of(value).into(),
                false => describe(value),
            };
            self.fault(field, format!("expected {expected}, found {found}"));
        }
        right
    }

    /// Whether there is a field that nobody asked for.
    pub(super) fn has_unknown(&self) -> bool {
        self.unknown().next().is_some()
    }

    fn unknown(&self) -> impl Iterator<Item = &String> {
        self.map.keys().filter(|key| !self.known.contains(&key.as_str()))
    }

    /// Notes every field that nobody asked for.
    pub(super) fn refuse_unknown(&self) {
        for key in self.unknown() {
            let message = match nearest(key, &self.known) {
                Some(near) => format!("unknown field; did you mean `{near}`?"),
                None if self.known.len() <= 8 => {
                    format!("unknown field; known here: {}", self.known.join(", "))
                }
                None => "unknown field".into(),
            };
            self.fault(&key_text(key), message);
        }
    }
}

/// Checks text that is shown to people in one line.
pub(super) fn check_line(text: &str, length: RangeInclusive<usize>) -> Result<String, String> {
    let (low, high) = (length.start(), length.end());
    let count = text.chars().count();
    if count > *high {
        return Err(format!("has {count} characters; give {low} to {high}"));
    }
    if text.trim().chars().count() < *low {
        return Err(format!("is empty; give {low} to {high} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{} has a control character; leave it out", quoted(text)));
    }
    Ok(text.into())
}

/// A duration of at most `high` seconds.
pub(super) fn as_duration(seconds: f64, high: f64) -> Option<Duration> {
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    (seconds <= high).then_some(duration)
}

/// Fields in which whatever stands may be a secret, or hold one.
const HOLD_SECRETS: [&str; 10] = [
    "headers",
    "cookies",
    "body",
    "bodyBase64",
    "form",
    "value",
    "alerts",
    "secret",
    "key",
    "clientCertificate",
];

/// What a value is, where it may be a secret.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What a value is, and a glimpse of it: `text "10"`.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("text {}", quoted(text)),
        Value::Array(list) if list.is_empty() => "an empty list".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// The path by which faults name a field of an object, such as a header: `headers.accept`, and
/// `headers."a b"` where the name could be mistaken.
#[must_use]
pub fn field_path(object: &str, field: &str) -> String {
    format!("{object}.{}", key_text(field))
}

/// A key that somebody else chose, in a path: quoted where it could be mistaken.
pub(super) fn key_text(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.len() <= 60 && key.chars().all(plain) {
        key.into()
    } else {
        quoted(key)
    }
}

/// `a`, `a or b`, `a, b or c`.
fn alternatives(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// The known name that was probably meant: one that goes on where the key stops, or one with few
/// letters changed.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    if key.len() > 40 {
        return None;
    }
    let key = key.to_lowercase();
    let longer = |name: &&&str| key.len() >= 4 && name.to_lowercase().starts_with(&key);
    if let Some(name) = known.iter().find(longer) {
        return Some(name);
    }
    let measured = known.iter().map(|name| (distance(&key, &name.to_lowercase()), *name));
    let (changes, name) = measured.min_by_key(|(changes, _)| *changes)?;
    (changes <= 1 + name.len() / 5).then_some(name)
}

/// How many letters have to be put in, left out, changed or swapped with their neighbour to make
/// the one of the other (Damerau and Levenshtein, 1964 and 1966; no letter is touched twice).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Row i, column j: from the first i letters of the one to the first j of the other.
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                changed.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
            };
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                table[i][j] = table[i][j].min(table[i - 2][j - 2] + 1);
            }
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = ["targetUrl", "durationSeconds", "rps", "name"];
        assert_eq!(nearest("targeturl", &known), Some("targetUrl"));
        assert_eq!(nearest("targetUri", &known), Some("targetUrl"));
        assert_eq!(nearest("duration", &known), Some("durationSeconds"));
        assert_eq!(nearest("duratoinSecond", &known), Some("durationSeconds"));
        assert_eq!(nearest("rp", &known), Some("rps"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), &known), None);
    }

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("rsp", "rps"), 1);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn glimpses_are_short_and_harmless() {
        assert_eq!(quoted("a\x1b[31m"), r#""a\u{1b}[31m""#);
        assert_eq!(quoted(&"ä".repeat(61)), format!("\"{}\"...", "ä".repeat(60)));
        assert_eq!(key_text("X-Request-Id"), "X-Request-Id");
        assert_eq!(key_text("a.b"), "\"a.b\"");
        assert_eq!(alternatives(&["a", "b", "c"]), "a, b or c");
    }
}
