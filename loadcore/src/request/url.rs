//! Turns texts into URLs, origins and authorities that HTTP can ask, or says what is wrong.
//!
//! Scenarios, calls of the library and redirects are held to the same rules.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Uri};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/2 where TLS's ALPN agrees on it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    Http2,
}

/// Which addresses of a name are dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// All.
    #[default]
    Any,
    /// Those of IPv4.
    Ipv4,
    /// Those of IPv6.
    Ipv6,
}

impl AddressFamily {
    /// Whether `address` is one of them.
    #[must_use]
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Ipv4 => address.is_ipv4(),
            Self::Ipv6 => address.is_ipv6(),
        }
    }
}

/// As in "it has no ... address".
impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "IP",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// The longest name of a host, as DNS has it (RFC 1035 section 2.3.4).
const MAX_HOST_BYTES: usize = 255;
/// Asks for HTTP/2 in a request of HTTP/1.1 (RFC 7540 section 3.2.1).
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// What a request for compressed replies asks for: Accept-Encoding.
pub const ENCODINGS: &str = "gzip, br, zstd";

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
    /// Parses a URL. An empty path becomes `/`, an empty port the scheme's own, and an international
    /// name of a host is written in letters that DNS has (see [`ascii_host`]).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = split_scheme(text) else {
            let advice = "begin with http:// or https://";
            return Err(format!("{} is not a whole URL; {advice}", quoted_url(text)));
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => {
                let scheme = quoted(scheme);
                return Err(format!("scheme {scheme} is not supported; give http or https"));
            }
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.is_empty() || authority.starts_with(':') && !is_ipv6(authority) {
            return Err(format!("{} has no host", quoted_url(text)));
        }
        check_characters(authority, |c| !c.is_ascii())?;
        check_characters(path, |_| false)?;
        let Authority { host, port } = Authority::parse(authority)?;
        let scheme = if tls { "https" } else { "http" };
        let authority = Authority { host: host.clone(), port };
        // Without a path the request's path is still `/`; so it is written the same way always.
        let slash = if path.starts_with('/') { "" } else { "/" };
        let uri = format!("{scheme}://{authority}{slash}{path}").parse();
        let uri = uri.map_err(|error| format!("{} is not a URL: {error}", quoted_url(text)))?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
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

/// `text` with `http://` before it, where it has no scheme: for those who type a URL. What only
/// looks as if it had lost a part of its scheme (`http:/host`) stays as it is, to be refused.
#[must_use]
pub fn with_scheme(text: &str) -> Cow<'_, str> {
    let is_cut = |scheme: &str| {
        let start = text.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme));
        start && !text[scheme.len()..].starts_with(|c: char| c.is_ascii_digit())
    };
    if has_scheme(text) || is_cut("http:") || is_cut("https:") {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("http://{text}"))
    }
}

/// Whether a URL says its scheme: a `://` in a query is no part of that.
#[must_use]
pub fn has_scheme(text: &str) -> bool {
    split_scheme(text).is_some()
}

/// What stands before `://` and after it, where the one can be a scheme (RFC 3986 section 3.1).
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_scheme =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(inner);
    is_scheme.then_some((scheme, rest))
}

/// A host and perhaps a port, as a URL and a Host field have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// In letters that DNS has, and without brackets.
    pub host: String,
    /// If one is given.
    pub port: Option<u16>,
}

impl Authority {
    /// Parses `host`, `host:port`, `[IPv6]` or `[IPv6]:port`. A port may be empty, which says as much
    /// as none (RFC 3986 section 3.2.3).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            return Err("has a user name in it; give an Authorization header instead".into());
        }
        if is_ipv6(text) {
            return Err(format!("{} is an IPv6 address; write it in brackets", quoted(text)));
        }
        let (host, port) = match text.strip_prefix('[') {
            None => text.split_once(':').unwrap_or((text, "")),
            Some(rest) => {
                let closed = rest.split_once(']').filter(|(host, _)| is_ipv6(host));
                let port = |after: &str| after.is_empty() || after.starts_with(':');
                let (host, after) = closed.filter(|(_, after)| port(after)).ok_or_else(|| {
                    format!("{} is not a URL: its IPv6 address is none", quoted(text))
                })?;
                (host, after.trim_start_matches(':'))
            }
        };
        if host.is_empty() {
            return Err(format!("{} has no host", quoted(text)));
        }
        if host.len() > MAX_HOST_BYTES {
            let bytes = host.len();
            return Err(format!("has a host of {bytes} bytes; give at most {MAX_HOST_BYTES}"));
        }
        let port = if port.is_empty() { None } else { Some(parse_port(port)?) };
        let made = Self { host: ascii_host(host)?.into_owned(), port };
        match http::uri::Authority::try_from(made.to_string()) {
            Ok(_) => Ok(made),
            Err(_) => Err(format!("{} is not a host's name", quoted(text))),
        }
    }
}

/// As it stands in a URL: an IPv6 address in brackets.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            host if host.contains(':') => write!(f, "[{host}]")?,
            host => f.write_str(host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// A port that can be dialled, in digits alone.
///
/// # Errors
/// What is wrong with it.
pub fn parse_port(text: &str) -> Result<u16, String> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| is_digits && *port > 0);
    port.ok_or_else(|| format!("port {} is out of range; give 1 to 65535", quoted(text)))
}

/// The name of a host in letters that DNS has: `bücher.example` is `xn--bcher-kva.example`
/// (UTS 46, as browsers have it). What has none but ASCII letters is left as it is.
///
/// # Errors
/// A name that IDNA does not allow; any of this kind where the feature `idna` is not built; an IPv4
/// address that is not written as four decimal numbers, for others read `127.1` and `0x7f000001` as
/// they please.
pub fn ascii_host(host: &str) -> Result<Cow<'_, str>, String> {
    let ascii = if host.is_ascii() { Cow::Borrowed(host) } else { international(host)? };
    if ends_in_a_number(&ascii) && ascii.parse::<Ipv4Addr>().is_err() {
        let what = "ends in a number and is no IPv4 address; write one as 127.0.0.1";
        return Err(format!("the host {} {what}", quoted(host)));
    }
    Ok(ascii)
}

/// Whether parsers of URLs take it for an IPv4 address in some form (WHATWG URL, section 3.5).
fn ends_in_a_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    // An IPv6 address may end in an IPv4 address.
    !host.contains(':') && (is_number(last) || is_hex)
}

#[cfg(feature = "idna")]
fn international(host: &str) -> Result<Cow<'_, str>, String> {
    use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
    // The list is that of URLs: a letter that only looks like `/` must not become one.
    let length = DnsLength::VerifyAllowRootDot;
    Uts46::new()
        .to_ascii(host.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, length)
        .map_err(|_| format!("{} is not a host's name: IDNA does not allow it", quoted(host)))
}

#[cfg(not(feature = "idna"))]
fn international(host: &str) -> Result<Cow<'_, str>, String> {
    Err(format!(
        "the host {} is an international name; write it in ASCII (xn--...), or build with the feature `idna`",
        quoted(host)
    ))
}

/// Refuses what the parser of URLs lets pass, or says too little of.
fn check_characters(part: &str, is_right: impl Fn(char) -> bool) -> Result<(), String> {
    let wrong = |c: &char| !c.is_ascii() || c.is_ascii_control() || *c == ' ';
    match part.chars().find(|c| wrong(c) && !is_right(*c)) {
        Some(c) => Err(format!("has the character {c:?}; write it percent-encoded")),
        None => Ok(()),
    }
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

/// Whether the field says where a message ends, in which steps it is sent, or what becomes of its
/// connection. Two who say it may differ, so the load generator alone does.
#[must_use]
pub fn is_framing(name: &HeaderName) -> bool {
    framing(name).is_some()
}

/// Why a field of that name is not taken, and how to have what it asks for.
#[must_use]
pub fn framing(name: &HeaderName) -> Option<&'static str> {
    let ours = [
        (CONTENT_LENGTH, "it follows from the body"),
        (TRANSFER_ENCODING, "a body is sent whole, with its length"),
        (TRAILER, "a body is sent whole, with nothing behind it"),
        (EXPECT, "a body is sent with its head, and waits for no leave"),
        (CONNECTION, "for a connection for each request give keepAlive: false (--no-keepalive)"),
        (UPGRADE, "for another version of HTTP give httpVersion"),
        (HTTP2_SETTINGS, "for another version of HTTP give httpVersion"),
    ];
    ours.into_iter().find(|(ours, _)| ours == name).map(|(_, instead)| instead)
}

/// Whether a field may have this value: whatever a field can have, but that a Host is one, and that
/// replies are asked for in no coding that is not read here.
///
/// # Errors
/// What is wrong with it.
pub fn check_value(name: &HeaderName, value: &HeaderValue) -> Result<(), String> {
    if *name == HOST {
        let host = value.to_str().map_err(|_| "is not a host's name".to_owned())?;
        return Authority::parse(host).map(drop);
    }
    if *name == TE && !value.as_bytes().eq_ignore_ascii_case(b"trailers") {
        return Err(
            "asks for a coding that is not read here; give trailers, or leave it out".into()
        );
    }
    Ok(())
}

/// A URL as it may be shown, in quotes: without a name, a password and a query.
pub(crate) fn quoted_url(text: &str) -> String {
    quoted(&without_secrets(text))
}

/// A URL as it may be shown: without a name, a password and a query.
pub(crate) fn shown(uri: &Uri) -> String {
    without_secrets(&uri.to_string())
}

/// Many a key stands in a query, under any name.
fn without_secrets(text: &str) -> String {
    match text.split_once('?') {
        Some((before, _)) => format!("{}?...", without_user(before)),
        None => without_user(text).into_owned(),
    }
}

/// What is no URL at all may have them too, and then everything before the `@` is left out.
fn without_user(text: &str) -> Cow<'_, str> {
    let start = text.find("://").map_or(0, |at| at + 3);
    let rest = &text[start..];
    let end = rest.find(['/', '?', '#']).filter(|_| start > 0).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => Cow::Owned(format!("{}{}", &text[..start], &rest[at + 1..])),
        None => Cow::Borrowed(text),
    }
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
    fn a_url_is_shown_without_a_password() {
        for (text, shown) in [
            ("http://u:p@h/x?y=@", r#""http://h/x?...""#),
            ("h/x?token=s3cret", r#""h/x?...""#),
            ("http://h/@x", r#""http://h/@x""#),
            ("u:p/w@h", r#""h""#),
            ("http://u:p@", r#""http://""#),
        ] {
            assert_eq!(quoted_url(text), shown);
        }
        for text in ["u:s3cret@h/", "ftp://u:s3cret@h/", "http://u:s3cret@h/", "http://u:s3cret@"] {
            let error = Url::parse(text).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn what_another_parser_let_pass_is_judged_by_the_same_rules() {
        for (text, why) in [
            ("http://h:99999/", r#"port "99999" is out of range; give 1 to 65535"#),
            ("http://h:0/", r#"port "0" is out of range; give 1 to 65535"#),
            ("http://h:+80/", r#"port "+80" is out of range; give 1 to 65535"#),
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

    /// Parsers of URLs differ in what they take for an address: here it is one, or the URL is none.
    #[test]
    fn an_ipv4_address_is_written_in_one_way() {
        for host in [
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0X7f.1",
            "0x7f.0.0.1",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.01",
            "256.0.0.1",
            "1.2.3.4.5",
            "127.0.0.1.",
            "a.1",
            "a.0x",
            "0",
        ] {
            let why = Url::parse(&format!("http://{host}/")).unwrap_err();
            assert!(why.contains("write one as 127.0.0.1"), "{host}: {why}");
            assert!(format!("::{host}:").parse::<crate::request::ConnectTo>().is_err(), "{host}");
        }
        for host in ["127.0.0.1", "a.1b", "1.a", "0x7f000001.test", "[::ffff:127.0.0.1]", "x1"] {
            Url::parse(&format!("http://{host}/")).unwrap_or_else(|why| panic!("{host}: {why}"));
        }
    }

    fn parsed(text: &str) -> (String, String, u16) {
        let url = Url::parse(&with_scheme(text)).unwrap_or_else(|why| panic!("{text}: {why}"));
        let Origin { host, port, .. } = url.origin().clone();
        (url.uri().to_string(), host, port)
    }

    #[test]
    fn a_scheme_stands_at_the_beginning_alone() {
        for (text, written, host, port) in [
            ("h:81/login?next=http://x/", "http://h:81/login?next=http://x/", "h", 81),
            ("h?next=https://x/", "http://h/?next=https://x/", "h", 80),
            ("h/a://b", "http://h/a://b", "h", 80),
            ("https://h/?next=ftp://x", "https://h/?next=ftp://x", "h", 443),
            ("[::1]:8/?u=http://[::2]/", "http://[::1]:8/?u=http://[::2]/", "::1", 8),
            ("http:81/x", "http://http:81/x", "http", 81),
        ] {
            assert_eq!(parsed(text), (written.into(), host.into(), port), "{text}");
        }
        for text in ["http:/h/", "https:h", "HTTP:/h"] {
            let error = Url::parse(&with_scheme(text)).unwrap_err();
            assert!(error.contains("is not a whole URL"), "{text}: {error}");
        }
        for text in ["://h/", "h:80/?u=http://x"] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains("is not a whole URL"), "{text}: {error}");
        }
    }

    #[test]
    fn an_empty_port_is_that_of_the_scheme() {
        for (text, written, host, port) in [
            ("http://127.0.0.1:/", "http://127.0.0.1/", "127.0.0.1", 80),
            ("https://h:?x", "https://h/?x", "h", 443),
            ("http://[::1]:/a", "http://[::1]/a", "::1", 80),
            ("h:", "http://h/", "h", 80),
        ] {
            assert_eq!(parsed(text), (written.into(), host.into(), port), "{text}");
        }
        for (text, why) in [
            ("http://::1/", "\"::1\" is an IPv6 address; write it in brackets"),
            ("http://[::1]x/", "its IPv6 address is none"),
            ("http://[h]/", "its IPv6 address is none"),
            ("http://a:b:1/", "port \"b:1\" is out of range"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    #[cfg(feature = "idna")]
    fn an_international_name_is_written_as_dns_has_it() {
        for (text, written) in [
            ("http://b\u{fc}cher.example:81/x", "http://xn--bcher-kva.example:81/x"),
            ("B\u{dc}CHER.example", "http://xn--bcher-kva.example/"),
            ("https://\u{4f8b}\u{3048}\u{3002}jp", "https://xn--r8jz45g.jp/"),
            ("http://\u{ff11}27.0.0.1/", "http://127.0.0.1/"),
            ("http://A_b.test/", "http://A_b.test/"),
        ] {
            assert_eq!(parsed(text).0, written, "{text}");
        }
        // They would become `a/b` and `a@b`.
        for text in ["a\u{ff0f}b", "a\u{ff20}b"] {
            let error = Url::parse(&with_scheme(text)).unwrap_err();
            assert!(error.contains("IDNA does not allow it"), "{text}: {error}");
        }
        // And this one nothing at all.
        assert!(Url::parse("http://\u{ad}/").is_err());
        let long = format!("http://{}.test/", "\u{fc}".repeat(80));
        assert!(Url::parse(&long).unwrap_err().contains("IDNA does not allow it"));
    }

    #[test]
    #[cfg(not(feature = "idna"))]
    fn an_international_name_needs_its_feature() {
        let error = Url::parse("http://b\u{fc}cher.example/").unwrap_err();
        assert!(error.contains("build with the feature `idna`"), "{error}");
    }
}
