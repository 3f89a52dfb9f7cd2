//! Turns the text of a target URL into an address that can be dialled.

use super::limits::MAX_URL_BYTES;
use crate::request::Url;
use http::Uri;
use std::fmt;
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket, in bytes: `sun_path` of Linux, less its final zero.
const MAX_SOCKET_PATH: usize = 107;

/// Where requests go: a URL of http or https with a host, or one behind a Unix socket.
///
/// A Unix socket is written `unix:/path/to.sock:/http/path`: the socket's path up to the first
/// `:/`, then the request's. Its host is `localhost`, unless a Host header says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    unix_socket: Option<PathBuf>,
}

impl Target {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_URL_BYTES {
            return Err(format!("has {} bytes; give at most {MAX_URL_BYTES}", text.len()));
        }
        match text.strip_prefix("unix:") {
            Some(rest) => unix(rest),
            None => Ok(Self { url: Url::parse(text)?, unix_socket: None }),
        }
    }

    /// The same URL behind a Unix socket, which is dialled in the place of its host.
    ///
    /// # Errors
    /// What is wrong with the socket's path.
    pub fn over_socket(self, socket: PathBuf) -> Result<Self, String> {
        check_socket(&socket.to_string_lossy())?;
        Ok(Self { unix_socket: Some(socket), ..self })
    }

    /// Whether its one text says both URL and socket: `unix:/path/to.sock:/http/path`.
    pub(super) fn is_unix_url(&self) -> bool {
        let origin = self.url.origin();
        let socket = self.unix_socket.as_deref().map(|socket| socket.to_string_lossy());
        socket.is_some_and(|socket| !socket.contains(":/"))
            && (origin.tls, origin.host.as_str(), origin.port) == (false, "localhost", 80)
    }

    /// The URL, and what its connections belong to.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL: its scheme is http or https, and it has a host.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        self.url.uri()
    }

    /// The Unix socket to dial in the place of the host.
    #[must_use]
    pub fn unix_socket(&self) -> Option<&Path> {
        self.unix_socket.as_deref()
    }

    /// The host as it stands in the URL; an IPv6 address in its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri().host().unwrap_or_default()
    }

    /// The port, or that of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.origin().port
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.url.origin().tls
    }
}

impl From<Url> for Target {
    fn from(url: Url) -> Self {
        Self { url, unix_socket: None }
    }
}

/// As it was written, but that an empty path is `/`. A URL that was given beside a socket stands alone.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unix_socket.as_ref().filter(|_| self.is_unix_url()) {
            None => write!(f, "{}", self.uri()),
            Some(socket) => {
                let path = self.uri().path_and_query().map_or("/", |path| path.as_str());
                write!(f, "unix:{}:{path}", socket.display())
            }
        }
    }
}

fn unix(rest: &str) -> Result<Target, String> {
    let (socket, path) = match rest.find(":/") {
        Some(colon) => (&rest[..colon], &rest[colon + 1..]),
        None => (rest.strip_suffix(':').unwrap_or(rest), "/"),
    };
    if socket.is_empty() {
        return Err("has no socket path; write it like unix:/path/to.sock:/http/path".into());
    }
    check_socket(socket)?;
    let url = Url::parse(&format!("http://localhost{path}"))?;
    Ok(Target { url, unix_socket: Some(socket.into()) })
}

fn check_socket(path: &str) -> Result<(), String> {
    if path.is_empty() || path.contains(char::is_control) {
        return Err("is no path of a socket; give one such as /run/app.sock".into());
    }
    if path.len() > MAX_SOCKET_PATH {
        let bytes = path.len();
        return Err(format!("socket path has {bytes} bytes; give at most {MAX_SOCKET_PATH}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Target::parse(text).unwrap_err()
    }

    #[test]
    fn urls() {
        for (text, host, port, tls, written) in [
            ("http://a.b/c?d=e", "a.b", 80, false, "http://a.b/c?d=e"),
            ("HTTPS://a.b", "a.b", 443, true, "https://a.b/"),
            ("http://a?x=1", "a", 80, false, "http://a/?x=1"),
            ("http://[::1]:8080/x", "[::1]", 8080, false, "http://[::1]:8080/x"),
            ("http://127.0.0.1:65535", "127.0.0.1", 65_535, false, "http://127.0.0.1:65535/"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(
                (target.host(), target.port(), target.is_tls()),
                (host, port, tls),
                "{text}"
            );
            assert_eq!(target.to_string(), written);
            assert_eq!(Target::parse(written), Ok(target));
        }
    }

    #[test]
    fn unix_sockets() {
        let target = Target::parse("unix:/run/app.sock:/health?deep=1").unwrap();
        assert_eq!(target.unix_socket(), Some(Path::new("/run/app.sock")));
        assert_eq!(target.uri().to_string(), "http://localhost/health?deep=1");
        assert_eq!(target.to_string(), "unix:/run/app.sock:/health?deep=1");
        assert_eq!(Target::parse("unix:/a").unwrap().to_string(), "unix:/a:/");
        assert!(fault("unix:").starts_with("has no socket path"));
        assert!(
            fault(&format!("unix:/{}", "a".repeat(107))).contains("108 bytes; give at most 107")
        );
    }

    #[test]
    fn faults() {
        assert_eq!(
            fault("example.com/x"),
            r#""example.com/x" is not a whole URL; begin with http:// or https://"#
        );
        assert_eq!(fault("ftp://a/"), r#"scheme "ftp" is not supported; give http or https"#);
        assert_eq!(fault("http:///x"), r#""http:///x" has no host"#);
        assert_eq!(fault("http://:80/x"), r#""http://:80/x" has no host"#);
        assert_eq!(fault("http://a/b c"), "has the character ' '; write it percent-encoded");
        assert_eq!(fault("http://a/\u{e4}"), "has the character 'ä'; write it percent-encoded");
        assert_eq!(fault("http://a/\r\nX: y"), r"has the character '\r'; write it percent-encoded");
        assert_eq!(fault("http://a:99999/"), r#"port "99999" is out of range; give 1 to 65535"#);
        assert_eq!(fault("http://a:0/"), r#"port "0" is out of range; give 1 to 65535"#);
        assert_eq!(
            fault("http://u:p@a/"),
            "has a user name in it; give an Authorization header instead"
        );
        assert!(fault("http://[::1/").contains("is not a URL"));
        assert!(fault(&format!("http://a/{}", "x".repeat(20_000))).contains("give at most 16384"));
    }
}
