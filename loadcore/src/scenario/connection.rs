//! Turns the keys that say which way connections go, and who we are on them, into what is dialled.
//!
//! A certificate or a key is its PEM text, or the name of a file that holds it, which is read with the
//! document: a scenario holds texts alone, so that whoever runs it opens no file of anybody's.

use super::load_profile::{ReadFile, lent};
use super::object::{Object, quoted};
use super::{HttpVersion, NamedRequest, REDACTED, Target, limits};
use crate::request::{Certificates, ConnectTo, Identity, ProxyUrl, holds_key, is_pem};
use std::path::PathBuf;

/// How connections are made.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Connection {
    pub(super) proxy: Option<ProxyUrl>,
    pub(super) connect_to: Vec<ConnectTo>,
    pub(super) ca_certificate: Option<Certificates>,
    pub(super) client_certificate: Option<Identity>,
}

/// `read` fetches the files that the document names.
pub(super) fn connection(object: &mut Object<'_>, mut read: Option<ReadFile<'_>>) -> Connection {
    Connection {
        proxy: proxy(object),
        connect_to: connect_to(object),
        ca_certificate: certificates(object, "caCertificate", lent(&mut read)),
        client_certificate: client_certificate(object, read),
    }
}

/// The target, over the Unix socket that `unixSocket` names.
pub(super) fn over_socket(object: &mut Object<'_>, target: Option<Target>) -> Option<Target> {
    let Some(path) = object.text("unixSocket") else { return target };
    let target = target?;
    if target.unix_socket().is_some() {
        object.fault("unixSocket", "stands beside a targetUrl that names one; give one of them");
        return Some(target);
    }
    let fault = |why| object.fault("unixSocket", why);
    target.over_socket(PathBuf::from(path)).map_err(fault).ok()
}

/// Notes what does not go together with the way to the target.
pub(super) fn check(
    object: &mut Object<'_>,
    connection: &Connection,
    (target, mix): (Option<&Target>, &[NamedRequest]),
    version: Option<HttpVersion>,
) {
    if target.is_some_and(|target| target.unix_socket().is_some()) {
        if connection.proxy.is_some() {
            object.fault("proxy", "a Unix socket is not reached by a proxy; leave one out");
        }
        if !connection.connect_to.is_empty() {
            object
                .fault("connectTo", "a Unix socket is dialled whatever the URL says; leave it out");
        }
    }
    // Without TLS there is no tunnel: the proxy itself would be spoken to, and knows HTTP/1.1.
    let mut urls = target.map(Target::url).into_iter().chain(mix.iter().map(|one| &one.url));
    let is_plain = urls.any(|url| !url.origin().tls);
    if connection.proxy.is_some() && version == Some(HttpVersion::Http2) && is_plain {
        let advice = "leave out --http2, or the proxy, or give an https:// URL";
        let text = format!("requests for http:// go through it as HTTP/1.1; {advice}");
        object.fault("proxy", text);
    }
}

fn proxy(object: &mut Object<'_>) -> Option<ProxyUrl> {
    let text = object.text("proxy")?;
    if text.contains(REDACTED) {
        object.fault("proxy", redacted());
        return None;
    }
    if text.len() > limits::MAX_URL_BYTES {
        let (bytes, most) = (text.len(), limits::MAX_URL_BYTES);
        object.fault("proxy", format!("has {bytes} bytes; give at most {most}"));
        return None;
    }
    ProxyUrl::parse(text).map_err(|why| object.fault("proxy", why)).ok()
}

fn connect_to(object: &mut Object<'_>) -> Vec<ConnectTo> {
    let list = object.list("connectTo").unwrap_or_default();
    let most = limits::MAX_CONNECT_TO;
    if list.len() > most {
        object.fault("connectTo", format!("{} rules; give at most {most}", list.len()));
        return Vec::new();
    }
    let rule = |(i, value)| {
        let place = format!("connectTo[{i}]");
        let text = object.expect(&place, value, "text", serde_json::Value::as_str)?;
        let wrong = |why| object.fault(&place, format!("{} cannot be read: {why}", quoted(text)));
        text.parse().map_err(wrong).ok()
    };
    list.iter().enumerate().filter_map(rule).collect()
}

fn client_certificate(object: &mut Object<'_>, mut read: Option<ReadFile<'_>>) -> Option<Identity> {
    let value = object.value("clientCertificate")?;
    if value.is_string() {
        // It may be the key: it is not repeated.
        object.fault("clientCertificate", "is a text; give an object of certificate and key");
        return None;
    }
    let mut inner = object.object("clientCertificate")?;
    let certificate =
        inner.required("certificate", |object, field| certificates(object, field, lent(&mut read)));
    let key = inner.required("key", |object, field| key(object, field, lent(&mut read)));
    inner.refuse_unknown();
    let (certificate, key) = (certificate?, key?);
    Identity::new(certificate, &key).map_err(|why| inner.fault("key", why)).ok()
}

fn certificates(
    object: &mut Object<'_>,
    field: &'static str,
    read: Option<ReadFile<'_>>,
) -> Option<Certificates> {
    let text = object.text(field)?;
    if !is_pem(text) {
        let name = quoted(text);
        let bytes = file(object, field, text, &format!("{name} "), read)?;
        let wrong = |why| object.fault(field, format!("{name} cannot be used: {why}"));
        return Certificates::parse(&bytes).map_err(wrong).ok();
    }
    if holds_key(text) {
        // A document is shown with its certificates.
        object.fault(field, "holds a key beside certificates, which are shown; take the key out");
        return None;
    }
    Certificates::parse(text.as_bytes()).map_err(|why| object.fault(field, why)).ok()
}

/// A private key, no part of which is repeated, nor what may be one.
fn key(object: &mut Object<'_>, field: &'static str, read: Option<ReadFile<'_>>) -> Option<String> {
    let text = object.text(field)?;
    if text.trim() == REDACTED {
        object.fault(field, redacted());
        return None;
    }
    if is_pem(text) {
        return Some(text.into());
    }
    let bytes = file(object, field, text, "", read)?;
    let text = String::from_utf8(bytes).ok();
    if text.is_none() {
        object.fault(field, "names a file that is not text; give one in PEM");
    }
    text
}

/// What the file of that name holds. `shown` begins what is said of it.
fn file(
    object: &Object<'_>,
    field: &str,
    name: &str,
    shown: &str,
    read: Option<ReadFile<'_>>,
) -> Option<Vec<u8>> {
    let Some(read) = read else {
        let advice = "a file is read by the command line only: give the text itself, with its \
                      -----BEGIN line";
        object.fault(field, format!("{shown}is no PEM text, and {advice}"));
        return None;
    };
    let most = limits::MAX_PEM_BYTES;
    match read(name) {
        Ok(bytes) if bytes.len() <= most => Some(bytes),
        Ok(bytes) => {
            let bytes = bytes.len();
            object.fault(field, format!("{shown}has {bytes} bytes; give at most {most}"));
            None
        }
        Err(error) => {
            let what = "is no PEM text, and as a file it cannot be read";
            object.fault(field, format!("{shown}{what}: {error}"));
            None
        }
    }
}

fn redacted() -> String {
    format!("{REDACTED} stands in a report for a secret; give the secret itself")
}
