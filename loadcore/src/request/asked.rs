//! What can be asked over HTTP: which URLs, methods, versions and header fields.
//!
//! Whoever reads a scenario, calls the library or follows a redirect is held to the same rules.

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{Method, Uri};

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// HTTP/2 where TLS's ALPN agrees on it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    Http2,
}

/// Scheme, host and port: what a connection belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Over TLS.
    pub tls: bool,
    /// Without brackets.
    pub host: String,
    /// Given, or the scheme's own.
    pub port: u16,
}

impl Origin {
    /// The origin of an absolute URI.
    ///
    /// # Errors
    /// Those of [`Url::parse`].
    pub fn of(uri: &Uri) -> Result<Self, String> {
        Url::of(uri).map(|url| url.origin)
    }
}

/// A URL that requests can be sent to: of http or https, with a host, a port that there is, a path,
/// and nothing that would have to be written in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    uri: Uri,
    origin: Origin,
}

impl Url {
    /// Parses a URL. An empty path becomes `/`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        check_text(text)?;
        let no_url = |error| format!("{} is not a URL: {error}", quoted(text));
        let uri = with_path(text.parse().map_err(no_url)?).map_err(no_url)?;
        let tls = uri.scheme_str() == Some("https");
        let port = port(&uri)?.unwrap_or(if tls { 443 } else { 80 });
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Ok(Self { uri, origin: Origin { tls, host, port } })
    }

    /// The same of what somebody else has parsed, by rules that let more pass.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(uri: &Uri) -> Result<Self, String> {
        Self::parse(&uri.to_string())
    }

    /// As it is sent.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What its connections belong to.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// What the parser of URLs lets pass, or says too little of.
fn check_text(text: &str) -> Result<(), String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("{} is not a whole URL; begin with http:// or https://", quoted(text)));
    };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(format!("scheme {} is not supported; give http or https", quoted(scheme)));
    }
    if rest.is_empty() || rest.starts_with(['/', '?', '#', ':']) {
        return Err(format!("{} has no host", quoted(text)));
    }
    let wrong = |c: char| !c.is_ascii() || c.is_ascii_control() || c == ' ';
    match rest.chars().find(|c| wrong(*c)) {
        Some(c) => Err(format!("has the character {c:?}; write it percent-encoded")),
        None => Ok(()),
    }
}

/// The port that is given. The parser takes "host:" and "host:99999" for valid.
fn port(uri: &Uri) -> Result<Option<u16>, String> {
    let authority = uri.authority().map_or("", Authority::as_str);
    if authority.contains('@') {
        return Err("has a user name in it; give an Authorization header instead".into());
    }
    match authority.strip_prefix(uri.host().unwrap_or_default()).unwrap_or_default() {
        "" => Ok(None),
        after_host => match uri.port_u16() {
            Some(port) if port > 0 => Ok(Some(port)),
            _ => {
                let port = quoted(&after_host[1..]);
                Err(format!("port {port} is out of range; give 1 to 65535"))
            }
        },
    }
}

/// Without a path the request's path is still `/`; so it is written the same way always.
fn with_path(uri: Uri) -> Result<Uri, http::uri::InvalidUri> {
    if uri.path_and_query().is_some_and(|path| path.as_str().starts_with('/')) {
        return Ok(uri);
    }
    let (scheme, authority) = (uri.scheme_str(), uri.authority());
    let (scheme, authority) = (scheme.unwrap_or("http"), authority.map_or("", Authority::as_str));
    let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
    format!("{scheme}://{authority}/{query}").parse()
}

/// Whether `method` asks for something that can be measured.
///
/// # Errors
/// What is wrong with it.
pub fn check_method(method: &Method) -> Result<(), &'static str> {
    if *method == Method::CONNECT {
        return Err("CONNECT opens a tunnel, which is no request to measure");
    }
    Ok(())
}

/// Whether the field says where a message ends or what becomes of its connection. Two who say it
/// may differ, so the load generator alone does.
#[must_use]
pub fn is_framing(name: &HeaderName) -> bool {
    [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name)
}

/// Text between quotes, its control characters escaped, and not too much of it.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_parser_let_pass_is_judged_by_the_same_rules() {
        for (text, why) in [
            ("http://h:99999/", r#"port "99999" is out of range; give 1 to 65535"#),
            ("http://h:/", r#"port "" is out of range; give 1 to 65535"#),
            ("http://h:0/", r#"port "0" is out of range; give 1 to 65535"#),
            ("http://:80/", r#""http://:80/" has no host"#),
            ("http://u:p@h/", "has a user name in it; give an Authorization header instead"),
            ("http://h/\u{e4}", "has the character 'ä'; write it percent-encoded"),
            ("ftp://h/", r#"scheme "ftp" is not supported; give http or https"#),
            ("/x", r#""/x" is not a whole URL; begin with http:// or https://"#),
        ] {
            let uri: Uri = text.parse().unwrap();
            assert_eq!(Url::of(&uri).unwrap_err(), why);
            assert_eq!(Origin::of(&uri).unwrap_err(), why);
        }
        let url = Url::of(&"http://[::1]:81?x=1".parse().unwrap()).unwrap();
        assert_eq!(url.uri(), "http://[::1]:81/?x=1");
        assert_eq!(url.uri().path_and_query().unwrap().as_str(), "/?x=1");
        assert_eq!(url.origin(), &Origin { tls: false, host: "::1".into(), port: 81 });
    }
}
