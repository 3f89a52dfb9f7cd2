//! Finds the places of a document in which secrets may be named, and puts values there.

use crate::request::has_scheme;
use crate::scenario::object::key_text;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a reference begins with. Behind one more `$` it is text.
pub(super) const BEGIN: &str = "${secret:";
/// The same in a URL that is judged.
const TOKEN: &str = "%24%7Bsecret%3A";
/// Characters of a secret's name.
const MAX_NAME: usize = 64;
/// Whether a text may be a secret's name: a letter or `_`, then up to 63 letters, digits or `_`.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.len() <= MAX_NAME && name.chars().all(inner)
}

/// What may stand where a secret is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
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
    pub(super) fn of(path: &str) -> Self {
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
    pub(super) fn put(
        self,
        text: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<String, String> {
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
pub(super) enum Piece<'a> {
    Text(&'a str),
    Secret(&'a str),
}

pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
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

pub(super) fn names_in(text: &str) -> impl Iterator<Item = String> + use<> {
    let pieces = if text.contains(BEGIN) { pieces(text).unwrap_or_default() } else { Vec::new() };
    let names = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Secret(name) => Some(name.to_owned()),
        Piece::Text(_) => None,
    });
    names.collect::<Vec<_>>().into_iter()
}

pub(super) fn reference(name: &str) -> String {
    format!("{BEGIN}{name}}}")
}

/// What stands for a secret in a URL that is judged.
pub(super) fn token(name: &str) -> String {
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

pub(super) fn mentions_any(root: &Map<String, Value>) -> bool {
    root.values().any(mentions)
}

pub(super) fn mentions(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(BEGIN) || text.contains(TOKEN),
        Value::Array(list) => list.iter().any(mentions),
        Value::Object(map) => mentions_any(map),
        _ => false,
    }
}

/// Shows every text of a document in which a secret may be named, with its place and its path.
pub(super) fn each_text(
    root: &mut Map<String, Value>,
    mut each: impl FnMut(Place, &str, &mut String),
) {
    each_inside(root, "", "", &mut each);
}

pub(super) fn each_text_of(document: &mut Value, each: impl FnMut(Place, &str, &mut String)) {
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
