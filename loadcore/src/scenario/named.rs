//! Turns `${secret:NAME}` in a document into the value of that secret, and keeps the document with the
//! names for everybody who is shown it.
//!
//! Values are put in before a document is judged, so a scenario is made of them like of any other text. Beside
//! it stands the same document judged with the names in it: where the two differ, the second is shown.

use super::load_profile::{ReadFile, lent};
use super::object::key_text;
use super::{Fault, Scenario, ScenarioError, parse, write};
use crate::request::has_scheme;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::{fmt, io};

/// What a reference begins with. Behind one more `$` it is text.
const BEGIN: &str = "${secret:";
/// The same in a URL that is judged.
const TOKEN: &str = "%24%7Bsecret%3A";
/// Characters of a secret's name.
const MAX_NAME: usize = 64;
/// Fields that cannot be judged with a name in the place of a value.
const ONLY_BY_VALUE: [&str; 3] = ["proxy", "clientCertificate", "alerts"];
/// Words before a value in a header that are no secret themselves.
const SCHEMES: [&str; 6] = ["Bearer", "Basic", "Token", "Digest", "ApiKey", "Negotiate"];

/// Where the values of a document's secrets are.
#[derive(Clone, PartialEq)]
pub(super) enum Values {
    /// Here, by their names.
    Here(BTreeMap<String, String>),
    /// With whoever the document is sent to.
    Elsewhere,
}

impl Default for Values {
    fn default() -> Self {
        Self::Here(BTreeMap::new())
    }
}

/// What a scenario knows of the secrets that its document names.
#[derive(Clone, PartialEq)]
pub(crate) struct Named {
    /// The values of those that it names.
    pub(crate) values: BTreeMap<String, String>,
    /// The whole document with names in their places.
    pub(crate) document: Value,
    /// The fields of that in which they stand.
    pub(crate) fields: Vec<String>,
    /// The scenario itself has no values.
    pub(crate) elsewhere: bool,
}

/// Without values.
impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Whether a text may be a secret's name: a letter or `_`, then up to 63 letters, digits or `_`.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.len() <= MAX_NAME && name.chars().all(inner)
}

/// Whether a value is nothing but names of secrets, perhaps behind a word such as `Bearer`: then it tells
/// nothing and may be shown.
pub(crate) fn is_named(text: &str) -> bool {
    let word = text.split_once(' ');
    let word = word.filter(|(word, _)| SCHEMES.iter().any(|it| it.eq_ignore_ascii_case(word)));
    let rest = word.map_or(text, |(_, rest)| rest.trim_start());
    let pieces = pieces(rest).unwrap_or_default();
    !pieces.is_empty() && pieces.iter().all(|piece| matches!(piece, Piece::Secret(_)))
}

/// The names of the secrets that a document needs.
pub(super) fn names(root: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if mentions_any(root) {
        each_text(&mut root.clone(), |place, _, text| {
            if place != Place::Free {
                names.extend(names_in(text));
            }
        });
    }
    names
}

/// Judges a document, with `values` in the places of the names in it.
pub(super) fn scenario(
    root: &Map<String, Value>,
    values: &Values,
    mut read: Option<ReadFile<'_>>,
) -> Result<Scenario, ScenarioError> {
    if !mentions_any(root) {
        return parse::scenario(root, read);
    }
    // Both documents name the same files, and some can be read once.
    let (may_read, mut known) = (read.is_some(), BTreeMap::new());
    let mut read_once = |name: &str| match (known.get(name), &mut read) {
        (Some(bytes), _) => Ok(Vec::clone(bytes)),
        (None, None) => Err(io::ErrorKind::NotFound.into()),
        (None, Some(read)) => {
            let bytes = read(name)?;
            known.insert(name.to_owned(), bytes.clone());
            Ok(bytes)
        }
    };
    let mut read: Option<ReadFile<'_>> = may_read.then_some(&mut read_once);
    let named = parse::scenario(&to_be_judged(root), lent(&mut read));
    let Values::Here(values) = values else {
        let named = named?;
        let document = with_names(root, &named, &named);
        return Ok(beside(named, BTreeMap::new(), document, true));
    };
    let (resolved, mut faults) = with_values(root, values);
    if !faults.is_empty() {
        faults.extend(named.err().into_iter().flat_map(|error| error.faults));
        return Err(ScenarioError { faults });
    }
    let named = named?;
    // Nothing is wrong but for the values.
    let scenario = parse::scenario(&resolved, read).map_err(|error| without_values(error, root))?;
    let used = names(root);
    let values = values.iter().filter(|(name, _)| used.contains(*name));
    let values = values.map(|(name, value)| (name.clone(), value.clone())).collect();
    let document = with_names(root, &named, &scenario);
    Ok(beside(scenario, values, document, false))
}

/// A scenario that knows what it is shown as.
fn beside(
    mut scenario: Scenario,
    values: BTreeMap<String, String>,
    document: Value,
    elsewhere: bool,
) -> Scenario {
    let own = escaped(write::document(&scenario));
    let all = document.as_object().into_iter().flatten();
    let differing = all.filter(|(field, value)| own.get(*field) != Some(*value));
    let fields = differing.map(|(field, _)| field.clone()).collect();
    scenario.0.named = Some(Arc::new(Named { values, document, fields, elsewhere }));
    scenario
}

/// The document with values, and what is wrong with those.
fn with_values(
    root: &Map<String, Value>,
    values: &BTreeMap<String, String>,
) -> (Map<String, Value>, Vec<Fault>) {
    let (mut document, mut faults) = (root.clone(), Vec::new());
    each_text(&mut document, |place, path, text| {
        if place == Place::Free || !text.contains(BEGIN) {
            return;
        }
        match place.put(text, values) {
            Ok(put) => *text = put,
            Err(message) => faults.push(Fault { path: path.into(), message }),
        }
    });
    (document, faults)
}

/// The document with names that can be judged as texts.
fn to_be_judged(root: &Map<String, Value>) -> Map<String, Value> {
    let mut document = root.clone();
    each_text(&mut document, |place, _, text| {
        if place == Place::Url {
            names_in(text).for_each(|name| *text = text.replace(&reference(&name), &token(&name)));
        }
    });
    document.retain(|key, value| !ONLY_BY_VALUE.contains(&key.as_str()) || !mentions(value));
    document
}

/// A judged document, whole, with names in their places again.
fn with_names(root: &Map<String, Value>, named: &Scenario, scenario: &Scenario) -> Value {
    let mut document = write::document(named);
    let names: Vec<_> = names(root).into_iter().collect();
    each_text_of(&mut document, |place, _, text| {
        if place == Place::Url {
            names.iter().for_each(|name| *text = text.replace(&token(name), &reference(name)));
        }
    });
    for key in ONLY_BY_VALUE {
        if let Some(given) = root.get(key).filter(|value| mentions(value)) {
            document[key] = given.clone();
        }
    }
    // What the command line reads of a file.
    if let Some(identity) = &scenario.client_certificate
        && document["clientCertificate"].is_object()
    {
        document["clientCertificate"]["certificate"] = identity.certificate().pem().into();
    }
    for alert in document["alerts"].as_array_mut().into_iter().flatten() {
        *alert = json!({"type": alert["type"], "url": alert["url"], "secret": alert["secret"]});
    }
    document
}

/// Faults that values have made, without the values.
fn without_values(error: ScenarioError, root: &Map<String, Value>) -> ScenarioError {
    let mut places = Vec::new();
    each_text(&mut root.clone(), |place, path, text| {
        if place != Place::Free {
            places.extend(names_in(text).map(|name| (path.to_owned(), name)));
        }
    });
    let veil = |mut fault: Fault| {
        let here = |path: &str| path.starts_with(&fault.path) || fault.path.starts_with(path);
        let names: BTreeSet<_> =
            places.iter().filter(|(path, _)| here(path)).map(|(_, name)| reference(name)).collect();
        if !names.is_empty() {
            let names = names.into_iter().collect::<Vec<_>>().join(" and ");
            fault.message = format!("is not right with the value of {names}; change that secret");
        }
        fault
    };
    ScenarioError { faults: error.faults.into_iter().map(veil).collect() }
}

/// Faults found after a scenario was judged, without what a URL says that is a secret as a whole. Of others
/// the host is none, and nothing else is told.
#[cfg(feature = "cluster")]
pub(crate) fn veiled(faults: Vec<Fault>, scenario: &Scenario) -> Vec<Fault> {
    let document = scenario.named.as_ref().and_then(|named| named.document.as_object());
    let Some(document) = document else { return faults };
    let mut secret = BTreeSet::new();
    each_text(&mut document.clone(), |_, path, text| {
        if is_named(text) {
            secret.insert(path.to_owned());
        }
    });
    let (hidden, mut told) =
        faults.into_iter().partition::<Vec<_>, _>(|fault| secret.contains(&fault.path));
    told.extend(without_values(ScenarioError { faults: hidden }, document).faults);
    told
}

/// A document of values alone, in which nothing is taken for a name.
pub(super) fn escaped(mut document: Value) -> Value {
    if mentions(&document) {
        each_text_of(&mut document, |place, _, text| {
            if place != Place::Free {
                *text = text.replace(BEGIN, &format!("${BEGIN}"));
            }
        });
    }
    document
}

/// What may stand where a secret is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A line.
    Line,
    /// Any text.
    Text,
    /// A URL, behind its host.
    Url,
    /// A URL; where it is nothing but a secret, all of it.
    Address,
    /// No secret.
    Nothing,
    /// No secret, and whatever looks like one is text.
    Free,
}

impl Place {
    /// Of the path of a field, with `*` for names that people choose.
    fn of(path: &str) -> Self {
        match path {
            "headers.*" | "headers.*[]" | "mix[].headers.*" | "mix[].headers.*[]" | "cookies.*"
            | "cookies.*[]" => Self::Line,
            "body"
            | "mix[].body"
            | "form[].value"
            | "clientCertificate.key"
            | "alerts[].secret" => Self::Text,
            "targetUrl" | "mix[].url" => Self::Url,
            "proxy" | "alerts[].url" => Self::Address,
            "name" | "mix[].name" | "notes" | "tags[]" => Self::Free,
            _ => Self::Nothing,
        }
    }

    /// A text with values in the places of names.
    fn put(self, text: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
        let (pieces, mut put) = (pieces(text)?, String::new());
        let is_whole = pieces.len() == 1;
        for piece in pieces {
            match piece {
                Piece::Text(text) => put.push_str(text),
                Piece::Secret(name) => {
                    self.check(text, name)?;
                    let value = values.get(name).ok_or_else(|| unknown(name))?;
                    match self {
                        Self::Line if value.contains(|c: char| c.is_control() && c != '\t') => {
                            return Err(format!(
                                "the value of the secret {name} has a line break or another control \
                                 character, which cannot stand here; change it"
                            ));
                        }
                        Self::Url => put.push_str(&encoded(value)),
                        Self::Address if !is_whole => put.push_str(&encoded(value)),
                        _ => put.push_str(value),
                    }
                }
            }
        }
        Ok(put)
    }

    /// Whether the secret may be named in this text.
    fn check(self, text: &str, name: &str) -> Result<(), String> {
        let at = text.find(&reference(name)).unwrap_or_default();
        match self {
            Self::Nothing => Err(format!(
                "the secret {name} cannot stand here; it can in headers, cookies, bodies, the path and \
                 query of URLs, proxy, alerts and clientCertificate.key ($${{secret: is the text itself)"
            )),
            Self::Url if at < host_end(text) => Err(format!(
                "the secret {name} stands before the end of the host, which is no secret; give it behind"
            )),
            _ => Ok(()),
        }
    }
}

fn unknown(name: &str) -> String {
    format!(
        "the secret {name} is not known; keep it (PUT /api/v1/secrets/{name}), or for a run of the \
         command give LOADCORE_SECRETS_{name}"
    )
}

/// Where the host of a URL ends; 0 for one that is relative.
fn host_end(url: &str) -> usize {
    let start = match url.find("//") {
        Some(0) => 2,
        Some(at) if has_scheme(url) => at + 2,
        _ => return 0,
    };
    url[start..].find(['/', '?', '#']).map_or(url.len(), |end| start + end)
}

/// Of a text that names secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Secret(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(BEGIN) {
        let behind = at + BEGIN.len();
        if rest[..at].ends_with('$') {
            pieces.extend([Piece::Text(&rest[..at - 1]), Piece::Text(&rest[at..behind])]);
            rest = &rest[behind..];
            continue;
        }
        let name = rest[behind..].split_once('}').filter(|(name, _)| is_secret_name(name));
        let (name, after) = name.ok_or_else(|| {
            format!(
                "{BEGIN} does not begin a secret's name; write {BEGIN}NAME}} with 1 to {MAX_NAME} letters, \
                 digits or _, or ${BEGIN} for the text itself"
            )
        })?;
        pieces.extend([Piece::Text(&rest[..at]), Piece::Secret(name)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    Ok(pieces)
}

fn names_in(text: &str) -> impl Iterator<Item = String> + use<> {
    let pieces = if text.contains(BEGIN) { pieces(text).unwrap_or_default() } else { Vec::new() };
    let names = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Secret(name) => Some(name.to_owned()),
        Piece::Text(_) => None,
    });
    names.collect::<Vec<_>>().into_iter()
}

fn reference(name: &str) -> String {
    format!("{BEGIN}{name}}}")
}

/// What stands for a secret in a URL that is judged.
fn token(name: &str) -> String {
    encoded(&reference(name))
}

/// As it stands in a URL (RFC 3986 section 2.1).
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let byte = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn mentions_any(root: &Map<String, Value>) -> bool {
    root.values().any(mentions)
}

fn mentions(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(BEGIN) || text.contains(TOKEN),
        Value::Array(list) => list.iter().any(mentions),
        Value::Object(map) => mentions_any(map),
        _ => false,
    }
}

/// Shows every text of a document in which a secret may be named, with its place and its path.
fn each_text(root: &mut Map<String, Value>, mut each: impl FnMut(Place, &str, &mut String)) {
    each_inside(root, "", "", &mut each);
}

fn each_text_of(document: &mut Value, each: impl FnMut(Place, &str, &mut String)) {
    if let Some(root) = document.as_object_mut() {
        each_text(root, each);
    }
}

/// `kind` is the path with `*` for names that people choose, and without numbers.
fn each_inside(
    map: &mut Map<String, Value>,
    kind: &str,
    path: &str,
    each: &mut dyn FnMut(Place, &str, &mut String),
) {
    let is_chosen = kind.ends_with("headers") || kind == "cookies";
    let dot = if kind.is_empty() { "" } else { "." };
    for (key, value) in map.iter_mut().filter(|(_, value)| mentions(value)) {
        let part = if is_chosen { "*" } else { key };
        let (kind, path) = (format!("{kind}{dot}{part}"), format!("{path}{dot}{}", key_text(key)));
        each_at(value, &kind, &path, each);
    }
}

fn each_at(
    value: &mut Value,
    kind: &str,
    path: &str,
    each: &mut dyn FnMut(Place, &str, &mut String),
) {
    match value {
        Value::String(text) => each(Place::of(kind), path, text),
        Value::Object(map) => each_inside(map, kind, path, each),
        Value::Array(list) => {
            for (i, one) in list.iter_mut().enumerate().filter(|(_, one)| mentions(one)) {
                each_at(one, &format!("{kind}[]"), &format!("{path}[{i}]"), each);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Document, REDACTED};

    /// Every place where one may stand, and what else a document needs.
    fn document() -> Value {
        json!({
            "name": "n ${secret:A}", "notes": "${secret:", "targetUrl": "http://a.test/${secret:A}?q=${secret:B}",
            "durationSeconds": 1,
            "headers": {
                "Authorization": "Bearer ${secret:A}", "X-Api-Key": ["${secret:B}", "x${secret:A}"],
                "X-Plain": "a ${secret:A} $${secret:A} b",
            },
            "cookies": {"id": "${secret:A}", "other": "clear-cookie"},
            "mix": [
                {"name": "one", "url": "/x?t=${secret:B}", "method": "POST", "body": "<${secret:B}>",
                 "headers": {"X-Token": "${secret:A}"}},
            ],
            "proxy": "http://user:${secret:B}@proxy.test:3128",
            "alerts": [
                {"type": "slack", "url": "${secret:HOOK}"},
                {"type": "webhook", "url": "https://h.test/${secret:A}", "secret": "${secret:LONG}"},
                {"type": "webhook", "url": "https://h.test/", "secret": "clear-secret-of-16"},
            ],
        })
    }

    fn values() -> BTreeMap<String, String> {
        let values = [
            ("A", "value-a"),
            ("B", "va/lu b&${secret:A}"),
            ("HOOK", "https://hooks.test/value-hook"),
            ("LONG", "value-long-enough"),
            ("UNUSED", "value-unused"),
        ];
        values.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn read(value: Value, values: BTreeMap<String, String>) -> Result<Scenario, Vec<String>> {
        let document = Document::from_value(value).expect("an object").with_secrets(values);
        let told = |error: ScenarioError| error.faults.iter().map(ToString::to_string).collect();
        document.parse().map_err(told)
    }

    fn with(field: &str, value: Value) -> Value {
        let mut document = json!({"name": "n", "targetUrl": "http://a/", "durationSeconds": 1});
        document[field] = value;
        document
    }

    #[test]
    fn what_is_sent_has_values_and_what_is_shown_has_names() {
        let scenario = read(document(), values()).unwrap();
        let sent = scenario.to_value();
        let b = "va%2Flu%20b%26%24%7Bsecret%3AA%7D";
        assert_eq!(sent["targetUrl"], format!("http://a.test/value-a?q={b}"));
        assert_eq!(scenario.headers[1].1, "va/lu b&${secret:A}");
        assert_eq!(scenario.headers[3].1, "a value-a ${secret:A} b");
        assert_eq!(sent["mix"][0]["url"], format!("http://a.test/x?t={b}"));
        assert_eq!(scenario.mix[0].body, "<va/lu b&${secret:A}>");
        assert_eq!(sent["proxy"], format!("http://user:{b}@proxy.test:3128/"));
        assert_eq!(sent["alerts"][0]["url"], "https://hooks.test/value-hook");
        // Whoever reads what is sent has the same requests, whatever the values look like.
        let again = Scenario::from_value(sent).unwrap();
        assert_eq!((&again.headers, &again.mix), (&scenario.headers, &scenario.mix));
        let shown = scenario.public_value();
        for text in [shown.to_string(), format!("{scenario:?} {:?}", *scenario)] {
            for hidden in ["value-", "va/lu", "va%2F", "clear-cookie", "clear-secret"] {
                assert!(!text.contains(hidden), "{hidden} stands in {text}");
            }
        }
        assert_eq!(shown["name"], "n ${secret:A}");
        assert_eq!(shown["targetUrl"], "http://a.test/${secret:A}?q=${secret:B}");
        assert_eq!(
            shown["headers"],
            json!({
                "Authorization": "Bearer ${secret:A}", "X-Api-Key": REDACTED,
                "X-Plain": "a ${secret:A} $${secret:A} b", "Cookie": REDACTED,
            })
        );
        assert_eq!(shown["mix"][0]["url"], "http://a.test/x?t=${secret:B}");
        assert_eq!(shown["mix"][0]["body"], "<${secret:B}>");
        assert_eq!(shown["mix"][0]["headers"]["X-Token"], "${secret:A}");
        assert_eq!(shown["proxy"], format!("http://{REDACTED}@proxy.test:3128"));
        let urls = ["${secret:HOOK}", "https://h.test/${secret:A}", "https://h.test/"];
        let secrets = [Value::Null, "${secret:LONG}".into(), REDACTED.into()];
        for (alert, (url, secret)) in
            shown["alerts"].as_array().unwrap().iter().zip(urls.iter().zip(secrets))
        {
            assert_eq!((&alert["url"], &alert["secret"]), (&json!(url), &secret));
        }
        let used: Vec<_> = scenario.named.as_ref().unwrap().values.keys().collect();
        assert_eq!(used, ["A", "B", "HOOK", "LONG"]);
    }

    #[test]
    fn where_the_values_are_elsewhere_the_names_are_sent() {
        let given = Document::from_value(document()).unwrap();
        let names: Vec<_> = given.secret_names().into_iter().collect();
        assert_eq!(names, ["A", "B", "HOOK", "LONG"]);
        let sent = given.with_secrets_elsewhere().parse().unwrap().to_value();
        let there = read(sent, values()).unwrap();
        let here = read(document(), values()).unwrap();
        assert_eq!(there.to_value(), here.to_value());
    }

    #[test]
    fn what_is_wrong_is_told_without_a_value() {
        let secret = |value: &str| BTreeMap::from([("S".to_owned(), value.to_owned())]);
        let header = |value: &str| with("headers", json!({"A": value}));
        for (document, value, expected) in [
            (header("${secret:T}"), "v", "headers.A: the secret T is not known; keep it (PUT"),
            (header("${secret:}"), "v", "headers.A: ${secret: does not begin a secret's name"),
            (header("${secret:a b}"), "v", "headers.A: ${secret: does not begin a secret's name"),
            (header("${secret:S"), "v", "headers.A: ${secret: does not begin a secret's name"),
            (
                header("${secret:S}"),
                "hid\r\nden",
                "headers.A: the value of the secret S has a line",
            ),
            (header("${secret:S}"), "hid\0den", "headers.A: the value of the secret S has a line"),
            (
                with("cookies", json!({"a": "${secret:S}"})),
                "hid;den",
                "cookies.a: is not right with",
            ),
            (with("targetUrl", json!("http://${secret:S}/")), "hidden", "targetUrl: the secret S"),
            (with("targetUrl", json!("${secret:S}")), "hidden", "targetUrl: "),
            (
                with("proxy", json!("${secret:S}")),
                "hidden",
                "proxy: is not right with the value of",
            ),
            (
                with("alerts", json!([{"type": "slack", "url": "${secret:S}"}])),
                "hidden",
                "alerts[0].url: ",
            ),
            (
                with(
                    "alerts",
                    json!([{"type": "webhook", "url": "http://a/", "secret": "${secret:S}"}]),
                ),
                "hidden",
                "alerts[0].secret: is not right with the value of ${secret:S}",
            ),
            (
                with("clientCertificate", json!({"certificate": "x", "key": "${secret:S}"})),
                "hidden",
                "clientCertificate.certificate: ",
            ),
            (
                with("checks", json!(["body contains ${secret:S}"])),
                "hidden",
                "checks[0]: the secret S",
            ),
            (
                with("observe", json!([{"url": "http://m.test/?key=${secret:S}"}])),
                "hidden",
                "observe[0].url: the secret S cannot stand here",
            ),
            (with("host", json!("${secret:S}")), "hidden", "host: the secret S cannot stand here"),
        ] {
            let faults = read(document.clone(), secret(value)).unwrap_err();
            assert!(faults.iter().any(|it| it.starts_with(expected)), "{document}: {faults:?}");
            assert!(!format!("{faults:?}").contains("hid"), "{document}: {faults:?}");
        }
        // All of it at once.
        let mut document = header("${secret:T}");
        document["durationSeconds"] = json!(-1);
        assert_eq!(read(document, secret("v")).unwrap_err().len(), 2);
    }

    #[test]
    fn a_dollar_more_makes_it_text() {
        for (given, sent) in [
            ("$${secret:A}", "${secret:A}"),
            ("$$${secret:A}", "$${secret:A}"),
            ("$${secret:", "${secret:"),
            ("$$ ${other} {secret:A} $", "$$ ${other} {secret:A} $"),
            ("${secret:A}$${secret:A}", "value-a${secret:A}"),
        ] {
            let scenario = read(with("body", json!(given)), values()).unwrap();
            assert_eq!(scenario.body, sent, "{given}");
            assert_eq!(scenario.public_value()["body"], given, "{given}");
            let again = Scenario::from_value(scenario.to_value()).unwrap();
            assert_eq!(again.body, sent, "{given}");
        }
    }

    #[test]
    fn a_name_alone_is_shown() {
        for shown in ["${secret:A}", "Bearer ${secret:A}", "basic ${secret:A}${secret:B}"] {
            assert!(is_named(shown), "{shown}");
        }
        for hidden in
            ["", "Bearer", "x${secret:A}", "hunter2 ${secret:A}", "$${secret:A}", "Bearer x"]
        {
            assert!(!is_named(hidden), "{hidden}");
        }
        assert!(is_secret_name("_") && is_secret_name(&"a".repeat(64)));
        for wrong in ["", "1", "a-b", "a b", "\u{e4}", &"a".repeat(65)] {
            assert!(!is_secret_name(wrong), "{wrong}");
        }
    }
}
