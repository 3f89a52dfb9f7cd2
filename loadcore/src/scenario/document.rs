//! Turns JSON or YAML text into a document that is well formed, and no more is known of it yet.
//!
//! Here programs put their options in, before anything is judged: so an option that replaces a
//! field of a file is held against the rest of that file like any other.

use super::named::{self, Values};
use super::{Fault, REDACTED, Scenario, ScenarioError, field_path, limits};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, io};

/// A scenario document, not judged yet.
///
/// ```
/// use loadcore::scenario::Document;
///
/// let text = r#"{"name": "smoke", "targetUrl": "http://127.0.0.1/", "durationSeconds": 600}"#;
/// let mut document = Document::from_json(text)?;
/// document.set("durationSeconds", 10);
/// document.add_header("Accept", "text/html");
/// let scenario = document.parse()?;
/// assert_eq!(scenario.duration.as_secs(), 10);
/// # Ok::<(), loadcore::scenario::ScenarioError>(())
/// ```
#[derive(Clone, PartialEq, Default)]
pub struct Document {
    root: Map<String, Value>,
    values: Values,
}

/// The names of its fields: their values may be secrets.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document ")?;
        f.debug_set().entries(self.root.keys()).finish()
    }
}

/// A name for a scenario that nobody named: its target's URL, cut to the longest name.
#[must_use]
pub fn default_name(target_url: &str) -> String {
    let name: String = target_url.chars().take(limits::MAX_NAME).collect();
    if name.trim().is_empty() { "unnamed".into() } else { name }
}

impl Document {
    /// A document without a field.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads JSON, nested at most 64 deep. A field that is given twice is an error: one of them would
    /// be ignored.
    ///
    /// # Errors
    ///
    /// What is not JSON, with line and column, or not an object.
    pub fn from_json(text: &str) -> Result<Self, ScenarioError> {
        let Strict(value) = serde_json::from_str(without_bom(text))
            .map_err(|error| refused(format!("the document is not valid JSON: {error}")))?;
        Self::from_value(value)
    }

    /// Reads YAML, with the same rules.
    ///
    /// # Errors
    ///
    /// What is not YAML, with line and column, or not an object.
    #[cfg(feature = "yaml")]
    pub fn from_yaml(text: &str) -> Result<Self, ScenarioError> {
        let Strict(value) = super::yaml::read(without_bom(text))
            .map_err(|message| refused(format!("the document is not valid YAML: {message}")))?;
        Self::from_value(value)
    }

    /// Takes a document that was read already.
    ///
    /// # Errors
    ///
    /// What is not an object.
    pub fn from_value(value: Value) -> Result<Self, ScenarioError> {
        match value {
            Value::Object(root) => Ok(Self { root, values: Values::default() }),
            other => {
                let found = super::object::describe(&other);
                Err(refused(format!("a scenario is an object, found {found}")))
            }
        }
    }

    /// A field of the document, as it was given.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.root.get(field)
    }

    /// Gives a field a value, in the place of one that it had.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> &mut Self {
        self.root.insert(field.into(), value.into());
        self
    }

    /// Adds a header to those there are; a name may have several values.
    pub fn add_header(&mut self, name: &str, value: &str) -> &mut Self {
        self.add_to("headers", name, value)
    }

    /// Adds a cookie to those there are; a name may have several values.
    pub fn add_cookie(&mut self, name: &str, value: &str) -> &mut Self {
        self.add_to("cookies", name, value)
    }

    fn add_to(&mut self, field: &str, name: &str, value: &str) -> &mut Self {
        let map = self.root.entry(field).or_insert(Value::Null);
        if map.is_null() {
            *map = Value::Object(Map::new());
        }
        // Anything else than an object is a fault, and is left to be found.
        if let Value::Object(map) = map {
            match map.get_mut(name) {
                None => {
                    map.insert(name.into(), value.into());
                }
                Some(Value::Array(values)) => values.push(value.into()),
                Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
            }
        }
        self
    }

    /// Gives the request a body, in the place of what it had: as text where it is text, else in base64
    /// as `bodyBase64`.
    pub fn set_body(&mut self, body: &[u8]) -> &mut Self {
        for field in ["body", "bodyBase64", "form"] {
            self.root.shift_remove(field);
        }
        match std::str::from_utf8(body) {
            Ok(text) => self.set("body", text),
            Err(_) => self.set("bodyBase64", STANDARD.encode(body)),
        }
    }

    /// A fault for each header, cookie and alert whose value is [`REDACTED`]: whoever saved the scenario of a
    /// report, and runs it again, does not mean to have that sent. Not among the faults of
    /// [`Document::parse`], for whoever keeps the secrets may put them back.
    #[must_use]
    pub fn redacted(&self) -> Vec<Fault> {
        let message = format!("{REDACTED} stands in a report for a secret; give the secret itself");
        let places = redacted_places(&self.root);
        places.into_iter().map(|path| Fault { path, message: message.clone() }).collect()
    }

    /// The names of the secrets that it needs: those that it has as `${secret:NAME}`.
    #[must_use]
    pub fn secret_names(&self) -> BTreeSet<String> {
        named::names(&self.root)
    }

    /// Gives the values of secrets, which are put where the document names them. What a scenario shows has
    /// the names (see [`Scenario::public_value`]).
    ///
    /// ```
    /// use loadcore::scenario::{Document, REDACTED};
    ///
    /// let text = r#"{
    ///     "name": "n", "targetUrl": "http://a/?key=${secret:KEY}", "durationSeconds": 1,
    ///     "headers": {"Authorization": "Bearer ${secret:TOKEN}"}
    /// }"#;
    /// let secrets = [("KEY", "a&b"), ("TOKEN", "t")].map(|(name, value)| (name.into(), value.into()));
    /// let scenario = Document::from_json(text)?.with_secrets(secrets.into()).parse()?;
    /// assert_eq!(scenario.target.uri().query(), Some("key=a%26b"));
    /// assert_eq!(scenario.headers[0].1, "Bearer t");
    /// assert_eq!(scenario.public_value()["targetUrl"], "http://a/?key=${secret:KEY}");
    /// assert_eq!(scenario.public_value()["headers"]["Authorization"], "Bearer ${secret:TOKEN}");
    /// # Ok::<(), loadcore::scenario::ScenarioError>(())
    /// ```
    #[must_use]
    pub fn with_secrets(mut self, values: BTreeMap<String, String>) -> Self {
        self.values = Values::Here(values);
        self
    }

    /// Lets the names of secrets stand: whoever the document is sent to has the values. Such a scenario is
    /// not for running, but for [`Scenario::to_value`].
    #[must_use]
    pub fn with_secrets_elsewhere(mut self) -> Self {
        self.values = Values::Elsewhere;
        self
    }

    /// The paths of all headers and cookies whose value is [`REDACTED`], and of what is secret in alerts.
    #[must_use]
    pub fn redacted_places(&self) -> Vec<String> {
        redacted_places(&self.root)
    }

    /// The document as it was given, for keeping it.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.root.into()
    }

    /// Judges the document. A profile or a form that names a `file` is a fault: a library opens no
    /// file that a document names.
    ///
    /// # Errors
    ///
    /// Every fault of the document.
    pub fn parse(&self) -> Result<Scenario, ScenarioError> {
        named::scenario(&self.root, &self.values, None)
    }

    /// Judges the document, with `read` to fetch a file that it names, as text or as bytes.
    ///
    /// # Errors
    ///
    /// Every fault of the document and of its files.
    pub fn parse_with<B: Into<Vec<u8>>>(
        &self,
        read: &mut dyn FnMut(&str) -> io::Result<B>,
    ) -> Result<Scenario, ScenarioError> {
        named::scenario(&self.root, &self.values, Some(&mut |name| read(name).map(Into::into)))
    }
}

/// The paths of all headers and cookies whose value is [`REDACTED`], those of the mix too, and of what
/// is secret in alerts.
#[must_use]
pub fn redacted_places(document: &Map<String, Value>) -> Vec<String> {
    let mut places = redacted_in(document);
    let mix = document.get("mix").and_then(Value::as_array);
    for (i, request) in mix.into_iter().flatten().enumerate() {
        let of_request = request.as_object().map_or_else(Vec::new, redacted_in);
        places.extend(of_request.into_iter().map(|path| format!("mix[{i}].{path}")));
    }
    let alerts = document.get("alerts").and_then(Value::as_array);
    for (i, alert) in alerts.into_iter().flatten().enumerate() {
        let fields = ["url", "secret"].into_iter();
        let redacted = fields.filter(|field| alert.get(*field).is_some_and(is_redacted));
        places.extend(redacted.map(|field| format!("alerts[{i}].{field}")));
    }
    places
}

fn is_redacted(value: &Value) -> bool {
    value.as_str().is_some_and(|it| it.trim() == REDACTED)
}

fn redacted_in(document: &Map<String, Value>) -> Vec<String> {
    let mut places = Vec::new();
    for field in ["headers", "cookies"] {
        let map = document.get(field).and_then(Value::as_object);
        for (name, value) in map.into_iter().flatten() {
            let path = field_path(field, name);
            match value {
                Value::Array(values) => {
                    let found = values.iter().enumerate().filter(|(_, value)| is_redacted(value));
                    places.extend(found.map(|(i, _)| format!("{path}[{i}]")));
                }
                one if is_redacted(one) => places.push(path),
                _ => {}
            }
        }
    }
    places
}

/// Some editors begin a file with a byte order mark, which is no part of what it says.
fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn refused(message: String) -> ScenarioError {
    ScenarioError { faults: vec![Fault { path: String::new(), message }] }
}

/// How deep a document may be nested.
pub(super) const MAX_DEPTH: usize = 64;

/// A value that was read strictly: no field twice, and not too deep.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Level(MAX_DEPTH).deserialize(deserializer).map(Strict)
    }
}

/// Reads a value, in which lists and objects may be nested so many deep.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn inner<E: Error>(self) -> Result<Self, E> {
        let deeper = self.0.checked_sub(1).map(Self);
        deeper.ok_or_else(|| E::custom(format_args!("it is nested more than {MAX_DEPTH} deep")))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // Never null, which would mean absent: what is no JSON number is kept as its text.
        Ok(Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("field {key:?} is given twice")));
            }
            let value = access.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}
