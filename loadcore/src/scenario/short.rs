//! Turns the short forms of a request, `host`, `compressed`, `cookies` and `form`, into the headers and
//! the body that they stand for.
//!
//! Nothing behind this knows of them: a scenario has headers and a body, whichever way they were said,
//! and its document says them as such.

use super::limits;
use super::load_profile::{ReadFile, lent};
use super::object::{Object, key_text, kind_of, quoted};
use crate::request::{Authority, ENCODINGS, FieldName, Form, Part, type_of};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, HOST};
use serde_json::Value;
use std::path::Path;

type Headers = Vec<(FieldName, HeaderValue)>;

/// The headers of all short forms but `form`.
pub(super) fn headers(object: &mut Object<'_>, headers: &mut Headers) {
    if let Some(host) = object.text("host") {
        let value = Authority::parse(host).and_then(|host| {
            HeaderValue::try_from(host.to_string()).map_err(|error| error.to_string())
        });
        match value {
            Ok(host) => put(object, "host", headers, FieldName::known(HOST, "Host"), host),
            Err(message) => object.fault("host", message),
        }
    }
    if object.boolean("compressed") == Some(true) {
        let name = FieldName::known(ACCEPT_ENCODING, "Accept-Encoding");
        put(object, "compressed", headers, name, HeaderValue::from_static(ENCODINGS));
    }
    if let Some(cookies) = cookies(object) {
        put(object, "cookies", headers, FieldName::known(COOKIE, "Cookie"), cookies);
    }
}

/// A header that only one may give.
fn put(
    object: &Object<'_>,
    field: &str,
    headers: &mut Headers,
    name: FieldName,
    value: HeaderValue,
) {
    if headers.iter().any(|(given, _)| *given == name) {
        object.fault(field, format!("stands beside headers.{name}; give one of them"));
    } else {
        headers.push((name, value));
    }
}

/// A map of text, or of lists of text, into one header (RFC 6265 section 5.4).
fn cookies(object: &mut Object<'_>) -> Option<HeaderValue> {
    let map = object.object("cookies")?;
    let mut all = Vec::new();
    for (name, value) in map.entries() {
        let place = key_text(name);
        // What ends a name or a value would make two cookies of one.
        let is_name = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ';' | ',');
        if name.is_empty() || !name.chars().all(is_name) {
            map.fault(&place, "is not a cookie's name; give letters, digits and hyphens");
            continue;
        }
        let values = match value {
            Value::Array(list) => list.iter().enumerate().collect(),
            one => vec![(0, one)],
        };
        for (i, one) in values {
            let place = if value.is_array() { format!("{place}[{i}]") } else { place.clone() };
            match one.as_str() {
                None => map.fault(&place, format!("expected text, found {}", kind_of(one))),
                // A cookie is a secret: its value is not repeated.
                Some(text) if text.contains(|c: char| c == ';' || c.is_control()) => {
                    map.fault(&place, "has a semicolon or a control character; leave it out");
                }
                Some(text) => all.push(format!("{name}={text}")),
            }
        }
    }
    let text = all.join("; ");
    if text.len() > limits::MAX_HEADER_BYTES {
        let (bytes, most) = (text.len(), limits::MAX_HEADER_BYTES);
        object.fault("cookies", format!("have {bytes} bytes together; give at most {most}"));
        return None;
    }
    HeaderValue::from_bytes(text.as_bytes()).ok().filter(|_| !text.is_empty())
}

/// The body of `form`, its Content-Type among the headers; `None` where there is none. `read` fetches
/// the files that it names.
pub(super) fn form(
    object: &mut Object<'_>,
    headers: &mut Headers,
    mut read: Option<ReadFile<'_>>,
) -> Option<Bytes> {
    object.value("form")?;
    let parts =
        object.elements("form", limits::MAX_FORM_PARTS, |object| part(object, lent(&mut read)));
    for field in ["body", "bodyBase64"] {
        if object.value(field).is_some() {
            object.fault("form", format!("stands beside {field}; give one of them"));
        }
    }
    let parts: Vec<Part> = parts.into_iter().flatten().collect();
    let fits = |bytes: usize| {
        let most = limits::MAX_BODY_BYTES;
        if bytes > most {
            object.fault("form", format!("has {bytes} bytes; give at most {most}"));
        }
        bytes <= most
    };
    // Before so much is copied, and with what stands between the parts.
    if !fits(parts.iter().map(|part| part.content.len()).sum()) {
        return None;
    }
    let (content_type, body) = parts.into_iter().fold(Form::new(), Form::part).encode();
    if !fits(body.len()) {
        return None;
    }
    put(object, "form", headers, FieldName::known(CONTENT_TYPE, "Content-Type"), content_type);
    Some(body)
}

/// A part, with a fault noted where it is none.
fn part(object: &mut Object<'_>, read: Option<ReadFile<'_>>) -> Option<Part> {
    let name = object.required("name", |object, field| object.line(field, 1..=limits::MAX_NAME));
    let file = object.text("file");
    let value = object.text("value").map(|text| Bytes::copy_from_slice(text.as_bytes()));
    let encoded = object.base64("valueBase64");
    let file_name = object.line("fileName", 1..=limits::MAX_NAME);
    let content_type = object.text("contentType").and_then(|text| {
        let value = HeaderValue::from_str(text);
        let message =
            || format!("{} is no content type; give one such as text/plain", quoted(text));
        value.map_err(|_| object.fault("contentType", message())).ok()
    });
    let given = ["value", "valueBase64", "file"].map(|field| object.value(field).is_some());
    match given.iter().filter(|is| **is).count() {
        0 => object.fault("value", "is missing"),
        1 => {}
        _ => object.fault("", "has more than one of value, valueBase64 and file; give one of them"),
    }
    let content = match file {
        Some(file) => content_of(object, file, read),
        None => value.or(encoded),
    };
    let file_name = file_name.or_else(|| file.map(base_name));
    let of_file = || file_name.as_deref().map(type_of);
    let content_type = content_type.or_else(of_file);
    Some(Part { name: name?, file_name, content_type, content: content? })
}

fn content_of(object: &Object<'_>, file: &str, read: Option<ReadFile<'_>>) -> Option<Bytes> {
    let Some(read) = read else {
        let advice = "give its content as value or valueBase64, and fileName";
        object.fault("file", format!("is read by the command line only; {advice}"));
        return None;
    };
    let name = quoted(file);
    let cannot = |error| object.fault("file", format!("{name} cannot be read: {error}"));
    read(file).map(Bytes::from).map_err(cannot).ok()
}

/// The name of a file without its folders: they are nobody's business.
fn base_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.into(), |name| name.to_string_lossy().into())
}
