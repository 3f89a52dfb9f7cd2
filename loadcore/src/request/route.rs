//! Turns texts that say which way connections go into rules of where to dial, and into a proxy.

use super::url::{Authority, Url, has_scheme, parse_port};
use http::Uri;
use std::fmt;
use std::str::FromStr;

/// "What would go to this host and port goes to that one": an empty host or port 0 fits any. Written
/// as curl has it, `HOST1:PORT1:HOST2:PORT2`, IPv6 addresses in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    /// Host in the URL; empty: any.
    pub host: String,
    /// Port in the URL; 0: any.
    pub port: u16,
    /// Host to dial; empty: as it was.
    pub to_host: String,
    /// Port to dial; 0: as it was.
    pub to_port: u16,
}

impl FromStr for ConnectTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = colon_parts(text);
        let [host, port, to_host, to_port] = parts[..] else {
            return Err(format!(
                "it has {} parts; write HOST1:PORT1:HOST2:PORT2, IPv6 addresses in brackets",
                parts.len()
            ));
        };
        let port_of = |text: &str| if text.is_empty() { Ok(0) } else { parse_port(text) };
        let host_of = |text: &str| match text {
            "" => Ok(String::new()),
            text => Authority::parse(text).map(|it| it.host),
        };
        Ok(Self {
            host: host_of(host)?,
            port: port_of(port)?,
            to_host: host_of(to_host)?,
            to_port: port_of(to_port)?,
        })
    }
}

/// As it is read.
impl fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &str| match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        let port = |port: u16| if port == 0 { String::new() } else { port.to_string() };
        let Self { host: from, port: from_port, to_host, to_port } = self;
        write!(f, "{}:{}:{}:{}", host(from), port(*from_port), host(to_host), port(*to_port))
    }
}

/// Splits at colons that are not in brackets.
fn colon_parts(text: &str) -> Vec<&str> {
    let mut in_brackets = false;
    text.split(|c| {
        in_brackets = (in_brackets || c == '[') && c != ']';
        c == ':' && !in_brackets
    })
    .collect()
}

/// The URL of an HTTP proxy, `http://[NAME:PASSWORD@]HOST[:PORT]`. Neither name nor password is in what
/// its `Debug` and [`ProxyUrl::shown`] show, nor in what is said of one that is wrong.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(String);

impl ProxyUrl {
    /// Parses a whole URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://").filter(|_| has_scheme(text)) else {
            return Err("is not a whole URL; begin with http://".into());
        };
        if !scheme.eq_ignore_ascii_case("http") {
            return Err("only http:// proxies are supported".into());
        }
        // A name and a password stand before the last @.
        let (user, host) =
            rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
        let url = Url::parse(&format!("http://{host}"))?;
        let (Some(user), Some(authority)) = (user, url.uri().authority()) else {
            return Ok(Self(url.uri().to_string()));
        };
        percent_decoded(user)?;
        let whole = format!("{user}@{authority}");
        let text = format!("http://{whole}/");
        // A slash in a password would end the authority before it.
        let uri = text.parse().ok();
        uri.filter(|uri: &Uri| uri.authority().is_some_and(|it| it.as_str() == whole))
            .ok_or("its name and password have to be percent-encoded (/ as %2F)")?;
        Ok(Self(text))
    }

    /// With name and password: for asking the proxy, never for showing.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// As a URI, with name and password.
    #[must_use]
    pub fn uri(&self) -> Uri {
        self.0.parse().unwrap_or_default()
    }

    /// With `instead` in the place of name and password, if it has them.
    #[must_use]
    pub fn shown(&self, instead: &str) -> String {
        match self.0.rsplit_once('@') {
            None => self.0.clone(),
            Some((_, host)) => format!("http://{instead}@{host}"),
        }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown("..."))
    }
}

/// RFC 3986 section 2.1.
pub(crate) fn percent_decoded(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || "a % in its user name or password is not followed by two hexadecimal digits";
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_led_elsewhere_as_by_curl() {
        let rule = |text: &str| text.parse::<ConnectTo>();
        let parts = |text: &str| {
            let ConnectTo { host, port, to_host, to_port } = rule(text).unwrap();
            (host, port, to_host, to_port)
        };
        let expected = |host: &str, port, to_host: &str, to_port| {
            (host.to_owned(), port, to_host.to_owned(), to_port)
        };
        let all = expected("a.test", 443, "127.0.0.1", 8443);
        assert_eq!(parts("a.test:443:127.0.0.1:8443"), all);
        assert_eq!(parts("::b:"), expected("", 0, "b", 0));
        assert_eq!(parts("[::1]:80:[fe80::1]:81"), expected("::1", 80, "fe80::1", 81));
        assert!(rule("a:1:b").unwrap_err().contains("3 parts"));
        for port in ["70000", "0", "+1"] {
            let error = rule(&format!("a:1:b:{port}")).unwrap_err();
            assert!(error.contains("give 1 to 65535"), "{error}");
        }
        // A proxy is asked for a tunnel by that name.
        for host in ["a\r\nX: y", "a b", "u@a", "[a]", "a/b", "a\0"] {
            assert!(rule(&format!("a:1:{host}:2")).is_err(), "{host:?}");
            assert!(rule(&format!("{host}:1:a:2")).is_err(), "{host:?}");
        }
        #[cfg(feature = "idna")]
        {
            let (name, ascii) = ("b\u{fc}cher.example", "xn--bcher-kva.example");
            assert_eq!(parts(&format!("{name}:1:{name}:2")), expected(ascii, 1, ascii, 2));
        }
        for text in ["a.test:443:127.0.0.1:8443", "::b:", "[::1]:80:[fe80::1]:81", ":::"] {
            assert_eq!(rule(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_proxy_is_plain_http_and_its_password_is_not_repeated() {
        let parsed = |text: &str| ProxyUrl::parse(text).unwrap();
        assert_eq!(parsed("http://h:3128").secret(), "http://h:3128/");
        assert_eq!(parsed("HTTP://h:").secret(), "http://h/");
        let named = parsed("http://u:s3cret@h:3128");
        assert_eq!(named.uri().authority().unwrap(), "u:s3cret@h:3128");
        assert_eq!(named.shown("x"), "http://x@h:3128/");
        assert_eq!(parsed("http://h").shown("x"), "http://h/");
        assert!(!format!("{named:?}").contains("s3cret"));
        for (text, why) in [
            ("https://u:s3cret@h", "only http://"),
            ("http://u:s3cret@h i", "has the character ' '"),
            ("http:/u:s3cret@h", "begin with http://"),
            ("u:s3cret@h:1", "begin with http://"),
            ("http://u:s3cret/1@h:3128", "percent-encoded"),
            ("http://u:s3cret?@h", "percent-encoded"),
            ("http://u:s3cret#@h", "percent-encoded"),
            ("http://u:s3cret%2@h", "two hexadecimal digits"),
            ("http://u:s3cret@", "has no host"),
            ("http://u:s3cret@:80", "has no host"),
            ("http://u:s3cret@h:0", "give 1 to 65535"),
            ("http://", "has no host"),
            ("socks5://h", "only http://"),
        ] {
            let error = ProxyUrl::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
