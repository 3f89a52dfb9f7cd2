//! Turns a proxy's URL, and the fields of a request that are for it, into who is asked and with
//! what.
//!
//! What proves who we are to a proxy is between us and it (RFC 9110 section 11.7.2): it stands in what
//! the proxy reads, the request for a tunnel or a request that the proxy passes on, and never in what
//! goes through a tunnel.

use crate::request::{ErrorClass, Failure, FieldName, Origin, percent_decoded};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::header::{HeaderValue, PROXY_AUTHORIZATION};
use http::uri::Authority;
use std::io;
use tokio::net::TcpStream;

/// Most bytes of a proxy's reply to CONNECT.
const MAX_PROXY_REPLY: usize = 16 * 1024;

/// A proxy, and what it is told about us.
#[derive(Debug)]
pub struct Proxy {
    /// Where it is.
    pub origin: Origin,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy of `uri`, `http://[NAME:PASSWORD@]HOST[:PORT]`. A `Proxy-Authorization` among `headers`
    /// says more than a name in the URL.
    ///
    /// # Errors
    /// What is wrong with it, without the name and the password.
    pub fn new(uri: &Uri, headers: &[(FieldName, HeaderValue)]) -> Result<Self, String> {
        let authority = uri.authority().map_or("", Authority::as_str);
        let scheme = uri.scheme_str().unwrap_or_default();
        let (user, host) = split(authority);
        let bare =
            format!("{scheme}://{host}").parse::<Uri>().map_err(|error| error.to_string())?;
        let origin = Origin::of(&bare)?;
        if origin.tls {
            return Err("only http:// proxies are supported".into());
        }
        let given = headers.iter().find(|(name, _)| *name == PROXY_AUTHORIZATION);
        let authorization = match (given, user) {
            (Some((_, value)), _) => Some(value.clone()),
            (None, Some(user)) => Some(basic(user)?),
            (None, None) => None,
        };
        Ok(Self { origin, authorization })
    }

    /// The field that says who we are, for a request that the proxy itself reads.
    pub fn field(&self) -> Option<(FieldName, HeaderValue)> {
        let name = FieldName::known(PROXY_AUTHORIZATION, "Proxy-Authorization");
        self.authorization.clone().map(|value| (name, value))
    }

    /// Asks for a tunnel over a connection to the proxy (RFC 9110 section 9.3.6).
    ///
    /// # Errors
    /// `connect_refused`, `protocol`.
    pub async fn tunnel(
        &self,
        stream: TcpStream,
        host: &str,
        port: u16,
    ) -> Result<TcpStream, Failure> {
        let host =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let ask = self.connect(&host);
        let failed = |error| Failure::io(ErrorClass::ConnectRefused, error);
        let mut left = &ask[..];
        while !left.is_empty() {
            stream.writable().await.map_err(failed)?;
            match stream.try_write(left) {
                Ok(written) => left = &left[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(failed(error)),
            }
        }
        // Byte by byte: what follows the head belongs to TLS. A handful of bytes, once a connection.
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n\r\n") {
            stream.readable().await.map_err(failed)?;
            let mut byte = [0];
            match stream.try_read(&mut byte) {
                Ok(0) => {
                    return Err(Failure::new(
                        ErrorClass::ConnectRefused,
                        "the proxy closed the connection",
                    ));
                }
                Ok(_) => reply.push(byte[0]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(failed(error)),
            }
            if reply.len() > MAX_PROXY_REPLY {
                return Err(Failure::new(ErrorClass::Protocol, "the proxy's reply has no end"));
            }
        }
        let line = reply.split(|&b| b == b'\r').next().unwrap_or_default();
        if line.starts_with(b"HTTP/1.") && line.get(9) == Some(&b'2') {
            return Ok(stream);
        }
        let answer = line.escape_ascii();
        let hint = match line.get(9..12) {
            Some(b"407") => {
                "; give --proxy http://NAME:PASSWORD@HOST:PORT, or a Proxy-Authorization header"
            }
            _ => "",
        };
        Err(Failure::text(
            ErrorClass::ConnectRefused,
            format_args!("the proxy refused the tunnel to {host}: {answer}{hint}"),
        ))
    }

    pub(super) fn connect(&self, authority: &str) -> Vec<u8> {
        let mut ask = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
        if let Some(value) = &self.authorization {
            ask.extend_from_slice(b"Proxy-Authorization: ");
            ask.extend_from_slice(value.as_bytes());
            ask.extend_from_slice(b"\r\n");
        }
        ask.extend_from_slice(b"\r\n");
        ask
    }
}

/// The user information of an authority, and the rest.
fn split(authority: &str) -> (Option<&str>, &str) {
    authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host))
}

/// RFC 7617. A URL has the name and the password percent-encoded.
fn basic(user: &str) -> Result<HeaderValue, String> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let credentials = [percent_decoded(name)?, percent_decoded(password)?].join(&b':');
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(credentials)))
        .map_err(|error| error.to_string())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(uri: &str, header: Option<&str>) -> Result<Proxy, String> {
        let name = || "Proxy-Authorization".parse().unwrap();
        let headers: Vec<_> =
            header.into_iter().map(|value| (name(), value.parse().unwrap())).collect();
        Proxy::new(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn a_user_name_becomes_credentials_and_a_field_that_is_given_says_more() {
        for (uri, header, expected) in [
            ("http://p:3128", None, None),
            // The example of RFC 7617.
            ("http://Aladdin:open%20sesame@p", None, Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            ("http://u:a%40b%3Ac@p", None, Some("Basic dTphQGI6Yw==")),
            ("http://u@p", None, Some("Basic dTo=")),
            ("http://u:p@p", Some("Bearer t"), Some("Bearer t")),
            ("http://p", Some("Bearer t"), Some("Bearer t")),
        ] {
            let proxy = proxy(uri, header).unwrap();
            let field = proxy.field().map(|(_, value)| value);
            assert_eq!(field.as_ref().map(|value| value.to_str().unwrap()), expected, "{uri}");
            let ask = String::from_utf8(proxy.connect("h:443")).unwrap();
            let line = expected.map(|value| format!("Proxy-Authorization: {value}\r\n"));
            let line = line.unwrap_or_default();
            assert_eq!(ask, format!("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n{line}\r\n"));
        }
        let origin = proxy("http://u:p@[::1]:3128", None).unwrap().origin;
        assert_eq!((origin.host.as_str(), origin.port), ("::1", 3128));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (uri, why) in [
            ("https://u:s3cret@p", "only http://"),
            ("http://u:s3cret%2@p", "two hexadecimal digits"),
            ("http://u:s3cret%zz@p", "two hexadecimal digits"),
            ("http://u:s3cret@p:0", "out of range"),
        ] {
            let error = proxy(uri, None).unwrap_err();
            assert!(error.contains(why) && !error.contains("s3cret"), "{error}");
        }
        assert_eq!(crate::request::shown(&"http://u:s3cret@p:1".parse().unwrap()), "http://p:1/");
        assert_eq!(crate::request::shown(&"http://p:1".parse().unwrap()), "http://p:1/");
    }
}
